/*
 * guard.c - the relay guard: exactly the clients that some connector lets
 * relay without a login, as the shortest table.
 */
#include "guard.h"

#include "tap.h"
#include "town.h"

struct table {
	const char *what;
	struct {
		struct sketch sketch;
		size_t kind;
	} connectors[5];
	const char *want;
};

/* clang-format off */
static const struct table postfix_tables[] = {
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

#define ONE(ranges) { { "a", "0.0.0.0:25", ranges, LIVE }, RELAY }
#define HOLE(ranges) { { "b", "0.0.0.0:25", ranges, LIVE }, PLAIN }
#define CONNECT(address) "Connect:" address "\tRELAY\n"

static const struct table sendmail_tables[] = {
	{ "nobody relays", {
	    { { "a", "0.0.0.0:25", "0.0.0.0/0", LIVE }, PLAIN } },
	    "#\n# No client may relay without a login.\n" },
	{ "whole octets", {
	    ONE("7.0.0.0/8 10.20.0.0/16 192.0.2.0/24 203.0.113.64") },
	    CONNECT("7") CONNECT("10.20") CONNECT("192.0.2")
	    CONNECT("203.0.113.64") },
	{ "zero is an octet like any other", {
	    ONE("0.0.0.0/8 10.0.0.0/16 10.1.0.0/24 10.2.0.0") },
	    CONNECT("0") CONNECT("10.0") CONNECT("10.1.0")
	    CONNECT("10.2.0.0") },
	{ "other prefixes as the next longer whole octets", {
	    ONE("10.20.2.4/30 172.16.0.0/15 192.0.2.0/23") },
	    CONNECT("10.20.2.4") CONNECT("10.20.2.5") CONNECT("10.20.2.6")
	    CONNECT("10.20.2.7") CONNECT("172.16") CONNECT("172.17")
	    CONNECT("192.0.2") CONNECT("192.0.3") },
	{ "a range from one octet to the next", {
	    ONE("10.20.2.254-10.20.4.1") },
	    CONNECT("10.20.2.254") CONNECT("10.20.2.255")
	    CONNECT("10.20.3") CONNECT("10.20.4.0") CONNECT("10.20.4.1") },
	{ "whole groups of IPv6, none shortened", {
	    ONE("2002::/16 2001:db8::/32 2001:db9:0:1::/64 2001:dba::7") },
	    CONNECT("IPv6:2001:db8") CONNECT("IPv6:2001:db9:0:1")
	    CONNECT("IPv6:2001:dba:0:0:0:0:0:7") CONNECT("IPv6:2002") },
	{ "hexadecimal without leading zeros, in small letters", {
	    ONE("ABCD:0EF:0:1:0203::A") },
	    CONNECT("IPv6:abcd:ef:0:1:203:0:0:a") },
	{ "other prefixes of IPv6", {
	    ONE("2001:db8:ffff::/47 2001:dbc::/30") },
	    CONNECT("IPv6:2001:db8:fffe") CONNECT("IPv6:2001:db8:ffff")
	    CONNECT("IPv6:2001:dbc") CONNECT("IPv6:2001:dbd")
	    CONNECT("IPv6:2001:dbe") CONNECT("IPv6:2001:dbf") },
	{ "loopback", {
	    ONE("127.0.0.1 ::1") },
	    CONNECT("127.0.0.1") CONNECT("IPv6:0:0:0:0:0:0:0:1") },
	{ "neighbours of several connectors become one line", {
	    { { "a", "0.0.0.0:25", "10.0.0.0/25", LIVE }, RELAY },
	    { { "b", "0.0.0.0:25", "10.0.0.128/25", LIVE }, SECURED } },
	    CONNECT("10.0.0") },
	{ "no line covers what a narrower connector takes away", {
	    ONE("10.0.0.0/30 2001:db8::/110"),
	    HOLE("10.0.0.1 2001:db8::1:0/112") },
	    CONNECT("10.0.0.0") CONNECT("10.0.0.2") CONNECT("10.0.0.3")
	    CONNECT("IPv6:2001:db8:0:0:0:0:0") CONNECT("IPv6:2001:db8:0:0:0:0:2")
	    CONNECT("IPv6:2001:db8:0:0:0:0:3") },
	{ "what relays inside of that is there again", {
	    ONE("10.0.0.0/23"), HOLE("10.0.0.0/24"),
	    { { "c", "0.0.0.0:25", "10.0.0.8", LIVE }, RELAY } },
	    CONNECT("10.0.0.8") CONNECT("10.0.1") },
	{ "the last addresses", {
	    ONE("255.255.255.254-255.255.255.255 "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") },
	    CONNECT("255.255.255.254") CONNECT("255.255.255.255")
	    CONNECT("IPv6:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") },
};

static const char postfix_head[] =
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

static const char sendmail_head[] =
    "# The relay guard of connector-milter, lines for Sendmail's access map:\n"
    "# clients that may relay without a login. Sendmail refuses all others by\n"
    "# itself, except 127.0.0.1 and ::1. The milter decides which of their mail\n"
    "# is relayed.\n"
    "#\n"
    "# Configuration: 0123abc\n"
    "#\n"
    "# Do not edit: change the connectors and make it anew. The lines of your\n"
    "# own in the map are kept in access.own:\n"
    "#   cd /etc/mail &&\n"
    "#       connectorctl mta sendmail guard >relay-guard &&\n"
    "#       cat access.own relay-guard >access &&\n"
    "#       makemap hash access <access\n"
    "#\n"
    "# Use it in sendmail.mc as\n"
    "#   FEATURE(`access_db')\n";
/* clang-format on */

static struct guard *
guard_of(const struct policy *policy)
{
	struct guard *guard = guard_build(policy);

	if (guard == NULL)
		give_up("guard_build", "no memory");
	return guard;
}

/* One of guard_print_*. */
typedef int printer(const struct guard *guard, const char *hash, FILE *out);

/* The printed table; freed by the caller. */
static char *
table_of(printer *print, const struct guard *guard)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL || print(guard, "0123abc", out) != 0)
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

static struct policy
policy_of_table(struct arena *arena, const struct table *table,
    struct connector connectors[5])
{
	struct sketch sketches[6] = { 0 };
	struct policy policy;

	for (size_t i = 0; i < 5; i++)
		sketches[i] = table->connectors[i].sketch;
	policy = policy_of(arena, sketches, NULL, NULL);
	for (size_t i = 0; i < policy.connector_count; i++) {
		connectors[i] = policy.connectors[i];
		make_kind(&connectors[i], &kinds[table->connectors[i].kind]);
	}
	policy.connectors = connectors;
	return policy;
}

static void
test_tables(const char *mta, printer *print, const char *head,
    const struct table *tables, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena *arena = arena_new();
		struct connector connectors[5];
		struct policy policy =
		    policy_of_table(arena, &tables[i], connectors);
		struct guard *guard = guard_of(&policy);
		char *text = table_of(print, guard);
		char what[120];

		snprintf(what, sizeof(what), "%s: %s", mta, tables[i].what);
		ok(strncmp(text, head, strlen(head)) == 0, "%s: the head",
		    what);
		is_str(text + strlen(head), tables[i].want, what);
		free(text);
		guard_free(guard);
		arena_free(arena);
	}
}

/* How many lines Sendmail needs for one prefix, and the first and the last. */
/* clang-format off */
static const struct {
	const char *range;
	size_t lines;
	const char *first;
	const char *last;
} expansions[] = {
	{ "0.0.0.0/0", 256, "0", "255" },
	{ "128.0.0.0/1", 128, "128", "255" },
	{ "10.0.0.0/9", 128, "10.0", "10.127" },
	{ "10.1.128.0/17", 128, "10.1.128", "10.1.255" },
	{ "10.1.16.0/20", 16, "10.1.16", "10.1.31" },
	{ "10.1.2.0/25", 128, "10.1.2.0", "10.1.2.127" },
	{ "::/0", 65536, "IPv6:0", "IPv6:ffff" },
	{ "8000::/1", 32768, "IPv6:8000", "IPv6:ffff" },
	{ "2001::/17", 32768, "IPv6:2001:0", "IPv6:2001:7fff" },
	{ "2001:db8::/33", 32768, "IPv6:2001:db8:0", "IPv6:2001:db8:7fff" },
	{ "2001:db8::/44", 16, "IPv6:2001:db8:0", "IPv6:2001:db8:f" },
	{ "2001:db8::/113", 32768, "IPv6:2001:db8:0:0:0:0:0:0",
	    "IPv6:2001:db8:0:0:0:0:0:7fff" },
};
/* clang-format on */

static void
test_expansion(
    const char *range, size_t lines, const char *first, const char *last)
{
	const struct table table = { "", { ONE(range) }, "" };
	struct arena *arena = arena_new();
	struct connector connectors[5];
	struct policy policy = policy_of_table(arena, &table, connectors);
	struct guard *guard = guard_of(&policy);
	char *text = table_of(guard_print_sendmail, guard);
	char *body = text + strlen(sendmail_head);
	const char *end = body + strlen(body);
	char line[80];
	size_t count = 0;

	for (const char *at = body; *at != '\0'; at++)
		count += *at == '\n';
	ok(count == lines, "%s: %zu lines, %zu wanted", range, count, lines);
	snprintf(line, sizeof(line), "Connect:%s\tRELAY\n", first);
	ok(strncmp(body, line, strlen(line)) == 0, "%s: %s is first", range,
	    first);
	snprintf(line, sizeof(line), "\nConnect:%s\tRELAY\n", last);
	ok(strlen(body) > strlen(line) && strcmp(end - strlen(line), line) == 0,
	    "%s: %s is last", range, last);
	free(text);
	guard_free(guard);
	arena_free(arena);
}

static void
test_random(void)
{
	uint64_t seed = 4711;
	unsigned different = 0, allowed = 0, cases = 0;

	for (unsigned n = 0; n < 5000; n++) {
		struct arena *arena = arena_new();
		struct town town;

		random_town(&seed, arena, &town, random_range);
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

/* What a connector may say about who relays, and the sessions it may have. */
static struct principals
random_principals(uint64_t *seed, struct principal items[3])
{
	static const enum principal_kind some[] = { PRINCIPAL_ANONYMOUS,
		PRINCIPAL_USERS, PRINCIPAL_SERVERS, PRINCIPAL_LEGACY_SERVERS,
		PRINCIPAL_PARTNERS, PRINCIPAL_EXTERNALLY_SECURED,
		PRINCIPAL_LOGIN, PRINCIPAL_HOST, PRINCIPAL_HOST_BELOW };
	const size_t count = random_below(seed, 4);

	for (size_t i = 0; i < count; i++)
		items[i] = (struct principal){
			.kind = some[random_below(seed, nitems(some))],
			.deny = random_below(seed, 3) == 0,
			.name = "a.example",
		};
	return (struct principals){ items, count };
}

/* Does any session without a login, of those, relay on the connector? */
static bool
some_session_relays(
    const struct organization *organization, const struct connector *connector)
{
	static const char *const certificates[] = { NULL, "hub.example",
		"mail.partner.example", "other.example" };
	static const char *const hosts[] = { NULL, "a.example", "x.a.example" };

	for (size_t i = 0; i < nitems(certificates) * nitems(hosts); i++) {
		const char *host = hosts[i % nitems(hosts)];
		const struct facts facts = {
			.client_name = host,
			.client_name_verified =
			    host != NULL ? ANSWER_YES : ANSWER_NO,
			.certificate = certificates[i / nitems(hosts)],
		};
		const char *proven;
		const enum identity identity =
		    identity_of(organization, connector, &facts, &proven);
		const struct rights rights =
		    identity_rights(connector, identity, &facts);

		if (rights_have(rights, RIGHT_SUBMIT) != ANSWER_NO &&
		    rights_have(rights, RIGHT_ACCEPT_ANY_RECIPIENT) !=
			ANSWER_NO)
			return true;
	}
	return false;
}

/* A denial for hosts may take away what another host: grant gives. */
static bool
denies_hosts(const struct principals *principals)
{
	for (size_t i = 0; i < principals->count; i++)
		if (principals->items[i].deny &&
		    principals->items[i].kind >= PRINCIPAL_HOST)
			return true;
	return false;
}

/*
 * Never smaller than what the milter allows; larger only where it hangs on
 * certificates or on several names of hosts.
 */
static void
test_sessions(void)
{
	static const struct sketch one[] = {
		{ "a", "0.0.0.0:25", "10.0.0.0/8", LIVE },
		{ NULL, NULL, NULL, LIVE },
	};
	static const struct server_identity servers[] = { BY_LOGIN,
		BY_CERTIFICATE };
	static struct domain_pattern list[] = { { "partner.example", false } };
	const struct organization organization = {
		.tls_receive_domain_secure_list = { list, 1 },
	};
	const struct addr client = client_of("10.1.2.3");
	struct arena *arena = arena_new();
	struct policy policy = policy_of(arena, one, NULL, NULL);
	struct connector connector = policy.connectors[0];
	unsigned missing = 0, needless = 0, relaying = 0;
	uint64_t seed = 1968;

	policy.connectors = &connector;
	for (unsigned n = 0; n < 100000; n++) {
		struct principal items[2][3];
		bool want, got;

		connector.permission_groups = (unsigned)random_below(&seed, 32);
		connector.auth_mechanism = (unsigned)random_below(&seed, 64);
		connector.domain_secure_enabled = random_below(&seed, 2);
		connector.server_identities =
		    (struct server_identities){ servers,
			    random_below(&seed, 3) };
		connector.rights[RIGHT_ACCEPT_ANY_RECIPIENT] =
		    random_principals(&seed, items[0]);
		connector.rights[RIGHT_SUBMIT] =
		    random_principals(&seed, items[1]);
		struct guard *guard = guard_of(&policy);

		want = some_session_relays(&organization, &connector);
		got = guard_allows(guard, &client);
		missing += want && !got;
		needless += got && !want &&
		    !identity_by_certificate(&connector) &&
		    !denies_hosts(
			&connector.rights[RIGHT_ACCEPT_ANY_RECIPIENT]) &&
		    !denies_hosts(&connector.rights[RIGHT_SUBMIT]);
		relaying += want;
		guard_free(guard);
	}
	is_int(missing, 0, "whoever relays without a login is in the guard");
	is_int(needless, 0, "and nobody else");
	ok(relaying > 20000 && relaying < 80000,
	    "%u of 100000 random connectors relay", relaying);
	arena_free(arena);
}

int
main(void)
{
	test_kinds();
	test_tables("Postfix", guard_print_postfix, postfix_head,
	    postfix_tables, nitems(postfix_tables));
	test_tables("Sendmail", guard_print_sendmail, sendmail_head,
	    sendmail_tables, nitems(sendmail_tables));
	for (size_t i = 0; i < nitems(expansions); i++)
		test_expansion(expansions[i].range, expansions[i].lines,
		    expansions[i].first, expansions[i].last);
	test_random();
	test_sessions();
	return done();
}
