/*
 * corners.c - the ground under everything, at its edges: memory that ends at
 * each place where it may, more than there is room for, what no caller passes.
 */
#include <stdint.h>

#include "array.h"
#include "diag.h"
#include "directory_parts.h"
#include "faults.h"
#include "mailbox.h"
#include "space.h"
#include "stamp.h"
#include "table.h"
#include "text.h"

#include "connectors.h"

/* An arena takes blocks of this size: so far from its end, it needs another. */
#define BLOCK 16384
#define STEP 16

static struct arena *
arena_of(size_t bytes)
{
	struct arena *arena = arena_new();

	if (arena == NULL || arena_alloc(arena, bytes, 1) == NULL)
		exit(2);
	return arena;
}

/* --- text --- */

static void
test_text(void)
{
	char buf[8];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	text_put(&text, "a");
	text_printf(&text, "b%ls", L"\x100");
	ok(text.overflow && text.len == 1,
	    "what cannot be written in this locale is left out");
	ok(text_is_control("\xc2\x9f", 2) && !text_is_control("\xc2\xa0", 2) &&
		!text_is_control("\xc3\x9f", 2),
	    "C1 ends before the no-break space");
}

/* --- arrays and tables --- */

static void
test_room(void)
{
	const struct table_key key = { 1, 2 };
	struct table *table;
	size_t room = 0;
	long long *number;

	scarcity_begin(1, false);
	ok(array_grow(NULL, 0, 1, &room, 8) == NULL && room == 0,
	    "an array without memory has no room");
	(void)scarcity_end();
	for (unsigned long k = 1; k <= 2; k++) {
		const long before = atomic_load(&scarcity_blocks);

		scarcity_begin(k, false);
		table = table_new(64);
		(void)scarcity_end();
		ok(table == NULL && atomic_load(&scarcity_blocks) == before,
		    "nor is there a table");
	}
	table = table_new(64);
	number = table != NULL ? table_claim(table, &key, 0) : NULL;
	ok(number != NULL && *number == 0, "with memory there is");
	table_free(table);
}

/* --- problems --- */

static const struct place place = { "f.ini", 7, "section", "key" };

/* One problem of so many bytes, then one for which memory ends. */
static bool
is_counted(size_t bytes, unsigned long k)
{
	static char words[BLOCK];
	struct diags *diags = diags_new();
	char *out = NULL;
	size_t size;
	unsigned long failed;
	FILE *stream;
	bool right;

	memset(words, 'x', bytes);
	words[bytes] = '\0';
	diag_add(diags, SEVERITY_ERROR, &place, "%s", words);
	scarcity_begin(k, true);
	diag_add(diags, SEVERITY_WARNING, &place, "%s", "the other");
	failed = scarcity_end();
	stream = open_memstream(&out, &size);
	diags_print(diags, stream);
	fclose(stream);
	if (diags_count(diags, SEVERITY_WARNING) == 1)
		right = strstr(out,
			    "f.ini:7: warning: [section] key: the "
			    "other\n") != NULL;
	else
		right = failed > 0 && diags_count(diags, SEVERITY_ERROR) == 2 &&
		    strstr(out,
			"error: out of memory: 1 more problems are not "
			"shown\n") != NULL;
	free(out);
	diags_free(diags);
	return right;
}

static void
test_problems(void)
{
	struct diags *diags;
	unsigned wrong = 0;

	for (size_t bytes = 0; bytes < BLOCK / 2; bytes += STEP / 2)
		for (unsigned long k = 1; k <= 4; k++)
			wrong += !is_counted(bytes, k);
	is_int(wrong, 0, "a problem is told, or that there is one more");
	diags = diags_new();
	for (unsigned i = 0; i < 1000; i++) {
		scarcity_begin(1 + i % 4, true);
		diag_add(diags, SEVERITY_ERROR, &place, "%u", i);
		(void)scarcity_end();
	}
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 1000,
	    "each of a thousand is counted");
	diags_free(diags);
	diags_free(NULL);
}

/* --- mailboxes --- */

static void
test_patterns(void)
{
	static const char *const texts[] = { "user@example.com",
		"*.example.com" };
	unsigned wrong = 0, lost = 0;

	for (size_t i = 0; i < 2 * (BLOCK / STEP); i++) {
		struct arena *arena = arena_of((i / 2 + 1) * STEP);
		struct mailbox_pattern pattern;
		const char *told;
		bool failed;

		scarcity_begin(1, true);
		told = mailbox_pattern_parse(arena, &pattern, texts[i % 2]);
		failed = scarcity_end() > 0;
		wrong += failed != (told != NULL) ||
		    (failed && strcmp(told, "out of memory") != 0);
		lost += failed;
		arena_free(arena);
	}
	ok(wrong == 0 && lost > 2, "a pattern is whole, or out of memory: %u",
	    lost);
}

/* --- spaces --- */

/* clang-format off */
static const struct sketch sketches[] = {
	{ "both", "0.0.0.0:25 [::]:25", "10.0.0.0/8 2001:db8::/32", LIVE },
	{ "inner", "0.0.0.0:25 [::]:25", "10.1.0.0/16 2001:db8:1::/48", LIVE },
	{ NULL, NULL, NULL, LIVE },
};
/* clang-format on */

