/*
 * setting.c - every type of value: what it takes, what it refuses, in which
 * words; and that the rows of the schema agree with their own types.
 */
#include "tap.h"

#include <stdlib.h>

#include "arena.h"
#include "preset.h"
#include "schema.h"
#include "sources.h"
#include "text.h"

#define MILTER SECTION_MILTER
#define ORGANIZATION SECTION_ORGANIZATION
#define CONNECTOR SECTION_CONNECTOR
#define PRESSURE SECTION_BACK_PRESSURE

#define DISK_BORDERS \
	"four borders, low to medium, medium to high, high to medium, " \
	"medium to low, such as 89 99 90 80"

#define FIFTY "01234567890123456789012345678901234567890123456789"

static struct arena *arena;
static struct sources *sources;
static const char *const staff[] = { "alice" };
static const struct login_group groups[] = { { "Staff", staff, 1 } };

/* The problems of diags as text, to be freed. */
static char *
problems_of(const struct diags *diags)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	diags_print(diags, out);
	fclose(out);
	return text;
}

static void
put_principal(struct text *out, const struct principal *principal)
{
	static const char *const kinds[] = { "anonymous", "users", "servers",
		"legacy_servers", "partners", "externally_secured",
		"user:", "group:", "host:", "host:." };

	text_printf(out, "%s%s%s", principal->deny ? "-" : "",
	    kinds[principal->kind],
	    principal->name != NULL ? principal->name : "");
	if (principal->kind == PRINCIPAL_GROUP)
		text_printf(out, "(%zu)", principal->group->count);
}

static void
put_item(struct text *out, enum setting_type type, const void *items, size_t i)
{
	char one[ENDPOINT_TEXT_MAX];
	const struct range *range = items;
	const struct domain_pattern *domain = items;
	const struct mailbox_pattern *mailbox = items;
	const struct server_identity *server = items;
	const struct capability *capability = items;
	const struct exemption *exemption = items;

	if (type == SETTING_STRINGS) {
		text_put(out, ((const char *const *)items)[i]);
	} else if (type == SETTING_BINDINGS) {
		text_put(out,
		    endpoint_format(one, (const struct endpoint *)items + i));
	} else if (type == SETTING_RANGES) {
		struct addr lo = { range[i].family, range[i].lo };
		struct addr hi = { range[i].family, range[i].hi };

		text_put(out, addr_format(one, &lo));
		text_printf(out, "-%s", addr_format(one, &hi));
	} else if (type == SETTING_PRINCIPALS) {
		put_principal(out, (const struct principal *)items + i);
	} else if (type == SETTING_MAILBOXES) {
		text_printf(out, "%s@%s%s",
		    mailbox[i].local != NULL ? mailbox[i].local : "",
		    mailbox[i].domain.below ? "*." : "",
		    mailbox[i].domain.name);
	} else if (type == SETTING_SERVERS) {
		text_printf(out, "%s:%s",
		    server[i].certificate ? "cert" : "login", server[i].name);
	} else if (type == SETTING_CAPABILITIES) {
		text_put(out, capability[i].domain);
	} else if (type == SETTING_EXEMPTIONS) {
		text_printf(out, "%s%s%s%s", exemption[i].host ? "host:" : "",
		    exemption[i].itself ? "=" : "",
		    exemption[i].below ? "*." : "", exemption[i].name);
	} else {
		text_printf(
		    out, "%s%s", domain[i].below ? "*." : "", domain[i].name);
	}
}

static void
put_value(struct text *out, const struct setting *setting,
    const union setting_value *value)
{
	if (setting_is_list(setting)) {
		for (size_t i = 0; i < value->list.count; i++) {
			text_put(out, i > 0 ? "|" : "");
			put_item(out, setting->type, value->list.items, i);
		}
	} else if (setting->type == SETTING_BOOL) {
		text_put(out, value->boolean ? "yes" : "no");
	} else if (setting->type == SETTING_TEXT ||
	    setting->type == SETTING_DOMAIN) {
		text_put(out, value->text);
	} else if (setting->type == SETTING_THRESHOLDS) {
		const struct thresholds *t = &value->thresholds;

		text_printf(out, t->set ? "%lld|%lld|%lld|%lld" : "(unset)",
		    t->to_medium, t->to_high, t->from_high, t->from_medium);
	} else if (setting->type == SETTING_DATE) {
		text_printf(out, "%d", value->date);
	} else if (setting->type == SETTING_MODE) {
		text_printf(out, "%o", value->choice);
	} else if (setting->type == SETTING_CHOICE ||
	    setting->type == SETTING_FLAGS) {
		text_printf(out, "%u", value->choice);
	} else if (value->number == SETTING_UNLIMITED) {
		text_put(out, "unlimited");
	} else {
		text_printf(out, "%lld", value->number);
	}
}

struct sample {
	const char *what;
	enum section_kind section;
	const char *setting;
	const char *text;
	const char *want; /* the value, or the problem without its place */
};

