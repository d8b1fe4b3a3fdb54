#!/usr/bin/perl
# mta.t - what connectorctl mta tells Postfix and Sendmail, each in its own
# spelling.

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
tls_receive_domain_secure_list = partner.example

[connector scanners]
usage            = anonymous_relay
bindings         = 0.0.0.0:25
remote_ip_ranges = 10.20.0.15, 10.20.1.0/28
$more
TEXT
	close $file or die "$ini: $!";
	chmod 0644, $ini;
}

# What: the setting, as Postfix spells it, as Sendmail does.
my @sockets = (
	[ 'below the queue folder: relative, for a chrooted smtpd',
	    'unix:/var/spool/postfix/connector-milter/milter.sock',
	    'unix:connector-milter/milter.sock',
	    'local:/var/spool/postfix/connector-milter/milter.sock' ],
	[ 'elsewhere: absolute',
	    'unix:/run/connector-milter/milter.sock',
	    'unix:/run/connector-milter/milter.sock',
	    'local:/run/connector-milter/milter.sock' ],
	[ 'libmilter\'s other word for unix',
	    'local:/run/milter.sock', 'unix:/run/milter.sock',
	    'local:/run/milter.sock' ],
	[ 'IPv4', 'inet:8891@192.0.2.7', 'inet:192.0.2.7:8891',
	    'inet:8891@192.0.2.7' ],
	[ 'a host name', 'inet:8891@filter.example',
	    'inet:filter.example:8891', 'inet:8891@filter.example' ],
	[ 'the IPv4 any-address', 'inet:8891@0.0.0.0',
	    'inet:127.0.0.1:8891', 'inet:8891@127.0.0.1' ],
	[ 'IPv6', 'inet6:8891@2001:db8::7', 'inet:[2001:db8::7]:8891',
	    'inet6:8891@2001:db8::7' ],
	[ 'IPv6 in brackets', 'inet6:8891@[2001:db8::7]',
	    'inet:[2001:db8::7]:8891', 'inet6:8891@2001:db8::7' ],
	[ 'the IPv6 any-address', 'inet6:8891@::', 'inet:[::1]:8891',
	    'inet6:8891@::1' ],
);

