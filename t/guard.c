/*
 * The relay guard: exactly the clients that some connector lets relay without a
 * login, as the shortest table.
 */
#include "guard.h"

#include "connectors.h"
#include "tap.h"

/* What a connector allows, and whether its clients belong into the guard. */
struct kind {
	const char *what;
	bool relays;
	unsigned groups;
	unsigned mechanism;
	struct principals relay;
	struct principals submit;
};

#define LIST(...) \
	{ \
		(const struct principal[]){ __VA_ARGS__ }, \
		    nitems(((const struct principal[]){ __VA_ARGS__ })) \
	}

/* clang-format off */
#define YES(who) { .kind = PRINCIPAL_ ## who, .name = "a.example" }
#define NO(who) { .kind = PRINCIPAL_ ## who, .name = "a.example", .deny = true }

static const struct kind kinds[] = {
	{ "anonymous senders without relay", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, { 0 }, { 0 } },
	{ "anonymous relay", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(ANONYMOUS)), { 0 } },
	{ "externally secured", true,
	    GROUP_EXCHANGE_SERVERS, AUTH_TLS | AUTH_EXTERNAL_AUTHORITATIVE,
	    { 0 }, { 0 } },
	{ "users", false,
	    GROUP_EXCHANGE_USERS, AUTH_TLS | AUTH_BASIC, { 0 }, { 0 } },
	{ "relay for a host", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(HOST)), { 0 } },
	{ "relay for hosts below a domain", true,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(HOST_BELOW)), { 0 } },
	{ "relay for partners, known by certificate", true,
	    GROUP_PARTNERS, AUTH_TLS, LIST(YES(PARTNERS)), { 0 } },
	{ "relay without the right to submit", false,
	    0, AUTH_TLS, LIST(YES(ANONYMOUS)), { 0 } },
	{ "relay given and denied", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS,
	    LIST(YES(ANONYMOUS), NO(ANONYMOUS)), { 0 } },
	{ "relay, but nobody may submit", false,
	    GROUP_ANONYMOUS_USERS, AUTH_TLS, LIST(YES(ANONYMOUS)),
	    LIST(NO(ANONYMOUS)) },
	{ "relay for one login", false,
	    GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_USERS, AUTH_TLS,
	    LIST(YES(LOGIN)), { 0 } },
	{ "submit and relay by grant alone", true,
	    0, AUTH_TLS, LIST(YES(ANONYMOUS)), LIST(YES(ANONYMOUS)) },
};
/* clang-format on */

enum { PLAIN, RELAY, SECURED };

static void
make_kind(struct connector *connector, const struct kind *kind)
{
	connector->permission_groups = kind->groups;
	connector->auth_mechanism = kind->mechanism;
	connector->rights[RIGHT_ACCEPT_ANY_RECIPIENT] = kind->relay;
	connector->rights[RIGHT_SUBMIT] = kind->submit;
}

/* clang-format off */
static const struct {
	const char *what;
	struct {
		struct sketch sketch;
		size_t kind;
	} connectors[5];
	const char *want;
} tables[] = {
	{ "nobody relays", {
	    { { "a", "0.0.0.0:25", "0.0.0.0/0", LIVE }, PLAIN } },
	    "#\n# No client may relay without a login.\n" },
	{ "a range becomes the least list of prefixes", {
	    { { "a", "0.0.0.0:25", "10.20.0.15 10.20.1.0/28 "
		"10.20.2.5-10.20.2.9", LIVE }, RELAY } },
	    "10.20.0.15/32 OK\n10.20.1.0/28 OK\n10.20.2.5/32 OK\n"
	    "10.20.2.6/31 OK\n10.20.2.8/31 OK\n" },
	{ "IPv4 first, each family in order", {
	    { { "a", "[::]:25", "2001:db8:1::/48 2001:db8::7 ::1", LIVE },
		RELAY },
	    { { "b", "0.0.0.0:25", "192.0.2.0/25 10.0.0.1", LIVE }, RELAY } },
	    "10.0.0.1/32 OK\n192.0.2.0/25 OK\n::1/128 OK\n"
	    "2001:db8::7/128 OK\n2001:db8:1::/48 OK\n" },
	{ "neighbours of several connectors become one prefix", {
	    { { "a", "0.0.0.0:25", "10.0.0.0/25", LIVE }, RELAY },
	    { { "b", "0.0.0.0:25", "10.0.0.128/25", LIVE }, SECURED } },
	    "10.0.0.0/24 OK\n" },
	{ "what a narrower connector takes away is not in it", {
	    { { "a", "0.0.0.0:25", "10.0.0.0/30", LIVE }, RELAY },
	    { { "b", "0.0.0.0:25", "10.0.0.1", LIVE }, PLAIN } },
	    "10.0.0.0/32 OK\n10.0.0.2/31 OK\n" },
	{ "unless it relays on another listener", {
	    { { "a", "0.0.0.0:25 0.0.0.0:26", "10.0.0.0/30", LIVE }, RELAY },
	    { { "b", "0.0.0.0:25", "10.0.0.1", LIVE }, PLAIN } },
	    "10.0.0.0/30 OK\n" },
	{ "or on one that an exact binding hides elsewhere", {
	    { { "a", "0.0.0.0:25", "10.0.0.0/30", LIVE }, RELAY },
	    { { "b", "192.0.2.1:25", "10.0.0.1", LIVE }, PLAIN } },
	    "10.0.0.0/30 OK\n" },
	{ "disabled and expired connectors are not in it", {
	    { { "a", "0.0.0.0:25", "10.0.0.1", DISABLED }, RELAY },
	    { { "b", "0.0.0.0:25", "10.0.0.2", EXPIRED }, RELAY },
	    { { "c", "0.0.0.0:25", "10.0.0.4", LIVE }, RELAY } },
	    "10.0.0.4/32 OK\n" },
	{ "whole families", {
	    { { "a", "0.0.0.0:25", "0.0.0.0/0 ::/0", LIVE }, RELAY } },
	    "0.0.0.0/0 OK\n::/0 OK\n" },
	{ "the last addresses", {
	    { { "a", "0.0.0.0:25", "255.255.255.254-255.255.255.255 "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LIVE }, RELAY } },
	    "255.255.255.254/31 OK\n"
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 OK\n" },
};

static const char head[] =
    "# The relay guard of connector-milter, a Postfix cidr(5) table: clients\n"
    "# that may relay without a login. All others are left to the next\n"
    "# restriction. The milter decides which of their mail is relayed.\n"
    "#\n"
    "# Configuration: 0123abc\n"
    "#\n"
    "# Do not edit: change the connectors and make it anew with\n"
    "#   connectorctl mta postfix guard >relay-guard.new &&\n"
    "#       mv relay-guard.new /etc/postfix/relay-guard.cidr &&\n"
    "#       postfix reload\n"
    "#\n"
    "# Use it in main.cf as\n"
    "#   smtpd_relay_restrictions = permit_sasl_authenticated,\n"
    "#       check_client_access cidr:$config_directory/relay-guard.cidr,\n"
    "#       reject_unauth_destination\n";
/* clang-format on */

static struct guard *
guard_of(const struct policy *policy)
{
	struct guard *guard = guard_build(policy);

	if (guard == NULL)
		give_up("guard_build", "no memory");
	return guard;
}

/* The printed table; freed by the caller. */
static char *
table_of(const struct guard *guard)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL || guard_print(guard, "0123abc", out) != 0)
		give_up("guard_print", "failed");
	fclose(out);
	return text;
}

