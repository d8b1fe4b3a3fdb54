/*
 * connector.h - one receive connector, and the organization around it, as the
 * plain values that rules read.
 *
 * Filled by the configuration at load (floor 3), constant from then on and
 * shared by all threads; memory belongs to the snapshot's arena. Names and
 * meanings are those of Exchange's Set-ReceiveConnector.
 */
#ifndef CONNECTOR_H
#define CONNECTOR_H

#include <stdint.h>

#include "addrset.h"
#include "facts.h"
#include "identity.h"
#include "reply.h"

/* AuthMechanism, as bits. None at all is "none". */
enum auth_mechanism {
	AUTH_TLS = 1,
	AUTH_INTEGRATED = 2,
	AUTH_BASIC = 4,
	AUTH_BASIC_REQUIRE_TLS = 8,
	AUTH_EXCHANGE_SERVER = 16,
	AUTH_EXTERNAL_AUTHORITATIVE = 32,
};

struct bindings {
	const struct endpoint *endpoints;
	size_t count;
};

struct connector {
	/* selection */
	const char *name; /* as written */
	bool enabled;
	bool expired; /* decided when the snapshot was built */
	struct bindings bindings;
	struct addrset remote_ip_ranges;
	/* authentication */
	unsigned auth_mechanism;    /* enum auth_mechanism */
	unsigned permission_groups; /* enum permission_group */
	bool require_tls;
	enum tls_version tls_min_version; /* TLS_OFF: any */
	/* rights beyond the groups, by enum right */
	struct principals rights[RIGHT_COUNT];
	bool accept_open_relay;
	/* relay */
	struct mailbox_patterns relay_to;
	struct mailbox_patterns relay_from;
};

enum own_domains { OWN_AUTHORITATIVE, OWN_ACCEPTED };

struct organization {
	struct domain_set accepted_domains; /* authoritative */
	struct domain_set internal_relay_domains;
	struct domain_set external_relay_domains;
	enum own_domains own_domains;
};

/* Everything a decision reads: one loaded configuration. */
struct policy {
	struct organization organization;
	enum reply_style reply_style;
	bool identify_connector;
	const struct connector *connectors;
	size_t connector_count;
	const struct login_group *groups;
	size_t group_count;
	const struct space *space;
};

/* Is the canonical domain one of the three lists of accepted domains? */
bool organization_accepts(
    const struct organization *organization, const char *domain);

/* Is it one of our own, in the sense of own_domains? */
bool organization_owns(
    const struct organization *organization, const char *domain);

/* Takes part in selection: enabled and not expired. */
bool connector_is_live(const struct connector *connector);

#endif
