/*
 * milter_parts.h - what the files of the milter room share.
 *
 * milter.c speaks to libmilter, milter_signal.c stands between it and the
 * signals. No other room includes this.
 */
#ifndef MILTER_PARTS_H
#define MILTER_PARTS_H

#include "milter.h"

/* Before libmilter starts. 0, or -1. */
int milter_stop_init(void) NODISCARD;

#endif
