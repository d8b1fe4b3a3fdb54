package Postfix;

# A private Postfix: own configuration, queue and log in a scratch folder, high
# ports on loopback, its own master process. The system's Postfix, its queue
# and its configuration are neither read nor touched. Foreign and own mail alike
# goes to a sink and never leaves the machine.
#
#   my $postfix = Postfix->new($scratch,
#       sink => $sink->port, milter => 'unix:/path', guard => '/path',
#       logins => { alice => 'secret' },
#       listeners => [{ port => 2525, options => { name => 'value' } }]);
#   $postfix->start;
#
# Any client may use XCLIENT: an instance for tests, on loopback only.

use strict;
use warnings;

use Authority;
use Scratch;

# What the MTA's own files hold, besides the listeners.
my $services = <<'END';
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
END

my %private = map { $_ => 1 } qw(active bounce corrupt defer deferred flush hold
    incoming private saved trace);

# Why a private Postfix cannot run here, or undef.
sub unavailable
{
	return 'a private Postfix needs root' if $> != 0;
	return 'Postfix is not installed' unless defined _program('postconf');
	return 'there is no user postfix' unless defined getpwnam 'postfix';
	return undef;
}

sub _program
{
	my ($name) = @_;
	my ($path) = grep { -x } map { "$_/$name" } '/usr/sbin',
	    split /:/, $ENV{PATH};
	return $path;
}

# sink: port of the next hop. milter, guard: may be missing. domains: the own
# ones. realm and logins: SASL accounts. authority: who certifies. main: more settings for main.cf.
# listeners: each { port, address, chroot, options }.
sub new
{
	my ($class, $scratch, %option) = @_;
	my $self = bless {
		domains => 'example.com',
		realm => 'example.com',
		logins => {},
		main => {},
		%option,
		scratch => $scratch,
		etc => $scratch->folder('etc'),
		queue => $scratch->folder('queue'),
		maillog => $scratch->path('maillog'),
	}, $class;
	$self->{ipv6} = Scratch::has_ipv6();
	$self->_make_folders;
	$self->_make_certificates;
	$self->_make_logins;
	$self->_write_main;
	$self->_write_master;
	return $self;
}

# The folder below which a chrooted smtpd sees the milter's socket.
sub queue
{
	my ($self) = @_;
	return $self->{queue};
}

# The certificate authority a client is to trust, and that clients are asked
# certificates of.
sub ca
{
	my ($self) = @_;
	return $self->{authority}->file;
}

sub log
{
	my ($self) = @_;
	return Scratch::slurp($self->{maillog});
}

# ---- life -------------------------------------------------------------------

sub start
{
	my ($self) = @_;
	my $daemons = $self->_postconf('daemon_directory');
	$self->{pid} = Scratch::spawn({ err => $self->{maillog} },
	    "$daemons/master", '-c', $self->{etc}, '-d');
	Scratch::wait_for(60, sub {
		$self->log =~ /daemon started/
		    || defined Scratch::reap($self->{pid}, 0);
	});
	return 1 if $self->log =~ /daemon started/;
	die "Postfix does not start:\n" . $self->log;
}

# All its processes at once: master leads a process group of its own. Postfix
# is made to survive that, and asked nicely it takes a second.
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	Scratch::kill_group($pid);
	return;
}

# Reads configuration and tables again.
sub reload
{
	my ($self) = @_;
	return kill 'HUP', $self->{pid};
}

# Changes main.cf and reloads.
sub configure
{
	my ($self, %setting) = @_;
	$self->{main} = { %{ $self->{main} }, %setting };
	$self->_write_main;
	return $self->reload;
}

