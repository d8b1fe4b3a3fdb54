#!/usr/bin/perl
# explain.t - connectorctl explain: what it answers to every kind of question,
# as text and as JSON.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use JSON::PP;
use Milter;
use Scratch;
use Test::More;

my $scratch = Scratch->new;
my $program = Milter::program('connectorctl');

my $config = $scratch->write('main.ini', <<'END');
[organization]
accepted_domains = example.com, *.example.net
internal_relay_domains = legacy.example

[connector internet]
bindings = 0.0.0.0:25, [::]:25
remote_ip_ranges = 0.0.0.0/0, ::/0
permission_groups = anonymous_users
accept_authoritative_domain_sender = -anonymous
accept_any_recipient = host:.trusted.example
accept_open_relay = yes

[connector Scan and Fax]
bindings = 0.0.0.0:25
remote_ip_ranges = 10.20.1.0/28, 10.20.0.0/16, 10.20.0.5-10.20.0.9
permission_groups = anonymous_users
accept_any_recipient = anonymous
relay_to = partner.test, fax@gateway.test

[connector old]
enabled = no
bindings = 0.0.0.0:25
remote_ip_ranges = 10.20.0.5

[connector gone]
expires = 2001-12-31
bindings = 0.0.0.0:25
remote_ip_ranges = 10.20.0.5

[connector submission]
bindings = 0.0.0.0:587, [::]:587
remote_ip_ranges = 0.0.0.0/0, ::/0
permission_groups = exchange_users
auth_mechanism = tls, basic_auth, basic_auth_require_tls
require_tls = yes
tls_min_version = TLSv1.2

[connector exact]
bindings = 192.0.2.25:25
remote_ip_ranges = 10.0.0.0/8
permission_groups = exchange_servers
auth_mechanism = external_authoritative
accept_open_relay = yes
END

my $relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'
    . ' [connector %s, rule relay]';
my $large = '552 5.3.4 Message size exceeds fixed maximum message size'
    . ' [connector %s, rule max_message_size]';
my $closed = '421 4.3.2 Service not available [connector -, rule no_connector]';
my $tls = '530 5.7.0 Must issue a STARTTLS command first'
    . ' [connector submission, rule require_tls]';
my @connect = (
	[connect => admission => 'skipped'],
	[connect => client_address => 'passed'],
	[connect => listener => 'passed'],
	[connect => no_connector => 'passed'],
	[connect => max_inbound_connection => 'skipped'],
	[connect => max_inbound_connection_per_source => 'skipped'],
);

# What no question can tell: how old the session is, and what it did before.
sub before
{
	my ($stage, @recipient) = @_;
	return map { [$stage => $_ => 'skipped', @recipient] }
	    qw(connection_timeout max_protocol_errors);
}

my @helo = (
	before('helo'),
	[helo => require_ehlo_domain => 'skipped'],
	[helo => helo_syntax => 'skipped'],
);
my @greeted = (
	before('helo'),
	[helo => require_ehlo_domain => 'passed'],
	[helo => helo_syntax => 'passed'],
);
my @session = (
	before('mail'),
	[mail => require_tls => 'skipped'],
	[mail => auth_mechanism => 'passed'],
	[mail => submit => 'passed'],
	[mail => sender_syntax => 'passed'],
	[mail => back_pressure => 'skipped'],
	[mail => message_rate_limit => 'skipped'],
);
my @sender = (
	@session,
	[mail => authoritative_domain_sender => 'passed'],
	[mail => any_sender => 'passed'],
);
my @mail = (@sender, [mail => max_message_size => 'skipped']);
my @message = (
	[eom => max_message_size => 'skipped'],
	[eom => max_header_size => 'passed'],
	[eom => max_hop_count => 'skipped'],
	[eom => max_local_hop_count => 'skipped'],
);
my @eom = (
	[eom => authoritative_domain_sender => 'skipped'],
	[eom => any_sender => 'skipped'],
	@message,
);

