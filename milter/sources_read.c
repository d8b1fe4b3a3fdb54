/*
 * sources_read.c - reading a file or a folder after it was found fit.
 */
#include "sources_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One attempt to read, and how to speak about it. */
struct attempt {
	struct sources *sources;
	struct diags *diags;
	struct place place;
	char name[DIAG_QUOTE_MAX];
	const char *path;
};

/*
 * The problem stands in the file itself, or where a setting names it; then the
 * text must name it too.
 */
static struct attempt
begin(struct sources *sources, const char *path, struct diags *diags,
    const struct place *place, const char *what)
{
	struct attempt attempt = {
		.sources = sources,
		.diags = diags,
		.path = path,
		.place = { .file = path },
	};

	if (place != NULL) {
		attempt.place = *place;
		diag_quote(attempt.name, path);
	} else {
		(void)snprintf(
		    attempt.name, sizeof(attempt.name), "the %s", what);
	}
	return attempt;
}

#define FAIL(attempt, fmt, ...) \
	diag_add((attempt)->diags, SEVERITY_ERROR, &(attempt)->place, \
	    "%s " fmt, (attempt)->name, __VA_ARGS__)

static const char *
kind(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} kinds[] = {
		/* clang-format off */
		{ S_IFREG,  "a file" },
		{ S_IFDIR,  "a directory" },
		{ S_IFLNK,  "a symbolic link" },
		{ S_IFIFO,  "a FIFO" },
		{ S_IFSOCK, "a socket" },
		{ S_IFCHR,  "a device" },
		{ S_IFBLK,  "a device" },
		/* clang-format on */
	};

	for (size_t i = 0; i < nitems(kinds); i++)
		if ((mode & S_IFMT) == kinds[i].type)
			return kinds[i].name;
	return "of an unknown kind";
}

/* Symbolic links and sockets cannot be opened: say so. */
static void
cannot_open(const struct attempt *attempt, int error)
{
	struct stat st;

	if ((error == ELOOP || error == ENXIO) &&
	    lstat(attempt->path, &st) == 0 && !S_ISREG(st.st_mode))
		FAIL(attempt, "is %s; it must be a regular file",
		    kind(st.st_mode));
	else
		FAIL(attempt,
		    "cannot be opened: %s; correct the path or its "
		    "permissions",
		    strerror(error));
}

static int
check_mode(const struct attempt *attempt, const struct stat *st)
{
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	FAIL(attempt,
	    "can be written by group or others (mode %04o); run chmod go-w",
	    (unsigned)(st->st_mode & 07777));
	return -1;
}

static int
check_file(const struct attempt *attempt, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		FAIL(attempt, "is %s; it must be a regular file",
		    kind(st->st_mode));
		return -1;
	}
	if (check_mode(attempt, st) != 0)
		return -1;
	if (st->st_size <= 0) {
		FAIL(attempt, "is empty; %s",
		    "write at least one line, or do not name it");
		return -1;
	}
	if (st->st_size > (off_t)SOURCE_SIZE_MAX) {
		FAIL(attempt, "has %lld bytes; at most %u are read",
		    (long long)st->st_size, SOURCE_SIZE_MAX);
		return -1;
	}
	return 0;
}

/* Reads until the end or until room is full; -1 with errno. */
static ssize_t
read_whole(int fd, char *bytes, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, bytes + len, room - len);

		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)len;
}

