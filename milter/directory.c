/*
 * directory.c - is this recipient known, and what is known of it? Also where
 * its domain is not: in any of those that are ours.
 */
#include "directory_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void
directory_free(struct directory *directory)
{
	if (directory == NULL)
		return;
	free(directory->keys);
	free(directory->listings);
	free(directory->pool);
	free(directory->places);
	free(directory->names);
	free(directory);
}

static int
compare_keys(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct directory_key));
}

enum answer
directory_find(const struct directory *directory, const char *local,
    const char *domain, struct listing *listing)
{
	unsigned char digest[DIGEST_SIZE];
	const struct directory_key *key;
	const char *known;

	*listing = (struct listing){ false, "", "" };
	if (directory == NULL || strlen(local) > MAILBOX_MAX ||
	    strlen(domain) > DOMAIN_MAX)
		return ANSWER_NO;
	if (directory_digest(digest, local, domain, directory->locale) != 0)
		return ANSWER_UNKNOWN;
	key = bsearch(digest, directory->keys, directory->key_count,
	    sizeof(*key), compare_keys);
	if (key == NULL)
		return ANSWER_NO;
	known = directory->pool + directory->listings[key - directory->keys];
	listing->internal_only = known[0] != 0;
	listing->name = known + 1;
	listing->logins = listing->name + strlen(listing->name) + 1;
	return ANSWER_YES;
}

/* Cuts what follows the delimiter off local. False: there is nothing to cut. */
static bool
untag(char untagged[MAILBOX_MAX + 1], const char *local, const char *delimiter)
{
	const char *tag =
	    delimiter[0] != '\0' ? strstr(local, delimiter) : NULL;

	if (tag == NULL || tag == local)
		return false;
	memcpy(untagged, local, (size_t)(tag - local));
	untagged[tag - local] = '\0';
	return true;
}

enum answer
directory_find_mailbox(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter,
    struct listing *listing)
{
	char untagged[MAILBOX_MAX + 1];
	enum answer answer;

	if (mailbox->kind != MAILBOX_DOMAIN) {
		*listing = (struct listing){ false, "", "" };
		return ANSWER_NO;
	}
	answer =
	    directory_find(directory, mailbox->local, mailbox->domain, listing);
	if (answer != ANSWER_NO || !untag(untagged, mailbox->local, delimiter))
		return answer;
	return directory_find(directory, untagged, mailbox->domain, listing);
}

bool
listing_has_login(const struct listing *listing, const char *login)
{
	const size_t len = strlen(login);
	const char *item = listing->logins;

	while (*item != '\0') {
		const size_t item_len = strcspn(item, ",");

		if (item_len == len && text_ncasecmp(item, login, len) == 0)
			return true;
		item += item_len;
		item += *item == ',';
	}
	return false;
}

bool
directory_has_internal_only(const struct directory *directory)
{
	return directory != NULL && directory->internal_only;
}

/* A linked domain. */
struct named {
	struct directory_key domain;
	size_t name; /* where in the names */
};

/* How many domains the sets name, in how many bytes. */
static size_t
count_names(
    const struct domain_set *const sets[], size_t set_count, size_t *len)
{
	size_t count = 0;

	*len = 0;
	for (size_t i = 0; i < set_count; i++)
		for (size_t k = 0; k < sets[i]->count; k++)
			if (!sets[i]->patterns[k].below) {
				*len += strlen(sets[i]->patterns[k].name) + 1;
				count++;
			}
	return count;
}

/* Copies them to names. 0, or -1 without memory or libcrypto. */
static int
take_names(struct named *named, char *names,
    const struct domain_set *const sets[], size_t set_count, locale_t locale)
{
	size_t at = 0;

	for (size_t i = 0; i < set_count; i++)
		for (size_t k = 0; k < sets[i]->count; k++) {
			const struct domain_pattern *pattern =
			    &sets[i]->patterns[k];
			const size_t size = strlen(pattern->name) + 1;

			if (pattern->below)
				continue;
			if (directory_key(
				&named->domain, "", pattern->name, locale) != 0)
				return -1;
			named++->name = at;
			memcpy(names + at, pattern->name, size);
			at += size;
		}
	return 0;
}

/* Keeps the places at named domains, and all that are hashed. */
static void
link_places(
    struct directory *directory, const struct named *named, size_t count)
{
	static const struct directory_key hashed;
	size_t kept = 0;

	for (size_t i = 0; i < directory->place_count; i++) {
		struct directory_place place = directory->places[i];
		const struct named *found = bsearch(
		    &place.domain, named, count, sizeof(*named), compare_keys);

		if (found != NULL)
			place.name = found->name;
		else if (compare_keys(&place.domain, &hashed) != 0)
			continue;
		directory->places[kept++] = place;
	}
	directory->place_count = kept;
	qsort(
	    directory->places, kept, sizeof(*directory->places), compare_keys);
}

