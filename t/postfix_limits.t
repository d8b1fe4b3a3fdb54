#!/usr/bin/perl
# postfix_limits.t - how many sessions, messages, errors, bytes and hops, and
# how long, on a real Postfix: exact replies, and what arrives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use Case;
use Milter;
use Play qw(tagged);
use Scratch;
use Smtp;

# The same milter twice: over a unix socket, and over TCP, where other steps of
# a message are sent and answered.
my $inet = Scratch::free_port('127.0.0.1');
my $play = Play->new(listeners => {
	mx => {},
	tcp => { options => { smtpd_milters => "inet:127.0.0.1:$inet" } },
});
my @listeners = qw(mx tcp);
my $bindings = 'bindings = '
    . join(', ', map { '0.0.0.0:' . $play->port($_) } @listeners) . "\n";
# Of what a connector is not about, it takes any number.
my $quick = $bindings . <<'END';
permission_groups = anonymous_users
tarpit_interval   = 0s
END
my $share = "max_inbound_connection_percentage_per_source = 100\n";
my $crowd = $quick . $share . "max_inbound_connection_per_source = unlimited\n";
my $clumsy = $crowd . "max_protocol_errors = unlimited\n";

my $main = <<'END';
[organization]
accepted_domains = example.com
own_hosts        = 192.0.2.25
END
my %connectors = (
	total => $crowd . <<'END',
remote_ip_ranges       = 203.0.113.0/27
max_inbound_connection = 4
END
	source => $quick . $share . <<'END',
remote_ip_ranges                  = 203.0.113.32/27, 2001:db8::/32
max_inbound_connection_per_source = 2
END
	share => $quick . <<'END',
remote_ip_ranges                             = 203.0.113.64/27
max_inbound_connection                       = 10
max_inbound_connection_per_source            = unlimited
max_inbound_connection_percentage_per_source = 30
END
	host => $clumsy . <<'END',
remote_ip_ranges                   = 203.0.113.96/27
accept_authoritative_domain_sender = -anonymous
message_rate_limit                 = 3
END
	login => ($clumsy . <<'END') =~ s/anonymous_users/$&, exchange_users/r,
remote_ip_ranges    = 203.0.113.128/27
auth_mechanism      = tls, basic_auth
accept_any_sender   = users
message_rate_limit  = 3
message_rate_source = user
END
	both => $clumsy . <<'END',
remote_ip_ranges    = 203.0.113.160/27
message_rate_limit  = 3
message_rate_source = all
END
	flood => $clumsy . <<'END',
remote_ip_ranges   = 127.0.0.16/28
message_rate_limit = 240
END
	errors => $crowd . <<'END',
remote_ip_ranges                   = 203.0.113.192/28
accept_authoritative_domain_sender = -anonymous
max_protocol_errors                = 3
helo_syntax                        = strict
END
	short => $crowd . <<'END',
remote_ip_ranges              = 203.0.113.208/28
connection_timeout            = 15s
connection_inactivity_timeout = 6s
END
	size => $crowd . <<'END',
remote_ip_ranges    = 203.0.113.224/28
max_message_size    = 64K
max_header_size     = 2K
max_hop_count       = 6
max_local_hop_count = 2
fqdn                = gate.example.net
END
	trusted => $bindings . <<'END',
usage            = externally_secured
remote_ip_ranges = 198.51.100.0/28
max_message_size = 64K
END
	watched => $quick . <<'END',
mode                          = monitor
remote_ip_ranges              = 198.51.100.16/28
max_inbound_connection        = 1
max_protocol_errors           = 1
connection_timeout            = 60s
connection_inactivity_timeout = 4s
message_rate_limit            = 1
max_message_size              = 64K
max_header_size               = 2K
max_hop_count                 = 3
max_local_hop_count           = 1
END
);

