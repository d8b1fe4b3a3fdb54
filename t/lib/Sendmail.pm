package Sendmail;

# A private Sendmail, unpacked and not installed, in a world of its own: its
# network, mounts and host name are this test's alone. So it may listen on port
# 25, its clients may have any address, and it tells the milter {if_addr} as it
# would on a real machine. All files are below a mount that only this world
# sees; Sendmail trusts nothing in a folder such as /tmp, which all may write.
#
#   my $scratch = Sendmail::enter(addresses => ['203.0.113.9'],
#       hosts => { '203.0.113.9' => 'host.example' });   # or skips the test
#   my $sendmail = Sendmail->new($scratch, lines => $mc, sink => $sink->port,
#       logins => { alice => 'secret' });
#   $sendmail->access("Connect:203.0.113.9\tRELAY\n");
#   $sendmail->start;
#
# contrib/install-deps brings the packages.

use strict;
use warnings;

use Authority;
use Milter;
use Scratch;
use Test::More;

# Every Debian has this folder, and nothing in it is needed here.
my $world = '/mnt';
my $mark = 'SENDMAIL_WORLD_OF';
my $domain = 'mx.example.com';

# ---- the world --------------------------------------------------------------

# Why a private Sendmail cannot run here, or undef.
sub unavailable
{
	return 'a private Sendmail needs root' if $> != 0;
	for my $program (_program('sendmail'), _program('makemap'), _cf()) {
		return 'Sendmail is not unpacked; contrib/install-deps does it'
		    unless -e $program;
	}
	for my $command (qw(m4 ip unshare mount saslpasswd2)) {
		return "there is no $command" unless _runs("command -v $command");
	}
	return 'a library of Sendmail is missing'
	    if Scratch::slurp_command('ldd', _program('sendmail'))
	    =~ /not found/;
	return 'no namespaces of its own can be had'
	    unless _runs("unshare --net --mount --uts mount -t tmpfs none $world");
	return undef;
}

sub _program
{
	my ($name) = @_;
	return Milter::program("sendmail/usr/libexec/sendmail/$name");
}

sub _cf
{
	return Milter::program('sendmail/usr/share/sendmail/cf/m4/cf.m4');
}

sub _runs
{
	my ($command) = @_;
	return system("PATH=\$PATH:/usr/sbin:/sbin; ($command) "
	    . '>/dev/null 2>&1') == 0;
}

