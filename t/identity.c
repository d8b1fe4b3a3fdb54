/*
 * identity.c - who a session is, which rights it has, and how it is stamped.
 */
#include "identity.h"

#include "connector.h"
#include "tap.h"

/* The columns of the tables below. */
/* clang-format off */
static const enum right columns[RIGHT_COUNT] = {
	RIGHT_SUBMIT,
	RIGHT_ACCEPT_ANY_RECIPIENT,
	RIGHT_ACCEPT_ANY_SENDER,
	RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER,
	RIGHT_ACCEPT_AUTHENTICATION_FLAG,
	RIGHT_BYPASS_ANTI_SPAM,
	RIGHT_BYPASS_MESSAGE_SIZE_LIMIT,
	RIGHT_ACCEPT_HEADERS_ROUTING,
	RIGHT_ACCEPT_HEADERS_ORGANIZATION,
	RIGHT_ACCEPT_HEADERS_FOREST,
};

/* What each group gives each identity, as Exchange documents it. */
static const struct {
	unsigned groups;
	const char *rights[IDENTITY_COUNT];
	const char *what;
} groups[] = {
	{ 0,
	    { [IDENTITY_ANONYMOUS] =		"----------",
	    [IDENTITY_PARTNER] =		"----------",
	    [IDENTITY_USER] =			"----------",
	    [IDENTITY_SERVER] =			"----------",
	    [IDENTITY_EXTERNALLY_SECURED] =	"----------" },
	    "none" },
	{ GROUP_ANONYMOUS_USERS,
	    { [IDENTITY_ANONYMOUS] =		"x-xx---x--",
	    [IDENTITY_PARTNER] =		"----------",
	    [IDENTITY_USER] =			"----------",
	    [IDENTITY_SERVER] =			"----------",
	    [IDENTITY_EXTERNALLY_SECURED] =	"----------" },
	    "anonymous_users" },
	{ GROUP_EXCHANGE_USERS,
	    { [IDENTITY_ANONYMOUS] =		"----------",
	    [IDENTITY_PARTNER] =		"----------",
	    [IDENTITY_USER] =			"xx---x-x--",
	    [IDENTITY_SERVER] =			"----------",
	    [IDENTITY_EXTERNALLY_SECURED] =	"----------" },
	    "exchange_users" },
	{ GROUP_EXCHANGE_SERVERS,
	    { [IDENTITY_ANONYMOUS] =		"----------",
	    [IDENTITY_PARTNER] =		"----------",
	    [IDENTITY_USER] =			"----------",
	    [IDENTITY_SERVER] =			"xxxxxxxxxx",
	    [IDENTITY_EXTERNALLY_SECURED] =	"xxxxxxxx--" },
	    "exchange_servers" },
	{ GROUP_EXCHANGE_LEGACY_SERVERS,
	    { [IDENTITY_ANONYMOUS] =		"----------",
	    [IDENTITY_PARTNER] =		"----------",
	    [IDENTITY_USER] =			"----------",
	    [IDENTITY_SERVER] =			"xxxxxxxx--",
	    [IDENTITY_EXTERNALLY_SECURED] =	"----------" },
	    "exchange_legacy_servers" },
	{ GROUP_PARTNERS,
	    { [IDENTITY_ANONYMOUS] =		"----------",
	    [IDENTITY_PARTNER] =		"x------x--",
	    [IDENTITY_USER] =			"----------",
	    [IDENTITY_SERVER] =			"----------",
	    [IDENTITY_EXTERNALLY_SECURED] =	"----------" },
	    "partners" },
	{ GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_USERS |
	    GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS |
	    GROUP_PARTNERS,
	    { [IDENTITY_ANONYMOUS] =		"x-xx---x--",
	    [IDENTITY_PARTNER] =		"x------x--",
	    [IDENTITY_USER] =			"xx---x-x--",
	    [IDENTITY_SERVER] =			"xxxxxxxxxx",
	    [IDENTITY_EXTERNALLY_SECURED] =	"xxxxxxxx--" },
	    "all groups together" },
};

static const char *const scanners[] = { "Alice", "bob", "scan@example.com" };
static const struct login_group scan_group = {
	"scan", scanners, nitems(scanners),
};
static const struct login_group nobody_group = { "nobody", NULL, 0 };

