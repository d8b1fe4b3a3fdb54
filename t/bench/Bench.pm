package Bench;

# The programs of the benchmark and what is measured of a running filter.
#
#   my $bare = Bench::bare($scratch, 'bare', $socket, $like);
#   my $figures = Bench::load($socket, '-k', 16, '-n', 3000);
#   print $figures->{rate}, Bench::cpu($bare->{pid});

use strict;
use warnings;

use IO::Handle;
use Milter;
use Scratch;
use Time::HiRes qw(clock_gettime sleep time);

my $main = <<'END';
[organization]
accepted_domains = example.com
[back_pressure]
enabled = no
END
my $defaults = <<'END';
bindings = 0.0.0.0:25
permission_groups = anonymous_users
max_inbound_connection = unlimited
max_inbound_connection_per_source = unlimited
max_inbound_connection_percentage_per_source = 100
tarpit_interval = 0s
END
my @wrong;

# What was answered wrongly, or not at all, so far.
sub wrong
{
	return @wrong;
}

sub note_wrong
{
	my ($what) = @_;
	push @wrong, $what;
	print "  WRONG: $what\n";
	return;
}

# ---- filters ----------------------------------------------------------------

# Ours, with the limits out of the way: so many ranges in all of so many
# connectors, and more of them by name. c0 leaves messages as they are.
sub ours
{
	my ($scratch, %option) = @_;
	my ($name, $ranges) = @option{qw(name ranges)};
	my $milter = Milter->new($scratch, name => $name,
		defined $option{socket} ? (socket => $option{socket}) : (),
		milter => "max_sessions = 15000\n",
		main => $main,
		defaults => $defaults,
		connectors => _connectors($scratch, $ranges,
			$option{connectors}, $option{more}));
	$milter->{ranges} = $ranges;
	return $milter;
}

# All configurations have ranges in the same addresses, from 10.0.0.0 on: the
# fewer, the wider. They do not meet.
my $addresses = 1 << 22;

sub _range
{
	my ($i, $ranges) = @_;
	my $width = int $addresses / $ranges;
	return _address($i * $width + $i % 2) . '-'
	    . _address(($i + 1) * $width - 1 - $i % 3);
}

sub _address
{
	my ($number) = @_;
	return join '.', unpack 'C4', pack 'N', (10 << 24) + $number;
}

