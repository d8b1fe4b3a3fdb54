/*
 * lint.c - checks across settings and connectors, one row each.
 */
#include "lint.h"

#include <stdio.h>
#include <string.h>

#include "config_parts.h"
#include "text.h"

#define AUTH(settings) ((settings)->connector.auth_mechanism)
#define GROUPS(settings) ((settings)->connector.permission_groups)

static bool
basic_without_tls(const struct connector_settings *settings)
{
	const unsigned needed = AUTH_BASIC | AUTH_TLS;

	return (AUTH(settings) & AUTH_BASIC_REQUIRE_TLS) &&
	    (AUTH(settings) & needed) != needed;
}

static bool
external_with_others(const struct connector_settings *settings)
{
	const unsigned allowed = AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS;

	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    (AUTH(settings) & ~allowed) != 0;
}

static bool
external_without_servers(const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    !(GROUPS(settings) & GROUP_EXCHANGE_SERVERS);
}

static bool
required_tls_not_offered(const struct connector_settings *settings)
{
	return settings->connector.require_tls && !(AUTH(settings) & AUTH_TLS);
}

static bool
domain_secure_without_tls(const struct connector_settings *settings)
{
	return settings->domain_secure_enabled &&
	    (!(AUTH(settings) & AUTH_TLS) ||
		(AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE));
}

static bool
binary_without_chunking(const struct connector_settings *settings)
{
	return settings->binary_mime_enabled && !settings->chunking_enabled;
}

static bool
silence_too_long(const struct connector_settings *settings)
{
	return settings->connection_inactivity_timeout >=
	    settings->connection_timeout;
}

static bool
grants(const struct principals *right, enum principal_kind kind)
{
	for (size_t i = 0; i < right->count; i++)
		if (right->items[i].kind == kind && !right->items[i].deny)
			return true;
	return false;
}

static bool
two_ways_of_relay(const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    grants(&settings->connector.rights[RIGHT_ACCEPT_ANY_RECIPIENT],
		PRINCIPAL_ANONYMOUS);
}

static bool
version_without_tls(const struct connector_settings *settings)
{
	return settings->connector.tls_min_version != TLS_OFF &&
	    !settings->connector.require_tls;
}

/* The errors are what Exchange's Set-ReceiveConnector refuses as well. */
/* clang-format off */
static const struct check {
	enum severity severity;
	const char *first;
	const char *second; /* NULL: the first alone */
	bool own_only;      /* only where the connector itself says first */
	bool (*wrong)(const struct connector_settings *settings);
	const char *sentence;
} checks[] = {
	{ SEVERITY_ERROR, "auth_mechanism", NULL, false, basic_without_tls,
	    "basic_auth_require_tls needs basic_auth and tls beside it; add "
	    "them, or remove it" },
	{ SEVERITY_ERROR, "auth_mechanism", NULL, false, external_with_others,
	    "external_authoritative stands alone or with tls; remove the "
	    "others, or it" },
	{ SEVERITY_ERROR, "auth_mechanism", "permission_groups", false,
	    external_without_servers,
	    "external_authoritative needs exchange_servers in "
	    "permission_groups" },
	{ SEVERITY_ERROR, "require_tls", "auth_mechanism", false,
	    required_tls_not_offered,
	    "require_tls needs tls in auth_mechanism" },
	{ SEVERITY_ERROR, "domain_secure_enabled", "auth_mechanism", false,
	    domain_secure_without_tls,
	    "domain_secure_enabled needs tls in auth_mechanism and forbids "
	    "external_authoritative there" },
	{ SEVERITY_ERROR, "binary_mime_enabled", "chunking_enabled", false,
	    binary_without_chunking,
	    "binary_mime_enabled needs chunking_enabled" },
	{ SEVERITY_ERROR, "connection_inactivity_timeout",
	    "connection_timeout", false, silence_too_long,
	    "connection_inactivity_timeout has to be less than "
	    "connection_timeout" },
	{ SEVERITY_WARNING, "accept_any_recipient", "auth_mechanism", false,
	    two_ways_of_relay,
	    "relay for anonymous and external_authoritative are two ways to "
	    "the same end; choose one" },
	{ SEVERITY_WARNING, "tls_min_version", "require_tls", true,
	    version_without_tls,
	    "tls_min_version does nothing without require_tls" },
};
/* clang-format on */

/* A wider range may relay only where accept_open_relay says so. */
#define RELAY_PREFIX4 16
#define RELAY_PREFIX6 48

/* Room for where a value comes from. */
#define SOURCE_TEXT_MAX 512