#define GRANT(kind) { PRINCIPAL_##kind, false, NULL, NULL }
#define DENY(kind) { PRINCIPAL_##kind, true, NULL, NULL }
#define GRANT_NAME(kind, name) { PRINCIPAL_##kind, false, name, NULL }
#define DENY_NAME(kind, name) { PRINCIPAL_##kind, true, name, NULL }
#define GRANT_GROUP(group) { PRINCIPAL_GROUP, false, #group, &(group) }
#define DENY_GROUP(group) { PRINCIPAL_GROUP, true, #group, &(group) }

#define USERS_MAX 4

#define YES ANSWER_YES
#define NO ANSWER_NO
#define UNKNOWN ANSWER_UNKNOWN

/* One right, one list of principals, one session. */
static const struct {
	struct principal list[USERS_MAX];
	size_t count;
	unsigned groups;
	enum identity identity;
	const char *login;
	const char *host;
	enum answer verified;
	enum answer submit;
	const char *what;
} lists[] = {
	/* identities */
	{ { GRANT(ANONYMOUS) }, 1, 0, IDENTITY_ANONYMOUS, NULL, NULL, NO,
	    YES, "anonymous is granted" },
	{ { GRANT(ANONYMOUS) }, 1, 0, IDENTITY_USER, "joe", NULL, NO,
	    NO, "a login is not anonymous any more" },
	{ { GRANT(USERS) }, 1, 0, IDENTITY_USER, "joe", NULL, NO,
	    YES, "users are granted" },
	{ { GRANT(USERS) }, 1, 0, IDENTITY_ANONYMOUS, NULL, NULL, NO,
	    NO, "anonymous are no users" },
	{ { GRANT(USERS) }, 1, 0, IDENTITY_SERVER, "srv", NULL, NO,
	    NO, "a server logged in is no user" },
	{ { GRANT(SERVERS) }, 1, 0, IDENTITY_SERVER, "srv", NULL, NO,
	    YES, "servers are granted" },
	{ { GRANT(LEGACY_SERVERS) }, 1, 0, IDENTITY_SERVER, "srv", NULL, NO,
	    YES, "a server holds legacy_servers too" },
	{ { GRANT(PARTNERS) }, 1, 0, IDENTITY_PARTNER, NULL, NULL, NO,
	    YES, "partners are granted" },
	{ { GRANT(EXTERNALLY_SECURED) }, 1, 0, IDENTITY_EXTERNALLY_SECURED,
	    NULL, NULL, NO, YES, "externally secured is granted" },
	{ { GRANT(SERVERS) }, 1, 0, IDENTITY_EXTERNALLY_SECURED, NULL, NULL,
	    NO, NO, "externally secured is no server" },
	/* denials */
	{ { DENY(ANONYMOUS) }, 1, GROUP_ANONYMOUS_USERS, IDENTITY_ANONYMOUS,
	    NULL, NULL, NO, NO, "a denial takes what the group gives" },
	{ { DENY(USERS) }, 1, GROUP_ANONYMOUS_USERS, IDENTITY_ANONYMOUS,
	    NULL, NULL, NO, YES, "a denial of others takes nothing" },
	{ { GRANT(ANONYMOUS), DENY(ANONYMOUS) }, 2, 0, IDENTITY_ANONYMOUS,
	    NULL, NULL, NO, NO, "deny wins behind a grant" },
	{ { DENY(ANONYMOUS), GRANT(ANONYMOUS) }, 2, 0, IDENTITY_ANONYMOUS,
	    NULL, NULL, NO, NO, "deny wins before a grant" },
	{ { GRANT_NAME(LOGIN, "joe"), DENY(USERS) }, 2, 0, IDENTITY_USER,
	    "joe", NULL, NO, NO,
	    "a denied identity is not saved by its login" },
	{ { DENY_NAME(LOGIN, "joe") }, 1, GROUP_EXCHANGE_USERS,
	    IDENTITY_USER, "JOE", NULL, NO, NO,
	    "a denied login, in any case" },
	{ { DENY_NAME(LOGIN, "joe") }, 1, GROUP_EXCHANGE_USERS,
	    IDENTITY_USER, "jim", NULL, NO, YES,
	    "another login keeps the right" },
	{ { DENY_GROUP(scan_group) }, 1, GROUP_EXCHANGE_USERS,
	    IDENTITY_USER, "alice", NULL, NO, NO, "a denied group" },
	{ { DENY_NAME(HOST, "bad.example") }, 1, GROUP_ANONYMOUS_USERS,
	    IDENTITY_ANONYMOUS, NULL, "mx.bad.example", YES, NO,
	    "a denied host" },
	{ { GRANT_NAME(HOST, "mx.bad.example"),
	    DENY_NAME(HOST_BELOW, "bad.example") }, 2, 0,
	    IDENTITY_ANONYMOUS, NULL, "mx.bad.example", YES, NO,
	    "a denied host is not saved by a grant" },
	/* logins and groups */
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_USER, "joe", NULL, NO,
	    YES, "user: its login" },
	{ { GRANT_NAME(LOGIN, "Joe@Example.com") }, 1, 0, IDENTITY_USER,
	    "jOE@eXAMPLE.COM", NULL, NO, YES, "user: without case" },
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_USER, "joey", NULL,
	    NO, NO, "user: a longer login is another" },
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_USER, "jo", NULL,
	    NO, NO, "user: a shorter login is another" },
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_USER,
	    "joe@example.com", NULL, NO, NO,
	    "user: with a realm it is another" },
	{ { GRANT_NAME(LOGIN, "jos\xc3\xa9") }, 1, 0, IDENTITY_USER,
	    "JOS\xc3\x89", NULL, NO, NO, "user: only ASCII is folded" },
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_ANONYMOUS, NULL,
	    NULL, NO, NO, "user: nobody logged in" },
	{ { GRANT_NAME(LOGIN, "joe") }, 1, 0, IDENTITY_EXTERNALLY_SECURED,
	    "joe", NULL, NO, YES,
	    "an externally secured session may hold user: too" },
	{ { GRANT_NAME(LOGIN, "srv") }, 1, 0, IDENTITY_SERVER, "srv", NULL,
	    NO, YES, "so may a server" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_SERVER, "bob", NULL,
	    NO, YES, "group: a server that logged in" },
	{ { DENY(LEGACY_SERVERS) }, 1, GROUP_EXCHANGE_SERVERS,
	    IDENTITY_SERVER, "srv", NULL, NO, NO,
	    "a denial of legacy_servers binds every server" },
	{ { DENY(PARTNERS) }, 1, GROUP_PARTNERS, IDENTITY_PARTNER, NULL,
	    NULL, NO, NO, "a denial of partners" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_USER, "ALICE", NULL,
	    NO, YES, "group: its first member, without case" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_USER,
	    "SCAN@EXAMPLE.COM", NULL, NO, YES, "group: its last member" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_USER, "carol", NULL,
	    NO, NO, "group: not a member" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_USER, "scan", NULL,
	    NO, NO, "group: its name is no member" },
	{ { GRANT_GROUP(nobody_group) }, 1, 0, IDENTITY_USER, "joe", NULL,
	    NO, NO, "group: without members" },
	{ { GRANT_GROUP(scan_group) }, 1, 0, IDENTITY_ANONYMOUS, NULL,
	    NULL, NO, NO, "group: nobody logged in" },
	/* hosts, verified */
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "relay.example", YES, YES, "host: itself" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "a.b.relay.example", YES, YES, "host: below it" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "notrelay.example", YES, NO,
	    "host: a name that ends alike is another" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "example", YES, NO, "host: not above it" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "relay.example.evil.test", YES, NO,
	    "host: not a name that begins alike" },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, 0,
	    IDENTITY_ANONYMOUS, NULL, "mx.relay.example", YES, YES,
	    "host:. below it" },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, 0,
	    IDENTITY_ANONYMOUS, NULL, "relay.example", YES, NO,
	    "host:. not itself" },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, 0,
	    IDENTITY_ANONYMOUS, NULL, "mxrelay.example", YES, NO,
	    "host:. not a name that ends alike" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_USER,
	    "joe", "relay.example", YES, YES,
	    "host: whoever comes from there, logged in or not" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, NULL, YES, UNKNOWN,
	    "host: verified, but no name that can be compared" },
	/* hosts, not verified */
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "relay.example", NO, NO,
	    "host: a name that is not verified counts nothing" },
	{ { DENY_NAME(HOST, "relay.example") }, 1, GROUP_ANONYMOUS_USERS,
	    IDENTITY_ANONYMOUS, NULL, "relay.example", NO, YES,
	    "nor does it in a denial" },
	/* hosts, DNS failed */
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, "relay.example", UNKNOWN, UNKNOWN,
	    "DNS failed: only a host: would give it" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, NULL, UNKNOWN, UNKNOWN,
	    "DNS failed: without any name as well" },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, 0,
	    IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, UNKNOWN,
	    "DNS failed: host:. likewise" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, GROUP_ANONYMOUS_USERS,
	    IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, YES,
	    "DNS failed: the group gives it anyhow" },
	{ { GRANT_NAME(HOST, "relay.example"), GRANT(ANONYMOUS) }, 2, 0,
	    IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, YES,
	    "DNS failed: another grant gives it anyhow" },
	{ { DENY_NAME(HOST, "relay.example") }, 1, GROUP_ANONYMOUS_USERS,
	    IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, UNKNOWN,
	    "DNS failed: a host: denial would take what is held" },
	{ { DENY_NAME(HOST, "relay.example") }, 1, 0, IDENTITY_ANONYMOUS,
	    NULL, NULL, UNKNOWN, NO,
	    "DNS failed: a denial of what is not held" },
	{ { DENY_NAME(HOST, "relay.example"), DENY(ANONYMOUS) }, 2,
	    GROUP_ANONYMOUS_USERS, IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN,
	    NO, "DNS failed: another denial takes it anyhow" },
	{ { GRANT_NAME(HOST, "a.example"), DENY_NAME(HOST, "b.example") }, 2,
	    0, IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, UNKNOWN,
	    "DNS failed: neither grant nor denial is known" },
	{ { GRANT_NAME(HOST, "a.example"), DENY(ANONYMOUS) }, 2, 0,
	    IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN, NO,
	    "DNS failed: a denial that is known decides" },
	{ { GRANT(USERS) }, 1, 0, IDENTITY_ANONYMOUS, NULL, NULL, UNKNOWN,
	    NO, "DNS failed: without host: it does not matter" },
};

