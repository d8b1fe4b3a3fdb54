#!/usr/bin/perl
# wire.t - the daemon on its real socket, spoken to as Postfix and as Sendmail
# do: what is negotiated, what is answered, and what is logged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin hold);
use Milter;
use Scratch;
use Shim;
use Test::More;
use Time::HiRes qw(time);
use Wire;

my $scratch = Scratch->new;
my $main = <<'END';
[organization]
accepted_domains = example.com, *.example.net
tls_receive_domain_secure_list = partner.test
END
my %connectors = (
	internet => <<'END',
bindings = 0.0.0.0:25, [::]:25
remote_ip_ranges = 0.0.0.0-203.0.113.255, 2001:db8::/32
permission_groups = anonymous_users
accept_authoritative_domain_sender = -anonymous
max_recipients_per_message = 200000
max_message_size = 2147483647
max_header_size = 2147483647
END
	'Scan and Fax' => <<'END',
bindings = 0.0.0.0:25
remote_ip_ranges = 10.20.0.0/24
permission_groups = anonymous_users
accept_any_recipient = anonymous
END
	secure => <<'END',
bindings = 0.0.0.0:25
remote_ip_ranges = 10.30.0.0/24
permission_groups = anonymous_users
require_tls = yes
tls_min_version = TLSv1.2
END
	submission => <<'END',
bindings = 0.0.0.0:587, [::]:587
remote_ip_ranges = 0.0.0.0/0, ::/0
permission_groups = exchange_users
auth_mechanism = tls, basic_auth, basic_auth_require_tls
END
	exact => <<'END',
bindings = 192.0.2.77:25, [2001:db8::77]:25, 127.0.0.1:25, [::1]:25
remote_ip_ranges = 10.0.0.0/8, 127.0.0.0/8, 2001:db8::/32, ::1
permission_groups = exchange_servers
auth_mechanism = external_authoritative
accept_open_relay = yes
END
	partner => <<'END',
bindings = 0.0.0.0:25
remote_ip_ranges = 10.50.0.0/24
permission_groups = partners
domain_secure_enabled = yes
END
	named => <<'END',
bindings = 0.0.0.0:25
remote_ip_ranges = 10.40.0.0/24
permission_groups = anonymous_users
accept_any_recipient = host:.trusted.example
END
	small => <<'END',
bindings = 0.0.0.0:25
remote_ip_ranges = 10.60.0.0/24
permission_groups = anonymous_users
max_message_size = 64K
END
);

sub by
{
	my ($connector, $rule) = @_;
	return " [connector $connector, rule $rule]";
}

sub no_relay
{
	return '550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
	    . 'domain' . by($_[0], 'relay');
}

sub no_submit
{
	return '530 5.7.57 SMTP; Client was not authenticated to send '
	    . 'anonymous mail during MAIL FROM' . by($_[0], 'submit');
}

my $closed = '421 4.3.2 Service not available' . by('-', 'no_connector');
my $no_listener = '451 4.3.5 Server configuration problem'
    . by('-', 'listener');
my $no_tls = '530 5.7.0 Must issue a STARTTLS command first'
    . by('secure', 'require_tls');
my $not_as_this = '550 5.7.60 SMTP; Client does not have permissions to send '
    . 'as this sender' . by('internet', 'authoritative_domain_sender');
my $too_large = '552 5.3.4 Message size exceeds fixed maximum message size'
    . by('small', 'max_message_size');
my $too_many_errors = '421 4.7.0 Too many errors on this connection, closing '
    . 'transmission channel' . by('small', 'max_protocol_errors');
my $no_address = '501 5.1.7 Invalid address' . by('small', 'sender_syntax');
my $cannot = '451 4.3.0 Cannot decide now, please try again later';
my $not_in_clear = '538 5.7.11 Encryption required for requested '
    . 'authentication mechanism' . by('submission', 'auth_mechanism');

my @net = (client => '203.0.113.9', name => 'mx.client.test');
my @scan = (client => '10.20.0.7');
my @submit = (client => '203.0.113.9', listener_port => 587);
my $unasked = 'none';

