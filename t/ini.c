/*
 * ini.c - the strict scan of an INI file: exact problems, exact values, and
 * agreement with iniparser on whatever is accepted.
 */
#include "random.h"
#include "tap.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<iniparser/iniparser.h>)
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include "ini.h"
#include "text.h"

#define BYTES(s) s, sizeof(s) - 1

struct result {
	struct arena *arena;
	struct diags *diags;
	struct ini *ini;
	char *problems; /* as printed */
};

/* The bytes lie in a block of their own size: reading beyond is seen. */
static struct result
parse(const char *bytes, size_t len)
{
	struct result result = { .arena = arena_new(), .diags = diags_new() };
	char *copy = malloc(len > 0 ? len : 1);
	struct source source = { "f", copy, len };
	size_t size;
	FILE *out;

	memcpy(copy, bytes, len);
	result.ini = ini_parse(result.arena, &source, result.diags);
	free(copy);
	out = open_memstream(&result.problems, &size);
	diags_print(result.diags, out);
	fclose(out);
	return result;
}

static void
drop(struct result *result)
{
	free(result->problems);
	diags_free(result->diags);
	arena_free(result->arena);
}

/* What another iniparser might do with [a] and k = v. */
static void (*tamper)(dictionary **dict);

/* Stands before the library's own. */
dictionary *
iniparser_load(const char *path)
{
	dictionary *(*real)(const char *);
	void *symbol = dlsym(RTLD_NEXT, "iniparser_load");
	dictionary *dict;

	memcpy(&real, &symbol, sizeof(real));
	dict = real(path);
	if (tamper != NULL)
		tamper(&dict);
	return dict;
}

struct bad_case {
	const char *what;
	const char *bytes;
	size_t len;
	const char *problems;
};

