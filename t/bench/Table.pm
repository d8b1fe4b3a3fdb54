package Table;

# The table of the benchmark: what, the reference, ours, how they compare, and
# whether that is what was aimed at.
#
#   my $table = Table->new;
#   $table->chapter('sessions', 'bare', 'ours');
#   $table->compare('connect', \@bare, \@ours, least => 0.95);
#   $table->excess('system calls', 72, 74, most => 2);
#   $table->value('load', 1.2, 's', most => 2);
#
# Lists are the figures of rounds, one each: the medians are shown, and the
# ratio is the median of the ratios of the same round.

use strict;
use warnings;

sub new
{
	my ($class) = @_;
	return bless { reached => 0, missed => [] }, $class;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub chapter
{
	my ($self, $title, @columns) = @_;
	@columns = ('', 'ours', '') if !@columns;
	$self->{title} = $title;
	printf "\n%-40s %10s %10s %9s\n", $title, @columns[0, 1],
	    $columns[2] // 'ratio';
	return;
}

sub compare
{
	my ($self, $what, $reference, $ours, %target) = @_;
	my $ratio = median(map { $ours->[$_] / ($reference->[$_] || 1e-9) }
	    0 .. $#$ours);
	return $self->row($what, median(@$reference), median(@$ours), $ratio,
		sprintf('%.2f', $ratio), %target);
}

# How much more ours is.
sub excess
{
	my ($self, $what, $reference, $ours, %target) = @_;
	my $more = $ours - $reference;
	return $self->row($what, $reference, $ours, $more,
		sprintf('%+s', _short($more)), %target);
}

# Measured against nothing but the target.
sub value
{
	my ($self, $what, $value, %target) = @_;
	return $self->row($what, undef, $value, $value, '', %target);
}

sub skip
{
	my ($self, $what, $why) = @_;
	printf "  %-38s left out: %s\n", $what, $why;
	return;
}

sub _short
{
	my ($value) = @_;
	return '' unless defined $value;
	return sprintf '%.0f', $value if abs $value >= 100;
	return sprintf '%.1f', $value if abs $value >= 10;
	return sprintf '%.2f', $value;
}

# $measure is what the target is about, $shown stands between.
sub row
{
	my ($self, $what, $reference, $ours, $measure, $shown, %target) = @_;
	my $goal = '';
	if (defined(my $limit = $target{least} // $target{most})) {
		my $yes = defined $target{least} ? $measure >= $limit
		    : $measure <= $limit;
		$goal = sprintf '%-9s %s %-6s %s', $yes ? 'reached,' : 'MISSED,',
		    defined $target{least} ? 'at least' : 'at most', $limit,
		    $target{unit} // '';
		$self->{reached} += $yes;
		push @{ $self->{missed} }, "$self->{title}: $what" unless $yes;
	}
	printf "  %-38s %10s %10s %9s  %s\n", $what, _short($reference),
	    _short($ours), $shown, $goal;
	return;
}

sub close
{
	my ($self) = @_;
	my @missed = @{ $self->{missed} };
	printf "\n%d targets reached, %d missed%s\n", $self->{reached},
	    scalar @missed, @missed ? ': ' . join('; ', @missed) : '';
	return;
}

1;
