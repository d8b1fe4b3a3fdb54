/*
 * directory_parts.h - what the files of the directory room share.
 *
 * directory_line.c takes one line apart and directory_word.c its words,
 * directory_address.c makes digests of addresses, directory_load.c makes a
 * directory of all lines, directory_hash.c writes them hashed, directory.c
 * answers. No other room includes this. Reading is for one thread.
 */
#ifndef DIRECTORY_PARTS_H
#define DIRECTORY_PARTS_H

#include <locale.h>
#include <stdint.h>

#include "digest.h"
#include "directory.h"

#define DIRECTORY_LINE_MAX 8192
#define DIRECTORY_NAME_MAX 256

/* Problems told in words. */
#define DIRECTORY_PROBLEMS_MAX 100

/* "a@b," is the shortest. */
#define DIRECTORY_ADDRESSES_MAX (DIRECTORY_LINE_MAX / 4 + 1)

/*
 * The front of a digest is enough to find it by: nobody can make two addresses
 * with the same 128 bits of SHA-256.
 */
#define DIRECTORY_KEY_SIZE 16

struct directory_key {
	unsigned char bytes[DIRECTORY_KEY_SIZE];
};

/*
 * An address of one who takes internal senders only, found without its domain.
 * A hashed one is found as a whole and its domain is zero.
 */
struct directory_place {
	struct directory_key local;
	union {
		struct directory_key domain;
		size_t name; /* once linked: where in directory->names */
	};
};

/*
 * What is known of a recipient stands in the pool at one offset: a byte that is
 * 1 for internal_only, the name, the logins, both terminated.
 */
struct directory {
	struct directory_key *keys; /* of addresses and aliases, sorted */
	uint32_t *listings;         /* of each key, in the pool */
	size_t key_count;
	char *pool;
	size_t pool_len;
	size_t count; /* recipients */
	bool internal_only;
	bool internal_only_hashed;      /* some of these by an address hashed */
	struct directory_place *places; /* sorted once linked */
	size_t place_count;
	char *names; /* of linked domains, each terminated; NULL: not linked */
	size_t names_len;
	locale_t locale; /* for letters beyond ASCII */
};

/* Text that is not terminated, a part of the file. */
struct stretch {
	const char *at;
	const char *end;
};

struct address {
	unsigned char digest[DIGEST_SIZE];
	const char *at;  /* where it begins in the file */
	const char *end; /* NULL: it is hashed */
};

/* A file while it is read. Large: on the heap. */
struct reader {
	struct diags *diags;
	struct place place; /* of problems: the line in hand */
	struct stretch rest;
	locale_t locale;
	size_t told;   /* problems told in words */
	size_t untold; /* lines with problems, none of them told */
	bool broken;   /* no memory or no libcrypto: reading is over */

	/* the line in hand */
	bool wrong;
	bool counted;  /* as told or untold */
	unsigned seen; /* bit of each word that stood in it */
	bool internal_only;
	char name[DIRECTORY_NAME_MAX + 1];
	char logins[DIRECTORY_LINE_MAX + 1];
	struct address addresses[DIRECTORY_ADDRESSES_MAX];
	size_t address_count;

	char copy[DIRECTORY_LINE_MAX + 1]; /* for text that must end in NUL */
};

/*
 * NULL without memory, or without the locale C.UTF-8. The bytes stay the
 * caller's.
 */
struct reader *reader_new(const char *file, const char *bytes, size_t len,
    struct diags *diags) NODISCARD;
void reader_free(struct reader *reader);

/*
 * Reads on to the next recipient, or to a line that is wrong, which may lack
 * anything. False at the end.
 */
bool reader_next(struct reader *reader);

/* Adds a problem at reader->place, or only counts it: there are many. */
void reader_problem(struct reader *reader, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* Adds "out of memory" and ends the reading. */
void reader_no_memory(struct reader *reader);

/* Says how many lines are wrong without having been told. */
void reader_sum_up(struct reader *reader);

/* text, terminated; until the next call. */
const char *reader_copy(struct reader *reader, struct stretch text);

/* The same in quotes, for a problem's text. Returns quoted. */
const char *reader_quote(
    struct reader *reader, char quoted[DIAG_QUOTE_MAX], struct stretch text);

/* The next word of a line, "..." being a part of one; false at its end. */
bool stretch_word(struct stretch *line, struct stretch *word, bool *closed);

/*
 * The next item of a list with commas; false at its end. A comma at the end
 * gives an empty item.
 */
bool stretch_item(struct stretch *list, struct stretch *item);

static inline size_t
stretch_len(struct stretch stretch)
{
	return (size_t)(stretch.end - stretch.at);
}

/* Takes the address that a line begins with, or an alias; or a problem. */
void reader_take_address(struct reader *reader, struct stretch text);

/* Takes what may stand behind the address; or a problem. */
void reader_take_word(struct reader *reader, struct stretch word);

/*
 * The digest of LOCAL@DOMAIN, local in lower case. 0, or -1 without memory or
 * libcrypto. local has at most MAILBOX_MAX bytes, domain DOMAIN_MAX.
 */
int directory_digest(unsigned char digest[DIGEST_SIZE], const char *local,
    const char *domain, locale_t locale) NODISCARD;

/*
 * The front of the same. An empty domain gives the key of a local part, an
 * empty local that of a domain: no whole address has it.
 */
int directory_key(struct directory_key *key, const char *local,
    const char *domain, locale_t locale) NODISCARD;

/* The place of an address that was read. 0, or -1 likewise. */
int directory_place(struct directory_place *place,
    const struct address *address, locale_t locale) NODISCARD;

#endif
