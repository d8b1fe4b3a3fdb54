/*
 * guard_sendmail.c - prints the guard as lines for Sendmail's access map.
 */
#include "guard_parts.h"

/* What Sendmail takes away at once: an octet, or a group of 16 bits. */
static unsigned
step_of(enum addr_family family)
{
	return family == ADDR_IPV4 ? 8 : 16;
}

/* The first bits of value, which are whole octets or groups. */
static void
print_line(enum addr_family family, addr_value value, unsigned bits, FILE *out)
{
	const bool four = family == ADDR_IPV4;
	const unsigned step = step_of(family);
	const char *before = four ? "Connect:" : "Connect:IPv6:";

	for (unsigned end = step; end <= bits; end += step) {
		const addr_value part = value >> (addr_bits(family) - end);

		/* No leading zeros, and nothing shortened to "::". */
		fprintf(out, four ? "%s%u" : "%s%x", before,
		    (unsigned)(part & ((1u << step) - 1)));
		before = four ? "." : ":";
	}
	fputs("\tRELAY\n", out);
}

/* As many lines as it takes to write the prefix in whole octets or groups. */
static void
print_expanded(enum addr_family family, struct prefix prefix, FILE *out)
{
	const unsigned step = step_of(family);
	const unsigned steps =
	    prefix.bits == 0 ? 1 : (prefix.bits + step - 1) / step;
	const unsigned bits = steps * step;
	const unsigned shift = addr_bits(family) - bits;
	const uint32_t lines = 1u << (bits - prefix.bits);

	for (uint32_t i = 0; i < lines; i++)
		print_line(
		    family, prefix.lo + ((addr_value)i << shift), bits, out);
}

static const char head[] =
    "# The relay guard of connector-milter, lines for Sendmail's access map:\n"
    "# clients that may relay without a login. Sendmail refuses all others by\n"
    "# itself, except 127.0.0.1 and ::1. The milter decides which of their "
    "mail\n"
    "# is relayed.\n"
    "#\n"
    "# Configuration: %s\n"
    "#\n"
    "# Do not edit: change the connectors and make it anew. The lines of your\n"
    "# own in the map are kept in access.own:\n"
    "#   cd /etc/mail &&\n"
    "#       connectorctl mta sendmail guard >relay-guard &&\n"
    "#       cat access.own relay-guard >access &&\n"
    "#       makemap hash access <access\n"
    "#\n"
    "# Use it in sendmail.mc as\n"
    "#   FEATURE(`access_db')\n";

int
guard_print_sendmail(const struct guard *guard, const char *hash, FILE *out)
{
	fprintf(out, head, hash);
	if (guard_prefixes(guard) == 0)
		fputs("#\n# No client may relay without a login.\n", out);
	for (size_t i = 0; i < 2; i++) {
		const struct prefixes *list = &guard->families[i];

		for (size_t k = 0; k < list->count; k++)
			print_expanded(list->family, list->items[k], out);
	}
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}
