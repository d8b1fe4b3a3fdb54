/*
 * addr.c - one IP address, and one address with a port.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"

#define GROUPS 8

static const char not_an_address[] =
    "not an IP address; write one such as 192.0.2.1 or 2001:db8::1";

static struct addr
addr_of(enum addr_family family, addr_value value)
{
	struct addr addr = { .family = family, .value = value };

	return addr;
}

/* One octet from *text on, which is moved behind it. */
static const char *
parse_octet(unsigned *out, const char **text)
{
	const char *s = *text;
	unsigned value = 0;

	if (!text_is_digit(*s))
		return "an IPv4 address has four octets of digits; write one "
		       "such as 192.0.2.1";
	if (s[0] == '0' && text_is_digit(s[1]))
		return "octets have no leading zeros; write 10.0.0.1 for "
		       "010.0.0.1";
	for (; text_is_digit(*s); s++) {
		value = value * 10 + (unsigned)(*s - '0');
		if (value > 255)
			return "an octet is at most 255; write four octets of "
			       "0 to 255, such as 192.0.2.1";
	}
	*out = value;
	*text = s;
	return NULL;
}

static const char *
parse_ipv4(struct addr *out, const char *text)
{
	addr_value value = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned octet;

		if (i > 0 && *text++ != '.')
			return "an IPv4 address has four octets; write all of "
			       "them, such as 192.0.2.1";
		const char *wrong = parse_octet(&octet, &text);

		if (wrong != NULL)
			return wrong;
		value = value << 8 | octet;
	}
	if (*text != '\0')
		return "an IPv4 address ends after four octets; write one "
		       "such as 192.0.2.1";
	*out = addr_of(ADDR_IPV4, value);
	return NULL;
}

static addr_value
value_of_bytes(const unsigned char *bytes, size_t count)
{
	addr_value value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static const char *
parse_ipv6(struct addr *out, const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET6, text, bytes) != 1)
		return "not an IPv6 address; write one such as 2001:db8::1";
	*out = addr_of(ADDR_IPV6, value_of_bytes(bytes, sizeof(bytes)));
	return NULL;
}

const char *
addr_parse(struct addr *out, const char *text)
{
	*out = addr_of(ADDR_NONE, 0);
	if (text[0] == '\0')
		return "the address is missing; write one such as 192.0.2.1 "
		       "or 2001:db8::1";
	if (text[0] == '[')
		return "an address stands here without brackets; write one "
		       "such as 2001:db8::1";
	if (strchr(text, '%') != NULL)
		return "an address has no zone id here; leave out the % and "
		       "what follows";
	if (strchr(text, ':') != NULL)
		return parse_ipv6(out, text);
	if (strspn(text, "0123456789.") == strlen(text))
		return parse_ipv4(out, text);
	return not_an_address;
}

bool
addr_is_mapped(const struct addr *addr)
{
	return addr->family == ADDR_IPV6 && addr->value >> 32 == 0xffff;
}

struct addr
addr_unmap(struct addr addr)
{
	if (!addr_is_mapped(&addr))
		return addr;
	return addr_of(ADDR_IPV4, addr.value & 0xffffffff);
}

int
addr_parse_macro(struct addr *out, const char *text)
{
	static const char tag[] = "IPv6:";
	bool tagged = text_ncasecmp(text, tag, strlen(tag)) == 0;

	if (addr_parse(out, tagged ? text + strlen(tag) : text) != NULL)
		return -1;
	if (tagged && out->family != ADDR_IPV6) {
		*out = addr_of(ADDR_NONE, 0);
		return -1;
	}
	*out = addr_unmap(*out);
	return 0;
}

struct addr
addr_from_sockaddr(const struct sockaddr *sa)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (sa != NULL && sa->sa_family == AF_INET) {
		memcpy(&in4, sa, sizeof(in4));
		return addr_of(ADDR_IPV4, ntohl(in4.sin_addr.s_addr));
	}
	if (sa != NULL && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		return addr_unmap(addr_of(
		    ADDR_IPV6, value_of_bytes(in6.sin6_addr.s6_addr, 16)));
	}
	return addr_of(ADDR_NONE, 0);
}

uint16_t
addr_port_from_sockaddr(const struct sockaddr *sa)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (sa != NULL && sa->sa_family == AF_INET) {
		memcpy(&in4, sa, sizeof(in4));
		return ntohs(in4.sin_port);
	}
	if (sa != NULL && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		return ntohs(in6.sin6_port);
	}
	return 0;
}

static void
put_ipv4(struct text *text, addr_value value)
{
	const unsigned bits = (unsigned)value;

	for (unsigned shift = 32; shift > 0; shift -= 8) {
		if (shift < 32)
			text_put(text, ".");
		text_put_number(text, bits >> (shift - 8) & 255);
	}
}

static unsigned
group_of(addr_value value, unsigned i)
{
	return (unsigned)(value >> (16 * (GROUPS - 1 - i))) & 0xffff;
}

/* The first longest run of two zero groups or more (RFC 5952 4.2). */
static unsigned
longest_zeros(addr_value value, unsigned *start)
{
	unsigned best = 1;

	*start = GROUPS;
	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned n = 0;

		while (i + n < GROUPS && group_of(value, i + n) == 0)
			n++;
		if (n > best) {
			best = n;
			*start = i;
		}
	}
	return best;
}

