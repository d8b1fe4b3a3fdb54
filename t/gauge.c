/*
 * gauge.c - back pressure: borders and levels, what /proc/meminfo may say,
 * queues of both MTAs, what the log says and when, and a disk that really
 * fills.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"
#include "gauge_parts.h"
#include "queue.h"
#include "sources.h"
#include "text.h"

#define LOW PRESSURE_LOW
#define MEDIUM PRESSURE_MEDIUM
#define HIGH PRESSURE_HIGH
#define UNKNOWN PRESSURE_UNKNOWN

#define SECOND 1000000000LL
#define NOBODY 65534

static char ground[] = "/tmp/gauge-XXXXXX";
static const struct thresholds rising = { true, 890, 990, 900, 800 };
static const struct thresholds falling = { true, 1000, 500, 750, 2000 };
/* High is left below where medium begins. */
static const struct thresholds deep = { true, 890, 990, 850, 800 };

/* clang-format off */
static const struct {
	const char *what;
	const struct thresholds *thresholds;
	enum pressure level;
	long long value;
	enum pressure want;
} steps[] = {
	{ "nothing is low", &rising, LOW, 0, LOW },
	{ "just below medium", &rising, LOW, 889, LOW },
	{ "medium is reached", &rising, LOW, 890, MEDIUM },
	{ "just below high", &rising, LOW, 989, MEDIUM },
	{ "high at once", &rising, LOW, 990, HIGH },
	{ "all there is", &rising, LOW, 1000, HIGH },
	{ "medium stays below its border", &rising, MEDIUM, 889, MEDIUM },
	{ "medium stays above where it is left", &rising, MEDIUM, 801, MEDIUM },
	{ "medium is left", &rising, MEDIUM, 800, LOW },
	{ "medium is left far below", &rising, MEDIUM, 0, LOW },
	{ "medium stays just below high", &rising, MEDIUM, 989, MEDIUM },
	{ "high is reached from medium", &rising, MEDIUM, 990, HIGH },
	{ "high stays", &rising, HIGH, 990, HIGH },
	{ "high stays above where it is left", &rising, HIGH, 901, HIGH },
	{ "high is left", &rising, HIGH, 900, MEDIUM },
	{ "high is left for medium only", &rising, HIGH, 801, MEDIUM },
	{ "high is left for low", &rising, HIGH, 800, LOW },
	{ "high stays where medium begins", &deep, HIGH, 890, HIGH },
	{ "high stays below where medium begins", &deep, HIGH, 851, HIGH },
	{ "high is left there", &deep, HIGH, 850, MEDIUM },
	{ "and is medium without ever reaching it", &deep, MEDIUM, 850, MEDIUM },
	{ "plenty free", &falling, LOW, LLONG_MAX, LOW },
	{ "just above medium", &falling, LOW, 1001, LOW },
	{ "free sinks to medium", &falling, LOW, 1000, MEDIUM },
	{ "just above high", &falling, LOW, 501, MEDIUM },
	{ "free sinks to high at once", &falling, LOW, 500, HIGH },
	{ "nothing free", &falling, LOW, 0, HIGH },
	{ "free stays medium", &falling, MEDIUM, 1999, MEDIUM },
	{ "free rises to low", &falling, MEDIUM, 2000, LOW },
	{ "free sinks on to high", &falling, MEDIUM, 500, HIGH },
	{ "free stays high", &falling, HIGH, 749, HIGH },
	{ "free rises to medium", &falling, HIGH, 750, MEDIUM },
	{ "free rises to low at once", &falling, HIGH, 2000, LOW },
};

static const struct {
	const char *what;
	unsigned long long part, whole;
	long long want;
} shares[] = {
	{ "nothing", 0, 1000, 0 },
	{ "all", 1000, 1000, 1000 },
	{ "as much as nothing is something", 1, 1000000, 1 },
	{ "a third, rounded up", 1, 3, 334 },
	{ "two thirds, rounded up", 2, 3, 667 },
	{ "exact ones are not rounded", 890, 1000, 890 },
	{ "one short of all", 999999, 1000000, 1000 },
	{ "nothing of nothing", 0, 0, -1 },
	{ "more than all", 2, 1, -1 },
	{ "half of more than can be multiplied", ULLONG_MAX / 2, ULLONG_MAX,
	    500 },
	{ "all of that", ULLONG_MAX, ULLONG_MAX, 1000 },
};

