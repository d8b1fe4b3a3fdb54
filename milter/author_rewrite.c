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
	size_t depth; /* of comments */
	bool in_quotes;
	bool in_brackets;
	bool bracketed; /* there were brackets: all else is a display name */
	bool raw;       /* quotes and comments are nothing special */
	bool kept;      /* what is odd in a domain stays there */
	bool guessed;   /* in the address at hand */
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

/* What is no domain is read as it would be behind an @ that came so. */
static void
guess_read(struct rewriter *r, struct piece domain, struct piece local)
{
	struct reading_job job = *r->job;
	char text[2 + ADDRESS_MAX] = "x@";

	memcpy(text + 2, domain.text, domain.len);
	(void)copy_local(r->local, local);
	job.from = text;
	job.to = text + 2 + domain.len;
	job.found = tell_read;
	job.arg = r;
	r->failed |= !author_read_in_all_ways(&job);
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
	if (wrong != NULL) {
		if (r->kept)
			guess_read(r, domain, local);
		return;
	}
	/* Without a local part it is a bare name, too. */
	r->guessed |= copy_local(mailbox->local, local) > 0;
	mailbox->kind = MAILBOX_DOMAIN;
	mailbox->routed = true;
	r->job->found(r->job->arg, &author);
}

/* Whatever has no @ becomes a local part, its blanks dots. */
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
	size_t len = 0;

	for (size_t i = 0; i < r->len && len < MAILBOX_MAX; i++)
		if (!text_is_white(r->text[i]))
			local[len++] = r->text[i];
		else if (len > 0 && local[len - 1] != '.')
			local[len++] = '.';
	if (len > 0 && local[len - 1] == '.')
		local[--len] = '\0';
	if (len == 0)
		return;
	author.mailbox.routed = mailbox_is_routed(local);
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

/* A host before a bang, which a percent sign may cut short for who reads it. */
static void
guess_host(struct rewriter *r, struct piece host)
{
	const char *end = r->text + r->len;
	const char *bang = host.text + host.len;
	const bool whole = bang < end && *bang == '!';
	const bool guessed = r->guessed;

	bang += span_to(bang, (size_t)(end - bang), "!@");
	if (bang == end || *bang == '@')
		return;
	bang++;
	guess(r, host,
	    (struct piece){ bang, span_to(bang, (size_t)(end - bang), "@") });
	/* To an MTA that makes it up it may be a bare name all the same. */
	if (!whole)
		r->guessed = guessed;
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

static void
finish(struct rewriter *r)
{
	guess_routes(r, false);
	if (!r->raw && !r->kept && !r->guessed &&
	    span_to(r->text, r->len, "@") == r->len)
		guess_bare(r);
	r->guessed = false;
	r->len = 0;
	r->bracketed = false;
	r->in_brackets = false;
}

/* What stands behind brackets, and what closes nothing, goes. */
static void
put(struct rewriter *r, char c)
{
	const bool control = (c >= 0 && c < ' ') || c == 0x7f;

	if ((r->bracketed && !r->in_brackets) || c == ')' ||
	    (r->raw && c == '(') || (control && !text_is_white(c)))
		return;
	if (r->len < sizeof(r->text))
		r->text[r->len++] = c;
}

/* A group or a route ends. */
static void
colon(struct rewriter *r)
{
	guess_routes(r, r->in_brackets);
	r->len = 0;
}

static void
special(struct rewriter *r, char c)
{
	if (c == '<') {
		if (r->bracketed)
			finish(r);
		r->len = 0;
		r->in_brackets = r->bracketed = true;
	} else if (c == '>') {
		r->in_brackets = false;
	} else if (c == ':') {
		colon(r);
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
	} else if (!r->raw && c == '"') {
		r->in_quotes = !r->in_quotes;
		if (r->kept)
			put(r, c);
	} else if (!r->in_quotes && c != '\0' && strchr("<>:,;", c) != NULL) {
		special(r, c);
	} else {
		put(r, c);
	}
}

/* Sets *closed to whether every quote and comment was. */
static bool
read_way(const struct reading_job *job, bool kept, bool raw, bool *closed)
{
	struct rewriter r = { .job = job, .kept = kept, .raw = raw };

	for (const char *c = job->from; c < job->to; c++) {
		if (*c == '\\' && c + 1 < job->to) {
			if (kept)
				put(&r, *c);
			c++;
		}
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
