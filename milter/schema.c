/*
 * schema.c - the settings of the global sections, and how rows are found.
 */
#include "schema.h"

#include <assert.h>
#include <syslog.h>

#include "setting_check.h"
#include "text.h"

/* clang-format off */
const struct section_row schema_sections[] = {
	{ SECTION_MILTER, "milter", false, false,
	    "the process itself" },
	{ SECTION_ORGANIZATION, "organization", false, false,
	    "our domains and our site" },
	{ SECTION_DIRECTORY, "directory", false, false,
	    "who our recipients are" },
	{ SECTION_GROUP, "group", true, false,
	    "a group of logins, for principals group:NAME" },
	{ SECTION_PROTOCOL_LOG, "protocol_log", false, false,
	    "the log of what was said" },
	{ SECTION_BACK_PRESSURE, "back_pressure", false, false,
	    "when the machine is too full to take mail" },
	{ SECTION_DEFAULTS, "defaults", false, false,
	    "settings for all connectors" },
	{ SECTION_CONNECTOR, "connector", true, true,
	    "one receive connector" },
};

static const struct choice facilities[] = {
	{ "mail", LOG_MAIL }, { "daemon", LOG_DAEMON }, { "user", LOG_USER },
	{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
	{ NULL, 0 }
};

static const struct choice reply_styles[] = {
	{ "2016", REPLY_STYLE_2016 }, { "2010", REPLY_STYLE_2010 },
	{ NULL, 0 }
};

static const struct choice own_domains[] = {
	{ "authoritative", OWN_AUTHORITATIVE }, { "accepted", OWN_ACCEPTED },
	{ NULL, 0 }
};

#define SECTION SECTION_MILTER
#define ROW(key, when) .section = SECTION, .name = key, \
	.enforcement = ENFORCED_##when
#define LOG_BYTES_MAX 999999999999999LL

const struct setting schema_global[] = {
	{ ROW("socket", NOW), FIELD(TEXT, global_settings, milter.socket),
	    .check = check_socket,
	    .form = "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST",
	    .initial = "unix:/run/connector-milter/milter.sock",
	    .help = "where the MTA reaches the milter; PATH is absolute and "
	    "has at most 107 bytes" },
	{ ROW("socket_mode", NOW),
	    FIELD(MODE, global_settings, milter.socket_mode), .max = 0777,
	    .initial = "0660",
	    .help = "permissions of a unix socket" },
	{ ROW("socket_group", NOW),
	    FIELD(TEXT, global_settings, milter.socket_group),
	    .check = check_group, .form = "name of a group", .initial = "",
	    .help = "group that owns a unix socket; empty leaves it as it is" },
	{ ROW("user", NOW), FIELD(TEXT, global_settings, milter.user),
	    .check = check_account, .form = "USER or USER:GROUP",
	    .initial = "",
	    .help = "account to change to once the socket is open; empty "
	    "stays as started" },
	{ ROW("control_socket", LATER), NO_FIELD(TEXT), .check = check_path,
	    .form = "path", .initial = "", .off = "",
	    .help = "where connectorctl status, reload and drain reach the "
	    "milter; empty for none" },
	{ ROW("connectors", NOW), FIELD(STRINGS, global_settings, connectors),
	    .form = "list of folders and files", .initial = "connectors.d",
	    .help = "where connectors stand, besides the main file and beside "
	    "it: *.ini of a folder, or a file; left out, a missing "
	    "connectors.d is no error" },
	{ ROW("max_sessions", NOW),
	    FIELD(COUNT, global_settings, milter.max_sessions),
	    .min = 1, .max = 100000, .initial = "5000",
	    .help = "sessions at one time; more are deferred" },
	{ ROW("max_tarpits", LATER), NO_FIELD(COUNT), .max = 100000,
	    .initial = "128", .off = "0",
	    .help = "refusals held back at one time" },
	{ ROW("syslog_facility", NOW),
	    FIELD(CHOICE, global_settings, milter.syslog_facility),
	    .choices = facilities, .initial = "mail",
	    .help = "facility of the operator log" },
	{ ROW("reply_style", NOW), FIELD(CHOICE, global_settings, reply_style),
	    .choices = reply_styles, .initial = "2016",
	    .help = "whose words replies use: Exchange 2016 or 2010" },
	{ ROW("identify_connector", NOW),
	    FIELD(BOOL, global_settings, identify_connector),
	    .initial = "yes",
	    .help = "end refusals in [connector NAME, rule RULE]" },
	{ ROW("stamp_prefix", NOW), FIELD(TEXT, global_settings, stamp_prefix),
	    .check = check_stamp_prefix, .form = "X-NAME-, at most 64 bytes",
	    .initial = "X-Connector-",
	    .help = "what the names of our own header fields begin with; "
	    "nobody may bring such fields" },
	{ ROW("stamp_key_file", NOW),
	    FIELD(TEXT, global_settings, stamp_key_file), .form = "path",
	    .initial = "",
	    .help = "file with the key that signs the stamp, beside the main "
	    "file; empty for no signature" },

#undef SECTION
#define SECTION SECTION_ORGANIZATION
	{ ROW("name", NOW), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "the organization, for people" },
	{ ROW("accepted_domains", NOW),
	    FIELD(DOMAINS, global_settings, organization.accepted_domains),
	    .initial = "",
	    .help = "authoritative domains: all their recipients are here" },
	{ ROW("internal_relay_domains", NOW),
	    FIELD(DOMAINS, global_settings,
		organization.internal_relay_domains),
	    .initial = "",
	    .help = "accepted domains, some or all of whose recipients are "
	    "on other servers of ours" },
	{ ROW("external_relay_domains", NOW),
	    FIELD(DOMAINS, global_settings,
		organization.external_relay_domains),
	    .initial = "",
	    .help = "accepted domains whose recipients are elsewhere" },
	{ ROW("own_domains", NOW),
	    FIELD(CHOICE, global_settings, organization.own_domains),
	    .choices = own_domains, .initial = "authoritative",
	    .help = "which domains count as our own in a sender: "
	    "accepted_domains, or all three lists" },
	{ ROW("own_hosts", NOW),
	    FIELD(RANGES, global_settings, organization.own_hosts),
	    .initial = "",
	    .help = "addresses of this mail server, for recipients at address "
	    "literals" },
	{ ROW("gateways", NOW), NO_FIELD(RANGES), .initial = "",
	    .help = "routers of the site, which may hide many clients" },
	{ ROW("load_balancers", NOW), NO_FIELD(RANGES), .initial = "",
	    .help = "load balancers in front of this server" },
	{ ROW("dhcp_ranges", NOW), NO_FIELD(RANGES), .initial = "",
	    .help = "addresses that change their owners" },
	{ ROW("tls_receive_domain_secure_list", NOW),
	    FIELD(DOMAINS, global_settings,
		organization.tls_receive_domain_secure_list),
	    .check = check_domain, .form = "list of domains", .initial = "",
	    .help = "partner domains, each with all below it, that client "
	    "certificates prove; no wildcards",
	    .exchange = "TLSReceiveDomainSecureList" },

#undef SECTION
#define SECTION SECTION_DIRECTORY
	{ ROW("recipients", NOW),
	    FIELD(TEXT, global_settings, directory_recipients),
	    .form = "path", .initial = "",
	    .help = "file of recipients, beside the main file; empty for no "
	    "directory" },
	{ ROW("recipient_domains", NOW),
	    FIELD(DOMAINS, global_settings, organization.recipient_domains),
	    .initial = "",
	    .help = "domains whose recipients are looked up; empty: "
	    "accepted_domains" },
	{ ROW("recipient_delimiter", NOW),
	    FIELD(TEXT, global_settings, organization.recipient_delimiter),
	    .check = check_delimiter, .form = "one character", .initial = "",
	    .help = "what begins a tag in a local part; an address not found "
	    "is looked up again without its tag" },

#undef SECTION
#define SECTION SECTION_GROUP
	{ ROW("members", NOW), FIELD(STRINGS, group_settings, members),
	    .form = "list of logins", .initial = "",
	    .help = "the logins of the group" },

#undef SECTION
#define SECTION SECTION_PROTOCOL_LOG
	{ ROW("directory", LATER), NO_FIELD(TEXT), .check = check_path,
	    .form = "path", .initial = "", .off = "",
	    .help = "folder of the protocol log; empty for none" },
	{ ROW("max_file_size", LATER),
	    FIELD(SIZE, global_settings, protocol_log_max_file_size),
	    .min = 1, .max = LOG_BYTES_MAX, .may_be_unlimited = true,
	    .initial = "10M", .off = "unlimited",
	    .help = "a new file begins at this size; at most "
	    "max_directory_size" },
	{ ROW("max_directory_size", LATER),
	    FIELD(SIZE, global_settings, protocol_log_max_directory_size),
	    .min = 1, .max = LOG_BYTES_MAX, .may_be_unlimited = true,
	    .initial = "250M", .off = "unlimited",
	    .help = "the oldest files go beyond this size" },
	{ ROW("max_age", LATER), NO_FIELD(TIME), .max = 24855LL * 86400,
	    .may_be_unlimited = true, .initial = "30d", .off = "unlimited",
	    .help = "older files go" },
	{ ROW("required", LATER), NO_FIELD(BOOL), .initial = "no",
	    .off = "no",
	    .help = "take no mail while the log cannot be written" },

#undef SECTION
#define SECTION SECTION_BACK_PRESSURE
#define THRESHOLDS NO_FIELD(STRINGS), .check = check_threshold, \
	.form = "four thresholds: low to medium, medium to high, high to " \
	"medium, medium to low", .off = ""
	{ ROW("enabled", LATER), NO_FIELD(BOOL), .initial = "yes",
	    .off = "no",
	    .help = "defer mail while resources are low" },
	{ ROW("queue_directory", LATER), NO_FIELD(TEXT), .check = check_path,
	    .form = "path", .initial = "", .off = "",
	    .help = "the MTA's queue" },
	{ ROW("disk", LATER), THRESHOLDS, .initial = "89 99 90 80",
	    .help = "per cent of the queue's file system in use" },
	{ ROW("free_disk", LATER), THRESHOLDS, .initial = "1G 500M 750M 2G",
	    .help = "bytes free there" },
	{ ROW("memory", LATER), THRESHOLDS, .initial = "88 94 89 84",
	    .help = "per cent of memory in use" },
	{ ROW("queue_length", LATER), THRESHOLDS, .initial = "",
	    .help = "messages in the queue; empty for not looked at" },
};
/* clang-format on */

const size_t schema_global_count = nitems(schema_global);
const size_t schema_section_count = nitems(schema_sections);

const char *
section_word(enum section_kind kind)
{
	static_assert(nitems(schema_sections) == SECTION_CONNECTOR + 1,
	    "one row per kind of section, in order");
	return schema_sections[kind].word;
}

const struct section_row *
schema_section(const char *word)
{
	for (size_t i = 0; i < nitems(schema_sections); i++)
		if (text_same_name(word, schema_sections[i].word))
			return &schema_sections[i];
	return NULL;
}

size_t
schema_count(void)
{
	return schema_global_count + schema_connector_count;
}

const struct setting *
schema_at(size_t index)
{
	return index < schema_global_count
	    ? &schema_global[index]
	    : &schema_connector[index - schema_global_count];
}

const struct setting *
schema_find(enum section_kind section, const char *name)
{
	const bool global =
	    section != SECTION_CONNECTOR && section != SECTION_DEFAULTS;
	const struct setting *rows = global ? schema_global : schema_connector;
	const size_t count =
	    global ? schema_global_count : schema_connector_count;

	for (size_t i = 0; i < count; i++)
		if ((!global || rows[i].section == section) &&
		    text_same_name(name, rows[i].name))
			return &rows[i];
	return NULL;
}
