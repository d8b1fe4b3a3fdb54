/*
 * sources_parts.h - what the two files of the sources room share.
 *
 * sources.c is the set and its hash, sources_read.c reads files and folders
 * into it. No other room includes this. One thread at a time.
 */
#ifndef SOURCES_PARTS_H
#define SOURCES_PARTS_H

#include <stdbool.h>

#include "arena.h"
#include "sources.h"

/* A file or a folder; what could not be read is remembered as well. */
struct item {
	const char *path;
	bool failed;
	struct source source;
	const char **names; /* of a folder */
	size_t count;
};

/* Sorted by path. */
struct shelf {
	struct item **items;
	size_t count;
	size_t room;
};

struct sources {
	struct arena *arena;
	struct shelf files;
	struct shelf folders;
	const char *main; /* the first file: paths are hashed relative to it */
	bool sealed;
};

/* The item at path, or NULL. */
struct item *sources_find(const struct shelf *shelf, const char *path);

/*
 * A new item at its place, failed until somebody says otherwise; NULL without
 * memory.
 */
struct item *sources_put(
    struct sources *sources, struct shelf *shelf, const char *path) NODISCARD;

#endif
