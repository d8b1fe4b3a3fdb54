/*
 * queue.c - counts the messages of Postfix's or Sendmail's queue.
 *
 * The MTA works in these folders at the same time: what has gone meanwhile is
 * no error, and the number is as exact as it can be.
 */
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct count {
	bool (*is_message)(const char *name);
	long long found;
	long long most;
	long long entries; /* looked at */
	unsigned depth;
};

static int count_folder(struct count *count, int fd);

/* In Postfix's folders. */
static bool
is_any_file(const char *name UNUSED)
{
	return true;
}

/* Of Sendmail's several files for a message, the one with its envelope. */
static bool
is_envelope(const char *name)
{
	return (name[0] == 'q' || name[0] == 'Q') && name[1] == 'f';
}

/* Hidden ones, both dots, and what fsck(8) found. */
static bool
is_foreign(const char *name)
{
	return name[0] == '.' || strcmp(name, "lost+found") == 0;
}

static int
open_folder(int parent, const char *name)
{
	return openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* S_IFREG ...; 0: gone meanwhile; -1 and errno. */
static int
type_of(int folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return (int)DTTOIF(entry->d_type);
	if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (int)(st.st_mode & S_IFMT);
	return errno == ENOENT ? 0 : -1;
}

static int
count_subfolder(struct count *count, int parent, const char *name)
{
	const int fd = open_folder(parent, name);
	int result;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	count->depth++;
	result = count_folder(count, fd);
	count->depth--;
	return result;
}

static int
count_entry(struct count *count, int folder, const struct dirent *entry)
{
	int type;

	if (count->entries++ >= queue_entries_max(count->most)) {
		errno = EFBIG;
		return -1;
	}
	if (is_foreign(entry->d_name))
		return 0;
	type = type_of(folder, entry);
	if (type == -1)
		return -1;
	if (type == S_IFDIR)
		return count_subfolder(count, folder, entry->d_name);
	if (type == S_IFREG && count->is_message(entry->d_name))
		count->found++;
	return 0;
}

static int
count_entries(struct count *count, DIR *dir)
{
	const int folder = dirfd(dir);

	while (count->found < count->most) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : -1;
		if (count_entry(count, folder, entry) != 0)
			return -1;
	}
	return 0;
}

/* Takes fd. */
static int
count_folder(struct count *count, int fd)
{
	DIR *dir = NULL;
	int result = -1;
	int saved;

	if (count->depth > QUEUE_DEPTH_MAX)
		errno = EFBIG;
	else
		dir = fdopendir(fd);
	if (dir != NULL)
		result = count_entries(count, dir);
	saved = errno;
	if (dir != NULL)
		closedir(dir);
	else
		close(fd);
	errno = saved;
	return result;
}

/* Takes fd, the queue's own folder. */
static int
count_queue(struct count *count, int fd)
{
	static const char *const postfix[] = { "incoming", "active",
		"deferred" };
	bool is_postfix = false;
	int result = 0;
	int saved;

	count->is_message = is_any_file;
	for (size_t i = 0; i < nitems(postfix) && result == 0; i++) {
		struct stat st;

		if (fstatat(fd, postfix[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			is_postfix = true;
			result = count_subfolder(count, fd, postfix[i]);
		} else if (errno != ENOENT) {
			result = -1;
		}
	}
	if (result == 0 && !is_postfix) {
		count->is_message = is_envelope;
		return count_folder(count, fd);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}

long long
queue_length(const char *directory, long long most)
{
	struct count count = { .most = most };
	/* The path itself is the administrator's, links and all. */
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || count_queue(&count, fd) != 0)
		return -1;
	return count.found;
}
