/*
 * process_lock.c - which daemon a socket file belongs to.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

#define SUFFIX ".lock"

/* A stop takes the file away; so often may that happen while we open it. */
#define TRIES_MAX 100

/* One for each socket of the daemon. */
static struct lock {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(SUFFIX)];
	int fd;
} locks[2];
static size_t lock_count;

/* Does path still name the open file? Else it was taken away meanwhile. */
static bool
is_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int
close_for(int fd, int error)
{
	close(fd);
	errno = error;
	return -1;
}

/*
 * The file will be the user's, whose folder it is in: one that has another name
 * as well is not given away. Over NFS only who may write may lock.
 */
static int
open_alone(const char *path)
{
	const int fd =
	    open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		S_IRUSR | S_IWUSR);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) != 0)
		return close_for(fd, errno);
	return st.st_nlink <= 1 ? fd : close_for(fd, EMLINK);
}

/* The file, locked; -1 and errno: EWOULDBLOCK when another has it. */
static int
open_locked(const char *path)
{
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		const int fd = open_alone(path);

		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			return close_for(fd, errno);
		if (is_there(fd, path))
			return fd;
		close(fd);
	}
	errno = EWOULDBLOCK;
	return -1;
}

int
process_lock(const char *path)
{
	struct lock *lock = &locks[lock_count];

	if (lock_count == nitems(locks) ||
	    snprintf(lock->path, sizeof(lock->path), "%s" SUFFIX, path) >=
		(int)sizeof(lock->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	lock->fd = open_locked(lock->path);
	if (lock->fd == -1)
		return -1;
	lock_count++;
	return 0;
}

void
process_give_locks(uid_t uid, gid_t gid)
{
	for (size_t i = 0; i < lock_count; i++)
		(void)!fchown(locks[i].fd, uid, gid);
}

void
process_unlock(void)
{
	while (lock_count > 0) {
		const struct lock *lock = &locks[--lock_count];

		/* First the name: who opens it now has to make a new one. */
		if (is_there(lock->fd, lock->path))
			(void)unlink(lock->path);
		close(lock->fd);
	}
}
