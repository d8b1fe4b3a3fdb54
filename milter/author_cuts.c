/*
 * author_cuts.c - where an MTA may cut a domain off.
 */
#include "author_parts.h"

#define LABEL_MAX 63

/* A domain while it grows, byte by byte. */
struct growth {
	const struct reading_job *job;
	struct author author;
	const char *text;
	size_t len;
	size_t n;     /* so much of it is there */
	size_t label; /* of its last label */
	bool wrong;   /* it is no domain, nor will it be one */
};

static bool
may_end(const struct growth *growth)
{
	return author_domain_may_end(growth->text, growth->len, growth->n);
}

static void
tell(struct growth *growth)
{
	if (purse_pay(growth->job->purse, PRICE_FOUND))
		growth->job->found(growth->job->arg, &growth->author);
}

/* What only libidn2 can tell. */
static bool
is_international(const struct growth *growth)
{
	const char *next = growth->text + growth->n;

	return (*next & 0x80) != 0 ||
	    (growth->label == 3 && text_ncasecmp(next - 3, "xn--", 4) == 0);
}

/* Another byte of plain ASCII. */
static void
grow(struct growth *growth)
{
	char *name = growth->author.mailbox.domain;
	const char c = text_lower(growth->text[growth->n]);
	const bool edge = growth->label == 0 || name[growth->n - 1] == '-';

	name[growth->n++] = c;
	name[growth->n] = '\0';
	if (c == '.') {
		growth->wrong |= edge;
		growth->label = 0;
		return;
	}
	growth->label++;
	growth->wrong |= !author_is_label_byte(c) ||
	    growth->label > LABEL_MAX || (c == '-' && growth->label == 1);
	if (!growth->wrong && c != '-' && may_end(growth))
		tell(growth);
}

/* Another byte, whatever it is. */
static void
grow_slowly(struct growth *growth)
{
	growth->n++;
	if (may_end(growth) &&
	    author_canonical(growth->job->purse, growth->author.mailbox.domain,
		growth->text, growth->n))
		tell(growth);
}

void
author_tell_cuts(const struct reading_job *job, const struct author *author,
    const char *domain, size_t len)
{
	struct growth growth = {
		.job = job, .author = *author, .text = domain, .len = len
	};
	const size_t most = len < DOMAIN_MAX ? len : DOMAIN_MAX;
	bool slow = false;

	growth.author.guessed = true;
	growth.author.mailbox.kind = MAILBOX_DOMAIN;
	if (author_cuts_are_told(job->purse, &author->mailbox, domain, len))
		return;
	while (growth.n < most && !job->purse->failed) {
		slow |= is_international(&growth);
		if (slow)
			grow_slowly(&growth);
		else
			grow(&growth);
	}
}
