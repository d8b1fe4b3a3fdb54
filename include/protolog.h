/*
 * protolog.h - the protocol log: who said what, as Exchange's SmtpReceive CSV.
 *
 * One record a line, RFC 4180, in files RECVyyyymmdd-n.log (UTC; n from 1 each
 * day) of the folder [protocol_log] directory, each of which begins with five
 * lines as Exchange's do. A new file begins with a new day, at max_file_size,
 * after protolog_reopen, with each start, and when somebody took the newest one
 * away; what was there before is never written to. Within a second of that, and
 * each minute, files beyond max_age (0: none is) or max_directory_size go,
 * oldest first, never the newest one and never what is not named so or no
 * regular file.
 *
 * Client text passes text.h's encoder; a field that would begin with what
 * spreadsheets take for a formula has that encoded too; fields with a comma
 * are quoted. So every record is one line and reads back as it was encoded.
 * The first of the five lines names Exchange's format, for which readers of
 * such logs look there, and us.
 *
 * Records are written by a thread of its own (writer.h): a full disk, a
 * read-only folder or a slow disk never delays or changes a verdict; records
 * are dropped and counted, and the log is dead until it can be written again
 * (tried each second). Half a record that a full disk left is taken back.
 */
#ifndef PROTOLOG_H
#define PROTOLOG_H

#include <time.h>

#include "config.h"

struct protolog;

/* Bytes of records that wait to be written. */
#define PROTOLOG_RING 8388608

/* Nothing is written before protolog_configure. NULL without memory. */
struct protolog *protolog_new(void) NODISCARD;

/* May be given NULL. A log whose thread hangs stays in memory. */
void protolog_free(struct protolog *protolog);

/* Starts the thread. Without it callers write. 0, or -1. */
int protolog_start(struct protolog *protolog) NODISCARD;

/*
 * Obeys settings, which are copied: before protolog_start at once, so that
 * protolog_is_dead tells of a folder that cannot be written; else the thread
 * does so as soon as it can, and all of them together. A file is begun in the
 * folder at once, as whoever the process is then. For the housekeeping thread.
 */
void protolog_configure(
    struct protolog *protolog, const struct protocol_log_settings *settings);

/* The next record begins a new file. */
void protolog_reopen(struct protolog *protolog);

/* Writes what is left, for no longer than milliseconds. */
void protolog_stop(struct protolog *protolog, long long milliseconds);

/* The events of Exchange's log. */
enum protocol_event {
	PROTOCOL_CONNECT = '+',
	PROTOCOL_DISCONNECT = '-',
	PROTOCOL_SENT = '>',
	PROTOCOL_RECEIVED = '<',
	PROTOCOL_INFORMATION = '*',
};

struct protocol_record {
	struct timespec time;  /* CLOCK_REALTIME */
	const char *connector; /* its name */
	uint64_t session;      /* of protolog_session_id */
	unsigned sequence;     /* 0, 1, 2 ... in the session */
	struct endpoint local;
	struct endpoint remote;
	enum protocol_event event;
	const char *data;    /* raw; NULL: empty */
	const char *context; /* raw; NULL: empty */
};

/* Room for protolog_format: fields are cut at TEXT_FIELD_MAX raw bytes. */
#define PROTOLOG_RECORD_MAX 6656

/*
 * The line of a record, with its CR LF; server is what stands before the
 * connector's name. Returns its length.
 */
size_t protolog_format(char buf[PROTOLOG_RECORD_MAX], const char *server,
    const struct protocol_record *record);

/* Formats and hands over; never waits. Nothing without a folder. */
void protolog_put(
    struct protolog *protolog, const struct protocol_record *record);

/*
 * A number for a session, never the same twice in this process: the time in
 * Exchange's ticks (100 ns since the year 1), or the next free one.
 */
uint64_t protolog_session_id(struct protolog *protolog);

/* Is there a folder? Any thread. */
bool protolog_is_on(const struct protolog *protolog);

/*
 * Can it not be written now? Also while more than half of PROTOLOG_RING waits,
 * before records are lost because the disk is too slow, and when the disk has
 * not answered for ten seconds. Without a folder it is not dead. Any thread.
 */
bool protolog_is_dead(const struct protolog *protolog);

/* Of the settings that are obeyed. Any thread. */
bool protolog_is_required(const struct protolog *protolog);

/* Records written and lost so far. Any thread. */
unsigned long protolog_written(const struct protolog *protolog);
unsigned long protolog_dropped(const struct protolog *protolog);

#endif
