/*
 * schema.h - every setting there is, one row each.
 *
 * Adding a setting is a row here and, once a rule reads it, a field. The
 * structs are what the rows of a section fill; what neither a rule nor a check
 * reads has no field. Constant; any thread.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "config.h"
#include "setting.h"

/* The sections that stand once in the main file. */
struct global_settings {
	struct milter_settings milter;
	struct organization organization;
	enum reply_style reply_style;
	bool identify_connector;
	const char *stamp_prefix;
	const char *stamp_key_file; /* "": none */
	struct strings connectors;  /* files and folders */
	const char *directory_recipients;
	struct protocol_log_settings protocol_log;
	struct pressure_settings back_pressure;
};

/* [group NAME] */
struct group_settings {
	struct strings members;
};

/* At least schema_global_count and schema_connector_count. */
#define SCHEMA_GLOBAL_MAX 64
#define SCHEMA_CONNECTOR_MAX 128

/* [connector NAME]: the connector, and what else its checks look at. */
struct connector_settings {
	struct connector connector;
	int expires; /* last valid day, yyyymmdd; 0: none */
	unsigned usage;
	bool binary_mime_enabled;
	bool chunking_enabled;
	/* By row: its value could not be parsed, so there is none. */
	bool wrong[SCHEMA_CONNECTOR_MAX];
};

/* The rows, by section in the order of the manual. */
extern const struct setting schema_global[];
extern const size_t schema_global_count;
extern const struct setting schema_connector[];
extern const size_t schema_connector_count;

/* What stands in brackets. */
struct section_row {
	enum section_kind kind;
	const char *word;
	bool named;    /* [word NAME] */
	bool anywhere; /* not only in the main file */
	const char *help;
};
extern const struct section_row schema_sections[];
extern const size_t schema_section_count;

/* The setting called name in a section, in any spelling, or NULL. */
const struct setting *schema_find(enum section_kind section, const char *name);

/* "milter", "connector", ...: the first word of a section's name. */
const char *section_word(enum section_kind kind);

/* The section whose first word is word, in any spelling, or NULL. */
const struct section_row *schema_section(const char *word);

/* For iterating over all rows: global ones first, then connector's. */
size_t schema_count(void);
const struct setting *schema_at(size_t index);

#endif
