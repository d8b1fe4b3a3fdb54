/*
 * ctl_question.h - what explain and test of connectorctl share: the flags that
 * describe a session, and the configuration asked.
 *
 * A request points into the argv it was made of. One thread: getopt(3) keeps
 * its state for itself.
 */
#ifndef CTL_QUESTION_H
#define CTL_QUESTION_H

#include "ctl.h"
#include "explain.h"
#include "text.h"

struct request {
	struct question question;
	const char *config_path; /* NULL: not given */
	bool json;
	/* flags that are checked before they become part of the question */
	const char *client;
	const char *listener;
	const char *mechanism;
	const char *size;
	const char **recipients;
};

/* Room for what is wrong with a flag, its value encoded. */
#define REQUEST_FAULT_MAX (4 * TEXT_FIELD_MAX + 200)

/*
 * Reads the flags in argv[1] to argv[argc - 1], which may come to stand in
 * another order. CTL_OK; CTL_USAGE with a sentence in fault; CTL_FAILED without
 * memory. In any case freed by request_free.
 */
int request_take(struct request *request, int argc, char **argv,
    char fault[REQUEST_FAULT_MAX]) NODISCARD;
void request_free(struct request *request);

/*
 * Loads the configuration at path into a store for explain, or returns a status
 * after saying on standard error why not. Freed by snapshots_free.
 */
int request_load(const char *path, struct snapshots **snapshots) NODISCARD;

#endif
