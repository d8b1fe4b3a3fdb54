#!/usr/bin/perl
# bad.t - broken configurations: each is refused with exactly the expected
# text, all problems in one run; what stands at the very border of what is
# allowed passes in silence (an empty expect). A case is a folder of t/data/bad
# with main.ini and expect; what cannot be kept in a repository is made here.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX qw(mkfifo);
use Test::More;

my $build = abs_path($ENV{BUILD} // 'build');
my $milter = "$build/connector-milter";
my $cases = abs_path('t/data/bad');
my $scratch = tempdir(CLEANUP => 1);
my $good = "[connector a]\nbindings = 0.0.0.0:25\n"
    . "remote_ip_ranges = 10.0.0.0/24\n";
my $directory = "[directory]\nrecipients = people\n";
my $key = "[milter]\nstamp_key_file = key\n";
my $relay = "[connector a]\nbindings = 0.0.0.0:25\n"
    . "remote_ip_ranges = \@list\npermission_groups = anonymous_users\n"
    . "accept_any_recipient = anonymous\n";
my $relays = "and may relay without login; narrow it, or write "
    . "accept_open_relay = yes; accept_any_recipient is 'anonymous' "
    . "(main.ini:5)\n";

umask 022;

sub slurp {
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!";
	local $/;
	return <$in> // '';
}

sub spew {
	my ($path, $bytes) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $bytes;
	close $out or die "$path: $!";
}

# A copy whose permissions are ours to say, whatever the checkout's are.
sub copy_tree {
	my ($from, $to) = @_;
	make_path($to, { mode => 0755 });
	for my $path (glob "$from/*") {
		my $name = basename($path);
		if (-d $path) {
			copy_tree($path, "$to/$name");
		} elsif ($name ne 'expect') {
			copy($path, "$to/$name") or die "$path: $!";
			chmod $name =~ /\.key$/ ? 0600 : 0644, "$to/$name";
		}
	}
}

# The queue of a made case, which is named by its whole path.
sub queue {
	my $path = abs_path('queue');
	return "[back_pressure]\nqueue_directory = $path\n"
	    . "queue_length = 100 200 150 50\n";
}

# The first so many networks of /16, each without its last address.
sub with_gaps {
	my ($count) = @_;
	return join '', map {
		my $net = ($_ >> 8) . '.' . ($_ & 255);
		"$net.0.0-$net.255.254\n"
	} 0 .. $count - 1;
}

# Runs the check in folder: status, what it printed, what it complained of.
sub check {
	my ($folder) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		chdir $folder or die "$folder: $!";
		open STDIN, '<', '/dev/null' or die;
		open STDOUT, '>', "$scratch/out" or die;
		open STDERR, '>', "$scratch/err" or die;
		alarm 300;
		exec $milter, '-n', '-c', 'main.ini' or die "$milter: $!";
	}
	waitpid $pid, 0;
	my $status = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	return ($status, slurp("$scratch/out"), slurp("$scratch/err"));
}

sub refuses {
	my ($what, $folder, $expect) = @_;
	my $wanted = $expect =~ /: error: /m ? 78 : 0;
	my ($status, $out, $err) = check($folder);

	is($err, $expect, $what);
	is($status, $wanted, "$what: exit status $wanted");
	is($out, '', "$what: nothing on standard output");
}

for my $case (map { basename($_) } glob "$cases/*") {
	copy_tree("$cases/$case", "$scratch/$case");
	refuses($case, "$scratch/$case", slurp("$cases/$case/expect"));
}