/* clang-format off */
static const struct sample good[] = {
	{ "yes", CONNECTOR, "enabled", "yes", "yes" },
	{ "TRUE in capitals", CONNECTOR, "enabled", "TRUE", "yes" },
	{ "On", CONNECTOR, "enabled", "On", "yes" },
	{ "no", CONNECTOR, "enabled", "no", "no" },
	{ "false", CONNECTOR, "enabled", "false", "no" },
	{ "OFF", CONNECTOR, "enabled", "OFF", "no" },
	{ "a number", MILTER, "max_sessions", "5000", "5000" },
	{ "the least", MILTER, "max_sessions", "1", "1" },
	{ "the most", MILTER, "max_sessions", "100000", "100000" },
	{ "bytes", CONNECTOR, "max_message_size", "262144", "262144" },
	{ "kilobytes", CONNECTOR, "max_message_size", "256K", "262144" },
	{ "megabytes", CONNECTOR, "max_message_size", "36M", "37748736" },
	{ "a blank before the unit", CONNECTOR, "max_message_size", "36 MB",
	    "37748736" },
	{ "a small unit", CONNECTOR, "max_message_size", "1g", "1073741824" },
	{ "bytes with their unit", CONNECTOR, "max_message_size", "65536 B",
	    "65536" },
	{ "the largest size", CONNECTOR, "max_message_size", "2147483647",
	    "2147483647" },
	{ "seconds", CONNECTOR, "tarpit_interval", "5s", "5" },
	{ "no time at all", CONNECTOR, "tarpit_interval", "0", "0" },
	{ "minutes", CONNECTOR, "connection_timeout", "10m", "600" },
	{ "hours", CONNECTOR, "connection_timeout", "24h", "86400" },
	{ "a day", CONNECTOR, "connection_timeout", "1d", "86400" },
	{ "thirty days", SECTION_PROTOCOL_LOG, "max_age", "30d", "2592000" },
	{ "a clock", CONNECTOR, "connection_timeout", "00:10:00", "600" },
	{ "a clock with days", CONNECTOR, "connection_timeout", "1.00:00:00",
	    "86400" },
	{ "a full clock", SECTION_PROTOCOL_LOG, "max_age", "2.03:04:05",
	    "183845" },
	{ "unlimited", CONNECTOR, "max_inbound_connection", "Unlimited",
	    "unlimited" },
	{ "an octal number", MILTER, "socket_mode", "0660", "660" },
	{ "an octal number without its zero", MILTER, "socket_mode", "600",
	    "600" },
	{ "a choice", CONNECTOR, "tls_min_version", "TLSv1.2", "3" },
	{ "a choice in other letters", CONNECTOR, "tls_min_version",
	    "tlsV1.3", "4" },
	{ "a choice as Exchange spells it", CONNECTOR, "message_rate_source",
	    "IPAddress", "1" },
	{ "flags", CONNECTOR, "auth_mechanism", "tls, basic_auth", "5" },
	{ "flags as Exchange spells them", CONNECTOR, "auth_mechanism",
	    "Tls,BasicAuth,BasicAuthRequireTLS,ExternalAuthoritative", "45" },
	{ "no flag", CONNECTOR, "permission_groups", "none", "0" },
	{ "one flag twice", CONNECTOR, "permission_groups",
	    "Partners partners", "16" },
	{ "a date", CONNECTOR, "expires", "2027-03-31", "20270331" },
	{ "a leap day", CONNECTOR, "expires", "2028-02-29", "20280229" },
	{ "no date", CONNECTOR, "expires", "", "0" },
	{ "text", CONNECTOR, "comment", "for, people; all", "for, people; all" },
	{ "a banner", CONNECTOR, "banner", "220 mx.example.com ESMTP",
	    "220 mx.example.com ESMTP" },
	{ "a unix socket", MILTER, "socket", "unix:/run/m.sock",
	    "unix:/run/m.sock" },
	{ "a local socket", MILTER, "socket", "local:/run/m.sock",
	    "local:/run/m.sock" },
	{ "a unix socket in capitals", MILTER, "socket", "UNIX:/run/m.sock",
	    "UNIX:/run/m.sock" },
	{ "an inet socket", MILTER, "socket", "inet:8891@127.0.0.1",
	    "inet:8891@127.0.0.1" },
	{ "an inet socket by name", MILTER, "socket", "inet:8891@localhost",
	    "inet:8891@localhost" },
	{ "an inet6 socket", MILTER, "socket", "inet6:8891@[::1]",
	    "inet6:8891@[::1]" },
	{ "an inet6 socket without brackets", MILTER, "socket",
	    "inet6:8891@::1", "inet6:8891@::1" },
	{ "an account", MILTER, "user", "milter:postfix", "milter:postfix" },
	{ "bindings", CONNECTOR, "bindings", "0.0.0.0:25,[::]:25  192.0.2.1:587",
	    "0.0.0.0:25|[::]:25|192.0.2.1:587" },
	{ "ranges of all spellings", CONNECTOR, "remote_ip_ranges",
	    "10.0.0.1, 10.0.1.0/24 10.0.2.0(255.255.255.0),10.0.3.5-10.0.3.9",
	    "10.0.0.1-10.0.0.1|10.0.1.0-10.0.1.255|10.0.2.0-10.0.2.255|"
	    "10.0.3.5-10.0.3.9" },
	{ "blanks around the dash", CONNECTOR, "remote_ip_ranges",
	    "10.0.0.1 - 10.0.0.9 10.0.1.1 -10.0.1.9,10.0.2.1- 10.0.2.9, ::1",
	    "10.0.0.1-10.0.0.9|10.0.1.1-10.0.1.9|10.0.2.1-10.0.2.9|::1-::1" },
	{ "separators in plenty", CONNECTOR, "remote_ip_ranges",
	    ", 10.0.0.1 ,,\t10.0.0.2,", "10.0.0.1-10.0.0.1|10.0.0.2-10.0.0.2" },
	{ "a list in a file", CONNECTOR, "remote_ip_ranges",
	    "10.9.0.0/16 @lists/ranges 10.8.0.1",
	    "10.9.0.0-10.9.255.255|10.0.0.0-10.0.0.255|10.0.3.1-10.0.3.9|"
	    "10.8.0.1-10.8.0.1" },
	{ "an empty list", ORGANIZATION, "gateways", "", "" },
	{ "domains, canonical and sorted", ORGANIZATION, "accepted_domains",
	    "Example.COM, *.example.net b\xc3\xbc" "cher.example",
	    "example.com|*.example.net|xn--bcher-kva.example" },
	{ "patterns of addresses", CONNECTOR, "relay_to",
	    "User@Example.org example.net *.example.com",
	    "User@example.org|@example.net|@*.example.com" },
	{ "all principals", CONNECTOR, "submit",
	    "anonymous Users -servers legacyservers partners "
	    "ExternallySecured user:Bob -user:a@b.example group:STAFF "
	    "host:Mx.Example.com host:.example.org -host:.x",
	    "anonymous|users|-servers|legacy_servers|partners|"
	    "externally_secured|user:Bob|-user:a@b.example|group:Staff(1)|"
	    "host:mx.example.com|host:.example.org|-host:.x" },
	{ "identities of servers", CONNECTOR, "server_identities",
	    "login:mx1, LOGIN:Mx@Example.COM Cert:MX1.Example.COM. "
	    "cert:b\xc3\xbc" "cher.example login:cert:x",
	    "login:mx1|login:Mx@Example.COM|cert:mx1.example.com|"
	    "cert:xn--bcher-kva.example|login:cert:x" },
	{ "no server", CONNECTOR, "server_identities", "", "" },
	{ "capabilities", CONNECTOR, "tls_domain_capabilities",
	    "Mail.Example.COM:AcceptCloudServicesMail "
	    "b\xc3\xbc" "cher.example:accept_cloud_services_mail",
	    "mail.example.com|xn--bcher-kva.example" },
	{ "senders that are exempt", CONNECTOR, "header_from_exempt",
	    "Lists.example *.News.example host:.Bulk.example "
	    "HOST:Mx.Bulk.example",
	    "=lists.example|*.news.example|host:*.bulk.example|"
	    "host:=*.mx.bulk.example" },
	{ "a domain", CONNECTOR, "default_domain", "Example.COM.",
	    "example.com" },
	{ "a domain in other letters", CONNECTOR, "default_domain",
	    "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example" },
	{ "no domain", CONNECTOR, "default_domain", "", "" },
	{ "partner domains, canonical and sorted", ORGANIZATION,
	    "tls_receive_domain_secure_list", "Partner.Example, b.example",
	    "b.example|partner.example" },
	{ "the shortest prefix of stamps", MILTER, "stamp_prefix", "x-y-",
	    "x-y-" },
	{ "the longest prefix of stamps", MILTER, "stamp_prefix",
	    "X-" FIFTY "01234567890-", "X-" FIFTY "01234567890-" },
	{ "a key file", MILTER, "stamp_key_file", "keys/stamp.key",
	    "keys/stamp.key" },
	{ "a delimiter", SECTION_DIRECTORY, "recipient_delimiter", "+", "+" },
	{ "a dash as delimiter", SECTION_DIRECTORY, "recipient_delimiter",
	    "-", "-" },
	{ "no delimiter", SECTION_DIRECTORY, "recipient_delimiter", "", "" },
	{ "recipient domains", SECTION_DIRECTORY, "recipient_domains",
	    "*.Example.com example.com", "example.com|*.example.com" },
	{ "beginnings of fields", CONNECTOR, "protected_headers",
	    "X-Internal-, Authentication-Results X-Originating-IP ARC- Zz",
	    "X-Internal-|Authentication-Results|X-Originating-IP|ARC-|Zz" },
	{ "the most recipients", CONNECTOR, "max_recipients_per_message",
	    "512000", "512000" },
	{ "senders that are allowed", CONNECTOR, "allowed_senders",
	    "Scan@Example.com *.example.net", "Scan@example.com|@*.example.net" },
	{ "bytes free, with their units", PRESSURE, "free_disk",
	    "1G 500M 750MB 2147483648",
	    "1073741824|524288000|786432000|2147483648" },
	{ "nothing free is high", PRESSURE, "free_disk", "1K 0 1B 2K",
	    "1024|0|1|2048" },
	{ "per cents are held in per mille", PRESSURE, "disk",
	    "89 99 90 80", "890|990|900|800" },
	{ "a decimal", PRESSURE, "disk", "89.5 99.9 90.0 80.1",
	    "895|999|900|801" },
	{ "signs of per cent", PRESSURE, "memory", "88% 94.5%, 89 84%",
	    "880|945|890|840" },
	{ "separators of thresholds", PRESSURE, "memory",
	    ",88,94 ,\t89, ,84,", "880|940|890|840" },
	{ "full and empty", PRESSURE, "disk", "50 100 1 0.0",
	    "500|1000|10|0" },
	{ "back from high below the way to medium", PRESSURE, "disk",
	    "89 99 85 80", "890|990|850|800" },
	{ "messages", PRESSURE, "queue_length", "9999 15000 10000 2000",
	    "9999|15000|10000|2000" },
	{ "no thresholds", PRESSURE, "disk", "", "(unset)" },
	{ "a control socket", MILTER, "control_socket", "/run/c.sock",
	    "/run/c.sock" },
	{ "the longest path of a control socket", MILTER, "control_socket",
	    "/" FIFTY FIFTY "123456", "/" FIFTY FIFTY "123456" },
	{ "no control socket", MILTER, "control_socket", "", "" },
};

