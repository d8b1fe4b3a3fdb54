/*
 * live.c - what is counted of log lines, and the place where all counts are.
 */
#include "live.h"

#include <stdlib.h>

#include "tap.h"

static long long
stopped_clock(void)
{
	return 42;
}

static void
test_metrics(void)
{
	static const char *const names[] = { "accept", "tempfail", "reject",
		"would-tempfail", "would-reject" };
	static struct metrics metrics;
	static const struct rule own = { .name = "internal" };
	unsigned long sum = 0;
	bool rows_right = true;

	for (size_t i = 0; i < nitems(names); i++)
		is_str(metric_name((enum metric)i), names[i], names[i]);
	ok(rule_count <= RULES_MAX, "every rule has a row");
	for (size_t i = 0; i < rule_count; i++)
		rows_right = rows_right && metrics_row(&rules[i]) == i;
	ok(rows_right, "a rule's row is its number");
	is_int((long long)metrics_row(NULL), METRIC_ROW_MESSAGE,
	    "an accepted message");
	is_int((long long)metrics_row(&own), METRIC_ROW_INTERNAL,
	    "a rule of no table");
	metrics_count(&metrics, metrics_row(&rules[3]), METRIC_REJECT);
	metrics_count(&metrics, metrics_row(&rules[3]), METRIC_REJECT);
	metrics_count(&metrics, metrics_row(NULL), METRIC_ACCEPT);
	metrics_count(&metrics, METRIC_ROW_MTA, METRIC_REJECT);
	is_int((long long)atomic_load(&metrics.counts[3][METRIC_REJECT]), 2,
	    "counted by rule and verdict");
	for (size_t i = 0; i < METRIC_ROWS; i++)
		for (size_t k = 0; k < METRIC_COUNT; k++)
			sum += atomic_load(&metrics.counts[i][k]);
	is_int((long long)sum, 4, "and nowhere else");
}

static void
test_live(void)
{
	struct live *live = live_new(100000, 0, NULL);
	struct limits_usage usage;
	long long before, after;

	if (live == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	before = live->now();
	after = live_clock();
	ok(live->started > 0 && live->started <= before && before <= after,
	    "the system's clock");
	limits_usage(live->limits, &usage, after);
	is_int((long long)usage.sources_size, 1048576,
	    "room for the sources of all sessions");
	is_int((long long)usage.rates_size, LIMITS_RATES, "and for messages");
	ok(atomic_load(&live->sessions) == 0 && !atomic_load(&live->draining),
	    "nobody is there yet");
	is_int(gauge_level(live->gauge, 0), PRESSURE_LOW, "no pressure");
	ok(!protolog_is_on(live->protolog), "no protocol log");
	live_free(live);
	live = live_new(1, 1, stopped_clock);
	is_int(live != NULL ? live->started : -1, 42, "another clock");
	live_free(live);
	live_free(NULL);
}

int
main(void)
{
	test_metrics();
	test_live();
	return done();
}
