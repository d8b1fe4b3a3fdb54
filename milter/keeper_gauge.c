/*
 * keeper_gauge.c - the thread that reads how low the machine is.
 *
 * It has nothing else to do: a queue folder on a network volume that is gone
 * holds it for as long as it likes, and neither a reload nor a stop with it.
 */
#include "keeper_parts.h"

#include <pthread.h>
#include <sysexits.h>
#include <syslog.h>

#include "deadline.h"
#include "log.h"

/* How long the first reading may take. */
#define LOOK_SECONDS 5

/* How often it is looked at what is due. */
#define PAUSE_MS 1000

/* The daemon has one. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t due;
	bool asked;
} turn = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
wait_for_turn(void)
{
	const struct timespec until = deadline_in(PAUSE_MS);
	int error = 0;

	pthread_mutex_lock(&turn.lock);
	while (!turn.asked && error == 0)
		error = deadline_wait(&turn.due, &turn.lock, &until);
	turn.asked = false;
	pthread_mutex_unlock(&turn.lock);
}

/* The first reading, before anybody is served. */
static struct {
	const struct pressure_settings *settings;
	struct live *live;
	pthread_mutex_t lock;
	pthread_cond_t over; /* see deadline.h */
	bool done;
	bool read;
} look = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *
look_once(void *arg UNUSED)
{
	const bool read =
	    gauge_poll(look.live->gauge, look.settings, look.live->now());

	pthread_mutex_lock(&look.lock);
	look.read = read;
	look.done = true;
	pthread_cond_signal(&look.over);
	pthread_mutex_unlock(&look.lock);
	return NULL;
}

/* False when it takes too long. */
static bool
wait_for_look(void)
{
	const struct timespec until = deadline_in(LOOK_SECONDS * 1000LL);
	int error = 0;
	bool done;

	pthread_mutex_lock(&look.lock);
	while (!look.done && error == 0)
		error = deadline_wait(&look.over, &look.lock, &until);
	done = look.done;
	pthread_mutex_unlock(&look.lock);
	return done;
}

int
keeper_gauge_look(struct live *live, const struct pressure_settings *settings)
{
	const char *why = "cannot be";
	pthread_t thread;

	look.live = live;
	look.settings = settings;
	if (deadline_cond_init(&look.over) != 0 ||
	    pthread_create(&thread, NULL, look_once, NULL) != 0) {
		log_line(LOG_ERR, "cannot start a thread");
		return EX_OSERR;
	}
	if (wait_for_look()) {
		(void)pthread_join(thread, NULL);
		if (look.read)
			return 0;
	} else {
		why = "does not answer";
	}
	log_line(LOG_ERR,
	    "back pressure has to be measured and %s: not started", why);
	return EX_NOPERM;
}

/* What is due is read; what cannot be is logged there, and is unknown. */
static void *
read_gauges(void *arg)
{
	const struct server *server = arg;
	struct live *live = server->live;

	for (;;) {
		struct snapshot *snapshot = snapshots_pin(server->snapshots);

		(void)gauge_poll(live->gauge,
		    config_pressure(snapshot_config(snapshot)), live->now());
		snapshots_unpin(server->snapshots, snapshot);
		wait_for_turn();
	}
	return NULL;
}

int
keeper_gauge_start(struct server *server)
{
	pthread_t thread;

	if (deadline_cond_init(&turn.due) != 0 ||
	    pthread_create(&thread, NULL, read_gauges, server) != 0)
		return -1;
	pthread_setname_np(thread, "gauge");
	return pthread_detach(thread) == 0 ? 0 : -1;
}

void
keeper_gauge_now(void)
{
	pthread_mutex_lock(&turn.lock);
	turn.asked = true;
	pthread_cond_signal(&turn.due);
	pthread_mutex_unlock(&turn.lock);
}

void
keeper_gauge_watch(const struct server *server)
{
	struct snapshot *snapshot = snapshots_pin(server->snapshots);
	struct live *live = server->live;

	gauge_watch(live->gauge, config_pressure(snapshot_config(snapshot)),
	    live->now());
	snapshots_unpin(server->snapshots, snapshot);
}
