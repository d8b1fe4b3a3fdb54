/*
 * ctl_help.c - connectorctl help: the verbs, and the tables behind it all, as
 * text for people and as mdoc for the manuals.
 */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "schema.h"

static int
help_verbs(void)
{
	puts("usage: connectorctl VERB [arguments]\n");
	for (size_t i = 0; i < ctl_verb_count; i++)
		printf("  %-8s %s\n           %s\n", ctl_verbs[i].name,
		    ctl_verbs[i].usage, ctl_verbs[i].help);
	puts("\nManual: connectorctl(8), connector-milter.ini(5)");
	return CTL_OK;
}

/* What there is to say about when a setting counts; nothing for the usual. */
static void
put_enforcement(const struct setting *setting, char before)
{
	if (setting->enforcement != ENFORCED_HERE)
		putchar(before);
	switch (setting->enforcement) {
	case ENFORCED_HERE:
		break;
	case ENFORCED_BY_MTA:
		fputs("Checked here; it is the MTA that does it.", stdout);
		break;
	}
}

/* Settings of ours alone have none. */
static void
put_exchange(const struct setting *setting, char before)
{
	if (setting->exchange != NULL)
		printf("%cIn Exchange: %s.", before, setting->exchange);
}

/* mdoc takes a leading dot or quote for a request, and \ for an escape. */
static void
put_mdoc(const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", stdout);
	for (; *text != '\0'; text++)
		if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
}

static void
setting_as_text(const struct setting *setting)
{
	char type[SETTING_TYPE_TEXT_MAX];

	printf("  %s\n      %s; default: %s\n      %s.", setting->name,
	    setting_type_text(type, setting), setting_default_text(setting),
	    setting->help);
	put_enforcement(setting, ' ');
	put_exchange(setting, ' ');
	putchar('\n');
}

static void
setting_as_mdoc(const struct setting *setting)
{
	char type[SETTING_TYPE_TEXT_MAX];

	printf(".It Cm %s\n", setting->name);
	put_mdoc(setting->help);
	fputs(".\n.br\nValue: ", stdout);
	put_mdoc(setting_type_text(type, setting));
	fputs(".\nDefault: ", stdout);
	put_mdoc(setting_default_text(setting));
	putchar('.');
	put_enforcement(setting, '\n');
	put_exchange(setting, '\n');
	putchar('\n');
}

static void
section_head(const struct section_row *section, bool mdoc)
{
	const char *name = section->named ? " NAME" : "";

	if (mdoc)
		printf(".Ss [%s%s]\n%s.\n", section->word, name, section->help);
	else
		printf("[%s%s] - %s\n", section->word, name, section->help);
}

static void
section_settings(const struct section_row *section, bool mdoc)
{
	if (mdoc)
		puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < schema_count(); i++) {
		const struct setting *setting = schema_at(i);

		if (setting->section != section->kind)
			continue;
		if (mdoc)
			setting_as_mdoc(setting);
		else
			setting_as_text(setting);
	}
	if (mdoc)
		puts(".El");
	else
		putchar('\n');
}

static int
help_settings(bool mdoc)
{
	for (size_t i = 0; i < schema_section_count; i++) {
		const struct section_row *section = &schema_sections[i];

		section_head(section, mdoc);
		/* [defaults] takes what [connector NAME] takes. */
		if (section->kind != SECTION_DEFAULTS)
			section_settings(section, mdoc);
	}
	return CTL_OK;
}

static void
put_reply(enum reply_id id, bool mdoc)
{
	const char *modern = reply_text(id, REPLY_STYLE_2016);
	const char *old = reply_text(id, REPLY_STYLE_2010);
	const char *start = mdoc ? ".br\nReply: " : "      ";

	printf("%s%s %s %s\n", start, reply_code(id),
	    reply_dsn(id, REPLY_STYLE_2016), modern);
	if (modern != old)
		printf("%s%s %s %s%s\n", start, reply_code(id),
		    reply_dsn(id, REPLY_STYLE_2010), old,
		    mdoc ? " (style 2010)" : "   (reply_style = 2010)");
}

static void
put_rule(const struct rule *rule, bool mdoc)
{
	if (mdoc)
		printf(".It Cm %s Pq %s\nRefuses when %s.\n", rule->name,
		    stage_name(rule->stage), rule->help);
	else
		printf("  %-8s %s\n      refuses when %s\n",
		    stage_name(rule->stage), rule->name, rule->help);
	put_reply(rule->reply, mdoc);
	if (rule->other_reply != REPLY_NONE)
		put_reply(rule->other_reply, mdoc);
}

static int
help_rules(bool mdoc)
{
	if (mdoc)
		puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < rule_count; i++)
		put_rule(&rules[i], mdoc);
	if (mdoc)
		puts(".El");
	return CTL_OK;
}

static int
help_replies(bool mdoc)
{
	if (mdoc)
		puts(".Bl -bullet");
	for (unsigned id = REPLY_NONE + 1; id < REPLY_COUNT; id++) {
		if (mdoc)
			puts(".It");
		put_reply(id, mdoc);
	}
	if (mdoc)
		puts(".El");
	return CTL_OK;
}

/* clang-format off */
static const struct {
	const char *name;
	int (*print)(bool mdoc);
} topics[] = {
	{ "settings", help_settings },
	{ "rules", help_rules },
	{ "replies", help_replies },
};
/* clang-format on */

static int
help_verb(const struct ctl_verb *verb)
{
	printf("usage: connectorctl %s%s%s\n\n%s\n\n"
	       "connectorctl(8) explains all\n",
	    verb->name, verb->usage[0] != '\0' ? " " : "", verb->usage,
	    verb->help);
	return CTL_OK;
}

int
ctl_help(int argc, char **argv)
{
	const bool mdoc = argc == 3 && strcmp(argv[2], "--mdoc") == 0;
	const struct ctl_verb *verb;

	if (argc == 1)
		return ctl_finish(help_verbs());
	if (argc > 3 || (argc == 3 && !mdoc))
		return ctl_usage(argv[0], "too much after %s", argv[1]);
	for (size_t i = 0; i < nitems(topics); i++)
		if (strcmp(topics[i].name, argv[1]) == 0)
			return ctl_finish(topics[i].print(mdoc));
	verb = mdoc ? NULL : ctl_find_verb(argv[1]);
	if (verb != NULL)
		return ctl_finish(help_verb(verb));
	return ctl_usage(argv[0], "there is no topic or verb %s", argv[1]);
}
