/*
 * config.c - files in, one configuration out: defaults, precedence, origins,
 * groups, files and folders, directory and keys, another day, and size without
 * surprise.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "directory.h"
#include "sources.h"
#include "space.h"
#include "text.h"

#define TODAY 20261122
#define HERE "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.0.0.0/24\n"

struct loaded {
	struct config *config;
	char *problems;
};

static struct loaded
load(struct sources *sources, const char *path)
{
	struct loaded loaded = { NULL, NULL };
	struct diags *diags = diags_new();
	size_t len;
	FILE *out = open_memstream(&loaded.problems, &len);

	loaded.config = sources != NULL
	    ? config_build(sources, path, TODAY, diags)
	    : config_load(path, TODAY, diags);
	diags_print(diags, out);
	fclose(out);
	diags_free(diags);
	return loaded;
}

static struct sources *
with(const char *main_file)
{
	struct sources *sources = sources_new();

	if (sources == NULL ||
	    sources_add(sources, "main.ini", main_file, strlen(main_file)) != 0)
		exit(2);
	return sources;
}

static struct loaded
load_text(const char *main_file)
{
	return load(with(main_file), "main.ini");
}

static void
drop(struct loaded *loaded)
{
	config_free(loaded->config);
	free(loaded->problems);
}

/* The connector called name; the test ends when it is not there. */
static size_t
index_of(const struct config *config, const char *name)
{
	const struct policy *policy =
	    config != NULL ? config_policy(config) : NULL;

	for (size_t i = 0; policy != NULL && i < policy->connector_count; i++)
		if (strcmp(policy->connectors[i].name, name) == 0)
			return i;
	printf("Bail out! no connector %s\n", name);
	exit(2);
}

static const struct connector *
connector(const struct config *config, const char *name)
{
	return &config_policy(config)->connectors[index_of(config, name)];
}

static void
test_built_in(void)
{
	struct loaded loaded = load_text("[connector a]\n" HERE);
	const struct connector *a = connector(loaded.config, "a");
	const struct milter_settings *milter = config_milter(loaded.config);
	const struct policy *policy = config_policy(loaded.config);
	size_t granted = 0;

	is_str(loaded.problems, "", "a connector of two lines loads");
	is_str(
	    milter->socket, "unix:/run/connector-milter/milter.sock", "socket");
	is_int(milter->socket_mode, 0660, "socket_mode");
	is_str(milter->socket_group, "", "socket_group");
	is_str(milter->user, "", "user");
	is_str(milter->control_socket, "", "control_socket");
	is_int(milter->max_sessions, 5000, "max_sessions");
	is_int(milter->max_tarpits, 128, "max_tarpits");
	is_int(milter->syslog_facility, LOG_MAIL, "syslog_facility");
	is_int(policy->reply_style, REPLY_STYLE_2016, "reply_style");
	ok(policy->identify_connector, "identify_connector");
	is_int(
	    policy->organization.own_domains, OWN_AUTHORITATIVE, "own_domains");
	ok(a->enabled && !a->expired && connector_is_live(a), "enabled");
	is_int(a->auth_mechanism, AUTH_TLS, "auth_mechanism");
	is_int(a->permission_groups, 0, "permission_groups");
	ok(!a->require_tls && !a->accept_open_relay, "switches");
	is_int(a->tls_min_version, TLS_OFF, "tls_min_version");
	is_int((long long)(a->relay_to.count + a->relay_from.count), 0,
	    "relay_to and relay_from");
	for (size_t i = 0; i < RIGHT_COUNT; i++)
		granted += a->rights[i].count;
	is_int((long long)granted, 0, "rights");
	is_int((long long)strlen(config_hash(loaded.config)), 64, "hash");
	is_int(config_today(loaded.config), TODAY, "today");
	ok(!config_expires(loaded.config), "nothing expires");
	ok(policy->directory == NULL && policy->stamp_keys == NULL,
	    "no directory and no key");
	is_str(policy->stamp_prefix, "X-Connector-", "stamp_prefix");
	is_str(policy->organization.recipient_delimiter, "",
	    "recipient_delimiter");
	drop(&loaded);
}

/* clang-format off */
/*
 * Limits where nobody wrote anything, as usage presets them, and as [defaults]
 * and the connector say. 0: as built in.
 */
