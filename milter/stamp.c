/*
 * stamp.c - the signed stamp by which an inner server knows our header fields.
 */
#include "stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "secret.h"

#define KEYS_MAX 2
#define HEX_MIN 64
#define HEX_MAX 256

/* Digits of a time far beyond all use, and without overflow. */
#define TIME_DIGITS_MAX 18

struct key {
	char id[STAMP_KEY_ID_MAX + 1];
	unsigned char bytes[HEX_MAX / 2];
	size_t len;
};

struct stamp_keys {
	struct key keys[KEYS_MAX]; /* the first signs */
	size_t count;
};

const char *const stamp_field_names[STAMP_FIELD_COUNT] = {
	[STAMP_FIELD_NAME] = "Name",
	[STAMP_FIELD_AUTH_AS] = "AuthAs",
	[STAMP_FIELD_AUTH_SOURCE] = "AuthSource",
	[STAMP_FIELD_STAMP] = "Stamp",
};

/* --- keys --- */

static bool
is_id_byte(char c)
{
	return (text_lower(c) >= 'a' && text_lower(c) <= 'z') ||
	    text_is_digit(c) || c == '-' || c == '_';
}

static const char *
parse_id(struct key *key, const char *text, size_t len)
{
	if (len > STAMP_KEY_ID_MAX)
		return "the key id is longer than 32 characters";
	for (size_t i = 0; i < len; i++)
		if (!is_id_byte(text[i]))
			return "a key id has letters, digits, '-' and '_' "
			       "only";
	memcpy(key->id, text, len);
	key->id[len] = '\0';
	return NULL;
}

static const char *
parse_hex(struct key *key, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text_hex_value(text[i]) < 0)
			return "a key is written in hex digits only, such as "
			       "openssl rand -hex 32 prints";
	if (len < HEX_MIN || len > HEX_MAX || len % 2 != 0)
		return "a key has 64 to 256 hex digits, an even number of "
		       "them; openssl rand -hex 32 makes one";
	key->len = len / 2;
	for (size_t i = 0; i < key->len; i++)
		key->bytes[i] =
		    (unsigned char)(text_hex_value(text[2 * i]) << 4 |
			text_hex_value(text[2 * i + 1]));
	return NULL;
}

static size_t
word_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && !text_is_blank(text[n]))
		n++;
	return n;
}

static size_t
blank_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text_is_blank(text[n]))
		n++;
	return n;
}

/* "KEYID HEX", without blanks at both ends. */
static const char *
parse_key(struct key *key, const char *line, size_t len)
{
	const size_t id_len = word_length(line, len);
	const size_t gap = blank_length(line + id_len, len - id_len);
	const char *hex = line + id_len + gap;
	const char *wrong;

	if (id_len == len ||
	    word_length(hex, len - id_len - gap) != len - id_len - gap)
		return "a line has a key id, a blank and the key; write KEYID "
		       "HEX";
	wrong = parse_id(key, line, id_len);
	if (wrong == NULL)
		wrong = parse_hex(key, hex, len - id_len - gap);
	return wrong;
}

static const char *
add_key(struct stamp_keys *keys, const char *line, size_t len)
{
	struct key *key = &keys->keys[keys->count];
	const char *wrong;

	if (keys->count == KEYS_MAX)
		return "this is a third key; one signs, one more is known "
		       "from before";
	wrong = parse_key(key, line, len);
	if (wrong != NULL)
		return wrong;
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->keys[i].id, key->id) == 0)
			return "two keys have the same key id; give the new "
			       "one a new id";
	keys->count++;
	return NULL;
}

static int
parse_lines(struct stamp_keys *keys, const char *file, const char *bytes,
    size_t len, struct diags *diags)
{
	struct place place = { .file = file };
	const char *end = bytes + len;
	int result = 0;

	while (bytes < end) {
		const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *line = bytes;
		const char *wrong = NULL;
		size_t n;

		stop = stop != NULL ? stop : end;
		bytes = stop + 1;
		place.line++;
		line += blank_length(line, (size_t)(stop - line));
		while (stop > line && text_is_blank(stop[-1]))
			stop--;
		n = (size_t)(stop - line);
		if (n > 0 && *line != '#')
			wrong = add_key(keys, line, n);
		if (wrong == NULL)
			continue;
		diag_add(diags, SEVERITY_ERROR, &place, "%s", wrong);
		result = -1;
	}
	if (result == 0 && keys->count == 0) {
		place.line = 0;
		diag_add(diags, SEVERITY_ERROR, &place,
		    "there is no key in it; write a line KEYID HEX");
		result = -1;
	}
	return result;
}

