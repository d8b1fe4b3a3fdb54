/*
 * protolog_file.c - the newest file of the protocol log: begun, written, left.
 */
#include "protolog_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Readable for the group, which the folder may give. */
#define FILE_MODE 0640

/* Around midnight records need not come in the order of their times. */
#define LATE_SECONDS 60

/* Names that were taken meanwhile, before it is given up for now. */
#define TRIES_MAX 100

#define PURGE_SECONDS 60

void
protolog_file_init(struct protolog_file *file)
{
	*file = (struct protolog_file){ .fd = -1 };
}

/* What follows begins another file. */
static void
leave(struct protolog_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->is_full = false;
}

void
protolog_file_done(struct protolog_file *file)
{
	leave(file);
	free(file->order);
	file->order = NULL;
}

/* Remembers what failed, from errno. Always false. */
static bool
fail(struct protolog_file *file, const char *what)
{
	file->failed = what;
	file->error = errno;
	leave(file);
	return false;
}

bool
protolog_file_is_on(const struct protolog_file *file)
{
	return file->order != NULL && file->order->directory[0] != '\0';
}

bool
protolog_file_is_dead(const struct protolog_file *file)
{
	return protolog_file_is_on(file) && file->fd < 0;
}

/* Leaves the file as it was before the done bytes at its end; false. */
static bool
take_back(struct protolog_file *file, size_t done, int error)
{
	const char *what = "write a file in";

	if (done > 0 && ftruncate(file->fd, file->size) != 0)
		what = "take half a record out of a file in";
	errno = error;
	return fail(file, what);
}

/* All of it, or nothing of it. */
static bool
append(struct protolog_file *file, const char *s, size_t len)
{
	size_t done = 0;

	while (done < len) {
		const ssize_t n = write(file->fd, s + done, len - done);

		if (n == 0)
			return take_back(file, done, EIO);
		if (n < 0 && errno != EINTR)
			return take_back(file, done, errno);
		if (n > 0)
			done += (size_t)n;
	}
	file->size += (long long)len;
	return true;
}

/*
 * A file of the next name that is free, and a link with a name takes it too. -1
 * and errno.
 */
static int
create(struct protolog_file *file, int folder)
{
	const int flags =
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC;
	char name[PROTOLOG_NAME_MAX];
	int fd = -1;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		file->name.number++;
		protolog_name_format(name, &file->name);
		fd = openat(folder, name, flags, FILE_MODE);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

/* As if it had never been begun. */
static void
remove_again(struct protolog_file *file, int folder)
{
	char name[PROTOLOG_NAME_MAX];

	unlinkat(folder, protolog_name_format(name, &file->name), 0);
	file->name.number--;
}

/* The header shows whether it can be written; what cannot is taken back. */
static bool
begin_in(struct protolog_file *file, int folder, const struct timespec *time)
{
	char header[PROTOLOG_HEADER_MAX];
	struct stat st;

	file->fd = create(file, folder);
	if (file->fd < 0) {
		file->name.number--;
		return fail(file, "create a file in");
	}
	file->size = 0;
	file->has_records = false;
	/* The umask of the daemon is for its socket. Else it stays stricter. */
	(void)fchmod(file->fd, FILE_MODE);
	if (fstat(file->fd, &st) != 0)
		return fail(file, "write a file in");
	if (!append(file, header, protolog_header(header, time))) {
		remove_again(file, folder);
		return false;
	}
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->purge_due = true;
	return true;
}

/* Begins the next file of the day that time is in. */
static bool
begin(struct protolog_file *file, const struct timespec *time)
{
	const char *path = file->order->directory;
	const long long day = time->tv_sec / SECONDS_PER_DAY;
	const int folder = protolog_folder_open(path);
	bool begun;

	if (folder < 0)
		return fail(file, "open");
	if (file->name.number == 0 || file->name.day != day) {
		file->name.day = day;
		if (protolog_folder_highest(folder, day, &file->name.number) !=
		    0) {
			fail(file, "read");
			close(folder);
			return false;
		}
	}
	begun = begin_in(file, folder, time);
	close(folder);
	return begun;
}

bool
protolog_file_obey(struct protolog_file *file, struct protolog_order *order,
    const struct timespec *time)
{
	const bool moved = file->order == NULL ||
	    strcmp(file->order->directory, order->directory) != 0;

	free(file->order);
	file->order = order;
	file->purge_due = true;
	if (!moved)
		return false;
	leave(file);
	file->name.number = 0;
	if (protolog_file_is_on(file))
		begin(file, time);
	return true;
}

/* Does a record need another file? A file with no record takes any. */
static bool
is_over(
    const struct protolog_file *file, const struct timespec *time, size_t len)
{
	const long long begins = file->name.day * SECONDS_PER_DAY;
	const long long room = file->order->settings.max_file_size - file->size;

	return file->is_full || time->tv_sec < begins - LATE_SECONDS ||
	    time->tv_sec >= begins + SECONDS_PER_DAY ||
	    (file->has_records && (long long)len > room);
}

bool
protolog_file_write(struct protolog_file *file, const struct timespec *time,
    const char *line, size_t len)
{
	if (file->fd >= 0 && is_over(file, time, len)) {
		leave(file);
		begin(file, time);
	}
	if (file->fd < 0)
		return false;
	if (!append(file, line, len))
		return false;
	file->has_records = true;
	return true;
}

/* Whether somebody renamed or removed the file, or its folder. */
static bool
is_gone(const struct protolog_file *file, int folder)
{
	char name[PROTOLOG_NAME_MAX];
	struct stat st;

	protolog_name_format(name, &file->name);
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	return st.st_ino != file->inode || st.st_dev != file->device;
}

static void
purge(struct protolog_file *file, int folder, time_t now, time_t monotonic)
{
	if (!file->purge_due && monotonic < file->purge_at)
		return;
	file->purge_due = false;
	file->purge_at = monotonic + PURGE_SECONDS;
	file->purge_error = 0;
	if (protolog_folder_purge(
		folder, &file->name, &file->order->settings, now) != 0)
		file->purge_error = errno;
}

void
protolog_file_tend(
    struct protolog_file *file, const struct timespec *time, time_t monotonic)
{
	int folder;

	if (!protolog_file_is_on(file))
		return;
	folder = protolog_folder_open(file->order->directory);
	if (folder < 0) {
		/* Without a descriptor left it can still be written. */
		if (errno == ENOENT || errno == ENOTDIR || file->fd < 0)
			fail(file, "open");
		return;
	}
	if (file->fd >= 0 && is_gone(file, folder))
		leave(file);
	if (file->fd < 0)
		begin(file, time);
	/* On a full disk this is what may make room. */
	purge(file, folder, time->tv_sec, monotonic);
	close(folder);
}
