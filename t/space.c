/*
 * space.c - who is served where, who lost and why, and which ranges contradict
 * each other.
 */
#include "space.h"

#include <time.h>

#include "connectors.h"
#include "tap.h"
#include "text.h"

#define V4 "0.0.0.0/0"
#define LAST6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

/* clang-format off */
static const struct sketch town[] = {
	{ "Wide", "0.0.0.0:25 [::]:25", V4 " ::/0", LIVE },
	{ "office", "0.0.0.0:25 0.0.0.0:25", "192.168.1.0/24", LIVE },
	{ "scanner", "0.0.0.0:25", "192.168.1.75 192.168.1.70-192.168.1.80",
	    LIVE },
	{ "edges", "0.0.0.0:25 [::]:25",
	    "0.0.0.0 255.255.255.255 :: " LAST6, LIVE },
	{ "gone", "0.0.0.0:25", "192.168.1.9", DISABLED },
	{ "stale", "0.0.0.0:25", "192.168.1.8", EXPIRED },
	{ "inner", "192.0.2.25:25", "10.0.0.0/8 2001:db8::/32", LIVE },
	{ "ghost", "192.0.2.26:25", "10.0.0.0/8", DISABLED },
	{ "submission", "0.0.0.0:587", "10.0.0.0-10.0.0.9 10.0.0.5-10.0.0.20",
	    LIVE },
	{ "both", "198.51.100.1:25 0.0.0.0:25", "10.9.0.0/16", LIVE },
	{ NULL, NULL, NULL, LIVE },
};

static const struct {
	const char *what;
	const char *listener;
	const char *client;
	const char *want; /* connector and range */
} finds[] = {
	{ "the smallest of three nested ranges",
	    "192.0.2.1:25", "192.168.1.75", "scanner 192.168.1.75" },
	{ "two ranges of one connector may overlap",
	    "192.0.2.1:25", "192.168.1.76",
	    "scanner 192.168.1.70-192.168.1.80" },
	{ "the first address of a range",
	    "192.0.2.1:25", "192.168.1.70",
	    "scanner 192.168.1.70-192.168.1.80" },
	{ "one before it", "192.0.2.1:25", "192.168.1.69",
	    "office 192.168.1.0/24" },
	{ "one behind the last", "192.0.2.1:25", "192.168.1.81",
	    "office 192.168.1.0/24" },
	{ "behind the middle range", "192.0.2.1:25", "192.168.2.0",
	    "Wide 0.0.0.0/0" },
	{ "the first IPv4 address", "192.0.2.1:25", "0.0.0.0",
	    "edges 0.0.0.0" },
	{ "the second", "192.0.2.1:25", "0.0.0.1", "Wide 0.0.0.0/0" },
	{ "the last but one", "192.0.2.1:25", "255.255.255.254",
	    "Wide 0.0.0.0/0" },
	{ "the last", "192.0.2.1:25", "255.255.255.255",
	    "edges 255.255.255.255" },
	{ "the first IPv6 address", "[2001:db8::1]:25", "::", "edges ::" },
	{ "the second", "[2001:db8::1]:25", "::1", "Wide ::/0" },
	{ "the last", "[2001:db8::1]:25", LAST6, "edges " LAST6 },
	{ "a disabled connector does not take part",
	    "192.0.2.1:25", "192.168.1.9", "office 192.168.1.0/24" },
	{ "an expired one neither",
	    "192.0.2.1:25", "192.168.1.8", "office 192.168.1.0/24" },
	{ "an exact binding", "192.0.2.25:25", "10.1.1.1",
	    "inner 10.0.0.0/8" },
	{ "hides the wildcard ones, and there is no way back",
	    "192.0.2.25:25", "192.168.1.75", "-" },
	{ "an IPv6 client on an IPv4 listener", "192.0.2.25:25",
	    "2001:db8::9", "inner 2001:db8::/32" },
	{ "the exact binding of a disabled connector hides nothing",
	    "192.0.2.26:25", "10.1.1.1", "Wide 0.0.0.0/0" },
	{ "an any-address is a listener that nobody names",
	    "0.0.0.0:25", "10.1.1.1", "Wide 0.0.0.0/0" },
	{ "a wildcard of the other family does not count",
	    "[2001:db8::1]:25", "10.9.1.1", "Wide 0.0.0.0/0" },
	{ "an exact and a wildcard binding in one connector: exact",
	    "198.51.100.1:25", "10.9.1.1", "both 10.9.0.0/16" },
	{ "and nobody else there", "198.51.100.1:25", "10.8.1.1", "-" },
	{ "the same connector by its wildcard",
	    "192.0.2.1:25", "10.9.1.1", "both 10.9.0.0/16" },
	{ "another port is another listener", "192.0.2.25:587", "10.0.0.7",
	    "submission 10.0.0.0-10.0.0.9" },
	{ "crossing ranges of one connector", "192.0.2.25:587", "10.0.0.10",
	    "submission 10.0.0.5-10.0.0.20" },
	{ "a gap between ranges is nobody's", "192.0.2.25:587", "10.0.0.21",
	    "-" },
	{ "a port nobody is bound to", "192.0.2.25:26", "10.0.0.1", "-" },
	{ "a mapped client is an IPv4 client", "192.0.2.1:25",
	    "::ffff:192.168.1.75", "scanner 192.168.1.75" },
	{ "an unknown client", "192.0.2.1:25", "unknown", "-" },
	{ "an unknown listener", "unknown", "192.168.1.75", "-" },
};

