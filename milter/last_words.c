/*
 * last_words.c - one line about a signal that ends the daemon.
 */
#include "last_words.h"

#include "compiler.h"

#ifdef SANITIZED

void
last_words_prepare(int facility UNUSED)
{
}

#else

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "text.h"

/* With room for the registers of any processor. */
#define STACK_BYTES 65536

#define THREAD_NAME_MAX 16 /* PR_GET_NAME in prctl(2) */

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGSEGV, "SIGSEGV" },
	{ SIGBUS, "SIGBUS" },
	{ SIGILL, "SIGILL" },
	{ SIGFPE, "SIGFPE" },
	{ SIGABRT, "SIGABRT" },
};

/* What a handler may not find out; set before it can be called. */
static struct {
	char syslog_head[64]; /* as syslog(3) would begin the datagram */
	bool to_syslog;
} prepared;

static const char *
name_of(int number)
{
	for (size_t i = 0; i < nitems(signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	return "";
}

/* printf(3) may not be called here. */
static void
put_number(struct text *text, uintptr_t value, unsigned base)
{
	char digits[32];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	text_put(text, at);
}

/* An address comes with a fault, a process with a signal that was sent. */
static void
put_origin(struct text *text, const siginfo_t *info)
{
	if (info->si_code <= 0) {
		text_put(text, ", sent by process ");
		put_number(text, (uintptr_t)info->si_pid, 10);
	} else if (info->si_code == SI_KERNEL) {
		text_put(text, ", address unknown");
	} else {
		text_put(text, ", address 0x");
		put_number(text, (uintptr_t)info->si_addr, 16);
	}
}

static void
put_words(struct text *text, int number, const siginfo_t *info)
{
	char thread[THREAD_NAME_MAX] = "";

	text_put(text, "version " VERSION " dies of signal ");
	put_number(text, (uintptr_t)number, 10);
	text_put(text, " (");
	text_put(text, name_of(number));
	text_put(text, ")");
	put_origin(text, info);
	(void)prctl(PR_GET_NAME, thread, 0, 0, 0);
	text_put(text, ", thread ");
	text_put(text, thread);
}

/* A pipe that nobody reads must not keep us from dying. */
static void
tell_stderr(const struct text *line)
{
	struct pollfd to = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&to, 1, 0) == 1 && to.revents == POLLOUT)
		(void)!write(STDERR_FILENO, line->buf, line->len);
}

static void
tell_syslog(const struct text *line)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	const int fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		(void)!send(fd, line->buf, line->len, MSG_NOSIGNAL);
	(void)close(fd);
}

/*
 * The signal is blocked until this returns, and then does what it does by
 * default.
 */
static void
speak(int number, siginfo_t *info, void *context UNUSED)
{
	char buf[512];
	struct text line;

	text_init(&line, buf, sizeof(buf));
	text_put(&line, "connector-milter: ");
	put_words(&line, number, info);
	text_put(&line, "\n");
	tell_stderr(&line);
	if (prepared.to_syslog) {
		text_init(&line, buf, sizeof(buf));
		text_put(&line, prepared.syslog_head);
		put_words(&line, number, info);
		tell_syslog(&line);
	}
	(void)raise(number);
}

void
last_words_prepare(int facility)
{
	static char stack[STACK_BYTES];
	const stack_t aside = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = speak,
		.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND) };

	prepared.to_syslog = getenv("JOURNAL_STREAM") == NULL;
	snprintf(prepared.syslog_head, sizeof(prepared.syslog_head),
	    "<%d>connector-milter[%d]: ", facility | LOG_CRIT, (int)getpid());
	(void)sigaltstack(&aside, NULL);
	/* SIGPIPE, too, has to wait. */
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < nitems(signals); i++)
		(void)sigaction(signals[i].number, &action, NULL);
}

#endif
