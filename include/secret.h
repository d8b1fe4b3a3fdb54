/*
 * secret.h - memory for keys.
 *
 * Pages of their own that no memory image has, kept out of swap where the
 * system lets us, and wiped when they are given back. Any thread.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

#include "compiler.h"

/* Zeroed; NULL without memory. Given back by secret_free with the same size. */
void *secret_new(size_t size) NODISCARD;

/* secret may be NULL. */
void secret_free(void *secret, size_t size);

#endif