#define LIMIT(limit) #limit, offsetof(struct connector, limit)
static const struct {
	const char *name;
	size_t offset;
	long long built_in;
	long long preset;
	long long given;
} limits[] = {
	{ LIMIT(max_inbound_connection), 5000, 0, 100 },
	{ LIMIT(max_inbound_connection_per_source), 20, UNLIMITED, 7 },
	{ LIMIT(max_inbound_connection_percentage_per_source), 2, 100, 50 },
	{ LIMIT(message_rate_limit), UNLIMITED, 0, 600 },
	{ LIMIT(max_recipients_per_message), 200, 0, 0 },
	{ LIMIT(max_message_size), 37748736, 0, 65536 },
	{ LIMIT(max_header_size), 262144, 0, 131072 },
	{ LIMIT(max_hop_count), 60, 0, 30 },
	{ LIMIT(max_local_hop_count), 5, 0, 8 },
	{ LIMIT(max_protocol_errors), 5, 0, UNLIMITED },
	{ LIMIT(connection_timeout), 600, 0, 60 },
	{ LIMIT(connection_inactivity_timeout), 300, 0, 59 },
	{ LIMIT(tarpit_interval), 5, 0, 1 },
};
/* clang-format on */

static long long
limit_of(const struct connector *connector, size_t index)
{
	return *(
	    const long long *)((const char *)connector + limits[index].offset);
}

static void
test_limits(void)
{
	struct loaded loaded = load_text(
	    "[defaults]\nmax_inbound_connection = 99\n"
	    "max_inbound_connection_per_source = 7\n"
	    "MaxInboundConnectionPercentagePerSource = 50\n"
	    "message_rate_limit = 600\nmessage_rate_source = all\n"
	    "max_message_size = 64K\nMaxHeaderSize = 128 KB\n"
	    "max_hop_count = 30\nmax_local_hop_count = 8\n"
	    "max_protocol_errors = unlimited\n"
	    "connection_timeout = 1m\n"
	    "connection_inactivity_timeout = 00:00:59\n"
	    "tarpit_interval = 1s\n"
	    "[connector a]\n" HERE "max_inbound_connection = 100\n"
	    "[connector b]\nbindings = 0.0.0.0:26\n"
	    "remote_ip_ranges = 10.0.0.0/24\nusage = externally_secured\n");
	struct loaded plain = load_text("[connector a]\n" HERE);
	struct loaded preset =
	    load_text("[connector b]\n" HERE "usage = externally_secured\n");
	const struct connector *given = connector(loaded.config, "a");
	const struct connector *both = connector(loaded.config, "b");

	is_str(loaded.problems, "", "every limit loads");
	for (size_t i = 0; i < nitems(limits); i++) {
		const long long built_in = limits[i].built_in;
		const long long want =
		    limits[i].given != 0 ? limits[i].given : built_in;

		is_int(limit_of(connector(plain.config, "a"), i), built_in,
		    limits[i].name);
		is_int(limit_of(connector(preset.config, "b"), i),
		    limits[i].preset != 0 ? limits[i].preset : built_in,
		    "by usage");
		is_int(limit_of(given, i), want, "as given");
	}
	is_int(both->max_inbound_connection, 99, "a default");
	is_int(both->max_inbound_connection_per_source, UNLIMITED,
	    "a preset comes before it");
	is_int(connector(plain.config, "a")->message_rate_source,
	    RATE_IP_ADDRESS, "message_rate_source");
	is_int(given->message_rate_source, RATE_ALL, "as given");
	is_int(connector(plain.config, "a")->protocol_logging_level,
	    LOGGING_NONE, "protocol_logging_level");
	drop(&loaded);
	drop(&plain);
	drop(&preset);
}

static void
check_thresholds(const struct thresholds *got, const struct thresholds *want,
    const char *what)
{
	is_int(got->set, want->set, what);
	if (!want->set)
		return;
	is_int(got->to_medium, want->to_medium, what);
	is_int(got->to_high, want->to_high, what);
	is_int(got->from_high, want->from_high, what);
	is_int(got->from_medium, want->from_medium, what);
}

