#!/usr/bin/perl
# postfix_recipient.t - who may be written to, on a real Postfix: directory,
# internal-only recipients, odd domains; HELO names; connectors that only watch.

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
accepted_domains       = example.com, example.org, intranet
internal_relay_domains = legacy.example
own_hosts              = 192.0.2.25, 2001:db8::25

[directory]
recipients          = recipients.txt
recipient_delimiter = +
END
my $recipients = <<'END';
# who is here
alice@example.com   login=alice@example.com aliases=a.doe@example.com
bob@example.com
staff@example.com   internal_only aliases=everybody@example.org
board@legacy.example internal_only
END
my $file = 'milter/recipients.txt';
$play->scratch->write($file, $recipients);
my %connectors = (
	internet => <<"END",
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.16/28
default_domain   = example.com
END
	quiet => <<"END",
usage                      = internet
bindings                   = 0.0.0.0:$mx
remote_ip_ranges           = 127.0.0.32/28
internal_only_reply        = unknown
address_literals           = yes
max_recipients_per_message = 2
END
	picky => <<"END",
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.144/28
reject_reserved_top_level_recipient_domains    = yes
reject_reserved_second_level_recipient_domains = yes
reject_single_label_recipient_domains          = yes
END
	relay => <<"END",
bindings             = 0.0.0.0:$mx
remote_ip_ranges     = 127.0.0.48/28
permission_groups    = anonymous_users
accept_any_recipient = anonymous
address_literals     = yes
END
	named => <<"END",
usage               = internet
bindings            = 0.0.0.0:$mx
remote_ip_ranges    = 127.0.0.64/28
require_ehlo_domain = yes
helo_syntax         = strict
END
	users => <<"END",
usage            = client
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.80/28
END
	secured => <<"END",
usage            = externally_secured
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.96/28
END
	watched => <<"END",
mode             = monitor
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.112/28
require_tls      = yes
END
	counted => <<"END",
mode             = monitor
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.128/28
END
);

my $milter = Milter->new($play->scratch, main => $main,
	connectors => \%connectors);
$milter->start;
$play->raise($milter, domains => 'example.com, example.org, intranet',
	main => { relay_domains => 'legacy.example',
		myorigin => 'example.com', proxy_interfaces => '192.0.2.25' },
	logins => { alice => 'secret' });

my $unknown = '550 5.1.1 User unknown';
my $internal = '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required';
my $tls = '530 5.7.0 Must issue a STARTTLS command first';
my $reserved_top = '550 5.1.4 Recipient address reserved by RFC 2606';
my $reserved_second = '550 5.1.5 Recipient address reserved by RFC 2606';
my $single = '550 5.1.6 Recipient addresses in single label domains not '
    . 'accepted';
my $name = '501 5.5.4 Invalid domain name';

# ---- the directory ----------------------------------------------------------

my $not_here = tagged($unknown, 'internet', 'recipient_lookup');
my $not_you = tagged($internal, 'internet', 'internal_only');
my $hidden = tagged($unknown, 'quiet', 'recipient_lookup');
Case::check($play, { client => '127.0.0.17', %$_ }) for (
	{ what => 'somebody the directory knows', to => 'bob@example.com' },
	{ what => '... by an alias', to => 'A.Doe@example.com' },
	{ what => '... with a tag', to => 'bob+list@example.com' },
	{ what => '... in quotes', to => '"bob"@example.com' },
	{ what => '... without a domain, in default_domain', to => 'bob' },
	{ what => 'somebody it does not', to => 'carol@example.com',
	    rcpt => $not_here },
	{ what => '... without a domain', to => 'carol', rcpt => $not_here },
	{ what => '... where only other domains are looked up',
	    to => 'carol@legacy.example' },
	{ what => 'postmaster', to => 'postmaster' },
	{ what => '... of a domain', to => 'Postmaster@example.org' },
	{ what => 'a list for internal senders', to => 'staff@example.com',
	    rcpt => $not_you },
	{ what => '... in another case', to => 'STAFF@Example.Com',
	    rcpt => $not_you },
	{ what => '... with a tag', to => 'staff+x@example.com',
	    rcpt => $not_you },
	{ what => '... by its alias', to => 'everybody@example.org',
	    rcpt => $not_you },
	{ what => '... without its domain', to => 'staff',
	    rcpt => $not_you },
	{ what => '... in quotes', to => '"staff"@example.com',
	    rcpt => $not_you },
	{ what => '... in a domain that is not looked up',
	    to => 'board@legacy.example', rcpt => $not_you },
	{ what => '... said to be unknown', client => '127.0.0.33',
	    to => 'staff@example.com', rcpt => $hidden },
	{ what => '... to a logged-in user', client => '127.0.0.81', tls => 1,
	    login => 'alice', from => 'alice@example.com',
	    to => 'staff@example.com' },
	{ what => '... to an externally secured session',
	    client => '127.0.0.97', to => 'staff@example.com' },
	map({ { what => "... to a relay client, $_->[0]",
	    client => '127.0.0.49', to => $_->[1],
	    rcpt => tagged($internal, 'relay', 'internal_only') } }
	    ['plain', 'staff@example.com'],
	    ['behind a percent sign', 'staff%example.com@example.org'],
	    ['behind a bang', 'example.com!staff@example.com'],
	    ['behind a route', '@example.com:staff@example.com'],
	    ['in quotes', '"staff@example.com"@example.com'],
	    ['at our literal', 'staff@[192.0.2.25]']),
	{ what => 'our literal takes others', client => '127.0.0.49',
	    to => 'bob@[192.0.2.25]' },
);

