/*
 * milter_thread.c - threads for libmilter when the system gives none.
 */
#include "milter_parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "log.h"

#define RESERVE 16

/* Who reads a From field takes 60 KB of it, and no callback more. */
#define RESERVE_STACK 262144

#define SECOND_NS 1000000000LL

struct task {
	void *(*start)(void *);
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct task *tasks; /* a ring */
	size_t room;
	size_t first;
	size_t count;
	atomic_llong waits_since; /* ns; 0: nothing waits */
	atomic_bool ready;
	struct live *live;
	struct log_seldom seldom;
} reserve = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
};

static _Thread_local enum milter_thread kind = MILTER_THREAD_OURS;

/* Under the lock. */
static struct task
take(void)
{
	const struct task task = reserve.tasks[reserve.first];

	reserve.first = (reserve.first + 1) % reserve.room;
	reserve.count--;
	atomic_store(
	    &reserve.waits_since, reserve.count > 0 ? reserve.live->now() : 0);
	return task;
}

/*
 * The C library gives each thread a heap when it first wants memory, and where
 * there is none for a heap any more it gives it nothing from the others.
 */
static void
take_heap(void)
{
	void *volatile memory = malloc(1);

	free(memory);
}

static void *
stand_by(void *arg UNUSED)
{
	kind = MILTER_THREAD_RESERVE;
	live_never_wait();
	take_heap();
	for (;;) {
		struct task task;

		pthread_mutex_lock(&reserve.lock);
		while (reserve.count == 0)
			pthread_cond_wait(&reserve.filled, &reserve.lock);
		task = take();
		pthread_mutex_unlock(&reserve.lock);
		milter_poll_begin();
		(void)(*task.start)(task.arg);
		milter_answer_lost();
	}
	return NULL;
}

/* False when there is no room, which there always is. */
static bool
put(const struct task *task)
{
	bool fits;

	pthread_mutex_lock(&reserve.lock);
	fits = reserve.count < reserve.room;
	if (fits) {
		if (reserve.count == 0)
			atomic_store(&reserve.waits_since, reserve.live->now());
		reserve
		    .tasks[(reserve.first + reserve.count++) % reserve.room] =
		    *task;
		pthread_cond_signal(&reserve.filled);
	}
	pthread_mutex_unlock(&reserve.lock);
	return fits;
}

static int
create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
    void *arg)
{
	static int (*_Atomic create_really)(
	    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	int (*found)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
	    void *) = create_really;

	if (found == NULL) {
		*(void **)&found = dlsym(RTLD_NEXT, "pthread_create");
		create_really = found;
	}
	return (*found)(thread, attr, start, arg);
}

static void *
begin(void *arg)
{
	struct task task = *(struct task *)arg;
	void *result;

	free(arg);
	kind = MILTER_THREAD_LIBMILTER;
	result = (*task.start)(task.arg);
	milter_answer_lost();
	return result;
}

static int
create_for_libmilter(
    pthread_t *thread, const pthread_attr_t *attr, const struct task *task)
{
	struct task *copy = malloc(sizeof(*copy));
	int error = ENOMEM;

	if (copy != NULL) {
		*copy = *task;
		error = create(thread, attr, begin, copy);
	}
	if (error != 0)
		free(copy);
	return error;
}

/* Counts it, and says so now and then. */
static void
note(int error)
{
	const unsigned long count = log_seldom_count(&reserve.seldom);

	if (count > 0)
		log_line(LOG_ERR,
		    "no thread for a command (%s): %lu had to wait for one in "
		    "reserve",
		    strerror(error), count);
}

/* Stands in for the C library's; see milter_thread_init. */
int
pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
    void *(*start)(void *), void *restrict arg)
{
	const struct task task = { start, arg };
	int error;

	if (kind == MILTER_THREAD_OURS || !atomic_load(&reserve.ready))
		return create(thread, attr, start, arg);
	error = create_for_libmilter(thread, attr, &task);
	if (error == 0)
		return 0;
	live_set_scarce(reserve.live);
	if (!put(&task))
		return error;
	note(error);
	*thread = pthread_self();
	return 0;
}

/* Stands in likewise: who is in reserve was never anybody's to detach. */
int
pthread_detach(pthread_t thread)
{
	static int (*_Atomic detach_really)(pthread_t);
	int (*found)(pthread_t) = detach_really;

	if (kind == MILTER_THREAD_RESERVE &&
	    pthread_equal(thread, pthread_self()))
		return 0;
	if (found == NULL) {
		*(void **)&found = dlsym(RTLD_NEXT, "pthread_detach");
		detach_really = found;
	}
	return (*found)(thread);
}

bool
milter_thread_is_late(void)
{
	const long long since = atomic_load(&reserve.waits_since);

	return since != 0 && reserve.live->now() - since >= SECOND_NS;
}

enum milter_thread
milter_thread_kind(void)
{
	return kind;
}

static int
start_all(const pthread_attr_t *attr)
{
	pthread_t thread;

	for (unsigned i = 0; i < RESERVE; i++) {
		if (create(&thread, attr, stand_by, NULL) != 0)
			return -1;
		pthread_setname_np(thread, "reserve");
	}
	return 0;
}

int
milter_thread_init(struct live *live, size_t room)
{
	pthread_attr_t attr;
	int result = -1;

	reserve.live = live;
	reserve.room = room;
	reserve.tasks = calloc(room, sizeof(*reserve.tasks));
	if (reserve.tasks == NULL || pthread_attr_init(&attr) != 0)
		return -1;
	if (pthread_attr_setstacksize(&attr, RESERVE_STACK) == 0 &&
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0)
		result = start_all(&attr);
	pthread_attr_destroy(&attr);
	kind = MILTER_THREAD_LIBMILTER;
	atomic_store(&reserve.ready, result == 0);
	return result;
}
