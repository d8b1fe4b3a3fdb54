#!/usr/bin/perl
# resources.t - descriptors, threads and memory run out: nobody is left without
# an answer, nothing spins, nothing leaks, and it is over as soon as there is
# enough again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use IO::Select;
use Milter;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $long = $ENV{LONG} // 0;
my $sanitized = defined $ENV{SANITIZED};
my $scratch = Scratch->new;

# This program plays all the clients.
chomp(my $most = qx(sh -c 'ulimit -Hn'));
system 'prlimit', '--pid', $$, "--nofile=$most:$most";

my $refusal = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
    . 'domain [connector internet, rule relay]';

sub milter
{
	my ($name, $tarpit, %option) = @_;
	return Milter->new($scratch, name => $name,
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { internet => <<"END" }, %option);
usage            = internet
bindings         = 0.0.0.0:25
remote_ip_ranges = 0.0.0.0/0
tarpit_interval  = ${tarpit}s
max_inbound_connection            = unlimited
max_inbound_connection_per_source = unlimited
END
}

# ---- what the system says ---------------------------------------------------

sub descriptors
{
	my ($milter) = @_;
	my @open = glob '/proc/' . $milter->pid . '/fd/*';
	return scalar @open;
}

sub status_of
{
	my ($milter, $key) = @_;
	my ($value) = Scratch::slurp('/proc/' . $milter->pid . '/status')
	    =~ /^$key:\s*(\d+)/m;
	return $value // 0;
}

# Seconds of CPU so far.
sub cpu
{
	my ($milter) = @_;
	my ($rest) = Scratch::slurp('/proc/' . $milter->pid . '/stat')
	    =~ /.*\) (.*)/;
	return ((split ' ', $rest)[11] + (split ' ', $rest)[12]) / 100;
}

# How much of a core it takes for a while.
sub busy
{
	my ($milter, $seconds) = @_;
	my ($cpu, $begun) = (cpu($milter), time);
	sleep $seconds;
	return (cpu($milter) - $cpu) / (time - $begun);
}

# Changes a limit of the running milter, as who it is: root may not always.
sub limit
{
	my ($milter, @limit) = @_;
	my @as = $> == 0 ? (qw(setpriv --clear-groups),
		'--reuid=' . status_of($milter, 'Uid'),
		'--regid=' . status_of($milter, 'Gid')) : ();
	return system(@as, 'prlimit', '--pid', $milter->pid,
		map { "$_:" } @limit) == 0;
}

# ---- what an MTA sees -------------------------------------------------------

my $client = 0;

# What becomes of a session up to a recipient of ours: "continue", the word of
# the step that was refused, or "closed"; and the session.
sub try_session
{
	my ($milter) = @_;
	my $wire = Wire->new($milter->socket)
	    or return 'closed';
	my $ip = join '.', 10, unpack 'C3', substr pack('N', $client++), 1;
	$wire->negotiate or return ('closed', $wire);
	my @steps = ([connect => client => $ip], [helo => 'client.example'],
		[mail => '<ada@sender.example>'],
		[rcpt => '<alice@example.com>']);
	for my $step (@steps) {
		my ($method, @arguments) = @$step;
		my $verdict = $wire->$method(@arguments)->{verdict};
		return ($verdict, $wire) if $verdict ne 'continue';
	}
	return ('continue', $wire);
}

# How often which verdict, and the sessions that are still open; "late": there
# was no time any more.
sub try_sessions
{
	my ($milter, $count) = @_;
	my (%times, @open);
	my $deadline = time + 300;
	for (1 .. $count) {
		if (time > $deadline) {
			$times{late}++;
			next;
		}
		my ($verdict, $wire) = try_session($milter);
		$times{$verdict}++;
		push @open, $wire if $verdict eq 'continue';
	}
	note join ', ', map { "$_: $times{$_}" } sort keys %times;
	return (\%times, @open);
}

