#!/usr/bin/perl
# postfix_attack.t - what an attacker tries from outside, on a real Postfix
# whose own relay check is open to all: only the milter is in the way. What
# counts is what arrives. How he would relay is in relay_postfix.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Authority;
use Case;
use Milter;
use Play qw(tagged);
use Scratch;

my $play = Play->new(listeners => { mx => {} });
my $mx = $play->port('mx');
my $authority = Authority->new($play->scratch);

my $main = <<'END';
[organization]
accepted_domains               = example.com, *.example.org
internal_relay_domains         = legacy.example
own_hosts                      = 192.0.2.25
tls_receive_domain_secure_list = partner.example

[directory]
recipients          = recipients.txt
recipient_delimiter = +
END
$play->scratch->write('milter/recipients.txt', <<'END');
alice@example.com         login=alice@example.com
staff@example.com         internal_only
board@legacy.example      internal_only
all-hands@legacy.example  internal_only
END
my %connectors = (
	internet => <<"END",
usage             = internet
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 203.0.113.0/24, 2001:db8:1::/48
check_header_from = yes
END
	lax => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 198.51.100.0/24
permission_groups = anonymous_users
default_domain    = example.com
address_literals  = yes
END
	users => <<"END",
usage                = client
bindings             = 0.0.0.0:$mx
remote_ip_ranges     = 10.2.0.0/16
accept_any_recipient = -users
END
	relay => <<"END",
bindings             = 0.0.0.0:$mx
remote_ip_ranges     = 192.0.2.64/26
permission_groups    = anonymous_users
accept_any_recipient = anonymous
END
	choosy => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 10.4.0.0/16
permission_groups = anonymous_users
default_domain    = example.com
reject_reserved_top_level_recipient_domains    = yes
reject_reserved_second_level_recipient_domains = yes
reject_single_label_recipient_domains          = yes
END
	members => <<"END",
usage            = client
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 10.5.0.0/16
default_domain   = example.com
END
	servers => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 10.3.0.0/24
permission_groups = anonymous_users, exchange_servers
auth_mechanism    = tls, exchange_server
server_identities = cert:hub.example.com
accept_authoritative_domain_sender = -anonymous
accept_any_sender = -anonymous
END
);
# Whoever tries so many malformed addresses is hung up on; not here, where each
# of them has to be answered.
my $milter = Milter->new($play->scratch, main => $main,
	defaults => "max_protocol_errors = unlimited\n",
	connectors => \%connectors);
$milter->start;
$play->raise($milter, authority => $authority,
	domains => 'example.com, sub.example.org, localhost, mx.example.com',
	logins => { alice => 'secret' },
	main => {
		relay_domains => 'legacy.example',
		myorigin => 'example.com',
		proxy_interfaces => '192.0.2.25',
		message_reject_characters => '\0',
		smtpd_relay_restrictions => 'check_client_access static:OK, '
		    . 'reject_unauth_destination',
	});

# ---- a list of our own ------------------------------------------------------

my $spoof = '550 5.7.60 SMTP; Client does not have permissions to send as '
    . 'this sender';
my $internal = '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required';

# Spellings of the list, where nobody looks recipients up.
Case::check($play, { what => "a list of our own, as $_",
	client => '198.51.100.7', parameter => 'SMTPUTF8', to => $_,
	rcpt => tagged($internal, 'lax', 'internal_only') }) for (
	'staff@example.com', 'STAFF@EXAMPLE.COM.', 'staff', '"staff"',
	'"sta\ff"@example.com', 'staff+x', 'staff+@example.com',
	'"staff+ x"@example.com', 'staff@[192.0.2.25]', '"Staff"@[192.0.2.25]',
	"staff\@\xef\xbd\x85xample.com", "staff\@example\xe3\x80\x82com",
	"staff\@exam\xe2\x80\x8bple.com",
);

# Postfix expands them here, delivers by the transport "local", and completes a
# bare name by another domain than the connector does.
my $etc = $play->scratch->path('etc');
my $next_hop = 'smtp:[127.0.0.1]:' . $play->sink->port;
my $lists = $play->scratch->write('lists',
	join '', map { "$_ alice\@example.com\n" } 'staff', 'board',
	'staff@example.com', 'board@legacy.example',
	'all-hands@legacy.example');
