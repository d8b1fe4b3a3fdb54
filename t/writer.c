/*
 * writer.c - whatever the sink does, nobody waits for it, and every record is
 * either written, in its turn, or counted as lost.
 */
#include "writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define THREADS 8
#define EACH 20000
/* In ms: what no caller may wait, but for some of them; and a late end. */
#define BLOCKED 50
#define SLOW_MAX 20
#define LATE 20000

/* What every record of these tests begins with. */
struct record {
	unsigned thread;
	unsigned number; /* from 1 */
	unsigned len;    /* of the whole */
};

/* A sink that can be shut, refuse, and looks at everything it gets. */
struct drain {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool shut;
	bool waits;       /* for it to be opened */
	unsigned refused; /* every so many records; 0: none */
	unsigned long calls;
	unsigned long written;
	unsigned long flushes;
	unsigned long unflushed;
	unsigned long strange;         /* records that nobody put */
	unsigned long turned;          /* out of their order */
	unsigned first, last[THREADS]; /* numbers that came */
	bool signals_blocked;
	char name[16];
};

static char
byte_at(const struct record *record, size_t i)
{
	return (char)(record->thread * 31 + record->number * 7 + i);
}

static void
look_at(struct drain *drain, const char *bytes, size_t len)
{
	struct record record;

	if (len < sizeof(record)) {
		drain->strange++;
		return;
	}
	memcpy(&record, bytes, sizeof(record));
	if (record.len != len || record.thread >= THREADS) {
		drain->strange++;
		return;
	}
	for (size_t i = sizeof(record); i < len; i++)
		if (bytes[i] != byte_at(&record, i)) {
			drain->strange++;
			return;
		}
	drain->turned += record.number <= drain->last[record.thread];
	drain->last[record.thread] = record.number;
	if (drain->first == 0)
		drain->first = record.number;
}

static bool
drain_write(void *arg, const char *bytes, size_t len)
{
	struct drain *drain = arg;
	bool refused;

	pthread_mutex_lock(&drain->lock);
	while (drain->shut) {
		drain->waits = true;
		pthread_cond_broadcast(&drain->change);
		pthread_cond_wait(&drain->change, &drain->lock);
	}
	drain->waits = false;
	look_at(drain, bytes, len);
	drain->calls++;
	refused = drain->refused != 0 && drain->calls % drain->refused == 0;
	drain->written += !refused;
	drain->unflushed++;
	pthread_mutex_unlock(&drain->lock);
	return !refused;
}

static void
drain_flush(void *arg)
{
	struct drain *drain = arg;
	sigset_t set;

	pthread_mutex_lock(&drain->lock);
	drain->flushes++;
	drain->unflushed = 0;
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	drain->signals_blocked = sigismember(&set, SIGTERM) == 1 &&
	    sigismember(&set, SIGPIPE) == 1 && sigismember(&set, SIGUSR2) == 1;
	pthread_getname_np(pthread_self(), drain->name, sizeof(drain->name));
	pthread_cond_broadcast(&drain->change);
	pthread_mutex_unlock(&drain->lock);
}

/* A copy of what the sink knows. */
static struct drain
seen(struct drain *drain)
{
	struct drain copy;

	pthread_mutex_lock(&drain->lock);
	copy = *drain;
	pthread_mutex_unlock(&drain->lock);
	return copy;
}

static void
set_shut(struct drain *drain, bool shut)
{
	pthread_mutex_lock(&drain->lock);
	drain->shut = shut;
	pthread_cond_broadcast(&drain->change);
	pthread_mutex_unlock(&drain->lock);
}

/* Until the thread stands before the shut sink, with the record it has. */
static void
await_shut(struct drain *drain)
{
	pthread_mutex_lock(&drain->lock);
	while (!drain->waits)
		pthread_cond_wait(&drain->change, &drain->lock);
	pthread_mutex_unlock(&drain->lock);
}