my %milters = map {
	my ($name, $socket) = @$_;
	my $control = $play->scratch->path("$name.control/control.sock");
	mkdir $control =~ s{/[^/]*$}{}r;
	$name => Milter->new($play->scratch, name => $name, main => $main,
		connectors => \%connectors,
		milter => "control_socket = $control\n", @$socket);
} ['mx', []], ['tcp', [socket => "inet:$inet\@127.0.0.1"]];
$_->start for values %milters;
$play->raise($milters{mx},
	logins => { alice => 'secret', bob => 'secret' },
	main => { message_size_limit => '0', hopcount_limit => '1000',
		header_size_limit => '10000000' });

my $ok_mail = '250 2.1.0 Ok';
my $ok_rcpt = '250 2.1.5 Ok';
my $queued = qr/^250 2\.0\.0 Ok: queued as \w+$/;
my $most = '421 4.3.2 The maximum number of concurrent server connections has '
    . 'exceeded a limit, closing transmission channel';
my $most_of_one = $most =~ s/ a limit/ a per-source limit/r;
my $too_fast = '421 4.4.2 Message submission rate for this client has exceeded '
    . 'the configured limit';
my $too_wrong = '421 4.7.0 Too many errors on this connection, closing '
    . 'transmission channel';
my $too_late = '421 4.4.1 Connection timed out';
my $too_large = '552 5.3.4 Message size exceeds fixed maximum message size';
my $too_long = '552 5.3.4 Header size exceeds fixed maximum size';
my $too_far = '554 5.4.6 Hop count exceeded - possible mail loop';

sub full
{
	return tagged($most, $_[0], 'max_inbound_connection');
}

sub full_of_one
{
	return tagged($most_of_one, $_[0], 'max_inbound_connection_per_source');
}

# A client that has said EHLO, or the words it was refused with instead.
sub enter
{
	my ($at, $client) = @_;
	my $smtp = $play->stranger($at, $client);
	my $reply = $smtp->ehlo;
	return $reply =~ /^250/ ? $smtp : $reply;
}

# In, or the words of a refusal that closes.
sub word
{
	my ($smtp) = @_;
	return ref $smtp ? 'in' : $smtp;
}

# The MTA hangs up behind its last words.
sub is_over
{
	my ($smtp, $what) = @_;
	return is $smtp->cmd('NOOP'), 'closed', $what;
}

# Who comes in as soon as others are gone; Postfix tells the milter of that
# after it has told the client.
sub enters_soon
{
	my ($at, $client, $what) = @_;
	my $smtp;
	Scratch::wait_for(60, sub { ref($smtp = enter($at, $client)) });
	is word($smtp), 'in', $what;
	return $smtp;
}

sub status
{
	my ($at) = @_;
	return $milters{$at}->status;
}

sub sessions
{
	my ($at, $name) = @_;
	my ($row) = grep { $_->{name} eq $name } @{ status($at)->{connectors} };
	return $row->{sessions};
}

sub are_gone
{
	my ($at, $name) = @_;
	return ok Scratch::wait_for(60, sub { sessions($at, $name) == 0 }),
	    'all have left, and hold nothing';
}

# ---- sessions ---------------------------------------------------------------

