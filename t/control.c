/*
 * control.c - the control socket, as its peers see it: what they ask, how they
 * fail to, and how long they may take. And who waits for which reload.
 */
#include "control_parts.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper_parts.h"
#include "played.h"
#include "tap.h"

#define SECOND_NS 1000000000LL
#define CONNECTORS 2000
#define ANSWER_ROOM 2097152
#define FLOOD 1000
#define WAITERS 8

static char folder[] = "/tmp/connector-milter.XXXXXX";
static struct sockaddr_un where = { .sun_family = AF_UNIX };
static struct server server;
static struct keeper keeper = { .server = &server };
static char answer[ANSWER_ROOM];

/* --- a keeper that does as it is told --- */

static struct {
	const char *problems; /* NULL: no memory */
	bool live;
	bool gated; /* each reload waits for gate */
	sem_t begun;
	sem_t gate;
} plan = { .problems = "", .live = true };

static void *
keep(void *arg)
{
	sigset_t set;
	int signal;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (sigwait(&set, &signal) == 0) {
		reload_begin(keeper.reload);
		if (plan.gated) {
			sem_post(&plan.begun);
			sem_wait(&plan.gate);
		}
		reload_end(keeper.reload, plan.live,
		    plan.problems != NULL ? strdup(plan.problems) : NULL);
	}
	return NULL;
}

/* --- a peer --- */

