/*
 * guard_parts.h - what the three files of the guard room share.
 *
 * guard.c collects the prefixes and answers for them, guard_postfix.c and
 * guard_sendmail.c print them, each in the words of its MTA. No other room
 * includes this. Pure; constant once built, then for any thread.
 */
#ifndef GUARD_PARTS_H
#define GUARD_PARTS_H

#include "guard.h"

struct prefix {
	addr_value lo;
	unsigned bits;
};

/* The prefixes of one family, disjoint and ascending. */
struct prefixes {
	enum addr_family family;
	struct prefix *items;
	size_t count;
	size_t room;
};

struct guard {
	struct prefixes families[2]; /* IPv4, IPv6 */
};

/* The addresses of a prefix; text is NULL. */
struct range prefix_range(enum addr_family family, struct prefix prefix);

#endif