for my $at (@listeners) {
	my $milter = $milters{$at};

	subtest "$at: no more than max_inbound_connection" => sub {
		$milter->clear_log;
		my @silent = map { $play->stranger($at, "203.0.113.$_") }
		    1 .. 2;
		my @in = map { enter($at, "203.0.113.$_") } 3 .. 4;
		is word($_), 'in', 'one of four' for @in;
		is sessions($at, 'total'), 4, 'who has said nothing counts';
		my $patient = $play->stranger($at, '203.0.113.5');
		my $late = $play->stranger($at, '203.0.113.6');
		is $late->ehlo, full('total'), 'the fifth is turned away';
		is_over($late, '... and the connection is closed');
		is word(enter($at, '203.0.113.7')), full('total'),
		    'and another';
		is sessions($at, 'total'), 4, 'they hold no slot';
		is $_->ehlo =~ /^(250)/ && $1, '250', 'who was there stays'
		    for @silent;
		(shift @in)->quit;
		Scratch::wait_for(60, sub { sessions($at, 'total') == 3 });
		like $patient->ehlo, qr/^250-/,
		    'one leaves: who has waited before EHLO gets in';
		is word(enter($at, '203.0.113.8')), full('total'),
		    'and nobody else';
		$patient->close;
		my $next = enters_soon($at, '203.0.113.8',
			'one hangs up: the next');
		$milter->wait_log(qr/\.8\]:/);
		my @lines = grep { /rule=max_inbound_connection / }
		    $milter->lines;
		cmp_ok scalar @lines, '>=', 3, 'each is logged';
		is scalar(grep { !/^NOQUEUE:\ connector=total
		    \ client=\S+\[203\.0\.113\.\d\]:\d+ \ listener=\S+
		    \ stage=connect\ verdict=tempfail
		    \ rule=max_inbound_connection
		    \ reply="\Q@{[full('total')]}\E"
		    \ from=<>\ to=<>\ helo=<client\.example>/x } @lines), 0,
		    'in these words';
		$_->quit for $next, @in, @silent;
		are_gone($at, 'total');
	};

	subtest "$at: no more of one source" => sub {
		my @in = map { enter($at, '203.0.113.33') } 1 .. 2;
		is word($_), 'in', 'one of two' for @in;
		is word(enter($at, '203.0.113.33')), full_of_one('source'),
		    'not a third';
		is word(enter($at, '203.0.113.34')), 'in', 'another source';
		(shift @in)->quit;
		push @in, enters_soon($at, '203.0.113.33', 'one for one');
		is word(enter($at, '203.0.113.33')), full_of_one('source'),
		    'but no more';
		is $in[0]->mail('ada@sender.example'), $ok_mail,
		    'those inside send';
		$_->quit for @in;
		are_gone($at, 'source');
	};
}

subtest 'an IPv6 source is a /64, and a site has four of them' => sub {
	plan skip_all => 'no IPv6' unless Scratch::has_ipv6();
	my @in = map { enter('mx', "2001:db8:5:1::$_") } 1 .. 2;
	is word($_), 'in', 'one of two' for @in;
	is word(enter('mx', '2001:db8:5:1:ffff::3')), full_of_one('source'),
	    'its /64 is full';
	push @in, map { my $net = $_;
		map { enter('mx', "2001:db8:5:$net\::$_") } 1 .. 2 } 2 .. 4;
	is word($_), 'in', 'one of eight' for @in;
	is word(enter('mx', '2001:db8:5:5::1')), full_of_one('source'),
	    'its /48 is full';
	is word(my $other = enter('mx', '2001:db8:6:5::1')), 'in',
	    'another site';
	$_->quit for @in, $other;
	are_gone('mx', 'source');
};

# Three of ten are 30 per cent; of those that are left before one comes, less.
subtest 'per cent of what is left' => sub {
	my @in;
	for my $round ([70, 2], [71, 2], [72, 1], [73, 1], [74, 1], [75, 1],
	    [76, 1], [77, 1]) {
		my ($host, $count) = @$round;
		my @got;
		while (ref(my $smtp = enter('mx', "203.0.113.$host"))) {
			push @got, $smtp;
			last if @got > 9;
		}
		is scalar @got, $count, "source $host: $count";
		push @in, @got;
	}
	is sessions('mx', 'share'), 10, 'now it is full';
	is word(enter('mx', '203.0.113.70')), full('share'), 'for all';
	$_->quit for @in;
	are_gone('mx', 'share');
};

