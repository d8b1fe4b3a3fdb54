/*
 * control.c - answers status, reload and drain at the control socket.
 */
#include "control_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "memo.h"
#include "status.h"

/* A report without memory for its problems. */
#define NO_MEMORY "error: no memory\n"

/* The line in front of an answer. */
#define HEAD_MAX 128

/* Without descriptors: let somebody give some back. */
static const struct timespec nap = { .tv_nsec = 100000000 };

struct control {
	int fd;
	const struct keeper *keeper;
	long long silent_until;
};

/* --- requests: the first word of the answer; NULL: text is why not --- */

static const char *
problems_of(const struct reload_report *report)
{
	return report->problems != NULL ? report->problems : NO_MEMORY;
}

static void
print_status(const struct keeper *keeper, FILE *text,
    void (*print)(const struct status *status, FILE *out))
{
	struct reload_report report;
	struct status status = {
		.snapshots = keeper->server->snapshots,
		.live = keeper->server->live,
		.now = time(NULL),
	};

	reload_report(keeper->reload, &report);
	status.read_time = report.read_time;
	status.reloaded_live = report.live;
	status.reload_time = report.time;
	status.problems = problems_of(&report);
	print(&status, text);
	reload_report_free(&report);
}

static const char *
answer_status(const struct keeper *keeper, FILE *text)
{
	print_status(keeper, text, status_print);
	return "ok";
}

static const char *
answer_status_json(const struct keeper *keeper, FILE *text)
{
	print_status(keeper, text, status_print_json);
	return "ok";
}

static const char *
answer_reload(const struct keeper *keeper, FILE *text)
{
	struct reload_report report;
	bool live;

	if (keeper_reload(keeper, CONTROL_RELOAD_SECONDS * 1000LL, &report) !=
	    0) {
		fprintf(text, "the reload has not ended in %d seconds",
		    CONTROL_RELOAD_SECONDS);
		return NULL;
	}
	live = report.live;
	fputs(problems_of(&report), text);
	reload_report_free(&report);
	return live ? "ok" : "failed";
}

static const char *
set_draining(const struct keeper *keeper, FILE *text, bool draining)
{
	struct live *live = keeper->server->live;
	const bool before = atomic_exchange(&live->draining, draining);
	const long sessions = atomic_load(&live->sessions);

	if (before != draining)
		log_line(LOG_NOTICE, "%s",
		    draining ? "draining: new sessions are turned away"
			     : "draining has ended");
	fprintf(text, "%s; %ld %s open\n",
	    draining ? "draining" : "not draining", sessions,
	    sessions == 1 ? "session is" : "sessions are");
	return "ok";
}

static const char *
answer_drain(const struct keeper *keeper, FILE *text)
{
	return set_draining(keeper, text, true);
}

static const char *
answer_drain_off(const struct keeper *keeper, FILE *text)
{
	return set_draining(keeper, text, false);
}

/* clang-format off */
static const struct request {
	const char *line;
	const char *(*answer)(const struct keeper *keeper, FILE *text);
} requests[] = {
	{ "status", answer_status },
	{ "status json", answer_status_json },
	{ "reload", answer_reload },
	{ "drain", answer_drain },
	{ "drain off", answer_drain_off },
};
/* clang-format on */

static const char *
answer(const struct keeper *keeper, const char *line, FILE *text)
{
	for (size_t i = 0; i < nitems(requests); i++)
		if (strcmp(requests[i].line, line) == 0)
			return requests[i].answer(keeper, text);
	fputs("there is no such request", text);
	return NULL;
}

/* --- peers --- */

static void
say_error(int peer, const char *why)
{
	char head[HEAD_MAX];

	snprintf(head, sizeof(head), "error %s\n", why);
	control_say(peer, head, NULL, 0);
}

static void
serve_request(const struct keeper *keeper, int peer, const char *line)
{
	char head[HEAD_MAX];
	struct memo memo;
	FILE *out = memo_open(&memo);
	const char *word;
	char *text;

	if (out == NULL) {
		say_error(peer, "no memory");
		return;
	}
	word = answer(keeper, line, out);
	text = memo_close(&memo, out);
	if (text == NULL || word == NULL) {
		say_error(peer, text != NULL ? text : "no memory");
	} else {
		snprintf(head, sizeof(head), "%s %zu\n", word, memo.len);
		control_say(peer, head, text, memo.len);
	}
	free(text);
}

void
control_serve(const struct keeper *keeper, int peer)
{
	char line[CONTROL_REQUEST_MAX + 1];
	const char *fault = control_hear(peer, line);

	if (fault != NULL)
		say_error(peer, fault);
	else
		serve_request(keeper, peer, line);
}

static void *
serve(void *arg)
{
	struct control *control = arg;

	for (;;) {
		const int peer = accept4(
		    control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer < 0) {
			nanosleep(&nap, NULL);
			continue;
		}
		if (control_may_ask(peer, &control->silent_until))
			control_serve(control->keeper, peer);
		close(peer);
	}
	return NULL;
}

int
control_start(int fd, const struct keeper *keeper)
{
	struct control *control = calloc(1, sizeof(*control));
	pthread_t thread;

	if (control == NULL)
		return -1;
	control->fd = fd;
	control->keeper = keeper;
	if (pthread_create(&thread, NULL, serve, control) != 0) {
		free(control);
		return -1;
	}
	return pthread_detach(thread);
}
