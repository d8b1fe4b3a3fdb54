/*
 * author.c - the addresses in a From field of a header.
 */
#include "author_parts.h"

#include <string.h>

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
		all.failed |= one.failed;
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

/* Is there a quote that may stand beside a sign, and not around a name? */
static bool
quotes_address(const char *body, size_t len)
{
	char before = '\0';

	for (size_t i = 0; i < len; i++) {
		if (text_is_white(body[i]))
			continue;
		if (body[i] == '"' && strchr("@%!.()\\", before) != NULL &&
		    before != '\0')
			return true;
		if (before == '"' && strchr("@%!.()\\", body[i]) != NULL &&
		    body[i] != '\0')
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
static bool
read_in_all_ways(struct reading_job *job, const char *body, size_t len)
{
	struct item all = { .begin = body, .end = body + len };

	trim(&all);
	job->from = job->begin = all.begin;
	job->to = job->end = all.end;
	return author_read_in_all_ways(job);
}

/* Who is told of what is only a guess. */
struct guesser {
	void (*found)(void *arg, const struct author *author);
	void *arg;
};

static void
tell_guess(void *arg, const struct author *read)
{
	const struct guesser *guesser = arg;
	struct author author = *read;

	author.guessed = true;
	guesser->found(guesser->arg, &author);
}

/* What is left of what was torn is malformed. */
static bool
guess_torn(const struct reading_job *of, const char *body, size_t len)
{
	struct guesser guesser = { of->found, of->arg };
	struct reading_job job = *of;

	job.found = tell_guess;
	job.arg = &guesser;
	return read_in_all_ways(&job, body, len);
}

bool
author_each(const char *body, size_t len,
    void (*found)(void *arg, const struct author *author), void *arg)
{
	const size_t room = room_of(body, len);
	unsigned cuts = CUTS_MAX;
	struct reading_job job = { .body = body,
		.way = &author_strictly,
		.cuts = room > UNCUT_MAX ? &cuts : NULL };
	const struct reading_job whole = { .from = body,
		.to = body + len,
		.cuts = job.cuts,
		.body = body,
		.begin = body,
		.end = body + len,
		.found = found,
		.arg = arg };
	struct reading_result first = read_items(&job, body, len);
	bool sound;

	job.found = found;
	job.arg = arg;
	if (first.failed)
		return false;
	if (first.malformed || first.count == 0)
		sound = read_in_all_ways(&job, body, len);
	else
		sound = !read_items(&job, body, len).failed &&
		    (!may_be_torn(body, len, room) ||
			guess_torn(&whole, body, len));
	return author_read_rewritten(&whole) && sound;
}
