/*
 * lint_parts.h - what the files of the lint room share.
 *
 * lint.c says where a problem stands and in which words, lint_check.c has the
 * checks between two settings, lint_relay.c who may relay without a login and
 * how wide a list of addresses may be, lint_global.c the sections that stand
 * once, lint_pressure.c [back_pressure]. No other room includes this. One
 * thread at a time.
 */
#ifndef LINT_PARTS_H
#define LINT_PARTS_H

#include "config_parts.h"
#include "lint.h"

/* The place of a setting of connector number index. */
struct place lint_place(const struct lint *lint, size_t index,
    const char *setting, const struct origin *origin);

/*
 * Adds "SENTENCE; OTHER is 'VALUE' (SOURCE)". Of what nobody wrote, and is
 * empty, there is nothing to quote: then the sentence has to name other.
 */
void lint_report_pair(const struct lint *lint, enum severity severity,
    const struct place *place, const char *sentence, const char *other,
    const struct origin *origin);

/*
 * Do we have the values of both settings of connector number index? Not when a
 * line was lost, or when they, or its usage, could not be parsed. NULL is had.
 */
bool lint_can_judge(const struct lint *lint, size_t index, const char *first,
    const char *second);

/* Was a value written that could not be parsed? The built-in one stands. */
bool lint_global_lost(
    const struct lint *lint, enum section_kind section, const char *setting);

/* Where a setting of a section that stands once is written, or nowhere. */
struct place lint_global_place(
    const struct lint *lint, enum section_kind section, const char *key);

/*
 * The same as lint_report_pair between two settings of such a section: at the
 * first that is written, one of them is.
 */
void lint_report_global(const struct lint *lint, enum severity severity,
    enum section_kind section, const char *const keys[2], const char *sentence);

/* What mail is deferred for when the machine is low on something. */
void lint_pressure(const struct lint *lint);

/* What a setting of a connector cannot mean, by itself or beside another. */
struct lint_check {
	enum severity severity;
	const char *first;
	const char *second;      /* NULL: the first alone */
	enum section_kind where; /* of the second */
	bool own_only; /* only where the connector itself says first */
	bool (*wrong)(
	    const struct lint *lint, const struct connector_settings *settings);
	const char *sentence;
	const char *also[2]; /* further settings of the connector it asks */
};
extern const struct lint_check lint_checks[];
extern const size_t lint_check_count;

/* Who may relay at connector number index, and what stands in the way. */
void lint_relay(const struct lint *lint, size_t index);

/* Which literals are taken as ours. */
void lint_own_hosts(const struct lint *lint);

#endif
