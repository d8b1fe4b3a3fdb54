/*
 * ctl_daemon.c - connectorctl status, reload and drain: what the running daemon
 * does, and what it should do.
 */
#include "ctl.h"

#include <getopt.h>
#include <string.h>

#include "ctl_ask.h"

/* A reload may take the daemon a minute; see control.h. */
#define STATUS_MS 5000
#define RELOAD_MS 65000

/* More than a socket's path can have. */
#define PATH_ROOM 4096

struct request {
	const char *verb;
	const char *config_path;
	const char *socket; /* NULL: as configured */
	bool json;
};

/* clang-format off */
static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* The words behind the flags begin at argv[optind]; so many are allowed. */
static int
take_flags(struct request *request, int argc, char **argv, int words)
{
	int flag;

	memset(request, 0, sizeof(*request));
	request->verb = argv[0];
	request->config_path = CONFIG_DEFAULT_PATH;
	opterr = 0;
	optind = 1;
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == 'c')
			request->config_path = optarg;
		else if (flag == 's')
			request->socket = optarg;
		else if (flag == 'j' && strcmp(argv[0], "status") == 0)
			request->json = true;
		else
			return ctl_bad_flag(argv);
	}
	if (request->socket != NULL && request->socket[0] == '\0')
		return ctl_usage(argv[0], "--socket: the path is empty");
	if (optind + words < argc)
		return ctl_usage(
		    argv[0], "%s: one argument too many", argv[optind + words]);
	return CTL_OK;
}

static int
no_socket(const struct request *request)
{
	fprintf(stderr,
	    "connectorctl %s: %s names no control socket; write control_socket "
	    "= PATH into its section [milter] and restart the daemon, or give "
	    "--socket PATH\n",
	    request->verb, request->config_path);
	return EX_UNAVAILABLE;
}

static int
ask(struct ctl_answer *answer, const struct request *request, const char *line,
    long long milliseconds)
{
	char path[PATH_ROOM] = "";

	if (request->socket != NULL)
		return ctl_ask(
		    answer, request->verb, request->socket, line, milliseconds);
	config_find_control_socket(request->config_path, path, sizeof(path));
	if (path[0] == '\0')
		return no_socket(request);
	return ctl_ask(answer, request->verb, path, line, milliseconds);
}

/* Asks, and prints the answer. */
static int
show(const struct request *request, const char *line)
{
	struct ctl_answer answer;
	const int status = ask(&answer, request, line, STATUS_MS);

	if (status != CTL_OK)
		return status;
	ctl_answer_print(&answer, stdout);
	ctl_answer_free(&answer);
	return ctl_finish(CTL_OK);
}

int
ctl_status(int argc, char **argv)
{
	struct request request;
	const int status = take_flags(&request, argc, argv, 0);

	if (status != CTL_OK)
		return status;
	return show(&request, request.json ? "status json" : "status");
}

int
ctl_reload(int argc, char **argv)
{
	struct request request;
	struct ctl_answer answer;
	int status = take_flags(&request, argc, argv, 0);

	if (status == CTL_OK)
		status = ask(&answer, &request, "reload", RELOAD_MS);
	if (status != CTL_OK)
		return status;
	ctl_answer_print(&answer, stderr);
	if (answer.failed) {
		fputs("connectorctl reload: the configuration was not taken; "
		      "the old one stays in use\n",
		    stderr);
		status = CTL_CONFIG;
	}
	ctl_answer_free(&answer);
	return status;
}

int
ctl_drain(int argc, char **argv)
{
	struct request request;
	const int status = take_flags(&request, argc, argv, 1);
	const char *word = status == CTL_OK ? argv[optind] : NULL;

	if (status != CTL_OK)
		return status;
	if (word != NULL && strcmp(word, "off") != 0)
		return ctl_usage("drain", "there is nothing called %s", word);
	return show(&request, word != NULL ? "drain off" : "drain");
}