static const struct server_identity servers[] = {
	{ false, "srv" }, { true, "mail.example" }, { false, "Mx@Example.com" },
};

/* Sorted as domain_set_sort does it. */
static struct domain_pattern secure_domains[] = {
	{ "eu.partner.test", false }, { "other.test", false },
	{ "partner.test", false }, { "wild.test", true },
};
static const struct organization organization = {
	.tls_receive_domain_secure_list = {
		secure_domains, nitems(secure_domains),
	},
};

#define EXTERNAL AUTH_EXTERNAL_AUTHORITATIVE
#define SERVER AUTH_TLS | AUTH_EXCHANGE_SERVER

/* The connector has all of the above, and domain_secure_enabled if secure. */
static const struct {
	unsigned mechanisms;
	unsigned groups;
	bool secure;
	enum mechanism mechanism;
	const char *login;
	enum tls_version tls;
	const char *certificate;
	enum identity identity;
	const char *proven;
	const char *what;
} identities[] = {
	{ AUTH_TLS, GROUP_ANONYMOUS_USERS, false, MECHANISM_NONE, NULL,
	    TLS_OFF, NULL, IDENTITY_ANONYMOUS, NULL, "nobody logged in" },
	{ 0, 0, false, MECHANISM_NONE, NULL, TLS_OFF, NULL,
	    IDENTITY_ANONYMOUS, NULL,
	    "without groups it is anonymous all the same" },
	{ AUTH_TLS, GROUP_ANONYMOUS_USERS, false, MECHANISM_BASIC, "joe",
	    TLS_OFF, NULL, IDENTITY_USER, NULL,
	    "a login replaces anonymous" },
	{ AUTH_TLS, 0, false, MECHANISM_OTHER, "joe", TLS_OFF, NULL,
	    IDENTITY_USER, NULL, "by whatever mechanism" },
	{ AUTH_TLS, 0, false, MECHANISM_XCLIENT, "joe", TLS_OFF, NULL,
	    IDENTITY_USER, NULL, "by XCLIENT" },
	/* externally secured */
	{ EXTERNAL, GROUP_EXCHANGE_SERVERS, false, MECHANISM_NONE, NULL,
	    TLS_OFF, NULL, IDENTITY_EXTERNALLY_SECURED, NULL,
	    "externally secured needs no login" },
	{ EXTERNAL | AUTH_TLS,
	    GROUP_EXCHANGE_SERVERS | GROUP_ANONYMOUS_USERS, false,
	    MECHANISM_NONE, NULL, TLS_OFF, NULL,
	    IDENTITY_EXTERNALLY_SECURED, NULL, "with others beside it" },
	{ EXTERNAL, GROUP_EXCHANGE_SERVERS, false, MECHANISM_BASIC, "joe",
	    TLS_OFF, NULL, IDENTITY_EXTERNALLY_SECURED, NULL,
	    "externally secured comes before a login" },
	{ EXTERNAL | SERVER, GROUP_EXCHANGE_SERVERS, true, MECHANISM_BASIC,
	    "srv", TLS_1_3, "mail.example", IDENTITY_EXTERNALLY_SECURED,
	    NULL, "externally secured comes before a server" },
	{ EXTERNAL, GROUP_EXCHANGE_SERVERS, true, MECHANISM_NONE, NULL,
	    TLS_1_3, "partner.test", IDENTITY_EXTERNALLY_SECURED, NULL,
	    "externally secured comes before a partner, and proves nothing" },
	{ EXTERNAL, GROUP_ANONYMOUS_USERS, false, MECHANISM_NONE, NULL,
	    TLS_OFF, NULL, IDENTITY_ANONYMOUS, NULL,
	    "external_authoritative without exchange_servers" },
	{ EXTERNAL, GROUP_EXCHANGE_LEGACY_SERVERS, false, MECHANISM_NONE,
	    NULL, TLS_OFF, NULL, IDENTITY_ANONYMOUS, NULL,
	    "legacy servers are not exchange_servers" },
	{ AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, MECHANISM_NONE, NULL,
	    TLS_OFF, NULL, IDENTITY_ANONYMOUS, NULL,
	    "exchange_servers without external_authoritative" },
	/* server */
	{ SERVER, 0, false, MECHANISM_BASIC, "srv", TLS_OFF, NULL,
	    IDENTITY_SERVER, NULL, "a login of server_identities" },
	{ SERVER, 0, false, MECHANISM_INTEGRATED, "mX@eXAMPLE.COM", TLS_OFF,
	    NULL, IDENTITY_SERVER, NULL, "in any case" },
	{ SERVER, 0, false, MECHANISM_BASIC, "srv2", TLS_OFF, NULL,
	    IDENTITY_USER, NULL, "a longer login is another" },
	{ SERVER, 0, false, MECHANISM_BASIC, "sr", TLS_OFF, NULL,
	    IDENTITY_USER, NULL, "a shorter one too" },
	{ SERVER, 0, false, MECHANISM_BASIC, "mail.example", TLS_OFF, NULL,
	    IDENTITY_USER, NULL,
	    "a login called like a certificate is a user" },
	{ SERVER, 0, false, MECHANISM_NONE, "srv", TLS_OFF, NULL,
	    IDENTITY_ANONYMOUS, NULL, "a name without a login" },
	{ SERVER, 0, false, MECHANISM_NONE, NULL, TLS_1_3, "mail.example",
	    IDENTITY_SERVER, NULL, "a certificate of server_identities" },
	{ SERVER, 0, false, MECHANISM_NONE, NULL, TLS_OTHER, "mail.example",
	    IDENTITY_SERVER, NULL, "in TLS of an unknown version" },
	{ SERVER, 0, false, MECHANISM_NONE, NULL, TLS_OFF, "mail.example",
	    IDENTITY_ANONYMOUS, NULL, "a certificate without TLS" },
	{ SERVER, 0, false, MECHANISM_NONE, NULL, TLS_1_3,
	    "x.mail.example", IDENTITY_ANONYMOUS, NULL,
	    "a certificate below it is another" },
	{ SERVER, 0, false, MECHANISM_NONE, NULL, TLS_1_3, "srv",
	    IDENTITY_ANONYMOUS, NULL,
	    "a certificate called like a login is nobody" },
	{ SERVER, 0, false, MECHANISM_BASIC, "joe", TLS_1_3, "mail.example",
	    IDENTITY_SERVER, NULL, "a server's certificate before a user" },
	{ SERVER, 0, true, MECHANISM_BASIC, "srv", TLS_1_3, "partner.test",
	    IDENTITY_SERVER, NULL, "a server before a partner" },
	{ AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, MECHANISM_BASIC, "srv",
	    TLS_OFF, NULL, IDENTITY_USER, NULL,
	    "without exchange_server a server's login is a user" },
	{ AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, MECHANISM_NONE, NULL,
	    TLS_1_3, "mail.example", IDENTITY_ANONYMOUS, NULL,
	    "without exchange_server its certificate is nobody" },
	/* partner */
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3, "partner.test",
	    IDENTITY_PARTNER, "partner.test", "a partner's own name" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3,
	    "mx.partner.test", IDENTITY_PARTNER, "partner.test",
	    "a name below it" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3,
	    "mx.eu.partner.test", IDENTITY_PARTNER, "eu.partner.test",
	    "the longest domain is proven" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3,
	    "notpartner.test", IDENTITY_ANONYMOUS, NULL,
	    "a name that ends alike is nobody" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3, "test",
	    IDENTITY_ANONYMOUS, NULL, "nor is one above" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_1_3, "x.wild.test",
	    IDENTITY_ANONYMOUS, NULL, "a wildcard proves nothing" },
	{ AUTH_TLS, 0, true, MECHANISM_NONE, NULL, TLS_OFF, "partner.test",
	    IDENTITY_ANONYMOUS, NULL, "a partner's name without TLS" },
	{ AUTH_TLS, 0, false, MECHANISM_NONE, NULL, TLS_1_3, "partner.test",
	    IDENTITY_ANONYMOUS, NULL, "without domain_secure_enabled" },
	{ AUTH_TLS, 0, true, MECHANISM_BASIC, "joe", TLS_1_3,
	    "partner.test", IDENTITY_USER, NULL,
	    "a user before a partner, and nothing is proven" },
	{ SERVER, 0, true, MECHANISM_NONE, NULL, TLS_1_3, "partner.test",
	    IDENTITY_PARTNER, "partner.test",
	    "a partner where there are servers" },
};