static const struct {
	const char *what;
	const char *text;
	long long want;
} memories[] = {
	{ "as Linux says it",
	    "MemTotal:        8000000 kB\nMemFree:          100000 kB\n"
	    "MemAvailable:    2000000 kB\nBuffers:           10000 kB\n", 750 },
	{ "in another order",
	    "MemAvailable: 1 kB\nMemFree: 9 kB\nMemTotal: 4 kB\n", 750 },
	{ "all is available", "MemTotal: 4 kB\nMemAvailable: 4 kB\n", 0 },
	{ "nothing is", "MemTotal: 4 kB\nMemAvailable: 0 kB\n", 1000 },
	{ "behind a TAB", "MemTotal:\t4 kB\nMemAvailable:\t3 kB\n", 250 },
	{ "no text", "", -1 },
	{ "a kernel before 3.14", "MemTotal: 4 kB\nMemFree: 4 kB\n", -1 },
	{ "no total", "MemAvailable: 4 kB\n", -1 },
	{ "a total of nothing", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", -1 },
	{ "more available than there is",
	    "MemTotal: 4 kB\nMemAvailable: 5 kB\n", -1 },
	{ "a torn line", "MemTotal: 4 kB\nMemAvailable: 4", -1 },
	{ "another unit", "MemTotal: 4 MB\nMemAvailable: 4 MB\n", -1 },
	{ "no number", "MemTotal: 4 kB\nMemAvailable: kB\n", -1 },
	{ "a negative one", "MemTotal: 4 kB\nMemAvailable: -4 kB\n", -1 },
	{ "one that overflows", "MemTotal: 18446744073709551617 kB\n"
	    "MemAvailable: 1 kB\n", -1 },
	{ "a name within another",
	    "XMemTotal: 4 kB\nMemTotal: 8 kB\nHugeMemAvailable: 1 kB\n"
	    "MemAvailable: 2 kB\n", 750 },
	{ "a name inside a line", "x MemTotal: 4 kB\nMemAvailable: 2 kB\n",
	    -1 },
};
/* clang-format on */

static void
test_tables(void)
{
	for (size_t i = 0; i < nitems(steps); i++)
		is_int(gauge_next(steps[i].thresholds,
			   steps[i].thresholds == &falling, steps[i].level,
			   steps[i].value),
		    steps[i].want, steps[i].what);
	for (size_t i = 0; i < nitems(shares); i++)
		is_int(gauge_share(shares[i].part, shares[i].whole),
		    shares[i].want, shares[i].what);
	for (size_t i = 0; i < nitems(memories); i++)
		is_int(gauge_memory(memories[i].text), memories[i].want,
		    memories[i].what);
}

/* Once low again, only what was ever low, medium or high goes on. */
static void
test_every_way(void)
{
	int right = 1;

	for (long long a = 0; a <= 1000; a += 5)
		for (long long b = 0; b <= 1000; b += 5) {
			const enum pressure first =
			    gauge_next(&rising, false, LOW, a);
			const enum pressure then =
			    gauge_next(&rising, false, first, b);

			right &= gauge_next(&rising, false, then, b) == then;
			right &= b < 990 || then == HIGH;
			right &= b > 800 || then == LOW;
			right &= b < 890 || then != LOW;
			right &= b > 900 || b >= 990 || then != HIGH;
		}
	ok(right, "whatever came before, a value has one level, or two");
}

/* Files and folders below the test's own; ends the test when it cannot. */

/* Good for the call it is made for, and one more. */
static const char *
at(const char *path)
{
	static char whole[2][PATH_MAX];
	static unsigned turn;
	char *const buf = whole[turn++ % 2];

	snprintf(buf, PATH_MAX, "%s/%s", ground, path);
	return buf;
}

static void
bail(const char *path)
{
	printf("Bail out! %s: %s\n", path, strerror(errno));
	exit(2);
}

static void
folder(const char *path)
{
	if (mkdir(at(path), 0700) != 0)
		bail(path);
}

static void
file(const char *path)
{
	const int fd = open(at(path), O_CREAT | O_EXCL | O_WRONLY, 0600);

	if (fd == -1 || close(fd) != 0)
		bail(path);
}

static void
files(const char *prefix, unsigned count)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s%u", prefix, i);
		file(path);
	}
}

static void
gone(const char *path)
{
	if (remove(at(path)) != 0)
		bail(path);
}

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static long long
length(const char *path)
{
	return queue_length(at(path), 1000);
}

