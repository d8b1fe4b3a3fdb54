package Fire;

# A milter under a steady load of sessions (t/long/fire.c), whose configurations
# are numbered: number N is the connector gN, which takes mail for even.example
# or for odd.example. So every transaction tells which of them judged it, and
# the times of all reloads tell which might have.
#
#   my $fire = Fire->new($scratch, others => 200);
#   $fire->milter->start;
#   my $load = $fire->load(-k => 16, -r => 400, -s => 10);
#   $fire->turn('HUP');              # to the next number: true if in use
#   my $result = $load->();          # figures, and why each is wrong
#   is($fire->misjudged($result), 0);

use strict;
use warnings;

use Milter;
use POSIX ();
use Scratch;
use Time::HiRes qw(clock_gettime sleep time CLOCK_MONOTONIC);

# As t/long/fire.c writes them.
my $record = 'q L a x S';
my $record_size = 16;

# others: so many connectors beside the one that counts; more: sections of
# others yet. milter, main: more lines for these. What is left goes to
# Milter->new.
sub new
{
	my ($class, $scratch, %option) = @_;
	my $name = delete $option{name} // 'fire';
	my $others = delete $option{others} // 20;
	my $extra = delete $option{milter} // '';
	my $control = $scratch->path("$name.run/control.sock");
	my $self = bless {
		scratch => $scratch,
		name => $name,
		control => $control,
		others => _others($others) . (delete $option{more} // ''),
		number => 1,
		extra => $extra,
		main => delete $option{main} // '',
		used => [],
		read => 0,
	}, $class;
	$self->{milter} = Milter->new($scratch, name => $name, %option,
		$self->_option(1));
	$self->{files} = {
		main => $self->{milter}->config,
		marker => $scratch->path("$name/connectors.d/marker.ini"),
	};
	unlink $scratch->path("$name/connectors.d/g1.ini");
	$self->_put_number(1);
	push @{ $self->{used} }, { number => 1, from => 0 };
	return $self;
}

sub _option
{
	my ($self, $number) = @_;
	my $domain = $number % 2 ? 'odd.example' : 'even.example';
	return (
		milter => "control_socket = $self->{control}\n$self->{extra}",
		main => "[organization]\naccepted_domains = $domain\n"
		    . $self->{main},
		connectors => { "g$number" => $self->_marker },
	);
}

sub _marker
{
	return <<'END';
bindings                          = 0.0.0.0:25
remote_ip_ranges                  = 10.0.0.0/8
permission_groups                 = anonymous_users
max_inbound_connection            = unlimited
max_inbound_connection_per_source = unlimited
max_inbound_connection_percentage_per_source = 100
max_protocol_errors               = unlimited
END
}

sub _others
{
	my ($count) = @_;
	return join "\n", map { my $n = $_; <<"END" } 1 .. $count;
[connector other $n]
bindings          = 0.0.0.0:25
remote_ip_ranges  = 100.@{[int $n / 256]}.@{[$n % 256]}.0/25, 2001:db8:$n\::/64
permission_groups = anonymous_users
allowed_senders   = ada\@sender$n.example, bob\@list$n.example
END
}

sub milter
{
	my ($self) = @_;
	return $self->{milter};
}

sub number
{
	my ($self) = @_;
	return $self->{number};
}

# ---- files ------------------------------------------------------------------

# Whole and at once, as a careful editor does.
sub _put
{
	my ($self, $file, $text) = @_;
	my $path = $self->{files}{$file};
	my $next = $self->{scratch}->write("$self->{name}.next", $text);
	rename $next, $path or die "$path: $!\n";
	return;
}

sub _put_number
{
	my ($self, $number) = @_;
	my $milter = $self->{milter};
	my %option = $self->_option($number);
	@$milter{qw(milter main)} = @option{qw(milter main)};
	$self->{text} = {
		main => $milter->_milter_section . $milter->{main}
		    . $milter->_defaults_section,
		marker => "$self->{others}\n[connector g$number]\n"
		    . $self->_marker,
	};
	$self->_put($_, $self->{text}{$_}) for qw(main marker);
	return;
}

# How a file can be unfit; each is undone by _mend.
my %faults = (
	broken => sub { $_[0]->_put($_[1], $_[0]{text}{$_[1]} . "what\n") },
	unknown => sub {
		$_[0]->_put($_[1], $_[0]{text}{$_[1]} . "no_such_setting = 1\n")
	},
	torn => sub {
		my $text = $_[0]{text}{$_[1]};
		$text = substr $text, 0, length($text) * 0.6;
		chop $text while $text =~ /\n\z/;
		$_[0]->_put($_[1], $text);
	},
	empty => sub { $_[0]->_put($_[1], '') },
	folder => sub { $_[0]->_away($_[1]); mkdir $_[0]{files}{$_[1]} },
	fifo => sub {
		$_[0]->_away($_[1]);
		POSIX::mkfifo($_[0]{files}{$_[1]}, 0644);
	},
	unreadable => sub { chmod 0, $_[0]{files}{$_[1]} },
	symlink => sub {
		symlink $_[0]->_away($_[1]), $_[0]{files}{$_[1]};
	},
	writable => sub { chmod 0666, $_[0]{files}{$_[1]} },
	missing => sub { $_[0]->_away('main') },
);

# Those that this user can make.
sub faults
{
	return sort keys %faults;
}

sub _away
{
	my ($self, $file) = @_;
	my $aside = $self->{scratch}->path("$self->{name}.aside");
	rename $self->{files}{$file}, $aside or die "$file: $!\n";
	return $aside;
}

sub damage
{
	my ($self, $fault, $file) = @_;
	$faults{$fault}->($self, $file);
	return;
}

sub mend
{
	my ($self) = @_;
	for my $path (values %{ $self->{files} }) {
		rmdir $path;
		unlink $path if -l $path || -p _;
	}
	return $self->_put_number($self->{number});
}

# ---- reloads ----------------------------------------------------------------

sub clock
{
	return clock_gettime(CLOCK_MONOTONIC);
}

# Asks for a reload by signal HUP or USR1, or by "ctl", and waits for what the
# log says of it: 1 in use, 0 failed, undef nothing.
sub reload
{
	my ($self, $way) = @_;
	my $milter = $self->{milter};
	$self->{read} = -s $milter->{log} if !$self->{burning};
	if ($way eq 'ctl') {
		my $pid = Scratch::spawn({},
			Milter::program('connectorctl'), 'reload', '--socket',
			$self->{control});
		Scratch::reap($pid, 120);
	} else {
		$milter->signal($way);
	}
	my $said = '';
	open my $log, '<:raw', $milter->{log} or return undef;
	seek $log, $self->{read}, 0;
	Scratch::wait_for(60, sub {
		while (my $line = readline $log) {
			last if $line !~ /\n\z/;
			$self->{read} = tell $log;
			$said = $line and return 1
			    if $line =~ /^connector-milter: reload/;
		}
		seek $log, $self->{read}, 0;
		return 0;
	});
	return $said =~ / is in use$/ ? 1 : $said =~ /failed/ ? 0 : undef;
}

# To the next number, or with "same" once more to this one.
sub turn
{
	my ($self, $way, $same) = @_;
	my $number = $self->{number} + ($same ? 0 : 1);
	$self->_put_number($number);
	my $asked = clock();
	my $result = $self->reload($way);
	my $done = clock();
	return $result if $same || !$result;
	$self->{used}[-1]{until} = $done;
	push @{ $self->{used} }, { number => $number, from => $asked };
	$self->{number} = $number;
	return $result;
}

# A reload of files that are unfit.
sub turn_badly
{
	my ($self, $way, $fault, $file) = @_;
	# Were it taken, it would be known by its number.
	$self->_put_number($self->{number} + 1);
	$self->damage($fault, $file);
	my $result = $self->reload($way);
	$self->mend;
	return $result;
}

# ---- load -------------------------------------------------------------------

# Starts it; the sub that is returned ends it (at once with a true argument),
# and gives what came of it: the figures, said, status and records.
sub load
{
	my ($self, %flag) = @_;
	my $scratch = $self->{scratch};
	my $n = ++$self->{loads};
	my %file = map { $_ => $scratch->path("$self->{name}.$_.$n") }
	    qw(out err records);
	my @flags = map { defined $flag{$_} ? ($_, $flag{$_}) : $_ }
	    sort keys %flag;
	my $pid = Scratch::spawn(\%file, Milter::program('long/fire'),
		$flag{'-m'} ? () : (), '-o', $file{records}, @flags,
		$self->{milter}->socket);
	return sub {
		my ($now) = @_;
		kill 'TERM', $pid if $now;
		my $status = Scratch::reap($pid, ($flag{'-s'} // 0) + 120);
		my %figure = Scratch::slurp($file{out}) =~ /(\w+)=(\S+)/g;
		return {
			%figure,
			status => $status // 'does not end',
			said => Scratch::slurp($file{err}),
			path => $file{records},
		};
	};
}

# Gives each record to the sub: sent and took in s, kind, mark.
sub each_record
{
	my ($result, $use) = @_;
	open my $file, '<:raw', $result->{path} or die "$result->{path}: $!\n";
	while (read $file, my $bytes, $record_size * 4096) {
		my @fields = unpack "($record)*", $bytes;
		while (my ($sent, $took, $kind, $mark) = splice @fields, 0, 4) {
			$use->($sent / 1e9, $took / 1e9, $kind, $mark);
		}
	}
	return;
}

# How many transactions were judged by a configuration that was in use at no
# time between their MAIL and its answer; and how many were looked at.
sub misjudged
{
	my ($self, $result) = @_;
	my %used = map { $_->{number} => $_ } @{ $self->{used} };
	my ($wrong, $all) = (0, 0);
	each_record($result, sub {
		my ($sent, $took, $kind, $mark) = @_;
		return if $kind ne 'V';
		my $use = $used{$mark};
		$all++;
		$wrong++ if !$use || $sent + $took < $use->{from}
		    || defined $use->{until} && $sent > $use->{until};
	});
	return wantarray ? ($wrong, $all) : $wrong;
}

# Of answers to MAIL, RCPT and the end of messages, those for which the sub
# says so (by the time they were asked for): count, and in ms the median, 99
# and 99.9 of 100, and the slowest.
sub answers
{
	my ($result, $which) = @_;
	my @times;
	each_record($result, sub {
		my ($sent, $took, $kind) = @_;
		push @times, $took * 1000
		    if $kind =~ /[MRE]/ && (!$which || $which->($sent));
	});
	@times = sort { $a <=> $b } @times;
	my %at = (p50 => 0.5, p99 => 0.99, p999 => 0.999, max => 1);
	return {
		count => scalar @times,
		map { $_ => @times ? $times[$#times * $at{$_}] : 0 } keys %at,
	};
}

sub show
{
	my ($what, $answers) = @_;
	return sprintf '%s: %d answers, median %.2f ms, 99 of 100 within '
	    . '%.2f ms, 999 of 1,000 within %.2f ms, slowest %.2f ms', $what,
	    @$answers{qw(count p50 p99 p999 max)};
}

# ---- the process ------------------------------------------------------------

# { memory (KiB), threads, descriptors }
sub process
{
	my ($pid) = @_;
	my $status = Scratch::slurp("/proc/$pid/status");
	my ($anon) = $status =~ /^RssAnon:\s*(\d+)/m;
	my ($threads) = $status =~ /^Threads:\s*(\d+)/m;
	return {
		memory => $anon // 0,
		threads => $threads // 0,
		descriptors => scalar(() = glob "/proc/$pid/fd/*"),
	};
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[$#sorted / 2] // 0;
}

sub status
{
	my ($self) = @_;
	return $self->{milter}->status($self->{control});
}

1;
