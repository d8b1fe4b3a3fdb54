/*
 * waker.h - knocks at the milter's own door whenever a worker begins to wait.
 *
 * libmilter's pool hands commands to workers that are free at that moment, and
 * leaves those behind that one of them goes to sleep over: they wait for the
 * end of its tarpit, or for the next that happens. So each refusal that is held
 * back is followed by a connection to our own socket, which is something that
 * happens, and makes libmilter start another worker. It is made by a thread of
 * its own: connecting may take its time, a callback must not.
 */
#ifndef WAKER_H
#define WAKER_H

#include "tarpit.h"

/*
 * Starts the thread, which watches tarpit and knocks at socket; both must stay.
 * Before the first session. 0, or -1.
 */
int waker_start(struct tarpit *tarpit, const char *socket) NODISCARD;

#endif
