/*
 * directory_load.c - all lines of a file become a directory, or problems.
 */
#include "directory_parts.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

/* Offsets have 32 bits. */
#define FILE_MAX (1U << 30)

/* A recipient. */
struct entry {
	unsigned line;
	uint32_t listing;
	bool wrong;
};

/* An address or alias of it. */
struct listed {
	struct directory_key key;
	uint32_t entry;
	uint32_t offset; /* in the file */
};

/* One that is listed before. */
struct repeat {
	uint32_t entry;
	uint32_t offset;
	uint32_t earlier;
};

struct loader {
	struct reader *reader;
	const char *bytes;
	struct entry *entries;
	size_t entry_count;
	size_t entry_room;
	struct listed *listed;
	size_t listed_count;
	size_t listed_room;
	char *pool;
	size_t pool_len;
	size_t pool_room;
	struct directory_place *places;
	size_t place_count;
	size_t place_room;
	bool internal_only;
	bool internal_only_hashed;
};

/* Where the pool says what is known of the recipient in hand. */
static int
keep_listing(struct loader *loader, uint32_t *listing)
{
	const struct reader *reader = loader->reader;
	const size_t name = strlen(reader->name) + 1;
	const size_t logins = strlen(reader->logins) + 1;
	char *pool = array_grow(loader->pool, loader->pool_len,
	    1 + name + logins, &loader->pool_room, 1);

	if (pool == NULL)
		return -1;
	loader->pool = pool;
	*listing = (uint32_t)loader->pool_len;
	pool += loader->pool_len;
	*pool++ = reader->internal_only ? 1 : 0;
	memcpy(pool, reader->name, name);
	memcpy(pool + name, reader->logins, logins);
	loader->pool_len += 1 + name + logins;
	return 0;
}

static int
keep_entry(struct loader *loader)
{
	const struct reader *reader = loader->reader;
	struct entry *entries = array_grow(loader->entries, loader->entry_count,
	    1, &loader->entry_room, sizeof(*entries));
	struct entry *entry;

	if (entries == NULL)
		return -1;
	loader->entries = entries;
	entry = &entries[loader->entry_count++];
	entry->line = reader->place.line;
	entry->wrong = reader->wrong;
	loader->internal_only = loader->internal_only || reader->internal_only;
	return keep_listing(loader, &entry->listing);
}

static int
keep_addresses(struct loader *loader)
{
	const struct reader *reader = loader->reader;
	struct listed *listed = array_grow(loader->listed, loader->listed_count,
	    reader->address_count, &loader->listed_room, sizeof(*listed));

	if (listed == NULL)
		return -1;
	loader->listed = listed;
	for (size_t i = 0; i < reader->address_count; i++) {
		const struct address *address = &reader->addresses[i];
		struct listed *item = &listed[loader->listed_count++];

		memcpy(item->key.bytes, address->digest, DIRECTORY_KEY_SIZE);
		item->entry = (uint32_t)(loader->entry_count - 1);
		item->offset = (uint32_t)(address->at - loader->bytes);
	}
	return 0;
}

/* The same addresses, to be found without their domains. */
static int
keep_places(struct loader *loader)
{
	const struct reader *reader = loader->reader;
	const size_t count = reader->internal_only ? reader->address_count : 0;
	struct directory_place *places;

	if (count == 0)
		return 0;
	places = array_grow(loader->places, loader->place_count, count,
	    &loader->place_room, sizeof(*places));
	if (places == NULL)
		return -1;
	loader->places = places;
	for (size_t i = 0; i < count; i++) {
		const struct address *address = &reader->addresses[i];

		if (directory_place(&places[loader->place_count++], address,
			reader->locale) != 0)
			return -1;
		if (address->end == NULL)
			loader->internal_only_hashed = true;
	}
	return 0;
}

static int
by_key(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;
	const int order = memcmp(&a->key, &b->key, sizeof(a->key));

	return order != 0 ? order
			  : (a->offset > b->offset) - (a->offset < b->offset);
}

