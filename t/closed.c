/*
 * closed.c - values that no enumeration has, and addresses that no parser lets
 * through: whatever breaks them, they are no permission.
 */
#include "judging.h"

#define NONE 99 /* of no enumeration */
#define MAIL .stage = STAGE_MAIL, ANYBODY, .from = "<a@foreign.test>"

static void
break_helo(struct built *built)
{
	built->facts.helo = NONE;
}

static void
break_pressure(struct built *built)
{
	built->facts.pressure = NONE;
}

static void
break_mechanism(struct built *built)
{
	built->facts.mechanism = NONE;
}

static void
break_internal_only(struct built *built)
{
	built->facts.recipient_internal_only = NONE;
}

/* Whoever it is, it may submit, and as one of us. */
static void
break_identity(struct built *built)
{
	built->judged.identity = NONE;
	built->judged.rights.held = RIGHT_BIT(RIGHT_SUBMIT) |
	    RIGHT_BIT(RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
}

static void
break_principal(struct built *built)
{
	struct principal principal = { .kind = NONE, .name = "anonymous" };
	struct principal *items = arena_alloc(built->arena, 1, sizeof(*items));

	items[0] = principal;
	built->connector.rights[RIGHT_ACCEPT_ANY_RECIPIENT] =
	    (struct principals){ items, 1 };
	policy_identify(&built->judged);
}

/* clang-format off */
static const struct {
	struct sketch_case sketch;
	void (*corrupt)(struct built *built);
} cases[] = {
	{ { .what = "a form of HELO", .stage = STAGE_HELO, ANYBODY,
	    .helo = HELO_STRICT, .helo_syntax = HELO_SYNTAX_STRICT,
	    .rule = "helo_syntax",
	    .line = "501 5.5.4 Invalid domain name" BY("helo_syntax") },
	    break_helo },
	{ { .what = "a pressure", MAIL, .rule = "back_pressure",
	    .line = UNDECIDED("back_pressure") }, break_pressure },
	{ { .what = "a mechanism", MAIL, .auth = AUTH_BASIC | AUTH_INTEGRATED,
	    .rule = "auth_mechanism",
	    .line = "530 5.7.0 Authentication mechanism not offered here"
		BY("auth_mechanism") }, break_mechanism },
	{ { .what = "an identity", .stage = STAGE_MAIL, ANYBODY,
	    .from = "<joe@example.com>", .rule = "any_sender",
	    .line = "550 5.7.60 SMTP; Client does not have permissions to send "
		"as this sender" BY("any_sender") }, break_identity },
	{ { .what = "a principal", .stage = STAGE_RCPT, ANYBODY,
	    .allow = "accept_any_recipient=anonymous",
	    .from = "<a@foreign.test>", .to = "<b@foreign.test>",
	    .rule = "relay",
	    .line = "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
		"domain" BY("relay") }, break_principal },
	{ { .what = "an answer", .stage = STAGE_RCPT, ANYBODY,
	    .from = "<a@foreign.test>", .to = "<b@example.com>",
	    .rule = "internal_only",
	    .line = "550 5.7.1 RESOLVER.RST.AuthRequired; authentication "
		"required" BY("internal_only") }, break_internal_only },
};
/* clang-format on */

static void
test_values(void)
{
	struct decision decision;
	struct built built;

	for (size_t i = 0; i < nitems(cases); i++) {
		const struct sketch_case *sketch = &cases[i].sketch;

		build(&built, sketch);
		policy_decide(&decision, sketch->stage, &built.judged);
		ok(decision.rule == NULL ||
			strcmp(decision.rule->name, sketch->rule) != 0,
		    "%s that there is: passes by %s", sketch->what,
		    sketch->rule);
		cases[i].corrupt(&built);
		policy_decide(&decision, sketch->stage, &built.judged);
		check_refusal(&built.judged, decision.rule, decision.reply,
		    sketch->rule, sketch->line, sketch->what);
		build_free(&built);
	}
}

/* A literal is ours only if it is one. */
static void
test_literals(void)
{
	/* clang-format off */
	static const struct {
		const char *domain;
		bool ours;
	} literals[] = {
		{ "[192.0.2.25]", true }, { "[192.0.2.26]", false },
		{ "", false }, { "[", false }, { "[]", false },
		{ "192.0.2.25", false }, { "[192.0.2.25", false },
		{ "192.0.2.25]", false }, { "[192.0.2.25.]", false },
	};
	/* clang-format on */
	struct mailbox mailbox = { .kind = MAILBOX_LITERAL, .local = "b" };
	const struct sketch_case sketch = { .what = "literals", MAIL };
	struct built built;

	build(&built, &sketch);
	for (size_t i = 0; i < nitems(literals); i++) {
		snprintf(mailbox.domain, sizeof(mailbox.domain), "%s",
		    literals[i].domain);
		ok(organization_is_own_literal(&built.policy.organization,
		       &mailbox) == literals[i].ours,
		    "\"%s\" is %sa host of ours", literals[i].domain,
		    literals[i].ours ? "" : "not ");
	}
	build_free(&built);
}

/* Nobody is a partner of nobody. */
static void
test_partner(void)
{
	const struct sketch_case sketch = { .what = "a partner",
		.stage = STAGE_MAIL,
		PARTNERS,
		CERT("mail.partner.test"),
		.from = "<a@partner.test>" };
	const char *proven;
	struct built built;

	build(&built, &sketch);
	ok(identity_of(&built.policy.organization, &built.connector,
	       &built.facts, &proven) == IDENTITY_PARTNER,
	    "a certificate of a secure domain is a partner's");
	is_str(proven, "partner.test", "... and proves it");
	ok(identity_of(NULL, &built.connector, &built.facts, &proven) ==
		IDENTITY_ANONYMOUS,
	    "without an organization it proves nothing");
	is_str(proven, NULL, "... no domain");
	build_free(&built);
}

static void
test_names(void)
{
	is_str(outcome_name(OUTCOME_SKIPPED), "skipped", "outcomes have names");
	is_str(outcome_name(OUTCOME_PASSED), "passed", "...");
	is_str(outcome_name(OUTCOME_REFUSED), "refused", "...");
	is_str(outcome_name(OUTCOME_UNDECIDED), "undecided", "...");
}

int
main(void)
{
	test_values();
	test_literals();
	test_partner();
	test_names();
	return done();
}
