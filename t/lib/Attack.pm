package Attack;

# Plays every form of Relay.pm from every kind of client, and counts what of it
# arrives for a foreign recipient. Whatever the replies say, only that counts.
#
#   my $attack = Attack->new($scratch,
#       enter => sub { my ($unit) = @_; ... an Smtp, greeted and logged in },
#       fresh => sub { my ($unit) = @_; ... one that has said nothing yet },
#       ca => sub { ... the file of who certifies the MTA },
#       arrived => sub { ... all messages at the sink },
#       also => [more domains that are ours], spread => 3, long => 1);
#   $attack->verdict($attack->raid(@units));
#
# A unit is { place, class, client, from, tls, login }: a client of some kind,
# at an address, with a sender it may claim, and the listener it goes to. Each
# has a process and a session of its own. The units of a class share the forms,
# and with a spread of n a class plays every n-th, so that each form is played
# by an n-th of the classes. With long each class plays all of them, each
# recipient with every sender. A form whose sender is refused is asked again as
# the unit's own sender, so that each recipient is judged.

use strict;
use warnings;

use Relay;
use Scratch;
use Test::More;

# What else is ours: by the name, by the address, and in other spellings.
my @ours = ('example.com', 'mx.example.com', 'localhost', '[192.0.2.25]',
	'[127.0.0.1]', 'sub.example.org', 'legacy.example', 'EXAMPLE.COM.');

sub new
{
	my ($class, $scratch, %with) = @_;
	return bless {
		spread => 1,
		also => [],
		%with,
		scratch => $scratch,
		forms => [Relay::forms(\@ours)],
		every => [Relay::forms(\@ours, all => $with{long})],
		dialogues => [Relay::dialogues()],
	}, $class;
}

# ---- who attacks ------------------------------------------------------------

# The configuration for them.
sub main
{
	return <<'END';
[organization]
accepted_domains               = example.com, *.example.org
internal_relay_domains         = legacy.example
own_hosts                      = 192.0.2.25
tls_receive_domain_secure_list = partner.example
END
}

# Whoever tries so many malformed addresses is hung up on; not here, where each
# of them has to be answered.
sub defaults
{
	return <<'END';
max_protocol_errors        = unlimited
max_recipients_per_message = 2000
message_rate_limit         = unlimited
END
}

# What a client may have without the right to relay, and still not relay.
my $lax = <<'END';
permission_groups = anonymous_users
default_domain    = example.com
address_literals  = yes
END

my %connectors = (
	internet => "usage = internet\n"
	    . "remote_ip_ranges = 203.0.113.0/25\n",
	lax => $lax . 'remote_ip_ranges = 203.0.113.128/25, 2001:db8:2::/48, '
	    . "198.51.100.0/24, 2001:db8:8::/47, 192.0.2.0/25\n",
	relay => <<'END',
remote_ip_ranges     = 198.51.100.64/26, 2001:db8:9::/52
permission_groups    = anonymous_users
accept_any_recipient = anonymous
END
	narrow => "${lax}remote_ip_ranges = 192.0.2.128/25\n" . <<'END',
accept_any_recipient = anonymous
relay_to             = partner.example
END
	partner => <<'END',
usage            = partner
remote_ip_ranges = 10.1.0.0/16
END
	users => <<'END',
usage                = client
default_domain       = example.com
address_literals     = yes
remote_ip_ranges     = 10.2.0.0/16
accept_any_recipient = -users
accept_any_sender    = users
accept_authoritative_domain_sender = users
END
);

# Each serves all these ports.
sub connectors
{
	my (@ports) = @_;
	my $bindings = join ', ', map { ("0.0.0.0:$_", "[::]:$_") } @ports;
	return map { $_ => "bindings = $bindings\n$connectors{$_}" }
	    keys %connectors;
}

