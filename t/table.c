/*
 * table.c - a table of fixed size: what it finds, what it gives away, and what
 * it says when it is full.
 */
#include "table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "random.h"
#include "tap.h"

#define KEYS_MAX 200000

static struct table *
table_of(size_t entries)
{
	struct table *table = table_new(entries);

	if (table == NULL) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return table;
}

/* clang-format off */
static const struct {
	size_t entries;
	long long size;
} sizes[] = {
	{ 0, 4 }, { 1, 4 }, { 4, 4 }, { 5, 8 }, { 8, 8 }, { 9, 16 },
	{ 1000, 1024 }, { 40000, 65536 }, { 65536, 65536 },
};
/* clang-format on */

static void
test_sizes(void)
{
	for (size_t i = 0; i < nitems(sizes); i++) {
		struct table *table = table_of(sizes[i].entries);

		is_int((long long)table_size(table), sizes[i].size,
		    "rounded up to a power of two");
		is_int((long long)table_used(table, 0), 0, "and empty");
		table_free(table);
	}
	ok(table_new(SIZE_MAX) == NULL, "more than memory can hold");
	ok(table_new(SIZE_MAX / 2) == NULL, "half of it");
	table_free(NULL);
}

enum verb { END, CLAIM, FIND, SET, USED, FULL, MISSING };

#define MOVES_MAX 16

/* clang-format off */
static const struct {
	const char *what;
	struct {
		enum verb verb;
		struct table_key key;
		long long idle;
		long long number; /* to be set or seen; USED: how many */
	} moves[MOVES_MAX];
} plays[] = {
	/* Of four places: 0 to 3. */
	{ "what was not claimed is not there", {
	    { MISSING, { 1, 2 }, 0, 0 }, { USED, { 0, 0 }, 0, 0 } } },
	{ "what is claimed begins idle and is not there", {
	    { CLAIM, { 1, 2 }, 0, 0 }, { MISSING, { 1, 2 }, 0, 0 } } },
	{ "what is above idle is there", {
	    { SET, { 1, 2 }, 0, 7 }, { FIND, { 1, 2 }, 0, 7 },
	    { CLAIM, { 1, 2 }, 0, 7 }, { USED, { 0, 0 }, 0, 1 } } },
	{ "the same number in both halves: one place", {
	    { SET, { 1, 1 }, 0, 7 }, { SET, { 5, 1 }, 0, 8 },
	    { SET, { 9, 1 }, 0, 9 }, { SET, { 13, 1 }, 0, 10 },
	    { FULL, { 17, 1 }, 0, 0 }, { FIND, { 1, 1 }, 0, 7 },
	    { FIND, { 13, 1 }, 0, 10 }, { USED, { 0, 0 }, 0, 4 } } },
	{ "either half alone is not the key", {
	    { SET, { 1, 2 }, 0, 7 }, { MISSING, { 1, 6 }, 0, 0 },
	    { MISSING, { 5, 2 }, 0, 0 }, { MISSING, { 2, 1 }, 0, 0 } } },
	{ "a full place: the other one takes it", {
	    { SET, { 1, 1 }, 0, 1 }, { SET, { 5, 1 }, 0, 2 },
	    { SET, { 9, 1 }, 0, 3 }, { SET, { 13, 1 }, 0, 4 },
	    { SET, { 17, 2 }, 0, 5 }, { FIND, { 17, 2 }, 0, 5 },
	    { SET, { 2, 21 }, 0, 6 }, { FIND, { 2, 21 }, 0, 6 },
	    { USED, { 0, 0 }, 0, 6 } } },
	{ "the number falls to idle: its entry is free again", {
	    { SET, { 1, 1 }, 0, 1 }, { SET, { 5, 1 }, 0, 2 },
	    { SET, { 9, 1 }, 0, 3 }, { SET, { 13, 1 }, 0, 4 },
	    { SET, { 5, 1 }, 0, 0 }, { MISSING, { 5, 1 }, 0, 0 },
	    { SET, { 17, 1 }, 0, 6 }, { FIND, { 17, 1 }, 0, 6 },
	    { FULL, { 5, 1 }, 0, 0 } } },
	{ "idle rises over the number: likewise", {
	    { SET, { 1, 1 }, 0, 10 }, { SET, { 5, 1 }, 0, 20 },
	    { SET, { 9, 1 }, 0, 30 }, { SET, { 13, 1 }, 0, 40 },
	    { FULL, { 17, 1 }, 9, 0 }, { FIND, { 5, 1 }, 19, 20 },
	    { MISSING, { 5, 1 }, 20, 0 }, { USED, { 0, 0 }, 20, 2 },
	    { SET, { 17, 1 }, 20, 50 }, { FIND, { 17, 1 }, 20, 50 },
	    { CLAIM, { 5, 1 }, 20, 20 }, { USED, { 0, 0 }, 20, 3 } } },
	{ "an entry that was claimed and left is anybody's", {
	    { CLAIM, { 1, 1 }, 5, 5 }, { CLAIM, { 5, 1 }, 5, 5 },
	    { CLAIM, { 9, 1 }, 5, 5 }, { CLAIM, { 13, 1 }, 5, 5 },
	    { SET, { 17, 1 }, 5, 6 }, { USED, { 0, 0 }, 5, 1 } } },
	{ "its own number falls to idle and it claims again", {
	    { SET, { 1, 2 }, 0, 7 }, { SET, { 1, 2 }, 7, 9 },
	    { FIND, { 1, 2 }, 7, 9 }, { USED, { 0, 0 }, 0, 1 } } },
};
/* clang-format on */

