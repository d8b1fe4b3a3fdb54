/*
 * ini.h - one INI file as sections and keys, each with its line.
 *
 * The only room that knows iniparser. A strict pre-scan of the very bytes that
 * iniparser is then given (a private copy in memory) finds what iniparser
 * would swallow in silence: duplicate keys and sections, a ';' or '#' inside a
 * value, over-long lines, continuation lines, torn last lines, bad bytes, a
 * BOM, keys outside a section, broken section headers and quotes. It also
 * knows the line of everything. Which names may stand in a file is not this
 * room's business. One thread at a time (iniparser's error callback is global).
 */
#ifndef INI_H
#define INI_H

#include <stdbool.h>

#include "arena.h"
#include "sources.h"

/* iniparser's line buffer; longer lists belong in an @file. */
#define INI_LINE_MAX 1022

/* Of one file: iniparser's time grows with the square of what is in it. */
#define INI_SECTIONS_MAX 4096
#define INI_KEYS_MAX 65536

struct ini_key {
	const char *name;  /* as written */
	const char *value; /* quotes removed; "" when empty */
	unsigned line;
};

struct ini_section {
	const char *name; /* as written, blanks around and inside folded */
	unsigned line;
	struct ini_key *keys;
	size_t key_count;
};

struct ini {
	const char *path;
	struct ini_section *sections;
	size_t section_count;
};

/*
 * Parses the bytes of source into arena. Adds every problem it finds to diags
 * and then returns NULL; also NULL, and a problem, without memory. For
 * duplicates key names compare by text_same_name, and so does the first word of
 * a section's name; the rest of it, a name somebody chose, without case only.
 */
struct ini *ini_parse(struct arena *arena, const struct source *source,
    struct diags *diags) NODISCARD;

/*
 * The same, but with problems it gives what could be understood in spite of
 * them, so that the values there can be judged in the same run; *whole is
 * false when a section or setting was lost by that. NULL only when nothing is
 * left.
 */
struct ini *ini_parse_partly(struct arena *arena, const struct source *source,
    struct diags *diags, bool *whole) NODISCARD;

#endif
