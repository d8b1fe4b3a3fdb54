#!/usr/bin/perl
# reload_fire.t - reloads of every kind under load: each transaction is judged
# by a configuration that was in use at its MAIL, nothing grows, nobody waits.
# LONG=1: 1,000 reloads, within 5 minutes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Fire;
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = $ENV{LONG};
my $reloads = $long ? 1000 : 100;
my $rate = $long ? 500 : 300;

my $scratch = Scratch->new;
my $fire = Fire->new($scratch, others => 100);
my $milter = $fire->milter;
$milter->start;

# ---- a storm of reloads -----------------------------------------------------

# Every other one is good, every third of these changes nothing.
my @ways = qw(HUP USR1 ctl);
my @faults = Fire::faults();
my (%count, @samples, @windows, %unexpected);

sub one_reload
{
	my ($n) = @_;
	my $way = $ways[$n % @ways];
	my ($kind, $result, $want);
	if ($n % 2) {
		$kind = $faults[$n / 2 % @faults];
		my $file = $n / 2 / @faults % 2 ? 'marker' : 'main';
		$file = 'main' if $kind =~ /empty|missing/;
		$result = $fire->turn_badly($way, $kind, $file);
		$kind .= " $file";
	} else {
		my $same = $n % 3 == 2;
		$kind = $same ? 'good again' : 'good';
		$result = $fire->turn($way, $same);
		$want = 1;
	}
	$count{$kind}++;
	$unexpected{"$kind by $way"} = $result // 'nothing'
	    if ($result // -1) != ($want // 0);
	return;
}

# The log's queue has a fixed size, and its memory is touched once; malloc has
# a heap for each of several threads, and each gets its pieces.
my $warm = $fire->load(-k => 16, -r => 4_000, -s => 3, -m => undef);
$fire->turn('HUP') for 1 .. 60;
$warm->();
sleep 1.5;
my $base = Fire::process($milter->pid);
my $load = $fire->load(-k => 16, -r => $rate);
sleep 1;
my ($quiet, $begun) = (0, time);
my $each = ($long ? 280 : 12) / $reloads;
for my $n (0 .. $reloads - 1) {
	my $start = Fire::clock();
	one_reload($n);
	push @windows, [$start, Fire::clock()];
	push @samples, Fire::process($milter->pid)->{memory};
	# In some stretches there are none, to compare with.
	my $pause = $n % 20 == 19 ? 20 * $each / 4 : $each * 3 / 4
	    - (Fire::clock() - $start);
	sleep $pause if $pause > 0;
}
my $took = time - $begun;
my $result = $load->(1);

is_deeply(\%unexpected, {}, "$reloads reloads end as they must")
    or diag(explain(\%unexpected));
note(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($took, '<', $long ? 300 : 120, sprintf 'reloads: %d in %.1f s',
	$reloads, $took);
is($result->{status}, 0, 'every answer was right') or diag($result->{said});
is($result->{wrong}, 0, sprintf '%d transactions, %.0f a second: wrong ones',
	$result->{transactions},
	$result->{transactions} / $result->{seconds});
cmp_ok($result->{messages}, '>', $took * $rate / 4,
    "$result->{messages} messages got through meanwhile");
my ($wrong, $all) = $fire->misjudged($result);
is($wrong, 0, "$all transactions by number: judged by one not in use");
cmp_ok($all, '>', $took * $rate / 4, '... and there are some');

# ---- nobody waits -----------------------------------------------------------

# Whether it was sent while a reload was under way; what was sent just before
# or after one counts neither way.
sub place_of
{
	my ($sent) = @_;
	my ($low, $high) = (0, $#windows);
	while ($low < $high) {
		my $middle = int(($low + $high + 1) / 2);
		if ($windows[$middle][0] - 0.005 <= $sent) {
			$low = $middle;
		} else {
			$high = $middle - 1;
		}
	}
	my ($from, $until) = @{ $windows[$low] };
	return 'quiet' if $sent > $until + 0.02 || $sent < $from - 0.02;
	return $sent >= $from - 0.005 && $sent <= $until ? 'beside' : '';
}

my (%answers, $most);

sub compare
{
	my ($load) = @_;
	%answers = map { my $place = $_; $place => Fire::answers($load,
		sub { place_of($_[0]) eq $place }) } qw(quiet beside);
	my $quiet = 3 * $answers{quiet}{p999};
	$most = $quiet > 10 ? $quiet : 10;
	note(Fire::show('without a reload', $answers{quiet}));
	return $answers{beside}{p999} < $most;
}

# The same once more, with good ones alone.
sub again
{
	my $load = $fire->load(-k => 16, -r => $rate);
	sleep 1;
	@windows = ();
	for my $n (1 .. 60) {
		my $start = Fire::clock();
		$fire->turn('HUP');
		push @windows, [$start, Fire::clock()];
		push @samples, Fire::process($milter->pid)->{memory};
		sleep 0.05;
	}
	sleep 1;
	return $load->(1);
}

# The machine has other things to do now and then: the best of five counts.
my $in_time = compare($result);
for (1 .. 4) {
	last if $in_time;
	$in_time = compare(again());
}
cmp_ok($answers{beside}{p999}, '<', $most,
    Fire::show('beside reloads', $answers{beside}));
cmp_ok($answers{beside}{count}, '>=', 60, '... and there are some');

# ---- nothing grows ----------------------------------------------------------

# By no more than so many per cent, and a page or two of malloc's, does the last
# third have more than the first.
sub is_flat
{
	my $third = int @_ / 3;
	my ($early, $late) = (Fire::median(@_[0 .. $third]),
		Fire::median(@_[-$third .. -1]));
	return ($late - $early <= $early * 0.02 + 64,
		sprintf 'memory: %d KiB early, %d KiB late (%+.2f per cent)',
		$early, $late, 100 * ($late - $early) / $early);
}

SKIP: {
	skip 'sanitizers have memory of their own', 1 if $ENV{SANITIZED};
	my ($flat, $said) = is_flat(@samples[@samples / 5 .. $#samples]);
	# A crowd that a busy machine made may want some for itself, once. What
	# leaks goes on.
	for (1 .. 4) {
		last if $flat;
		note($said);
		@samples = ();
		again();
		($flat, $said) = is_flat(@samples);
	}
	ok($flat, $said);
}
my $after;
Scratch::wait_for(60, sub {
	$after = Fire::process($milter->pid);
	return $after->{descriptors} <= $base->{descriptors} + 2
	    && $after->{threads} <= $base->{threads} + 4;
});
cmp_ok($after->{$_}, '<=', $base->{$_} + ($_ eq 'threads' ? 4 : 2),
    "$_: $base->{$_} before, $after->{$_} after") for qw(descriptors threads);
ok(Scratch::wait_for(60, sub {
	$fire->status->{configuration}{snapshots} == 1
}), 'one configuration is in memory');

# ---- one session is held open -----------------------------------------------

sub refusal
{
	my ($number) = @_;
	return '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
	    . "domain [connector g$number, rule relay]";
}

sub is_judged_by
{
	my ($wire, $number, $what) = @_;
	my ($yes, $no) = $number % 2 ? qw(odd even) : qw(even odd);
	my @want = (['x@foreign.test', refusal($number)],
		["a\@$yes.example", 'continue'],
		["a\@$no.example", refusal($number)]);
	for my $case (@want) {
		my ($recipient, $reply) = @$case;
		my $answer = $wire->rcpt("<$recipient>");
		is($answer->{reply} // $answer->{verdict}, $reply,
		    "$what: $recipient");
	}
	return;
}

{
	my $held = $fire->number;
	my $wire = begin($milter);
	$wire->connect(client => '10.9.9.9');
	$wire->helo('client.example');
	$wire->mail('<ada@sender.example>');
	is_judged_by($wire, $held, 'before');
	my @took = map { my $start = time;
		$fire->turn($ways[$_ % @ways]) or fail("reload $_");
		time - $start } 1 .. 50;
	is($fire->number, $held + 50, 'fifty reloads beside a held session');
	my ($slowest) = sort { $b <=> $a } @took;
	cmp_ok(Fire::median(@took), '<', 2, 'none waits');
	cmp_ok($slowest, '<', 20, sprintf 'none waits: median %.0f ms, '
	    . 'slowest %.0f ms', 1000 * Fire::median(@took), 1000 * $slowest);
	ok(Scratch::wait_for(60, sub {
		$fire->status->{configuration}{snapshots} <= 3
	}), 'only what is used is in memory');
	is_judged_by($wire, $held, 'what was begun before');
	is($wire->message->{verdict}, 'continue', '... and sent');
	$wire->mail('<ada@sender.example>');
	is_judged_by($wire, $fire->number, 'the next MAIL');
	$wire->quit;
}

# ---- rights that are taken away ---------------------------------------------

my %rights = (
	relay => {
		before => "permission_groups = anonymous_users\n"
		    . "accept_any_recipient = anonymous\n",
		after => "permission_groups = anonymous_users\n",
		refused => '550 5.7.54 SMTP; Unable to relay recipient in '
		    . 'non-accepted domain [connector relay, rule relay]',
	},
	login => {
		before => "permission_groups = exchange_users\n"
		    . "auth_mechanism = tls, basic_auth\n"
		    . "accept_any_sender = users\n",
		after => "permission_groups = anonymous_users\n"
		    . "auth_mechanism = tls, basic_auth\n",
	},
	connector => {
		before => "permission_groups = anonymous_users\n"
		    . "accept_any_recipient = anonymous\n",
		after => undef,
	},
);

sub section
{
	my ($lines) = @_;
	return defined $lines
	    ? "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.0.0.0/24\n$lines"
	    : undef;
}

for my $right (sort keys %rights) {
	my $case = $rights{$right};
	my $one = Milter->new($scratch, name => "right.$right",
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => {
			relay => section($case->{before}),
			other => "bindings = 0.0.0.0:25\n"
			    . "remote_ip_ranges = 192.0.2.0/24\n"
			    . "permission_groups = anonymous_users\n",
		});
	$one->start;
	my $wire = begin($one);
	$wire->tls;
	$wire->connect(client => '10.0.0.9');
	$wire->helo('client.example');
	$wire->login('ada@example.com') if $right eq 'login';
	my $ask = sub {
		my $answer = $wire->mail('<ada@example.org>');
		$answer = $wire->rcpt('<x@foreign.test>')
		    if $answer->{verdict} eq 'continue';
		return $answer->{reply} // $answer->{verdict};
	};
	my $first = $ask->();
	is($first, 'continue', "$right: granted");
	like($one->reload('HUP', connectors => {
		relay => section($case->{after}) }), qr/is in use$/,
	    "$right: taken away");
	is($wire->rcpt('<y@foreign.test>')->{verdict}, $first,
	    "$right: what was begun may end");
	my $next = $ask->();
	if (defined $case->{refused}) {
		is($next, $case->{refused}, "$right: gone with the next MAIL");
	} else {
		like($next, qr/^[45]\d\d /, "$right: gone with the next MAIL");
	}
	note($next);
	$wire->quit;
	$one->stop;
}

# ---- signals in bursts ------------------------------------------------------

srand 20261122;
for my $round (1 .. ($long ? 20 : 3)) {
	my $beside = $fire->load(-k => 4, -r => 100);
	sleep 0.3;
	my $number = $fire->number + 1;
	my $asked = Fire::clock();
	$fire->_put_number($number);
	my @burst = map { (qw(HUP USR1 USR2))[rand 3] } 1 .. 999;
	$milter->signal($_) for @burst, 'HUP';
	my $in_use = Scratch::wait_for(60, sub {
		my $wire = begin($milter) or return 0;
		$wire->connect(client => '10.9.9.9');
		$wire->mail('<ada@sender.example>');
		my $reply = $wire->rcpt('<x@foreign.test>')->{reply} // '';
		$wire->quit;
		return $reply eq refusal($number);
	});
	$fire->{used}[-1]{until} = Fire::clock() + 5;
	push @{ $fire->{used} }, { number => $number, from => $asked };
	$fire->{number} = $number;
	ok($in_use, "round $round: after 1,000 signals of three kinds the last "
	    . 'reload is in use');
	sleep 0.3;
	my $burst = $beside->(1);
	is($burst->{wrong}, 0, "round $round: $burst->{answers} answers "
	    . 'beside it, all right') or diag($burst->{said});
	# Reloads that were asked for together are still under way.
	sleep 1;
}

# ---- transactions that are held through many reloads ------------------------

{
	my $large = Fire->new($scratch, name => 'large', others => 500);
	$large->milter->start;
	$large->turn('HUP');
	sleep 2.5;
	my $pid = $large->milter->pid;
	my $before = Fire::process($pid)->{memory};
	my @held;
	for (1 .. 50) {
		my $wire = begin($large->milter);
		$wire->connect(client => '10.9.9.9');
		$wire->mail('<ada@sender.example>');
		push @held, [$wire, $large->number];
		$large->turn('HUP');
	}
	my $snapshots;
	Scratch::wait_for(60, sub {
		$snapshots = $large->status->{configuration}{snapshots};
		return $snapshots <= 9;
	});
	my $most = Fire::process($pid)->{memory};
	note sprintf '50 transactions held through 50 reloads: %d '
	    . 'configurations in memory, %d KiB, %d KiB before', $snapshots,
	    $most, $before;
	is($snapshots, 9, 'the one in use and eight others are in memory');
	my $cannot = '451 4.3.0 Cannot decide now, please try again later '
	    . '[connector -, rule internal]';
	my %said;
	for (@held) {
		my ($wire, $number) = @$_;
		my $domain = $number % 2 ? 'odd' : 'even';
		my ($own, $foreign) = map { $_->{reply} // $_->{verdict} }
		    map { $wire->rcpt($_) } "<a\@$domain.example>",
		    '<x@foreign.test>';
		my $end = $wire->message;
		my $how = join '; ', $own, $foreign,
		    $end->{reply} // $end->{verdict};
		$how = 'as it began'
		    if $how eq "continue; ${\refusal($number)}; continue";
		$said{$how}++;
		$said{'the next one'}++
		    if $wire->mail('<ada@sender.example>')->{verdict}
		    eq 'continue' && ($wire->rcpt('<x@foreign.test>')->{reply}
			// '') eq refusal($large->number);
	}
	is_deeply(\%said, { 'as it began' => 8, 'the next one' => 50,
		join('; ', ($cannot) x 3) => 42 },
	    'each ends as it began, or is deferred') or diag(explain(\%said));
	$_->[0]->quit for @held;
	ok(Scratch::wait_for(60, sub {
		$large->status->{configuration}{snapshots} == 1
	}), 'they go with the transactions');
	is($large->milter->stop, 0, 'it stops');
}

is($milter->stop, 0, 'the daemon stops as it should');

done_testing;
