/*
 * tarpit.c - who waits, and who is let off because there is no slot.
 */
#include "tarpit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "tap.h"

#define GUESTS_MAX 500
/* In ms: longer than any test, and what a busy machine may take. */
#define FOR_EVER 100000
#define LATE 50000

/* Stands for the keyed hash that client_source.h makes of an address. */
static uint64_t
mix(uint64_t number)
{
	number += 0x9e3779b97f4a7c15;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

static struct table_key
key_of(uint64_t number)
{
	const struct table_key key = { mix(number), mix(~number) };

	return key;
}

/* Of site 0 is who has no site. */
static struct client_source
source_at(unsigned number, unsigned site)
{
	const struct client_source source = {
		.keys = { key_of(number), key_of(0x100000000 + site) },
		.count = site == 0 ? 1 : 2,
	};

	return source;
}

static long long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
pause_ms(long milliseconds)
{
	const struct timespec time = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&time, NULL);
}

static struct tarpit_usage
usage_of(struct tarpit *tarpit)
{
	struct tarpit_usage usage;

	tarpit_usage(tarpit, &usage);
	return usage;
}

static struct tarpit *
tarpit_of(size_t slots)
{
	struct tarpit *tarpit = tarpit_new(slots);

	if (tarpit == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return tarpit;
}

/* Threads that are held. */
struct guest {
	pthread_t thread;
	struct tarpit *tarpit;
	struct client_source source;
	long long slots;
	long long milliseconds;
	bool held;
};

static struct guest guests[GUESTS_MAX];
static size_t guest_count;

static void *
be_held(void *arg)
{
	struct guest *guest = arg;

	guest->held = tarpit_hold(
	    guest->tarpit, &guest->source, guest->slots, guest->milliseconds);
	return NULL;
}

static void
invite(struct tarpit *tarpit, struct client_source source, long long slots,
    long long milliseconds)
{
	struct guest *guest = &guests[guest_count];

	*guest = (struct guest){
		.tarpit = tarpit,
		.source = source,
		.slots = slots,
		.milliseconds = milliseconds,
	};
	if (pthread_create(&guest->thread, NULL, be_held, guest) != 0) {
		printf("Bail out! no thread\n");
		exit(2);
	}
	guest_count++;
}

/* Until so many are held, or let off. */
static void
await(struct tarpit *tarpit, long long held, unsigned long skipped)
{
	const long long start = now_ms();

	while (now_ms() - start < LATE &&
	    (usage_of(tarpit).held < held ||
		usage_of(tarpit).skipped < skipped))
		pause_ms(1);
}

/* When all have gone; how many of them were held. */
static long long
see_off(void)
{
	long long held = 0;

	for (size_t i = 0; i < guest_count; i++) {
		pthread_join(guests[i].thread, NULL);
		held += guests[i].held;
	}
	guest_count = 0;
	return held;
}

/* One more, who is let off at once or held for a moment. */
static bool
asks(struct tarpit *tarpit, struct client_source source, long long slots)
{
	return tarpit_hold(tarpit, &source, slots, 1);
}

static void
check_wait(void)
{
	struct tarpit *tarpit = tarpit_of(4);
	const struct client_source source = source_at(1, 0);
	const struct client_source unknown = { .count = 0 };
	long long start = now_ms();
	long long took;

	ok(tarpit_hold(tarpit, &source, 4, 200), "one who has a slot is held");
	took = now_ms() - start;
	ok(took >= 200 && took < 200 + LATE, "for the time (%lld ms)", took);
	is_int(usage_of(tarpit).held, 0, "and not longer");
	is_int((long long)usage_of(tarpit).delayed, 1, "that is counted");
	start = now_ms();
	ok(!tarpit_hold(tarpit, &source, 0, FOR_EVER),
	    "without slots nobody is");
	ok(!tarpit_hold(tarpit, &unknown, 4, FOR_EVER),
	    "nor who cannot be told from others");
	ok(now_ms() - start < LATE, "at once");
	is_int((long long)usage_of(tarpit).skipped, 2, "that is counted too");
	is_int((long long)usage_of(tarpit).delayed, 1, "apart");
	tarpit_free(tarpit);
}

static void
check_cap(void)
{
	struct tarpit *tarpit = tarpit_of(16);

	for (unsigned i = 0; i < 10; i++)
		invite(tarpit, source_at(i, 0), 10, FOR_EVER);
	await(tarpit, 10, 0);
	is_int(usage_of(tarpit).held, 10, "all slots are taken");
	ok(!asks(tarpit, source_at(99, 0), 10), "one more is let off");
	ok(asks(tarpit, source_at(99, 0), 11), "unless there is one more slot");
	ok(!asks(tarpit, source_at(99, 0), 5), "fewer slots free nobody");
	is_int(usage_of(tarpit).held, 10, "who waits goes on waiting");
	tarpit_stop(tarpit);
	is_int(see_off(), 10, "each was held");
	tarpit_free(tarpit);
}

/*
 * As many of one source as may, for so long: is one more let off while all are
 * there? False if they were not there together.
 */
static bool
crowd_of_one(struct tarpit *tarpit, long long milliseconds, bool *refused)
{
	const long long start = now_ms();
	bool together;

	for (unsigned i = 0; i < TARPIT_PER_SOURCE; i++)
		invite(tarpit, source_at(1, 0), 64, milliseconds);
	while (usage_of(tarpit).held < TARPIT_PER_SOURCE &&
	    now_ms() - start < milliseconds)
		pause_ms(1);
	*refused = !asks(tarpit, source_at(1, 0), 64);
	together = usage_of(tarpit).held == TARPIT_PER_SOURCE;
	return see_off() == TARPIT_PER_SOURCE && together;
}

static void
check_source(void)
{
	struct tarpit *tarpit = tarpit_of(64);
	long long milliseconds = 300;
	bool refused;

	/* On a busy machine some have gone before the others come. */
	while (!crowd_of_one(tarpit, milliseconds, &refused) &&
	    milliseconds < FOR_EVER / 5)
		milliseconds *= 3;
	ok(refused, "one source has so many slots, and no more");
	ok(asks(tarpit, source_at(2, 0), 64), "others have theirs");
	ok(asks(tarpit, source_at(1, 0), 64), "afterwards it has them again");
	for (unsigned i = 0; i < TARPIT_PER_SOURCE; i++)
		invite(tarpit, source_at(1, 0), 64, FOR_EVER);
	await(tarpit, TARPIT_PER_SOURCE, 0);
	ok(!asks(tarpit, source_at(1, 0), 64), "but still no more");
	tarpit_stop(tarpit);
	is_int(see_off(), TARPIT_PER_SOURCE, "each was held again");
	tarpit_free(tarpit);
}

#define PER_SITE (TARPIT_PER_SOURCE * SOURCE_SITE_FACTOR)

static void
check_site(void)
{
	struct tarpit *tarpit = tarpit_of(64);

	for (unsigned i = 0; i < PER_SITE; i++)
		invite(tarpit, source_at(i, 7), 64, FOR_EVER);
	await(tarpit, PER_SITE, 0);
	is_int(usage_of(tarpit).held, PER_SITE, "one site has so many slots");
	for (unsigned i = 0; i < 2 * TARPIT_PER_SOURCE; i++)
		ok(!asks(tarpit, source_at(100, 7), 64),
		    "and no more, for any source in it");
	/* What was refused by the site is not held against the source. */
	ok(asks(tarpit, source_at(100, 8), 64), "other sites have theirs");
	ok(!asks(tarpit, source_at(0, 7), 64), "a source in it has none left");
	is_int((long long)usage_of(tarpit).skipped, 2 * TARPIT_PER_SOURCE + 1,
	    "all are counted");
	tarpit_stop(tarpit);
	is_int(see_off(), PER_SITE, "each was held");
	tarpit_free(tarpit);
}

static void
check_source_in_site(void)
{
	struct tarpit *tarpit = tarpit_of(64);

	for (unsigned i = 0; i < 2 * TARPIT_PER_SOURCE; i++)
		invite(tarpit, source_at(1, 7), 64, FOR_EVER);
	await(tarpit, TARPIT_PER_SOURCE, TARPIT_PER_SOURCE);
	is_int(usage_of(tarpit).held, TARPIT_PER_SOURCE,
	    "one source cannot have all of its site");
	ok(asks(tarpit, source_at(2, 7), 64), "its neighbours have theirs");
	tarpit_stop(tarpit);
	is_int(see_off(), TARPIT_PER_SOURCE, "half of them were held");
	tarpit_free(tarpit);
}

static void
check_stop(void)
{
	struct tarpit *tarpit = tarpit_of(GUESTS_MAX);
	long long start;

	for (unsigned i = 0; i < GUESTS_MAX; i++)
		invite(tarpit, source_at(i, 0), GUESTS_MAX, FOR_EVER);
	await(tarpit, GUESTS_MAX, 0);
	is_int(usage_of(tarpit).held, GUESTS_MAX, "a crowd is held");
	start = now_ms();
	tarpit_stop(tarpit);
	is_int(see_off(), GUESTS_MAX, "all of it was");
	ok(now_ms() - start < LATE, "a stop lets all go (%lld ms)",
	    now_ms() - start);
	is_int(usage_of(tarpit).held, 0, "nobody is left");
	start = now_ms();
	ok(!tarpit_hold(tarpit, &guests[0].source, 10, FOR_EVER),
	    "afterwards nobody is held");
	ok(now_ms() - start < LATE, "not for a moment");
	is_int(
	    (long long)usage_of(tarpit).skipped, 0, "nor was short of a slot");
	is_int(
	    (long long)usage_of(tarpit).delayed, GUESTS_MAX, "all are counted");
	tarpit_free(tarpit);
}

/* As many as can be told apart, and then far more. */
static void
check_full(void)
{
	struct tarpit *tarpit = tarpit_of(2);
	long long held;

	for (unsigned i = 0; i < GUESTS_MAX; i++)
		invite(
		    tarpit, source_at(i * 7919, i + 1), GUESTS_MAX, FOR_EVER);
	while (usage_of(tarpit).held + (long long)usage_of(tarpit).skipped <
	    GUESTS_MAX)
		pause_ms(1);
	held = usage_of(tarpit).held;
	ok(held > 0 && held < GUESTS_MAX,
	    "when sources cannot be told apart any more, they are let off");
	tarpit_stop(tarpit);
	is_int(see_off(), held, "the others were held");
	tarpit_free(tarpit);
}

/* Many who come and go; nothing is left over. */
static void *
come_and_go(void *arg)
{
	struct guest *guest = arg;

	for (unsigned i = 0; i < 20; i++)
		if (tarpit_hold(
			guest->tarpit, &guest->source, guest->slots, i % 3))
			guest->milliseconds++;
	return NULL;
}

static void
check_crowd(void)
{
	struct tarpit *tarpit = tarpit_of(128);
	long long held = 0;
	struct tarpit_usage usage;

	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct guest *guest = &guests[i];

		*guest = (struct guest){
			.tarpit = tarpit,
			.source = source_at(i % 50, 1 + i % 10),
			.slots = 128,
		};
		if (pthread_create(&guest->thread, NULL, come_and_go, guest) !=
		    0) {
			printf("Bail out! no thread\n");
			exit(2);
		}
	}
	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		pthread_join(guests[i].thread, NULL);
		held += guests[i].milliseconds;
	}
	usage = usage_of(tarpit);
	is_int((long long)usage.delayed, held, "who was held is counted");
	is_int((long long)usage.skipped, GUESTS_MAX * 20 - held,
	    "and who was not");
	is_int(usage.held, 0, "nobody is left");
	for (unsigned i = 0; i < 10; i++)
		for (unsigned k = 0; k < TARPIT_PER_SOURCE; k++)
			invite(tarpit, source_at(i, 1 + i), 128, FOR_EVER);
	await(tarpit, 10 * TARPIT_PER_SOURCE, 0);
	is_int(usage_of(tarpit).held, 10 * TARPIT_PER_SOURCE,
	    "and every slot is free again");
	tarpit_stop(tarpit);
	see_off();
	tarpit_free(tarpit);
}

int
main(void)
{
	check_wait();
	check_cap();
	check_source();
	check_site();
	check_source_in_site();
	check_stop();
	check_full();
	check_crowd();
	return done();
}
