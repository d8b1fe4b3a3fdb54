/*
 * fire.c - a steady load of SMTP sessions, each answer judged and timed, while
 * somebody else reloads, stops or breaks the filter.
 *
 * What Postfix says is in bench/mta.h. Every message goes to three recipients.
 * The first is foreign, and its refusal must name the connector gNUMBER: the
 * number of the configuration that judged it. The second is in even.example,
 * which a configuration with an even number takes, the third in odd.example.
 * So each transaction tells by which configuration it was judged, and whether
 * it was one throughout.
 *
 *   fire [-k sessions at once] [-r transactions/s] [-s seconds] [-o file]
 *        [-b first host] [-m] [-l] socket
 *
 * -m mixes in sessions that vanish, transactions that are given up, and senders
 * that are refused. -l forgives a filter that hangs up on who says nothing: it
 * is counted, as "lost". -o writes a record for each answer and one of kind V
 * for each transaction, with the times of its MAIL. Ends after so many seconds
 * or at SIGTERM, when all that was begun is done, and prints a line of
 * NAME=VALUE. A wrong answer is shown, and makes the exit status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/mta.h"

#define MS 1000000LL
#define SILENCE (60000 * MS)

static const char usage[] =
    "usage: fire [-k sessions] [-r rate] [-s seconds] [-o file] [-b host] "
    "[-m] [-l] socket\n";

/* The host's order; times in ns of CLOCK_MONOTONIC. */
struct record {
	int64_t sent;
	uint32_t took;
	char kind; /* of the command, or V */
	uint8_t pad;
	uint16_t mark; /* V: number of the configuration */
};

enum shape {
	SHAPE_MESSAGE,
	SHAPE_RESET,  /* given up after the recipients */
	SHAPE_VANISH, /* hung up there */
	SHAPE_SENDER, /* a sender that is refused */
};

/* clang-format off */
static const char *const recipients[] = {
	"x@foreign.test", "a@even.example", "a@odd.example",
};
static const enum shape mixture[] = {
	SHAPE_MESSAGE, SHAPE_RESET, SHAPE_MESSAGE, SHAPE_SENDER,
	SHAPE_MESSAGE, SHAPE_VANISH, SHAPE_MESSAGE, SHAPE_MESSAGE,
};
/* Transactions in a session, by its place; 0: no end. */
static const unsigned lives[] = { 0, 1, 5, 50 };
/* clang-format on */

struct session {
	int fd; /* -1: none */
	unsigned place;
	char client[32];
	bool waiting; /* for an answer */
	enum step step;
	unsigned repeat;
	enum shape shape;
	unsigned left; /* transactions, or 0 */
	struct story story;
	struct agreed agreed;
	int64_t due;
	int64_t sent;
	int64_t mail_sent;
	uint32_t mail_took;
	unsigned mark;
	size_t have;
	unsigned char in[4096];
};

static struct {
	const char *socket;
	unsigned at_once;
	double rate;
	unsigned seconds;
	unsigned first_host;
	bool mixed;
	bool lenient;
	FILE *out;
} plan = { .at_once = 8, .rate = 300, .seconds = 0 };

static struct {
	int epoll;
	int64_t pause; /* between the transactions of a session */
	int64_t until;
	unsigned numbers;
	unsigned long sessions, transactions, messages, rcpt_refused,
	    mail_refused, given_up, vanished, lost, answers, wrong;
} run;

static volatile sig_atomic_t stopping;

static void
on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static int64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static void
wrong(const struct session *session, const char *format, ...)
{
	va_list args;

	if (run.wrong++ >= 20)
		return;
	fprintf(stderr,
	    "fire: client %s, configuration %u, step %c: ", session->client,
	    session->mark, step_rows[session->step].command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void
put_record(int64_t sent, uint32_t took, char kind, unsigned mark)
{
	const struct record record = { sent, took, kind, 0, (uint16_t)mark };

	if (plan.out != NULL &&
	    fwrite(&record, sizeof(record), 1, plan.out) != 1)
		give_up("fire", strerror(errno));
}

/* ---- a session ---------------------------------------------------------- */

static void
session_open(struct session *session)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = session };

	session->fd = open_socket(plan.socket);
	if (session->fd < 0) {
		session->due = clock_ns() + MS;
		return;
	}
	if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, session->fd, &event) != 0)
		give_up("epoll_ctl", strerror(errno));
	run.sessions++;
	session->left = lives[session->place % nitems(lives)];
	session->step = STEP_NEGOTIATE;
	session->have = 0;
}

