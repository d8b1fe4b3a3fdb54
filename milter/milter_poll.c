/*
 * milter_poll.c - waits for more than the system allows to wait for at once.
 */
/* With it the header has a definition of poll of its own. */
#undef _FORTIFY_SOURCE

#include "milter_parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#define MILLISECOND_NS 1000000LL

typedef int (*poller)(struct pollfd *, nfds_t, int);

/* How long those are not looked at that cannot be waited for. */
#define ROUND_MS 50

/*
 * How long a thread waits in all until a peer has said what it began to say, or
 * heard the answer; and one of the reserve, for others need that.
 */
static const int patience_ms[] = {
	[MILTER_THREAD_OURS] = -1,
	[MILTER_THREAD_LIBMILTER] = 60000,
	[MILTER_THREAD_RESERVE] = 10000,
};

/* So long libmilter's pool looks whether a command comes at all. */
#define GLANCE_MS 1

/* The C library's; looked for once or twice, and always found. */
static int
wait_for(struct pollfd *fds, nfds_t count, int milliseconds)
{
	static _Atomic(poller) found;
	poller next = atomic_load(&found);

	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "poll");
		atomic_store(&found, next);
	}
	return next(fds, count, milliseconds);
}

static nfds_t
part_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == 0)
		return 1;
	return limit.rlim_cur;
}

/* Who is ready right now. */
static int
look_at_all(struct pollfd *fds, nfds_t count, nfds_t most)
{
	int ready = 0;

	for (nfds_t done = 0; done < count; done += most) {
		const nfds_t left = count - done;
		const int result =
		    wait_for(fds + done, left < most ? left : most, 0);

		if (result < 0)
			return -1;
		ready += result;
	}
	return ready;
}

/* In front stands what wakes libmilter up: that is waited for. */
static int
wait_in_parts(struct pollfd *fds, nfds_t count, int milliseconds)
{
	const long long end = live_clock() + milliseconds * MILLISECOND_NS;

	for (;;) {
		const nfds_t most = part_max();
		const int ready = look_at_all(fds, count, most);

		if (ready != 0)
			return ready;
		if (milliseconds >= 0 && live_clock() >= end)
			return 0;
		if (wait_for(fds, count < most ? count : most, ROUND_MS) < 0)
			return -1;
	}
}

/* What is left of this thread's patience, in ms; -1: it has no end. */
static _Thread_local int patience = -1;

void
milter_poll_begin(void)
{
	patience = patience_ms[milter_thread_kind()];
}

/* A negative time has no end. */
static int
at_most(int milliseconds, int most)
{
	return milliseconds >= 0 && milliseconds < most ? milliseconds : most;
}

static int
wait_by_clock(struct pollfd *fd, int milliseconds)
{
	const long long begun = live_clock();
	const int result = wait_for(fd, 1, at_most(milliseconds, patience));
	const long long took = live_clock() - begun + MILLISECOND_NS - 1;

	patience -= at_most((int)(took / MILLISECOND_NS), patience);
	return result;
}

/*
 * Who says a byte a second keeps a thread. Most have said all by now: a look
 * that needs no clock costs its whole time, however short it was.
 */
static int
wait_patiently(struct pollfd *fd, int milliseconds)
{
	const int look = at_most(milliseconds, at_most(GLANCE_MS, patience));
	const int result = wait_for(fd, 1, look);

	patience -= look;
	if (result != 0 || patience == 0 || milliseconds == look)
		return result;
	return wait_by_clock(
	    fd, milliseconds < 0 ? milliseconds : milliseconds - look);
}

static int
wait_plainly(struct pollfd *fds, nfds_t count, int milliseconds)
{
	const int result = wait_for(fds, count, milliseconds);

	return result < 0 && errno == EINVAL && count > 1
	    ? wait_in_parts(fds, count, milliseconds)
	    : result;
}

/* After ten failures libmilter would hear of nobody any more, for good. */
static int
try_again(int error)
{
	static const struct timespec rest = { .tv_nsec = 50000000 };

	/* EINVAL: the limit is 0, and no call waits for anything. */
	if (error == ENOMEM || error == EINVAL) {
		nanosleep(&rest, NULL);
		error = EINTR;
	}
	errno = error;
	return -1;
}

/*
 * Stands in for the C library's. The limit on descriptors may sink below what
 * is open, and no call waits for more than that; libmilter would take no
 * command any more, for good.
 */
int
poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
	int result;

	if (count == 1 && milliseconds == GLANCE_MS)
		milter_poll_begin();
	result = count == 1 && patience != -1
	    ? wait_patiently(fds, milliseconds)
	    : wait_plainly(fds, count, milliseconds);
	return result < 0 ? try_again(errno) : result;
}