/* The protocol log and back pressure, where nobody wrote anything. */
static void
test_watched(void)
{
	static const struct thresholds built_in[RESOURCE_COUNT] = {
		[RESOURCE_DISK] = { true, 890, 990, 900, 800 },
		[RESOURCE_FREE_DISK] = { true, 1LL << 30, 500LL << 20,
		    750LL << 20, 2LL << 30 },
		[RESOURCE_MEMORY] = { true, 880, 940, 890, 840 },
	};
	static const struct thresholds none = { .set = false };
	struct loaded loaded = load_text("[connector a]\n" HERE);
	const struct protocol_log_settings *log =
	    config_protocol_log(loaded.config);
	const struct pressure_settings *pressure =
	    config_pressure(loaded.config);

	is_str(log->directory, "", "no protocol log");
	is_int(log->max_file_size, 10485760, "max_file_size");
	is_int(log->max_directory_size, 262144000, "max_directory_size");
	is_int(log->max_age, 30 * 86400, "max_age");
	ok(!log->required, "required");
	ok(pressure->enabled, "back pressure is on");
	is_str(pressure->queue_directory, "", "queue_directory");
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		check_thresholds(&pressure->thresholds[i], &built_in[i],
		    "borders of a resource");
	drop(&loaded);
	loaded = load_text(
	    "[protocol_log]\nrequired = yes\nmax_age = unlimited\n"
	    "directory = /var/log/connector-milter\n"
	    "max_file_size = 1M\nmax_directory_size = unlimited\n"
	    "[back_pressure]\nenabled = no\ndisk =\nmemory = 50% 60 55 40\n"
	    "[connector a]\n" HERE "protocol_logging_level = verbose\n");
	log = config_protocol_log(loaded.config);
	pressure = config_pressure(loaded.config);
	is_str(loaded.problems, "", "and where somebody did");
	is_str(log->directory, "/var/log/connector-milter", "a folder");
	is_int(log->max_file_size, 1048576, "its files");
	ok(log->max_directory_size == UNLIMITED && log->max_age == UNLIMITED,
	    "unlimited");
	ok(log->required, "required");
	is_int(connector(loaded.config, "a")->protocol_logging_level,
	    LOGGING_VERBOSE, "a connector that is logged");
	ok(!pressure->enabled, "back pressure is off");
	check_thresholds(&pressure->thresholds[RESOURCE_DISK], &none,
	    "a resource that is not looked at");
	check_thresholds(&pressure->thresholds[RESOURCE_MEMORY],
	    &(struct thresholds){ true, 500, 600, 550, 400 }, "of memory");
	drop(&loaded);
}

static const char global_text[] =
    "[MILTER]\n"
    "Socket = inet:8891@127.0.0.1\n"
    "socket-mode = 600\n"
    "socket_group = postfix\n"
    "user = milter:postfix\n"
    "max_sessions = 7\n"
    "max_tarpits = 3\n"
    "control_socket = /run/control.sock\n"
    "syslog_facility = local3\n"
    "ReplyStyle = 2010\n"
    "identify_connector = off\n"
    "[organization]\n"
    "name = \"Example; Inc.\"   ; ours\n"
    "AcceptedDomains = example.com, *.example.net\n"
    "internal_relay_domains = legacy.example\n"
    "external_relay_domains = partner.example\n"
    "own_domains = accepted\n"
    "own_hosts = 192.0.2.25\n"
    "gateways = 192.0.2.1\n"
    "load_balancers = 192.0.2.9\n"
    "dhcp_ranges = 10.0.0.100-10.0.0.200\n"
    "[group staff]\n"
    "members = carol, Alice bob\n"
    "[connector a]\n" HERE "submit = group:STAFF\n"
    "accept_any_recipient = host:.Example.org -user:eve\n";

static void
test_globals(void)
{
	struct loaded loaded = load_text(global_text);
	const struct connector *a = connector(loaded.config, "a");
	const struct milter_settings *milter = config_milter(loaded.config);
	const struct policy *policy = config_policy(loaded.config);
	const struct organization *ours = &policy->organization;
	const struct principals *relay = &a->rights[RIGHT_ACCEPT_ANY_RECIPIENT];

	is_str(loaded.problems, "", "every global setting loads");
	is_str(milter->socket, "inet:8891@127.0.0.1", "its socket");
	is_int(milter->socket_mode, 0600, "its mode");
	is_str(milter->socket_group, "postfix", "its group");
	is_str(milter->user, "milter:postfix", "its user");
	is_int(milter->max_sessions, 7, "its sessions");
	is_int(milter->max_tarpits, 3, "its tarpits");
	is_str(milter->control_socket, "/run/control.sock", "its control");
	is_int(milter->syslog_facility, LOG_LOCAL3, "its facility");
	is_int(policy->reply_style, REPLY_STYLE_2010, "its style");
	ok(!policy->identify_connector, "and no connector in replies");
	ok(organization_accepts(ours, "example.com") &&
		organization_accepts(ours, "a.example.net") &&
		organization_accepts(ours, "legacy.example") &&
		organization_accepts(ours, "partner.example") &&
		!organization_accepts(ours, "example.net"),
	    "three lists of domains are accepted");
	ok(organization_owns(ours, "legacy.example"), "and all are our own");
	is_int((long long)policy->group_count, 1, "one group");
	is_str(policy->groups[0].members[0], "Alice", "members are sorted");
	is_str(policy->groups[0].members[2], "carol", "without case");
	ok(a->rights[RIGHT_SUBMIT].items[0].group == &policy->groups[0],
	    "a principal points to its group");
	is_int(relay->items[0].kind, PRINCIPAL_HOST_BELOW, "hosts below");
	is_str(relay->items[0].name, "example.org", "are canonical");
	ok(relay->items[1].deny && !relay->items[0].deny, "minus denies");
	drop(&loaded);
}

