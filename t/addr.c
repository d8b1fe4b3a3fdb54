/*
 * addr.c - addresses, endpoints, ranges and lists of ranges.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "addr.h"
#include "addrset.h"
#include "random.h"
#include "tap.h"

static const char leading_zero[] =
    "octets have no leading zeros; write 10.0.0.1 for 010.0.0.1";
static const char octet_too_large[] = "an octet is at most 255; write four "
				      "octets of 0 to 255, such as 192.0.2.1";
static const char not_four[] = "an IPv4 address has four octets; write all of "
			       "them, such as 192.0.2.1";
static const char no_digits[] = "an IPv4 address has four octets of digits; "
				"write one such as 192.0.2.1";
static const char too_many[] = "an IPv4 address ends after four octets; write "
			       "one such as 192.0.2.1";
static const char not_ip[] =
    "not an IP address; write one such as 192.0.2.1 or 2001:db8::1";
static const char not_ipv6[] =
    "not an IPv6 address; write one such as 2001:db8::1";
static const char missing[] = "the address is missing; write one such as "
			      "192.0.2.1 or 2001:db8::1";
static const char no_brackets[] = "an address stands here without brackets; "
				  "write one such as 2001:db8::1";
static const char zone[] = "an address has no zone id here; leave out the % "
			   "and what follows";
static const char range_zone[] =
    "a range has no zone id; leave out the % and what follows";
static const char mapped[] = "an IPv4-mapped address; write the IPv4 address "
			     "itself, such as 192.0.2.1 or 192.0.2.0/24";
static const char bad_port[] = "the port is a number of 1 to 65535 without "
			       "leading zeros; write one such as 25";
static const char bad_prefix[] = "the prefix length is a number; write one "
				 "such as 192.0.2.0/24 or 2001:db8::/32";
static const char bad_mask[] = "the netmask is not contiguous; write ones in "
			       "front and zeros behind, such as 255.255.255.0";
static const char mixed[] = "a range has two addresses of one family; write "
			    "two IPv4 or two IPv6 addresses";
static const char reversed[] = "the range is reversed; write the lower "
			       "address first, such as 192.0.2.1-192.0.2.9";

/* clang-format off */
static const struct addr_case {
	const char *text;
	const char *wrong;     /* NULL: it parses */
	const char *canonical; /* and is written as this */
} addr_cases[] = {
	{ "192.0.2.1", NULL, "192.0.2.1" },
	{ "0.0.0.0", NULL, "0.0.0.0" },
	{ "255.255.255.255", NULL, "255.255.255.255" },
	{ "2001:DB8:0:0:1:0:0:1", NULL, "2001:db8::1:0:0:1" },
	{ "2001:db8:0:1:1:1:1:1", NULL, "2001:db8:0:1:1:1:1:1" },
	{ "2001:db8::1:0:0:0", NULL, "2001:db8:0:0:1::" },
	{ "::", NULL, "::" },
	{ "::1", NULL, "::1" },
	{ "1::", NULL, "1::" },
	{ "::2:1", NULL, "::2:1" },
	{ "::ffff:192.0.2.1", NULL, "::ffff:192.0.2.1" },
	{ "64:ff9b::192.0.2.1", NULL, "64:ff9b::c000:201" },
	{ "010.0.0.1", leading_zero, NULL },
	{ "10.0.0.01", leading_zero, NULL },
	{ "10.0.0.00", leading_zero, NULL },
	{ "10.0.0.256", octet_too_large, NULL },
	{ "10.0.0.99999999999999999999", octet_too_large, NULL },
	{ "10.1", not_four, NULL },
	{ "10", not_four, NULL },
	{ "10..0.1", no_digits, NULL },
	{ "10.0.0.", no_digits, NULL },
	{ "10.0.0.1.", too_many, NULL },
	{ "10.0.0.1.2", too_many, NULL },
	{ "0x0a.0.0.1", not_ip, NULL },
	{ "10.0.0.1 ", not_ip, NULL },
	{ "localhost", not_ip, NULL },
	{ "", missing, NULL },
	{ "[::1]", no_brackets, NULL },
	{ "fe80::1%eth0", zone, NULL },
	{ "2001:db8:::1", not_ipv6, NULL },
	{ "1:2:3:4:5:6:7", not_ipv6, NULL },
	{ "1:2:3:4:5:6:7:8:9", not_ipv6, NULL },
	{ "2001:db8::12345", not_ipv6, NULL },
	{ "::ffff:192.0.2.010", not_ipv6, NULL },
	{ "IPv6:2001:db8::1", not_ipv6, NULL },
};

