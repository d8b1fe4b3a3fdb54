#!/usr/bin/perl
# agree.t - what connectorctl explain foretells is what the daemon answers over
# the wire: thousands of cases at random, the same on every run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(decode_utf8);
use JSON::PP;
use Milter;
use Scratch;
use Test::More;
use Wire;

my $configs = $ENV{AGREE_CONFIGS} // 25;
my $sessions = $ENV{AGREE_SESSIONS} // 24;
my $program = Milter::program('connectorctl');

srand($ENV{AGREE_SEED} // 20261122);

sub one_of
{
	return $_[rand @_];
}

sub maybe
{
	my ($chance) = @_;
	return rand() < $chance;
}

# Up to $most of the items, at least one, each once.
sub some_of
{
	my ($most, @items) = @_;
	my %taken;
	$taken{ one_of(@items) } = 1 for 0 .. rand $most;
	return join ', ', sort keys %taken;
}

# ---- what is drawn from -----------------------------------------------------

my @listeners = (['192.0.2.25', 25], ['192.0.2.26', 25], ['192.0.2.25', 587],
	['2001:db8::25', 25], ['2001:db8::25', 587]);
my @bindings = ('0.0.0.0:25', '[::]:25', '0.0.0.0:587', '[::]:587',
	'192.0.2.25:25', '192.0.2.26:25', '192.0.2.25:587',
	'[2001:db8::25]:25', '[2001:db8::25]:587');
my @ranges = ('0.0.0.0/0', '::/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24',
	'10.1.2.3', '10.1.2.0-10.1.2.7', '10.1.2.4(255.255.255.254)',
	'203.0.113.0/24', '203.0.113.128/25', '203.0.113.130-203.0.113.140',
	'2001:db8::/32', '2001:db8:1::/48', '2001:db8:1::5',
	'2001:db8:1::-2001:db8:1::f');
my @clients = ('10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.7', '10.1.2.8',
	'10.1.3.1', '10.2.0.1', '203.0.113.127', '203.0.113.129',
	'203.0.113.135', '198.51.100.9', '2001:db8:1::5', '2001:db8:1::6',
	'2001:db8:1::10', '2001:db8:2::1', '2001:db9::1', '::ffff:10.1.2.3',
	'::ffff:198.51.100.9');
my @names = ('mx.partner.test', 'partner.test', 'a_b.Partner.Test',
	'relay.example.com', 'xpartner.test', 'one');
my @logins = ('joe', 'JOE', 'hub@example.com', 'eve@example.net', 'eve',
	'Hub@Example.Com', 'joe@example.com');
my @mechanisms = qw(PLAIN login XOAUTH2 NTLM GSSAPI SCRAM-SHA-256 XCLIENT
	ANONYMOUS EXTERNAL CRAM-MD5 x);
my @domains = ('example.com', 'EXAMPLE.com', 'example.com.', 'a.example.net',
	'example.net', 'sub.example.com', 'legacy.example', 'partner.test',
	'x.partner.test', 'foreign.test', 'xn--exmple-cua.example',
	"ex\xc3\xa4mple.example", 'one', '[192.0.2.25]', '[IPv6:2001:db8::25]',
	'a..test', '-a.test', '', "\xef\xbd\x85xample.com", '192.0.2.25');
my @locals = ('joe', 'hub', 'eve', 'Joe', 'fax', 'postmaster', '"a b"',
	'"joe"', 'a%foreign.test', 'foreign.test!a', '"a@foreign.test"',
	'"a:b"', 'IMCEASMTP-a+40b', '"imceaEX-a"', 'a..b', '.a', 'a+b',
	"jos\xc3\xa9", "\xff", '"a', 'a b', '"a\"b"', '');
my @rights = qw(submit accept_any_recipient
	accept_authoritative_domain_sender);
my @principals = qw(anonymous users externally_secured user:joe
	user:eve@example.net group:hubs host:partner.test host:.partner.test
	host:.example.com);
my @groups = qw(anonymous_users exchange_users exchange_servers
	exchange_legacy_servers partners);
my @auth = qw(tls basic_auth integrated basic_auth_require_tls);
my @relay = ('partner.test', '*.partner.test', 'fax@partner.test',
	'foreign.test', 'joe@foreign.test');
my @usages = qw(custom internet internet client internal anonymous_relay
	closed externally_secured);

# ---- configurations ---------------------------------------------------------

sub right
{
	my ($name) = @_;
	my @list = map { (maybe(0.3) ? '-' : '') . one_of(@principals) }
	    0 .. rand 3;
	return "$name = " . join(', ', @list) . "\n";
}

# No two connectors of a configuration have a range in common.
sub deal
{
	my ($hands) = @_;
	my @hands = map { [] } 1 .. $hands;
	for my $i (0 .. $#ranges) {
		push @{ $hands[$i < $hands ? $i : rand $hands] }, $ranges[$i];
	}
	return map { join ', ', @$_ } @hands;
}

sub connector
{
	my ($ranges) = @_;
	my $text = 'bindings = ' . some_of(9, @bindings)
	    . "\nremote_ip_ranges = " . $ranges
	    . "\naccept_open_relay = yes\n";
	$text .= 'usage = ' . one_of(@usages) . "\n" if maybe(0.5);
	$text .= 'permission_groups = anonymous_users, '
	    . some_of(3, @groups) . "\n" if maybe(0.7);
	$text .= 'auth_mechanism = ' . some_of(4, @auth) . "\n" if maybe(0.6);
	$text .= right($_) for grep { maybe(0.4) } @rights;
	$text .= 'relay_to = ' . some_of(2, @relay) . "\n" if maybe(0.2);
	$text .= 'relay_from = ' . some_of(2, @relay) . "\n" if maybe(0.2);
	$text .= "require_tls = yes\n" if maybe(0.2);
	$text .= 'tls_min_version = ' . one_of(qw(TLSv1.1 TLSv1.2 TLSv1.3))
	    . "\n" if maybe(0.3);
	$text .= "enabled = no\n" if maybe(0.1);
	$text .= 'expires = ' . one_of('2001-12-31', '2999-12-31') . "\n"
	    if maybe(0.2);
	return $text;
}

sub global
{
	my $text = "[organization]\naccepted_domains = example.com, "
	    . "*.example.net, xn--exmple-cua.example\n"
	    . "internal_relay_domains = legacy.example\n";
	$text .= "own_domains = accepted\n" if maybe(0.3);
	$text .= "[group hubs]\nmembers = hub\@example.com, joe\n";
	return $text;
}

sub milter_section
{
	return (maybe(0.3) ? "reply_style = 2010\n" : '')
	    . (maybe(0.2) ? "identify_connector = no\n" : '');
}

# ---- questions --------------------------------------------------------------

sub address
{
	my $address = one_of(@locals) . '@' . one_of(@domains);
	$address = one_of('joe@', 'hub@') . one_of(@domains[0 .. 11])
	    if maybe(0.6);
	$address = one_of(@locals) if maybe(0.05);
	$address = one_of('@a.test:', '@a.test,@b.test:', '@example.com:')
	    . $address if maybe(0.05);
	$address = "<$address>" if maybe(0.8);
	$address = one_of('', '<>') if maybe(0.05);
	return $address;
}

sub question
{
	my $client = one_of(@clients);
	my $v6 = $client =~ /:/ && $client !~ /ffff/;
	my $question = {
		client => $client,
		listener => one_of(grep { ($_->[0] =~ /:/) == $v6 }
		    @listeners),
		from => address(),
		to => [map { address() } 0 .. 5 + rand 15],
	};
	$question->{name} = one_of(@names) if maybe(0.4);
	$question->{helo} = 'x' if maybe(0.8);
	$question->{tls} = one_of(qw(TLSv1 TLSv1.1 TLSv1.2 TLSv1.3))
	    if maybe(0.5);
	$question->{login} = one_of(@logins) if maybe(0.3);
	$question->{mechanism} = one_of(@mechanisms) if $question->{login};
	return $question;
}

sub arguments
{
	my ($question) = @_;
	my ($address, $port) = @{ $question->{listener} };
	my @arguments = ('--client', $question->{client}, '--listener',
		($address =~ /:/ ? "[$address]" : $address) . ":$port",
		'--from', $question->{from});
	my %flag = (name => '--client-name', helo => '--helo', tls => '--tls',
		login => '--auth', mechanism => '--auth-mechanism');
	for my $key (sort keys %flag) {
		push @arguments, $flag{$key}, $question->{$key}
		    if defined $question->{$key};
	}
	push @arguments, map { ('--rcpt', $_) } @{ $question->{to} };
	return @arguments;
}

# ---- both answers, in the same words ----------------------------------------

# Warnings about the configuration are not of interest here.
sub ask
{
	my ($milter, @arguments) = @_;
	return Scratch::slurp_command('sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
		$program, 'explain', '--config', $milter->config, @arguments);
}

sub foretold
{
	my ($milter, $question) = @_;
	my $text = ask($milter, '--json', arguments($question));
	my $answer = eval { decode_json($text) } or return "no answer: $text";
	my @said = $answer->{stage} && $answer->{stage} !~ /rcpt/
	    ? told($answer) : map { told($_) } @{ $answer->{recipients} };
	return join "\n", @said;
}

sub told
{
	my ($answer) = @_;
	return join ' ', $answer->{verdict}, $answer->{rule} // '-',
	    $answer->{reply} // '-';
}

# The rule comes from the log: the reply does not always name it.
sub heard
{
	my ($milter, $answer) = @_;
	return 'accept - -' if $answer->{verdict} eq 'continue';
	return "$answer->{verdict} - -" unless defined $answer->{reply};
	my ($rule) = $milter->wait_log(qr/ rule=/) =~ / rule=(\S+)/;
	$milter->clear_log;
	return "$answer->{verdict} $rule $answer->{reply}";
}

sub answered
{
	my ($milter, $question) = @_;
	my $wire = Wire->new($milter->socket,
		dialect => one_of(qw(postfix sendmail))) or return 'closed';
	my ($address, $port) = @{ $question->{listener} };
	my @said;
	$wire->negotiate;
	my $answer = $wire->connect(client => $question->{client},
		name => $question->{name}, listener => $address,
		listener_port => $port);
	$answer = $wire->helo($question->{helo})
	    if $answer->{verdict} eq 'continue' && defined $question->{helo};
	$wire->tls(version => $question->{tls}) if defined $question->{tls};
	$wire->login($question->{login}, $question->{mechanism})
	    if defined $question->{login};
	$answer = $wire->mail($question->{from})
	    if $answer->{verdict} eq 'continue';
	if ($answer->{verdict} ne 'continue') {
		push @said, heard($milter, $answer);
	} else {
		push @said, map { heard($milter, $wire->rcpt($_)) }
		    @{ $question->{to} };
	}
	$wire->quit;
	return join "\n", @said;
}

my $scratch = Scratch->new;
my ($milter, %seen);
my $cases = 0;
my @differ;

for my $number (1 .. $configs) {
	my %hand;
	@hand{ map { "c$_" } 1 .. 6 } = deal(6);
	my %change = (main => global(), milter => milter_section(),
		connectors => { map { $_ => connector($hand{$_}) }
			sort keys %hand });
	$milter //= Milter->new($scratch, %change);
	$milter->change(%change);
	# What does not load is drawn anew.
	while (ask($milter, '--client', '192.0.2.1') eq '') {
		my $name = one_of(sort keys %hand);
		$change{connectors}{$name} = connector($hand{$name});
		$milter->change(%change);
	}
	if (defined $milter->pid) {
		$milter->reload('USR1');
	} else {
		$milter->start;
	}
	$milter->clear_log;
	for (1 .. $sessions) {
		my $question = question();
		my $foretold = foretold($milter, $question);
		my $answered = answered($milter, $question);
		$cases += () = $answered =~ /^/mg;
		$seen{"$2 $1"}++ while $answered =~ /^(\w+) (\S+)/mg;
		next if $foretold eq $answered;
		push @differ, join "\n", "config $number",
		    join(' ', arguments($question)), "foretold: $foretold",
		    "answered: $answered";
	}
}

is scalar @differ, 0, "$cases answers are as foretold"
    or diag(join "\n\n", @differ[0 .. ($#differ > 4 ? 4 : $#differ)]);
cmp_ok $cases, '>=', 3 * $configs * $sessions, 'many cases';
for my $want ('- accept', 'no_connector tempfail', 'require_tls reject',
	'auth_mechanism reject', 'submit reject', 'sender_syntax reject',
	'authoritative_domain_sender reject', 'recipient_syntax reject',
	'relay reject') {
	cmp_ok $seen{$want} // 0, '>=', 5, "$want was among them";
}
diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen) if $ENV{AGREE_SEEN};
done_testing;
