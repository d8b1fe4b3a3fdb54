/*
 * config_parts.h - what the files of the configuration room share.
 *
 * config_files.c finds the files and their sections, config_build.c makes
 * structs of sections, config_linked.c loads what settings name as a whole
 * file, config_origin.c tells where a value was written, config_peek.c reads
 * one of a configuration that may be broken, config.c puts all together and
 * keeps it. Only they and lint include this. While building one thread,
 * afterwards constant.
 */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include <stdatomic.h>

#include "arena.h"
#include "config.h"
#include "digest.h"
#include "ini.h"
#include "schema.h"

/* A section where it stands. */
struct placed_section {
	const char *file;
	const struct ini_section *ini; /* NULL: there is none */
	const char *name;              /* what stands behind the first word */
	bool sound; /* no line of its file, or of the main file, was lost */
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

/* One set of bytes, and what it was loaded to, serves several days. */
struct shared_sources {
	atomic_uint holders;
	struct sources *sources;
	bool linked; /* the rest is loaded */
	struct directory *directory;
	struct stamp_keys *stamp_keys;
};

struct config {
	struct arena *arena;
	struct shared_sources *shared;
	const char *path;
	int today;
	bool expires;
	char hash[DIGEST_HEX_MAX];
	struct global_settings global;
	/* By row: its value could not be parsed; the built-in one stands. */
	bool global_wrong[SCHEMA_GLOBAL_MAX];
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

/* The same from the connector files that another configuration found. */
void build_same_files(struct build *build, const struct path_list *files);

/* Fills config->globals' structs. */
void build_globals(struct build *build);

/* Fills policy.groups. */
void build_groups(struct build *build);

/*
 * Loads the stamp keys, unless another day has. Before every other file is
 * read: whoever names the key for something else would show it in a problem.
 */
void build_stamp_keys(struct build *build);

/*
 * Loads the directory, unless another day has, and fills policy with it and
 * the stamp keys. After every other file is read: one that is named twice is
 * still there then.
 */
void build_linked(struct build *build);

/* Frees what build_linked loaded. */
void linked_free(struct shared_sources *shared);

/*
 * One struct per section of config->connectors, on the heap; NULL without
 * memory.
 */
struct connector_settings *build_connectors(struct build *build) NODISCARD;

/* Where a section begins; there must be one. */
struct place section_place(const struct placed_section *section);

/* The key by which a section names a known usage, and that; or NULL. */
const struct ini_key *section_usage(
    const struct placed_section *section, unsigned *usage);

/* The key of a section that sets a setting, or NULL. */
const struct ini_key *section_key(
    const struct ini_section *section, const char *setting);

/* Do both lead to one file, as far as can be told without looking? */
bool config_same_path(const char *a, const char *b);

/* Is a directory configured? Some presets ask. */
bool config_has_directory(const struct config *config);

#endif
