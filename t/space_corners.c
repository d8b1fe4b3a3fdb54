/*
 * space_corners.c - where ranges touch, cross and repeat, and who stops looking
 * half way.
 */
#include "space.h"

#include "connectors.h"
#include "tap.h"

/* clang-format off */
static const struct sketch twofold[] = {
	{ "both", "0.0.0.0:25 [::]:25", "10.0.0.0/8 10.2.0.0/16 2001:db8::/32",
	    LIVE },
	{ "inner", "0.0.0.0:25 [::]:25", "10.1.0.0/16 2001:db8:1::/48", LIVE },
	{ "submission", "0.0.0.0:587", "10.0.0.0/8", LIVE },
	{ NULL, NULL, NULL, LIVE },
};
/* clang-format on */

struct visit {
	size_t seen;
	size_t last; /* stops there; 0: never */
};

static int
look(const struct endpoint *binding UNUSED, const struct range *interval UNUSED,
    struct owner owner UNUSED, void *arg)
{
	struct visit *visit = arg;

	return ++visit->seen == visit->last ? 42 : 0;
}

/* Whoever stops anywhere sees no more. */
static void
test_visit(void)
{
	struct arena *arena = arena_new();
	const struct policy policy = policy_of(arena, twofold, NULL, NULL);
	struct visit all = { 0, 0 };

	is_int(space_visit(policy.space, look, &all), 0, "a whole visit");
	ok(all.seen > 6, "sees %zu intervals", all.seen);
	for (size_t last = 1; last <= all.seen; last++) {
		struct visit some = { 0, last };

		is_int(space_visit(policy.space, look, &some), 42,
		    "a visit that stops says so");
		is_int((long long)some.seen, (long long)last,
		    "... and sees no more");
	}
	arena_free(arena);
}

struct count {
	size_t crossing;
	size_t same;
	bool own; /* somebody contradicts himself */
};

static void
count_conflict(const struct conflict *conflict, void *arg)
{
	struct count *count = arg;

	*(conflict->crossing ? &count->crossing : &count->same) += 1;
	count->own |= conflict->a.connector == conflict->b.connector;
}

/* clang-format off */
static const struct {
	const char *what;
	const char *a; /* ranges of three connectors */
	const char *b;
	const char *c;
	size_t crossing;
	size_t same;
} crossings[] = {
	{ "apart", "10.0.0.0-10.0.0.9", "10.0.0.10-10.0.0.19",
	    "10.0.0.30-10.0.0.39", 0, 0 },
	{ "two cross", "10.0.0.0-10.0.0.9", "10.0.0.5-10.0.0.15",
	    "10.0.0.30-10.0.0.39", 1, 0 },
	{ "only a connector with itself",
	    "10.0.0.0-10.0.0.9 10.0.0.5-10.0.0.15 10.0.0.7-10.0.0.20",
	    "10.1.0.0", "10.2.0.0", 0, 0 },
	{ "a connector with itself, and one that another holds",
	    "10.0.0.0-10.0.0.9 10.0.0.5-10.0.0.30", "10.0.0.6-10.0.0.8",
	    "10.0.0.0-10.0.0.99", 0, 0 },
	{ "a connector with itself, and with another below",
	    "10.0.0.0-10.0.0.9 10.0.0.5-10.0.0.30", "10.0.0.6-10.0.0.12",
	    "10.2.0.0", 1, 0 },
	{ "the last address of one is the first of the other",
	    "10.0.0.0-10.0.0.9", "10.0.0.9-10.0.0.20", "10.2.0.0", 1, 0 },
	{ "one begins with another, one ends with it",
	    "10.0.0.0-10.0.0.99", "10.0.0.0-10.0.0.9",
	    "10.0.0.90-10.0.0.99", 0, 0 },
	{ "the same twice", "10.0.0.0-10.0.0.9", "10.0.0.0-10.0.0.9",
	    "10.2.0.0", 0, 1 },
	{ "the same three times", "10.0.0.0/24", "10.0.0.0-10.0.0.255",
	    "10.0.0.0(255.255.255.0)", 0, 3 },
	{ "a connector with the same range three times",
	    "10.0.0.1 10.0.0.1 10.0.0.1", "10.1.0.0", "10.2.0.0", 0, 0 },
};
/* clang-format on */

static void
test_conflicts(void)
{
	for (size_t i = 0; i < sizeof(crossings) / sizeof(crossings[0]); i++) {
		const struct sketch sketches[] = {
			{ "a", "0.0.0.0:25", crossings[i].a, LIVE },
			{ "b", "0.0.0.0:25", crossings[i].b, LIVE },
			{ "c", "0.0.0.0:25", crossings[i].c, LIVE },
			{ NULL, NULL, NULL, LIVE },
		};
		struct arena *arena = arena_new();
		struct count count = { 0, 0, false };

		(void)policy_of(arena, sketches, count_conflict, &count);
		is_int((long long)count.crossing,
		    (long long)crossings[i].crossing, crossings[i].what);
		is_int((long long)count.same, (long long)crossings[i].same,
		    crossings[i].what);
		ok(!count.own, "%s: nobody contradicts himself",
		    crossings[i].what);
		arena_free(arena);
	}
}

/* Sixteen ranges each, of which every pair crosses. */
static void
test_many_conflicts(void)
{
	char a[1024] = "", b[1024] = "";
	const struct sketch sketches[] = {
		{ "a", "0.0.0.0:25", a, LIVE },
		{ "b", "0.0.0.0:25", b, LIVE },
		{ NULL, NULL, NULL, LIVE },
	};
	struct arena *arena = arena_new();
	struct count count = { 0, 0, false };

	for (unsigned i = 0; i < 16; i++) {
		snprintf(a + strlen(a), sizeof(a) - strlen(a),
		    "10.0.0.%u-10.0.1.%u ", i, i);
		snprintf(b + strlen(b), sizeof(b) - strlen(b),
		    "10.0.0.%u-10.0.2.%u ", 100 + i, i);
	}
	(void)policy_of(arena, sketches, count_conflict, &count);
	is_int((long long)(count.crossing + count.same), SPACE_CONFLICTS_MAX,
	    "of 256 conflicts no more are told than help");
	arena_free(arena);
}

/* More ranges than can be numbered: refused before any of them is read. */
static void
test_too_many(void)
{
	struct arena *arena = arena_new();
	const struct connector connector = {
		.name = "huge",
		.enabled = true,
		.bindings = bindings_of(arena, "0.0.0.0:25"),
		.remote_ip_ranges = { NULL, UINT32_MAX },
	};

	ok(space_build(arena, &connector, 1, NULL, NULL) == NULL,
	    "four thousand million ranges are too many");
	arena_free(arena);
}

int
main(void)
{
	test_visit();
	test_conflicts();
	test_many_conflicts();
	test_too_many();
	return done();
}