static const struct endpoint_case {
	const char *text;
	const char *wrong;
} endpoint_cases[] = {
	{ "1:25", not_four },
	{ "x:25", not_ip },
	{ "192.0.2.25:25", NULL },
	{ "0.0.0.0:65535", NULL },
	{ "[2001:db8::25]:25", NULL },
	{ "[::]:1", NULL },
	{ "192.0.2.25", "the port is missing; write 192.0.2.25:25 or "
	    "[2001:db8::25]:25" },
	{ "[::]", "the port is missing behind the brackets; write "
	    "[2001:db8::25]:25" },
	{ "[::", "the port is missing behind the brackets; write "
	    "[2001:db8::25]:25" },
	{ "2001:db8::25:25", "an IPv6 address stands in brackets in front of "
	    "its port; write [2001:db8::25]:25" },
	{ "[192.0.2.25]:25", "only an IPv6 address stands in brackets; write "
	    "192.0.2.25:25 or [2001:db8::25]:25" },
	{ ":25", "the address is missing; write 0.0.0.0:25 for every IPv4 "
	    "address, [::]:25 for every IPv6 address" },
	{ "*:25", "the address is missing; write 0.0.0.0:25 for every IPv4 "
	    "address, [::]:25 for every IPv6 address" },
	{ "[::ffff:192.0.2.25]:25", "an IPv4-mapped address; write the IPv4 "
	    "address itself, such as 192.0.2.25:25" },
	{ "[fe80::1%eth0]:25", zone },
	{ "localhost:25", not_ip },
	{ "010.0.0.1:25", leading_zero },
	{ "192.0.2.25:0", bad_port },
	{ "192.0.2.25:025", bad_port },
	{ "192.0.2.25:65536", bad_port },
	{ "192.0.2.25:99999999999999999999", bad_port },
	{ "192.0.2.25:", bad_port },
	{ "192.0.2.25:smtp", bad_port },
	{ "192.0.2.25:25 ", bad_port },
	{ "[2001:db8:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa]:25",
	    not_ip },
};

