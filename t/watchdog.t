#!/usr/bin/perl
# watchdog.t - the milter asks itself whether it still answers, tells the
# service manager, and ends when it does not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use IO::Select;
use IO::Socket::UNIX;
use Milter;
use Scratch;
use Shim;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $scratch = Scratch->new;
my $program = Milter::program('connector-milter');
my @net = (client => '203.0.113.9', name => 'mx.client.test');
my %internet = (internet => <<'END');
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
END
my $number = 0;

# Sanitizers are slower than the patience that suffices without them.
my $patience = $ENV{WATCHDOG_SECONDS} // 1.5;

# A daemon whose manager has %env, and what it hears: { pid, milter, manager }.
sub start
{
	my ($env, %option) = @_;
	my $name = 'w' . ++$number;
	my $milter = Milter->new($scratch, name => $name,
		connectors => {%internet}, %option);
	my $path = $scratch->path("$name.manager");
	my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path)
	    or die "$path: $!\n";
	chmod 0777, $path;
	local %ENV = (%ENV, NOTIFY_SOCKET => $path, %$env);
	delete $ENV{JOURNAL_STREAM};
	my $log = $scratch->path("$name.log");
	my $pid = Scratch::spawn({ err => $log }, $program, '-c',
		$milter->config);
	$milter->{pid} = $pid;
	my $self = { pid => $pid, milter => $milter, manager => $manager };
	is(hear($self, 60), 'READY=1', "$name: it is ready");
	return $self;
}

# The next word within $seconds, or 'silence'.
sub hear
{
	my ($daemon, $seconds) = @_;
	my $manager = $daemon->{manager};
	return 'silence' unless IO::Select->new($manager)->can_read($seconds);
	my $word;
	recv $manager, $word, 256, 0;
	return $word;
}

# The times between the words within $seconds, all of them WATCHDOG=1.
sub gaps
{
	my ($daemon, $seconds) = @_;
	my $end = time + $seconds;
	my $last = time;
	my @gaps;
	while (time < $end) {
		my $word = hear($daemon, $end - time);
		last if $word eq 'silence';
		push @gaps, $word eq 'WATCHDOG=1' ? time - $last : $word;
		$last = time;
	}
	return @gaps;
}

sub usec
{
	return WATCHDOG_USEC => int 1_000_000 * $_[0];
}

sub descriptors
{
	my ($pid) = @_;
	return scalar(() = glob "/proc/$pid/fd/*");
}

# The machine has other things to do now and then: the best of five stretches
# counts.
sub told
{
	my ($what, $daemon, $rounds) = @_;
	my ($least, $most) = ($rounds - 1, $rounds + 1);
	my (@gaps, @late, @odd);
	for (1 .. 5) {
		@gaps = gaps($daemon, $rounds * $patience / 2 + $patience / 4);
		@odd = grep { /[^\d.e-]/ } @gaps;
		@late = grep { !/[^\d.e-]/ && $_ > $patience } @gaps;
		last if @odd || !@late && @gaps >= $least && @gaps <= $most;
	}
	is_deeply([@odd, @late], [],
		"$what: nothing else, none later than wanted");
	ok(@gaps >= $least && @gaps <= $most,
		"$what: told " . @gaps . " times, $least to $most wanted");
	return;
}

# Of many looks the least: at any one it may be asking itself.
sub at_rest
{
	my ($pid) = @_;
	my @looks = map { sleep 0.02; descriptors($pid) } 1 .. 20;
	my ($least) = sort { $a <=> $b } @looks;
	return $least;
}

# ---- all is well ------------------------------------------------------------

my @sockets = (
	['a UNIX socket'],
	['inet', socket => 'inet:' . Scratch::free_port('127.0.0.1')
	    . '@127.0.0.1'],
	['inet by name', socket => 'inet:' . Scratch::free_port('127.0.0.1')
	    . '@localhost'],
	['inet, any address', socket => 'inet:'
	    . Scratch::free_port('127.0.0.1') . '@0.0.0.0'],
);
push @sockets, ['inet6', socket => 'inet6:' . Scratch::free_port('::1')
    . '@::1'] if Scratch::has_ipv6();
for my $case (@sockets) {
	my ($what, @option) = @$case;
	my $daemon = start({ usec($patience) }, @option);
	is(hear($daemon, 60), 'WATCHDOG=1', "$what: it is told");
	my $before = at_rest($daemon->{pid});
	told($what, $daemon, 3);
	ok(Scratch::wait_for(60, sub {
		descriptors($daemon->{pid}) == $before }),
		"$what: $before descriptors as before");
	my @lines = $daemon->{milter}->lines;
	is(scalar @lines, 1, "$what: nothing is logged but the start");
	is($daemon->{milter}->stop, 0, "$what: it stops");
}

