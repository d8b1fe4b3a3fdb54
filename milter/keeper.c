/*
 * keeper.c - the one thread that reloads and tidies up.
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
#include "memo.h"
#include "milter.h"
#include "notify.h"
#include "process.h"
#include "today.h"

/* How often the date and unused snapshots are looked at. */
static const struct timespec pause_time = { .tv_sec = 1 };

/* Those of this thread; keeper_stop.c has the others. */
static void
signals_of(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
}

void
keeper_block(void)
{
	sigset_t set;

	signals_of(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The lines of diags_print, or NULL without memory. */
static char *
text_of(const struct diags *diags)
{
	struct memo memo;
	FILE *out = memo_open(&memo);

	if (out == NULL)
		return NULL;
	diags_print(diags, out);
	return memo_close(&memo, out);
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
	milter_set_max_sessions(
	    config_milter(snapshot_config(snapshot))->max_sessions);
	keeper_gauge_now();
	snapshots_unpin(server->snapshots, snapshot);
}

/* More sessions than the system lets us serve are a problem as well. */
static struct config *
check_limits(
    struct config *config, const struct keeper *keeper, struct diags *diags)
{
	struct snapshot *snapshot = snapshots_pin(keeper->server->snapshots);
	const long long in_use =
	    config_milter(snapshot_config(snapshot))->max_sessions;
	const struct place place = { .file = keeper->config_path };
	char buf[256];
	struct text why;

	snapshots_unpin(keeper->server->snapshots, snapshot);
	text_init(&why, buf, sizeof(buf));
	if (config_milter(config)->max_sessions <= in_use ||
	    process_limits_suffice(config_milter(config)->max_sessions, &why))
		return config;
	diag_add(diags, SEVERITY_ERROR, &place, "%s", buf);
	config_free(config);
	return NULL;
}

/* Reads the files; every problem is logged, and written to *problems. */
static struct config *
read_files(const struct keeper *keeper, char **problems)
{
	struct diags *diags = diags_new();
	struct config *config;

	if (diags == NULL)
		return NULL;
	config = config_load(keeper->config_path, today(), diags);
	if (config != NULL &&
	    !process_check_owner(
		keeper->config_path, config_milter(config), diags)) {
		config_free(config);
		config = NULL;
	}
	if (config != NULL)
		config = check_limits(config, keeper, diags);
	*problems = text_of(diags);
	diags_free(diags);
	if (*problems != NULL)
		log_problems(*problems);
	return config;
}

static bool
is_stopping(const struct keeper *keeper)
{
	return atomic_load(&keeper->server->live->stopping);
}

static void
reload(const struct keeper *keeper)
{
	struct config *config;
	char *problems = NULL;
	bool live;

	notify("RELOADING=1");
	reload_begin(keeper->reload);
	config = read_files(keeper, &problems);
	live =
	    config != NULL && use(keeper->server->snapshots, config, "reload");
	if (config == NULL)
		log_line(LOG_ERR,
		    "reload failed; the old configuration stays in use");
	if (live)
		apply(keeper->server);
	reload_end(keeper->reload, live, problems);
	if (!is_stopping(keeper))
		notify("READY=1");
}

static void
reload_if_any(const struct keeper *keeper)
{
	if (!is_stopping(keeper)) {
		reload(keeper);
		return;
	}
	log_line(LOG_ERR, "no reload: stopping");
	reload_refuse(keeper->reload);
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

/* New files of both logs. */
static void
reopen(const struct keeper *keeper)
{
	log_reopen();
	protolog_reopen(keeper->server->live->protolog);
}

/* Until the process ends. */
static void *
keep(void *arg)
{
	const struct keeper *keeper = arg;
	struct snapshots *snapshots = keeper->server->snapshots;
	sigset_t set;

	signals_of(&set);
	for (;;) {
		const int signal = sigtimedwait(&set, NULL, &pause_time);

		if (signal == SIGUSR2)
			reopen(keeper);
		else if (signal > 0)
			reload_if_any(keeper);
		keeper_gauge_watch(keeper->server);
		turn_the_day(snapshots);
		snapshots_collect(snapshots);
	}
	return NULL;
}

int
keeper_start(const struct keeper *keeper)
{
	pthread_t thread;

	if (keeper_gauge_start(keeper->server) != 0 ||
	    keeper_stop_start(keeper) != 0)
		return -1;
	/* pthread_create wants a plain pointer; keep() only reads. */
	if (pthread_create(&thread, NULL, keep, (void *)(uintptr_t)keeper) != 0)
		return -1;
	return pthread_detach(thread);
}
