/*
 * domain.c - domain names in one canonical form, and sets of them.
 */
#include "domain.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define LABEL_MAX 63

/* A name of 253 octets takes less than this in UTF-8, however it is written. */
#define INPUT_MAX 1024

#define UTS46_RULES (IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

static const char no_idn[] =
    "not an internationalized domain name (UTS 46); check its spelling";

const char domain_no_memory[] = "out of memory";

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || text_is_digit(c);
}

/* label is lower case already. */
static const char *
check_label(const char *label, size_t len)
{
	if (len == 0)
		return "a label is empty; write one dot between two labels, "
		       "such as example.com";
	if (len > LABEL_MAX)
		return "a label is longer than 63 octets";
	for (size_t i = 0; i < len; i++)
		if (!is_letter_or_digit(label[i]) && label[i] != '-')
			return "a domain has letters, digits, hyphens and "
			       "dots only; write one such as example.com";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a label begins or ends with a hyphen; hyphens stand "
		       "inside only";
	return NULL;
}

static const char *
check_labels(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");
		const char *wrong = check_label(name, len);

		if (wrong != NULL || name[len] == '\0')
			return wrong;
		name += len + 1;
	}
}

/* The canonical form of a name that needs no conversion. */
static const char *
ascii_canonical(char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0)
		return "the domain is empty; write one such as example.com";
	if (len > DOMAIN_MAX)
		return "the domain is longer than 253 octets";
	for (size_t i = 0; i < len; i++) {
		/* What follows a NUL would not be looked at any more. */
		if (text[i] == '\0')
			return "a domain has no NUL byte";
		out[i] = text_lower(text[i]);
	}
	out[len] = '\0';
	return check_labels(out);
}

/* Non-ASCII names, and A-labels, which may be broken or not canonical. */
static bool
needs_conversion(const char *text, size_t len)
{
	static const char prefix[] = "xn--";

	for (size_t i = 0; i < len; i++) {
		if ((text[i] & 0x80) != 0)
			return true;
		if ((i == 0 || text[i - 1] == '.') &&
		    len - i >= strlen(prefix) &&
		    text_ncasecmp(text + i, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

static const char *
convert(char out[DOMAIN_MAX + 1], const char *text, int flags)
{
	char *ascii = NULL;
	const int result = idn2_to_ascii_8z(text, &ascii, flags);
	const char *wrong = no_idn;

	if (result == IDN2_OK)
		wrong = ascii_canonical(out, ascii, strlen(ascii));
	else if (result == IDN2_MALLOC)
		wrong = domain_no_memory;
	free(ascii);
	return wrong;
}

/* The same, and the result must not depend on the reading of STD3. */
static const char *
convert_strictly(char out[DOMAIN_MAX + 1], const char *text)
{
	char loose[DOMAIN_MAX + 1];
	const char *wrong;

	/*
	 * libidn2 2.3 leaves out what STD3 forbids where UTS 46 wants an
	 * error: a fullwidth @ would vanish. Without STD3 it stays.
	 */
	wrong = convert(loose, text, UTS46_RULES);
	if (wrong == NULL)
		wrong =
		    convert(out, text, UTS46_RULES | IDN2_USE_STD3_ASCII_RULES);
	if (wrong == NULL && strcmp(out, loose) != 0)
		wrong = no_idn;
	return wrong;
}

static const char *
idn_canonical(char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	char name[INPUT_MAX + 1];
	char again[DOMAIN_MAX + 1];
	const char *wrong;

	if (len > INPUT_MAX)
		return "the domain is longer than 253 octets";
	if (memchr(text, '\0', len) != NULL || !text_is_utf8(text, len))
		return no_idn;
	memcpy(name, text, len);
	name[len] = '\0';
	wrong = convert_strictly(out, name);
	if (wrong != NULL)
		return wrong;
	/* A name has one canonical form, or it could be two in two places. */
	wrong = convert(again, out, UTS46_RULES);
	if (wrong == domain_no_memory)
		return wrong;
	return wrong == NULL && strcmp(again, out) == 0 ? NULL : no_idn;
}

const char *
domain_canonical(char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	const char *wrong;

	if (needs_conversion(text, len))
		wrong = idn_canonical(out, text, len);
	else
		wrong = ascii_canonical(out, text, len);
	if (wrong != NULL)
		out[0] = '\0';
	return wrong;
}

const char *
domain_pattern_parse(
    char out[DOMAIN_MAX + 1], bool *below, const char *text, size_t len)
{
	out[0] = '\0';
	*below = len > 1 && text[0] == '*' && text[1] == '.';
	if (len == 1 && text[0] == '*')
		return "a * alone would be every domain; write domains such "
		       "as example.com or *.example.com";
	if (*below) {
		text += 2;
		len -= 2;
	}
	if (len > 0 && memchr(text, '*', len) != NULL)
		return "a * stands only in front of the first dot; write "
		       "*.example.com";
	if (len > 0 && text[0] == '[')
		return "an address literal is no domain; write a domain such "
		       "as example.com";
	if (len > 0 && text[0] == '.' && !*below)
		return "a domain does not begin with a dot; write "
		       "*.example.com for what lies below example.com";
	return domain_canonical(out, text, len);
}

bool
domain_is_below(const char *name, const char *parent)
{
	size_t name_len = strlen(name);
	size_t parent_len = strlen(parent);

	return parent_len > 0 && name_len > parent_len + 1 &&
	    name[name_len - parent_len - 1] == '.' &&
	    strcmp(name + name_len - parent_len, parent) == 0;
}

bool
domain_pattern_matches(const struct domain_pattern *pattern, const char *name)
{
	if (pattern->below)
		return domain_is_below(name, pattern->name);
	return name[0] != '\0' && strcmp(name, pattern->name) == 0;
}

static int
compare_patterns(const void *left, const void *right)
{
	const struct domain_pattern *a = left;
	const struct domain_pattern *b = right;
	int names = strcmp(a->name, b->name);

	return names != 0 ? names : (int)a->below - (int)b->below;
}

void
domain_set_sort(struct domain_set *set)
{
	if (set->count > 0)
		qsort(set->patterns, set->count, sizeof(*set->patterns),
		    compare_patterns);
}

static bool
has_pattern(const struct domain_set *set, const char *name, bool below)
{
	struct domain_pattern wanted = { .name = name, .below = below };

	return bsearch(&wanted, set->patterns, set->count,
		   sizeof(*set->patterns), compare_patterns) != NULL;
}

bool
domain_set_contains(const struct domain_set *set, const char *name)
{
	const char *dot = name;

	if (set->count == 0 || name[0] == '\0')
		return false;
	if (has_pattern(set, name, false))
		return true;
	while ((dot = strchr(dot, '.')) != NULL)
		if (has_pattern(set, ++dot, true))
			return true;
	return false;
}
