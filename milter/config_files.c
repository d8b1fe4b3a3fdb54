/*
 * config_files.c - which files there are, and which sections they hold.
 */
#include "config_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "array.h"
#include "text.h"

#define NAME_BYTES_MAX 64

int
build_no_memory(struct build *build)
{
	const struct place place = { .file = build->config->path };

	diag_add(build->diags, SEVERITY_ERROR, &place, "out of memory");
	/* Whatever is missing from here on is no problem of the files. */
	build->sound = false;
	build->main_sound = false;
	return -1;
}

static void
add_section(struct build *build, struct section_list *list,
    const struct placed_section *section)
{
	struct placed_section *items = array_grow(
	    list->items, list->count, 1, &list->room, sizeof(*items));

	if (items == NULL) {
		build_no_memory(build);
		return;
	}
	list->items = items;
	items[list->count++] = *section;
}

static void
refuse_unknown(
    struct build *build, const struct placed_section *section, const char *word)
{
	const struct place place = section_place(section);
	const char *words[SECTION_CONNECTOR + 1];
	const char *near;

	for (size_t i = 0; i < schema_section_count; i++)
		words[i] = schema_sections[i].word;
	near = text_nearest(word, words, schema_section_count);
	/* Of those two a connector, or its defaults, may be missing now. */
	if (near == section_word(SECTION_DEFAULTS) ||
	    near == section_word(SECTION_CONNECTOR))
		build->sound = false;
	if (near != NULL)
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "unknown section; did you mean '%s'", near);
	else
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "unknown section; 'connectorctl help settings' lists all");
}

/* Connector names may hold blanks; group names stand in lists. */
static void
check_name(struct build *build, const struct section_row *row,
    const struct placed_section *section)
{
	static const char letters[] =
	    " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "._-";
	const bool blanks = row->kind == SECTION_CONNECTOR;
	const struct place place = section_place(section);
	const char *name = section->name;

	if (name[0] == '\0')
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "the name is missing; write [%s NAME]", row->word);
	else if (strlen(name) > NAME_BYTES_MAX)
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "the name has %zu bytes; at most %d are allowed",
		    strlen(name), NAME_BYTES_MAX);
	else if (name[strspn(name, blanks ? letters : letters + 1)] != '\0')
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "the name holds a character that is not allowed; use "
		    "A-Z a-z 0-9 . _ -%s",
		    blanks ? " and blanks" : "");
}

/* Of two that are the same the parser has said so; the first one counts. */
static void
keep_global(struct build *build, enum section_kind kind,
    const struct placed_section *section)
{
	struct placed_section *kept = &build->config->globals[kind];

	if (kept->ini == NULL)
		*kept = *section;
	else if (kind == SECTION_DEFAULTS)
		build->sound = false;
}

static void
keep_section(struct build *build, const struct section_row *row,
    const struct placed_section *section)
{
	const struct place place = section_place(section);
	struct config *config = build->config;

	/* With a bad name too: its settings are worth a look. */
	if (row->named)
		check_name(build, row, section);
	if (!row->named && section->name[0] != '\0')
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "this section has no name; write [%s]", row->word);
	else if (!row->anywhere && strcmp(section->file, config->path) != 0)
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "only the main file has this section; move it to %s",
		    config->path);
	else if (row->kind == SECTION_CONNECTOR)
		add_section(build, &config->connectors, section);
	else if (row->kind == SECTION_GROUP)
		add_section(build, &config->groups, section);
	else
		keep_global(build, row->kind, section);
}

static void
sort_section(struct build *build, struct placed_section *section)
{
	const char *name = section->ini->name;
	const size_t len = strcspn(name, " ");
	char *word = arena_strndup(build->config->arena, name, len);
	const struct section_row *row;

	if (word == NULL) {
		build_no_memory(build);
		return;
	}
	section->name = name[len] == ' ' ? name + len + 1 : name + len;
	row = schema_section(word);
	if (row != NULL)
		keep_section(build, row, section);
	else
		refuse_unknown(build, section, word);
}

