/*
 * identity.h - who a session is, and what rights that gives on a connector.
 *
 * Judged anew at each MAIL, from the connector and the facts alone. A session
 * has one identity and holds several principals: its identity, user:LOGIN, the
 * groups of its login and the names its host lies in. Rights are what the
 * permission groups give the identity, plus what the rights settings grant to
 * any principal held, minus what they deny to any (deny wins). Exchange: the
 * permission groups of Set-ReceiveConnector and the extended rights ms-Exch-*.
 * Pure; any thread.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"

struct connector;
struct organization;

enum identity {
	IDENTITY_ANONYMOUS,
	IDENTITY_PARTNER,
	IDENTITY_USER,
	IDENTITY_SERVER,
	IDENTITY_EXTERNALLY_SECURED,
};
#define IDENTITY_COUNT (IDENTITY_EXTERNALLY_SECURED + 1)

/* "anonymous", "partner", "user", "server", "externally_secured". */
const char *identity_name(enum identity identity);

/* In the order of their names, so that lists of rights come out sorted. */
enum right {
	RIGHT_ACCEPT_ANY_RECIPIENT,
	RIGHT_ACCEPT_ANY_SENDER,
	RIGHT_ACCEPT_AUTHENTICATION_FLAG,
	RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER,
	RIGHT_ACCEPT_HEADERS_FOREST,
	RIGHT_ACCEPT_HEADERS_ORGANIZATION,
	RIGHT_ACCEPT_HEADERS_ROUTING,
	RIGHT_BYPASS_ANTI_SPAM,
	RIGHT_BYPASS_MESSAGE_SIZE_LIMIT,
	RIGHT_SUBMIT,
};
#define RIGHT_COUNT (RIGHT_SUBMIT + 1)
#define RIGHT_BIT(right) (1u << (right))

/* The name of the setting: "accept_any_recipient", ... */
const char *right_name(enum right right);

/* Sets of rights by RIGHT_BIT. unknown: cannot be told now (DNS failed). */
struct rights {
	uint16_t held;
	uint16_t unknown;
};

enum answer rights_have(struct rights rights, enum right right);

/* PermissionGroups, as bits. None at all is "none". */
enum permission_group {
	GROUP_ANONYMOUS_USERS = 1,
	GROUP_EXCHANGE_USERS = 2,
	GROUP_EXCHANGE_SERVERS = 4,
	GROUP_EXCHANGE_LEGACY_SERVERS = 8,
	GROUP_PARTNERS = 16,
};

/* What a rights setting names. */
enum principal_kind {
	PRINCIPAL_ANONYMOUS,
	PRINCIPAL_USERS,
	PRINCIPAL_SERVERS,
	PRINCIPAL_LEGACY_SERVERS,
	PRINCIPAL_PARTNERS,
	PRINCIPAL_EXTERNALLY_SECURED,
	PRINCIPAL_LOGIN,      /* user:LOGIN */
	PRINCIPAL_GROUP,      /* group:NAME */
	PRINCIPAL_HOST,       /* host:NAME, the name and all below */
	PRINCIPAL_HOST_BELOW, /* host:.d */
};

struct principal {
	enum principal_kind kind;
	bool deny;
	const char *name; /* login, group or canonical host name, else NULL */
	const struct login_group *group; /* of PRINCIPAL_GROUP */
};

struct principals {
	const struct principal *items;
	size_t count;
};

/* [group NAME]: logins, compared whole and without ASCII case. */
struct login_group {
	const char *name;
	const char *const *members; /* sorted by login_compare */
	size_t count;
};

/* ASCII case folded; for qsort and bsearch of logins. */
int login_compare(const void *a, const void *b);

/*
 * The first identity that fits: externally secured, server (by login, then by
 * certificate), user, partner, anonymous. Sets *proven to the longest domain
 * of tls_receive_domain_secure_list that a partner's certificate lies in, NULL
 * for all others.
 */
enum identity identity_of(const struct organization *organization,
    const struct connector *connector, const struct facts *facts,
    const char **proven);

/* Is the session's login one of server_identities? */
bool identity_login_is_server(
    const struct connector *connector, const struct facts *facts);

/*
 * Does mail of this session count as our own people's? User, externally
 * secured, and server unless MAIL said AUTH=<>. Nobody else, whatever rights
 * they have: Exchange 2003 let anonymous sessions pass here.
 */
bool identity_is_internal(enum identity identity, const struct facts *facts);

/* "Internal", "Partner" or "Anonymous": the stamp AuthAs (design 4.6). */
const char *identity_auth_as(
    enum identity identity, struct rights rights, const struct facts *facts);

/* The rights of a session with this identity and these facts. */
struct rights identity_rights(const struct connector *connector,
    enum identity identity, const struct facts *facts);

/*
 * Which rights could a session have here that nobody logged in, taking every
 * host: grant as held? For the relay guard and for the loader's refusal of
 * open relays. by_certificate asks for partners and servers instead of
 * anonymous, externally secured and host: sessions; what a group gives servers
 * counts where server_identities names a certificate.
 */
uint16_t identity_reachable_rights(
    const struct connector *connector, bool by_certificate);

/* Can a certificate make anybody a partner or a server here? */
bool identity_by_certificate(const struct connector *connector);

#endif
