/*
 * control.h - the daemon's end of the control socket.
 *
 * A UNIX stream socket with mode 0600, for root and the daemon's own user; who
 * else connects is hung up on. One request a connection, one line of at most
 * CONTROL_REQUEST_MAX bytes and its line feed: "status", "status json",
 * "reload", "drain", "drain off". The answer is a line "ok BYTES", "failed
 * BYTES" (a reload that is not live) and a text of so many bytes, or a line
 * "error REASON"; then the end of the stream. A peer has CONTROL_SECONDS to ask
 * and again to read; one is served at a time, by a thread of its own, and
 * answers are bounded by the number of connectors.
 *
 * The client's end is ctl_ask.c.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "keeper.h"

#define CONTROL_REQUEST_MAX 64
#define CONTROL_SECONDS 2
/* How long a reload may take before it is said to have failed. */
#define CONTROL_RELOAD_SECONDS 60

/*
 * Opens the socket at path, as process.h does with libmilter's: a stale file is
 * replaced, one that answers is another daemon's. Before rights are given up
 * and after process_prepare; the file becomes user's ("": nobody's else). A
 * descriptor, or -1 after logging why.
 */
int control_open(const char *path, const char *user) NODISCARD;

/* Removes the socket file, if it can. */
void control_close(const char *path);

/* Serves it on a thread of its own; keeper must stay. 0, or -1. */
int control_start(int fd, const struct keeper *keeper) NODISCARD;

#endif
