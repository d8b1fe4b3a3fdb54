/*
 * encoded_word.c - names to encoded words and back.
 */
#include "encoded_word.h"

#include <stdlib.h>

#include "random.h"
#include "tap.h"

#define U "\xc3\xbc"       /* u with diaeresis */
#define K "\xe6\xbc\xa2"   /* a Chinese character */
#define BAD "\xef\xbf\xbd" /* U+FFFD */
#define U10 U U U U U U U U U U

/* clang-format off */
static const struct put_case {
	const char *what;
	const char *name, *phrase;
} put_cases[] = {
	{ "a plain name", "Alice Doe", "\"Alice Doe\"" },
	{ "no name", "", "\"\"" },
	{ "what must be escaped", "A \"B\" \\C", "\"A \\\"B\\\" \\\\C\"" },
	{ "what looks like an address", "<x@y>, z", "\"<x@y>, z\"" },
	{ "one letter with a mark", "J" U "rgen", "=?UTF-8?Q?J=C3=BCrgen?=" },
	{ "a space in Q", "J" U "rg X", "=?UTF-8?Q?J=C3=BCrg_X?=" },
	{ "specials in Q", U "a=?_.(\"@", "=?UTF-8?B?w7xhPT9fLigiQA==?=" },
	{ "some of them stay in Q", "abcdefgh!*+-/0" U,
	    "=?UTF-8?Q?abcdefgh!*+-/0=C3=BC?=" },
	{ "an underscore in Q", "abcdefghijklmnop_" U,
	    "=?UTF-8?Q?abcdefghijklmnop=5F=C3=BC?=" },
	{ "other letters", K K, "=?UTF-8?B?5ryi5ryi?=" },
	{ "a TAB", "a\tb", "=?UTF-8?B?Ye+/vWI=?=" },
	{ "a line end", "abcdefghijklmnop\r\nqr",
	    "=?UTF-8?B?YWJjZGVmZ2hpamtsbW5vcO+/ve+/vXFy?=" },
	{ "DEL", "abcdefghijklmnop\x7f", "=?UTF-8?Q?abcdefghijklmnop=EF=BF=BD?=" },
	{ "a control character of C1", "abcdefghijklmnop\xc2\x85",
	    "=?UTF-8?Q?abcdefghijklmnop=EF=BF=BD?=" },
	{ "what follows C1", "abcdefghijklmnop\xc2\xa0",
	    "=?UTF-8?Q?abcdefghijklmnop=C2=A0?=" },
	{ "what follows z", "abcdefghijklmnop{" U,
	    "=?UTF-8?Q?abcdefghijklmnop=7B=C3=BC?=" },
	{ "a byte that is no UTF-8", "abcdefghijklmnop\xff",
	    "=?UTF-8?Q?abcdefghijklmnop=EF=BF=BD?=" },
	{ "half a character", "abcdefgh\xe6\xbc",
	    "=?UTF-8?B?YWJjZGVmZ2jvv73vv70=?=" },
	{ "more than one word in Q",
	    "The quick brown fox jumps over the lazy dog, again and again, j" U
	    "st so",
	    "=?UTF-8?Q?The_quick_brown_fox_jumps_over_the_lazy_dog=2C_again_"
	    "and_again?= =?UTF-8?Q?=2C_j=C3=BCst_so?=" },
	{ "a character is not split", U10 U10 U U U,
	    "=?UTF-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO"
	    "8w7w=?= =?UTF-8?B?w7w=?=" },
};

static const struct decode_case {
	const char *what;
	const char *text, *decoded;
	bool found;
} decode_cases[] = {
	{ "no encoded word", "Alice <a@b>", "Alice <a@b>", false },
	{ "Q", "=?utf-8?q?J=C3=BCrg_X?=", "J" U "rg X", true },
	{ "B", "=?UTF-8?B?5ryi5ryi?=", K K, true },
	{ "text around it", "a =?utf-8?q?b?= c", "a b c", true },
	{ "two of them", "=?utf-8?q?a?= =?utf-8?q?b?=", "ab", true },
	{ "two of them, folded", "=?utf-8?q?a?=\r\n\t=?utf-8?q?b?=", "ab",
	    true },
	{ "two of them, joined", "=?utf-8?q?a?==?utf-8?q?b?=", "ab", true },
	{ "text between", "=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b", true },
	{ "a blank behind", "=?utf-8?q?a?= ", "a ", true },
	{ "US-ASCII", "=?us-ascii?q?a=40b?=", "a@b", true },
	{ "Latin 1 stays as it is", "=?iso-8859-1?q?=FC?=", "\xfc", true },
	{ "a code page", "=?Windows-1252?Q?=80?=", "\x80", true },
	{ "KOI8-R", "=?koi8-r?b?wQ==?=", "\xc1", true },
	{ "a language", "=?utf-8*de?q?a?=", "a", true },
	{ "lower-case digits", "=?utf-8?q?=c3=bc?=", U, true },
	{ "an escape that is none", "=?utf-8?q?a=4Gb=4?=", "a=4Gb=4", true },
	{ "no text", "=?utf-8?q?" "?=", "", true },
	{ "a blank within", "=?utf-8?q?a b?=", "a b", true },
	{ "junk in base64", "=?utf-8?b?5r.yi?=", K, true },
	{ "base64 without its end", "=?utf-8?b?5ryi5g?=", K "\xe6", true },
	{ "two pieces of base64", "=?utf-8?b?YQ==Yg==?=", "ab", true },
	{ "an unknown charset", "=?x?q?a?=", "a", true },
	{ "two charsets", "=?iso-2022-jp?b?YQ==?= =?utf-8?q?b?=", "ab", true },
	{ "no charset", "=??q?a?=", "=??q?a?=", false },
	{ "another encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?=", false },
	{ "no end", "=?utf-8?q?a", "=?utf-8?q?a", false },
	{ "half an end", "=?utf-8?q?a?", "=?utf-8?q?a?", false },
	{ "one behind a broken one", "=?utf-8?=?utf-8?q?a?=", "=?utf-8?a",
	    true },
	{ "beginnings alone", "=?=?=?", "=?=?=?", false },
};
/* clang-format on */

