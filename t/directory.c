/*
 * directory.c - who is listed and what is known of them; every fault of a
 * file, with exact texts; plain files and hashed ones are the same; who is for
 * internal senders only at any domain, against a walk through all of them. As
 * "directory load FILE" it loads a file and prints what that took.
 */
#include "directory.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "digest.h"
#include "digests.h"
#include "random.h"
#include "scarcity.h"
#include "tap.h"
#include "text.h"

#define A_UMLAUT "\xc3\xa4"
#define A_UMLAUT_UPPER "\xc3\x84"

struct loaded {
	struct directory *directory;
	char *problems;
};

static struct loaded
load_bytes(const char *bytes, size_t len)
{
	struct loaded loaded = { NULL, NULL };
	struct diags *diags = diags_new();
	size_t size;
	FILE *out = open_memstream(&loaded.problems, &size);

	loaded.directory = directory_load("r.txt", bytes, len, diags);
	diags_print(diags, out);
	fclose(out);
	if ((loaded.directory == NULL) !=
	    (diags_count(diags, SEVERITY_ERROR) > 0))
		ok(0, "a directory or problems, and not both");
	diags_free(diags);
	return loaded;
}

static struct loaded
load_text(const char *text)
{
	return load_bytes(text, strlen(text));
}

static void
drop(struct loaded *loaded)
{
	directory_free(loaded->directory);
	free(loaded->problems);
}

/* "alice@example.com" in hex. */
static const char *
hash_of(char hex[DIGEST_HEX_MAX], const char *address)
{
	unsigned char sum[DIGEST_SIZE];

	if (digest_of(sum, address, strlen(address)) != 0)
		exit(2);
	return digest_hex(hex, sum);
}

static const char file_text[] =
    "# People\n"
    "\n"
    "alice@example.com login=alice,scanhub name=\"Alice Doe\" "
    "aliases=a.doe@example.com,sha256:"
    "b15fa4c8b0b8c3ee0a0e5bd7d3e4f4ad3b6cf2b5d0d8a5e84a0a5ff2d3c1b2a0\n"
    "  # indented\r\n"
    "\tBob.Roe@EXAMPLE.com.\tinternal_only  name=Bob\r\n"
    "\"carol smith\"@example.com Name=\"Carol \\\"C\\\" \\\\ Smith\"\n"
    "all-h" A_UMLAUT "nds@example.com InternalOnly\n"
    "dave@m" A_UMLAUT "il.example aliases=\"d,v\"@example.com,"
    "\"e\\\"e e\"@example.com login=EXAMPLE\\dave\n"
    "SHA256:5E884898DA28047151D0E56F8DC6292773603D0D6AABBDD62A11EF721D1542D8 "
    "name=hashed\n"
    "last@example.com\n";

/* clang-format off */
static const struct {
	const char *what;
	const char *address;
	const char *delimiter;
	enum answer want;
	const char *name, *logins;
	bool internal_only;
} finds[] = {
	{ "as written", "alice@example.com", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "another case", "ALICE@Example.COM", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "quoted without need", "\"alice\"@example.com", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "a backslash without need", "\"al\\ice\"@example.com", "",
	    ANSWER_YES, "Alice Doe", "alice,scanhub", false },
	{ "a dot at the end of the domain", "alice@example.com.", "",
	    ANSWER_YES, "Alice Doe", "alice,scanhub", false },
	{ "angle brackets", "<alice@example.com>", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "an alias", "A.Doe@example.com", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "only a part of a local part", "alic@example.com", "",
	    ANSWER_NO, "", "", false },
	{ "below the domain", "alice@mail.example.com", "",
	    ANSWER_NO, "", "", false },
	{ "another domain", "alice@example.net", "", ANSWER_NO, "", "",
	    false },
	{ "internal only, behind blanks, TABs and CR LF",
	    "bob.roe@example.com", "", ANSWER_YES, "Bob", "", true },
	{ "a quoted local part", "\"Carol Smith\"@example.com", "",
	    ANSWER_YES, "Carol \"C\" \\ Smith", "", false },
	{ "not without its blank", "carolsmith@example.com", "", ANSWER_NO,
	    "", "", false },
	{ "a letter beyond ASCII", "all-h" A_UMLAUT "nds@example.com", "",
	    ANSWER_YES, "", "", true },
	{ "in upper case", "ALL-H" A_UMLAUT_UPPER "NDS@example.com", "",
	    ANSWER_YES, "", "", true },
	{ "a U-label", "dave@m" A_UMLAUT "il.example", "", ANSWER_YES, "",
	    "EXAMPLE\\dave", false },
	{ "in upper case", "dave@M" A_UMLAUT_UPPER "IL.example", "",
	    ANSWER_YES, "", "EXAMPLE\\dave", false },
	{ "as an A-label", "dave@XN--mil-qla.example", "", ANSWER_YES, "",
	    "EXAMPLE\\dave", false },
	{ "a quoted alias with a comma", "\"D,V\"@example.com", "",
	    ANSWER_YES, "", "EXAMPLE\\dave", false },
	{ "a quoted alias with a quote and a blank",
	    "\"e\\\"e e\"@example.com", "", ANSWER_YES, "", "EXAMPLE\\dave",
	    false },
	{ "the last line", "last@example.com", "", ANSWER_YES, "", "",
	    false },
	{ "a word of the file", "login@example.com", "", ANSWER_NO, "", "",
	    false },
	{ "nobody", "<>", "", ANSWER_NO, "", "", false },
	{ "a bare name", "alice", "", ANSWER_NO, "", "", false },
	{ "a literal", "alice@[192.0.2.1]", "", ANSWER_NO, "", "", false },
	{ "no address at all", "alice@@example.com", "", ANSWER_NO, "", "",
	    false },
	{ "a tag without a delimiter", "alice+x@example.com", "", ANSWER_NO,
	    "", "", false },
	{ "a tag", "alice+x@example.com", "+", ANSWER_YES, "Alice Doe",
	    "alice,scanhub", false },
	{ "an empty tag", "alice+@example.com", "+", ANSWER_YES, "Alice Doe",
	    "alice,scanhub", false },
	{ "a tag with a tag", "alice+x+y@example.com", "+", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "a tag of an internal recipient", "BOB.ROE+x@example.com", "+",
	    ANSWER_YES, "Bob", "", true },
	{ "another delimiter", "alice-x@example.com", "-", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "a delimiter in an address that is listed whole",
	    "all-h" A_UMLAUT "nds@example.com", "-", ANSWER_YES, "", "",
	    true },
	{ "a tag of nobody", "eve+alice@example.com", "+", ANSWER_NO, "", "",
	    false },
	{ "nothing but a tag", "+alice@example.com", "+", ANSWER_NO, "", "",
	    false },
	{ "a tag of a bare name", "alice+x", "+", ANSWER_NO, "", "", false },
	{ "a route in front of one who is listed",
	    "<@relay.example:alice@example.com>", "", ANSWER_YES,
	    "Alice Doe", "alice,scanhub", false },
	{ "a percent sign", "alice%example.com@example.com", "", ANSWER_NO,
	    "", "", false },
};
/* clang-format on */

