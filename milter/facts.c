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

/*
 * The part of Sendmail's subject, up to the next slash, with +hex undone; NULL
 * when that is malformed, holds a NUL, or is too long for a name.
 */
static const char *
undo_hex(char out[DOMAIN_MAX + 2], const char *part)
{
	size_t len = 0;

	for (; *part != '\0' && *part != '/'; part++) {
		int byte = (unsigned char)*part;

		if (byte == '+') {
			const int high = text_hex_value(part[1]);
			const int low = high < 0 ? -1 : text_hex_value(part[2]);

			byte = low < 0 ? 0 : 16 * high + low;
			part += 2;
		}
		if (byte == 0 || len > DOMAIN_MAX)
			return NULL;
		out[len++] = (char)byte;
	}
	out[len] = '\0';
	return out;
}

/* What stands behind the last "CN=" that begins a part, or NULL. */
static const char *
last_common_name(const char *subject)
{
	const char *found = NULL;

	for (;;) {
		if (strncmp(subject, "CN=", 3) == 0)
			found = subject + 3;
		subject = strchr(subject, '/');
		if (subject == NULL)
			return found;
		subject++;
	}
}

/* A subject without a CN, told as an empty one, is not searched for another. */
static const char *
sendmail_name(char out[DOMAIN_MAX + 2], const char *verify,
    const char *cn_subject, const char *cert_subject)
{
	const char *part;

	if (strcmp(verify, "OK") != 0)
		return NULL;
	if (cn_subject != NULL || cert_subject == NULL)
		return cn_subject;
	part = last_common_name(cert_subject);
	return part != NULL ? undo_hex(out, part) : NULL;
}

/* Only ASCII: a name that IDNA would map to another is not that one. */
static const char *
host_name(char out[DOMAIN_MAX + 1], const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (*c & 0x80)
			return NULL;
	return domain_canonical(out, name, strlen(name)) == NULL ? out : NULL;
}

const char *
facts_certificate(char out[DOMAIN_MAX + 1], const char *verify,
    const char *cn_subject, const char *cert_subject)
{
	char undone[DOMAIN_MAX + 2];
	const char *name = verify != NULL
	    ? sendmail_name(undone, verify, cn_subject, cert_subject)
	    : cert_subject;

	return name != NULL ? host_name(out, name) : NULL;
}

const char *
facts_certified(const struct facts *facts)
{
	return facts->tls != TLS_OFF ? facts->certificate : NULL;
}

enum answer
facts_client_is(
    const struct facts *facts, const char *name, bool itself, bool below)
{
	const char *client = facts->client_name;

	if (facts->client_name_verified != ANSWER_YES)
		return facts->client_name_verified;
	if (client == NULL)
		return ANSWER_UNKNOWN;
	return (itself && strcmp(client, name) == 0) ||
		(below && domain_is_below(client, name))
	    ? ANSWER_YES
	    : ANSWER_NO;
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
