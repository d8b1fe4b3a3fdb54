/*
 * replay.c - every seed of one fuzz target, without libFuzzer: for make check.
 *
 * Linked with t/fuzz/TARGET.c. How many seeds there are stands in t/fuzz/seeds,
 * so that none is lost unseen. An argument is a file to play instead, such as
 * what libFuzzer has found. What fails ends the program, as in libFuzzer; the
 * last line that begins with '#' then names the seed.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>

#include "fuzz.h"
#include "tap.h"

/* No input may take more than 25 ms; sanitizers make 10 of one. */
#define CPU_MAX (25 * 10)

static double slowest; /* ms of CPU */
static char slowest_name[256];

static double
cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
play(const char *name, const void *data, size_t size)
{
	uint8_t *exact = (uint8_t *)fuzz_bytes(data, size);
	double start, taken;

	printf("# %s\n", name);
	fflush(stdout);
	start = cpu_time();
	LLVMFuzzerTestOneInput(exact, size);
	taken = cpu_time() - start;
	if (taken > slowest) {
		slowest = taken;
		snprintf(slowest_name, sizeof(slowest_name), "%s", name);
	}
	free(exact);
}

static int
play_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	char *data = NULL;
	size_t size = 0, room = 0, got = 1;

	if (in == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (got > 0) {
		if (size == room) {
			room = room * 2 + 4096;
			data = realloc(data, room);
			if (data == NULL)
				exit(1);
		}
		got = fread(data + size, 1, room - size, in);
		size += got;
	}
	fclose(in);
	play(path, data, size);
	free(data);
	return 0;
}

static int
is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
play_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_seed, alphasort);
	int played = 0;

	for (int i = 0; i < count; i++) {
		char file[512];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		played += play_file(file) == 0;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return played;
}

/* The number in the line of t/fuzz/seeds that begins with the target. */
static int
seeds_expected(void)
{
	FILE *in = fopen("t/fuzz/seeds", "r");
	char line[256], name[64];
	int count, expected = -1;

	if (in == NULL)
		return -1;
	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "%63s %d", name, &count) == 2 &&
		    strcmp(name, TARGET) == 0)
			expected = count;
	fclose(in);
	return expected;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (play_file(argv[i]) != 0)
			return 1;
	if (argc > 1)
		return 0;
	play("nothing", "", 0);
	is_int(play_folder("t/fuzz/" TARGET), seeds_expected(),
	    "seeds of " TARGET " replayed, as many as t/fuzz/seeds says");
	ok(slowest <= CPU_MAX,
	    "%s: the slowest took %.1f ms of CPU, at most %d", slowest_name,
	    slowest, CPU_MAX);
	return done();
}
