#!/usr/bin/perl
# hostile.t - peers that send garbage and clients that send hostile bytes: an
# exact reply and one encoded line, or nothing; and the next session works.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use Milter;
use Scratch;
use Test::More;
use Wire;

my $scratch = Scratch->new;
my $milter = Milter->new($scratch,
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { internet => <<'END' });
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
helo_syntax = off
END
$milter->start;

my @net = (client => '203.0.113.9', name => 'mx.client.test');
my $bad_sender = '501 5.1.7 Invalid address '
    . '[connector internet, rule sender_syntax]';
my $bad_recipient = '501 5.1.3 Invalid address '
    . '[connector internet, rule recipient_syntax]';
my $no_relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
    . 'domain [connector internet, rule relay]';

sub works
{
	my ($what) = @_;
	my $wire = begin($milter) or return fail("$what: the milter is gone");
	my @said = hold($milter, $wire, "after $what", [connect => [@net]],
	    [helo => ['client.test']], [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], $no_relay],
	    [rcpt => ['<x@example.com>']]);
	return $wire->quit;
}

# ---- hostile bytes in HELO, MAIL and RCPT -----------------------------------

# What is sent, and what the log makes of it.
my @bytes = (
	['a line end', "a\r\nb", 'a\x0d\x0ab'],
	['a line of the log', "x\n4Tq1: connector=evil verdict=accept",
	    'x\x0a4Tq1:\x20connector=evil\x20verdict=accept'],
	['the end of a field', 'a> to=<b', 'a\x3e\x20to=\x3cb'],
	['quotes', '"a" reply="250', '\x22a\x22\x20reply=\x22250'],
	['a backslash', '\x0a', '\x5cx0a'],
	['a terminal', "\e[2J\a\b\x7f", '\x1b[2J\x07\x08\x7f'],
	['a format', '%s%n%1$s%%', '%s%n%1$s%%'],
	['a shell', '$(id)`id`;|&', '$(id)`id`;|&'],
	['bytes that are no UTF-8', "\x80\xc0\xaf\xff\xfe",
	    '\x80\xc0\xaf\xff\xfe'],
	['an overlong dot', "\xc0\xae\xe0\x80\xae", '\xc0\xae\xe0\x80\xae'],
	['a surrogate', "\xed\xa0\x80", '\xed\xa0\x80'],
	['512 bytes', 'a' x 512, 'a' x 512],
	['60,000 bytes', 'a' x 60_000, 'a' x 512 . '...'],
	['control bytes', join('', map { chr } 1 .. 31),
	    join('', map { sprintf '\x%02x', $_ } 1 .. 31)],
);

sub line
{
	my ($stage, $rule, $reply, $from, $to, $helo) = @_;
	return qr/^(?:NOQUEUE|4Tq[0-9A-F]{8}): \Qconnector=internet client=mx.client.test[203.0.113.9]:41022 listener=192.0.2.25:25 stage=$stage verdict=reject rule=$rule reply="$reply" from=<$from> to=<$to> helo=<$helo> identity=anonymous auth= tls=\E$/;
}

for my $case (@bytes) {
	my ($what, $bytes, $encoded) = @$case;
	my $wire = begin($milter);
	my @said = hold($milter, $wire, $what, [connect => [@net]],
	    [helo => [$bytes]],
	    [mail => ["<$bytes\@>"], $bad_sender],
	    [mail => ['<a@client.test>']],
	    [rcpt => ["$bytes\@"], $bad_recipient],
	    [rcpt => ['<x@example.com>']]);
	(my $from = $encoded) =~ s/(?<!\.\.\.)$/@/;
	$from = 'a' x 512 . '...' if length $bytes == 512;
	like($said[0], line('mail', 'sender_syntax', $bad_sender, $from, '',
	    $encoded), "$what: the line of MAIL");
	like($said[1], line('rcpt', 'recipient_syntax', $bad_recipient,
	    'a@client.test', $from, $encoded), "$what: the line of RCPT");
	$wire->quit;
}

