/*
 * setting.c - the types of settings, one row each, and what all have in common.
 */
#include "setting_parts.h"

#include <assert.h>
#include <string.h>

#include "text.h"

/* Lists are stored through struct setting_list. */
#define SAME_SHAPE(list, first) \
	static_assert(sizeof(struct list) == sizeof(struct setting_list) && \
		offsetof(struct list, first) == 0 && \
		offsetof(struct list, count) == \
		    offsetof(struct setting_list, count), \
	    "every list is a pointer and a count")
SAME_SHAPE(strings, items);
SAME_SHAPE(bindings, endpoints);
SAME_SHAPE(addrset, ranges);
SAME_SHAPE(principals, items);
SAME_SHAPE(mailbox_patterns, items);
SAME_SHAPE(domain_set, patterns);

/* clang-format off */
static const struct {
	int (*parse)(PARSER_ARGUMENTS);
	size_t size;
	bool is_list;
	const char *words; /* NULL: the row's form */
	struct list_type list;
} types[SETTING_TYPE_COUNT] = {
	[SETTING_BOOL] = { parse_bool, sizeof(bool), false, "yes or no",
	    { NULL, 0 } },
	[SETTING_COUNT] = { parse_number, sizeof(long long), false, "number",
	    { NULL, 0 } },
	[SETTING_SIZE] = { parse_number, sizeof(long long), false, "size",
	    { NULL, 0 } },
	[SETTING_TIME] = { parse_number, sizeof(long long), false, "time",
	    { NULL, 0 } },
	[SETTING_MODE] = { parse_mode, sizeof(unsigned), false, "octal number",
	    { NULL, 0 } },
	[SETTING_CHOICE] = { parse_choice, sizeof(unsigned), false, "one of",
	    { NULL, 0 } },
	[SETTING_FLAGS] = { parse_flags, sizeof(unsigned), false, "list of",
	    { parse_flag_item, sizeof(unsigned) } },
	[SETTING_DATE] = { parse_date, sizeof(int), false, "date, yyyy-mm-dd",
	    { NULL, 0 } },
	[SETTING_TEXT] = { parse_text, sizeof(const char *), false, NULL,
	    { NULL, 0 } },
	[SETTING_STRINGS] = { parse_list, sizeof(struct strings), true, NULL,
	    { parse_string_item, sizeof(const char *) } },
	[SETTING_BINDINGS] = { parse_list, sizeof(struct bindings), true,
	    "list of address:port",
	    { parse_binding_item, sizeof(struct endpoint) } },
	[SETTING_RANGES] = { parse_list, sizeof(struct addrset), true,
	    "list of address ranges",
	    { parse_range_item, sizeof(struct range) } },
	[SETTING_PRINCIPALS] = { parse_list, sizeof(struct principals), true,
	    "list of principals",
	    { parse_principal_item, sizeof(struct principal) } },
	[SETTING_MAILBOXES] = { parse_list, sizeof(struct mailbox_patterns),
	    true, "list of user@d, d, *.d",
	    { parse_mailbox_item, sizeof(struct mailbox_pattern) } },
	[SETTING_DOMAINS] = { parse_domains, sizeof(struct domain_set), true,
	    "list of domains d, *.d",
	    { parse_domain_item, sizeof(struct domain_pattern) } },
};
/* clang-format on */

const struct list_type *
list_type_of(enum setting_type type)
{
	return types[type].list.parse != NULL ? &types[type].list : NULL;
}

int
setting_parse(const struct setting_context *context,
    const struct setting *setting, union setting_value *value, const char *text)
{
	memset(value, 0, sizeof(*value));
	return types[setting->type].parse(context, setting, value, text);
}

void
setting_store(const struct setting *setting, void *object,
    const union setting_value *value)
{
	if (setting->offset != SETTING_NOWHERE)
		memcpy((char *)object + setting->offset, value,
		    types[setting->type].size);
}

bool
setting_is_list(const struct setting *setting)
{
	return types[setting->type].is_list;
}

bool
setting_equal(const struct setting *setting, const union setting_value *a,
    const union setting_value *b)
{
	if (setting->type == SETTING_TEXT)
		return strcmp(a->text, b->text) == 0;
	if (setting_is_list(setting))
		return a->list.count == 0 && b->list.count == 0;
	return memcmp(a, b, types[setting->type].size) == 0;
}

static void
put_choices(struct text *out, const struct choice *choice)
{
	for (; choice->name != NULL; choice++)
		text_printf(out, "%s%s", choice->name,
		    choice[1].name != NULL ? ", " : "");
}

static void
put_range(struct text *out, const struct setting *setting)
{
	text_put(out, ", ");
	put_number(out, setting, setting->min);
	text_put(out, " to ");
	put_number(out, setting, setting->max);
	if (setting->may_be_unlimited)
		text_put(out, ", or unlimited");
}

const char *
setting_type_text(
    char buf[SETTING_TYPE_TEXT_MAX], const struct setting *setting)
{
	const char *words = types[setting->type].words;
	struct text out;

	text_init(&out, buf, SETTING_TYPE_TEXT_MAX);
	text_put(&out, words != NULL ? words : setting->form);
	if (setting->choices != NULL) {
		text_put(&out, " ");
		put_choices(&out, setting->choices);
	} else if (setting->max != 0) {
		put_range(&out, setting);
	}
	if (setting->needs_item)
		text_put(&out, ", at least one");
	return buf;
}

const char *
setting_default_text(const struct setting *setting)
{
	if (setting->initial == NULL)
		return "(none)";
	return setting->initial[0] != '\0' ? setting->initial : "(empty)";
}

int
refuse_value(const struct setting_context *context,
    const struct setting *setting, const char *text, const char *wrong)
{
	char quoted[DIAG_QUOTE_MAX], expected[SETTING_TYPE_TEXT_MAX];

	if (text[0] == '\0')
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "the value is empty; expected: %s",
		    setting_type_text(expected, setting));
	else
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s %s; expected: %s", diag_quote(quoted, text), wrong,
		    setting_type_text(expected, setting));
	return -1;
}

int
refuse_memory(const struct setting_context *context)
{
	diag_add(
	    context->diags, SEVERITY_ERROR, &context->place, "out of memory");
	return -1;
}
