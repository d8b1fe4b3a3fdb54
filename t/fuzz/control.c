/*
 * control.c - any request to the daemon, and any answer to connectorctl.
 *
 * The first byte says which: an even one ('r') a request, an odd one ('a') an
 * answer. Holds: a request is answered as the naive reading below says, and
 * connectorctl understands whatever is answered; of an answer only what is
 * whole is taken, and nothing that a terminal obeys is ever printed.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_parts.h"
#include "ctl.h"
#include "ctl_ask.h"
#include "fuzz.h"
#include "played.h"
#include "text.h"

/* What fits into a socket's queue at once. */
#define INPUT_MAX 65536
#define ANSWER_ROOM 65536
#define PATIENCE_MS 10000

int
ctl_no_memory(void)
{
	exit(1);
}

/* A socket in which these bytes and the end of the stream wait. */
static int
peer_that_says(const char *bytes, size_t len, int *other)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		 fds) == 0,
	    "there are sockets");
	must(len == 0 || send(fds[1], bytes, len, MSG_NOSIGNAL) == (ssize_t)len,
	    "a socket takes it all");
	must(shutdown(fds[1], SHUT_WR) == 0, "a socket has two directions");
	*other = fds[1];
	return fds[0];
}

/* Both streams of a run, as text. */
struct printed {
	FILE *saved;
	FILE *stream;
	char *text;
	size_t len;
};

static void
begin_to_print(struct printed *printed)
{
	*printed = (struct printed){ .saved = stderr };
	printed->stream = open_memstream(&printed->text, &printed->len);
	if (printed->stream == NULL)
		exit(1);
	stderr = printed->stream;
}

static void
end_to_print(struct printed *printed)
{
	stderr = printed->saved;
	fclose(printed->stream);
}

static bool
is_line(const char *text, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len > 0 && text[len - 1] == '\n';
}

/* --- requests --- */

static struct keeper *
keeper_of_all(void)
{
	static struct server server;
	static struct keeper keeper = { .server = &server };

	if (keeper.reload == NULL) {
		server = server_of("[connector a]\nbindings = 0.0.0.0:25\n"
				   "remote_ip_ranges = 10.0.0.0/24\n");
		keeper.reload = reload_new();
		if (keeper.reload == NULL)
			exit(1);
	}
	atomic_store(&server.live->draining, false);
	return &keeper;
}

/* What has to be answered; NULL: a request that there is. */
static const char *
fault_of(const char *bytes, size_t len)
{
	static const char *const known[] = { "status\n", "status json\n",
		"drain\n", "drain off\n" };
	const size_t seen =
	    len < CONTROL_REQUEST_MAX + 1 ? len : CONTROL_REQUEST_MAX + 1;
	const char *end = seen > 0 ? memchr(bytes, '\n', seen) : NULL;

	if (end == NULL)
		return seen <= CONTROL_REQUEST_MAX
		    ? "error the request is no whole line\n"
		    : "error the request is too long\n";
	if (end != bytes + seen - 1)
		return "error there is more than one line\n";
	if (memchr(bytes, '\0', seen) != NULL)
		return "error there is a NUL in it\n";
	for (size_t i = 0; i < nitems(known); i++)
		if (strlen(known[i]) == seen &&
		    memcmp(known[i], bytes, seen) == 0)
			return NULL;
	return "error there is no such request\n";
}

static size_t
receive_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t got;

	while ((got = recv(fd, buf + len, ANSWER_ROOM - 1 - len, 0)) > 0)
		len += (size_t)got;
	buf[len] = '\0';
	return len;
}

/* What the daemon said, as connectorctl reads it. */
static void
check_understood(const char *bytes, size_t len, bool is_fault)
{
	struct printed printed;
	struct ctl_answer answer;
	int other, status;
	const int fd = peer_that_says(bytes, len, &other);

	begin_to_print(&printed);
	status = ctl_hear(&answer, "status", "/run/x", fd, PATIENCE_MS);
	end_to_print(&printed);
	must(status == (is_fault ? EX_UNAVAILABLE : CTL_OK),
	    "connectorctl understands what the daemon says");
	must(is_fault || (!answer.failed && answer.len < len),
	    "connectorctl takes the text of an answer");
	if (status == CTL_OK)
		ctl_answer_free(&answer);
	free(printed.text);
	close(fd);
	close(other);
}

