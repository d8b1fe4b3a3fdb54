/*
 * truth_rows.h - cases for the tests of the whole decision, written as words.
 *
 * A row is one choice of each input: a setting of the connector, something the
 * MTA said, what the directory answers. Every input is one line of a table, and
 * so its words are what the real parsers read. Built rows share what was parsed
 * at the start; only one thread.
 */
#ifndef TRUTH_ROWS_H
#define TRUTH_ROWS_H

#include "claim.h"
#include "connectors.h"
#include "diag.h"
#include "directory.h"
#include "policy.h"

#define VALUES_MAX 36
#define ITEMS_MAX 8

enum input {
	/* connect */
	IN_CONNECTOR,
	IN_LIVE,
	IN_ADMITTED,
	IN_CLIENT,
	IN_LISTENER,
	IN_SLOT,
	/* how old, how silent, how many errors: HELO, MAIL and RCPT */
	IN_TIMEOUT,
	IN_INACTIVITY,
	IN_AGE,
	IN_SILENCE,
	IN_MAX_ERRORS,
	IN_ERRORS,
	/* how it answers */
	IN_REPLY_STYLE,
	IN_IDENTIFY,
	/* HELO */
	IN_HELO_SYNTAX,
	IN_REQUIRE_EHLO_DOMAIN,
	IN_HELO,
	/* who */
	IN_AUTH_MECHANISM,
	IN_GROUPS,
	IN_DOMAIN_SECURE,
	IN_SECURE_LIST,
	IN_SERVER_IDENTITIES,
	IN_TLS,
	IN_CERTIFICATE,
	IN_AUTH,
	IN_CLIENT_NAME,
	IN_CLIENT_RESOLVE,
	IN_RIGHTS,
	IN_RIGHTS_LAST = IN_RIGHTS + RIGHT_COUNT - 1,
	/* MAIL */
	IN_REQUIRE_TLS,
	IN_TLS_MIN,
	IN_OWN_DOMAINS,
	IN_LITERALS,
	IN_DIRECTORY,
	IN_ALLOWED_SENDERS,
	IN_SENDER,
	IN_SENDER_SAYS,
	IN_MAIL_PARAMETERS,
	IN_AUTH_NULL,
	IN_PRESSURE,
	IN_RATE_EXCEEDED,
	IN_MAX_MESSAGE_SIZE, /* also at the end of the message */
	IN_DECLARED_SIZE,
	/* RCPT */
	IN_RELAY_TO,
	IN_RELAY_FROM,
	IN_RECIPIENT_FILTER,
	IN_RECIPIENT_DOMAINS,
	IN_INTERNAL_ONLY_REPLY,
	IN_TOP_LEVEL,
	IN_SECOND_LEVEL,
	IN_SINGLE_LABEL,
	IN_MAX_RECIPIENTS,
	IN_RESOLVE_SENDERS,
	IN_RECIPIENT,
	IN_RCPT_PARAMETERS,
	IN_RESOLVED,
	IN_LISTED,
	IN_INTERNAL_ONLY,
	IN_ACCEPTED,
	/* end of message */
	IN_CHECK_HEADER,
	IN_EXEMPT,
	IN_AUTHORS,
	IN_OVERFULL,
	IN_MESSAGE_TOLD,
	IN_MESSAGE_BYTES,
	IN_MAX_HEADER_SIZE,
	IN_HEADER_BYTES,
	IN_MAX_HOPS,
	IN_HOPS,
	IN_MAX_LOCAL_HOPS,
	IN_LOCAL_HOPS,
	INPUT_COUNT
};

/* What the directory says of an address that mail claims to come from. */
enum says { SAYS_NO, SAYS_YES, SAYS_OWNED, SAYS_UNKNOWN };

struct claimed {
	const struct mailbox *mailbox;
	enum says says;
};

/* What the words of an input are parsed to. */
union cell {
	unsigned flags;
	long long number;
	const char *text;
	struct addr addr;
	struct endpoint endpoint;
	enum helo_form helo;
	struct domain_set domains;
	struct server_identities identities;
	struct principals principals;
	struct mailbox_patterns patterns;
	struct exemptions exemptions;
	const struct mailbox *mailbox;
	struct {
		enum mechanism mechanism;
		const char *login;
		const struct mailbox *address;
	} auth;
	struct {
		struct claimed items[ITEMS_MAX];
		size_t count;
		bool told;
	} authors;
};

typedef void parse_words(struct arena *arena, union cell *cell, char *words);

struct input_row {
	const char *name;
	parse_words *parse; /* NULL: the number of the value is all */
	unsigned often;     /* of 100 random rows so many take value usual */
	unsigned usual;
	const char *values[VALUES_MAX];
};

struct row {
	unsigned char pick[INPUT_COUNT];
};

/* ---- parsers ------------------------------------------------------------- */

__attribute__((unused)) static void *
keep(struct arena *arena, size_t count, size_t size)
{
	void *memory = arena_alloc(arena, count, size);

	if (memory == NULL)
		give_up("arena_alloc", "no memory");
	return memory;
}

