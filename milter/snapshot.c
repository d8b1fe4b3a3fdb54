/*
 * snapshot.c - counts who reads which configuration, and lists its tallies.
 */
#include "snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "tally.h"

struct snapshot {
	struct config *config;
	struct tally **tallies; /* of its connectors, in their order */
	unsigned long number;
	size_t pins;
	struct snapshot *older;
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

static void
snapshot_free(struct snapshots *snapshots, struct snapshot *snapshot)
{
	tallies_give_back(snapshots->tallies, snapshot->tallies,
	    config_policy(snapshot->config)->connector_count);
	config_free(snapshot->config);
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
	pthread_mutex_unlock(&snapshots->lock);
	return snapshot;
}

void
snapshots_unpin(struct snapshots *snapshots, struct snapshot *snapshot)
{
	pthread_mutex_lock(&snapshots->lock);
	assert(snapshot->pins > 0);
	snapshot->pins--;
	pthread_mutex_unlock(&snapshots->lock);
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

/* Takes what is old and not pinned out of the list. */
static struct snapshot *
take_unused(struct snapshots *snapshots)
{
	struct snapshot *unused = NULL;
	struct snapshot **link;

	pthread_mutex_lock(&snapshots->lock);
	link = &snapshots->newest->older;
	while (*link != NULL) {
		struct snapshot *snapshot = *link;

		if (snapshot->pins > 0) {
			link = &snapshot->older;
			continue;
		}
		*link = snapshot->older;
		snapshot->older = unused;
		unused = snapshot;
	}
	pthread_mutex_unlock(&snapshots->lock);
	return unused;
}

void
snapshots_collect(struct snapshots *snapshots)
{
	struct snapshot *unused = take_unused(snapshots);

	while (unused != NULL) {
		struct snapshot *snapshot = unused;

		unused = snapshot->older;
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
		count++;
	pthread_mutex_unlock(&snapshots->lock);
	return count;
}
