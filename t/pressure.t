#!/usr/bin/perl
# pressure.t - back pressure on a disk that really fills, on a queue that grows,
# and where they cannot be looked at.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Milter;
use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);
use Volume;

my $not_alone = Volume::alone();

my $scratch = Scratch->new;
my $organization = "[organization]\naccepted_domains = example.com\n\n";
my %connectors = (
	internet => <<'END',
usage            = internet
bindings         = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
END
	trusted => <<'END',
usage            = externally_secured
bindings         = 0.0.0.0:25
remote_ip_ranges = 10.0.0.0/24
END
	watched => <<'END',
mode             = monitor
usage            = internet
bindings         = 0.0.0.0:25
remote_ip_ranges = 198.51.100.0/24
END
);
my $ok = 'continue';

sub deferred
{
	return "452 4.3.1 Insufficient system resources [connector $_[0], "
	    . 'rule back_pressure]';
}

sub undecided
{
	return '451 4.3.0 Cannot decide now, please try again later '
	    . "[connector $_[0], rule back_pressure]";
}

# A daemon under pressure of these resources alone.
sub daemon
{
	my ($name, $folder, %borders) = @_;
	my $control = $scratch->folder("$name.control") . '/control.sock';
	chown scalar getpwnam('nobody'), -1, $scratch->path("$name.control")
	    if $> == 0;
	my %setting = (disk => '', free_disk => '', memory => '',
		queue_length => '', queue_directory => $folder, %borders);
	return Milter->new($scratch, name => $name,
		connectors => \%connectors,
		milter => "control_socket = $control\n",
		main => $organization . "[back_pressure]\n"
		    . join '', map { "$_ = $setting{$_}\n" } sort keys %setting);
}

sub ctl
{
	my ($daemon, @words) = @_;
	return Scratch::slurp_command(Milter::program('connectorctl'), @words,
		'--config', $daemon->config);
}

# Of the resource: level and value, and the level of all.
sub reading
{
	my ($daemon, $name) = @_;
	my $pressure = $daemon->status->{back_pressure};
	my ($row) = grep { $_->{name} eq $name } @{ $pressure->{resources} };
	return ($row->{level}, $row->{value}, $pressure->{level});
}

