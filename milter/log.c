/*
 * log.c - the operator log, to syslog and to standard error.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "writer.h"

/* Lost lines are spoken of no more often. */
#define LOSSES_SECONDS 60

/* So are things that happen as often as a stranger likes. */
#define SELDOM_SECONDS 60
#define SELDOM_MAX 512

/* A record of the writer: the priority, the line, and its end. */
#define RECORD_MAX (1 + LOG_LINE_MAX)

/* What a line needs on standard error, with its head. */
#define LINE_ROOM (LOG_LINE_MAX + 256)

/* Set once by log_open, before there is a second thread. */
static struct {
	const char *ident;
	int facility;
	bool to_stderr;
} sink = { .to_stderr = true };

/* NULL until log_start; never freed. */
static struct writer *_Atomic writer;

/* What others ask of the thread that writes. */
static atomic_bool reconnect_wanted;
static atomic_bool stopping;

/* Of who runs the writer's sink. */
static struct {
	char lines[65536]; /* for standard error, in one write */
	size_t len;
	unsigned long losses; /* that were spoken of */
	time_t silent_until;
} out;

static void
reconnect(void)
{
	closelog();
	openlog(sink.ident, LOG_PID, sink.facility);
}

void
log_open(const char *ident, int facility)
{
	sink.ident = ident;
	/* Under systemd both would end in the journal. */
	sink.to_stderr = getenv("JOURNAL_STREAM") == NULL;
	sink.facility = facility;
	openlog(ident, LOG_PID, facility);
}

void
log_reopen(void)
{
	/* Where syslog() hangs, closelog() would as well. */
	if (atomic_load(&writer) == NULL)
		reconnect();
	else
		atomic_store(&reconnect_wanted, true);
}

