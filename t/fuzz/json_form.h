/*
 * json_form.h - is this text one JSON value (RFC 8259), and UTF-8?
 */
#ifndef JSON_FORM_H
#define JSON_FORM_H

#include "text.h"

#define JSON_DEPTH_MAX 16

static const char *json_form_value(const char *at, unsigned depth);

static inline const char *
json_form_blank(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* Each returns what is behind it, or NULL where there is no such thing. */
static inline const char *
json_form_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < 0x20)
			return NULL;
		if (*at != '\\')
			continue;
		at++;
		if (*at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL)
			return NULL;
		for (unsigned i = 0, u = *at == 'u'; u != 0 && i < 4; i++)
			if (text_hex_value(*++at) < 0)
				return NULL;
	}
	return at + 1;
}

static inline const char *
json_form_word(const char *at)
{
	static const char *const words[] = { "null", "true", "false" };
	size_t len;

	for (size_t i = 0; i < nitems(words); i++)
		if (strncmp(at, words[i], strlen(words[i])) == 0)
			return at + strlen(words[i]);
	at += *at == '-';
	len = strspn(at, "0123456789");
	if (len == 0 || (len > 1 && *at == '0'))
		return NULL;
	at += len;
	if (*at == '.' && strspn(at + 1, "0123456789") > 0)
		at += 1 + strspn(at + 1, "0123456789");
	return at;
}

/* Members or elements, up to the byte that ends them. */
static inline const char *
json_form_list(const char *at, unsigned depth, char end)
{
	at = json_form_blank(at + 1);
	if (*at == end)
		return at + 1;
	for (;; at = json_form_blank(at + 1)) {
		if (end == '}') {
			at = json_form_string(at);
			at = at != NULL ? json_form_blank(at) : NULL;
			if (at == NULL || *at++ != ':')
				return NULL;
		}
		at = json_form_value(json_form_blank(at), depth);
		if (at == NULL)
			return NULL;
		at = json_form_blank(at);
		if (*at == end)
			return at + 1;
		if (*at != ',')
			return NULL;
	}
}

static const char *
json_form_value(const char *at, unsigned depth)
{
	if (depth == JSON_DEPTH_MAX)
		return NULL;
	if (*at == '"')
		return json_form_string(at);
	if (*at == '{')
		return json_form_list(at, depth + 1, '}');
	if (*at == '[')
		return json_form_list(at, depth + 1, ']');
	return json_form_word(at);
}

__attribute__((unused)) static bool
is_json(const char *text)
{
	const char *end = json_form_value(json_form_blank(text), 0);

	return end != NULL && *json_form_blank(end) == '\0' &&
	    text_is_utf8(text, strlen(text));
}

#endif
