#!/usr/bin/perl
# daemon.t - the daemon as a process: options, exit statuses, socket, signals,
# user, admission, and what it tells a service manager.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use IO::Socket::UNIX;
use Milter;
use Scratch;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $scratch = Scratch->new;
my $program = Milter::program('connector-milter');
my %internet = (internet => <<'END');
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
END
my @net = (client => '203.0.113.9', name => 'mx.client.test');
my $at_connect = '451 4.7.1 Service unavailable - try again later';
my $number = 0;

sub milter
{
	my (%option) = @_;
	return Milter->new($scratch, name => 'm' . ++$number,
		connectors => {%internet}, %option);
}

# Runs the program to its end; { status, out, err }.
sub run
{
	my (@flags) = @_;
	my %file = map { $_ => $scratch->path($_) } qw(out err);
	unlink values %file;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::spawn(\%file, $program, @flags);
	my $status = Scratch::reap($pid, 60);
	if (!defined $status) {
		Scratch::stop($pid, 'KILL');
		return { status => 'did not end', out => '', err => '' };
	}
	return {
		status => $status & 127 ? "signal $status" : $status >> 8,
		map { $_ => Scratch::slurp($file{$_}) } keys %file,
	};
}

sub path_of
{
	my ($milter) = @_;
	return $milter->socket =~ s/^unix://r;
}

sub works
{
	my ($milter, $what) = @_;
	my $wire = begin($milter) or return fail("$what: it is gone");
	hold($milter, $wire, $what, [connect => [@net]],
	    [mail => ['<a@client.test>']]);
	return $wire->quit;
}

# ---- options ----------------------------------------------------------------

my $milter = milter();
my $good = $milter->config;
my $bad = $scratch->write('bad.ini', "[connector a]\nbindings = x\n");
my $missing = $scratch->path('missing.ini');
my @runs = (
	['-n and a good configuration', 0, qr/^$/, '-n', '-c', $good],
	['-t is -n', 0, qr/^$/, '-t', '-c', $good],
	['-f changes nothing', 0, qr/^$/, '-f', '-n', '-c', $good],
	['-n and a bad configuration', 78,
	    qr/^\Q$bad\E:2: error: \[connector a\] bindings: /m, '-n', '-c',
	    $bad],
	['a bad configuration without -n', 78,
	    qr/^\Q$bad\E:2: error: \[connector a\] bindings: /m, '-c', $bad],
	['no configuration', 78, qr/^\Q$missing\E:0: error: /, '-c',
	    $missing],
	['an unknown flag', 64, qr/^usage: connector-milter /m, '-x'],
	['a flag without its value', 64, qr/^usage: connector-milter /m,
	    '-c'],
	['a word too many', 64, qr/^usage: connector-milter /m, '-n', '-c',
	    $good, 'extra'],
	['-p with a socket of Postfix', 64,
	    qr/^connector-milter: -p inet:127\.0\.0\.1:8891: /, '-c', $good,
	    '-p', 'inet:127.0.0.1:8891'],
	['-p with nothing', 64, qr/^connector-milter: -p : /, '-c', $good,
	    '-p', ''],
	['-p where nothing can be', 69, qr/cannot listen on /, '-c', $good,
	    '-p', 'unix:' . $scratch->path('no/folder/here.sock')],
);
for my $case (@runs) {
	my ($what, $status, $complaint, @flags) = @$case;
	my $got = run(@flags);
	is($got->{status}, $status, "$what: exit status");
	like($got->{err}, $complaint, "$what: what it says");
	is($got->{out}, '', "$what: nothing on standard output");
}
my $version = run('-V');
is($version->{status}, 0, '-V: exit status');
like($version->{out},
    qr/^connector-milter [\d.]+ \(libmilter \d+\.\d+\.\d+(?:, no system call filter)?\)$/,
    '-V: the version');
ok(!-e path_of($milter), 'none of these has opened the socket');

# ---- the socket -------------------------------------------------------------

