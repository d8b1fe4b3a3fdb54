/*
 * protolog_faults.c - a protocol log on disks that are full, broken, slow or
 * gone: no half record, nothing lost that is not counted, and it works again by
 * itself.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <syslog.h>

#include "log.h"
#include "logbook.h"
#include "tap.h"

/* 2024-05-06T07:12:01Z */
#define MORNING 1714979521
#define ROW(n) "RECV20240506-" #n ".log"

/* The disk below write(2) and ftruncate(2), but for standard streams. */
static struct {
	_Atomic long long room; /* bytes that can be written; below 0: all */
	atomic_int error;       /* then */
	atomic_bool cannot_truncate;
	atomic_bool hangs;
} disk = { .room = -1 };

ssize_t
write(int fd, const void *buf, size_t len)
{
	ssize_t written;

	if (fd <= STDERR_FILENO || (disk.room < 0 && !disk.hangs))
		return syscall(SYS_write, fd, buf, len);
	while (disk.hangs)
		usleep(1000);
	if (disk.room == 0) {
		errno = disk.error;
		return -1;
	}
	if (disk.room > 0 && (long long)len > disk.room)
		len = (size_t)disk.room;
	written = syscall(SYS_write, fd, buf, len);
	if (disk.room > 0)
		disk.room -= written;
	return written;
}

int
ftruncate(int fd, off_t size)
{
	if (disk.cannot_truncate) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

static void
fill_disk(long long room, int error)
{
	disk.error = error;
	disk.room = room;
}

static void
mend_disk(void)
{
	disk.room = -1;
	disk.cannot_truncate = false;
	disk.hangs = false;
}

/* What the operator log was told, in place of log.c. */
static struct {
	pthread_mutex_t lock;
	char text[4000];
	size_t len;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
log_line(int priority, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&told.lock);
	told.len += (size_t)snprintf(told.text + told.len,
	    sizeof(told.text) - told.len, "%s %s\n",
	    priority == LOG_ERR           ? "error"
		: priority == LOG_WARNING ? "warning"
					  : "notice",
	    line);
	if (told.len >= sizeof(told.text))
		told.len = sizeof(told.text) - 1;
	pthread_mutex_unlock(&told.lock);
}

/* All that was told since last asked; "%" is the folder. */
static void
is_told(const char *want, const char *what)
{
	char full[4000];
	struct text text;

	text_init(&text, full, sizeof(full));
	for (const char *s = want; *s != '\0'; s++)
		text_printf(&text, "%.*s", *s == '%' ? 40 : 1,
		    *s == '%' ? logbook_folder : s);
	pthread_mutex_lock(&told.lock);
	is_str(told.text, full, what);
	told.text[0] = '\0';
	told.len = 0;
	pthread_mutex_unlock(&told.lock);
}

static void
is_list(const char *want, const char *what)
{
	char list[2000];

	is_str(logbook_list(list, sizeof(list)), want, what);
}

/* Whole lines, and so many records. */
static void
is_whole(const char *name, int records, const char *what)
{
	char *text = logbook_read(name);
	const size_t len = text != NULL ? strlen(text) : 0;

	ok(len > 2 && strcmp(text + len - 2, "\r\n") == 0 &&
		logbook_lines(name) == records + 5,
	    "%s: %d records, the last one whole", what, records);
	if (len > 0 && logbook_lines(name) != records + 5)
		printf("#  got: %d\n", logbook_lines(name) - 5);
	free(text);
}

/* Without a thread it is tended when it is told to obey. */
static void
pass_seconds(struct protolog *protolog, time_t seconds)
{
	const struct protocol_log_settings settings = logbook_settings();

	logbook_shift += seconds;
	protolog_configure(protolog, &settings);
}

static struct protolog *
begin(void)
{
	const struct protocol_log_settings settings = logbook_settings();

	/* Threads sleep by the clock as it is. */
	logbook_shift = 0;
	return logbook_open(&settings);
}

static void
end(struct protolog *protolog)
{
	protolog_free(protolog);
	mend_disk();
	logbook_empty();
	is_told("", "and no more was said");
}

static void
check_full(void)
{
	struct protolog *protolog = begin();

	logbook_put(protolog, MORNING, "written");
	fill_disk(10, ENOSPC);
	logbook_put(protolog, MORNING, "torn");
	is_whole(ROW(1), 1, "half a record is taken back");
	ok(protolog_is_dead(protolog), "and the log is dead");
	for (unsigned i = 0; i < 9; i++)
		logbook_put(protolog, MORNING, "lost");
	pass_seconds(protolog, 1);
	is_told(
	    "error protocol log: cannot write a file in %: No space left on "
	    "device; records are lost\n",
	    "the operator is told");
	fill_disk(100, ENOSPC);
	pass_seconds(protolog, 1);
	is_list(ROW(1), "a file that cannot take its header is none");
	ok(protolog_is_dead(protolog), "nor a sign of life");
	fill_disk(0, EDQUOT);
	pass_seconds(protolog, 58);
	is_told("", "but not more than once a minute");
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot write a file in %: Disk quota "
		"exceeded; records are lost\n",
	    "and each minute again");
	mend_disk();
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "it works again by itself");
	logbook_put(protolog, MORNING, "after");
	is_list(ROW(1) " " ROW(2), "in a new file");
	is_whole(ROW(2), 1, "that begins where the last one ended");
	pass_seconds(protolog, 1);
	is_told("notice protocol log: it can be written again; 10 records were "
		"lost\n",
	    "the operator is told that, too");
	is_int((long long)protolog_written(protolog), 2, "records written");
	is_int((long long)protolog_dropped(protolog), 10, "records lost");
	end(protolog);
}

