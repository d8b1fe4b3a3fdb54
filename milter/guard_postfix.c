/*
 * guard_postfix.c - prints the guard as a Postfix cidr(5) table.
 */
#include "guard_parts.h"

static void
print_prefix(enum addr_family family, struct prefix prefix, FILE *out)
{
	const struct addr addr = { family, prefix.lo };
	char buf[ADDR_TEXT_MAX];

	fprintf(out, "%s/%u", addr_format(buf, &addr), prefix.bits);
}

static void
print_lines(const struct prefixes *list, size_t begin, size_t end, FILE *out)
{
	for (size_t i = begin; i < end; i++) {
		print_prefix(list->family, list->items[i], out);
		fputs(" OK\n", out);
	}
}

/*
 * The end of the block that begins at begin: the widest prefix that holds no
 * line before it and at most limit lines. *cover is the narrowest that holds
 * the same lines.
 */
static size_t
block_end(const struct prefixes *list, size_t begin, size_t limit,
    struct prefix *cover)
{
	struct prefix wide = list->items[begin];
	size_t end = begin + 1;

	*cover = wide;
	while (wide.bits > 0) {
		size_t next = end;
		struct range range;

		wide.bits--;
		wide.lo &= ~(
		    (addr_value)1 << (addr_bits(list->family) - wide.bits - 1));
		range = prefix_range(list->family, wide);
		if (begin > 0 && list->items[begin - 1].lo >= range.lo)
			break;
		while (next < list->count && next - begin <= limit &&
		    list->items[next].lo <= range.hi)
			next++;
		if (next - begin > limit)
			break;
		if (next > end)
			*cover = wide;
		end = next;
	}
	return end;
}

static size_t
square_root(size_t n)
{
	size_t root = 1;

	while (root * root < n)
		root++;
	return root;
}

static void
print_nested(const struct prefixes *list, FILE *out)
{
	const size_t limit = square_root(list->count);
	size_t end;

	for (size_t begin = 0; begin < list->count; begin = end) {
		struct prefix cover;
		bool block;

		end = block_end(list, begin, limit, &cover);
		block = end - begin > 1;
		if (block) {
			fputs("if ", out);
			print_prefix(list->family, cover, out);
			putc('\n', out);
		}
		print_lines(list, begin, end, out);
		if (block)
			fputs("endif\n", out);
	}
}

static const char head[] =
    "# The relay guard of connector-milter, a Postfix cidr(5) table: clients\n"
    "# that may relay without a login. All others are left to the next\n"
    "# restriction. The milter decides which of their mail is relayed.\n"
    "#\n"
    "# Configuration: %s\n"
    "#\n"
    "# Do not edit: change the connectors and make it anew with\n"
    "#   connectorctl mta postfix guard >relay-guard.new &&\n"
    "#       mv relay-guard.new /etc/postfix/relay-guard.cidr &&\n"
    "#       postfix reload\n"
    "#\n"
    "# Use it in main.cf as\n"
    "#   smtpd_relay_restrictions = permit_sasl_authenticated,\n"
    "#       check_client_access cidr:$config_directory/relay-guard.cidr,\n"
    "#       reject_unauth_destination\n";

int
guard_print_postfix(const struct guard *guard, const char *hash, FILE *out)
{
	const size_t count = guard_prefixes(guard);

	fprintf(out, head, hash);
	if (count == 0)
		fputs("#\n# No client may relay without a login.\n", out);
	for (size_t i = 0; i < 2; i++) {
		const struct prefixes *list = &guard->families[i];

		if (count > GUARD_FLAT_MAX)
			print_nested(list, out);
		else
			print_lines(list, 0, list->count, out);
	}
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}
