/*
 * live.c - makes and frees what the running daemon counts.
 */
#include "live.h"

#include <stdlib.h>
#include <time.h>

#define SECOND_NS 1000000000LL

/* After it was scarce. */
#define CALM_NS (60 * SECOND_NS)

long long
live_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

void
live_set_scarce(struct live *live)
{
	atomic_store(&live->scarce_until, live->now() + SECOND_NS);
}

/* Nobody looks at the clock before it was ever scarce. */
static bool
was_scarce(const struct live *live, long long since)
{
	const long long until = atomic_load(&live->scarce_until);

	return until != 0 && live->now() < until + since;
}

bool
live_is_scarce(const struct live *live)
{
	return was_scarce(live, 0);
}

static _Thread_local bool never_waits;

void
live_never_wait(void)
{
	never_waits = true;
}

bool
live_may_wait(const struct live *live)
{
	return !never_waits && !was_scarce(live, CALM_NS);
}

struct live *
live_new(long long max_sessions, long long max_tarpits, long long (*now)(void))
{
	struct live *live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live->now = now != NULL ? now : live_clock;
	live->started = live->now();
	live->limits = limits_new((size_t)max_sessions, LIMITS_RATES);
	live->tarpit = tarpit_new((size_t)max_tarpits);
	live->gauge = gauge_new();
	live->protolog = protolog_new();
	if (live->limits == NULL || live->tarpit == NULL ||
	    live->gauge == NULL || live->protolog == NULL) {
		live_free(live);
		return NULL;
	}
	return live;
}

void
live_free(struct live *live)
{
	if (live == NULL)
		return;
	limits_free(live->limits);
	tarpit_free(live->tarpit);
	gauge_free(live->gauge);
	protolog_free(live->protolog);
	free(live);
}
