/*
 * space_flatten.c - overlapping claims in, disjoint segments out: one sweep
 * over the borders with a heap of the open claims, the smallest on top.
 */
#include "space_parts.h"

#include <stdlib.h>

static int
claim_order(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	if (x->hi != y->hi)
		return x->hi > y->hi ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->owner.range > y->owner.range) -
	    (x->owner.range < y->owner.range);
}

void
claims_sort(struct claim *claims, size_t count)
{
	qsort(claims, count, sizeof(*claims), claim_order);
}

struct heap {
	const struct claim **items;
	size_t count;
};

/* Only contradictory configurations have ties between connectors. */
static bool
beats(const struct claim *a, const struct claim *b)
{
	addr_value a_span = a->hi - a->lo, b_span = b->hi - b->lo;

	if (a_span != b_span)
		return a_span < b_span;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->owner.range < b->owner.range;
}

static void
heap_push(struct heap *heap, const struct claim *claim)
{
	size_t at = heap->count++;

	while (at > 0 && beats(claim, heap->items[(at - 1) / 2])) {
		heap->items[at] = heap->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->items[at] = claim;
}

static void
heap_pop(struct heap *heap)
{
	const struct claim *last = heap->items[--heap->count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    beats(heap->items[child + 1], heap->items[child]))
			child++;
		if (!beats(heap->items[child], last))
			break;
		heap->items[at] = heap->items[child];
		at = child;
	}
	heap->items[at] = last;
}

/* Adds a segment unless it goes on with the last; how many there are then. */
static size_t
emit(struct segment *out, size_t made, addr_value start, struct owner owner)
{
	if (made > 0 && out[made - 1].owner.connector == owner.connector &&
	    out[made - 1].owner.range == owner.range)
		return made;
	out[made] = (struct segment){ start, owner };
	return made + 1;
}

size_t
space_flatten(struct segment *out, const struct claim **room,
    const struct claim *claims, size_t count, addr_value max)
{
	struct heap heap = { room, 0 };
	size_t next = 0, made = 0;
	addr_value at = 0;

	for (;;) {
		while (next < count && claims[next].lo == at)
			heap_push(&heap, &claims[next++]);
		while (heap.count > 0 && heap.items[0]->hi < at)
			heap_pop(&heap);
		const struct claim *top = heap.count > 0 ? *heap.items : NULL;
		made = emit(out, made, at,
		    top != NULL ? top->owner : SPACE_OWNED_BY_NOBODY);

		/* The address after max does not exist: no border there. */
		bool ends = top != NULL && top->hi < max;
		bool begins =
		    next < count && (!ends || claims[next].lo <= top->hi);
		if (begins)
			at = claims[next].lo;
		else if (ends)
			at = top->hi + 1;
		else
			return made;
	}
}
