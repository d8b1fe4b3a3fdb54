/*
 * answers.c - which messages were decided and not yet answered, as a stop asks.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "tap.h"

/* Its stand-in for writev is what counts. */
#include "../milter/milter_answer.c"

static bool
answers(void)
{
	char text[] = "c";
	struct iovec part = { text, 1 };
	int ends[2];
	bool written;

	if (pipe(ends) != 0)
		return false;
	written = writev(ends[1], &part, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return written;
}

int
main(void)
{
	ok(!milter_is_answering(), "nothing at first");
	ok(answers() && !milter_is_answering(), "nor when others write");
	ok(milter_answer_begin(), "the end of a message is decided");
	ok(milter_is_answering(), "and not yet answered");
	ok(answers() && milter_is_answering(), "edits are no answer");
	milter_answer_end();
	ok(milter_is_answering(), "nor is the decision");
	ok(answers() && !milter_is_answering(), "the answer is written");

	ok(milter_answer_begin(), "another one");
	milter_answer_end();
	ok(milter_answer_begin(), "whose peer did not listen, and the next");
	milter_answer_end();
	ok(answers() && !milter_is_answering(), "nothing is left of it");

	ok(milter_answer_begin(), "another one");
	milter_answer_end();
	milter_answer_lost();
	milter_answer_lost();
	ok(!milter_is_answering(), "whose thread ends");

	milter_decide_no_more();
	ok(!milter_answer_begin(), "no more is decided");
	ok(milter_is_answering(), "but answered");
	milter_answer_end();
	ok(answers() && !milter_is_answering(), "and that is written, too");
	return done();
}
