/*
 * today.h - the local calendar date, the only clock that policy depends on.
 *
 * Read when a configuration is built, never while a rule runs. Any thread.
 */
#ifndef TODAY_H
#define TODAY_H

/* The local date as yyyymmdd. */
int today(void);

#endif
