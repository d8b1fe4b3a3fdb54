/*
 * client_source.h - who counts as one source of sessions and messages.
 *
 * An IPv4 address, or the /64 of an IPv6 address; and, since whoever has one
 * /64 often has 65,536 of them, the /48 around it as a second key, which may
 * have SOURCE_SITE_FACTOR times as much as one source. Keys are keyed hashes.
 */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include "addr.h"
#include "table.h"

#define SOURCE_KEYS_MAX 2
#define SOURCE_SITE_FACTOR 4

struct client_source {
	struct table_key keys[SOURCE_KEYS_MAX]; /* itself, then its site */
	size_t count; /* 1 for IPv4; 0: could not be told, counts as full */
};

struct keyed;

/* The source of a client's address, which is not ADDR_NONE. */
void source_of(struct client_source *source, struct keyed *keyed,
    const struct addr *client);

/*
 * The source that a login or a sender's address is, of any length; ASCII case
 * folded. Names of different kinds are different sources.
 */
void source_of_name(struct client_source *source, struct keyed *keyed,
    char kind, const char *name);

/* How much key number index may have, where one source may have limit. */
long long source_share(size_t index, long long limit);

#endif
