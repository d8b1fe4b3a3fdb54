/*
 * author_rewrite.c - finds the authors that an MTA makes up: Sendmail rewrites
 * addresses without an @ in a header after every milter has seen it.
 */
#include "author_parts.h"

#include <string.h>

/* The address of one item, without its quotes and comments. */
struct rewriter {
	const struct reading_job *job;
	char text[ADDRESS_MAX];
	size_t len;
	char name[ADDRESS_MAX]; /* what stood before the bracket */
	size_t name_len;
	size_t depth; /* of comments */
	bool in_quotes;
	bool in_brackets;
	bool behind; /* brackets, in the same item */
	bool raw;    /* quotes and comments are nothing special */
	bool kept;   /* what is odd in a domain stays there */
	char before; /* the byte taken before this one, if no blank */
	bool lost;   /* there was something that is not in the text */
};

/* A NUL is never one. */
static bool
is_one_of(char c, const char *set)
{
	while (*set != '\0' && *set != c)
		set++;
	return *set != '\0';
}

static void
guess_routes(const struct rewriter *r, bool is_route)
{
	const struct routing routing = { r->job, r->text, r->len, r->kept,
		is_route };

	author_guess_routes(&routing);
}

/* Whatever has no host becomes a local part, its blanks dots. */
static void
guess_bare(struct rewriter *r)
{
	struct author author;
	char *local;
	size_t end = r->len, len = 0;

	author_begin(&author, r->job);
	local = author.mailbox.local;
	while (end > 0 && text_is_white(r->text[end - 1]))
		end--;
	for (size_t i = 0; i < end && len < MAILBOX_MAX; i++)
		if (is_one_of(r->text[i], "\"\\;"))
			r->lost |= r->text[i] != ';';
		else if (!text_is_white(r->text[i]))
			local[len++] = r->text[i];
		else if (len > 0 && local[len - 1] != '.')
			local[len++] = '.';
	/* Sendmail finds a name in what is nothing to anybody else. */
	if (len == 0 && r->lost)
		local[len++] = ':';
	local[len] = '\0';
	if (len == 0 || r->raw || author_has_host(r->text, r->len) ||
	    !purse_pay(r->job->purse, PRICE_FOUND))
		return;
	author.guessed = true;
	author.mailbox.kind = MAILBOX_BARE;
	author.mailbox.routed = mailbox_is_routed(local);
	r->job->found(r->job->arg, &author);
}

static void
take_name(struct rewriter *r)
{
	memcpy(r->text, r->name, r->name_len);
	r->len = r->name_len;
	r->name_len = 0;
}

/* An @ alone in brackets is Sendmail's own mark and goes: the name remains. */
static bool
is_mark(const struct rewriter *r)
{
	size_t signs = 0;

	for (size_t i = 0; i < r->len; i++)
		if (r->text[i] == '@')
			signs++;
		else if (!text_is_white(r->text[i]))
			return false;
	return signs == 1;
}

/*
 * Where brackets do not close, a name before them may be an address. Behind
 * them there may be one, too, but no bare name.
 */
static void
finish(struct rewriter *r)
{
	if (is_mark(r))
		take_name(r);
	guess_routes(r, false);
	r->lost |= r->before == ':';
	if (!r->behind)
		guess_bare(r);
	if (r->in_brackets) {
		take_name(r);
		guess_routes(r, false);
	}
	r->lost = false;
	r->len = 0;
	r->name_len = 0;
	r->behind = false;
	r->in_brackets = false;
}

/* What is told again of the end of this is longer than any address. */
static void
make_room(struct rewriter *r)
{
	const size_t kept = sizeof(r->text) / 8;

	guess_routes(r, false);
	memmove(r->text, r->text + r->len - kept, kept);
	r->len = kept;
}

/* Blanks and comments have no length for an MTA. */
static void
append(struct rewriter *r, char c)
{
	if (c == '\0') {
		r->lost = true;
		return;
	}
	if (text_is_white(c) && r->len > 0 &&
	    text_is_white(r->text[r->len - 1]))
		return;
	if (r->len == sizeof(r->text))
		make_room(r);
	r->text[r->len++] = c;
}

/*
 * What closes nothing goes, or ends an address for Postfix. Of control
 * characters some go, and some stay.
 */
static void
put(struct rewriter *r, char c)
{
	const bool paren = c == ')' || (r->raw && c == '(');

	if (c == '\v' || c == '\f' || (paren && r->kept))
		append(r, ' ');
	else if (lexer_is_control(c) && !text_is_white(c) && !r->kept)
		r->lost = true;
	else if (!paren)
		append(r, c);
}

/* A group or a route ends. */
static void
colon(struct rewriter *r)
{
	guess_routes(r, r->in_brackets);
	r->lost |= r->in_brackets || r->before == ':';
	r->len = 0;
	r->behind = false;
}

static void
special(struct rewriter *r, char c)
{
	if (c == '<') {
		if (r->in_brackets)
			finish(r);
		memcpy(r->name, r->text, r->len);
		r->name_len = r->len;
		r->len = 0;
		r->in_brackets = true;
		r->behind = false;
	} else if (c == '>' && r->in_brackets) {
		r->in_brackets = false;
		finish(r);
		r->behind = true;
	} else if (c == '>') {
		put(r, ')');
	} else if (c == ':') {
		colon(r);
	} else if (c == ';' && r->before == ':') {
		r->before = c; /* an empty group */
	} else if (r->kept && c == ';') {
		put(r, c);
	} else if (r->kept || !r->in_brackets) {
		finish(r);
	}
}

static void
take(struct rewriter *r, char c)
{
	if (!r->raw && !r->in_quotes && (c == '(' || r->depth > 0)) {
		r->depth += c == '(';
		r->depth -= c == ')';
		if (r->kept && r->depth == 0)
			append(r, ' ');
	} else if (!r->raw && c == '"') {
		r->in_quotes = !r->in_quotes;
		if (r->kept)
			put(r, c);
	} else if (!r->in_quotes && c != '\0' && strchr("<>:,;", c) != NULL) {
		special(r, c);
	} else {
		put(r, c);
	}
	if (!text_is_white(c) && r->depth == 0 && c != '(' && c != ')')
		r->before = c;
}

/* What is kept is nothing special behind its backslash, but for a comma. */
static void
take_escaped(struct rewriter *r, char c)
{
	if (r->kept && r->depth == 0)
		append(r, '\\');
	if (!r->kept || (c == ',' && !r->in_quotes))
		take(r, c);
	else if (r->depth == 0)
		append(r, c);
	r->before = '\0';
}

/* Is every quote and comment closed? */
static bool
read_way(const struct reading_job *job, bool kept, bool raw)
{
	struct rewriter r = { .job = job, .kept = kept, .raw = raw };

	for (const char *c = job->from; c < job->to && !job->purse->failed; c++)
		if (*c == '\\' && c + 1 < job->to)
			take_escaped(&r, *++c);
		else
			take(&r, *c);
	finish(&r);
	return !r.in_quotes && r.depth == 0;
}

/* What is never closed must not hide the rest. */
static void
read_ways(const struct reading_job *job, bool kept)
{
	if (!read_way(job, kept, false))
		(void)read_way(job, kept, true);
}

/*
 * Sendmail parts addresses at commas alone, in brackets too, and keeps quotes,
 * backslashes and semicolons in a domain, where mail programs see it end.
 */
void
author_read_rewritten(const struct reading_job *job)
{
	read_ways(job, false);
	read_ways(job, true);
}
