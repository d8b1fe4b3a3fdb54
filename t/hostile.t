#!/usr/bin/perl
# hostile.t - peers that send garbage and clients that send hostile bytes: an
# exact reply and one encoded line, or nothing; and the next session works.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use Milter;
use Scratch;
use Test::More;
use Wire;

my $scratch = Scratch->new;
my $milter = Milter->new($scratch,
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { internet => <<'END' });
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
helo_syntax = off
END
$milter->start;

my @net = (client => '203.0.113.9', name => 'mx.client.test');
my $bad_sender = '501 5.1.7 Invalid address '
    . '[connector internet, rule sender_syntax]';
my $bad_recipient = '501 5.1.3 Invalid address '
    . '[connector internet, rule recipient_syntax]';
my $no_relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
    . 'domain [connector internet, rule relay]';

sub works
{
	my ($what) = @_;
	my $wire = begin($milter) or return fail("$what: the milter is gone");
	my @said = hold($milter, $wire, "after $what", [connect => [@net]],
	    [helo => ['client.test']], [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], $no_relay],
	    [rcpt => ['<x@example.com>']]);
	return $wire->quit;
}

# ---- hostile bytes in HELO, MAIL and RCPT -----------------------------------

# What is sent, and what the log makes of it.
my @bytes = (
	['a line end', "a\r\nb", 'a\x0d\x0ab'],
	['a line of the log', "x\n4Tq1: connector=evil verdict=accept",
	    'x\x0a4Tq1:\x20connector=evil\x20verdict=accept'],
	['the end of a field', 'a> to=<b', 'a\x3e\x20to=\x3cb'],
	['quotes', '"a" reply="250', '\x22a\x22\x20reply=\x22250'],
	['a backslash', '\x0a', '\x5cx0a'],
	['a terminal', "\e[2J\a\b\x7f", '\x1b[2J\x07\x08\x7f'],
	['a format', '%s%n%1$s%%', '%s%n%1$s%%'],
	['a shell', '$(id)`id`;|&', '$(id)`id`;|&'],
	['bytes that are no UTF-8', "\x80\xc0\xaf\xff\xfe",
	    '\x80\xc0\xaf\xff\xfe'],
	['an overlong dot', "\xc0\xae\xe0\x80\xae", '\xc0\xae\xe0\x80\xae'],
	['a surrogate', "\xed\xa0\x80", '\xed\xa0\x80'],
	['512 bytes', 'a' x 512, 'a' x 512],
	['60,000 bytes', 'a' x 60_000, 'a' x 512 . '...'],
	['control bytes', join('', map { chr } 1 .. 31),
	    join('', map { sprintf '\x%02x', $_ } 1 .. 31)],
);

sub line
{
	my ($stage, $rule, $reply, $from, $to, $helo) = @_;
	return qr/^(?:NOQUEUE|4Tq[0-9A-F]{8}): \Qconnector=internet client=mx.client.test[203.0.113.9]:41022 listener=192.0.2.25:25 stage=$stage verdict=reject rule=$rule reply="$reply" from=<$from> to=<$to> helo=<$helo> identity=anonymous auth= tls=\E$/;
}

for my $case (@bytes) {
	my ($what, $bytes, $encoded) = @$case;
	my $wire = begin($milter);
	my @said = hold($milter, $wire, $what, [connect => [@net]],
	    [helo => [$bytes]],
	    [mail => ["<$bytes\@>"], $bad_sender],
	    [mail => ['<a@client.test>']],
	    [rcpt => ["$bytes\@"], $bad_recipient],
	    [rcpt => ['<x@example.com>']]);
	(my $from = $encoded) =~ s/(?<!\.\.\.)$/@/;
	$from = 'a' x 512 . '...' if length $bytes == 512;
	like($said[0], line('mail', 'sender_syntax', $bad_sender, $from, '',
	    $encoded), "$what: the line of MAIL");
	like($said[1], line('rcpt', 'recipient_syntax', $bad_recipient,
	    'a@client.test', $from, $encoded), "$what: the line of RCPT");
	$wire->quit;
}

