/*
 * session_policy.h - the fixed configurations of session.c, and next to each
 * what it has to mean, as naively as can be said: what is not allowed here must
 * never be accepted, whatever was said before.
 */
#ifndef SESSION_POLICY_H
#define SESSION_POLICY_H

#include <arpa/inet.h>

#include "naive.h"

/* What the client has told so far; of MAIL since the newest one. */
struct known {
	bool connected;
	bool listener;            /* told, and its port is 25 */
	bool relay_host;          /* its verified name is in relay.example */
	unsigned char client[16]; /* IPv4 as mapped; all 0: none */
	bool tls;
	const char *login;       /* NULL: not logged in */
	const char *certificate; /* NULL: none verified */
	const char *from;
};

struct meaning {
	const char *text;
	const char *const *domains; /* accepted ones */
	bool (*may_send)(const struct known *known);
	bool (*may_relay)(const struct known *known, const char *to);
	bool monitors;
	bool completes; /* default_domain */
	bool literals;  /* address_literals */
	unsigned recipients;
	unsigned hops;
	unsigned errors;
	long long bytes;
	long long ms; /* connection_timeout */
	bool judges_author;
	bool is_always_anonymous;
};

#define ALL_CLIENTS \
	"bindings = 0.0.0.0:25, [::]:25\nremote_ip_ranges = 0.0.0.0/0, ::/0\n"
#define OURS "[organization]\naccepted_domains = ours.example, *.ours.example\n"

static const char *const ours[] = { "ours.example", "*.ours.example", NULL };
static const char *const ours_alone[] = { "ours.example", NULL };

/* Is the client's IPv4 address a.b.x.y? */
static bool
is_in_net(const struct known *known, unsigned a, unsigned b)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(known->client, mapped, 12) == 0 &&
	    known->client[12] == a && known->client[13] == b;
}

static bool
anybody(const struct known *known UNUSED)
{
	return true;
}

static bool
nobody_relays(const struct known *known UNUSED, const char *to UNUSED)
{
	return false;
}

/* Strangers may not say that they are one of ours. */
static bool
stranger_by_name(const struct known *known)
{
	return !naive_in_domains(known->from, ours);
}

static bool
relays_inside(const struct known *known, const char *to)
{
	static const char *const partners[] = { "partner.example", NULL };

	return is_in_net(known, 10, 1) && known->login == NULL &&
	    naive_in_domains(to, partners) &&
	    naive_in_domains(known->from, ours);
}

static bool
user_by_tls(const struct known *known)
{
	return known->login != NULL && known->tls;
}

static bool
user_relays(const struct known *known, const char *to UNUSED)
{
	return known->login != NULL;
}

static bool
in_closed_net(const struct known *known)
{
	return is_in_net(known, 10, 9) && known->login != NULL;
}

static bool
is_server(const struct known *known)
{
	return (known->login != NULL && naive_same(known->login, "mx1")) ||
	    (known->tls && known->certificate != NULL &&
		strcmp(known->certificate, "mx1.ours.example") == 0);
}

static bool
server_or_partner(const struct known *known)
{
	if (is_in_net(known, 10, 2) || is_server(known))
		return true;
	/* Who logs in is no partner any more, and users may not send. */
	return known->login == NULL && known->tls &&
	    known->certificate != NULL &&
	    naive_within(known->certificate, "partner.example");
}

static bool
server_relays(const struct known *known, const char *to UNUSED)
{
	return is_in_net(known, 10, 2) || is_server(known);
}

/* Who logged in may relay but bob, and so may hosts of relay.example. */
static bool
user_or_host_relays(const struct known *known, const char *to UNUSED)
{
	if (known->login != NULL && naive_same(known->login, "bob"))
		return false;
	return known->login != NULL || known->relay_host;
}

