/*
 * connector.c - questions about one connector and about our own domains.
 */
#include "connector.h"

#include <string.h>

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
organization_is_own_literal(
    const struct organization *organization, const struct mailbox *mailbox)
{
	const char *literal = mailbox->domain;
	const size_t len = strlen(literal);
	char text[DOMAIN_MAX + 1];
	struct addr addr;

	if (mailbox->kind != MAILBOX_LITERAL || len < 2 || literal[0] != '[' ||
	    literal[len - 1] != ']')
		return false;
	memcpy(text, literal + 1, len - 2);
	text[len - 2] = '\0';
	return addr_parse_macro(&addr, text) == 0 &&
	    addrset_contains(&organization->own_hosts, &addr);
}

bool
organization_has_mailbox(const struct organization *organization,
    const struct connector *connector, const struct mailbox *mailbox)
{
	if (mailbox->kind == MAILBOX_DOMAIN)
		return organization_accepts(organization, mailbox->domain);
	return connector->address_literals &&
	    organization_is_own_literal(organization, mailbox);
}

bool
organization_looks_up(
    const struct organization *organization, const char *domain)
{
	const struct domain_set *chosen = &organization->recipient_domains;

	if (chosen->count == 0)
		chosen = &organization->accepted_domains;
	return domain_set_contains(chosen, domain);
}

bool
connector_is_live(const struct connector *connector)
{
	return connector->enabled && !connector->expired;
}
