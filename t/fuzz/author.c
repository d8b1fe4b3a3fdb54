/*
 * author.c - bytes as the body of a From field.
 *
 * Holds: every address that one of two simple readers finds is found, and not
 * as a guess. One reads the RFC's grammar without a word of leeway, comments
 * and quotes included, and gives up at the first thing it does not know. The
 * other takes any LOCAL@DOMAIN between blanks, commas or brackets, where there
 * is nothing that could hide one. What is found has the form of an address and
 * lies in the field.
 */
#include "author.h"
#include "firewall.h"
#include "fuzz.h"
#include "text.h"

#define FOUND_MAX 4096
#define WANTED_MAX 256

struct span {
	const char *s;
	size_t len;
};

struct wanted {
	struct span local; /* as it is, without quotes */
	struct span domain;
};

struct field {
	const char *body;
	size_t len;
	struct mailbox *found;
	size_t found_count;
	size_t told;
};

static void
see(void *arg, const struct author *author)
{
	struct field *field = arg;
	char name[DOMAIN_MAX + 1];
	const struct mailbox *mailbox = &author->mailbox;

	field->told++;
	must(author->begin <= author->end && author->end <= field->len,
	    "an author lies in the field");
	must(mailbox->kind == MAILBOX_DOMAIN ||
		mailbox->kind == MAILBOX_LITERAL ||
		(author->guessed && mailbox->kind == MAILBOX_BARE),
	    "an author is an address");
	must(strlen(mailbox->local) <= MAILBOX_MAX, "of some length");
	if (mailbox->kind == MAILBOX_DOMAIN)
		must(domain_canonical(name, mailbox->domain,
			 strlen(mailbox->domain)) == NULL &&
			strcmp(name, mailbox->domain) == 0,
		    "its domain is canonical");
	if (!author->guessed && field->found_count < FOUND_MAX)
		field->found[field->found_count++] = *mailbox;
}

static bool
is_found(const struct field *field, const struct wanted *wanted)
{
	char name[DOMAIN_MAX + 1];

	/* What is no domain cannot be ours; a long local part is cut. */
	if (domain_canonical(name, wanted->domain.s, wanted->domain.len) !=
		NULL ||
	    wanted->local.len > MAILBOX_MAX || field->found_count == FOUND_MAX)
		return true;
	for (size_t i = 0; i < field->found_count; i++)
		if (strcmp(field->found[i].domain, name) == 0 &&
		    strlen(field->found[i].local) == wanted->local.len &&
		    memcmp(field->found[i].local, wanted->local.s,
			wanted->local.len) == 0)
			return true;
	return false;
}

/* ---- where nothing can hide an address ----------------------------------- */