static void
test_finds(void)
{
	struct loaded loaded = load_text(file_text);
	struct listing listing;

	is_str(loaded.problems, "", "a file with everything loads");
	is_int((long long)directory_count(loaded.directory), 7, "recipients");
	ok(directory_has_internal_only(loaded.directory),
	    "some take internal senders only");
	for (size_t i = 0; i < nitems(finds); i++) {
		struct mailbox mailbox;
		const char *wrong = mailbox_parse(
		    &mailbox, finds[i].address, strlen(finds[i].address));

		(void)wrong;
		is_int(directory_find_mailbox(loaded.directory, &mailbox,
			   finds[i].delimiter, &listing),
		    finds[i].want, finds[i].what);
		is_str(listing.name, finds[i].name, "its name");
		is_str(listing.logins, finds[i].logins, "its logins");
		is_int(listing.internal_only, finds[i].internal_only,
		    "its senders");
	}
	is_int(directory_find(NULL, "alice", "example.com", &listing),
	    ANSWER_NO, "no directory knows nobody");
	ok(directory_count(NULL) == 0 && directory_bytes(NULL) == 0 &&
		!directory_has_internal_only(NULL),
	    "and is empty");
	directory_free(NULL);
	drop(&loaded);
}

/* What a caller could hand over that no mailbox holds. */
static void
test_raw_finds(void)
{
	struct loaded loaded = load_text("\xc3\xa4@example.com\n"
					 "\xe1\xba\x9e@example.com\n"
					 "\xc8\xba@example.com\n"
					 "\xf0\x90\x90\x80@example.com\n"
					 "\xce\xa3@example.com\n");
	char local[MAILBOX_MAX + 3], domain[DOMAIN_MAX + 3];
	struct listing listing;
	static const struct {
		const char *what;
		const char *local;
		enum answer want;
	} cases[] = {
		/* clang-format off */
		{ "two bytes", "\xc3\x84", ANSWER_YES },
		{ "a torn character", "\xc3", ANSWER_NO },
		{ "Latin-1", "\xc4", ANSWER_NO },
		{ "three bytes that become two", "\xc3\x9f", ANSWER_YES },
		{ "two bytes that become three", "\xe2\xb1\xa5", ANSWER_YES },
		{ "four bytes", "\xf0\x90\x90\xa8", ANSWER_YES },
		{ "Greek", "\xcf\x83", ANSWER_YES },
		{ "nothing", "", ANSWER_NO },
		/* clang-format on */
	};

	is_str(loaded.problems, "", "letters of all lengths load");
	for (size_t i = 0; i < nitems(cases); i++)
		is_int(directory_find(loaded.directory, cases[i].local,
			   "example.com", &listing),
		    cases[i].want, cases[i].what);
	memset(local, 'a', sizeof(local));
	local[MAILBOX_MAX + 1] = '\0';
	is_int(directory_find(loaded.directory, local, "example.com", &listing),
	    ANSWER_NO, "a local part that is too long");
	/* Each of these grows by a byte when it loses its case. */
	for (size_t i = 0; i + 1 < MAILBOX_MAX; i += 2)
		memcpy(local + i, "\xc8\xba", 2);
	local[MAILBOX_MAX - 1] = '\0';
	memset(domain, 'd', sizeof(domain));
	domain[DOMAIN_MAX] = '\0';
	is_int(directory_find(loaded.directory, local, domain, &listing),
	    ANSWER_NO, "the longest that there can be");
	domain[DOMAIN_MAX] = 'd';
	domain[DOMAIN_MAX + 1] = '\0';
	is_int(directory_find(loaded.directory, "a", domain, &listing),
	    ANSWER_NO, "a domain that is too long");
	ok(!directory_has_internal_only(loaded.directory),
	    "all take all senders");
	drop(&loaded);
}

/* clang-format off */
static const struct {
	const char *what;
	const char *logins, *login;
	bool want;
} logins[] = {
	{ "the only one", "alice", "alice", true },
	{ "the first one", "alice,scan", "alice", true },
	{ "the last one", "alice,scan", "scan", true },
	{ "without ASCII case", "Alice", "aLICE", true },
	{ "with other case", A_UMLAUT, A_UMLAUT_UPPER, false },
	{ "the front of one", "alice", "ali", false },
	{ "one and more", "ali", "alice", false },
	{ "two at once", "alice,scan", "alice,scan", false },
	{ "the end of one", "alice", "ice", false },
	{ "nobody of nobody", "", "", false },
	{ "nobody", "alice", "", false },
	{ "of nobody", "", "alice", false },
};
/* clang-format on */

static void
test_logins(void)
{
	for (size_t i = 0; i < nitems(logins); i++) {
		const struct listing listing = { false, "", logins[i].logins };

		is_int(listing_has_login(&listing, logins[i].login),
		    logins[i].want, logins[i].what);
	}
}

#define GOOD "a@example.com\n"
#define SUCH "; write one such as user@example.com\n"
#define HEX63 \
	"9f86d081884c7d659a2feaa0c55ad015" \
	"a3bf4f1b2b0b822cd15d6c15b0f00a0"

