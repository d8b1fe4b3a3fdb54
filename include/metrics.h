/*
 * metrics.h - counts what the operator log says, line by line.
 *
 * One count for each rule (row of rules.h) and verdict, and for accepted
 * messages; further rows for what no rule decides. So the sum of all counts is
 * the number of lines about sessions that were logged or dropped, without those
 * that -v adds. Any thread, without a lock.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdatomic.h>

#include "policy.h"

/* The words of the log's verdict. */
enum metric {
	METRIC_ACCEPT,
	METRIC_TEMPFAIL,
	METRIC_REJECT,
	METRIC_WOULD_TEMPFAIL,
	METRIC_WOULD_REJECT,
};
#define METRIC_COUNT (METRIC_WOULD_REJECT + 1)

/* "accept", "tempfail", "reject", "would-tempfail", "would-reject". */
const char *metric_name(enum metric metric);

/* Rows beside the rules. */
enum metric_row {
	METRIC_ROW_MESSAGE = RULES_MAX, /* accepted messages */
	METRIC_ROW_INTERNAL,            /* memory or order failed */
	METRIC_ROW_MTA,                 /* refused by the MTA itself */
};
#define METRIC_ROWS (METRIC_ROW_MTA + 1)

struct metrics {
	atomic_ulong counts[METRIC_ROWS][METRIC_COUNT];
};

/* The row of a rule; NULL is an accepted message, one of no table internal. */
size_t metrics_row(const struct rule *rule);

void metrics_count(struct metrics *metrics, size_t row, enum metric metric);

#endif
