/*
 * stamp.c - key files, signing, and what is not taken for a stamp.
 */
#include "stamp.h"

#include <stdlib.h>

#include "tap.h"

#define H16 "0123456789abcdef"
#define H64 H16 H16 H16 H16
#define H256 H64 H64 H64 H64

/* clang-format off */
static const struct key_case {
	const char *what;
	const char *bytes;
	const char *problems; /* NULL: it is fit */
} key_cases[] = {
	{ "one key", "2026a " H64 "\n", NULL },
	{ "two keys", "2026b " H64 "\n2026a " H256 "\n", NULL },
	{ "comments, blanks, empty lines",
	    "# new\n\n  b-_9 \t " H64 " \t\n#old\na " H64 "\n \n", NULL },
	{ "upper-case digits", "a 0123456789ABCDEF" H16 H16 H16 "\n", NULL },
	{ "no line end", "a " H64, NULL },
	{ "an id of 32", "abcdefghijklmnopqrstuvwxyz012345 " H64 "\n", NULL },
	{ "nothing", "", "k:0: error: there is no key in it; write a line "
	    "KEYID HEX\n" },
	{ "a comment alone", "# 2026a " H64 "\n", "k:0: error: there is no "
	    "key in it; write a line KEYID HEX\n" },
	{ "an id alone", "2026a\n", "k:1: error: a line has a key id, a blank "
	    "and the key; write KEYID HEX\n" },
	{ "a key alone", H64 "\n", "k:1: error: a line has a key id, a blank "
	    "and the key; write KEYID HEX\n" },
	{ "three words", "a " H64 " x\n", "k:1: error: a line has a key id, a "
	    "blank and the key; write KEYID HEX\n" },
	{ "the wrong way round", H64 " 2026a\n", "k:1: error: the key id is "
	    "longer than 32 characters\n" },
	{ "an id of 33", "abcdefghijklmnopqrstuvwxyz0123456 " H64 "\n",
	    "k:1: error: the key id is longer than 32 characters\n" },
	{ "an id with a dot", "\n2026.1 " H64 "\n", "k:2: error: a key id has "
	    "letters, digits, '-' and '_' only\n" },
	{ "an id with a brace", "2026{ " H64 "\n", "k:1: error: a key id has "
	    "letters, digits, '-' and '_' only\n" },
	{ "too short", "a " H16 H16 H16 "0123456789abcd\n", "k:1: error: a key "
	    "has 64 to 256 hex digits, an even number of them; openssl rand "
	    "-hex 32 makes one\n" },
	{ "an odd number", "a " H64 "0\n", "k:1: error: a key has 64 to 256 "
	    "hex digits, an even number of them; openssl rand -hex 32 makes "
	    "one\n" },
	{ "too long", "a " H256 "00\n", "k:1: error: a key has 64 to 256 hex "
	    "digits, an even number of them; openssl rand -hex 32 makes "
	    "one\n" },
	{ "no hex", "a " H16 H16 H16 "0123456789abcdeg\n", "k:1: error: a key "
	    "is written in hex digits only, such as openssl rand -hex 32 "
	    "prints\n" },
	{ "a CR", "a " H64 "\r\n", "k:1: error: a key is written in hex digits "
	    "only, such as openssl rand -hex 32 prints\n" },
	{ "the same id twice", "a " H64 "\na " H64 "\n", "k:2: error: two keys "
	    "have the same key id; give the new one a new id\n" },
	{ "three keys", "a " H64 "\nb " H64 "\nc " H64 "\n", "k:3: error: this "
	    "is a third key; one signs, one more is known from before\n" },
	{ "every fault at once", "a x\n\nb\n", "k:1: error: a key is written "
	    "in hex digits only, such as openssl rand -hex 32 prints\n"
	    "k:3: error: a line has a key id, a blank and the key; write "
	    "KEYID HEX\n" },
};
/* clang-format on */

/* The keys in bytes; the problems as printed, which the caller frees. */
static struct stamp_keys *
parse(const char *bytes, size_t len, char **problems)
{
	struct diags *diags = diags_new();
	char *exact = malloc(len + 1);
	struct stamp_keys *keys = NULL;
	size_t size;
	FILE *out = open_memstream(problems, &size);

	if (diags != NULL && exact != NULL && out != NULL) {
		memcpy(exact, bytes, len);
		keys = stamp_keys_parse("k", exact, len, diags);
		diags_print(diags, out);
	}
	if (out != NULL)
		fclose(out);
	free(exact);
	diags_free(diags);
	return keys;
}

