/*
 * ctl_stamped.h - the header of a message that may bear a stamp.
 *
 * Reads the header of one message, keeps the fields of the stamp and every From
 * field, and takes it for what it is: text that anybody may have written. One
 * thread.
 */
#ifndef CTL_STAMPED_H
#define CTL_STAMPED_H

#include <stddef.h>
#include <stdio.h>

#include "stamp.h"

/* Strings are unfolded and lie in bytes. Counted by enum stamp_field. */
struct stamped {
	char *bytes;
	size_t len;
	const char *values[STAMP_FIELD_COUNT]; /* the last of each; or NULL */
	size_t counts[STAMP_FIELD_COUNT];      /* how many there are */
	const char **from;
	size_t from_count;
	size_t from_room;
};

/* The sentence of those below that says nothing of the message. */
extern const char stamped_no_memory[];

/*
 * Reads up to the empty line. Returns NULL, or a sentence that says why not; a
 * failure of in itself is for the caller to see. In any case freed by
 * stamped_done.
 */
const char *stamped_read(struct stamped *header, FILE *in) NODISCARD;

/* Finds the fields, once. NULL, or a sentence likewise. */
const char *stamped_parse(struct stamped *header, const char *prefix) NODISCARD;

void stamped_done(struct stamped *header);

#endif
