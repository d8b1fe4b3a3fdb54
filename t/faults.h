/*
 * faults.h - one action again and again, its first allocation failing, then its
 * second, and so on until it is done untouched; then the same with all the
 * later ones failing too.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdarg.h>
#include <stdio.h>

#include "scarcity.h"
#include "tap.h"

/* Of so many complaints about one action the words are shown. */
#define COMPLAINTS_SHOWN 5

static struct {
	unsigned long k; /* 0: nothing fails */
	bool lasting;
	unsigned long failed; /* allocations, between starve and feed */
	bool wrong;
	unsigned shown;
} fault;

/* Memory fails from here ... */
static void
starve(void)
{
	fault.failed = 0;
	if (fault.k > 0)
		scarcity_begin(fault.k, fault.lasting);
}

/* ... to here. */
static void
feed(void)
{
	if (fault.k > 0)
		fault.failed = scarcity_end();
}

/* What came of it is not what may come of it. */
__attribute__((format(printf, 1, 2))) static void
complain(const char *fmt, ...)
{
	va_list ap;

	fault.wrong = true;
	if (++fault.shown > COMPLAINTS_SHOWN)
		return;
	printf("# k = %lu%s: ", fault.k, fault.lasting ? " and on" : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/*
 * Runs attempt for each k; it calls starve and feed around what is tried, and
 * gives everything back. How often it complained.
 */
static unsigned
try_all(void (*attempt)(void), unsigned long *tried)
{
	unsigned wrong = 0;

	for (fault.k = 1;; fault.k++) {
		const long before = atomic_load(&scarcity_blocks);
		long more;

		fault.wrong = false;
		attempt();
		more = atomic_load(&scarcity_blocks) - before;
		if (more != 0)
			complain("%ld blocks are left", more);
		wrong += fault.wrong;
		if (fault.failed == 0)
			break;
	}
	*tried = fault.k - 1;
	fault.k = 0;
	return wrong;
}

static void
enumerate_things(const char *what, const char *things, void (*attempt)(void))
{
	unsigned long once = 0, lasting = 0;
	unsigned wrong = 0;

	/* What is made once and kept is there before anything is counted. */
	fault.k = 0;
	fault.wrong = false;
	attempt();
	attempt();
	ok(!fault.wrong, "%s: with memory", what);
	fault.shown = 0;
	fault.lasting = false;
	wrong += try_all(attempt, &once);
	fault.lasting = true;
	wrong += try_all(attempt, &lasting);
	ok(wrong == 0 && once > 0,
	    "%s: each of %lu %s fails, and each of %lu with all behind it: "
	    "%u went wrong",
	    what, once, things, lasting, wrong);
}

__attribute__((unused)) static void
enumerate(const char *what, void (*attempt)(void))
{
	enumerate_things(what, "allocations", attempt);
}

#endif
