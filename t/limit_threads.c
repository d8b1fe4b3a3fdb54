/*
 * limit_threads.c - limits and tallies from many threads at a time: no more
 * than the limits are in, no message is counted twice or not at all, and a
 * tally stays as long as anybody uses it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "limit.h"
#include "random.h"
#include "tap.h"

#define THREADS 6
#define ROUNDS 20000
#define CONNECTORS 4
#define CLIENTS 12
#define TOTAL 4
#define PER_SOURCE 1
#define RATE 1000
#define NOW 1000000000LL /* the clock stands still */

static const struct connector connectors[CONNECTORS] = {
	{ .name = "A",
	    .max_inbound_connection = TOTAL,
	    .max_inbound_connection_per_source = PER_SOURCE,
	    .max_inbound_connection_percentage_per_source = 100,
	    .message_rate_limit = RATE },
	{ .name = "b",
	    .max_inbound_connection = UNLIMITED,
	    .max_inbound_connection_per_source = PER_SOURCE,
	    .max_inbound_connection_percentage_per_source = 50,
	    .message_rate_limit = RATE },
	{ .name = "c",
	    .max_inbound_connection = TOTAL,
	    .max_inbound_connection_per_source = UNLIMITED,
	    .max_inbound_connection_percentage_per_source = 100,
	    .message_rate_limit = RATE },
	{ .name = "D",
	    .max_inbound_connection = TOTAL,
	    .max_inbound_connection_per_source = PER_SOURCE,
	    .max_inbound_connection_percentage_per_source = 50,
	    .message_rate_limit = RATE },
};

static struct limits *limits;
static struct tallies *tallies;
static struct tally **list;
static atomic_bool stopping;
/* Who is in, counted by those who are. */
static atomic_long in[CONNECTORS], in_from[CONNECTORS][CLIENTS];
static atomic_long above, refused, passed;

static void
source_number(struct client_source *source, size_t number)
{
	const struct addr addr = { number % 2 ? ADDR_IPV4 : ADDR_IPV6,
		(addr_value)number << (number % 2 ? 0 : 64) };

	limits_source(limits, source, &addr);
}

/* Clients are many; all users of this test are one. */
static void
send_message(uint64_t *seed, size_t at, const struct client_source *source)
{
	struct client_source user;
	const struct client_source *const sources[] = { source, &user };
	struct limits_message message;

	limits_source_of_name(limits, &user, 'l', "everybody@example.com");
	if (!limits_take(limits, &message, list[at], &connectors[at], sources,
		nitems(sources), NOW))
		return;
	if (random_below(seed, 3) == 0)
		limits_refund(limits, &message);
	else
		atomic_fetch_add(&passed, 1);
}

/* In, a message, and out again. */
static void
visit(uint64_t *seed, struct limits_slot *slot, size_t at, size_t client)
{
	struct client_source source;

	source_number(&source, client);
	if (limits_enter(limits, slot, list[at], &connectors[at], &source) !=
	    SLOT_HELD) {
		atomic_fetch_add(&refused, 1);
		return;
	}
	if (atomic_fetch_add(&in[at], 1) >=
		connectors[at].max_inbound_connection ||
	    atomic_fetch_add(&in_from[at][client], 1) >=
		connectors[at].max_inbound_connection_per_source)
		atomic_fetch_add(&above, 1);
	send_message(seed, at, &source);
	if (client % 3 == 0)
		sched_yield();
	atomic_fetch_sub(&in_from[at][client], 1);
	atomic_fetch_sub(&in[at], 1);
	limits_leave(limits, slot);
}

static void *
play(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;
	struct limits_slot slot = { .tally = NULL };
	struct limits_usage usage;

	for (size_t i = 0; i < ROUNDS; i++) {
		const size_t at = random_below(&seed, CONNECTORS);
		const size_t client = random_below(&seed, CLIENTS);

		visit(&seed, &slot, at, client);
		if (i % 1024 == 0)
			limits_usage(limits, &usage, NOW);
	}
	return NULL;
}

/* The housekeeper: lists come and go, with other names and the same. */
static void *
keep(void *arg)
{
	static const struct connector others[] = { { .name = "other" },
		{ .name = "a" }, { .name = "C" } };
	const struct policy policy = { .connectors = others,
		.connector_count = nitems(others) };

	(void)arg;
	while (!atomic_load(&stopping)) {
		struct tally **more = tallies_take(tallies, &policy);

		if (more == NULL || more[1] != list[0] || more[2] != list[2])
			exit(2);
		tallies_give_back(tallies, more, nitems(others));
		tallies_collect(tallies);
		sched_yield();
	}
	return NULL;
}

int
main(void)
{
	const struct policy policy = { .connectors = connectors,
		.connector_count = CONNECTORS };
	pthread_t threads[THREADS], keeper;
	struct limits_usage usage;
	long users = 0, slots = 0;

	limits = limits_new(THREADS, 64);
	tallies = tallies_new();
	list = tallies != NULL ? tallies_take(tallies, &policy) : NULL;
	if (limits == NULL || list == NULL ||
	    pthread_create(&keeper, NULL, keep, NULL) != 0)
		exit(2);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, play, (void *)(i + 1)) !=
		    0)
			exit(2);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stopping, true);
	pthread_join(keeper, NULL);
	is_int(atomic_load(&above), 0, "never more than the limits were in");
	ok(true, "%ld were refused", atomic_load(&refused));
	/* Each connector's bucket once. */
	is_int(atomic_load(&passed), RATE * CONNECTORS,
	    "as many messages passed as may");
	limits_usage(limits, &usage, NOW);
	is_int((long long)usage.sources, 0, "nobody is left");
	for (size_t i = 0; i < CONNECTORS; i++) {
		slots += (long)list[i]->sessions + (long)list[i]->shared;
		users += atomic_load(&list[i]->users);
	}
	is_int(slots, 0, "no slot is held");
	is_int(users, CONNECTORS, "tallies are used by their list alone");
	tallies_collect(tallies);
	is_int((long long)tallies_count(tallies), CONNECTORS, "and are there");
	tallies_give_back(tallies, list, CONNECTORS);
	tallies_collect(tallies);
	is_int((long long)tallies_count(tallies), 0, "and gone with it");
	tallies_free(tallies);
	limits_free(limits);
	return done();
}
