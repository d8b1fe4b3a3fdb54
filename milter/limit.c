/*
 * limit.c - counts sessions and messages by source, in tables of fixed size.
 */
#include "limit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define MINUTE_NS 60000000000LL

/* Entries in the table of sessions for each that there may be. */
#define SOURCES_PER_SESSION 8

struct limits {
	pthread_mutex_t lock;
	struct keyed *keyed;
	struct table *sources; /* sessions of each source */
	struct table *rates;   /* times of each bucket */
	size_t sources_used;
	long long now; /* the newest that anybody told */
	unsigned long overflows;
};

static void
free_parts(struct limits *limits)
{
	keyed_free(limits->keyed);
	table_free(limits->sources);
	table_free(limits->rates);
	free(limits);
}

struct limits *
limits_new(size_t max_sessions, size_t rates)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (limits == NULL || max_sessions > SIZE_MAX / SOURCES_PER_SESSION) {
		free(limits);
		return NULL;
	}
	limits->keyed = keyed_new();
	limits->sources = table_new(max_sessions * SOURCES_PER_SESSION);
	limits->rates = table_new(rates);
	if (limits->keyed == NULL || limits->sources == NULL ||
	    limits->rates == NULL ||
	    pthread_mutex_init(&limits->lock, NULL) != 0) {
		free_parts(limits);
		return NULL;
	}
	return limits;
}

void
limits_free(struct limits *limits)
{
	if (limits == NULL)
		return;
	pthread_mutex_destroy(&limits->lock);
	free_parts(limits);
}

void
limits_source(struct limits *limits, struct client_source *source,
    const struct addr *client)
{
	pthread_mutex_lock(&limits->lock);
	source_of(source, limits->keyed, client);
	pthread_mutex_unlock(&limits->lock);
}

void
limits_source_of_name(struct limits *limits, struct client_source *source,
    char kind, const char *name)
{
	pthread_mutex_lock(&limits->lock);
	source_of_name(source, limits->keyed, kind, name);
	pthread_mutex_unlock(&limits->lock);
}

/* The key of a source at one connector. Both are hashes already. */
static struct table_key
key_at(const struct tally *tally, const struct table_key *key)
{
	return (struct table_key){ key->low ^ tally->id.low,
		key->high ^ tally->id.high };
}

/* How many sessions one source may have, by both limits. */
static long long
allowance(const struct connector *connector, const struct tally *tally)
{
	const long long percentage =
	    connector->max_inbound_connection_percentage_per_source;
	const long long most = connector->max_inbound_connection_per_source;
	long long free_slots, part;

	if (connector->max_inbound_connection == UNLIMITED || percentage == 100)
		return most;
	free_slots = connector->max_inbound_connection - tally->sessions;
	part =
	    free_slots / 100 * percentage + free_slots % 100 * percentage / 100;
	if (part < 1)
		part = 1;
	return part < most ? part : most;
}

/* Any session of the shared count may be of this source. */
static bool
has_room(struct limits *limits, const struct tally *tally,
    const struct client_source *source, long long allowed)
{
	if (tally->shared >= allowed)
		return false;
	for (size_t i = 0; i < source->count; i++) {
		const struct table_key key = key_at(tally, &source->keys[i]);
		const long long *number = table_find(limits->sources, &key, 0);

		if (number != NULL &&
		    *number >= source_share(i, allowed) - tally->shared)
			return false;
	}
	return true;
}

/* Takes one session off the first count keys of source. */
static void
count_out(struct limits *limits, const struct tally *tally,
    const struct client_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct table_key key = key_at(tally, &source->keys[i]);
		long long *number = table_find(limits->sources, &key, 0);

		assert(number != NULL);
		*number -= 1;
		limits->sources_used -= *number == 0;
	}
}

/* Adds one session to all keys of source, or to none and returns false. */
static bool
count_in(struct limits *limits, const struct tally *tally,
    const struct client_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		const struct table_key key = key_at(tally, &source->keys[i]);
		long long *number = table_claim(limits->sources, &key, 0);

		if (number == NULL) {
			count_out(limits, tally, source, i);
			return false;
		}
		limits->sources_used += *number == 0;
		*number += 1;
	}
	return source->count > 0;
}

static void
take_slot(struct limits *limits, struct limits_slot *slot, struct tally *tally,
    const struct client_source *source)
{
	slot->tally = tally;
	slot->source = *source;
	slot->shared = !count_in(limits, tally, source);
	if (slot->shared) {
		tally->shared++;
		limits->overflows++;
	}
	tally->sessions++;
	atomic_fetch_add(&tally->users, 1);
}

static void
give_up_slot(struct limits *limits, struct limits_slot *slot)
{
	struct tally *tally = slot->tally;

	if (tally == NULL)
		return;
	if (slot->shared)
		tally->shared--;
	else
		count_out(limits, tally, &slot->source, slot->source.count);
	tally->sessions--;
	memset(slot, 0, sizeof(*slot));
	/* From here on it may be gone. */
	atomic_fetch_sub(&tally->users, 1);
}

enum slot
limits_enter(struct limits *limits, struct limits_slot *slot,
    struct tally *tally, const struct connector *connector,
    const struct client_source *source)
{
	enum slot result = SLOT_HELD;

	if (slot->tally == tally)
		return SLOT_HELD;
	pthread_mutex_lock(&limits->lock);
	give_up_slot(limits, slot);
	if (tally->sessions >= connector->max_inbound_connection)
		result = SLOT_CONNECTOR_FULL;
	else if (!has_room(limits, tally, source, allowance(connector, tally)))
		result = SLOT_SOURCE_FULL;
	else
		take_slot(limits, slot, tally, source);
	pthread_mutex_unlock(&limits->lock);
	return result;
}

