/*
 * sources.c - the bytes of all files a configuration was read from.
 */
#include "sources_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sources *
sources_new(void)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (sources == NULL)
		return NULL;
	sources->arena = arena_new();
	if (sources->arena == NULL) {
		free(sources);
		return NULL;
	}
	return sources;
}

void
sources_free(struct sources *sources)
{
	if (sources == NULL)
		return;
	arena_free(sources->arena);
	free(sources->files.items);
	free(sources->folders.items);
	free(sources);
}

void
sources_seal(struct sources *sources)
{
	sources->sealed = true;
}

/* Where path is on the shelf, or would have to be put. */
static size_t
position(const struct shelf *shelf, const char *path)
{
	size_t low = 0, high = shelf->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(shelf->items[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct item *
sources_find(const struct shelf *shelf, const char *path)
{
	size_t at = position(shelf, path);

	if (at < shelf->count && strcmp(shelf->items[at]->path, path) == 0)
		return shelf->items[at];
	return NULL;
}

struct item *
sources_put(struct sources *sources, struct shelf *shelf, const char *path)
{
	struct arena *arena = sources->arena;
	size_t at = position(shelf, path);
	struct item *item = arena_alloc(arena, 1, sizeof(*item));

	if (shelf->count == shelf->room) {
		size_t room = shelf->room == 0 ? 16 : shelf->room * 2;
		struct item **items =
		    reallocarray(shelf->items, room, sizeof(struct item *));

		if (items == NULL)
			return NULL;
		shelf->items = items;
		shelf->room = room;
	}
	if (item == NULL)
		return NULL;
	item->failed = true;
	item->path = arena_strdup(arena, path);
	if (item->path == NULL)
		return NULL;
	memmove(&shelf->items[at + 1], &shelf->items[at],
	    (shelf->count - at) * sizeof(struct item *));
	shelf->items[at] = item;
	shelf->count++;
	if (sources->main == NULL && shelf == &sources->files)
		sources->main = item->path;
	return item;
}

int
sources_add(
    struct sources *sources, const char *path, const char *bytes, size_t len)
{
	struct item *item;

	if (sources->sealed || sources_find(&sources->files, path) != NULL)
		return -1;
	item = sources_put(sources, &sources->files, path);
	if (item == NULL)
		return -1;
	item->source.path = item->path;
	item->source.bytes = arena_strndup(sources->arena, bytes, len);
	item->source.len = len;
	item->failed = item->source.bytes == NULL;
	return item->failed ? -1 : 0;
}

/* A path without the folder of the main file, if it lies below it. */
static const char *
relative(const struct sources *sources, const char *path)
{
	const char *slash = strrchr(sources->main, '/');
	size_t len;

	if (slash == NULL)
		return path;
	len = (size_t)(slash - sources->main) + 1;
	return strncmp(path, sources->main, len) == 0 ? path + len : path;
}

/* A source as it is hashed: nothing of the folder the configuration is in. */
struct leaf {
	const char *path;
	const struct source *source;
};

/* Two different paths may be one relative to the main file. */
static int
by_path_and_bytes(const void *left, const void *right)
{
	const struct leaf *a = left;
	const struct leaf *b = right;
	int order = strcmp(a->path, b->path);

	if (order == 0)
		order = (a->source->len > b->source->len) -
		    (a->source->len < b->source->len);
	return order != 0
	    ? order
	    : memcmp(a->source->bytes, b->source->bytes, a->source->len);
}

static struct leaf *
leaves(const struct sources *sources, size_t *count)
{
	struct leaf *list = calloc(sources->files.count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list != NULL && i < sources->files.count; i++) {
		const struct item *item = sources->files.items[i];

		if (item->failed)
			continue;
		list[*count].path = relative(sources, item->path);
		list[*count].source = &item->source;
		(*count)++;
	}
	return list;
}

/* The lengths go first, so that no byte can be taken for another part. */
static void
add_leaf(struct digest *digest, const struct leaf *leaf)
{
	char lengths[64];
	size_t path_len = strlen(leaf->path);
	int len = snprintf(
	    lengths, sizeof(lengths), "%zu %zu\n", path_len, leaf->source->len);

	digest_add(digest, lengths, (size_t)len);
	digest_add(digest, leaf->path, path_len);
	digest_add(digest, leaf->source->bytes, leaf->source->len);
}

int
sources_hash(const struct sources *sources, char hex[DIGEST_HEX_MAX])
{
	size_t count;
	struct leaf *list = leaves(sources, &count);
	struct digest *digest = list != NULL ? digest_new() : NULL;

	if (digest == NULL) {
		free(list);
		return -1;
	}
	qsort(list, count, sizeof(*list), by_path_and_bytes);
	for (size_t i = 0; i < count; i++)
		add_leaf(digest, &list[i]);
	free(list);
	return digest_finish(digest, hex);
}
