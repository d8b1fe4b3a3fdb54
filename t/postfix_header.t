#!/usr/bin/perl
# postfix_header.t - what happens to headers on a real Postfix, read where the
# mail arrives: the firewall, the stamp, names for unverified senders.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Case;
use Milter;
use Play;
use Scratch;

my $play = Play->new(listeners => { mx => {} });
my $mx = $play->port('mx');

my $main = <<'END';
[organization]
accepted_domains = example.com

[directory]
recipients = recipients.txt
END
$play->scratch->write('milter/recipients.txt', <<"END");
alice\@example.com  login=alice\@example.com
clara\@example.com  name="Clara Example"
juergen\@example.com name="J\xc3\xbcrgen M\xc3\xbcller"
END
my $key = '2026a ' . 'ab' x 32 . "\n";
$play->scratch->write('milter/stamp.key', $key, 0640);
# The milter becomes nobody; its group may read.
chown 0, scalar getgrnam('nogroup'), $play->scratch->path('milter/stamp.key');
my %connectors = (
	internet => <<"END",
bindings          = 0.0.0.0:$mx
remote_ip_ranges  = 127.0.0.16/28
permission_groups = anonymous_users
protected_headers = X-Our-Filter-
END
	hopless => <<"END",
bindings               = 0.0.0.0:$mx
remote_ip_ranges       = 127.0.0.32/28
permission_groups      = anonymous_users
accept_headers_routing = -anonymous
stamp                  = no
END
	annotate => <<"END",
bindings                  = 0.0.0.0:$mx
remote_ip_ranges          = 127.0.0.48/28
permission_groups         = anonymous_users
resolve_anonymous_senders = annotate
END
	resolve => <<"END",
bindings                  = 0.0.0.0:$mx
remote_ip_ranges          = 127.0.0.64/28
permission_groups         = anonymous_users
resolve_anonymous_senders = yes
END
	users => <<"END",
bindings                  = 0.0.0.0:$mx
remote_ip_ranges          = 127.0.0.80/28
permission_groups         = anonymous_users, exchange_users
auth_mechanism            = tls, basic_auth, basic_auth_require_tls
resolve_anonymous_senders = yes
END
	secured => <<"END",
usage            = externally_secured
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.0.96/28
END
);
my $milter = Milter->new($play->scratch, main => $main,
	milter => "stamp_key_file = stamp.key\n", connectors => \%connectors);
$milter->start;
$play->raise($milter, logins => { alice => 'secret' });

# The header of the message as it arrived, field by field, without what Postfix
# itself puts in front; and the body.
sub arrive
{
	my ($client, $text, %case) = @_;
	$play->forget;
	my @replies = Case::transact($play, { client => $client, text => $text,
		to => 'alice@example.com', %case });
	like $replies[-1], qr/^250 2\.0\.0 Ok/, 'the message is taken';
	my ($message) = $play->arrived;
	my ($header, $body) = split /\n\n/, $message->{data} // '', 2;
	my @fields = split /\n(?![ \t])/, $header;
	return { fields => \@fields, body => $body,
		data => $message->{data} };
}

# The fields that are neither ours nor Postfix's own Received.
sub theirs
{
	my ($message) = @_;
	my $own = qr/^Received: from .*\sby mx\.example\.com \(Postfix\)/s;
	return [grep { !/^X-Connector-/ && !/$own/ } @{ $message->{fields} }];
}

sub ours
{
	my ($message) = @_;
	return [grep { /^X-Connector-/i } @{ $message->{fields} }];
}

# ---- the stamp --------------------------------------------------------------

my @plain = ('From: Ada <ada@sender.example>', 'To: alice@example.com',
	'Subject: hello', 'Date: Mon, 15 Jun 2026 10:00:00 +0000',
	'Message-ID: <1@sender.example>',
	"X-Folded: a\n\tb   c \n  d", 'X-Eight: ' . "\xc3\xbc\xff", 'X-Empty:',
	'X-NoBlank:x', 'X-Percent: 100% %s %n', 'X-Wide:   three blanks');
my $text = join("\n", @plain, '', 'text', '');