static const char layered[] = "[defaults]\n"
			      "bindings = 192.0.2.1:25\n"
			      "require_tls = yes\n"
			      "accept_any_recipient = users\n"
			      "permission_groups = partners\n"
			      "[connector plain]\n"
			      "remote_ip_ranges = 10.0.0.0/24\n"
			      "[connector relay]\n"
			      "usage = anonymous_relay\n"
			      "remote_ip_ranges = 10.0.1.0/24\n"
			      "[connector own]\n"
			      "RemoteIPRanges = 10.0.2.0/24\n"
			      "accept_any_recipient = host:mx.example.com\n"
			      "bindings = 0.0.0.0:587\n"
			      "RequireTLS = no\n"
			      "Usage = Anonymous-Relay\n";

/* clang-format off */
static const struct {
	const char *connector, *setting;
	enum origin_kind kind;
	unsigned line;
	const char *value;
} layers[] = {
	{ "plain", "require_tls", ORIGIN_DEFAULTS, 3, "yes" },
	{ "plain", "accept_any_recipient", ORIGIN_DEFAULTS, 4, "users" },
	{ "plain", "permission_groups", ORIGIN_DEFAULTS, 5, "partners" },
	{ "plain", "remote_ip_ranges", ORIGIN_OWN, 7, "10.0.0.0/24" },
	{ "plain", "enabled", ORIGIN_BUILT_IN, 0, "yes" },
	{ "plain", "usage", ORIGIN_BUILT_IN, 0, "custom" },
	{ "relay", "accept_any_recipient", ORIGIN_PRESET, 9, "anonymous" },
	{ "relay", "permission_groups", ORIGIN_PRESET, 9, "anonymous_users" },
	{ "relay", "require_tls", ORIGIN_DEFAULTS, 3, "yes" },
	{ "relay", "bindings", ORIGIN_DEFAULTS, 2, "192.0.2.1:25" },
	{ "own", "accept_any_recipient", ORIGIN_OWN, 13,
	    "host:mx.example.com" },
	{ "own", "permission_groups", ORIGIN_PRESET, 16, "anonymous_users" },
	{ "own", "require_tls", ORIGIN_OWN, 15, "no" },
	{ "own", "bindings", ORIGIN_OWN, 14, "0.0.0.0:587" },
	{ "own", "max_hop_count", ORIGIN_BUILT_IN, 0, "60" },
};
/* clang-format on */

static void
test_precedence(void)
{
	struct loaded loaded = load_text(layered);
	const struct config *config = loaded.config;
	const struct connector *plain = connector(config, "plain");
	const struct connector *relay = connector(config, "relay");
	const struct connector *own = connector(config, "own");
	const enum right any = RIGHT_ACCEPT_ANY_RECIPIENT;

	is_str(loaded.problems, "", "layers of settings load");
	ok(plain->require_tls && relay->require_tls && !own->require_tls,
	    "own settings come before [defaults]");
	is_int(plain->permission_groups, GROUP_PARTNERS,
	    "[defaults] come before what is built in");
	is_int(relay->permission_groups, GROUP_ANONYMOUS_USERS,
	    "a preset comes before [defaults]");
	is_int(relay->rights[any].items[0].kind, PRINCIPAL_ANONYMOUS,
	    "also for a list");
	ok(relay->rights[any].count == 1 && own->rights[any].count == 1,
	    "lists replace and never add");
	is_int(own->rights[any].items[0].kind, PRINCIPAL_HOST,
	    "own settings come before a preset, wherever usage stands");
	for (size_t i = 0; i < nitems(layers); i++) {
		const struct origin origin = config_origin(config,
		    index_of(config, layers[i].connector), layers[i].setting);

		is_int(origin.kind, layers[i].kind, layers[i].setting);
		is_int(origin.line, layers[i].line, "its line");
		is_str(origin.value, layers[i].value, "its value");
		is_str(origin.file,
		    layers[i].kind == ORIGIN_BUILT_IN ? NULL : "main.ini",
		    "its file");
	}
	drop(&loaded);
}