static void
test_postfix(void)
{
	folder("postfix");
	folder("postfix/incoming");
	is_int(length("postfix"), 0, "a queue without a message");
	folder("postfix/active");
	folder("postfix/deferred");
	folder("postfix/deferred/0");
	folder("postfix/deferred/0/F");
	folder("postfix/maildrop");
	files("postfix/incoming/4F", 3);
	files("postfix/active/4F", 2);
	files("postfix/deferred/0/F/4F", 4);
	files("postfix/deferred/0/5A", 1);
	files("postfix/maildrop/7", 5);
	files("postfix/qf", 5);
	is_int(length("postfix"), 10, "all that wait, hashed or not");
	file("postfix/active/.hidden");
	if (symlink("4F0", at("postfix/active/link")) != 0 ||
	    mkfifo(at("postfix/active/pipe"), 0600) != 0 ||
	    symlink("../deferred", at("postfix/incoming/link")) != 0 ||
	    symlink("..", at("postfix/deferred/loop")) != 0)
		bail("links");
	is_int(length("postfix"), 10, "neither links nor pipes count");
	is_int(queue_length(at("postfix"), 4), 4, "no more than asked for");
	is_int(queue_length(at("postfix"), 10), 10, "nor one");
	if (symlink("postfix", at("link")) != 0)
		bail("link");
	is_int(length("link"), 10, "a queue that is named by a link");
	gone("postfix/active/link");
	gone("postfix/active/pipe");
}

static void
test_sendmail(void)
{
	folder("mqueue");
	is_int(length("mqueue"), 0, "an empty folder");
	files("mqueue/qf8A", 3);
	files("mqueue/df8A", 3);
	files("mqueue/xf8A", 3);
	files("mqueue/hf8A", 3);
	files("mqueue/Qf8B", 2);
	file("mqueue/q");
	is_int(length("mqueue"), 5, "envelopes, lost ones too");
	folder("mqueue/q1");
	folder("mqueue/q1/qf");
	folder("mqueue/q1/df");
	files("mqueue/q1/qf/qf8C", 4);
	files("mqueue/q1/df/df8C", 4);
	is_int(length("mqueue"), 9, "and those of folders below");
	folder("mqueue/lost+found");
	files("mqueue/lost+found/qf", 2);
	if (symlink("q1", at("mqueue/q2")) != 0)
		bail("q2");
	is_int(length("mqueue"), 9, "but not what fsck found, nor by a link");
}

static void
is_unreadable(const char *path, int error, const char *what)
{
	errno = 0;
	is_int(length(path), -1, what);
	is_int(errno, error, "for this reason");
}

static void
test_unreadable(void)
{
	char path[PATH_MAX] = "deep";

	is_unreadable("nowhere", ENOENT, "a queue that is not there");
	file("file");
	is_unreadable("file", ENOTDIR, "a queue that is a file");
	folder("odd");
	folder("odd/active");
	is_int(length("odd"), 0, "a queue with one of the folders");
	file("odd/deferred");
	is_unreadable("odd", ENOTDIR, "a queue whose folder is a file");
	gone("odd/deferred");
	if (symlink(at("postfix/deferred"), at("odd/incoming")) != 0)
		bail("incoming");
	is_unreadable("odd", ENOTDIR, "a queue whose folder is a link");
	folder(path);
	for (size_t i = 0; i <= QUEUE_DEPTH_MAX; i++) {
		if (i == QUEUE_DEPTH_MAX)
			is_int(length("deep"), 0, "as deep as a queue may be");
		strcat(path, "/d");
		folder(path);
	}
	is_unreadable("deep", EFBIG, "a folder deeper than that");
}

/* Twice as many links as one file may have on any file system. */
static void
links(const char *name, long long from, long long to)
{
	char path[64], target[PATH_MAX];

	for (long long i = from; i < to; i++) {
		snprintf(path, sizeof(path), "huge/%lld", i);
		if (i % 30000 == from % 30000) {
			snprintf(target, sizeof(target), "%s", at(path));
			file(path);
		} else if (link(target, at(path)) != 0) {
			bail(name);
		}
	}
}

static void
test_bounded(void)
{
	const long long max = queue_entries_max(1);

	folder("huge");
	/* Both dots are entries, too. */
	links("huge", 0, max - 2);
	is_int(queue_length(at("huge"), 1), 0, "as many entries as are read");
	links("huge", max - 2, max - 1);
	errno = 0;
	is_int(queue_length(at("huge"), 1), -1, "one more is too many");
	is_int(errno, EFBIG, "for this reason");
	is_int(queue_length(at("huge"), 2), 0, "but not for more messages");
	ok(queue_entries_max(LLONG_MAX - 1) > 0, "whatever is asked for");
}

