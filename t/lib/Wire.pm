package Wire;

# Speaks the milter protocol to a milter as an MTA does, in the dialect of
# Postfix 3.7 or of Sendmail 8.17: the macros each sends at each stage, asked
# for or by default, and the spelling of their values.
#
#   my $wire = Wire->new('unix:/path', dialect => 'sendmail');
#   $wire->negotiate;            # { actions, protocol, symlists }
#   $wire->connect(client => '203.0.113.9', listener => '192.0.2.25');
#   $wire->helo('mail.example');
#   my $answer = $wire->mail('<a@b.example>', 'SIZE=100');
#   print $answer->{verdict};    # continue, reject, tempfail, ...
#   print $answer->{reply};      # "550 5.7.54 ..." or undef
#
# An answer is { command, verdict, reply, edits }. The verdict is
#   accept continue discard reject tempfail skip   the milter's word
#   silent   sent, but negotiated to need no answer
#   unsent   negotiated away
#   closed   the milter hung up;   timeout   it said nothing for a minute
# For commands with a reply of their own, the verdict follows from its first
# digit. Nothing here dies on what the milter says.

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(AF_INET6 IPPROTO_TCP SHUT_WR TCP_NODELAY inet_pton);
use Time::HiRes qw(time);

my %verdicts = (
	a => 'accept',
	c => 'continue',
	d => 'discard',
	r => 'reject',
	s => 'skip',
	t => 'tempfail',
);

# Commands that change the message, before the last answer at end of message.
my $edit_commands = qr/^[+\-2hmibeqp]$/;

# The bits of the protocol word, per command: unsent, and sent but silent.
my %bits = (
	C => [0x00001, 0x01000],
	H => [0x00002, 0x02000],
	M => [0x00004, 0x04000],
	R => [0x00008, 0x08000],
	B => [0x00010, 0x80000],
	L => [0x00020, 0x00080],
	N => [0x00040, 0x40000],
	U => [0x00100, 0x20000],
	T => [0x00200, 0x10000],
);

# Numbers of the stages in the lists of macros a milter asks for.
my @stages = qw(C H M R T E N);

my $tls = '{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}';
my $login = '{auth_type} {auth_authen} {auth_author}';
my $rcpt = '{rcpt_addr} {rcpt_host} {rcpt_mailer}';
my $mail = '{mail_addr} {mail_host} {mail_mailer}';
my %defaults = (
	postfix => {
		C => 'j {daemon_name} {daemon_addr} v _',
		H => $tls,
		M => "i $login $mail",
		R => "i $rcpt",
		T => 'i',
		N => 'i',
		E => 'i',
	},
	sendmail => {
		C => 'j _ {daemon_name} {if_name} {if_addr}',
		H => $tls,
		M => "i {auth_ssf} $login $mail",
		R => $rcpt,
		T => '',
		N => '',
		E => '{msg_id}',
	},
);

# $socket: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST, as the milter's own.
sub new
{
	my ($class, $socket, %option) = @_;
	my $self = bless {
		dialect => $option{dialect} // 'postfix',
		timeout => $option{timeout} // 60,
		protocol => 0,
		symlists => {},
		session => {},
		login => {},
		encryption => {},
		override => {},
	}, $class;
	$self->{handle} = _open($socket) or return undef;
	return $self;
}

sub _open
{
	my ($socket) = @_;
	if ($socket =~ /^inet6?:(\d+)\@\[?([^\]]+)\]?$/) {
		my $handle = IO::Socket::IP->new(PeerHost => $2,
			PeerPort => $1) or return undef;
		# A command and its macros leave an MTA in one packet.
		$handle->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
		return $handle;
	}
	$socket =~ s/^(?:unix|local)://;
	return IO::Socket::UNIX->new(Peer => $socket);
}

# ---- frames -----------------------------------------------------------------

sub send_bytes
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes) {
		my $sent = syswrite $self->{handle}, $bytes;
		return 0 unless $sent;
		substr $bytes, 0, $sent, '';
	}
	return 1;
}

