/*
 * guard.h - the relay guard: the clients that the MTA itself lets relay.
 *
 * Relay passes two gates, and this is the MTA's. It holds every client that
 * some connector, on some binding, would let submit and send anywhere without a
 * login: as anonymous, externally secured, a named host or by a certificate. It
 * knows nothing of TLS, sender or recipient; the milter narrows it. So it is
 * never smaller than what the milter allows, and all that is left when the
 * milter is gone. A connector that only monitors has the same lines as one that
 * enforces. Owns its memory; constant once built, then for any thread.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdio.h>

#include "policy.h"

/* Above so many lines Postfix's table is nested. */
#define GUARD_FLAT_MAX 1000

struct guard;

/* The guard of a policy, or NULL without memory. Freed by guard_free. */
struct guard *guard_build(const struct policy *policy) NODISCARD;
void guard_free(struct guard *guard);

bool guard_allows(const struct guard *guard, const struct addr *client);

/* Prefixes of both families: lines of Postfix's table, but for nesting. */
size_t guard_prefixes(const struct guard *guard);

/*
 * Both write a table with a head that names the configuration by hash and says
 * how to use it, then one line for each prefix that may relay, in ascending
 * order, IPv4 first, and nothing for all others. 0, or -1 when writing failed.
 */

/*
 * A Postfix cidr(5) table: "PREFIX/LEN OK". Postfix reads such a table line by
 * line for every client, so a long one is written in if/endif blocks of about
 * the square root of its lines.
 */
int guard_print_postfix(
    const struct guard *guard, const char *hash, FILE *out) NODISCARD;

/*
 * Lines for Sendmail's access map: "Connect:10.20.1<TAB>RELAY". Sendmail looks
 * up the whole address and then what is left when it takes away the last octet,
 * or the last group of 16 bits of an IPv6 address, again and again. So prefixes
 * of other lengths are written as the next longer ones, at most 65,536 of them
 * (::/0).
 */
int guard_print_sendmail(
    const struct guard *guard, const char *hash, FILE *out) NODISCARD;

#endif
