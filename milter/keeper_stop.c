/*
 * keeper_stop.c - the thread that lets transactions end and stops the milter.
 */
#include "keeper_parts.h"

#include <pthread.h>
#include <signal.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "milter.h"
#include "notify.h"
#include "process.h"

/* How long transactions have; the service manager waits for 40 s. */
#define DRAIN_SECONDS 20

/* How long answers have that were decided and not yet written. */
#define ANSWER_SECONDS 2

#define SECOND_NS 1000000000LL

/* How often it is looked whether all is over. */
static const struct timespec pause_time = { .tv_nsec = 10000000 };

/* How long refusals that were held back have to go out at a stop. */
static const struct timespec last_time = { .tv_nsec = 250000000 };

/* How often a stopping listener is woken up; it looks up every 5 s itself. */
static const struct timespec knock_time = { .tv_nsec = 50000000 };
#define END_SECONDS 7

/* And one that may be busy elsewhere before. */
#define SHUT_SECONDS 2

static bool
are_held(struct tarpit *tarpit)
{
	struct tarpit_usage usage;

	tarpit_usage(tarpit, &usage);
	return usage.held > 0;
}

/* From here on nothing begins; what is held back goes out. */
static void
begin(const struct keeper *keeper)
{
	struct live *live = keeper->server->live;

	atomic_store(&live->draining, true);
	atomic_store(&live->stopping, true);
	log_line(LOG_NOTICE, "stopping: transactions open: %ld, sessions: %ld",
	    atomic_load(&live->transactions), atomic_load(&live->sessions));
	notify("STOPPING=1");
	reload_stop(keeper->reload);
	tarpit_stop(live->tarpit);
}

static long long
end_of(const struct live *live, long long seconds)
{
	return live->now() + seconds * SECOND_NS;
}

/* Waits for the transactions, and says how many there are left. */
static void
drain(const struct live *live, const sigset_t *signals)
{
	const long long end = end_of(live, DRAIN_SECONDS);
	const bool any = atomic_load(&live->transactions) > 0;
	bool patient = true;
	long left;

	while ((left = atomic_load(&live->transactions)) > 0 && patient &&
	    live->now() < end)
		patient = sigtimedwait(signals, NULL, &pause_time) < 0;
	if (left > 0)
		log_line(LOG_WARNING, "stopping: transactions cut off: %ld, %s",
		    left,
		    patient ? "they had 20 seconds" : "told to stop at once");
	else if (any)
		log_line(LOG_NOTICE, "stopping: all transactions have ended");
}

/* What the log calls accepted shall be so for the MTA, too. */
static void
let_answers_out(const struct live *live)
{
	const long long end = end_of(live, ANSWER_SECONDS);

	milter_decide_no_more();
	while (milter_is_answering() && live->now() < end)
		nanosleep(&pause_time, NULL);
}

/* The log speaks of them now and then only, and so not of the last. */
static void
count_turned_away(const struct live *live)
{
	const unsigned long count = atomic_load(&live->turned_away);

	if (count > 0)
		log_line(LOG_NOTICE,
		    "stopping: connections turned away since the start: %lu",
		    count);
}

/* Until the listener has seen that it is closed. */
static void
shut(const struct keeper *keeper)
{
	const struct live *live = keeper->server->live;
	const long long end = end_of(live, SHUT_SECONDS);

	milter_close();
	while (!milter_is_shut() && live->now() < end) {
		process_knock(keeper->socket);
		nanosleep(&pause_time, NULL);
	}
}

/* When libmilter ends, main ends the process, and this thread with it. */
static void
end_milter(const struct keeper *keeper)
{
	const struct live *live = keeper->server->live;
	const long long end = end_of(live, END_SECONDS);

	milter_stop();
	/* The first knock may come before libmilter knows that it stops. */
	while (live->now() < end) {
		process_knock(keeper->socket);
		nanosleep(&knock_time, NULL);
	}
	keeper->leave(EX_SOFTWARE, "libmilter does not end: left behind");
}

static void
stop(const struct keeper *keeper, const sigset_t *signals)
{
	struct live *live = keeper->server->live;
	const bool held = are_held(live->tarpit);

	begin(keeper);
	drain(live, signals);
	let_answers_out(live);
	/* Once libmilter stops it writes no more. */
	if (held)
		nanosleep(&last_time, NULL);
	shut(keeper);
	count_turned_away(live);
	end_milter(keeper);
}

static void *
wait_for_stop(void *arg)
{
	const struct keeper *keeper = arg;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	while (sigwaitinfo(&signals, NULL) < 0)
		continue;
	stop(keeper, &signals);
	return NULL;
}

int
keeper_stop_start(const struct keeper *keeper)
{
	pthread_t thread;

	/* pthread_create wants a plain pointer; wait_for_stop only reads. */
	if (pthread_create(
		&thread, NULL, wait_for_stop, (void *)(uintptr_t)keeper) != 0)
		return -1;
	pthread_setname_np(thread, "stop");
	return pthread_detach(thread) == 0 ? 0 : -1;
}
