/*
 * ctl_directory.c - connectorctl directory: a file of recipients, hashed.
 */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "sources.h"

#define FIRST_ROOM ((size_t)1 << 20)

/* Beyond SOURCE_LARGE_MAX, so that loading can say what is too large. */
#define LAST_ROOM ((size_t)SOURCE_LARGE_MAX * 2)

struct input {
	const char *name; /* as problems say it */
	char *bytes;
	size_t len;
};

/* Reads to the end. NULL, or what is wrong. */
static const char *
read_stream(struct input *input, FILE *in)
{
	for (size_t room = FIRST_ROOM; room <= LAST_ROOM; room *= 2) {
		char *bytes = realloc(input->bytes, room);

		if (bytes == NULL)
			return strerror(ENOMEM);
		input->bytes = bytes;
		input->len +=
		    fread(bytes + input->len, 1, room - input->len, in);
		if (ferror(in))
			return strerror(errno);
		if (feof(in))
			return NULL;
	}
	return strerror(EFBIG);
}

static const char *
read_input(struct input *input, const char *path)
{
	FILE *in = stdin;
	const char *wrong;

	if (path != NULL) {
		in = fopen(path, "re");
		if (in == NULL)
			return strerror(errno);
	}
	wrong = read_stream(input, in);
	if (path != NULL)
		fclose(in);
	return wrong;
}

static int
hash_input(const struct input *input, struct diags *diags)
{
	if (directory_hash(
		input->name, input->bytes, input->len, diags, stdout) == 0)
		return CTL_OK;
	if (diags_count(diags, SEVERITY_ERROR) > 0)
		return CTL_REFUSED;
	fputs("connectorctl directory: the output could not be written; what "
	      "there is of it is not whole\n",
	    stderr);
	return CTL_FAILED;
}

/* path NULL: standard input. */
static int
hash(const char *path)
{
	struct input input = { .name = path != NULL ? path : "standard input" };
	const struct place place = { .file = input.name };
	struct diags *diags = diags_new();
	const char *wrong;
	int status = CTL_REFUSED;

	if (diags == NULL)
		return ctl_no_memory();
	wrong = read_input(&input, path);
	if (wrong != NULL)
		diag_add(diags, SEVERITY_ERROR, &place,
		    "the file cannot be read: %s", wrong);
	else
		status = hash_input(&input, diags);
	diags_print(diags, stderr);
	diags_free(diags);
	free(input.bytes);
	return status;
}

int
ctl_directory(int argc, char **argv)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	const char *path;

	opterr = 0;
	optind = 1;
	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return ctl_bad_flag(argv);
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return ctl_usage("directory", "what is to be done?");
	if (strcmp(argv[0], "hash") != 0)
		return ctl_usage(
		    "directory", "there is nothing called %s", argv[0]);
	if (argc > 2)
		return ctl_usage(
		    "directory", "%s: one argument too many", argv[2]);
	path = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
	return hash(path);
}
