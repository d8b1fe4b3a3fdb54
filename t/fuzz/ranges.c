/*
 * ranges.c - addresses, ranges and who is served where, against the simplest
 * reading of each.
 *
 * Lines: "a RANGE" gives a range to connector a (a to h; those in upper case
 * are bound to 192.0.2.25:25 and [2001:db8::25]:25, the others to every address
 * of port 25), "? ADDRESS" is a client, "@ ENDPOINT" an endpoint. Holds: an
 * address is one for us when it is for inet_pton, and reads back from its text;
 * the prefixes of a range are just the range; the space finds what a walk over
 * all ranges finds, for all clients and the edges of all ranges, and its
 * conflicts are those that comparing every pair finds.
 */
#include <arpa/inet.h>

#include "addrset.h"
#include "arena.h"
#include "fuzz.h"
#include "space.h"

#define CONNECTORS 16
#define RANGES_MAX 12 /* of a connector */
#define CLIENTS_MAX 32

static const struct endpoint wide[] = { { { ADDR_IPV4, 0 }, 25 },
	{ { ADDR_IPV6, 0 }, 25 } };
static struct endpoint narrow[2];
static struct endpoint elsewhere[2];

struct world {
	struct connector connectors[CONNECTORS];
	struct range ranges[CONNECTORS][RANGES_MAX];
	struct addr clients[CLIENTS_MAX];
	size_t client_count;
	size_t conflicts; /* as the space tells them */
	struct policy policy;
};

/* ---- texts --------------------------------------------------------------- */

static addr_value
value_of(const unsigned char *bytes, size_t count)
{
	addr_value value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* By the system's own reading. */
static struct addr
naive_addr(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return (struct addr){ ADDR_IPV4, value_of(bytes, 4) };
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return (struct addr){ ADDR_IPV6, value_of(bytes, 16) };
	return (struct addr){ ADDR_NONE, 0 };
}

static bool
same_addr(struct addr a, struct addr b)
{
	return a.family == b.family && a.value == b.value;
}

static void
check_addr(const char *text)
{
	const struct addr want = naive_addr(text);
	struct addr addr, again;
	char buf[ADDR_TEXT_MAX];

	if (addr_parse(&addr, text) != NULL) {
		must(want.family == ADDR_NONE, "inet_pton knows no other");
		return;
	}
	must(same_addr(addr, want), "inet_pton reads the same");
	must(addr_parse(&again, addr_format(buf, &addr)) == NULL &&
		same_addr(again, addr),
	    "an address reads back from its text");
	addr = addr_unmap(addr);
	must(!addr_is_mapped(&addr), "what is unmapped is not mapped");
	must(addr_parse_macro(&again, addr_format(buf, &addr)) == 0 &&
		same_addr(again, addr),
	    "a macro reads as the address");
}

static void
check_endpoint(const char *text)
{
	struct endpoint endpoint, again;
	char buf[ENDPOINT_TEXT_MAX];

	if (endpoint_parse(&endpoint, text) != NULL)
		return;
	must(endpoint.port > 0, "a port is not 0");
	must(!addr_is_mapped(&endpoint.addr), "an endpoint is not mapped");
	must(endpoint_parse(&again, endpoint_format(buf, &endpoint)) == NULL &&
		endpoint_equal(&again, &endpoint) &&
		endpoint_compare(&again, &endpoint) == 0,
	    "an endpoint reads back from its text");
}

struct walk {
	const struct range *range;
	addr_value next;
	bool over;
	unsigned last_bits;
	size_t count;
};

static void
see_prefix(const struct addr *addr, unsigned bits, void *arg)
{
	struct walk *walk = arg;
	const unsigned free_bits = addr_bits(addr->family) - bits;
	addr_value span = 0;

	must(!walk->over && addr->value == walk->next,
	    "prefixes go on where the last one ended");
	if (free_bits > 0)
		span = free_bits == 128 ? ~(addr_value)0
					: ((addr_value)1 << free_bits) - 1;
	must((addr->value & span) == 0, "a prefix begins where one may");
	must(addr->value + span <= walk->range->hi, "none is too long");
	walk->over = addr->value + span == walk->range->hi;
	walk->next = addr->value + span + 1;
	walk->count++;
}

static void
check_range(const struct range *range)
{
	const struct addr lo = { range->family, range->lo };
	const struct addr hi = { range->family, range->hi };
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX], text[2 * ADDR_TEXT_MAX + 1];
	struct walk walk = { .range = range, .next = range->lo };
	struct range again;
	bool host_bits;

	must(range->lo <= range->hi, "a range is not reversed");
	must(range_contains(range, &lo) && range_contains(range, &hi),
	    "a range has its ends");
	must(range_span(range) == range->hi - range->lo, "and its span");
	snprintf(text, sizeof(text), "%s-%s", addr_format(a, &lo),
	    addr_format(b, &hi));
	must(range_parse(&again, &host_bits, text) == NULL && !host_bits &&
		again.family == range->family && again.lo == range->lo &&
		again.hi == range->hi,
	    "a range reads back from its ends");
	range_prefixes(range, see_prefix, &walk);
	must(walk.over && walk.count <= 2 * addr_bits(range->family),
	    "the prefixes of a range are the range");
}

