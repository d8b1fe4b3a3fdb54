package Smtp;

# An SMTP client that says exactly what it is told and returns exactly what it
# was answered. It never waits for ever: a reply that does not come is
# "timeout", one that cannot come any more is "closed".
#
#   my $smtp = Smtp->new('127.0.0.1', $port, from => '127.0.0.5');
#   $smtp->greeting;
#   $smtp->xclient(ADDR => '203.0.113.9', NAME => 'host.example');
#   $smtp->ehlo('host.example');
#   $smtp->starttls($ca_file);
#   $smtp->auth_plain('alice', 'secret');
#   print $smtp->cmd('MAIL FROM:<a@b.example>');   # "250 2.1.0 Ok"
#   print $smtp->message("Subject: x\n\ntext\n");  # DATA to the final dot
#
# The lines of a reply are joined by "\n".

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

sub new
{
	my ($class, $host, $port, %option) = @_;
	my $handle = IO::Socket::IP->new(
		PeerHost => $host,
		PeerPort => $port,
		Timeout => 60,
		defined $option{from} ? (LocalHost => $option{from}) : (),
	) or die "connect to $host port $port: $@\n";
	$handle->blocking(0);
	my $self = bless {
		handle => $handle,
		timeout => $option{timeout} // 60,
		input => '',
	}, $class;
	$self->{greeting} = $self->reply;
	return $self;
}

sub greeting
{
	my ($self) = @_;
	return $self->{greeting};
}

# Waits so many seconds for anything from now on.
sub patience
{
	my ($self, $seconds) = @_;
	$self->{timeout} = $seconds;
	return;
}

sub local_port
{
	my ($self) = @_;
	return $self->{handle}->sockport;
}

# Sends one command line and returns the reply.
sub cmd
{
	my ($self, $line) = @_;
	$self->send_raw("$line\r\n");
	return $self->reply;
}

sub ehlo
{
	my ($self, $name) = @_;
	return $self->cmd('EHLO ' . ($name // 'client.example'));
}

# Plays a client at another address; the reply is the new greeting.
sub xclient
{
	my ($self, %attribute) = @_;
	my @words = map { "$_=" . _xtext($attribute{$_}) } sort keys %attribute;
	return $self->cmd("XCLIENT @words");
}

sub _xtext
{
	my ($text) = @_;
	$text =~ s/([^!-*,-<>-~])/sprintf '+%02X', ord $1/ge;
	return $text;
}

# The server must be good for the certificate authority in $ca. identity: the
# client's own { cert, key }, if it has any.
sub starttls
{
	my ($self, $ca, $identity) = @_;
	require IO::Socket::SSL;
	my $reply = $self->cmd('STARTTLS');
	return $reply unless $reply =~ /^220/;
	$self->{handle}->blocking(1);
	IO::Socket::SSL->start_SSL(
		$self->{handle},
		SSL_ca_file => $ca,
		SSL_verifycn_scheme => 'none',
		defined $identity ? (SSL_cert_file => $identity->{cert},
			SSL_key_file => $identity->{key}) : (),
		Timeout => $self->{timeout},
	) or return 'handshake failed: ' . IO::Socket::SSL::errstr();
	$self->{handle}->blocking(0);
	return $reply;
}

sub auth_plain
{
	my ($self, $login, $password) = @_;
	return $self->cmd('AUTH PLAIN '
	    . encode_base64("\0$login\0$password", ''));
}

sub mail
{
	my ($self, $sender, @parameters) = @_;
	return $self->cmd(join ' ', "MAIL FROM:<$sender>", @parameters);
}

sub rcpt
{
	my ($self, $recipient, @parameters) = @_;
	return $self->cmd(join ' ', "RCPT TO:<$recipient>", @parameters);
}

# DATA, the text (lines ended by "\n"), the final dot. The last reply.
sub message
{
	my ($self, $text) = @_;
	my $reply = $self->cmd('DATA');
	return $reply unless $reply =~ /^354/;
	$text //= "Subject: test\n\ntext\n";
	$text =~ s/^\./../mg;
	$text =~ s/\n/\r\n/g;
	return $self->cmd("$text.");
}

# A whole transaction; the first refusal, or the reply to the final dot.
sub deliver
{
	my ($self, $sender, $recipients, $text) = @_;
	my @step = (
		sub { $self->mail($sender) },
		map { my $to = $_; sub { $self->rcpt($to) } } @$recipients,
	);
	for my $step (@step) {
		my $reply = $step->();
		return $reply unless $reply =~ /^2/;
	}
	return $self->message($text);
}

sub quit
{
	my ($self) = @_;
	my $reply = $self->cmd('QUIT');
	$self->close;
	return $reply;
}

sub close
{
	my ($self) = @_;
	return CORE::close $self->{handle};
}

sub send_raw
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $deadline = time + $self->{timeout};
	while (length $bytes) {
		my $sent = syswrite $self->{handle}, $bytes;
		substr($bytes, 0, $sent, ''), next if $sent;
		return 0 unless defined $sent || $!{EAGAIN};
		return 0 unless $self->_wait('can_write', $deadline);
	}
	return 1;
}

# The next whole reply.
sub reply
{
	my ($self) = @_;
	my $deadline = time + $self->{timeout};
	my @lines;
	while (1) {
		while ($self->{input} =~ s/^(.*?)\r?\n//) {
			push @lines, $1;
			return join "\n", @lines if $1 =~ /^\d{3}(?: |$)/;
		}
		my $trouble = $self->_read($deadline) // next;
		return $trouble;
	}
}

# undef, or "timeout" or "closed".
sub _read
{
	my ($self, $deadline) = @_;
	my $got = sysread $self->{handle}, $self->{input}, 16_384,
	    length $self->{input};
	return undef if $got;
	return 'closed' if defined $got || !($!{EAGAIN} || $!{EINTR});
	return $self->_wait('can_read', $deadline) ? undef : 'timeout';
}

sub _wait
{
	my ($self, $direction, $deadline) = @_;
	my $left = $deadline - time;
	return $left > 0
	    && IO::Select->new($self->{handle})->$direction($left);
}

1;
