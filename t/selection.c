/*
 * selection.c - selection against its definition: random connectors, listeners
 * and clients, half of them at the borders of ranges, looked up in the
 * flattened space and by plain loops that share no code with it.
 *
 * The number of cases is the first argument, else SELECTION_CASES, else two
 * million; SELECTION_SEED varies them.
 */
#include "space.h"

#include "connectors.h"
#include "tap.h"

#define CONNECTORS_MAX 12
#define RANGES_MAX 8
#define BINDINGS_MAX 5
#define PROBES 100 /* for each random town */

struct town {
	size_t count;
	struct connector connectors[CONNECTORS_MAX];
	struct range ranges[CONNECTORS_MAX][RANGES_MAX];
	struct endpoint bindings[CONNECTORS_MAX][BINDINGS_MAX];
	struct space *space;
};

struct probe {
	struct endpoint listener;
	struct addr client;
};

struct score {
	unsigned long long cases;
	unsigned long long served;
	unsigned long long hidden;
	unsigned long long wrong_find;
	unsigned long long wrong_why;
	unsigned long long wrong_shuffle;
};

static const char *const names[CONNECTORS_MAX] = { "delta", "Alpha", "echo",
	"bravo", "Golf", "charlie", "foxtrot", "hotel", "India", "juliet",
	"kilo", "LIMA" };

/* The last of each family is nobody's binding. */
static const char *const hosts[2][5] = {
	{ "0.0.0.0", "0.0.0.0", "192.0.2.25", "192.0.2.26", "192.0.2.99" },
	{ "::", "::", "2001:db8::25", "2001:db8::26", "2001:db8::99" },
};

static addr_value
last_of(enum addr_family family)
{
	return family == ADDR_IPV4 ? 0xffffffff : ~(addr_value)0;
}

static addr_value
random_value(uint64_t *seed, enum addr_family family)
{
	addr_value value = random_next(seed);

	value = value << 64 | random_next(seed);
	switch (random_below(seed, 4)) {
	case 0:
		value = 0;
		break;
	case 1:
		value = ~(addr_value)0;
		break;
	default:
		/* Few enough to meet again, in a high and a low place. */
		value &= (addr_value)0xf << 124 | 0xf;
		if (family == ADDR_IPV4)
			value = value >> 96 | (value & 0xf);
	}
	return value & last_of(family);
}

static enum addr_family
random_family(uint64_t *seed)
{
	return random_below(seed, 3) == 0 ? ADDR_IPV6 : ADDR_IPV4;
}

static struct range
random_prefix(uint64_t *seed, enum addr_family family)
{
	unsigned bits = family == ADDR_IPV4 ? 32 : 128;
	unsigned host = (unsigned)random_below(seed, bits + 1);
	addr_value mask =
	    host == 128 ? ~(addr_value)0 : ((addr_value)1 << host) - 1;
	addr_value lo = random_value(seed, family) & ~mask;

	return (struct range){ family, lo, lo | mask, "" };
}

static struct range
random_span(uint64_t *seed, enum addr_family family)
{
	addr_value a = random_value(seed, family);
	addr_value b = random_below(seed, 2) ? random_value(seed, family)
					     : a + random_below(seed, 6);

	b = b > last_of(family) ? last_of(family) : b;
	return (struct range){ family, a < b ? a : b, a < b ? b : a, "" };
}

/* A range inside one that is there already, often sharing a border. */
static struct range
random_nested(uint64_t *seed, const struct town *town)
{
	const size_t i = random_below(seed, town->count);
	const struct addrset *set = &town->connectors[i].remote_ip_ranges;
	struct range range;

	if (set->count == 0)
		return random_prefix(seed, random_family(seed));
	range = set->ranges[random_below(seed, set->count)];
	addr_value room = range.hi - range.lo;
	addr_value cut = room < 8 ? room / 2 : room >> random_below(seed, 6);

	switch (random_below(seed, 4)) {
	case 0:
		range.hi = range.lo;
		break;
	case 1:
		range.lo = range.hi - cut;
		break;
	case 2:
		range.hi = range.lo + cut;
		break;
	default:
		range.lo += room > 1;
		range.hi -= range.hi > range.lo;
	}
	return range;
}

static struct range
random_range(uint64_t *seed, const struct town *town)
{
	enum addr_family family = random_family(seed);

	switch (random_below(seed, 8)) {
	case 0:
		return (struct range){ family, 0, last_of(family), "" };
	case 1:
	case 2:
		return random_span(seed, family);
	case 3:
	case 4:
		return random_prefix(seed, family);
	default:
		return random_nested(seed, town);
	}
}

static struct endpoint
random_endpoint(uint64_t *seed, size_t host_count)
{
	static const uint16_t ports[] = { 25, 25, 25, 587 };
	struct endpoint endpoint;
	const char *wrong = addr_parse(&endpoint.addr,
	    hosts[random_below(seed, 3) == 0][random_below(seed, host_count)]);

	if (wrong != NULL)
		give_up("hosts", wrong);
	endpoint.port = ports[random_below(seed, nitems(ports))];
	return endpoint;
}

