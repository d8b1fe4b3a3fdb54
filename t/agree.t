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

my $configs = $ENV{AGREE_CONFIGS} // 40;
my $sessions = $ENV{AGREE_SESSIONS} // 40;
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

# How often each answer came.
my %seen;

# ---- what is drawn from -----------------------------------------------------

my @listeners = (['192.0.2.25', 25], ['192.0.2.26', 25], ['192.0.2.25', 587],
	['2001:db8::25', 25], ['2001:db8::25', 587]);
my @bindings = ('0.0.0.0:25', '[::]:25', '0.0.0.0:587', '[::]:587',
	'192.0.2.25:25', '192.0.2.26:25', '192.0.2.25:587',
	'[2001:db8::25]:25', '[2001:db8::25]:587');
my $everywhere = '0.0.0.0:25, [::]:25, 0.0.0.0:587, [::]:587';
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
my @rights = qw(submit accept_any_recipient accept_any_sender
	accept_authoritative_domain_sender bypass_anti_spam
	bypass_message_size_limit);
my @principals = qw(anonymous users servers legacy_servers partners
	externally_secured user:joe user:eve@example.net group:hubs
	host:partner.test host:.partner.test host:.example.com);
my @groups = qw(anonymous_users exchange_users exchange_servers
	exchange_legacy_servers partners);
my @auth = qw(tls basic_auth integrated basic_auth_require_tls
	exchange_server);
my @relay = ('partner.test', '*.partner.test', 'fax@partner.test',
	'foreign.test', 'joe@foreign.test');
my @allowed = (@relay, 'example.com', 'joe@example.com', '*.example.net');
my @exempt = ('partner.test', '*.partner.test', 'foreign.test',
	'host:.partner.test', 'host:relay.example.com');
my @servers = ('login:joe', 'login:hub@example.com', 'cert:hub.example.com',
	'cert:mx.partner.test');
my @usages = qw(custom internet internet internet client internal partner
	anonymous_relay closed externally_secured);
my @helos = ('mx.partner.test', 'x', 'a_b', 'trailing.dot.', '[192.0.2.1]',
	'[IPv6:2001:db8::1]', '[192.0.2.300]', '-x.test', 'a..b', 'a b', '',
	' ', "ex\xc3\xa4mple", 'x' x 300);
my @sizes = (0, 1000, 65536, 65537, 100_000, 100_001, 37_748_736, 37_748_737,
	'9223372036854775807');
my @certificates = ('mx.partner.test', 'partner.test', 'MX.Partner.Test',
	'xpartner.test', 'hub.example.com', 'test', '*.partner.test',
	'Some Body', 'mx.partner.test.', 'a/CN=mx.partner.test', '');
my @switches = qw(require_ehlo_domain reject_single_label_recipient_domains
	reject_reserved_top_level_recipient_domains
	reject_reserved_second_level_recipient_domains address_literals);
push @domains, qw(intranet server2 x.invalid test.example.org sub.localhost Example.NET);
push @locals, 'joe+tag', 'boss', 'boss+x', 'all', 'nobody', 'alias';

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

sub maybe_line
{
	my ($chance, $name, @values) = @_;
	return maybe($chance) ? "$name = " . one_of(@values) . "\n" : '';
}

sub authentication
{
	return "usage = externally_secured\n" if maybe(0.1);
	return "usage = internal\nserver_identities = "
	    . some_of(4, @servers) . "\n" if maybe(0.15);
	my $text = maybe_line(0.4, 'usage', @usages);
	$text .= 'permission_groups = anonymous_users, '
	    . some_of(3, @groups) . "\n" if maybe(0.7);
	$text .= 'auth_mechanism = ' . some_of(4, @auth) . "\n" if maybe(0.6);
	$text .= maybe_line(0.2, 'require_tls', 'yes');
	$text .= maybe_line(0.3, 'tls_min_version',
		qw(TLSv1.1 TLSv1.2 TLSv1.3));
	$text .= maybe_line(0.4, 'domain_secure_enabled', 'yes');
	$text .= 'server_identities = ' . some_of(3, @servers) . "\n"
	    if maybe(0.5);
	return $text;
}