/* As nobody, in a process of its own: errno, or 0 for what can be read. */
static int
seen_by_nobody(const char *path)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == -1)
		bail("fork");
	if (pid == 0) {
		if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
			_exit(255);
		_exit(length(path) == -1 ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		bail("nobody");
	return WEXITSTATUS(status);
}

static void
test_nobody(void)
{
	static const char skip[] = "ok %d - # SKIP only root can be nobody\n";

	if (geteuid() != 0) {
		printf(skip, ++tap_count);
		return;
	}
	if (chmod(ground, 0711) != 0 || chmod(at("postfix"), 0755) != 0)
		bail("chmod");
	is_int(seen_by_nobody("postfix"), EACCES, "a queue for Postfix alone");
	is_int(seen_by_nobody("mqueue"), EACCES, "a queue for root alone");
	if (chmod(at("mqueue"), 0755) != 0)
		bail("chmod");
	is_int(seen_by_nobody("mqueue"), EACCES, "one folder of it is");
	if (chmod(at("mqueue/q1"), 0755) != 0 ||
	    chmod(at("mqueue/q1/qf"), 0755) != 0 ||
	    chmod(at("mqueue/q1/df"), 0755) != 0)
		bail("chmod");
	is_int(seen_by_nobody("mqueue"), 0, "a queue for all to read");
}

/* Another process moves messages about until it is killed. */
static pid_t
start_moving(void)
{
	const pid_t pid = fork();
	char here[PATH_MAX], there[PATH_MAX];

	snprintf(here, sizeof(here), "%s", at("postfix/incoming/4F0"));
	snprintf(there, sizeof(there), "%s", at("postfix/active/moved"));
	while (pid == 0) {
		(void)mkdir(at("postfix/deferred/1"), 0700);
		(void)rename(here, there);
		(void)rmdir(at("postfix/deferred/1"));
		(void)rename(there, here);
	}
	return pid;
}

static void
test_moving(void)
{
	const pid_t pid = start_moving();
	bool right = pid > 0;

	for (unsigned i = 0; i < 3000; i++) {
		const long long found = length("postfix");

		/* What is on its way is met once, twice or not at all. */
		right = right && found >= 9 && found <= 11;
	}
	ok(right, "messages come and go while they are counted");
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* What the log says goes here instead. */
static int heard = -1, stderr_was = -1;

static void
listen_to_log(void)
{
	fflush(stderr);
	stderr_was = dup(STDERR_FILENO);
	heard = open(at("heard"), O_CREAT | O_RDWR | O_APPEND, 0600);
	if (stderr_was == -1 || heard == -1 || dup2(heard, STDERR_FILENO) == -1)
		bail("stderr");
}

/* The lines since the last time. */
static const char *
said(void)
{
	static char text[4096];
	ssize_t n;

	fflush(stderr);
	n = pread(heard, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	if (ftruncate(heard, 0) != 0)
		bail("heard");
	return text;
}

static void
listen_no_more(void)
{
	fflush(stderr);
	if (dup2(stderr_was, STDERR_FILENO) == -1)
		bail("stderr");
	close(stderr_was);
	close(heard);
	gone("heard");
}

static void
says(const char *want)
{
	char first[256];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(want, "\n"), want);
	is_str(said(), want, first[0] != '\0' ? first : "nothing is said");
}

/* The time of the last poll, by which all else is asked. */
static long long polled_at;

static bool
polled(struct gauge *gauge, const struct pressure_settings *settings,
    long long now)
{
	polled_at = now;
	return gauge_poll(gauge, settings, now);
}

static struct gauge *
gauge_or_bail(void)
{
	struct gauge *gauge = gauge_new();

	if (gauge == NULL)
		bail("gauge_new");
	return gauge;
}

static void
is_level(const struct gauge *gauge, enum pressure want, const char *what)
{
	is_str(pressure_name(gauge_level(gauge, polled_at)),
	    pressure_name(want), what);
}

static void
test_queue_polls(void)
{
	char queue[PATH_MAX];
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = queue };
	struct gauge_reading readings[RESOURCE_COUNT];
	const struct gauge_reading *reading = &readings[RESOURCE_QUEUE_LENGTH];
	struct gauge *gauge = gauge_or_bail();

	settings.thresholds[RESOURCE_QUEUE_LENGTH] =
	    (struct thresholds){ true, 3, 6, 4, 1 };
	folder("polled");
	folder("polled/active");
	snprintf(queue, sizeof(queue), "%s", at("polled"));
	listen_to_log();
	is_level(gauge, LOW, "a gauge that was never polled");
	files("polled/active/a", 2);
	ok(polled(gauge, &settings, 0), "two messages");
	is_level(gauge, LOW, "are low");
	says("");
	files("polled/active/b", 5);
	ok(polled(gauge, &settings, GAUGE_QUEUE_INTERVAL_NS - 1),
	    "seven, too early");
	is_level(gauge, LOW, "are not seen yet");
	ok(polled(gauge, &settings, GAUGE_QUEUE_INTERVAL_NS), "in time");
	is_level(gauge, HIGH, "are high");
	says("back pressure: queue_length is high: 6 in the queue (high from "
	     "6)\n");
	gauge_read(gauge, readings, polled_at);
	is_str(reading->name, "queue_length", "by its name");
	ok(reading->set && reading->value == 6 && reading->level == HIGH,
	    "not more are counted than high has");
	ok(!readings[RESOURCE_DISK].set && readings[RESOURCE_DISK].value == -1,
	    "nothing else is looked at");
	gone("polled/active/b0");
	gone("polled/active/b1");
	ok(polled(gauge, &settings, 20 * SECOND), "five");
	is_level(gauge, HIGH, "are still high");
	gone("polled/active/b2");
	ok(polled(gauge, &settings, 30 * SECOND), "four");
	is_level(gauge, MEDIUM, "are medium");
	says("back pressure: queue_length is medium: 4 in the queue "
	     "(medium again from 4)\n");
	if (rename(queue, at("away")) != 0)
		bail("away");
	ok(!polled(gauge, &settings, 40 * SECOND), "no queue");
	is_level(gauge, UNKNOWN, "is unknown");
	says("back pressure: queue_length cannot be read: No such file or "
	     "directory; mail is deferred\n");
	gauge_read(gauge, readings, polled_at);
	ok(reading->set && reading->value == -1 && reading->level == UNKNOWN,
	    "and has no value");
	ok(polled(gauge, &settings, 41 * SECOND), "nothing is due");
	is_level(gauge, UNKNOWN, "but it stays unknown");
	ok(!polled(gauge, &settings, 99 * SECOND), "still none");
	says("");
	ok(!polled(gauge, &settings, 110 * SECOND), "a minute later");
	says("back pressure: queue_length cannot be read: No such file or "
	     "directory; mail is deferred\n");
	if (rename(at("away"), queue) != 0)
		bail("away");
	gone("polled/active/b3");
	gone("polled/active/a0");
	ok(polled(gauge, &settings, 120 * SECOND), "two again");
	is_level(gauge, MEDIUM, "are as medium as before");
	says("back pressure: queue_length is medium: 2 in the queue\n");
	gone("polled/active/a1");
	ok(polled(gauge, &settings, 130 * SECOND), "one");
	is_level(gauge, LOW, "is low");
	says("back pressure: queue_length is low: 1 in the queue "
	     "(low again from 1)\n");
	listen_no_more();
	gauge_free(gauge);
}

/* A reload, so to speak. */
static void
test_other_settings(void)
{
	char queue[PATH_MAX];
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = queue };
	struct thresholds *borders =
	    &settings.thresholds[RESOURCE_QUEUE_LENGTH];
	struct gauge_reading readings[RESOURCE_COUNT];
	struct gauge *gauge = gauge_or_bail();

	snprintf(queue, sizeof(queue), "%s", at("polled"));
	files("polled/active/c", 4);
	*borders = (struct thresholds){ true, 5, 6, 5, 1 };
	listen_to_log();
	ok(polled(gauge, &settings, 0), "five messages");
	is_level(gauge, MEDIUM, "are medium");
	says("back pressure: queue_length is medium: 5 in the queue "
	     "(medium from 5)\n");
	*borders = (struct thresholds){ true, 6, 7, 6, 1 };
	ok(polled(gauge, &settings, 1), "other borders, at once");
	is_level(gauge, LOW, "count as if nothing had been before");
	says("back pressure: queue_length is low: 5 in the queue\n");
	*borders = (struct thresholds){ true, 4, 5, 4, 1 };
	ok(polled(gauge, &settings, 2), "others again");
	is_level(gauge, HIGH, "rise at once");
	says("back pressure: queue_length is high: 5 in the queue (high from "
	     "5)\n");
	*borders = (struct thresholds){ true, 5, 6, 5, 1 };
	ok(polled(gauge, &settings, 3), "one step back");
	says("back pressure: queue_length is medium: 5 in the queue "
	     "(medium from 5)\n");
	settings.enabled = false;
	ok(polled(gauge, &settings, 4), "switched off");
	is_level(gauge, LOW, "all is low");
	gauge_read(gauge, readings, polled_at);
	ok(!readings[RESOURCE_QUEUE_LENGTH].set, "and nothing looked at");
	settings.enabled = true;
	ok(polled(gauge, &settings, 5), "switched on");
	is_level(gauge, MEDIUM, "it counts at once");
	borders->set = false;
	ok(polled(gauge, &settings, 6), "without borders");
	is_level(gauge, LOW, "it is low");
	settings.queue_directory = "";
	borders->set = true;
	settings.thresholds[RESOURCE_DISK] = rising;
	settings.thresholds[RESOURCE_FREE_DISK] = falling;
	ok(polled(gauge, &settings, 7), "without a queue");
	is_level(gauge, LOW, "nothing is looked at");
	(void)said();
	listen_no_more();
	gauge_free(gauge);
}