$milter->start;
works($milter, 'a first session');
my $rival = run('-c', $milter->config);
is($rival->{status}, 69, 'a second instance: exit status');
like($rival->{err}, qr/another program listens on \Q@{[path_of($milter)]}\E$/m,
    'a second instance: what it says');
works($milter, 'the first instance after it');
$milter->kill;
ok(-S path_of($milter), 'killed, it leaves its socket');
$milter->start;
works($milter, 'a stale socket is replaced');
is((stat path_of($milter))[2] & 07777, 0660, 'socket_mode by default');
my $started = time;
is($milter->stop, 0, 'SIGTERM: exit status');
cmp_ok(time - $started, '<', 12, 'SIGTERM: soon');
ok(!-e path_of($milter), 'SIGTERM: the socket is gone');

my $file = $scratch->write('precious', "data\n");
my $got = run('-c', $good, '-p', "unix:$file");
is($got->{status}, 69, 'a plain file in its place: exit status');
is(Scratch::slurp($file), "data\n", 'a plain file in its place: stays');

$milter = milter(milter => "socket_mode = 0600\n");
$milter->start;
is((stat path_of($milter))[2] & 07777, 0600, 'socket_mode as set');
{
	my $wire = begin($milter);
	hold($milter, $wire, 'a session when SIGINT comes', [connect => [@net]],
	    [mail => ['<a@client.test>']], [rcpt => ['<x@foreign.test>'],
		'550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
		. 'domain [connector internet, rule relay]'],
	    [abort => [], 'none']);
	is(Scratch::stop($milter->pid, 'INT', 60), 0, 'SIGINT: exit status');
	ok(!-e path_of($milter), 'SIGINT: the socket is gone');
}

# ---- signals ----------------------------------------------------------------

$milter = milter();
$milter->start;
for my $signal (qw(USR1 HUP USR2)) {
	my $sent = grep { $milter->signal($signal) } 1 .. 1_000;
	is($sent, 1_000, "1,000 signals $signal");
	works($milter, "1,000 signals $signal");
}
for (1 .. 1_000) {
	$milter->signal($_) for qw(USR1 HUP USR2);
}
works($milter, '3,000 signals of three kinds');
ok(Scratch::wait_for(60, sub { $milter->log =~
    /^connector-milter: reload: configuration [0-9a-f]{12} is in use$/m }),
    'it has reloaded');
is($milter->stop, 0, 'it still stops by SIGTERM');

# ---- admission --------------------------------------------------------------

$milter = milter(milter => "max_sessions = 3\n");
$milter->start;
my @open = map { begin($milter) } 1 .. 3;
hold($milter, $_, 'as many as may', [connect => [@net]]) for @open;
my $late = begin($milter);
my @said = hold($milter, $late, 'one too many',
    [connect => [@net], 'tempfail'],
    [mail => ['<a@client.test>'], $at_connect]);
like($said[0], qr/ stage=connect verdict=tempfail rule=admission reply="\Q$at_connect\E" /,
    'one too many: the log');
$late->quit;
(shift @open)->leave;
my $next;
Scratch::wait_for(60, sub {
	$next->leave if $next;
	$next = begin($milter);
	return $next->connect(@net)->{verdict} eq 'continue';
});
$milter->clear_log;
hold($milter, $next, 'after one left', [mail => ['<a@client.test>']]);
(shift @open)->close;
$next->close;
ok(Scratch::wait_for(60, sub {
	my $wire = begin($milter);
	my $answer = $wire->connect(@net)->{verdict};
	$wire->leave;
	return $answer eq 'continue';
}), 'a connection that breaks makes room too');
is($milter->stop, 0, 'stops with sessions open');

# ---- -v, -p, -u -------------------------------------------------------------

