/*
 * limit_storm.c - limits under attack against plain bookkeeping of everybody:
 * far more sources than the tables have room for, rotating through the /64s of
 * their sites, at connectors whose limits change.
 *
 * The books are arrays with a row for each source, without hash, place or
 * overflow. Nobody is ever above a limit; nobody is refused but by the rules;
 * whoever has an entry and began with a full bucket gets all of the limit; no
 * memory is taken; and when the storm is over, everybody is served.
 *
 * The number of events is the first argument, else LIMIT_EVENTS, else ten
 * million; LIMIT_SEED varies them.
 */
#include "limit.h"

#include <malloc.h>
#include <stdlib.h>

#include "random.h"
#include "tap.h"

#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)

#define CONNECTORS 10
#define PLAIN 1200 /* IPv4 addresses */
#define SITES 40   /* /48s */
#define PARTS 25   /* /64s of each */
#define CLIENTS (PLAIN + SITES * PARTS)
#define USERS 400
#define SLOTS 600
#define MAX_SESSIONS 8 /* of the table: 64 entries */
#define RATES 512

/* Everything that has a bucket: clients, then their sites, then users. */
#define BUCKETS (CLIENTS + SITES + USERS)
#define NONE SIZE_MAX

/* What is known of one source at one connector. */
struct book {
	long long sessions; /* in all */
	long long entry;    /* of them, not in the shared count */
	long long until;    /* of a bucket that forgets nothing */
	long long known;    /* time of its entry; not above now: it has none */
	bool fair;          /* the entry began with a full bucket */
};

static struct {
	struct limits *limits;
	struct tally tallies[CONNECTORS];
	struct connector connectors[CONNECTORS];
	struct client_source clients[CLIENTS];
	struct client_source users[USERS];
	struct book books[CONNECTORS][BUCKETS];
	long long held[CONNECTORS];
	long long shared[CONNECTORS];
	struct limits_slot slots[SLOTS];
	size_t slot_clients[SLOTS];
	size_t slot_connectors[SLOTS]; /* NONE: free */
	long long now;
	uint64_t seed;
} storm;

static struct {
	unsigned long long events;
	unsigned long long entered, full, refused, entered_shared;
	unsigned long long sent, slowed, sent_shared, taken_back;
	unsigned long long wrong_slot, above_sessions, unfair_slot;
	unsigned long long wrong_rate, above_rate, unfair_rate;
} score;

static const long long rates[] = { 1, 2, 5, 7, 30, 60, 100, 600, 5000,
	INT32_MAX, UNLIMITED };

static size_t
draw(size_t limit)
{
	return random_below(&storm.seed, limit);
}

/* As a reload does. */
static void
draw_limits(struct connector *connector)
{
	static const long long sources[] = { 1, 2, 3, 8, 20, UNLIMITED };
	static const long long percentages[] = { 1, 2, 10, 50, 100 };
	static const long long totals[] = { 3, 20, 60, 100, 5000, UNLIMITED };

	connector->max_inbound_connection = totals[draw(nitems(totals))];
	connector->max_inbound_connection_per_source =
	    sources[draw(nitems(sources))];
	connector->max_inbound_connection_percentage_per_source =
	    percentages[draw(nitems(percentages))];
	connector->message_rate_limit = rates[draw(nitems(rates))];
}

static void
begin(uint64_t seed)
{
	storm.seed = seed;
	storm.now = SECOND;
	storm.limits = limits_new(MAX_SESSIONS, RATES);
	if (storm.limits == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		struct addr addr = { ADDR_IPV4, 0xc0000000 + i * 77 };
		const size_t part = i - PLAIN;

		if (i >= PLAIN) {
			addr.family = ADDR_IPV6;
			addr.value = (addr_value)0x20010db8 << 96 |
			    (addr_value)(part / PARTS) << 80 |
			    (addr_value)(part % PARTS) << 64 | i;
		}
		limits_source(storm.limits, &storm.clients[i], &addr);
	}
	for (size_t i = 0; i < USERS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user%zu@example.com", i);
		limits_source_of_name(storm.limits, &storm.users[i], 's', name);
	}
	for (size_t i = 0; i < CONNECTORS; i++) {
		storm.tallies[i].id =
		    (struct table_key){ random_next(&storm.seed),
			    random_next(&storm.seed) };
		draw_limits(&storm.connectors[i]);
	}
	for (size_t i = 0; i < SLOTS; i++)
		storm.slot_connectors[i] = NONE;
}

