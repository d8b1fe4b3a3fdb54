/*
 * stamp.c - a stamp and what it vouches for; and bytes as a key file.
 *
 * Lines: the value of the field, connector, AuthAs, AuthSource, queue id, and
 * one for each From field; a VT in them stands for a line feed. Holds: a value
 * that is verified is one that the key signs; what is signed is verified, and
 * not any more once a part of it is changed; no problem with a key file shows
 * what is in it.
 */
#include "fuzz.h"
#include "stamp.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FROM_MAX 16
#define PARTS 5

static struct stamp_keys *
keys_of(const char *bytes, size_t len, char **problems)
{
	struct diags *diags = diags_new();
	struct stamp_keys *keys;
	size_t size;
	FILE *out = open_memstream(problems, &size);

	if (diags == NULL || out == NULL)
		exit(1);
	keys = stamp_keys_parse("k", bytes, len, diags);
	must((keys == NULL) == (diags_count(diags, SEVERITY_ERROR) > 0),
	    "there are keys, or a problem");
	diags_print(diags, out);
	fclose(out);
	diags_free(diags);
	return keys;
}

/* Any eight hex digits in a row of the file would be too much. */
static void
check_key_file(const char *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	char *problems;
	struct stamp_keys *keys = keys_of(bytes, len, &problems);

	for (size_t i = 0; i + 8 <= len; i++) {
		char eight[9];

		memcpy(eight, bytes + i, 8);
		eight[8] = '\0';
		must(strspn(eight, hex) != 8 || strstr(problems, eight) == NULL,
		    "no problem shows a key");
	}
	stamp_keys_free(keys);
	free(problems);
}

/* The parts of the input; all are freed as one. */
struct parts {
	char *text;
	const char *part[PARTS];
	const char *from[FROM_MAX];
	size_t from_count;
};

static void
take_parts(struct parts *parts, const uint8_t *data, size_t size)
{
	char *next;

	memset(parts, 0, sizeof(*parts));
	next = parts->text = fuzz_text(data, size);
	for (size_t i = 0; i < PARTS; i++)
		parts->part[i] = "";
	for (size_t i = 0; i < PARTS + FROM_MAX && next != NULL; i++) {
		char *line = strsep(&next, "\n");

		for (char *p = line; *p != '\0'; p++)
			if (*p == '\v')
				*p = '\n';
		if (i < PARTS)
			parts->part[i] = line;
		else
			parts->from[parts->from_count++] = line;
	}
}

static struct stamp
stamp_of(const struct parts *parts)
{
	return (struct stamp){
		.connector = parts->part[1],
		.auth_as = parts->part[2],
		.auth_source = parts->part[3],
		.queue_id = parts->part[4],
		.time = 1781517600,
		.from = parts->from,
		.from_count = parts->from_count,
	};
}

/* What is verified was signed: nobody here can guess a signature. */
static void
check_value(const struct stamp_keys *keys, const struct parts *parts)
{
	char queue_id[STAMP_VALUE_MAX], value[STAMP_VALUE_MAX];
	struct stamp stamp = stamp_of(parts);

	if (stamp_verify(parts->part[0], keys, &stamp, queue_id) != NULL)
		return;
	must(strcmp(stamp.queue_id, queue_id) == 0, "both queue ids are one");
	must(stamp_sign(value, keys, &stamp) == 0, "it can be signed again");
	must(strstr(parts->part[0], strstr(value, "h=") + 2) != NULL,
	    "with the same signature");
}

static bool
verifies(const char *value, const struct stamp_keys *keys, struct stamp stamp)
{
	char queue_id[STAMP_VALUE_MAX];

	return stamp_verify(value, keys, &stamp, queue_id) == NULL;
}

static void
check_signing(const struct stamp_keys *keys, const struct parts *parts)
{
	const struct stamp stamp = stamp_of(parts);
	const char *const other[] = { "x" };
	char value[STAMP_VALUE_MAX];
	struct stamp changed;

	if (stamp_sign(value, keys, &stamp) != 0) {
		must(value[0] == '\0', "no value is left");
		return;
	}
	must(strlen(value) < STAMP_VALUE_MAX && strpbrk(value, "\r\n") == NULL,
	    "a value is one line");
	must(verifies(value, keys, stamp), "what is signed is verified");
	changed = stamp;
	changed.connector = "another connector";
	must(strcmp(stamp.connector, changed.connector) == 0 ||
		!verifies(value, keys, changed),
	    "another connector is not");
	changed = stamp;
	changed.from = other;
	changed.from_count = 1;
	must((stamp.from_count == 1 && strstr(stamp.from[0], "x") != NULL) ||
		!verifies(value, keys, changed),
	    "another author is not");
	changed = stamp;
	changed.from_count = 0;
	must(stamp.from_count == 0 || !verifies(value, keys, changed),
	    "no author is not");
	value[strlen(value) - 1] ^= 1;
	must(!verifies(value, keys, stamp), "another signature is not");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char file[] = "2026a " KEY "\n";
	char *bytes = fuzz_bytes(data, size);
	char *problems;
	struct stamp_keys *keys = keys_of(file, strlen(file), &problems);
	struct parts parts;

	must(keys != NULL, "the key of this target is fit");
	check_key_file(bytes, size);
	take_parts(&parts, data, size);
	check_value(keys, &parts);
	check_signing(keys, &parts);
	free(parts.text);
	stamp_keys_free(keys);
	free(problems);
	free(bytes);
	return 0;
}
