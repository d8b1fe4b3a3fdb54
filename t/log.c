/*
 * log.c - one record, one line, whatever a client says; and nobody waits for
 * those who read the lines.
 */
#include "log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "domain.h"
#include "tap.h"

/* Some compilers see a macro there. */
#undef syslog

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

/* Behind the head of every line of these cases. */
#define HEAD(id, name) \
	id ": connector=" name " client=c.test[192.0.2.9]:41022 " \
	   "listener=192.0.2.25:25 stage=rcpt verdict=reject rule=relay "

static const struct addr client = { ADDR_IPV4, 0xc0000209 };
static const struct endpoint listener = { { ADDR_IPV4, 0xc0000219 }, 25 };

/* Too large for a frame of its own. */
static char line[LOG_LINE_MAX];

/* clang-format off */
static const struct {
	const char *queue_id;
	const char *connector;
	const char *from, *to, *helo, *auth, *tls;
	const char *line;
	const char *what;
} cases[] = {
	{ "4Tq1", "internet", "a@b.test", "c@d.test", "x.test", "joe",
	    "TLSv1.3", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a@b.test> to=<c@d.test> helo=<x.test> identity=user "
	    "auth=joe tls=TLSv1.3", "an ordinary line" },
	{ NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    HEAD("NOQUEUE", "-") "reply=\"550 5.7.54 text\" from=<> to=<> "
	    "helo=<> identity=user auth= tls=", "what is not known is empty" },
	{ "", "internet", "", "", "", "", "",
	    HEAD("NOQUEUE", "internet") "reply=\"550 5.7.54 text\" from=<> "
	    "to=<> helo=<> identity=user auth= tls=",
	    "an empty queue id is none" },
	{ "4Tq1", "Default Frontend", NULL, NULL, NULL, NULL, NULL,
	    HEAD("4Tq1", "\"Default Frontend\"") "reply=\"550 5.7.54 text\" "
	    "from=<> to=<> helo=<> identity=user auth= tls=",
	    "a name with a blank stands in quotes" },
	{ "4Tq1", "internet", "a\r\n4Tq2: connector=x", "b\n", "\rc", "d\v",
	    "e\f", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a\\x0d\\x0a4Tq2:\\x20connector=x> to=<b\\x0a> "
	    "helo=<\\x0dc> identity=user auth=d\\x0b tls=e\\x0c",
	    "no line end passes" },
	{ "4Tq1", "internet", "a> to=<b", "c d", "\"q\"", "\\", "\\x41",
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a\\x3e\\x20to=\\x3cb> to=<c\\x20d> helo=<\\x22q\\x22> "
	    "identity=user auth=\\x5c tls=\\x5cx41",
	    "nothing can end its field or look like a key" },
	{ "4Tq1", "internet", "\x1b[31mred", "\x7f", "\x80\xff", "\x01",
	    "\xc3\xa9", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<\\x1b[31mred> to=<\\x7f> helo=<\\x80\\xff> identity=user "
	    "auth=\\x01 tls=\\xc3\\xa9",
	    "terminals and high bytes" },
	{ "4Tq1", "internet", "%s%n%d", "100%", "${x}", "$(id)", "`id`",
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<%s%n%d> to=<100%> helo=<${x}> identity=user auth=$(id) "
	    "tls=`id`", "no format is interpreted" },
	{ "id\nNOQUEUE", "internet", NULL, NULL, NULL, NULL, NULL,
	    HEAD("id\\x0aNOQUEUE", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<> to=<> helo=<> identity=user auth= tls=",
	    "nor is a queue id believed" },
	{ "4Tq1", "internet", FIVE_HUNDRED "0123456789ab",
	    FIVE_HUNDRED "0123456789abc", NULL, NULL, NULL,
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" from=<"
	    FIVE_HUNDRED "0123456789ab> to=<" FIVE_HUNDRED "0123456789ab...> "
	    "helo=<> identity=user auth= tls=",
	    "512 bytes are shown, of more with three dots" },
};

/* The keys that need something to say. */
static const struct {
	unsigned recipients;
	const char *certificate, *author;
	const char *end;
	const char *what;
} ends[] = {
	{ 0, NULL, NULL, "auth= tls=TLSv1.3", "nothing to say" },
	{ 1, NULL, NULL, "auth= tls=TLSv1.3", "one recipient is not counted" },
	{ 2, NULL, NULL, "auth= tls=TLSv1.3 nrcpt=2", "recipients" },
	{ 1, "mx.b.test", NULL, "auth= tls=TLSv1.3 cert=mx.b.test",
	    "a certificate" },
	{ 0, NULL, "ceo@c.test", "auth= tls=TLSv1.3 author=<ceo@c.test>",
	    "an author" },
	{ 2, "mx.b.test", "ceo@c.test", "auth= tls=TLSv1.3 nrcpt=2 "
	    "cert=mx.b.test author=<ceo@c.test>", "all of them, in order" },
	{ 0, "a b", "a> cert=x\n", "auth= tls=TLSv1.3 cert=a\\x20b "
	    "author=<a\\x3e\\x20cert=x\\x0a>", "nothing can end its field" },
};
/* clang-format on */

static void
check_cases(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct log_record record = {
			.queue_id = cases[i].queue_id,
			.connector = cases[i].connector,
			.client_name = "c.test",
			.client = client,
			.client_port = 41022,
			.listener = listener,
			.stage = "rcpt",
			.verdict = "reject",
			.rule = "relay",
			.reply = "550 5.7.54 text",
			.from = cases[i].from,
			.to = cases[i].to,
			.helo = cases[i].helo,
			.identity = "user",
			.auth = cases[i].auth,
			.tls = cases[i].tls,
		};

		is_str(log_format(line, &record), cases[i].line, cases[i].what);
	}
}

static void
check_ends(void)
{
	for (size_t i = 0; i < nitems(ends); i++) {
		const struct log_record record = {
			.tls = "TLSv1.3",
			.recipients = ends[i].recipients,
			.certificate = ends[i].certificate,
			.author = ends[i].author,
		};
		const char *end;

		end = strstr(log_format(line, &record), "auth=");
		is_str(end, ends[i].end, ends[i].what);
	}
}

/* The bytes that an encoded value stands for. */
static size_t
decode(char *out, const char *text, const char *end)
{
	size_t len = 0;

	while (text < end) {
		unsigned byte;

		if (text[0] == '\\' && sscanf(text, "\\x%2x", &byte) == 1) {
			out[len++] = (char)byte;
			text += 4;
		} else {
			out[len++] = *text++;
		}
	}
	return len;
}

/* Every byte comes back from the line, and the line is one. */
static void
check_round_trip(void)
{
	char bytes[256], back[256];
	struct log_record record = { .from = bytes };
	const char *start, *end;

	for (unsigned i = 1; i < sizeof(bytes); i++)
		bytes[i - 1] = (char)i;
	bytes[sizeof(bytes) - 1] = '\0';
	log_format(line, &record);
	start = strstr(line, " from=<");
	end = strstr(line, "> to=<");
	ok(start != NULL && end != NULL, "the field has its brackets");
	if (start == NULL || end == NULL)
		return;
	start += strlen(" from=<");
	is_int((long long)decode(back, start, end), sizeof(bytes) - 1,
	    "all 255 bytes are in the line");
	ok(memcmp(back, bytes, sizeof(bytes) - 1) == 0,
	    "and each is what it was");
	ok(strpbrk(line, "\r\n") == NULL, "in one line");
}

/* The worst a client can do to every field at once. */
static void
check_worst(void)
{
	char junk[700], name[65], certificate[DOMAIN_MAX + 1];
	struct log_record record = {
		.queue_id = "4TqWORST",
		.connector = name,
		.client_name = junk,
		.client = { ADDR_IPV6, ~(addr_value)0 },
		.client_port = 65535,
		.listener = { { ADDR_IPV6, ~(addr_value)0 }, 65535 },
		.stage = "rcpt",
		.verdict = "reject",
		.rule = "authoritative_domain_sender",
		.reply = FIVE_HUNDRED,
		.from = junk,
		.to = junk,
		.helo = junk,
		.identity = "externally_secured",
		.auth = junk,
		.tls = junk,
		.recipients = 4294967295,
		.certificate = certificate,
		.author = junk,
	};

	memset(junk, '\n', sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = '\0';
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(certificate, 'c', sizeof(certificate) - 1);
	certificate[sizeof(certificate) - 1] = '\0';
	log_format(line, &record);
	ok(strpbrk(line, "\r\n") == NULL, "the longest line is one line");
	ok(strstr(line, " identity=externally_secured auth=\\x0a") != NULL &&
		strstr(line, " tls=\\x0a") != NULL &&
		strstr(line, " nrcpt=4294967295 cert=c") != NULL &&
		strcmp(line + strlen(line) - 4, "...>") == 0,
	    "the longest line has all its keys");
}

/*
 * The system log of these tests, in place of libc's; the second is how libc's
 * own headers call it.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool shut;
	bool waits;      /* for it to be opened */
	char text[4096]; /* the first lines */
	size_t len;
	unsigned connects;
	unsigned long lines;
	unsigned long losses; /* by the lines that speak of them */
	unsigned loss_lines;
} journal = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.change = PTHREAD_COND_INITIALIZER,
};

