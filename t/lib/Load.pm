package Load;

# Clients that send one message after the other through a Postfix whose milter
# comes and goes, and what came of each message.
#
#   my $load = Load->new($play, clients => 4);   # they begin at once
#   ...
#   my $result = $load->end;
#   $result->judge;              # nothing lost, doubled or relayed
#   $result->{said};             # a hash for each message
#
# Every third recipient is foreign.example, which nobody may write to; all
# others are partner.example, which the client may. Of a message are known: id,
# to, mail_at (when MAIL was accepted, 0: was not), end_at and the last reply.

use strict;
use warnings;

use Scratch;
use Test::More;
use Time::HiRes qw(sleep time);

my $loads = 0;

# play: with the listener mx. client: its address, one that may relay.
sub new
{
	my ($class, $play, %option) = @_;
	my $folder = $play->scratch->folder('load' . ++$loads);
	my $self = bless {
		play => $play,
		client => '127.0.0.9',
		clients => 4,
		folder => $folder,
		over => "$folder/over",
		%option,
	}, $class;
	$play->forget;
	$self->{workers} = [map {
		my $name = "$loads.$_";
		Scratch::worker(sub { $self->_send($name) });
	} 1 .. $self->{clients}];
	return $self;
}

sub _send
{
	my ($self, $name) = @_;
	open my $file, '>', "$self->{folder}/said.$name" or die "$name: $!\n";
	$file->autoflush;
	for (my $n = 0; !-e $self->{over}; $n++) {
		my %message = (
			id => "$name-$n",
			to => $n % 3 ? 'x@partner.example' : 'x@foreign.example',
			mail_at => 0,
		);
		my $reply = eval { $self->_deliver(\%message) }
		    // 'no connection';
		$reply =~ s/\n/ /g;
		print {$file} join("\t", @message{qw(id to mail_at)}, time,
			$reply), "\n";
		# Where there is no milter there is no hurry either.
		sleep 0.02 if $reply =~ /^4/;
	}
	return close $file;
}

sub _deliver
{
	my ($self, $message) = @_;
	my $smtp = $self->{play}->client('mx', $self->{client});
	my $reply = $smtp->mail('ada@sender.example');
	return $reply if $reply !~ /^2/;
	$message->{mail_at} = time;
	$reply = $smtp->rcpt($message->{to});
	return $reply if $reply !~ /^2/;
	return $smtp->message("Subject: $message->{id}\n\ntext\n");
}

# Messages so far that were accepted.
sub accepted
{
	my ($self) = @_;
	return scalar grep { /\t250 [^\t]*$/ } map { split /\n/ }
	    map { Scratch::slurp($_) } glob "$self->{folder}/said.*";
}

# Waits until there is another one.
sub wait_accepted
{
	my ($self, $seconds) = @_;
	my $before = $self->accepted;
	return Scratch::wait_for($seconds // 60,
		sub { $self->accepted > $before });
}

# The clients end, when there is enough to judge; what they were told, and what
# arrived.
sub end
{
	my ($self) = @_;
	Scratch::wait_for(60, sub { $self->accepted >= 20 });
	open my $over, '>', $self->{over} or die "$self->{over}: $!\n";
	close $over;
	Scratch::reap($_, 120) for @{ $self->{workers} };
	for (map { split /\n/ } map { Scratch::slurp($_) }
	    glob "$self->{folder}/said.*") {
		my %message;
		@message{qw(id to mail_at end_at reply)} = split /\t/, $_, 5;
		push @{ $self->{said} }, \%message;
	}
	$self->{arrived} = [$self->{play}->arrived];
	return $self;
}

sub _replied
{
	my ($self, $pattern) = @_;
	return grep { $_->{reply} =~ $pattern } @{ $self->{said} };
}

# What arrived is what was accepted, each once and for whom it may.
sub judge
{
	my ($self) = @_;
	my @accepted = sort map { $_->{id} } $self->_replied(qr/^250 /);
	my %times;
	$times{$_}++ for map { $_->{data} =~ /^Subject: (\S+)/m }
	    @{ $self->{arrived} };
	cmp_ok scalar @accepted, '>=', 20, @accepted . ' of '
	    . @{ $self->{said} } . ' messages were accepted, '
	    . $self->_replied(qr/^4/) . ' deferred';
	is join(', ', map { $_->{reply} } @{ $self->{said} }
	    [grep { $self->{said}[$_]{reply} !~ /^[245]\d\d / }
	    0 .. $#{ $self->{said} }]), '', 'every client got a reply';
	is scalar(grep { $_->{to} =~ /foreign/ } $self->_replied(qr/^2/)), 0,
	    'none was accepted that must not be';
	is join(' ', grep { !$times{$_} } @accepted), '', 'none is lost';
	my %accepted = map { $_ => 1 } @accepted;
	is join(' ', grep { !$accepted{$_} } sort keys %times), '',
	    'none arrived that was deferred';
	is join(' ', grep { $times{$_} != 1 } sort keys %times), '',
	    'each arrived once';
	is scalar(grep { "@{ $_->{to} }" ne 'x@partner.example' }
	    @{ $self->{arrived} }), 0, 'and for nobody else';
	is $self->{play}->postfix->queued, 0, 'nothing is left in the queue';
	return;
}

# Messages that were deferred after MAIL, though that was accepted before one of
# the times at which a stop began.
sub cut_off
{
	my ($self, @stops) = @_;
	return grep {
		my $message = $_;
		$message->{mail_at} && grep { $message->{mail_at} < $_
		    && $_ < $message->{end_at} } @stops;
	} $self->_replied(qr/^4/);
}

1;
