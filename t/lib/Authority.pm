package Authority;

# A certificate authority of a test's own, good for a day.
#
#   my $authority = Authority->new($scratch);
#   $authority->file;                                   # its certificate
#   my $id = $authority->issue('client.example.com');   # { cert, key }
#   my $id = $authority->self_signed('client.example.com');
#   my $id = $authority->issue('c', subject => '/O=Client/CN=c');

use strict;
use warnings;

use Scratch;

my @new = (qw(req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes),
    '-utf8', '-subj');

sub new
{
	my ($class, $scratch, $name) = @_;
	my $self = bless {
		folder => $scratch->folder($name // 'authority'),
		issued => 0,
	}, $class;
	$self->_certify('ca', '/O=Test CA/CN=Test CA');
	return $self;
}

sub file
{
	my ($self) = @_;
	return "$self->{folder}/ca.pem";
}

# A certificate that this authority signed.
sub issue
{
	my ($self, $name, %option) = @_;
	my $file = $self->_next;
	my $path = "$self->{folder}/$file";
	_run('openssl', @new, $option{subject} // "/CN=$name",
		'-keyout', "$path.key", '-out', "$path.csr");
	_run(qw(openssl x509 -req -days 1), '-set_serial', $self->{issued} + 1,
		'-CA', $self->file, '-CAkey', "$self->{folder}/ca.key",
		'-in', "$path.csr", '-out', "$path.pem");
	return { cert => "$path.pem", key => "$path.key" };
}

# One that nobody vouches for.
sub self_signed
{
	my ($self, $name, %option) = @_;
	return $self->_certify($self->_next, $option{subject} // "/CN=$name");
}

sub _next
{
	my ($self) = @_;
	return 'id' . ++$self->{issued};
}

sub _certify
{
	my ($self, $file, $subject) = @_;
	my $path = "$self->{folder}/$file";
	_run('openssl', @new, $subject, qw(-x509 -days 1),
		'-keyout', "$path.key", '-out', "$path.pem");
	return { cert => "$path.pem", key => "$path.key" };
}

# Silent, and fatal when it fails.
sub _run
{
	my (@command) = @_;
	my $status = Scratch::reap(Scratch::spawn({}, @command), 60);
	die "@command: failed\n" if !defined $status || $status;
	return;
}

1;
