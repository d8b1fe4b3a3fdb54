/*
 * milter_read.c - keeps from libmilter macros that are not pairs, and commands
 * that do not end.
 */
/* With it the header has a definition of read of its own. */
#undef _FORTIFY_SOURCE

#include "milter_parts.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef ssize_t (*reader)(int, void *, size_t);

/* A frame begins with the length of what follows, and the command. */
#define HEAD 5
#define MACROS 'D'
#define UNKNOWN 'U'

/* What this thread is reading; libmilter reads a frame in one go. */
static _Thread_local struct {
	int fd;
	unsigned char head[HEAD];
	size_t have; /* of the head */
	size_t left; /* behind it */
	unsigned char command;
	bool stage; /* the first byte behind the head is still to come */
	size_t strings;
} frame;

static void
begin_frame(const unsigned char head[HEAD])
{
	uint32_t length;

	memcpy(&length, head, sizeof(length));
	length = ntohl(length);
	frame.have = 0;
	frame.left = length > 1 ? length - 1 : 0;
	frame.command = head[HEAD - 1];
	frame.stage = true;
	frame.strings = 0;
}

static bool
read_head(const unsigned char *bytes, size_t len, size_t wanted)
{
	if (wanted != HEAD - frame.have)
		return false;
	if (len == HEAD) {
		begin_frame(bytes);
		return true;
	}
	memcpy(frame.head + frame.have, bytes, len);
	frame.have += len;
	if (frame.have == HEAD)
		begin_frame(frame.head);
	return true;
}

static size_t
count_strings(const unsigned char *bytes, size_t len)
{
	const unsigned char *end = bytes + len;
	size_t count = 0;

	while ((bytes = memchr(bytes, '\0', (size_t)(end - bytes))) != NULL) {
		count++;
		bytes++;
	}
	return count;
}

/* False at the end of macros that are no pairs, or of a command without NUL. */
static bool
read_rest(const unsigned char *bytes, size_t len)
{
	const size_t stage = frame.stage && len > 0;

	frame.left -= len;
	if (frame.command == UNKNOWN)
		return frame.left > 0 || bytes[len - 1] == '\0';
	if (frame.command != MACROS)
		return true;
	frame.strings += count_strings(bytes + stage, len - stage);
	frame.stage = false;
	return frame.left > 0 || frame.strings % 2 == 0;
}

/*
 * What is asked for tells a head from a rest: libmilter asks for all that is
 * left. What fits neither is no frame of libmilter's.
 */
static bool
is_fine(int fd, const unsigned char *bytes, size_t len, size_t wanted)
{
	if (frame.fd != fd || (frame.left > 0 && wanted != frame.left)) {
		frame.fd = fd;
		frame.have = frame.left = 0;
	}
	/* Whoever spoke here before may have stopped in the middle. */
	if (frame.left == 0 && wanted == HEAD)
		frame.have = 0;
	return frame.left > 0 ? read_rest(bytes, len)
			      : read_head(bytes, len, wanted);
}

/* The C library's; looked for once or twice, and always found. */
static reader
find_reader(void)
{
	static _Atomic(reader) found;
	reader next = atomic_load(&found);
	void *symbol;

	if (next != NULL)
		return next;
	symbol = dlsym(RTLD_NEXT, "read");
	/* C has no cast from one to the other. */
	memcpy(&next, &symbol, sizeof(next));
	atomic_store(&found, next);
	return next;
}

/*
 * Stands in for the C library's. libmilter walks its list of macros in twos,
 * and beyond the end of an odd one, and gives unknown commands to us without a
 * look at their end; who sends such is hung up on.
 */
ssize_t
read(int fd, void *bytes, size_t wanted)
{
	const ssize_t got = find_reader()(fd, bytes, wanted);

	if (milter_thread_kind() == MILTER_THREAD_OURS)
		return got;
	if (got > 0 && is_fine(fd, bytes, (size_t)got, wanted))
		return got;
	frame.have = frame.left = 0;
	if (got <= 0)
		return got;
	errno = EPROTO;
	return -1;
}
