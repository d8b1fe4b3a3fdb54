/*
 * config_build.c - sections become structs: built-in values, [defaults],
 * preset and own settings, in this order.
 */
#include "config_parts.h"

#include <stdlib.h>
#include <string.h>

#include "preset.h"
#include "text.h"

static struct setting_context
context_at(const struct build *build, const char *file, const char *section,
    unsigned line)
{
	const struct policy *policy = &build->config->policy;

	return (struct setting_context){
		.arena = build->config->arena,
		.sources = build->sources,
		.diags = build->diags,
		.place = { .file = file, .line = line, .section = section },
		.groups = policy->groups,
		.group_count = policy->group_count,
		.groups_lost = !build->main_sound,
	};
}

static const struct setting *
find_elsewhere(const char *name)
{
	for (size_t i = 0; i < schema_count(); i++)
		if (text_same_name(schema_at(i)->name, name))
			return schema_at(i);
	return NULL;
}

/* The setting of this section whose name is nearest, or NULL. */
static const char *
find_near(enum section_kind section, const char *name)
{
	const enum section_kind own =
	    section == SECTION_DEFAULTS ? SECTION_CONNECTOR : section;
	const char *names[SCHEMA_CONNECTOR_MAX];
	size_t count = 0;

	for (size_t i = 0; i < schema_count() && count < nitems(names); i++)
		if (schema_at(i)->section == own)
			names[count++] = schema_at(i)->name;
	return text_nearest(name, names, count);
}

static void
refuse_unknown(const struct setting_context *context, enum section_kind section,
    const char *name)
{
	const struct setting *elsewhere = find_elsewhere(name);
	const char *near = find_near(section, name);

	if (elsewhere != NULL)
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "unknown setting here; it belongs in a section [%s%s]",
		    section_word(elsewhere->section),
		    schema_sections[elsewhere->section].named ? " NAME" : "");
	else if (near != NULL)
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "unknown setting; did you mean '%s'", near);
	else
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "unknown setting; 'connectorctl help settings' lists all");
}

/* What each connector has to say for itself. */
static bool
is_own_only(const struct setting *setting)
{
	return strcmp(setting->name, "usage") == 0 ||
	    strcmp(setting->name, "accept_open_relay") == 0;
}

/* Parses and stores one value that a file says. -1: there is none. */
static int
apply_key(struct setting_context *context, enum section_kind section,
    const struct setting *setting, void *object, const struct ini_key *key)
{
	union setting_value value;

	context->place.line = key->line;
	context->place.key = setting->name;
	if (section == SECTION_DEFAULTS && is_own_only(setting)) {
		diag_add(context->diags, SEVERITY_ERROR, &context->place,
		    "%s may not stand in [defaults]; write it in each "
		    "connector",
		    setting->name);
		return 0;
	}
	if (setting_parse(context, setting, &value, key->value) != 0)
		return -1;
	setting_store(setting, object, &value);
	return 0;
}

/* wrong, by row of the section's settings, may be NULL. */
static void
apply_section(const struct build *build, enum section_kind kind,
    const struct placed_section *section, void *object, bool *wrong)
{
	const struct setting *rows =
	    kind < SECTION_DEFAULTS ? schema_global : schema_connector;
	struct setting_context context;

	if (section->ini == NULL)
		return;
	context = context_at(build, section->file, section->ini->name, 0);
	for (size_t i = 0; i < section->ini->key_count; i++) {
		const struct ini_key *key = &section->ini->keys[i];
		const struct setting *setting = schema_find(kind, key->name);

		if (setting == NULL) {
			context.place.line = key->line;
			context.place.key = key->name;
			refuse_unknown(&context, kind, key->name);
			continue;
		}
		const int result =
		    apply_key(&context, kind, setting, object, key);
		if (wrong != NULL)
			wrong[setting - rows] = result != 0;
	}
}

/* Our own texts are right: only memory can fail here. */
static void
apply_text(const struct build *build, const struct setting *setting,
    void *object, const char *text)
{
	struct setting_context context =
	    context_at(build, build->config->path, NULL, 0);
	union setting_value value;

	context.place.key = setting->name;
	if (setting_parse(&context, setting, &value, text) == 0)
		setting_store(setting, object, &value);
}