/* clang-format off */
static const struct bad_case bad[] = {
	/* lines and bytes */
	{ "a torn last line", BYTES("[a]\nk = 10.0.0.0/1"),
	    "f:2: error: the last line does not end in a line feed; the file "
	    "may be torn: complete the line and end it\n" },
	{ "a torn comment", BYTES("[a]\n; c"),
	    "f:2: error: the last line does not end in a line feed; the file "
	    "may be torn: complete the line and end it\n" },
	{ "a lone CR at the end of the file", BYTES("[a]\nk = v\r"),
	    "f:2: error: the last line does not end in a line feed; the file "
	    "may be torn: complete the line and end it\n" },
	{ "a byte order mark", BYTES("\xef\xbb\xbf[a]\nk = v\n"),
	    "f:1: error: the file begins with a byte order mark; save it as "
	    "UTF-8 without one\n" },
	{ "a byte order mark and problems behind it",
	    BYTES("\xef\xbb\xbfk = v\n[a]\nx\n"),
	    "f:1: error: the file begins with a byte order mark; save it as "
	    "UTF-8 without one\n"
	    "f:1: error: k: the setting stands before the first section; "
	    "write a [SECTION] line above it\n"
	    "f:3: error: [a] 'x' has no '='; write NAME = VALUE, a comment "
	    "begins with ';' or '#'\n" },
	{ "a NUL byte in a value", BYTES("[a]\nk = v\0w\n"),
	    "f:2: error: [a] k: the line holds the control byte 0x00; remove "
	    "it: a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "a NUL byte in a name", BYTES("[a]\nk\0x = v\n"),
	    "f:2: error: [a] k: the line holds the control byte 0x00; remove "
	    "it: a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "a NUL byte alone", BYTES("\0\n"),
	    "f:1: error: the line holds the control byte 0x00; remove it: a "
	    "blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "an escape in a comment", BYTES("[a]\n; \x1b[31m\n"),
	    "f:2: error: [a] the line holds the control byte 0x1b; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "DEL", BYTES("[a]\nk = \x7f\n"),
	    "f:2: error: [a] k: the line holds the control byte 0x7f; remove "
	    "it: a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "a form feed between sections", BYTES("[a]\n\f\n[b]\n"),
	    "f:2: error: [a] the line holds the control byte 0x0c; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "a CR inside a line", BYTES("[a]\nk = v\rw = x\n"),
	    "f:2: error: [a] k: the line holds the control byte 0x0d; remove "
	    "it: a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "two CR at the end of a line", BYTES("[a]\r\r\n"),
	    "f:1: error: the line holds the control byte 0x0d; remove it: a "
	    "blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "lines that end in CR", BYTES("[a]\rk = v\r"),
	    "f:1: error: the line holds the control byte 0x0d; remove it: a "
	    "blank is a space or TAB, lines end in LF or CR LF\n"
	    "f:1: error: the last line does not end in a line feed; the file "
	    "may be torn: complete the line and end it\n" },
	{ "a byte of another encoding", BYTES("[a]\nk = caf\xe9\n"),
	    "f:2: error: [a] k: the byte 0xe9 does not belong to UTF-8 text; "
	    "save the file as UTF-8\n" },
	{ "an overlong encoding", BYTES("[a]\nk = \xc0\xaf\n"),
	    "f:2: error: [a] k: the byte 0xc0 does not belong to UTF-8 text; "
	    "save the file as UTF-8\n" },
	{ "a character cut by the end of the line", BYTES("[a]\nk = \xe2\x82\n"),
	    "f:2: error: [a] k: the byte 0xe2 does not belong to UTF-8 text; "
	    "save the file as UTF-8\n" },
	{ "half of a surrogate pair", BYTES("[a]\nk = \xed\xa0\x80\n"),
	    "f:2: error: [a] k: the byte 0xed does not belong to UTF-8 text; "
	    "save the file as UTF-8\n" },
	{ "a bad byte in a section header hides no setting below",
	    BYTES("[a\x01]\nk = v;w\n"),
	    "f:1: error: the line holds the control byte 0x01; remove it: a "
	    "blank is a space or TAB, lines end in LF or CR LF\n"
	    "f:2: error: k: ';' without a blank before it; put a blank before "
	    "a comment, or the whole value in double quotes\n" },

	/* continuation */
	{ "a value continued", BYTES("[a]\nk = 10.0.0.1, \\\n 10.0.0.2\n"),
	    "f:2: error: [a] k: a backslash ends the line, but no line can be "
	    "continued; remove it, put a long list into a file of its own, "
	    "one item a line, and write @FILE\n"
	    "f:3: error: [a] '10.0.0.2' has no '='; write NAME = VALUE, a "
	    "comment begins with ';' or '#'\n" },
	{ "a comment that ends in a backslash", BYTES("[a]\n; c:\\\nk = v\n"),
	    "f:2: error: [a] a backslash ends the line, but no line can be "
	    "continued; remove it, put a long list into a file of its own, "
	    "one item a line, and write @FILE\n" },
	{ "a backslash with blanks behind it", BYTES("[a]\nk = v \\ \t\r\n"),
	    "f:2: error: [a] k: a backslash ends the line, but no line can be "
	    "continued; remove it, put a long list into a file of its own, "
	    "one item a line, and write @FILE\n" },
	{ "a section header that ends in a backslash", BYTES("[a]\\\n"),
	    "f:1: error: a backslash ends the line, but no line can be "
	    "continued; remove it, put a long list into a file of its own, "
	    "one item a line, and write @FILE\n"
	    "f:1: error: '\\x5c' stands behind the section's ']'; nothing "
	    "may, put a comment on a line of its own\n" },

	/* section headers */
	{ "a header without its end", BYTES("[connector a\nk = v\n"),
	    "f:1: error: '[connector a' has no ']'; write [SECTION]\n" },
	{ "a comment behind a header", BYTES("[a] ; main\n"),
	    "f:1: error: '; main' stands behind the section's ']'; nothing "
	    "may, put a comment on a line of its own\n" },
	{ "words behind a header", BYTES("[a] k = v\n"),
	    "f:1: error: 'k = v' stands behind the section's ']'; nothing "
	    "may, put a comment on a line of its own\n" },
	{ "a second bracket behind a header", BYTES("[a]]\n"),
	    "f:1: error: ']' stands behind the section's ']'; nothing may, "
	    "put a comment on a line of its own\n" },
	{ "a header that looks like a key", BYTES("[a]=b]\n"),
	    "f:1: error: '=b]' stands behind the section's ']'; nothing may, "
	    "put a comment on a line of its own\n" },
	{ "a section without a name", BYTES("[]\nk = v\n"),
	    "f:1: error: the section has no name; write [SECTION]\n" },
	{ "a section with a blank name", BYTES("[ \t]\n"),
	    "f:1: error: the section has no name; write [SECTION]\n" },
	{ "a colon in a section name", BYTES("[connector a:b]\n"),
	    "f:1: error: the section name 'connector a:b' holds '[' or ':'; "
	    "leave them out\n" },
	{ "a bracket in a section name", BYTES("[[a]\n"),
	    "f:1: error: the section name '[a' holds '[' or ':'; leave them "
	    "out\n" },

	/* settings */
	{ "a setting before any section", BYTES("\nk = v\n[a]\nk = v\n"),
	    "f:2: error: k: the setting stands before the first section; "
	    "write a [SECTION] line above it\n" },
	{ "a line without =", BYTES("[a]\nremote_ip_ranges 10.0.0.1\n"),
	    "f:2: error: [a] 'remote_ip_ranges 10.0.0.1' has no '='; write "
	    "NAME = VALUE, a comment begins with ';' or '#'\n" },
	{ "a comment of another language", BYTES("[a]\n// \"c\"\n"),
	    "f:2: error: [a] '// \\x22c\\x22' has no '='; write NAME = VALUE, "
	    "a comment begins with ';' or '#'\n" },
	{ "a setting without a name", BYTES("[a]\n = v\n"),
	    "f:2: error: [a] no name stands before '='; write NAME = VALUE\n" },
	{ "= alone", BYTES("[a]\n=\n"),
	    "f:2: error: [a] no name stands before '='; write NAME = VALUE\n" },
	{ "; inside a value", BYTES("[a]\nk = 10.0.0.1;10.0.0.2\n"),
	    "f:2: error: [a] k: ';' without a blank before it; put a blank "
	    "before a comment, or the whole value in double quotes\n" },
	{ "# inside a value", BYTES("[connector Net]\nComment = room #5a#\n"
	    "Banner = a#b\n"),
	    "f:3: error: [connector Net] Banner: '#' without a blank before "
	    "it; put a blank before a comment, or the whole value in double "
	    "quotes\n" },
	{ "; right behind =", BYTES("[a]\nk=;c\n"),
	    "f:2: error: [a] k: ';' without a blank before it; put a blank "
	    "before a comment, or the whole value in double quotes\n" },
	{ "a second ; with a blank does not heal the first",
	    BYTES("[a]\nk = v;w ; c\n"),
	    "f:2: error: [a] k: ';' without a blank before it; put a blank "
	    "before a comment, or the whole value in double quotes\n" },
	{ "a ; between quotes inside an unquoted value",
	    BYTES("[a]\nk = a \"b;c\"\n"),
	    "f:2: error: [a] k: ';' without a blank before it; put a blank "
	    "before a comment, or the whole value in double quotes\n" },
	{ "no closing double quote", BYTES("[a]\nk = \"v\n"),
	    "f:2: error: [a] k: the value begins with \" and does not end with "
	    "it; add the closing quote\n" },
	{ "no closing single quote", BYTES("[a]\nk = 'tis ; c\n"),
	    "f:2: error: [a] k: the value begins with ' and does not end with "
	    "it; add the closing quote\n" },
	{ "a quote alone", BYTES("[a]\nk = \"\n"),
	    "f:2: error: [a] k: the value begins with \" and does not end with "
	    "it; add the closing quote\n" },
	{ "words behind the closing quote", BYTES("[a]\nk = \"v\" w\n"),
	    "f:2: error: [a] k: 'w' follows the closing quote; only a blank "
	    "and a comment may, and a value cannot hold the quote it stands "
	    "in\n" },
	{ "a comment right behind the closing quote", BYTES("[a]\nk = 'v';c\n"),
	    "f:2: error: [a] k: ';c' follows the closing quote; only a blank "
	    "and a comment may, and a value cannot hold the quote it stands "
	    "in\n" },
	{ "words behind empty quotes", BYTES("[a]\nk = \"\" x\n"),
	    "f:2: error: [a] k: 'x' follows the closing quote; only a blank "
	    "and a comment may, and a value cannot hold the quote it stands "
	    "in\n" },
	{ "a quote inside quotes", BYTES("[a]\nk = \"a \\\"b\\\"\"\n"),
	    "f:2: error: [a] k: 'b\\x5c\\x22\\x22' follows the closing quote; "
	    "only a blank and a comment may, and a value cannot hold the "
	    "quote it stands in\n" },

	/* twice */
	{ "a setting twice", BYTES("[a]\nk = v\n\nk = w\n"),
	    "f:4: error: [a] k: already set at line 2; keep one of the two\n" },
	{ "a setting twice, with the same value", BYTES("[a]\nk=v\nk=v\n"),
	    "f:3: error: [a] k: already set at line 2; keep one of the two\n" },
	{ "a setting in two spellings",
	    BYTES("[a]\nremote_ip_ranges = x\nRemoteIPRanges = y\n"),
	    "f:3: error: [a] RemoteIPRanges: already set at line 2; keep one "
	    "of the two\n" },
	{ "a setting three times, others between",
	    BYTES("[a]\nk = 1\nm = 1\nK- = 2\nm2 = 1\n_k = 3\n"),
	    "f:4: error: [a] K-: already set at line 2; keep one of the two\n"
	    "f:6: error: [a] _k: already set at line 2; keep one of the two\n" },
	{ "a section twice", BYTES("[a]\nk = v\n[b]\n[a]\nk = v\n"),
	    "f:4: error: [a] already begins at line 1; put the settings "
	    "there\n" },
	{ "a section in two spellings",
	    BYTES("[connector Net]\n[ Connector   net ]\n[connector\tNET]\n"),
	    "f:2: error: [Connector net] already begins at line 1; put the "
	    "settings there\n"
	    "f:3: error: [connector NET] already begins at line 1; put the "
	    "settings there\n" },
	{ "a kind of section in two spellings",
	    BYTES("[protocol_log]\n[ProtocolLog]\n[protocol-log]\n"),
	    "f:2: error: [ProtocolLog] already begins at line 1; put the "
	    "settings there\n"
	    "f:3: error: [protocol-log] already begins at line 1; put the "
	    "settings there\n" },

	/* all at once, nothing invented */
	{ "every problem of the file is reported",
	    BYTES("k = v\n[a\nk = v\nk = w\n[b]\nk = \"v\nm = 1\nm = 2\nx\n"
		  "[b]\nk = a;b\n"),
	    "f:1: error: k: the setting stands before the first section; "
	    "write a [SECTION] line above it\n"
	    "f:2: error: '[a' has no ']'; write [SECTION]\n"
	    "f:6: error: [b] k: the value begins with \" and does not end with "
	    "it; add the closing quote\n"
	    "f:8: error: [b] m: already set at line 7; keep one of the two\n"
	    "f:9: error: [b] 'x' has no '='; write NAME = VALUE, a comment "
	    "begins with ';' or '#'\n"
	    "f:10: error: [b] already begins at line 5; put the settings "
	    "there\n"
	    "f:11: error: [b] k: ';' without a blank before it; put a blank "
	    "before a comment, or the whole value in double quotes\n" },
	{ "what a problem quotes is encoded",
	    BYTES("[a]\n\xc3\xa9\"\\x\n\xc3\xa9 = a;b\n"),
	    "f:2: error: [a] '\\xc3\\xa9\\x22\\x5cx' has no '='; write NAME = "
	    "VALUE, a comment begins with ';' or '#'\n"
	    "f:3: error: [a] \\xc3\\xa9: ';' without a blank before it; put a "
	    "blank before a comment, or the whole value in double quotes\n" },
};
/* clang-format on */

struct good_case {
	const char *what;
	const char *bytes;
	size_t len;
	const char *dump; /* LINE [SECTION], LINE KEY=VALUE| */
};

/* clang-format off */
static const struct good_case good[] = {
	{ "no bytes at all", BYTES(""), "" },
	{ "only comments and blank lines",
	    BYTES("; one\n# two = 2;\n\n \t\n  ; [three]\n"), "" },
	{ "a section without settings", BYTES("[a]\n"), "1 [a]\n" },
	{ "names and values as written",
	    BYTES("[connector Internet Edge]\nRemote-IP_Ranges=0.0.0.0/0\n"
		  "  Banner\t=\t220 Mail  Here \n"),
	    "1 [connector Internet Edge]\n2 Remote-IP_Ranges=0.0.0.0/0|\n"
	    "3 Banner=220 Mail  Here|\n" },
	{ "blanks in section names are folded",
	    BYTES("  [ connector \t  a b ]  \nk = v\n"),
	    "1 [connector a b]\n2 k=v|\n" },
	{ "CR LF, mixed with LF", BYTES("[a]\r\n\r\nk = v \r\nm=\r\nn = w\n"),
	    "1 [a]\n3 k=v|\n4 m=|\n5 n=w|\n" },
	{ "empty values",
	    BYTES("[a]\nb=\nc = \nd = ;c\ne = # c\nf = \"\"\ng = '' ; c\n"
		  "h = \"\"  # \"x\"\n"),
	    "1 [a]\n2 b=|\n3 c=|\n4 d=|\n5 e=|\n6 f=|\n7 g=|\n8 h=|\n" },
	{ "comments behind values",
	    BYTES("[a]\nb = v ; c\nc = v\t# c ; d\nd = v ;c;d#e\n"
		  "e = \"v\" ;c\nf = 'v'\t#c\n"),
	    "1 [a]\n2 b=v|\n3 c=v|\n4 d=v|\n5 e=v|\n6 f=v|\n" },
	{ "quotes keep what is in them",
	    BYTES("[a]\nb = \" v ; w # x \"\nc = 'say \"hi\"'\nd = \"it's\"\n"
		  "e = \" \"\nf = \"[x]\"\ng = \"a = b\" ; \"c\"\n"),
	    "1 [a]\n2 b= v ; w # x |\n3 c=say \"hi\"|\n4 d=it's|\n5 e= |\n"
	    "6 f=[x]|\n7 g=a = b|\n" },
	{ "quotes and signs inside unquoted values",
	    BYTES("[a]\nb = it's\nc = a \"b\" c\nd = = x\ne == x\nf ==\n"
		  "g = [x]\nh = a\\b\ni = %s%n\nj = x:y\n"),
	    "1 [a]\n2 b=it's|\n3 c=a \"b\" c|\n4 d== x|\n5 e== x|\n6 f==|\n"
	    "7 g=[x]|\n8 h=a\\b|\n9 i=%s%n|\n10 j=x:y|\n" },
	{ "UTF-8 everywhere",
	    BYTES("# \xe2\x82\xac\n[connector B\xc3\xbcro]\n"
		  "\xc3\x84 = \xf0\x9f\x93\xa7 ; \xe4\xb8\xad\n"),
	    "2 [connector B\xc3\xbcro]\n3 \xc3\x84=\xf0\x9f\x93\xa7|\n" },
	{ "odd names are for others to judge",
	    BYTES("[a;b]\nmy key = v\n\"k\" = v\nd:k = v\nx;y = v\n"),
	    "1 [a;b]\n2 my key=v|\n3 \"k\"=v|\n4 d:k=v|\n5 x;y=v|\n" },
	{ "the same setting in two sections",
	    BYTES("[a]\nk = 1\n[b]\nk = 2\n"),
	    "1 [a]\n2 k=1|\n3 [b]\n4 k=2|\n" },
	{ "connectors whose names differ by - and _ alone",
	    BYTES("[connector a-b]\n[connector a_b]\n[connector ab]\n"),
	    "1 [connector a-b]\n2 [connector a_b]\n3 [connector ab]\n" },
};
/* clang-format on */

static char *
dump(const struct ini *ini)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < ini->section_count; i++) {
		const struct ini_section *section = &ini->sections[i];

		fprintf(out, "%u [%s]\n", section->line, section->name);
		for (size_t k = 0; k < section->key_count; k++)
			fprintf(out, "%u %s=%s|\n", section->keys[k].line,
			    section->keys[k].name, section->keys[k].value);
	}
	fclose(out);
	return text;
}

