#!/usr/bin/perl
# fault_calls.t - calls of the system, of the C library and of libmilter fail
# while the milter is at work: what has to be refused is never accepted, nothing
# falls over, and when it is over all is as before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Milter;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

my $scratch = Scratch->new;
my $rounds = $ENV{LONG} ? 30 : 2;

# ---- a library that fails when a file says so -------------------------------

# The calls, in the order of their places in the file, and what each says when
# it fails; the places hold what to do, a number, and how often it was done.
my @calls = qw(read write writev accept4 poll pthread_create open openat
	fstat malloc calloc realloc smfi_setreply smfi_chgheader smfi_insheader
	smfi_setpriv smfi_setsymlist smfi_getsymval);
# The sanitizers have an allocator of their own.
@calls = grep { !/alloc/ } @calls if $ENV{SANITIZED};
my %place;
@place{@calls} = 0 .. $#calls;
my %does = (nothing => 0, nth => 1, all => 2, some => 3);

my $shim = Shim::library($scratch, 'faults',
	($ENV{SANITIZED} ? "#define SANITIZED\n" : '')
	. "enum { @{[ join ', ', map { qq{AT_$_} } @calls ]} };\n" . <<'END');
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile struct place {
	uint32_t does, number, done;
} *places;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd != -1)
		close(fd);
	if (map != MAP_FAILED)
		places = map;
}

/* One in number, in the same order each time. */
static int
by_chance(uint32_t number)
{
	static _Atomic uint32_t seed = 20261122;
	uint32_t next = seed * 1664525u + 1013904223u;

	seed = next;
	return (next >> 8) % number == 0;
}

static int
strikes(int call)
{
	volatile struct place *p = places != NULL ? &places[call] : NULL;
	int hit = 0;

	if (p == NULL || p->does == 0)
		return 0;
	if (p->does == 1)
		hit = p->number > 0 &&
		    __atomic_fetch_sub(&p->number, 1, __ATOMIC_SEQ_CST) == 1;
	else
		hit = p->does == 2 || by_chance(p->number);
	if (hit)
		__atomic_fetch_add(&p->done, 1, __ATOMIC_SEQ_CST);
	return hit;
}

#define FAILS(name, error, result) \
	if (strikes(AT_##name)) { \
		errno = error; \
		return result; \
	}

ssize_t
read(int fd, void *bytes, size_t len)
{
	FAILS(read, EIO, -1)
	return REAL(read)(fd, bytes, len);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	FAILS(write, EPIPE, -1)
	return REAL(write)(fd, bytes, len);
}

/* The milter has a writev of its own. */
long
syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_writev)
		FAILS(writev, EPIPE, -1)
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	FAILS(accept4, EMFILE, -1)
	return REAL(accept4)(fd, peer, len, flags);
}