static const char *
source_text(char buf[SOURCE_TEXT_MAX], const struct origin *origin)
{
	struct text out;

	text_init(&out, buf, SOURCE_TEXT_MAX);
	if (origin->kind == ORIGIN_BUILT_IN) {
		text_put(&out, "built-in");
		return buf;
	}
	if (origin->kind == ORIGIN_PRESET)
		text_put(&out, "by usage, ");
	text_put_safe(&out, origin->file, strlen(origin->file), TEXT_PROSE);
	text_printf(&out, ":%u", origin->line);
	return buf;
}

/* The place of a setting of connector number index. */
static struct place
place_of(const struct lint *lint, size_t index, const char *setting,
    const struct origin *origin)
{
	const struct placed_section *section =
	    &lint->config->connectors.items[index];
	struct place place = section_place(section);

	place.key = setting;
	if (origin->kind != ORIGIN_BUILT_IN) {
		place.file = origin->file;
		place.line = origin->line;
	}
	return place;
}

/* SENTENCE; OTHER is 'VALUE' (WHERE) */
static void
report_pair(const struct lint *lint, enum severity severity,
    const struct place *place, const char *sentence, const char *other,
    const struct origin *origin)
{
	char quoted[DIAG_QUOTE_MAX], source[SOURCE_TEXT_MAX];

	diag_add(lint->diags, severity, place, "%s; %s is %s (%s)", sentence,
	    other, diag_quote(quoted, origin->value),
	    source_text(source, origin));
}

static void
report_check(const struct lint *lint, size_t index, const struct check *check)
{
	const char *keys[2] = { check->first, check->second };
	struct origin origins[2];
	struct place place;
	size_t at;

	origins[0] = config_origin(lint->config, index, keys[0]);
	if (check->own_only && origins[0].kind != ORIGIN_OWN)
		return;
	if (keys[1] == NULL) {
		place = place_of(lint, index, keys[0], &origins[0]);
		diag_add(lint->diags, check->severity, &place, "%s",
		    check->sentence);
		return;
	}
	origins[1] = config_origin(lint->config, index, keys[1]);
	at = origins[1].kind > origins[0].kind ? 1 : 0;
	place = place_of(lint, index, keys[at], &origins[at]);
	/* The same for all connectors that say nothing else: one line. */
	if (origins[at].kind == ORIGIN_DEFAULTS)
		place.section = section_word(SECTION_DEFAULTS);
	report_pair(lint, check->severity, &place, check->sentence,
	    keys[1 - at], &origins[1 - at]);
}

static bool
is_wrong(const struct connector_settings *settings, const char *key)
{
	return key != NULL &&
	    settings
		->wrong[schema_find(SECTION_CONNECTOR, key) - schema_connector];
}

/* With lines lost, only what the connector itself says is known. */
static bool
is_known(const struct lint *lint, size_t index, const char *key)
{
	return key == NULL || lint->config->connectors.items[index].sound ||
	    config_origin(lint->config, index, key).kind == ORIGIN_OWN;
}

/* Without its values, or its preset, nothing can be said. */
static bool
can_judge(const struct lint *lint, size_t index, const char *first,
    const char *second)
{
	const struct connector_settings *settings = &lint->settings[index];

	return is_known(lint, index, first) && is_known(lint, index, second) &&
	    !is_wrong(settings, first) && !is_wrong(settings, second) &&
	    !is_wrong(settings, "usage");
}

/* The setting that lets people relay here. */
static const char *
relay_setting(const struct connector *connector)
{
	const struct principals *right =
	    &connector->rights[RIGHT_ACCEPT_ANY_RECIPIENT];

	for (size_t i = 0; i < right->count; i++)
		if (!right->items[i].deny)
			return "accept_any_recipient";
	return "permission_groups";
}

static void
report_open_relay(const struct lint *lint, size_t index, bool by_certificate,
    const struct range *range)
{
	const char *right = relay_setting(&lint->settings[index].connector);
	const struct origin ranges =
	    config_origin(lint->config, index, "remote_ip_ranges");
	const struct origin origin = config_origin(lint->config, index, right);
	const struct place place =
	    place_of(lint, index, "remote_ip_ranges", &ranges);
	char sentence[512], quoted[DIAG_QUOTE_MAX];
	struct text out;

	text_init(&out, sentence, sizeof(sentence));
	text_printf(&out, "%s is wider than /%d and may relay ",
	    diag_quote(quoted, range->text),
	    range->family == ADDR_IPV4 ? RELAY_PREFIX4 : RELAY_PREFIX6);
	if (by_certificate)
		text_put(&out,
		    "with any certificate; write accept_open_relay = yes and "
		    "list the certificates in the MTA (Postfix: "
		    "relay_clientcerts, permit_tls_clientcerts), or narrow it");
	else
		text_put(&out,
		    "without login; narrow it, or write accept_open_relay = "
		    "yes");
	report_pair(lint, SEVERITY_ERROR, &place, sentence, right, &origin);
}

