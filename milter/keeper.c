/*
 * keeper.c - the one thread that takes signals and tidies up.
 */
#include "keeper_parts.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "milter.h"
#include "notify.h"
#include "process.h"
#include "today.h"

/* How often the date and unused snapshots are looked at. */
static const struct timespec pause_time = { .tv_sec = 1 };

/* How long refusals that were held back have to go out at a stop. */
static const struct timespec last_time = { .tv_nsec = 250000000 };

/* How often, and how long, a stopping listener is woken up. */
static const struct timespec knock_time = { .tv_nsec = 50000000 };
#define KNOCKS_MAX 200

static void
signals_of(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void
keeper_block(void)
{
	sigset_t set;

	signals_of(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The lines of diags_print, or NULL without memory. */
static char *
text_of(const struct diags *diags)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	diags_print(diags, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void
log_problems(const char *problems)
{
	while (*problems != '\0') {
		const size_t len = strcspn(problems, "\n");

		log_line(LOG_ERR, "%.*s", (int)len, problems);
		problems += len;
		problems += strspn(problems, "\n");
	}
}

/* False without memory; config is freed then. */
static bool
use(struct snapshots *snapshots, struct config *config, const char *why)
{
	char hash[16];

	snprintf(hash, sizeof(hash), "%.12s", config_hash(config));
	if (snapshots_replace(snapshots, config) != 0) {
		config_free(config);
		log_line(
		    LOG_ERR, "%s: no memory; the old configuration stays", why);
		return false;
	}
	log_line(LOG_NOTICE, "%s: configuration %s is in use", why, hash);
	return true;
}

/* After a reload: whoever has settings of its own gets the new ones. */
static void
apply(const struct server *server)
{
	struct snapshot *snapshot = snapshots_pin(server->snapshots);

	protolog_configure(server->live->protolog,
	    config_protocol_log(snapshot_config(snapshot)));
	snapshots_unpin(server->snapshots, snapshot);
}

/* What is due is read; what cannot be is logged there, and is unknown. */
static void
read_gauges(const struct server *server)
{
	struct snapshot *snapshot = snapshots_pin(server->snapshots);
	struct live *live = server->live;

	(void)gauge_poll(live->gauge,
	    config_pressure(snapshot_config(snapshot)), live->now());
	snapshots_unpin(server->snapshots, snapshot);
}

/* Reads the files; every problem is logged, and written to *problems. */
static struct config *
read_files(const char *path, char **problems)
{
	struct diags *diags = diags_new();
	struct config *config;

	if (diags == NULL)
		return NULL;
	config = config_load(path, today(), diags);
	*problems = text_of(diags);
	diags_free(diags);
	if (*problems != NULL)
		log_problems(*problems);
	return config;
}

static void
reload(const struct keeper *keeper)
{
	struct config *config;
	char *problems = NULL;
	bool live;

	notify("RELOADING=1");
	reload_begin(keeper->reload);
	config = read_files(keeper->config_path, &problems);
	live =
	    config != NULL && use(keeper->server->snapshots, config, "reload");
	if (config == NULL)
		log_line(LOG_ERR,
		    "reload failed; the old configuration stays in use");
	if (live)
		apply(keeper->server);
	reload_end(keeper->reload, live, problems);
	notify("READY=1");
}

/* At midnight connectors may have seen their last day. */
static void
turn_the_day(struct snapshots *snapshots)
{
	struct snapshot *snapshot = snapshots_pin(snapshots);
	const struct config *config = snapshot_config(snapshot);
	const int date = today();
	struct config *next = NULL;

	if (config_expires(config) && config_today(config) != date)
		next = config_on_day(config, date);
	snapshots_unpin(snapshots, snapshot);
	if (next != NULL)
		(void)use(snapshots, next, "a new day");
}

static bool
are_held(struct tarpit *tarpit)
{
	struct tarpit_usage usage;

	tarpit_usage(tarpit, &usage);
	return usage.held > 0;
}

/* Held back, not forgotten: once libmilter stops it writes no more. */
static void
let_refusals_out(struct tarpit *tarpit)
{
	const bool held = are_held(tarpit);

	tarpit_stop(tarpit);
	if (held)
		nanosleep(&last_time, NULL);
}

static void
stop(const struct keeper *keeper)
{
	log_line(LOG_NOTICE, "stopping");
	notify("STOPPING=1");
	let_refusals_out(keeper->server->live->tarpit);
	milter_stop();
	/* The first knock may come before libmilter knows that it stops. */
	for (unsigned i = 0; i < KNOCKS_MAX; i++) {
		process_knock(keeper->socket);
		nanosleep(&knock_time, NULL);
	}
}

/* False when the daemon stops. */
static bool
handle(const struct keeper *keeper, int signal)
{
	switch (signal) {
	case SIGHUP:
	case SIGUSR1:
		reload(keeper);
		return true;
	case SIGUSR2:
		log_reopen();
		protolog_reopen(keeper->server->live->protolog);
		return true;
	case SIGTERM:
	case SIGINT:
		stop(keeper);
		return false;
	default:
		return true;
	}
}

static void *
keep(void *arg)
{
	const struct keeper *keeper = arg;
	struct snapshots *snapshots = keeper->server->snapshots;
	bool serving = true;
	sigset_t set;

	signals_of(&set);
	while (serving) {
		const int signal = sigtimedwait(&set, NULL, &pause_time);

		if (signal > 0)
			serving = handle(keeper, signal);
		read_gauges(keeper->server);
		turn_the_day(snapshots);
		snapshots_collect(snapshots);
	}
	return NULL;
}

int
keeper_start(const struct keeper *keeper)
{
	pthread_t thread;

	/* pthread_create wants a plain pointer; keep() only reads. */
	if (pthread_create(&thread, NULL, keep, (void *)(uintptr_t)keeper) != 0)
		return -1;
	return pthread_detach(thread);
}
