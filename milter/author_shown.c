/*
 * author_shown.c - a domain as it looks to a person.
 */
#include "author_parts.h"

/*
 * What takes no room on a screen or is blank there, beyond ASCII (Unicode 15,
 * Default_Ignorable_Code_Point, White_Space, C1 and kin).
 */
static const struct {
	unsigned long first, last;
} unseen[] = {
	{ 0x80, 0xa0 },
	{ 0xad, 0xad },
	{ 0x34f, 0x34f },
	{ 0x61c, 0x61c },
	{ 0x115f, 0x1160 },
	{ 0x1680, 0x1680 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x2000, 0x200f },
	{ 0x2028, 0x202f },
	{ 0x205f, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3000, 0x3000 },
	{ 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

/* The character of len bytes at s, which are valid UTF-8. */
static unsigned long
code_point(const char *s, size_t len)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned long code = (unsigned char)s[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

static bool
is_seen(unsigned long code)
{
	/* Most text is ASCII. */
	for (size_t i = 0; i < nitems(unseen) && code >= unseen[0].first; i++)
		if (code >= unseen[i].first && code <= unseen[i].last)
			return false;
	return true;
}

/* Programs take bytes that are no UTF-8 for ISO 8859-1. */
static size_t
put_latin1(char *out, unsigned char c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = (char)(0xc0 | c >> 6);
	out[1] = (char)(0x80 | (c & 0x3f));
	return 2;
}

size_t
author_shown(char *out, const char *text, size_t len)
{
	const bool utf8 = text_is_utf8(text, len);
	size_t step, n = 0;

	for (size_t i = 0; i < len; i += step) {
		const unsigned char c = (unsigned char)text[i];

		step = utf8 ? text_utf8_length(text + i, len - i) : 1;
		if (!is_seen(utf8 ? code_point(text + i, step) : c))
			continue;
		if (!utf8)
			n += put_latin1(out + n, c);
		for (size_t k = 0; utf8 && k < step; k++)
			out[n++] = text[i + k];
	}
	return n;
}
