#!/usr/bin/perl
# sendmail.t - real mail through a real Sendmail: who gets which exact reply,
# and what arrives. LONG=1: more random authors, of a new seed each time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Authority;
use Milter;
use Play qw(tagged);
use Scratch;
use Sendmail;
use Sink;
use Smtp;

# ---- the world --------------------------------------------------------------

my @local = qw(192.0.2.25 192.0.2.26 192.0.2.27 2001:db8::25 2001:db8::26);
my @clients = qw(203.0.113.7 203.0.113.8 203.0.113.9 203.0.113.10 203.0.113.16
    203.0.113.31 203.0.113.32 203.0.113.65 203.0.113.129 203.0.113.200
    198.51.100.7 198.51.100.70 198.51.100.130
    198.51.100.200 10.1.2.3 10.20.4.4 10.20.20.4
    10.20.31.4 10.20.32.4 2001:db8:1::9 2001:db8:9::1 2001:db8:9:1000::1
    2001:db8:a::1 2001:db8:ba2c::25);
my %hosts = ('203.0.113.8' => 'host.sender.example',
	'203.0.113.10' => 'relay.trusted.example');
my $scratch = Sendmail::enter(addresses => [@local, @clients],
	hosts => \%hosts);
my $ipv6 = Scratch::has_ipv6();
my $sink = Sink->new($scratch);
my $authority = Authority->new($scratch);

# Where clients connect to; loopback tells the milter less than the others.
my %listener = (
	mx => ['192.0.2.25', 25], mx2 => ['192.0.2.26', 25],
	mx3 => ['192.0.2.27', 25], loopback => ['127.0.0.1', 25],
	named => ['127.0.0.1', 2525], submission => ['192.0.2.25', 587],
	open => ['192.0.2.25', 2526], masquerading => ['192.0.2.25', 2527],
	mx6 => ['2001:db8::25', 25], other6 => ['2001:db8::26', 25],
	loopback6 => ['::1', 25],
);
my @options = ('Family=inet, Port=25, Name=MTA',
	'Family=inet, Addr=127.0.0.1, Port=2525, Name=named',
	'Family=inet, Port=587, Name=MSA',
	'Family=inet, Port=2526, Name=open, InputMailFilters=open');
push @options, map { "Family=inet6, Addr=$_, Port=25, Name=MTA-$_" }
    qw(2001:db8::25 2001:db8::26 ::1) if $ipv6;

# ---- the connectors ---------------------------------------------------------

my $main = <<'END';
[organization]
accepted_domains               = example.com
tls_receive_domain_secure_list = partner.example

[directory]
recipients = recipients.txt
END
$scratch->write('milter/recipients.txt', <<'END');
alice@example.com      login=alice name="Alice Example"
bob@example.com
all-hands@example.com  internal_only
END
my %connectors = (
	internet => <<'END',
usage             = internet
bindings          = 0.0.0.0:25, [::]:25
remote_ip_ranges  = 0.0.0.0/0, ::/0
protected_headers = X-Our-
END
	relay => <<'END',
bindings             = 0.0.0.0:25, [::]:25
remote_ip_ranges     = 203.0.113.16/28, 10.20.16.0/20, 2001:db8:9::/52
permission_groups    = anonymous_users
accept_any_recipient = anonymous
relay_to             = partner.example, *.partner.example
END
	'not relay' => <<'END',
bindings          = 0.0.0.0:25, [::]:25
remote_ip_ranges  = 10.20.20.0/24
permission_groups = anonymous_users
END
	named => <<'END',
bindings             = 0.0.0.0:25
remote_ip_ranges     = 203.0.113.10-203.0.113.11
permission_groups    = anonymous_users
accept_any_recipient = host:trusted.example
END
	bank => <<'END',
bindings          = 0.0.0.0:25, [::]:25
remote_ip_ranges  = 198.51.100.0/26, 2001:db8:ba2c::/48
permission_groups = anonymous_users
require_tls       = yes
END
	partner => <<'END',
usage                = partner
bindings             = 0.0.0.0:25
remote_ip_ranges     = 198.51.100.64/26
accept_any_recipient = partners
END
	hub => <<'END',
bindings          = 0.0.0.0:25
remote_ip_ranges  = 198.51.100.128/26
auth_mechanism    = tls, exchange_server
permission_groups = exchange_servers
server_identities = cert:hub.example.com
END
	submission => <<'END',
usage            = client
bindings         = 0.0.0.0:587
remote_ip_ranges = 10.0.0.0/8
END
	plain => <<'END',
bindings          = 0.0.0.0:587
remote_ip_ranges  = 203.0.113.200
permission_groups = exchange_users
auth_mechanism    = basic_auth
END
	exact => <<'END',
usage            = closed
bindings         = 192.0.2.26:25, [2001:db8::26]:25
remote_ip_ranges = 203.0.113.0/24, 2001:db8::/32
END
	loopback => <<'END',
bindings          = 127.0.0.1:25, [::1]:25
remote_ip_ranges  = 127.0.0.0/8, ::1
permission_groups = anonymous_users
END
	'named loopback' => <<'END',
usage            = closed
bindings         = 127.0.0.1:2525
remote_ip_ranges = 127.0.0.0/8
END
	hopless => <<'END',
bindings                  = 0.0.0.0:25
remote_ip_ranges          = 203.0.113.128/26
permission_groups         = anonymous_users
accept_headers_routing    = -anonymous
resolve_anonymous_senders = yes
END
	disabled => <<'END',
enabled          = no
usage            = closed
bindings         = 0.0.0.0:25
remote_ip_ranges = 203.0.113.64/26
END
	strict => <<'END',
usage             = internet
bindings          = 0.0.0.0:25
remote_ip_ranges  = 198.51.100.192/26
check_header_from = yes
END
	masqueraded => <<'END',
usage             = internet
bindings          = 0.0.0.0:2527
remote_ip_ranges  = 198.51.100.192/26
check_header_from = yes
default_domain    = example.com
END
	open => <<'END',
bindings          = 0.0.0.0:2526
remote_ip_ranges  = 0.0.0.0/0
permission_groups = anonymous_users
END
);

# As a package makes it: nobody but the milter and the MTA looks inside.
my $milter = Milter->new($scratch, main => $main, connectors => \%connectors,
	milter => "stamp_key_file = stamp.key\n");
$scratch->write('milter/stamp.key', '2026a ' . 'ab' x 32 . "\n", 0640);
chown 0, scalar getgrnam('nogroup'), $scratch->path('milter/stamp.key');
chmod 0750, $scratch->path('milter.run');
$milter->start;

