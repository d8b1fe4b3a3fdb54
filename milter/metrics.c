/*
 * metrics.c - counts log lines by rule and verdict.
 */
#include "metrics.h"

#include <assert.h>

static const char *const names[METRIC_COUNT] = {
	[METRIC_ACCEPT] = "accept",
	[METRIC_TEMPFAIL] = "tempfail",
	[METRIC_REJECT] = "reject",
	[METRIC_WOULD_TEMPFAIL] = "would-tempfail",
	[METRIC_WOULD_REJECT] = "would-reject",
};

const char *
metric_name(enum metric metric)
{
	return names[metric];
}

size_t
metrics_row(const struct rule *rule)
{
	size_t row = 0;

	if (rule == NULL)
		return METRIC_ROW_MESSAGE;
	while (row < rule_count && rule != &rules[row])
		row++;
	return row < rule_count ? row : METRIC_ROW_INTERNAL;
}

/* Nobody reads two counts together: no order is needed. */
void
metrics_count(struct metrics *metrics, size_t row, enum metric metric)
{
	assert(row < METRIC_ROWS);
	atomic_fetch_add_explicit(
	    &metrics->counts[row][metric], 1, memory_order_relaxed);
}
