/*
 * reply.h - the catalogue of everything a client can be told.
 *
 * One row per reply: code, enhanced status code (RFC 3463) and text, in the
 * style of Exchange 2016 and, where it differs, of Exchange 2010. The first
 * digit decides what the MTA does. No client text ever enters a reply.
 * Pure; any thread.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>

#include "compiler.h"

enum reply_style { REPLY_STYLE_2016, REPLY_STYLE_2010 };

enum reply_id {
	REPLY_NONE, /* carry on */
	REPLY_UNDECIDED,
	REPLY_AT_CONNECT, /* the MTA's own words: none can be set there */
	REPLY_STOPPING,
	REPLY_LISTENER,
	REPLY_NO_CONNECTOR,
	REPLY_CONNECTOR_FULL,
	REPLY_SOURCE_FULL,
	REPLY_TIMED_OUT,
	REPLY_TOO_MANY_ERRORS,
	REPLY_EHLO_DOMAIN,
	REPLY_HELO_SYNTAX,
	REPLY_REQUIRE_TLS,
	REPLY_MECHANISM,
	REPLY_MECHANISM_NEEDS_TLS,
	REPLY_SUBMIT,
	REPLY_SENDER_SYNTAX,
	REPLY_PRESSURE,
	REPLY_RATE,
	REPLY_SENDER_PERMISSION,
	REPLY_MESSAGE_SIZE,
	REPLY_RECIPIENT_SYNTAX,
	REPLY_RESERVED_TOP_LEVEL,
	REPLY_RESERVED_SECOND_LEVEL,
	REPLY_SINGLE_LABEL,
	REPLY_RELAY,
	REPLY_USER_UNKNOWN, /* names recipient_lookup, whatever the rule */
	REPLY_INTERNAL_ONLY,
	REPLY_TOO_MANY_RECIPIENTS,
	REPLY_HEADER_SIZE,
	REPLY_HOPS,
	REPLY_COUNT,
};

/* The longest text libmilter takes (980) is far above what a row can give. */
#define REPLY_TEXT_MAX 320

struct reply {
	char code[4];
	char dsn[8];
	char text[REPLY_TEXT_MAX]; /* suffix included, % not doubled */
};

/*
 * The reply of row id for a refusal by rule. With identify the text ends in
 * " [connector NAME, rule RULE]"; connector NULL is written "-". Some rows name
 * one rule always, so as not to betray another.
 */
void reply_fill(struct reply *reply, enum reply_id id, enum reply_style style,
    bool identify, const char *connector, const char *rule);

/* Room for reply_line. */
#define REPLY_LINE_MAX (REPLY_TEXT_MAX + 16)

/* "550 5.7.54 text", as the client gets it. Returns buf. */
const char *reply_line(char buf[REPLY_LINE_MAX], const struct reply *reply);

/* Room for reply_double_percents. */
#define REPLY_DOUBLED_MAX (2 * REPLY_TEXT_MAX)

/* The text with every % doubled: libmilter takes it as printf(3) would. */
void reply_double_percents(
    char out[REPLY_DOUBLED_MAX], const struct reply *reply);

/* Is it 4xx? Else 5xx. */
bool reply_is_temporary(enum reply_id id);

/* Does it close the connection (421)? */
bool reply_closes(enum reply_id id);

/* For the help and the tests: the text of a row in a style, "" for NONE. */
const char *reply_code(enum reply_id id);
const char *reply_dsn(enum reply_id id, enum reply_style style);
const char *reply_text(enum reply_id id, enum reply_style style);

#endif