static void
test_bad(void)
{
	for (size_t i = 0; i < nitems(bad); i++) {
		struct result result = parse(bad[i].bytes, bad[i].len);

		is_str(result.problems, bad[i].problems, bad[i].what);
		ok(result.ini == NULL, "%s: refused", bad[i].what);
		drop(&result);
	}
}

static void
test_good(void)
{
	for (size_t i = 0; i < nitems(good); i++) {
		struct result result = parse(good[i].bytes, good[i].len);
		char *text = result.ini != NULL ? dump(result.ini) : NULL;

		is_str(text, good[i].dump, good[i].what);
		is_str(result.problems, "", "and no problem");
		free(text);
		drop(&result);
	}
}

/* Lines [a], then k = vvv of len bytes in all. */
static struct result
parse_line_of(size_t len, const char *end)
{
	char bytes[2048];
	int n;

	n = snprintf(
	    bytes, sizeof(bytes), "[a]\nk = %0*d%s", (int)len - 4, 0, end);
	return parse(bytes, (size_t)n);
}

static void
test_line_length(void)
{
	static const struct {
		const char *what;
		size_t len;
		const char *end;
		const char *problems;
	} cases[] = {
		/* clang-format off */
		{ "the longest line", 1022, "\n", "" },
		{ "the longest line with CR LF", 1021, "\r\n", "" },
		{ "one byte more", 1023, "\n",
		    "f:2: error: [a] k: the line has 1023 bytes, 1022 are "
		    "allowed; put a long list into a file of its own, one "
		    "item a line, and write @FILE\n" },
		{ "one byte more by the CR", 1022, "\r\n",
		    "f:2: error: [a] k: the line has 1023 bytes, 1022 are "
		    "allowed; put a long list into a file of its own, one "
		    "item a line, and write @FILE\n" },
		{ "far too long, and a ';'", 1990, ";c\n",
		    "f:2: error: [a] k: the line has 1992 bytes, 1022 are "
		    "allowed; put a long list into a file of its own, one "
		    "item a line, and write @FILE\n"
		    "f:2: error: [a] k: ';' without a blank before it; put a "
		    "blank before a comment, or the whole value in double "
		    "quotes\n" },
		/* clang-format on */
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		struct result result =
		    parse_line_of(cases[i].len, cases[i].end);

		is_str(result.problems, cases[i].problems, cases[i].what);
		if (cases[i].problems[0] == '\0')
			is_int(result.ini == NULL
				? -1
				: (long long)strlen(
				      result.ini->sections[0].keys[0].value),
			    (long long)cases[i].len - 4,
			    "the value is complete");
		drop(&result);
	}
}

