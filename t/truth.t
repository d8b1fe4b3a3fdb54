#!/usr/bin/perl
# truth.t - the whole decision against a second one that was written from its
# description alone: full products of what acts together in one stage, then
# rows drawn from everything at random.
#
# TRUTH_SEED and TRUTH_CASES vary the random rows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Milter;
use Scratch;
use Storable qw(nstore retrieve);
use Test::More;
use Truth;

my $program = Milter::program('t/truth_table.t');
my $seed = $ENV{TRUTH_SEED} // 20261122;
my $cases = $ENV{TRUTH_CASES} // 100_000;
my $parts = 2;
my $shown = 10;

# Rules that can come out undecided and skipped: the first because something
# they ask can be unknown, the second because a connector may not ask them.
my %undecided = map { $_ => 1 } qw(mail:require_tls mail:submit
	mail:back_pressure mail:authoritative_domain_sender mail:any_sender
	mail:max_message_size rcpt:relay
	rcpt:recipient_lookup rcpt:internal_only
	eom:authoritative_domain_sender eom:any_sender eom:max_message_size);
my %skipped = map { $_ => 1 } qw(connect:admission
	connect:max_inbound_connection
	connect:max_inbound_connection_per_source
	helo:connection_timeout helo:max_protocol_errors
	helo:require_ehlo_domain helo:helo_syntax
	mail:connection_timeout mail:max_protocol_errors mail:require_tls
	mail:back_pressure mail:message_rate_limit mail:max_message_size
	rcpt:connection_timeout rcpt:max_protocol_errors
	rcpt:reserved_domain rcpt:single_label_domain rcpt:recipient_lookup
	eom:authoritative_domain_sender eom:any_sender eom:max_message_size
	eom:max_hop_count eom:max_local_hop_count);

# ---- one part of the rows ----------------------------------------------------

# The words of both sides that are not the same.
sub difference
{
	my ($words, $got, $want) = @_;
	my @got = split / (?=\w+=)/, $got;
	my @want = split / (?=\w+=)/, $want;
	my @text = "row: $words\n";
	for my $i (0 .. ($#got > $#want ? $#got : $#want)) {
		my ($ours, $model) = ($got[$i] // '', $want[$i] // '');
		push @text, "program: $ours\nmodel:   $model\n"
		    if $ours ne $model;
	}
	return join '', @text;
}

# How often each rule came out in each way, from how often each list of steps
# was seen.
sub outcomes
{
	my ($lists) = @_;
	my %seen;
	for my $list (keys %$lists) {
		my ($stage, $steps) = split /=/, $list;
		$seen{"$stage:$_"} += $lists->{$list} for split /,/, $steps;
	}
	return \%seen;
}

sub compare
{
	my ($part) = @_;
	my %found = (rows => 0, wrong => 0, first => [], of => {});
	my %lists;
	open my $rows, '-|', $program, 'rows', $seed, $cases, $part, $parts
	    or die "$program: $!\n";
	while (my $line = <$rows>) {
		chomp $line;
		if ($line =~ /^# (.*?): (.*)/) {
			Truth::usual($2) if $1 eq 'usual';
			$found{of}{$1} = $2 if $1 ne 'usual';
			next;
		}
		my ($words, $got) = split /=> /, $line, 2;
		my $want = Truth::judge($words);
		$found{rows}++;
		$lists{"$1=$2"}++ while $got =~ /(\w+)=\w+\|[^=]*\|([\w:,]+)/g;
		next if $got eq $want;
		$found{wrong}++;
		push @{ $found{first} }, difference($words, $got, $want)
		    if @{ $found{first} } < $shown;
	}
	close $rows or die "$program ended with $?\n";
	$found{seen} = outcomes(\%lists);
	return \%found;
}

# ---- all of them -------------------------------------------------------------

my $scratch = Scratch->new;
my @workers = map {
	my $part = $_;
	Scratch::worker(sub {
		nstore(compare($part), $scratch->path("part$part"));
	});
} 0 .. $parts - 1;
Scratch::reap($_, 300) for @workers;

my (%seen, %of, @first);
my ($rows, $wrong) = (0, 0);
for my $part (0 .. $parts - 1) {
	my $found = eval { retrieve($scratch->path("part$part")) };
	ok($found, "part $part of the rows was compared") or next;
	$rows += $found->{rows};
	$wrong += $found->{wrong};
	push @first, @{ $found->{first} };
	%of = %{ $found->{of} };
	$seen{$_} += $found->{seen}{$_} for keys %{ $found->{seen} };
}

diag("seed $seed: ", join ', ', map { "$_ $of{$_}" } sort keys %of);
is($wrong, 0, "$rows decisions are those of the model");
diag($_) for splice @first, 0, $shown;
my $random = delete $of{random} // 0;
my $products = 0;
$products += $_ for values %of;
cmp_ok($products, '>=', 100_000, 'rows of full products');
cmp_ok($rows, '==', $products + $random, 'no row was lost');
cmp_ok($rows, '>=', $cases + 100_000, "$rows rows");

for my $stage (qw(connect helo mail rcpt eom)) {
	for my $rule (Truth::rules_of($stage)) {
		my $name = "$stage:$rule";
		my %count = map { $_ => $seen{"$name:$_"} // 0 }
		    qw(refused passed skipped undecided);
		my @want = ('refused', 'passed',
			$skipped{$name} ? 'skipped' : (),
			$undecided{$name} ? 'undecided' : ());
		ok(!(grep { $count{$_} == 0 } @want), "$name: " . join ', ',
			map { "$_ $count{$_}" } sort keys %count);
	}
}
done_testing();
