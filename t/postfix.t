#!/usr/bin/perl
# postfix.t - real mail through a real Postfix: who gets which exact reply.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Case;
use Milter;
use Play qw(guarded tagged);
use Scratch;

my $ipv6 = Scratch::has_ipv6();
my $play = Play->new(listeners => {
	mx => {},
	submission => {},
	$ipv6 ? (mx6 => { address => '::1' }) : (),
});
my ($mx, $submission) = map { $play->port($_) } qw(mx submission);
my $mx6 = $ipv6 ? $play->port('mx6') : $mx;

# 192.0.2.25 port 25 and 2001:db8::25 are listeners that only XCLIENT knows.
my $main = <<'END';
[organization]
accepted_domains       = example.com
internal_relay_domains = legacy.example

[group scanners]
members = hub@example.com
END
my %connectors = (
	internet => <<"END",
usage            = internet
bindings         = 0.0.0.0:$mx, [::]:$mx, [::]:$mx6, 0.0.0.0:25, [::]:25
remote_ip_ranges = 0.0.0.0/0, ::/0
END
	relay => <<"END",
bindings             = 0.0.0.0:$mx, [::]:$mx, [::]:$mx6
remote_ip_ranges     = 127.0.0.8/29, 2001:db8:9::/48
permission_groups    = anonymous_users
accept_any_recipient = anonymous
relay_to             = partner.example, *.partner.example
relay_from           = scan\@example.com
END
	'open relay' => <<"END",
bindings             = 0.0.0.0:$mx
remote_ip_ranges     = 127.0.0.40-127.0.0.41
permission_groups    = anonymous_users
accept_any_recipient = anonymous
END
	bank => <<"END",
bindings          = 0.0.0.0:$mx, [::]:$mx
remote_ip_ranges  = 198.51.100.0/24, 2001:db8:ba2c::/48
permission_groups = anonymous_users
require_tls       = yes
END
	exact => <<"END",
usage            = closed
bindings         = 192.0.2.25:25
remote_ip_ranges = 203.0.113.0/24, 127.0.0.0/8
END
	submission => <<"END",
usage                = client
bindings             = 0.0.0.0:$submission
remote_ip_ranges     = 10.0.0.0/8
accept_any_recipient = -group:scanners
END
	disabled => <<"END",
enabled          = no
usage            = closed
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 203.0.113.64/26
END
	expired => <<"END",
expires          = 2020-01-31
usage            = closed
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 203.0.113.128/26
END
);

my $milter = Milter->new($play->scratch, main => $main,
	connectors => \%connectors);
$milter->start;
$play->raise($milter,
	domains => 'example.com',
	main => { relay_domains => 'legacy.example' },
	logins => { alice => 'secret', hub => 'secret' });

# ---- replies, as texts ------------------------------------------------------

my $ok_mail = '250 2.1.0 Ok';
my $ok_rcpt = '250 2.1.5 Ok';
my $relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain';
my $spoof = '550 5.7.60 SMTP; Client does not have permissions to send as '
    . 'this sender';
my $submit = '530 5.7.57 SMTP; Client was not authenticated to send anonymous '
    . 'mail during MAIL FROM';
my $tls = '530 5.7.0 Must issue a STARTTLS command first';
my $mechanism = '530 5.7.0 Authentication mechanism not offered here';
my $plain = '538 5.7.11 Encryption required for requested authentication '
    . 'mechanism';
my $nobody = '421 4.3.2 Service not available';
my $bad_sender = '501 5.1.7 Invalid address';
my $bad_recipient = '501 5.1.3 Invalid address';

my $spoofed = tagged($spoof, 'internet', 'authoritative_domain_sender');
my $not_relayed = tagged($relay, 'relay', 'relay');
my $nameless = tagged('501 5.5.4 Invalid domain name', 'internet',
	'helo_syntax');

# ---- one transaction each ---------------------------------------------------

