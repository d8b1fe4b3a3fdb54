/*
 * sources_folder.c - the names of a folder, after it was found fit.
 */
#include "sources_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a folder nobody but its owner can put files into. */
static DIR *
open_folder(const struct attempt *attempt)
{
	struct stat st;
	DIR *dir = NULL;
	int fd = open(attempt->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 && errno == ENOTDIR && stat(attempt->path, &st) == 0) {
		FAIL(attempt, "is %s; it must be a directory",
		    attempt_kind(st.st_mode));
		return NULL;
	}
	if (fd != -1 && fstat(fd, &st) == 0) {
		if (attempt_check_rights(attempt, &st) != 0) {
			close(fd);
			return NULL;
		}
		dir = fdopendir(fd);
	}
	if (dir == NULL) {
		attempt_not_opened(attempt, errno);
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

const char *const *
sources_folder(struct sources *sources, const char *path, size_t *count,
    struct diags *diags, const struct place *place)
{
	struct attempt attempt =
	    attempt_begin(sources, path, diags, place, "folder");
	struct item *item = sources_find(&sources->folders, path);

	*count = 0;
	if (item == NULL) {
		item = attempt_item(&attempt, &sources->folders);
		if (item != NULL)
			item->failed = read_folder(&attempt, item) != 0;
	}
	if (item == NULL || item->failed)
		return NULL;
	*count = item->count;
	return item->names;
}