/* clang-format off */
static const struct {
	const char *usage;
	unsigned groups, mechanisms;
	const char *more; /* without which it would serve nobody */
} usages[] = {
	{ "internet", GROUP_ANONYMOUS_USERS, AUTH_TLS, NULL },
	{ "client", GROUP_EXCHANGE_USERS, AUTH_TLS | AUTH_BASIC |
	    AUTH_BASIC_REQUIRE_TLS | AUTH_INTEGRATED, NULL },
	{ "internal", GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS,
	    AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    "server_identities = login:mx1\n" },
	{ "partner", GROUP_PARTNERS, AUTH_TLS,
	    "[organization]\n"
	    "tls_receive_domain_secure_list = partner.example\n" },
	{ "anonymous_relay", GROUP_ANONYMOUS_USERS, AUTH_TLS, NULL },
	{ "externally_secured", GROUP_EXCHANGE_SERVERS,
	    AUTH_EXTERNAL_AUTHORITATIVE, NULL },
	{ "closed", 0, AUTH_TLS, NULL },
	{ "custom", 0, AUTH_TLS, NULL },
};
/* clang-format on */

static void
test_usages(void)
{
	for (size_t i = 0; i < nitems(usages); i++) {
		char text[256];
		struct loaded loaded;
		const struct connector *a;

		snprintf(text, sizeof(text), "[connector a]\n%susage = %s\n%s",
		    HERE, usages[i].usage,
		    usages[i].more != NULL ? usages[i].more : "");
		loaded = load_text(text);
		is_str(loaded.problems, "", usages[i].usage);
		a = connector(loaded.config, "a");
		is_int(a->permission_groups, usages[i].groups, "its groups");
		is_int(
		    a->auth_mechanism, usages[i].mechanisms, "its mechanisms");
		drop(&loaded);
	}
}

/* What switches something off, and what the MTA does, is accepted. */
static void
test_accepted(void)
{
	struct loaded loaded = load_text(
	    "[milter]\n"
	    "control_socket =\nmax_tarpits = 0\nstamp_key_file =\n"
	    "[organization]\ntls_receive_domain_secure_list =\n"
	    "[directory]\nrecipients =\nrecipient_domains =\n"
	    "recipient_delimiter =\n"
	    "[protocol_log]\ndirectory =\nmax_file_size = unlimited\n"
	    "max_directory_size = UNLIMITED\nmax_age = unlimited\n"
	    "required = false\n"
	    "[back_pressure]\nenabled = off\nqueue_directory =\ndisk =\n"
	    "[defaults]\n"
	    "mode = enforce\ndomain_secure_enabled = no\n"
	    "server_identities =\nallowed_senders =\ncheck_header_from = no\n"
	    "resolve_anonymous_senders = no\naddress_literals = no\n"
	    "recipient_filter = no\nrequire_ehlo_domain = no\n"
	    "helo_syntax = off\nmax_inbound_connection = unlimited\n"
	    "max_inbound_connection_percentage_per_source = 100\n"
	    "message_rate_source = none\nmax_local_hop_count = 0\n"
	    "tarpit_interval = 00:00:00\nstamp = no\n"
	    "protocol_logging_level = none\n"
	    "accept_any_sender = users\nbypass_anti_spam = externally_secured\n"
	    "[connector a]\n" HERE
	    "banner = \"220 mx.example.com\"\nfqdn = mx.example.com\n"
	    "tls_certificate_name = <I>CN=ca<S>CN=mx\n"
	    "pipelining_enabled = no\nchunking_enabled = no\n"
	    "binary_mime_enabled = no\neight_bit_mime_enabled = no\n"
	    "delivery_status_notification_enabled = no\n"
	    "size_enabled = EnabledWithoutValue\nsmtp_utf8_enabled = no\n"
	    "enhanced_status_codes_enabled = no\nmax_logon_failures = 0\n"
	    "bare_linefeed_rejection_enabled = yes\n");

	is_str(loaded.problems, "", "off values and the MTA's settings load");
	ok(loaded.config != NULL, "without a problem");
	drop(&loaded);
}