/* clang-format off */
static const struct {
	const char *what;
	const char *text;
	const char *want;
} faults[] = {
	{ "a bare name", "alice\n",
	    "r.txt:1: error: 'alice' has no domain" SUCH },
	{ "a line that begins with a word", "login=alice a@example.com\n",
	    "r.txt:1: error: 'login=alice' has no domain" SUCH
	    "r.txt:1: error: 'a@example.com' is an unknown word; behind the "
	    "address stand login=, name=, aliases= and internal_only, and "
	    "what holds blanks in double quotes\n" },
	{ "no local part", "@example.com\n",
	    "r.txt:1: error: '@example.com' begins with '@', so it has no "
	    "local part, or a route" SUCH },
	{ "a route", "@a.example:b@example.com\n",
	    "r.txt:1: error: '@a.example:b@example.com' begins with '@', so "
	    "it has no local part, or a route" SUCH },
	{ "a percent sign", "a%b@example.com\n",
	    "r.txt:1: error: 'a%b@example.com' is routed (%, !, : or @ in the "
	    "local part, or IMCEA in front of it), which is relay and never "
	    "looked up" SUCH },
	{ "an exclamation mark", "a!b@example.com\n",
	    "r.txt:1: error: 'a!b@example.com' is routed (%, !, : or @ in the "
	    "local part, or IMCEA in front of it), which is relay and never "
	    "looked up" SUCH },
	{ "a quoted @", "\"a@b\"@example.com\n",
	    "r.txt:1: error: '\\x22a@b\\x22@example.com' is routed (%, !, : "
	    "or @ in the local part, or IMCEA in front of it), which is relay "
	    "and never looked up" SUCH },
	{ "IMCEA", "imceaEX-_O=X@example.com\n",
	    "r.txt:1: error: 'imceaEX-_O=X@example.com' is routed (%, !, : or "
	    "@ in the local part, or IMCEA in front of it), which is relay "
	    "and never looked up" SUCH },
	{ "a literal", "a@[192.0.2.1]\n",
	    "r.txt:1: error: 'a@[192.0.2.1]' has an address literal, which is "
	    "never looked up" SUCH },
	{ "a wildcard", "*@example.com\n",
	    "r.txt:1: error: '*@example.com' has a wildcard, but each "
	    "recipient stands for itself" SUCH },
	{ "angle brackets", "<a@example.com>\n",
	    "r.txt:1: error: '<a@example.com>' stands in angle brackets"
	    SUCH },
	{ "one angle bracket", "a@example.com>\n",
	    "r.txt:1: error: 'a@example.com>' stands in angle brackets"
	    SUCH },
	{ "the null sender", "<>\n",
	    "r.txt:1: error: '<>' stands in angle brackets" SUCH },
	{ "a domain that is none", "a@example..com\n",
	    "r.txt:1: error: 'a@example..com' is not an address: the domain "
	    "of the address is not valid" SUCH },
	{ "two dots", "a..b@example.com\n",
	    "r.txt:1: error: 'a..b@example.com' is not an address: the local "
	    "part is not valid" SUCH },
	{ "a comma", "a@example.com,\n",
	    "r.txt:1: error: 'a@example.com,' is not an address: the domain "
	    "of the address is not valid" SUCH },
	{ "a comment of another language", "; people\n",
	    "r.txt:1: error: ';' is not an address: the local part is not "
	    "valid" SUCH
	    "r.txt:1: error: 'people' is an unknown word; behind the address "
	    "stand login=, name=, aliases= and internal_only, and what holds "
	    "blanks in double quotes\n" },
	{ "63 digits", "sha256:" HEX63 "\n",
	    "r.txt:1: error: 'sha256:" HEX63 "' has 63 hex digits; a SHA-256 "
	    "has 64\n" },
	{ "65 digits", "sha256:" HEX63 "00\n",
	    "r.txt:1: error: 'sha256:" HEX63 "00' has 65 hex digits; a "
	    "SHA-256 has 64\n" },
	{ "no digits", "sha256:\n",
	    "r.txt:1: error: 'sha256:' has 0 hex digits; a SHA-256 has 64\n" },
	{ "another letter", "sha256:" HEX63 "g\n",
	    "r.txt:1: error: 'sha256:" HEX63 "g' holds what is no hex digit; "
	    "behind 'sha256:' stand 64 of 0-9 and a-f\n" },
	{ "an alias that is bare", "a@example.com aliases=b,c@example.com\n",
	    "r.txt:1: error: aliases: 'b' has no domain" SUCH },
	{ "an alias with a bad digest", "a@example.com aliases=sha256:0\n",
	    "r.txt:1: error: aliases: 'sha256:0' has 1 hex digits; a SHA-256 "
	    "has 64\n" },
	{ "an empty alias", "a@example.com aliases=b@example.com,\n",
	    "r.txt:1: error: aliases: 'b@example.com,' has an empty item; "
	    "write items with a comma and no blank between them\n" },
	{ "a blank in a list", "a@example.com login=a, b\n",
	    "r.txt:1: error: login: 'a,' has an empty item; write items with "
	    "a comma and no blank between them\n"
	    "r.txt:1: error: 'b' is an unknown word; behind the address stand "
	    "login=, name=, aliases= and internal_only, and what holds blanks "
	    "in double quotes\n" },
	{ "a quoted login", "a@example.com login=\"a\"\n",
	    "r.txt:1: error: login: '\\x22a\\x22' holds a quote; logins stand "
	    "without quotes\n" },
	{ "a login with a control character", "a@example.com login=\xc2\x9b\n",
	    "r.txt:1: error: login: '\\xc2\\x9b' holds a control character; "
	    "remove it\n" },
	{ "a slip of the keyboard", "a@example.com lgoin=a\n",
	    "r.txt:1: error: 'lgoin' is an unknown word; did you mean "
	    "'login'\n" },
	{ "one without value", "a@example.com internalonyl\n",
	    "r.txt:1: error: 'internalonyl' is an unknown word; did you mean "
	    "'internal_only'\n" },
	{ "an unquoted name with a blank", "a@example.com name=Alice Doe\n",
	    "r.txt:1: error: 'Doe' is an unknown word; behind the address "
	    "stand login=, name=, aliases= and internal_only, and what holds "
	    "blanks in double quotes\n" },
	{ "an '=' alone", "a@example.com =\n",
	    "r.txt:1: error: '' is an unknown word; behind the address stand "
	    "login=, name=, aliases= and internal_only, and what holds blanks "
	    "in double quotes\n" },
	{ "a comment behind a recipient", "a@example.com # Alice\n",
	    "r.txt:1: error: '#' stands behind a recipient; a comment has a "
	    "line of its own\n" },
	{ "login twice", "a@example.com login=a login=b\n",
	    "r.txt:1: error: login: the word stands twice; write it once in a "
	    "line\n" },
	{ "internal_only twice", "a@example.com internal_only InternalOnly\n",
	    "r.txt:1: error: internal_only: the word stands twice; write it "
	    "once in a line\n" },
	{ "a value for internal_only", "a@example.com internal_only=no\n",
	    "r.txt:1: error: internal_only: no value is taken; write "
	    "internal_only alone, or leave it out\n" },
	{ "login without value", "a@example.com login\n",
	    "r.txt:1: error: login: the value is missing; write login=A,B, or "
	    "leave the word out\n" },
	{ "an empty login", "a@example.com login=\n",
	    "r.txt:1: error: login: the value is missing; write login=A,B, or "
	    "leave the word out\n" },
	{ "empty aliases", "a@example.com aliases=\n",
	    "r.txt:1: error: aliases: the value is missing; write "
	    "aliases=A@EXAMPLE.COM,B@EXAMPLE.COM, or leave the word out\n" },
	{ "an empty name", "a@example.com name=\"\"\n",
	    "r.txt:1: error: name: the value is missing; write "
	    "name=\"NAME\", or leave the word out\n" },
	{ "a blank name", "a@example.com name=\"  \"\n",
	    "r.txt:1: error: name: the name is blank; write one, or leave the "
	    "word out\n" },
	{ "an unclosed quote", "a@example.com name=\"Alice login=a\n",
	    "r.txt:1: error: 'name=\\x22Alice login=a' has no closing double "
	    "quote; add it\n" },
	{ "an escaped closing quote", "a@example.com name=\"Alice\\\"\n",
	    "r.txt:1: error: 'name=\\x22Alice\\x5c\\x22' has no closing "
	    "double quote; add it\n" },
	{ "an unclosed quote in the address", "\"a @example.com\n",
	    "r.txt:1: error: '\\x22a @example.com' has no closing double "
	    "quote; add it\n" },
	{ "a backslash alone", "a@example.com name=\"A\\lice\"\n",
	    "r.txt:1: error: name: '\\x22A\\x5clice\\x22' has a backslash "
	    "before another character; write \\\" for a quote and \\\\ for a "
	    "backslash\n" },
	{ "no blank behind a quote", "a@example.com name=\"A\"login=a\n",
	    "r.txt:1: error: name: 'login=a' follows the closing quote; put a "
	    "blank between words, and write \\\" for a quote in a name\n" },
	{ "a quote inside a name", "a@example.com name=A\"B C\"\n",
	    "r.txt:1: error: name: 'A\\x22B C\\x22' holds a quote; put the "
	    "whole name in double quotes and write \\\" for a quote in it\n" },
	{ "a TAB in a name", "a@example.com name=\"A\tB\"\n",
	    "r.txt:1: error: name: 'A\\x09B' holds a control character; "
	    "remove it\n" },
	{ "a control character of two bytes",
	    "a@example.com name=\"A\xc2\x85\"\n",
	    "r.txt:1: error: name: 'A\\xc2\\x85' holds a control character; "
	    "remove it\n" },
	{ "a line separator", "a@example.com name=A\xe2\x80\xa8" "B\n",
	    "r.txt:1: error: name: 'A\\xe2\\x80\\xa8B' holds a control "
	    "character; remove it\n" },
	{ "a paragraph separator", "a@example.com name=A\xe2\x80\xa9" "B\n",
	    "r.txt:1: error: name: 'A\\xe2\\x80\\xa9B' holds a control "
	    "character; remove it\n" },
	{ "marks beside those", "a@example.com name=A\xc2\xa0\xe2\x80\xa6"
	    "\xe2\x81\xa8\n", "" },
	{ "DEL", GOOD "b@example.com name=a\x7f\n",
	    "r.txt:2: error: the line holds the control byte 0x7f; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "Latin-1", "# caf\xe9\n" GOOD,
	    "r.txt:1: error: the byte 0xe9 does not belong to UTF-8 text; "
	    "save the file as UTF-8\n" },
	{ "ESC", GOOD "b@example.com name=\x1b[1m\n",
	    "r.txt:2: error: the line holds the control byte 0x1b; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "CR alone", "a@example.com\rb@example.com\n",
	    "r.txt:1: error: the line holds the control byte 0x0d; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n" },
	{ "a byte order mark", "\xef\xbb\xbf" GOOD,
	    "r.txt:1: error: the file begins with a byte order mark; save it "
	    "as UTF-8 without one\n" },
	{ "a torn line", GOOD "b@example.com",
	    "r.txt:2: error: the last line does not end in a line feed; the "
	    "file may be torn: complete the line and end it\n" },
	{ "a torn comment", GOOD "# b",
	    "r.txt:2: error: the last line does not end in a line feed; the "
	    "file may be torn: complete the line and end it\n" },
	{ "a torn line that is wrong", GOOD "b@exa",
	    "r.txt:2: error: the last line does not end in a line feed; the "
	    "file may be torn: complete the line and end it\n" },
	{ "an empty file", "",
	    "r.txt:0: error: the file has no recipient; write one a line, "
	    "such as user@example.com, or do not name the file\n" },
	{ "nothing but comments", "# nobody\n\n  \n",
	    "r.txt:0: error: the file has no recipient; write one a line, "
	    "such as user@example.com, or do not name the file\n" },
	{ "an address twice", GOOD "\n# b\nA@Example.com. login=a\n",
	    "r.txt:4: error: 'A@Example.com.' stands in line 1 already; give "
	    "each address, also as an alias, to one recipient\n" },
	{ "an alias of another", "a@example.com aliases=b@example.com\n"
	    "c@example.com aliases=d@example.com,\"b\"@example.com\r\n",
	    "r.txt:2: error: '\\x22b\\x22@example.com' stands in line 1 "
	    "already; give each address, also as an alias, to one "
	    "recipient\n" },
	{ "an alias of itself", "a@example.com aliases=A@example.com\n",
	    "r.txt:1: error: 'A@example.com' stands twice in this line; write "
	    "it once\n" },
	{ "three times", GOOD GOOD GOOD,
	    "r.txt:2: error: 'a@example.com' stands in line 1 already; give "
	    "each address, also as an alias, to one recipient\n"
	    "r.txt:3: error: 'a@example.com' stands in line 1 already; give "
	    "each address, also as an alias, to one recipient\n" },
	{ "a wrong line that is a repetition as well",
	    GOOD "b@example.com name=\"\" aliases=a@example.com\n",
	    "r.txt:2: error: name: the value is missing; write "
	    "name=\"NAME\", or leave the word out\n"
	    "r.txt:2: error: 'a@example.com' stands in line 1 already; give "
	    "each address, also as an alias, to one recipient\n" },
};
/* clang-format on */

