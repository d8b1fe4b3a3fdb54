#!/usr/bin/perl
# last_words.t - a signal that ends the milter: the line that says so, where it
# goes, and that the milter ends by this signal all the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use Milter;
use POSIX ();
use Scratch;
use Shim;
use Socket qw(SOCK_DGRAM);
use Test::More;

plan skip_all => 'a sanitizer has words of its own' if $ENV{SANITIZED};

my $scratch = Scratch->new;
my %internet = (internet => <<'END');
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
END
my ($version) = Scratch::slurp_command(Milter::program('connector-milter'),
	'-V') =~ /^connector-milter (\S+)/;
my $says = "connector-milter: version $version dies of signal";
my $number = 0;

sub milter
{
	my (%option) = @_;
	return Milter->new($scratch, name => 'm' . ++$number,
		connectors => {%internet}, %option);
}

sub start
{
	my $milter = milter(@_);
	$milter->start;
	# It is ready before its log says so.
	$milter->wait_log(qr/ listens on /);
	return $milter;
}

# That it ends by that signal, and that of what it logged from its start on the
# last line is this.
sub dies
{
	my ($what, $milter, $signal, $line) = @_;
	my $status = Scratch::reap(delete $milter->{pid}, 60);
	is($status, $signal, "$what: the wait status is signal $signal");
	my @lines = split /\n/, $milter->log;
	is(scalar @lines, 2, "$what: one line more than the start")
	    or diag($milter->log);
	ref $line ? like($lines[-1], $line, "$what: the line")
	    : is($lines[-1], $line, "$what: the line");
	return;
}

# ---- sent -------------------------------------------------------------------

# The first thread has the name of the program. What is sent is mostly given to
# it, but it is the kernel that chooses.
my $first = 'connector-milte';
my $some = qr/thread [a-z-]+/;
my @signals = map { [$_, POSIX->can("SIG$_")->()] }
    qw(SEGV BUS ILL FPE ABRT);

for my $case (@signals) {
	my ($name, $signal) = @$case;
	my $milter = start();
	$milter->signal($name);
	dies("kill -$name", $milter, $signal,
		qr/^\Q$says $signal (SIG$name), sent by process $$,\E $some$/);
}

# ---- to syslog --------------------------------------------------------------

# /dev/log is somewhere else; descriptor 2 may be a pipe that nobody reads.
my $elsewhere = Shim::library($scratch, 'elsewhere', <<'END');
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int
connect(int fd, const struct sockaddr *to, socklen_t len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (to->sa_family != AF_UNIX ||
	    strcmp(((const struct sockaddr_un *)to)->sun_path, "/dev/log") != 0)
		return REAL(connect)(fd, to, len);
	strcpy(un.sun_path, getenv("SYSLOG_AT"));
	return REAL(connect)(fd, (struct sockaddr *)&un, sizeof(un));
}
END

sub hear
{
	my ($socket) = @_;
	my $last = 'silence';
	while (IO::Select->new($socket)->can_read(0)) {
		recv $socket, $last, 4096, 0;
	}
	return $last;
}

my $path = $scratch->path('syslog');
my $syslog = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path)
    or die "$path: $!\n";
chmod 0777, $path;
local $ENV{SYSLOG_AT} = $path;
{
	local $ENV{LD_PRELOAD} = $elsewhere;
	my $milter = start(milter => "syslog_facility = local3\n");
	my $pid = $milter->pid;
	my $words = "version $version dies of signal 6 (SIGABRT), sent by "
	    . "process $$,";
	$milter->signal('ABRT');
	dies('with a syslog', $milter, POSIX::SIGABRT(),
		qr/^connector-milter: \Q$words\E $some$/);
	my $head = '<' . (19 * 8 + 2) . ">connector-milter[$pid]: ";
	like(hear($syslog), qr/^\Q$head$words\E $some\z/,
		'with a syslog: facility, level, process and line');
}
{
	local $ENV{LD_PRELOAD} = $elsewhere;
	local $ENV{JOURNAL_STREAM} = '1:2';
	my $log = $scratch->path('journal.log');
	my $milter = milter();
	my $pid = Scratch::spawn({ err => $log }, $milter->command);
	ok(Scratch::wait_for(60, sub { $milter->answers }),
		'with the journal: it is up');
	kill 'SEGV', $pid;
	is(Scratch::reap($pid, 60), POSIX::SIGSEGV(),
		'with the journal: the wait status is signal 11');
	like(Scratch::slurp($log),
		qr/^\Q$says 11 (SIGSEGV), sent by process $$,\E $some\n\z/,
		'with the journal: standard error');
	is(hear($syslog), 'silence', 'with the journal: not to syslog as well');
}

