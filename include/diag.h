/*
 * diag.h - the list of problems found in a configuration.
 *
 * Rooms that read configuration add a problem and go on, so that one run
 * reports all of them. A printed problem is one line:
 *
 *     FILE:LINE: error: [SECTION] KEY: what is wrong; what would be right
 *
 * Line 0 stands for the whole file. [SECTION] and KEY are left out where there
 * is none. Values inside the text were encoded by the caller (diag_quote).
 * Owns copies of all it is given. One thread at a time.
 */
#ifndef DIAG_H
#define DIAG_H

#include <stddef.h>
#include <stdio.h>

#include "compiler.h"

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

/* Where a problem is; every pointer may be NULL. Copied by diag_add. */
struct place {
	const char *file;
	unsigned line;
	const char *section; /* as written, without brackets */
	const char *key;     /* canonical spelling */
};

struct diags;

/* An empty list, or NULL without memory. Freed by diags_free. */
struct diags *diags_new(void) NODISCARD;
void diags_free(struct diags *diags);

/*
 * Adds one problem. Without memory the problem is counted as an error all
 * the same and diags_print says that some are missing.
 */
void diag_add(struct diags *diags, enum severity severity,
    const struct place *place, const char *fmt, ...) PRINTF_LIKE(4, 5);

size_t diags_count(const struct diags *diags, enum severity severity);

/*
 * Writes every problem to out, one per line, sorted by file and line; equal
 * places keep the order of adding, equal lines are written once.
 */
void diags_print(const struct diags *diags, FILE *out);

/* The buffer a quoted value needs at most. */
#define DIAG_QUOTE_MAX 160

/*
 * 'value' in single quotes, encoded, long ones cut in the middle with "...":
 * for use inside a problem's text. Returns buf.
 */
const char *diag_quote(char buf[DIAG_QUOTE_MAX], const char *value);

#endif