static void
session_close(struct session *session)
{
	close(session->fd);
	session->fd = -1;
	session->waiting = false;
}

static void
session_send(struct session *session, const struct words *words)
{
	session->sent = clock_ns();
	if (write(session->fd, words->bytes, words->used) !=
	    (ssize_t)words->used) {
		run.lost++;
		if (!plan.lenient)
			wrong(session, "cannot write: %s", strerror(errno));
		session_close(session);
	}
}

static void
begin_transaction(struct session *session)
{
	session->story = (struct story){
		.client = session->client,
		.number = ++run.numbers,
	};
	session->shape = plan.mixed
	    ? mixture[session->story.number % nitems(mixture)]
	    : SHAPE_MESSAGE;
	session->step = STEP_MAIL;
	session->repeat = 0;
	session->mark = 0;
	run.transactions++;
}

/* Closes what has lived long enough; else waits for the next. */
static void
end_transaction(struct session *session)
{
	static struct words words;

	words.used = 0;
	put_abort(&words);
	if (session->left > 0 && --session->left == 0) {
		put_step(
		    &words, &session->story, &session->agreed, STEP_END, 0);
		session_send(session, &words);
		if (session->fd >= 0)
			session_close(session);
	} else {
		session_send(session, &words);
	}
	session->step = STEP_END;
	session->waiting = false;
	session->due += run.pause;
}

/* MAIL and RCPT have words of their own here. */
static bool
put_here(struct words *words, struct session *session)
{
	size_t start;

	session->story.recipient =
	    recipients[session->step == STEP_RCPT ? session->repeat : 0];
	if (session->step != STEP_MAIL || session->shape != SHAPE_SENDER)
		return put_step(words, &session->story, &session->agreed,
		    session->step, session->repeat);
	start = open_frame(words, SMFIC_MAIL);
	put_text(words, "<ada@>");
	close_frame(words, start);
	return true;
}

static unsigned
times_of(enum step step)
{
	return step == STEP_RCPT  ? (unsigned)nitems(recipients)
	    : step == STEP_HEADER ? (unsigned)nitems(message_fields)
				  : 1;
}

/* What comes after it in the transaction; STEP_END is its end. */
static void
session_next(struct session *session)
{
	if (++session->repeat < times_of(session->step))
		return;
	session->repeat = 0;
	session->step++;
}

/* Says all that needs no answer, up to what needs one. */
static void
session_say(struct session *session)
{
	static struct words words;

	words.used = 0;
	while (!put_here(&words, session)) {
		session_next(session);
		if (session->step == STEP_END) {
			wrong(session, "a message without an answer");
			session_close(session);
			return;
		}
	}
	session_send(session, &words);
	session->waiting = session->fd >= 0;
}

/* ---- answers ------------------------------------------------------------ */

static bool
goes_on(char command)
{
	return command == SMFIR_CONTINUE || command == SMFIR_SKIP;
}

/* The number in "[connector gNUMBER,"; 0: there is none. */
static unsigned
mark_of(const char *text)
{
	static const char before[] = "[connector g";
	const char *at = strstr(text, before);

	return at != NULL ? (unsigned)strtoul(at + sizeof(before) - 1, NULL, 10)
			  : 0;
}

static void
judge_marker(struct session *session, char command, const char *text)
{
	session->mark = mark_of(text);
	if (command != SMFIR_REPLYCODE || session->mark == 0 ||
	    strncmp(text, "550 5.7.54 ", 11) != 0 ||
	    strstr(text, ", rule relay]") == NULL)
		wrong(session, "a foreign recipient got %c%s", command, text);
	run.rcpt_refused++;
	put_record(session->mail_sent, session->mail_took, 'V', session->mark);
}

static void
judge_recipient(struct session *session, char command, const char *text)
{
	const bool want = (session->mark + session->repeat) % 2 == 1;

	if (session->repeat == 0) {
		judge_marker(session, command, text);
		return;
	}
	if (want && goes_on(command)) {
		session->story.queued = true;
		return;
	}
	run.rcpt_refused += command == SMFIR_REPLYCODE;
	if (want || command != SMFIR_REPLYCODE ||
	    mark_of(text) != session->mark ||
	    strncmp(text, "550 5.7.54 ", 11) != 0)
		wrong(session, "<%s> got %c%s", recipients[session->repeat],
		    command, text);
}