/* The number of a word in names, which ends with NULL. */
static unsigned
numbered(const char *const *names, const char *word)
{
	for (unsigned i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	give_up(word, "no such word");
	return 0;
}

static void
parse_mechanisms(struct arena *arena, union cell *cell, char *words)
{
	static const char *const names[] = { "tls", "integrated", "basic_auth",
		"basic_auth_require_tls", "exchange_server",
		"external_authoritative", NULL };

	(void)arena;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		if (strcmp(word, "none") != 0)
			cell->flags |= 1u << numbered(names, word);
}

static void
parse_groups(struct arena *arena, union cell *cell, char *words)
{
	static const char *const names[] = { "anonymous_users",
		"exchange_users", "exchange_servers", "exchange_legacy_servers",
		"partners", NULL };

	(void)arena;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		if (strcmp(word, "none") != 0)
			cell->flags |= 1u << numbered(names, word);
}

/* "-" is one that was not told: -1. */
static void
parse_number(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	if (strcmp(words, "unlimited") == 0)
		cell->number = UNLIMITED;
	else
		cell->number = strcmp(words, "-") == 0 ? -1 : atoll(words);
}

static void
parse_client(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->addr = client_of(words);
}

static void
parse_listener(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->endpoint = endpoint_of(words);
}

static void
parse_text(struct arena *arena, union cell *cell, char *words)
{
	cell->text = *words == '\0' ? NULL : arena_strdup(arena, words);
}

static void
parse_tls(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->flags = facts_tls(words);
}

static void
parse_tls_min(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->flags = strcmp(words, "none") == 0 ? TLS_OFF : facts_tls(words);
}

static void
parse_helo(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->helo = helo_form(words);
}

static void
parse_resolve(struct arena *arena, union cell *cell, char *words)
{
	(void)arena;
	cell->flags = facts_client_resolved(*words == '\0' ? NULL : words);
}

/* Words separated by '|' as macros; "-" is one that the MTA did not send. */
static void
split_macros(char *words, const char *macros[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *word = strsep(&words, "|");

		if (word == NULL)
			give_up("macros", "too few");
		macros[i] = strcmp(word, "-") == 0 ? NULL : word;
	}
}

static void
parse_certificate(struct arena *arena, union cell *cell, char *words)
{
	const char *macros[3];
	char *name = keep(arena, DOMAIN_MAX + 1, 1);

	split_macros(words, macros, nitems(macros));
	cell->text = facts_certificate(name, macros[0], macros[1], macros[2]);
}

/* As the session does it: what does not parse is a fact like any other. */
static const struct mailbox *
parse_address(struct arena *arena, const char *text)
{
	struct mailbox *mailbox = keep(arena, 1, sizeof(*mailbox));

	if (mailbox_parse(mailbox, text, strlen(text)) != NULL)
		mailbox->kind = MAILBOX_INVALID;
	return mailbox;
}

static void
parse_mailbox(struct arena *arena, union cell *cell, char *words)
{
	cell->mailbox = parse_address(arena, words);
}

static void
parse_auth(struct arena *arena, union cell *cell, char *words)
{
	const char *macros[2];
	const struct mailbox *address;

	split_macros(words, macros, nitems(macros));
	cell->auth.mechanism = facts_mechanism(macros[0], macros[1]);
	if (cell->auth.mechanism == MECHANISM_NONE)
		return;
	cell->auth.login = arena_strdup(arena, macros[1]);
	address = parse_address(arena, macros[1]);
	if (address->kind == MAILBOX_DOMAIN)
		cell->auth.address = address;
}

static void
parse_domains(struct arena *arena, union cell *cell, char *words)
{
	struct domain_pattern *patterns =
	    keep(arena, ITEMS_MAX, sizeof(*patterns));
	size_t count = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		char *name = keep(arena, DOMAIN_MAX + 1, 1);
		const char *wrong = domain_pattern_parse(
		    name, &patterns[count].below, word, strlen(word));

		if (wrong != NULL)
			give_up(word, wrong);
		patterns[count++].name = name;
	}
	cell->domains = (struct domain_set){ patterns, count };
	domain_set_sort(&cell->domains);
}

static void
parse_patterns(struct arena *arena, union cell *cell, char *words)
{
	struct mailbox_pattern *items = keep(arena, ITEMS_MAX, sizeof(*items));
	size_t count = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		const char *wrong =
		    mailbox_pattern_parse(arena, &items[count++], word);

		if (wrong != NULL)
			give_up(word, wrong);
	}
	cell->patterns = (struct mailbox_patterns){ items, count };
}

static void
parse_identities(struct arena *arena, union cell *cell, char *words)
{
	struct server_identity *items = keep(arena, ITEMS_MAX, sizeof(*items));
	size_t count = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		items[count].certificate = strncmp(word, "cert:", 5) == 0;
		items[count++].name =
		    arena_strdup(arena, strchr(word, ':') + 1);
	}
	cell->identities = (struct server_identities){ items, count };
}

