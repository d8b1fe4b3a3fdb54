/*
 * text.h - bounded text, and the one encoder for what a client said.
 *
 * A struct text appends into a buffer of the caller's; it never writes past
 * it, always stays terminated, and remembers whether something did not fit.
 * Client text reaches a log line, a reply or a header only through
 * text_put_safe: no control byte, no line end, no quote can pass it.
 * Pure; any thread.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"

/* How much of one client-supplied field is shown before "..." follows. */
#define TEXT_FIELD_MAX 512

struct text {
	char *buf;
	size_t size;
	size_t len;
	bool overflow;
};

enum text_style {
	/* One word of a log line: blanks and <> are encoded too. */
	TEXT_WORD,
	/* Part of a sentence for a person: blanks and <> stay. */
	TEXT_PROSE,
};

/* Starts empty text in buf; size must be at least 1. */
void text_init(struct text *text, char *buf, size_t size);

/* What does not fit is left out, and so is all that is added after it. */
void text_put(struct text *text, const char *s);
void text_printf(struct text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As text_printf does with %u, at a tenth of the price. */
void text_put_number(struct text *text, unsigned number);

/*
 * Appends len bytes of s, encoded: printable ASCII passes, except backslash,
 * the double quote and what the style adds; every other byte is \xHH. After
 * TEXT_FIELD_MAX bytes of s comes "..." and the rest is left out.
 */
void text_put_safe(
    struct text *text, const char *s, size_t len, enum text_style style);

/* ASCII only, whatever the locale. */
int text_casecmp(const char *a, const char *b);
int text_ncasecmp(const char *a, const char *b, size_t n);
char text_lower(char c);

static inline bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What a hexadecimal digit of either case stands for, or -1. */
int text_hex_value(char c);

/* Space and TAB: what separates words in configuration files. */
static inline bool
text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Space, TAB, CR and LF: blanks, and what folding in a header is made of. */
static inline bool
text_is_white(char c)
{
	return text_is_blank(c) || c == '\r' || c == '\n';
}

/*
 * The bytes of the well-formed UTF-8 character (RFC 3629) that the len bytes
 * at s begin with, at least 1 of them; 0 when there is none.
 */
size_t text_utf8_length(const char *s, size_t len);

/* Does a terminal obey this character of text_utf8_length? C0, DEL and C1. */
bool text_is_control(const char *s, size_t len);

/* Is it well-formed UTF-8 throughout? Empty text is. */
bool text_is_utf8(const char *s, size_t len);

/*
 * The name in names[0..count) nearest to word (case folded, blanks, '_' and
 * '-' left out) when it is near enough to be a slip of the keyboard; else
 * NULL. For "did you mean".
 */
const char *text_nearest(
    const char *word, const char *const *names, size_t count);

/*
 * True when a and b are the same name without case, '_' and '-': the way
 * setting names and values compare (RemoteIPRanges is remote_ip_ranges).
 */
bool text_same_name(const char *a, const char *b);

#endif
