/*
 * text.c - bounded text, and the one encoder for what a client said.
 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Names longer than this are no near miss of anything we have. */
#define NEAR_MAX 64

void
text_init(struct text *text, char *buf, size_t size)
{
	text->buf = buf;
	text->size = size;
	text->len = 0;
	text->overflow = false;
	buf[0] = '\0';
}

/* After an overflow nothing is added: text has no gaps. */
static size_t
room_left(const struct text *text)
{
	return text->overflow ? 0 : text->size - text->len - 1;
}

static void
put_bytes(struct text *text, const char *s, size_t len)
{
	size_t room = room_left(text);

	if (len > room) {
		text->overflow = true;
		len = room;
	}
	memcpy(text->buf + text->len, s, len);
	text->len += len;
	text->buf[text->len] = '\0';
}

/* All of s or nothing: half an escape would read as something else. */
static void
put_whole(struct text *text, const char *s, size_t len)
{
	if (len > room_left(text))
		text->overflow = true;
	else
		put_bytes(text, s, len);
}

void
text_put(struct text *text, const char *s)
{
	put_bytes(text, s, strlen(s));
}

void
text_printf(struct text *text, const char *fmt, ...)
{
	size_t room = room_left(text);
	va_list ap;
	int len;

	if (text->overflow)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text->buf + text->len, room + 1, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len > room) {
		text->overflow = true;
		len = len < 0 ? 0 : (int)room;
	}
	text->len += (size_t)len;
	text->buf[text->len] = '\0';
}

void
text_put_number(struct text *text, unsigned number)
{
	char digits[3 * sizeof(number)];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put_bytes(text, digits + first, sizeof(digits) - first);
}

static bool
passes(unsigned char c, enum text_style style)
{
	if (c < 0x20 || c > 0x7e || c == '\\' || c == '"')
		return false;
	return style == TEXT_PROSE || (c != ' ' && c != '<' && c != '>');
}

/* How many of the first len bytes need no encoding. */
static size_t
passing(const char *s, size_t len, enum text_style style)
{
	size_t i = 0;

	while (i < len && passes((unsigned char)s[i], style))
		i++;
	return i;
}

static void
put_hex(struct text *text, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char hex[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

	put_whole(text, hex, sizeof(hex));
}

void
text_put_safe(
    struct text *text, const char *s, size_t len, enum text_style style)
{
	const size_t shown = len < TEXT_FIELD_MAX ? len : TEXT_FIELD_MAX;
	size_t i = 0;

	while (i < shown) {
		const size_t run = passing(&s[i], shown - i, style);

		put_bytes(text, &s[i], run);
		i += run;
		if (i < shown)
			put_hex(text, (unsigned char)s[i++]);
	}
	if (shown < len)
		put_whole(text, "...", 3);
}

char
text_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c | 0x20);
	return c;
}

int
text_hex_value(char c)
{
	c = text_lower(c);
	if (text_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
text_ncasecmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)text_lower(a[i]);
		unsigned char y = (unsigned char)text_lower(b[i]);

		if (x != y)
			return x < y ? -1 : 1;
		if (x == '\0')
			break;
	}
	return 0;
}

int
text_casecmp(const char *a, const char *b)
{
	return text_ncasecmp(a, b, SIZE_MAX);
}

/*
 * The well-formed sequences of more than one byte (RFC 3629 section 4): after
 * the first byte, the second has a range of its own, the rest 80..bf.
 */
/* clang-format off */
static const struct sequence {
	unsigned char first_lo, first_hi;
	unsigned char second_lo, second_hi;
	size_t len;
} sequences[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};
/* clang-format on */

size_t
text_utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < nitems(sequences); i++) {
		const struct sequence *q = &sequences[i];

		if (s[0] < q->first_lo || s[0] > q->first_hi)
			continue;
		if (len < q->len || s[1] < q->second_lo || s[1] > q->second_hi)
			return 0;
		for (size_t k = 2; k < q->len; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return q->len;
	}
	return 0;
}

bool
text_is_control(const char *s, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)s;

	return bytes[0] < 0x20 || bytes[0] == 0x7f ||
	    (len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

bool
text_is_utf8(const char *s, size_t len)
{
	while (len > 0) {
		/* What nearly all text is. */
		const size_t n =
		    (unsigned char)*s < 0x80 ? 1 : text_utf8_length(s, len);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* The next character of a name that counts, in lower case; NUL at its end. */
static char
next_of_name(const char **s)
{
	while (**s == '_' || **s == '-')
		(*s)++;
	if (**s == '\0')
		return '\0';
	return text_lower(*(*s)++);
}

bool
text_same_name(const char *a, const char *b)
{
	for (;;) {
		char x = next_of_name(&a);
		char y = next_of_name(&b);

		if (x != y)
			return false;
		if (x == '\0')
			return true;
	}
}

/* word folded for comparison; its length, or NEAR_MAX when it is too long. */
static size_t
fold(char out[NEAR_MAX], const char *word)
{
	size_t len = 0;
	char c;

	while ((c = next_of_name(&word)) != '\0') {
		if (text_is_blank(c))
			continue;
		if (len == NEAR_MAX - 1)
			return NEAR_MAX;
		out[len++] = c;
	}
	out[len] = '\0';
	return len;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters were left out, added, mistyped or swapped with their
 * neighbour between a and b.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_MAX];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;

			row[j] = least(last[j - 1] + wrong,
			    least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;

		before = last;
		last = row;
		row = oldest;
	}
	return last[b_len];
}

const char *
text_nearest(const char *word, const char *const *names, size_t count)
{
	char typed[NEAR_MAX] = "", name[NEAR_MAX] = "";
	size_t len = fold(typed, word);
	size_t best = least((len + 1) / 3, 3) + 1;
	const char *nearest = NULL;

	if (len == 0 || len == NEAR_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (fold(name, names[i]) == NEAR_MAX)
			continue;
		size_t d = distance(typed, name);

		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