/* "ADDRESS/BITS", "LO-HI" and "ADDRESS", nothing around them. */
static void
check_against_naive(const struct range *range, const char *text)
{
	char copy[256], *more;
	struct addr lo;

	if (strlen(text) >= sizeof(copy) || strpbrk(text, " \t(") != NULL)
		return;
	strcpy(copy, text);
	more = strpbrk(copy, "/-");
	if (more == NULL) {
		lo = naive_addr(copy);
		must(range->family == lo.family && range->lo == lo.value &&
			range->hi == lo.value,
		    "a single address is itself");
	} else if (*more == '-') {
		*more++ = '\0';
		must(range->lo == naive_addr(copy).value &&
			range->hi == naive_addr(more).value,
		    "a range is from its first to its last address");
	} else {
		*more++ = '\0';
		lo = naive_addr(copy);
		for (unsigned bit = addr_bits(lo.family); bit-- > 0;) {
			const unsigned place = addr_bits(lo.family) - 1 - bit;
			const addr_value mask = (addr_value)1 << bit;
			const bool fixed = place < (unsigned)atoi(more);

			must(((range->lo & mask) != 0) ==
				(fixed && (lo.value & mask) != 0),
			    "a prefix begins with its bits and zeros");
			must(((range->hi & mask) != 0) ==
				(!fixed || (lo.value & mask) != 0),
			    "and ends with its bits and ones");
		}
	}
}

/* ---- space --------------------------------------------------------------- */

static void
take_range(struct world *world, size_t at, const char *text)
{
	struct connector *connector = &world->connectors[at];
	size_t *count = &connector->remote_ip_ranges.count;
	struct range range;
	bool host_bits;

	if (range_parse(&range, &host_bits, text) != NULL)
		return;
	check_range(&range);
	check_against_naive(&range, text);
	if (*count < RANGES_MAX)
		world->ranges[at][(*count)++] = range;
}

static void
add_client(struct world *world, struct addr addr)
{
	if (world->client_count < CLIENTS_MAX)
		world->clients[world->client_count++] = addr;
}

static void
take_line(struct world *world, const char *text)
{
	struct addr addr;

	check_addr(text);
	if (text[0] == '\0' || text[1] != ' ')
		return;
	if (text[0] == '?') {
		check_addr(text + 2);
		if (addr_parse_macro(&addr, text + 2) == 0)
			add_client(world, addr);
	} else if (text[0] == '@') {
		check_endpoint(text + 2);
	} else if (text[0] >= 'a' && text[0] < 'a' + CONNECTORS / 2) {
		take_range(world, (size_t)(text[0] - 'a'), text + 2);
	} else if (text[0] >= 'A' && text[0] < 'A' + CONNECTORS / 2) {
		take_range(
		    world, (size_t)(text[0] - 'A') + CONNECTORS / 2, text + 2);
	}
}

static bool
is_narrow(size_t connector)
{
	return connector >= CONNECTORS / 2;
}

/* Compares every pair. */
static bool
naive_conflict(const struct world *world, size_t a, size_t b)
{
	const struct connector *x = &world->connectors[a];
	const struct connector *y = &world->connectors[b];

	for (size_t i = 0; i < x->remote_ip_ranges.count; i++)
		for (size_t k = 0; k < y->remote_ip_ranges.count; k++) {
			const struct range *r = &x->remote_ip_ranges.ranges[i];
			const struct range *s = &y->remote_ip_ranges.ranges[k];

			if (r->family != s->family || r->hi < s->lo ||
			    s->hi < r->lo)
				continue;
			if ((r->lo == s->lo && r->hi == s->hi) ||
			    (r->lo < s->lo && r->hi < s->hi) ||
			    (s->lo < r->lo && s->hi < r->hi))
				return true;
		}
	return false;
}

static bool
has_conflict(const struct world *world)
{
	for (size_t a = 0; a < CONNECTORS; a++)
		for (size_t b = a + 1; b < CONNECTORS; b++)
			if (is_narrow(a) == is_narrow(b) &&
			    naive_conflict(world, a, b))
				return true;
	return false;
}

static void
hear_conflict(const struct conflict *conflict, void *arg)
{
	struct world *world = arg;

	must(conflict->a.connector < conflict->b.connector &&
		naive_conflict(
		    world, conflict->a.connector, conflict->b.connector),
	    "a conflict is one");
	world->conflicts++;
}

