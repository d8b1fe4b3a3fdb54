/*
 * memo.c - a stream whose bytes go to an array that grows.
 */
#include "memo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "array.h"

static ssize_t
keep(void *cookie, const char *bytes, size_t len)
{
	struct memo *memo = cookie;
	char *text = array_grow(memo->text, memo->len, len + 1, &memo->room, 1);

	if (text == NULL) {
		memo->failed = true;
		return 0;
	}
	memo->text = text;
	memcpy(text + memo->len, bytes, len);
	memo->len += len;
	text[memo->len] = '\0';
	return (ssize_t)len;
}

FILE *
memo_open(struct memo *memo)
{
	FILE *out;

	memo->text = NULL;
	memo->len = memo->room = 0;
	memo->failed = false;
	out = fopencookie(memo, "w", (cookie_io_functions_t){ .write = keep });
	if (out != NULL)
		(void)setvbuf(out, memo->buffer, _IOFBF, sizeof(memo->buffer));
	return out;
}

char *
memo_close(struct memo *memo, FILE *out)
{
	memo->failed |= ferror(out) != 0;
	memo->failed |= fclose(out) != 0;
	/* Of no byte there is a text, too. */
	if (!memo->failed && memo->text == NULL)
		memo->text = calloc(1, 1);
	if (!memo->failed)
		return memo->text;
	free(memo->text);
	return NULL;
}
