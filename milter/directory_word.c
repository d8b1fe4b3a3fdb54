/*
 * directory_word.c - what may stand behind the address of a recipient.
 */
#include "directory_parts.h"

#include <string.h>

#include "text.h"

bool
stretch_word(struct stretch *line, struct stretch *word, bool *closed)
{
	bool quoted = false;
	const char *c = line->at;

	while (c < line->end && text_is_blank(*c))
		c++;
	word->at = c;
	while (c < line->end && (quoted || !text_is_blank(*c))) {
		if (*c == '"')
			quoted = !quoted;
		else if (quoted && *c == '\\' && c + 1 < line->end)
			c++;
		c++;
	}
	word->end = line->at = c;
	*closed = !quoted;
	return word->at < word->end;
}

bool
stretch_item(struct stretch *list, struct stretch *item)
{
	bool quoted = false;
	const char *c = list->at;

	if (c == NULL)
		return false;
	while (c < list->end && (quoted || *c != ',')) {
		if (*c == '"')
			quoted = !quoted;
		else if (quoted && *c == '\\' && c + 1 < list->end)
			c++;
		c++;
	}
	*item = (struct stretch){ list->at, c };
	list->at = c < list->end ? c + 1 : NULL;
	return true;
}

/*
 * Is there a control character, of one byte or two, or a line separator? Text
 * is UTF-8 and has no DEL: the line was looked at.
 */
static bool
has_control(struct stretch text)
{
	for (const char *c = text.at; c < text.end; c++) {
		const unsigned char byte = (unsigned char)*c;
		const unsigned char next =
		    c + 1 < text.end ? (unsigned char)c[1] : 0;

		if (byte < 0x20 || (byte == 0xc2 && next < 0xa0))
			return true;
		if (byte == 0xe2 && next == 0x80 &&
		    (c[2] == '\xa8' || c[2] == '\xa9'))
			return true;
	}
	return false;
}

/* Takes quotes and backslashes off; false after a problem. */
static bool
unquote(struct reader *reader, struct stretch *value)
{
	const struct stretch whole = *value;
	char quoted[DIAG_QUOTE_MAX];
	char *out = reader->copy;
	const char *c = value->at + 1;

	for (; c < value->end && *c != '"'; c++) {
		if (*c == '\\' && (*++c != '"' && *c != '\\')) {
			reader_problem(reader,
			    "%s has a backslash before another character; "
			    "write \\\" for a quote and \\\\ for a backslash",
			    reader_quote(reader, quoted, whole));
			return false;
		}
		*out++ = *c;
	}
	if (c + 1 < value->end) {
		const struct stretch rest = { c + 1, value->end };

		reader_problem(reader,
		    "%s follows the closing quote; put a blank between words, "
		    "and write \\\" for a quote in a name",
		    reader_quote(reader, quoted, rest));
		return false;
	}
	*value = (struct stretch){ reader->copy, out };
	return true;
}

static bool
is_blank(struct stretch text)
{
	while (text.at < text.end && text_is_blank(*text.at))
		text.at++;
	return text.at == text.end;
}

static void
take_name(struct reader *reader, struct stretch value)
{
	char quoted[DIAG_QUOTE_MAX];
	const size_t len = stretch_len(value);

	if (*value.at == '"') {
		if (!unquote(reader, &value))
			return;
	} else if (memchr(value.at, '"', len) != NULL) {
		reader_problem(reader,
		    "%s holds a quote; put the whole name in double quotes "
		    "and write \\\" for a quote in it",
		    reader_quote(reader, quoted, value));
		return;
	}
	if (is_blank(value)) {
		reader_problem(reader,
		    "the name is blank; write one, or leave the word out");
	} else if (stretch_len(value) > DIRECTORY_NAME_MAX) {
		reader_problem(reader,
		    "the name has %zu bytes; at most %d are allowed",
		    stretch_len(value), DIRECTORY_NAME_MAX);
	} else if (has_control(value)) {
		reader_problem(reader,
		    "%s holds a control character; remove it",
		    reader_quote(reader, quoted, value));
	} else {
		memcpy(reader->name, value.at, stretch_len(value));
		reader->name[stretch_len(value)] = '\0';
	}
}

