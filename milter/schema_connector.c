/*
 * schema_connector.c - the settings of a connector.
 */
#include "schema.h"

#include <assert.h>

#include "preset.h"
#include "setting_check.h"

/* clang-format off */
static const struct choice modes[] = {
	{ "enforce", MODE_ENFORCE }, { "monitor", MODE_MONITOR }, { NULL, 0 }
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
	{ "no", HEADER_CHECK_NO }, { "monitor", HEADER_CHECK_MONITOR },
	{ "yes", HEADER_CHECK_YES }, { NULL, 0 }
};

static const struct choice resolve[] = {
	{ "no", RESOLVE_NO }, { "annotate", RESOLVE_ANNOTATE },
	{ "yes", RESOLVE_YES }, { NULL, 0 }
};

static const struct choice internal_only_replies[] = {
	{ "authrequired", INTERNAL_ONLY_AUTHREQUIRED },
	{ "unknown", INTERNAL_ONLY_UNKNOWN }, { NULL, 0 }
};

static const struct choice helo_syntaxes[] = {
	{ "tolerant", HELO_SYNTAX_TOLERANT }, { "strict", HELO_SYNTAX_STRICT },
	{ "off", HELO_SYNTAX_OFF }, { NULL, 0 }
};

static const struct choice rate_sources[] = {
	{ "none", RATE_NONE }, { "ip_address", RATE_IP_ADDRESS },
	{ "user", RATE_USER }, { "all", RATE_ALL }, { NULL, 0 }
};

static const struct choice log_levels[] = {
	{ "none", LOGGING_NONE }, { "verbose", LOGGING_VERBOSE }, { NULL, 0 }
};

static const struct choice size_modes[] = {
	{ "enabled", 0 }, { "disabled", 1 }, { "enabled_without_value", 2 },
	{ NULL, 0 }
};

