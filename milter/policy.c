/*
 * policy.c - walks the rules of one stage and records each step.
 */
#include "policy.h"

/* clang-format off */
static const char *const outcomes[] = {
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_PASSED] = "passed",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_UNDECIDED] = "undecided",
};

static const char *const verdicts[] = {
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_REJECT] = "reject",
};
/* clang-format on */

const char *
outcome_name(enum outcome outcome)
{
	return outcomes[outcome];
}

const char *
verdict_name(enum verdict verdict)
{
	return verdicts[verdict];
}

static enum outcome
judge(
    const struct rule *rule, const struct judged *judged, enum reply_id *reply)
{
	enum answer answer;

	if (rule->asks != NULL && !rule->asks(judged))
		return OUTCOME_SKIPPED;
	*reply = rule->reply;
	answer = rule->holds(judged, reply);
	if (answer == ANSWER_YES)
		return OUTCOME_PASSED;
	if (answer == ANSWER_NO)
		return OUTCOME_REFUSED;
	*reply = REPLY_UNDECIDED;
	return OUTCOME_UNDECIDED;
}

/* Judges one rule and records the step. Is there nothing against going on? */
static bool
take_step(struct decision *decision, const struct rule *rule,
    const struct judged *judged)
{
	enum reply_id reply = REPLY_NONE;
	const enum outcome outcome = judge(rule, judged, &reply);

	decision->steps[decision->step_count++] =
	    (struct step){ rule, outcome };
	if (outcome == OUTCOME_SKIPPED || outcome == OUTCOME_PASSED)
		return true;
	if (rule->noted == NULL || !rule->noted(judged)) {
		decision->rule = rule;
		decision->reply = reply;
		decision->verdict = policy_verdict(reply);
		return false;
	}
	if (decision->noted == NULL) {
		decision->noted = rule;
		decision->noted_reply = reply;
	}
	return true;
}

void
policy_pass(struct decision *decision, enum stage stage)
{
	decision->stage = stage;
	decision->verdict = VERDICT_ACCEPT;
	decision->rule = NULL;
	decision->reply = REPLY_NONE;
	decision->noted = NULL;
	decision->noted_reply = REPLY_NONE;
	decision->step_count = 0;
}

void
policy_decide(
    struct decision *decision, enum stage stage, const struct judged *judged)
{
	policy_pass(decision, stage);
	for (const struct rule *rule = rules_of_stage(stage);
	     rule < rules + rule_count && rule->stage == stage; rule++)
		if (!take_step(decision, rule, judged))
			return;
}

void
policy_select(struct judged *judged, struct owner *owner)
{
	const struct policy *policy = judged->policy;
	const struct facts *facts = judged->facts;

	*owner = space_find(policy->space, &facts->listener, &facts->client);
	judged->connector = owner->connector != SPACE_NOBODY
	    ? &policy->connectors[owner->connector]
	    : NULL;
}

void
policy_identify(struct judged *judged)
{
	judged->identity = identity_of(&judged->policy->organization,
	    judged->connector, judged->facts, &judged->proven);
	judged->rights =
	    identity_rights(judged->connector, judged->identity, judged->facts);
}

enum verdict
policy_verdict(enum reply_id reply)
{
	return reply_is_temporary(reply) ? VERDICT_TEMPFAIL : VERDICT_REJECT;
}

bool
policy_monitors(const struct judged *judged)
{
	return judged->connector != NULL &&
	    judged->connector->mode == MODE_MONITOR;
}

void
policy_reply(struct reply *reply, const struct rule *rule, enum reply_id id,
    const struct judged *judged)
{
	const struct policy *policy = judged->policy;
	const struct connector *connector = judged->connector;

	reply_fill(reply, id, policy->reply_style, policy->identify_connector,
	    connector != NULL ? connector->name : NULL, rule->name);
}