static void
test_space(void)
{
	struct arena *arena = arena_new();
	const struct policy policy = policy_of(arena, sketches, NULL, NULL);
	unsigned wrong = 0, lost = 0;

	for (size_t bytes = STEP; bytes <= BLOCK; bytes += STEP) {
		bool whole = false;

		for (unsigned long k = 1; !whole; k++) {
			struct arena *other = arena_of(bytes);

			scarcity_begin(k, true);
			whole = space_build(other, policy.connectors,
				    policy.connector_count, NULL, NULL) != NULL;
			wrong += whole == (scarcity_end() > 0);
			lost += !whole;
			arena_free(other);
		}
	}
	ok(wrong == 0 && lost > 10, "a space is whole, or none: %u", lost);
	arena_free(arena);
}

/* --- a directory --- */

static const char repeats[] = "a@example.com aliases=b@example.com\n"
			      "b@example.com\na@example.com\n";
static const char fit[] = "a@example.com aliases=b@example.com\n";
static const char *loaded;

static void
try_load(void)
{
	struct diags *diags = diags_new();
	struct directory *directory;

	starve();
	directory = directory_load("r", loaded, strlen(loaded), diags);
	feed();
	if ((directory == NULL) != (diags_count(diags, SEVERITY_ERROR) > 0))
		complain("neither a directory nor a problem, or both");
	if (directory != NULL && loaded == repeats)
		complain("one address, two recipients");
	if (directory != NULL && directory_bytes(directory) < 2 * 20)
		complain("not all of it is there");
	directory_free(directory);
	diags_free(diags);
}

static void
try_hash(void)
{
	static const char want[] = "sha256:";
	char buf[512] = "";
	struct diags *diags = diags_new();
	FILE *out = fmemopen(buf, sizeof(buf), "w");
	int result;

	setvbuf(out, NULL, _IONBF, 0);
	starve();
	result = directory_hash("r", fit, strlen(fit), diags, out);
	feed();
	fclose(out);
	if ((result == 0) != (diags_count(diags, SEVERITY_ERROR) == 0))
		complain("neither done nor a problem, or both");
	if ((result == 0) != (strncmp(buf, want, strlen(want)) == 0))
		complain("half of it is written");
	diags_free(diags);
}

static void
test_directory(void)
{
	struct diags *diags = diags_new();
	char *out = NULL;
	size_t size;
	FILE *stream = open_memstream(&out, &size);

	loaded = fit;
	enumerate("a directory", try_load);
	loaded = repeats;
	enumerate("a directory with repetitions", try_load);
	enumerate("a directory that is hashed", try_hash);
	ok(directory_load("r", fit, ((size_t)1 << 30) + 1, diags) == NULL,
	    "a file of more than 1 GB is not looked at");
	diags_print(diags, stream);
	fclose(stream);
	is_str(out,
	    "r:0: error: the file has 1073741825 bytes; at most 1073741824 "
	    "are read\n",
	    "and what is said of it");
	is_int((long long)directory_bytes(NULL), 0, "none takes no memory");
	free(out);
	diags_free(diags);
}

/* The Kelvin sign is k in lower case: fewer bytes. */
static void
test_letters(void)
{
	static const char text[] = "k@example.com\n";
	struct diags *diags = diags_new();
	struct directory *directory =
	    directory_load("r", text, strlen(text), diags);
	struct listing listing;

	is_int(
	    directory_find(directory, "\xe2\x84\xaa", "example.com", &listing),
	    ANSWER_YES, "a sign that is ASCII in lower case");
	directory_free(directory);
	diags_free(diags);
}

static struct stretch
stretch_of(const char *text)
{
	return (struct stretch){ text, text + strlen(text) };
}

/* What read_words and check_line let through to nobody. */
static void
test_reader(void)
{
	static char huge[2 * DIRECTORY_LINE_MAX];
	struct diags *diags = diags_new();
	struct reader *reader = reader_new("r", "", 0, diags);
	struct stretch list = stretch_of("\"a\\"), item;

	if (reader == NULL)
		exit(2);
	memset(huge, 'x', sizeof(huge) - 1);
	is_int((long long)strlen(reader_copy(reader, stretch_of(huge))),
	    DIRECTORY_LINE_MAX, "a copy is no longer than a line");
	reader->address_count = nitems(reader->addresses);
	reader_take_address(reader, stretch_of("a@example.com"));
	is_int((long long)reader->address_count, DIRECTORY_ADDRESSES_MAX,
	    "there are no more addresses than there is room for");
	reader_take_word(reader, stretch_of("name=\"abc"));
	is_str(
	    reader->name, "abc", "a quote that is not closed ends at its end");
	ok(stretch_item(&list, &item) && stretch_len(item) == 3 &&
		!stretch_item(&list, &item),
	    "and so does a backslash in it");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 0,
	    "none of that is a problem");
	reader_free(reader);
	diags_free(diags);
}

int
main(void)
{
	test_text();
	test_room();
	test_problems();
	test_patterns();
	test_space();
	test_directory();
	test_letters();
	test_reader();
	return done();
}
