/*
 * noise.c - a hostile peer of the filter: connection after connection with
 * frames in any order, of any content and length, cut off anywhere. It looks
 * for what permits: whatever the filter answers, it is never "accept", and
 * never "discard".
 *
 *   noise [-k processes] [-s seconds] [-n frames] [-S seed] socket
 *
 * Macros that are not pairs, on which libmilter 8.17 reads beyond its list, are
 * among them. Prints a line of NAME=VALUE; the exit status is 1 if anything was
 * permitted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/socket.h"

#define FRAMES_MAX 64
#define DATA_MAX 200

static const char usage[] =
    "usage: noise [-k processes] [-s seconds] [-n frames] [-S seed] socket\n";

static struct {
	const char *socket;
	unsigned long processes, seconds, frames, seed;
} plan = { .processes = 4, .seconds = 10, .frames = UINT32_MAX, .seed = 1 };

struct counts {
	unsigned long frames, connections, answers, permitted, silent;
};

static uint64_t state;

static unsigned
random_below(unsigned bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 11) % bound);
}

static struct {
	size_t used;
	unsigned char bytes[FRAMES_MAX * (70000 + 5)];
} out;

static void
put(const void *bytes, size_t len)
{
	memcpy(out.bytes + out.used, bytes, len);
	out.used += len;
}

static void
put_frame(uint32_t length, char command, const void *data, size_t len)
{
	const uint32_t wire = htonl(length);

	put(&wire, sizeof(wire));
	put(&command, 1);
	put(data, len);
}

/* ---- what is said ------------------------------------------------------- */

/* The ground that everything else needs. */
static void
put_negotiation(void)
{
	const uint32_t words[] = { htonl(6), htonl(0x1ff), htonl(0x1fffff) };

	put_frame(1 + sizeof(words), 'O', words, sizeof(words));
}

static void
put_macros(void)
{
	static const char *const names[] = { "i", "j", "_", "{daemon_port}",
		"{daemon_addr}", "{auth_authen}", "{auth_type}",
		"{tls_version}", "{rcpt_mailer}", "{client_addr}", "{x}" };
	static const char stages[] = "CHMRTNEZ";
	char data[DATA_MAX * 4];
	size_t len = 1;

	data[0] = stages[random_below(sizeof(stages) - 1)];
	for (unsigned pairs = random_below(6); pairs > 0; pairs--) {
		const char *name = names[random_below(11)];

		len += (size_t)snprintf(data + len, 40, "%s", name) + 1;
		for (unsigned n = random_below(40); n > 0; n--)
			data[len++] = (char)(1 + random_below(255));
		data[len++] = '\0';
	}
	/* Once in a while a name without a value, or a value without an end. */
	if (random_below(20) == 0 && len > 1)
		len -= 1 + random_below((unsigned)len - 1);
	put_frame((uint32_t)len + 1, 'D', data, len);
}

static const struct sample {
	char command;
	const char *data;
	size_t len;
} samples[] = {
#define SAMPLE(command, text) \
	{ \
		command, text, sizeof(text) - 1 \
	}
	SAMPLE('C', "mx.client.test\0004\240\076203.0.113.9\0"),
	SAMPLE('C', "[2001:db8::9]\0006\240\076IPv6:2001:db8::9\0"),
	SAMPLE('C', "localhost\000L\0\0/tmp/x\0"),
	SAMPLE('C', "unknown\000U"),
	SAMPLE('H', "client.test\0"),
	SAMPLE('M', "<ada@sender.example>\0SIZE=100\0"),
	SAMPLE('M', "<>\0"),
	SAMPLE('R', "<a@example.com>\0"),
	SAMPLE('R', "<x@foreign.test>\0NOTIFY=NEVER\0"),
	SAMPLE('R', "<@a,@b:\"x\\\"y\"@[203.0.113.9]>\0"),
	SAMPLE('T', ""),
	SAMPLE('L', "From\0 Ada <ada@sender.example>\0"),
	SAMPLE('L', "X-Connector-Milter\0 forged\0"),
	SAMPLE('N', ""),
	SAMPLE('B', "text\r\n.\r\n"),
	SAMPLE('E', ""),
	SAMPLE('U', "XYZZY\0"),
	SAMPLE('A', ""),
	SAMPLE('K', ""),
	SAMPLE('Q', ""),
#undef SAMPLE
};

/* Bytes changed, left out and doubled here and there. */
static size_t
spoil(unsigned char data[DATA_MAX], const struct sample *sample)
{
	size_t len = 0;

	for (size_t i = 0; i < sample->len && len < DATA_MAX - 2; i++) {
		const unsigned what = random_below(24);

		if (what == 0)
			continue;
		data[len++] = what == 1 ? (unsigned char)random_below(256)
					: (unsigned char)sample->data[i];
		if (what == 2) {
			data[len] = data[len - 1];
			len++;
		}
	}
	return len;
}

/* The next command is often the one that an MTA would say. */
static const struct sample *
choose(unsigned *at)
{
	const unsigned count = (unsigned)(sizeof(samples) / sizeof(samples[0]));

	*at = random_below(3) != 0 ? (*at + 1 + random_below(2)) % count
				   : random_below(count);
	return &samples[*at];
}

