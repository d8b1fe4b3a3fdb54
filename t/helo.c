/*
 * helo.c - names at HELO: strict, tolerant, malformed.
 */
#include "helo.h"

#include <stdlib.h>

#include "random.h"
#include "tap.h"
#include "text.h"

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"
#define D253 L63 "." L63 "." L63 "." L60 "a"

/* clang-format off */
static const struct name_case {
	const char *what;
	const char *name;
	enum helo_form form;
} name_cases[] = {
	{ "no name", NULL, HELO_NONE },
	{ "an empty name", "", HELO_NONE },
	{ "one space", " ", HELO_NONE },
	{ "blanks of both kinds", " \t \t", HELO_NONE },

	{ "a domain", "mail.example.com", HELO_STRICT },
	{ "a single label", "localhost", HELO_STRICT },
	{ "one letter", "a", HELO_STRICT },
	{ "upper case", "MAIL.Example.COM", HELO_STRICT },
	{ "digits alone", "1.2.3.4", HELO_STRICT },
	{ "inner hyphens", "a-b--c.example", HELO_STRICT },
	{ "an A-label", "xn--bcher-kva.example", HELO_STRICT },
	{ "a label of 63", L63 ".example", HELO_STRICT },
	{ "a name of 253", D253, HELO_STRICT },
	{ "an IPv4 literal", "[192.0.2.1]", HELO_STRICT },
	{ "an IPv6 literal", "[IPv6:2001:db8::1]", HELO_STRICT },
	{ "its tag in lower case", "[ipv6:::1]", HELO_STRICT },
	{ "a mapped address", "[IPv6:::ffff:192.0.2.1]", HELO_STRICT },
	{ "the longest address",
	    "[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]",
	    HELO_STRICT },

	{ "an underscore", "my_host.example.com", HELO_TOLERANT },
	{ "an underscore first", "_host.example.com", HELO_TOLERANT },
	{ "an underscore last", "host_.example.com", HELO_TOLERANT },
	{ "an underscore alone", "_", HELO_TOLERANT },
	{ "a trailing dot", "mail.example.com.", HELO_TOLERANT },
	{ "a name of 253 and a dot", D253 ".", HELO_TOLERANT },
	{ "a trailing space", "mail.example.com ", HELO_TOLERANT },
	{ "trailing blanks", "mail.example.com \t ", HELO_TOLERANT },
	{ "all of it", "my_host.example.com. \t", HELO_TOLERANT },
	{ "a literal and a space", "[192.0.2.1] ", HELO_TOLERANT },

	{ "a leading space", " mail.example.com", HELO_MALFORMED },
	{ "an inner space", "mail example.com", HELO_MALFORMED },
	{ "an inner TAB", "mail\texample.com", HELO_MALFORMED },
	{ "a space before the dot", "mail.example.com .", HELO_MALFORMED },
	{ "two trailing dots", "mail.example.com..", HELO_MALFORMED },
	{ "a dot alone", ".", HELO_MALFORMED },
	{ "two dots alone", "..", HELO_MALFORMED },
	{ "a leading dot", ".example.com", HELO_MALFORMED },
	{ "an empty label", "mail..example.com", HELO_MALFORMED },
	{ "a leading hyphen", "-mail.example.com", HELO_MALFORMED },
	{ "a trailing hyphen", "mail-.example.com", HELO_MALFORMED },
	{ "a hyphen at the end", "mail.example.com-", HELO_MALFORMED },
	{ "a hyphen behind an underscore", "mail_-.example", HELO_MALFORMED },
	{ "a hyphen alone", "-", HELO_MALFORMED },
	{ "a label of 64", L63 "d.example", HELO_MALFORMED },
	{ "a name of 254", D253 "b", HELO_MALFORMED },
	{ "a name of 254 and a dot", D253 "b.", HELO_MALFORMED },
	{ "angle brackets", "<mail.example.com>", HELO_MALFORMED },
	{ "UTF-8", "b\xc3\xbc" "cher.example", HELO_MALFORMED },
	{ "a byte above 127", "mail\xff.example", HELO_MALFORMED },
	{ "a control byte", "mail\x01.example", HELO_MALFORMED },
	{ "a line end", "mail.example.com\r\n", HELO_MALFORMED },
	{ "DEL", "mail\x7f.example", HELO_MALFORMED },
	{ "an address", "user@example.com", HELO_MALFORMED },
	{ "a port", "mail.example.com:25", HELO_MALFORMED },
	{ "a slash", "mail/example", HELO_MALFORMED },
	{ "a star", "*.example.com", HELO_MALFORMED },
	{ "an IPv6 address without brackets", "2001:db8::1", HELO_MALFORMED },
	{ "an IPv6 literal without its tag", "[2001:db8::1]", HELO_MALFORMED },
	{ "a tagged IPv4 address", "[IPv6:192.0.2.1]", HELO_MALFORMED },
	{ "a literal of another kind", "[x:y]", HELO_MALFORMED },
	{ "a name as a literal", "[mail.example.com]", HELO_MALFORMED },
	{ "an empty literal", "[]", HELO_MALFORMED },
	{ "an empty IPv6 literal", "[IPv6:]", HELO_MALFORMED },
	{ "a bracket alone", "[", HELO_MALFORMED },
	{ "the other bracket", "]", HELO_MALFORMED },
	{ "an unclosed literal", "[192.0.2.1", HELO_MALFORMED },
	{ "a literal and more", "[192.0.2.1]x", HELO_MALFORMED },
	{ "a literal and a dot", "[192.0.2.1].", HELO_MALFORMED },
	{ "a literal closed twice", "[192.0.2.1]]", HELO_MALFORMED },
	{ "blanks in a literal", "[ 192.0.2.1 ]", HELO_MALFORMED },
	{ "octal-looking octets", "[192.0.2.01]", HELO_MALFORMED },
	{ "three octets", "[192.0.2]", HELO_MALFORMED },
	{ "an octet too high", "[192.0.2.256]", HELO_MALFORMED },
	{ "a zone id", "[IPv6:fe80::1%eth0]", HELO_MALFORMED },
	{ "an underscore in a literal", "[192.0.2_1]", HELO_MALFORMED },
};
/* clang-format on */