# The classes: who, as what sender, from where.
my $ada = '<ada@sender.example>';
my @classes = (
	['outside, IPv4', $ada, ['203.0.113.9', '203.0.113.200']],
	['outside, IPv6', $ada, ['2001:db8:2::9']],
	['outside, IPv4 mapped', $ada, ['203.0.113.200', '198.51.100.128'],
	    mapped => 1],
	['beside a relay range', $ada, ['198.51.100.63', '198.51.100.128',
	    '2001:db8:9:1000::', '2001:db8:8:ffff:ffff:ffff:ffff:ffff']],
	['behind a NAT here', $ada, ['192.0.2.25']],
	['a user without the right', '<alice@example.com>', ['10.2.3.4'],
	    tls => 1, login => 'alice'],
	['a certificate of no meaning', $ada, ['203.0.113.201'],
	    certificate => 'mail.foreign.example'],
	['a partner', '<joe@partner.example>', ['10.1.2.3'],
	    certificate => 'partner.example'],
	['a relay client beyond its domain', $ada, ['192.0.2.200']],
);

# All of them, at a place. Where there is no IPv6, there is none.
sub units
{
	my ($place, $authority) = @_;
	my $six = Scratch::has_ipv6();
	my @units;
	for my $row (@classes) {
		my ($class, $from, $clients, %more) = @$row;
		next if $more{mapped} && !$six;
		$more{tls} = $authority->issue($more{certificate})
		    if defined $more{certificate};
		push @units, map { { place => $place, class => $class,
			client => $_, from => $from, %more } }
		    grep { $six || !/:/ } @$clients;
	}
	return @units;
}

# Every address that a client has.
sub addresses
{
	my %all = map { $_ => 1 } relay_client('')->{client},
	    map { @{ $_->[2] } } @classes;
	return sort keys %all;
}

# Who may relay: the control. all => 1: it plays all forms.
sub relay_client
{
	my ($place, %more) = @_;
	return { %more, place => $place, class => 'a relay client',
		control => 1, client => '198.51.100.70', from => $ada };
}

# ---- one raid ---------------------------------------------------------------

