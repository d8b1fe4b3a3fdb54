/*
 * ground.c - arena, array, text, diag, json, socket_name and digest.
 */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "arena.h"
#include "array.h"
#include "diag.h"
#include "digest.h"
#include "json.h"
#include "socket_name.h"
#include "tap.h"
#include "text.h"

static void
test_arena(void)
{
	struct arena *arena = arena_new();
	int aligned = 1, zeroed = 1, kept = 1;
	unsigned char *parts[400];

	is_int((long long)arena_bytes(arena), 0, "a new arena took nothing");
	for (size_t i = 0; i < nitems(parts); i++) {
		size_t size = i % 37 == 0 ? 40000 : i % 91 + 1;

		parts[i] = arena_alloc(arena, size, 1);
		aligned &= (uintptr_t)parts[i] % 16 == 0;
		for (size_t k = 0; k < size; k++)
			zeroed &= parts[i][k] == 0;
		memset(parts[i], (int)(i & 255), size);
	}
	for (size_t i = 0; i < nitems(parts); i++) {
		size_t size = i % 37 == 0 ? 40000 : i % 91 + 1;

		for (size_t k = 0; k < size; k++)
			kept &= parts[i][k] == (i & 255);
	}
	ok(aligned, "memory is aligned for 128-bit integers");
	ok(zeroed, "memory is zeroed");
	ok(kept, "no two allocations share a byte");
	ok(arena_bytes(arena) > 400000, "bytes taken are counted");
	ok(arena_alloc(arena, 0, 8) != NULL, "nothing has an address");
	ok(arena_alloc(arena, SIZE_MAX, 2) == NULL, "a product too large");
	ok(arena_alloc(arena, SIZE_MAX, 1) == NULL, "a size too large");
	ok(arena_alloc(arena, SIZE_MAX - 31, 1) == NULL,
	    "a size too large for the block around it");
	ok(arena_strndup(arena, "x", SIZE_MAX) == NULL, "a text too large");
	ok(arena_printf(arena, "a%ls", L"\x100") == NULL,
	    "a text that cannot be written in this locale");
	is_str(arena_strndup(arena, "abcdef", 3), "abc", "part of a text");
	is_str(arena_strdup(arena, ""), "", "an empty text");
	is_str(
	    arena_printf(arena, "%s-%d", "ab", 12), "ab-12", "formatted text");
	arena_free(arena);
	arena_free(NULL);
}

static void
test_numbers(void)
{
	static const unsigned numbers[] = { 0, 9, 10, 255, 65535, UINT_MAX };
	char buf[64];
	char small[4];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	for (size_t i = 0; i < nitems(numbers); i++) {
		text_put(&text, i > 0 ? " " : "");
		text_put_number(&text, numbers[i]);
	}
	is_str(buf, "0 9 10 255 65535 4294967295", "numbers");
	text_init(&text, small, sizeof(small));
	text_put_number(&text, 12345);
	is_str(small, "123", "a number that does not fit is cut");
	ok(text.overflow, "... and that is known");
}

static const struct safe_case {
	const char *what;
	const char *text;
	size_t len;
	enum text_style style;
	const char *want;
} safe_cases[] = {
	/* clang-format off */
	{ "plain text", "a.b@c", 5, TEXT_WORD, "a.b@c" },
	{ "a word has no blank", "a b", 3, TEXT_WORD, "a\\x20b" },
	{ "prose has blanks", "a b", 3, TEXT_PROSE, "a b" },
	{ "a word has no brackets", "<a>", 3, TEXT_WORD, "\\x3ca\\x3e" },
	{ "prose has brackets", "<a>", 3, TEXT_PROSE, "<a>" },
	{ "a backslash", "\\", 1, TEXT_PROSE, "\\x5c" },
	{ "a double quote", "\"", 1, TEXT_PROSE, "\\x22" },
	{ "CR LF", "\r\n", 2, TEXT_PROSE, "\\x0d\\x0a" },
	{ "NUL in the middle", "a\0b", 3, TEXT_PROSE, "a\\x00b" },
	{ "DEL and ESC", "\x7f\x1b", 2, TEXT_WORD, "\\x7f\\x1b" },
	{ "UTF-8", "\xc3\xbc", 2, TEXT_PROSE, "\\xc3\\xbc" },
	{ "percent stays", "%n", 2, TEXT_WORD, "%n" },
	{ "nothing", "", 0, TEXT_WORD, "" },
	/* clang-format on */
};