static size_t
site_of(size_t client)
{
	return client < PLAIN ? NONE : CLIENTS + (client - PLAIN) / PARTS;
}

/* Attackers keep to some clients and sites for a while, and go on. */
static size_t
draw_client(void)
{
	const size_t phase = (size_t)(score.events >> 16);

	switch (draw(4)) {
	case 0: /* one site, all of its parts */
		return PLAIN + phase % SITES * PARTS + draw(PARTS);
	case 1: /* the usual ones */
		return draw(50);
	default:
		return draw(CLIENTS);
	}
}

static long long
smaller(long long a, long long b)
{
	return a < b ? a : b;
}

static long long
larger(long long a, long long b)
{
	return a > b ? a : b;
}

/* By the words of max_inbound_connection_percentage_per_source. */
static long long
allowed_sessions(size_t at)
{
	const struct connector *connector = &storm.connectors[at];
	const long long most = connector->max_inbound_connection;
	const long long percentage =
	    connector->max_inbound_connection_percentage_per_source;

	if (most == UNLIMITED || percentage == 100)
		return connector->max_inbound_connection_per_source;
	return smaller(connector->max_inbound_connection_per_source,
	    larger((most - storm.held[at]) * percentage / 100, 1));
}

static long long
fourfold(long long limit)
{
	return limit > UNLIMITED / 4 ? UNLIMITED : limit * 4;
}

/* What has to happen. Any session of the shared count may be the client's. */
static enum slot
expected_slot(size_t at, size_t client)
{
	const struct book *books = storm.books[at];
	const long long allowed = allowed_sessions(at);
	const size_t site = site_of(client);

	if (storm.held[at] >= storm.connectors[at].max_inbound_connection)
		return SLOT_CONNECTOR_FULL;
	if (books[client].entry + storm.shared[at] >= allowed)
		return SLOT_SOURCE_FULL;
	if (site != NONE &&
	    books[site].entry + storm.shared[at] >= fourfold(allowed))
		return SLOT_SOURCE_FULL;
	return SLOT_HELD;
}

/* Could anybody who knows but the limits complain? */
static void
check_slot(size_t at, size_t client, enum slot got, long long allowed)
{
	const struct book *books = storm.books[at];
	const size_t site = site_of(client);

	if (got == SLOT_HELD &&
	    (books[client].sessions > allowed ||
		(site != NONE && books[site].sessions > fourfold(allowed)) ||
		storm.held[at] > storm.connectors[at].max_inbound_connection))
		score.above_sessions++;
	if (got == SLOT_SOURCE_FULL && storm.shared[at] == 0 &&
	    books[client].sessions < allowed &&
	    (site == NONE || books[site].sessions < fourfold(allowed)))
		score.unfair_slot++;
}

static void
count_slot(size_t slot, long long sign)
{
	const size_t at = storm.slot_connectors[slot];
	const size_t client = storm.slot_clients[slot];
	const size_t site = site_of(client);
	const long long entry = storm.slots[slot].shared ? 0 : sign;
	struct book *books = storm.books[at];

	storm.held[at] += sign;
	storm.shared[at] += sign - entry;
	books[client].sessions += sign;
	books[client].entry += entry;
	if (site == NONE)
		return;
	books[site].sessions += sign;
	books[site].entry += entry;
}

static void
leave(size_t slot)
{
	if (storm.slot_connectors[slot] == NONE)
		return;
	count_slot(slot, -1);
	storm.slot_connectors[slot] = NONE;
	limits_leave(storm.limits, &storm.slots[slot]);
}

/* A new client in a free slot, or the one that is there elsewhere. */
static void
enter(size_t slot, size_t at)
{
	const size_t from = storm.slot_connectors[slot];
	size_t client = draw_client();
	enum slot want, got;
	long long allowed;

	if (from != NONE) {
		client = storm.slot_clients[slot];
		if (from != at)
			count_slot(slot, -1);
	}
	want = from == at ? SLOT_HELD : expected_slot(at, client);
	allowed = allowed_sessions(at);
	got = limits_enter(storm.limits, &storm.slots[slot], &storm.tallies[at],
	    &storm.connectors[at], &storm.clients[client]);
	score.wrong_slot += got != want;
	score.entered += got == SLOT_HELD;
	score.full += got == SLOT_CONNECTOR_FULL;
	score.refused += got == SLOT_SOURCE_FULL;
	if (from == at)
		return;
	storm.slot_connectors[slot] = got == SLOT_HELD ? at : NONE;
	storm.slot_clients[slot] = client;
	if (got == SLOT_HELD) {
		count_slot(slot, 1);
		score.entered_shared += storm.slots[slot].shared;
	}
	check_slot(at, client, got, allowed);
}

