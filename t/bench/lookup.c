/*
 * lookup.c - what it costs to find the connector of a client among 10 to
 * 1,000,000 ranges; some answers are compared with those of a plain search.
 *
 * Prints one line of NAME=VALUE for each family and size; times are in
 * nanoseconds. The argument is the largest size.
 */
#include <time.h>

#include "connectors.h"

#define CONNECTORS 10
#define ROUNDS 5
#define LOOKUPS 262144
#define HOT 1024

/* The binding is a wildcard, what clients reach is not. */
static struct endpoint binding;
static struct endpoint listener;

static double
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *
need(void *memory)
{
	if (memory == NULL)
		give_up("lookup", "no memory");
	return memory;
}

static addr_value
last_of(enum addr_family family)
{
	return family == ADDR_IPV4 ? 0xffffffff : ~(addr_value)0;
}

static addr_value
random_value(uint64_t *seed, enum addr_family family)
{
	const addr_value high = random_next(seed);

	return (high << 64 | random_next(seed)) & last_of(family);
}

/* Half the ranges lie in earlier ones, a third are no prefixes. */
static void
fill_ranges(
    uint64_t *seed, struct range *ranges, size_t count, enum addr_family family)
{
	for (size_t i = 0; i < count; i++) {
		addr_value lo = random_value(seed, family);
		const size_t host =
		    random_below(seed, addr_bits(family) / 2 + 1);
		const addr_value mask = ((addr_value)1 << host) - 1;

		if (i > 0 && random_below(seed, 2)) {
			const struct range *in = &ranges[random_below(seed, i)];

			lo = in->lo + (lo & (in->hi - in->lo));
		}
		ranges[i] = (struct range){ family, lo & ~mask, lo | mask, "" };
		if (random_below(seed, 3) == 0)
			ranges[i].lo += ranges[i].hi > ranges[i].lo;
	}
}

/* Every other client lies in a range. */
static void
fill_clients(uint64_t *seed, struct addr *clients, size_t count,
    const struct range *ranges, size_t range_count)
{
	const enum addr_family family = ranges[0].family;

	for (size_t i = 0; i < count; i++) {
		const struct range *in =
		    &ranges[random_below(seed, range_count)];
		addr_value value = random_value(seed, family);

		if (i % 2)
			value = in->lo + value % (in->hi - in->lo + 1);
		clients[i] = (struct addr){ family, value };
	}
}

static struct space *
space_of(struct arena *arena, const struct range *ranges, size_t count)
{
	struct connector *connectors =
	    need(arena_alloc(arena, CONNECTORS, sizeof(*connectors)));
	const size_t each = count / CONNECTORS;

	for (size_t i = 0; i < CONNECTORS; i++)
		connectors[i] = (struct connector){
			.name = "c",
			.enabled = true,
			.bindings = { &binding, 1 },
			.remote_ip_ranges = { ranges + i * each, each },
		};
	return need(space_build(arena, connectors, CONNECTORS, NULL, NULL));
}

/*
 * The fastest of some rounds: what was slower was disturbed. mask keeps to the
 * first clients, again and again.
 */
static double
time_lookups(const struct space *space, const struct addr *clients, size_t mask)
{
	volatile uint32_t sink = 0;
	double best = 1e18;

	for (unsigned r = 0; r < ROUNDS; r++) {
		const double start = clock_ns();
		uint32_t sum = 0;
		double took;

		for (size_t i = 0; i < LOOKUPS; i++)
			sum += space_find(space, &listener, &clients[i & mask])
				   .range;
		sink = sink + sum;
		took = (clock_ns() - start) / LOOKUPS;
		if (took < best)
			best = took;
	}
	return best;
}

static unsigned
count_wrong(const struct space *space, const struct range *ranges, size_t count,
    const struct addr *clients)
{
	const struct addrset all = { ranges, count };
	const size_t samples = count < 100000 ? 1000 : 40;
	unsigned wrong = 0;

	for (size_t i = 0; i < samples; i++) {
		const struct owner owner =
		    space_find(space, &listener, &clients[i]);
		const struct range *want = addrset_smallest(&all, &clients[i]);
		const struct range *got = NULL;

		if (owner.connector != SPACE_NOBODY)
			got = &ranges[owner.connector * (count / CONNECTORS) +
			    owner.range];
		wrong += got != want;
	}
	return wrong;
}

static unsigned
measure(enum addr_family family, size_t count)
{
	struct range *ranges = need(calloc(count, sizeof(*ranges)));
	struct addr *clients = need(calloc(LOOKUPS, sizeof(*clients)));
	struct arena *arena = need(arena_new());
	uint64_t seed = 20240607 + count;
	struct space *space;
	double start;
	double built;
	unsigned wrong;

	fill_ranges(&seed, ranges, count, family);
	fill_clients(&seed, clients, LOOKUPS, ranges, count);
	start = clock_ns();
	space = space_of(arena, ranges, count);
	built = clock_ns() - start;
	wrong = count_wrong(space, ranges, count, clients);
	printf("family=%d ranges=%zu random=%.1f skewed=%.1f build=%.0f "
	       "wrong=%u\n",
	    family == ADDR_IPV4 ? 4 : 6, count,
	    time_lookups(space, clients, LOOKUPS - 1),
	    time_lookups(space, clients, HOT - 1), built, wrong);
	fflush(stdout);
	arena_free(arena);
	free(clients);
	free(ranges);
	return wrong;
}

int
main(int argc, char **argv)
{
	const size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned wrong = 0;

	binding = endpoint_of("0.0.0.0:25");
	listener = endpoint_of("192.0.2.25:25");
	for (size_t count = 10; count <= most; count *= 10) {
		wrong += measure(ADDR_IPV4, count);
		wrong += measure(ADDR_IPV6, count);
	}
	return wrong != 0;
}