static void
test_faults(void)
{
	for (size_t i = 0; i < nitems(faults); i++) {
		struct loaded loaded = load_text(faults[i].text);

		is_str(loaded.problems, faults[i].want, faults[i].what);
		ok((loaded.directory == NULL) == (faults[i].want[0] != '\0'),
		    "all or nothing");
		drop(&loaded);
	}
}

/* Faults that no literal can show. */
static void
test_other_faults(void)
{
	char hex[DIGEST_HEX_MAX], text[10000], want[512];
	struct loaded loaded = load_bytes("a@exa\0mple.com\n", 15);

	is_str(loaded.problems,
	    "r.txt:1: error: the line holds the control byte 0x00; remove it: "
	    "a blank is a space or TAB, lines end in LF or CR LF\n",
	    "a NUL byte");
	drop(&loaded);

	snprintf(text, sizeof(text), "a@example.com\nsha256:%s\n",
	    hash_of(hex, "a@example.com"));
	loaded = load_text(text);
	snprintf(want, sizeof(want),
	    "r.txt:2: error: 'sha256:%s' stands in line 1 already; give each "
	    "address, also as an alias, to one recipient\n",
	    hex);
	is_str(loaded.problems, want, "an address and its digest are one");
	drop(&loaded);

	memcpy(text, "a@example.com name=", 19);
	memset(text + 19, 'n', 257);
	strcpy(text + 19 + 257, "\n");
	loaded = load_text(text);
	is_str(loaded.problems,
	    "r.txt:1: error: name: the name has 257 bytes; at most 256 are "
	    "allowed\n",
	    "a name of 257 bytes");
	drop(&loaded);
	strcpy(text + 19 + 256, "\n");
	loaded = load_text(text);
	is_str(loaded.problems, "", "a name of 256 bytes");
	drop(&loaded);

	memset(text, '#', 8192);
	strcpy(text + 8192, "\n" GOOD);
	loaded = load_text(text);
	is_str(loaded.problems, "", "a line of 8192 bytes");
	drop(&loaded);
	strcpy(text + 8192, "\r\n" GOOD);
	loaded = load_text(text);
	is_str(loaded.problems,
	    "r.txt:1: error: the line has 8193 bytes, 8192 are allowed; leave "
	    "out what is not needed\n",
	    "a line of 8193 bytes");
	drop(&loaded);
}

