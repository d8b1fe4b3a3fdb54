/*
 * keeper.h - the housekeeping thread: signals, reload, midnight, old snapshots.
 *
 * SIGHUP and SIGUSR1 reload, SIGUSR2 reopens the log. A reload that finds
 * errors keeps the configuration in use and logs every problem. All that makes
 * a configuration the one in use is done by this thread alone, in turn.
 * Files may lie on a volume that does not answer, and a reload hang for ever.
 * So a second thread takes SIGTERM and SIGINT, which stop: no session and no
 * transaction begins any more, nor a reload; transactions that run have 20
 * seconds to end, then the milter stops; a second of these signals does not
 * wait. Where libmilter does not end, it ends the process without it. And a
 * third thread measures back pressure, which may hang as well.
 * keeper_block runs before any other thread exists, so that every thread leaves
 * these signals to these two.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "session.h"

struct keeper {
	struct server *server;
	const char *config_path;
	const char *socket; /* as opened */
	struct reload *reload;
	/* Logs why, at err, and ends the process; does not come back. */
	void (*leave)(int status, const char *why);
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
 * call, or -1. Many who ask at once may share one. Who waits when the milter
 * begins to stop, or asks later, has a report at once that says so. Any other
 * thread.
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

/* Starts these threads; keeper must stay. 0, or -1. */
int keeper_start(const struct keeper *keeper) NODISCARD;

#endif