/* host:NAME and host:.d, or *.d and d. */
static void
parse_exemptions(struct arena *arena, union cell *cell, char *words)
{
	struct exemption *items = keep(arena, ITEMS_MAX, sizeof(*items));
	size_t count = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		struct exemption *item = &items[count++];

		item->host = strncmp(word, "host:", 5) == 0;
		if (item->host) {
			word += 5;
			item->below = true;
			item->itself = *word != '.';
			word += *word == '.';
		} else {
			item->below = strncmp(word, "*.", 2) == 0;
			item->itself = !item->below;
			word += item->below ? 2 : 0;
		}
		item->name = arena_strdup(arena, word);
	}
	cell->exemptions = (struct exemptions){ items, count };
}

/* The one group there is. */
static const char *const staff[] = { "boss@example.com", "hub", "joe" };
static const struct login_group groups[] = { { "staff", staff,
    nitems(staff) } };

static struct principal
parse_principal(struct arena *arena, char *word)
{
	static const char *const names[] = { "anonymous", "users", "servers",
		"legacy_servers", "partners", "externally_secured", "user",
		"group", "host", NULL };
	struct principal principal = { .deny = *word == '-' };
	char *name = word + principal.deny;
	char *end = strchr(name, ':');

	if (end != NULL)
		*end++ = '\0';
	principal.kind = (enum principal_kind)numbered(names, name);
	if (principal.kind == PRINCIPAL_HOST && *end == '.') {
		principal.kind = PRINCIPAL_HOST_BELOW;
		end++;
	}
	if (end != NULL)
		principal.name = arena_strdup(arena, end);
	if (principal.kind == PRINCIPAL_GROUP)
		principal.group = &groups[0];
	return principal;
}

static void
parse_principals(struct arena *arena, union cell *cell, char *words)
{
	struct principal *items = keep(arena, ITEMS_MAX, sizeof(*items));
	size_t count = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		items[count++] = parse_principal(arena, word);
	cell->principals = (struct principals){ items, count };
}

/* "-": nobody told of the header. Else ADDRESS!SAYS of each author. */
static void
parse_authors(struct arena *arena, union cell *cell, char *words)
{
	static const char *const names[] = { "no", "yes", "owned", "unknown",
		NULL };

	cell->authors.told = strcmp(words, "-") != 0;
	if (!cell->authors.told)
		return;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		struct claimed *author =
		    &cell->authors.items[cell->authors.count++];
		char *says = strchr(word, '!');

		*says++ = '\0';
		author->mailbox = parse_address(arena, word);
		author->says = (enum says)numbered(names, says);
	}
}

/* ---- the inputs ---------------------------------------------------------- */

/* clang-format off */
#define NO_YES { "no", "yes" }
#define ANSWERS { "no", "yes", "unknown" }
#define PRINCIPALS { \
	"", "anonymous", "users", "servers", "legacy_servers", "partners", \
	"externally_secured", "user:joe@example.com", "group:staff", \
	"host:partner.test", "host:.partner.test", \
	"anonymous users servers partners externally_secured", \
	"anonymous users partners -host:partner.test", \
	"host:partner.test -user:joe", "group:staff -servers", \
	"-anonymous", "-users", "-servers", "-legacy_servers", "-partners", \
	"-externally_secured", "-user:JOE@Example.Com", "-group:staff", \
	"-host:.partner.test", "-host:mx.partner.test anonymous", \
	"user:eve host:relay.example.com" }
#define RIGHT(right) \
	[IN_RIGHTS + RIGHT_##right] = { NULL, parse_principals, 55, 0, \
	    PRINCIPALS }

