/*
 * milter_signal.c - keeps libmilter's own thread from the signals.
 */
#include "milter_parts.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>

static sem_t stop;

/*
 * libmilter's own thread waits here for SIGHUP, SIGTERM and SIGINT, and stops
 * the milter for each of them. This definition stands in for the C library's:
 * signals are the housekeeper's, and libmilter is told to stop by milter_stop.
 */
int
sigwait(const sigset_t *restrict set UNUSED, int *restrict sig)
{
	while (sem_wait(&stop) != 0 && errno == EINTR)
		continue;
	*sig = SIGTERM;
	return 0;
}

int
milter_stop_init(void)
{
	return sem_init(&stop, 0, 0);
}

void
milter_stop(void)
{
	sem_post(&stop);
}