static void
judge_mail(struct session *session, char command, const char *text)
{
	session->mail_sent = session->sent;
	session->mail_took = (uint32_t)(clock_ns() - session->sent);
	if (session->shape != SHAPE_SENDER) {
		if (!goes_on(command))
			wrong(session, "a good sender got %c%s", command, text);
		return;
	}
	run.mail_refused++;
	session->mark = mark_of(text);
	if (command != SMFIR_REPLYCODE || session->mark == 0 ||
	    strncmp(text, "501 5.1.7 ", 10) != 0)
		wrong(session, "a bad sender got %c%s", command, text);
	put_record(session->mail_sent, session->mail_took, 'V', session->mark);
}

static void
judge(struct session *session, char command, const char *text)
{
	switch (session->step) {
	case STEP_MAIL:
		judge_mail(session, command, text);
		return;
	case STEP_RCPT:
		judge_recipient(session, command, text);
		return;
	case STEP_EOM:
		run.messages++;
		break;
	case STEP_NEGOTIATE:
	case STEP_CONNECT:
	case STEP_HELO:
	case STEP_DATA:
	case STEP_HEADER:
	case STEP_EOH:
	case STEP_BODY:
	case STEP_END:
		break;
	}
	if (!goes_on(command))
		wrong(session, "got %c%s", command, text);
}

/* A shape's way out of the transaction, where it has one here. */
static bool
leaves(struct session *session)
{
	if (session->step == STEP_MAIL && session->shape == SHAPE_SENDER) {
		end_transaction(session);
		return true;
	}
	if (session->step != STEP_RCPT ||
	    session->repeat + 1 < nitems(recipients))
		return false;
	if (session->shape == SHAPE_RESET) {
		run.given_up++;
		end_transaction(session);
	} else if (session->shape == SHAPE_VANISH) {
		run.vanished++;
		session_close(session);
		session->due += run.pause;
	}
	return session->shape != SHAPE_MESSAGE;
}

static void
session_answered(
    struct session *session, char command, const char *data, size_t len)
{
	const int64_t took = clock_ns() - session->sent;
	char text[512];

	if (!session->waiting) {
		wrong(session, "an answer that nobody waits for: %c", command);
		return;
	}
	run.answers++;
	put_record(session->sent,
	    took > UINT32_MAX ? UINT32_MAX : (uint32_t)took,
	    step_rows[session->step].command, session->mark);
	session->waiting = false;
	if (session->step == STEP_NEGOTIATE) {
		if (command != SMFIC_OPTNEG ||
		    !read_agreed(
			&session->agreed, (const unsigned char *)data, len))
			give_up("fire", "a negotiation that cannot be read");
	} else {
		snprintf(text, sizeof(text), "%.*s", (int)len, data);
		judge(session, command, text);
		if (leaves(session))
			return;
	}
	if (session->step == STEP_EOM) {
		end_transaction(session);
		return;
	}
	session_next(session);
	if (session->step == STEP_MAIL)
		begin_transaction(session);
	session_say(session);
}

/* Edits come before the answer to the end of a message. */
static bool
is_answer(char command)
{
	return strchr("+-2hmibeqp", command) == NULL;
}

static void
session_read(struct session *session)
{
	ssize_t got = read(session->fd, session->in + session->have,
	    sizeof(session->in) - session->have);
	size_t at = 0;

	if (got <= 0) {
		run.lost++;
		if (!plan.lenient)
			wrong(session, "the filter hung up");
		session_close(session);
		session->due = clock_ns() + 100 * MS;
		return;
	}
	session->have += (size_t)got;
	while (session->fd >= 0 && session->have - at > 4) {
		const size_t len = number_at(session->in + at);

		if (len == 0 || len > sizeof(session->in) - 4)
			give_up("fire", "an answer longer than any");
		if (session->have - at - 4 < len)
			break;
		if (is_answer((char)session->in[at + 4]))
			session_answered(session, (char)session->in[at + 4],
			    (const char *)session->in + at + 5, len - 1);
		at += 4 + len;
	}
	session->have -= at;
	memmove(session->in, session->in + at, session->have);
}

/* ---- all of them -------------------------------------------------------- */

static bool
is_over(int64_t now)
{
	return stopping || (run.until != 0 && now >= run.until);
}