/* The corpus in t/data/bad has the common ones. */
static const struct sample bad[] = {
	{ "a number with a sign", MILTER, "max_sessions", "+5",
	    "'+5' is not valid; expected: number, 1 to 100000" },
	{ "a number with a unit", MILTER, "max_sessions", "5K",
	    "'5K' is not valid; expected: number, 1 to 100000" },
	{ "a number beyond 64 bits", MILTER, "max_sessions",
	    "18446744073709551617",
	    "'18446744073709551617' is out of range; expected: number, 1 to "
	    "100000" },
	{ "a size that overflows by its unit", CONNECTOR, "max_message_size",
	    "9007199254740993K",
	    "'9007199254740993K' is out of range; expected: size, 64K to "
	    "2147483647" },
	{ "unlimited where nothing is", CONNECTOR, "max_message_size",
	    "unlimited",
	    "'unlimited' is not valid; expected: size, 64K to 2147483647" },
	{ "a count beyond its range", CONNECTOR, "max_inbound_connection",
	    "0",
	    "'0' is out of range; expected: number, 1 to 2147483647, or "
	    "unlimited" },
	{ "a time without its unit", CONNECTOR, "connection_timeout", "600",
	    "'600' has no unit; expected: time, 1s to 1d" },
	{ "a clock of 24 hours", CONNECTOR, "connection_timeout", "24:00:00",
	    "'24:00:00' is not valid; expected: time, 1s to 1d" },
	{ "a clock without seconds", CONNECTOR, "connection_timeout", "00:10",
	    "'00:10' is not valid; expected: time, 1s to 1d" },
	{ "a clock that goes on", CONNECTOR, "connection_timeout",
	    "00:10:00.5", "'00:10:00.5' is not valid; expected: time, 1s to "
	    "1d" },
	{ "days that overflow", SECTION_PROTOCOL_LOG, "max_age",
	    "9223372036854775807.23:59:59",
	    "'9223372036854775807.23:59:59' is out of range; expected: time, "
	    "0s to 24855d, or unlimited" },
	{ "two units", CONNECTOR, "connection_timeout", "1h30m",
	    "'1h30m' is not valid; expected: time, 1s to 1d" },
	{ "a date with blanks", CONNECTOR, "expires", "2027-3-1 ",
	    "'2027-3-1 ' is not valid; expected: date, yyyy-mm-dd" },
	{ "a date that goes on", CONNECTOR, "expires", "2027-03-311",
	    "'2027-03-311' is not valid; expected: date, yyyy-mm-dd" },
	{ "no leap day", CONNECTOR, "expires", "2100-02-29",
	    "'2100-02-29' is no day of the calendar; expected: date, "
	    "yyyy-mm-dd" },
	{ "year nought", CONNECTOR, "expires", "0000-01-01",
	    "'0000-01-01' is no day of the calendar; expected: date, "
	    "yyyy-mm-dd" },
	{ "a mode that is not octal", MILTER, "socket_mode", "0668",
	    "'0668' is not valid; expected: octal number, 0 to 0777" },
	{ "a mode beyond 64 bits", MILTER, "socket_mode",
	    "7777777777777777777777777",
	    "'7777777777777777777777777' is out of range; expected: octal "
	    "number, 0 to 0777" },
	{ "a value that would break a line", CONNECTOR, "enabled", "a\nb\"",
	    "'a\\x0ab\\x22' is not valid; expected: yes or no" },
	{ "an account with a blank", MILTER, "user", "a b",
	    "'a b': not an account; write USER or USER:GROUP" },
	{ "a folder that is not absolute", SECTION_PROTOCOL_LOG, "directory",
	    "log", "'log': the path is not absolute; begin it with '/'" },
	{ "a delimiter of two", SECTION_DIRECTORY, "recipient_delimiter",
	    "+-", "'+-': not a delimiter; write one character, such as +" },
	{ "a letter as delimiter", SECTION_DIRECTORY, "recipient_delimiter",
	    "x", "'x': not a delimiter; write one character, such as +" },
	{ "a delimiter that routes", SECTION_DIRECTORY,
	    "recipient_delimiter", "%",
	    "'%': not a delimiter; write one character, such as +" },
	{ "a delimiter of two bytes", SECTION_DIRECTORY,
	    "recipient_delimiter", "\xc2\xa7",
	    "'\\xc2\\xa7': not a delimiter; write one character, such as +" },
	{ "a capability without its domain", CONNECTOR,
	    "tls_domain_capabilities", ":AcceptOorg",
	    "':AcceptOorg': not a domain with a capability; write "
	    "DOMAIN:CAPABILITY" },
	{ "a domain without its capability", CONNECTOR,
	    "tls_domain_capabilities", "example.com:",
	    "'example.com:': not a domain with a capability; write "
	    "DOMAIN:CAPABILITY" },
	{ "a domain alone", CONNECTOR, "tls_domain_capabilities",
	    "example.com",
	    "'example.com': not a domain with a capability; write "
	    "DOMAIN:CAPABILITY" },
	{ "trust without TLS", CONNECTOR, "tls_domain_capabilities",
	    "no-tls:AcceptCloudServicesMail",
	    "'no-tls:AcceptCloudServicesMail': NO-TLS would be trust without "
	    "a certificate; write DOMAIN:AcceptCloudServicesMail" },
	{ "a capability of other servers", CONNECTOR,
	    "tls_domain_capabilities", "example.com:AcceptOorgProtocol",
	    "'example.com:AcceptOorgProtocol': no MTA here speaks XOORG; "
	    "remove it" },
	{ "a capability misspelt", CONNECTOR, "tls_domain_capabilities",
	    "example.com:AcceptCloudServiceMail",
	    "'example.com:AcceptCloudServiceMail': unknown capability; did "
	    "you mean 'AcceptCloudServicesMail'" },
	{ "a capability nobody knows", CONNECTOR, "tls_domain_capabilities",
	    "example.com:Everything",
	    "'example.com:Everything': unknown capability; the only one is "
	    "AcceptCloudServicesMail" },
	{ "a capability for a wildcard", CONNECTOR,
	    "tls_domain_capabilities", "*.example.com:AcceptCloudServicesMail",
	    "'*.example.com:AcceptCloudServicesMail': no wildcards stand "
	    "here; write each name, such as mx1.example.com" },
	{ "a capability for no domain", CONNECTOR,
	    "tls_domain_capabilities", "a_b:AcceptCloudServicesMail",
	    "'a_b:AcceptCloudServicesMail': a domain has letters, digits, "
	    "hyphens and dots only; write one such as example.com" },
	{ "a server by a bare name", CONNECTOR, "server_identities", "mx1",
	    "'mx1': not an identity; write login:NAME or cert:NAME" },
	{ "a server without its login", CONNECTOR, "server_identities",
	    "login:", "'login:': the login is missing; write login:NAME" },
	{ "a server without its certificate", CONNECTOR,
	    "server_identities", "cert:",
	    "'cert:': the domain is empty; write one such as example.com" },
	{ "servers by a wildcard", CONNECTOR, "server_identities",
	    "cert:*.example.com",
	    "'cert:*.example.com': no wildcards stand here; write each name, "
	    "such as mx1.example.com" },
	{ "a server by an address", CONNECTOR, "server_identities",
	    "cert:[192.0.2.1]",
	    "'cert:[192.0.2.1]': a domain has letters, digits, hyphens and "
	    "dots only; write one such as example.com" },
	{ "an exempt address", CONNECTOR, "header_from_exempt",
	    "list@example.com",
	    "'list@example.com': no addresses stand here; write the sender's "
	    "domain or host:NAME" },
	{ "exempt hosts by a wildcard", CONNECTOR, "header_from_exempt",
	    "host:*.example.com",
	    "'host:*.example.com': no wildcards stand here; write "
	    "host:.DOMAIN for all hosts below DOMAIN" },
	{ "an exempt host without its name", CONNECTOR,
	    "header_from_exempt", "host:",
	    "'host:': the domain is empty; write one such as example.com" },
	{ "a default domain with a wildcard", CONNECTOR, "default_domain",
	    "*.example.com",
	    "'*.example.com': no wildcards stand here; write each domain, "
	    "such as example.com" },
	{ "a default domain that is none", CONNECTOR, "default_domain",
	    "example..com",
	    "'example..com': a label is empty; write one dot between two "
	    "labels, such as example.com" },
	{ "a partner domain with a wildcard", ORGANIZATION,
	    "tls_receive_domain_secure_list", "example.org *.example.com",
	    "'*.example.com': no wildcards stand here; write each domain, "
	    "such as example.com" },
	{ "a prefix too long", MILTER, "stamp_prefix",
	    "X-" FIFTY "012345678901-",
	    "'X-" FIFTY "012345678901-': a prefix has at most 64 bytes" },
	{ "a prefix without X-", MILTER, "stamp_prefix", "Connector-",
	    "'Connector-': not a prefix of field names; write X-NAME-, such "
	    "as X-Connector-" },
	{ "a prefix without its dash", MILTER, "stamp_prefix", "X-Connector",
	    "'X-Connector': not a prefix of field names; write X-NAME-, such "
	    "as X-Connector-" },
	{ "a prefix without a name", MILTER, "stamp_prefix", "X--",
	    "'X--': not a prefix of field names; write X-NAME-, such as "
	    "X-Connector-" },
	{ "a prefix of X- alone", MILTER, "stamp_prefix", "X-",
	    "'X-': not a prefix of field names; write X-NAME-, such as "
	    "X-Connector-" },
	{ "a prefix with a colon", MILTER, "stamp_prefix", "X-a:b-",
	    "'X-a:b-': not a prefix of field names; write X-NAME-, such as "
	    "X-Connector-" },
	{ "a prefix with a blank", MILTER, "stamp_prefix", "X-a b-",
	    "'X-a b-': not a prefix of field names; write X-NAME-, such as "
	    "X-Connector-" },
	{ "no prefix", MILTER, "stamp_prefix", "",
	    "the value is empty; expected: X-NAME-, at most 64 bytes" },
	{ "a field with a colon", CONNECTOR, "protected_headers", "X-A:",
	    "'X-A:': not the beginning of a field name; write one such as "
	    "X-Internal-" },
	{ "one letter of a field", CONNECTOR, "protected_headers", "Z",
	    "'Z': too short for the beginning of a field name; write one such "
	    "as X-Internal-" },
	{ "all fields of the content", CONNECTOR, "protected_headers",
	    "content-language",
	    "'content-language': would strip Content- from every message; "
	    "write the beginning of other names, such as X-Internal-" },
	{ "a recipient too many", CONNECTOR, "max_recipients_per_message",
	    "512001",
	    "'512001' is out of range; expected: number, 1 to 512000" },
	{ "no recipient at all", CONNECTOR, "max_recipients_per_message",
	    "0", "'0' is out of range; expected: number, 1 to 512000" },
	{ "a threshold in words", PRESSURE, "disk", "80 full 85 75",
	    "'80 full 85 75' is not valid; expected: " DISK_BORDERS },
	{ "three thresholds", PRESSURE, "disk", "89 99 90",
	    "'89 99 90' is not four numbers; expected: " DISK_BORDERS },
	{ "five thresholds", PRESSURE, "disk", "89 99 90 80 80",
	    "'89 99 90 80 80' is not four numbers; expected: " DISK_BORDERS },
	{ "separators alone", PRESSURE, "disk", ",",
	    "',' is not four numbers; expected: " DISK_BORDERS },
	{ "a little more than all", PRESSURE, "disk", "89 100.1 90 80",
	    "'89 100.1 90 80' is more than 100 per cent; expected: "
	    DISK_BORDERS },
	{ "far more than all", PRESSURE, "disk",
	    "18446744073709551616 99 90 80",
	    "'18446744073709551616 99 90 80' is more than 100 per cent; "
	    "expected: " DISK_BORDERS },
	{ "two decimals", PRESSURE, "disk", "89 99.25 90 80",
	    "'89 99.25 90 80' is not valid; expected: " DISK_BORDERS },
	{ "a point without a decimal", PRESSURE, "disk", "89 99 90. 80",
	    "'89 99 90. 80' is not valid; expected: " DISK_BORDERS },
	{ "a decimal without a number", PRESSURE, "disk", "89 99 90 .5",
	    "'89 99 90 .5' is not valid; expected: " DISK_BORDERS },
	{ "two signs", PRESSURE, "disk", "89 99%% 90 80",
	    "'89 99%% 90 80' is not valid; expected: " DISK_BORDERS },
	{ "a negative border", PRESSURE, "disk", "89 99 90 -1",
	    "'89 99 90 -1' is not valid; expected: " DISK_BORDERS },
	{ "a word too long to be a number", PRESSURE, "disk",
	    "89 99 90 " FIFTY,
	    "'89 99 90 " FIFTY "' is not valid; expected: " DISK_BORDERS },
	{ "high that is medium", PRESSURE, "disk", "99 99 90 80",
	    "'99 99 90 80' is in the wrong order: the second number has to be "
	    "the largest, the fourth the smallest; expected: " DISK_BORDERS },
	{ "high that is left where it begins", PRESSURE, "disk",
	    "89 99 99 80",
	    "'89 99 99 80' is in the wrong order: the second number has to be "
	    "the largest, the fourth the smallest; expected: " DISK_BORDERS },
	{ "medium that is left where it begins", PRESSURE, "disk",
	    "89 99 90 89",
	    "'89 99 90 89' is in the wrong order: the second number has to be "
	    "the largest, the fourth the smallest; expected: " DISK_BORDERS },
	{ "high that is left for low", PRESSURE, "disk", "89 99 80 80",
	    "'89 99 80 80' is in the wrong order: the second number has to be "
	    "the largest, the fourth the smallest; expected: " DISK_BORDERS },
	{ "bytes free that rise", PRESSURE, "free_disk", "500M 1G 750M 2G",
	    "'500M 1G 750M 2G' is in the wrong order: the second number has to "
	    "be the smallest, the fourth the largest; expected: four borders, "
	    "low to medium, medium to high, high to medium, medium to low, "
	    "such as 1G 500M 750M 2G" },
	{ "bytes free without a number", PRESSURE, "free_disk",
	    "1G M 750M 2G",
	    "'1G M 750M 2G' is not valid; expected: four borders, low to "
	    "medium, medium to high, high to medium, medium to low, such as "
	    "1G 500M 750M 2G" },
	{ "messages with a unit", PRESSURE, "queue_length",
	    "9999 15K 10000 2000",
	    "'9999 15K 10000 2000' is not valid; expected: four borders, low "
	    "to medium, medium to high, high to medium, medium to low, such "
	    "as 9999 15000 10000 2000" },
	{ "a control socket that is not absolute", MILTER, "control_socket",
	    "run/c.sock",
	    "'run/c.sock': the path is not absolute; begin it with '/'" },
	{ "a control socket that is a folder", MILTER, "control_socket",
	    "/run/", "'/run/': the path is a folder; name the socket" },
	{ "a control socket in libmilter's spelling", MILTER,
	    "control_socket", "UNIX:/run/c.sock",
	    "'UNIX:/run/c.sock': the control socket is a path, never of "
	    "another machine; write /PATH alone" },
	{ "a control socket of another machine", MILTER, "control_socket",
	    "inet6:1@[::1]",
	    "'inet6:1@[::1]': the control socket is a path, never of another "
	    "machine; write /PATH alone" },
	{ "a path too long for a control socket", MILTER, "control_socket",
	    "/" FIFTY FIFTY "1234567",
	    "'/" FIFTY FIFTY "1234567': the path has 108 bytes, a socket's "
	    "has at most 107; choose a shorter one" },
};