# ---- who is not asked -------------------------------------------------------

for my $case (
	['no watchdog', {}],
	['the watchdog of another', { usec(0.4), WATCHDOG_PID => 1 }],
	['a watchdog of no time', { WATCHDOG_USEC => 0 }],
	['a watchdog of a word', { WATCHDOG_USEC => 'often' }],
) {
	my ($what, $env) = @$case;
	my $daemon = start($env);
	is(hear($daemon, 1), 'silence', "$what: nothing is told");
	is($daemon->{milter}->stop, 0, "$what: it stops");
}

# ---- no room ----------------------------------------------------------------

{
	my $daemon = start({ usec($patience) },
		milter => "max_sessions = 2\n");
	my @held = grep { defined } map { begin($daemon->{milter}) } 1 .. 2;
	$_->connect(@net) for @held;
	my @more = map { Wire->new($daemon->{milter}->socket) } 1 .. 300;
	told('max_sessions and 300 connections more', $daemon, 4);
	$_->close for grep { defined } @held, @more;
	is($daemon->{milter}->stop, 0, 'no room: it stops');
}

# ---- no descriptor to ask with ----------------------------------------------

SKIP: {
	skip 'prlimit is missing', 8
	    if system('prlimit --version >/dev/null 2>&1') != 0;
	my $daemon = start({ usec($patience) });
	# As who it is: root may not always.
	my @as = $> == 0 ? (qw(setpriv --clear-groups --reuid=nobody),
		'--regid=' . (getpwnam 'nobody')[3]) : ();
	my $limit = sub {
		is(system(@as, 'prlimit', '--pid', $daemon->{pid},
			"--nofile=$_[0]:"), 0, "descriptors: $_[0]");
	};
	# Then poll(2) refuses even one.
	$limit->(0);
	gaps($daemon, 10);
	ok(!defined Scratch::reap($daemon->{pid}, 0),
		'without a descriptor to ask with it does not end');
	$limit->(1000);
	isnt(hear($daemon, 60), 'silence', 'it asks again');
	told('with descriptors again', $daemon, 3);
	is($daemon->{milter}->stop, 0, 'without a descriptor: it stops');
}

# ---- stopped for a while ----------------------------------------------------

{
	my $daemon = start({ usec($patience) });
	kill 'STOP', $daemon->{pid};
	sleep 1.5 * $patience;
	kill 'CONT', $daemon->{pid};
	told('stopped by a debugger for longer than that', $daemon, 3);
	is($daemon->{milter}->stop, 0, 'stopped for a while: it stops');
}

# ---- a drain ----------------------------------------------------------------

{
	my $daemon = start({ usec($patience) });
	my $wire = begin($daemon->{milter});
	hold($daemon->{milter}, $wire, 'a transaction', [connect => [@net]],
		[mail => ['<a@client.test>']]);
	kill 'TERM', $daemon->{pid};
	my @words = map { hear($daemon, 60) } 1 .. 3;
	is((grep { $_ eq 'STOPPING=1' } @words), 1, 'a drain: it says so');
	cmp_ok((grep { $_ eq 'WATCHDOG=1' } @words), '>=', 1,
		'a drain: it keeps telling');
	$wire->quit;
	is(Scratch::reap($daemon->{pid}, 60), 0, 'a drain: it ends');
}

# ---- it hangs ---------------------------------------------------------------

# libmilter's listener never comes back from the system.
my $library = Shim::library($scratch, 'hanging', <<'END');
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int
accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	while (access(getenv("HANG"), F_OK) == 0)
		sleep(1);
	return REAL(accept4)(fd, addr, len, flags);
}
END
for my $case (@sockets[0 .. 1]) {
	my ($what, @option) = @$case;
	my $flag = $scratch->path('hang.' . $number);
	my $daemon = start({ usec($patience), LD_PRELOAD => $library,
		HANG => $flag }, @option);
	told("$what, before", $daemon, 2);
	open my $out, '>', $flag or die;
	close $out;
	my $began = time;
	# What it said before.
	1 while hear($daemon, 0) ne 'silence';
	my $status = Scratch::reap($daemon->{pid}, 60);
	my $took = time - $began;
	is($status // 'runs', 70 << 8, "$what, hanging: exit status");
	my @words;
	while ((my $word = hear($daemon, 0)) ne 'silence') {
		push @words, $word;
	}
	cmp_ok(scalar @words, '<=', 1, "$what, hanging: told no more");
	cmp_ok($took, '<=', 3 * $patience + 20, sprintf
		"$what, hanging: ended after %.1f s of $patience", $took);
	like((split /\n/, $daemon->{milter}->log)[-1],
		qr/^connector-milter: the milter has not answered itself for \d+ seconds: it ends, to be started again$/,
		"$what, hanging: its last line");
}

done_testing;