# Runs the program again, as the same process, in a world with these addresses
# and names; the scratch folder there. Where that cannot be the test is skipped.
sub enter
{
	my (%with) = @_;
	if (($ENV{$mark} // '') ne $$) {
		my $why = unavailable();
		plan skip_all => $why if defined $why;
		$ENV{$mark} = $$;
		exec qw(unshare --net --mount --uts --propagation private),
		    $^X, $0, @ARGV;
		die "unshare: $!\n";
	}
	delete $ENV{$mark};
	$ENV{PATH} .= ':/usr/sbin:/sbin';
	_run(qw(mount -t tmpfs -o), 'mode=0755,size=256m', 'none', $world);
	# Not one of new(): it goes with the world.
	my $scratch = bless { path => $world }, 'Scratch';
	_furnish($scratch, $with{hosts} // {});
	_network(@{ $with{addresses} // [] });
	return $scratch;
}

sub _run
{
	my (@command) = @_;
	return system(@command) == 0 || die "@command: failed\n";
}

# Names come from a file, the log goes nowhere.
sub _furnish
{
	my ($scratch, $hosts) = @_;
	my %file = (
		'/etc/hosts' => join("\n", '127.0.0.1 localhost',
			'::1 localhost', "127.0.0.9 $domain mx",
			(map { "$_ $hosts->{$_}" } sort keys %$hosts), ''),
		'/etc/resolv.conf' => "nameserver 127.0.0.1\n",
		'/etc/nsswitch.conf' => "passwd: files\ngroup: files\n"
		    . "hosts: files\n",
		'/dev/log' => '',
	);
	for my $path (grep { -e } sort keys %file) {
		(my $name = $path) =~ tr{/}{_};
		_run(qw(mount --bind),
			$scratch->write("world/$name", $file{$path}), $path);
	}
	return _run('hostname', $domain);
}

sub _network
{
	my (@addresses) = @_;
	_run(qw(ip link set lo up));
	my $six = Scratch::has_ipv6();
	for my $address (@addresses) {
		next if $address =~ /:/ && !$six;
		_run(qw(ip addr add), $address =~ /:/
		    ? ("$address/128", qw(dev lo nodad))
		    : ("$address/32", qw(dev lo)));
	}
	return;
}

# ---- one Sendmail -----------------------------------------------------------

# lines: of sendmail.mc, above all what connectorctl mta sendmail printed. sink:
# port of the next hop for all mail. logins: SASL accounts. authority: who
# certifies. listeners: the words of each DAEMON_OPTIONS. name: a folder of its
# own, for one that runs beside another.
sub new
{
	my ($class, $scratch, %option) = @_;
	$scratch = bless { path => $scratch->folder($option{name}) },
	    ref $scratch if defined $option{name};
	my $self = bless {
		lines => '',
		logins => {},
		listeners => [_family() . ', Port=25, Name=MTA'],
		%option,
		scratch => $scratch,
		etc => $scratch->folder('mail'),
		log => $scratch->path('sendmail.log'),
	}, $class;
	$scratch->folder('mqueue', 0700);
	$scratch->write('mail/service.switch',
		"hosts\tfiles\naliases\tfiles\npasswd\tfiles\n");
	$self->{authority} //= Authority->new($scratch);
	$self->_make_certificate;
	$self->_make_logins if %{ $self->{logins} };
	$self->_make_cf;
	$self->access('');
	return $self;
}

# A listener of IPv6 takes IPv4 as well; two on one port get in each other's
# way.
sub _family
{
	return Scratch::has_ipv6() ? 'Family=inet6' : 'Family=inet';
}

sub ca
{
	my ($self) = @_;
	return $self->{authority}->file;
}

# Takes these names for its own, from its start on.
sub local_names
{
	my ($self, @names) = @_;
	return $self->{scratch}->write('mail/local-host-names',
		join '', map { "$_\n" } @names);
}

# The access map is made of these lines. Sendmail sees it at once.
sub access
{
	my ($self, $lines) = @_;
	my $path = $self->{scratch}->write('mail/access', $lines);
	return _shell(_program('makemap'), '-C', "$self->{etc}/sendmail.cf",
		'hash', $path, "<$path");
}

# The last word is a redirection.
sub _shell
{
	my (@words) = @_;
	my $redirection = pop @words;
	return _run('sh', '-c', "exec \"\$@\" $redirection", 'sh', @words);
}

# Returns when it answers on the first port.
sub start
{
	my ($self) = @_;
	my ($port) = $self->{listeners}[0] =~ /Port=(\d+)/;
	$self->{pid} = Scratch::spawn(
		{ out => $self->{log}, err => $self->{log} },
		_program('sendmail'), '-C', "$self->{etc}/sendmail.cf", '-bD');
	my $answers;
	Scratch::wait_for(60, sub {
		$answers = IO::Socket::IP->new(PeerHost => '127.0.0.1',
			PeerPort => $port);
		return $answers || defined Scratch::reap($self->{pid}, 0);
	});
	return 1 if $answers;
	die "Sendmail does not start:\n" . Scratch::slurp($self->{log});
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	Scratch::kill_group($pid);
	return;
}

# Submits a message as a local program does, with these flags and recipients;
# what sendmail(8) says. It is a client of its own, by a file of its own.
sub submit
{
	my ($self, $text, @arguments) = @_;
	$self->_make_submit_cf unless -e "$self->{etc}/submit.cf";
	my $message = $self->{scratch}->write('submitted', $text);
	return Scratch::slurp_command('sh', '-c', 'exec "$@" 2>&1 <"$0"',
		$message, _program('sendmail'), '-C', "$self->{etc}/submit.cf",
		'-i', @arguments);
}

# How many messages wait in the queue.
sub queued
{
	my ($self) = @_;
	return scalar(() = glob $self->{scratch}->path('mqueue/qf*'));
}

# For whom they are.
sub waiting_for
{
	my ($self) = @_;
	return map { Scratch::slurp($_) =~ /^R\w*:<?(.*?)>?$/mg }
	    glob $self->{scratch}->path('mqueue/qf*');
}

# ---- files ------------------------------------------------------------------

# Sendmail reads no key that others may read.
sub _make_certificate
{
	my ($self) = @_;
	$self->{identity} = $self->{authority}->issue($domain);
	chmod 0600, $self->{identity}{key};
	return;
}

# SASL looks for Sendmail.conf in folders of the system.
sub _make_logins
{
	my ($self) = @_;
	my $folder = $self->{scratch}->folder('sasl');
	my $database = "$folder/sasldb2";
	$self->{scratch}->write('sasl/Sendmail.conf', <<"END");
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $database
mech_list: PLAIN LOGIN
END
	for my $login (sort keys %{ $self->{logins} }) {
		open my $pipe, '|-', qw(saslpasswd2 -p -c -f), $database, '-u',
		    $domain, $login or die "saslpasswd2: $!\n";
		print {$pipe} $self->{logins}{$login};
		close $pipe or die "saslpasswd2 failed\n";
	}
	chmod 0600, $database;
	return _run(qw(mount --bind), $folder, '/usr/lib/sasl2');
}

# The .cf beside the .mc.
sub _build
{
	my ($mc) = @_;
	(my $cf = $mc) =~ s/mc$/cf/;
	(my $folder = _cf()) =~ s{m4/cf\.m4$}{};
	return _shell('m4', "-D_CF_DIR_=$folder", _cf(), $mc, ">$cf");
}

sub _make_cf
{
	my ($self) = @_;
	return _build($self->{scratch}->write('mail/sendmail.mc', $self->_mc));
}

# As sendmail-cf has it, with a queue of its own and no DNS.
sub _make_submit_cf
{
	my ($self) = @_;
	my $scratch = $self->{scratch};
	my $queue = $scratch->folder('submitqueue', 0770,
		scalar getpwnam('mail'), scalar getgrnam('mail'));
	return _build($scratch->write('mail/submit.mc', <<"END"));
define(`confCF_VERSION', `Submit')dnl
define(`__OSTYPE__', `')dnl
define(`MSP_QUEUE_DIR', `$queue')dnl
define(`confPID_FILE', `$queue/pid')dnl
define(`confRUN_AS_USER', `mail:mail')dnl
define(`confTRUSTED_USER', `mail')dnl
define(`confDOMAIN_NAME', `$domain')dnl
define(`confSERVICE_SWITCH_FILE', `$self->{etc}/service.switch')dnl
define(`confQUEUE_LA', `1000')dnl
FEATURE(`nocanonify')dnl
FEATURE(`msp', `[127.0.0.1]', `25')dnl
END
}

# What an administrator has anyway, then what the test is about.
sub _mc
{
	my ($self) = @_;
	my ($etc, $scratch) = @$self{qw(etc scratch)};
	my %define = (
		MAIL_SETTINGS_DIR => "$etc/",
		QUEUE_DIR => $scratch->path('mqueue'),
		STATUS_FILE => "$etc/statistics",
		ALIAS_FILE => '',
		HELP_FILE => '',
		SMART_HOST => 'relay:[127.0.0.1]',
		RELAY_MAILER_ARGS => "TCP \$h $self->{sink}",
		confDOMAIN_NAME => $domain,
		confPID_FILE => $scratch->path('sendmail.pid'),
		confCW_FILE => "-o $etc/local-host-names",
		confCT_FILE => '',
		confDONT_PROBE_INTERFACES => 'True',
		confDELIVERY_MODE => 'interactive',
		confSERVICE_SWITCH_FILE => "$etc/service.switch",
		confTO_IDENT => '0',
		confDEF_USER_ID => 'mail:mail',
		(map { ("conf${_}_LA" => 1000) } qw(QUEUE REFUSE DELAY)),
		confSERVER_CERT => $self->{identity}{cert},
		confSERVER_KEY => $self->{identity}{key},
		confCACERT => $self->ca,
		confCACERT_PATH => $etc,
	);
	return join "\n", 'OSTYPE(`linux\')',
	    (map { "define(`$_', `$define{$_}')dnl" } sort keys %define),
	    (map { "FEATURE(`$_')dnl" } qw(no_default_msa nocanonify
		accept_unresolvable_domains)),
	    (map { "DAEMON_OPTIONS(`$_')dnl" } @{ $self->{listeners} }),
	    $self->{lines}, 'MAILER(`local\')dnl', 'MAILER(`smtp\')dnl', '';
}

1;