sub mta
{
	my (@part) = @_;
	# The loader warns of what these connectors do on purpose.
	return Scratch::slurp_command('sh', '-c', 'exec "$@" 2>/dev/null',
		'sh', Milter::program('connectorctl'), qw(mta sendmail), @part,
		'--config', $milter->config);
}

# The same milter without F=, for a listener where the guard alone remains when
# it is gone.
my ($socket) = $milter->socket =~ /^unix:(.*)/;
my $lines = mta() . "MAIL_FILTER(`open', `S=local:$socket')dnl\n";
my $sendmail = Sendmail->new($scratch, lines => $lines, sink => $sink->port,
	authority => $authority, listeners => \@options,
	logins => { alice => 'secret', bob => 'secret' });
my $own = "To:example.com\tRELAY\n";
$sendmail->access($own . mta('guard'));
$sendmail->start;

# ---- replies ----------------------------------------------------------------

my $relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain';
my $spoof = '550 5.7.60 SMTP; Client does not have permissions to send as '
    . 'this sender';
my $submit = '530 5.7.57 SMTP; Client was not authenticated to send anonymous '
    . 'mail during MAIL FROM';
my $tls = '530 5.7.0 Must issue a STARTTLS command first';
my $mechanism = '530 5.7.0 Authentication mechanism not offered here';
my $plain = '538 5.7.11 Encryption required for requested authentication '
    . 'mechanism';
my $unknown = '550 5.1.1 User unknown';
my $internal = '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required';
my $taken = qr/^250 2\.0\.0 \w+ Message accepted for delivery$/;

# Sendmail puts the address in front of the text of a 55x.
sub about
{
	my ($address, $reply) = @_;
	$reply =~ s/^(55\d \d\.\d+\.\d+) /$1 <$address>... /;
	return $reply;
}

# What the guard says: the client's name was not found, or it was.
sub denied
{
	my ($address, $client) = @_;
	my $groups = join ':', map { sprintf '%x', $_ } unpack 'n8',
	    Socket::inet_pton(Socket::AF_INET6(), $client) if $client =~ /:/;
	my $shown = $client =~ /:/ ? "IPv6:$groups" : $client;
	return about($address, '550 5.7.1 Relaying denied. ')
	    . ($hosts{$client} ? 'Proper authentication required.'
		: "IP name lookup failed [$shown]");
}

sub stranger
{
	my ($at, $client) = @_;
	return Smtp->new(@{ $listener{$at} }, from => $client);
}

