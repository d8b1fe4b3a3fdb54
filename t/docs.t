#!/usr/bin/perl
# docs.t - what people read says what the programs do.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die "cannot enter the project: $!\n";

my $build = $ENV{BUILD} // 'build';
my $daemon = "$build/connector-milter";
my $ctl = "$build/connectorctl";
my $scratch = tempdir(CLEANUP => 1);

my $ini5 = 'milter/connector-milter.ini.5';
my $daemon8 = 'milter/connector-milter.8';
my $ctl8 = 'milter/connectorctl.8';

sub slurp
{
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	local $/ = undef;
	return scalar <$in>;
}

sub spew
{
	my ($path, $bytes) = @_;
	open my $out, '>', $path or die "$path: $!\n";
	print $out $bytes;
	close $out or die "$path: $!\n";
	chmod 0644, $path;
}

# Exit status, standard output, standard error.
sub run
{
	my (@command) = @_;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDOUT, '>', "$scratch/out" or die;
		open STDERR, '>', "$scratch/err" or die;
		exec @command or exit 127;
	}
	waitpid $pid, 0;
	return ($? >> 8, slurp("$scratch/out"), slurp("$scratch/err"));
}

sub output
{
	my ($status, $out, $err) = run(@_);
	die "@_: exit status $status\n$err" if $status != 0;
	return $out;
}

sub files
{
	my ($path) = @_;
	return -d $path ? map { files($_) } sort glob "$path/*" : $path;
}

# ---- manuals ----------------------------------------------------------------

my @manuals = ($daemon8, $ctl8, $ini5);

SKIP: {
	my ($mandoc) = grep { -x } map { "$_/mandoc" } split /:/, $ENV{PATH};
	skip 'mandoc is not installed', scalar @manuals unless $mandoc;
	for my $manual (@manuals) {
		my (undef, $out, $err) =
		    run($mandoc, qw(-T lint -W warning), $manual);
		# About the manuals of this system, not about ours.
		my @said = grep { !/mandoc\.db|manual not found/ }
		    split /\n/, $out . $err;
		is("@said", '', "mandoc finds nothing in $manual");
	}
}

for my $topic (qw(settings rules)) {
	my $mark = uc $topic;
	my ($block) = slurp($ini5) =~
	    /^\.\\" BEGIN $mark\n(.*?)^\.\\" END $mark$/ms;
	is($block, output($ctl, 'help', $topic, '--mdoc'),
		"$ini5 has the $topic of the program (make docs)");
}

# As roff writes them: "\-" and "\&" mean nothing here.
sub plain
{
	my ($path) = @_;
	my $text = slurp($path);
	$text =~ s/\\[&-]//g;
	return $text;
}

my @settings = output($ctl, 'help', 'settings') =~ /^  (\w+)$/mg;
cmp_ok(scalar @settings, '>', 80, 'the program names its settings');
{
	my $page = plain($ini5);
	my @missing = grep { $page !~ /^\.It Cm \Q$_\E$/m } @settings;
	is("@missing", '', "$ini5 explains every setting");

	my $rules = output($ctl, 'help', 'rules');
	my @rules = $rules =~ /^  \w+ +(\w+)$/mg;
	@missing = grep { $page !~ /^\.It Cm \Q$_\E Pq/m } @rules;
	is("@missing", '', "$ini5 explains every rule");
	ok(scalar @rules, 'the program names its rules');

	my ($usages) = output($ctl, 'help', 'settings') =~
	    /^  usage\n +one of ([^;]+);/m;
	my ($presets) = $page =~ /^\.Sh PRESETS$(.*?)^\.Sh/ms;
	@missing = grep { $presets !~ /^\.It Cm \Q$_\E$/m }
	    split /, /, $usages;
	is("@missing", '', "$ini5 explains every usage");
}