# A NUL cuts an argument in two; what is behind it is no parameter.
my @cut = (
	['behind the local part', '<a', '@client.test>'],
	['behind an address', 'a@client.test', '@foreign.test'],
	['behind the brackets', '<a@client.test>', '>'],
	['before an empty rest', '<a@client.test>', ''],
	['before a blank', '<a@client.test>', 'SIZE=1 2'],
	['before a line end', '<a@client.test>', "SIZE=1\n"],
);
for my $case (@cut) {
	my ($what, @arguments) = @$case;
	my $wire = begin($milter);
	hold($milter, $wire, "a NUL $what", [connect => [@net]],
	    [mail => [@arguments], $bad_sender],
	    [mail => ['<a@client.test>', 'SIZE=1', 'BODY=8BITMIME']],
	    [rcpt => [$arguments[0] =~ s/client\.test/example.com/r,
		$arguments[1]], $bad_recipient],
	    [rcpt => ['<x@example.com>', 'NOTIFY=NEVER']]);
	$wire->quit;
}

# Many of everything.
{
	my $wire = begin($milter);
	hold($milter, $wire, '5,000 parameters', [connect => [@net]],
	    [mail => ['<a@client.test>', ('X=1') x 5_000]],
	    [mail => ['<a@client.test>', ('X=1') x 5_000, '='], $bad_sender]);
	hold($milter, $wire, '1,000 HELOs', ([helo => ['x']]) x 1_000);
	hold($milter, $wire, '1,000 refused recipients',
	    [mail => ['<a@client.test>']],
	    ([rcpt => ['<x@foreign.test>'], $no_relay]) x 1_000,
	    [rcpt => ['<x@example.com>']]);
	$wire->quit;
}

# ---- peers that are no MTA --------------------------------------------------

my $connect = "mx\0" . pack 'a n Z*', '4', 41022, '203.0.113.9';
my %frame = (
	C => $connect, H => "x\0", M => "<a\@client.test>\0",
	R => "<x\@example.com>\0", T => '', L => "a\0b\0", N => '', B => 'x',
	E => '', U => "x\0", A => '', D => "Ci\0x\0",
	O => pack 'N3', 6, 0x1ff, 0x1fffff,
);

