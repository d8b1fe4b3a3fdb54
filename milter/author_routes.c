/*
 * author_routes.c - finds what an MTA makes an address of, in the text of one:
 * LOCAL%DOMAIN, DOMAIN!LOCAL and LOCAL@DOMAIN.
 */
#include "author_parts.h"

#include <stdint.h>
#include <string.h>

/* A piece of the text. */
struct piece {
	const char *text;
	size_t len;
};

struct routes {
	const struct routing *in;
	const char *end;
	const char *bang; /* the next one, or the @ or the end before it */
	const char *at;   /* the next one that ends a local part */
	struct author author;
	/* The text without what is in no local part; where each byte is. */
	char plain[ADDRESS_MAX];
	uint16_t plain_at[ADDRESS_MAX + 1];
};

static bool
is_sign(char c)
{
	return c == '%' || c == '!' || c == '@';
}

static void
begin(struct routes *routes, const struct routing *routing)
{
	uint16_t n = 0;

	routes->in = routing;
	routes->end = routing->text + routing->len;
	routes->bang = routes->at = routing->text;
	author_begin(&routes->author, routing->job);
	routes->author.guessed = true;
	for (size_t i = 0; i < routing->len; i++) {
		const char c = routing->text[i];

		routes->plain_at[i] = n;
		if (!text_is_white(c) && c != '"' && c != '\\')
			routes->plain[n++] = c;
	}
	routes->plain_at[routing->len] = n;
}

/* Whatever is too long of it is left out. */
static void
set_local(struct routes *routes, struct piece local)
{
	const char *text = routes->in->text;
	const uint16_t *at = routes->plain_at + (local.text - text);
	size_t len = (size_t)(at[local.len] - at[0]);
	char *out = routes->author.mailbox.local;

	if (len > MAILBOX_MAX)
		len = MAILBOX_MAX;
	memcpy(out, routes->plain + at[0], len);
	out[len] = '\0';
}

static void
tell(const struct routes *routes, const struct author *author)
{
	const struct reading_job *job = routes->in->job;

	if (purse_pay(job->purse, PRICE_FOUND))
		job->found(job->arg, author);
}

/* Sendmail puts this before bytes that its rules have a meaning for. */
#define META_QUOTE '\177'

static bool
is_meta(char c)
{
	return (c & 0xe0) == 0x80 || (unsigned char)c == 0xff;
}

/* As Sendmail has it. Returns its length, at most twice as long. */
static size_t
quote_meta(char *out, struct piece domain)
{
	size_t len = 0;

	for (size_t i = 0; i < domain.len; i++) {
		const char c = domain.text[i];

		if (is_meta(c))
			out[len++] = META_QUOTE;
		out[len] = c;
		if (c == '\xff')
			out[len] = META_QUOTE;
		len++;
	}
	return len;
}

/* A domain is read as it would be behind an @ that came so. */
static void
guess_read(struct routes *routes, struct piece domain)
{
	struct reading_job job = *routes->in->job;
	char text[2 + 2 * ADDRESS_MAX];

	if (!purse_pay(job.purse, PRICE_READ))
		return;
	text[0] = 'x';
	text[1] = '@';
	job.from = text;
	job.to = text + 2 + quote_meta(text + 2, domain);
	job.guessed = true;
	job.local = routes->author.mailbox.local;
	author_read_in_all_ways(&job);
}

/* Does everybody who finds a domain in it find all of it? */
static bool
is_whole(struct piece domain)
{
	size_t i = 0;

	while (i < domain.len && author_is_host_byte(domain.text[i]) &&
	    !is_meta(domain.text[i]))
		i++;
	return i == domain.len;
}

/* Copies what is no white space, at most size bytes. */
static size_t
squeeze(char *out, size_t size, struct piece piece)
{
	size_t n = 0;

	for (size_t i = 0; i < piece.len && n < size; i++)
		if (!text_is_white(piece.text[i]))
			out[n++] = piece.text[i];
	return n;
}

static void
guess(struct routes *routes, struct piece domain, struct piece local)
{
	const struct routing *in = routes->in;
	struct mailbox *mailbox = &routes->author.mailbox;
	char name[DOMAIN_MAX + 2];
	const size_t len = squeeze(name, sizeof(name), domain);
	bool sound;

	if (len == 0)
		return;
	set_local(routes, local);
	mailbox->kind = MAILBOX_DOMAIN;
	mailbox->routed = true;
	sound = author_canonical(in->job->purse, mailbox->domain, name, len);
	if (sound)
		tell(routes, &routes->author);
	if (in->kept && !(sound && len == domain.len && is_whole(domain)))
		guess_read(routes, domain);
	else if (in->kept && in->job->purse->cuts)
		author_tell_cuts(
		    in->job, &routes->author, domain.text, domain.len);
}

/* The next byte that stops it; where one was found before, it still is. */
static const char *
next_bang(struct routes *routes, const char *from)
{
	if (routes->bang < from)
		routes->bang = from;
	while (routes->bang < routes->end && *routes->bang != '!' &&
	    *routes->bang != '@')
		routes->bang++;
	return routes->bang;
}

static const char *
next_at(struct routes *routes, const char *from)
{
	if (routes->at < from)
		routes->at = from;
	while (routes->at < routes->end && *routes->at != '@')
		routes->at++;
	return routes->at;
}

/* The last word of a host: Postfix parts words. */
static struct piece
last_word(struct piece host)
{
	const char *end = host.text + host.len;
	const char *begin;

	while (end > host.text && (text_is_white(end[-1]) || end[-1] == '"'))
		end--;
	begin = end;
	while (begin > host.text && author_is_host_byte(begin[-1]))
		begin--;
	return (struct piece){ begin, (size_t)(end - begin) };
}

/*
 * A host before a bang, which a percent sign may cut short for who reads it. It
 * begins anew behind what is in no host.
 */
static void
guess_host(struct routes *routes, struct piece host)
{
	const char *bang = next_bang(routes, host.text + host.len);
	struct piece local, word;

	if (bang == routes->end || *bang == '@')
		return;
	local.text = bang + 1;
	local.len = (size_t)(next_at(routes, bang + 1) - local.text);
	guess(routes, host, local);
	word = last_word(host);
	if (word.text > host.text)
		guess(routes, word, local);
}

static size_t
span_to_sign(const char *from, const char *end)
{
	size_t n = 0;

	while (from + n < end && !is_sign(from[n]))
		n++;
	return n;
}

void
author_guess_routes(const struct routing *routing)
{
	const char *text = routing->text;
	const struct purse *purse = routing->job->purse;
	struct routes routes;
	struct piece domain;

	begin(&routes, routing);
	for (const char *c = text; c < routes.end && !purse->failed;
	     c = domain.text + domain.len + 1) {
		char sign = '\0';

		if (c > text)
			sign = c[-1];
		domain = (struct piece){ c, span_to_sign(c, routes.end) };
		if (sign == '%' || (sign == '@' && !routing->is_route))
			guess(&routes, domain,
			    (struct piece){ text, (size_t)(c - 1 - text) });
		guess_host(&routes, domain);
	}
}