# Waits until the daemon has seen it, and says what level that is.
sub seen
{
	my ($daemon, $name, $is_it) = @_;
	my ($level, $value, $worst);
	Scratch::wait_for(60, sub {
		($level, $value, $worst) = reading($daemon, $name);
		return $is_it->($value // -1);
	});
	is($worst, $level, "$name: no other resource is worse");
	return $level;
}

sub mail
{
	my ($daemon, $client) = @_;
	my $wire = begin($daemon);
	$wire->connect(client => $client);
	$wire->helo('client.example');
	my $answer = $wire->mail('<ada@sender.example>');
	$wire->quit;
	return $answer->{reply} // $answer->{verdict};
}

# What strangers, our own servers, and those who are only watched are told.
sub answers_are
{
	my ($daemon, $what, $stranger, $server) = @_;
	is(mail($daemon, '203.0.113.9'), $stranger, "$what: a stranger");
	is(mail($daemon, '10.0.0.9'), $server, "$what: a server of ours");
	is(mail($daemon, '198.51.100.9'), $ok, "$what: one who is watched");
	return;
}

my %answers = (
	low => [$ok, $ok],
	medium => [deferred('internet'), $ok],
	high => [deferred('internet'), deferred('trusted')],
	unknown => [undecided('internet'), undecided('trusted')],
);

# ---- a queue that grows, while the disk is filled ----------------------------

my $queue = $scratch->folder('spool');
my $messages = 0;

# Files as Postfix has them, in several folders; what is no message stays.
sub queue_of
{
	my ($count) = @_;
	my @folders = qw(incoming active deferred/A deferred/7);
	$scratch->folder("spool/$_") for @folders;
	$scratch->write("spool/defer/A/X$_", 'x') for 1 .. 50;
	for my $n (1 .. $messages, $messages + 1 .. $count) {
		my $file = "spool/$folders[$n % @folders]/A$n";
		$scratch->write($file, 'x') if $n <= $count;
		unlink $scratch->path($file) if $n > $count;
	}
	$messages = $count;
	return;
}

sub queue_is
{
	my ($daemon, $count, $level) = @_;
	my $counted = $count > 30 ? 30 : $count;
	is(seen($daemon, 'queue_length', sub { $_[0] == $counted }), $level,
	    "$count messages: $level");
	answers_are($daemon, "$count messages", @{ $answers{$level} });
	return;
}

queue_of(5);
my $long = daemon('long', $queue, queue_length => '10 30 20 4');
$long->start;
queue_is($long, 5, 'low');
queue_of(12);

# ---- a disk that fills ------------------------------------------------------

my ($volume, $disk, $free);

# While it is filled nobody looks: every level on the way would be logged, too.
sub at_once
{
	my ($work) = @_;
	for my $daemon ($disk, $free) {
		$daemon->signal('STOP');
		my $folder = '/proc/' . $daemon->pid . '/task';
		Scratch::wait_for(60, sub {
			!grep { !/^State:\s*T/m } map { Scratch::slurp($_) }
			    glob "$folder/*/status";
		});
	}
	$work->();
	$_->signal('CONT') for $disk, $free;
	return;
}

# Fills it to so many per cent; the levels of disk, and of free_disk by what is
# left.
sub fill
{
	my ($percent, @levels) = @_;
	my $bytes = 16_777_216 * (100 - $percent) / 100;
	my $what = "$percent per cent";
	at_once(sub { $volume->fill($percent) });
	is(seen($disk, 'disk', sub { abs($_[0] - 10 * $percent) <= 2 }),
	    $levels[0], "$what: disk is $levels[0]");
	answers_are($disk, $what, @{ $answers{$levels[0]} });
	is(seen($free, 'free_disk', sub { abs($_[0] - $bytes) <= 8_192 }),
	    $levels[1], "$what: free_disk is $levels[1]");
	answers_are($free, $what, @{ $answers{$levels[1]} });
	return;
}

# What it has said of back pressure since its start.
sub said
{
	my ($daemon) = @_;
	return map { /^connector-milter: back pressure: (.*)/ ? $1 : () }
	    split /\n/, $daemon->log;
}

SKIP: {
	skip $not_alone, 1 if defined $not_alone;
	$volume = Volume->new($scratch, 'volume', 16);
	$disk = daemon('disk', $volume->path, disk => '60 80 70 50');
	$free = daemon('free', $volume->path, free_disk => '6M 3M 5M 8M');
	$_->start for $disk, $free;
	fill(59, 'low', 'low');
	fill(63, 'medium', 'medium');
	fill(78, 'medium', 'medium');
	fill(82, 'high', 'high');
	fill(75, 'high', 'high');
}

queue_is($long, 12, 'medium');
queue_of(40);

SKIP: {
	skip $not_alone, 1 if defined $not_alone;
	fill(69, 'medium', 'high');
	fill(51, 'medium', 'medium');
	fill(49, 'low', 'low');
	fill(100, 'high', 'high');
	fill(0, 'low', 'low');
	is_deeply([map { s/(\d)\.\d per/$1 per/r } said($disk)], [
		'disk is medium: 63 per cent in use (medium from 60)',
		'disk is high: 82 per cent in use (high from 80)',
		'disk is medium: 69 per cent in use (medium again from 70)',
		'disk is low: 49 per cent in use (low again from 50)',
		'disk is high: 100 per cent in use (high from 80)',
		'disk is low: 0 per cent in use (low again from 50)',
	], 'disk: a line for each change of level, and no other');
	is_deeply([said($free)], [
		'free_disk is medium: 5.9M free (medium from 6M)',
		'free_disk is high: 2.8M free (high from 3M)',
		'free_disk is medium: 7.8M free (medium again from 5M)',
		'free_disk is low: 8.1M free (low again from 8M)',
		'free_disk is high: 0 free (high from 3M)',
		'free_disk is low: 16M free (low again from 8M)',
	], 'free_disk: a line for each change of level, and no other');
	my @lines = grep { / rule=back_pressure / } split /\n/, $disk->log;
	my @refused = grep { / stage=mail verdict=tempfail / } @lines;
	is(scalar @refused, 10, 'each refusal is logged');
	is(scalar(grep { / reply="\Q@{[deferred('internet')]}\E" / }
	    @refused), 7, '... of strangers');
	is(scalar(grep { / reply="\Q@{[deferred('trusted')]}\E" / }
	    @refused), 3, '... and of our servers');
	is(scalar(grep { /=watched .* verdict=would-tempfail / } @lines), 7,
	    'and what would be one');
	my ($row) = grep { $_->{rule} eq 'back_pressure'
	    && $_->{verdict} eq 'tempfail' }
	    @{ $disk->status->{verdicts} };
	is($row->{count}, 10, 'the status counts as many');
	like(ctl($disk, 'status'), qr/^back pressure +low\b/m,
	    'status for people');
	is($_->stop, 0, 'the daemon stops') for $disk, $free;
}

queue_is($long, 40, 'high');
queue_of(4);

# ---- what cannot be looked at -----------------------------------------------

# Runs the daemon; its exit status and what it said.
sub run
{
	my ($daemon) = @_;
	my $err = $scratch->path('err');
	unlink $err;
	delete local $ENV{JOURNAL_STREAM};
	my $pid = Scratch::spawn({ err => $err },
		Milter::program('connector-milter'), '-c', $daemon->config);
	my $status = Scratch::reap($pid, 60);
	return (Scratch::stop($pid, 'TERM') // 'hangs', Scratch::slurp($err))
	    if !defined $status;
	return ($status >> 8, Scratch::slurp($err));
}

SKIP: {
	skip 'only root has another user to run it as', 1 if $> != 0;
	my $closed = $scratch->folder('closed');
	$scratch->folder('closed/deferred/A');
	$scratch->folder('closed/active', 0700);
	my $daemon = daemon('blind', $closed, queue_length => '10 30 20 4');
	my ($status, $said) = run($daemon);
	is($status, 77, 'a queue of others: exit status');
	is($said, 'connector-milter: back pressure: queue_length cannot be '
	    . "read: Permission denied; mail is deferred\n"
	    . "connector-milter: back pressure has to be measured and cannot "
	    . "be: not started\n", 'a queue of others: what it says');
	ok(!-e $daemon->socket =~ s/^unix://r, '... and its socket is gone');

	chmod 0, $closed;
	is((run($daemon))[0], 77, 'a closed folder: exit status');
	my %borders = (free_disk => '1M 500K 750K 2M');
	my $beyond = daemon('beyond', "$closed/active", %borders);
	($status, $said) = run($beyond);
	is($status, 77, 'a disk behind a closed folder: exit status');
	like($said, qr/^connector-milter: back pressure: free_disk cannot be read: Permission denied; mail is deferred$/m,
	    'a disk behind a closed folder: what it says');
	my $careless = daemon('careless', "$closed/active", %borders,
		enabled => 'no');
	$careless->start;
	answers_are($careless, 'enabled = no', $ok, $ok);
	is($careless->stop, 0, 'enabled = no: it starts and stops');

	chmod 0755, $closed, "$closed/active";
	$beyond->start;
	answers_are($beyond, 'allowed to look', @{ $answers{low} });
	chmod 0, $closed;
	ok($beyond->wait_log(qr/^back pressure: free_disk cannot be read: Permission denied; mail is deferred$/),
	    'forbidden, it says so');
	is((reading($beyond, 'free_disk'))[0], 'unknown',
	    '... in its status, too');
	answers_are($beyond, 'forbidden', @{ $answers{unknown} });
	chmod 0755, $closed;
	ok($beyond->wait_log(qr/^back pressure: free_disk is low: /),
	    'allowed again, it says so');
	answers_are($beyond, 'allowed again', @{ $answers{low} });
	is($beyond->stop, 0, 'the daemon stops');
}

queue_is($long, 4, 'low');
# It may have been counted while it grew.
is_deeply([map { s/: 1[01] in/: 12 in/r } said($long)], [
	'queue_length is medium: 12 in the queue (medium from 10)',
	'queue_length is high: 30 in the queue (high from 30)',
	'queue_length is low: 4 in the queue (low again from 4)',
], 'queue_length: a line for each change of level');
is($long->stop, 0, 'the daemon stops');

done_testing;
