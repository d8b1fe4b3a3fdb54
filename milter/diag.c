/*
 * diag.c - the list of problems found in a configuration.
 */
#include "diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "array.h"
#include "text.h"

/* The encoded form of one byte at most: \xHH and the terminator. */
#define UNIT_MAX 5

struct problem {
	enum severity severity;
	unsigned line;
	size_t number; /* in the order of adding */
	const char *file;
	const char *text; /* all that stands behind "error: " */
	bool repeated;
};

struct diags {
	struct arena *arena;
	struct problem **problems;
	size_t count;
	size_t room;
	size_t warnings;
	size_t errors;
	size_t lost; /* counted as errors, without a text */
};

struct diags *
diags_new(void)
{
	struct diags *diags = calloc(1, sizeof(*diags));

	if (diags == NULL)
		return NULL;
	diags->arena = arena_new();
	if (diags->arena == NULL) {
		free(diags);
		return NULL;
	}
	return diags;
}

void
diags_free(struct diags *diags)
{
	if (diags == NULL)
		return;
	arena_free(diags->arena);
	free(diags->problems);
	free(diags);
}

static int
make_room(struct diags *diags)
{
	struct problem **problems = array_grow(diags->problems, diags->count, 1,
	    &diags->room, sizeof(struct problem *));

	if (problems == NULL)
		return -1;
	diags->problems = problems;
	return 0;
}

/*
 * The parts of a place are taken from the file system and from the file: they
 * are encoded. A NULL part leaves nothing behind.
 */
static const char *
encode(
    struct arena *arena, const char *before, const char *s, const char *after)
{
	char buf[TEXT_FIELD_MAX * (UNIT_MAX - 1) + UNIT_MAX];
	struct text text;

	if (s == NULL)
		return "";
	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, s, strlen(s), TEXT_PROSE);
	return arena_printf(arena, "%s%s%s", before, buf, after);
}

/*
 * What the caller wrote about the problem. Values in it are encoded already;
 * should a raw byte have slipped in all the same, it must not break the line.
 */
PRINTF_LIKE(2, 0)
static const char *
wording(struct arena *arena, const char *fmt, va_list ap)
{
	char *raw = NULL;
	int len = vasprintf(&raw, fmt, ap);
	char *clean;

	if (len < 0)
		return NULL;
	clean = arena_strdup(arena, raw);
	free(raw);
	for (char *c = clean; c != NULL && *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	return clean;
}

PRINTF_LIKE(4, 0)
static int
add_problem(struct diags *diags, enum severity severity,
    const struct place *place, const char *fmt, va_list ap)
{
	struct arena *arena = diags->arena;
	struct problem *problem = arena_alloc(arena, 1, sizeof(*problem));
	const char *file = encode(arena, "", place->file, "");
	const char *section = encode(arena, "[", place->section, "] ");
	const char *key = encode(arena, "", place->key, ": ");
	const char *words = wording(arena, fmt, ap);

	if (problem == NULL || file == NULL || section == NULL || key == NULL ||
	    words == NULL || make_room(diags) != 0)
		return -1;
	problem->severity = severity;
	problem->line = place->line;
	problem->number = diags->count;
	problem->file = file;
	problem->text = arena_printf(arena, "%s%s%s", section, key, words);
	if (problem->text == NULL)
		return -1;
	diags->problems[diags->count++] = problem;
	return 0;
}

void
diag_add(struct diags *diags, enum severity severity, const struct place *place,
    const char *fmt, ...)
{
	static const struct place nowhere;
	va_list ap;
	int result;

	va_start(ap, fmt);
	result = add_problem(
	    diags, severity, place != NULL ? place : &nowhere, fmt, ap);
	va_end(ap);
	if (result != 0)
		diags->lost++;
	if (result != 0 || severity == SEVERITY_ERROR)
		diags->errors++;
	else
		diags->warnings++;
}

size_t
diags_count(const struct diags *diags, enum severity severity)
{
	return severity == SEVERITY_ERROR ? diags->errors : diags->warnings;
}

static int
compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int
compare_places(const struct problem *a, const struct problem *b)
{
	int files = strcmp(a->file, b->file);

	return files != 0 ? files : compare_numbers(a->line, b->line);
}

static bool
same_line(const struct problem *a, const struct problem *b)
{
	return compare_places(a, b) == 0 && a->severity == b->severity &&
	    strcmp(a->text, b->text) == 0;
}

/* Equal lines next to each other, the first one added in front. */
static int
by_content(const void *left, const void *right)
{
	const struct problem *a = *(struct problem *const *)left;
	const struct problem *b = *(struct problem *const *)right;
	int order = compare_places(a, b);

	if (order == 0)
		order = strcmp(a->text, b->text);
	if (order == 0)
		order =
		    (a->severity > b->severity) - (a->severity < b->severity);
	return order != 0 ? order : compare_numbers(a->number, b->number);
}

static int
by_place(const void *left, const void *right)
{
	const struct problem *a = *(struct problem *const *)left;
	const struct problem *b = *(struct problem *const *)right;
	int order = compare_places(a, b);

	return order != 0 ? order : compare_numbers(a->number, b->number);
}

static void
print_problem(const struct problem *problem, FILE *out)
{
	if (problem->file[0] != '\0')
		fprintf(out, "%s:%u: ", problem->file, problem->line);
	fprintf(out, "%s: %s\n",
	    problem->severity == SEVERITY_ERROR ? "error" : "warning",
	    problem->text);
}

void
diags_print(const struct diags *diags, FILE *out)
{
	struct problem **problems = diags->problems;
	size_t count = diags->count;

	if (count > 0)
		qsort(problems, count, sizeof(struct problem *), by_content);
	for (size_t i = 1; i < count; i++)
		problems[i]->repeated = same_line(problems[i - 1], problems[i]);
	if (count > 0)
		qsort(problems, count, sizeof(struct problem *), by_place);
	for (size_t i = 0; i < count; i++)
		if (!problems[i]->repeated)
			print_problem(problems[i], out);
	if (diags->lost > 0)
		fprintf(out,
		    "error: out of memory: %zu more problems are not shown\n",
		    diags->lost);
}

/* One byte of a value as it will be shown; the length of that. */
static size_t
show_byte(char unit[UNIT_MAX], const char *c)
{
	struct text text;

	text_init(&text, unit, UNIT_MAX);
	text_put_safe(&text, c, 1, TEXT_PROSE);
	return text.len;
}

/* How many bytes of value, from its front or back, fit into room when shown. */
static size_t
fit(const char *value, size_t len, size_t room, bool back)
{
	char unit[UNIT_MAX];
	size_t n = 0;

	for (size_t used = 0; n < len; n++) {
		used += show_byte(unit, &value[back ? len - n - 1 : n]);
		if (used > room)
			break;
	}
	return n;
}

const char *
diag_quote(char buf[DIAG_QUOTE_MAX], const char *value)
{
	const size_t room = DIAG_QUOTE_MAX - sizeof("''");
	const size_t half = (room - strlen("...")) / 2;
	size_t len = strlen(value);
	size_t front = fit(value, len, room, false);
	struct text text;

	text_init(&text, buf, DIAG_QUOTE_MAX);
	text_put(&text, "'");
	if (front == len) {
		text_put_safe(&text, value, len, TEXT_PROSE);
	} else {
		size_t back = fit(value, len, half, true);

		front = fit(value, len, half, false);
		text_put_safe(&text, value, front, TEXT_PROSE);
		text_put(&text, "...");
		text_put_safe(&text, value + len - back, back, TEXT_PROSE);
	}
	text_put(&text, "'");
	return buf;
}