static const struct range_case {
	const char *text;
	const char *wrong;
	const char *lo, *hi;
	bool host_bits;
} range_cases[] = {
	{ "192.0.2.1", NULL, "192.0.2.1", "192.0.2.1", false },
	{ "0.0.0.0", NULL, "0.0.0.0", "0.0.0.0", false },
	{ "::", NULL, "::", "::", false },
	{ "0.0.0.0/0", NULL, "0.0.0.0", "255.255.255.255", false },
	{ "::/0", NULL, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    false },
	{ "192.0.2.0/24", NULL, "192.0.2.0", "192.0.2.255", false },
	{ "192.0.2.77/24", NULL, "192.0.2.0", "192.0.2.255", true },
	{ "192.0.2.77/32", NULL, "192.0.2.77", "192.0.2.77", false },
	{ "2001:0DB8::CD3/60", NULL, "2001:db8::", "2001:db8:0:f:ffff:ffff:"
	    "ffff:ffff", true },
	{ "2001:db8::1/128", NULL, "2001:db8::1", "2001:db8::1", false },
	{ "192.0.2.0(255.255.255.0)", NULL, "192.0.2.0", "192.0.2.255",
	    false },
	{ "192.0.2.9(255.255.255.252)", NULL, "192.0.2.8", "192.0.2.11",
	    true },
	{ "0.0.0.0(0.0.0.0)", NULL, "0.0.0.0", "255.255.255.255", false },
	{ "192.0.2.5(255.255.255.255)", NULL, "192.0.2.5", "192.0.2.5",
	    false },
	{ "192.0.2.1-192.0.2.9", NULL, "192.0.2.1", "192.0.2.9", false },
	{ "192.0.2.1 \t- 192.0.2.9", NULL, "192.0.2.1", "192.0.2.9", false },
	{ "192.0.2.1-192.0.2.1", NULL, "192.0.2.1", "192.0.2.1", false },
	{ "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "::",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false },
	{ "2001:db8::1-2001:db8::9", NULL, "2001:db8::1", "2001:db8::9",
	    false },
	{ "", missing, NULL, NULL, false },
	{ "010.0.0.1", leading_zero, NULL, NULL, false },
	{ "010.0.0.0/8", leading_zero, NULL, NULL, false },
	{ "10.0.0.1-10.0.0.010", leading_zero, NULL, NULL, false },
	{ "10.1", not_four, NULL, NULL, false },
	{ "10/8", not_four, NULL, NULL, false },
	{ "10.0.0.1-9", not_four, NULL, NULL, false },
	{ "10.0.0.9-10.0.0.1", reversed, NULL, NULL, false },
	{ "2001:db8::9-2001:db8::1", reversed, NULL, NULL, false },
	{ "10.0.0.1-2001:db8::1", mixed, NULL, NULL, false },
	{ "10.0.0.1-", missing, NULL, NULL, false },
	{ "-10.0.0.1", missing, NULL, NULL, false },
	{ "10.0.0.1-10.0.0.2-10.0.0.3", not_ip, NULL, NULL, false },
	{ "10.0.0.0/24-10.0.1.0/24", not_ip, NULL, NULL, false },
	{ "10.0.0.0/33", "an IPv4 prefix length is at most 32; write /32 for "
	    "a single address", NULL, NULL, false },
	{ "2001:db8::/129", "an IPv6 prefix length is at most 128; write /128 "
	    "for a single address", NULL, NULL, false },
	{ "::/99999999999999999999", "an IPv6 prefix length is at most 128; "
	    "write /128 for a single address", NULL, NULL, false },
	{ "10.0.0.0/08", "a prefix length has no leading zeros; write /8 for "
	    "/08", NULL, NULL, false },
	{ "10.0.0.0/", bad_prefix, NULL, NULL, false },
	{ "10.0.0.0/-8", not_ip, NULL, NULL, false },
	{ "10.0.0.0/8 ", bad_prefix, NULL, NULL, false },
	{ "10.0.0.0/8/9", bad_prefix, NULL, NULL, false },
	{ "10.0.0.0/255.0.0.0", bad_prefix, NULL, NULL, false },
	{ "/8", missing, NULL, NULL, false },
	{ "10.0.0.0(255.0.255.0)", bad_mask, NULL, NULL, false },
	{ "10.0.0.0(0.0.0.255)", bad_mask, NULL, NULL, false },
	{ "10.0.0.0(ffff::)", "the netmask of an IPv4 address is one too; "
	    "write one such as 192.0.2.0(255.255.255.0)", NULL, NULL, false },
	{ "10.0.0.0(255.0.0.256)", octet_too_large, NULL, NULL, false },
	{ "10.1(255.0.0.0)", not_four, NULL, NULL, false },
	{ "10.0.0.1:25", "a range has no port; leave it out, bindings says "
	    "where clients connect", NULL, NULL, false },
	{ "host:25", not_ipv6, NULL, NULL, false },
	{ "10.0.0.0()", missing, NULL, NULL, false },
	{ "10.0.0.0(", "the netmask stands in parentheses; write one such as "
	    "192.0.2.0(255.255.255.0)", NULL, NULL, false },
	{ "10.0.0.0(255.0.0.0", "the netmask stands in parentheses; write one "
	    "such as 192.0.2.0(255.255.255.0)", NULL, NULL, false },
	{ "2001:db8::(255.0.0.0)", "a netmask goes with an IPv4 address only; "
	    "write a prefix length such as 2001:db8::/32", NULL, NULL,
	    false },
	{ "fe80::1%eth0", range_zone, NULL, NULL, false },
	{ "fe80::1%eth-0/64", range_zone, NULL, NULL, false },
	{ "::ffff:10.0.0.1", mapped, NULL, NULL, false },
	{ "::ffff:0:0/96", mapped, NULL, NULL, false },
	{ "::1-::ffff:10.0.0.1", mapped, NULL, NULL, false },
	{ "[2001:db8::]/32", no_brackets, NULL, NULL, false },
	{ "mail.example.com", not_ip, NULL, NULL, false },
	{ "any", not_ip, NULL, NULL, false },
	{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
	    "too long for an IP address; write one such as 192.0.2.1 or "
	    "2001:db8::1", NULL, NULL, false },
};
/* clang-format on */

/* Of no enumeration. */
#define NO_FAMILY ((enum addr_family)99)

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
draw(void)
{
	return random_next(&seed);
}

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	if (addr_parse(&addr, text) != NULL)
		printf("# no address: %s\n", text);
	return addr;
}