static long long
cost_of(long long limit)
{
	return (MINUTE - 1) / limit + 1;
}

/* A message to be sent, and its buckets as the books know them. */
struct letter {
	size_t at;
	const struct client_source *sources[2];
	size_t source_count;
	size_t buckets[3];
	long long limits[3];
	size_t count;
};

static void
add_bucket(struct letter *letter, size_t bucket, long long limit)
{
	letter->buckets[letter->count] = bucket;
	letter->limits[letter->count++] = limit;
}

static void
draw_letter(struct letter *letter)
{
	const size_t client = draw_client();
	const size_t user = draw(USERS);
	const size_t kind = draw(4);
	long long limit;

	*letter = (struct letter){ .at = draw(CONNECTORS) };
	limit = storm.connectors[letter->at].message_rate_limit;
	if (kind != 0) {
		letter->sources[letter->source_count++] =
		    &storm.clients[client];
		add_bucket(letter, client, limit);
		if (site_of(client) != NONE)
			add_bucket(letter, site_of(client), fourfold(limit));
	}
	if (kind < 2) {
		letter->sources[letter->source_count++] = &storm.users[user];
		add_bucket(letter, CLIENTS + SITES + user, limit);
	}
}

/* The time at which a bucket's next message begins. */
static long long
start_of(const struct book *book, long long shared)
{
	return book->known > storm.now ? book->known
				       : larger(shared, storm.now);
}

/* Whether the books let it pass; fair: whether all are sure to have all. */
static bool
expected_letter(const struct letter *letter, bool *fair, bool *below)
{
	const long long shared = storm.tallies[letter->at].shared_rate;
	bool passes = true;

	*fair = *below = true;
	for (size_t i = 0; i < letter->count; i++) {
		const struct book *book =
		    &storm.books[letter->at][letter->buckets[i]];
		const long long cost = cost_of(letter->limits[i]);
		const long long room =
		    letter->limits[i] * cost + storm.now - cost;

		passes = passes && start_of(book, shared) <= room;
		*below = *below && larger(book->until, storm.now) <= room;
		*fair = *fair &&
		    (book->known > storm.now ? book->fair
					     : shared <= storm.now);
	}
	return passes;
}

/* Enters a message that passed into the books. */
static void
count_letter(const struct letter *letter, const struct limits_message *message,
    long long shared)
{
	for (size_t i = 0; i < letter->count; i++) {
		struct book *book =
		    &storm.books[letter->at][letter->buckets[i]];
		const long long cost = cost_of(letter->limits[i]);

		book->until = larger(book->until, storm.now) + cost;
		if (book->until - storm.now > letter->limits[i] * cost)
			score.above_rate++;
		if (message->taken[i].shared)
			continue;
		if (book->known <= storm.now)
			book->fair = shared <= storm.now;
		book->known = start_of(book, shared) + cost;
	}
}

static void
take_back(const struct letter *letter, struct limits_message *message)
{
	for (size_t i = 0; i < letter->count; i++) {
		struct book *book =
		    &storm.books[letter->at][letter->buckets[i]];
		const long long cost = cost_of(letter->limits[i]);

		book->until -= cost;
		if (!message->taken[i].shared)
			book->known -= cost;
	}
	limits_refund(storm.limits, message);
	score.taken_back++;
}

static void
send_letter(void)
{
	struct letter letter;
	struct limits_message message;
	bool want, got, fair, below, shared = false;
	long long before;

	draw_letter(&letter);
	before = storm.tallies[letter.at].shared_rate;
	want = fair = below = true;
	if (storm.connectors[letter.at].message_rate_limit != UNLIMITED)
		want = expected_letter(&letter, &fair, &below);
	got = limits_take(storm.limits, &message, &storm.tallies[letter.at],
	    &storm.connectors[letter.at], letter.sources, letter.source_count,
	    storm.now);
	score.wrong_rate += got != want;
	if (message.count == 0 && got)
		return;
	score.unfair_rate += fair && got != below;
	score.slowed += !got;
	if (!got)
		return;
	score.sent++;
	for (size_t i = 0; i < message.count; i++)
		shared = shared || message.taken[i].shared;
	score.sent_shared += shared;
	count_letter(&letter, &message, before);
	if (draw(8) == 0)
		take_back(&letter, &message);
}

