/*
 * facts.c - the words of both MTAs turned into facts.
 */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* clang-format off */
static const char *const stages[STAGE_COUNT] = {
	[STAGE_CONNECT] = "connect",
	[STAGE_HELO] = "helo",
	[STAGE_MAIL] = "mail",
	[STAGE_RCPT] = "rcpt",
	[STAGE_EOM] = "eom",
};

static const struct {
	const char *name;
	enum tls_version version;
} tls_versions[] = {
	{ "TLSv1", TLS_1_0 },
	{ "TLSv1.0", TLS_1_0 },
	{ "TLSv1.1", TLS_1_1 },
	{ "TLSv1.2", TLS_1_2 },
	{ "TLSv1.3", TLS_1_3 },
};

/* Names as SASL spells them; a trailing '*' stands for the rest. */
static const struct {
	const char *name;
	enum mechanism mechanism;
} mechanisms[] = {
	{ "PLAIN", MECHANISM_BASIC },
	{ "LOGIN", MECHANISM_BASIC },
	{ "XOAUTH2", MECHANISM_BASIC },
	{ "OAUTHBEARER", MECHANISM_BASIC },
	{ "NTLM", MECHANISM_INTEGRATED },
	{ "GSSAPI", MECHANISM_INTEGRATED },
	{ "GSS-SPNEGO", MECHANISM_INTEGRATED },
	{ "CRAM-MD5", MECHANISM_INTEGRATED },
	{ "DIGEST-MD5", MECHANISM_INTEGRATED },
	{ "SCRAM-*", MECHANISM_INTEGRATED },
	{ "XCLIENT", MECHANISM_XCLIENT },
	{ "ANONYMOUS", MECHANISM_NONE },
};
/* clang-format on */

const char *
stage_name(enum stage stage)
{
	return stages[stage];
}

/* A port as an MTA writes it; 0 is kept for "none". */
static uint16_t
port_of(const char *text)
{
	unsigned long port;
	char *end;

	if (text == NULL || !text_is_digit(text[0]))
		return 0;
	port = strtoul(text, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return 0;
	return (uint16_t)port;
}

/* An address that is told, and that one can connect to. */
static struct addr
local_address(const char *told)
{
	struct addr addr = { .family = ADDR_NONE };

	if (told == NULL || addr_parse_macro(&addr, told) != 0 ||
	    addr_is_any(&addr))
		addr.family = ADDR_NONE;
	return addr;
}

struct endpoint
facts_listener(const char *if_addr, const char *daemon_addr,
    const char *daemon_port, const struct addr *client)
{
	struct endpoint listener = { .addr = { .family = ADDR_NONE } };
	const uint16_t port = port_of(daemon_port);

	if (port == 0)
		return listener;
	listener.addr = local_address(if_addr);
	if (listener.addr.family == ADDR_NONE)
		listener.addr = local_address(daemon_addr);
	if (listener.addr.family == ADDR_NONE && addr_is_loopback(client))
		listener.addr = addr_loopback(client->family);
	if (listener.addr.family != ADDR_NONE)
		listener.port = port;
	return listener;
}

enum tls_version
facts_tls(const char *version)
{
	if (version == NULL || version[0] == '\0')
		return TLS_OFF;
	for (size_t i = 0; i < nitems(tls_versions); i++)
		if (text_casecmp(version, tls_versions[i].name) == 0)
			return tls_versions[i].version;
	return TLS_OTHER;
}

static bool
mechanism_matches(const char *name, const char *auth_type)
{
	const size_t len = strlen(name);

	if (name[len - 1] == '*')
		return text_ncasecmp(name, auth_type, len - 1) == 0;
	return text_casecmp(name, auth_type) == 0;
}

enum mechanism
facts_mechanism(const char *auth_type, const char *auth_authen)
{
	if (auth_type == NULL || auth_type[0] == '\0' || auth_authen == NULL ||
	    auth_authen[0] == '\0')
		return MECHANISM_NONE;
	for (size_t i = 0; i < nitems(mechanisms); i++)
		if (mechanism_matches(mechanisms[i].name, auth_type))
			return mechanisms[i].mechanism;
	return MECHANISM_OTHER;
}

enum answer
facts_client_resolved(const char *client_resolve)
{
	if (client_resolve == NULL || client_resolve[0] == '\0' ||
	    text_casecmp(client_resolve, "TEMP") == 0)
		return ANSWER_UNKNOWN;
	return text_casecmp(client_resolve, "OK") == 0 ? ANSWER_YES : ANSWER_NO;
}

bool
facts_refused_by_mta(const char *rcpt_mailer, const char *rcpt_addr)
{
	return rcpt_mailer != NULL && strcmp(rcpt_mailer, "error") == 0 &&
	    rcpt_addr != NULL && rcpt_addr[0] != '\0' &&
	    strchr(rcpt_addr, '@') == NULL;
}

bool
facts_local_submission(
    const char *host, uint16_t client_port, const char *daemon_port)
{
	return host != NULL && strcmp(host, "localhost") == 0 &&
	    client_port == 0 && daemon_port != NULL &&
	    strcmp(daemon_port, "0") == 0;
}