/* As many aliases as a line can hold, and the name of the last one. */
static void
test_full_line(void)
{
	char text[9000] = "a@a aliases=";
	size_t len = strlen(text);
	struct loaded loaded;
	struct listing listing;
	int found = 0, count = 0;

	for (int i = 0; len + 8 < 8192; i++, count++)
		len += (size_t)snprintf(text + len, 10, "%s%c%c%c@b",
		    i == 0 ? "" : ",", 'a' + i / 676, 'a' + i / 26 % 26,
		    'a' + i % 26);
	strcpy(text + len, "\n");
	loaded = load_text(text);
	is_str(loaded.problems, "", "a line full of aliases");
	for (int i = 0; i < count; i++) {
		const char local[] = { (char)('a' + i / 676),
			(char)('a' + i / 26 % 26), (char)('a' + i % 26), '\0' };

		found += directory_find(loaded.directory, local, "b",
			     &listing) == ANSWER_YES;
	}
	is_int(found, count, "every one is found");
	drop(&loaded);
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

static void
test_many_faults(void)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct loaded loaded;
	char *at;

	for (int i = 0; i < 1000; i++)
		fprintf(out, "bare\n" GOOD);
	fclose(out);
	loaded = load_text(text);
	is_int((long long)count_lines(loaded.problems), 101,
	    "two thousand lines, a hundred problems and one");
	at = strstr(loaded.problems, "r.txt:199: ");
	/* Of 1000 bare names 100 are told; 999 addresses are repeated. */
	is_str(at,
	    "r.txt:199: error: 'bare' has no domain" SUCH
	    "r.txt:2000: error: 1899 more lines are wrong; correct the first "
	    "100 problems and try again\n",
	    "which counts the others");
	drop(&loaded);
	free(text);

	out = open_memstream(&text, &size);
	for (int i = 0; i < 99; i++)
		fprintf(out, "bare\n");
	fprintf(out, "bare too many words\n" GOOD GOOD);
	fclose(out);
	loaded = load_text(text);
	is_int((long long)count_lines(loaded.problems), 101,
	    "more problems in a line that was told do not count");
	at = strstr(loaded.problems, "r.txt:102: ");
	is_str(at,
	    "r.txt:102: error: 1 more line is wrong; correct the first 100 "
	    "problems and try again\n",
	    "a repetition does");
	drop(&loaded);
	free(text);
}

/* The hashed text of a file; free it. */
static char *
hashed(const char *text, char **problems)
{
	char *result;
	size_t size;
	FILE *out = open_memstream(&result, &size);
	struct diags *diags = diags_new();
	const int failed =
	    directory_hash("r.txt", text, strlen(text), diags, out);

	fclose(out);
	out = open_memstream(problems, &size);
	diags_print(diags, out);
	fclose(out);
	ok((failed != 0) == (**problems != '\0'),
	    "it fails when there are problems");
	diags_free(diags);
	return result;
}

static void
test_hash(void)
{
	static const char *const addresses[] = { "alice@example.com",
		"a.doe@example.com", "bob.roe@example.com",
		"carol smith@example.com", "all-h" A_UMLAUT "nds@example.com" };
	char hex[5][DIGEST_HEX_MAX], want[2048];
	char *problems, *again_problems;
	char *text = hashed(
	    "# nobody sees this\n\n"
	    "Alice@Example.com aliases=a.doe@example.com,sha256:"
	    "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08 "
	    "name=Alice login=alice,scan\r\n"
	    "bob.roe@example.com internal_only\n"
	    "\"carol smith\"@example.com name=\"C \\\"x\\\" \\\\ S\"\n"
	    "ALL-H" A_UMLAUT_UPPER "NDS@example.com internal_only "
	    "name=\"" A_UMLAUT_UPPER "\"\n",
	    &problems);
	char *again;

	for (size_t i = 0; i < nitems(addresses); i++)
		hash_of(hex[i], addresses[i]);
	snprintf(want, sizeof(want),
	    "sha256:%s login=alice,scan name=\"Alice\" aliases=sha256:%s,"
	    "sha256:9f86d081884c7d659a2feaa0c55ad015"
	    "a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
	    "sha256:%s internal_only\n"
	    "sha256:%s name=\"C \\\"x\\\" \\\\ S\"\n"
	    "sha256:%s name=\"" A_UMLAUT_UPPER "\" internal_only\n",
	    hex[0], hex[1], hex[2], hex[3], hex[4]);
	is_str(problems, "", "a file is hashed");
	is_str(text, want, "every address is SHA-256 of its lower case");
	again = hashed(text, &again_problems);
	is_str(again, text, "and what is hashed stays so");
	free(again);
	free(again_problems);
	free(text);
	free(problems);
}