subtest 'a reload keeps counts by the name of the connector' => sub {
	my $milter = $milters{mx};
	my $limited = sub {
		my ($limit) = @_;
		return $connectors{source}
		    =~ s/(per_source = )2/$1$limit/r;
	};
	my $reload = sub {
		my (%change) = @_;
		like $milter->reload('USR1', connectors => \%change),
		    qr/is in use$/, 'reload';
	};
	my @in = map { enter('mx', '203.0.113.35') } 1 .. 2;
	is word($_), 'in', 'one of two' for @in;
	$reload->(source => $limited->(2) . "comment = new\n");
	is sessions('mx', 'source'), 2, 'both are counted still';
	is word(enter('mx', '203.0.113.35')), full_of_one('source'),
	    'the limit holds';
	$reload->(source => $limited->(3));
	push @in, enter('mx', '203.0.113.35');
	is word($in[2]), 'in', 'one more under a higher one';
	is word(enter('mx', '203.0.113.35')), full_of_one('source'),
	    '... and no more';
	$reload->(source => $limited->(1));
	is $_->mail('ada@sender.example'), $ok_mail, 'who is in stays'
	    for @in;
	(pop @in)->quit for 1 .. 2;
	Scratch::wait_for(60, sub { sessions('mx', 'source') == 1 });
	is word(enter('mx', '203.0.113.35')), full_of_one('source'),
	    'a lower one holds for those who come';
	$reload->(source => undef, renamed => $limited->(1));
	my $new = enter('mx', '203.0.113.35');
	is word($new), 'in', 'another name counts anew';
	is sessions('mx', 'renamed'), 1, '... from nothing';
	# Who was in comes over with the next command, if there is room.
	is $in[0]->cmd('RSET'), '250 2.0.0 Ok', 'the old one';
	is $in[0]->mail('ada@sender.example'), full_of_one('renamed'),
	    '... has to be let in there';
	$new->quit;
	$reload->(renamed => undef, source => $limited->(2));
	are_gone('mx', 'source');
};

# ---- messages a minute ------------------------------------------------------

