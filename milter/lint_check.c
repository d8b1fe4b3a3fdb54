/*
 * lint_check.c - what a setting cannot mean beside another, one row each.
 */
#include "lint_parts.h"

#include "text.h"

#define AUTH(settings) ((settings)->connector.auth_mechanism)
#define GROUPS(settings) ((settings)->connector.permission_groups)
#define HERE SECTION_CONNECTOR

static bool
basic_without_tls(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	const unsigned needed = AUTH_BASIC | AUTH_TLS;

	return (AUTH(settings) & AUTH_BASIC_REQUIRE_TLS) &&
	    (AUTH(settings) & needed) != needed;
}

static bool
external_with_others(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	const unsigned allowed = AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS;

	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    (AUTH(settings) & ~allowed) != 0;
}

static bool
external_without_servers(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    !(GROUPS(settings) & GROUP_EXCHANGE_SERVERS);
}

static bool
required_tls_not_offered(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.require_tls && !(AUTH(settings) & AUTH_TLS);
}

static bool
domain_secure_without_tls(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.domain_secure_enabled &&
	    (!(AUTH(settings) & AUTH_TLS) ||
		(AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE));
}

static bool
binary_without_chunking(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->binary_mime_enabled && !settings->chunking_enabled;
}

static bool
silence_too_long(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.connection_inactivity_timeout >=
	    settings->connector.connection_timeout;
}

static bool
grants(const struct principals *right, enum principal_kind kind)
{
	for (size_t i = 0; i < right->count; i++)
		if (right->items[i].kind == kind && !right->items[i].deny)
			return true;
	return false;
}

static bool
two_ways_of_relay(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    grants(&settings->connector.rights[RIGHT_ACCEPT_ANY_RECIPIENT],
		PRINCIPAL_ANONYMOUS);
}

static bool
version_without_tls(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.tls_min_version != TLS_OFF &&
	    !settings->connector.require_tls;
}

static bool
has_directory(const struct lint *lint)
{
	return config_has_directory(lint->config);
}

static bool
has_certificate(const struct server_identities *servers)
{
	for (size_t i = 0; i < servers->count; i++)
		if (servers->items[i].certificate)
			return true;
	return false;
}

static bool
capability_without_tls(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.tls_domain_capabilities.count > 0 &&
	    !(AUTH(settings) & AUTH_TLS);
}

static bool
certificate_without_tls(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return has_certificate(&settings->connector.server_identities) &&
	    !(AUTH(settings) & AUTH_TLS);
}

static bool
servers_unasked(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.server_identities.count > 0 &&
	    !(AUTH(settings) & AUTH_EXCHANGE_SERVER);
}

static bool
servers_unnamed(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXCHANGE_SERVER) &&
	    settings->connector.server_identities.count == 0;
}

static bool
grants_any(const struct principals *right)
{
	for (size_t i = 0; i < right->count; i++)
		if (!right->items[i].deny)
			return true;
	return false;
}

static bool
servers_silent(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return (AUTH(settings) & AUTH_EXCHANGE_SERVER) &&
	    settings->connector.server_identities.count > 0 &&
	    !(GROUPS(settings) &
		(GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS)) &&
	    !grants_any(&settings->connector.rights[RIGHT_SUBMIT]);
}

static bool
partners_unnamed(
    const struct lint *lint, const struct connector_settings *settings)
{
	const struct organization *organization =
	    &lint->config->global.organization;

	return settings->connector.domain_secure_enabled &&
	    !domain_secure_without_tls(lint, settings) &&
	    organization->tls_receive_domain_secure_list.count == 0;
}

static bool
partners_silent(
    const struct lint *lint, const struct connector_settings *settings)
{
	return settings->connector.domain_secure_enabled &&
	    !domain_secure_without_tls(lint, settings) &&
	    !partners_unnamed(lint, settings) &&
	    !(GROUPS(settings) & GROUP_PARTNERS) &&
	    !grants_any(&settings->connector.rights[RIGHT_SUBMIT]);
}

