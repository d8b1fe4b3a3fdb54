/*
 * keeper_parts.h - what the files of the keeper room share.
 *
 * keeper.c is the housekeeping thread, keeper_reload.c tells who waits of the
 * two ends of a reload, keeper_stop.c drains and stops, and keeper_gauge.c is a
 * thread of its own. Called by the housekeeping thread.
 */
#ifndef KEEPER_PARTS_H
#define KEEPER_PARTS_H

#include <signal.h>

#include "keeper.h"

/* Problems are kept up to so many bytes, by whole lines. */
#define RELOAD_PROBLEMS_MAX 65536

/* Files are read from here on, so whoever asked before gets this reload. */
void reload_begin(struct reload *reload);

/*
 * The configuration that was read is in use, or is not. problems are taken,
 * and freed; NULL: no memory.
 */
void reload_end(struct reload *reload, bool live, char *problems);

/* Begins new files of both logs. */
void keeper_reopen(const struct keeper *keeper);

/*
 * Lets transactions end, for no longer than 20 seconds and until one of the
 * blocked signals says to stop again; then stops the milter, and wakes it up
 * until the process ends.
 */
void keeper_stop(const struct keeper *keeper, const sigset_t *signals);

/* The thread that polls the gauge, each second; server must stay. 0, or -1. */
int keeper_gauge_start(struct server *server) NODISCARD;

/* Lets it poll at once. */
void keeper_gauge_now(void);

/* Looks whether there is anything to read, and whether it still reads. */
void keeper_gauge_watch(const struct server *server);

#endif