# A NUL cuts an argument in two; what is behind it is no parameter.
my @cut = (
	['behind the local part', '<a', '@client.test>'],
	['behind an address', 'a@client.test', '@foreign.test'],
	['behind the brackets', '<a@client.test>', '>'],
	['before an empty rest', '<a@client.test>', ''],
	['before a blank', '<a@client.test>', 'SIZE=1 2'],
	['before a line end', '<a@client.test>', "SIZE=1\n"],
);
for my $case (@cut) {
	my ($what, @arguments) = @$case;
	my $wire = begin($milter);
	hold($milter, $wire, "a NUL $what", [connect => [@net]],
	    [mail => [@arguments], $bad_sender],
	    [mail => ['<a@client.test>', 'SIZE=1', 'BODY=8BITMIME']],
	    [rcpt => [$arguments[0] =~ s/client\.test/example.com/r,
		$arguments[1]], $bad_recipient],
	    [rcpt => ['<x@example.com>', 'NOTIFY=NEVER']]);
	$wire->quit;
}

# Many of everything.
{
	my $wire = begin($milter);
	hold($milter, $wire, '5,000 parameters', [connect => [@net]],
	    [mail => ['<a@client.test>', ('X=1') x 5_000]],
	    [mail => ['<a@client.test>', ('X=1') x 5_000, '='], $bad_sender]);
	hold($milter, $wire, '1,000 HELOs', ([helo => ['x']]) x 1_000);
	hold($milter, $wire, '1,000 refused recipients',
	    [mail => ['<a@client.test>']],
	    ([rcpt => ['<x@foreign.test>'], $no_relay]) x 1_000,
	    [rcpt => ['<x@example.com>']]);
	$wire->quit;
}

# ---- peers that are no MTA --------------------------------------------------

my $connect = "mx\0" . pack 'a n Z*', '4', 41022, '203.0.113.9';
my %frame = (
	C => $connect, H => "x\0", M => "<a\@client.test>\0",
	R => "<x\@example.com>\0", T => '', L => "a\0b\0", N => '', B => 'x',
	E => '', U => "x\0", A => '', D => "Ci\0x\0",
	O => pack 'N3', 6, 0x1ff, 0x1fffff,
);