struct stamp_keys *
stamp_keys_parse(
    const char *file, const char *bytes, size_t len, struct diags *diags)
{
	const struct place place = { .file = file };
	struct stamp_keys *keys = secret_new(sizeof(*keys));

	if (keys == NULL) {
		diag_add(diags, SEVERITY_ERROR, &place, "out of memory");
		return NULL;
	}
	if (parse_lines(keys, file, bytes, len, diags) == 0)
		return keys;
	stamp_keys_free(keys);
	return NULL;
}

void
stamp_keys_free(struct stamp_keys *keys)
{
	secret_free(keys, sizeof(*keys));
}

/* --- what is signed --- */

/* Visible ASCII, and blanks within where they are allowed. */
static bool
is_fit(const char *part, bool blanks)
{
	if (part == NULL)
		return false;
	for (; *part != '\0'; part++)
		if (*part < ' ' || *part > '~' || (*part == ' ' && !blanks))
			return false;
	return true;
}

static bool
is_signable(const struct stamp *stamp)
{
	for (size_t i = 0; i < stamp->from_count; i++)
		if (stamp->from[i] == NULL)
			return false;
	return is_fit(stamp->connector, true) && is_fit(stamp->auth_as, true) &&
	    is_fit(stamp->auth_source, true) &&
	    is_fit(stamp->queue_id, false) &&
	    strchr(stamp->queue_id, ';') == NULL && stamp->time >= 0;
}

/* Moves body behind its white space; was there any? */
static bool
skip_white(const char **body)
{
	const char *start = *body;

	while (text_is_white(**body))
		(*body)++;
	return *body > start;
}

/* RFC 6376 3.4.2 for the body of a field. */
static void
put_relaxed(struct text *text, const char *body)
{
	(void)skip_white(&body);
	while (*body != '\0') {
		const size_t word = strcspn(body, " \t\r\n");

		text_printf(text, "%.*s", (int)word, body);
		body += word;
		if (skip_white(&body) && *body != '\0')
			text_put(text, " ");
	}
}

static size_t
room_for(const struct stamp *stamp)
{
	/* The names of the lines, the time and the key id. */
	size_t room = 256 + strlen(stamp->connector) + strlen(stamp->auth_as) +
	    strlen(stamp->auth_source) + strlen(stamp->queue_id);

	for (size_t i = 0; i < stamp->from_count; i++)
		room += strlen("from=\n") + strlen(stamp->from[i]);
	return room;
}

static void
put_lines(struct text *text, const char *key_id, const struct stamp *stamp)
{
	text_printf(text, "v=1\nk=%s\nt=%lld\nq=%s\n", key_id, stamp->time,
	    stamp->queue_id);
	text_printf(text, "name=%s\nauthas=%s\nauthsource=%s\n",
	    stamp->connector, stamp->auth_as, stamp->auth_source);
	for (size_t i = 0; i < stamp->from_count; i++) {
		text_put(text, "from=");
		put_relaxed(text, stamp->from[i]);
		text_put(text, "\n");
	}
}

static int
sign(char hex[DIGEST_HEX_MAX], const struct key *key, const struct stamp *stamp)
{
	unsigned char sum[DIGEST_SIZE];
	size_t room = room_for(stamp);
	char *lines = malloc(room);
	struct text text;
	int result = -1;

	if (lines == NULL)
		return -1;
	text_init(&text, lines, room);
	put_lines(&text, key->id, stamp);
	if (!text.overflow) /* GCOV_NEVER: room_for left nothing out */
		result =
		    digest_hmac(sum, key->bytes, key->len, lines, text.len);
	if (result == 0)
		digest_hex(hex, sum);
	explicit_bzero(sum, sizeof(sum));
	explicit_bzero(lines, room);
	free(lines);
	return result;
}

