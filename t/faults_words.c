/*
 * faults_words.c - what people and scripts are told while memory fails, at each
 * allocation there is: all of it, or that it cannot be told.
 */
#include "faults.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "explain.h"
#include "guard.h"
#include "keeper_parts.h"
#include "logbook.h"
#include "memo.h"
#include "played.h"
#include "status.h"

#define CONFIG \
	"[organization]\naccepted_domains = example.com\n" \
	"[directory]\nrecipients = recipients.txt\n" \
	"[group staff]\nmembers = joe@example.com\n" \
	"[connector gate]\nusage = internet\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\nresolve_anonymous_senders = " \
	"annotate\n" \
	"[connector relay]\nusage = anonymous_relay\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 10.0.0.0/24, 10.1.2.3-10.1.2.9, 2001:db8::/48\n"

static struct server server;
static char *want;

/* A question that memory left open, or a report that it left none of. */
static bool
is_told(const char *text)
{
	return fault.failed > 0 &&
	    (strstr(text, "undecided") != NULL ||
		strstr(text, "no memory") != NULL);
}

/* Whether text, if it is said to be whole, is what it is with memory. */
static void
check_text(const char *text, bool is_whole)
{
	if (want == NULL)
		want = strdup(text);
	if (is_whole && strcmp(text, want) != 0 && !is_told(text))
		complain("half of it passes for all: %s", text);
	if (!is_whole && fault.failed == 0)
		complain("without need it is not told");
}

/* Prints to memory, which fails too. */
static void
print_with(bool (*print)(FILE *out))
{
	struct memo memo;
	bool is_whole = false;
	char *text = NULL;
	FILE *out;

	starve();
	out = memo_open(&memo);
	if (out != NULL) {
		is_whole = print(out);
		text = memo_close(&memo, out);
	}
	feed();
	check_text(text != NULL ? text : "", is_whole && text != NULL);
	free(text);
}

static const char *const recipients[] = { "<alice@example.com>",
	"<x@foreign.test>" };

static bool
print_explanation(FILE *out)
{
	const struct question question = {
		.client = { ADDR_IPV4, 0xc0000209 },
		.client_port = 41022,
		.listener = { { ADDR_IPV4, 0xc0000219 }, 25 },
		.client_name = "mail.client.test",
		.helo = "mail.client.test",
		.from = "<x@client.test>",
		.header_from = "Alice <alice@example.com>",
		.size = 1000,
		.recipients = recipients,
		.recipient_count = nitems(recipients),
	};
	struct explanation *answer = explain(server.snapshots, &question);

	if (answer == NULL)
		return false;
	explanation_text(answer, out);
	explanation_json(answer, out);
	explanation_free(answer);
	return true;
}

static bool
print_guard(FILE *out)
{
	struct snapshot *snapshot = snapshots_pin(server.snapshots);
	const struct config *config = snapshot_config(snapshot);
	struct guard *guard = guard_build(config_policy(config));
	const bool done = guard != NULL &&
	    guard_print_postfix(guard, config_hash(config), out) == 0 &&
	    guard_print_sendmail(guard, config_hash(config), out) == 0;

	guard_free(guard);
	snapshots_unpin(server.snapshots, snapshot);
	return done;
}

static bool
print_status(FILE *out)
{
	const struct status status = {
		.snapshots = server.snapshots,
		.live = server.live,
		.reloaded_live = true,
		.problems = "",
	};

	status_print(&status, out);
	status_print_json(&status, out);
	return true;
}

static void
try_explain(void)
{
	print_with(print_explanation);
}

static void
try_guard(void)
{
	print_with(print_guard);
}

static void
try_status(void)
{
	print_with(print_status);
}

/* --- the control socket --- */

static struct sockaddr_un where = { .sun_family = AF_UNIX };
static const char *request;

static int
listen_there(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s/control",
	    logbook_folder);
	if (bind(fd, (const struct sockaddr *)&where, sizeof(where)) != 0 ||
	    listen(fd, 8) != 0)
		exit(2);
	return fd;
}

/* All that comes until the daemon hangs up. */
static void
ask(char *answer, size_t size)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t got = 1;

	if (connect(fd, (const struct sockaddr *)&where, sizeof(where)) != 0)
		exit(2);
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	while (got > 0 && len < size - 1 && poll(&poll_fd, 1, 60000) > 0) {
		got = read(fd, answer + len, size - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	answer[len] = '\0';
	if (got != 0)
		complain("the daemon does not hang up");
	close(fd);
}

/* Times and sizes are not the same twice. */
static void
drop_digits(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if (*c >= '0' && *c <= '9')
			*c = '0';
}

static void
try_control(void)
{
	static char answer[65536];
	const char *body;

	starve();
	ask(answer, sizeof(answer));
	feed();
	body = strchr(answer, '\n');
	if (strncmp(answer, "ok ", 3) == 0 && body != NULL &&
	    strtoul(answer + 3, NULL, 10) != strlen(body + 1))
		complain("the answer is not as long as it says");
	if (strcmp(answer, "error no memory\n") == 0) {
		check_text("", false);
		return;
	}
	drop_digits(answer);
	check_text(answer, true);
}

static void
tell(const char *what, void (*attempt)(void))
{
	enumerate(what, attempt);
	free(want);
	want = NULL;
}

int
main(void)
{
	static const char *const requests[] = { "status\n", "status json\n",
		"drain\n", "drain off\n", "nonsense\n" };
	static struct keeper keeper = { .server = &server };

	logbook_begin();
	server = impatient_server_of(CONFIG);
	keeper.reload = reload_new();
	if (keeper.reload == NULL || control_start(listen_there(), &keeper))
		return 2;
	tell("an explanation", try_explain);
	tell("the relay guard", try_guard);
	tell("the status", try_status);
	catch_log();
	for (size_t i = 0; i < nitems(requests); i++) {
		char what[64];

		request = requests[i];
		snprintf(what, sizeof(what), "control: %.*s",
		    (int)strlen(request) - 1, request);
		tell(what, try_control);
	}
	logbook_end();
	return done();
}
