#!/usr/bin/perl
# death.t - the milter dies under a running Postfix: nothing is relayed that
# should not be, nothing that was accepted is lost, and it recovers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Milter;
use Play;
use Scratch;

my $play = Play->new(listeners => {
	mx => {},
	bypass => { options => { smtpd_milters => '' } },
	yes => {},
	garbage => {},
	mute => {},
});
my $port = join ', ', map { '0.0.0.0:' . $play->port($_) } qw(mx bypass yes
	garbage mute);
my $milter = Milter->new($play->scratch,
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { internet => <<"END", relay => <<"END" });
usage            = internet
bindings         = $port
remote_ip_ranges = 0.0.0.0/0
END
bindings             = $port
remote_ip_ranges     = 127.0.0.8/29
permission_groups    = anonymous_users
accept_any_recipient = anonymous
relay_to             = partner.example
END

my $dead = '451 4.7.1 Service unavailable - try again later';
my $outside = '203.0.113.9';
my $relay = '127.0.0.9';
my $denied = qr/^554 5\.7\.1 <[^>]+>: Relay access denied$/;
my $text = "Subject: one\n\ntext\n";

# ---- impostors: programs in the milter's place ------------------------------

sub frame
{
	return pack 'N/a*', join '', @_;
}

# What each says to whatever it is told.
my %impostors = (
	yes => sub {
		my ($bytes) = @_;
		return $bytes =~ /^....O/s ? frame('O', pack 'N3', 6, 0, 0)
		    : $bytes =~ /^....D/s ? '' : frame('a');
	},
	garbage => sub { return join '', map { chr int rand 256 } 1 .. 64 },
	mute => sub { return '' },
);

# Takes one packet after the other from any number of peers.
# The one that is mute is not waited for; the others answer, in their time.
sub impersonate
{
	my ($name) = @_;
	my $patience = $name eq 'mute' ? '1s' : '60s';
	my $inet = Scratch::free_port('127.0.0.1');
	my $listener = Scratch::listen_on('127.0.0.1', $inet);
	Scratch::worker(sub {
		$SIG{CHLD} = 'IGNORE';
		while (my $peer = $listener->accept) {
			converse($peer, $impostors{$name}) unless fork;
		}
	});
	$play->{listeners}{$name}{options} = {
		smtpd_milters => "inet:127.0.0.1:$inet",
		milter_command_timeout => $patience,
		milter_connect_timeout => '60s',
	};
	return;
}

