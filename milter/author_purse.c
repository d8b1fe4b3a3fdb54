/*
 * author_purse.c - what it may cost to read a field, and what was paid for
 * already: what libidn2 said of a domain, and where an MTA may cut one off.
 */
#include "author_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* So much is kept of one field; what finds no room is paid for again. */
#define KNOWN_ROOM 65536
#define KNOWN_SLOTS 4096
#define PROBES_MAX 8

/* No domain is longer in UTF-8, says domain.h at once. */
#define NAME_MAX_LEN 1024

/* So many bytes of a name or a key cost one. */
#define BYTES_PRICED 64

/* The value, terminated, stands behind its key. */
struct entry {
	uint32_t at;      /* in text */
	uint32_t key_len; /* 0: there is none */
};

struct known {
	struct entry slots[KNOWN_SLOTS];
	size_t len;
	char text[KNOWN_ROOM];
};

/* Begins with what it is of. */
enum { KEY_NAME = 'n', KEY_CUTS = 'c', KEY_CUTS_ROUTED = 'r' };

struct key {
	size_t len;
	char text[1 + NAME_MAX_LEN];
};

_Static_assert(1 + MAILBOX_MAX + 1 + DOMAIN_MAX + 1 <= 1 + NAME_MAX_LEN,
    "an address makes a key");

void
purse_open(struct purse *purse, bool cuts)
{
	*purse = (struct purse){ .left = PURSE_MAX, .cuts = cuts };
}

void
purse_close(struct purse *purse)
{
	free(purse->known);
	purse->known = NULL;
}

static void
charge(struct purse *purse, size_t price)
{
	purse->failed |= purse->left < price;
	if (!purse->failed)
		purse->left -= (unsigned)price;
}

bool
purse_pay(struct purse *purse, size_t price)
{
	charge(purse, price);
	return !purse->failed;
}

static void
key_begin(struct key *key, char kind)
{
	key->text[0] = kind;
	key->len = 1;
}

static void
key_put(struct key *key, const char *text, size_t len)
{
	memcpy(key->text + key->len, text, len);
	key->len += len;
}

static uint32_t
hash(const struct key *key)
{
	uint32_t h = 2166136261;

	for (size_t i = 0; i < key->len; i++)
		h = (h ^ (unsigned char)key->text[i]) * 16777619;
	return h ^ h >> 16;
}

static bool
is_entry_of(
    const struct known *known, const struct entry *entry, const struct key *key)
{
	return entry->key_len == key->len &&
	    memcmp(known->text + entry->at, key->text, key->len) == 0;
}

/* Where the key is, or may be put; NULL: neither, within a few places. */
static struct entry *
find(struct purse *purse, const struct key *key)
{
	const uint32_t h = hash(key);

	if (purse->known == NULL)
		purse->known = calloc(1, sizeof(*purse->known));
	if (purse->known == NULL) {
		purse->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		struct entry *entry =
		    &purse->known->slots[(h + i) % KNOWN_SLOTS];

		if (entry->key_len == 0 ||
		    is_entry_of(purse->known, entry, key))
			return entry;
	}
	return NULL;
}

/* The value of a key; NULL: it is not known. */
static const char *
recall(const struct purse *purse, const struct entry *entry)
{
	return entry != NULL && entry->key_len > 0
	    ? purse->known->text + entry->at + entry->key_len
	    : NULL;
}

static void
remember(struct purse *purse, struct entry *entry, const struct key *key,
    const char *value)
{
	const size_t len = strlen(value) + 1;
	struct known *known = purse->known;

	/* An entry is one of known's: NOLINTNEXTLINE(*NullDereference) */
	if (entry == NULL || key->len + len > KNOWN_ROOM - known->len)
		return;
	entry->at = (uint32_t)known->len;
	entry->key_len = (uint32_t)key->len;
	memcpy(known->text + known->len, key->text, key->len);
	memcpy(known->text + known->len + key->len, value, len);
	known->len += key->len + len;
}

/* Empty where it is no domain, or nobody knows. */
static void
look_up(
    struct purse *purse, char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	const char *wrong = domain_canonical(out, text, len);

	if (wrong != NULL)
		out[0] = '\0';
	purse->failed |= wrong == domain_no_memory;
}

/* The same, asked once. */
static void
look_up_once(
    struct purse *purse, char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	struct entry *entry;
	const char *known;
	struct key key;

	key_begin(&key, KEY_NAME);
	key_put(&key, text, len);
	entry = find(purse, &key);
	known = recall(purse, entry);
	if (known != NULL) {
		memcpy(out, known, strlen(known) + 1);
		return;
	}
	if (!purse_pay(purse, PRICE_IDN * len))
		return;
	look_up(purse, out, text, len);
	if (out[0] != '\0')
		charge(purse, PRICE_IDN_SOUND * len);
	remember(purse, entry, &key, out);
}

/* Will libidn2 be asked? */
static bool
is_dear(const char *text, size_t len)
{
	for (size_t i = 0; i < len && len <= NAME_MAX_LEN; i++)
		if ((text[i] & 0x80) != 0 ||
		    (i > 0 && text[i] == '-' && text[i - 1] == '-'))
			return text_is_utf8(text, len);
	return false;
}

bool
author_canonical(
    struct purse *purse, char out[DOMAIN_MAX + 1], const char *text, size_t len)
{
	out[0] = '\0';
	if (!purse_pay(purse, PRICE_DOMAIN + len / BYTES_PRICED))
		return false;
	if (is_dear(text, len))
		look_up_once(purse, out, text, len);
	else
		look_up(purse, out, text, len);
	return out[0] != '\0';
}

bool
author_cuts_are_told(struct purse *purse, const struct mailbox *mailbox,
    const char *domain, size_t len)
{
	struct entry *entry;
	struct key key;

	key_begin(&key, mailbox->routed ? KEY_CUTS_ROUTED : KEY_CUTS);
	key_put(&key, mailbox->local, strlen(mailbox->local) + 1);
	key_put(&key, domain, len <= DOMAIN_MAX ? len : DOMAIN_MAX + 1);
	if (!purse_pay(purse, key.len / BYTES_PRICED))
		return false;
	entry = find(purse, &key);
	if (recall(purse, entry) != NULL)
		return true;
	remember(purse, entry, &key, "");
	return false;
}
