/*
 * claim.c - what an address is to us: its set of enum sender_claim.
 */
#include "claim.h"

/* Sendmail makes x!a@its.own.name of a@x.uucp. */
static bool
is_by_uucp(const struct mailbox *mailbox)
{
	return domain_is_below(mailbox->domain, "uucp");
}

static bool
is_own(const struct judged *judged, const struct mailbox *mailbox)
{
	const struct organization *organization = &judged->policy->organization;

	if (mailbox->kind == MAILBOX_LITERAL)
		return organization_has_mailbox(
		    organization, judged->connector, mailbox);
	return is_by_uucp(mailbox) ||
	    organization_owns(organization, mailbox->domain);
}

static bool
is_owned(const struct facts *facts, const struct mailbox *mailbox,
    const struct claim_listing *listing)
{
	if (facts->login == NULL)
		return false;
	if (listing->listed == ANSWER_YES && listing->owned)
		return true;
	return facts->login_address != NULL &&
	    mailbox_equals(mailbox, facts->login_address);
}

static bool
is_proven(const struct judged *judged, const struct mailbox *mailbox)
{
	return judged->proven != NULL && mailbox->kind == MAILBOX_DOMAIN &&
	    domain_is_within(mailbox->domain, judged->proven);
}

unsigned
claim_of(const struct judged *judged, const struct mailbox *mailbox,
    const struct claim_listing *listing)
{
	unsigned claim = 0;

	if (mailbox->kind != MAILBOX_DOMAIN && mailbox->kind != MAILBOX_LITERAL)
		return 0;
	if (is_own(judged, mailbox))
		claim |= CLAIM_OWN;
	if (listing->listed == ANSWER_YES)
		claim |= CLAIM_LISTED;
	if (is_owned(judged->facts, mailbox, listing))
		claim |= CLAIM_OWNED;
	if (is_proven(judged, mailbox))
		claim |= CLAIM_PROVEN;
	if (mailbox_patterns_match(
		&judged->connector->allowed_senders, mailbox))
		claim |= CLAIM_ALLOWED;
	if (listing->listed == ANSWER_UNKNOWN)
		claim |= CLAIM_UNKNOWN;
	return claim;
}
