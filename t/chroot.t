#!/usr/bin/perl
# chroot.t - Debian's form: smtpd is chrooted to the queue folder, and the
# milter's socket lives below it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Milter;
use Play qw(guarded tagged);

my $queue_socket = 'connector-milter/milter.sock';
my $play = Play->new(listeners => {
	chrooted => { chroot => 'y' },
	outside => { chroot => 'y' },
});
my $queue = $play->scratch->folder('queue');
my %port = map { $_ => $play->port($_) } qw(chrooted outside);
my $milter = Milter->new($play->scratch,
	socket => "unix:$queue/$queue_socket",
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { internet => <<"END", bank => <<"END" });
usage            = internet
bindings         = 0.0.0.0:$port{chrooted}, 0.0.0.0:$port{outside}
remote_ip_ranges = 0.0.0.0/0
END
bindings          = 0.0.0.0:$port{chrooted}
remote_ip_ranges  = 198.51.100.0/24
permission_groups = anonymous_users
require_tls       = yes
END
$milter->start;
$play->{listeners}{outside}{options}{smtpd_milters} = $milter->for_postfix;
$play->raise($milter, milter => "unix:$queue_socket");

my $smtp = $play->client('chrooted', '203.0.113.9');
is $smtp->mail('alice@example.com'), tagged('550 5.7.60 SMTP; Client does not '
    . 'have permissions to send as this sender', 'internet',
    'authoritative_domain_sender'), 'a chrooted smtpd asks the milter';
is $smtp->deliver('ada@sender.example', ['x@foreign.example']),
    guarded('x@foreign.example'), 'and the guard';
$smtp->cmd('RSET');
like $smtp->deliver('ada@sender.example', ['alice@example.com']),
    qr/^250 2\.0\.0 Ok: queued as/, 'a message is accepted';
is_deeply $play->arrived_for, ['alice@example.com'], 'and arrives';

my $bank = $play->client('chrooted', '198.51.100.7');
is $bank->mail('teller@bank.example'), tagged('530 5.7.0 Must issue a STARTTLS '
    . 'command first', 'bank', 'require_tls'), 'TLS is required';
like $bank->starttls($play->postfix->ca), qr/^220/, 'STARTTLS';
is $bank->mail('teller@bank.example'), '250 2.1.0 Ok', 'and then given';

my $lost = $play->client('outside', '203.0.113.9');
is $lost->mail('ada@sender.example'),
    '451 4.7.1 Service unavailable - try again later',
    'an absolute path is out of its reach: mail is deferred';

is $milter->stop, 0, 'the milter stops';
is $play->client('chrooted', '203.0.113.9')->mail('ada@sender.example'),
    '451 4.7.1 Service unavailable - try again later',
    'and mail is deferred';
$milter->start;
is $play->client('chrooted', '203.0.113.9')->mail('ada@sender.example'),
    '250 2.1.0 Ok', 'until it is back';

done_testing;
