/*
 * author.c - the addresses in a From field of a header.
 */
#include "author_parts.h"

#include <string.h>

void
author_begin(struct author *author, const struct reading_job *job)
{
	author->mailbox.kind = MAILBOX_INVALID;
	author->mailbox.routed = false;
	author->mailbox.local[0] = '\0';
	author->mailbox.domain[0] = '\0';
	author->begin = (size_t)(job->begin - job->body);
	author->end = (size_t)(job->end - job->body);
	author->guessed = job->guessed;
	author->malformed = job->malformed;
}

/* The address list of a field, item after item. */
struct list {
	struct lexer lexer;
	bool in_group;
	bool malformed;
};

struct item {
	const char *begin;
	const char *end;
	char separator;   /* , ; : or NUL behind the last one */
	bool empty;       /* but for blanks */
	bool in_brackets; /* while it is being read */
	bool in_route;
	char previous; /* byte that is no blank; NUL for all else */
};

/* What stands in brackets separates nothing; but only a route may be there. */
static bool
is_separator(struct list *list, struct item *item, char c)
{
	if (c != ',' && c != ';' && c != ':')
		return false;
	if (!item->in_brackets)
		return true;
	if (!item->in_route || c == ';')
		list->malformed = true;
	if (c == ':')
		item->in_route = false;
	return false;
}

static void
note_byte(struct list *list, struct item *item, char c)
{
	if (c == '<' || c == '>') {
		if (item->in_brackets == (c == '<'))
			list->malformed = true;
		item->in_brackets = c == '<';
		item->in_route = false;
	}
	if (c == '@' && item->previous == '<')
		item->in_route = true;
	item->previous = c;
	item->empty = false;
}

static void
trim(struct item *item)
{
	while (item->begin < item->end && text_is_white(*item->begin))
		item->begin++;
	while (item->begin < item->end && text_is_white(item->end[-1]))
		item->end--;
}

static struct item
next_item(struct list *list)
{
	struct item item = { .begin = list->lexer.at, .empty = true };
	struct token token;

	for (;;) {
		lexer_next(&list->lexer, &token);
		item.end = token.begin;
		if (token.kind == TOKEN_END)
			break;
		if (token.kind == TOKEN_BLANK || token.kind == TOKEN_NOTHING)
			continue;
		if (token.kind != TOKEN_BYTE) {
			item.previous = '\0';
			item.empty = false;
		} else if (is_separator(list, &item, *token.begin)) {
			item.separator = *token.begin;
			break;
		} else {
			note_byte(list, &item, *token.begin);
		}
	}
	if (item.in_brackets)
		list->malformed = true;
	trim(&item);
	return item;
}

/* A group has a name, and there is none in a group. */
static void
note_group(struct list *list, const struct item *item)
{
	if (item->separator == ':') {
		if (list->in_group || item->empty)
			list->malformed = true;
		list->in_group = true;
	} else if (item->separator == ';') {
		list->in_group = false;
	}
}

/*
 * Reads item after item. Malformed is what is no UTF-8 (RFC 6532), and what
 * should be an address and has none, unless it is the name of a group.
 */
static struct reading_result
read_items(struct reading_job *job, const char *body, size_t len)
{
	struct reading_result all = { .malformed = !text_is_utf8(body, len) };
	struct list list = { .malformed = false };
	struct item item = { .separator = ',' };

	lexer_init(&list.lexer, body, body + len, &author_strictly);
	/* What is malformed is read in other ways, too. */
	while (item.separator != '\0' && !all.malformed) {
		struct reading_result one;

		item = next_item(&list);
		note_group(&list, &item);
		if (item.empty)
			continue;
		job->from = job->begin = item.begin;
		job->to = job->end = item.end;
		one = author_read(job);
		all.count += one.count;
		all.malformed |=
		    one.malformed || (one.count == 0 && item.separator != ':');
	}
	all.malformed |= list.malformed || list.lexer.malformed;
	return all;
}

/*
 * Sendmail has room for 254 bytes of an address and for two more of all that
 * names an author, and cuts off what is longer, without a word. Quotes around a
 * name and what stands before a sign in it, or a byte beyond ASCII, take room.
 * What takes 1,250 bytes, some of them twice, it cuts off at once.
 */
#define UNCUT_MAX 248
#define UNTORN_MAX 600

static size_t
room_of(const char *body, size_t len)
{
	size_t room = len;

	for (size_t i = 0; i < len; i++)
		room +=
		    body[i] == '"' || body[i] == '\\' || (body[i] & 0x80) != 0;
	return room;
}

/*
 * Is there a quote that may stand beside a sign, and not around a name? There
 * is no NUL: it would be malformed.
 */
static bool
quotes_address(const char *body, size_t len)
{
	static const char signs[] = "@%!.()\\";
	char before = ' ';

	for (size_t i = 0; i < len; i++) {
		if (text_is_white(body[i]))
			continue;
		if ((body[i] == '"' && strchr(signs, before) != NULL) ||
		    (before == '"' && strchr(signs, body[i]) != NULL))
			return true;
		before = body[i];
	}
	return false;
}

/* May what is cut off leave a quote or a comment that nothing closes? */
static bool
may_be_torn(const char *body, size_t len, size_t room)
{
	return room > UNTORN_MAX ||
	    (room > UNCUT_MAX && quotes_address(body, len));
}

/* Every reading that somebody may come to. */
static void
read_in_all_ways(struct reading_job *job, const char *body, size_t len)
{
	struct item all = { .begin = body, .end = body + len };

	trim(&all);
	job->from = job->begin = all.begin;
	job->to = job->end = all.end;
	author_read_in_all_ways(job);
}

/* What is left of what was torn is malformed. */
static void
guess_torn(const struct reading_job *of, const char *body, size_t len)
{
	struct reading_job job = *of;

	job.guessed = true;
	read_in_all_ways(&job, body, len);
}

/* What the RFC says, or else all that anybody may make of it. */
static void
read_field(
    const struct reading_job *whole, const char *body, size_t len, size_t room)
{
	struct reading_job job = *whole;
	struct reading_result first;

	job.found = NULL;
	first = read_items(&job, body, len);
	job.found = whole->found;
	if (first.malformed || first.count == 0) {
		job.malformed = true;
		read_in_all_ways(&job, body, len);
		return;
	}
	(void)read_items(&job, body, len);
	if (may_be_torn(body, len, room))
		guess_torn(whole, body, len);
}

bool
author_each(const char *body, size_t len,
    void (*found)(void *arg, const struct author *author), void *arg)
{
	const size_t room = room_of(body, len);
	struct purse purse;
	const struct reading_job whole = { .from = body,
		.to = body + len,
		.way = &author_strictly,
		.purse = &purse,
		.body = body,
		.begin = body,
		.end = body + len,
		.found = found,
		.arg = arg };

	purse_open(&purse, room > UNCUT_MAX);
	read_field(&whole, body, len, room);
	author_read_rewritten(&whole);
	purse_close(&purse);
	return !purse.failed;
}
