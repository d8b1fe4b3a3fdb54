/*
 * table.h - a table of fixed size from keys to numbers.
 *
 * For everything that strangers can fill: memory is taken once, and a full
 * table says so. A key is a keyed hash (digest.h), so nobody can choose where
 * it goes; each has two places to be, of TABLE_WAYS entries each, and 2 *
 * TABLE_WAYS entries at most are looked at. A number that is not above idle
 * (the caller's, never below 0: 0 for counts, now for times) stands for
 * nothing, and its entry is free for others: nothing ever has to be thrown out.
 * Up to half full, hardly any key finds no entry. One thread at a time.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#define TABLE_WAYS 4

struct table_key {
	uint64_t low;
	uint64_t high;
};

struct table;

/*
 * Room for at least entries, rounded up to a power of two; memory that is not
 * used yet costs nothing. NULL without memory. Freed by table_free.
 */
struct table *table_new(size_t entries) NODISCARD;
void table_free(struct table *table);

/* The number of key, or NULL when there is none above idle. */
long long *table_find(
    struct table *table, const struct table_key *key, long long idle);

/*
 * The same; where there is none, a free entry becomes key's, with the number
 * idle. NULL: the table is full where key could be. Pointers are valid until
 * the next call of this.
 */
long long *table_claim(
    struct table *table, const struct table_key *key, long long idle);

/* How many entries are above idle, and how many there are. Looks at all. */
size_t table_used(const struct table *table, long long idle);
size_t table_size(const struct table *table);

#endif
