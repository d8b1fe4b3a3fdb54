/*
 * guard.h - the relay guard: the clients that the MTA itself lets relay.
 *
 * Relay passes two gates, and this is the MTA's. It holds every client that
 * some connector, on some binding, would let submit and send anywhere without a
 * login: as anonymous, externally secured, a named host or by a certificate. It
 * knows nothing of TLS, sender or recipient; the milter narrows it. So it is
 * never smaller than what the milter allows, and all that is left when the
 * milter is gone. Owns its memory; constant once built, then for any thread.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdio.h>

#include "policy.h"

/* Above so many lines the table is nested. */
#define GUARD_FLAT_MAX 1000

struct guard;

/* The guard of a policy, or NULL without memory. Freed by guard_free. */
struct guard *guard_build(const struct policy *policy) NODISCARD;
void guard_free(struct guard *guard);

bool guard_allows(const struct guard *guard, const struct addr *client);

/* Prefixes of both families: lines of the table, but for nesting. */
size_t guard_prefixes(const struct guard *guard);

/*
 * Writes a Postfix cidr(5) table: a head that names the configuration by hash,
 * then "PREFIX/LEN OK" in ascending order, IPv4 first, and nothing for all
 * others. Postfix reads such a table line by line for every client, so a long
 * one is written in if/endif blocks of about the square root of its lines.
 * 0, or -1 when writing failed.
 */
int guard_print(
    const struct guard *guard, const char *hash, FILE *out) NODISCARD;

#endif