static void
test_array(void)
{
	unsigned *items = NULL, *more;
	size_t room = 0, grown = 0;
	bool kept = true;

	for (unsigned i = 0; i < 10000; i++) {
		const size_t before = room;

		items = array_grow(items, i, 1, &room, sizeof(*items));
		if (items == NULL || room <= i)
			exit(2);
		grown += room != before;
		items[i] = i;
	}
	for (unsigned i = 0; i < 10000; i++)
		kept = kept && items[i] == i;
	ok(kept, "an array keeps its items");
	ok(grown < 16, "and moves but a few times: %zu", grown);
	more = array_grow(items, 10000, 0, &room, sizeof(*items));
	ok(more == items, "room for none more is there");
	ok(array_grow(items, 10000, SIZE_MAX - 5, &room, 1) == NULL &&
		array_grow(items, 10000, SIZE_MAX / 4, &room, 8) == NULL,
	    "no array holds more than memory can");
	ok(array_grow(items, SIZE_MAX, 1, &room, 1) == NULL &&
		array_grow(items, SIZE_MAX / 4, 1, &room, 8) == NULL,
	    "nor does one that is said to have done so already");
	is_int((long long)room, 16384, "and the room is as it was");
	free(items);
	room = 0;
	items = array_grow(NULL, 0, 1000, &room, sizeof(*items));
	ok(items != NULL && room >= 1000, "much at once");
	free(items);
}

/* Every digit there is, and nothing else. */
static void
test_hex(void)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	bool right = true;

	for (int c = 0; c < 256; c++) {
		const char *at = c != 0 ? strchr(digits, c) : NULL;
		int want = at != NULL ? (int)(at - digits) : -1;

		if (want > 15)
			want -= 6;
		right = right && text_hex_value((char)c) == want;
	}
	ok(right, "the values of hexadecimal digits");
}

/* clang-format off */
static const struct {
	const char *spelled;
	bool found;
	enum addr_family family;
	const char *rest;
	const char *path;
} socket_names[] = {
	{ "unix:/run/m", true, ADDR_NONE, "/run/m", "/run/m" },
	{ "local:/run/m", true, ADDR_NONE, "/run/m", "/run/m" },
	{ "Unix:/run/M", true, ADDR_NONE, "/run/M", "/run/M" },
	{ "inet:8891@[::1]", true, ADDR_IPV4, "8891@[::1]", NULL },
	{ "INET6:8891@::1", true, ADDR_IPV6, "8891@::1", NULL },
	{ "unix", false, ADDR_NONE, NULL, NULL },
	{ "inet4:1@h", false, ADDR_NONE, NULL, NULL },
	{ "/run/m", false, ADDR_NONE, NULL, NULL },
	{ "", false, ADDR_NONE, NULL, NULL },
};
/* clang-format on */

static void
test_socket_names(void)
{
	for (size_t i = 0; i < nitems(socket_names); i++) {
		const char *spelled = socket_names[i].spelled;
		struct socket_name name = { ADDR_NONE, NULL };

		is_int(socket_name_parse(&name, spelled), socket_names[i].found,
		    spelled);
		is_int(name.family, socket_names[i].family, "its family");
		is_str(name.rest, socket_names[i].rest, "what follows");
		is_str(socket_name_path(spelled), socket_names[i].path,
		    "its path");
	}
}

static void
test_safe(void)
{
	char long_text[600], buf[4096];
	struct text text;

	for (size_t i = 0; i < nitems(safe_cases); i++) {
		const struct safe_case *c = &safe_cases[i];

		text_init(&text, buf, sizeof(buf));
		text_put_safe(&text, c->text, c->len, c->style);
		is_str(buf, c->want, c->what);
	}
	memset(long_text, 'x', sizeof(long_text));
	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, long_text, TEXT_FIELD_MAX, TEXT_WORD);
	is_int((long long)text.len, TEXT_FIELD_MAX, "512 bytes are shown");
	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, long_text, TEXT_FIELD_MAX + 1, TEXT_WORD);
	is_int((long long)text.len, TEXT_FIELD_MAX + 3, "513 are cut");
	is_str(buf + TEXT_FIELD_MAX, "...", "and three dots follow");
}

