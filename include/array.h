/*
 * array.h - room in an array that grows.
 *
 * Owns nothing: who keeps the array frees it. Any thread, one array per thread.
 */
#ifndef ARRAY_H
#define ARRAY_H

#include <stddef.h>

#include "compiler.h"

/*
 * items, moved if need be, with room for more than the count there are, each of
 * size bytes; *room is how many fit, and 0 with items NULL at first. Doubles,
 * so that all in all each item moves but a few times. NULL without memory, or
 * when no memory could hold so many: items is as it was.
 */
void *array_grow(void *items, size_t count, size_t more, size_t *room,
    size_t size) NODISCARD;

#endif
