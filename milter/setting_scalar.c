/*
 * setting_scalar.c - settings of one value that is no number.
 */
#include "setting_parts.h"

#include <string.h>

#include "arena.h"
#include "text.h"

#define CHOICES_MAX 32

int
setting_parse_bool(PARSER_ARGUMENTS)
{
	static const struct {
		const char *word;
		bool meaning;
	} words[] = {
		{ "yes", true },
		{ "no", false },
		{ "true", true },
		{ "false", false },
		{ "on", true },
		{ "off", false },
	};

	for (size_t i = 0; i < nitems(words); i++)
		if (text_casecmp(text, words[i].word) == 0) {
			value->boolean = words[i].meaning;
			return 0;
		}
	return setting_refuse(context, setting, text, "is not valid");
}

int
setting_find_choice(const struct setting_context *context,
    const struct setting *setting, unsigned *value, const char *name)
{
	const char *names[CHOICES_MAX];
	char wrong[SETTING_TYPE_TEXT_MAX];
	size_t count = 0;
	const char *near;
	struct text out;

	for (const struct choice *choice = setting->choices;
	     choice->name != NULL; choice++) {
		if (text_same_name(name, choice->name)) {
			*value = choice->value;
			return 0;
		}
		if (count < CHOICES_MAX)
			names[count++] = choice->name;
	}
	near = text_nearest(name, names, count);
	text_init(&out, wrong, sizeof(wrong));
	text_put(&out, "is not valid");
	if (near != NULL)
		text_printf(&out, "; did you mean '%s'", near);
	return setting_refuse(context, setting, name, wrong);
}

int
setting_parse_choice(PARSER_ARGUMENTS)
{
	return setting_find_choice(context, setting, &value->choice, text);
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

int
setting_parse_date(PARSER_ARGUMENTS)
{
	static const char pattern[] = "dddd-dd-dd";
	int year, month, day, all = 0;

	if (text[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof(pattern); i++) {
		const bool digit = text_is_digit(text[i]);

		if (pattern[i] == 'd' ? !digit : text[i] != pattern[i])
			return setting_refuse(
			    context, setting, text, "is not valid");
		if (digit)
			all = all * 10 + (text[i] - '0');
	}
	year = all / 10000;
	month = all / 100 % 100;
	day = all % 100;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month))
		return setting_refuse(
		    context, setting, text, "is no day of the calendar");
	value->date = all;
	return 0;
}

int
setting_parse_text(PARSER_ARGUMENTS)
{
	if (setting_check_text(context, setting, text) != 0)
		return -1;
	value->text = arena_strdup(context->arena, text);
	return value->text != NULL ? 0 : setting_no_memory(context);
}

int
setting_parse_domain(PARSER_ARGUMENTS)
{
	char name[DOMAIN_MAX + 1] = "";
	const char *wrong = NULL;

	if (setting_check_text(context, setting, text) != 0)
		return -1;
	if (text[0] != '\0')
		wrong = domain_canonical(name, text, strlen(text));
	if (wrong != NULL)
		return setting_refuse_item(context, text, wrong);
	value->text = arena_strdup(context->arena, name);
	return value->text != NULL ? 0 : setting_no_memory(context);
}
