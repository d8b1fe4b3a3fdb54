/*
 * received.h - who added a Received field: one lenient reading of its "by".
 *
 * RFC 5321 4.4: "from CLIENT by SERVER with ...; DATE". Comments are skipped,
 * and a name need not be where the grammar wants it. Pure; any thread.
 */
#ifndef RECEIVED_H
#define RECEIVED_H

#include "addr.h"
#include "domain.h"

struct received_by {
	char name[DOMAIN_MAX + 1]; /* canonical; "": no name */
	struct addr addr;          /* of an address literal; else ADDR_NONE */
};

/* value is the body of the field, folded or not. */
void received_by(struct received_by *by, const char *value);

#endif
