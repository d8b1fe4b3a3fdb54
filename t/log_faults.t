#!/usr/bin/perl
# log_faults.t - under load the disk of the protocol log fills, its folder is
# closed, and the reader of the operator log stands still: no verdict changes,
# nobody waits, what is lost is counted, and all goes on as soon as it can.
# LONG=1: 20 times.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Fire;
use List::Util qw(min sum0);
use POSIX ();
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);
use Volume;

my $not_alone = Volume::alone();
plan skip_all => $not_alone if defined $not_alone;

# The machine has other things to do now and then: the best of three counts.
my $rounds = $ENV{LONG} ? 20 : 3;
my $scratch = Scratch->new;
my $volume = Volume->new($scratch, 'volume', 64);
my $folder = $volume->folder('protolog');
my $fifo = $scratch->path('fifo');
my $lines = $scratch->path('lines');
POSIX::mkfifo($fifo, 0666) or die "$fifo: $!\n";

my $fire = Fire->new($scratch, log => $fifo,
	main => "[protocol_log]\ndirectory = $folder\n"
	    . "max_file_size = 1MB\nmax_directory_size = 16MB\n",
	defaults => "protocol_logging_level = verbose\n");
my $reader = Scratch::spawn({ in => $fifo, out => $lines }, 'cat');
$fire->milter->start;

sub protocol
{
	return $fire->status->{protocol_log};
}

sub written
{
	return protocol()->{written};
}

# The seconds until records reach the disk once more, or undef.
sub until_written
{
	my $begun = time;
	my $before = written();
	return Scratch::wait_for(60, sub { written() > $before })
	    ? time - $begun : undef;
}

sub until_read
{
	my $begun = time;
	my $before = -s $lines;
	return Scratch::wait_for(60, sub { -s $lines > $before })
	    ? time - $begun : undef;
}

# The file that is open is given up.
sub close_folder
{
	my ($mode) = @_;
	chmod $mode, $folder;
	return $fire->milter->signal('USR2');
}

# What is broken, how, and how it is mended; and how that is seen.
my @faults = (
	['the disk is full', sub { $volume->fill(100) },
		sub { $volume->fill(10) }, \&until_written],
	['the folder is closed', sub { close_folder(0500) },
		sub { close_folder(0777) }, \&until_written],
	['the reader of the log stands still', sub { kill 'STOP', $reader },
		sub { kill 'CONT', $reader }, \&until_read],
);

# More than the log's queue takes.
kill 'STOP', $reader;
my $burst;
for (1 .. 8) {
	$burst = $fire->load(-k => 16, -r => 4_000, -s => 3, -m => undef)->();
	last if $burst->{wrong} || $fire->status->{operator_log}{dropped};
}
is($burst->{wrong}, 0, 'more lines than the log can keep: all answers right');
kill 'CONT', $reader;
my $load = $fire->load(-k => 16, -r => 300);
sleep 1;
my (%span, %took);
for my $round (1 .. $rounds) {
	for my $fault (@faults) {
		my ($what, $break, $mend, $until) = @$fault;
		my $from = Fire::clock();
		$break->();
		sleep 1.5;
		push @{ $span{$what} }, [$from, Fire::clock()];
		$mend->();
		my $took = $until->();
		ok(defined $took, sprintf 'round %d, %s: all goes on %.2f s '
		    . 'after it is mended', $round, $what, $took // -1);
		push @{ $took{$what} }, $took // 99;
		my $quiet = Fire::clock();
		sleep 0.5;
		push @{ $span{quiet} }, [$quiet, Fire::clock()];
	}
}
for my $what (map { $_->[0] } @faults) {
	my $least = min(@{ $took{$what} });
	cmp_ok($least, '<', 5 * ($ENV{SANITIZED} ? 4 : 1),
	    sprintf '%s: at best after %.2f s', $what, $least);
}
my $result = $load->(1);
is($result->{status}, 0, "$result->{transactions} transactions: all answers "
    . 'right') or diag($result->{said});
is(scalar $fire->misjudged($result), 0, '... and judged as they must');

sub answers_in
{
	my (@spans) = @_;
	return Fire::answers($result, sub {
		my ($sent) = @_;
		return grep { $sent >= $_->[0] && $sent <= $_->[1] } @spans;
	});
}

my $quiet = answers_in(@{ $span{quiet} });
note(Fire::show('quiet', $quiet));
my $most = 3 * $quiet->{p99} > 100 ? 3 * $quiet->{p99} : 100;
for my $fault (@faults) {
	my $what = $fault->[0];
	my ($best) = sort { $a->{p99} <=> $b->{p99} } grep { $_->{count} }
	    map { answers_in($_) } @{ $span{$what} };
	cmp_ok($best->{p99} // 9_999, '<', $most, Fire::show($what, $best));
}

my $protocol = protocol();
cmp_ok($protocol->{dropped}, '>', 0, "protocol log: $protocol->{written} "
    . "records written, $protocol->{dropped} counted as lost");
my $status;
my $logged = 0;
Scratch::wait_for(60, sub {
	$status = $fire->status;
	$logged = () = Scratch::slurp($lines) =~ / stage=\S+ verdict=/g;
	return $logged + $status->{operator_log}{dropped}
	    == sum0(map { $_->{count} } @{ $status->{verdicts} });
});
my $decisions = sum0(map { $_->{count} } @{ $status->{verdicts} });
my $dropped = $status->{operator_log}{dropped};
cmp_ok($dropped, '>', 0, 'operator log: some are lost') if !$ENV{SANITIZED};
is($logged + $dropped, $decisions, "operator log: $logged lines and $dropped "
    . "counted as lost are all $decisions decisions");
is($fire->milter->stop, 0, 'the daemon stops as it should');

done_testing;