int
directory_link(struct directory *directory,
    const struct domain_set *const sets[], size_t set_count)
{
	struct named *named;
	char *names;
	size_t len, count;
	int result = -1;

	if (!directory_has_internal_only(directory))
		return 0;
	count = count_names(sets, set_count, &len);
	named = calloc(count + 1, sizeof(*named));
	names = malloc(len + 1);
	if (named != NULL && names != NULL &&
	    take_names(named, names, sets, set_count, directory->locale) == 0) {
		qsort(named, count, sizeof(*named), compare_keys);
		link_places(directory, named, count);
		directory->names = names;
		directory->names_len = len;
		names = NULL;
		result = 0;
	}
	free(names);
	free(named);
	return result;
}

/* The first of the sorted places that is not before key. */
static size_t
first_place(const struct directory *directory, const struct directory_key *key)
{
	size_t low = 0, high = directory->place_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare_keys(&directory->places[middle].local, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_place_of(const struct directory *directory, size_t place,
    const struct directory_key *key)
{
	return place < directory->place_count &&
	    compare_keys(&directory->places[place].local, key) == 0;
}

/* Is there a place of LOCAL@DOMAIN, or of LOCAL when domain is empty? */
static enum answer
has_place(
    const struct directory *directory, const char *local, const char *domain)
{
	struct directory_key key;

	if (directory_key(&key, local, domain, directory->locale) != 0)
		return ANSWER_UNKNOWN;
	return is_place_of(directory, first_place(directory, &key), &key)
	    ? ANSWER_YES
	    : ANSWER_NO;
}

static enum answer
is_internal_only_at(const struct directory *directory,
    const struct mailbox *mailbox, const char *name, const char *delimiter)
{
	struct mailbox whole = *mailbox;
	struct listing listing;
	enum answer answer;

	whole.kind = MAILBOX_DOMAIN;
	snprintf(whole.domain, sizeof(whole.domain), "%s", name);
	answer = directory_find_mailbox(directory, &whole, delimiter, &listing);
	if (answer != ANSWER_YES)
		return answer;
	return listing.internal_only ? ANSWER_YES : ANSWER_NO;
}

/*
 * Where it takes internal senders only without its tag, somebody else may have
 * the address with the tag.
 */
static enum answer
is_internal_only_untagged(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter)
{
	char untagged[MAILBOX_MAX + 1];
	struct directory_key key;
	enum answer answer = ANSWER_NO;

	if (!untag(untagged, mailbox->local, delimiter))
		return ANSWER_NO;
	if (directory_key(&key, untagged, "", directory->locale) != 0)
		return ANSWER_UNKNOWN;
	for (size_t i = first_place(directory, &key);
	     answer != ANSWER_YES && is_place_of(directory, i, &key); i++)
		answer = answer_either(answer,
		    is_internal_only_at(directory, mailbox,
			directory->names + directory->places[i].name,
			delimiter));
	return answer;
}

/* By an address that is hashed: at one linked domain after the other. */
static enum answer
is_internal_only_hashed(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter)
{
	const char *name = directory->names;
	const char *end = name + directory->names_len;
	char untagged[MAILBOX_MAX + 1];
	const bool tagged = untag(untagged, mailbox->local, delimiter);
	enum answer answer = ANSWER_NO;

	for (; name < end && answer != ANSWER_YES; name += strlen(name) + 1) {
		answer = answer_either(
		    answer, has_place(directory, mailbox->local, name));
		if (tagged && has_place(directory, untagged, name) != ANSWER_NO)
			answer = answer_either(answer,
			    is_internal_only_at(
				directory, mailbox, name, delimiter));
	}
	return answer;
}

enum answer
directory_is_internal_only_anywhere(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter)
{
	enum answer answer;

	if (!directory_has_internal_only(directory))
		return ANSWER_NO;
	if (directory->names == NULL)
		return ANSWER_UNKNOWN;
	answer = has_place(directory, mailbox->local, "");
	if (answer != ANSWER_YES)
		answer = answer_either(answer,
		    is_internal_only_untagged(directory, mailbox, delimiter));
	if (answer != ANSWER_YES && directory->internal_only_hashed)
		answer = answer_either(answer,
		    is_internal_only_hashed(directory, mailbox, delimiter));
	return answer;
}

size_t
directory_count(const struct directory *directory)
{
	return directory != NULL ? directory->count : 0;
}

size_t
directory_bytes(const struct directory *directory)
{
	if (directory == NULL)
		return 0;
	return sizeof(*directory) +
	    directory->key_count *
	    (sizeof(*directory->keys) + sizeof(*directory->listings)) +
	    directory->pool_len +
	    directory->place_count * sizeof(*directory->places) +
	    directory->names_len;
}