/* What becomes of mail in the eyes of our own servers. */
static const struct {
	enum identity identity;
	bool flag; /* accept_authentication_flag is held */
	bool auth_null;
	bool internal;
	const char *auth_as;
} stamps[] = {
	{ IDENTITY_ANONYMOUS, false, false, false, "Anonymous" },
	{ IDENTITY_ANONYMOUS, true, false, false, "Anonymous" },
	{ IDENTITY_ANONYMOUS, true, true, false, "Anonymous" },
	{ IDENTITY_PARTNER, false, false, false, "Partner" },
	{ IDENTITY_PARTNER, true, false, false, "Partner" },
	{ IDENTITY_PARTNER, true, true, false, "Partner" },
	{ IDENTITY_USER, false, false, true, "Internal" },
	{ IDENTITY_USER, true, true, true, "Internal" },
	{ IDENTITY_SERVER, true, false, true, "Internal" },
	{ IDENTITY_SERVER, true, true, false, "Anonymous" },
	{ IDENTITY_SERVER, false, false, true, "Anonymous" },
	{ IDENTITY_SERVER, false, true, false, "Anonymous" },
	{ IDENTITY_EXTERNALLY_SECURED, true, false, true, "Internal" },
	{ IDENTITY_EXTERNALLY_SECURED, false, true, true, "Internal" },
};

