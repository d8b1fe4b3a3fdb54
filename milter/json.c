/*
 * json.c - writes one JSON document (RFC 8259) to a stream.
 */
#include "json.h"

#include <string.h>

#include "text.h"

#define INDENT 2

void
json_init(struct json *json, FILE *out)
{
	json->out = out;
	json->depth = 0;
	json->first = true;
}

static void
start_line(const struct json *json)
{
	fprintf(json->out, "\n%*s", (int)(json->depth * INDENT), "");
}

/* len 0 stands for a byte that belongs to no character. */
static void
put_character(FILE *out, const char *s, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)s;

	if (len == 0)
		fputs("\\ufffd", out);
	else if (text_is_control(s, len))
		fprintf(out, "\\u%04x", (unsigned)bytes[len - 1]);
	else if (*s == '"' || *s == '\\')
		fprintf(out, "\\%c", *s);
	else
		fwrite(s, 1, len, out);
}

static void
put_string(FILE *out, const char *s)
{
	size_t left = strlen(s);

	fputc('"', out);
	while (left > 0) {
		size_t len = text_utf8_length(s, left);
		size_t step = len > 0 ? len : 1;

		put_character(out, s, len);
		s += step;
		left -= step;
	}
	fputc('"', out);
}

/* What stands in front of every value: comma, line break, key. */
static void
start_value(struct json *json, const char *key)
{
	if (!json->first)
		fputc(',', json->out);
	if (json->depth > 0)
		start_line(json);
	json->first = false;
	if (key != NULL) {
		put_string(json->out, key);
		fputs(": ", json->out);
	}
}

static void
end_value(const struct json *json)
{
	if (json->depth == 0)
		fputc('\n', json->out);
}

void
json_open(struct json *json, const char *key, char bracket)
{
	start_value(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->first = true;
}

void
json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first)
		start_line(json);
	json->first = false;
	fputc(bracket, json->out);
	end_value(json);
}

void
json_string(struct json *json, const char *key, const char *value)
{
	start_value(json, key);
	if (value != NULL)
		put_string(json->out, value);
	else
		fputs("null", json->out);
	end_value(json);
}

void
json_bool(struct json *json, const char *key, bool value)
{
	start_value(json, key);
	fputs(value ? "true" : "false", json->out);
	end_value(json);
}

void
json_number(struct json *json, const char *key, long long value)
{
	start_value(json, key);
	fprintf(json->out, "%lld", value);
	end_value(json);
}
