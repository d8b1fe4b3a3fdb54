/*
 * main.c - connector-milter: options, start, and the exit status.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "config.h"
#include "digest.h"
#include "keeper.h"
#include "log.h"
#include "milter.h"
#include "notify.h"
#include "process.h"
#include "session.h"
#include "setting_check.h"
#include "text.h"
#include "today.h"

/*
 * Enough for a callback's buffers many times over, and for what the thread
 * sanitizer puts there; 8 MB is the default.
 */
#define THREAD_STACK 1048576

struct options {
	const char *config_path;
	const char *socket; /* NULL: as configured */
	const char *user;   /* NULL: as configured */
	bool check_only;
	bool verbose;
};

static const char usage_text[] =
    "usage: connector-milter [-fnvV] [-c file] [-p socket] [-u user[:group]]\n"
    "  -c file   main configuration file\n"
    "            (default " CONFIG_DEFAULT_PATH ")\n"
    "  -n, -t    check the configuration and exit\n"
    "  -f        stay in the foreground (always so)\n"
    "  -p socket listen there, in place of the configured socket\n"
    "  -u user   run as this user, in place of the configured one\n"
    "  -v        also log the connector that each session gets\n"
    "  -V        print the version and exit\n";

static int
usage(void)
{
	fputs(usage_text, stderr);
	return EX_USAGE;
}

static void
print_version(void)
{
	unsigned milter[3];

	milter_version(milter);
	printf("connector-milter %s (libmilter %u.%u.%u)\n", VERSION, milter[0],
	    milter[1], milter[2]);
}

/* EX_OK to go on, -1 when all is done, else the exit status. */
static int
parse_options(struct options *options, int argc, char **argv)
{
	int flag;

	while ((flag = getopt(argc, argv, "c:fnp:tu:vV")) != -1) {
		switch (flag) {
		case 'c':
			options->config_path = optarg;
			break;
		case 'f':
			break;
		case 'n':
		case 't':
			options->check_only = true;
			break;
		case 'p':
			options->socket = optarg;
			break;
		case 'u':
			options->user = optarg;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'V':
			print_version();
			return -1;
		default:
			return usage();
		}
	}
	return optind == argc ? EX_OK : usage();
}

static bool
socket_is_fine(const char *socket)
{
	char buf[512];
	struct text why;

	text_init(&why, buf, sizeof(buf));
	if (check_socket(socket, &why))
		return true;
	fprintf(stderr, "connector-milter: -p %s: %s\n", socket, buf);
	return false;
}

/* The configuration, with every problem on standard error. */
static struct config *
load(const char *path)
{
	struct diags *diags = diags_new();
	struct config *config = NULL;

	if (diags == NULL) {
		fputs("connector-milter: no memory\n", stderr);
		return NULL;
	}
	config = config_load(path, today(), diags);
	diags_print(diags, stderr);
	diags_free(diags);
	return config;
}

static void
shrink_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, THREAD_STACK) == 0)
		(void)pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

/* Opens the socket and gives up what rights there are. */
static int
take_place(const char *socket, const struct milter_settings *settings,
    struct server *server)
{
	int code;

	process_prepare();
	code = process_check_socket(socket);
	if (code != 0)
		return code;
	if (milter_open(socket, server) != 0)
		return EX_UNAVAILABLE;
	code = process_open_socket_to(socket, settings);
	if (code == 0)
		code = process_become(settings->user);
	if (code != 0)
		process_remove_socket(socket);
	return code;
}

static int
serve(const struct keeper *keeper, const char *hash)
{
	int status = EX_OK;

	shrink_stacks();
	if (keeper_start(keeper) != 0) {
		log_line(LOG_ERR, "cannot start the housekeeping thread");
		return EX_OSERR;
	}
	log_line(LOG_NOTICE,
	    "version %s listens on %s with configuration %.12s", VERSION,
	    keeper->socket, hash);
	notify("READY=1");
	if (milter_run() != 0) {
		log_line(LOG_ERR, "libmilter gave up");
		status = EX_SOFTWARE;
	}
	process_remove_socket(keeper->socket);
	log_line(LOG_NOTICE, "stopped");
	return status;
}

static int
run(const struct options *options, struct config *config)
{
	static struct server server = { .live = true };
	static struct keeper keeper = { .server = &server };
	struct milter_settings settings = *config_milter(config);
	char hash[DIGEST_HEX_MAX];
	int code;

	if (options->user != NULL)
		settings.user = options->user;
	keeper.config_path = options->config_path;
	/* A reload frees this configuration, but not what it said here. */
	snprintf(hash, sizeof(hash), "%s", config_hash(config));
	keeper.socket =
	    strdup(options->socket != NULL ? options->socket : settings.socket);
	server.verbose = options->verbose;
	log_open("connector-milter", settings.syslog_facility);
	keeper_block();
	server.snapshots = snapshots_new(config);
	if (server.snapshots == NULL || keeper.socket == NULL) {
		log_line(LOG_ERR, "no memory");
		return EX_OSERR;
	}
	code = take_place(keeper.socket, &settings, &server);
	if (code != 0)
		return code;
	return serve(&keeper, hash);
}

int
main(int argc, char **argv)
{
	struct options options = { .config_path = CONFIG_DEFAULT_PATH };
	struct config *config;
	int code = parse_options(&options, argc, argv);

	if (code != EX_OK)
		return code > 0 ? code : EX_OK;
	if (options.socket != NULL && !socket_is_fine(options.socket))
		return EX_USAGE;
	config = load(options.config_path);
	if (config == NULL)
		return EX_CONFIG;
	if (options.check_only) {
		config_free(config);
		return EX_OK;
	}
	/* Callbacks may still run on libmilter's threads: nothing is freed. */
	code = run(&options, config);
	fflush(NULL);
	_exit(code);
}
