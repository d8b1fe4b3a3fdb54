/*
 * control_open.c - the control socket as a file.
 */
#include "control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "process.h"

/* Peers that wait for their turn. */
#define BACKLOG 64

#define SPELLED "unix:"

/* Nobody listens there. */
static bool
is_free(const char *path)
{
	char spelled[sizeof(SPELLED) +
	    sizeof(((struct sockaddr_un *)0)->sun_path)];

	snprintf(spelled, sizeof(spelled), SPELLED "%s", path);
	return process_check_socket(spelled) == 0;
}

static bool
fits(const char *path)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (strlen(path) <= most)
		return true;
	log_line(LOG_ERR,
	    "control_socket: the path has %zu bytes, at most "
	    "%zu are allowed",
	    strlen(path), most);
	return false;
}

/* -1 and errno. */
static int
listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(at.sun_path, path, strlen(path));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Ours, the user's, and nobody else's to use. */
static bool
give(const char *path, const char *user)
{
	struct stat opened;

	/* Giving says best what is wrong with what is no socket. */
	if (lstat(path, &opened) == 0 && !S_ISSOCK(opened.st_mode) &&
	    process_give_socket(path, user) != 0)
		return false;
	return process_identify(path, &opened) == 0 &&
	    process_give_socket(path, user) == 0 &&
	    process_verify(path, &opened, S_IRUSR | S_IWUSR, "") == 0;
}

int
control_open(const char *path, const char *user)
{
	int fd;

	if (!fits(path) || !is_free(path))
		return -1;
	/* What an earlier daemon left. */
	(void)unlink(path);
	fd = listen_at(path);
	if (fd < 0) {
		log_line(
		    LOG_ERR, "cannot listen on %s: %s", path, strerror(errno));
		return -1;
	}
	if (!give(path, user)) {
		control_close(path);
		close(fd);
		return -1;
	}
	return fd;
}

void
control_close(const char *path)
{
	(void)unlink(path);
}