/* In the order of the town; "." stands for no_binding. */
static const struct {
	const char *what;
	const char *listener;
	const char *client;
	const char *want;
} candidates[] = {
	{ "one is chosen, wider ones lose", "192.0.2.1:25", "192.168.1.75",
	    "wider(0.0.0.0/0) wider(192.168.1.0/24) chosen(192.168.1.75) "
	    "no_range disabled expired . disabled . no_range" },
	{ "hidden wildcards", "192.0.2.25:25", "10.9.1.1",
	    "hidden hidden hidden hidden disabled expired "
	    "chosen(10.0.0.0/8) disabled . hidden" },
	{ "hidden even where nobody has the client",
	    "192.0.2.25:25", "192.168.1.75",
	    "hidden hidden hidden hidden disabled expired "
	    "no_range disabled . hidden" },
	{ "an own exact binding is not hidden", "198.51.100.1:25", "10.9.1.1",
	    "hidden hidden hidden hidden disabled expired "
	    ". disabled . chosen(10.9.0.0/16)" },
	{ "an any-address hides nothing", "0.0.0.0:25", "10.9.1.1",
	    "wider(0.0.0.0/0) no_range no_range no_range disabled expired "
	    ". disabled . chosen(10.9.0.0/16)" },
	{ "IPv6", "[2001:db8::1]:25", "::",
	    "wider(::/0) . . chosen(::) disabled expired . disabled . ." },
	{ "an unknown client", "192.0.2.1:587", "unknown",
	    ". . . . disabled expired . disabled no_range ." },
	{ "an unknown listener", "unknown", "10.9.1.1",
	    ". . . . disabled expired . disabled . ." },
};

static const struct {
	const char *what;
	struct sketch sketches[5];
	const char *want;
} conflicts[] = {
	{ "the same range twice", {
	    { "a", "0.0.0.0:25", "10.0.0.0/8", LIVE },
	    { "b", "0.0.0.0:25", "10.0.0.0-10.255.255.255", LIVE } },
	    "0.0.0.0:25 same a 10.0.0.0/8 b 10.0.0.0-10.255.255.255\n" },
	{ "on two bindings", {
	    { "a", "0.0.0.0:25 [::]:25", "::1", LIVE },
	    { "b", "[::]:25 0.0.0.0:25 0.0.0.0:25", "::1", LIVE } },
	    "0.0.0.0:25 same a ::1 b ::1\n[::]:25 same a ::1 b ::1\n" },
	{ "on different bindings: none", {
	    { "a", "0.0.0.0:25", "10.0.0.0/8", LIVE },
	    { "b", "192.0.2.1:25", "10.0.0.0/8", LIVE },
	    { "c", "0.0.0.0:587", "10.0.0.0/8", LIVE } }, "" },
	{ "only one of them live: none", {
	    { "a", "0.0.0.0:25", "10.0.0.0/8", LIVE },
	    { "b", "0.0.0.0:25", "10.0.0.0/8", DISABLED },
	    { "c", "0.0.0.0:25", "10.0.0.0/8", EXPIRED } }, "" },
	{ "crossing, the right one first in the file", {
	    { "a", "0.0.0.0:25", "10.0.0.100-10.0.1.255", LIVE },
	    { "b", "0.0.0.0:25", "10.0.0.0-10.0.0.200", LIVE } },
	    "0.0.0.0:25 crossing a 10.0.0.100-10.0.1.255 "
	    "b 10.0.0.0-10.0.0.200\n" },
	{ "crossing in one address", {
	    { "a", "[::]:25", "::1-::5", LIVE },
	    { "b", "[::]:25", "::5-::9", LIVE } },
	    "[::]:25 crossing a ::1-::5 b ::5-::9\n" },
	{ "touching without an address in common: none", {
	    { "a", "[::]:25", "::1-::5", LIVE },
	    { "b", "[::]:25", "::6-::9", LIVE } }, "" },
	{ "one inside the other: none", {
	    { "a", "0.0.0.0:25", V4, LIVE },
	    { "b", "0.0.0.0:25", "10.0.0.0/8", LIVE },
	    { "c", "0.0.0.0:25", "10.0.0.0/9", LIVE },
	    { "d", "0.0.0.0:25", "10.255.0.0/16", LIVE } }, "" },
	{ "the whole of a family twice", {
	    { "a", "[::]:25", "::/0", LIVE },
	    { "b", "[::]:25", "::-" LAST6, LIVE } },
	    "[::]:25 same a ::/0 b ::-" LAST6 "\n" },
	{ "within one connector: none", {
	    { "a", "0.0.0.0:25", "10.0.0.1-10.0.0.5 10.0.0.4-10.0.0.9 "
		"10.0.0.4-10.0.0.9", LIVE } }, "" },
	{ "behind ranges of its own", {
	    { "a", "0.0.0.0:25", "10.0.0.1-10.0.0.5 10.0.0.3-10.0.0.9 "
		"10.0.0.4-10.0.0.7", LIVE },
	    { "b", "0.0.0.0:25", "10.0.0.6-10.0.0.8", LIVE } },
	    "0.0.0.0:25 crossing a 10.0.0.4-10.0.0.7 "
	    "b 10.0.0.6-10.0.0.8\n" },
};
/* clang-format on */

