/*
 * limit.c - sessions and messages a minute, rule by rule: who is counted with
 * whom, what is held, and what a full table does.
 */
#include "limit.h"

#include <stdlib.h>

#include "client_source.h"
#include "digest.h"
#include "random.h"
#include "tap.h"

#define MILLISECOND 1000000LL
#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)
#define SLOTS 3000
#define MOVES_MAX 16

/* A table of so few entries is full after four; one of MANY never. */
#define FEW 0
#define MANY 10000

static struct limits *
limits_of(size_t size)
{
	struct limits *limits = limits_new(size, size);

	if (limits == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return limits;
}

/* By number; 4 to 8 and 14 are of one site, 4 and 5 even of one /64. */
static const char *const clients[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
	"198.51.100.1", "2001:db8:1:1::1", "2001:db8:1:1:ffff::1",
	"2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:ffff::1",
	"2001:db8:2:1::1", "203.0.113.1", "203.0.113.2", "203.0.113.3",
	"203.0.113.4", "2001:db8:1:aaaa::1" };

#define UNTOLD nitems(clients) /* a source that could not be told */

static struct client_source
client_source(struct limits *limits, size_t number)
{
	struct client_source source = { .count = 0 };
	struct addr addr;

	if (number == UNTOLD)
		return source;
	if (addr_parse(&addr, clients[number]) != NULL)
		exit(2);
	limits_source(limits, &source, &addr);
	return source;
}

/* Sources. */

/* clang-format off */
static const struct {
	const char *what;
	const char *a;
	const char *b;
	bool same;      /* one source */
	bool same_site; /* of IPv6 */
} pairs[] = {
	{ "an address is itself", "192.0.2.1", "192.0.2.1", true, false },
	{ "the next one is another", "192.0.2.0", "192.0.2.1", false, false },
	{ "two in one /64", "2001:db8::1", "2001:db8::ffff:0:0:2", true, true },
	{ "the next /64", "2001:db8::1", "2001:db8:0:1::1", false, true },
	{ "the last /64 of the /48", "2001:db8::1", "2001:db8:0:ffff::1",
	    false, true },
	{ "the next /48", "2001:db8::1", "2001:db8:1::1", false, false },
	{ "the first bit", "2001:db8::1", "a001:db8::1", false, false },
	{ "the first bit of IPv4", "192.0.2.1", "64.0.2.1", false, false },
	{ "one number in both families", "0.0.0.1", "::1", false, false },
	{ "an IPv4 address, and the /64 of its bytes", "32.1.13.184",
	    "2001:db8::", false, false },
};

static const struct {
	const char *what;
	char a_kind;
	const char *a;
	char b_kind;
	const char *b;
	bool same;
} name_pairs[] = {
	{ "a login is itself", 'l', "alice", 'l', "alice", true },
	{ "case is folded", 'l', "Alice@EXAMPLE.com", 'l', "alice@example.com",
	    true },
	{ "but of ASCII letters alone", 'l', "\xc3\x9c", 'l', "\xc3\xbc",
	    false },
	{ "a letter more", 'l', "alice", 'l', "alicea", false },
	{ "a login is no sender", 'l', "alice", 's', "alice", false },
	{ "nobody", 'l', "", 'l', "", true },
	{ "nobody is not somebody", 'l', "", 'l', "a", false },
};
/* clang-format on */

static bool
same_key(const struct table_key *a, const struct table_key *b)
{
	return a->low == b->low && a->high == b->high;
}

static void
test_addresses(struct limits *limits)
{
	for (size_t i = 0; i < nitems(pairs); i++) {
		struct addr a, b;
		struct client_source x, y;

		if (addr_parse(&a, pairs[i].a) || addr_parse(&b, pairs[i].b))
			exit(2);
		limits_source(limits, &x, &a);
		limits_source(limits, &y, &b);
		is_int(same_key(&x.keys[0], &y.keys[0]), pairs[i].same,
		    pairs[i].what);
		is_int((long long)x.count, a.family == ADDR_IPV4 ? 1 : 2,
		    "keys of it");
		is_int(y.count == 2 && same_key(&x.keys[1], &y.keys[1]),
		    pairs[i].same_site, "as a site");
		ok(!same_key(&x.keys[0], &y.keys[1]), "no site is a source");
	}
}

static void
test_names(struct limits *limits)
{
	char a[1000], b[1000];
	struct client_source x, y;
	bool apart = true;

	for (size_t i = 0; i < nitems(name_pairs); i++) {
		limits_source_of_name(
		    limits, &x, name_pairs[i].a_kind, name_pairs[i].a);
		limits_source_of_name(
		    limits, &y, name_pairs[i].b_kind, name_pairs[i].b);
		is_int(same_key(&x.keys[0], &y.keys[0]), name_pairs[i].same,
		    name_pairs[i].what);
		is_int((long long)x.count, 1, "one key");
	}
	for (size_t len = 1; len < sizeof(a); len++) {
		memset(a, 'x', len);
		a[len] = '\0';
		memcpy(b, a, len + 1);
		b[len - 1] = 'y';
		limits_source_of_name(limits, &x, 's', a);
		limits_source_of_name(limits, &y, 's', b);
		apart = apart && !same_key(&x.keys[0], &y.keys[0]);
		b[len - 1] = '\0';
		limits_source_of_name(limits, &y, 's', b);
		apart = apart && !same_key(&x.keys[0], &y.keys[0]);
	}
	ok(apart, "the last letter of a name of any length counts");
}

static void
test_sources(void)
{
	struct limits *limits = limits_of(MANY);
	struct limits *other = limits_of(MANY);
	const struct client_source x = client_source(limits, 0);
	const struct client_source y = client_source(other, 0);

	test_addresses(limits);
	test_names(limits);
	ok(!same_key(&x.keys[0], &y.keys[0]), "nobody can know a key before");
	is_int(source_share(0, 20), 20, "what a source may have");
	is_int(source_share(1, 20), 80, "and its site");
	is_int(source_share(0, UNLIMITED), UNLIMITED, "without a limit");
	is_int(source_share(1, UNLIMITED), UNLIMITED, "and its site");
	is_int(source_share(1, UNLIMITED / 2), UNLIMITED, "no overflow");
	limits_free(limits);
	limits_free(other);
	limits_free(NULL);
}

/* Sessions. */

enum verb { END, ENTER, LEAVE, LIMITS };

#define HELD SLOT_HELD
#define FULL SLOT_CONNECTOR_FULL
#define SOURCE SLOT_SOURCE_FULL

struct session_limits {
	long long total;
	long long per_source;
	long long percentage;
};

/* clang-format off */
static const struct {
	const char *what;
	size_t size;
	struct session_limits limits;
	struct {
		enum verb verb;
		size_t client;
		long long times;  /* all of them are held, of LIMITS: total */
		enum slot further; /* what one more gets, unless HELD */
		long long per_source; /* LIMITS */
	} moves[MOVES_MAX];
} plays[] = {
	{ "per source", MANY, { 5000, 20, 100 }, {
	    { ENTER, 0, 20, SOURCE, 0 }, { ENTER, 1, 20, SOURCE, 0 },
	    { LEAVE, 0, 3, HELD, 0 }, { ENTER, 0, 3, SOURCE, 0 } } },
	{ "no limit at all", MANY, { UNLIMITED, UNLIMITED, 100 }, {
	    { ENTER, 0, 1000, HELD, 0 }, { ENTER, 4, 1000, HELD, 0 } } },
	{ "per source, in an unlimited connector: no percentage", MANY,
	  { UNLIMITED, 20, 2 }, {
	    { ENTER, 0, 20, SOURCE, 0 }, { ENTER, 1, 20, SOURCE, 0 } } },
	{ "the connector is full", MANY, { 10, UNLIMITED, 100 }, {
	    { ENTER, 0, 9, HELD, 0 }, { ENTER, 1, 1, FULL, 0 },
	    { ENTER, 0, 0, FULL, 0 }, { LEAVE, 0, 1, HELD, 0 },
	    { ENTER, 2, 1, FULL, 0 } } },
	{ "both are full: the connector is named", MANY, { 10, 10, 100 }, {
	    { ENTER, 0, 10, FULL, 0 } } },
	{ "one session", MANY, { 1, 20, 2 }, {
	    { ENTER, 0, 1, FULL, 0 }, { LEAVE, 0, 1, HELD, 0 },
	    { ENTER, 1, 1, FULL, 0 } } },
	{ "2 per cent of what is free, rounded down", MANY,
	  { 1000, UNLIMITED, 2 }, {
	    /* of 981 are 19, which it has; of 962 are 19, of 944 but 18 */
	    { ENTER, 0, 19, SOURCE, 0 }, { ENTER, 1, 19, SOURCE, 0 },
	    { ENTER, 2, 18, SOURCE, 0 } } },
	{ "5 per cent of what is free", MANY, { 110, UNLIMITED, 5 }, {
	    /* 5 % of 110, 109 .. 105 are 5 */
	    { ENTER, 0, 5, SOURCE, 0 }, { ENTER, 1, 5, SOURCE, 0 },
	    /* of 100 are 5, and so on; of 99 to 97 but 4 */
	    { ENTER, 2, 4, SOURCE, 0 }, { ENTER, 3, 4, SOURCE, 0 } } },
	{ "a percentage of few is one", MANY, { 10, 20, 2 }, {
	    { ENTER, 0, 1, SOURCE, 0 }, { ENTER, 1, 1, SOURCE, 0 },
	    { ENTER, 2, 1, SOURCE, 0 } } },
	{ "the smaller of both counts: per source", MANY, { 5000, 20, 2 }, {
	    { ENTER, 0, 20, SOURCE, 0 } } },
	{ "the smaller of both counts: percentage", MANY, { 500, 20, 2 }, {
	    /* 2 % of 491 */
	    { ENTER, 0, 9, SOURCE, 0 } } },
	{ "99 per cent is a percentage", MANY, { 100, UNLIMITED, 99 }, {
	    { ENTER, 0, 50, SOURCE, 0 } } },
	{ "a /64 is one source", MANY, { 5000, 20, 100 }, {
	    { ENTER, 4, 12, HELD, 0 }, { ENTER, 5, 8, SOURCE, 0 },
	    { ENTER, 4, 0, SOURCE, 0 } } },
	{ "a /48 has four times as much", MANY, { 5000, 20, 100 }, {
	    { ENTER, 4, 20, SOURCE, 0 }, { ENTER, 6, 20, SOURCE, 0 },
	    { ENTER, 7, 20, SOURCE, 0 }, { ENTER, 8, 20, SOURCE, 0 },
	    { LEAVE, 6, 1, HELD, 0 }, { ENTER, 6, 1, SOURCE, 0 },
	    { ENTER, 9, 20, SOURCE, 0 } } },
	{ "and no more", MANY, { 5000, 30, 100 }, {
	    { ENTER, 4, 30, SOURCE, 0 }, { ENTER, 6, 30, SOURCE, 0 },
	    { ENTER, 7, 29, HELD, 0 }, { ENTER, 8, 30, SOURCE, 0 },
	    { ENTER, 14, 1, SOURCE, 0 }, { ENTER, 7, 0, SOURCE, 0 },
	    { ENTER, 9, 30, SOURCE, 0 }, { LEAVE, 6, 2, HELD, 0 },
	    { ENTER, 14, 2, SOURCE, 0 } } },
	{ "a site of many small parts", MANY, { 5000, 3, 100 }, {
	    { ENTER, 4, 3, SOURCE, 0 }, { ENTER, 6, 3, SOURCE, 0 },
	    { ENTER, 7, 3, SOURCE, 0 }, { ENTER, 8, 3, SOURCE, 0 } } },
	{ "limits fall: who is in stays", MANY, { 100, 20, 100 }, {
	    { ENTER, 0, 20, SOURCE, 0 }, { ENTER, 1, 5, HELD, 0 },
	    { LIMITS, 0, 10, HELD, 4 }, { ENTER, 2, 0, FULL, 0 },
	    { LEAVE, 0, 17, HELD, 0 }, { ENTER, 0, 1, SOURCE, 0 },
	    { ENTER, 1, 0, SOURCE, 0 }, { ENTER, 2, 1, FULL, 0 } } },
	{ "limits rise", MANY, { 10, 2, 100 }, {
	    { ENTER, 0, 2, SOURCE, 0 }, { LIMITS, 0, 100, HELD, 5 },
	    { ENTER, 0, 3, SOURCE, 0 } } },
	{ "unlimited sessions count once a limit comes", MANY,
	  { UNLIMITED, UNLIMITED, 100 }, {
	    { ENTER, 0, 30, HELD, 0 }, { LIMITS, 0, 100, HELD, 20 },
	    { ENTER, 0, 0, SOURCE, 0 }, { LEAVE, 0, 11, HELD, 0 },
	    { ENTER, 0, 1, SOURCE, 0 } } },
	{ "a full table: what is left shares one count", FEW,
	  { 5000, 20, 100 }, {
	    { ENTER, 0, 5, HELD, 0 }, { ENTER, 1, 5, HELD, 0 },
	    { ENTER, 2, 5, HELD, 0 }, { ENTER, 3, 5, HELD, 0 },
	    { ENTER, 10, 8, HELD, 0 }, { ENTER, 11, 12, SOURCE, 0 },
	    { ENTER, 10, 0, SOURCE, 0 }, { ENTER, 12, 0, SOURCE, 0 },
	    /* which of them may be this one's */
	    { ENTER, 0, 0, SOURCE, 0 }, { LEAVE, 11, 10, HELD, 0 },
	    { ENTER, 0, 5, SOURCE, 0 } } },
	{ "an entry falls free: nobody gets more by it", FEW,
	  { 5000, 20, 100 }, {
	    { ENTER, 0, 5, HELD, 0 }, { ENTER, 1, 5, HELD, 0 },
	    { ENTER, 2, 5, HELD, 0 }, { ENTER, 3, 5, HELD, 0 },
	    { ENTER, 10, 8, HELD, 0 }, { LEAVE, 3, 5, HELD, 0 },
	    /* 8 of the shared count and 12 of its own */
	    { ENTER, 10, 12, SOURCE, 0 }, { ENTER, 11, 12, SOURCE, 0 } } },
	{ "a site without an entry is shared as a whole", FEW,
	  { 5000, 20, 100 }, {
	    { ENTER, 0, 1, HELD, 0 }, { ENTER, 1, 1, HELD, 0 },
	    { ENTER, 2, 1, HELD, 0 }, { ENTER, 4, 20, SOURCE, 0 },
	    { LEAVE, 4, 20, HELD, 0 }, { ENTER, 3, 20, SOURCE, 0 } } },
	{ "who could not be told is shared", MANY, { 5000, 20, 100 }, {
	    { ENTER, UNTOLD, 20, SOURCE, 0 }, { ENTER, 0, 0, SOURCE, 0 },
	    { LEAVE, UNTOLD, 1, HELD, 0 }, { ENTER, 0, 1, SOURCE, 0 },
	    { ENTER, 1, 1, SOURCE, 0 } } },
	{ "and without limits, too", MANY, { UNLIMITED, UNLIMITED, 100 }, {
	    { ENTER, UNTOLD, 200, HELD, 0 }, { ENTER, 0, 20, HELD, 0 } } },
};
/* clang-format on */

/* What is played on. */
static struct stage_of_sessions {
	struct limits *limits;
	struct tally tally;
	struct connector connector;
	struct limits_slot slots[SLOTS];
	size_t clients[SLOTS];
	size_t count;
} stage;

static void
set_limits(struct connector *connector, const struct session_limits *limits)
{
	connector->max_inbound_connection = limits->total;
	connector->max_inbound_connection_per_source = limits->per_source;
	connector->max_inbound_connection_percentage_per_source =
	    limits->percentage;
}

static enum slot
enter(size_t client)
{
	const struct client_source source = client_source(stage.limits, client);
	struct limits_slot *slot = &stage.slots[stage.count];
	const enum slot got = limits_enter(
	    stage.limits, slot, &stage.tally, &stage.connector, &source);

	if ((got == SLOT_HELD) != (slot->tally == &stage.tally))
		exit(2);
	if (got == SLOT_HELD)
		stage.clients[stage.count++] = client;
	return got;
}

/* The newest slot of client. */
static void
leave(size_t client)
{
	size_t at = stage.count;

	while (at-- > 0 && stage.clients[at] != client)
		continue;
	limits_leave(stage.limits, &stage.slots[at]);
	stage.count--;
	stage.slots[at] = stage.slots[stage.count];
	stage.clients[at] = stage.clients[stage.count];
	memset(&stage.slots[stage.count], 0, sizeof(stage.slots[0]));
}

static void
enter_times(const char *what, size_t client, long long times, enum slot further)
{
	long long held = 0;

	while (held < times && enter(client) == SLOT_HELD)
		held++;
	is_int(held, times, what);
	if (further != SLOT_HELD)
		is_int(enter(client), further, "and one more");
	is_int(stage.tally.sessions, (long long)stage.count, "all are counted");
}

/* Everybody leaves, and nothing is left of it. */
static void
leave_all(void)
{
	struct limits_usage usage;

	while (stage.count > 0)
		leave(stage.clients[stage.count - 1]);
	limits_usage(stage.limits, &usage, 0);
	is_int((long long)usage.sources, 0, "no entry is in use afterwards");
	is_int(stage.tally.sessions, 0, "nor a slot");
	is_int(stage.tally.shared, 0, "nor the shared count");
	is_int(atomic_load(&stage.tally.users), 0, "nor the tally");
}

static void
test_sessions(void)
{
	for (size_t i = 0; i < nitems(plays); i++) {
		memset(&stage, 0, sizeof(stage));
		stage.limits = limits_of(plays[i].size);
		set_limits(&stage.connector, &plays[i].limits);
		for (size_t k = 0;
		     k < MOVES_MAX && plays[i].moves[k].verb != END; k++) {
			const size_t client = plays[i].moves[k].client;
			const long long times = plays[i].moves[k].times;
			const struct session_limits limits = { times,
				plays[i].moves[k].per_source,
				plays[i].limits.percentage };

			if (plays[i].moves[k].verb == ENTER)
				enter_times(plays[i].what, client, times,
				    plays[i].moves[k].further);
			else if (plays[i].moves[k].verb == LIMITS)
				set_limits(&stage.connector, &limits);
			else
				for (long long n = 0; n < times; n++)
					leave(client);
		}
		leave_all();
		limits_free(stage.limits);
	}
}

/* A session that goes from connector to connector. */
static void
test_moving(void)
{
	struct limits *limits = limits_of(MANY);
	struct tally a = { .id = { 1, 1 } }, b = { .id = { 2, 2 } };
	const struct connector wide = { .max_inbound_connection = 2,
		.max_inbound_connection_per_source = 1,
		.max_inbound_connection_percentage_per_source = 100 };
	struct connector none = wide;
	const struct client_source source = client_source(limits, 0);
	const struct client_source other = client_source(limits, 1);
	struct limits_slot slot = { .tally = NULL }, second = slot;

	none.max_inbound_connection = 0;
	limits_leave(limits, &slot);
	is_int(limits_enter(limits, &slot, &a, &wide, &source), HELD, "in");
	is_int(limits_enter(limits, &slot, &a, &wide, &source), HELD,
	    "again: it is the same slot");
	is_int(limits_enter(limits, &slot, &a, &none, &source), HELD,
	    "and stays, whatever the limits are now");
	is_int(a.sessions, 1, "counted once");
	is_int(limits_enter(limits, &second, &a, &wide, &source), SOURCE,
	    "a second session of this source");
	is_int(limits_enter(limits, &slot, &b, &wide, &source), HELD,
	    "over to another connector");
	is_int(a.sessions, 0, "the first slot is given up");
	is_int(b.sessions, 1, "the second is held");
	is_int(limits_enter(limits, &second, &a, &wide, &source), HELD,
	    "connectors count for themselves");
	is_int(limits_enter(limits, &second, &b, &wide, &source), SOURCE,
	    "refused there");
	ok(a.sessions == 0 && second.tally == NULL, "and gone from here");
	is_int(limits_enter(limits, &second, &b, &wide, &other), HELD,
	    "another source");
	is_int(limits_enter(limits, &slot, &a, &none, &source), FULL,
	    "over to a full one");
	ok(b.sessions == 1 && slot.tally == NULL, "then none is held");
	limits_leave(limits, &slot);
	limits_leave(limits, &second);
	limits_leave(limits, &second);
	is_int(atomic_load(&a.users) + atomic_load(&b.users), 0,
	    "nobody uses the tallies");
	limits_free(limits);
}

/* Messages. */

#define NOBODY SIZE_MAX

/* clang-format off */
static const struct {
	const char *what;
	size_t size;
	long long limit;
	struct {
		long long at;   /* ms; 0: this was all */
		size_t client;  /* NOBODY: the connector does not count it */
		const char *user;
		long long passes; /* so many */
		bool open;      /* one more would pass as well */
		long long limit; /* from now on, unless 0 */
	} moves[MOVES_MAX];
} bursts[] = {
	{ "a burst of the limit", MANY, 600, { { 1000, 0, NULL, 600, 0, 0 } } },
	{ "one a minute", MANY, 1, {
	    { 1000, 0, NULL, 1, 0, 0 }, { 60999, 0, NULL, 0, 0, 0 },
	    { 61000, 0, NULL, 1, 0, 0 }, { 61001, 0, NULL, 0, 0, 0 } } },
	{ "a limit that does not divide a minute", MANY, 7, {
	    { 1000, 0, NULL, 7, 0, 0 }, { 9571, 0, NULL, 0, 0, 0 },
	    { 9572, 0, NULL, 1, 0, 0 }, { 61001, 0, NULL, 6, 0, 0 } } },
	{ "refilled by a sixtieth each second", MANY, 60, {
	    { 1000, 0, NULL, 60, 0, 0 }, { 1999, 0, NULL, 0, 0, 0 },
	    { 2000, 0, NULL, 1, 0, 0 }, { 4500, 0, NULL, 2, 0, 0 },
	    { 5000, 0, NULL, 1, 0, 0 } } },
	{ "and never over the limit", MANY, 60, {
	    { 1000, 0, NULL, 10, 1, 0 }, { 3601000, 0, NULL, 60, 0, 0 } } },
	{ "sources have buckets of their own", MANY, 5, {
	    { 1000, 0, NULL, 5, 0, 0 }, { 1000, 1, NULL, 5, 0, 0 } } },
	{ "a /64 has one", MANY, 5, {
	    { 1000, 4, NULL, 3, 1, 0 }, { 1000, 5, NULL, 1, 0, 0 } } },
	{ "a /48 has four times as much", MANY, 5, {
	    { 1000, 4, NULL, 5, 0, 0 }, { 1000, 6, NULL, 5, 0, 0 },
	    { 1000, 7, NULL, 5, 0, 0 }, { 1000, 8, NULL, 5, 0, 0 },
	    { 1000, 9, NULL, 5, 0, 0 }, { 13000, 8, NULL, 1, 0, 0 } } },
	{ "and no more", MANY, 5, {
	    { 1000, 4, NULL, 5, 0, 0 }, { 1000, 6, NULL, 5, 0, 0 },
	    { 1000, 7, NULL, 5, 0, 0 }, { 1000, 8, NULL, 4, 1, 0 },
	    { 1000, 14, NULL, 0, 0, 0 }, { 7000, 14, NULL, 2, 0, 0 },
	    { 7000, 4, NULL, 0, 0, 0 }, { 7000, 9, NULL, 5, 0, 0 } } },
	{ "a user wherever it comes from", MANY, 5, {
	    { 1000, NOBODY, "alice", 3, 1, 0 }, { 1000, NOBODY, "ALICE", 1, 0, 0 },
	    { 1000, NOBODY, "bob", 5, 0, 0 } } },
	{ "both: the user's is used up", MANY, 5, {
	    { 1000, 0, "alice", 5, 0, 0 }, { 1000, 1, "alice", 0, 0, 0 },
	    /* and nothing was taken from the client */
	    { 1000, 1, "bob", 5, 0, 0 } } },
	{ "both: the client's is used up", MANY, 5, {
	    { 1000, 0, "alice", 5, 0, 0 }, { 1000, 0, "bob", 0, 0, 0 },
	    { 1000, 1, "bob", 5, 0, 0 } } },
	{ "nobody is asked for", MANY, 5, {
	    { 1000, NOBODY, NULL, 1000, 1, 0 } } },
	{ "no limit", MANY, UNLIMITED, { { 1000, 0, "alice", 1000, 1, 0 } } },
	{ "the limit falls: as full as it was", MANY, 600, {
	    { 1000, 0, NULL, 299, 1, 0 }, { 1000, 0, NULL, 5, 0, 10 } } },
	{ "the limit rises: as full as it was", MANY, 10, {
	    { 1000, 0, NULL, 4, 1, 0 }, { 1000, 0, NULL, 300, 0, 600 } } },
	{ "a limit comes", MANY, UNLIMITED, {
	    { 1000, 0, NULL, 300, 1, 0 }, { 1000, 0, NULL, 10, 0, 10 } } },
	{ "the clock goes back: nobody gains by it", MANY, 60, {
	    { 61000, 0, NULL, 60, 0, 0 }, { 1000, 0, NULL, 0, 0, 0 },
	    { 1000, 1, NULL, 60, 0, 0 }, { 62000, 1, NULL, 1, 0, 0 },
	    { 62000, 0, NULL, 1, 0, 0 } } },
	{ "a full table: what is left shares one bucket", FEW, 60, {
	    { 1000, 0, NULL, 10, 1, 0 }, { 1000, 1, NULL, 10, 1, 0 },
	    { 1000, 2, NULL, 10, 1, 0 }, { 1000, 3, NULL, 30, 1, 0 },
	    { 1000, 10, NULL, 30, 1, 0 }, { 1000, 11, NULL, 29, 0, 0 },
	    { 1000, 10, NULL, 0, 0, 0 }, { 1000, 12, NULL, 0, 0, 0 },
	    /* who has an entry does not care */
	    { 1000, 3, NULL, 29, 0, 0 }, { 3000, 12, NULL, 2, 0, 0 } } },
	{ "an entry falls free: as little as the shared one has", FEW, 60, {
	    { 1000, 0, NULL, 10, 1, 0 }, { 1000, 1, NULL, 59, 1, 0 },
	    { 1000, 2, NULL, 59, 1, 0 }, { 1000, 3, NULL, 59, 1, 0 },
	    { 1000, 10, NULL, 59, 1, 0 },
	    /* of client 0 nothing is left; 11 gets its entry */
	    { 12000, 11, NULL, 11, 0, 0 }, { 12000, 10, NULL, 11, 0, 0 } } },
	{ "a minute later all of it is forgotten", FEW, 60, {
	    { 1000, 0, NULL, 60, 0, 0 }, { 1000, 1, NULL, 60, 0, 0 },
	    { 1000, 2, NULL, 60, 0, 0 }, { 1000, 3, NULL, 60, 0, 0 },
	    { 1000, 10, NULL, 60, 0, 0 }, { 61000, 10, NULL, 60, 0, 0 },
	    { 61000, 11, NULL, 60, 0, 0 }, { 61000, 12, NULL, 60, 0, 0 } } },
	{ "who could not be told shares", MANY, 60, {
	    { 1000, UNTOLD, NULL, 60, 0, 0 }, { 2000, 0, NULL, 1, 0, 0 },
	    { 2000, UNTOLD, NULL, 1, 0, 0 }, { 2000, 1, NULL, 0, 0, 0 } } },
	{ "and with one that could be told, once", MANY, 60, {
	    { 1000, UNTOLD, "alice", 60, 0, 0 } } },
};
/* clang-format on */

/* Sends one message. */
static bool
take(struct limits *limits, struct limits_message *message, struct tally *tally,
    const struct connector *connector, size_t client, const char *user,
    long long now)
{
	const struct client_source *sources[2];
	struct client_source by_client, by_user;
	size_t count = 0;

	if (client != NOBODY) {
		by_client = client_source(limits, client);
		sources[count++] = &by_client;
	}
	if (user != NULL) {
		limits_source_of_name(limits, &by_user, 'l', user);
		sources[count++] = &by_user;
	}
	return limits_take(
	    limits, message, tally, connector, sources, count, now);
}

/* So many pass, and the next one does not, or does. */
static void
test_burst(struct limits *limits, struct tally *tally,
    const struct connector *connector, size_t burst, size_t move)
{
	const size_t client = bursts[burst].moves[move].client;
	const char *user = bursts[burst].moves[move].user;
	const long long now = bursts[burst].moves[move].at * MILLISECOND;
	const long long passes = bursts[burst].moves[move].passes;
	const bool open = bursts[burst].moves[move].open;
	struct limits_message message;
	long long passed = 0;

	while (passed < passes &&
	    take(limits, &message, tally, connector, client, user, now))
		passed++;
	is_int(passed, passes, bursts[burst].what);
	is_int(take(limits, &message, tally, connector, client, user, now),
	    open, "and one more");
	is_int(message.count > 0,
	    open && connector->message_rate_limit != UNLIMITED &&
		(client != NOBODY || user != NULL),
	    "it is counted if it passed");
}

static void
test_messages(void)
{
	for (size_t i = 0; i < nitems(bursts); i++) {
		struct limits *limits = limits_of(bursts[i].size);
		struct connector connector = { .message_rate_limit =
						   bursts[i].limit };
		struct tally tally = { .id = { 5, 5 } };

		for (size_t k = 0; k < MOVES_MAX && bursts[i].moves[k].at != 0;
		     k++) {
			if (bursts[i].moves[k].limit != 0)
				connector.message_rate_limit =
				    bursts[i].moves[k].limit;
			test_burst(limits, &tally, &connector, i, k);
		}
		limits_free(limits);
	}
}

/* Every limit there is: a full bucket at once, and one a share of time. */
static void
test_every_limit(void)
{
	struct limits *limits = limits_of(MANY);
	bool bursts_right = true, refills_right = true;

	for (long long limit = 1; limit < 4000; limit += 1 + limit / 50) {
		const struct connector connector = { .message_rate_limit =
							 limit };
		const long long cost = (MINUTE + limit - 1) / limit;
		struct tally tally = { .id = { (uint64_t)limit, 5 } };
		struct limits_message message;
		long long passed = 0;

		while (
		    take(limits, &message, &tally, &connector, 0, NULL, SECOND))
			passed++;
		bursts_right = bursts_right && passed == limit;
		refills_right = refills_right &&
		    !take(limits, &message, &tally, &connector, 0, NULL,
			SECOND + cost - 1) &&
		    take(limits, &message, &tally, &connector, 0, NULL,
			SECOND + cost) &&
		    !take(limits, &message, &tally, &connector, 0, NULL,
			SECOND + cost);
		/* The next one comes to free entries. */
		limits_free(limits);
		limits = limits_of(FEW);
	}
	ok(bursts_right, "a burst of every limit");
	ok(refills_right, "and its refill, to the nanosecond");
	limits_free(limits);
}

/* Messages that are taken back. */
static void
test_refund(size_t size, const char *what)
{
	const struct connector connector = { .message_rate_limit = 5 };
	struct limits *limits = limits_of(size);
	struct tally tally = { .id = { 5, 5 } };
	struct limits_message message, other;
	long long passed = 0;

	/* Where there are few entries, all of them are others'. */
	for (size_t i = 10; i < 14; i++)
		ok(take(limits, &message, &tally, &connector, i, NULL, SECOND),
		    "somebody else");
	for (size_t i = 0; i < 100; i++) {
		if (!take(limits, &message, &tally, &connector, 4, "alice",
			SECOND))
			break;
		limits_refund(limits, &message);
		passed++;
	}
	is_int(passed, 100, what);
	is_int((long long)message.count, 0, "it is taken back once");
	for (passed = 0;
	     take(limits, &message, &tally, &connector, 4, "alice", SECOND);
	     passed++)
		other = message;
	is_int(passed, 5, "and those that are not count");
	limits_refund(limits, &message);
	ok(!take(limits, &message, &tally, &connector, 4, "alice", SECOND),
	    "what was refused gives nothing back");
	limits_refund(limits, &other);
	ok(take(limits, &message, &tally, &connector, 4, "alice", SECOND) &&
		!take(limits, &other, &tally, &connector, 4, "alice", SECOND),
	    "one for one");
	limits_free(limits);
}

/* A client that is its own user: a null sender, say. */
static void
test_twice(void)
{
	const struct connector connector = { .message_rate_limit = 5 };
	struct limits *limits = limits_of(MANY);
	struct tally tally = { .id = { 5, 5 } };
	const struct client_source source = client_source(limits, 4);
	const struct client_source *const twice[] = { &source, &source };
	struct limits_message message;
	long long passed = 0;

	while (limits_take(limits, &message, &tally, &connector, twice, 2, 1)) {
		limits_refund(limits, &message);
		if (!limits_take(
			limits, &message, &tally, &connector, twice, 2, 1))
			break;
		passed++;
	}
	is_int(passed, 5, "a source that is named twice counts once");
	limits_free(limits);
}

/*
 * Messages that are taken back late, while others come; then as many as will
 * pass. Those that are not taken back are never more than the limit, in any
 * window of time, and hardly less.
 */
#define ROUNDS 2000
#define ROUND_LIMIT 40
#define ROUND_MAX 100

struct round {
	struct limits *limits;
	struct tally tally;
	uint64_t seed;
	long long now;
	long long times[ROUND_MAX]; /* of messages that count */
	size_t count;
};

static bool
round_take(struct round *round, struct limits_message *message)
{
	const struct connector connector = { .message_rate_limit =
						 ROUND_LIMIT };

	return take(round->limits, message, &round->tally, &connector, 0, NULL,
	    round->now);
}

static void
play_round(struct round *round)
{
	struct limits_message late[8], message;
	size_t late_count = 0;

	round->count = 0;
	round->now += 2 * MINUTE;
	for (size_t steps = 2 + random_below(&round->seed, 6); steps > 0;
	     steps--) {
		round->now += (long long)random_below(&round->seed, SECOND);
		if (!round_take(round, &message))
			exit(2);
		if (random_below(&round->seed, 2) == 0)
			late[late_count++] = message;
		else
			round->times[round->count++] = round->now;
	}
	for (; late_count > 0; late_count--) {
		struct limits_message *one =
		    &late[random_below(&round->seed, late_count)];

		limits_refund(round->limits, one);
		*one = late[late_count - 1];
	}
	/* All that pass at once, and then each as early as it may. */
	for (size_t tries = 0; tries < 300; tries++) {
		if (round->count < ROUND_MAX && round_take(round, &message))
			round->times[round->count++] = round->now;
		else
			round->now += SECOND / 40;
	}
}

/* How far over the limit the fullest window of a round is, in ns of refill. */
static long long
excess(const struct round *round)
{
	const long long cost = MINUTE / ROUND_LIMIT;
	long long most = -MINUTE;

	for (size_t i = 0; i < round->count; i++)
		for (size_t k = i; k < round->count; k++) {
			const long long had = (long long)(k - i) + 1;
			const long long over = (had - ROUND_LIMIT) * cost -
			    (round->times[k] - round->times[i]);

			if (over > most)
				most = over;
		}
	return most;
}

static void
test_windows(void)
{
	struct round round = { .limits = limits_of(MANY),
		.tally = { .id = { 5, 5 } },
		.seed = 7,
		.now = SECOND };
	long long most = -MINUTE, least = MINUTE;

	for (size_t i = 0; i < ROUNDS; i++) {
		play_round(&round);
		if (excess(&round) > most)
			most = excess(&round);
		if (excess(&round) < least)
			least = excess(&round);
	}
	ok(most <= 0, "messages taken back late: %lld ns over the limit", most);
	ok(least > -10 * SECOND, "%lld at least", least);
	limits_free(round.limits);
}

static void
test_overflows(const struct connector *connector)
{
	struct limits *limits = limits_of(FEW);
	struct tally tally = { .id = { 5, 5 } };
	struct limits_slot slots[6] = { { .tally = NULL } };
	struct limits_message message;
	struct limits_usage usage;

	for (size_t i = 0; i < nitems(slots); i++) {
		const struct client_source source = client_source(limits, i);

		if (limits_enter(limits, &slots[i], &tally, connector,
			&source) != SLOT_HELD ||
		    !take(limits, &message, &tally, connector, i, NULL, SECOND))
			exit(2);
	}
	limits_usage(limits, &usage, SECOND);
	is_int((long long)usage.sources, 4, "four at most");
	is_int((long long)usage.rates, 4, "also of messages");
	is_int((long long)usage.overflows, 4, "two found both tables full");
	for (size_t i = 0; i < nitems(slots); i++)
		limits_leave(limits, &slots[i]);
	limits_usage(limits, &usage, SECOND);
	is_int((long long)usage.sources, 0, "none");
	limits_free(limits);
}

static void
test_usage(void)
{
	const struct connector connector = { .message_rate_limit = 60,
		.max_inbound_connection = UNLIMITED,
		.max_inbound_connection_per_source = UNLIMITED };
	struct limits *limits = limits_new(1000, 1000);
	struct tally tally = { .id = { 5, 5 } };
	struct limits_slot slots[3] = { { .tally = NULL } };
	struct limits_message message;
	struct limits_usage usage;
	static const size_t who[] = { 0, 4, 6 };

	if (limits == NULL)
		exit(2);
	for (size_t i = 0; i < nitems(who); i++) {
		const struct client_source source =
		    client_source(limits, who[i]);

		(void)limits_enter(
		    limits, &slots[i], &tally, &connector, &source);
		(void)take(
		    limits, &message, &tally, &connector, who[i], NULL, SECOND);
	}
	limits_usage(limits, &usage, SECOND);
	is_int((long long)usage.sources, 4, "an address, two /64 and a /48");
	is_int((long long)usage.sources_size, 8192, "eight for each session");
	is_int((long long)usage.rates, 4, "likewise of messages");
	is_int((long long)usage.rates_size, 1024, "as many as asked for");
	is_int((long long)usage.overflows, 0, "all had an entry");
	limits_leave(limits, &slots[2]);
	limits_usage(limits, &usage, 2 * SECOND);
	is_int((long long)usage.sources, 3, "one /64 less");
	is_int((long long)usage.rates, 0, "a second later one is forgotten");
	limits_leave(limits, &slots[0]);
	limits_leave(limits, &slots[1]);
	limits_free(limits);
	test_overflows(&connector);
	ok(limits_new(SIZE_MAX, 1) == NULL &&
		limits_new(SIZE_MAX / 8, 1) == NULL &&
		limits_new(1, SIZE_MAX) == NULL,
	    "more than memory can hold");
}

int
main(void)
{
	test_sources();
	test_sessions();
	test_moving();
	test_messages();
	test_every_limit();
	test_refund(MANY, "messages that are taken back do not count");
	test_refund(FEW, "nor do they in the shared bucket");
	test_twice();
	test_windows();
	test_usage();
	return done();
}
