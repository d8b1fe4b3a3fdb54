#!/usr/bin/perl
# restart.t - the milter is stopped, killed at each stage and started again
# under load: nothing is lost, doubled or relayed, and a stop by SIGTERM defers
# no message that has begun. LONG=1 for many more times.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Load;
use Milter;
use Play;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(sleep time);

my $play = Play->new(listeners => { mx => {} });
my $scratch = $play->scratch;
my $port = '0.0.0.0:' . $play->port('mx');
my $milter = Milter->new($scratch,
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { relay => <<"END" });
bindings                          = $port
remote_ip_ranges                  = 127.0.0.8/29
permission_groups                 = anonymous_users
accept_any_recipient              = anonymous
relay_to                          = partner.example
max_inbound_connection_per_source = unlimited
max_inbound_connection_percentage_per_source = 100
message_rate_limit                = unlimited
END

# ---- a program that dies where it is told to --------------------------------

# The file ARM has a letter: the command of the milter protocol that kills as
# soon as it is read, r for a file of the configuration, w for a line of the
# log, of which half is written.
my $library = Shim::library($scratch, 'deadly', <<'END');
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_armed(char letter)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("ARM"), O_RDONLY);
	char armed = '\0';

	if (fd < 0)
		return 0;
	if (syscall(SYS_read, fd, &armed, 1) != 1)
		armed = '\0';
	close(fd);
	return armed == letter;
}

static void
die_if(int dead)
{
	if (dead)
		kill(getpid(), SIGKILL);
}

ssize_t
read(int fd, void *buf, size_t len)
{
	const ssize_t got = syscall(SYS_read, fd, buf, len);

	die_if(len == 5 && got == 5 && is_armed(((char *)buf)[4]));
	return got;
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	if (fd == 2 && is_armed('w')) {
		syscall(SYS_write, fd, buf, len / 2);
		die_if(1);
	}
	return syscall(SYS_write, fd, buf, len);
}

int
open(const char *path, int flags, ...)
{
	va_list rest;
	int mode;

	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	die_if(strstr(path, "/connectors.d/") != NULL && is_armed('r'));
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
END

my $arm = $scratch->path('arm');
my @stages = (
	[negotiate => 'O'], [connect => 'C'], [helo => 'H'], [mail => 'M'],
	[rcpt => 'R'], [data => 'T'], [header => 'L'], [eoh => 'N'],
	[body => 'B'], [eom => 'E'], ['a reload' => 'r'],
	['a line of the log' => 'w'],
);

sub start
{
	my ($deadly) = @_;
	unlink $arm;
	local @ENV{qw(LD_PRELOAD ARM)} = ($library, $arm) if $deadly;
	my $began = time;
	$milter->start;
	return time - $began;
}

# Arms it, and waits for its death; false if it lives.
sub dies
{
	my ($letter) = @_;
	$scratch->write('arm', $letter);
	$milter->signal('HUP') if $letter eq 'r';
	my $status = Scratch::reap($milter->pid, 60);
	return defined $status && ($status & 127) == 9;
}

sub accepted_by_log
{
	return scalar(() = $milter->log =~ / stage=eom verdict=accept /g);
}

start();
$play->raise($milter);

# ---- kill -9 at each stage ---------------------------------------------------

my $times = $ENV{LONG} ? 50 : 1;
subtest "dead at each of 12 stages under load, $times times" => sub {
	$milter->kill;
	start(1);
	my $load = Load->new($play);
	my ($slowest, @alive) = (0);
	for my $stage (@stages) {
		my ($name, $letter) = @$stage;
		my $died = 0;
		for (1 .. $times) {
			$load->wait_accepted;
			$died += dies($letter) or push @alive, $name;
			$milter->kill if !$died;
			my $took = start(1);
			$slowest = $took if $took > $slowest;
		}
		is $died, $times, "$name: died $died times";
	}
	ok $load->wait_accepted, 'it serves again';
	$load->end->judge;
	cmp_ok $slowest, '<', 20,
	    sprintf 'back after %.0f ms at most', $slowest * 1000;
};

# ---- SIGTERM ----------------------------------------------------------------

srand 20261122;
my $stops = $ENV{LONG} ? 100 : 12;
subtest "stopped by SIGTERM under load, $stops times" => sub {
	$milter->stop;
	unlink $milter->{log};
	start();
	my $load = Load->new($play);
	my (@stops, $slowest, $failed);
	my $waits = sub {
		return scalar(() = $milter->log =~ /all transactions have ended/g);
	};
	# Until one had something to wait for.
	while (@stops < $stops || @stops < 10 * $stops && !$waits->()) {
		$load->wait_accepted;
		sleep rand 0.3;
		push @stops, time;
		$failed++ if $milter->stop != 0;
		my $took = time - $stops[-1];
		$slowest = $took if $took > ($slowest // 0);
		start();
	}
	$load->wait_accepted;
	$load->end->judge;
	is $milter->stop, 0, 'exit status of the last';
	is $failed // 0, 0, 'exit status of all the others';
	cmp_ok $slowest, '<', 35,
	    sprintf 'the slowest stop took %.0f ms', $slowest * 1000;
	is join("\n", map { "$_->{id} $_->{reply}" } $load->cut_off(@stops)),
	    '', 'no message that had begun was deferred';
	is scalar(() = $milter->log =~ /transactions cut off/g), 0,
	    'none was cut off';
	my $waited = $waits->();
	ok $waited, 'of ' . @stops . " stops $waited had to wait";
	is accepted_by_log(), scalar @{ $load->{arrived} },
	    'what the log calls accepted has arrived';
	start();
};

# ---- a storm ----------------------------------------------------------------

my $storm = $ENV{LONG} ? 50 : 10;
subtest "$storm restarts in a row, killed or stopped" => sub {
	my $load = Load->new($play);
	my $began = time;
	for my $n (1 .. $storm) {
		my $until = time + 1.1;
		$n % 2 ? $milter->kill : $milter->stop;
		start();
		sleep 0.01 while time < $until;
	}
	my $took = time - $began;
	ok $load->wait_accepted, sprintf 'after %.0f s it serves', $took;
	$load->end->judge;
};

is $milter->stop, 0, 'it stops';
done_testing;
