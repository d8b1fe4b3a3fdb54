#!/usr/bin/perl
# socket_lock.t - daemons that start at the same moment, or while another stops:
# one of them serves, the socket is its own, and nothing is left behind. LONG=1
# for many more of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Milter;
use Scratch;
use Shim;
use Socket qw(SOCK_DGRAM SOL_SOCKET);
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $SO_PEERCRED = 17;

my $scratch = Scratch->new;
my $folder = $scratch->path('milter.run');
my $control = "$folder/control.sock";
my $milter = Milter->new($scratch,
	milter => "control_socket = $control\n",
	connectors => { internet => <<'END' });
bindings         = 0.0.0.0:25
remote_ip_ranges = 0.0.0.0/0
END
my $socket = "$folder/milter.sock";
my $log = $scratch->path('log');

# Between looking at a socket and taking its place, any time may pass.
my $slow = Shim::library($scratch, 'slow', <<'END');
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int
unlinkat(int dir, const char *path, int flags)
{
	usleep((useconds_t)(getpid() * 7919 % 40) * 1000);
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}
END

sub spawn
{
	my ($preload) = @_;
	local $ENV{LD_PRELOAD} = $preload if defined $preload;
	delete local $ENV{JOURNAL_STREAM};
	return Scratch::spawn({ err => $log },
		Milter::program('connector-milter'), '-c', $milter->config);
}

# The process that listens at a UNIX socket, or 0.
sub owner
{
	my ($path) = @_;
	my $peer = IO::Socket::UNIX->new(Peer => $path) or return 0;
	my ($pid) = unpack 'i3', getsockopt $peer, SOL_SOCKET, $SO_PEERCRED;
	return $pid;
}

sub serves
{
	my $wire = Wire->new($milter->socket) or return 0;
	my $agreed = $wire->negotiate;
	$wire->close;
	return defined $agreed;
}

sub left_behind
{
	opendir my $dir, $folder or die "$folder: $!\n";
	return grep { !/^\.\.?$/ } readdir $dir;
}

# Of two that are started at once: what is wrong, and the one that serves.
sub race
{
	my ($preload) = @_;
	my @pids = map { spawn($preload) } 1 .. 2;
	my %status;
	Scratch::wait_for(60, sub {
		for my $pid (grep { !defined $status{$_} } @pids) {
			my $status = Scratch::reap($pid, 0);
			$status{$pid} = $status if defined $status;
		}
		keys %status;
	});
	my @alive = grep { !defined $status{$_} } @pids;
	my @trouble;
	push @trouble, 'dead: ' . join ', ', map { $_ >> 8 } values %status
	    if @alive != 1 || (values %status)[0] != 69 << 8;
	if (@alive == 1) {
		Scratch::wait_for(60, sub { owner($socket) == $alive[0]
		    && owner($control) == $alive[0] });
		push @trouble, 'milter socket' if owner($socket) != $alive[0];
		push @trouble, 'control socket' if owner($control) != $alive[0];
		push @trouble, 'mute' unless serves();
	}
	return (join('; ', @trouble), @alive);
}

sub is_none
{
	my ($what, @trouble) = @_;
	return is(join("\n", @trouble), '', $what);
}

my $pairs = $ENV{LONG} ? 500 : 50;
{
	my (@trouble, @left, @stops);
	for my $n (1 .. $pairs) {
		my ($trouble, @alive) = race($n % 2 ? $slow : undef);
		push @trouble, "pair $n: $trouble" if $trouble ne '';
		# Every second one leaves its sockets and locks to the next.
		my $signal = $n % 4 < 2 ? 'KILL' : 'TERM';
		for my $pid (@alive) {
			my $status = Scratch::stop($pid, $signal, 60);
			next if $signal eq 'KILL';
			push @stops, $status if $status != 0;
			push @left, left_behind();
		}
	}
	is_none("of $pairs pairs one each serves, by its own sockets",
	    @trouble);
	is_none('each stops when told to', @stops);
	is_none('and leaves nothing behind', @left);
	is(scalar(() = Scratch::slurp($log)
	    =~ /another program listens on \Q$folder\E/g), $pairs,
	    'all the others say why not');
}

