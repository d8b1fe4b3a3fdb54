#!/usr/bin/perl
# relay_postfix.t - every form of every relay tester, and ours, through a real
# Postfix: with the guard, and with a Postfix that is open to all, where the
# milter stands alone. What counts is what arrives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Attack;
use Authority;
use Case;
use Milter;
use Play;
use Relay;
use Scratch;

my %open = (smtpd_relay_restrictions => 'check_client_access static:OK, '
	. 'reject_unauth_destination');
my $play = Play->new(listeners => { guarded => {},
	open => { options => { %open } },
	bare => { options => { %open, smtpd_milters => '' } } });
my $authority = Authority->new($play->scratch);

my $milter = Milter->new($play->scratch, main => Attack::main(),
	defaults => Attack::defaults(),
	connectors => { Attack::connectors(map { $play->port($_) }
		qw(guarded open)) });
$milter->start;
$play->raise($milter, authority => $authority,
	domains => 'example.com, sub.example.org, localhost, mx.example.com',
	logins => { alice => 'secret' },
	main => {
		relay_domains => 'legacy.example',
		myorigin => 'example.com',
		proxy_interfaces => '192.0.2.25',
		smtpd_hard_error_limit => 100_000,
		smtpd_recipient_limit => 2000,
		smtpd_authorized_xclient_hosts => '127.0.0.0/8',
	});

sub written
{
	my ($unit) = @_;
	return ($unit->{mapped} ? '::ffff:' : '') . $unit->{client};
}

is scalar(Relay::pairs()), 45, 'the pairs of the public testers';

my $attack = Attack->new($play->scratch,
	long => $ENV{LONG},
	ca => sub { $play->postfix->ca },
	enter => sub {
		my ($unit) = @_;
		my ($smtp, $why) = Case::enter($play, { %$unit,
			at => $unit->{place}, client => written($unit) });
		return $smtp // die "$unit->{class} cannot enter: $why\n";
	},
	fresh => sub {
		my ($unit) = @_;
		return $play->stranger($unit->{place}, written($unit));
	},
	arrived => sub { $play->arrived });
my $tally = $attack->raid(
	(map { Attack::units($_, $authority) } qw(guarded open)),
	Attack::relay_client('guarded'),
	Attack::relay_client('bare', all => 1));
$attack->verdict($tally);

is $play->postfix->queued, 0, 'nothing waits';
is $milter->stop, 0, 'the milter ends well';

done_testing;
