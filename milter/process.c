/*
 * process.c - descriptors, socket file, user and group of the daemon.
 */
#include "process_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "socket_name.h"

/* Where addresses are scarce. */
#define HEAPS 2

/* How long it is waited for who may listen at a socket already. */
#define ASK_MS 1000

void
process_prepare(void)
{
	struct rlimit limit;

	/*
	 * Threads without end would each reserve 64 MB of addresses for what
	 * they allocate; with two such heaps they are as fast.
	 */
	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		(void)mallopt(M_ARENA_MAX, HEAPS);
	/* Nobody else may talk to the socket before it is opened to them. */
	umask(0177);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whoever has so many waiting that this takes longer listens as well. */
static int
check_free(const char *socket)
{
	const char *path = socket_name_path(socket);
	const int fd = process_call(socket, ASK_MS);

	if (fd == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		return 0;
	if (fd != -1 || errno == EAGAIN)
		log_line(LOG_ERR, "another program listens on %s", path);
	else
		log_line(LOG_ERR, "cannot listen on %s: what is there: %s",
		    path, strerror(errno));
	if (fd != -1)
		close(fd);
	return EX_UNAVAILABLE;
}

int
process_check_socket(const char *socket)
{
	const char *path = socket_name_path(socket);
	struct stat st;

	if (path == NULL)
		return 0;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		log_line(LOG_ERR, "%s is there and is no socket", path);
		return EX_UNAVAILABLE;
	}
	/* First the lock: behind it nobody begins to listen any more. */
	if (process_lock(path) != 0) {
		if (errno == EWOULDBLOCK)
			log_line(
			    LOG_ERR, "another program listens on %s", path);
		else
			log_line(LOG_ERR, "cannot listen on %s: %s.lock: %s",
			    path, path, strerror(errno));
		return EX_UNAVAILABLE;
	}
	return check_free(socket);
}

int
process_next_descriptor(void)
{
	const int fd = dup(STDERR_FILENO);

	if (fd != -1)
		close(fd);
	return fd;
}

static bool
set_tcp(int listener, int option, int value)
{
	return setsockopt(
		   listener, IPPROTO_TCP, option, &value, sizeof(value)) == 0;
}

void
process_tune(int listener)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) !=
		0 ||
	    listens == 0 || !set_tcp(listener, TCP_NODELAY, 1))
		log_line(LOG_WARNING,
		    "TCP_NODELAY is not set: a message takes 42 ms more");
	/* libmilter asks for probes, which would begin after 2 hours. */
	if (listens == 0 || !set_tcp(listener, TCP_KEEPIDLE, 120) ||
	    !set_tcp(listener, TCP_KEEPINTVL, 30) ||
	    !set_tcp(listener, TCP_KEEPCNT, 4))
		log_line(LOG_WARNING,
		    "TCP_KEEPIDLE is not set: sessions of an MTA that is gone "
		    "stay for an hour");
}

static int
give_to_group(const char *path, const char *name)
{
	const struct group *group = getgrnam(name);
	struct stat st;

	if (group == NULL) {
		log_line(LOG_ERR, "socket_group: there is no group %s", name);
		return EX_CONFIG;
	}
	/* From its folder, maybe: to give it takes a right to do so. */
	if (lstat(path, &st) == 0 && st.st_gid == group->gr_gid)
		return 0;
	if (lchown(path, (uid_t)-1, group->gr_gid) != 0) {
		log_line(LOG_ERR, "cannot give %s to group %s: %s", path, name,
		    strerror(errno));
		return EX_NOPERM;
	}
	return 0;
}

static bool
find_user(const char *user, const struct passwd **passwd, gid_t *gid,
    struct text *why)
{
	char name[64];
	const char *colon = strchr(user, ':');
	const struct group *group;

	snprintf(name, sizeof(name), "%.*s",
	    colon != NULL ? (int)(colon - user) : (int)strlen(user), user);
	*passwd = getpwnam(name);
	if (*passwd == NULL) {
		text_printf(why, "user: there is no user %s", name);
		return false;
	}
	*gid = (*passwd)->pw_gid;
	if (colon == NULL)
		return true;
	group = getgrnam(colon + 1);
	if (group == NULL) {
		text_printf(why, "user: there is no group %s", colon + 1);
		return false;
	}
	*gid = group->gr_gid;
	return true;
}

bool
process_knows_user(const char *user, struct text *why)
{
	const struct passwd *passwd;
	gid_t gid;

	return user[0] == '\0' || find_user(user, &passwd, &gid, why);
}

static int
user_of(const char *user, const struct passwd **passwd, gid_t *gid)
{
	char buf[256];
	struct text why;

	text_init(&why, buf, sizeof(buf));
	if (find_user(user, passwd, gid, &why))
		return 0;
	log_line(LOG_ERR, "%s", buf);
	return EX_CONFIG;
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
	process_give_locks(passwd->pw_uid, gid);
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
	struct stat opened;
	int code;

	if (path == NULL)
		return process_find_socket(socket);
	code = process_identify(path, &opened);
	if (code == 0)
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
	return process_verify(path, &opened, (mode_t)settings->socket_mode,
	    settings->socket_group);
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
