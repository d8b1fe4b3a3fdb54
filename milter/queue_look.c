/*
 * queue_look.c - looks at a queue that may lie on a volume which does not
 * answer.
 */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Reloads without end must not keep threads without end. */
#define MUTE_MAX 4

/* Threads that nobody waits for any more. */
static atomic_int mute;

/* Of both threads; the one that leaves it last frees it. */
struct task {
	char *directory;
	long long most;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t over;
	bool done;
	bool forsaken;
	enum queue_state state;
	int error;
};

static struct task *
task_new(const char *directory, long long most)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	task->directory = strdup(directory);
	task->most = most;
	if (task->directory != NULL &&
	    pthread_cond_init(&task->over, NULL) == 0 &&
	    pthread_mutex_init(&task->lock, NULL) == 0)
		return task;
	free(task->directory);
	free(task);
	return NULL;
}

static void
task_free(struct task *task)
{
	pthread_cond_destroy(&task->over);
	pthread_mutex_destroy(&task->lock);
	free(task->directory);
	free(task);
}

static enum queue_state
look(const char *directory, long long most)
{
	struct stat st;

	errno = 0;
	if (stat(directory, &st) != 0)
		return QUEUE_NO_FOLDER;
	if (!S_ISDIR(st.st_mode))
		return QUEUE_NO_FOLDER;
	if (most > 0 && queue_length(directory, most) == -1)
		return QUEUE_UNREADABLE;
	return QUEUE_READABLE;
}

static void *
run(void *arg)
{
	struct task *task = arg;
	const enum queue_state state = look(task->directory, task->most);
	const int error = errno;
	bool forsaken;

	pthread_mutex_lock(&task->lock);
	task->state = state;
	task->error = error;
	task->done = true;
	forsaken = task->forsaken;
	pthread_cond_signal(&task->over);
	pthread_mutex_unlock(&task->lock);
	if (!forsaken)
		return NULL;
	task_free(task);
	atomic_fetch_sub(&mute, 1);
	return NULL;
}

/* Signals are for those who wait for them. */
static int
start(struct task *task)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, task);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		(void)pthread_detach(thread);
	return error;
}

/* The state and errno, or QUEUE_MUTE when it takes too long. */
static enum queue_state
wait_for(struct task *task)
{
	enum queue_state state = QUEUE_MUTE;
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += QUEUE_LOOK_SECONDS;
	pthread_mutex_lock(&task->lock);
	while (!task->done && error == 0)
		error = pthread_cond_clockwait(
		    &task->over, &task->lock, CLOCK_MONOTONIC, &until);
	task->forsaken = !task->done;
	if (task->done) {
		state = task->state;
		error = task->error;
	} else {
		atomic_fetch_add(&mute, 1);
	}
	pthread_mutex_unlock(&task->lock);
	errno = error;
	return state;
}

enum queue_state
queue_look(const char *directory, long long most)
{
	struct task *task =
	    atomic_load(&mute) < MUTE_MAX ? task_new(directory, most) : NULL;
	enum queue_state state;
	int error;

	if (task == NULL)
		return QUEUE_MUTE;
	if (start(task) != 0) {
		task_free(task);
		return QUEUE_MUTE;
	}
	state = wait_for(task);
	error = errno;
	if (state != QUEUE_MUTE)
		task_free(task);
	errno = error;
	return state;
}
