/*
 * writer.h - a thread that writes what others only hand over.
 *
 * Callbacks must not wait for disks, pipes or a system log that hangs. They put
 * records into a ring of fixed size, which takes as long as copying them; the
 * writer's own thread hands each to the sink, in order. When the ring is full
 * the oldest records go, and are counted. A writer that was not started yet, or
 * was stopped, hands records to the sink at once.
 *
 * writer_put from any thread; the sink runs on one thread at a time.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"

struct writer_sink {
	/* Writes one record; a record that it cannot write is lost: false. */
	bool (*write)(void *arg, const char *record, size_t len);
	/* After each batch, also the last, and each second without one. */
	void (*flush)(void *arg);
	void *arg;
};

struct writer;

/*
 * A ring of size bytes, 64 at least. NULL without memory. Freed by writer_free.
 */
struct writer *writer_new(
    size_t size, const struct writer_sink *sink) NODISCARD;

/* Stopped before. */
void writer_free(struct writer *writer);

/*
 * Starts the thread, with name for ps(1) and all signals blocked but those of
 * faults. 0, or -1. One that was stopped may be started again.
 */
int writer_start(struct writer *writer, const char *name) NODISCARD;

/*
 * Hands over a record of at most a quarter of the ring; longer ones are
 * dropped. Copies; never waits for the sink, once started.
 */
void writer_put(struct writer *writer, const char *record, size_t len);

/*
 * Lets the thread write what is left and ends it, but waits no longer than
 * milliseconds: a sink that hangs is left behind, with its thread, and writer
 * must not be freed then; what waits or comes is dropped. True when the sink
 * was given everything.
 */
bool writer_stop(struct writer *writer, long long milliseconds);

/* Records lost so far, in the ring or by the sink. */
unsigned long writer_dropped(struct writer *writer);

/* Is more than half of the ring in use? */
bool writer_is_behind(struct writer *writer);

#endif