{
	my $other = 'unix:' . $scratch->path('m1.run/other.sock');
	my $log = $scratch->path('verbose.log');
	my $verbose = milter(socket => $other, log => $log);
	my $config = milter()->config;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::spawn({ err => $log }, $program, '-v', '-p', $other,
		'-c', $config);
	ok(Scratch::wait_for(60, sub { $verbose->answers }),
	    '-p: it listens there');
	my $wire = begin($verbose);
	$wire->connect(@net);
	like($verbose->wait_log(qr/stage=connect/),
	    qr/^NOQUEUE: connector=internet client=mx\.client\.test\[203\.0\.113\.9\]:41022 listener=192\.0\.2\.25:25 stage=connect verdict=accept /,
	    '-v: the connector of each session is logged');
	$wire->quit;
	is(Scratch::stop($pid, 'TERM', 60), 0, '-v -p: stops');
}

sub status_of
{
	my ($pid, $key) = @_;
	my ($value) = Scratch::slurp("/proc/$pid/status") =~ /^$key:\s*(.*)$/m;
	return $value // '';
}

SKIP: {
	skip 'not root', 14 if $> != 0;
	skip 'no /proc', 14 unless -r "/proc/$$/status";
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	my $group = getgrnam 'daemon';
	$milter = milter();
	$milter->start;
	my $pid = $milter->pid;
	is(status_of($pid, 'Uid'), join("\t", ($uid) x 4),
	    'user: real, effective, saved, filesystem');
	is(status_of($pid, 'Gid'), join("\t", ($gid) x 4), 'user: its group');
	is(status_of($pid, 'Groups') =~ s/ +$//r, $gid,
	    'user: no group of root');
	is(status_of($pid, 'CapEff'), '0000000000000000',
	    'user: no capability');
	is($milter->stop, 0, 'user: stops');
	ok(!-e path_of($milter), 'user: it could remove its socket');

	my $log = $scratch->path('group.log');
	my $named = milter(log => $log);
	delete local $ENV{JOURNAL_STREAM};
	$pid = Scratch::spawn({ err => $log }, $program, '-u', 'nobody:daemon',
		'-c', $named->config);
	$named->wait_log(qr/ listens on /);
	is(status_of($pid, 'Gid'), join("\t", ($group) x 4),
	    '-u user:group');
	is(Scratch::stop($pid, 'TERM', 60), 0, '-u user:group: stops');
	my $nobody = run('-u', 'no-such-user', '-c', $named->config);
	like($nobody->{status}, qr/^(?:64|71|77|78)$/,
	    '-u: a user that is not there: exit status');
	like($nobody->{err}, qr/there is no user no-such-user/,
	    '-u: a user that is not there: what it says');
	my $absent = run('-u', 'nobody:no-such-group', '-c', $named->config);
	is($absent->{status}, 78, '-u: a group that is not there: exit status');
	like($absent->{err}, qr/there is no group no-such-group$/m,
	    '-u: a group that is not there: what it says');
	for my $case ([$nobody, 'no-such-user'],
	    [$absent, 'nobody:no-such-group']) {
		my ($start, $user) = @$case;
		my $check = run('-n', '-u', $user, '-c', $named->config);
		is_deeply($check, $start, "-n -u $user says what a start says");
	}
}

# ---- the service manager ----------------------------------------------------

{
	my $path = $scratch->path('notify.sock');
	my $manager = IO::Socket::UNIX->new(Local => $path,
		Type => SOCK_DGRAM);
	chmod 0777, $path;
	local $ENV{NOTIFY_SOCKET} = $path;
	my $pid = Scratch::spawn({}, $program, '-c', milter()->config);
	my $told = sub {
		my $state = '';
		local $SIG{ALRM} = sub { die "silent\n" };
		alarm 60;
		eval { recv $manager, $state, 256, 0; 1 } or $state = 'silent';
		alarm 0;
		return $state;
	};
	is($told->(), 'READY=1', 'it is ready');
	kill 'HUP', $pid;
	like($told->(), qr/^RELOADING=1/, 'it reloads');
	is($told->(), 'READY=1', 'it is ready again');
	is(Scratch::stop($pid, 'TERM', 60), 0, 'it stops');
	is($told->(), 'STOPPING=1', 'and has said so');
}

done_testing;
