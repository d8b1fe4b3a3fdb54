#!/usr/bin/perl
# privilege.t - what the daemon gives up, and what it does not touch: calls of
# the system, planted links, files and folders of others, sockets.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Milter;
use POSIX qw(mkfifo);
use Scratch;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'not root' if $> != 0;

my $scratch = Scratch->new;
my $program = Milter::program('connector-milter');
my ($nobody, $nogroup) = (getpwnam 'nobody')[2, 3];
my $daemon_group = getgrnam 'daemon';
my $stranger = 4321;
my $number = 0;
my $version = Scratch::slurp_command($program, '-V');
my $filtered = $version !~ /no system call filter/;

sub milter
{
	my (%option) = @_;
	return Milter->new($scratch, name => 'p' . ++$number, connectors => {
		internet => "bindings = 0.0.0.0:25\n"
		    . "remote_ip_ranges = \@../list\n"
		    . "permission_groups = anonymous_users\n" }, %option);
}

# A configuration with every kind of file that is read.
sub whole
{
	my $name = 'p' . ($number + 1);
	my $milter = milter(
		milter => "stamp_key_file = stamp.key\n",
		main => "[organization]\naccepted_domains = ours.test\n"
		    . "[directory]\nrecipients = people\n");
	my $at = $scratch->path($name);
	$scratch->write("$name/list", "203.0.113.0/24\n");
	$scratch->write("$name/people", "alice\@ours.test\n");
	my $key = $scratch->write("$name/stamp.key",
		"k1 " . '0123456789abcdef' x 4 . "\n", 0640);
	chown 0, $nogroup, $key;
	return ($milter, $at);
}

# Runs the program to its end; its exit status, or "signal N", and what it says.
sub run
{
	my (@flags) = @_;
	my $err = $scratch->path('err');
	unlink $err;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::spawn({ err => $err }, $program, @flags);
	my $status = Scratch::reap($pid, 60);
	Scratch::stop($pid, 'KILL') unless defined $status;
	return (_status($status), Scratch::slurp($err));
}

