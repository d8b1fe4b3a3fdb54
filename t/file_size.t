#!/usr/bin/perl
# file_size.t - the limit on the size of files is reached by both logs and by a
# reload: lines are lost and counted, the old configuration stays, and no session
# is lost; with the limit at the start it says why not, and exits.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Milter;
use Scratch;
use Test::More;
use Wire;

my $scratch = Scratch->new;
my $folder = $scratch->path('protolog');
mkdir $folder or die "$folder: $!\n";
chmod 0777, $folder; # started by root, the daemon becomes another user
my $milter = Milter->new($scratch,
	main => "[organization]\naccepted_domains = example.com\n"
	    . "[protocol_log]\ndirectory = $folder\n",
	milter => 'control_socket = '
	    . $scratch->path('milter.run/control.sock') . "\n",
	connectors => { internet => <<'END' });
usage                  = internet
bindings               = 0.0.0.0:25
remote_ip_ranges       = 0.0.0.0/0
protocol_logging_level = verbose
END
$milter->start;

sub id
{
	my ($key) = @_;
	my ($id) = Scratch::slurp('/proc/' . $milter->pid . '/status')
	    =~ /^$key:\s*(\d+)/m;
	return $id;
}

# As who it is: root may not always.
my @as = $> == 0 ? (qw(setpriv --clear-groups), '--reuid=' . id('Uid'),
	'--regid=' . id('Gid')) : ();

sub limit
{
	my ($bytes) = @_;
	return system(@as, 'prlimit', '--pid', $milter->pid,
		"--fsize=$bytes:");
}

# How many of so many strangers are refused relay, as they must.
sub refused
{
	my ($count) = @_;
	my $refused = 0;
	for (1 .. $count) {
		my $wire = Wire->new($milter->socket, timeout => 10) or last;
		$wire->negotiate or last;
		$wire->connect(client => '198.51.100.7');
		$wire->helo('client.example');
		$wire->mail('<ada@sender.example>');
		my $reply = $wire->rcpt('<x@foreign.example>');
		$refused++ if ($reply->{verdict} // '') eq 'reject';
	}
	return $refused;
}

sub status
{
	my $text = qx(@{[Milter::program('connectorctl')]} status --json \\
	    --config @{[$milter->config]});
	return $? == 0 ? decode_json($text) : {};
}

sub protocol
{
	return status()->{protocol_log} // {};
}

# Is what was read last in use?
sub live
{
	return (status()->{configuration}{last_reload} // { live => 1 })->{live};
}

# A zombie is there, too, but answers nobody.
sub alive
{
	return refused(1) == 1;
}

is(refused(5), 5, 'without a limit strangers are refused');
ok(Scratch::wait_for(60, sub { (protocol()->{written} // 0) > 0 }),
	'... and the protocol log is written');

is(limit(1), 0, 'no file may have more than a byte');
is(refused(50), 50, 'strangers are refused as before');
ok(Scratch::wait_for(60, sub { (protocol()->{dropped} // 0) > 0 }),
	'the protocol log counts what is lost');
$milter->signal('HUP');
ok(Scratch::wait_for(60, sub { !live() }), 'a reload keeps the old files');
ok(alive(), 'the daemon goes on');

is(limit('unlimited'), 0, 'the limit is gone');
my $written = protocol()->{written} // 0;
ok(Scratch::wait_for(60, sub {
	refused(1) && (protocol()->{written} // 0) > $written;
}), 'the protocol log goes on');
is($milter->stop, 0, 'it stops as it should');

my $limited = 'prlimit --fsize=1:1 '
    . Milter::program('connector-milter') . ' -n -c ' . $milter->config;
my @said = split /\n/, qx($limited 2>&1 | cat);
is(scalar(grep { /:0: error: .*: File too large/ } @said), 2,
	'a start with the limit names each file and the reason')
    or diag(@said);
is(system("$limited 2>|/dev/null") >> 8, 78, '... and exits with 78');
$limited = 'prlimit --fsize=1:1 ' . Milter::program('connectorctl')
    . ' explain --client 192.0.2.1 --config ' . $milter->config;
is(system("$limited 2>|/dev/null") >> 8, 78, 'as connectorctl does');

done_testing;
