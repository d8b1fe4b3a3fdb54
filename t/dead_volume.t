#!/usr/bin/perl
# dead_volume.t - the queue lies on a volume that does not answer any more, as
# one on a network does: whoever asks it hangs. The milter reloads, tells its
# status and stops all the same, and soon defers what it cannot judge. LONG=1
# waits for that. Where the configuration lies on such a volume, a reload hangs,
# and nothing else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Milter;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(sleep time);

my $scratch = Scratch->new;
my $dead = $scratch->path('dead');
my $library = Shim::library($scratch, 'volume', <<'END');
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Does not come back while the file is there that says so. */
static void
hang(void)
{
	while (access(getenv("DEAD"), F_OK) == 0)
		usleep(20000);
}

int
statvfs(const char *path, struct statvfs *volume)
{
	struct statfs from;

	hang();
	if (statfs(path, &from) != 0)
		return -1;
	*volume = (struct statvfs){ .f_bsize = (unsigned long)from.f_bsize,
		.f_frsize = (unsigned long)from.f_frsize,
		.f_blocks = from.f_blocks, .f_bfree = from.f_bfree,
		.f_bavail = from.f_bavail };
	return 0;
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list rest;
	int mode;

	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	if (path[0] == 'i' || path[0] == 'a' || path[0] == 'd')
		hang();
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}
END

my $queue = $scratch->folder('queue');
$scratch->folder("queue/$_") for qw(incoming active deferred);

# name, and what it is to look at.
my %resources = (
	free_disk => '2M 1M 2M 3M',
	queue_length => '100 200 150 50',
);

sub milter
{
	my ($resource) = @_;
	my $control = $scratch->path("$resource.run/control.sock");
	return Milter->new($scratch, name => $resource, control => $control,
		milter => "control_socket = $control\n",
		main => "[organization]\naccepted_domains = example.com\n\n"
		    . "[back_pressure]\nqueue_directory = $queue\n"
		    . "$resource = $resources{$resource}\n",
		connectors => { internet => <<'END' });
bindings          = 0.0.0.0:25
remote_ip_ranges  = 0.0.0.0/0
permission_groups = anonymous_users
END
}

sub level
{
	my ($milter) = @_;
	return $milter->status->{back_pressure}{level};
}

sub answer
{
	my ($milter) = @_;
	my $wire = begin($milter);
	$wire->connect(client => '203.0.113.9');
	$wire->helo('mx.client.test');
	my $answer = $wire->mail('<ada@sender.example>');
	$wire->close;
	return $answer->{reply} // $answer->{verdict};
}

sub die_volume
{
	$scratch->write('dead', '');
	# All that was due is read, and the next that is due hangs.
	sleep 3;
	return;
}

my $unknown = '451 4.3.0 Cannot decide now, please try again later [connector '
    . 'internet, rule back_pressure]';

for my $resource (sort keys %resources) {
	subtest "$resource of a dead volume" => sub {
		my $milter = milter($resource);
		{
			local @ENV{qw(LD_PRELOAD DEAD)} = ($library, $dead);
			$milter->start;
		}
		is(answer($milter), 'continue', 'it serves');
		is(level($milter), 'low', 'nothing is low');
		die_volume();
		for my $signal (qw(HUP USR1)) {
			my $began = time;
			like($milter->reload($signal), qr/ is in use$/,
			    "dead, it reloads by $signal");
			my $took = time - $began;
			cmp_ok($took, '<', 25, sprintf 'in %.1f s', $took);
		}
		is(scalar(() = $milter->log =~ /connector-milter\.ini:\d+: warning: .* does not answer; mail is deferred until it does$/mg),
		    $resource eq 'queue_length' ? 2 : 0,
		    'it says where it has looked in vain');
		is(level($milter), 'low', 'what was read still counts');
		is(answer($milter), 'continue', 'it serves');
		SKIP: {
			skip 'LONG=1 waits for 30 seconds', 5 unless $ENV{LONG};
			ok($milter->wait_log(qr/^back pressure: reading takes more than 30 seconds; mail is deferred$/, 45),
			    'what was read expires');
			is(level($milter), 'unknown', 'the status says so');
			is(answer($milter), $unknown, 'mail is deferred');
			$milter->reload('HUP', main => "[organization]\n"
			    . "accepted_domains = example.com\n\n"
			    . "[back_pressure]\nenabled = no\n");
			is(answer($milter), 'continue',
			    'without back pressure it is not');
			ok($milter->wait_log(qr/^back pressure: reading goes on, or is not asked for$/),
			    'which is said');
			$milter->reload('HUP', main => "[organization]\n"
			    . "accepted_domains = example.com\n\n"
			    . "[back_pressure]\nqueue_directory = $queue\n"
			    . "$resource = $resources{$resource}\n");
			ok($milter->wait_log(qr/reading takes more/),
			    'with it again, it is again');
			unlink $dead;
			ok($milter->wait_log(qr/reading goes on/, 20),
			    'alive again, it is read');
			is(answer($milter), 'continue', 'and served');
			die_volume();
		}
		my $began = time;
		is($milter->stop, 0, 'dead, it stops');
		my $took = time - $began;
		cmp_ok($took, '<', 25, sprintf 'in %.0f ms', $took * 1000);
		unlink $dead;
	};
}