static void
test_hash_faults(void)
{
	char *problems, *text = hashed(GOOD "b@example.com name=\n", &problems);
	char line[9000] = "a@a aliases=";
	size_t len = strlen(line);

	is_str(text, "", "nothing is written");
	is_str(problems,
	    "r.txt:2: error: name: the value is missing; write name=\"NAME\", "
	    "or leave the word out\n",
	    "when a line is wrong");
	free(text);
	free(problems);

	/* 72 bytes for each when hashed. */
	for (int i = 0; i < 113; i++)
		len += (size_t)snprintf(
		    line + len, 10, "%s%d@b", i == 0 ? "" : ",", i);
	strcpy(line + len, "\n");
	text = hashed(line, &problems);
	is_str(text, "", "nothing is written");
	is_str(problems,
	    "r.txt:1: error: with every alias hashed the line is longer than "
	    "8192 bytes, which are allowed; list fewer aliases\n",
	    "when a line gets too long");
	free(text);
	free(problems);

	strcpy(strrchr(line, ','), "\n");
	text = hashed(line, &problems);
	is_str(problems, "", "one alias less");
	is_int((long long)strlen(text), 71 + 9 + 112 * 72 - 1 + 1, "is hashed");
	free(text);
	free(problems);
}

static void
test_full_disk(void)
{
	FILE *out = fopen("/dev/full", "w");
	struct diags *diags = diags_new();

	is_int(directory_hash("r.txt", GOOD, strlen(GOOD), diags, out), -1,
	    "an output that fails");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 0,
	    "is no problem of the file");
	fclose(out);
	out = fopen("/dev/full", "w");
	setvbuf(out, NULL, _IONBF, 0);
	is_int(directory_hash("r.txt", GOOD, strlen(GOOD), diags, out), -1,
	    "nor one that fails at once");
	fclose(out);
	out = fopen("/dev/null", "w");
	(void)fgetc(out);
	is_int(directory_hash("r.txt", GOOD, strlen(GOOD), diags, out), -1,
	    "one that has failed before stays so");
	fclose(out);
	diags_free(diags);
}

/* A random address, and one that is not in the file by its last letters. */
static void
random_address(uint64_t *state, char local[32], char domain[32], size_t number)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789._-'+";
	const size_t len = 1 + random_below(state, 12);
	size_t i;

	for (i = 0; i < len; i++) {
		local[i] = letters[random_below(state, sizeof(letters) - 1)];
		if (local[i] == '.' && (i == 0 || local[i - 1] == '.'))
			local[i] = 'x';
	}
	snprintf(local + i, 32 - i, "%zu", number);
	snprintf(domain, 32, "d%zu.example", random_below(state, 50));
}

/* Every address in; every one out again, and no other, plain and hashed. */
static void
test_random(void)
{
	const size_t count = 100000;
	const uint64_t seed = 20261122;
	uint64_t state = seed;
	char *text, *hashed_text, *problems;
	size_t size, wrong = 0, known = 0, different = 0;
	FILE *out = open_memstream(&text, &size);
	struct loaded plain, digests;

	printf("# seed %llu, %zu addresses\n", (unsigned long long)seed, count);
	for (size_t i = 0; i < count; i++) {
		char local[32], domain[32];

		random_address(&state, local, domain, i);
		fprintf(out, "%s@%s login=u%zu name=\"n %zu\"%s\n", local,
		    domain, i, i, i % 3 == 0 ? " internal_only" : "");
	}
	fclose(out);
	plain = load_text(text);
	is_str(plain.problems, "", "random addresses load");
	hashed_text = hashed(text, &problems);
	digests = load_text(hashed_text);
	is_str(digests.problems, "", "and hashed");
	is_int((long long)directory_count(plain.directory), (long long)count,
	    "all of them");
	state = seed;
	for (size_t i = 0; i < count; i++) {
		char local[32], domain[32], want[32];
		struct listing a, b;

		random_address(&state, local, domain, i);
		snprintf(want, sizeof(want), "n %zu", i);
		for (char *c = local; *c != '\0'; c++)
			*c = text_lower(*c);
		wrong += directory_find(plain.directory, local, domain, &a) !=
			ANSWER_YES ||
		    strcmp(a.name, want) != 0 ||
		    a.internal_only != (i % 3 == 0);
		different += directory_find(digests.directory, local, domain,
				 &b) != ANSWER_YES ||
		    strcmp(a.name, b.name) != 0 ||
		    strcmp(a.logins, b.logins) != 0 ||
		    a.internal_only != b.internal_only;
		strcat(local, "x");
		known += directory_find(plain.directory, local, domain, &a) !=
			ANSWER_NO ||
		    directory_find(digests.directory, local, domain, &b) !=
			ANSWER_NO;
	}
	is_int((long long)wrong, 0, "every one is found with what is its own");
	is_int((long long)different, 0, "and is the same when hashed");
	is_int((long long)known, 0, "nobody else is");
	drop(&plain);
	drop(&digests);
	free(text);
	free(hashed_text);
	free(problems);
}

/* Any bytes: a directory or problems, and neither crash nor hang. */
static void
test_noise(void)
{
	static const char *const parts[] = { "a@example.com", "\"", "\\", " ",
		"\t", "\n", "\r", "login=", "name=", "aliases=", ",", "=", "#",
		"sha256:", "internal_only", "<", "@", "\xc3", "\xa4", "x",
		"b@b.example", "\xef\xbb\xbf" };
	const uint64_t seed = 4711;
	const size_t count = 20000;
	uint64_t state = seed;
	size_t lost = 0;

	printf("# seed %llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < count; i++) {
		char text[512] = "";
		struct loaded loaded;

		for (size_t k = random_below(&state, 20); k > 0; k--)
			strcat(
			    text, parts[random_below(&state, nitems(parts))]);
		loaded = load_text(text);
		lost +=
		    (loaded.directory == NULL) == (loaded.problems[0] == '\0');
		drop(&loaded);
	}
	is_int((long long)lost, 0, "noise gives a directory or problems");
}