static void *
need(void *memory)
{
	if (memory == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return memory;
}

/* A writer of its own for each test. */
static struct writer *
writer_of(struct drain *drain, size_t size)
{
	const struct writer_sink sink = { drain_write, drain_flush, drain };

	*drain = (struct drain){ .refused = 0 };
	pthread_mutex_init(&drain->lock, NULL);
	pthread_cond_init(&drain->change, NULL);
	return need(writer_new(size, &sink));
}

static struct writer *
started(struct drain *drain, size_t size)
{
	struct writer *writer = writer_of(drain, size);

	if (writer_start(writer, "drain") != 0)
		need(NULL);
	return writer;
}

static void
put(struct writer *writer, unsigned thread, unsigned number, size_t len)
{
	static _Thread_local char bytes[4096];
	const struct record record = { thread, number, (unsigned)len };

	memcpy(bytes, &record, sizeof(record));
	for (size_t i = sizeof(record); i < len; i++)
		bytes[i] = byte_at(&record, i);
	writer_put(writer, bytes, len);
}

static long long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
pause_ms(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000,
		milliseconds % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void
check_order(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 16384);
	unsigned number = 0, tries = 0;
	struct drain end;
	long long took;

	/* Half a ring in each nap of 10 ms would take 3 seconds. */
	do {
		const long long start = now_ms();

		for (unsigned i = 1; i <= 5000; i++) {
			while (writer_is_behind(writer))
				pause_ms(1);
			put(writer, 0, ++number,
			    sizeof(struct record) + i * 37 % 1000);
		}
		took = now_ms() - start;
	} while (took >= 2000 && ++tries < 5);
	ok(took < 2000, "a ring that fills up is emptied at once");
	ok(writer_stop(writer, 60000), "all is written before the end");
	end = seen(&drain);
	is_int((long long)end.written, number, "every record arrived");
	is_int((long long)end.strange, 0, "as it was put");
	is_int((long long)end.turned, 0, "in order");
	is_int((long long)end.unflushed, 0, "the last flush came last");
	is_int((long long)writer_dropped(writer), 0, "none was lost");
	ok(end.signals_blocked, "the thread takes no signals");
	is_str(end.name, "drain", "the thread has its name");
	writer_free(writer);
}

static void
check_direct(void)
{
	struct drain drain;
	struct writer *writer = writer_of(&drain, 1024);

	put(writer, 0, 1, 100);
	is_int((long long)seen(&drain).written, 1,
	    "before the start a record is written at once");
	is_int((long long)seen(&drain).flushes, 1, "and flushed");
	put(writer, 0, 2, 257);
	is_int((long long)writer_dropped(writer), 1,
	    "one that is too long is not");
	ok(writer_stop(writer, 0), "what was not started can be stopped");
	is_int(writer_start(writer, "drain"), 0, "it starts");
	put(writer, 0, 3, 100);
	ok(writer_stop(writer, 60000), "it stops");
	put(writer, 0, 4, 100);
	is_int((long long)seen(&drain).written, 3,
	    "after the stop a record is written at once");
	is_int((long long)seen(&drain).unflushed, 0, "and flushed");
	is_int(writer_start(writer, "drain"), 0, "it starts again");
	put(writer, 0, 5, 100);
	ok(writer_stop(writer, 60000), "it stops again");
	is_int((long long)seen(&drain).last[0], 5, "with all in order");
	is_int((long long)seen(&drain).turned, 0, "from first to last");
	writer_free(writer);
}

/* 100 bytes each in the ring. */
#define HUNDRED (100 - sizeof(size_t))

static void
check_oldest(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 1000);

	set_shut(&drain, true);
	put(writer, 0, 1, HUNDRED);
	await_shut(&drain);
	for (unsigned i = 2; i <= 6; i++)
		put(writer, 0, i, HUNDRED);
	ok(!writer_is_behind(writer), "half a ring is not behind");
	put(writer, 0, 7, HUNDRED);
	ok(writer_is_behind(writer), "more than half a ring is");
	for (unsigned i = 8; i <= 11; i++)
		put(writer, 0, i, HUNDRED);
	is_int((long long)writer_dropped(writer), 0, "ten fit");
	for (unsigned i = 12; i <= 16; i++)
		put(writer, 1, i, HUNDRED);
	is_int((long long)writer_dropped(writer), 5, "five more push out five");
	put(writer, 1, 17, 250);
	is_int((long long)writer_dropped(writer), 8, "a long one three");
	set_shut(&drain, false);
	ok(writer_stop(writer, 60000), "what is left is written");
	is_int((long long)seen(&drain).written, 9, "so many");
	is_int(seen(&drain).first, 1, "the one that was being written");
	is_int(seen(&drain).last[0], 11, "none of the newest is missing");
	is_int(seen(&drain).last[1], 17, "nor the last");
	is_int((long long)seen(&drain).strange, 0, "all are whole");
	ok(!writer_is_behind(writer), "an empty ring is not behind");
	writer_free(writer);
}

