/*
 * ini_scan.c - the grammar of an INI file, byte by byte and line by line.
 */
#include "ini_parts.h"

#define OWN_FILE \
	"put a long list into a file of its own, one item a line, and write " \
	"@FILE"

static bool
is_comment(char c)
{
	return c == ';' || c == '#';
}

static const char *
quote(struct ini_scan *scan, char buf[DIAG_QUOTE_MAX], struct span span)
{
	return diag_quote(buf, ini_copy(scan, span));
}

/* Reports the first byte that must not be in a line. */
static bool
check_bytes(struct ini_scan *scan, struct span line)
{
	while (line.len > 0) {
		unsigned char c = (unsigned char)line.s[0];
		size_t n = text_utf8_length(line.s, line.len);

		if (n == 0) {
			ini_problem(scan,
			    "the byte 0x%02x does not belong to UTF-8 text; "
			    "save the file as UTF-8",
			    c);
			return false;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			ini_problem(scan,
			    "the line holds the control byte 0x%02x; remove "
			    "it: a blank is a space or TAB, lines end in LF "
			    "or CR LF",
			    c);
			return false;
		}
		line.s += n;
		line.len -= n;
	}
	return true;
}

static void
read_header(struct ini_scan *scan, struct span line)
{
	char quoted[DIAG_QUOTE_MAX];
	const char *end = span_find(line, ']');
	struct span name, rest;

	if (end == NULL) {
		ini_problem(scan, "%s has no ']'; write [SECTION]",
		    quote(scan, quoted, line));
		return;
	}
	name = span_trim(span_before(span_behind(line, line.s), end));
	rest = span_trim(span_behind(line, end));
	if (rest.len > 0)
		ini_problem(scan,
		    "%s stands behind the section's ']'; nothing may, put a "
		    "comment on a line of its own",
		    quote(scan, quoted, rest));
	else if (name.len == 0)
		ini_problem(scan, "the section has no name; write [SECTION]");
	else if (span_find(name, '[') != NULL || span_find(name, ':') != NULL)
		ini_problem(scan,
		    "the section name %s holds '[' or ':'; leave them out",
		    quote(scan, quoted, name));
	else
		ini_keep_section(scan, name);
}

/* The value between quotes; nothing but a comment may follow it. */
static bool
read_quoted(struct ini_scan *scan, struct span *value)
{
	char quoted[DIAG_QUOTE_MAX];
	struct span text = span_behind(*value, value->s);
	const char *end = span_find(text, value->s[0]);
	struct span rest;

	if (end == NULL) {
		ini_problem(scan,
		    "the value begins with %c and does not end with it; add "
		    "the closing quote",
		    value->s[0]);
		return false;
	}
	rest = span_trim(span_behind(text, end));
	if (rest.len > 0 && !(is_comment(rest.s[0]) && text_is_blank(end[1]))) {
		ini_problem(scan,
		    "%s follows the closing quote; only a blank and a comment "
		    "may, and a value cannot hold the quote it stands in",
		    quote(scan, quoted, rest));
		return false;
	}
	*value = span_before(text, end);
	return true;
}

/* The text behind '=', trimmed, becomes the value. */
static bool
read_value(struct ini_scan *scan, struct span *value)
{
	const char *c = value->s;
	const char *end = value->s + value->len;

	if (c < end && (*c == '"' || *c == '\''))
		return read_quoted(scan, value);
	while (c < end && !is_comment(*c))
		c++;
	if (c == end)
		return true;
	/* In front of the whole text there is still '=' or a blank. */
	if (!text_is_blank(c[-1])) {
		ini_problem(scan,
		    "'%c' without a blank before it; put a blank before a "
		    "comment, or the whole value in double quotes",
		    *c);
		return false;
	}
	*value = span_trim(span_before(*value, c));
	return true;
}

static void
read_key(struct ini_scan *scan, struct span line)
{
	char quoted[DIAG_QUOTE_MAX];
	const char *equals = span_find(line, '=');
	struct span name, value;

	if (equals == NULL) {
		ini_problem(scan,
		    "%s has no '='; write NAME = VALUE, a comment begins with "
		    "';' or '#'",
		    quote(scan, quoted, line));
		return;
	}
	name = span_trim(span_before(line, equals));
	value = span_trim(span_behind(line, equals));
	if (name.len == 0)
		ini_problem(
		    scan, "no name stands before '='; write NAME = VALUE");
	if (scan->section == NULL)
		ini_problem(scan,
		    "the setting stands before the first section; write a "
		    "[SECTION] line above it");
	if (read_value(scan, &value) && name.len > 0 && scan->section != NULL &&
	    scan->section != &scan->lost)
		ini_keep_key(scan, name, value);
}

/*
 * Where the problems of a line stand, whatever is wrong with it. Until a header
 * is found sound its section counts as lost, and the settings below it too.
 */
static void
name_place(struct ini_scan *scan, struct span line)
{
	const char *equals = span_find(line, '=');

	scan->place.key = NULL;
	if (line.len == 0 || is_comment(line.s[0]))
		return;
	if (line.s[0] == '[') {
		scan->section = &scan->lost;
		scan->place.section = NULL;
	} else if (equals != NULL) {
		char *name =
		    ini_copy(scan, span_trim(span_before(line, equals)));

		scan->place.key = name[0] != '\0' ? name : NULL;
	}
}

static void
read_line(struct ini_scan *scan, struct span whole)
{
	const size_t kept = scan->entry_count;
	struct span line = whole;

	/* iniparser's buffer has to hold the CR too. */
	if (line.len > 0 && line.s[line.len - 1] == '\r')
		line.len--;
	name_place(scan, span_trim(line));
	if (whole.len > INI_LINE_MAX)
		ini_problem(scan,
		    "the line has %zu bytes, %d are allowed; " OWN_FILE,
		    whole.len, INI_LINE_MAX);
	if (!check_bytes(scan, line)) {
		scan->lost_line = true;
		return;
	}
	line = span_trim(line);
	if (line.len > 0 && line.s[line.len - 1] == '\\')
		ini_problem(scan,
		    "a backslash ends the line, but no line can be continued; "
		    "remove it, " OWN_FILE);
	if (line.len == 0 || is_comment(line.s[0]))
		return;
	if (line.s[0] == '[')
		read_header(scan, line);
	else
		read_key(scan, line);
	if (scan->entry_count == kept)
		scan->lost_line = true;
}

/* The rest of the file behind a byte order mark, should there be one. */
static struct span
skip_mark(struct ini_scan *scan, struct span bytes)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t len = sizeof(mark) - 1;

	if (bytes.len < len || memcmp(bytes.s, mark, len) != 0)
		return bytes;
	scan->place.line = 1;
	ini_problem(scan,
	    "the file begins with a byte order mark; save it as UTF-8 without "
	    "one");
	return (struct span){ bytes.s + len, bytes.len - len };
}

void
ini_scan_bytes(struct ini_scan *scan, struct span bytes)
{
	struct span rest = skip_mark(scan, bytes);

	scan->place.line = 0;
	while (rest.len > 0 && !scan->stop) {
		const char *end = span_find(rest, '\n');

		scan->place.line++;
		if (end == NULL) {
			read_line(scan, rest);
			scan->place.section = scan->place.key = NULL;
			ini_problem(scan,
			    "the last line does not end in a line feed; the "
			    "file may be torn: complete the line and end it");
			return;
		}
		read_line(scan, span_before(rest, end));
		rest = span_behind(rest, end);
	}
}
