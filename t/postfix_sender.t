#!/usr/bin/perl
# postfix_sender.t - who may claim to be whom, on a real Postfix: the envelope
# sender and every kind of From field.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Case;
use Milter;
use Play qw(tagged);

my $play = Play->new(listeners => { mx => {} });
my $mx = $play->port('mx');

my $main = <<'END';
[organization]
accepted_domains       = example.com, bücher.example
internal_relay_domains = legacy.example

[directory]
recipients = recipients.txt
END
$play->scratch->write('milter/recipients.txt', <<'END');
ceo@example.com      login=ceo@example.com name="Clara E. Officer"
alice@example.com    login=alice@example.com
clara@other.example  login=ceo@example.com
END
my %connectors = (
	strict => <<"END",
usage              = internet
bindings           = 0.0.0.0:$mx
remote_ip_ranges   = 127.0.0.16/28, 2001:db8:1::/48
check_header_from  = yes
header_from_exempt = lists.example, *.sender-for-us.example, host:.crm.example
END
	watching => <<"END",
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.32/28
END
	listed => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 127.0.0.48/28
permission_groups = anonymous_users
accept_any_sender = -anonymous
END
	scanners => <<"END",
bindings             = 0.0.0.0:$mx
remote_ip_ranges     = 127.0.0.64/28
permission_groups    = anonymous_users
accept_any_recipient = anonymous
allowed_senders      = scan\@example.com, reports.example
check_header_from    = yes
END
	users => <<"END",
usage             = client
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 127.0.0.80/28
check_header_from = yes
END
);

my $milter = Milter->new($play->scratch, main => $main,
	connectors => \%connectors);
$milter->start;
$play->raise($milter, logins => { alice => 'secret', ceo => 'secret' });

my $spoof = '550 5.7.60 SMTP; Client does not have permissions to send as '
    . 'this sender';

sub own
{
	return tagged($spoof, $_[0], 'authoritative_domain_sender');
}

sub any
{
	return tagged($spoof, $_[0], 'any_sender');
}

# ---- the envelope -----------------------------------------------------------

my $alice = 'alice@example.com';
Case::check($play, $_) for (
	{ what => 'our own domain as a sender', client => '127.0.0.17',
	    from => 'ceo@example.com', mail => own('strict') },
	{ what => '... as a U-label', client => '127.0.0.17',
	    from => 'a@bücher.example', parameter => 'SMTPUTF8',
	    mail => own('strict') },
	{ what => '... as its A-label', client => '127.0.0.17',
	    from => 'a@xn--bcher-kva.example', mail => own('strict') },
	{ what => '... with a final dot', client => '127.0.0.17',
	    from => 'ceo@example.com.', mail => own('strict') },
	{ what => '... behind a route', client => '127.0.0.17',
	    from => '@a.example:ceo@example.com', mail => own('strict') },
	{ what => '... quoted', client => '127.0.0.17',
	    from => '"ceo"@example.com', mail => own('strict') },
	{ what => 'an address of the directory in a foreign domain, where any '
	    . 'sender is denied', client => '127.0.0.49',
	    from => 'clara@other.example', mail => any('listed') },
	{ what => '... and another one there', client => '127.0.0.49',
	    from => 'carl@other.example', to => $alice },
	{ what => '... and the null sender', client => '127.0.0.49',
	    from => '', to => $alice },
	{ what => 'a sender that is allowed', client => '127.0.0.65',
	    from => 'Scan@example.com', to => 'x@foreign.example' },
	{ what => '... by its domain', client => '127.0.0.65',
	    from => 'daily@reports.example', to => 'x@foreign.example' },
	{ what => '... the null sender', client => '127.0.0.65', from => '',
	    to => $alice },
	{ what => 'a sender that is not', client => '127.0.0.65',
	    from => 'ada@sender.example', mail => any('scanners') },
	{ what => '... nor below the domain', client => '127.0.0.65',
	    from => 'ada@sub.reports.example', mail => any('scanners') },
);

