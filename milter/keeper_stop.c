/*
 * keeper_stop.c - lets transactions end before the milter stops.
 */
#include "keeper_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "milter.h"
#include "notify.h"
#include "process.h"

/* How long transactions have; the service manager waits for 30 s. */
#define DRAIN_SECONDS 20

/* How long answers have that were decided and not yet written. */
#define ANSWER_SECONDS 2

#define SECOND_NS 1000000000LL

/* How often it is looked whether all is over. */
static const struct timespec pause_time = { .tv_nsec = 10000000 };

/* How long refusals that were held back have to go out at a stop. */
static const struct timespec last_time = { .tv_nsec = 250000000 };

/* How often, and how long, a stopping listener is woken up. */
static const struct timespec knock_time = { .tv_nsec = 50000000 };
#define KNOCKS_MAX 200

/* And one that may be busy elsewhere before. */
#define FIRST_KNOCKS_MAX 200

static bool
are_held(struct tarpit *tarpit)
{
	struct tarpit_usage usage;

	tarpit_usage(tarpit, &usage);
	return usage.held > 0;
}

/* Whoever waits for its end shall not wait in vain. */
static void
refuse_reload(const struct keeper *keeper)
{
	static const char problem[] = "error: the milter is stopping\n";

	log_line(LOG_ERR, "no reload: stopping");
	reload_begin(keeper->reload);
	reload_end(keeper->reload, false, strdup(problem));
}

/* A pause. False when whoever stops us does not want to wait any longer. */
static bool
wait_on(const struct keeper *keeper, const sigset_t *signals)
{
	switch (sigtimedwait(signals, NULL, &pause_time)) {
	case SIGHUP:
	case SIGUSR1:
		refuse_reload(keeper);
		return true;
	case SIGUSR2:
		keeper_reopen(keeper);
		return true;
	case SIGTERM:
	case SIGINT:
		return false;
	default:
		return true;
	}
}

/* From here on nothing begins; what is held back goes out. */
static void
begin(struct live *live)
{
	atomic_store(&live->draining, true);
	atomic_store(&live->stopping, true);
	log_line(LOG_NOTICE, "stopping: transactions open: %ld, sessions: %ld",
	    atomic_load(&live->transactions), atomic_load(&live->sessions));
	notify("STOPPING=1");
}

/* Waits for the transactions, and says how many there are left. */
static void
drain(const struct keeper *keeper, const sigset_t *signals)
{
	struct live *live = keeper->server->live;
	const long long end = live->now() + DRAIN_SECONDS * SECOND_NS;
	const bool any = atomic_load(&live->transactions) > 0;
	bool patient = true;
	long left;

	while ((left = atomic_load(&live->transactions)) > 0 && patient &&
	    live->now() < end)
		patient = wait_on(keeper, signals);
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
	const long long end = live->now() + ANSWER_SECONDS * SECOND_NS;

	milter_decide_no_more();
	while (milter_is_answering() && live->now() < end)
		nanosleep(&pause_time, NULL);
}

void
keeper_stop(const struct keeper *keeper, const sigset_t *signals)
{
	struct live *live = keeper->server->live;
	const bool held = are_held(live->tarpit);

	begin(live);
	tarpit_stop(live->tarpit);
	drain(keeper, signals);
	let_answers_out(live);
	/* Once libmilter stops it writes no more. */
	if (held)
		nanosleep(&last_time, NULL);
	milter_close();
	for (unsigned i = 0; i < FIRST_KNOCKS_MAX && !milter_is_shut(); i++) {
		process_knock(keeper->socket);
		nanosleep(&pause_time, NULL);
	}
	milter_stop();
	/* The first knock may come before libmilter knows that it stops. */
	for (unsigned i = 0; i < KNOCKS_MAX; i++) {
		process_knock(keeper->socket);
		nanosleep(&knock_time, NULL);
	}
}