for my $case (@sockets) {
	my ($what, $socket, $postfix, $sendmail) = @$case;
	write_ini($socket, '');
	my ($status, $out) = mta('postfix', '-c', $ini);
	my ($line) = $out =~ /^(smtpd_milters.*\n.*)$/m;
	is($line, "smtpd_milters = { $postfix,\n    connect_timeout=5s, "
		. 'command_timeout=15s, default_action=tempfail }',
		"Postfix: $what");
	is($out =~ /must not be chrooted/ ? 1 : 0,
		$postfix =~ m{^unix:/} ? 1 : 0, "$what: the word on chroot");
	($status, $out) = mta('sendmail', '-c', $ini);
	($line) = $out =~ /^(INPUT_MAIL_FILTER.*)$/m;
	is($line, "INPUT_MAIL_FILTER(`connector-milter', `S=$sendmail, F=T, "
		. 'T=C:10s;S:10s;R:15s;E:1m\')dnl', "Sendmail: $what");
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

# A NUL would hide the rest of its header field from any milter.
message_reject_characters = \\0
END

my $guard;
($status, $guard) = mta('postfix', 'guard', '--config', $ini);
is($status, 0, 'mta postfix guard: status');
like($guard, qr/^# Configuration: $hash$/m, 'the guard names the same files');
is(join('', grep { !/^#/ } split /^/, $guard),
	"10.20.0.15/32 OK\n10.20.1.0/28 OK\n", 'and who may relay');

my $sendmail_mc;
($status, $sendmail_mc) = mta('sendmail', '--config', $ini);
is($status, 0, 'mta sendmail: status');
is($sendmail_mc, <<"END", 'mta sendmail: every line');
dnl connector-milter: lines for sendmail.mc.
dnl Configuration: $hash

dnl Ask the milter; while it does not answer, mail waits (F=T). A later
dnl confINPUT_MAIL_FILTERS must name it too.
INPUT_MAIL_FILTER(`connector-milter', `S=local:/var/spool/postfix/connector-milter/milter.sock, F=T, T=C:10s;S:10s;R:15s;E:1m')dnl

dnl Relay for the clients of "connectorctl mta sendmail guard".
dnl 127.0.0.1 and ::1 relay without it; the milter judges them all the same.
dnl sendmail(8) submits from there: it needs a connector, too.
FEATURE(`access_db')dnl

dnl A refusal of the whole session is given at HELO.
define(`confPRIVACY_FLAGS', `needmailhelo,noexpn,novrfy')dnl
END

($status, $guard) = mta('sendmail', 'guard', '--config', $ini);
is($status, 0, 'mta sendmail guard: status');
like($guard, qr/^# Configuration: $hash$/m, 'the guard names the same files');
is(join('', grep { !/^#/ } split /^/, $guard),
	join('', map { "Connect:10.20.$_\tRELAY\n" } '0.15',
		map { "1.$_" } 0 .. 15), 'and who may relay');

write_ini('unix:/run/milter.sock', 'expires = 2001-02-03');
for my $mta (qw(postfix sendmail)) {
	($status, $guard) = mta($mta, 'guard', '-c', $ini);
	like($guard, qr/^# No client may relay without a login\.$/m,
		"$mta: an expired connector is judged by the date of today");
}

# ---- lines that some configurations have ------------------------------------

# More of the main file, and lines that are there for it; else they are not.
my $recipients = $scratch->write('recipients.txt', "alice\@example.com\n");
my $integrated = 'GSSAPI SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 NTLM';
my @certificates = ('certificates, Postfix', 'certificates, Sendmail');
my %wish = (
	'certificates, Postfix' => ['postfix', qr/^smtpd_tls_ask_ccert = yes$/m],
	'certificates, Sendmail' =>
	    ['sendmail', qr/^define\(`confTLS_SRV_OPTIONS', `'\)dnl$/m],
	'delimiter' => ['postfix', qr/^recipient_delimiter = \+$/m],
	'passwords' => ['sendmail', qr/^TRUST_AUTH_MECH\(`PLAIN LOGIN'\)dnl
define\(`confAUTH_MECHANISMS', `PLAIN LOGIN'\)dnl
define\(`confAUTH_OPTIONS', `A y'\)dnl$/m],
	'passwords over TLS' => ['sendmail', qr/^TRUST_AUTH_MECH\(`PLAIN LOGIN'\)dnl
define\(`confAUTH_MECHANISMS', `PLAIN LOGIN'\)dnl
define\(`confAUTH_OPTIONS', `A p y'\)dnl$/m],
	'integrated logins' =>
	    ['sendmail', qr/^TRUST_AUTH_MECH\(`$integrated'\)dnl$/m],
	'every login' =>
	    ['sendmail', qr/^TRUST_AUTH_MECH\(`PLAIN LOGIN $integrated'\)dnl$/m],
);
my @wishes = (
	[ 'a partner', <<'END', @certificates ],
usage = partner
remote_ip_ranges = 198.51.100.0/24
END
	[ 'a partner who is out of use', <<'END' ],
usage = partner
enabled = no
remote_ip_ranges = 198.51.100.0/24
END
	[ 'a server with a certificate', <<'END', @certificates, 'every login' ],
usage = internal
server_identities = cert:hub.example.com
remote_ip_ranges = 198.51.100.0/24
END
	[ 'a server with a login', <<'END', 'every login' ],
usage = internal
server_identities = login:hub
remote_ip_ranges = 198.51.100.0/24
END
	[ 'cloud mail by certificate', <<'END', @certificates ],
usage = internet
tls_domain_capabilities = mail.cloud.example:AcceptCloudServicesMail
remote_ip_ranges = 198.51.100.0/24
END
	[ 'users with passwords', <<'END', 'passwords' ],
permission_groups = exchange_users
auth_mechanism = basic_auth
remote_ip_ranges = 198.51.100.0/24
END
	[ 'users with passwords over TLS', <<'END', 'passwords over TLS' ],
permission_groups = exchange_users
auth_mechanism = tls, basic_auth, basic_auth_require_tls
remote_ip_ranges = 198.51.100.0/24
END
	[ 'users in a Windows domain', <<'END', 'integrated logins' ],
permission_groups = exchange_users
auth_mechanism = integrated
remote_ip_ranges = 198.51.100.0/24
END
	[ 'users of every kind', <<'END', 'every login' ],
usage = client
remote_ip_ranges = 198.51.100.0/24
END
	[ 'monitored only', <<'END' ],
usage = internet
mode = monitor
remote_ip_ranges = 198.51.100.0/24
END
	[ 'a delimiter', <<"END", 'delimiter' ],
usage = internet
remote_ip_ranges = 198.51.100.0/24

[directory]
recipients = $recipients
recipient_delimiter = +
END
);
for my $case (@wishes) {
	my ($what, $lines, @wanted) = @$case;
	write_ini('unix:/run/milter.sock', <<"END");

[connector other]
bindings = 0.0.0.0:25
$lines
END
	my %want = map { $_ => 1 } @wanted;
	my %out;
	for my $mta (qw(postfix sendmail)) {
		($status, $out{$mta}, my $err) = mta($mta, '-c', $ini);
		is($status, 0, "$mta, $what: status") or diag($err);
	}
	for my $wish (sort keys %wish) {
		my ($mta, $pattern) = @{ $wish{$wish} };
		my $is = $want{$wish} ? 'there' : 'not there';
		ok(($out{$mta} =~ $pattern ? 1 : 0) == ($want{$wish} // 0),
			"$what: $wish is $is") or diag($out{$mta});
	}
}

# ---- what is not there ------------------------------------------------------

my $usage = "usage: connectorctl mta postfix | sendmail [guard] "
    . "[--config FILE]\n";
my @wrong = (
	[ 'no MTA', '', 'connectorctl mta: which MTA?' ],
	[ 'another MTA', 'exim',
	    'connectorctl mta: there is nothing called exim' ],
	[ 'another part', 'postfix map',
	    'connectorctl mta: there is nothing called postfix map' ],
	[ 'another part of Sendmail', 'sendmail map',
	    'connectorctl mta: there is nothing called sendmail map' ],
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