static void
test_keys(void)
{
	for (size_t i = 0; i < nitems(key_cases); i++) {
		const struct key_case *c = &key_cases[i];
		char *problems = NULL;
		struct stamp_keys *keys =
		    parse(c->bytes, strlen(c->bytes), &problems);

		ok((keys != NULL) == (c->problems == NULL), "%s: %s", c->what,
		    c->problems == NULL ? "fit" : "not fit");
		is_str(problems, c->problems != NULL ? c->problems : "",
		    "and what is said of it");
		ok(problems != NULL && strstr(problems, "0123") == NULL,
		    "no key in it");
		stamp_keys_free(keys);
		free(problems);
	}
	stamp_keys_free(NULL);
}

static struct stamp_keys *
keys_of(const char *bytes)
{
	char *problems = NULL;
	struct stamp_keys *keys = parse(bytes, strlen(bytes), &problems);

	free(problems);
	return keys;
}

static const char *const authors[] = { " Alice \r\n\t<a@example.com> ",
	"b@example.com" };

static const struct stamp sample = {
	.connector = "Scan and Fax",
	.auth_as = "Anonymous",
	.auth_source = "mx.example.com",
	.queue_id = "4fXyz1",
	.time = 1781517600,
	.from = authors,
	.from_count = nitems(authors),
};

/*
 * printf 'v=1\nk=2026a\nt=1781517600\nq=4fXyz1\nname=Scan and Fax\n
 * authas=Anonymous\nauthsource=mx.example.com\nfrom=Alice <a@example.com>\n
 * from=b@example.com\n' | openssl dgst -sha256 -mac HMAC -macopt hexkey:H64
 */
#define SAMPLE_HEX \
	"8f0c6c70a9e78d55c364e651aee73ee6c6430f4314328df9b55960485b6e2c9d"
#define SAMPLE_VALUE "v=1; k=2026a; t=1781517600; q=4fXyz1; h=" SAMPLE_HEX

static void
test_known(void)
{
	struct stamp_keys *keys = keys_of("2026a " H64 "\n");
	struct stamp_keys *two = keys_of("2026b " H256 "\n2026a " H64 "\n");
	char value[STAMP_VALUE_MAX], queue_id[STAMP_VALUE_MAX];
	struct stamp stamp = sample;

	is_int(stamp_sign(value, keys, &sample), 0, "a stamp is signed");
	is_str(value, SAMPLE_VALUE, "as openssl would");
	stamp.time = 0;
	stamp.queue_id = NULL;
	is_str(
	    stamp_verify(value, keys, &stamp, queue_id), NULL, "and verified");
	is_int(stamp.time, sample.time, "gives the time");
	is_str(queue_id, "4fXyz1", "and the queue id");
	is_str(stamp.queue_id, "4fXyz1", "in the stamp, too");
	is_str(stamp.key_id, "2026a", "and the key id");
	is_str(stamp_verify(value, two, &stamp, queue_id), NULL,
	    "the second key verifies");
	is_int(stamp_sign(value, two, &sample), 0, "the first key");
	ok(strncmp(value, "v=1; k=2026b; ", 14) == 0, "is the one that signs");
	is_str(stamp_verify(value, keys, &stamp, queue_id),
	    "the key of the stamp is not among the keys",
	    "a key that is not there any more");
	stamp_keys_free(keys);
	keys = keys_of("2026a " H256 "\n");
	is_str(stamp_verify(SAMPLE_VALUE, keys, &stamp, queue_id),
	    "the signature does not match the header",
	    "another key of the same id");
	stamp_keys_free(keys);
	stamp_keys_free(two);
}

#define HEX64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char malformed[] =
    "the stamp does not read v=1; k=KEYID; t=TIME; q=QUEUEID; h=HEX";
static const char mismatch[] = "the signature does not match the header";

