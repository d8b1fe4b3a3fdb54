#!/usr/bin/perl
# relay_sendmail.t - every form of every relay tester, and ours, through a real
# Sendmail: with the guard, and with a Sendmail that is open to all, where the
# milter stands alone. What counts is what arrives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Attack;
use Authority;
use Milter;
use Scratch;
use Sendmail;
use Sink;
use Smtp;

my $scratch = Sendmail::enter(addresses => [qw(2001:db8::25),
	Attack::addresses()]);
my $ipv6 = Scratch::has_ipv6();
my $sink = Sink->new($scratch);
my $authority = Authority->new($scratch);

# Where clients connect to: of IPv4 and IPv6, and of IPv6 that takes IPv4 too.
my %port = (guarded => [25, 2501], open => [2502, 2503], bare => [2504]);
my $milter = Milter->new($scratch, main => Attack::main(),
	defaults => Attack::defaults(),
	connectors => { Attack::connectors(map { @{ $port{$_} } }
		qw(guarded open)) });
chmod 0750, $scratch->path('milter.run');
$milter->start;

sub mta
{
	my (@part) = @_;
	# The loader warns of what these connectors do on purpose.
	return Scratch::slurp_command('sh', '-c', 'exec "$@" 2>/dev/null',
		'sh', Milter::program('connectorctl'), qw(mta sendmail), @part,
		'--config', $milter->config);
}

sub listeners
{
	my ($place, $more) = @_;
	my ($port, $mapped) = @{ $port{$place} };
	my @options = "Family=inet, Port=$port, Name=$place";
	push @options, "Family=inet6, Addr=2001:db8::25, Port=$port, "
	    . "Name=${place}6" if $ipv6;
	push @options, "Family=inet6, Port=$mapped, Name=${place}m"
	    if $ipv6 && $mapped;
	return map { $_ . ($more // '') } @options;
}

sub sendmail
{
	my ($name, $lines, @listeners) = @_;
	my $sendmail = Sendmail->new($scratch, name => $name,
		lines => mta() . "$lines\ndefine(`MAIL_HUB', "
		    . "`relay:[127.0.0.1]')dnl\n"
		    . "define(`ALIAS_FILE', `null:/none')dnl\n",
		sink => $sink->port, authority => $authority,
		listeners => \@listeners, logins => { alice => 'secret' });
	$sendmail->local_names(qw(localhost [192.0.2.25] [127.0.0.1]));
	$sendmail->access(join '', mta('guard'), map { "To:$_\tRELAY\n" }
		qw(example.com sub.example.org legacy.example));
	$sendmail->start;
	return $sendmail;
}

my $guarded = sendmail('closed', '', listeners('guarded'));
# A filter that is not there, and may be missing.
my $open = sendmail('wide', 'define(`_PROMISCUOUS_RELAY_\', 1)dnl' . "\n"
	. 'MAIL_FILTER(`none\', `S=local:/nowhere\')dnl', listeners('open'),
	listeners('bare', ', InputMailFilters=none'));

sub fresh
{
	my ($unit) = @_;
	my ($port, $mapped) = @{ $port{ $unit->{place} } };
	return Smtp->new($unit->{client} =~ /:/ ? '2001:db8::25' : '192.0.2.25',
		$unit->{mapped} ? $mapped : $port, from => $unit->{client});
}

sub enter
{
	my ($unit) = @_;
	my $smtp = fresh($unit);
	$smtp->ehlo;
	return $smtp unless $unit->{tls};
	$smtp->starttls($guarded->ca, ref $unit->{tls} ? $unit->{tls} : ());
	$smtp->ehlo;
	return $smtp unless $unit->{login};
	my $reply = $smtp->auth_plain($unit->{login}, 'secret');
	return $reply =~ /^235/ ? $smtp
	    : die "$unit->{class} cannot enter: $reply\n";
}

# Bare names are the hub's, which is named by its address.
my $attack = Attack->new($scratch,
	also => ['mx.example.com', '[127.0.0.1]'],
	spread => 3,
	long => $ENV{LONG},
	ca => sub { $guarded->ca },
	enter => \&enter,
	fresh => \&fresh,
	arrived => sub { $sink->messages });
my $tally = $attack->raid(
	(map { Attack::units($_, $authority) } qw(guarded open)),
	Attack::relay_client('guarded'),
	Attack::relay_client('bare', all => 1));
$attack->verdict($tally);

is $guarded->queued, 0, 'nothing waits';
# Sendmail itself leaves there what was too often on its way.
is_deeply [grep { $attack->is_foreign($_) } $open->waiting_for], [],
    '... for a foreign recipient';
is $milter->stop, 0, 'the milter ends well';

done_testing;
