/*
 * gauge.c - the levels of the resources, and when they change.
 */
#include "gauge_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "log.h"
#include "text.h"

/* How often it is said that a resource cannot be read. */
#define COMPLAINT_INTERVAL_NS 60000000000LL

#define LINE_MAX_BYTES 256

#define SECOND_NS 1000000000LL

struct gauge {
	struct resource_state {
		/* For all threads. */
		atomic_bool set;
		atomic_llong value;
		atomic_int level;
		/* For the one that polls. */
		enum pressure known; /* while it could be read */
		enum pressure said;  /* to the log */
		struct thresholds thresholds;
		long long due;
		long long complain; /* not before */
		bool complained;
	} resources[RESOURCE_COUNT];
	atomic_int level;
	atomic_llong polled; /* when the last poll that ended began */
	atomic_bool watched; /* there is something to look at */
	bool expired;        /* as the one that watches said to the log */
};

static void put_percent(struct text *out, long long value);
static void put_bytes(struct text *out, long long value);
static void put_count(struct text *out, long long value);

/* clang-format off */
static const struct resource_row {
	const char *name;
	bool falling;
	bool of_queue; /* there is none without queue_directory */
	long long interval;
	void (*put)(struct text *out, long long value);
	const char *of; /* behind the value */
} rows[RESOURCE_COUNT] = {
	[RESOURCE_DISK] = { "disk", false, true, GAUGE_INTERVAL_NS,
	    put_percent, "per cent in use" },
	[RESOURCE_FREE_DISK] = { "free_disk", true, true, GAUGE_INTERVAL_NS,
	    put_bytes, "free" },
	[RESOURCE_MEMORY] = { "memory", false, false, GAUGE_INTERVAL_NS,
	    put_percent, "per cent in use" },
	[RESOURCE_QUEUE_LENGTH] = { "queue_length", false, true,
	    GAUGE_QUEUE_INTERVAL_NS, put_count, "in the queue" },
};
/* clang-format on */

const char *
pressure_name(enum pressure level)
{
	static const char *const names[] = {
		[PRESSURE_LOW] = "low",
		[PRESSURE_MEDIUM] = "medium",
		[PRESSURE_HIGH] = "high",
		[PRESSURE_UNKNOWN] = "unknown",
	};

	return names[level];
}

/* "89", "91.2" */
static void
put_percent(struct text *out, long long value)
{
	text_printf(out, "%lld", value / 10);
	if (value % 10 != 0)
		text_printf(out, ".%lld", value % 10);
}

/* "1G", "912.4M", as one would write them, rounded down. */
static void
put_bytes(struct text *out, long long value)
{
	static const char units[] = "GMK";
	int bits = 30;
	long long tenths;

	for (size_t i = 0; bits > 0; i++, bits -= 10) {
		const long long unit = 1LL << bits;

		if (value < unit)
			continue;
		tenths = value % unit * 10 / unit;
		text_printf(out, "%lld", value / unit);
		if (tenths != 0)
			text_printf(out, ".%lld", tenths);
		text_printf(out, "%c", units[i]);
		return;
	}
	text_printf(out, "%lld", value);
}

static void
put_count(struct text *out, long long value)
{
	text_printf(out, "%lld", value);
}

static enum pressure
rise(const struct thresholds *t, long long sign, enum pressure level,
    long long value)
{
	if (sign * value >= sign * t->to_high)
		return PRESSURE_HIGH;
	if (level == PRESSURE_LOW && sign * value >= sign * t->to_medium)
		return PRESSURE_MEDIUM;
	return level;
}

static enum pressure
fall(const struct thresholds *t, long long sign, enum pressure level,
    long long value)
{
	if (sign * value <= sign * t->from_medium)
		return PRESSURE_LOW;
	if (level == PRESSURE_HIGH && sign * value <= sign * t->from_high)
		return PRESSURE_MEDIUM;
	return level;
}

/* The borders are in order, so that no value both rises and falls. */
enum pressure
gauge_next(const struct thresholds *thresholds, bool falling,
    enum pressure level, long long value)
{
	const long long sign = falling ? -1 : 1;

	return fall(
	    thresholds, sign, rise(thresholds, sign, level, value), value);
}

static void
forget(struct resource_state *state)
{
	atomic_store(&state->set, false);
	atomic_store(&state->value, -1);
	atomic_store(&state->level, PRESSURE_LOW);
	state->known = PRESSURE_LOW;
	state->said = PRESSURE_LOW;
	state->due = LLONG_MIN;
	state->complain = LLONG_MIN;
	state->complained = false;
}

struct gauge *
gauge_new(void)
{
	struct gauge *gauge = calloc(1, sizeof(*gauge));

	if (gauge == NULL)
		return NULL;
	for (size_t i = 0; i < RESOURCE_COUNT; i++)
		forget(&gauge->resources[i]);
	return gauge;
}

void
gauge_free(struct gauge *gauge)
{
	free(gauge);
}

/* The border that was crossed on the way to level. */
static long long
border_of(const struct thresholds *t, enum pressure level, bool again)
{
	if (level == PRESSURE_HIGH)
		return t->to_high;
	if (level == PRESSURE_LOW)
		return t->from_medium;
	return again ? t->from_high : t->to_medium;
}

/* "disk is medium: 91.2 per cent in use (medium from 89)" */
static void
say_level(const struct resource_row *row, const struct resource_state *state,
    enum pressure level, long long value)
{
	const bool again = level < state->known;
	char line[LINE_MAX_BYTES];
	struct text out;

