/*
 * plan.h - what the generator is told: options, and clients with the answers
 * that they must get.
 */
#ifndef PLAN_H
#define PLAN_H

#include "mta.h"
#include "socket.h"

static const char usage_text[] =
    "usage: load [-k sessions at once] [-n sessions] [-s seconds]\n"
    "            [-l connect|rcpt|message] [-r recipient] [-R recipients]\n"
    "            [-a address | -A file] [-e text of the refusal]\n"
    "            [-t ms between commands] [-P sessions to park] [-p] socket\n"
    "  -l   the last that a session says\n"
    "  -A   lines of a client address, a blank and what to expect of it\n"
    "  -P   so many wait after HELO until standard input ends\n"
    "  -p   print what the filter negotiates: arguments for bare\n";

struct client {
	char *address;
	char *expected; /* in the reply to RCPT; "": accepted */
};

static struct {
	const char *socket;
	const char *recipient;
	const char *address;
	const char *expected;
	const char *clients_file;
	const char *last_word;
	unsigned at_once;
	unsigned sessions;
	unsigned recipients;
	unsigned seconds;
	unsigned think; /* ms */
	unsigned park;
	bool probe;
	enum step last;
	struct client *clients;
	size_t client_count;
} plan = {
	.recipient = "alice@example.com",
	.address = "203.0.113.9",
	.expected = "",
	.last_word = "rcpt",
	.last = STEP_END,
	.at_once = 1,
	.recipients = 1,
};

/* clang-format off */
static const struct option {
	int flag;
	const char **word;
	unsigned *number;
} options[] = {
	{ 'a', &plan.address, NULL },
	{ 'A', &plan.clients_file, NULL },
	{ 'e', &plan.expected, NULL },
	{ 'l', &plan.last_word, NULL },
	{ 'r', &plan.recipient, NULL },
	{ 'k', NULL, &plan.at_once },
	{ 'n', NULL, &plan.sessions },
	{ 'P', NULL, &plan.park },
	{ 'R', NULL, &plan.recipients },
	{ 's', NULL, &plan.seconds },
	{ 't', NULL, &plan.think },
};

static const struct {
	const char *word;
	enum step step;
} last_steps[] = {
	{ "connect", STEP_CONNECT },
	{ "rcpt", STEP_RCPT },
	{ "message", STEP_EOM },
};
/* clang-format on */

static void *
need(void *memory)
{
	if (memory == NULL)
		give_up("load", "no memory");
	return memory;
}

static void
add_client(const char *address, const char *expected)
{
	plan.clients = need(realloc(
	    plan.clients, (plan.client_count + 1) * sizeof(*plan.clients)));
	plan.clients[plan.client_count++] = (struct client){
		need(strdup(address)),
		need(strdup(expected)),
	};
}

static void
read_clients(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512];

	if (file == NULL)
		give_up(path, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL) {
		char *end = strchr(line, '\n');
		char *blank;

		if (end != NULL)
			*end = '\0';
		blank = strchr(line, ' ');
		if (blank != NULL)
			*blank = '\0';
		add_client(line, blank != NULL ? blank + 1 : "");
	}
	fclose(file);
	if (plan.client_count == 0)
		give_up(path, "no client in it");
}

static void
take_option(int flag, char *value)
{
	for (size_t i = 0; i < nitems(options); i++)
		if (options[i].flag == flag) {
			if (options[i].word != NULL)
				*options[i].word = value;
			else
				*options[i].number =
				    (unsigned)strtoul(value, NULL, 10);
			return;
		}
	if (flag != 'p')
		give_up("load", usage_text);
	plan.probe = true;
}

/* No sessions, but some seconds: as many as there is time for. */
static void
settle_plan(void)
{
	for (size_t i = 0; i < nitems(last_steps); i++)
		if (strcmp(plan.last_word, last_steps[i].word) == 0)
			plan.last = last_steps[i].step;
	if (plan.probe) {
		plan.sessions = plan.at_once = 1;
		plan.last = STEP_NEGOTIATE;
	}
	if (plan.park > 0)
		plan.sessions = plan.at_once = plan.park;
	if (plan.sessions == 0 && plan.seconds > 0)
		plan.sessions = UINT32_MAX;
	if (plan.at_once == 0 || plan.recipients == 0 || plan.sessions == 0 ||
	    plan.last == STEP_END)
		give_up("load", usage_text);
	if (plan.at_once > plan.sessions)
		plan.at_once = plan.sessions;
}

static void
read_plan(int argc, char **argv)
{
	int flag;

	while ((flag = getopt(argc, argv, "a:A:e:k:l:n:pP:r:R:s:t:")) != -1)
		take_option(flag, optarg);
	if (optind + 1 != argc)
		give_up("load", usage_text);
	plan.socket = argv[optind];
	if (plan.clients_file != NULL)
		read_clients(plan.clients_file);
	else
		add_client(plan.address, plan.expected);
	settle_plan();
}

#endif
