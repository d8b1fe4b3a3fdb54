/*
 * author_read.c - finds the addresses in a piece of a From field.
 */
#include "author_parts.h"

#include <string.h>

/* More than a domain of 253 octets takes in UTF-8, and its dots. */
#define DOMAIN_TEXT_MAX 1024

enum part { PART_LOCAL, PART_DOMAIN };

/* The last thing that was no white space. */
enum last { LAST_NONE, LAST_WORD, LAST_DOT, LAST_AT };

struct reader {
	const struct reading_job *job;
	struct reading_result result;
	enum part part;
	enum last last;
	bool blank;    /* white space since then */
	bool quoted;   /* it was a quoted string */
	bool decoded;  /* it was an encoded word, decoded */
	bool encoded;  /* the address at hand seems to hold one */
	char previous; /* the byte just before, in a word */
	char opened;   /* the special that this all began behind, or 0 */
	bool route;    /* a route stands before */
	bool hop;      /* the domain at hand is of a route */
	bool named;    /* there is a local part, if an empty one */
	bool odd;      /* the local part is not all there */
	size_t local_len;
	size_t domain_len;
	bool spaced;          /* white space parts it from its @ */
	bool gap;             /* white space was in it */
	bool words;           /* there are words before the local part */
	size_t inner;         /* result.count when the bracket opened */
	struct author author; /* in the making: its local part first */
	char domain[DOMAIN_TEXT_MAX + 1];
};

static void
local_put(struct reader *r, char c)
{
	if (r->local_len < MAILBOX_MAX && c != '\0')
		r->author.mailbox.local[r->local_len++] = c;
	else
		r->odd = true;
	r->named = true;
}

static void
local_reset(struct reader *r)
{
	r->part = PART_LOCAL;
	r->last = LAST_NONE;
	r->local_len = 0;
	r->named = false;
	r->odd = false;
	r->quoted = false;
	r->encoded = false;
}

/* Beyond its room it is too long to be a domain, but not its beginning. */
static void
domain_put(struct reader *r, char c)
{
	if (r->domain_len <= DOMAIN_TEXT_MAX)
		r->domain[r->domain_len++] = c;
}

static void
end_local(struct reader *r)
{
	struct mailbox *mailbox = &r->author.mailbox;
	const char *local = r->job->local;

	if (local != NULL)
		memcpy(mailbox->local, local, strlen(local) + 1);
	else
		mailbox->local[r->local_len] = '\0';
	mailbox->routed = local != NULL || r->route || r->odd ||
	    mailbox_is_routed(mailbox->local);
}

static void
tell(struct reader *r)
{
	end_local(r);
	r->result.count++;
	/* No address may hold an encoded word (RFC 2047 section 5). */
	if (r->encoded || r->words)
		r->result.malformed = true;
	if (r->job->found != NULL && purse_pay(r->job->purse, PRICE_FOUND))
		r->job->found(r->job->arg, &r->author);
}

static bool
tell_domain(struct reader *r, const char *text, size_t len)
{
	struct mailbox *mailbox = &r->author.mailbox;

	if (!author_canonical(r->job->purse, mailbox->domain, text, len))
		return false;
	mailbox->kind = MAILBOX_DOMAIN;
	tell(r);
	return true;
}

/* The domain that this begins with, if more comes behind it. */
static bool
tell_beginning(struct reader *r, const char *text, size_t len)
{
	const size_t beginning =
	    author_without_dots(text, author_domain_span(text, len));

	return beginning < len && tell_domain(r, text, beginning);
}

/* Whatever somebody could take for the domain behind this @. */
static bool
tell_domains(struct reader *r)
{
	const size_t len = author_without_dots(r->domain, r->domain_len);
	char shown[2 * sizeof(r->domain)];
	size_t shown_len;
	bool differs, told;

	if (r->job->purse->cuts && r->job->found != NULL) {
		end_local(r);
		author_tell_cuts(r->job, &r->author, r->domain, r->domain_len);
	}
	if (tell_domain(r, r->domain, len))
		return true;
	r->result.malformed = true;
	shown_len = author_shown(shown, r->domain, len);
	shown_len = author_without_dots(shown, shown_len);
	differs = shown_len != len || memcmp(shown, r->domain, len) != 0;
	told = differs && tell_domain(r, shown, shown_len);
	told |= tell_beginning(r, r->domain, len);
	if (differs)
		told |= tell_beginning(r, shown, shown_len);
	return told;
}

