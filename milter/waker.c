/*
 * waker.c - one thread that counts who begins to wait, and knocks as often.
 */
#include "waker.h"

#include <pthread.h>
#include <semaphore.h>

#include "process.h"

/* The daemon has one. */
static struct {
	sem_t begun;
	const char *socket;
} waker;

static void
count(void *arg UNUSED)
{
	sem_post(&waker.begun);
}

static void *
knock(void *arg UNUSED)
{
	for (;;)
		if (sem_wait(&waker.begun) == 0)
			process_knock(waker.socket);
	return NULL;
}

int
waker_start(struct tarpit *tarpit, const char *socket)
{
	pthread_t thread;

	waker.socket = socket;
	if (sem_init(&waker.begun, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, knock, NULL) != 0)
		return -1;
	tarpit_watch(tarpit, count, NULL);
	pthread_setname_np(thread, "waker");
	return pthread_detach(thread) == 0 ? 0 : -1;
}