/* Is there a connector with a range that is bound to just this address? */
static bool
is_claimed(const struct world *world, const struct endpoint *listener)
{
	for (size_t i = CONNECTORS / 2; i < CONNECTORS; i++)
		if (world->connectors[i].enabled &&
		    (endpoint_equal(listener, &narrow[0]) ||
			endpoint_equal(listener, &narrow[1])))
			return true;
	return false;
}

static size_t
naive_find(const struct world *world, const struct endpoint *listener,
    const struct addr *client)
{
	const bool claimed = is_claimed(world, listener);
	size_t found = SPACE_NOBODY;
	addr_value best = 0;

	for (size_t i = 0; i < CONNECTORS; i++) {
		const struct addrset *set =
		    &world->connectors[i].remote_ip_ranges;

		if (!world->connectors[i].enabled || is_narrow(i) != claimed)
			continue;
		for (size_t k = 0; k < set->count; k++) {
			const struct range *range = &set->ranges[k];

			if (range->family != client->family ||
			    client->value < range->lo ||
			    client->value > range->hi)
				continue;
			if (found == SPACE_NOBODY ||
			    range->hi - range->lo < best) {
				found = i;
				best = range->hi - range->lo;
			}
		}
	}
	return found;
}

static void
ask(const struct world *world, struct addr client)
{
	const struct endpoint *const listeners[] = { &narrow[0], &narrow[1],
		&elsewhere[0], &elsewhere[1] };

	for (size_t i = 0; i < nitems(listeners); i++) {
		const size_t want = naive_find(world, listeners[i], &client);
		const struct owner owner =
		    space_find(world->policy.space, listeners[i], &client);

		must(owner.connector == want, "the space finds the smallest");
		if (want == SPACE_NOBODY)
			continue;
		must(range_contains(&world->ranges[want][owner.range], &client),
		    "and the range that holds the client");
		const struct range *range = NULL;
		must(space_candidacy(&world->policy, want, listeners[i],
			 &client, &range) == CANDIDATE_CHOSEN &&
			range != NULL && range_contains(range, &client),
		    "and explain says so");
	}
}

static void
ask_edges(const struct world *world, const struct range *range)
{
	const addr_value top =
	    range->family == ADDR_IPV4 ? 0xffffffff : ~(addr_value)0;

	ask(world, (struct addr){ range->family, range->lo });
	ask(world, (struct addr){ range->family, range->hi });
	if (range->lo > 0)
		ask(world, (struct addr){ range->family, range->lo - 1 });
	if (range->hi < top)
		ask(world, (struct addr){ range->family, range->hi + 1 });
}

static void
check_space(struct world *world)
{
	struct arena *arena = arena_new();
	struct space *space;

	if (arena == NULL)
		exit(1);
	space = space_build(
	    arena, world->connectors, CONNECTORS, hear_conflict, world);
	if (space == NULL)
		exit(1);
	must((world->conflicts > 0) == has_conflict(world),
	    "every conflict is told");
	world->policy = (struct policy){ .connectors = world->connectors,
		.connector_count = CONNECTORS,
		.space = space };
	if (world->conflicts == 0) {
		for (size_t i = 0; i < world->client_count; i++)
			ask(world, world->clients[i]);
		for (size_t i = 0; i < CONNECTORS; i++)
			for (size_t k = 0;
			     k < world->connectors[i].remote_ip_ranges.count;
			     k++)
				ask_edges(world, &world->ranges[i][k]);
	}
	arena_free(arena);
}

static void
prepare(struct world *world)
{
	must(endpoint_parse(&narrow[0], "192.0.2.25:25") == NULL &&
		endpoint_parse(&narrow[1], "[2001:db8::25]:25") == NULL &&
		endpoint_parse(&elsewhere[0], "192.0.2.26:25") == NULL &&
		endpoint_parse(&elsewhere[1], "[2001:db8::26]:25") == NULL,
	    "the listeners of this target are some");
	memset(world, 0, sizeof(*world));
	for (size_t i = 0; i < CONNECTORS; i++) {
		struct connector *connector = &world->connectors[i];

		connector->name = "c";
		connector->bindings.endpoints = is_narrow(i) ? narrow : wide;
		connector->bindings.count = 2;
		connector->remote_ip_ranges.ranges = world->ranges[i];
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = fuzz_alloc(sizeof(*world));
	struct fuzz_input input = fuzz_input(data, size), line;
	char *lines[128];
	size_t count = 0;

	prepare(world);
	/* Ranges keep their text. */
	while (count < nitems(lines) && fuzz_take_line(&input, &line)) {
		lines[count] = fuzz_text(line.data, line.size);
		take_line(world, lines[count++]);
	}
	for (size_t i = 0; i < CONNECTORS; i++)
		world->connectors[i].enabled =
		    world->connectors[i].remote_ip_ranges.count > 0;
	check_space(world);
	while (count > 0)
		free(lines[--count]);
	free(world);
	return 0;
}
