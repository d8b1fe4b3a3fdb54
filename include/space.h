/*
 * space.h - who is served where: the flattened space of client addresses.
 *
 * Built once at load. Per binding, the ranges of all its live connectors are
 * flattened to disjoint intervals, each won by the smallest range that holds
 * it; a lookup is one branchless bisection over an array of interval starts
 * (32 bits wide for IPv4, 128 for IPv6). Selection, lint and the relay guard
 * all read this one structure. Constant after building; lookups neither
 * allocate nor lock; any thread. Memory is the snapshot's arena; building
 * takes O(n log n) for n ranges of a binding.
 */
#ifndef SPACE_H
#define SPACE_H

#include "connector.h"

struct arena;
struct space;

/* A range of a connector; index into its remote_ip_ranges. */
struct owner {
	uint32_t connector; /* index into policy->connectors */
	uint32_t range;
};

/* owner.connector: no connector here; owner.range is then 0. */
#define SPACE_NOBODY UINT32_MAX

/*
 * Two live connectors that cannot both be right on one binding: the same range
 * twice, or two that cross without one holding the other.
 */
struct conflict {
	const struct endpoint *binding;
	struct owner a;
	struct owner b; /* comes later in the order of connectors */
	bool crossing;  /* else: the same range */
};

/* So many conflicts of one binding are reported; the rest would not help. */
#define SPACE_CONFLICTS_MAX 100

/*
 * Builds the space of connectors[0..count), only the live ones. conflict() is
 * called for every pair in conflict, at most once per pair of ranges and
 * binding and for at most SPACE_CONFLICTS_MAX pairs of a binding; the space
 * must then not be used. conflict may be NULL. NULL without memory.
 */
struct space *space_build(struct arena *arena,
    const struct connector *connectors, size_t count,
    void (*conflict)(const struct conflict *conflict, void *arg),
    void *arg) NODISCARD;

/*
 * The one range that serves client at listener; connector is SPACE_NOBODY when
 * there is none, as when either address is not known. An exact binding hides
 * wildcard ones of its port. A listener whose address is an any-address stands
 * for every address of its family that no exact binding names.
 */
struct owner space_find(const struct space *space,
    const struct endpoint *listener, const struct addr *client);

/* interval->text is NULL. Non-zero ends the visit. */
typedef int space_visitor(const struct endpoint *binding,
    const struct range *interval, struct owner owner, void *arg);

/*
 * Calls visit for every interval of every binding that somebody owns, in
 * ascending order within a binding and family. Returns what visit returned
 * last, 0 when it was never called.
 */
int space_visit(const struct space *space, space_visitor *visit, void *arg);

/* For tests: intervals in all bindings and both families. */
size_t space_intervals(const struct space *space);

/* Why a connector did or did not get a client. */
enum candidacy {
	CANDIDATE_CHOSEN,
	CANDIDATE_DISABLED,
	CANDIDATE_EXPIRED,
	CANDIDATE_NO_BINDING,
	CANDIDATE_HIDDEN, /* an exact binding of another hides its wildcard */
	CANDIDATE_NO_RANGE,
	CANDIDATE_WIDER,
};

/* "chosen", "disabled", "expired", "no_binding", "hidden", ... */
const char *candidacy_name(enum candidacy candidacy);

/*
 * The outcome of policy->connectors[index] for this client and listener. *range
 * is its smallest range that holds the client where the outcome is CHOSEN or
 * WIDER, else NULL. For explain: computed from the definitions, not from the
 * flattened space, and linear in the ranges of all connectors.
 */
enum candidacy space_candidacy(const struct policy *policy, size_t index,
    const struct endpoint *listener, const struct addr *client,
    const struct range **range);

#endif
