/*
 * load.c - many sessions of an MTA at once against one filter, timed, every
 * answer checked: a wrong one fails the run.
 *
 * What a session says is in mta.h, the options in plan.h. Prints one line of
 * NAME=VALUE; times are in microseconds.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include "mta.h"
#include "plan.h"

#define MS 1000000LL

/* As long as no filter needs for an answer. */
#define SILENCE (20000 * MS)

struct session {
	int fd;
	enum step step;
	unsigned repeat;
	struct story story;
	const struct client *client;
	int64_t sent;
	int64_t due;
	struct session *next; /* in a queue */
	size_t have;
	unsigned char in[4096];
};

/* Sessions that wait, the first due in front. */
struct queue {
	struct session *head;
	struct session *tail;
};

enum {
	STARTING,
	REFUSED, /* the listener's queue was full */
	THINKING,
	QUEUES,
};

static struct {
	int epoll;
	int64_t until; /* the last session starts */
	unsigned started;
	unsigned ended;
	unsigned parked;
	unsigned wrong;
	struct queue queues[QUEUES];
	uint32_t *answers; /* ns each took */
	size_t answer_count;
	size_t answer_room;
	struct agreed agreed;
	unsigned char agreed_frame[2048];
	size_t agreed_len;
} run;

/* ---- small things ------------------------------------------------------- */

static int64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static void
queue_put(struct queue *queue, struct session *session, int64_t due)
{
	session->due = due;
	session->next = NULL;
	if (queue->head == NULL)
		queue->head = session;
	else
		queue->tail->next = session;
	queue->tail = session;
}

/* The first that is due, or NULL. */
static struct session *
queue_take(struct queue *queue, int64_t now)
{
	struct session *session = queue->head;

	if (session == NULL || session->due > now)
		return NULL;
	queue->head = session->next;
	return session;
}

static void
note_answer(int64_t took)
{
	if (run.answer_count == run.answer_room) {
		run.answer_room = run.answer_room * 2 + 65536;
		run.answers = need(realloc(
		    run.answers, run.answer_room * sizeof(*run.answers)));
	}
	run.answers[run.answer_count++] =
	    took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static void
note_wrong(const struct session *session, const char *what, const char *text)
{
	if (run.wrong++ == 0)
		fprintf(stderr,
		    "load: wrong answer: client %s, step %c: %s%s\n",
		    session->story.client, step_rows[session->step].command,
		    what, text);
}

/* ---- a session ---------------------------------------------------------- */

static void
session_end(struct session *session)
{
	close(session->fd);
	session->fd = -1;
	session->step = STEP_END;
	run.ended++;
}

/* The step after this one, the same again where it has more to say. */
static void
session_next(struct session *session)
{
	const unsigned times = session->step == STEP_RCPT ? plan.recipients
	    : session->step == STEP_HEADER ? (unsigned)nitems(message_fields)
					   : 1;

	if (++session->repeat < times)
		return;
	session->repeat = 0;
	if (session->step == plan.last)
		session->step = STEP_END;
	else
		session->step++;
}

/*
 * Says all that needs no answer, up to what needs one. Postfix gathers what it
 * writes until it has to wait, too.
 */
static void
session_say(struct session *session)
{
	static struct words words;

	words.used = 0;
	while (session->step != STEP_END &&
	    !put_step(&words, &session->story, &run.agreed, session->step,
		session->repeat))
		session_next(session);
	if (session->step == STEP_END) {
		if (plan.last >= STEP_MAIL)
			put_abort(&words);
		put_step(&words, &session->story, &run.agreed, STEP_END, 0);
	}
	session->sent = clock_ns();
	if (write(session->fd, words.bytes, words.used) != (ssize_t)words.used)
		note_wrong(session, "cannot write: ", strerror(errno));
	if (session->step == STEP_END)
		session_end(session);
}

static void
session_open(struct session *session)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = session };

	session->fd = open_socket(plan.socket);
	if (session->fd < 0) {
		queue_put(&run.queues[REFUSED], session, clock_ns() + MS);
		return;
	}
	if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, session->fd, &event) != 0)
		give_up("epoll_ctl", strerror(errno));
	session_say(session);
}

