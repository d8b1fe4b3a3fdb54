#!/usr/bin/perl
# postfix_log.t - the operator log tells what clients saw, each refusal and each
# message once, and nobody waits for its reader; the protocol log of a session;
# both on disks and pipes that take nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Dialogue qw(begin);
use Fcntl qw(O_NONBLOCK O_RDWR);
use JSON::PP qw(decode_json);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Case;
use Milter;
use Play qw(tagged);
use Scratch;
use Volume;

my $not_alone = Volume::alone();

my $play = Play->new(listeners => { mx => {} });
my $scratch = $play->scratch;
my $mx = $play->port('mx');
my $main = <<'END';
[organization]
accepted_domains = example.com

[directory]
recipients = recipients.txt
END

sub milter
{
	my ($name, %option) = @_;
	my $control = $scratch->folder("$name.control") . '/control.sock';
	my $logging = delete $option{protocol_log} // '';
	$scratch->write("$name/recipients.txt", "alice\@example.com "
	    . "login=alice\@example.com\nbob\@example.com\n");
	return Milter->new($scratch, %option, name => $name,
		main => "$main\n[protocol_log]\n$logging",
		milter => "control_socket = $control\n");
}

sub status
{
	my ($milter) = @_;
	return $milter->status;
}

# ---- the operator log under load --------------------------------------------

my $milter = milter('load', connectors => { internet => <<"END",
usage                      = internet
bindings                   = 0.0.0.0:$mx
remote_ip_ranges           = 127.0.1.0/24
max_message_size           = 64K
max_hop_count              = 5
max_recipients_per_message = 2
max_protocol_errors        = unlimited
tarpit_interval            = 0s
END
	hasty => <<"END",
usage              = internet
bindings           = 0.0.0.0:$mx
remote_ip_ranges   = 127.0.2.0/24
message_rate_limit = 1
tarpit_interval    = 0s
END
	watched => <<"END" });
mode             = monitor
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.3.0/24
END
$milter->start;
$play->raise($milter, logins => { alice => 'secret' },
	main => { message_size_limit => '0', hopcount_limit => '1000',
		relay_domains => '' });

my $small = "Subject: x\n\ntext\n";
my $large = "Subject: x\n\n" . 'text' x 20 . "\n";
$large .= 'x' x 76 . "\n" for 1 .. 1_000;
my $looping = join '', map({ "Received: from a by b$_.example\n" } 1 .. 6),
    $small;
my $sender = 'ada@sender.example';

# One thing that a client does: commands, and its texts after DATA.
my @deeds = (
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<alice@example.com>'],
	    $small],
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<alice@example.com>',
	    'RCPT TO:<bob@example.com>', 'RCPT TO:<postmaster@example.com>'],
	    $small],
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<carol@example.com>',
	    'RCPT TO:<bob@example.com>'], $small],
	[['MAIL FROM:<ceo@example.com>']],
	[['MAIL FROM:<ada@sender.example> SIZE=70000']],
	[['MAIL FROM:<a..b@sender.example>']],
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<a..b@example.com>',
	    'RCPT TO:<x@foreign.example>']],
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<bob@example.com>'],
	    $looping],
	[['MAIL FROM:<ada@sender.example> SIZE=9', 'RCPT TO:<bob@example.com>'],
	    $large],
	[['EHLO <>', 'MAIL FROM:<ada@sender.example>', 'EHLO client.example']],
	[['MAIL FROM:<ada@sender.example>', 'RCPT TO:<bob@example.com>',
	    'NOOP']],
);

# What the log has to say of a reply, or undef.
sub line_of
{
	my ($reply) = @_;
	return "accept  $1" if $reply =~ /^250 .* queued as (\w+)$/;
	my $verdict = $reply =~ /^4/ ? 'tempfail' : 'reject';
	return "$verdict $2 $1"
	    if $reply =~ /\[connector (\w+), rule (\w+)\]$/;
	return "$verdict mta internet" if $reply =~ /Relay access denied$/;
	return undef;
}