static void
play_event(void)
{
	score.events++;
	storm.now += (long long)draw(SECOND / 50);
	if (draw(1000000) == 0)
		storm.now += 2 * MINUTE;
	switch (draw(8)) {
	case 0:
	case 1:
		enter(draw(SLOTS), draw(CONNECTORS));
		break;
	case 2:
		leave(draw(SLOTS));
		break;
	default:
		send_letter();
	}
	if (draw(20000) == 0)
		draw_limits(&storm.connectors[draw(CONNECTORS)]);
}

/* Afterwards nothing is left, and everybody is served by everyone. */
static void
test_calm(void)
{
	struct limits_usage usage;
	unsigned long long refused = 0;
	long long longest = 0;

	for (size_t i = 0; i < SLOTS; i++)
		leave(i);
	limits_usage(storm.limits, &usage, storm.now);
	is_int((long long)usage.sources, 0, "no session is left");
	ok(usage.rates > 0, "of rates some are: %zu", usage.rates);
	/* A minute, and the ns by which a message's share is rounded up. */
	for (size_t i = 0; i < nitems(rates); i++)
		if (rates[i] != UNLIMITED)
			longest = larger(longest,
			    fourfold(rates[i]) * cost_of(fourfold(rates[i])));
	storm.now += larger(longest, INT32_MAX * cost_of(INT32_MAX));
	limits_usage(storm.limits, &usage, storm.now);
	is_int((long long)usage.rates, 0, "a minute later nothing is");
	for (size_t at = 0; at < CONNECTORS; at++) {
		draw_limits(&storm.connectors[at]);
		for (size_t i = 0; i < CLIENTS; i++) {
			const struct client_source *sources[] = {
				&storm.clients[i], &storm.users[i % USERS]
			};
			struct limits_slot slot = { .tally = NULL };
			struct limits_message message;

			refused +=
			    limits_enter(storm.limits, &slot,
				&storm.tallies[at], &storm.connectors[at],
				sources[0]) != SLOT_HELD;
			limits_leave(storm.limits, &slot);
			refused += !limits_take(storm.limits, &message,
			    &storm.tallies[at], &storm.connectors[at], sources,
			    2, storm.now);
			limits_refund(storm.limits, &message);
		}
	}
	is_int((long long)refused, 0, "and everybody is served");
}

static size_t
memory_in_use(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void
report(void)
{
	ok(score.wrong_slot == 0,
	    "sessions: %llu held, %llu of them shared; "
	    "%llu full, %llu refused; as the books say",
	    score.entered, score.entered_shared, score.full, score.refused);
	ok(score.above_sessions == 0, "never above a limit");
	ok(score.unfair_slot == 0, "nobody below is refused while none share");
	ok(score.wrong_rate == 0,
	    "messages: %llu passed, %llu of them shared; "
	    "%llu refused, %llu taken back; as the books say",
	    score.sent, score.sent_shared, score.slowed, score.taken_back);
	ok(score.above_rate == 0, "never above a limit");
	ok(score.unfair_rate == 0, "who has an entry gets all of the limit");
	ok(score.entered_shared * 20 > score.entered &&
		score.sent_shared * 20 > score.sent &&
		score.slowed * 20 > score.sent &&
		score.refused * 20 > score.entered,
	    "and it was a storm");
}

static unsigned long long
number_of(const char *text, unsigned long long otherwise)
{
	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	const unsigned long long events =
	    number_of(argc > 1 ? argv[1] : getenv("LIMIT_EVENTS"), 10000000);
	size_t memory;

	begin(number_of(getenv("LIMIT_SEED"), 1));
	memory = memory_in_use();
	while (score.events < events)
		play_event();
	is_int((long long)(memory_in_use() - memory), 0, "no memory was taken");
	report();
	test_calm();
	limits_free(storm.limits);
	return done();
}