static void
test_put(void)
{
	for (size_t i = 0; i < nitems(put_cases); i++) {
		char buf[400];
		struct text text;

		text_init(&text, buf, sizeof(buf));
		encoded_word_put(&text, put_cases[i].name);
		is_str(buf, put_cases[i].phrase, put_cases[i].what);
	}
}

static void
put(void *arg, char octet)
{
	struct text *text = arg;

	if (text->len + 1 < text->size)
		text->buf[text->len++] = octet;
	else
		text->overflow = true;
	text->buf[text->len] = '\0';
}

/* All words decoded, without the blanks between two; was there any? */
static bool
decode(struct text *out, const char *text, size_t len)
{
	const char *end = text + len, *copied = text;
	struct encoded_word word;
	bool found = false;

	for (const char *at = text; at < end;) {
		const size_t n = encoded_word_at(&word, at, (size_t)(end - at));
		const char *gap = copied;

		if (n == 0) {
			at++;
			continue;
		}
		while (found && gap < at && text_is_white(*gap))
			gap++;
		for (; gap < at && copied < at; copied++)
			put(out, *copied);
		encoded_word_octets(&word, put, out);
		found = true;
		at += n;
		copied = at;
	}
	for (; copied < end; copied++)
		put(out, *copied);
	return found;
}

static void
test_decode(void)
{
	for (size_t i = 0; i < nitems(decode_cases); i++) {
		const struct decode_case *c = &decode_cases[i];
		char buf[400];
		struct text text;

		text_init(&text, buf, sizeof(buf));
		is_int(
		    decode(&text, c->text, strlen(c->text)), c->found, c->what);
		is_str(buf, c->decoded, "what it decodes to");
	}
}

static void
test_room(void)
{
	char buf[8];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	encoded_word_put(&text, "J" U "rg");
	ok(text.overflow && strlen(buf) == 7, "put: what does not fit");
	text_init(&text, buf, sizeof(buf));
	encoded_word_put(&text, "Joe, of a long name");
	ok(text.overflow && strcmp(buf, "\"Joe, o") == 0,
	    "nor what fits without being encoded: %s", buf);
	text_init(&text, buf, sizeof(buf));
	ok(decode(&text, "=?utf-8?q?a=00b?=", 17) && text.len == 3 &&
		memcmp(buf, "a\0b", 4) == 0,
	    "a NUL is an octet like others");
	text_init(&text, buf, sizeof(buf));
	ok(!decode(&text, "=?utf-8?q?a?=", 12), "only len bytes are read");
}

/* Each word is well-formed, at most 75 long, and whole characters. */
static bool
are_words(const char *phrase)
{
	while (*phrase != '\0') {
		size_t n = strcspn(phrase, " ");
		struct encoded_word word;
		char buf[80];
		struct text text;

		if (n > 75 || encoded_word_at(&word, phrase, n) != n)
			return false;
		text_init(&text, buf, sizeof(buf));
		if (!decode(&text, phrase, n) || !text_is_utf8(buf, text.len))
			return false;
		phrase += n;
		if (*phrase == ' ' && *++phrase == '\0')
			return false;
	}
	return true;
}

static void
test_there_and_back(void)
{
	static const char *const pieces[] = { "a", "Z", "0", " ", "_", "=", "?",
		".", "\"", "\\", "=?", "?=", U, K, "\xf0\x9f\x92\xa9", "!*+-/",
		"=?utf-8?q?x?=" };
	uint64_t seed = 20260618;
	bool held = true;

	for (int n = 0; n < 100000 && held; n++) {
		char name[400] = "", phrase[2000], back[400];
		struct text text;

		for (size_t k = random_below(&seed, 60); k > 0; k--)
			strcat(
			    name, pieces[random_below(&seed, nitems(pieces))]);
		strcat(name, U);
		text_init(&text, phrase, sizeof(phrase));
		encoded_word_put(&text, name);
		held = !text.overflow && are_words(phrase);
		text_init(&text, back, sizeof(back));
		held = held && decode(&text, phrase, strlen(phrase)) &&
		    strcmp(back, name) == 0;
		if (!held)
			printf("# %s\n# %s\n# %s\n", name, phrase, back);
	}
	ok(held, "100000 random names (seed 20260618) come back as they were");
}

static void
test_bytes(void)
{
	static const char alphabet[] = "=?=?utf-8qQbB=40 \r\n\xc3\xbc";
	uint64_t seed = 20260619;
	size_t found = 0;
	bool held = true;

	for (int n = 0; n < 200000; n++) {
		size_t len = random_below(&seed, 60);
		char *bytes = malloc(len + 1);
		char buf[100];
		struct text text;

		if (bytes == NULL)
			return;
		for (size_t i = 0; i < len; i++)
			bytes[i] =
			    alphabet[random_below(&seed, sizeof(alphabet))];
		if (len > 20)
			memcpy(bytes + 3, "=?utf-8?q?", 10);
		text_init(&text, buf, sizeof(buf));
		found += decode(&text, bytes, len);
		held = held && !text.overflow && text.len <= len;
		free(bytes);
	}
	ok(held && found > 1000,
	    "200000 random texts (seed 20260619) never "
	    "grow; %zu hold encoded words",
	    found);
}

int
main(void)
{
	test_put();
	test_decode();
	test_room();
	test_there_and_back();
	test_bytes();
	return done();
}
