/*
 * connector.c - questions about one connector and about our own domains.
 */
#include "connector.h"

bool
organization_accepts(
    const struct organization *organization, const char *domain)
{
	return domain_set_contains(&organization->accepted_domains, domain) ||
	    domain_set_contains(
		&organization->internal_relay_domains, domain) ||
	    domain_set_contains(&organization->external_relay_domains, domain);
}

bool
organization_owns(const struct organization *organization, const char *domain)
{
	if (organization->own_domains == OWN_ACCEPTED)
		return organization_accepts(organization, domain);
	return domain_set_contains(&organization->accepted_domains, domain);
}

bool
connector_is_live(const struct connector *connector)
{
	return connector->enabled && !connector->expired;
}