void
build_globals(struct build *build)
{
	struct config *config = build->config;

	for (size_t i = 0; i < schema_global_count; i++)
		if (schema_global[i].section != SECTION_GROUP)
			apply_text(build, &schema_global[i], &config->global,
			    schema_global[i].initial);
	for (enum section_kind kind = 0; kind < SECTION_DEFAULTS; kind++) {
		if (kind != SECTION_GROUP)
			apply_section(build, kind, &config->globals[kind],
			    &config->global, config->global_wrong);
		if (kind == SECTION_MILTER)
			build_stamp_keys(build);
	}
	config->policy.organization = config->global.organization;
	config->policy.reply_style = config->global.reply_style;
	config->policy.identify_connector = config->global.identify_connector;
}

static void
build_group(struct build *build, const struct placed_section *section,
    struct login_group *group)
{
	struct group_settings settings = { .members = { NULL, 0 } };
	const char **members;

	apply_section(build, SECTION_GROUP, section, &settings, NULL);
	members = arena_alloc(
	    build->config->arena, settings.members.count, sizeof(*members));
	if (members == NULL) {
		build_no_memory(build);
		return;
	}
	for (size_t i = 0; i < settings.members.count; i++)
		members[i] = settings.members.items[i];
	if (settings.members.count > 0)
		qsort(members, settings.members.count, sizeof(*members),
		    login_compare);
	group->members = members;
	group->count = settings.members.count;
}

void
build_groups(struct build *build)
{
	struct config *config = build->config;
	const size_t count = config->groups.count;
	struct login_group *groups =
	    arena_alloc(config->arena, count, sizeof(*groups));

	if (groups == NULL) {
		build_no_memory(build);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		groups[i].name = config->groups.items[i].name;
		build_group(build, &config->groups.items[i], &groups[i]);
	}
	config->policy.groups = groups;
	config->policy.group_count = count;
}

static void
apply_preset(const struct build *build, struct connector_settings *settings)
{
	const bool has_directory = config_has_directory(build->config);

	for (size_t i = 0; i < preset_count; i++) {
		const struct preset *preset = &presets[i];
		const struct setting *setting;

		if (preset->usage != settings->usage ||
		    (preset->with_directory && !has_directory))
			continue;
		setting = schema_find(SECTION_CONNECTOR, preset->setting);
		apply_text(build, setting, settings, preset->value);
		settings->wrong[setting - schema_connector] = false;
	}
}

/* The preset is chosen by a setting of the section it prepares. */
static void
apply_usage(const struct build *build, const struct placed_section *section,
    struct connector_settings *settings)
{
	(void)section_usage(section, &settings->usage);
	apply_preset(build, settings);
}

/* Settings without a built-in value have to come from somewhere. */
static void
require_settings(const struct build *build,
    const struct placed_section *section,
    const struct connector_settings *settings)
{
	struct place place = section_place(section);
	char expected[SETTING_TYPE_TEXT_MAX];

	for (size_t i = 0; i < schema_connector_count; i++) {
		const struct setting *setting = &schema_connector[i];
		struct setting_list list;

		if (setting->initial != NULL || settings->wrong[i])
			continue;
		memcpy(&list, (const char *)settings + setting->offset,
		    sizeof(list));
		if (list.count > 0)
			continue;
		place.key = setting->name;
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "the setting is missing; expected: %s",
		    setting_type_text(expected, setting));
	}
}

static void
build_connector(const struct build *build, const struct placed_section *section,
    struct connector_settings *settings)
{
	struct config *config = build->config;

	settings->connector.name = section->name;
	apply_usage(build, section, settings);
	apply_section(
	    build, SECTION_CONNECTOR, section, settings, settings->wrong);
	if (section->sound)
		require_settings(build, section, settings);
	settings->connector.expired =
	    settings->expires != 0 && settings->expires < config->today;
	config->expires = config->expires || settings->expires != 0;
}

struct connector_settings *
build_connectors(struct build *build)
{
	const struct config *config = build->config;
	struct connector_settings base = { .usage = USAGE_CUSTOM };
	struct connector_settings *all =
	    calloc(config->connectors.count + 1, sizeof(*all));

	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < schema_connector_count; i++)
		if (schema_connector[i].initial != NULL)
			apply_text(build, &schema_connector[i], &base,
			    schema_connector[i].initial);
	apply_section(build, SECTION_DEFAULTS,
	    &config->globals[SECTION_DEFAULTS], &base, base.wrong);
	for (size_t i = 0; i < config->connectors.count; i++) {
		all[i] = base;
		build_connector(build, &config->connectors.items[i], &all[i]);
	}
	return all;
}
