/*
 * process_verify.c - whether a socket file is ours, and for whom it should be.
 */
#include "process_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "socket_name.h"

/* NAME of "NAME:GROUP"; NULL when there is none. */
static const struct passwd *
account(const char *user)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(user, ":"), user);
	return name[0] != '\0' ? getpwnam(name) : NULL;
}

static bool
may_own(uid_t uid, const struct milter_settings *settings)
{
	const struct passwd *user;

	if (uid == 0 || uid == geteuid())
		return true;
	/* Else we are that user, or never will be. */
	user = geteuid() == 0 ? account(settings->user) : NULL;
	return user != NULL && uid == user->pw_uid;
}

/* The MTA's group may: it is whom the socket is for. */
static bool
may_write(gid_t gid, const struct milter_settings *settings)
{
	const struct passwd *user;
	const struct group *group;

	if (gid == 0 || gid == getegid())
		return true;
	user = account(settings->user);
	if (user != NULL && gid == user->pw_gid)
		return true;
	group = settings->socket_group[0] != '\0'
	    ? getgrnam(settings->socket_group)
	    : NULL;
	return group != NULL && gid == group->gr_gid;
}

/* Sticky, as /tmp, it leaves ours to us. */
static bool
is_sticky(const struct stat *st)
{
	return (st->st_mode & S_ISVTX) != 0;
}

/* May everybody put another thing in the place of ours there? */
static bool
may_all_rename(const struct stat *st)
{
	return (st->st_mode & S_IWOTH) != 0 && !is_sticky(st);
}

static int
check_folder(const char *path, const struct stat *st,
    const struct milter_settings *settings)
{
	const unsigned mode = (unsigned)(st->st_mode & 07777);

	if (!may_own(st->st_uid, settings))
		log_line(LOG_ERR,
		    "the folder of %s belongs to user %lu, who could put "
		    "another socket there; run chown root",
		    path, (unsigned long)st->st_uid);
	else if (may_all_rename(st))
		log_line(LOG_ERR,
		    "the folder of %s can be written by others (mode %04o), "
		    "who could put another socket there; run chmod o-w",
		    path, mode);
	else if ((st->st_mode & S_IWGRP) != 0 && !is_sticky(st) &&
	    !may_write(st->st_gid, settings))
		log_line(LOG_ERR,
		    "the folder of %s can be written by group %lu (mode "
		    "%04o), which could put another socket there; run chmod "
		    "g-w",
		    path, (unsigned long)st->st_gid, mode);
	else
		return 0;
	return EX_NOPERM;
}

/* Cuts the last name off, down to "/"; false when there is none. */
static bool
go_up(char *folder)
{
	char *slash = strrchr(folder, '/');

	if (slash == NULL || slash[1] == '\0')
		return false;
	slash[slash == folder ? 1 : 0] = '\0';
	return true;
}

/*
 * Who can write above a folder can rename it, and make another. That is said,
 * not refused: where it is so, more than this milter is at their mercy.
 */
static void
warn_above(const char *path, char *folder)
{
	struct stat st;

	while (go_up(folder)) {
		if (stat(folder, &st) != 0 || !may_all_rename(&st))
			continue;
		log_line(LOG_WARNING,
		    "the folder %s above %s can be written by others (mode "
		    "%04o), who could put another socket there; run chmod o-w",
		    folder, path, (unsigned)(st.st_mode & 07777));
		return;
	}
}

/* What cannot be looked at cannot be listened in, and that is said later. */
static int
check_folder_of(const char *path, const struct milter_settings *settings)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char real[PATH_MAX];
	struct stat st;
	int code;

	if (strlen(path) >= sizeof(folder))
		return 0;
	snprintf(folder, sizeof(folder), "%s", path);
	if (!go_up(folder) || stat(folder, &st) != 0)
		return 0;
	code = check_folder(path, &st, settings);
	if (code != 0)
		return code;
	/* Where links lead, and where they stand. */
	if (realpath(folder, real) != NULL && strcmp(real, folder) != 0)
		warn_above(path, real);
	warn_above(path, folder);
	return 0;
}

int
process_check_folders(const struct milter_settings *settings)
{
	const char *path = socket_name_path(settings->socket);
	int code;

	/* Who that would be is said later. */
	if (settings->user[0] != '\0' && account(settings->user) == NULL)
		return 0;
	code = path != NULL ? check_folder_of(path, settings) : 0;

	if (code == 0 && settings->control_socket[0] != '\0')
		code = check_folder_of(settings->control_socket, settings);
	return code;
}