# Whoever stops takes its own sockets away, not those of its heir.
my $heirs = $ENV{LONG} ? 200 : 20;
{
	my (@trouble, $tries);
	my $old = spawn();
	Scratch::wait_for(60, sub { owner($socket) });
	for my $n (1 .. $heirs) {
		kill 'TERM', $old;
		my ($heir, $status);
		do {
			$heir = spawn($n % 2 ? $slow : undef);
			$tries++;
			Scratch::wait_for(60, sub {
				$status = Scratch::reap($heir, 0);
				defined $status || owner($socket) == $heir
				    && owner($control) == $heir;
			});
		} while (defined $status && $status == 69 << 8);
		push @trouble, "heir $n: status $status" if defined $status;
		my $end = Scratch::reap($old, 60) // 'none';
		push @trouble, "heir $n: its ancestor ends with $end"
		    if $end ne '0';
		push @trouble, "heir $n: no socket"
		    if owner($socket) != $heir || owner($control) != $heir;
		$old = $heir;
	}
	is_none("$heirs times an heir takes over, in $tries tries", @trouble);
	is(Scratch::stop($old, 'TERM', 60), 0, 'the last one stops');
	is_none('and leaves nothing behind', left_behind());
}

# What somebody else has put there meanwhile is not its own any more.
for my $case (['the socket', $socket], ['the control socket', $control]) {
	my ($what, $path) = @$case;
	my $pid = spawn();
	Scratch::wait_for(60, sub { owner($socket) == $pid });
	unlink $path;
	my $other = IO::Socket::UNIX->new(Local => $path, Listen => 64);
	is(Scratch::stop($pid, 'TERM', 60), 0,
	    "$what is another's: it stops");
	is(owner($path), $$, 'and leaves it there');
	$other->close;
	unlink $path;
	is_none('and nothing else', left_behind());
}
for my $path ($socket, $control) {
	my $pid = spawn();
	Scratch::wait_for(60, sub { owner($socket) == $pid });
	unlink "$path.lock";
	$scratch->write('milter.run/' . $path =~ s{.*/}{}r . '.lock', "x\n");
	is(Scratch::stop($pid, 'TERM', 60), 0, "another's lock: it stops");
	is(Scratch::slurp("$path.lock"), "x\n", 'and leaves it there');
	unlink "$path.lock";
}

# ---- what stands in the way -------------------------------------------------

sub refused
{
	my ($what, $want) = @_;
	my $from = -s $log;
	my $status = Scratch::reap(spawn(), 60) // 'runs';
	is($status, 69 << 8, "$what: exit status");
	like($milter->{scratch} && substr(Scratch::slurp($log), $from), $want,
	    "$what: what it says");
	return;
}

SKIP: {
	skip 'only root can leave files of others', 1 if $> != 0;
	my $precious = $scratch->write('precious', "data\n");
	symlink $precious, "$socket.lock";
	refused('a link in place of the lock',
	    qr/cannot listen on \Q$socket\E: \Q$socket\E\.lock: Too many levels of symbolic links$/m);
	is(Scratch::slurp($precious), "data\n", 'what it points to stays');
	unlink "$socket.lock";
	mkdir "$socket.lock";
	refused('a folder there',
	    qr/cannot listen on \Q$socket\E: \Q$socket\E\.lock: Is a directory$/m);
	rmdir "$socket.lock";
	link $precious, "$socket.lock";
	refused('a file that has another name',
	    qr/cannot listen on \Q$socket\E: \Q$socket\E\.lock: Too many links$/m);
	is(sprintf('%o %d', (stat $precious)[2, 4]), '100644 0',
	    'which stays what it is');
	unlink "$socket.lock";
	my $other = IO::Socket::UNIX->new(Local => $socket, Listen => 1);
	my @waiting;
	while (@waiting < 10) {
		my $peer = IO::Socket::UNIX->new(Peer => $socket, Blocking => 0)
		    or last;
		push @waiting, $peer;
	}
	refused('a program with ' . @waiting . ' that wait for it',
	    qr/another program listens on \Q$socket\E$/m);
	$_->close for $other, @waiting;
	unlink $socket;
	$other = IO::Socket::UNIX->new(Local => $socket, Type => SOCK_DGRAM);
	refused('a socket of another kind',
	    qr/cannot listen on \Q$socket\E: what is there: Protocol wrong type for socket$/m);
	$other->close;
	unlink $socket;
	my $pid = spawn();
	ok(Scratch::wait_for(60, sub { owner($socket) == $pid }),
	    'without them it starts');
	my @locks = stat "$socket.lock";
	is(sprintf('%o %s', $locks[2] & 07777, scalar getpwuid $locks[4]),
	    '600 nobody', 'the lock is its user\'s alone');
	is(Scratch::stop($pid, 'TERM', 60), 0, 'and stops');
}

done_testing;
