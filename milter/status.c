/*
 * status.c - the status as text, for people.
 */
#include "status_parts.h"

#include <string.h>
#include <time.h>

#include "log.h"
#include "rules.h"

#define LABEL "%-15s"
#define SECOND_NS 1000000000LL

/* --- what both ways share --- */

const char *
status_time(char buf[STATUS_TIME_MAX], long long time)
{
	const time_t seconds = (time_t)time;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(buf, STATUS_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

long long
status_uptime(const struct status *status)
{
	return (status->live->now() - status->live->started) / SECOND_NS;
}

long long
status_age(const struct status *status)
{
	/* The clock may have been set back. */
	return status->now > status->read_time ? status->now - status->read_time
					       : 0;
}

bool
status_verdict(struct verdict_count *verdict, const struct metrics *metrics,
    size_t row, enum metric metric)
{
	verdict->count = atomic_load(&metrics->counts[row][metric]);
	if (verdict->count == 0)
		return false;
	verdict->verdict = metric_name(metric);
	verdict->rule = NULL;
	verdict->stage = NULL;
	if (row < rule_count) {
		verdict->rule = rules[row].name;
		verdict->stage = stage_name(rules[row].stage);
	} else if (row == METRIC_ROW_MESSAGE) {
		verdict->stage = stage_name(STAGE_EOM);
	} else if (row == METRIC_ROW_MTA) {
		verdict->rule = "mta";
		verdict->stage = stage_name(STAGE_RCPT);
	} else {
		verdict->rule = "internal";
	}
	return true;
}

/* --- text --- */

/* clang-format off */
static const struct unit {
	char letter;
	long long seconds;
} units[] = {
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};
/* clang-format on */

/* The first unit that it has any of, and the next: "2h 5m". */
static void
put_duration(FILE *out, long long seconds)
{
	size_t i = 0;

	while (i + 1 < nitems(units) && seconds < units[i].seconds)
		i++;
	fprintf(out, "%lld%c", seconds / units[i].seconds, units[i].letter);
	if (i + 1 < nitems(units))
		fprintf(out, " %lld%c",
		    seconds % units[i].seconds / units[i + 1].seconds,
		    units[i + 1].letter);
}

static void
put_problems(FILE *out, const char *problems)
{
	while (*problems != '\0') {
		const size_t len = strcspn(problems, "\n");

		fprintf(out, LABEL "%.*s\n", "", (int)len, problems);
		problems += len;
		problems += strspn(problems, "\n");
	}
}

static void
put_configuration(
    FILE *out, const struct status *status, const struct snapshot *snapshot)
{
	char time[STATUS_TIME_MAX];

	fprintf(out, LABEL "%.12s, read ", "configuration",
	    config_hash(snapshot_config(snapshot)));
	put_duration(out, status_age(status));
	fprintf(
	    out, " ago, %zu in memory\n", snapshots_count(status->snapshots));
	fprintf(out, LABEL "%s, %s\n", "last reload",
	    status_time(time, status->reload_time),
	    status->reloaded_live ? "in use"
				  : "failed; the old configuration is in use");
	put_problems(out, status->problems);
}

/* clang-format off */
/* Largest first; what is smaller than all is bytes. */
static const struct size_unit {
	const char *name;
	long long bytes;
} size_units[] = {
	{ "GB", 1LL << 30 },
	{ "MB", 1LL << 20 },
	{ "KB", 1LL << 10 },
	{ "bytes", 1 },
};
/* clang-format on */

static void
put_bytes(FILE *out, long long bytes)
{
	size_t i = 0;

	while (i + 1 < nitems(size_units) && bytes < size_units[i].bytes)
		i++;
	fprintf(
	    out, "%lld %s", bytes / size_units[i].bytes, size_units[i].name);
}

static void
put_reading(FILE *out, enum resource resource, long long value)
{
	if (value < 0) {
		fputs("unknown", out);
		return;
	}
	switch (resource) {
	case RESOURCE_DISK:
	case RESOURCE_MEMORY:
		fprintf(out, "%lld.%lld %%", value / 10, value % 10);
		break;
	case RESOURCE_FREE_DISK:
		put_bytes(out, value);
		break;
	case RESOURCE_QUEUE_LENGTH:
		fprintf(out, "%lld", value);
		break;
	}
}

static void
put_back_pressure(FILE *out, const struct gauge *gauge, long long now)
{
	struct gauge_reading readings[RESOURCE_COUNT];
	const char *before = ": ";

	gauge_read(gauge, readings, now);
	fprintf(out, LABEL "%s", "back pressure",
	    pressure_name(gauge_level(gauge, now)));
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		if (!readings[i].set)
			continue;
		fprintf(out, "%s%s ", before, readings[i].name);
		put_reading(out, (enum resource)i, readings[i].value);
		if (readings[i].level != PRESSURE_LOW && readings[i].value >= 0)
			fprintf(out, " (%s)", pressure_name(readings[i].level));
		before = ", ";
	}
	fputc('\n', out);
}

static void
put_limits(
    FILE *out, const struct live *live, const struct milter_settings *settings)
{
	struct limits_usage usage;
	struct tarpit_usage tarpit;

	limits_usage(live->limits, &usage, live->now());
	tarpit_usage(live->tarpit, &tarpit);
	fprintf(out,
	    LABEL "%zu of %zu sources, %zu of %zu rates, %lu overflows\n",
	    "limits", usage.sources, usage.sources_size, usage.rates,
	    usage.rates_size, usage.overflows);
	fprintf(out,
	    LABEL "%lld of %lld held, %lu delayed, %lu without a slot\n",
	    "tarpit", tarpit.held, settings->max_tarpits, tarpit.delayed,
	    tarpit.skipped);
}

static void
put_logs(FILE *out, const struct protolog *protolog)
{
	if (protolog_is_on(protolog))
		fprintf(out, LABEL "%s, %lu written, %lu dropped\n",
		    "protocol log",
		    protolog_is_dead(protolog) ? "cannot be written" : "on",
		    protolog_written(protolog), protolog_dropped(protolog));
	else
		fprintf(out, LABEL "off\n", "protocol log");
	fprintf(out, LABEL "%lu dropped\n", "operator log", log_dropped());
}

static int
wider(int width, const char *name)
{
	const int len = (int)strlen(name);

	return len > width ? len : width;
}

static void
put_connector(FILE *out, int width, const struct connector *connector,
    const struct tally *tally, long long sessions)
{
	char max[24] = "-";

	if (connector->max_inbound_connection != UNLIMITED)
		snprintf(max, sizeof(max), "%lld",
		    connector->max_inbound_connection);
	fprintf(out, "%-*s %9lld %9s %11lu %11lu %11lu\n", width,
	    connector->name, sessions, max, atomic_load(&tally->accepted),
	    atomic_load(&tally->tempfailed), atomic_load(&tally->rejected));
}

static void
put_connectors(
    FILE *out, const struct status *status, const struct snapshot *snapshot)
{
	const struct policy *policy = config_policy(snapshot_config(snapshot));
	int width = (int)strlen("connector");

	for (size_t i = 0; i < policy->connector_count; i++)
		width = wider(width, policy->connectors[i].name);
	fprintf(out, "\n%-*s %9s %9s %11s %11s %11s\n", width, "connector",
	    "sessions", "max", "accepted", "tempfailed", "rejected");
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *connector = &policy->connectors[i];
		const struct tally *tally = snapshot_tally(snapshot, connector);

		put_connector(out, width, connector, tally,
		    limits_sessions(status->live->limits, tally));
	}
}

