/*
 * lint.c - which checks there are, where their problems stand, and in which
 * words.
 */
#include "lint_parts.h"

#include <string.h>

#include "text.h"

/* Room for where a value comes from. */
#define SOURCE_TEXT_MAX 512

/* "main.ini:7", "by usage, main.ini:7", "built-in". Returns buf. */
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

struct place
lint_place(const struct lint *lint, size_t index, const char *setting,
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

void
lint_report_pair(const struct lint *lint, enum severity severity,
    const struct place *place, const char *sentence, const char *other,
    const struct origin *origin)
{
	char quoted[DIAG_QUOTE_MAX], source[SOURCE_TEXT_MAX];

	if (origin->kind == ORIGIN_BUILT_IN && origin->value[0] == '\0')
		diag_add(lint->diags, severity, place, "%s", sentence);
	else
		diag_add(lint->diags, severity, place, "%s; %s is %s (%s)",
		    sentence, other, diag_quote(quoted, origin->value),
		    source_text(source, origin));
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

bool
lint_can_judge(const struct lint *lint, size_t index, const char *first,
    const char *second)
{
	const struct connector_settings *settings = &lint->settings[index];

	return is_known(lint, index, first) && is_known(lint, index, second) &&
	    !is_wrong(settings, first) && !is_wrong(settings, second) &&
	    !is_wrong(settings, "usage");
}

bool
lint_global_lost(
    const struct lint *lint, enum section_kind section, const char *setting)
{
	return lint->config
	    ->global_wrong[schema_find(section, setting) - schema_global];
}

static struct origin
origin_of(const struct lint *lint, size_t index, enum section_kind section,
    const char *setting)
{
	return section == SECTION_CONNECTOR
	    ? config_origin(lint->config, index, setting)
	    : config_global_origin(lint->config, section, setting);
}

/* Where a setting of the connector is to blame, or of [defaults]. */
static struct place
blame(const struct lint *lint, size_t index, const char *setting,
    const struct origin *origin)
{
	struct place place = lint_place(lint, index, setting, origin);

	/* The same for all connectors that say nothing else: one line. */
	if (origin->kind == ORIGIN_DEFAULTS)
		place.section = section_word(SECTION_DEFAULTS);
	return place;
}

static void
report_check(
    const struct lint *lint, size_t index, const struct lint_check *check)
{
	const char *keys[2] = { check->first, check->second };
	struct origin origins[2];
	struct place place;
	size_t at;

	origins[0] = config_origin(lint->config, index, keys[0]);
	if (check->own_only && origins[0].kind != ORIGIN_OWN)
		return;
	if (keys[1] == NULL) {
		place = blame(lint, index, keys[0], &origins[0]);
		diag_add(lint->diags, check->severity, &place, "%s",
		    check->sentence);
		return;
	}
	origins[1] = origin_of(lint, index, check->where, keys[1]);
	at = check->where == SECTION_CONNECTOR &&
		origins[1].kind > origins[0].kind
	    ? 1
	    : 0;
	place = blame(lint, index, keys[at], &origins[at]);
	lint_report_pair(lint, check->severity, &place, check->sentence,
	    keys[1 - at], &origins[1 - at]);
}

static bool
can_judge(const struct lint *lint, size_t index, const struct lint_check *check)
{
	const bool here = check->where == SECTION_CONNECTOR;

	if (!lint_can_judge(
		lint, index, check->first, here ? check->second : NULL) ||
	    !lint_can_judge(lint, index, check->also[0], check->also[1]))
		return false;
	return here ||
	    (lint->config->connectors.items[index].sound &&
		!lint_global_lost(lint, check->where, check->second));
}

static void
check_all(const struct lint *lint, size_t index)
{
	for (size_t i = 0; i < lint_check_count; i++)
		if (lint_checks[i].wrong(lint, &lint->settings[index]) &&
		    can_judge(lint, index, &lint_checks[i]))
			report_check(lint, index, &lint_checks[i]);
}

void
lint_connectors(const struct lint *lint)
{
	for (size_t i = 0; i < lint->config->connectors.count; i++) {
		check_all(lint, i);
		lint_relay(lint, i);
	}
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
	    lint_place(lint, b->connector, "remote_ip_ranges", &ours);
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