sub _status
{
	my ($status) = @_;
	return 'it runs' unless defined $status;
	return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

# ---- files ------------------------------------------------------------------

# What a problem says of each file: where, and by which name.
my %file = (
	'connector-milter.ini' => ['connector-milter.ini:0: error: the file'],
	'connectors.d/internet.ini' =>
	    ['connectors.d/internet.ini:0: error: the file'],
	'list' => ['connectors.d/internet.ini:3: error: [connector internet] '
	    . "remote_ip_ranges: '%s'", 'connectors.d/../list'],
	'people' => ["connector-milter.ini:%d: error: [directory] recipients:"
	    . " '%s'", 'people'],
	'stamp.key' => ["connector-milter.ini:%d: error: [milter] "
	    . "stamp_key_file: '%s'", 'stamp.key'],
);
my @wrongs = (
	['a symbolic link', sub { rename $_[0], "$_[0].real";
		symlink "$_[0].real", $_[0] },
		'is a symbolic link; it must be a regular file'],
	['a FIFO', sub { unlink $_[0]; mkfifo($_[0], 0644) },
		'is a FIFO; it must be a regular file'],
	['a folder', sub { unlink $_[0]; mkdir $_[0] },
		'is a directory; it must be a regular file'],
	['a socket', sub { unlink $_[0];
		IO::Socket::UNIX->new(Local => $_[0], Listen => 1) },
		'is a socket; it must be a regular file'],
	['a device', sub { unlink $_[0];
		system 'mknod', $_[0], 'c', 1, 3 },
		'is a device; it must be a regular file'],
	['writable by its group', sub { chmod 0664, $_[0] },
		'can be written by group or others (mode 0664); run chmod '
		. 'go-w'],
	['writable by others', sub { chmod 0646, $_[0] },
		'can be written by group or others (mode 0646); run chmod '
		. 'go-w'],
	['owned by a stranger', sub { chown $stranger, -1, $_[0] },
		"belongs to user $stranger, who is neither root nor the owner "
		. 'of the main file; run chown root'],
);
my %secret = (
	'writable by its group' => '0664',
	'writable by others' => '0646',
);

# The text for a file in a folder, with the line of its setting in main.
sub problem
{
	my ($at, $name, $what, $text) = @_;
	my ($head, $path) = @{ $file{$name} };
	my %setting = (people => 'recipients', 'stamp.key' => 'stamp_key_file');
	if (defined $path) {
		my $line = 0;
		if (my $setting = $setting{$name}) {
			my $main = Scratch::slurp("$at/connector-milter.ini");
			my ($before) = $main =~ /\A(.*?)^\Q$setting\E /ms;
			$line = 1 + ($before =~ tr/\n//);
		}
		$head = sprintf $head, $line ? ($line, "$at/$path")
		    : "$at/$path";
	}
	if ($name eq 'stamp.key' && $secret{$what}) {
		$text = 'holds a key, but others can use it or its group can '
		    . "write it (mode $secret{$what}); run chmod g-w,o=";
	}
	if ($name eq 'connector-milter.ini' && $what =~ /stranger/) {
		$text = "belongs to user $stranger, who is neither root nor "
		    . 'the user of the daemon; run chown root';
	}
	return "$at/$head $text\n";
}

{
	my ($milter, $at) = whole();
	my ($status, $said) = run('-n', '-c', $milter->config);
	is("$status $said", '0 ', 'all files as they should be');
}
my $cases = 0;
for my $name (sort keys %file) {
	for my $wrong (@wrongs) {
		my ($what, $spoil, $text) = @$wrong;
		my ($milter, $at) = whole();
		$spoil->("$at/$name");
		my $want = problem($at, $name, $what, $text);
		my ($status, $said) = run('-c', $milter->config);
		is($status, 78, "$name $what: exit status");
		is($said, $want, "$name $what: what it says");
		ok(!-e $milter->socket =~ s/^unix://r,
			"$name $what: no socket was made");
		$cases++;
	}
}

# The same while it runs: the old configuration stays.
for my $name (sort keys %file) {
	for my $wrong (@wrongs) {
		my ($what, $spoil, $text) = @$wrong;
		my ($milter, $at) = whole();
		$milter->start;
		$spoil->("$at/$name");
		$milter->signal('HUP');
		my $line = $milter->wait_log(qr/^reload(?: failed)?[:;]/);
		is($line, 'reload failed; the old configuration stays in use',
			"$name $what: the reload is refused");
		my $want = problem($at, $name, $what, $text);
		is((grep { "$_\n" eq $want } $milter->lines), 1,
			"$name $what: and the log says why")
		    or diag($want, $milter->log);
		$milter->kill;
		$cases++;
	}
}

# Folders of files.
for my $case (
	['writable by others', sub { chmod 0757, $_[0] },
		'can be written by group or others (mode 0757); run chmod '
		. 'go-w'],
	['writable by its group', sub { chmod 0775, $_[0] },
		'can be written by group or others (mode 0775); run chmod '
		. 'go-w'],
	['writable by others, sticky', sub { chmod 01777, $_[0] },
		'can be written by group or others (mode 1777); run chmod '
		. 'go-w'],
	['owned by a stranger', sub { chown $stranger, -1, $_[0] },
		"belongs to user $stranger, who is neither root nor the owner "
		. 'of the main file; run chown root'],
) {
	my ($what, $spoil, $text) = @$case;
	my ($milter, $at) = whole();
	$spoil->("$at/connectors.d");
	my ($status, $said) = run('-c', $milter->config);
	is($status, 78, "connectors.d $what: exit status");
	is($said, "$at/connector-milter.ini:3: error: [milter] connectors: "
		. "'$at/connectors.d' $text\n",
		"connectors.d $what: what it says");
	$cases++;
}

# The folder of the main file.
for my $case ([0757, 'warning: the folder of the file can be written by others '
	. '(mode 0757), who could put another file there; run chmod o-w'],
	[01757], [0775]) {
	my ($mode, $text) = @$case;
	my ($milter, $at) = whole();
	chmod $mode, $at;
	my $what = sprintf 'the folder of the main file, mode %04o', $mode;
	is_deeply([run('-n', '-c', $milter->config)],
		[0, defined $text ? "$at/connector-milter.ini:0: $text\n" : ''],
		$what);
	$cases++;
}

# Files of the daemon's user, or of whom the main file belongs to, are fine.
{
	my ($milter, $at) = whole();
	chown $nobody, -1, map { "$at/$_" } keys %file, 'connectors.d';
	my ($status, $said) = run('-n', '-c', $milter->config);
	is("$status $said", '0 ', 'files of the user');
	chown $stranger, -1, map { "$at/$_" } keys %file, 'connectors.d';
	my $ctl = Milter::program('connectorctl');
	my $out = Scratch::slurp_command($ctl, 'explain', '--config',
		$milter->config, '--client', '203.0.113.9');
	like($out, qr/^connector  internet$/m,
		'for connectorctl they may all be of one stranger');
}

# ---- the folders of sockets -------------------------------------------------

my $talks = 'who could put another socket there';
for my $case (
	['of a stranger', [$stranger, 0, 0755], 'belongs to user '
	    . "$stranger, $talks; run chown root"],
	['writable by others', [$nobody, 0, 0757], 'can be written by others '
	    . "(mode 0757), $talks; run chmod o-w"],
	['writable by some group', [$nobody, $stranger, 0775],
	    "can be written by group $stranger (mode 0775), "
	    . 'which could put another socket there; run chmod g-w'],
	['of the user, as INSTALL has it', [$nobody, $daemon_group, 02750]],
	['writable by the socket\'s group', [$nobody, $daemon_group, 0770]],
	['writable by the group of the user', [0, $nogroup, 0775]],
	['of the user alone', [$nobody, $nogroup, 0700]],
	['of root', [0, 0, 0755]],
	['of root, for everybody but sticky', [0, 0, 01777]],
) {
	my ($what, $rights, $text) = @$case;
	for my $which ('socket', 'control_socket') {
		my $milter = milter();
		my $folder = $scratch->folder("folder$number");
		my $main = Scratch::slurp($milter->config);
		$scratch->write("p$number/list", "203.0.113.0/24\n");
		$main =~ s/^socket_group.*\n//m;
		$main =~ s/^user/socket_group = daemon\nuser/m;
		my $path = "$folder/s.sock";
		$which eq 'socket' ? $main =~ s/^socket = .*/socket = unix:$path/m
		    : $main =~ s/^user/control_socket = $path\nuser/m;
		$scratch->write("p$number/connector-milter.ini", $main);
		chown @$rights[0, 1], $folder;
		chmod $rights->[2], $folder;
		$cases++;
		if (!defined $text) {
			$milter->start;
			my @st = lstat $path;
			is(sprintf('%04o %d', $st[2] & 07777, $st[4]),
				($which eq 'socket' ? '0660' : '0600')
				. " $nobody", "$which in a folder $what");
			is($st[5], $daemon_group, "$which in a folder $what: "
				. 'its group') if $which eq 'socket';
			$milter->stop;
			next;
		}
		my ($status, $said) = run('-c', $milter->config);
		is($status, 77, "$which in a folder $what: exit status");
		is($said, "connector-milter: the folder of $path $text\n",
			"$which in a folder $what: what it says");
		ok(!-e $path, "$which in a folder $what: there is none");
	}
}

# Whoever can write a folder above can put another in place of that one: the
# administrator is told so.
my $above = $scratch->folder('above');
sub made
{
	my ($name, $mode) = @_;
	return $scratch->folder("above/$name", $mode, $nobody, $nogroup);
}
for my $case (
	['the next one, writable by others', ['a', 0757], ['a/s', 0755]],
	['one far above', ['b', 0777], ['b/c', 0755], ['b/c/d', 0755],
	    ['b/c/d/s', 0755]],
	['sticky', undef, ['e', 01777], ['e/s', 0755]],
	['writable by some group', undef, ['f', 0775], ['f/s', 0755]],
	['above where a link leads', ['g', 0757], ['g/h', 0755],
	    ['g/h/i', 0755], 's'],
	['that has the link', ['j', 0777], ['j/s', 0755], 'k'],
) {
	my ($what, $wrong, @folders) = @$case;
	my $link = ref $folders[-1] ? undef : pop @folders;
	made(@$_) for grep { defined } $wrong, @folders;
	my $folder = "$above/$folders[-1][0]";
	if (defined $link && $link eq 's') {
		symlink $folder, "$above/g.link";
		$folder = "$above/g.link";
	} elsif (defined $link) {
		rename $folder, "$above/k";
		symlink "$above/k", $folder;
	}
	for my $which ('socket', 'control_socket') {
		my $milter = milter();
		$scratch->write("p$number/list", "203.0.113.0/24\n");
		my $main = Scratch::slurp($milter->config);
		my $path = "$folder/p.sock";
		$which eq 'socket' ? $main =~ s/^socket = .*/socket = unix:$path/m
		    : $main =~ s/^user/control_socket = $path\nuser/m;
		$scratch->write("p$number/connector-milter.ini", $main);
		$cases++;
		$milter->start;
		ok(-S $path, "$which, the folder above is $what");
		my $warning = !defined $wrong ? undef
		    : "connector-milter: the folder $above/$wrong->[0] above "
		    . "$path can be written by others (mode "
		    . sprintf('%04o', $wrong->[1]) . '), who could put '
		    . 'another socket there; run chmod o-w';
		is((grep { / above / } split /\n/, $milter->log)[0], $warning,
			"$which, a folder $what: what it says");
		$milter->stop;
	}
}

# As the unit starts it: the user from the start, not in the socket's group,
# which comes from the folder.
for my $case (['setgid', 02750, 0], ['not setgid', 0750, 77]) {
	my ($what, $mode, $want) = @$case;
	my $milter = milter(milter => "socket_group = daemon\n");
	my $main = Scratch::slurp($milter->config);
	$main =~ s/^(?:user|socket_group = postfix).*\n//mg;
	$scratch->write("p$number/connector-milter.ini", $main);
	$scratch->write("p$number/list", "203.0.113.0/24\n");
	my $path = $milter->socket =~ s/^unix://r;
	my $folder = $path =~ s{/[^/]*$}{}r;
	chown $nobody, $daemon_group, $folder;
	chmod $mode, $folder;
	my $err = $scratch->path("unit$number");
	my $pid = Scratch::spawn({ err => $err }, 'setpriv', "--reuid=$nobody",
		"--regid=$nogroup", '--clear-groups', $program, '-c',
		$milter->config);
	Scratch::wait_for(60, sub { Scratch::slurp($err) =~ /\n/ });
	if ($want == 0) {
		is((lstat $path)[5], $daemon_group, "$what: the group");
		is(_status(Scratch::stop($pid, 'TERM', 60)), 0,
			"$what: it runs, and stops");
	} else {
		is(_status(Scratch::reap($pid, 60)), $want,
			"$what: exit status");
		is(Scratch::slurp($err), "connector-milter: cannot give $path "
			. "to group daemon: Operation not permitted\n",
			"$what: what it says");
	}
	$cases++;
}

# ---- the protocol log -------------------------------------------------------

{
	my $folder = $scratch->folder('records', 0755, $stranger);
	my $milter = milter(main => "[protocol_log]\n"
		. "directory = $folder\n");
	$scratch->write("p$number/list", "203.0.113.0/24\n");
	chmod 0777, $folder;
	$milter->start;
	my $line = $milter->wait_log(qr/^protocol log/);
	is($line, "protocol log: cannot open $folder: Operation not permitted; "
		. 'records are lost', 'a folder of a stranger');
	is_deeply([glob "$folder/*"], [], 'nothing was written there');
	$milter->stop;
	$cases++;
}
note("$cases planted links, modes and owners");
cmp_ok($cases, '>=', 40, "$cases planted links, modes and owners");

# ---- system calls -----------------------------------------------------------

# Does one deed inside the daemon, on demand; what came of it goes to a file.
my $shim = $scratch->write('shim.c', <<'END');
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;
static const char *go, *victim, *deed;

static long
do_it(void)
{
	char *argv[] = { "touch", (char *)victim, NULL };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char command[300];
	pid_t pid;
	int fd;

#define IS(name) (strcmp(deed, name) == 0)
	snprintf(command, sizeof(command), "touch %s", victim);
	if (IS("system"))
		return system(command);
	if (IS("popen"))
		return popen(command, "r") != NULL;
	if (IS("posix_spawn"))
		return posix_spawn(&pid, "/bin/touch", NULL, NULL, argv, environ);
	if (IS("fork"))
		return fork();
	if (IS("vfork"))
		return syscall(SYS_vfork);
	if (IS("clone"))
		return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (IS("execve"))
		return execve("/bin/touch", argv, environ);
	if (IS("execveat"))
		return syscall(SYS_execveat, AT_FDCWD, "/bin/touch", argv, environ, 0);
	if (IS("ptrace"))
		return ptrace(PTRACE_TRACEME, 0, 0, 0);
	if (IS("setuid"))
		return syscall(SYS_setuid, 0);
	if (IS("unshare"))
		return syscall(SYS_unshare, 0x10000000);
	if (IS("clone3"))
		return syscall(SYS_clone3, NULL, 0);
	if (IS("netlink"))
		return socket(AF_NETLINK, SOCK_RAW, 0);
	if (IS("packet"))
		return socket(AF_PACKET, SOCK_RAW, 0);
	if (IS("mmap"))
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
	if (IS("mprotect")) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			return -7;
		return mprotect(page, 4096, PROT_READ | PROT_EXEC);
	}
	if (IS("listen")) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(at.sun_path, sizeof(at.sun_path), "%s", victim);
		return fd < 0 ? -7 : bind(fd, (struct sockaddr *)&at, sizeof(at));
	}
	if (IS("chmod"))
		return chmod("/tmp", 0777);
	if (IS("rename"))
		return rename(victim, victim);
	if (IS("kill"))
		return kill(getppid(), 0);
	if (IS("dumpable"))
		return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (IS("thread"))
		return 0;
	return -8;
}