void
build_read(struct build *build, const char *path, const struct place *place)
{
	const struct source *source =
	    sources_read(build->sources, path, build->diags, place);
	struct placed_section section = { .file = path };
	const struct ini *ini = NULL;

	if (source != NULL)
		ini = ini_parse_partly(
		    build->config->arena, source, build->diags, &section.sound);
	/* A lost line of [defaults] leaves every connector incomplete. */
	section.sound = section.sound && build->main_sound;
	build->sound = build->sound && section.sound;
	for (size_t i = 0; ini != NULL && i < ini->section_count; i++) {
		section.ini = &ini->sections[i];
		sort_section(build, &section);
	}
}

static int
add_path(struct build *build, const char *path)
{
	struct path_list *list = &build->config->files;
	const char **paths = array_grow(
	    list->paths, list->count, 1, &list->room, sizeof(*paths));

	if (paths == NULL)
		return build_no_memory(build);
	list->paths = paths;
	paths[list->count++] = path;
	return 0;
}

/* Behind the "./" and "/" that mean nothing at the start of a component. */
static const char *
component(const char *path)
{
	for (;;) {
		if (path[0] == '.' && path[1] == '/')
			path += 2;
		else if (path[0] == '/')
			path++;
		else
			return path;
	}
}

bool
config_same_path(const char *a, const char *b)
{
	if ((a[0] == '/') != (b[0] == '/'))
		return false;
	for (;;) {
		size_t len;

		a = component(a);
		b = component(b);
		len = strcspn(a, "/");
		if (len != strcspn(b, "/") || strncmp(a, b, len) != 0)
			return false;
		if (len == 0)
			return true;
		a += len;
		b += len;
	}
}

/* Is it the main file, or one of the first count files? */
static bool
is_known(const struct build *build, const char *path, size_t count)
{
	const struct config *config = build->config;

	if (config_same_path(path, config->path))
		return true;
	for (size_t i = 0; i < count; i++)
		if (config_same_path(path, config->files.paths[i]))
			return true;
	return false;
}

static void
add_folder(struct build *build, const char *path, const struct place *place)
{
	const size_t before = build->config->files.count;
	size_t count = 0;
	const char *const *names =
	    sources_folder(build->sources, path, &count, build->diags, place);

	if (names == NULL) {
		build->sound = false;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_known(build, names[i], before))
			continue;
		if (add_path(build, names[i]) != 0)
			return;
		build_read(build, names[i], NULL);
	}
}

static void
add_file(struct build *build, const char *path, const struct place *place)
{
	if (is_known(build, path, build->config->files.count) ||
	    add_path(build, path) != 0)
		return;
	build_read(build, path, place);
}

void
build_find_files(struct build *build)
{
	const struct config *config = build->config;
	const struct strings *named = &config->global.connectors;
	const struct origin origin =
	    config_global_origin(config, SECTION_MILTER, "connectors");
	const bool written = origin.kind != ORIGIN_BUILT_IN;
	const struct place place = { .file = config->path,
		.line = written ? origin.line : 0,
		.section = section_word(SECTION_MILTER),
		.key = "connectors" };

	for (size_t i = 0; i < named->count; i++) {
		struct stat status;
		const char *path = setting_path_beside(config->arena,
		    config->path, named->items[i], strlen(named->items[i]));

		if (path == NULL) {
			build_no_memory(build);
			return;
		}
		if (stat(path, &status) != 0) {
			if (written)
				add_file(build, path, &place);
		} else if (S_ISDIR(status.st_mode)) {
			add_folder(build, path, &place);
		} else {
			add_file(build, path, &place);
		}
	}
}

void
build_same_files(struct build *build, const struct path_list *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *path =
		    arena_strdup(build->config->arena, files->paths[i]);

		if (path == NULL)
			build_no_memory(build);
		else if (add_path(build, path) == 0)
			build_read(build, path, NULL);
	}
}