static const char *
owner_text(
    char *buf, size_t size, const struct policy *policy, struct owner owner)
{
	struct text text;

	text_init(&text, buf, size);
	if (owner.connector == SPACE_NOBODY) {
		text_put(&text, "-");
		return buf;
	}
	const struct connector *c = &policy->connectors[owner.connector];

	text_printf(&text, "%s %s", c->name,
	    c->remote_ip_ranges.ranges[owner.range].text);
	return buf;
}

static void
test_find(const struct policy *policy)
{
	for (size_t i = 0; i < nitems(finds); i++) {
		struct endpoint listener = endpoint_of(finds[i].listener);
		struct addr client = client_of(finds[i].client);
		char got[128], what[160];

		snprintf(what, sizeof(what), "find: %s", finds[i].what);
		is_str(owner_text(got, sizeof(got), policy,
			   space_find(policy->space, &listener, &client)),
		    finds[i].want, what);
	}
}

static void
test_candidates(const struct policy *policy)
{
	for (size_t i = 0; i < nitems(candidates); i++) {
		struct endpoint listener = endpoint_of(candidates[i].listener);
		struct addr client = client_of(candidates[i].client);
		char got[512], what[160];
		struct text text;

		text_init(&text, got, sizeof(got));
		for (size_t k = 0; k < policy->connector_count; k++) {
			const struct range *range;
			enum candidacy candidacy = space_candidacy(
			    policy, k, &listener, &client, &range);

			text_printf(&text, "%s%s", k > 0 ? " " : "",
			    candidacy == CANDIDATE_NO_BINDING
				? "."
				: candidacy_name(candidacy));
			if (range != NULL)
				text_printf(&text, "(%s)", range->text);
		}
		snprintf(what, sizeof(what), "why: %s", candidates[i].what);
		is_str(got, candidates[i].want, what);
	}
	is_str(candidacy_name(CANDIDATE_NO_BINDING), "no_binding",
	    "the name of no_binding");
}

struct told {
	const struct sketch *sketches;
	struct arena *arena;
	struct text text;
};

static void
write_conflict(const struct conflict *conflict, void *arg)
{
	struct told *told = arg;
	const struct sketch *a = &told->sketches[conflict->a.connector];
	const struct sketch *b = &told->sketches[conflict->b.connector];
	char buf[ENDPOINT_TEXT_MAX];

	text_printf(&told->text, "%s %s %s %s %s %s\n",
	    endpoint_format(buf, conflict->binding),
	    conflict->crossing ? "crossing" : "same", a->name,
	    ranges_of(told->arena, a->ranges).ranges[conflict->a.range].text,
	    b->name,
	    ranges_of(told->arena, b->ranges).ranges[conflict->b.range].text);
}

