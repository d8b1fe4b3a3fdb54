/*
 * snapshot.c - who has pinned a configuration keeps it; nobody else does. What
 * is counted of a connector stays with its name.
 */
#include "snapshot.h"

#include <time.h>

#include "limit.h"
#include "played.h"
#include "tap.h"

#define CONNECTOR(name) \
	"[connector " name "]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 10.0.0.0/8\n"

enum verb { END, PIN, UNPIN, REPLACE, COLLECT };

#define MOVES_MAX 16
#define HOLDERS 4

/* clang-format off */
static const struct {
	const char *what;
	/* The number of a holder, of the configuration to be, or none. */
	struct {
		enum verb verb;
		unsigned number;
		unsigned count; /* configurations in memory afterwards */
	} moves[MOVES_MAX];
} plays[] = {
	{ "nobody reads: the old one goes", {
	    { REPLACE, 1, 2 }, { COLLECT, 0, 1 } } },
	{ "the newest stays, pinned or not", {
	    { COLLECT, 0, 1 }, { PIN, 0, 1 }, { COLLECT, 0, 1 },
	    { UNPIN, 0, 1 }, { COLLECT, 0, 1 } } },
	{ "one reader keeps the old one", {
	    { PIN, 0, 1 }, { REPLACE, 1, 2 }, { COLLECT, 0, 2 },
	    { UNPIN, 0, 2 }, { COLLECT, 0, 1 } } },
	{ "nothing goes without the collector", {
	    { REPLACE, 1, 2 }, { REPLACE, 2, 3 }, { REPLACE, 3, 4 },
	    { COLLECT, 0, 1 } } },
	{ "the last of several readers lets go", {
	    { PIN, 0, 1 }, { PIN, 1, 1 }, { REPLACE, 1, 2 },
	    { UNPIN, 0, 2 }, { COLLECT, 0, 2 }, { UNPIN, 1, 2 },
	    { COLLECT, 0, 1 } } },
	{ "each keeps its own", {
	    { PIN, 0, 1 }, { REPLACE, 1, 2 }, { PIN, 1, 2 },
	    { REPLACE, 2, 3 }, { PIN, 2, 3 }, { COLLECT, 0, 3 },
	    { UNPIN, 1, 3 }, { COLLECT, 0, 2 }, { UNPIN, 0, 2 },
	    { COLLECT, 0, 1 }, { UNPIN, 2, 1 } } },
	{ "one in the middle goes first", {
	    { PIN, 0, 1 }, { REPLACE, 1, 2 }, { REPLACE, 2, 3 },
	    { PIN, 1, 3 }, { REPLACE, 3, 4 }, { COLLECT, 0, 3 },
	    { UNPIN, 0, 3 }, { UNPIN, 1, 3 }, { COLLECT, 0, 1 } } },
};
/* clang-format on */

static struct config *
numbered(unsigned number)
{
	static const char *const texts[] = { CONNECTOR("0"), CONNECTOR("1"),
		CONNECTOR("2"), CONNECTOR("3") };

	return config_of(texts[number]);
}

/* The configuration that a holder sees, by the name of its connector. */
static unsigned
number_of(const struct snapshot *snapshot)
{
	const struct policy *policy = config_policy(snapshot_config(snapshot));

	return (unsigned)(policy->connectors[0].name[0] - '0');
}

struct holder {
	struct snapshot *snapshot;
	unsigned number;
};

/* Whoever holds one sees what was the newest when it was pinned. */
static bool
holders_are_right(const struct holder *holders)
{
	for (size_t i = 0; i < HOLDERS; i++)
		if (holders[i].snapshot != NULL &&
		    number_of(holders[i].snapshot) != holders[i].number)
			return false;
	return true;
}

static void
move(struct snapshots *snapshots, struct holder *holders, unsigned *newest,
    enum verb verb, unsigned number)
{
	switch (verb) {
	case PIN:
		holders[number].snapshot = snapshots_pin(snapshots);
		holders[number].number = *newest;
		break;
	case UNPIN:
		snapshots_unpin(snapshots, holders[number].snapshot);
		holders[number].snapshot = NULL;
		break;
	case REPLACE:
		*newest = number;
		ok(snapshots_replace(snapshots, numbered(number)) == 0,
		    "replaced by %u", number);
		break;
	case COLLECT:
		snapshots_collect(snapshots);
		break;
	case END:
		break;
	}
}

/* ---- what is held too long ----------------------------------------------- */

enum { HELD = 50 };

