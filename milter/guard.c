/*
 * guard.c - collects the clients that may relay without a login, as the least
 * list of prefixes.
 */
#include "guard_parts.h"

#include <stdlib.h>

#include "array.h"

/* What a guard is collected from, while space_visit runs. */
struct collection {
	const bool *relays; /* by connector */
	struct range *ranges;
	size_t count;
	size_t room;
};

/* Does a session with these rights relay? It needs both. */
static bool
rights_relay(unsigned rights)
{
	const unsigned both =
	    RIGHT_BIT(RIGHT_SUBMIT) | RIGHT_BIT(RIGHT_ACCEPT_ANY_RECIPIENT);

	return (rights & both) == both;
}

/* May somebody relay here whom the MTA does not know by a login? */
static bool
connector_relays(const struct connector *connector)
{
	return rights_relay(identity_reachable_rights(connector, false)) ||
	    (identity_by_certificate(connector) &&
		rights_relay(identity_reachable_rights(connector, true)));
}

static int
collect(const struct endpoint *binding UNUSED, const struct range *interval,
    struct owner owner, void *arg)
{
	struct collection *collection = arg;
	struct range *ranges;

	if (!collection->relays[owner.connector])
		return 0;
	ranges = array_grow(collection->ranges, collection->count, 1,
	    &collection->room, sizeof(*ranges));
	if (ranges == NULL)
		return -1;
	collection->ranges = ranges;
	collection->ranges[collection->count++] = *interval;
	return 0;
}

static int
range_order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return 0;
}

/* Joins ranges that overlap or touch; they must be sorted. Returns how many. */
static size_t
join_ranges(struct range *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct range *last = kept > 0 ? &ranges[kept - 1] : NULL;

		if (last == NULL || last->family != ranges[i].family ||
		    (ranges[i].lo > last->hi && ranges[i].lo - 1 > last->hi))
			ranges[kept++] = ranges[i];
		else if (ranges[i].hi > last->hi)
			last->hi = ranges[i].hi;
	}
	return kept;
}

struct addition {
	struct guard *guard;
	bool failed;
};

static void
add_prefix(const struct addr *addr, unsigned bits, void *arg)
{
	struct addition *addition = arg;
	struct prefixes *list =
	    &addition->guard->families[addr->family == ADDR_IPV6];
	struct prefix *items = array_grow(
	    list->items, list->count, 1, &list->room, sizeof(*items));

	if (items == NULL) {
		addition->failed = true;
		return;
	}
	list->items = items;
	list->items[list->count++] = (struct prefix){ addr->value, bits };
}

static int
fill(struct guard *guard, struct collection *collection)
{
	struct addition addition = { guard, false };

	if (collection->count == 0)
		return 0;
	qsort(collection->ranges, collection->count,
	    sizeof(*collection->ranges), range_order);
	collection->count = join_ranges(collection->ranges, collection->count);
	for (size_t i = 0; i < collection->count && !addition.failed; i++)
		range_prefixes(&collection->ranges[i], add_prefix, &addition);
	return addition.failed ? -1 : 0;
}

struct guard *
guard_build(const struct policy *policy)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	bool *relays = calloc(policy->connector_count + 1, sizeof(*relays));
	struct collection collection = { .relays = relays };
	bool failed = guard == NULL || relays == NULL;

	if (!failed) {
		guard->families[0].family = ADDR_IPV4;
		guard->families[1].family = ADDR_IPV6;
		for (size_t i = 0; i < policy->connector_count; i++)
			relays[i] = connector_relays(&policy->connectors[i]);
		failed =
		    space_visit(policy->space, collect, &collection) != 0 ||
		    fill(guard, &collection) != 0;
	}
	free(collection.ranges);
	free(relays);
	if (failed) {
		guard_free(guard);
		return NULL;
	}
	return guard;
}

void
guard_free(struct guard *guard)
{
	if (guard == NULL)
		return;
	free(guard->families[0].items);
	free(guard->families[1].items);
	free(guard);
}

struct range
prefix_range(enum addr_family family, struct prefix prefix)
{
	const unsigned host = addr_bits(family) - prefix.bits;
	/* A shift by all 128 bits would be undefined. */
	const addr_value mask = host == 0 ? 0 : ~(addr_value)0 >> (128 - host);

	return (struct range){
		.family = family,
		.lo = prefix.lo,
		.hi = prefix.lo | mask,
	};
}

bool
guard_allows(const struct guard *guard, const struct addr *client)
{
	const struct prefixes *list =
	    &guard->families[client->family == ADDR_IPV6];
	size_t low = 0, high = list->count;
	struct range range;

	if (client->family == ADDR_NONE)
		return false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (list->items[middle].lo <= client->value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	range = prefix_range(list->family, list->items[low - 1]);
	return range_contains(&range, client);
}

size_t
guard_prefixes(const struct guard *guard)
{
	return guard->families[0].count + guard->families[1].count;
}
