/*
 * explain_parts.h - what the files of the explain room share.
 *
 * explain.c plays the session, explain_print.c shows the answer to people and
 * explain_json.c to scripts. No other room includes this. One thread.
 */
#ifndef EXPLAIN_PARTS_H
#define EXPLAIN_PARTS_H

#include "explain.h"

/* The range that was found, as written; NULL: none. */
const char *explained_range(const struct explanation *explanation);

/* Why connector number index was chosen or not, as space_candidacy. */
enum candidacy explained_candidacy(const struct explanation *explanation,
    size_t index, const struct range **range);

/* Every connector of the configuration. */
const struct policy *explained_policy(const struct explanation *explanation);

#endif