{
	my $page = plain($ctl8);
	my @verbs = output($ctl, 'help') =~ /^  (\w+) /mg;
	my @missing = grep { $page !~ /^\.Ss \Q$_\E$/m } @verbs;
	ok(scalar @verbs, 'the program names its verbs');
	is("@missing", '', "$ctl8 explains every verb");

	my ($table) = slurp('milter/ctl_question.c') =~
	    /struct option options\[\] = \{(.*?)\};/s;
	my @flags = $table =~ /\{ "([\w-]+)"/g;
	@missing = grep { $page !~ /^\.It Fl -\Q$_\E\b/m } @flags;
	ok(scalar @flags, 'explain has flags');
	is("@missing", '', "$ctl8 explains every flag of explain");

	my @keys = slurp('milter/explain_json.c') =~
	    /json_\w+\(\s*&?json,\s*"(\w+)"/g;
	@missing = grep { $page !~ /^\.(It )?Cm .*\b$_\b/m } @keys;
	ok(scalar @keys, 'explain writes JSON');
	is("@missing", '', "$ctl8 explains every key of the JSON object");
}

{
	my $page = plain($daemon8);
	my ($status, undef, $usage) = run($daemon, '-?');
	is($status, 64, 'wrong usage is 64');
	my @options = map { /\w/g } $usage =~ /^  ((?:-\w,? ?)+)/mg;
	my @missing = grep { $page !~ /^\.It Fl (?:\w , Fl )?$_\b/m } @options;
	ok(scalar @options, 'usage names options');
	is("@missing", '', "$daemon8 explains every option");

	my @keys = slurp('milter/log.c') =~ /"\s*(\w+)=/g;
	@missing = grep { $page !~ /^\.It Cm $_$/m } @keys;
	ok(scalar @keys, 'the log has keys');
	is("@missing", '', "$daemon8 explains every key of the log");
}

# ---- README and INSTALL -----------------------------------------------------

my $readme = slurp('README');
my $install = slurp('INSTALL');

{
	my ($plan) = $readme =~ /^Floor plan$(.*?)^One RCPT/ms;
	my %floor;
	my $floor;
	for (split /\n/, $plan) {
		$floor = $1 if /^    F(\d) /;
		next unless defined $floor && /^ {8}([a-z]\S*(?: \S+)*)/;
		$floor{$_} = $floor for split /, ?/, $1;
	}
	my @rooms = map { m{/(\w+)\.c$} } glob 'milter/*.c';
	is(join(' ', sort keys %floor), join(' ', sort @rooms),
		'the floor plan in README has every room, and no other');

	my @wrong;
	for (split /\n/, slurp('t/data/floors')) {
		my ($number, $room) = /^(\d) (\w+)$/ or next;
		push @wrong, $room
		    if defined $floor{$room} && $floor{$room} != $number;
	}
	is("@wrong", '', 'it has them on the floors that the floors test wants');
}

for my $file (map { files($_) } qw(etc contrib)) {
	ok(index($readme . $install, $file) >= 0,
		"$file is mentioned in README or INSTALL");
}

{
	my ($today) = $readme =~ /^What is enforced.*?\n\n(.*?)\n\nNot yet:/ms;
	my @rules = output($ctl, 'help', 'rules') =~ /^  \w+ +(\w+)$/mg;
	my @missing = grep { $today !~ /\b$_\b/ } @rules;
	is("@missing", '', 'README names every rule that is enforced');
}

# ---- samples ----------------------------------------------------------------

# Copies, as a check-out may be writable by the group.
my $samples = "$scratch/etc";
for my $file (files('etc')) {
	my ($folder) = "$scratch/$file" =~ m{(.*)/};
	make_path($folder, { mode => 0755 });
	copy($file, "$scratch/$file") or die "$file: $!\n";
	chmod 0644, "$scratch/$file";
}
{
	my @result = run($daemon, '-n', '-c', "$samples/connector-milter.ini");
	is_deeply(\@result, [0, '', ''], 'the samples load, without a warning');

	# What stands there for those who want a directory is right, too.
	my $main = slurp("$samples/connector-milter.ini");
	$main =~ s/^;(\[directory\]\n);(.*\n);/$1$2/m or die 'no [directory]';
	like($main, qr/^\[directory\]\nrecipients += recipients\n/m,
		'the sample names the sample of a directory');
	spew("$samples/with-directory.ini", $main);
	@result = run($daemon, '-n', '-c', "$samples/with-directory.ini");
	is_deeply(\@result, [0, '', ''], 'they load with the directory');
	ok(unlink("$samples/with-directory.ini"), 'that file is gone again');
}

# Every example of a configuration in the manual, in one.
{
	my $page = slurp($ini5);
	$page =~ s/\\[&-]//g;
	my @blocks = $page =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed$/msg;
	my @shown = grep { /^\[\w+/m } @blocks;
	my $main = join "\n", grep { /^; .*connector-milter\.ini$/m } @shown;
	my ($examples) = $page =~ /^\.Sh EXAMPLES$(.*?)^\.Sh/ms;
	my @connectors = $examples =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed$/msg;
	my $folder = "$scratch/manual";

	cmp_ok(scalar @connectors, '>=', 7, 'the manual has examples');
	make_path($folder, { mode => 0755 });
	$main =~ s/^connectors = .*\n//m;
	spew("$folder/main.ini", $main . "tls_receive_domain_secure_list = "
	    . "partner.example\n[group postmasters]\nmembers = alice\n"
	    . "[directory]\nrecipients = recipients\n\n"
	    . join "\n", @connectors);
	spew("$folder/branches.txt", "198.18.7.0/28\n");
	my ($lines) = grep { /^alice\@\S+ .*login=/m } @blocks;
	$lines =~ s/\\\(dq/"/g;
	spew("$folder/recipients", $lines);
	my @result = run($daemon, '-n', '-c', "$folder/main.ini");
	is_deeply(\@result, [0, '', ''], 'they load, without a warning');
}

# What people get who come from Exchange with one screen of settings.
{
	my $folder = "$scratch/first";
	make_path("$folder/connectors.d", { mode => 0755 });
	spew("$folder/connector-milter.ini", <<'END');
[milter]
socket         = unix:/run/connector-milter/milter.sock
connectors     = connectors.d          ; folder or files; order never matters

[organization]
accepted_domains       = example.com, *.example.net   ; authoritative
internal_relay_domains = legacy.example
own_hosts              = 192.0.2.25, 192.0.2.26
gateways               = 192.0.2.1
load_balancers         = 192.0.2.9

[directory]
recipients = recipients.txt
END
	spew("$folder/recipients.txt", "alice\@example.com\n");
	spew("$folder/connectors.d/internet.ini", <<'END');
[connector internet]
usage            = internet            ; preset
bindings         = 0.0.0.0:25, [::]:25
remote_ip_ranges = 0.0.0.0/0, ::/0
END
	spew("$folder/connectors.d/scanners.ini", <<'END');
[connector scanners]
bindings             = 0.0.0.0:25
remote_ip_ranges     = 10.20.0.15, 10.20.1.0/28, 10.20.2.5-10.20.2.9
permission_groups    = anonymous_users
accept_any_recipient = anonymous
allowed_senders      = scan@example.com
tarpit_interval      = 0s
owner                = facilities
expires              = 2027-03-31
END
	my @result =
	    run($daemon, '-n', '-c', "$folder/connector-milter.ini");
	is_deeply(\@result, [0, '', ''], 'two connectors and a directory load');
}

# What README shows of explain is what the program prints, but for the folding.
{
	my ($command, $shown) = $readme =~
	    /^    \$ (connectorctl explain.*?[^\\])\n(.*?)\n\n(?=\S)/ms;
	$command =~ s/\\\n//g;
	my (undef, @arguments) = split ' ', $command;
	s{^etc/}{$samples/} for @arguments;
	my ($status, $out, $err) = run($ctl, @arguments);
	$out =~ s{\Q$scratch\E/}{}g;
	s/\s+/ /g, s/^ | $//g for $shown, $out;
	is($out, $shown, 'README shows what explain prints');
	is($err, '', 'without a problem');

	my ($section) = $readme =~
	    m{^etc/connectors\.d/scanners\.ini:\n\n(.*?)\n\n}ms;
	$section =~ s/^ +//mg;
	ok(index(slurp('etc/connectors.d/scanners.ini'), $section) >= 0,
		'README shows what the sample says');
}

# What INSTALL shows of Postfix is in the sample, and the guard has one name.
{
	my $sample = slurp('etc/postfix-main.cf.example');
	$sample =~ s/\s+/ /g;
	my ($postfix) = $install =~ /^5  Postfix$(.*?)^### master\.cf$/ms;
	my @lines = map { s/\s+/ /gr }
	    $postfix =~ /^    ((?:smtpd|milter|non|relay|my)\w+ =.*(?:\n {8}.*)*)/mg;
	cmp_ok(scalar @lines, '>', 15, 'INSTALL has lines for main.cf');
	for my $line (@lines) {
		ok(index($sample, $line) >= 0,
			"the sample main.cf has: $line");
	}
	my (undef, $told) = run($ctl, 'mta', 'postfix', '--config',
		"$samples/connector-milter.ini");
	for my $text ($told, $install, $sample, slurp($ctl8), slurp($daemon8)) {
		like($text, qr{/relay-guard\.cidr\b}, 'the guard has one name');
	}
}

# ---- everywhere -------------------------------------------------------------

{
	# Spelled so that this file does not mention them itself.
	my $foreign = join '|', map { "/$_/" } 'work', 'home', 'root/.';
	my @bad;
	for my $file (qw(README INSTALL Makefile .clang-format .gitignore),
		map { files($_) } qw(.ci contrib etc include milter t)) {
		next unless -T $file && $file !~ m{^t/data/};
		push @bad, $file
		    if slurp($file) =~ m{(?<![\w.\$\}])(?:$foreign)};
	}
	is("@bad", '', 'no file mentions a folder of a build machine');
}

done_testing;