sub _connectors
{
	my ($scratch, $ranges, $connectors, $more) = @_;
	my %connectors = %{ $more // {} };
	for my $c (0 .. $connectors - 1) {
		my @own = map { _range($c + $_ * $connectors, $ranges) }
		    0 .. $ranges / $connectors - 1;
		my $list = $own[0];
		$list = '@' . $scratch->write("lists/$ranges.$c",
			join '', map { "$_\n" } @own) if @own > 1;
		$connectors{"c$c"} = "remote_ip_ranges = $list\n";
	}
	$connectors{c0} .= "stamp = no\n";
	return \%connectors;
}

# Client number k of range number i.
sub client
{
	my ($ranges, $i, $k) = @_;
	my $width = int $addresses / $ranges;
	return _address($i * $width + 1 + $k * 7919 % ($width - 4));
}

# $count clients over all ranges: a file for load -A; when $named, with the
# connector that a refusal has to name.
sub clients
{
	my ($scratch, $ours, $count, $named) = @_;
	my ($ranges, $connectors) = ($ours->{ranges},
		scalar keys %{ $ours->{connectors} });
	my $lines = '';
	for my $k (0 .. $count - 1) {
		my $i = int $k * $ranges / $count;
		$lines .= client($ranges, $i, $k);
		$lines .= " [connector c" . $i % $connectors . ',' if $named;
		$lines .= "\n";
	}
	return $scratch->write("clients/$ours->{name}." . ($named ? 1 : 0),
		$lines);
}

# What the filter at the socket negotiates, as arguments of bare.
sub negotiated
{
	my ($socket) = @_;
	my $line = Scratch::slurp_command(Milter::program('bench/load'), '-p',
		$socket);
	die "nothing negotiated at $socket\n" unless $line =~ /^0x/;
	chomp $line;
	return map { s/^'|'$//gr } $line =~ /'[^']*'|\S+/g;
}

# The bare filter, with the negotiation of the one at the socket $like.
sub bare
{
	my ($scratch, $name, $socket, $like, @under) = @_;
	my $pid = Scratch::spawn({ err => $scratch->path("$name.log") }, @under,
		Milter::program('bench/bare'), $socket, 'refused.test',
		'550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
		. 'domain', negotiated($like));
	my $self = bless { pid => $pid, socket => $socket }, 'Milter';
	Scratch::wait_for(20, sub { $self->answers })
	    or die "the bare filter does not start\n";
	return $self;
}

# ---- load -------------------------------------------------------------------

# The figures of a run of load, by name.
sub load
{
	my ($socket, @argument) = @_;
	return figures(Scratch::slurp_command(Milter::program('bench/load'),
		@argument, $socket), "load @argument $socket");
}

sub figures
{
	my ($line, $what) = @_;
	my %figure = $line =~ /(\w+)=(\S+)/g;
	note_wrong($what) if !%figure || $figure{wrong};
	return \%figure;
}

# Starts load; the returned function waits for it and gives its figures.
sub load_beside
{
	my ($scratch, $socket, @argument) = @_;
	my $out = $scratch->path('beside.' . time);
	my $pid = Scratch::spawn({ out => $out, err => $out },
		Milter::program('bench/load'), @argument, $socket);
	return sub {
		Scratch::reap($pid, 60);
		return figures(Scratch::slurp($out), "load @argument $socket");
	};
}

# Parks sessions until the returned function is called.
sub park
{
	my ($socket, $count, @argument) = @_;
	pipe my $wait, my $end or die "pipe: $!\n";
	$end->autoflush(1);
	my $program = Milter::program('bench/load');
	my $pid = open my $from, '-|';
	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		close $end;
		open STDIN, '<&', $wait or exit 127;
		exec { $program } $program, '-P', $count, @argument, $socket;
		exit 127;
	}
	close $wait;
	figures(scalar <$from> // '', "load -P $count $socket");
	return sub {
		close $end;
		close $from;
	};
}

# ---- processes --------------------------------------------------------------

# Nanoseconds of CPU that all threads of a process used so far: its own clock.
sub cpu
{
	my ($pid) = @_;
	use integer;
	my $clock = (-1 - $pid) * 8 | 2;
	no integer;
	return clock_gettime($clock) * 1e9;
}

# Memory in use, in bytes.
sub rss
{
	my ($pid) = @_;
	my ($kb) = Scratch::slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
	return ($kb // 0) * 1024;
}

# Threads.
sub threads
{
	my ($pid) = @_;
	my @task = glob "/proc/$pid/task/*";
	return scalar @task;
}

sub have
{
	my ($program) = @_;
	return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# ---- rounds -----------------------------------------------------------------

# Runs every case once a round, in turn from both ends, and leaves out the
# first round. cases: name => sub returning { figure => value }; gives
# name => { figure => [value of each round] }.
sub rounds
{
	my ($count, @cases) = @_;
	my %series;
	for my $round (0 .. $count) {
		my @pairs = map { [@cases[2 * $_, 2 * $_ + 1]] }
		    0 .. $#cases / 2;
		@pairs = reverse @pairs if $round % 2;
		for my $pair (@pairs) {
			my ($name, $work) = @$pair;
			my $figures = $work->();
			next if $round == 0;
			push @{ $series{$name}{$_} }, $figures->{$_}
			    for keys %$figures;
		}
	}
	return \%series;
}

# A case: load against a filter, with its CPU a session in microseconds.
sub case
{
	my ($filter, @argument) = @_;
	return sub {
		my $before = cpu($filter->{pid});
		my $figures = load($filter->{socket}, @argument);
		$figures->{cpu} = (cpu($filter->{pid}) - $before) / 1e3
		    / ($figures->{sessions} || 1);
		return $figures;
	};
}

1;
