/*
 * domain.h - domain names in one canonical form, and sets of them.
 *
 * The only room that knows libidn2. Canonical is: A-labels (UTS 46
 * non-transitional, STD3 rules), lower case, no trailing dot, labels of at
 * most 63 and a name of at most 253 octets, letters, digits and inner hyphens
 * only (RFC 5321 4.1.2, RFC 5890). What cannot be made canonical is no domain:
 * it never equals one of ours. Names compare label by label, never as text
 * that happens to end alike. Any thread; libidn2 allocates while converting
 * names that are not plain ASCII, so convert before a rule runs, not in it.
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "compiler.h"

#define DOMAIN_MAX 253

/*
 * Writes the canonical form of the len bytes of text to out; one trailing dot
 * is taken off. Returns NULL, or a sentence that says what is wrong; this one,
 * by its address, when it is not known what the text is.
 */
extern const char domain_no_memory[];
const char *domain_canonical(
    char out[DOMAIN_MAX + 1], const char *text, size_t len) NODISCARD;

/* "d" is d alone; "*.d" is everything below d and not d itself. */
struct domain_pattern {
	const char *name; /* canonical, without "*."; not owned */
	bool below;
};

/*
 * Parses a pattern into canonical form, writing the name to out. A bare "*",
 * an inner "*" and an address literal are errors. Returns NULL, or a sentence.
 */
const char *domain_pattern_parse(char out[DOMAIN_MAX + 1], bool *below,
    const char *text, size_t len) NODISCARD;

bool domain_pattern_matches(
    const struct domain_pattern *pattern, const char *name);

/* True when name is below parent (not parent itself); both canonical. */
bool domain_is_below(const char *name, const char *parent);

/* True when name is parent or below it; both canonical. */
static inline bool
domain_is_within(const char *name, const char *parent)
{
	return strcmp(name, parent) == 0 || domain_is_below(name, parent);
}

/* A set of patterns, sorted by domain_set_sort, then read only. */
struct domain_set {
	struct domain_pattern *patterns;
	size_t count;
};

void domain_set_sort(struct domain_set *set);

/* Does any pattern match the canonical name? O(labels * log count). */
bool domain_set_contains(const struct domain_set *set, const char *name);

#endif