my @dialogues = (
	['a message to us',
	    [connect => [@net]],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>', 'SIZE=1000', 'BODY=8BITMIME']],
	    [rcpt => ['<x@example.com>', 'NOTIFY=SUCCESS,FAILURE',
		'ORCPT=rfc822;x+40y@example.com']],
	    [rcpt => ['<y@a.example.net>']],
	    [message => [], $unasked]],
	['relay refused, recipient by recipient',
	    [connect => [@net]],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], no_relay('internet')],
	    [rcpt => ['<x@example.com>']],
	    [rcpt => ['<x@example.net>'], no_relay('internet')],
	    [rcpt => ['<x%foreign.test@example.com>'], no_relay('internet')]],
	['relay granted',
	    [connect => [@scan]],
	    [helo => ['scan']],
	    [mail => ['<>']],
	    [rcpt => ['<x@foreign.test>']],
	    [rcpt => ['x@foreign.test']],
	    [rcpt => ['<x%foreign.test@example.com>']]],
	['a routed form that was not resolved',
	    [connect => [@scan]],
	    [mail => ['<>']],
	    [macro => ['{rcpt_addr}', undef], 'none'],
	    [rcpt => ['<x%foreign.test@example.com>'],
		$cannot . by('Scan and Fax', 'relay')],
	    [rcpt => ['<x@foreign.test>']]],
	['an own sender',
	    [connect => [@net]],
	    [helo => ['client.test']],
	    [mail => ['<a@example.com>'], $not_as_this],
	    [mail => ['<a@b.example.net>'], $not_as_this],
	    [mail => ['<a@example.net>']]],
	['bad addresses',
	    [connect => [@net]],
	    [mail => ['<a@@client.test>'],
		'501 5.1.7 Invalid address' . by('internet', 'sender_syntax')],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<>'], '501 5.1.3 Invalid address'
		. by('internet', 'recipient_syntax')],
	    [rcpt => ['<joe>'], '501 5.1.3 Invalid address'
		. by('internet', 'recipient_syntax')],
	    [rcpt => ['<Postmaster>']]],
	['nobody serves it: at HELO and at MAIL',
	    [connect => [client => '203.0.114.1']],
	    [helo => ['client.test'], $closed],
	    [helo => ['client.test'], $closed],
	    [mail => ['<a@client.test>'], $closed]],
	['nobody serves it: at MAIL without HELO',
	    [connect => [client => '2001:db9::1', listener => '2001:db8::25']],
	    [mail => ['<a@client.test>'], $closed]],
	['another port',
	    [connect => [@net, listener_port => 26]],
	    [helo => ['client.test'], $closed]],
	['no {daemon_port}: at each MAIL, not at HELO',
	    [macro => ['{daemon_port}', undef], 'none'],
	    [connect => [@net]],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>'], $no_listener],
	    [mail => ['<a@client.test>'], $no_listener]],
	['no address of the listener at all',
	    [macro => ['{daemon_addr}', undef], 'none'],
	    [macro => ['{if_addr}', undef], 'none'],
	    [connect => [@net]],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>'], $no_listener]],
	['loopback without an address of the listener',
	    [macro => ['{daemon_addr}', undef], 'none'],
	    [macro => ['{if_addr}', undef], 'none'],
	    [connect => [client => '127.0.0.5']],
	    [helo => ['client.test']],
	    [mail => ['<boss@example.com>']],
	    [rcpt => ['<x@foreign.test>']]],
	['loopback',
	    [connect => [client => '127.0.0.1', listener => '127.0.0.1']],
	    [helo => ['client.test']],
	    [mail => ['<boss@example.com>']],
	    [rcpt => ['<x@foreign.test>']]],
	['IPv6 loopback',
	    [connect => [client => '::1', listener => '::1',
		configured_listener => '::']],
	    [mail => ['<boss@example.com>']]],
	['an exact binding hides the wildcard ones',
	    [connect => [@scan, listener => '192.0.2.77']],
	    [mail => ['<boss@example.com>']],
	    [rcpt => ['<x@foreign.test>']]],
	['an exact binding on IPv6',
	    [connect => [client => '2001:db8::9', listener => '2001:db8::77',
		configured_listener => '::']],
	    [mail => ['<boss@example.com>']]],
	['IPv6',
	    [connect => [client => '2001:db8::9', listener => '2001:db8::25',
		configured_listener => '::']],
	    [helo => ['[IPv6:2001:db8::9]']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], no_relay('internet')]],
	['a mapped client is an IPv4 client',
	    [connect => [client => '::ffff:10.20.0.7']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>']]],
	['a client without address',
	    [connect => [client => undef], 'tempfail']],
	['STARTTLS without another EHLO',
	    [connect => [client => '10.30.0.7']],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>'], $no_tls],
	    [tls => [version => 'TLSv1.3'], 'none'],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@example.com>']]],
	['STARTTLS of an old version',
	    [connect => [client => '10.30.0.7']],
	    [tls => [version => 'TLSv1.1'], 'none'],
	    [helo => ['client.test']],
	    [mail => ['<a@client.test>'], $no_tls]],
	['STARTTLS of a version to come',
	    [connect => [client => '10.30.0.7']],
	    [tls => [version => 'TLSv2'], 'none'],
	    [mail => ['<a@client.test>'],
		$cannot . by('secure', 'require_tls')]],
	['TLS that ended before the second MAIL',
	    [connect => [client => '10.30.0.7']],
	    [tls => [version => 'TLSv1.3'], 'none'],
	    [mail => ['<a@client.test>']],
	    [macro => ['{tls_version}', ''], 'none'],
	    [mail => ['<a@client.test>'], $no_tls]],
	['a login',
	    [connect => [@submit]],
	    [helo => ['client.test']],
	    [mail => ['<joe@example.com>'], no_submit('submission')],
	    [login => ['joe@example.com', 'PLAIN'], 'none'],
	    [mail => ['<joe@example.com>'], $not_in_clear],
	    [tls => [], 'none'],
	    [mail => ['<joe@example.com>']],
	    [rcpt => ['<x@foreign.test>']],
	    [mail => ['<jim@example.com>'],
		'550 5.7.60 SMTP; Client does not have permissions to send as '
		. 'this sender'
		. by('submission', 'authoritative_domain_sender')]],
	['a login by XCLIENT',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [login => ['joe@example.com', 'XCLIENT'], 'none'],
	    [mail => ['<joe@example.com>']],
	    [rcpt => ['<x@foreign.test>']]],
	['a login by a mechanism nobody offered',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [login => ['joe@example.com', 'CRAM-MD5'], 'none'],
	    [mail => ['<joe@example.com>'],
		'530 5.7.0 Authentication mechanism not offered here'
		. by('submission', 'auth_mechanism')]],
	['{auth_author} alone is no login',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [mail => ['<joe@example.com>', 'AUTH=<joe@example.com>'],
		no_submit('submission')]],
	['ANONYMOUS is no login',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [login => ['joe@example.com', 'ANONYMOUS'], 'none'],
	    [mail => ['<joe@example.com>'], no_submit('submission')]],
	['a login that ended',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [login => ['joe@example.com'], 'none'],
	    [mail => ['<joe@example.com>']],
	    [macro => ['{auth_authen}', undef], 'none'],
	    [mail => ['<joe@example.com>'], no_submit('submission')]],
	['a recipient that the MTA refused itself',
	    [connect => [@net]],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>', { mailer => 'error',
		host => '5.7.1', addr => 'Relay access denied' }], 'logged'],
	    [eom => [], $cannot . by('-', 'internal')]],
	['an accepted recipient of the mailer error is judged',
	    [connect => [@net]],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>', { mailer => 'error',
		host => '5.1.1 User unknown' }], no_relay('internet')]],
	['a login without a mechanism',
	    [connect => [@submit]],
	    [tls => [], 'none'],
	    [login => ['joe@example.com', ''], 'none'],
	    [mail => ['<joe@example.com>'], no_submit('submission')]],
	['a second MAIL replaces the first',
	    [connect => [@scan]],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>']],
	    [mail => ['<b@client.test>']],
	    [rcpt => ['<y@foreign.test>']]],
	['ABORT ends the transaction, not the session',
	    [connect => [@scan]],
	    [helo => ['scan']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>']],
	    [abort => [], 'none'],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>']]],
	['a verified certificate',
	    [connect => [client => '10.50.0.7']],
	    [mail => ['<a@partner.test>'], no_submit('partner')],
	    [tls => [subject => 'mx.partner.test', verify => 'OK',
		cn_subject => 'mx.partner.test'], 'none'],
	    [mail => ['<a@partner.test>']],
	    [rcpt => ['<x@example.com>']],
	    [mail => ['<a@client.test>'], '550 5.7.60 SMTP; Client does not '
		. 'have permissions to send as this sender'
		. by('partner', 'any_sender')]],
	['a certificate that nobody vouches for',
	    [connect => [client => '10.50.0.7']],
	    [tls => [verify => 'FAIL', cn_subject => 'mx.partner.test'],
		'none'],
	    [mail => ['<a@partner.test>'], no_submit('partner')]],
	['a certificate that ended with TLS',
	    [connect => [client => '10.50.0.7']],
	    [tls => [subject => 'mx.partner.test', verify => 'OK',
		cn_subject => 'mx.partner.test'], 'none'],
	    [macro => ['{tls_version}', undef], 'none'],
	    [mail => ['<a@partner.test>'], no_submit('partner')]],
	['a verified name',
	    [connect => [client => '10.40.0.7', name => 'MX.trusted.example']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>']]],
	['a name that is not verified',
	    [connect => [client => '10.40.0.7', name => 'mx.trusted.example',
		resolve => 'FORGED']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], no_relay('named')]],
	['a name nobody can verify now',
	    [connect => [client => '10.40.0.7', resolve => 'TEMP']],
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], $cannot . by('named', 'relay')],
	    [rcpt => ['<x@example.com>']]],
	['a size that is declared', [connect => [client => '10.60.0.7']],
	    [mail => ['<a@client.test>', 'SIZE=65536']],
	    [mail => ['<a@client.test>', 'BODY=8BITMIME', 'size=65537'],
		$too_large],
	    [mail => ['<a@client.test>', 'SIZE=99999999999999999999'],
		$too_large],
	    [mail => ['<a@client.test>']]],
	['more than was declared', [connect => [client => '10.60.0.7']],
	    [mail => ['<a@client.test>', 'SIZE=1']],
	    [rcpt => ['<x@example.com>']],
	    [data => [], 'none'], [header => ['X', 'y'], 'none'],
	    [eoh => [], 'none'], [body => ['x' x 40_000], 'none'],
	    [body => ['x' x 40_000], 'none'], [eom => [], $too_large]],
	['errors are counted, whoever answers them',
	    [connect => [client => '10.60.0.7']], [helo => ['client.test']],
	    [unknown => ['FROB']], [unknown => ['HELP ME']],
	    [unknown => ['']],
	    [mail => ['<a@@b>'], $no_address], [mail => ['<a@@b>'], $no_address],
	    [mail => ['<a@client.test>']],
	    [unknown => ['BDAT']],
	    [rcpt => ['<x@example.com>'], $too_many_errors],
	    [helo => ['client.test'], $too_many_errors],
	    [mail => ['<a@client.test>'], $too_many_errors]],
	['local submission is none of our business',
	    [connect => [client => '127.0.0.1', host => 'localhost',
		port => 0, listener_port => 0]],
	    [helo => ['localhost']],
	    [mail => ['boss@example.com']],
	    [rcpt => ['x@foreign.test']]],
	['a port of the client makes it a network session',
	    [connect => [client => '127.0.0.1', host => 'localhost',
		port => 1, listener_port => 0]],
	    [mail => ['boss@example.com'], $no_listener]],
);

