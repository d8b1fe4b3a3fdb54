/*
 * limit.c - what libFuzzer calls: the target, and a limit on its time.
 *
 * libFuzzer's own limit is of whole seconds, by a clock that runs on while
 * others have the processor. No input may take more than 25 ms of CPU, and the
 * sanitizers make 10 of one. What does so twice is a finding. The Makefile
 * renames the target's function.
 */
#undef LLVMFuzzerTestOneInput
#include "fuzz.h"

#include <time.h>

#define CPU_MAX (25e6 * 10)

int fuzz_target(const uint8_t *data, size_t size);

static double
timed(const uint8_t *data, size_t size)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	(void)fuzz_target(data, size);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	must(timed(data, size) <= CPU_MAX || timed(data, size) <= CPU_MAX,
	    "an input takes at most 25 ms of CPU");
	return 0;
}