# The steps of a recipient until the rule that refuses it, or all of them.
sub rcpt
{
	my ($recipient, $refusing, %other) = @_;
	my @rules = qw(recipient_syntax reserved_domain single_label_domain
	    relay recipient_lookup internal_only max_recipients_per_message);
	my %outcome = (reserved_domain => 'skipped',
		single_label_domain => 'skipped',
		recipient_lookup => 'skipped', %other);
	my @steps = before('rcpt', $recipient);
	for my $rule (@rules) {
		my $refused = defined $refusing && $rule eq $refusing;
		push @steps, [rcpt => $rule => $refused ? 'refused'
			: $outcome{$rule} // 'passed', $recipient];
		last if $refused;
	}
	return @steps;
}

my @anonymous = qw(accept_any_sender accept_headers_routing submit);
my @user = qw(accept_any_recipient accept_headers_routing bypass_anti_spam
    submit);
my @secured = qw(accept_any_recipient accept_any_sender
    accept_authentication_flag accept_authoritative_domain_sender
    accept_headers_routing bypass_anti_spam bypass_message_size_limit submit);

sub run
{
	my (@flags) = @_;
	my $out = $scratch->path('out');
	my $err = $scratch->path('err');
	unlink $out, $err;
	my $pid = Scratch::spawn({ out => $out, err => $err }, $program,
		'explain', @flags);
	my $status = Scratch::reap($pid, 60);
	return {
		status => defined $status && !($status & 127)
		    ? $status >> 8 : "ended by $status",
		out => Scratch::slurp($out),
		err => Scratch::slurp($err),
	};
}

sub steps
{
	return [map { { stage => $_->[0], rule => $_->[1], outcome => $_->[2],
	    recipient => $_->[3] } } @_];
}

# What stands in the answer beside what a case says of it.
my %usual = (
	monitor => JSON::PP::false,
	verdict => 'accept',
	stage => undef,
	rule => undef,
	reply => undef,
);

my @cases = (
	{ what => 'selection only',
	    flags => [qw(--client 10.20.0.5)],
	    want => { connector => 'Scan and Fax',
		range => '10.20.0.5-10.20.0.9', identity => undef,
		rights => undef, steps => steps(@connect),
		recipients => [],
		candidates => [
		    { connector => 'internet', range => '0.0.0.0/0',
			outcome => 'wider' },
		    { connector => 'Scan and Fax',
			range => '10.20.0.5-10.20.0.9', outcome => 'chosen' },
		    { connector => 'old', range => undef,
			outcome => 'disabled' },
		    { connector => 'gone', range => undef,
			outcome => 'expired' },
		    { connector => 'submission', range => undef,
			outcome => 'no_binding' },
		    { connector => 'exact', range => undef,
			outcome => 'no_binding' } ] } },
	{ what => 'an exact binding hides the wildcard ones',
	    flags => [qw(--client 10.20.0.5 --listener 192.0.2.25:25)],
	    want => { connector => 'exact', range => '10.0.0.0/8',
		candidates => [
		    { connector => 'internet', range => undef,
			outcome => 'hidden' },
		    { connector => 'Scan and Fax', range => undef,
			outcome => 'hidden' },
		    { connector => 'old', range => undef,
			outcome => 'disabled' },
		    { connector => 'gone', range => undef,
			outcome => 'expired' },
		    { connector => 'submission', range => undef,
			outcome => 'no_binding' },
		    { connector => 'exact', range => '10.0.0.0/8',
			outcome => 'chosen' } ] } },
	{ what => 'and there is no way back to them', exit => 3,
	    flags => [qw(--client 203.0.113.9 --listener 192.0.2.25:25
		--from a@b.test --rcpt x@example.com)],
	    want => { connector => undef, range => undef, identity => undef,
		rights => undef, recipients => [],
		steps => steps(@connect[0 .. 2],
		    [connect => no_connector => 'refused']),
		verdict => 'tempfail', stage => 'connect',
		rule => 'no_connector', reply => $closed,
		candidates => [
		    { connector => 'internet', range => undef,
			outcome => 'hidden' },
		    { connector => 'Scan and Fax', range => undef,
			outcome => 'hidden' },
		    { connector => 'old', range => undef,
			outcome => 'disabled' },
		    { connector => 'gone', range => undef,
			outcome => 'expired' },
		    { connector => 'submission', range => undef,
			outcome => 'no_binding' },
		    { connector => 'exact', range => undef,
			outcome => 'no_range' } ] } },
	{ what => 'nobody serves it, and selection is all that was asked',
	    exit => 3, flags => [qw(--client 203.0.113.9 --listener
		192.0.2.25:25)],
	    want => { connector => undef, verdict => 'tempfail',
		stage => 'connect', rule => 'no_connector',
		reply => $closed } },
	{ what => 'the smallest of several ranges that hold the client',
	    flags => [qw(--client 10.20.1.3)],
	    want => { connector => 'Scan and Fax',
		range => '10.20.1.0/28' } },
	{ what => 'an any-address is one that no exact binding names',
	    flags => [qw(--client 10.20.0.5 --listener 0.0.0.0:25)],
	    want => { connector => 'Scan and Fax' } },
	{ what => 'another listener that no exact binding names',
	    flags => [qw(--client 10.20.0.5 --listener 192.0.2.26:25)],
	    want => { connector => 'Scan and Fax' } },
	{ what => 'a port that nobody listens on', exit => 3,
	    flags => [qw(--client 10.20.0.5 --listener 192.0.2.25:26)],
	    want => { connector => undef, verdict => 'tempfail',
		stage => 'connect', rule => 'no_connector',
		reply => $closed } },
	{ what => 'a client with a port',
	    flags => [qw(--client 10.20.0.5:41022)],
	    want => { connector => 'Scan and Fax' } },
	{ what => 'IPv6: the listener is the any-address of its family',
	    flags => [qw(--client 2001:db8::9)],
	    want => { connector => 'internet', range => '::/0' } },
	{ what => 'IPv6 with a port',
	    flags => ['--client', '[2001:db8::9]:41022'],
	    want => { connector => 'internet', range => '::/0' } },
	{ what => 'a mapped client is an IPv4 client',
	    flags => [qw(--client ::ffff:10.20.0.5)],
	    want => { connector => 'Scan and Fax',
		range => '10.20.0.5-10.20.0.9' } },
	{ what => 'with a port, too',
	    flags => [qw(--client [::ffff:10.20.0.5]:41022)],
	    want => { connector => 'Scan and Fax',
		range => '10.20.0.5-10.20.0.9' } },
	# mail
	{ what => 'without --rcpt it stops after MAIL',
	    flags => [qw(--client 203.0.113.9 --from a@b.test)],
	    want => { connector => 'internet', identity => 'anonymous',
		rights => \@anonymous, recipients => [],
		steps => steps(@connect, @helo, @mail) } },
	{ what => 'the null sender',
	    flags => [qw(--client 203.0.113.9 --from), ''],
	    want => { identity => 'anonymous',
		steps => steps(@connect, @helo, @mail) } },
	{ what => 'the null sender in brackets',
	    flags => [qw(--client 203.0.113.9 --from <>)],
	    want => { identity => 'anonymous',
		steps => steps(@connect, @helo, @mail) } },
	{ what => 'an own sender refused', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@example.com
		--rcpt x@example.com)],
	    want => { identity => 'anonymous', rights => \@anonymous,
		recipients => [], verdict => 'reject', stage => 'mail',
		rule => 'authoritative_domain_sender', reply =>
		'550 5.7.60 SMTP; Client does not have permissions to send as '
		. 'this sender [connector internet, '
		. 'rule authoritative_domain_sender]',
		steps => steps(@connect, @helo, @session, [mail =>
		    authoritative_domain_sender => 'refused']) } },
	{ what => 'a sender that is none', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@@b)],
	    want => { verdict => 'reject', stage => 'mail',
		rule => 'sender_syntax', reply => '501 5.1.7 Invalid address '
		. '[connector internet, rule sender_syntax]' } },
	{ what => 'TLS missing: identity and rights are known all the same',
	    exit => 1, flags => [qw(--client 203.0.113.9 --listener
		0.0.0.0:587 --auth joe --from joe@example.com)],
	    want => { connector => 'submission', identity => 'user',
		rights => \@user, verdict => 'reject', stage => 'mail',
		rule => 'require_tls', reply => $tls, steps => steps(@connect,
		    @helo, before('mail'), [mail => require_tls => 'refused']) } },
	{ what => 'TLS too old', exit => 1,
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587
		--tls TLSv1.1 --from joe@example.com)],
	    want => { verdict => 'reject', stage => 'mail',
		rule => 'require_tls', reply => $tls } },
	{ what => '--auth alone means PLAIN',
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587
		--tls TLSv1.2 --auth joe@example.com --from joe@example.com
		--rcpt x@foreign.test)],
	    want => { identity => 'user', rights => \@user,
		recipients => [{ recipient => 'x@foreign.test',
		    verdict => 'accept', rule => undef, reply => undef }] } },
	{ what => 'a mechanism that is not offered', exit => 1,
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587
		--tls TLSv1.3 --auth joe --auth-mechanism GSSAPI --from <>)],
	    want => { identity => 'user', verdict => 'reject',
		stage => 'mail', rule => 'auth_mechanism',
		reply => '530 5.7.0 Authentication mechanism not offered here'
		. ' [connector submission, rule auth_mechanism]' } },
	{ what => 'ANONYMOUS is no login', exit => 1,
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587
		--tls TLSv1.3 --auth joe --auth-mechanism ANONYMOUS
		--from <>)],
	    want => { identity => 'anonymous', rights => [],
		verdict => 'reject', stage => 'mail', rule => 'submit',
		reply => '530 5.7.57 SMTP; Client was not authenticated to '
		. 'send anonymous mail during MAIL FROM '
		. '[connector submission, rule submit]' } },
	{ what => 'externally secured',
	    flags => [qw(--client 10.1.2.3 --listener 192.0.2.25:25
		--from boss@example.com --rcpt x@foreign.test)],
	    want => { connector => 'exact', identity => 'externally_secured',
		rights => \@secured } },
	# the size
	{ what => 'a message as large as it may be',
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--size 37748736)],
	    want => { steps => steps(@connect, @helo, @sender,
		[mail => max_message_size => 'passed']) } },
	{ what => 'a message one byte too large', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--rcpt x@example.com --size 37748737)],
	    want => { recipients => [], verdict => 'reject', stage => 'mail',
		rule => 'max_message_size', reply => sprintf($large,
		    'internet'), steps => steps(@connect, @helo, @sender,
		    [mail => max_message_size => 'refused']) },
	    text => [qr/^  mail     refused    max_message_size$/m] },
	{ what => 'a message of nothing',
	    flags => [qw(--client 203.0.113.9 --from a@b.test --size 0
		--rcpt x@example.com)],
	    want => { steps => steps(@connect, @helo, @sender,
		[mail => max_message_size => 'passed'],
		rcpt('x@example.com'), @eom) } },
	{ what => 'the largest number', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--size 9223372036854775807)],
	    want => { rule => 'max_message_size', verdict => 'reject',
		stage => 'mail', reply => sprintf $large, 'internet' } },
	{ what => 'any size for those who bypass the limit',
	    flags => [qw(--client 10.1.2.3 --listener 192.0.2.25:25
		--from a@b.test --size 9223372036854775807)],
	    want => { rights => \@secured,
		steps => steps(@connect, @helo, @mail) } },
	{ what => 'without --from nothing is declared',
	    flags => [qw(--client 203.0.113.9 --size 9223372036854775807)],
	    want => { steps => steps(@connect) } },
	# rcpt
	{ what => 'some accepted, some not: the message goes',
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--rcpt x@foreign.test --rcpt y@example.com --rcpt <>
		--rcpt z@legacy.example)],
	    want => { recipients => [
		{ recipient => 'x@foreign.test', verdict => 'reject',
		    rule => 'relay', reply => sprintf $relay, 'internet' },
		{ recipient => 'y@example.com', verdict => 'accept',
		    rule => undef, reply => undef },
		{ recipient => '<>', verdict => 'reject',
		    rule => 'recipient_syntax', reply =>
		    '501 5.1.3 Invalid address '
		    . '[connector internet, rule recipient_syntax]' },
		{ recipient => 'z@legacy.example', verdict => 'accept',
		    rule => undef, reply => undef } ],
		steps => steps(@connect, @helo, @mail,
		    rcpt('x@foreign.test', 'relay'), rcpt('y@example.com'),
		    rcpt('<>', 'recipient_syntax'), rcpt('z@legacy.example'),
		    @eom) } },
	{ what => 'all refused: the first one decides', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test --rcpt <>
		--rcpt x@foreign.test)],
	    want => { verdict => 'reject', stage => 'rcpt',
		rule => 'recipient_syntax', reply =>
		'501 5.1.3 Invalid address '
		. '[connector internet, rule recipient_syntax]' } },
	{ what => 'the same recipient twice', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--rcpt x@foreign.test --rcpt x@foreign.test)],
	    want => { verdict => 'reject', stage => 'rcpt', rule => 'relay',
		reply => sprintf($relay, 'internet'),
		recipients => [({ recipient => 'x@foreign.test',
		    verdict => 'reject', rule => 'relay',
		    reply => sprintf $relay, 'internet' }) x 2] } },
	{ what => 'relay_to', exit => 1,
	    flags => [qw(--client 10.20.0.5 --from a@b.test
		--rcpt x@foreign.test)],
	    want => { verdict => 'reject', stage => 'rcpt', rule => 'relay',
		reply => sprintf $relay, 'Scan and Fax' } },
	{ what => 'relay_to, one address',
	    flags => [qw(--client 10.20.0.5 --from a@b.test
		--rcpt FAX@gateway.test)],
	    want => { recipients => [{ recipient => 'FAX@gateway.test',
		verdict => 'accept', rule => undef, reply => undef }] } },
	{ what => 'a verified name that is granted relay',
	    flags => [qw(--client 203.0.113.9 --client-name
		mx.Trusted.example --from a@b.test --rcpt x@foreign.test)],
	    want => { rights => ['accept_any_recipient', @anonymous] } },
	{ what => 'no name', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test
		--rcpt x@foreign.test)],
	    want => { rights => \@anonymous, verdict => 'reject',
		stage => 'rcpt', rule => 'relay',
		reply => sprintf $relay, 'internet' } },
	{ what => 'a routed form with the right',
	    flags => [qw(--client 203.0.113.9 --client-name mx.trusted.example
		--from a@b.test --rcpt x%foreign.test@example.com)],
	    want => {} },
	{ what => 'flags that change little here',
	    flags => [qw(--client 203.0.113.9 --helo client.test --tls TLSv1.3
		--cert-subject client.test --size 1000 --header-from x@y.test
		--from a@b.test --rcpt x@example.com)],
	    want => { identity => 'anonymous' } },
	{ what => 'a recipient of hostile bytes', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test --rcpt),
		"x\"\\\n\e[31m\x01\@example.com"],
	    want => { recipients => [{
		recipient => "x\"\\\n\e[31m\x01\@example.com",
		verdict => 'reject', rule => 'recipient_syntax', reply =>
		'501 5.1.3 Invalid address '
		. '[connector internet, rule recipient_syntax]' }],
		verdict => 'reject', stage => 'rcpt',
		rule => 'recipient_syntax', reply =>
		'501 5.1.3 Invalid address '
		. '[connector internet, rule recipient_syntax]' } },
);