static void
check_request(const char *bytes, size_t len)
{
	struct keeper *keeper = keeper_of_all();
	struct printed printed;
	const char *fault = fault_of(bytes, len);
	char *said = fuzz_alloc(ANSWER_ROOM);
	size_t said_len;
	int other;
	const int fd = peer_that_says(bytes, len, &other);

	begin_to_print(&printed);
	control_serve(keeper, fd);
	end_to_print(&printed);
	close(fd);
	said_len = receive_all(other, said);
	close(other);
	if (fault != NULL)
		must(strcmp(said, fault) == 0,
		    "a request that is none is answered with why");
	else
		must(strncmp(said, "ok ", 3) == 0, "a request is answered");
	must(atomic_load(&keeper->server->live->draining) ==
		(fault == NULL && len == strlen("drain\n")),
	    "only the request to drain drains");
	check_understood(said, said_len, fault != NULL);
	free(printed.text);
	free(said);
}

/* --- answers --- */

/* What begins with word, and the decimal length of all behind the line. */
static bool
is_whole_answer(const char *bytes, size_t len, const char *word, size_t *text)
{
	const size_t start = strlen(word);
	size_t i = start, count = 0;

	if (len < start || memcmp(bytes, word, start) != 0)
		return false;
	while (i < len && bytes[i] >= '0' && bytes[i] <= '9' && i < start + 9)
		count = count * 10 + (size_t)(bytes[i++] - '0');
	if (i == start || i >= len || bytes[i] != '\n' ||
	    (bytes[start] == '0' && i > start + 1) || count != len - i - 1)
		return false;
	*text = i + 1;
	return true;
}

/* Nothing but line ends and characters of which no terminal obeys one. */
static bool
is_harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n') || c == 0x7f ||
		    (c == 0xc2 && i + 1 < len &&
			(unsigned char)text[i + 1] < 0xa0))
			return false;
	}
	return text_is_utf8(text, len);
}

static void
check_printed(const struct ctl_answer *answer)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		exit(1);
	ctl_answer_print(answer, out);
	fclose(out);
	must(is_harmless(text, len), "what is printed is harmless");
	must(!is_harmless(answer->text, answer->len) ||
		(len == answer->len && memcmp(text, answer->text, len) == 0),
	    "what is harmless is printed as it is");
	free(text);
}

static void
check_answer(const char *bytes, size_t len)
{
	struct printed printed;
	struct ctl_answer answer;
	size_t text = 0;
	int other, status;
	const int fd = peer_that_says(bytes, len, &other);
	const bool ok = is_whole_answer(bytes, len, "ok ", &text);
	const bool failed =
	    !ok && is_whole_answer(bytes, len, "failed ", &text);

	begin_to_print(&printed);
	status = ctl_hear(&answer, "status", "/run/x", fd, PATIENCE_MS);
	end_to_print(&printed);
	must((status == CTL_OK) == (ok || failed),
	    "an answer is taken when it is whole");
	must(status == CTL_OK ? printed.len == 0
			      : is_line(printed.text, printed.len),
	    "what cannot be taken is said in one printable line");
	if (status == CTL_OK) {
		must(answer.failed == failed && answer.len == len - text &&
			memcmp(answer.text, bytes + text, answer.len) == 0,
		    "an answer is its word and its text");
		check_printed(&answer);
		ctl_answer_free(&answer);
	}
	must(answer.bytes == NULL, "nothing is left of an answer");
	free(printed.text);
	close(fd);
	close(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	const bool is_answer = fuzz_take_byte(&input) & 1;
	const size_t len = input.size < INPUT_MAX ? input.size : INPUT_MAX;
	char *bytes = fuzz_bytes(input.data, len);

	/* It would wait for a housekeeping thread. */
	if (!is_answer &&
	    !(len == strlen("reload\n") && memcmp(bytes, "reload\n", len) == 0))
		check_request(bytes, len);
	if (is_answer)
		check_answer(bytes, len);
	free(bytes);
	return 0;
}
