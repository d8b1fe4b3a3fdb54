#!/usr/bin/perl
# secret.t - the key of the stamp is in no line, answer, file or memory image.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256_hex);
use Milter;
use Scratch;
use Test::More;
use Wire;

my $scratch = Scratch->new;
my $ctl = Milter::program('connectorctl');
my $daemon = Milter::program('connector-milter');

# In the file's form, as bytes, and a part of each that would be enough.
my $hex = join '', map { sprintf '%02x', ($_ * 37 + 11) % 256 } 1 .. 48;
my $bytes = pack 'H*', $hex;
my %canary = (
	'the key in hex' => substr($hex, 8, 24),
	'the key in capitals' => uc substr($hex, 8, 24),
	'the key in bytes' => substr($bytes, 8, 16),
	'its last bytes' => substr($bytes, -16),
);

sub clean
{
	my ($what, $text) = @_;
	my @found = grep { index($text, $canary{$_}) >= 0 } sort keys %canary;
	return is_deeply(\@found, [], "$what (" . length($text) . ' bytes)');
}

sub run
{
	my ($in, @command) = @_;
	my %file = map { $_ => $scratch->path($_) } qw(out err);
	unlink values %file;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::spawn({ %file, in => $in }, @command);
	my $status = Scratch::reap($pid, 60);
	Scratch::stop($pid, 'KILL') unless defined $status;
	return join "\n", map { Scratch::slurp($_) } values %file;
}

my $records = $scratch->folder('records', 0755,
	$> == 0 ? scalar getpwnam('nobody') : $>);
my $control = $scratch->path('s.run/control.sock');
my $milter = Milter->new($scratch, name => 's',
	connectors => { internet => "bindings = 0.0.0.0:25\n"
		. "remote_ip_ranges = 203.0.113.0/24\n"
		. "permission_groups = anonymous_users\n"
		. "protocol_logging_level = verbose\n" },
	milter => "stamp_key_file = stamp.key\ncontrol_socket = $control\n",
	main => "[organization]\naccepted_domains = ours.test\n"
		. "[protocol_log]\ndirectory = $records\n");
my $config = $milter->config;
my $key = $scratch->write('s/stamp.key', "k1 $hex\n", 0640);
chown 0, (getpwnam 'nobody')[3], $key if $> == 0;

# ---- what the daemon writes -------------------------------------------------

# With -v, through a stamped message, reloads, a broken key and its mending.
my $log = $scratch->path('verbose.log');
my $pid;
{
	delete local $ENV{JOURNAL_STREAM};
	$pid = Scratch::spawn({ err => $log }, $daemon, '-v', '-c', $config);
	$milter->{log} = $log;
	$milter->{pid} = $pid;
}
ok($milter->wait_log(qr/ listens on /, 20), 'it runs');