/* count lines of fmt with a number in each, behind the text start. */
static struct result
parse_many(const char *start, const char *before, int count, const char *after)
{
	char *bytes;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);
	struct result result;

	fputs(start, out);
	for (int i = 0; i < count; i++)
		fprintf(out, "%s%d%s\n", before, i, after);
	fclose(out);
	result = parse(bytes, size);
	free(bytes);
	return result;
}

static void
test_amounts(void)
{
	struct result result = parse_many("", "[connector ", 4096, "]");

	is_str(result.problems, "", "4096 sections are no problem");
	ok(result.ini != NULL && result.ini->section_count == 4096 &&
		strcmp(result.ini->sections[4095].name, "connector 4095") == 0,
	    "and all are there");
	drop(&result);

	result = parse_many("\n", "[connector ", 5000, "]");
	is_str(result.problems,
	    "f:4098: error: more than 4096 sections in one file, the rest is "
	    "not read; split it into files of connectors.d\n",
	    "4097 sections are too many");
	drop(&result);

	result = parse_many("[a]\n", "k", 65537, " = v");
	is_str(result.problems,
	    "f:65538: error: [a] k65536: more than 65536 settings in one file, "
	    "the rest is not read; split it into files of connectors.d\n",
	    "65537 settings are too many");
	drop(&result);

	result = parse_many("", "x", 10010, "");
	is_int((long long)diags_count(result.diags, SEVERITY_ERROR), 10001,
	    "a file that is none stops at 10000 problems");
	ok(strstr(result.problems,
	       "\nf:10001: error: more than 10000 problems, the rest is not "
	       "shown; is this a configuration file?\n") != NULL,
	    "and says so");
	drop(&result);
}