int
stamp_sign(char value[STAMP_VALUE_MAX], const struct stamp_keys *keys,
    const struct stamp *stamp)
{
	const struct key *key = &keys->keys[0];
	char hex[DIGEST_HEX_MAX];
	struct text text;

	text_init(&text, value, STAMP_VALUE_MAX);
	if (!is_signable(stamp) || sign(hex, key, stamp) != 0)
		return -1;
	text_printf(&text, "v=1; k=%s; t=%lld; q=%s; h=%s", key->id,
	    stamp->time, stamp->queue_id, hex);
	if (!text.overflow)
		return 0;
	text_init(&text, value, STAMP_VALUE_MAX);
	return -1;
}

/* --- what is verified --- */

const char stamp_unchecked[] =
    "the signature could not be checked: no memory, or no working libcrypto";
static const char not_a_stamp[] =
    "the stamp does not read v=1; k=KEYID; t=TIME; q=QUEUEID; h=HEX";

/*
 * Takes "NAME=VALUE" from *at on, and the ';' behind it unless it is the last;
 * VALUE has no blanks and goes to out.
 */
static bool
take_part(const char **at, char name, char *out, size_t size, bool last)
{
	size_t len;

	(void)skip_white(at);
	if ((*at)[0] != name || (*at)[1] != '=')
		return false;
	*at += 2;
	len = strcspn(*at, "; \t\r\n");
	if (len >= size)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	(void)skip_white(at);
	if (**at != (last ? '\0' : ';'))
		return false;
	*at += last ? 0 : 1;
	return true;
}

/* At most TIME_DIGITS_MAX digits: there is no room for more. */
static bool
parse_time(long long *time, const char *digits)
{
	const size_t len = strlen(digits);

	if (len == 0 || strspn(digits, "0123456789") != len ||
	    (len > 1 && digits[0] == '0'))
		return false;
	*time = strtoll(digits, NULL, 10);
	return true;
}

static bool
parse_value(const char *value, struct stamp *stamp,
    char queue_id[STAMP_VALUE_MAX], char hex[DIGEST_HEX_MAX])
{
	char version[2];
	char time[TIME_DIGITS_MAX + 1];

	queue_id[0] = '\0';
	return take_part(&value, 'v', version, sizeof(version), false) &&
	    strcmp(version, "1") == 0 &&
	    take_part(
		&value, 'k', stamp->key_id, sizeof(stamp->key_id), false) &&
	    take_part(&value, 't', time, sizeof(time), false) &&
	    parse_time(&stamp->time, time) &&
	    take_part(&value, 'q', queue_id, STAMP_VALUE_MAX, false) &&
	    take_part(&value, 'h', hex, DIGEST_HEX_MAX, true);
}

static const struct key *
find_key(const struct stamp_keys *keys, const char *id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->keys[i].id, id) == 0)
			return &keys->keys[i];
	return NULL;
}

/* Takes as long wherever they differ: nobody may guess byte by byte. */
static bool
same_digest(const char a[DIGEST_HEX_MAX], const char b[DIGEST_HEX_MAX])
{
	volatile unsigned char difference = 0;

	for (size_t i = 0; i < DIGEST_HEX_MAX; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

const char *
stamp_verify(const char *value, const struct stamp_keys *keys,
    struct stamp *stamp, char queue_id[STAMP_VALUE_MAX])
{
	char hex[DIGEST_HEX_MAX] = "";
	char ours[DIGEST_HEX_MAX] = "";
	const struct key *key;
	bool same;

	stamp->queue_id = queue_id;
	if (!parse_value(value, stamp, queue_id, hex))
		return not_a_stamp;
	key = find_key(keys, stamp->key_id);
	if (key == NULL)
		return "the key of the stamp is not among the keys";
	if (!is_signable(stamp))
		return "a part of it holds what no stamp can vouch for";
	if (sign(ours, key, stamp) != 0)
		return stamp_unchecked;
	same = same_digest(ours, hex);
	explicit_bzero(ours, sizeof(ours));
	return same ? NULL : "the signature does not match the header";
}
