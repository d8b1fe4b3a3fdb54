/*
 * protolog_parts.h - what the files of the protolog room share.
 *
 * protolog_record.c makes lines, protolog_folder.c knows the files of a folder
 * and removes old ones, protolog_file.c writes the newest of them, protolog.c
 * stands between sessions, settings and the thread. No other room includes
 * this. But for protolog_record.c, which is pure, this is the thread's alone.
 */
#ifndef PROTOLOG_PARTS_H
#define PROTOLOG_PARTS_H

#include <sys/types.h>

#include "protolog.h"
#include "text.h"

#define SECONDS_PER_DAY 86400

/* The five lines that each file begins with. */
#define PROTOLOG_HEADER_MAX 512
size_t protolog_header(
    char buf[PROTOLOG_HEADER_MAX], const struct timespec *time);

/* A file of a folder: the day it was begun for, and which of that day. */
struct protolog_name {
	long long day; /* since 1970, UTC */
	unsigned long number;
};

#define PROTOLOG_NAME_MAX 40
const char *protolog_name_format(
    char buf[PROTOLOG_NAME_MAX], const struct protolog_name *name);

/* Is it exactly what protolog_name_format writes, up to number 999999999? */
bool protolog_name_parse(struct protolog_name *name, const char *text);

/*
 * For openat(2) and the functions below; -1 and errno. folder is a path that
 * may be a symbolic link, for the administrator made it.
 */
int protolog_folder_open(const char *folder) NODISCARD;

/* The highest number of a day, whatever has that name; -1 and errno. */
int protolog_folder_highest(
    int folder, long long day, unsigned long *number) NODISCARD;

/*
 * Removes what settings have no room for at the time now, oldest first, but
 * never the file keep (number 0: the newest one). Nothing but regular files of
 * our names is looked at. 0, or -1 and errno when something could not be
 * removed or read.
 */
int protolog_folder_purge(int folder, const struct protolog_name *keep,
    const struct protocol_log_settings *settings, time_t now) NODISCARD;

/* Settings, and the text that they point to. */
struct protolog_order {
	struct protocol_log_settings settings;
	char directory[];
};

/* The newest file of a folder. */
struct protolog_file {
	struct protolog_order *order; /* NULL: nothing is written */
	int fd;                       /* -1: nothing can be written */
	struct protolog_name name;    /* number 0: none in this folder */
	dev_t device;
	ino_t inode;
	long long size;
	bool has_records;
	bool is_full;       /* the next record begins another */
	bool purge_due;     /* there is a new one */
	time_t purge_at;    /* monotonic seconds */
	const char *failed; /* what could not be done; NULL: nothing */
	int error;          /* its errno */
	int purge_error;
};

void protolog_file_init(struct protolog_file *file);
void protolog_file_done(struct protolog_file *file);

/* Takes order. When it names another folder: true, and begins a file there. */
bool protolog_file_obey(struct protolog_file *file,
    struct protolog_order *order, const struct timespec *time);

/* Has it a folder? And can that not be written? */
bool protolog_file_is_on(const struct protolog_file *file);
bool protolog_file_is_dead(const struct protolog_file *file);

/*
 * Writes the whole line of a record of that time, or nothing of it; then the
 * file is dead until protolog_file_tend.
 */
bool protolog_file_write(struct protolog_file *file,
    const struct timespec *time, const char *line, size_t len);

/*
 * About once a second: begins a file when there is none, or when it was taken
 * away; removes old ones after that, and each minute.
 */
void protolog_file_tend(
    struct protolog_file *file, const struct timespec *time, time_t monotonic);

#endif
