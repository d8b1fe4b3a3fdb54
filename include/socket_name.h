/*
 * socket_name.h - how a listening socket is spelled.
 *
 * In libmilter's way: unix:PATH or local:PATH, inet:PORT@HOST, inet6:PORT@HOST,
 * the first word in any case. Owns nothing. Pure; any thread.
 */
#ifndef SOCKET_NAME_H
#define SOCKET_NAME_H

#include "addr.h"

struct socket_name {
	enum addr_family family; /* ADDR_NONE: a UNIX socket */
	const char *rest;        /* PATH or PORT@HOST, not looked at */
};

/* Points into spelled. False when it begins with no kind of socket. */
bool socket_name_parse(struct socket_name *name, const char *spelled) NODISCARD;

/* The path of a UNIX socket, or NULL. */
const char *socket_name_path(const char *spelled);

#endif
