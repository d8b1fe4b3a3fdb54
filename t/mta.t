#!/usr/bin/perl
# mta.t - what connectorctl mta tells Postfix, in Postfix's own spelling.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Milter;
use Scratch;

my $scratch = Scratch->new;
my $ini = $scratch->path('connector-milter.ini');

# Exit status, standard output, standard error.
sub mta
{
	my (@arguments) = @_;
	my @command = (Milter::program('connectorctl'), 'mta', @arguments);
	my ($out, $err) = map { $scratch->path($_) } qw(out err);
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDOUT, '>', $out or die "$out: $!";
		open STDERR, '>', $err or die "$err: $!";
		exec @command or die "$command[0]: $!";
	}
	waitpid $pid, 0;
	return ($? >> 8, map { slurp($_) } $out, $err);
}

sub slurp
{
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!";
	local $/;
	return <$in> // '';
}

sub write_ini
{
	my ($socket, $more) = @_;
	open my $file, '>', $ini or die "$ini: $!";
	print $file <<"TEXT";
[milter]
socket = $socket

[organization]
accepted_domains = example.com

[connector scanners]
usage            = anonymous_relay
bindings         = 0.0.0.0:25
remote_ip_ranges = 10.20.0.15, 10.20.1.0/28
$more
TEXT
	close $file or die "$ini: $!";
	chmod 0644, $ini;
}

my @sockets = (
	[ 'below the queue folder: relative, for a chrooted smtpd',
	    'unix:/var/spool/postfix/connector-milter/milter.sock',
	    'unix:connector-milter/milter.sock' ],
	[ 'elsewhere: absolute',
	    'unix:/run/connector-milter/milter.sock',
	    'unix:/run/connector-milter/milter.sock' ],
	[ 'libmilter\'s other word for unix',
	    'local:/run/milter.sock', 'unix:/run/milter.sock' ],
	[ 'IPv4', 'inet:8891@192.0.2.7', 'inet:192.0.2.7:8891' ],
	[ 'a host name', 'inet:8891@filter.example',
	    'inet:filter.example:8891' ],
	[ 'the IPv4 any-address', 'inet:8891@0.0.0.0',
	    'inet:127.0.0.1:8891' ],
	[ 'IPv6', 'inet6:8891@2001:db8::7', 'inet:[2001:db8::7]:8891' ],
	[ 'IPv6 in brackets', 'inet6:8891@[2001:db8::7]',
	    'inet:[2001:db8::7]:8891' ],
	[ 'the IPv6 any-address', 'inet6:8891@::', 'inet:[::1]:8891' ],
);

for my $case (@sockets) {
	my ($what, $socket, $want) = @$case;
	write_ini($socket, '');
	my ($status, $out) = mta('postfix', '-c', $ini);
	my ($line) = $out =~ /^(smtpd_milters.*\n.*)$/m;
	is($line, "smtpd_milters = { $want,\n    connect_timeout=5s, "
		. 'command_timeout=15s, default_action=tempfail }', $what);
	is($out =~ /must not be chrooted/ ? 1 : 0,
		$want =~ m{^unix:/} ? 1 : 0, "$what: the word on chroot");
}

write_ini('unix:/var/spool/postfix/connector-milter/milter.sock', '');
my ($status, $main_cf) = mta('postfix', '--config', $ini);
is($status, 0, 'mta postfix: status');
my ($hash) = $main_cf =~ /^# Configuration: ([0-9a-f]{64})$/m;
is($main_cf, <<"END", 'mta postfix: every line');
# connector-milter: lines for main.cf of Postfix.
# Configuration: $hash

# Ask the milter; while it does not answer, mail waits.
smtpd_milters = { unix:connector-milter/milter.sock,
    connect_timeout=5s, command_timeout=15s, default_action=tempfail }
milter_default_action = tempfail

# What this machine itself submits has no connector.
non_smtpd_milters =

# Relay for logins, and for the clients of "connectorctl mta postfix guard".
smtpd_relay_restrictions = permit_sasl_authenticated,
    check_client_access cidr:\$config_directory/relay-guard.cidr,
    reject_unauth_destination

# A refusal of the whole session is given at HELO.
smtpd_helo_required = yes
END

my $guard;
($status, $guard) = mta('postfix', 'guard', '--config', $ini);
is($status, 0, 'mta postfix guard: status');
like($guard, qr/^# Configuration: $hash$/m, 'the guard names the same files');
is(join('', grep { !/^#/ } split /^/, $guard),
	"10.20.0.15/32 OK\n10.20.1.0/28 OK\n", 'and who may relay');

write_ini('unix:/run/milter.sock', 'expires = 2001-02-03');
($status, $guard) = mta('postfix', 'guard', '-c', $ini);
like($guard, qr/^# No client may relay without a login\.$/m,
	'an expired connector is judged by the date of today');

my $usage = "usage: connectorctl mta postfix [guard] [--config FILE]\n";
my @wrong = (
	[ 'no MTA', '', 'connectorctl mta: which MTA?' ],
	[ 'Sendmail', 'sendmail', 'connectorctl mta: sendmail is not '
	    . 'available yet; INSTALL has the lines for sendmail.mc' ],
	[ 'another MTA', 'exim',
	    'connectorctl mta: there is nothing called exim' ],
	[ 'another part', 'postfix map',
	    'connectorctl mta: there is nothing called postfix map' ],
	[ 'one word more', 'postfix guard x',
	    'connectorctl mta: x: one argument too many' ],
);
for my $case (@wrong) {
	my ($what, $arguments, $text) = @$case;
	my ($got, $out, $err) = mta(split / /, $arguments);
	is($got, 2, "$what: status");
	is($err, "$text\n$usage", "$what: text");
	is($out, '', "$what: nothing on standard output");
}

write_ini('inet:localhost:8891', '');
my ($got, $out, $err) = mta('postfix', 'guard', '-c', $ini);
is($got, 78, 'a configuration that does not load: status');
like($err, qr/^\Q$ini\E:2: error: \[milter\] socket: /, 'the problem');
is($out, '', 'and no guard at all');

done_testing;
