/*
 * keyed.c - the hash for tables: what SipHash says by a known key, and a key
 * that nobody knows.
 */
#include "digest.h"

#include <stdlib.h>
#include <unistd.h>

#include "random.h"
#include "tap.h"

enum { KEY_UNKNOWN, KEY_COUNTED, KEY_NONE };

static int key_kind;

int RAND_bytes(unsigned char *bytes, int len);

/* libcrypto's, but for a key of the test's: 00 01 02 ... */
int
RAND_bytes(unsigned char *bytes, int len)
{
	if (key_kind == KEY_NONE)
		return 0;
	if (key_kind == KEY_UNKNOWN)
		return getentropy(bytes, (size_t)len) == 0;
	for (int i = 0; i < len; i++)
		bytes[i] = (unsigned char)i;
	return 1;
}

static struct keyed *
keyed_by(int kind)
{
	struct keyed *keyed;

	key_kind = kind;
	keyed = keyed_new();
	key_kind = KEY_UNKNOWN;
	if (keyed == NULL && kind != KEY_NONE) {
		printf("Bail out! no memory\n");
		exit(2);
	}
	return keyed;
}

/*
 * SipHash-2-4 with 128 bits, by key 00 01 .. 0f, of the bytes 00 01 .. as many
 * as len: of the authors' list of vectors.
 */
/* clang-format off */
static const struct {
	size_t len;
	unsigned char want[17];
} vectors[] = {
	{ 0, "\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93" },
	{ 1, "\xda\x87\xc1\xd8\x6b\x99\xaf\x44\x34\x76\x59\x11\x9b\x22\xfc\x45" },
	{ 2, "\x81\x77\x22\x8d\xa4\xa4\x5d\xc7\xfc\xa3\x8b\xde\xf6\x0a\xff\xe4" },
	{ 15, "\x54\x93\xe9\x99\x33\xb0\xa8\x11\x7e\x08\xec\x0f\x97\xcf\xc3\xd9" },
	{ 63, "\x51\x50\xd1\x77\x2f\x50\x83\x4a\x50\x3e\x06\x9a\x97\x3f\xbd\x7c" },
};
/* clang-format on */

static void
test_vectors(void)
{
	struct keyed *keyed = keyed_by(KEY_COUNTED);
	unsigned char bytes[64];
	uint64_t out[2];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < nitems(vectors); i++)
		ok(keyed_hash(keyed, out, bytes, vectors[i].len) == 0 &&
			memcmp(out, vectors[i].want, sizeof(out)) == 0,
		    "the published hash of %zu bytes", vectors[i].len);
	keyed_free(keyed);
}

static void
test_keys(void)
{
	struct keyed *a = keyed_by(KEY_UNKNOWN);
	struct keyed *b = keyed_by(KEY_UNKNOWN);
	struct keyed *known = keyed_by(KEY_COUNTED);
	uint64_t once[2], again[2], other[2], published[2];

	if (keyed_hash(a, once, "x", 1) != 0 ||
	    keyed_hash(a, other, "y", 1) != 0 ||
	    keyed_hash(a, again, "x", 1) != 0)
		exit(2);
	ok(memcmp(once, again, sizeof(once)) == 0, "the same again");
	ok(once[0] != other[0] && once[1] != other[1], "of another byte");
	if (keyed_hash(b, again, "x", 1) != 0 ||
	    keyed_hash(known, published, "x", 1) != 0)
		exit(2);
	ok(once[0] != again[0] && once[1] != again[1] &&
		once[0] != published[0] && again[0] != published[0],
	    "no two have the same key");
	ok(keyed_by(KEY_NONE) == NULL, "no hash without randomness");
	keyed_free(a);
	keyed_free(b);
	keyed_free(known);
	keyed_free(NULL);
}

/* Numbers that follow each other go everywhere, by both halves. */
static void
test_spread(void)
{
	struct keyed *keyed = keyed_by(KEY_COUNTED);
	unsigned places[2][256] = { { 0 } };
	unsigned most = 0, least = ~0U;

	for (uint32_t i = 0; i < 256 * 1000; i++) {
		uint64_t out[2];

		if (keyed_hash(keyed, out, &i, sizeof(i)) != 0)
			exit(2);
		places[0][out[0] & 255]++;
		places[1][out[1] & 255]++;
	}
	for (size_t i = 0; i < 256; i++)
		for (size_t k = 0; k < 2; k++) {
			if (places[k][i] > most)
				most = places[k][i];
			if (places[k][i] < least)
				least = places[k][i];
		}
	/* Six standard deviations. */
	ok(most < 1190 && least > 810, "1000 in each place: %u to %u", least,
	    most);
	keyed_free(keyed);
}

int
main(void)
{
	test_vectors();
	test_keys();
	test_spread();
	return done();
}
