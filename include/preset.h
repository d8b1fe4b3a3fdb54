/*
 * preset.h - usage presets: what kind of peer a connector is for.
 *
 * A preset sets defaults for one connector, after [defaults] and before the
 * connector's own settings; never bindings or ranges (Exchange's Usage of
 * New-ReceiveConnector). Constant; any thread.
 */
#ifndef PRESET_H
#define PRESET_H

#include "setting.h"

#define USAGE_CUSTOM 0

/* The values of the setting usage. */
extern const struct choice preset_usages[];

struct preset {
	unsigned usage;
	const char *setting; /* canonical name */
	const char *value;
	bool with_directory; /* only when a directory is configured */
};

extern const struct preset presets[];
extern const size_t preset_count;

/* What usage says about setting; NULL: nothing. */
const char *preset_value(
    unsigned usage, const char *setting, bool has_directory);

#endif
