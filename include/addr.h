/*
 * addr.h - one IP address, and one address with a port.
 *
 * An address is a family and a number, so that ranges compare as numbers in
 * both families. An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) is an IPv4
 * address everywhere but in configuration, where it is refused by the caller.
 * Pure; any thread.
 */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

struct sockaddr;

__extension__ typedef unsigned __int128 addr_value;

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

struct addr {
	enum addr_family family; /* ADDR_NONE: not known */
	addr_value value;        /* host order; IPv4 in the low 32 bits */
};

struct endpoint {
	struct addr addr;
	uint16_t port;
};

/* Room for an address, and for "[address]:port", as text. */
#define ADDR_TEXT_MAX 46
#define ENDPOINT_TEXT_MAX (ADDR_TEXT_MAX + 8)

/*
 * Parses four plain decimal octets (no leading zero) or an IPv6 address (RFC
 * 4291 2.2; no zone id). Mapped addresses stay IPv6 here: see addr_unmap.
 * Returns NULL, or a sentence that says what is wrong.
 */
const char *addr_parse(struct addr *out, const char *text) NODISCARD;

/* The IPv4 address inside an IPv4-mapped one; others unchanged. */
struct addr addr_unmap(struct addr addr);
bool addr_is_mapped(const struct addr *addr);

/*
 * An address as an MTA writes it in a macro: with or without "IPv6:" in front
 * (Sendmail, Postfix {client_addr}), unmapped. 0, or -1 when it is none.
 */
int addr_parse_macro(struct addr *out, const char *text) NODISCARD;

/* From AF_INET or AF_INET6, unmapped; family ADDR_NONE for all else, NULL. */
struct addr addr_from_sockaddr(const struct sockaddr *sa);
/* The port of the same two families, else 0. */
uint16_t addr_port_from_sockaddr(const struct sockaddr *sa);

/* Canonical text (RFC 5952 for IPv6), "unknown" for ADDR_NONE. Returns buf. */
const char *addr_format(char buf[ADDR_TEXT_MAX], const struct addr *addr);

bool addr_is_any(const struct addr *addr);      /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *addr); /* 127/8 or ::1 */
/* 32 or 128. */
unsigned addr_bits(enum addr_family family);
/* 0.0.0.0 or ::; 127.0.0.1 or ::1. */
struct addr addr_any(enum addr_family family);
struct addr addr_loopback(enum addr_family family);

/*
 * "192.0.2.25:25", "[2001:db8::25]:25": the last colon separates the port
 * (1..65535, no leading zero). Mapped and zoned addresses are refused.
 * Returns NULL, or a sentence that says what is wrong.
 */
const char *endpoint_parse(struct endpoint *out, const char *text) NODISCARD;
const char *endpoint_format(
    char buf[ENDPOINT_TEXT_MAX], const struct endpoint *endpoint);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Orders by family, address, port: for qsort and bsearch. */
int endpoint_compare(const struct endpoint *a, const struct endpoint *b);

#endif