static void
check_long(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 4096);

	put(writer, 0, 1, 1024);
	put(writer, 0, 2, 1025);
	put(writer, 0, 3, 4096);
	put(writer, 0, 4, 1023);
	ok(writer_stop(writer, 60000), "long records do not stop it");
	is_int((long long)seen(&drain).written, 2,
	    "a quarter of the ring can be written");
	is_int((long long)writer_dropped(writer), 2, "longer ones are lost");
	is_int((long long)seen(&drain).strange, 0, "and nothing else");
	writer_free(writer);
}

static void
check_failing(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 65536);

	drain.refused = 3;
	for (unsigned i = 1; i <= 300; i++)
		put(writer, 0, i, 50);
	ok(writer_stop(writer, 60000), "a sink that fails ends as well");
	is_int((long long)seen(&drain).calls, 300, "it was asked each time");
	is_int(
	    (long long)writer_dropped(writer), 100, "what it refuses is lost");
	is_int((long long)seen(&drain).written, 200, "the rest is not");
	drain.refused = 1;
	put(writer, 0, 301, 50);
	is_int((long long)writer_dropped(writer), 101,
	    "nor is it forgotten when there is no thread");
	writer_free(writer);
}

/*
 * Puts count records; how many of them took too long. The kernel may take a
 * busy machine's processor from one or two.
 */
static unsigned
slow_puts(struct writer *writer, unsigned first, unsigned count)
{
	unsigned slow = 0;

	for (unsigned i = 0; i < count; i++) {
		const long long start = now_ms();

		put(writer, 0, first + i, 300);
		slow += now_ms() - start >= BLOCKED;
	}
	return slow;
}

/* What is left behind may not be freed, nor the thread's sink. */
static struct drain hung;
static struct writer *volatile left_behind;

static void
check_hanging(void)
{
	struct writer *writer = started(&hung, 65536);
	long long start, took;

	for (unsigned i = 1; i <= 10; i++)
		put(writer, 0, i, 300);
	while (seen(&hung).written < 10)
		pause_ms(1);
	set_shut(&hung, true);
	put(writer, 0, 11, 300);
	await_shut(&hung);
	ok(slow_puts(writer, 12, 20000) <= SLOW_MAX,
	    "a sink that hangs delays nobody");
	start = now_ms();
	ok(!writer_stop(writer, 300), "it is left behind at the end");
	took = now_ms() - start;
	ok(took >= 300 && took < 300 + LATE, "in time (%lld ms)", took);
	is_int((long long)(seen(&hung).written + writer_dropped(writer)), 20011,
	    "every record was written or is counted as lost");
	ok(slow_puts(writer, 20012, 100) <= SLOW_MAX,
	    "what comes then waits for nobody");
	is_int((long long)(seen(&hung).written + writer_dropped(writer)), 20111,
	    "and is lost");
	ok(!writer_stop(writer, 60000), "another stop does not wait");
	set_shut(&hung, false);
	while (seen(&hung).last[0] < 11)
		pause_ms(1);
	put(writer, 0, 30000, 300);
	pause_ms(50);
	is_int(seen(&hung).last[0], 11,
	    "who comes back writes what it had in hand, and no more");
	left_behind = writer;
}