subtest 'an anonymous message' => sub {
	my $message = arrive('127.0.0.17', $text);
	is_deeply theirs($message), \@plain, 'keeps its fields, octet by octet';
	is $message->{body}, "text\n", '... and its body';
	my @ours = @{ ours($message) };
	is_deeply [@ours[0 .. 2]], ['X-Connector-Name: internet',
		'X-Connector-AuthAs: Anonymous',
		'X-Connector-AuthSource: mx.example.com'], 'is stamped';
	like $ours[3], qr/^X-Connector-Stamp:\ v=1;\ k=2026a;\ t=\d+;
	    \ q=\w+;\ h=[0-9a-f]{64}$/x, '... and the stamp signed';
	is scalar(@ours), 4, '... once';
	my $file = $play->scratch->write('message', $message->{data});
	my $verify = sub { Scratch::slurp_command(
		Milter::program('connectorctl'), 'verify-stamp', '--config',
		$milter->config, $_[0]) };
	like $verify->($file), qr/^valid: connector internet, auth_as Anon/,
	    'verify-stamp agrees';
	(my $forged = $message->{data}) =~ s/AuthAs: Anonymous/AuthAs: Internal/;
	like $verify->($play->scratch->write('forged', $forged)),
	    qr/^not valid: /, '... and not with a forged one';
	($forged = $message->{data}) =~ s/^From: .*/From: ceo\@example.com/m;
	like $verify->($play->scratch->write('forged', $forged)),
	    qr/^not valid: /, '... nor with another From';
};

for my $case (['127.0.0.81', 'Internal', 'users', tls => 1,
	login => 'alice', from => 'alice@example.com'],
	['127.0.0.97', 'Internal', 'secured']) {
	my ($client, $as, $connector, %case) = @$case;
	my @from = 'From: clara@example.com';
	my $ours = ours(arrive($client, "$from[0]\n$text", %case));
	is_deeply [@$ours[0, 1]], ["X-Connector-Name: $connector",
		"X-Connector-AuthAs: $as"], "connector $connector";
}

# ---- the firewall -----------------------------------------------------------

# Every spelling of the names that are protected.
my @names = ('X-Connector-AuthAs', 'x-connector-authas', 'X-CONNECTOR-Name',
	'X-Connector-Stamp', 'X-Connector-Anything', 'x-CONNECTOR-AUTHSOURCE',
	'X-MS-Exchange-Organization-AuthAs', 'X-MS-EXCHANGE-ORGANIZATION-SCL',
	'x-ms-exchange-organization-authas', 'X-MS-Exchange-Forest-x',
	'X-MS-Exchange-CrossPremises-AuthAs', 'X-Our-Filter-Verdict',
	'x-our-filter-');
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
		push @fields, $plain[$i % @plain] if $i % 3 == 0;
	}
	return @fields;
}

for my $n (1, 2, 3, 13, 50, 100) {
	subtest "$n forged fields" => sub {
		my @fields = forged($n);
		my $pattern = join '|', map { quotemeta } qw(X-Connector-
		    X-MS-Exchange-Organization- X-MS-Exchange-Forest-
		    X-MS-Exchange-CrossPremises- X-Our-Filter-);
		my @honest = grep { !/^(?:$pattern)/i } @fields;
		my $message = arrive('127.0.0.17',
			join("\n", @fields, @plain, '', 'text', ''));
		is_deeply [grep { !/^To: / } @{ theirs($message) }],
		    [grep { !/^To: / } @honest, @plain],
		    'none survives, nothing else is touched';
		is scalar(@{ ours($message) }), 4, 'but our own';
	};
}

for my $name (@names) {
	subtest "a hundred times $name" => sub {
		my $message = arrive('127.0.0.17', join("\n",
			("$name: forged") x 100, @plain, '', 'text', ''));
		is_deeply theirs($message), \@plain, 'none survives';
		unlike $message->{data}, qr/forged/, 'not one';
	};
}

subtest 'too many to delete' => sub {
	my @replies = Case::transact($play, { client => '127.0.0.17',
		to => 'alice@example.com', text => join("\n",
		('X-Connector-AuthAs: x') x 1200, '', 'text', '') });
	is $replies[-1], '552 5.3.4 Header size exceeds fixed maximum size '
	    . '[connector internet, rule max_header_size]', 'is refused';
};

