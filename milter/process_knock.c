/*
 * process_knock.c - how the daemon reaches its own socket.
 */
#include "process_parts.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "socket_name.h"

/* Whom so many wait for is awake: no longer than a moment. */
#define KNOCK_MS 50

/* Over TCP; the daemon has one socket. */
static struct {
	struct sockaddr_storage to;
	socklen_t len;
} found;

/* PORT@HOST, as the listener was given it; an any-address is our own. */
static int
look_up(const char *where, int family)
{
	const struct addrinfo hints = { .ai_family = family,
		.ai_socktype = SOCK_STREAM };
	const size_t port_len = strcspn(where, "@");
	char port[16], host[256];
	struct addrinfo *first;
	int error;

	where += port_len;
	snprintf(port, sizeof(port), "%.*s", (int)port_len, where - port_len);
	where += strspn(where, "@[");
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(where, "]"), where);
	error =
	    getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &first);
	if (error != 0)
		return error;
	memcpy(&found.to, first->ai_addr, first->ai_addrlen);
	found.len = first->ai_addrlen;
	freeaddrinfo(first);
	return 0;
}

int
process_find_socket(const char *socket)
{
	struct socket_name name;
	int error;

	if (!socket_name_parse(&name, socket) || name.family == ADDR_NONE)
		return 0;
	error =
	    look_up(name.rest, name.family == ADDR_IPV6 ? AF_INET6 : AF_INET);
	if (error == 0)
		return 0;
	log_line(LOG_ERR, "cannot find out the address of %s: %s", socket,
	    gai_strerror(error));
	return EX_UNAVAILABLE;
}

int
process_connect_to(int fd, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

static int
open_for(int family, long long milliseconds)
{
	const struct timeval time = { .tv_sec = milliseconds / 1000,
		.tv_usec = milliseconds % 1000 * 1000 };
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0)
		return fd;
	close(fd);
	return -1;
}

int
process_call(const char *socket, long long milliseconds)
{
	const char *path = socket_name_path(socket);
	const int fd =
	    open_for(path != NULL ? AF_UNIX : found.to.ss_family, milliseconds);
	int result;

	if (fd < 0)
		return -1;
	result = path != NULL
	    ? process_connect_to(fd, path)
	    : connect(fd, (const struct sockaddr *)&found.to, found.len);
	if (result == 0)
		return fd;
	close(fd);
	return -1;
}

void
process_knock(const char *socket)
{
	/* Nobody there: libmilter looks up every 5 seconds anyway. */
	const int fd = process_call(socket, KNOCK_MS);

	if (fd >= 0)
		close(fd);
}
