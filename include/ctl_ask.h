/*
 * ctl_ask.h - one question to the running daemon, at its control socket.
 *
 * The client's end of control.h. What the daemon says is bounded in size and
 * time, and only characters that no terminal obeys are printed. One thread.
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "compiler.h"

/* An answer is no longer; connectors make the most of it. */
#define CTL_ANSWER_MAX ((size_t)16 << 20)

struct ctl_answer {
	bool failed; /* the daemon did what was asked, and it failed */
	char *bytes; /* all that came */
	const char *text;
	size_t len; /* of text */
};

/*
 * Asks the daemon at the socket path and waits for its whole answer, but no
 * longer than milliseconds. CTL_OK, or another exit status after saying for
 * verb, on standard error, why there is none.
 */
int ctl_ask(struct ctl_answer *answer, const char *verb, const char *path,
    const char *request, long long milliseconds) NODISCARD;

/* The second half of it: the answer, from a socket that does not block. */
int ctl_hear(struct ctl_answer *answer, const char *verb, const char *path,
    int fd, long long milliseconds) NODISCARD;

void ctl_answer_free(struct ctl_answer *answer);

/* Line ends and printable characters pass, all else is '?'. */
void ctl_answer_print(const struct ctl_answer *answer, FILE *out);

#endif
