/*
 * addrset.h - ranges of addresses, and lists of them.
 *
 * A range is lo..hi, both included, of one family; CIDR, netmask, "lo-hi" and
 * single addresses are spellings of it (Exchange RemoteIPRanges). The text of
 * the file is kept, for people. A list is in the order of the file and may
 * overlap itself. Pure; any thread; memory is the caller's arena.
 */
#ifndef ADDRSET_H
#define ADDRSET_H

#include "addr.h"

struct range {
	enum addr_family family;
	addr_value lo;
	addr_value hi;
	const char *text; /* as written in the file */
};

struct addrset {
	const struct range *ranges;
	size_t count;
};

/*
 * Parses one range: "192.0.2.1", "192.0.2.0/24", "192.0.2.0(255.255.255.0)",
 * "192.0.2.1-192.0.2.9" with or without blanks around the dash, and the same
 * for IPv6 (no netmask there). *host_bits says that the address had bits set
 * below its prefix; they are masked. Mapped, zoned, octal-looking, reversed and
 * mixed-family ranges are refused. out->text is set to text itself.
 * Returns NULL, or a sentence that says what is wrong and what would be right.
 */
const char *range_parse(
    struct range *out, bool *host_bits, const char *text) NODISCARD;

bool range_contains(const struct range *range, const struct addr *addr);
/* hi - lo: one less than the number of addresses, so that ::/0 fits. */
addr_value range_span(const struct range *range);
/* Wider than the prefix length given for its family (16: wider than a /16). */
bool range_wider_than(
    const struct range *range, unsigned prefix4, unsigned prefix6);

bool addrset_contains(const struct addrset *set, const struct addr *addr);

/* The smallest range that holds addr (then the first), or NULL. */
const struct range *addrset_smallest(
    const struct addrset *set, const struct addr *addr);

/*
 * Calls emit with the least list of prefixes that is exactly lo..hi, in
 * ascending order.
 */
void range_prefixes(const struct range *range,
    void (*emit)(const struct addr *addr, unsigned bits, void *arg), void *arg);

#endif