sub check_case
{
	my ($path, $case) = @_;
	my $got = run('--config', $path, @{ $case->{flags} }, '--json');
	my $json = eval { JSON::PP->new->utf8->decode($got->{out}) } // {};
	my %want = (%usual, %{ $case->{want} });
	is($got->{status}, $case->{exit} // 0, "$case->{what}: exit status")
	    or diag($got->{err});
	is($got->{err}, '', "$case->{what}: no complaint");
	is_deeply({ map { $_ => $json->{$_} } keys %want }, \%want,
	    "$case->{what}: answer");
	is(join(' ', sort keys %$json), 'candidates connector identity monitor'
	    . ' range recipients reply rights rule stage steps verdict',
	    "$case->{what}: every key, no other");
	my $text = run('--config', $path, @{ $case->{flags} });
	is($text->{status}, $got->{status}, "$case->{what}: text agrees");
	unlike($text->{out}, qr/[^\n\x20-\x7e]/,
	    "$case->{what}: text is fit for a terminal");
	if (defined $want{reply}) {
		like($text->{out}, qr/^verdict .*: \Q$want{reply}\E$/m,
		    "$case->{what}: text ends in the reply");
	}
	for my $pattern (@{ $case->{text} // [] }) {
		like($text->{out}, $pattern, "$case->{what}: text");
	}
	return;
}

check_case($config, $_) for @cases;

# ---- the whole of a connector -----------------------------------------------

my $rich = $scratch->write('rich.ini', <<'END');
[organization]
accepted_domains = example.com, *.example.net
internal_relay_domains = legacy.example
own_hosts = 192.0.2.25
tls_receive_domain_secure_list = partner.test, sub.partner.test

[directory]
recipients = people
recipient_delimiter = +

[group hubs]
members = hub@example.com

[connector strict]
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
permission_groups = anonymous_users
accept_authoritative_domain_sender = -anonymous
check_header_from = yes
header_from_exempt = lists.test
recipient_filter = yes
internal_only_reply = unknown
require_ehlo_domain = yes
helo_syntax = strict
default_domain = example.com
address_literals = yes
max_recipients_per_message = 2
resolve_anonymous_senders = yes

[connector watched]
mode = monitor
usage = internet
bindings = 0.0.0.0:25
remote_ip_ranges = 198.51.100.0/24

[connector lenient]
usage = internet
bindings = 0.0.0.0:25
remote_ip_ranges = 198.18.0.0/24

[connector partners]
usage = partner
bindings = 0.0.0.0:25
remote_ip_ranges = 10.1.0.0/24

[connector servers]
usage = internal
bindings = 0.0.0.0:25
remote_ip_ranges = 10.2.0.0/24
server_identities = cert:hub.example.com, login:hub@example.com

[connector devices]
permission_groups = anonymous_users
bindings = 0.0.0.0:25
remote_ip_ranges = 10.3.0.0/24
allowed_senders = scan@example.com

[connector picky]
permission_groups = anonymous_users
bindings = 0.0.0.0:25
remote_ip_ranges = 10.4.0.0/24
reject_reserved_top_level_recipient_domains = yes
reject_reserved_second_level_recipient_domains = yes
reject_single_label_recipient_domains = yes

[connector small]
permission_groups = anonymous_users
bindings = 0.0.0.0:25
remote_ip_ranges = 10.5.0.0/24
max_message_size = 64K
bypass_message_size_limit = host:.trusted.example

[connector clients]
usage = client
bindings = 0.0.0.0:587
remote_ip_ranges = 0.0.0.0/0
END
$scratch->write('people', <<'END');
joe@example.com login=joe name="Joe Doe" aliases=alias@example.com
boss@example.com name="The Boss"
all@example.com internal_only
postmaster@a.example.net internal_only
END

sub reply
{
	my ($text, $connector, $rule) = @_;
	return (rule => $rule, reply =>
		"$text [connector $connector, rule $rule]");
}

sub refused
{
	my ($stage, $text, $connector, $rule) = @_;
	return (verdict => 'reject', stage => $stage,
		reply($text, $connector, $rule));
}

# What one recipient gets.
sub recipient
{
	my ($recipient, @refusal) = @_;
	return { recipient => $recipient, verdict => 'accept', rule => undef,
		reply => undef } unless @refusal;
	return { recipient => $recipient, verdict => 'reject',
		reply(@refusal) };
}

my @stranger = qw(--client 203.0.113.9 --helo mx.foreign.test);
my $permission = '550 5.7.60 SMTP; Client does not have permissions to send as'
    . ' this sender';
my $reserved = '550 5.1.4 Recipient address reserved by RFC 2606';
my $unknown = '550 5.1.1 User unknown';
my $anywhere = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted'
    . ' domain';

my @rich = (
	# helo
	{ what => 'a HELO name that is wanted and missing', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test)],
	    want => { refused(helo => '501 5.0.0 HELO / EHLO requires domain '
		. 'address', 'strict', 'require_ehlo_domain'),
		identity => undef, rights => undef, recipients => [],
		steps => steps(@connect,
		    before('helo'),
		    [helo => require_ehlo_domain => 'refused']) } },
	{ what => 'an empty HELO name is missing too', exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test --helo), ''],
	    want => { stage => 'helo', verdict => 'reject',
		reply('501 5.0.0 HELO / EHLO requires domain address',
		    'strict', 'require_ehlo_domain') } },
	{ what => 'a HELO name that is malformed: once, though judged twice',
	    exit => 1,
	    flags => [qw(--client 203.0.113.9 --from a@b.test --rcpt
		joe@example.com --helo a_b)],
	    want => { refused(helo => '501 5.5.4 Invalid domain name',
		'strict', 'helo_syntax'), recipients => [],
		steps => steps(@connect,
		    before('helo'),
		    [helo => require_ehlo_domain => 'passed'],
		    [helo => helo_syntax => 'refused']) } },
	{ what => 'without --from HELO is not played',
	    flags => [qw(--client 203.0.113.9 --helo a_b)],
	    want => { steps => steps(@connect), identity => undef } },
	{ what => 'a good HELO name',
	    flags => [@stranger, qw(--from a@b.test)],
	    want => { identity => 'anonymous',
		steps => steps(@connect,
		    @greeted, @mail) } },
	# recipients
	{ what => 'every rule of a recipient',
	    flags => [@stranger, qw(--from a@b.test --rcpt joe@example.com)],
	    want => { recipients => [recipient('joe@example.com')],
		steps => steps(@connect,
		    @greeted, @mail,
		    rcpt('joe@example.com', undef,
			recipient_lookup => 'passed'), @eom) },
	    text => [qr/^ +recipient_filter = yes \(\Q$rich\E:\d+\)$/m,
		qr/^ +\[directory\] recipients = people \(\Q$rich\E:8\)$/m,
		qr/^ +\[organization\] accepted_domains = example.com, /m] },
	{ what => 'an alias and a tag',
	    flags => [@stranger, qw(--from a@b.test --rcpt ALIAS@example.com
		--rcpt joe+x@example.com)],
	    want => { recipients => [map { recipient($_) }
		qw(ALIAS@example.com joe+x@example.com)] } },
	{ what => 'a bare sender, completed',
	    flags => [@stranger, qw(--from joe --rcpt joe)], exit => 1,
	    want => { refused(mail => $permission, 'strict',
		'authoritative_domain_sender') } },
	{ what => 'a bare recipient, completed, and a literal of ours',
	    flags => [@stranger, qw(--from a@b.test --rcpt joe
		--rcpt x@[192.0.2.25])],
	    want => { recipients => [recipient('joe'),
		recipient('x@[192.0.2.25]')] } },
	{ what => 'a literal that is not ours', exit => 1,
	    flags => [@stranger, qw(--from a@b.test --rcpt x@[192.0.2.26])],
	    want => { refused(rcpt => $anywhere, 'strict', 'relay') } },
	{ what => 'nobody', exit => 1,
	    flags => [@stranger, qw(--from a@b.test --rcpt x@example.com)],
	    want => { refused(rcpt => $unknown, 'strict',
		'recipient_lookup') } },
	{ what => 'internal only, and the client is not told: the rule is '
	    . 'named all the same', exit => 1,
	    flags => [@stranger, qw(--from a@b.test --rcpt all@example.com)],
	    want => { verdict => 'reject', stage => 'rcpt',
		rule => 'internal_only', reply => "$unknown [connector strict,"
		. ' rule recipient_lookup]',
		recipients => [{ recipient => 'all@example.com',
		    verdict => 'reject', rule => 'internal_only', reply =>
		    "$unknown [connector strict, rule recipient_lookup]" }] } },
	{ what => 'internal only, and the client is told', exit => 1,
	    flags => [qw(--client 10.3.0.9 --from scan@example.com --rcpt
		all@example.com)],
	    want => { refused(rcpt => '550 5.7.1 RESOLVER.RST.AuthRequired; '
		. 'authentication required', 'devices', 'internal_only') } },
	{ what => 'internal only, for one of ours',
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587 --tls
		TLSv1.3 --auth joe --from joe@example.com --rcpt
		all@example.com)],
	    want => { identity => 'user' } },
	{ what => 'reserved and single-label domains', exit => 1,
	    flags => [qw(--client 10.4.0.9 --from a@b.test --rcpt x@y.invalid
		--rcpt x@example.org --rcpt x@intranet)],
	    want => { recipients => [
		recipient('x@y.invalid', $reserved, 'picky',
		    'reserved_domain'),
		recipient('x@example.org', '550 5.1.5 Recipient address '
		    . 'reserved by RFC 2606', 'picky', 'reserved_domain'),
		recipient('x@intranet', '550 5.1.6 Recipient addresses in '
		    . 'single label domains not accepted', 'picky',
		    'single_label_domain')],
		refused(rcpt => $reserved, 'picky', 'reserved_domain') } },
	{ what => 'one recipient too many, and the message goes',
	    flags => [@stranger, qw(--from a@b.test --rcpt joe@example.com
		--rcpt x@example.com --rcpt boss@example.com
		--rcpt alias@example.com)],
	    want => { recipients => [recipient('joe@example.com'),
		recipient('x@example.com', $unknown, 'strict',
		    'recipient_lookup'), recipient('boss@example.com'),
		{ recipient => 'alias@example.com', verdict => 'tempfail',
		    reply('452 4.5.3 Too many recipients', 'strict',
			'max_recipients_per_message') }] } },
	# the size
	{ what => 'a limit of its own',
	    flags => [qw(--client 10.5.0.9 --from a@b.test --size 65536)],
	    want => { connector => 'small' },
	    text => [qr/^  mail     passed     max_message_size\n {31}max_message_size = 64K \(\Q$rich\E:70\)\n {31}bypass_message_size_limit = host:\.trusted\.example \(\Q$rich\E:71\)\n {31}permission_groups = anonymous_users \(\Q$rich\E:67\)$/m] },
	{ what => 'more than that', exit => 1,
	    flags => [qw(--client 10.5.0.9 --from a@b.test --size 65537)],
	    want => { verdict => 'reject', stage => 'mail',
		rule => 'max_message_size', reply => sprintf $large, 'small' },
	    text => [qr/^  mail     refused    max_message_size\n {31}max_message_size = 64K /m] },
	{ what => 'more than that, from a host that may',
	    flags => [qw(--client 10.5.0.9 --client-name mx.trusted.example
		--from a@b.test --size 65537)],
	    want => { rights => [sort 'bypass_message_size_limit',
		'accept_authoritative_domain_sender', @anonymous] } },
	# eom
	{ what => 'a header From that passes',
	    flags => [@stranger, qw(--from a@b.test --rcpt joe@example.com
		--header-from a@b.test)],
	    want => { steps => steps(@connect,
		    @greeted, @mail,
		    rcpt('joe@example.com', undef,
			recipient_lookup => 'passed'),
		    [eom => authoritative_domain_sender => 'passed'],
		    [eom => any_sender => 'passed'], @message) },
	    text => [qr/^header$/m, qr/^  insert   X-Connector-Name: strict$/m,
		qr/^  insert   X-Connector-AuthAs: Anonymous$/m,
		qr/^  insert   X-Connector-AuthSource: \.\.\.$/m] },
	{ what => 'a header From of ours', exit => 1,
	    flags => [@stranger, qw(--from a@b.test --rcpt joe@example.com
		--header-from), 'The Boss <boss@example.com>'],
	    want => { refused(eom => $permission, 'strict',
		'authoritative_domain_sender'),
		recipients => [recipient('joe@example.com')] },
	    text => [qr/^ +check_header_from = yes \(\Q$rich\E:19\)$/m,
		qr/^(?!header$)/m] },
	{ what => 'a second author of ours', exit => 1,
	    flags => [@stranger, qw(--from <> --rcpt joe@example.com
		--header-from), 'A <a@b.test>, boss@a.example.net'],
	    want => { refused(eom => $permission, 'strict',
		'authoritative_domain_sender') } },
	{ what => 'a mailing list is exempt',
	    flags => [@stranger, qw(--from a@lists.test --rcpt joe@example.com
		--header-from boss@example.com)],
	    want => {},
	    text => [qr/^  replace  From: \\x22The Boss\\x22 <boss\@example\.com>$/m] },
	{ what => 'a header From without an address',
	    flags => [@stranger, qw(--from a@b.test --rcpt joe@example.com
		--header-from), ''],
	    want => {} },
	{ what => 'without a recipient that is left, no end of the message',
	    exit => 1,
	    flags => [@stranger, qw(--from a@b.test --rcpt x@example.com
		--header-from boss@example.com)],
	    want => { refused(rcpt => $unknown, 'strict',
		'recipient_lookup') } },
	{ what => 'check_header_from = monitor: refused, and accepted',
	    flags => [qw(--client 198.18.0.9 --from a@b.test --rcpt
		joe@example.com --header-from boss@example.com)],
	    want => { steps => steps(@connect, @helo, @mail,
		    rcpt('joe@example.com', undef,
			recipient_lookup => 'passed'),
		    [eom => authoritative_domain_sender => 'refused'],
		    [eom => any_sender => 'passed'], @message) },
	    text => [qr/^  eom      refused    authoritative_domain_sender, only logged$/m,
		qr/ check_header_from = monitor \(by usage, /] },
	# monitor
	{ what => 'a connector that only watches, and would refuse', exit => 1,
	    flags => [qw(--client 198.51.100.9 --from joe@example.com --rcpt
		joe@example.com)],
	    want => { monitor => JSON::PP::true, refused(mail => $permission,
		'watched', 'authoritative_domain_sender') },
	    text => [qr/^monitor    nothing is refused, only logged \(\Q$rich\E:31\)$/m] },
	{ what => 'a connector that only watches, and would accept',
	    flags => [qw(--client 198.51.100.9 --from a@b.test --rcpt
		joe@example.com)],
	    want => { monitor => JSON::PP::true },
	    text => [qr/^monitor /m, qr/(?s:\A(?!.*^header$))/m] },
	# identities
	{ what => 'a partner',
	    flags => [qw(--client 10.1.0.9 --tls TLSv1.3 --cert-subject
		MX.Sub.Partner.test --from a@x.sub.partner.test --rcpt
		joe@example.com)],
	    want => { identity => 'partner',
		rights => [qw(accept_headers_routing submit)] },
	    text => [qr/^identity   partner$/m,
		qr/^ +domain_secure_enabled = yes \(by usage, /m,
		qr/^cert name  mx\.sub\.partner\.test$/m,
		qr/^proven     sub\.partner\.test \(\Q$rich\E:5\)$/m] },
	{ what => 'a partner in another name', exit => 1,
	    flags => [qw(--client 10.1.0.9 --tls TLSv1.3 --cert-subject
		mx.sub.partner.test --from a@partner.test)],
	    want => { identity => 'partner',
		refused(mail => $permission, 'partners', 'any_sender') } },
	{ what => 'a certificate of nobody we know', exit => 1,
	    flags => [qw(--client 10.1.0.9 --tls TLSv1.3 --cert-subject
		xpartner.test --from a@partner.test)],
	    want => { identity => 'anonymous', rights => [],
		verdict => 'reject', stage => 'mail', rule => 'submit',
		reply('530 5.7.57 SMTP; Client was not authenticated to send '
		    . 'anonymous mail during MAIL FROM', 'partners',
		    'submit') },
	    text => [qr/^cert name  xpartner\.test$/m] },
	{ what => 'a certificate that names no host', exit => 1,
	    flags => [qw(--client 10.1.0.9 --tls TLSv1.3 --from a@partner.test
		--cert-subject), 'Some Body'],
	    want => { identity => 'anonymous', verdict => 'reject',
		stage => 'mail', reply('530 5.7.57 SMTP; Client was not '
		    . 'authenticated to send anonymous mail during MAIL FROM',
		    'partners', 'submit') },
	    text => [qr/(?s:\A(?!.*^cert name))/m] },
	{ what => 'a server, by its certificate',
	    flags => [qw(--client 10.2.0.9 --tls TLSv1.3 --cert-subject
		hub.example.com --from boss@example.com --rcpt x@foreign.test
		--rcpt all@example.com)],
	    want => { identity => 'server' },
	    text => [qr/^ +server_identities = cert:hub\.example\.com, /m,
		qr/^  insert   X-Connector-AuthAs: Internal$/m] },
	{ what => 'a server, by its login',
	    flags => [qw(--client 10.2.0.9 --tls TLSv1.3 --auth
		HUB@example.com --from x@foreign.test --rcpt x@foreign.test)],
	    want => { identity => 'server' } },
	# senders
	{ what => 'a sender that is allowed',
	    flags => [qw(--client 10.3.0.9 --from Scan@example.com --rcpt
		joe@example.com)],
	    want => { identity => 'anonymous' } },
	{ what => 'a sender that is not, whatever the rights', exit => 1,
	    flags => [qw(--client 10.3.0.9 --from x@foreign.test --rcpt
		joe@example.com)],
	    want => { refused(mail => $permission, 'devices', 'any_sender') },
	    text => [qr/^ +allowed_senders = scan\@example\.com \(\Q$rich\E:/m] },
	{ what => 'an alias is owned by the login',
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587 --tls
		TLSv1.3 --auth JOE --from alias@example.com --rcpt
		x@foreign.test --header-from joe@example.com)],
	    want => { identity => 'user' } },
	{ what => 'another address is not', exit => 1,
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587 --tls
		TLSv1.3 --auth joe --from boss@example.com)],
	    want => { refused(mail => $permission, 'clients',
		'authoritative_domain_sender') } },
	{ what => 'nor is a foreign one', exit => 1,
	    flags => [qw(--client 203.0.113.9 --listener 0.0.0.0:587 --tls
		TLSv1.3 --auth joe --from x@foreign.test)],
	    want => { refused(mail => $permission, 'clients',
		'any_sender') } },
);

