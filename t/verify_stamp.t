#!/usr/bin/perl
# verify_stamp.t - connectorctl verify-stamp against stamps that another hand
# has signed.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Milter;
use POSIX qw(strftime);
use Scratch;
use Shim;
use Test::More;

my $scratch = Scratch->new;
my $program = Milter::program('connectorctl');

my %keys = (
	'2026a' => '00112233445566778899aabbccddeeff' x 2,
	'2026b' => 'fedcba98' x 32,
);
my $one = $scratch->write('one.key', "2026a $keys{'2026a'}\n", 0600);
my $both = $scratch->write('both.key',
    "# the new one signs\n2026b $keys{'2026b'}\n2026a $keys{'2026a'}\n", 0600);
my $new = $scratch->write('new.key', "2026b $keys{'2026b'}\n", 0600);
my $now = time;

# Runs the verb on the bytes of a message; what it printed, and its status.
sub run
{
	my ($message, @flags) = @_;
	my $in = $scratch->write('message', $message);
	my ($out, $err) = map { $scratch->path($_) } qw(out err);
	unlink $out, $err;
	my $pid = Scratch::spawn({ in => $in, out => $out, err => $err },
	    $program, 'verify-stamp', @flags);
	my $status = Scratch::reap($pid, 60);
	return { out => Scratch::slurp($out), err => Scratch::slurp($err),
		status => defined $status ? $status >> 8 : 'none' };
}

# The fields of a stamp, signed by the words of stamp.h and nothing else.
sub stamp
{
	my (%s) = (k => '2026a', t => $now, q => '4fXyz1', name => 'internet',
		authas => 'Anonymous', authsource => 'mx.example.com',
		prefix => 'X-Connector-', from => ['Boss <ceo@example.com>'], @_);
	my $text = "v=1\nk=$s{k}\nt=$s{t}\nq=$s{q}\nname=$s{name}\n"
	    . "authas=$s{authas}\nauthsource=$s{authsource}\n"
	    . join '', map { "from=$_\n" } @{ $s{from} };
	my $h = hmac_sha256_hex($text, pack 'H*', $keys{ $s{k} });
	return { name => "$s{prefix}Name: $s{name}\r\n",
		authas => "$s{prefix}AuthAs: $s{authas}\r\n",
		authsource => "$s{prefix}AuthSource: $s{authsource}\r\n",
		stamp => "$s{prefix}Stamp: v=1; k=$s{k}; t=$s{t}; q=$s{q};"
		    . " h=$h\r\n",
		from => join '', map { "From: $_\r\n" } @{ $s{from} } };
}

sub message
{
	my ($s) = @_;
	return join '', @$s{qw(name authas authsource stamp)},
	    "Received: from x\r\n\tby y\r\n", $s->{from},
	    "Subject: X-Connector-Name: no\r\n\r\nX-Connector-Name: body\r\n";
}

sub iso
{
	return strftime '%Y-%m-%dT%H:%M:%SZ', gmtime shift;
}

my $valid = 'valid: connector internet, auth_as Anonymous, auth_source'
    . " mx.example.com, queue id 4fXyz1, signed %s by key %s\n";
my $fits = sprintf $valid, iso($now), '2026a';
my $mismatch = "not valid: the signature does not match the header\n";

# ---- stamps that hold -------------------------------------------------------

