/*
 * array.c - room in an array that grows.
 */
#include "array.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM_MIN 16

void *
array_grow(void *items, size_t count, size_t more, size_t *room, size_t size)
{
	const size_t most = PTRDIFF_MAX / 2 / size; /* doubled, still fits */
	size_t wanted = *room < ROOM_MIN ? ROOM_MIN : *room;

	if (items != NULL && count <= *room && more <= *room - count)
		return items;
	if (count > most || more > most - count)
		return NULL;
	while (wanted < count + more)
		wanted *= 2;
	items = reallocarray(items, wanted, size);
	if (items != NULL)
		*room = wanted;
	return items;
}