/* What protected_headers must leave alone. */
static const char *const vital[] = { "From", "Sender", "Reply-To", "To", "Cc",
	"Bcc", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
	"Received", "Return-Path", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "DKIM-Signature" };

static const struct {
	enum section_kind section;
	const char *setting;
	const char *type;
	const char *initial;
} described[] = {
	{ CONNECTOR, "enabled", "yes or no", "yes" },
	{ CONNECTOR, "bindings", "list of address:port, at least one",
	    "(none)" },
	{ CONNECTOR, "remote_ip_ranges",
	    "list of address ranges, at least one", "(none)" },
	{ CONNECTOR, "expires", "date, yyyy-mm-dd", "(empty)" },
	{ CONNECTOR, "mode", "one of enforce, monitor", "enforce" },
	{ CONNECTOR, "submit", "list of principals", "(empty)" },
	{ CONNECTOR, "relay_to", "list of user@d, d, *.d", "(empty)" },
	{ CONNECTOR, "connection_timeout", "time, 1s to 1d", "10m" },
	{ CONNECTOR, "tarpit_interval", "time, 0s to 8s", "5s" },
	{ CONNECTOR, "max_message_size", "size, 64K to 2147483647", "36M" },
	{ CONNECTOR, "max_protocol_errors",
	    "number, 0 to 2147483647, or unlimited", "5" },
	{ ORGANIZATION, "accepted_domains", "list of domains d, *.d",
	    "(empty)" },
	{ ORGANIZATION, "tls_receive_domain_secure_list", "list of domains",
	    "(empty)" },
	{ CONNECTOR, "server_identities", "list of login:NAME, cert:NAME",
	    "(empty)" },
	{ CONNECTOR, "tls_domain_capabilities",
	    "list of DOMAIN:AcceptCloudServicesMail", "(empty)" },
	{ CONNECTOR, "header_from_exempt",
	    "list of d, *.d, host:NAME, host:.d", "(empty)" },
	{ CONNECTOR, "default_domain", "domain", "(empty)" },
	{ CONNECTOR, "protected_headers",
	    "list of beginnings of field names", "(empty)" },
	{ MILTER, "stamp_prefix", "X-NAME-, at most 64 bytes",
	    "X-Connector-" },
	{ MILTER, "socket_mode", "octal number, 0 to 0777", "0660" },
	{ SECTION_GROUP, "members", "list of logins", "(empty)" },
	{ SECTION_PROTOCOL_LOG, "max_age",
	    "time, 0s to 24855d, or unlimited", "30d" },
	{ PRESSURE, "disk", DISK_BORDERS, "89 99 90 80" },
	{ PRESSURE, "queue_length",
	    "four borders, low to medium, medium to high, high to medium, "
	    "medium to low, such as 9999 15000 10000 2000", "(empty)" },
};
#define OF(member) offsetof(struct connector_settings, connector.member)
#define BORDERS(resource) \
	offsetof(struct global_settings, back_pressure) + \
	    offsetof(struct pressure_settings, thresholds) + \
	    RESOURCE_##resource * sizeof(struct thresholds)

