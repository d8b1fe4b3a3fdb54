/*
 * watchdog.c - asks the milter whether it still answers.
 */
#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"
#include "process.h"

#define NS_PER_MS 1000000LL

/* Unless the service manager wants it more often. */
#define INTERVAL_MS 10000
#define ANSWER_MS_MAX 5000
#define SILENCE_MS_MAX 60000

/* One that slept for a day, or whose clock was put forward, has one missed. */
#define MISSED_MIN 3

#define LAST_WORDS_MS 2000

/* How an MTA begins: version 6, may change the header, offers every step. */
static const unsigned char hello[] = { 0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 0,
	0x11, 0, 0, 0, 0 };
static const unsigned char bye[] = { 0, 0, 0, 1, 'Q' };

/* The daemon has one. */
static struct {
	const char *socket;
	const struct live *live;
	bool told;            /* the service manager wants to hear of it */
	long long interval;   /* all in ms */
	long long answer;     /* may take so long */
	long long silence;    /* may last so long */
	long long answered;   /* when, by live's clock */
	unsigned long missed; /* since */
} dog;

/* What the service manager waits for, in ms; 0 when it does not. */
static long long
manager_waits(void)
{
	const char *time = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (time == NULL ||
	    (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	return strtoll(time, NULL, 10) / 1000;
}

static long long
at_most(long long value, long long most)
{
	return value < most ? value : most;
}

/* Silence ends before the manager's patience: then the log says why. */
static void
set_times(long long patience)
{
	dog.told = patience > 0;
	dog.interval = patience > 0 ? patience / 2 : INTERVAL_MS;
	dog.answer = at_most(dog.interval / 4 + 1, ANSWER_MS_MAX);
	dog.silence = patience > 0
	    ? at_most(patience - patience / 10, SILENCE_MS_MAX)
	    : SILENCE_MS_MAX;
}

static bool
has_answer(int fd)
{
	unsigned char frame[5] = { 0 };

	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello) ||
	    recv(fd, frame, sizeof(frame), MSG_WAITALL) != sizeof(frame) ||
	    frame[4] != 'O')
		return false;
	(void)!send(fd, bye, sizeof(bye), MSG_NOSIGNAL);
	return true;
}

/* Who turns connections away answers, too; and who stops need not. */
static bool
is_alive(void)
{
	const struct live *live = dog.live;
	const unsigned long before = atomic_load(&live->turned_away);
	bool answers = false;
	int fd;

	if (atomic_load(&live->stopping))
		return true;
	fd = process_call(dog.socket, dog.answer);
	/* Who gets no descriptor to ask with knows nothing of the milter. */
	if (fd < 0 && process_is_want(errno))
		return true;
	if (fd >= 0) {
		answers = has_answer(fd);
		close(fd);
	}
	return answers || atomic_load(&live->turned_away) != before ||
	    live_is_scarce(live) || atomic_load(&live->stopping);
}

static void
end_the_daemon(long long silence)
{
	log_line(LOG_CRIT,
	    "the milter has not answered itself for %lld seconds: it ends, to "
	    "be started again",
	    (silence + 500) / 1000);
	log_stop(LAST_WORDS_MS);
	_exit(EX_SOFTWARE);
}

/* Asks once; when to ask again, in ms. */
static long long
ask(void)
{
	long long silence;

	if (is_alive()) {
		dog.answered = live_clock();
		dog.missed = 0;
		if (dog.told)
			notify("WATCHDOG=1");
		return dog.interval;
	}
	silence = (live_clock() - dog.answered) / NS_PER_MS;
	if (++dog.missed >= MISSED_MIN && silence >= dog.silence)
		end_the_daemon(silence);
	return dog.interval / 10 + 1;
}

static void *
watch(void *arg UNUSED)
{
	long long wait = dog.interval;

	for (;;) {
		const struct timespec time = { .tv_sec = wait / 1000,
			.tv_nsec = wait % 1000 * NS_PER_MS };

		nanosleep(&time, NULL);
		wait = ask();
	}
	return NULL;
}

int
watchdog_start(const char *socket, const struct live *live)
{
	pthread_t thread;

	dog.socket = socket;
	dog.live = live;
	dog.answered = live_clock();
	set_times(manager_waits());
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		return -1;
	pthread_setname_np(thread, "watchdog");
	return pthread_detach(thread) == 0 ? 0 : -1;
}
