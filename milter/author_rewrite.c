/*
 * author_rewrite.c - finds the authors that an MTA makes up: Sendmail rewrites
 * addresses without an @ in a header after every milter has seen it.
 */
#include "author_parts.h"

#include <string.h>

/* Longer than any address that an MTA takes. */
#define ADDRESS_MAX 4096

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
	bool failed;
	char local[MAILBOX_MAX + 1]; /* of a domain read with what it keeps */
};

/* A piece of the address at hand. */
struct piece {
	const char *text;
	size_t len;
};

/* A NUL is never one. */
static bool
is_one_of(char c, const char *set)
{
	while (*set != '\0' && *set != c)
		set++;
	return *set != '\0';
}

/* Copies what is neither white space nor dropped, at most size bytes. */
static size_t
squeeze(char *out, size_t size, struct piece piece, const char *dropped)
{
	size_t n = 0;

	for (size_t i = 0; i < piece.len && n < size; i++)
		if (!text_is_white(piece.text[i]) &&
		    !is_one_of(piece.text[i], dropped))
			out[n++] = piece.text[i];
	return n;
}

/* Returns its length. */
static size_t
copy_local(char local[static MAILBOX_MAX + 1], struct piece piece)
{
	const size_t len = squeeze(local, MAILBOX_MAX, piece, "\"\\");

	local[len] = '\0';
	return len;
}

static void
tell_read(void *arg, const struct author *read)
{
	struct rewriter *r = arg;
	struct author author = *read;

	if (author.mailbox.kind != MAILBOX_DOMAIN)
		return;
	memcpy(author.mailbox.local, r->local, sizeof(r->local));
	author.mailbox.routed = true;
	author.guessed = true;
	r->job->found(r->job->arg, &author);
}

/* Sendmail puts this before bytes that its rules have a meaning for. */
#define META_QUOTE '\177'

static bool
is_meta(char c)
{
	return (c & 0xe0) == 0x80 || (unsigned char)c == 0xff;
}

static bool
has_odd(struct piece piece)
{
	size_t i = 0;

	while (i < piece.len && !is_meta(piece.text[i]) &&
	    !text_is_white(piece.text[i]))
		i++;
	return i < piece.len;
}

/* A domain is read as it would be behind an @ that came so. */
static void
guess_read(struct rewriter *r, struct piece domain, struct piece local)
{
	struct reading_job job = *r->job;
	char text[2 + 2 * ADDRESS_MAX];
	size_t len = 0;

	text[len++] = 'x';
	text[len++] = '@';
	for (size_t i = 0; i < domain.len; i++) {
		const char c = domain.text[i];

		if (is_meta(c))
			text[len++] = META_QUOTE;
		if (c == '\xff')
			text[len++] = META_QUOTE;
		else
			text[len++] = c;
	}
	(void)copy_local(r->local, local);
	job.from = text;
	job.to = text + len;
	job.found = tell_read;
	job.arg = r;
	r->failed |= !author_read_in_all_ways(&job);
}

/* To read a domain that is sound costs as much as so many places in it. */
#define READ_PRICE 16

static bool
tries_cuts(struct rewriter *r)
{
	unsigned *cuts = r->job->cuts;

	if (cuts == NULL)
		return false;
	r->failed |= *cuts < READ_PRICE;
	if (*cuts < READ_PRICE)
		return false;
	*cuts -= READ_PRICE;
	return true;
}

static void
guess(struct rewriter *r, struct piece domain, struct piece local)
{
	struct author author = {
		.guessed = true,
		.begin = (size_t)(r->job->begin - r->job->body),
		.end = (size_t)(r->job->end - r->job->body),
	};
	struct mailbox *mailbox = &author.mailbox;
	char name[DOMAIN_MAX + 2];
	const size_t len = squeeze(name, sizeof(name), domain, "");
	const char *wrong = domain_canonical(mailbox->domain, name, len);

	r->failed |= wrong == domain_no_memory;
	if (r->kept && (wrong != NULL || has_odd(domain) || tries_cuts(r)))
		guess_read(r, domain, local);
	if (wrong != NULL)
		return;
	(void)copy_local(mailbox->local, local);
	mailbox->kind = MAILBOX_DOMAIN;
	mailbox->routed = true;
	r->job->found(r->job->arg, &author);
}

