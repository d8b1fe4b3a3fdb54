/*
 * stamp.h - the signed stamp by which an inner server knows our header fields.
 *
 * X-Connector-Stamp: v=1; k=KEYID; t=UNIXTIME; q=QUEUEID; h=HEX
 *
 * h is the HMAC-SHA-256, in lower-case hex, of these lines, each ended by LF:
 *
 *     v=1
 *     k=KEYID
 *     t=UNIXTIME
 *     q=QUEUEID
 *     name=CONNECTOR
 *     authas=AUTHAS
 *     authsource=HOST
 *     from=BODY            one line per From field, in order
 *
 * BODY is unfolded, runs of white space made one space, blanks at both ends
 * taken off (DKIM's relaxed form, RFC 6376 3.4.2): MTAs fold anew. A key file
 * has one or two lines "KEYID HEX": KEYID of 1 to 32 letters, digits, '-' and
 * '_', 64 to 256 hex digits; # begins a comment line. The first key signs, both
 * verify, so that keys can be changed without a gap. Keys are never printed,
 * kept out of memory images (secret.h), and wiped when freed.
 */
#ifndef STAMP_H
#define STAMP_H

#include <time.h>

#include "diag.h"
#include "text.h"

struct stamp_keys;

/*
 * Parses the bytes of a key file; problems name file but never what it holds.
 * NULL after adding at least one error.
 */
struct stamp_keys *stamp_keys_parse(const char *file, const char *bytes,
    size_t len, struct diags *diags) NODISCARD;
void stamp_keys_free(struct stamp_keys *keys);

/* The fields of a stamped header. */
enum stamp_field {
	STAMP_FIELD_NAME,
	STAMP_FIELD_AUTH_AS,
	STAMP_FIELD_AUTH_SOURCE,
	STAMP_FIELD_STAMP,
};
#define STAMP_FIELD_COUNT (STAMP_FIELD_STAMP + 1)

/* Their names, behind the prefix. */
extern const char *const stamp_field_names[STAMP_FIELD_COUNT];

#define STAMP_KEY_ID_MAX 32

/* What a stamp vouches for. */
struct stamp {
	const char *connector;
	const char *auth_as;
	const char *auth_source;
	const char *queue_id;
	long long time;          /* seconds since 1970 */
	const char *const *from; /* bodies of the From fields */
	size_t from_count;
	char key_id[STAMP_KEY_ID_MAX + 1]; /* set by stamp_verify */
};

/* Room for the value of the field. */
#define STAMP_VALUE_MAX 512

/*
 * Writes the value of the stamp field. 0, or -1 without memory or libcrypto,
 * or when a part holds what a field cannot carry (then sign nothing: defer).
 */
int stamp_sign(char value[STAMP_VALUE_MAX], const struct stamp_keys *keys,
    const struct stamp *stamp) NODISCARD;

/* What stamp_verify returns when it cannot tell. */
extern const char stamp_unchecked[];

/*
 * Is value the stamp of these? Sets stamp->time, stamp->key_id and queue_id
 * (also as stamp->queue_id) from value, which may be folded; the rest of stamp
 * is given. Returns NULL when it is, or a sentence that says why not.
 */
const char *stamp_verify(const char *value, const struct stamp_keys *keys,
    struct stamp *stamp, char queue_id[STAMP_VALUE_MAX]) NODISCARD;

#endif