Case::check($play, $_) for (
	{ what => 'an outside host writes to an own user',
	    client => '203.0.113.9', to => 'alice@example.com' },
	{ what => '... and to an internal relay domain',
	    client => '203.0.113.9', to => 'bob@legacy.example' },
	{ what => '... and as the null sender',
	    client => '203.0.113.9', from => '', to => 'alice@example.com' },
	{ what => '... and to bare postmaster',
	    client => '203.0.113.9', to => 'postmaster' },
	{ what => '... over IPv6',
	    client => '2001:db8:1::9', to => 'alice@example.com' },
	{ what => '... in another case',
	    client => '203.0.113.9', to => 'Alice@EXAMPLE.COM' },
	{ what => 'the guard refuses an outside host\'s relaying',
	    client => '203.0.113.9', to => 'x@partner.example',
	    rcpt => guarded('x@partner.example') },
	{ what => '... over IPv6',
	    client => '2001:db8:1::9', to => 'x@partner.example',
	    rcpt => guarded('x@partner.example') },
	{ what => '... also to a percent address in our domain',
	    client => '203.0.113.9', to => 'x%partner.example@example.com',
	    rcpt => guarded('x%partner.example@example.com') },
	{ what => 'the address below the relay range does not relay',
	    client => '127.0.0.7', to => 'x@partner.example',
	    rcpt => guarded('x@partner.example') },
	{ what => 'the first address of the relay range relays',
	    client => '127.0.0.8', from => 'scan@example.com',
	    to => 'x@partner.example' },
	{ what => 'the last address of the relay range relays',
	    client => '127.0.0.15', from => 'scan@example.com',
	    to => 'x@deep.partner.example' },
	{ what => 'the address above the relay range does not relay',
	    client => '127.0.0.16', to => 'x@partner.example',
	    rcpt => guarded('x@partner.example') },
	{ what => 'an IPv6 client in its relay range relays',
	    client => '2001:db8:9::1', from => 'scan@example.com',
	    to => 'x@partner.example' },
	{ what => 'an IPv6 client beside that range does not',
	    client => '2001:db8:a::', from => 'scan@other.example',
	    to => 'x@partner.example', rcpt => guarded('x@partner.example') },
	{ what => 'the milter narrows the relay client by relay_to',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => 'x@foreign.example', rcpt => $not_relayed },
	{ what => '... and by relay_from',
	    client => '127.0.0.9', from => 'other@example.com',
	    to => 'x@partner.example', rcpt => $not_relayed },
	{ what => '... which the null sender never matches',
	    client => '127.0.0.9', from => '',
	    to => 'x@partner.example', rcpt => $not_relayed },
	{ what => '... and does not narrow own recipients',
	    client => '127.0.0.9', from => 'other@example.com',
	    to => 'alice@example.com' },
	{ what => 'a routed form never matches relay_to: percent',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => 'x%partner.example@example.com', rcpt => $not_relayed },
	{ what => '... a bang path',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => 'partner.example!x@example.com', rcpt => $not_relayed },
	{ what => '... an address in quotes',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => '"x@partner.example"@example.com', rcpt => $not_relayed },
	{ what => '... a source route',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => '@example.com:x@partner.example', rcpt => $not_relayed },
	{ what => '... an encapsulated address',
	    client => '127.0.0.9', from => 'scan@example.com',
	    to => 'imceaSMTP-x+40partner+2Eexample@example.com',
	    rcpt => $not_relayed },
	{ what => 'without relay_to the right covers every domain',
	    client => '127.0.0.40', to => 'x@foreign.example' },
	{ what => '... and routed forms',
	    client => '127.0.0.41', to => 'x%foreign.example@example.com' },
	{ what => 'an own domain as sender is refused',
	    client => '203.0.113.9', from => 'alice@example.com',
	    mail => $spoofed },
	{ what => '... in any case',
	    client => '203.0.113.9', from => 'Alice@Example.COM',
	    mail => $spoofed },
	{ what => '... over IPv6',
	    client => '2001:db8:1::9', from => 'alice@example.com',
	    mail => $spoofed },
	{ what => 'a domain below the own one is another domain',
	    client => '203.0.113.9', from => 'alice@sub.example.com',
	    to => 'alice@example.com' },
	{ what => 'a sender with two dots is no address',
	    client => '203.0.113.9', from => 'a..b@sender.example',
	    mail => tagged($bad_sender, 'internet', 'sender_syntax') },
	{ what => 'a recipient with two dots is no address',
	    client => '203.0.113.9', to => 'a..b@example.com',
	    rcpt => tagged($bad_recipient, 'internet', 'recipient_syntax') },
	{ what => 'TLS is required',
	    client => '198.51.100.7', mail => tagged($tls, 'bank',
		'require_tls') },
	{ what => '... over IPv6',
	    client => '2001:db8:ba2c::25', mail => tagged($tls, 'bank',
		'require_tls') },
	{ what => '... also of an IPv4 client spelled as IPv6',
	    client => '::ffff:198.51.100.7', mail => tagged($tls, 'bank',
		'require_tls') },
	{ what => '... and with STARTTLS all is well',
	    client => '198.51.100.7', tls => 1, to => 'alice@example.com' },
	{ what => 'an exact binding hides the wildcard ones',
	    client => '203.0.113.9', as => [DESTADDR => '192.0.2.25',
		DESTPORT => 25],
	    mail => tagged($submit, 'exact', 'submit') },
	{ what => '... and another address keeps the wildcard',
	    client => '203.0.113.9', as => [DESTADDR => '192.0.2.26',
		DESTPORT => 25], to => 'alice@example.com' },
	{ what => '... of IPv6 too',
	    client => '2001:db8:1::9', as => [DESTADDR => 'IPV6:2001:db8::25',
		DESTPORT => 25], to => 'alice@example.com' },
	{ what => 'a disabled connector serves nobody',
	    client => '203.0.113.65', to => 'alice@example.com' },
	{ what => 'an expired connector serves nobody',
	    client => '203.0.113.129', to => 'alice@example.com' },
	{ what => 'submission wants a login',
	    client => '10.1.2.3', at => 'submission', tls => 1,
	    from => 'alice@example.com',
	    mail => tagged($submit, 'submission', 'submit') },
	{ what => '... and with one relays',
	    client => '10.1.2.3', at => 'submission', tls => 1,
	    login => 'alice@example.com', from => 'alice@example.com',
	    to => 'x@foreign.example' },
	{ what => '... also where the MTA adds the realm',
	    client => '10.1.2.3', at => 'submission', tls => 1,
	    login => 'alice', from => 'alice@example.com',
	    to => 'x@foreign.example' },
	{ what => '... unless its group is denied that',
	    client => '10.1.2.3', at => 'submission', tls => 1,
	    login => 'hub', from => 'hub@example.com',
	    to => 'x@foreign.example',
	    rcpt => tagged($relay, 'submission', 'relay') },
	{ what => '... and a plain login without TLS is refused',
	    client => '10.1.2.3', at => 'submission',
	    login => 'alice', from => 'alice@example.com',
	    mail => tagged($plain, 'submission', 'auth_mechanism') },
	{ what => 'a login is refused where none is offered',
	    client => '203.0.113.9', tls => 1, login => 'alice',
	    mail => tagged($mechanism, 'internet', 'auth_mechanism') },
	{ what => 'a login by XCLIENT counts as integrated',
	    client => '10.1.2.3', at => 'submission',
	    as => [LOGIN => 'alice@example.com'],
	    from => 'alice@example.com', to => 'x@foreign.example' },
	{ what => 'MAIL AUTH= is no login',
	    client => '10.1.2.3', at => 'submission', tls => 1,
	    from => 'alice@example.com', parameter => 'AUTH=alice@example.com',
	    mail => tagged($submit, 'submission', 'submit') },
);