subtest 'a recipient too many' => sub {
	my ($smtp) = Case::enter($play, { client => '127.0.0.33' });
	$smtp->mail('ada@sender.example');
	my @got = map { $smtp->rcpt("$_\@legacy.example") } 'a' .. 'c';
	is_deeply \@got, ['250 2.1.5 Ok', '250 2.1.5 Ok', tagged('452 4.5.3 '
		. 'Too many recipients', 'quiet',
		'max_recipients_per_message')], 'is deferred';
	like $smtp->message, qr/^250 2\.0\.0/, 'the others get the message';
};

Case::check($play, { client => '127.0.0.145', %$_ }) for (
	{ what => 'a reserved top level', to => 'x@legacy.example',
	    rcpt => tagged($reserved_top, 'picky', 'reserved_domain') },
	{ what => 'a reserved second level', to => 'bob@example.com',
	    rcpt => tagged($reserved_second, 'picky', 'reserved_domain') },
	{ what => 'a domain without a dot', to => 'x@intranet',
	    rcpt => tagged($single, 'picky', 'single_label_domain') },
);

# ---- HELO -------------------------------------------------------------------

my $bad_name = tagged($name, 'named', 'helo_syntax');
Case::check($play, { client => '127.0.0.65', %$_ }) for (
	{ what => 'a good HELO name', helo => 'mail.sender.example',
	    to => 'bob@example.com' },
	{ what => 'an address literal', helo => '[192.0.2.1]',
	    to => 'bob@example.com' },
	{ what => 'an underscore, where that is an error',
	    helo => 'my_host.example', mail => $bad_name },
	{ what => '... and where it is not', client => '127.0.0.17',
	    helo => 'my_host.example', to => 'bob@example.com' },
	{ what => 'nonsense is never a name', client => '127.0.0.17',
	    helo => '<script>', mail => tagged($name, 'internet',
		'helo_syntax') },
	{ what => 'a client with two words', client => '127.0.0.17',
	    helo => 'a b', mail => tagged($name, 'internet', 'helo_syntax') },
);

subtest 'a better HELO mends it' => sub {
	my ($smtp) = Case::enter($play, { client => '127.0.0.65',
		helo => 'my_host.example' });
	is $smtp->mail('ada@sender.example'), $bad_name, 'refused';
	$smtp->ehlo('host.example');
	is $smtp->mail('ada@sender.example'), '250 2.1.0 Ok', 'and not';
	$smtp->cmd('RSET');
	$smtp->ehlo('my_host.example');
	is $smtp->mail('ada@sender.example'), $bad_name, 'and again';
};

# ---- monitor ----------------------------------------------------------------

subtest 'a connector that only watches' => sub {
	$milter->clear_log;
	$play->forget;
	my $forged = "X-Connector-AuthAs: Internal\n"
	    . "From: staff\@example.com\nSubject: x\n\ntext\n";
	Case::check($play, { what => 'refuses nothing at MAIL',
		client => '127.0.0.113', from => 'alice@example.com',
		to => 'carol@example.com', text => $forged });
	my ($message) = $play->arrived;
	like $message->{data}, qr/^X-Connector-AuthAs: Internal$/m,
	    'changes nothing';
	unlike $message->{data}, qr/^X-Connector-Name/m, 'adds nothing';
	my @lines = grep { /verdict=/ } $milter->lines;
	is scalar(@lines), 2, 'two lines in the log';
	like $lines[0], qr/connector=watched .* stage=mail
	    \ verdict=would-reject\ rule=require_tls\ reply="\Q$tls\E /x,
	    'what would have been';
	like $lines[1], qr/connector=watched .* stage=eom verdict=accept /,
	    'what was';
};

subtest 'a connector that only watches its recipients' => sub {
	$milter->clear_log;
	my ($smtp) = Case::enter($play, { client => '127.0.0.129' });
	is $smtp->mail('ada@sender.example'), '250 2.1.0 Ok', 'MAIL';
	is $smtp->rcpt($_), '250 2.1.5 Ok', "RCPT $_"
	    for qw(bob@example.com carol@example.com staff@example.com);
	like $smtp->message, qr/^250 2\.0\.0/, 'DATA';
	$milter->wait_log(qr/verdict=accept/);
	my @would = map { /rule=(\w+)/ } grep { /would-reject/ }
	    $milter->lines;
	is_deeply \@would, [qw(recipient_lookup internal_only)], 'log';
};

# ---- changes ----------------------------------------------------------------

subtest 'a changed directory' => sub {
	my $carol = { client => '127.0.0.17', to => 'carol@example.com' };
	my $say = sub { $milter->clear_log; $milter->signal('USR1');
		$milter->wait_log(qr/^reload(?: failed)?[:;]/) };
	$play->scratch->write($file, "${recipients}carol\@example.com\n");
	like $say->(), qr/is in use/, 'is read on reload';
	Case::check($play, { %$carol, what => 'and a new recipient known' });
	$play->scratch->write($file, "${recipients}carol\@\n");
	like $say->(), qr/^reload failed; the old configuration stays in use/,
	    'a broken one is not';
	like $milter->wait_log(qr/error:/),
	    qr{/recipients\.txt:6: error: }, 'which the log explains';
	Case::check($play, { %$carol, what => 'and the old one stays' });
	$play->scratch->write($file, $recipients);
	like $say->(), qr/is in use/, 'mended';
	Case::check($play, { %$carol, what => 'and carol is gone',
		rcpt => $not_here });
};

done_testing;
