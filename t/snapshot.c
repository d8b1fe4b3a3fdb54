/*
 * snapshot.c - who has pinned a configuration keeps it; nobody else does.
 */
#include "snapshot.h"

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
	return done();
}
