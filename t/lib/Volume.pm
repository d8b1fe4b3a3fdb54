package Volume;

# A small file system that a test can fill: nobody but the test and what it
# starts sees it, and it is gone with them.
#
#   my $why = Volume::alone();       # first thing in the program
#   my $volume = Volume->new($scratch, 'disk', 16);     # MB
#   $volume->fill(65);               # per cent in use; 100 is full
#   $volume->remount('ro');

use strict;
use warnings;

use Scratch;

my @mounted;

# Before Scratch's own, which removes the folders.
END {
	system 'umount', '-l', $_ for @mounted;
}

# Starts the program once more, in a mount namespace of its own. Returns there;
# where that is not possible, returns the reason.
sub alone
{
	return undef if delete $ENV{TEST_IS_ALONE};
	return 'mounting needs root' if $> != 0;
	my @alone = qw(unshare --mount --propagation private);
	return 'a mount namespace cannot be had here'
	    if system("@alone mount -t tmpfs none /mnt >/dev/null 2>&1") != 0;
	$ENV{TEST_IS_ALONE} = 1;
	exec @alone, $^X, $0, @ARGV;
}

sub new
{
	my ($class, $scratch, $name, $megabytes, @options) = @_;
	my $self = bless {
		path => $scratch->folder($name),
		bytes => $megabytes * 1_048_576,
	}, $class;
	system('mount', '-t', 'tmpfs', '-o',
		join(',', "size=${megabytes}m,mode=0777", @options), 'none',
		$self->{path}) == 0 or die "no file system for the test\n";
	push @mounted, $self->{path};
	return $self;
}

sub path
{
	my ($self, $name) = @_;
	return defined $name ? "$self->{path}/$name" : $self->{path};
}

sub folder
{
	my ($self, $name, $mode) = @_;
	my $path = $self->path($name);
	mkdir $path or die "$path: $!\n";
	chmod $mode // 0777, $path;
	return $path;
}

# So many per cent of it are in use by one file of ours; 100 leaves no room at
# all, whoever else has files there.
sub fill
{
	my ($self, $percent) = @_;
	my $path = $self->path('filler');
	my $wanted = int $self->{bytes} * $percent / 100;
	open my $file, '+>>', $path or die "$path: $!\n";
	truncate $file, $wanted if -s $file > $wanted;
	while (-s $file < $wanted) {
		my $left = $wanted - (-s $file);
		syswrite $file, 'x' x ($left < 65_536 ? $left : 65_536)
		    or last;
	}
	return close $file;
}

sub remount
{
	my ($self, $how) = @_;
	return system('mount', '-o', "remount,$how", $self->{path}) == 0;
}

1;
