/*
 * domain.c - canonical names, patterns and sets of them.
 */
#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "domain.h"
#include "random.h"
#include "tap.h"

static const char empty[] =
    "the domain is empty; write one such as example.com";
static const char empty_label[] = "a label is empty; write one dot between "
				  "two labels, such as example.com";
static const char hyphen[] = "a label begins or ends with a hyphen; hyphens "
			     "stand inside only";
static const char bad_byte[] = "a domain has letters, digits, hyphens and "
			       "dots only; write one such as example.com";
static const char no_idn[] =
    "not an internationalized domain name (UTS 46); check its spelling";
static const char long_label[] = "a label is longer than 63 octets";
static const char long_name[] = "the domain is longer than 253 octets";
static const char bare_star[] = "a * alone would be every domain; write "
				"domains such as example.com or *.example.com";
static const char inner_star[] =
    "a * stands only in front of the first dot; write *.example.com";

#define L10 "abcdefghij"
#define L63 L10 L10 L10 L10 L10 L10 "abc"
#define N253 L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a"

/* clang-format off */
static const struct name_case {
	const char *text;
	const char *wrong; /* NULL: it is a domain */
	const char *canonical;
} name_cases[] = {
	{ "example.com", NULL, "example.com" },
	{ "EXAMPLE.Com", NULL, "example.com" },
	{ "example.com.", NULL, "example.com" },
	{ "localhost", NULL, "localhost" },
	{ "a-b.c--d.example", NULL, "a-b.c--d.example" },
	{ "3com.example", NULL, "3com.example" },
	{ L63 ".example", NULL, L63 ".example" },
	{ N253, NULL, N253 },
	{ N253 ".", NULL, N253 },
	{ "b\xc3\xbc" "cher.example", NULL, "xn--bcher-kva.example" },
	{ "B\xc3\x9c" "CHER.example", NULL, "xn--bcher-kva.example" },
	{ "bu\xcc\x88" "cher.example", NULL, "xn--bcher-kva.example" },
	{ "xn--bcher-kva.example", NULL, "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.EXAMPLE.", NULL, "xn--bcher-kva.example" },
	{ "stra\xc3\x9f" "e.example", NULL, "xn--strae-oqa.example" },
	{ "example\xe3\x80\x82" "com", NULL, "example.com" },
	{ "example\xef\xbc\x8e" "com", NULL, "example.com" },
	{ "example.com\xe3\x80\x82", NULL, "example.com" },
	{ "\xef\xbd\x85xample.com", NULL, "example.com" },
	{ "exam\xc2\xadple.com", NULL, "example.com" },
	{ "", empty, "" },
	{ ".", empty, "" },
	{ "..", empty_label, "" },
	{ "example..com", empty_label, "" },
	{ ".example.com", empty_label, "" },
	{ "example.com..", empty_label, "" },
	{ "-example.com", hyphen, "" },
	{ "example-.com", hyphen, "" },
	{ "example.-", hyphen, "" },
	{ "exa_mple.com", bad_byte, "" },
	{ "exa mple.com", bad_byte, "" },
	{ "example.com ", bad_byte, "" },
	{ "example.com\n", bad_byte, "" },
	{ "user@example.com", bad_byte, "" },
	{ "example.com:25", bad_byte, "" },
	{ "[192.0.2.1]", bad_byte, "" },
	{ "*.example.com", bad_byte, "" },
	{ L63 "d.example", long_label, "" },
	{ N253 "a", long_name, "" },
	{ "xn--.example", no_idn, "" },
	{ "xn--a.example", no_idn, "" },
	{ "xn--example.example", no_idn, "" },
	{ "xn--bcher-kv.example", no_idn, "" },
	{ "xn--BCHER_-kva.example", bad_byte, "" },
	{ "www.xn--zzzzzzzzzz99999.example", no_idn, "" },
	{ "xn--a_b-xla.example", bad_byte, "" },
	{ "b\xc3\xbc" "cher_.example", bad_byte, "" },
	{ "b\xfc" "cher.example", no_idn, "" },
	{ "b\xc3\xbc" "cher.example.\xe3\x80\x82", empty_label, "" },
	{ "\xe3\x80\x82" "example.com", empty_label, "" },
	{ "example.com\xef\xbc\xa0" "evil.example", bad_byte, "" },
	{ "example\xe2\x80\x8b.com", NULL, "example.com" },
	{ "b\xc3\xbc" "cher example", no_idn, "" },
	{ "ours\xc2\xa0.example", bad_byte, "" },
	{ "o\xe2\x91\xb4urs.example", bad_byte, "" },
	{ "o\xe2\x89\xa0urs.example", no_idn, "" },
	{ "o\xe2\x80\xaeurs.example", no_idn, "" },
	{ "o\xe2\x80\x8durs.example", no_idn, "" },
	{ "o\xef\xbf\xbdurs.example", no_idn, "" },
	{ "o\xed\xa0\x80urs.example", no_idn, "" },
	{ "xn--1ch.example", no_idn, "" },
};

