/*
 * space_conflict.c - finds the ranges of different connectors that contradict
 * each other on one binding, without comparing every pair.
 *
 * Claim b is crossed from the right by every claim that begins inside it, after
 * its first address, and ends behind it. In the order of beginnings those are
 * one slice; a tree over all slices knows the claim that ends last, and the one
 * that ends last among other connectors than that, since the ranges of one
 * connector may cross as they like.
 */
#include "space_parts.h"

#define NO_CLAIM UINT32_MAX

struct search {
	struct conflict_report *report;
	struct reach *reaches; /* node n has the children 2n and 2n + 1 */
	const struct claim *claims;
	size_t mine;  /* the claim in question */
	size_t begin; /* the slice: first claim, and the one after the last */
	size_t end;
};

static void
tell(struct conflict_report *report, const struct claim *a,
    const struct claim *b, bool crossing)
{
	bool in_order = a->owner.connector < b->owner.connector;
	const struct conflict conflict = {
		.binding = report->binding,
		.a = in_order ? a->owner : b->owner,
		.b = in_order ? b->owner : a->owner,
		.crossing = crossing,
	};

	report->left--;
	report->tell(&conflict, report->arg);
}

static bool
same_connector(const struct claim *a, const struct claim *b)
{
	return a->owner.connector == b->owner.connector;
}

/* Of two claims, either of which may be missing, the one that ends later. */
static uint32_t
later_end(const struct claim *claims, uint32_t a, uint32_t b)
{
	if (a == NO_CLAIM || b == NO_CLAIM)
		return a == NO_CLAIM ? b : a;
	return claims[a].hi >= claims[b].hi ? a : b;
}

static struct reach
reach_join(const struct claim *claims, struct reach a, struct reach b)
{
	struct reach both = { later_end(claims, a.first, b.first), NO_CLAIM };

	if (both.first == NO_CLAIM)
		return both;
	struct reach winner = both.first == a.first ? a : b;
	struct reach loser = both.first == a.first ? b : a;
	bool same = loser.first != NO_CLAIM &&
	    same_connector(&claims[loser.first], &claims[winner.first]);
	both.second =
	    later_end(claims, winner.second, same ? loser.second : loser.first);
	return both;
}

static size_t
leaf_count(size_t count)
{
	size_t leaves = 1;

	while (leaves < count)
		leaves *= 2;
	return leaves;
}

static void
reaches_fill(struct reach *reaches, const struct claim *claims, size_t count)
{
	const size_t leaves = leaf_count(count);

	for (size_t i = 0; i < leaves; i++)
		reaches[leaves + i] = (struct reach){
			i < count ? (uint32_t)i : NO_CLAIM,
			NO_CLAIM,
		};
	for (size_t n = leaves - 1; n > 0; n--)
		reaches[n] =
		    reach_join(claims, reaches[2 * n], reaches[2 * n + 1]);
}

/*
 * Does a claim of another connector below this node, which holds at least one,
 * end behind mine?
 */
static bool
reaches_behind(const struct search *search, struct reach reach)
{
	const struct claim *claims = search->claims;
	const struct claim *mine = &claims[search->mine];
	uint32_t other = reach.first;

	if (same_connector(&claims[other], mine))
		other = reach.second;
	return other != NO_CLAIM && claims[other].hi > mine->hi;
}

/* The node stands for the claims from low on, size of them. */
static void
tell_crossing(const struct search *search, size_t node, size_t low, size_t size)
{
	if (search->report->left == 0 || low >= search->end ||
	    low + size <= search->begin ||
	    !reaches_behind(search, search->reaches[node]))
		return;
	if (size == 1) {
		tell(search->report, &search->claims[search->mine],
		    &search->claims[low], true);
		return;
	}
	tell_crossing(search, 2 * node, low, size / 2);
	tell_crossing(search, 2 * node + 1, low + size / 2, size / 2);
}

/* The first of the sorted claims from low on that begins behind value. */
static size_t
begins_behind(
    const struct claim *claims, size_t low, size_t count, addr_value value)
{
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (claims[middle].lo > value)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void
tell_all_crossing(struct conflict_report *report, struct reach *reaches,
    const struct claim *claims, size_t count)
{
	struct search search = { report, reaches, claims, 0, 0, 0 };
	const size_t leaves = leaf_count(count);

	reaches_fill(reaches, claims, count);
	for (size_t i = 0; i < count && report->left > 0; i++) {
		search.mine = i;
		search.begin = begins_behind(claims, i, count, claims[i].lo);
		search.end =
		    begins_behind(claims, search.begin, count, claims[i].hi);
		if (search.begin < search.end)
			tell_crossing(&search, 1, 0, leaves);
	}
}

static void
tell_all_same(
    struct conflict_report *report, const struct claim *claims, size_t count)
{
	/* Where this range begins, and where this connector does within it. */
	size_t range = 0, own = 0;

	for (size_t i = 1; i < count; i++) {
		if (claims[i].lo != claims[i - 1].lo ||
		    claims[i].hi != claims[i - 1].hi)
			range = own = i;
		else if (!same_connector(&claims[i], &claims[i - 1]))
			own = i;
		for (size_t k = range; k < own && report->left > 0; k++)
			tell(report, &claims[k], &claims[i], false);
	}
}

void
space_conflicts(struct conflict_report *report, struct reach *reaches,
    const struct claim *claims, size_t count)
{
	if (report->tell == NULL || count < 2)
		return;
	tell_all_same(report, claims, count);
	tell_all_crossing(report, reaches, claims, count);
}
