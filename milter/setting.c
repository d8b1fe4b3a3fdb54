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
SAME_SHAPE(server_identities, items);
SAME_SHAPE(capabilities, items);
SAME_SHAPE(exemptions, items);
SAME_SHAPE(field_prefixes, items);

/* clang-format off */
static const struct {
	int (*parse)(PARSER_ARGUMENTS);
	size_t size;
	bool is_list;      /* the value is a struct setting_list */
	const char *words; /* unless the row has a form */
	/* How items are parsed, also of FLAGS, whose value is no list. */
	struct list_type list;
} types[SETTING_TYPE_COUNT] = {
	[SETTING_BOOL] = { .parse = setting_parse_bool, .size = sizeof(bool),
	    .words = "yes or no" },
	[SETTING_COUNT] = { .parse = setting_parse_number, .size = sizeof(long long),
	    .words = "number" },
	[SETTING_SIZE] = { .parse = setting_parse_number, .size = sizeof(long long),
	    .words = "size" },
	[SETTING_TIME] = { .parse = setting_parse_number, .size = sizeof(long long),
	    .words = "time" },
	[SETTING_MODE] = { .parse = setting_parse_mode, .size = sizeof(unsigned),
	    .words = "octal number" },
	[SETTING_CHOICE] = { .parse = setting_parse_choice, .size = sizeof(unsigned),
	    .words = "one of" },
	[SETTING_FLAGS] = { .parse = setting_parse_flags, .size = sizeof(unsigned),
	    .words = "list of",
	    .list = { setting_parse_flag_item, sizeof(unsigned) } },
	[SETTING_DATE] = { .parse = setting_parse_date, .size = sizeof(int),
	    .words = "date, yyyy-mm-dd" },
	[SETTING_TEXT] = { .parse = setting_parse_text, .size = sizeof(const char *) },
	[SETTING_DOMAIN] = { .parse = setting_parse_domain, .size = sizeof(const char *),
	    .words = "domain" },
	[SETTING_THRESHOLDS] = { .parse = setting_parse_thresholds,
	    .size = sizeof(struct thresholds) },
	[SETTING_STRINGS] = { .parse = setting_parse_list,
	    .size = sizeof(struct strings), .is_list = true,
	    .list = { setting_parse_string_item, sizeof(const char *) } },
	[SETTING_BINDINGS] = { .parse = setting_parse_list,
	    .size = sizeof(struct bindings), .is_list = true,
	    .words = "list of address:port",
	    .list = { setting_parse_binding_item, sizeof(struct endpoint) } },
	[SETTING_RANGES] = { .parse = setting_parse_list,
	    .size = sizeof(struct addrset), .is_list = true,
	    .words = "list of address ranges",
	    .list = { setting_parse_range_item, sizeof(struct range) } },
	[SETTING_PRINCIPALS] = { .parse = setting_parse_list,
	    .size = sizeof(struct principals), .is_list = true,
	    .words = "list of principals",
	    .list = { setting_parse_principal_item, sizeof(struct principal) } },
	[SETTING_MAILBOXES] = { .parse = setting_parse_list,
	    .size = sizeof(struct mailbox_patterns), .is_list = true,
	    .words = "list of user@d, d, *.d",
	    .list = { setting_parse_mailbox_item, sizeof(struct mailbox_pattern) } },
	[SETTING_DOMAINS] = { .parse = setting_parse_domains,
	    .size = sizeof(struct domain_set), .is_list = true,
	    .words = "list of domains d, *.d",
	    .list = { setting_parse_domain_item, sizeof(struct domain_pattern) } },
	[SETTING_SERVERS] = { .parse = setting_parse_list,
	    .size = sizeof(struct server_identities), .is_list = true,
	    .words = "list of login:NAME, cert:NAME",
	    .list = { setting_parse_server_item, sizeof(struct server_identity) } },
	[SETTING_CAPABILITIES] = { .parse = setting_parse_list,
	    .size = sizeof(struct capabilities), .is_list = true,
	    .words = "list of DOMAIN:AcceptCloudServicesMail",
	    .list = { setting_parse_capability_item, sizeof(struct capability) } },
	[SETTING_EXEMPTIONS] = { .parse = setting_parse_list,
	    .size = sizeof(struct exemptions), .is_list = true,
	    .words = "list of d, *.d, host:NAME, host:.d",
	    .list = { setting_parse_exemption_item, sizeof(struct exemption) } },
};
/* clang-format on */

const struct list_type *
setting_list_type(enum setting_type type)
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
	setting_put_number(out, setting, setting->min);
	text_put(out, " to ");
	setting_put_number(out, setting, setting->max);
	if (setting->may_be_unlimited)
		text_put(out, ", or unlimited");
}

const char *
setting_type_text(
    char buf[SETTING_TYPE_TEXT_MAX], const struct setting *setting)
{
	struct text out;

	text_init(&out, buf, SETTING_TYPE_TEXT_MAX);
	text_put(&out,
	    setting->form != NULL ? setting->form : types[setting->type].words);
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
setting_refuse(const struct setting_context *context,
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
setting_refuse_item(
    const struct setting_context *context, const char *text, const char *wrong)
{
	char quoted[DIAG_QUOTE_MAX];

	diag_add(context->diags, SEVERITY_ERROR, &context->place, "%s: %s",
	    diag_quote(quoted, text), wrong);
	return -1;
}

int
setting_check_text(const struct setting_context *context,
    const struct setting *setting, const char *text)
{
	char why[SETTING_TYPE_TEXT_MAX * 2];
	struct text out;

	text_init(&out, why, sizeof(why));
	if (setting->check == NULL || setting->check(text, &out))
		return 0;
	if (text[0] == '\0')
		return setting_refuse(context, setting, text, why);
	return setting_refuse_item(context, text, why);
}

int
setting_no_memory(const struct setting_context *context)
{
	diag_add(
	    context->diags, SEVERITY_ERROR, &context->place, "out of memory");
	return -1;
}