static void
test_kinds(void)
{
	static const struct sketch one[] = {
		{ "a", "0.0.0.0:25", "10.0.0.0/8", LIVE },
		{ NULL, NULL, NULL, LIVE },
	};
	struct addr client = client_of("10.1.2.3");

	for (size_t i = 0; i < nitems(kinds); i++) {
		struct arena *arena = arena_new();
		struct policy policy = policy_of(arena, one, NULL, NULL);
		struct connector connector = policy.connectors[0];
		char what[120];

		make_kind(&connector, &kinds[i]);
		policy.connectors = &connector;
		struct guard *guard = guard_of(&policy);

		snprintf(what, sizeof(what), "%s: %s", kinds[i].what,
		    kinds[i].relays ? "in the guard" : "not in the guard");
		is_int(guard_allows(guard, &client), kinds[i].relays, what);
		guard_free(guard);
		arena_free(arena);
	}
}

static void
test_tables(void)
{
	for (size_t i = 0; i < nitems(tables); i++) {
		struct arena *arena = arena_new();
		struct connector connectors[5];
		struct sketch sketches[6] = { 0 };
		struct policy policy;
		char what[120];

		for (size_t k = 0; k < 5; k++)
			sketches[k] = tables[i].connectors[k].sketch;
		policy = policy_of(arena, sketches, NULL, NULL);
		for (size_t k = 0; k < policy.connector_count; k++) {
			connectors[k] = policy.connectors[k];
			make_kind(&connectors[k],
			    &kinds[tables[i].connectors[k].kind]);
		}
		policy.connectors = connectors;
		struct guard *guard = guard_of(&policy);
		char *text = table_of(guard);

		snprintf(what, sizeof(what), "table: %s", tables[i].what);
		ok(strncmp(text, head, strlen(head)) == 0, "%s: the head",
		    what);
		is_str(text + strlen(head), tables[i].want, what);
		free(text);
		guard_free(guard);
		arena_free(arena);
	}
}

static struct range
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

static void
random_town(uint64_t *seed, struct arena *arena, struct town *town)
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
			town->ranges[i][k] = random_range(seed);
	}
	town->policy = (struct policy){
		.connectors = town->connectors,
		.connector_count = TOWN,
		.space = space_build(arena, town->connectors, TOWN, NULL, NULL),
	};
	if (town->policy.space == NULL)
		give_up("space_build", "no memory");
}

static bool
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

static void
test_random(void)
{
	uint64_t seed = 4711;
	unsigned different = 0, allowed = 0, cases = 0;

	for (unsigned n = 0; n < 5000; n++) {
		struct arena *arena = arena_new();
		struct town town;

		random_town(&seed, arena, &town);
		struct guard *guard = guard_of(&town.policy);

		for (unsigned i = 0; i < 60; i++, cases++) {
			struct range near = random_range(&seed);
			struct addr client = { near.family,
				i % 2 ? near.lo : near.hi };
			bool want = relays_somewhere(&town, &client);

			different += guard_allows(guard, &client) != want;
			allowed += want;
		}
		guard_free(guard);
		arena_free(arena);
	}
	is_int(different, 0, "who relays on some listener, and nobody else");
	ok(allowed > cases / 10 && allowed < cases / 10 * 9,
	    "%u of %u random clients may", allowed, cases);
}

int
main(void)
{
	test_kinds();
	test_tables();
	test_random();
	return done();
}
