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
	long long (*now)(void); /* ns, monotonic */
	long long started;      /* by now */
	atomic_long sessions;   /* admitted and still open */
	atomic_bool draining;   /* no new session is admitted */
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

/* CLOCK_MONOTONIC in ns. */
long long live_clock(void);

#endif