# ---- From fields ------------------------------------------------------------

# Each alone makes a message from ceo@example.com.
my @forged = (
	['a plain address', "From: ceo\@example.com\n"],
	['a name and an address', "From: The CEO <ceo\@example.com>\n"],
	['in another case', "FROM: CEO\@Example.COM\n"],
	['a quoted local part', "From: <\"ceo\"\@example.com>\n"],
	['blanks around the @', "From: ceo \@ example.com\n"],
	['a folded address', "From: The CEO\n\t<ceo\@\n example.com>\n"],
	['a folded field', "From:\n ceo\@example.com\n"],
	['comments inside', "From: ceo(x)\@(y)example.com\n"],
	['a second mailbox', "From: x\@sender.example, ceo\@example.com\n"],
	['a second field',
	    "From: x\@sender.example\nFrom: ceo\@example.com\n"],
	['the first of two fields',
	    "From: ceo\@example.com\nFrom: x\@sender.example\n"],
	['a third field', "From: a\@b.example\n" x 2
	    . "From: ceo\@example.com\n"],
	['a group', "From: board: x\@sender.example, ceo\@example.com;\n"],
	['a group without its end', "From: board: ceo\@example.com\n"],
	['two brackets', "From: The CEO <<ceo\@example.com>>\n"],
	['a missing bracket', "From: The CEO <ceo\@example.com\n"],
	['a name without quotes that is an address',
	    "From: ceo\@example.com <x\@sender.example>\n"],
	['an address behind the brackets',
	    "From: <x\@sender.example> ceo\@example.com\n"],
	['a route', "From: <\@a.example:ceo\@example.com>\n"],
	['an encoded name', "From: =?UTF-8?Q?C=C3=89O?= <ceo\@example.com>\n"],
	['an encoded address',
	    "From: CEO <=?UTF-8?Q?ceo=40example.com?=>\n"],
	['an encoded domain', "From: ceo\@=?UTF-8?B?ZXhhbXBsZS5jb20=?=\n"],
	['a U-label', "From: a\@bücher.example\n"],
	['an A-label', "From: a\@XN--BCHER-KVA.example\n"],
	['an ideographic full stop', "From: ceo\@example\xe3\x80\x82com\n"],
	['a final dot', "From: ceo\@example.com.\n"],
	['8-bit bytes before it', "From: \xff\xfe <ceo\@example.com>\n"],
	['a quote without end', "From: \"The CEO <ceo\@example.com>\n"],
	['a comment without end', "From: (The CEO <ceo\@example.com>\n"],
	['a tab before the colon', "From\t: ceo\@example.com\n"],
	['a blank before it, not in the first line, where Postfix thinks of '
	    . 'mailboxes', "X-First: x\nFrom : ceo\@example.com\n"],
	['a semicolon', "From: x\@sender.example; ceo\@example.com\n"],
	['a blank beyond ASCII before the domain',
	    "From: ceo\@\xc2\xa0example.com\n"],
	['a mark that nobody sees in the domain',
	    "From: The CEO <ceo\@exam\xe2\x80\x8eple.com>\n"],
);
my $rest = "Subject: payment\n\nPlease pay.\n";

for my $case (@forged) {
	my ($what, $from) = @$case;
	Case::check($play, { what => "a forged boss: $what",
		client => '127.0.0.17', to => $alice, text => "$from$rest",
		data => own('strict') });
}

