package Scratch;

# A folder below /tmp and the processes started with it, all gone when the
# program ends, by a signal too.
#
#   my $scratch = Scratch->new;
#   $scratch->write('etc/main.cf', $text);
#   my $pid = Scratch::spawn({ err => $file }, 'program', 'argument');
#   Scratch::stop($pid, 'TERM');

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(mkdtemp);
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(sleep time);

my $owner = $$;
my @folders;
my %children;
my %claims;
my $next_port = $$ * 37 % 12_000;

for my $signal (qw(INT TERM HUP PIPE)) {
	$SIG{$signal} = sub { exit 128 + POSIX->can("SIG$signal")->() };
}

# In this process, not in a fork of it.
END {
	if ($$ == $owner) {
		my $status = $?;
		local $SIG{INT} = 'IGNORE';
		local $SIG{TERM} = 'IGNORE';
		kill_group($_) for keys %children;
		remove_tree(@folders);
		$? = $status;
	}
}

sub new
{
	my ($class) = @_;
	my $path = mkdtemp('/tmp/connector-milter.XXXXXXXX')
	    or die "no scratch folder below /tmp: $!\n";
	chmod 0755, $path;
	push @folders, $path;
	return bless { path => $path }, $class;
}

sub path
{
	my ($self, $name) = @_;
	return defined $name ? "$self->{path}/$name" : $self->{path};
}

sub folder
{
	my ($self, $name, $mode, $uid, $gid) = @_;
	my $path = $self->path($name);
	make_path($path);
	chmod $mode // 0755, $path;
	chown $uid // -1, $gid // -1, $path if defined $uid || defined $gid;
	return $path;
}

sub write
{
	my ($self, $name, $text, $mode) = @_;
	my $path = $self->path($name);
	make_path(dirname($path));
	open my $file, '>:raw', $path or die "$path: $!\n";
	print {$file} $text;
	close $file or die "$path: $!\n";
	chmod $mode // 0644, $path;
	return $path;
}

sub slurp
{
	my ($path) = @_;
	open my $file, '<:raw', $path or return '';
	local $/ = undef;
	my $text = <$file>;
	return $text // '';
}

# What a program writes to standard output; its exit status is left in $?.
sub slurp_command
{
	my (@command) = @_;
	open my $pipe, '-|', @command or die "$command[0]: $!\n";
	local $/ = undef;
	my $text = <$pipe>;
	close $pipe;
	return $text // '';
}

# Starts a program; $to is { in, out, err } files, none is /dev/null.
sub spawn
{
	my ($to, @command) = @_;
	return _child(sub {
		open STDIN, '<', $to->{in} // '/dev/null' or return;
		open STDOUT, '>>', $to->{out} // '/dev/null' or return;
		open STDERR, '>>', $to->{err} // '/dev/null' or return;
		exec { $command[0] } @command;
	});
}

# Runs $work in a process of its own.
sub worker
{
	my ($work) = @_;
	return _child(sub {
		$SIG{PIPE} = 'IGNORE';
		eval { $work->(); 1 } or warn $@;
		POSIX::_exit(0);
	});
}

# A child at the head of its own process group. No signal can end this program
# before the child is known to END.
sub _child
{
	my ($work) = @_;
	my $signals = POSIX::SigSet->new(POSIX::SIGINT(), POSIX::SIGTERM(),
		POSIX::SIGHUP());
	POSIX::sigprocmask(POSIX::SIG_BLOCK(), $signals);
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		POSIX::setsid();
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
		POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $signals);
		$work->();
		POSIX::_exit(127);
	}
	$children{$pid} = 1;
	POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $signals);
	return $pid;
}

# Ends a child of spawn or worker at once, and all that it started.
sub kill_group
{
	my ($pid) = @_;
	kill 'KILL', -$pid;
	# Too young to lead its group?
	kill 'KILL', $pid if !defined reap($pid, 1);
	reap($pid, 10);
	return;
}

# Sends the signal, waits, and after $seconds kills; the wait status.
sub stop
{
	my ($pid, $signal, $seconds) = @_;
	kill $signal, $pid;
	my $status = reap($pid, $seconds // 10);
	return $status if defined $status;
	kill 'KILL', $pid;
	return reap($pid, 10);
}

# The wait status of a child that ends within $seconds, else undef.
sub reap
{
	my ($pid, $seconds) = @_;
	my $status;
	wait_for($seconds, sub {
		my $done = waitpid $pid, POSIX::WNOHANG();
		return 0 unless $done;
		$status = $done == $pid ? $? : 0;
		delete $children{$pid};
		return 1;
	});
	return $status;
}

# Asks until the answer is true, at most $seconds long; the last answer.
sub wait_for
{
	my ($seconds, $question) = @_;
	my $deadline = time + $seconds;
	while (1) {
		my $answer = $question->();
		return $answer if $answer || time > $deadline;
		sleep 0.01;
	}
}

# A port that is free on each of the addresses, and that no other test is given
# while this one runs.
sub free_port
{
	my (@addresses) = @_;
	for (1 .. 1_000) {
		my $port = 20_000 + $next_port++ % 12_000;
		my $claim = _claim($port) or next;
		my @held = grep { defined } map { listen_on($_, $port) }
		    @addresses;
		next if @held != @addresses;
		$claims{$port} = $claim;
		return $port;
	}
	die "no free port on @addresses\n";
}

# Between a look at a port and its use somebody else could look. A name without
# a file is given back when its process ends, whatever ends it.
sub _claim
{
	my ($port) = @_;
	return IO::Socket::UNIX->new(Listen => 1,
		Local => "\0connector-milter-test-port-$port");
}

# A socket that listens there, or undef.
sub listen_on
{
	my ($address, $port) = @_;
	return IO::Socket::IP->new(LocalHost => $address, LocalPort => $port,
		Listen => 64, ReuseAddr => 1);
}

sub has_ipv6
{
	return defined listen_on('::1', 0);
}

1;
