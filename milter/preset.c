/*
 * preset.c - what each usage presets.
 */
#include "preset.h"

#include <string.h>

enum usage {
	CUSTOM = USAGE_CUSTOM,
	INTERNET,
	CLIENT,
	INTERNAL,
	PARTNER,
	ANONYMOUS_RELAY,
	EXTERNALLY_SECURED,
	CLOSED,
};

/* clang-format off */
const struct choice preset_usages[] = {
	{ "internet", INTERNET },
	{ "client", CLIENT },
	{ "internal", INTERNAL },
	{ "partner", PARTNER },
	{ "anonymous_relay", ANONYMOUS_RELAY },
	{ "externally_secured", EXTERNALLY_SECURED },
	{ "closed", CLOSED },
	{ "custom", CUSTOM },
	{ NULL, 0 }
};

/* Peers that are servers come with many connections from one address. */
#define MANY_CONNECTIONS(usage) \
	{ usage, "max_inbound_connection_per_source", "unlimited", false }, \
	{ usage, "max_inbound_connection_percentage_per_source", "100", false }

const struct preset presets[] = {
	{ INTERNET, "permission_groups", "anonymous_users", false },
	{ INTERNET, "auth_mechanism", "tls", false },
	{ INTERNET, "accept_authoritative_domain_sender", "-anonymous", false },
	{ INTERNET, "check_header_from", "monitor", false },
	{ INTERNET, "recipient_filter", "yes", true },

	{ CLIENT, "permission_groups", "exchange_users", false },
	{ CLIENT, "auth_mechanism",
	    "tls, basic_auth, basic_auth_require_tls, integrated", false },

	{ INTERNAL, "permission_groups",
	    "exchange_servers, exchange_legacy_servers", false },
	{ INTERNAL, "auth_mechanism", "tls, exchange_server", false },
	MANY_CONNECTIONS(INTERNAL),

	{ PARTNER, "permission_groups", "partners", false },
	{ PARTNER, "auth_mechanism", "tls", false },
	{ PARTNER, "domain_secure_enabled", "yes", false },
	MANY_CONNECTIONS(PARTNER),

	{ ANONYMOUS_RELAY, "permission_groups", "anonymous_users", false },
	{ ANONYMOUS_RELAY, "auth_mechanism", "tls", false },
	{ ANONYMOUS_RELAY, "accept_any_recipient", "anonymous", false },

	{ EXTERNALLY_SECURED, "permission_groups", "exchange_servers", false },
	{ EXTERNALLY_SECURED, "auth_mechanism", "external_authoritative",
	    false },
	MANY_CONNECTIONS(EXTERNALLY_SECURED),

	{ CLOSED, "permission_groups", "none", false },
	{ CLOSED, "auth_mechanism", "tls", false },
};
/* clang-format on */

const size_t preset_count = nitems(presets);

const char *
preset_value(unsigned usage, const char *setting, bool has_directory)
{
	for (size_t i = 0; i < preset_count; i++)
		if (presets[i].usage == usage &&
		    strcmp(presets[i].setting, setting) == 0 &&
		    (has_directory || !presets[i].with_directory))
			return presets[i].value;
	return NULL;
}
