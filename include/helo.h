/*
 * helo.h - the name a client gives at HELO or EHLO.
 *
 * RFC 5321 4.1.1.1: a domain or an address literal. Clients are sloppy, so a
 * second, tolerant reading is told apart from what is simply wrong. Pure; any
 * thread.
 */
#ifndef HELO_H
#define HELO_H

enum helo_form {
	HELO_NONE,      /* no HELO yet, or an empty name */
	HELO_STRICT,    /* RFC 5321: domain or address literal */
	HELO_TOLERANT,  /* with '_', one trailing dot or trailing blanks */
	HELO_MALFORMED, /* anything else */
};

/* How the name reads; NULL and all blanks are HELO_NONE. */
enum helo_form helo_form(const char *name);

#endif
