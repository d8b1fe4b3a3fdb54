/*
 * setting_number.c - counts, sizes and times: strict, whole, within range.
 */
#include "setting_parts.h"

#include <string.h>

#include "text.h"

#define OUT_OF_RANGE "is out of range"
#define NOT_VALID "is not valid"

struct unit {
	const char *name;
	long long factor;
};

/* The first of a factor is the one printed. */
/* clang-format off */
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static const struct unit size_units[] = {
	{ "G", 1LL << 30 }, { "GB", 1LL << 30 },
	{ "M", 1LL << 20 }, { "MB", 1LL << 20 },
	{ "K", 1LL << 10 }, { "KB", 1LL << 10 },
	{ "", 1 }, { "B", 1 },
	{ "T", 1LL << 40 }, { "TB", 1LL << 40 },
	{ NULL, 0 },
};

static const struct unit time_units[] = {
	{ "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 },
	{ NULL, 0 },
};
/* clang-format on */

static const struct unit *
units_of(const struct setting *setting)
{
	if (setting->type == SETTING_SIZE)
		return size_units;
	return setting->type == SETTING_TIME ? time_units : no_units;
}

/* Reads digits; what is too large for any setting becomes LLONG_MAX - 1. */
static const char *
read_digits(long long *number, const char *s)
{
	const long long most = SETTING_UNLIMITED - 1;

	*number = 0;
	for (; text_is_digit(*s); s++) {
		const int digit = *s - '0';

		*number =
		    *number > (most - digit) / 10 ? most : *number * 10 + digit;
	}
	return s;
}

static long long
multiply(long long number, long long factor)
{
	const long long most = SETTING_UNLIMITED - 1;

	return number > most / factor ? most : number * factor;
}

/* "10m", "36 MB", "262144". NULL, or what is wrong. */
static const char *
parse_units(const struct unit *unit, long long *number, const char *text)
{
	const char *end = read_digits(number, text);

	if (end == text)
		return NOT_VALID;
	while (*end == ' ' || *end == '\t')
		end++;
	for (; unit->name != NULL; unit++)
		if (text_casecmp(end, unit->name) == 0) {
			*number = multiply(*number, unit->factor);
			return NULL;
		}
	if (*end == '\0')
		return *number == 0 ? NULL : "has no unit";
	return NOT_VALID;
}

const char *
setting_read_size(long long *number, const char *text)
{
	return parse_units(size_units, number, text);
}

/* Two digits below limit, behind a colon or at the start. */
static const char *
clock_field(long long *number, const char *s, int limit)
{
	if (s == NULL || !text_is_digit(s[0]) || !text_is_digit(s[1]))
		return NULL;
	*number = (s[0] - '0') * 10 + (s[1] - '0');
	return *number < limit ? s + 2 : NULL;
}

/* "00:10:00", "1.00:00:00". NULL, or what is wrong. */
static const char *
parse_clock(long long *number, const char *text)
{
	const char *dot = strchr(text, '.');
	const char *s = text;
	long long days = 0, part[3] = { 0 };

	if (dot != NULL) {
		if (dot == text || read_digits(&days, text) != dot)
			return NOT_VALID;
		s = dot + 1;
	}
	for (size_t i = 0; i < nitems(part); i++) {
		if (i > 0 && s != NULL)
			s = *s == ':' ? s + 1 : NULL;
		s = clock_field(&part[i], s, i == 0 ? 24 : 60);
	}
	if (s == NULL || *s != '\0')
		return NOT_VALID;
	days = multiply(days, 86400);
	*number = part[0] * 3600 + part[1] * 60 + part[2];
	if (days > SETTING_UNLIMITED - 1 - *number)
		*number = SETTING_UNLIMITED - 1;
	else
		*number += days;
	return NULL;
}

int
setting_parse_number(PARSER_ARGUMENTS)
{
	const char *wrong;

	if (setting->may_be_unlimited && text_casecmp(text, "unlimited") == 0) {
		value->number = SETTING_UNLIMITED;
		return 0;
	}
	if (setting->type == SETTING_TIME && strchr(text, ':') != NULL)
		wrong = parse_clock(&value->number, text);
	else
		wrong = parse_units(units_of(setting), &value->number, text);
	if (wrong == NULL &&
	    (value->number < setting->min || value->number > setting->max))
		wrong = OUT_OF_RANGE;
	return wrong != NULL ? setting_refuse(context, setting, text, wrong)
			     : 0;
}

int
setting_parse_mode(PARSER_ARGUMENTS)
{
	const char *s = text;
	long long mode = 0;

	for (; *s >= '0' && *s <= '7' && mode <= setting->max; s++)
		mode = mode * 8 + (*s - '0');
	if (s == text || (*s != '\0' && mode <= setting->max))
		return setting_refuse(context, setting, text, NOT_VALID);
	if (mode < setting->min || mode > setting->max)
		return setting_refuse(context, setting, text, OUT_OF_RANGE);
	value->choice = (unsigned)mode;
	return 0;
}

void
setting_put_number(
    struct text *out, const struct setting *setting, long long number)
{
	const struct unit *unit = units_of(setting);

	if (setting->type == SETTING_MODE) {
		text_printf(out, "%#llo", (unsigned long long)number);
		return;
	}
	while (unit[1].name != NULL && unit->factor != 1 &&
	    (number == 0 || number % unit->factor != 0))
		unit++;
	text_printf(out, "%lld%s", number / unit->factor, unit->name);
}
