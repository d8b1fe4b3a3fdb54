#!/usr/bin/perl
# control.t - connectorctl status, reload and drain against the daemon, and what
# either end makes of one that behaves badly.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use File::Copy qw(copy);
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Milter;
use POSIX ();
use Scratch;
use Shim;
use Socket qw(SOCK_STREAM SHUT_WR);
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $scratch = Scratch->new;
my $daemon = Milter::program('connector-milter');
my $ctl = $scratch->path('connectorctl');
copy(Milter::program('connectorctl'), $ctl) or die "$ctl: $!\n";
chmod 0755, $ctl;

my %internet = (internet => <<'END');
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
tarpit_interval = 0s
END
my @net = (client => '203.0.113.9', name => 'mx.client.test');
my $full = '451 4.7.1 Service unavailable - try again later';
my $denied = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
    . 'domain [connector internet, rule relay]';
my $stays = "connectorctl reload: the configuration was not taken; the old one "
    . "stays in use\n";
my $number = 0;

sub milter
{
	my (%option) = @_;
	my $name = 'm' . ++$number;
	my $control = $scratch->path("$name.run/control.sock");
	return Milter->new($scratch, name => $name, connectors => {%internet},
		milter => "control_socket = $control\n",
		main => "[organization]\naccepted_domains = example.com\n",
		%option, control => $option{control} // $control);
}

# Runs a program to its end; { status, out, err, time }. as: a user's number.
sub run
{
	my ($as, @command) = @_;
	my %file = map { $_ => $scratch->path($_) } qw(out err);
	unlink values %file;
	$scratch->write($_, '', 0666) for keys %file;
	my $started = time;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::worker(sub {
		open STDOUT, '>', $file{out} or die;
		open STDERR, '>', $file{err} or die;
		POSIX::setuid($as) if $as;
		exec { $command[0] } @command or POSIX::_exit(127);
	});
	my $status = Scratch::reap($pid, 90) // die "@command does not end\n";
	return {
		status => $status & 127 ? "signal $status" : $status >> 8,
		time => time - $started,
		map { $_ => Scratch::slurp($file{$_}) } keys %file,
	};
}

sub ctl
{
	return run(0, $ctl, @_);
}

# Exit status, standard output and standard error.
sub ctl_is
{
	my ($what, $arguments, @want) = @_;
	my $got = ctl(@$arguments);
	is_deeply([@$got{qw(status out err)}], \@want, $what)
	    or diag($got->{err});
	return $got;
}

sub status
{
	my ($milter) = @_;
	my $got = ctl('status', '--json', '--config', $milter->config);
	is($got->{status}, 0, 'status --json') or diag $got->{err};
	return eval { decode_json($got->{out}) } // {};
}

# ---- the command line -------------------------------------------------------

my $milter = milter();
my $config = $milter->config;
my $control = $milter->{control};
my $bare = milter(milter => '')->config;
my $missing = $scratch->path('missing.ini');
my %usage = (
	status => '[--json] [--config FILE] [--socket PATH]',
	reload => '[--config FILE] [--socket PATH]',
	drain => '[off] [--config FILE] [--socket PATH]',
);
my $bad_flag = 'not a flag of this verb, or its value is missing';

for my $verb (sort keys %usage) {
	my $usage = "usage: connectorctl $verb $usage{$verb}\n";
	ctl_is("$verb: nothing is configured", [$verb, '--config', $bare], 69,
		'', "connectorctl $verb: $bare names no control socket; write "
		. 'control_socket = PATH into its section [milter] and restart '
		. "the daemon, or give --socket PATH\n");
	ctl_is("$verb: no configuration", [$verb, '--config', $missing], 69,
		'', "connectorctl $verb: $missing names no control socket; "
		. 'write control_socket = PATH into its section [milter] and '
		. "restart the daemon, or give --socket PATH\n");
	ctl_is("$verb: no daemon", [$verb, '--config', $config], 69, '',
		"connectorctl $verb: no daemon answers at $control: "
		. "No such file or directory\n");
	ctl_is("$verb: --socket alone", [$verb, '--socket', '/nobody'], 69, '',
		"connectorctl $verb: no daemon answers at /nobody: "
		. "No such file or directory\n");
	ctl_is("$verb: a path that is too long",
		[$verb, '--socket', '/' . 'x' x 107], 2, '',
		"connectorctl $verb: /" . 'x' x 107
		. ": the path of a socket has at most 107 bytes\n");
	ctl_is("$verb: an empty path", [$verb, '--socket', ''], 2, '',
		"connectorctl $verb: --socket: the path is empty\n$usage");
	ctl_is("$verb: no such flag", [$verb, '--sockets'], 2, '',
		"connectorctl $verb: --sockets: $bad_flag\n$usage");
	ctl_is("$verb: one word too many", [$verb, 'off', 'now'], 2, '',
		"connectorctl $verb: " . ($verb eq 'drain' ? 'now' : 'off')
		. ": one argument too many\n$usage");
}
ctl_is('--json is for status', [qw(reload --json)], 2, '',
	"connectorctl reload: --json: $bad_flag\n"
	. "usage: connectorctl reload $usage{reload}\n");
ctl_is('drain on', [qw(drain on)], 2, '',
	"connectorctl drain: there is nothing called on\n"
	. "usage: connectorctl drain $usage{drain}\n");

# ---- the socket -------------------------------------------------------------

my $nobody = getpwnam('nobody') // 65_534;
my $other = getpwnam('daemon') // 1;

$milter->start;
{
	my ($mode, $uid) = (stat $control)[2, 4];
	is(sprintf('%o', $mode), '140600', 'a socket for its owner alone');
	is($uid, $> == 0 ? $nobody : $>, 'who is the user of the daemon');
}
{
	my $rival = run(0, $daemon, '-c', $config, '-p',
		'unix:' . $scratch->path('m1.run/other.sock'));
	is($rival->{status}, 69, 'a second daemon: exit status');
	is($rival->{err},
		"connector-milter: another program listens on $control\n",
		'a second daemon: what it says');
	ok(!-e $scratch->path('m1.run/other.sock'),
		'a second daemon: nothing is left of it');
	status($milter);
}

SKIP: {
	skip 'only root can be somebody else', 6 if $> != 0;
	my $got = run($other, $ctl, 'drain', '--socket', $control);
	is_deeply([@$got{qw(status out err)}], [77, '',
		"connectorctl drain: $control: Permission denied; root and "
		. "the user of the daemon may ask\n"], 'another user');
	$got = run($nobody, $ctl, 'status', '--socket', $control);
	is($got->{status}, 0, 'the user of the daemon');
	chmod 0666, $control;
	$milter->clear_log;
	for (1 .. 3) {
		$got = run($other, $ctl, 'drain', '--socket', $control);
		is_deeply([@$got{qw(status out err)}], [69, '',
			"connectorctl drain: the daemon at $control hung up; "
			. "root and its own user may ask\n"],
			'another user, let in by mistake');
	}
	chmod 0600, $control;
	my @lines = grep { /control socket/ } $milter->lines;
	like("@lines",
		qr/^control socket: user $other \(process \d+\) may not ask$/,
		'one line in the log');
}

# ---- status -----------------------------------------------------------------

{
	my $wire = begin($milter);
	hold($milter, $wire, 'a session that is refused', [connect => [@net]],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], $denied],
	    [rcpt => ['<x@foreign.test>'], $denied]);
	my $status = status($milter);
	my $hash = $status->{configuration}{hash};
	like($hash, qr/^[0-9a-f]{64}$/, 'the hash of the configuration');
	is_deeply([sort keys %$status], [qw(back_pressure configuration
		connectors draining limits operator_log protocol_log sessions
		stopping tarpit uptime verdicts version)],
		'the keys of a status');
	cmp_ok($status->{uptime}, '<', 600, 'up for seconds');
	ok(!$status->{draining}, 'not draining');
	is($status->{configuration}{snapshots}, 1, 'one configuration');
	cmp_ok($status->{configuration}{age}, '<', 600, 'read seconds ago');
	my $reload = $status->{configuration}{last_reload};
	like($reload->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
		'a time');
	ok($reload->{live}, 'the start counts as a reload');
	is_deeply($reload->{problems}, [], 'without problems');
	is_deeply($status->{sessions}, { open => 1, max => 5000,
		transactions => 1, turned_away => 0 }, 'one session');
	is_deeply($status->{connectors}, [{ name => 'internet', sessions => 1,
		max => 5000, accepted => 0, tempfailed => 0, rejected => 2 }],
		'one connector');
	is_deeply($status->{verdicts}, [{ rule => 'relay', stage => 'rcpt',
		verdict => 'reject', count => 2 }], 'one rule');
	is($status->{limits}{sources}{used}, 1, 'one source');
	is_deeply($status->{tarpit}, { held => 0, max => 128, delayed => 0,
		skipped => 0 }, 'no tarpit');
	is_deeply($status->{protocol_log}, { dead => JSON::PP::false,
		dropped => 0, on => JSON::PP::false, written => 0 },
		'no protocol log');
	is_deeply($status->{operator_log}, { dropped => 0 }, 'no line is lost');

	my $text = ctl('status', '--config', $config);
	is($text->{status}, 0, 'status as text');
	is($text->{err}, '', 'status as text: no complaint');
	like($text->{out}, qr/^version        [\d.]+, up [\dms ]+
configuration  @{[substr $hash, 0, 12]}, read [\dms ]+ ago, 1 in memory
last reload    \S+Z, in use
sessions       1 of 5000, 0 turned away
limits         1 of \d+ sources, 0 of \d+ rates, 0 overflows
tarpit         0 of 128 held, 0 delayed, 0 without a slot
back pressure  low: memory \d+\.\d %
protocol log   off
operator log   0 dropped

connector  sessions       max    accepted  tempfailed    rejected
internet          1      5000           0           0           2

rule   stage    verdict              count
relay  rcpt     reject                   2
$/, 'status as text');
	$wire->quit;
}
is_deeply([@{ run(0, 'sh', '-c', "$ctl status --socket $control >/dev/full") }
	{qw(status err)}],
	[71, "connectorctl: the output could not be written\n"],
	'status on a full disk');

