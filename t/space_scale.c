/*
 * space_scale.c - a million ranges load and look up without surprise, and so do
 * ranges nested a hundred thousand deep; the times are printed, the answers
 * checked.
 */
#include "space.h"

#include <time.h>

#include "connectors.h"
#include "tap.h"

static addr_value
last_of(enum addr_family family)
{
	return family == ADDR_IPV4 ? 0xffffffff : ~(addr_value)0;
}

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
ignore(const struct conflict *conflict, void *arg)
{
	(void)conflict;
	(void)arg;
}

#define LARGE 1000000
#define SLICES 10

/* Half the ranges lie in earlier ones, a third are no prefixes. */
static void
fill_large(uint64_t *seed, struct range *ranges, enum addr_family family)
{
	const unsigned bits = family == ADDR_IPV4 ? 32 : 128;

	for (size_t i = 0; i < LARGE; i++) {
		addr_value lo = random_next(seed);
		unsigned host = (unsigned)random_below(seed, bits / 2 + 1);
		addr_value mask = ((addr_value)1 << host) - 1;

		lo = (lo << 64 | random_next(seed)) & last_of(family);
		if (i > 0 && random_below(seed, 2)) {
			const struct range *in = &ranges[random_below(seed, i)];

			lo = in->lo + (lo & (in->hi - in->lo));
		}
		ranges[i] = (struct range){ family, lo & ~mask, lo | mask, "" };
		if (random_below(seed, 3) == 0)
			ranges[i].lo += ranges[i].hi > ranges[i].lo;
	}
}

static unsigned
large_differences(uint64_t *seed, const struct space *space,
    const struct range *ranges, const struct endpoint *listener)
{
	const struct addrset all = { ranges, LARGE };
	unsigned different = 0;

	for (unsigned i = 0; i < 50; i++) {
		const struct range *near = &ranges[random_below(seed, LARGE)];
		struct addr client = { near->family,
			(random_below(seed, 2) ? near->lo - 1 : near->hi) &
			    last_of(near->family) };
		struct owner owner = space_find(space, listener, &client);
		const struct range *want = addrset_smallest(&all, &client);
		const struct range *got = NULL;

		if (owner.connector != SPACE_NOBODY)
			got = &ranges[owner.connector * (LARGE / SLICES) +
			    owner.range];
		different += got != want;
	}
	return different;
}

static void
test_large(uint64_t seed, enum addr_family family)
{
	static const char *const slices[SLICES] = { "a", "b", "c", "d", "e",
		"f", "g", "h", "i", "j" };
	struct range *ranges = calloc(LARGE, sizeof(*ranges));
	struct connector connectors[SLICES] = { 0 };
	struct endpoint listener = endpoint_of("0.0.0.0:25");
	struct arena *arena = arena_new();
	uint64_t sum = 0;

	fill_large(&seed, ranges, family);
	for (size_t i = 0; i < SLICES; i++)
		connectors[i] = (struct connector){
			.name = slices[i],
			.enabled = true,
			.bindings = { &listener, 1 },
			.remote_ip_ranges = { ranges + i * (LARGE / SLICES),
			    LARGE / SLICES },
		};
	double start = milliseconds();
	struct space *space =
	    space_build(arena, connectors, SLICES, ignore, NULL);
	double built = milliseconds();

	if (space == NULL)
		give_up("space_build", "no memory");
	for (unsigned i = 0; i < LARGE; i++) {
		struct addr client = { family,
			ranges[random_below(&seed, LARGE)].lo };

		sum += space_find(space, &listener, &client).range;
	}
	printf("# %d ranges of IPv%d: built in %.0f ms, %.0f ns a look-up, "
	       "%zu intervals, %zu MB, sum %llx\n",
	    LARGE, family == ADDR_IPV4 ? 4 : 6, built - start,
	    (milliseconds() - built) * 1e6 / LARGE, space_intervals(space),
	    arena_bytes(arena) >> 20, (unsigned long long)sum);
	is_int(large_differences(&seed, space, ranges, &listener), 0,
	    "a million ranges: the smallest is found");
	arena_free(arena);
	free(ranges);
}

#define DEEP 100000

/* Each range inside the one before, of two connectors in turn. */
static void
test_deep(void)
{
	struct range *ranges = calloc(DEEP, sizeof(*ranges));
	struct connector connectors[2] = { 0 };
	struct endpoint listener = endpoint_of("0.0.0.0:25");
	struct arena *arena = arena_new();
	unsigned different = 0;
	double start;

	for (size_t i = 0; i < DEEP; i++)
		ranges[i % 2 * (DEEP / 2) + i / 2] =
		    (struct range){ ADDR_IPV4, i, 0xffffffff - i, "" };
	for (size_t i = 0; i < 2; i++)
		connectors[i] = (struct connector){
			.name = i == 0 ? "a" : "b",
			.enabled = true,
			.bindings = { &listener, 1 },
			.remote_ip_ranges = { ranges + i * (DEEP / 2),
			    DEEP / 2 },
		};
	start = milliseconds();
	struct space *space = space_build(arena, connectors, 2, ignore, NULL);
	double took = milliseconds() - start;

	if (space == NULL)
		give_up("space_build", "no memory");
	for (uint32_t i = 0; i < DEEP; i++)
		for (uint32_t side = 0; side < 2; side++) {
			struct addr client = { ADDR_IPV4,
				side ? 0xffffffff - i : i };
			struct owner owner =
			    space_find(space, &listener, &client);

			different +=
			    owner.connector != i % 2 || owner.range != i / 2;
		}
	printf("# %d ranges inside each other: built in %.0f ms\n", DEEP, took);
	is_int(different, 0, "a hundred thousand nested ranges, both borders");
	ok(took < 10000, "and not by comparing them all");
	arena_free(arena);
	free(ranges);
}

int
main(void)
{
	test_large(20240607, ADDR_IPV4);
	test_large(20240607, ADDR_IPV6);
	test_deep();
	return done();
}