# ---- of its own -------------------------------------------------------------

# What happens on the thread that accepts, or on that of the log.
my $faulty = Shim::library($scratch, 'faulty', <<'END');
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int
deep(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = *above;
	return deep(frame) + frame[0];
}

static void
fault(const char *where)
{
	const char *how = getenv("FAULT");

	if (access(getenv("NOW"), F_OK) != 0 || strcmp(getenv("AT"), where) != 0)
		return;
	if (strcmp(how, "null") == 0)
		*(volatile int *)0x10 = 1;
	if (strcmp(how, "deep") == 0)
		deep((volatile char *)how);
	if (strcmp(how, "trap") == 0)
		__builtin_trap();
	if (strcmp(how, "bus") == 0)
		*(volatile char *)mmap((void *)0x7770000000, 4096, PROT_READ,
		    MAP_SHARED, memfd_create("", 0), 0);
	if (strcmp(how, "abort") == 0)
		abort();
}

int
accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	fault("accept");
	return REAL(accept4)(fd, peer, len, flags);
}

/* Either may be what syslog(3) is. */
void
syslog(int priority, const char *format, ...)
{
	fault("log");
}

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	fault("log");
}
END
for my $case (
	['null', 'accept', 11, 'SIGSEGV', 'address 0x10'],
	['null', 'log', 11, 'SIGSEGV', 'address 0x10'],
	['bus', 'accept', 7, 'SIGBUS', 'address 0x[0-9a-f]+000'],
	['deep', 'accept', 11, 'SIGSEGV', 'address 0x[0-9a-f]{6,}'],
	['trap', 'accept', 4, 'SIGILL', 'address 0x[0-9a-f]{6,}'],
	['abort', 'accept', 6, 'SIGABRT', undef],
	['abort', 'log', 6, 'SIGABRT', undef],
) {
	my ($how, $at, $signal, $name, $where) = @$case;
	my $what = "$how at $at";
	my $now = $scratch->path("now.$number");
	local @ENV{qw(LD_PRELOAD FAULT AT NOW)} = ($faulty, $how, $at, $now);
	my $milter = start();
	my $pid = $milter->pid;
	open my $flag, '>', $now or die "$now: $!\n";
	close $flag;
	$at eq 'log' ? $milter->signal('HUP') : $milter->answers;
	my $thread = $at eq 'log' ? 'log' : $first;
	my $told = $where // "sent by process $pid";
	dies($what, $milter, $signal,
		qr/^\Q$says\E $signal \($name\), $told, thread $thread$/);
}

# ---- who reads nothing ------------------------------------------------------

{
	my $fifo = $scratch->path('fifo');
	POSIX::mkfifo($fifo, 0666) or die "$fifo: $!\n";
	sysopen my $reader, $fifo, POSIX::O_RDWR() | POSIX::O_NONBLOCK()
	    or die "$fifo: $!\n";
	my $milter = milter(log => $fifo);
	$milter->start;
	1 while syswrite $reader, 'x' x 4096;
	1 while syswrite $reader, 'x';
	$milter->signal('SEGV');
	is(Scratch::reap(delete $milter->{pid}, 60), POSIX::SIGSEGV(),
		'a pipe that is full keeps it from nothing');
}

done_testing;