static void
take_logins(struct reader *reader, struct stretch value)
{
	struct stretch list = value, login;
	char quoted[DIAG_QUOTE_MAX];
	const size_t len = stretch_len(value);

	while (stretch_item(&list, &login)) {
		const size_t login_len = stretch_len(login);

		if (login_len == 0)
			reader_problem(reader,
			    "%s has an empty item; write items with a comma "
			    "and no blank between them",
			    reader_quote(reader, quoted, value));
		else if (memchr(login.at, '"', login_len) != NULL)
			reader_problem(reader,
			    "%s holds a quote; logins stand without quotes",
			    reader_quote(reader, quoted, login));
		else if (has_control(login))
			reader_problem(reader,
			    "%s holds a control character; remove it",
			    reader_quote(reader, quoted, login));
	}
	memcpy(reader->logins, value.at, len);
	reader->logins[len] = '\0';
}

static void
take_aliases(struct reader *reader, struct stretch value)
{
	struct stretch list = value, alias;
	char quoted[DIAG_QUOTE_MAX];

	while (stretch_item(&list, &alias)) {
		if (stretch_len(alias) > 0)
			reader_take_address(reader, alias);
		else
			reader_problem(reader,
			    "%s has an empty item; write items with a comma "
			    "and no blank between them",
			    reader_quote(reader, quoted, value));
	}
}

struct word_row {
	const char *name;
	const char *form;
	/* NULL: the word stands alone. */
	void (*take)(struct reader *reader, struct stretch value);
};

/* clang-format off */
static const struct word_row rows[] = {
	{ "login", "login=A,B", take_logins },
	{ "name", "name=\"NAME\"", take_name },
	{ "aliases", "aliases=A@EXAMPLE.COM,B@EXAMPLE.COM", take_aliases },
	{ "internal_only", "internal_only", NULL },
};
/* clang-format on */

static const struct word_row *
find_row(const char *name)
{
	for (size_t i = 0; i < nitems(rows); i++)
		if (text_same_name(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static void
refuse_unknown(struct reader *reader, struct stretch name)
{
	const char *names[nitems(rows)];
	const char *near;
	char quoted[DIAG_QUOTE_MAX];

	for (size_t i = 0; i < nitems(rows); i++)
		names[i] = rows[i].name;
	reader_quote(reader, quoted, name);
	near = text_nearest(reader_copy(reader, name), names, nitems(names));
	if (near != NULL)
		reader_problem(reader,
		    "%s is an unknown word; did you mean '%s'", quoted, near);
	else
		reader_problem(reader,
		    "%s is an unknown word; behind the address stand login=, "
		    "name=, aliases= and internal_only, and what holds blanks "
		    "in double quotes",
		    quoted);
}

/* value.at NULL: there is no '='. */
static void
take_row(
    struct reader *reader, const struct word_row *row, struct stretch value)
{
	const unsigned bit = 1U << (row - rows);
	const bool empty = value.at == value.end ||
	    (stretch_len(value) == 2 && memcmp(value.at, "\"\"", 2) == 0);

	if ((reader->seen & bit) != 0)
		reader_problem(
		    reader, "the word stands twice; write it once in a line");
	else if (row->take == NULL && value.at != NULL)
		reader_problem(reader,
		    "no value is taken; write %s alone, or leave it out",
		    row->form);
	else if (row->take == NULL)
		reader->internal_only = true;
	else if (empty)
		reader_problem(reader,
		    "the value is missing; write %s, or leave the word out",
		    row->form);
	else
		row->take(reader, value);
	reader->seen |= bit;
}

void
reader_take_word(struct reader *reader, struct stretch word)
{
	const char *equals = memchr(word.at, '=', stretch_len(word));
	struct stretch name = word, value = { NULL, NULL };
	const struct word_row *row;

	if (equals != NULL) {
		name.end = equals;
		value = (struct stretch){ equals + 1, word.end };
	}
	row = find_row(reader_copy(reader, name));
	if (row == NULL) {
		refuse_unknown(reader, name);
		return;
	}
	reader->place.key = row->name;
	take_row(reader, row, value);
	reader->place.key = NULL;
}
