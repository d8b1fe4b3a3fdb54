/*
 * setting_threshold.c - four borders between three levels of a resource.
 */
#include "setting_parts.h"

#include <string.h>

#include "text.h"

#define BORDERS 4
#define WORD_MAX 32

#define NOT_VALID "is not valid"
#define FOUR "is not four numbers"

/* "89", "89.5", "89%": per mille. NULL, or what is wrong. */
static const char *
read_percent(long long *number, const char *text)
{
	*number = 0;
	if (!text_is_digit(*text))
		return NOT_VALID;
	for (; text_is_digit(*text); text++)
		*number =
		    *number > 1000 ? *number : *number * 10 + (*text - '0');
	*number *= 10;
	if (text[0] == '.' && text_is_digit(text[1])) {
		*number += text[1] - '0';
		text += 2;
	}
	if (*text == '%')
		text++;
	if (*text != '\0')
		return NOT_VALID;
	return *number <= 1000 ? NULL : "is more than 100 per cent";
}

static const char *
read_count(long long *number, const char *text)
{
	if (strspn(text, "0123456789") != strlen(text))
		return NOT_VALID;
	return setting_read_size(number, text);
}

/* clang-format off */
#define RISING false, "is in the wrong order: the second number has to be " \
	"the largest, the fourth the smallest"
#define FALLING true, "is in the wrong order: the second number has to be " \
	"the smallest, the fourth the largest"

static const struct {
	const char *(*read)(long long *number, const char *text);
	bool falling;
	const char *no_order;
} units[] = {
	[THRESHOLD_PERCENT] = { read_percent, RISING },
	[THRESHOLD_BYTES_FREE] = { setting_read_size, FALLING },
	[THRESHOLD_COUNT] = { read_count, RISING },
};
/* clang-format on */

static size_t
skip_separators(const char *text)
{
	return strspn(text, " \t,");
}

/* NULL, or what is wrong. */
static const char *
read_borders(
    long long borders[BORDERS], enum threshold_unit unit, const char *text)
{
	char word[WORD_MAX];

	for (size_t i = 0; i < BORDERS; i++) {
		const char *wrong;
		size_t len;

		text += skip_separators(text);
		len = strcspn(text, " \t,");
		if (len == 0)
			return FOUR;
		if (len >= sizeof(word))
			return NOT_VALID;
		memcpy(word, text, len);
		word[len] = '\0';
		wrong = units[unit].read(&borders[i], word);
		if (wrong != NULL)
			return wrong;
		text += len;
	}
	return text[skip_separators(text)] == '\0' ? NULL : FOUR;
}

/* Hysteresis: what rises at a border falls back only beyond another. */
static bool
are_in_order(const struct thresholds *t, bool falling)
{
	const long long sign = falling ? -1 : 1;
	const long long to_medium = sign * t->to_medium;
	const long long to_high = sign * t->to_high;
	const long long from_high = sign * t->from_high;
	const long long from_medium = sign * t->from_medium;

	return to_medium < to_high && from_high < to_high &&
	    from_medium < to_medium && from_medium < from_high;
}

int
setting_parse_thresholds(PARSER_ARGUMENTS)
{
	struct thresholds *t = &value->thresholds;
	long long borders[BORDERS];
	const char *wrong;

	if (text[0] == '\0')
		return 0;
	wrong = read_borders(borders, setting->unit, text);
	if (wrong == NULL) {
		*t = (struct thresholds){ true, borders[0], borders[1],
			borders[2], borders[3] };
		if (are_in_order(t, units[setting->unit].falling))
			return 0;
		wrong = units[setting->unit].no_order;
	}
	return setting_refuse(context, setting, text, wrong);
}
