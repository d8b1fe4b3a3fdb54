/*
 * digest.h - SHA-256, HMAC with it, and a keyed hash for tables.
 *
 * The only room that knows libcrypto. A configuration is named by the digest of
 * its files, recipients are found by theirs, and the stamp is signed with HMAC.
 * Any thread, one struct digest per thread.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/* Bytes of a digest. */
#define DIGEST_SIZE 32

/* Room for a digest as text. */
#define DIGEST_HEX_MAX 65

struct digest;

/* NULL without memory or without a working libcrypto. */
struct digest *digest_new(void) NODISCARD;

/* A failure is remembered and reported by digest_finish. */
void digest_add(struct digest *digest, const void *bytes, size_t len);

/*
 * Writes 64 hex digits and frees digest in any case. 0, or -1 and empty text
 * when anything failed.
 */
int digest_finish(struct digest *digest, char hex[DIGEST_HEX_MAX]) NODISCARD;

/* SHA-256 of len bytes at once. 0, or -1 without memory or libcrypto. */
int digest_of(
    unsigned char out[DIGEST_SIZE], const void *bytes, size_t len) NODISCARD;

/* HMAC-SHA-256 (RFC 2104) of len bytes by key. 0, or -1 likewise. */
int digest_hmac(unsigned char out[DIGEST_SIZE], const unsigned char *key,
    size_t key_len, const void *bytes, size_t len) NODISCARD;

/* 64 lower-case hex digits. Returns hex. */
const char *digest_hex(
    char hex[DIGEST_HEX_MAX], const unsigned char bytes[DIGEST_SIZE]);

/*
 * A hash whose key nobody outside of this process knows: SipHash-2-4 with 128
 * bits of output, so that nobody can fill one place of a table on purpose. The
 * key is drawn by keyed_new. One thread at a time per struct keyed.
 */
struct keyed;

/* NULL without memory, libcrypto or randomness. Freed by keyed_free. */
struct keyed *keyed_new(void) NODISCARD;
void keyed_free(struct keyed *keyed);

/* 0, or -1 when libcrypto fails; out is then zero. */
int keyed_hash(struct keyed *keyed, uint64_t out[2], const void *bytes,
    size_t len) NODISCARD;

#endif
