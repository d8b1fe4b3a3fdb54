#!/usr/bin/perl
# policy_test.t - connectorctl test: what it takes for a policy test, what it
# says of one, and the sample that is shipped.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Milter;
use Scratch;
use Test::More;

my $scratch = Scratch->new;
my $program = Milter::program('connectorctl');
my $root = dirname(__FILE__) . '/..';

my $config = $scratch->write('main.ini', <<'END');
[organization]
accepted_domains = example.com

[connector internet]
bindings = 0.0.0.0:25
remote_ip_ranges = 0.0.0.0/0
permission_groups = anonymous_users
accept_authoritative_domain_sender = -anonymous
END

# A second one, in which everybody may do nothing.
my $closed = $scratch->write('closed.ini', <<'END');
[connector shut]
usage = closed
bindings = 0.0.0.0:25
remote_ip_ranges = 0.0.0.0/0
END

sub run
{
	my ($in, @arguments) = @_;
	my %to = (out => $scratch->path('out'), err => $scratch->path('err'));
	unlink values %to;
	$to{in} = $in if defined $in;
	my $status = Scratch::reap(Scratch::spawn(\%to, $program, 'test',
		@arguments), 30);
	return {
		status => defined $status && !($status & 127)
		    ? $status >> 8 : 'ended by ' . ($status // 'nothing'),
		out => Scratch::slurp($to{out}),
		err => Scratch::slurp($to{err}),
	};
}

# Tests of one file, with the configuration on the command.
sub run_lines
{
	my ($text) = @_;
	my $path = $scratch->write('tests', $text);
	return (run(undef, '--config', $config, $path), $path);
}

my $ok = '--client 203.0.113.9 --from a@b.test --rcpt x@example.com';
my $relay = '--client 203.0.113.9 --from a@b.test --rcpt x@foreign.test';
my $text = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'
    . ' [connector internet, rule relay]';

# ---- one line ---------------------------------------------------------------

# What is shown of it is the line itself, unless "shown" says otherwise.
my @good = (
	['accept', "$ok => accept"],
	['reject', "$relay => reject"],
	['reject and the rule', "$relay => reject relay"],
	['tempfail', '--client 2001:db8::1 => tempfail'],
	['tempfail and the rule', '--client 2001:db8::1 => tempfail '
	    . 'no_connector'],
	['selection alone', '--client 203.0.113.9 => accept'],
	['blanks and tabs', "--client\t203.0.113.9   => \t accept"],
	['blanks around it', " \t$ok => accept \t", "$ok => accept"],
	['a comment behind it', "$ok => accept # as it must be",
	    "$ok => accept"],
	['the end of a line of DOS', "$ok => accept\r", "$ok => accept"],
	['the null sender in quotes',
	    "--client 203.0.113.9 --from '' --rcpt x\@example.com => accept"],
	['the null sender in double quotes',
	    '--client 203.0.113.9 --from "" --rcpt x@example.com => accept'],
	['the null sender, bare: nothing is a redirection',
	    '--client 203.0.113.9 --from <> --rcpt x@example.com => accept'],
	['a blank in single quotes',
	    q{--client 203.0.113.9 --from a@b.test --rcpt '"a b"@example.com'}
	    . ' => accept'],
	['quotes in double quotes',
	    q{--client 203.0.113.9 --from a@b.test }
	    . q{--rcpt "\"a b\"@example.com" => accept},
	    q{--client 203.0.113.9 --from a@b.test }
	    . q{--rcpt "\\\\"a b\\\\"@example.com" => accept}],
	['a backslash', q{--client 203.0.113.9 --from a@b.test }
	    . q{--rcpt \"a\ b\"@example.com => accept},
	    q{--client 203.0.113.9 --from a@b.test }
	    . q{--rcpt \\\\"a\\\\ b\\\\"@example.com => accept}],
	['quotes within a word', q{--client 203.0.113.9 --from a@'b'.t"es"t}
	    . ' --rcpt x@example.com => accept'],
	['a # in quotes is none', "--client 203.0.113.9 --from a\@b.test "
	    . "--rcpt '#1\@example.com' => accept",
	    "--client 203.0.113.9 --from a\@b.test "
	    . "--rcpt '\\#1\@example.com' => accept"],
	['a # within a word is none', '--client 203.0.113.9 --from a@b.test '
	    . '--rcpt a#1@example.com => accept',
	    '--client 203.0.113.9 --from a@b.test '
	    . '--rcpt a\\#1@example.com => accept'],
	['nothing is expanded', '--client 203.0.113.9 --from a@b.test '
	    . '--rcpt $HOME*~`x`@example.com => accept'],
	['a quoted => is a value', '--client 203.0.113.9 --from a@b.test '
	    . "--rcpt x\@example.com --header-from '=>' => accept"],
	['--flag=value', '--client=203.0.113.9 --from=a@b.test '
	    . '--rcpt=x@foreign.test => reject relay'],
	['a size', '--client 203.0.113.9 --from a@b.test --size 37748737'
	    . ' => reject max_message_size'],
	['a size that is small enough', "$ok --size 37748736 => accept"],
	['--json changes nothing', "$ok --json => accept"],
	['its own configuration', "--config $closed $ok => reject submit"],
	['UTF-8', "--client 203.0.113.9 --from jos\xc3\xa9\@b.test "
	    . '--rcpt x@example.com => accept'],
	['bytes that are no UTF-8', "--client 203.0.113.9 --from x\xff\@b.test"
	    . ' => reject sender_syntax',
	    '--client 203.0.113.9 --from x\\\\xff@b.test'
	    . ' => reject sender_syntax'],
	['what a terminal would obey', "--client 203.0.113.9 --from "
	    . "'x\e\xc2\x9b\@b.test' => reject sender_syntax",
	    "--client 203.0.113.9 --from 'x\\\\x1b\\\\xc2\\\\x9b\@b.test'"
	    . ' => reject sender_syntax'],
);

for my $case (@good) {
	my ($what, $line, $shown) = @$case;
	$shown //= $line;
	my ($got) = run_lines("$line\n");
	is($got->{out}, "1..1\nok 1 - $shown\n", "$what: passes");
	is($got->{err}, '', "$what: no complaint");
	is($got->{status}, 0, "$what: exit status");
}

my @failing = (
	['accepted, and should not be', "$ok => reject relay",
	    'want reject relay, got accept'],
	['refused, and should not be', "$relay => accept",
	    "want accept, got reject relay\n# $text"],
	['refused by another rule', "$relay => reject submit",
	    "want reject submit, got reject relay\n# $text"],
	['refused, and should be deferred', "$relay => tempfail",
	    "want tempfail, got reject relay\n# $text"],
	['deferred, and should be refused', '--client 2001:db8::1 => reject',
	    "want reject, got tempfail no_connector\n"
	    . '# 421 4.3.2 Service not available '
	    . '[connector -, rule no_connector]'],
);

for my $case (@failing) {
	my ($what, $line, $said) = @$case;
	my ($got, $path) = run_lines("\n$line\n");
	is($got->{out}, "1..1\nnot ok 1 - $line\n# $said\n# at $path:2\n",
	    "$what: fails");
	is($got->{err}, '', "$what: no complaint");
	is($got->{status}, 1, "$what: exit status");
}

# ---- lines that are no test -------------------------------------------------

my $none = 'no verdict is wanted; end the line in => and accept, tempfail or '
    . 'reject';
my @bad = (
	['no =>', $ok, $none],
	['nothing behind =>', "$ok =>", $none],
	['a comment for a verdict', "$ok => # accept", $none],
	['a quoted => alone', "$ok '=>' accept", '=>: flags begin with --',
	    $none],
	['=> within a word', "$ok =>accept", '=>accept: flags begin with --',
	    $none],
	['a verdict misspelled', "$ok => rejct", "'rejct' is no verdict; did "
	    . 'you mean reject?'],
	['no verdict', "$ok => yes", "'yes' is no verdict; write accept, "
	    . 'tempfail or reject'],
	['a rule for a verdict', "$ok => relay", "'relay' is no verdict; write "
	    . 'accept, tempfail or reject'],
	['a rule misspelled', "$relay => reject rely", "'rely' is no rule; did "
	    . 'you mean relay?'],
	['no rule', "$relay => reject something", "'something' is no rule; "
	    . 'connectorctl help rules names all'],
	['a rule behind accept', "$ok => accept relay", 'a rule behind accept; '
	    . 'only tempfail and reject have one'],
	['a word too many', "$relay => reject relay now", "'now' is a word too "
	    . 'many; a verdict and a rule end the line'],
	['a single quote open', "--client 203.0.113.9 --from ' => accept",
	    q{a ' is not closed; write it twice, around the value}],
	['a double quote open', '--client 203.0.113.9 --from " => accept',
	    q{a " is not closed; write it twice, around the value}],
	['a double quote open behind a backslash',
	    '--client 203.0.113.9 --from "\\" => accept',
	    q{a " is not closed; write it twice, around the value}],
	['a backslash at the end', "$ok => accept \\",
	    'a \\ ends the line; write all of a test in one line'],
	['no client', '--from a@b.test => accept', '--client is missing'],
	['only =>', '=> accept', '--client is missing'],
	['a client that is none', '--client x => accept', '--client x: '
	    . 'not an IP address; write one such as 192.0.2.1 or 2001:db8::1'],
	['an unknown flag', '--client 203.0.113.9 --frob => accept',
	    '--frob: not a flag of explain, or its value is missing'],
	['a flag without its value', '--client => accept', '--client: not a '
	    . 'flag of explain, or its value is missing'],
	['a word without a flag', '--client 203.0.113.9 203.0.113.8 => accept',
	    '203.0.113.8: flags begin with --'],
	['the verb', 'explain --client 203.0.113.9 => accept',
	    'explain: flags begin with --'],
	['--rcpt without --from', '--client 203.0.113.9 --rcpt x@foreign.test'
	    . ' => accept', '--rcpt needs --from: nothing behind MAIL is '
	    . 'judged without'],
	['--header-from without --from', '--client 203.0.113.9 --header-from '
	    . 'x@foreign.test => accept', '--header-from needs --from: nothing '
	    . 'behind MAIL is judged without'],
	['--cert-subject without --tls', '--client 203.0.113.9 --cert-subject '
	    . 'x.test --from <> => accept', '--cert-subject needs --tls: a '
	    . 'certificate is only seen in TLS'],
	['a NUL byte', "$ok => accept\0", 'a NUL byte; write text'],
	['a carriage return within', "$ok => accept\r relay",
	    q{'accept\x0d' is no verdict; did you mean accept?}],
);

for my $case (@bad) {
	my ($what, $line, @said) = @$case;
	my ($got, $path) = run_lines("$ok => accept\n$line\n");
	is($got->{err}, join('', map { "$path:2: error: $_\n" } @said),
	    "$what: the complaint");
	is($got->{out}, '', "$what: nothing is run");
	is($got->{status}, 2, "$what: exit status");
}

# ---- files ------------------------------------------------------------------

my $first = $scratch->write('first', "# relay\n\n$ok => accept\n  # twice\n"
    . "$relay => accept");
my $second = $scratch->write('second', "$relay => reject relay\n");
my $empty = $scratch->write('empty', "# nothing\n\n   \n");
my $wrong = $scratch->write('wrong', "$ok =>\n$ok => accept\n$ok => yes\n");
my $missing = $scratch->path('missing');
my $folder = $scratch->folder('a-folder');
my @with = ('--config', $config);

{
	my $got = run(undef, @with, $first, $second);
	is($got->{out}, "1..3\nok 1 - $ok => accept\n"
	    . "not ok 2 - $relay => accept\n"
	    . "# want accept, got reject relay\n# $text\n# at $first:5\n"
	    . "ok 3 - $relay => reject relay\n",
	    'several files are one plan, a last line needs no end');
	is($got->{status}, 1, 'one that fails is enough');

	$got = run(undef, $second, @with);
	is($got->{status}, 0, '--config may stand behind the files');

	$got = run($second, @with, '-');
	is($got->{out}, "1..1\nok 1 - $relay => reject relay\n",
	    'standard input');

	$got = run($scratch->write('in', "x\n"), @with, '-');
	is($got->{err}, "standard input:1: error: x: flags begin with "
	    . "--\nstandard input:1: error: $none\n", 'has a name in problems');

	$got = run(undef, @with, $empty, $second);
	is($got->{err}, "$empty:0: warning: there is no test in it\n",
	    'a file without a test is worth a word');
	is($got->{status}, 0, 'and no more');
	is($got->{out}, "1..1\nok 1 - $relay => reject relay\n",
	    'the other one runs');

	$got = run(undef, @with, $wrong, $missing, $second, $folder);
	is($got->{err}, join('', "$folder:0: error: cannot be read: Is a "
		. "directory\n", "$missing:0: error: cannot be read: No such "
		. "file or directory\n", "$wrong:1: error: $none\n",
		"$wrong:3: error: 'yes' is no verdict; write accept, tempfail "
		. "or reject\n"),
	    'every problem of every file in one run');
	is($got->{status}, 2, 'is wrong usage');
	is($got->{out}, '', 'and nothing is run');

	$got = run(undef, @with);
	is($got->{status}, 2, 'no file');
	like($got->{err}, qr/^connectorctl test: which file\? /, 'is asked for');
	$got = run(undef, '--frob', $second);
	is($got->{status}, 2, 'an unknown flag');
	like($got->{err}, qr/^connectorctl test: --frob: not a flag /,
	    'is said');
}

# ---- configurations ---------------------------------------------------------

{
	my $broken = $scratch->write('broken.ini', "[connector a]\nx = y\n");
	my $gone = $scratch->path('gone.ini');
	my $tests = $scratch->write('several',
	    "$ok => accept\n--config $closed $ok => reject submit\n"
	    . "$ok --config $config => accept\n");
	my $got = run(undef, @with, $tests);
	is($got->{out}, "1..3\nok 1 - $ok => accept\n"
	    . "ok 2 - --config $closed $ok => reject submit\n"
	    . "ok 3 - $ok --config $config => accept\n",
	    'a line names another configuration');

	$got = run(undef, '--config', $closed, $tests);
	is($got->{status}, 1, 'the others ask that of the command');
	like($got->{out}, qr/^not ok 1 .*\n(?:#.*\n)*ok 2 .*\nok 3 /m,
	    'each line its own');

	$got = run(undef, '--config', $broken, $tests,
	    $scratch->write('more', "--config $gone $ok => accept\n"
		. "$ok => accept\n" x 3));
	is($got->{status}, 78, 'a configuration that does not load');
	is($got->{out}, '', 'and nothing is run');
	is(() = $got->{err} =~ /^\Q$broken\E:2: error: /mg, 1,
	    'its problems are said once');
	is(() = $got->{err} =~ /^\Q$gone\E:0: error: /mg, 1,
	    'and those of the others too');

	# A warning is said once, however many tests ask it.
	my $odd = $scratch->write('odd.ini', Scratch::slurp($config)
	    =~ s{0\.0\.0\.0/0}{10.0.0.1/8}r);
	$got = run(undef, '--config', $odd, $scratch->write('ten',
		"--client 10.0.0.9 => accept\n" x 10));
	is($got->{status}, 0, 'a configuration with a warning');
	is(() = $got->{err} =~ /: warning: /g, 1, 'is loaded once');
}

# Words at random are the ones that sh makes of them: each is a client that is
# none, which the complaint repeats.
{
	srand(my $seed = $ENV{WORDS_SEED} // 20261122);
	my $some = sub { join '', map { (split //, $_[0])[rand length $_[0]] }
		1 .. rand 5 };
	my @piece = (sub { 'a' . $some->('abc#=') },
		sub { q{'} . $some->('ab"\\ #$`=>') . q{'} },
		sub { '"' . join('', map { $some->(q{ab' #=>}) . (q{\\"},
			q{\\\\}, q{\\$}, q{\\`}, q{\\a}, '')[rand 6] }
			1 .. rand 4) . '"' },
		sub { q{\\} . (split //, q{ab'" #$`=\\})[rand 10] });
	my @words = map { join '', map { $piece[rand @piece]->() }
		0 .. rand 5 } 1 .. 500;
	$_ .= 'x' for @words;
	my $script = $scratch->write('words.sh', join '', map {
		"printf '%s\\n' $_\n" } @words);
	my @want = split /\n/, Scratch::slurp_command('sh', $script);
	s/([\\"])/sprintf '\\x%02x', ord $1/ge for @want;
	my $got = run(undef, @with, $scratch->write('words', join '', map {
		"--client $_ => accept\n" } @words));
	my @got = $got->{err} =~ /: error: --client (.*): not an IP address; /mg;
	is_deeply(\@got, \@want, "500 words as sh reads them, seed $seed");
}

# Ten thousand questions to one configuration are no matter.
{
	my $got = run(undef, @with, $scratch->write('many',
		"$relay => reject relay\n" x 10_000));
	is($got->{status}, 0, 'ten thousand tests');
	is(() = $got->{out} =~ /^ok /mg, 10_000, 'all of them run');
}

# A line that no memory can hold is not the end of the tests.
SKIP: {
	skip 'a sanitizer takes more memory than there is', 2
	    if $ENV{SANITIZED};
	my $huge = $scratch->write('huge', "$relay => reject relay\n");
	truncate $huge, 1 << 30 or die "cannot truncate: $!";
	my $status = Scratch::reap(Scratch::spawn(
		{ out => '/dev/null', err => $scratch->path('err') }, 'sh',
		'-c', 'ulimit -v 200000 && exec "$@"', 'sh', $program, 'test',
		@with, $huge), 30);
	is($status >> 8, 71, 'half of the tests are not all of them');
	is(Scratch::slurp($scratch->path('err')),
		"connectorctl: no memory\n", 'which is said');
}

SKIP: {
	skip '/dev/full is not there', 1 unless -c '/dev/full';
	my $pid = Scratch::spawn({ out => '/dev/full' }, $program, 'test',
	    @with, $second);
	is(Scratch::reap($pid, 60) >> 8, 71, 'output that cannot be written');
}

# ---- the sample -------------------------------------------------------------

# Copies, as a check-out may be writable by the group.
for my $file (glob "$root/etc/*.ini $root/etc/connectors.d/*.ini") {
	my ($name) = $file =~ m{/(etc/.*)};
	$scratch->write($name, Scratch::slurp($file));
}
{
	my $got = run(undef, '--config',
	    $scratch->path('etc/connector-milter.ini'), "$root/etc/policy-tests");
	is($got->{err}, '', 'the sample has no problem');
	is($got->{status}, 0, 'and passes') or diag($got->{out});
	my %connector = map { $_ => 1 } map {
		Scratch::slurp($_) =~ /^\[connector (.*)\]$/mg
	} glob "$root/etc/connectors.d/*.ini";
	my $sample = Scratch::slurp("$root/etc/policy-tests");
	my @missing = grep { $sample !~ /^# ---- \Q$_\E:/m } sort keys %connector;
	is("@missing", '', 'it has tests for every connector of the samples');
}

done_testing;
