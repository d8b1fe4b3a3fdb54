/*
 * mailbox.h - an envelope address: reverse-path or forward-path.
 *
 * One strict reading of RFC 5321 4.1.2 with RFC 6531 3.3 (UTF-8 in local parts
 * and domains), used for every sender, recipient and configured address.
 * Invalid input is never repaired. Brackets may be missing (RFC 5321 wants
 * them, but Sendmail and Postfix pass paths on without). At most MAILBOX_MAX
 * octets without the brackets, as Exchange without long addresses.
 *
 * An address is *routed* when its local part could make an MTA send the mail
 * elsewhere than its domain says: a source route, any of % ! : @ in the local
 * part once unquoted, or a local part that begins with IMCEA (Exchange's
 * encapsulation), in any case. The domain of an address literal is its
 * canonical text: "[192.0.2.1]" or "[ipv6:2001:db8::1]". Pure; any thread.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "domain.h"

struct arena;

#define MAILBOX_MAX 571

enum mailbox_kind {
	MAILBOX_INVALID, /* does not parse; the other fields are empty */
	MAILBOX_NULL,    /* <> */
	MAILBOX_BARE,    /* a local part without a domain */
	MAILBOX_DOMAIN,  /* local@domain */
	MAILBOX_LITERAL, /* local@[192.0.2.1] */
};

struct mailbox {
	enum mailbox_kind kind;
	bool routed;
	char local[MAILBOX_MAX + 1]; /* unquoted, case as typed */
	char domain[DOMAIN_MAX + 1]; /* canonical; empty without one */
};

/*
 * Parses len bytes of path. On failure mailbox->kind is MAILBOX_INVALID.
 * Returns NULL, or a sentence that says what is wrong.
 */
const char *mailbox_parse(
    struct mailbox *mailbox, const char *path, size_t len) NODISCARD;

/* Could an MTA read another address out of this local part, unquoted? */
bool mailbox_is_routed(const char *local);

/*
 * Is this an ESMTP parameter, KEY or KEY=VALUE (RFC 5321 4.1.2, RFC 6531 3.3)?
 * A value may hold a '=', as some clients leave it unencoded in ORCPT.
 * Anything else behind a path means that a NUL cut the command in two.
 */
bool mailbox_is_parameter(const char *text);

/* An item of relay_to, relay_from and their kind: user@d, d, *.d. */
struct mailbox_pattern {
	const char *local; /* unquoted; NULL: any */
	struct domain_pattern domain;
};

/* Sorted by mailbox_patterns_sort; so few are walked, and stay as they are. */
#define MAILBOX_PATTERNS_FEW 8

struct mailbox_patterns {
	const struct mailbox_pattern *items;
	size_t count;
};

/*
 * Parses one item; strings are allocated in arena. Returns NULL, or a
 * sentence that says what is wrong (also without memory).
 */
const char *mailbox_pattern_parse(struct arena *arena,
    struct mailbox_pattern *pattern, const char *text) NODISCARD;

void mailbox_patterns_sort(struct mailbox_pattern *items, size_t count);

/*
 * Does any item match? O(labels * log count). Local parts compare without ASCII
 * case. The null sender, bare names and literals never match. A routed address
 * does: where it must not, the caller asks.
 */
bool mailbox_patterns_match(
    const struct mailbox_patterns *patterns, const struct mailbox *mailbox);

/* Are both local@domain, and the same without ASCII case? */
bool mailbox_equals(const struct mailbox *a, const struct mailbox *b);

#endif