# None of these is.
my @honest = (
	['a stranger', "From: x\@sender.example\n"],
	['a missing field', ''],
	['an empty field', "From:\n"],
	['a name that holds an address in quotes',
	    "From: \"ceo\@example.com via list\" <x\@sender.example>\n"],
	['an encoded name that holds an address',
	    "From: =?UTF-8?Q?ceo=40example.com?= <x\@sender.example>\n"],
	['a comment that holds an address',
	    "From: x\@sender.example (ceo\@example.com)\n"],
	['a domain below ours', "From: ceo\@sub.example.com\n"],
	['a domain that only ends alike', "From: ceo\@notexample.com\n"],
	['our address in Reply-To',
	    "From: x\@sender.example\nReply-To: ceo\@example.com\n"],
	['marks that nobody sees around a name',
	    "From: \xe2\x80\xaaAda\xe2\x80\xac <x\@sender.example>\n"],
	['our domain in a name', "From: example.com Team! <x\@sender.example>\n"],
	['our address in X-From', "X-From: ceo\@example.com\n"],
	['nonsense', "From: <<<>>>,,;:@\n"],
);
for my $case (@honest) {
	my ($what, $from) = @$case;
	Case::check($play, { what => "no boss: $what",
		client => '127.0.0.17', to => $alice, text => "$from$rest" });
}

Case::check($play, $_) for (
	map({ { what => "a sender whose header is not judged: $_->[0]",
	    client => '127.0.0.17', from => $_->[1], to => $alice,
	    as => $_->[2] // [], text => "From: ceo\@example.com\n$rest" } }
	    ['by its domain', 'bounce@lists.example'],
	    ['below a domain', 'bounce@a.sender-for-us.example'],
	    ['by the name of its host', 'x@sender.example',
		[ADDR => '127.0.0.17', NAME => 'out.crm.example']]),
	{ what => 'no exemption for the null sender', client => '127.0.0.17',
	    from => '', to => $alice, text => "From: ceo\@example.com\n$rest",
	    data => own('strict') },
	{ what => '... nor for a domain that only ends alike',
	    client => '127.0.0.17', from => 'x@notlists.example',
	    to => $alice, text => "From: ceo\@example.com\n$rest",
	    data => own('strict') },
	{ what => '... nor for a host whose name nobody could look up',
	    client => '127.0.0.17', to => $alice,
	    as => [ADDR => '127.0.0.17', NAME => '[TEMPUNAVAIL]'],
	    text => "From: ceo\@example.com\n$rest",
	    data => tagged('451 4.3.0 Cannot decide now, please try again '
		. 'later', 'strict', 'authoritative_domain_sender') },
	{ what => 'a user writes as itself', client => '127.0.0.81', tls => 1,
	    login => 'alice', from => $alice, to => $alice,
	    text => "From: Alice <$alice>\n$rest" },
	{ what => '... and not as its boss', client => '127.0.0.81', tls => 1,
	    login => 'alice', from => $alice, to => $alice,
	    text => "From: Alice <$alice>, ceo\@example.com\n$rest",
	    data => own('users') },
	{ what => '... nor as a stranger', client => '127.0.0.81', tls => 1,
	    login => 'alice', from => $alice, to => $alice,
	    text => "From: x\@sender.example\n$rest", data => any('users') },
	{ what => 'a scanner keeps to its name in the header too',
	    client => '127.0.0.65', from => 'scan@example.com', to => $alice,
	    text => "From: scan\@example.com\n$rest" },
	{ what => '... or is refused', client => '127.0.0.65',
	    from => 'scan@example.com', to => $alice,
	    text => "From: ceo\@example.com\n$rest",
	    data => any('scanners') },
);

subtest 'check_header_from = monitor' => sub {
	$play->forget;
	$milter->clear_log;
	Case::check($play, { what => 'a forged boss comes through',
		client => '127.0.0.33', to => $alice,
		text => "From: ceo\@example.com\n$rest" });
	my $line = $milter->wait_log(qr/would-reject/);
	like $line, qr/^\w+:\ connector=watching\ .*\ stage=eom
	    \ verdict=would-reject\ rule=authoritative_domain_sender
	    \ reply="\Q$spoof\E\ \[connector\ watching,/x, 'and is logged';
	like $milter->wait_log(qr/verdict=accept/),
	    qr/connector=watching .* stage=eom verdict=accept rule= /,
	    '... like the acceptance';
	is_deeply $play->arrived_for, [$alice], 'it arrived';
};

done_testing;