	text_init(&out, line, sizeof(line));
	text_printf(&out, "%s is %s: ", row->name, pressure_name(level));
	row->put(&out, value);
	text_printf(&out, " %s", row->of);
	if (level != state->known) {
		text_printf(&out, " (%s%s from ", pressure_name(level),
		    again ? " again" : "");
		row->put(&out, border_of(&state->thresholds, level, again));
		text_put(&out, ")");
	}
	log_line(level > state->said ? LOG_WARNING : LOG_NOTICE,
	    "back pressure: %s", line);
}

static void
complain(const struct resource_row *row, struct resource_state *state,
    const char *why, long long now)
{
	if (now < state->complain)
		return;
	log_line(LOG_ERR,
	    "back pressure: %s cannot be read: %s; mail is deferred", row->name,
	    why);
	state->complain = now + COMPLAINT_INTERVAL_NS;
	state->complained = true;
}

/* False when it could not be read. */
static bool
poll_resource(struct resource_state *state,
    const struct pressure_settings *settings, enum resource resource,
    long long now)
{
	const struct resource_row *row = &rows[resource];
	const long long value = gauge_measure(settings, resource);
	enum pressure level = PRESSURE_UNKNOWN;

	if (value == -1) {
		complain(row, state, strerror(errno), now);
	} else {
		level = gauge_next(
		    &state->thresholds, row->falling, state->known, value);
		if (level != state->said || state->complained)
			say_level(row, state, level, value);
		state->known = level;
		state->said = level;
		state->complained = false;
	}
	state->due = now + row->interval;
	atomic_store(&state->set, true);
	atomic_store(&state->value, value);
	atomic_store(&state->level, level);
	return value != -1;
}

static bool
is_looked_at(const struct pressure_settings *settings, enum resource resource)
{
	return settings->enabled && settings->thresholds[resource].set &&
	    (!rows[resource].of_queue || settings->queue_directory[0] != '\0');
}

static bool
are_same(const struct thresholds *a, const struct thresholds *b)
{
	return a->to_medium == b->to_medium && a->to_high == b->to_high &&
	    a->from_high == b->from_high && a->from_medium == b->from_medium;
}

/* Whoever has moved the borders wants them to count from here on. */
static void
obey(struct resource_state *state, const struct thresholds *thresholds)
{
	if (are_same(&state->thresholds, thresholds))
		return;
	state->thresholds = *thresholds;
	state->known = PRESSURE_LOW;
	state->due = LLONG_MIN;
}

static bool
is_anything_looked_at(const struct pressure_settings *settings)
{
	for (enum resource i = 0; i < RESOURCE_COUNT; i++)
		if (is_looked_at(settings, i))
			return true;
	return false;
}

bool
gauge_poll(struct gauge *gauge, const struct pressure_settings *settings,
    long long now)
{
	int worst = PRESSURE_LOW;
	bool read = true;

	atomic_store(&gauge->watched, is_anything_looked_at(settings));
	for (enum resource i = 0; i < RESOURCE_COUNT; i++) {
		struct resource_state *state = &gauge->resources[i];
		int level;

		if (!is_looked_at(settings, i)) {
			forget(state);
			continue;
		}
		obey(state, &settings->thresholds[i]);
		if (now >= state->due &&
		    !poll_resource(state, settings, i, now))
			read = false;
		level = atomic_load(&state->level);
		worst = level > worst ? level : worst;
	}
	atomic_store(&gauge->level, worst);
	atomic_store(&gauge->polled, now);
	return read;
}

static bool
is_expired(const struct gauge *gauge, long long now)
{
	return atomic_load(&gauge->watched) &&
	    now - atomic_load(&gauge->polled) > GAUGE_EXPIRY_NS;
}

void
gauge_watch(struct gauge *gauge, const struct pressure_settings *settings,
    long long now)
{
	bool expired;

	atomic_store(&gauge->watched, is_anything_looked_at(settings));
	expired = is_expired(gauge, now);
	if (expired && !gauge->expired)
		log_line(LOG_ERR,
		    "back pressure: reading takes more than %lld seconds; mail "
		    "is deferred",
		    GAUGE_EXPIRY_NS / SECOND_NS);
	if (!expired && gauge->expired)
		log_line(LOG_NOTICE,
		    "back pressure: reading goes on, or is not "
		    "asked for");
	gauge->expired = expired;
}

enum pressure
gauge_level(const struct gauge *gauge, long long now)
{
	if (!atomic_load(&gauge->watched))
		return PRESSURE_LOW;
	if (is_expired(gauge, now))
		return PRESSURE_UNKNOWN;
	return (enum pressure)atomic_load(&gauge->level);
}

void
gauge_read(const struct gauge *gauge,
    struct gauge_reading readings[RESOURCE_COUNT], long long now)
{
	const bool expired = is_expired(gauge, now);

	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		const struct resource_state *state = &gauge->resources[i];

		readings[i] = (struct gauge_reading){
			.name = rows[i].name,
			.set = atomic_load(&gauge->watched) &&
			    atomic_load(&state->set),
			.value = expired ? -1 : atomic_load(&state->value),
			.level = expired
			    ? PRESSURE_UNKNOWN
			    : (enum pressure)atomic_load(&state->level),
		};
	}
}