/* The three lists are one here. */
static bool
default_domain_foreign(
    const struct lint *lint, const struct connector_settings *settings)
{
	const char *domain = settings->connector.default_domain;

	/* Without memory it is NULL. */
	return domain != NULL && domain[0] != '\0' &&
	    !organization_accepts(&lint->config->global.organization, domain) &&
	    !lint_global_lost(
		lint, SECTION_ORGANIZATION, "internal_relay_domains") &&
	    !lint_global_lost(
		lint, SECTION_ORGANIZATION, "external_relay_domains");
}

static bool
filter_without_directory(
    const struct lint *lint, const struct connector_settings *settings)
{
	return settings->connector.recipient_filter && !has_directory(lint);
}

static bool
names_without_directory(
    const struct lint *lint, const struct connector_settings *settings)
{
	return settings->connector.resolve_anonymous_senders != RESOLVE_NO &&
	    !has_directory(lint);
}

static bool
literals_without_hosts(
    const struct lint *lint, const struct connector_settings *settings)
{
	return settings->connector.address_literals &&
	    lint->config->global.organization.own_hosts.count == 0;
}

/* Can a session that nobody vouches for send here at all? */
static bool
strangers_may_send(const struct connector_settings *settings)
{
	return !(AUTH(settings) & AUTH_EXTERNAL_AUTHORITATIVE) &&
	    (identity_reachable_rights(&settings->connector, false) &
		RIGHT_BIT(RIGHT_SUBMIT));
}

static bool
senders_of_nobody(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.allowed_senders.count > 0 &&
	    !strangers_may_send(settings);
}

static bool
names_of_nobody(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.resolve_anonymous_senders != RESOLVE_NO &&
	    !strangers_may_send(settings);
}

static bool
exemption_from_nothing(
    const struct lint *lint UNUSED, const struct connector_settings *settings)
{
	return settings->connector.header_from_exempt.count > 0 &&
	    settings->connector.check_header_from == HEADER_CHECK_NO;
}

static bool
log_without_folder(
    const struct lint *lint, const struct connector_settings *settings)
{
	/* Without memory it is NULL. */
	const char *directory = lint->config->global.protocol_log.directory;

	return settings->connector.protocol_logging_level != LOGGING_NONE &&
	    directory != NULL && directory[0] == '\0';
}

/* The errors are what Exchange's Set-ReceiveConnector refuses as well. */
/* clang-format off */
#define ROW(level, setting, predicate) .severity = SEVERITY_##level, \
	.first = setting, .wrong = predicate
#define BESIDE(setting) .second = setting, .where = HERE
#define GLOBAL(section, setting) .second = setting, \
	.where = SECTION_##section