sub addresses
{
	my ($directory) = @_;
	my $text = maybe_line(0.3, 'default_domain', qw(example.com
		legacy.example));
	$text .= maybe_line(0.25, $_, 'yes') for @switches;
	$text .= maybe_line(0.5, 'helo_syntax', qw(strict tolerant off));
	$text .= 'relay_to = ' . some_of(2, @relay) . "\n" if maybe(0.2);
	$text .= 'relay_from = ' . some_of(2, @relay) . "\n" if maybe(0.2);
	$text .= 'allowed_senders = ' . some_of(3, @allowed) . "\n"
	    if maybe(0.15);
	$text .= maybe_line(0.8, 'check_header_from',
		qw(no monitor yes yes yes yes));
	$text .= 'header_from_exempt = ' . some_of(2, @exempt) . "\n"
	    if maybe(0.2);
	$text .= maybe_line(0.3, 'internal_only_reply', qw(unknown
		authrequired));
	$text .= maybe_line(0.2, 'max_recipients_per_message', 1, 3);
	$text .= maybe_line(0.2, 'resolve_anonymous_senders', qw(annotate yes));
	$text .= maybe_line(0.4, 'max_message_size', qw(64K 100000));
	$text .= maybe_line(0.5, 'recipient_filter', 'yes') if $directory;
	return $text;
}

sub connector
{
	my ($ranges, $directory) = @_;
	my $text = 'bindings = '
	    . (maybe(0.4) ? $everywhere : some_of(9, @bindings))
	    . "\nremote_ip_ranges = " . $ranges
	    . "\naccept_open_relay = yes\n" . authentication()
	    . addresses($directory);
	$text .= right($_) for grep { maybe(0.3) } @rights;
	$text .= "mode = monitor\n" if maybe(0.15);
	$text .= maybe_line(0.1, 'enabled', 'no');
	$text .= maybe_line(0.2, 'expires', '2001-12-31', '2999-12-31');
	return $text;
}

my @known = ('joe@example.com', 'boss@example.com', 'BOSS@Example.COM',
	'hub@example.com', 'boss+x@example.com', 'joe+a+b@example.com',
	'all@a.example.net', 'postmaster@a.example.net', 'eve@example.net',
	'"boss"@example.com', 'joe@legacy.example', 'fax@partner.test',
	'nobody@example.com', 'x@mx.partner.test', 'x@partner.test',
	'x@foreign.test');

# Who is known: for senders, recipients and the header alike.
my $recipients = <<'END';
# known to all configurations that have a directory
joe@example.com login=joe name="Joe Doe" aliases=alias@example.com,joe@legacy.example
hub@example.com login=hub@example.com,joe
boss@example.com internal_only name="The Boss"
all@a.example.net internal_only
postmaster@a.example.net internal_only
eve@example.net login=eve
fax@partner.test login=hub@example.com
END

sub global
{
	my ($directory) = @_;
	my $text = "[organization]\naccepted_domains = example.com, "
	    . "*.example.net, xn--exmple-cua.example\n"
	    . "internal_relay_domains = legacy.example\n"
	    . "tls_receive_domain_secure_list = partner.test, example.com\n"
	    . "own_hosts = 192.0.2.25, 2001:db8::25\n";
	$text .= "own_domains = accepted\n" if maybe(0.3);
	$text .= "[group hubs]\nmembers = hub\@example.com, joe\n";
	return $text unless $directory;
	$text .= "[directory]\nrecipients = recipients.txt\n";
	$text .= "recipient_delimiter = +\n" if maybe(0.5);
	$text .= "recipient_domains = example.com, legacy.example\n"
	    if maybe(0.3);
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
	$address = one_of(@known) if maybe(0.3);
	$address = one_of(@locals) if maybe(0.05);
	$address = one_of('@a.test:', '@a.test,@b.test:', '@example.com:')
	    . $address if maybe(0.05);
	$address = "<$address>" if maybe(0.8);
	$address = one_of('', '<>') if maybe(0.05);
	return $address;
}

# The body of a From field, as the MTA hands it on.
sub author
{
	my $bare = maybe(0.5) ? one_of(@known) : address();
	$bare =~ s/^<|>$//g;
	return one_of($bare, "Joe Doe <$bare>", "\"Doe, Joe\" <$bare>",
		"x\@foreign.test, $bare", "Group: $bare;", "($bare)", 'none',
		"=?utf-8?q?J=C3=B6?= <$bare>", " <$bare>", "joe\@example.com");
}

# A stranger whose header claims to be one of ours.
sub forger
{
	my ($question) = @_;
	delete @$question{qw(login mechanism certificate)};
	@$question{qw(from helo author)} = ('x@foreign.test', 'x',
		one_of(@known[0 .. 3]));
	unshift @{ $question->{to} }, 'joe@example.com';
	return $question;
}