/* What is worst counts, and unknown is worse than high. */
static void
test_worst(void)
{
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = ground };
	struct gauge_reading readings[RESOURCE_COUNT];
	struct gauge *gauge = gauge_or_bail();

	settings.thresholds[RESOURCE_MEMORY] =
	    (struct thresholds){ true, 1, 2000, 1999, 0 };
	listen_to_log();
	ok(polled(gauge, &settings, 0), "memory");
	is_level(gauge, MEDIUM, "some of it is in use");
	gauge_read(gauge, readings, polled_at);
	ok(readings[RESOURCE_MEMORY].value > 0 &&
		readings[RESOURCE_MEMORY].value < 1000,
	    "but not all");
	settings.thresholds[RESOURCE_FREE_DISK] = (struct thresholds){ true,
		LLONG_MAX, LLONG_MAX - 1, LLONG_MAX, LLONG_MAX };
	ok(polled(gauge, &settings, 1), "memory and disk");
	is_level(gauge, HIGH, "the worst counts");
	settings.thresholds[RESOURCE_DISK] = rising;
	settings.queue_directory = "/proc";
	ok(!polled(gauge, &settings, SECOND * 2), "what has no size");
	is_level(gauge, UNKNOWN, "cannot be filled");
	ok(strstr(said(),
	       "back pressure: disk cannot be read: No data available; mail "
	       "is deferred\n") != NULL,
	    "which is said");
	listen_no_more();
	gauge_free(gauge);
}

