/*
 * status.c - what the daemon says of itself, word by word: as text for people
 * and as JSON for scripts.
 */
#include "status_parts.h"

#include <stdlib.h>
#include <unistd.h>

#include "played.h"
#include "rules.h"
#include "tap.h"

#define NOW 1781524800LL /* 2026-06-15T12:00:00Z */
#define SECOND_NS 1000000000LL

#define TEXT \
	"[milter]\nmax_sessions = 40\nmax_tarpits = 7\n" \
	"[connector internet]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\nmax_inbound_connection = unlimited\n" \
	"[connector a long name of a connector]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 10.0.0.0/8\nmax_inbound_connection = 20\n"

static long long clock_ns;

static long long
fake_clock(void)
{
	return clock_ns;
}

/* --- small parts --- */

static void
test_time(void)
{
	char buf[STATUS_TIME_MAX];

	is_str(status_time(buf, NOW), "2026-06-15T12:00:00Z", "a time");
	is_str(status_time(buf, 0), "1970-01-01T00:00:00Z", "the first time");
	is_str(status_time(buf, 253402300799), "9999-12-31T23:59:59Z",
	    "the last time of four digits");
	is_str(status_time(buf, LLONG_MAX), "", "a time that no calendar has");
}

/* clang-format off */
static const struct {
	const char *what;
	size_t row;
	enum metric metric;
	const char *rule;
	const char *stage;
	const char *verdict;
} verdict_cases[] = {
	{ "an accepted message", METRIC_ROW_MESSAGE, METRIC_ACCEPT, NULL,
	    "eom", "accept" },
	{ "what failed here", METRIC_ROW_INTERNAL, METRIC_TEMPFAIL,
	    "internal", NULL, "tempfail" },
	{ "what the MTA refused", METRIC_ROW_MTA, METRIC_REJECT, "mta",
	    "rcpt", "reject" },
	{ "the first rule", 0, METRIC_WOULD_TEMPFAIL, "admission", "connect",
	    "would-tempfail" },
};
/* clang-format on */

static void
test_verdicts(void)
{
	for (size_t i = 0; i < nitems(verdict_cases); i++) {
		struct metrics *metrics = calloc(1, sizeof(*metrics));
		struct verdict_count verdict;
		size_t found = 0;

		metrics_count(
		    metrics, verdict_cases[i].row, verdict_cases[i].metric);
		for (size_t row = 0; row < METRIC_ROWS; row++)
			for (unsigned m = 0; m < METRIC_COUNT; m++)
				found +=
				    status_verdict(&verdict, metrics, row, m);
		is_int((long long)found, 1, verdict_cases[i].what);
		ok(status_verdict(&verdict, metrics, verdict_cases[i].row,
		       verdict_cases[i].metric),
		    "it is there");
		is_str(verdict.rule, verdict_cases[i].rule, "its rule");
		is_str(verdict.stage, verdict_cases[i].stage, "its stage");
		is_str(
		    verdict.verdict, verdict_cases[i].verdict, "its verdict");
		is_int((long long)verdict.count, 1, "once");
		free(metrics);
	}
}

/* --- the whole --- */

