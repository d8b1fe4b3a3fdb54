/*
 * schema_connector.c - the settings of a connector.
 */
#include "schema.h"

#include <assert.h>

#include "preset.h"
#include "setting_check.h"

/* clang-format off */
static const struct choice modes[] = {
	{ "enforce", 0 }, { "monitor", 1 }, { NULL, 0 }
};

static const struct choice mechanisms[] = {
	{ "none", 0 }, { "tls", AUTH_TLS }, { "integrated", AUTH_INTEGRATED },
	{ "basic_auth", AUTH_BASIC },
	{ "basic_auth_require_tls", AUTH_BASIC_REQUIRE_TLS },
	{ "exchange_server", AUTH_EXCHANGE_SERVER },
	{ "external_authoritative", AUTH_EXTERNAL_AUTHORITATIVE }, { NULL, 0 }
};

static const struct choice permission_groups[] = {
	{ "none", 0 }, { "anonymous_users", GROUP_ANONYMOUS_USERS },
	{ "exchange_users", GROUP_EXCHANGE_USERS },
	{ "exchange_servers", GROUP_EXCHANGE_SERVERS },
	{ "exchange_legacy_servers", GROUP_EXCHANGE_LEGACY_SERVERS },
	{ "partners", GROUP_PARTNERS }, { NULL, 0 }
};

static const struct choice tls_versions[] = {
	{ "none", TLS_OFF }, { "TLSv1", TLS_1_0 }, { "TLSv1.1", TLS_1_1 },
	{ "TLSv1.2", TLS_1_2 }, { "TLSv1.3", TLS_1_3 }, { NULL, 0 }
};

static const struct choice header_from[] = {
	{ "no", 0 }, { "monitor", 1 }, { "yes", 2 }, { NULL, 0 }
};

static const struct choice resolve[] = {
	{ "no", 0 }, { "annotate", 1 }, { "yes", 2 }, { NULL, 0 }
};

static const struct choice internal_only_replies[] = {
	{ "authrequired", 0 }, { "unknown", 1 }, { NULL, 0 }
};

static const struct choice helo_syntaxes[] = {
	{ "tolerant", 0 }, { "strict", 1 }, { "off", 2 }, { NULL, 0 }
};

static const struct choice rate_sources[] = {
	{ "none", 0 }, { "ip_address", 1 }, { "user", 2 }, { "all", 3 },
	{ NULL, 0 }
};

static const struct choice log_levels[] = {
	{ "none", 0 }, { "verbose", 1 }, { NULL, 0 }
};

static const struct choice size_modes[] = {
	{ "enabled", 0 }, { "disabled", 1 }, { "enabled_without_value", 2 },
	{ NULL, 0 }
};

#define ROW(key, when) .section = SECTION_CONNECTOR, .name = key, \
	.enforcement = ENFORCED_##when
