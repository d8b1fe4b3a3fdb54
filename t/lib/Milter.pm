package Milter;

# The milter under test as a process: its configuration written below a scratch
# folder, its socket awaited, its log lines caught.
#
#   my $milter = Milter->new($scratch,
#       main => "[organization]\naccepted_domains = example.com\n",
#       connectors => { internet => "usage = internet\n..." });
#   $milter->start;
#   $milter->socket;             # for Wire->new; $milter->for_postfix
#   $milter->signal('USR1');
#   my $status = $milter->stop;  # of the process

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Scratch;
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(sleep time);
use Wire;

my $build = $ENV{BUILD} // 'build';
$build = dirname(abs_path(__FILE__)) . "/../../$build" if $build !~ m{^/};

sub program
{
	my ($name) = @_;
	return "$build/$name";
}

# name tells several milters of one scratch folder apart. socket is in
# libmilter's spelling; without one it is a unix socket in the folder. main is
# the main file without [milter] and [defaults], milter and defaults more lines
# for these sections. connectors: name of each and the lines of its section.
# under: a command to run it under, such as prlimit. uid: started as root it is
# that user from the start, who need not have a name.
#
# Refusals of strangers wait for 5 seconds by default, and no test has time for
# that: here they do not, unless defaults or a connector says so.
sub new
{
	my ($class, $scratch, %option) = @_;
	my $name = $option{name} // 'milter';
	my $self = bless {
		scratch => $scratch,
		name => $name,
		main => '',
		milter => '',
		defaults => '',
		connectors => {},
		socket => 'unix:' . $scratch->path("$name.run/milter.sock"),
		log => $scratch->path("$name.log"),
		%option,
	}, $class;
	$self->{connectors} = { %{ $self->{connectors} } };
	if ($self->{socket} =~ m{^unix:(.*)/}) {
		_folder_of_socket($1, $self->{uid});
	}
	$self->write_config;
	return $self;
}

# As a package would make it: the milter's, open to the group of the MTA.
sub _folder_of_socket
{
	my ($path, $uid) = @_;
	mkdir $path;
	chmod 0755, $path;
	chown $uid // scalar getpwnam('nobody'), -1, $path if $> == 0;
	return;
}

sub socket
{
	my ($self) = @_;
	return $self->{socket};
}

# The same socket as smtpd_milters wants it spelled.
sub for_postfix
{
	my ($self) = @_;
	return $self->{socket} =~ /^inet6?:(\d+)\@(.*)/
	    ? "inet:$2:$1" : $self->{socket};
}

sub config
{
	my ($self) = @_;
	return $self->{scratch}->path("$self->{name}/connector-milter.ini");
}

# ---- configuration ----------------------------------------------------------

# Changes what new() was given: main, milter, defaults, and single connectors by
# name; lines undef take a connector away. The files change, the process does
# not.
sub change
{
	my ($self, %change) = @_;
	my $connectors = delete $change{connectors} // {};
	%{ $self->{connectors} } = (%{ $self->{connectors} }, %$connectors);
	@$self{ keys %change } = values %change;
	return $self->write_config;
}

sub write_config
{
	my ($self) = @_;
	my $connectors = $self->{connectors};
	my $folder = "$self->{name}/connectors.d";
	unlink glob $self->{scratch}->folder($folder) . '/*.ini';
	for my $name (grep { defined $connectors->{$_} } keys %$connectors) {
		(my $file = "$folder/$name.ini") =~ tr/ /-/;
		$self->{scratch}->write($file,
		    "[connector $name]\n$connectors->{$name}");
	}
	return $self->{scratch}->write("$self->{name}/connector-milter.ini",
	    $self->_milter_section . $self->{main} . $self->_defaults_section);
}

# Behind all else, so that the lines of main are where a test expects them.
sub _defaults_section
{
	my ($self) = @_;
	my $text = $self->{defaults};
	$text = "tarpit_interval = 0s\n$text"
	    unless $text =~ /^tarpit_interval\b/m;
	return "\n[defaults]\n$text";
}

# Started as root it becomes nobody, and lets the group of Postfix in.
sub _milter_section
{
	my ($self) = @_;
	my $text = "[milter]\nsocket = $self->{socket}\n"
	    . "connectors = connectors.d\n";
	my $becomes = $> == 0 && !defined $self->{uid};
	$text .= "user = nobody\n" if $becomes;
	$text .= "socket_group = postfix\n"
	    if $becomes && defined getgrnam 'postfix';
	return "$text$self->{milter}\n";
}

# ---- life -------------------------------------------------------------------

