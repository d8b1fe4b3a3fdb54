/*
 * mailbox.c - an envelope address: reverse-path or forward-path.
 */
#include "mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "arena.h"
#include "text.h"

/* The bytes still to be read. Reading goes forward only. */
struct cursor {
	const char *at;
	const char *end;
};

static bool
next_is(const struct cursor *in, char c)
{
	return in->at < in->end && *in->at == c;
}

static bool
take(struct cursor *in, char c)
{
	if (!next_is(in, c))
		return false;
	in->at++;
	return true;
}

static size_t
left(const struct cursor *in)
{
	return (size_t)(in->end - in->at);
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    text_is_digit(c);
}

/* RFC 5322 atext, and RFC 6531 3.3: bytes of UTF-8, checked as a whole. */
static bool
is_atext(char c)
{
	static const char others[] = "!#$%&'*+-/=?^_`{|}~";

	return is_alnum(c) || (c & 0x80) != 0 ||
	    (c != '\0' && strchr(others, c) != NULL);
}

static bool
is_printable(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* Dot-string = Atom *("." Atom), to out. */
static const char *
take_dot_string(struct cursor *in, char *out)
{
	do {
		const char *atom = in->at;

		while (in->at < in->end && is_atext(*in->at))
			*out++ = *in->at++;
		if (in->at == atom)
			return "the local part is not valid";
		if (next_is(in, '.'))
			*out++ = '.';
	} while (take(in, '.'));
	*out = '\0';
	return NULL;
}

/* Quoted-string, without its quotes and backslashes to out. */
static const char *
take_quoted_string(struct cursor *in, char *out)
{
	in->at++;
	while (in->at < in->end && *in->at != '"') {
		bool pair = take(in, '\\');

		if (in->at == in->end)
			break;
		/* A backslash stands before printable ASCII only. */
		if (!is_printable(*in->at) && (pair || (*in->at & 0x80) == 0))
			return "the quoted local part holds a byte that is "
			       "not allowed";
		*out++ = *in->at++;
	}
	*out = '\0';
	if (!take(in, '"'))
		return "the quoted local part has no closing quote";
	return NULL;
}

/* [ "@" Domain *( "," "@" Domain ) ":" ] */
static const char *
skip_route(struct cursor *in, bool *routed)
{
	char domain[DOMAIN_MAX + 1];

	if (!next_is(in, '@'))
		return NULL;
	*routed = true;
	do {
		const char *start, *wrong;

		if (!take(in, '@'))
			return "the source route is not valid";
		start = in->at;
		while (in->at < in->end && *in->at != ',' && *in->at != ':')
			in->at++;
		wrong =
		    domain_canonical(domain, start, (size_t)(in->at - start));
		if (wrong == domain_no_memory)
			return wrong;
		if (wrong != NULL)
			return "a domain of the source route is not valid";
	} while (take(in, ','));
	if (!take(in, ':'))
		return "the source route has no colon and address behind it";
	return NULL;
}

/* [192.0.2.1] or [IPv6:2001:db8::1]; no other kind is in use. */
static const char *
parse_literal(struct mailbox *mailbox, const struct cursor *in)
{
	static const char tag[] = "IPv6:";
	size_t len = left(in) - 1;
	const char *inner = in->at + 1;
	char host[ADDR_TEXT_MAX];
	struct addr addr;
	bool tagged;
	struct text text;

	if (len == 0 || inner[len - 1] != ']')
		return "the address literal has no closing bracket";
	len--;
	tagged =
	    len > strlen(tag) && text_ncasecmp(inner, tag, strlen(tag)) == 0;
	if (tagged) {
		inner += strlen(tag);
		len -= strlen(tag);
	}
	if (len >= sizeof(host) || memchr(inner, '\0', len) != NULL)
		return "the address literal is not valid";
	memcpy(host, inner, len);
	host[len] = '\0';
	if (addr_parse(&addr, host) != NULL ||
	    addr.family != (tagged ? ADDR_IPV6 : ADDR_IPV4))
		return "the address literal is not valid";
	text_init(&text, mailbox->domain, sizeof(mailbox->domain));
	text_printf(
	    &text, tagged ? "[ipv6:%s]" : "[%s]", addr_format(host, &addr));
	mailbox->kind = MAILBOX_LITERAL;
	return NULL;
}

static const char *
parse_domain(struct mailbox *mailbox, const struct cursor *in)
{
	const char *wrong;

	if (next_is(in, '['))
		return parse_literal(mailbox, in);
	wrong = domain_canonical(mailbox->domain, in->at, left(in));
	if (wrong == domain_no_memory)
		return wrong;
	if (wrong != NULL)
		return "the domain of the address is not valid";
	mailbox->kind = MAILBOX_DOMAIN;
	return NULL;
}

bool
mailbox_is_routed(const char *local)
{
	return strpbrk(local, "%!:@") != NULL ||
	    text_ncasecmp(local, "IMCEA", strlen("IMCEA")) == 0;
}

static const char *
parse_address(struct mailbox *mailbox, struct cursor *in)
{
	bool route = false;
	const char *wrong = skip_route(in, &route);

	if (wrong == NULL)
		wrong = next_is(in, '"')
		    ? take_quoted_string(in, mailbox->local)
		    : take_dot_string(in, mailbox->local);
	if (wrong != NULL)
		return wrong;
	mailbox->routed = route || mailbox_is_routed(mailbox->local);
	if (take(in, '@'))
		return parse_domain(mailbox, in);
	if (in->at != in->end)
		return "the address does not end where it should";
	if (route)
		return "the address behind the source route has no domain";
	mailbox->kind = MAILBOX_BARE;
	return NULL;
}

/* Takes the brackets off; there are both or none. */
static const char *
strip_brackets(struct cursor *in)
{
	bool opened = in->at < in->end && in->at[0] == '<';
	bool closed = in->at < in->end && in->end[-1] == '>';

	if (opened != closed)
		return "one of the angle brackets is missing";
	if (opened) {
		in->at++;
		in->end--;
	}
	return NULL;
}

static const char *
parse_path(struct mailbox *mailbox, const char *path, size_t len)
{
	struct cursor in = { .at = path, .end = path + len };
	const char *wrong = strip_brackets(&in);

	if (wrong != NULL)
		return wrong;
	if (in.at == in.end) {
		mailbox->kind = MAILBOX_NULL;
		return NULL;
	}
	if (left(&in) > MAILBOX_MAX)
		return "the address is longer than 571 octets";
	if (!text_is_utf8(in.at, left(&in)))
		return "the address is not UTF-8";
	return parse_address(mailbox, &in);
}

const char *
mailbox_parse(struct mailbox *mailbox, const char *path, size_t len)
{
	const char *wrong;

	memset(mailbox, 0, sizeof(*mailbox));
	wrong = parse_path(mailbox, path, len);
	if (wrong != NULL)
		memset(mailbox, 0, sizeof(*mailbox));
	return wrong;
}

bool
mailbox_is_parameter(const char *text)
{
	const char *c = text;

	if (!is_alnum(*c))
		return false;
	while (is_alnum(*c) || *c == '-')
		c++;
	if (*c == '\0')
		return true;
	if (*c++ != '=' || *c == '\0' || !text_is_utf8(c, strlen(c)))
		return false;
	for (; *c != '\0'; c++)
		if (*c == ' ' || (!is_printable(*c) && (*c & 0x80) == 0))
			return false;
	return true;
}

static const char *
parse_domain_item(struct arena *arena, struct mailbox_pattern *pattern,
    const char *text, size_t len)
{
	char name[DOMAIN_MAX + 1];
	const char *wrong =
	    domain_pattern_parse(name, &pattern->domain.below, text, len);

	if (wrong != NULL)
		return wrong;
	pattern->domain.name = arena_strdup(arena, name);
	return pattern->domain.name != NULL ? NULL : "out of memory";
}

static const char *
parse_address_item(
    struct arena *arena, struct mailbox_pattern *pattern, const char *text)
{
	struct mailbox mailbox;
	const char *wrong;

	if (text[0] == '<')
		return "an address stands here without angle brackets; write "
		       "one such as user@example.com";
	if (text[0] == '@' || strncmp(text, "*@", 2) == 0)
		return "a local part is missing; write example.com for every "
		       "address of that domain";
	wrong = mailbox_parse(&mailbox, text, strlen(text));
	if (wrong == domain_no_memory)
		return wrong;
	if (wrong != NULL || mailbox.kind == MAILBOX_BARE)
		return "not an address; write user@example.com, example.com "
		       "or *.example.com";
	if (mailbox.kind == MAILBOX_LITERAL)
		return "an address literal never matches; write an address "
		       "such as user@example.com";
	if (mailbox.routed)
		return "an address with %, !, : or @ in its local part or "
		       "with a route never matches; write one such as "
		       "user@example.com";
	pattern->local = arena_strdup(arena, mailbox.local);
	if (pattern->local == NULL)
		return "out of memory";
	return parse_domain_item(
	    arena, pattern, mailbox.domain, strlen(mailbox.domain));
}

const char *
mailbox_pattern_parse(
    struct arena *arena, struct mailbox_pattern *pattern, const char *text)
{
	const char *wrong;

	memset(pattern, 0, sizeof(*pattern));
	if (text[0] == '\0')
		return "the item is empty; write user@example.com, "
		       "example.com or *.example.com";
	if (strchr(text, '@') != NULL)
		wrong = parse_address_item(arena, pattern, text);
	else
		wrong = parse_domain_item(arena, pattern, text, strlen(text));
	if (wrong != NULL)
		memset(pattern, 0, sizeof(*pattern));
	return wrong;
}

/* By domain, d before *.d; where the local part is any, first. */
static int
compare_patterns(const void *left, const void *right)
{
	const struct mailbox_pattern *a = left;
	const struct mailbox_pattern *b = right;
	int order = strcmp(a->domain.name, b->domain.name);

	if (order == 0)
		order = (int)a->domain.below - (int)b->domain.below;
	if (order == 0)
		order = (a->local != NULL) - (b->local != NULL);
	if (order == 0 && a->local != NULL)
		order = text_casecmp(a->local, b->local);
	return order;
}

void
mailbox_patterns_sort(struct mailbox_pattern *items, size_t count)
{
	if (count > MAILBOX_PATTERNS_FEW)
		qsort(items, count, sizeof(*items), compare_patterns);
}

static bool
has_pattern(const struct mailbox_patterns *patterns, const char *local,
    const char *name, bool below)
{
	const struct mailbox_pattern wanted = { local, { name, below } };

	return bsearch(&wanted, patterns->items, patterns->count,
		   sizeof(*patterns->items), compare_patterns) != NULL;
}

static bool
any_matches(
    const struct mailbox_patterns *patterns, const struct mailbox *mailbox)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct mailbox_pattern *item = &patterns->items[i];

		if ((item->local == NULL ||
			text_casecmp(item->local, mailbox->local) == 0) &&
		    domain_pattern_matches(&item->domain, mailbox->domain))
			return true;
	}
	return false;
}

bool
mailbox_patterns_match(
    const struct mailbox_patterns *patterns, const struct mailbox *mailbox)
{
	const char *name = mailbox->domain;

	if (mailbox->kind != MAILBOX_DOMAIN)
		return false;
	if (patterns->count <= MAILBOX_PATTERNS_FEW)
		return any_matches(patterns, mailbox);
	if (has_pattern(patterns, mailbox->local, name, false) ||
	    has_pattern(patterns, NULL, name, false))
		return true;
	while ((name = strchr(name, '.')) != NULL)
		if (has_pattern(patterns, NULL, ++name, true))
			return true;
	return false;
}

bool
mailbox_equals(const struct mailbox *a, const struct mailbox *b)
{
	return a->kind == MAILBOX_DOMAIN && b->kind == MAILBOX_DOMAIN &&
	    text_casecmp(a->local, b->local) == 0 &&
	    strcmp(a->domain, b->domain) == 0;
}