sub converse
{
	my ($peer, $answer) = @_;
	alarm 600;
	while (sysread $peer, my $head, 4) {
		sysread $peer, my $body, unpack 'N', $head;
		my $reply = $answer->($head . ($body // ''));
		last unless !length $reply || syswrite $peer, $reply;
	}
	POSIX::_exit(0);
}

impersonate($_) for sort keys %impostors;
$milter->start;
$play->raise($milter);

# ---- death at each point of a session ---------------------------------------

# The steps of a session; the milter dies before the step with that index.
my @steps = (
	['connect', sub { $_[0]{smtp} = $play->stranger('mx', $_[1]); '250' }],
	['EHLO', sub { $_[0]{smtp}->ehlo }],
	['MAIL', sub { $_[0]{smtp}->mail('ada@sender.example') }],
	['first RCPT', sub { $_[0]{smtp}->rcpt('alice@example.com') }],
	['second RCPT', sub { $_[0]{smtp}->rcpt('x@partner.example') }],
	['DATA', sub { $_[0]{smtp}->cmd('DATA') }],
	['final dot', sub { $_[0]{smtp}->cmd("Subject: x\r\n\r\ntext\r\n.") }],
);

for my $death (0 .. $#steps) {
	subtest "dead before $steps[$death][0]" => sub {
		$play->forget;
		my %talk;
		my $last;
		for my $i (0 .. $#steps) {
			$milter->kill if $i == $death;
			my ($name, $step) = @{ $steps[$i] };
			$last = $step->(\%talk, $relay);
			if ($i < $death) {
				like $last, qr/^[23]/, "$name, alive";
			} elsif ($name =~ /MAIL|RCPT|dot/) {
				like $last, qr/^[45]\d\d /, "$name, dead";
			}
			# The milter is not asked at DATA.
			last if $name eq 'DATA' && $last !~ /^354/;
		}
		is $play->client('mx', $outside)->mail('ada@sender.example'),
		    $dead, 'the next session is deferred';
		is $play->client('mx', $relay)->mail('ada@sender.example'),
		    $dead, '... that of a relay client too';
		$milter->start;
		like $talk{smtp}->cmd('RSET'), qr/^250|closed/,
		    'the old session goes on or is over';
		like $play->client('mx', $relay)->deliver('ada@sender.example',
			['x@partner.example'], $text), qr/^250 2\.0\.0/,
		    'alive again, a message is accepted';
		is_deeply $play->arrived_for, ['x@partner.example'],
		    'and it alone arrived';
	};
}

# ---- death under load -------------------------------------------------------

# One message after the other until the file $over is there, each with its
# number; a line "number recipient reply" for each goes to the other file.
sub load
{
	my ($name, $path, $over) = @_;
	open my $file, '>', $path or die "$path: $!\n";
	$file->autoflush;
	for (my $n = 0; !-e $over; $n++) {
		my $to = $n % 3 ? 'x@partner.example' : 'x@foreign.example';
		my $reply = eval {
			my $smtp = $play->client('mx', $relay);
			$smtp->deliver('ada@sender.example', [$to],
				"Subject: $name-$n\n\ntext\n");
		} // 'no connection';
		$reply =~ s/\n/ /g;
		print {$file} "$name-$n $to $reply\n";
	}
	return close $file;
}

subtest 'killed and started again and again under load' => sub {
	$play->forget;
	my $over = $play->scratch->path('over');
	my %file = map { $_ => $play->scratch->path("load.$_") } qw(a b c d);
	my $lines = sub { map { split /\n/, Scratch::slurp($_) } values %file };
	my @clients = map {
		my $name = $_;
		Scratch::worker(sub {
			load($name, $file{$name}, $over);
		});
	} sort keys %file;
	my $kills = 0;
	my ($enough, $most) = (time + 8, time + 120);
	srand 20261122;
	while (time < $most && (time < $enough || $kills < 5
	    || 20 > grep { / 250 / } $lines->())) {
		sleep 0.2 + rand 0.3;
		$milter->kill;
		sleep rand 0.2;
		$milter->start;
		$kills++;
	}
	$play->scratch->write('over', '');
	Scratch::reap($_, 120) for @clients;
	my @said = $lines->();
	my %accepted = map { /^(\S+) \S+ 250 / ? ($1 => 1) : () } @said;
	my @arrived = $play->arrived;
	my %times;
	$times{$_}++ for map { $_->{data} =~ /^Subject: (\S+)/m } @arrived;

	cmp_ok $kills, '>=', 5, "killed $kills times";
	cmp_ok scalar keys %accepted, '>=', 20,
	    keys(%accepted) . ' of ' . @said . ' messages were accepted';
	cmp_ok scalar(grep { / 4\d\d / } @said), '>=', 1, 'some were deferred';
	is scalar(grep { !/ [245]\d\d / } @said), 0,
	    'every client got a reply';
	is scalar(grep { / x\@foreign.* 2\d\d / } @said), 0,
	    'none was accepted that must not be';
	is_deeply [sort keys %times], [sort keys %accepted],
	    'what arrived is what was accepted';
	is scalar(grep { $_ != 1 } values %times), 0, 'each exactly once';
	is scalar(grep { "@{ $_->{to} }" ne 'x@partner.example' } @arrived), 0,
	    'and for nobody else';
	is $play->postfix->queued, 0, 'nothing is left in the queue';
};

# ---- without the milter the guard stands alone ------------------------------

my %without = (
	bypass => 'the milter left out',
	yes => 'a milter that accepts everything at connect',
);
for my $name (sort keys %without) {
	subtest "$without{$name}: the guard alone" => sub {
		$play->forget;
		my @talk = (
			[$outside, 'x@partner.example', $denied],
			['127.0.0.7', 'x@partner.example', $denied],
			['127.0.0.16', 'x@partner.example', $denied],
			[$outside, 'x%partner.example@example.com', $denied],
			[$relay, 'x@partner.example', qr/^250 2\.0\.0/],
			[$outside, 'alice@example.com', qr/^250 2\.0\.0/],
		);
		for my $talk (@talk) {
			my ($client, $to, $reply) = @$talk;
			like $play->client($name, $client)->deliver(
				'ada@sender.example', [$to], $text), $reply,
			    "$client to $to";
		}
		is_deeply $play->arrived_for,
		    ['alice@example.com', 'x@partner.example'],
		    'both accepted messages arrived';
	};
}

for my $name (qw(garbage mute)) {
	subtest "a milter that answers $name" => sub {
		$play->forget;
		for my $client ($outside, $relay) {
			my $reply = $play->client($name, $client)->deliver(
				'ada@sender.example', ['x@partner.example'],
				$text);
			like $reply, qr/^4\d\d /, "$client is deferred";
		}
		is_deeply $play->arrived_for, [], 'nothing arrived';
	};
}

done_testing;
