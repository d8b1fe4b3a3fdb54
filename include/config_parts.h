/*
 * config_parts.h - what the files of the configuration room share.
 *
 * config_files.c finds the files and their sections, config_build.c makes
 * structs of sections, config.c puts both together and answers questions.
 * Only they and lint include this.
 */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include "arena.h"
#include "config.h"
#include "ini.h"
#include "schema.h"

/* A section where it stands. */
struct placed_section {
	const char *file;
	const struct ini_section *ini; /* NULL: there is none */
	const char *name;              /* what stands behind the first word */
	bool sound; /* no line of the file, or the main file, was lost */
};

/* On the heap. */
struct section_list {
	struct placed_section *items;
	size_t count;
	size_t room;
};

struct path_list {
	const char **paths;
	size_t count;
	size_t room;
};

struct shared_sources;

struct config {
	struct arena *arena;
	struct shared_sources *shared;
	const char *path;
	int today;
	bool expires;
	char hash[65];
	struct global_settings global;
	struct policy policy;
	struct path_list files; /* other than the main file */
	struct placed_section globals[SECTION_DEFAULTS + 1];
	struct section_list groups;
	struct section_list connectors; /* as in policy.connectors */
};

/* A configuration in the making. */
struct build {
	struct config *config;
	struct sources *sources;
	struct diags *diags;
	bool sound;      /* no line and no section was lost */
	bool main_sound; /* the main file could */
};

/* Adds "out of memory" and returns -1. */
int build_no_memory(struct build *build);

/*
 * Adds the sections of the file at path to the configuration, or problems.
 * place names who wants the file, NULL for itself.
 */
void build_read(
    struct build *build, const char *path, const struct place *place);

/* Fills config->files from the setting connectors. */
void build_find_files(struct build *build);

/* Fills config->globals' structs. */
void build_globals(struct build *build);

/* Fills policy.groups. */
void build_groups(struct build *build);

/*
 * One struct per section of config->connectors, on the heap; NULL without
 * memory.
 */
struct connector_settings *build_connectors(struct build *build) NODISCARD;

/* The key of a section that sets a setting, or NULL. */
const struct ini_key *section_key(
    const struct placed_section *section, const char *setting);

/* config_origin for the settings of sections that stand once. */
struct origin config_global_origin(const struct config *config,
    enum section_kind section, const char *setting);

#endif
