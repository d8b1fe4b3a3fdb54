/*
 * directory_line.c - a directory file, line by line.
 */
#include "directory_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "text.h"

/*
 * One for all, and for good: where memory fails just once glibc remembers that
 * it found no such locale.
 */
static locale_t letters;

locale_t
directory_prepare(void)
{
	/* Without memory it may be none, or one that knows only ASCII. */
	if (letters != (locale_t)0)
		return letters;
	letters = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (letters != (locale_t)0 && towlower_l(0xc4, letters) != 0xe4) {
		freelocale(letters);
		letters = (locale_t)0;
	}
	return letters;
}

struct reader *
reader_new(const char *file, const char *bytes, size_t len, struct diags *diags)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->diags = diags;
	reader->place.file = file;
	reader->rest = (struct stretch){ bytes, bytes + len };
	reader->locale = directory_prepare();
	if (reader->locale != (locale_t)0)
		return reader;
	reader_free(reader);
	return NULL;
}

void
reader_free(struct reader *reader)
{
	free(reader);
}

void
reader_problem(struct reader *reader, const char *fmt, ...)
{
	char words[1024];
	va_list ap;

	if (reader->told == DIRECTORY_PROBLEMS_MAX && !reader->counted)
		reader->untold++;
	reader->wrong = reader->counted = true;
	if (reader->told == DIRECTORY_PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	diag_add(reader->diags, SEVERITY_ERROR, &reader->place, "%s", words);
	reader->told++;
}

void
reader_no_memory(struct reader *reader)
{
	const struct place place = { .file = reader->place.file };

	diag_add(reader->diags, SEVERITY_ERROR, &place, "out of memory");
	reader->wrong = reader->counted = reader->broken = true;
}

void
reader_sum_up(struct reader *reader)
{
	if (reader->untold == 0)
		return;
	reader->place.key = NULL;
	diag_add(reader->diags, SEVERITY_ERROR, &reader->place,
	    "%zu more %s wrong; correct the first %d problems and try again",
	    reader->untold, reader->untold == 1 ? "line is" : "lines are",
	    DIRECTORY_PROBLEMS_MAX);
}

const char *
reader_copy(struct reader *reader, struct stretch text)
{
	size_t len = stretch_len(text);

	if (len > DIRECTORY_LINE_MAX)
		len = DIRECTORY_LINE_MAX;
	memmove(reader->copy, text.at, len);
	reader->copy[len] = '\0';
	return reader->copy;
}

const char *
reader_quote(
    struct reader *reader, char quoted[DIAG_QUOTE_MAX], struct stretch text)
{
	return diag_quote(quoted, reader_copy(reader, text));
}

/* Reports the first byte that must not be in a line. */
static bool
check_bytes(struct reader *reader, struct stretch line)
{
	while (line.at < line.end) {
		const unsigned char c = (unsigned char)*line.at;
		size_t n = 1;

		if (c >= 0x80)
			n = text_utf8_length(line.at, stretch_len(line));
		if (n == 0) {
			reader_problem(reader,
			    "the byte 0x%02x does not belong to UTF-8 text; "
			    "save the file as UTF-8",
			    c);
			return false;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			reader_problem(reader,
			    "the line holds the control byte 0x%02x; remove "
			    "it: a blank is a space or TAB, lines end in LF "
			    "or CR LF",
			    c);
			return false;
		}
		line.at += n;
	}
	return true;
}

/* The line's bytes, or nothing of them after a problem. */
static struct stretch
check_line(struct reader *reader, struct stretch line)
{
	const size_t len = stretch_len(line);
	const struct stretch nothing = { line.at, line.at };

	if (len > 0 && line.end[-1] == '\r')
		line.end--;
	if (len > DIRECTORY_LINE_MAX) {
		reader_problem(reader,
		    "the line has %zu bytes, %d are allowed; leave out what "
		    "is not needed",
		    len, DIRECTORY_LINE_MAX);
		return nothing;
	}
	return check_bytes(reader, line) ? line : nothing;
}

/* False: there is no recipient in it. */
static bool
read_words(struct reader *reader, struct stretch line)
{
	struct stretch word;
	bool closed, first = true;
	char quoted[DIAG_QUOTE_MAX];

	while (!reader->broken && stretch_word(&line, &word, &closed)) {
		if (*word.at == '#') {
			if (first)
				return false;
			reader_problem(reader,
			    "%s stands behind a recipient; a comment has a "
			    "line of its own",
			    reader_quote(reader, quoted, word));
			break;
		}
		if (!closed) {
			reader_problem(reader,
			    "%s has no closing double quote; add it",
			    reader_quote(reader, quoted, word));
			break;
		}
		if (first)
			reader_take_address(reader, word);
		else
			reader_take_word(reader, word);
		first = false;
	}
	return !first;
}

/* The next line, its LF taken off; the last one may have none. */
static struct stretch
cut_line(struct reader *reader)
{
	struct stretch *rest = &reader->rest;
	struct stretch line = *rest;
	const char *end = memchr(line.at, '\n', stretch_len(line));

	if (end != NULL) {
		line.end = end;
		rest->at = end + 1;
	} else {
		rest->at = rest->end;
		reader_problem(reader,
		    "the last line does not end in a line feed; the file may "
		    "be torn: complete the line and end it");
	}
	return line;
}

static void
skip_mark(struct reader *reader)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t len = sizeof(mark) - 1;

	if (stretch_len(reader->rest) < len ||
	    memcmp(reader->rest.at, mark, len) != 0)
		return;
	reader_problem(reader,
	    "the file begins with a byte order mark; save it as UTF-8 without "
	    "one");
	reader->rest.at += len;
}

static void
begin_line(struct reader *reader)
{
	reader->place.line++;
	reader->wrong = reader->counted = false;
	reader->seen = 0;
	reader->internal_only = false;
	reader->name[0] = '\0';
	reader->logins[0] = '\0';
	reader->address_count = 0;
}

bool
reader_next(struct reader *reader)
{
	while (!reader->broken && reader->rest.at < reader->rest.end) {
		bool recipient;

		begin_line(reader);
		if (reader->place.line == 1)
			skip_mark(reader);
		recipient =
		    read_words(reader, check_line(reader, cut_line(reader)));
		if (recipient || reader->wrong)
			return true;
	}
	return false;
}
