/*
 * ctl.c - connectorctl: finds the verb and runs it.
 */
#include "ctl.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "today.h"

/* Too small for a file of its own. */
static int
ctl_version(int argc, char **argv)
{
	if (argc > 1)
		return ctl_usage(argv[0], "%s: no argument is taken", argv[1]);
	printf("connectorctl %s\n", VERSION);
	return ctl_finish(CTL_OK);
}

/* clang-format off */
const struct ctl_verb ctl_verbs[] = {
	{ "explain", ctl_explain, "--client ADDR[:PORT] [flags]",
	    "which connector a client gets, what it may do there, and why" },
	{ "test", ctl_test, "[--config FILE] FILE...",
	    "policy tests: what explain has to answer, line by line" },
	{ "mta", ctl_mta, "postfix | sendmail [guard] [--config FILE]",
	    "what the MTA must be told, first of all the relay guard" },
	{ "directory", ctl_directory, "hash [FILE]",
	    "a file of recipients with every address as its SHA-256" },
	{ "verify-stamp", ctl_verify_stamp,
	    "[--config FILE] [--key-file FILE] [--prefix PREFIX] "
	    "[--max-age TIME] [FILE]",
	    "whether the stamp of a message is one that our keys signed" },
	{ "status", ctl_status,
	    "[--json] [--config FILE] [--socket PATH]",
	    "what the running daemon does, and what it has counted" },
	{ "reload", ctl_reload, "[--config FILE] [--socket PATH]",
	    "lets the daemon read its configuration anew; every problem" },
	{ "drain", ctl_drain, "[off] [--config FILE] [--socket PATH]",
	    "lets the daemon turn new sessions away, or take them again" },
	{ "help", ctl_help, "[VERB | settings | rules | replies]",
	    "this text, a verb, or the tables that the program works by" },
	{ "version", ctl_version, "",
	    "the version of this program" },
};
/* clang-format on */

const size_t ctl_verb_count = nitems(ctl_verbs);

const struct ctl_verb *
ctl_find_verb(const char *name)
{
	for (size_t i = 0; i < ctl_verb_count; i++)
		if (strcmp(ctl_verbs[i].name, name) == 0)
			return &ctl_verbs[i];
	return NULL;
}

int
ctl_usage(const char *verb, const char *fmt, ...)
{
	const struct ctl_verb *row = ctl_find_verb(verb);
	va_list ap;

	fprintf(stderr, "connectorctl %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
	if (row != NULL)
		fprintf(stderr, "usage: connectorctl %s %s\n", row->name,
		    row->usage);
	return CTL_USAGE;
}

int
ctl_bad_flag(char **argv)
{
	return ctl_usage(argv[0],
	    "%s: not a flag of this verb, or its value is missing",
	    argv[optind - 1]);
}

int
ctl_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fputs("connectorctl: the output could not be written\n", stderr);
	return CTL_FAILED;
}

int
ctl_no_memory(void)
{
	fputs("connectorctl: no memory\n", stderr);
	return CTL_FAILED;
}

struct config *
ctl_load(const char *path)
{
	struct diags *diags = diags_new();
	struct config *config = NULL;

	if (diags == NULL) {
		(void)ctl_no_memory();
		return NULL;
	}
	config = config_load(path, today(), diags);
	diags_print(diags, stderr);
	diags_free(diags);
	return config;
}

int
main(int argc, char **argv)
{
	const struct ctl_verb *verb;

	/* A file that may not grow is a write that failed, and no end. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		fputs("connectorctl: which verb? See connectorctl help\n",
		    stderr);
		return CTL_USAGE;
	}
	verb = ctl_find_verb(
	    strncmp(argv[1], "--", 2) == 0 ? argv[1] + 2 : argv[1]);
	if (verb == NULL) {
		fprintf(stderr,
		    "connectorctl: there is no verb %s; see connectorctl "
		    "help\n",
		    argv[1]);
		return CTL_USAGE;
	}
	return verb->run(argc - 1, argv + 1);
}
