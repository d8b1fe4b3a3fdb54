/*
 * ctl_words.c - splits a line into words as sh(1) does.
 */
#include "ctl_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define ARROW "=>"

/* Where reading and writing stand. */
struct cursor {
	const char *in;
	char *out;
	bool quoted; /* something of this word was */
	const char *fault;
};

static void
take_single(struct cursor *cursor)
{
	const char *end = strchr(cursor->in, '\'');
	size_t len;

	if (end == NULL) {
		cursor->fault = "a ' is not closed; write it twice, around "
				"the value";
		return;
	}
	len = (size_t)(end - cursor->in);
	memcpy(cursor->out, cursor->in, len);
	cursor->out += len;
	cursor->in = end + 1;
}

static void
take_double(struct cursor *cursor)
{
	while (*cursor->in != '"') {
		if (cursor->in[0] == '\\' && cursor->in[1] != '\0' &&
		    strchr("\"\\$`", cursor->in[1]) != NULL)
			cursor->in++;
		if (*cursor->in == '\0') {
			cursor->fault = "a \" is not closed; write it twice, "
					"around the value";
			return;
		}
		*cursor->out++ = *cursor->in++;
	}
	cursor->in++;
}

static void
take_escaped(struct cursor *cursor)
{
	if (*cursor->in == '\0')
		cursor->fault = "a \\ ends the line; write all of a test in "
				"one line";
	else
		*cursor->out++ = *cursor->in++;
}

static void
take_word(struct cursor *cursor)
{
	cursor->quoted = false;
	while (cursor->fault == NULL && *cursor->in != '\0' &&
	    !text_is_blank(*cursor->in)) {
		const char c = *cursor->in++;

		if (c != '\'' && c != '"' && c != '\\') {
			*cursor->out++ = c;
			continue;
		}
		cursor->quoted = true;
		if (c == '\'')
			take_single(cursor);
		else if (c == '"')
			take_double(cursor);
		else
			take_escaped(cursor);
	}
	*cursor->out++ = '\0';
}

static void
skip_blanks(struct cursor *cursor)
{
	while (text_is_blank(*cursor->in))
		cursor->in++;
}

/* Does a word begin here? */
static bool
is_word(const struct cursor *cursor)
{
	return cursor->fault == NULL && *cursor->in != '\0' &&
	    *cursor->in != '#';
}

/* An empty word for argv[0], at most one per two bytes, NULL. */
static int
make_room(struct words *words, size_t len)
{
	*words = (struct words){
		.items = calloc(len / 2 + 3, sizeof(*words->items)),
		.bytes = calloc(len + 3, 1),
	};
	return words->items == NULL || words->bytes == NULL ? -1 : 0;
}

int
words_split(struct words *words, const char *line, const char **fault)
{
	struct cursor cursor = { .in = line };
	bool arrow = false;

	*fault = NULL;
	if (make_room(words, strlen(line)) != 0)
		return -1;
	words->items[words->count++] = words->bytes;
	cursor.out = words->bytes + 1;
	for (skip_blanks(&cursor); is_word(&cursor); skip_blanks(&cursor)) {
		char *word = cursor.out;

		take_word(&cursor);
		if (!arrow && !cursor.quoted && strcmp(word, ARROW) == 0) {
			words->arrow = words->count;
			arrow = true;
		}
		words->items[words->count++] = word;
	}
	if (!arrow)
		words->arrow = words->count;
	words->comment = (size_t)(cursor.in - line);
	*fault = cursor.fault;
	return cursor.fault == NULL ? 0 : -1;
}

void
words_free(struct words *words)
{
	free(words->items);
	free(words->bytes);
	words->items = NULL;
	words->bytes = NULL;
}
