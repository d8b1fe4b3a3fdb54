/*
 * rules_rcpt.c - the questions of the stage rcpt.
 */
#include "rules_parts.h"

#include <string.h>

#include "text.h"

static bool
is_postmaster(const struct mailbox *mailbox)
{
	return text_casecmp(mailbox->local, "postmaster") == 0;
}

/* RFC 5321 4.5.1: postmaster needs no domain. */
static bool
is_bare_postmaster(const struct mailbox *mailbox)
{
	return mailbox->kind == MAILBOX_BARE && is_postmaster(mailbox);
}

enum answer
rule_recipient_syntax(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const struct mailbox *recipient = judged->facts->recipient;

	if (!judged->facts->rcpt_parameters_valid)
		return ANSWER_NO;
	return rule_answer(recipient->kind == MAILBOX_DOMAIN ||
	    recipient->kind == MAILBOX_LITERAL ||
	    is_bare_postmaster(recipient));
}

static bool
is_within_any(const char *domain, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (domain_is_within(domain, names[i]))
			return true;
	return false;
}

bool
rule_asks_reserved(const struct judged *judged)
{
	return judged->connector->reject_reserved_top_level ||
	    judged->connector->reject_reserved_second_level;
}

/* RFC 2606, with all that lies below its names. */
enum answer
rule_reserved(const struct judged *judged, enum reply_id *reply)
{
	static const char *const top[] = { "test", "example", "invalid",
		"localhost" };
	static const char *const second[] = { "example.com", "example.net",
		"example.org" };
	const struct connector *connector = judged->connector;
	const struct mailbox *recipient = judged->facts->recipient;

	if (recipient->kind != MAILBOX_DOMAIN)
		return ANSWER_YES;
	if (connector->reject_reserved_top_level &&
	    is_within_any(recipient->domain, top, nitems(top)))
		return ANSWER_NO;
	if (connector->reject_reserved_second_level &&
	    is_within_any(recipient->domain, second, nitems(second))) {
		*reply = REPLY_RESERVED_SECOND_LEVEL;
		return ANSWER_NO;
	}
	return ANSWER_YES;
}

bool
rule_asks_single_label(const struct judged *judged)
{
	return judged->connector->reject_single_label;
}

enum answer
rule_single_label(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const struct mailbox *recipient = judged->facts->recipient;

	return rule_answer(recipient->kind != MAILBOX_DOMAIN ||
	    strchr(recipient->domain, '.') != NULL);
}

/* Is the recipient ours by what was typed, with nothing to route it on? */
static bool
recipient_is_accepted(const struct judged *judged)
{
	const struct mailbox *recipient = judged->facts->recipient;

	if (recipient->routed)
		return false;
	return is_bare_postmaster(recipient) ||
	    organization_has_mailbox(
		&judged->policy->organization, judged->connector, recipient);
}

/* relay_to and relay_from narrow what the right gives anonymous sessions. */
static bool
relay_is_narrowed_away(const struct judged *judged)
{
	const struct connector *connector = judged->connector;
	const struct facts *facts = judged->facts;

	if (judged->identity != IDENTITY_ANONYMOUS)
		return false;
	/* Of a routed form nobody knows where it ends. */
	if (connector->relay_to.count > 0 &&
	    (facts->recipient->routed ||
		!mailbox_patterns_match(
		    &connector->relay_to, facts->recipient)))
		return true;
	return connector->relay_from.count > 0 &&
	    !mailbox_patterns_match(&connector->relay_from, facts->sender);
}

enum answer
rule_relay(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum answer right =
	    rights_have(judged->rights, RIGHT_ACCEPT_ANY_RECIPIENT);

	if (recipient_is_accepted(judged))
		return ANSWER_YES;
	if (right == ANSWER_NO || relay_is_narrowed_away(judged))
		return ANSWER_NO;
	if (judged->facts->recipient->routed &&
	    !judged->facts->recipient_resolved)
		return ANSWER_UNKNOWN;
	return right;
}

bool
rule_asks_lookup(const struct judged *judged)
{
	return judged->connector->recipient_filter &&
	    rights_have(judged->rights, RIGHT_BYPASS_ANTI_SPAM) != ANSWER_YES;
}

/* Is the recipient one that the directory has to know? */
static bool
is_looked_up(const struct judged *judged)
{
	const struct organization *organization = &judged->policy->organization;
	const struct mailbox *recipient = judged->facts->recipient;

	if (recipient->kind != MAILBOX_DOMAIN || recipient->routed ||
	    !organization_looks_up(organization, recipient->domain))
		return false;
	return !is_postmaster(recipient) ||
	    !organization_accepts(organization, recipient->domain);
}

enum answer
rule_lookup(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum answer listed = judged->facts->recipient_listed;

	if (!is_looked_up(judged) || listed == ANSWER_YES)
		return ANSWER_YES;
	/* Asked all the same: it might have been skipped. */
	if (rights_have(judged->rights, RIGHT_BYPASS_ANTI_SPAM) ==
	    ANSWER_UNKNOWN)
		return ANSWER_UNKNOWN;
	return listed;
}

enum answer
rule_internal_only(const struct judged *judged, enum reply_id *reply)
{
	const struct facts *facts = judged->facts;

	if (identity_is_internal(judged->identity, facts))
		return ANSWER_YES;
	switch (facts->recipient_internal_only) {
	case ANSWER_NO:
		return ANSWER_YES;
	case ANSWER_UNKNOWN:
		return ANSWER_UNKNOWN;
	case ANSWER_YES:
		break;
	}
	if (judged->connector->internal_only_reply == INTERNAL_ONLY_UNKNOWN)
		*reply = REPLY_USER_UNKNOWN;
	return ANSWER_NO;
}

enum answer
rule_recipient_count(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->recipients_accepted <
	    judged->connector->max_recipients_per_message);
}