# at, client, tls (1, or a certificate with its key), login, from, parameter,
# to, text: one transaction; the replies to MAIL, RCPT and DATA.
sub transact
{
	my ($case) = @_;
	my $smtp = stranger($case->{at} // 'mx', $case->{client});
	my @step = (sub { $smtp->ehlo });
	push @step, sub { $smtp->starttls($sendmail->ca,
		ref $case->{tls} ? $case->{tls} : ()) }, sub { $smtp->ehlo }
	    if $case->{tls};
	push @step, sub { $smtp->auth_plain($case->{login}, 'secret') }
	    if defined $case->{login};
	for my $step (@step) {
		my $reply = $step->();
		return $reply if $reply !~ /^2/;
	}
	my @replies = $smtp->mail($case->{from} // 'ada@sender.example',
		$case->{parameter} // ());
	push @replies, $smtp->rcpt($case->{to})
	    if defined $case->{to} && $replies[0] =~ /^2/;
	push @replies, $smtp->message($case->{text})
	    if defined $case->{text} && $replies[-1] =~ /^2/;
	$smtp->quit;
	return @replies;
}

# mail and rcpt are refusals [text, connector, rule], or whole replies.
sub check
{
	my ($case) = @_;
	my $from = $case->{from} // 'ada@sender.example';
	my $mail = expected($from, $case->{mail},
		"250 2.1.0 <$from>... Sender ok");
	my @want = $mail;
	push @want, expected($case->{to}, $case->{rcpt},
		"250 2.1.5 <$case->{to}>... Recipient ok")
	    if defined $case->{to} && $mail =~ /^2/;
	return is join(', ', transact($case)), join(', ', @want),
	    $case->{what};
}

sub expected
{
	my ($address, $refusal, $ok) = @_;
	return $ok if !defined $refusal;
	return $refusal if !ref $refusal;
	return about($address, tagged(@$refusal));
}

# ---- one transaction each ---------------------------------------------------

my %own = (to => 'alice@example.com');
my %foreign = (to => 'x@partner.example');
my %identity = (
	partner => $authority->issue('mail.partner.example',
		subject => '/C=DE/O=A Partner/CN=mail.partner.example'),
	stranger => $authority->issue('mail.other.example'),
	selfmade => $authority->self_signed('mail.partner.example'),
	hub => $authority->issue('hub.example.com',
		subject => '/C=DE/O=Our own/CN=hub.example.com'),
	# Spelled as Sendmail spells a subject, one name inside another.
	nested => $authority->issue('',
		subject => '/CN=evil.example/O=x\/CN=hub.example.com'),
	forged => $authority->self_signed('hub.example.com'),
);

my @cases = (
	# selection
	{ what => 'an outside host writes to an own user',
	    client => '203.0.113.9', %own },
	{ what => '... at another address of this server',
	    at => 'mx3', client => '203.0.113.9', %own },
	{ what => '... as the null sender',
	    client => '203.0.113.9', from => '', %own },
	{ what => 'an exact binding hides the wildcard one',
	    at => 'mx2', client => '203.0.113.9',
	    mail => [$submit, 'exact', 'submit'] },
	{ what => 'a narrower range wins',
	    client => '198.51.100.7', mail => [$tls, 'bank', 'require_tls'] },
	{ what => 'a disabled connector serves nobody',
	    client => '203.0.113.65', %own },
	{ what => 'loopback: the milter takes 127.0.0.1 for the listener',
	    at => 'loopback', client => '127.0.0.1', %own },
	{ what => '... for every client there',
	    at => 'loopback', client => '127.0.0.77', %own },
	{ what => '... unless Addr= tells it',
	    at => 'named', client => '127.0.0.1',
	    mail => [$submit, 'named loopback', 'submit'] },
	{ what => 'loopback relays by Sendmail, not by the milter',
	    at => 'loopback', client => '127.0.0.1', %foreign,
	    rcpt => [$relay, 'loopback', 'relay'] },
	# refusals at MAIL
	{ what => 'an own domain as sender',
	    client => '203.0.113.9', from => 'bob@example.com',
	    mail => [$spoof, 'internet', 'authoritative_domain_sender'] },
	{ what => '... in another case',
	    client => '203.0.113.9', from => 'Bob@EXAMPLE.Com',
	    mail => [$spoof, 'internet', 'authoritative_domain_sender'] },
	{ what => 'TLS is required, and given',
	    client => '198.51.100.7', tls => 1, %own },
	# recipients
	{ what => 'nobody of this name',
	    client => '203.0.113.9', to => 'nobody@example.com',
	    rcpt => [$unknown, 'internet', 'recipient_lookup'] },
	{ what => 'a recipient for internal senders only',
	    client => '203.0.113.9', to => 'all-hands@example.com',
	    rcpt => [$internal, 'internet', 'internal_only'] },
	{ what => 'postmaster',
	    client => '203.0.113.9', to => 'postmaster@example.com' },
	# logins
	{ what => 'submission without a login',
	    at => 'submission', client => '10.1.2.3', tls => 1,
	    from => 'alice@example.com',
	    mail => [$submit, 'submission', 'submit'] },
	{ what => '... with one',
	    at => 'submission', client => '10.1.2.3', tls => 1,
	    login => 'alice', from => 'alice@example.com', %foreign },
	{ what => '... to internal recipients',
	    at => 'submission', client => '10.1.2.3', tls => 1,
	    login => 'alice', from => 'alice@example.com',
	    to => 'all-hands@example.com' },
	{ what => '... as somebody else',
	    at => 'submission', client => '10.1.2.3', tls => 1,
	    login => 'alice', from => 'bob@example.com',
	    mail => [$spoof, 'submission', 'authoritative_domain_sender'] },
	{ what => '... by a password in clear',
	    at => 'submission', client => '10.1.2.3',
	    login => 'alice', from => 'alice@example.com',
	    mail => [$plain, 'submission', 'auth_mechanism'] },
	{ what => '... where that is all the same',
	    at => 'submission', client => '203.0.113.200', login => 'alice',
	    from => 'alice@example.com', %foreign },
	{ what => '... where no login is taken',
	    client => '203.0.113.9', login => 'alice',
	    from => 'alice@example.com',
	    mail => [$mechanism, 'internet', 'auth_mechanism'] },
	{ what => 'MAIL AUTH= is no login',
	    at => 'submission', client => '10.1.2.3', tls => 1,
	    from => 'alice@example.com',
	    parameter => 'AUTH=alice@example.com',
	    mail => [$submit, 'submission', 'submit'] },
	# certificates
	{ what => 'a partner, known by certificate',
	    client => '198.51.100.70', tls => $identity{partner},
	    from => 'carl@partner.example', %own },
	{ what => '... as a subdomain of it',
	    client => '198.51.100.70', tls => $identity{partner},
	    from => 'carl@mail.partner.example', %own },
	{ what => '... and relays by right',
	    client => '198.51.100.70', tls => $identity{partner},
	    from => 'carl@partner.example', to => 'x@foreign.example' },
	{ what => '... as another domain',
	    client => '198.51.100.70', tls => $identity{partner},
	    from => 'carl@other.example',
	    mail => [$spoof, 'partner', 'any_sender'] },
	{ what => '... to internal recipients',
	    client => '198.51.100.70', tls => $identity{partner},
	    from => 'carl@partner.example', to => 'all-hands@example.com',
	    rcpt => [$internal, 'partner', 'internal_only'] },
	{ what => 'the certificate of a stranger',
	    client => '198.51.100.70', tls => $identity{stranger},
	    from => 'carl@partner.example',
	    mail => [$submit, 'partner', 'submit'] },
	{ what => 'a certificate that nobody vouches for',
	    client => '198.51.100.70', tls => $identity{selfmade},
	    from => 'carl@partner.example',
	    mail => [$submit, 'partner', 'submit'] },
	{ what => 'TLS without a certificate',
	    client => '198.51.100.70', tls => 1,
	    from => 'carl@partner.example',
	    mail => [$submit, 'partner', 'submit'] },
	{ what => 'no TLS at all',
	    client => '198.51.100.70', from => 'carl@partner.example',
	    mail => [$submit, 'partner', 'submit'] },
	{ what => 'a certificate on a connector that does not ask',
	    client => '203.0.113.9', tls => $identity{partner}, %foreign,
	    rcpt => denied('x@partner.example', '203.0.113.9') },
	{ what => 'a server, known by certificate, relays',
	    client => '198.51.100.130', tls => $identity{hub},
	    from => 'bob@example.com', to => 'x@foreign.example' },
	{ what => '... to internal recipients',
	    client => '198.51.100.130', tls => $identity{hub},
	    from => 'ada@sender.example', to => 'all-hands@example.com' },
	{ what => 'a server with a certificate it made itself',
	    client => '198.51.100.130', tls => $identity{forged},
	    from => 'bob@example.com', mail => [$submit, 'hub', 'submit'] },
	{ what => 'a name inside another field of the subject',
	    client => '198.51.100.130', tls => $identity{nested},
	    from => 'bob@example.com', mail => [$submit, 'hub', 'submit'] },
	# two gates
	{ what => 'the guard refuses an outside host',
	    client => '203.0.113.9', %foreign,
	    rcpt => denied('x@partner.example', '203.0.113.9') },
	{ what => '... with a name',
	    client => '203.0.113.8', %foreign,
	    rcpt => denied('x@partner.example', '203.0.113.8') },
	{ what => '... by a routed address in our domain',
	    client => '203.0.113.9', to => 'x%partner.example@example.com',
	    rcpt => denied('x%partner.example@example.com',
		'203.0.113.9') },
	{ what => 'the first address of a relay range',
	    client => '203.0.113.16', %foreign },
	{ what => 'the last one',
	    client => '203.0.113.31', %foreign },
	{ what => 'the one after that',
	    client => '203.0.113.32', %foreign,
	    rcpt => denied('x@partner.example', '203.0.113.32') },
	{ what => 'a range that ends within an octet',
	    client => '10.20.31.4', %foreign },
	{ what => '... and what lies behind it',
	    client => '10.20.32.4', %foreign,
	    rcpt => denied('x@partner.example', '10.20.32.4') },
	{ what => '... and a hole in it',
	    client => '10.20.20.4', %foreign,
	    rcpt => denied('x@partner.example', '10.20.20.4') },
	{ what => 'the milter narrows it by relay_to',
	    client => '203.0.113.16', to => 'x@foreign.example',
	    rcpt => [$relay, 'relay', 'relay'] },
	{ what => '... which no routed address matches',
	    client => '203.0.113.16', to => 'x%partner.example@example.com',
	    rcpt => [$relay, 'relay', 'relay'] },
	{ what => '... nor a bang path',
	    client => '203.0.113.16', to => 'partner.example!x@example.com',
	    rcpt => [$relay, 'relay', 'relay'] },
	{ what => '... nor an address in quotes',
	    client => '203.0.113.16',
	    to => '"x@partner.example"@example.com',
	    rcpt => [$relay, 'relay', 'relay'] },
	{ what => '... nor a source route',
	    client => '203.0.113.16', to => '@example.com:x@partner.example',
	    rcpt => [$relay, 'relay', 'relay'] },
	{ what => 'relay for a host by its name',
	    client => '203.0.113.10', to => 'x@foreign.example' },
);
push @cases, (
	{ what => 'IPv6: an outside host writes to an own user',
	    at => 'mx6', client => '2001:db8:1::9', %own },
	{ what => 'IPv6: an exact binding',
	    at => 'other6', client => '2001:db8:1::9',
	    mail => [$submit, 'exact', 'submit'] },
	{ what => 'IPv6: a narrower range',
	    at => 'mx6', client => '2001:db8:ba2c::25',
	    mail => [$tls, 'bank', 'require_tls'] },
	{ what => 'IPv6: loopback',
	    at => 'loopback6', client => '::1', %own },
	{ what => 'IPv6: an own domain as sender',
	    at => 'mx6', client => '2001:db8:1::9', from => 'bob@example.com',
	    mail => [$spoof, 'internet', 'authoritative_domain_sender'] },
	{ what => 'IPv6: in a relay range',
	    at => 'mx6', client => '2001:db8:9::1', %foreign },
	{ what => 'IPv6: behind one that ends within a group',
	    at => 'mx6', client => '2001:db8:9:1000::1', %foreign,
	    rcpt => denied('x@partner.example', '2001:db8:9:1000::1') },
	{ what => 'IPv6: beside it',
	    at => 'mx6', client => '2001:db8:a::1', %foreign,
	    rcpt => denied('x@partner.example', '2001:db8:a::1') },
) if $ipv6;
check($_) for @cases;

# ---- dialogues --------------------------------------------------------------

subtest 'an address that no connector serves' => sub {
	my $smtp = stranger('submission', '203.0.113.9');
	like $smtp->greeting, qr/^220 /, 'is greeted';
	is $smtp->ehlo, tagged('421 4.3.2 Service not available', '-',
		'no_connector'), 'is told at EHLO';
	is $smtp->reply, 'closed', 'and the connection is closed';
};

subtest 'several recipients, RSET, a second message' => sub {
	$sink->forget;
	my $smtp = stranger('mx', '203.0.113.16');
	$smtp->ehlo;
	my @to = qw(alice@example.com x@foreign.example y@partner.example);
	like $smtp->mail('ada@sender.example'), qr/^250 /, 'sender';
	like $smtp->rcpt($to[0]), qr/^250 /, 'own recipient';
	is $smtp->rcpt($to[1]), about($to[1], tagged($relay, 'relay', 'relay')),
	    'foreign recipient';
	like $smtp->rcpt($to[2]), qr/^250 /, 'recipient in relay_to';
	like $smtp->message("Subject: several\n\n.text\n"), $taken,
	    'the message is accepted';
	like $smtp->mail('ada@sender.example'), qr/^250 /, 'another';
	like $smtp->rcpt($to[0]), qr/^250 /, 'recipient';
	like $smtp->cmd('RSET'), qr/^250 /, 'RSET';
	is $smtp->rcpt($to[0]), '503 5.0.0 Need MAIL before RCPT', 'over';
	like $smtp->deliver('ada@sender.example', [$to[0]]), $taken, 'a third';
	is_deeply [sort map { @{ $_->{to} } } $sink->messages],
	    [$to[0], $to[0], $to[2]], 'arrived for the accepted ones';
	is $sendmail->queued, 0, 'nothing waits';
};

subtest 'MAIL right after STARTTLS, without EHLO' => sub {
	my $smtp = stranger('mx', '198.51.100.7');
	$smtp->ehlo;
	my $refused = tagged($tls, 'bank', 'require_tls');
	is $smtp->mail('teller@bank.example'), $refused, 'refused before';
	like $smtp->starttls($sendmail->ca), qr/^220/, 'STARTTLS';
	like $smtp->mail('teller@bank.example'), qr/^250 /, 'accepted after';
};

subtest 'a failed login is no login' => sub {
	my $smtp = stranger('submission', '10.1.2.3');
	$smtp->ehlo;
	$smtp->starttls($sendmail->ca);
	$smtp->ehlo;
	like $smtp->auth_plain('alice', 'wrong'), qr/^535 /, 'wrong password';
	is $smtp->mail('alice@example.com'),
	    tagged($submit, 'submission', 'submit'), 'still anonymous';
};

# ---- headers ----------------------------------------------------------------

# The fields of the one message that arrives, without those that Sendmail
# itself puts in front, and its body.
sub arrive
{
	my ($client, $text, %case) = @_;
	$sink->forget;
	my @replies = transact({ client => $client, text => $text,
		to => 'alice@example.com', %case });
	like $replies[-1], $taken, 'the message is taken';
	my ($message) = $sink->messages;
	my ($header, $body) = split /\n\n/, $message->{data} // '', 2;
	my $received = qr/^Received: from .*by mx\.example\.com \(8\./s;
	return { fields => [grep { !/$received/ } split /\n(?![ \t])/,
		$header], body => $body, data => $message->{data} };
}

sub theirs
{
	my ($message) = @_;
	return [grep { !/^X-Connector-/i } @{ $message->{fields} }];
}

sub ours
{
	my ($message) = @_;
	return [grep { /^X-Connector-/i } @{ $message->{fields} }];
}

my @plain = ('From: Ada <ada@sender.example>', 'To: alice@example.com',
	'Subject: hello', 'Date: Mon, 15 Jun 2026 10:00:00 +0000',
	'Message-ID: <1@sender.example>', "X-Folded: a\n\tb   c \n  d",
	'X-Percent: 100% %s %n', 'X-Wide:   three blanks', 'X-Empty:',
	'X-Eight: ' . "\xc3\xbc\xff", 'X-NoBlank:x', 'X-Last: last');
my $text = join "\n", @plain, '', 'text', '.dot', '';

for my $case (['Anonymous', 'internet', '203.0.113.9'],
	['Internal', 'submission', '10.1.2.3', at => 'submission', tls => 1,
	    login => 'alice', from => 'alice@example.com'],
	['Internal', 'hub', '198.51.100.130', tls => $identity{hub}],
	['Partner', 'partner', '198.51.100.70', tls => $identity{partner},
	    from => 'carl@partner.example']) {
	my ($as, $connector, $client, %case) = @$case;
	(my $mine = $text) =~ s/ada\@sender/carl\@partner/;
	my $message = arrive($client,
		$as eq 'Partner' ? $mine : $text, %case);
	my @ours = @{ ours($message) };
	is_deeply [@ours[0 .. 2]], ["X-Connector-Name: $connector",
		"X-Connector-AuthAs: $as",
		'X-Connector-AuthSource: mx.example.com'],
	    "connector $connector: the stamp";
	like $ours[3], qr/^X-Connector-Stamp:\ v=1;\ k=2026a;\ t=\d+;
	    \s+q=\w+;\s+h=[0-9a-f]{64}$/x, '... signed';
	is scalar(@ours), 4, '... once';
	my $verdict = Scratch::slurp_command(
		Milter::program('connectorctl'), 'verify-stamp', '--config',
		$milter->config, $scratch->write('message',
		$message->{data}));
	like $verdict, qr/^valid: connector $connector, auth_as $as,/,
	    '... and good where it arrives';
}

subtest 'a message without forged fields' => sub {
	my $message = arrive('203.0.113.9', $text);
	is_deeply theirs($message), \@plain, 'keeps its own, byte by byte';
	is $message->{body}, "text\n.dot\n", '... and its body';
};

# Every spelling of names that are protected here.
my @names = ('X-Connector-AuthAs', 'x-connector-authas', 'X-CONNECTOR-Name',
	'X-Connector-Stamp', 'X-Connector-Anything',
	'X-MS-Exchange-Organization-AuthAs', 'X-MS-EXCHANGE-ORGANIZATION-SCL',
	'x-ms-exchange-organization-authas', 'X-MS-Exchange-Forest-x',
	'X-MS-Exchange-CrossPremises-AuthAs', 'X-Our-Verdict', 'x-our-');
my @values = (' Internal', "\n Internal", "\tInternal", 'Internal', '',
	" \xc3\xbc\xff", ' ' . 'x' x 900, " a\n\tb\n\tc");

# n forged fields between honest ones.
sub forged
{
	my ($n) = @_;
	my @fields;
	for my $i (0 .. $n - 1) {
		my $blank = $i % 7 == 3 ? ' ' : '';
		push @fields, $names[$i % @names] . $blank . ':'
		    . $values[$i % @values];
		push @fields, "X-Honest-$i: $i" if $i % 3 == 0;
	}
	return @fields;
}

for my $n (1, 2, 13, 100) {
	subtest "$n forged fields" => sub {
		my @fields = forged($n);
		my @honest = grep { /^X-Honest-/ } @fields;
		my $message = arrive('203.0.113.9',
			join("\n", @fields, @plain, '', 'text', ''));
		is_deeply theirs($message), [@honest, @plain],
		    'none survives, nothing else is touched';
		is scalar(@{ ours($message) }), 4, 'but our own';
	};
}

for my $name (@names) {
	subtest "a hundred times $name" => sub {
		my $message = arrive('203.0.113.9', join "\n",
			("$name: forged") x 100, $text);
		is_deeply theirs($message), \@plain, 'none survives';
		is scalar(grep { /forged/ } @{ $message->{fields} }), 0,
		    'not one';
	};
}

# Bytes between which an MTA and a filter might see different fields.
my $forged = 'X-Connector-AuthAs: Internal';
my @hidden = (
	[ 'a NUL before a field', "X-A: a\0\n\0$forged" ],
	[ 'a NUL inside a name', "X-Connector-\0AuthAs: Internal" ],
	[ 'a NUL inside a value', "X-A: a\0\n$forged" ],
	[ 'a tab behind a name', "X-Connector-AuthAs\t: Internal" ],
	[ 'control bytes behind a name', "X-Connector-AuthAs\x0b: Internal" ],
	[ 'a very long field', 'X-A: ' . "$forged " x 200 ],
	[ 'very long words', map { "X-A: $_" } 'x' x 2030 . $forged ],
	[ 'a line of an old mailbox', "From x\n$forged" ],
	[ 'an empty folded line', "X-A: a\n \n$forged" ],
);
for my $case (@hidden) {
	my ($what, $fields) = @$case;
	subtest $what => sub {
		my $message = arrive('203.0.113.9', "$fields\n$text");
		my ($as, @more) = grep { /^X-Connector-AuthAs/i }
		    @{ $message->{fields} };
		is $as, 'X-Connector-AuthAs: Anonymous', 'ours is there';
		is "@more", '', 'and no other';
	};
}

subtest 'a bare CR' => sub {
	is +(transact({ client => '203.0.113.9', to => 'alice@example.com',
		text => "X-A: a\r$forged\n$text" }))[-1],
	    '421 4.5.0 Bare carriage return (CR) not allowed', 'is refused';
};

subtest 'too many fields are refused' => sub {
	is +(transact({ client => '203.0.113.9', to => 'alice@example.com',
		text => "x-our-:\n" x 1001 . $text }))[-1],
	    tagged('552 5.3.4 Header size exceeds fixed maximum size',
		'internet', 'max_header_size'), 'by the milter';
	is +(transact({ client => '203.0.113.9', to => 'alice@example.com',
		text => "$forged\n" x 1200 . $text }))[-1],
	    '552 5.6.0 Headers too large (32768 max)', 'by Sendmail';
};

my @hops = ('Received: from a.example by b.example; Mon, 15 Jun 2026 10:00:00 '
	. '+0000', "received: from c.example\n\tby d.example",
	'Resent-From: x@y.example', 'RESENT-Sender: x@y.example');
subtest 'fields of the way a message took' => sub {
	my $hops = join "\n", @hops, $text;
	# Sendmail has added some before the milter is asked.
	my $added = qr/^Resent-(?:Date|Message-Id):/;
	my $theirs = sub { [grep { !/$added/ } @{ theirs($_[0]) }] };
	my $message = arrive('203.0.113.9', $hops);
	is_deeply $theirs->($message), [@hops, @plain], 'are kept by right';
	$message = arrive('203.0.113.129', $hops);
	is_deeply $theirs->($message), \@plain, 'and go without it';
	is scalar(() = $message->{data} =~ /^Received:/mg), 1,
	    'but for that of this server';
};

subtest 'the name of an unverified sender' => sub {
	my $message = arrive('203.0.113.129',
		"From: \"My Boss\" <alice\@example.com>\nX-A: a\n\ntext\n");
	is_deeply [grep { /^From:/i } @{ $message->{fields} }],
	    ['From: "Alice Example" <alice@example.com>'], 'is replaced';
};

# ---- what Sendmail makes of a From field ------------------------------------

# It completes and rewrites addresses after the milter has seen them.
my @made_ours = (
	'ceo%example.com', 'CEO%EXAMPLE.COM', 'ceo%example.com.',
	'Boss <example.com!ceo>', 'example.com!ceo', 'Boss <ceo%example.com>',
	'<<ceo%example.com>>', 'ceo(x)%(y)example.com', 'ceo%exa(x)mple.com',
	'ceo % example . com', "ceo%\n example.com", '"ceo"%example.com',
	'ceo%"example.com"', 'ceo\%example.com', '"ceo%example.com"',
	'<@sender.example:ceo%example.com>', 'b: ceo%example.com;',
	'x@sender.example, Boss <ceo%example.com>',
	'x@sender.example,,ceo%example.com,',
	'x@sender.example;ceo%example.com',
	'x@sender.example <ceo%example.com>', '<x@sender.example> '
	. '<ceo%example.com>', '<ceo%example.com> x@sender.example',
	'ceo%example.com@mx.example.com', 'ceo%example.com@localhost',
	'ceo%example.com%mx.example.com@mx.example.com',
	'example.com!ceo@mx.example.com', 'ceo%example.com@[127.0.0.1]',
	'ceo%sender.example!ceo%example.com', 'sender.example!example.com!ceo',
	'(ceo%example.com', '"ceo%example.com', 'ceo%example.com"',
	'ceo%%example.com',
	"x\@sender.example\nFrom: ceo%example.com",
	"ceo%example.com\nFrom: x\@sender.example",
	"x\@sender.example\nFROM : The Boss <ceo%example.com>",
	"ceo%\xef\xbd\x85xample.com", "ceo%example\xe3\x80\x82com",
	# A domain that ends in the middle, for who reads it.
	'example.com;x!ceo', '<example.com;x!ceo>', 'x,example.com;x!ceo',
	'<sender.example,example.com!ceo>', 'Boss <x,ceo%example.com>',
	'example.com\;x!ceo', 'example.com\ x!ceo', 'example.com\>x!ceo',
	'example.com=x!ceo', 'example.com~x!ceo', 'example.com&x!ceo',
	"example.com\xc2\xa0x!ceo", "example.com\xa0x!ceo",
	'ceo%example.com\ x', 'ceo%example.com"x"', 'ceo%"example.com;x"',
	'ceo%"example.com,x"', 'ceo%"example.com x"',
	'example.com=?utf-8?q?_?=!ceo', 'ceo%=?utf-8?q?example=2Ecom?=',
	# An @ alone in brackets is a mark of its own, and taken out.
	'ceo%example.com<@', 'ceo%example.com <@>', 'ceo%example.com<(x)@(',
	'x@sender.example, Boss!example.com!ceo <@>', '@::example.com!ceo',
	# Behind a backslash nothing is special but a comma.
	'ceo%example.com\<', '<\>ceo%example.com', '\(ceo%example.com)',
	'example.com!ceo\<x', 'x\,ceo%example.com',
	# What nobody sees, before and after Sendmail quoted it.
	"ceo\@\xe2\x80\x8eexample.com", "Boss <ceo\@exam\xe2\x80\xaeple.com>",
	"ceo\@\xc2\xa0example.com", "ceo\@\xa0 example.com",
	"ceo\@\xffexample.com", "ceo%\x9fexample.com\x1bx",
	"ceo\@example.com\xef\xbd\x85xample.com",
	# Blanks take no room, and what takes too much is cut off.
	'example.com' . "\n " x 2100 . '!ceo',
	'<' . "\n " x 2100 . 'ceo%example.com>',
	'"Jane ' . 'x' x 232 . '" <ceo@example.com.sender.example>',
	'"Jane ' . 'x' x 232 . '" <ceo%example.community>',
	'x' x 242 . '@example.community', 'ceo@example.com' . 'a' x 1300,
	'ceo@' . "\n " x 120 . ' example.com' . '.a' x 700,
);
my @strict = (client => '198.51.100.200', to => 'alice@example.com');
my @forged_author = ($spoof, 'strict', 'authoritative_domain_sender');

sub from
{
	return "From: $_[0]\nSubject: x\n\nx\n";
}

sub shown
{
	return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

is +(transact({ @strict, text => from($_) }))[-1], tagged(@forged_author),
    'an author that would be ours: ' . shown($_) for @made_ours;

subtest 'and what stays a stranger' => sub {
	like +(transact({ @strict, text => $_ }))[-1], $taken, shown($_)
	    for from('x@sender.example'), from('x%foreign.example'),
	    from('foreign.example!x'), from('ceo'), from('The CEO <ceo>'),
	    from('"100%example.com" <x@sender.example>'),
	    from('x@sender.example (ceo%example.com)'),
	    from('ceo%sender.example <@>'), from('example.com <x@sender.example>'),
	    from('50%\ example.com <x@sender.example>'),
	    from("x\@sender.example\xe2\x80\x8e"),
	    "Resent-From: ceo%example.com\n" . from('x@sender.example');
};

# Sendmail takes out closing signs that close nothing, and white space that is
# none in mail; it takes the first of several addresses.
for my $from ('ceo@exam>ple.com', 'ceo@>example.com',
	'ceo%exam)ple.com', 'ceo%)example.com', 'ceo%example.com)',
	'<ceo%exam)ple.com>', 'exam)ple.com!ceo', 'example.com)!ceo',
	"ceo%example.com\x0b", "ceo%example.com\x0c",
	"ceo%\x0bexample.com", "ceo%example\x0b.com",
	"\x0bexample.com!ceo", "ceo%example.com\x7f",
	'Boss <ceo%example.com>: x', '<ceo%example.com> b: '
	. 'x@sender.example;', '<ceo%example.com>::',
	'<ceo%example.com><@', '<example.com!ceo:x>') {
	is +(transact({ @strict, text => from($from) }))[-1],
	    tagged(@forged_author), 'an author that would be ours: '
	    . shown($from);
}

# Does the body of a From field hold an address in our domain, for a mail
# program? Not in a display name, a comment or a route.
sub holds_ours
{
	my ($body) = @_;
	# What takes no room on a screen, as Sendmail writes it.
	$body =~ s/[\x00-\x08\x0e-\x1f\x7f]//g;
	$body =~ s/\xc2?\xa0|\xe2\x80[\x8e\x8f\xaa-\xae]//g;
	$body =~ s/(?<=[\w.@])"((?:[^"\\]|\\.)*)"/$1 /gs;
	$body =~ s/"(?:[^"\\]|\\.)*"/q/gs;
	1 while $body =~ s/\((?:[^()\\]|\\.)*\)//gs;
	$body =~ s/\@[\w.-]+[,:]//g;
	return $body =~ /[^\s<>,;:@]\s*\@\s*example\s*\.\s*com
	    (?!(?:\s*\.)+\s*[\w^])
	    (?![\w\-\[\]^:])/ix;
}