static void
put_ipv6(struct text *text, addr_value value)
{
	unsigned start;
	unsigned zeros = longest_zeros(value, &start);

	for (unsigned i = 0; i < GROUPS; i++) {
		if (i == start) {
			text_put(text, "::");
			i += zeros - 1;
			continue;
		}
		if (i > 0 && i != start + zeros)
			text_put(text, ":");
		text_printf(text, "%x", group_of(value, i));
	}
}

const char *
addr_format(char buf[ADDR_TEXT_MAX], const struct addr *addr)
{
	struct text text;

	text_init(&text, buf, ADDR_TEXT_MAX);
	switch (addr->family) {
	case ADDR_NONE:
		text_put(&text, "unknown");
		break;
	case ADDR_IPV4:
		put_ipv4(&text, addr->value);
		break;
	case ADDR_IPV6:
		if (addr_is_mapped(addr)) {
			text_put(&text, "::ffff:");
			put_ipv4(&text, addr->value & 0xffffffff);
		} else {
			put_ipv6(&text, addr->value);
		}
		break;
	}
	return buf;
}

bool
addr_is_any(const struct addr *addr)
{
	return addr->family != ADDR_NONE && addr->value == 0;
}

bool
addr_is_loopback(const struct addr *addr)
{
	return (addr->family == ADDR_IPV4 && addr->value >> 24 == 127) ||
	    (addr->family == ADDR_IPV6 && addr->value == 1);
}

unsigned
addr_bits(enum addr_family family)
{
	switch (family) {
	case ADDR_NONE:
		break;
	case ADDR_IPV4:
		return 32;
	case ADDR_IPV6:
		return 128;
	}
	return 0;
}

struct addr
addr_any(enum addr_family family)
{
	return addr_of(family, 0);
}

struct addr
addr_loopback(enum addr_family family)
{
	return addr_of(family, family == ADDR_IPV4 ? 0x7f000001 : 1);
}

static const char *
parse_port(uint16_t *out, const char *text)
{
	static const char wrong[] =
	    "the port is a number of 1 to 65535 without leading zeros; write "
	    "one such as 25";
	unsigned value = 0;

	if (text[0] == '\0' || text[0] == '0')
		return wrong;
	for (; *text != '\0'; text++) {
		if (!text_is_digit(*text))
			return wrong;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > 65535)
			return wrong;
	}
	*out = (uint16_t)value;
	return NULL;
}

/* Copies len bytes of text to host unless they cannot be an address. */
static const char *
copy_host(char host[ADDR_TEXT_MAX], const char *text, size_t len)
{
	if (len >= ADDR_TEXT_MAX)
		return not_an_address;
	memcpy(host, text, len);
	host[len] = '\0';
	return NULL;
}

/* Takes text apart into host and port; what the brackets say must be true. */
static const char *
split_endpoint(char host[ADDR_TEXT_MAX], const char **port, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL || end[1] != ':')
			return "the port is missing behind the brackets; "
			       "write [2001:db8::25]:25";
		*port = end + 2;
		if (memchr(text, ':', (size_t)(end - text)) == NULL)
			return "only an IPv6 address stands in brackets; "
			       "write 192.0.2.25:25 or [2001:db8::25]:25";
		return copy_host(host, text + 1, (size_t)(end - text) - 1);
	}
	if (colon == NULL)
		return "the port is missing; write 192.0.2.25:25 or "
		       "[2001:db8::25]:25";
	if (colon == text || (colon == text + 1 && text[0] == '*'))
		return "the address is missing; write 0.0.0.0:25 for every "
		       "IPv4 address, [::]:25 for every IPv6 address";
	if (memchr(text, ':', (size_t)(colon - text)) != NULL)
		return "an IPv6 address stands in brackets in front of its "
		       "port; write [2001:db8::25]:25";
	*port = colon + 1;
	return copy_host(host, text, (size_t)(colon - text));
}

const char *
endpoint_parse(struct endpoint *out, const char *text)
{
	char host[ADDR_TEXT_MAX];
	const char *port = NULL;
	const char *wrong;

	memset(out, 0, sizeof(*out));
	wrong = split_endpoint(host, &port, text);
	if (wrong == NULL)
		wrong = addr_parse(&out->addr, host);
	if (wrong == NULL && addr_is_mapped(&out->addr))
		wrong = "an IPv4-mapped address; write the IPv4 address "
			"itself, such as 192.0.2.25:25";
	if (wrong == NULL)
		wrong = parse_port(&out->port, port);
	if (wrong != NULL)
		memset(out, 0, sizeof(*out));
	return wrong;
}

const char *
endpoint_format(char buf[ENDPOINT_TEXT_MAX], const struct endpoint *endpoint)
{
	const bool brackets = endpoint->addr.family == ADDR_IPV6;
	char host[ADDR_TEXT_MAX];
	struct text text;

	text_init(&text, buf, ENDPOINT_TEXT_MAX);
	text_put(&text, brackets ? "[" : "");
	text_put(&text, addr_format(host, &endpoint->addr));
	text_put(&text, brackets ? "]:" : ":");
	text_put_number(&text, endpoint->port);
	return buf;
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare(a, b) == 0;
}

int
endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	if (a->addr.value != b->addr.value)
		return a->addr.value < b->addr.value ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}