/* clang-format off */
static const struct value_case {
	const char *what;
	const char *value;
	const char *wrong;
} value_cases[] = {
	{ "as it was signed", SAMPLE_VALUE, NULL },
	{ "folded", " v=1;\r\n\tk=2026a ; t=1781517600;q=4fXyz1\n ; h="
	    SAMPLE_HEX "\r\n", NULL },
	{ "nothing", "", malformed },
	{ "another version", "v=2; k=2026a; t=1; q=x; h=" HEX64, malformed },
	{ "another order", "k=2026a; v=1; t=1; q=x; h=" HEX64, malformed },
	{ "a part missing", "v=1; k=2026a; q=x; h=" HEX64, malformed },
	{ "a part without =", "vx1; k=2026a; t=1; q=x; h=" HEX64, malformed },
	{ "no queue id at all", "v=1; k=2026a; t=1; h=" HEX64, malformed },
	{ "a part twice", "v=1; k=2026a; k=2026a; t=1; q=x; h=" HEX64,
	    malformed },
	{ "something behind", SAMPLE_VALUE "; x=1", malformed },
	{ "a semicolon behind", SAMPLE_VALUE ";", malformed },
	{ "a blank in a part", "v=1; k=20 26a; t=1; q=x; h=" HEX64,
	    malformed },
	{ "a time that is none", "v=1; k=2026a; t=x; q=x; h=" HEX64,
	    malformed },
	{ "no time", "v=1; k=2026a; t=; q=x; h=" HEX64, malformed },
	{ "a negative time", "v=1; k=2026a; t=-1; q=x; h=" HEX64, malformed },
	{ "a time with a zero in front",
	    "v=1; k=2026a; t=01781517600; q=4fXyz1; h=" SAMPLE_HEX,
	    malformed },
	{ "a time beyond all use",
	    "v=1; k=2026a; t=1234567890123456789; q=x; h=" HEX64, malformed },
	{ "a key id of 33", "v=1; k=abcdefghijklmnopqrstuvwxyz0123456; t=1; "
	    "q=x; h=" HEX64, malformed },
	{ "too long a signature", SAMPLE_VALUE "0", malformed },
	{ "too short a signature", "v=1; k=2026a; t=1781517600; q=4fXyz1; "
	    "h=aa", mismatch },
	{ "no signature", "v=1; k=2026a; t=1781517600; q=4fXyz1; h=",
	    mismatch },
	{ "another signature", "v=1; k=2026a; t=1781517600; q=4fXyz1; h="
	    HEX64, mismatch },
	{ "another time", "v=1; k=2026a; t=1781517601; q=4fXyz1; h="
	    SAMPLE_HEX, mismatch },
	{ "a time of one digit", "v=1; k=2026a; t=0; q=4fXyz1; h=" SAMPLE_HEX,
	    mismatch },
	{ "another queue id", "v=1; k=2026a; t=1781517600; q=4fXyz2; h="
	    SAMPLE_HEX, mismatch },
	{ "no queue id", "v=1; k=2026a; t=1781517600; q=; h=" SAMPLE_HEX,
	    mismatch },
	{ "another key", "v=1; k=2026b; t=1781517600; q=4fXyz1; h="
	    SAMPLE_HEX, "the key of the stamp is not among the keys" },
};
/* clang-format on */

static void
test_values(void)
{
	struct stamp_keys *keys = keys_of("2026a " H64 "\n");

	for (size_t i = 0; i < nitems(value_cases); i++) {
		const struct value_case *c = &value_cases[i];
		char queue_id[STAMP_VALUE_MAX];
		struct stamp stamp = sample;

		is_str(stamp_verify(c->value, keys, &stamp, queue_id), c->wrong,
		    c->what);
	}
	stamp_keys_free(keys);
}

static const char *const nobody[] = { "a@example.com", NULL };
static const char *const folded[] = { "Alice\t<a@example.com>",
	"\r\n b@example.com\r\n" };
static const char *const swapped[] = { "b@example.com",
	"Alice <a@example.com>" };
static const char *const joined[] = {
	"Alice <a@example.com>\nfrom=b@example.com"
};
static const char *const spaced[] = { "Alice<a@example.com>", "b@example.com" };

#define CHANGED(field, value) #field, offsetof(struct stamp, field), value

/* clang-format off */
static const struct text_case {
	const char *what;
	size_t at;
	const char *value;
	bool valid, signable;
} text_cases[] = {
	{ CHANGED(connector, "Scan and Fax"), true, true },
	{ CHANGED(connector, "scan and fax"), false, true },
	{ CHANGED(connector, ""), false, true },
	{ CHANGED(connector, "a\nauthas=Internal"), false, false },
	{ CHANGED(connector, "a\x7f"), false, false },
	{ CHANGED(connector, "\xc3\xbc"), false, false },
	{ CHANGED(connector, NULL), false, false },
	{ CHANGED(auth_as, "Internal"), false, true },
	{ CHANGED(auth_as, "Anonymous\r"), false, false },
	{ CHANGED(auth_as, NULL), false, false },
	{ CHANGED(auth_source, "mx.example.org"), false, true },
	{ CHANGED(auth_source, "mx\t"), false, false },
	{ CHANGED(auth_source, NULL), false, false },
};

