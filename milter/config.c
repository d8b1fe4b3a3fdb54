/*
 * config.c - loads a configuration and keeps it.
 */
#include "config_parts.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "lint.h"
#include "text.h"

static void
shared_release(struct shared_sources *shared)
{
	if (shared == NULL || atomic_fetch_sub(&shared->holders, 1) > 1)
		return;
	linked_free(shared);
	sources_free(shared->sources);
	free(shared);
}

/* Takes sources, also on failure. */
static struct shared_sources *
shared_new(struct sources *sources)
{
	struct shared_sources *shared = calloc(1, sizeof(*shared));

	if (shared == NULL) {
		sources_free(sources);
		return NULL;
	}
	atomic_init(&shared->holders, 1);
	shared->sources = sources;
	return shared;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	free(config->files.paths);
	free(config->groups.items);
	free(config->connectors.items);
	arena_free(config->arena);
	shared_release(config->shared);
	free(config);
}

/* Takes one hold on shared, also on failure. */
static struct config *
config_new(struct shared_sources *shared, const char *path, int today)
{
	struct config *config = calloc(1, sizeof(*config));

	if (config == NULL) {
		shared_release(shared);
		return NULL;
	}
	config->shared = shared;
	config->today = today;
	config->arena = arena_new();
	if (config->arena != NULL)
		config->path = arena_strdup(config->arena, path);
	if (config->path == NULL) {
		config_free(config);
		return NULL;
	}
	return config;
}

/* Reads all files and fills everything but the connectors. */
static void
read_files(struct build *build, const struct path_list *files)
{
	build_read(build, build->config->path, NULL);
	build->main_sound = build->sound;
	build_globals(build);
	build_groups(build);
	if (files != NULL)
		build_same_files(build, files);
	else
		build_find_files(build);
}

static void
require_connectors(const struct build *build)
{
	const struct place place = { .file = build->config->path };

	if (build->sound && build->config->connectors.count == 0)
		diag_add(build->diags, SEVERITY_ERROR, &place,
		    "no connector in any file, so nobody would be served; add "
		    "a section [connector NAME]");
}

struct named_section {
	const struct placed_section *section;
	size_t number;
};

static int
by_name(const void *left, const void *right)
{
	const struct named_section *a = left, *b = right;
	const int order = text_casecmp(a->section->name, b->section->name);

	return order != 0 ? order
			  : (a->number > b->number) - (a->number < b->number);
}

/* Names within one file were compared when it was parsed. */
static void
check_names(struct build *build)
{
	const struct section_list *list = &build->config->connectors;
	struct named_section *names = calloc(list->count + 1, sizeof(*names));
	const struct placed_section *first = NULL;

	if (names == NULL) {
		build_no_memory(build);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		names[i] = (struct named_section){ &list->items[i], i };
	qsort(names, list->count, sizeof(*names), by_name);
	for (size_t i = 0; i < list->count; i++) {
		const struct placed_section *section = names[i].section;
		const struct place place = section_place(section);

		if (first == NULL ||
		    text_casecmp(first->name, section->name) != 0)
			first = section;
		else if (first->file != section->file)
			diag_add(build->diags, SEVERITY_ERROR, &place,
			    "this name is taken at %s:%u; names differ in "
			    "more than case",
			    first->file, first->ini->line);
	}
	free(names);
}

/* The connectors as rules read them, and who is served where. */
static int
build_policy(struct build *build, struct lint *lint)
{
	struct config *config = build->config;
	const size_t count = config->connectors.count;
	struct connector *connectors =
	    arena_alloc(config->arena, count, sizeof(*connectors));

	if (connectors == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		connectors[i] = lint->settings[i].connector;
	config->policy.connectors = connectors;
	config->policy.connector_count = count;
	config->policy.space =
	    space_build(config->arena, connectors, count, lint_conflict, lint);
	return config->policy.space != NULL ? 0 : -1;
}

static void
build_all(struct build *build, const struct path_list *files)
{
	struct lint lint = { .config = build->config,
		.looks = files == NULL,
		.diags = build->diags };
	struct connector_settings *settings;

	/* Also for a directory that only a later configuration has. */
	(void)directory_prepare();
	read_files(build, files);
	require_connectors(build);
	check_names(build);
	settings = build_connectors(build);
	build_linked(build);
	lint.settings = settings;
	if (settings == NULL || build_policy(build, &lint) != 0) {
		build_no_memory(build);
	} else {
		lint_global(&lint);
		lint_connectors(&lint);
	}
	free(settings);
}

/* Takes one hold on shared. files NULL: look for them. */
static struct config *
config_make(struct shared_sources *shared, const char *path, int today,
    const struct path_list *files, struct diags *diags)
{
	const size_t before = diags_count(diags, SEVERITY_ERROR);
	struct config *config = config_new(shared, path, today);
	struct build build = { .config = config,
		.diags = diags,
		.sound = true,
		.main_sound = true };

	if (config == NULL) {
		diag_add(diags, SEVERITY_ERROR, NULL, "out of memory");
		return NULL;
	}
	build.sources = shared->sources;
	build_all(&build, files);
	if (diags_count(diags, SEVERITY_ERROR) == before &&
	    sources_hash(build.sources, config->hash) != 0)
		build_no_memory(&build);
	if (diags_count(diags, SEVERITY_ERROR) != before) {
		config_free(config);
		return NULL;
	}
	sources_seal(build.sources);
	return config;
}

struct config *
config_build(
    struct sources *sources, const char *path, int today, struct diags *diags)
{
	struct shared_sources *shared = shared_new(sources);

	if (shared == NULL) {
		diag_add(diags, SEVERITY_ERROR, NULL, "out of memory");
		return NULL;
	}
	return config_make(shared, path, today, NULL, diags);
}

struct config *
config_load(const char *path, int today, struct diags *diags)
{
	struct sources *sources = sources_new();

	if (sources == NULL) {
		diag_add(diags, SEVERITY_ERROR, NULL, "out of memory");
		return NULL;
	}
	return config_build(sources, path, today, diags);
}

struct config *
config_on_day(const struct config *config, int today)
{
	struct diags *diags = diags_new();
	struct config *other;

	if (diags == NULL)
		return NULL;
	atomic_fetch_add(&config->shared->holders, 1);
	other = config_make(
	    config->shared, config->path, today, &config->files, diags);
	diags_free(diags);
	return other;
}

const struct policy *
config_policy(const struct config *config)
{
	return &config->policy;
}

const struct milter_settings *
config_milter(const struct config *config)
{
	return &config->global.milter;
}

const struct protocol_log_settings *
config_protocol_log(const struct config *config)
{
	return &config->global.protocol_log;
}

const struct pressure_settings *
config_pressure(const struct config *config)
{
	return &config->global.back_pressure;
}

const char *
config_hash(const struct config *config)
{
	return config->hash;
}

int
config_today(const struct config *config)
{
	return config->today;
}

bool
config_expires(const struct config *config)
{
	return config->expires;
}