static void
random_town(uint64_t *seed, struct town *town)
{
	memset(town, 0, sizeof(*town));
	town->count = 1 + random_below(seed, CONNECTORS_MAX);
	for (size_t i = 0; i < town->count; i++) {
		struct connector *connector = &town->connectors[i];

		connector->name = names[i];
		connector->enabled = random_below(seed, 10) != 0;
		connector->expired = random_below(seed, 10) == 0;
		connector->bindings.endpoints = town->bindings[i];
		connector->bindings.count =
		    1 + random_below(seed, BINDINGS_MAX);
		for (size_t k = 0; k < connector->bindings.count; k++)
			town->bindings[i][k] = random_endpoint(seed, 4);
		connector->remote_ip_ranges.ranges = town->ranges[i];
	}
	for (size_t n = town->count * random_below(seed, RANGES_MAX); n > 0;
	     n--) {
		size_t i = random_below(seed, town->count);
		struct addrset *set = &town->connectors[i].remote_ip_ranges;
		struct range range = random_range(seed, town);

		if (set->count < RANGES_MAX)
			town->ranges[i][set->count++] = range;
	}
}

static struct addr
border_client(uint64_t *seed, const struct town *town)
{
	const size_t i = random_below(seed, town->count);
	const struct addrset *set = &town->connectors[i].remote_ip_ranges;
	const struct range *range;
	addr_value value;

	if (set->count == 0)
		return (struct addr){ ADDR_IPV4, 0xffffffff };
	range = &set->ranges[random_below(seed, set->count)];
	value = random_below(seed, 2) ? range->lo : range->hi;
	value += random_below(seed, 3) - (addr_value)1;
	value &= last_of(range->family);
	return (struct addr){ range->family, value };
}

static struct probe
random_probe(uint64_t *seed, const struct town *town)
{
	struct probe probe = { .listener = random_endpoint(seed, 5) };

	if (random_below(seed, 2)) {
		probe.client = border_client(seed, town);
		return probe;
	}
	probe.client.family = random_family(seed);
	probe.client.value = random_value(seed, probe.client.family);
	if (random_below(seed, 2)) {
		probe.client.value = random_next(seed);
		probe.client.value =
		    probe.client.value << 64 | random_next(seed);
		probe.client.value &= last_of(probe.client.family);
	}
	return probe;
}

/* An IPv6 value that means an IPv4 address is that, by definition. */
static struct addr
unmapped(struct addr client)
{
	if (client.family == ADDR_IPV6 && client.value >> 32 == 0xffff)
		client = (struct addr){ ADDR_IPV4, client.value & 0xffffffff };
	return client;
}

/* The client as it may reach us: IPv4 inside IPv6. */
static struct addr
maybe_mapped(uint64_t *seed, struct addr client)
{
	if (client.family == ADDR_IPV4 && random_below(seed, 4) == 0)
		client = (struct addr){ ADDR_IPV6,
			(addr_value)0xffff << 32 | client.value };
	return addr_unmap(client);
}

/* Is the connector bound to the address and port, by number? */
static bool
bound(const struct connector *connector, struct addr addr, uint16_t port)
{
	for (size_t i = 0; i < connector->bindings.count; i++) {
		const struct endpoint *e = &connector->bindings.endpoints[i];

		if (e->addr.family == addr.family &&
		    e->addr.value == addr.value && e->port == port)
			return true;
	}
	return false;
}

/* The six steps of the definition; the name decides what has no answer. */
static struct owner
by_definition(const struct town *town, const struct probe *probe)
{
	const struct addr any = { probe->listener.addr.family, 0 };
	struct owner best = { SPACE_NOBODY, 0 };
	struct addr at = any;
	addr_value best_size = 0;

	for (size_t i = 0; i < town->count; i++) {
		const struct connector *c = &town->connectors[i];

		if (c->enabled && !c->expired &&
		    bound(c, probe->listener.addr, probe->listener.port))
			at = probe->listener.addr;
	}
	for (uint32_t i = 0; i < town->count; i++) {
		const struct connector *c = &town->connectors[i];

		if (!c->enabled || c->expired ||
		    !bound(c, at, probe->listener.port))
			continue;
		for (uint32_t k = 0; k < c->remote_ip_ranges.count; k++) {
			const struct range *r = &town->ranges[i][k];
			addr_value size = r->hi - r->lo;

			if (r->family != probe->client.family ||
			    probe->client.value < r->lo ||
			    probe->client.value > r->hi)
				continue;
			if (best.connector == SPACE_NOBODY ||
			    size < best_size ||
			    (size == best_size && i != best.connector &&
				strcasecmp(names[i], names[best.connector]) <
				    0)) {
				best = (struct owner){ i, k };
				best_size = size;
			}
		}
	}
	return best;
}

/* Do the explanations of all connectors agree with the one found? */
static bool
explained(const struct town *town, const struct probe *probe,
    struct owner found, struct score *score)
{
	const struct policy policy = {
		.connectors = town->connectors,
		.connector_count = town->count,
	};
	const struct range *range;

