/*
 * limit.h - how many sessions and how many messages a minute.
 *
 * Sessions: a slot of a connector is held from connect to close. A source may
 * hold no more than max_inbound_connection_per_source of a connector, nor more
 * than max_inbound_connection_percentage_per_source per cent, rounded down but
 * at least 1, of the slots that are free before it comes (100 per cent, or an
 * unlimited connector, is no such limit).
 *
 * Messages: a token bucket that holds message_rate_limit messages and gets one
 * sixtieth of them each second (exchange-semantics 6.3), as the time until
 * which it is not full again. Per connector and source, user, or both.
 *
 * Counts stand in tables of fixed size (table.h). A source that finds its
 * table full shares one count, or one bucket, of the connector with all that
 * do, and that has no more than one source may have. Whoever gets an entry
 * while the shared bucket is in use begins with as little as that has left, and
 * sessions of the shared count are held against every source: so no source ever
 * gets more than its limit. The table of sessions is made for 8 times
 * max_sessions and cannot fill up unless a reload raises that; the one of rates
 * has room for LIMITS_RATES buckets that are in use.
 *
 * One lock, held for less than a microsecond. Times are nanoseconds of the
 * monotonic clock and never go back. Any thread.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "client_source.h"
#include "tally.h"

#define LIMITS_RATES 65536

struct limits;

/* NULL without memory. Freed by limits_free, when no slot is held. */
struct limits *limits_new(size_t max_sessions, size_t rates) NODISCARD;
void limits_free(struct limits *limits);

/* client_source.h's functions, with the key of these limits and under their
 * lock. */
void limits_source(struct limits *limits, struct client_source *source,
    const struct addr *client);
void limits_source_of_name(struct limits *limits, struct client_source *source,
    char kind, const char *name);

/* A slot of a connector, held by a session; all zero: none. */
struct limits_slot {
	struct tally *tally; /* NULL: none */
	struct client_source source;
	bool shared; /* counted in tally->shared, not in the table */
};

/*
 * Makes slot one of tally, whose connector this is. A slot that is held there
 * stays as it is, whatever the limits say by now; one held elsewhere is given
 * up first, also when the new one is refused: then none is held.
 */
enum slot limits_enter(struct limits *limits, struct limits_slot *slot,
    struct tally *tally, const struct connector *connector,
    const struct client_source *source);

/* Gives the slot up; one that is not held is fine. */
void limits_leave(struct limits *limits, struct limits_slot *slot);

/* A message that was counted, so that it can be taken back. */
struct limits_message {
	struct tally *tally;
	long long time;
	size_t
	    count; /* of buckets; 0: there was no limit, or it is not taken */
	struct limits_taken {
		struct table_key key;
		bool shared;     /* it has no entry */
		long long cost;  /* ns that the bucket's time was moved */
		long long until; /* the bucket's time */
	} taken[2 * SOURCE_KEYS_MAX];
};

/*
 * Counts one message at the time now against every source in sources (the
 * client's, the user's, or both; once, if they are one and the same). False
 * when one of them may send none now: then nothing is counted. Without a limit
 * always true.
 */
bool limits_take(struct limits *limits, struct limits_message *message,
    struct tally *tally, const struct connector *connector,
    const struct client_source *const *sources, size_t source_count,
    long long now);

/*
 * The message was refused for another reason: it does not count. To be called
 * soon: what the bucket may have gained since is not given back.
 */
void limits_refund(struct limits *limits, struct limits_message *message);

/* For status: the slots of tally that are held. */
long long limits_sessions(struct limits *limits, const struct tally *tally);

/*
 * For status: entries in use and entries there are. Holds the lock for as long
 * as looking at all LIMITS_RATES takes, some 50 microseconds.
 */
struct limits_usage {
	size_t sources;
	size_t sources_size;
	size_t rates;
	size_t rates_size;
	unsigned long overflows; /* times a source found its table full */
};
void limits_usage(
    struct limits *limits, struct limits_usage *usage, long long now);

#endif
