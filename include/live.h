/*
 * live.h - everything that is counted while the daemon runs, in one place.
 *
 * Sessions of a server share it; explain has none, and rules about live state
 * are skipped there. Made before the first session and freed after the last.
 * Each part says which threads may use it.
 */
#ifndef LIVE_H
#define LIVE_H

#include "gauge.h"
#include "limit.h"
#include "metrics.h"
#include "protolog.h"
#include "tarpit.h"

struct live {
	long long (*now)(void);    /* ns, monotonic */
	long long started;         /* by now */
	atomic_long sessions;      /* admitted and still open */
	atomic_long transactions;  /* begun at MAIL, and not over */
	atomic_bool draining;      /* no new session is admitted */
	atomic_bool stopping;      /* nor is a new transaction begun */
	atomic_llong scarce_until; /* ns; see live_is_scarce */
	atomic_ulong turned_away;  /* connections closed for want of room */
	struct limits *limits;
	struct tarpit *tarpit;
	struct gauge *gauge;
	struct protolog *protolog;
	struct metrics metrics;
};

/*
 * For so many sessions and tarpits; now is NULL for the system's clock. NULL
 * without memory. Freed by live_free, which may be given NULL.
 */
struct live *live_new(long long max_sessions, long long max_tarpits,
    long long (*now)(void)) NODISCARD;
void live_free(struct live *live);

/*
 * The system has just refused a thread, a descriptor or memory: for a second no
 * new session is admitted, and for a minute more no refusal is held back: else
 * whoever is refused often enough could keep all others out.
 */
void live_set_scarce(struct live *live);
bool live_is_scarce(const struct live *live);

/* The calling thread is one that others count on: it holds nothing back. */
void live_never_wait(void);

/* May the calling thread hold a refusal back now? */
bool live_may_wait(const struct live *live);

/* CLOCK_MONOTONIC in ns. */
long long live_clock(void);

#endif