sub frame
{
	my ($command, $data) = @_;
	return pack 'N/a*', $command . ($data // '');
}

my $negotiation = frame(O => $frame{O});
my @peers = (
	['nothing', ''],
	['one byte', "\0"],
	['half a length', "\0\0"],
	['a length and nothing', pack 'N', 13],
	['half a frame', pack('N', 13) . 'O'],
	['a huge length', pack('N', 0xffffffff) . 'O'],
	['a negative length', pack('N', 0x80000000) . 'Oxx'],
	['a frame above the limit', pack('N', 65_536) . 'O' . 'x' x 65_535],
	['an empty frame', pack 'N', 0],
	['SMTP', "EHLO client.test\r\nMAIL FROM:<a\@b.test>\r\n"],
	['HTTP', "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
	['TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 200],
	['a short negotiation', frame('O', pack 'N', 6)],
	['version 0', frame('O', pack 'N3', 0, 0x1ff, 0x1fffff)],
	['version 1', frame('O', pack 'N3', 1, 0x3f, 0x7f)],
	['a version to come', frame('O', pack 'N3', 0xffffffff,
	    0xffffffff, 0xffffffff)],
	['two negotiations', $negotiation x 2],
	['an unknown command', $negotiation . frame('Z', 'x')],
	['a NUL for a command', $negotiation . frame("\0", 'x')],
	['CONNECT without data', $negotiation . frame('C')],
	['CONNECT without a family', $negotiation . frame('C', "mx\0")],
	['CONNECT without an end', $negotiation . frame('C', 'mx')],
	['CONNECT of an unknown family',
	    $negotiation . frame('C', "mx\0X" . pack('n', 25) . "x\0")],
	['CONNECT without an address',
	    $negotiation . frame('C', "mx\0" . '4')],
	['CONNECT with an address that is none', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', '4', 25, '999.1.1.1')],
	['CONNECT with the other family', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', '6', 25, '203.0.113.9')],
	['CONNECT from a UNIX socket', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', 'L', 0, '/tmp/x')],
	['HELO without an end', $negotiation . frame('H', 'x')],
	['HELO without data', $negotiation . frame('H')],
	['MAIL without data', $negotiation . frame('C', $connect)
	    . frame('M')],
	['MAIL without an end', $negotiation . frame('C', $connect)
	    . frame('M', '<a@client.test>')],
	['MAIL of one NUL', $negotiation . frame('C', $connect)
	    . frame('M', "\0")],
	['macros without an end', $negotiation . frame('D', 'Ci')],
	['macros without data', $negotiation . frame('D')],
	['macros of an unknown stage', $negotiation . frame('D', "Zi\0x\0")],
	map({ my $names = $_; ["$names names without a value", $negotiation
	    . frame('D', 'C' . "{x$names}\0" x $names) . frame('C', $connect)
	    . frame('D', 'M' . "i\0" . "y\0x\0" x $names)
	    . frame('H', "x\0")] } 1, 3, 5, 7, 63, 4095),
	['10,000 macros', $negotiation . frame('D', 'C' . "i\0x\0" x 10_000)],
	['QUIT at once', frame('Q')],
	['QUIT twice', $negotiation . frame('Q') x 2],
	['ABORT at once', $negotiation . frame('A')],
	['1,000 ABORTs', $negotiation . frame('A') x 1_000],
);

# Whatever it answers, it is never "accept", and never "discard".
sub permits
{
	my ($wire) = @_;
	my $answers = $wire->hear_out;
	return $answers =~ /silence/ ? $answers
	    : scalar(() = $answers =~ /[ad]/g);
}

for my $peer (@peers) {
	my ($what, $sent) = @$peer;
	for my $more ('', frame('M', $frame{M}) . frame('R', $frame{R})
	    . frame('E')) {
		my $wire = Wire->new($milter->socket);
		$wire->send_bytes($sent . $more);
		is(permits($wire), 0, "$what: nothing is permitted");
		$wire->close;
	}
	works($what);
}

# Commands in every wrong order: no message without MAIL and RCPT before it.
sub answers_to
{
	my ($commands) = @_;
	my $wire = begin($milter);
	$wire->send_frame($_, $frame{$_}) for split //, $commands;
	my $answers = $wire->hear_out;
	$wire->close;
	return $answers;
}

my @orders = ('M', 'R', 'E', 'RE', 'ME', 'CE', 'CRE', 'CME', 'CMTE', 'HRE',
	'MRE', 'CMAE', 'CMARE', 'CMREE', 'CMRERE', 'CCMRE', 'CMRCE', 'TE', 'BE',
	'CMLNBE', 'CUE', 'EEE', 'DE');
for my $order (@orders) {
	# What the last command adds is its answer; some have none.
	my $before = answers_to(substr $order, 0, -1);
	my $all = answers_to($order);
	unlike($all, qr/a|silence/, "$order: nothing is accepted");
	like($all, qr/^$before/, "$order: the same twice");
	unlike(substr($all, length $before), qr/[cad]/,
	    "$order: no message gets through");
}
works('commands out of order');

# libmilter looks for no NUL behind an unknown command, and we have to.
for my $case (["XYZZY\0", 'continue'], ['', 'closed'], ['XYZZY', 'closed'],
	['x', 'closed'], ["x\0y", 'closed'], ['x' x 60_000, 'closed']) {
	my ($data, $want) = @$case;
	my $wire = begin($milter);
	$wire->connect(client => '203.0.113.9');
	$wire->helo('client.test');
	$wire->send_frame('U', $data);
	is($wire->answer->{verdict}, $want, 'an unknown command of '
	    . length($data) . " bytes, NUL or none: $want");
	$wire->close;
}
works('unknown commands');

# Bytes at random, the same on every run.
srand 20260615;
for my $round (1 .. 300) {
	my $wire = Wire->new($milter->socket);
	my $bytes = $round % 3 ? $negotiation : '';
	for (1 .. 1 + rand 8) {
		my $data = join '', map { chr rand 256 } 1 .. rand 60;
		my @commands = sort keys %frame;
		$bytes .= $round % 2 ? frame($commands[rand @commands], $data)
		    : $data;
	}
	$wire->send_bytes($bytes);
	$wire->close;
}
works('300 peers that sent anything');

# As many as come and go leave nothing behind.
SKIP: {
	my $folder = '/proc/' . $milter->pid . '/fd';
	skip 'no /proc', 1 unless -d $folder;
	my $open = sub { return scalar(() = glob "$folder/*") };
	works('counting');
	Scratch::wait_for(60, sub { $open->() < 20 });
	my $before = $open->();
	for (1 .. 300) {
		my $wire = Wire->new($milter->socket);
		$wire->send_bytes($negotiation) if $_ % 2;
		$wire->close;
	}
	works('300 peers that came and went');
	ok(Scratch::wait_for(60, sub { $open->() <= $before + 2 }),
	    'no descriptor is left open');
}

# ---- macros of an earlier command -------------------------------------------

# libmilter keeps what an MTA said of a command until it says something else of
# the next. Who says nothing has not said it again.
{
	my $users = Milter->new($scratch, name => 'users',
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { users => <<'END', strangers => <<'END_STRANGERS' });
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = exchange_users
auth_mechanism = tls, basic_auth
require_tls = yes
accept_any_sender = users
END
bindings = 0.0.0.0:25
remote_ip_ranges = 198.51.100.0/24
permission_groups = anonymous_users
END_STRANGERS
	$users->start;
	my $cannot = '451 4.3.0 Cannot decide now, please try again later '
	    . '[connector -, rule internal]';
	my $stranger = '530 5.7.57 SMTP; Client was not authenticated to send '
	    . 'anonymous mail during MAIL FROM [connector users, rule submit]';
	my $no_tls = '530 5.7.0 Must issue a STARTTLS command first '
	    . '[connector users, rule require_tls]';
	# Without a frame of macros before it.
	my $bare = sub {
		my ($wire, $command, @arguments) = @_;
		$wire->send_frame($command, join '', map { "$_\0" } @arguments);
		my $answer = $wire->answer;
		return $answer->{reply} // $answer->{verdict};
	};
	my $said = sub {
		my ($answer) = @_;
		return $answer->{reply} // $answer->{verdict};
	};
	my $logged_in = sub {
		my (%offer) = @_;
		my $wire = Wire->new($users->socket);
		$wire->negotiate(%offer);
		$wire->{symlists}{C} //= 'j {daemon_addr} {daemon_port}';
		$wire->tls;
		$wire->connect(@net);
		$wire->helo('client.test');
		$wire->login('ada@example.com');
		return $wire;
	};
	my @mail = (M => '<ada@example.com>');
	for my $actions (0x1ff, 0xff) {
		my $what = $actions == 0xff ? 'macros of its own choice'
		    : 'macros that were asked for';
		my $wire = $logged_in->(actions => $actions);
		for my $n (1 .. 3) {
			is($said->($wire->mail('<ada@example.com>')), 'continue',
			    "$what: MAIL $n with a login");
			is($said->($wire->rcpt('<x@foreign.test>')), 'continue',
			    "$what: its recipient");
			$wire->abort if $n == 2;
		}
		$users->clear_log;
		is($bare->($wire, @mail), $cannot,
		    "$what: MAIL with no word of the login");
		like(join("\n", $users->lines), qr/^NOQUEUE: \Qconnector=-\E [^\n]* stage=mail verdict=tempfail rule=internal [^\n]* auth= tls=$/,
		    "$what: and one line of the log");
		is($bare->($wire, @mail), $cannot, "$what: nor the next one");
		is($said->($wire->mail('<ada@example.com>')), 'continue',
		    "$what: the login is told again");
		$wire->rcpt('<x@foreign.test>');
		is($said->($wire->message), 'continue', "$what: and it is sent");
		is($bare->($wire, @mail), $cannot,
		    "$what: nor behind the end of a message");
		$wire->mail('<ada@example.com>');
		$wire->helo('again.test');
		# Of TLS the macros of HELO tell as well.
		is($bare->($wire, @mail), $stranger,
		    "$what: behind HELO it is a stranger");
		$wire->quit;
	}

	# libmilter gives its memory to whatever comes next.
	my $often = $logged_in->();
	my %answers;
	for my $n (1 .. 200) {
		$often->helo('client.test') if $n % 2;
		$answers{$said->($often->mail('<ada@example.com>'))}++;
		$answers{$said->($often->rcpt('<x@foreign.test>'))}++ for 1 .. 3;
		$n % 3 ? $often->abort : $often->message;
	}
	$often->quit;
	is_deeply(\%answers, { continue => 800 },
	    'what is told each time counts each time');

	my $wire = $logged_in->();
	$wire->mail('<ada@example.com>');
	$wire->rcpt('<x@foreign.test>');
	is($said->($wire->message), 'continue', 'a message of a user');
	$wire->send_frame('K');
	is($said->($wire->connect(@net)), 'continue', 'the next client');
	is($bare->($wire, @mail), $no_tls,
	    '... of whom the MTA says nothing: no login is left, nor TLS');
	$wire->quit;

	# What a recipient was resolved to: without it, the path is judged.
	my $relay = '550 5.7.54 SMTP; Unable to relay recipient in '
	    . 'non-accepted domain [connector strangers, rule relay]';
	$wire = Wire->new($users->socket);
	$wire->negotiate;
	$wire->connect(client => '198.51.100.7');
	$wire->helo('client.test');
	$wire->mail('<x@client.test>');
	is($said->($wire->rcpt('<a@example.com>')), 'continue', 'a recipient');
	is($bare->($wire, R => '<y@foreign.test>'), $relay,
	    'another one, resolved to nothing');
	is($bare->($wire, R => '<b@example.com>'), 'continue',
	    'another one, which needs no more than its path');
	is($said->($wire->rcpt('<z@foreign.test>', { host => '5.7.1',
	    addr => 'Relay access denied', mailer => 'error' })), 'continue',
	    'one that the MTA refused');
	is($bare->($wire, R => '<z@foreign.test>'), $relay,
	    'one of which it does not say so');
	is($said->($wire->message), 'continue', 'those that were judged');
	$wire->mail('<x@client.test>');
	is($bare->($wire, R => '<y@foreign.test>'), $relay,
	    'the first one, resolved to nothing');
	is($bare->($wire, R => '<z@foreign.test>'), $relay,
	    'nor is the second');
	$wire->quit;
	is($users->stop, 0, 'it stops');
}

# ---- what may be said as often as somebody likes ----------------------------

{
	my $weak = Milter->new($scratch, name => 'weak',
		connectors => { c => <<'END' });
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
END
	$weak->start;
	# To change fields alone, to add them alone, an MTA of old, none at all.
	for my $actions (0x1ef, 0x1fe, 0x0f, 0x20) {
		$weak->clear_log;
		for (1 .. 50) {
			my $wire = Wire->new($weak->socket);
			$wire->negotiate(actions => $actions);
			$wire->close;
		}
		my $line = qr/^the MTA does not let us change headers: /;
		ok($weak->wait_log($line), "actions $actions: it is said");
		is(scalar(grep { $_ =~ $line } $weak->lines), 1,
		    "actions $actions: once in 50 times");
	}
	is($weak->stop, 0, 'it stops');
}

# ---- sessions that end anywhere ---------------------------------------------

# A place, or a transaction, that is not given back is missed soon.
{
	my $socket = $scratch->path('ends.run/control.sock');
	my $ends = Milter->new($scratch, name => 'ends',
		milter => "control_socket = $socket\n",
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { net => <<'END', closed => <<'END' });
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
max_inbound_connection = 3
max_inbound_connection_per_source = 3
max_inbound_connection_percentage_per_source = 100
END
bindings = 0.0.0.0:25
remote_ip_ranges = 198.51.100.0/24
END
	$ends->start;
	my $sessions = sub {
		my $json = Scratch::slurp_command(
		    Milter::program('connectorctl'), qw(status --json --socket),
		    $socket);
		return join ' ', $json =~ /"(sessions|transactions)": *(\d+)/g;
	};
	my $before = $sessions->();
	note($before);
	my @steps = (
		['nothing', sub { }],
		['a negotiation', sub { $_[0]->negotiate }],
		['one that fails', sub { $_[0]->negotiate(actions => 0) }],
		['CONNECT', sub { $_[0]->connect(@net) }],
		['a CONNECT without address', sub {
			$_[0]->connect(client => undef, host => 'mx') }],
		['a CONNECT of a client without connector', sub {
			$_[0]->connect(client => '192.0.2.9') }],
		['HELO', sub { $_[0]->connect(@net); $_[0]->helo('x') }],
		['MAIL without CONNECT', sub { $_[0]->mail('<a@b.test>') }],
		['MAIL', sub { $_[0]->connect(@net); $_[0]->mail('<a@b.test>') }],
		['MAIL twice', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>') for 1 .. 2 }],
		['a refused MAIL', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b@c>') }],
		['RCPT', sub { $_[0]->connect(@net); $_[0]->mail('<a@b.test>');
			$_[0]->rcpt('<x@example.com>') }],
		['an unknown command', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>'); $_[0]->unknown('X') }],
		['MAIL behind an unknown command', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>'); $_[0]->unknown('X');
			$_[0]->mail('<a@b.test>') }],
		['the header', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>'); $_[0]->rcpt('<x@example.com>');
			$_[0]->data; $_[0]->header('From', 'a@b.test') }],
		['a message', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>'); $_[0]->rcpt('<x@example.com>');
			$_[0]->message }],
		['ABORT', sub { $_[0]->connect(@net); $_[0]->mail('<a@b.test>');
			$_[0]->abort; $_[0]->abort }],
		['local submission', sub {
			$_[0]->connect(client => '127.0.0.1', port => 0,
			    host => 'localhost', listener_port => 0);
			$_[0]->mail('<a@b.test>') }],
		['another client of this connection', sub { $_[0]->connect(@net);
			$_[0]->mail('<a@b.test>'); $_[0]->rcpt('<x@example.com>');
			$_[0]->message; $_[0]->send_frame('K');
			$_[0]->connect(@net); $_[0]->mail('<a@b.test>') }],
	);
	for my $step (@steps) {
		my ($what, $do) = @$step;
		for my $quit (0, 1, 0, 1, 0) {
			my $wire = Wire->new($ends->socket) or last;
			$wire->negotiate if $what !~ /nothing|negotiation|fails/;
			$do->($wire);
			$wire->quit if $quit;
			$wire->close;
		}
		my $after;
		Scratch::wait_for(60, sub {
			($after = $sessions->()) eq $before });
		is($after, $before, "$what: nothing is held at its end");
	}
	my $wire = begin($ends);
	hold($ends, $wire, 'behind all these', [connect => [@net]],
	    [mail => ['<a@b.test>']], [rcpt => ['<x@example.com>']]);
	isnt($sessions->(), $before, 'what is open is seen');
	$wire->quit;
	is($ends->stop, 0, 'it stops');
}

is(scalar(grep { /[^\x20-\x7e]/ } $milter->lines), 0,
    'the whole log is plain');
is($milter->stop, 0, 'it stops cleanly after all that');

done_testing;