# How many messages wait in the queue. The folders are read in the order in
# which a message moves through them, or one could slip by between two looks;
# and active once more, for from deferred it moves back.
sub queued
{
	my ($self) = @_;
	my %waiting = map { m{([^/]+)$} => 1 }
	    map { glob "$self->{queue}/$_/*" }
	    qw(maildrop hold incoming active deferred/* active);
	return scalar keys %waiting;
}

sub _postconf
{
	my ($self, $name) = @_;
	chomp(my $value = Scratch::slurp_command(_program('postconf'), '-c',
		$self->{etc}, '-h', $name));
	return $value;
}

# ---- files ------------------------------------------------------------------

sub _make_folders
{
	my ($self) = @_;
	my $scratch = $self->{scratch};
	my $postfix = getpwnam 'postfix';
	my $postdrop = getgrnam 'postdrop';
	$scratch->folder("queue/$_", 0700, $postfix) for keys %private;
	$scratch->folder('queue/maildrop', 0730, $postfix, $postdrop);
	$scratch->folder('queue/public', 0710, $postfix, $postdrop);
	$scratch->folder('queue/pid', 0755);
	$scratch->folder('data', 0700, $postfix);
	return;
}

# Whoever gives an authority of its own also trusts the clients it certifies.
sub _make_certificates
{
	my ($self) = @_;
	$self->{authority} //= Authority->new($self->{scratch});
	$self->{identity} = $self->{authority}->issue('mx.example.com');
	return;
}

sub _make_logins
{
	my ($self) = @_;
	my $database = $self->{scratch}->path('sasldb2');
	$self->{scratch}->write('etc/sasl/smtpd.conf', <<"END");
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $database
mech_list: PLAIN LOGIN
END
	my $command = _program('saslpasswd2');
	for my $login (sort keys %{ $self->{logins} }) {
		open my $pipe, '|-', $command, '-p', '-c', '-f', $database,
		    '-u', $self->{realm}, $login or die "saslpasswd2: $!\n";
		print {$pipe} $self->{logins}{$login};
		close $pipe or die "saslpasswd2 failed\n";
	}
	chown scalar getpwnam('postfix'), -1, $database;
	return;
}

sub _write_main
{
	my ($self) = @_;
	my %main = ($self->_main, %{ $self->{main} });
	my $text = join '', map { "$_ = $main{$_}\n" } sort keys %main;
	my $path = $self->{scratch}->write('etc/main.cf', $text);
	# Postfix waits until the file was not changed for a second.
	utime time - 5, time - 5, $path;
	return $path;
}

# Limits and pauses meant for a hostile world are out of the way of tests.
sub _main
{
	my ($self) = @_;
	my $scratch = $self->{scratch};
	my $next_hop = "smtp:[127.0.0.1]:$self->{sink}";
	return (
		compatibility_level => '3.6',
		queue_directory => $self->{queue},
		data_directory => $scratch->path('data'),
		maillog_file => $self->{maillog},
		maillog_file_prefixes => '/tmp',
		inet_interfaces => 'loopback-only',
		inet_protocols => $self->{ipv6} ? 'all' : 'ipv4',
		myhostname => 'mx.example.com',
		mydestination => $self->{domains},
		mynetworks => '127.255.255.255/32',
		local_recipient_maps => '',
		alias_maps => '',
		alias_database => '',
		local_transport => $next_hop,
		relay_transport => $next_hop,
		default_transport => $next_hop,
		smtp_dns_support_level => 'disabled',
		smtp_host_lookup => 'native',
		smtpd_peername_lookup => 'no',
		smtpd_authorized_xclient_hosts => '0.0.0.0/0 [::]/0',
		smtpd_error_sleep_time => '0',
		smtpd_soft_error_limit => '1000',
		smtpd_hard_error_limit => '1000',
		smtpd_recipient_limit => '1000',
		in_flow_delay => '0',
		minimal_backoff_time => '1s',
		maximal_backoff_time => '2s',
		queue_run_delay => '1s',
		notify_classes => '',
		$self->_tls_and_logins,
		$self->_gates,
	);
}

sub _tls_and_logins
{
	my ($self) = @_;
	return (
		smtpd_tls_cert_file => $self->{identity}{cert},
		smtpd_tls_key_file => $self->{identity}{key},
		smtpd_tls_CAfile => $self->ca,
		smtpd_tls_ask_ccert => 'yes',
		smtpd_tls_security_level => 'may',
		smtpd_sasl_auth_enable => %{ $self->{logins} } ? 'yes' : 'no',
		smtpd_sasl_local_domain => $self->{realm},
	);
}

# The lines that INSTALL asks an administrator for.
sub _gates
{
	my ($self) = @_;
	my $guard = defined $self->{guard}
	    ? "check_client_access cidr:$self->{guard}, " : '';
	return (
		smtpd_milters => $self->{milter} // '',
		milter_default_action => 'tempfail',
		non_smtpd_milters => '',
		milter_connect_timeout => '60s',
		milter_command_timeout => '60s',
		smtpd_relay_restrictions => 'permit_sasl_authenticated, '
		    . $guard . 'reject_unauth_destination',
		smtpd_recipient_restrictions => '',
	);
}

sub _write_master
{
	my ($self) = @_;
	my $text = $services;
	for my $listener (@{ $self->{listeners} }) {
		my $address = $listener->{address} // '127.0.0.1';
		$address = "[$address]" if $address =~ /:/;
		my $chroot = $listener->{chroot} // 'n';
		$text .= "$address:$listener->{port} inet n - $chroot - - "
		    . "smtpd\n";
		my $options = $listener->{options} // {};
		$text .= "  -o { $_ = $options->{$_} }\n"
		    for sort keys %$options;
	}
	return $self->{scratch}->write('etc/master.cf', $text);
}

1;