static int
hex_value(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* What a reader of the log does: the bytes behind an encoded word. */
static size_t
decode(unsigned char *out, const char *s)
{
	size_t len = 0;

	while (*s != '\0') {
		if (s[0] == '\\') {
			out[len++] = (unsigned char)(hex_value(s[2]) * 16 +
			    hex_value(s[3]));
			s += 4;
		} else {
			out[len++] = (unsigned char)*s++;
		}
	}
	return len;
}

/* A record of three words, the client's in the middle, reads back as that. */
static int
survives(const char *bytes, size_t len, enum text_style style)
{
	char buf[64];
	unsigned char back[64];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, bytes, len, style);
	for (const char *c = buf; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '"' ||
		    (style == TEXT_WORD && strchr(" <>", *c) != NULL))
			return 0;
	return !text.overflow && decode(back, buf) == len &&
	    memcmp(back, bytes, len) == 0;
}

static void
test_round_trip(void)
{
	int singles = 1, pairs = 1;

	for (int a = 0; a < 256; a++) {
		char bytes[2] = { (char)a, 0 };

		singles &= survives(bytes, 1, TEXT_WORD);
		singles &= survives(bytes, 1, TEXT_PROSE);
		for (int b = 0; b < 256; b++) {
			bytes[1] = (char)b;
			pairs &= survives(bytes, 2, TEXT_WORD);
			pairs &= survives(bytes, 2, TEXT_PROSE);
		}
	}
	ok(singles, "every byte is one word and reads back as itself");
	ok(pairs, "so does every pair of bytes");
}

static void
test_bounds(void)
{
	char buf[8];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	text_put(&text, "1234567");
	ok(!text.overflow, "text may fill its buffer");
	text_put(&text, "8");
	ok(text.overflow, "one byte more is an overflow");
	is_str(buf, "1234567", "and is not written");
	text_init(&text, buf, sizeof(buf));
	text_printf(&text, "%s", "123456789");
	ok(text.overflow && text.len == 7, "formatted text is cut");
	is_str(buf, "1234567", "at the end of the buffer");
	text_init(&text, buf, sizeof(buf));
	text_put(&text, "1234");
	text_put_safe(&text, "\n", 1, TEXT_WORD);
	text_put_safe(&text, "a", 1, TEXT_WORD);
	text_put(&text, "b");
	text_printf(&text, "%d", 1);
	is_str(buf, "1234", "half an escape is not written, nor what follows");
	text_init(&text, buf, 1);
	text_put(&text, "a");
	ok(text.overflow && text.len == 0, "a buffer for the end alone");
}

static const struct utf8_case {
	const char *what;
	const char *text;
	int valid;
} utf8_cases[] = {
	/* clang-format off */
	{ "ASCII", "abc", 1 },
	{ "empty text", "", 1 },
	{ "two bytes", "\xc3\xbc", 1 },
	{ "three bytes", "\xe2\x82\xac", 1 },
	{ "four bytes", "\xf0\x9f\x93\xa7", 1 },
	{ "the last code point", "\xf4\x8f\xbf\xbf", 1 },
	{ "beyond the last", "\xf4\x90\x80\x80", 0 },
	{ "a lone continuation", "\x80", 0 },
	{ "a torn sequence", "\xe2\x82", 0 },
	{ "two bytes for ASCII", "\xc1\x81", 0 },
	{ "three bytes for two", "\xe0\x9f\xbf", 0 },
	{ "four bytes for three", "\xf0\x8f\xbf\xbf", 0 },
	{ "a surrogate", "\xed\xa0\x80", 0 },
	{ "Latin-1", "\xfc" "ber", 0 },
	{ "five bytes", "\xf8\x88\x80\x80\x80", 0 },
	/* clang-format on */
};

static const char *const names[] = { "bindings", "remote_ip_ranges",
	"require_tls", "usage", "permission_groups", "tarpit_interval" };