# Returns when the milter has told its service manager that it is ready: the
# socket alone may be there before Postfix may use it.
sub start
{
	my ($self) = @_;
	my $path = $self->{scratch}->path("$self->{name}.notify");
	unlink $path;
	my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path)
	    or die "$path: $!\n";
	chmod 0777, $path;
	$notify->blocking(0);
	{
		local $ENV{NOTIFY_SOCKET} = $path;
		delete local $ENV{JOURNAL_STREAM};
		$self->{pid} = Scratch::spawn({ err => $self->{log} },
		    $self->command);
	}
	my $said = '';
	Scratch::wait_for(60, sub {
		recv $notify, $said, 4096, 0;
		$said =~ /^READY=1/m || $self->_ended;
	});
	return 1 if $said =~ /^READY=1/m;
	die "the milter does not start:\n" . $self->log;
}

# The program with its arguments, behind what it is to run under.
sub command
{
	my ($self) = @_;
	my @under = @{ $self->{under} // [] };
	push @under, qw(setpriv --clear-groups), "--reuid=$self->{uid}",
	    "--regid=$self->{uid}" if defined $self->{uid};
	return (@under, program('connector-milter'), '-c', $self->config);
}

sub pid
{
	my ($self) = @_;
	return $self->{pid};
}

# Is somebody listening at the socket?
sub answers
{
	my ($self) = @_;
	if ($self->{socket} =~ /^inet6?:(\d+)\@\[?([^\]]+)/) {
		return IO::Socket::IP->new(PeerHost => $2, PeerPort => $1);
	}
	my ($path) = $self->{socket} =~ /^unix:(.*)/;
	return IO::Socket::UNIX->new(Peer => $path);
}

sub _ended
{
	my ($self) = @_;
	return defined Scratch::reap($self->{pid}, 0);
}

# What it says of itself by its control socket, which is named in its
# configuration unless it is given. connectorctl waits for 5 seconds; a busy
# machine may take longer.
sub status
{
	my ($self, $control) = @_;
	my $text = '';
	Scratch::wait_for(60, sub {
		$text = Scratch::slurp_command(program('connectorctl'),
			qw(status --json), defined $control
			? ('--socket', $control) : ('--config', $self->config));
		return $? == 0 || $self->_ended;
	});
	return decode_json($text);
}

# Changes files as change() does, asks for a reload with the signal and waits
# until the milter has said what came of it: that line of the log.
sub reload
{
	my ($self, $signal, %change) = @_;
	$self->change(%change);
	$self->clear_log;
	$self->signal($signal);
	return $self->wait_log(qr/^reload(?: failed)?[:;]/);
}

sub signal
{
	my ($self, $signal) = @_;
	return CORE::kill $signal, $self->{pid};
}

# Ends it as a service manager does; the wait status.
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return undef;
	return Scratch::stop($pid, 'TERM', 30);
}

# Ends it at once.
sub kill
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	Scratch::kill_group($pid);
	return;
}

# ---- the log ----------------------------------------------------------------

sub log
{
	my ($self) = @_;
	return Scratch::slurp($self->{log});
}

# The milter answers first and writes its log later, line by line. So a last
# line is asked for: a session that is none of its business is logged, and
# nothing else comes of it. Where that stands, all before it does.
my $mark = 'local submission: not judged';

sub _settle
{
	my ($self) = @_;
	return unless defined $self->{pid};
	my $from = -s $self->{log};
	my $wire = Wire->new($self->{socket}) or return;
	$wire->negotiate or return;
	$wire->connect(client => '127.0.0.1', host => 'localhost', port => 0,
		listener_port => 0);
	# Nobody is to count it.
	$wire->leave;
	my $deadline = time + 60;
	sleep 0.001 until $self->_log_from($from) =~ /: \Q$mark\E$/m
	    || time > $deadline;
	return;
}

sub _log_from
{
	my ($self, $offset) = @_;
	open my $in, '<:raw', $self->{log} or return '';
	seek $in, $offset, 0;
	local $/ = undef;
	return readline($in) // '';
}

# Forgets what was logged so far.
sub clear_log
{
	my ($self) = @_;
	$self->_settle;
	$self->{seen} = -s $self->{log};
	return;
}

# What was logged since, without the name of the program in front.
sub lines
{
	my ($self) = @_;
	$self->_settle;
	return $self->_lines;
}

sub _lines
{
	my ($self) = @_;
	my @lines = split /\n/, $self->_log_from($self->{seen} // 0);
	s/^connector-milter: // for @lines;
	return grep { $_ ne $mark } @lines;
}

# The first line since then that matches, as soon as there is one; or undef.
sub wait_log
{
	my ($self, $pattern, $seconds) = @_;
	my $found;
	Scratch::wait_for($seconds // 60, sub {
		($found) = grep { /$pattern/ } $self->_lines;
		return defined $found;
	});
	return $found;
}

1;
