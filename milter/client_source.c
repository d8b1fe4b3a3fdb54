/*
 * client_source.c - addresses and names to keys that tell sources apart.
 */
#include "client_source.h"

#include <string.h>

#include "connector.h"
#include "digest.h"
#include "text.h"

#define PREFIX_IPV4 32
#define PREFIX_IPV6 64
#define PREFIX_SITE 48

/* How much of a name is hashed at once. */
#define NAME_PART 128

static int
hash(struct table_key *key, struct keyed *keyed, const void *bytes, size_t len)
{
	uint64_t out[2];
	const int result = keyed_hash(keyed, out, bytes, len);

	key->low = out[0];
	key->high = out[1];
	return result;
}

/* Prefixes of different kinds have different lengths, and names are longer. */
static int
hash_prefix(struct table_key *key, struct keyed *keyed,
    const struct addr *client, unsigned prefix)
{
	addr_value value =
	    client->value >> (addr_bits(client->family) - prefix);
	unsigned char bytes[PREFIX_IPV6 / 8];
	const size_t len = prefix / 8;

	for (size_t i = 0; i < len; i++) {
		bytes[i] = (unsigned char)value;
		value >>= 8;
	}
	return hash(key, keyed, bytes, len);
}

void
source_of(struct client_source *source, struct keyed *keyed,
    const struct addr *client)
{
	struct table_key *keys = source->keys;

	memset(source, 0, sizeof(*source));
	if (client->family == ADDR_IPV4) {
		if (hash_prefix(&keys[0], keyed, client, PREFIX_IPV4) == 0)
			source->count = 1;
	} else if (hash_prefix(&keys[0], keyed, client, PREFIX_IPV6) == 0 &&
	    hash_prefix(&keys[1], keyed, client, PREFIX_SITE) == 0) {
		source->count = 2;
	}
}

/* Parts after the first are hashed behind the hash of what came before. */
void
source_of_name(struct client_source *source, struct keyed *keyed, char kind,
    const char *name)
{
	struct {
		struct table_key before;
		char kind;
		char part[NAME_PART];
	} block = { { 0, 0 }, kind, "" };

	memset(source, 0, sizeof(*source));
	do {
		size_t len = 0;

		for (; len < sizeof(block.part) && *name != '\0'; len++)
			block.part[len] = text_lower(*name++);
		if (hash(&block.before, keyed, &block,
			sizeof(block.before) + 1 + len) != 0)
			return;
	} while (*name != '\0');
	source->keys[0] = block.before;
	source->count = 1;
}

long long
source_share(size_t index, long long limit)
{
	if (index == 0)
		return limit;
	return limit > UNLIMITED / SOURCE_SITE_FACTOR
	    ? UNLIMITED
	    : limit * SOURCE_SITE_FACTOR;
}
