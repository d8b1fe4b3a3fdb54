/*
 * sandbox.c - gives up rights for good.
 */
#include "sandbox_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>

#include "log.h"

static int
complain(const char *what)
{
	log_line(LOG_ERR, "cannot give up %s: %s", what, strerror(errno));
	return EX_OSERR;
}

/* A core that is piped away by the system is kept back by the first alone. */
static int
keep_memory_private(void)
{
#ifndef SANITIZED /* whose search for leaks reads our memory like a debugger \
		   */
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return complain("memory images");
#endif
	return 0;
}

int
sandbox_enter(void)
{
	int code;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return complain("new privileges");
	code = keep_memory_private();
	return code != 0 ? code : sandbox_filter();
}