/* Begins what is due; whether something is still under way. */
static bool
begin_what_is_due(struct session *sessions)
{
	bool busy = false;

	for (unsigned i = 0; i < plan.at_once; i++) {
		struct session *session = &sessions[i];
		const int64_t now = clock_ns();

		busy = busy || session->waiting;
		if (session->waiting || session->due > now || is_over(now))
			continue;
		/* Who fell behind by a second does not catch up. */
		if (session->due < now - 1000 * MS)
			session->due = now;
		if (session->fd < 0)
			session_open(session);
		else
			begin_transaction(session);
		if (session->fd >= 0)
			session_say(session);
		busy = true;
	}
	return busy;
}

static void
look_for_silence(const struct session *sessions)
{
	const int64_t now = clock_ns();

	for (unsigned i = 0; i < plan.at_once; i++)
		if (sessions[i].waiting && now - sessions[i].sent > SILENCE)
			give_up("fire", "the filter does not answer any more");
}

static void
run_all(struct session *sessions)
{
	struct epoll_event events[64];

	while (begin_what_is_due(sessions) || !is_over(clock_ns())) {
		const int count =
		    epoll_wait(run.epoll, events, nitems(events), 1);

		for (int i = 0; i < count; i++) {
			struct session *session = events[i].data.ptr;

			if (session->fd >= 0)
				session_read(session);
		}
		look_for_silence(sessions);
	}
}

static void
start_all(struct session *sessions)
{
	const int64_t now = clock_ns();

	run.pause = (int64_t)(1e9 * plan.at_once / plan.rate);
	run.until = plan.seconds > 0 ? now + plan.seconds * 1000 * MS : 0;
	for (unsigned i = 0; i < plan.at_once; i++) {
		const unsigned host = plan.first_host + i;

		sessions[i].fd = -1;
		sessions[i].place = i;
		sessions[i].story.client = sessions[i].client;
		sessions[i].due = now + run.pause * i / plan.at_once;
		snprintf(sessions[i].client, sizeof(sessions[i].client),
		    "10.%u.%u.%u", host >> 16 & 255, host >> 8 & 255,
		    host & 255);
	}
}

static void
end_all(struct session *sessions)
{
	static struct words words;

	for (unsigned i = 0; i < plan.at_once; i++) {
		if (sessions[i].fd < 0)
			continue;
		words.used = 0;
		put_step(&words, &sessions[i].story, &sessions[i].agreed,
		    STEP_END, 0);
		session_send(&sessions[i], &words);
		if (sessions[i].fd >= 0)
			session_close(&sessions[i]);
	}
}

static void
read_plan(int argc, char **argv)
{
	int flag;

	while ((flag = getopt(argc, argv, "b:k:lmo:r:s:")) != -1) {
		const unsigned number =
		    optarg != NULL ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (flag) {
		case 'b':
			plan.first_host = number;
			break;
		case 'k':
			plan.at_once = number;
			break;
		case 'l':
			plan.lenient = true;
			break;
		case 'm':
			plan.mixed = true;
			break;
		case 'o':
			plan.out = fopen(optarg, "w");
			break;
		case 'r':
			plan.rate = strtod(optarg, NULL);
			break;
		case 's':
			plan.seconds = number;
			break;
		default:
			give_up("fire", usage);
		}
		if (flag == 'o' && plan.out == NULL)
			give_up(optarg, strerror(errno));
	}
	if (optind + 1 != argc || plan.at_once == 0 || plan.rate <= 0)
		give_up("fire", usage);
	plan.socket = argv[optind];
}

int
main(int argc, char **argv)
{
	struct session *sessions;
	int64_t start;

	read_plan(argc, argv);
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	sessions = calloc(plan.at_once, sizeof(*sessions));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sessions == NULL || run.epoll < 0)
		give_up("fire", strerror(errno));
	start = clock_ns();
	start_all(sessions);
	run_all(sessions);
	end_all(sessions);
	if (plan.out != NULL && fclose(plan.out) != 0)
		give_up("fire", strerror(errno));
	printf("seconds=%.3f sessions=%lu transactions=%lu messages=%lu "
	       "rcpt_refused=%lu mail_refused=%lu given_up=%lu vanished=%lu "
	       "lost=%lu answers=%lu wrong=%lu\n",
	    (double)(clock_ns() - start) / 1e9, run.sessions, run.transactions,
	    run.messages, run.rcpt_refused, run.mail_refused, run.given_up,
	    run.vanished, run.lost, run.answers, run.wrong);
	free(sessions);
	return run.wrong != 0;
}