# All units at once; then what came of it, by place and class: { cases, judged,
# deferred, taken, lost, talked, honest, ours, notices, relayed, copies }.
# relayed is a list of texts; copies, by form, to how many of us a message went.
sub raid
{
	my ($self, @units) = @_;
	my %of;
	push @{ $of{"$_->{place}/$_->{class}"} }, $_ for @units;
	my @workers;
	my $turn = 0;
	for my $name (sort keys %of) {
		my $n = my @clients = @{ $of{$name} };
		push @workers, map { [$name, $self->_send_out($clients[$_],
			$self->_share($clients[$_], $turn, $_, $n))] }
		    0 .. $n - 1;
		$turn++;
	}
	my %tally;
	for my $worker (@workers) {
		my ($name, $pid, $report) = @$worker;
		defined Scratch::reap($pid, 600) or die "$name hangs\n";
		my ($done, @figures) = split ' ', Scratch::slurp($report);
		die "$name: " . Scratch::slurp($report)
		    if ($done // '') ne 'done';
		my %figure = @figures;
		$tally{$name}{$_} += $figure{$_} for keys %figure;
	}
	$self->_count(\%tally);
	return \%tally;
}

# Does a unit play the form of that number? It is the k-th of the n of its
# class.
sub _share
{
	my ($self, $unit, $turn, $k, $n) = @_;
	my $spread = $unit->{all} || $self->{long} ? 1 : $self->{spread};
	return sub {
		my ($i) = @_;
		return ($i + $turn) % $spread == 0
		    && int($i / $spread) % $n == $k;
	};
}

# The process, and the file of its figures.
sub _send_out
{
	my ($self, $unit, $plays) = @_;
	my $report = $self->{scratch}->path('report.' . ++$self->{sent});
	my $pid = Scratch::worker(sub {
		my %figure = map { $_ => 0 }
		    qw(cases judged deferred taken lost talked honest);
		my $done = eval { $self->_play($unit, \%figure, $plays); 1 };
		open my $file, '>:raw', "$report.fresh" or return;
		print {$file} $done ? "done @{[%figure]}" : "failed: $@";
		close $file;
		rename "$report.fresh", $report;
	});
	return ($pid, $report);
}

sub _play
{
	my ($self, $unit, $figure, $plays) = @_;
	my @forms = @{ $self->{ $unit->{control} ? 'forms' : 'every' } };
	my $smtp;
	for my $form (@forms[grep { $plays->($_) } 0 .. $#forms]) {
		$figure->{cases}++;
		my $fate;
		# Who is hung up on comes again, once.
		for (1, 2) {
			$smtp //= $self->{enter}->($unit);
			$fate = _attempt($smtp, $unit, $form, $form->{id}
			    . ": $form->{rcpt}");
			last if $fate ne 'lost';
			$smtp = undef;
		}
		$figure->{$fate}++;
	}
	my @dialogues = @{ $self->{dialogues} };
	for my $i (grep { $plays->($_) } 0 .. $#dialogues) {
		$figure->{cases}++;
		$figure->{talked}++;
		$self->_converse($unit, $dialogues[$i]);
	}
	$figure->{honest} += _attempt($self->{enter}->($unit), $unit,
		{ mail => $unit->{from}, rcpt => '<' . Relay::OWN . '>' },
		'honest') eq 'taken';
	return;
}

# taken, judged, deferred, or lost: the MTA hung up before it could judge.
sub _attempt
{
	my ($smtp, $unit, $form, $what) = @_;
	my ($sender, $reply) = _ask($smtp, $form->{mail}, $form->{rcpt});
	($sender, $reply) = _ask($smtp, $unit->{from}, $form->{rcpt})
	    if $sender =~ /^[45](?!21)/;
	return 'lost' if $sender !~ /^2/ || $reply !~ /^[245](?!21)/;
	return $reply =~ /^4/ ? 'deferred' : 'judged' if $reply !~ /^2/;
	return $smtp->message(_text($unit, $what)) =~ /^2/
	    ? 'taken' : 'judged';
}

# The replies to MAIL and RCPT.
sub _ask
{
	my ($smtp, $from, $to) = @_;
	$smtp->send_raw("RSET\r\nMAIL FROM:$from\r\nRCPT TO:$to\r\n");
	return (map { $smtp->reply } 1 .. 3)[1, 2];
}

# A message that says where it is from.
sub _text
{
	my ($unit, $what) = @_;
	$what =~ s/[^ -~]/?/g;
	return "Subject: case $unit->{place}/$unit->{class}/"
	    . substr($what, 0, 120) . "\n\nx\n";
}

sub _converse
{
	my ($self, $unit, $play) = @_;
	my ($first, @lines) = @{ $play->{lines} };
	my $fresh = $first eq '{FRESH}';
	unshift @lines, $first if !$fresh;
	my $text = _text($unit, $play->{id}) =~ s/\n/\r\n/gr;
	@lines = map { Relay::fill($_, $unit->{from}, $text) } @lines;
	my $smtp = $self->{ $fresh ? 'fresh' : 'enter' }->($unit);
	$smtp->patience(10);
	if ($play->{how} eq 'once') {
		$smtp->send_raw(join '', map { "$_\r\n" } @lines);
	} else {
		my $waves = $play->{how} eq 'waves';
		$self->_step($smtp, $waves, @lines) or return;
	}
	$smtp->send_raw("\r\nQUIT\r\n");
	1 while $smtp->reply =~ /^\d/;
	return $smtp->close;
}

# False when the connection is gone. A message is sent where it was asked for,
# and so is what an AUTH wants to know.
sub _step
{
	my ($self, $smtp, $waves, @lines) = @_;
	my ($reply, $owed) = ('', 0);
	for my $line (@lines) {
		next if $line =~ /\r\n\.\z/ && $reply !~ /^354/;
		next if $line =~ s/^\{334\}// && $reply !~ /^334/;
		if ($line eq 'STARTTLS') {
			$reply = $smtp->starttls($self->{ca}->());
		} else {
			$smtp->send_raw("$line\r\n");
			$owed++;
			next if $waves && $line =~ /^(?:MAIL|RCPT|RSET)/;
			$reply = $smtp->reply while $owed-- > 0;
			$owed = 0;
		}
		return 0 if $reply !~ /^\d/;
	}
	return 1;
}

# ---- what arrived -----------------------------------------------------------

# Where such an address is in truth: not in a domain of ours, or behind one.
# Exchange would take an encapsulated one apart.
sub is_foreign
{
	my ($self, $arrived) = @_;
	my ($local, $domain) = $arrived =~ /^(.*)\@(.*)$/s;
	return 1 if !defined $local || $local =~ /[%!\@:]|^"?IMCEA/i;
	$domain =~ s/\.\z//;
	return 0 if $domain =~ /\.example\.org\z/i;
	return !grep { lc $domain eq $_ } 'example.com', 'legacy.example',
	    Relay::LITERAL, @{ $self->{also} };
}

# A report to the sender is no relay.
sub _is_notice
{
	my ($message) = @_;
	return $message->{from} eq ''
	    && $message->{data} =~ m{^Content-Type: multipart/report}m;
}

sub _count
{
	my ($self, $tally) = @_;
	for my $message ($self->{arrived}->()) {
		my ($name, $what) = $message->{data}
		    =~ m{^Subject: case ([^/\n]*/[^/\n]*)/(.*)}m;
		my $row = $tally->{ $name // 'untold' } //= {};
		if (_is_notice($message)) {
			$row->{notices}++;
			next;
		}
		$what //= '?';
		my @out = grep { $self->is_foreign($_) } @{ $message->{to} };
		push @{ $row->{relayed} }, "$what => @out" if @out;
		$row->{ours}++ if @{ $message->{to} } > @out;
		$row->{copies}{$what} += @{ $message->{to} } - @out;
	}
	return;
}

# ---- the verdict ------------------------------------------------------------

# Nothing was relayed but what the two controls relayed: who may, and who came
# to an open MTA without a milter.
sub verdict
{
	my ($self, $tally) = @_;
	cmp_ok scalar @{ $self->{forms} }, '>=', 400, @{ $self->{forms} }
	    . ' forms and ' . @{ $self->{dialogues} } . ' dialogues';
	my %all = (cases => 0, relayed => 0);
	for my $name (grep { !m{/a relay client$} } sort keys %$tally) {
		my $row = $tally->{$name};
		my @relayed = @{ $row->{relayed} // [] };
		is_deeply \@relayed, [], "$name: " . ($row->{cases} // 0)
		    . ' cases, relayed ' . @relayed;
		_was_played($name, $row) if $name ne 'untold';
		$all{cases} += $row->{cases} // 0;
		$all{relayed} += @relayed;
	}
	is $all{relayed}, 0, "in all: $all{cases} cases, relayed $all{relayed}";
	my ($may, $bare) = @$tally{'guarded/a relay client',
	    'bare/a relay client'};
	cmp_ok @{ $may->{relayed} }, '>', $may->{cases} / 3, 'a relay client: '
	    . "$may->{cases} cases, relayed " . @{ $may->{relayed} };
	cmp_ok @{ $bare->{relayed} }, '>', 300, 'an open MTA without milter: '
	    . "$bare->{cases} cases, relayed " . @{ $bare->{relayed} };
	my @talked = grep { !/: / } @{ $bare->{relayed} };
	cmp_ok @talked, '>', 30, "... $bare->{talked} of them dialogues, "
	    . 'relayed ' . @talked;
	return;
}

sub _was_played
{
	my ($name, $row) = @_;
	is $row->{judged} + $row->{taken} + $row->{talked} + $row->{lost},
	    $row->{cases}, '... all were played';
	# Lines beyond all length.
	cmp_ok $row->{lost}, '<=', $row->{cases} / 100,
	    "... $row->{lost} hung up on";
	is $row->{deferred}, 0, '... none has to come again';
	cmp_ok $row->{honest}, '>=', 1, '... an honest message is taken';
	cmp_ok $row->{ours} // 0, '>=', $row->{taken} + $row->{honest}
	    - @{ $row->{relayed} // [] }, "... $row->{taken} of the forms are, "
	    . 'and all arrive here';
	my $many = $row->{copies}{'1,000 recipients, one foreign'};
	is $many, 999, '... 999 of 1,000 recipients are ours'
	    if defined $many;
	return;
}

1;