/* --- without a domain --- */

/* The answer by its definition: every domain that is named is asked. */
static enum answer
walk(const struct directory *directory, const struct mailbox *mailbox,
    const char *delimiter, const struct domain_set *const sets[], size_t count)
{
	struct mailbox whole = *mailbox;
	struct listing listing;

	whole.kind = MAILBOX_DOMAIN;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < sets[i]->count; k++) {
			const struct domain_pattern *pattern =
			    &sets[i]->patterns[k];

			strcpy(whole.domain, pattern->name);
			if (!pattern->below &&
			    directory_find_mailbox(directory, &whole, delimiter,
				&listing) == ANSWER_YES &&
			    listing.internal_only)
				return ANSWER_YES;
		}
	return ANSWER_NO;
}

#define WALK_DOMAINS 6

/* Canonical, and as the file has some of them. */
static const char *const walk_domains[WALK_DOMAINS][2] = {
	{ "a.example", "A.Example." },
	{ "b.example", "b.example" },
	{ "sub.a.example", "sub.A.example" },
	{ "xn--mil-qla.example", "m" A_UMLAUT "il.example" },
	{ "org", "ORG" },
	{ "c.example", "c.example" },
};

/* As the file has them. */
static const char *const walk_locals[] = { "all", "ALL+x", "\"all+\"", "+x",
	"all+x+y", "all-x", "\"two words\"", "Postmaster", A_UMLAUT,
	A_UMLAUT_UPPER "+x", "x" };

/* As they come from outside. */
static const char *const walk_asked[] = { "all", "All", "all+x", "all+X+z",
	"all+", "all+x+y", "all+y", "+x", "+", "-", "all-x", "all-y",
	"\"two words\"", "two", "postmaster", "postmaster+x", A_UMLAUT_UPPER,
	A_UMLAUT "+x", A_UMLAUT "+y", "x", "nobody",
	"<@a.example:all@[192.0.2.1]>", "all%x", "x@c.example" };

static void
put_walk_address(FILE *out, const char *local, const char *domain[2], bool hash)
{
	char address[256];
	char hex[DIGEST_HEX_MAX];
	struct mailbox mailbox;

	snprintf(address, sizeof(address), "%s@%s", local, domain[1]);
	if (!hash) {
		fputs(address, out);
		return;
	}
	if (mailbox_parse(&mailbox, address, strlen(address)) != NULL)
		exit(2);
	for (char *c = mailbox.local; *c != '\0'; c++)
		*c = text_lower(*c);
	/* The one letter beyond ASCII that walk_locals has in upper case. */
	if (strncmp(mailbox.local, A_UMLAUT_UPPER, 2) == 0)
		memcpy(mailbox.local, A_UMLAUT, 2);
	snprintf(
	    address, sizeof(address), "%s@%s", mailbox.local, mailbox.domain);
	fprintf(out, "sha256:%s", hash_of(hex, address));
}

/* A file in which every second address is listed, some of them hashed. */
static struct loaded
load_walk(uint64_t *state)
{
	const size_t some = random_below(state, 3); /* 0: none is hashed */
	const size_t internal = 1 + random_below(state, 4);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct loaded loaded;
	bool open = false;

	for (size_t i = 0; i < nitems(walk_locals) * WALK_DOMAINS; i++) {
		const bool hash = some > 0 && random_below(state, 3) < some;
		const char *domain[2] = { walk_domains[i % WALK_DOMAINS][0],
			walk_domains[i % WALK_DOMAINS][1] };

		if (random_below(state, 2) == 0)
			continue;
		if (open)
			fputs(random_below(state, internal) == 0
				? " internal_only aliases="
				: " aliases=",
			    out);
		put_walk_address(
		    out, walk_locals[i / WALK_DOMAINS], domain, hash);
		if (open)
			fputs("\n", out);
		open = !open;
	}
	if (open)
		fputs(" internal_only\n", out);
	fputs("last@last.example\n", out);
	fclose(out);
	loaded = load_text(text);
	if (loaded.directory == NULL)
		printf("# %s%s\n", text, loaded.problems);
	free(text);
	return loaded;
}

struct walk_sets {
	struct domain_pattern patterns[2][WALK_DOMAINS + 1];
	struct domain_set sets[2];
	const struct domain_set *both[2];
};

static void
draw_sets(struct walk_sets *drawn, uint64_t *state)
{
	for (size_t i = 0; i < 2; i++) {
		struct domain_set *set = &drawn->sets[i];

		*set = (struct domain_set){ drawn->patterns[i], 0 };
		for (size_t k = 0; k < WALK_DOMAINS; k++)
			if (random_below(state, 3) == 0)
				set->patterns[set->count++] =
				    (struct domain_pattern){ walk_domains[k][0],
					    random_below(state, 3) == 0 };
		domain_set_sort(set);
		drawn->both[i] = set;
	}
}

static void
test_walk(void)
{
	static const char *const delimiters[] = { "", "+", "-" };
	const uint64_t seed = 20261122;
	uint64_t state = seed;
	size_t wrong = 0, yes = 0, no = 0;

	for (size_t i = 0; i < 3000; i++) {
		struct loaded loaded = load_walk(&state);
		struct walk_sets drawn;
		const char *delimiter =
		    delimiters[random_below(&state, nitems(delimiters))];

		draw_sets(&drawn, &state);
		if (loaded.directory == NULL ||
		    directory_link(loaded.directory, drawn.both, 2) != 0)
			wrong++;
		for (size_t k = 0; k < nitems(walk_asked); k++) {
			struct mailbox mailbox;
			enum answer want;

			(void)!mailbox_parse(
			    &mailbox, walk_asked[k], strlen(walk_asked[k]));
			want = walk(loaded.directory, &mailbox, delimiter,
			    drawn.both, 2);
			yes += want == ANSWER_YES;
			no += want == ANSWER_NO;
			if (directory_is_internal_only_anywhere(
				loaded.directory, &mailbox, delimiter) == want)
				continue;
			if (wrong++ < 5)
				printf("# round %zu, %s\n", i, walk_asked[k]);
		}
		drop(&loaded);
	}
	printf("# seed %llu, %zu yes, %zu no\n", (unsigned long long)seed, yes,
	    no);
	is_int((long long)wrong, 0, "anywhere is at any of the domains");
	ok(yes > 10000 && no > 10000, "which is so often, and often not");
}

