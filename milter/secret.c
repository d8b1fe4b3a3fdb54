/*
 * secret.c - memory for keys.
 */
#include "secret.h"

#include <string.h>
#include <sys/mman.h>

void *
secret_new(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	if (madvise(pages, size, MADV_DONTDUMP) != 0) {
		munmap(pages, size);
		return NULL;
	}
	/* How much may be locked is little, and often nothing. */
	(void)mlock(pages, size);
	return pages;
}

void
secret_free(void *secret, size_t size)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, size);
	munmap(secret, size);
}
