/*
 * lint_global.c - checks between settings of the sections that stand once.
 */
#include "lint_parts.h"

#include <string.h>

#include "socket_name.h"
#include "text.h"

struct place
lint_global_place(
    const struct lint *lint, enum section_kind section, const char *key)
{
	const struct origin origin =
	    config_global_origin(lint->config, section, key);

	return (struct place){ .file = origin.file,
		.line = origin.line,
		.section = section_word(section),
		.key = key };
}

void
lint_report_global(const struct lint *lint, enum severity severity,
    enum section_kind section, const char *const keys[2], const char *sentence)
{
	struct origin origins[2];
	struct place place;
	size_t at;

	for (size_t i = 0; i < 2; i++)
		origins[i] =
		    config_global_origin(lint->config, section, keys[i]);
	at = origins[0].kind == ORIGIN_BUILT_IN ? 1 : 0;
	place = lint_global_place(lint, section, keys[at]);
	lint_report_pair(
	    lint, severity, &place, sentence, keys[1 - at], &origins[1 - at]);
}

static bool
are_known(const struct lint *lint, enum section_kind section,
    const char *const keys[2])
{
	return lint->config->globals[section].sound &&
	    !lint_global_lost(lint, section, keys[0]) &&
	    !lint_global_lost(lint, section, keys[1]);
}

/* The two would be one file, and each would take the other's away. */
static void
check_sockets(const struct lint *lint)
{
	static const char *const keys[] = { "control_socket", "socket" };
	const struct milter_settings *milter = &lint->config->global.milter;
	const char *path;

	/* Without memory they are NULL. */
	if (milter->control_socket == NULL || milter->socket == NULL)
		return;
	path = socket_name_path(milter->socket);
	if (path != NULL && config_same_path(milter->control_socket, path) &&
	    are_known(lint, SECTION_MILTER, keys))
		lint_report_global(lint, SEVERITY_ERROR, SECTION_MILTER, keys,
		    "control_socket has to be another path than the MTA's "
		    "socket");
}

static bool
has_log(const struct lint *lint)
{
	const char *directory = lint->config->global.protocol_log.directory;

	return directory != NULL && directory[0] != '\0';
}

static void
check_required(const struct lint *lint)
{
	static const char *const keys[] = { "required", "directory" };

	if (lint->config->global.protocol_log.required && !has_log(lint) &&
	    are_known(lint, SECTION_PROTOCOL_LOG, keys))
		lint_report_global(lint, SEVERITY_ERROR, SECTION_PROTOCOL_LOG,
		    keys,
		    "required needs a protocol log; name its folder by "
		    "directory");
}

/* The built-in sizes fit, so one of the two is written. */
static void
check_log_sizes(const struct lint *lint)
{
	static const char *const keys[] = { "max_file_size",
		"max_directory_size" };
	const struct global_settings *global = &lint->config->global;
	const long long file = global->protocol_log.max_file_size;

	if (file != SETTING_UNLIMITED &&
	    file > global->protocol_log.max_directory_size &&
	    are_known(lint, SECTION_PROTOCOL_LOG, keys))
		lint_report_global(lint, SEVERITY_ERROR, SECTION_PROTOCOL_LOG,
		    keys, "max_file_size may not exceed max_directory_size");
}

static void
check_directory(const struct lint *lint)
{
	static const char *const domains[] = { "recipient_domains",
		"recipients" };
	static const char *const delimiters[] = { "recipient_delimiter",
		"recipients" };
	const struct organization *organization =
	    &lint->config->global.organization;
	/* Without memory it is NULL. */
	const char *delimiter = organization->recipient_delimiter;

	if (config_has_directory(lint->config) ||
	    !lint->config->globals[SECTION_DIRECTORY].sound)
		return;
	if (organization->recipient_domains.count > 0)
		lint_report_global(lint, SEVERITY_WARNING, SECTION_DIRECTORY,
		    domains,
		    "recipient_domains does nothing without recipients");
	if (delimiter != NULL && delimiter[0] != '\0')
		lint_report_global(lint, SEVERITY_WARNING, SECTION_DIRECTORY,
		    delimiters,
		    "recipient_delimiter does nothing without recipients");
}

/* Is there a name that both patterns match? */
static bool
patterns_meet(const struct domain_pattern *a, const struct domain_pattern *b)
{
	if (domain_pattern_matches(a, b->name) && !b->below)
		return true;
	if (domain_pattern_matches(b, a->name) && !a->below)
		return true;
	return a->below && b->below &&
	    (strcmp(a->name, b->name) == 0 ||
		domain_is_below(a->name, b->name) ||
		domain_is_below(b->name, a->name));
}

static bool
set_meets(const struct domain_set *set, const struct domain_pattern *pattern)
{
	for (size_t i = 0; i < set->count; i++)
		if (patterns_meet(&set->patterns[i], pattern))
			return true;
	return false;
}

static const char *
pattern_text(char buf[DOMAIN_MAX + 3], const struct domain_pattern *pattern)
{
	struct text out;

	text_init(&out, buf, DOMAIN_MAX + 3);
	text_printf(&out, "%s%s", pattern->below ? "*." : "", pattern->name);
	return buf;
}

/* A slip here would leave the right domain without a lookup. */
static void
check_recipient_domains(const struct lint *lint)
{
	static const char key[] = "recipient_domains";
	const struct organization *organization =
	    &lint->config->global.organization;
	const struct domain_set *set = &organization->recipient_domains;
	const struct place place =
	    lint_global_place(lint, SECTION_DIRECTORY, key);
	char quoted[DIAG_QUOTE_MAX], text[DOMAIN_MAX + 3];

	for (size_t i = 0; i < set->count; i++) {
		const struct domain_pattern *pattern = &set->patterns[i];

		if (!set_meets(&organization->accepted_domains, pattern) &&
		    !set_meets(
			&organization->internal_relay_domains, pattern) &&
		    !set_meets(&organization->external_relay_domains, pattern))
			diag_add(lint->diags, SEVERITY_WARNING, &place,
			    "%s is none of our domains, so nobody is looked "
			    "up there; correct it, or add it to "
			    "accepted_domains",
			    diag_quote(quoted, pattern_text(text, pattern)));
	}
}

/* Domain Secure trusts certificates of all that lies below a domain. */
static void
check_partners(const struct lint *lint)
{
	static const char key[] = "tls_receive_domain_secure_list";
	const struct domain_set *set =
	    &lint->config->global.organization.tls_receive_domain_secure_list;
	char quoted[DIAG_QUOTE_MAX];

	for (size_t i = 0; i < set->count; i++) {
		const struct place place =
		    lint_global_place(lint, SECTION_ORGANIZATION, key);

		if (strchr(set->patterns[i].name, '.') == NULL)
			diag_add(lint->diags, SEVERITY_WARNING, &place,
			    "%s is a whole top-level domain, and certificates "
			    "of all names below it count; write a partner's "
			    "domain, such as partner.example",
			    diag_quote(quoted, set->patterns[i].name));
	}
}

void
lint_global(const struct lint *lint)
{
	check_sockets(lint);
	check_required(lint);
	check_log_sizes(lint);
	lint_pressure(lint);
	check_directory(lint);
	check_partners(lint);
	lint_own_hosts(lint);
	/* With a broken list of domains nothing can be said. */
	if (diags_count(lint->diags, SEVERITY_ERROR) == 0)
		check_recipient_domains(lint);
}