/* A poll that never comes back: what was read expires. */
static void
test_expiry(void)
{
	char queue[PATH_MAX];
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = queue };
	const struct pressure_settings nothing = { .enabled = true,
		.queue_directory = "" };
	struct gauge_reading readings[RESOURCE_COUNT];
	const struct gauge_reading *reading = &readings[RESOURCE_QUEUE_LENGTH];
	struct gauge *gauge = gauge_or_bail();
	const long long start = 50 * SECOND;

	settings.thresholds[RESOURCE_QUEUE_LENGTH] =
	    (struct thresholds){ true, 100, 200, 150, 50 };
	snprintf(queue, sizeof(queue), "%s", at("polled"));
	listen_to_log();
	ok(polled(gauge, &settings, start), "a queue is read once");
	polled_at = start + GAUGE_EXPIRY_NS;
	is_level(gauge, LOW, "after 30 seconds that still holds");
	gauge_watch(gauge, &settings, polled_at);
	says("");
	polled_at++;
	is_level(gauge, UNKNOWN, "and not any longer");
	gauge_read(gauge, readings, polled_at);
	ok(reading->set && reading->value == -1 && reading->level == UNKNOWN,
	    "neither does its value");
	gauge_watch(gauge, &settings, polled_at);
	says("back pressure: reading takes more than 30 seconds; mail is "
	     "deferred\n");
	gauge_watch(gauge, &settings, polled_at + 99 * SECOND);
	says("");
	gauge_watch(gauge, &nothing, polled_at + 99 * SECOND);
	is_level(gauge, LOW, "what nobody asks for is not unknown");
	says("back pressure: reading goes on, or is not asked for\n");
	gauge_read(gauge, readings, polled_at);
	ok(!reading->set, "nor looked at");
	gauge_watch(gauge, &settings, polled_at + 99 * SECOND);
	is_level(gauge, UNKNOWN, "but when it is asked for again");
	(void)said();
	ok(polled(gauge, &settings, start + 200 * SECOND), "read again");
	is_level(gauge, LOW, "it is known again");
	gauge_watch(gauge, &settings, polled_at);
	says("back pressure: reading goes on, or is not asked for\n");
	gauge_free(gauge);
	gauge = gauge_or_bail();
	gauge_watch(gauge, &nothing, start);
	polled_at = LLONG_MAX / 2;
	is_level(gauge, LOW, "without borders nothing ever expires");
	gauge_watch(gauge, &settings, start);
	is_level(gauge, UNKNOWN, "with borders what was never read has");
	listen_no_more();
	gauge_free(gauge);
}