sub quit_all
{
	$_->quit for @_;
	return;
}

sub is_served_soon
{
	my ($milter, $what) = @_;
	my $begun = time;
	my $served = Scratch::wait_for(5, sub {
		my ($verdict, $wire) = try_session($milter);
		$wire->quit if defined $wire;
		return $verdict eq 'continue';
	});
	return ok($served, sprintf '%s: served again after %.1f s', $what,
		time - $begun);
}

sub is_as_before
{
	my ($milter, $base, $what) = @_;
	Scratch::wait_for(60, sub { descriptors($milter) <= $base + 2 });
	my $now = descriptors($milter);
	return ok(abs($now - $base) <= 2,
		"$what: $base descriptors at first, $now in the end");
}

# The log says these things, each once and then once a minute at the most, and
# nothing else that begins with "no".
sub says
{
	my ($milter, $begun, @texts) = @_;
	my %times = map { $_ => 0 } @texts;
	$times{ s/\b\d+(?= (?:had|turned|deferred))/N/r }++
	    for grep { /^no (?:thread|room|memory)\b/ } $milter->lines;
	is_deeply([sort keys %times], [sort @texts],
	    'the log says what there was none of');
	my ($most) = sort { $b <=> $a } values %times;
	ok($most >= 1 && $most <= 1 + (time - $begun) / 60,
	    "... once a minute at the most: $most lines");
	return;
}

# What there may be none of.
my $no_thread = 'no thread for a command (Resource temporarily unavailable): '
    . 'N had to wait for one in reserve';
my ($no_sessions, $no_descriptor, $no_memory) = map {
	"no room for a connection of the MTA ($_): N turned away" }
    'max_sessions', 'Too many open files', 'no memory';
my $no_session = 'no memory for a session: N deferred';

# ---- a start that cannot go well --------------------------------------------

# The status of a start under these limits, and what it says.
sub start_under
{
	my ($sessions, @limit) = @_;
	my $milter = milter("start$client", 0, under => ['prlimit', @limit],
		milter => "max_sessions = $sessions\n");
	my $err = $scratch->path('start' . $client++ . '.err');
	local $ENV{NOTIFY_SOCKET} = $scratch->path('nobody');
	my $pid = Scratch::spawn({ err => $err }, $milter->command);
	my $status;
	Scratch::wait_for(60, sub { $milter->answers
	    || defined($status = Scratch::reap($pid, 0)) });
	$status //= Scratch::stop($pid, 'TERM', 60);
	my @said = grep { !/: version|: stop/ } split /\n/,
	    Scratch::slurp($err);
	return (defined $status && $status > 0 ? $status >> 8 : 0, @said);
}

my @starts = (
	[5000, ['--nofile=1024'], 'max_sessions = 5000 needs 5128 descriptors '
	    . 'and the limit is 1024: raise it (LimitNOFILE=, ulimit -n) or '
	    . 'set max_sessions = 896'],
	[1, ['--nofile=128'], 'max_sessions = 1 needs 129 descriptors and the '
	    . 'limit is 128: raise it (LimitNOFILE=, ulimit -n)'],
	[5000, ['--as=250000000'], 'max_sessions = 5000 needs 244 MB of '
	    . 'address space and the limit is 238: raise it (LimitAS=, '
	    . 'ulimit -v) or set max_sessions = 3691'],
	[5000, ['--data=100000000'], 'max_sessions = 5000 needs 100 MB of data '
	    . 'and the limit is 95: raise it (LimitDATA=, ulimit -d) or set '
	    . 'max_sessions = 3934'],
);
SKIP: {
	skip 'the sanitizers need addresses without end', 7 if $sanitized;
	for my $start (@starts) {
		my ($sessions, $limits, $text) = @$start;
		is_deeply([start_under($sessions, @$limits)],
		    [78, "connector-milter: $text"], "@$limits: not started");
	}
	is_deeply([start_under(896, '--nofile=1024')], [0],
	    '... but with what is said to be right');
	is_deeply([start_under(3691, '--as=250000000')], [0],
	    '... for addresses');
	is_deeply([start_under(3934, '--data=100000000')], [0],
	    '... and for data');
}