const struct lint_check lint_checks[] = {
	{ ROW(ERROR, "auth_mechanism", basic_without_tls),
	    .where = HERE,
	    .sentence = "basic_auth_require_tls needs basic_auth and tls "
	    "beside it; add them, or remove it" },
	{ ROW(ERROR, "auth_mechanism", external_with_others),
	    .where = HERE,
	    .sentence = "external_authoritative stands alone or with tls; "
	    "remove the others, or it" },
	{ ROW(ERROR, "auth_mechanism", external_without_servers),
	    BESIDE("permission_groups"),
	    .sentence = "external_authoritative needs exchange_servers in "
	    "permission_groups" },
	{ ROW(ERROR, "require_tls", required_tls_not_offered),
	    BESIDE("auth_mechanism"),
	    .sentence = "require_tls needs tls in auth_mechanism" },
	{ ROW(ERROR, "domain_secure_enabled", domain_secure_without_tls),
	    BESIDE("auth_mechanism"),
	    .sentence = "domain_secure_enabled needs tls in auth_mechanism and "
	    "forbids external_authoritative there" },
	{ ROW(ERROR, "tls_domain_capabilities", capability_without_tls),
	    BESIDE("auth_mechanism"),
	    .sentence = "tls_domain_capabilities needs tls in auth_mechanism" },
	{ ROW(ERROR, "server_identities", certificate_without_tls),
	    BESIDE("auth_mechanism"),
	    .sentence = "an identity by certificate needs tls in "
	    "auth_mechanism" },
	{ ROW(ERROR, "binary_mime_enabled", binary_without_chunking),
	    BESIDE("chunking_enabled"),
	    .sentence = "binary_mime_enabled needs chunking_enabled" },
	{ ROW(ERROR, "connection_inactivity_timeout", silence_too_long),
	    BESIDE("connection_timeout"),
	    .sentence = "connection_inactivity_timeout has to be less than "
	    "connection_timeout" },
	{ ROW(ERROR, "default_domain", default_domain_foreign),
	    GLOBAL(ORGANIZATION, "accepted_domains"),
	    .sentence = "default_domain has to be one of our domains; add it "
	    "to accepted_domains" },
	{ ROW(ERROR, "recipient_filter", filter_without_directory),
	    GLOBAL(DIRECTORY, "recipients"),
	    .sentence = "recipient_filter needs a directory; name its file by "
	    "recipients in [directory]" },
	{ ROW(WARNING, "accept_any_recipient", two_ways_of_relay),
	    BESIDE("auth_mechanism"),
	    .sentence = "relay for anonymous and external_authoritative are "
	    "two ways to the same end; choose one" },
	{ ROW(WARNING, "tls_min_version", version_without_tls),
	    BESIDE("require_tls"), .own_only = true,
	    .sentence = "tls_min_version does nothing without require_tls" },
	{ ROW(WARNING, "server_identities", servers_unasked),
	    BESIDE("auth_mechanism"), .own_only = true,
	    .sentence = "server_identities does nothing without "
	    "exchange_server in auth_mechanism" },
	{ ROW(WARNING, "auth_mechanism", servers_unnamed),
	    BESIDE("server_identities"),
	    .sentence = "nobody is a server here; add server_identities" },
	{ ROW(WARNING, "server_identities", servers_silent),
	    BESIDE("permission_groups"),
	    .sentence = "servers may not send here; add exchange_servers to "
	    "permission_groups",
	    .also = { "auth_mechanism", "submit" } },
	{ ROW(WARNING, "domain_secure_enabled", partners_unnamed),
	    GLOBAL(ORGANIZATION, "tls_receive_domain_secure_list"),
	    .sentence = "nobody is a partner here; add "
	    "tls_receive_domain_secure_list to [organization]" },
	{ ROW(WARNING, "domain_secure_enabled", partners_silent),
	    BESIDE("permission_groups"),
	    .sentence = "partners may not send here; add partners to "
	    "permission_groups",
	    .also = { "submit" } },
	{ ROW(WARNING, "allowed_senders", senders_of_nobody),
	    BESIDE("permission_groups"), .own_only = true,
	    .sentence = "allowed_senders does nothing where no anonymous "
	    "session may send",
	    .also = { "auth_mechanism", "submit" } },
	{ ROW(WARNING, "resolve_anonymous_senders", names_of_nobody),
	    BESIDE("permission_groups"), .own_only = true,
	    .sentence = "resolve_anonymous_senders does nothing where no "
	    "anonymous session may send",
	    .also = { "auth_mechanism", "submit" } },
	{ ROW(WARNING, "resolve_anonymous_senders", names_without_directory),
	    GLOBAL(DIRECTORY, "recipients"),
	    .sentence = "resolve_anonymous_senders does nothing without a "
	    "directory; name its file by recipients in [directory]" },
	{ ROW(WARNING, "header_from_exempt", exemption_from_nothing),
	    BESIDE("check_header_from"), .own_only = true,
	    .sentence = "header_from_exempt does nothing where no header From "
	    "is judged" },
	{ ROW(WARNING, "protocol_logging_level", log_without_folder),
	    GLOBAL(PROTOCOL_LOG, "directory"),
	    .sentence = "protocol_logging_level does nothing without a "
	    "protocol log; name its folder by directory in [protocol_log]" },
	{ ROW(WARNING, "address_literals", literals_without_hosts),
	    GLOBAL(ORGANIZATION, "own_hosts"),
	    .sentence = "address_literals does nothing without own_hosts in "
	    "[organization]" },
};
/* clang-format on */

const size_t lint_check_count = nitems(lint_checks);