static void
write_megabytes(const char *path, size_t count)
{
	static const char block[1 << 20] = { 1 };
	const int fd = open(at(path), O_CREAT | O_WRONLY | O_TRUNC, 0600);

	for (size_t i = 0; fd != -1 && i < count; i++)
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			bail(path);
	if (fd == -1 || close(fd) != 0)
		bail(path);
}

/* A volume of 8 MB that nobody else sees. */
static bool
mount_small(void)
{
	folder("small");
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", at("small"), "tmpfs", 0, "size=8m") == 0;
}

/* What du(1) and df(1) call full: each step with the level of both. */
/* clang-format off */
static const struct {
	const char *what;
	const char *file;
	size_t megabytes;
	const char *levels[2]; /* disk, free_disk */
	const char *said;
} fills[] = {
	{ "an empty volume", "small/a", 0, { "low", "low" }, "" },
	{ "half of it", "small/a", 4, { "medium", "low" },
	    "back pressure: disk is medium: 50 per cent in use (medium from "
	    "50)\n" },
	{ "five of eight", "small/b", 1, { "medium", "medium" },
	    "back pressure: free_disk is medium: 3M free (medium from 3M)\n" },
	{ "seven of eight", "small/b", 3, { "high", "high" },
	    "back pressure: disk is high: 87.5 per cent in use (high from "
	    "87.5)\n"
	    "back pressure: free_disk is high: 1M free (high from 1.5M)\n" },
	{ "full", "small/c", 1, { "high", "high" }, "" },
	{ "one freed", "small/c", 0, { "high", "high" }, "" },
	{ "two freed", "small/b", 2, { "medium", "medium" },
	    "back pressure: disk is medium: 75 per cent in use (medium again "
	    "from 75)\n"
	    "back pressure: free_disk is medium: 2M free (medium again from "
	    "2M)\n" },
	{ "four freed", "small/b", 0, { "medium", "low" },
	    "back pressure: free_disk is low: 4M free (low again from 4M)\n" },
	{ "all freed", "small/a", 0, { "low", "low" },
	    "back pressure: disk is low: 0 per cent in use (low again from "
	    "40)\n" },
};
/* clang-format on */

static void
test_full_disk(void)
{
	char queue[PATH_MAX];
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = queue };
	struct gauge_reading readings[RESOURCE_COUNT];
	struct gauge *gauge = gauge_or_bail();

	settings.thresholds[RESOURCE_DISK] =
	    (struct thresholds){ true, 500, 875, 750, 400 };
	settings.thresholds[RESOURCE_FREE_DISK] =
	    (struct thresholds){ true, 3 << 20, 3 << 19, 2 << 20, 4 << 20 };
	snprintf(queue, sizeof(queue), "%s", at("small"));
	listen_to_log();
	for (size_t i = 0; i < nitems(fills); i++) {
		write_megabytes(fills[i].file, fills[i].megabytes);
		ok(polled(gauge, &settings, (long long)i * GAUGE_INTERVAL_NS),
		    "%s", fills[i].what);
		gauge_read(gauge, readings, polled_at);
		is_str(pressure_name(readings[RESOURCE_DISK].level),
		    fills[i].levels[0], "disk");
		is_str(pressure_name(readings[RESOURCE_FREE_DISK].level),
		    fills[i].levels[1], "free_disk");
		says(fills[i].said);
	}
	listen_no_more();
	gauge_free(gauge);
}