sub write_lines
{
	my ($path, @lines) = @_;
	open my $file, '>', $path or die "$path: $!\n";
	print {$file} map { "$_\n" } @lines;
	return close $file;
}

# So many deeds in one session, each reply a line of the file.
sub work
{
	my ($path, $client, $number) = @_;
	my $smtp = $play->client('mx', $client);
	my @replies;
	for my $i (1 .. 20) {
		my $deed = $deeds[($number + $i * 7) % @deeds];
		my ($commands, $text) = @$deed;
		push @replies, $smtp->cmd($_) for @$commands;
		push @replies, $smtp->message($text) if defined $text;
		push @replies, $smtp->cmd('RSET');
	}
	$smtp->quit;
	return write_lines($path, map { s/\n/ /gr } @replies);
}

sub hurry
{
	my ($path, $client) = @_;
	my @replies;
	for (1 .. 5) {
		my $smtp = $play->client('mx', $client);
		push @replies, $smtp->mail($sender), $smtp->cmd('RSET');
		$smtp->close;
	}
	return write_lines($path, @replies);
}

# The keys of lines about sessions, and how often there were such.
sub count
{
	my (@lines) = @_;
	my %count;
	for (@lines) {
		my ($id, $connector, $verdict, $rule) = /^(\S+):
		    \ connector=(\S*)\ .*\ verdict=(\S+)\ rule=(\w*)\ /x
		    or next;
		my $of = $verdict eq 'accept' ? $id : $connector;
		$count{"$verdict $rule $of"}++;
	}
	return \%count;
}

# A sum over keys that have something in common.
sub sum_by
{
	my ($count, $common) = @_;
	my %sum;
	for my $key (keys %$count) {
		my $name = $common->(split / /, $key);
		$sum{$name} += $count->{$key} if defined $name;
	}
	return \%sum;
}

