/*
 * config_peek.c - reads one setting of a configuration that may be broken.
 */
#include "config_parts.h"

#include <string.h>

#include "setting_check.h"
#include "text.h"

/* The first section of this kind, as config_files takes it; or NULL. */
static const struct ini_section *
find_section(const struct ini *ini, const char *word)
{
	for (size_t i = 0; ini != NULL && i < ini->section_count; i++)
		if (text_same_name(ini->sections[i].name, word))
			return &ini->sections[i];
	return NULL;
}

/* NULL when the file cannot be read at all. Problems are nobody's. */
static const struct ini *
read_what_can_be(struct arena *arena, struct sources *sources, const char *path,
    struct diags *diags)
{
	const struct source *source = sources_read(sources, path, diags, NULL);
	bool whole;

	return source != NULL ? ini_parse_partly(arena, source, diags, &whole)
			      : NULL;
}

static bool
is_fine(const char *value, size_t size)
{
	char why[SETTING_TYPE_TEXT_MAX];
	struct text out;

	text_init(&out, why, sizeof(why));
	return check_control_socket(value, &out) && strlen(value) < size;
}

void
config_find_control_socket(const char *path, char *out, size_t size)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const struct ini_key *key = NULL;

	if (arena != NULL && sources != NULL && diags != NULL)
		key = section_key(
		    find_section(read_what_can_be(arena, sources, path, diags),
			section_word(SECTION_MILTER)),
		    "control_socket");
	out[0] = '\0';
	if (key != NULL && is_fine(key->value, size))
		memcpy(out, key->value, strlen(key->value) + 1);
	diags_free(diags);
	sources_free(sources);
	arena_free(arena);
}