static bool
same_state(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
read_bytes(const struct attempt *attempt, int fd, struct source *source)
{
	struct stat st, after;
	size_t size;
	char *bytes;
	ssize_t len;

	if (fstat(fd, &st) != 0) {
		cannot_open(attempt, errno);
		return -1;
	}
	if (check_file(attempt, &st) != 0)
		return -1;
	size = (size_t)st.st_size;
	/* One byte more than expected shows a file that grows. */
	bytes = arena_alloc(attempt->sources->arena, size + 1, 1);
	if (bytes == NULL) {
		FAIL(attempt, "cannot be read: %s", strerror(ENOMEM));
		return -1;
	}
	len = read_whole(fd, bytes, size + 1);
	if (len < 0 || fstat(fd, &after) != 0) {
		FAIL(attempt, "cannot be read: %s", strerror(errno));
		return -1;
	}
	if ((size_t)len != size || !same_state(&st, &after)) {
		FAIL(attempt, "changed while it was read; %s",
		    "try again when it is complete");
		return -1;
	}
	source->bytes = bytes;
	source->len = size;
	return 0;
}

static int
read_file(const struct attempt *attempt, struct item *item)
{
	int fd =
	    open(item->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int result;

	if (fd == -1) {
		cannot_open(attempt, errno);
		return -1;
	}
	item->source.path = item->path;
	result = read_bytes(attempt, fd, &item->source);
	close(fd);
	return result;
}

/* Opens a folder nobody but its owner can put files into. */
static DIR *
open_folder(const struct attempt *attempt)
{
	struct stat st;
	DIR *dir = NULL;
	int fd = open(attempt->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 && errno == ENOTDIR && stat(attempt->path, &st) == 0) {
		FAIL(
		    attempt, "is %s; it must be a directory", kind(st.st_mode));
		return NULL;
	}
	if (fd != -1 && fstat(fd, &st) == 0) {
		if (check_mode(attempt, &st) != 0) {
			close(fd);
			return NULL;
		}
		dir = fdopendir(fd);
	}
	if (dir == NULL) {
		cannot_open(attempt, errno);
		if (fd != -1)
			close(fd);
	}
	return dir;
}

static bool
is_ini(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(".ini") &&
	    strcmp(name + len - strlen(".ini"), ".ini") == 0;
}

/* One more name in a list that doubles whenever a power of two is full. */
static int
add_name(struct arena *arena, struct item *folder, const char *name)
{
	size_t count = folder->count;
	size_t len = strlen(folder->path);
	const char *slash = len > 0 && folder->path[len - 1] == '/' ? "" : "/";

	if ((count & (count - 1)) == 0) {
		const char **names = arena_alloc(
		    arena, count == 0 ? 1 : count * 2, sizeof(*names));

		if (names == NULL)
			return -1;
		for (size_t i = 0; i < count; i++)
			names[i] = folder->names[i];
		folder->names = names;
	}
	folder->names[count] =
	    arena_printf(arena, "%s%s%s", folder->path, slash, name);
	if (folder->names[count] == NULL)
		return -1;
	folder->count++;
	return 0;
}

/* 0, or -1 with errno. */
static int
list_folder(DIR *dir, struct arena *arena, struct item *folder)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : -1;
		if (is_ini(entry->d_name) &&
		    add_name(arena, folder, entry->d_name) != 0) {
			errno = ENOMEM;
			return -1;
		}
	}
}

static int
by_bytes(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int
read_folder(const struct attempt *attempt, struct item *folder)
{
	struct arena *arena = attempt->sources->arena;
	DIR *dir = open_folder(attempt);
	int result;

	if (dir == NULL)
		return -1;
	/* NULL is failure, and an empty folder is none. */
	folder->names = arena_alloc(arena, 1, sizeof(*folder->names));
	result = folder->names != NULL ? list_folder(dir, arena, folder) : -1;
	if (result != 0)
		FAIL(attempt, "cannot be read: %s", strerror(errno));
	else
		qsort(folder->names, folder->count, sizeof(*folder->names),
		    by_bytes);
	closedir(dir);
	return result;
}

static struct item *
new_item(const struct attempt *attempt, struct shelf *shelf)
{
	struct item *item;

	if (attempt->sources->sealed) {
		FAIL(attempt, "was not read with the configuration; %s",
		    "load it again");
		return NULL;
	}
	item = sources_put(attempt->sources, shelf, attempt->path);
	if (item == NULL)
		FAIL(attempt, "cannot be read: %s", strerror(ENOMEM));
	return item;
}

const struct source *
sources_read(struct sources *sources, const char *path, struct diags *diags,
    const struct place *place)
{
	struct attempt attempt = begin(sources, path, diags, place, "file");
	struct item *item = sources_find(&sources->files, path);

	if (item == NULL) {
		item = new_item(&attempt, &sources->files);
		if (item != NULL)
			item->failed = read_file(&attempt, item) != 0;
	}
	return item != NULL && !item->failed ? &item->source : NULL;
}

const char *const *
sources_folder(struct sources *sources, const char *path, size_t *count,
    struct diags *diags, const struct place *place)
{
	struct attempt attempt = begin(sources, path, diags, place, "folder");
	struct item *item = sources_find(&sources->folders, path);

	*count = 0;
	if (item == NULL) {
		item = new_item(&attempt, &sources->folders);
		if (item != NULL)
			item->failed = read_folder(&attempt, item) != 0;
	}
	if (item == NULL || item->failed)
		return NULL;
	*count = item->count;
	return item->names;
}
