/*
 * json.h - writes one JSON document (RFC 8259) to a stream, nothing more.
 *
 * The writer places commas and line breaks; strings that are not UTF-8 get
 * U+FFFD for each bad byte, so the output always parses, and control
 * characters are escaped, so a terminal obeys none. The stream is the caller's,
 * and so are its errors: see ferror(3). One thread.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	bool first; /* nothing was written at this depth yet */
};

void json_init(struct json *json, FILE *out);

/* bracket is '{' or '['. key is NULL inside an array and at the top. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);

/* A NULL value writes null. */
void json_string(struct json *json, const char *key, const char *value);
void json_bool(struct json *json, const char *key, bool value);
void json_number(struct json *json, const char *key, long long value);

#endif
