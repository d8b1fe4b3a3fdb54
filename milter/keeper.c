/*
 * keeper.c - the one thread that takes signals and tidies up.
 */
#include "keeper.h"

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

static void
log_problems(const struct diags *diags)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	char *rest = NULL;

	if (out == NULL)
		return;
	diags_print(diags, out);
	/* Without memory there is no text. */
	if (fclose(out) == 0 && text != NULL)
		for (char *line = strtok_r(text, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			log_line(LOG_ERR, "%s", line);
	free(text);
}

static void
use(struct snapshots *snapshots, struct config *config, const char *why)
{
	char hash[16];

	snprintf(hash, sizeof(hash), "%.12s", config_hash(config));
	if (snapshots_replace(snapshots, config) != 0) {
		config_free(config);
		log_line(
		    LOG_ERR, "%s: no memory; the old configuration stays", why);
		return;
	}
	log_line(LOG_NOTICE, "%s: configuration %s is in use", why, hash);
}

static void
reload(const struct keeper *keeper)
{
	struct diags *diags = diags_new();
	struct config *config;

	notify("RELOADING=1");
	config = diags != NULL
	    ? config_load(keeper->config_path, today(), diags)
	    : NULL;
	if (diags != NULL)
		log_problems(diags);
	if (config != NULL)
		use(keeper->server->snapshots, config, "reload");
	else
		log_line(LOG_ERR,
		    "reload failed; the old configuration stays in use");
	diags_free(diags);
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
		use(snapshots, next, "a new day");
}

static void
stop(const struct keeper *keeper)
{
	log_line(LOG_NOTICE, "stopping");
	notify("STOPPING=1");
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
