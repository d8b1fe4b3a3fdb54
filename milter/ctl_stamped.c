/*
 * ctl_stamped.c - the header of a message that may bear a stamp.
 */
#include "ctl_stamped.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "text.h"

/* A header is longer only by accident or malice. */
#define HEADER_MAX (1u << 20)

/* Where some see a line end and others do not. */
static const char bare_cr[] = "the header holds a CR that ends no line";
static const char no_field[] = "the header has a line that is no field";
const char stamped_no_memory[] = "there is no memory to read the header";

const char *
stamped_read(struct stamped *header, FILE *in)
{
	size_t line = 0; /* where it begins */
	int c;

	memset(header, 0, sizeof(*header));
	header->bytes = malloc(HEADER_MAX + 1);
	if (header->bytes == NULL)
		return stamped_no_memory;
	while ((c = getc(in)) != EOF) {
		const bool after_cr = header->len > line &&
		    header->bytes[header->len - 1] == '\r';

		if (c == '\0')
			return "the header holds a NUL byte";
		if (after_cr && c != '\n')
			return bare_cr;
		if (header->len == HEADER_MAX)
			return "the header is longer than 1 MB";
		header->bytes[header->len++] = (char)c;
		if (c != '\n')
			continue;
		if (header->len - line == 1 ||
		    (header->len - line == 2 && header->bytes[line] == '\r')) {
			header->len = line;
			break;
		}
		line = header->len;
	}
	if (header->len > line && header->bytes[header->len - 1] == '\r')
		return bare_cr;
	header->bytes[header->len] = '\0';
	return NULL;
}

/* The end of the field that begins at start: lines that go on with blanks. */
static char *
field_end(char *start)
{
	char *end = strchr(start, '\n');

	while (end != NULL && text_is_blank(end[1]))
		end = strchr(end + 1, '\n');
	return end;
}

/* Takes folding and outer blanks away, in place. */
static char *
unfold(char *body)
{
	char *out;

	body += strspn(body, " \t\r\n");
	out = body;
	for (const char *c = body; *c != '\0'; c++)
		if (*c != '\n' && *c != '\r')
			*out++ = *c;
	while (out > body && text_is_blank(out[-1]))
		out--;
	*out = '\0';
	return body;
}

static int
add_from(struct stamped *header, const char *body)
{
	const char **from = array_grow(header->from, header->from_count, 1,
	    &header->from_room, sizeof(*from));

	if (from == NULL)
		return -1;
	header->from = from;
	from[header->from_count++] = body;
	return 0;
}

static int
take_field(
    struct stamped *header, const char *prefix, const char *name, char *body)
{
	const size_t len = strlen(prefix);

	if (text_casecmp(name, "From") == 0)
		return add_from(header, body);
	if (text_ncasecmp(name, prefix, len) != 0)
		return 0;
	for (size_t i = 0; i < STAMP_FIELD_COUNT; i++) {
		if (text_casecmp(name + len, stamp_field_names[i]) != 0)
			continue;
		header->values[i] = body;
		header->counts[i]++;
	}
	return 0;
}

/* Ends the name at its colon; the body, or NULL when it is no field. */
static char *
split_field(char *field)
{
	char *colon = strchr(field, ':');
	char *end = colon;

	if (colon == NULL)
		return NULL;
	/* Blanks before the colon: obsolete (RFC 5322 4.5.8). */
	while (end > field && text_is_blank(end[-1]))
		end--;
	for (const char *c = field; c < end; c++)
		if (*c <= ' ' || *c > '~')
			return NULL;
	*end = '\0';
	return end > field ? colon + 1 : NULL;
}

/* The first line of a message in an mbox file; "From :" begins a field. */
static bool
is_mbox_line(const char *line)
{
	if (strncmp(line, "From ", 5) != 0)
		return false;
	return line[5 + strspn(line + 5, " \t")] != ':';
}

const char *
stamped_parse(struct stamped *header, const char *prefix)
{
	char *field = header->bytes;

	if (is_mbox_line(field)) {
		field += strcspn(field, "\n");
		field += *field == '\n';
	}
	while (*field != '\0') {
		char *end = field_end(field);
		char *body;

		if (end != NULL)
			*end = '\0';
		body = split_field(field);
		if (body == NULL)
			return no_field;
		if (take_field(header, prefix, field, unfold(body)) != 0)
			return stamped_no_memory;
		if (end == NULL)
			break;
		field = end + 1;
	}
	return NULL;
}

void
stamped_done(struct stamped *header)
{
	free(header->bytes);
	free(header->from);
}
