package Play;

# The stage of the end-to-end tests: a private Postfix, its sink, and SMTP
# clients at any address.
#
#   my $play = Play->new(listeners => { mx => {}, bypass => { options... } });
#   my $port = $play->port('mx');
#   $play->raise($milter);                 # Postfix with this milter's guard
#   my $smtp = $play->client('mx', '203.0.113.9', NAME => 'host.example');
#
# A client in 127.0.0.0/8 is a real one; others come by XCLIENT. Words in
# capitals are further XCLIENT attributes.

use strict;
use warnings;

use Exporter qw(import);
use Milter;
use Postfix;
use Scratch;
use Sink;
use Smtp;
use Test::More;

our @EXPORT_OK = qw(guarded tagged);

# Ends the whole test where it cannot run.
sub new
{
	my ($class, %option) = @_;
	my $why = Postfix::unavailable();
	plan skip_all => $why if defined $why;
	my $scratch = Scratch->new;
	my $self = bless { %option, scratch => $scratch }, $class;
	$self->{sink} = Sink->new($scratch);
	for my $listener (values %{ $self->{listeners} }) {
		$listener->{address} //= '127.0.0.1';
		$listener->{port} = Scratch::free_port($listener->{address});
	}
	return $self;
}

sub scratch
{
	my ($self) = @_;
	return $self->{scratch};
}

sub sink
{
	my ($self) = @_;
	return $self->{sink};
}

sub postfix
{
	my ($self) = @_;
	return $self->{postfix};
}

sub port
{
	my ($self, $name) = @_;
	return $self->{listeners}{$name}{port};
}

# Starts Postfix with this milter, which may be running, and the relay guard of
# its configuration; takes more options of Postfix->new.
sub raise
{
	my ($self, $milter, %option) = @_;
	my $guard = Scratch::slurp_command(Milter::program('connectorctl'),
		qw(mta postfix guard --config), $milter->config);
	$self->{postfix} = Postfix->new($self->{scratch},
		sink => $self->{sink}->port,
		milter => $milter->for_postfix,
		guard => $self->{scratch}->write('guard.cidr', $guard),
		listeners => [values %{ $self->{listeners} }],
		%option,
	);
	return $self->{postfix}->start;
}

# A client that has been greeted and has not yet said EHLO.
sub stranger
{
	my ($self, $name, $client, %attribute) = @_;
	my $listener = $self->{listeners}{$name};
	my $real = $client =~ /^127\./ || $client eq '::1';
	my $smtp = Smtp->new($listener->{address}, $listener->{port},
		$real ? (from => $client) : ());
	return $smtp if $real && !%attribute;
	$smtp->xclient(NAME => '[UNAVAILABLE]',
		ADDR => ($client =~ /:/ ? "IPV6:$client" : $client),
		%attribute);
	return $smtp;
}

sub client
{
	my ($self, @who) = @_;
	my $smtp = $self->stranger(@who);
	$smtp->ehlo;
	return $smtp;
}

# A client over TLS, greeted again.
sub encrypted
{
	my ($self, @who) = @_;
	my $smtp = $self->client(@who);
	$smtp->starttls($self->{postfix}->ca);
	$smtp->ehlo;
	return $smtp;
}

# Every message that arrived at the sink, once nothing is left in the queue.
sub arrived
{
	my ($self) = @_;
	Scratch::wait_for(60, sub { !$self->{postfix}->queued });
	return $self->{sink}->messages;
}

# The same, as a sorted list of recipients.
sub arrived_for
{
	my ($self) = @_;
	return [sort map { @{ $_->{to} } } $self->arrived];
}

# Forgets them all, also those that are still on their way.
sub forget
{
	my ($self) = @_;
	$self->arrived;
	return $self->{sink}->forget;
}

# What Postfix itself says of a recipient that the guard keeps out.
sub guarded
{
	return "554 5.7.1 <$_[0]>: Relay access denied";
}

# A reply as the milter gives it, naming connector and rule.
sub tagged
{
	my ($text, $connector, $rule) = @_;
	return "$text [connector $connector, rule $rule]";
}

1;
