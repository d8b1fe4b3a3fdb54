/*
 * milter_accept.c - turns away what there is no room for.
 */
#include "milter_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "process.h"

/* Beyond what was open at the start: for reloads, logs, the control socket. */
#define OURS 32

/* What a session needs at the least must be there. */
#define PROBE 65536

/* How long the listener rests when it can do nothing else. */
static const struct timespec rest = { .tv_nsec = 50000000 };

static struct {
	struct live *live; /* NULL: not started */
	atomic_llong max_sessions;
	atomic_int spare; /* a descriptor in reserve, or -1 */
	long long base;   /* open at the start */
	atomic_bool closed;
	atomic_bool shut; /* and it was noticed */
	struct log_seldom seldom;
} door = { .spare = -1 };

static int
take_spare(void)
{
	if (door.spare == -1)
		door.spare = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return door.spare;
}

/* Counts it, and says so now and then; for libmilter it came to nothing. */
static int
turn_away(int fd, const char *why)
{
	unsigned long count;

	if (fd >= 0) {
		/* First: who asks itself whether it answers looks for it. */
		atomic_fetch_add(&door.live->turned_away, 1);
		close(fd);
	}
	count = log_seldom_count(&door.seldom);
	if (count > 0)
		log_line(LOG_ERR,
		    "no room for a connection of the MTA (%s): %lu turned away",
		    why, count);
	errno = ECONNABORTED;
	return -1;
}

/* The system gives none; the one in reserve is enough to hang up. */
static int
turn_away_by_spare(int listener, int error)
{
	int fd = -1;

	live_set_scarce(door.live);
	if (take_spare() != -1) {
		close(atomic_exchange(&door.spare, -1));
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	}
	(void)turn_away(fd, strerror(error));
	if (take_spare() == -1 || fd < 0)
		nanosleep(&rest, NULL);
	errno = ECONNABORTED;
	return -1;
}

/* prlimit(1) may change it while we run. */
static bool
is_within_limit(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    (rlim_t)fd + OURS < limit.rlim_cur;
}

/* libmilter stops for good when it finds none a few times in a row. */
static bool
has_memory(void)
{
	/* Else the compiler sees that nobody needs it. */
	void *volatile probe = malloc(PROBE);
	const bool has = probe != NULL;

	free(probe);
	if (!has)
		live_set_scarce(door.live);
	return has;
}

/* Why not to take the connection, or NULL. */
static const char *
objection(int fd)
{
	if (fd >= door.base + door.max_sessions + PROCESS_SPARE)
		return "max_sessions";
	if (!is_within_limit(fd))
		return "limit on descriptors";
	if (milter_thread_is_late())
		return "no threads";
	return has_memory() ? NULL : "no memory";
}

/* libmilter begins no session any more. */
static int
hang_up(int fd)
{
	close(fd);
	atomic_store(&door.shut, true);
	errno = ECONNABORTED;
	return -1;
}

/* Stands in for the C library's; see milter_parts.h. */
int
accept(int listener, __SOCKADDR_ARG peer, socklen_t *restrict len)
{
	const int fd = accept4(listener, peer, len, SOCK_CLOEXEC);
	const char *why;

	if (door.live == NULL || (fd < 0 && !process_is_want(errno)))
		return fd;
	if (fd < 0)
		return turn_away_by_spare(listener, errno);
	if (atomic_load(&door.closed))
		return hang_up(fd);
	why = objection(fd);
	return why == NULL ? fd : turn_away(fd, why);
}

void
milter_close(void)
{
	atomic_store(&door.closed, true);
}

bool
milter_is_shut(void)
{
	return atomic_load(&door.shut);
}

void
milter_note_no_memory(void)
{
	static struct log_seldom seldom;
	unsigned long count;

	live_set_scarce(door.live);
	count = log_seldom_count(&seldom);
	if (count > 0)
		log_line(
		    LOG_ERR, "no memory for a session: %lu deferred", count);
}

void
milter_set_max_sessions(long long max_sessions)
{
	atomic_store(&door.max_sessions, max_sessions);
}

int
milter_prepare(struct live *live, long long max_sessions)
{
	milter_set_max_sessions(max_sessions);
	door.base = take_spare();
	door.live = live;
	return door.base != -1 ? milter_thread_init(live, process_descriptors())
			       : -1;
}
