/*
 * setting_trust.c - items of lists that say whose word or certificate counts.
 */
#include "setting_parts.h"

#include <string.h>

#include "arena.h"
#include "setting_check.h"
#include "text.h"

static const char accept_cloud[] = "AcceptCloudServicesMail";
static const char no_wildcards[] =
    "no wildcards stand here; write each name, such as mx1.example.com";

/* What follows prefix, in any case, or NULL. */
static const char *
behind(const char *text, const char *prefix)
{
	const size_t len = strlen(prefix);

	return text_ncasecmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* The canonical form, kept, of the len bytes at name. */
static int
keep_domain(const struct setting_context *context, const char *item,
    const char *name, size_t len, const char **canonical)
{
	char buf[DOMAIN_MAX + 1];
	const char *wrong = memchr(name, '*', len) != NULL
	    ? no_wildcards
	    : domain_canonical(buf, name, len);

	if (wrong != NULL)
		return setting_refuse_item(context, item, wrong);
	*canonical = arena_strdup(context->arena, buf);
	return *canonical != NULL ? 0 : setting_no_memory(context);
}

int
setting_parse_server_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	struct server_identity *server = item;
	const char *login = behind(text, "login:");
	const char *name = behind(text, "cert:");

	if (name != NULL) {
		server->certificate = true;
		return keep_domain(
		    context, text, name, strlen(name), &server->name);
	}
	if (login == NULL)
		return setting_refuse_item(context, text,
		    "not an identity; write login:NAME or cert:NAME");
	if (login[0] == '\0')
		return setting_refuse_item(
		    context, text, "the login is missing; write login:NAME");
	if (strchr(login, '*') != NULL)
		return setting_refuse_item(context, text, CHECK_LOGIN_STAR);
	server->name = login;
	return 0;
}

/* 0 for the one capability that there is. */
static int
check_capability(const struct setting_context *context, const char *item,
    const char *capability)
{
	static const char *const known[] = { accept_cloud };
	char wrong[SETTING_TYPE_TEXT_MAX];
	struct text out;

	if (text_same_name(capability, accept_cloud))
		return 0;
	if (text_same_name(capability, "AcceptOorgProtocol"))
		return setting_refuse_item(
		    context, item, "no MTA here speaks XOORG; remove it");
	text_init(&out, wrong, sizeof(wrong));
	if (text_nearest(capability, known, 1) != NULL)
		text_printf(&out, "unknown capability; did you mean '%s'",
		    accept_cloud);
	else
		text_printf(&out, "unknown capability; the only one is %s",
		    accept_cloud);
	return setting_refuse_item(context, item, wrong);
}

int
setting_parse_capability_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	struct capability *capability = item;
	const char *colon = strchr(text, ':');

	if (behind(text, "NO-TLS:") != NULL)
		return setting_refuse_item(context, text,
		    "NO-TLS would be trust without a certificate; write "
		    "DOMAIN:AcceptCloudServicesMail");
	if (colon == NULL || colon == text || colon[1] == '\0')
		return setting_refuse_item(context, text,
		    "not a domain with a capability; write DOMAIN:CAPABILITY");
	if (check_capability(context, text, colon + 1) != 0)
		return -1;
	return keep_domain(
	    context, text, text, (size_t)(colon - text), &capability->domain);
}

int
setting_parse_exemption_item(const struct setting_context *context,
    const struct setting *setting UNUSED, void *item, const char *text)
{
	struct exemption *exemption = item;
	static const char mark[] = "host:";
	char name[DOMAIN_MAX + 1];
	const char *wrong;
	bool below;

	if (strchr(text, '@') != NULL)
		return setting_refuse_item(context, text,
		    "no addresses stand here; write the sender's domain or "
		    "host:NAME");
	exemption->host = text_ncasecmp(text, mark, strlen(mark)) == 0;
	if (exemption->host) {
		if (setting_parse_host(context, text, text + strlen(mark),
			&below, &exemption->name) != 0)
			return -1;
		exemption->itself = !below;
		exemption->below = true;
		return 0;
	}
	wrong = domain_pattern_parse(name, &below, text, strlen(text));
	if (wrong != NULL)
		return setting_refuse_item(context, text, wrong);
	exemption->itself = !below;
	exemption->below = below;
	exemption->name = arena_strdup(context->arena, name);
	return exemption->name != NULL ? 0 : setting_no_memory(context);
}
