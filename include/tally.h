/*
 * tally.h - what is counted of each connector, kept by name over reloads.
 *
 * A snapshot has one tally for each of its connectors; connectors of the same
 * name (without case) in several snapshots share one. It lives as long as a
 * snapshot lists it or a session holds a slot of it. Lists are made and given
 * back by the housekeeping thread alone; the numbers are anybody's.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdatomic.h>

#include "connector.h"
#include "table.h"

struct tally {
	struct table_key id; /* of its name; mixed into keys of tables */
	atomic_long users;   /* snapshots that list it, slots that are held */
	/* Under the lock of limit.h: */
	long long sessions;    /* slots that are held */
	long long shared;      /* of them, by sources without an entry */
	long long shared_rate; /* time of the shared bucket, see limit.h */
	/* Verdicts of commands and messages, for status. */
	atomic_ulong accepted;
	atomic_ulong tempfailed;
	atomic_ulong rejected;
};

struct tallies;

/* NULL without memory. Freed by tallies_free, with all that is in it. */
struct tallies *tallies_new(void) NODISCARD;
void tallies_free(struct tallies *tallies);

/*
 * The tallies of all connectors of policy, in their order; each has one user
 * more. NULL without memory. To be given back.
 */
struct tally **tallies_take(
    struct tallies *tallies, const struct policy *policy) NODISCARD;
void tallies_give_back(
    struct tallies *tallies, struct tally **list, size_t count);

/* Frees those without a user. */
void tallies_collect(struct tallies *tallies);

/* How many there are. */
size_t tallies_count(const struct tallies *tallies);

#endif
