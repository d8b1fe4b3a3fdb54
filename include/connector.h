/*
 * connector.h - one receive connector, and the organization around it, as the
 * plain values that rules read.
 *
 * Filled by the configuration at load (floor 3), constant from then on and
 * shared by all threads; memory belongs to the snapshot's arena. Names and
 * meanings are those of Exchange's Set-ReceiveConnector.
 */
#ifndef CONNECTOR_H
#define CONNECTOR_H

#include <limits.h>
#include <stdint.h>

#include "addrset.h"
#include "facts.h"
#include "identity.h"
#include "reply.h"

/* AuthMechanism, as bits. None at all is "none". */
enum auth_mechanism {
	AUTH_TLS = 1,
	AUTH_INTEGRATED = 2,
	AUTH_BASIC = 4,
	AUTH_BASIC_REQUIRE_TLS = 8,
	AUTH_EXCHANGE_SERVER = 16,
	AUTH_EXTERNAL_AUTHORITATIVE = 32,
};

struct bindings {
	const struct endpoint *endpoints;
	size_t count;
};

/* Decide and act, or decide and only log. */
enum mode { MODE_ENFORCE, MODE_MONITOR };

/* Is the header From judged like the envelope sender? */
enum header_check { HEADER_CHECK_NO, HEADER_CHECK_MONITOR, HEADER_CHECK_YES };

/* What the directory's name for an unverified sender is used for. */
enum resolution { RESOLVE_NO, RESOLVE_ANNOTATE, RESOLVE_YES };

enum helo_syntax { HELO_SYNTAX_TOLERANT, HELO_SYNTAX_STRICT, HELO_SYNTAX_OFF };

/* A limit that is none. */
#define UNLIMITED LLONG_MAX

/* Whose messages are counted together: MessageRateSource. */
enum rate_source { RATE_NONE, RATE_IP_ADDRESS, RATE_USER, RATE_ALL };

/* ProtocolLoggingLevel. */
enum logging_level { LOGGING_NONE, LOGGING_VERBOSE };

enum internal_only_reply { INTERNAL_ONLY_AUTHREQUIRED, INTERNAL_ONLY_UNKNOWN };

/* An item of server_identities. */
struct server_identity {
	bool certificate; /* else a login */
	const char *name; /* login, or canonical host name */
};

struct server_identities {
	const struct server_identity *items;
	size_t count;
};

/*
 * An item of tls_domain_capabilities, whose capability is AcceptCloudServices-
 * Mail, the only one: a certificate of the domain or below it.
 */
struct capability {
	const char *domain; /* canonical */
};

struct capabilities {
	const struct capability *items;
	size_t count;
};

/* An item of header_from_exempt: d, *.d, host:NAME or host:.d. */
struct exemption {
	bool host;        /* of the client, else domain of the sender */
	bool itself;      /* the name */
	bool below;       /* all below it */
	const char *name; /* canonical */
};

struct exemptions {
	const struct exemption *items;
	size_t count;
};

/* Beginnings of field names. */
struct field_prefixes {
	const char *const *items;
	size_t count;
};

struct connector {
	/* selection */
	const char *name; /* as written */
	enum mode mode;
	bool enabled;
	bool expired; /* decided when the snapshot was built */
	struct bindings bindings;
	struct addrset remote_ip_ranges;
	/* authentication */
	unsigned auth_mechanism;    /* enum auth_mechanism */
	unsigned permission_groups; /* enum permission_group */
	bool require_tls;
	enum tls_version tls_min_version; /* TLS_OFF: any */
	bool domain_secure_enabled;
	struct capabilities tls_domain_capabilities;
	struct server_identities server_identities;
	/* rights beyond the groups, by enum right */
	struct principals rights[RIGHT_COUNT];
	bool accept_open_relay;
	/* relay and sender */
	struct mailbox_patterns relay_to;
	struct mailbox_patterns relay_from;
	struct mailbox_patterns allowed_senders;
	enum header_check check_header_from;
	struct exemptions header_from_exempt;
	enum resolution resolve_anonymous_senders;
	bool address_literals;
	const char *default_domain; /* canonical; "": none */
	/* recipients */
	bool recipient_filter;
	enum internal_only_reply internal_only_reply;
	bool reject_reserved_top_level;
	bool reject_reserved_second_level;
	bool reject_single_label;
	/* HELO */
	bool require_ehlo_domain;
	enum helo_syntax helo_syntax;
	/* limits; UNLIMITED where that is allowed, times in seconds */
	long long max_inbound_connection;
	long long max_inbound_connection_per_source;
	long long max_inbound_connection_percentage_per_source;
	long long message_rate_limit; /* a minute */
	enum rate_source message_rate_source;
	long long max_recipients_per_message;
	long long max_message_size;
	long long max_header_size;
	long long max_hop_count;
	long long max_local_hop_count; /* 0: any number */
	long long max_protocol_errors;
	long long connection_timeout;
	long long connection_inactivity_timeout;
	long long tarpit_interval;
	/* headers and log */
	bool stamp;
	struct field_prefixes protected_headers;
	enum logging_level protocol_logging_level;
	/* the MTA's, which tells what it calls itself in Received fields */
	const char *fqdn; /* canonical; "": its own */
};

enum own_domains { OWN_AUTHORITATIVE, OWN_ACCEPTED };

struct organization {
	struct domain_set accepted_domains; /* authoritative */
	struct domain_set internal_relay_domains;
	struct domain_set external_relay_domains;
	enum own_domains own_domains;
	struct addrset own_hosts;
	struct domain_set tls_receive_domain_secure_list; /* no wildcards */
	struct domain_set recipient_domains; /* empty: accepted_domains */
	const char *recipient_delimiter;     /* one character; "": none */
};

struct directory;
struct stamp_keys;

/* Everything a decision reads: one loaded configuration. */
struct policy {
	struct organization organization;
	enum reply_style reply_style;
	bool identify_connector;
	const char *stamp_prefix;
	const struct stamp_keys *stamp_keys; /* NULL: stamps are not signed */
	const struct directory *directory;   /* NULL: none; floor 5 asks it */
	const struct connector *connectors;
	size_t connector_count;
	const struct login_group *groups;
	size_t group_count;
	const struct space *space;
};

/* Is the canonical domain one of the three lists of accepted domains? */
bool organization_accepts(
    const struct organization *organization, const char *domain);

/* Is it one of our own, in the sense of own_domains? */
bool organization_owns(
    const struct organization *organization, const char *domain);

/*
 * Is an address of this domain or literal ours to deliver? Literals are where
 * they are addresses of own_hosts and the connector has address_literals.
 */
bool organization_has_mailbox(const struct organization *organization,
    const struct connector *connector, const struct mailbox *mailbox);

/* Is it an address at a literal of own_hosts, whatever that is worth here? */
bool organization_is_own_literal(
    const struct organization *organization, const struct mailbox *mailbox);

/* Is the recipient of this canonical domain looked up in the directory? */
bool organization_looks_up(
    const struct organization *organization, const char *domain);

/* Takes part in selection: enabled and not expired. */
bool connector_is_live(const struct connector *connector);

#endif