static struct mailbox
bare(const char *local)
{
	struct mailbox mailbox;

	(void)!mailbox_parse(&mailbox, local, strlen(local));
	return mailbox;
}

#define MANY 20000

/* However many domains there are, and wherever one of that name is listed. */
static void
test_walk_costs(void)
{
	static const char *const asked[] = { "postmaster", "all", "all+x",
		"nobody+x", "else", "else+x" };
	static char names[MANY][16];
	static struct domain_pattern patterns[MANY];
	const struct domain_set set = { patterns, MANY };
	const struct domain_set *const sets[] = { &set };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct loaded loaded;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "d%05zu.example", i);
		patterns[i].name = names[i];
		fprintf(out, "all@%s internal_only\n", names[i]);
		fprintf(out, "else@e%05zu.example internal_only\n", i);
	}
	fclose(out);
	loaded = load_text(text);
	is_int(directory_link(loaded.directory, sets, 1), 0, "it is linked");
	for (size_t i = 0; i < nitems(asked); i++) {
		const struct mailbox mailbox = bare(asked[i]);
		enum answer answer;

		digest_calls = 0;
		answer = directory_is_internal_only_anywhere(
		    loaded.directory, &mailbox, "+");
		is_int(answer,
		    strncmp(asked[i], "all", 3) == 0 ? ANSWER_YES : ANSWER_NO,
		    asked[i]);
		ok(digest_calls >= 1 && digest_calls <= 4,
		    "by a few look-ups: %zu", digest_calls);
	}
	drop(&loaded);
	free(text);
}

static void
test_unlinked(void)
{
	const struct mailbox all = bare("all"), bob = bare("bob");
	struct loaded loaded = load_text("all@example.com internal_only\n");
	struct loaded open = load_text("all@example.com\n");

	is_int(directory_is_internal_only_anywhere(loaded.directory, &bob, ""),
	    ANSWER_UNKNOWN, "a directory that is not linked cannot know");
	is_int(directory_link(loaded.directory, NULL, 0), 0, "no set at all");
	is_int(directory_is_internal_only_anywhere(loaded.directory, &all, ""),
	    ANSWER_NO, "without domains it is nowhere");
	is_int(directory_is_internal_only_anywhere(open.directory, &all, ""),
	    ANSWER_NO, "where all take all senders it need not be");
	is_int(directory_is_internal_only_anywhere(NULL, &all, ""), ANSWER_NO,
	    "nor where there is no directory");
	is_int(directory_link(NULL, NULL, 0), 0, "which can be linked");
	drop(&loaded);
	drop(&open);
}

/* Each allocation fails once: nobody is found for all senders by accident. */
static void
test_scarce(const char *text, const char *local)
{
	struct domain_pattern patterns[] = { { "xn--mil-qla.example", false },
		{ "example.com", false } };
	const struct domain_set set = { patterns, nitems(patterns) };
	const struct domain_set *const sets[] = { &set };
	const struct mailbox mailbox = bare(local);
	size_t refused = 0, unknown = 0, denied = 0;
	bool failed = true;

	for (unsigned long k = 1; failed; k++) {
		struct diags *diags = diags_new();
		struct directory *directory;
		enum answer answer = ANSWER_UNKNOWN;

		scarcity_begin(k, false);
		directory = directory_load("r.txt", text, strlen(text), diags);
		if (directory == NULL)
			refused++;
		else if (directory_link(directory, sets, 1) != 0)
			unknown++;
		if (directory != NULL)
			answer = directory_is_internal_only_anywhere(
			    directory, &mailbox, "+");
		failed = scarcity_end() > 0;
		denied += answer == ANSWER_NO;
		directory_free(directory);
		diags_free(diags);
	}
	ok(refused > 0 && unknown > 2, "no directory, or none that knows");
	ok(denied == 0, "%s is never somebody else", local);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Bytes of this process that are in memory. */
static long long
resident(void)
{
	long long size, pages = 0;
	FILE *in = fopen("/proc/self/statm", "r");

	if (in == NULL || fscanf(in, "%lld %lld", &size, &pages) != 2)
		exit(2);
	fclose(in);
	return pages * 4096;
}

static char *
slurp(const char *path, size_t *len)
{
	FILE *in = fopen(path, "r");
	struct stat st;
	char *bytes;

	if (in == NULL || fstat(fileno(in), &st) != 0)
		exit(2);
	*len = (size_t)st.st_size;
	bytes = malloc(*len);
	if (bytes == NULL || fread(bytes, 1, *len, in) != *len)
		exit(2);
	fclose(in);
	return bytes;
}

/* Loads a file and says what it took. */
static int
measure(const char *path)
{
	struct diags *diags = diags_new();
	const long long before = resident();
	struct directory *directory;
	size_t len;
	char *bytes = slurp(path, &len);
	double start = seconds();

	directory = directory_load(path, bytes, len, diags);
	start = seconds() - start;
	free(bytes);
	diags_print(diags, stderr);
	printf("recipients=%zu\nbytes=%zu\nresident=%lld\nseconds=%.3f\n",
	    directory_count(directory), directory_bytes(directory),
	    resident() - before, start);
	diags_free(diags);
	directory_free(directory);
	return directory == NULL;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "load") == 0)
		return measure(argv[2]);
	test_finds();
	test_raw_finds();
	test_logins();
	test_faults();
	test_other_faults();
	test_full_line();
	test_many_faults();
	test_hash();
	test_hash_faults();
	test_full_disk();
	test_random();
	test_noise();
	test_walk();
	test_walk_costs();
	test_unlinked();
	test_scarce("all@m" A_UMLAUT "il.example internal_only\n", "all");
	test_scarce("all@m" A_UMLAUT "il.example internal_only\n", "all+x");
	test_scarce("sha256:"
		    /* all@example.com */
		    "f1e27cae45a57b9ae6fd7d64d6850479"
		    "4d8a4164082fef73a76179bc555c9b4c internal_only\n",
	    "all+x");
	return done();
}
