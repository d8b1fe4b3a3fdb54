#!/usr/bin/perl
# noise.t - peers at the socket that send frames of any kind, as fast as they
# can, beside an MTA: nothing is permitted, nothing crashes, leaks or waits.
# LONG=1: 10 million frames of a new seed, or for 10 minutes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Fire;
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $seconds = $ENV{LONG} ? 600 : 4;
my $seed = $ENV{SEED} // ($ENV{LONG} ? int rand 1_000_000 : 20261122);

my $scratch = Scratch->new;
my $fire = Fire->new($scratch, defaults => "helo_syntax = off\n",
	milter => "max_sessions = 2000\n");
my $milter = $fire->milter;
$milter->start;
my $pid = $milter->pid;

sub noise
{
	my ($time, @flags) = @_;
	my %file = map { $_ => $scratch->path("noise.$_") } qw(out err);
	unlink values %file;
	my $noise = Scratch::spawn(\%file, Milter::program('long/noise'),
		-s => $time, @flags, $milter->socket);
	return sub {
		my $status = Scratch::reap($noise, $time + 120);
		my %figure = Scratch::slurp($file{out}) =~ /(\w+)=(\d+)/g;
		return { %figure, status => $status // 'does not end',
			said => Scratch::slurp($file{err}) };
	};
}

# What is used once, and then again and again.
$fire->load(-k => 16, -r => 4_000, -s => 2, -m => undef)->();
noise(2, -S => 1)->();
sleep 1;
my $before = Fire::process($pid);
my $load = $fire->load(-k => 8, -r => 50);
my $result = noise($seconds, -S => $seed, -n => 10_000_000)->();
my $beside = $load->(1);
is($result->{status}, 0, "seed $seed: $result->{frames} frames in "
    . "$result->{connections} connections") or diag($result->{said});
is($result->{permitted}, 0, "$result->{answers} answers, none permits");
is($result->{silent}, 0, 'no connection is left without an end');
cmp_ok($result->{frames}, '>', 1_000 * $seconds, '... and there was noise')
    if !$ENV{SANITIZED};
is($beside->{wrong}, 0, "$beside->{transactions} transactions of an MTA beside "
    . 'it: all answers right') or diag($beside->{said});
is($milter->pid && kill(0, $pid), 1, 'the daemon lives');

# ---- ten thousand connections, and one byte a second ------------------------

my @slow = grep { defined } map { Wire->new($milter->socket) } 1 .. 20;
my $frame = pack 'N/a*', 'O' . pack 'N3', 6, 0x1ff, 0x1fffff;
my $come = 0;
my $at = 0;
my $begun = time;
for my $n (1 .. 10_000) {
	my $wire = Wire->new($milter->socket) or next;
	$come++;
	$wire->send_bytes($frame) if $n % 3 == 0;
	$wire->close;
	next if $n % 1_000;
	$_->send_bytes(substr $frame, $at, 1) for @slow;
	$at++;
}
my $wire = begin($milter);
$wire->connect(client => '10.9.9.9');
$wire->helo('client.example');
is($wire->mail('<ada@sender.example>')->{verdict}, 'continue',
    sprintf '%d connections came and went in %.1f s, 20 speak slowly, and '
    . 'others are served', $come, time - $begun);
$wire->quit;
is($come, 10_000, '... each of them was taken');
$_->close for @slow;

ok(Scratch::wait_for(60, sub {
	my $now = Fire::process($pid);
	return $fire->status->{sessions}{open} == 0
	    && $now->{descriptors} <= $before->{descriptors} + 2;
}), 'no session and no descriptor is left');
SKIP: {
	skip 'sanitizers have memory of their own', 1 if $ENV{SANITIZED};
	my $after = Fire::process($pid)->{memory};
	cmp_ok($after - $before->{memory}, '<',
	    $before->{memory} / 10 + 2_048,
	    "memory: $before->{memory} KiB, $after KiB after");
}
is($milter->stop, 0, 'the daemon stops as it should');

done_testing;
