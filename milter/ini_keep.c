/*
 * ini_keep.c - what the scan of an INI file found: names, values, problems.
 */
#include "ini_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A file that is no INI file at all should not fill the memory. */
#define PROBLEMS_MAX 10000

/* The problem after the last one, instead of all that would follow. */
static void
give_up(struct ini_scan *scan)
{
	struct place place = { .file = scan->place.file,
		.line = scan->place.line };

	scan->stop = true;
	diag_add(scan->diags, SEVERITY_ERROR, &place,
	    "more than %d problems, the rest is not shown; is this a "
	    "configuration file?",
	    PROBLEMS_MAX);
}

void
ini_problem(struct ini_scan *scan, const char *fmt, ...)
{
	char words[1024];
	va_list ap;

	if (scan->problems > PROBLEMS_MAX)
		return;
	if (scan->problems++ == PROBLEMS_MAX) {
		give_up(scan);
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	diag_add(scan->diags, SEVERITY_ERROR, &scan->place, "%s", words);
}

void
ini_no_memory(struct ini_scan *scan)
{
	scan->stop = true;
	ini_problem(scan, "out of memory; the file was not read");
}

char *
ini_copy(struct ini_scan *scan, struct span span)
{
	static char empty[1];
	char *text = arena_strndup(scan->scratch, span.s, span.len);

	if (text == NULL) {
		ini_no_memory(scan);
		return empty;
	}
	return text;
}

/* ASCII only, as iniparser does it in the C locale. */
static const char *
lower(struct ini_scan *scan, struct span span)
{
	char *text = ini_copy(scan, span);

	for (char *c = text; *c != '\0'; c++)
		*c = text_lower(*c);
	return text;
}

/* No more than this can be found in bytes, and no more than max is taken. */
static size_t
count_byte(struct span bytes, char byte, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes.len && count < max; i++)
		if (bytes.s[i] == byte)
			count++;
	return count;
}

int
ini_prepare(struct ini_scan *scan, struct span bytes)
{
	size_t sections = count_byte(bytes, '[', INI_SECTIONS_MAX);
	size_t keys = count_byte(bytes, '=', INI_KEYS_MAX);
	struct ini *ini = arena_alloc(scan->arena, 1, sizeof(*ini));

	if (ini == NULL)
		return -1;
	scan->ini = ini;
	ini->path = arena_strdup(scan->arena, scan->place.file);
	ini->sections =
	    arena_alloc(scan->arena, sections, sizeof(*ini->sections));
	scan->keys = arena_alloc(scan->arena, keys, sizeof(*scan->keys));
	scan->entries =
	    arena_alloc(scan->scratch, sections + keys, sizeof(*scan->entries));
	if (ini->path == NULL || ini->sections == NULL || scan->keys == NULL ||
	    scan->entries == NULL)
		return -1;
	return 0;
}

/* Runs of blanks become one space; name is trimmed. */
static const char *
fold_blanks(struct ini_scan *scan, struct span name)
{
	char *folded = arena_strndup(scan->arena, name.s, name.len);
	size_t len = 0;

	if (folded == NULL) {
		ini_no_memory(scan);
		return "";
	}
	for (size_t i = 0; i < name.len; i++) {
		if (!text_is_blank(name.s[i]))
			folded[len++] = name.s[i];
		else if (!text_is_blank(name.s[i - 1]))
			folded[len++] = ' ';
	}
	folded[len] = '\0';
	return folded;
}

/*
 * Equal results for names that mean the same. What a section itself is called,
 * behind the word for its kind, may differ by '_' and '-' alone.
 */
static const char *
fold_name(struct ini_scan *scan, const char *name, bool is_section)
{
	char *folded = ini_copy(scan, (struct span){ name, strlen(name) });
	char *end = folded;
	bool loose = true;

	for (const char *c = folded; *c != '\0'; c++) {
		if (is_section && *c == ' ')
			loose = false;
		if (!loose || (*c != '_' && *c != '-'))
			*end++ = text_lower(*c);
	}
	*end = '\0';
	return folded;
}

static void
keep_entry(struct ini_scan *scan, const char *stored, struct ini_key *key)
{
	struct ini_entry *entry = &scan->entries[scan->entry_count++];
	bool is_section = key == NULL;

	entry->stored = stored;
	entry->folded = fold_name(
	    scan, is_section ? scan->section->name : key->name, is_section);
	entry->scope = is_section ? 0 : scan->ini->section_count;
	entry->line = scan->place.line;
	entry->section = scan->section;
	entry->key = key;
}

static void
refuse_more(struct ini_scan *scan, int max, const char *what)
{
	ini_problem(scan,
	    "more than %d %s in one file, the rest is not read; split it into "
	    "files of connectors.d",
	    max, what);
	scan->stop = true;
}

void
ini_keep_section(struct ini_scan *scan, struct span name)
{
	struct ini *ini = scan->ini;
	struct ini_section *section;

	if (ini->section_count == INI_SECTIONS_MAX) {
		refuse_more(scan, INI_SECTIONS_MAX, "sections");
		return;
	}
	section = &ini->sections[ini->section_count++];
	section->name = fold_blanks(scan, name);
	section->line = scan->place.line;
	section->keys = &scan->keys[scan->key_count];
	scan->section = section;
	scan->place.section = section->name;
	scan->prefix = lower(scan, name);
	keep_entry(scan, scan->prefix, NULL);
}

void
ini_keep_key(struct ini_scan *scan, struct span name, struct span value)
{
	struct ini_key *key = &scan->keys[scan->key_count];
	const char *stored;

	if (scan->key_count == INI_KEYS_MAX) {
		refuse_more(scan, INI_KEYS_MAX, "settings");
		return;
	}
	key->name = arena_strndup(scan->arena, name.s, name.len);
	key->value = arena_strndup(scan->arena, value.s, value.len);
	key->line = scan->place.line;
	stored = arena_printf(
	    scan->scratch, "%s:%s", scan->prefix, lower(scan, name));
	if (key->name == NULL || key->value == NULL || stored == NULL) {
		ini_no_memory(scan);
		return;
	}
	scan->key_count++;
	scan->section->key_count++;
	keep_entry(scan, stored, key);
}

void
ini_set_place(struct ini_scan *scan, const struct ini_entry *entry)
{
	scan->place.line = entry->line;
	scan->place.section = entry->section->name;
	scan->place.key = entry->key != NULL ? entry->key->name : NULL;
}

static int
compare_names(const struct ini_entry *a, const struct ini_entry *b)
{
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return strcmp(a->folded, b->folded);
}

static int
by_name(const void *left, const void *right)
{
	const struct ini_entry *a = *(struct ini_entry *const *)left;
	const struct ini_entry *b = *(struct ini_entry *const *)right;
	int order = compare_names(a, b);

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

void
ini_find_duplicates(struct ini_scan *scan)
{
	size_t count = scan->entry_count;
	const struct ini_entry **sorted =
	    arena_alloc(scan->scratch, count, sizeof(*sorted));
	const struct ini_entry *first = NULL;

	if (sorted == NULL) {
		ini_no_memory(scan);
		return;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &scan->entries[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++) {
		if (first == NULL || compare_names(first, sorted[i]) != 0) {
			first = sorted[i];
			continue;
		}
		ini_set_place(scan, sorted[i]);
		if (sorted[i]->key != NULL)
			ini_problem(scan,
			    "already set at line %u; keep one of the two",
			    first->line);
		else
			ini_problem(scan,
			    "already begins at line %u; put the settings there",
			    first->line);
	}
}
