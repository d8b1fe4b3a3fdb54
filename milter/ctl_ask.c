/*
 * ctl_ask.c - one question to the running daemon, at its control socket.
 */
#include "ctl_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "text.h"

#define MILLISECOND_NS 1000000LL
#define FIRST_ROOM ((size_t)1 << 16)

/* The words of an answer's first line. */
#define WORD_ERROR "error "
#define WORD_MAX 256

/* How long to wait where more peers wait than the daemon's socket takes. */
static const struct timespec nap = { .tv_nsec = 20000000 };

struct question {
	const char *verb;
	const char *path;
	const char *request;
	long long deadline; /* ms, monotonic */
};

static int complain(const struct question *question, int status,
    const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Returns status. */
static int
complain(const struct question *question, int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "connectorctl %s: ", question->verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
	return status;
}

static long long
clock_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000LL + at.tv_nsec / MILLISECOND_NS;
}

/* --- to the daemon --- */

/* 0, or -1 and errno; full queues are waited for. */
static int
connect_to(int fd, const struct question *question)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	memcpy(to.sun_path, question->path, strlen(question->path));
	while (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (clock_ms() >= question->deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int
explain_connect(const struct question *question, int error)
{
	if (error == EACCES || error == EPERM)
		return complain(question, EX_NOPERM,
		    "%s: %s; root and the user of the daemon may ask",
		    question->path, strerror(error));
	return complain(question, EX_UNAVAILABLE, "no daemon answers at %s: %s",
	    question->path, strerror(error));
}

static int
open_socket(int *fd, const struct question *question)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (strlen(question->path) > most)
		return complain(question, CTL_USAGE,
		    "%s: the path of a socket has at most %zu bytes",
		    question->path, most);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return complain(
		    question, CTL_FAILED, "no socket: %s", strerror(errno));
	if (connect_to(*fd, question) == 0)
		return CTL_OK;
	return explain_connect(question, errno);
}

/* So few bytes fit into the queue of any socket. */
static void
send_request(int fd, const struct question *question)
{
	char line[128];
	const int len = snprintf(line, sizeof(line), "%s\n", question->request);

	/* One that has hung up may have said why. */
	(void)!send(fd, line, (size_t)len, MSG_NOSIGNAL);
}

/* --- and back --- */

/* The bytes that came, 0 at the end of the stream, -1 and errno. */
static ssize_t
receive(int fd, char *buf, size_t room, long long deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	long long left;

	while ((left = deadline - clock_ms()) > 0) {
		ssize_t got;

		if (poll(&poll_fd, 1, (int)left) <= 0)
			continue;
		got = recv(fd, buf, room, 0);
		if (got >= 0)
			return got;
		/* It hung up before it had read all. */
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Twice the room, or the first; there is always one byte more for a NUL. */
static bool
make_room(struct ctl_answer *answer, size_t *room)
{
	const size_t more = *room == 0 ? FIRST_ROOM : *room * 2;
	char *bytes = realloc(answer->bytes, more + 1);

	if (bytes == NULL)
		return false;
	answer->bytes = bytes;
	*room = more;
	return true;
}

static int
read_all(struct ctl_answer *answer, int fd, const struct question *question)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (answer->len == CTL_ANSWER_MAX)
			return complain(question, EX_PROTOCOL,
			    "the answer of the daemon is too long");
		if (answer->len == room && !make_room(answer, &room))
			return ctl_no_memory();
		got = receive(fd, answer->bytes + answer->len,
		    room - answer->len, question->deadline);
		if (got < 0)
			return complain(question, EX_UNAVAILABLE,
			    "the daemon at %s does not answer: %s",
			    question->path, strerror(errno));
		if (got == 0)
			break;
		answer->len += (size_t)got;
	}
	answer->bytes[answer->len] = '\0';
	return CTL_OK;
}

/* "WORD BYTES": is the text behind it whole? Behind a NUL there is no line. */
static bool
is_whole(const struct ctl_answer *answer, const char *word)
{
	char want[WORD_MAX];
	const int len =
	    snprintf(want, sizeof(want), "%s%zu", word, answer->len);

	return answer->text == answer->bytes + len + 1 &&
	    strcmp(answer->bytes, want) == 0;
}

/* Takes the first line off. */
static int
understand(struct ctl_answer *answer, const struct question *question)
{
	char *end = memchr(answer->bytes, '\n', answer->len);
	char shown[WORD_MAX];
	struct text text;

	if (answer->len == 0)
		return complain(question, EX_UNAVAILABLE,
		    "the daemon at %s hung up; root and its own user may ask",
		    question->path);
	if (end != NULL) {
		*end = '\0';
		answer->text = end + 1;
		answer->len -= (size_t)(answer->text - answer->bytes);
		if (is_whole(answer, "ok "))
			return CTL_OK;
		answer->failed = is_whole(answer, "failed ");
		if (answer->failed)
			return CTL_OK;
	}
	if (end == NULL ||
	    strncmp(answer->bytes, WORD_ERROR, strlen(WORD_ERROR)) != 0)
		return complain(question, EX_PROTOCOL,
		    "the answer of the daemon at %s is not whole",
		    question->path);
	text_init(&text, shown, sizeof(shown));
	text_put_safe(&text, answer->bytes + strlen(WORD_ERROR),
	    strlen(answer->bytes + strlen(WORD_ERROR)), TEXT_PROSE);
	return complain(question, EX_UNAVAILABLE, "the daemon says: %s", shown);
}

/* Frees what it cannot use. */
static int
hear(struct ctl_answer *answer, int fd, const struct question *question)
{
	int status = read_all(answer, fd, question);

	if (status == CTL_OK)
		status = understand(answer, question);
	if (status != CTL_OK)
		ctl_answer_free(answer);
	return status;
}

int
ctl_hear(struct ctl_answer *answer, const char *verb, const char *path, int fd,
    long long milliseconds)
{
	const struct question question = {
		.verb = verb,
		.path = path,
		.deadline = clock_ms() + milliseconds,
	};

	memset(answer, 0, sizeof(*answer));
	return hear(answer, fd, &question);
}

int
ctl_ask(struct ctl_answer *answer, const char *verb, const char *path,
    const char *request, long long milliseconds)
{
	const struct question question = {
		.verb = verb,
		.path = path,
		.request = request,
		.deadline = clock_ms() + milliseconds,
	};
	int fd = -1;
	int status;

	memset(answer, 0, sizeof(*answer));
	status = open_socket(&fd, &question);
	if (status == CTL_OK) {
		send_request(fd, &question);
		status = hear(answer, fd, &question);
	}
	if (fd >= 0)
		close(fd);
	return status;
}

void
ctl_answer_free(struct ctl_answer *answer)
{
	free(answer->bytes);
	memset(answer, 0, sizeof(*answer));
}

void
ctl_answer_print(const struct ctl_answer *answer, FILE *out)
{
	const char *s = answer->text;
	size_t left = answer->len;

	while (left > 0) {
		const size_t len = text_utf8_length(s, left);
		const size_t step = len > 0 ? len : 1;

		if (*s == '\n' || (len > 0 && !text_is_control(s, len)))
			fwrite(s, 1, step, out);
		else
			putc('?', out);
		s += step;
		left -= step;
	}
}
