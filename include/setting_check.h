/*
 * setting_check.h - what a text, or an item of a list of texts, may be.
 *
 * Each function is the check of rows of the schema: true, or false with what
 * is wrong and what would be right in why. Empty text passes where a setting
 * may be left empty. Pure; any thread.
 */
#ifndef SETTING_CHECK_H
#define SETTING_CHECK_H

#include <stdbool.h>

struct text;

bool check_socket(const char *value, struct text *why);
bool check_account(const char *value, struct text *why); /* user[:group] */
bool check_group(const char *value, struct text *why);
bool check_login(const char *value, struct text *why);
bool check_path(const char *value, struct text *why); /* absolute */
bool check_control_socket(const char *value, struct text *why);
bool check_banner(const char *value, struct text *why);
bool check_host(const char *value, struct text *why);
bool check_domain(const char *value, struct text *why); /* no pattern */
bool check_delimiter(const char *value, struct text *why);
bool check_stamp_prefix(const char *value, struct text *why);
bool check_protected(const char *value, struct text *why);

/* Of every login that holds one: it would match nobody, and deny nobody. */
#define CHECK_LOGIN_STAR "no wildcards stand here; write each login"

#endif