my @held = (
	['as it was stamped', message(stamp())],
	['with bare LF', message(stamp()) =~ s/\r//gr],
	['without a body', message(stamp()) =~ s/\r\n\r\n.*/\r\n/sr],
	['without the last line end', message(stamp()) =~ s/\r\n\r\n.*//sr],
	['in an mbox file', "From x Mon Jun 15\n" . message(stamp())],
	['an mbox line with a colon', "From x Mon 15 10:00 : y\r\n"
	    . message(stamp())],
	['From with a blank behind it, first', do { my $s = stamp(); join '',
	    $s->{from} =~ s/^From:/From :/r,
	    @$s{qw(name authas authsource stamp)} }],
	['From folded anew', message(stamp())
	    =~ s/^From: Boss /From:\r\n\tBoss\r\n    /mr],
	['blanks behind From', message(stamp()) =~ s/^(From:.*)\r/$1 \t \r/mr],
	['From in another spelling', message(stamp()) =~ s/^From:/FROM :/mr],
	['the stamp folded anew', message(stamp())
	    =~ s/; ([tqh])=/;\r\n\t$1=/gr],
	['names of fields in lower case', message(stamp())
	    =~ s/^(X-Connector-\w+)/lc $1/gmer],
	['fields in another order', do { my $s = stamp(); join '',
	    @$s{qw(from stamp authsource authas name)}, "\r\n" }],
	['another field of the prefix',
	    "X-Connector-Sender-Name: x\r\n" . message(stamp())],
	['a body of NUL bytes', message(stamp()) . "\0\n"],
);
for my $case (@held) {
	my ($what, $message) = @$case;
	my $got = run($message, '--key-file', $one);
	is($got->{out}, $fits, "$what: valid");
	is($got->{status}, 0, "$what: exit status");
	is($got->{err}, '', "$what: no complaint");
}

my $got = run(message(stamp(from => ['a@example.com', 'B <b@example.com>'])),
	'--key-file', $one);
is($got->{out}, $fits, 'two From fields');
$got = run(message(stamp(from => [])), '--key-file', $one);
is($got->{out}, $fits, 'no From field');
$got = run(message(stamp(name => 'Scan and Fax')), '--key-file', $one);
like($got->{out}, qr/^valid: connector Scan and Fax, /, 'a name with blanks');
$got = run(message(stamp(q => '')), '--key-file', $one);
like($got->{out}, qr/, queue id , signed /, 'no queue id');
$got = run(message(stamp(t => 1781517600)), '--key-file', $one);
like($got->{out}, qr/ signed 2026-06-15T10:00:00Z by key 2026a$/,
    'a known time') if $now > 1781517600;
$got = run('', '--key-file', $one, $scratch->write('m', message(stamp())));
is($got->{out}, $fits, 'a message in a file');
$got = run(message(stamp()), '--key-file', $one, '-');
is($got->{out}, $fits, 'a dash is standard input');
$got = run(message(stamp(prefix => 'X-Edge-')), '--key-file', $one,
    '--prefix', 'X-Edge-');
is($got->{out}, $fits, 'another prefix');

# ---- keys -------------------------------------------------------------------

my @turns = (
	['the old key while both are known', '2026a', $both, 0],
	['the new key while both are known', '2026b', $both, 0],
	['the new key alone', '2026b', $new, 0],
	['the old key, rotated out', '2026a', $new, 1],
	['the new key, not yet known', '2026b', $one, 1],
);
for my $case (@turns) {
	my ($what, $key, $file, $status) = @$case;
	$got = run(message(stamp(k => $key)), '--key-file', $file);
	is($got->{status}, $status, "$what: exit status");
	is($got->{out}, $status == 0 ? sprintf($valid, iso($now), $key)
	    : "not valid: the key of the stamp is not among the keys\n",
	    "$what: answer");
}
{
	local $keys{'2026a'} = $keys{'2026b'};
	$got = run(message(stamp()), '--key-file', $one);
	is($got->{out}, $mismatch, 'another key by the same id');
}

# ---- tampering --------------------------------------------------------------

my @tampered = (
	['the connector', qr/^(X-Connector-Name: )internet/m, 'partner'],
	['its case', qr/^(X-Connector-Name: )internet/m, 'Internet'],
	['what it counts as', qr/^(X-Connector-AuthAs: )Anonymous/m, 'Internal'],
	['the server', qr/^(X-Connector-AuthSource: mx)/m, '2'],
	['the key id', qr/(; k=)2026a/, '2026b'],
	['the time', qr/(; t=\d*)\d;/, ($now + 1) % 10 . ';'],
	['the queue id', qr/(; q=4fXyz)1/, '2'],
	['the author', qr/^(From: Boss <)ceo/m, 'cfo'],
	['the display name', qr/^(From: )Boss/m, 'The Boss'],
	['the case of the author', qr/^(From: Boss <)ceo/m, 'CEO'],
	['a From field more', qr/^(From: .*\r\n)/m, "From: x\@y.example\r\n"],
	['a From field in front', qr/\A()/, "From: x\@y.example\r\n"],
	['the From field gone', qr/^()From: .*\r\n/m, ''],
);
for my $case (@tampered) {
	my ($what, $where, $new_text) = @$case;
	my $message = message(stamp());
	$message =~ s/$where/$1$new_text/ or die $what;
	$got = run($message, '--key-file', $both);
	is($got->{out}, $mismatch, "$what: not valid");
	is($got->{status}, 1, "$what: exit status");
}
my $bit = message(stamp());
$bit =~ s/h=(.)/'h=' . sprintf '%x', hex($1) ^ 1/e;
is(run($bit, '--key-file', $one)->{out}, $mismatch, 'one bit of the signature');
is(run(message(stamp()) =~ s/h=([0-9a-f]+)/'h=' . uc $1/er, '--key-file', $one)
    ->{status}, 1, 'the signature in upper case');

# ---- no stamp, or no single one ----------------------------------------------

for my $field (qw(Name AuthAs AuthSource Stamp)) {
	my $message = message(stamp());
	$message =~ s/^X-Connector-$field: .*\r\n//m or die;
	$got = run($message, '--key-file', $one);
	is($got->{out}, "not valid: the header has no field X-Connector-$field"
	    . "\n", "no $field");
	is($got->{status}, 1, "no $field: exit status");
	$message = message(stamp());
	$message =~ s/^(X-Connector-$field: .*\r\n)/$1$1/m or die;
	$got = run($message, '--key-file', $one);
	is($got->{out}, 'not valid: the header has more than one field'
	    . " X-Connector-$field\n", "$field twice");
	is($got->{status}, 1, "$field twice: exit status");
}

my $reads = 'the stamp does not read v=1; k=KEYID; t=TIME; q=QUEUEID; h=HEX';
my @bad = (
	['an empty message', '',
	    'the header has no field X-Connector-Name'],
	['an empty header', "\r\n" . message(stamp()),
	    'the header has no field X-Connector-Name'],
	['a stamp in the body', "Subject: x\n\n" . message(stamp()),
	    'the header has no field X-Connector-Name'],
	['another prefix', message(stamp(prefix => 'X-Edge-')),
	    'the header has no field X-Connector-Name'],
	['a line that is no field', "nonsense\n" . message(stamp()),
	    'the header has a line that is no field'],
	['a field without a name', ": x\n" . message(stamp()),
	    'the header has a line that is no field'],
	['a blank in a name', "X Y: x\n" . message(stamp()),
	    'the header has a line that is no field'],
	['a continuation of nothing', " x\n" . message(stamp()),
	    'the header has a line that is no field'],
	['a NUL', message(stamp()) =~ s/Boss/Bo\0ss/r,
	    'the header holds a NUL byte'],
	['a CR in a value', message(stamp()) =~ s/Anonymous/Anony\rmous/r,
	    'the header holds a CR that ends no line'],
	['a CR at the end', message(stamp()) =~ s/\r\n\r\n.*/\r/sr,
	    'the header holds a CR that ends no line'],
	['a CR for an empty line', message(stamp()) =~ s/^From:/\r\rFrom:/mr,
	    'the header holds a CR that ends no line'],
	['a CR in another field', message(stamp()) =~ s/^(Subj.*\r)/$1\r/mr,
	    'the header holds a CR that ends no line'],
	['two lines of an mbox file', "From x\nFrom y\n" . message(stamp()),
	    'the header has a line that is no field'],
	['a line of an mbox file further down',
	    message(stamp()) =~ s/^(From:)/From x\n$1/mr,
	    'the header has a line that is no field'],
	['a From field in the first line, with blanks',
	    "From \t : ceo\@example.com\r\n" . message(stamp()),
	    'the signature does not match the header'],
	['a header of more than 1 MB', ('X: ' . 'x' x 1000 . "\n") x 1100
	    . message(stamp()), 'the header is longer than 1 MB'],
	['an empty stamp', message(stamp()) =~ s/Stamp: .*/Stamp:\r/r, $reads],
	['half a stamp', message(stamp()) =~ s/; h=.*/\r/r, $reads],
	['hostile bytes', message(stamp()) =~ s/AuthAs: /AuthAs: \e[31m\xff/r,
	    'a part of it holds what no stamp can vouch for'],
);
for my $case (@bad) {
	my ($what, $message, $why) = @$case;
	$got = run($message, '--key-file', $one);
	is($got->{out}, "not valid: $why\n", "$what: answer");
	is($got->{status}, 1, "$what: exit status");
	is($got->{err}, '', "$what: no complaint");
}
is(run(('X: ' . 'x' x 1000 . "\n") x 1000 . message(stamp()),
    '--key-file', $one)->{out}, $fits, 'a header of nearly 1 MB');

# What a signer vouched for is printed all the same so that no terminal acts.
$got = run(message(stamp(authsource => 'a\\b"c')), '--key-file', $one);
like($got->{out}, qr/, auth_source a\\x5cb\\x22c, /, 'values are encoded');

# ---- age --------------------------------------------------------------------

my @ages = (
	['young enough', 500, '10m', 0],
	['too old', 700, '10m', 1],
	['in seconds', 20, '60s', 0],
	['too old in seconds', 100, '60s', 1],
	['in hours', 7000, '2h', 0],
	['too old in hours', 7300, '2h', 1],
	['in days', 86000, '1d', 0],
	['too old in days', 86500, '1d', 1],
	['a clock that runs fast', -250, '10m', 0],
	['years old, and nobody asks', 100_000_000, undef, 0],
);
for my $case (@ages) {
	my ($what, $age, $max, $status) = @$case;
	$got = run(message(stamp(t => time() - $age)), '--key-file', $one,
	    defined $max ? ('--max-age', $max) : ());
	is($got->{status}, $status, "$what: exit status");
	like($got->{out}, $status == 0 ? qr/^valid: / :
	    qr/^not valid: it is too old: signed \d{4}-\d\d-\d\dT[\d:]{8}Z\n\z/,
	    "$what: answer");
}
for my $flags ([], ['--max-age', '10m']) {
	$got = run(message(stamp(t => time() + 400)), '--key-file', $one,
	    @$flags);
	like($got->{out}, qr/^not valid: it comes from the future: signed \d/,
	    "from the future @$flags");
	is($got->{status}, 1, "from the future @$flags: exit status");
}

# ---- the configuration ------------------------------------------------------

my $lines = "[connector internet]\nusage = internet\nbindings = 0.0.0.0:25\n"
    . "remote_ip_ranges = 0.0.0.0/0\n";
my $own = $scratch->write('main.ini', "[milter]\nstamp_key_file = both.key\n"
    . "stamp_prefix = X-Edge-\n[organization]\naccepted_domains ="
    . " example.com\n$lines");
my $none = $scratch->write('none.ini',
    "[organization]\naccepted_domains = example.com\n$lines");
my $edge = message(stamp(prefix => 'X-Edge-'));
$got = run($edge, '--config', $own);
is($got->{out}, $fits, 'keys and prefix of the configuration');
is($got->{status}, 0, 'exit status');
$got = run(message(stamp()), '--config', $own, '--prefix', 'X-Connector-');
is($got->{out}, $fits, '--prefix overrules it');
$got = run($edge, '--config', $own, '--key-file', $new);
is($got->{status}, 1, '--key-file overrules it');
$got = run($edge, '--config', $none);
is($got->{status}, 2, 'a configuration without a key');
like($got->{err}, qr/the configuration has no stamp_key_file; give --key-file/,
    'what is said of it');
$got = run(message(stamp()), '--config', $none, '--key-file', $one);
is($got->{out}, $fits, 'and with --key-file');
$got = run($edge, '--config', $scratch->path('missing.ini'));
is($got->{status}, 78, 'a configuration that is not there');

# ---- key files that are not fit ---------------------------------------------

my $secret = $keys{'2026a'};
my @unfit = (
	['missing', undef, 0600, qr/cannot be opened/],
	['empty', '', 0600, qr/is empty/],
	['for everybody', "2026a $secret\n", 0644, qr/0644/],
	['short', "2026a 0123456789abcdef\n", 0600,
	    qr/:1: error: a key has 64 to 256 hex digits/],
	['no-hex', "2026a ${secret}xy\n", 0600,
	    qr/:1: error: a key is written in hex digits only/],
	['no-id', "$secret\n", 0600, qr/:1: error: a line has a key id/],
	['swapped', "$secret 2026a\n", 0600, qr/:1: error: the key id is longer/],
);
for my $case (@unfit) {
	my ($name, $text, $mode, $why) = @$case;
	my $path = $scratch->path("$name.key");
	$scratch->write("$name.key", $text, $mode) if defined $text;
	$got = run(message(stamp()), '--key-file', $path);
	is($got->{status}, 78, "$name: exit status");
	is($got->{out}, '', "$name: no answer");
	like($got->{err}, qr/^\Q$path\E:\d+: error: /, "$name: names the file");
	like($got->{err}, $why, "$name: what is wrong");
	unlike($got->{err}, qr/0123|0011|aabb/, "$name: shows no key");
}

# ---- without memory ----------------------------------------------------------

my $starved = Shim::library($scratch, 'starved', <<'END');
#include <stddef.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *old, size_t size);

/* Is this the allocation of FAILS bytes? */
static int
fails(size_t size)
{
	const char *bytes = getenv("FAILS");

	return bytes != NULL && size == (size_t)atol(bytes);
}

void *
malloc(size_t size)
{
	return fails(size) ? NULL : __libc_malloc(size);
}

void *
reallocarray(void *old, size_t number, size_t size)
{
	return fails(number * size) ? NULL : __libc_realloc(old, number * size);
}
END
my $no_header = 'there is no memory to read the header';
my $no_check = 'the signature could not be checked: no memory, or no working'
    . ' libcrypto';
# Sizes that nothing else asks for: of 4096 From fields, and of one long one.
my $long = 'x' x 100_000;
my @scarce = (
	['the header', (1 << 20) + 1, stamp(), $no_header],
	['the From fields', 4096 * length(pack 'P', ''),
	    stamp(from => [('a@b.example') x 2049]), $no_header],
	['what is signed', 256 + length("internetAnonymousmx.example.com4fXyz1"
		. "from=\n$long"), stamp(from => [$long]), $no_check],
);
# A sanitizer has an allocator of its own.
@scarce = () if $ENV{SANITIZED};
for my $case (@scarce) {
	my ($what, $bytes, $s, $why) = @$case;
	is(run(message($s), '--key-file', $one)->{out}, $fits,
	    "with memory for $what");
	local @ENV{qw(LD_PRELOAD FAILS)} = ($starved, $bytes);
	$got = run(message($s), '--key-file', $one);
	is($got->{status}, 71, "no memory for $what: exit status");
	is($got->{out}, '', "no memory for $what: no answer");
	is($got->{err}, "connectorctl verify-stamp: $why\n",
	    "no memory for $what: said");
}

# ---- wrong command lines ----------------------------------------------------

my @wrong = (
	['an age without a unit', '--max-age 10:', '--max-age', '10'],
	['an age that is none', '--max-age soon:', '--max-age', 'soon'],
	['a negative age', '--max-age -1s:', '--max-age', '-1s'],
	['an age of another unit', '--max-age 1w:', '--max-age', '1w'],
	['an age too long', '--max-age 9999999999s:', '--max-age',
	    '9999999999s'],
	['two units', '--max-age 1hm:', '--max-age', '1hm'],
	['a prefix that is none', '--prefix From:', '--prefix', 'From'],
	['an unknown flag', '--frobnicate: not a flag', '--frobnicate'],
	['a flag without its value', 'its value is missing', '--key-file'],
	['two messages', 'b: one message at a time', 'a', 'b'],
	['a message that is not there', 'missing: No such file',
	    '--key-file', $one, $scratch->path('missing')],
);
for my $case (@wrong) {
	my ($what, $complaint, @flags) = @$case;
	$got = run(message(stamp()), @flags);
	is($got->{status}, 2, "$what: exit status");
	is($got->{out}, '', "$what: no answer");
	like($got->{err}, qr/\Q$complaint\E/, "$what: the complaint");
}

done_testing;
