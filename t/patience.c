/*
 * patience.c - how long a thread waits for one peer in all, however the peer
 * divides it.
 */
/* As where it is included. */
#undef _FORTIFY_SOURCE

#include <unistd.h>

#include "tap.h"

/* Its stand-in for poll is what waits. */
#include "../milter/milter_poll.c"

static enum milter_thread kind = MILTER_THREAD_LIBMILTER;

enum milter_thread
milter_thread_kind(void)
{
	return kind;
}

/* Nobody says anything at the one, and at the other somebody has. */
static struct pollfd quiet = { .events = POLLIN };
static struct pollfd busy = { .events = POLLIN };

static bool
open_both(void)
{
	int ends[2];

	if (pipe(ends) != 0)
		return false;
	quiet.fd = ends[0];
	if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1)
		return false;
	busy.fd = ends[0];
	return true;
}

/* Looks whether a command comes, as libmilter does. */
static void
glance(void)
{
	(void)poll(&quiet, 1, GLANCE_MS);
}

/* How long a wait for nobody takes, in ms. */
static long long
wait_for_nobody(int milliseconds)
{
	const long long begun = live_clock();

	if (poll(&quiet, 1, milliseconds) != 0)
		return -1;
	return (live_clock() - begun) / MILLISECOND_NS;
}

/* As many bytes, each as soon as it is wanted; were all heard? */
static bool
hear(int bytes)
{
	bool heard = true;

	for (int i = 0; i < bytes; i++)
		heard = poll(&busy, 1, -1) == 1 && heard;
	return heard;
}

static void
test_many_bytes(void)
{
	glance();
	ok(hear(100), "a hundred parts of a command");
	ok(wait_for_nobody(30) >= 30, "and there is patience for more");
	glance();
	ok(hear(70000), "70,000 parts, each at once, are heard");
	ok(wait_for_nobody(60000) < 50000, "but none is waited for any more");
	ok(hear(1), "who has spoken is heard all the same");
	glance();
	ok(wait_for_nobody(30) >= 30, "the next command has all the time");
}

static void
test_waits(void)
{
	int waits = 0;

	patience = 50;
	ok(wait_for_nobody(-1) >= 49, "no end of its own: until it is over");
	is_int(patience, 0, "and it is");
	patience = 100;
	while (patience > 0 && waits < 20 && wait_for_nobody(20) >= 0)
		waits++;
	ok(waits <= 5, "many waits cost their sum: %d of 20 ms", waits);
	is_int(wait_for_nobody(0), 0, "no time to wait");
	patience = 100;
	(void)wait_for_nobody(0);
	is_int(patience, 100, "... costs nothing");
}

static void
test_others(void)
{
	struct pollfd both[] = { quiet, quiet };

	patience = 5;
	ok(poll(both, nitems(both), 20) == 0 && patience == 5,
	    "who waits for many waits for no peer");
	kind = MILTER_THREAD_RESERVE;
	/* The machine may stand still meanwhile, once or twice. */
	patience = 0;
	for (unsigned i = 0; i < 5 && patience <= 9000; i++)
		glance();
	ok(patience > 9000 && patience < 10000, "a thread of the reserve");
	kind = MILTER_THREAD_OURS;
	glance();
	ok(hear(100) && patience == -1, "our own threads know no end");
}

int
main(void)
{
	if (!ok(open_both(), "somebody to wait for"))
		return done();
	test_many_bytes();
	test_waits();
	test_others();
	return done();
}