/* The domain at hand is over. */
static void
finish(struct reader *r)
{
	if (r->part != PART_DOMAIN)
		return;
	if (r->hop)
		r->route = true;
	if (r->hop && !r->job->lone)
		r->result.malformed |= r->domain_len == 0;
	else if (r->domain_len == 0 || !tell_domains(r))
		r->result.malformed = true;
	r->hop = false;
	local_reset(r);
}

/* A domain in which there is white space may have been meant to end there. */
static void
check_gap(struct reader *r)
{
	if (!r->blank || r->gap || r->domain_len == 0)
		return;
	r->gap = true;
	if (!r->hop)
		(void)tell_domains(r);
}

/* Has a domain begun of which nobody sees anything yet? Then it has not. */
static bool
is_unseen(struct reader *r)
{
	char shown[2 * sizeof(r->domain)];

	if (r->part != PART_DOMAIN ||
	    author_shown(shown, r->domain, r->domain_len) > 0)
		return false;
	r->domain_len = 0;
	return true;
}

/* A word goes on, or another one begins. */
static void
begin_word(struct reader *r)
{
	if (r->last == LAST_WORD && r->blank && !is_unseen(r)) {
		r->words |= r->part == PART_LOCAL;
		finish(r);
		local_reset(r);
	}
	if (r->part == PART_DOMAIN) {
		r->spaced |= r->last == LAST_AT && r->blank;
		check_gap(r);
	}
	r->opened = '\0';
}

static void
word_byte(struct reader *r, char c)
{
	begin_word(r);
	if (r->part == PART_DOMAIN)
		domain_put(r, c);
	else
		local_put(r, c);
	/* A quoted string and a word with nothing between them. */
	if (r->quoted && r->last == LAST_WORD)
		r->result.malformed = true;
	r->quoted = false;
	r->last = LAST_WORD;
}

/* Empty labels are left out: a person does not see them. */
static void
dot(struct reader *r)
{
	if (r->part == PART_LOCAL) {
		local_put(r, '.');
	} else {
		check_gap(r);
		if (r->last == LAST_WORD)
			domain_put(r, '.');
	}
	r->last = LAST_DOT;
}

/*
 * In a@b@c, a@b may be the local part. In @b@c, b may; so it may where @b began
 * a route that is none, and in one of the ways to read a@ b@c.
 */
static void
chain(struct reader *r)
{
	const size_t len = r->local_len;
	const bool odd = r->odd;
	const bool hop = r->hop;

	finish(r);
	r->result.malformed |= hop || r->spaced;
	if (!hop && len > 0 && !(r->spaced && r->job->way->words_apart)) {
		r->local_len = len;
		r->odd = odd;
		local_put(r, '@');
	}
	for (size_t i = 0; i < r->domain_len; i++)
		local_put(r, r->domain[i]);
}

/* A route begins behind a bracket, or goes on behind a comma. */
static bool
begins_hop(const struct reader *r)
{
	return !r->named &&
	    (r->opened == '<' || (r->route && r->opened == ','));
}

static void
at_sign(struct reader *r)
{
	if (r->part == PART_DOMAIN)
		chain(r);
	r->hop = begins_hop(r);
	if (!r->named && !r->hop) {
		r->result.malformed = true;
		/* As good as a hop: nobody is named by it. */
		r->hop = !r->job->lone;
	}
	r->part = PART_DOMAIN;
	r->last = LAST_AT;
	r->domain_len = 0;
	r->spaced = false;
	r->gap = false;
}

static void
special(struct reader *r, char c)
{
	finish(r);
	if (c == '<' && r->named && r->result.count > 0)
		r->result.malformed = true;
	local_reset(r);
	if (c != ',' && c != ':')
		r->route = false;
	if (c == '<')
		r->inner = r->result.count;
	/* Brackets are for an address, and the square ones for a literal. */
	if ((c == '>' && r->result.count == r->inner) || c == '[' || c == ']')
		r->result.malformed = true;
	r->words = false;
	r->opened = c;
}