/* Past stdio: whoever hangs here must not hold the lock of stderr. */
static void
write_lines(void)
{
	size_t done = 0;

	while (done < out.len) {
		const ssize_t n =
		    write(fileno(stderr), out.lines + done, out.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	out.len = 0;
}

static void
add_line(const char *line)
{
	struct text text;

	if (sizeof(out.lines) - out.len < LINE_ROOM)
		write_lines();
	text_init(&text, out.lines + out.len, sizeof(out.lines) - out.len);
	if (sink.ident != NULL) {
		text_put(&text, sink.ident);
		text_put(&text, ": ");
	}
	text_put(&text, line);
	text_put(&text, "\n");
	out.len += text.len;
}

static bool
sink_write(void *arg UNUSED, const char *record, size_t len UNUSED)
{
	const int priority = (unsigned char)record[0];
	const char *line = record + 1;

	if (atomic_exchange(&reconnect_wanted, false))
		reconnect();
	if (sink.ident != NULL)
		syslog(priority, "%s", line);
	if (sink.to_stderr)
		add_line(line);
	return true;
}

/* A line about the lines that were lost since the last one. */
static void
tell_losses(void)
{
	const unsigned long losses = log_dropped();
	char record[64];
	struct timespec now;

	if (losses == out.losses)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec < out.silent_until && !atomic_load(&stopping))
		return;
	record[0] = LOG_ERR;
	snprintf(record + 1, sizeof(record) - 1, "log: %lu lines were lost",
	    losses - out.losses);
	sink_write(NULL, record, 0);
	out.losses = losses;
	out.silent_until = now.tv_sec + LOSSES_SECONDS;
}

static void
sink_flush(void *arg UNUSED)
{
	tell_losses();
	write_lines();
}

int
log_start(void)
{
	static const struct writer_sink to_all = {
		.write = sink_write,
		.flush = sink_flush,
	};
	struct writer *started = atomic_load(&writer);

	atomic_store(&stopping, false);
	if (started == NULL)
		started = writer_new(LOG_RING, &to_all);
	if (started == NULL)
		return -1;
	atomic_store(&writer, started);
	return writer_start(started, "log");
}

void
log_stop(long long milliseconds)
{
	struct writer *started = atomic_load(&writer);

	atomic_store(&stopping, true);
	if (started != NULL)
		(void)writer_stop(started, milliseconds);
}

unsigned long
log_dropped(void)
{
	struct writer *started = atomic_load(&writer);

	return started != NULL ? writer_dropped(started) : 0;
}

/* The line stands in record, behind the room for its priority. */
static void
put_record(int priority, char record[RECORD_MAX])
{
	struct writer *started = atomic_load(&writer);

	if (started != NULL) {
		record[0] = (char)priority;
		writer_put(started, record, 1 + strlen(record + 1) + 1);
		return;
	}
	if (sink.ident != NULL)
		syslog(priority, "%s", record + 1);
	if (sink.to_stderr)
		fprintf(stderr, "%s%s%s\n",
		    sink.ident != NULL ? sink.ident : "",
		    sink.ident != NULL ? ": " : "", record + 1);
}

void
log_line(int priority, const char *fmt, ...)
{
	char record[RECORD_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(record + 1, LOG_LINE_MAX, fmt, ap);
	va_end(ap);
	put_record(priority, record);
}

/* Of many at once, one says it for all. */
static bool
is_due(struct log_seldom *seldom)
{
	long long due = atomic_load(&seldom->due);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= due &&
	    atomic_compare_exchange_strong(
		&seldom->due, &due, now.tv_sec + SELDOM_SECONDS);
}

unsigned long
log_seldom_count(struct log_seldom *seldom)
{
	atomic_fetch_add(&seldom->count, 1);
	return is_due(seldom) ? atomic_exchange(&seldom->count, 0) : 0;
}

void
log_seldom(struct log_seldom *seldom, int priority, const char *fmt, ...)
{
	const unsigned long count = log_seldom_count(seldom);
	char what[SELDOM_MAX];
	va_list ap;

	if (count == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	log_line(priority, "%s: %lu times", what, count);
}

static void
put_word(
    struct text *text, const char *before, const char *value, const char *after)
{
	text_put(text, before);
	if (value != NULL)
		text_put_safe(text, value, strlen(value), TEXT_WORD);
	text_put(text, after);
}

/* Names of connectors may hold blanks; then they stand in quotes. */
static void
put_connector(struct text *text, const char *name)
{
	const char *quote =
	    name != NULL && strchr(name, ' ') != NULL ? "\"" : "";

	text_put(text, "connector=");
	text_put(text, quote);
	text_put(text, name != NULL ? name : "-");
	text_put(text, quote);
}

static void
put_client(struct text *text, const struct log_record *record)
{
	char addr[ADDR_TEXT_MAX];
	char endpoint[ENDPOINT_TEXT_MAX];

	put_word(text, " client=", record->client_name, "[");
	text_put(text, addr_format(addr, &record->client));
	text_put(text, "]:");
	text_put_number(text, record->client_port);
	text_put(text, " listener=");
	text_put(text, endpoint_format(endpoint, &record->listener));
}

const char *
log_format(char buf[LOG_LINE_MAX], const struct log_record *record)
{
	struct text text;
	const char *id = record->queue_id;

	text_init(&text, buf, LOG_LINE_MAX);
	put_word(&text, "", id != NULL && *id != '\0' ? id : "NOQUEUE", ": ");
	put_connector(&text, record->connector);
	put_client(&text, record);
	put_word(&text, " stage=", record->stage, "");
	put_word(&text, " verdict=", record->verdict, "");
	put_word(&text, " rule=", record->rule, "");
	text_put(&text, " reply=\"");
	if (record->reply != NULL)
		text_put_safe(
		    &text, record->reply, strlen(record->reply), TEXT_PROSE);
	text_put(&text, "\"");
	put_word(&text, " from=<", record->from, ">");
	put_word(&text, " to=<", record->to, ">");
	put_word(&text, " helo=<", record->helo, ">");
	put_word(&text, " identity=", record->identity, "");
	put_word(&text, " auth=", record->auth, "");
	put_word(&text, " tls=", record->tls, "");
	if (record->recipients > 1)
		text_printf(&text, " nrcpt=%u", record->recipients);
	if (record->certificate != NULL)
		put_word(&text, " cert=", record->certificate, "");
	if (record->author != NULL)
		put_word(&text, " author=<", record->author, ">");
	return buf;
}

void
log_record(const struct log_record *record)
{
	const bool accepted = record->recipients > 0 && record->rule == NULL;
	char line[RECORD_MAX];

	log_format(line + 1, record);
	put_record(accepted ? LOG_INFO : LOG_NOTICE, line);
}
