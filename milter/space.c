/*
 * space.c - reads the flattened space, and explains from the definitions alone
 * why a connector did or did not get a client.
 */
#include "space.h"

#include <stdlib.h>

#include "space_parts.h"
#include "text.h"

/* clang-format off */
static const char *const candidacies[] = {
	[CANDIDATE_CHOSEN] = "chosen",
	[CANDIDATE_DISABLED] = "disabled",
	[CANDIDATE_EXPIRED] = "expired",
	[CANDIDATE_NO_BINDING] = "no_binding",
	[CANDIDATE_HIDDEN] = "hidden",
	[CANDIDATE_NO_RANGE] = "no_range",
	[CANDIDATE_WIDER] = "wider",
};
/* clang-format on */

static int
group_order(const void *key, const void *element)
{
	const struct group *group = element;

	return endpoint_compare(key, &group->binding);
}

static const struct group *
group_find(const struct space *space, const struct endpoint *binding)
{
	return bsearch(binding, space->groups, space->count,
	    sizeof(*space->groups), group_order);
}

static const struct group *
group_serving(const struct space *space, const struct endpoint *listener)
{
	const struct group *group = group_find(space, listener);
	struct endpoint wildcard = *listener;

	if (group != NULL || addr_is_any(&listener->addr))
		return group;
	wildcard.addr = addr_any(listener->addr.family);
	return group_find(space, &wildcard);
}

/*
 * All bits when taken, else none. The empty assembly hides from the compiler
 * what it is made of: clang would turn the arithmetic back into a branch.
 */
static inline size_t
mask_if(bool taken)
{
	size_t mask = -(size_t)taken;

	__asm__("" : "+r"(mask));
	return mask;
}

/*
 * The last start that is not above value. The loop depends on count alone:
 * which half is next is arithmetic, never a branch.
 */
static size_t
bisect4(const uint32_t *starts, size_t count, uint32_t value)
{
	const uint32_t *low = starts;

	while (count > 1) {
		const size_t half = count / 2;

		low += half & mask_if(low[half] <= value);
		count -= half;
	}
	return (size_t)(low - starts);
}

static size_t
bisect6(const addr_value *starts, size_t count, addr_value value)
{
	const addr_value *low = starts;

	while (count > 1) {
		const size_t half = count / 2;

		low += half & mask_if(low[half] <= value);
		count -= half;
	}
	return (size_t)(low - starts);
}

/* The slot of the leading bits says between which intervals it is. */
static size_t
find_interval(const struct lane *lane, const struct addr *client)
{
	const bool is6 = client->family == ADDR_IPV6;
	const uint32_t lead =
	    (uint32_t)(is6 ? client->value >> 96 : client->value);
	const uint32_t *slot = &lane->slots[(uint64_t)lead >> lane->shift];
	const size_t first = slot[0];
	const size_t count = slot[1] - first + 1;

	return first +
	    (is6 ? bisect6(lane->starts6 + first, count, client->value)
		 : bisect4(lane->starts4 + first, count, lead));
}

struct owner
space_find(const struct space *space, const struct endpoint *listener,
    const struct addr *client)
{
	const struct group *group;
	const struct lane *lane;

	if (listener->addr.family == ADDR_NONE || client->family == ADDR_NONE)
		return SPACE_OWNED_BY_NOBODY;
	group = group_serving(space, listener);
	if (group == NULL)
		return SPACE_OWNED_BY_NOBODY;
	lane = &group->lanes[client->family == ADDR_IPV6];
	return lane->owners[find_interval(lane, client)];
}

static addr_value
lane_start(const struct lane *lane, size_t i)
{
	return lane->family == ADDR_IPV4 ? lane->starts4[i] : lane->starts6[i];
}

static addr_value
lane_end(const struct lane *lane, size_t i)
{
	if (i + 1 < lane->count)
		return lane_start(lane, i + 1) - 1;
	return family_max(lane->family);
}

static int
visit_lane(const struct endpoint *binding, const struct lane *lane,
    space_visitor *visit, void *arg)
{
	int stop = 0;

	for (size_t i = 0; i < lane->count && stop == 0; i++) {
		const struct range interval = {
			.family = lane->family,
			.lo = lane_start(lane, i),
			.hi = lane_end(lane, i),
		};

		if (lane->owners[i].connector != SPACE_NOBODY)
			stop = visit(binding, &interval, lane->owners[i], arg);
	}
	return stop;
}

