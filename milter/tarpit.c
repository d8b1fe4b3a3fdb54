/*
 * tarpit.c - slots to wait in, in all, by source and by site.
 */
#include "tarpit.h"

#include <pthread.h>
#include <stdlib.h>

#include "deadline.h"

/* A table of twice the keys that there can be is never full for one of them. */
#define ENTRIES_PER_SLOT ((size_t)2 * SOURCE_KEYS_MAX)

struct tarpit {
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t over;
	bool stopped;
	struct table *held; /* slots by key of sources */
	struct tarpit_usage usage;
	void (*begins)(void *arg); /* NULL: nobody watches */
	void *arg;
};

struct tarpit *
tarpit_new(size_t slots)
{
	struct tarpit *tarpit = calloc(1, sizeof(*tarpit));

	if (tarpit == NULL)
		return NULL;
	tarpit->held = table_new(slots * ENTRIES_PER_SLOT);
	if (tarpit->held == NULL ||
	    pthread_mutex_init(&tarpit->lock, NULL) != 0 ||
	    deadline_cond_init(&tarpit->over) != 0) {
		table_free(tarpit->held);
		free(tarpit);
		return NULL;
	}
	return tarpit;
}

void
tarpit_free(struct tarpit *tarpit)
{
	if (tarpit == NULL)
		return;
	pthread_cond_destroy(&tarpit->over);
	pthread_mutex_destroy(&tarpit->lock);
	table_free(tarpit->held);
	free(tarpit);
}

void
tarpit_watch(struct tarpit *tarpit, void (*begins)(void *arg), void *arg)
{
	tarpit->begins = begins;
	tarpit->arg = arg;
}

/* Gives up the slot in the first count keys of source. */
static void
leave(struct tarpit *tarpit, const struct client_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		long long *held = table_find(tarpit->held, &source->keys[i], 0);

		if (held != NULL)
			--*held;
	}
}

/* Counts one slot for each key of source, or none at all. */
static bool
enter(struct tarpit *tarpit, const struct client_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		long long *held =
		    table_claim(tarpit->held, &source->keys[i], 0);

		if (held == NULL ||
		    *held >= source_share(i, TARPIT_PER_SOURCE)) {
			leave(tarpit, source, i);
			return false;
		}
		++*held;
	}
	return source->count > 0;
}

/* The lock is held before and after, but not meanwhile. */
static void
wait_until(struct tarpit *tarpit, const struct timespec *until)
{
	while (!tarpit->stopped &&
	    deadline_wait(&tarpit->over, &tarpit->lock, until) == 0)
		continue;
}

bool
tarpit_hold(struct tarpit *tarpit, const struct client_source *source,
    long long slots, long long milliseconds)
{
	const struct timespec until = deadline_in(milliseconds);
	struct tarpit_usage *usage = &tarpit->usage;
	bool entered;

	pthread_mutex_lock(&tarpit->lock);
	entered =
	    !tarpit->stopped && usage->held < slots && enter(tarpit, source);
	if (entered) {
		usage->held++;
		if (tarpit->begins != NULL)
			tarpit->begins(tarpit->arg);
		wait_until(tarpit, &until);
		usage->held--;
		leave(tarpit, source, source->count);
		usage->delayed++;
	} else if (!tarpit->stopped) {
		usage->skipped++;
	}
	pthread_mutex_unlock(&tarpit->lock);
	return entered;
}

void
tarpit_stop(struct tarpit *tarpit)
{
	pthread_mutex_lock(&tarpit->lock);
	tarpit->stopped = true;
	pthread_cond_broadcast(&tarpit->over);
	pthread_mutex_unlock(&tarpit->lock);
}

void
tarpit_usage(struct tarpit *tarpit, struct tarpit_usage *usage)
{
	pthread_mutex_lock(&tarpit->lock);
	*usage = tarpit->usage;
	pthread_mutex_unlock(&tarpit->lock);
}