# "MAIL's reply" or "MAIL's reply, RCPT's reply".
sub transact
{
	return join ', ', Case::transact($play, @_);
}

SKIP: {
	skip 'no IPv6 on loopback', 2 unless $ipv6;
	my $smtp = $play->client('mx6', '::1');
	is $smtp->deliver('ada@sender.example', ['x@partner.example']),
	    guarded('x@partner.example'), 'a real IPv6 client does not relay';
	$smtp->cmd('RSET');
	is $smtp->mail('alice@example.com'), $spoofed,
	    '... nor sends as one of us';
}

# ---- dialogues --------------------------------------------------------------

subtest 'an address that no connector serves' => sub {
	my $smtp = $play->stranger('submission', '203.0.113.9');
	is $smtp->ehlo, tagged($nobody, '-', 'no_connector'), 'is told at EHLO';
	is $smtp->reply, 'closed', 'and the connection is closed';
};

subtest 'several recipients in one message' => sub {
	$play->forget;
	my $smtp = $play->client('mx', '127.0.0.9');
	my @to = qw(alice@example.com x@foreign.example y@partner.example);
	is $smtp->mail('scan@example.com'), $ok_mail, 'sender';
	is $smtp->rcpt($to[0]), $ok_rcpt, 'own recipient';
	is $smtp->rcpt($to[1]), $not_relayed, 'foreign recipient';
	is $smtp->rcpt($to[2]), $ok_rcpt, 'recipient in relay_to';
	like $smtp->message("Subject: several\n\n.text\n"),
	    qr/^250 2\.0\.0 Ok: queued as/, 'the message is accepted';
	is_deeply $play->arrived_for, [@to[0, 2]], 'for the two accepted ones';
};