static void
leave_old(const char *name, time_t modified)
{
	const struct timespec times[2] = { { .tv_sec = modified },
		{ .tv_sec = modified } };
	char path[LOGBOOK_PATH_MAX];

	logbook_write(name, "old");
	if (utimensat(AT_FDCWD, logbook_path(path, name), times, 0) != 0)
		perror(path);
}

/* What makes room goes also while nothing can be written. */
static void
check_room(void)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog;

	leave_old("RECV20240420-1.log", MORNING - 16 * SECONDS_PER_DAY);
	leave_old("RECV20240505-1.log", MORNING - SECONDS_PER_DAY);
	settings.max_age = 10 * SECONDS_PER_DAY;
	fill_disk(0, ENOSPC);
	logbook_shift = 0;
	protolog = logbook_open(&settings);
	ok(protolog_is_dead(protolog), "a disk that was full before");
	is_list("RECV20240505-1.log", "old files go nevertheless");
	settings.max_age = 1;
	protolog_configure(protolog, &settings);
	is_list("RECV20240505-1.log", "but never the newest one");
	is_told(
	    "error protocol log: cannot write a file in %: No space left on "
	    "device; records are lost\n",
	    "which is told");
	end(protolog);
}

/* What went wrong for a moment only. */
static void
check_moment(void)
{
	struct protolog *protolog = begin();

	pass_seconds(protolog, 60);
	fill_disk(0, EIO);
	logbook_put(protolog, MORNING, "lost");
	mend_disk();
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot write a file in %: Input/output "
		"error; records are lost\n",
	    "what is over by now is told as it was");
	ok(!protolog_is_dead(protolog), "it is over, though");
	pass_seconds(protolog, 1);
	is_told("notice protocol log: it can be written again; 1 records were "
		"lost\n",
	    "which is told after a look without a loss");
	fill_disk(0, EIO);
	logbook_put(protolog, MORNING, "lost");
	mend_disk();
	pass_seconds(protolog, 1);
	pass_seconds(protolog, 1);
	is_told("", "in the same minute none of both is told again");
	pass_seconds(protolog, 60);
	fill_disk(3, EIO);
	disk.cannot_truncate = true;
	logbook_put(protolog, MORNING, "torn for good");
	mend_disk();
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot take half a record out of a file "
		"in %: Input/output error; records are lost\n",
	    "a disk that keeps half a record");
	logbook_put(protolog, MORNING, "after");
	is_whole(ROW(4), 1, "nothing follows the half");
	pass_seconds(protolog, 1);
	is_told("notice protocol log: it can be written again; 2 records were "
		"lost\n",
	    "what had not been told is counted");
	end(protolog);
}

static void
check_folder(void)
{
	struct protolog *protolog;
	char moved[LOGBOOK_PATH_MAX];

	snprintf(moved, sizeof(moved), "%s.moved", logbook_folder);
	rmdir(logbook_folder);
	protolog = begin();
	ok(protolog_is_on(protolog) && protolog_is_dead(protolog),
	    "without its folder it is dead at once");
	logbook_put(protolog, MORNING, "lost");
	is_told("error protocol log: cannot open %: No such file or directory; "
		"records are lost\n",
	    "and the operator is told at once");
	mkdir(logbook_folder, 0700);
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "a folder that appears is used");
	pass_seconds(protolog, 1);
	is_told("notice protocol log: it can be written again; 1 records were "
		"lost\n",
	    "which is told");
	logbook_put(protolog, MORNING, "written");
	rename(logbook_folder, moved);
	pass_seconds(protolog, 60);
	ok(protolog_is_dead(protolog), "a folder that goes away is missed");
	mkdir(logbook_folder, 0700);
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "until there is another");
	logbook_put(protolog, MORNING, "written");
	is_list(ROW(2), "a number is not used twice");
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot open %: No such file or directory; "
		"records are lost\n"
		"notice protocol log: it can be written again; 0 records were "
		"lost\n",
	    "both is told");
	logbook_empty();
	pass_seconds(protolog, 1);
	is_list(ROW(3), "a file that is removed is replaced");
	protolog_free(protolog);
	logbook_empty();
	rmdir(logbook_folder);
	rename(moved, logbook_folder);
	is_whole(ROW(1), 1, "the old folder has what it had");
	logbook_empty();
	is_told("", "and no more was said");
}