static const struct near_case {
	const char *what;
	const char *word;
	const char *want;
} near_cases[] = {
	/* clang-format off */
	{ "a letter left out", "bindngs", "bindings" },
	{ "a letter too many", "usagee", "usage" },
	{ "two letters swapped", "uasge", "usage" },
	{ "case and underscores do not count", "RemoteIPRange",
	    "remote_ip_ranges" },
	{ "blanks do not count", "tarpit intervall", "tarpit_interval" },
	{ "three slips in a long name", "permision_gruops_",
	    "permission_groups" },
	{ "another word", "color", NULL },
	{ "too many slips in a short word", "sge", NULL },
	{ "no word", "", NULL },
	/* clang-format on */
};

static void
test_names(void)
{
	char huge[300];

	for (size_t i = 0; i < nitems(utf8_cases); i++)
		is_int(text_is_utf8(
			   utf8_cases[i].text, strlen(utf8_cases[i].text)),
		    utf8_cases[i].valid, utf8_cases[i].what);
	for (size_t i = 0; i < nitems(near_cases); i++)
		is_str(text_nearest(near_cases[i].word, names, nitems(names)),
		    near_cases[i].want, near_cases[i].what);
	memset(huge, 'u', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	is_str(text_nearest(huge, names, nitems(names)), NULL, "a huge word");
	is_str(text_nearest("usag", (const char *const[]){ huge, "usage" }, 2),
	    "usage", "a huge name is near to nothing");
	ok(text_same_name("RemoteIPRanges", "remote_ip_ranges"),
	    "Exchange's spelling is ours");
	ok(text_same_name("remote-ip-ranges", "remote_ip_ranges"),
	    "hyphens are underscores");
	ok(!text_same_name("remote_ip_range", "remote_ip_ranges"),
	    "a shorter name is another");
	ok(!text_same_name("remote ip ranges", "remote_ip_ranges"),
	    "a blank is not an underscore");
	is_int(text_casecmp("Example", "eXAMPLE"), 0, "case is folded");
	is_int(text_casecmp("a", "b"), -1, "a comes before b");
	is_int(text_casecmp("ab", "a"), 1, "longer comes after shorter");
	is_int(text_ncasecmp("abX", "ABy", 2), 0, "only n bytes count");
	ok(text_casecmp("\xc3\x9c", "\xc3\xbc") != 0,
	    "only ASCII letters have a case");
}

/* Runs print into memory; the caller frees the result. */
static char *
printed(const struct diags *diags)
{
	char *out = NULL;
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	diags_print(diags, stream);
	fclose(stream);
	return out;
}

static void
test_diags(void)
{
	static const char want[] =
	    "error: no place at all\n"
	    "a.ini:0: error: the whole file\n"
	    "a.ini:3: error: [connector x] usage: second of three\n"
	    "a.ini:3: warning: [connector x] first of three\n"
	    "a.ini:10: error: bindings: a key without section\n"
	    "b.ini:1: error: [a\\x0ab: error: c] k\\x0d: a hostile name\n"
	    "c\\x0a.ini:1: error: ?a raw byte??\n";
	struct diags *diags = diags_new();
	struct place line3 = { .file = "a.ini",
		.line = 3,
		.section = "connector x",
		.key = "usage" };
	struct place line3b = {
		.file = "a.ini", .line = 3, .section = "connector x"
	};
	struct place line10 = {
		.file = "a.ini", .line = 10, .key = "bindings"
	};
	struct place whole = { .file = "a.ini" };
	struct place hostile = { .file = "b.ini",
		.line = 1,
		.section = "a\nb: error: c",
		.key = "k\r" };
	struct place torn = { .file = "c\n.ini", .line = 1 };
	char *out;

	diag_add(diags, SEVERITY_ERROR, &torn, "\na raw byte%c%c", 0x9b, 0x7f);
	diag_add(diags, SEVERITY_ERROR, &hostile, "a hostile name");
	diag_add(diags, SEVERITY_ERROR, &line10, "a key without section");
	diag_add(diags, SEVERITY_ERROR, &line3, "%s of three", "second");
	diag_add(diags, SEVERITY_WARNING, &line3b, "first of three");
	diag_add(diags, SEVERITY_ERROR, &line3, "second of three");
	diag_add(diags, SEVERITY_ERROR, &whole, "the whole file");
	diag_add(diags, SEVERITY_ERROR, NULL, "no place at all");
	out = printed(diags);
	is_str(out, want, "problems are sorted, encoded, and written once");
	free(out);
	out = printed(diags);
	is_str(out, want, "and the same when written again");
	free(out);
	is_int((long long)diags_count(diags, SEVERITY_WARNING), 1, "warnings");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 7, "errors");
	diags_free(diags);
	diags_free(NULL);
}