# Each makes a folder's content; the text is what must be said, and HERE in it
# the folder.
my @made = (
	[ 'a main file that is not there', sub { },
	    "main.ini:0: error: the file cannot be opened: No such file or "
	    . "directory; correct the path or its permissions\n" ],
	[ 'an empty main file', sub { spew('main.ini', '') },
	    "main.ini:0: error: the file is empty; write at least one line, "
	    . "or do not name it\n" ],
	[ 'a directory as main file', sub { mkdir 'main.ini' },
	    "main.ini:0: error: the file is a directory; it must be a "
	    . "regular file\n" ],
	[ 'a FIFO as main file', sub { mkfifo('main.ini', 0600) },
	    "main.ini:0: error: the file is a FIFO; it must be a regular "
	    . "file\n" ],
	[ 'a symbolic link as main file',
	    sub { spew('real', $good); symlink 'real', 'main.ini' },
	    "main.ini:0: error: the file is a symbolic link; it must be a "
	    . "regular file\n" ],
	[ 'a main file that all may write',
	    sub { spew('main.ini', $good); chmod 0666, 'main.ini' },
	    "main.ini:0: error: the file can be written by group or others "
	    . "(mode 0666); run chmod go-w\n" ],
	[ 'a main file too large to be one',
	    sub { spew('main.ini', $good); truncate 'main.ini', 1 << 27 },
	    "main.ini:0: error: the file has 134217728 bytes; at most "
	    . "67108864 are read\n" ],
	[ 'a NUL byte',
	    sub { spew('main.ini', $good . "comment = a\0b\n") },
	    "main.ini:4: error: [connector a] comment: the line holds the "
	    . "control byte 0x00; remove it: a blank is a space or TAB, lines "
	    . "end in LF or CR LF\n" ],
	[ 'a NUL byte in an @FILE', sub {
		spew('main.ini', "[connector a]\nbindings = 0.0.0.0:25\n"
		    . "remote_ip_ranges = \@list\n");
		spew('list', "10.0.0.1\n10.0.0.2\0/8\n");
	    },
	    "list:2: error: [connector a] remote_ip_ranges: the line holds a "
	    . "control byte; remove it: a blank is a space or TAB, lines end "
	    . "in LF or CR LF\n" ],
	[ 'a FIFO as @FILE', sub {
		spew('main.ini', "[connector a]\nbindings = 0.0.0.0:25\n"
		    . "remote_ip_ranges = \@list\n");
		mkfifo('list', 0600);
	    },
	    "main.ini:3: error: [connector a] remote_ip_ranges: 'list' is a "
	    . "FIFO; it must be a regular file\n" ],
	[ 'a connector file that its group may write', sub {
		spew('main.ini', $good);
		mkdir 'connectors.d', 0755;
		spew('connectors.d/b.ini', "[connector b]\n");
		chmod 0664, 'connectors.d/b.ini';
	    },
	    "connectors.d/b.ini:0: error: the file can be written by group or "
	    . "others (mode 0664); run chmod go-w\n" ],
	[ 'a FIFO among the connector files', sub {
		spew('main.ini', $good);
		mkdir 'connectors.d', 0755;
		mkfifo('connectors.d/b.ini', 0600);
	    },
	    "connectors.d/b.ini:0: error: the file is a FIFO; it must be a "
	    . "regular file\n" ],
	[ 'a folder of connectors that all may write', sub {
		spew('main.ini', $good);
		mkdir 'connectors.d';
		chmod 0777, 'connectors.d';
	    },
	    "main.ini:0: error: [milter] connectors: 'connectors.d' can be "
	    . "written by group or others (mode 0777); run chmod go-w\n" ],
	[ 'a directory that all may write', sub {
		spew('main.ini', "${directory}$good");
		spew('people', "alice\@example.com\n");
		chmod 0666, 'people';
	    },
	    "main.ini:2: error: [directory] recipients: 'people' can be "
	    . "written by group or others (mode 0666); run chmod go-w\n" ],
	[ 'a directory that is a FIFO', sub {
		spew('main.ini', "${directory}$good");
		mkfifo('people', 0600);
	    },
	    "main.ini:2: error: [directory] recipients: 'people' is a FIFO; it "
	    . "must be a regular file\n" ],
	[ 'a directory that is a symbolic link', sub {
		spew('main.ini', "${directory}$good");
		symlink '/dev/null', 'people';
	    },
	    "main.ini:2: error: [directory] recipients: 'people' is a symbolic "
	    . "link; it must be a regular file\n" ],
	[ 'an empty directory', sub {
		spew('main.ini', "${directory}$good");
		spew('people', '');
	    },
	    "main.ini:2: error: [directory] recipients: 'people' is empty; "
	    . "write at least one line, or do not name it\n" ],
	[ 'a directory too large to be one', sub {
		spew('main.ini', "${directory}$good");
		spew('people', '');
		truncate 'people', (1 << 30) + 1;
	    },
	    "main.ini:2: error: [directory] recipients: 'people' has "
	    . "1073741825 bytes; at most 1073741824 are read\n" ],
	[ 'a NUL byte in a directory', sub {
		spew('main.ini', "${directory}$good");
		spew('people', "alice\@example.com\nbob\0\@example.com\n");
	    },
	    "people:2: error: the line holds the control byte 0x00; remove it: "
	    . "a blank is a space or TAB, lines end in LF or CR LF\n" ],
	[ 'a byte that is no UTF-8 in a directory', sub {
		spew('main.ini', "${directory}$good");
		spew('people', "alice\@example.com name=\xe4\n");
	    },
	    "people:1: error: the byte 0xe4 does not belong to UTF-8 text; "
	    . "save the file as UTF-8\n" ],
	[ 'a directory with more faults than anybody reads', sub {
		spew('main.ini', "${directory}$good");
		spew('people', "nobody\n" x 150);
	    },
	    join('', map { "people:$_: error: 'nobody' has no domain; write "
		    . "one such as user\@example.com\n" } 1 .. 100)
	    . "people:150: error: 50 more lines are wrong; correct the first "
	    . "100 problems and try again\n" ],
	[ 'a key that others may read', sub {
		spew('main.ini', "${key}$good");
		spew('key', "a " . 'ab' x 32 . "\n");
		chmod 0644, 'key';
	    },
	    "main.ini:2: error: [milter] stamp_key_file: 'key' holds a key, "
	    . "but others can use it or its group can write it (mode 0644); "
	    . "run chmod g-w,o=\n" ],
	[ 'a key that its group may write', sub {
		spew('main.ini', "${key}$good");
		spew('key', "a " . 'ab' x 32 . "\n");
		chmod 0660, 'key';
	    },
	    "main.ini:2: error: [milter] stamp_key_file: 'key' holds a key, "
	    . "but others can use it or its group can write it (mode 0660); "
	    . "run chmod g-w,o=\n" ],
	[ 'a key that is a FIFO', sub {
		spew('main.ini', "${key}$good");
		mkfifo('key', 0600);
	    },
	    "main.ini:2: error: [milter] stamp_key_file: 'key' is a FIFO; it "
	    . "must be a regular file\n" ],
	[ 'a key that is the directory, too', sub {
		spew('main.ini', "${key}[directory]\nrecipients = key\n$good");
		spew('key', '2026a ' . 'ab' x 32 . "\n");
		chmod 0600, 'key';
	    },
	    "main.ini:4: error: [directory] recipients: 'key' is named for "
	    . "two purposes; give each a file of its own\n" ],
	[ 'a queue whose folder is a file', sub {
		mkdir 'queue', 0700;
		spew('queue/incoming', '');
		spew('main.ini', queue() . $good);
	    },
	    "main.ini:3: error: [back_pressure] queue_length: the queue "
	    . "'HERE/queue' cannot be read: Not a directory; let the milter's "
	    . "user read it, or leave queue_length empty\n" ],
	[ 'a queue that leads elsewhere', sub {
		mkdir 'queue', 0700;
		mkdir 'queue/active', 0700;
		symlink '/var', 'queue/deferred';
		spew('main.ini', queue() . $good);
	    },
	    "main.ini:3: error: [back_pressure] queue_length: the queue "
	    . "'HERE/queue' cannot be read: Not a directory; let the milter's "
	    . "user read it, or leave queue_length empty\n" ],
	[ 'folders too deep for a queue', sub {
		make_path('queue/deferred' . '/0' x 17);
		spew('main.ini', queue() . $good);
	    },
	    "main.ini:3: error: [back_pressure] queue_length: the queue "
	    . "'HERE/queue' cannot be read: File too large; let the milter's "
	    . "user read it, or leave queue_length empty\n" ],
	[ 'relay for every address, as 65,536 ranges', sub {
		spew('main.ini', $relay);
		spew('list', join '',
		    map { ($_ >> 8) . '.' . ($_ & 255) . ".0.0/16\n" }
		    0 .. 65535);
	    },
	    "main.ini:3: error: [connector a] remote_ip_ranges: '0.0.0.0/16' "
	    . "to '255.255.0.0/16' leave no gap: 0.0.0.0-255.255.255.255, "
	    . "which is wider than /16 $relays" ],
	[ 'relay for nearly every address', sub {
		spew('main.ini', $relay);
		spew('list', with_gaps(65536));
	    },
	    'main.ini:3: error: [connector a] remote_ip_ranges: the list has '
	    . "4294901760 IPv4 addresses, which is wider than /4 $relays" ],
	[ 'relay for as many addresses as a /4 has', sub {
		spew('main.ini', $relay);
		spew('list', with_gaps(4096) . "200.0.0.0-200.0.15.255\n"
		    . "200.0.3.0/24\n2001:db8::/48\n");
	    }, '' ],
	[ 'relay for one address more', sub {
		spew('main.ini', $relay);
		spew('list', with_gaps(4096) . "200.0.0.0-200.0.16.0\n");
	    },
	    'main.ini:3: error: [connector a] remote_ip_ranges: the list has '
	    . "268435457 IPv4 addresses, which is wider than /4 $relays" ],
	[ 'an empty folder of connectors, when nothing else has one', sub {
		spew('main.ini', "[milter]\nmax_sessions = 5\n");
		mkdir 'connectors.d', 0755;
	    },
	    "main.ini:0: error: no connector in any file, so nobody would be "
	    . "served; add a section [connector NAME]\n" ],
);

for my $made (@made) {
	my ($what, $make, $expect) = @$made;
	my $folder = tempdir(DIR => $scratch);
	my $back = abs_path('.');
	chdir $folder or die;
	$make->();
	chdir $back or die;
	refuses($what, $folder, $expect =~ s/HERE/$folder/gr);
}

my @all = glob "$cases/*";
cmp_ok(scalar @all, '>=', 580, 'the corpus is all there');

done_testing;
