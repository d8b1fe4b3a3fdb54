/*
 * town.h - kinds of connectors, some of which let clients relay without a
 * login, and random policies made of them: for the tests of the relay guard.
 */
#ifndef TOWN_H
#define TOWN_H

#include "connectors.h"
#include "policy.h"

/* What a connector allows, and whether its clients belong into the guard. */
struct kind {
	const char *what;
	bool relays;
	unsigned groups;
	unsigned mechanism;
	struct principals relay;
	struct principals submit;
	bool domain_secure;
	struct server_identities servers;
	enum mode mode;
};

/* clang-format off */
#define ITEMS(type, ...) \
	(const struct type[]){ __VA_ARGS__ }, \
	    nitems(((const struct type[]){ __VA_ARGS__ }))
#define LIST(...) { ITEMS(principal, __VA_ARGS__) }
#define SERVERS(...) { ITEMS(server_identity, __VA_ARGS__) }
#define YES(who) { .kind = PRINCIPAL_ ## who, .name = "a.example" }
#define NO(who) { .kind = PRINCIPAL_ ## who, .name = "a.example", .deny = true }
#define BY_CERTIFICATE { true, "hub.example" }
#define BY_LOGIN { false, "hub" }
#define NOBODY_MORE { 0 }, { 0 }, false, { 0 }, MODE_ENFORCE

static const struct kind kinds[] = {
	{ "anonymous senders without relay", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, NOBODY_MORE },
	{ "anonymous relay", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(ANONYMOUS)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "externally secured", true,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXTERNAL_AUTHORITATIVE,
	    NOBODY_MORE },
	{ "users", false,
	    GROUP_EXCHANGE_USERS, AUTH_TLS | AUTH_BASIC, NOBODY_MORE },
	{ "relay for a host", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(HOST)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "relay for hosts below a domain", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(HOST_BELOW)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "relay without the right to submit", false,
	    0, AUTH_TLS, LIST(YES(ANONYMOUS)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "relay given and denied", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS,
	    LIST(YES(ANONYMOUS), NO(ANONYMOUS)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "relay, but nobody may submit", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(ANONYMOUS)),
	    LIST(NO(ANONYMOUS)), false, { 0 }, MODE_ENFORCE },
	{ "relay for one login", false,
	    GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_USERS, AUTH_TLS,
	    LIST(YES(LOGIN)), { 0 }, false, { 0 }, MODE_ENFORCE },
	{ "submit and relay by grant alone", true,
	    0, AUTH_TLS, LIST(YES(ANONYMOUS)), LIST(YES(ANONYMOUS)),
	    false, { 0 }, MODE_ENFORCE },
	{ "anonymous relay that is only monitored", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(ANONYMOUS)), { 0 },
	    false, { 0 }, MODE_MONITOR },
	{ "no relay, and that only monitored", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, { 0 }, { 0 },
	    false, { 0 }, MODE_MONITOR },
	{ "relay for partners, known by certificate", true,
	    GROUP_PARTNERS, AUTH_TLS, LIST(YES(PARTNERS)), { 0 },
	    true, { 0 }, MODE_ENFORCE },
	{ "partners without relay", false,
	    GROUP_PARTNERS, AUTH_TLS, { 0 }, { 0 },
	    true, { 0 }, MODE_ENFORCE },
	{ "relay for partners where nobody can be one", false,
	    GROUP_PARTNERS, AUTH_TLS, LIST(YES(PARTNERS)), { 0 },
	    false, { 0 }, MODE_ENFORCE },
	{ "servers known by certificate", true,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    { 0 }, { 0 }, false, SERVERS(BY_LOGIN, BY_CERTIFICATE),
	    MODE_ENFORCE },
	{ "legacy servers known by certificate", true,
	    GROUP_EXCHANGE_LEGACY_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    { 0 }, { 0 }, false, SERVERS(BY_CERTIFICATE), MODE_ENFORCE },
	{ "servers known by login", false,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    { 0 }, { 0 }, false, SERVERS(BY_LOGIN), MODE_ENFORCE },
	{ "relay granted to servers known by login", false,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    LIST(YES(SERVERS)), { 0 }, false, SERVERS(BY_LOGIN),
	    MODE_ENFORCE },
	{ "a server's certificate where servers are not taken", false,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS, { 0 }, { 0 }, false,
	    SERVERS(BY_CERTIFICATE), MODE_ENFORCE },
	{ "servers known by certificate, relay denied", false,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    LIST(NO(SERVERS)), { 0 }, false, SERVERS(BY_CERTIFICATE),
	    MODE_ENFORCE },
	{ "servers known by certificate, who may not submit", false,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXCHANGE_SERVER,
	    { 0 }, LIST(NO(SERVERS)), false, SERVERS(BY_CERTIFICATE),
	    MODE_ENFORCE },
};
/* clang-format on */