# ---- drain ------------------------------------------------------------------

{
	my $wire = begin($milter);
	hold($milter, $wire, 'before it drains', [connect => [@net]]);
	ctl_is('drain', ['drain', '--config', $config], 0,
		"draining; 1 session is open\n", '');
	ok(status($milter)->{draining}, 'the status says so');
	like(ctl('status', '--config', $config)->{out},
		qr/^sessions       1 of 5000, 0 turned away; draining, no new ones$/m,
		'so does the text');
	hold($milter, $wire, 'an open session goes on',
	    [mail => ['<a@client.test>']], [rcpt => ['<x@example.com>']]);
	my $late = begin($milter);
	hold($milter, $late, 'a new one is turned away',
	    [connect => [@net], 'tempfail'],
	    [mail => ['<a@client.test>'], $full]);
	$late->quit;
	ctl_is('a reload does not end it', ['reload', '--config', $config], 0,
		'', '');
	ok(status($milter)->{draining}, 'it still drains');
	ctl_is('drain off', ['drain', 'off', '--config', $config], 0,
		"not draining; 1 session is open\n", '');
	$late = begin($milter);
	hold($milter, $late, 'new ones are let in again', [connect => [@net]],
	    [mail => ['<a@client.test>']]);
	$_->quit for $wire, $late;
}

