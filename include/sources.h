/*
 * sources.h - the bytes of all files a configuration was read from.
 *
 * A file is read once, whole, after it was found fit: a regular file (opened
 * without following a symbolic link and without blocking on a FIFO), owned by
 * root, by who reads it or by the owner of the first file, not writable by
 * group or others, not empty, and not too large. What was checked
 * is what is parsed: nobody opens the file again. The bytes of the INI files
 * and their lists are kept, so that a snapshot can be rebuilt at midnight from
 * exactly what was loaded, whatever became of the files; what is large or
 * secret is kept as it was parsed. Owns all of it until sources_free. One
 * thread at a time; constant once sealed, but for what is released.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "diag.h"
#include "digest.h"

#define SOURCE_SIZE_MAX (64u << 20)
#define SOURCE_LARGE_MAX (1u << 30)

struct source {
	const char *path;  /* as problems name it */
	const char *bytes; /* not terminated */
	size_t len;
};

struct sources;

/* NULL without memory. */
struct sources *sources_new(void) NODISCARD;
void sources_free(struct sources *sources);

/*
 * The file at path, of at most SOURCE_SIZE_MAX bytes, read now unless it is
 * already there. On failure adds a
 * problem at place (a file named by a setting) or at line 0 of path itself
 * (place NULL) and returns NULL. A sealed set reads nothing new.
 */
const struct source *sources_read(struct sources *sources, const char *path,
    struct diags *diags, const struct place *place) NODISCARD;

/*
 * The same for a file of up to SOURCE_LARGE_MAX bytes, such as a directory,
 * whose bytes the caller gives back with sources_release once they are parsed:
 * their digest stays in the hash.
 */
const struct source *sources_read_large(struct sources *sources,
    const char *path, struct diags *diags, const struct place *place) NODISCARD;

/*
 * The same for a file with a key: others than its owner and group may not even
 * read it. It is no part of the hash, and sources_release wipes it. A file read
 * for another purpose too, by whatever name, is a problem.
 */
const struct source *sources_read_secret(struct sources *sources,
    const char *path, struct diags *diags, const struct place *place) NODISCARD;

/* Wipes and frees the bytes of a file; it cannot be read again. */
void sources_release(struct sources *sources, const struct source *source);

/*
 * Adds bytes at hand as the file at path (tests write configurations so).
 * 0, or -1 without memory, when the set is sealed or has that path already.
 */
int sources_add(struct sources *sources, const char *path, const char *bytes,
    size_t len) NODISCARD;

/*
 * The names of the *.ini files in the folder at path, sorted, as paths; read
 * from the disk once, then remembered with the set. NULL and a problem on
 * failure.
 */
const char *const *sources_folder(struct sources *sources, const char *path,
    size_t *count, struct diags *diags, const struct place *place) NODISCARD;

/* Nothing is read from the disk any more. */
void sources_seal(struct sources *sources);

/*
 * SHA-256 over all bytes and over the paths, in their order, as seen from the
 * folder of the first file: a copy elsewhere has the same. 0, or -1 without
 * memory or libcrypto.
 */
int sources_hash(
    const struct sources *sources, char hex[DIGEST_HEX_MAX]) NODISCARD;

#endif
