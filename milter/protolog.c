/*
 * protolog.c - the protocol log between sessions, settings and its thread.
 */
#include "protolog_parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>

#include "log.h"
#include "writer.h"

/* So often the file is tended, and what is wrong is looked at. */
#define TEND_NS 500000000LL

/* A disk that takes longer than this is as good as none. */
#define STUCK_NS 10000000000LL

/* The operator log hears of it no more often than so. */
#define TELL_NS 60000000000LL
#define TELL_OLD_FILES_NS 3600000000000LL

/* The year 1970 in Exchange's ticks, and ticks of a second. */
#define TICKS_1970 621355968000000000ULL
#define TICKS_PER_SECOND 10000000ULL

/* What the operator log was told. */
struct told {
	bool trouble; /* and not yet that it is over */
	long long again_at;
	long long old_files_at;
	unsigned long dropped; /* records lost when last looked at */
	unsigned long before;  /* and when all was well */
};

struct protolog {
	struct writer *writer;
	bool is_left; /* the thread hangs, and may need all this */
	char server[sizeof(((struct utsname *)NULL)->nodename)];

	/* Orders to the thread. */
	_Atomic(struct protolog_order *) next;
	atomic_bool reopen;

	/* What it says of itself. */
	atomic_bool on;
	atomic_bool required;
	atomic_bool failed;
	atomic_llong busy_since; /* monotonic; 0: it is not */
	atomic_ulong written;

	_Atomic uint64_t last_session;

	/* The thread's own. */
	struct protolog_file file;
	long long tend_at;
	struct told told;
};

/* What is handed to the thread, without the rest of the line's room. */
struct dated_line {
	struct timespec time;
	char line[PROTOLOG_RECORD_MAX];
};

static long long
monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct timespec
wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

static void
tell_trouble(const struct protolog_file *file)
{
	if (file->failed != NULL)
		log_line(LOG_ERR,
		    "protocol log: cannot %s %s: %s; records are lost",
		    file->failed, file->order->directory,
		    strerror(file->error));
	else
		log_line(LOG_ERR,
		    "protocol log: records are lost, for %s cannot be written "
		    "as fast as they come",
		    file->order->directory);
}

/* Whatever went wrong since the last look, even if it is well by now. */
static void
look_for_trouble(struct protolog *protolog, long long now)
{
	struct protolog_file *file = &protolog->file;
	struct told *told = &protolog->told;
	const unsigned long dropped = writer_dropped(protolog->writer);
	const bool bad = file->failed != NULL || dropped != told->dropped;

	if (bad && now >= told->again_at) {
		tell_trouble(file);
		told->trouble = true;
		told->again_at = now + TELL_NS;
	}
	if (!bad && told->trouble) {
		log_line(LOG_NOTICE,
		    "protocol log: it can be written again; %lu records were "
		    "lost",
		    dropped - told->before);
		told->trouble = false;
		told->before = dropped;
	}
	told->dropped = dropped;
	file->failed = NULL;
}

static void
look_for_old_files(struct protolog *protolog, long long now)
{
	struct protolog_file *file = &protolog->file;

	if (file->purge_error == 0 || now < protolog->told.old_files_at)
		return;
	log_line(LOG_WARNING, "protocol log: cannot remove old files in %s: %s",
	    file->order->directory, strerror(file->purge_error));
	protolog->told.old_files_at = now + TELL_OLD_FILES_NS;
}

static void
publish(struct protolog *protolog)
{
	atomic_store(&protolog->failed, protolog_file_is_dead(&protolog->file));
}

static void
obey(struct protolog *protolog, struct protolog_order *order)
{
	const struct timespec now = wall();

	/* What is wrong with another folder is said at once. */
	if (protolog_file_obey(&protolog->file, order, &now))
		protolog->told.again_at = 0;
	publish(protolog);
	atomic_store(&protolog->required, order->settings.required);
	atomic_store(&protolog->on, protolog_file_is_on(&protolog->file));
	protolog->tend_at = 0;
}

/* The sink of the writer: one record, with its time in front of its line. */
static bool
write_record(void *arg, const char *record, size_t len)
{
	struct protolog *protolog = arg;
	const size_t head = offsetof(struct dated_line, line);
	struct timespec time;
	bool written;

	/* No record: protolog_configure only wakes the thread. */
	if (len < head || !protolog_file_is_on(&protolog->file))
		return true;
	memcpy(&time, record, sizeof(time));
	atomic_store(&protolog->busy_since, monotonic());
	if (atomic_exchange(&protolog->reopen, false))
		protolog->file.is_full = true;
	written = protolog_file_write(
	    &protolog->file, &time, record + head, len - head);
	if (written)
		atomic_fetch_add(&protolog->written, 1);
	publish(protolog);
	atomic_store(&protolog->busy_since, 0);
	return written;
}