static struct range
range_of(const char *text)
{
	struct range range;
	bool host_bits;

	if (range_parse(&range, &host_bits, text) != NULL)
		printf("# no range: %s\n", text);
	return range;
}

static void
test_addresses(void)
{
	char buf[ADDR_TEXT_MAX], what[200];
	struct addr addr;

	for (size_t i = 0; i < nitems(addr_cases); i++) {
		const struct addr_case *c = &addr_cases[i];

		snprintf(what, sizeof(what), "address '%s'", c->text);
		is_str(addr_parse(&addr, c->text), c->wrong, what);
		is_str(addr_format(buf, &addr),
		    c->canonical != NULL ? c->canonical : "unknown", what);
	}
}

/* A value with runs of zero groups, as real addresses have. */
static addr_value
draw_ipv6(void)
{
	addr_value value = 0;
	uint64_t mask = draw();

	for (unsigned i = 0; i < 8; i++)
		value = value << 16 |
		    ((mask >> i & 1) != 0 ? (draw() & 0xffff) : 0);
	return value;
}

static void
test_round_trips(void)
{
	int back = 1, same = 1;

	for (unsigned n = 0; n < 200000; n++) {
		struct addr addr = { ADDR_IPV4, (uint32_t)draw() }, again;
		char buf[ADDR_TEXT_MAX], glibc[INET6_ADDRSTRLEN];
		unsigned char bytes[16];

		if (n % 2 == 0) {
			addr.family = ADDR_IPV6;
			addr.value = draw_ipv6();
		}
		addr_format(buf, &addr);
		back &= addr_parse(&again, buf) == NULL &&
		    addr.family == again.family && addr.value == again.value;
		/* glibc writes ::/96 with dots, RFC 5952 does not ask to. */
		if (addr.family == ADDR_IPV4 || addr.value >> 32 == 0)
			continue;
		for (unsigned i = 0; i < 16; i++)
			bytes[i] = (unsigned char)(addr.value >> (120 - 8 * i));
		inet_ntop(AF_INET6, bytes, glibc, sizeof(glibc));
		same &= strcmp(buf, glibc) == 0;
	}
	ok(back, "200,000 random addresses read back as themselves");
	ok(same, "IPv6 addresses are written as inet_ntop writes them");
}