/* Who gets accept_any_recipient without a login. */
static const struct {
	struct principal list[USERS_MAX];
	size_t count;
	unsigned mechanisms;
	unsigned groups;
	bool relay;
	bool by_certificate;
	const char *what;
	bool secure;     /* domain_secure_enabled */
	size_t servers;  /* how many of the server_identities above */
	bool by_name;    /* identity_by_certificate */
} reachable[] = {
	{ { GRANT(ANONYMOUS) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS, true,
	    false, "relay for anonymous", false, 0, false },
	{ { GRANT(USERS) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS, false,
	    false, "relay for users needs a login", false, 0, false },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_ANONYMOUS_USERS, false, false,
	    "the anonymous group gives no relay", false, 0, false },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_EXCHANGE_USERS, false, false,
	    "the group of users gives it to logins only", false, 0, false },
	{ { GRANT_NAME(LOGIN, "joe"), GRANT_GROUP(scan_group) }, 2,
	    AUTH_TLS, GROUP_ANONYMOUS_USERS, false, false,
	    "user: and group: need a login", false, 0, false },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, AUTH_TLS, 0, true, false,
	    "host: counts as held", false, 0, false },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, AUTH_TLS, 0, true,
	    false, "host:. counts as held", false, 0, false },
	{ { GRANT(ANONYMOUS), DENY(ANONYMOUS) }, 2, AUTH_TLS, 0, false,
	    false, "denied to anonymous", false, 0, false },
	{ { GRANT_NAME(HOST, "relay.example"), DENY(ANONYMOUS) }, 2,
	    AUTH_TLS, 0, false, false, "denied to all who could come",
	    false, 0, false },
	{ { GRANT(ANONYMOUS), DENY_NAME(HOST, "bad.example") }, 2, AUTH_TLS,
	    0, true, false, "a denied host leaves the others",
	    false, 0, false },
	{ { { 0 } }, 0, AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_SERVERS,
	    true, false, "externally secured relays by its group",
	    false, 0, false },
	{ { DENY(EXTERNALLY_SECURED) }, 1, AUTH_EXTERNAL_AUTHORITATIVE,
	    GROUP_EXCHANGE_SERVERS, false, false,
	    "unless it is denied that", false, 0, false },
	{ { GRANT(ANONYMOUS) }, 1, AUTH_EXTERNAL_AUTHORITATIVE,
	    GROUP_EXCHANGE_SERVERS, true, false,
	    "a grant for anonymous takes nothing from it", false, 0, false },
	{ { GRANT(EXTERNALLY_SECURED) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS,
	    false, false, "nobody is externally secured here",
	    false, 0, false },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, false,
	    "a group of servers nobody belongs to", false, 0, false },
	{ { GRANT(PARTNERS) }, 1, AUTH_TLS, GROUP_PARTNERS, false, true,
	    "relay for partners hangs on a certificate", false, 0, false },
	{ { GRANT(SERVERS) }, 1, AUTH_TLS, 0, false, true,
	    "relay for servers likewise", false, 0, false },
	{ { GRANT(PARTNERS), DENY(PARTNERS) }, 2, AUTH_TLS, GROUP_PARTNERS,
	    false, false, "denied to partners", false, 0, false },
	{ { GRANT(PARTNERS) }, 1, AUTH_TLS, GROUP_PARTNERS, false, true,
	    "partners that there can be", true, 0, true },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_PARTNERS, false, false,
	    "the group of partners gives no relay", true, 0, true },
	{ { { 0 } }, 0, SERVER, GROUP_EXCHANGE_SERVERS, false, true,
	    "servers by certificate relay by their group", false, 2, true },
	{ { { 0 } }, 0, SERVER, GROUP_EXCHANGE_LEGACY_SERVERS, false, true,
	    "legacy servers likewise", false, 2, true },
	{ { { 0 } }, 0, SERVER, GROUP_EXCHANGE_SERVERS, false, false,
	    "servers by login do not", false, 1, false },
	{ { { 0 } }, 0, SERVER, GROUP_EXCHANGE_SERVERS, false, false,
	    "nor do servers that nobody is", false, 0, false },
	{ { { 0 } }, 0, SERVER, GROUP_ANONYMOUS_USERS, false, false,
	    "nor do servers without their group", false, 2, true },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, false,
	    "nor do they without exchange_server", false, 2, false },
	{ { DENY(SERVERS) }, 1, SERVER, GROUP_EXCHANGE_SERVERS, false,
	    false, "nor do servers that are denied it", false, 2, true },
	{ { DENY(LEGACY_SERVERS) }, 1, SERVER, GROUP_EXCHANGE_SERVERS,
	    false, false, "a server holds legacy_servers too", false, 2,
	    true },
	{ { GRANT(ANONYMOUS) }, 1, SERVER, GROUP_EXCHANGE_SERVERS, true,
	    true, "anonymous and servers by certificate", false, 2, true },
};
/* clang-format on */

