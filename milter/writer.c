/*
 * writer.c - a ring of records between many threads and the one that writes.
 *
 * In the ring each record stands behind its length. The thread takes records
 * out into a batch, so the lock is never held while the sink runs.
 */
#include "writer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"

/* No more is copied while the lock is held, but for a single longer record. */
#define BATCH_SIZE 65536

/*
 * After a batch the thread looks again by itself, so that callers need not wake
 * it for every record: only a ring that fills up cuts the nap short.
 */
#define NAP_MS 10
#define SLEEP_MS 1000
#define NOT_TO_BE_WOKEN SIZE_MAX

#define HEAD_SIZE sizeof(size_t)
#define RING_MIN 64

enum phase {
	PHASE_DIRECT,  /* no thread: callers write */
	PHASE_RUNNING, /* the thread writes */
	PHASE_ENDING,  /* what is left */
	PHASE_LEFT,    /* it hangs in the sink, and nobody writes any more */
};

struct writer {
	struct writer_sink sink;
	pthread_mutex_t sink_lock; /* held by who runs the sink */
	atomic_ulong dropped;
	atomic_size_t in_hand; /* records of the batch, not written yet */
	char *batch;           /* the thread's */
	pthread_t thread;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	pthread_cond_t ended;
	enum phase phase;
	size_t wake_at; /* bytes in use that end the thread's sleep */
	char *ring;
	size_t size;
	size_t start; /* of the oldest record */
	size_t used;
	size_t count; /* of records */
};

static int
init_locks(struct writer *writer)
{
	if (pthread_mutex_init(&writer->sink_lock, NULL) != 0 ||
	    pthread_mutex_init(&writer->lock, NULL) != 0 ||
	    deadline_cond_init(&writer->work) != 0 ||
	    deadline_cond_init(&writer->ended) != 0)
		return -1;
	return 0;
}

struct writer *
writer_new(size_t size, const struct writer_sink *sink)
{
	const size_t longest = size / 4 + HEAD_SIZE;
	struct writer *writer = calloc(1, sizeof(*writer));

	assert(size >= RING_MIN);
	if (writer == NULL)
		return NULL;
	writer->sink = *sink;
	writer->size = size;
	writer->wake_at = NOT_TO_BE_WOKEN;
	writer->ring = malloc(size);
	writer->batch = malloc(longest > BATCH_SIZE ? longest : BATCH_SIZE);
	if (writer->ring == NULL || writer->batch == NULL ||
	    init_locks(writer) != 0) {
		free(writer->batch);
		free(writer->ring);
		free(writer);
		return NULL;
	}
	return writer;
}

void
writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	assert(writer->phase == PHASE_DIRECT);
	pthread_cond_destroy(&writer->ended);
	pthread_cond_destroy(&writer->work);
	pthread_mutex_destroy(&writer->lock);
	pthread_mutex_destroy(&writer->sink_lock);
	free(writer->batch);
	free(writer->ring);
	free(writer);
}

/* Copies len bytes from the start of what is in use. */
static void
peek(const struct writer *writer, char *to, size_t len)
{
	const size_t before_end = writer->size - writer->start;
	const size_t first = len < before_end ? len : before_end;

	memcpy(to, writer->ring + writer->start, first);
	memcpy(to + first, writer->ring, len - first);
}

/* Copies len bytes behind what is in use. */
static void
append(struct writer *writer, const char *from, size_t len)
{
	const size_t end = (writer->start + writer->used) % writer->size;
	const size_t before_end = writer->size - end;
	const size_t first = len < before_end ? len : before_end;

	memcpy(writer->ring + end, from, first);
	memcpy(writer->ring, from + first, len - first);
	writer->used += len;
}

/* The bytes that the oldest record takes, with its head. */
static size_t
oldest_size(const struct writer *writer)
{
	size_t len;

	peek(writer, (char *)&len, sizeof(len));
	return HEAD_SIZE + len;
}

static void
remove_oldest(struct writer *writer, size_t size)
{
	writer->start = (writer->start + size) % writer->size;
	writer->used -= size;
	writer->count--;
}

static void
ring_put(struct writer *writer, const char *record, size_t len)
{
	while (writer->size - writer->used < HEAD_SIZE + len) {
		remove_oldest(writer, oldest_size(writer));
		atomic_fetch_add(&writer->dropped, 1);
	}
	append(writer, (const char *)&len, sizeof(len));
	append(writer, record, len);
	writer->count++;
}

/* Moves the oldest records to the batch; returns its length. */
static size_t
take(struct writer *writer)
{
	size_t len = 0, taken = 0;

	while (writer->count > 0) {
		const size_t size = oldest_size(writer);

		if (taken > 0 && len + size > BATCH_SIZE)
			break;
		peek(writer, writer->batch + len, size);
		remove_oldest(writer, size);
		len += size;
		taken++;
	}
	atomic_store(&writer->in_hand, taken);
	return len;
}

static void
write_record(struct writer *writer, const char *record, size_t len)
{
	if (!writer->sink.write(writer->sink.arg, record, len))
		atomic_fetch_add(&writer->dropped, 1);
}

