/*
 * policy.h - the decision: walk the rules of a stage until one refuses.
 *
 * Facts in, decision out; pure, any thread. The first NO or UNKNOWN of a stage
 * decides and nothing after it runs. The record of steps is the one source for
 * the milter, explain, the log and the tests.
 */
#ifndef POLICY_H
#define POLICY_H

#include "rules.h"
#include "space.h"

enum outcome {
	OUTCOME_SKIPPED, /* the connector does not ask this */
	OUTCOME_PASSED,
	OUTCOME_REFUSED,   /* the rule's own reply */
	OUTCOME_UNDECIDED, /* cannot know: REPLY_UNDECIDED */
};

/* "skipped", "passed", "refused", "undecided". */
const char *outcome_name(enum outcome outcome);

/* What becomes of the command. The word is the one of log and JSON. */
enum verdict { VERDICT_ACCEPT, VERDICT_TEMPFAIL, VERDICT_REJECT };

/* "accept", "tempfail", "reject". */
const char *verdict_name(enum verdict verdict);

struct step {
	const struct rule *rule;
	enum outcome outcome;
};

struct decision {
	enum stage stage;
	enum verdict verdict;
	const struct rule *rule; /* that decided; NULL when accepted */
	enum reply_id reply;     /* REPLY_NONE when accepted */
	/* The first rule that refused and was only noted, or NULL. */
	const struct rule *noted;
	enum reply_id noted_reply;
	struct step steps[RULES_MAX];
	size_t step_count;
};

/* Nothing stands against the stage, and no rule was asked. */
void policy_pass(struct decision *decision, enum stage stage);

/* Judges the rules of one stage. */
void policy_decide(
    struct decision *decision, enum stage stage, const struct judged *judged);

/*
 * Selects the connector for client and listener in judged->facts: sets owner to
 * the range that won and judged->connector to whose it is, SPACE_NOBODY and
 * NULL when no connector serves the client.
 */
void policy_select(struct judged *judged, struct owner *owner);

/*
 * Sets identity, rights and proven in judged from facts and connector, which
 * must not be NULL.
 */
void policy_identify(struct judged *judged);

/* The exact reply by which rule refuses, as policy_decide found them. */
void policy_reply(struct reply *reply, const struct rule *rule,
    enum reply_id id, const struct judged *judged);

/* The verdict that goes with a reply that is not REPLY_NONE. */
enum verdict policy_verdict(enum reply_id reply);

/* Only log what the connector decides: is it one with mode = monitor? */
bool policy_monitors(const struct judged *judged);

#endif