subtest 'when every recipient is refused' => sub {
	$play->forget;
	my $smtp = $play->client('mx', '127.0.0.9');
	$smtp->mail('scan@example.com');
	is $smtp->rcpt('x@foreign.example'), $not_relayed, 'the one recipient';
	is $smtp->message, '554 5.5.1 Error: no valid recipients', 'DATA';
	is_deeply $play->arrived_for, [], 'nothing arrived';
};

subtest 'RSET, a second message, a second EHLO' => sub {
	$play->forget;
	my $smtp = $play->client('mx', '203.0.113.9');
	is $smtp->mail('alice@example.com'), $spoofed, 'a refused sender';
	is $smtp->mail('ada@sender.example'), $ok_mail, 'then a good one';
	is $smtp->rcpt('alice@example.com'), $ok_rcpt, 'its recipient';
	is $smtp->cmd('RSET'), '250 2.0.0 Ok', 'RSET';
	is $smtp->mail('alice@example.com'), $spoofed, 'judged anew';
	for my $turn (1 .. 2) {
		like $smtp->deliver('ada@sender.example',
			['alice@example.com']), qr/^250 2\.0\.0/,
		    "message $turn";
	}
	$smtp->mail('ada@sender.example');
	like $smtp->ehlo('other.example'), qr/^250/, 'EHLO inside a message';
	is $smtp->mail('alice@example.com'), $spoofed, 'judged anew again';
	like $smtp->deliver('ada@sender.example', ['alice@example.com']),
	    qr/^250 2\.0\.0/, 'and message 3';
	is scalar(my @arrived = $play->arrived), 3, 'all arrived';
};

subtest 'pipelined commands' => sub {
	$play->forget;
	my $smtp = $play->client('mx', '127.0.0.9');
	$smtp->send_raw(join '', map { "$_\r\n" }
		'MAIL FROM:<scan@example.com>', 'RCPT TO:<x@foreign.example>',
		'RCPT TO:<x@partner.example>', 'DATA');
	is $smtp->reply, $ok_mail, 'MAIL';
	is $smtp->reply, $not_relayed, 'RCPT, refused';
	is $smtp->reply, $ok_rcpt, 'RCPT, accepted';
	like $smtp->reply, qr/^354/, 'DATA';
	like $smtp->cmd("Subject: piped\r\n\r\ntext\r\n."), qr/^250 2\.0\.0/,
	    'message';
	is_deeply $play->arrived_for, ['x@partner.example'], 'for one of them';
};

subtest 'MAIL right after STARTTLS, without EHLO' => sub {
	my $smtp = $play->client('mx', '198.51.100.7');
	is $smtp->mail('teller@bank.example'),
	    tagged($tls, 'bank', 'require_tls'), 'refused before';
	like $smtp->starttls($play->postfix->ca), qr/^220/, 'STARTTLS';
	is $smtp->mail('teller@bank.example'), $ok_mail, 'accepted after';
};

subtest 'a failed login is no login' => sub {
	my $smtp = $play->encrypted('submission', '10.1.2.3');
	like $smtp->auth_plain('alice', 'wrong'), qr/^535/, 'wrong password';
	is $smtp->mail('alice@example.com'),
	    tagged($submit, 'submission', 'submit'), 'still anonymous';
};

subtest 'XCLIENT again: another client on the same connection' => sub {
	my $smtp = $play->client('mx', '203.0.113.9');
	is $smtp->mail('alice@example.com'), $spoofed, 'connector internet';
	$smtp->xclient(ADDR => '198.51.100.7', NAME => '[UNAVAILABLE]');
	$smtp->ehlo;
	is $smtp->mail('alice@example.com'),
	    tagged($tls, 'bank', 'require_tls'), 'connector bank';
};

# ---- hostile bytes ----------------------------------------------------------

