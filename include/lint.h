/*
 * lint.h - what settings may not say together.
 *
 * Every value was right by itself; here the loader refuses, or warns of, what
 * two settings of a connector, two connectors, or two global settings cannot
 * mean together. A problem between two settings stands at a line where one of
 * them is written and names the other with its value and where that comes
 * from; one between connectors names the other connector. Adds problems to
 * diags. One thread at a time.
 */
#ifndef LINT_H
#define LINT_H

#include "schema.h"
#include "space.h"

/* What lint looks at; settings are those of the policy's connectors. */
struct lint {
	const struct config *config;
	const struct connector_settings *settings;
	bool looks; /* at folders: not on another day */
	struct diags *diags;
};

/* Checks each connector by itself. */
void lint_connectors(const struct lint *lint);

/* Checks the global sections. */
void lint_global(const struct lint *lint);

/* For space_build: a range that two connectors cannot share; arg is lint. */
void lint_conflict(const struct conflict *conflict, void *arg);

#endif
