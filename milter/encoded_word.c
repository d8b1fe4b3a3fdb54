/*
 * encoded_word.c - names to encoded words, and encoded words to octets.
 */
#include "encoded_word.h"

#include <string.h>

/* RFC 2047 section 2. */
#define WORD_MAX 75

static const char word_start[] = "=?UTF-8?";
static const char word_end[] = "?=";

#define PAYLOAD_MAX (WORD_MAX - (sizeof("=?UTF-8?Q?") - 1) - 2)

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
put_octet(struct text *out, char octet)
{
	if (out->overflow || out->len + 1 >= out->size) {
		out->overflow = true;
		return;
	}
	out->buf[out->len++] = octet;
	out->buf[out->len] = '\0';
}

static bool
is_printable(const char *name)
{
	for (; *name != '\0'; name++)
		if (*name < 0x20 || *name > 0x7e)
			return false;
	return true;
}

static void
put_quoted(struct text *out, const char *name)
{
	put_octet(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			put_octet(out, '\\');
		put_octet(out, *name);
	}
	put_octet(out, '"');
}

/* One character of a name, made presentable. */
struct character {
	const char *bytes;
	size_t len;
};

/* C0, DEL, and C1 as UTF-8. */
static bool
is_control(const char *s, size_t len)
{
	const unsigned char c = (unsigned char)s[0];

	if (len == 1)
		return c < 0x20 || c == 0x7f;
	return len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

/* The first character of the len bytes at *name, which is moved behind it. */
static struct character
next_character(const char **name, size_t *left)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t len = text_utf8_length(*name, *left);
	struct character c = { .bytes = *name, .len = len };

	if (len == 0 || is_control(*name, len)) {
		c.bytes = replacement;
		c.len = strlen(replacement);
	}
	*name += len > 0 ? len : 1;
	*left -= len > 0 ? len : 1;
	return c;
}

/* What stands for itself in Q in a phrase (RFC 2047 section 5, 3). */
static bool
is_plain(char c)
{
	static const char others[] = "0123456789!*+-/";

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    memchr(others, c, sizeof(others) - 1) != NULL;
}

static size_t
q_length(const struct character *c)
{
	return c->len == 1 && (is_plain(*c->bytes) || *c->bytes == ' ')
	    ? 1
	    : 3 * c->len;
}

static size_t
base64_length(size_t octets)
{
	return (octets + 2) / 3 * 4;
}

static void
put_q(struct text *out, const struct character *c)
{
	static const char digits[] = "0123456789ABCDEF";

	if (*c->bytes == ' ') {
		put_octet(out, '_');
		return;
	}
	if (q_length(c) == 1) {
		put_octet(out, *c->bytes);
		return;
	}
	for (size_t i = 0; i < c->len; i++) {
		const unsigned char octet = (unsigned char)c->bytes[i];

		put_octet(out, '=');
		put_octet(out, digits[octet >> 4]);
		put_octet(out, digits[octet & 15]);
	}
}

static void
put_base64(struct text *out, const unsigned char *octets, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		const size_t n = len - i < 3 ? len - i : 3;
		char digits[5] = "====";
		unsigned bits = (unsigned)octets[i] << 16;

		if (n > 1)
			bits |= (unsigned)octets[i + 1] << 8;
		if (n > 2)
			bits |= octets[i + 2];
		for (size_t k = 0; k <= n; k++)
			digits[k] = base64_digits[bits >> (18 - 6 * k) & 63];
		text_put(out, digits);
	}
}

/* One encoded word being written, or only measured. */
struct writer {
	struct text *out; /* NULL: measured */
	bool base64;
	size_t words;
	size_t payload;                    /* of this word, as encoded */
	size_t total;                      /* of the words before it */
	unsigned char octets[PAYLOAD_MAX]; /* of this word, for base64 */
	size_t count;
};

static void
begin_word(struct writer *w)
{
	if (w->out != NULL) {
		text_put(w->out, w->words > 0 ? " " : "");
		text_put(w->out, word_start);
		text_put(w->out, w->base64 ? "B?" : "Q?");
	}
	w->words++;
	w->payload = 0;
	w->count = 0;
}