# Dead at the start already: whoever starts it learns so, and soon.
for my $resource (sort keys %resources) {
	my $milter = milter($resource);
	my $err = $scratch->path("$resource.err");
	$scratch->write('dead', '');
	my $began = time;
	my $pid;
	{
		local @ENV{qw(LD_PRELOAD DEAD)} = ($library, $dead);
		$pid = Scratch::spawn({ err => $err }, $milter->command);
	}
	my $status = Scratch::reap($pid, 60) // 'runs';
	my $took = time - $began;
	unlink $dead;
	Scratch::stop($pid, 'KILL', 60) if $status eq 'runs';
	is($status, 77 << 8, "$resource, dead at the start: exit status");
	cmp_ok($took, '<', 50, sprintf '... after %.1f s', $took);
	like(Scratch::slurp($err), qr/^connector-milter: back pressure has to be measured and does not answer: not started$/m,
	    '... and what it says');
	is_deeply([glob "$1/*"], [], '... and nothing is left behind')
	    if $milter->socket =~ m{^unix:(.*)/};
}

# ---- the configuration ------------------------------------------------------

# Whoever opens a path with DEAD_PATH in it hangs likewise, and says so.
my $hung = $scratch->folder('hung', 0777) . '/hung';
my $hanging = Shim::library($scratch, 'hanging', <<'END');
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
open(const char *path, int flags, ...)
{
	va_list rest;
	int mode;

	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	while (strstr(path, getenv("DEAD_PATH")) != NULL
	    && access(getenv("DEAD"), F_OK) == 0) {
		close((int)syscall(SYS_openat, AT_FDCWD, getenv("HUNG"),
		    O_CREAT | O_WRONLY, 0600));
		usleep(20000);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
END

my $stopping = qr/^error: the milter is stopping$/m;
my $cases = 0;

# A milter whose reload hangs at such a path, and a transaction in it.
sub hanging
{
	my ($path) = @_;
	my $name = 'c' . ++$cases;
	my $control = $scratch->path("$name.run/control.sock");
	my $milter = Milter->new($scratch, name => $name,
		control => $control,
		milter => "control_socket = $control\n",
		main => "[organization]\naccepted_domains = example.com\n",
		connectors => { internet => <<'END' });
bindings          = 0.0.0.0:25
remote_ip_ranges  = @../list
permission_groups = anonymous_users
END
	$scratch->write("$name/list", "0.0.0.0/0\n");
	unlink $hung;
	{
		local @ENV{qw(LD_PRELOAD DEAD DEAD_PATH HUNG)} =
		    ($hanging, $dead, $path, $hung);
		$milter->start;
	}
	my $wire = begin($milter);
	$wire->connect(client => '203.0.113.9');
	$wire->helo('mx.client.test');
	$wire->mail('<ada@sender.example>');
	$wire->rcpt('<alice@example.com>');
	$scratch->write('dead', '');
	$milter->signal('HUP');
	ok(Scratch::wait_for(60, sub { -e $hung }), 'the reload hangs');
	return ($milter, $wire);
}

# Asks for a reload; the process, and the file for what it says.
sub ask
{
	my ($milter) = @_;
	my $err = $scratch->path('reload.err');
	unlink $err;
	return (Scratch::spawn({ err => $err },
		Milter::program('connectorctl'), 'reload', '--config',
		$milter->config), $err);
}

sub is_refused
{
	my ($what, $pid, $err) = @_;
	is(Scratch::reap($pid, 60) // 'waits', 78 << 8, "$what: exit status");
	like(Scratch::slurp($err), $stopping, "$what: what it says");
	return;
}

# The wait status, and how long it took.
sub ended
{
	my ($milter) = @_;
	my $began = time;
	my $status = Scratch::reap($milter->pid, 60) // 'runs';
	Scratch::stop($milter->pid, 'KILL', 60) if $status eq 'runs';
	return ($status, time - $began);
}

for my $case (
	['the main file', '/connector-milter.ini'],
	['the folder of connectors', '/connectors.d'],
	['a file in it', '/connectors.d/internet.ini'],
	['a file that it names', '/list'],
) {
	my ($what, $path) = @$case;
	subtest "$what on a dead volume" => sub {
		my ($milter, $wire) = hanging($path);
		is(answer($milter), 'continue', 'it serves');
		is($milter->status($milter->{control})->{sessions}{transactions}, 1,
		    'and tells its status');
		my @asked = ask($milter);
		sleep 0.3;
		$milter->signal('TERM');
		ok($milter->wait_log(qr/^stopping: transactions open: 1/),
		    'it begins to stop');
		is_refused('who waits for a reload', @asked);
		is_refused('who asks for one now', ask($milter));
		is($wire->message->{verdict}, 'continue',
		    'the transaction ends');
		my ($status, $took) = ended($milter);
		is($status, 0, "it stops, in $took s: exit status");
		like($milter->log, qr/: stopping: all transactions have ended\n.*: stopped\n/s,
		    'what it says');
		unlink $dead;
	};
}

subtest 'two signals' => sub {
	my ($milter, $wire) = hanging('/connector-milter.ini');
	$milter->signal('TERM');
	ok($milter->wait_log(qr/^stopping: transactions open: 1/),
	    'one begins to stop it');
	sleep 0.2;
	$milter->signal('INT');
	my ($status, $took) = ended($milter);
	is($status, 0, "it does not wait, but $took s: exit status");
	cmp_ok($took, '<', 19, 'not until the transaction is cut off');
	unlink $dead;
};

subtest 'alive again while it stops' => sub {
	my ($milter, $wire) = hanging('/connector-milter.ini');
	$milter->signal('TERM');
	ok($milter->wait_log(qr/^stopping: transactions open: 1/),
	    'it begins to stop');
	unlink $dead;
	ok($milter->wait_log(qr/^reload: .* is in use$/), 'the reload ends');
	$milter->signal('HUP');
	ok($milter->wait_log(qr/^no reload: stopping$/), 'there is no other');
	is($wire->message->{verdict}, 'continue', 'the transaction ends');
	is((ended($milter))[0], 0, 'exit status');
};

done_testing;