static void
test_days(void)
{
	struct loaded loaded =
	    load_text("[connector today]\n" HERE "expires = 2026-11-22\n"
		      "[connector past]\n" HERE "expires = 2026-11-21\n"
		      "[connector future]\nbindings = 0.0.0.0:26\n"
		      "remote_ip_ranges = 10.0.0.0/24\nexpires = 2027-01-01\n");
	struct config *config = loaded.config, *later;

	is_str(loaded.problems, "",
	    "a range is free again after the last day of its connector");
	ok(config_expires(config), "it is known that days matter");
	ok(connector_is_live(connector(config, "today")),
	    "a connector serves on its last day");
	ok(!connector_is_live(connector(config, "past")), "and not after it");
	later = config_on_day(config, 20261123);
	ok(later != NULL && !connector_is_live(connector(later, "today")) &&
		connector_is_live(connector(later, "future")),
	    "the next day is built from the same bytes");
	is_str(later != NULL ? config_hash(later) : NULL, config_hash(config),
	    "and has the same hash");
	is_int(later != NULL ? config_today(later) : 0, 20261123,
	    "and its own date");
	drop(&loaded);
	config = config_on_day(later, 20270102);
	config_free(later);
	ok(config != NULL && !connector_is_live(connector(config, "future")),
	    "a day can be built from one whose origin is gone");
	config_free(config);
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0 ||
	    chmod(path, 0644) != 0) {
		perror(path);
		exit(2);
	}
}

/* Fresh files in the working folder, which is a scratch one. */
static void
write_folder(void)
{
	if (mkdir("conf", 0755) != 0 || mkdir("conf/connectors.d", 0755) != 0 ||
	    mkdir("conf/more", 0755) != 0)
		exit(2);
	write_file("conf/main.ini", "[connector main]\n" HERE);
	write_file("conf/connectors.d/b.ini",
	    "[connector b]\nbindings = 0.0.0.0:26\n"
	    "remote_ip_ranges = @ranges\n");
	write_file("conf/connectors.d/ranges", "10.0.0.0/24\n10.0.1.0/24\n");
	write_file("conf/connectors.d/old.ini.bak", "[connector b]\n");
	write_file("conf/more/c.ini",
	    "[connector c]\nbindings = 0.0.0.0:27\n"
	    "remote_ip_ranges = 10.0.0.0/24\n");
}

static void
test_files(void)
{
	struct loaded loaded;
	struct config *later, *after;

	write_folder();
	loaded = load(NULL, "conf/main.ini");
	is_str(loaded.problems, "", "connectors.d is read by itself");
	is_int((long long)config_policy(loaded.config)->connector_count, 2,
	    "only *.ini of it");
	is_int((long long)connector(loaded.config, "b")->remote_ip_ranges.count,
	    2, "an @FILE lies beside the file that names it");
	is_str(config_origin(loaded.config, index_of(loaded.config, "b"),
		   "remote_ip_ranges")
		   .file,
	    "conf/connectors.d/b.ini", "origins name the file");
	unlink("conf/connectors.d/b.ini");
	unlink("conf/connectors.d/ranges");
	later = config_on_day(loaded.config, TODAY + 1);
	ok(later != NULL && config_policy(later)->connector_count == 2,
	    "another day does not need the files any more");
	after = later != NULL ? config_on_day(later, TODAY + 2) : NULL;
	ok(after != NULL && config_policy(after)->connector_count == 2,
	    "and the day after that has them all still");
	config_free(after);
	config_free(later);
	drop(&loaded);

	write_file("conf/main.ini",
	    "[milter]\nconnectors = more/c.ini, more . ./more/c.ini\n"
	    "[connector main]\n" HERE);
	loaded = load(NULL, "conf/main.ini");
	is_str(loaded.problems, "",
	    "files and folders are read once, however often named");
	is_int((long long)config_policy(loaded.config)->connector_count, 2,
	    "the main file too");
	drop(&loaded);

	write_file("conf/main.ini", "[connector main]\n" HERE);
	unlink("conf/connectors.d/old.ini.bak");
	rmdir("conf/connectors.d");
	loaded = load(NULL, "conf/main.ini");
	is_str(loaded.problems, "",
	    "connectors.d need not be there when nobody names it");
	drop(&loaded);
}

#define KEY_1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_2 "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char linked_text[] =
    "[milter]\nstamp_key_file = more/key\nstamp_prefix = X-Edge-\n"
    "[directory]\nrecipients = more/people\nrecipient_delimiter = +\n"
    "[organization]\naccepted_domains = example.com\n"
    "[connector main]\n" HERE "usage = internet\n";

static void
write_key(const char *key)
{
	char text[256];

	snprintf(text, sizeof(text), "k1 %s\n", key);
	write_file("conf/more/key", text);
	if (chmod("conf/more/key", 0640) != 0)
		exit(2);
}

static enum answer
knows(const struct config *config, const char *local)
{
	struct listing listing;

	return directory_find(
	    config_policy(config)->directory, local, "example.com", &listing);
}

