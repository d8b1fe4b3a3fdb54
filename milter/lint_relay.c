/*
 * lint_relay.c - where nobody but the address or a certificate decides who
 * relays.
 */
#include "lint_parts.h"

#include "text.h"

/* A wider range may relay only where accept_open_relay says so. */
#define RELAY_PREFIX4 16
#define RELAY_PREFIX6 48

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

static void
report_open_relay(const struct lint *lint, size_t index, bool by_certificate,
    const struct range *range)
{
	const char *right =
	    relay_setting(&lint->settings[index].connector, by_certificate);
	const struct origin ranges =
	    config_origin(lint->config, index, "remote_ip_ranges");
	const struct origin origin = config_origin(lint->config, index, right);
	const struct place place =
	    lint_place(lint, index, "remote_ip_ranges", &ranges);
	char sentence[512], quoted[DIAG_QUOTE_MAX];
	struct text out;

	text_init(&out, sentence, sizeof(sentence));
	text_printf(&out, "%s is wider than /%d and may relay ",
	    diag_quote(quoted, range->text),
	    range->family == ADDR_IPV4 ? RELAY_PREFIX4 : RELAY_PREFIX6);
	if (by_certificate)
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
	const struct addrset *ranges = &connector->remote_ip_ranges;

	if (connector->accept_open_relay ||
	    !may_relay(connector, by_certificate))
		return;
	for (size_t i = 0; i < ranges->count; i++)
		if (range_wider_than(
			&ranges->ranges[i], RELAY_PREFIX4, RELAY_PREFIX6))
			report_open_relay(
			    lint, index, by_certificate, &ranges->ranges[i]);
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
