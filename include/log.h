/*
 * log.h - the operator log: what happened, one encoded line each.
 *
 * Lines go to syslog and, unless the journal reads standard error anyway, to
 * standard error; before log_open to standard error alone. One line per command
 * that was refused and per accepted message, in the keys of struct log_record;
 * client text passes the one encoder. Failure to write is nobody's to report.
 * Between log_start and log_stop a thread of its own does the writing
 * (writer.h): a system log or a pipe that hangs delays nobody, and when
 * LOG_RING bytes wait the oldest lines go; how many were lost is said as soon
 * as lines can be written again. Any thread, but log_open before there are
 * threads.
 */
#ifndef LOG_H
#define LOG_H

#include <stdatomic.h>

#include "addr.h"
#include "compiler.h"

/* facility is one of syslog's LOG_MAIL ...; ident is not copied. */
void log_open(const char *ident, int facility);

/* Connects to syslog anew, with the next line at the latest. */
void log_reopen(void);

/* Bytes of lines that wait to be written. */
#define LOG_RING 4194304

/* Lines are written by a thread from here on. 0, or -1: by their callers. */
int log_start(void) NODISCARD;

/*
 * Writes what is left, for no longer than milliseconds. Lines that come later
 * are written by their callers; none are when the thread hangs still.
 */
void log_stop(long long milliseconds);

/* Lines lost so far, because they came faster than they could be written. */
unsigned long log_dropped(void);

/* priority is one of syslog's LOG_ERR ... What exceeds LOG_LINE_MAX is cut. */
void log_line(int priority, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What may happen as often as a stranger likes; all zero at first. */
struct log_seldom {
	atomic_llong due; /* s, monotonic; 0: at once */
	atomic_ulong count;
};

/*
 * It happened again. How often since the last line of it, when another one is
 * due, a minute after that at the earliest; else 0.
 */
unsigned long log_seldom_count(struct log_seldom *seldom);

/* The same, and logs what, and how often. */
void log_seldom(struct log_seldom *seldom, int priority, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Every pointer may be NULL: the value is then empty. */
struct log_record {
	const char *queue_id; /* NULL: NOQUEUE */
	const char *connector;
	const char *client_name; /* as the MTA calls the client */
	struct addr client;
	unsigned client_port;
	struct endpoint listener;
	const char *stage;
	const char *verdict; /* accept, [would-]tempfail, [would-]reject */
	const char *rule;
	const char *reply;
	const char *from; /* as typed, without brackets */
	const char *to;
	const char *helo;
	const char *identity;
	const char *auth;
	const char *tls;
	/* The keys of the rest are only there with something to say. */
	unsigned recipients;     /* accepted ones, at the end of a message */
	const char *certificate; /* its verified name */
	const char *author;      /* whom a rule found in the header */
};

/* Room for one line, with every field as long as the encoder makes it. */
#define LOG_LINE_MAX 15872

/* Writes the line of record to buf; returns buf. */
const char *log_format(char buf[LOG_LINE_MAX], const struct log_record *record);

/* Formats and logs: accepted ones as info, others as notice. */
void log_record(const struct log_record *record);

#endif
