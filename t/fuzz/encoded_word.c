/*
 * encoded_word.c - bytes as a display name to encode, and as encoded words.
 *
 * Holds: a name written as a phrase reads back as the name, but for what has
 * no place in one; no word is longer than 75 characters and all is printable
 * ASCII; where there is no room nothing is written beyond it; an encoded word
 * ends within its text and stands for no more octets than it has characters.
 */
#include "encoded_word.h"
#include "fuzz.h"

#define PHRASE_MAX 32768

/* Octets put one after the other. */
struct octets {
	char *bytes;
	size_t len;
	size_t room;
};

static void
put(void *arg, char octet)
{
	struct octets *octets = arg;

	must(octets->len < octets->room, "a word stands for what it has");
	octets->bytes[octets->len++] = octet;
}

/* Whatever words there are, at every place where one may begin. */
static void
check_words(const char *text, size_t len)
{
	struct octets octets = { fuzz_alloc(len), 0, len };

	for (size_t i = 0; i < len; i++) {
		struct encoded_word word;
		const size_t length = encoded_word_at(&word, text + i, len - i);

		if (length == 0)
			continue;
		must(length <= len - i && text[i + length - 1] == '=',
		    "a word ends where its text does");
		must(word.text >= text + i &&
			word.text + word.text_len <= text + i + length &&
			word.charset >= text + i &&
			word.charset + word.charset_len < word.text,
		    "its parts lie in it");
		octets.len = 0;
		encoded_word_octets(&word, put, &octets);
	}
	free(octets.bytes);
}

/* What a phrase can carry of name: U+FFFD instead of all else. */
static char *
presentable(const char *name)
{
	char *out = fuzz_alloc(3 * strlen(name) + 1);
	size_t left = strlen(name), len = 0;

	while (left > 0) {
		const size_t n = text_utf8_length(name, left);
		const size_t step = n > 0 ? n : 1;

		if (n == 0 || text_is_control(name, n)) {
			memcpy(out + len, "\xef\xbf\xbd", 3);
			len += 3;
		} else {
			memcpy(out + len, name, n);
			len += n;
		}
		name += step;
		left -= step;
	}
	out[len] = '\0';
	return out;
}

static void
read_quoted(const char *phrase, struct octets *octets)
{
	const char *end = phrase + strlen(phrase) - 1;

	must(end > phrase && *end == '"', "a quoted name ends in a quote");
	for (phrase++; phrase < end; phrase++) {
		must(*phrase != '"', "no quote stands within it");
		phrase += *phrase == '\\';
		must(phrase < end, "no backslash takes the last quote");
		put(octets, *phrase);
	}
}

static void
read_words(const char *phrase, struct octets *octets)
{
	while (*phrase != '\0') {
		struct encoded_word word;
		const size_t length =
		    encoded_word_at(&word, phrase, strlen(phrase));

		must(length > 0 && length <= 75, "a word has 75 characters");
		must(word.charset_len == 5 &&
			strncmp(word.charset, "UTF-8", 5) == 0,
		    "and is in UTF-8");
		const size_t before = octets->len;
		encoded_word_octets(&word, put, octets);
		must(text_is_utf8(octets->bytes + before, octets->len - before),
		    "no word splits a character");
		phrase += length;
		must(*phrase == '\0' || *phrase == ' ', "a space parts words");
		phrase += *phrase == ' ';
	}
}

static void
check_phrase(const char *name, const char *phrase)
{
	char *want = presentable(name);
	struct octets octets = { fuzz_alloc(PHRASE_MAX), 0, PHRASE_MAX };

	for (const char *p = phrase; *p != '\0'; p++)
		must(*p >= ' ' && *p <= '~', "a phrase is printable ASCII");
	if (phrase[0] == '"')
		read_quoted(phrase, &octets);
	else
		read_words(phrase, &octets);
	must(octets.len == strlen(want) &&
		memcmp(octets.bytes, want, octets.len) == 0,
	    "a phrase reads back as the name");
	free(octets.bytes);
	free(want);
}

static void
check_room(const char *name, const char *phrase, size_t room)
{
	char *buf = fuzz_alloc(room);
	struct text text;

	text_init(&text, buf, room);
	encoded_word_put(&text, name);
	must(strlen(buf) < room && strlen(buf) <= strlen(phrase),
	    "what does not fit is left out");
	must(text.overflow || strcmp(buf, phrase) == 0, "and that is said");
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = fuzz_bytes(data, size);
	char *name = fuzz_text(data, size < 4096 ? size : 4096);
	char *phrase = fuzz_alloc(PHRASE_MAX);
	struct text text;

	check_words(bytes, size < 2048 ? size : 2048);
	text_init(&text, phrase, PHRASE_MAX);
	encoded_word_put(&text, name);
	must(!text.overflow, "there is room enough");
	check_phrase(name, phrase);
	check_room(name, phrase, 1 + size % 100);
	check_room(name, phrase, strlen(phrase) + 1);
	free(phrase);
	free(name);
	free(bytes);
	return 0;
}
