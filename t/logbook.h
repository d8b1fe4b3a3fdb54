/*
 * logbook.h - a protocol log in a folder of its own below /tmp, for tests, and
 * the clocks it goes by.
 */
#ifndef LOGBOOK_H
#define LOGBOOK_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "protolog_parts.h"

#define LOGBOOK_PATH_MAX 512

static char logbook_folder[] = "/tmp/connector-milter.XXXXXX";

/* The time of day, unless 0, and how much later it seems to be. */
static _Atomic time_t logbook_now;
static _Atomic time_t logbook_shift;

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	const int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME && logbook_now != 0)
		*now = (struct timespec){ .tv_sec = logbook_now };
	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += logbook_shift;
	return result;
}

__attribute__((unused)) static void
logbook_begin(void)
{
	if (mkdtemp(logbook_folder) == NULL) {
		perror(logbook_folder);
		exit(2);
	}
}

__attribute__((unused)) static const char *
logbook_path(char path[LOGBOOK_PATH_MAX], const char *name)
{
	snprintf(path, LOGBOOK_PATH_MAX, "%s/%s", logbook_folder, name);
	return path;
}

__attribute__((unused)) static void
logbook_write(const char *name, const char *text)
{
	char path[LOGBOOK_PATH_MAX];
	FILE *out = fopen(logbook_path(path, name), "w");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		perror(path);
}

/* What is in a file of the folder; the caller frees it. NULL: no file. */
__attribute__((unused)) static char *
logbook_read(const char *name)
{
	char path[LOGBOOK_PATH_MAX];
	FILE *in = fopen(logbook_path(path, name), "r");
	char *text = NULL;
	size_t room = 0;

	if (in == NULL)
		return NULL;
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(in);
	return text;
}

/* Lines of a file; -1: no file. */
__attribute__((unused)) static int
logbook_lines(const char *name)
{
	char *text = logbook_read(name);
	int lines = 0;

	if (text == NULL)
		return -1;
	for (const char *s = text; *s != '\0'; s++)
		lines += *s == '\n';
	free(text);
	return lines;
}

static int
logbook_no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The names in the folder, in order, with blanks between; in buf. */
__attribute__((unused)) static const char *
logbook_list(char *buf, size_t size)
{
	struct dirent **names = NULL;
	const int count =
	    scandir(logbook_folder, &names, logbook_no_dots, versionsort);
	struct text text;

	text_init(&text, buf, size);
	for (int i = 0; i < count; i++) {
		text_printf(&text, "%s%s", i > 0 ? " " : "", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return buf;
}

static int
logbook_remove(const char *path, UNUSED const struct stat *st, UNUSED int kind,
    struct FTW *place)
{
	return place->level > 0 ? remove(path) : 0;
}

/* Removes what is in the folder. */
__attribute__((unused)) static void
logbook_empty(void)
{
	if (nftw(logbook_folder, logbook_remove, 8, FTW_DEPTH | FTW_PHYS) != 0)
		perror(logbook_folder);
}

__attribute__((unused)) static void
logbook_end(void)
{
	logbook_empty();
	rmdir(logbook_folder);
}

__attribute__((unused)) static struct protocol_log_settings
logbook_settings(void)
{
	return (struct protocol_log_settings){
		.directory = logbook_folder,
		.max_file_size = UNLIMITED,
		.max_directory_size = UNLIMITED,
		.max_age = UNLIMITED,
	};
}

/* A log without a thread: what is put is written at once. */
__attribute__((unused)) static struct protolog *
logbook_open(const struct protocol_log_settings *settings)
{
	struct protolog *protolog = protolog_new();

	if (protolog == NULL)
		exit(2);
	protolog_configure(protolog, settings);
	return protolog;
}

/* A record of that second. */
__attribute__((unused)) static void
logbook_put(struct protolog *protolog, time_t seconds, const char *data)
{
	const struct protocol_record record = {
		.time = { .tv_sec = seconds },
		.connector = "gate",
		.session = 1,
		.local = { { ADDR_IPV4, 0x7f000001 }, 25 },
		.remote = { { ADDR_IPV4, 0xc0000209 }, 41022 },
		.event = PROTOCOL_RECEIVED,
		.data = data,
	};

	protolog_put(protolog, &record);
}

#endif
