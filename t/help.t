#!/usr/bin/perl
# help.t - connectorctl help and version: what they say, and that a disk which
# is full is no success.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Milter;
use Scratch;
use Test::More;

my $scratch = Scratch->new;
my $program = Milter::program('connectorctl');

# Exit status, what was printed, what was complained of.
sub run
{
	my ($out, @arguments) = @_;
	my $err = $scratch->path('err');
	unlink $err, $scratch->path('out');
	my $pid = Scratch::spawn({ out => $out, err => $err }, $program,
		@arguments);
	my $status = Scratch::reap($pid, 60);
	return (defined $status ? $status >> 8 : 'none',
		$out eq '/dev/full' ? '' : Scratch::slurp($out),
		Scratch::slurp($err));
}

my $out = $scratch->path('out');

# ---- a verb -----------------------------------------------------------------

my (undef, $all) = run($out, 'help');
my @verbs = $all =~ /^  (\S+) (.*)\n {11}(.*)$/mg;
cmp_ok(scalar @verbs, '>=', 7 * 3, 'help lists the verbs');
while (my ($verb, $usage, $line) = splice @verbs, 0, 3) {
	$usage =~ s/^ +//;
	my $want = "usage: connectorctl $verb" . ($usage eq '' ? '' : " $usage")
	    . "\n\n$line\n\nconnectorctl(8) explains all\n";
	is_deeply([run($out, 'help', $verb)], [0, $want, ''], "help $verb");
}
is_deeply([run($out, 'help', 'version')], [0, <<'END', ''], 'as a whole');
usage: connectorctl version

the version of this program

connectorctl(8) explains all
END

for my $case (
	['no such verb', ['frobnicate'], 'there is no topic or verb frobnicate'],
	['a verb as mdoc', [qw(explain --mdoc)],
	    'there is no topic or verb explain'],
	['two verbs', [qw(explain test)], 'too much after explain'],
) {
	my ($what, $arguments, $complaint) = @$case;
	is_deeply([run($out, 'help', @$arguments)], [2, '',
	    "connectorctl help: $complaint\n"
	    . "usage: connectorctl help [VERB | settings | rules | replies]\n"],
	    $what);
}

# ---- a full disk ------------------------------------------------------------

for my $arguments (['help'], [qw(help settings)], [qw(help rules)],
	[qw(help replies)], [qw(help rules --mdoc)], [qw(help explain)],
	['version'], ['--version']) {
	is_deeply([run('/dev/full', @$arguments)],
	    [71, '', "connectorctl: the output could not be written\n"],
	    "@$arguments on a full disk");
}

done_testing;
