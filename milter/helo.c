/*
 * helo.c - the name a client gives at HELO or EHLO.
 */
#include "helo.h"

#include <stdbool.h>
#include <string.h>

#include "addr.h"
#include "domain.h"
#include "text.h"

#define LABEL_MAX 63

static bool
is_letter_or_digit(char c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || text_is_digit(c);
}

static enum helo_form
worse(enum helo_form a, enum helo_form b)
{
	return a > b ? a : b;
}

static enum helo_form
label_form(const char *label, size_t len)
{
	enum helo_form form = HELO_STRICT;

	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return HELO_MALFORMED;
	for (size_t i = 0; i < len; i++) {
		if (label[i] == '_')
			form = HELO_TOLERANT;
		else if (!is_letter_or_digit(label[i]) && label[i] != '-')
			return HELO_MALFORMED;
	}
	return form;
}

static enum helo_form
domain_form(const char *name, size_t len)
{
	const char *end;
	enum helo_form form = HELO_STRICT;

	if (name[len - 1] == '.') {
		form = HELO_TOLERANT;
		len--;
	}
	if (len > DOMAIN_MAX)
		return HELO_MALFORMED;
	end = name + len;
	for (;;) {
		const char *dot = memchr(name, '.', (size_t)(end - name));
		const char *stop = dot != NULL ? dot : end;

		form = worse(form, label_form(name, (size_t)(stop - name)));
		if (dot == NULL || form == HELO_MALFORMED)
			return form;
		name = dot + 1;
	}
}

/* [192.0.2.1] or [IPv6:2001:db8::1]; no other tag is in use. */
static enum helo_form
literal_form(const char *name, size_t len)
{
	static const char tag[] = "IPv6:";
	char host[ADDR_TEXT_MAX + sizeof(tag)];
	const char *inner = host;
	struct addr addr;
	bool tagged;

	if (len < 2 || len - 2 >= sizeof(host) || name[len - 1] != ']')
		return HELO_MALFORMED;
	memcpy(host, name + 1, len - 2);
	host[len - 2] = '\0';
	tagged = text_ncasecmp(host, tag, strlen(tag)) == 0;
	if (tagged)
		inner += strlen(tag);
	if (addr_parse(&addr, inner) != NULL ||
	    addr.family != (tagged ? ADDR_IPV6 : ADDR_IPV4))
		return HELO_MALFORMED;
	return HELO_STRICT;
}

enum helo_form
helo_form(const char *name)
{
	enum helo_form form = HELO_STRICT;
	size_t len = name != NULL ? strlen(name) : 0;

	while (len > 0 && text_is_blank(name[len - 1])) {
		form = HELO_TOLERANT;
		len--;
	}
	if (len == 0)
		return HELO_NONE;
	return worse(form,
	    name[0] == '[' ? literal_form(name, len) : domain_form(name, len));
}