# ---- descriptors ------------------------------------------------------------

my $milter = milter('few', 0, milter => "max_sessions = 60\n",
	under => ['prlimit', '--nofile=400:400']);
my $begun = time;
$milter->start;
is_served_soon($milter, 'at first');
my $base = descriptors($milter);
for my $round (1 .. ($long ? 20 : 1)) {
	my @idle = map { begin($milter) } 1 .. 300;
	my $held = descriptors($milter) - $base;
	cmp_ok($held, '<=', 60 + 64, "$held of 300 connections are held");
	cmp_ok($held, '>=', 60 + 32, '... more than max_sessions');
	my $busy = busy($milter, 2);
	cmp_ok($busy, '<', 0.2, sprintf 'CPU: %.3f of a core', $busy);
	quit_all(@idle);
	is_as_before($milter, $base, "round $round");
	is_served_soon($milter, 'when they are gone');
}
says($milter, $begun, $no_sessions);
like($milter->reload('HUP', milter => "max_sessions = 200\n"), qr/in use$/,
    'a reload makes room for more');
{
	my ($times, @open) = try_sessions($milter, 150);
	is($times->{continue}, 150, '... for 150 sessions');
	quit_all(@open);
}
my $failed = $milter->reload('HUP', milter => "max_sessions = 300\n");
is($failed, 'reload failed; the old configuration stays in use',
    'a reload for which there is no room fails');
is_deeply([grep { /needs/ } $milter->lines], [$milter->config . ':0: error: '
	. 'max_sessions = 300 needs 428 descriptors and the limit is 400: '
	. 'raise it (LimitNOFILE=, ulimit -n) or set max_sessions = 272'],
    '... and says why');
is($milter->stop, 0, 'it stops');

# ---- the limit on descriptors sinks while it runs ---------------------------

$milter = milter('sinking', 0, milter => "max_sessions = 500\n");
$milter->start;
$begun = time;
is_served_soon($milter, 'at first');
$base = descriptors($milter);
for my $round (1 .. ($long ? 20 : 1)) {
	my ($times, @open) = try_sessions($milter, 300);
	is($times->{continue}, 300, "round $round: 300 sessions");
	ok(limit($milter, '--nofile=100'), 'descriptors: 100');
	my @tried = map { begin($milter) } 1 .. 50;
	($times) = try_sessions($milter, 200);
	is_deeply([keys %$times], ['closed'], 'new ones are hung up on');
	my ($slow, $lost) = (0, 0);
	for my $wire (@open) {
		my $begun = time;
		my $verdict = $wire->rcpt('<alice@example.com>')->{verdict};
		$slow++ if time - $begun > 2;
		$lost++ if $verdict ne 'continue';
	}
	is($lost, 0, 'the old ones are served');
	# The machine may stand still, once or twice.
	cmp_ok($slow, '<', 10, '... at once');
	my $busy = busy($milter, 2);
	cmp_ok($busy, '<', 0.2, sprintf 'CPU: %.3f of a core', $busy);
	quit_all(@tried, @open);
	ok(limit($milter, '--nofile=1000'), 'descriptors: 1000');
	is_served_soon($milter, 'with more descriptors');
	is_as_before($milter, $base, 'with more descriptors');
}
says($milter, $begun, $no_descriptor);
is($milter->stop, 0, 'it stops');

# ---- memory -----------------------------------------------------------------