# The stamp that the message gets.
sub message
{
	my $wire = Wire->new($milter->socket) or return '';
	$wire->negotiate;
	$wire->connect(client => '203.0.113.9', name => 'mx.client.test');
	$wire->helo('mx.client.test');
	$wire->mail('<a@client.test>');
	$wire->rcpt('<b@ours.test>');
	$wire->data;
	$wire->header('From', 'a@client.test');
	$wire->eoh;
	$wire->body("text\r\n");
	my $answer = $wire->eom;
	$wire->quit;
	my ($stamp) = grep { /v=1; k=k1;/ }
	    map { ref $_ eq 'HASH' ? values %$_ : ref $_ ? @$_ : $_ }
	    @{ $answer->{edits} // [] };
	return $stamp // '';
}

like(message(), qr/v=1; k=k1; t=\d+; q=\S*; h=[0-9a-f]{64}/,
	'a message is signed');

# What a core would have, while it has the key: all that the process can read
# and write and did not keep out (proc_pid_smaps(5): dd).
sub image
{
	no warnings 'portable'; # addresses have 64 bits
	my ($text, $range, $kept) = ('', undef, 0);
	open my $maps, '<', "/proc/$pid/smaps" or return '';
	open my $memory, '<:raw', "/proc/$pid/mem" or return '';
	while (my $line = readline $maps) {
		$range = [map { hex } $1, $2]
		    if $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/;
		next if $line !~ /^VmFlags:(.*)/ || !defined $range;
		my ($from, $to) = splice @$range, 0, 2;
		undef $range;
		if ($1 =~ / dd\b/) {
			$kept++;
			next;
		}
		# A sanitizer has areas larger than any memory.
		next if $to - $from > 1 << 30 || !sysseek $memory, $from, 0;
		sysread $memory, $text, $to - $from, length $text;
	}
	return ($text, $kept);
}

SKIP: {
	skip 'only root can look', 3 if $> != 0;
	skip 'a sanitizer keeps what was freed', 3 if $ENV{SANITIZED};
	my ($image, $kept) = image();
	ok(index($image, 'connector-milter.ini') >= 0,
		'an image of the memory shows the configuration');
	cmp_ok($kept, '>', 0, "some of it is in no image: $kept areas");
	clean('an image of the memory', $image);
}
SKIP: {
	skip 'not root', 3 if $> != 0;
	for my $name (qw(mem maps environ)) {
		my $said = run('/dev/null', 'setpriv', '--reuid=nobody',
			'--regid=nogroup', '--clear-groups', 'sh', '-c',
			"head -c 1 /proc/$pid/$name");
		like($said, qr/Permission denied/,
			"its own user may not read its $name");
	}
}
SKIP: {
	skip 'with a sanitizer it may leave one', 1 if $ENV{SANITIZED};
	like(Scratch::slurp("/proc/$pid/limits"),
		qr/^Max core file size\s+0\s+0\s/m, 'it leaves no core');
}

# ---- malformed keys ---------------------------------------------------------

my @malformed = (
	['no id', "$hex\n"],
	['three words', "k1 $hex $hex\n"],
	['an odd digit', 'k1 ' . substr($hex, 0, -1) . "\n"],
	['no hex digit at its end', "k1 ${hex}xx\n"],
	['too short', 'k1 ' . substr($hex, 0, 62) . "\n"],
	['too long', 'k1 ' . $hex x 4 . "\n"],
	['the id is the key', "$hex k1\n"],
	['a colon', "k1:$hex\n"],
	['an id twice', "k1 $hex\nk1 $hex\n"],
	['three keys', "k1 $hex\nk2 $hex\nk3 $hex\n"],
	['a NUL', "k1 $hex\0\n"],
	['no line end, and a blank before it', "k1 $hex \\\n $hex"],
	['an INI file', "[milter]\nkey = $hex\n"],
	['capitals, and too long', 'k1 ' . uc($hex x 4) . "\n"],
);
for my $case (@malformed) {
	my ($what, $text) = @$case;
	$scratch->write('s/stamp.key', $text, 0640);
	my $said = run('/dev/null', $daemon, '-n', '-c', $config);
	like($said, qr/stamp\.key:\d+: error: /, "$what: is refused");
	clean("$what: by connector-milter -n", $said);
	for my $verb (
		['explain', '--config', $config, '--client', '203.0.113.9'],
		['reload', '--config', $config],
		['verify-stamp', '--key-file', $key, '/dev/null'],
		['mta', 'postfix', '--config', $config],
	) {
		clean("$what: connectorctl $verb->[0]",
			run('/dev/null', $ctl, @$verb));
	}
	$milter->signal('HUP');
}

# Named as something else.
$scratch->write('s/stamp.key', "k1 $hex\n", 0640);
chown 0, (getpwnam 'nobody')[3], $key if $> == 0;
for my $case (
	['a list', "[organization]\naccepted_domains = \@stamp.key\n"],
	['a directory', "[directory]\nrecipients = stamp.key\n"],
) {
	my ($what, $main) = @$case;
	my $other = $scratch->write('s/other.ini', "[milter]\n"
		. "connectors = connectors.d\nsocket = unix:/nowhere/s\n"
		. "stamp_key_file = stamp.key\n$main");
	my $said = run('/dev/null', $daemon, '-n', '-c', $other);
	like($said, qr/error: /, "the key as $what: is refused");
	clean("the key as $what", $said);
}
my $mistaken = $scratch->write('s/mistaken.ini',
	"[milter]\nstamp_key_file = $hex\n");
like(run('/dev/null', $daemon, '-n', '-c', $mistaken), qr/stamp_key_file/,
	'a key in place of its file: is refused');

# ---- all verbs --------------------------------------------------------------

$scratch->write('s/stamp.key', "k1 $hex\n", 0640);
chown 0, (getpwnam 'nobody')[3], $key if $> == 0;
my $tests = $scratch->write('tests',
	"--client 203.0.113.9 => connector internet\n");
my $stamped = $scratch->write('stamped', "From: a\@client.test\r\n"
	. "X-Connector-Stamp: v=1; k=k1; t=1; q=x; h=" . 'a' x 64
	. "\r\n\r\ntext\r\n");
for my $verb (
	['explain', '--config', $config, '--client', '203.0.113.9'],
	['explain', '--json', '--config', $config, '--client', '203.0.113.9'],
	['test', '--config', $config, $tests],
	['mta', 'postfix', '--config', $config],
	['mta', 'postfix', 'guard', '--config', $config],
	['mta', 'sendmail', '--config', $config],
	['mta', 'sendmail', 'guard', '--config', $config],
	['verify-stamp', '--config', $config, $stamped],
	['verify-stamp', '--key-file', $key, $stamped],
	['status', '--config', $config],
	['status', '--json', '--config', $config],
	['reload', '--config', $config],
	['drain', '--config', $config],
	['drain', 'off', '--config', $config],
	['help'], ['help', 'settings'], ['help', 'rules'], ['version'],
	['lint', '--config', $config], ['permissions', '--config', $config],
) {
	my $said = run('/dev/null', $ctl, @$verb);
	clean("connectorctl @{[ grep { !m{/} } @$verb ]}", $said);
}

like(message(), qr/v=1; k=k1;/, 'the next message is signed');
is($milter->stop, 0, 'it stops');
like($milter->log, qr/^connector-milter: reload failed/m,
	'the log has the reloads that failed');
clean('the log', $milter->log);
my $written = join '', map { Scratch::slurp($_) } glob "$records/*";
ok(length $written, 'the protocol log has records');
clean('the protocol log', $written);

done_testing;
