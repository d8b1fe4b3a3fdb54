/*
 * digest.c - SHA-256, in parts or at once, HMAC with it, and SipHash.
 */
#include "digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
	bool failed;
};

#define KEYED_SIZE 16 /* bytes of its key, and of a hash */

struct keyed {
	EVP_MAC *mac;
	EVP_MAC_CTX *context;
	unsigned char key[KEYED_SIZE];
};

static void
digest_free(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

struct digest *
digest_new(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (digest == NULL)
		return NULL;
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL ||
	    EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
		digest_free(digest);
		return NULL;
	}
	return digest;
}

void
digest_add(struct digest *digest, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(digest->context, bytes, len) != 1)
		digest->failed = true;
}

int
digest_finish(struct digest *digest, char hex[DIGEST_HEX_MAX])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int result = -1;

	hex[0] = '\0';
	if (!digest->failed &&
	    EVP_DigestFinal_ex(digest->context, sum, &len) == 1 &&
	    len == DIGEST_SIZE) {
		digest_hex(hex, sum);
		result = 0;
	}
	digest_free(digest);
	return result;
}

int
digest_of(unsigned char out[DIGEST_SIZE], const void *bytes, size_t len)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned sum_len = 0;

	if (EVP_Digest(bytes, len, sum, &sum_len, EVP_sha256(), NULL) != 1 ||
	    sum_len != DIGEST_SIZE)
		return -1;
	memcpy(out, sum, DIGEST_SIZE);
	return 0;
}

int
digest_hmac(unsigned char out[DIGEST_SIZE], const unsigned char *key,
    size_t key_len, const void *bytes, size_t len)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned sum_len = 0;

	if (key_len > INT_MAX ||
	    HMAC(EVP_sha256(), key, (int)key_len, bytes, len, sum, &sum_len) ==
		NULL ||
	    sum_len != DIGEST_SIZE)
		return -1;
	memcpy(out, sum, DIGEST_SIZE);
	return 0;
}

const char *
digest_hex(char hex[DIGEST_HEX_MAX], const unsigned char bytes[DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *out = hex;

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
	return hex;
}

struct keyed *
keyed_new(void)
{
	struct keyed *keyed = calloc(1, sizeof(*keyed));

	if (keyed == NULL)
		return NULL;
	keyed->mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	if (keyed->mac != NULL)
		keyed->context = EVP_MAC_CTX_new(keyed->mac);
	if (keyed->context == NULL ||
	    RAND_bytes(keyed->key, sizeof(keyed->key)) != 1) {
		keyed_free(keyed);
		return NULL;
	}
	return keyed;
}

void
keyed_free(struct keyed *keyed)
{
	if (keyed == NULL)
		return;
	EVP_MAC_CTX_free(keyed->context);
	EVP_MAC_free(keyed->mac);
	explicit_bzero(keyed->key, sizeof(keyed->key));
	free(keyed);
}

/* Two compression and four final rounds, and 128 bits, are its defaults. */
int
keyed_hash(struct keyed *keyed, uint64_t out[2], const void *bytes, size_t len)
{
	unsigned char sum[KEYED_SIZE] = { 0 };
	size_t sum_len = 0;
	int result = -1;

	if (EVP_MAC_init(keyed->context, keyed->key, KEYED_SIZE, NULL) == 1 &&
	    EVP_MAC_update(keyed->context, bytes, len) == 1 &&
	    EVP_MAC_final(keyed->context, sum, &sum_len, sizeof(sum)) == 1 &&
	    sum_len == sizeof(sum))
		result = 0;
	else
		memset(sum, 0, sizeof(sum));
	memcpy(out, sum, sizeof(sum));
	return result;
}
