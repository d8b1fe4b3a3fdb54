/*
 * fuzz.h - what all fuzz targets share.
 *
 * A target is t/fuzz/NAME.c: one function that is given any bytes at all, plays
 * them to one room of the program, in this process and without threads, and
 * says with must() what has to hold whatever they are. The same file is run by
 * libFuzzer (make fuzz) and, over the seeds in t/fuzz/NAME/, by replay.c (make
 * check). Nothing may be kept from one input to the next but what is constant:
 * an input has to do the same wherever it stands.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "text.h"

/* Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What does not hold ends the run; both print what and where. */
#define must(holds, what) \
	((holds) ? (void)0 : fuzz_fail(__FILE__, __LINE__, (what)))

__attribute__((unused, noreturn)) static void
fuzz_fail(const char *file, int line, const char *what)
{
	fflush(stdout);
	dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* The operator log of sessions goes to stderr, and here nobody reads it. */
__attribute__((unused)) static void
fuzz_silence_log(void)
{
	static FILE *nowhere;

	if (nowhere != NULL)
		return;
	nowhere = fopen("/dev/null", "w");
	if (nowhere == NULL)
		exit(1);
	stderr = nowhere;
}

/* Memory that the target itself needs; none is no finding. */
__attribute__((unused)) static void *
fuzz_alloc(size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL)
		exit(1);
	return memory;
}

/* A copy in a block of just its size, so that a byte too far is seen. */
__attribute__((unused)) static char *
fuzz_bytes(const void *data, size_t size)
{
	char *copy = fuzz_alloc(size);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* The same with a NUL behind it; a NUL inside ends the text sooner. */
__attribute__((unused)) static char *
fuzz_text(const void *data, size_t size)
{
	char *copy = fuzz_alloc(size + 1);

	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* What is left of an input that is taken piece by piece. */
struct fuzz_input {
	const char *data;
	size_t size;
};

__attribute__((unused)) static struct fuzz_input
fuzz_input(const uint8_t *data, size_t size)
{
	return (struct fuzz_input){ (const char *)data, size };
}

/* The next byte; 0 at the end. */
__attribute__((unused)) static unsigned
fuzz_take_byte(struct fuzz_input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return (unsigned char)*input->data++;
}

/*
 * All up to the next separator, which is taken too, or to the end. Seeds that
 * are made of lines can be read and written by people. False at the end.
 */
__attribute__((unused)) static bool
fuzz_take_until(
    struct fuzz_input *input, char separator, struct fuzz_input *piece)
{
	const char *end;

	*piece = (struct fuzz_input){ input->data, 0 };
	if (input->size == 0)
		return false;
	end = memchr(input->data, separator, input->size);
	piece->size = end != NULL ? (size_t)(end - input->data) : input->size;
	input->data += piece->size + (end != NULL);
	input->size -= piece->size + (end != NULL);
	return true;
}

__attribute__((unused)) static bool
fuzz_take_line(struct fuzz_input *input, struct fuzz_input *line)
{
	return fuzz_take_until(input, '\n', line);
}

/* Problems of one file; head is its name and a colon. */
__attribute__((unused)) static void
fuzz_check_problems(const char *problems, const char *head)
{
	const size_t len = strlen(head);

	while (*problems != '\0') {
		const char *end = strchr(problems, '\n');

		must(end != NULL && strncmp(problems, head, len) == 0 &&
			text_is_digit(problems[len]),
		    "a problem is a line that names the file and its line");
		for (; problems < end; problems++)
			must(*problems >= ' ' && *problems <= '~',
			    "a problem has printable text only");
		problems++;
	}
}

#endif
