/*
 * encoded_word.h - names in a header (RFC 5322 3.2.5, RFC 2047).
 *
 * Pure; any thread; nothing is allocated.
 */
#ifndef ENCODED_WORD_H
#define ENCODED_WORD_H

#include "text.h"

/*
 * Appends name, UTF-8, as a phrase: a quoted string when it is printable ASCII,
 * else encoded words of at most 75 characters in UTF-8 and Q or B, whichever is
 * shorter, parted by a space, never splitting a character. A byte that is no
 * UTF-8 becomes U+FFFD; a control character does too.
 */
void encoded_word_put(struct text *out, const char *name);

/* An encoded word, in its parts. */
struct encoded_word {
	const char *charset; /* without the language of RFC 2231 */
	size_t charset_len;
	bool base64;      /* else Q */
	const char *text; /* as encoded */
	size_t text_len;
};

/*
 * How long the encoded word at text is, or 0 where there is none. Blanks within
 * a word are no fault, as mail programs see it.
 */
size_t encoded_word_at(
    struct encoded_word *word, const char *text, size_t len) NODISCARD;

/* Calls put for every octet that it stands for, whatever the charset. */
void encoded_word_octets(const struct encoded_word *word,
    void (*put)(void *arg, char octet), void *arg);

#endif
