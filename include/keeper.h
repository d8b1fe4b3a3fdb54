/*
 * keeper.h - the housekeeping thread: signals, reload, midnight, old snapshots.
 *
 * SIGHUP and SIGUSR1 reload, SIGUSR2 reopens the log, SIGTERM and SIGINT stop.
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
};

/* Blocks the signals for this thread and all that it starts. */
void keeper_block(void);

/* Starts the thread; keeper must stay. 0, or -1. */
int keeper_start(const struct keeper *keeper) NODISCARD;

#endif