static void
test_conflicts(void)
{
	for (size_t i = 0; i < nitems(conflicts); i++) {
		struct arena *arena = arena_new();
		struct told told = {
			.sketches = conflicts[i].sketches,
			.arena = arena,
		};
		char got[512], what[160];

		text_init(&told.text, got, sizeof(got));
		(void)policy_of(
		    arena, conflicts[i].sketches, write_conflict, &told);
		snprintf(what, sizeof(what), "conflict: %s", conflicts[i].what);
		is_str(got, conflicts[i].want, what);
		arena_free(arena);
	}
}

static int
write_interval(const struct endpoint *binding, const struct range *interval,
    struct owner owner, void *arg)
{
	char at[ENDPOINT_TEXT_MAX], lo[ADDR_TEXT_MAX], hi[ADDR_TEXT_MAX];
	struct addr first = { interval->family, interval->lo };
	struct addr last = { interval->family, interval->hi };

	text_printf(arg, "%s %s-%s %u.%u\n", endpoint_format(at, binding),
	    addr_format(lo, &first), addr_format(hi, &last), owner.connector,
	    owner.range);
	return 0;
}

static int
stop_at_second(const struct endpoint *binding UNUSED,
    const struct range *interval UNUSED, struct owner owner UNUSED, void *arg)
{
	int *calls = arg;

	return ++*calls == 2 ? 7 : 0;
}

static void
test_visit(void)
{
	/* clang-format off */
	static const struct sketch sketches[] = {
		{ "a", "[::]:25 0.0.0.0:25", "0.0.0.0/0 ::5-::9 ::a", LIVE },
		{ "b", "0.0.0.0:25", "0.0.0.0/8 ::7", LIVE },
		{ "c", "0.0.0.0:24", "255.255.255.255 ::/0", LIVE },
		{ NULL, NULL, NULL, LIVE },
	};
	static const char want[] =
	    "0.0.0.0:24 255.255.255.255-255.255.255.255 2.0\n"
	    "0.0.0.0:24 ::-" LAST6 " 2.1\n"
	    "0.0.0.0:25 0.0.0.0-0.255.255.255 1.0\n"
	    "0.0.0.0:25 1.0.0.0-255.255.255.255 0.0\n"
	    "0.0.0.0:25 ::5-::6 0.1\n"
	    "0.0.0.0:25 ::7-::7 1.1\n"
	    "0.0.0.0:25 ::8-::9 0.1\n"
	    "0.0.0.0:25 ::a-::a 0.2\n"
	    "[::]:25 0.0.0.0-255.255.255.255 0.0\n"
	    "[::]:25 ::5-::9 0.1\n"
	    "[::]:25 ::a-::a 0.2\n";
	/* clang-format on */
	struct arena *arena = arena_new();
	struct policy policy = policy_of(arena, sketches, NULL, NULL);
	char got[1024];
	struct text text;
	int calls = 0;

	text_init(&text, got, sizeof(got));
	is_int(space_visit(policy.space, write_interval, &text), 0,
	    "a visit to the end returns 0");
	is_str(got, want, "every interval once, in order, gaps left out");
	is_int((long long)space_intervals(policy.space), 11,
	    "and that is how many there are");
	is_int(space_visit(policy.space, stop_at_second, &calls), 7,
	    "a visitor stops the visit");
	is_int(calls, 2, "at once");
	arena_free(arena);
}

static void
test_nothing(void)
{
	static const struct sketch none[] = { { NULL, NULL, NULL, LIVE } };
	struct arena *arena = arena_new();
	struct policy policy = policy_of(arena, none, NULL, NULL);
	struct endpoint listener = endpoint_of("192.0.2.1:25");
	struct addr client = client_of("10.0.0.1");

	is_int(space_find(policy.space, &listener, &client).connector,
	    SPACE_NOBODY, "without connectors nobody serves anybody");
	is_int((long long)space_intervals(policy.space), 0, "nor anywhere");
	arena_free(arena);
}

/* Which pairs were told: eight ranges a connector, few enough to tell all. */
struct pairs {
	unsigned char seen[64][64]; /* 1: same, 2: crossing */
	unsigned told;
	unsigned twice;
};

static void
note_pair(const struct conflict *conflict, void *arg)
{
	struct pairs *pairs = arg;
	unsigned a = conflict->a.connector * 8 + conflict->a.range;
	unsigned b = conflict->b.connector * 8 + conflict->b.range;

	pairs->told++;
	if (pairs->seen[a][b] != 0 || a >= b)
		pairs->twice++;
	pairs->seen[a][b] = conflict->crossing ? 2 : 1;
}

