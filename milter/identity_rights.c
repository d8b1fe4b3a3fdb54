/*
 * identity_rights.c - the rights that an identity has on a connector.
 */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "connector.h"
#include "text.h"

/* clang-format off */
static const char *const right_names[RIGHT_COUNT] = {
	[RIGHT_ACCEPT_ANY_RECIPIENT] = "accept_any_recipient",
	[RIGHT_ACCEPT_ANY_SENDER] = "accept_any_sender",
	[RIGHT_ACCEPT_AUTHENTICATION_FLAG] = "accept_authentication_flag",
	[RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER] =
	    "accept_authoritative_domain_sender",
	[RIGHT_ACCEPT_HEADERS_FOREST] = "accept_headers_forest",
	[RIGHT_ACCEPT_HEADERS_ORGANIZATION] = "accept_headers_organization",
	[RIGHT_ACCEPT_HEADERS_ROUTING] = "accept_headers_routing",
	[RIGHT_BYPASS_ANTI_SPAM] = "bypass_anti_spam",
	[RIGHT_BYPASS_MESSAGE_SIZE_LIMIT] = "bypass_message_size_limit",
	[RIGHT_SUBMIT] = "submit",
};

#define BIT(right) RIGHT_BIT(RIGHT_##right)
#define EXTERNAL_RIGHTS \
	(BIT(SUBMIT) | BIT(ACCEPT_ANY_RECIPIENT) | BIT(ACCEPT_ANY_SENDER) | \
	BIT(ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) | \
	BIT(ACCEPT_AUTHENTICATION_FLAG) | BIT(BYPASS_ANTI_SPAM) | \
	BIT(BYPASS_MESSAGE_SIZE_LIMIT) | BIT(ACCEPT_HEADERS_ROUTING))

/* What a permission group gives: the table of Exchange 2016 and 2019. */
static const struct {
	enum permission_group group;
	enum identity identity;
	unsigned rights;
} group_rights[] = {
	{ GROUP_ANONYMOUS_USERS, IDENTITY_ANONYMOUS,
	    BIT(SUBMIT) | BIT(ACCEPT_ANY_SENDER) |
	    BIT(ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) |
	    BIT(ACCEPT_HEADERS_ROUTING) },
	{ GROUP_EXCHANGE_USERS, IDENTITY_USER,
	    BIT(SUBMIT) | BIT(ACCEPT_ANY_RECIPIENT) | BIT(BYPASS_ANTI_SPAM) |
	    BIT(ACCEPT_HEADERS_ROUTING) },
	{ GROUP_EXCHANGE_SERVERS, IDENTITY_SERVER,
	    EXTERNAL_RIGHTS | BIT(ACCEPT_HEADERS_ORGANIZATION) |
	    BIT(ACCEPT_HEADERS_FOREST) },
	{ GROUP_EXCHANGE_SERVERS, IDENTITY_EXTERNALLY_SECURED,
	    EXTERNAL_RIGHTS },
	{ GROUP_EXCHANGE_LEGACY_SERVERS, IDENTITY_SERVER, EXTERNAL_RIGHTS },
	{ GROUP_PARTNERS, IDENTITY_PARTNER,
	    BIT(SUBMIT) | BIT(ACCEPT_HEADERS_ROUTING) },
};

/* The principals that an identity holds by itself. */
static const struct {
	enum principal_kind principal;
	enum identity identity;
} own_principals[] = {
	{ PRINCIPAL_ANONYMOUS, IDENTITY_ANONYMOUS },
	{ PRINCIPAL_PARTNERS, IDENTITY_PARTNER },
	{ PRINCIPAL_USERS, IDENTITY_USER },
	{ PRINCIPAL_SERVERS, IDENTITY_SERVER },
	{ PRINCIPAL_LEGACY_SERVERS, IDENTITY_SERVER },
	{ PRINCIPAL_EXTERNALLY_SECURED, IDENTITY_EXTERNALLY_SECURED },
};
/* clang-format on */

const char *
right_name(enum right right)
{
	return right_names[right];
}

enum answer
rights_have(struct rights rights, enum right right)
{
	const unsigned bit = RIGHT_BIT(right);

	if (rights.unknown & bit)
		return ANSWER_UNKNOWN;
	return rights.held & bit ? ANSWER_YES : ANSWER_NO;
}

static unsigned
rights_by_groups(unsigned groups, enum identity identity)
{
	unsigned rights = 0;

	for (size_t i = 0; i < nitems(group_rights); i++)
		if ((groups & group_rights[i].group) &&
		    group_rights[i].identity == identity)
			rights |= group_rights[i].rights;
	return rights;
}

static bool
identity_is(enum principal_kind principal, enum identity identity)
{
	for (size_t i = 0; i < nitems(own_principals); i++)
		if (own_principals[i].principal == principal &&
		    own_principals[i].identity == identity)
			return true;
	return false;
}

static bool
group_has(const struct login_group *group, const char *login)
{
	return group->count > 0 &&
	    bsearch(&login, group->members, group->count,
		sizeof(*group->members), login_compare) != NULL;
}