/* A file where the folder should be, and names that are all taken. */
static void
check_taken(void)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog;
	char path[LOGBOOK_PATH_MAX], name[PROTOLOG_NAME_MAX];

	rmdir(logbook_folder);
	if (symlink("/dev/null", logbook_folder) != 0)
		perror(logbook_folder);
	protolog = begin();
	ok(protolog_is_dead(protolog), "no folder, but something else");
	is_told("error protocol log: cannot open %: Not a directory; records "
		"are lost\n",
	    "which is told");
	settings.directory = "/dev/null/x";
	protolog_configure(protolog, &settings);
	ok(protolog_is_dead(protolog), "nor is there one in a device");
	is_told("error protocol log: cannot open /dev/null/x: Not a directory; "
		"records are lost\n",
	    "which is told at once, for it is another");
	unlink(logbook_folder);
	mkdir(logbook_folder, 0700);
	pass_seconds(protolog, 1);
	pass_seconds(protolog, 1);
	is_told("notice protocol log: it can be written again; 0 records were "
		"lost\n",
	    "and when it is over");
	for (unsigned i = 2; i < 150; i++) {
		snprintf(name, sizeof(name), "RECV20240506-%u.log", i);
		if (symlink("/dev/null", logbook_path(path, name)) != 0)
			perror(path);
	}
	protolog_reopen(protolog);
	logbook_put(protolog, MORNING, "lost");
	ok(protolog_is_dead(protolog), "it does not try names for ever");
	pass_seconds(protolog, 60);
	ok(!protolog_is_dead(protolog), "but goes on later");
	logbook_put(protolog, MORNING, "written");
	is_whole("RECV20240506-150.log", 1, "with the first name that is free");
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot create a file in %: File exists; "
		"records are lost\n"
		"notice protocol log: it can be written again; 1 records were "
		"lost\n",
	    "all of which is told");
	end(protolog);
}

static void
check_descriptors(void)
{
	struct protolog *protolog = begin();
	struct rlimit limit, none;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	pass_seconds(protolog, 1);
	logbook_put(protolog, MORNING, "written");
	ok(!protolog_is_dead(protolog), "no descriptor is needed to go on");
	protolog_reopen(protolog);
	logbook_put(protolog, MORNING, "lost");
	ok(protolog_is_dead(protolog), "but to begin a file");
	pass_seconds(protolog, 60);
	setrlimit(RLIMIT_NOFILE, &limit);
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "and that is tried again");
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot open %: Too many open files; "
		"records are lost\n"
		"notice protocol log: it can be written again; 1 records were "
		"lost\n",
	    "what was wrong is told");
	is_whole(ROW(1), 1, "the file that was open");
	end(protolog);
}

/* Old files of somebody else's, in a way: it is told once an hour. */
static void
check_stubborn(void)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog;
	char path[LOGBOOK_PATH_MAX];

	/* Nothing can be removed from a folder that is read-only to us. */
	if (geteuid() == 0) {
		ok(1, "old files that stay # SKIP root may remove them");
		return;
	}
	logbook_write(ROW(1), "old\n");
	settings.max_directory_size = 1;
	protolog = begin();
	chmod(logbook_path(path, ""), 0500);
	for (unsigned i = 0; i < 70; i++) {
		logbook_shift += 60;
		protolog_configure(protolog, &settings);
	}
	is_told("warning protocol log: cannot remove old files in %: "
		"Permission denied\n"
		"warning protocol log: cannot remove old files in %: "
		"Permission denied\n",
	    "old files that stay are told of once an hour");
	chmod(path, 0700);
	end(protolog);
}

/* Until it is so, for at most a minute; milliseconds that took, or -1. */
static long
wait_until_dead(struct protolog *protolog, bool dead)
{
	for (long i = 0; i < 60000; i += 10) {
		if (protolog_is_dead(protolog) == dead)
			return i;
		usleep(10000);
	}
	return -1;
}

