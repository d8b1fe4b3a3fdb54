/*
 * setting_parts.h - what the files of the setting room share.
 *
 * setting.c has the table of types, setting_scalar.c, setting_number.c
 * and setting_threshold.c the types of one value, setting_list.c takes lists
 * apart, setting_item.c parses their items and setting_trust.c those that say
 * whose word or certificate counts. No other room includes this. Whatever
 * returns -1 has added a problem. One thread at a time.
 */
#ifndef SETTING_PARTS_H
#define SETTING_PARTS_H

#include "setting.h"

#define PARSER_ARGUMENTS \
	const struct setting_context *context, const struct setting *setting, \
	    union setting_value *value, const char *text

int setting_parse_bool(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_number(PARSER_ARGUMENTS) NODISCARD; /* COUNT, SIZE, TIME */
int setting_parse_mode(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_choice(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_date(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_text(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_domain(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_thresholds(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_list(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_flags(PARSER_ARGUMENTS) NODISCARD;
int setting_parse_domains(PARSER_ARGUMENTS) NODISCARD;

/* A number of COUNT, SIZE, TIME or MODE in its shortest spelling. */
void setting_put_number(
    struct text *out, const struct setting *setting, long long number);

/*
 * Reads a number with a unit of size ("36 MB"). NULL, or what is wrong; what is
 * too large for any setting becomes UNLIMITED - 1.
 */
const char *setting_read_size(long long *number, const char *text) NODISCARD;

/* The value of the choice called name; did-you-mean problem and -1 if none. */
int setting_find_choice(const struct setting_context *context,
    const struct setting *setting, unsigned *value, const char *name) NODISCARD;

/* Adds "'TEXT' WRONG; expected: TYPE" and returns -1. */
int setting_refuse(const struct setting_context *context,
    const struct setting *setting, const char *text, const char *wrong);
/* Adds "'TEXT': WRONG" and returns -1. */
int setting_refuse_item(
    const struct setting_context *context, const char *text, const char *wrong);
/* What the row's own check says of a text or an item: 0, or -1. */
int setting_check_text(const struct setting_context *context,
    const struct setting *setting, const char *text) NODISCARD;
int setting_no_memory(const struct setting_context *context);

/*
 * The host name behind "host:", canonical and kept; *below for host:.DOMAIN.
 * item is what problems quote.
 */
int setting_parse_host(const struct setting_context *context, const char *item,
    const char *name, bool *below, const char **canonical) NODISCARD;

/*
 * Parses one item of a list into item, which has the size of the list's
 * elements. 0, or -1 after adding a problem.
 */
typedef int setting_item_parser(const struct setting_context *context,
    const struct setting *setting, void *item, const char *text);

setting_item_parser setting_parse_flag_item;
setting_item_parser setting_parse_string_item;
setting_item_parser setting_parse_binding_item;
setting_item_parser setting_parse_range_item;
setting_item_parser setting_parse_principal_item;
setting_item_parser setting_parse_mailbox_item;
setting_item_parser setting_parse_domain_item;
setting_item_parser setting_parse_server_item;
setting_item_parser setting_parse_capability_item;
setting_item_parser setting_parse_exemption_item;

/* How the items of a type that is written as a list are parsed. */
struct list_type {
	setting_item_parser *parse;
	size_t item_size;
};

/* NULL for a type that is not written as a list. */
const struct list_type *setting_list_type(enum setting_type type);

#endif
