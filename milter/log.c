/*
 * log.c - the operator log, to syslog and to standard error.
 */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "text.h"

/* Set once by log_open, before there is a second thread. */
static struct {
	const char *ident;
	int facility;
	bool to_stderr;
} sink = { .to_stderr = true };

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
	closelog();
	openlog(sink.ident, LOG_PID, sink.facility);
}

static void
write_line(int priority, const char *line)
{
	if (sink.ident != NULL)
		syslog(priority, "%s", line);
	if (sink.to_stderr)
		fprintf(stderr, "%s%s%s\n",
		    sink.ident != NULL ? sink.ident : "",
		    sink.ident != NULL ? ": " : "", line);
}

void
log_line(int priority, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(priority, line);
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

	text_printf(
	    text, "connector=%s%s%s", quote, name != NULL ? name : "-", quote);
}

static void
put_client(struct text *text, const struct log_record *record)
{
	char addr[ADDR_TEXT_MAX];
	char endpoint[ENDPOINT_TEXT_MAX];

	put_word(text, " client=", record->client_name, "");
	text_printf(text, "[%s]:%u", addr_format(addr, &record->client),
	    record->client_port);
	text_printf(
	    text, " listener=%s", endpoint_format(endpoint, &record->listener));
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
	char line[LOG_LINE_MAX];

	write_line(record->recipients > 0 && record->rule == NULL ? LOG_INFO
								  : LOG_NOTICE,
	    log_format(line, record));
}