static void
set_list(struct connector *connector, enum right right,
    const struct principal *list, size_t count)
{
	connector->rights[right] = (struct principals){ list, count };
}

static void
check_groups(void)
{
	static const struct facts facts = { .client_name = NULL };

	for (size_t i = 0; i < nitems(groups); i++) {
		const struct connector connector = {
			.permission_groups = groups[i].groups,
		};

		for (unsigned who = 0; who < IDENTITY_COUNT; who++) {
			char got[RIGHT_COUNT + 1] = "";
			char what[80];
			const struct rights rights =
			    identity_rights(&connector, who, &facts);

			for (size_t k = 0; k < RIGHT_COUNT; k++)
				got[k] = "-x?"[rights_have(rights, columns[k])];
			snprintf(what, sizeof(what), "%s, as %s",
			    groups[i].what, identity_name(who));
			is_str(got, groups[i].rights[who], what);
		}
	}
}

static void
check_lists(void)
{
	for (size_t i = 0; i < nitems(lists); i++) {
		struct connector connector = {
			.permission_groups = lists[i].groups,
		};
		const struct facts facts = {
			.mechanism = lists[i].login != NULL ? MECHANISM_BASIC
							    : MECHANISM_NONE,
			.login = lists[i].login,
			.client_name = lists[i].host,
			.client_name_verified = lists[i].verified,
		};
		struct rights rights, others;

		others = identity_rights(&connector, lists[i].identity, &facts);
		set_list(
		    &connector, RIGHT_SUBMIT, lists[i].list, lists[i].count);
		rights = identity_rights(&connector, lists[i].identity, &facts);
		is_int(rights_have(rights, RIGHT_SUBMIT), lists[i].submit,
		    lists[i].what);
		ok(((rights.held ^ others.held) & ~(1u << RIGHT_SUBMIT)) == 0 &&
			(rights.unknown & ~(1u << RIGHT_SUBMIT)) == 0 &&
			(rights.held & rights.unknown) == 0,
		    "%s: no other right changes", lists[i].what);
	}
}