static void journal_add(int priority, const char *fmt, va_list ap)
    PRINTF_LIKE(2, 0);

static void
journal_add(int priority, const char *fmt, va_list ap)
{
	char text[512];
	unsigned long losses;

	vsnprintf(text, sizeof(text), fmt, ap);
	pthread_mutex_lock(&journal.lock);
	while (journal.shut) {
		journal.waits = true;
		pthread_cond_broadcast(&journal.change);
		pthread_cond_wait(&journal.change, &journal.lock);
	}
	if (journal.len < sizeof(journal.text))
		journal.len += (size_t)snprintf(journal.text + journal.len,
		    sizeof(journal.text) - journal.len, "%d %s\n", priority,
		    text);
	if (priority == LOG_ERR &&
	    sscanf(text, "log: %lu lines were lost", &losses) == 1) {
		journal.losses += losses;
		journal.loss_lines++;
	} else {
		journal.lines++;
	}
	pthread_mutex_unlock(&journal.lock);
}

void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	journal_add(priority, fmt, ap);
	va_end(ap);
}

void __syslog_chk(int priority, int flag, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

void
__syslog_chk(int priority, int flag UNUSED, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	journal_add(priority, fmt, ap);
	va_end(ap);
}

void
openlog(const char *ident UNUSED, int option UNUSED, int facility UNUSED)
{
	pthread_mutex_lock(&journal.lock);
	journal.connects++;
	pthread_mutex_unlock(&journal.lock);
}

/* As libc's it waits for the line that is being sent. */
void
closelog(void)
{
	pthread_mutex_lock(&journal.lock);
	while (journal.waits && journal.shut)
		pthread_cond_wait(&journal.change, &journal.lock);
	pthread_mutex_unlock(&journal.lock);
}

static void
journal_shut(bool shut)
{
	pthread_mutex_lock(&journal.lock);
	journal.shut = shut;
	journal.waits = false;
	pthread_cond_broadcast(&journal.change);
	pthread_mutex_unlock(&journal.lock);
}

/* Until the thread stands before the shut journal. */
static void
journal_await(void)
{
	pthread_mutex_lock(&journal.lock);
	while (!journal.waits)
		pthread_cond_wait(&journal.change, &journal.lock);
	pthread_mutex_unlock(&journal.lock);
}

/* How many lines it has. */
static unsigned long
journal_lines(void)
{
	unsigned long lines;

	pthread_mutex_lock(&journal.lock);
	lines = journal.lines;
	pthread_mutex_unlock(&journal.lock);
	return lines;
}

/* What the journal heard of losses so far. */
static unsigned
journal_loss_lines(void)
{
	unsigned lines;

	pthread_mutex_lock(&journal.lock);
	lines = journal.loss_lines;
	pthread_mutex_unlock(&journal.lock);
	return lines;
}

/* Before each line on standard error. */
#define IDENT "connector-milter: "

/* A pipe in the place of standard error; -1: nobody reads it any more. */
static int pipe_end = -1;
static int real_stderr = -1;

static void
catch_stderr(void)
{
	int fds[2];

	real_stderr = dup(STDERR_FILENO);
	if (real_stderr == -1 || pipe(fds) != 0 ||
	    dup2(fds[1], STDERR_FILENO) == -1) {
		printf("Bail out! no pipe\n");
		exit(2);
	}
	close(fds[1]);
	pipe_end = fds[0];
}

static void
free_stderr(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	if (pipe_end != -1)
		close(pipe_end);
	pipe_end = -1;
}

static long long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What came through the pipe. */
static char got[65536];

static const char *
read_pipe(void)
{
	const ssize_t n = read(pipe_end, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

/* Of what happens often there is a line now and then. */

#define HAPPENS 1000

static struct log_seldom often;

static void *
happen(void *arg UNUSED)
{
	for (unsigned i = 0; i < HAPPENS; i++)
		log_seldom(&often, LOG_ERR, "it happened");
	return NULL;
}

static void
check_seldom(void)
{
	static struct log_seldom other;
	pthread_t threads[4];
	struct timespec now;
	long long late;

	catch_stderr();
	log_seldom(&often, LOG_ERR, "it happened");
	is_str(read_pipe(), "it happened: 1 times\n", "the first time");
	for (size_t i = 0; i < nitems(threads); i++)
		if (pthread_create(&threads[i], NULL, happen, NULL) != 0)
			exit(2);
	for (size_t i = 0; i < nitems(threads); i++)
		pthread_join(threads[i], NULL);
	log_seldom(&other, LOG_ERR, "another thing");
	is_str(read_pipe(), "another thing: 1 times\n",
	    "no line for the rest, and none less of anything else");
	clock_gettime(CLOCK_MONOTONIC, &now);
	late = atomic_load(&often.due) - now.tv_sec;
	ok(late > 0 && late <= 60, "the next one is due within a minute");
	atomic_store(&often.due, now.tv_sec);
	happen(NULL);
	is_str(read_pipe(), "it happened: 4001 times\n",
	    "then it counts all since");
	atomic_store(&often.due, now.tv_sec);
	log_seldom(&often, LOG_ERR, "it happened");
	is_str(read_pipe(), "it happened: 1000 times\n", "none is lost");
	free_stderr();
}

static void
check_threaded(void)
{
	const struct log_record record = { .recipients = 1, .tls = "TLSv1.3" };

	catch_stderr();
	log_line(LOG_ERR, "%s, %d", "first", 1);
	is_str(read_pipe(), "first, 1\n", "a line is written at once");
	log_open("connector-milter", LOG_MAIL);
	is_int(log_start(), 0, "the thread starts");
	log_line(LOG_ERR, "an error");
	log_line(LOG_NOTICE, "%s", "100%s");
	log_record(&record);
	log_stop(60000);
	log_line(LOG_INFO, "the last");
	snprintf(line, sizeof(line), IDENT "an error\n" IDENT "100%%s\n%s%s",
	    IDENT
	    "NOQUEUE: connector=- client=[unknown]:0 listener=unknown:0 "
	    "stage= "
	    "verdict= rule= reply=\"\" from=<> to=<> helo=<> identity= auth= "
	    "tls=TLSv1.3\n",
	    IDENT "the last\n");
	is_str(read_pipe(), line, "standard error has all lines, in order");
	is_str(journal.text,
	    "3 an error\n5 100%s\n"
	    "6 NOQUEUE: connector=- client=[unknown]:0 listener=unknown:0 "
	    "stage= "
	    "verdict= rule= reply=\"\" from=<> to=<> helo=<> identity= auth= "
	    "tls=TLSv1.3\n6 the last\n",
	    "so has the system log, with priorities");
	is_int((long long)log_dropped(), 0, "none was lost");
	is_int(journal.connects, 1, "one connection");
	log_reopen();
	log_line(LOG_INFO, "the very last");
	is_int(journal.connects, 2, "and another");
	free_stderr();
}

/* 6 MB of lines, more than wait; some of them must go. */
#define FLOOD 20000
#define BLOCKED 50
#define SLOW_MAX 20

/*
 * Logs that many lines; how many of the calls took too long. The kernel may
 * take a busy machine's processor from one or two.
 */
static unsigned
slow_lines(void)
{
	unsigned slow = 0;

	for (unsigned i = 1; i <= FLOOD; i++) {
		const long long start = now_ms();

		log_line(LOG_INFO, "%u %300s", i, "");
		slow += now_ms() - start >= BLOCKED;
	}
	return slow;
}

/* The system log hangs, and nobody reads standard error. */
static void
flood_journal(void)
{
	journal_shut(true);
	log_line(LOG_INFO, "one more");
	journal_await();
	ok(slow_lines() <= SLOW_MAX, "a hung system log delays nobody");
	log_reopen();
	ok(true, "not even who wants to reconnect to it");
	journal_shut(false);
}

static void
check_hung_journal(void)
{
	const unsigned long before = journal_lines();
	const unsigned long all = before + 2 * (FLOOD + 1);
	unsigned long first;

	catch_stderr();
	close(pipe_end);
	pipe_end = -1;
	is_int(log_start(), 0, "the thread starts again");
	flood_journal();
	while (journal_lines() + log_dropped() < all - FLOOD - 1)
		usleep(1000);
	first = log_dropped();
	flood_journal();
	while (journal_lines() + log_dropped() < all)
		usleep(1000);
	is_int(journal_loss_lines(), 1, "losses are spoken of at once");
	is_int((long long)journal.losses, (long long)first, "in full");
	log_stop(60000);
	is_int((long long)(journal_lines() + log_dropped()), (long long)all,
	    "every line was written or is counted as lost");
	is_int(journal_loss_lines(), 2, "once a minute, and at the end");
	is_int((long long)journal.losses, (long long)log_dropped(),
	    "with nothing left out");
	ok(first > 0 && log_dropped() > first, "there was something to say");
	free_stderr();
}

/* Reads numbered lines to the end of the pipe. */
struct reader {
	unsigned last;
	unsigned lines;
	unsigned strange;
	unsigned long losses;
};

static void *
read_late(void *arg)
{
	struct reader *reader = arg;
	FILE *in = fdopen(pipe_end, "r");
	char text[512];

	usleep(200000);
	while (in != NULL && fgets(text, sizeof(text), in) != NULL) {
		unsigned number;
		unsigned long losses;

		if (sscanf(text, IDENT "log: %lu lines were lost\n", &losses) ==
		    1)
			reader->losses += losses;
		else if (sscanf(text, IDENT "%u ", &number) == 1 &&
		    number > reader->last && strlen(text) > 300) {
			reader->last = number;
			reader->lines++;
		} else
			reader->strange++;
	}
	if (in != NULL)
		fclose(in);
	return NULL;
}

static void
check_late_reader(void)
{
	const unsigned long before = log_dropped();
	struct reader reader = { .last = 0 };
	pthread_t thread;

	catch_stderr();
	is_int(log_start(), 0, "the thread starts once more");
	is_int(pthread_create(&thread, NULL, read_late, &reader), 0,
	    "a reader comes late");
	ok(slow_lines() <= SLOW_MAX, "it delays nobody");
	log_stop(60000);
	dup2(real_stderr, STDERR_FILENO);
	pthread_join(thread, NULL);
	pipe_end = -1;
	free_stderr();
	is_int((long long)(reader.lines + log_dropped() - before), FLOOD,
	    "every line was written or is counted as lost");
	is_int((long long)reader.losses, (long long)(log_dropped() - before),
	    "the reader is told");
	is_int(reader.last, FLOOD, "the newest is there");
	is_int(reader.strange, 0, "no line is broken or out of order");
}

/* The last test: a thread is left behind. */
static void
check_no_reader(void)
{
	const unsigned long before = log_dropped();
	const unsigned told = journal_loss_lines();
	long long start, took;

	catch_stderr();
	is_int(log_start(), 0, "the thread starts for the last time");
	ok(slow_lines() <= SLOW_MAX, "a reader who stopped delays nobody");
	start = now_ms();
	log_stop(300);
	took = now_ms() - start;
	ok(took >= 300 && took < 30000, "nor the end (%lld ms)", took);
	ok(log_dropped() - before > FLOOD / 2, "what was not read is lost");
	ok(slow_lines() <= SLOW_MAX, "lines that come then wait for nobody");
	fflush(NULL);
	ok(true, "nobody holds the lock of standard error");
	close(pipe_end);
	pipe_end = -1;
	while (journal_loss_lines() == told)
		usleep(1000);
	free_stderr();
}

int
main(void)
{
	check_cases();
	check_ends();
	check_round_trip();
	check_worst();
	check_seldom();
	check_threaded();
	check_hung_journal();
	check_late_reader();
	check_no_reader();
	return done();
}
