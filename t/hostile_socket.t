#!/usr/bin/perl
# hostile_socket.t - whoever can write the folder of the socket puts a link in
# its place before root gives the socket away: the file behind stays as it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Milter;
use Scratch;
use Shim;
use Test::More;

plan skip_all => 'only root gives sockets away' if $> != 0;

my $scratch = Scratch->new;
my $victim = $scratch->write('victim', "secret\n", 0600);
my $library = Shim::library($scratch, 'attack', <<'END');
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
listen(int fd, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(at);
	int result = REAL(listen)(fd, backlog);

	if (getsockname(fd, (struct sockaddr *)&at, &size) == 0 &&
	    at.sun_family == AF_UNIX && unlink(at.sun_path) == 0)
		result |= symlink(getenv("VICTIM"), at.sun_path);
	return result;
}
END

for my $settings ('', "socket_group = daemon\n") {
	my $what = $settings ? 'user and socket_group' : 'user';
	my $milter = Milter->new($scratch, connectors => { c => <<'END' });
bindings = 0.0.0.0:25
remote_ip_ranges = 192.0.2.0/24
permission_groups = anonymous_users
END
	$scratch->write('milter/connector-milter.ini', <<"END");
[milter]
socket = @{[ $milter->socket ]}
connectors = connectors.d
user = nobody
socket_mode = 0666
$settings
END
	local @ENV{qw(LD_PRELOAD VICTIM)} = ($library, $victim);
	my $pid = Scratch::spawn({ err => $scratch->path('err') },
	    Milter::program('connector-milter'), '-c', $milter->config);
	my $status = Scratch::reap($pid, 60);
	is defined $status ? $status >> 8 : 'it runs', 77,
	    "$what: the milter does not start";
	my ($mode, $uid, $gid) = (stat $victim)[2, 4, 5];
	is sprintf('%04o %d %d', $mode & 07777, $uid, $gid), '0600 0 0',
	    "$what: the file behind the link is untouched";
	Scratch::kill_group($pid) unless defined $status;
}

done_testing;