/* Where everybody may rename, an old copy of ours can stand in for the file. */
static void
warn_of_folder(const char *path, struct diags *diags)
{
	const struct place place = { .file = path };
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof(folder), "%s", path);
	if (!go_up(folder))
		snprintf(folder, sizeof(folder), ".");
	if (stat(folder, &st) == 0 && may_all_rename(&st))
		diag_add(diags, SEVERITY_WARNING, &place,
		    "the folder of the file can be written by others (mode "
		    "%04o), who could put another file there; run chmod o-w",
		    (unsigned)(st.st_mode & 07777));
}

bool
process_check_owner(const char *path, const struct milter_settings *settings,
    struct diags *diags)
{
	const struct place place = { .file = path };
	struct stat st;

	warn_of_folder(path, diags);
	/* It was read a moment ago. */
	if (stat(path, &st) != 0 || may_own(st.st_uid, settings))
		return true;
	diag_add(diags, SEVERITY_ERROR, &place,
	    "the file belongs to user %lu, who is neither root nor the user "
	    "of the daemon; run chown root",
	    (unsigned long)st.st_uid);
	return false;
}

/* Does this process listen at path? */
static bool
is_ours(const char *path)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(struct ucred);
	struct ucred peer = { .pid = -1 };
	bool ours;

	if (fd < 0)
		return false;
	ours = process_connect_to(fd, path) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    peer.pid == getpid();
	close(fd);
	return ours;
}

static int
complain(const char *path, const char *why)
{
	log_line(
	    LOG_ERR, "%s is not the socket that was opened: %s", path, why);
	return EX_NOPERM;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* The sockets of the daemon, as they were found to be its own. */
static struct made {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;
} made[2];
static size_t made_count;

static void
remember(const char *path, const struct stat *st)
{
	struct made *socket = &made[made_count];

	if (made_count == nitems(made) || strlen(path) >= sizeof(socket->path))
		return;
	snprintf(socket->path, sizeof(socket->path), "%s", path);
	socket->st = *st;
	made_count++;
}

static const struct made *
find_made(const char *path)
{
	for (size_t i = 0; i < made_count; i++)
		if (strcmp(made[i].path, path) == 0)
			return &made[i];
	return NULL;
}

/* Somebody else may have put something there since. */
static bool
is_there(const struct made *socket)
{
	struct stat st;

	return lstat(socket->path, &st) == 0 && is_same(&st, &socket->st);
}

int
unlink(const char *path)
{
	const struct made *socket = find_made(path);

	if (socket == NULL || is_there(socket))
		return unlinkat(AT_FDCWD, path, 0);
	errno = EPERM;
	return -1;
}

void
process_remove_socket(const char *socket)
{
	const char *path = socket_name_path(socket);

	if (path != NULL)
		(void)unlink(path);
}

int
process_identify(const char *path, struct stat *st)
{
	struct stat again;

	if (lstat(path, st) != 0)
		return complain(path, strerror(errno));
	if (!S_ISSOCK(st->st_mode) || !is_ours(path))
		return complain(path, "another stands there");
	if (lstat(path, &again) != 0 || !is_same(&again, st))
		return complain(path, "it was replaced");
	remember(path, st);
	return 0;
}

int
process_verify(const char *path, const struct stat *opened, mode_t mode,
    const char *group_name)
{
	const struct group *group =
	    group_name[0] != '\0' ? getgrnam(group_name) : NULL;
	struct stat st;

	if (lstat(path, &st) != 0 || !is_same(&st, opened))
		return complain(path, "it was replaced");
	if ((st.st_mode & 07777) != mode) {
		log_line(LOG_ERR, "%s has mode %04o where %04o was set", path,
		    (unsigned)(st.st_mode & 07777), (unsigned)mode);
		return EX_NOPERM;
	}
	if (group_name[0] != '\0' &&
	    (group == NULL || group->gr_gid != st.st_gid)) {
		log_line(LOG_ERR, "%s is of group %lu, not of %s", path,
		    (unsigned long)st.st_gid, group_name);
		return EX_NOPERM;
	}
	return 0;
}
