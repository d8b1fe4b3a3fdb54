/*
 * process.c - descriptors, socket file, user and group of the daemon.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "socket_name.h"

void
process_prepare(void)
{
	struct rlimit limit;

	/* Nobody else may talk to the socket before it is opened to them. */
	umask(0177);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
connect_to(int fd, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

/* 0 when somebody answers at path, else -1 and errno. */
static int
try_connect(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;
	int error;

	if (fd < 0)
		return -1;
	result = connect_to(fd, path);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

int
process_check_socket(const char *socket)
{
	const char *path = socket_name_path(socket);
	struct stat st;

	if (path == NULL || lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		log_line(LOG_ERR, "%s is there and is no socket", path);
		return EX_UNAVAILABLE;
	}
	if (try_connect(path) == 0) {
		log_line(LOG_ERR, "another program listens on %s", path);
		return EX_UNAVAILABLE;
	}
	return 0;
}

int
process_next_descriptor(void)
{
	const int fd = dup(STDERR_FILENO);

	if (fd != -1)
		close(fd);
	return fd;
}

void
process_send_at_once(int listener)
{
	const int yes = 1;
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) !=
		0 ||
	    listens == 0 ||
	    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) !=
		0)
		log_line(LOG_WARNING,
		    "TCP_NODELAY is not set: a message takes 42 ms more");
}

static int
give_to_group(const char *path, const char *name)
{
	const struct group *group = getgrnam(name);

	if (group == NULL) {
		log_line(LOG_ERR, "socket_group: there is no group %s", name);
		return EX_CONFIG;
	}
	if (lchown(path, (uid_t)-1, group->gr_gid) != 0) {
		log_line(LOG_ERR, "cannot give %s to group %s: %s", path, name,
		    strerror(errno));
		return EX_NOPERM;
	}
	return 0;
}

static int
user_of(const char *user, const struct passwd **passwd, gid_t *gid)
{
	char name[64];
	const char *colon = strchr(user, ':');
	const struct group *group;

	snprintf(name, sizeof(name), "%.*s",
	    colon != NULL ? (int)(colon - user) : (int)strlen(user), user);
	*passwd = getpwnam(name);
	if (*passwd == NULL) {
		log_line(LOG_ERR, "user: there is no user %s", name);
		return EX_CONFIG;
	}
	*gid = (*passwd)->pw_gid;
	if (colon == NULL)
		return 0;
	group = getgrnam(colon + 1);
	if (group == NULL) {
		log_line(LOG_ERR, "user: there is no group %s", colon + 1);
		return EX_CONFIG;
	}
	*gid = group->gr_gid;
	return 0;
}

/* The folder is the user's, who may put anything there: sockets only. */
static int
give_socket(const char *path, uid_t uid, gid_t gid)
{
	const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int result = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		errno = ENOTSOCK;
		if (S_ISSOCK(st.st_mode))
			result = fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
	}
	close(fd);
	return result;
}

int
process_give_socket(const char *path, const char *user)
{
	const struct passwd *passwd;
	gid_t gid;
	int code;

	if (user[0] == '\0' || geteuid() != 0)
		return 0;
	code = user_of(user, &passwd, &gid);
	if (code != 0)
		return code;
	if (give_socket(path, passwd->pw_uid, gid) != 0) {
		log_line(LOG_ERR, "cannot give %s to user %s: %s", path, user,
		    strerror(errno));
		return EX_NOPERM;
	}
	return 0;
}

int
process_open_socket_to(
    const char *socket, const struct milter_settings *settings)
{
	const char *path = socket_name_path(socket);
	int code;

	if (path == NULL)
		return 0;
	code = process_give_socket(path, settings->user);
	if (code == 0 && settings->socket_group[0] != '\0')
		code = give_to_group(path, settings->socket_group);
	if (code != 0)
		return code;
	/* The folder is the user's: another file may stand there by now. */
	if (fchmodat(AT_FDCWD, path, (mode_t)settings->socket_mode,
		AT_SYMLINK_NOFOLLOW) != 0) {
		log_line(LOG_ERR, "cannot set the mode of %s: %s", path,
		    strerror(errno));
		return EX_NOPERM;
	}
	return 0;
}

int
process_become(const char *user)
{
	const struct passwd *passwd;
	gid_t gid;
	int code;

	if (user[0] == '\0')
		return 0;
	code = user_of(user, &passwd, &gid);
	if (code != 0)
		return code;
	if (geteuid() != 0 && geteuid() == passwd->pw_uid)
		return 0;
	if (initgroups(passwd->pw_name, gid) != 0 ||
	    setresgid(gid, gid, gid) != 0 ||
	    setresuid(passwd->pw_uid, passwd->pw_uid, passwd->pw_uid) != 0) {
		log_line(LOG_ERR, "cannot become user %s: %s", user,
		    strerror(errno));
		return EX_NOPERM;
	}
	if (passwd->pw_uid != 0 && setuid(0) == 0) {
		log_line(LOG_ERR, "user %s could become root again", user);
		return EX_NOPERM;
	}
	return 0;
}

void
process_remove_socket(const char *socket)
{
	const char *path = socket_name_path(socket);

	if (path != NULL)
		(void)unlink(path);
}

/* Whom so many wait for is awake: no longer than a moment. Or -1. */
static int
open_to_knock(int family)
{
	const struct timeval moment = { .tv_usec = 50000 };
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof(moment));
	return fd;
}

static void
knock_over_unix(const char *path)
{
	const int fd = open_to_knock(AF_UNIX);

	if (fd < 0)
		return;
	(void)!connect_to(fd, path);
	close(fd);
}

/* PORT@HOST, as the listener was given it; an any-address is our own. */
static void
knock_over_tcp(const char *where)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const size_t port_len = strcspn(where, "@");
	char port[16], host[256];
	struct addrinfo *found;
	int fd;

	where += port_len;
	snprintf(port, sizeof(port), "%.*s", (int)port_len, where - port_len);
	where += strspn(where, "@[");
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(where, "]"), where);
	if (getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found) !=
	    0)
		return;
	fd = open_to_knock(found->ai_family);
	if (fd >= 0) {
		(void)!connect(fd, found->ai_addr, found->ai_addrlen);
		close(fd);
	}
	freeaddrinfo(found);
}

void
process_knock(const char *socket)
{
	struct socket_name name;

	/* Nobody there: libmilter looks up every 5 seconds anyway. */
	if (!socket_name_parse(&name, socket))
		return;
	if (name.family == ADDR_NONE)
		knock_over_unix(name.rest);
	else
		knock_over_tcp(name.rest);
}
