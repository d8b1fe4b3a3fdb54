/*
 * milter_answer.c - knows which messages were decided and not yet answered.
 */
#include "milter_parts.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long open_answers;
static atomic_bool no_more;

/* This thread has decided, and the next that it writes is the answer. */
static _Thread_local bool decided;

/* Written or lost, there is nothing left to wait for. */
void
milter_answer_lost(void)
{
	if (!decided)
		return;
	decided = false;
	atomic_fetch_sub(&open_answers, 1);
}

/* Counted first and asked then: who stops looks the other way round. */
bool
milter_answer_begin(void)
{
	/* The last one, to a peer that did not listen. */
	milter_answer_lost();
	atomic_fetch_add(&open_answers, 1);
	return !atomic_load(&no_more);
}

void
milter_answer_end(void)
{
	decided = true;
}

/*
 * libmilter writes an answer when the callback has long returned. This
 * definition stands in for the C library's, and does the same.
 */
ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	const ssize_t written = syscall(SYS_writev, fd, parts, count);

	milter_answer_lost();
	return written;
}

void
milter_decide_no_more(void)
{
	atomic_store(&no_more, true);
}

bool
milter_is_answering(void)
{
	return atomic_load(&open_answers) > 0;
}