static const struct input_row inputs[INPUT_COUNT] = {
	[IN_CONNECTOR] = { "connector", NULL, 98, 1, NO_YES },
	[IN_LIVE] = { "live", NULL, 85, 1, NO_YES },
	[IN_ADMITTED] = { "admitted", NULL, 90, 1, NO_YES },
	[IN_CLIENT] = { "client", parse_client, 90, 0,
	    { "203.0.113.9", "unknown" } },
	[IN_LISTENER] = { "listener", parse_listener, 90, 0,
	    { "192.0.2.25:25", "unknown" } },
	[IN_SLOT] = { "slot", NULL, 92, 0,
	    { "held", "connector_full", "source_full" } },
	[IN_TIMEOUT] = { "connection_timeout", parse_number, 80, 0,
	    { "600", "1", "86400" } },
	[IN_INACTIVITY] = { "connection_inactivity_timeout", parse_number, 80,
	    0, { "300", "1", "600" } },
	[IN_AGE] = { "age", parse_number, 90, 0,
	    { "0", "999", "1000", "599999", "600000", "86400000" } },
	[IN_SILENCE] = { "silence", parse_number, 90, 0,
	    { "0", "999", "1000", "299999", "300000", "600000" } },
	[IN_MAX_ERRORS] = { "max_protocol_errors", parse_number, 80, 0,
	    { "5", "0", "unlimited" } },
	[IN_ERRORS] = { "protocol_errors", parse_number, 90, 0,
	    { "0", "1", "5", "6", "9223372036854775807" } },
	[IN_REPLY_STYLE] = { "reply_style", NULL, 60, 0, { "2016", "2010" } },
	[IN_IDENTIFY] = { "identify_connector", NULL, 80, 1, NO_YES },

	[IN_HELO_SYNTAX] = { "helo_syntax", NULL, 40, 0,
	    { "tolerant", "strict", "off" } },
	[IN_REQUIRE_EHLO_DOMAIN] = { "require_ehlo_domain", NULL, 50, 0,
	    NO_YES },
	[IN_HELO] = { "helo", parse_helo, 10, 0, {
	    "mx.partner.test", "", "   ", "one", "[192.0.2.9]",
	    "[IPv6:2001:db8::9]", "my_host.test", "mx.test.", "mx.test  ",
	    "a..test", "mx.test..", "-", "[300.1.1.1]", "a b.test", "x@y" } },

	[IN_AUTH_MECHANISM] = { "auth_mechanism", parse_mechanisms, 0, 0, {
	    "tls basic_auth integrated exchange_server", "none", "tls",
	    "tls basic_auth", "integrated", "basic_auth",
	    "tls basic_auth basic_auth_require_tls",
	    "tls basic_auth integrated basic_auth_require_tls",
	    "tls exchange_server", "exchange_server integrated",
	    "tls exchange_server basic_auth basic_auth_require_tls",
	    "tls external_authoritative", "external_authoritative" } },
	[IN_GROUPS] = { "permission_groups", parse_groups, 20, 0, {
	    "anonymous_users exchange_users exchange_servers "
	    "exchange_legacy_servers partners", "none", "anonymous_users",
	    "exchange_users", "exchange_servers", "exchange_legacy_servers",
	    "partners", "anonymous_users exchange_users",
	    "anonymous_users exchange_servers", "anonymous_users partners",
	    "exchange_users partners" } },
	[IN_DOMAIN_SECURE] = { "domain_secure_enabled", NULL, 70, 1, NO_YES },
	[IN_SECURE_LIST] = { "tls_receive_domain_secure_list", parse_domains,
	    90, 0, { "partner.test sub.partner.test other.test", "" } },
	[IN_SERVER_IDENTITIES] = { "server_identities", parse_identities, 60,
	    0, { "login:hub login:Hub@Example.Com cert:hub.example.net "
	    "cert:both.partner.test", "", "cert:hub.example.net",
	    "login:hub" } },
	[IN_TLS] = { "tls", parse_tls, 35, 3,
	    { "", "TLSv1", "TLSv1.1", "TLSv1.3", "TLSv1.2", "TLSv9" } },
	/* {verify}, {cn_subject}, {cert_subject} */
	[IN_CERTIFICATE] = { "certificate", parse_certificate, 30, 0, {
	    "-|-|-", "-|-|partner.test", "-|-|Mail.Partner.Test",
	    "-|-|sub.partner.test", "-|-|x.sub.partner.test",
	    "-|-|hub.example.net", "-|-|both.partner.test",
	    "-|-|xpartner.test", "-|-|foreign.test", "-|-|some Name",
	    "-|-|/CN=partner.test", "OK|mail.partner.test|/CN=foreign.test",
	    "FAIL|mail.partner.test|/CN=mail.partner.test",
	    "NO|-|partner.test", "OK|-|/C=DE/CN=x/CN=mail+2Epartner.test",
	    "OK|-|/CN=partner.test/O=foreign.test", "OK|-|partner.test",
	    "OK|some Name|/CN=partner.test" } },
	/* {auth_type}, {auth_authen} */
	[IN_AUTH] = { "auth", parse_auth, 35, 0, {
	    "-|-", "PLAIN|joe@example.com", "LOGIN|joe", "NTLM|JOE@example.COM",
	    "SCRAM-SHA-256|joe@corp.example", "XCLIENT|joe@example.com",
	    "EXTERNAL|joe@example.com", "ANONYMOUS|joe@example.com",
	    "PLAIN|", "-|joe@example.com", "PLAIN|-", "XOAUTH2|eve",
	    "PLAIN|hub", "GSSAPI|HUB", "XCLIENT|hub", "EXTERNAL|hub",
	    "OAUTHBEARER|hub@example.com", "GSS-SPNEGO|boss@example.com",
	    "CRAM-MD5|a@foreign.test" } },
	[IN_CLIENT_NAME] = { "client_name", parse_text, 30, 0, {
	    "mx.partner.test", "partner.test", "xpartner.test",
	    "relay.example.com", "" } },
	[IN_CLIENT_RESOLVE] = { "client_resolve", parse_resolve, 50, 0,
	    { "OK", "TEMP", "FAIL", "FORGED", "" } },
	RIGHT(ACCEPT_ANY_RECIPIENT),
	RIGHT(ACCEPT_ANY_SENDER),
	RIGHT(ACCEPT_AUTHENTICATION_FLAG),
	RIGHT(ACCEPT_AUTHORITATIVE_DOMAIN_SENDER),
	RIGHT(ACCEPT_HEADERS_FOREST),
	RIGHT(ACCEPT_HEADERS_ORGANIZATION),
	RIGHT(ACCEPT_HEADERS_ROUTING),
	RIGHT(BYPASS_ANTI_SPAM),
	RIGHT(BYPASS_MESSAGE_SIZE_LIMIT),
	RIGHT(SUBMIT),

	[IN_REQUIRE_TLS] = { "require_tls", NULL, 80, 0, NO_YES },
	[IN_TLS_MIN] = { "tls_min_version", parse_tls_min, 40, 0,
	    { "none", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" } },
	[IN_OWN_DOMAINS] = { "own_domains", NULL, 70, 0,
	    { "authoritative", "accepted" } },
	[IN_LITERALS] = { "address_literals", NULL, 60, 0, NO_YES },
	[IN_DIRECTORY] = { "directory", NULL, 90, 1, NO_YES },
	[IN_ALLOWED_SENDERS] = { "allowed_senders", parse_patterns, 70, 0, {
	    "", "joe@example.com", "foreign.test example.com",
	    "*.partner.test" } },
	[IN_SENDER] = { "sender", parse_mailbox, 10, 0, {
	    "<joe@foreign.test>", "<>", "<joe@example.com>",
	    "<Joe@EXAMPLE.com>", "<eve@example.com>", "joe@foreign.test",
	    "<a@b.example.net>", "<a@example.net>", "<x@legacy.example>",
	    "<x@external.example>", "<a@partner.test>",
	    "<a@mail.partner.test>", "<a@x.sub.partner.test>",
	    "<a@xpartner.test>", "<joe@[192.0.2.25]>",
	    "<joe@[IPv6:2001:DB8:0::25]>", "<joe@[198.51.100.1]>",
	    "<a%foreign.test@example.com>", "<@foreign.test:joe@example.com>",
	    "<IMCEASMTP-a+40b@partner.test>", "<\"joe\"@example.com>",
	    "<x@list.test>", "<x@a.list.test>", "<hub@example.com>", "<joe>",
	    "<a..b@foreign.test>", "<joe@-a.test>", "<\"joe@example.com>",
	    "<a%example.com@foreign.test>" } },
	[IN_SENDER_SAYS] = { "sender_says", NULL, 40, SAYS_NO,
	    { "no", "yes", "owned", "unknown" } },
	[IN_MAIL_PARAMETERS] = { "mail_parameters_valid", NULL, 95, 1,
	    NO_YES },
	[IN_AUTH_NULL] = { "auth_null", NULL, 75, 0, NO_YES },
	[IN_PRESSURE] = { "pressure", NULL, 90, 0,
	    { "low", "medium", "high", "unknown" } },
	[IN_RATE_EXCEEDED] = { "rate_exceeded", NULL, 95, 0, NO_YES },
	[IN_MAX_MESSAGE_SIZE] = { "max_message_size", parse_number, 60, 0,
	    { "37748736", "65536", "2147483647" } },
	[IN_DECLARED_SIZE] = { "declared_size", parse_number, 60, 0,
	    { "-", "0", "65536", "65537", "37748736", "37748737",
	    "9223372036854775807" } },

	[IN_RELAY_TO] = { "relay_to", parse_patterns, 60, 0, {
	    "", "foreign.test", "*.foreign.test foreign.internal",
	    "joe@foreign.internal" } },
	[IN_RELAY_FROM] = { "relay_from", parse_patterns, 60, 0, {
	    "", "example.com", "joe@foreign.test",
	    "*.partner.test foreign.test" } },
	[IN_RECIPIENT_FILTER] = { "recipient_filter", NULL, 50, 1, NO_YES },
	[IN_RECIPIENT_DOMAINS] = { "recipient_domains", parse_domains, 60, 0, {
	    "", "legacy.example *.example.net" } },
	[IN_INTERNAL_ONLY_REPLY] = { "internal_only_reply", NULL, 60, 0,
	    { "authrequired", "unknown" } },
	[IN_TOP_LEVEL] = { "reject_reserved_top_level", NULL, 85, 0, NO_YES },
	[IN_SECOND_LEVEL] = { "reject_reserved_second_level", NULL, 85, 0,
	    NO_YES },
	[IN_SINGLE_LABEL] = { "reject_single_label", NULL, 80, 0, NO_YES },
	[IN_MAX_RECIPIENTS] = { "max_recipients_per_message", parse_number, 50,
	    0, { "200", "1", "2" } },
	[IN_RESOLVE_SENDERS] = { "resolve_anonymous_senders", NULL, 40, 0,
	    { "no", "annotate", "yes" } },
	[IN_RECIPIENT] = { "recipient", parse_mailbox, 25, 0, {
	    "<joe@example.com>", "<joe@foreign.internal>", "<x@foreign.test>",
	    "<joe@b.example.net>", "<joe@example.net>", "<x@legacy.example>",
	    "<x@external.example>", "<x@a.foreign.test>", "<postmaster>",
	    "<PostMaster>", "<postmaster@example.com>",
	    "<Postmaster@Legacy.Example>", "<postmaster@foreign.internal>",
	    "<joe@[192.0.2.25]>", "<joe@[IPv6:2001:db8::25]>",
	    "<joe@[198.51.100.1]>", "<postmaster@[192.0.2.25]>",
	    "<a%foreign.test@example.com>", "<foreign.test!a@legacy.example>",
	    "<@example.com:joe@foreign.internal>",
	    "<\"a@foreign.test\"@example.com>", "<\"a:b\"@foreign.internal>",
	    "<imceaSMTP-x@b.example.net>", "<\"joe\"@example.com>",
	    "<a%foreign.test@[192.0.2.25]>", "<joe@host>", "<joe@localhost>",
	    "<joe@x.example.org>", "<joe@example.org>", "<joe@invalid>",
	    "<joe>", "<>", "<a..b@example.com>", "<joe@[300.1.1.1]>",
	    "<joe@notexample.com>", "joe@EXAMPLE.COM" } },
	[IN_RCPT_PARAMETERS] = { "rcpt_parameters_valid", NULL, 96, 1,
	    NO_YES },
	[IN_RESOLVED] = { "recipient_resolved", NULL, 70, 1, NO_YES },
	[IN_LISTED] = { "recipient_listed", NULL, 50, 1, ANSWERS },
	[IN_INTERNAL_ONLY] = { "recipient_internal_only", NULL, 50, 0,
	    ANSWERS },
	[IN_ACCEPTED] = { "recipients_accepted", parse_number, 80, 0,
	    { "0", "1", "2", "199", "200" } },

	[IN_CHECK_HEADER] = { "check_header_from", NULL, 50, 2,
	    { "no", "monitor", "yes" } },
	[IN_EXEMPT] = { "header_from_exempt", parse_exemptions, 60, 0, {
	    "", "list.test", "*.list.test", "host:mx.partner.test",
	    "host:.partner.test", "foreign.test host:partner.test",
	    "*.partner.test" } },
	[IN_AUTHORS] = { "authors", parse_authors, 10, 2, {
	    "-", "", "joe@foreign.test!no", "joe@example.com!no",
	    "joe@example.com!owned", "eve@example.com!yes",
	    "a@foreign.test!yes", "a@foreign.test!owned",
	    "a@foreign.test!unknown", "eve@example.com!unknown",
	    "a@mail.partner.test!no", "x@legacy.example!no",
	    "joe@[192.0.2.25]!no", "joe@[198.51.100.1]!no",
	    "a@foreign.test!no eve@example.com!yes",
	    "joe@example.com!owned a@foreign.test!no",
	    "a@partner.test!no a@sub.partner.test!no",
	    "eve@example.com!unknown a@foreign.test!unknown",
	    "JOE@Example.Com!unknown hub@example.com!owned" } },
	[IN_OVERFULL] = { "header_overfull", NULL, 85, 0, NO_YES },
	[IN_MESSAGE_TOLD] = { "message_told", NULL, 80, 1, NO_YES },
	[IN_MESSAGE_BYTES] = { "message_bytes", parse_number, 60, 0,
	    { "1000", "65536", "65537", "37748736", "37748737" } },
	[IN_MAX_HEADER_SIZE] = { "max_header_size", parse_number, 80, 0,
	    { "262144", "1" } },
	[IN_HEADER_BYTES] = { "header_bytes", parse_number, 80, 0,
	    { "1", "2", "262144", "262145" } },
	[IN_MAX_HOPS] = { "max_hop_count", parse_number, 80, 0,
	    { "60", "1" } },
	[IN_HOPS] = { "hops", parse_number, 80, 0,
	    { "0", "1", "2", "60", "61" } },
	[IN_MAX_LOCAL_HOPS] = { "max_local_hop_count", parse_number, 60, 0,
	    { "5", "0", "1" } },
	[IN_LOCAL_HOPS] = { "local_hops", parse_number, 60, 0,
	    { "0", "1", "2", "5", "6" } },
};
/* clang-format on */

static const char *
input_name(unsigned input)
{
	return input >= IN_RIGHTS && input <= IN_RIGHTS_LAST
	    ? right_name((enum right)(input - IN_RIGHTS))
	    : inputs[input].name;
}

static unsigned
input_values(unsigned input)
{
	unsigned count = 0;

	while (count < VALUES_MAX && inputs[input].values[count] != NULL)
		count++;
	return count;
}

/* ---- building ------------------------------------------------------------ */

/* What all rows share. */
struct parsed {
	struct arena *arena;
	union cell cells[INPUT_COUNT][VALUES_MAX];
	struct organization organization;
	struct directory *directory;
};

static struct parsed parsed;

/* What a row becomes; facts and connector may be changed before settling. */
struct built {
	struct policy policy;
	struct connector connector;
	struct facts facts;
	struct claimed sender;
	struct claimed authors[ITEMS_MAX];
	size_t author_count;
	struct judged judged;
};

static struct domain_set
shared_domains(const char *words)
{
	union cell cell = { 0 };

	parse_domains(parsed.arena, &cell, arena_strdup(parsed.arena, words));
	return cell.domains;
}

static void
parse_organization(void)
{
	static const char lines[] = "joe@example.com login=joe\n";
	struct diags *diags = diags_new();

	parsed.organization = (struct organization){
		.accepted_domains = shared_domains("example.com *.example.net"),
		.internal_relay_domains = shared_domains("legacy.example"),
		.external_relay_domains = shared_domains("external.example"),
		.own_hosts = ranges_of(parsed.arena, "192.0.2.25 2001:db8::25"),
		.recipient_delimiter = "",
	};
	parsed.directory =
	    directory_load("recipients", lines, strlen(lines), diags);
	if (parsed.directory == NULL)
		give_up("directory_load", "cannot");
	diags_free(diags);
}

/* To be given back with rows_end. */
__attribute__((unused)) static void
rows_begin(void)
{
	parsed.arena = arena_new();
	if (parsed.arena == NULL)
		give_up("arena_new", "no memory");
	parse_organization();
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		for (unsigned k = 0; k < input_values(i); k++)
			if (inputs[i].parse != NULL)
				inputs[i].parse(parsed.arena,
				    &parsed.cells[i][k],
				    arena_strdup(
					parsed.arena, inputs[i].values[k]));
}

__attribute__((unused)) static void
rows_end(void)
{
	directory_free(parsed.directory);
	arena_free(parsed.arena);
}

#define CELL(input) (&parsed.cells[IN_##input][row->pick[IN_##input]])
#define PICK(input) (row->pick[IN_##input])

static void
build_connector(struct connector *connector, const struct row *row)
{
	*connector = (struct connector){
		.name = "c",
		.enabled = true,
		.auth_mechanism = CELL(AUTH_MECHANISM)->flags,
		.permission_groups = CELL(GROUPS)->flags,
		.require_tls = PICK(REQUIRE_TLS),
		.tls_min_version = CELL(TLS_MIN)->flags,
		.domain_secure_enabled = PICK(DOMAIN_SECURE),
		.server_identities = CELL(SERVER_IDENTITIES)->identities,
		.relay_to = CELL(RELAY_TO)->patterns,
		.relay_from = CELL(RELAY_FROM)->patterns,
		.allowed_senders = CELL(ALLOWED_SENDERS)->patterns,
		.check_header_from = PICK(CHECK_HEADER),
		.header_from_exempt = CELL(EXEMPT)->exemptions,
		.resolve_anonymous_senders = PICK(RESOLVE_SENDERS),
		.address_literals = PICK(LITERALS),
		.default_domain = "",
		.recipient_filter = PICK(RECIPIENT_FILTER) && PICK(DIRECTORY),
		.internal_only_reply = PICK(INTERNAL_ONLY_REPLY),
		.reject_reserved_top_level = PICK(TOP_LEVEL),
		.reject_reserved_second_level = PICK(SECOND_LEVEL),
		.reject_single_label = PICK(SINGLE_LABEL),
		.max_recipients_per_message = CELL(MAX_RECIPIENTS)->number,
		.require_ehlo_domain = PICK(REQUIRE_EHLO_DOMAIN),
		.helo_syntax = PICK(HELO_SYNTAX),
		.max_message_size = CELL(MAX_MESSAGE_SIZE)->number,
		.max_header_size = CELL(MAX_HEADER_SIZE)->number,
		.max_hop_count = CELL(MAX_HOPS)->number,
		.max_local_hop_count = CELL(MAX_LOCAL_HOPS)->number,
		.max_protocol_errors = CELL(MAX_ERRORS)->number,
		.connection_timeout = CELL(TIMEOUT)->number,
		.connection_inactivity_timeout = CELL(INACTIVITY)->number,
		.stamp = true,
	};
	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		connector->rights[i] =
		    parsed.cells[IN_RIGHTS + i][row->pick[IN_RIGHTS + i]]
			.principals;
}

static void
build_facts(struct facts *facts, const struct row *row)
{
	const struct mailbox *recipient = CELL(RECIPIENT)->mailbox;
	/* Bare names, and what does not parse, are nobody the directory has. */
	const bool asked = PICK(DIRECTORY) && recipient->kind > MAILBOX_BARE;

	*facts = (struct facts){
		.live = PICK(LIVE),
		.admitted = PICK(ADMITTED),
		.slot = PICK(SLOT),
		.age = CELL(AGE)->number,
		.silence = CELL(SILENCE)->number,
		.protocol_errors = CELL(ERRORS)->number,
		.client = CELL(CLIENT)->addr,
		.listener = CELL(LISTENER)->endpoint,
		.client_name = CELL(CLIENT_NAME)->text,
		.client_name_verified = CELL(CLIENT_RESOLVE)->flags,
		.helo = CELL(HELO)->helo,
		.tls = CELL(TLS)->flags,
		.certificate = CELL(CERTIFICATE)->text,
		.mechanism = CELL(AUTH)->auth.mechanism,
		.login = CELL(AUTH)->auth.login,
		.login_address = CELL(AUTH)->auth.address,
		.sender = CELL(SENDER)->mailbox,
		.mail_parameters_valid = PICK(MAIL_PARAMETERS),
		.auth_null = PICK(AUTH_NULL),
		.declared_size = CELL(DECLARED_SIZE)->number,
		.pressure = PICK(PRESSURE),
		.rate_exceeded = PICK(RATE_EXCEEDED),
		.recipient = recipient,
		.rcpt_parameters_valid = PICK(RCPT_PARAMETERS),
		.recipient_resolved = PICK(RESOLVED),
		.recipient_listed = asked && recipient->kind == MAILBOX_DOMAIN
		    ? PICK(LISTED)
		    : ANSWER_NO,
		.recipient_internal_only =
		    asked ? PICK(INTERNAL_ONLY) : ANSWER_NO,
		.recipients_accepted = CELL(ACCEPTED)->number,
		.authors_told = CELL(AUTHORS)->authors.told,
		.header_overfull = PICK(OVERFULL),
		.message_told = PICK(MESSAGE_TOLD),
		.message_bytes = CELL(MESSAGE_BYTES)->number,
		.header_bytes = CELL(HEADER_BYTES)->number,
		.hops = CELL(HOPS)->number,
		.local_hops = CELL(LOCAL_HOPS)->number,
	};
}

__attribute__((unused)) static void
row_build(struct built *built, const struct row *row)
{
	const bool directory = PICK(DIRECTORY);

	build_connector(&built->connector, row);
	build_facts(&built->facts, row);
	built->policy = (struct policy){
		.organization = parsed.organization,
		.reply_style = PICK(REPLY_STYLE),
		.identify_connector = PICK(IDENTIFY),
		.stamp_prefix = "X-Connector-",
		.directory = directory ? parsed.directory : NULL,
		.connectors = &built->connector,
		.connector_count = 1,
		.groups = groups,
		.group_count = nitems(groups),
	};
	built->policy.organization.own_domains = PICK(OWN_DOMAINS);
	built->policy.organization.tls_receive_domain_secure_list =
	    CELL(SECURE_LIST)->domains;
	built->policy.organization.recipient_domains =
	    CELL(RECIPIENT_DOMAINS)->domains;
	built->sender = (struct claimed){ CELL(SENDER)->mailbox,
		directory ? PICK(SENDER_SAYS) : SAYS_NO };
	built->author_count = CELL(AUTHORS)->authors.count;
	memcpy(built->authors, CELL(AUTHORS)->authors.items,
	    sizeof(built->authors));
	for (size_t i = 0; i < built->author_count && !directory; i++)
		built->authors[i].says = SAYS_NO;
	built->judged = (struct judged){ .policy = &built->policy,
		.connector = PICK(CONNECTOR) ? &built->connector : NULL,
		.facts = &built->facts };
}

static unsigned
claim_set(const struct judged *judged, const struct claimed *claimed)
{
	const enum says says =
	    claimed->mailbox->kind == MAILBOX_DOMAIN ? claimed->says : SAYS_NO;
	const struct claim_listing listing = {
		says == SAYS_NO            ? ANSWER_NO
		    : says == SAYS_UNKNOWN ? ANSWER_UNKNOWN
					   : ANSWER_YES,
		says == SAYS_OWNED && judged->facts->login != NULL,
	};

	return claim_of(judged, claimed->mailbox, &listing);
}

/* Who is it, and what do its addresses claim? Needs a connector. */
__attribute__((unused)) static void
row_settle(struct built *built)
{
	struct facts *facts = &built->facts;

	policy_identify(&built->judged);
	facts->sender_claim = claim_set(&built->judged, &built->sender);
	facts->author_claims = 0;
	for (size_t i = 0; i < built->author_count; i++)
		facts->author_claims |= UINT64_C(1)
		    << claim_set(&built->judged, &built->authors[i]);
}

/* The usual value of each input. */
__attribute__((unused)) static void
row_usual(struct row *row)
{
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		row->pick[i] = (unsigned char)inputs[i].usual;
}

/* Can the two settings stand together (exchange-semantics 3.5, C2 to C6)? */
static bool
row_loads(const struct row *row)
{
	const unsigned auth = CELL(AUTH_MECHANISM)->flags;

	return ((auth & AUTH_EXTERNAL_AUTHORITATIVE) == 0 ||
		   ((CELL(GROUPS)->flags & GROUP_EXCHANGE_SERVERS) != 0 &&
		       !PICK(DOMAIN_SECURE))) &&
	    ((auth & AUTH_TLS) != 0 ||
		(!PICK(REQUIRE_TLS) && !PICK(DOMAIN_SECURE)));
}

__attribute__((unused)) static void
row_random(struct row *row, uint64_t *seed)
{
	do {
		for (unsigned i = 0; i < INPUT_COUNT; i++)
			row->pick[i] = (unsigned char)(random_below(seed, 100) <
				    inputs[i].often
				? inputs[i].usual
				: random_below(seed, input_values(i)));
	} while (!row_loads(row));
}

#endif