static void
test_sockaddr(void)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_port = htons(25) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(587) };
	struct sockaddr local = { .sa_family = AF_UNIX };
	char buf[ADDR_TEXT_MAX];
	struct addr addr;

	inet_pton(AF_INET, "192.0.2.7", &in4.sin_addr);
	addr = addr_from_sockaddr((const struct sockaddr *)&in4);
	is_str(addr_format(buf, &addr), "192.0.2.7", "from AF_INET");
	is_int(addr_port_from_sockaddr((const struct sockaddr *)&in4), 25,
	    "and its port");
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
	addr = addr_from_sockaddr((const struct sockaddr *)&in6);
	is_str(addr_format(buf, &addr), "192.0.2.7", "mapped in AF_INET6");
	is_int(addr_port_from_sockaddr((const struct sockaddr *)&in6), 587,
	    "and its port");
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	addr = addr_from_sockaddr((const struct sockaddr *)&in6);
	is_str(addr_format(buf, &addr), "2001:db8::7", "from AF_INET6");
	addr = addr_from_sockaddr(&local);
	is_str(addr_format(buf, &addr), "unknown", "AF_UNIX has no address");
	is_int(addr_port_from_sockaddr(&local), 0, "and no port");
	addr = addr_from_sockaddr(NULL);
	is_int(addr.family, ADDR_NONE, "nor has NULL");
	is_int(addr_port_from_sockaddr(NULL), 0, "nor a port");
}