sub question
{
	my $client = one_of(@clients);
	my $v6 = $client =~ /:/ && $client !~ /ffff/;
	my $question = {
		client => $client,
		listener => one_of(grep { ($_->[0] =~ /:/) == $v6 }
		    @listeners),
		from => maybe(0.4) ? 'x@foreign.test' : address(),
		to => [map { address() } 0 .. 4 + rand 12],
	};
	$question->{name} = one_of(@names) if maybe(0.4);
	$question->{helo} = maybe(0.8) ? 'x' : one_of(@helos) if maybe(0.95);
	$question->{tls} = one_of(qw(TLSv1 TLSv1.1 TLSv1.2 TLSv1.3))
	    if maybe(0.6);
	$question->{certificate} = one_of(@certificates)
	    if defined $question->{tls} && maybe(0.6);
	$question->{author} = author() if maybe(0.7);
	$question->{login} = one_of(@logins) if maybe(0.3);
	$question->{mechanism} = one_of(@mechanisms) if $question->{login};
	$question->{size} = one_of(@sizes) if maybe(0.3);
	return maybe(0.2) ? forger($question) : $question;
}

sub arguments
{
	my ($question) = @_;
	my ($address, $port) = @{ $question->{listener} };
	my @arguments = ('--client', $question->{client}, '--listener',
		($address =~ /:/ ? "[$address]" : $address) . ":$port",
		'--from', $question->{from});
	my %flag = (name => '--client-name', helo => '--helo', tls => '--tls',
		certificate => '--cert-subject', login => '--auth',
		mechanism => '--auth-mechanism', author => '--header-from',
		size => '--size');
	for my $key (sort keys %flag) {
		my $value = $question->{$key};
		# No flag says that a certificate has no name.
		next if !defined $value ||
		    ($key eq 'certificate' && $value eq '');
		push @arguments, $flag{$key}, $value;
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

# The connectors that keep a configuration from loading.
sub broken
{
	my ($milter) = @_;
	my $said = Scratch::slurp_command('sh', '-c',
		'exec "$@" 2>&1 >/dev/null', 'sh', $program, 'explain',
		'--config', $milter->config, '--client', '192.0.2.1');
	my @errors = grep { /: error: / } split /\n/, $said;
	my %name;
	@name{ /connector (c\d)/g } = () for @errors;
	die "does not load:\n$said" if @errors && !%name;
	return sort keys %name;
}

# One line for each command that is answered, and one for the message. What a
# connector only monitors goes on, and its lines stand in the log.
sub foretold
{
	my ($milter, $question) = @_;
	my $text = ask($milter, '--json', arguments($question));
	my $answer = eval { decode_json($text) } or return "no answer: $text";
	my $end = $answer->{stage} // 'eom';
	my @said = $end !~ /rcpt|eom/ ? told($answer)
	    : map { told($_) } @{ $answer->{recipients} };
	push @said, told($answer) if $end eq 'eom';
	$seen{"identity $answer->{identity}"}++ if defined $answer->{identity};
	$question->{ends} = $end eq 'eom' && $answer->{verdict} ne 'accept';
	return join "\n", @said unless $answer->{monitor};
	return join "\n", 'monitor', grep { !/^accept/ } @said;
}

sub told
{
	my ($answer) = @_;
	return join ' ', $answer->{verdict}, $answer->{rule} // '-',
	    $answer->{reply} // '-';
}

# The operator log names internal_only as explain does; the rule comes from
# there, as the reply does not always name it. Each refusal is one line.
sub heard
{
	my ($milter, @answers) = @_;
	my @rules = map { / verdict=(?:reject|tempfail) rule=(\S+)/ ? $1 : () }
	    $milter->lines;
	my @said = map {
		$_->{verdict} eq 'continue' ? 'accept - -' : join ' ',
		    $_->{verdict}, defined $_->{reply}
		    ? (shift @rules // 'not logged', $_->{reply}) : '- -'
	} @answers;
	return join "\n", @said, map { "logged: $_" } @rules;
}

# A certificate that was verified, as either MTA tells of it.
sub certificate
{
	my ($dialect, $name) = @_;
	return (subject => $name) if $dialect eq 'postfix';
	(my $raw = $name) =~ s{([^\w.*-])}{sprintf '+%02X', ord $1}ge;
	return (verify => 'OK', subject => "/C=XX/O=Some+20One/CN=$raw",
		maybe(0.5) ? (cn_subject => $name) : ());
}

# One that was not verified: Postfix does not tell its name.
sub no_certificate
{
	my ($dialect) = @_;
	return () if $dialect eq 'postfix' || maybe(0.5);
	return (verify => one_of(qw(FAIL NO NONE TEMP NOT)),
		subject => '/CN=mx.partner.test',
		cn_subject => 'mx.partner.test');
}

# The commands up to MAIL; the answer to the last one.
sub enter
{
	my ($wire, $question) = @_;
	my ($address, $port) = @{ $question->{listener} };
	my $dialect = $question->{dialect};
	$wire->negotiate;
	my $answer = $wire->connect(client => $question->{client},
		name => $question->{name}, listener => $address,
		listener_port => $port);
	$answer = $wire->helo($question->{helo})
	    if $answer->{verdict} eq 'continue' && defined $question->{helo};
	$wire->tls(version => $question->{tls},
		defined $question->{certificate}
		? certificate($dialect, $question->{certificate})
		: no_certificate($dialect)) if defined $question->{tls};
	$wire->login($question->{login}, $question->{mechanism})
	    if defined $question->{login};
	return $answer if $answer->{verdict} ne 'continue';
	return $wire->mail($question->{from},
		defined $question->{size} ? "SIZE=$question->{size}" : ());
}

sub answered
{
	my ($milter, $question) = @_;
	my $wire = Wire->new($milter->socket,
		dialect => $question->{dialect}) or return 'closed';
	$milter->clear_log;
	my @answers = enter($wire, $question);
	if ($answers[0]{verdict} eq 'continue') {
		@answers = map { $wire->rcpt($_) } @{ $question->{to} };
		push @answers, $wire->message(
			[defined $question->{author}
			? ['From', $question->{author}] : (),
			['Subject', 'test']])
		    if grep { $_->{verdict} eq 'continue' } @answers;
	}
	$wire->quit;
	return heard($milter, @answers);
}

# Where a connector monitors: all was accepted, and the log has the rest. The
# end of a message is judged where explain saw no recipient that is left, and
# logged where check_header_from is monitor.
sub watched
{
	my ($milter, $answered, $ends) = @_;
	return "not let go on:\n$answered" if $answered =~ /^(?!accept)/m;
	my @would = map {
		/ verdict=would-(\w+) rule=(\S+) reply="([^"]*)"/
		    ? "$1 $2 $3" : ()
	} grep { $ends || !/ stage=eom / } $milter->lines;
	return join "\n", 'monitor', @would;
}

my $scratch = Scratch->new;
my $milter;
my $cases = 0;
my @differ;

for my $number (1 .. $configs) {
	my $directory = maybe(0.7);
	my %hand;
	@hand{ map { "c$_" } 1 .. 6 } = deal(6);
	my %change = (main => global($directory), milter => milter_section(),
		connectors => { map { $_ => connector($hand{$_}, $directory) }
			sort keys %hand });
	if (!defined $milter) {
		# explain is never told what a session did before.
		$milter = Milter->new($scratch, %change,
			defaults => "max_protocol_errors = unlimited\n");
		$scratch->write('milter/recipients.txt', $recipients);
	}
	$milter->change(%change);
	# What does not load is drawn anew.
	while (my @broken = broken($milter)) {
		$change{connectors}{$_} = connector($hand{$_}, $directory)
		    for @broken;
		$milter->change(%change);
	}
	if (defined $milter->pid) {
		$milter->reload('USR1');
	} else {
		$milter->start;
	}
	for (1 .. $sessions) {
		my $question = question();
		$question->{dialect} = one_of(qw(postfix sendmail));
		my $foretold = foretold($milter, $question);
		my $answered = answered($milter, $question);
		$cases += () = $answered =~ /^/mg;
		$answered = watched($milter, $answered,
			$question->{ends})
		    if $foretold =~ /^monitor/;
		$seen{"$2 $1"}++ while $answered =~ /^(\w+) (\S+)/mg;
		$seen{monitor}++ if $foretold =~ /^monitor/;
		$seen{"eom $1"}++ if $answered =~ /^accept.*^(?!accept)(\w+)[^\n]*\z/ms
		    && $answered !~ /^monitor/;
		next if $foretold eq $answered;
		push @differ, join "\n", "config $number",
		    "$question->{dialect}: "
		    . join(' ', map { "'$_'" } arguments($question)),
		    "foretold: $foretold", "answered: $answered";
	}
}

is scalar @differ, 0, "$cases answers are as foretold"
    or diag(join "\n\n", @differ[0 .. ($#differ > 4 ? 4 : $#differ)]);
cmp_ok $cases, '>=', 3 * $configs * $sessions, 'many cases';
for my $want ('- accept', 'no_connector tempfail', 'require_tls reject',
	'auth_mechanism reject', 'submit reject', 'sender_syntax reject',
	'authoritative_domain_sender reject', 'any_sender reject',
	'recipient_syntax reject', 'relay reject',
	'require_ehlo_domain reject', 'helo_syntax reject',
	'reserved_domain reject', 'single_label_domain reject',
	'recipient_lookup reject', 'internal_only reject',
	'max_recipients_per_message tempfail', 'max_message_size reject',
	'monitor', 'eom reject',
	map { "identity $_" } qw(anonymous partner user server
	externally_secured)) {
	cmp_ok $seen{$want} // 0, '>=', 5, "$want was among them";
}
diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen) if $ENV{AGREE_SEEN};
done_testing;
