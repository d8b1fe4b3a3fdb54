#!/usr/bin/perl
# valgrind.t - 2,000 sessions of every kind under memcheck, with reloads and a
# clean stop: no error, nothing lost. Only with LONG=1, for it takes minutes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Fire;
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only with LONG=1' if !$ENV{LONG};
plan skip_all => 'valgrind and a sanitizer do not go together'
    if $ENV{SANITIZED};
plan skip_all => 'valgrind is not installed'
    if system('valgrind --version >/dev/null 2>&1') != 0;

# Valgrind knows no filter of system calls: one without, if it is there.
my $daemon = Milter::program('connector-milter');
my $plain = $daemon =~ s{/connector-milter$}{-valgrind/connector-milter}r;
$daemon = $plain if -x $plain;

my $scratch = Scratch->new;
my $fire = Fire->new($scratch, others => 20,
	main => "[protocol_log]\ndirectory = "
	    . $scratch->folder('protolog', 0777) . "\n",
	defaults => "protocol_logging_level = verbose\n");
my $milter = $fire->milter;
my $report = $scratch->path('memcheck');
{
	delete local $ENV{JOURNAL_STREAM};
	$milter->{pid} = Scratch::spawn({ err => $milter->{log} }, 'valgrind',
		'--error-exitcode=99', '--leak-check=full', '--vgdb=no',
		'--errors-for-leak-kinds=definite', '--trace-children=no',
		'--show-leak-kinds=definite', "--log-file=$report",
		"--suppressions=$FindBin::Bin/data/valgrind.supp",
		'--fair-sched=try', $daemon, '-c',
		$milter->config);
}
ok(Scratch::wait_for(120, sub {
	$milter->answers || $milter->_ended })
    && $milter->answers, 'it starts')
    or BAIL_OUT(Scratch::slurp($report) . $milter->log);

my $wanted = 2_000;
my ($sessions, $transactions, $wrong, $said) = (0, 0, 0, '');
my $deadline = time + 900;
while ($sessions < $wanted && time < $deadline) {
	my $load = $fire->load(-k => 16, -r => 120, -s => 10, -m => undef);
	sleep 2;
	my $result = $fire->turn('HUP');
	$said .= "a reload failed\n" if !$result;
	$fire->turn_badly('USR1', 'torn', 'main');
	$milter->signal('USR2');
	$fire->status;
	my $done = $load->();
	$sessions += $done->{sessions} // 0;
	$transactions += $done->{transactions} // 0;
	$wrong += $done->{wrong} // 1;
	$said .= $done->{said};
}
cmp_ok($sessions, '>=', $wanted, "$sessions sessions, $transactions "
    . 'transactions');
is($wrong, 0, 'every answer was right') or diag($said);
my $status = $milter->stop;
is($status, 0, 'it stops as it should, without an error of memory');
my $memcheck = Scratch::slurp($report);
my ($errors) = $memcheck =~ /ERROR SUMMARY: (\d+) errors/;
my ($lost) = $memcheck =~ /definitely lost: ([\d,]+) bytes/;
$lost //= 0 if $memcheck =~ /All heap blocks were freed|in use at exit/;
is($errors, 0, 'memcheck: no errors') or diag($memcheck);
is($lost, 0, 'memcheck: no bytes definitely lost') or diag($memcheck);

done_testing;
