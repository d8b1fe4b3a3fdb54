/*
 * gauge.h - how low the machine is on disk, memory and the like: Exchange's
 * back pressure.
 *
 * Each resource that has thresholds has a level of its own, which rises to
 * medium and high where its value reaches to_medium and to_high, and falls back
 * where it reaches from_high and from_medium (for bytes that are free: sinks
 * to, and rises to). The worst level is what counts. A resource that cannot be
 * read is unknown, and so is the whole.
 *
 * disk is the share of the volume of queue_directory that is in use, as df(1)
 * shows it, free_disk the bytes that are free there for all; memory is what is
 * not MemAvailable of /proc/meminfo; queue_length counts messages (queue.h), no
 * more than to_high. One thread polls, and does nothing else: files and folders
 * are read there, and on a dead network volume that may take for ever. So what
 * was read expires after GAUGE_EXPIRY_NS, and is unknown then. Levels may be
 * asked by any thread. All times are ns, monotonic.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include "config.h"

/* How often resources are read, and the queue counted. */
#define GAUGE_INTERVAL_NS 2000000000LL
#define GAUGE_QUEUE_INTERVAL_NS 10000000000LL

/* How old a reading may be. */
#define GAUGE_EXPIRY_NS 30000000000LL

struct gauge;

/* All levels low. NULL without memory. Freed by gauge_free. */
struct gauge *gauge_new(void) NODISCARD;
void gauge_free(struct gauge *gauge);

/*
 * Reads what is due at the time now by settings, which may be others each time,
 * and logs levels that change. Returns whether everything that was read could
 * be.
 */
bool gauge_poll(struct gauge *gauge, const struct pressure_settings *settings,
    long long now);

/*
 * For one thread that never blocks: by these settings, is there anything to
 * look at? Else nothing is unknown, whatever a poll still waits for. Logs that
 * readings expire, and that there are new ones.
 */
void gauge_watch(struct gauge *gauge, const struct pressure_settings *settings,
    long long now);

/* The worst level as of the last poll, unless that expired. Any thread. */
enum pressure gauge_level(const struct gauge *gauge, long long now);

/* "low", "medium", "high", "unknown". */
const char *pressure_name(enum pressure level);

/* For status; any thread. name is the setting's. */
struct gauge_reading {
	const char *name;
	bool set;        /* it is looked at */
	long long value; /* in the units of enum resource; -1: unknown */
	enum pressure level;
};
void gauge_read(const struct gauge *gauge,
    struct gauge_reading readings[RESOURCE_COUNT], long long now);

#endif
