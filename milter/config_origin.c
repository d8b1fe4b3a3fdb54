/*
 * config_origin.c - where the value of a setting came from: the connector's own
 * section, its usage, [defaults], or nowhere but the schema.
 */
#include "config_parts.h"

#include "preset.h"
#include "text.h"

struct place
section_place(const struct placed_section *section)
{
	return (struct place){ .file = section->file,
		.line = section->ini->line,
		.section = section->ini->name };
}

const struct ini_key *
section_key(const struct ini_section *section, const char *setting)
{
	if (section == NULL)
		return NULL;
	for (size_t i = 0; i < section->key_count; i++)
		if (text_same_name(section->keys[i].name, setting))
			return &section->keys[i];
	return NULL;
}

/* A value that stands in a section of a file. */
static bool
find_written(struct origin *origin, enum origin_kind kind,
    const struct placed_section *section, const char *setting)
{
	const struct ini_key *key = section_key(section->ini, setting);

	if (key == NULL)
		return false;
	*origin = (struct origin){ kind, section->file, key->line, key->value };
	return true;
}

const struct ini_key *
section_usage(const struct placed_section *section, unsigned *usage)
{
	const struct ini_key *key = section_key(section->ini, "usage");

	if (key == NULL)
		return NULL;
	for (const struct choice *choice = preset_usages; choice->name != NULL;
	     choice++)
		if (text_same_name(choice->name, key->value)) {
			*usage = choice->value;
			return key;
		}
	return NULL;
}

bool
config_has_directory(const struct config *config)
{
	const char *recipients = config->global.directory_recipients;

	return recipients != NULL && recipients[0] != '\0';
}

/* What the usage of a connector says about a setting. */
static bool
find_preset(struct origin *origin, const struct config *config,
    const struct placed_section *section, const char *setting)
{
	unsigned usage = USAGE_CUSTOM;
	const struct ini_key *key = section_usage(section, &usage);
	const char *value =
	    preset_value(usage, setting, config_has_directory(config));

	if (key == NULL || value == NULL)
		return false;
	*origin =
	    (struct origin){ ORIGIN_PRESET, section->file, key->line, value };
	return true;
}

static struct origin
built_in(enum section_kind section, const char *setting)
{
	const struct setting *row = schema_find(section, setting);

	return (struct origin){ .kind = ORIGIN_BUILT_IN,
		.value =
		    row != NULL && row->initial != NULL ? row->initial : "" };
}

struct origin
config_origin(const struct config *config, size_t index, const char *setting)
{
	const struct placed_section *section = &config->connectors.items[index];
	struct origin origin;

	if (find_written(&origin, ORIGIN_OWN, section, setting) ||
	    find_preset(&origin, config, section, setting) ||
	    find_written(&origin, ORIGIN_DEFAULTS,
		&config->globals[SECTION_DEFAULTS], setting))
		return origin;
	return built_in(SECTION_CONNECTOR, setting);
}

struct origin
config_global_origin(
    const struct config *config, enum section_kind section, const char *setting)
{
	struct origin origin;

	if (find_written(
		&origin, ORIGIN_OWN, &config->globals[section], setting))
		return origin;
	return built_in(section, setting);
}