static const char *
rule_of(const struct verdict_count *verdict)
{
	return verdict->rule != NULL ? verdict->rule : "-";
}

static void
put_verdict(FILE *out, int width, const struct verdict_count *verdict)
{
	fprintf(out, "%-*s  %-7s  %-14s %11lu\n", width, rule_of(verdict),
	    verdict->stage != NULL ? verdict->stage : "-", verdict->verdict,
	    verdict->count);
}

/* As wide as the longest name there; 0: nothing was counted. */
static int
width_of_verdicts(const struct metrics *metrics)
{
	struct verdict_count verdict;
	int width = 0;

	for (size_t row = 0; row < METRIC_ROWS; row++)
		for (unsigned metric = 0; metric < METRIC_COUNT; metric++)
			if (status_verdict(&verdict, metrics, row, metric))
				width = wider(width, rule_of(&verdict));
	return width > 0 ? wider(width, "rule") : 0;
}

static void
put_verdicts(FILE *out, const struct metrics *metrics)
{
	const int width = width_of_verdicts(metrics);
	struct verdict_count verdict;

	if (width == 0)
		return;
	fprintf(out, "\n%-*s  %-7s  %-14s %11s\n", width, "rule", "stage",
	    "verdict", "count");
	for (size_t row = 0; row < METRIC_ROWS; row++)
		for (unsigned metric = 0; metric < METRIC_COUNT; metric++)
			if (status_verdict(&verdict, metrics, row, metric))
				put_verdict(out, width, &verdict);
}

static void
put_sessions(
    FILE *out, const struct live *live, const struct milter_settings *settings)
{
	fprintf(out, LABEL "%ld of %lld, %lu turned away", "sessions",
	    atomic_load(&live->sessions), settings->max_sessions,
	    atomic_load(&live->turned_away));
	if (atomic_load(&live->stopping))
		fprintf(out, "; stopping, transactions left: %ld",
		    atomic_load(&live->transactions));
	else if (atomic_load(&live->draining))
		fputs("; draining, no new ones", out);
	fputc('\n', out);
}

void
status_print(const struct status *status, FILE *out)
{
	struct live *live = status->live;
	struct snapshot *snapshot = snapshots_pin(status->snapshots);
	const struct milter_settings *settings =
	    config_milter(snapshot_config(snapshot));

	fprintf(out, LABEL "%s, up ", "version", VERSION);
	put_duration(out, status_uptime(status));
	fputc('\n', out);
	put_configuration(out, status, snapshot);
	put_sessions(out, live, settings);
	put_limits(out, live, settings);
	put_back_pressure(out, live->gauge, live->now());
	put_logs(out, live->protolog);
	put_connectors(out, status, snapshot);
	put_verdicts(out, &live->metrics);
	snapshots_unpin(status->snapshots, snapshot);
}
