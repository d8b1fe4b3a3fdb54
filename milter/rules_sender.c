/*
 * rules_sender.c - who a message may claim to come from, in envelope and
 * header.
 */
#include "rules_parts.h"

#include <string.h>

static bool
is_logged_in(const struct judged *judged)
{
	return judged->facts->mechanism != MECHANISM_NONE;
}

/* Does the session's login own the address? The directory may not know now. */
static enum answer
is_owned(const struct judged *judged, unsigned claim)
{
	if (!is_logged_in(judged))
		return ANSWER_NO;
	if (claim & CLAIM_OWNED)
		return ANSWER_YES;
	return claim & CLAIM_UNKNOWN ? ANSWER_UNKNOWN : ANSWER_NO;
}

static enum answer
may_be_own(const struct judged *judged, unsigned claim)
{
	if (!(claim & CLAIM_OWN))
		return ANSWER_YES;
	return answer_either(is_owned(judged, claim),
	    rights_have(
		judged->rights, RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER));
}

/* What passes for everybody else: an address that is nobody's here. */
static enum answer
is_nobodys(unsigned claim)
{
	if (claim & (CLAIM_OWN | CLAIM_LISTED))
		return ANSWER_NO;
	return claim & CLAIM_UNKNOWN ? ANSWER_UNKNOWN : ANSWER_YES;
}

/* May the session use the address by what it is, without the right? */
static enum answer
is_its_to_use(const struct judged *judged, unsigned claim)
{
	switch (judged->identity) {
	case IDENTITY_USER:
		return is_owned(judged, claim);
	case IDENTITY_SERVER:
		if (is_logged_in(judged))
			return is_owned(judged, claim);
		break;
	case IDENTITY_PARTNER:
		return rule_answer((claim & CLAIM_PROVEN) != 0);
	case IDENTITY_ANONYMOUS:
	case IDENTITY_EXTERNALLY_SECURED:
		break;
	}
	return is_nobodys(claim);
}

/* What allowed_senders leaves out is refused whatever rights there are. */
static bool
is_disallowed(const struct judged *judged, unsigned claim)
{
	return judged->identity == IDENTITY_ANONYMOUS &&
	    judged->connector->allowed_senders.count > 0 &&
	    !(claim & CLAIM_ALLOWED);
}

static enum answer
may_be_any(const struct judged *judged, unsigned claim)
{
	return answer_either(is_its_to_use(judged, claim),
	    rights_have(judged->rights, RIGHT_ACCEPT_ANY_SENDER));
}

enum answer
rule_own_sender(const struct judged *judged, enum reply_id *reply UNUSED)
{
	if (judged->facts->sender->kind == MAILBOX_NULL)
		return ANSWER_YES;
	return may_be_own(judged, judged->facts->sender_claim);
}

enum answer
rule_any_sender(const struct judged *judged, enum reply_id *reply UNUSED)
{
	if (judged->facts->sender->kind == MAILBOX_NULL)
		return ANSWER_YES;
	if (is_disallowed(judged, judged->facts->sender_claim))
		return ANSWER_NO;
	return may_be_any(judged, judged->facts->sender_claim);
}

static bool
sender_is_in(const struct exemption *item, const struct mailbox *sender)
{
	if (sender->kind != MAILBOX_DOMAIN)
		return false;
	return (item->itself && strcmp(sender->domain, item->name) == 0) ||
	    (item->below && domain_is_below(sender->domain, item->name));
}

/* Is the header of this session and sender not to be judged? */
static enum answer
is_exempt(const struct judged *judged)
{
	const struct exemptions *exempt =
	    &judged->connector->header_from_exempt;
	const struct facts *facts = judged->facts;
	enum answer answer = ANSWER_NO;

	for (size_t i = 0; i < exempt->count; i++) {
		const struct exemption *item = &exempt->items[i];

		answer = answer_either(answer,
		    item->host
			? facts_client_is(
			      facts, item->name, item->itself, item->below)
			: rule_answer(sender_is_in(item, facts->sender)));
	}
	return answer;
}

bool
rule_asks_authors(const struct judged *judged)
{
	return judged->facts->authors_told &&
	    judged->connector->check_header_from != HEADER_CHECK_NO &&
	    is_exempt(judged) != ANSWER_YES;
}

bool
rule_notes_authors(const struct judged *judged)
{
	return judged->connector->check_header_from == HEADER_CHECK_MONITOR;
}

/* The weakest answer for any author; a definite no is not softened by doubt. */
static enum answer
of_all_authors(const struct judged *judged,
    enum answer (*may)(const struct judged *judged, unsigned claim))
{
	enum answer weakest = ANSWER_YES;

	for (unsigned claim = 0; claim < CLAIM_SETS; claim++) {
		enum answer answer;

		if (!(judged->facts->author_claims >> claim & 1))
			continue;
		answer = may(judged, claim);
		if (answer == ANSWER_NO)
			weakest = ANSWER_NO;
		else if (answer == ANSWER_UNKNOWN && weakest == ANSWER_YES)
			weakest = ANSWER_UNKNOWN;
	}
	/* A host that might be exempt is refused nothing for good. */
	if (weakest == ANSWER_NO && is_exempt(judged) == ANSWER_UNKNOWN)
		return ANSWER_UNKNOWN;
	return weakest;
}

enum answer
rule_own_authors(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return of_all_authors(judged, may_be_own);
}

/* allowed_senders speaks of the header only where that is enforced. */
static enum answer
author_may_be_any(const struct judged *judged, unsigned claim)
{
	if (judged->connector->check_header_from == HEADER_CHECK_YES &&
	    is_disallowed(judged, claim))
		return ANSWER_NO;
	return may_be_any(judged, claim);
}

enum answer
rule_any_authors(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return of_all_authors(judged, author_may_be_any);
}