/*
 * Writes one batch, which may be empty. The lock is held before and after, but
 * not meanwhile. Returns whether there was more than a batch.
 */
static bool
write_batch(struct writer *writer)
{
	const size_t len = take(writer);
	const bool more = writer->count > 0;
	size_t record_len;

	pthread_mutex_unlock(&writer->lock);
	pthread_mutex_lock(&writer->sink_lock);
	for (size_t at = 0; at < len; at += record_len) {
		memcpy(&record_len, writer->batch + at, sizeof(record_len));
		at += HEAD_SIZE;
		write_record(writer, writer->batch + at, record_len);
		atomic_fetch_sub(&writer->in_hand, 1);
	}
	writer->sink.flush(writer->sink.arg);
	pthread_mutex_unlock(&writer->sink_lock);
	pthread_mutex_lock(&writer->lock);
	return more;
}

/* Until so many bytes are in use, the time is over, or the end. */
static void
wait_for(struct writer *writer, size_t bytes, long long milliseconds)
{
	const struct timespec until = deadline_in(milliseconds);

	writer->wake_at = bytes;
	while (writer->phase == PHASE_RUNNING && writer->used < bytes &&
	    deadline_wait(&writer->work, &writer->lock, &until) == 0)
		continue;
	writer->wake_at = NOT_TO_BE_WOKEN;
}

static void *
run(void *arg)
{
	struct writer *writer = arg;
	bool last = false;

	pthread_mutex_lock(&writer->lock);
	while (!last || writer->count > 0) {
		/* A last batch, which may be no more than a flush. */
		last = writer->phase != PHASE_RUNNING;
		if (write_batch(writer))
			continue;
		wait_for(writer, writer->size / 2, NAP_MS);
		wait_for(writer, 1, SLEEP_MS);
	}
	if (writer->phase == PHASE_ENDING)
		writer->phase = PHASE_DIRECT;
	pthread_cond_signal(&writer->ended);
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* A fault is the thread's own, and ends it unheard where it is blocked. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

int
writer_start(struct writer *writer, const char *name)
{
	sigset_t most, old;
	int error;

	sigfillset(&most);
	for (size_t i = 0; i < nitems(faults); i++)
		sigdelset(&most, faults[i]);
	pthread_mutex_lock(&writer->lock);
	assert(writer->phase == PHASE_DIRECT);
	pthread_sigmask(SIG_SETMASK, &most, &old);
	error = pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0) {
		writer->phase = PHASE_RUNNING;
		(void)pthread_setname_np(writer->thread, name);
	}
	pthread_mutex_unlock(&writer->lock);
	return error == 0 ? 0 : -1;
}

static void
write_now(struct writer *writer, const char *record, size_t len)
{
	pthread_mutex_lock(&writer->sink_lock);
	write_record(writer, record, len);
	writer->sink.flush(writer->sink.arg);
	pthread_mutex_unlock(&writer->sink_lock);
}

void
writer_put(struct writer *writer, const char *record, size_t len)
{
	bool direct = false, wake = false;

	pthread_mutex_lock(&writer->lock);
	if (len > writer->size / 4 || writer->phase == PHASE_LEFT) {
		atomic_fetch_add(&writer->dropped, 1);
	} else if (writer->phase == PHASE_DIRECT) {
		direct = true;
	} else {
		ring_put(writer, record, len);
		wake = writer->used >= writer->wake_at;
	}
	if (wake)
		writer->wake_at = NOT_TO_BE_WOKEN;
	pthread_mutex_unlock(&writer->lock);
	if (wake)
		pthread_cond_signal(&writer->work);
	if (direct)
		write_now(writer, record, len);
}

/* What the thread has not written will not be. */
static void
leave_behind(struct writer *writer)
{
	writer->phase = PHASE_LEFT;
	atomic_fetch_add(
	    &writer->dropped, writer->count + atomic_load(&writer->in_hand));
	writer->count = 0;
	writer->used = 0;
	pthread_detach(writer->thread);
}

bool
writer_stop(struct writer *writer, long long milliseconds)
{
	const struct timespec until = deadline_in(milliseconds);
	bool running, ended;

	pthread_mutex_lock(&writer->lock);
	running = writer->phase == PHASE_RUNNING;
	if (running)
		writer->phase = PHASE_ENDING;
	pthread_cond_signal(&writer->work);
	while (writer->phase == PHASE_ENDING &&
	    deadline_wait(&writer->ended, &writer->lock, &until) == 0)
		continue;
	if (writer->phase == PHASE_ENDING)
		leave_behind(writer);
	ended = writer->phase == PHASE_DIRECT;
	pthread_mutex_unlock(&writer->lock);
	if (running && ended)
		pthread_join(writer->thread, NULL);
	return ended;
}

unsigned long
writer_dropped(struct writer *writer)
{
	return atomic_load(&writer->dropped);
}

bool
writer_is_behind(struct writer *writer)
{
	bool behind;

	pthread_mutex_lock(&writer->lock);
	behind = writer->used > writer->size / 2;
	pthread_mutex_unlock(&writer->lock);
	return behind;
}
