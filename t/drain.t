#!/usr/bin/perl
# drain.t - a stop by SIGTERM: transactions that have begun end first, nothing
# new begins, and it does not wait for ever. By the wire, and behind a Postfix.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use IO::Socket::UNIX;
use Milter;
use Play;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $play = Play->new(listeners => { mx => {} });
my $scratch = $play->scratch;
my @net = (client => '203.0.113.9', name => 'mx.client.test');
my $at_connect = '451 4.7.1 Service unavailable - try again later';
my $service = '421 4.3.2 Service not available';
my $port = $play->port('mx');
my $number = 0;

sub milter
{
	my (%option) = @_;
	my $name = 'm' . ++$number;
	my $control = $scratch->path("$name.run/control.sock");
	my $milter = Milter->new($scratch, name => $name,
		milter => "control_socket = $control\n",
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { internet => <<"END" }, %option);
bindings          = 0.0.0.0:25, 0.0.0.0:$port
remote_ip_ranges  = 0.0.0.0/0
permission_groups = anonymous_users
max_inbound_connection_per_source            = unlimited
max_inbound_connection_percentage_per_source = 100
END
	$milter->start;
	return $milter;
}

sub ctl
{
	my ($milter, @words) = @_;
	return Scratch::slurp_command(Milter::program('connectorctl'), @words,
		'--config', $milter->config);
}

sub status
{
	my ($milter) = @_;
	return $milter->status;
}

sub transactions
{
	my ($milter) = @_;
	return status($milter)->{sessions}{transactions};
}

# A session behind EHLO, and one behind RCPT.
sub idle
{
	my ($milter) = @_;
	my $wire = begin($milter);
	$wire->connect(@net);
	$wire->helo('mx.client.test');
	return $wire;
}

sub busy
{
	my ($milter) = @_;
	my $wire = idle($milter);
	$wire->mail('<ada@sender.example>');
	$wire->rcpt('<alice@example.com>');
	return $wire;
}

sub said
{
	my ($answer) = @_;
	return $answer->{reply} // $answer->{verdict};
}