check_case($rich, $_) for @rich;

# Bytes that are no UTF-8 still make a JSON document.
{
	my $got = run('--config', $config, qw(--client 203.0.113.9 --json
	    --from a@b.test --rcpt), "x\xff\xc3\@example.com", '--rcpt',
	    "jos\xc3\xa9\@example.com");
	my $json = eval { JSON::PP->new->utf8->decode($got->{out}) };
	is($got->{status}, 0, 'bytes that are no UTF-8: exit status');
	is($json->{recipients}[0]{rule}, 'recipient_syntax',
	    'bytes that are no UTF-8: refused');
	is($json->{recipients}[1]{recipient}, "jos\x{e9}\@example.com",
	    'bytes that are UTF-8 come out as they were');
}

# The text names file and line of every setting that decides.
{
	my $text = run('--config', $config, qw(--client 10.20.0.5 --from
	    a@b.test --rcpt x@foreign.test))->{out};
	like($text, qr/^connector  Scan and Fax$/m, 'text: the connector');
	like($text, qr/^range      10\.20\.0\.5-10\.20\.0\.9 \(\Q$config\E:15\)$/m,
	    'text: the range and its line');
	like($text, qr/^  wider +internet \(0\.0\.0\.0\/0\)$/m,
	    'text: a losing candidate');
	like($text, qr/accept_any_recipient = anonymous \(\Q$config\E:17\)$/m,
	    'text: a setting that decides, and its line');
	like($text, qr/relay_to = .* \(\Q$config\E:18\)$/m,
	    'text: another one');
	like($text, qr/^identity   anonymous$/m, 'text: the identity');
}

