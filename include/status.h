/*
 * status.h - what the daemon is doing now, for people and for scripts.
 *
 * Everything that is counted (live.h), the connectors with their sessions and
 * verdicts, and the configuration in use with what the last reload found. No
 * word of a client is in it. Any thread.
 *
 * For scripts it is one JSON object. Times are ISO 8601 in UTC, what is absent
 * or unlimited is null:
 *
 *     version, uptime     the program's; seconds
 *     draining            whether new sessions are turned away
 *     stopping            whether the daemon ends with its last transaction
 *     configuration       hash, age (seconds since it was read), snapshots
 *                         (configurations in memory), last_reload: time, live
 *                         (what was read is in use), problems (lines)
 *     sessions            open, max, transactions (between MAIL and the end of
 *                         the message), turned_away (connections since the
 *                         start that there was no room for)
 *     connectors          name, sessions, max, and the verdicts since the
 *                         start: accepted, tempfailed, rejected
 *     verdicts            rule, stage, verdict, count since the start, where
 *                         there are any: the lines of the operator log by kind.
 *                         Accepted messages have no rule; internal has no stage
 *     limits              sources, rates: used and size of each table;
 *                         overflows
 *     tarpit              held, max, delayed, skipped
 *     back_pressure       level, and of each resource that is looked at: name,
 *                         level, value (per mille, bytes, per mille, messages)
 *     protocol_log        on, dead, written, dropped
 *     operator_log        dropped
 */
#ifndef STATUS_H
#define STATUS_H

#include <stdio.h>

#include "live.h"
#include "snapshot.h"

/* All times are seconds since 1970. */
struct status {
	struct snapshots *snapshots;
	struct live *live;
	long long now;
	long long read_time; /* when the configuration in use was read */
	/* Of the last reload, or of the start: */
	bool reloaded_live; /* the configuration that was read is in use */
	long long reload_time;
	const char *problems; /* lines; "": none */
};

/* Errors are the stream's: see ferror(3). */
void status_print(const struct status *status, FILE *out);
void status_print_json(const struct status *status, FILE *out);

#endif