int
poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
	FAILS(poll, ENOMEM, -1)
	return REAL(poll)(fds, count, milliseconds);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *how,
    void *(*work)(void *), void *arg)
{
	if (strikes(AT_pthread_create))
		return EAGAIN;
	return REAL(pthread_create)(thread, how, work, arg);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	FAILS(open, EMFILE, -1)
	return REAL(open)(path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	FAILS(openat, EMFILE, -1)
	return REAL(openat)(folder, path, flags, mode);
}

int
fstat(int fd, struct stat *status)
{
	FAILS(fstat, EIO, -1)
	return REAL(fstat)(fd, status);
}

#ifndef SANITIZED

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *
malloc(size_t size)
{
	FAILS(malloc, ENOMEM, NULL)
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	FAILS(calloc, ENOMEM, NULL)
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	FAILS(realloc, ENOMEM, NULL)
	return __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	return realloc(old, count * size);
}

#endif

extern int smfi_setreply(void *, char *, char *, char *);
extern int smfi_chgheader(void *, char *, int, char *);
extern int smfi_insheader(void *, int, char *, char *);
extern int smfi_setpriv(void *, void *);
extern int smfi_setsymlist(void *, int, char *);
extern char *smfi_getsymval(void *, char *);

int
smfi_setreply(void *ctx, char *code, char *dsn, char *text)
{
	FAILS(smfi_setreply, 0, -1)
	return REAL(smfi_setreply)(ctx, code, dsn, text);
}

int
smfi_chgheader(void *ctx, char *name, int index, char *value)
{
	FAILS(smfi_chgheader, 0, -1)
	return REAL(smfi_chgheader)(ctx, name, index, value);
}

int
smfi_insheader(void *ctx, int index, char *name, char *value)
{
	FAILS(smfi_insheader, 0, -1)
	return REAL(smfi_insheader)(ctx, index, name, value);
}

int
smfi_setpriv(void *ctx, void *data)
{
	FAILS(smfi_setpriv, 0, -1)
	return REAL(smfi_setpriv)(ctx, data);
}

int
smfi_setsymlist(void *ctx, int stage, char *names)
{
	FAILS(smfi_setsymlist, 0, -1)
	return REAL(smfi_setsymlist)(ctx, stage, names);
}

char *
smfi_getsymval(void *ctx, char *name)
{
	FAILS(smfi_getsymval, 0, NULL)
	return REAL(smfi_getsymval)(ctx, name);
}
END

my $file = $scratch->write('places', "\0" x 4096, 0666);

sub fail_call
{
	my ($call, $what, $number) = @_;
	open my $out, '+<:raw', $file or die "$file: $!\n";
	seek $out, 12 * $place{$call}, 0;
	syswrite $out, pack 'L3', $does{$what}, $number // 0, 0;
	return close $out;
}

# How often it has failed.
sub failed
{
	my ($call) = @_;
	return unpack 'x8 L', substr Scratch::slurp($file),
	    12 * $place{$call}, 12;
}

# ---- the milter, and what it answers ----------------------------------------

my $logs = $scratch->folder('protocol', 0777);
my $milter = Milter->new($scratch, main => <<"END_MAIN", connectors => {
[organization]
accepted_domains = example.com
[directory]
recipients = recipients
[protocol_log]
directory = $logs
END_MAIN
	internet => <<'END_INTERNET', users => <<'END_USERS',
usage = internet
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
check_header_from = yes
stamp = yes
protocol_logging_level = verbose
END_INTERNET
usage = client
bindings = 0.0.0.0:587
remote_ip_ranges = 10.0.0.0/8
END_USERS
	slow => <<'END_SLOW' });
usage = internet
bindings = 0.0.0.0:25
remote_ip_ranges = 198.51.100.0/24
tarpit_interval = 1s
END_SLOW
$scratch->write('milter/recipients', "alice\@example.com\n");

sub start
{
	local @ENV{qw(LD_PRELOAD FAULTS)} = ($shim, $file);
	return $milter->start;
}

my @inside = (client => '203.0.113.9', name => 'mx.client.test');
my @users = (client => '10.1.2.3', listener_port => 587);

# name, then connection, sender, recipient, header; all of them but the first
# have to be refused.
my @sessions = (
	['allowed', \@inside, 'x@client.test', 'alice@example.com',
		[['From', 'x@client.test'], ['X-Connector-Name', 'forged'],
		['X-Connector-AuthAs', 'Internal']]],
	['relay', \@inside, 'x@client.test', 'x@foreign.test', []],
	['spoofed sender', \@inside, 'boss@example.com', 'alice@example.com',
		[]],
	['spoofed author', \@inside, 'x@client.test', 'alice@example.com',
		[['From', 'Boss <boss@example.com>']]],
	['unknown recipient', \@inside, 'x@client.test', 'bob@example.com', []],
	['no login', \@users, 'x@client.test', 'x@foreign.test', []],
	['no connector', [client => '192.0.2.9'], 'x@client.test',
		'alice@example.com', []],
);

# The word of the last answer, and what became of the header.
sub play
{
	my ($session, $timeout) = @_;
	my (undef, $from, $sender, $recipient, $header) = @$session;
	my $wire = Wire->new($milter->socket, timeout => $timeout // 10)
	    or return 'closed';
	$wire->negotiate or return 'closed';
	my $answer;
	for my $step (sub { $wire->connect(@$from) },
		sub { $wire->helo('mx.client.test') },
		sub { $wire->mail("<$sender>") },
		sub { $wire->rcpt("<$recipient>") },
		sub { $wire->message($header) }) {
		$answer = $step->();
		last if $answer->{verdict} ne 'continue';
	}
	$wire->quit;
	return join ' ', $answer->{verdict}, map {
		join ':', map { $_ // '' } @$_{qw(command index name value)}
	} @{ $answer->{edits} // [] };
}

my %want;

# What is wrong with the answer while something fails; or nothing.
sub complaint
{
	my ($session) = @_;
	my $name = $session->[0];
	my $got = play($session, 0.5);
	# An MTA that does not tell its name gets no field with it.
	my $nameless = $want{$name} =~ s/ i:\d+:X-Connector-AuthSource:\S*//r;
	return if $got eq $want{$name} || $got eq $nameless
	    || $got =~ /^(?:tempfail|closed|timeout)/;
	return if $name ne 'allowed' && $got =~ /^reject/;
	return "$name: $got";
}

sub all_as_before
{
	return !grep { play($_, 2) ne $want{ $_->[0] } } @sessions;
}

sub lives
{
	return !defined Scratch::reap($milter->pid, 0);
}

# ---- one after the other ----------------------------------------------------

start();
$want{ $_->[0] } = play($_) for @sessions;
like $want{allowed}, qr/^continue m:1:X-Connector-(?:Name|AuthAs): /,
    'what is allowed is accepted, without forged fields';
is join(' ', map { (split / /, $want{ $_->[0] })[0] } @sessions),
    'continue reject reject reject reject reject tempfail',
    'and nothing else is';

my $sessions = 0;

# Clients that wait for a refusal: each keeps one of libmilter's threads, and
# the next needs a new one.
sub crowd
{
	my @waiting;
	for my $number (1 .. 8) {
		my $wire = Wire->new($milter->socket, timeout => 1) or next;
		$wire->negotiate or next;
		$wire->connect(client => "198.51.100.$number");
		$wire->helo('mx.client.test');
		$wire->send_frame('M', "<boss\@example.com>\0");
		push @waiting, $wire;
	}
	return @waiting;
}

# A fault, some sessions, a reload between, and the end of the fault.
sub suffer
{
	my ($call, @how) = @_;
	my $what = "$call fails, " . join ' ', @how;
	my $began = time;
	my @wrong;
	my $times = 0;
	for my $round (1 .. $rounds) {
		# Who does not answer for a minute is the watchdog's.
		last if time - $began > 30;
		$times += failed($call);
		fail_call($call, @how);
		my @crowd = $call eq 'pthread_create' ? crowd() : ();
		push @wrong, map { complaint($_) } @sessions;
		$milter->signal('USR1') if $round % 2 == 1;
		$sessions += @sessions;
	}
	$times += failed($call);
	fail_call($call, 'nothing');
	my $ended = time;
	is "@wrong", '', "$what: nothing is permitted, $times times"
	    or diag $milter->log;
	my $back = Scratch::wait_for(5, \&all_as_before);
	my $seconds = sprintf '%.1f', time - $ended;
	my $lives = lives();
	ok $lives, "$what: it lives";
	ok $back, "$what: and all is as before, $seconds s later";
	diag sprintf '%s: %.1f s', $what, time - $began if $ENV{LONG};
	return if $lives;
	diag $milter->log;
	return start();
}

my @nth = $ENV{LONG} ? (1, 3, 10) : 2;

for my $call (@calls) {
	suffer($call, 'nth', $_) for @nth;
	suffer($call, 'some', 5);
	suffer($call, 'all');
}
diag "$sessions sessions under " . (@nth + 2) * @calls . ' faults';
is $milter->stop, 0, 'and it stops when asked to';

done_testing;
