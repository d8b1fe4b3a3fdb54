package Truth;

# The decision, written a second time and from its description alone: who a
# session is, what rights that gives, and what each rule says to it.
#
#   Truth::usual('connector=yes live=yes ...');
#   my $outcome = Truth::judge('live=no tls=TLSv1.1');
#
# takes the inputs of a row of t/truth_table.c as words, those that are not as
# usual, and returns what the program has to print behind them. Answers are NO,
# YES and UNKNOWN; UNKNOWN never permits, and a certain NO is never softened by
# something unknown.
#
# Where the description is silent the safer reading stands here: a verified
# client name that cannot be held may be any name; a bare sender is refused;
# XCLIENT of a server's login is basic where the connector has no integrated; a
# postmaster who takes internal senders only is closed to all others. One
# reading is not the safer one: a routed recipient is relay and so is not looked
# up.

use strict;
use warnings;

use Socket qw(inet_pton AF_INET AF_INET6);

use constant { NO => 0, YES => 1, UNKNOWN => 2 };

my %usual;
my %in;    # the words of the row, still encoded
my %is;    # what follows from them: login, identity, ...

my %answer = (no => NO, yes => YES, unknown => UNKNOWN);

# ---- words -------------------------------------------------------------------

my %decoded;

sub word
{
	my ($text) = @_;
	return $decoded{$text}
	    //= $text =~ s/%([0-9A-F]{2})/chr hex $1/egr;
}

my %lists;

sub list
{
	my ($text) = @_;
	return @{ $lists{$text} //= [split ' ', word($text)] };
}

# ---- names and addresses -----------------------------------------------------

my @accepted = ('example.com', '*.example.net');
my @internal_relay = ('legacy.example');
my @external_relay = ('external.example');
my %own_hosts = map { $_ => 1 } inet_pton(AF_INET, '192.0.2.25'),
    inet_pton(AF_INET6, '2001:db8::25');

my $label = qr/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/i;

# Lower case; undef for what is no host name.
sub host_name
{
	my ($text) = @_;
	return $text =~ /^$label(?:\.$label)*\z/ && length $text <= 253
	    ? lc $text : undef;
}

sub is_below
{
	my ($name, $parent) = @_;
	return length $name > length $parent
	    && substr($name, -1 - length $parent) eq ".$parent";
}

# Is the name in a list of d and *.d?
my %in_domains;

sub in_domains
{
	my ($name, @patterns) = @_;
	return $in_domains{"$name @patterns"} //= grep {
		/^\*\.(.*)/ ? is_below($name, $1) : $name eq $_
	} @patterns;
}

# The octets inside the brackets of a literal, undef when there are none.
sub literal
{
	my ($text) = @_;
	return inet_pton(AF_INET6, $1) if $text =~ /^IPv6:(.*)\z/i;
	return $text =~ /^\d+(?:\.\d+){3}\z/
	    ? inet_pton(AF_INET, $text) : undef;
}

my $atext = qr/[A-Za-z0-9!#\$%&'*+\/=?^_`{|}~-]/;
my %mailboxes;

# kind is invalid, null, bare, domain or literal.
sub mailbox
{
	my ($text) = @_;
	return $mailboxes{$text} //= parse_mailbox(word($text));
}

sub parse_mailbox
{
	my ($path) = @_;
	my $invalid = { kind => 'invalid' };
	my %box = (routed => 0);
	$path = $1 if $path =~ /^<(.*)>\z/;
	return { kind => 'null' } if $path eq '';
	if ($path =~ s/^\@([^:]+)://) {
		my @hops = split /,@?/, $1;
		return $invalid if grep { !defined host_name($_) } @hops;
		$box{routed} = 1;
	}
	if ($path =~ s/^"((?:[^"\\]|\\.)*)"//) {
		$box{local} = $1 =~ s/\\(.)/$1/gr;
	} elsif ($path =~ s/^($atext+(?:\.$atext+)*)//) {
		$box{local} = $1;
	} else {
		return $invalid;
	}
	$box{routed} = 1 if $box{local} =~ /[%!:@]/ || $box{local} =~ /^imcea/i;
	return { kind => 'bare', %box } if $path eq '';
	return $invalid unless $path =~ s/^\@//;
	if ($path =~ /^\[(.*)\]\z/) {
		my $address = literal($1);
		return defined $address
		    ? { kind => 'literal', address => $address, %box }
		    : $invalid;
	}
	my $domain = host_name($path);
	return defined $domain
	    ? { kind => 'domain', domain => $domain, %box } : $invalid;
}

