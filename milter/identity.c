/*
 * identity.c - who a session is.
 */
#include "identity.h"

#include <string.h>

#include "connector.h"
#include "text.h"

/* clang-format off */
static const char *const identities[IDENTITY_COUNT] = {
	[IDENTITY_ANONYMOUS] = "anonymous",
	[IDENTITY_PARTNER] = "partner",
	[IDENTITY_USER] = "user",
	[IDENTITY_SERVER] = "server",
	[IDENTITY_EXTERNALLY_SECURED] = "externally_secured",
};
/* clang-format on */

const char *
identity_name(enum identity identity)
{
	return identities[identity];
}

int
login_compare(const void *a, const void *b)
{
	return text_casecmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_logged_in(const struct facts *facts)
{
	return facts->mechanism != MECHANISM_NONE && facts->login != NULL;
}

bool
identity_login_is_server(
    const struct connector *connector, const struct facts *facts)
{
	const struct server_identities *servers = &connector->server_identities;

	if (!is_logged_in(facts))
		return false;
	for (size_t i = 0; i < servers->count; i++)
		if (!servers->items[i].certificate &&
		    text_casecmp(servers->items[i].name, facts->login) == 0)
			return true;
	return false;
}

static bool
certificate_is_server(
    const struct connector *connector, const struct facts *facts)
{
	const struct server_identities *servers = &connector->server_identities;
	const char *name = facts_certified(facts);

	if (name == NULL)
		return false;
	for (size_t i = 0; i < servers->count; i++)
		if (servers->items[i].certificate &&
		    strcmp(servers->items[i].name, name) == 0)
			return true;
	return false;
}

static bool
is_server(const struct connector *connector, const struct facts *facts)
{
	return (connector->auth_mechanism & AUTH_EXCHANGE_SERVER) &&
	    (identity_login_is_server(connector, facts) ||
		certificate_is_server(connector, facts));
}

/* The longest secure domain that the certificate lies in, or NULL. */
static const char *
proven_domain(const struct organization *organization,
    const struct connector *connector, const struct facts *facts)
{
	const char *certificate = facts_certified(facts);
	const struct domain_set *secure;
	const char *longest = NULL;

	if (!connector->domain_secure_enabled || certificate == NULL ||
	    organization == NULL)
		return NULL;
	secure = &organization->tls_receive_domain_secure_list;
	for (size_t i = 0; i < secure->count; i++) {
		const char *name = secure->patterns[i].name;

		if (!secure->patterns[i].below &&
		    domain_is_within(certificate, name) &&
		    (longest == NULL || strlen(name) > strlen(longest)))
			longest = name;
	}
	return longest;
}

enum identity
identity_of(const struct organization *organization,
    const struct connector *connector, const struct facts *facts,
    const char **proven)
{
	*proven = NULL;
	if ((connector->auth_mechanism & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    (connector->permission_groups & GROUP_EXCHANGE_SERVERS))
		return IDENTITY_EXTERNALLY_SECURED;
	if (is_server(connector, facts))
		return IDENTITY_SERVER;
	if (facts->mechanism != MECHANISM_NONE)
		return IDENTITY_USER;
	*proven = proven_domain(organization, connector, facts);
	return *proven != NULL ? IDENTITY_PARTNER : IDENTITY_ANONYMOUS;
}

bool
identity_is_internal(enum identity identity, const struct facts *facts)
{
	return identity == IDENTITY_USER ||
	    identity == IDENTITY_EXTERNALLY_SECURED ||
	    (identity == IDENTITY_SERVER && !facts->auth_null);
}

const char *
identity_auth_as(
    enum identity identity, struct rights rights, const struct facts *facts)
{
	if (identity == IDENTITY_PARTNER)
		return "Partner";
	if (!identity_is_internal(identity, facts))
		return "Anonymous";
	/* Without the right a server's word for its mail is not taken. */
	if (identity == IDENTITY_SERVER &&
	    rights_have(rights, RIGHT_ACCEPT_AUTHENTICATION_FLAG) != ANSWER_YES)
		return "Anonymous";
	return "Internal";
}