/* How the log says sizes, by borders that a full volume reaches. */
static void
test_sizes(void)
{
	static const struct {
		long long border;
		const char *want;
	} sizes[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1075, "1K" },
		{ 1536, "1.5K" },
		{ (1 << 20) - 1, "1023.9K" },
		{ 500 << 20, "500M" },
		{ 5LL << 29, "2.5G" },
		{ 3LL << 40, "3072G" },
	};
	char queue[PATH_MAX], want[256];
	struct pressure_settings settings = { .enabled = true,
		.queue_directory = queue };

	snprintf(queue, sizeof(queue), "%s", at("small"));
	write_megabytes("small/a", 8);
	listen_to_log();
	for (size_t i = 0; i < nitems(sizes); i++) {
		const long long border = sizes[i].border;
		struct gauge *gauge = gauge_or_bail();

		settings.thresholds[RESOURCE_FREE_DISK] =
		    (struct thresholds){ true, border + 1, border, border + 1,
			    border + 2 };
		ok(polled(gauge, &settings, 0), "a full volume");
		snprintf(want, sizeof(want),
		    "back pressure: free_disk is high: 0 free (high from %s)\n",
		    sizes[i].want);
		says(want);
		gauge_free(gauge);
	}
	listen_no_more();
}

static struct config *
load(const char *text, struct diags **diags)
{
	struct sources *sources = sources_new();

	*diags = diags_new();
	if (sources == NULL || *diags == NULL ||
	    sources_add(sources, "main.ini", text, strlen(text)) != 0)
		bail("sources");
	return config_build(sources, "main.ini", 20261122, *diags);
}

#define CONNECTOR \
	"[connector a]\nbindings = 0.0.0.0:25\nremote_ip_ranges = " \
	"10.0.0.0/8\n"

/* What the loader takes without a word; t/data/bad has what it does not. */
static void
test_loading(void)
{
	static const char *const texts[] = {
		CONNECTOR,
		"[back_pressure]\n" CONNECTOR,
		"[back_pressure]\ndisk =\nfree_disk =\n" CONNECTOR,
		"[back_pressure]\nenabled = no\nqueue_directory = /nowhere\n"
		"disk = 80 90 85 75\n" CONNECTOR,
		"[back_pressure]\nenabled = no\n"
		"queue_length = 100 200 150 50\n" CONNECTOR,
		"[back_pressure]\nqueue_directory = /tmp\n" CONNECTOR,
	};

	for (size_t i = 0; i < nitems(texts); i++) {
		struct diags *diags;
		struct config *config = load(texts[i], &diags);

		ok(config != NULL && diags_count(diags, SEVERITY_WARNING) == 0,
		    "%.*s", (int)strcspn(strchr(texts[i], '\n') + 1, "\n"),
		    strchr(texts[i], '\n') + 1);
		config_free(config);
		diags_free(diags);
	}
}

/* At midnight nobody looks at folders again. */
static void
test_another_day(void)
{
	char text[PATH_MAX + 256];
	struct diags *diags;
	struct config *config, *next;

	snprintf(text, sizeof(text),
	    "[back_pressure]\nqueue_directory = %s\n"
	    "queue_length = 10 20 15 5\n" CONNECTOR,
	    at("polled"));
	config = load(text, &diags);
	ok(config != NULL, "a queue that can be read");
	if (rename(at("polled"), at("away")) != 0)
		bail("away");
	next = config != NULL ? config_on_day(config, 20261123) : NULL;
	ok(next != NULL, "is not read again on another day");
	is_int(next != NULL ? config_pressure(next)
				  ->thresholds[RESOURCE_QUEUE_LENGTH]
				  .to_high
			    : 0,
	    20, "when its borders are the same");
	config_free(next);
	config_free(config);
	diags_free(diags);
}

int
main(void)
{
	if (mkdtemp(ground) == NULL)
		bail(ground);
	test_tables();
	test_every_way();
	test_postfix();
	test_sendmail();
	test_unreadable();
	test_bounded();
	test_nobody();
	test_moving();
	test_queue_polls();
	test_other_settings();
	test_worst();
	test_expiry();
	test_loading();
	test_another_day();
	if (mount_small()) {
		test_full_disk();
		test_sizes();
		umount(at("small"));
	} else {
		printf("ok %d - # SKIP a volume of one's own: %s\n",
		    ++tap_count, strerror(errno));
	}
	if (nftw(ground, take_away, 16, FTW_DEPTH | FTW_PHYS) != 0)
		bail("cleaning up");
	return done();
}
