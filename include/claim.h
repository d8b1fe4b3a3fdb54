/*
 * claim.h - what an address that mail claims to come from is to us.
 *
 * The envelope sender and every author of the header are reduced to a set of
 * enum sender_claim (facts.h), which is all that rules look at: so a message of
 * a hundred thousand authors needs eight bytes. A domain below uucp is our own:
 * for Sendmail it is reached through this host, whose name it puts behind it.
 * Pure; any thread.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include "rules.h"

/* What the directory says of the address. */
struct claim_listing {
	enum answer listed;
	bool owned; /* one of its logins is the session's */
};

/*
 * The set of an address; 0 for the null sender and what does not parse.
 * judged must have been identified. A login that is an address owns it too.
 */
unsigned claim_of(const struct judged *judged, const struct mailbox *mailbox,
    const struct claim_listing *listing);

#endif
