/*
 * author_long.c - bytes, again and again, as the body of a From field.
 *
 * The input is repeated to the 16 KB, or the 256 signs of an address, that a
 * message may have. Holds: reading that takes no more than its share of time
 * (limit.c, replay.c) and finds no more authors than there are bytes, each
 * some times.
 */
#include "author.h"
#include "firewall.h"
#include "fuzz.h"

static size_t
count_signs(const char *body, size_t len)
{
	size_t signs = 0;

	for (size_t i = 0; i < len; i++)
		signs += body[i] == '@' || body[i] == '%' || body[i] == '!';
	return signs;
}

static size_t
times_of(const char *piece, size_t size)
{
	const size_t signs = count_signs(piece, size);
	size_t times = FIREWALL_FROM_BYTES_MAX / size;

	if (times * signs > FIREWALL_FROM_SIGNS_MAX)
		times = FIREWALL_FROM_SIGNS_MAX / signs;
	return times;
}

static void
count(void *arg, const struct author *author UNUSED)
{
	++*(size_t *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t times, found = 0;
	char *body;

	if (size == 0)
		return 0;
	times = times_of((const char *)data, size);
	body = fuzz_alloc(times * size);
	for (size_t i = 0; i < times; i++)
		memcpy(body + i * size, data, size);
	/* What would take too long is not all told. */
	(void)!author_each(body, times * size, count, &found);
	must(found <= 16 * (times * size + 1),
	    "there are not more authors than text");
	free(body);
	return 0;
}