subtest 'hostile bytes' => sub {
	my @hostile = (
		['control bytes in EHLO', "EHLO a\e[31m\x07b"],
		['a percent sign in EHLO', 'EHLO %s%n%s'],
		['a long EHLO', 'EHLO ' . 'x' x 1900],
		['UTF-8 in EHLO', "EHLO \xc3\xbc\xe2\x80\xae.example"],
		['quotes and equals signs in EHLO', 'EHLO " rule=none x="'],
	);
	my $helo = qr/helo=<[!-~]*>/;
	my %ours = map { $_ => 1 } $not_relayed,
	    tagged($bad_recipient, 'relay', 'recipient_syntax');
	for my $case (@hostile) {
		my ($what, $line) = @$case;
		my $smtp = $play->stranger('mx', '203.0.113.9');
		$milter->clear_log;
		like $smtp->cmd($line), qr/^250/, $what;
		is $smtp->mail('alice@example.com'), $nameless, '... refused';
		my @lines = grep { /verdict=/ } $milter->lines;
		is scalar(@lines), 1, '... one line in the log';
		like $lines[0] // '', qr/^[ -~]+ $helo [ -~]+$/, '... encoded';
	}
	for my $local ("a\e[2Jb", "a\xc3\xbcb", '"a\"b c"', 'a%sb', 'a=b&c',
		'%n%n', 'x' x 300) {
		my $smtp = $play->client('mx', '203.0.113.9');
		$milter->clear_log;
		like $smtp->mail("$local\@example.com"), qr/^5\d\d 5\./,
		    'MAIL from ' . substr unpack('H*', $local), 0, 24;
		my @lines = $milter->lines;
		is scalar(grep { /[^ -~]/ } @lines), 0, '... log encoded';
		cmp_ok scalar(@lines), '<=', 1, '... at most one line';
		like $smtp->deliver('ada@sender.example',
			['alice@example.com']), qr/^250 2\.0\.0/,
		    '... the next is unaffected';
		my $reply = $play->client('mx', '127.0.0.9')->deliver(
			'scan@example.com', ["$local\@foreign.example"]);
		like $reply, qr/^5\d\d 5\./, '... and no recipient';
		ok $ours{$reply} || $reply !~ /connector/,
		    '... and no client text in our reply';
	}
};

# ---- the log ----------------------------------------------------------------

subtest 'the operator log' => sub {
	my @who = ('mx', '203.0.113.9', NAME => 'host.sender.example',
		PORT => 41022, DESTADDR => '192.0.2.26', DESTPORT => 25);
	my $head = 'connector=internet '
	    . 'client=host.sender.example[203.0.113.9]:41022 '
	    . 'listener=192.0.2.26:25';
	$milter->clear_log;
	my $smtp = $play->encrypted(@who);
	$smtp->mail('alice@example.com');
	is $milter->wait_log(qr/stage=mail/),
	    "NOQUEUE: $head stage=mail verdict=reject "
	    . "rule=authoritative_domain_sender reply=\"$spoofed\" "
	    . 'from=<alice@example.com> to=<> helo=<client.example> '
	    . 'identity=anonymous auth= tls=TLSv1.3', 'a refusal';
	$milter->clear_log;
	$smtp->mail('ada@sender.example');
	$smtp->rcpt('x@foreign.example');
	like $milter->wait_log(qr/stage=rcpt/),
	    qr/^NOQUEUE: \Q$head\E stage=rcpt verdict=reject rule=mta reply=/,
	    'what the guard refused';
	like $milter->wait_log(qr/stage=rcpt/),
	    qr/from=<ada\@sender\.example> to=<x\@foreign\.example> helo=/,
	    '... with its addresses';
	$smtp->rcpt('alice@example.com');
	my ($queue_id) = $smtp->message =~ /queued as (\w+)/;
	like $milter->wait_log(qr/verdict=accept/),
	    qr/^$queue_id: \Q$head\E stage=eom verdict=accept rule= reply=""/,
	    'an accepted message';
	$milter->clear_log;
	$play->stranger('submission', '203.0.113.9')->ehlo;
	like $milter->wait_log(qr/no_connector/),
	    qr/^NOQUEUE: connector=- .* verdict=tempfail rule=no_connector/,
	    'a client that nobody serves';
};

# ---- reload -----------------------------------------------------------------

for my $signal (qw(HUP USR1)) {
	subtest "reload by SIG$signal" => sub {
		my $open = $play->client('mx', '203.0.113.9');
		is $open->mail('ada@sender.example'), $ok_mail, 'the old rule';
		$open->cmd('RSET');
		my $said = $milter->reload($signal, connectors => {
			internet => "$connectors{internet}require_tls = yes\n",
		});
		like $said, qr/^reload: configuration \w+ is in use/, 'log';
		is $open->mail('ada@sender.example'),
		    tagged($tls, 'internet', 'require_tls'),
		    'the next MAIL of an open session sees the new one';
		like $milter->reload($signal, connectors => {
			internet => $connectors{internet} }), qr/is in use/,
		    'and back';
		is $open->mail('ada@sender.example'), $ok_mail, 'as before';
	};
}