sub frame
{
	my ($command, $data) = @_;
	return pack 'N/a*', $command . ($data // '');
}

my $negotiation = frame(O => $frame{O});
my @peers = (
	['nothing', ''],
	['one byte', "\0"],
	['half a length', "\0\0"],
	['a length and nothing', pack 'N', 13],
	['half a frame', pack('N', 13) . 'O'],
	['a huge length', pack('N', 0xffffffff) . 'O'],
	['a negative length', pack('N', 0x80000000) . 'Oxx'],
	['a frame above the limit', pack('N', 65_536) . 'O' . 'x' x 65_535],
	['an empty frame', pack 'N', 0],
	['SMTP', "EHLO client.test\r\nMAIL FROM:<a\@b.test>\r\n"],
	['HTTP', "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
	['TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 200],
	['a short negotiation', frame('O', pack 'N', 6)],
	['version 0', frame('O', pack 'N3', 0, 0x1ff, 0x1fffff)],
	['version 1', frame('O', pack 'N3', 1, 0x3f, 0x7f)],
	['a version to come', frame('O', pack 'N3', 0xffffffff,
	    0xffffffff, 0xffffffff)],
	['two negotiations', $negotiation x 2],
	['an unknown command', $negotiation . frame('Z', 'x')],
	['a NUL for a command', $negotiation . frame("\0", 'x')],
	['CONNECT without data', $negotiation . frame('C')],
	['CONNECT without a family', $negotiation . frame('C', "mx\0")],
	['CONNECT without an end', $negotiation . frame('C', 'mx')],
	['CONNECT of an unknown family',
	    $negotiation . frame('C', "mx\0X" . pack('n', 25) . "x\0")],
	['CONNECT without an address',
	    $negotiation . frame('C', "mx\0" . '4')],
	['CONNECT with an address that is none', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', '4', 25, '999.1.1.1')],
	['CONNECT with the other family', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', '6', 25, '203.0.113.9')],
	['CONNECT from a UNIX socket', $negotiation
	    . frame('C', "mx\0" . pack 'a n Z*', 'L', 0, '/tmp/x')],
	['HELO without an end', $negotiation . frame('H', 'x')],
	['HELO without data', $negotiation . frame('H')],
	['MAIL without data', $negotiation . frame('C', $connect)
	    . frame('M')],
	['MAIL without an end', $negotiation . frame('C', $connect)
	    . frame('M', '<a@client.test>')],
	['MAIL of one NUL', $negotiation . frame('C', $connect)
	    . frame('M', "\0")],
	['macros without an end', $negotiation . frame('D', 'Ci')],
	['macros without data', $negotiation . frame('D')],
	['macros of an unknown stage', $negotiation . frame('D', "Zi\0x\0")],
	map({ my $names = $_; ["$names names without a value", $negotiation
	    . frame('D', 'C' . "{x$names}\0" x $names) . frame('C', $connect)
	    . frame('D', 'M' . "i\0" . "y\0x\0" x $names)
	    . frame('H', "x\0")] } 1, 3, 5, 7, 63, 4095),
	['10,000 macros', $negotiation . frame('D', 'C' . "i\0x\0" x 10_000)],
	['QUIT at once', frame('Q')],
	['QUIT twice', $negotiation . frame('Q') x 2],
	['ABORT at once', $negotiation . frame('A')],
	['1,000 ABORTs', $negotiation . frame('A') x 1_000],
);

# Whatever it answers, it is never "accept", and never "discard".
sub permits
{
	my ($wire) = @_;
	my @answers;
	while (1) {
		my ($command) = $wire->read_frame(0.05);
		last if length $command != 1;
		push @answers, $command;
	}
	return scalar grep { /^[ad]$/ } @answers;
}

for my $peer (@peers) {
	my ($what, $sent) = @$peer;
	for my $more ('', frame('M', $frame{M}) . frame('R', $frame{R})
	    . frame('E')) {
		my $wire = Wire->new($milter->socket);
		$wire->send_bytes($sent . $more);
		is(permits($wire), 0, "$what: nothing is permitted");
		$wire->close;
	}
	works($what);
}

# Commands in every wrong order: no message without MAIL and RCPT before it.
my @orders = ('M', 'R', 'E', 'RE', 'ME', 'CE', 'CRE', 'CME', 'CMTE', 'HRE',
	'MRE', 'CMAE', 'CMARE', 'CMREE', 'CMRERE', 'CCMRE', 'CMRCE', 'TE', 'BE',
	'CMLNBE', 'CUE', 'EEE', 'DE');
for my $order (@orders) {
	my $wire = begin($milter);
	my $last = 'nothing';
	for my $command (split //, $order) {
		$wire->send_frame($command, $frame{$command});
		next if $command =~ /[AD]/;
		my $answer = $wire->answer(0.1);
		$last = $answer->{reply} // $answer->{verdict};
		isnt($last, 'accept', "$order: $command is not accepted");
	}
	unlike($last, qr/^(?:continue|accept|discard)$/,
	    "$order: no message gets through");
	$wire->close;
}
works('commands out of order');

# Bytes at random, the same on every run.
srand 20260615;
for my $round (1 .. 300) {
	my $wire = Wire->new($milter->socket);
	my $bytes = $round % 3 ? $negotiation : '';
	for (1 .. 1 + rand 8) {
		my $data = join '', map { chr rand 256 } 1 .. rand 60;
		my @commands = sort keys %frame;
		$bytes .= $round % 2 ? frame($commands[rand @commands], $data)
		    : $data;
	}
	$wire->send_bytes($bytes);
	$wire->close;
}
works('300 peers that sent anything');

# As many as come and go leave nothing behind.
SKIP: {
	my $folder = '/proc/' . $milter->pid . '/fd';
	skip 'no /proc', 1 unless -d $folder;
	my $open = sub { return scalar(() = glob "$folder/*") };
	works('counting');
	Scratch::wait_for(2, sub { $open->() < 20 });
	my $before = $open->();
	for (1 .. 300) {
		my $wire = Wire->new($milter->socket);
		$wire->send_bytes($negotiation) if $_ % 2;
		$wire->close;
	}
	works('300 peers that came and went');
	ok(Scratch::wait_for(5, sub { $open->() <= $before + 2 }),
	    'no descriptor is left open');
}

is(scalar(grep { /[^\x20-\x7e]/ } $milter->lines), 0,
    'the whole log is plain');
is($milter->stop, 0, 'it stops cleanly after all that');

done_testing;