static int
by_offset(const void *left, const void *right)
{
	const struct repeat *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The address at offset, as it is written; one was read there. */
static struct stretch
written(const struct loader *loader, uint32_t offset)
{
	const char *at = loader->bytes + offset;
	struct stretch rest = { at, loader->reader->rest.end };
	struct stretch word, address = { at, at };
	const char *feed = memchr(at, '\n', stretch_len(rest));
	bool closed;

	if (feed != NULL)
		rest.end = feed;
	(void)stretch_word(&rest, &word, &closed);
	(void)stretch_item(&word, &address);
	if (address.end[-1] == '\r')
		address.end--;
	return address;
}

static void
report_repeat(struct loader *loader, const struct repeat *repeat)
{
	struct reader *reader = loader->reader;
	struct entry *entry = &loader->entries[repeat->entry];
	const unsigned line = loader->entries[repeat->earlier].line;
	char quoted[DIAG_QUOTE_MAX];

	reader->place.line = entry->line;
	reader->counted = entry->wrong;
	reader_quote(reader, quoted, written(loader, repeat->offset));
	if (line == entry->line)
		reader_problem(reader,
		    "%s stands twice in this line; write it once", quoted);
	else
		reader_problem(reader,
		    "%s stands in line %u already; give each address, also as "
		    "an alias, to one recipient",
		    quoted, line);
	entry->wrong = true;
}

/* Sorts what is listed, and reports what is listed twice. */
static int
find_repeats(struct loader *loader)
{
	struct listed *listed = loader->listed;
	const struct listed *first = listed;
	struct repeat *repeats = NULL;
	size_t count = 0, room = 0;

	if (loader->listed_count > 0)
		qsort(listed, loader->listed_count, sizeof(*listed), by_key);
	for (size_t i = 1; i < loader->listed_count; i++) {
		struct repeat *more;

		if (memcmp(&first->key, &listed[i].key, sizeof(first->key)) !=
		    0) {
			first = &listed[i];
			continue;
		}
		more = array_grow(repeats, count, 1, &room, sizeof(*repeats));
		if (more == NULL) {
			free(repeats);
			return -1;
		}
		repeats = more;
		repeats[count++] = (struct repeat){ listed[i].entry,
			listed[i].offset, first->entry };
	}
	if (count > 0)
		qsort(repeats, count, sizeof(*repeats), by_offset);
	for (size_t i = 0; i < count; i++)
		report_repeat(loader, &repeats[i]);
	free(repeats);
	return 0;
}

/* Every problem of the file. */
static void
read_all(struct loader *loader)
{
	struct reader *reader = loader->reader;
	unsigned last;

	while (reader_next(reader))
		if (keep_entry(loader) != 0 || keep_addresses(loader) != 0 ||
		    keep_places(loader) != 0)
			reader_no_memory(reader);
	last = reader->place.line;
	if (!reader->broken && find_repeats(loader) != 0)
		reader_no_memory(reader);
	reader->place.line = last;
	reader_sum_up(reader);
	if (loader->entry_count > 0 || reader->broken)
		return;
	reader->place.line = 0;
	reader_problem(reader,
	    "the file has no recipient; write one a line, such as "
	    "user@example.com, or do not name the file");
}

/* Only smaller: failing is no harm. */
static void *
shrink(void *items, size_t size)
{
	void *smaller = realloc(items, size + 1);

	if (smaller == NULL)
		return items;
	return smaller;
}

/* Moves everything to where it stays. */
static int
fill(struct directory *directory, struct loader *loader)
{
	const size_t count = loader->listed_count;

	directory->keys = calloc(count + 1, sizeof(*directory->keys));
	directory->listings = calloc(count + 1, sizeof(*directory->listings));
	if (directory->keys == NULL || directory->listings == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct listed *listed = &loader->listed[i];

		directory->keys[i] = listed->key;
		directory->listings[i] = loader->entries[listed->entry].listing;
	}
	directory->key_count = count;
	directory->pool = shrink(loader->pool, loader->pool_len);
	directory->pool_len = loader->pool_len;
	directory->count = loader->entry_count;
	directory->internal_only = loader->internal_only;
	directory->internal_only_hashed = loader->internal_only_hashed;
	directory->places = shrink(
	    loader->places, loader->place_count * sizeof(*loader->places));
	directory->place_count = loader->place_count;
	directory->locale = loader->reader->locale;
	loader->pool = NULL;
	loader->places = NULL;
	return 0;
}

static struct directory *
build(struct loader *loader)
{
	struct directory *directory = calloc(1, sizeof(*directory));

	if (directory != NULL && fill(directory, loader) != 0) {
		directory_free(directory);
		directory = NULL;
	}
	if (directory == NULL)
		reader_no_memory(loader->reader);
	return directory;
}

static struct directory *
load(struct loader *loader, struct diags *diags)
{
	const size_t before = diags_count(diags, SEVERITY_ERROR);
	struct directory *directory = NULL;

	read_all(loader);
	if (diags_count(diags, SEVERITY_ERROR) == before)
		directory = build(loader);
	free(loader->entries);
	free(loader->listed);
	free(loader->pool);
	free(loader->places);
	reader_free(loader->reader);
	return directory;
}

struct directory *
directory_load(
    const char *file, const char *bytes, size_t len, struct diags *diags)
{
	const struct place place = { .file = file };
	struct loader loader = { .bytes = bytes };

	if (len > FILE_MAX) {
		diag_add(diags, SEVERITY_ERROR, &place,
		    "the file has %zu bytes; at most %u are read", len,
		    FILE_MAX);
		return NULL;
	}
	loader.reader = reader_new(file, bytes, len, diags);
	if (loader.reader == NULL) {
		diag_add(diags, SEVERITY_ERROR, &place,
		    "out of memory, or no locale C.UTF-8 on this system");
		return NULL;
	}
	return load(&loader, diags);
}
