/*
 * live.c - makes and frees what the running daemon counts.
 */
#include "live.h"

#include <stdlib.h>
#include <time.h>

#define SECOND_NS 1000000000LL

long long
live_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
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
