/*
 * setting.h - one setting: its row in the schema, and the types of values.
 *
 * A row says everything there is to know about a setting; the parser, every
 * error text, the help and the manuals come from it. The engine here parses a
 * value of any type into a union, says what a type looks like, and knows what
 * a list is: items separated by commas or white space, of which "@FILE" stands
 * for the lines of a file beside the one it is named in ("#" begins a comment
 * there). Problems go to the context's diags, at its place or at the line of
 * the @FILE, and parsing goes on. What a value points to is in the context's
 * arena, and rows are constant. One thread at a time.
 */
#ifndef SETTING_H
#define SETTING_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "connector.h"
#include "diag.h"

enum section_kind {
	SECTION_MILTER,
	SECTION_ORGANIZATION,
	SECTION_DIRECTORY,
	SECTION_GROUP,
	SECTION_PROTOCOL_LOG,
	SECTION_BACK_PRESSURE,
	SECTION_DEFAULTS, /* takes the settings of SECTION_CONNECTOR */
	SECTION_CONNECTOR,
};

enum enforcement {
	ENFORCED_HERE,
	ENFORCED_BY_MTA, /* checked here, obeyed there */
};

enum setting_type {
	SETTING_BOOL,
	SETTING_COUNT,
	SETTING_SIZE,
	SETTING_TIME,
	SETTING_MODE,
	SETTING_CHOICE,
	SETTING_FLAGS,
	SETTING_DATE,
	SETTING_TEXT,
	SETTING_DOMAIN, /* canonical, no wildcard; "": none */
	SETTING_THRESHOLDS,
	/* lists */
	SETTING_STRINGS,
	SETTING_BINDINGS,
	SETTING_RANGES,
	SETTING_PRINCIPALS,
	SETTING_MAILBOXES,
	SETTING_DOMAINS,
	SETTING_SERVERS,
	SETTING_CAPABILITIES,
	SETTING_EXEMPTIONS,
};
#define SETTING_TYPE_COUNT (SETTING_EXEMPTIONS + 1)

struct strings {
	const char *const *items;
	size_t count;
};

/* The shape that every list of ours has. */
struct setting_list {
	const void *items;
	size_t count;
};

/*
 * Four borders of a resource that is filling up, or running out: where its
 * level rises and where it falls back. Per cents are held in per mille.
 */
struct thresholds {
	bool set; /* else the resource is not looked at */
	long long to_medium;
	long long to_high;
	long long from_high;
	long long from_medium;
};

/* What the numbers of THRESHOLDS are. */
enum threshold_unit {
	THRESHOLD_PERCENT,    /* rising; "89" or "89.5", with or without % */
	THRESHOLD_BYTES_FREE, /* falling: the level rises as the number sinks */
	THRESHOLD_COUNT,      /* rising */
};

union setting_value {
	bool boolean;
	long long number; /* COUNT, SIZE in bytes, TIME in seconds */
	unsigned choice;  /* CHOICE, FLAGS, MODE */
	int date;         /* yyyymmdd; 0: none */
	const char *text; /* TEXT, DOMAIN */
	struct thresholds thresholds;
	struct setting_list list;
};

/* "unlimited". */
#define SETTING_UNLIMITED UNLIMITED

/* What a CHOICE or FLAGS may be. The last row has no name. */
struct choice {
	const char *name;
	unsigned value;
};

struct text;

struct setting {
	enum section_kind section;
	const char *name;
	enum setting_type type;
	enum enforcement enforcement;
	size_t offset;      /* in the section's struct, or SETTING_NOWHERE */
	long long min, max; /* COUNT, SIZE, TIME, MODE */
	bool may_be_unlimited;
	bool needs_item; /* a list that must not be empty */
	const struct choice *choices;
	enum threshold_unit unit; /* of THRESHOLDS */
	/*
	 * Of TEXT, DOMAIN, and of each item of STRINGS and DOMAINS; says in why
	 * what is wrong.
	 */
	bool (*check)(const char *value, struct text *why);
	const char *form; /* what it looks like, when the type does not say */
	const char *initial; /* built-in value; NULL: has to be written */
	const char *help;
	const char *exchange; /* Exchange's name for it; NULL: ours alone */
};

#define SETTING_NOWHERE ((size_t)-1)

/*
 * The type and offset of a row, which refuse a field of another C type when
 * compiled: FIELD(BOOL, connector_settings, connector.enabled).
 */
#define SETTING_IS_BOOL(offset) bool : (offset)
#define SETTING_IS_COUNT(offset) long long : (offset)
#define SETTING_IS_SIZE(offset) long long : (offset)
#define SETTING_IS_TIME(offset) long long : (offset)
#define SETTING_IS_MODE(offset) unsigned : (offset)
#define SETTING_IS_CHOICE(offset) unsigned : (offset), int : (offset)
#define SETTING_IS_FLAGS(offset) unsigned : (offset)
#define SETTING_IS_DATE(offset) int : (offset)
#define SETTING_IS_TEXT(offset) const char * : (offset)
#define SETTING_IS_DOMAIN(offset) const char * : (offset)
#define SETTING_IS_THRESHOLDS(offset) struct thresholds : (offset)
#define SETTING_IS_STRINGS(offset) \
	struct strings : (offset), struct field_prefixes : (offset)
#define SETTING_IS_BINDINGS(offset) struct bindings : (offset)
#define SETTING_IS_RANGES(offset) struct addrset : (offset)
#define SETTING_IS_PRINCIPALS(offset) struct principals : (offset)
#define SETTING_IS_MAILBOXES(offset) struct mailbox_patterns : (offset)
#define SETTING_IS_DOMAINS(offset) struct domain_set : (offset)
#define SETTING_IS_SERVERS(offset) struct server_identities : (offset)
#define SETTING_IS_CAPABILITIES(offset) struct capabilities : (offset)
#define SETTING_IS_EXEMPTIONS(offset) struct exemptions : (offset)
#define FIELD(kind, object, member) \
	.type = SETTING_##kind, \
	.offset = _Generic(((struct object *)0)->member, \
	    SETTING_IS_##kind(offsetof(struct object, member)))

/* The same for a value that nothing reads yet. */
#define NO_FIELD(kind) .type = SETTING_##kind, .offset = SETTING_NOWHERE

struct arena;
struct sources;

/* What a value is parsed with. */
struct setting_context {
	struct arena *arena; /* for all that the value points to */
	struct sources *sources;
	struct diags *diags;
	struct place place; /* of the value */
	const struct login_group *groups;
	size_t group_count;
	bool groups_lost; /* maybe some of them, to a problem that was added */
};

/* Parses text. 0, or -1 after at least one problem was added. */
int setting_parse(const struct setting_context *context,
    const struct setting *setting, union setting_value *value,
    const char *text) NODISCARD;

/* Writes a value to its field in object, the section's struct, if any. */
void setting_store(const struct setting *setting, void *object,
    const union setting_value *value);

bool setting_is_list(const struct setting *setting);

/* Room for setting_type_text. */
#define SETTING_TYPE_TEXT_MAX 256

/* "yes or no", "time, 1s to 1d", "list of address ranges". Returns buf. */
const char *setting_type_text(
    char buf[SETTING_TYPE_TEXT_MAX], const struct setting *setting);

/* The built-in value as one would write it; "(empty)", "(none)". */
const char *setting_default_text(const struct setting *setting);

/* path as seen from the folder of file, or NULL without memory. */
char *setting_path_beside(struct arena *arena, const char *file,
    const char *path, size_t len) NODISCARD;

#endif
