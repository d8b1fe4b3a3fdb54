/*
 * protolog_folder.c - the files of a protocol log's folder: names, and which
 * go.
 */
#include "protolog_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"

/* A file that is there. */
struct found {
	struct protolog_name name;
	time_t modified;
	long long size;
};

struct listing {
	struct found *files;
	size_t count;
	size_t room;
};

const char *
protolog_name_format(
    char buf[PROTOLOG_NAME_MAX], const struct protolog_name *name)
{
	const time_t begin = (time_t)(name->day * SECONDS_PER_DAY);
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&begin, &tm);
	snprintf(buf, PROTOLOG_NAME_MAX, "RECV%04d%02d%02d-%lu.log",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, name->number);
	return buf;
}

/* The number of the next digits, no more than so many; 0 without any. */
static int
read_number(const char **s, size_t digits)
{
	int number = 0;

	for (; digits > 0 && text_is_digit(**s); digits--)
		number = number * 10 + (*(*s)++ - '0');
	return number;
}

/* Whatever is not as it should be shows by writing it again. */
bool
protolog_name_parse(struct protolog_name *name, const char *text)
{
	char again[PROTOLOG_NAME_MAX];
	struct tm tm = { .tm_mday = 1 };
	const char *s = text;

	if (strncmp(s, "RECV", 4) != 0)
		return false;
	s += 4;
	tm.tm_year = read_number(&s, 4) - 1900;
	tm.tm_mon = read_number(&s, 2) - 1;
	tm.tm_mday = read_number(&s, 2);
	if (*s++ != '-')
		return false;
	name->day = timegm(&tm) / SECONDS_PER_DAY;
	name->number = (unsigned long)read_number(&s, 9);
	return name->number > 0 &&
	    strcmp(protolog_name_format(again, name), text) == 0;
}

/* Whoever it belongs to can take files away, and put others there. */
int
protolog_folder_open(const char *folder)
{
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid == 0 ||
	    st.st_uid == geteuid())
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* Another descriptor, for closedir(3). */
static DIR *
begin_reading(int folder)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

/* Keeps errno. */
static void
end_reading(DIR *dir)
{
	const int error = errno;

	closedir(dir);
	errno = error;
}

/* The next name that could be ours: 1; 0 at the end; -1 and errno. */
static int
next_name(DIR *dir, struct protolog_name *name)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno != 0 ? -1 : 0;
	} while (!protolog_name_parse(name, entry->d_name));
	return 1;
}

int
protolog_folder_highest(int folder, long long day, unsigned long *number)
{
	DIR *dir = begin_reading(folder);
	struct protolog_name name;
	int more;

	*number = 0;
	if (dir == NULL)
		return -1;
	while ((more = next_name(dir, &name)) > 0)
		if (name.day == day && name.number > *number)
			*number = name.number;
	end_reading(dir);
	return more;
}

static int
add_file(struct listing *listing, int folder, const struct protolog_name *name)
{
	char text[PROTOLOG_NAME_MAX];
	struct found *files;
	struct stat st;

	/* What vanished meanwhile, or is no file, does not count. */
	if (fstatat(folder, protolog_name_format(text, name), &st,
		AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	files = array_grow(
	    listing->files, listing->count, 1, &listing->room, sizeof(*files));
	if (files == NULL) {
		errno = ENOMEM;
		return -1;
	}
	listing->files = files;
	files[listing->count++] =
	    (struct found){ *name, st.st_mtime, st.st_size };
	return 0;
}

/* 0, or -1 and errno; the caller frees the files in any case. */
static int
list_files(struct listing *listing, int folder)
{
	DIR *dir = begin_reading(folder);
	struct protolog_name name;
	int more;

	if (dir == NULL)
		return -1;
	while ((more = next_name(dir, &name)) > 0)
		if (add_file(listing, folder, &name) != 0) {
			more = -1;
			break;
		}
	end_reading(dir);
	return more;
}

/* -1, 0 or 1, of numbers. */
#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* The oldest first; of the same second the one that was begun first. */
static int
by_age(const void *first, const void *second)
{
	const struct found *a = first, *b = second;

	if (a->modified != b->modified)
		return ORDER(a->modified, b->modified);
	if (a->name.day != b->name.day)
		return ORDER(a->name.day, b->name.day);
	return ORDER(a->name.number, b->name.number);
}

/* As with Exchange, an age of 0 is none. */
static bool
is_too_old(const struct found *file,
    const struct protocol_log_settings *settings, time_t now)
{
	return settings->max_age != 0 && settings->max_age != UNLIMITED &&
	    now - file->modified > settings->max_age;
}

static bool
is_kept(const struct listing *listing, const struct found *file,
    const struct protolog_name *keep)
{
	if (keep->number == 0)
		return file == &listing->files[listing->count - 1];
	return file->name.day == keep->day && file->name.number == keep->number;
}

static int
remove_file(int folder, const struct found *file)
{
	char text[PROTOLOG_NAME_MAX];

	if (unlinkat(folder, protolog_name_format(text, &file->name), 0) == 0)
		return 0;
	return errno == ENOENT ? 0 : -1;
}

static int
remove_files(const struct listing *listing, int folder,
    const struct protolog_name *keep,
    const struct protocol_log_settings *settings, time_t now)
{
	long long total = 0;
	int error = 0;

	for (size_t i = 0; i < listing->count; i++)
		total += listing->files[i].size;
	for (size_t i = 0; i < listing->count; i++) {
		const struct found *file = &listing->files[i];

		if (total <= settings->max_directory_size &&
		    !is_too_old(file, settings, now))
			break;
		if (is_kept(listing, file, keep))
			continue;
		if (remove_file(folder, file) == 0)
			total -= file->size;
		else
			error = errno;
	}
	errno = error;
	return error != 0 ? -1 : 0;
}

int
protolog_folder_purge(int folder, const struct protolog_name *keep,
    const struct protocol_log_settings *settings, time_t now)
{
	struct listing listing = { NULL, 0, 0 };
	int failed = list_files(&listing, folder);
	int error = errno;

	if (failed == 0 && listing.count > 0) {
		qsort(listing.files, listing.count, sizeof(*listing.files),
		    by_age);
		failed = remove_files(&listing, folder, keep, settings, now);
		error = errno;
	}
	free(listing.files);
	errno = error;
	return failed;
}