static const struct pattern_case {
	const char *text;
	const char *wrong;
	const char *name;
	bool below;
} pattern_cases[] = {
	{ "Example.com", NULL, "example.com", false },
	{ "*.Example.com.", NULL, "example.com", true },
	{ "*.b\xc3\xbc" "cher.example", NULL, "xn--bcher-kva.example", true },
	{ "*", bare_star, "", false },
	{ "*.", empty, "", true },
	{ "", empty, "", false },
	{ "**.example.com", inner_star, "", false },
	{ "*.*.example.com", inner_star, "", true },
	{ "*example.com", inner_star, "", false },
	{ "mail.*.com", inner_star, "", false },
	{ "example.*", inner_star, "", false },
	{ ".example.com", "a domain does not begin with a dot; write "
	    "*.example.com for what lies below example.com", "", false },
	{ "[192.0.2.1]", "an address literal is no domain; write a domain "
	    "such as example.com", "", false },
	{ "*.[192.0.2.1]", "an address literal is no domain; write a domain "
	    "such as example.com", "", true },
	{ "*.-example.com", hyphen, "", true },
	{ "*..example.com", empty_label, "", true },
	{ "x", NULL, "x", false },
};

static const struct below_case {
	const char *name, *parent;
	bool below;
} below_cases[] = {
	{ "a.ours.example", "ours.example", true },
	{ "a.b.ours.example", "ours.example", true },
	{ "ours.example", "ours.example", false },
	{ "evilours.example", "ours.example", false },
	{ "ours.example.evil", "ours.example", false },
	{ "ours.evil", "ours.example", false },
	{ "example", "ours.example", false },
	{ ".ours.example", "ours.example", false },
	{ "", "ours.example", false },
	{ "a.example", "", false },
};
/* clang-format on */

static uint64_t seed = 0x2545f4914f6cdd1d;

static unsigned
draw(unsigned below)
{
	return (unsigned)random_below(&seed, below);
}

static void
test_names(void)
{
	char out[DOMAIN_MAX + 1], what[400];

	for (size_t i = 0; i < nitems(name_cases); i++) {
		const struct name_case *c = &name_cases[i];

		snprintf(what, sizeof(what), "domain '%.300s' (case %zu)",
		    strchr(c->text, '\n') == NULL ? c->text : "line end", i);
		is_str(domain_canonical(out, c->text, strlen(c->text)),
		    c->wrong, what);
		is_str(out, c->canonical, what);
	}
	is_str(domain_canonical(out, "example.com\0.evil", 17),
	    "a domain has no NUL byte", "a NUL in a plain name");
	is_str(domain_canonical(out,
		   "b\xc3\xbc"
		   "cher.example\0x",
		   16),
	    no_idn, "a NUL in an internationalized name");
	is_str(domain_canonical(out, "example.community", 11), NULL,
	    "only len bytes count");
	is_str(out, "example.com", "and no more");
}

static void
test_long_names(void)
{
	static char text[100000];
	char out[DOMAIN_MAX + 1];

	memset(text, 'a', sizeof(text));
	is_str(domain_canonical(out, text, sizeof(text)), long_name,
	    "100,000 letters");
	text[0] = (char)0xc3;
	text[1] = (char)0xbc;
	is_str(domain_canonical(out, text, sizeof(text)), long_name,
	    "100,000 bytes that are not ASCII");
	memset(text, '.', sizeof(text));
	is_str(domain_canonical(out, text, sizeof(text)), long_name,
	    "100,000 dots");
}

