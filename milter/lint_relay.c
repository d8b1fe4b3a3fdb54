/*
 * lint_relay.c - where nobody but the address or a certificate decides who
 * relays, and which addresses are ours.
 */
#include "lint_parts.h"

#include <stdlib.h>

#include "text.h"

/* A wider range, or ranges that make one, is no longer a site's own. */
#define WIDE_PREFIX4 16
#define WIDE_PREFIX6 48
/*
 * Nor are more addresses in ranges with gaps. Of IPv6 no file has room for as
 * many ranges of WIDE_PREFIX6 as would matter.
 */
#define SUM_PREFIX4 4

/* Ranges that overlap or touch, as one. */
struct block {
	struct range whole; /* with the text of its first */
	const char *last;   /* the text of the one that ends it */
	bool told;          /* one alone is too wide already */
};

/* Is told what of a list is too wide: "'10.0.0.0/8' is wider than /16". */
struct judge {
	const struct lint *lint;
	void (*report)(const struct judge *judge, const char *what);
	size_t index; /* of the connector */
	bool by_certificate;
};

/* Room for what a judge is told. */
#define WHAT_MAX 512

static bool
is_wide(const struct range *range)
{
	return range_wider_than(range, WIDE_PREFIX4, WIDE_PREFIX6);
}

static int
prefix_of(const struct range *range)
{
	return range->family == ADDR_IPV4 ? WIDE_PREFIX4 : WIDE_PREFIX6;
}

