/*
 * socket.h - reaches a filter by libmilter's name of its socket.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

static int
open_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (fd < 0 || errno != EAGAIN)
		give_up(path, strerror(errno));
	close(fd);
	return -1;
}

/* PORT@ADDRESS, IPv4. On loopback connect() does not wait. */
static int
open_inet(const char *name)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *at = strchr(name, '@');
	const int yes = 1;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons((uint16_t)atoi(name));
	if (at == NULL || inet_pton(AF_INET, at + 1, &to.sin_addr) != 1)
		give_up(name, "no PORT@ADDRESS");
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0)
		give_up(name, strerror(errno));
	return fd;
}

/* unix:PATH or inet:PORT@ADDRESS; -1 while the listener's queue is full. */
__attribute__((unused)) static int
open_socket(const char *name)
{
	const char *colon = strchr(name, ':');

	if (colon == NULL)
		give_up(name, "no unix:PATH or inet:PORT@ADDRESS");
	return name[0] == 'u' ? open_unix(colon + 1) : open_inet(colon + 1);
}

__attribute__((unused)) static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
