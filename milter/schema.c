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
#define ROW(key) .section = SECTION, .name = key
#define LOG_BYTES_MAX 999999999999999LL

const struct setting schema_global[] = {
	{ ROW("socket"), FIELD(TEXT, global_settings, milter.socket),
	    .check = check_socket,
	    .form = "unix:PATH, inet:PORT@HOST or inet6:PORT@HOST",
	    .initial = "unix:/run/connector-milter/milter.sock",
	    .help = "where the MTA reaches the milter; PATH is absolute and "
	    "has at most 107 bytes" },
	{ ROW("socket_mode"),
	    FIELD(MODE, global_settings, milter.socket_mode), .max = 0777,
	    .initial = "0660",
	    .help = "permissions of a unix socket" },
	{ ROW("socket_group"),
	    FIELD(TEXT, global_settings, milter.socket_group),
	    .check = check_group, .form = "name of a group", .initial = "",
	    .help = "group that owns a unix socket; empty leaves it as it is" },
	{ ROW("user"), FIELD(TEXT, global_settings, milter.user),
	    .check = check_account, .form = "USER or USER:GROUP",
	    .initial = "",
	    .help = "account to change to once the socket is open; empty "
	    "stays as started" },
	{ ROW("control_socket"),
	    FIELD(TEXT, global_settings, milter.control_socket),
	    .check = check_control_socket, .form = "path", .initial = "",
	    .help = "where connectorctl status, reload and drain reach the "
	    "milter; absolute, at most 107 bytes; empty for none" },
	{ ROW("connectors"), FIELD(STRINGS, global_settings, connectors),
	    .form = "list of folders and files", .initial = "connectors.d",
	    .help = "where connectors stand, besides the main file and beside "
	    "it: *.ini of a folder, or a file; left out, a missing "
	    "connectors.d is no error" },
	{ ROW("max_sessions"),
	    FIELD(COUNT, global_settings, milter.max_sessions),
	    .min = 1, .max = 100000, .initial = "5000",
	    .help = "sessions at one time; more are deferred; each needs a "
	    "descriptor, see connector-milter(8)" },
	{ ROW("max_tarpits"),
	    FIELD(COUNT, global_settings, milter.max_tarpits), .max = 100000,
	    .initial = "128",
	    .help = "refusals held back at one time" },
	{ ROW("syslog_facility"),
	    FIELD(CHOICE, global_settings, milter.syslog_facility),
	    .choices = facilities, .initial = "mail",
	    .help = "facility of the operator log" },
	{ ROW("reply_style"), FIELD(CHOICE, global_settings, reply_style),
	    .choices = reply_styles, .initial = "2016",
	    .help = "whose words replies use: Exchange 2016 or 2010" },
	{ ROW("identify_connector"),
	    FIELD(BOOL, global_settings, identify_connector),
	    .initial = "yes",
	    .help = "end refusals in [connector NAME, rule RULE]" },
	{ ROW("stamp_prefix"), FIELD(TEXT, global_settings, stamp_prefix),
	    .check = check_stamp_prefix, .form = "X-NAME-, at most 64 bytes",
	    .initial = "X-Connector-",
	    .help = "what the names of our own header fields begin with; "
	    "nobody may bring such fields" },
	{ ROW("stamp_key_file"),
	    FIELD(TEXT, global_settings, stamp_key_file), .form = "path",
	    .initial = "",
	    .help = "file with the key that signs the stamp, beside the main "
	    "file; empty for no signature" },

#undef SECTION
#define SECTION SECTION_ORGANIZATION
	{ ROW("name"), NO_FIELD(TEXT), .form = "text", .initial = "",
	    .help = "the organization, for people" },
	{ ROW("accepted_domains"),
	    FIELD(DOMAINS, global_settings, organization.accepted_domains),
	    .initial = "",
	    .help = "authoritative domains: all their recipients are here" },
	{ ROW("internal_relay_domains"),
	    FIELD(DOMAINS, global_settings,
		organization.internal_relay_domains),
	    .initial = "",
	    .help = "accepted domains, some or all of whose recipients are "
	    "on other servers of ours" },
	{ ROW("external_relay_domains"),
	    FIELD(DOMAINS, global_settings,
		organization.external_relay_domains),
	    .initial = "",
	    .help = "accepted domains whose recipients are elsewhere" },
	{ ROW("own_domains"),
	    FIELD(CHOICE, global_settings, organization.own_domains),
	    .choices = own_domains, .initial = "authoritative",
	    .help = "which domains count as our own in a sender: "
	    "accepted_domains, or all three lists" },
	{ ROW("own_hosts"),
	    FIELD(RANGES, global_settings, organization.own_hosts),
	    .initial = "",
	    .help = "addresses of this mail server, for recipients at address "
	    "literals" },
	{ ROW("gateways"), NO_FIELD(RANGES), .initial = "",
	    .help = "routers of the site, which may hide many clients" },
	{ ROW("load_balancers"), NO_FIELD(RANGES), .initial = "",
	    .help = "load balancers in front of this server" },
	{ ROW("dhcp_ranges"), NO_FIELD(RANGES), .initial = "",
	    .help = "addresses that change their owners" },
	{ ROW("tls_receive_domain_secure_list"),
	    FIELD(DOMAINS, global_settings,
		organization.tls_receive_domain_secure_list),
	    .check = check_domain, .form = "list of domains", .initial = "",
	    .help = "partner domains, each with all below it, that client "
	    "certificates prove; no wildcards",
	    .exchange = "TLSReceiveDomainSecureList" },

#undef SECTION
#define SECTION SECTION_DIRECTORY
	{ ROW("recipients"),
	    FIELD(TEXT, global_settings, directory_recipients),
	    .form = "path", .initial = "",
	    .help = "file of recipients, beside the main file; empty for no "
	    "directory" },
	{ ROW("recipient_domains"),
	    FIELD(DOMAINS, global_settings, organization.recipient_domains),
	    .initial = "",
	    .help = "domains whose recipients are looked up; empty: "
	    "accepted_domains" },
	{ ROW("recipient_delimiter"),
	    FIELD(TEXT, global_settings, organization.recipient_delimiter),
	    .check = check_delimiter, .form = "one character", .initial = "",
	    .help = "what begins a tag in a local part; an address not found "
	    "is looked up again without its tag" },

#undef SECTION
#define SECTION SECTION_GROUP
	{ ROW("members"), FIELD(STRINGS, group_settings, members),
	    .check = check_login, .form = "list of logins", .initial = "",
	    .help = "the logins of the group" },

#undef SECTION
#define SECTION SECTION_PROTOCOL_LOG
	{ ROW("directory"),
	    FIELD(TEXT, global_settings, protocol_log.directory),
	    .check = check_path, .form = "path", .initial = "",
	    .help = "folder of the protocol log; empty for none" },
	{ ROW("max_file_size"),
	    FIELD(SIZE, global_settings, protocol_log.max_file_size),
	    .min = 1, .max = LOG_BYTES_MAX, .may_be_unlimited = true,
	    .initial = "10M",
	    .help = "a new file begins at this size; at most "
	    "max_directory_size" },
	{ ROW("max_directory_size"),
	    FIELD(SIZE, global_settings, protocol_log.max_directory_size),
	    .min = 1, .max = LOG_BYTES_MAX, .may_be_unlimited = true,
	    .initial = "250M",
	    .help = "the oldest files go beyond this size" },
	{ ROW("max_age"),
	    FIELD(TIME, global_settings, protocol_log.max_age),
	    .max = 24855LL * 86400, .may_be_unlimited = true, .initial = "30d",
	    .help = "older files go" },
	{ ROW("required"),
	    FIELD(BOOL, global_settings, protocol_log.required),
	    .initial = "no",
	    .help = "take no mail while the log cannot be written" },

#undef SECTION
#define SECTION SECTION_BACK_PRESSURE
#define BORDERS(resource, of, example) \
	FIELD(THRESHOLDS, global_settings, \
	    back_pressure.thresholds[RESOURCE_##resource]), \
	.unit = THRESHOLD_##of, .form = "four borders, low to medium, " \
	"medium to high, high to medium, medium to low, such as " example
	{ ROW("enabled"),
	    FIELD(BOOL, global_settings, back_pressure.enabled),
	    .initial = "yes",
	    .help = "defer mail while resources are low" },
	{ ROW("queue_directory"),
	    FIELD(TEXT, global_settings, back_pressure.queue_directory),
	    .check = check_path, .form = "path", .initial = "",
	    .help = "folder of the MTA's queue; without it only memory is "
	    "looked at" },
	{ ROW("disk"), BORDERS(DISK, PERCENT, "89 99 90 80"),
	    .initial = "89 99 90 80",
	    .help = "per cent of the queue's file system in use; empty: not "
	    "looked at" },
	{ ROW("free_disk"), BORDERS(FREE_DISK, BYTES_FREE, "1G 500M 750M 2G"),
	    .initial = "1G 500M 750M 2G",
	    .help = "bytes free there; empty: not looked at" },
	{ ROW("memory"), BORDERS(MEMORY, PERCENT, "88 94 89 84"),
	    .initial = "88 94 89 84",
	    .help = "per cent of memory in use; empty: not looked at" },
	{ ROW("queue_length"), BORDERS(QUEUE_LENGTH, COUNT,
		"9999 15000 10000 2000"),
	    .initial = "",
	    .help = "messages in the queue, which the milter has to be able to "
	    "read; empty: not looked at" },
};
/* clang-format on */

const size_t schema_global_count = nitems(schema_global);
static_assert(nitems(schema_global) <= SCHEMA_GLOBAL_MAX,
    "every row has a number below SCHEMA_GLOBAL_MAX");
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
