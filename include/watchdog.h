/*
 * watchdog.h - one thread that asks the milter, as an MTA would, whether it
 * still answers.
 *
 * It connects to the daemon's own socket and negotiates; only an answer lets
 * the service manager know that all is well (WATCHDOG=1), twice within the time
 * that it waits (WATCHDOG_USEC, sd_watchdog_enabled(3)); who asks for nothing
 * is told nothing, and the question comes every 10 seconds. Who turns
 * connections away for want of room answers too, and who stops need not any
 * more. Who does not answer itself for 60 seconds, or nine tenths of the
 * manager's time, is of no use to an MTA: the daemon ends, with EX_SOFTWARE, so
 * that it is started again. No session is counted for it, and nothing logged.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "live.h"

/*
 * socket is spelled as in socket_name.h; both must stay. 0, or -1 without a
 * thread.
 */
int watchdog_start(const char *socket, const struct live *live) NODISCARD;

#endif
