/*
 * author_ways.c - the ways in which somebody may read a From field.
 */
#include "author_parts.h"

#include <string.h>

/* How the RFC wants it. */
const struct way author_strictly = {
	.quotes = true,
	.comments = true,
	.comment = TOKEN_BLANK,
	.control = TOKEN_BLANK,
	.odd = TOKEN_NOTHING,
};

/* Comments and whatever is odd taken out, the rest put together. */
static const struct way together = {
	.comments = true,
	.decoded = true,
	.comment = TOKEN_NOTHING,
	.control = TOKEN_NOTHING,
	.odd = TOKEN_NOTHING,
};

/* Nothing taken out, the rest kept apart: the text of comments counts. */
static const struct way apart = {
	.decoded = true,
	.words_apart = true,
	.comment = TOKEN_BLANK,
	.control = TOKEN_BLANK,
	.odd = TOKEN_BLANK,
};

/* Is there nothing that one way takes for something else than another? */
static bool
reads_alike(const char *from, const char *to)
{
	for (const char *c = from; c < to; c++)
		if (text_is_white(*c) || lexer_is_control(*c) ||
		    strchr("\"()\\[=", *c) != NULL)
			return false;
	return true;
}

void
author_read_in_all_ways(const struct reading_job *job)
{
	static const struct way *const ways[] = { &author_strictly, &together,
		&apart };
	const size_t count = reads_alike(job->from, job->to) ? 1 : nitems(ways);
	struct reading_job one = *job;

	one.lone = true;
	for (size_t i = 0; i < count; i++) {
		one.way = ways[i];
		(void)author_read(&one);
	}
}