# Does an item user@d, d or *.d of a setting match?
sub patterns_match
{
	my ($setting, $box) = @_;
	return 0 if $box->{kind} ne 'domain';
	for my $item (list($setting)) {
		my ($local, $domain) = $item =~ /^(?:(.*)\@)?(.*)\z/;
		next if defined $local && lc $local ne lc $box->{local};
		return 1 if in_domains($box->{domain}, $domain);
	}
	return 0;
}

# Ours to deliver, as a literal: with address_literals, of own_hosts.
sub is_own_literal
{
	my ($box) = @_;
	return $in{address_literals} eq 'yes' && $box->{kind} eq 'literal'
	    && exists $own_hosts{ $box->{address} };
}

# ---- who ---------------------------------------------------------------------

my %mechanism = (
	(map { $_ => 'basic' } qw(PLAIN LOGIN XOAUTH2 OAUTHBEARER)),
	(map { $_ => 'integrated' } qw(NTLM GSSAPI GSS-SPNEGO CRAM-MD5
		DIGEST-MD5)),
	XCLIENT => 'xclient',
);

my %certificates;

# The macros {verify}, {cn_subject}, {cert_subject}; "-" is one not sent.
sub certificate
{
	my ($text) = @_;
	return $certificates{$text} //= do {
		my ($verify, $cn, $subject) = map { $_ eq '-' ? undef : $_ }
		    split /\|/, word($text), -1;
		my $name = $subject;
		if (defined $verify) {
			$name = $cn // (map { s/\+([0-9A-F]{2})/chr hex $1/egr }
				    map { /^CN=(.*)/s ? $1 : () }
				    split m{/}, $subject // '')[-1];
			$name = undef if $verify ne 'OK';
		}
		(defined $name ? host_name($name) : undef) // '';
	};
}

sub log_in
{
	my ($type, $name) = split /\|/, word($in{auth}), -1;
	$is{login} = $is{mechanism} = '';
	return if grep { $_ eq '' || $_ eq '-' } $type, $name;
	return if $type eq 'ANONYMOUS';
	$is{login} = lc $name;
	$is{mechanism} = $mechanism{$type}
	    // ($type =~ /^SCRAM-/ ? 'integrated' : 'other');
	return;
}

sub is_server_login
{
	return $is{login} ne '' && grep { lc $_ eq "login:$is{login}" }
	    list($in{server_identities});
}

# TLS as its own number; 0 is none, "other" one that we do not know.
my %tls_number = ('' => 0, 'TLSv1' => 1, 'TLSv1.1' => 2, 'TLSv1.2' => 3,
	'TLSv1.3' => 4);

sub identity
{
	my %mechanism = map { $_ => 1 } list($in{auth_mechanism});
	my %group = map { $_ => 1 } list($in{permission_groups});
	my $certificate = $in{tls} eq '' ? '' : certificate($in{certificate});
	my @proven;
	$is{mechanisms} = \%mechanism;
	$is{groups} = \%group;
	$is{proven} = undef;
	return 'externally_secured' if $mechanism{external_authoritative}
	    && $group{exchange_servers};
	return 'server' if $mechanism{exchange_server} && (is_server_login()
		|| $certificate ne '' && grep { $_ eq "cert:$certificate" }
		list($in{server_identities}));
	return 'user' if $is{login} ne '';
	return 'anonymous' unless $in{domain_secure_enabled} eq 'yes'
	    && $certificate ne '';
	@proven = sort { length $b <=> length $a }
	    grep { $certificate eq $_ || is_below($certificate, $_) }
	    list($in{tls_receive_domain_secure_list});
	$is{proven} = $proven[0];
	return @proven ? 'partner' : 'anonymous';
}