static unsigned char
naive_conflict(const struct range *a, const struct range *b)
{
	if (a->lo == b->lo && a->hi == b->hi)
		return 1;
	if ((a->lo < b->lo && b->lo <= a->hi && a->hi < b->hi) ||
	    (b->lo < a->lo && a->lo <= b->hi && b->hi < a->hi))
		return 2;
	return 0;
}

/* One random town of few addresses: the told pairs against all pairs. */
static unsigned
conflict_differences(uint64_t *seed, unsigned *found)
{
	struct endpoint binding = endpoint_of("0.0.0.0:25");
	struct connector connectors[4] = { 0 };
	struct range ranges[4][8];
	struct pairs pairs = { 0 };
	struct arena *arena = arena_new();
	unsigned different = 0, expected = 0;
	size_t count = 2 + random_below(seed, 3);
	size_t width = 4 + random_below(seed, 40);

	for (size_t i = 0; i < count; i++) {
		size_t n = random_below(seed, 5);

		for (size_t k = 0; k < n; k++) {
			addr_value lo = random_below(seed, width);

			ranges[i][k] = (struct range){ ADDR_IPV4, lo,
				lo + random_below(seed, width - (size_t)lo),
				"" };
		}
		connectors[i].name = "x";
		connectors[i].enabled = true;
		connectors[i].bindings = (struct bindings){ &binding, 1 };
		connectors[i].remote_ip_ranges = (struct addrset){
			ranges[i],
			n,
		};
	}
	if (space_build(arena, connectors, count, note_pair, &pairs) == NULL)
		give_up("space_build", "no memory");
	for (size_t a = 0; a < count * 8; a++)
		for (size_t b = (a / 8 + 1) * 8; b < count * 8; b++) {
			unsigned char want = 0;

			if (a % 8 < connectors[a / 8].remote_ip_ranges.count &&
			    b % 8 < connectors[b / 8].remote_ip_ranges.count)
				want = naive_conflict(&ranges[a / 8][a % 8],
				    &ranges[b / 8][b % 8]);
			expected += want != 0;
			different += want != pairs.seen[a][b];
		}
	*found += expected;
	arena_free(arena);
	return different + pairs.twice + (pairs.told != expected);
}

static void
test_random_conflicts(void)
{
	uint64_t seed = 20240607;
	unsigned different = 0, found = 0;

	for (unsigned i = 0; i < 20000; i++)
		different += conflict_differences(&seed, &found);
	is_int(different, 0, "conflicts of 20000 random towns, each pair once");
	ok(found > 20000, "and there were many (%u)", found);
}

static void
count_conflict(const struct conflict *conflict UNUSED, void *arg)
{
	++*(unsigned *)arg;
}

#define MANY 100000

/* Shapes on which comparing every pair would take minutes. */
static void
test_many(void)
{
	struct endpoint binding = endpoint_of("0.0.0.0:25");
	struct connector connectors[2] = { 0 };
	struct range *ranges = calloc(2 * MANY, sizeof(*ranges));
	struct arena *arena = arena_new();
	unsigned told = 0;

	for (size_t i = 0; i < 2; i++)
		connectors[i] = (struct connector){
			.name = i == 0 ? "a" : "b",
			.enabled = true,
			.bindings = { &binding, 1 },
			.remote_ip_ranges = { &ranges[i * MANY], MANY },
		};
	for (size_t i = 0; i < MANY; i++) {
		ranges[i] = (struct range){ ADDR_IPV4, i, i + MANY, "" };
		ranges[MANY + i] =
		    (struct range){ ADDR_IPV4, 3 * MANY, 3 * MANY, "" };
	}
	struct space *space =
	    space_build(arena, connectors, 2, count_conflict, &told);

	ok(space != NULL && told == 0,
	    "ranges of one connector may all cross, or all be the same");
	for (size_t i = 0; i < MANY; i++)
		ranges[MANY + i] = ranges[i];
	space = space_build(arena, connectors, 2, count_conflict, &told);
	ok(space != NULL, "a hopeless configuration is built all the same");
	is_int(told, SPACE_CONFLICTS_MAX, "and reported within reason");
	ok(clock() < 10 * CLOCKS_PER_SEC, "all this in a moment");
	arena_free(arena);
	free(ranges);
}

int
main(void)
{
	struct arena *arena = arena_new();
	struct policy policy = policy_of(arena, town, NULL, NULL);

	test_find(&policy);
	test_candidates(&policy);
	arena_free(arena);
	test_conflicts();
	test_random_conflicts();
	test_visit();
	test_nothing();
	test_many();
	return done();
}
