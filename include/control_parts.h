/*
 * control_parts.h - a peer of the control socket, as a line in and a text out.
 *
 * Hearing and saying take CONTROL_SECONDS each at most, whatever the peer does.
 * Descriptors do not block.
 */
#ifndef CONTROL_PARTS_H
#define CONTROL_PARTS_H

#include "control.h"

/*
 * Reads the request, without its line feed. NULL, or why there is none: the
 * words for the peer.
 */
const char *control_hear(int fd, char request[CONTROL_REQUEST_MAX + 1]);

/* Sends both, in one time. A peer that does not take it all misses the rest. */
void control_say(int fd, const char *head, const char *text, size_t len);

/*
 * Is the peer root or the daemon's own user? Logs who is not, but not before
 * *silent_until (ns, monotonic), which it moves.
 */
bool control_may_ask(int fd, long long *silent_until);

/* Hears one request, does what it says and answers. */
void control_serve(const struct keeper *keeper, int peer);

#endif