static void
test_many_diags(void)
{
	struct diags *diags = diags_new();
	struct place place = { .file = "x.ini" };
	size_t lines = 0;
	char *out;

	for (place.line = 5000; place.line > 0; place.line--)
		diag_add(diags, SEVERITY_ERROR, &place, "n");
	out = printed(diags);
	for (const char *c = out; *c != '\0'; c++)
		lines += *c == '\n';
	is_int((long long)lines, 5000, "five thousand problems, as many lines");
	ok(strncmp(out, "x.ini:1: error: n\nx.ini:2: ", 27) == 0,
	    "lines sort as numbers");
	free(out);
	diags_free(diags);
}

static void
test_quote(void)
{
	char buf[DIAG_QUOTE_MAX], value[400], want[404];

	is_str(diag_quote(buf, "010.0.0.1"), "'010.0.0.1'", "a plain value");
	is_str(diag_quote(buf, ""), "''", "an empty value");
	is_str(diag_quote(buf, "a\n\"b\""), "'a\\x0a\\x22b\\x22'",
	    "an encoded value");
	memset(value, 'v', sizeof(value));
	value[157] = '\0';
	snprintf(want, sizeof(want), "'%s'", value);
	is_str(diag_quote(buf, value), want, "the longest value not cut");
	memset(value, 'v', sizeof(value) - 1);
	value[0] = 'a';
	value[sizeof(value) - 2] = 'z';
	value[sizeof(value) - 1] = '\0';
	snprintf(want, sizeof(want), "'a%.76s...%.76sz'", value + 1, value + 1);
	is_str(diag_quote(buf, value), want, "a long one loses its middle");
	memset(value, '\n', sizeof(value) - 1);
	diag_quote(buf, value);
	is_int((long long)strlen(buf), 2 + 19 * 4 + 3 + 19 * 4,
	    "escapes are never cut in two");
}

static void
write_json(struct json *json)
{
	json_open(json, NULL, '{');
	json_string(json, "verdict", "reject");
	json_string(json, "sender", NULL);
	json_bool(json, "tls", false);
	json_number(json, "count", 0);
	json_number(json, "most", LLONG_MAX);
	json_number(json, "least", LLONG_MIN);
	json_open(json, "steps", '[');
	json_open(json, NULL, '{');
	json_string(json, "rule", "relay");
	json_bool(json, "passed", true);
	json_close(json, '}');
	json_string(json, NULL, "x");
	json_number(json, NULL, -7);
	json_close(json, ']');
	json_open(json, "none", '[');
	json_close(json, ']');
	json_open(json, "empty", '{');
	json_close(json, '}');
	json_string(json, "b\"\\", "\"\\\b\t\n\x1f\x7f\xc2\x9b");
	json_string(json, "utf8", "\xc3\xbc\xff\xe2\x82z\xf0\x9f\x93\xa7");
	json_close(json, '}');
}

static void
test_json(void)
{
	static const char want[] =
	    "{\n"
	    "  \"verdict\": \"reject\",\n"
	    "  \"sender\": null,\n"
	    "  \"tls\": false,\n"
	    "  \"count\": 0,\n"
	    "  \"most\": 9223372036854775807,\n"
	    "  \"least\": -9223372036854775808,\n"
	    "  \"steps\": [\n"
	    "    {\n"
	    "      \"rule\": \"relay\",\n"
	    "      \"passed\": true\n"
	    "    },\n"
	    "    \"x\",\n"
	    "    -7\n"
	    "  ],\n"
	    "  \"none\": [],\n"
	    "  \"empty\": {},\n"
	    "  \"b\\\"\\\\\": \"\\\"\\\\\\u0008\\u0009\\u000a\\u001f\\u007f"
	    "\\u009b\",\n"
	    "  \"utf8\": \"\xc3\xbc\\ufffd\\ufffd\\ufffdz\xf0\x9f\x93\xa7\"\n"
	    "}\n";
	char *out = NULL;
	size_t len;
	FILE *stream = open_memstream(&out, &len);
	struct json json;

	json_init(&json, stream);
	write_json(&json);
	fclose(stream);
	is_str(out, want, "one JSON document");
	free(out);
}

