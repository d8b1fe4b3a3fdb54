/*
 * directory.h - who our recipients are: a file, loaded, and asked in memory.
 *
 * One recipient a line, lines beginning with # are comments:
 *
 *     alice@example.com login=alice,scan name="Alice" aliases=a@x.example
 *     sha256:9f86d0... internal_only
 *
 * Addresses are kept as SHA-256 of LOCAL@DOMAIN, local part unquoted and in
 * lower case, domain canonical; "sha256:" and 64 hex digits are such a one, as
 * Exchange's edge servers keep them. So plain and hashed files are the same
 * once loaded, and memory gives no list of addresses away. An address or alias
 * stands once. This room lies below the configuration, because a snapshot
 * loads it with the rest, all or nothing.
 *
 * Loading and linking are for one thread; then a directory never changes and
 * any thread may ask it. Asking computes a digest, for which libcrypto takes
 * memory: the session asks, never a rule. Freed by directory_free.
 */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <locale.h>

#include "diag.h"
#include "domain.h"
#include "facts.h"

struct directory;

/* What is known of one recipient. Valid as long as the directory. */
struct listing {
	bool internal_only; /* takes mail from internal senders only */
	const char *name;   /* display name, UTF-8; "": none */
	const char *logins; /* separated by commas; "": none */
};

/*
 * The letters beyond ASCII, of the locale C.UTF-8: found by the first load, or
 * by this, better while there is memory. 0: none.
 */
locale_t directory_prepare(void);

/*
 * Loads the len bytes of a directory file, whose name problems carry. NULL
 * after adding at least one error; all of the file are added, the first 100 in
 * words.
 */
struct directory *directory_load(const char *file, const char *bytes,
    size_t len, struct diags *diags) NODISCARD;
void directory_free(struct directory *directory);

/*
 * Says which domains count when there is none: those that the sets name, not
 * what lies below their wildcards. Once, before anybody asks; the names are
 * copied. 0, or -1 without memory or libcrypto.
 */
int directory_link(struct directory *directory,
    const struct domain_set *const sets[], size_t set_count) NODISCARD;

/*
 * Is LOCAL@DOMAIN known? domain is canonical. YES fills *listing; UNKNOWN
 * means that no digest could be computed. A directory of NULL knows nobody.
 */
enum answer directory_find(const struct directory *directory, const char *local,
    const char *domain, struct listing *listing);

/*
 * The same for a mailbox, which must be local@domain (all others: NO); with a
 * delimiter (not "") an address not found as it is is looked up again without
 * what follows the first delimiter in its local part.
 */
enum answer directory_find_mailbox(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter,
    struct listing *listing);

/* Is login one of listing's logins? Whole, without ASCII case. */
bool listing_has_login(const struct listing *listing, const char *login);

/* Does anybody in it take internal senders only? */
bool directory_has_internal_only(const struct directory *directory);

/*
 * Would directory_find_mailbox find mailbox's local part at any of the linked
 * domains, and there one who takes internal senders only? However many domains
 * there are, that is a few look-ups; only where such addresses are hashed each
 * domain must be tried, for a digest gives no local part away. UNKNOWN also
 * when nothing was linked.
 */
enum answer directory_is_internal_only_anywhere(
    const struct directory *directory, const struct mailbox *mailbox,
    const char *delimiter);

/* For tests: how many recipients, and in how many bytes of memory. */
size_t directory_count(const struct directory *directory);
size_t directory_bytes(const struct directory *directory);

/*
 * The same file with every address hashed, comments and empty lines left out.
 * 0, or -1 after adding errors (nothing useful was written then) or when out
 * fails.
 */
int directory_hash(const char *file, const char *bytes, size_t len,
    struct diags *diags, FILE *out) NODISCARD;

#endif