/* What settings name as a whole file is loaded once, for every day. */
static void
test_linked(void)
{
	char hash[65] = "";
	struct loaded loaded;
	struct config *later;

	write_file("conf/main.ini", linked_text);
	write_file("conf/more/people", "alice@example.com\n");
	write_key(KEY_1);
	loaded = load(NULL, "conf/main.ini");
	is_str(loaded.problems, "",
	    "a directory and a key beside the main "
	    "file");
	ok(loaded.config != NULL &&
		knows(loaded.config, "alice") == ANSWER_YES &&
		knows(loaded.config, "bob") == ANSWER_NO,
	    "the policy has the directory");
	ok(config_policy(loaded.config)->stamp_keys != NULL, "and the key");
	is_str(config_policy(loaded.config)->stamp_prefix, "X-Edge-",
	    "and the prefix");
	is_str(config_policy(loaded.config)->organization.recipient_delimiter,
	    "+", "and the delimiter");
	ok(connector(loaded.config, "main")->recipient_filter,
	    "usage internet filters recipients when there is a directory");
	snprintf(hash, sizeof(hash), "%s", config_hash(loaded.config));

	unlink("conf/more/people");
	unlink("conf/more/key");
	later = config_on_day(loaded.config, TODAY + 1);
	ok(later != NULL && knows(later, "alice") == ANSWER_YES &&
		config_policy(later)->directory ==
		    config_policy(loaded.config)->directory &&
		config_policy(later)->stamp_keys ==
		    config_policy(loaded.config)->stamp_keys,
	    "another day has the same ones, without a file");
	is_str(later != NULL ? config_hash(later) : NULL, hash,
	    "and the same hash");
	drop(&loaded);
	ok(later != NULL && knows(later, "ALICE") == ANSWER_YES,
	    "also when the first day is gone");
	config_free(later);

	write_file("conf/more/people", "alice@example.com\n");
	write_key(KEY_2);
	loaded = load(NULL, "conf/main.ini");
	is_str(config_hash(loaded.config), hash, "the key is in no hash");
	drop(&loaded);
	write_file("conf/more/people", "bob@example.com\n");
	loaded = load(NULL, "conf/main.ini");
	ok(strcmp(config_hash(loaded.config), hash) != 0,
	    "the directory is in the hash");
	drop(&loaded);
}

static void
test_linked_problems(void)
{
	struct loaded loaded;

	unlink("conf/more/people");
	unlink("conf/more/key");
	loaded = load(NULL, "conf/main.ini");
	ok(loaded.config == NULL, "no configuration without them");
	is_str(loaded.problems,
	    "conf/main.ini:2: error: [milter] stamp_key_file: 'conf/more/key' "
	    "cannot be opened: No such file or directory; correct the path or "
	    "its permissions\n"
	    "conf/main.ini:5: error: [directory] recipients: "
	    "'conf/more/people' cannot be opened: No such file or directory; "
	    "correct the path or its permissions\n",
	    "each is named where the setting stands");
	drop(&loaded);

	write_file("conf/more/people", "# us\nalice\nb@example.com nam=B\n");
	write_key(KEY_1);
	chmod("conf/more/key", 0644);
	loaded = load(NULL, "conf/main.ini");
	ok(loaded.config == NULL, "no configuration with wrong ones");
	is_str(loaded.problems,
	    "conf/main.ini:2: error: [milter] stamp_key_file: 'conf/more/key' "
	    "holds a key, but others can use it or its group can write it "
	    "(mode 0644); run chmod g-w,o=\n"
	    "conf/more/people:2: error: 'alice' has no domain; write one such "
	    "as user@example.com\n"
	    "conf/more/people:3: error: 'nam' is an unknown word; did you "
	    "mean 'name'\n",
	    "their problems stand in themselves");
	drop(&loaded);

	write_file("conf/more/people", "alice@example.com\n");
	write_key("not-hex");
	loaded = load(NULL, "conf/main.ini");
	ok(loaded.config == NULL &&
		strncmp(loaded.problems, "conf/more/key:1: error: ", 24) == 0,
	    "the same for a key");
	ok(strstr(loaded.problems, "not-hex") == NULL, "and it is not shown");
	drop(&loaded);

	write_key(KEY_1);
	write_file("conf/main.ini",
	    "[milter]\nstamp_key_file = more/key\n"
	    "[connector main]\nbindings = 0.0.0.0:25\n"
	    "remote_ip_ranges = @./more/../more/key\n");
	loaded = load(NULL, "conf/main.ini");
	ok(loaded.config == NULL, "a key is nothing else");
	is_str(loaded.problems,
	    "conf/main.ini:5: error: [connector main] remote_ip_ranges: "
	    "'conf/./more/../more/key' is named for two purposes; give each a "
	    "file of its own\n",
	    "and what else names it shows nothing of it");
	drop(&loaded);

	write_file("conf/main.ini",
	    "[milter]\nconnectors = more/key\nstamp_key_file = more/key\n");
	loaded = load(NULL, "conf/main.ini");
	is_str(loaded.problems,
	    "conf/main.ini:2: error: [milter] connectors: 'conf/more/key' is "
	    "named for two purposes; give each a file of its own\n",
	    "nor does the reader of connectors");
	drop(&loaded);
}

