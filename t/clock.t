#!/usr/bin/perl
# clock.t - somebody sets the clock, by an hour, by years, back, and stops it,
# while mail flows: no limit gives way, no session is admitted twice, and every
# verdict stays what it was. LONG=1: 8 rounds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Fire;
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);

my ($library) = grep { -e } glob '/usr/lib/*/faketime/libfaketimeMT.so.1
	/usr/lib/faketime/libfaketimeMT.so.1';
plan skip_all => 'libfaketime is not installed' if !defined $library;
plan skip_all => 'libfaketime and a sanitizer do not go together'
    if $ENV{SANITIZED};

my $rounds = $ENV{LONG} ? 8 : 1;
my $scratch = Scratch->new;
my $clock = $scratch->write('clock', "+0\n");
my $fire = Fire->new($scratch, more => <<'END');
[connector slow]
bindings                          = 0.0.0.0:25
remote_ip_ranges                  = 172.16.0.0/16
permission_groups                 = anonymous_users
message_rate_limit                = 5

[connector narrow]
bindings                          = 0.0.0.0:25
remote_ip_ranges                  = 172.17.0.0/16
permission_groups                 = anonymous_users
max_inbound_connection_per_source = 4
max_inbound_connection_percentage_per_source = 100

END
my $milter = $fire->milter;
{
	local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE
		FAKETIME_DONT_FAKE_MONOTONIC)} = ($library, $clock, 1, 1);
	$milter->start;
}

sub set_clock
{
	my ($to) = @_;
	my $next = $scratch->write('clock.next', "$to\n");
	return rename $next, $clock;
}

# A session, negotiated and greeted.
sub session
{
	my ($client) = @_;
	my $wire = begin($milter);
	$wire->connect(client => $client);
	$wire->helo('client.example');
	return $wire;
}

# What MAIL is answered with: the rule that refuses, or the verdict.
sub mail
{
	my ($wire) = @_;
	my $answer = $wire->mail('<ada@sender.example>');
	return $answer->{verdict} if !defined $answer->{reply};
	return $answer->{reply} =~ /^4\d\d .*, rule (\w+)\]$/ ? $1
	    : $answer->{reply};
}

my $load = $fire->load(-k => 16, -r => 200, -l => undef);

my @jumps = ('+0', '+1h', '-1h', '+10y', '-10y', '@2031-05-05 05:05:05', '+0');
for my $round (1 .. $rounds) {
	my ($slow, $narrow) = ("172.16.$round.1", "172.17.$round.1");
	my $begun = time;
	my ($sent, $most, $in) = (0, 0, 0);
	my (@held, %rule);
	for my $set (@jumps) {
		set_clock($set);
		sleep 0.2;
		for (1 .. 4) {
			my $wire = session($slow);
			my $said = mail($wire);
			$rule{$said}++;
			$wire->leave;
		}
		# libmilter ends who has been silent, as it thinks. No more than
		# four are in at any time.
		push @held, map { session($narrow) } 1 .. 6;
		my @said = map { [$_, mail($_)] } @held;
		$_->[0]->leave for grep { $_->[1] ne 'continue' } @said;
		@held = map { $_->[0] } grep { $_->[1] eq 'continue' } @said;
		$most = @held if @held > $most;
		$in += @held == 4;
		my @other = grep { !/^(?:continue|closed|max_inbound\w+)$/ }
		    map { $_->[1] } @said;
		is("@other", '', "round $round, clock $set: nothing else is "
		    . 'said');
		# It is counted until the milter has seen its end.
		(shift @held)->leave if $in % 2;
	}
	SKIP: {
		skip 'this took a minute', 1 if time - $begun > 55;
		is_deeply(\%rule, { continue => 5,
			message_rate_limit => 4 * @jumps - 5 },
		    "round $round: five of " . 4 * @jumps . ' messages a '
		    . 'minute');
	}
	is($most, 4, "round $round: four sessions at once");
	cmp_ok($in, '>=', 5, "... and who left made room: $in of "
	    . @jumps . ' times there are four');
	$_->quit for @held;
}

my $result = $load->(1);
is($result->{status}, 0, "$result->{transactions} transactions meanwhile: all "
    . "answers right, $result->{lost} idle sessions ended by libmilter")
    or diag($result->{said});
ok(Scratch::wait_for(60, sub { $fire->status->{sessions}{open} == 0 }),
    'no session is left');
is($milter->stop, 0, 'it stops');

done_testing;
