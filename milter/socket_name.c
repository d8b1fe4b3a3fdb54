/*
 * socket_name.c - how a listening socket is spelled.
 */
#include "socket_name.h"

#include <string.h>

#include "text.h"

/* clang-format off */
static const struct {
	const char *start;
	enum addr_family family;
} kinds[] = {
	{ "unix:", ADDR_NONE },
	{ "local:", ADDR_NONE },
	{ "inet:", ADDR_IPV4 },
	{ "inet6:", ADDR_IPV6 },
};
/* clang-format on */

bool
socket_name_parse(struct socket_name *name, const char *spelled)
{
	for (size_t i = 0; i < nitems(kinds); i++) {
		const size_t len = strlen(kinds[i].start);

		if (text_ncasecmp(spelled, kinds[i].start, len) != 0)
			continue;
		name->family = kinds[i].family;
		name->rest = spelled + len;
		return true;
	}
	return false;
}

const char *
socket_name_path(const char *spelled)
{
	struct socket_name name;

	if (!socket_name_parse(&name, spelled) || name.family != ADDR_NONE)
		return NULL;
	return name.rest;
}