static int
compare_ranges(const void *left, const void *right)
{
	const struct range *a = left;
	const struct range *b = right;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static bool
is_joined(const struct range *whole, const struct range *next)
{
	return whole->family == next->family &&
	    (next->lo <= whole->hi || next->lo - whole->hi == 1);
}

/* The block that begins the sorted ranges; how many of them are in it. */
static size_t
take_block(struct block *block, const struct range *sorted, size_t count)
{
	size_t n;

	*block = (struct block){ sorted[0], sorted[0].text, false };
	for (n = 0; n < count && is_joined(&block->whole, &sorted[n]); n++) {
		block->told = block->told || is_wide(&sorted[n]);
		if (sorted[n].hi > block->whole.hi) {
			block->whole.hi = sorted[n].hi;
			block->last = sorted[n].text;
		}
	}
	return n;
}

static void
report_range(const struct judge *judge, const struct range *range)
{
	char what[WHAT_MAX], quoted[DIAG_QUOTE_MAX];
	struct text out;

	text_init(&out, what, sizeof(what));
	text_printf(&out, "%s is wider than /%d",
	    diag_quote(quoted, range->text), prefix_of(range));
	judge->report(judge, what);
}

static void
report_block(const struct judge *judge, const struct block *block)
{
	const struct range *whole = &block->whole;
	const struct addr lo = { whole->family, whole->lo };
	const struct addr hi = { whole->family, whole->hi };
	char what[WHAT_MAX], first[DIAG_QUOTE_MAX], last[DIAG_QUOTE_MAX];
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	struct text out;

	text_init(&out, what, sizeof(what));
	text_printf(&out,
	    "%s to %s leave no gap: %s-%s, which is wider than /%d",
	    diag_quote(first, whole->text), diag_quote(last, block->last),
	    addr_format(from, &lo), addr_format(to, &hi), prefix_of(whole));
	judge->report(judge, what);
}

static void
judge_blocks(
    const struct judge *judge, const struct range *sorted, size_t count)
{
	unsigned long long sum = 0;
	char what[WHAT_MAX];
	struct text out;

	for (size_t i = 0; i < count;) {
		struct block block;

		i += take_block(&block, sorted + i, count - i);
		if (is_wide(&block.whole)) {
			if (!block.told)
				report_block(judge, &block);
		} else if (block.whole.family == ADDR_IPV4) {
			sum += (unsigned long long)range_span(&block.whole) + 1;
		}
	}
	if (sum <= 1ULL << (32 - SUM_PREFIX4))
		return;
	text_init(&out, what, sizeof(what));
	text_printf(&out,
	    "the list has %llu IPv4 addresses, which is wider than /%d", sum,
	    SUM_PREFIX4);
	judge->report(judge, what);
}

/* Each range alone, those that leave no gap, and all of them. */
static void
judge_ranges(const struct judge *judge, const struct addrset *set,
    const struct place *place)
{
	struct range *sorted;

	if (set->count == 0)
		return;
	sorted = calloc(set->count, sizeof(*sorted));
	if (sorted == NULL) {
		diag_add(
		    judge->lint->diags, SEVERITY_ERROR, place, "out of memory");
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		sorted[i] = set->ranges[i];
		if (is_wide(&sorted[i]))
			report_range(judge, &sorted[i]);
	}
	qsort(sorted, set->count, sizeof(*sorted), compare_ranges);
	judge_blocks(judge, sorted, set->count);
	free(sorted);
}

/* Who relays here without a login, by address and name or by certificate. */
static bool
is_reachable(enum principal_kind kind, bool by_certificate)
{
	switch (kind) {
	case PRINCIPAL_SERVERS:
	case PRINCIPAL_LEGACY_SERVERS:
	case PRINCIPAL_PARTNERS:
		return by_certificate;
	case PRINCIPAL_ANONYMOUS:
	case PRINCIPAL_EXTERNALLY_SECURED:
	case PRINCIPAL_HOST:
	case PRINCIPAL_HOST_BELOW:
		return !by_certificate;
	case PRINCIPAL_USERS:
	case PRINCIPAL_LOGIN:
	case PRINCIPAL_GROUP:
		break;
	}
	return false;
}

/* The setting that lets them: a grant, or who gets what groups give. */
static const char *
relay_setting(const struct connector *connector, bool by_certificate)
{
	const struct principals *right =
	    &connector->rights[RIGHT_ACCEPT_ANY_RECIPIENT];

	for (size_t i = 0; i < right->count; i++)
		if (!right->items[i].deny &&
		    is_reachable(right->items[i].kind, by_certificate))
			return "accept_any_recipient";
	return by_certificate ? "server_identities" : "permission_groups";
}

static bool
may_relay(const struct connector *connector, bool by_certificate)
{
	return identity_reachable_rights(connector, by_certificate) &
	    RIGHT_BIT(RIGHT_ACCEPT_ANY_RECIPIENT);
}

static struct place
ranges_place(const struct lint *lint, size_t index)
{
	const struct origin origin =
	    config_origin(lint->config, index, "remote_ip_ranges");

	return lint_place(lint, index, "remote_ip_ranges", &origin);
}

static void
report_open_relay(const struct judge *judge, const char *what)
{
	const struct lint *lint = judge->lint;
	const char *right = relay_setting(
	    &lint->settings[judge->index].connector, judge->by_certificate);
	const struct origin origin =
	    config_origin(lint->config, judge->index, right);
	const struct place place = ranges_place(lint, judge->index);
	char sentence[2 * WHAT_MAX];
	struct text out;

	text_init(&out, sentence, sizeof(sentence));
	text_printf(&out, "%s and may relay ", what);
	if (judge->by_certificate)
		text_put(&out,
		    "with any certificate; write accept_open_relay = yes and "
		    "list the certificates in the MTA (Postfix: "
		    "relay_clientcerts, permit_tls_clientcerts), or narrow it");
	else
		text_put(&out,
		    "without login; narrow it, or write accept_open_relay = "
		    "yes");
	lint_report_pair(
	    lint, SEVERITY_ERROR, &place, sentence, right, &origin);
}

/* The right to relay counts even where the one to submit is missing yet. */
static void
check_open_relay(const struct lint *lint, size_t index, bool by_certificate)
{
	const struct connector *connector = &lint->settings[index].connector;
	const struct judge judge = { lint, report_open_relay, index,
		by_certificate };
	const struct place place = ranges_place(lint, index);

	if (!connector->accept_open_relay &&
	    may_relay(connector, by_certificate))
		judge_ranges(&judge, &connector->remote_ip_ranges, &place);
}

static struct place
own_hosts_place(const struct lint *lint)
{
	return lint_global_place(lint, SECTION_ORGANIZATION, "own_hosts");
}

static void
report_own_hosts(const struct judge *judge, const char *what)
{
	const struct place place = own_hosts_place(judge->lint);

	diag_add(judge->lint->diags, SEVERITY_ERROR, &place,
	    "%s, and with address_literals = yes mail to any address there "
	    "is taken as ours; list the addresses of this server",
	    what);
}

static bool
any_takes_literals(const struct lint *lint)
{
	for (size_t i = 0; i < lint->config->connectors.count; i++)
		if (lint->settings[i].connector.address_literals)
			return true;
	return false;
}

/* With address_literals, a literal of any other host here is relay to it. */
void
lint_own_hosts(const struct lint *lint)
{
	const struct judge judge = { lint, report_own_hosts, 0, false };
	const struct place place = own_hosts_place(lint);

	if (any_takes_literals(lint))
		judge_ranges(&judge,
		    &lint->config->global.organization.own_hosts, &place);
}

/* Of two gates for relay one stands open. */
static void
check_monitor(const struct lint *lint, size_t index)
{
	const struct connector *connector = &lint->settings[index].connector;
	const bool by_certificate = !may_relay(connector, false);
	const char *right = relay_setting(connector, by_certificate);
	const struct origin mode = config_origin(lint->config, index, "mode");
	const struct origin origin = config_origin(lint->config, index, right);
	const struct place place = lint_place(lint, index, "mode", &mode);

	if (connector->mode == MODE_MONITOR &&
	    may_relay(connector, by_certificate))
		lint_report_pair(lint, SEVERITY_WARNING, &place,
		    "the milter refuses nothing in this mode, so the MTA's "
		    "relay guard alone decides who relays",
		    right, &origin);
}

void
lint_relay(const struct lint *lint, size_t index)
{
	if (!lint_can_judge(
		lint, index, "auth_mechanism", "permission_groups") ||
	    !lint_can_judge(
		lint, index, "accept_any_recipient", "accept_open_relay") ||
	    !lint_can_judge(lint, index, "server_identities", "mode"))
		return;
	check_open_relay(lint, index, false);
	check_open_relay(lint, index, true);
	check_monitor(lint, index);
}
