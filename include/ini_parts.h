/*
 * ini_parts.h - what the files of the INI room share: the scan.
 *
 * ini_scan.c reads bytes, lines and grammar, ini_keep.c keeps sections, keys
 * and problems and finds duplicates, ini.c has iniparser read the same bytes
 * and compares. No other room includes this. Problems stand at scan->place.
 * Without memory the scan stops with a problem. One thread at a time.
 */
#ifndef INI_PARTS_H
#define INI_PARTS_H

#include <stdbool.h>
#include <string.h>

#include "ini.h"
#include "text.h"

/* Text that is not terminated, a part of the file. */
struct span {
	const char *s;
	size_t len;
};

/* A section, or a key, in the order of the file. */
struct ini_entry {
	const char *stored; /* its name in iniparser's dictionary */
	const char *folded; /* equal for names that mean the same */
	size_t scope;       /* 0: sections; n: keys of the nth section */
	unsigned line;
	struct ini_section *section;
	struct ini_key *key; /* NULL: a section */
};

struct ini_scan {
	struct arena *arena;   /* what the caller keeps */
	struct arena *scratch; /* what only the scan needs */
	struct diags *diags;
	struct place place;
	size_t problems;
	bool stop;      /* the rest of the file is not looked at */
	bool lost_line; /* a section or setting could not be kept */
	bool scarce;    /* memory failed while iniparser read it */

	struct ini *ini;
	struct ini_key *keys; /* of all sections */
	size_t key_count;
	struct ini_entry *entries;
	size_t entry_count;
	const char *prefix; /* stored name of the section the keys are for */

	/* NULL before the first; &lost below a header that is broken. */
	struct ini_section *section;
	struct ini_section lost;
};

/* Room for what bytes can hold at most. 0, or -1 without memory. */
int ini_prepare(struct ini_scan *scan, struct span bytes) NODISCARD;

/* Reads all lines: every problem but the duplicates, every section and key. */
void ini_scan_bytes(struct ini_scan *scan, struct span bytes);

/* Keeps a section, or a key of it, at scan->place; all text is trimmed. */
void ini_keep_section(struct ini_scan *scan, struct span name);
void ini_keep_key(struct ini_scan *scan, struct span name, struct span value);

/* Reports what stands twice, at the later line. */
void ini_find_duplicates(struct ini_scan *scan);

void ini_problem(struct ini_scan *scan, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ini_no_memory(struct ini_scan *scan);
void ini_set_place(struct ini_scan *scan, const struct ini_entry *entry);

/* A terminated copy for the time of the scan, "" without memory. */
char *ini_copy(struct ini_scan *scan, struct span span);

/* Without the blanks at either end. */
static inline struct span
span_trim(struct span span)
{
	while (span.len > 0 && text_is_blank(span.s[0])) {
		span.s++;
		span.len--;
	}
	while (span.len > 0 && text_is_blank(span.s[span.len - 1]))
		span.len--;
	return span;
}

/* What stands before, and behind, the byte at pos. */
static inline struct span
span_before(struct span span, const char *pos)
{
	return (struct span){ span.s, (size_t)(pos - span.s) };
}

static inline struct span
span_behind(struct span span, const char *pos)
{
	return (struct span){ pos + 1, span.len - (size_t)(pos + 1 - span.s) };
}

/* The first byte like c, or NULL. */
static inline const char *
span_find(struct span span, char c)
{
	return span.len > 0 ? memchr(span.s, c, span.len) : NULL;
}

#endif
