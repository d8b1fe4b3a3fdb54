/*
 * digest.c - SHA-256 of a configuration, as lower-case hex.
 */
#include "digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *context;
	bool failed;
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
	    len * 2 + 1 == DIGEST_HEX_MAX) {
		for (unsigned i = 0; i < len; i++)
			snprintf(
			    hex + (size_t)i * 2, 3, "%02x", (unsigned)sum[i]);
		result = 0;
	}
	digest_free(digest);
	return result;
}
