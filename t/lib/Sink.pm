package Sink;

# A real SMTP server that takes every message and keeps it in a file, so that
# a test counts what arrived, not what somebody promised to send.
#
#   my $sink = Sink->new($scratch);      # listens on 127.0.0.1, $sink->port
#   my @messages = $sink->wait_for(2);   # { from, to => [...], data }

use strict;
use warnings;

use File::Basename qw(basename);
use IO::Select;
use Scratch;

sub new
{
	my ($class, $scratch, $name) = @_;
	my $port = Scratch::free_port('127.0.0.1');
	my $listener = Scratch::listen_on('127.0.0.1', $port)
	    or die "sink: port $port: $!\n";
	my $self = bless {
		folder => $scratch->folder($name // 'sink'),
		port => $port,
	}, $class;
	Scratch::worker(sub { $self->_serve($listener) });
	return $self;
}

sub port
{
	my ($self) = @_;
	return $self->{port};
}

# Every message that arrived, in order of arrival.
sub messages
{
	my ($self) = @_;
	return map { _parse(Scratch::slurp($_)) } sort glob "$self->{folder}/*";
}

sub count
{
	my ($self) = @_;
	return scalar(() = glob "$self->{folder}/*");
}

# All messages, as soon as there are that many, at the latest after $seconds.
sub wait_for
{
	my ($self, $count, $seconds) = @_;
	Scratch::wait_for($seconds // 60, sub { $self->count >= $count });
	return $self->messages;
}

sub forget
{
	my ($self) = @_;
	return unlink glob "$self->{folder}/*";
}

sub _parse
{
	my ($text) = @_;
	my ($envelope, $data) = split /\n\n/, $text, 2;
	my ($from, @to) = split /\n/, $envelope, -1;
	return { from => $from, to => \@to, data => $data };
}

# ---- the server, in a process of its own ------------------------------------

sub _serve
{
	my ($self, $listener) = @_;
	my $select = IO::Select->new($listener);
	my %peers;
	while (my @ready = $select->can_read) {
		for my $handle (@ready) {
			if ($handle == $listener) {
				my $peer = $listener->accept or next;
				$peers{$peer} = { input => '' };
				$select->add($peer);
				_say($peer, '220 sink');
			} elsif (!$self->_read($handle, $peers{$handle})) {
				$select->remove($handle);
				delete $peers{$handle};
				close $handle;
			}
		}
	}
	return;
}

sub _say
{
	my ($handle, $line) = @_;
	return syswrite $handle, "$line\r\n";
}

# False when the connection is over.
sub _read
{
	my ($self, $handle, $peer) = @_;
	sysread $handle, $peer->{input}, 65_536, length $peer->{input}
	    or return 0;
	while ($peer->{input} =~ s/^(.*?)\r\n//s) {
		my $reply = defined $peer->{data}
		    ? $self->_content($peer, $1) : _command($peer, $1);
		next unless defined $reply;
		_say($handle, $reply) or return 0;
		return 0 if $reply =~ /^221/;
	}
	return 1;
}

sub _command
{
	my ($peer, $line) = @_;
	my %extensions = (EHLO => "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8");
	my $verb = uc substr $line, 0, 4;
	if ($verb eq 'MAIL') {
		@$peer{qw(from to)} = ($line =~ /<(.*?)>/, []);
	} elsif ($verb eq 'RCPT') {
		push @{ $peer->{to} }, $line =~ /<(.*)>/;
	} elsif ($verb eq 'DATA') {
		$peer->{data} = '';
		return '354 go on';
	}
	return $verb eq 'QUIT' ? '221 bye' : $extensions{$verb} // '250 ok';
}

sub _content
{
	my ($self, $peer, $line) = @_;
	if ($line ne '.') {
		$line =~ s/^\.//;
		$peer->{data} .= "$line\n";
		return undef;
	}
	$self->_keep($peer);
	delete $peer->{data};
	return '250 taken';
}

# Moved into place whole, so that a reader never sees half a message.
sub _keep
{
	my ($self, $peer) = @_;
	my $path = sprintf '%s/%06d', $self->{folder}, ++$self->{taken};
	my $fresh = "$self->{folder}/." . basename($path);
	open my $file, '>:raw', $fresh or return;
	print {$file} join("\n", $peer->{from}, @{ $peer->{to} }),
	    "\n\n", $peer->{data};
	close $file;
	return rename $fresh, $path;
}

1;
