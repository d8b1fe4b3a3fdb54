/*
 * ctl.h - what every verb of connectorctl shares.
 *
 * A verb is one file ctl_NAME.c with one function (ctl_daemon.c has all that
 * talk to the daemon), and one row in ctl.c. It gets its own name as argv[0],
 * writes to standard output, and returns the exit status of the program after
 * saying on standard error what failed. One thread.
 */
#ifndef CTL_H
#define CTL_H

#include <sysexits.h>

#include "config.h"

/* Exit statuses; a deferred message is neither accepted nor refused. */
enum ctl_status {
	CTL_OK = 0,
	CTL_REFUSED = 1,
	CTL_USAGE = 2,
	CTL_DEFERRED = 3,
	CTL_FAILED = EX_OSERR,
	CTL_CONFIG = EX_CONFIG,
};

struct ctl_verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage; /* what follows the name */
	const char *help;  /* one line */
};

int ctl_directory(int argc, char **argv);
int ctl_drain(int argc, char **argv);
int ctl_explain(int argc, char **argv);
int ctl_help(int argc, char **argv);
int ctl_mta(int argc, char **argv);
int ctl_reload(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_test(int argc, char **argv);
int ctl_verify_stamp(int argc, char **argv);

/* The verbs, in the order of the help. */
extern const struct ctl_verb ctl_verbs[];
extern const size_t ctl_verb_count;

/* NULL when there is none of this name. */
const struct ctl_verb *ctl_find_verb(const char *name);

/*
 * Loads the configuration, with every problem on standard error. NULL when it
 * does not load: the status is CTL_CONFIG. Freed by config_free.
 */
struct config *ctl_load(const char *path) NODISCARD;

/* Says what is wrong with the command line of verb; returns CTL_USAGE. */
int ctl_usage(const char *verb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Says which flag getopt stumbled over; returns CTL_USAGE. */
int ctl_bad_flag(char **argv);

/* Says that memory ran out; returns CTL_FAILED. */
int ctl_no_memory(void);

/* status, once standard output is written; CTL_FAILED when it cannot be. */
int ctl_finish(int status) NODISCARD;

#endif
