/*
 * sources.c - the bytes of all files a configuration was read from.
 */
#include "sources_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

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
	for (size_t i = 0; i < sources->files.count; i++) {
		sources_give_back(sources->files.items[i]);
		free(sources->files.items[i]->heap);
	}
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
	struct item **items = array_grow(
	    shelf->items, shelf->count, 1, &shelf->room, sizeof(struct item *));

	if (items == NULL)
		return NULL;
	shelf->items = items;
	if (item == NULL)
		return NULL;
	item->failed = true;
	item->path = arena_strdup(arena, path);
	if (item->path == NULL)
		return NULL;
	memmove(&items[at + 1], &items[at],
	    (shelf->count - at) * sizeof(struct item *));
	items[at] = item;
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
	item->heap = malloc(len + 1);
	item->failed = item->heap == NULL;
	if (item->failed)
		return -1;
	memcpy(item->heap, bytes, len);
	item->source.bytes = item->heap;
	item->source.len = len;
	return 0;
}

void
sources_give_back(struct item *item)
{
	if (item->use != USE_LARGE && item->use != USE_SECRET)
		return;
	if (item->heap != NULL)
		explicit_bzero(item->heap, item->source.len + 1);
	free(item->heap);
	item->heap = NULL;
	item->source.bytes = NULL;
	item->released = true;
}

void
sources_release(struct sources *sources, const struct source *source)
{
	struct item *item = sources_find(&sources->files, source->path);

	if (item != NULL)
		sources_give_back(item);
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

/*
 * A file as it is hashed: nothing of the folder the configuration is in, and of
 * a large one the digest, whether its bytes are still there or not.
 */
struct leaf {
	const char *path;
	const char *mark; /* tells a digest from bytes */
	size_t size;      /* of the file */
	const void *bytes;
	size_t len;
};

static struct leaf
leaf_of(const struct sources *sources, const struct item *item)
{
	const bool large = item->use == USE_LARGE;

	return (struct leaf){
		.path = relative(sources, item->path),
		.mark = large ? " sha256" : "",
		.size = item->source.len,
		.bytes = large ? (const void *)item->digest
			       : (const void *)item->source.bytes,
		.len = large ? DIGEST_SIZE : item->source.len,
	};
}

/* Two different paths may be one relative to the main file. */
static int
by_path_and_bytes(const void *left, const void *right)
{
	const struct leaf *a = left;
	const struct leaf *b = right;
	int order = strcmp(a->path, b->path);

	if (order == 0)
		order = strcmp(a->mark, b->mark);
	if (order == 0)
		order = (a->size > b->size) - (a->size < b->size);
	return order != 0 ? order : memcmp(a->bytes, b->bytes, a->len);
}

static struct leaf *
leaves(const struct sources *sources, size_t *count)
{
	struct leaf *list = calloc(sources->files.count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list != NULL && i < sources->files.count; i++) {
		const struct item *item = sources->files.items[i];

		if (!item->failed && item->use != USE_SECRET)
			list[(*count)++] = leaf_of(sources, item);
	}
	return list;
}

/* The lengths go first, so that no byte can be taken for another part. */
static void
add_leaf(struct digest *digest, const struct leaf *leaf)
{
	char lengths[64];
	size_t path_len = strlen(leaf->path);
	int len = snprintf(lengths, sizeof(lengths), "%zu %zu%s\n", path_len,
	    leaf->size, leaf->mark);

	digest_add(digest, lengths, (size_t)len);
	digest_add(digest, leaf->path, path_len);
	digest_add(digest, leaf->bytes, leaf->len);
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
