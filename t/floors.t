#!/usr/bin/perl
# floors.t - the architecture is a test: who may include whom, which room alone knows a
# library, what the pure floors may not call, and how large things may grow.
use strict;
use warnings;
use Test::More;

my %floor;
open my $table, '<', 't/data/floors' or die "t/data/floors: $!";
while (<$table>) {
	$floor{$2} = $1 if /^(\d) (\S+)$/;
}
close $table;

sub slurp {
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!";
	local $/;
	return <$in>;
}

my %text = map { $_ => slurp($_) } glob 'milter/*.c include/*.h';
my @files = sort keys %text;

sub room {
	my ($file) = @_;
	return $file =~ m{([^/]+)\.[ch]$} ? $1 : die $file;
}

# space_build.c is a part of the room space.
sub floor_of {
	my ($name) = @_;
	return $floor{$name} // $floor{ $name =~ s/_.*//r };
}

for my $file (@files) {
	my $room = room($file);
	my $own = floor_of($room);
	ok(defined $own, "$file stands on a floor") or next;
	my @up = grep { (floor_of($_) // 9) > $own }
	    $text{$file} =~ /^#include "([^"]+)\.h"/mg;
	is("@up", '', "$file looks down only");
	next if $file !~ /\.c$/ || !-e "include/$room.h";
	my ($first) = $text{$file} =~ /^#include (.*)$/m;
	like($first, qr/^"${room}(_\w+)?\.h"$/,
		"$file includes its own header first");
}

my %alone = (
	'libmilter/' => 'milter',
	'iniparser' => 'ini',
	'idn2.h' => 'domain',
	'openssl/' => 'digest',
);
for my $library (sort keys %alone) {
	my @who = map { room($_) }
	    grep { $text{$_} =~ /^#include <\Q$library\E/m } @files;
	is(join(' ', sort @who), $alone{$library}, "$library is known to one");
}

# Floors 0 to 2 decide: no clock, lock, file, process or log in them.
my @impure = qw(time clock_gettime pthread_mutex_lock open fopen read write
    syslog getenv socket fork exit);
for my $file (grep { /\.c$/ && (floor_of(room($_)) // 9) <= 2 } @files) {
	my @calls = grep { $text{$file} =~ /(?<![\w.>"])$_\(/ } @impure;
	is("@calls", '', "$file is pure");
}

for my $file (grep { /\.c$/ } @files) {
	my $code = $text{$file};
	$code =~ s{/\*.*?\*/}{}sg;
	my $lines = grep { /\S/ } split /\n/, $code;
	cmp_ok($lines, '<=', 400, "$file has at most 400 lines of code");
	like($text{$file}, qr{\A/\*\n \* \Q@{[room($file)]}\E\.c - },
		"$file says what it is for");
	my @long;
	while ($text{$file} =~ /^(\w+)\([^;{]*\)\n\{\n(.*?)^\}/msg) {
		my ($name, $length) = ($1, ($2 =~ tr/\n//) + 1);
		push @long, "$name: $length" if $length > 60;
	}
	is("@long", '', "$file has no function over 60 lines");
}

# What ends all checking, or runs another program, has no place here.
for my $file (@files) {
	my $code = $text{$file};
	$code =~ s{/\*.*?\*/}{}sg;
	# The names in the table of forbidden calls are none.
	$code =~ s/"exec\w+"//g;
	unlike($code, qr/SMFIS_ACCEPT|SMFIS_DISCARD|\bsystem\(|\bpopen\(|exec[lv]/,
		"$file neither accepts early nor runs programs");
}
my @speakers = grep { $text{$_} =~ /smfi_set(ml)?reply\(/ } @files;
is("@speakers", 'milter/milter.c', 'one file speaks to the MTA');
is(() = $text{'milter/milter.c'} =~ /smfi_setreply\(/g, 1,
	'one function speaks to the MTA');

done_testing;
