#!/usr/bin/perl
# protolog.t - a reader that is not ours gets every byte of a million hostile
# records back from protocol logs. Two logs, for there may be two processors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Scratch;
use Test::More;
use Text::CSV_XS;

my $logs = 2;
my $records = 500_000;
my $kept = 512;
my $file_max = 10_485_760;
my $build = $ENV{BUILD} // 'build';
my $generator = "$build/t/protolog.t";

my $server = uc((POSIX::uname())[1] =~ s/[.].*//r);
# What stands in the fields that are none of the client's; it repeats.
my @connectors = ('gate', 'Default Frontend', 'a,b', '=x');
my @events = split //, '+-><*';
my @others = map { "$server\\$connectors[$_ % 4]  [::9]:41022 $events[$_ % 5]" }
    0 .. 19;
my $time = qr/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{3}Z/;
my $head = qr/\A
	\#Software:\ Microsoft\ Exchange\ Server\ [^,\r\n]*\r\n
	\#Version:\ [\d.]+\r\n
	\#Log-type:\ SMTP\ Receive\ Protocol\ Log\r\n
	\#Date:\ $time\r\n
	\#Fields:\ date-time,connector-id,session-id,sequence-number,
	local-endpoint,remote-endpoint,event,data,context\r\n\z/x;

my %byte = map { sprintf('%02x', $_) => chr } 0 .. 255;

# Is this what a cell has to say of the text?
sub tells
{
	my ($cell, $text) = @_;
	$cell =~ s/\\x([0-9a-f]{2})/$byte{$1}/g;
	return $cell eq $text if length $text <= $kept;
	return $cell eq substr($text, 0, $kept) . '...';
}

# Reads files that have the records of notes, to the end of them all; what was
# found, and how much of it was wrong.
sub read_back
{
	my ($notes, @files) = @_;
	my %found = map { $_ => 0 } qw(records heads large torn time session
	    sequence other start data context);
	my ($last_session, $last_sequence) = ('', -1);
	my $csv = Text::CSV_XS->new({ eol => "\r\n", strict => 1, binary => 0 });
	$csv->bind_columns(\my ($date, $connector, $session, $sequence, $local,
		$remote, $event, $data, $context));

	my $check = sub {
		$found{time}++ if $date !~ /\A$time\z/;
		if ($session eq $last_session) {
			$found{sequence}++ if $sequence ne $last_sequence + 1;
		} else {
			$found{sequence}++ if $sequence ne '0';
			$found{session}++
			    if $session !~ /\A08[0-9A-F]{14}\z/
			    || $session le $last_session;
			$last_session = $session;
		}
		$last_sequence = $sequence;
		$found{other}++ if "$connector $local $remote $event" ne
		    $others[$found{records} % 20];
		$found{start}++ if $data =~ /\A[=+\-@\t]/
		    || $context =~ /\A[=+\-@\t]/;
		# There is a NUL behind each text that was put.
		local $/ = "\0";
		chomp(my @put = (scalar readline $notes, scalar readline $notes));
		$found{data}++ if !tells($data, $put[0]);
		$found{context}++ if !tells($context, $put[1]);
		$found{records}++;
	};
	for my $path (@files) {
		open my $file, '<:raw', $path or die "$path: $!\n";
		my $begin = join '', map { scalar readline $file } 1 .. 5;
		$found{heads}++ if $begin !~ $head;
		$found{large}++ if -s $file > $file_max;
		$check->() while $csv->getline($file);
		$found{torn}++ if !$csv->eof;
		close $file;
	}
	return \%found;
}

# Number 10 is behind 9, and before any of another day.
sub in_order
{
	return map { $_->[0] } sort { $a->[1] cmp $b->[1] }
	    map { [$_, /(\d{8})-(\d+)/ ? sprintf '%s-%09d', $1, $2 : $_] } @_;
}

sub judge
{
	my ($folder, $notes_path, $report) = @_;
	my @files = in_order(glob "$folder/*");
	open my $notes, '<:raw', $notes_path or die "$notes_path: $!\n";
	my $found = read_back($notes, @files);
	open my $out, '>', $report or die "$report: $!\n";
	print {$out} "$_ $found->{$_}\n" for sort keys %{$found};
	print {$out} eof $notes ? "and nothing else\n" : "not all of them\n";
	close $out or die "$report: $!\n";
	return;
}

-x $generator or plan skip_all => "$generator is not built";

my $scratch = Scratch->new;
my %pid;
for my $log (1 .. $logs) {
	my $folder = $scratch->folder("log$log", 0700);
	$pid{$log} = Scratch::spawn({ out => $scratch->path("notes$log"),
		err => $scratch->path("said$log") },
		$generator, 'generate', $folder, $records, $log);
}
for my $log (1 .. $logs) {
	is(Scratch::reap($pid{$log}, 120), 0, "log $log is written");
	is(Scratch::slurp($scratch->path("said$log")),
		"$records written, 0 lost\n", 'with all records');
	cmp_ok(scalar(() = glob $scratch->path("log$log/*")), '>', 5,
		'in several files');
	$pid{$log} = Scratch::worker(sub {
		judge(map { $scratch->path("$_$log") } qw(log notes report));
	});
}
for my $log (1 .. $logs) {
	is(Scratch::reap($pid{$log}, 120), 0, "log $log is read");
	is(Scratch::slurp($scratch->path("report$log")), <<"END", 'and is right');
context 0
data 0
heads 0
large 0
other 0
records $records
sequence 0
session 0
start 0
time 0
torn 0
and nothing else
END
}

done_testing;
