/*
 * config_linked.c - the files that settings name whole: the directory and the
 * keys of the stamp.
 */
#include "config_parts.h"

#include <string.h>

#include "directory.h"
#include "sources.h"
#include "stamp.h"

typedef const struct source *source_reader(struct sources *sources,
    const char *path, struct diags *diags, const struct place *place);

/* The file that a setting names, beside the main file; NULL: none, or wrong. */
static const struct source *
read_linked(struct build *build, enum section_kind section, const char *key,
    const char *value, source_reader *read)
{
	const struct config *config = build->config;
	const struct origin origin = config_global_origin(config, section, key);
	const struct place place = { .file = config->path,
		.line = origin.line,
		.section = section_word(section),
		.key = key };
	const char *path;

	if (value == NULL || value[0] == '\0')
		return NULL;
	path = setting_path_beside(
	    config->arena, config->path, value, strlen(value));
	if (path == NULL) {
		build_no_memory(build);
		return NULL;
	}
	return (*read)(build->sources, path, build->diags, &place);
}

/*
 * A name without a domain is delivered in one of our own, and which one is the
 * MTA's secret. Other days have the same domains: those of the same bytes.
 */
static void
link_directory(struct build *build)
{
	const struct organization *organization =
	    &build->config->policy.organization;
	const struct domain_set *const ours[] = {
		&organization->accepted_domains,
		&organization->internal_relay_domains,
	};

	if (directory_link(
		build->config->shared->directory, ours, nitems(ours)) != 0)
		build_no_memory(build);
}

static void
load_directory(struct build *build)
{
	struct shared_sources *shared = build->config->shared;
	const struct source *source =
	    read_linked(build, SECTION_DIRECTORY, "recipients",
		build->config->global.directory_recipients, sources_read_large);

	if (source == NULL)
		return;
	shared->directory = directory_load(
	    source->path, source->bytes, source->len, build->diags);
	sources_release(build->sources, source);
	link_directory(build);
}

void
build_stamp_keys(struct build *build)
{
	struct shared_sources *shared = build->config->shared;
	const struct source *source;

	if (shared->linked)
		return;
	source = read_linked(build, SECTION_MILTER, "stamp_key_file",
	    build->config->global.stamp_key_file, sources_read_secret);

	if (source == NULL)
		return;
	shared->stamp_keys = stamp_keys_parse(
	    source->path, source->bytes, source->len, build->diags);
	sources_release(build->sources, source);
}

void
build_linked(struct build *build)
{
	struct config *config = build->config;
	struct shared_sources *shared = config->shared;

	if (!shared->linked) {
		load_directory(build);
		shared->linked = true;
	}
	config->policy.directory = shared->directory;
	config->policy.stamp_keys = shared->stamp_keys;
	config->policy.stamp_prefix = config->global.stamp_prefix;
}

void
linked_free(struct shared_sources *shared)
{
	directory_free(shared->directory);
	stamp_keys_free(shared->stamp_keys);
}
