/*
 * relay.c - rcpt: who may send where, and in which form of address.
 */
#include "judging.h"

#define BAD_RECIPIENT "501 5.1.3 Invalid address" BY("recipient_syntax")
#define NO_RELAY \
	"550 5.7.54 SMTP; Unable to relay recipient in non-accepted " \
	"domain" BY("relay")
#define RCPT_TO(path) \
	.stage = STAGE_RCPT, .from = "<a@foreign.test>", .to = path
#define RELAY ANYBODY, .allow = "accept_any_recipient=anonymous"

/* clang-format off */
static const struct sketch_case cases[] = {
	/* recipient_syntax */
	{ .what = "a recipient that is no address", ANYBODY,
	    RCPT_TO("<a@b..test>"), .rule = "recipient_syntax",
	    .line = BAD_RECIPIENT },
	{ .what = "the null recipient", ANYBODY, RCPT_TO("<>"),
	    .rule = "recipient_syntax", .line = BAD_RECIPIENT },
	{ .what = "an empty recipient", ANYBODY, RCPT_TO(""),
	    .rule = "recipient_syntax", .line = BAD_RECIPIENT },
	{ .what = "a bare recipient", RELAY, RCPT_TO("<joe>"),
	    .rule = "recipient_syntax", .line = BAD_RECIPIENT },
	{ .what = "a bare recipient with a percent", RELAY,
	    RCPT_TO("<joe%foreign.test>"), .rule = "recipient_syntax",
	    .line = BAD_RECIPIENT },
	{ .what = "a bare recipient with a bang", RELAY,
	    RCPT_TO("<foreign.test!joe>"), .rule = "recipient_syntax",
	    .line = BAD_RECIPIENT },
	{ .what = "two addresses in one", RELAY,
	    RCPT_TO("<a@example.com>,<b@foreign.test>"),
	    .rule = "recipient_syntax", .line = BAD_RECIPIENT },
	{ .what = "a malformed parameter at RCPT", RELAY,
	    RCPT_TO("<a@example.com>"), .bad_parameter = true,
	    .rule = "recipient_syntax", .line = BAD_RECIPIENT },
	/* postmaster */
	{ .what = "bare postmaster", ANYBODY, RCPT_TO("<postmaster>") },
	{ .what = "bare postmaster in any case", ANYBODY,
	    RCPT_TO("<PostMaster>") },
	{ .what = "postmaster without brackets", ANYBODY,
	    RCPT_TO("postmaster") },
	{ .what = "postmaster here", ANYBODY,
	    RCPT_TO("<postmaster@example.com>") },
	{ .what = "postmaster elsewhere is relay", ANYBODY,
	    RCPT_TO("<postmaster@foreign.test>"), .rule = "relay",
	    .line = NO_RELAY },
	/* relay */
	{ .what = "to an authoritative domain", ANYBODY,
	    RCPT_TO("<a@example.com>") },
	{ .what = "to a domain below a pattern", ANYBODY,
	    RCPT_TO("<a@x.example.net>") },
	{ .what = "to an internal relay domain", ANYBODY,
	    RCPT_TO("<a@internal.example>") },
	{ .what = "to an external relay domain", ANYBODY,
	    RCPT_TO("<a@external.example>") },
	{ .what = "in capitals and with a trailing dot", ANYBODY,
	    RCPT_TO("<A@EXAMPLE.COM.>") },
	{ .what = "to a foreign domain", ANYBODY,
	    RCPT_TO("<a@foreign.test>"), .rule = "relay", .line = NO_RELAY },
	{ .what = "to a subdomain that is not accepted", ANYBODY,
	    RCPT_TO("<a@sub.example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "to the parent of a pattern", ANYBODY,
	    RCPT_TO("<a@example.net>"), .rule = "relay", .line = NO_RELAY },
	{ .what = "to an address literal", ANYBODY,
	    RCPT_TO("<a@[192.0.2.25]>"), .rule = "relay", .line = NO_RELAY },
	{ .what = "to an address literal, with the right", RELAY,
	    RCPT_TO("<a@[IPv6:2001:db8::25]>") },
	{ .what = "to a foreign domain, with the right", RELAY,
	    RCPT_TO("<a@foreign.test>") },
	{ .what = "to a foreign domain, from the null sender", RELAY,
	    .stage = STAGE_RCPT, .from = "<>", .to = "<a@foreign.test>" },
	{ .what = "to a foreign domain, as a user", USERS, JOE(BASIC),
	    RCPT_TO("<a@foreign.test>") },
	{ .what = "an own sender is no pass", ANYBODY, .stage = STAGE_RCPT,
	    .from = "<a@example.com>", .to = "<a@foreign.test>",
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "to a foreign domain, right not known now", ANYBODY,
	    .allow = "accept_any_recipient=host:relay.example",
	    .verified = ANSWER_UNKNOWN, RCPT_TO("<a@foreign.test>"),
	    .rule = "relay", .line = UNDECIDED("relay") },
	{ .what = "to an accepted domain, right not known now", ANYBODY,
	    .allow = "accept_any_recipient=host:relay.example",
	    .verified = ANSWER_UNKNOWN, RCPT_TO("<a@example.com>") },
	{ .what = "a denial not known now", ANYBODY,
	    .allow = "accept_any_recipient=anonymous "
		"accept_any_recipient=-host:bad.example",
	    .verified = ANSWER_UNKNOWN, RCPT_TO("<a@foreign.test>"),
	    .rule = "relay", .line = UNDECIDED("relay") },
	/* relay_to, relay_from */
	{ .what = "relay_to: its domain", RELAY, .relay_to = "partner.test",
	    RCPT_TO("<a@partner.test>") },
	{ .what = "relay_to: another domain", RELAY,
	    .relay_to = "partner.test", RCPT_TO("<a@foreign.test>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_to: accepted domains need no mention", RELAY,
	    .relay_to = "partner.test", RCPT_TO("<a@example.com>") },
	{ .what = "relay_to: below", RELAY, .relay_to = "*.partner.test",
	    RCPT_TO("<a@x.partner.test>") },
	{ .what = "relay_to: below is not itself", RELAY,
	    .relay_to = "*.partner.test", RCPT_TO("<a@partner.test>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_to: one address", RELAY,
	    .relay_to = "x.test fax@partner.test",
	    RCPT_TO("<FAX@partner.test>") },
	{ .what = "relay_to: another address of that domain", RELAY,
	    .relay_to = "x.test fax@partner.test",
	    RCPT_TO("<fox@partner.test>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "relay_to: never a routed form", RELAY,
	    .relay_to = "partner.test", RCPT_TO("<a%x.test@partner.test>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_to: never a literal", RELAY,
	    .relay_to = "partner.test", RCPT_TO("<a@[192.0.2.1]>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_to gives no right by itself", ANYBODY,
	    .relay_to = "partner.test", RCPT_TO("<a@partner.test>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_to narrows anonymous sessions only", USERS,
	    JOE(BASIC), .relay_to = "partner.test",
	    RCPT_TO("<a@foreign.test>") },
	{ .what = "relay_to: externally secured is not anonymous", SECURED,
	    .relay_to = "partner.test", RCPT_TO("<a@foreign.test>") },
	{ .what = "relay_from: its sender", RELAY,
	    .relay_from = "a@foreign.test", RCPT_TO("<b@x.test>") },
	{ .what = "relay_from: another sender", RELAY,
	    .relay_from = "b@foreign.test", RCPT_TO("<b@x.test>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_from: the null sender never", RELAY,
	    .relay_from = "foreign.test", .stage = STAGE_RCPT, .from = "<>",
	    .to = "<b@x.test>", .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_from: the null sender to an accepted domain",
	    RELAY, .relay_from = "foreign.test", .stage = STAGE_RCPT,
	    .from = "<>", .to = "<b@example.com>" },
	{ .what = "relay_from: a routed sender never", RELAY,
	    .relay_from = "foreign.test", .stage = STAGE_RCPT,
	    .from = "<a%x.test@foreign.test>", .to = "<b@x.test>",
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_from and relay_to: both must match", RELAY,
	    .relay_from = "foreign.test", .relay_to = "partner.test",
	    RCPT_TO("<b@x.test>"), .rule = "relay", .line = NO_RELAY },
	{ .what = "relay_from and relay_to: both match", RELAY,
	    .relay_from = "foreign.test", .relay_to = "partner.test",
	    RCPT_TO("<b@partner.test>") },
	{ .what = "narrowed away is a definite no", ANYBODY,
	    .allow = "accept_any_recipient=host:relay.example",
	    .verified = ANSWER_UNKNOWN, .relay_to = "partner.test",
	    RCPT_TO("<b@x.test>"), .rule = "relay", .line = NO_RELAY },
	/* routed forms */
	{ .what = "percent", ANYBODY, RCPT_TO("<a%foreign.test@example.com>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "percent to an accepted domain", ANYBODY,
	    RCPT_TO("<a%example.com@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "bang", ANYBODY, RCPT_TO("<foreign.test!a@example.com>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "a source route", ANYBODY,
	    RCPT_TO("<@example.com:a@foreign.test>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "a source route to an accepted domain", ANYBODY,
	    RCPT_TO("<@foreign.test:a@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "a quoted at sign", ANYBODY,
	    RCPT_TO("<\"a@foreign.test\"@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "a quoted percent", ANYBODY,
	    RCPT_TO("<\"a%foreign.test\"@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "a percent behind a backslash", ANYBODY,
	    RCPT_TO("<\"a\\%foreign.test\"@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "a quoted colon", ANYBODY,
	    RCPT_TO("<\"smtp:a\"@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "IMCEA", ANYBODY,
	    RCPT_TO("<IMCEASMTP-a+40foreign+2Etest@example.com>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "imcea, quoted, in any case", ANYBODY,
	    RCPT_TO("<\"iMcEaX400-c\"@example.com>"), .rule = "relay",
	    .line = NO_RELAY },
	{ .what = "postmaster behind a percent", ANYBODY,
	    RCPT_TO("<postmaster%foreign.test@example.com>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "quoted, but plain", ANYBODY,
	    RCPT_TO("<\"a b\"@example.com>") },
	{ .what = "plus and equals are plain", ANYBODY,
	    RCPT_TO("<a+b=c/d@example.com>") },
	{ .what = "UTF-8 is plain", ANYBODY,
	    RCPT_TO("<jos\xc3\xa9@example.com>") },
	{ .what = "routed, with the right", RELAY,
	    RCPT_TO("<a%foreign.test@example.com>") },
	{ .what = "routed, with the right, but not resolved", RELAY,
	    .unresolved = true, RCPT_TO("<a%foreign.test@example.com>"),
	    .rule = "relay", .line = UNDECIDED("relay") },
	{ .what = "routed, without the right, not resolved", ANYBODY,
	    .unresolved = true, RCPT_TO("<a%foreign.test@example.com>"),
	    .rule = "relay", .line = NO_RELAY },
	{ .what = "plain, with the right, not resolved", RELAY,
	    .unresolved = true, RCPT_TO("<a@foreign.test>") },
	{ .what = "plain, accepted, not resolved", ANYBODY,
	    .unresolved = true, RCPT_TO("<a@example.com>") },
};
/* clang-format on */

static void
check_styles(void)
{
	const struct sketch_case sketch = { ANYBODY,
		RCPT_TO("<a@foreign.test>") };
	char line[REPLY_LINE_MAX];
	struct decision decision;
	struct reply reply;
	struct built built;

	build(&built, &sketch);
	built.policy.reply_style = REPLY_STYLE_2010;
	policy_decide(&decision, STAGE_RCPT, &built.judged);
	policy_reply(&reply, &decision, &built.judged);
	is_str(reply_line(line, &reply),
	    "550 5.7.1 Unable to relay [connector c, rule relay]",
	    "reply_style = 2010");
	built.policy.identify_connector = false;
	policy_reply(&reply, &decision, &built.judged);
	is_str(reply_line(line, &reply), "550 5.7.1 Unable to relay",
	    "identify_connector = no");
	build_free(&built);
}

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++)
		check_case(&cases[i]);
	check_coverage(STAGE_RCPT);
	check_styles();
	return done();
}
