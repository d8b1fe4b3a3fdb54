/*
 * sources_parts.h - what the files of the sources room share.
 *
 * sources.c is the set and its hash, sources_read.c reads files into it and
 * sources_folder.c folders. No other room includes this. One thread at a time.
 */
#ifndef SOURCES_PARTS_H
#define SOURCES_PARTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "arena.h"
#include "sources.h"

/* What a file is read for. */
enum use {
	USE_OPEN,   /* added, and nobody has said what for */
	USE_PARSED, /* the bytes stay */
	USE_LARGE,  /* the bytes are given back, their digest stays */
	USE_SECRET, /* the bytes are given back, and in no hash */
};

/* A file or a folder; what could not be read is remembered as well. */
struct item {
	const char *path;
	bool failed;
	struct source source;
	enum use use;
	char *heap; /* the bytes and one more, unless the arena has them */
	bool released;
	dev_t device; /* of a file that was read: it may have two names */
	ino_t inode;
	unsigned char digest[DIGEST_SIZE]; /* USE_LARGE */
	const char **names;                /* of a folder */
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
	bool has_owner;   /* once the first file was looked at */
	uid_t owner;      /* of the first file: the others may be so, too */
	bool sealed;
};

/* Gives the bytes back, wiped, of what is large or secret. */
void sources_give_back(struct item *item);

/* The item at path, or NULL. */
struct item *sources_find(const struct shelf *shelf, const char *path);

/*
 * A new item at its place, failed until somebody says otherwise; NULL without
 * memory.
 */
struct item *sources_put(
    struct sources *sources, struct shelf *shelf, const char *path) NODISCARD;

/* One attempt to read, and how to speak about it. */
struct attempt {
	struct sources *sources;
	struct diags *diags;
	struct place place;
	char name[DIAG_QUOTE_MAX];
	const char *path;
	enum use use; /* of a file */
};

/* what: "file" or "folder". */
struct attempt attempt_begin(struct sources *sources, const char *path,
    struct diags *diags, const struct place *place, const char *what);

/* Adds a problem: who it is about, then the text. */
#define FAIL(attempt, fmt, ...) \
	diag_add((attempt)->diags, SEVERITY_ERROR, &(attempt)->place, \
	    "%s " fmt, (attempt)->name, __VA_ARGS__)

/* "a file", "a directory", "a FIFO", ... */
const char *attempt_kind(mode_t mode);

/* Says why; symbolic links and sockets cannot be opened. */
void attempt_not_opened(const struct attempt *attempt, int error);

/* 0, or -1 and a problem when the wrong people own or could write it. */
int attempt_check_rights(
    const struct attempt *attempt, const struct stat *st) NODISCARD;

/* A new item for attempt's path, or NULL and a problem. */
struct item *attempt_item(
    const struct attempt *attempt, struct shelf *shelf) NODISCARD;

#endif
