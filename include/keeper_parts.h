/*
 * keeper_parts.h - what the files of the keeper room share.
 *
 * keeper.c is the housekeeping thread, keeper_reload.c tells who waits of the
 * two ends of a reload; keeper_stop.c, which drains and stops, and
 * keeper_gauge.c are threads of their own. Called by the housekeeping thread,
 * unless it says otherwise.
 */
#ifndef KEEPER_PARTS_H
#define KEEPER_PARTS_H

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

/* There is to be none: the milter is stopping. */
void reload_refuse(struct reload *reload);

/* Whoever waits for one, or asks later, hears that at once. Any thread. */
void reload_stop(struct reload *reload);

/*
 * The thread that takes SIGTERM and SIGINT, with all that a stop is; keeper
 * must stay. 0, or -1.
 */
int keeper_stop_start(const struct keeper *keeper) NODISCARD;

/* The thread that polls the gauge, each second; server must stay. 0, or -1. */
int keeper_gauge_start(struct server *server) NODISCARD;

/* Lets it poll at once. */
void keeper_gauge_now(void);

/* Looks whether there is anything to read, and whether it still reads. */
void keeper_gauge_watch(const struct server *server);

#endif