static void
check_stop(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 1048576);
	unsigned long flushes;
	long long start;

	for (unsigned i = 1; i <= 10000; i++)
		put(writer, 0, i, 80);
	ok(writer_stop(writer, 60000), "stop waits for what is left");
	is_int((long long)seen(&drain).written, 10000, "all of it");
	is_int((long long)seen(&drain).unflushed, 0, "with a flush");
	is_int(writer_start(writer, "drain"), 0, "an idle one starts");
	pause_ms(100);
	flushes = seen(&drain).flushes;
	start = now_ms();
	ok(writer_stop(writer, 60000), "and stops");
	ok(now_ms() - start < LATE, "at once");
	ok(seen(&drain).flushes > flushes, "not without a last flush");
	writer_free(writer);
}

/* The thread is asleep when it may, awake when it must. */
static void
check_pace(void)
{
	struct drain drain;
	struct writer *writer = started(&drain, 1048576);
	unsigned long flushes;
	long long start, took = LATE;

	/* By itself it looks each second. */
	for (unsigned i = 1; i <= 5 && took >= 700; i++) {
		pause_ms(300);
		start = now_ms();
		put(writer, 0, i, 80);
		while (seen(&drain).written < i)
			pause_ms(1);
		took = now_ms() - start;
	}
	ok(took < 700, "who sleeps is woken");
	pause_ms(50);
	flushes = seen(&drain).flushes;
	start = now_ms();
	for (unsigned i = 6; now_ms() - start < 500; i++) {
		put(writer, 0, i, 80);
		usleep(100);
	}
	ok(seen(&drain).flushes - flushes <= 60,
	    "under load it works no more than 100 times a second (%lu)",
	    (seen(&drain).flushes - flushes) * 2);
	pause_ms(50);
	flushes = seen(&drain).flushes;
	start = now_ms();
	pause_ms(1300);
	while (seen(&drain).flushes == flushes && now_ms() - start < LATE)
		pause_ms(1);
	flushes = seen(&drain).flushes - flushes;
	took = now_ms() - start;
	ok(flushes >= 1 && (long long)flushes <= 1 + took / 1000,
	    "without records it flushes each second");
	ok(writer_stop(writer, 60000), "it stops");
	is_int((long long)writer_dropped(writer), 0, "nothing was lost");
	writer_free(writer);
}

static struct writer *crowded;

static void *
put_many(void *arg)
{
	const unsigned thread = *(const unsigned *)arg;

	for (unsigned i = 1; i <= EACH; i++)
		put(crowded, thread, i, sizeof(struct record) + i % 300);
	return NULL;
}

static void
check_crowd(void)
{
	struct drain drain;
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];
	unsigned started_threads = 0;
	struct drain end;

	crowded = started(&drain, 262144);
	drain.refused = 100;
	set_shut(&drain, true);
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		started_threads += pthread_create(&threads[i], NULL, put_many,
				       &numbers[i]) == 0;
	}
	is_int(started_threads, THREADS, "so many threads");
	await_shut(&drain);
	while (writer_dropped(crowded) == 0)
		pause_ms(1);
	set_shut(&drain, false);
	for (unsigned i = 0; i < started_threads; i++)
		pthread_join(threads[i], NULL);
	ok(writer_stop(crowded, 60000), "it stops");
	end = seen(&drain);
	is_int((long long)(end.written + writer_dropped(crowded)),
	    THREADS * EACH, "every record was written or lost");
	ok(end.written > 0 && writer_dropped(crowded) > end.calls / 100,
	    "some of both");
	is_int((long long)end.strange, 0, "all are whole");
	is_int((long long)end.turned, 0, "each thread's in order");
	writer_free(crowded);
}

int
main(void)
{
	check_order();
	check_direct();
	check_oldest();
	check_long();
	check_failing();
	check_hanging();
	check_stop();
	check_pace();
	check_crowd();
	return done();
}