/* All problems of all files, and none that follow from another. */
static void
test_problems(void)
{
	struct sources *sources = with("[milter]\n"
				       "connectors = b.ini c.ini\n"
				       "max_sessions = many\n"
				       "[connector a]\n"
				       "bindings = 0.0.0.0:25;\n");
	static const char b[] = "[connector b]\n" HERE "tarpit_interval = 9s\n";
	static const char c[] = "[connector B]\n" HERE "junk\n";
	struct loaded loaded;

	if (sources_add(sources, "b.ini", b, strlen(b)) != 0 ||
	    sources_add(sources, "c.ini", c, strlen(c)) != 0)
		exit(2);
	loaded = load(sources, "main.ini");
	ok(loaded.config == NULL, "one error is enough for no configuration");
	is_str(loaded.problems,
	    "b.ini:4: error: [connector b] tarpit_interval: '9s' is out of "
	    "range; expected: time, 0s to 8s\n"
	    "c.ini:1: error: [connector B] this name is taken at b.ini:1; "
	    "names differ in more than case\n"
	    "c.ini:4: error: [connector B] 'junk' has no '='; write NAME = "
	    "VALUE, a comment begins with ';' or '#'\n"
	    "main.ini:3: error: [milter] max_sessions: 'many' is not valid; "
	    "expected: number, 1 to 100000\n"
	    "main.ini:5: error: [connector a] bindings: ';' without a blank "
	    "before it; put a blank before a comment, or the whole value in "
	    "double quotes\n",
	    "all problems come in one run");
	drop(&loaded);
}

static void
test_names(void)
{
	struct loaded loaded =
	    load_text("[connector mx-1]\n" HERE
		      "[connector mx_1]\nbindings = 0.0.0.0:26\n"
		      "remote_ip_ranges = 10.0.0.0/24\n"
		      "[Connector  Out  there.X]\nbindings = 0.0.0.0:27\n"
		      "remote_ip_ranges = 10.0.0.0/24\n");

	is_str(loaded.problems, "", "names differ by any character");
	is_str(connector(loaded.config, "Out there.X")->name, "Out there.X",
	    "and are kept as written");
	drop(&loaded);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 4,000 connectors in a file, 300,000 ranges in another: no quadratic step. */
static void
test_size(void)
{
	char *text = NULL, *list = NULL;
	size_t text_len, list_len;
	FILE *out = open_memstream(&text, &text_len);
	struct sources *sources;
	struct loaded loaded;
	double start;

	fputs("[defaults]\nbindings = 0.0.0.0:25\n[connector list]\n"
	      "remote_ip_ranges = @list\nbindings = 0.0.0.0:26\n",
	    out);
	for (unsigned i = 0; i < 4000; i++)
		fprintf(out,
		    "[connector %u]\nremote_ip_ranges = 10.%u.%u.0/25\n", i,
		    i / 250, i % 250);
	fclose(out);
	out = open_memstream(&list, &list_len);
	for (unsigned i = 0; i < 300000; i++)
		fprintf(out, "%u.%u.%u.0/25\n", 20 + (i >> 16), i >> 8 & 255,
		    i & 255);
	fclose(out);
	sources = with(text);
	if (sources_add(sources, "list", list, list_len) != 0)
		exit(2);
	start = seconds();
	loaded = load(sources, "main.ini");
	ok(seconds() - start < 20, "much is loaded in little time");
	is_str(loaded.problems, "", "without a problem");
	is_int((long long)config_policy(loaded.config)->connector_count, 4001,
	    "every connector");
	is_int(
	    (long long)connector(loaded.config, "list")->remote_ip_ranges.count,
	    300000, "and every range");
	drop(&loaded);
	free(text);
	free(list);
}

int
main(void)
{
	char scratch[] = "/tmp/config.XXXXXX";
	char command[64];

	umask(022);
	if (mkdtemp(scratch) == NULL || chdir(scratch) != 0)
		return 2;
	test_built_in();
	test_limits();
	test_watched();
	test_globals();
	test_precedence();
	test_usages();
	test_accepted();
	test_days();
	test_files();
	test_linked();
	test_linked_problems();
	test_problems();
	test_names();
	test_size();
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	return chdir("/") != 0 || system(command) != 0 ? 2 : done();
}
