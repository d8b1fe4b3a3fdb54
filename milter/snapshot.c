/*
 * snapshot.c - counts who keeps and who reads which configuration, and lists
 * its tallies.
 */
#include "snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tally.h"

/* Set in readers, under the lock and only where there are none. */
#define TAKEN_BACK 0x80000000U

struct snapshot {
	struct config *config;  /* NULL: freed, for it was taken back */
	struct tally **tallies; /* of its connectors, in their order */
	unsigned long number;
	size_t pins;
	atomic_uint readers; /* of those who pinned it, who do not rest */
	struct snapshot *older;
	struct snapshot *next_taken; /* while it is being taken back */
};

struct snapshots {
	pthread_mutex_t lock;
	struct snapshot *newest; /* heads the list of all in memory */
	/* For the housekeeping thread alone: */
	struct tallies *tallies;
	unsigned long made;
};

static struct snapshot *
snapshot_new(struct snapshots *snapshots, struct config *config)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot == NULL)
		return NULL;
	snapshot->config = config;
	snapshot->number = ++snapshots->made;
	snapshot->tallies =
	    tallies_take(snapshots->tallies, config_policy(config));
	if (snapshot->tallies == NULL) {
		free(snapshot);
		return NULL;
	}
	return snapshot;
}

/* Frees all that is large. */
static void
snapshot_clear(struct snapshots *snapshots, struct snapshot *snapshot)
{
	if (snapshot->config == NULL)
		return;
	tallies_give_back(snapshots->tallies, snapshot->tallies,
	    config_policy(snapshot->config)->connector_count);
	config_free(snapshot->config);
	snapshot->config = NULL;
}

static void
snapshot_free(struct snapshots *snapshots, struct snapshot *snapshot)
{
	snapshot_clear(snapshots, snapshot);
	free(snapshot);
}

struct snapshots *
snapshots_new(struct config *config)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));

	if (snapshots == NULL)
		return NULL;
	if (pthread_mutex_init(&snapshots->lock, NULL) != 0) {
		free(snapshots);
		return NULL;
	}
	snapshots->tallies = tallies_new();
	if (snapshots->tallies != NULL)
		snapshots->newest = snapshot_new(snapshots, config);
	if (snapshots->newest == NULL) {
		snapshots_free(snapshots);
		return NULL;
	}
	return snapshots;
}

void
snapshots_free(struct snapshots *snapshots)
{
	if (snapshots == NULL)
		return;
	while (snapshots->newest != NULL) {
		struct snapshot *snapshot = snapshots->newest;

		assert(snapshot->pins == 0);
		snapshots->newest = snapshot->older;
		snapshot_free(snapshots, snapshot);
	}
	tallies_free(snapshots->tallies);
	pthread_mutex_destroy(&snapshots->lock);
	free(snapshots);
}

struct snapshot *
snapshots_pin(struct snapshots *snapshots)
{
	struct snapshot *snapshot;

	pthread_mutex_lock(&snapshots->lock);
	snapshot = snapshots->newest;
	snapshot->pins++;
	atomic_fetch_add(&snapshot->readers, 1);
	pthread_mutex_unlock(&snapshots->lock);
	return snapshot;
}

static bool
is_taken_back(const struct snapshot *snapshot)
{
	return (atomic_load(&snapshot->readers) & TAKEN_BACK) != 0;
}

void
snapshots_unpin(struct snapshots *snapshots, struct snapshot *snapshot)
{
	pthread_mutex_lock(&snapshots->lock);
	assert(snapshot->pins > 0);
	snapshot->pins--;
	if (!is_taken_back(snapshot))
		atomic_fetch_sub(&snapshot->readers, 1);
	pthread_mutex_unlock(&snapshots->lock);
}

void
snapshot_rest(struct snapshot *snapshot)
{
	atomic_fetch_sub(&snapshot->readers, 1);
}

bool
snapshot_wake(struct snapshot *snapshot)
{
	if ((atomic_fetch_add(&snapshot->readers, 1) & TAKEN_BACK) == 0)
		return true;
	atomic_fetch_sub(&snapshot->readers, 1);
	return false;
}

const struct config *
snapshot_config(const struct snapshot *snapshot)
{
	return snapshot->config;
}

struct tally *
snapshot_tally(
    const struct snapshot *snapshot, const struct connector *connector)
{
	const struct policy *policy = config_policy(snapshot->config);

	assert(connector >= policy->connectors &&
	    connector < policy->connectors + policy->connector_count);
	return snapshot->tallies[connector - policy->connectors];
}

unsigned long
snapshot_number(const struct snapshot *snapshot)
{
	return snapshot->number;
}

int
snapshots_replace(struct snapshots *snapshots, struct config *config)
{
	struct snapshot *snapshot = snapshot_new(snapshots, config);

	if (snapshot == NULL)
		return -1;
	pthread_mutex_lock(&snapshots->lock);
	snapshot->older = snapshots->newest;
	snapshots->newest = snapshot;
	pthread_mutex_unlock(&snapshots->lock);
	return 0;
}

/* From here on nobody can wake up with it. False: somebody reads it. */
static bool
take_back(struct snapshot *snapshot)
{
	unsigned readers = 0;

	return atomic_compare_exchange_strong(
	    &snapshot->readers, &readers, TAKEN_BACK);
}

/* What is to be freed: whole, and what is large of them. */
struct garbage {
	struct snapshot *unused;
	struct snapshot *taken;
};

/*
 * Takes what is old and not pinned out of the list, and back what is pinned
 * beyond SNAPSHOTS_KEPT and read by nobody.
 */
static void
sort_out(struct snapshots *snapshots, struct garbage *garbage)
{
	struct snapshot **link = &snapshots->newest->older;
	size_t kept = 0;

	while (*link != NULL) {
		struct snapshot *snapshot = *link;

		if (snapshot->pins == 0) {
			*link = snapshot->older;
			snapshot->older = garbage->unused;
			garbage->unused = snapshot;
			continue;
		}
		link = &snapshot->older;
		if (is_taken_back(snapshot) || ++kept <= SNAPSHOTS_KEPT ||
		    !take_back(snapshot))
			continue;
		snapshot->next_taken = garbage->taken;
		garbage->taken = snapshot;
	}
}

void
snapshots_collect(struct snapshots *snapshots)
{
	struct garbage garbage = { NULL, NULL };

	pthread_mutex_lock(&snapshots->lock);
	sort_out(snapshots, &garbage);
	pthread_mutex_unlock(&snapshots->lock);
	/* Only this thread takes them out of the list: they stay there. */
	for (; garbage.taken != NULL; garbage.taken = garbage.taken->next_taken)
		snapshot_clear(snapshots, garbage.taken);
	while (garbage.unused != NULL) {
		struct snapshot *snapshot = garbage.unused;

		garbage.unused = snapshot->older;
		snapshot_free(snapshots, snapshot);
	}
	tallies_collect(snapshots->tallies);
}

size_t
snapshots_count(struct snapshots *snapshots)
{
	size_t count = 0;

	pthread_mutex_lock(&snapshots->lock);
	for (const struct snapshot *snapshot = snapshots->newest;
	     snapshot != NULL; snapshot = snapshot->older)
		count += !is_taken_back(snapshot);
	pthread_mutex_unlock(&snapshots->lock);
	return count;
}
