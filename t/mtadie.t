#!/usr/bin/perl
# mtadie.t - an MTA that dies: its smtpd killed in the middle of a transaction,
# its host gone without a word. The milter forgets its sessions, and nothing of
# them arrives. LONG=1: 200 smtpds, and sessions of the dead host to their end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Milter;
use Play;
use Scratch;
use Socket qw(IPPROTO_TCP);
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{LONG} ? 10 : 2;
my $at_once = 20;
my $inet = Scratch::free_port('127.0.0.1');
my $play = Play->new(listeners => { mx => {} });
my $scratch = $play->scratch;
my $bindings = 'bindings = 0.0.0.0:' . $play->port('mx') . ", 0.0.0.0:25\n";

sub milter
{
	my ($name, %option) = @_;
	my $control = $scratch->path("$name.run/control.sock");
	my $folder = $scratch->folder("$name.run");
	chown scalar getpwnam('nobody'), -1, $folder if $> == 0;
	return Milter->new($scratch, name => $name,
		milter => "control_socket = $control\n", control => $control,
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { internet => $bindings . <<'END' }, %option);
remote_ip_ranges                  = 0.0.0.0/0
permission_groups                 = anonymous_users
max_inbound_connection_per_source = unlimited
max_inbound_connection_percentage_per_source = 100
END
}

sub open_sessions
{
	my ($milter) = @_;
	return $milter->status($milter->{control})->{sessions}{open};
}

sub descriptors
{
	my ($milter) = @_;
	return scalar(() = glob '/proc/' . $milter->pid . '/fd/*');
}

# Waits until they are so many; the seconds that took, or undef.
sub until_open
{
	my ($milter, $count, $seconds) = @_;
	my $begun = time;
	return Scratch::wait_for($seconds,
	    sub { open_sessions($milter) == $count }) ? time - $begun : undef;
}

# ---- smtpd is killed --------------------------------------------------------

my $milter = milter('milter');
$milter->start;
$play->raise($milter, main => {
	smtpd_client_connection_count_limit => 0,
	smtpd_client_connection_rate_limit => 0,
	# master thinks that what is killed cannot start.
	service_throttle_time => '1s',
});

# The smtpd processes of our Postfix alone.
sub smtpds
{
	my $master = $play->postfix->{pid};
	my @found;
	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $name, $parent) = Scratch::slurp($path)
		    =~ /^(\d+) \((.*)\) \S (\d+)/ or next;
		push @found, $pid if $name eq 'smtpd' && $parent == $master;
	}
	return @found;
}

my @texts = ("Subject: dead\r\n", "Subject: dead\r\n\r\n" . "text\r\n" x 900);
my $base = descriptors($milter);
my ($killed, $slowest, @wrong) = (0, 0);
for my $round (1 .. $rounds) {
	my @clients = map { my $n = $_;
		my $smtp = $play->client('mx', "203.0.113.$n");
		$smtp->mail('ada@sender.example');
		$smtp->rcpt('alice@example.com');
		if ($n % 2) {
			$smtp->cmd('DATA');
			$smtp->send_raw($texts[$n % 4 == 1]);
		}
		$smtp } 1 .. $at_once;
	my $open = open_sessions($milter);
	push @wrong, "$open sessions in round $round" if $open != $at_once;
	my @pids = smtpds();
	kill 'KILL', @pids;
	$killed += @pids;
	my $took = until_open($milter, 0, 60);
	push @wrong, open_sessions($milter) . " stay in round $round"
	    if !defined $took;
	$slowest = $took if ($took // 0) > $slowest;
	$_->close for @clients;
}
is("@wrong", '', "$killed smtpds killed in their transactions: their sessions "
    . sprintf('are gone within %.2f s', $slowest));
cmp_ok($killed, '>=', $rounds * $at_once, '... as many as there were');
ok(Scratch::wait_for(60, sub { descriptors($milter) <= $base + 2 }),
    "descriptors: $base before, " . descriptors($milter) . ' after');
is_deeply($play->arrived_for, [], 'nothing of them arrives');
my $reply;
ok(Scratch::wait_for(60, sub {
	$reply = eval { $play->client('mx', '203.0.113.99')->deliver(
		'ada@sender.example', ['alice@example.com'],
		"Subject: alive\n\ntext\n") } // $@;
	return $reply =~ /^250 2\.0\.0/;
}), 'the next message is accepted') or diag($reply);
is_deeply($play->arrived_for, ['alice@example.com'], '... and arrives');
is($milter->stop, 0, 'the milter stops as it should');

# ---- the host is gone -------------------------------------------------------

# A socket that is closed while it is in repair tells its peer nothing.
use constant TCP_REPAIR => 19;

sub vanish
{
	my ($wire) = @_;
	return 0 if !setsockopt $wire->{handle}, IPPROTO_TCP, TCP_REPAIR, 1;
	$wire->close;
	return 1;
}

# Of the daemon's connections, the seconds until the kernel asks whether the
# peer is there; undef for one it never asks.
sub probes
{
	my $port = sprintf '%04X', $inet;
	my @probes;
	for my $line (split /\n/, Scratch::slurp('/proc/net/tcp')) {
		my (undef, $local, undef, $state, undef, $timer)
		    = split ' ', $line;
		next if $local !~ /:$port$/ || $state ne '01';
		my ($kind, $when) = split /:/, $timer;
		push @probes, $kind eq '02' ? hex($when) / 100 : undef;
	}
	return @probes;
}

SKIP: {
	my $remote = milter('remote', socket => "inet:$inet\@127.0.0.1",
		control => undef);
	$remote->{control} = $scratch->path('remote.run/control.sock');
	$remote->start;
	my $before = descriptors($remote);
	my @wires = map { my $wire = begin($remote);
		$wire->connect(client => '203.0.113.9');
		$wire->helo('client.example');
		$wire->mail('<ada@sender.example>');
		$wire->rcpt('<alice@example.com>') if $_ % 2;
		$wire } 1 .. $at_once;
	# Each kernel has confirmed all that it was sent.
	Scratch::wait_for(60, sub {
		!grep { !defined } probes() });
	skip 'sockets cannot be repaired here', 5 if !vanish(pop @wires);
	vanish($_) for @wires;
	is(open_sessions($remote), $at_once, "$at_once sessions of a host that "
	    . 'is gone are open');
	my @probes = probes();
	is(scalar @probes, $at_once, '... and connections');
	is(scalar(grep { !defined || $_ > 121 } @probes), 0,
	    'within 2 minutes the kernel asks for every peer');
	my $wire = begin($remote);
	$wire->connect(client => '203.0.113.10');
	$wire->helo('client.example');
	$wire->mail('<ada@sender.example>');
	is($wire->rcpt('<alice@example.com>')->{verdict}, 'continue',
	    'others are served meanwhile');
	$wire->quit;
	SKIP: {
		skip 'only with LONG=1', 2 if !$ENV{LONG};
		my $took = until_open($remote, 0, 300);
		cmp_ok($took // 999, '<', 260, sprintf 'they are gone after '
		    . '%.0f s', $took // -1);
		cmp_ok(descriptors($remote), '<=', $before + 2,
		    '... with their descriptors');
	}
	is($remote->stop, 0, 'the milter stops as it should');
}

done_testing;
