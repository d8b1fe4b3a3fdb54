/*
 * main.c - connector-milter: options, start, and the exit status.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "digest.h"
#include "keeper.h"
#include "last_words.h"
#include "log.h"
#include "milter.h"
#include "notify.h"
#include "process.h"
#include "sandbox.h"
#include "session.h"
#include "setting_check.h"
#include "text.h"
#include "today.h"
#include "waker.h"
#include "watchdog.h"

/*
 * Enough for a callback's buffers many times over, and for what the thread
 * sanitizer puts there; 8 MB is the default.
 */
#define THREAD_STACK 1048576

/* How long a stop waits for logs to be written. */
#define LAST_WORDS_MS 2000

/* Of a thread that waits for the end of the process. */
static const struct timespec pause_time = { .tv_sec = 1 };

struct options {
	const char *config_path;
	const char *socket; /* NULL: as configured */
	const char *user;   /* NULL: as configured */
	bool check_only;
	bool verbose;
};

static const char usage_text[] =
    "usage: connector-milter [-fntvV] [-c file] [-p socket] [-u user[:group]]\n"
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
	printf("connector-milter %s (libmilter %u.%u.%u%s)\n", VERSION,
	    milter[0], milter[1], milter[2], sandbox_lacks());
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

static bool
user_is_there(const char *user)
{
	char buf[256];
	struct text why;

	text_init(&why, buf, sizeof(buf));
	if (process_knows_user(user, &why))
		return true;
	fprintf(stderr, "connector-milter: %s\n", buf);
	return false;
}

/* NULL when the file belongs to somebody who has no say. */
static struct config *
check_owner(
    struct config *config, const struct options *options, struct diags *diags)
{
	struct milter_settings settings = *config_milter(config);

	if (options->user != NULL)
		settings.user = options->user;
	if (process_check_owner(options->config_path, &settings, diags))
		return config;
	config_free(config);
	return NULL;
}

/* The configuration, with every problem on standard error. */
static struct config *
load(const struct options *options)
{
	struct diags *diags = diags_new();
	struct config *config = NULL;

	if (diags == NULL) {
		fputs("connector-milter: no memory\n", stderr);
		return NULL;
	}
	config = config_load(options->config_path, today(), diags);
	if (config != NULL)
		config = check_owner(config, options, diags);
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

/* Both sockets, of which the control socket is not always wanted. */
static int
open_sockets(
    const struct milter_settings *settings, struct server *server, int *control)
{
	const bool controlled = settings->control_socket[0] != '\0';
	int code = process_check_socket(settings->socket);

	if (code != 0)
		return code;
	if (controlled) {
		*control =
		    control_open(settings->control_socket, settings->user);
		if (*control == -1)
			return EX_UNAVAILABLE;
	}
	if (milter_open(settings->socket, server) == 0)
		return 0;
	/* Ours alone; what stands at the other path is not. */
	if (controlled)
		control_close(settings->control_socket);
	return EX_UNAVAILABLE;
}

/* Both are ours. */
static void
remove_sockets(const struct milter_settings *settings)
{
	process_remove_socket(settings->socket);
	if (settings->control_socket[0] != '\0')
		control_close(settings->control_socket);
	process_unlock();
}

/* What is to be watched has to be there, for the user that we are by now. */
static int
look_around(struct live *live, const struct config *config)
{
	protolog_configure(live->protolog, config_protocol_log(config));
	return keeper_gauge_look(live, config_pressure(config));
}

/* Opens the sockets and gives up what rights there are. */
static int
take_place(const struct milter_settings *settings, struct server *server,
    const struct config *config, int *control)
{
	int code;

	process_prepare();
	code = process_check_limits(settings);
	if (code == 0)
		code = process_check_folders(settings);
	if (code == 0)
		code = open_sockets(settings, server, control);
	if (code != 0) {
		process_unlock();
		return code;
	}
	code = process_open_socket_to(settings->socket, settings);
	if (code == 0)
		code = process_become(settings->user);
	if (code == 0)
		code = look_around(server->live, config);
	if (code == 0)
		code = sandbox_enter();
	if (code != 0)
		remove_sockets(settings);
	return code;
}

/* The threads beside libmilter's. control may be -1. */
static int
start_threads(const struct keeper *keeper, long long max_sessions, int control)
{
	shrink_stacks();
	if (log_start() == 0 &&
	    protolog_start(keeper->server->live->protolog) == 0 &&
	    waker_start(keeper->server->live->tarpit, keeper->socket) == 0 &&
	    keeper_start(keeper) == 0 &&
	    watchdog_start(keeper->socket, keeper->server->live) == 0 &&
	    (control == -1 || control_start(control, keeper) == 0) &&
	    milter_prepare(keeper->server->live, max_sessions) == 0)
		return 0;
	log_line(LOG_ERR, "cannot start a thread");
	return -1;
}

/* The daemon has one of each. */
static struct milter_settings settings;
static struct server server;
static struct keeper keeper;

/* Callbacks may still run on libmilter's threads: nothing is freed. */
static _Noreturn void
flush_and_exit(int status)
{
	log_stop(LAST_WORDS_MS);
	fflush(NULL);
	_exit(status);
}

/*
 * The end of a daemon that has served; why, if it is not NULL, is what went
 * wrong. Main and the thread that stops may come at the same time: the first
 * does it, and has nothing to do that takes long.
 */
static void
leave(int status, const char *why)
{
	static atomic_flag left = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&left))
		nanosleep(&pause_time, NULL);
	if (why != NULL)
		log_line(LOG_ERR, "%s", why);
	protolog_stop(server.live->protolog, LAST_WORDS_MS);
	log_line(LOG_NOTICE, "stopped");
	remove_sockets(&settings);
	flush_and_exit(status);
}

