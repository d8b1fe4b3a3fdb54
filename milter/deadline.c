/*
 * deadline.c - conditions with CLOCK_MONOTONIC, and times for them.
 */
#include "deadline.h"

#include <errno.h>
#include <stdbool.h>

#define NS_PER_MS 1000000L
#define NS_PER_S 1000000000L

/* How long one rests for whom waiting does not work. */
static const struct timespec rest = { .tv_nsec = 10 * NS_PER_MS };

int
deadline_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int error;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	error = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return error == 0 ? 0 : -1;
}

struct timespec
deadline_in(long long milliseconds)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	if (milliseconds <= 0)
		return time;
	time.tv_sec += (time_t)(milliseconds / 1000);
	time.tv_nsec += (long)(milliseconds % 1000) * NS_PER_MS;
	if (time.tv_nsec >= NS_PER_S) {
		time.tv_sec++;
		time.tv_nsec -= NS_PER_S;
	}
	return time;
}

static bool
has_passed(const struct timespec *until)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until->tv_sec ||
	    (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

int
deadline_wait(
    pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
	const int error = pthread_cond_timedwait(cond, lock, until);

	if (error != ETIMEDOUT || has_passed(until))
		return error;
	pthread_mutex_unlock(lock);
	nanosleep(&rest, NULL);
	pthread_mutex_lock(lock);
	return 0;
}