# ---- rights ------------------------------------------------------------------

my @rights = qw(accept_any_recipient accept_any_sender
	accept_authentication_flag accept_authoritative_domain_sender
	accept_headers_forest accept_headers_organization
	accept_headers_routing bypass_anti_spam bypass_message_size_limit
	submit);

my @all_but_headers = qw(submit accept_any_recipient accept_any_sender
	accept_authoritative_domain_sender accept_authentication_flag
	bypass_anti_spam bypass_message_size_limit accept_headers_routing);
my %group_gives = (
	anonymous => { anonymous_users => [qw(submit accept_any_sender
		accept_authoritative_domain_sender accept_headers_routing)] },
	user => { exchange_users => [qw(submit accept_any_recipient
		bypass_anti_spam accept_headers_routing)] },
	partner => { partners => [qw(submit accept_headers_routing)] },
	server => {
		exchange_servers => \@rights,
		exchange_legacy_servers => \@all_but_headers,
	},
	externally_secured => { exchange_servers => \@all_but_headers },
);

my %principals_of = (
	anonymous => ['anonymous'],
	user => ['users'],
	partner => ['partners'],
	server => ['servers', 'legacy_servers'],
	externally_secured => ['externally_secured'],
);

my @staff = ('boss@example.com', 'hub', 'joe');

# Does forward and reverse DNS agree?
sub host_known
{
	my $resolve = $in{client_resolve};
	return $resolve eq 'OK' ? YES
	    : $resolve eq 'TEMP' || $resolve eq '' ? UNKNOWN : NO;
}

# Does the client's name fit NAME or .d?
sub host_holds
{
	my ($item) = @_;
	return $is{host_known} if $is{host_known} != YES;
	# Verified, but a name that we cannot hold could be any.
	return UNKNOWN if $in{client_name} eq '';
	return $item =~ /^\.(.*)/ ? (is_below($in{client_name}, $1) ? YES : NO)
	    : $in{client_name} eq $item || is_below($in{client_name}, $item)
	    ? YES : NO;
}

sub holds
{
	my ($principal) = @_;
	my ($kind, $name) = split /:/, $principal, 2;
	return $is{principals}{$kind} ? YES : NO unless defined $name;
	return host_holds($name) if $kind eq 'host';
	return NO if $is{login} eq '';
	return $is{login} eq lc $name ? YES : NO if $kind eq 'user';
	return (grep { $is{login} eq $_ } @staff) ? YES : NO;
}