/* Comes back with a status when there is nobody to serve by. */
static int
serve(const char *hash, int control)
{
	if (start_threads(&keeper, settings.max_sessions, control) != 0)
		return EX_OSERR;
	log_line(LOG_NOTICE,
	    "version %s listens on %s with configuration %.12s", VERSION,
	    keeper.socket, hash);
	notify("READY=1");
	/* Told to stop before it began, libmilter calls that a failure. */
	if (milter_run() != 0 && !atomic_load(&server.live->stopping))
		leave(EX_SOFTWARE, "libmilter gave up");
	leave(EX_OK, NULL);
	return EX_OK;
}

/* What stays when a reload frees the first configuration. */
static int
keep_settings(const struct options *options, const struct config *config)
{
	settings = *config_milter(config);
	settings.socket =
	    strdup(options->socket != NULL ? options->socket : settings.socket);
	settings.control_socket = strdup(settings.control_socket);
	if (options->user != NULL)
		settings.user = options->user;
	return settings.socket != NULL && settings.control_socket != NULL ? 0
									  : -1;
}

/* 0, or -1 without memory. */
static int
prepare(const struct options *options, struct config *config)
{
	const int kept = keep_settings(options, config);

	server.verbose = options->verbose;
	server.snapshots = snapshots_new(config);
	server.live =
	    live_new(settings.max_sessions, settings.max_tarpits, NULL);
	keeper = (struct keeper){
		.server = &server,
		.config_path = options->config_path,
		.socket = settings.socket,
		.reload = reload_new(),
		.leave = leave,
	};
	return kept == 0 && server.live != NULL && server.snapshots != NULL &&
		keeper.reload != NULL
	    ? 0
	    : -1;
}

static int
run(const struct options *options, struct config *config)
{
	const int facility = config_milter(config)->syslog_facility;
	char hash[DIGEST_HEX_MAX];
	int control = -1;
	int code;

	log_open("connector-milter", facility);
	last_words_prepare(facility);
	keeper_block();
	snprintf(hash, sizeof(hash), "%s", config_hash(config));
	if (prepare(options, config) != 0) {
		log_line(LOG_ERR, "no memory");
		return EX_OSERR;
	}
	code = take_place(&settings, &server, config, &control);
	if (code != 0)
		return code;
	code = serve(hash, control);
	remove_sockets(&settings);
	return code;
}

int
main(int argc, char **argv)
{
	struct options options = { .config_path = CONFIG_DEFAULT_PATH };
	struct config *config;
	int code = parse_options(&options, argc, argv);

	if (code != EX_OK)
		return code > 0 ? code : EX_OK;
	/* A file that may not grow is a write that failed, and no end. */
	signal(SIGXFSZ, SIG_IGN);
	if (options.socket != NULL && !socket_is_fine(options.socket))
		return EX_USAGE;
	config = load(&options);
	if (config == NULL)
		return EX_CONFIG;
	if (options.user != NULL && !user_is_there(options.user))
		code = EX_CONFIG;
	if (code != EX_OK || options.check_only) {
		config_free(config);
		return code;
	}
	flush_and_exit(run(&options, config));
}
