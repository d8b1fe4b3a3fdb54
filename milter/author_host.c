/*
 * author_host.c - what a domain is made of, and whether an address names its
 * host, as Sendmail sees it.
 */
#include "author_parts.h"

#include <string.h>

bool
author_is_label_byte(char c)
{
	return text_is_digit(c) || c == '-' ||
	    (text_lower(c) >= 'a' && text_lower(c) <= 'z');
}

static bool
is_name_byte(char c)
{
	return author_is_label_byte(c) || c == '_';
}

bool
author_is_host_byte(char c)
{
	return is_name_byte(c) || c == '.' || (c & 0x80) != 0;
}

size_t
author_domain_span(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (is_name_byte(text[n]) || text[n] == '.'))
		n++;
	return n;
}

size_t
author_without_dots(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '.')
		len--;
	return len;
}

bool
author_domain_may_end(const char *text, size_t len, size_t n)
{
	return text[n - 1] != '.' && (n == len || (text[n] & 0xc0) != 0x80);
}

/* What signs there are in an address, but for those in quotes. */
struct signs {
	bool at;
	bool percent;
	bool bang;
	bool begun; /* there is something before the first bang */
	bool dot;   /* and a dot behind it */
	bool name;  /* and a name behind that */
	bool host;  /* something stands behind the last of them that counts */
};

static void
note_host(struct signs *signs, char c)
{
	if (c == '.')
		signs->dot = signs->begun;
	else if (!is_name_byte(c))
		signs->dot = false;
	signs->name = signs->dot && c != '.';
	signs->begun = true;
}

static void
note_sign(struct signs *signs, char c)
{
	const bool counts = c == '@' || (!signs->at && (c == '%' || c == '!'));

	if (text_is_white(c)) {
		signs->dot = false;
		return;
	}
	if (!signs->bang && c != '!')
		note_host(signs, c);
	signs->at |= c == '@';
	signs->percent |= c == '%';
	signs->bang |= c == '!';
	signs->host = !counts;
}

/* What UUCP reaches is of this host. */
static bool
has_uucp(const char *text, size_t len)
{
	static const char uucp[] = ".uucp";
	const size_t n = strlen(uucp);

	for (size_t i = 0; i + n <= len; i++)
		if (text[i] == '.' && text_ncasecmp(text + i, uucp, n) == 0)
			return true;
	return false;
}

bool
author_has_host(const char *text, size_t len)
{
	struct signs signs = { .at = false };
	bool quoted = false;

	if (has_uucp(text, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			quoted = !quoted;
			if (!signs.bang)
				note_host(&signs, '"');
		} else if (!quoted) {
			note_sign(&signs, text[i]);
		}
	}
	if (signs.bang && !signs.at && !(signs.name && !signs.percent))
		return false;
	return (signs.at || signs.percent || signs.bang) && signs.host;
}