static void *
wait_and_do(void *arg)
{
	char said[300];
	long result;
	FILE *out;

	(void)arg;
	while (access(go, F_OK) != 0)
		usleep(10000);
	errno = 0;
	result = do_it();
	snprintf(said, sizeof(said), "%ld %s\n", result, strerror(errno));
	out = fopen(go, "w");
	if (out != NULL) {
		fputs(said, out);
		fclose(out);
	}
	return NULL;
}

__attribute__((constructor)) static void
begin(void)
{
	pthread_t thread;
	sigset_t all, before;

	go = getenv("GO");
	victim = getenv("VICTIM");
	deed = getenv("DEED");
	if (go == NULL || victim == NULL || deed == NULL)
		return;
	/* A SIGTERM is for the threads of the daemon. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_create(&thread, NULL, wait_and_do, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
END
my $library = $scratch->path('shim.so');
my $compiler = $ENV{CC} // 'cc';
is(system("$compiler -shared -fPIC -w -o $library $shim"), 0,
	'the shim compiles');

sub quiet_milter
{
	my $milter = milter();
	$scratch->write("p$number/list", "203.0.113.0/24\n");
	return $milter;
}

SKIP: {
	skip 'built without a system call filter', 1 if !$filtered;
	for my $deed (qw(system popen posix_spawn fork vfork clone execve
		execveat ptrace setuid unshare)) {
		my ($milter, $go, $victim) = begin_deed($deed);
		my $status = Scratch::reap($milter->pid, 60);
		is(_status($status), 'signal 31', "$deed: ends the process");
		ok(!-e $victim, "$deed: nothing was executed");
		is(Scratch::slurp($go), '', "$deed: does not return");
		$milter->kill;
	}
	for my $case (['clone3', 'Function not implemented'],
		map { [$_, 'Operation not permitted'] } qw(netlink packet mmap
		mprotect listen chmod rename kill dumpable)) {
		my ($deed, $error) = @$case;
		my ($milter, $go, $victim) = begin_deed($deed);
		ok(Scratch::wait_for(60, sub { -s $go }), "$deed: returns");
		is(Scratch::slurp($go), "-1 $error\n", "$deed: is refused");
		is($milter->stop, 0, "$deed: it goes on, and stops");
	}
}

# { milter, file to begin by, file that must not be made }
sub begin_deed
{
	my ($deed) = @_;
	my $milter = quiet_milter();
	my $there = $scratch->folder("deed$number", 0777);
	my ($go, $victim) = ("$there/go", "$there/victim");
	local @ENV{qw(LD_PRELOAD GO VICTIM DEED)} =
	    ($library, $go, $victim, $deed);
	$milter->start;
	# The daemon is nobody, and looks for it at any moment: it has to be there
	# writable at once.
	open my $out, '>', "$go.new" or die;
	close $out;
	chmod 0666, "$go.new";
	rename "$go.new", $go or die;
	return ($milter, $go, $victim);
}

sub status_of
{
	my ($pid, $key) = @_;
	my ($value) = Scratch::slurp("/proc/$pid/status") =~ /^$key:\s*(.*)$/m;
	return $value // '';
}

{
	my $milter = quiet_milter();
	$milter->start;
	my $pid = $milter->pid;
	is(status_of($pid, 'NoNewPrivs'), 1, 'no new privileges');
	SKIP: {
		skip 'no filter, or the kernel does not tell', 1
		    if !$filtered || status_of($pid, 'Seccomp') eq '';
		my @modes = map { Scratch::slurp($_) =~ /^Seccomp:\s*(\d)/m }
		    glob "/proc/$pid/task/*/status";
		is_deeply([grep { $_ != 2 } @modes], [],
			@modes . ' threads have the filter');
	}
	is($milter->stop, 0, 'it stops');
}

# A kernel without filters.
SKIP: {
	skip 'built without a system call filter', 2 if !$filtered;
	my $old = $scratch->write('old.c',
		"int seccomp_load(void *filter) { return -22; }\n");
	my $preload = $scratch->path('old.so');
	system "$compiler -shared -fPIC -w -o $preload $old";
	my $milter = quiet_milter();
	local $ENV{LD_PRELOAD} = $preload;
	my ($status, $said) = run('-c', $milter->config);
	is($status, 71, 'a kernel without filters: exit status');
	is($said, 'connector-milter: cannot give up system calls: Invalid '
		. 'argument; a systemd unit has to allow seccomp '
		. '(SystemCallFilter=); for a kernel without filters of system '
		. "calls build with SECCOMP=no\n",
		'a kernel without filters: what it says');
	ok(!-e $milter->socket =~ s/^unix://r, 'and its socket is gone');
}

done_testing;
