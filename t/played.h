/*
 * played.h - configurations from literals, and the log lines of a session.
 *
 * A test may define PLAYED_RECIPIENTS, the directory file that [directory]
 * recipients = recipients.txt names, and PLAYED_KEYS, that of stamp_key_file =
 * stamp.key.
 */
#ifndef PLAYED_H
#define PLAYED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "session.h"
#include "sources.h"

#define PLAYED_TODAY 20260615

#ifndef PLAYED_RECIPIENTS
#define PLAYED_RECIPIENTS "alice@example.com\n"
#endif
#ifndef PLAYED_KEYS
#define PLAYED_KEYS \
	"2026a " \
	"abababababababababababababababababababababababababababababababab\n"
#endif

/* The files that are there besides the main one. */
__attribute__((unused)) static bool
add_played_files(struct sources *sources)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{ "/etc/recipients.txt", PLAYED_RECIPIENTS },
		{ "/etc/stamp.key", PLAYED_KEYS },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (sources_add(sources, files[i].path, files[i].text,
			strlen(files[i].text)) != 0)
			return false;
	return true;
}

/* The configuration of these bytes, or the end of the test. */
__attribute__((unused)) static struct config *
config_of(const char *text)
{
	static const char path[] = "/etc/test.ini";
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	struct config *config = NULL;

	if (sources != NULL && diags != NULL &&
	    sources_add(sources, path, text, strlen(text)) == 0 &&
	    add_played_files(sources))
		config = config_build(sources, path, PLAYED_TODAY, diags);
	if (config == NULL) {
		if (diags != NULL)
			diags_print(diags, stdout);
		printf("Bail out! a configuration of this test is broken\n");
		exit(2);
	}
	diags_free(diags);
	return config;
}

/* The clock of played sessions: it stands still unless a test moves it. */
static long long played_ns = 1000000000;

static long long
played_clock(void)
{
	return played_ns;
}

/* To be given back with server_free. */
__attribute__((unused)) static struct server
server_of(const char *text)
{
	struct server server = {
		.snapshots = snapshots_new(config_of(text)),
		.live = live_new(5000, 128, played_clock),
	};

	if (server.snapshots == NULL || server.live == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return server;
}

/* By default a refusal waits for 5 seconds; nobody learns from these. */
__attribute__((unused)) static struct server
impatient_server_of(const char *text)
{
	struct server server = server_of(text);

	tarpit_stop(server.live->tarpit);
	return server;
}

__attribute__((unused)) static void
server_free(struct server *server)
{
	snapshots_free(server->snapshots);
	live_free(server->live);
}

/* From here on the server only explains: it has no live state. */
__attribute__((unused)) static void
explain_only(struct server *server)
{
	live_free(server->live);
	server->live = NULL;
}

__attribute__((unused)) static void
reload(struct server *server, const char *text)
{
	if (snapshots_replace(server->snapshots, config_of(text)) != 0) {
		printf("Bail out! no memory\n");
		exit(2);
	}
}

/* Standard error, where log.c writes, as memory. */
static struct {
	FILE *stream;
	char *text;
	size_t size;
	size_t seen;
} caught;

__attribute__((unused)) static void
catch_log(void)
{
	caught.stream = open_memstream(&caught.text, &caught.size);
	if (caught.stream == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	stderr = caught.stream;
}

/* What was logged since the last call, or NULL; cuts off the last line end. */
__attribute__((unused)) static const char *
logged(void)
{
	char *new;

	fflush(caught.stream);
	new = caught.text + caught.seen;
	if (*new == '\0')
		return NULL;
	caught.seen = caught.size;
	if (caught.text[caught.size - 1] == '\n')
		caught.text[caught.size - 1] = '\0';
	return new;
}

#endif