SKIP: {
	skip 'the sanitizers need memory of their own', 1 if $sanitized;
	# More than there is memory for, however much was freed before.
	my $own = milter('poor', 0, milter => "max_sessions = 15000\n");
	my $begun = time;
	$own->start;
	is_served_soon($own, 'at first');
	my $first = descriptors($own);
	for my $round (1 .. ($long ? 20 : 2)) {
		# Not --as: a process beyond that may still turn what it has
		# reserved into data.
		ok(limit($own, '--data=1000000'), 'no memory');
		my ($deferred, @open) = use_up_memory($own);
		ok($deferred, "round $round: some are deferred after "
		    . scalar @open);
		my $busy = busy($own, 2);
		cmp_ok($busy, '<', 0.2, sprintf 'CPU: %.3f of a core', $busy);
		ok(limit($own, '--data=unlimited'), 'memory');
		is_served_soon($own, 'with memory');
		quit_all(@open);
		is_as_before($own, $first, 'with memory');
	}
	says($own, $begun, $no_thread, $no_memory, $no_session);
	is($own->stop, 0, 'it stops');
}

# What was given back is there again: sessions stay open until there is no room.
sub use_up_memory
{
	my ($own) = @_;
	my @open;
	for (1 .. 45) {
		my ($times, @more) = try_sessions($own, 300);
		push @open, @more;
		delete $times->{continue};
		next if !%$times;
		is_deeply([grep { !/^(?:tempfail|closed)$/ } keys %$times], [],
		    'nobody waits for an answer, or is refused for good');
		return (1, @open);
	}
	return (0, @open);
}

# Not even for libmilter's own bookkeeping, without which it stops for good. The
# library fails the very allocation that is made to see whether there is any.
sub probing
{
	return Shim::library($scratch, 'probe', <<'END');
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);

void *
malloc(size_t size)
{
	static const char *path;

	if (path == NULL)
		path = getenv("NO_MEMORY");
	return size == 65536 && path != NULL && access(path, F_OK) == 0
	    ? NULL : __libc_malloc(size);
}
END
}

SKIP: {
	skip 'the sanitizers have a malloc of their own', 1 if $sanitized;
	my $flag = $scratch->path('no-memory');
	my $own = milter('probing', 0);
	my $begun = time;
	{
		local @ENV{qw(LD_PRELOAD NO_MEMORY)} = (probing(), $flag);
	$own->start;
	}
	is_served_soon($own, 'at first');
	my $first = descriptors($own);
	$scratch->write('no-memory', '');
	my ($times) = try_sessions($own, 200);
	is_deeply($times, { closed => 200 }, 'no memory: all are hung up on');
	my $busy = busy($own, 1);
	cmp_ok($busy, '<', 0.2, sprintf 'CPU: %.3f of a core', $busy);
	unlink $flag;
	is_served_soon($own, 'with memory');
	is_as_before($own, $first, 'with memory');
	says($own, $begun, $no_memory);
	is($own->stop, 0, 'it stops');
}

# ---- threads ----------------------------------------------------------------

# The limit counts all that a user runs: here it is one that runs nothing else.
SKIP: {
	skip 'only root can become somebody else', 1 if $> != 0;
	my $uid = 1_000_000 + $$;
	my $sessions = $long ? 500 : 150;
	my $seconds = 3;
	my $own = milter('busy', $seconds, uid => $uid,
		milter => "max_tarpits = 500\n",
		under => ['prlimit', '--nproc=60']);
	my $begun = time;
	$own->start;
	is_deeply([grep { /max_tarpits/ } $own->lines],
	    ['max_tarpits = 500 needs 540 tasks and the limit is 60: raise it '
		. '(LimitNPROC=, ulimit -u), or fewer refusals are held back'],
	    'threads: it starts with a warning');
	is_served_soon($own, 'at first');
	my $first = descriptors($own);
	for my $round (1 .. ($long ? 20 : 1)) {
		crowd_in($own, $sessions, $seconds);
		is_as_before($own, $first, "round $round");
		is_served_soon($own, 'when all are gone');
		sleep 1;
	}
	says($own, $begun, $no_thread);
	is($own->stop, 0, 'it stops');
	is_deeply([start_short($uid)], [71, 'cannot start a thread'],
	    'without threads in reserve it does not start');
}

