/*
 * addrset.c - ranges of addresses, and lists of them.
 */
#include "addrset.h"

#include <string.h>

#include "text.h"

/* No address in a range is longer, blanks around it included. */
#define PART_MAX 64

/* The n lowest bits set; n is at most 128. */
static addr_value
low_bits(unsigned n)
{
	return n >= 128 ? ~(addr_value)0 : ((addr_value)1 << n) - 1;
}

/* An address that may stand in a configuration: len bytes of text. */
static const char *
parse_part(struct addr *out, const char *text, size_t len)
{
	char part[PART_MAX];
	const char *wrong;

	while (len > 0 && text_is_blank(text[0])) {
		text++;
		len--;
	}
	while (len > 0 && text_is_blank(text[len - 1]))
		len--;
	if (len >= sizeof(part))
		return "too long for an IP address; write one such as "
		       "192.0.2.1 or 2001:db8::1";
	memcpy(part, text, len);
	part[len] = '\0';
	wrong = addr_parse(out, part);
	if (wrong == NULL && addr_is_mapped(out))
		wrong = "an IPv4-mapped address; write the IPv4 address "
			"itself, such as 192.0.2.1 or 192.0.2.0/24";
	return wrong;
}

static void
set_prefix(struct range *out, bool *host_bits, const struct addr *addr,
    unsigned prefix)
{
	addr_value host = low_bits(addr_bits(addr->family) - prefix);

	*host_bits = (addr->value & host) != 0;
	out->family = addr->family;
	out->lo = addr->value & ~host;
	out->hi = addr->value | host;
}

static const char *
parse_bounds(struct range *out, const char *text, const char *dash)
{
	struct addr lo, hi;
	const char *wrong = parse_part(&lo, text, (size_t)(dash - text));

	if (wrong == NULL)
		wrong = parse_part(&hi, dash + 1, strlen(dash + 1));
	if (wrong != NULL)
		return wrong;
	if (lo.family != hi.family)
		return "a range has two addresses of one family; write two "
		       "IPv4 or two IPv6 addresses";
	if (lo.value > hi.value)
		return "the range is reversed; write the lower address first, "
		       "such as 192.0.2.1-192.0.2.9";
	out->family = lo.family;
	out->lo = lo.value;
	out->hi = hi.value;
	return NULL;
}

static const char *
parse_prefix(
    struct range *out, bool *host_bits, const char *text, const char *slash)
{
	const char *digits = slash + 1;
	size_t len = strlen(digits);
	unsigned prefix = 0;
	struct addr addr;
	const char *wrong = parse_part(&addr, text, (size_t)(slash - text));

	if (wrong != NULL)
		return wrong;
	if (len == 0 || strspn(digits, "0123456789") != len)
		return "the prefix length is a number; write one such as "
		       "192.0.2.0/24 or 2001:db8::/32";
	if (digits[0] == '0' && len > 1)
		return "a prefix length has no leading zeros; write /8 for "
		       "/08";
	for (; *digits != '\0' && prefix <= 128; digits++)
		prefix = prefix * 10 + (unsigned)(*digits - '0');
	if (prefix > addr_bits(addr.family))
		return addr.family == ADDR_IPV4
		    ? "an IPv4 prefix length is at most 32; write /32 for a "
		      "single address"
		    : "an IPv6 prefix length is at most 128; write /128 for a "
		      "single address";
	set_prefix(out, host_bits, &addr, prefix);
	return NULL;
}

static const char *
parse_netmask(
    struct range *out, bool *host_bits, const char *text, const char *open)
{
	size_t len = strlen(open);
	struct addr addr, mask;
	addr_value host;
	const char *wrong = parse_part(&addr, text, (size_t)(open - text));