/* Every row whose value somebody reads. */
static const struct {
	enum section_kind section;
	const char *setting;
	size_t offset;
} fields[] = {
	{ MILTER, "socket", offsetof(struct global_settings, milter.socket) },
	{ MILTER, "socket_mode", offsetof(struct global_settings, milter.socket_mode) },
	{ MILTER, "socket_group", offsetof(struct global_settings, milter.socket_group) },
	{ MILTER, "user", offsetof(struct global_settings, milter.user) },
	{ MILTER, "control_socket", offsetof(struct global_settings, milter.control_socket) },
	{ MILTER, "connectors", offsetof(struct global_settings, connectors) },
	{ MILTER, "max_sessions", offsetof(struct global_settings, milter.max_sessions) },
	{ MILTER, "max_tarpits", offsetof(struct global_settings, milter.max_tarpits) },
	{ MILTER, "syslog_facility", offsetof(struct global_settings, milter.syslog_facility) },
	{ MILTER, "reply_style", offsetof(struct global_settings, reply_style) },
	{ MILTER, "identify_connector", offsetof(struct global_settings, identify_connector) },
	{ MILTER, "stamp_prefix", offsetof(struct global_settings, stamp_prefix) },
	{ MILTER, "stamp_key_file", offsetof(struct global_settings, stamp_key_file) },
	{ ORGANIZATION, "accepted_domains", offsetof(struct global_settings, organization.accepted_domains) },
	{ ORGANIZATION, "internal_relay_domains", offsetof(struct global_settings, organization.internal_relay_domains) },
	{ ORGANIZATION, "external_relay_domains", offsetof(struct global_settings, organization.external_relay_domains) },
	{ ORGANIZATION, "own_domains", offsetof(struct global_settings, organization.own_domains) },
	{ ORGANIZATION, "own_hosts", offsetof(struct global_settings, organization.own_hosts) },
	{ ORGANIZATION, "tls_receive_domain_secure_list", offsetof(struct global_settings, organization.tls_receive_domain_secure_list) },
	{ SECTION_DIRECTORY, "recipients", offsetof(struct global_settings, directory_recipients) },
	{ SECTION_DIRECTORY, "recipient_domains", offsetof(struct global_settings, organization.recipient_domains) },
	{ SECTION_DIRECTORY, "recipient_delimiter", offsetof(struct global_settings, organization.recipient_delimiter) },
	{ SECTION_GROUP, "members", offsetof(struct group_settings, members) },
	{ SECTION_PROTOCOL_LOG, "directory", offsetof(struct global_settings, protocol_log.directory) },
	{ SECTION_PROTOCOL_LOG, "max_file_size", offsetof(struct global_settings, protocol_log.max_file_size) },
	{ SECTION_PROTOCOL_LOG, "max_directory_size", offsetof(struct global_settings, protocol_log.max_directory_size) },
	{ SECTION_PROTOCOL_LOG, "max_age", offsetof(struct global_settings, protocol_log.max_age) },
	{ SECTION_PROTOCOL_LOG, "required", offsetof(struct global_settings, protocol_log.required) },
	{ PRESSURE, "enabled", offsetof(struct global_settings, back_pressure.enabled) },
	{ PRESSURE, "queue_directory", offsetof(struct global_settings, back_pressure.queue_directory) },
	{ PRESSURE, "disk", BORDERS(DISK) },
	{ PRESSURE, "free_disk", BORDERS(FREE_DISK) },
	{ PRESSURE, "memory", BORDERS(MEMORY) },
	{ PRESSURE, "queue_length", BORDERS(QUEUE_LENGTH) },
	{ CONNECTOR, "enabled", OF(enabled) },
	{ CONNECTOR, "bindings", OF(bindings) },
	{ CONNECTOR, "remote_ip_ranges", OF(remote_ip_ranges) },
	{ CONNECTOR, "mode", OF(mode) },
	{ CONNECTOR, "auth_mechanism", OF(auth_mechanism) },
	{ CONNECTOR, "permission_groups", OF(permission_groups) },
	{ CONNECTOR, "require_tls", OF(require_tls) },
	{ CONNECTOR, "tls_min_version", OF(tls_min_version) },
	{ CONNECTOR, "domain_secure_enabled", OF(domain_secure_enabled) },
	{ CONNECTOR, "tls_domain_capabilities", OF(tls_domain_capabilities) },
	{ CONNECTOR, "server_identities", OF(server_identities) },
	{ CONNECTOR, "accept_open_relay", OF(accept_open_relay) },
	{ CONNECTOR, "relay_to", OF(relay_to) },
	{ CONNECTOR, "relay_from", OF(relay_from) },
	{ CONNECTOR, "allowed_senders", OF(allowed_senders) },
	{ CONNECTOR, "check_header_from", OF(check_header_from) },
	{ CONNECTOR, "header_from_exempt", OF(header_from_exempt) },
	{ CONNECTOR, "resolve_anonymous_senders", OF(resolve_anonymous_senders) },
	{ CONNECTOR, "address_literals", OF(address_literals) },
	{ CONNECTOR, "default_domain", OF(default_domain) },
	{ CONNECTOR, "recipient_filter", OF(recipient_filter) },
	{ CONNECTOR, "internal_only_reply", OF(internal_only_reply) },
	{ CONNECTOR, "reject_reserved_top_level_recipient_domains", OF(reject_reserved_top_level) },
	{ CONNECTOR, "reject_reserved_second_level_recipient_domains", OF(reject_reserved_second_level) },
	{ CONNECTOR, "reject_single_label_recipient_domains", OF(reject_single_label) },
	{ CONNECTOR, "require_ehlo_domain", OF(require_ehlo_domain) },
	{ CONNECTOR, "helo_syntax", OF(helo_syntax) },
	{ CONNECTOR, "max_inbound_connection", OF(max_inbound_connection) },
	{ CONNECTOR, "max_inbound_connection_per_source", OF(max_inbound_connection_per_source) },
	{ CONNECTOR, "max_inbound_connection_percentage_per_source", OF(max_inbound_connection_percentage_per_source) },
	{ CONNECTOR, "message_rate_limit", OF(message_rate_limit) },
	{ CONNECTOR, "message_rate_source", OF(message_rate_source) },
	{ CONNECTOR, "max_recipients_per_message", OF(max_recipients_per_message) },
	{ CONNECTOR, "max_message_size", OF(max_message_size) },
	{ CONNECTOR, "max_header_size", OF(max_header_size) },
	{ CONNECTOR, "max_hop_count", OF(max_hop_count) },
	{ CONNECTOR, "max_local_hop_count", OF(max_local_hop_count) },
	{ CONNECTOR, "max_protocol_errors", OF(max_protocol_errors) },
	{ CONNECTOR, "connection_timeout", OF(connection_timeout) },
	{ CONNECTOR, "connection_inactivity_timeout", OF(connection_inactivity_timeout) },
	{ CONNECTOR, "tarpit_interval", OF(tarpit_interval) },
	{ CONNECTOR, "protocol_logging_level", OF(protocol_logging_level) },
	{ CONNECTOR, "fqdn", OF(fqdn) },
	{ CONNECTOR, "stamp", OF(stamp) },
	{ CONNECTOR, "protected_headers", OF(protected_headers) },
	{ CONNECTOR, "submit", OF(rights[RIGHT_SUBMIT]) },
	{ CONNECTOR, "accept_any_recipient", OF(rights[RIGHT_ACCEPT_ANY_RECIPIENT]) },
	{ CONNECTOR, "accept_any_sender", OF(rights[RIGHT_ACCEPT_ANY_SENDER]) },
	{ CONNECTOR, "accept_authoritative_domain_sender", OF(rights[RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER]) },
	{ CONNECTOR, "accept_authentication_flag", OF(rights[RIGHT_ACCEPT_AUTHENTICATION_FLAG]) },
	{ CONNECTOR, "bypass_anti_spam", OF(rights[RIGHT_BYPASS_ANTI_SPAM]) },
	{ CONNECTOR, "bypass_message_size_limit", OF(rights[RIGHT_BYPASS_MESSAGE_SIZE_LIMIT]) },
	{ CONNECTOR, "accept_headers_routing", OF(rights[RIGHT_ACCEPT_HEADERS_ROUTING]) },
	{ CONNECTOR, "accept_headers_organization", OF(rights[RIGHT_ACCEPT_HEADERS_ORGANIZATION]) },
	{ CONNECTOR, "accept_headers_forest", OF(rights[RIGHT_ACCEPT_HEADERS_FOREST]) },
	{ CONNECTOR, "expires", offsetof(struct connector_settings, expires) },
	{ CONNECTOR, "usage", offsetof(struct connector_settings, usage) },
	{ CONNECTOR, "chunking_enabled", offsetof(struct connector_settings, chunking_enabled) },
	{ CONNECTOR, "binary_mime_enabled", offsetof(struct connector_settings, binary_mime_enabled) },
};