static void
end_word(struct writer *w)
{
	if (w->out != NULL) {
		if (w->base64)
			put_base64(w->out, w->octets, w->count);
		text_put(w->out, word_end);
	}
	w->total += WORD_MAX - PAYLOAD_MAX + 1 + w->payload;
}

static void
add_character(struct writer *w, const struct character *c)
{
	size_t longer = w->base64 ? base64_length(w->count + c->len)
				  : w->payload + q_length(c);

	if (longer > PAYLOAD_MAX) {
		end_word(w);
		begin_word(w);
		longer = w->base64 ? base64_length(c->len) : q_length(c);
	}
	w->payload = longer;
	if (w->base64) {
		memcpy(w->octets + w->count, c->bytes, c->len);
		w->count += c->len;
	} else if (w->out != NULL) {
		put_q(w->out, c);
	}
}

/* The octets that the encoded words of name take. */
static size_t
encode(struct text *out, const char *name, bool base64)
{
	struct writer w = { .out = out, .base64 = base64 };
	size_t left = strlen(name);

	begin_word(&w);
	while (left > 0) {
		const struct character c = next_character(&name, &left);

		add_character(&w, &c);
	}
	end_word(&w);
	return w.total;
}

void
encoded_word_put(struct text *out, const char *name)
{
	if (is_printable(name))
		put_quoted(out, name);
	else
		encode(out, name,
		    encode(NULL, name, true) < encode(NULL, name, false));
}

/* The bytes up to the next '?', which must be there. */
static bool
take_part(const char **at, const char *end, const char **part, size_t *len)
{
	const char *mark = memchr(*at, '?', (size_t)(end - *at));

	if (mark == NULL)
		return false;
	*part = *at;
	*len = (size_t)(mark - *at);
	*at = mark + 1;
	return true;
}

/* Graphic ASCII without what ends a charset. */
static bool
is_charset(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '=')
			return false;
	return len > 0;
}

size_t
encoded_word_at(struct encoded_word *word, const char *text, size_t len)
{
	const char *at = text + 2;
	const char *end = text + len;
	const char *language, *encoding;
	size_t encoding_len;

	if (len < 2 || text[0] != '=' || text[1] != '?' ||
	    !take_part(&at, end, &word->charset, &word->charset_len) ||
	    !is_charset(word->charset, word->charset_len) ||
	    !take_part(&at, end, &encoding, &encoding_len) ||
	    encoding_len != 1 ||
	    !take_part(&at, end, &word->text, &word->text_len) || at == end ||
	    *at != '=')
		return 0;
	if (text_lower(*encoding) != 'q' && text_lower(*encoding) != 'b')
		return 0;
	word->base64 = text_lower(*encoding) == 'b';
	language = memchr(word->charset, '*', word->charset_len);
	if (language != NULL)
		word->charset_len = (size_t)(language - word->charset);
	return (size_t)(at + 1 - text);
}

/* A '=' without two hex digits stands for itself. */
static void
q_octets(const struct encoded_word *word, void (*put)(void *arg, char octet),
    void *arg)
{
	for (size_t i = 0; i < word->text_len; i++) {
		const char c = word->text[i];
		const bool escape = c == '=' && word->text_len - i > 2;
		const int high =
		    escape ? text_hex_value(word->text[i + 1]) : -1;
		const int low = escape ? text_hex_value(word->text[i + 2]) : -1;

		if (high >= 0 && low >= 0) {
			put(arg, (char)(unsigned char)(high << 4 | low));
			i += 2;
		} else if (c == '_') {
			put(arg, ' ');
		} else {
			put(arg, c);
		}
	}
}

/* What is no digit counts for nothing; '=' begins anew, as in joined words. */
static void
base64_octets(const struct encoded_word *word,
    void (*put)(void *arg, char octet), void *arg)
{
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < word->text_len; i++) {
		const char c = word->text[i];
		const char *digit = c != '\0' ? strchr(base64_digits, c) : NULL;

		if (c == '=')
			count = 0;
		if (digit == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(digit - base64_digits)) & 0xffff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		put(arg, (char)(unsigned char)(bits >> count & 0xff));
	}
}

void
encoded_word_octets(const struct encoded_word *word,
    void (*put)(void *arg, char octet), void *arg)
{
	if (word->base64)
		base64_octets(word, put, arg);
	else
		q_octets(word, put, arg);
}