	for (size_t i = 0; i < town->count; i++) {
		enum candidacy why = space_candidacy(
		    &policy, i, &probe->listener, &probe->client, &range);

		score->hidden += why == CANDIDATE_HIDDEN;
		if ((why == CANDIDATE_CHOSEN) != (i == found.connector))
			return false;
		if (why == CANDIDATE_CHOSEN &&
		    range != &town->ranges[i][found.range])
			return false;
		if (why == CANDIDATE_WIDER && found.connector == SPACE_NOBODY)
			return false;
		if ((range != NULL) !=
		    (why == CANDIDATE_CHOSEN || why == CANDIDATE_WIDER))
			return false;
	}
	return true;
}

/* The same connectors, met in another order. */
static void
shuffle(uint64_t *seed, const struct town *town, struct town *other)
{
	memcpy(other, town, sizeof(*other));
	for (size_t i = other->count; i > 1; i--) {
		size_t k = random_below(seed, i);
		struct connector swap = other->connectors[k];

		other->connectors[k] = other->connectors[i - 1];
		other->connectors[i - 1] = swap;
	}
}

static bool
same_winner(
    const struct town *a, struct owner x, const struct town *b, struct owner y)
{
	if (x.connector == SPACE_NOBODY || y.connector == SPACE_NOBODY)
		return x.connector == y.connector;
	return a->connectors[x.connector].name ==
	    b->connectors[y.connector].name &&
	    x.range == y.range;
}

static void
build_town(struct arena *arena, struct town *town)
{
	town->space =
	    space_build(arena, town->connectors, town->count, NULL, NULL);
	if (town->space == NULL)
		give_up("space_build", "no memory");
}

static void
complain(const char *what, const struct probe *probe, uint64_t seed)
{
	char at[ENDPOINT_TEXT_MAX], client[ADDR_TEXT_MAX];

	printf("# %s: client %s at %s, state %llx\n", what,
	    addr_format(client, &probe->client),
	    endpoint_format(at, &probe->listener), (unsigned long long)seed);
}

static void
play_town(uint64_t *seed, bool reorder, struct score *score)
{
	struct arena *arena = arena_new();
	struct town *town = arena_alloc(arena, 1, sizeof(*town));
	struct town *other = arena_alloc(arena, 1, sizeof(*other));
	const uint64_t start = *seed;

	random_town(seed, town);
	build_town(arena, town);
	if (reorder) {
		shuffle(seed, town, other);
		build_town(arena, other);
	}
	for (size_t i = 0; i < PROBES; i++) {
		struct probe probe = random_probe(seed, town);
		struct addr client = maybe_mapped(seed, probe.client);
		probe.client = unmapped(probe.client);
		struct owner want = by_definition(town, &probe);
		struct owner got =
		    space_find(town->space, &probe.listener, &client);

		score->cases++;
		score->served += got.connector != SPACE_NOBODY;
		if (got.connector != want.connector ||
		    (got.connector != SPACE_NOBODY &&
			got.range != want.range)) {
			score->wrong_find++;
			complain("wrong connector", &probe, start);
		}
		if (i % 4 == 0 && !explained(town, &probe, got, score)) {
			score->wrong_why++;
			complain("wrong explanation", &probe, start);
		}
		if (reorder &&
		    !same_winner(town, got, other,
			space_find(other->space, &probe.listener, &client))) {
			score->wrong_shuffle++;
			complain("the order matters", &probe, start);
		}
	}
	arena_free(arena);
}

static void
test_random(unsigned long long cases, uint64_t seed)
{
	struct score score = { 0 };
	unsigned long long wrong = 0;

	printf("# %llu cases, seed %llu\n", cases, (unsigned long long)seed);
	for (unsigned n = 0; score.cases < cases && wrong < 20; n++) {
		play_town(&seed, n % 4 == 0, &score);
		wrong =
		    score.wrong_find + score.wrong_why + score.wrong_shuffle;
	}
	ok(score.wrong_find == 0, "found as defined in %llu cases, %llu wrong",
	    score.cases, score.wrong_find);
	ok(score.wrong_why == 0, "explanations agree, %llu wrong",
	    score.wrong_why);
	ok(score.wrong_shuffle == 0, "the order of connectors is nothing: %llu",
	    score.wrong_shuffle);
	ok(score.served > score.cases / 10 &&
		score.served < score.cases / 10 * 9,
	    "somebody was served in some cases, in others nobody (%llu)",
	    score.served);
	ok(score.hidden > 0, "some candidates were hidden");
}

static unsigned long long
number(const char *text, unsigned long long otherwise)
{
	return text != NULL && *text != '\0' ? strtoull(text, NULL, 10)
					     : otherwise;
}

int
main(int argc, char **argv)
{
	unsigned long long cases =
	    number(argc > 1 ? argv[1] : getenv("SELECTION_CASES"), 2000000);
	uint64_t seed = number(getenv("SELECTION_SEED"), 20240607);

	test_random(cases, seed);
	return done();
}
