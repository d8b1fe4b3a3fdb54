#!/usr/bin/perl
# directory.t - a million recipients: what they cost; connectorctl directory
# hash; a running milter that is given a broken file.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Milter;
use Scratch;

my $scratch = Scratch->new;

# ---- a million ----------------------------------------------------------------

# Names and addresses as large organizations have them; every second recipient
# has an alias, every tenth a second one.
sub write_recipients
{
	my ($name, $count) = @_;
	my @first = qw(anna bernhard chiara dmitri elif fernando grace hiroshi
	    ingrid joao katarzyna liam maria nikolaos olga);
	my @last = qw(Andersson Brown Costa Dubois Eriksson Ferrari Garcia
	    Hernandez Ivanova Jansen Kowalska Lindberg Moreau Novak);
	my $path = $scratch->write($name, '');
	open my $out, '>', $path or die "$path: $!\n";
	for my $i (1 .. $count) {
		my $first = $first[$i % @first];
		my $last = $last[$i % @last];
		my $line = sprintf '%s.%s%d@example.com login=%s%d '
		    . 'name="%s %s"', $first, lc $last, $i,
		    substr($first, 0, 1), $i, ucfirst $first, $last;
		$line .= " aliases=$first$i\@example.com" if $i % 2;
		$line .= ",$i\@mail.example.net" if $i % 10 == 1;
		$line .= ' internal_only' if $i % 50 == 0;
		print {$out} "$line\n";
	}
	close $out or die "$path: $!\n";
	return $path;
}

# What loading a file takes: recipients, bytes, resident, seconds.
sub measure
{
	my ($path) = @_;
	my $out = Scratch::slurp_command(Milter::program('t/directory.t'),
		'load', $path);
	is($?, 0, 'it loads');
	return $out =~ /^(\w+)=([\d.]+)$/mg;
}

{
	my $count = 1_000_000;
	my $path = write_recipients('million.txt', $count);
	my %took = measure($path);
	is($took{recipients}, $count, 'a million recipients');
	diag(sprintf '%d lines of %d bytes a second; of memory %.1f bytes a '
	    . 'recipient, %.1f of the process', $count / $took{seconds},
	    (-s $path) / $count, $took{bytes} / $count,
	    $took{resident} / $count);
	cmp_ok($took{bytes} / $count, '<=', 100,
		'at most 100 bytes a recipient are counted');
	# A sanitizer has memory of its own beside it.
	cmp_ok($took{resident} / $count, '<=', 100,
		'and the process does not grow by more') if !$ENV{SANITIZED};
	cmp_ok($took{seconds}, '<=', 60, 'in a minute');
	unlink $path;
}

# ---- directory hash -------------------------------------------------------------

# Exit status, standard output, standard error; $in is standard input.
sub ctl
{
	my ($in, $out, @arguments) = @_;
	my $err = $scratch->write('err', '');
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDIN, '<', $in or die "$in: $!\n";
		open STDOUT, '>', $out or die "$out: $!\n";
		open STDERR, '>', $err or die "$err: $!\n";
		exec Milter::program('connectorctl'), 'directory', @arguments
		    or die "connectorctl: $!\n";
	}
	waitpid $pid, 0;
	return ($? >> 8, $out eq '/dev/full' ? '' : Scratch::slurp($out),
		Scratch::slurp($err));
}

my $out = $scratch->path('out');

