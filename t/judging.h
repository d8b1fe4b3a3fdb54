/*
 * judging.h - judges a case of builder.h and checks all that comes out.
 */
#ifndef JUDGING_H
#define JUDGING_H

#include "builder.h"
#include "tap.h"

#define BY(rule) " [connector c, rule " rule "]"
#define UNDECIDED(rule) \
	"451 4.3.0 Cannot decide now, please try again later" BY(rule)
#define ANYBODY .groups = GROUP_ANONYMOUS_USERS
#define JOE(kind) .mechanism = MECHANISM_##kind, .login = "joe@example.com"
#define USERS .groups = GROUP_EXCHANGE_USERS, .auth = AUTH_TLS | AUTH_BASIC
#define SECURED \
	.groups = GROUP_EXCHANGE_SERVERS, .auth = AUTH_EXTERNAL_AUTHORITATIVE

/* How each rule came out, over all cases. */
static unsigned outcomes_seen[RULES_MAX];

static void
check_steps(const struct decision *decision, const char *what)
{
	const struct step *steps = decision->steps;
	const size_t last = decision->step_count - 1;
	size_t of_stage = 0;
	bool sound = decision->step_count > 0;

	for (size_t i = 0; i < rule_count; i++)
		of_stage += rules[i].stage == decision->stage;
	for (size_t i = 0; i < decision->step_count; i++) {
		const bool on = steps[i].outcome == OUTCOME_PASSED ||
		    steps[i].outcome == OUTCOME_SKIPPED;

		sound = sound && steps[i].rule->stage == decision->stage &&
		    (i == 0 || steps[i - 1].rule < steps[i].rule) &&
		    (on || i == last);
		outcomes_seen[steps[i].rule - rules] |= 1u << steps[i].outcome;
	}
	if (decision->rule == NULL)
		ok(sound && decision->step_count == of_stage &&
			steps[last].outcome <= OUTCOME_PASSED,
		    "%s: every rule was asked", what);
	else
		ok(sound && steps[last].rule == decision->rule &&
			steps[last].outcome ==
			    (decision->reply == REPLY_UNDECIDED
				    ? OUTCOME_UNDECIDED
				    : OUTCOME_REFUSED),
		    "%s: nothing was asked after the refusal", what);
}

__attribute__((unused)) static void
check_case(const struct sketch_case *sketch)
{
	char line[REPLY_LINE_MAX];
	struct decision decision;
	struct reply reply;
	struct built built;
	enum verdict verdict;

	build(&built, sketch);
	policy_decide(&decision, sketch->stage, &built.judged);
	verdict = sketch->line == NULL ? VERDICT_ACCEPT
	    : sketch->line[0] == '4'   ? VERDICT_TEMPFAIL
				       : VERDICT_REJECT;
	is_str(verdict_name(decision.verdict), verdict_name(verdict),
	    sketch->what);
	is_str(decision.rule != NULL ? decision.rule->name : NULL, sketch->rule,
	    sketch->what);
	if (decision.rule != NULL) {
		policy_reply(&reply, &decision, &built.judged);
		is_str(reply_line(line, &reply), sketch->line, sketch->what);
	}
	check_steps(&decision, sketch->what);
	build_free(&built);
}

/* Every rule of the stage came out in every way it can. */
__attribute__((unused)) static void
check_coverage(enum stage stage)
{
	/* clang-format off */
	static const char *const undecided[] = {
		"require_tls", "submit", "authoritative_domain_sender", "relay",
	};
	/* clang-format on */

	for (size_t i = 0; i < rule_count; i++) {
		unsigned want = 1u << OUTCOME_PASSED | 1u << OUTCOME_REFUSED;

		if (rules[i].stage != stage)
			continue;
		if (rules[i].asks != NULL)
			want |= 1u << OUTCOME_SKIPPED;
		for (size_t k = 0; k < nitems(undecided); k++)
			if (strcmp(rules[i].name, undecided[k]) == 0)
				want |= 1u << OUTCOME_UNDECIDED;
		is_int(outcomes_seen[i], want, rules[i].name);
	}
}

#endif