static void
session_start(struct session *session)
{
	session->client = &plan.clients[run.started % plan.client_count];
	session->step = STEP_NEGOTIATE;
	session->repeat = 0;
	session->have = 0;
	session->story = (struct story){
		.client = session->client->address,
		.recipient = plan.recipient,
		.number = run.started++,
	};
	session_open(session);
}

static void
session_wait_or_say(struct session *session)
{
	if (plan.park > 0 && session->step == STEP_MAIL)
		run.parked++;
	else if (plan.think > 0 && session->repeat == 0 &&
	    step_rows[session->step].waits)
		queue_put(&run.queues[THINKING], session,
		    clock_ns() + plan.think * MS);
	else
		session_say(session);
}

/* Negotiation is the same for all; it is read again when it is not. */
static void
session_agree(struct session *session, const unsigned char *data, size_t len)
{
	if (len == run.agreed_len && memcmp(data, run.agreed_frame, len) == 0)
		return;
	if (len > sizeof(run.agreed_frame) ||
	    !read_agreed(&run.agreed, data, len)) {
		note_wrong(session, "a negotiation that cannot be read", "");
		return;
	}
	memcpy(run.agreed_frame, data, len);
	run.agreed_len = len;
}

static const char *
text_of(char command, const unsigned char *data, size_t len, char buf[512])
{
	if (command == SMFIR_REPLYCODE)
		snprintf(buf, 512, "%.*s", (int)len, (const char *)data);
	else
		snprintf(buf, 512, "%c", command);
	return buf;
}

/* Is that what the plan says? */
static bool
session_judge(struct session *session, char command, const unsigned char *data,
    size_t len)
{
	char buf[512];
	const char *expected =
	    session->step == STEP_RCPT ? session->client->expected : "";
	const bool go_on = command == SMFIR_CONTINUE ||
	    (command == SMFIR_SKIP && session->step == STEP_BODY);

	if (session->step == STEP_NEGOTIATE && command == SMFIC_OPTNEG) {
		session_agree(session, data, len);
		return true;
	}
	if (expected[0] == '\0' && go_on) {
		session->story.queued |= session->step == STEP_RCPT;
		return true;
	}
	if (expected[0] != '\0' && command == SMFIR_REPLYCODE &&
	    strstr(text_of(command, data, len, buf), expected) != NULL)
		return true;
	note_wrong(session, "", text_of(command, data, len, buf));
	return false;
}

/* Edits come before the answer to the end of a message. */
static bool
is_answer(char command)
{
	return strchr("+-2hmibeqp", command) == NULL;
}

static void
session_answered(struct session *session, char command,
    const unsigned char *data, size_t len)
{
	if (!is_answer(command))
		return;
	note_answer(clock_ns() - session->sent);
	if (!session_judge(session, command, data, len)) {
		session->step = STEP_END;
		session_say(session);
		return;
	}
	session_next(session);
	session_wait_or_say(session);
}

static void
session_read(struct session *session)
{
	ssize_t got = read(session->fd, session->in + session->have,
	    sizeof(session->in) - session->have);
	size_t at = 0;

	if (got <= 0) {
		note_wrong(session, "the filter hung up", "");
		session_end(session);
		return;
	}
	session->have += (size_t)got;
	while (session->fd >= 0 && session->have - at > 4) {
		const size_t len = number_at(session->in + at);

		if (len == 0 || len > sizeof(session->in) - 4)
			give_up("load", "an answer longer than any");
		if (session->have - at - 4 < len)
			break;
		session_answered(session, (char)session->in[at + 4],
		    session->in + at + 5, len - 1);
		at += 4 + len;
	}
	session->have -= at;
	memmove(session->in, session->in + at, session->have);
}

/* ---- all of them -------------------------------------------------------- */

/* Who has ended begins the next session, while there is one. */
static void
go_round(struct session *session)
{
	if (session->fd < 0 && session->step == STEP_END &&
	    run.started < plan.sessions && clock_ns() < run.until)
		session_start(session);
}

