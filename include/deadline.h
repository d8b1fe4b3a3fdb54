/*
 * deadline.h - conditions that wait by a clock which nobody sets.
 *
 * pthread_cond_timedwait goes by the time of day unless it is told otherwise,
 * and a clock that is put back would make everybody wait. Any thread.
 */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <pthread.h>
#include <time.h>

#include "compiler.h"

/* A condition that waits by CLOCK_MONOTONIC. 0, or -1. */
int deadline_cond_init(pthread_cond_t *cond) NODISCARD;

/* The time in so many milliseconds, for such a condition; below 0 is 0. */
struct timespec deadline_in(long long milliseconds);

/*
 * Waits for such a condition, like pthread_cond_timedwait, whose value it
 * returns; 0 may also mean nothing. Only the clock says that it is too late:
 * under libraries that make up the time (faketime) the C library thinks so at
 * once.
 */
int deadline_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
    const struct timespec *until) NODISCARD;

#endif