/* Does a session with this identity and these facts hold the principal? */
static enum answer
session_holds(const struct principal *principal, enum identity identity,
    const struct facts *facts)
{
	const bool logged_in = facts->mechanism != MECHANISM_NONE;
	bool held = false;

	switch (principal->kind) {
	case PRINCIPAL_ANONYMOUS:
	case PRINCIPAL_USERS:
	case PRINCIPAL_SERVERS:
	case PRINCIPAL_LEGACY_SERVERS:
	case PRINCIPAL_PARTNERS:
	case PRINCIPAL_EXTERNALLY_SECURED:
		held = identity_is(principal->kind, identity);
		break;
	case PRINCIPAL_LOGIN:
		held = logged_in &&
		    text_casecmp(facts->login, principal->name) == 0;
		break;
	case PRINCIPAL_GROUP:
		held = logged_in && group_has(principal->group, facts->login);
		break;
	case PRINCIPAL_HOST:
		return facts_client_is(facts, principal->name, true, true);
	case PRINCIPAL_HOST_BELOW:
		return facts_client_is(facts, principal->name, false, true);
	}
	return held ? ANSWER_YES : ANSWER_NO;
}

/* The strongest answer among the grants, or among the denials, of a list. */
static enum answer
list_holds(const struct principals *list, bool deny, enum identity identity,
    const struct facts *facts)
{
	enum answer strongest = ANSWER_NO;

	for (size_t i = 0; i < list->count; i++) {
		enum answer held;

		if (list->items[i].deny != deny)
			continue;
		held = session_holds(&list->items[i], identity, facts);
		if (held == ANSWER_YES)
			return ANSWER_YES;
		if (held == ANSWER_UNKNOWN)
			strongest = ANSWER_UNKNOWN;
	}
	return strongest;
}

static enum answer
right_holds(const struct principals *list, bool by_group,
    enum identity identity, const struct facts *facts)
{
	const enum answer denied = list_holds(list, true, identity, facts);
	const enum answer granted =
	    by_group ? ANSWER_YES : list_holds(list, false, identity, facts);

	if (denied == ANSWER_YES || granted == ANSWER_NO)
		return ANSWER_NO;
	return denied == ANSWER_UNKNOWN ? ANSWER_UNKNOWN : granted;
}

struct rights
identity_rights(const struct connector *connector, enum identity identity,
    const struct facts *facts)
{
	const unsigned by_group =
	    rights_by_groups(connector->permission_groups, identity);
	struct rights rights = { (uint16_t)by_group, 0 };

	for (unsigned right = 0; right < RIGHT_COUNT; right++) {
		const uint16_t bit = (uint16_t)RIGHT_BIT(right);
		enum answer holds;

		/* Most connectors say nothing beyond their groups. */
		if (connector->rights[right].count == 0)
			continue;
		rights.held &= (uint16_t)~bit;
		holds = right_holds(&connector->rights[right],
		    (by_group & bit) != 0, identity, facts);
		if (holds == ANSWER_YES)
			rights.held |= bit;
		else if (holds == ANSWER_UNKNOWN)
			rights.unknown |= bit;
	}
	return rights;
}

/* Is it granted to the identity, or to any host, and not denied to it? */
static bool
reachable(const struct principals *list, bool by_group, bool hosts,
    enum identity identity)
{
	bool granted = by_group;

	for (size_t i = 0; i < list->count; i++) {
		const struct principal *principal = &list->items[i];
		const bool own = identity_is(principal->kind, identity);
		const bool host = principal->kind == PRINCIPAL_HOST ||
		    principal->kind == PRINCIPAL_HOST_BELOW;

		if (principal->deny && own)
			return false;
		if (!principal->deny && (own || (hosts && host)))
			granted = true;
	}
	return granted;
}

static uint16_t
reachable_by(const struct connector *connector, unsigned by_group,
    enum identity identity)
{
	const bool hosts = identity == IDENTITY_ANONYMOUS ||
	    identity == IDENTITY_EXTERNALLY_SECURED;
	uint16_t rights = 0;

	for (unsigned right = 0; right < RIGHT_COUNT; right++)
		if (reachable(&connector->rights[right],
			(by_group & RIGHT_BIT(right)) != 0, hosts, identity))
			rights |= (uint16_t)RIGHT_BIT(right);
	return rights;
}

/* Can a certificate make anybody a server here? */
static bool
servers_by_certificate(const struct connector *connector)
{
	const struct server_identities *servers = &connector->server_identities;

	if (!(connector->auth_mechanism & AUTH_EXCHANGE_SERVER))
		return false;
	for (size_t i = 0; i < servers->count; i++)
		if (servers->items[i].certificate)
			return true;
	return false;
}

bool
identity_by_certificate(const struct connector *connector)
{
	return connector->domain_secure_enabled ||
	    servers_by_certificate(connector);
}

/*
 * Relay that a group gives to servers counts only where a certificate can make
 * one; an explicit grant always does.
 */
static uint16_t
reachable_by_certificate(const struct connector *connector)
{
	const unsigned groups = connector->permission_groups;
	unsigned server = rights_by_groups(groups, IDENTITY_SERVER);

	if (!servers_by_certificate(connector))
		server &= ~BIT(ACCEPT_ANY_RECIPIENT);
	return reachable_by(connector, server, IDENTITY_SERVER) |
	    reachable_by(connector, rights_by_groups(groups, IDENTITY_PARTNER),
		IDENTITY_PARTNER);
}

uint16_t
identity_reachable_rights(
    const struct connector *connector, bool by_certificate)
{
	/* Nobody logged in: the identity is the connector's to decide. */
	static const struct facts stranger = { .mechanism = MECHANISM_NONE };
	const char *proven;
	const enum identity identity =
	    identity_of(NULL, connector, &stranger, &proven);

	if (by_certificate)
		return reachable_by_certificate(connector);
	return reachable_by(connector,
	    rights_by_groups(connector->permission_groups, identity), identity);
}