sub send_frame
{
	my ($self, $command, $data) = @_;
	return $self->send_bytes(pack 'N/a*', $command . ($data // ''));
}

# (command, data), or ('closed'), or ('timeout').
sub read_frame
{
	my ($self, $timeout) = @_;
	my $deadline = time + ($timeout // $self->{timeout});
	my ($why, $head) = $self->_read(4, $deadline);
	return $why if $why;
	($why, my $body) = $self->_read(unpack('N', $head), $deadline);
	return $why || (substr($body, 0, 1), substr $body, 1);
}

sub _read
{
	my ($self, $length, $deadline) = @_;
	my $bytes = '';
	my $select = IO::Select->new($self->{handle});
	while (length $bytes < $length) {
		my $left = $deadline - time;
		return 'timeout' if $left <= 0 || !$select->can_read($left);
		my $got = sysread $self->{handle}, $bytes,
		    $length - length $bytes, length $bytes;
		return 'closed' unless $got;
	}
	return (undef, $bytes);
}

# ---- the session ------------------------------------------------------------

# Offers what both MTAs offer (or other words) and remembers what is agreed.
# Returns { version, actions, protocol, symlists }, or undef.
sub negotiate
{
	my ($self, %offer) = @_;
	$self->send_frame('O', pack 'N3', $offer{version} // 6,
	    $offer{actions} // 0x1ff, $offer{protocol} // 0x1fffff);
	my ($command, $data) = $self->read_frame;
	return undef if $command ne 'O' || length $data < 12;
	my ($version, $actions, $protocol) = unpack 'N3', $data;
	my %list = unpack '(N Z*)*', substr $data, 12;
	$self->{protocol} = $protocol;
	$self->{symlists} = { map { $stages[$_] => $list{$_} } keys %list };
	return {
		version => $version,
		actions => $actions,
		protocol => $protocol,
		symlists => $self->{symlists},
	};
}

# client, port, name (verified; none: unknown), resolve (OK FAIL FORGED TEMP),
# listener, listener_port; loopback listeners have no {if_addr} on Sendmail,
# where configured_listener is what {daemon_addr} shows. host overrides what
# the MTA calls the client. client undef: a client without IP address.
sub connect
{
	my ($self, %session) = @_;
	my $s = $self->{session} = {
		port => 41022,
		listener => '192.0.2.25',
		listener_port => 25,
		configured_listener => '0.0.0.0',
		myhostname => 'mx.example.com',
		queue => 1,
		queued => $self->{dialect} eq 'sendmail',
		%session,
	};
	$s->{resolve} //= defined $s->{name} ? 'OK' : 'FAIL';
	my $host = $s->{host} // $s->{name} // $self->_literal($s->{client});
	return $self->_command('C', $host . "\0" . _peer($s));
}

sub _peer
{
	my ($s) = @_;
	return 'U' unless defined $s->{client};
	my $family = $s->{client} =~ /:/ ? '6' : '4';
	return pack 'a n Z*', $family, $s->{port}, $s->{client};
}

sub helo
{
	my ($self, $name) = @_;
	return $self->_command('H', "$name\0");
}

# The connection is encrypted from now on: version, cipher, bits, and of a
# client certificate subject, issuer, verify (Sendmail) and cn_subject.
sub tls
{
	my ($self, %tls) = @_;
	$self->{encryption} = {
		version => 'TLSv1.3',
		cipher => 'TLS_AES_256_GCM_SHA384',
		bits => 256,
		verify => 'NO',
		%tls,
	};
	return;
}

# The client is logged in from now on.
sub login
{
	my ($self, $authen, $type) = @_;
	$self->{login} = { authen => $authen, type => $type // 'PLAIN' };
	return;
}

# Sets a macro by name as on the wire ('{verify}', 'j'), whatever the MTA
# would say; undef takes it away.
sub macro
{
	my ($self, $name, $value) = @_;
	$self->{override}{$name} = $value;
	return;
}

# Any further argument is an ESMTP parameter, or a hash of what the MTA made of
# the address: addr, host, mailer. A recipient that Postfix itself refused has
# { addr => 'Relay access denied', host => '5.7.1', mailer => 'error' }.
sub mail
{
	my ($self, $sender, @more) = @_;
	$self->{session}{queue}++;
	$self->{session}{queued} = $self->{dialect} eq 'sendmail';
	$self->{author} = undef;
	/^AUTH=(.*)/i and $self->{author} = $1 for grep { !ref } @more;
	return $self->_address('M', 'mail', $sender, @more);
}

sub rcpt
{
	my ($self, $recipient, @more) = @_;
	my $answer = $self->_address('R', 'rcpt', $recipient, @more);
	$self->{session}{queued} ||= $answer->{verdict} eq 'continue';
	return $answer;
}

sub _address
{
	my ($self, $command, $what, $address, @more) = @_;
	my ($resolved) = grep { ref } @more;
	my @arguments = ($address, grep { !ref } @more);
	my ($bare) = $address =~ /^<?(.*?)>?$/s;
	my ($domain) = $bare =~ /@([^@]*)$/;
	my $dot = $self->{dialect} eq 'sendmail' ? '.' : '';
	$self->{$what} = {
		addr => $what eq 'rcpt' ? lc $bare : $bare,
		host => length($domain // '') ? $domain . $dot
		    : $self->{session}{myhostname},
		mailer => $dot ? 'esmtp' : 'smtp',
		%{ $resolved // {} },
	};
	return $self->_command($command, join '', map { "$_\0" } @arguments);
}

sub data
{
	my ($self) = @_;
	return $self->_command('T', '');
}

sub header
{
	my ($self, $name, $value) = @_;
	return $self->_command('L', "$name\0$value\0");
}

sub eoh
{
	my ($self) = @_;
	return $self->_command('N', '');
}

sub body
{
	my ($self, $chunk) = @_;
	return $self->_command('B', $chunk);
}

sub eom
{
	my ($self) = @_;
	return $self->_command('E', '');
}

sub unknown
{
	my ($self, $line) = @_;
	return $self->_command('U', "$line\0");
}

# Header fields ([name, value], ...), body and end of a whole message; the
# first answer that is not "go on", or the last.
sub message
{
	my ($self, $fields, $body) = @_;
	my @step = (
		sub { $self->data },
		(map { my $field = $_; sub { $self->header(@$field) } }
		    @{ $fields // [['Subject', 'test']] }),
		sub { $self->eoh },
		sub { $self->body($body // "text\r\n") },
	);
	my $go_on = qr{^(?:continue|silent|unsent|skip)$};
	for my $step (@step) {
		my $answer = $step->();
		return $answer if $answer->{verdict} !~ $go_on;
	}
	return $self->eom;
}

sub abort
{
	my ($self) = @_;
	return $self->send_frame('A');
}

sub quit
{
	my ($self) = @_;
	my $sent = $self->send_frame('Q');
	$self->close;
	return $sent;
}

# Says nothing more, and waits until the milter has answered all and hangs up:
# the letters of its answers.
sub hear_out
{
	my ($self) = @_;
	shutdown $self->{handle}, SHUT_WR;
	my $answers = '';
	while (1) {
		my ($command) = $self->read_frame;
		return $answers if $command eq 'closed';
		return "$answers, then silence" if $command eq 'timeout';
		$answers .= $command;
	}
}

# As quit, and waits until the milter hangs up: it has forgotten the session
# by then.
sub leave
{
	my ($self) = @_;
	$self->send_frame('Q');
	my $deadline = time + $self->{timeout};
	my ($why) = ('');
	($why) = $self->read_frame($deadline - time)
	    while length $why < 2 && time < $deadline;
	return $self->close && $why eq 'closed';
}

sub close
{
	my ($self) = @_;
	return CORE::close $self->{handle};
}

# ---- commands and answers ---------------------------------------------------

sub _command
{
	my ($self, $command, $data) = @_;
	my ($unsent, $silent) = @{ $bits{$command} // [0, 0] };
	$self->_send_macros($command);
	return { verdict => 'unsent' } if $self->{protocol} & $unsent;
	$self->send_frame($command, $data) or return { verdict => 'closed' };
	return { verdict => 'silent' } if $self->{protocol} & $silent;
	return $self->answer;
}

# The next answer of the milter, the edits before it collected.
sub answer
{
	my ($self, $timeout) = @_;
	my @edits;
	while (1) {
		my ($command, $data) = $self->read_frame($timeout);
		if ($command =~ $edit_commands) {
			push @edits, _edit($command, $data);
			next;
		}
		return _answer($command, $data, \@edits);
	}
}

sub _answer
{
	my ($command, $data, $edits) = @_;
	my %answer = (command => $command, edits => $edits);
	$answer{verdict} = $verdicts{$command} // $command;
	if ($command eq 'y') {
		($answer{reply} = $data) =~ s/\0.*//s;
		$answer{verdict} = $data =~ /^4/ ? 'tempfail' : 'reject';
	}
	return \%answer;
}

# { command, index, name, value }: index only where the edit has one.
sub _edit
{
	my ($command, $data) = @_;
	my %edit = (command => $command);
	($edit{index}, $data) = unpack 'N a*', $data if $command =~ /^[mi]$/;
	@edit{qw(name value)} = split /\0/, $data // '';
	return \%edit;
}

# ---- macros -----------------------------------------------------------------

sub _send_macros
{
	my ($self, $command) = @_;
	return if $command =~ /^[LBU]$/;
	my $asked = $self->{symlists}{$command}
	    // $defaults{ $self->{dialect} }{$command};
	my %value = ($self->_macros, %{ $self->{override} });
	my $data = $command;
	for my $name (split /[\s,]+/, $asked // '') {
		$name = "{$name}" if length $name > 1 && $name !~ /^\{/;
		next unless defined $value{$name};
		$data .= "$name\0$value{$name}\0";
	}
	$self->send_frame('D', $data) if length $data > 1;
	return;
}

# Every macro that both MTAs know and have a value for now, then what only
# this one sends.
sub _macros
{
	my ($self) = @_;
	my %value = (
		$self->_session_macros,
		$self->_login_macros,
		$self->_address_macros('mail'),
		$self->_address_macros('rcpt'),
	);
	my %own = $self->{dialect} eq 'sendmail' ? $self->_sendmail_macros
	    : $self->_postfix_macros;
	return (%value, %own);
}

sub _session_macros
{
	my ($self) = @_;
	my $s = $self->{session};
	my $literal = $self->_literal($s->{client});
	return (
		j => $s->{myhostname},
		_ => join(' ', $s->{name} // (), $literal),
		# Postfix gives a message its number with the first recipient.
		i => $s->{queued} ? sprintf('4Tq%08X', $s->{queue}) : undef,
		'{daemon_port}' => $s->{listener_port},
		'{client_addr}' => $self->_spelled($s->{client}),
		'{client_port}' => $s->{port},
		'{client_resolve}' => $s->{resolve},
	);
}

sub _login_macros
{
	my ($self) = @_;
	return (
		'{auth_type}' => $self->{login}{type},
		'{auth_authen}' => $self->{login}{authen},
		'{auth_author}' => $self->{author},
		'{tls_version}' => $self->{encryption}{version},
		'{cipher}' => $self->{encryption}{cipher},
		'{cipher_bits}' => $self->{encryption}{bits},
	);
}

sub _address_macros
{
	my ($self, $what) = @_;
	my $address = $self->{$what} // {};
	return map { ("{${what}_$_}" => $address->{$_}) } qw(addr host mailer);
}

sub _postfix_macros
{
	my ($self) = @_;
	my $s = $self->{session};
	my $tls = $self->{encryption};
	return (
		v => 'Postfix 3.7.11',
		'{daemon_name}' => $s->{myhostname},
		'{daemon_addr}' => $s->{listener},
		'{client_name}' => $s->{name} // 'unknown',
		'{client_ptr}' => $s->{name} // 'unknown',
		'{cert_subject}' => $tls->{subject},
		'{cert_issuer}' => $tls->{issuer},
	);
}

sub _sendmail_macros
{
	my ($self) = @_;
	my $s = $self->{session};
	my $tls = $self->{encryption};
	my $name = $s->{name} // $self->_literal($s->{client});
	my $loopback = ($s->{listener} // '') =~ /^(?:127\.|::1$)/;
	return (
		v => '8.17.1.9',
		'{daemon_name}' => 'MTA',
		'{daemon_addr}' => $self->_spelled($s->{configured_listener}),
		'{if_name}' => $s->{myhostname},
		'{if_addr}' => $loopback ? undef
		    : $self->_spelled($s->{listener}),
		'{client_name}' => $name,
		'{client_ptr}' => $name,
		'{client_connections}' => 1,
		'{auth_ssf}' => defined $self->{login}{type} ? 0 : undef,
		%$tls ? (
			'{verify}' => $tls->{verify},
			'{cert_subject}' => $tls->{subject} // '',
			'{cert_issuer}' => $tls->{issuer} // '',
			'{cn_subject}' => $tls->{cn_subject},
		) : (),
	);
}

# An address as the MTA spells it in macros: both put IPv6: in front of a
# client's, Sendmail writes all groups out; Postfix's {daemon_addr} is bare.
sub _spelled
{
	my ($self, $address) = @_;
	return $address if !defined $address || $address !~ /:/;
	return "IPv6:$address" if $self->{dialect} eq 'postfix';
	my $bytes = inet_pton(AF_INET6, $address) // return "IPv6:$address";
	return 'IPv6:' . join ':', map { sprintf '%x', $_ } unpack 'n8', $bytes;
}

# What stands for the name of a client that has none.
sub _literal
{
	my ($self, $address) = @_;
	return 'unknown' unless defined $address;
	my $spelled = $self->{dialect} eq 'sendmail'
	    ? $self->_spelled($address) : $address;
	return "[$spelled]";
}

1;
