/*
 * config.h - configuration files in, one constant configuration out.
 *
 * config_load reads the main file and the connector files it names, finds
 * every problem of every file in one run, and gives either a complete
 * configuration or none. Afterwards nothing in it changes; it may be read by
 * all threads and is freed by config_free as a whole. Loading is for one thread
 * at a time.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "connector.h"
#include "diag.h"
#include "setting.h"

struct sources;

/* The main file of both programs, unless a flag names another. */
#define CONFIG_DEFAULT_PATH SYSCONFDIR "/connector-milter/connector-milter.ini"

/* [milter]: what the process itself needs. */
struct milter_settings {
	const char *socket; /* libmilter's spelling, checked */
	unsigned socket_mode;
	const char *socket_group;   /* "": none */
	const char *user;           /* "user" or "user:group"; "": stay */
	const char *control_socket; /* path; "": none */
	long long max_sessions;
	long long max_tarpits;
	int syslog_facility; /* LOG_MAIL ... */
};

/* [protocol_log]; sizes in bytes, times in seconds, UNLIMITED is allowed. */
struct protocol_log_settings {
	const char *directory; /* "": none is written */
	long long max_file_size;
	long long max_directory_size;
	long long max_age;
	bool required; /* no mail while it cannot be written */
};

/* What back pressure looks at, in the order of its settings. */
enum resource {
	RESOURCE_DISK,         /* per mille of the queue's volume in use */
	RESOURCE_FREE_DISK,    /* bytes free there; little is bad */
	RESOURCE_MEMORY,       /* per mille in use */
	RESOURCE_QUEUE_LENGTH, /* messages */
};
#define RESOURCE_COUNT (RESOURCE_QUEUE_LENGTH + 1)

/* [back_pressure] */
struct pressure_settings {
	bool enabled;
	const char *queue_directory; /* "": none; disks are not looked at */
	struct thresholds thresholds[RESOURCE_COUNT]; /* in its units */
};

/* Where the value of a setting came from; what comes later here overrules. */
enum origin_kind {
	ORIGIN_BUILT_IN,
	ORIGIN_DEFAULTS, /* [defaults] */
	ORIGIN_PRESET,   /* usage */
	ORIGIN_OWN,
};

struct origin {
	enum origin_kind kind;
	const char *file; /* of DEFAULTS and OWN; of usage for PRESET */
	unsigned line;
	const char *value; /* the text the value was parsed from */
};

struct config;

/*
 * Loads the configuration whose main file is path. today is the local date as
 * yyyymmdd: connectors whose last valid day lies before it are expired.
 * Returns NULL when there was any error (or no memory); diags has the problems
 * of both kinds.
 */
struct config *config_load(
    const char *path, int today, struct diags *diags) NODISCARD;

/*
 * The same from a set of sources that holds the main file; takes sources, also
 * on failure.
 */
struct config *config_build(struct sources *sources, const char *path,
    int today, struct diags *diags) NODISCARD;

/*
 * The same configuration on another day, from the bytes it was loaded from:
 * no file is read. NULL only without memory.
 */
struct config *config_on_day(const struct config *config, int today) NODISCARD;

void config_free(struct config *config);

/*
 * The control_socket of the main file path, whatever else is wrong with the
 * configuration: for asking a running daemon about one that does not load.
 * Written to out, "" when there is none or it cannot be read.
 */
void config_find_control_socket(const char *path, char *out, size_t size);

const struct policy *config_policy(const struct config *config);
const struct milter_settings *config_milter(const struct config *config);
const struct protocol_log_settings *config_protocol_log(
    const struct config *config);
const struct pressure_settings *config_pressure(const struct config *config);

/* SHA-256 of all files, hex. */
const char *config_hash(const struct config *config);

/* The date it was built for, and whether any connector has a last day. */
int config_today(const struct config *config);
bool config_expires(const struct config *config);

/* Where connector number index got its setting from; name is canonical. */
struct origin config_origin(
    const struct config *config, size_t index, const char *setting);

/* The same for the settings of sections that stand once. */
struct origin config_global_origin(const struct config *config,
    enum section_kind section, const char *setting);

#endif
