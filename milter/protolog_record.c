/*
 * protolog_record.c - a record as a line of CSV that no client can bend.
 */
#include "protolog_parts.h"

#include <inttypes.h>
#include <string.h>

/*
 * Tools that read these logs skip four lines to find the names of the fields in
 * the fifth; some first want to see the words of Exchange at the beginning of
 * the first and third. Who really wrote it stands behind them.
 */
/* clang-format off */
#define SOFTWARE \
	"#Software: Microsoft Exchange Server format (connector-milter)\r\n"
#define LOG_TYPE "#Log-type: SMTP Receive Protocol Log\r\n"
#define FIELDS \
	"#Fields: date-time,connector-id,session-id,sequence-number," \
	"local-endpoint,remote-endpoint,event,data,context\r\n"
/* clang-format on */

#define LINE_END "\r\n"

static void
put_time(struct text *text, const struct timespec *time)
{
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&time->tv_sec, &tm);
	text_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, time->tv_nsec / 1000000);
}

size_t
protolog_header(char buf[PROTOLOG_HEADER_MAX], const struct timespec *time)
{
	struct text text;

	text_init(&text, buf, PROTOLOG_HEADER_MAX);
	text_put(&text, SOFTWARE "#Version: " VERSION "\r\n" LOG_TYPE);
	text_put(&text, "#Date: ");
	put_time(&text, time);
	text_put(&text, LINE_END FIELDS);
	return text.len;
}

/* Puts what has room in place of the len bytes at; the rest moves up. */
static void
replace(struct text *text, size_t at, size_t len, const char *by)
{
	const size_t more = strlen(by);

	if (text->len - len + more >= text->size) {
		text->overflow = true;
		return;
	}
	memmove(text->buf + at + more, text->buf + at + len,
	    text->len - at - len + 1);
	memcpy(text->buf + at, by, more);
	text->len = text->len - len + more;
}

/* What begins at start is a field: no formula, and of one piece. */
static void
end_field(struct text *text, size_t start)
{
	const char first = text->buf[start];
	char hex[8];
	struct text code;

	if (first != '\0' && strchr("=+-@", first) != NULL) {
		text_init(&code, hex, sizeof(hex));
		text_printf(&code, "\\x%02x", (unsigned char)first);
		replace(text, start, 1, hex);
	}
	/* The encoder leaves neither quotes nor line ends in it. */
	if (strchr(text->buf + start, ',') != NULL) {
		replace(text, start, 0, "\"");
		text_put(text, "\"");
	}
}

static void
put_field(struct text *text, const char *value)
{
	const size_t start = text->len;

	if (value == NULL)
		return;
	text_put_safe(text, value, strlen(value), TEXT_PROSE);
	end_field(text, start);
}

/* As Exchange has it: SERVER\Name of connector. */
static void
put_connector(struct text *text, const char *server, const char *name)
{
	const size_t start = text->len;

	text_put_safe(text, server, strlen(server), TEXT_PROSE);
	text_put(text, "\\");
	if (name != NULL)
		text_put_safe(text, name, strlen(name), TEXT_PROSE);
	end_field(text, start);
}

static void
put_endpoint(struct text *text, const struct endpoint *endpoint)
{
	char buf[ENDPOINT_TEXT_MAX];

	if (endpoint->addr.family != ADDR_NONE)
		text_put(text, endpoint_format(buf, endpoint));
	text_put(text, ",");
}

size_t
protolog_format(char buf[PROTOLOG_RECORD_MAX], const char *server,
    const struct protocol_record *record)
{
	struct text text;

	text_init(&text, buf, PROTOLOG_RECORD_MAX);
	put_time(&text, &record->time);
	text_put(&text, ",");
	put_connector(&text, server, record->connector);
	text_printf(
	    &text, ",%016" PRIX64 ",%u,", record->session, record->sequence);
	put_endpoint(&text, &record->local);
	put_endpoint(&text, &record->remote);
	text_printf(&text, "%c,", (char)record->event);
	put_field(&text, record->data);
	text_put(&text, ",");
	put_field(&text, record->context);
	text_put(&text, LINE_END);
	return text.len;
}
