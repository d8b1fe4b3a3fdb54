/*
 * tally.c - one tally for each name, found by the hash of the name.
 */
#include "tally.h"

#include <stdlib.h>

#include "array.h"
#include "client_source.h"
#include "digest.h"

struct tallies {
	struct keyed *keyed;
	struct tally **items; /* by id, but for those that were just added */
	size_t count;
	size_t room;
};

struct tallies *
tallies_new(void)
{
	struct tallies *tallies = calloc(1, sizeof(*tallies));

	if (tallies == NULL)
		return NULL;
	tallies->keyed = keyed_new();
	if (tallies->keyed == NULL) {
		free(tallies);
		return NULL;
	}
	return tallies;
}

void
tallies_free(struct tallies *tallies)
{
	if (tallies == NULL)
		return;
	for (size_t i = 0; i < tallies->count; i++)
		free(tallies->items[i]);
	free(tallies->items);
	keyed_free(tallies->keyed);
	free(tallies);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct table_key *x = &(*(struct tally *const *)a)->id;
	const struct table_key *y = &(*(struct tally *const *)b)->id;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->high > y->high) - (x->high < y->high);
}

/* Puts a new one behind the others. NULL without memory. */
static struct tally *
add(struct tallies *tallies, const struct table_key *id)
{
	struct tally **items = array_grow(tallies->items, tallies->count, 1,
	    &tallies->room, sizeof(*tallies->items));
	struct tally *tally;

	if (items == NULL)
		return NULL;
	tallies->items = items;
	tally = calloc(1, sizeof(*tally));
	if (tally == NULL)
		return NULL;
	tally->id = *id;
	items[tallies->count++] = tally;
	return tally;
}

/* Of one name, among the first known ones or new. */
static struct tally *
find_or_add(struct tallies *tallies, size_t known, const char *name)
{
	struct tally wanted;
	struct tally *const pointer = &wanted;
	struct tally **found = NULL;
	struct client_source source;

	source_of_name(&source, tallies->keyed, 'c', name);
	if (source.count == 0)
		return NULL;
	wanted.id = source.keys[0];
	if (known > 0)
		found = bsearch(&pointer, tallies->items, known,
		    sizeof(*tallies->items), compare_ids);
	return found != NULL ? *found : add(tallies, &wanted.id);
}

struct tally **
tallies_take(struct tallies *tallies, const struct policy *policy)
{
	const size_t known = tallies->count;
	const size_t count = policy->connector_count;
	struct tally **list = calloc(count, sizeof(struct tally *));
	size_t taken = 0;

	if (list == NULL)
		return NULL;
	for (; taken < count; taken++) {
		struct tally *tally =
		    find_or_add(tallies, known, policy->connectors[taken].name);

		if (tally == NULL)
			break;
		atomic_fetch_add(&tally->users, 1);
		list[taken] = tally;
	}
	if (tallies->count > known)
		qsort(tallies->items, tallies->count, sizeof(*tallies->items),
		    compare_ids);
	if (taken < count) {
		tallies_give_back(tallies, list, taken);
		return NULL;
	}
	return list;
}

void
tallies_give_back(
    struct tallies *tallies UNUSED, struct tally **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		atomic_fetch_sub(&list[i]->users, 1);
	free(list);
}

void
tallies_collect(struct tallies *tallies)
{
	size_t kept = 0;

	for (size_t i = 0; i < tallies->count; i++) {
		struct tally *tally = tallies->items[i];

		if (atomic_load(&tally->users) > 0)
			tallies->items[kept++] = tally;
		else
			free(tally);
	}
	tallies->count = kept;
}

size_t
tallies_count(const struct tallies *tallies)
{
	return tallies->count;
}
