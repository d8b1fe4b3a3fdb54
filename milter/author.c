/*
 * author.c - the addresses in a From field of a header.
 */
#include "author_parts.h"

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

bool
author_each(const char *body, size_t len,
    void (*found)(void *arg, const struct author *author), void *arg)
{
	const struct reading_job whole = { .from = body,
		.to = body + len,
		.body = body,
		.begin = body,
		.end = body + len,
		.found = found,
		.arg = arg };
	struct reading_job job = { .body = body, .way = &author_strictly };
	struct reading_result first = read_items(&job, body, len);
	bool sound;

	job.found = found;
	job.arg = arg;
	if (first.failed)
		return false;
	if (first.malformed || first.count == 0)
		sound = read_in_all_ways(&job, body, len);
	else
		sound = !read_items(&job, body, len).failed;
	return author_read_rewritten(&whole) && sound;
}