static int
connect_peer(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&where, sizeof(where)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All that comes, until nothing does for a minute; hangs up. */
static const char *
hear(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (poll(&poll_fd, 1, 60000) > 0) {
		const ssize_t got =
		    read(fd, answer + len, sizeof(answer) - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	answer[len] = '\0';
	close(fd);
	return answer;
}

static const char *
ask(const char *request)
{
	const int fd = connect_peer();

	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	return hear(fd);
}

/* --- what is asked --- */

#define LINE_64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NO_SUCH "error there is no such request\n"
#define NOT_WHOLE "error the request is no whole line\n"
#define TOO_LONG "error the request is too long\n"

/* clang-format off */
static const struct {
	const char *what;
	const char *bytes;
	size_t len; /* 0: of the string */
	bool half_closed;
	const char *want;
} request_cases[] = {
	{ "draining begins", "drain\n", 0, false,
	    "ok 30\ndraining; 0 sessions are open\n" },
	{ "and ends", "drain off\n", 0, false,
	    "ok 34\nnot draining; 0 sessions are open\n" },
	{ "a reload without problems", "reload\n", 0, false, "ok 0\n" },
	{ "a peer that says that this was all", "reload\n", 0, true,
	    "ok 0\n" },
	{ "no line end at the end of the stream", "drain", 0, true,
	    NOT_WHOLE },
	{ "half a request at the end of the stream", "drain of", 0, true,
	    NOT_WHOLE },
	{ "the end of the stream at once", "", 0, true, NOT_WHOLE },
	{ "an empty line", "\n", 0, false, NO_SUCH },
	{ "no such request", "shutdown\n", 0, false, NO_SUCH },
	{ "another case", "DRAIN\n", 0, false, NO_SUCH },
	{ "a blank in front", " drain\n", 0, false, NO_SUCH },
	{ "a blank behind", "drain \n", 0, false, NO_SUCH },
	{ "two blanks", "drain  off\n", 0, false, NO_SUCH },
	{ "a carriage return", "drain\r\n", 0, false, NO_SUCH },
	{ "the beginning of a request", "drai\n", 0, false, NO_SUCH },
	{ "more than a request", "drain offs\n", 0, false, NO_SUCH },
	{ "two lines", "reload\ndrain\n", 0, false,
	    "error there is more than one line\n" },
	{ "something behind the line", "drain\nx", 0, false,
	    "error there is more than one line\n" },
	{ "a NUL behind a request", "drain\0\n", 7, false,
	    "error there is a NUL in it\n" },
	{ "a NUL in front", "\0drain\n", 7, false,
	    "error there is a NUL in it\n" },
	{ "garbage", "\xff\xfe\x01\x02\x1b[2J\n", 0, false, NO_SUCH },
	{ "as many bytes as may be", LINE_64 "\n", 0, false, NO_SUCH },
	{ "one byte more", LINE_64 "0\n", 0, false, TOO_LONG },
	{ "many more", LINE_64 LINE_64 LINE_64 LINE_64 LINE_64, 0, false,
	    TOO_LONG },
	{ "HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, false,
	    "error there is more than one line\n" },
};
/* clang-format on */

static void
test_requests(void)
{
	for (size_t i = 0; i < nitems(request_cases); i++) {
		const int fd = connect_peer();
		const size_t len = request_cases[i].len > 0
		    ? request_cases[i].len
		    : strlen(request_cases[i].bytes);

		(void)!send(fd, request_cases[i].bytes, len, MSG_NOSIGNAL);
		if (request_cases[i].half_closed)
			shutdown(fd, SHUT_WR);
		is_str(hear(fd), request_cases[i].want, request_cases[i].what);
		ok(!atomic_load(&server.live->draining) ||
			strcmp(request_cases[i].bytes, "drain\n") == 0,
		    "%s: nothing but drain drains", request_cases[i].what);
	}
}

/* Whatever pieces it comes in. */
static void
test_pieces(void)
{
	static const char line[] = LINE_64 "\n";
	const int halves = connect_peer();
	const char *said = NULL;

	(void)!send(halves, line, 64, MSG_NOSIGNAL);
	usleep(50000);
	(void)!send(halves, line + 64, 1, MSG_NOSIGNAL);
	is_str(hear(halves), NO_SUCH, "as many bytes as may be, in two parts");
	/* There are two seconds, which a busy machine may take for itself. */
	for (unsigned i = 0; i < 5 && (i == 0 || strcmp(said, "ok 0\n") != 0);
	     i++) {
		const int bytes = connect_peer();

		for (const char *c = "reload\n"; *c != '\0'; c++) {
			(void)!send(bytes, c, 1, MSG_NOSIGNAL);
			usleep(10000);
		}
		said = hear(bytes);
	}
	is_str(said, "ok 0\n", "a request byte by byte");
}

static void
test_drain(void)
{
	atomic_store(&server.live->sessions, 1);
	(void)logged();
	is_str(ask("drain\n"), "ok 28\ndraining; 1 session is open\n",
	    "one session");
	is_str(
	    logged(), "draining: new sessions are turned away", "it is logged");
	ok(atomic_load(&server.live->draining), "it drains");
	(void)ask("drain\n");
	is_str(logged(), NULL, "once");
	(void)ask("drain off\n");
	is_str(logged(), "draining has ended", "that it ends, too");
	ok(!atomic_load(&server.live->draining), "it does not drain any more");
	(void)ask("drain off\n");
	is_str(logged(), NULL, "once");
	atomic_store(&server.live->sessions, 0);
}

static void
test_status(void)
{
	static const char head[] = "version        " VERSION ", up ";
	unsigned long len = 0;
	const char *text = ask("status\n");

	ok(sscanf(text, "ok %lu\n", &len) == 1, "a status");
	text = strchr(text, '\n') + 1;
	is_int((long long)strlen(text), (long long)len, "as long as it says");
	ok(strncmp(text, head, strlen(head)) == 0, "it is text");
	text = ask("status json\n");
	ok(sscanf(text, "ok %lu\n", &len) == 1, "the same as JSON");
	text = strchr(text, '\n') + 1;
	is_int((long long)strlen(text), (long long)len, "as long as it says");
	ok(strncmp(text, "{\n", 2) == 0, "it is an object");
	ok(strcmp(text + len - 3, "\n}\n") == 0, "to its end");
}

/* --- reload --- */

/* clang-format off */
static const struct {
	const char *what;
	bool live;
	const char *problems;
	const char *want;
} reload_cases[] = {
	{ "warnings alone", true, "/a:1: warning: x\n/a:2: warning: y\n",
	    "ok 34\n/a:1: warning: x\n/a:2: warning: y\n" },
	{ "errors", false, "/a:1: error: x\n", "failed 15\n/a:1: error: x\n" },
	{ "no memory for problems", false, NULL,
	    "failed 17\nerror: no memory\n" },
	{ "failed without a problem", false, "",
	    "failed 17\nerror: no memory\n" },
	{ "all is well again", true, "", "ok 0\n" },
};
/* clang-format on */

static void
test_reload(void)
{
	struct reload_report report;

	for (size_t i = 0; i < nitems(reload_cases); i++) {
		plan.live = reload_cases[i].live;
		plan.problems = reload_cases[i].problems;
		is_str(ask("reload\n"), reload_cases[i].want,
		    reload_cases[i].what);
		reload_report(keeper.reload, &report);
		is_int(report.live, reload_cases[i].live, "it is reported");
		reload_report_free(&report);
	}
}

/* What is in use was not read by a reload that failed. */
static void
test_read_time(void)
{
	struct reload_report before, after;

	(void)ask("reload\n");
	reload_report(keeper.reload, &before);
	/* Another second may begin in the middle of it. */
	for (unsigned i = 0; i < 5 && before.read_time != before.time; i++) {
		reload_report_free(&before);
		(void)ask("reload\n");
		reload_report(keeper.reload, &before);
	}
	is_int(before.read_time, before.time, "read by a reload that is live");
	sleep(1);
	plan.live = false;
	is_str(ask("reload\n"), "failed 17\nerror: no memory\n",
	    "a second later one fails");
	reload_report(keeper.reload, &after);
	is_int(after.read_time, before.read_time, "it has changed nothing");
	ok(after.time > before.time, "but the time of the last reload");
	is_int((long long)(after.number - before.number), 1, "it is counted");
	plan.live = true;
	reload_report_free(&before);
	reload_report_free(&after);
}

/* clang-format off */
static const struct {
	const char *what;
	size_t lines;
	size_t line_len; /* with its line feed */
	const char *end;
} bound_cases[] = {
	{ "all that fits", 1023, 64, NULL },
	{ "one byte less than the most", 5, 13107, NULL },
	{ "as much as the most", 1024, 64, "... and 1 more line\n" },
	{ "far too many", 100000, 64, "... and 98977 more lines\n" },
	{ "one line that is too long", 1, 65536, "... and 1 more line\n" },
};
/* clang-format on */

static void
test_bound(void)
{
	for (size_t i = 0; i < nitems(bound_cases); i++) {
		const size_t len =
		    bound_cases[i].lines * bound_cases[i].line_len;
		char *problems = malloc(len + 1);
		struct reload_report report;
		size_t got;

		memset(problems, 'x', len);
		for (size_t k = bound_cases[i].line_len; k <= len;
		     k += bound_cases[i].line_len)
			problems[k - 1] = '\n';
		problems[len] = '\0';
		reload_begin(keeper.reload);
		reload_end(keeper.reload, false, problems);
		reload_report(keeper.reload, &report);
		got = strlen(report.problems);
		ok(got < RELOAD_PROBLEMS_MAX, "%s: no more than may be",
		    bound_cases[i].what);
		if (bound_cases[i].end == NULL)
			is_int((long long)got, (long long)len,
			    bound_cases[i].what);
		else
			is_str(
			    report.problems + got - strlen(bound_cases[i].end),
			    bound_cases[i].end, bound_cases[i].what);
		reload_report_free(&report);
	}
}

static atomic_uint waiters;

static void *
wait_for_reload(void *arg)
{
	unsigned long *number = arg;
	struct reload_report report;

	atomic_fetch_add(&waiters, 1);
	if (keeper_reload(&keeper, 60000, &report) == 0) {
		*number = report.number;
		reload_report_free(&report);
	}
	return NULL;
}

/*
 * Many ask while a reload is running, which may have read the files already:
 * each gets a later one, and they share it.
 */
static void
test_burst(void)
{
	pthread_t threads[WAITERS + 1];
	unsigned long numbers[WAITERS + 1] = { 0 };
	struct reload_report report;
	unsigned long first;

	reload_report(keeper.reload, &report);
	first = report.number + 1;
	reload_report_free(&report);
	plan.gated = true;
	pthread_create(&threads[0], NULL, wait_for_reload, &numbers[0]);
	sem_wait(&plan.begun);
	is_int(keeper_reload(&keeper, 50, &report), -1,
	    "who does not want to wait any longer has no report");
	for (size_t i = 1; i <= WAITERS; i++)
		pthread_create(&threads[i], NULL, wait_for_reload, &numbers[i]);
	while (atomic_load(&waiters) <= WAITERS)
		usleep(1000);
	usleep(200000);
	plan.gated = false;
	sem_post(&plan.gate);
	for (size_t i = 0; i <= WAITERS; i++)
		pthread_join(threads[i], NULL);
	ok(numbers[0] >= first, "the first gets its own, or a later one");
	for (size_t i = 1; i <= WAITERS; i++)
		ok(numbers[i] > first, "waiter %zu gets a later one", i);
	reload_report(keeper.reload, &report);
	ok(report.number < first + WAITERS, "%lu reloads were enough for all",
	    report.number - first + 1);
	reload_report_free(&report);
}

/* --- peers that take their time --- */

static long long
tenths_since(long long start)
{
	return (live_clock() - start) / (SECOND_NS / 10);
}

static void
is_about(long long start, long long seconds, const char *what)
{
	const long long tenths = tenths_since(start);

	ok(tenths >= seconds * 10 - 1 && tenths <= seconds * 10 + 300,
	    "%s: after %lld.%lld s", what, tenths / 10, tenths % 10);
}

static void
test_silent_peer(void)
{
	const long long start = live_clock();
	const int silent = connect_peer();

	is_str(ask("reload\n"), "ok 0\n", "somebody behind a silent peer");
	is_about(start, CONTROL_SECONDS, "is answered");
	is_str(hear(silent), "error the request took too long\n",
	    "the silent peer is told why");
}

static void
test_slow_peer(void)
{
	const long long start = live_clock();
	const int slow = connect_peer();

	while (
	    send(slow, "x", 1, MSG_NOSIGNAL) == 1 && tenths_since(start) < 600)
		usleep(100000);
	is_about(start, CONTROL_SECONDS, "a byte each 100 ms: hung up on");
	is_str(hear(slow), "error the request took too long\n", "and told why");
}

/* The answer is larger than what the socket takes. */
static void
test_deaf_peer(void)
{
	const long long start = live_clock();
	const int deaf = connect_peer();
	unsigned long len;

	(void)!send(deaf, "status json\n", 12, MSG_NOSIGNAL);
	usleep(100000);
	is_str(ask("reload\n"), "ok 0\n", "somebody behind a deaf peer");
	is_about(start, CONTROL_SECONDS, "is answered");
	ok(sscanf(hear(deaf), "ok %lu\n", &len) == 1 && strlen(answer) < len,
	    "the deaf peer gets a part: %zu of %lu bytes", strlen(answer), len);
}

/* Nor does it help to take a little now and then. */
static void
test_slow_reader(void)
{
	const long long start = live_clock();
	const int slow = connect_peer();
	char part[512];
	unsigned long len;
	size_t got = 0;

	(void)!send(slow, "status json\n", 12, MSG_NOSIGNAL);
	while (tenths_since(start) < CONTROL_SECONDS * 10 + 5) {
		const ssize_t more = read(slow, part, sizeof(part));

		if (got == 0)
			ok(sscanf(part, "ok %lu\n", &len) == 1,
			    "a peer that reads 10 KB a second");
		got += more > 0 ? (size_t)more : 0;
		usleep(50000);
	}
	is_str(ask("reload\n"), "ok 0\n", "somebody behind it");
	is_about(start, CONTROL_SECONDS, "is answered");
	got += strlen(hear(slow));
	ok(got < len, "it gets a part: %zu of %lu bytes", got, len);
}

static void
test_gone_peers(void)
{
	const long long start = live_clock();
	unsigned lost = 0;

	for (unsigned i = 0; i < FLOOD; i++) {
		const int fd = connect_peer();

		if (fd < 0) {
			lost++;
			continue;
		}
		if (i % 10 < 2)
			(void)!send(fd, "status json\n", i % 10 == 0 ? 12 : 3,
			    MSG_NOSIGNAL);
		close(fd);
	}
	is_int(lost, 0, "many who hang up at once");
	is_str(ask("reload\n"), "ok 0\n", "somebody behind them");
	ok(tenths_since(start) < 600, "is answered after %lld ms",
	    (live_clock() - start) / 1000000);
}

/* --- strangers --- */

/* The bytes that nobody gets for a request, or -1. */
static int
ask_as_nobody(const char *request, unsigned times)
{
	const struct passwd *nobody = getpwnam("nobody");
	const uid_t uid = nobody != NULL ? nobody->pw_uid : 65534;
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		size_t got = 0;

		if (setresuid(uid, uid, uid) != 0)
			_exit(99);
		while (times-- > 0)
			got += strlen(ask(request));
		_exit(got > 98 ? 98 : (int)got);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_strangers(void)
{
	const char *line;

	if (geteuid() != 0) {
		ok(1, "# SKIP only root can be somebody else");
		return;
	}
	chmod(folder, 0755);
	chmod(where.sun_path, 0666);
	(void)logged();
	is_int(ask_as_nobody("drain\n", 20), 0, "a stranger is not answered");
	ok(!atomic_load(&server.live->draining), "nor obeyed");
	/* Behind its own connection the log is written. */
	is_str(ask("reload\n"), "ok 0\n", "root is");
	line = logged();
	ok(line != NULL && strncmp(line, "control socket: user ", 21) == 0 &&
		strstr(line, " may not ask") != NULL &&
		strchr(line, '\n') == NULL,
	    "one line of the log for twenty requests: %s",
	    line != NULL ? line : "(none)");
}

/* --- */

/* So many that no socket takes the whole status at once. */
static char *
many_connectors(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < CONNECTORS; i++)
		fprintf(out,
		    "[connector a-connector-with-a-name-%u]\n"
		    "bindings = 0.0.0.0:25\nremote_ip_ranges = 10.%u.%u.0/24\n",
		    i, i / 256, i % 256);
	fclose(out);
	return text;
}

static void
start(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;
	char *text = many_connectors();
	sigset_t set;

	server.snapshots = snapshots_new(config_of(text));
	server.live = live_new(40, 7, NULL);
	keeper.reload = reload_new();
	free(text);
	snprintf(where.sun_path, sizeof(where.sun_path), "%s/control.sock",
	    mkdtemp(folder));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	is_int(bind(fd, (const struct sockaddr *)&where, sizeof(where)), 0,
	    "a socket");
	is_int(listen(fd, 64), 0, "is listened to");
	is_int(pthread_create(&thread, NULL, keep, NULL), 0, "a keeper");
	pthread_detach(thread);
	is_int(control_start(fd, &keeper), 0, "a thread serves it");
}

int
main(void)
{
	catch_log();
	sem_init(&plan.begun, 0, 0);
	sem_init(&plan.gate, 0, 0);
	start();
	test_requests();
	test_pieces();
	test_reload();
	test_read_time();
	test_bound();
	test_burst();
	test_status();
	test_silent_peer();
	test_slow_peer();
	test_deaf_peer();
	test_slow_reader();
	test_gone_peers();
	test_drain();
	test_strangers();
	unlink(where.sun_path);
	rmdir(folder);
	return done();
}