static const struct macro_case {
	const char *text;
	const char *want; /* NULL: none */
} macro_cases[] = {
	/* clang-format off */
	{ "192.0.2.1", "192.0.2.1" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "IPv6:2001:db8:0:0:0:0:0:1", "2001:db8::1" },
	{ "ipv6:::1", "::1" },
	{ "IPv6:::ffff:192.0.2.1", "192.0.2.1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "IPv6:192.0.2.1", NULL },
	{ "[192.0.2.1]", NULL },
	{ "unknown", NULL },
	{ "0", NULL },
	{ "", NULL },
	/* clang-format on */
};

static void
test_macros(void)
{
	char buf[ADDR_TEXT_MAX], what[100];
	struct addr addr;

	for (size_t i = 0; i < nitems(macro_cases); i++) {
		const struct macro_case *c = &macro_cases[i];

		snprintf(what, sizeof(what), "macro '%s'", c->text);
		is_int(addr_parse_macro(&addr, c->text),
		    c->want != NULL ? 0 : -1, what);
		is_str(addr_format(buf, &addr),
		    c->want != NULL ? c->want : "unknown", what);
	}
}

static void
test_kinds(void)
{
	struct addr none = { ADDR_NONE, 0 };
	struct addr low = addr_of("127.0.0.0"), high = addr_of("128.0.0.0");
	struct addr any4 = addr_any(ADDR_IPV4), any6 = addr_any(ADDR_IPV6);
	struct addr loop4 = addr_loopback(ADDR_IPV4);
	struct addr loop6 = addr_loopback(ADDR_IPV6);
	struct addr tunnel = addr_unmap(addr_of("2002:7f00:1::1"));
	struct addr compatible = addr_unmap(addr_of("::127.0.0.1"));
	char buf[ADDR_TEXT_MAX];

	ok(addr_is_any(&any4) && addr_is_any(&any6), "the any addresses");
	ok(!addr_is_any(&none) && !addr_is_any(&loop6), "others are not");
	ok(addr_is_loopback(&loop4) && addr_is_loopback(&loop6) &&
		addr_is_loopback(&low),
	    "loopback is 127/8 and ::1");
	ok(!addr_is_loopback(&high) && !addr_is_loopback(&none),
	    "and nothing else");
	is_str(addr_format(buf, &loop4), "127.0.0.1", "IPv4 loopback");
	is_str(addr_format(buf, &loop6), "::1", "IPv6 loopback");
	ok(!addr_is_loopback(&tunnel) && tunnel.family == ADDR_IPV6,
	    "6to4 inherits nothing from IPv4");
	ok(!addr_is_loopback(&compatible) && compatible.family == ADDR_IPV6,
	    "nor does an IPv4-compatible address");
	ok(any4.family != any6.family, "0.0.0.0 and :: differ");
	is_int(addr_bits(ADDR_IPV4) + addr_bits(ADDR_IPV6), 160, "32 and 128");
	is_int(addr_bits(ADDR_NONE), 0, "none without a family");
	is_int(addr_bits(NO_FAMILY), 0, "nor with one that is none");
	is_str(addr_format(buf, &(struct addr){ NO_FAMILY, 1 }), "",
	    "which has no address either");
}

static void
test_endpoints(void)
{
	char buf[ENDPOINT_TEXT_MAX], what[100];
	struct endpoint a, b;
	bool parsed;

	for (size_t i = 0; i < nitems(endpoint_cases); i++) {
		const struct endpoint_case *c = &endpoint_cases[i];

		snprintf(what, sizeof(what), "endpoint '%s'", c->text);
		is_str(endpoint_parse(&a, c->text), c->wrong, what);
		is_str(endpoint_format(buf, &a),
		    c->wrong == NULL ? c->text : "unknown:0", what);
	}
	parsed = endpoint_parse(&a, "192.0.2.1:25") == NULL &&
	    endpoint_parse(&b, "[::1]:25") == NULL;
	ok(parsed && endpoint_compare(&a, &b) < 0 &&
		endpoint_compare(&b, &a) > 0,
	    "IPv4 sorts before IPv6");
	b = a;
	ok(endpoint_equal(&a, &b), "equal endpoints");
	b.port = 26;
	ok(!endpoint_equal(&a, &b) && endpoint_compare(&a, &b) < 0,
	    "then the port decides");
	b.addr.value--;
	ok(endpoint_compare(&a, &b) > 0, "but the address first");
}

static void
test_ranges(void)
{
	char lo[ADDR_TEXT_MAX], hi[ADDR_TEXT_MAX], what[200];
	struct range range;
	bool host_bits;

	for (size_t i = 0; i < nitems(range_cases); i++) {
		const struct range_case *c = &range_cases[i];
		struct addr first, last;

		snprintf(what, sizeof(what), "range '%s'", c->text);
		is_str(
		    range_parse(&range, &host_bits, c->text), c->wrong, what);
		if (c->wrong != NULL)
			continue;
		first = (struct addr){ range.family, range.lo };
		last = (struct addr){ range.family, range.hi };
		is_str(addr_format(lo, &first), c->lo, what);
		is_str(addr_format(hi, &last), c->hi, what);
		is_int(host_bits, c->host_bits, "its host bits");
		is_str(range.text, c->text, "its text");
	}
}

static void
test_relations(void)
{
	struct range wide = range_of("10.0.0.0/8");
	struct range part = range_of("10.9.0.0/16");
	struct range all6 = range_of("::/0"), all4 = range_of("0.0.0.0/0");
	struct range net16 = range_of("10.0.0.0/16");
	struct range more16 = range_of("10.0.0.0-10.1.0.0");
	struct range net48 = range_of("2001:db8::/48");
	struct range list[] = { wide, all4, part, part, all6 };
	struct addrset set = { list, nitems(list) };
	struct addrset empty = { NULL, 0 };
	struct addr in = addr_of("10.9.1.1"), out = addr_of("11.0.0.1");
	struct addr zero6 = addr_of("::a09:101"), none = { ADDR_NONE, 0 };

	ok(range_span(&all6) == ~(addr_value)0, "::/0 has a span");
	ok(range_wider_than(&wide, 16, 48) && !range_wider_than(&net16, 16, 48),
	    "wider than a /16");
	ok(range_wider_than(&more16, 16, 48), "by one address");
	ok(range_wider_than(&all6, 16, 48) && !range_wider_than(&net48, 16, 48),
	    "wider than a /48");
	ok(!range_wider_than(&all6, 0, 0) && !range_wider_than(&all4, 0, 0),
	    "nothing is wider than everything");
	ok(range_contains(&part, &in) && !range_contains(&part, &out) &&
		!range_contains(&all4, &zero6) && !range_contains(&all4, &none),
	    "a range contains addresses of its family");
	ok(addrset_smallest(&set, &in) == &list[2],
	    "of two smallest ranges the first");
	ok(addrset_smallest(&set, &out) == &list[1], "the one that holds it");
	ok(addrset_smallest(&set, &none) == NULL &&
		!addrset_contains(&set, &none),
	    "no address is in no range");
	ok(addrset_contains(&set, &zero6) && !addrset_contains(&empty, &in),
	    "an empty list holds nothing");
}

/* What range_prefixes said so far, checked as it comes. */
struct walk {
	struct range range;
	addr_value next; /* where the next prefix must begin */
	struct addr last;
	unsigned last_bits;
	unsigned count;
	bool finished;
	bool good;
};

static void
check_prefix(const struct addr *addr, unsigned bits, void *arg)
{
	struct walk *walk = arg;
	unsigned host = addr_bits(walk->range.family) - bits;
	addr_value mask =
	    host >= 128 ? ~(addr_value)0 : ((addr_value)1 << host) - 1;

	walk->good &= !walk->finished && addr->value == walk->next &&
	    addr->family == walk->range.family && (addr->value & mask) == 0 &&
	    (addr->value | mask) <= walk->range.hi;
	/* Two halves of one prefix would not be the least list. */
	if (walk->count > 0 && walk->last_bits == bits && host < 127 &&
	    (walk->last.value ^ addr->value) == mask + 1 &&
	    (walk->last.value & (mask + 1)) == 0)
		walk->good = false;
	walk->finished = (addr->value | mask) == walk->range.hi;
	walk->next = (addr->value | mask) + 1;
	walk->last = *addr;
	walk->last_bits = bits;
	walk->count++;
}

static struct walk
walk_prefixes(const struct range *range)
{
	struct walk walk = { .range = *range, .next = range->lo, .good = true };

	range_prefixes(range, check_prefix, &walk);
	walk.good &= walk.finished;
	return walk;
}

static struct range
draw_range(void)
{
	struct range range = { .family = ADDR_IPV4 };
	unsigned shift = (unsigned)(draw() % 128);

	if (draw() % 2 == 0) {
		range.family = ADDR_IPV6;
		range.lo = draw_ipv6();
		range.hi = draw_ipv6();
	} else {
		range.lo = (uint32_t)draw();
		range.hi = (uint32_t)draw();
		shift %= 32;
	}
	/* Narrow ranges, and bounds on the edge of a prefix, are common. */
	if (draw() % 2 == 0)
		range.hi = range.lo + (range.hi >> shift);
	if (draw() % 4 == 0)
		range.lo = range.lo >> shift << shift;
	if (range.family == ADDR_IPV4)
		range.hi &= 0xffffffff;
	if (range.lo > range.hi) {
		addr_value lo = range.hi;

		range.hi = range.lo;
		range.lo = lo;
	}
	return range;
}

static const struct prefixes_case {
	const char *text;
	unsigned count;
} prefixes_cases[] = {
	/* clang-format off */
	{ "0.0.0.0/0", 1 },
	{ "::/0", 1 },
	{ "192.0.2.1", 1 },
	{ "10.20.2.5-10.20.2.9", 3 },
	{ "0.0.0.1-255.255.255.254", 62 },
	{ "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 254 },
	{ "255.255.255.255", 1 },
	{ "8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
	/* clang-format on */
};

static void
test_prefixes(void)
{
	char what[100];
	int good = 1;

	for (size_t i = 0; i < nitems(prefixes_cases); i++) {
		struct range range = range_of(prefixes_cases[i].text);
		struct walk walk = walk_prefixes(&range);

		snprintf(what, sizeof(what), "the prefixes of %s", range.text);
		ok(walk.good, "%s cover it", what);
		is_int(walk.count, prefixes_cases[i].count, what);
	}
	for (unsigned n = 0; n < 200000; n++) {
		struct range range = draw_range();

		good &= walk_prefixes(&range).good;
	}
	ok(good, "200,000 random ranges are covered by the least prefixes");
}

int
main(void)
{
	test_addresses();
	test_round_trips();
	test_sockaddr();
	test_macros();
	test_kinds();
	test_endpoints();
	test_ranges();
	test_relations();
	test_prefixes();
	return done();
}
