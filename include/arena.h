/*
 * arena.h - many small allocations with one lifetime.
 *
 * A snapshot of the configuration lives in one arena: its parts are never freed
 * one by one, the whole goes at once. Memory is zeroed and aligned for every
 * type, 128-bit integers included. Not for two threads at a time while it
 * grows; what was allocated may then be read by any thread.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

#include "compiler.h"

struct arena;

/* A new, empty arena, or NULL without memory. Freed by arena_free. */
struct arena *arena_new(void) NODISCARD;

/* Frees the arena and all that was allocated from it. NULL is fine. */
void arena_free(struct arena *arena);

/*
 * Zeroed room for count objects of size bytes, or NULL without memory or when
 * the product overflows. A count of 0 gives a valid pointer to nothing.
 */
void *arena_alloc(struct arena *arena, size_t count, size_t size) NODISCARD;

/* A terminated copy of the first len bytes of text, or NULL without memory. */
char *arena_strndup(
    struct arena *arena, const char *text, size_t len) NODISCARD;

/* A terminated copy of text, or NULL without memory. */
char *arena_strdup(struct arena *arena, const char *text) NODISCARD;

/* Formatted text, or NULL without memory. */
char *arena_printf(struct arena *arena, const char *fmt, ...) NODISCARD
    PRINTF_LIKE(2, 3);

/* For tests: bytes taken from the system so far. */
size_t arena_bytes(const struct arena *arena);

#endif