/* Configuration number i is pinned by holder i; every third one reads it. */
static struct snapshots *
hold_many(struct snapshot *held[HELD])
{
	struct snapshots *snapshots = snapshots_new(numbered(0));

	for (unsigned i = 0; i < HELD; i++) {
		held[i] = snapshots_pin(snapshots);
		if (i % 3 != 0)
			snapshot_rest(held[i]);
		if (snapshots_replace(snapshots, numbered((i + 1) % 4)) != 0)
			exit(2);
	}
	return snapshots;
}

static void
test_held(void)
{
	struct snapshot *held[HELD];
	struct snapshots *snapshots = hold_many(held);
	size_t readers = 0, lost = 0, wrong = 0;

	is_int((long long)snapshots_count(snapshots), HELD + 1,
	    "nothing goes without the collector");
	snapshots_collect(snapshots);
	snapshots_collect(snapshots);
	for (unsigned i = 0; i < HELD; i++) {
		const bool old = i < HELD - SNAPSHOTS_KEPT;

		readers += old && i % 3 == 0;
		if (i % 3 != 0 && !snapshot_wake(held[i])) {
			lost++;
			wrong += !old || snapshot_wake(held[i]);
		} else {
			wrong +=
			    (old && i % 3 != 0) || number_of(held[i]) != i % 4;
		}
	}
	is_int((long long)wrong, 0, "the oldest go, and none that is read");
	is_int((long long)(lost + readers), HELD - SNAPSHOTS_KEPT,
	    "all but so many");
	is_int((long long)snapshots_count(snapshots),
	    (long long)(1 + SNAPSHOTS_KEPT + readers), "so many are left");
	for (unsigned i = 0; i < HELD; i += 3)
		snapshot_rest(held[i]);
	snapshots_collect(snapshots);
	is_int((long long)snapshots_count(snapshots), 1 + SNAPSHOTS_KEPT,
	    "once nobody reads them, only these");
	for (unsigned i = 0; i < HELD; i++) {
		if (i % 3 == 0)
			(void)!snapshot_wake(held[i]);
		snapshots_unpin(snapshots, held[i]);
	}
	snapshots_collect(snapshots);
	is_int((long long)snapshots_count(snapshots), 1, "nobody holds any");
	held[0] = snapshots_pin(snapshots);
	is_int(number_of(held[0]), HELD % 4, "the newest was always there");
	snapshots_unpin(snapshots, held[0]);
	snapshots_free(snapshots);
}

/* ---- tallies of connectors, by name -------------------------------------- */

static struct config *
named(const char *names)
{
	char text[512] = "";
	size_t len = 0;

	for (const char *name = names; *name != '\0'; name++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "[connector %c]\nbindings = 0.0.0.0:25\n"
		    "remote_ip_ranges = 10.0.%d.0/24\n",
		    *name, *name);
	return config_of(text);
}

/* That of connector number index of the newest configuration. */
static struct tally *
tally_of(struct snapshots *snapshots, size_t index)
{
	struct snapshot *snapshot = snapshots_pin(snapshots);
	const struct policy *policy = config_policy(snapshot_config(snapshot));
	struct tally *tally =
	    snapshot_tally(snapshot, &policy->connectors[index]);

	snapshots_unpin(snapshots, snapshot);
	return tally;
}

/* What was counted under a name, over reloads. */
static const struct {
	const char *what;
	const char *names[4]; /* of connectors, one letter each */
	bool pinned;          /* a session keeps the first configuration */
	bool held;            /* a session keeps a slot of the first one */
	long long counted;    /* of its first connector, by the last one */
	size_t configs;       /* in memory, before the session ends */
} lives[] = {
	/* clang-format off */
	{ "a reload keeps what was counted", { "ab", "ab" }, false, false, 7,
	    1 },
	{ "whatever stands before it", { "ab", "cda" }, false, false, 7, 1 },
	{ "case is folded", { "ab", "bA" }, false, false, 7, 1 },
	{ "it is gone for a while: forgotten", { "ab", "b", "ba" }, false,
	    false, 0, 1 },
	{ "somebody reads the old one", { "ab", "b", "ba" }, true, false, 7,
	    2 },
	{ "somebody has a slot", { "ab", "b", "ba" }, false, true, 7, 1 },
	{ "for long", { "ab", "b", "c", "bca" }, false, true, 7, 1 },
	/* clang-format on */
};