static void
check_identities(void)
{
	for (size_t i = 0; i < nitems(identities); i++) {
		const struct connector connector = {
			.auth_mechanism = identities[i].mechanisms,
			.permission_groups = identities[i].groups,
			.domain_secure_enabled = identities[i].secure,
			.server_identities = { servers, nitems(servers) },
		};
		const struct facts facts = {
			.mechanism = identities[i].mechanism,
			.login = identities[i].login,
			.tls = identities[i].tls,
			.certificate = identities[i].certificate,
		};
		const char *proven = "not set";
		const enum identity identity =
		    identity_of(&organization, &connector, &facts, &proven);

		is_str(identity_name(identity),
		    identity_name(identities[i].identity), identities[i].what);
		is_str(proven, identities[i].proven, identities[i].what);
	}
}

static void
check_stamps(void)
{
	for (size_t i = 0; i < nitems(stamps); i++) {
		const uint16_t bit = 1u << RIGHT_ACCEPT_AUTHENTICATION_FLAG;
		const struct facts facts = { .auth_null = stamps[i].auth_null };
		const struct rights rights = { stamps[i].flag ? bit : 0, 0 };
		const struct rights unknown = { 0, bit };
		const enum identity who = stamps[i].identity;
		const char *what = identity_name(who);

		is_int(identity_is_internal(who, &facts), stamps[i].internal,
		    what);
		is_str(identity_auth_as(who, rights, &facts), stamps[i].auth_as,
		    what);
		if (!stamps[i].flag)
			is_str(identity_auth_as(who, unknown, &facts),
			    stamps[i].auth_as, "a right that is not known");
	}
}

