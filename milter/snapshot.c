/*
 * snapshot.c - counts who reads which configuration.
 */
#include "snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct snapshot {
	struct config *config;
	size_t pins;
	struct snapshot *older;
};

struct snapshots {
	pthread_mutex_t lock;
	struct snapshot *newest; /* heads the list of all in memory */
};

static struct snapshot *
snapshot_new(struct config *config)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot != NULL)
		snapshot->config = config;
	return snapshot;
}

static void
snapshot_free(struct snapshot *snapshot)
{
	config_free(snapshot->config);
	free(snapshot);
}

struct snapshots *
snapshots_new(struct config *config)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));

	if (snapshots == NULL)
		return NULL;
	snapshots->newest = snapshot_new(config);
	if (snapshots->newest == NULL ||
	    pthread_mutex_init(&snapshots->lock, NULL) != 0) {
		free(snapshots->newest);
		free(snapshots);
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
		snapshot_free(snapshot);
	}
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

int
snapshots_replace(struct snapshots *snapshots, struct config *config)
{
	struct snapshot *snapshot = snapshot_new(config);

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
		snapshot_free(snapshot);
	}
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