{
	my $count = 20_000;
	my $plain = write_recipients('plain.txt', $count);
	my ($status, $text, $said) = ctl('/dev/null', $out, 'hash', $plain);
	is($status, 0, 'a file is hashed');
	is($said, '', 'without a word');
	is(($text =~ tr/\n//), $count, 'line by line');
	unlike($text, qr/@/, 'and has no address any more');
	is(() = $text =~ / internal_only$/mg, $count / 50,
		'but who takes internal senders only');
	like($text, qr/\Asha256:[0-9a-f]{64} login=b1 name="Bernhard Brown" aliases=sha256:[0-9a-f]{64},sha256:[0-9a-f]{64}\n/,
		'and the other words');
	my $hashed = $scratch->write('hashed.txt', $text);
	my %before = measure($plain);
	my %after = measure($hashed);
	is($after{recipients}, $count, 'it has the same recipients');
	is($after{bytes}, $before{bytes}, 'in as many bytes');
	for my $way (['hash', $hashed], ['hash'], ['hash', '-']) {
		my ($again, $same) = ctl($hashed, $out, @$way);
		ok($again == 0 && $same eq $text,
			"hashed again by '@$way' it stays as it is");
	}
}

my $usage = "usage: connectorctl directory hash [FILE]\n";
my $wrong = $scratch->write('wrong.txt',
	"alice\@example.com\nbob\nalice\@example.com\n");
my $good = $scratch->write('good.txt', "alice\@example.com\n");
my $empty = $scratch->write('empty.txt', '');
my $folder = $scratch->folder('folder');

for my $case (
	['no word', [], 2, "connectorctl directory: what is to be done?\n$usage"],
	['another word', ['list'], 2,
	    "connectorctl directory: there is nothing called list\n$usage"],
	['a flag', ['hash', '--all'], 2,
	    'connectorctl directory: --all: not a flag of this verb, or its '
	    . "value is missing\n$usage"],
	['two files', ['hash', $good, $wrong], 2,
	    "connectorctl directory: $wrong: one argument too many\n$usage"],
	['a wrong file', ['hash', $wrong], 1,
	    "$wrong:2: error: 'bob' has no domain; write one such as "
	    . "user\@example.com\n"
	    . "$wrong:3: error: 'alice\@example.com' stands in line 1 "
	    . 'already; give each address, also as an alias, to one '
	    . "recipient\n"],
	['an empty file', ['hash', $empty], 1,
	    "$empty:0: error: the file has no recipient; write one a line, "
	    . "such as user\@example.com, or do not name the file\n"],
	['nothing at standard input', ['hash'], 1,
	    'standard input:0: error: the file has no recipient; write one a '
	    . "line, such as user\@example.com, or do not name the file\n"],
	['a file that is not there', ['hash', "$good.x"], 1,
	    "$good.x:0: error: the file cannot be read: No such file or "
	    . "directory\n"],
	['a folder', ['hash', $folder], 1,
	    "$folder:0: error: the file cannot be read: Is a directory\n"],
) {
	my ($what, $arguments, $status, $want) = @$case;
	my @got = ctl('/dev/null', $out, @$arguments);
	is($got[0], $status, "$what: exit status");
	is($got[1], '', "$what: no output");
	is($got[2], $want, "$what: said");
}

{
	my ($status, undef, $said) = ctl('/dev/null', '/dev/full', 'hash',
		$good);
	is($status, 71, 'a full disk: exit status');
	is($said, 'connectorctl directory: the output could not be written; '
	    . "what there is of it is not whole\n", 'a full disk: said');
}

# ---- a broken file --------------------------------------------------------------

{
	my $milter = Milter->new($scratch,
		main => "[organization]\naccepted_domains = example.com\n"
		    . "[directory]\nrecipients = recipients.txt\n",
		connectors => { internet => "usage = internet\n"
		    . "bindings = 0.0.0.0:25\n"
		    . "remote_ip_ranges = 0.0.0.0/0\n" });
	my $recipients = 'milter/recipients.txt';
	$scratch->write($recipients, "alice\@example.com\n");
	$milter->start;
	like($milter->reload('USR1'), qr/^reload: configuration \w+ is in use$/,
		'a milter with a directory reloads');
	$scratch->write($recipients, "alice\@example.com\nbob\@exam");
	like($milter->reload('USR1'), qr/^reload failed/,
		'not with a torn file');
	like(join("\n", $milter->lines),
		qr{recipients\.txt:2: error: the last line does not end in a line feed},
		'and says what is wrong');
	$scratch->write($recipients, "bob\@example.com\n");
	like($milter->reload('USR1'), qr/^reload: configuration \w+ is in use$/,
		'a whole one is taken again');
	is($milter->stop, 0, 'it stops');
}

done_testing;