/* The problems when at most count more files can be open. */
static void
test_descriptors(int count, const char *problems, const char *what)
{
	struct rlimit old, tight;
	struct result result;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = (rlim_t)(next + count);
	setrlimit(RLIMIT_NOFILE, &tight);
	result = parse(BYTES("[a]\nk = v\n"));
	setrlimit(RLIMIT_NOFILE, &old);
	is_str(result.problems, problems, what);
	ok(result.ini == NULL, "%s: refused", what);
	drop(&result);
}

static void
test_no_descriptors(void)
{
	char want[128];
	int next = dup(0);

	close(next);
	test_descriptors(0,
	    "f:0: error: no memory file for iniparser: Too many open files; "
	    "the file was not read\n",
	    "no descriptor for the copy");
	snprintf(want, sizeof(want),
	    "f:0: error: iniparser says 'iniparser: cannot open "
	    "/proc/self/fd/%d'; the file was not read\n",
	    next);
	test_descriptors(1, want, "no descriptor for iniparser");
	is_int(dup(0), next, "no descriptor is left open");
	close(next);
}

/* The daemon reloads after it gave up being root. */
static void
test_other_user(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct result result;

		if (geteuid() == 0 &&
		    (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(2);
		result = parse(BYTES("[a]\nk = v\n"));
		_exit(result.ini == NULL);
	}
	waitpid(child, &status, 0);
	is_int(status, 0, "a user without rights can parse");
}

static void
other_value(dictionary **dict)
{
	dictionary_set(*dict, "a:k", "\x1bw");
}

static void
no_key(dictionary **dict)
{
	dictionary_unset(*dict, "a:k");
}

static void
no_value(dictionary **dict)
{
	dictionary_set(*dict, "a:k", NULL);
}

static void
no_section(dictionary **dict)
{
	dictionary_set(*dict, "a", "b");
}

static void
one_more(dictionary **dict)
{
	dictionary_set(*dict, "a:m", "w");
}

static void
other_order(dictionary **dict)
{
	dictionary_unset(*dict, "a");
	dictionary_set(*dict, "a", NULL);
}

static void
no_dictionary(dictionary **dict)
{
	iniparser_freedict(*dict);
	*dict = NULL;
}

static void
test_other_iniparser(void)
{
	static const struct {
		const char *what;
		void (*tamper)(dictionary **dict);
		const char *problems;
	} cases[] = {
		/* clang-format off */
		{ "iniparser reads another value", other_value,
		    "f:2: error: [A] K: read differently by iniparser, as "
		    "'\\x1bw' and not 'v'; write it plainer\n" },
		{ "iniparser overlooks a setting", no_key,
		    "f:2: error: [A] K: read differently by iniparser, as "
		    "'(nothing)' and not 'v'; write it plainer\n" },
		{ "iniparser reads no value", no_value,
		    "f:2: error: [A] K: read differently by iniparser, as a "
		    "section and not 'v'; write it plainer\n" },
		{ "iniparser reads a setting for a section", no_section,
		    "f:1: error: [A] read differently by iniparser, as 'b' "
		    "and not a section; write it plainer\n" },
		{ "iniparser reads what is not there", one_more,
		    "f:0: error: read differently by iniparser, as 3 names "
		    "and not 2; write it plainer\n" },
		{ "iniparser keeps another order", other_order, "" },
		{ "iniparser fails without a word", no_dictionary,
		    "f:0: error: out of memory; the file was not read\n" },
		/* clang-format on */
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		struct result result;

		tamper = cases[i].tamper;
		result = parse(BYTES("[A]\nK = v\n"));
		tamper = NULL;
		is_str(result.problems, cases[i].problems, cases[i].what);
		is_int(result.ini != NULL, cases[i].problems[0] == '\0',
		    "refused only for a difference");
		drop(&result);
	}
}

static uint64_t seed = 88172645463325252u;

static size_t
below(size_t limit)
{
	return random_below(&seed, limit);
}

#define MUTANT_MAX 4096

struct mutant {
	char bytes[MUTANT_MAX];
	size_t len;
};

static void
insert(struct mutant *mutant, size_t at, const char *bytes, size_t len)
{
	char copy[MUTANT_MAX];

	if (mutant->len + len > sizeof(mutant->bytes))
		return;
	memcpy(copy, bytes, len);
	memmove(mutant->bytes + at + len, mutant->bytes + at, mutant->len - at);
	memcpy(mutant->bytes + at, copy, len);
	mutant->len += len;
}

static void
cut(struct mutant *mutant, size_t at, size_t len)
{
	if (len > mutant->len - at)
		len = mutant->len - at;
	memmove(mutant->bytes + at, mutant->bytes + at + len,
	    mutant->len - at - len);
	mutant->len -= len;
}

static void
mutate(struct mutant *mutant)
{
	static const struct {
		const char *bytes;
		size_t len;
	} words[] = {
		/* clang-format off */
		{ BYTES(";") }, { BYTES("#") }, { BYTES(" ;") }, { BYTES("=") },
		{ BYTES("\"") }, { BYTES("'") }, { BYTES("[") }, { BYTES("]") },
		{ BYTES("[x]\n") }, { BYTES("\nk2 = ") }, { BYTES("\\") },
		{ BYTES("\\\n") }, { BYTES("\n") }, { BYTES("\r\n") },
		{ BYTES(" ") }, { BYTES("\t") }, { BYTES(":") }, { BYTES("%s") },
		{ BYTES("\"\"") }, { BYTES("''") }, { BYTES("\xc3\xa9") },
		{ BYTES("\0") }, { BYTES("\xff") }, { BYTES("\r") },
		{ BYTES("\v") },
		/* clang-format on */
	};
	size_t at = below(mutant->len + 1);
	size_t word = below(nitems(words));

	switch (below(5)) {
	case 0:
	case 1:
		insert(mutant, at, words[word].bytes, words[word].len);
		break;
	case 2:
		cut(mutant, at, 1 + below(4));
		break;
	case 3:
		if (at < mutant->len)
			mutant->bytes[at] = (char)below(256);
		break;
	case 4:
		insert(mutant, at, mutant->bytes + at,
		    below(mutant->len - at + 1));
		break;
	}
}

/* The name iniparser has must be ours, but for case and blanks. */
static int
same_name(const char *theirs, const char *section, const char *key)
{
	char ours[2 * MUTANT_MAX];
	const char *o = ours;

	snprintf(ours, sizeof(ours), "%s%s%s", section, key != NULL ? ":" : "",
	    key != NULL ? key : "");
	for (;;) {
		while (*theirs == ' ' || *theirs == '\t')
			theirs++;
		while (*o == ' ' || *o == '\t')
			o++;
		if (*theirs != text_lower(*o))
			return 0;
		if (*o == '\0')
			return 1;
		theirs++;
		o++;
	}
}

static int
silent(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

/* Does iniparser, asked here, read the bytes as the room did? */
static int
iniparser_agrees(const struct mutant *mutant, const struct ini *ini)
{
	char path[32];
	int fd = memfd_create("mutant", MFD_CLOEXEC);
	dictionary *dict;
	size_t at = 0, count;
	int same = 1;

	if (write(fd, mutant->bytes, mutant->len) != (ssize_t)mutant->len)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	iniparser_set_error_callback(silent);
	dict = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	close(fd);
	if (dict == NULL)
		return 0;
	count = (size_t)dict->n;
	for (size_t s = 0; same && s < ini->section_count; s++) {
		const struct ini_section *section = &ini->sections[s];

		same = at < count && dict->val[at] == NULL &&
		    same_name(dict->key[at], section->name, NULL);
		at++;
		for (size_t k = 0; same && k < section->key_count; k++, at++)
			same = at < count && dict->val[at] != NULL &&
			    same_name(dict->key[at], section->name,
				section->keys[k].name) &&
			    strcmp(dict->val[at], section->keys[k].value) == 0;
	}
	same = same && at == count;
	iniparser_freedict(dict);
	return same;
}

/* Printable ASCII and line feeds only. */
static int
is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '\n' && (*text < 0x20 || *text > 0x7e))
			return 0;
	return 1;
}