static void
test_patterns(void)
{
	const struct domain_pattern all = { .name = "", .below = true };
	const struct domain_pattern one = { .name = "", .below = false };
	char out[DOMAIN_MAX + 1], what[100];
	bool below;

	for (size_t i = 0; i < nitems(pattern_cases); i++) {
		const struct pattern_case *c = &pattern_cases[i];

		snprintf(what, sizeof(what), "pattern '%s'", c->text);
		is_str(
		    domain_pattern_parse(out, &below, c->text, strlen(c->text)),
		    c->wrong, what);
		is_str(out, c->name, what);
		is_int(below, c->below, what);
	}
	ok(!domain_pattern_matches(&all, "") &&
		!domain_pattern_matches(&one, ""),
	    "no pattern is for no name");
	for (size_t i = 0; i < nitems(below_cases); i++) {
		const struct below_case *c = &below_cases[i];

		ok(domain_is_below(c->name, c->parent) == c->below,
		    "'%s' is%s below '%s'", c->name, c->below ? "" : " not",
		    c->parent);
	}
}

/* Letters of several scripts, UTS 46 valid and without context rules. */
static const struct script {
	unsigned first, last;
} scripts[] = {
	/* clang-format off */
	{ 'a', 'z' },
	{ 0xe0, 0xf6 },     /* Latin-1 */
	{ 0x3b1, 0x3c9 },   /* Greek, with the final sigma */
	{ 0x430, 0x44f },   /* Cyrillic */
	{ 0x4e00, 0x4fff }, /* Han */
	{ 0xc0, 0xd6 },     /* capitals, which are folded */
	{ 0xff21, 0xff3a }, /* fullwidth capitals */
	/* clang-format on */
};

static size_t
put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

static size_t
draw_label(char *out)
{
	const struct script *script = &scripts[draw(nitems(scripts))];
	unsigned letters = 1 + draw(10);
	size_t len = 0;

	for (unsigned i = 0; i < letters; i++) {
		if (draw(4) == 0)
			script = &scripts[draw(nitems(scripts))];
		len += put_utf8(out + len,
		    script->first + draw(script->last - script->first + 1));
	}
	return len;
}

/* Does the name as people read it lead back to the canonical one? */
static bool
returns(const char *canonical)
{
	char back[DOMAIN_MAX + 1];
	char *unicode = NULL;
	bool same = idn2_to_unicode_8z8z(canonical, &unicode, 0) == IDN2_OK &&
	    domain_canonical(back, unicode, strlen(unicode)) == NULL &&
	    strcmp(back, canonical) == 0;

	free(unicode);
	return same;
}

static void
test_idn(void)
{
	unsigned valid = 0, converted = 0;
	int twins = 1, stable = 1;

	for (unsigned n = 0; n < 20000; n++) {
		char text[256], out[DOMAIN_MAX + 1], again[DOMAIN_MAX + 1];
		size_t len = draw_label(text);

		text[len++] = '.';
		len += draw_label(text + len);
		if (domain_canonical(out, text, len) != NULL)
			continue;
		valid++;
		converted += strstr(out, "xn--") != NULL;
		stable &= domain_canonical(again, out, strlen(out)) == NULL &&
		    strcmp(again, out) == 0;
		twins &= returns(out);
	}
	ok(valid > 15000 && converted > 10000,
	    "%u of 20,000 drawn names are domains, %u with A-labels", valid,
	    converted);
	ok(stable, "the canonical form of a canonical name is itself");
	ok(twins, "U-labels and A-labels have the same canonical form");
}