void
limits_leave(struct limits *limits, struct limits_slot *slot)
{
	if (slot->tally == NULL)
		return;
	pthread_mutex_lock(&limits->lock);
	give_up_slot(limits, slot);
	pthread_mutex_unlock(&limits->lock);
}

/* The smallest whole number of ns that is no less than a message's share. */
static long long
cost_of(long long limit)
{
	return MINUTE_NS / limit + (MINUTE_NS % limit != 0);
}

/* A source that is named twice counts once. */
static bool
is_taken(const struct limits_message *message, const struct table_key *key)
{
	for (size_t i = 0; i < message->count; i++)
		if (message->taken[i].key.low == key->low &&
		    message->taken[i].key.high == key->high)
			return true;
	return false;
}

/*
 * Would a bucket of limit messages take one more? One that has no entry, and
 * may get none, is as full as the shared one. NULL: it can get none.
 */
static bool
weigh(struct limits *limits, struct limits_message *message,
    const struct table_key *key, long long limit)
{
	const struct tally *tally = message->tally;
	struct limits_taken *taken = &message->taken[message->count];
	const long long *found = NULL;
	long long start = limits->now;

	*taken = (struct limits_taken){ .cost = cost_of(limit) };
	if (key != NULL) {
		if (is_taken(message, key))
			return true;
		taken->key = *key;
		found = table_find(limits->rates, key, limits->now);
	}
	if (found != NULL)
		start = *found;
	else if (tally->shared_rate > start)
		start = tally->shared_rate;
	taken->shared = key == NULL;
	taken->until = start + taken->cost;
	message->count++;
	return taken->until - limits->now <= limit * taken->cost;
}

static bool
weigh_source(struct limits *limits, struct limits_message *message,
    const struct client_source *source, long long limit)
{
	if (source->count == 0)
		return weigh(limits, message, NULL, limit);
	for (size_t i = 0; i < source->count; i++) {
		const struct table_key key =
		    key_at(message->tally, &source->keys[i]);

		if (!weigh(limits, message, &key, source_share(i, limit)))
			return false;
	}
	return true;
}

/* All buckets that it takes may be the shared one: that is moved once. */
static void
move_buckets(struct limits *limits, struct limits_message *message)
{
	long long shared = 0;

	for (size_t i = 0; i < message->count; i++) {
		struct limits_taken *taken = &message->taken[i];
		long long *number = NULL;

		if (!taken->shared)
			number = table_claim(
			    limits->rates, &taken->key, limits->now);
		taken->shared = number == NULL;
		if (number != NULL)
			*number = taken->until;
		else if (taken->until > shared)
			shared = taken->until;
	}
	if (shared == 0)
		return;
	message->tally->shared_rate = shared;
	limits->overflows++;
}

bool
limits_take(struct limits *limits, struct limits_message *message,
    struct tally *tally, const struct connector *connector,
    const struct client_source *const *sources, size_t source_count,
    long long now)
{
	const long long limit = connector->message_rate_limit;
	bool passed = true;

	message->count = 0;
	message->tally = tally;
	if (limit == UNLIMITED)
		return true;
	pthread_mutex_lock(&limits->lock);
	if (now > limits->now)
		limits->now = now;
	message->time = limits->now;
	for (size_t i = 0; passed && i < source_count; i++)
		passed = weigh_source(limits, message, sources[i], limit);
	if (passed)
		move_buckets(limits, message);
	else
		message->count = 0;
	pthread_mutex_unlock(&limits->lock);
	return passed;
}

/*
 * Others may have come since: what the bucket would have gained in that time,
 * had this message not been there, is not known, and not given back.
 */
static long long
refunded(const struct limits *limits, const struct limits_message *message,
    long long cost)
{
	const long long passed = limits->now - message->time;

	return passed < cost ? cost - passed : 0;
}

void
limits_refund(struct limits *limits, struct limits_message *message)
{
	long long shared = 0;

	pthread_mutex_lock(&limits->lock);
	for (size_t i = 0; i < message->count; i++) {
		const struct limits_taken *taken = &message->taken[i];
		const long long back = refunded(limits, message, taken->cost);
		long long *number = NULL;

		if (!taken->shared)
			number =
			    table_find(limits->rates, &taken->key, limits->now);
		else if (back > shared)
			shared = back;
		if (number != NULL)
			*number -= back;
	}
	message->tally->shared_rate -= shared;
	message->count = 0;
	pthread_mutex_unlock(&limits->lock);
}

long long
limits_sessions(struct limits *limits, const struct tally *tally)
{
	long long sessions;

	pthread_mutex_lock(&limits->lock);
	sessions = tally->sessions;
	pthread_mutex_unlock(&limits->lock);
	return sessions;
}

void
limits_usage(struct limits *limits, struct limits_usage *usage, long long now)
{
	pthread_mutex_lock(&limits->lock);
	usage->sources = limits->sources_used;
	usage->sources_size = table_size(limits->sources);
	usage->rates = table_used(limits->rates, now);
	usage->rates_size = table_size(limits->rates);
	usage->overflows = limits->overflows;
	pthread_mutex_unlock(&limits->lock);
}
