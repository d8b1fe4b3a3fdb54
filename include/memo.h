/*
 * memo.h - text of any length, printed to a stream and kept in memory: whole,
 * or not at all.
 *
 * open_memstream loses what it finds no memory for in silence: neither ferror
 * nor fclose tells. One thread at a time per memo.
 */
#ifndef MEMO_H
#define MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "compiler.h"

/* The caller's, and as it is from memo_open to memo_close. */
struct memo {
	char *text;
	size_t len;
	size_t room;
	bool failed;
	char buffer[1024]; /* of the stream: it asks for no memory */
};

/* A stream to print to, or NULL without memory. To be closed. */
FILE *memo_open(struct memo *memo) NODISCARD;

/* The text, to be freed, and its length in memo; NULL: memory failed. */
char *memo_close(struct memo *memo, FILE *out) NODISCARD;

#endif