# The replies to so many MAIL commands, each taken back, until the end.
sub mails
{
	my ($smtp, $count, $from) = @_;
	my @replies;
	for (1 .. $count) {
		push @replies, $smtp->mail($from // 'ada@sender.example');
		last if $replies[-1] !~ /^[25]/;
		$smtp->cmd('RSET');
	}
	return \@replies;
}

sub rate
{
	return tagged($too_fast, $_[0], 'message_rate_limit');
}

for my $at (@listeners) {
	subtest "$at: of a source, in several sessions" => sub {
		my @smtp = map { enter($at, '203.0.113.97') } 1 .. 4;
		is_deeply mails($_, 1), [$ok_mail], 'one of three'
		    for @smtp[0 .. 2];
		is_deeply mails($smtp[3], 1), [rate('host')], 'not a fourth';
		is_over($smtp[3], '... and the connection is closed');
		is_deeply mails($smtp[0], 1), [rate('host')],
		    'not in a session that was fine';
		is_deeply mails(enter($at, '203.0.113.98'), 4),
		    [($ok_mail) x 3, rate('host')],
		    'another source has its own';
	};
}

subtest 'of a user, else of a sender, else of a source' => sub {
	my $user = sub {
		my ($client, $login) = @_;
		my ($smtp) = Case::enter($play, { client => $client,
			login => $login });
		return $smtp;
	};
	is_deeply mails($user->('203.0.113.129', 'alice'), 2), [($ok_mail) x 2],
	    'a login';
	is_deeply mails($user->('203.0.113.130', 'alice'), 2, 'x@y.example'),
	    [$ok_mail, rate('login')], '... from elsewhere, as another sender';
	is_deeply mails($user->('203.0.113.129', 'bob'), 4),
	    [($ok_mail) x 3, rate('login')], 'another login';
	is_deeply mails(enter('mx', '203.0.113.131'), 2), [($ok_mail) x 2],
	    'a sender';
	is_deeply mails(enter('mx', '203.0.113.132'), 2, 'ADA@Sender.Example'),
	    [$ok_mail, rate('login')], '... in other letters from elsewhere';
	is_deeply mails(enter('mx', '203.0.113.131'), 1, 'eva@sender.example'),
	    [$ok_mail], 'another sender';
	is_deeply mails(enter('mx', '203.0.113.133'), 4, ''),
	    [($ok_mail) x 3, rate('login')], 'nobody';
	is_deeply mails(enter('mx', '203.0.113.134'), 1, ''), [$ok_mail],
	    '... is somebody else elsewhere';
};

subtest 'of both' => sub {
	my $smtp = enter('mx', '203.0.113.161');
	is_deeply mails($smtp, 1, "$_\@sender.example"), [$ok_mail],
	    "$_ by the first source" for qw(a b c);
	is_deeply mails($smtp, 1, 'd@sender.example'), [rate('both')],
	    'which has none left';
	is_deeply mails(enter('mx', "203.0.113.$_"), 1, 'a@sender.example'),
	    [$ok_mail], "a by source $_" for 162 .. 163;
	is_deeply mails(enter('mx', '203.0.113.164'), 1, 'a@sender.example'),
	    [rate('both')], 'which has none left either';
	is_deeply mails(enter('mx', '203.0.113.164'), 1, 'e@sender.example'),
	    [$ok_mail], 'another sender from there has';
};

subtest 'what is refused for another reason does not count' => sub {
	my $refused = tagged('550 5.7.60 SMTP; Client does not have '
		. 'permissions to send as this sender', 'host',
		'authoritative_domain_sender');
	my $smtp = enter('mx', '203.0.113.99');
	is_deeply mails($smtp, 20, 'ceo@example.com'), [($refused) x 20],
	    'twenty refusals';
	is_deeply mails($smtp, 4), [($ok_mail) x 3, rate('host')],
	    'and three messages';
};

# 2,000 MAIL commands of one source, in as many sessions as that takes.
sub storm
{
	my ($path, $count) = @_;
	my ($accepted, $refused, $other) = (0, 0, 0);
	while ($accepted + $refused + $other < $count) {
		my $smtp = Smtp->new('127.0.0.1', $play->port('mx'),
			from => '127.0.0.17');
		$smtp->ehlo;
		my $left = $count - $accepted - $refused - $other;
		for (@{ mails($smtp, $left) }) {
			$_ eq $ok_mail ? $accepted++
			    : $_ eq rate('flood') ? $refused++ : $other++;
		}
		$smtp->close;
	}
	open my $file, '>', $path or die "$path: $!\n";
	print {$file} "$accepted $refused $other\n";
	return close $file;
}

subtest '2,000 times MAIL and RSET' => sub {
	my $started = time;
	my @paths = map { $play->scratch->path("storm.$_") } 1 .. 4;
	my @workers = map { my $path = $_;
		Scratch::worker(sub { storm($path, 500) }) } @paths;
	Scratch::reap($_, 120) for @workers;
	my $seconds = time - $started;
	my @sum = (0, 0, 0);
	for my $path (@paths) {
		my @got = split ' ', Scratch::slurp($path);
		$sum[$_] += $got[$_] for 0 .. 2;
	}
	is $sum[0] + $sum[1], 2_000, 'each was answered, in these words';
	is $sum[2], 0, '... and in no others';
	cmp_ok $sum[0], '<=', 240 + 4 * $seconds, sprintf(
		'%d in %.1f s are no more than 240, and 4 a second', $sum[0],
		$seconds);
	cmp_ok $sum[0], '>=', 240, 'nor fewer than 240';
};

# ---- errors -----------------------------------------------------------------

subtest 'unknown commands' => sub {
	my $refused = tagged($too_wrong, 'errors', 'max_protocol_errors');
	my $unknown = '500 5.5.2 Error: command not recognized';
	my $err = sub {
		my ($smtp, $count) = @_;
		return is_deeply [map { $smtp->cmd("X$_") } 1 .. $count],
		    [($unknown) x $count], "$count unknown commands";
	};
	my $smtp = enter('mx', '203.0.113.193');
	$err->($smtp, 3);
	is $smtp->mail('ada@sender.example'), $ok_mail, 'three are borne';
	is $smtp->rcpt('alice@example.com'), $ok_rcpt, '... at RCPT as well';
	$err->($smtp, 1);
	is $smtp->rcpt('alice@example.com'), $refused, 'not a fourth, at RCPT';
	is_over($smtp, '... and the connection is closed');

	$smtp = enter('mx', '203.0.113.193');
	$err->($smtp, 2);
	$smtp->cmd('RSET');
	$smtp->ehlo;
	$err->($smtp, 2);
	is $smtp->mail('ada@sender.example'), $refused,
	    'nor one after RSET and EHLO, at MAIL';
	is_over($smtp, '... and the connection is closed');

	$smtp = $play->stranger('mx', '203.0.113.193');
	$err->($smtp, 4);
	is $smtp->ehlo, $refused, 'nor before EHLO';
	is_over($smtp, '... and the connection is closed');

	$smtp = enter('mx', '203.0.113.193');
	is $smtp->mail('ada@sender.example'), $ok_mail,
	    'the next session begins anew';
};

# Filters are sent such a command wherever it comes.
for my $at (@listeners) {
	my @commands = ('EHLO client.example', 'MAIL FROM:<ada@sender.example>',
		'RCPT TO:<alice@example.com>', 'DATA');
	for my $i (1 .. $#commands) {
		my $what = "$at: an unknown command before $commands[$i]";
		my $smtp = $play->stranger($at, '203.0.113.196');
		$smtp->cmd($_) for @commands[0 .. $i - 1];
		$smtp->cmd('X');
		is $smtp->cmd($_) =~ /^([23])/ && $1, $_ eq 'DATA' ? 3 : 2,
		    $what for @commands[$i .. $#commands];
		like $smtp->cmd("Subject: x\r\n\r\ntext\r\n."), $queued,
		    "$what: the message";
		$smtp->quit;
	}
}

subtest 'refusals with 501' => sub {
	my $refused = tagged($too_wrong, 'errors', 'max_protocol_errors');
	my $sender = tagged('501 5.1.7 Invalid address', 'errors',
		'sender_syntax');
	my $recipient = tagged('501 5.1.3 Invalid address', 'errors',
		'recipient_syntax');
	my $smtp = enter('mx', '203.0.113.194');
	is_deeply mails($smtp, 2, 'a..b@sender.example'), [($sender) x 2],
	    'two senders that are none';
	is $smtp->mail('ada@sender.example'), $ok_mail, 'a good one';
	is $smtp->rcpt('a..b@example.com'), $recipient,
	    'a recipient that is none' for 1 .. 2;
	is $smtp->rcpt('alice@example.com'), $refused, 'are too many together';
	is_over($smtp, '... and the connection is closed');

	$smtp = enter('mx', '203.0.113.194');
	is_deeply mails($smtp, 9, 'ceo@example.com'), [(tagged('550 5.7.60 '
		. 'SMTP; Client does not have permissions to send as this '
		. 'sender', 'errors', 'authoritative_domain_sender')) x 9],
	    'other refusals are no errors';
	is_deeply mails($smtp, 9, 'a..b@sender.example'),
	    [($sender) x 4, $refused], 'so are bad senders alone';
	is_over($smtp, '... and the connection is closed');

	($smtp) = Case::enter($play, { client => '203.0.113.195',
		helo => 'my_host.example' });
	is_deeply mails($smtp, 4), [(tagged('501 5.5.4 Invalid domain name',
		'errors', 'helo_syntax')) x 4], 'four times a name that is none';
	is $smtp->ehlo, $refused, '... is too many';
	is_over($smtp, '... and the connection is closed');
};

# ---- time -------------------------------------------------------------------

subtest 'silence and age' => sub {
	my $refused = tagged($too_late, 'short', 'connection_timeout');
	my $started = time;
	my %smtp = map { $_ => enter('mx', '203.0.113.209') } qw(mail rcpt ehlo
		noop busy);
	is $smtp{rcpt}->mail('ada@sender.example'), $ok_mail, 'in time';
	for (1 .. 8) {
		sleep 0.8;
		$smtp{noop}->cmd('NOOP');
		is_deeply mails($smtp{busy}, 1), [$ok_mail], 'a busy client';
	}
	is $smtp{mail}->mail('ada@sender.example'), $refused,
	    'too late for MAIL';
	is $smtp{rcpt}->rcpt('alice@example.com'), $refused, '... for RCPT';
	is $smtp{ehlo}->ehlo, $refused, '... for EHLO';
	is $smtp{noop}->mail('ada@sender.example'), $refused,
	    '... for one that only said NOOP';
	is_over($smtp{$_}, "... and $_ is closed") for qw(mail rcpt ehlo noop);
	my $last;
	do {
		sleep 0.4;
		$last = mails($smtp{busy}, 1)->[0];
	} while ($last eq $ok_mail && time - $started < 60);
	is $last, $refused, 'a busy client gets old as well';
	cmp_ok time - $started, '>=', 15, '... but not before its time';
	is_over($smtp{busy}, '... and is closed');
	is_deeply mails(enter('mx', '203.0.113.209'), 1), [$ok_mail],
	    'a new session is young';
};

# ---- size and hops ----------------------------------------------------------

# With these fields Postfix adds none that the milter would see and count.
my @fields = ('From: ada@sender.example', 'Subject: x',
	'Date: Mon, 1 Jan 2024 00:00:00 +0000', 'Message-Id: <1@a.example>');
my $fields_bytes = length join '', map { "$_\r\n" } @fields;

sub header_of
{
	return join '', map { "$_\n" } @fields, @_, '', 'text';
}

# A message of so many bytes with CR LF, so many of them in the header.
sub message_of
{
	my ($bytes, $header) = @_;
	my $text = join '', map { "$_\n" } @fields;
	$text .= 'X-Long: ' . 'x' x ($header - $fields_bytes - 10) . "\n"
	    if defined $header;
	$text .= "\n";
	my $left = $bytes - length($text) - ($text =~ tr/\n//);
	for (; $left > 200; $left -= 100) {
		$text .= 'y' x 98 . "\n";
	}
	return $text . 'z' x ($left - 2) . "\n";
}

sub hops
{
	my ($count, $server) = @_;
	return map { "Received: from a$_.example ([192.0.2.$_])\n\tby $server"
	    . ' with ESMTP id X; Mon, 1 Jan 2024 00:00:00 +0000' }
	    1 .. $count;
}

my $large = tagged($too_large, 'size', 'max_message_size');
my $long = tagged($too_long, 'size', 'max_header_size');
my $far = tagged($too_far, 'size', 'max_hop_count');
my $looped = tagged($too_far, 'size', 'max_local_hop_count');
my $folded = join "\n", 'X-Folded: x', map { "\t" . 'f' x 97 } 1 .. 18;
my $rest = 'X: ' . 'x' x (2_048 - $fields_bytes - 13 - 18 * 100 - 5);
my @messages = (
	['as large as may be', 'size', message_of(65_536)],
	['a byte larger', 'size', message_of(65_537), data => $large],
	['... said to be small', 'size', message_of(65_537),
	    parameter => 'SIZE=100', data => $large],
	['... and much larger', 'size', message_of(300_000),
	    parameter => 'SIZE=1', data => $large],
	['said to be as large as may be', 'size', message_of(1_000),
	    parameter => 'SIZE=65536'],
	['said to be a byte larger', 'size', message_of(1_000),
	    parameter => 'SIZE=65537', mail => $large],
	['said to be larger than anything', 'size', message_of(1_000),
	    parameter => 'SIZE=9999999999', mail => $large],
	['of somebody with the right to it', 'trusted', message_of(70_000),
	    parameter => 'SIZE=70000'],
	['a header as long as may be', 'size', message_of(4_000, 2_048)],
	['a byte longer', 'size', message_of(4_000, 2_049), data => $long],
	['in a folded field', 'size', header_of($folded, $rest)],
	['a byte longer in one', 'size', header_of($folded, $rest . 'x'),
	    data => $long],
	['as many hops as may be', 'size', header_of(hops(6, 'b.example'))],
	['a hop more', 'size', header_of(hops(7, 'b.example')), data => $far],
	['as many hops of ours as may be', 'size',
	    header_of(hops(2, 'mx.example.com'), hops(2, 'b.example'))],
	['one more by the name of the MTA', 'size',
	    header_of(hops(3, 'MX.Example.com')), data => $looped],
	['by fqdn', 'size', header_of(hops(3, 'gate.example.net')),
	    data => $looped],
	['by an address', 'size', header_of(hops(3, '[192.0.2.25]')),
	    data => $looped],
	['by several', 'size', header_of(hops(1, 'mx.example.com'),
		hops(1, '[192.0.2.25]'), hops(1, 'gate.example.net')),
	    data => $looped],
	['hops of others that have our name in them', 'size',
	    header_of(hops(3, 'mx.example.com.b.example'),
		hops(3, 'b.example (mx.example.com)'))],
);
my %client = (size => '203.0.113.225', trusted => '198.51.100.1');

for my $at (@listeners) {
	subtest "$at: size and hops" => sub {
		$play->forget;
		my %want;
		for my $message (@messages) {
			my ($what, $connector, $text, %more) = @$message;
			(my $to = $what) =~ tr/a-z//cd;
			$want{"$to\@example.com"} = 1
			    unless $more{mail} || $more{data};
			Case::check($play, { what => $what, at => $at,
				client => $client{$connector},
				to => "$to\@example.com", text => $text,
				%more });
		}
		is_deeply $play->arrived_for, [sort keys %want],
		    'what was accepted arrived, once; nothing else did';
	};
}

# ---- monitor ----------------------------------------------------------------

# What each client does before its message, its parameter of MAIL, the message,
# and what the log says: that much is refused where the mode is enforce.
my @watched = (
	['nothing special', undef, undef, message_of(1_000), []],
	['a session too many', sub { $_[1]->{other} =
		enter($_[0], '198.51.100.30') }, undef, message_of(1_000),
	    [('connect would-tempfail max_inbound_connection') x 2]],
	['unknown commands', sub { $_[1]->{smtp}->cmd('X') for 1 .. 2 }, undef,
	    message_of(1_000), ['mail would-tempfail max_protocol_errors']],
	['silence', sub { sleep 4.1 }, undef, message_of(1_000),
	    ['mail would-tempfail connection_timeout']],
	['a message too many', sub {
		$_[1]->{smtp}->mail('ada@sender.example');
		$_[1]->{smtp}->cmd('RSET') }, undef, message_of(1_000),
	    ['mail would-tempfail message_rate_limit']],
	['said to be large', undef, 'SIZE=70000', message_of(1_000),
	    ['mail would-reject max_message_size']],
	['large', undef, undef, message_of(70_000),
	    ['eom would-reject max_message_size']],
	['a long header', undef, undef, message_of(4_000, 2_049),
	    ['eom would-reject max_header_size']],
	['many hops', undef, undef, header_of(hops(4, 'b.example')),
	    ['eom would-reject max_hop_count']],
	['hops of ours', undef, undef, header_of(hops(2, 'mx.example.com')),
	    ['eom would-reject max_local_hop_count']],
);

for my $at (@listeners) {
	subtest "$at: a connector that only watches" => sub {
		my $milter = $milters{$at};
		my $host = 17;
		my @to;
		$play->forget;
		for (@watched) {
			my ($what, $before, $parameter, $text, $want) = @$_;
			my %play;
			$milter->clear_log;
			# The one who comes first has the only slot.
			$before->($at, \%play), $before = undef
			    if $what eq 'a session too many';
			my $smtp = $play{smtp} =
			    enter($at, '198.51.100.' . $host++);
			$before->($at, \%play) if $before;
			is $smtp->mail('ada@sender.example', $parameter // ()),
			    $ok_mail, "$what: MAIL";
			push @to, "client$host\@example.com";
			is $smtp->rcpt($to[-1]), $ok_rcpt, "$what: RCPT";
			like $smtp->message($text), $queued, "$what: DATA";
			$_->quit for grep { defined } @play{qw(smtp other)};
			Scratch::wait_for(60, sub {
				sessions($at, 'watched') == 0 });
			$milter->wait_log(qr/verdict=accept/);
			is_deeply [map { / stage=(\w+) verdict=(\S+) rule=(\w*)/
			    ? "$1 $2 $3" : () } $milter->lines],
			    [@$want, 'eom accept '], "$what: the log";
		}
		is_deeply $play->arrived_for, [sort @to],
		    'what would not have been accepted arrived';
	};
}

done_testing;