# ---- reload -----------------------------------------------------------------

my $main = Scratch::slurp($config);

sub works
{
	my ($what) = @_;
	my $wire = begin($milter) or return fail("$what: it is gone");
	hold($milter, $wire, $what, [connect => [@net]],
	    [mail => ['<a@client.test>']], [rcpt => ['<x@example.com>']],
	    [rcpt => ['<x@foreign.test>'], $denied]);
	return $wire->quit;
}

sub main_file
{
	my ($text) = @_;
	return $scratch->write('m1/connector-milter.ini', $text);
}

my $hash = status($milter)->{configuration}{hash};
for my $case (
	['two errors and a warning', "$main\[connector a]\nbindings = x\n"
		. "nonsense = 1\n",
		['error: [connector a] bindings: ', 'error: [connector a] ']],
	['a file that is no INI file', "$main\nthis is no line\n",
		['error: ']],
	['half a file', substr($main, 0, length($main) - 20)
		. "\n[organi", ['error: ']],
	['bytes from nowhere', "$main\n\x00\xff\xfe[[[=\n", ['error: ']],
) {
	my ($what, $text, $starts) = @$case;
	main_file($text);
	my $want = run(0, $daemon, '-n', '-c', $config)->{err};
	cmp_ok(() = $want =~ /^\Q$config\E:\d+: error: /mg, '>=', @$starts,
		"$what: the daemon does not like it either");
	ctl_is("$what: reload", ['reload', '--config', $config], 78, '',
		$want . $stays);
	works("$what: the old configuration");
	my $status = status($milter);
	is($status->{configuration}{hash}, $hash, "$what: its hash stays");
	my $reload = $status->{configuration}{last_reload};
	ok(!$reload->{live}, "$what: the status knows");
	is(join('', map { "$_\n" } @{ $reload->{problems} }), $want,
		"$what: with every problem");
	like(ctl('status', '--config', $config)->{out},
		qr/^last reload    \S+Z, failed; the old configuration is in use\n {15}\Q$config\E:\d+: error: /m,
		"$what: so does the text");
}
unlink $config;
is(ctl('reload', '--socket', $control)->{err},
	"$config:0: error: the file cannot be opened: No such file or "
	. "directory; correct the path or its permissions\n$stays", 'no file at all');