static bool
is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    text_is_digit(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_atom(struct span span)
{
	char before = '.';

	for (size_t i = 0; i < span.len; before = span.s[i++])
		if (span.s[i] == '.' ? before == '.' : !is_atext(span.s[i]))
			return false;
	return span.len > 0 && before != '.';
}

static bool
is_edge(char c)
{
	return text_is_white(c) || c == ',' || c == '<' || c == '>';
}

/* A local part may have blanks around its dots (RFC 5322 4.4). */
static bool
is_behind_dot(const char *body, const char *at)
{
	while (at > body && text_is_white(at[-1]))
		at--;
	return at > body && at[-1] == '.';
}

static void
check_plain(const struct field *field)
{
	const char *end = field->body + field->len;

	for (const char *p = field->body; p < end; p++)
		if (*p == '\0' || strchr("\"()\\[]:;", *p) != NULL ||
		    (*p == '=' && p + 1 < end && p[1] == '?'))
			return;
	for (const char *at = field->body; at < end; at++) {
		const char *from = at, *to = at + 1;
		struct wanted wanted;

		if (*at != '@')
			continue;
		while (from > field->body && !is_edge(from[-1]))
			from--;
		while (to < end && !is_edge(*to))
			to++;
		wanted.local = (struct span){ from, (size_t)(at - from) };
		wanted.domain = (struct span){ at + 1, (size_t)(to - at - 1) };
		if (is_dot_atom(wanted.local) && is_dot_atom(wanted.domain) &&
		    !is_behind_dot(field->body, from))
			must(is_found(field, &wanted),
			    "an address that stands by itself is found");
	}
}

/* ---- the RFC's grammar --------------------------------------------------- */

struct reader {
	const char *at;
	const char *end;
	struct wanted wanted[WANTED_MAX];
	size_t count;
};

/* Folding and comments; false: a comment does not end. */
static bool
skip_cfws(struct reader *r)
{
	unsigned depth = 0;

	for (; r->at < r->end; r->at++) {
		if (*r->at == '(')
			depth++;
		else if (depth > 0 && *r->at == ')')
			depth--;
		else if (depth > 0 && *r->at == '\\' && r->end - r->at > 1)
			r->at++;
		else if (depth == 0 && !text_is_white(*r->at))
			break;
	}
	return depth == 0;
}

static bool
take_byte(struct reader *r, char c)
{
	if (!skip_cfws(r) || r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* An atom with dots, as it stands. */
static bool
take_dot_atom(struct reader *r, struct span *span)
{
	if (!skip_cfws(r))
		return false;
	span->s = r->at;
	while (r->at < r->end && (is_atext(*r->at) || *r->at == '.'))
		r->at++;
	span->len = (size_t)(r->at - span->s);
	return is_dot_atom(*span);
}

/* Printable ASCII without a backslash, to keep this simple. */
static bool
take_quoted(struct reader *r, struct span *span)
{
	if (!take_byte(r, '"'))
		return false;
	span->s = r->at;
	while (r->at < r->end && *r->at >= ' ' && *r->at <= '~' &&
	    *r->at != '"' && *r->at != '\\')
		r->at++;
	span->len = (size_t)(r->at - span->s);
	return r->at < r->end && *r->at++ == '"';
}

static bool
take_address(struct reader *r)
{
	struct wanted *wanted = &r->wanted[r->count];

	if (!skip_cfws(r) || r->at == r->end || r->count == WANTED_MAX)
		return false;
	if (*r->at == '"' ? !take_quoted(r, &wanted->local)
			  : !take_dot_atom(r, &wanted->local))
		return false;
	if (!take_byte(r, '@') || !take_dot_atom(r, &wanted->domain))
		return false;
	r->count++;
	return true;
}

/* A phrase and an address in brackets, or an address alone. */
static bool
take_mailbox(struct reader *r)
{
	const struct reader start = { .at = r->at, .end = r->end };
	const size_t count = r->count;
	struct span word;

	if (take_address(r) && skip_cfws(r) &&
	    (r->at == r->end || *r->at == ','))
		return true;
	r->at = start.at;
	r->count = count;
	while (skip_cfws(r) && r->at < r->end && *r->at != '<')
		if (*r->at == '"' ? !take_quoted(r, &word)
				  : !take_dot_atom(r, &word))
			return false;
	return take_byte(r, '<') && take_address(r) && take_byte(r, '>') &&
	    skip_cfws(r);
}

static void
check_grammar(const struct field *field)
{
	struct reader *r = fuzz_alloc(sizeof(*r));
	bool read = true;

	r->at = field->body;
	r->end = field->body + field->len;
	r->count = 0;
	do {
		read = take_mailbox(r);
	} while (read && take_byte(r, ','));
	if (read && r->at == r->end)
		for (size_t i = 0; i < r->count; i++)
			must(is_found(field, &r->wanted[i]),
			    "an address by the RFC is found");
	free(r);
}

/* ---- the target ---------------------------------------------------------- */

/* As many as a message may have: beyond it nobody reads. */
static bool
is_read(const char *body, size_t len)
{
	size_t signs = 0;

	for (size_t i = 0; i < len; i++)
		signs += body[i] == '@' || body[i] == '%' || body[i] == '!';
	return len <= FIREWALL_FROM_BYTES_MAX &&
	    signs <= FIREWALL_FROM_SIGNS_MAX;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mailbox found[FOUND_MAX]; /* too large to be taken anew */
	struct field field = { .found = found };
	char *body = fuzz_bytes(data, size);

	field.body = body;
	field.len = size;
	if (is_read(body, field.len)) {
		/* What would take too long is not all told. */
		if (!author_each(body, field.len, see, &field)) {
			free(body);
			return 0;
		}
		must(field.told <= 16 * (field.len + 1),
		    "there are not more authors than text");
		check_plain(&field);
		check_grammar(&field);
	}
	free(body);
	return 0;
}