#define AT(kind, member) FIELD(kind, connector_settings, connector.member)
#define KEPT(kind, member) FIELD(kind, connector_settings, member)
#define RIGHT(key, when, right) ROW(key, when), \
	AT(PRINCIPALS, rights[RIGHT_##right]), .initial = ""
#define SWITCH(key, when, value, is_off) ROW(key, when), NO_FIELD(BOOL), \
	.initial = value, .off = is_off

const struct setting schema_connector[] = {
	/* selection */
	{ ROW("enabled", NOW), AT(BOOL, enabled), .initial = "yes",
	    .help = "no: as if the connector were not there; its clients may "
	    "get a wider one" },
	{ ROW("bindings", NOW), AT(BINDINGS, bindings), .needs_item = true,
	    .help = "listeners it serves, 0.0.0.0:PORT and [::]:PORT for all "
	    "addresses; an exact one hides those of its port" },
	{ ROW("remote_ip_ranges", NOW), AT(RANGES, remote_ip_ranges),
	    .needs_item = true,
	    .help = "clients it serves: addresses, a/n, a(mask), a-b; the "
	    "smallest range of all connectors wins" },
	{ ROW("expires", NOW), KEPT(DATE, expires), .initial = "",
	    .help = "last valid day, local time; afterwards as if disabled" },
	{ ROW("mode", LATER), NO_FIELD(CHOICE), .choices = modes,
	    .initial = "enforce", .off = "enforce",
	    .help = "monitor: decide and log, but refuse nothing" },
	{ ROW("comment", NOW), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "for people" },
	{ ROW("owner", NOW), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "whom to ask about the connector" },
	{ ROW("usage", NOW), KEPT(CHOICE, usage), .choices = preset_usages,
	    .initial = "custom",
	    .help = "presets other settings; not in [defaults]" },

	/* authentication */
	{ ROW("auth_mechanism", NOW), AT(FLAGS, auth_mechanism),
	    .choices = mechanisms, .needs_item = true, .initial = "tls",
	    .help = "ways of proving who one is that count here" },
	{ ROW("permission_groups", NOW), AT(FLAGS, permission_groups),
	    .choices = permission_groups, .needs_item = true,
	    .initial = "none",
	    .help = "identities that get their usual rights here" },
	{ ROW("require_tls", NOW), AT(BOOL, require_tls), .initial = "no",
	    .help = "mail only over TLS" },
	{ ROW("tls_min_version", NOW), AT(CHOICE, tls_min_version),
	    .choices = tls_versions, .initial = "none",
	    .help = "oldest version that counts as TLS for require_tls" },
	{ ROW("domain_secure_enabled", LATER),
	    KEPT(BOOL, domain_secure_enabled), .initial = "no", .off = "no",
	    .help = "client certificates of tls_receive_domain_secure_list "
	    "prove partners" },
	{ ROW("tls_domain_capabilities", LATER), NO_FIELD(STRINGS),
	    .check = check_capability, .form = "list of domain:capability",
	    .initial = "", .off = "",
	    .help = "further trust in certificates of a domain" },
	{ ROW("server_identities", LATER), NO_FIELD(STRINGS),
	    .check = check_server, .form = "list of login:NAME, cert:NAME",
	    .initial = "", .off = "",
	    .help = "who is a server of ours under exchange_server" },

	/* rights beyond the groups */
	{ RIGHT("submit", NOW, SUBMIT),
	    .help = "send mail at all" },
	{ RIGHT("accept_any_recipient", NOW, ACCEPT_ANY_RECIPIENT),
	    .help = "relay: recipients in any domain" },
	{ RIGHT("accept_any_sender", GRANTS, ACCEPT_ANY_SENDER),
	    .help = "senders that are not one's own" },
	{ RIGHT("accept_authoritative_domain_sender", NOW,
		ACCEPT_AUTHORITATIVE_DOMAIN_SENDER),
	    .help = "senders in our own domains" },
	{ RIGHT("accept_authentication_flag", GRANTS,
		ACCEPT_AUTHENTICATION_FLAG),
	    .help = "MAIL AUTH= is believed" },
	{ RIGHT("bypass_anti_spam", GRANTS, BYPASS_ANTI_SPAM),
	    .help = "recipients are not looked up" },
	{ RIGHT("bypass_message_size_limit", GRANTS,
		BYPASS_MESSAGE_SIZE_LIMIT),
	    .help = "no max_message_size" },
	{ RIGHT("accept_headers_routing", GRANTS, ACCEPT_HEADERS_ROUTING),
	    .help = "keep Received and Resent fields" },
	{ RIGHT("accept_headers_organization", GRANTS,
		ACCEPT_HEADERS_ORGANIZATION),
	    .help = "keep fields of the organization" },
	{ RIGHT("accept_headers_forest", GRANTS, ACCEPT_HEADERS_FOREST),
	    .help = "keep fields of the forest" },

	/* relay and sender */
	{ ROW("accept_open_relay", NOW), AT(BOOL, accept_open_relay),
	    .initial = "no",
	    .help = "let ranges wider than /16 or, for IPv6, /48 relay "
	    "without login; not in [defaults]" },
	{ ROW("relay_to", NOW), AT(MAILBOXES, relay_to), .initial = "",
	    .help = "anonymous sessions relay to these recipients only; empty "
	    "for all" },
	{ ROW("relay_from", NOW), AT(MAILBOXES, relay_from), .initial = "",
	    .help = "anonymous sessions relay with these senders only; empty "
	    "for all" },
	{ ROW("allowed_senders", LATER), NO_FIELD(MAILBOXES), .initial = "",
	    .off = "",
	    .help = "the only senders anonymous sessions may use; empty for "
	    "all" },
	{ ROW("check_header_from", LATER), NO_FIELD(CHOICE),
	    .choices = header_from, .initial = "no", .off = "no",
	    .help = "judge the header From as the sender" },
	{ ROW("header_from_exempt", LATER), NO_FIELD(STRINGS),
	    .check = check_exempt, .form = "list of d, *.d, host:NAME",
	    .initial = "", .off = "",
	    .help = "sender domains and hosts whose header From is not "
	    "judged" },
	{ ROW("resolve_anonymous_senders", LATER), NO_FIELD(CHOICE),
	    .choices = resolve, .initial = "no", .off = "no",
	    .help = "what the directory's name for an unverified sender is "
	    "used for" },
	{ SWITCH("address_literals", LATER, "no", "no"),
	    .help = "recipients at literals of own_hosts are ours" },
	{ ROW("default_domain", LATER), NO_FIELD(TEXT), .check = check_host,
	    .form = "domain", .initial = "", .off = "",
	    .help = "completes addresses without a domain" },

	/* recipients */
	{ SWITCH("recipient_filter", LATER, "no", "no"),
	    .help = "refuse recipients that the directory does not know" },
	{ ROW("internal_only_reply", LATER), NO_FIELD(CHOICE),
	    .choices = internal_only_replies, .initial = "authrequired",
	    .help = "how recipients for internal senders are refused" },
	{ SWITCH("reject_reserved_top_level_recipient_domains", LATER, "no",
		"no"),
	    .help = "refuse .test, .example, .invalid, .localhost" },
	{ SWITCH("reject_reserved_second_level_recipient_domains", LATER,
		"no", "no"),
	    .help = "refuse example.com, .net, .org and what is below" },
	{ SWITCH("reject_single_label_recipient_domains", LATER, "no", "no"),
	    .help = "refuse domains without a dot" },

	/* HELO */
	{ SWITCH("require_ehlo_domain", LATER, "no", "no"),
	    .help = "HELO needs a name" },
	{ ROW("helo_syntax", LATER), NO_FIELD(CHOICE),
	    .choices = helo_syntaxes, .initial = "tolerant", .off = "off",
	    .help = "how strictly the HELO name is read; tolerant also takes "
	    "'_', one trailing dot and trailing blanks" },

	/* limits */
	{ ROW("max_inbound_connection", LATER), NO_FIELD(COUNT), .min = 1,
	    .max = INT32_MAX, .may_be_unlimited = true, .initial = "5000",
	    .off = "unlimited",
	    .help = "sessions at one time" },
	{ ROW("max_inbound_connection_per_source", LATER), NO_FIELD(COUNT),
	    .min = 1, .max = 10000, .may_be_unlimited = true, .initial = "20",
	    .off = "unlimited",
	    .help = "sessions of one client address at one time" },
	{ ROW("max_inbound_connection_percentage_per_source", LATER),
	    NO_FIELD(COUNT), .min = 1, .max = 100, .initial = "2",
	    .off = "100",
	    .help = "per cent of the free sessions that one client address "
	    "may have" },
	{ ROW("message_rate_limit", LATER), NO_FIELD(COUNT), .min = 1,
	    .max = INT32_MAX, .may_be_unlimited = true,
	    .initial = "unlimited", .off = "unlimited",
	    .help = "messages a minute" },
	{ ROW("message_rate_source", LATER), NO_FIELD(CHOICE),
	    .choices = rate_sources, .initial = "ip_address", .off = "none",
	    .help = "whose messages are counted together" },
	{ ROW("max_recipients_per_message", LATER), NO_FIELD(COUNT), .min = 1,
	    .max = 512000, .initial = "200",
	    .help = "accepted recipients of one message" },
	{ ROW("max_message_size", LATER), NO_FIELD(SIZE), .min = 65536,
	    .max = INT32_MAX, .initial = "36M",
	    .help = "bytes of a message" },
	{ ROW("max_header_size", LATER), NO_FIELD(SIZE), .min = 1,
	    .max = INT32_MAX, .initial = "256K",
	    .help = "bytes of all header fields" },
	{ ROW("max_hop_count", LATER), NO_FIELD(COUNT), .min = 1, .max = 500,
	    .initial = "60",
	    .help = "Received fields" },
	{ ROW("max_local_hop_count", LATER), NO_FIELD(COUNT), .max = 50,
	    .initial = "5", .off = "0",
	    .help = "Received fields by this server; 0 for any number" },
	{ ROW("max_protocol_errors", LATER), NO_FIELD(COUNT),
	    .max = INT32_MAX, .may_be_unlimited = true, .initial = "5",
	    .off = "unlimited",
	    .help = "unknown commands and syntax errors" },
	{ ROW("connection_timeout", LATER), KEPT(TIME, connection_timeout),
	    .min = 1, .max = 86400, .initial = "10m",
	    .help = "longest session" },
	{ ROW("connection_inactivity_timeout", LATER),
	    KEPT(TIME, connection_inactivity_timeout), .min = 1,
	    .max = 86400, .initial = "5m",
	    .help = "longest silence; less than connection_timeout" },
	{ ROW("tarpit_interval", LATER), NO_FIELD(TIME), .max = 8,
	    .initial = "5s", .off = "0s",
	    .help = "how long refusals of clients without login are held "
	    "back; MTAs stop waiting for a filter at 10s" },

	/* headers and log */
	{ SWITCH("stamp", LATER, "yes", "no"),
	    .help = "add fields that tell the connector and the identity" },
	{ ROW("protected_headers", LATER), NO_FIELD(STRINGS),
	    .check = check_header, .form = "list of beginnings of field names",
	    .initial = "", .off = "",
	    .help = "fields that only trusted sessions may carry" },
	{ ROW("protocol_logging_level", LATER), NO_FIELD(CHOICE),
	    .choices = log_levels, .initial = "none", .off = "none",
	    .help = "write this connector's sessions to the protocol log" },

	/* the MTA's */
	{ ROW("banner", BY_MTA), NO_FIELD(TEXT), .check = check_banner,
	    .form = "text that begins with 220", .initial = "",
	    .help = "greeting; empty for the MTA's own" },
	{ ROW("fqdn", BY_MTA), NO_FIELD(TEXT), .check = check_host,
	    .form = "host name", .initial = "",
	    .help = "what the server calls itself; empty for the MTA's own" },
	{ ROW("tls_certificate_name", BY_MTA), NO_FIELD(TEXT), .form = "text",
	    .initial = "",
	    .help = "the server's certificate" },
	{ SWITCH("pipelining_enabled", BY_MTA, "yes", NULL),
	    .help = "offer PIPELINING" },
	{ ROW("chunking_enabled", BY_MTA), KEPT(BOOL, chunking_enabled),
	    .initial = "yes",
	    .help = "offer CHUNKING" },
	{ ROW("binary_mime_enabled", BY_MTA), KEPT(BOOL, binary_mime_enabled),
	    .initial = "yes",
	    .help = "offer BINARYMIME; needs chunking_enabled" },
	{ SWITCH("eight_bit_mime_enabled", BY_MTA, "yes", NULL),
	    .help = "offer 8BITMIME" },
	{ SWITCH("delivery_status_notification_enabled", BY_MTA, "yes", NULL),
	    .help = "offer DSN" },
	{ ROW("size_enabled", BY_MTA), NO_FIELD(CHOICE),
	    .choices = size_modes, .initial = "enabled",
	    .help = "offer SIZE" },
	{ SWITCH("smtp_utf8_enabled", BY_MTA, "yes", NULL),
	    .help = "offer SMTPUTF8" },
	{ SWITCH("enhanced_status_codes_enabled", BY_MTA, "yes", NULL),
	    .help = "offer ENHANCEDSTATUSCODES" },
	{ ROW("max_logon_failures", BY_MTA), NO_FIELD(COUNT), .max = 10,
	    .initial = "3",
	    .help = "failed logins before the connection closes; 0 for any "
	    "number" },
	{ SWITCH("bare_linefeed_rejection_enabled", BY_MTA, "no", NULL),
	    .help = "refuse bare line feeds" },
};
/* clang-format on */

const size_t schema_connector_count = nitems(schema_connector);
static_assert(nitems(schema_connector) <= SCHEMA_CONNECTOR_MAX,
    "every row has a number below SCHEMA_CONNECTOR_MAX");