main_file("$main\n# another\n");
ctl_is('all is well again', ['reload', '--config', $config], 0, '', '');
isnt(status($milter)->{configuration}{hash}, $hash, 'a new hash');
works('the new configuration');
my ($above, $below) = $main =~ /\A(.*^accepted_domains = .*?\n)(.*)\z/ms;
main_file("${above}tls_receive_domain_secure_list = test\n$below");
my $line = 1 + $above =~ tr/\n//;
ctl_is('warnings are printed, too', ['reload', '--config', $config], 0, '',
	"$config:$line: warning: [organization] tls_receive_domain_secure_list: "
	. "'test' is a whole top-level domain, and certificates of all names "
	. "below it count; write a partner's domain, such as "
	. "partner.example\n");
main_file($main);

{
	my $out = $scratch->path('storm');
	my @reloads = map { Scratch::spawn({ err => $out }, $ctl, 'reload',
		'--config', $config) } 1 .. 30;
	$milter->signal($_ % 2 ? 'HUP' : 'USR1') for 1 .. 500;
	my @bad = grep { $_ } map { Scratch::reap($_, 120) // 'none' } @reloads;
	is("@bad", '', '30 at once among 500 signals: all succeed');
	is(Scratch::slurp($out), '', 'without a word');
	works('after that');
	ok(Scratch::wait_for(60, sub {
		$out = ctl('status', '--json', '--config', $config)->{out};
		return $out =~ /"snapshots": 1,/;
	}), 'old configurations go');
}

# ---- peers that behave badly ------------------------------------------------

sub peer
{
	return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $control);
}

{
	# Of its 5 seconds they take 4, and a busy machine may take the last.
	my (@silent, $got);
	for (1 .. 5) {
		@silent = map { peer() } 1 .. 2;
		$got = ctl('status', '--config', $config);
		last if $got->{status} == 0;
	}
	is($got->{status}, 0, 'behind two silent peers');
	is(join('', map { scalar <$_> } @silent),
		"error the request took too long\n" x 2, 'they are told why');
}
{
	my $died = 0;
	local $SIG{PIPE} = 'IGNORE';
	for my $i (1 .. 1_000) {
		my $peer = peer() or $died++, next;
		syswrite $peer, substr("status json\n" x 20, 0, $i % 240);
		shutdown $peer, SHUT_WR if $i % 2;
	}
	is($died, 0, '1,000 that hang up without reading');
	my $got = ctl('status', '--config', $config);
	is($got->{status}, 0, 'then one that reads');
	works('after that');
}
{
	my $peer = peer();
	syswrite $peer, "drain\nstatus\n";
	is(join('', <$peer>), "error there is more than one line\n",
		'two requests');
	ok(!status($milter)->{draining}, 'neither is obeyed');
}