/* The words of every choice that rules read, and what they stand for. */
static const struct {
	const char *setting;
	const char *word;
	unsigned value;
} meanings[] = {
	{ "mode", "enforce", MODE_ENFORCE },
	{ "mode", "monitor", MODE_MONITOR },
	{ "auth_mechanism", "tls", AUTH_TLS },
	{ "auth_mechanism", "integrated", AUTH_INTEGRATED },
	{ "auth_mechanism", "basic_auth", AUTH_BASIC },
	{ "auth_mechanism", "basic_auth_require_tls", AUTH_BASIC_REQUIRE_TLS },
	{ "auth_mechanism", "exchange_server", AUTH_EXCHANGE_SERVER },
	{ "auth_mechanism", "external_authoritative",
	    AUTH_EXTERNAL_AUTHORITATIVE },
	{ "permission_groups", "anonymous_users", GROUP_ANONYMOUS_USERS },
	{ "permission_groups", "exchange_users", GROUP_EXCHANGE_USERS },
	{ "permission_groups", "exchange_servers", GROUP_EXCHANGE_SERVERS },
	{ "permission_groups", "exchange_legacy_servers",
	    GROUP_EXCHANGE_LEGACY_SERVERS },
	{ "permission_groups", "partners", GROUP_PARTNERS },
	{ "tls_min_version", "none", TLS_OFF },
	{ "tls_min_version", "TLSv1", TLS_1_0 },
	{ "tls_min_version", "TLSv1.1", TLS_1_1 },
	{ "tls_min_version", "TLSv1.2", TLS_1_2 },
	{ "tls_min_version", "TLSv1.3", TLS_1_3 },
	{ "check_header_from", "no", HEADER_CHECK_NO },
	{ "check_header_from", "monitor", HEADER_CHECK_MONITOR },
	{ "check_header_from", "yes", HEADER_CHECK_YES },
	{ "resolve_anonymous_senders", "no", RESOLVE_NO },
	{ "resolve_anonymous_senders", "annotate", RESOLVE_ANNOTATE },
	{ "resolve_anonymous_senders", "yes", RESOLVE_YES },
	{ "internal_only_reply", "authrequired", INTERNAL_ONLY_AUTHREQUIRED },
	{ "internal_only_reply", "unknown", INTERNAL_ONLY_UNKNOWN },
	{ "helo_syntax", "tolerant", HELO_SYNTAX_TOLERANT },
	{ "helo_syntax", "strict", HELO_SYNTAX_STRICT },
	{ "helo_syntax", "off", HELO_SYNTAX_OFF },
	{ "message_rate_source", "none", RATE_NONE },
	{ "message_rate_source", "ip_address", RATE_IP_ADDRESS },
	{ "message_rate_source", "user", RATE_USER },
	{ "message_rate_source", "all", RATE_ALL },
	{ "protocol_logging_level", "none", LOGGING_NONE },
	{ "protocol_logging_level", "verbose", LOGGING_VERBOSE },
};
/* clang-format on */

