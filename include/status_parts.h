/*
 * status_parts.h - what the two ways to print a status share.
 */
#ifndef STATUS_PARTS_H
#define STATUS_PARTS_H

#include "status.h"

/* Room for a time as ISO 8601 in UTC: 2026-06-15T08:30:00Z. */
#define STATUS_TIME_MAX 32

const char *status_time(char buf[STATUS_TIME_MAX], long long time);

/* Seconds since the daemon started, and since its configuration was read. */
long long status_uptime(const struct status *status);
long long status_age(const struct status *status);

/* The lines of the operator log that say the same in these words. */
struct verdict_count {
	const char *rule;    /* NULL: a message was accepted */
	const char *stage;   /* NULL: any */
	const char *verdict; /* the log's word */
	unsigned long count;
};

/* False when there was none. */
bool status_verdict(struct verdict_count *verdict,
    const struct metrics *metrics, size_t row, enum metric metric);

#endif
