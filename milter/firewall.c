/*
 * firewall.c - one table: which fields are kept by which right.
 */
#include "firewall.h"

#include <string.h>

#include "text.h"

/* clang-format off */
static const struct {
	const char *name;
	bool whole; /* the name, else a beginning of names */
	bool cloud; /* a certificate of tls_domain_capabilities keeps it too */
	enum right right;
} guarded[] = {
	{ "X-MS-Exchange-Organization-", false, false,
	    RIGHT_ACCEPT_HEADERS_ORGANIZATION },
	{ "X-MS-Exchange-Forest-", false, false,
	    RIGHT_ACCEPT_HEADERS_FOREST },
	{ "X-MS-Exchange-CrossPremises-", false, true,
	    RIGHT_ACCEPT_HEADERS_ORGANIZATION },
	{ "Received", true, false, RIGHT_ACCEPT_HEADERS_ROUTING },
	{ "Resent-", false, false, RIGHT_ACCEPT_HEADERS_ROUTING },
};
/* clang-format on */

/* A prefix that is missing or empty is the beginning of nothing. */
static bool
begins(const char *name, size_t len, const char *prefix)
{
	const size_t wanted = prefix != NULL ? strlen(prefix) : 0;

	return wanted > 0 && len >= wanted &&
	    text_ncasecmp(name, prefix, wanted) == 0;
}

static bool
may(const struct judged *judged, enum right right)
{
	return rights_have(judged->rights, right) == ANSWER_YES;
}

/* AcceptCloudServicesMail: does the certificate give it? */
static bool
is_cloud(const struct judged *judged)
{
	const struct capabilities *trusted =
	    &judged->connector->tls_domain_capabilities;
	const char *certificate = facts_certified(judged->facts);

	if (certificate == NULL)
		return false;
	for (size_t i = 0; i < trusted->count; i++)
		if (domain_is_within(certificate, trusted->items[i].domain))
			return true;
	return false;
}

static bool
is_protected(const struct connector *connector, const char *name, size_t len)
{
	const struct field_prefixes *prefixes = &connector->protected_headers;

	for (size_t i = 0; i < prefixes->count; i++)
		if (begins(name, len, prefixes->items[i]))
			return true;
	return false;
}

size_t
firewall_name_length(const char *name)
{
	size_t len = strlen(name);

	while (len > 0 && text_is_blank(name[len - 1]))
		len--;
	return len;
}

bool
firewall_strips(const struct judged *judged, const char *name)
{
	const size_t len = firewall_name_length(name);

	if (begins(name, len, judged->policy->stamp_prefix))
		return true;
	for (size_t i = 0; i < nitems(guarded); i++)
		if (begins(name, len, guarded[i].name) &&
		    (!guarded[i].whole || len == strlen(guarded[i].name)) &&
		    !may(judged, guarded[i].right) &&
		    !(guarded[i].cloud && is_cloud(judged)))
			return true;
	return is_protected(judged->connector, name, len) &&
	    !may(judged, RIGHT_ACCEPT_HEADERS_ORGANIZATION);
}
