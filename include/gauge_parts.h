/*
 * gauge_parts.h - what the files of the gauge room share.
 *
 * gauge.c keeps the levels and says when they change, gauge_read.c reads
 * resources. No other room includes this, but for the test. One thread at a
 * time.
 */
#ifndef GAUGE_PARTS_H
#define GAUGE_PARTS_H

#include "gauge.h"

/*
 * The level that follows on level at this value. falling: little is bad. level
 * is never unknown.
 */
enum pressure gauge_next(const struct thresholds *thresholds, bool falling,
    enum pressure level, long long value);

/* part in per mille of whole, rounded up as df(1) does; -1 for no share. */
long long gauge_share(unsigned long long part, unsigned long long whole);

/* The memory in use by the text of /proc/meminfo, in per mille, or -1. */
long long gauge_memory(const char *meminfo);

/* The value of a resource now; -1 and errno when it cannot be read. */
long long gauge_measure(
    const struct pressure_settings *settings, enum resource resource);

#endif