static void
blank(struct reader *r)
{
	r->blank = true;
	r->previous = '\0';
}

static void
byte(struct reader *r, char c)
{
	const bool encoded = r->previous == '=' && c == '?';

	switch (c) {
	case '@':
		at_sign(r);
		break;
	case '.':
		dot(r);
		break;
	case '<':
	case '>':
	case ',':
	case ';':
	case ':':
	case '[':
	case ']':
		special(r, c);
		break;
	default:
		word_byte(r, c);
	}
	r->encoded |= encoded;
	r->blank = false;
	r->decoded = false;
	r->previous = c;
}

static void take(struct reader *r, const struct token *token);

/* What a word decodes to is shown as it is: nothing in it hides anything. */
static void
decoded_byte(void *arg, char c)
{
	struct reader *r = arg;
	const struct way *way = r->job->way;
	struct token token = { .kind = TOKEN_BYTE, .begin = &c };

	if (text_is_white(c))
		token.kind = TOKEN_BLANK;
	else if (lexer_is_control(c))
		token.kind = way->control;
	else if (strchr("()\"\\", c) != NULL)
		token.kind = way->odd;
	take(r, &token);
}

static void
encoded(struct reader *r, const struct token *token)
{
	/* White space between two of them is none (RFC 2047 6.2). */
	if (r->decoded)
		r->blank = false;
	r->blank |= r->job->way->words_apart;
	encoded_word_octets(&token->word, decoded_byte, r);
	r->blank |= r->job->way->words_apart;
	r->decoded = true;
}

static void
end(struct reader *r)
{
	finish(r);
	/* Words behind an address are no display name any more. */
	if (r->named && r->result.count > 0)
		r->result.malformed = true;
}

/* A quoted string is a word, or a part of one. */
static void
quoted(struct reader *r, const struct token *token)
{
	if (r->last == LAST_WORD && !r->blank)
		r->result.malformed = true;
	begin_word(r);
	if (r->part == PART_DOMAIN) {
		r->result.malformed = true;
		finish(r);
	}
	for (const char *c = token->begin + 1; c < token->end - 1; c++) {
		if (*c == '\\')
			c++;
		else if (*c == '\r' || *c == '\n')
			continue;
		else if (c[0] == '=' && c[1] == '?')
			r->encoded = true;
		local_put(r, *c);
	}
	r->named = true;
	r->quoted = true;
	r->last = LAST_WORD;
	r->blank = false;
	r->decoded = false;
	r->previous = '\0';
}

static void
literal(struct reader *r, const struct token *token)
{
	struct mailbox *mailbox = &r->author.mailbox;

	if (r->hop)
		r->route = true;
	if ((!r->hop || r->job->lone) && r->job->local == NULL) {
		mailbox->kind = token->literal.kind;
		memcpy(mailbox->domain, token->literal.domain,
		    sizeof(mailbox->domain));
		tell(r);
	}
	r->hop = false;
	local_reset(r);
	r->opened = '\0';
	r->blank = false;
}

static void
take(struct reader *r, const struct token *token)
{
	switch (token->kind) {
	case TOKEN_END:
		end(r);
		break;
	case TOKEN_NOTHING:
	default:
		break;
	case TOKEN_BLANK:
		blank(r);
		break;
	case TOKEN_BYTE:
		byte(r, *token->begin);
		break;
	case TOKEN_QUOTED:
		quoted(r, token);
		break;
	case TOKEN_LITERAL:
		literal(r, token);
		break;
	case TOKEN_ENCODED:
		encoded(r, token);
		break;
	}
}

struct reading_result
author_read(const struct reading_job *job)
{
	struct reader reader;
	struct lexer lexer;
	struct token token;

	/* Not all of it: a field may have thousands of items. */
	memset(&reader, 0, offsetof(struct reader, author));
	reader.job = job;
	author_begin(&reader.author, job);
	lexer_init(&lexer, job->from, job->to, job->way);
	do {
		lexer_next(&lexer, &token);
		take(&reader, &token);
	} while (token.kind != TOKEN_END && !job->purse->failed);
	reader.result.malformed |= lexer.malformed;
	return reader.result;
}