# ---- its end ----------------------------------------------------------------

is($milter->stop, 0, 'it stops');
ok(!-e $control, 'and takes its socket with it');
$milter->start;
$milter->kill;
ok(-S $control, 'killed, it leaves it');
ctl_is('nobody behind it', ['status', '--config', $config], 69, '',
	"connectorctl status: no daemon answers at $control: "
	. "Connection refused\n");
$milter->start;
status($milter);
is($milter->stop, 0, 'a stale socket is replaced');

my $precious = $scratch->write('precious', "data\n", 0600);
my $live = peer_of($scratch->path('somebody.sock'));
for my $case (
	['a file', sub { copy($precious, $control) }, 'is there and is no socket'],
	['a folder', sub { mkdir $control }, 'is there and is no socket'],
	['a link to a file', sub { symlink $precious, $control },
		'is there and is no socket'],
	['a link to nowhere', sub { symlink '/nowhere', $control },
		'is there and is no socket'],
	['a link to the socket of another', sub {
		symlink $scratch->path('somebody.sock'), $control },
		'is there and is no socket'],
) {
	my ($what, $put, $complaint) = @$case;
	$put->();
	my @before = lstat $control;
	my $got = run(0, $daemon, '-c', $config);
	is($got->{status}, 69, "$what in its place: exit status");
	is($got->{err}, "connector-milter: $control $complaint\n",
		"$what in its place: what it says");
	is_deeply([(lstat $control)[1 .. 7]], [@before[1 .. 7]],
		"$what in its place: stays");
	ok(!-e $milter->socket =~ s/^unix://r, "$what: no other socket is left");
	-d $control && !-l $control ? rmdir $control : unlink $control;
}
is(Scratch::slurp($precious), "data\n", 'the file is as it was');
is(sprintf('%o %d', (stat $precious)[2, 4]), "100600 $>",
	'its mode and owner, too');

sub peer_of
{
	my ($path) = @_;
	return IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path,
		Listen => 5) // die "$path: $!\n";
}

# ---- a daemon that is none --------------------------------------------------

my $long = 'x' x 1_000_000;
my @said = (
	['nothing', sub { }, 69,
		'the daemon at %s hung up; root and its own user may ask'],
	['no word of ours', sub { "220 mx.example.com ESMTP\r\n" }, 76,
		'the answer of the daemon at %s is not whole'],
	['no line end', sub { 'ok' }, 76,
		'the answer of the daemon at %s is not whole'],
	['no length', sub { "ok\ntext\n" }, 76,
		'the answer of the daemon at %s is not whole'],
	['a text that breaks off', sub { "ok 6\ntext\n" }, 76,
		'the answer of the daemon at %s is not whole'],
	['a text that goes on', sub { "ok 4\ntext\n" }, 76,
		'the answer of the daemon at %s is not whole'],
	['a length that is none', sub { "ok 05\ntext\n" }, 76,
		'the answer of the daemon at %s is not whole'],
	['a reason', sub { "error no memory\n" }, 69,
		'the daemon says: no memory'],
	['a reason for terminals', sub { "error \e]0;x\a\x9b \xc2\x9b\"\n" }, 69,
		'the daemon says: \x1b]0;x\x07\x9b \xc2\x9b\x22'],
	['a reason without end', sub { 'error ' . $long . "\n" }, 69, undef],
	['more than anybody has', sub { ("ok 17000000\n", ($long) x 17) }, 76,
		'the answer of the daemon is too long'],
);
my $fake = $scratch->path('fake.sock');
my $listener = peer_of($fake);