static void
tend(void *arg)
{
	struct protolog *protolog = arg;
	struct protolog_order *order = atomic_exchange(&protolog->next, NULL);
	const long long now = monotonic();
	struct timespec time;

	atomic_store(&protolog->busy_since, now);
	if (order != NULL)
		obey(protolog, order);
	if (now >= protolog->tend_at && protolog_file_is_on(&protolog->file)) {
		protolog->tend_at = now + TEND_NS;
		time = wall();
		protolog_file_tend(
		    &protolog->file, &time, (time_t)(now / 1000000000));
		publish(protolog);
		look_for_trouble(protolog, now);
		look_for_old_files(protolog, now);
	}
	atomic_store(&protolog->busy_since, 0);
}

/* The name of this machine, as Windows would have it. */
static void
name_server(struct protolog *protolog)
{
	struct utsname machine;
	char *out = protolog->server;

	if (uname(&machine) != 0)
		return;
	for (const char *s = machine.nodename; *s != '\0' && *s != '.'; s++) {
		*out = *s;
		if (*s >= 'a' && *s <= 'z')
			*out = (char)(*s - 'a' + 'A');
		out++;
	}
	*out = '\0';
}

struct protolog *
protolog_new(void)
{
	struct protolog *protolog = calloc(1, sizeof(*protolog));
	const struct writer_sink sink = {
		.write = write_record, .flush = tend, .arg = protolog
	};

	if (protolog == NULL)
		return NULL;
	protolog->writer = writer_new(PROTOLOG_RING, &sink);
	if (protolog->writer == NULL) {
		free(protolog);
		return NULL;
	}
	protolog_file_init(&protolog->file);
	name_server(protolog);
	return protolog;
}

void
protolog_free(struct protolog *protolog)
{
	if (protolog == NULL || protolog->is_left)
		return;
	writer_free(protolog->writer);
	protolog_file_done(&protolog->file);
	free(atomic_load(&protolog->next));
	free(protolog);
}

int
protolog_start(struct protolog *protolog)
{
	return writer_start(protolog->writer, "protocol-log");
}

void
protolog_configure(
    struct protolog *protolog, const struct protocol_log_settings *settings)
{
	const size_t size = strlen(settings->directory) + 1;
	struct protolog_order *order = malloc(sizeof(*order) + size);

	if (order == NULL) {
		log_line(
		    LOG_ERR, "protocol log: no memory; its old settings stay");
		return;
	}
	order->settings = *settings;
	memcpy(order->directory, settings->directory, size);
	order->settings.directory = order->directory;
	free(atomic_exchange(&protolog->next, order));
	writer_put(protolog->writer, "", 0);
}

void
protolog_reopen(struct protolog *protolog)
{
	atomic_store(&protolog->reopen, true);
}

void
protolog_stop(struct protolog *protolog, long long milliseconds)
{
	if (!writer_stop(protolog->writer, milliseconds))
		protolog->is_left = true;
}

void
protolog_put(struct protolog *protolog, const struct protocol_record *record)
{
	struct dated_line dated;
	size_t len;

	if (!atomic_load(&protolog->on))
		return;
	dated.time = record->time;
	len = protolog_format(dated.line, protolog->server, record);
	writer_put(protolog->writer, (const char *)&dated,
	    offsetof(struct dated_line, line) + len);
}

uint64_t
protolog_session_id(struct protolog *protolog)
{
	const struct timespec now = wall();
	const uint64_t ticks = TICKS_1970 +
	    (uint64_t)now.tv_sec * TICKS_PER_SECOND +
	    (uint64_t)now.tv_nsec / 100;
	uint64_t last = atomic_load(&protolog->last_session);
	uint64_t id;

	do {
		id = ticks > last ? ticks : last + 1;
	} while (
	    !atomic_compare_exchange_weak(&protolog->last_session, &last, id));
	return id;
}

bool
protolog_is_on(const struct protolog *protolog)
{
	return atomic_load(&protolog->on);
}

bool
protolog_is_dead(const struct protolog *protolog)
{
	const long long since = atomic_load(&protolog->busy_since);

	if (!atomic_load(&protolog->on))
		return false;
	return atomic_load(&protolog->failed) ||
	    (since != 0 && monotonic() - since > STUCK_NS) ||
	    writer_is_behind(protolog->writer);
}

bool
protolog_is_required(const struct protolog *protolog)
{
	return atomic_load(&protolog->required);
}

unsigned long
protolog_written(const struct protolog *protolog)
{
	return atomic_load(&protolog->written);
}

unsigned long
protolog_dropped(const struct protolog *protolog)
{
	return writer_dropped(protolog->writer);
}