static bool
start(struct protolog *protolog)
{
	return ok(protolog_start(protolog) == 0, "a thread");
}

#define BATCH 30000

/* A disk that hangs: nobody waits for it. */
static void
check_hanging(void)
{
	struct protolog *protolog = begin();
	char junk[400];
	unsigned long lost;

	start(protolog);
	memset(junk, 'x', sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = '\0';
	disk.hangs = true;
	logbook_put(protolog, MORNING, "waits");
	usleep(100000);
	ok(!protolog_is_dead(protolog), "a disk may take its time");
	logbook_shift += 11;
	ok(wait_until_dead(protolog, true) >= 0,
	    "but not longer than ten seconds");
	logbook_shift -= 11;
	for (unsigned i = 0; i < BATCH / 2; i++)
		logbook_put(protolog, MORNING, junk);
	ok(protolog_is_dead(protolog), "much waits: dead before any is lost");
	is_int((long long)protolog_dropped(protolog), 0, "none is, yet");
	for (unsigned i = 0; i < BATCH / 2; i++)
		logbook_put(protolog, MORNING, junk);
	lost = protolog_dropped(protolog);
	ok(lost > 0, "then the oldest are lost");
	disk.hangs = false;
	ok(wait_until_dead(protolog, false) >= 0, "it recovers");
	protolog_stop(protolog, 60000);
	is_int((long long)(protolog_written(protolog) + lost), BATCH + 1,
	    "all that waited is written");
	is_whole(ROW(1), (int)(BATCH + 1 - lost), "a file with the rest");
	pass_seconds(protolog, 1);
	pass_seconds(protolog, 1);
	pthread_mutex_lock(&told.lock);
	ok(strstr(told.text, "error protocol log: records are lost, for ") ==
		    told.text &&
		strstr(told.text,
		    "cannot be written as fast as they come\n"
		    "notice protocol log: it can be written "
		    "again; ") != NULL,
	    "losses are told, and their end");
	told.text[0] = '\0';
	told.len = 0;
	pthread_mutex_unlock(&told.lock);
	end(protolog);
}

/* A disk that still hangs at the end. */
static void
check_stopping(void)
{
	static struct protolog *left;
	struct timespec before, after;

	left = begin();
	start(left);
	disk.hangs = true;
	logbook_put(left, MORNING, "never");
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &before);
	protolog_stop(left, 200);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ok(after.tv_sec - before.tv_sec < 30, "the end does not wait for it");
	protolog_free(left);
	logbook_put(left, MORNING, "too late");
	ok(protolog_dropped(left) >= 2, "what was not written is lost");
	disk.hangs = false;
	usleep(200000);
	logbook_empty();
}

/* In real time: dead and alive again within a second and a bit. */
static void
check_recovery(void)
{
	struct protolog *protolog = begin();
	long took, dead = LONG_MAX, alive = LONG_MAX;

	/* The best of three: the machine has other things to do, too. */
	start(protolog);
	for (unsigned i = 0; i < 3; i++) {
		fill_disk(20, ENOSPC);
		logbook_put(protolog, MORNING, "lost");
		took = wait_until_dead(protolog, true);
		ok(took >= 0, "dead after %ld ms", took);
		dead = took < dead ? took : dead;
		mend_disk();
		took = wait_until_dead(protolog, false);
		ok(took >= 0, "alive after %ld ms", took);
		alive = took < alive ? took : alive;
	}
	ok(dead < 1000 && alive < 1500, "soon");
	protolog_stop(protolog, 60000);
	is_int((long long)protolog_dropped(protolog), 3, "records lost");
	told.text[0] = '\0';
	told.len = 0;
	end(protolog);
}

#define TALKERS 4
#define TALKS 20000

static struct protolog *shared;

static void *
talk(void *arg)
{
	struct protocol_record record = {
		.session = protolog_session_id(shared),
		.connector = "gate",
		.event = PROTOCOL_INFORMATION,
		.data = arg,
	};

	for (; record.sequence < TALKS; record.sequence++) {
		clock_gettime(CLOCK_REALTIME, &record.time);
		while (protolog_is_dead(shared))
			usleep(1000);
		protolog_put(shared, &record);
	}
	return NULL;
}

/* The sequence numbers of all talkers in a file go on where they were. */
static bool
goes_on(const char *name, unsigned next[TALKERS])
{
	char *text = logbook_read(name);
	char *rest = NULL;
	bool right = text != NULL;

	if (text == NULL)
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		unsigned sequence, talker;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%*[^,],%*[^,],%*16[0-9A-F],%u,,,*,%u,\r",
			&sequence, &talker) != 2 ||
		    talker >= TALKERS || next[talker]++ != sequence)
			right = false;
	}
	free(text);
	return right;
}