sub authors
{
	my ($message) = @_;
	my ($header) = split /\n\n/, $message->{data}, 2;
	return map { s/^From[ \t]*://ir } grep { /^From[ \t]*:/i }
	    split /\n(?![ \t])/, $header;
}

# The numbers of those that were accepted and arrive as ours.
sub ours_of
{
	my ($at, @from) = @_;
	my $accepted = 0;
	my $smtp;
	$sink->forget;
	for my $i (0 .. $#from) {
		$smtp = undef if $i % 100 == 0;
		$smtp //= stranger($at, '198.51.100.200');
		$smtp->ehlo if $i % 100 == 0;
		$accepted += $smtp->deliver('ada@sender.example',
			['alice@example.com'], "From: $from[$i]\n"
			. "Subject: $i\n\nx\n") =~ /^2/;
	}
	my @arrived = $sink->messages;
	is scalar(@arrived), $accepted, "$accepted of " . @from . ' arrive';
	return map { my $number = $_->{data} =~ /^Subject: (\d+)$/m ? $1 : '?';
		map { "$from[$number] => $_" } grep { holds_ours($_) }
		authors($_) } @arrived;
}

my @atoms = (qw(x ceo example.com example.com sender.example x@sender.example
	% % ! ! @ @ : ; < > " ( ) ^ . [ :: = \\ ;x; <@ <ceo> "example.com"
	ceo%example.com <example.com!ceo>), ',', ' ', ' ', "\n ", '\,', '\ ',
	'\<', '\(', '(x)', '"x y"', "\xc2\xa0", "\xff", "\x9f", "\x7f",
	"\x1b", "\xe2\x80\x8e", '=?utf-8?q?=40?=');
my $seed = $ENV{SEED} // ($ENV{LONG} ? time : 20261122);
srand $seed;
note "SEED=$seed";

sub random_authors
{
	my ($count, @of) = @_;
	return map { join '', map { $of[rand @of] } 1 .. 2 + rand 7 }
	    1 .. $count;
}

is_deeply [map { shown($_) } ours_of('mx', random_authors(
	$ENV{LONG} ? 4_000 : 400, @atoms, qw(localhost mx.example.com)))],
    [], 'no random author arrives as ours' or diag "SEED=$seed";

# ---- the log ----------------------------------------------------------------

# at, client, what the milter took for the listener.
for my $case (['mx', '203.0.113.9', '192.0.2.25:25'],
	['mx3', '203.0.113.9', '192.0.2.27:25'],
	['loopback', '127.0.0.1', '127.0.0.1:25'],
	['named', '127.0.0.5', '127.0.0.1:2525'],
	['submission', '10.1.2.3', '192.0.2.25:587'],
	$ipv6 ? (['mx6', '2001:db8:1::9', '[2001:db8::25]:25'],
	    ['loopback6', '::1', '[::1]:25']) : ()) {
	my ($at, $client, $want) = @$case;
	$milter->clear_log;
	my $smtp = stranger($at, $client);
	$smtp->ehlo;
	$smtp->mail('bob@example.com');
	$smtp->rcpt('nobody@foreign.example');
	my $line = $milter->wait_log(qr/verdict=reject/);
	like $line, qr/^\w+:\ connector=.*\ client=\S+\[\Q$client\E\]:\d+
	    \ listener=\Q$want\E\ stage=(?:mail|rcpt)\ verdict=reject\ /x,
	    "the log: listener $want";
}

# ---- local submission -------------------------------------------------------

subtest 'sendmail(8) is a client on loopback like any other' => sub {
	$sink->forget;
	$milter->clear_log;
	my $said = $sendmail->submit("Subject: local\n\ntext\n", '-v',
		'alice@example.com');
	like $said, qr/^alice\S+ Sent \(\w+ Message accepted/m, 'accepted';
	my ($message) = $sink->messages;
	like $message->{data}, qr/^X-Connector-Name: loopback$/m, 'stamped';
	like $milter->wait_log(qr/verdict=/),
	    qr/ connector=loopback client=localhost\[127\.0\.0\.1\]:[1-9]/,
	    'as a session of that connector';
	$sendmail->submit("Subject: local\n\ntext\n", 'x@foreign.example');
	like $milter->wait_log(qr/verdict=reject/),
	    qr/ stage=rcpt verdict=reject rule=relay .* to=<x\@foreign\.example>/,
	    'and does not relay by being local';
};

# ---- two gates --------------------------------------------------------------

my $ok_mail = '250 2.1.0 <ada@sender.example>... Sender ok';
my $ok_foreign = '250 2.1.5 <x@partner.example>... Recipient ok';
my $guard_off = denied('x@partner.example', '203.0.113.16');

sub outcome
{
	my ($what, $at, $client, @want) = @_;
	return is join(', ', transact({ at => $at, client => $client,
		%foreign })), join(', ', @want), $what;
}

subtest 'a guard that is too old' => sub {
	$sendmail->access($own);
	outcome('refuses whom the milter would let pass',
		'mx', '203.0.113.16', $ok_mail, $guard_off);
	$sendmail->access($own . "Connect:203.0.113\tRELAY\n");
	outcome('what it lets pass, the milter refuses', 'mx', '203.0.113.9',
		$ok_mail, about('x@partner.example',
		tagged($relay, 'internet', 'relay')));
	$sendmail->access($own . mta('guard'));
	outcome('both say yes', 'mx', '203.0.113.16', $ok_mail, $ok_foreign);
};

subtest 'the milter only monitors' => sub {
	my $guard = mta('guard');
	my %before = map { $_ => $connectors{$_} } qw(relay internet);
	$milter->reload('USR1', connectors => { map { $_ =>
		"$before{$_}mode = monitor\n" } keys %before });
	(my $now = mta('guard')) =~ s/^# Configuration.*\n//m;
	$guard =~ s/^# Configuration.*\n//m;
	is $now, $guard, 'the guard is the same';
	outcome('and still refuses', 'mx', '203.0.113.9', $ok_mail,
		denied('x@partner.example', '203.0.113.9'));
	my $message = arrive('203.0.113.9', "$forged\n$text",
		from => 'bob@example.com');
	is_deeply ours($message), [$forged], 'no refusal, no header edit';
	$milter->reload('USR1', connectors => \%before);
};

# A connector on a listener whose filter has no F=.
outcome('without F=, the milter there', 'open', '203.0.113.16', $ok_mail,
	about('x@partner.example', tagged($relay, 'open', 'relay')));

subtest 'killed in the middle of a session' => sub {
	my $smtp = stranger('mx', '203.0.113.9');
	$smtp->ehlo;
	like $smtp->mail('ada@sender.example'), qr/^250 /, 'sender';
	$milter->kill;
	like $smtp->rcpt('alice@example.com'), qr/^451 4\./, 'recipient';
	like $smtp->message($text), qr/^[45]/, 'no message';
};

my $later = '451 4.3.2 Please try again later';
is stranger('mx', $_)->cmd('EHLO x') =~ /^250/
    && (transact({ client => $_, %own }))[0], $later,
    "without the milter $_ has to wait" for '203.0.113.9', '203.0.113.16';
outcome('without F= the guard alone: who may', 'open', '203.0.113.16',
	$ok_mail, $ok_foreign);
outcome('... and who may not', 'open', '203.0.113.9', $ok_mail,
	denied('x@partner.example', '203.0.113.9'));
is $sendmail->queued, 0, 'nothing was taken meanwhile';
$milter->start;
outcome('served again at once', 'mx', '203.0.113.16', $ok_mail, $ok_foreign);

# ---- masquerading -----------------------------------------------------------

$sendmail->stop;
subtest 'a Sendmail that masquerades' => sub {
	my $other = Sendmail->new($scratch, sink => $sink->port,
		lines => "MASQUERADE_AS(`example.com')dnl\n" . mta(),
		authority => $authority, listeners => [
		'Family=inet, Port=2527, Name=MTA']);
	$other->access($own . mta('guard'));
	$other->start;
	my $refused = tagged($spoof, 'masqueraded',
		'authoritative_domain_sender');
	my $reply = sub { (transact({ @strict, at => 'masquerading',
		text => from($_[0]) }))[-1] };
	is $reply->($_), $refused, shown($_) for 'ceo', '"ceo"', '<ceo>',
	    'The CEO <ceo>', 'The CEO <"ceo">', 'ceo (x)', "\n ceo",
	    'x@sender.example, ceo', 'b: ceo;', '<@mx.example.com:ceo>',
	    'ceo>', 'x <ceo', 'ceo^example.com', 'ceo::x', '=?utf-8?q?ceo?=',
	    "x\@sender.example\nFrom: ceo", @made_ours;
	is $reply->($_), $refused, shown($_) for 'x!ceo', 'x!sender.example!ceo',
	    'x%sender.example!ceo', 'sender.example!', '.sender!ceo',
	    'ceo@sender.uucp', 'sender.uucp!ceo', 'a.sender"b"!ceo',
	    '"ceo@sender.example"',
	    'Boss <"ceo@sender.example">', 'ceo\@sender.example', '<ceo>: x',
	    'x@sender.example: ceo', '<@sender.example,ceo>', 'ceo::', 'b:;x:',
	    'ceo <@>', '.', 'Boss <:>', "Boss <\x01>", '""', '\\';
	like $reply->($_), $taken, shown($_) for 'x@sender.example',
	    'The CEO <x@sender.example>', 'x%foreign.example',
	    'foreign.example!x', 'Board: x@sender.example;',
	    'undisclosed-recipients:;';
	is $reply->($_), $refused, shown($_) for 'john smith', '"John Smith"',
	    'Boss <john smith>', 'ceo at example.com', 'ceo!', '!ceo',
	    'ceo%!example.com';
	# Its own names are not among them: here they are no domain of ours.
	is_deeply [map { shown($_) } ours_of('masquerading', random_authors(
		$ENV{LONG} ? 2_000 : 200, @atoms))], [],
	    'no random author either' or diag "SEED=$seed";
	$other->stop;
};

# ---- the sample, and over TCP -----------------------------------------------

subtest 'etc/sendmail.mc.example' => sub {
	my $sample = Scratch::slurp("$FindBin::Bin/../etc/sendmail.mc.example");
	$sample =~ s{S=local:/run/[^,]+}{S=local:$socket}
	    or die "the sample names no socket\n";
	# No second ones.
	$sample =~ s/^FEATURE\(`no_default_msa.*\n//m;
	my @own = $sample =~ /^DAEMON_OPTIONS\(`(.*)'\)dnl$/mg;
	$sample =~ s/^DAEMON_OPTIONS.*\n//mg;
	my $other = Sendmail->new($scratch, lines => $sample,
		sink => $sink->port, authority => $authority,
		listeners => \@own);
	$other->access($own . mta('guard'));
	$other->start;
	outcome('both gates are open', 'mx', '203.0.113.16', $ok_mail,
		$ok_foreign);
	outcome('the guard is asked', 'mx', '203.0.113.9', $ok_mail,
		denied('x@partner.example', '203.0.113.9'));
	is +(transact({ client => '203.0.113.9', from => 'bob@example.com' }
		))[0], about('bob@example.com', tagged($spoof, 'internet',
		'authoritative_domain_sender')), 'the milter is asked';
	$other->stop;
};

for my $host ('inet:%s@127.0.0.1', 'inet:%s@localhost',
	$ipv6 ? 'inet6:%s@[::1]' : ()) {
	my $tcp = sprintf $host, Scratch::free_port('127.0.0.1');
	$milter->stop;
	$milter->{socket} = $tcp;
	$milter->write_config;
	$milter->start;
	my $other = Sendmail->new($scratch, lines => mta(),
		sink => $sink->port, authority => $authority,
		listeners => [$options[0]]);
	$other->access($own . mta('guard'));
	$other->start;
	outcome("the milter at $tcp: relayed", 'mx', '203.0.113.16', $ok_mail,
		$ok_foreign);
	is join(', ', transact({ client => '203.0.113.9',
		from => 'bob@example.com' })), about('bob@example.com',
		tagged($spoof, 'internet', 'authoritative_domain_sender')),
	    '... refused';
	is_deeply theirs(arrive('203.0.113.9', "$forged\n$text")), \@plain,
	    '... and its header mended';
	$other->stop;
}
is $milter->stop, 0, 'the milter ends well';

done_testing;