/* Bytes that come near to being names, and A-labels that nobody made. */
static size_t
draw_bytes(char *out)
{
	static const char *const pieces[] = { "a", "z", "0", "-", ".", "xn--",
		"XN--", "_", "\xc3\xbc", "\xe3\x80\x82", "\xc2\xad",
		"\xef\xbc\x8e", "\xe2\x80\x8d", "\xd7\x90", "\xcc\x88", "\xff",
		"kva", "9" };
	size_t len = 0;

	for (unsigned n = 1 + draw(12); n > 0; n--) {
		const char *piece = pieces[draw(nitems(pieces))];

		memcpy(out + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

static bool
is_canonical(const char *name)
{
	char again[DOMAIN_MAX + 1];

	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
	    strlen(name) &&
	    strstr(name, "..") == NULL && name[0] != '.' &&
	    name[strlen(name) - 1] != '.' &&
	    domain_canonical(again, name, strlen(name)) == NULL &&
	    strcmp(again, name) == 0;
}

static void
test_noise(void)
{
	unsigned valid = 0;
	int good = 1, cleared = 1;

	for (unsigned n = 0; n < 200000; n++) {
		char text[64], out[DOMAIN_MAX + 1];
		size_t len = draw_bytes(text);

		if (domain_canonical(out, text, len) == NULL) {
			valid++;
			good &= is_canonical(out);
		} else {
			cleared &= out[0] == '\0';
		}
	}
	ok(valid > 5000, "%u of 200,000 noises are domains", valid);
	ok(good, "and each came out canonical");
	ok(cleared, "the others left nothing behind");
}

/* Names of few letters, so that they often are each other's tail. */
static const char *
draw_name(char *out)
{
	unsigned labels = 1 + draw(4);

	out[0] = '\0';
	for (unsigned i = 0; i < labels; i++) {
		static const char *const parts[] = { "a", "b", "aa", "ab" };

		if (i > 0)
			strcat(out, ".");
		strcat(out, parts[draw(nitems(parts))]);
	}
	return out;
}

static void
test_sets(void)
{
	static char names[60][32];
	struct domain_pattern patterns[60];
	int same = 1, bounded = 1;

	for (unsigned n = 0; n < 2000; n++) {
		struct domain_set set = { patterns, draw(60) };

		for (size_t i = 0; i < set.count; i++) {
			patterns[i].name = draw_name(names[i]);
			patterns[i].below = draw(2) == 0;
		}
		domain_set_sort(&set);
		for (unsigned k = 0; k < 50; k++) {
			char name[32];
			bool found = false;

			draw_name(name);
			for (size_t i = 0; i < set.count; i++) {
				bool match =
				    domain_pattern_matches(&patterns[i], name);
				size_t tail =
				    strlen(name) - strlen(patterns[i].name);

				found |= match;
				bounded &= !match || tail == 0 ||
				    name[tail - 1] == '.';
			}
			same &= domain_set_contains(&set, name) == found;
		}
	}
	ok(same, "a set contains what one of its patterns matches");
	ok(bounded, "a match always ends at a label");
	is_int(domain_set_contains(&(struct domain_set){ NULL, 0 }, "a"), 0,
	    "an empty set contains nothing");
	is_int(domain_set_contains(&(struct domain_set){ patterns, 1 }, ""), 0,
	    "no set contains the empty name");
}

#define MANY 200000

static void
test_big_set(void)
{
	static struct domain_pattern patterns[MANY];
	static char names[MANY][24];
	struct domain_set set = { patterns, MANY };
	int found = 1, missed = 1;
	clock_t start;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "d%zu.example", i);
		patterns[i] = (struct domain_pattern){ names[i], i % 2 == 0 };
	}
	domain_set_sort(&set);
	start = clock();
	for (size_t i = 0; i < MANY; i++) {
		char name[40];

		snprintf(name, sizeof(name), "a.b.d%zu.example", i);
		found &= domain_set_contains(&set, name) == (i % 2 == 0);
		snprintf(name, sizeof(name), "e%zu.example", i);
		missed &= !domain_set_contains(&set, name);
	}
	ok(found, "every pattern of a big set is found");
	ok(missed, "and nothing else");
	/* One by one these would be 80,000,000,000 comparisons. */
	ok(clock() - start < 10 * CLOCKS_PER_SEC, "without looking at all");
}

int
main(void)
{
	test_names();
	test_long_names();
	test_patterns();
	test_idn();
	test_noise();
	test_sets();
	test_big_set();
	return done();
}