/* iniparser 4.2 takes a backslash between quotes away; 4.1 keeps it. */
static int
drops_backslash(void)
{
	struct result result = parse(BYTES("[a]\nk = \"v\\w\"\n"));
	const int drops = result.ini == NULL;

	is_str(result.problems,
	    drops ? "f:2: error: [a] k: read differently by iniparser, as "
		    "'vw' and not 'v\\x5cw'; write it plainer\n"
		  : "",
	    "a backslash between quotes stays, or is refused");
	drop(&result);
	return drops;
}

static void
pick(struct mutant *mutant)
{
	size_t which = below(nitems(bad) + 4 * nitems(good));
	const char *bytes;

	if (which < nitems(bad)) {
		bytes = bad[which].bytes;
		mutant->len = bad[which].len;
	} else {
		which = (which - nitems(bad)) % nitems(good);
		bytes = good[which].bytes;
		mutant->len = good[which].len;
	}
	memcpy(mutant->bytes, bytes, mutant->len);
}

static void
test_mutants(size_t count)
{
	static struct mutant mutant;
	size_t accepted = 0, wrong = 0, differ = 0, unsaid = 0, unclean = 0;
	const int drops = drops_backslash();

	for (size_t i = 0; i < count; i++) {
		struct result result;

		pick(&mutant);
		for (size_t n = 1 + below(3); n > 0; n--)
			mutate(&mutant);
		result = parse(mutant.bytes, mutant.len);
		accepted += result.ini != NULL;
		if (result.ini != NULL &&
		    !iniparser_agrees(&mutant, result.ini))
			wrong++;
		differ += strstr(result.problems, "iniparser") != NULL &&
		    !(drops && memchr(mutant.bytes, '\\', mutant.len));
		unsaid += (result.ini == NULL) !=
		    (diags_count(result.diags, SEVERITY_ERROR) > 0);
		unclean += !is_clean(result.problems);
		drop(&result);
	}
	printf("# %zu of %zu mutants accepted\n", accepted, count);
	ok(accepted > count / 10, "many mutants are accepted");
	ok(accepted < count * 9 / 10, "and many refused");
	is_int((long long)wrong, 0, "what is accepted is what iniparser reads");
	is_int(
	    (long long)differ, 0, "what the scan finds sound iniparser does");
	is_int((long long)unsaid, 0, "nothing is refused without a reason");
	is_int(
	    (long long)unclean, 0, "no byte of a file reaches a problem raw");
}

int
main(void)
{
	int saved = dup(STDERR_FILENO);
	int fd = memfd_create("stderr", MFD_CLOEXEC);
	off_t size;

	/* iniparser must not speak for itself. */
	dup2(fd, STDERR_FILENO);
	test_bad();
	test_good();
	test_line_length();
	test_amounts();
	test_no_descriptors();
	test_other_iniparser();
	test_other_user();
	test_mutants(100000);
	size = lseek(fd, 0, SEEK_END);
	dup2(saved, STDERR_FILENO);
	is_int((long long)size, 0, "nothing is written to standard error");
	return done();
}
