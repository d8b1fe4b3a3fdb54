/*
 * setting_item.c - one item of a list, of every kind of list.
 */
#include "setting_parts.h"

#include <string.h>

#include "arena.h"
#include "setting_check.h"
#include "text.h"

int
setting_parse_flag_item(const struct setting_context *context,
    const struct setting *setting, void *item, const char *text)
{
	return setting_find_choice(context, setting, item, text);
}

int
setting_parse_string_item(const struct setting_context *context,
    const struct setting *setting, void *item, const char *text)
{
	memcpy(item, &text, sizeof(text));
	return setting_check_text(context, setting, text);
}

int
setting_parse_binding_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	const char *wrong = endpoint_parse(item, text);

	return wrong != NULL ? setting_refuse_item(context, text, wrong) : 0;
}

/* Legal ranges that hardly mean what they say. */
static void
warn_of_range(const struct setting_context *context, const struct range *range,
    bool host_bits)
{
	const struct addr lo = { range->family, range->lo };
	char quoted[DIAG_QUOTE_MAX], text[ADDR_TEXT_MAX];
	const char *mask = strpbrk(range->text, "/(");

	if (host_bits && mask != NULL)
		diag_add(context->diags, SEVERITY_WARNING, &context->place,
		    "%s has bits set behind its prefix; it is read as %s%s",
		    diag_quote(quoted, range->text), addr_format(text, &lo),
		    mask);
	if (range->lo == range->hi && addr_is_any(&lo))
		diag_add(context->diags, SEVERITY_WARNING, &context->place,
		    "%s is one address, which no client has; write %s/0 for "
		    "all addresses",
		    diag_quote(quoted, range->text), addr_format(text, &lo));
}

int
setting_parse_range_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	struct range *range = item;
	bool host_bits;
	const char *wrong = range_parse(range, &host_bits, text);

	if (wrong != NULL)
		return setting_refuse_item(context, text, wrong);
	warn_of_range(context, range, host_bits);
	return 0;
}

int
setting_parse_mailbox_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	const char *wrong = mailbox_pattern_parse(context->arena, item, text);

	return wrong != NULL ? setting_refuse_item(context, text, wrong) : 0;
}

int
setting_parse_domain_item(const struct setting_context *context,
    const struct setting *setting, void *item, const char *text)
{
	struct domain_pattern *pattern = item;
	char name[DOMAIN_MAX + 1];
	const char *wrong;

	if (setting_check_text(context, setting, text) != 0)
		return -1;
	wrong = domain_pattern_parse(name, &pattern->below, text, strlen(text));
	if (wrong != NULL)
		return setting_refuse_item(context, text, wrong);
	pattern->name = arena_strdup(context->arena, name);
	return pattern->name != NULL ? 0 : setting_no_memory(context);
}

static int
parse_login(const struct setting_context *context, struct principal *principal,
    const char *item, const char *name)
{
	if (name[0] == '\0')
		return setting_refuse_item(
		    context, item, "the login is missing; write user:LOGIN");
	if (strchr(name, '*') != NULL)
		return setting_refuse_item(context, item, CHECK_LOGIN_STAR);
	principal->kind = PRINCIPAL_LOGIN;
	principal->name = name;
	return 0;
}

static int
refuse_group(
    const struct setting_context *context, const char *item, const char *name)
{
	const char *near = NULL;
	char quoted[DIAG_QUOTE_MAX];

	if (context->groups_lost)
		return -1;
	for (size_t i = 0; i < context->group_count && near == NULL; i++)
		near = text_nearest(name, &context->groups[i].name, 1);
	if (near != NULL)
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s: there is no such group; did you mean '%s'",
		    diag_quote(quoted, item), near);
	else
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s: there is no such group; add a section [group NAME] "
		    "to the main file",
		    diag_quote(quoted, item));
	return -1;
}

static int
parse_group(const struct setting_context *context, struct principal *principal,
    const char *item, const char *name)
{
	for (size_t i = 0; i < context->group_count; i++)
		if (text_casecmp(context->groups[i].name, name) == 0) {
			principal->kind = PRINCIPAL_GROUP;
			principal->group = &context->groups[i];
			principal->name = principal->group->name;
			return 0;
		}
	return refuse_group(context, item, name);
}

