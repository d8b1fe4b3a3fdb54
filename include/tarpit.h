/*
 * tarpit.h - answers late on purpose, for as many as there are slots for.
 *
 * A refusal that is held back keeps a thread; so there are max_tarpits slots in
 * all, TARPIT_PER_SOURCE for one source (and SOURCE_SITE_FACTOR times that for
 * its site). No slot, no delay: it is a courtesy and never a control. Any
 * thread.
 */
#ifndef TARPIT_H
#define TARPIT_H

#include "client_source.h"

#define TARPIT_PER_SOURCE 4

struct tarpit;

/* Sources are told apart for this many slots. NULL without memory. */
struct tarpit *tarpit_new(size_t slots) NODISCARD;
void tarpit_free(struct tarpit *tarpit);

/*
 * Waits for the given time if one of the slots is free for source, less if
 * tarpit_stop is called. Returns whether it waited.
 */
bool tarpit_hold(struct tarpit *tarpit, const struct client_source *source,
    long long slots, long long milliseconds);

/* Tells of each who begins to wait. Before the first of them. */
void tarpit_watch(struct tarpit *tarpit, void (*begins)(void *arg), void *arg);

/* Lets all go who wait; from now on nobody waits. */
void tarpit_stop(struct tarpit *tarpit);

/* For status: how many wait now, waited, and found no slot. */
struct tarpit_usage {
	long long held;
	unsigned long delayed;
	unsigned long skipped;
};
void tarpit_usage(struct tarpit *tarpit, struct tarpit_usage *usage);

#endif
