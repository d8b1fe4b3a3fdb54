/*
 * received.c - finds the server that a Received field names.
 */
#include "received.h"

#include <string.h>

#include "text.h"

/* Behind a comment and what is nested in it (RFC 5322 3.2.2). */
static const char *
skip_comment(const char *s)
{
	unsigned depth = 0;

	do {
		if (*s == '\\' && s[1] != '\0')
			s++;
		else if (*s == '(')
			depth++;
		else if (*s == ')')
			depth--;
		s++;
	} while (*s != '\0' && depth > 0);
	return s;
}

static const char *
skip_space(const char *s)
{
	while (text_is_white(*s) || *s == '(')
		s = *s == '(' ? skip_comment(s) : s + 1;
	return s;
}

/* Up to a blank, a comment or the date. */
static size_t
word_length(const char *s)
{
	return strcspn(s, " \t\r\n(;");
}

/* The word behind "by", or "". */
static const char *
find_server(const char *value)
{
	const char *s = skip_space(value);

	while (*s != '\0' && *s != ';') {
		const size_t len = word_length(s);
		const char *next = skip_space(s + len);

		if (len == 2 && text_ncasecmp(s, "by", 2) == 0)
			return next;
		s = next;
	}
	return "";
}

/* [192.0.2.1], [IPv6:2001:db8::1]: RFC 5321 4.1.3. */
static void
read_literal(struct addr *addr, const char *word, size_t len)
{
	char text[ADDR_TEXT_MAX + 8];
	struct addr found;

	if (len < 3 || len - 2 >= sizeof(text) || word[len - 1] != ']')
		return;
	memcpy(text, word + 1, len - 2);
	text[len - 2] = '\0';
	if (addr_parse_macro(&found, text) == 0)
		*addr = found;
}

void
received_by(struct received_by *by, const char *value)
{
	const char *word = find_server(value);
	const size_t len = word_length(word);

	*by = (struct received_by){ .addr = { .family = ADDR_NONE } };
	if (word[0] == '[')
		read_literal(&by->addr, word, len);
	else if (len > 0 && domain_canonical(by->name, word, len) != NULL)
		by->name[0] = '\0';
}
