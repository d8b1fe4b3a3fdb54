/*
 * space_parts.h - what the four files of the space room share.
 *
 * space.c looks up, space_build.c sorts connectors into groups, one per
 * binding, space_flatten.c turns the ranges of a group into disjoint
 * intervals, space_conflict.c finds ranges that contradict each other. No other
 * room includes this. Pure; while building one thread, afterwards constant.
 */
#ifndef SPACE_PARTS_H
#define SPACE_PARTS_H

#include "space.h"

/*
 * The intervals of one family on one binding: number i reaches from its start
 * to just before the next. The first start is 0, so every address lies in one.
 */
struct lane {
	enum addr_family family;
	size_t count;        /* at least 1 */
	uint32_t *starts4;   /* of ADDR_IPV4, else NULL */
	addr_value *starts6; /* of ADDR_IPV6, else NULL */
	struct owner *owners;
	/*
	 * Where to begin: number k is the interval that holds the first
	 * address whose leading bits are k; one more is the last interval.
	 */
	unsigned shift; /* of the 32 leading bits */
	uint32_t *slots;
};

/* Everybody bound to one endpoint; a client's family picks the lane. */
struct group {
	struct endpoint binding;
	struct lane lanes[2]; /* IPv4, IPv6 */
};

struct space {
	const struct group *groups; /* sorted by endpoint_compare */
	size_t count;
};

#define SPACE_OWNED_BY_NOBODY ((struct owner){ SPACE_NOBODY, 0 })

/* The last address of a family. */
static inline addr_value
family_max(enum addr_family family)
{
	return family == ADDR_IPV4 ? UINT32_MAX : ~(addr_value)0;
}

/* What a connector says about a binding: these clients are mine. */
struct claim {
	addr_value lo;
	addr_value hi;
	struct owner owner;
	uint32_t rank; /* of the connector in the order of names */
};

/* Orders by lo, then by hi from the last, then by name; never by file. */
void claims_sort(struct claim *claims, size_t count);

struct segment {
	addr_value start;
	struct owner owner;
};

/* Room space_flatten needs for n claims. */
#define SEGMENTS_MAX(n) (2 * (n) + 1)

/*
 * Writes the disjoint segments of sorted claims to out (SEGMENTS_MAX(count) of
 * them fit), each owned by the smallest claim there, from address 0 to the end
 * of the family at max. heap is working room for count pointers. Returns the
 * number of segments, at least 1. O(n log n).
 */
size_t space_flatten(struct segment *out, const struct claim **heap,
    const struct claim *claims, size_t count, addr_value max);

/* Working room of space_conflicts: the indices of two claims. */
struct reach {
	uint32_t first;
	uint32_t second;
};

/* Room space_conflicts needs for n claims. */
#define REACHES_MAX(n) (4 * (n) + 1)

/* Where conflicts go, and how many more are wanted. */
struct conflict_report {
	void (*tell)(const struct conflict *conflict, void *arg);
	void *arg;
	const struct endpoint *binding;
	size_t left;
};

/*
 * Reports the pairs of sorted claims of different connectors that are the same
 * range or cross, each once, until report->left is used up. O(n log n).
 */
void space_conflicts(struct conflict_report *report, struct reach *reaches,
    const struct claim *claims, size_t count);

#endif