/* With brackets or without; nobody's name is an address. */
static bool
is_address(const char *name)
{
	char bare[ADDR_TEXT_MAX];
	size_t len = strlen(name);
	struct addr addr;

	if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	if (len >= sizeof(bare))
		return false;
	memcpy(bare, name, len);
	bare[len] = '\0';
	return addr_parse_macro(&addr, bare) == 0;
}

int
setting_parse_host(const struct setting_context *context, const char *item,
    const char *name, bool *below, const char **canonical)
{
	char buf[DOMAIN_MAX + 1];
	const char *wrong;

	*below = name[0] == '.';
	wrong = domain_canonical(buf, name + *below, strlen(name + *below));
	if (name[0] == '*')
		wrong = "no wildcards stand here; write host:.DOMAIN for all "
			"hosts below DOMAIN";
	else if (is_address(name + *below))
		wrong = "an address is no name; write the client's name, such "
			"as host:mx1.example.com";
	if (wrong != NULL)
		return setting_refuse_item(context, item, wrong);
	*canonical = arena_strdup(context->arena, buf);
	return *canonical != NULL ? 0 : setting_no_memory(context);
}

static int
parse_host(const struct setting_context *context, struct principal *principal,
    const char *item, const char *name)
{
	bool below;

	if (setting_parse_host(context, item, name, &below, &principal->name) !=
	    0)
		return -1;
	principal->kind = below ? PRINCIPAL_HOST_BELOW : PRINCIPAL_HOST;
	return 0;
}

/* clang-format off */
static const struct {
	const char *word;
	enum principal_kind kind;
} identities[] = {
	{ "anonymous", PRINCIPAL_ANONYMOUS },
	{ "users", PRINCIPAL_USERS },
	{ "servers", PRINCIPAL_SERVERS },
	{ "legacy_servers", PRINCIPAL_LEGACY_SERVERS },
	{ "partners", PRINCIPAL_PARTNERS },
	{ "externally_secured", PRINCIPAL_EXTERNALLY_SECURED },
};

static const struct {
	const char *prefix;
	int (*parse)(const struct setting_context *context,
	    struct principal *principal, const char *item, const char *name);
} named[] = {
	{ "user:", parse_login },
	{ "group:", parse_group },
	{ "host:", parse_host },
};
/* clang-format on */

static int
refuse_principal(
    const struct setting_context *context, const char *item, const char *word)
{
	const char *names[nitems(identities)];
	char quoted[DIAG_QUOTE_MAX];
	const char *near;

	for (size_t i = 0; i < nitems(identities); i++)
		names[i] = identities[i].word;
	near = text_nearest(word, names, nitems(names));
	if (near != NULL)
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s: unknown principal; did you mean '%s'",
		    diag_quote(quoted, item), near);
	else
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s: unknown principal; expected: anonymous, users, "
		    "servers, legacy_servers, partners, externally_secured, "
		    "user:LOGIN, group:NAME, host:NAME or host:.DOMAIN",
		    diag_quote(quoted, item));
	return -1;
}

static int
parse_principal(const struct setting_context *context,
    struct principal *principal, const char *item, const char *word)
{
	const size_t len = strlen(word);
	/* Names compare without '-', which stands for denial here. */
	const bool signs = len > 0 && (word[0] == '-' || word[len - 1] == '-');

	for (size_t i = 0; i < nitems(identities) && !signs; i++)
		if (text_same_name(word, identities[i].word)) {
			principal->kind = identities[i].kind;
			return 0;
		}
	for (size_t i = 0; i < nitems(named); i++) {
		const size_t mark = strlen(named[i].prefix);

		if (text_ncasecmp(word, named[i].prefix, mark) == 0)
			return named[i].parse(
			    context, principal, item, word + mark);
	}
	return refuse_principal(context, item, word);
}

int
setting_parse_principal_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	struct principal *principal = item;

	principal->deny = text[0] == '-';
	return parse_principal(
	    context, principal, text, text + principal->deny);
}