static void
do_what_is_due(void)
{
	static void (*const what[QUEUES])(struct session *) = {
		[STARTING] = session_start,
		[REFUSED] = session_open,
		[THINKING] = session_say,
	};
	const int64_t now = clock_ns();
	struct session *session;

	for (unsigned i = 0; i < QUEUES; i++)
		while ((session = queue_take(&run.queues[i], now)) != NULL) {
			what[i](session);
			go_round(session);
		}
}

/* Milliseconds until somebody who waits is due, for epoll_wait. */
static int
patience(void)
{
	const int64_t now = clock_ns();
	int64_t due = now + SILENCE;

	for (unsigned i = 0; i < QUEUES; i++)
		if (run.queues[i].head != NULL && run.queues[i].head->due < due)
			due = run.queues[i].head->due;
	return due <= now ? 0 : (int)((due - now + MS - 1) / MS);
}

static bool
all_done(void)
{
	return plan.park > 0
	    ? run.parked + run.ended == plan.park
	    : run.ended == run.started && run.queues[STARTING].head == NULL;
}

/* Everybody starts; with pauses, one after the other for one session's time. */
static void
start_all(struct session *sessions)
{
	const int64_t spread = plan.think * MS * 5 / plan.at_once;
	const int64_t now = clock_ns();

	for (unsigned i = 0; i < plan.at_once; i++)
		queue_put(&run.queues[STARTING], &sessions[i],
		    now + spread * (int64_t)i);
}

static void
run_all(struct session *sessions)
{
	struct epoll_event events[256];

	start_all(sessions);
	do_what_is_due();
	while (!all_done()) {
		const int wait = patience();
		const int count =
		    epoll_wait(run.epoll, events, nitems(events), wait);

		if (count == 0 && wait >= SILENCE / MS)
			give_up("load", "the filter does not answer any more");
		for (int i = 0; i < count; i++) {
			struct session *session = events[i].data.ptr;

			session_read(session);
			go_round(session);
		}
		do_what_is_due();
	}
}

/* ---- what came out ------------------------------------------------------ */

static int
compare_answers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The answer that so many per mille were not slower than. */
static double
answer_at(unsigned per_mille)
{
	if (run.answer_count == 0)
		return 0;
	return run.answers[(run.answer_count - 1) * per_mille / 1000] / 1e3;
}

static void
print_figures(int64_t took)
{
	const double seconds = (double)took / 1e9;

	qsort(run.answers, run.answer_count, sizeof(*run.answers),
	    compare_answers);
	printf("sessions=%u seconds=%.3f rate=%.1f p50=%.1f p99=%.1f "
	       "p999=%.1f max=%.1f wrong=%u\n",
	    run.ended, seconds, run.ended / seconds, answer_at(500),
	    answer_at(990), answer_at(999), answer_at(1000), run.wrong);
}

static void
print_agreed(void)
{
	printf("0x%x 0x%x", run.agreed.actions, run.agreed.steps);
	for (unsigned i = 0; i < STAGES; i++)
		if (run.agreed.names[i][0] != '\0')
			printf(" '%u=%s'", i, run.agreed.names[i]);
	putchar('\n');
}

static void
wait_for_end_of_input(void)
{
	char byte;

	printf("parked=%u wrong=%u\n", run.parked, run.wrong);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
}

int
main(int argc, char **argv)
{
	struct session *sessions;
	int64_t start;

	read_plan(argc, argv);
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	sessions = need(calloc(plan.at_once, sizeof(*sessions)));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run.epoll < 0)
		give_up("epoll_create1", strerror(errno));
	start = clock_ns();
	run.until =
	    plan.seconds > 0 ? start + plan.seconds * 1000 * MS : INT64_MAX;
	run_all(sessions);
	if (plan.probe)
		print_agreed();
	else if (plan.park > 0)
		wait_for_end_of_input();
	else
		print_figures(clock_ns() - start);
	return run.wrong != 0;
}