/* False when nothing can follow. */
static bool
put_noise(unsigned *at)
{
	static unsigned char large[70000];
	const struct sample *sample = choose(at);
	unsigned char data[DATA_MAX];
	const size_t len = spoil(data, sample);

	switch (random_below(200)) {
	case 0: /* longer than it is */
		put_frame((uint32_t)len + 1 + random_below(60000),
		    sample->command, data, len);
		return false;
	case 1: /* shorter */
		put_frame(random_below((unsigned)len + 1), sample->command,
		    data, len);
		memset(large, 0xff, 64);
		put(large, 64);
		return false;
	case 2: /* longer than any */
		put_frame(0xffffffffu - random_below(1000), sample->command,
		    data, len);
		return false;
	case 3: /* about as long as may be */
		memset(large, 'x', sizeof(large));
		put_frame(
		    65530 + random_below(12), sample->command, large, 65529);
		return false;
	case 4: /* no such command; not that of macros */
		put_frame((uint32_t)len + 1, (char)(128 + random_below(128)),
		    data, len);
		return true;
	default:
		if (random_below(4) == 0)
			put_macros();
		put_frame((uint32_t)len + 1, sample->command, data, len);
		return true;
	}
}

/* ---- what is answered --------------------------------------------------- */

/* Looks at the frames in what came; the rest moves to the front. */
static size_t
look(unsigned char *in, size_t have, struct counts *counts)
{
	size_t at = 0;

	while (have - at >= 5) {
		uint32_t wire;

		memcpy(&wire, in + at, sizeof(wire));
		if (ntohl(wire) + 4 > have - at)
			break;
		counts->answers++;
		if (in[at + 4] == 'a' || in[at + 4] == 'd')
			counts->permitted++;
		at += ntohl(wire) + 4;
	}
	memmove(in, in + at, have - at);
	return have - at;
}

/* Says all, hears all, until the filter hangs up or has nothing to add. */
static void
converse(int fd, struct counts *counts)
{
	static unsigned char in[65536];
	size_t said = 0, have = 0;

	for (;;) {
		struct pollfd poll_fd = { fd,
			(short)(POLLIN | (said < out.used ? POLLOUT : 0)), 0 };
		ssize_t got;

		if (poll(&poll_fd, 1, 30000) <= 0) {
			counts->silent++;
			return;
		}
		if (poll_fd.revents & POLLOUT) {
			got = write(fd, out.bytes + said, out.used - said);
			if (got < 0 && errno != EAGAIN)
				return;
			said += got > 0 ? (size_t)got : 0;
			if (said == out.used)
				shutdown(fd, SHUT_WR);
		}
		if ((poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		got = read(fd, in + have, sizeof(in) - have);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return;
		have = look(in, have + (got > 0 ? (size_t)got : 0), counts);
	}
}

static void
connect_once(struct counts *counts)
{
	const int fd = open_socket(plan.socket);
	unsigned at = 0;

	if (fd < 0) {
		poll(NULL, 0, 1);
		return;
	}
	out.used = 0;
	if (random_below(10) != 0)
		put_negotiation();
	for (unsigned n = 1 + random_below(FRAMES_MAX - 2); n > 0; n--) {
		counts->frames++;
		if (!put_noise(&at) || out.used > sizeof(out.bytes) / 2)
			break;
	}
	/* Some stop in the middle of a frame. */
	if (random_below(4) == 0)
		out.used -=
		    random_below(out.used < 20 ? (unsigned)out.used : 20);
	counts->connections++;
	converse(fd, counts);
	close(fd);
}

static void
make_noise(struct counts *counts, unsigned long number)
{
	const time_t until = time(NULL) + (time_t)plan.seconds;

	state = (plan.seed * 1000 + number) * 0x9e3779b97f4a7c15u + 1;
	while (time(NULL) < until && counts->frames < plan.frames)
		connect_once(counts);
}

static void
read_plan(int argc, char **argv)
{
	int flag;

	while ((flag = getopt(argc, argv, "k:s:n:S:")) != -1) {
		const unsigned long number =
		    optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

		switch (flag) {
		case 'k':
			plan.processes = number;
			break;
		case 's':
			plan.seconds = number;
			break;
		case 'n':
			plan.frames = number;
			break;
		case 'S':
			plan.seed = number;
			break;
		default:
			give_up("noise", usage);
		}
	}
	if (optind + 1 != argc || plan.processes == 0)
		give_up("noise", usage);
	plan.frames = plan.frames / plan.processes + 1;
	plan.socket = argv[optind];
}

int
main(int argc, char **argv)
{
	struct counts *counts, sum = { 0 };
	bool failed = false;
	int status;

	read_plan(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	counts = mmap(NULL, plan.processes * sizeof(*counts),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		give_up("noise", strerror(errno));
	for (unsigned long i = 0; i < plan.processes; i++)
		if (fork() == 0) {
			make_noise(&counts[i], i);
			_exit(0);
		}
	while (wait(&status) > 0)
		failed = failed || status != 0;
	for (unsigned long i = 0; i < plan.processes; i++) {
		sum.frames += counts[i].frames;
		sum.connections += counts[i].connections;
		sum.answers += counts[i].answers;
		sum.permitted += counts[i].permitted;
		sum.silent += counts[i].silent;
	}
	printf("frames=%lu connections=%lu answers=%lu permitted=%lu "
	       "silent=%lu\n",
	    sum.frames, sum.connections, sum.answers, sum.permitted,
	    sum.silent);
	return failed || sum.permitted > 0;
}
