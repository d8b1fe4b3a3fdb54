/*
 * space_build.c - from a list of connectors to the flattened space: one group
 * per binding, one sweep per group and family.
 */
#include "space_parts.h"

#include <stdlib.h>

#include "arena.h"
#include "text.h"

/* One connector bound to one endpoint. */
struct bond {
	struct endpoint binding;
	uint32_t connector;
};

struct named {
	const char *name;
	uint32_t connector;
};

/* Everything that is needed only while building. */
struct work {
	struct arena *arena;
	const struct connector *connectors;
	size_t count;
	uint32_t *ranks; /* by connector */
	struct bond *bonds;
	size_t bond_count;
	struct claim *claims; /* room for the largest group, and its kin: */
	const struct claim **heap;
	struct segment *segments;
	struct reach *reaches;
};

static int
bond_order(const void *a, const void *b)
{
	const struct bond *x = a, *y = b;
	const int order = endpoint_compare(&x->binding, &y->binding);

	if (order != 0)
		return order;
	return (x->connector > y->connector) - (x->connector < y->connector);
}

static int
name_order(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	const int order = text_casecmp(x->name, y->name);

	if (order != 0)
		return order;
	return (x->connector > y->connector) - (x->connector < y->connector);
}

/* Numbers the connectors in the order of their names. */
static int
rank_connectors(struct work *work)
{
	struct named *named = calloc(work->count + 1, sizeof(*named));

	work->ranks = calloc(work->count + 1, sizeof(*work->ranks));
	if (named == NULL || work->ranks == NULL) {
		free(named);
		return -1;
	}
	for (uint32_t i = 0; i < work->count; i++)
		named[i] = (struct named){ work->connectors[i].name, i };
	qsort(named, work->count, sizeof(*named), name_order);
	for (uint32_t i = 0; i < work->count; i++)
		work->ranks[named[i].connector] = i;
	free(named);
	return 0;
}

/* Lists who listens where, in order and without repetitions. */
static int
list_bonds(struct work *work)
{
	size_t all = 0, kept = 0;

	for (size_t i = 0; i < work->count; i++)
		all += work->connectors[i].bindings.count;
	work->bonds = calloc(all + 1, sizeof(*work->bonds));
	if (work->bonds == NULL)
		return -1;
	all = 0;
	for (uint32_t i = 0; i < work->count; i++) {
		const struct connector *connector = &work->connectors[i];

		if (!connector_is_live(connector))
			continue;
		for (size_t k = 0; k < connector->bindings.count; k++)
			work->bonds[all++] = (struct bond){
				connector->bindings.endpoints[k],
				i,
			};
	}
	qsort(work->bonds, all, sizeof(*work->bonds), bond_order);
	for (size_t i = 0; i < all; i++)
		if (i == 0 ||
		    bond_order(&work->bonds[i], &work->bonds[i - 1]) != 0)
			work->bonds[kept++] = work->bonds[i];
	work->bond_count = kept;
	return 0;
}

/* The first bond of the next group. */
static size_t
group_end(const struct work *work, size_t begin)
{
	size_t end = begin + 1;

	while (end < work->bond_count &&
	    endpoint_equal(
		&work->bonds[end].binding, &work->bonds[begin].binding))
		end++;
	return end;
}

static size_t
largest_group(const struct work *work, size_t *group_count)
{
	size_t largest = 0;

	*group_count = 0;
	for (size_t i = 0; i < work->bond_count; ++*group_count) {
		const size_t end = group_end(work, i);
		size_t ranges = 0;

		for (; i < end; i++)
			ranges += work->connectors[work->bonds[i].connector]
				      .remote_ip_ranges.count;
		if (ranges > largest)
			largest = ranges;
	}
	return largest;
}

/* Claims are numbered in 32 bits, and owners too. */
#define CLAIMS_MAX (UINT32_MAX / 4)

static int
make_room(struct work *work, size_t n)
{
	if (n >= CLAIMS_MAX)
		return -1;
	work->claims = calloc(n + 1, sizeof(*work->claims));
	work->heap = calloc(n + 1, sizeof(*work->heap));
	work->segments = calloc(SEGMENTS_MAX(n), sizeof(*work->segments));
	work->reaches = calloc(REACHES_MAX(n), sizeof(*work->reaches));
	return work->claims == NULL || work->heap == NULL ||
		work->segments == NULL || work->reaches == NULL
	    ? -1
	    : 0;
}

static void
work_done(struct work *work)
{
	free(work->ranks);
	free(work->bonds);
	free(work->claims);
	free(work->heap);
	free(work->segments);
	free(work->reaches);
}

/* What the connectors of bonds[begin..end) claim in one family, sorted. */
static size_t
gather_claims(
    struct work *work, size_t begin, size_t end, enum addr_family family)
{
	size_t count = 0;