int
space_visit(const struct space *space, space_visitor *visit, void *arg)
{
	int stop = 0;

	for (size_t i = 0; i < space->count && stop == 0; i++) {
		const struct group *group = &space->groups[i];

		for (size_t k = 0; k < 2 && stop == 0; k++)
			stop = visit_lane(
			    &group->binding, &group->lanes[k], visit, arg);
	}
	return stop;
}

static int
count_interval(const struct endpoint *binding UNUSED,
    const struct range *interval UNUSED, struct owner owner UNUSED, void *arg)
{
	size_t *count = arg;

	++*count;
	return 0;
}

size_t
space_intervals(const struct space *space)
{
	size_t count = 0;

	(void)space_visit(space, count_interval, &count);
	return count;
}

const char *
candidacy_name(enum candidacy candidacy)
{
	return candidacies[candidacy];
}

/* How well a connector's bindings name a listener. */
enum fit { FIT_NONE, FIT_WILDCARD, FIT_EXACT };

static enum fit
connector_fit(
    const struct connector *connector, const struct endpoint *listener)
{
	enum fit best = FIT_NONE;

	for (size_t i = 0; i < connector->bindings.count; i++) {
		const struct endpoint *binding =
		    &connector->bindings.endpoints[i];

		if (endpoint_equal(binding, listener))
			return FIT_EXACT;
		if (binding->addr.family == listener->addr.family &&
		    addr_is_any(&binding->addr) &&
		    binding->port == listener->port)
			best = FIT_WILDCARD;
	}
	return best;
}

static enum fit
best_fit(const struct policy *policy, const struct endpoint *listener)
{
	enum fit best = FIT_NONE;

	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *connector = &policy->connectors[i];
		const enum fit fit = connector_is_live(connector)
		    ? connector_fit(connector, listener)
		    : FIT_NONE;

		if (fit > best)
			best = fit;
	}
	return best;
}

/* Does connector a with range x go before connector b with range y? */
static bool
goes_before(const struct connector *a, const struct range *x,
    const struct connector *b, const struct range *y)
{
	const addr_value x_span = range_span(x), y_span = range_span(y);

	if (x_span != y_span)
		return x_span < y_span;
	return text_casecmp(a->name, b->name) < 0;
}

/* Is there a live connector, as near to the listener, with a smaller range? */
static bool
somebody_is_narrower(const struct policy *policy,
    const struct connector *connector, const struct range *range,
    const struct endpoint *listener, const struct addr *client)
{
	const enum fit fit = connector_fit(connector, listener);

	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *other = &policy->connectors[i];
		const struct range *theirs;

		if (other == connector || !connector_is_live(other) ||
		    connector_fit(other, listener) != fit)
			continue;
		theirs = addrset_smallest(&other->remote_ip_ranges, client);
		if (theirs != NULL &&
		    goes_before(other, theirs, connector, range))
			return true;
	}
	return false;
}

enum candidacy
space_candidacy(const struct policy *policy, size_t index,
    const struct endpoint *listener, const struct addr *client,
    const struct range **range)
{
	const struct connector *connector = &policy->connectors[index];
	const struct range *mine;
	enum fit fit;

	*range = NULL;
	if (!connector->enabled)
		return CANDIDATE_DISABLED;
	if (connector->expired)
		return CANDIDATE_EXPIRED;
	fit = connector_fit(connector, listener);
	if (listener->addr.family == ADDR_NONE || fit == FIT_NONE)
		return CANDIDATE_NO_BINDING;
	if (fit < best_fit(policy, listener))
		return CANDIDATE_HIDDEN;
	mine = addrset_smallest(&connector->remote_ip_ranges, client);
	if (mine == NULL)
		return CANDIDATE_NO_RANGE;
	*range = mine;
	return somebody_is_narrower(policy, connector, mine, listener, client)
	    ? CANDIDATE_WIDER
	    : CANDIDATE_CHOSEN;
}
