/*
 * table.c - keys to numbers, each in one of two places or nowhere.
 */
#include "table.h"

#include <stdbool.h>
#include <stdlib.h>

struct entry {
	struct table_key key;
	long long number;
};

/* A place is TABLE_WAYS entries; there is a power of two of them. */
struct table {
	size_t places;
	struct entry *entries;
};

struct table *
table_new(size_t entries)
{
	const size_t most = PTRDIFF_MAX / 2 / sizeof(struct entry);
	struct table *table;

	if (entries > most)
		return NULL;
	table = calloc(1, sizeof(*table));
	if (table == NULL)
		return NULL;
	table->places = 1;
	while (table_size(table) < entries)
		table->places *= 2;
	table->entries = calloc(table_size(table), sizeof(*table->entries));
	if (table->entries == NULL) {
		free(table);
		return NULL;
	}
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	free(table->entries);
	free(table);
}

/* Of the two places of key; they may be the same. */
static struct entry *
place_of(const struct table *table, const struct table_key *key, size_t which)
{
	const uint64_t number = which == 0 ? key->low : key->high;

	return &table->entries[(number & (table->places - 1)) * TABLE_WAYS];
}

static bool
is_of(const struct entry *entry, const struct table_key *key)
{
	return entry->key.low == key->low && entry->key.high == key->high;
}

long long *
table_find(struct table *table, const struct table_key *key, long long idle)
{
	for (size_t which = 0; which < 2; which++) {
		struct entry *place = place_of(table, key, which);

		for (size_t i = 0; i < TABLE_WAYS; i++)
			if (place[i].number > idle && is_of(&place[i], key))
				return &place[i].number;
	}
	return NULL;
}

/* How many entries of a place are free, and the last of them. */
static size_t
free_in(struct entry *place, long long idle, struct entry **last)
{
	size_t count = 0;

	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (place[i].number <= idle) {
			*last = &place[i];
			count++;
		}
	return count;
}

/* The emptier of the two places: so few of them are full before all are. */
long long *
table_claim(struct table *table, const struct table_key *key, long long idle)
{
	long long *number = table_find(table, key, idle);
	struct entry *entry = NULL;
	size_t most = 0;

	if (number != NULL)
		return number;
	for (size_t which = 0; which < 2; which++) {
		struct entry *last = NULL;
		const size_t count =
		    free_in(place_of(table, key, which), idle, &last);

		if (count > most) {
			most = count;
			entry = last;
		}
	}
	if (entry == NULL)
		return NULL;
	entry->key = *key;
	entry->number = idle;
	return &entry->number;
}

size_t
table_used(const struct table *table, long long idle)
{
	const size_t size = table_size(table);
	size_t used = 0;

	for (size_t i = 0; i < size; i++)
		used += table->entries[i].number > idle;
	return used;
}

size_t
table_size(const struct table *table)
{
	return table->places * TABLE_WAYS;
}