	if (wrong != NULL)
		return wrong;
	if (addr.family != ADDR_IPV4)
		return "a netmask goes with an IPv4 address only; write a "
		       "prefix length such as 2001:db8::/32";
	if (open[len - 1] != ')')
		return "the netmask stands in parentheses; write one such as "
		       "192.0.2.0(255.255.255.0)";
	wrong = parse_part(&mask, open + 1, len - 2);
	if (wrong != NULL)
		return wrong;
	if (mask.family != ADDR_IPV4)
		return "the netmask of an IPv4 address is one too; write one "
		       "such as 192.0.2.0(255.255.255.0)";
	host = ~mask.value & low_bits(32);
	if ((host & (host + 1)) != 0)
		return "the netmask is not contiguous; write ones in front "
		       "and zeros behind, such as 255.255.255.0";
	set_prefix(out, host_bits, &addr,
	    32 - (unsigned)__builtin_popcountll((unsigned long long)host));
	return NULL;
}

/* Is it as 192.0.2.1:25? */
static bool
has_port(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon != NULL && strchr(colon + 1, ':') == NULL &&
	    memchr(text, '.', (size_t)(colon - text)) != NULL;
}

static const char *
parse_single(struct range *out, const char *text)
{
	struct addr addr;
	const char *wrong = parse_part(&addr, text, strlen(text));

	if (wrong != NULL)
		return has_port(text) ? "a range has no port; leave it out, "
					"bindings says where clients connect"
				      : wrong;
	out->family = addr.family;
	out->lo = out->hi = addr.value;
	return NULL;
}

const char *
range_parse(struct range *out, bool *host_bits, const char *text)
{
	const char *mark;
	const char *wrong;

	memset(out, 0, sizeof(*out));
	*host_bits = false;
	/* A zone id may hold any of the marks below. */
	if (strchr(text, '%') != NULL)
		return "a range has no zone id; leave out the % and what "
		       "follows";
	if ((mark = strchr(text, '-')) != NULL)
		wrong = parse_bounds(out, text, mark);
	else if ((mark = strchr(text, '(')) != NULL)
		wrong = parse_netmask(out, host_bits, text, mark);
	else if ((mark = strchr(text, '/')) != NULL)
		wrong = parse_prefix(out, host_bits, text, mark);
	else
		wrong = parse_single(out, text);
	if (wrong == NULL)
		out->text = text;
	return wrong;
}

bool
range_contains(const struct range *range, const struct addr *addr)
{
	return addr->family != ADDR_NONE && range->family == addr->family &&
	    range->lo <= addr->value && addr->value <= range->hi;
}

addr_value
range_span(const struct range *range)
{
	return range->hi - range->lo;
}

bool
range_wider_than(const struct range *range, unsigned prefix4, unsigned prefix6)
{
	unsigned prefix = range->family == ADDR_IPV4 ? prefix4 : prefix6;

	return range_span(range) > low_bits(addr_bits(range->family) - prefix);
}

bool
addrset_contains(const struct addrset *set, const struct addr *addr)
{
	for (size_t i = 0; i < set->count; i++)
		if (range_contains(&set->ranges[i], addr))
			return true;
	return false;
}

const struct range *
addrset_smallest(const struct addrset *set, const struct addr *addr)
{
	const struct range *best = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct range *range = &set->ranges[i];

		if (range_contains(range, addr) &&
		    (best == NULL || range_span(range) < range_span(best)))
			best = range;
	}
	return best;
}

/* Zero bits at the low end of value, at most limit. */
static unsigned
trailing_zeros(addr_value value, unsigned limit)
{
	unsigned n = 0;

	while (n < limit && (value >> n & 1) == 0)
		n++;
	return n;
}

void
range_prefixes(const struct range *range,
    void (*emit)(const struct addr *addr, unsigned bits, void *arg), void *arg)
{
	unsigned width = addr_bits(range->family);
	struct addr at = { .family = range->family, .value = range->lo };

	for (;;) {
		unsigned host = trailing_zeros(at.value, width);
		addr_value left = range->hi - at.value;

		while (low_bits(host) > left)
			host--;
		emit(&at, width - host, arg);
		if (low_bits(host) == left)
			return;
		at.value += low_bits(host) + 1;
	}
}
