/*
 * keeper_reload.c - what the last reload found, and who waits for the next.
 */
#include "keeper_parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

/* Room for the line about what was left out. */
#define REST_MAX 64

struct reload {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* see deadline.h */
	bool stopped;         /* nobody waits any more */
	unsigned long begun;  /* reloads, like number */
	long long begun_at;   /* seconds since 1970 */
	struct reload_report last;
};

struct reload *
reload_new(void)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return NULL;
	reload->last.live = true;
	reload->last.time = reload->last.read_time = time(NULL);
	reload->last.problems = strdup("");
	if (reload->last.problems == NULL ||
	    deadline_cond_init(&reload->ended) != 0 ||
	    pthread_mutex_init(&reload->lock, NULL) != 0) {
		free(reload->last.problems);
		free(reload);
		return NULL;
	}
	return reload;
}

/* Cuts off whole lines, and says how many. */
static void
bound(char *problems)
{
	const size_t room = RELOAD_PROBLEMS_MAX - REST_MAX;
	size_t lines = 0;
	char *rest;

	if (strlen(problems) < RELOAD_PROBLEMS_MAX)
		return;
	rest = memrchr(problems, '\n', room);
	rest = rest != NULL ? rest + 1 : problems + room;
	for (const char *c = rest; *c != '\0'; c++)
		lines += *c == '\n';
	snprintf(rest, REST_MAX, "... and %zu more %s\n", lines,
	    lines == 1 ? "line" : "lines");
}

void
reload_begin(struct reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	reload->begun++;
	reload->begun_at = time(NULL);
	pthread_mutex_unlock(&reload->lock);
}

void
reload_end(struct reload *reload, bool live, char *problems)
{
	char *old;

	if (problems != NULL)
		bound(problems);
	/* Nothing else fails without a word. */
	if (!live && problems != NULL && problems[0] == '\0') {
		free(problems);
		problems = NULL;
	}
	pthread_mutex_lock(&reload->lock);
	reload->last.number = reload->begun;
	reload->last.live = live;
	reload->last.time = reload->begun_at;
	if (live)
		reload->last.read_time = reload->begun_at;
	old = reload->last.problems;
	reload->last.problems = problems;
	pthread_cond_broadcast(&reload->ended);
	pthread_mutex_unlock(&reload->lock);
	free(old);
}

/* Under the lock. */
static void
copy_report(const struct reload *reload, struct reload_report *report)
{
	*report = reload->last;
	if (report->problems != NULL)
		report->problems = strdup(report->problems);
}

static const char stopping[] = "error: the milter is stopping\n";

void
reload_refuse(struct reload *reload)
{
	reload_begin(reload);
	reload_end(reload, false, strdup(stopping));
}

void
reload_stop(struct reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	reload->stopped = true;
	pthread_cond_broadcast(&reload->ended);
	pthread_mutex_unlock(&reload->lock);
}

void
reload_report(struct reload *reload, struct reload_report *report)
{
	pthread_mutex_lock(&reload->lock);
	copy_report(reload, report);
	pthread_mutex_unlock(&reload->lock);
}

void
reload_report_free(struct reload_report *report)
{
	free(report->problems);
	report->problems = NULL;
}

/* Of a reload that never comes, or hangs; the times stay. */
static void
say_stopping(struct reload_report *report)
{
	free(report->problems);
	report->problems = strdup(stopping);
	report->live = false;
}

int
keeper_reload(const struct keeper *keeper, long long milliseconds,
    struct reload_report *report)
{
	struct reload *reload = keeper->reload;
	const struct timespec deadline = deadline_in(milliseconds);
	unsigned long wanted;
	int error = 0;

	pthread_mutex_lock(&reload->lock);
	/* One that has begun may have read the files already. */
	wanted = reload->begun + 1;
	/* All threads block it, so sigtimedwait of the keeper takes it. */
	if (kill(getpid(), SIGUSR1) != 0)
		error = errno;
	while (error == 0 && !reload->stopped && reload->last.number < wanted)
		error = deadline_wait(&reload->ended, &reload->lock, &deadline);
	if (error == 0)
		copy_report(reload, report);
	if (error == 0 && reload->last.number < wanted)
		say_stopping(report);
	pthread_mutex_unlock(&reload->lock);
	return error == 0 ? 0 : -1;
}
