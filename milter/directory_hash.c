/*
 * directory_hash.c - a directory file without its addresses.
 */
#include "directory_parts.h"

#include "text.h"

static void
put_address(struct text *line, const struct address *address)
{
	char hex[DIGEST_HEX_MAX];

	text_printf(line, "sha256:%s", digest_hex(hex, address->digest));
}

static void
put_name(struct text *line, const char *name)
{
	text_put(line, " name=\"");
	for (; *name != '\0'; name++)
		text_printf(line, "%s%c",
		    *name == '"' || *name == '\\' ? "\\" : "", *name);
	text_put(line, "\"");
}

/* The line in hand; its overflow says that it would be too long. */
static void
put_line(struct text *line, const struct reader *reader)
{
	put_address(line, &reader->addresses[0]);
	if (reader->logins[0] != '\0')
		text_printf(line, " login=%s", reader->logins);
	if (reader->name[0] != '\0')
		put_name(line, reader->name);
	for (size_t i = 1; i < reader->address_count; i++) {
		text_put(line, i == 1 ? " aliases=" : ",");
		put_address(line, &reader->addresses[i]);
	}
	if (reader->internal_only)
		text_put(line, " internal_only");
}

/* Hashes every line; out NULL: only looks whether they can be. */
static int
hash_lines(struct reader *reader, FILE *out)
{
	char buf[DIRECTORY_LINE_MAX + 1];
	bool wrong = false;

	while (reader_next(reader)) {
		struct text line;

		text_init(&line, buf, sizeof(buf));
		if (!reader->wrong)
			put_line(&line, reader);
		if (line.overflow)
			reader_problem(reader,
			    "with every alias hashed the line is longer than "
			    "%d bytes, which are allowed; list fewer aliases",
			    DIRECTORY_LINE_MAX);
		if (reader->wrong)
			wrong = true;
		else if (out != NULL && fprintf(out, "%s\n", buf) < 0)
			return -1;
	}
	return wrong ? -1 : 0;
}

static int
hash_file(const char *file, const char *bytes, size_t len, struct diags *diags,
    FILE *out)
{
	const struct place place = { .file = file };
	struct reader *reader = reader_new(file, bytes, len, diags);
	int result;

	if (reader == NULL) {
		diag_add(diags, SEVERITY_ERROR, &place,
		    "out of memory, or no locale C.UTF-8 on this system");
		return -1;
	}
	result = hash_lines(reader, out);
	reader_sum_up(reader);
	reader_free(reader);
	return result;
}

int
directory_hash(const char *file, const char *bytes, size_t len,
    struct diags *diags, FILE *out)
{
	struct directory *directory = directory_load(file, bytes, len, diags);

	if (directory == NULL)
		return -1;
	directory_free(directory);
	/* Half an output would be a directory too: look before writing. */
	if (hash_file(file, bytes, len, diags, NULL) != 0 ||
	    hash_file(file, bytes, len, diags, out) != 0)
		return -1;
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}
