/*
 * sources_read.c - reading a file after it was found fit.
 */
#include "sources_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The problem stands in the file itself, or where a setting names it; then the
 * text must name it too.
 */
struct attempt
attempt_begin(struct sources *sources, const char *path, struct diags *diags,
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

const char *
attempt_kind(mode_t mode)
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
void
attempt_not_opened(const struct attempt *attempt, int error)
{
	struct stat st;

	if ((error == ELOOP || error == ENXIO) &&
	    lstat(attempt->path, &st) == 0 && !S_ISREG(st.st_mode))
		FAIL(attempt, "is %s; it must be a regular file",
		    attempt_kind(st.st_mode));
	else
		FAIL(attempt,
		    "cannot be opened: %s; correct the path or its "
		    "permissions",
		    strerror(error));
}

/* Who named the first file trusts its owner, whoever that is. */
static int
check_owner(const struct attempt *attempt, const struct stat *st)
{
	struct sources *sources = attempt->sources;

	if (!sources->has_owner) {
		sources->has_owner = true;
		sources->owner = st->st_uid;
	}
	if (st->st_uid == 0 || st->st_uid == geteuid() ||
	    st->st_uid == sources->owner)
		return 0;
	FAIL(attempt,
	    "belongs to user %lu, who is neither root nor the owner of the "
	    "main file; run chown root",
	    (unsigned long)st->st_uid);
	return -1;
}

int
attempt_check_rights(const struct attempt *attempt, const struct stat *st)
{
	const unsigned mode = (unsigned)(st->st_mode & 07777);

	if (check_owner(attempt, st) != 0)
		return -1;
	if (attempt->use == USE_SECRET &&
	    (st->st_mode & (S_IWGRP | S_IRWXO)) != 0) {
		FAIL(attempt,
		    "holds a key, but others can use it or its group can "
		    "write it (mode %04o); run chmod g-w,o=",
		    mode);
		return -1;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	FAIL(attempt,
	    "can be written by group or others (mode %04o); run chmod go-w",
	    mode);
	return -1;
}

static int
check_file(const struct attempt *attempt, const struct stat *st)
{
	const unsigned most =
	    attempt->use == USE_LARGE ? SOURCE_LARGE_MAX : SOURCE_SIZE_MAX;

	if (!S_ISREG(st->st_mode)) {
		FAIL(attempt, "is %s; it must be a regular file",
		    attempt_kind(st->st_mode));
		return -1;
	}
	if (attempt_check_rights(attempt, st) != 0)
		return -1;
	if (st->st_size <= 0) {
		FAIL(attempt, "is empty; %s",
		    "write at least one line, or do not name it");
		return -1;
	}
	if (st->st_size > (off_t)most) {
		FAIL(attempt, "has %lld bytes; at most %u are read",
		    (long long)st->st_size, most);
		return -1;
	}
	return 0;
}

static int
refuse_use(const struct attempt *attempt)
{
	FAIL(attempt, "is named for two purposes; %s",
	    "give each a file of its own");
	return -1;
}

/* May a file that is read for one purpose serve the other? */
static bool
uses_agree(enum use first, enum use second)
{
	return first == second || (first == USE_PARSED && second == USE_LARGE);
}

/* A key under another name would end in the hash, or in a problem's text. */
static int
check_other_names(
    const struct attempt *attempt, struct item *item, const struct stat *st)
{
	const struct shelf *files = &attempt->sources->files;

	item->device = st->st_dev;
	item->inode = st->st_ino;
	for (size_t i = 0; i < files->count; i++) {
		const struct item *other = files->items[i];

		if (other->inode == st->st_ino && other->device == st->st_dev &&
		    (other->use == USE_SECRET) != (item->use == USE_SECRET))
			return refuse_use(attempt);
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

/* Room for the file and a byte more, which shows a file that grows. */
static char *
new_bytes(const struct attempt *attempt, struct item *item, size_t size)
{
	char *bytes;

	if (item->use == USE_PARSED)
		bytes = arena_alloc(attempt->sources->arena, size + 1, 1);
	else
		bytes = item->heap = malloc(size + 1);
	item->source.bytes = bytes;
	item->source.len = size;
	if (bytes == NULL)
		FAIL(attempt, "cannot be read: %s", strerror(ENOMEM));
	return bytes;
}

static int
keep_digest(const struct attempt *attempt, struct item *item)
{
	if (item->use != USE_LARGE ||
	    digest_of(item->digest, item->source.bytes, item->source.len) == 0)
		return 0;
	FAIL(attempt, "cannot be read: %s", strerror(ENOMEM));
	return -1;
}

static int
read_bytes(const struct attempt *attempt, int fd, struct item *item)
{
	struct stat st, after;
	size_t size;
	char *bytes;
	ssize_t len;

	if (fstat(fd, &st) != 0) {
		attempt_not_opened(attempt, errno);
		return -1;
	}
	if (check_file(attempt, &st) != 0 ||
	    check_other_names(attempt, item, &st) != 0)
		return -1;
	size = (size_t)st.st_size;
	bytes = new_bytes(attempt, item, size);
	if (bytes == NULL)
		return -1;
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
	return keep_digest(attempt, item);
}

static void
read_file(const struct attempt *attempt, struct item *item)
{
	int fd =
	    open(item->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	item->use = attempt->use;
	item->source.path = item->path;
	if (fd == -1) {
		attempt_not_opened(attempt, errno);
		return;
	}
	item->failed = read_bytes(attempt, fd, item) != 0;
	if (item->failed)
		sources_give_back(item);
	close(fd);
}

struct item *
attempt_item(const struct attempt *attempt, struct shelf *shelf)
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

/* A file that is there already, for attempt's use. */
static int
use_again(const struct attempt *attempt, struct item *item)
{
	if (item->use == USE_OPEN) {
		item->use = attempt->use;
		item->failed = keep_digest(attempt, item) != 0;
		return item->failed ? -1 : 0;
	}
	if (!uses_agree(item->use, attempt->use))
		return refuse_use(attempt);
	if (!item->released)
		return 0;
	FAIL(attempt, "is not in memory any more; %s", "load it again");
	return -1;
}

static const struct source *
read_for(struct attempt *attempt, enum use use)
{
	struct item *item =
	    sources_find(&attempt->sources->files, attempt->path);

	attempt->use = use;
	if (item == NULL) {
		item = attempt_item(attempt, &attempt->sources->files);
		if (item != NULL)
			read_file(attempt, item);
	} else if (!item->failed && use_again(attempt, item) != 0) {
		return NULL;
	}
	return item != NULL && !item->failed ? &item->source : NULL;
}

const struct source *
sources_read(struct sources *sources, const char *path, struct diags *diags,
    const struct place *place)
{
	struct attempt attempt =
	    attempt_begin(sources, path, diags, place, "file");

	return read_for(&attempt, USE_PARSED);
}

const struct source *
sources_read_large(struct sources *sources, const char *path,
    struct diags *diags, const struct place *place)
{
	struct attempt attempt =
	    attempt_begin(sources, path, diags, place, "file");

	return read_for(&attempt, USE_LARGE);
}

const struct source *
sources_read_secret(struct sources *sources, const char *path,
    struct diags *diags, const struct place *place)
{
	struct attempt attempt =
	    attempt_begin(sources, path, diags, place, "file");

	return read_for(&attempt, USE_SECRET);
}