static void
move(struct table *table, const char *what, enum verb verb,
    const struct table_key *key, long long idle, long long number)
{
	long long *found;

	switch (verb) {
	case CLAIM:
	case SET:
		found = table_claim(table, key, idle);
		ok(found != NULL, "%s: there is an entry", what);
		if (found != NULL && verb == SET)
			*found = number;
		else if (found != NULL)
			is_int(*found, number, "with the number");
		break;
	case FIND:
		found = table_find(table, key, idle);
		is_int(found != NULL ? *found : -1, number, what);
		break;
	case FULL:
		ok(table_claim(table, key, idle) == NULL, "%s: full", what);
		break;
	case MISSING:
		ok(table_find(table, key, idle) == NULL, "%s: none", what);
		break;
	case USED:
		is_int((long long)table_used(table, idle), number, what);
		break;
	case END:
		break;
	}
}

static void
test_plays(void)
{
	for (size_t i = 0; i < nitems(plays); i++) {
		struct table *table = table_of(16);

		for (size_t k = 0;
		     k < MOVES_MAX && plays[i].moves[k].verb != END; k++)
			move(table, plays[i].what, plays[i].moves[k].verb,
			    &plays[i].moves[k].key, plays[i].moves[k].idle,
			    plays[i].moves[k].number);
		table_free(table);
	}
}

static struct table_key
key_number(size_t i)
{
	uint64_t seed = i * 2;

	return (struct table_key){ random_next(&seed), random_next(&seed) };
}

/*
 * Many times more keys than entries: each that got an entry keeps it and its
 * number, no two share one, and the table is nearly full before it says so.
 */
static void
test_full(void)
{
	struct table *table = table_of(65536);
	long long got = 0, kept = 0, first_refused = 0;
	static bool has[KEYS_MAX];

	for (size_t i = 0; i < KEYS_MAX; i++) {
		const struct table_key key = key_number(i);
		long long *number = table_claim(table, &key, 0);

		has[i] = number != NULL;
		if (number == NULL && first_refused == 0)
			first_refused = got;
		if (number == NULL)
			continue;
		*number = (long long)i + 1;
		got++;
	}
	for (size_t i = 0; i < KEYS_MAX; i++) {
		const struct table_key key = key_number(i);
		const long long *number = table_find(table, &key, 0);

		if (has[i])
			kept += number != NULL && *number == (long long)i + 1;
		else
			kept -= number != NULL;
	}
	is_int(kept, got, "all that got an entry keep it, and nobody else has");
	is_int((long long)table_used(table, 0), got, "no two share one");
	ok(got >= 65000, "%lld of 65536 entries can be used", got);
	ok(first_refused >= 65536 / 2, "the first to be refused is number %lld",
	    first_refused);
	is_int((long long)table_used(table, KEYS_MAX), 0,
	    "all of them are free when idle passes them");
	is_int((long long)table_size(table), 65536, "it did not grow");
	table_free(table);
}

/* As the table of sessions is: a quarter of its entries at most in use. */
static void
test_quarter(void)
{
	struct table *table = table_of(65536);
	long long refused = 0;

	/* As many come as go, of keys that were never there. */
	for (size_t i = 1; i <= 40 * 16384; i++) {
		const struct table_key key = key_number(i);
		long long *number = table_claim(table, &key, (long long)i);

		if (number != NULL)
			*number = (long long)i + 16384;
		refused += number == NULL;
	}
	is_int((long long)table_used(table, 40 * 16384), 16384,
	    "a quarter of all entries are in use");
	is_int(refused, 0, "and it was never full where a key could be");
	table_free(table);
}

int
main(void)
{
	test_sizes();
	test_plays();
	test_full();
	test_quarter();
	return done();
}