# ---- negotiation ------------------------------------------------------------

# All commands, and recipients that the MTA refuses; over a UNIX socket no
# answers from DATA to the body.
use constant ASKED_FOR => 0x00800;
use constant ONLY_UNIX => 0x00080 | 0x10000 | 0x40000 | 0x80000;
use constant ADDHDRS => 0x00001;
use constant CHGHDRS => 0x00010;
use constant SETSYMLIST => 0x00100;

my %asked = (
	C => 'j {daemon_addr} {daemon_port} {if_addr} '
	    . '{client_resolve}',
	M => 'j i {tls_version} {auth_type} {auth_authen} {verify} '
	    . '{cn_subject} {cert_subject}',
	R => 'j i {rcpt_addr} {rcpt_host} {rcpt_mailer}',
	E => 'j i',
);

sub check_negotiation
{
	my ($milter, $name, $steps_wanted) = @_;
	my @offers = (
		['all that both MTAs offer', 0x1ff, 0x1fffff,
		    ADDHDRS | CHGHDRS | SETSYMLIST, $steps_wanted, \%asked],
		['no lists of macros', 0xff, 0x1fffff, ADDHDRS | CHGHDRS,
		    $steps_wanted, {}],
		['protocol 2 of old', 0x3f, 0x7f, ADDHDRS | CHGHDRS,
		    $steps_wanted & 0x7f, {}],
	);
	for my $actions (0x1ff & ~ADDHDRS, 0x1ff & ~CHGHDRS, 0) {
		my $wire = Wire->new($milter->socket);
		$milter->clear_log;
		is($wire->negotiate(actions => $actions), undef,
		    "$name, no right to edit headers: no session");
		ok($milter->wait_log(qr/^the MTA does not let us change headers/),
		    '... and the log says so');
		$wire->close;
	}
	for my $offer (@offers) {
		my ($what, $actions, $steps, $want, $left_out, $lists) = @$offer;
		my $wire = Wire->new($milter->socket);
		my $agreed = $wire->negotiate(actions => $actions,
			protocol => $steps);
		is($agreed->{actions}, $want, "$name, $what: actions");
		is($agreed->{protocol}, $left_out, "$name, $what: steps");
		is_deeply($agreed->{symlists}, $lists,
		    "$name, $what: macros");
		$wire->quit;
	}
	return;
}

