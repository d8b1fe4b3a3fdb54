#!/usr/bin/perl
# unit.t - the systemd unit as it is installed: how much it exposes, that
# systemd takes each of its lines, and that it allows what the daemon needs.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Milter;
use Scratch;
use Test::More;

my $analyze = 'systemd-analyze';
plan skip_all => "no $analyze" if system("$analyze --version >/dev/null 2>&1");

my $scratch = Scratch->new;
my $root = $scratch->folder('root');
my $unit = 'connector-milter.service';

# Below $to, as for a package, or for use there.
sub install
{
	my (@how) = @_;
	my $log = $scratch->path('make.log');
	my $pid = Scratch::spawn({ out => $log, err => $log }, 'make', 'install',
		'BUILD=' . ($ENV{BUILD} // 'build'), @how);
	is(Scratch::reap($pid, 300), 0, "make install @how")
	    or diag(Scratch::slurp($log));
	return;
}

install("DESTDIR=$root");
my $file = "$root/usr/local/lib/systemd/system/$unit";
my $drop_in = "$root/usr/local/share/doc/connector-milter/examples/inet.conf";
for my $path ($file, $drop_in) {
	is(sprintf('%04o', ((stat $path)[2] // 0) & 07777), '0644',
		"mode of $path");
}
my $text = Scratch::slurp($file);
like($text, qr{^ExecStart=/usr/local/sbin/connector-milter$}m,
	'the folder is filled in');
unlike($text, qr/\@SBINDIR/, 'everywhere');

# ---- exposure ---------------------------------------------------------------

# What systemd-analyze makes of the unit, with the drop-in when there is one.
sub exposure
{
	my ($what, @drop_ins) = @_;
	my $folder = $scratch->folder($what);
	$scratch->write("$what/$unit", $text);
	$scratch->write("$what/$unit.d/" . s{.*/}{}r, Scratch::slurp($_))
	    for @drop_ins;
	my $said = Scratch::slurp_command($analyze, 'security',
		'--offline=yes', '--no-pager', "$folder/$unit");
	my ($number) = $said =~ /exposure level for \S+: ([\d.]+)/;
	return $number // 'none';
}

my $unix = exposure('unix');
my $inet = exposure('inet', $drop_in);
like($unix, qr/^\d+\.\d$/, "a UNIX socket: exposure $unix");
cmp_ok($unix, '<=', 0.6, "a UNIX socket: $unix is at most 0.6");
cmp_ok($inet, '<=', 1.5, "inet on localhost: $inet is at most 1.5");
cmp_ok($inet, '>', $unix, 'the drop-in was read');

# ---- systemd reads it -------------------------------------------------------

my $place = $scratch->folder('place');
install("PREFIX=$place");
for my $case (['alone', 0], ['with the drop-in', 1]) {
	my ($what, $with) = @$case;
	my $units = "$place/lib/systemd/system";
	if ($with) {
		mkdir "$units/$unit.d";
		link $drop_in, "$units/$unit.d/inet.conf" or die;
	}
	my $said = Scratch::slurp_command('sh', '-c',
		"$analyze verify --man=no '$units/$unit' 2>&1");
	is($?, 0, "$what: systemd-analyze verify: exit status");
	is($said, '', "$what: systemd-analyze verify says nothing");
}

# ---- what it has to say -----------------------------------------------------

for my $line (
	'Type=notify', 'NotifyAccess=main', 'WatchdogSec=60s',
	'Restart=always', 'RestartSec=200ms',
	'RestartPreventExitStatus=64 77 78', 'StartLimitIntervalSec=0',
	'TimeoutStopSec=40s', 'OOMPolicy=stop', 'LimitNOFILE=65536',
	'LimitCORE=0', 'TasksMax=12000', 'NoNewPrivileges=yes',
	'CapabilityBoundingSet=', 'MemoryDenyWriteExecute=yes',
) {
	like($text, qr/^\Q$line\E$/m, $line);
}
unlike($text, qr/^ProcSubset=pid/m, '/proc/meminfo is there');

# ---- system calls -----------------------------------------------------------

my %members;
sub members
{
	my ($set) = @_;
	return @{ $members{$set} //= [
		map { /^@/ ? members($_) : $_ }
		map { /^\s+(\@?\w[\w-]*)\s*$/ ? $1 : () }
		split /\n/, Scratch::slurp_command($analyze, 'syscall-filter',
			'--no-pager', $set)
	] };
}

my %allowed;
for my $list ($text =~ /^SystemCallFilter=(.*)$/mg) {
	my $not = $list =~ s/^~//;
	for my $name (map { /^@/ ? members($_) : $_ } split ' ', $list) {
		$not ? delete $allowed{$name} : ($allowed{$name} = 1);
	}
}
# systemd always allows these.
$allowed{$_} = 1 for members('@default');
my $source = Scratch::slurp("$FindBin::Bin/../milter/sandbox_filter.c");
my ($kept) = $source =~ /allowed\[\] = \{(.*?)\n\};/s;
my @kept = ($kept =~ s{/\*.*?\*/}{}gsr) =~ /"(\w+)"/g;
push @kept, $source =~ /\{ allow, "(\w+)"/g;
cmp_ok(scalar @kept, '>', 80, scalar(@kept) . ' calls are in the table');
is_deeply([grep { !$allowed{$_} } @kept], [],
	'the unit allows what the daemon keeps');
my ($deadly) = $source =~ /deadly\[\] = \{(.*?)\n\};/s;
my @deadly = ($deadly =~ s{/\*.*?\*/}{}gsr) =~ /"(\w+)"/g;
my %kept = map { $_ => 1 } @kept;
is_deeply([grep { $kept{$_} } @deadly], [], 'nothing is both kept and deadly');

# ---- the daemon, where the rest fails ---------------------------------------

my $under = $scratch->write('under.c', <<'END');
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	FILE *names = fopen(argv[1], "r");
	char name[64];

	while (names != NULL && fscanf(names, "%63s", name) == 1) {
		const int call = seccomp_syscall_resolve_name(name);

		if (call != __NR_SCMP_ERROR)
			(void)seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    seccomp_load(filter) != 0)
		return 99;
	execv(argv[2], argv + 2);
	return 98;
}
END
my $program = $scratch->path('under');
my $version = Scratch::slurp_command(Milter::program('connector-milter'), '-V');
SKIP: {
	skip 'built without a system call filter', 4
	    if $version =~ /no system call filter/;
	is(system($ENV{CC} // 'cc', '-o', $program, $under, '-lseccomp'), 0,
		'a program that allows what the unit allows');
	my @user = $> != 0 ? ()
	    : qw(setpriv --clear-groups --reuid=nobody --regid=nogroup);
	my $milter = Milter->new($scratch, name => 'u', connectors => {
		internet => "bindings = 0.0.0.0:25\n"
		    . "remote_ip_ranges = 203.0.113.0/24\n"
		    . "permission_groups = anonymous_users\n" },
		main => "[organization]\naccepted_domains = ours.test\n",
		under => [@user, $program, $scratch->write('allowed',
			join "\n", 'execve', sort keys %allowed)]);
	# As INSTALL has it.
	my $place = $scratch->path('u.run');
	chown -1, scalar getgrnam('postfix') // -1, $place if $> == 0;
	chmod 02750, $place;
	ok(eval { $milter->start }, 'the daemon starts under it') or diag($@);
	ok($milter->reload('HUP'), 'and reloads');
	is($milter->stop, 0, 'and stops');
}

done_testing;
