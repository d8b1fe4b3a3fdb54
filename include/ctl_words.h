/*
 * ctl_words.h - a line of a policy test, split into words as sh(1) does.
 *
 * Blanks separate; '...' takes all as it is; "..." takes all but \" \\ \$ \`,
 * which lose their backslash; \ takes the next character as it is; # at the
 * beginning of a word begins a comment. Nothing is expanded, and no other
 * character is special. One thread.
 */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include <stddef.h>

#include "compiler.h"

struct words {
	/* items[0] is empty, where argv has the program; NULL behind all. */
	char **items;
	size_t count;   /* items[0] included */
	size_t arrow;   /* the first "=>" without quotes; count: none */
	size_t comment; /* where in the line the comment begins, or its end */
	char *bytes;    /* of all items */
};

/*
 * Splits line. 0; or -1, with what is wrong with the line in *fault, NULL
 * without memory. In any case freed by words_free.
 */
int words_split(
    struct words *words, const char *line, const char **fault) NODISCARD;
void words_free(struct words *words);

#endif