static const char *const forms[] = {
	[HELO_NONE] = "none",
	[HELO_STRICT] = "strict",
	[HELO_TOLERANT] = "tolerant",
	[HELO_MALFORMED] = "malformed",
};

static void
test_long(char *buf, size_t size)
{
	static const char bytes[] = "a.-_ [";

	for (const char *c = bytes; *c != '\0'; c++) {
		memset(buf, *c, size - 1);
		buf[size - 1] = '\0';
		is_str(forms[helo_form(buf)], *c == ' ' ? "none" : "malformed",
		    "64 KB of one byte");
	}
	memset(buf, ' ', size - 1);
	buf[0] = 'a';
	is_str(forms[helo_form(buf)], "tolerant", "64 KB of trailing blanks");
	memset(buf, 'a', size - 1);
	buf[0] = '[';
	buf[size - 2] = ']';
	is_str(forms[helo_form(buf)], "malformed", "a literal of 64 KB");
}

/* Every reading that is not malformed was written as one, and the reverse. */
static void
test_random(void)
{
	static const char alphabet[] = "ab1-_.  \t[]:\xc3\xbc<>";
	uint64_t seed = 20260615;
	bool held = true;

	for (int n = 0; n < 200000 && held; n++) {
		char name[24], plain[24], shown[200];
		size_t len = random_below(&seed, sizeof(name)), end;
		enum helo_form form;
		struct text text;

		for (size_t i = 0; i < len; i++)
			name[i] =
			    alphabet[random_below(&seed, sizeof(alphabet) - 1)];
		name[len] = '\0';
		form = helo_form(name);
		/* Made strict by hand, a tolerant name must be strict. */
		memcpy(plain, name, sizeof(plain));
		end = len;
		while (end > 0 &&
		    (plain[end - 1] == ' ' || plain[end - 1] == '\t'))
			end--;
		if (end > 1 && plain[0] != '[' && plain[end - 1] == '.')
			end--;
		plain[end] = '\0';
		for (size_t i = 0; i < end; i++)
			if (plain[i] == '_')
				plain[i] = 'u';
		if (form == HELO_STRICT || form == HELO_TOLERANT)
			held = helo_form(plain) == HELO_STRICT &&
			    (form == HELO_STRICT) == (strcmp(plain, name) == 0);
		else if (form == HELO_MALFORMED && strchr(name, '_') == NULL)
			held = helo_form(plain) != HELO_STRICT;
		text_init(&text, shown, sizeof(shown));
		text_put_safe(&text, name, len, TEXT_PROSE);
		if (!held)
			printf("# '%s' is %s\n", shown, forms[form]);
	}
	ok(held,
	    "200000 random names (seed 20260615): tolerant is strict but "
	    "for what is tolerated");
}

int
main(void)
{
	char *buf = malloc(65536);

	for (size_t i = 0; i < nitems(name_cases); i++)
		is_str(forms[helo_form(name_cases[i].name)],
		    forms[name_cases[i].form], name_cases[i].what);
	if (buf == NULL)
		return 1;
	test_long(buf, 65536);
	test_random();
	free(buf);
	return done();
}