/* clang-format off */
static const struct meaning meanings[] = {
	{ OURS "[connector internet]\nusage = internet\n"
	    "check_header_from = yes\n" ALL_CLIENTS,
	    ours, stranger_by_name, nobody_relays, .recipients = 200,
	    .hops = 60, .errors = 5, .bytes = 37748736, .ms = 600000,
	    .judges_author = true, .is_always_anonymous = true },
	{ OURS "[connector internet]\nusage = internet\n" ALL_CLIENTS
	    "[connector inside]\nusage = anonymous_relay\n"
	    "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.1.0.0/16\n"
	    "relay_to = partner.example\n"
	    "relay_from = ours.example, *.ours.example\n",
	    ours, anybody, relays_inside, .recipients = 200, .hops = 60,
	    .errors = 5, .bytes = 37748736, .ms = 600000,
	    .is_always_anonymous = true },
	{ "[organization]\naccepted_domains = ours.example\n"
	    "[connector users]\nusage = client\nrequire_tls = yes\n"
	    "accept_any_sender = users\ndefault_domain = ours.example\n"
	    "accept_authoritative_domain_sender = users\n"
	    "max_recipients_per_message = 3\nmax_hop_count = 4\n"
	    "max_message_size = 64K\n" ALL_CLIENTS,
	    ours_alone, user_by_tls, user_relays, .completes = true,
	    .recipients = 3, .hops = 4, .errors = 5, .bytes = 65536,
	    .ms = 600000 },
	{ OURS "[connector closed]\npermission_groups = exchange_users\n"
	    "auth_mechanism = basic_auth\naccept_any_recipient = -users\n"
	    "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.9.0.0/16\n",
	    ours, in_closed_net, nobody_relays, .recipients = 200, .hops = 60,
	    .errors = 5, .bytes = 37748736, .ms = 600000 },
	{ OURS "tls_receive_domain_secure_list = partner.example\n"
	    "[connector servers]\nusage = partner\n"
	    "auth_mechanism = tls, exchange_server\naccept_open_relay = yes\n"
	    "permission_groups = exchange_servers, partners\n"
	    "server_identities = login:mx1, cert:mx1.ours.example\n"
	    ALL_CLIENTS
	    "[connector secured]\nusage = externally_secured\n"
	    "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.2.0.0/16\n",
	    ours, server_or_partner, server_relays, .recipients = 200,
	    .hops = 60, .errors = 5, .bytes = 37748736, .ms = 600000 },
	{ "[milter]\nstamp_key_file = stamp.key\n" OURS
	    "[directory]\nrecipients = recipients.txt\n"
	    "[connector strict]\nusage = internet\nrecipient_filter = yes\n"
	    "resolve_anonymous_senders = yes\n"
	    "max_protocol_errors = 2\nconnection_timeout = 1m\n"
	    "connection_inactivity_timeout = 50s\nhelo_syntax = strict\n"
	    "max_header_size = 1K\n" ALL_CLIENTS,
	    ours, stranger_by_name, nobody_relays, .recipients = 200,
	    .hops = 60, .errors = 2, .bytes = 37748736, .ms = 60000,
	    .is_always_anonymous = true },
	{ OURS "own_hosts = 192.0.2.25\n"
	    "[directory]\nrecipients = recipients.txt\n"
	    "[group staff]\nmembers = alice, ann\n"
	    "[connector mixed]\naccept_open_relay = yes\n"
	    "permission_groups = anonymous_users, exchange_users\n"
	    "auth_mechanism = tls, integrated, basic_auth\n"
	    "accept_any_recipient = -user:bob, group:staff, "
	    "host:relay.example\n"
	    "address_literals = yes\ninternal_only_reply = unknown\n"
	    "resolve_anonymous_senders = annotate\n"
	    "reject_single_label_recipient_domains = yes\n"
	    "reject_reserved_second_level_recipient_domains = yes\n"
	    "protected_headers = X-Internal-\nmax_local_hop_count = 1\n"
	    "allowed_senders = client.example, ours.example\n"
	    "check_header_from = monitor\nrequire_ehlo_domain = yes\n"
	    ALL_CLIENTS,
	    ours, anybody, user_or_host_relays, .literals = true,
	    .recipients = 200, .hops = 60, .errors = 5, .bytes = 37748736,
	    .ms = 600000 },
	{ OURS "[connector watched]\nusage = internet\nmode = monitor\n"
	    ALL_CLIENTS,
	    ours, anybody, nobody_relays, .monitors = true, .recipients = 200,
	    .hops = 60, .errors = 5, .bytes = 37748736, .ms = 600000 },
};
/* clang-format on */

/*
 * May this recipient be accepted? Without the right only in our domains, and
 * postmaster alone; bare names where they are completed.
 */
static bool
may_receive(
    const struct meaning *meaning, const struct known *known, const char *to)
{
	char *address;
	const char *at;
	bool ours_here;

	if (meaning->monitors || meaning->may_relay(known, to) ||
	    naive_in_domains(to, meaning->domains))
		return true;
	address = naive_path(to);
	at = strrchr(address, '@');
	ours_here = meaning->literals && at != NULL && at > address &&
	    naive_same(at, "@[192.0.2.25]") &&
	    !naive_routed(address, (size_t)(at - address));
	if (at == NULL)
		ours_here = meaning->completes ||
		    naive_same(address, "postmaster") ||
		    naive_same(address, "\"postmaster\"");
	free(address);
	return ours_here;
}

#endif