enum { PLAIN, RELAY, SECURED };

__attribute__((unused)) static void
make_kind(struct connector *connector, const struct kind *kind)
{
	connector->permission_groups = kind->groups;
	connector->auth_mechanism = kind->mechanism;
	connector->rights[RIGHT_ACCEPT_ANY_RECIPIENT] = kind->relay;
	connector->rights[RIGHT_SUBMIT] = kind->submit;
	connector->domain_secure_enabled = kind->domain_secure;
	connector->server_identities = kind->servers;
	connector->mode = kind->mode;
}

/* Small ranges side by side; now and then one to an end of the family. */
__attribute__((unused)) static struct range
random_range(uint64_t *seed)
{
	const bool six = random_below(seed, 3) == 0;
	const addr_value base = six ? (addr_value)0x20010db8 << 96 : 10u << 24;
	const addr_value last = six ? ~(addr_value)0 : 0xffffffff;
	addr_value a = base + random_below(seed, 64);
	addr_value b = a + random_below(seed, 20);

	if (random_below(seed, 20) == 0)
		a = 0;
	if (random_below(seed, 20) == 0)
		b = last;
	return (struct range){ six ? ADDR_IPV6 : ADDR_IPV4, a, b, "" };
}

#define TOWN 6

struct town {
	struct connector connectors[TOWN];
	struct range ranges[TOWN][4];
	struct endpoint bindings[TOWN][2];
	bool relays[TOWN];
	struct policy policy;
};

static const char *const listeners[] = { "0.0.0.0:25", "[::]:25",
	"192.0.2.1:25", "192.0.2.2:25", "0.0.0.0:587", "192.0.2.1:587" };

__attribute__((unused)) static void
random_town(uint64_t *seed, struct arena *arena, struct town *town,
    struct range (*pick)(uint64_t *seed))
{
	static const char *const names[TOWN] = { "a", "b", "c", "d", "e", "f" };

	for (size_t i = 0; i < TOWN; i++) {
		struct connector *connector = &town->connectors[i];
		const size_t kind = random_below(seed, nitems(kinds));
		const size_t ranges = random_below(seed, 5);

		*connector = (struct connector){
			.name = names[i],
			.enabled = random_below(seed, 8) != 0,
			.expired = random_below(seed, 8) == 0,
			.bindings = { town->bindings[i], 2 },
			.remote_ip_ranges = { town->ranges[i], ranges },
		};
		make_kind(connector, &kinds[kind]);
		town->relays[i] = kinds[kind].relays;
		for (size_t k = 0; k < 2; k++)
			town->bindings[i][k] = endpoint_of(
			    listeners[random_below(seed, nitems(listeners))]);
		for (size_t k = 0; k < ranges; k++)
			town->ranges[i][k] = pick(seed);
	}
	town->policy = (struct policy){
		.connectors = town->connectors,
		.connector_count = TOWN,
		.space = space_build(arena, town->connectors, TOWN, NULL, NULL),
	};
	if (town->policy.space == NULL)
		give_up("space_build", "no memory");
}

/* May the client relay on some listener? */
__attribute__((unused)) static bool
relays_somewhere(const struct town *town, const struct addr *client)
{
	for (size_t i = 0; i < nitems(listeners); i++) {
		const struct endpoint listener = endpoint_of(listeners[i]);
		struct owner owner =
		    space_find(town->policy.space, &listener, client);

		if (owner.connector != SPACE_NOBODY &&
		    town->relays[owner.connector])
			return true;
	}
	return false;
}

#endif
