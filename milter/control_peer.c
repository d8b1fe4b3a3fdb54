/*
 * control_peer.c - who asks at the control socket, and until when.
 */
#include "control_parts.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

#define SECOND_NS 1000000000LL
#define MILLISECOND_NS 1000000LL

/* Complaints about strangers are this far apart. */
#define COMPLAINT_NS (60 * SECOND_NS)

static long long
deadline_of_peer(void)
{
	return live_clock() + CONTROL_SECONDS * SECOND_NS;
}

/* Waits for events, for no longer than until the deadline. */
static bool
wait_for(int fd, short events, long long deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	const long long left = deadline - live_clock();

	/* A part of a millisecond would be no time at all. */
	return left > 0 &&
	    poll(&poll_fd, 1, (int)(left / MILLISECOND_NS) + 1) > 0;
}

/* The bytes that came, 0 at the end of the stream, -1 when it is too late. */
static ssize_t
receive(int fd, char *buf, size_t room, long long deadline)
{
	while (wait_for(fd, POLLIN, deadline)) {
		const ssize_t got = recv(fd, buf, room, 0);

		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR)
			return 0;
	}
	return -1;
}

const char *
control_hear(int fd, char request[CONTROL_REQUEST_MAX + 1])
{
	/* One byte more than may be shows that there is more. */
	const size_t room = CONTROL_REQUEST_MAX + 1;
	const long long deadline = deadline_of_peer();
	size_t len = 0;
	char *end = NULL;

	while (end == NULL && len < room) {
		const ssize_t got =
		    receive(fd, request + len, room - len, deadline);

		if (got < 0)
			return "the request took too long";
		if (got == 0)
			return "the request is no whole line";
		end = memchr(request + len, '\n', (size_t)got);
		len += (size_t)got;
	}
	if (end == NULL)
		return "the request is too long";
	if (end + 1 < request + len)
		return "there is more than one line";
	*end = '\0';
	/* Behind a NUL nobody would look. */
	return strlen(request) + 1 == len ? NULL : "there is a NUL in it";
}

static bool
send_all(int fd, const char *bytes, size_t len, long long deadline)
{
	while (len > 0) {
		ssize_t sent;

		if (!wait_for(fd, POLLOUT, deadline))
			return false;
		sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		}
	}
	return true;
}

void
control_say(int fd, const char *head, const char *text, size_t len)
{
	const long long deadline = deadline_of_peer();

	if (send_all(fd, head, strlen(head), deadline))
		(void)send_all(fd, text, len, deadline);
}

bool
control_may_ask(int fd, long long *silent_until)
{
	const long long now = live_clock();
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	if (now >= *silent_until) {
		log_line(LOG_WARNING,
		    "control socket: user %lu (process %ld) may not ask",
		    (unsigned long)peer.uid, (long)peer.pid);
		*silent_until = now + COMPLAINT_NS;
	}
	return false;
}