# ---- headers: what comes, and the edits -------------------------------------

my @stamp = ('+0 X-Connector-AuthSource: mx.example.com',
	'+0 X-Connector-AuthAs: Anonymous', '+0 X-Connector-Name: internet');
my $body_of_64k = 'x' x 65_000;

my @headers = (
	['no field at all', [], []],
	['honest fields', [['Subject', 'x'], ['X-Connectors', 'x'], ['X', ''],
	    ['From', "a\@client.test,\n\tb\@client.test"]], []],
	['forged ones', [['X-Connector-Name', '1'], ['Subject', 'x'],
	    ['x-CONNECTOR-name', '2'], ['X-Connector-Name ', '3'],
	    ['X-MS-Exchange-Organization-SCL', '-1'],
	    ['X-Connector-Name', "\n\tfolded\n more"]],
	    ['-X-Connector-Name 4', '-X-Connector-Name 3',
		'-X-Connector-Name 2', '-X-Connector-Name 1',
		'-X-MS-Exchange-Organization-SCL 1']],
	['a name of octets', [["X-Connector-\xc3\xbc\xff\x01%s", "\x80\x00b"],
	    ["\xff\xfe", "\x00"]], ["-X-Connector-\xc3\xbc\xff\x01%s 1"]],
	['a NUL in a name', [["X-Connector-Name\0X", 'y']],
	    ['-X-Connector-Name 1']],
	['fields of 64 kB', [['X-Honest', $body_of_64k],
	    ['X-Connector-Name', $body_of_64k], ['From', 'x' x 16_000]],
	    ['-X-Connector-Name 1']],
	['a thousand forged ones', [(['X-Connector-x', 'y']) x 1000],
	    [map { "-X-Connector-x $_" } reverse 1 .. 1000]],
);

