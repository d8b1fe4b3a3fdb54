/*
 * status_json.c - the status as one JSON object, for scripts.
 */
#include "status_parts.h"

#include <string.h>

#include "json.h"
#include "log.h"

/* Lines are cut there. */
#define LINE_MAX_SHOWN 4096

/* A number, or null where there is none. */
static void
put_number(struct json *json, const char *key, bool is_there, long long value)
{
	if (is_there)
		json_number(json, key, value);
	else
		json_string(json, key, NULL);
}

static void
put_count(struct json *json, const char *key, unsigned long value)
{
	json_number(json, key, (long long)value);
}

static void
put_problems(struct json *json, const char *problems)
{
	char line[LINE_MAX_SHOWN];

	json_open(json, "problems", '[');
	while (*problems != '\0') {
		const size_t len = strcspn(problems, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, problems);
		json_string(json, NULL, line);
		problems += len;
		problems += strspn(problems, "\n");
	}
	json_close(json, ']');
}

static void
put_configuration(struct json *json, const struct status *status,
    const struct snapshot *snapshot)
{
	char time[STATUS_TIME_MAX];

	json_open(json, "configuration", '{');
	json_string(json, "hash", config_hash(snapshot_config(snapshot)));
	json_number(json, "age", status_age(status));
	put_count(json, "snapshots", snapshots_count(status->snapshots));
	json_open(json, "last_reload", '{');
	json_string(json, "time", status_time(time, status->reload_time));
	json_bool(json, "live", status->reloaded_live);
	put_problems(json, status->problems);
	json_close(json, '}');
	json_close(json, '}');
}

static void
put_connector(struct json *json, struct limits *limits,
    const struct connector *connector, const struct tally *tally)
{
	const long long max = connector->max_inbound_connection;

	json_open(json, NULL, '{');
	json_string(json, "name", connector->name);
	json_number(json, "sessions", limits_sessions(limits, tally));
	put_number(json, "max", max != UNLIMITED, max);
	put_count(json, "accepted", atomic_load(&tally->accepted));
	put_count(json, "tempfailed", atomic_load(&tally->tempfailed));
	put_count(json, "rejected", atomic_load(&tally->rejected));
	json_close(json, '}');
}

static void
put_connectors(struct json *json, const struct status *status,
    const struct snapshot *snapshot)
{
	const struct policy *policy = config_policy(snapshot_config(snapshot));

	json_open(json, "connectors", '[');
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *connector = &policy->connectors[i];

		put_connector(json, status->live->limits, connector,
		    snapshot_tally(snapshot, connector));
	}
	json_close(json, ']');
}

static void
put_verdict(struct json *json, const struct verdict_count *verdict)
{
	json_open(json, NULL, '{');
	json_string(json, "rule", verdict->rule);
	json_string(json, "stage", verdict->stage);
	json_string(json, "verdict", verdict->verdict);
	put_count(json, "count", verdict->count);
	json_close(json, '}');
}

static void
put_verdicts(struct json *json, const struct metrics *metrics)
{
	struct verdict_count verdict;

	json_open(json, "verdicts", '[');
	for (size_t row = 0; row < METRIC_ROWS; row++)
		for (unsigned metric = 0; metric < METRIC_COUNT; metric++)
			if (status_verdict(&verdict, metrics, row, metric))
				put_verdict(json, &verdict);
	json_close(json, ']');
}

static void
put_table(struct json *json, const char *key, size_t used, size_t size)
{
	json_open(json, key, '{');
	put_count(json, "used", used);
	put_count(json, "size", size);
	json_close(json, '}');
}

static void
put_limits(struct json *json, const struct live *live)
{
	struct limits_usage usage;

	limits_usage(live->limits, &usage, live->now());
	json_open(json, "limits", '{');
	put_table(json, "sources", usage.sources, usage.sources_size);
	put_table(json, "rates", usage.rates, usage.rates_size);
	put_count(json, "overflows", usage.overflows);
	json_close(json, '}');
}

static void
put_tarpit(struct json *json, struct tarpit *tarpit, long long max)
{
	struct tarpit_usage usage;

	tarpit_usage(tarpit, &usage);
	json_open(json, "tarpit", '{');
	json_number(json, "held", usage.held);
	json_number(json, "max", max);
	put_count(json, "delayed", usage.delayed);
	put_count(json, "skipped", usage.skipped);
	json_close(json, '}');
}

static void
put_resource(struct json *json, const struct gauge_reading *reading)
{
	json_open(json, NULL, '{');
	json_string(json, "name", reading->name);
	json_string(json, "level", pressure_name(reading->level));
	put_number(json, "value", reading->value >= 0, reading->value);
	json_close(json, '}');
}

static void
put_back_pressure(struct json *json, const struct gauge *gauge, long long now)
{
	struct gauge_reading readings[RESOURCE_COUNT];

	gauge_read(gauge, readings, now);
	json_open(json, "back_pressure", '{');
	json_string(json, "level", pressure_name(gauge_level(gauge, now)));
	json_open(json, "resources", '[');
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		if (readings[i].set)
			put_resource(json, &readings[i]);
	json_close(json, ']');
	json_close(json, '}');
}

static void
put_logs(struct json *json, const struct protolog *protolog)
{
	json_open(json, "protocol_log", '{');
	json_bool(json, "on", protolog_is_on(protolog));
	json_bool(json, "dead", protolog_is_dead(protolog));
	put_count(json, "written", protolog_written(protolog));
	put_count(json, "dropped", protolog_dropped(protolog));
	json_close(json, '}');
	json_open(json, "operator_log", '{');
	put_count(json, "dropped", log_dropped());
	json_close(json, '}');
}

void
status_print_json(const struct status *status, FILE *out)
{
	struct live *live = status->live;
	struct snapshot *snapshot = snapshots_pin(status->snapshots);
	const struct milter_settings *settings =
	    config_milter(snapshot_config(snapshot));
	struct json json;

	json_init(&json, out);
	json_open(&json, NULL, '{');
	json_string(&json, "version", VERSION);
	json_number(&json, "uptime", status_uptime(status));
	json_bool(&json, "draining", atomic_load(&live->draining));
	json_bool(&json, "stopping", atomic_load(&live->stopping));
	put_configuration(&json, status, snapshot);
	json_open(&json, "sessions", '{');
	json_number(&json, "open", atomic_load(&live->sessions));
	json_number(&json, "max", settings->max_sessions);
	json_number(&json, "transactions", atomic_load(&live->transactions));
	put_count(&json, "turned_away", atomic_load(&live->turned_away));
	json_close(&json, '}');
	put_connectors(&json, status, snapshot);
	put_verdicts(&json, &live->metrics);
	put_limits(&json, live);
	put_tarpit(&json, live->tarpit, settings->max_tarpits);
	put_back_pressure(&json, live->gauge, live->now());
	put_logs(&json, live->protolog);
	json_close(&json, '}');
	snapshots_unpin(status->snapshots, snapshot);
}