# Tells it to stop, and waits until it has begun to: that line of the log.
sub stop_begins
{
	my ($milter, $signal) = @_;
	$milter->signal($signal // 'TERM');
	return $milter->wait_log(qr/^stopping: transactions open/);
}

# The wait status, and how long it took.
sub ended
{
	my ($milter, $seconds) = @_;
	my $start = time;
	my $status = Scratch::reap($milter->pid, $seconds) // 'runs';
	return ($status, time - $start);
}

# The lines of a stop, once it is over.
sub stop_lines
{
	my ($milter) = @_;
	return grep { /^stopp/ } map { s/^connector-milter: //r }
	    split /\n/, $milter->log;
}

# ---- who never ends: looked at when all else is done ------------------------

my $endless = milter();
my $stuck = busy($endless);
$stuck->data;
$stuck->header('Subject', 'x');
my $endless_began = time;
is(stop_begins($endless), 'stopping: transactions open: 1, sessions: 1',
    'a client that never ends its message: the stop begins');

# ---- what is counted --------------------------------------------------------

subtest 'transactions are counted' => sub {
	my $milter = milter();
	is(transactions($milter), 0, 'none at the start');
	my $wire = idle($milter);
	is(transactions($milter), 0, 'none at EHLO');
	$wire->mail('<not an address>');
	is(transactions($milter), 0, 'none at a MAIL that is refused');
	$wire->mail('<ada@sender.example>');
	is(transactions($milter), 1, 'one at MAIL');
	$wire->mail('<ada@sender.example>');
	is(transactions($milter), 1, 'one at another MAIL without RSET');
	$wire->mail('<not an address>');
	is(transactions($milter), 0, 'none when that is refused');
	$wire->mail('<ada@sender.example>');
	$wire->abort;
	ok(Scratch::wait_for(60, sub { transactions($milter) == 0 }),
	    'none after RSET');
	$wire->abort;
	$wire->mail('<ada@sender.example>');
	$wire->helo('mx.client.test');
	is(transactions($milter), 0, 'none after EHLO');
	$wire->mail('<ada@sender.example>');
	$wire->rcpt('<x@foreign.example>');
	is(transactions($milter), 1, 'one without a recipient');
	is(said($wire->message), '451 4.3.0 Cannot decide now, please try again '
	    . 'later [connector -, rule internal]', 'whose message is refused');
	is(transactions($milter), 0, 'none after the refused message');
	$wire->mail('<ada@sender.example>');
	$wire->rcpt('<alice@example.com>');
	is(said($wire->message), 'continue', 'a message is accepted');
	is(transactions($milter), 0, 'none after it');
	$wire->abort;
	is(transactions($milter), 0, 'nor after the RSET that follows it');
	$wire->send_frame('E');
	is($wire->answer(2)->{verdict}, 'timeout', 'a second end of it');
	is(transactions($milter), 0, 'none after that');
	my @wires = map { busy($milter) } 1 .. 5;
	is(transactions($milter), 5, 'five in five sessions');
	$_->close for @wires;
	ok(Scratch::wait_for(60, sub { transactions($milter) == 0 }),
	    'none when they have hung up');
	my $local = begin($milter);
	$local->connect(client => '127.0.0.1', host => 'localhost', port => 0,
		listener_port => 0);
	$local->mail('<ada@sender.example>');
	is(transactions($milter), 1, 'local mail counts');
	$local->rcpt('<alice@example.com>');
	is(said($local->message), 'continue', 'and is accepted');
	is(transactions($milter), 0, 'none after it');
	$local->mail('<ada@sender.example>');
	$local->close;
	ok(Scratch::wait_for(60, sub { transactions($milter) == 0 }),
	    'none when it hangs up');
	is($milter->stop, 0, 'it stops');
};

# ---- stops ------------------------------------------------------------------

subtest 'idle' => sub {
	my $milter = milter();
	my @took;
	# The machine has other things to do now and then.
	for (1 .. 3) {
		my $wires = [map { idle($milter) } 1 .. 3];
		my $start = time;
		is($milter->stop, 0, 'exit status');
		push @took, time - $start;
		is_deeply([stop_lines($milter)],
		    ['stopping: transactions open: 0, sessions: 3', 'stopped'],
		    'what the log says');
		last if $took[-1] < 2;
		$milter = milter();
	}
	cmp_ok($took[-1], '<', 2, join ', ', 'at once',
	    map { sprintf '%.0f ms', $_ * 1000 } @took);
};

subtest 'a transaction goes on, and nothing begins' => sub {
	my $milter = milter();
	my $idle = idle($milter);
	my $silent = begin($milter);
	my $local = begin($milter);
	$local->connect(client => '127.0.0.1', host => 'localhost', port => 0,
		listener_port => 0);
	my $busy = busy($milter);
	my $aborted = busy($milter);
	$milter->clear_log;
	Scratch::wait_for(60, sub { status($milter)->{sessions}{open} == 4 });
	is(stop_begins($milter), 'stopping: transactions open: 2, sessions: 4',
	    'the stop begins');
	is(said($silent->connect(@net)), 'tempfail',
	    'a session from before it: connect');
	my $new = begin($milter);
	is(said($new->connect(@net)), 'tempfail', 'a new one: connect');
	is(said($idle->mail('<ada@sender.example>')), "$service "
	    . '[connector internet, rule admission]', 'an old one: MAIL');
	is(said($idle->mail('<ada@sender.example>')), "$service "
	    . '[connector internet, rule admission]', 'again: MAIL');
	is(said($idle->helo('mx.client.test')), 'continue', 'EHLO');
	is(said($local->mail('<ada@sender.example>')), "$service "
	    . '[connector -, rule admission]', 'local mail: MAIL');
	my ($line) = grep { /client=mx\.client.* reply="421/ } $milter->lines;
	like($line, qr/ connector=internet .* stage=connect verdict=tempfail rule=admission reply="\Q$service\E /,
	    'a line of the log');
	my $status = status($milter);
	ok($status->{draining} && $status->{stopping}, 'the status says so');
	is($status->{sessions}{transactions}, 2, 'and how many are left');
	like(ctl($milter, 'status'),
	    qr/^sessions       \d of 5000, 0 turned away; stopping, transactions left: 2$/m,
	    'for people, too');
	is((grep { $_->{rule} eq 'admission' }
	    grep { defined $_->{rule} } @{ $status->{verdicts} })[0]{count}, 5,
	    'all five refusals are counted');
	ctl($milter, qw(drain off));
	is(said(begin($milter)->connect(@net)), 'tempfail',
	    'nobody turns that off');
	my $err = $scratch->path('reload.err');
	my $reload = Scratch::reap(Scratch::spawn({ err => $err },
		Milter::program('connectorctl'), 'reload', '--config',
		$milter->config), 10);
	is($reload, 78 << 8, 'it does not reload any more');
	like(Scratch::slurp($err), qr/^error: the milter is stopping$/m,
	    'and says why');
	$milter->signal('USR2');
	is(said($busy->rcpt('<bob@example.com>')), 'continue',
	    'the transaction: another RCPT');
	is(said($busy->rcpt('<x@foreign.example>')), '550 5.7.54 SMTP; Unable '
	    . 'to relay recipient in non-accepted domain [connector internet, '
	    . 'rule relay]', '... a bad RCPT');
	$aborted->abort;
	ok(Scratch::wait_for(60, sub { transactions($milter) == 1 }),
	    'the other one ends by RSET');
	is(said($busy->message), 'continue', '... its message');
	my ($exit, $took) = ended($milter, 60);
	is($exit, 0, 'exit status');
	cmp_ok($took, '<', 3, sprintf 'soon: %.0f ms', $took * 1000);
	is_deeply([stop_lines($milter)], [
		'stopping: transactions open: 2, sessions: 4',
		'stopping: all transactions have ended', 'stopped',
	], 'what the log says');
	is(scalar(() = $milter->log =~ / stage=eom verdict=accept /g), 1,
	    'and one message was accepted');
	ok(!-e $milter->socket =~ s/^unix://r, 'the socket is gone');
	is_deeply([glob $milter->socket =~ s{^unix:(.*)/.*}{$1/*}r], [],
	    'nothing is left in its folder');
};

subtest 'refusals that are held back go out first' => sub {
	my $milter = milter(defaults => "tarpit_interval = 8s\n");
	my $wire = busy($milter);
	$wire->{rcpt} = { addr => 'x@foreign.example', mailer => 'smtp' };
	$wire->_send_macros('R');
	$wire->send_frame('R', "<x\@foreign.example>\0");
	my $start = time;
	ok(Scratch::wait_for(60, sub { status($milter)->{tarpit}{held} == 1 }),
	    'it is held back');
	stop_begins($milter);
	like(said($wire->answer), qr/^550 5\.7\.54 /, 'the refusal');
	cmp_ok(time - $start, '<', 8, 'before its time');
	is(said($wire->rcpt('<alice@example.com>')), 'continue',
	    'its transaction goes on');
	like(said($wire->rcpt('<x@foreign.example>')), qr/^550 5\.7\.54 /,
	    'and nothing is held back any more');
	is(said($wire->message), 'continue', 'the message is accepted');
	is((ended($milter, 60))[0], 0, 'exit status');
};

for my $signal (qw(TERM INT)) {
	subtest "a second signal, $signal" => sub {
		my $milter = milter();
		my $wire = busy($milter);
		stop_begins($milter, $signal);
		sleep 0.5;
		is((ended($milter, 0))[0], 'runs', 'it waits');
		$milter->signal($signal);
		my ($exit, $took) = ended($milter, 60);
		is($exit, 0, 'and does not any more: exit status');
		cmp_ok($took, '<', 15, sprintf 'at once: %.0f ms', $took * 1000);
		is_deeply([stop_lines($milter)], [
			'stopping: transactions open: 1, sessions: 1',
			'stopping: transactions cut off: 1, told to stop at '
			. 'once', 'stopped',
		], 'what the log says');
		is(said($wire->rcpt('<bob@example.com>')), 'closed',
		    'the MTA sees it');
	};
}

# Everything is answered that was decided, however many end at the same time and
# however long writing takes.
my $slow = Shim::library($scratch, 'slow', <<'END');
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

long
syscall(long number, ...)
{
	long args[6];
	va_list rest;

	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(rest, long);
	va_end(rest);
	if (number == SYS_writev)
		usleep(20000);
	return REAL(syscall)(number, args[0], args[1], args[2], args[3],
	    args[4], args[5]);
}
END

subtest 'the last answers' => sub {
	my ($sessions, $rounds) = (20, $ENV{LONG} ? 50 : 4);
	my ($accepted, $answered) = (0, 0);
	local $ENV{LD_PRELOAD} = $slow;
	for (1 .. $rounds) {
		my $milter = milter();
		my @wires = map { busy($milter) } 1 .. $sessions;
		for my $wire (@wires) {
			$wire->data;
			$wire->eoh;
		}
		stop_begins($milter);
		$_->_send_macros('E') for @wires;
		$_->send_frame('E') for @wires;
		$answered += grep { said($_->answer) eq 'continue' } @wires;
		is((ended($milter, 60))[0], 0, 'exit status');
		$accepted += () = $milter->log =~ / stage=eom verdict=accept /g;
	}
	is($accepted, $sessions * $rounds, "$accepted accepted by the log");
	is($answered, $accepted, "$answered of them answered");
};

# A session that begins while libmilter's pool ends finds what is gone: with
# luck libmilter sleeps for a second then, and else for ever. The library makes
# it begin slowly, and tells of the sleep.
my $late = Shim::library($scratch, 'late', <<'END');
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
tell(const char *variable)
{
	close((int)syscall(SYS_openat, AT_FDCWD, getenv(variable),
	    O_CREAT | O_WRONLY, 0600));
}

int
setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET && option == SO_KEEPALIVE
	    && access(getenv("LATE"), F_OK) == 0) {
		tell("BEGUN");
		usleep(1000000);
	}
	return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

unsigned
sleep(unsigned seconds)
{
	tell("SLEPT");
	usleep(seconds * 1000000);
	return 0;
}
END
subtest 'a session that begins during a stop' => sub {
	my $folder = $scratch->folder('late');
	chmod 0777, $folder;
	my %flag = map { $_ => "$folder/$_" } qw(LATE BEGUN SLEPT);
	local @ENV{ 'LD_PRELOAD', keys %flag } = ($late, values %flag);
	my $milter = milter();
	my $idle = idle($milter);
	$scratch->write('late/LATE', '');
	my $new = Wire->new($milter->socket);
	ok(Scratch::wait_for(60, sub { -e $flag{BEGUN} }), 'it begins');
	unlink $flag{LATE};
	stop_begins($milter);
	sleep 0.7;
	# So the pool looks up, and ends if it may.
	$idle->close;
	my ($exit, $took) = ended($milter, 60);
	is($exit, 0, sprintf 'exit status, after %.1f s', $took);
	ok(!-e $flag{SLEPT}, 'libmilter did not have to sleep over it');
};

# libmilter's listener never comes back from where it is: the process ends all
# the same, and says so.
my $stuck_library = Shim::library($scratch, 'stuck', <<'END');
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int
accept4(int fd, __SOCKADDR_ARG peer, socklen_t *restrict len, int flags)
{
	while (access(getenv("STUCK"), F_OK) == 0) {
		close((int)syscall(SYS_openat, AT_FDCWD, getenv("BEGUN"),
		    O_CREAT | O_WRONLY, 0600));
		usleep(20000);
	}
	return REAL(accept4)(fd, peer, len, flags);
}
END
subtest 'libmilter does not end' => sub {
	my $folder = $scratch->folder('stuck');
	chmod 0777, $folder;
	my %flag = map { $_ => "$folder/$_" } qw(STUCK BEGUN);
	local @ENV{ 'LD_PRELOAD', keys %flag } =
	    ($stuck_library, values %flag);
	my $milter = milter();
	my $idle = idle($milter);
	$scratch->write('stuck/STUCK', '');
	my $new = IO::Socket::UNIX->new(Peer => $milter->socket =~ s/^unix://r);
	ok(Scratch::wait_for(60, sub { -e $flag{BEGUN} }), 'it is stuck');
	stop_begins($milter);
	my ($exit, $took) = ended($milter, 120);
	is($exit, 70 << 8, sprintf 'exit status, after %.1f s', $took);
	Scratch::stop($milter->pid, 'KILL', 60) if $exit eq 'runs';
	is_deeply([(split /\n/, $milter->log)[-2, -1]], [
		'connector-milter: libmilter does not end: left behind',
		'connector-milter: stopped',
	], 'what the log says');
	is_deeply([glob $milter->socket =~ s{^unix:(.*)/.*}{$1/*}r], [],
	    'nothing is left in its folder');
};

subtest 'connections that were turned away' => sub {
	my $control = $scratch->path('m' . ($number + 1) . '.run/control.sock');
	my $milter = milter(milter => "control_socket = $control\n"
		. "max_sessions = 1\n");
	my $path = $milter->socket =~ s/^unix://r;
	my @peers = map { IO::Socket::UNIX->new(Peer => $path) } 1 .. 90;
	ok(Scratch::wait_for(60, sub {
		status($milter)->{sessions}{turned_away} > 5 }), 'there are');
	my $count = status($milter)->{sessions}{turned_away};
	is($milter->stop, 0, 'it stops');
	my ($said) = grep { /turned away since/ } stop_lines($milter);
	like($said // '', qr/^stopping: connections turned away since the start: \d+$/,
	    'the log says how many');
	cmp_ok(($said // '0') =~ s/\D//gr, '>=', $count, "no less than $count");
};

# ---- behind a Postfix -------------------------------------------------------

subtest 'behind a Postfix' => sub {
	my $milter = milter();
	$play->raise($milter);
	my $outside = '203.0.113.9';
	my $idle = $play->client('mx', $outside);
	my $busy = $play->client('mx', $outside);
	is($busy->mail('ada@sender.example'), '250 2.1.0 Ok', 'MAIL, alive');
	is(stop_begins($milter), 'stopping: transactions open: 1, sessions: 2',
	    'the stop begins');
	is($idle->mail('ada@sender.example'), "$service [connector internet, "
	    . 'rule admission]', 'an old session: MAIL');
	is($play->client('mx', $outside)->mail('ada@sender.example'),
	    $at_connect, 'a new session: MAIL');
	is($busy->rcpt('alice@example.com'), '250 2.1.5 Ok', 'RCPT');
	like($busy->message("Subject: one\n\ntext\n"), qr/^250 2\.0\.0 /,
	    'the message is accepted');
	is((ended($milter, 60))[0], 0, 'exit status');
	is_deeply($play->arrived_for, ['alice@example.com'], 'it arrived');
	like($busy->mail('ada@sender.example'), qr/^451 4\.7\.1 /,
	    'the next one is deferred');
	$milter->start;
	like($play->client('mx', $outside)->deliver('ada@sender.example',
	    ['alice@example.com'], "Subject: two\n\ntext\n"), qr/^250 2\.0\.0 /,
	    'started again, it goes on');
	is($milter->stop, 0, 'it stops');
};

# ---- the end of the endless -------------------------------------------------

my ($exit) = ended($endless, 60);
my $took = time - $endless_began;
is($exit, 0, 'a client that never ends its message: exit status');
my $bound = (stat $endless->{log})[9] - $endless_began;
cmp_ok($bound, '>=', 18, sprintf 'not before 20 seconds: %.1f s', $bound);
cmp_ok($bound, '<=', 35, 'nor long after');
is_deeply([stop_lines($endless)], [
	'stopping: transactions open: 1, sessions: 1',
	'stopping: transactions cut off: 1, they had 20 seconds', 'stopped',
], 'what the log says');
is(said($stuck->eom), 'closed', 'the MTA sees it');

done_testing;
