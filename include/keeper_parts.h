/*
 * keeper_parts.h - the two ends of a reload, as the housekeeping thread tells
 * them to who waits.
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

#endif