static char *
printed(const struct status *status,
    void (*print)(const struct status *status, FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(status, out);
	fclose(out);
	return text;
}

/* The lines of text from number first on, so many of them, cut out. */
static void
is_lines(const char *text, unsigned first, unsigned count, const char *want,
    const char *what)
{
	char got[4096];
	const char *end;

	while (first-- > 0) {
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : "";
	}
	for (end = text; count-- > 0 && *end != '\0';)
		end = strchr(end, '\n') + 1;
	snprintf(got, sizeof(got), "%.*s", (int)(end - text), text);
	is_str(got, want, what);
}

/* clang-format off */
static const struct {
	const char *what;
	long long seconds;
	const char *want;
} age_cases[] = {
	{ "nothing at all", 0, "0s" },
	{ "seconds", 59, "59s" },
	{ "a minute", 60, "1m 0s" },
	{ "minutes", 3599, "59m 59s" },
	{ "hours leave seconds out", 7199, "1h 59m" },
	{ "days leave minutes out", 3 * 86400 + 4 * 3600 + 3599, "3d 4h" },
	{ "years", 800 * 86400, "800d 0h" },
	{ "a clock that was set back", -5, "0s" },
};
/* clang-format on */

static void
test_ages(struct status *status)
{
	const long long read_time = status->read_time;
	char want[128];

	for (size_t i = 0; i < nitems(age_cases); i++) {
		struct snapshot *snapshot = snapshots_pin(status->snapshots);
		char *text;

		status->read_time = status->now - age_cases[i].seconds;
		text = printed(status, status_print);
		snprintf(want, sizeof(want),
		    "configuration  %.12s, read %s ago, 1 in memory\n",
		    config_hash(snapshot_config(snapshot)), age_cases[i].want);
		is_lines(text, 1, 1, want, age_cases[i].what);
		snapshots_unpin(status->snapshots, snapshot);
		free(text);
	}
	status->read_time = read_time;
}

static const char fresh_json[] =
    "{\n"
    "  \"version\": \"" VERSION "\",\n"
    "  \"uptime\": 0,\n"
    "  \"draining\": false,\n"
    "  \"stopping\": false,\n"
    "  \"configuration\": {\n"
    "    \"hash\": \"%s\",\n"
    "    \"age\": 0,\n"
    "    \"snapshots\": 1,\n"
    "    \"last_reload\": {\n"
    "      \"time\": \"2026-06-15T12:00:00Z\",\n"
    "      \"live\": true,\n"
    "      \"problems\": []\n"
    "    }\n"
    "  },\n"
    "  \"sessions\": {\n"
    "    \"open\": 0,\n"
    "    \"max\": 40,\n"
    "    \"transactions\": 0,\n"
    "    \"turned_away\": 0\n"
    "  },\n"
    "  \"connectors\": [\n"
    "    {\n"
    "      \"name\": \"internet\",\n"
    "      \"sessions\": 0,\n"
    "      \"max\": null,\n"
    "      \"accepted\": 0,\n"
    "      \"tempfailed\": 0,\n"
    "      \"rejected\": 0\n"
    "    },\n"
    "    {\n"
    "      \"name\": \"a long name of a connector\",\n"
    "      \"sessions\": 0,\n"
    "      \"max\": 20,\n"
    "      \"accepted\": 0,\n"
    "      \"tempfailed\": 0,\n"
    "      \"rejected\": 0\n"
    "    }\n"
    "  ],\n"
    "  \"verdicts\": [],\n"
    "  \"limits\": {\n"
    "    \"sources\": {\n"
    "      \"used\": 0,\n"
    "      \"size\": %zu\n"
    "    },\n"
    "    \"rates\": {\n"
    "      \"used\": 0,\n"
    "      \"size\": %zu\n"
    "    },\n"
    "    \"overflows\": 0\n"
    "  },\n"
    "  \"tarpit\": {\n"
    "    \"held\": 0,\n"
    "    \"max\": 7,\n"
    "    \"delayed\": 0,\n"
    "    \"skipped\": 0\n"
    "  },\n"
    "  \"back_pressure\": {\n"
    "    \"level\": \"low\",\n"
    "    \"resources\": []\n"
    "  },\n"
    "  \"protocol_log\": {\n"
    "    \"on\": false,\n"
    "    \"dead\": false,\n"
    "    \"written\": 0,\n"
    "    \"dropped\": 0\n"
    "  },\n"
    "  \"operator_log\": {\n"
    "    \"dropped\": 0\n"
    "  }\n"
    "}\n";

static const char fresh_text[] =
    "version        " VERSION ", up 0s\n"
    "configuration  %.12s, read 0s ago, 1 in memory\n"
    "last reload    2026-06-15T12:00:00Z, in use\n"
    "sessions       0 of 40, 0 turned away\n"
    "limits         0 of %zu sources, 0 of %zu rates, 0 overflows\n"
    "tarpit         0 of 7 held, 0 delayed, 0 without a slot\n"
    "back pressure  low\n"
    "protocol log   off\n"
    "operator log   0 dropped\n"
    "\n"
    "connector                   sessions       max    accepted  tempfailed"
    "    rejected\n"
    "internet                           0         -           0           0"
    "           0\n"
    "a long name of a connector         0        20           0           0"
    "           0\n";

/* want holds the hash and the sizes of both tables. */
static void
is_whole(const struct status *status,
    void (*print)(const struct status *status, FILE *out), const char *want,
    const char *what)
{
	struct snapshot *snapshot = snapshots_pin(status->snapshots);
	struct limits_usage usage;
	char *text = printed(status, print);
	char expected[8192];

	limits_usage(status->live->limits, &usage, clock_ns);
	/* want is one of the texts above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(expected, sizeof(expected), want,
	    config_hash(snapshot_config(snapshot)), usage.sources_size,
	    usage.rates_size);
#pragma GCC diagnostic pop
	is_str(text, expected, what);
	snapshots_unpin(status->snapshots, snapshot);
	free(text);
}

static const char busy_json[] =
    "{\n"
    "  \"version\": \"" VERSION "\",\n"
    "  \"uptime\": 93784,\n"
    "  \"draining\": true,\n"
    "  \"stopping\": false,\n"
    "  \"configuration\": {\n"
    "    \"hash\": \"%s\",\n"
    "    \"age\": 3600,\n"
    "    \"snapshots\": 2,\n"
    "    \"last_reload\": {\n"
    "      \"time\": \"2026-06-15T11:59:00Z\",\n"
    "      \"live\": false,\n"
    "      \"problems\": [\n"
    "        \"/etc/a.ini:1: error: no \\\"x\\\"\",\n"
    "        \"/etc/b.ini:2: warning: \xc3\xbc \\ufffd \\u001b[1m\"\n"
    "      ]\n"
    "    }\n"
    "  },\n"
    "  \"sessions\": {\n"
    "    \"open\": 3,\n"
    "    \"max\": 40,\n"
    "    \"transactions\": 1,\n"
    "    \"turned_away\": 12345678901\n"
    "  },\n"
    "  \"connectors\": [\n"
    "    {\n"
    "      \"name\": \"internet\",\n"
    "      \"sessions\": 2,\n"
    "      \"max\": null,\n"
    "      \"accepted\": 12345678901,\n"
    "      \"tempfailed\": 22,\n"
    "      \"rejected\": 333\n"
    "    },\n"
    "    {\n"
    "      \"name\": \"a long name of a connector\",\n"
    "      \"sessions\": 1,\n"
    "      \"max\": 20,\n"
    "      \"accepted\": 0,\n"
    "      \"tempfailed\": 0,\n"
    "      \"rejected\": 0\n"
    "    }\n"
    "  ],\n"
    "  \"verdicts\": [\n"
    "    {\n"
    "      \"rule\": \"admission\",\n"
    "      \"stage\": \"connect\",\n"
    "      \"verdict\": \"tempfail\",\n"
    "      \"count\": 1\n"
    "    },\n"
    "    {\n"
    "      \"rule\": null,\n"
    "      \"stage\": \"eom\",\n"
    "      \"verdict\": \"accept\",\n"
    "      \"count\": 2\n"
    "    },\n"
    "    {\n"
    "      \"rule\": \"internal\",\n"
    "      \"stage\": null,\n"
    "      \"verdict\": \"tempfail\",\n"
    "      \"count\": 1\n"
    "    }\n"
    "  ],\n"
    "  \"limits\": {\n"
    "    \"sources\": {\n"
    "      \"used\": 2,\n"
    "      \"size\": %zu\n"
    "    },\n"
    "    \"rates\": {\n"
    "      \"used\": 0,\n"
    "      \"size\": %zu\n"
    "    },\n"
    "    \"overflows\": 0\n"
    "  },\n"
    "  \"tarpit\": {\n"
    "    \"held\": 0,\n"
    "    \"max\": 7,\n"
    "    \"delayed\": 0,\n"
    "    \"skipped\": 1\n"
    "  },\n"
    "  \"back_pressure\": {\n"
    "    \"level\": \"medium\",\n"
    "    \"resources\": [\n"
    "      {\n"
    "        \"name\": \"queue_length\",\n"
    "        \"level\": \"medium\",\n"
    "        \"value\": 3\n"
    "      }\n"
    "    ]\n"
    "  },\n"
    "  \"protocol_log\": {\n"
    "    \"on\": false,\n"
    "    \"dead\": false,\n"
    "    \"written\": 0,\n"
    "    \"dropped\": 0\n"
    "  },\n"
    "  \"operator_log\": {\n"
    "    \"dropped\": 0\n"
    "  }\n"
    "}\n";

static const char busy_text[] =
    "version        " VERSION ", up 1d 2h\n"
    "configuration  %.12s, read 1h 0m ago, 2 in memory\n"
    "last reload    2026-06-15T11:59:00Z, failed; the old configuration is in "
    "use\n"
    "               /etc/a.ini:1: error: no \"x\"\n"
    "               /etc/b.ini:2: warning: \xc3\xbc \xff \x1b[1m\n"
    "sessions       3 of 40, 12345678901 turned away; draining, no new "
    "ones\n"
    "limits         2 of %zu sources, 0 of %zu rates, 0 overflows\n"
    "tarpit         0 of 7 held, 0 delayed, 1 without a slot\n"
    "back pressure  medium: queue_length 3 (medium)\n"
    "protocol log   off\n"
    "operator log   0 dropped\n"
    "\n"
    "connector                   sessions       max    accepted  tempfailed"
    "    rejected\n"
    "internet                           2         - 12345678901          22"
    "         333\n"
    "a long name of a connector         1        20           0           0"
    "           0\n"
    "\n"
    "rule       stage    verdict              count\n"
    "admission  connect  tempfail                 1\n"
    "-          eom      accept                   2\n"
    "internal   -        tempfail                 1\n";

/* Three messages of Sendmail's in a folder of their own. */
static void
measure_queue(struct gauge *gauge)
{
	static const char *const names[] = { "qf1", "qf2", "qf3" };
	char folder[] = "/tmp/connector-milter.XXXXXX";
	struct pressure_settings settings = {
		.enabled = true,
		.thresholds[RESOURCE_QUEUE_LENGTH] = { true, 2, 9, 8, 1 },
	};
	char path[128];

	settings.queue_directory = mkdtemp(folder);
	for (size_t i = 0; i < nitems(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		fclose(fopen(path, "w"));
	}
	ok(gauge_poll(gauge, &settings, clock_ns), "the queue is measured");
	for (size_t i = 0; i < nitems(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void
enter(const struct status *status, struct limits_slot *slot, size_t connector,
    uint64_t address)
{
	struct snapshot *snapshot = snapshots_pin(status->snapshots);
	const struct policy *policy = config_policy(snapshot_config(snapshot));
	const struct connector *at = &policy->connectors[connector];
	const struct addr client = { ADDR_IPV4, address };
	struct client_source source;

	limits_source(status->live->limits, &source, &client);
	is_int(limits_enter(status->live->limits, slot,
		   snapshot_tally(snapshot, at), at, &source),
	    SLOT_HELD, "a session");
	snapshots_unpin(status->snapshots, snapshot);
}

static void
be_busy(struct status *status, struct limits_slot *slots)
{
	struct snapshot *snapshot = snapshots_pin(status->snapshots);
	const struct policy *policy = config_policy(snapshot_config(snapshot));
	struct tally *tally = snapshot_tally(snapshot, &policy->connectors[0]);
	struct live *live = status->live;
	const struct client_source nobody = { .count = 0 };

	atomic_store(&tally->accepted, 12345678901);
	atomic_store(&tally->tempfailed, 22);
	atomic_store(&tally->rejected, 333);
	snapshots_unpin(status->snapshots, snapshot);
	atomic_store(&live->draining, true);
	atomic_store(&live->sessions, 3);
	atomic_store(&live->transactions, 1);
	atomic_store(&live->turned_away, 12345678901);
	metrics_count(&live->metrics, 0, METRIC_TEMPFAIL);
	metrics_count(&live->metrics, METRIC_ROW_MESSAGE, METRIC_ACCEPT);
	metrics_count(&live->metrics, METRIC_ROW_MESSAGE, METRIC_ACCEPT);
	metrics_count(&live->metrics, METRIC_ROW_INTERNAL, METRIC_TEMPFAIL);
	enter(status, &slots[0], 0, 0x0a000001);
	enter(status, &slots[1], 0, 0x0a000001);
	enter(status, &slots[2], 1, 0x0a000001);
	ok(!tarpit_hold(live->tarpit, &nobody, 0, 1000), "no slot, no tarpit");
	clock_ns += 93784 * SECOND_NS + 1;
	measure_queue(live->gauge);
	status->now += 3600;
	status->reloaded_live = false;
	status->reload_time = NOW - 60;
	status->problems = "/etc/a.ini:1: error: no \"x\"\n"
			   "/etc/b.ini:2: warning: \xc3\xbc \xff \x1b[1m\n";
}

/* Draining before, and for good. */
static void
test_stopping(struct status *status)
{
	char *text;

	atomic_store(&status->live->stopping, true);
	text = printed(status, status_print);
	ok(strstr(text,
	       "\nsessions       3 of 40, 12345678901 turned away; stopping, "
	       "transactions left: 1\n") != NULL,
	    "text while it stops");
	free(text);
	text = printed(status, status_print_json);
	ok(strstr(text, "\n  \"stopping\": true,\n") != NULL,
	    "JSON while it stops");
	free(text);
	clock_ns += 31 * SECOND_NS;
	text = printed(status, status_print);
	ok(strstr(text, "\nback pressure  unknown: queue_length unknown\n") !=
		NULL,
	    "text when what was read has expired");
	free(text);
	text = printed(status, status_print_json);
	ok(strstr(text,
	       "    \"level\": \"unknown\",\n    \"resources\": [\n"
	       "      {\n        \"name\": \"queue_length\",\n"
	       "        \"level\": \"unknown\",\n"
	       "        \"value\": null\n") != NULL,
	    "JSON when what was read has expired");
	free(text);
}

int
main(void)
{
	struct limits_slot slots[3];
	struct status status = {
		.now = NOW,
		.read_time = NOW,
		.reloaded_live = true,
		.reload_time = NOW,
		.problems = "",
	};
	struct snapshot *old;

	catch_log();
	memset(slots, 0, sizeof(slots));
	test_time();
	test_verdicts();
	clock_ns = 5 * SECOND_NS;
	status.snapshots = snapshots_new(config_of(TEXT));
	status.live = live_new(40, 7, fake_clock);
	is_whole(&status, status_print_json, fresh_json, "JSON at the start");
	is_whole(&status, status_print, fresh_text, "text at the start");
	test_ages(&status);
	be_busy(&status, slots);
	old = snapshots_pin(status.snapshots);
	is_int(snapshots_replace(status.snapshots, config_of(TEXT)), 0,
	    "a reload");
	is_whole(&status, status_print_json, busy_json, "JSON of a busy one");
	is_whole(&status, status_print, busy_text, "text of a busy one");
	test_stopping(&status);
	snapshots_unpin(status.snapshots, old);
	for (size_t i = 0; i < nitems(slots); i++)
		limits_leave(status.live->limits, &slots[i]);
	snapshots_free(status.snapshots);
	live_free(status.live);
	return done();
}