sub right_of
{
	my ($right) = @_;
	my $given = $is{given}{$right} ? YES : NO;
	return $given if $in{$right} eq '';
	my $taken = NO;
	for my $item (list($in{$right})) {
		my $deny = $item =~ /^-(.*)/ ? $1 : undef;
		my $holds = holds($deny // $item);
		if (defined $deny) {
			return NO if $holds == YES;
			$taken = UNKNOWN if $holds == UNKNOWN;
		} elsif ($holds == YES || $given == NO) {
			$given = $holds;
		}
	}
	return $given == YES ? ($taken == UNKNOWN ? UNKNOWN : YES) : $given;
}

sub identify
{
	log_in();
	$is{identity} = identity();
	$is{host_known} = host_known();
	$is{principals} = { map { $_ => 1 }
		    @{ $principals_of{ $is{identity} } } };
	my $gives = $group_gives{ $is{identity} };
	$is{given} = { map { $_ => 1 } map { @{ $gives->{$_} } }
		    grep { $is{groups}{$_} } keys %$gives };
	$is{right} = { map { $_ => right_of($_) } @rights };
	return;
}

# ---- what an address claims --------------------------------------------------

sub own_domain
{
	my ($domain) = @_;
	return in_domains($domain, @accepted, $in{own_domains} eq 'accepted'
	    ? (@internal_relay, @external_relay) : ());
}

# What the directory says is for local@domain alone, and needs a directory.
sub claims
{
	my ($box, $says) = @_;
	my %claim;
	return {} unless $box->{kind} eq 'domain' || $box->{kind} eq 'literal';
	return { own => is_own_literal($box) } if $box->{kind} eq 'literal';
	$says = 'no' if $in{directory} eq 'no';
	$claim{own} = own_domain($box->{domain});
	$claim{listed} = $says eq 'yes' || $says eq 'owned';
	$claim{unknown} = $says eq 'unknown';
	$claim{owned} = $is{login} ne '' && ($says eq 'owned'
		|| $is{login} eq lc "$box->{local}\@$box->{domain}");
	$claim{proven} = defined $is{proven} && ($box->{domain} eq $is{proven}
		|| is_below($box->{domain}, $is{proven}));
	$claim{allowed} = patterns_match($in{allowed_senders}, $box);
	return \%claim;
}

# May the session use this address of our own domains?
sub may_be_ours
{
	my ($claim) = @_;
	my $right = $is{right}{accept_authoritative_domain_sender};
	return YES if !$claim->{own} || $claim->{owned} || $right == YES;
	return UNKNOWN if $claim->{unknown} && $is{login} ne '';
	return $right;
}

# Is it an address that a session of this kind may use without the right?
sub fits_identity
{
	my ($claim) = @_;
	if ($is{identity} eq 'user'
		|| $is{identity} eq 'server' && $is{login} ne '') {
		return $claim->{owned} ? YES : $claim->{unknown} ? UNKNOWN : NO;
	}
	return $claim->{proven} ? YES : NO if $is{identity} eq 'partner';
	return NO if $claim->{own} || $claim->{listed};
	return $claim->{unknown} ? UNKNOWN : YES;
}

sub may_be_anybody
{
	my ($claim, $held_to_list) = @_;
	my $right = $is{right}{accept_any_sender};
	return NO if $is{identity} eq 'anonymous' && $held_to_list
	    && list($in{allowed_senders}) && !$claim->{allowed};
	return YES if $right == YES;
	my $fits = fits_identity($claim);
	return $fits == NO ? $right : $fits;
}

# ---- the rules, in their order -----------------------------------------------
#
# Each returns SKIPPED, an answer, or NO and the reply (one of the row's own
# when there are several).

use constant SKIPPED => 3;

my %reply = (
	undecided => '451 4.3.0 Cannot decide now, please try again later',
	listener => '451 4.3.5 Server configuration problem',
	no_connector => '421 4.3.2 Service not available',
	max_inbound_connection => '421 4.3.2 The maximum number of concurrent '
	    . 'server connections has exceeded a limit, closing transmission '
	    . 'channel',
	max_inbound_connection_per_source => '421 4.3.2 The maximum number of '
	    . 'concurrent server connections has exceeded a per-source limit, '
	    . 'closing transmission channel',
	connection_timeout => '421 4.4.1 Connection timed out',
	max_protocol_errors => '421 4.7.0 Too many errors on this connection, '
	    . 'closing transmission channel',
	require_ehlo_domain =>
	    '501 5.0.0 HELO / EHLO requires domain address',
	helo_syntax => '501 5.5.4 Invalid domain name',
	require_tls => '530 5.7.0 Must issue a STARTTLS command first',
	auth_mechanism =>
	    '530 5.7.0 Authentication mechanism not offered here',
	needs_tls => '538 5.7.11 Encryption required for requested '
	    . 'authentication mechanism',
	submit => ['530 5.7.57 SMTP; Client was not authenticated to send '
		. 'anonymous mail during MAIL FROM',
		'530 5.7.1 Client was not authenticated'],
	sender_syntax => '501 5.1.7 Invalid address',
	back_pressure => '452 4.3.1 Insufficient system resources',
	message_rate_limit => '421 4.4.2 Message submission rate for this '
	    . 'client has exceeded the configured limit',
	max_message_size =>
	    '552 5.3.4 Message size exceeds fixed maximum message size',
	authoritative_domain_sender => ['550 5.7.60 SMTP; Client does not have '
		. 'permissions to send as this sender', '550 5.7.1 Client does '
		. 'not have permissions to send as this sender'],
	recipient_syntax => '501 5.1.3 Invalid address',
	reserved_top => '550 5.1.4 Recipient address reserved by RFC 2606',
	reserved_second => '550 5.1.5 Recipient address reserved by RFC 2606',
	single_label_domain => '550 5.1.6 Recipient addresses in single label '
	    . 'domains not accepted',
	relay => ['550 5.7.54 SMTP; Unable to relay recipient in non-accepted '
		. 'domain', '550 5.7.1 Unable to relay'],
	recipient_lookup => '550 5.1.1 User unknown',
	internal_only => '550 5.7.1 RESOLVER.RST.AuthRequired; authentication '
	    . 'required',
	max_recipients_per_message => '452 4.5.3 Too many recipients',
	max_header_size => '552 5.3.4 Header size exceeds fixed maximum size',
	max_hop_count => '554 5.4.6 Hop count exceeded - possible mail loop',
	max_local_hop_count =>
	    '554 5.4.6 Hop count exceeded - possible mail loop',
);
$reply{any_sender} = $reply{authoritative_domain_sender};

my %helo_forms;

sub helo_form
{
	my ($name) = @_;
	return 'none' if $name =~ /^ *\z/;
	return 'strict' if $name =~ /^\[(.*)\]\z/ ? defined literal($1)
	    : defined host_name($name);
	$name =~ s/ +\z//;
	$name =~ s/\.\z//;
	$name =~ tr/_/x/;
	return defined host_name($name) ? 'tolerant' : 'malformed';
}

sub helo
{
	return $helo_forms{ $in{helo} } //= helo_form(word($in{helo}));
}

sub require_tls
{
	return SKIPPED if $in{require_tls} eq 'no';
	return NO if $in{tls} eq '';
	return YES if $in{tls_min_version} eq 'none';
	my $version = $tls_number{ $in{tls} };
	return UNKNOWN unless defined $version;
	return $version >= $tls_number{ $in{tls_min_version} } ? YES : NO;
}

# A server's login may come by any way. XCLIENT passes as integrated only where
# the connector itself says so.
sub auth_mechanism
{
	my $way = $is{mechanism};
	return YES if $way eq '';
	my $offered = $is{mechanisms};
	my $server = $offered->{exchange_server} && is_server_login();
	$way = $offered->{integrated} ? 'integrated' : 'basic'
	    if $way eq 'xclient';
	return NO unless $server || $way eq 'integrated'
	    && $offered->{integrated} || $way eq 'basic'
	    && $offered->{basic_auth};
	return (NO, 'needs_tls') if $way eq 'basic' && $in{tls} eq ''
	    && $offered->{basic_auth_require_tls};
	return YES;
}

# Times of a session are milliseconds, limits seconds.
sub connection_timeout
{
	return SKIPPED if $in{live} eq 'no';
	return NO if $in{age} >= 1000 * $in{connection_timeout};
	return $in{silence} >= 1000 * $in{connection_inactivity_timeout}
	    ? NO : YES;
}

sub max_protocol_errors
{
	return SKIPPED if $in{live} eq 'no';
	return YES if $in{max_protocol_errors} eq 'unlimited';
	return $in{protocol_errors} > $in{max_protocol_errors} ? NO : YES;
}

# Our own servers are refused last.
sub back_pressure
{
	return SKIPPED if $in{live} eq 'no';
	return YES if $in{pressure} eq 'low';
	return NO if $in{pressure} eq 'high';
	return UNKNOWN if $in{pressure} eq 'unknown';
	return $is{identity} eq 'server'
	    || $is{identity} eq 'externally_secured' ? YES : NO;
}

# Who may, for certain, send messages of any size is not asked.
sub size_fits
{
	my ($size) = @_;
	my $bypass = $is{right}{bypass_message_size_limit};
	return SKIPPED if $bypass == YES;
	return $size > $in{max_message_size} ? $bypass : YES;
}

sub unless_untold
{
	my ($judge) = @_;
	return sub { $in{message_told} eq 'no' ? SKIPPED : $judge->() };
}

sub sender_syntax
{
	my $kind = mailbox($in{sender})->{kind};
	return NO if $in{mail_parameters_valid} eq 'no';
	return $kind eq 'invalid' || $kind eq 'bare' ? NO : YES;
}

sub sender_claims
{
	return claims(mailbox($in{sender}), $in{sender_says});
}

sub null_sender
{
	return mailbox($in{sender})->{kind} eq 'null';
}

sub bare_postmaster
{
	my ($box) = @_;
	return $box->{kind} eq 'bare' && lc $box->{local} eq 'postmaster';
}

sub recipient_syntax
{
	my $box = mailbox($in{recipient});
	return NO if $in{rcpt_parameters_valid} eq 'no';
	return $box->{kind} eq 'domain' || $box->{kind} eq 'literal'
	    || bare_postmaster($box) ? YES : NO;
}

sub reserved_domain
{
	my $top = $in{reject_reserved_top_level} eq 'yes';
	my $second = $in{reject_reserved_second_level} eq 'yes';
	return SKIPPED unless $top || $second;
	my $domain = mailbox($in{recipient})->{domain} // return YES;
	return (NO, 'reserved_top') if $top
	    && $domain =~ /(?:^|\.)(?:test|example|invalid|localhost)\z/;
	return (NO, 'reserved_second') if $second
	    && $domain =~ /(?:^|\.)example\.(?:com|net|org)\z/;
	return YES;
}

sub single_label_domain
{
	return SKIPPED if $in{reject_single_label} eq 'no';
	my $domain = mailbox($in{recipient})->{domain} // return YES;
	return $domain =~ /\./ ? YES : NO;
}

sub accepted
{
	my ($box) = @_;
	return is_own_literal($box) if $box->{kind} eq 'literal';
	return in_domains($box->{domain}, @accepted, @internal_relay,
		@external_relay);
}

# What narrows the right of anonymous sessions refuses for certain, whatever
# else is unknown.
sub relay
{
	my $box = mailbox($in{recipient});
	return YES if bare_postmaster($box);
	return YES if !$box->{routed} && accepted($box);
	my $right = $is{right}{accept_any_recipient};
	return NO if $right == NO;
	if ($is{identity} eq 'anonymous') {
		return NO if list($in{relay_to}) && ($box->{routed}
			|| !patterns_match($in{relay_to}, $box));
		return NO if list($in{relay_from})
		    && !patterns_match($in{relay_from}, mailbox($in{sender}));
	}
	return UNKNOWN if $box->{routed} && $in{recipient_resolved} eq 'no';
	return $right;
}

sub recipient_lookup
{
	my $box = mailbox($in{recipient});
	my $bypass = $is{right}{bypass_anti_spam};
	my @domains = list($in{recipient_domains});
	return SKIPPED if $in{recipient_filter} eq 'no'
	    || $in{directory} eq 'no' || $bypass == YES;
	# Of a routed form the domain decides nothing: it is relay.
	return YES if $box->{kind} ne 'domain' || $box->{routed}
	    || !in_domains($box->{domain}, @domains ? @domains : @accepted);
	return YES if lc $box->{local} eq 'postmaster' && accepted($box);
	my $listed = $answer{ $in{recipient_listed} };
	return $listed == NO ? $bypass : $listed;
}

sub is_internal
{
	return $is{identity} eq 'user' || $is{identity} eq 'externally_secured'
	    || $is{identity} eq 'server' && $in{auth_null} eq 'no';
}

sub internal_only
{
	my $box = mailbox($in{recipient});
	return YES if is_internal() || $in{directory} eq 'no'
	    || $box->{kind} eq 'bare';
	my $only = $answer{ $in{recipient_internal_only} };
	return $only == UNKNOWN ? UNKNOWN : $only == YES ? NO : YES;
}

# Is the message's header From left out of it?
sub is_exempt
{
	my $box = mailbox($in{sender});
	my $exempt = NO;
	for my $item (list($in{header_from_exempt})) {
		if ($item =~ /^host:(.*)/) {
			my $holds = host_holds($1);
			return YES if $holds == YES;
			$exempt = UNKNOWN if $holds == UNKNOWN;
		} else {
			return YES if $box->{kind} eq 'domain'
			    && in_domains($box->{domain}, $item);
		}
	}
	return $exempt;
}

# Of all authors: one that is refused is enough.
sub authors
{
	my ($judge) = @_;
	return SKIPPED if $in{check_header_from} eq 'no'
	    || $in{authors} eq '-';
	my $exempt = is_exempt();
	return SKIPPED if $exempt == YES;
	my $answer = YES;
	for my $author (list($in{authors})) {
		my ($address, $says) = split /!/, $author;
		my $one = $judge->(claims(mailbox($address), $says));
		return $exempt == UNKNOWN ? UNKNOWN : NO if $one == NO;
		$answer = UNKNOWN if $one == UNKNOWN;
	}
	return $answer;
}

my %rules = (
	connect => [
		admission => sub {
			return SKIPPED if $in{live} eq 'no';
			return $in{admitted} eq 'yes' ? YES : NO;
		},
		client_address => sub {
			return $in{client} eq 'unknown' ? NO : YES;
		},
		listener => sub {
			return $in{listener} eq 'unknown' ? NO : YES;
		},
		no_connector => sub {
			return $in{connector} eq 'no' ? NO : YES;
		},
		max_inbound_connection => sub {
			return SKIPPED if $in{live} eq 'no';
			return $in{slot} eq 'connector_full' ? NO : YES;
		},
		max_inbound_connection_per_source => sub {
			return SKIPPED if $in{live} eq 'no';
			return $in{slot} eq 'source_full' ? NO : YES;
		},
	],
	helo => [
		connection_timeout => \&connection_timeout,
		max_protocol_errors => \&max_protocol_errors,
		require_ehlo_domain => sub {
			return SKIPPED if $in{require_ehlo_domain} eq 'no';
			return helo() eq 'none' ? NO : YES;
		},
		helo_syntax => sub {
			return SKIPPED if $in{helo_syntax} eq 'off'
			    || helo() eq 'none';
			return NO if helo() eq 'malformed';
			return helo() eq 'tolerant'
			    && $in{helo_syntax} eq 'strict' ? NO : YES;
		},
	],
	mail => [
		connection_timeout => \&connection_timeout,
		max_protocol_errors => \&max_protocol_errors,
		require_tls => \&require_tls,
		auth_mechanism => \&auth_mechanism,
		submit => sub { return $is{right}{submit} },
		sender_syntax => \&sender_syntax,
		back_pressure => \&back_pressure,
		message_rate_limit => sub {
			return SKIPPED if $in{live} eq 'no';
			return $in{rate_exceeded} eq 'yes' ? NO : YES;
		},
		authoritative_domain_sender => sub {
			return may_be_ours(sender_claims());
		},
		any_sender => sub {
			return null_sender() ? YES
			    : may_be_anybody(sender_claims(), 1);
		},
		max_message_size => sub {
			return $in{declared_size} eq '-' ? SKIPPED
			    : size_fits($in{declared_size});
		},
	],
	rcpt => [
		connection_timeout => \&connection_timeout,
		max_protocol_errors => \&max_protocol_errors,
		recipient_syntax => \&recipient_syntax,
		reserved_domain => \&reserved_domain,
		single_label_domain => \&single_label_domain,
		relay => \&relay,
		recipient_lookup => \&recipient_lookup,
		internal_only => \&internal_only,
		max_recipients_per_message => sub {
			return $in{recipients_accepted}
			    < $in{max_recipients_per_message} ? YES : NO;
		},
	],
	eom => [
		authoritative_domain_sender => sub {
			return authors(\&may_be_ours);
		},
		any_sender => sub {
			return authors(sub { may_be_anybody($_[0],
				$in{check_header_from} eq 'yes') });
		},
		max_message_size => unless_untold(sub {
			return size_fits($in{message_bytes});
		}),
		max_header_size => sub {
			return NO if $in{header_overfull} eq 'yes';
			return $in{header_bytes} > $in{max_header_size}
			    ? NO : YES;
		},
		max_hop_count => unless_untold(sub {
			return $in{hops} > $in{max_hop_count} ? NO : YES;
		}),
		max_local_hop_count => unless_untold(sub {
			return YES if $in{max_local_hop_count} == 0;
			return $in{local_hops} > $in{max_local_hop_count}
			    ? NO : YES;
		}),
	],
);

sub rules_of
{
	my ($stage) = @_;
	my @names = @{ $rules{$stage} };
	return @names[grep { $_ % 2 == 0 } 0 .. $#names];
}

# ---- the walk ----------------------------------------------------------------

my @outcomes = ('refused', 'passed', 'undecided', 'skipped');

# The line a client gets; $id names the row of %reply.
sub reply_line
{
	my ($rule, $id) = @_;
	my $reply = $reply{$id} // return 'at connect';
	if ($id eq 'internal_only' && $in{internal_only_reply} eq 'unknown') {
		$reply = $reply{recipient_lookup};
		$rule = 'recipient_lookup';
	}
	$reply = $reply->[$in{reply_style} eq '2010'] if ref $reply;
	return $reply if $in{identify_connector} eq 'no';
	my $connector = $in{connector} eq 'no' ? '-' : 'c';
	return "$reply [connector $connector, rule $rule]";
}

sub is_noted
{
	my ($stage, $rule) = @_;
	return $stage eq 'eom' && $rule =~ /_sender\z/
	    && $in{check_header_from} eq 'monitor';
}

sub stage
{
	my ($stage) = @_;
	my ($verdict, $by, $noted, @steps) = ('accept', '-|-', '-|-');
	my @rules = @{ $rules{$stage} };
	while (my ($rule, $judge) = splice @rules, 0, 2) {
		my ($answer, $id) = $judge->();
		push @steps, "$rule:$outcomes[$answer]";
		next if $answer == YES || $answer == SKIPPED;
		my $line = reply_line($rule,
			$answer == UNKNOWN ? 'undecided' : $id // $rule);
		if (is_noted($stage, $rule)) {
			$noted = "$rule|$line" if $noted eq '-|-';
			next;
		}
		$by = "$rule|$line";
		$verdict = $line =~ /^5/ ? 'reject' : 'tempfail';
		last;
	}
	return "$stage=$verdict|$by|$noted|" . join ',', @steps;
}

sub rights_that_are
{
	my ($answer) = @_;
	return join ',', grep { $is{right}{$_} == $answer } @rights;
}

sub usual
{
	my ($words) = @_;
	%usual = $words =~ /(\w+)=(\S*)/g;
	return;
}

sub judge
{
	my ($words) = @_;
	%in = (%usual, $words =~ /(\w+)=(\S*)/g);
	my $connect = stage('connect');
	return $connect if $in{connector} eq 'no';
	identify();
	return join ' ', $connect, "identity=$is{identity}",
	    'held=' . rights_that_are(YES),
	    'unknown=' . rights_that_are(UNKNOWN),
	    map { stage($_) } qw(helo mail rcpt eom);
}

1;
