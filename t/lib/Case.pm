package Case;

# One SMTP transaction as a row of a table, for the end-to-end tests.
#
#   Case::check($play, { what => 'a stranger writes', client => '203.0.113.9',
#       from => 'ada@sender.example', to => 'alice@example.com' });
#
# what      the name of the test
# at        the listener, mx if missing
# client    its address; as: further XCLIENT words
# tls       1, or the client's own { cert, key }
# login     of the password "secret"
# helo      the name at EHLO
# from, parameter, to     the envelope; from is ada@sender.example if missing
# text      the message; without one the transaction ends after RCPT
# mail, rcpt, data        the replies; Postfix's own Ok where missing. data may
#           be a pattern

use strict;
use warnings;

use Test::More;

my $ok = qr/^250 2\.0\.0 Ok: queued as \w+$/;

# Greeted, encrypted and logged in; or undef and the reply that was in the way.
sub enter
{
	my ($play, $case) = @_;
	my $smtp = $play->stranger($case->{at} // 'mx', $case->{client},
		@{ $case->{as} // [] });
	my @helo = $case->{helo} // 'client.example';
	my @step = (sub { $smtp->ehlo(@helo) });
	push @step, sub { $smtp->starttls($play->postfix->ca,
		ref $case->{tls} ? $case->{tls} : ()) },
	    sub { $smtp->ehlo(@helo) } if $case->{tls};
	push @step, sub { $smtp->auth_plain($case->{login}, 'secret') }
	    if defined $case->{login};
	for my $step (@step) {
		my $reply = $step->();
		return (undef, $reply) if $reply !~ /^2/;
	}
	return $smtp;
}

# The replies to MAIL, RCPT and DATA, as far as it came.
sub transact
{
	my ($play, $case) = @_;
	my ($smtp, $trouble) = enter($play, $case);
	return $trouble unless defined $smtp;
	my @replies = $smtp->mail($case->{from} // 'ada@sender.example',
		$case->{parameter} // ());
	push @replies, $smtp->rcpt($case->{to})
	    if defined $case->{to} && $replies[0] =~ /^2/;
	push @replies, $smtp->message($case->{text})
	    if defined $case->{text} && $replies[-1] =~ /^2/;
	$smtp->quit;
	return @replies;
}

sub check
{
	my ($play, $case) = @_;
	my @got = transact($play, $case);
	my @want = ($case->{mail} // '250 2.1.0 Ok');
	push @want, $case->{rcpt} // '250 2.1.5 Ok'
	    if defined $case->{to} && !defined $case->{mail};
	if (defined $case->{text} && !defined($case->{mail} // $case->{rcpt})) {
		my $data = $case->{data} // $ok;
		push @want, ref $data && ($got[2] // '') =~ $data
		    ? $got[2] : $data;
	}
	return is join(', ', @got), join(', ', @want), $case->{what};
}

1;
