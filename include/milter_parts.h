/*
 * milter_parts.h - what the files of the milter room share.
 *
 * milter.c speaks to libmilter. The others stand between libmilter and the
 * system, as definitions of functions of the C library that libmilter calls:
 * milter_signal.c (sigwait), milter_thread.c (pthread_create, pthread_detach),
 * milter_accept.c (accept), milter_poll.c (poll) and milter_read.c (read). No
 * other room includes this. Right for libmilter 8.17 with and without its pool
 * of workers.
 */
#ifndef MILTER_PARTS_H
#define MILTER_PARTS_H

#include "milter.h"

/* Before libmilter starts. 0, or -1. */
int milter_stop_init(void) NODISCARD;

/*
 * Threads for when the system gives none: libmilter's pool would lose the
 * session for ever. Then what the thread was to do waits, for one of a few
 * threads that were started here; a thread that begins a bit later is a thread
 * all the same, so libmilter hears of no failure. live_set_scarce says it to
 * the sessions, of which no new one is admitted then.
 *
 * A session waits for one thread at a time and has a descriptor: the queue has
 * room for as many as there are descriptors, and never fills. A worker of
 * libmilter goes home when two others have nothing to do, so two at most of
 * these threads stay with it as workers that wait for more; the rest comes
 * back. None of them ever holds a refusal back, or waits long for a peer.
 * Without the pool a session keeps its thread: what waits for a second says
 * that there are none left, and who connects then is turned away.
 *
 * Our own threads get none of these, and fail where there are none. 0, or -1
 * without the reserve. Before libmilter starts, after rights were given up, by
 * the thread that is libmilter's from then on.
 */
int milter_thread_init(struct live *live, size_t room) NODISCARD;

/* Has something waited for a thread for a second? Any thread. */
bool milter_thread_is_late(void);

/* Whose the calling thread is. */
enum milter_thread {
	MILTER_THREAD_OURS,
	MILTER_THREAD_LIBMILTER,
	MILTER_THREAD_RESERVE,
};
enum milter_thread milter_thread_kind(void);

/* What it began to hear or to say now has all the time there is for it. */
void milter_poll_begin(void);

/* A session found no memory and is deferred. Any thread. */
void milter_note_no_memory(void);

/*
 * The end of a message: a callback decides between these two, and libmilter
 * writes the answer after the second, by the next writev of the same thread,
 * which milter_answer.c stands in for. Until then milter_is_answering. False
 * when no message is to be decided any more. milter_answer_lost says that this
 * thread will not write what it decided.
 */
bool milter_answer_begin(void) NODISCARD;
void milter_answer_end(void);
void milter_answer_lost(void);

#endif
