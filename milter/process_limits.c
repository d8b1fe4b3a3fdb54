/*
 * process_limits.c - whether the system's limits suffice.
 */
#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

/* No more are told apart. */
#define DESCRIPTORS_MAX 1048576

/* What is open beside the sessions: sockets, logs, files of a reload. */
#define DESCRIPTORS_OURS 64

#define MB 1048576

/* Threads of our own, in reserve, and those that libmilter always has. */
#define THREADS_OURS 40

/*
 * What each session needs and what we do without any, as measured by
 * t/crowd.t, rounded up.
 */
static const struct need {
	__rlimit_resource_t resource;
	long long unit;
	long long base;
	long long session;
	const char *what;
	const char *how;
} needs[] = {
	{ RLIMIT_NOFILE, 1, DESCRIPTORS_OURS + PROCESS_SPARE, 1, "descriptors",
	    "LimitNOFILE=, ulimit -n" },
	{ RLIMIT_AS, MB, 224LL * MB, 4096, "MB of address space",
	    "LimitAS=, ulimit -v" },
	{ RLIMIT_DATA, MB, 80LL * MB, 4096, "MB of data",
	    "LimitDATA=, ulimit -d" },
};

size_t
process_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > DESCRIPTORS_MAX)
		return DESCRIPTORS_MAX;
	return (size_t)limit.rlim_cur;
}

static bool
suffices(const struct need *need, long long max_sessions, struct text *why)
{
	const long long wanted = need->base + max_sessions * need->session;
	struct rlimit limit;
	long long have, best;

	if (getrlimit(need->resource, &limit) != 0 ||
	    limit.rlim_cur >= (rlim_t)wanted)
		return true;
	have = (long long)limit.rlim_cur;
	best = (have - need->base) / need->session;
	text_printf(why,
	    "max_sessions = %lld needs %lld %s and the limit is %lld: raise it "
	    "(%s)",
	    max_sessions, (wanted + need->unit - 1) / need->unit, need->what,
	    have / need->unit, need->how);
	if (best > 0)
		text_printf(why, " or set max_sessions = %lld", best);
	return false;
}

bool
process_limits_suffice(long long max_sessions, struct text *why)
{
	for (size_t i = 0; i < nitems(needs); i++)
		if (!suffices(&needs[i], max_sessions, why))
			return false;
	return true;
}

/* Of our control group, of the second kind; "max" is no number. */
static long long
tasks_of_group(void)
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	char line[512], path[600];
	long long tasks = -1;

	if (file == NULL)
		return -1;
	path[0] = '\0';
	while (path[0] == '\0' && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "0::/", 4) == 0)
			snprintf(path, sizeof(path),
			    "/sys/fs/cgroup/%.*s/pids.max",
			    (int)strcspn(line + 4, "\n"), line + 4);
	fclose(file);
	file = path[0] != '\0' ? fopen(path, "r") : NULL;
	if (file == NULL)
		return -1;
	if (fgets(line, sizeof(line), file) != NULL && text_is_digit(line[0]))
		tasks = strtoll(line, NULL, 10);
	fclose(file);
	return tasks;
}

/* Root has no limit of its own, and whoever it becomes has. */
static long long
tasks_of_user(const struct milter_settings *settings)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY ||
	    (geteuid() == 0 && settings->user[0] == '\0'))
		return -1;
	return (long long)limit.rlim_cur;
}

static void
warn_of_threads(long long max_tarpits, long long tasks, const char *how)
{
	if (tasks >= 0 && tasks < max_tarpits + THREADS_OURS)
		log_line(LOG_WARNING,
		    "max_tarpits = %lld needs %lld tasks and the limit is "
		    "%lld: raise it (%s), or fewer refusals are held back",
		    max_tarpits, max_tarpits + THREADS_OURS, tasks, how);
}

int
process_check_limits(const struct milter_settings *settings)
{
	char buf[256];
	struct text why;

	text_init(&why, buf, sizeof(buf));
	if (!process_limits_suffice(settings->max_sessions, &why)) {
		log_line(LOG_ERR, "%s", buf);
		return EX_CONFIG;
	}
	warn_of_threads(settings->max_tarpits, tasks_of_user(settings),
	    "LimitNPROC=, ulimit -u");
	warn_of_threads(
	    settings->max_tarpits, tasks_of_group(), "TasksMax=, pids.max");
	return 0;
}

bool
process_is_want(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM;
}