$play->scratch->write('etc/master.cf', Scratch::slurp("$etc/master.cf")
    . "local unix - - n - - smtp\n");
$play->postfix->configure(
	virtual_alias_maps => "texthash:$lists",
	local_transport => $next_hop =~ s/^smtp/local/r,
	myorigin => 'legacy.example',
);
Scratch::wait_for(60, sub {
	$play->postfix->log =~ /reload -- version/
});

my $ligature = "sta\xef\xac\x80"; # two letters in one
my $long_s = "\xc5\xbf";
my @lists = (
	(map { ['lax', '198.51.100.7', $_] } 'staff@example.com', 'staff',
	    'board@legacy.example', 'board', '"board"', 'BOARD',
	    'all-hands@legacy.example', "${long_s}taff\@example.com",
	    "$ligature\@example.com", "\"$ligature\"\@example.com"),
	(map { ['internet', '203.0.113.9', $_] } 'all-hands@legacy.example',
	    "all-hand$long_s\@legacy.example"),
	(map { ['relay', '192.0.2.65', $_] } 'staff@example.com',
	    'staff@[192.0.2.25]', 'staff@[127.0.0.1]', 'staff@localhost',
	    'STAFF@LOCALHOST', '"staff"@localhost', 'staff@mx.example.com',
	    'staff@MX.example.com.', 'board@[192.0.2.25]',
	    'staff%example.com@localhost', '@localhost:staff@mx.example.com',
	    Scratch::has_ipv6() ? 'staff@[IPv6:::1]' : ()),
);
my @folded_at_home = (
	['lax', '198.51.100.7', $ligature],
	['lax', '198.51.100.7', "$ligature\@[192.0.2.25]"],
	['relay', '192.0.2.65', "$ligature\@localhost"],
	['relay', '192.0.2.65', "$ligature\@mx.example.com"],
);