/* The right to relay counts even where the one to submit is missing yet. */
static void
check_open_relay(const struct lint *lint, size_t index, bool by_certificate)
{
	const struct connector *connector = &lint->settings[index].connector;
	const struct addrset *ranges = &connector->remote_ip_ranges;

	if (connector->accept_open_relay ||
	    !(identity_reachable_rights(connector, by_certificate) &
		RIGHT_BIT(RIGHT_ACCEPT_ANY_RECIPIENT)))
		return;
	for (size_t i = 0; i < ranges->count; i++)
		if (range_wider_than(
			&ranges->ranges[i], RELAY_PREFIX4, RELAY_PREFIX6))
			report_open_relay(
			    lint, index, by_certificate, &ranges->ranges[i]);
}

static bool
can_judge_relay(const struct lint *lint, size_t index)
{
	return can_judge(lint, index, "auth_mechanism", "permission_groups") &&
	    can_judge(lint, index, "accept_any_recipient", "accept_open_relay");
}

void
lint_connectors(const struct lint *lint)
{
	for (size_t i = 0; i < lint->config->connectors.count; i++) {
		for (size_t j = 0; j < nitems(checks); j++)
			if (checks[j].wrong(&lint->settings[i]) &&
			    can_judge(
				lint, i, checks[j].first, checks[j].second))
				report_check(lint, i, &checks[j]);
		if (can_judge_relay(lint, i)) {
			check_open_relay(lint, i, false);
			check_open_relay(lint, i, true);
		}
	}
}

/* The built-in sizes fit, so one of the two is written. */
void
lint_global(const struct lint *lint)
{
	static const char *const keys[] = { "max_file_size",
		"max_directory_size" };
	const struct global_settings *global = &lint->config->global;
	const long long file = global->protocol_log_max_file_size;
	struct origin origins[2];
	struct place place;
	size_t at;

	if (file == SETTING_UNLIMITED ||
	    file <= global->protocol_log_max_directory_size)
		return;
	for (size_t i = 0; i < nitems(keys); i++)
		origins[i] = config_global_origin(
		    lint->config, SECTION_PROTOCOL_LOG, keys[i]);
	at = origins[0].kind == ORIGIN_BUILT_IN ? 1 : 0;
	place = (struct place){ .file = origins[at].file,
		.line = origins[at].line,
		.section = section_word(SECTION_PROTOCOL_LOG),
		.key = keys[at] };
	report_pair(lint, SEVERITY_ERROR, &place,
	    "max_file_size may not exceed max_directory_size", keys[1 - at],
	    &origins[1 - at]);
}

void
lint_conflict(const struct conflict *conflict, void *arg)
{
	const struct lint *lint = arg;
	const struct owner *a = &conflict->a, *b = &conflict->b;
	const struct connector *first = &lint->settings[a->connector].connector;
	const struct connector *second =
	    &lint->settings[b->connector].connector;
	const struct origin theirs =
	    config_origin(lint->config, a->connector, "remote_ip_ranges");
	const struct origin ours =
	    config_origin(lint->config, b->connector, "remote_ip_ranges");
	const struct place place =
	    place_of(lint, b->connector, "remote_ip_ranges", &ours);
	char binding[ENDPOINT_TEXT_MAX], source[SOURCE_TEXT_MAX];
	char our_text[DIAG_QUOTE_MAX], their_text[DIAG_QUOTE_MAX];

	/* One name twice is a problem of its own. */
	if (text_casecmp(first->name, second->name) == 0)
		return;
	diag_add(lint->diags, SEVERITY_ERROR, &place,
	    "%s %s %s of connector %s (%s) on binding %s; %s",
	    diag_quote(
		our_text, second->remote_ip_ranges.ranges[b->range].text),
	    conflict->crossing ? "crosses" : "is the same range as",
	    diag_quote(
		their_text, first->remote_ip_ranges.ranges[a->range].text),
	    first->name, source_text(source, &theirs),
	    endpoint_format(binding, conflict->binding),
	    conflict->crossing
		? "change one so that they are apart or one holds the other"
		: "only one connector can have it");
}