static void
check_server_logins(void)
{
	const struct connector connector = {
		.server_identities = { servers, nitems(servers) },
	};
	struct facts facts = { .mechanism = MECHANISM_BASIC, .login = "SRV" };

	ok(identity_login_is_server(&connector, &facts), "a server's login");
	facts.login = "mail.example";
	ok(!identity_login_is_server(&connector, &facts),
	    "the name of a certificate is none");
	facts.login = NULL;
	ok(!identity_login_is_server(&connector, &facts), "nor is no login");
}

static void
check_reachable(void)
{
	const unsigned bit = 1u << RIGHT_ACCEPT_ANY_RECIPIENT;

	for (size_t i = 0; i < nitems(reachable); i++) {
		struct connector connector = {
			.auth_mechanism = reachable[i].mechanisms,
			.permission_groups = reachable[i].groups,
			.domain_secure_enabled = reachable[i].secure,
			.server_identities = { servers, reachable[i].servers },
		};

		set_list(&connector, RIGHT_ACCEPT_ANY_RECIPIENT,
		    reachable[i].list, reachable[i].count);
		is_int(
		    (identity_reachable_rights(&connector, false) & bit) != 0,
		    reachable[i].relay, reachable[i].what);
		is_int((identity_reachable_rights(&connector, true) & bit) != 0,
		    reachable[i].by_certificate, reachable[i].what);
		is_int(identity_by_certificate(&connector),
		    reachable[i].by_name, reachable[i].what);
	}
}

/* Lists of rights are printed in this order and must come out sorted. */
static void
check_names(void)
{
	for (unsigned i = 1; i < RIGHT_COUNT; i++)
		ok(strcmp(right_name(i - 1), right_name(i)) < 0,
		    "%s stands behind %s", right_name(i), right_name(i - 1));
	for (unsigned i = 0; i < IDENTITY_COUNT; i++)
		ok(identity_name(i)[0] != '\0', "%s is an identity",
		    identity_name(i));
}

int
main(void)
{
	check_groups();
	check_lists();
	check_identities();
	check_stamps();
	check_server_logins();
	check_reachable();
	check_names();
	return done();
}