# ---- the dialogues, on both sockets, in both dialects -----------------------

my %sockets = (
	unix => undef,
	inet => 'inet:' . Scratch::free_port('127.0.0.1') . '@127.0.0.1',
);

for my $name (sort keys %sockets) {
	my $milter = Milter->new($scratch, name => $name, main => $main,
		connectors => \%connectors,
		defined $sockets{$name} ? (socket => $sockets{$name}) : ());
	$milter->start;
	check_negotiation($milter, $name,
	    $name eq 'unix' ? ASKED_FOR | ONLY_UNIX : ASKED_FOR);
	for my $dialect (qw(postfix sendmail)) {
		for my $dialogue (@dialogues) {
			my ($what, @moves) = @$dialogue;
			my $wire = begin($milter, $dialect);
			my $end = $what eq 'a message to us';
			@moves = @moves[0 .. $#moves - 1] if $end;
			hold($milter, $wire, "$name, $dialect: $what", @moves);
			check_end($milter, $wire, "$name, $dialect") if $end;
			$wire->quit;
		}
		check_header($milter, $dialect, "$name, $dialect");
	}
	check_pace($milter, $name);
	check_flood($milter, $name);
	is($milter->stop, 0, "$name: stops cleanly");
}

# ---- headers and what becomes of them ---------------------------------------

# A session that has come to the end of RCPT.
sub at_data
{
	my ($milter, $dialect, %connect) = @_;
	my $wire = begin($milter, $dialect);
	$wire->connect(@net, %connect);
	$wire->mail('<a@client.test>');
	$wire->rcpt('<x@example.com>');
	return $wire;
}

# As text: "-NAME INDEX", "=NAME INDEX VALUE", "+INDEX NAME: VALUE".
sub edits
{
	my ($answer) = @_;
	return [map {
		my ($name, $index, $value) = @$_{qw(name index value)};
		$_->{command} eq 'i' ? "+$index $name: $value"
		    : length($value // '') ? "=$name $index $value"
		    : "-$name $index";
	} @{ $answer->{edits} }];
}

sub check_header
{
	my ($milter, $dialect, $name) = @_;
	my $wire = at_data($milter, $dialect);
	for my $case (@headers) {
		my ($what, $fields, $want) = @$case;
		$milter->clear_log;
		my $answer = $wire->message($fields);
		is($answer->{verdict}, 'continue', "$name: $what");
		is_deeply(edits($answer), [@$want, @stamp],
		    "$name: $what: the edits");
		is(scalar(grep { /stage=eom verdict=accept/ } $milter->lines),
		    1, "$name: $what: one line");
		$wire->mail('<a@client.test>');
		$wire->rcpt('<x@example.com>');
	}
	for my $case (['one more', ['X-Connector-x', 'y'], 1001],
		['a From of 64 kB', ['From', $body_of_64k], 1]) {
		my ($what, $field, $times) = @$case;
		my $large = $wire->message([($field) x $times]);
		is($large->{reply}, '552 5.3.4 Header size exceeds fixed '
		    . 'maximum size' . by('internet', 'max_header_size'),
		    "$name: $what");
		is_deeply($large->{edits}, [], "$name: $what: no edits");
		$wire->mail('<a@client.test>');
		$wire->rcpt('<x@example.com>');
	}
	$wire->quit;
	$wire = at_data($milter, $dialect, client => '127.0.0.1',
		host => 'localhost', port => 0, listener_port => 0);
	is_deeply($wire->message([['X-Connector-Name', 'x']])->{edits}, [],
	    "$name: a local submission is not touched");
	$wire->quit;
	return;
}

# Several edits in a row must not wait for each other's delayed ACK: 40 ms for
# every message. So the quickest tells, however busy the machine is; the first
# ten do not count, as the kernel sends their ACKs at once.
sub check_pace
{
	my ($milter, $name) = @_;
	my $wire = at_data($milter, 'postfix');
	my @seconds;
	for (1 .. 21) {
		my $begin = time;
		$wire->message([]);
		push @seconds, time - $begin;
		$wire->mail('<a@client.test>');
		$wire->rcpt('<x@example.com>');
	}
	my ($quickest) = sort { $a <=> $b } splice @seconds, 10;
	cmp_ok($quickest, '<', 0.03, "$name: a message takes $quickest s");
	$wire->quit;
	return;
}

# ---- floods -----------------------------------------------------------------

sub resident_kb
{
	my ($milter) = @_;
	my $status = Scratch::slurp('/proc/' . $milter->pid . '/status');
	my ($kb) = $status =~ /^VmRSS:\s+(\d+)/m;
	return $kb;
}

# A frame many times; over TCP each is answered by five bytes.
sub flood
{
	my ($wire, $command, $data, $times, $answered) = @_;
	my $frame = pack 'N/a*', $command . $data;
	my $batch = $answered ? 500 : 5000;
	for (1 .. $times / $batch) {
		$wire->send_bytes($frame x $batch) or return 'closed';
		next unless $answered;
		for (1 .. $batch) {
			my ($answer) = $wire->read_frame;
			return $answer if $answer ne 'c';
		}
	}
	return 'c';
}

sub check_flood
{
	my ($milter, $name) = @_;
	my $over_tcp = $name ne 'unix';
	my $wire = at_data($milter, 'postfix');
	$wire->message([(['X-Connector-x', 'y']) x 1000]);
	$wire->mail('<a@client.test>');
	my $before = resident_kb($milter);
	my $recipients = $over_tcp ? 10_000 : 100_000;
	is(flood($wire, 'R', "<x\@example.com>\0", $recipients, 1), 'c',
	    "$name: $recipients recipients");
	for my $field ("X-Honest\0x\0", "X-Connector-x\0y\0",
		"From\0a\@client.test\0", "X-Large\0$body_of_64k\0") {
		my ($what) = $field =~ /^([^\0]*)/;
		my $times = ($over_tcp ? 10_000 : 1_000_000)
		    / ($what eq 'X-Honest' ? 1 : $what eq 'X-Large' ? 100
			: 10);
		is(flood($wire, 'L', $field, $times, $over_tcp), 'c',
		    "$name: $times times $what");
	}
	$wire->eoh;
	my $end = $wire->eom;
	is($end->{reply}, '552 5.3.4 Header size exceeds fixed maximum size'
	    . by('internet', 'max_header_size'), "$name: after the flood");
	my $more = resident_kb($milter) - $before;
	SKIP: {
		skip 'sanitizers have memory of their own', 1
		    if $ENV{SANITIZED};
		cmp_ok($more, '<', 2048, "$name: the flood took $more kB");
	}
	$wire->mail('<a@client.test>');
	is($wire->rcpt('<x@example.com>')->{verdict}, 'continue',
	    "$name: the session goes on");
	$wire->quit;
	return;
}

# The end of the message is answered once, and the session goes on.
sub check_end
{
	my ($milter, $wire, $name) = @_;
	$milter->clear_log;
	is($wire->message->{verdict}, 'continue', "$name: end of message");
	my ($line) = $milter->lines;
	like($line, qr/^4Tq[0-9A-F]+: connector=internet client=mx\.client\.test\[203\.0\.113\.9\]:41022 listener=192\.0\.2\.25:25 stage=eom verdict=accept rule= reply="" from=<a\@client\.test> to=<x\@example\.com> helo=<client\.test> identity=anonymous auth= tls= nrcpt=2$/,
	    "$name: the line of an accepted message");
	is($wire->mail('<b@client.test>')->{verdict}, 'continue',
	    "$name: the next message");
	is($wire->rcpt('<x@foreign.test>')->{reply}, no_relay('internet'),
	    "$name: is judged anew");
	return;
}

# ---- an edit that cannot be sent --------------------------------------------

{
	my $library = Shim::library($scratch, 'stuck', <<'END');
int
smfi_chgheader(void *ctx, char *name, int index, char *value)
{
	(void)ctx, (void)name, (void)value;
	return index == 1 ? -1 : 0;
}
END
	my $milter = Milter->new($scratch, name => 'stuck', main => $main,
		connectors => \%connectors);
	{
		local $ENV{LD_PRELOAD} = $library;
		$milter->start;
	}
	my $wire = at_data($milter, 'postfix');
	my $answer = $wire->message([(['X-Connector-Name', 'x']) x 2]);
	is($answer->{reply}, $cannot . by('-', 'internal'),
	    'a forged field that might survive defers the message');
	ok($milter->wait_log(qr/^4Tq\S+: .* stage=eom verdict=tempfail rule=internal /),
	    '... and the log says so');
	is(scalar(grep { /verdict=accept/ } $milter->lines), 0,
	    '... and nothing else');
	$wire->mail('<a@client.test>');
	$wire->rcpt('<x@example.com>');
	is($wire->message([])->{verdict}, 'continue',
	    'a message without forged fields passes');
	is($milter->stop, 0, 'stops cleanly');
}

# ---- reload between two messages --------------------------------------------

{
	my $milter = Milter->new($scratch, name => 'reload', main => $main,
		connectors => \%connectors);
	$milter->start;
	my $wire = begin($milter);
	hold($milter, $wire, 'before the reload', [connect => [@scan]],
	    [mail => ['<a@client.test>']], [rcpt => ['<x@foreign.test>']]);
	like($milter->reload('USR1', connectors => { 'Scan and Fax' => undef }),
	    qr/^reload: configuration [0-9a-f]{12} is in use$/, 'SIGUSR1');
	hold($milter, $wire, 'an open transaction keeps what it began with',
	    [rcpt => ['<y@foreign.test>']]);
	hold($milter, $wire, 'the next one selects anew',
	    [mail => ['<a@client.test>']],
	    [rcpt => ['<x@foreign.test>'], no_relay('internet')]);
	like($milter->reload('HUP', connectors => { broken => "what = ever\n" }),
	    qr/^reload failed; the old configuration stays in use$/, 'SIGHUP');
	ok(scalar(grep { /broken\.ini:2: error: \[connector broken\] what: / }
	    $milter->lines), 'the problem is logged');
	hold($milter, $wire, 'a bad configuration changes nothing',
	    [mail => ['<a@client.test>']], [rcpt => ['<x@example.com>']]);
	is($milter->stop, 0, 'stops cleanly with a session open');
}

done_testing;
