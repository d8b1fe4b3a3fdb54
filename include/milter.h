/*
 * milter.h - the glue to libmilter: its events in, our replies out.
 *
 * The only room that knows libmilter. It turns arguments and macros of both
 * MTAs into plain strings for session.c, and one function speaks to the MTA.
 * Right under the worker pool of Debian's libmilter, where the callbacks of one
 * session run on different threads, and under one thread per connection.
 * Allow is SMFIS_CONTINUE, always; ACCEPT and DISCARD would end all checking.
 * An MTA that does not let us change headers gets no session.
 */
#ifndef MILTER_H
#define MILTER_H

#include "session.h"

/*
 * Registers the callbacks and opens the listening socket, given in libmilter's
 * spelling. server must outlive the process's last callback. 0, or -1 after
 * logging why not. Once per process, before there are threads.
 */
int milter_open(const char *socket, struct server *server) NODISCARD;

/* Serves until milter_stop. 0, or -1 when libmilter gave up. */
int milter_run(void) NODISCARD;

/* Makes milter_run return soon. Any thread. */
void milter_stop(void);

/* The version of libmilter's interface, as major, minor and patch. */
void milter_version(unsigned version[3]);

#endif