subtest 'reload picks another connector for an open session' => sub {
	my $open = $play->client('mx', '203.0.113.9');
	is $open->mail('alice@example.com'), $spoofed, 'connector internet';
	$milter->reload('USR1', connectors => { closer => <<"END" });
usage            = closed
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 203.0.113.9
END
	is $open->mail('alice@example.com'),
	    tagged($submit, 'closer', 'submit'), 'a closer connector';
	$milter->reload('USR1', connectors => { closer => undef });
	is $open->mail('alice@example.com'), $spoofed, 'which went again';
};

subtest 'a bad configuration changes nothing and says so' => sub {
	my $open = $play->client('mx', '203.0.113.9');
	my $said = $milter->reload('HUP', connectors => {
		internet => "$connectors{internet}require_tls = perhaps\n",
		bank => undef,
	});
	like $said, qr/^reload failed; the old configuration stays in use/,
	    'the log says so';
	my $where = 'connectors.d/internet.ini:5: error: [connector internet] '
	    . 'require_tls: ';
	like $milter->wait_log(qr/error:/), qr{/\Q$where\E},
	    'and where the fault is';
	is $open->mail('ada@sender.example'), $ok_mail, 'open session';
	is $play->client('mx', '198.51.100.7')->mail('a@bank.example'),
	    tagged($tls, 'bank', 'require_tls'), 'new session';
	like $milter->reload('HUP', connectors => {
		map { $_ => $connectors{$_} } qw(internet bank) }),
	    qr/is in use/, 'mended';
};

subtest 'styles of replies' => sub {
	my @talk = ({ client => '127.0.0.9', from => 'scan@example.com',
		to => 'x@foreign.example' }, { client => '203.0.113.9',
		from => 'alice@example.com' });
	$milter->reload('USR1', milter => "identify_connector = no\n");
	is transact($talk[0]), "$ok_mail, $relay", 'without the connector';
	is transact($talk[1]), $spoof, '... at MAIL';
	$milter->reload('USR1',
		milter => "identify_connector = no\nreply_style = 2010\n");
	is transact($talk[0]), "$ok_mail, 550 5.7.1 Unable to relay", 'of 2010';
	is transact($talk[1]), '550 5.7.1 Client does not have permissions '
	    . 'to send as this sender', '... at MAIL';
	$milter->reload('USR1', milter => "reply_style = 2010\n");
	is transact($talk[0]), "$ok_mail, "
	    . tagged('550 5.7.1 Unable to relay', 'relay', 'relay'),
	    '2010 with the connector';
	$milter->reload('USR1', milter => '');
	is transact($talk[0]), "$ok_mail, $not_relayed", 'and back';
};

# ---- an inet socket, and the end --------------------------------------------

subtest 'over an inet socket' => sub {
	$play->forget;
	my $port = Scratch::free_port('127.0.0.1');
	my $other = Milter->new($play->scratch, name => 'inet', main => $main,
		connectors => \%connectors, socket => "inet:$port\@127.0.0.1");
	$other->start;
	$play->postfix->configure(smtpd_milters => $other->for_postfix);
	# Processes of before the reload finish their session and go.
	Scratch::wait_for(60, sub {
		$other->clear_log;
		transact({ client => '203.0.113.9',
			from => 'alice@example.com' });
		grep { /verdict=/ } $other->lines;
	});
	is transact({ client => '203.0.113.9', from => 'alice@example.com' }),
	    $spoofed, 'a refusal at MAIL';
	is transact({ client => '127.0.0.9', from => 'scan@example.com',
		to => 'x@foreign.example' }), "$ok_mail, $not_relayed",
	    'a refusal at RCPT';
	like $play->client('mx', '203.0.113.9')->deliver('ada@sender.example',
		['alice@example.com']), qr/^250 2\.0\.0/, 'a message';
	is_deeply $play->arrived_for, ['alice@example.com'], 'arrived';
	is $other->stop, 0, 'SIGTERM: exit status 0';
	$play->postfix->configure(smtpd_milters => $milter->for_postfix);
	ok !$other->answers, 'and nobody listens there';
};

subtest 'SIGTERM' => sub {
	my ($path) = $milter->socket =~ /^unix:(.*)/;
	ok -S $path, 'the socket is there';
	is $milter->stop, 0, 'exit status 0';
	ok !-e $path, 'the socket is gone';
	$milter->start;
	is transact({ client => '203.0.113.9', from => 'alice@example.com' }),
	    $spoofed, 'and it starts again';
};

done_testing;
