/*
 * setting_list.c - lists taken apart: items on the line, and items in files.
 */
#include "setting_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "array.h"
#include "sources.h"
#include "text.h"

/* The items found so far; bytes is on the heap until all are. */
struct items {
	const struct list_type *type;
	char *bytes;
	size_t count;
	size_t room;
	bool failed;
};

static bool
is_separator(char c)
{
	return c == ',' || text_is_blank(c);
}

/* Room for one more item, or NULL. */
static void *
next_item(struct items *items)
{
	const size_t size = items->type->item_size;
	char *bytes =
	    array_grow(items->bytes, items->count, 1, &items->room, size);

	if (bytes == NULL)
		return NULL;
	items->bytes = bytes;
	return memset(bytes + items->count * size, 0, size);
}

static void
add_item(const struct setting_context *context, const struct setting *setting,
    struct items *items, const char *text, size_t len)
{
	char *copy = arena_strndup(context->arena, text, len);
	void *item = next_item(items);

	if (copy == NULL || item == NULL)
		items->failed = setting_no_memory(context) != 0;
	else if (items->type->parse(context, setting, item, copy) != 0)
		items->failed = true;
	else
		items->count++;
}

/* What must not be in a line of an @FILE, or NULL. */
static const char *
line_problem(const char *line, size_t len, bool ended)
{
	if (!ended)
		return "the last line does not end in a line feed; the file "
		       "may be torn: complete the line and end it";
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
		    line[i] == 0x7f)
			return "the line holds a control byte; remove it: a "
			       "blank is a space or TAB, lines end in LF or "
			       "CR LF";
	if (!text_is_utf8(line, len))
		return "the line holds a byte that does not belong to UTF-8 "
		       "text; save the file as UTF-8";
	return NULL;
}

/* The part of a line before its comment, without blanks at either end. */
static void
trim_line(const char **line, size_t *len)
{
	for (size_t i = 0; i < *len; i++)
		if ((*line)[i] == '#' &&
		    (i == 0 || text_is_blank((*line)[i - 1])))
			*len = i;
	while (*len > 0 && text_is_blank((*line)[*len - 1]))
		--*len;
	while (*len > 0 && text_is_blank(**line)) {
		++*line;
		--*len;
	}
}

static void
add_line(const struct setting_context *context, const struct setting *setting,
    struct items *items, const char *line, size_t len, bool ended)
{
	const char *problem;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	problem = line_problem(line, len, ended);
	trim_line(&line, &len);
	if (problem == NULL && len > 0 && line[0] == '@')
		problem = "an @FILE names no further files; write the items";
	if (problem != NULL) {
		diag_add(context->diags, SEVERITY_ERROR, &context->place, "%s",
		    problem);
		items->failed = true;
	} else if (len > 0) {
		add_item(context, setting, items, line, len);
	}
}

static void
add_lines(const struct setting_context *outer, const struct setting *setting,
    struct items *items, const struct source *source)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct setting_context context = *outer;
	const char *at = source->bytes;
	const char *const end = at + source->len;

	context.place.file = source->path;
	context.place.line = 1;
	if (source->len >= 3 && memcmp(at, mark, 3) == 0) {
		diag_add(context.diags, SEVERITY_ERROR, &context.place,
		    "the file begins with a byte order mark; save it as UTF-8 "
		    "without one");
		items->failed = true;
		at += 3;
	}
	for (; at < end; context.place.line++) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed != NULL ? feed : end;

		add_line(&context, setting, items, at, (size_t)(stop - at),
		    feed != NULL);
		at = feed != NULL ? feed + 1 : end;
	}
}

char *
setting_path_beside(
    struct arena *arena, const char *file, const char *path, size_t len)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	const int folder = slash != NULL ? (int)(slash - file + 1) : 0;

	if (path[0] == '/' || folder == 0)
		return arena_strndup(arena, path, len);
	return arena_printf(arena, "%.*s%.*s", folder, file, (int)len, path);
}

/*
 * A list that narrows a right and has no item narrows nothing: it must not come
 * to that because the last line of a file went.
 */
static void
refuse_without_items(
    const struct setting_context *context, const char *path, size_t len)
{
	char *name = arena_strndup(context->arena, path, len);
	char quoted[DIAG_QUOTE_MAX];

	if (name == NULL)
		setting_no_memory(context);
	else
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s has no item; write at least one, or do not name it",
		    diag_quote(quoted, name));
}

