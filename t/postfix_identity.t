#!/usr/bin/perl
# postfix_identity.t - who a session is, on a real Postfix: logins, client
# certificates trusted and not, partners and servers, and what each may say.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Authority;
use Case;
use Milter;
use Play qw(guarded tagged);

my $play = Play->new(listeners => { mx => {} });
my $mx = $play->port('mx');
my $authority = Authority->new($play->scratch);
my %trusted = map { $_ => $authority->issue($_) } qw(partner.example
    mail.partner.example bank.partner.example other.example
    hub.example.com HUB.Example.Com *.partner.example
    partner.example.evil.example evilpartner.example);
my $nameless = $authority->issue('', subject => '/O=mail.partner.example');
my $two_names = $authority->issue('',
	subject => '/CN=mail.partner.example/CN=other.example');
my $slash = $authority->issue('',
	subject => '/CN=other.example\/CN=partner.example');
my $selfmade = $authority->self_signed('mail.partner.example');
my $stranger = Authority->new($play->scratch, 'stranger')
    ->issue('mail.partner.example');

my $main = <<'END';
[organization]
accepted_domains               = example.com
tls_receive_domain_secure_list = partner.example, bank.partner.example

[directory]
recipients = recipients.txt

[group hubs]
members = hub@example.com
END
$play->scratch->write('milter/recipients.txt', <<'END');
alice@example.com     login=alice@example.com,shared aliases=a.doe@example.com
ceo@example.com       login=ceo@example.com
staff@example.com     internal_only
END
my %connectors = (
	partner => <<"END",
usage            = partner
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.16/28
END
	hybrid => <<"END",
bindings              = 0.0.0.0:$mx
remote_ip_ranges      = 127.0.0.32/28
permission_groups     = anonymous_users, partners
domain_secure_enabled = yes
END
	servers => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 127.0.0.48/28
permission_groups = exchange_servers, exchange_users
auth_mechanism    = tls, basic_auth, basic_auth_require_tls, exchange_server
server_identities = login:hub\@example.com, cert:hub.example.com
accept_any_sender = -user:hub\@example.com
END
	users => <<"END",
usage            = client
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.64/28
END
);

my $milter = Milter->new($play->scratch, main => $main,
	connectors => \%connectors);
$milter->start;
$play->raise($milter, authority => $authority,
	logins => { map { $_ => 'secret' } qw(alice shared hub ceo) });

# ---- replies ----------------------------------------------------------------

my $submit = '530 5.7.57 SMTP; Client was not authenticated to send anonymous '
    . 'mail during MAIL FROM';
my $spoof = '550 5.7.60 SMTP; Client does not have permissions to send as '
    . 'this sender';
my $relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain';
my $plain = '538 5.7.11 Encryption required for requested authentication '
    . 'mechanism';
my $internal = '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required';
my $unknown = tagged($submit, 'partner', 'submit');
my $not_theirs = tagged($spoof, 'partner', 'any_sender');

# ---- partners ---------------------------------------------------------------

my @partner = (at => 'mx', client => '127.0.0.17');
my @partners = (
	{ what => 'a partner without TLS is a stranger', mail => $unknown },
	{ what => '... over TLS without a certificate too', tls => 1,
	    mail => $unknown },
	{ what => 'the certificate of its domain proves a partner',
	    tls => $trusted{'partner.example'},
	    from => 'joe@partner.example', to => 'alice@example.com' },
	{ what => '... that of a host below it too',
	    tls => $trusted{'mail.partner.example'},
	    from => 'joe@partner.example', to => 'alice@example.com' },
	{ what => '... for senders below the domain as well',
	    tls => $trusted{'mail.partner.example'},
	    from => 'joe@sub.partner.example', to => 'alice@example.com' },
	{ what => '... for no other sender',
	    tls => $trusted{'mail.partner.example'},
	    from => 'joe@other.example', mail => $not_theirs },
	{ what => '... nor for one that only ends alike',
	    tls => $trusted{'mail.partner.example'},
	    from => 'joe@evilpartner.example', mail => $not_theirs },
	{ what => '... nor for one of ours',
	    tls => $trusted{'mail.partner.example'},
	    from => 'ceo@example.com',
	    mail => tagged($spoof, 'partner', 'authoritative_domain_sender') },
	{ what => '... but for the null sender',
	    tls => $trusted{'mail.partner.example'}, from => '',
	    to => 'alice@example.com' },
	{ what => 'the longest domain of the list is the proven one',
	    tls => $trusted{'bank.partner.example'},
	    from => 'joe@partner.example', mail => $not_theirs },
	{ what => '... and its own senders pass',
	    tls => $trusted{'bank.partner.example'},
	    from => 'joe@bank.partner.example', to => 'alice@example.com' },
	{ what => 'a partner does not relay',
	    tls => $trusted{'partner.example'},
	    from => 'joe@partner.example', to => 'x@foreign.example',
	    rcpt => guarded('x@foreign.example') },
	{ what => 'a partner is no internal sender',
	    tls => $trusted{'partner.example'},
	    from => 'joe@partner.example', to => 'staff@example.com',
	    rcpt => tagged($internal, 'partner', 'internal_only') },
	map({ { what => "$_->[0] proves nobody", tls => $_->[1],
	    from => 'joe@partner.example', mail => $unknown } }
	    ['a self-signed certificate', $selfmade],
	    ['a certificate of another authority', $stranger],
	    ['a certificate of another domain', $trusted{'other.example'}],
	    ['a name that only ends alike', $trusted{'evilpartner.example'}],
	    ['a name that only begins alike',
		$trusted{'partner.example.evil.example'}],
	    ['a wildcard', $trusted{'*.partner.example'}],
	    ['a certificate without a common name', $nameless],
	    ['a name with a slash', $slash]),
);
Case::check($play, { @partner, %$_ }) for @partners;