static size_t
span_to(const char *text, size_t len, const char *ends)
{
	size_t n = 0;

	while (n < len && !is_one_of(text[n], ends))
		n++;
	return n;
}

/*
 * A host before a bang, which a percent sign may cut short for who reads it. It
 * begins anew behind what is in no host: Postfix parts words.
 */
static void
guess_host(struct rewriter *r, struct piece host)
{
	const char *end = r->text + r->len;
	const char *bang = host.text + host.len;
	struct piece word = { bang, 0 };
	struct piece local;

	bang += span_to(bang, (size_t)(end - bang), "!@");
	if (bang == end || *bang == '@')
		return;
	bang++;
	local =
	    (struct piece){ bang, span_to(bang, (size_t)(end - bang), "@") };
	guess(r, host, local);
	while (word.text > host.text && is_one_of(word.text[-1], "\" \t\r\n"))
		word.text--;
	while (word.text > host.text && author_is_host_byte(word.text[-1])) {
		word.text--;
		word.len++;
	}
	if (word.text > host.text)
		guess(r, word, local);
}

/*
 * LOCAL%DOMAIN at every percent sign, DOMAIN!LOCAL at every bang, LOCAL@DOMAIN
 * at every @ but those of a route.
 */
static void
guess_routes(struct rewriter *r, bool is_route)
{
	const char *end = r->text + r->len;
	const char *next;

	for (const char *c = r->text; c < end; c = next + 1) {
		const struct piece domain = { c,
			span_to(c, (size_t)(end - c), "%!@") };
		char sign = '\0';

		if (c > r->text)
			sign = c[-1];
		next = c + domain.len;
		if (sign == '%' || (sign == '@' && !is_route))
			guess(r, domain,
			    (struct piece){
				r->text, (size_t)(c - 1 - r->text) });
		guess_host(r, domain);
	}
}

/* Whatever has no host becomes a local part, its blanks dots. */
static void
guess_bare(struct rewriter *r)
{
	struct author author = {
		.guessed = true,
		.mailbox.kind = MAILBOX_BARE,
		.begin = (size_t)(r->job->begin - r->job->body),
		.end = (size_t)(r->job->end - r->job->body),
	};
	char *local = author.mailbox.local;
	size_t end = r->len, len = 0;

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
	if (len == 0 || r->raw || author_has_host(r->text, r->len))
		return;
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
	const struct piece text = { r->text, r->len };
	char inner[2];

	return squeeze(inner, sizeof(inner), text, "") == 1 && inner[0] == '@';
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

/* Sets *closed to whether every quote and comment was. */
static bool
read_way(const struct reading_job *job, bool kept, bool raw, bool *closed)
{
	struct rewriter r = { .job = job, .kept = kept, .raw = raw };

	for (const char *c = job->from; c < job->to; c++) {
		if (*c == '\\' && c + 1 < job->to)
			take_escaped(&r, *++c);
		else
			take(&r, *c);
	}
	*closed = !r.in_quotes && r.depth == 0;
	finish(&r);
	return !r.failed;
}

/* What is never closed must not hide the rest. */
static bool
read_ways(const struct reading_job *job, bool kept)
{
	bool closed;
	bool sound = read_way(job, kept, false, &closed);

	if (!closed)
		sound &= read_way(job, kept, true, &closed);
	return sound;
}

/*
 * Sendmail parts addresses at commas alone, in brackets too, and keeps quotes,
 * backslashes and semicolons in a domain, where mail programs see it end.
 */
bool
author_read_rewritten(const struct reading_job *job)
{
	const bool sound = read_ways(job, false);

	return read_ways(job, true) && sound;
}