static const struct from_case {
	const char *what;
	const char *const *from;
	size_t count;
	bool valid;
} from_cases[] = {
	{ "folded anew", folded, 2, true },
	{ "in another order", swapped, 2, false },
	{ "one of them", authors, 1, false },
	{ "none of them", authors, 0, false },
	{ "two in one", joined, 1, false },
	{ "a blank gone", spaced, 2, false },
};

static const struct queue_case {
	const char *queue_id;
	int result;
} queue_cases[] = {
	{ "4fXyz1", 0 },
	{ "", 0 },
	{ NULL, -1 },
	{ "4f Xyz1", -1 },
	{ "4f;h=x", -1 },
	{ "4f\n", -1 },
	{ HEX64 HEX64 HEX64 HEX64 HEX64 HEX64, 0 },
	{ HEX64 HEX64 HEX64 HEX64 HEX64 HEX64 HEX64, -1 },
};
/* clang-format on */

static void
test_texts(const struct stamp_keys *keys)
{
	for (size_t i = 0; i < nitems(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		char value[STAMP_VALUE_MAX], queue_id[STAMP_VALUE_MAX];
		struct stamp stamp = sample;
		const char *wrong;

		*(const char **)((char *)&stamp + c->at) = c->value;
		is_int(stamp_sign(value, keys, &stamp), c->signable ? 0 : -1,
		    c->what);
		wrong = stamp_verify(SAMPLE_VALUE, keys, &stamp, queue_id);
		is_str(wrong,
		    c->valid          ? NULL
			: c->signable ? mismatch
				      : "a part of it holds what no stamp can "
					"vouch for",
		    "changed behind the signer");
	}
}

static void
test_changes(void)
{
	struct stamp_keys *keys = keys_of("2026a " H64 "\n");
	char value[STAMP_VALUE_MAX], queue_id[STAMP_VALUE_MAX];
	struct stamp stamp = sample;

	test_texts(keys);
	for (size_t i = 0; i < nitems(from_cases); i++) {
		stamp = sample;
		stamp.from = from_cases[i].from;
		stamp.from_count = from_cases[i].count;
		is_str(stamp_verify(SAMPLE_VALUE, keys, &stamp, queue_id),
		    from_cases[i].valid ? NULL : mismatch, from_cases[i].what);
	}
	for (size_t i = 0; i < nitems(queue_cases); i++) {
		stamp = sample;
		stamp.queue_id = queue_cases[i].queue_id;
		is_int(stamp_sign(value, keys, &stamp), queue_cases[i].result,
		    "a queue id is signed, or not");
		ok((value[0] == '\0') == (queue_cases[i].result != 0),
		    "and a value is left only then");
		if (queue_cases[i].result == 0)
			is_str(stamp_verify(value, keys, &stamp, queue_id),
			    NULL, "and verified");
	}
	stamp = sample;
	stamp.time = -1;
	is_int(stamp_sign(value, keys, &stamp), -1, "no time before 1970");
	stamp = sample;
	stamp.from = nobody;
	stamp.from_count = nitems(nobody);
	is_int(stamp_sign(value, keys, &stamp), -1, "no author without a name");
	stamp_keys_free(keys);
}

/* A From field as long as one may be. */
static void
test_long(void)
{
	struct stamp_keys *keys = keys_of("2026a " H64 "\n");
	char value[STAMP_VALUE_MAX], queue_id[STAMP_VALUE_MAX];
	char *body = malloc(65536);
	const char *from = body;
	struct stamp stamp = sample;

	if (body == NULL)
		return;
	for (size_t i = 0; i < 65535; i++)
		body[i] = " x"[i % 2];
	body[65535] = '\0';
	stamp.from = &from;
	stamp.from_count = 1;
	is_int(stamp_sign(value, keys, &stamp), 0, "64 KB of words");
	is_str(
	    stamp_verify(value, keys, &stamp, queue_id), NULL, "are verified");
	body[65533] = 'y';
	is_str(stamp_verify(value, keys, &stamp, queue_id), mismatch,
	    "up to the last");
	free(body);
	stamp_keys_free(keys);
}

int
main(void)
{
	test_keys();
	test_known();
	test_values();
	test_changes();
	test_long();
	return done();
}