subtest 'a certificate with two names' => sub {
	my @got = Case::transact($play, { @partner, tls => $two_names,
		from => 'joe@other.example', to => 'alice@example.com' });
	isnt $got[0], '250 2.1.0 Ok', 'does not lend the sender of one of them';
};

my @hybrid = (client => '127.0.0.33');
Case::check($play, { @hybrid, %$_ }) for (
	{ what => 'without a certificate an anonymous session',
	    from => 'joe@other.example', to => 'alice@example.com' },
	{ what => '... with one a partner, bound to its domain',
	    tls => $trusted{'partner.example'}, from => 'joe@other.example',
	    mail => tagged($spoof, 'hybrid', 'any_sender') },
);

# ---- servers ----------------------------------------------------------------

my @server = (client => '127.0.0.49');
my $hub = $trusted{'hub.example.com'};
Case::check($play, { @server, %$_ }) for (
	{ what => 'a server is known by its certificate', tls => $hub,
	    from => 'anybody@other.example', to => 'staff@example.com' },
	{ what => '... whose name has no case',
	    tls => $trusted{'HUB.Example.Com'},
	    from => 'ceo@example.com', to => 'staff@example.com' },
	{ what => '... may relay', tls => $hub,
	    from => 'ceo@example.com', to => 'x@foreign.example' },
	{ what => '... is no internal sender for what it passes on', tls => $hub,
	    from => 'anybody@other.example', parameter => 'AUTH=<>',
	    to => 'staff@example.com',
	    rcpt => tagged($internal, 'servers', 'internal_only') },
	{ what => '... a server by certificate, whoever logs in', tls => $hub,
	    login => 'alice', from => 'ceo@example.com',
	    to => 'staff@example.com' },
	{ what => 'another certificate is nobody',
	    tls => $trusted{'other.example'},
	    mail => tagged($submit, 'servers', 'submit') },
	{ what => 'a server is known by its login', tls => 1,
	    login => 'hub', from => 'hub@example.com',
	    to => 'staff@example.com' },
	{ what => '... and bound to its own addresses where any sender is '
	    . 'denied', tls => 1, login => 'hub', from => 'x@other.example',
	    mail => tagged($spoof, 'servers', 'any_sender') },
	{ what => '... whose password needs TLS', login => 'hub',
	    mail => tagged($plain, 'servers', 'auth_mechanism') },
	{ what => 'another login is a user', tls => 1, login => 'alice',
	    from => 'x@other.example',
	    mail => tagged($spoof, 'servers', 'any_sender') },
);

# ---- users ------------------------------------------------------------------

my @user = (client => '127.0.0.65', tls => 1);
my $not_mine = tagged($spoof, 'users', 'authoritative_domain_sender');
Case::check($play, { @user, %$_ }) for (
	{ what => 'a user sends as the address of the directory',
	    login => 'alice', from => 'alice@example.com',
	    to => 'x@foreign.example' },
	{ what => '... as its alias', login => 'alice',
	    from => 'a.doe@example.com', to => 'staff@example.com' },
	{ what => '... in any case', login => 'alice',
	    from => 'A.Doe@EXAMPLE.COM' },
	{ what => '... as nobody else of ours', login => 'alice',
	    from => 'ceo@example.com', mail => $not_mine },
	{ what => '... and as no stranger', login => 'alice',
	    from => 'x@other.example',
	    mail => tagged($spoof, 'users', 'any_sender') },
	{ what => '... but as the null sender', login => 'alice', from => '' },
	{ what => 'a login compares whole: with its realm it is another',
	    login => 'shared', from => 'alice@example.com',
	    mail => $not_mine },
	{ what => 'a login that is an address owns it', login => 'shared',
	    from => 'shared@example.com', to => 'alice@example.com' },
);

done_testing;