subtest 'a message inside a message' => sub {
	my $inner = "Content-Type: message/rfc822\n\n"
	    . "X-Connector-AuthAs: Internal\nSubject: inner\n\ntext\n";
	my $message = arrive('127.0.0.17', "Subject: outer\n$inner");
	like $message->{body}, qr/^X-Connector-AuthAs: Internal$/m,
	    'is left alone';
};

my @hops = ('Received: from a.example by b.example; Mon, 15 Jun 2026 10:00:00 '
	. '+0000', "received: from c.example\n\tby d.example",
	'Resent-From: x@y.example', 'RESENT-Sender: x@y.example');
subtest 'fields of the way a message took' => sub {
	my $message = arrive('127.0.0.17', join "\n", @hops, $text);
	is_deeply theirs($message), [@hops, @plain], 'are kept by right';
	$message = arrive('127.0.0.33', join "\n", @hops, $text);
	is_deeply theirs($message), \@plain, 'and go without it';
	is scalar(grep { /^Received:.*Postfix/s } @{ $message->{fields} }), 1,
	    'but for that of this server';
	is_deeply ours($message), [], 'stamp = no adds nothing';
	is scalar(@{ ours(arrive('127.0.0.33', "X-Connector-Name: x\n$text"))
	    }), 0, '... but lets no forged stamp pass';
};

# ---- names for unverified senders -------------------------------------------

sub from_of
{
	return [grep { /^From:/i } @{ $_[0]{fields} }];
}

my @sender = (to => 'alice@example.com');
for my $case (
	['a name we have', 'From: "My Boss" <Clara@Example.com>',
	    'From: "Clara Example" <clara@example.com>',
	    '"Clara Example" <clara@example.com> (unverified)'],
	['a bare address', 'From: clara@example.com',
	    'From: "Clara Example" <clara@example.com>',
	    '"Clara Example" <clara@example.com> (unverified)'],
	['a name beyond ASCII', 'From: x <juergen@example.com>',
	    qr/^From:\ =\?UTF-8\?[QB]\?\S+\?=\ <juergen\@example\.com>$/x,
	    qr/^=\?UTF-8\?[QB]\?\S+\?=\ <juergen\@example\.com>
		\ \(unverified\)$/x],
	['an address without a name', 'From: Alice <alice@example.com>',
	    'From: Alice <alice@example.com>', undef],
	['a stranger', 'From: Clara <clara@other.example>',
	    'From: Clara <clara@other.example>', undef],
) {
	my ($what, $from, $resolved, $note) = @$case;
	subtest $what => sub {
		my $rest = "Subject: x\n\ntext\n";
		my $message = arrive('127.0.0.65', "$from\n$rest", @sender);
		my ($new) = @{ from_of($message) };
		ref $resolved ? like $new, $resolved, 'replaced'
		    : is $new, $resolved, 'replaced, or left alone';
		my %ours = map { /^([^:]+): (.*)/s } @{ ours($message) };
		is $ours{'X-Connector-AuthAs'}, 'Anonymous', 'still a stranger';
		$message = arrive('127.0.0.49', "$from\n$rest", @sender);
		is_deeply from_of($message), [$from], 'annotate: left alone';
		%ours = map { /^([^:]+): (.*)/s } @{ ours($message) };
		my $got = $ours{'X-Connector-Sender'};
		ref $note ? like $got, $note, 'annotated'
		    : is $got, $note, 'annotated, or not';
		$message = arrive('127.0.0.17', "$from\n$rest", @sender);
		is_deeply from_of($message), [$from], 'no: left alone';
	};
}

subtest 'a user keeps its name' => sub {
	my $from = 'From: "My Own Name" <alice@example.com>';
	my $message = arrive('127.0.0.81', "$from\nSubject: x\n\ntext\n",
		tls => 1, login => 'alice', from => 'alice@example.com');
	is_deeply from_of($message), [$from], 'whatever the directory says';
};

done_testing;
