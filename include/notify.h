/*
 * notify.h - tells a service manager how the daemon is (sd_notify(3)).
 *
 * Does nothing unless NOTIFY_SOCKET is set; that nobody listens is no failure.
 * Any thread.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

/* state is "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..." */
void notify(const char *state);

#endif
