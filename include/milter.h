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

/*
 * Puts threads and a descriptor aside for when there are none left. 0, or -1
 * without them. After all threads of our own were started, and before
 * milter_run.
 *
 * Connections that there is no room for are closed at once, where libmilter
 * would spin, or stop for good; the MTA defers their mail. There is none beyond
 * max_sessions and a margin, beyond the limit on descriptors less what we need
 * ourselves, without memory, or without threads; live->turned_away counts them.
 * Both limits may change while we run.
 */
int milter_prepare(struct live *live, long long max_sessions) NODISCARD;

/* From now on there are to be so many. Any thread. */
void milter_set_max_sessions(long long max_sessions);

/* Serves until milter_stop. 0, or -1 when libmilter gave up. */
int milter_run(void) NODISCARD;

/*
 * From here on whoever connects is hung up on; once somebody was, it is shut.
 * Any thread.
 */
void milter_close(void);
bool milter_is_shut(void);

/*
 * Makes milter_run return soon. Any thread. It should be shut: a session that
 * begins while libmilter's pool ends may lock what is gone, and wait for ever.
 */
void milter_stop(void);

/* From here on the end of a message is deferred, undecided. Any thread. */
void milter_decide_no_more(void);

/*
 * Is the end of a message being decided, or its answer not yet written? Any
 * thread.
 */
bool milter_is_answering(void);

/* The version of libmilter's interface, as major, minor and patch. */
void milter_version(unsigned version[3]);

#endif