# ---- wrong command lines ----------------------------------------------------

my @client = qw(--client 203.0.113.9);
my @wrong = (
	['no flags at all', '--client is missing'],
	['no client', '--client is missing', '--json'],
	['a client that is no address', '--client x:', qw(--client x)],
	['a client name for a client', '--client mx.example.com:',
	    qw(--client mx.example.com)],
	['an empty client', '--client :', '--client', ''],
	['a client with a port too high', '--client 10.0.0.1:65536:',
	    qw(--client 10.0.0.1:65536)],
	['a client with octal-looking octets', '--client 010.0.0.1:',
	    qw(--client 010.0.0.1)],
	['a client with a zone id', '--client fe80::1%eth0:',
	    qw(--client fe80::1%eth0)],
	['a listener without a port', '--listener 192.0.2.25:',
	    @client, qw(--listener 192.0.2.25)],
	['a listener of no address', '--listener mx:25:', @client,
	    qw(--listener mx:25)],
	['a listener on port 0', '--listener 192.0.2.25:0:', @client,
	    qw(--listener 192.0.2.25:0)],
	['an unknown version of TLS', '--tls 1.3:', @client, qw(--tls 1.3)],
	['--cert-subject without --tls', '--cert-subject needs --tls',
	    @client, qw(--cert-subject x.test)],
	['--auth-mechanism without --auth', '--auth-mechanism needs --auth',
	    @client, qw(--auth-mechanism PLAIN)],
	['an empty login', '--auth: a login is not empty', @client, '--auth',
	    ''],
	['an empty name', '--client-name: a name is not empty', @client,
	    '--client-name', ''],
	['an empty version of TLS', '--tls: a version is not empty', @client,
	    '--tls', ''],
	['an empty mechanism', '--auth-mechanism: a mechanism is not empty',
	    @client, qw(--auth joe --auth-mechanism), ''],
	['an empty subject', '--cert-subject: a subject is not empty',
	    @client, qw(--tls TLSv1.3 --cert-subject), ''],
	['a port of a mapped client that is none',
	    '--client [::ffff:10.20.0.5]:0: ',
	    qw(--client [::ffff:10.20.0.5]:0)],
	['a mapped client without a port', '--client [::ffff:10.20.0.5]: ',
	    qw(--client [::ffff:10.20.0.5])],
	['a mapped client with more of it behind',
	    '--client [::ffff:10.20.0.1]5:25: ',
	    qw(--client [::ffff:10.20.0.1]5:25)],
	['a mapped listener', '--listener [::ffff:192.0.2.25]:25: ', @client,
	    qw(--listener [::ffff:192.0.2.25]:25)],
	['a port of the client that is none', '--client 10.20.0.15:99999: ',
	    qw(--client 10.20.0.15:99999)],
	['a size that is none', '--size 1k:', @client, qw(--size 1k)],
	['a negative size', '--size -1:', @client, qw(--size -1)],
	['a size with a sign', '--size +1:', @client, qw(--size +1)],
	['a size behind a blank', '--size  1:', @client, '--size', ' 1'],
	['a size before a blank', '--size 1 :', @client, '--size', '1 '],
	['a size in hex', '--size 0x10:', @client, qw(--size 0x10)],
	['a size of nothing', '--size : not a number', @client, '--size', ''],
	['a size beyond all numbers', '--size 9223372036854775808: not a number'
	    . ' of bytes', @client, qw(--size 9223372036854775808)],
	['an unknown flag', '--frobnicate: not a flag', @client,
	    '--frobnicate'],
	['a flag without its value', 'its value is missing', '--client'],
	['a word too many', 'extra:', @client, 'extra'],
);

for my $case (@wrong) {
	my ($what, $complaint, @flags) = @$case;
	my $got = run('--config', $config, @flags);
	is($got->{status}, 2, "$what: exit status");
	is($got->{out}, '', "$what: no answer");
	like($got->{err}, qr/\Q$complaint\E/, "$what: the complaint");
}

my $got = run('--config', $scratch->path('missing.ini'), @client);
is($got->{status}, 78, 'a configuration that is not there');
like($got->{err}, qr/^\Q@{[$scratch->path('missing.ini')]}\E:0: error: /,
    'names the file');
my $bad = $scratch->write('bad.ini', "[connector a]\nenbled = yes\n");
$got = run('--config', $bad, @client, '--json');
is($got->{status}, 78, 'a configuration that does not load');
is($got->{out}, '', 'gives no answer');
like($got->{err}, qr/^\Q$bad\E:2: error: \[connector a\] enbled: /m,
    'names file and line');

done_testing;