static void
add_source(const struct setting_context *context, const struct setting *setting,
    struct items *items, const struct source *source, const char *path,
    size_t len)
{
	const size_t before = items->count;
	const bool failed = items->failed;

	items->failed = false;
	add_lines(context, setting, items, source);
	if (!items->failed && items->count == before) {
		refuse_without_items(context, path, len);
		items->failed = true;
	}
	items->failed = items->failed || failed;
}

static void
add_file(const struct setting_context *context, const struct setting *setting,
    struct items *items, const char *path, size_t len)
{
	const struct source *source = NULL;
	char *beside = NULL;

	if (len == 0)
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "'@' names no file; write @FILE");
	else
		beside = setting_path_beside(
		    context->arena, context->place.file, path, len);
	if (beside != NULL)
		source = sources_read(
		    context->sources, beside, context->diags, &context->place);
	else if (len != 0)
		setting_no_memory(context);
	if (source != NULL)
		add_source(context, setting, items, source, path, len);
	else
		items->failed = true;
}

static const char *
item_end(const char *s)
{
	while (*s != '\0' && !is_separator(*s))
		s++;
	return s;
}

static const char *
skip_blanks(const char *s)
{
	while (text_is_blank(*s))
		s++;
	return s;
}

/* "a - b", "a -b" and "a- b" are one range. */
static const char *
range_end(const char *start, const char *end)
{
	const char *next = skip_blanks(end);

	if (end == start)
		return end;
	if (end[-1] != '-' && *next == '-') {
		end = item_end(next);
		if (end - next > 1)
			return end;
		next = skip_blanks(end);
	}
	return end[-1] == '-' ? item_end(next) : end;
}

static void
add_all(const struct setting_context *context, const struct setting *setting,
    struct items *items, const char *text)
{
	for (;;) {
		const char *end;

		while (is_separator(*text))
			text++;
		if (*text == '\0')
			return;
		end = item_end(text);
		if (setting->type == SETTING_RANGES)
			end = range_end(text, end);
		if (*text == '@')
			add_file(context, setting, items, text + 1,
			    (size_t)(end - text) - 1);
		else
			add_item(context, setting, items, text,
			    (size_t)(end - text));
		text = end;
	}
}

int
setting_parse_list(PARSER_ARGUMENTS)
{
	struct items items = { .type = setting_list_type(setting->type) };
	void *kept = NULL;

	add_all(context, setting, &items, text);
	/* Commas alone are nobody's way to say none, or all. */
	if (!items.failed && items.count == 0 &&
	    (setting->needs_item || text[0] != '\0'))
		items.failed =
		    setting_refuse(context, setting, text, "has no item") != 0;
	if (!items.failed) {
		kept = arena_alloc(
		    context->arena, items.count, items.type->item_size);
		if (kept == NULL) {
			(void)setting_no_memory(context);
			items.failed = true;
		} else if (items.count > 0) {
			memcpy(kept, items.bytes,
			    items.count * items.type->item_size);
			if (setting->type == SETTING_MAILBOXES)
				mailbox_patterns_sort(kept, items.count);
		}
	}
	free(items.bytes);
	value->list = (struct setting_list){ kept, items.count };
	return items.failed ? -1 : 0;
}

int
setting_parse_flags(PARSER_ARGUMENTS)
{
	union setting_value list = { .list = { NULL, 0 } };
	const unsigned *flags;
	bool none = false;

	if (setting_parse_list(context, setting, &list, text) != 0)
		return -1;
	flags = list.list.items;
	value->choice = 0;
	for (size_t i = 0; i < list.list.count; i++) {
		value->choice |= flags[i];
		none = none || flags[i] == 0;
	}
	if (none && value->choice != 0) {
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "'none' stands alone; remove it, or all the others");
		return -1;
	}
	return 0;
}

int
setting_parse_domains(PARSER_ARGUMENTS)
{
	struct domain_set set;

	if (setting_parse_list(context, setting, value, text) != 0)
		return -1;
	memcpy(&set, &value->list, sizeof(set));
	domain_set_sort(&set);
	return 0;
}