#define ROW(key) .section = SECTION_CONNECTOR, .name = key
#define MTA(key) ROW(key), .enforcement = ENFORCED_BY_MTA
#define AT(kind, member) FIELD(kind, connector_settings, connector.member)
#define KEPT(kind, member) FIELD(kind, connector_settings, member)
#define RIGHT(key, right) ROW(key), \
	AT(PRINCIPALS, rights[RIGHT_##right]), .initial = ""
#define SWITCH(key, member, value) ROW(key), AT(BOOL, member), \
	.initial = value
#define LIMIT(key, member) ROW(key), AT(COUNT, member)
#define OFFER(key, value) MTA(key), NO_FIELD(BOOL), .initial = value

const struct setting schema_connector[] = {
	/* selection */
	{ ROW("enabled"), AT(BOOL, enabled), .initial = "yes",
	    .help = "no: as if the connector were not there; its clients may "
	    "get a wider one",
	    .exchange = "Enabled" },
	{ ROW("bindings"), AT(BINDINGS, bindings), .needs_item = true,
	    .help = "listeners it serves, 0.0.0.0:PORT and [::]:PORT for all "
	    "addresses; an exact one hides those of its port",
	    .exchange = "Bindings" },
	{ ROW("remote_ip_ranges"), AT(RANGES, remote_ip_ranges),
	    .needs_item = true,
	    .help = "clients it serves: addresses, a/n, a(mask), a-b; the "
	    "smallest range of all connectors wins",
	    .exchange = "RemoteIPRanges" },
	{ ROW("expires"), KEPT(DATE, expires), .initial = "",
	    .help = "last valid day, local time; afterwards as if disabled" },
	{ ROW("mode"), AT(CHOICE, mode), .choices = modes,
	    .initial = "enforce",
	    .help = "monitor: decide and log, but refuse and change "
	    "nothing" },
	{ ROW("comment"), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "for people",
	    .exchange = "Comment" },
	{ ROW("owner"), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "whom to ask about the connector" },
	{ ROW("usage"), KEPT(CHOICE, usage), .choices = preset_usages,
	    .initial = "custom",
	    .help = "presets other settings; not in [defaults]",
	    .exchange = "Usage" },

	/* authentication */
	{ ROW("auth_mechanism"), AT(FLAGS, auth_mechanism),
	    .choices = mechanisms, .needs_item = true, .initial = "tls",
	    .help = "ways of proving who one is that count here",
	    .exchange = "AuthMechanism" },
	{ ROW("permission_groups"), AT(FLAGS, permission_groups),
	    .choices = permission_groups, .needs_item = true,
	    .initial = "none",
	    .help = "identities that get their usual rights here",
	    .exchange = "PermissionGroups" },
	{ ROW("require_tls"), AT(BOOL, require_tls), .initial = "no",
	    .help = "mail only over TLS",
	    .exchange = "RequireTLS" },
	{ ROW("tls_min_version"), AT(CHOICE, tls_min_version),
	    .choices = tls_versions, .initial = "none",
	    .help = "oldest version that counts as TLS for require_tls" },
	{ SWITCH("domain_secure_enabled", domain_secure_enabled, "no"),
	    .help = "client certificates of tls_receive_domain_secure_list "
	    "prove partners",
	    .exchange = "DomainSecureEnabled" },
	{ ROW("tls_domain_capabilities"),
	    AT(CAPABILITIES, tls_domain_capabilities), .initial = "",
	    .help = "whose certificates, of DOMAIN or below it, may bring "
	    "cross-premises fields",
	    .exchange = "TlsDomainCapabilities" },
	{ ROW("server_identities"), AT(SERVERS, server_identities),
	    .initial = "",
	    .help = "who is a server of ours under exchange_server" },

	/* rights beyond the groups */
	{ RIGHT("submit", SUBMIT),
	    .help = "send mail at all",
	    .exchange = "ms-Exch-SMTP-Submit" },
	{ RIGHT("accept_any_recipient", ACCEPT_ANY_RECIPIENT),
	    .help = "relay: recipients in any domain",
	    .exchange = "ms-Exch-SMTP-Accept-Any-Recipient" },
	{ RIGHT("accept_any_sender", ACCEPT_ANY_SENDER),
	    .help = "senders that are not one's own",
	    .exchange = "ms-Exch-SMTP-Accept-Any-Sender" },
	{ RIGHT("accept_authoritative_domain_sender",
		ACCEPT_AUTHORITATIVE_DOMAIN_SENDER),
	    .help = "senders in our own domains",
	    .exchange = "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender" },
	{ RIGHT("accept_authentication_flag", ACCEPT_AUTHENTICATION_FLAG),
	    .help = "MAIL AUTH= is believed",
	    .exchange = "ms-Exch-SMTP-Accept-Authentication-Flag" },
	{ RIGHT("bypass_anti_spam", BYPASS_ANTI_SPAM),
	    .help = "recipients are not looked up",
	    .exchange = "ms-Exch-Bypass-Anti-Spam" },
	{ RIGHT("bypass_message_size_limit", BYPASS_MESSAGE_SIZE_LIMIT),
	    .help = "no max_message_size",
	    .exchange = "ms-Exch-Bypass-Message-Size-Limit" },
	{ RIGHT("accept_headers_routing", ACCEPT_HEADERS_ROUTING),
	    .help = "keep Received and Resent fields",
	    .exchange = "ms-Exch-Accept-Headers-Routing" },
	{ RIGHT("accept_headers_organization", ACCEPT_HEADERS_ORGANIZATION),
	    .help = "keep fields of the organization",
	    .exchange = "ms-Exch-Accept-Headers-Organization" },
	{ RIGHT("accept_headers_forest", ACCEPT_HEADERS_FOREST),
	    .help = "keep fields of the forest",
	    .exchange = "ms-Exch-Accept-Headers-Forest" },

	/* relay and sender */
	{ ROW("accept_open_relay"), AT(BOOL, accept_open_relay),
	    .initial = "no",
	    .help = "let ranges wider than /16 or, for IPv6, /48 relay "
	    "without login; not in [defaults]" },
	{ ROW("relay_to"), AT(MAILBOXES, relay_to), .initial = "",
	    .help = "anonymous sessions relay to these recipients only; empty "
	    "for all" },
	{ ROW("relay_from"), AT(MAILBOXES, relay_from), .initial = "",
	    .help = "anonymous sessions relay with these senders only; empty "
	    "for all" },
	{ ROW("allowed_senders"), AT(MAILBOXES, allowed_senders),
	    .initial = "",
	    .help = "the only senders anonymous sessions may use, in the "
	    "header under check_header_from = yes; empty for all" },
	{ ROW("check_header_from"), AT(CHOICE, check_header_from),
	    .choices = header_from, .initial = "no",
	    .help = "judge the header From as the sender; monitor only logs" },
	{ ROW("header_from_exempt"),
	    AT(EXEMPTIONS, header_from_exempt), .initial = "",
	    .help = "sender domains and hosts whose header From is not "
	    "judged" },
	{ ROW("resolve_anonymous_senders"),
	    AT(CHOICE, resolve_anonymous_senders), .choices = resolve,
	    .initial = "no",
	    .help = "what the directory's name for an unverified sender is "
	    "used for" },
	{ SWITCH("address_literals", address_literals, "no"),
	    .help = "recipients at literals of own_hosts are ours" },
	{ ROW("default_domain"), AT(DOMAIN, default_domain),
	    .check = check_host, .initial = "",
	    .help = "completes senders and recipients without a domain; one "
	    "of accepted_domains and its kin",
	    .exchange = "DefaultDomain" },

	/* recipients */
	{ SWITCH("recipient_filter", recipient_filter, "no"),
	    .help = "refuse recipients that the directory does not know" },
	{ ROW("internal_only_reply"), AT(CHOICE, internal_only_reply),
	    .choices = internal_only_replies, .initial = "authrequired",
	    .help = "how recipients for internal senders are refused" },
	{ SWITCH("reject_reserved_top_level_recipient_domains",
		reject_reserved_top_level, "no"),
	    .help = "refuse .test, .example, .invalid, .localhost",
	    .exchange = "RejectReservedTopLevelRecipientDomains" },
	{ SWITCH("reject_reserved_second_level_recipient_domains",
		reject_reserved_second_level, "no"),
	    .help = "refuse example.com, .net, .org and what is below",
	    .exchange = "RejectReservedSecondLevelRecipientDomains" },
	{ SWITCH("reject_single_label_recipient_domains", reject_single_label,
		"no"),
	    .help = "refuse domains without a dot",
	    .exchange = "RejectSingleLabelRecipientDomains" },

	/* HELO */
	{ SWITCH("require_ehlo_domain", require_ehlo_domain, "no"),
	    .help = "HELO needs a name",
	    .exchange = "RequireEHLODomain" },
	{ ROW("helo_syntax"), AT(CHOICE, helo_syntax),
	    .choices = helo_syntaxes, .initial = "tolerant",
	    .help = "how strictly the HELO name is read; tolerant also takes "
	    "'_', one trailing dot and trailing blanks" },

	/* limits */
	{ LIMIT("max_inbound_connection", max_inbound_connection), .min = 1,
	    .max = INT32_MAX, .may_be_unlimited = true, .initial = "5000",
	    .help = "sessions at one time",
	    .exchange = "MaxInboundConnection" },
	{ LIMIT("max_inbound_connection_per_source",
		max_inbound_connection_per_source), .min = 1, .max = 10000,
	    .may_be_unlimited = true, .initial = "20",
	    .help = "sessions of one client address at one time",
	    .exchange = "MaxInboundConnectionPerSource" },
	{ LIMIT("max_inbound_connection_percentage_per_source",
		max_inbound_connection_percentage_per_source), .min = 1,
	    .max = 100, .initial = "2",
	    .help = "per cent of the free sessions that one client address "
	    "may have",
	    .exchange = "MaxInboundConnectionPercentagePerSource" },
	{ LIMIT("message_rate_limit", message_rate_limit), .min = 1,
	    .max = INT32_MAX, .may_be_unlimited = true,
	    .initial = "unlimited",
	    .help = "messages a minute",
	    .exchange = "MessageRateLimit" },
	{ ROW("message_rate_source"), AT(CHOICE, message_rate_source),
	    .choices = rate_sources, .initial = "ip_address",
	    .help = "whose messages are counted together",
	    .exchange = "MessageRateSource" },
	{ LIMIT("max_recipients_per_message", max_recipients_per_message),
	    .min = 1, .max = 512000, .initial = "200",
	    .help = "accepted recipients of one message",
	    .exchange = "MaxRecipientsPerMessage" },
	{ ROW("max_message_size"), AT(SIZE, max_message_size),
	    .min = 65536, .max = INT32_MAX, .initial = "36M",
	    .help = "bytes of a message",
	    .exchange = "MaxMessageSize" },
	{ ROW("max_header_size"), AT(SIZE, max_header_size), .min = 1,
	    .max = INT32_MAX, .initial = "256K",
	    .help = "bytes of all header fields",
	    .exchange = "MaxHeaderSize" },
	{ LIMIT("max_hop_count", max_hop_count), .min = 1, .max = 500,
	    .initial = "60",
	    .help = "Received fields",
	    .exchange = "MaxHopCount" },
	{ LIMIT("max_local_hop_count", max_local_hop_count), .max = 50,
	    .initial = "5",
	    .help = "Received fields by this server; 0 for any number",
	    .exchange = "MaxLocalHopCount" },
	{ LIMIT("max_protocol_errors", max_protocol_errors),
	    .max = INT32_MAX, .may_be_unlimited = true, .initial = "5",
	    .help = "unknown commands and syntax errors",
	    .exchange = "MaxProtocolErrors" },
	{ ROW("connection_timeout"), AT(TIME, connection_timeout),
	    .min = 1, .max = 86400, .initial = "10m",
	    .help = "longest session",
	    .exchange = "ConnectionTimeout" },
	{ ROW("connection_inactivity_timeout"),
	    AT(TIME, connection_inactivity_timeout), .min = 1, .max = 86400,
	    .initial = "5m",
	    .help = "longest silence; less than connection_timeout",
	    .exchange = "ConnectionInactivityTimeout" },
	{ ROW("tarpit_interval"), AT(TIME, tarpit_interval), .max = 8,
	    .initial = "5s",
	    .help = "how long refusals of clients without login are held "
	    "back; MTAs stop waiting for a filter at 10s",
	    .exchange = "TarpitInterval" },

	/* headers and log */
	{ SWITCH("stamp", stamp, "yes"),
	    .help = "add fields that tell the connector and the identity" },
	{ ROW("protected_headers"), AT(STRINGS, protected_headers),
	    .check = check_protected,
	    .form = "list of beginnings of field names", .initial = "",
	    .help = "fields that only trusted sessions may carry" },
	{ ROW("protocol_logging_level"),
	    AT(CHOICE, protocol_logging_level), .choices = log_levels,
	    .initial = "none",
	    .help = "write this connector's sessions to the protocol log",
	    .exchange = "ProtocolLoggingLevel" },

	/* the MTA's */
	{ MTA("banner"), NO_FIELD(TEXT), .check = check_banner,
	    .form = "text that begins with 220", .initial = "",
	    .help = "greeting; empty for the MTA's own",
	    .exchange = "Banner" },
	{ MTA("fqdn"), AT(DOMAIN, fqdn), .check = check_host,
	    .initial = "",
	    .help = "what the server calls itself; empty for the MTA's own",
	    .exchange = "Fqdn" },
	{ MTA("tls_certificate_name"), NO_FIELD(TEXT), .form = "text",
	    .initial = "",
	    .help = "the server's certificate",
	    .exchange = "TlsCertificateName" },
	{ OFFER("pipelining_enabled", "yes"),
	    .help = "offer PIPELINING",
	    .exchange = "PipeliningEnabled" },
	{ MTA("chunking_enabled"), KEPT(BOOL, chunking_enabled),
	    .initial = "yes",
	    .help = "offer CHUNKING",
	    .exchange = "ChunkingEnabled" },
	{ MTA("binary_mime_enabled"), KEPT(BOOL, binary_mime_enabled),
	    .initial = "yes",
	    .help = "offer BINARYMIME; needs chunking_enabled",
	    .exchange = "BinaryMimeEnabled" },
	{ OFFER("eight_bit_mime_enabled", "yes"),
	    .help = "offer 8BITMIME",
	    .exchange = "EightBitMimeEnabled" },
	{ OFFER("delivery_status_notification_enabled", "yes"),
	    .help = "offer DSN",
	    .exchange = "DeliveryStatusNotificationEnabled" },
	{ MTA("size_enabled"), NO_FIELD(CHOICE),
	    .choices = size_modes, .initial = "enabled",
	    .help = "offer SIZE",
	    .exchange = "SizeEnabled" },
	{ OFFER("smtp_utf8_enabled", "yes"),
	    .help = "offer SMTPUTF8",
	    .exchange = "SmtpUtf8Enabled" },
	{ OFFER("enhanced_status_codes_enabled", "yes"),
	    .help = "offer ENHANCEDSTATUSCODES",
	    .exchange = "EnhancedStatusCodesEnabled" },
	{ MTA("max_logon_failures"), NO_FIELD(COUNT), .max = 10,
	    .initial = "3",
	    .help = "failed logins before the connection closes; 0 for any "
	    "number",
	    .exchange = "MaxLogonFailures" },
	{ OFFER("bare_linefeed_rejection_enabled", "no"),
	    .help = "refuse bare line feeds",
	    .exchange = "BareLinefeedRejectionEnabled" },
};
/* clang-format on */

const size_t schema_connector_count = nitems(schema_connector);
static_assert(nitems(schema_connector) <= SCHEMA_CONNECTOR_MAX,
    "every row has a number below SCHEMA_CONNECTOR_MAX");
