/*
 * arena.c - many small allocations with one lifetime.
 */
#include "arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)

__extension__ typedef unsigned __int128 widest;

static_assert(alignof(max_align_t) >= alignof(widest),
    "malloc must align for 128-bit integers");

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char room[];
};

struct arena {
	struct block *blocks; /* the one in front is being filled */
	size_t bytes;
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->blocks != NULL) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	free(arena);
}

static struct block *
new_block(struct arena *arena, size_t size)
{
	size_t total;
	struct block *block;

	if (__builtin_add_overflow(sizeof(*block), size, &total))
		return NULL;
	block = malloc(total);
	if (block == NULL)
		return NULL;
	block->next = NULL;
	block->size = size;
	block->used = 0;
	arena->bytes += total;
	return block;
}

/* A block with size bytes left, at the place where it will be kept. */
static struct block *
block_with_room(struct arena *arena, size_t size)
{
	struct block *front = arena->blocks;
	struct block *block;

	if (front != NULL && front->size - front->used >= size)
		return front;
	block = new_block(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE);
	if (block == NULL)
		return NULL;
	/* A large block is full at once: the one in front stays in use. */
	if (front != NULL && size > BLOCK_SIZE) {
		block->next = front->next;
		front->next = block;
	} else {
		block->next = front;
		arena->blocks = block;
	}
	return block;
}

void *
arena_alloc(struct arena *arena, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t need;
	struct block *block;
	void *room;

	if (__builtin_mul_overflow(count, size, &need) ||
	    __builtin_add_overflow(need, align - 1, &need))
		return NULL;
	need -= need % align;
	if (need == 0)
		need = align;
	block = block_with_room(arena, need);
	if (block == NULL)
		return NULL;
	room = block->room + block->used;
	block->used += need;
	return memset(room, 0, need);
}

char *
arena_strndup(struct arena *arena, const char *text, size_t len)
{
	size_t size;
	char *copy;

	if (__builtin_add_overflow(len, (size_t)1, &size))
		return NULL;
	copy = arena_alloc(arena, size, 1);
	if (copy != NULL && len > 0)
		memcpy(copy, text, len);
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *text;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)len + 1, 1);
	if (text == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

size_t
arena_bytes(const struct arena *arena)
{
	return arena->bytes;
}