subtest 'twenty clients and the operator log' => sub {
	my @paths = map { $scratch->path("client.$_") } 1 .. 20;
	my @clients = map {
		my $n = $_;
		Scratch::worker(sub {
			$n <= 18 ? work($paths[$n - 1], "127.0.1.$n", $n)
			    : hurry($paths[$n - 1], "127.0.2.$n");
		});
	} 1 .. 20;
	Scratch::reap($_, 120) for @clients;
	my @replies = map { split /\n/, Scratch::slurp($_) } @paths;
	cmp_ok scalar @replies, '>=', 1_000, @replies . ' replies';
	is scalar(grep { !/^[245]\d\d[ -]/ && $_ ne 'closed' } @replies), 0,
	    '... all of them from the server';
	my %seen;
	$seen{$_}++ for grep { defined } map { line_of($_) } @replies;

	# Nobody is refused there, and the log knows better.
	Case::check($play, { what => 'a watched client', from =>
		'ceo@example.com', client => "127.0.3.$_", to =>
		'alice@example.com', text => $small }) for 1 .. 3;
	$seen{'would-reject authoritative_domain_sender watched'} = 3;
	$milter->wait_log(qr/connector=watched .* verdict=accept/);
	my $status = status($milter);
	is $milter->stop, 0, 'the daemon stops';
	my @logged = map { s/^connector-milter: //r } split /\n/, $milter->log;
	my $logged = count(@logged);
	my %watched = map { /^(\S+): connector=watched .*=accept/
	    ? ("accept  $1" => 1) : () } @logged;
	is_deeply $logged, { %seen, %watched },
	    'each refusal and each message is one line, by verdict and rule';
	cmp_ok scalar(grep { /^accept/ } keys %$logged), '>=', 50,
	    'many were accepted';
	my %rules = map { (split)[1] => 1 } grep { !/^accept/ } keys %$logged;
	is_deeply [sort keys %rules], [qw(authoritative_domain_sender
		helo_syntax max_hop_count max_message_size
		max_recipients_per_message message_rate_limit mta
		recipient_lookup recipient_syntax sender_syntax)],
	    'and many refused, for all these reasons';

	my %told;
	$told{"$_->{verdict} " . ($_->{rule} // '')} += $_->{count}
	    for @{ $status->{verdicts} };
	is_deeply \%told, sum_by($logged, sub {
		$_[0] eq 'accept' ? 'accept ' : "$_[0] $_[1]" }),
	    'the status counts the same, by verdict and rule';
	my %connector = map {
		my $row = $_;
		map { ("$row->{name} $_" => $row->{$_}) }
		    grep { $row->{$_} } qw(accepted tempfailed rejected);
	} @{ $status->{connectors} };
	my %of = map { /^(\S+): connector=(\w+) .*=accept/ ? ($1 => $2) : () }
	    @logged;
	is_deeply \%connector, sum_by($logged, sub {
		my ($verdict, $rule, $of) = @_;
		return "$of{$of} accepted" if $verdict eq 'accept';
		return undef if $rule eq 'mta' || $verdict =~ /^would/;
		return "$of ${verdict}ed";
	}), '... and by connector';
	is $status->{operator_log}{dropped}, 0, 'no line was lost';
	is scalar $play->arrived, scalar(grep { /^accept/ } keys %$logged),
	    'as many messages arrived as the log accepted';
};

# ---- nobody reads the log ---------------------------------------------------

my $fifo = $scratch->path('fifo');
POSIX::mkfifo($fifo, 0600) or die "$fifo: $!\n";
sysopen my $pipe, $fifo, O_RDWR | O_NONBLOCK or die "$fifo: $!\n";

# What can be read now, line by line.
my $unread = '';

sub read_lines
{
	1 while sysread $pipe, $unread, 65_536, length $unread;
	my @lines;
	push @lines, $1 while $unread =~ s/^([^\n]*)\n//;
	return grep { / verdict=| lost$/ } @lines;
}

my $patient = milter('pipe', log => $fifo, connectors => { internet => <<'END'
usage            = internet
bindings         = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
tarpit_interval  = 0s
END
	});

# So many refused recipients in one session; the time each took goes to a file.
sub refuse
{
	my ($path, $count, $number) = @_;
	my $wire = begin($patient);
	$wire->connect(client => "203.0.113.$number");
	$wire->helo('client.' . 'x' x 60 . '.example');
	$wire->mail('<' . 's' x 60 . '@' . 'y' x 60 . '.sender.example>');
	my @times;
	for my $n (1 .. $count) {
		my $started = time;
		my $answer = $wire->rcpt("<n$number.$n." . 'x' x 40 . '@'
			. join('.', ('z' x 60) x 3) . '.foreign.test>');
		push @times, time - $started;
		$times[-1] = 1_000 if ($answer->{reply} // '') !~ /^550 5/;
	}
	$wire->quit;
	return write_lines($path, @times);
}

# The 99th of 100 of the times that clients had to wait.
sub crowd
{
	my ($clients, $count) = @_;
	my @paths = map { $scratch->path("crowd.$_") } 1 .. $clients;
	my @workers = map {
		my $n = $_;
		Scratch::worker(sub { refuse($paths[$n - 1], $count, $n) });
	} 1 .. $clients;
	Scratch::reap($_, 120) for @workers;
	my @times = sort { $a <=> $b }
	    map { split /\n/, Scratch::slurp($_) } @paths;
	is scalar @times, $clients * $count, 'every client is served';
	my $p99 = $times[$#times * 0.99];
	cmp_ok $p99, '<', 2, sprintf 'and none waits: 99 of 100 have answers '
	    . 'within %.2f ms, the last in %.0f', 1_000 * $p99,
	    1_000 * $times[-1];
	cmp_ok $times[-1], '<', 30, '... nor does the last';
	return;
}

subtest 'nobody reads the log' => sub {
	$patient->start;
	my @lines = read_lines();
	crowd(4, 250);
	Scratch::wait_for(60, sub {
		push @lines, read_lines();
		return @lines >= 1_000;
	});
	is scalar @lines, 1_000, 'what has room while nobody reads is there';
	is scalar(grep { / lost$/ } @lines), 0, '... without a loss';

	crowd(4, 2_500);
	my $lost = status($patient)->{operator_log}{dropped};
	cmp_ok $lost, '>', 0, "more has no room: $lost lines are lost";
	@lines = ();
	# Told to stop, it waits for its reader for some seconds only.
	my $there = sub {
		return map { / to=<(n\d+\.\d+)\./ ? ($1 => 1) : () } @lines;
	};
	Scratch::wait_for(60, sub {
		push @lines, read_lines();
		return grep({ / lost$/ } @lines)
		    && keys(%{ { $there->() } }) + $lost >= 10_000;
	});
	kill 'TERM', $patient->pid;
	my $ended = Scratch::wait_for(60, sub {
		push @lines, read_lines();
		return defined Scratch::reap($patient->pid, 0);
	});
	push @lines, read_lines();
	ok $ended, 'the daemon stops';
	my @told = map { /^connector-milter: log: (\d+) lines were lost$/ }
	    @lines;
	is eval { join '+', @told }, $lost, 'which the log tells';
	my %numbers = $there->();
	is scalar(keys %numbers) + $lost, 10_000,
	    'the others are there, each once';
	is scalar(@lines) - @told, scalar keys %numbers, '... and whole';
};

# ---- the protocol log -------------------------------------------------------

my @columns = qw(time connector session sequence local remote event data
	context);

# The fields of a line of CSV, without its CR LF.
my $csv = eval { require Text::CSV_XS;
	Text::CSV_XS->new({ strict => 1, binary => 0 }) };

sub fields
{
	my ($line) = @_;
	return $csv->parse($line) ? $csv->fields : () if $csv;
	my @fields;
	push @fields, defined $1 ? $1 =~ s/""/"/gr : $2
	    while $line =~ /\G(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/g;
	pop @fields;
	return @fields;
}

# The records of a folder, without the lines in front of them.
sub records
{
	my ($folder) = @_;
	my @lines = map { split /\r\n/, Scratch::slurp($_) } glob "$folder/*";
	return map { my %record; @record{@columns} = fields($_); \%record }
	    grep { !/^#/ } @lines;
}

subtest 'the protocol of a session' => sub {
	my $folder = $scratch->folder('records', 0777);
	my $daemon = milter('protocol', socket => $milter->socket,
		protocol_log => "directory = $folder\n",
		connectors => { 'Front Door' => <<"END",
usage                  = internet
bindings               = 0.0.0.0:$mx
remote_ip_ranges       = 127.0.1.0/24
protocol_logging_level = verbose
tarpit_interval        = 1s
END
			users => <<"END", quiet => <<"END" });
usage                  = client
auth_mechanism         = tls, basic_auth
bindings               = 0.0.0.0:$mx
remote_ip_ranges       = 127.0.2.0/24
protocol_logging_level = verbose
END
usage            = internet
bindings         = 0.0.0.0:$mx
remote_ip_ranges = 127.0.3.0/24
END
	$daemon->start;
	my ($smtp) = Case::enter($play, { client => '127.0.1.5' });
	my $port = $smtp->local_port;
	is $smtp->cmd('XYZZY'), '500 5.5.2 Error: command not recognized',
	    'an error';
	$smtp->mail($sender, 'SIZE=100');
	my $unknown = tagged('550 5.1.1 User unknown', 'Front Door',
		'recipient_lookup');
	is $smtp->rcpt('"a,=b"@example.com'), $unknown, 'a refusal';
	is $smtp->rcpt('alice@example.com'), '250 2.1.5 Ok', 'none';
	my ($id) = $smtp->message("From: ada\@sender.example\nSubject: x\n"
		. "Date: x\nMessage-Id: <1\@x>\n\ntext\n") =~ /as (\w+)$/;
	my $size = length "From: ada\@sender.example--Subject: x--Date: x--"
	    . 'Message-Id: <1@x>----text--';
	$smtp->quit;
	Case::check($play, { what => 'a login', client => '127.0.2.5',
		login => 'alice', from => 'alice@example.com',
		to => 'bob@example.com' });
	Case::check($play, { what => 'a quiet connector', client =>
		'127.0.3.5', to => 'bob@example.com' });
	my @records;
	Scratch::wait_for(60, sub {
		@records = records($folder);
		return 2 == grep { $_->{event} eq '-' } @records;
	});
	is $daemon->stop, 0, 'the daemon stops';

	my ($server) = (POSIX::uname())[1] =~ /^([^.]*)/;
	my @want = (
		['+', '', ''],
		['<', 'EHLO client.example', ''],
		['<', 'XYZZY', ''],
		['*', 'SMTPAcceptAnySender AcceptRoutingHeaders SMTPSubmit',
		    'Set Session Permissions'],
		['<', 'MAIL FROM:<ada@sender.example> SIZE=100', ''],
		['<', 'RCPT TO:<\x22a,=b\x22@example.com>', ''],
		['*', "Tarpit for '0.00:00:01'", $unknown],
		['>', $unknown, ''],
		['<', 'RCPT TO:<alice@example.com>', ''],
		['*', "$id;$size;1", 'receiving message'],
		['-', '', 'Remote'],
	);
	my ($session) = map { $_->{session} } @records;
	my @first = grep { $_->{session} eq $session } @records;
	is_deeply [map { [@$_{qw(event data context)}] } @first], \@want,
	    'event, data and context of each record';
	is_deeply [map { $_->{sequence} } @first], [0 .. $#want],
	    'a number for each';
	is scalar(grep { $_->{time} !~
		/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } @records), 0,
	    'the time of each';
	is_deeply [sort map { $_->{time} } @first],
	    [map { $_->{time} } @first], 'in order';
	like $session, qr/^08[0-9A-F]{14}$/, 'a number for the session';
	my %same;
	$same{"@$_{qw(connector local remote)}"}++ for @first;
	is_deeply [keys %same], ["\U$server\E\\Front Door 127.0.0.1:$mx "
	    . "127.0.1.5:$port"], 'server, connector and both ends';

	my @other = grep { $_->{session} ne $session } @records;
	is_deeply [map { [@$_{qw(event data context)}] } @other], [
		['+', '', ''],
		['<', 'EHLO client.example', ''],
		['*', 'alice@example.com', 'authenticated'],
		['*', 'SMTPAcceptAnyRecipient AcceptRoutingHeaders '
		    . 'BypassAntiSpam SMTPSubmit', 'Set Session Permissions'],
		['<', 'MAIL FROM:<alice@example.com>', ''],
		['<', 'RCPT TO:<bob@example.com>', ''],
		['-', '', 'Remote'],
	], 'another session is another one; a quiet one is none';
};

# ---- disks that take nothing ------------------------------------------------

my $relay = tagged('550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
	. 'domain', 'internet', 'relay');
my $pressure = tagged('452 4.3.1 Insufficient system resources', 'internet',
	'back_pressure');

# The answers to a session that says a little, or a lot.
sub answers
{
	my ($daemon, $client, $recipients) = @_;
	my $wire = begin($daemon);
	$wire->connect(client => $client);
	$wire->helo('client.example');
	my @answers = $wire->mail("<$sender>");
	if ($answers[0]{verdict} eq 'continue') {
		push @answers, $wire->rcpt("<$_\@foreign.example>")
		    for 1 .. $recipients // 1;
		push @answers, $wire->rcpt('<bob@example.com>'),
		    $wire->message;
	}
	$wire->quit;
	my %seen;
	return join '; ', grep { !$seen{$_}++ }
	    map { $_->{reply} // $_->{verdict} } @answers;
}

my $as_always = "continue; $relay";

sub mail_flows_within
{
	my ($daemon, $seconds, $what) = @_;
	my $started = time;
	Scratch::wait_for($seconds, sub {
		answers($daemon, '203.0.113.9') eq $as_always });
	my $took = time - $started;
	is answers($daemon, '203.0.113.9'), $as_always,
	    sprintf '%s: mail flows again, after %.1f s', $what, $took;
	return;
}

sub is_dead
{
	my ($daemon) = @_;
	return status($daemon)->{protocol_log}{dead};
}

sub logging
{
	my ($folder, $required) = @_;
	return "directory = $folder\nrequired = $required\n";
}

my %both = (internet => <<'END', quiet => <<'END');
usage                  = internet
bindings               = 0.0.0.0:25
remote_ip_ranges       = 203.0.113.0/25
protocol_logging_level = verbose
tarpit_interval        = 0s
END
usage            = internet
bindings         = 0.0.0.0:25
remote_ip_ranges = 203.0.113.128/25
tarpit_interval  = 0s
END
my $quiet = $as_always =~ s/internet/quiet/r;

sub require_it
{
	my ($daemon, $folder, $required) = @_;
	return like $daemon->reload('USR1', main => "$main\n[protocol_log]\n"
		. logging($folder, $required)), qr/is in use$/,
	    "required = $required";
}

subtest 'a disk that is full' => sub {
	plan skip_all => $not_alone if defined $not_alone;
	my $volume = Volume->new($scratch, 'small', 1);
	my $folder = $volume->folder('log');
	my $daemon = milter('full', connectors => \%both,
		protocol_log => logging($folder, 'no'));
	$daemon->start;
	is answers($daemon, '203.0.113.9'), $as_always, 'there is room';
	$volume->fill(100);
	is answers($daemon, '203.0.113.9', 100), $as_always, 'there is none';
	ok Scratch::wait_for(60, sub { is_dead($daemon) }), 'the log is dead';
	is answers($daemon, '203.0.113.9', 100), $as_always,
	    'the answers are the same';
	like $daemon->wait_log(qr/^protocol log/), qr/^protocol\ log:\ cannot
	    \ write\ a\ file\ in\ \Q$folder\E:\ No\ space\ left\ on\ device;
	    \ records\ are\ lost$/x, 'which the operator log tells';
	require_it($daemon, $folder, 'yes');
	ok Scratch::wait_for(60, sub { answers($daemon, '203.0.113.9') eq
		$pressure }), 'where it is required, mail is deferred';
	is answers($daemon, '203.0.113.200'), $quiet,
	    '... but not where nothing is written';
	$volume->fill(0);
	mail_flows_within($daemon, 5, 'room');
	ok !is_dead($daemon), 'the log is alive';
	my $dropped = status($daemon)->{protocol_log}{dropped};
	cmp_ok $dropped, '>', 0, "$dropped records were lost";
	$daemon->stop;
	my @records = records($folder);
	is scalar(grep { !defined $_->{context} || $_->{time} !~ /Z$/ }
	    @records), 0, 'no record is broken';
};

subtest 'a file system that is read-only' => sub {
	plan skip_all => $not_alone if defined $not_alone;
	my $volume = Volume->new($scratch, 'fixed', 1);
	my $folder = $volume->folder('log');
	$volume->remount('ro');
	my $daemon = milter('stiff', connectors => \%both,
		protocol_log => logging($folder, 'no'));
	$daemon->start;
	is answers($daemon, '203.0.113.9'), $as_always, 'mail flows';
	ok is_dead($daemon), 'the log is dead';
	like $daemon->wait_log(qr/^protocol log/), qr/Read-only file system/,
	    'which the operator log tells';
	require_it($daemon, $folder, 'yes');
	ok Scratch::wait_for(60, sub { answers($daemon, '203.0.113.9') eq
		$pressure }), 'where it is required, mail is deferred';
	is answers($daemon, '203.0.113.200'), $quiet,
	    '... but not where nothing is written';
	$volume->remount('rw');
	mail_flows_within($daemon, 5, 'writable');
	is $daemon->stop, 0, 'the daemon stops';
	cmp_ok scalar records($folder), '>', 5, 'with a log';
};

done_testing;