static void
test_tallies(void)
{
	static const struct connector any = { .max_inbound_connection = 9,
		.max_inbound_connection_per_source = 9,
		.max_inbound_connection_percentage_per_source = 100 };
	struct limits *limits = limits_new(10, 10);
	const struct client_source source = { .count = 0 };

	for (size_t i = 0; i < nitems(lives); i++) {
		struct snapshots *snapshots =
		    snapshots_new(named(lives[i].names[0]));
		struct snapshot *first = snapshots_pin(snapshots);
		struct limits_slot slot = { .tally = NULL };
		struct tally *tally = tally_of(snapshots, 0);
		const char *last = lives[i].names[0];

		atomic_fetch_add(&tally->rejected, 7);
		if (lives[i].held)
			is_int(
			    limits_enter(limits, &slot, tally, &any, &source),
			    SLOT_HELD, "a slot");
		if (!lives[i].pinned)
			snapshots_unpin(snapshots, first);
		for (size_t k = 1; k < 4 && lives[i].names[k] != NULL; k++) {
			last = lives[i].names[k];
			if (snapshots_replace(snapshots, named(last)) != 0)
				exit(2);
			snapshots_collect(snapshots);
		}
		tally = tally_of(snapshots, strcspn(last, "aA"));
		is_int((long long)atomic_load(&tally->rejected),
		    lives[i].counted, lives[i].what);
		is_int((long long)snapshots_count(snapshots),
		    (long long)lives[i].configs, "configurations in memory");
		limits_leave(limits, &slot);
		if (lives[i].pinned)
			snapshots_unpin(snapshots, first);
		snapshots_collect(snapshots);
		is_int(atomic_load(&tally->users), 1, "its only user is left");
		snapshots_free(snapshots);
	}
	limits_free(limits);
}

/* As many connectors as anybody has, one after the other and other ones. */
#define MANY 10000

static void
test_many_tallies(void)
{
	static struct connector connectors[2 * MANY];
	static char names[2 * MANY][16];
	const struct policy policies[] = {
		{ .connectors = connectors, .connector_count = MANY },
		{ .connectors = connectors + MANY / 2,
		    .connector_count = MANY },
		{ .connectors = connectors + MANY, .connector_count = MANY },
	};
	struct tallies *tallies = tallies_new();
	struct tally **lists[3];
	const clock_t start = clock();
	bool same = true, apart = true;

	for (size_t i = 0; i < 2 * MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "Connector %zu", i);
		connectors[i].name = names[i];
	}
	for (size_t i = 0; i < nitems(policies); i++) {
		lists[i] = tallies_take(tallies, &policies[i]);
		if (lists[i] == NULL)
			exit(2);
	}
	for (size_t i = 0; i < MANY; i++) {
		const size_t half = (i + MANY / 2) % MANY;

		same = same && lists[1][i] == lists[half > i ? 0 : 2][half] &&
		    atomic_load(&lists[1][i]->users) == 2;
		apart = apart &&
		    (i == 0 || lists[1][i]->id.low != lists[1][i - 1]->id.low);
	}
	ok(same, "ten thousand are found by name");
	ok(apart, "and are told apart");
	is_int((long long)tallies_count(tallies), 2 * MANY, "one for each");
	tallies_give_back(tallies, lists[0], MANY);
	tallies_collect(tallies);
	is_int((long long)tallies_count(tallies), MANY + MANY / 2,
	    "who was in one list only is gone");
	tallies_give_back(tallies, lists[2], MANY);
	tallies_give_back(tallies, lists[1], MANY);
	tallies_collect(tallies);
	is_int((long long)tallies_count(tallies), 0, "now all are");
	ok(clock() - start < 2 * CLOCKS_PER_SEC, "fast enough: %.3f s",
	    (double)(clock() - start) / CLOCKS_PER_SEC);
	tallies_free(tallies);
	tallies_free(NULL);
}

int
main(void)
{
	for (size_t i = 0; i < nitems(plays); i++) {
		struct snapshots *snapshots = snapshots_new(numbered(0));
		struct holder holders[HOLDERS] = { { NULL, 0 } };
		unsigned newest = 0;

		for (size_t k = 0;
		     k < MOVES_MAX && plays[i].moves[k].verb != END; k++) {
			move(snapshots, holders, &newest,
			    plays[i].moves[k].verb, plays[i].moves[k].number);
			is_int((long long)snapshots_count(snapshots),
			    plays[i].moves[k].count, plays[i].what);
			ok(holders_are_right(holders),
			    "%s: move %zu: everybody sees what it pinned",
			    plays[i].what, k + 1);
		}
		snapshots_free(snapshots);
	}
	snapshots_free(NULL);
	test_held();
	test_tallies();
	test_many_tallies();
	return done();
}