static int
parse(const struct setting *setting, union setting_value *value,
    const char *text, struct diags *diags)
{
	struct setting_context context = {
		.arena = arena,
		.sources = sources,
		.diags = diags,
		.place = { .file = "main.ini", .line = 7 },
		.groups = groups,
		.group_count = nitems(groups),
	};

	return setting_parse(&context, setting, value, text);
}

static void
test_good(const struct sample *sample)
{
	const struct setting *setting =
	    schema_find(sample->section, sample->setting);
	struct diags *diags = diags_new();
	union setting_value value;
	char shown[1024];
	struct text out;

	text_init(&out, shown, sizeof(shown));
	if (parse(setting, &value, sample->text, diags) == 0) {
		put_value(&out, setting, &value);
	} else {
		char *problems = problems_of(diags);

		text_put(&out, problems);
		free(problems);
	}
	is_str(shown, sample->want, sample->what);
	diags_free(diags);
}

static void
test_bad(const struct sample *sample)
{
	struct diags *diags = diags_new();
	union setting_value value;
	char want[512];
	char *got;

	snprintf(want, sizeof(want), "main.ini:7: error: %s\n", sample->want);
	is_int(parse(schema_find(sample->section, sample->setting), &value,
		   sample->text, diags),
	    -1, sample->what);
	got = problems_of(diags);
	is_str(got, want, "and says why");
	free(got);
	diags_free(diags);
}

