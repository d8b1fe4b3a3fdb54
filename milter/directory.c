/*
 * directory.c - is this recipient known, and what is known of it?
 */
#include "directory_parts.h"

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

enum answer
directory_find_mailbox(const struct directory *directory,
    const struct mailbox *mailbox, const char *delimiter,
    struct listing *listing)
{
	char untagged[MAILBOX_MAX + 1];
	const char *tag;
	enum answer answer;

	if (mailbox->kind != MAILBOX_DOMAIN) {
		*listing = (struct listing){ false, "", "" };
		return ANSWER_NO;
	}
	answer =
	    directory_find(directory, mailbox->local, mailbox->domain, listing);
	if (answer != ANSWER_NO || delimiter[0] == '\0')
		return answer;
	tag = strstr(mailbox->local, delimiter);
	if (tag == NULL || tag == mailbox->local)
		return ANSWER_NO;
	memcpy(untagged, mailbox->local, (size_t)(tag - mailbox->local));
	untagged[tag - mailbox->local] = '\0';
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
	    directory->pool_len;
}
