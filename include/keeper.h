/*
 * keeper.h - the housekeeping thread: signals, reload, midnight, old snapshots.
 *
 * SIGHUP and SIGUSR1 reload, SIGUSR2 reopens the log, SIGTERM and SIGINT stop:
 * no session and no transaction begins any more, those that run have 20 seconds
 * to end, then the milter stops; a second of these signals does not wait.
 * Back pressure is measured by a second thread, which may hang alone.
 * keeper_block runs before any other thread exists, so that every thread leaves
 * these signals to this one. A reload that finds errors keeps the
 * configuration in use and logs every problem.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "session.h"

struct keeper {
	struct server *server;
	const char *config_path;
	const char *socket; /* as opened */
	struct reload *reload;
};

/* What the last reload, or the start, found; guarded by its functions. */
struct reload;

/* As after a start without problems. NULL without memory. */
struct reload *reload_new(void) NODISCARD;

/* A copy of it. Times are seconds since 1970. */
struct reload_report {
	unsigned long number; /* reloads so far */
	bool live;            /* the configuration that was read is in use */
	long long time;       /* when the last reload began */
	long long read_time;  /* when the configuration in use was read */
	char *problems; /* lines, 64 KB at most; "": none. NULL: no memory */
};
void reload_report(struct reload *reload, struct reload_report *report);
void reload_report_free(struct reload_report *report);

/*
 * Asks the housekeeping thread for a reload and waits for its end, but no
 * longer than milliseconds. 0 with the report of a reload that began after the
 * call, or -1. Many who ask at once may share one. Any other thread.
 */
int keeper_reload(const struct keeper *keeper, long long milliseconds,
    struct reload_report *report) NODISCARD;

/* Blocks the signals for this thread and all that it starts. */
void keeper_block(void);

/*
 * Measures back pressure for the first time, for a few seconds at the most. 0,
 * or a sysexits code after logging why not; then the process has to end. Before
 * there are threads.
 */
int keeper_gauge_look(
    struct live *live, const struct pressure_settings *settings) NODISCARD;

/* Starts both threads; keeper must stay. 0, or -1. */
int keeper_start(const struct keeper *keeper) NODISCARD;

#endif