/* What our own tables say has to be right. */
static void
test_rows(void)
{
	struct diags *diags = diags_new();
	size_t wrong = 0, silent = 0, twins = 0;
	char *problems;

	for (size_t i = 0; i < schema_count(); i++) {
		const struct setting *row = schema_at(i);
		union setting_value value;

		if (row->initial != NULL)
			wrong += parse(row, &value, row->initial, diags) != 0;
		silent += row->help == NULL || row->help[0] == '\0';
		twins += schema_find(row->section, row->name) != row;
	}
	problems = problems_of(diags);
	is_str(problems, "", "built-in values are right");
	is_int((long long)wrong, 0, "all of them");
	is_int((long long)silent, 0, "every row says what it is for");
	is_int((long long)twins, 0, "no two rows have one name");
	free(problems);
	diags_free(diags);
}

static void
test_fields(void)
{
	size_t read = 0;

	for (size_t i = 0; i < nitems(fields); i++)
		is_int(
		    (long long)schema_find(fields[i].section, fields[i].setting)
			->offset,
		    (long long)fields[i].offset, fields[i].setting);
	for (size_t i = 0; i < schema_count(); i++)
		read += schema_at(i)->offset != SETTING_NOWHERE;
	is_int((long long)read, (long long)nitems(fields),
	    "those are all the rows that have a field");
}

static void
test_meanings(void)
{
	struct diags *diags = diags_new();

	for (size_t i = 0; i < nitems(meanings); i++) {
		union setting_value value;

		is_int(parse(schema_find(CONNECTOR, meanings[i].setting),
			   &value, meanings[i].word, diags),
		    0, meanings[i].setting);
		is_int(value.choice, meanings[i].value, meanings[i].word);
	}
	diags_free(diags);
}

/* Each whole, its first two letters, and in capitals. */
static void
test_vital_fields(void)
{
	const struct setting *row = schema_find(CONNECTOR, "protected_headers");

	for (size_t i = 0; i < nitems(vital); i++) {
		char want[256], two[3] = { vital[i][0], vital[i][1] };
		struct diags *diags = diags_new();
		union setting_value value;
		char *got;

		is_int(
		    parse(row, &value, vital[i], diags), -1, "a vital field");
		snprintf(want, sizeof(want),
		    "main.ini:7: error: '%s': would strip %s from every "
		    "message; write the beginning of other names, such as "
		    "X-Internal-\n",
		    vital[i], vital[i]);
		got = problems_of(diags);
		is_str(got, want, vital[i]);
		free(got);
		is_int(parse(row, &value, two, diags), -1, "its beginning");
		diags_free(diags);
	}
}

/* What Exchange calls a setting is the setting's name to us, too. */
static void
test_exchange(void)
{
	size_t named = 0;

	for (size_t i = 0; i < schema_count(); i++) {
		const struct setting *row = schema_at(i);

		if (row->exchange == NULL || row->type == SETTING_PRINCIPALS)
			continue;
		ok(text_same_name(row->exchange, row->name), "%s",
		    row->exchange);
		named++;
	}
	is_int((long long)named, 44, "all that Exchange has are named");
}

static void
test_presets(void)
{
	struct diags *diags = diags_new();
	size_t wrong = 0;

	for (size_t i = 0; i < preset_count; i++) {
		const struct setting *row =
		    schema_find(CONNECTOR, presets[i].setting);
		union setting_value value;

		wrong += row == NULL || row->initial == NULL ||
		    strcmp(row->name, "usage") == 0 ||
		    parse(row, &value, presets[i].value, diags) != 0;
	}
	is_int((long long)wrong, 0,
	    "presets set right values, never bindings, ranges or usage");
	is_str(preset_value(1, "recipient_filter", true), "yes",
	    "internet filters recipients when there is a directory");
	is_str(preset_value(1, "recipient_filter", false), NULL,
	    "and not without one");
	diags_free(diags);
}

static void
test_descriptions(void)
{
	for (size_t i = 0; i < nitems(described); i++) {
		const struct setting *row =
		    schema_find(described[i].section, described[i].setting);
		char type[SETTING_TYPE_TEXT_MAX];

		is_str(setting_type_text(type, row), described[i].type,
		    described[i].setting);
		is_str(setting_default_text(row), described[i].initial,
		    "and its default");
	}
}

static void
test_lookup(void)
{
	const struct setting *ranges =
	    schema_find(CONNECTOR, "remote_ip_ranges");

	ok(ranges != NULL &&
		schema_find(CONNECTOR, "RemoteIPRanges") == ranges &&
		schema_find(SECTION_DEFAULTS, "REMOTE-IP-RANGES") == ranges,
	    "a setting is found in every spelling, and for [defaults]");
	ok(schema_find(MILTER, "remote_ip_ranges") == NULL,
	    "and not in another section");
	ok(schema_section("Protocol-Log") ==
		&schema_sections[SECTION_PROTOCOL_LOG],
	    "a section is found in every spelling");
}

int
main(void)
{
	static const char list[] = "# of the offices\n"
				   "\n"
				   "10.0.0.0/24\t# Bonn\r\n"
				   "  10.0.3.1 - 10.0.3.9  \n";

	arena = arena_new();
	sources = sources_new();
	if (arena == NULL || sources == NULL ||
	    sources_add(sources, "lists/ranges", list, sizeof(list) - 1) != 0)
		return 2;
	for (size_t i = 0; i < nitems(good); i++)
		test_good(&good[i]);
	for (size_t i = 0; i < nitems(bad); i++)
		test_bad(&bad[i]);
	test_rows();
	test_fields();
	test_meanings();
	test_vital_fields();
	test_exchange();
	test_presets();
	test_descriptions();
	test_lookup();
	sources_free(sources);
	arena_free(arena);
	return done();
}