static void
test_digest(void)
{
	char hex[DIGEST_HEX_MAX];
	struct digest *digest = digest_new();

	is_int(digest_finish(digest, hex), 0, "a digest of nothing");
	is_str(hex,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855",
	    "is what FIPS 180-4 says");
	digest = digest_new();
	digest_add(digest, "a", 1);
	digest_add(digest, "", 0);
	digest_add(digest, "bc", 2);
	is_int(digest_finish(digest, hex), 0, "a digest in parts");
	is_str(hex,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad",
	    "is that of the whole");
}

/* RFC 4231 section 4, all test cases but the truncated one. */
/* clang-format off */
static const struct {
	const char *what;
	const char *key;
	size_t key_repeat; /* the key's one byte, so often; 0: as it is */
	const char *data;
	size_t data_repeat;
	const char *want;
} hmac_cases[] = {
	{ "test case 1", "\x0b", 20, "Hi There", 0,
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7" },
	{ "test case 2, a short key", "Jefe", 0,
	    "what do ya want for nothing?", 0,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843" },
	{ "test case 3", "\xaa", 20, "\xdd", 50,
	    "773ea91e36800e46854db8ebd09181a7"
	    "2959098b3ef8c122d9635514ced565fe" },
	{ "test case 4", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
	    "\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", 0,
	    "\xcd", 50,
	    "82558a389a443c0ea4cc819899f2083a"
	    "85f0faa3e578f8077a2e3ff46729665b" },
	{ "test case 6, a key longer than a block", "\xaa", 131,
	    "Test Using Larger Than Block-Size Key - Hash Key First", 0,
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54" },
	{ "test case 7, that and long data", "\xaa", 131,
	    "This is a test using a larger than block-size key and a larger "
	    "than block-size data. The key needs to be hashed before being "
	    "used by the HMAC algorithm.", 0,
	    "9b09ffa71b942fcb27635fbcd5b0e944"
	    "bfdc63644f0713938a7f51535c3a35e2" },
	{ "nothing by an empty key", "", 0, "", 0,
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad" },
};
/* clang-format on */

/* The bytes of a case in buf; their number. */
static size_t
spell_out(char buf[256], const char *text, size_t repeat)
{
	if (repeat > 0)
		memset(buf, text[0], repeat);
	else
		memcpy(buf, text, strlen(text));
	return repeat > 0 ? repeat : strlen(text);
}

static void
test_digest_at_once(void)
{
	unsigned char sum[DIGEST_SIZE];
	char hex[DIGEST_HEX_MAX], key[256], data[256];

	is_int(digest_of(sum, "abc", 3), 0, "a digest at once");
	is_str(digest_hex(hex, sum),
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad",
	    "is that of the parts");
	is_int(digest_of(sum, "", 0), 0, "of nothing");
	is_str(digest_hex(hex, sum),
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855",
	    "is what FIPS 180-4 says");
	for (size_t i = 0; i < nitems(hmac_cases); i++) {
		const size_t key_len =
		    spell_out(key, hmac_cases[i].key, hmac_cases[i].key_repeat);
		const size_t len = spell_out(
		    data, hmac_cases[i].data, hmac_cases[i].data_repeat);

		is_int(digest_hmac(
			   sum, (const unsigned char *)key, key_len, data, len),
		    0, "HMAC-SHA-256 of RFC 4231");
		is_str(digest_hex(hex, sum), hmac_cases[i].want,
		    hmac_cases[i].what);
	}
	is_int(digest_hmac(sum, (const unsigned char *)key, (size_t)INT_MAX + 1,
		   data, 0),
	    -1, "a key larger than libcrypto can count is refused");
}

int
main(void)
{
	test_arena();
	test_numbers();
	test_array();
	test_hex();
	test_socket_names();
	test_safe();
	test_round_trip();
	test_bounds();
	test_names();
	test_diags();
	test_many_diags();
	test_quote();
	test_json();
	test_digest();
	test_digest_at_once();
	return done();
}
