/*
 * digest.c - SHA-256, in parts or at once, HMAC with it, and SipHash.
 */
#include "digest.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
	bool failed;
};

#define KEYED_SIZE 16 /* bytes of its key, and of a hash */

struct keyed {
	EVP_MAC_CTX *context;
	unsigned char key[KEYED_SIZE];
};

/*
 * All that is ever asked of libcrypto, fetched once and kept: thousands of
 * allocations, any of which may fail. A daemon has them behind it before it
 * listens, for its configuration is named by a digest.
 */
struct library {
	EVP_MD *sha256;
	EVP_MAC *hmac;
	EVP_MAC *siphash;
};

static _Atomic(struct library *) shared;

/* Nobody asks libcrypto why; each thread would keep its last errors. */
static int
fail(void)
{
	ERR_clear_error();
	return -1;
}

static void
library_free(struct library *library)
{
	EVP_MD_free(library->sha256);
	EVP_MAC_free(library->hmac);
	EVP_MAC_free(library->siphash);
	free(library);
}

static struct library *
library_new(void)
{
	struct library *library;
	unsigned char unused;

	/* Where even that failed, to fetch would crash: for good. */
	if (OSSL_LIB_CTX_get0_global_default() == NULL)
		return NULL;
	library = calloc(1, sizeof(*library));
	if (library == NULL)
		return NULL;
	library->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	library->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	library->siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	if (library->sha256 != NULL && library->hmac != NULL &&
	    library->siphash != NULL && RAND_bytes(&unused, 1) == 1)
		return library;
	library_free(library);
	(void)fail();
	return NULL;
}

/* NULL without memory: the next one tries again. */
static const struct library *
prepare(void)
{
	struct library *known = atomic_load(&shared);
	struct library *library;

	if (known != NULL)
		return known;
	library = library_new();
	if (library == NULL ||
	    atomic_compare_exchange_strong(&shared, &known, library))
		return library;
	/* Another thread was faster. */
	library_free(library);
	return known;
}

static void
digest_free(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

struct digest *
digest_new(void)
{
	const struct library *library = prepare();
	struct digest *digest =
	    library != NULL ? calloc(1, sizeof(*digest)) : NULL;

	if (digest == NULL)
		return NULL;
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL ||
	    EVP_DigestInit_ex(digest->context, library->sha256, NULL) != 1) {
		digest_free(digest);
		(void)fail();
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
	return result == 0 ? 0 : fail();
}

int
digest_of(unsigned char out[DIGEST_SIZE], const void *bytes, size_t len)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	const struct library *library = prepare();
	unsigned sum_len = 0;

	if (library == NULL ||
	    EVP_Digest(bytes, len, sum, &sum_len, library->sha256, NULL) != 1 ||
	    sum_len != DIGEST_SIZE)
		return fail();
	memcpy(out, sum, DIGEST_SIZE);
	return 0;
}

/* SHA-256 is what this HMAC is made with. */
static bool
sum_hmac(EVP_MAC_CTX *context, unsigned char out[DIGEST_SIZE],
    const unsigned char *key, size_t key_len, const void *bytes, size_t len)
{
	char hash[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_end(),
	};
	size_t sum_len = 0;

	return EVP_MAC_init(context, key, key_len, params) == 1 &&
	    EVP_MAC_update(context, bytes, len) == 1 &&
	    EVP_MAC_final(context, out, &sum_len, DIGEST_SIZE) == 1 &&
	    sum_len == DIGEST_SIZE;
}

int
digest_hmac(unsigned char out[DIGEST_SIZE], const unsigned char *key,
    size_t key_len, const void *bytes, size_t len)
{
	const struct library *library = prepare();
	EVP_MAC_CTX *context =
	    library != NULL ? EVP_MAC_CTX_new(library->hmac) : NULL;
	/* Inside, libcrypto counts the bytes of a key as an int. */
	const bool done = context != NULL && key_len <= INT_MAX &&
	    sum_hmac(context, out, key, key_len, bytes, len);

	EVP_MAC_CTX_free(context);
	return done ? 0 : fail();
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
	const struct library *library = prepare();
	struct keyed *keyed =
	    library != NULL ? calloc(1, sizeof(*keyed)) : NULL;

	if (keyed == NULL)
		return NULL;
	keyed->context = EVP_MAC_CTX_new(library->siphash);
	if (keyed->context == NULL ||
	    RAND_bytes(keyed->key, sizeof(keyed->key)) != 1) {
		keyed_free(keyed);
		(void)fail();
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
	explicit_bzero(keyed->key, sizeof(keyed->key));
	free(keyed);
}

/* Two compression and four final rounds, and 128 bits, are its defaults. */
int
keyed_hash(struct keyed *keyed, uint64_t out[2], const void *bytes, size_t len)
{
	unsigned char sum[KEYED_SIZE] = { 0 };
	size_t sum_len = 0;
	int result = 0;

	if (EVP_MAC_init(keyed->context, keyed->key, KEYED_SIZE, NULL) != 1 ||
	    EVP_MAC_update(keyed->context, bytes, len) != 1 ||
	    EVP_MAC_final(keyed->context, sum, &sum_len, sizeof(sum)) != 1 ||
	    sum_len != sizeof(sum)) {
		memset(sum, 0, sizeof(sum));
		result = fail();
	}
	memcpy(out, sum, sizeof(sum));
	return result;
}