sub shown
{
	return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

# How a stranger fares who writes to a list.
sub is_kept_out
{
	my ($connector, $client, $to) = @_;
	$play->sink->forget;
	my @replies = Case::transact($play, { client => $client, to => $to,
		parameter => 'SMTPUTF8', text => "Subject: x\n\nx\n" });
	is $replies[-1], tagged($internal, $connector, 'internal_only'),
	    "connector $connector: " . shown($to) . ' is refused';
	return is_deeply $play->arrived_for, [], '... and nothing arrives';
}

is_kept_out(@$_) for @lists;
is_kept_out(@$_) for @folded_at_home;

# Others are refused as addresses.
for my $to ('staff', 'staff%localhost', 'localhost!staff',
	'staff@example.com@mx.example.com') {
	Case::check($play, { what => "connector relay: $to is none",
		client => '192.0.2.65', to => $to, rcpt => tagged(
		'501 5.1.3 Invalid address', 'relay', 'recipient_syntax') });
}

# All of them reach the list, or nothing was tried.
my %member = (client => '10.5.0.1', tls => 1, login => 'alice',
	from => 'alice@example.com', parameter => 'SMTPUTF8',
	text => "From: alice\@example.com\nSubject: x\n\nx\n");
my %seen;
for my $to (grep { !$seen{$_}++ } map { $_->[2] } @lists, @folded_at_home) {
	next if $to =~ /%/;
	$play->sink->forget;
	my @replies = Case::transact($play, { %member, to => $to });
	like $replies[-1], qr/^250 2\.0\.0 Ok/, 'a user: ' . shown($to)
	    . ' is accepted';
	is_deeply $play->arrived_for, ['alice@example.com'],
	    '... and arrives at its member';
}

# ---- postmaster -------------------------------------------------------------

for my $client ('198.51.100.7', '10.4.0.1', '192.0.2.65', '203.0.113.9') {
	Case::check($play, { what => "$client writes to <$_>", to => $_,
		client => $client, text => "Subject: x\n\nx\n" })
	    for 'postmaster', 'PostMaster', '"postmaster"';
}
Case::check($play, { what => 'but not to another bare name', to => 'bob',
	client => '10.4.0.1', rcpt => tagged('550 5.1.5 Recipient address '
	    . 'reserved by RFC 2606', 'choosy', 'reserved_domain') });

# ---- a message of somebody else's -------------------------------------------

my $boss = "From: ceo\@example.com\r\n";
my $trust = "X-Connector-AuthAs: Internal\r\n";
my $honest = "From: x\@sender.example\r\nSubject: x\r\n\r\nx";

# Raw content, and whether it must be taken (1), refused (0), or either.
my @raw = (
	['no blank line', "$boss", 0],
	['no header', "hello\r\n$boss$trust\r\nx", 1],
	['a first line that goes on', " x\r\n$boss$trust\r\nx"],
	['an empty first line', "\r\n$boss$trust\r\nx", 1],
	['a line of an old mailbox', "From : ceo\@example.com\r\n$honest"],
	['... and a field behind it', "From x\r\n$boss\r\nx"],
	['a tab before the colon', "From\t: ceo\@example.com\r\n\r\nx", 0],
	['a bare CR', "X-A: a\rFrom: ceo\@example.com\r$trust$honest"],
	['a bare CR in front', "\rFrom: ceo\@example.com\r\n$honest"],
	['a bare CR in the field', "From: x\@sender.example\r,ceo\@example.com"
	    . "\r\n\r\nx", 0],
	['a folded line of blanks', "X-A: a\r\n \r\n$boss\r\nx", 0],
	['a NUL in the field', "From: x\@sender.example\0, ceo\@example.com"
	    . "\r\n\r\nx", 0],
	['a NUL before it', "\0$boss\r\nx", 0],
	['a control character in the name', "From\x0b: ceo\@example.com\r\n"
	    . $honest, 1],
	['a dot too many', "X-A: a\r\n..\r\n$boss$trust\r\nx", 1],
	['a name beyond all size', 'X-Connector-' . 'a' x 5000
	    . ": Internal\r\n$honest"],
	['a name of 300 octets', 'X-Connector-' . 'a' x 300
	    . ": Internal\r\n$honest", 0],
	['a trusted field of 60,000 octets', 'X-Connector-AuthAs: Internal'
	    . "\r\n y" x 15_000 . "\r\n$honest", 1],
	['... of 110,000, and a forged boss', 'X-Connector-AuthAs: Internal'
	    . "\r\n yy" x 22_000 . "\r\n$boss\r\nx", 0],
	['a trusted field behind a long one', 'Received: ' . "a b\r\n\t" x 6000
	    . "x\r\n$trust$honest", 1],
	['a boss behind a thousand strangers', 'From: '
	    . "x\@sender.example,\r\n " x 3000 . "ceo\@example.com\r\n\r\nx",
	    0],
);

# What stands in a header that a mail program may read; a bare CR ends a line
# for some.
sub forgeries
{
	my ($data) = @_;
	my ($header) = split /\n\n/, $data, 2;
	my @fields = split /[\r\n]+(?![ \t])/, $header // '';
	return grep { /^From[ \t]*:.*ceo/is
	    || /^X-Connector-AuthAs[ \t]*:(?!\ Anonymous$)/is } @fields;
}

for my $case (map { ([$_, 'DATA'], [$_, 'BDAT']) } @raw) {
	my ($what, $raw, $taken) = @{ $case->[0] };
	my $verb = $case->[1];
	$play->sink->forget;
	my $smtp = $play->client('mx', '203.0.113.9');
	$smtp->mail('ada@sender.example');
	$smtp->rcpt('alice@example.com');
	$smtp->send_raw($verb eq 'BDAT' ? 'BDAT ' . length($raw)
		. " LAST\r\n$raw" : "DATA\r\n");
	if ($verb eq 'DATA') {
		$smtp->reply;
		$smtp->send_raw("$raw\r\n.\r\n");
	}
	my $reply = $smtp->reply;
	my @got = map { forgeries($_->{data}) } $play->arrived;
	my $as_wanted = !defined $taken || $reply =~ ($taken ? qr/^2/ : qr/^5/);
	ok !@got && $as_wanted, "$verb, $what: nothing forged arrives"
	    or diag "$reply\n@got";
}

# Sendmail would rewrite them; Postfix has one behind it, perhaps.
Case::check($play, { what => "an author in another spelling: $_",
	client => '203.0.113.9', to => 'alice@example.com',
	text => "From: $_\nSubject: x\n\nx\n",
	data => tagged($spoof, 'internet', 'authoritative_domain_sender') })
    for (
	'ceo%example.com', 'Boss <example.com!ceo>', '<<ceo%example.com>>',
	'ceo(x)%(y)example.com', '<@sender.example:ceo%example.com>',
	'x@sender.example, Boss <ceo%example.com>', 'b: ceo%example.com;',
	'ceo%example.com%mx.example.com@mx.example.com',
	'example.com!ceo@mx.example.com', '"ceo"%example.com',
	"ceo%\n example.com", "x\@sender.example\nFrom: ceo%example.com",
);
Case::check($play, { what => "... and of a stranger: $_",
	client => '203.0.113.9', to => 'alice@example.com',
	text => "From: $_\nSubject: x\n\nx\n" }) for (
	'x@sender.example', 'x%foreign.example', 'foreign.example!x',
	'"100%example.com" <x@sender.example>',
	"x\@sender.example\nResent-From: ceo%example.com",
);

# ---- one session, many identities -------------------------------------------

my $ok = qr/^250 2\.0\.0 Ok/;

subtest 'nothing is left of the message before' => sub {
	my $forged = "From: ceo\@example.com\n\nx\n";
	my $fair = "From: x\@sender.example\n\nx\n";
	my $no = tagged($spoof, 'internet', 'authoritative_domain_sender');
	my $smtp = $play->client('mx', '203.0.113.9');
	for my $text ($fair, $forged, $fair, $forged, "Subject: x\n\nx\n",
		$forged) {
		my $reply = $smtp->deliver('ada@sender.example',
			['alice@example.com'], $text);
		$text eq $forged ? is $reply, $no, 'a forged one'
		    : like $reply, $ok, 'a fair one';
	}
};

subtest 'a server that vouches, does not, and does' => sub {
	my $hub = $authority->issue('hub.example.com');
	my $no = tagged($internal, 'servers', 'internal_only');
	my ($smtp) = Case::enter($play, { client => '10.3.0.1', tls => $hub });
	for my $case (['', '250 2.1.5 Ok'], ['AUTH=<>', $no],
		['', '250 2.1.5 Ok'], ['auth=<>', $no]) {
		$smtp->cmd('RSET');
		$smtp->mail('x@sender.example', $case->[0] || ());
		is $smtp->rcpt('staff@example.com'), $case->[1],
		    "MAIL $case->[0]";
	}
};

subtest 'a login goes with its session' => sub {
	my ($smtp) = Case::enter($play, { client => '10.2.3.4', tls => 1,
		login => 'alice' });
	is $smtp->mail('alice@example.com'), '250 2.1.0 Ok', 'alice';
	$smtp->cmd('RSET');
	like $smtp->xclient(ADDR => '203.0.113.9', NAME => '[UNAVAILABLE]',
		LOGIN => '[UNAVAILABLE]'), qr/^220 /, 'another client';
	$smtp->ehlo;
	is $smtp->mail('alice@example.com'), tagged($spoof, 'internet',
		'authoritative_domain_sender'), 'a stranger';
};

subtest 'each message is judged by the rules at its MAIL' => sub {
	my $strict = $connectors{internet};
	my $smtp = $play->client('mx', '203.0.113.9');
	my $no = tagged($internal, 'internet', 'internal_only');
	$smtp->mail('ada@sender.example');
	$milter->reload('USR1',
		connectors => { internet => "$strict\nmode = monitor\n" });
	is $smtp->rcpt('staff@example.com'), $no, 'rules made lax after MAIL';
	$smtp->cmd('RSET');
	$smtp->mail('ada@sender.example');
	is $smtp->rcpt('staff@example.com'), '250 2.1.5 Ok', 'before MAIL';
	$milter->reload('USR1', connectors => { internet => $strict });
	$smtp->cmd('RSET');
	$smtp->mail('ada@sender.example');
	is $smtp->rcpt('staff@example.com'), $no, 'and made strict again';
};

done_testing;
