/*
 * scarcity.h - memory that fails when a test wants it to: every allocation of
 * this program, of the libraries and of libc itself comes here.
 *
 * What is allocated and not freed is counted.
 */
#ifndef SCARCITY_H
#define SCARCITY_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Below are the sanitizer's own, where there is one. */
#if defined(__SANITIZE_ADDRESS__)
#define SCARCITY_ADDRESS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCARCITY_ADDRESS
#endif
#endif

#ifdef SCARCITY_ADDRESS
#define SCARCITY_REAL(name) __interceptor_##name
/* It allocates before it is ready to look at us. */
#define SCARCITY_BARE __attribute__((no_sanitize("address", "undefined")))
#else
#define SCARCITY_REAL(name) __libc_##name
#define SCARCITY_BARE
#endif

extern void *SCARCITY_REAL(malloc)(size_t size);
extern void *SCARCITY_REAL(calloc)(size_t count, size_t size);
extern void *SCARCITY_REAL(realloc)(void *old, size_t size);
extern void *SCARCITY_REAL(memalign)(size_t align, size_t size);
extern void SCARCITY_REAL(free)(void *old);

/* Written by one thread while the others do nothing that takes memory. */
static struct {
	atomic_bool on;
	bool lasting;       /* all from there on, too */
	atomic_long left;   /* allocations that still succeed */
	atomic_long failed; /* allocations that did not */
} scarcity;

static atomic_long scarcity_blocks;

/* The k-th allocation from now on fails; lasting: and all behind it. */
__attribute__((unused)) static void
scarcity_begin(unsigned long k, bool lasting)
{
	atomic_store(&scarcity.left, (long)k - 1);
	scarcity.lasting = lasting;
	atomic_store(&scarcity.failed, 0);
	atomic_store(&scarcity.on, true);
}

/* How many allocations failed. */
__attribute__((unused)) static unsigned long
scarcity_end(void)
{
	atomic_store(&scarcity.on, false);
	return (unsigned long)atomic_load(&scarcity.failed);
}

SCARCITY_BARE static bool
scarcity_strikes(void)
{
	if (!atomic_load(&scarcity.on) ||
	    atomic_fetch_sub(&scarcity.left, 1) > 0 ||
	    (atomic_load(&scarcity.failed) > 0 && !scarcity.lasting))
		return false;
	atomic_fetch_add(&scarcity.failed, 1);
	errno = ENOMEM;
	return true;
}

SCARCITY_BARE static void *
scarcity_count(void *block)
{
	if (block != NULL)
		atomic_fetch_add(&scarcity_blocks, 1);
	return block;
}

SCARCITY_BARE void *
malloc(size_t size)
{
	return scarcity_strikes() ? NULL
				  : scarcity_count(SCARCITY_REAL(malloc)(size));
}

SCARCITY_BARE void *
calloc(size_t count, size_t size)
{
	return scarcity_strikes()
	    ? NULL
	    : scarcity_count(SCARCITY_REAL(calloc)(count, size));
}

SCARCITY_BARE void *
realloc(void *old, size_t size)
{
	void *block;

	if (scarcity_strikes())
		return NULL;
	block = SCARCITY_REAL(realloc)(old, size);
	if (old == NULL)
		return scarcity_count(block);
	if (block == NULL && size == 0)
		atomic_fetch_sub(&scarcity_blocks, 1);
	return block;
}

SCARCITY_BARE void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, whole);
}

SCARCITY_BARE void *
memalign(size_t align, size_t size)
{
	return scarcity_strikes()
	    ? NULL
	    : scarcity_count(SCARCITY_REAL(memalign)(align, size));
}

SCARCITY_BARE void *
aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

SCARCITY_BARE int
posix_memalign(void **block, size_t align, size_t size)
{
	*block = memalign(align, size);
	return *block != NULL ? 0 : ENOMEM;
}

SCARCITY_BARE void
free(void *old)
{
	if (old != NULL)
		atomic_fetch_sub(&scarcity_blocks, 1);
	SCARCITY_REAL(free)(old);
}

/* The sanitizer's would not come here. */
SCARCITY_BARE char *
strndup(const char *text, size_t most)
{
	const size_t len = strnlen(text, most);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	copy[len] = '\0';
	return memcpy(copy, text, len);
}

SCARCITY_BARE char *
strdup(const char *text)
{
	return strndup(text, SIZE_MAX);
}

#endif