	for (size_t i = begin; i < end; i++) {
		const uint32_t index = work->bonds[i].connector;
		const struct addrset *set =
		    &work->connectors[index].remote_ip_ranges;

		for (uint32_t k = 0; k < set->count; k++) {
			const struct range *range = &set->ranges[k];

			if (range->family != family)
				continue;
			work->claims[count++] = (struct claim){
				.lo = range->lo,
				.hi = range->hi,
				.owner = { index, k },
				.rank = work->ranks[index],
			};
		}
	}
	claims_sort(work->claims, count);
	return count;
}

/* As many slots as intervals, but no more than leave them in the cache. */
#define SLOT_BITS_MAX 16

static addr_value
slot_start(const struct lane *lane, size_t slot)
{
	return (addr_value)((uint64_t)slot << lane->shift)
	    << (addr_bits(lane->family) - 32);
}

static int
fill_slots(struct work *work, struct lane *lane)
{
	unsigned bits = 0;
	uint32_t at = 0;

	while (bits < SLOT_BITS_MAX && (size_t)1 << bits < lane->count)
		bits++;
	lane->shift = 32 - bits;
	lane->slots = arena_alloc(
	    work->arena, ((size_t)1 << bits) + 1, sizeof(*lane->slots));
	if (lane->slots == NULL)
		return -1;
	for (size_t slot = 0; slot < (size_t)1 << bits; slot++) {
		while (at + 1 < lane->count &&
		    work->segments[at + 1].start <= slot_start(lane, slot))
			at++;
		lane->slots[slot] = at;
	}
	lane->slots[(size_t)1 << bits] = (uint32_t)lane->count - 1;
	return 0;
}

/* Flattens the gathered claims into a lane. */
static int
fill_lane(struct work *work, struct lane *lane, size_t claims)
{
	struct arena *arena = work->arena;

	lane->count = space_flatten(work->segments, work->heap, work->claims,
	    claims, family_max(lane->family));
	lane->owners = arena_alloc(arena, lane->count, sizeof(*lane->owners));
	if (lane->family == ADDR_IPV4)
		lane->starts4 =
		    arena_alloc(arena, lane->count, sizeof(*lane->starts4));
	else
		lane->starts6 =
		    arena_alloc(arena, lane->count, sizeof(*lane->starts6));
	if (lane->owners == NULL ||
	    (lane->starts4 == NULL && lane->starts6 == NULL))
		return -1;
	for (size_t i = 0; i < lane->count; i++) {
		if (lane->starts4 != NULL)
			lane->starts4[i] = (uint32_t)work->segments[i].start;
		else
			lane->starts6[i] = work->segments[i].start;
		lane->owners[i] = work->segments[i].owner;
	}
	return fill_slots(work, lane);
}

/* Turns bonds[begin..end) into a group. */
static int
fill_group(struct work *work, struct group *group, size_t begin, size_t end,
    struct conflict_report *report)
{
	group->binding = work->bonds[begin].binding;
	group->lanes[0].family = ADDR_IPV4;
	group->lanes[1].family = ADDR_IPV6;
	report->binding = &group->binding;
	report->left = SPACE_CONFLICTS_MAX;
	for (size_t i = 0; i < 2; i++) {
		struct lane *lane = &group->lanes[i];
		const size_t claims =
		    gather_claims(work, begin, end, lane->family);

		space_conflicts(report, work->reaches, work->claims, claims);
		if (fill_lane(work, lane, claims) != 0)
			return -1;
	}
	return 0;
}

static struct space *
build(struct work *work, struct conflict_report *report)
{
	struct space *space = arena_alloc(work->arena, 1, sizeof(*space));
	struct group *groups;
	size_t largest, begin = 0;

	if (space == NULL || rank_connectors(work) != 0 ||
	    list_bonds(work) != 0)
		return NULL;
	largest = largest_group(work, &space->count);
	groups = arena_alloc(work->arena, space->count, sizeof(*groups));
	if (groups == NULL || make_room(work, largest) != 0)
		return NULL;
	for (size_t i = 0; i < space->count; i++) {
		const size_t end = group_end(work, begin);

		if (fill_group(work, &groups[i], begin, end, report) != 0)
			return NULL;
		begin = end;
	}
	space->groups = groups;
	return space;
}

struct space *
space_build(struct arena *arena, const struct connector *connectors,
    size_t count, void (*conflict)(const struct conflict *conflict, void *arg),
    void *arg)
{
	struct work work = {
		.arena = arena,
		.connectors = connectors,
		.count = count,
	};
	struct conflict_report report = { .tell = conflict, .arg = arg };
	struct space *space = build(&work, &report);

	work_done(&work);
	return space;
}