# All of them want to be held back at once, for longer than the threads last.
sub crowd_in
{
	my ($own, $sessions, $seconds) = @_;
	my ($times, @open) = try_sessions($own, $sessions);
	is($times->{continue}, $sessions, "$sessions sessions");
	my $begun = time;
	$_->send_frame('R', "<x\@foreign.test>\0") for @open;
	sleep 0.5;
	my $threads = status_of($own, 'Threads');
	cmp_ok($threads, '<=', 60, "$threads threads");
	# The best of three: the machine has other things to do now and then.
	my ($verdict, $took);
	for (1 .. 3) {
		my $asked = time;
		($verdict, my $wire) = try_session($own);
		$took = time - $asked;
		$wire->quit if defined $wire;
		last if $verdict !~ /^(?:continue|tempfail)$/ || $took < 1;
	}
	ok($verdict =~ /^(?:continue|tempfail)$/ && $took < 1,
	    sprintf 'who comes now gets "%s" after %.3f s', $verdict, $took);
	my %answers;
	for my $each (@open) {
		my $answer = $each->answer;
		$answers{ $answer->{reply} // $answer->{verdict} }++;
	}
	is_deeply(\%answers, { $refusal => $sessions }, sprintf
	    'each of them is refused, all after %.1f s', time - $begun);
	quit_all(@open);
	return;
}

# Under a limit that the threads of our own just fit in.
sub start_short
{
	my ($uid) = @_;
	my $own = milter('short', 0, uid => $uid,
		under => ['prlimit', '--nproc=15']);
	my $err = $scratch->path('short.err');
	my $pid = Scratch::spawn({ err => $err }, $own->command);
	my $status = Scratch::reap($pid, 60);
	my @said = map { s/^connector-milter: //r } grep { !/max_tarpits/ }
	    split /\n/, Scratch::slurp($err);
	return (defined $status ? $status >> 8 : 'runs', @said);
}

# ---- an MTA that is gone ----------------------------------------------------

# The kernel's keepalive timer of the milter's end, in seconds.
sub keepalive
{
	my ($port) = @_;
	my $local = sprintf '0100007F:%04X', $port;
	my ($timer, $ticks) = Scratch::slurp('/proc/net/tcp')
	    =~ /^ *\d+: $local \S+ 01 \S+ (\w\w):(\w+)/m;
	return defined $timer && $timer eq '02' ? hex($ticks) / 100 : 'none';
}

{
	my $port = Scratch::free_port('127.0.0.1');
	my $own = milter('inet', 0, socket => "inet:$port\@127.0.0.1");
	$own->start;
	my $wire = begin($own);
	my $keepalive = keepalive($port);
	ok($keepalive ne 'none' && $keepalive > 60 && $keepalive <= 120,
	    "over TCP an MTA is asked whether it is there, in $keepalive s");
	$wire->quit;
	is($own->stop, 0, 'it stops');
}

# ---- peers that dawdle ------------------------------------------------------

SKIP: {
	skip 'takes a minute; LONG=1 does it', 1 if !$long;
	my $own = milter('patient', 0);
	$own->start;
	my $first = descriptors($own);
	my @slow = map { begin($own) } 1 .. 50;
	my $begun = time;
	# libmilter lets some wait for the thread that another one holds: they
	# have their minute after that.
	my $bytes = pack 'N/a*', 'H' . 'x' x 600;
	my $alive = 50;
	for my $byte (split //, $bytes) {
		$alive = grep { $_->send_bytes($byte) } @slow;
		last if $alive == 0;
		sleep 1;
	}
	is($alive, 0, sprintf 'a byte a second: hung up on after %.0f s',
	    time - $begun);
	is_served_soon($own, 'others');
	quit_all(@slow);
	is_as_before($own, $first, 'dawdlers');
	is($own->stop, 0, 'it stops');
}

done_testing;
