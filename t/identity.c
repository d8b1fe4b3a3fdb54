/*
 * identity.c - who a session is and which rights it has, cell by cell.
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

static const struct {
	unsigned mechanisms;
	unsigned groups;
	enum mechanism mechanism;
	enum identity identity;
	const char *what;
} identities[] = {
	{ AUTH_TLS, GROUP_ANONYMOUS_USERS, MECHANISM_NONE,
	    IDENTITY_ANONYMOUS, "nobody logged in" },
	{ 0, 0, MECHANISM_NONE, IDENTITY_ANONYMOUS,
	    "without groups it is anonymous all the same" },
	{ AUTH_TLS, GROUP_ANONYMOUS_USERS, MECHANISM_BASIC, IDENTITY_USER,
	    "a login replaces anonymous" },
	{ AUTH_TLS, 0, MECHANISM_OTHER, IDENTITY_USER,
	    "by whatever mechanism" },
	{ AUTH_TLS, 0, MECHANISM_XCLIENT, IDENTITY_USER, "by XCLIENT" },
	{ AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_SERVERS,
	    MECHANISM_NONE, IDENTITY_EXTERNALLY_SECURED,
	    "externally secured needs no login" },
	{ AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS,
	    GROUP_EXCHANGE_SERVERS | GROUP_ANONYMOUS_USERS, MECHANISM_NONE,
	    IDENTITY_EXTERNALLY_SECURED, "with others beside it" },
	{ AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_SERVERS,
	    MECHANISM_BASIC, IDENTITY_EXTERNALLY_SECURED,
	    "externally secured comes before a login" },
	{ AUTH_EXTERNAL_AUTHORITATIVE, GROUP_ANONYMOUS_USERS,
	    MECHANISM_NONE, IDENTITY_ANONYMOUS,
	    "external_authoritative without exchange_servers" },
	{ AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_LEGACY_SERVERS,
	    MECHANISM_NONE, IDENTITY_ANONYMOUS,
	    "legacy servers are not exchange_servers" },
	{ AUTH_TLS, GROUP_EXCHANGE_SERVERS, MECHANISM_NONE,
	    IDENTITY_ANONYMOUS,
	    "exchange_servers without external_authoritative" },
	{ AUTH_TLS, GROUP_EXCHANGE_SERVERS, MECHANISM_BASIC, IDENTITY_USER,
	    "exchange_servers do not make a login a server" },
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
} reachable[] = {
	{ { GRANT(ANONYMOUS) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS, true,
	    false, "relay for anonymous" },
	{ { GRANT(USERS) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS, false,
	    false, "relay for users needs a login" },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_ANONYMOUS_USERS, false, false,
	    "the anonymous group gives no relay" },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_EXCHANGE_USERS, false, false,
	    "the group of users gives it to logins only" },
	{ { GRANT_NAME(LOGIN, "joe"), GRANT_GROUP(scan_group) }, 2,
	    AUTH_TLS, GROUP_ANONYMOUS_USERS, false, false,
	    "user: and group: need a login" },
	{ { GRANT_NAME(HOST, "relay.example") }, 1, AUTH_TLS, 0, true, false,
	    "host: counts as held" },
	{ { GRANT_NAME(HOST_BELOW, "relay.example") }, 1, AUTH_TLS, 0, true,
	    false, "host:. counts as held" },
	{ { GRANT(ANONYMOUS), DENY(ANONYMOUS) }, 2, AUTH_TLS, 0, false,
	    false, "denied to anonymous" },
	{ { GRANT_NAME(HOST, "relay.example"), DENY(ANONYMOUS) }, 2,
	    AUTH_TLS, 0, false, false, "denied to all who could come" },
	{ { GRANT(ANONYMOUS), DENY_NAME(HOST, "bad.example") }, 2, AUTH_TLS,
	    0, true, false, "a denied host leaves the others" },
	{ { { 0 } }, 0, AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_SERVERS,
	    true, false, "externally secured relays by its group" },
	{ { DENY(EXTERNALLY_SECURED) }, 1, AUTH_EXTERNAL_AUTHORITATIVE,
	    GROUP_EXCHANGE_SERVERS, false, false,
	    "unless it is denied that" },
	{ { GRANT(ANONYMOUS) }, 1, AUTH_EXTERNAL_AUTHORITATIVE,
	    GROUP_EXCHANGE_SERVERS, true, false,
	    "a grant for anonymous takes nothing from it" },
	{ { GRANT(EXTERNALLY_SECURED) }, 1, AUTH_TLS, GROUP_ANONYMOUS_USERS,
	    false, false, "nobody is externally secured here" },
	{ { { 0 } }, 0, AUTH_TLS, GROUP_EXCHANGE_SERVERS, false, false,
	    "a group of servers nobody belongs to" },
	{ { GRANT(PARTNERS) }, 1, AUTH_TLS, GROUP_PARTNERS, false, true,
	    "relay for partners hangs on a certificate" },
	{ { GRANT(SERVERS) }, 1, AUTH_TLS, 0, false, true,
	    "relay for servers likewise" },
	{ { GRANT(PARTNERS), DENY(PARTNERS) }, 2, AUTH_TLS, GROUP_PARTNERS,
	    false, false, "denied to partners" },
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
		};
		const struct facts facts = {
			.mechanism = identities[i].mechanism,
			.login = identities[i].mechanism != MECHANISM_NONE
			    ? "joe"
			    : NULL,
		};

		is_str(identity_name(identity_of(&connector, &facts)),
		    identity_name(identities[i].identity), identities[i].what);
	}
}

static void
check_reachable(void)
{
	const unsigned bit = 1u << RIGHT_ACCEPT_ANY_RECIPIENT;

	for (size_t i = 0; i < nitems(reachable); i++) {
		struct connector connector = {
			.auth_mechanism = reachable[i].mechanisms,
			.permission_groups = reachable[i].groups,
		};

		set_list(&connector, RIGHT_ACCEPT_ANY_RECIPIENT,
		    reachable[i].list, reachable[i].count);
		is_int(
		    (identity_reachable_rights(&connector, false) & bit) != 0,
		    reachable[i].relay, reachable[i].what);
		is_int((identity_reachable_rights(&connector, true) & bit) != 0,
		    reachable[i].by_certificate, reachable[i].what);
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
	check_reachable();
	check_names();
	return done();
}
