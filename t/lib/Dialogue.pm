package Dialogue;

# A dialogue of an MTA with the milter: what is said, what has to be answered,
# and that each refusal and each accepted message is one line of the log.
#
#   hold($milter, $wire, 'relay refused',
#       [connect => [client => '203.0.113.9']],
#       [mail => ['<a@b.test>']],
#       [rcpt => ['<x@foreign.test>'], '550 5.7.54 ...']);
#
# A move is a method of Wire, its arguments, and the answer: a reply or a
# verdict, "continue" without one, "logged" for one that is logged all the same;
# "none" where nothing is answered.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use Wire;

our @EXPORT_OK = qw(begin hold);

# A negotiated session with a milter.
sub begin
{
	my ($milter, $dialect) = @_;
	my $wire = Wire->new($milter->socket, dialect => $dialect) or return;
	$wire->negotiate;
	return $wire;
}

# The lines of the log since the dialogue began are returned.
sub hold
{
	my ($milter, $wire, $what, @moves) = @_;
	my $lines = 0;
	$milter->clear_log;
	for my $move (@moves) {
		my ($method, $arguments, $want) = @$move;
		$want //= 'continue';
		my $answer = $wire->$method(@{ $arguments // [] });
		next if $want eq 'none';
		my $got = $answer->{reply} // $answer->{verdict};
		is($got, $want eq 'logged' ? 'continue' : $want,
		    "$what: $method");
		$lines++ if $method eq 'eom' || $want ne 'continue';
	}
	my @said = grep { / client=/ } $milter->lines;
	is(scalar @said, $lines, "$what: $lines lines in the log")
	    or diag(join "\n", @said);
	is(scalar(grep { /[^\x20-\x7e]/ } @said), 0,
	    "$what: plain lines");
	return @said;
}

1;
