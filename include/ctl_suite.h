/*
 * ctl_suite.h - the policy tests of connectorctl test, as they are read.
 *
 * A line is a question, in the flags of explain, and behind "=>" the answer
 * that is wanted. Every problem of every file is found in one run. One thread.
 */
#ifndef CTL_SUITE_H
#define CTL_SUITE_H

#include "ctl_question.h"
#include "ctl_words.h"

/* One line. */
struct test {
	struct place place;
	char *line; /* without comment */
	struct words words;
	struct request request;
	enum verdict verdict;
	const char *rule; /* NULL: any */
	struct snapshots *snapshots;
};

/* A configuration; loaded once, however many tests ask it. */
struct loaded {
	const char *path;
	struct snapshots *snapshots;
};

struct suite {
	const char *config_path; /* of tests that name none */
	struct diags *diags;     /* the caller's */
	struct test *tests;
	size_t count;
	size_t room;
	struct loaded *loaded;
	size_t loaded_count;
};

/*
 * Adds the tests in the file at path, which must outlive the suite; "-" is
 * standard input. CTL_OK, with problems in diags, or CTL_FAILED without memory.
 */
int suite_read(struct suite *suite, const char *path) NODISCARD;

/*
 * Loads the configuration of each test, all of them, so that all problems are
 * reported on standard error. CTL_OK, CTL_CONFIG or CTL_FAILED.
 */
int suite_load(struct suite *suite) NODISCARD;

/* Frees all but diags. */
void suite_free(struct suite *suite);

#endif