/* Many sessions, reloads and signals at a time. */
static void
check_crowd(void)
{
	struct protocol_log_settings settings = logbook_settings();
	static char names[TALKERS][2];
	pthread_t threads[TALKERS];
	unsigned next[TALKERS] = { 0 };
	struct dirent **files = NULL;
	bool right = true;
	int count;

	logbook_now = 0;
	shared = begin();
	start(shared);
	for (unsigned i = 0; i < TALKERS; i++) {
		names[i][0] = (char)('0' + i);
		pthread_create(&threads[i], NULL, talk, names[i]);
	}
	for (unsigned i = 0; i < 100; i++) {
		settings.max_file_size = 100000 + i * 1000;
		settings.required = i % 2 == 1;
		protolog_configure(shared, &settings);
		if (i % 10 == 0)
			protolog_reopen(shared);
		usleep(2000);
	}
	for (unsigned i = 0; i < TALKERS; i++)
		pthread_join(threads[i], NULL);
	protolog_stop(shared, 60000);
	ok(protolog_is_required(shared), "the last settings are obeyed");
	is_int((long long)protolog_written(shared), TALKERS * TALKS,
	    "all records are written");
	count = scandir(logbook_folder, &files, logbook_no_dots, versionsort);
	ok(count > 10, "in many files");
	for (int i = 0; i < count; i++) {
		right = goes_on(files[i]->d_name, next) && right;
		free(files[i]);
	}
	free(files);
	for (unsigned i = 0; i < TALKERS; i++)
		right = right && next[i] == TALKS;
	ok(right, "each session's in order, and all of them");
	end(shared);
	logbook_now = MORNING;
}

/* A disk of our own, so large that its bookkeeping does not matter. */
static bool
mount_disk(void)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	return mount("none", logbook_folder, "tmpfs", 0, "size=256k") == 0;
}

static void
leave_ballast(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ok(posix_fallocate(fd, 0, 131072) == 0, "ballast on the disk");
	close(fd);
}

/* A real disk, which is filled, made room on, and made read-only. */
static void
check_disk(void)
{
	struct protolog *protolog;
	char path[LOGBOOK_PATH_MAX];
	unsigned long written;

	if (!mount_disk()) {
		ok(1, "a disk of our own # SKIP %s", strerror(errno));
		return;
	}
	leave_ballast(logbook_path(path, "ballast"));
	protolog = begin();
	for (unsigned i = 0; i < 5000 && !protolog_is_dead(protolog); i++)
		logbook_put(protolog, MORNING, "until the disk is full");
	ok(protolog_is_dead(protolog), "the disk is full");
	written = protolog_written(protolog);
	is_whole(ROW(1), (int)written, "what was written is there");
	for (unsigned i = 0; i < 10; i++)
		pass_seconds(protolog, 1);
	is_list(ROW(1) " ballast", "nothing else is left on it");
	unlink(path);
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "with room it goes on");
	logbook_put(protolog, MORNING, "written");
	is_whole(ROW(2), 1, "in a new file");
	pass_seconds(protolog, 1);
	is_told(
	    "error protocol log: cannot write a file in %: No space left on "
	    "device; records are lost\n"
	    "notice protocol log: it can be written again; 1 records were "
	    "lost\n",
	    "all of which is told");
	pass_seconds(protolog, 60);
	protolog_free(protolog);
	mount("none", logbook_folder, NULL, MS_REMOUNT | MS_RDONLY, NULL);
	protolog = begin();
	ok(protolog_is_dead(protolog), "a disk that is read-only");
	logbook_put(protolog, MORNING, "lost");
	mount("none", logbook_folder, NULL, MS_REMOUNT, NULL);
	pass_seconds(protolog, 1);
	ok(!protolog_is_dead(protolog), "and one that can be written again");
	pass_seconds(protolog, 1);
	is_told("error protocol log: cannot create a file in %: Read-only file "
		"system; records are lost\n"
		"notice protocol log: it can be written again; 1 records were "
		"lost\n",
	    "both is told");
	is_list(ROW(1) " " ROW(2) " " ROW(3), "no number was used up");
	end(protolog);
	umount(logbook_folder);
}

int
main(void)
{
	logbook_now = MORNING;
	logbook_begin();
	check_full();
	check_room();
	check_moment();
	check_folder();
	check_taken();
	check_descriptors();
	check_stubborn();
	check_disk();
	check_hanging();
	check_stopping();
	check_recovery();
	check_crowd();
	logbook_end();
	return done();
}