# Answers one request.
sub pretend
{
	my ($say) = @_;
	return Scratch::worker(sub {
		my $peer = $listener->accept or return;
		sysread $peer, my $line, 100;
		$say->($peer);
		close $peer;
	});
}

sub say_all
{
	my ($peer, @parts) = @_;
	for my $part (@parts) {
		my $at = 0;
		while ($at < length $part) {
			$at += syswrite($peer, $part, 65_536, $at) // return;
		}
	}
	return;
}

for my $case (@said) {
	my ($what, $said, $status, $complaint) = @$case;
	my $pid = pretend(sub { say_all($_[0], $said->()) });
	my $got = ctl('status', '--socket', $fake);
	is($got->{status}, $status, "$what: exit status");
	is($got->{out}, '', "$what: nothing is printed");
	if (defined $complaint) {
		$complaint =~ s/%s/$fake/;
		is($got->{err}, "connectorctl status: $complaint\n",
			"$what: what it says");
	}
	cmp_ok(length $got->{err}, '<', 1_000, "$what: not much");
	Scratch::reap($pid, 60);
}
{
	my $text = "a \e[31m\r\t\x00\x7f\xff\xc3\xbc\xc2\x9b\xe2\x82 z\n";
	my $pid = pretend(sub {
		say_all($_[0], 'ok ' . length($text) . "\n$text") });
	ctl_is('no terminal obeys it', ['status', '--socket', $fake], 0,
		"a ?[31m?????\xc3\xbc??? z\n", '');
	Scratch::reap($pid, 60);
	$pid = pretend(sub {
		say_all($_[0], 'failed ' . length($text) . "\n$text") });
	ctl_is('nor that of a reload', ['reload', '--socket', $fake], 78, '',
		"a ?[31m?????\xc3\xbc??? z\n$stays");
	Scratch::reap($pid, 60);
}
for my $case (
	['one that says nothing', sub { sleep 20 }],
	['one that never ends', sub {
		my ($peer) = @_;
		syswrite $peer, "ok 100\n";
		for (1 .. 100) {
			syswrite $peer, 'x' or return;
			sleep 0.2;
		}
	}],
) {
	my ($what, $say) = @$case;
	my $pid = pretend($say);
	my $got = ctl('status', '--socket', $fake);
	is_deeply([@$got{qw(status out err)}], [69, '', 'connectorctl status: '
		. "the daemon at $fake does not answer: Connection timed out\n"],
		$what);
	ok($got->{time} > 4.5 && $got->{time} < 8, "$what: for five seconds")
	    or diag $got->{time};
	Scratch::kill_group($pid);
}

# ---- whoever can write its folder -------------------------------------------

# Puts another file in its place before root gives the socket away.
my $shim = <<'END';
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
listen(int fd, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(at);
	int result = REAL(listen)(fd, backlog);

	if (getsockname(fd, (struct sockaddr *)&at, &size) == 0 &&
	    strstr(at.sun_path, "control.sock") != NULL &&
	    unlink(at.sun_path) == 0)
		result |= getenv("HARD") != NULL
		    ? link(getenv("VICTIM"), at.sun_path)
		    : symlink(getenv("VICTIM"), at.sun_path);
	return result;
}
END
SKIP: {
	skip 'only root gives sockets away', 7 if $> != 0;
	my $library = Shim::library($scratch, 'attack', $shim);
	for my $hard (0, 1) {
		my $what = $hard ? 'a hard link' : 'a symbolic link';
		local @ENV{qw(LD_PRELOAD VICTIM)} = ($library, $precious);
		local $ENV{HARD} = 1;
		delete $ENV{HARD} unless $hard;
		my $got = run(0, $daemon, '-c', $config);
		is($got->{status}, 69, "$what: the daemon does not start");
		is($got->{err}, "connector-milter: cannot give $control to "
			. "user nobody: Socket operation on non-socket\n",
			"$what: what it says");
		is(sprintf('%o %d', (stat $precious)[2, 4]), '100600 0',
			"$what: the file behind it is untouched");
		unlink $control;
	}
}

done_testing;
