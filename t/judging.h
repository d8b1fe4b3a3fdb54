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
#define HOST_UNKNOWN .host = "relay.example", .verified = ANSWER_UNKNOWN
#define SERVERS \
	.groups = GROUP_EXCHANGE_SERVERS, \
	.auth = AUTH_TLS | AUTH_EXCHANGE_SERVER, \
	.servers = "login:srv cert:mail.example"
#define SRV(kind) .mechanism = MECHANISM_##kind, .login = "srv"
#define PARTNERS \
	.groups = GROUP_PARTNERS, .auth = AUTH_TLS, .domain_secure = true
#define CERT(name) .tls = TLS_1_3, .certificate = name
#define SECURED \
	.groups = GROUP_EXCHANGE_SERVERS, .auth = AUTH_EXTERNAL_AUTHORITATIVE

/* How each rule came out, over all cases. */
static unsigned outcomes_seen[RULES_MAX];

static void
check_steps(const struct decision *decision, const char *what)
{
	const struct step *steps = decision->steps;
	const size_t last = decision->step_count - 1;
	const struct rule *noted = NULL;
	size_t of_stage = 0;
	bool sound = decision->step_count > 0;

	for (size_t i = 0; i < rule_count; i++)
		of_stage += rules[i].stage == decision->stage;
	for (size_t i = 0; i < decision->step_count; i++) {
		const bool on = steps[i].outcome == OUTCOME_PASSED ||
		    steps[i].outcome == OUTCOME_SKIPPED;

		if (!on && steps[i].rule != decision->rule && noted == NULL)
			noted = steps[i].rule;
		sound = sound && steps[i].rule->stage == decision->stage &&
		    (i == 0 || steps[i - 1].rule < steps[i].rule) &&
		    (on || steps[i].rule->noted != NULL || i == last);
		outcomes_seen[steps[i].rule - rules] |= 1u << steps[i].outcome;
	}
	ok(noted == decision->noted, "%s: the first that was noted", what);
	if (decision->rule == NULL)
		ok(sound && decision->step_count == of_stage,
		    "%s: every rule was asked", what);
	else
		ok(sound && steps[last].rule == decision->rule &&
			steps[last].outcome ==
			    (decision->reply == REPLY_UNDECIDED
				    ? OUTCOME_UNDECIDED
				    : OUTCOME_REFUSED),
		    "%s: nothing was asked after the refusal", what);
}

/* The rule and the exact line of a refusal, or NULL twice. */
static void
check_refusal(const struct judged *judged, const struct rule *rule,
    enum reply_id id, const char *name, const char *want, const char *what)
{
	char line[REPLY_LINE_MAX];
	struct reply reply;

	is_str(rule != NULL ? rule->name : NULL, name, what);
	if (rule == NULL) {
		is_int(id, REPLY_NONE, what);
		return;
	}
	policy_reply(&reply, rule, id, judged);
	is_str(reply_line(line, &reply), want, what);
}

/* The refusal in the words of Exchange 2010. */
__attribute__((unused)) static void
check_case_2010(const struct sketch_case *sketch)
{
	const char *line =
	    sketch->line_2010 != NULL ? sketch->line_2010 : sketch->line;
	struct decision decision;
	struct built built;

	build(&built, sketch);
	built.policy.reply_style = REPLY_STYLE_2010;
	policy_decide(&decision, sketch->stage, &built.judged);
	check_refusal(&built.judged, decision.rule, decision.reply,
	    sketch->rule, line, sketch->what);
	build_free(&built);
}

__attribute__((unused)) static void
check_case(const struct sketch_case *sketch)
{
	struct decision decision;
	struct built built;
	enum verdict verdict;

	build(&built, sketch);
	policy_decide(&decision, sketch->stage, &built.judged);
	verdict = sketch->line == NULL ? VERDICT_ACCEPT
	    : sketch->line[0] == '4'   ? VERDICT_TEMPFAIL
				       : VERDICT_REJECT;
	is_str(verdict_name(decision.verdict), verdict_name(verdict),
	    sketch->what);
	check_refusal(&built.judged, decision.rule, decision.reply,
	    sketch->rule, sketch->line, sketch->what);
	check_refusal(&built.judged, decision.noted, decision.noted_reply,
	    sketch->noted, sketch->noted_line, sketch->what);
	check_steps(&decision, sketch->what);
	build_free(&built);
}

/* clang-format off */
/* The rules that may have to say that they cannot know. */
static const struct {
	const char *rule;
	enum stage stage;
} may_be_undecided[] = {
	{ "require_tls", STAGE_MAIL },
	{ "submit", STAGE_MAIL },
	{ "back_pressure", STAGE_MAIL },
	{ "authoritative_domain_sender", STAGE_MAIL },
	{ "any_sender", STAGE_MAIL },
	{ "max_message_size", STAGE_MAIL },
	{ "relay", STAGE_RCPT },
	{ "recipient_lookup", STAGE_RCPT },
	{ "internal_only", STAGE_RCPT },
	{ "authoritative_domain_sender", STAGE_EOM },
	{ "any_sender", STAGE_EOM },
	{ "max_message_size", STAGE_EOM },
};

/* How many, how much and how fast: cases of policy_limits.c. */
static const char *const limit_rules[] = {
	"max_inbound_connection",
	"max_inbound_connection_per_source",
	"connection_timeout",
	"max_protocol_errors",
	"back_pressure",
	"message_rate_limit",
	"max_message_size",
	"max_header_size",
	"max_hop_count",
	"max_local_hop_count",
};
/* clang-format on */

static bool
is_limit(const struct rule *rule)
{
	for (size_t i = 0; i < nitems(limit_rules); i++)
		if (strcmp(rule->name, limit_rules[i]) == 0)
			return true;
	return false;
}

/* Every rule of the stage, limits or others, came out in every way it can. */
__attribute__((unused)) static void
check_coverage(enum stage stage, bool limits)
{
	for (size_t i = 0; i < rule_count; i++) {
		unsigned want = 1u << OUTCOME_PASSED | 1u << OUTCOME_REFUSED;

		if (rules[i].stage != stage || is_limit(&rules[i]) != limits)
			continue;
		if (rules[i].asks != NULL)
			want |= 1u << OUTCOME_SKIPPED;
		for (size_t k = 0; k < nitems(may_be_undecided); k++)
			if (may_be_undecided[k].stage == stage &&
			    strcmp(rules[i].name, may_be_undecided[k].rule) ==
				0)
				want |= 1u << OUTCOME_UNDECIDED;
		is_int(outcomes_seen[i], want, rules[i].name);
	}
}

#endif
