/*
 * setting_parts.h - what the files of the setting room share.
 *
 * setting.c has the table of types, setting_scalar.c and setting_number.c the
 * types of one value, setting_list.c takes lists apart, setting_item.c parses
 * their items. No other room includes this.
 */
#ifndef SETTING_PARTS_H
#define SETTING_PARTS_H

#include "setting.h"

#define PARSER_ARGUMENTS \
	const struct setting_context *context, const struct setting *setting, \
	    union setting_value *value, const char *text

int parse_bool(PARSER_ARGUMENTS) NODISCARD;
int parse_number(PARSER_ARGUMENTS) NODISCARD; /* COUNT, SIZE, TIME */
int parse_mode(PARSER_ARGUMENTS) NODISCARD;
int parse_choice(PARSER_ARGUMENTS) NODISCARD;
int parse_date(PARSER_ARGUMENTS) NODISCARD;
int parse_text(PARSER_ARGUMENTS) NODISCARD;
int parse_list(PARSER_ARGUMENTS) NODISCARD;
int parse_flags(PARSER_ARGUMENTS) NODISCARD;
int parse_domains(PARSER_ARGUMENTS) NODISCARD;

/* A number of COUNT, SIZE, TIME or MODE in its shortest spelling. */
void put_number(
    struct text *out, const struct setting *setting, long long number);

/* The value of the choice called name; did-you-mean problem and -1 if none. */
int find_choice(const struct setting_context *context,
    const struct setting *setting, unsigned *value, const char *name) NODISCARD;

/* Adds "'TEXT' WRONG; expected: TYPE" and returns -1. */
int refuse_value(const struct setting_context *context,
    const struct setting *setting, const char *text, const char *wrong);
int refuse_memory(const struct setting_context *context);

/*
 * Parses one item of a list into item, which has the size of the list's
 * elements. 0, or -1 after adding a problem.
 */
typedef int item_parser(const struct setting_context *context,
    const struct setting *setting, void *item, const char *text);

item_parser parse_flag_item;
item_parser parse_string_item;
item_parser parse_binding_item;
item_parser parse_range_item;
item_parser parse_principal_item;
item_parser parse_mailbox_item;
item_parser parse_domain_item;

/* How a list type is taken apart; NULL for the other types. */
struct list_type {
	item_parser *parse;
	size_t item_size;
};
const struct list_type *list_type_of(enum setting_type type);

#endif
