/*
 * lint_pressure.c - checks of [back_pressure]: what is to be watched is there.
 */
#include "lint_parts.h"

#include <errno.h>
#include <string.h>

#include "queue.h"

#define HERE SECTION_BACK_PRESSURE

static const struct pressure_settings *
settings_of(const struct lint *lint)
{
	return &lint->config->global.back_pressure;
}

static bool
has_queue(const struct pressure_settings *settings)
{
	/* Without memory it is NULL. */
	return settings->queue_directory != NULL &&
	    settings->queue_directory[0] != '\0';
}

/* Back pressure that somebody asked for and will never come. */
static void
check_without_queue(const struct lint *lint)
{
	static const struct {
		enum resource resource;
		enum severity severity;
		const char *keys[2];
		const char *sentence;
	} checks[] = {
		{ RESOURCE_DISK, SEVERITY_WARNING,
		    { "disk", "queue_directory" },
		    "disk does nothing without queue_directory" },
		{ RESOURCE_FREE_DISK, SEVERITY_WARNING,
		    { "free_disk", "queue_directory" },
		    "free_disk does nothing without queue_directory" },
		{ RESOURCE_QUEUE_LENGTH, SEVERITY_ERROR,
		    { "queue_length", "queue_directory" },
		    "queue_length needs queue_directory" },
	};

	for (size_t i = 0; i < nitems(checks); i++) {
		const char *key = checks[i].keys[0];
		const struct origin origin =
		    config_global_origin(lint->config, HERE, key);

		if (origin.kind != ORIGIN_BUILT_IN &&
		    settings_of(lint)->thresholds[checks[i].resource].set &&
		    !lint_global_lost(lint, HERE, key))
			lint_report_global(lint, checks[i].severity, HERE,
			    checks[i].keys, checks[i].sentence);
	}
}

/* error is an errno, or 0 for what is no folder. */
static void
refuse_folder(const struct lint *lint, int error)
{
	const struct place place =
	    lint_global_place(lint, HERE, "queue_directory");
	char quoted[DIAG_QUOTE_MAX];

	diag_add(lint->diags, SEVERITY_ERROR, &place,
	    "%s %s%s; name the folder of the MTA's queue",
	    diag_quote(quoted, settings_of(lint)->queue_directory),
	    error != 0 ? "cannot be looked at: " : "is no folder",
	    error != 0 ? strerror(error) : "");
}

static void
refuse_queue(const struct lint *lint, int error)
{
	const struct place place =
	    lint_global_place(lint, HERE, "queue_length");
	char quoted[DIAG_QUOTE_MAX];

	diag_add(lint->diags, SEVERITY_ERROR, &place,
	    "the queue %s cannot be read: %s; let the milter's user read it, "
	    "or leave queue_length empty",
	    diag_quote(quoted, settings_of(lint)->queue_directory),
	    strerror(error));
}

/* No reason to refuse all the rest: mail is deferred for as long. */
static void
warn_of_silence(const struct lint *lint)
{
	const struct place place =
	    lint_global_place(lint, HERE, "queue_directory");
	char quoted[DIAG_QUOTE_MAX];

	diag_add(lint->diags, SEVERITY_WARNING, &place,
	    "%s does not answer; mail is deferred until it does",
	    diag_quote(quoted, settings_of(lint)->queue_directory));
}

static void
check_queue(const struct lint *lint)
{
	const struct pressure_settings *settings = settings_of(lint);
	const struct thresholds *borders =
	    &settings->thresholds[RESOURCE_QUEUE_LENGTH];

	switch (queue_look(
	    settings->queue_directory, borders->set ? borders->to_high : 0)) {
	case QUEUE_READABLE:
		break;
	case QUEUE_NO_FOLDER:
		refuse_folder(lint, errno);
		break;
	case QUEUE_UNREADABLE:
		refuse_queue(lint, errno);
		break;
	case QUEUE_MUTE:
		warn_of_silence(lint);
		break;
	}
}

void
lint_pressure(const struct lint *lint)
{
	const struct pressure_settings *settings = settings_of(lint);

	if (!settings->enabled || !lint->config->globals[HERE].sound ||
	    lint_global_lost(lint, HERE, "queue_directory"))
		return;
	if (!has_queue(settings))
		check_without_queue(lint);
	else if (lint->looks)
		check_queue(lint);
}
