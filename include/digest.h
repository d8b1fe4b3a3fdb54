/*
 * digest.h - SHA-256 of a configuration, as lower-case hex.
 *
 * The only room that knows libcrypto. The relay guard and the log name the
 * configuration they come from by this value. Any thread, one struct per
 * thread.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>

#include "compiler.h"

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

#endif
