/*
 * author.c - who a From field names, as any mail program may read it.
 */
#include "author.h"

#include <stdlib.h>
#include <time.h>

#include "random.h"
#include "scarcity.h"
#include "tap.h"
#include "text.h"

#define SHOWN_MAX 4096

#define L10 "abcdefghij"
#define L100 L10 L10 L10 L10 L10 L10 L10 L10 L10 L10
#define L512 L100 L100 L100 L100 L100 L10 "ab"
#define L571 L100 L100 L100 L100 L100 L10 L10 L10 L10 L10 L10 L10 "a"

/* The addresses found, each once, in order; '!' behind a routed one. */
struct seen {
	struct text text;
	char buf[SHOWN_MAX];
	size_t count; /* calls */
	size_t len;
	bool held; /* what must be true of every author */
};

static bool
is_sound(const struct author *author, size_t len)
{
	const struct mailbox *mailbox = &author->mailbox;
	char again[DOMAIN_MAX + 1];

	if (author->begin > author->end || author->end > len ||
	    strlen(mailbox->local) > MAILBOX_MAX)
		return false;
	if (mailbox_is_routed(mailbox->local) && !mailbox->routed)
		return false;
	if (mailbox->kind == MAILBOX_LITERAL)
		return mailbox->domain[0] == '[';
	if (mailbox->kind == MAILBOX_BARE)
		return author->guessed && mailbox->local[0] != '\0' &&
		    mailbox->domain[0] == '\0';
	return mailbox->kind == MAILBOX_DOMAIN &&
	    domain_canonical(again, mailbox->domain, strlen(mailbox->domain)) ==
	    NULL &&
	    strcmp(again, mailbox->domain) == 0;
}

static void
see(void *arg, const struct author *author)
{
	struct seen *seen = arg;
	char word[2 * SHOWN_MAX];
	struct text text;
	const char *old;

	seen->held = seen->held && is_sound(author, seen->len);
	if (author->guessed)
		return;
	seen->count++;
	text_init(&text, word, sizeof(word));
	text_put_safe(&text, author->mailbox.local,
	    strlen(author->mailbox.local), TEXT_WORD);
	text_printf(&text, "@%s%s", author->mailbox.domain,
	    author->mailbox.routed ? "!" : "");
	for (old = seen->buf; (old = strstr(old, word)) != NULL; old++)
		if ((old == seen->buf || old[-1] == ' ') &&
		    (old[text.len] == ' ' || old[text.len] == '\0'))
			return;
	if (seen->text.len > 0)
		text_put(&seen->text, " ");
	text_put(&seen->text, word);
}

static void
look(struct seen *seen, const char *field, size_t len)
{
	memset(seen, 0, sizeof(*seen));
	text_init(&seen->text, seen->buf, sizeof(seen->buf));
	seen->held = true;
	seen->len = len;
	(void)!author_each(field, len, see, seen);
}

#define CEO "ceo@example.com"
#define EVIL "x@evil.example"

/* clang-format off */
static const struct field_case {
	const char *what;
	const char *field;
	const char *found;
} field_cases[] = {
	/* what everybody writes */
	{ "a bare address", CEO, CEO },
	{ "in brackets", "<" CEO ">", CEO },
	{ "with a display name", "The Boss <" CEO ">", CEO },
	{ "with a quoted one", "\"Boss, The\" <" CEO ">", CEO },
	{ "with a comment as a name", CEO " (The Boss)", CEO },
	{ "without a blank", "Boss<" CEO ">", CEO },
	{ "an encoded name", "=?utf-8?q?B=C3=B6ss?= <" CEO ">", CEO },
	{ "a name in 8 bits", "B\xc3\xb6ss <" CEO ">", CEO },
	{ "a name in Latin 1", "B\xf6ss <" CEO ">", CEO },
	{ "folded behind the name", "Boss\r\n <" CEO ">", CEO },
	{ "folded with bare LF and TAB", "Boss\n\t<" CEO ">\n", CEO },
	{ "upper case", "Ceo@EXAMPLE.Com", "Ceo@example.com" },
	{ "a trailing dot", "<ceo@example.com.>", CEO },
	{ "a tag", "<ceo+x=y@example.com>", "ceo+x=y@example.com" },
	{ "a foreign address", EVIL, EVIL },

	/* nobody */
	{ "an empty field", "", "" },
	{ "blanks", " \r\n\t ", "" },
	{ "a name alone", "The Boss", "" },
	{ "empty brackets", "Boss <>", "" },
	{ "an empty group", "undisclosed-recipients:;", "" },
	{ "an @ alone", "@", "" },
	{ "a literal without a local part", "<@[192.0.2.1]>",
	    "@[192.0.2.1]!" },
	{ "a route by a literal", "<@[192.0.2.1]:" CEO ">", CEO "!" },
	{ "one where malformed text may hide one", "<@[192.0.2.1]:" CEO "> (",
	    "@[192.0.2.1]! " CEO "!" },
	{ "a bare local part", "<ceo>", "" },
	{ "a comment alone", "(The Boss)", "" },
	{ "a domain that is none", "<x@exa_mple.com>", "" },
	{ "an emoji for a domain", "<x@\xf0\x9f\x92\xa9>", "" },

	/* several */
	{ "two", CEO ", " EVIL, CEO " " EVIL },
	{ "two in brackets", "A <" CEO ">, B <" EVIL ">", CEO " " EVIL },
	{ "two the other way round", EVIL "," CEO, EVIL " " CEO },
	{ "a semicolon between", EVIL ";" CEO, EVIL " " CEO },
	{ "empty ones between", ",," EVIL ",, ," CEO ",", EVIL " " CEO },
	{ "nothing between", "<" EVIL "><" CEO ">", EVIL " " CEO },
	{ "a blank between", EVIL " " CEO, EVIL " " CEO },
	{ "a name that is an address", CEO " <" EVIL ">", CEO " " EVIL },
	{ "the same behind", "<" EVIL "> " CEO, EVIL " " CEO },
	{ "two in one bracket", "<" EVIL "," CEO ">", EVIL " " CEO },
	{ "two in one bracket, a blank between", "<" EVIL " " CEO ">",
	    EVIL " " CEO },
	{ "text behind the brackets", "<" CEO "> <x", CEO },

	/* what is hidden in names */
	{ "a quoted address as a name", "\"" CEO "\" <" EVIL ">", EVIL },
	{ "in brackets, too", "\"<" CEO ">\" <" EVIL ">", EVIL },
	{ "with an escaped quote", "\"a\\\"" CEO "\" <" EVIL ">", EVIL },
	{ "an address in a comment", EVIL " (" CEO ")", EVIL },
	{ "in a nested one", EVIL " (a (b) <" CEO ">)", EVIL },
	{ "with an escaped parenthesis", EVIL " (a \\) " CEO ")", EVIL },
	{ "a quote in a comment", "(a \" b) " CEO " (\")", CEO },
	{ "a parenthesis in a quote", "\"a ( b\" " CEO " \")\"", CEO },
	{ "an encoded address as a name",
	    "=?utf-8?q?ceo=40example.com?= <" EVIL ">", EVIL },
	{ "the same in base64",
	    "=?utf-8?b?Y2VvQGV4YW1wbGUuY29t?= <" EVIL ">", EVIL },
	{ "the name of a group", "\"" CEO "\": " EVIL ";", EVIL },

	/* groups */
	{ "a group", "All: " EVIL ", " CEO ";", EVIL " " CEO },
	{ "a group that does not end", "All: " EVIL ", " CEO, EVIL " " CEO },
	{ "a group in a group", "A: B: " EVIL ";, " CEO ";", EVIL " " CEO },
	{ "a group without a name", ":" CEO ";", CEO },
	{ "an encoded name of a group in a group",
	    "A: =?utf-8?q?ceo=40example.com?=: " EVIL ";", EVIL " " CEO },
	{ "an encoded name of a group",
	    "=?utf-8?q?ceo=40example.com?=: " EVIL ";", EVIL },
	{ "behind an empty group", "A:;, " CEO, CEO },
	{ "an address as its name", CEO ": " EVIL ";", CEO " " EVIL },
	{ "a group that is nothing but a name", "\"" CEO "\":;", CEO },
	{ "mailto", "mailto:" CEO, CEO },
	{ "mailto in brackets", "<mailto:" CEO ">", CEO },
	{ "mailto with a subject", "<mailto:" CEO "?subject=x>", CEO },

	/* routes */
	{ "a route", "<@evil.example:" CEO ">", CEO "!" },
	{ "a long one", "<@a.example,@b.example:" CEO ">", CEO "!" },
	{ "with blanks", "< @a.example , @b.example : " CEO " >", CEO "!" },
	{ "with comments and empty hops", "<(x)@a.example,,@b.example:" CEO ">",
	    CEO "!" },
	{ "a route through us", "<@example.com:" EVIL ">", EVIL "!" },
	{ "a route that ends nowhere", "<@example.com>", "@example.com!" },
	{ "percent", "<ceo%example.com@evil.example>",
	    "ceo%example.com@evil.example!" },
	{ "bang", "<evil!ceo@example.com>", "evil!ceo@example.com!" },
	{ "IMCEA", "<IMCEASMTP-x@example.com>",
	    "IMCEASMTP-x@example.com!" },
	{ "two @", "<ceo@example.com@evil.example>",
	    "ceo@example.com ceo@example.com@evil.example!" },
	{ "the other way round", "<x@evil.example@example.com>",
	    "x@evil.example x@evil.example@example.com!" },
	{ "an @ in front", "@ ceo@example.com", "@ceo " CEO },
	{ "an @ in front in brackets", "x <@ ceo@example.com>",
	    "@ceo! ceo@example.com!" },
	{ "an @ and a blank in front", "x@ ceo@example.com",
	    "x@ceo x@ceo@example.com! ceo@example.com" },
	{ "two @ side by side", "<ceo@@example.com>",
	    "ceo@@example.com!" },

	/* blanks, comments and folding inside */
	{ "blanks around the @", "<ceo @ example.com>", CEO },
	{ "comments around the @", "<ceo(a)@(b)example.com>", CEO },
	{ "folding around the @", "<ceo\r\n @\r\n example.com>", CEO },
	{ "TABs around the @", "<\tceo\t@\texample.com\t>", CEO },
	{ "blanks in the local part", "<c . eo @ example.com>",
	    "c.eo@example.com" },
	{ "blanks around the dots", "<ceo @ example . com>",
	    "ceo@example ceo@example.com" },
	{ "a comment in front of a dot", "ceo@example(x).com",
	    "ceo@example ceo@example.com" },
	{ "a comment that hides the end", "ceo@example.com(x).evil.example",
	    "ceo@example.com ceo@example.com.evil.example" },
	{ "a blank that hides the end", "ceo@example.com .evil.example",
	    "ceo@example.com ceo@example.com.evil.example" },
	{ "a comment within a word", "ceo@exam(x)ple.com",
	    "ceo@exam ceo@example.com" },
	{ "two of them", "ceo@exam(x)(y)ple.com",
	    "ceo@exam ceo@example.com" },
	{ "words behind the domain", "ceo@example.com evil", CEO },
	{ "words before the local part", "The ceo@example.com", CEO },

	/* quoted local parts */
	{ "a quoted local part", "<\"ceo\"@example.com>", CEO },
	{ "with escapes", "<\"c\\e\\o\"@example.com>", CEO },
	{ "with a blank", "<\"c eo\"@example.com>", "c\\x20eo@example.com" },
	{ "an empty one", "<\"\"@example.com>", "@example.com" },
	{ "words with dots", "<\"c\" . \"eo\"@example.com>",
	    "c.eo@example.com" },
	{ "with an @", "<\"ceo@evil.example\"@example.com>",
	    "ceo@evil.example@example.com!" },
	{ "an @ for somebody else", "<\"ceo@example.com\"@evil.example>",
	    "ceo@example.com@evil.example!" },
	{ "with brackets", "\"<ceo>\"@example.com",
	    "\\x3cceo\\x3e@example.com" },
	{ "folded", "\"c\r\n eo\"@example.com", "c\\x20eo@example.com" },
	{ "as long as may be", L571 "@example.com", L512 "...@example.com" },
	{ "longer", L571 "b@example.com", L512 "...@example.com!" },

	/* nothing but a quoted string or an encoded word */
	{ "all in quotes", "\"" CEO "\"", CEO },
	{ "all in quotes in brackets", "<\"" CEO "\">", CEO },
	{ "and a name", "Boss <\"" CEO "\">", CEO },
	{ "and another author", "<\"" CEO "\">, " EVIL, EVIL " " CEO },
	{ "all encoded", "=?utf-8?q?ceo=40example.com?=", CEO },
	{ "all encoded in brackets", "<=?utf-8?q?ceo=40example.com?=>", CEO },
	{ "in base64", "<=?UTF-8?B?Y2VvQGV4YW1wbGUuY29t?=>", CEO },
	{ "in another charset", "<=?gb2312?q?ceo=40example.com?=>", CEO },
	{ "with a language", "<=?utf-8*en?q?ceo=40example.com?=>", CEO },
	{ "in quotes", "<\"=?utf-8?q?ceo=40example.com?=\">", CEO },
	{ "with a blank in the word", "<=?utf-8?q?ceo=40example.com ?=>",
	    CEO },
	{ "in two words", "<=?utf-8?q?ceo=40?= =?utf-8?q?example.com?=>",
	    CEO },
	{ "in two words, folded",
	    "<=?utf-8?q?ceo=40exam?=\r\n =?utf-8?b?cGxlLmNvbQ==?=>",
	    CEO " ceo@exam" },
	{ "the @ encoded", "<ceo=?utf-8?q?=40?=example.com>", CEO },
	{ "brackets encoded", "<=?utf-8?q?x=3E=2C=3Cceo=40example.com?=>",
	    CEO },
	{ "quotes encoded", "<=?utf-8?q?=22ceo=22=40example.com?=>", CEO },

	/* encoded words in an address */
	{ "an encoded local part", "<=?utf-8?q?c=65o?=@example.com>",
	    "=?utf-8?q?c=65o?=@example.com ceo@example.com" },
	{ "an encoded word in a quoted local part",
	    "\"=?utf-8?q?ceo=40example.com?=\"@evil.example",
	    "=?utf-8?q?ceo=40example.com?=@evil.example ceo@example.com "
	    "ceo@example.com@evil.example!" },
	{ "an encoded domain", "<ceo@=?utf-8?q?example=2Ecom?=>", CEO },
	{ "a part of it", "<ceo@=?utf-8?q?ex?=ample.com>",
	    CEO " ceo@ex" },
	{ "a comment in it", "<ceo@=?utf-8?q?example?=(x).com>",
	    "ceo@example.com ceo@example" },
	{ "an encoded word behind it", "<ceo@example.com=?utf-8?q?x?=>",
	    "ceo@example.com ceo@example.comx" },
	{ "an @ in an encoded word", "=?utf-8?q?ceo@example.com?= <" EVIL ">",
	    "=?utf-8?q?ceo@example.com x@evil.example ceo@example.com" },

	/* words that end in a NUL, or in what no program shows */
	{ "a NUL behind it", "=?utf-8?b?Y2VvQGV4YW1wbGUuY29t?="
	    "=?utf-8?Q?=00?=@evil.example",
	    "=?utf-8?b?Y2VvQGV4YW1wbGUuY29t?==?utf-8?Q?=00?=@evil.example "
	    "ceo@example.com ceo@example.com@evil.example!" },
	{ "a NUL in the domain", "<ceo@example.com=?utf-8?q?=00?=.evil>",
	    "ceo@example.com ceo@example.com.evil" },
	{ "a line end behind it",
	    "<=?utf-8?q?ceo=40example.com=0A?=x@evil.example>",
	    "=?utf-8?q?ceo=40example.com=0A?=x@evil.example "
	    "ceo@example.com x@evil.example" },
	{ "UTF-16", "<=?utf-16?b?AGMAZQBvAEAAZQB4AGEAbQBwAGwAZQAuAGMAbwBt?=>",
	    CEO " o@e" },
	{ "an encoded item among others", "=?utf-8?q?ceo=40example.com?=, "
	    EVIL, EVIL " " CEO },

	/* domains in disguise */
	{ "a U-label", "<x@b\xc3\xbc" "cher.example>",
	    "x@xn--bcher-kva.example" },
	{ "an A-label", "<x@XN--bcher-kva.example>",
	    "x@xn--bcher-kva.example" },
	{ "Latin 1", "<x@b\xfc" "cher.example>",
	    "x@xn--bcher-kva.example x@b" },
	{ "a fullwidth dot", "<ceo@example\xef\xbc\x8e" "com>", CEO },
	{ "an ideographic dot", "<ceo@example\xe3\x80\x82" "com>", CEO },
	{ "fullwidth letters", "<ceo@\xef\xbd\x85xample.com>", CEO },
	{ "a soft hyphen", "<ceo@exam\xc2\xadple.com>", CEO },
	{ "a no-break space behind", "<ceo@example.com\xc2\xa0>", CEO },
	{ "one in front", "<ceo@\xc2\xa0" "example.com>", CEO },
	{ "in Latin 1", "<ceo@\xa0" "example.com>", CEO },
	{ "and a blank", "<ceo@ \xc2\xa0 example.com>", CEO },
	{ "an ideographic blank", "<ceo@\xe3\x80\x80" "example.com>", CEO },
	{ "a mark for the direction", "<ceo@\xe2\x80\x8e" "example.com>", CEO },
	{ "one inside", "<ceo@exam\xe2\x80\xae" "ple.com>",
	    CEO " ceo@exam" },
	{ "one before what no domain can hold",
	    "<ceo@example\xe2\x80\x8e.com/x>",
	    "ceo@example " CEO },
	{ "a C1 character", "<ceo@example\xc2\x85.com>", CEO " ceo@example" },
	{ "a tag beyond the BMP", "<ceo@\xf3\xa0\x81\xa1" "example.com>", CEO },
	{ "one that is encoded", "<ceo@=?utf-8?q?=E2=80=8E?=example.com>",
	    CEO },
	{ "nothing but that", "<ceo@\xe2\x80\x8e>", "" },
	{ "several dots behind", "<ceo@example.com...>", CEO },
	{ "dots in front", "<ceo@..example.com>", CEO },
	{ "dots inside", "<ceo@example..com>", CEO },
	{ "an apostrophe on both sides", "'ceo@example.com'",
	    "'ceo@example.com" },
	{ "a slash behind", "<ceo@example.com/x>", CEO },
	{ "a port", "<ceo@example.com:25>", CEO },
	{ "a quoted domain", "<ceo@\"example.com\">", CEO },
	{ "a bracketed domain", "<ceo@[example.com]>", CEO },
	{ "an open bracket", "<ceo@[example.com>", CEO },
	{ "a control byte inside", "<ceo@exam\001ple.com>",
	    "ceo@exam ceo@example.com" },
	{ "DEL inside", "<ceo@exam\177ple.com>",
	    "ceo@exam ceo@example.com" },
	{ "a domain below", "<ceo@a.example.com>", "ceo@a.example.com" },
	{ "a domain like it", "<ceo@example.com.evil.example>",
	    "ceo@example.com.evil.example" },

	/* literals */
	{ "a literal", "<x@[192.0.2.1]>", "x@[192.0.2.1]" },
	{ "an IPv6 literal", "<x@[IPv6:2001:DB8:0::1]>",
	    "x@[ipv6:2001:db8::1]" },
	{ "blanks around it", "<x @ [ 192.0.2.1\r\n ] >", "x@[192.0.2.1]" },
	{ "a literal and more", "x@[192.0.2.1], " CEO,
	    "x@[192.0.2.1] " CEO },
	{ "an address in a literal", "<x@[" CEO "]>",
	    "x@ceo x@ceo@example.com! ceo@example.com" },
	{ "a literal and an @", "<x@[192.0.2.1]@example.com>",
	    "x@[192.0.2.1] @example.com" },
	{ "a literal in a name", "[EXT] Boss <" CEO ">", CEO },
	{ "a local part in brackets", "[ceo]@example.com", "@example.com" },

	/* what is out of joint */
	{ "brackets twice", "<<" CEO ">>", CEO },
	{ "an open bracket too many", "<Boss <" CEO ">", CEO },
	{ "no closing bracket", "Boss <" CEO, CEO },
	{ "no opening bracket", "Boss " CEO ">", CEO },
	{ "brackets the wrong way round", ">" CEO "<", CEO },
	{ "no closing quote", "\"Boss <" CEO ">", CEO },
	{ "a quote behind", "<" CEO ">\"", CEO },
	{ "a quote in the middle", "<ceo\"@example.com>", CEO },
	{ "an escaped closing quote", "\"Boss\\\" <" CEO ">", CEO },
	{ "no closing parenthesis", "(Boss <" CEO ">", CEO },
	{ "many of them", "((((Boss (x) <" CEO ">", CEO },
	{ "no opening parenthesis", "Boss) <" CEO ">", CEO },
	{ "a parenthesis in the middle", "<ceo@exam(ple.com>",
	    CEO " ceo@exam" },
	{ "quotes in two ways", "\"a\\\" <" CEO ">, \"b\" <" EVIL ">",
	    EVIL " " CEO },
	{ "an escaped quote outside", "\\\"a\" <" CEO "> \"b\"", CEO },
	{ "an escaped @", "<ceo\\@example.com>", CEO },
	{ "escapes", "<c\\eo@exam\\ple.com>",
	    CEO " eo@exam" },
	{ "no local part", "Boss <@example.com>", "@example.com!" },
	{ "a comma before the @", "ceo,@example.com", "@example.com" },
	{ "a quoted name against a word", "a\"b\"c <" CEO ">", CEO },
	{ "a quoted address against a word", "a\"" CEO "\" <" EVIL ">",
	    EVIL " aceo@example.com ceo@example.com" },
	{ "one malformed, one well", EVIL ", \"Boss <" CEO ">",
	    EVIL " " CEO },
	{ "a quoted address against a local part",
	    "\"" CEO "\"" EVIL,
	    "ceo@example.comx@evil.example! ceo@example.comx "
	    "ceo@example.com x@evil.example" },
	{ "a backslash that is half a character",
	    "\"\x81\\\" <" CEO ">\" <" EVIL ">", EVIL " " CEO },
	{ "an escape sequence", "\"\x1b$B\\\"\x1b(B <" CEO ">\" <" EVIL ">",
	    EVIL " " CEO },
	{ "the prefix of another system", "Boss [SMTP:" CEO "]", CEO },
	{ "an encoded word behind the brackets",
	    "<" EVIL ">=?utf-8?q?ceo=40example.com?=", EVIL " " CEO },
	{ "behind a bare address", EVIL " =?utf-8?q?ceo=40example.com?=",
	    EVIL " " CEO },
	{ "before a bare address", "=?utf-8?q?ceo=40example.com?= " EVIL,
	    EVIL " " CEO },
	{ "behind a square bracket",
	    "=?utf-8?q?ceo=40example.com?=] <" EVIL ">", EVIL " " CEO },
	{ "in brackets behind an address",
	    EVIL " <=?utf-8?q?ceo=40example.com?=>", EVIL " " CEO },
	{ "between an address and the brackets",
	    "y@a.example =?utf-8?q?ceo=40example.com?= <" EVIL ">",
	    "y@a.example " EVIL " " CEO },
	{ "glued to a word", "<=?utf-8?q?ceo=40example.com?=x>",
	    "ceo@example.comx ceo@example.com" },
	{ "malformed text hides nothing", "\"" CEO "\" <" EVIL,
	    EVIL " " CEO },
	{ "nor do comments", EVIL "> (" CEO ")", EVIL " " CEO },
};

static const struct span_case {
	const char *what;
	const char *field;
	const char *spans;
} span_cases[] = {
	{ "all there is", CEO, "{" CEO "}" },
	{ "without outer blanks", " \r\n Boss <" CEO "> \t",
	    "{Boss <" CEO ">}" },
	{ "with its comment", CEO " (Boss)", "{" CEO " (Boss)}" },
	{ "each its own", "A <" CEO "> , \"B, C\" <" EVIL ">;",
	    "{A <" CEO ">}{\"B, C\" <" EVIL ">}" },
	{ "members of a group", "All (x) : " EVIL ", " CEO " ;, y@a.example",
	    "{" EVIL "}{" CEO "}{y@a.example}" },
	{ "a group that does not end", "All: A <" CEO ">",
	    "{A <" CEO ">}" },
	{ "a comma in a comment", CEO " (a, b), " EVIL,
	    "{" CEO " (a, b)}{" EVIL "}" },
	{ "a route", "A <@b,@c:" CEO ">, " EVIL,
	    "{A <@b,@c:" CEO ">}{" EVIL "}" },
	{ "a literal", "<x@[IPv6:::1]>, " EVIL,
	    "{<x@[IPv6:::1]>}{" EVIL "}" },
	{ "two that share one", CEO " <" EVIL ">, y@a.example",
	    "{" CEO " <" EVIL ">}{" CEO " <" EVIL ">}{y@a.example}" },
	{ "malformed: all of it", " " EVIL ", \"A <" CEO "> ",
	    "{" EVIL ", \"A <" CEO ">}" },
};
/* clang-format on */

/* What Sendmail makes addresses of, seen on 8.17. */
/* clang-format off */
static const struct {
	const char *field;
	const char *guesses; /* local@domain, each once */
} guess_cases[] = {
	{ "ceo%example.com", "ceo@example.com" },
	{ "Boss <ceo%example.com>", "ceo@example.com" },
	{ "Boss <example.com!ceo>", "ceo@example.com" },
	{ "<<ceo%example.com>>", "ceo@example.com" },
	{ "ceo(x)%(y)example.com", "ceo@example.com" },
	{ "ceo % example.com", "ceo@example.com" },
	{ "\"ceo\"%example.com", "ceo@example.com" },
	{ "<@sender.example:ceo%example.com>", "ceo@example.com" },
	{ "<ceo%example.com@mx.example>",
	    "ceo@example.com ceo%example.com@mx.example" },
	{ "<a%example.com%mx.example@mx.example>",
	    "a@example.com a%example.com@mx.example "
	    "a%example.com%mx.example@mx.example" },
	{ "<mx.example!example.com!ceo>",
	    "example.com!ceo@mx.example ceo@example.com" },
	{ "ceo%!example.com", "example.com@ceo ceo%!example.com@" },
	{ "example.com%sender.example!ceo",
	    "ceo@example.com example.com@sender.example ceo@sender.example "
	    "example.com%sender.example!ceo@" },
	{ "x@sender.example, Boss <ceo%example.com>",
	    "x@sender.example ceo@example.com" },
	{ "b: ceo%example.com;", "ceo@example.com" },
	{ "\"Boss <ceo%example.com>",
	    "ceo@example.com Boss\\x3cceo@example.com "
	    "Boss.\\x3cceo%example.com\\x3e@" },
	{ "(Boss <ceo%example.com>", "ceo@example.com" },
	{ "The CEO <ceo>", "ceo@" },
	{ "ceo", "ceo@" },
	{ "<ceo>, x@sender.example", "ceo@ x@sender.example" },
	{ "The  CEO", "The.CEO@" },
	{ "ceo!", "@ceo ceo!@" },
	{ "ceo@exam>ple.com", "ceo@example.com ceo@exam" },
	{ "ceo%exam)ple.com", "ceo@example.com ceo@exam" },
	{ ")example.com!ceo", "ceo@example.com" },
	{ "ceo%example\v.com", "ceo@example.com ceo@example" },
	{ "Boss <ceo%example.com>: x", "ceo@example.com x@" },
	{ "<ceo%example.com> b: x@sender.example;",
	    "ceo@example.com x@sender.example" },
	{ "<example.com!ceo:x>", "ceo@example.com x@" },
	{ "<ceo%example.com><@", "ceo@example.com" },
	{ "ceo%example.com<@", "ceo@example.com" },
	{ "Boss <ceo%example.com <(x) @ >", "ceo@example.com" },
	{ "@::example.com!ceo", "ceo@example.com" },
	{ "x%\"@\"<@>", "x%@@" },
	/* Behind a backslash nothing is special but a comma. */
	{ "ceo%example.com\\<", "ceo@example.com" },
	{ "<\\>ceo%example.com", "ceo@example.com \\x3eceo@example.com" },
	{ "\\(ceo%example.com)", "(ceo@example.com" },
	{ "example.com!ceo\\<x", "x@ ceo@example.com ceo\\x3cx@example.com" },
	{ "(\\x)ceo%example.com", "ceo@example.com" },
	/* Its names for bytes beyond ASCII are no longer UTF-8. */
	{ "ceo@\xff" "example.com", "ceo@example.com" },
	{ "ceo%\x9f" "example.com\x1bx", "ceo@example.com ceo@example.comx" },
	{ "ceo@example.com\xef\xbd\x85" "x", "ceo@example.comex ceo@example.com" },
	/* Postfix parts words, and comments and brackets end one. */
	{ "ceo%example.com x", "ceo@example.comx ceo@example.com" },
	{ "Boss example.com!ceo", "ceo@bossexample.com ceo@example.com ceo@boss" },
	{ "\"Boss\"example.com!ceo", "ceo@bossexample.com ceo@boss ceo@example.com" },
	{ "Boss (x)example.com!ceo", "ceo@bossexample.com ceo@example.com ceo@boss" },
	{ "ceo%example.com)x", "ceo@example.comx ceo@example.com" },
	{ "<x@y.example> ceo%example.com", "x@y.example ceo@example.com" },
	{ "example.com!ceo <", "ceo@example.com" },
	{ "Boss example.com!ceo <x@y.example>", "x@y.example" },
	{ "x\"example.com\"!ceo",
	    "ceo@xexample.com ceo@x ceo@example.com xexample.com!ceo@" },
	/* What has no host gets that of Sendmail. */
	{ "x!ceo", "ceo@x x!ceo@" },
	{ "x.y!ceo", "ceo@x.y" },
	{ "x.y\"z\"!ceo", "ceo@x.yz ceo@x.y ceo@z x.yz!ceo@" },
	{ "x.y!", "@x.y x.y!@" },
	{ "a%x.y!ceo", "ceo@a a@x.y ceo@x.y a%x.y!ceo@" },
	{ "ceo@x.uucp", "ceo@x.uucp ceo@x.uucp@" },
	{ "<ceo>: x", "ceo@ x@" },
	{ "x@y.example: ceo", "x@y.example ceo@" },
	{ "<@y.example,ceo>", "@y.exampleceo @y.example ceo@" },
	{ "Boss <:>", ":@" },
	{ "Boss <\x01>", ":@ \\x01@" },
	{ "\"\"", ":@" },
	{ ".", ".@" },
	{ "undisclosed-recipients:;", "" },
	{ "All: x@y.example;", "x@y.example" },
	{ "x@y.example, ;", "x@y.example" },
	/* The domain that is made ends for who reads it. */
	{ "example.com;x!ceo",
	    "example.com@ ceo@x x!ceo@ ceo@example.com example.comx!ceo@" },
	{ "<example.com;x!ceo>", "ceo@example.comx ceo@example.com ceo@x example.comx!ceo@" },
	{ "<x,example.com!ceo>", "ceo@xexample.com x@ ceo@example.com" },
	{ "example.com\\;x!ceo",
	    "example.com@ ceo@x x!ceo@ ceo@example.com" },
	{ "example.com\\ x!ceo", "ceo@example.comx ceo@x example.com.x!ceo@ ceo@example.com" },
	{ "example.com=x!ceo", "ceo@x example.com=x!ceo@ ceo@example.com" },
	{ "example.com\302\240x!ceo",
	    "example.com\\xc2\\xa0x!ceo@ ceo@example.comx ceo@example.com" },
	{ "ceo%example.com\"x\"", "ceo@example.comx ceo@example.com" },
	{ "ceo%\"example.com,x\"", "ceo@example.com ceo%example.com,x@" },
	{ "\"ceo%example.com;x", "ceo@example.com ceo%example.comx@" },
	{ "ceo%=?utf-8?q?example=2Ecom?=", "ceo@example.com" },
	{ "example.com;%[192.0.2.1]!ceo",
	    "example.com@ %[192.0.2.1]!ceo@ ceo@example.com "
	    "example.com%[192.0.2.1]!ceo@" },
	{ "<x@sender.example>", "x@sender.example" },
	{ "\"50% of example.com!\" <x@sender.example>",
	    "x@sender.example" },
	{ "Sale! at 50% <x@sender.example>", "x@sender.example" },
	{ "example.com Team! <x@y.example> (100%example.com)", "x@y.example" },
	{ "decvax!ann via List <list@y.example>", "list@y.example" },
	{ "\"Ann: 1%, 2!\" <ann=example.com@y.example>, B <b@y.example>",
	    "ann=example.com@y.example b@y.example" },
	{ "SRS0=a=b=example.com=ann@y.example",
	    "SRS0=a=b=example.com=ann@y.example" },
	{ "x@sender.example (ceo%example.com)", "x@sender.example" },
	{ "<@example.com:x@sender.example>", "x@sender.example" },
	{ "", "" },
};
/* clang-format on */

static void
see_guess(void *arg, const struct author *author)
{
	struct seen *seen = arg;
	struct author shown = *author;

	shown.guessed = false;
	shown.mailbox.routed = false;
	if (author->guessed)
		see(seen, &shown);
}

static void
test_guesses(void)
{
	struct seen seen;

	for (size_t i = 0; i < nitems(guess_cases); i++) {
		const char *field = guess_cases[i].field;

		memset(&seen, 0, sizeof(seen));
		text_init(&seen.text, seen.buf, sizeof(seen.buf));
		(void)!author_each(field, strlen(field), see_guess, &seen);
		is_str(seen.buf, guess_cases[i].guesses, field);
	}
}

/* Is CEO among the guesses for what is so long? */
struct guessed {
	bool ceo;
};

static void
see_ceo(void *arg, const struct author *author)
{
	const struct mailbox *mailbox = &author->mailbox;
	struct guessed *guessed = arg;

	guessed->ceo |= author->guessed &&
	    strcmp(mailbox->domain, "example.com") == 0 &&
	    strcmp(mailbox->local, "ceo") == 0;
}

/* clang-format off */
static const struct {
	const char *before;
	char pad;
	size_t count;
	const char *behind;
	bool ceo;
} long_cases[] = {
	/* Blanks and comments have no length. */
	{ "example.com", ' ', 5000, "!ceo", true },
	{ "ceo%", '\n', 5000, " example.com", true },
	{ "<", ' ', 5000, "ceo%example.com>", true },
	{ "x", ' ', 5000, ", ceo%example.com", true },
	/* What has one does not hide what comes behind it. */
	{ "x ", 'x', 4090, " ceo%example.com", false },
	{ "x%", 'x', 4080, "%x ceo%example.com", false },
	{ "x", 'x', 2040, "!example.com!ceo", true },
	{ "x", 'x', 4085, "!example.com!ceo", true },
	{ "x", 'x', 9000, "!example.com!ceo", true },
	/* An MTA cuts off what is too long for it. */
	{ "\"Jane", 'e', 230, "\" <ceo@example.com.evil.test>", true },
	{ "Jane ", 'e', 230, " <ceo@example.community>", true },
	{ "Jane ", 'e', 230, " <ceo%example.community>", true },
	{ "Jane ", 'e', 230, " <example.community!ceo>", true },
	{ "\"", '"', 121, "\" <ceo@example.com.evil.test>", true },
	{ "Jan", '\xe9', 120, " <ceo@example.com.evil.test>", true },
	{ "ceo@example.com", 'a', 1300, "", true },
	{ "ceo%example.com", 'a', 1300, "", true },
	{ "ceo@example.com.", 'a', 300, "", true },
	/* And leaves a quote that is not closed, but not of a name. */
	{ "\" ceo@example.com ", 'q', 1300, "\" <x@sender.example>", true },
	{ "\" ceo@example.com ", 'q', 240, "\" @sender.example", true },
	{ "y!\" ceo@example.com ", 'q', 240, "\"", true },
	{ "\" ceo@example.com ", 'q', 240, "\" <x@sender.example>", false },
	{ "\"Jane", 'e', 200, "\" <ceo@example.com.evil.test>", false },
	{ "Jane ", 'e', 200, " <ceo@example.community>", false },
	{ "Jane ", 'e', 300, " <ceo@evil.example.com>", false },
};
/* clang-format on */

static void
test_long(void)
{
	static char field[16384];

	for (size_t i = 0; i < nitems(long_cases); i++) {
		const size_t before = strlen(long_cases[i].before);
		const size_t count = long_cases[i].count;
		struct guessed guessed = { false };

		strcpy(field, long_cases[i].before);
		memset(field + before, long_cases[i].pad, count);
		strcpy(field + before + count, long_cases[i].behind);
		if (!author_each(field, strlen(field), see_ceo, &guessed))
			ok(0, "there is memory");
		ok(guessed.ceo == long_cases[i].ceo, "%s, %zu times %d, %s",
		    long_cases[i].before, count, long_cases[i].pad,
		    long_cases[i].behind);
	}
}

static void
see_below(void *arg, const struct author *author)
{
	const char *domain = author->mailbox.domain;
	const char *below = strstr(domain, ".example.com");
	bool *seen = arg;

	*seen |= author->guessed && below != NULL && strlen(below) == 12;
}

/* More bytes than a domain has, but not by its A-labels. */
static void
test_international(void)
{
	static const char *const forms[][2] = {
		{ "ceo%a", "" },
		{ "ceo%", "" },
		{ "a", "!ceo" },
		{ "", "!ceo" },
		{ "x@sender.example, ceo%a", "" },
	};
	char label[3 * 40 + 1] = "";
	char field[1024];

	for (int i = 0; i < 40; i++)
		strcat(label, "\xe4\xa0\xa0");
	for (size_t i = 0; i < nitems(forms); i++) {
		bool seen = false;

		snprintf(field, sizeof(field), "%s%s.%s.%s.example.com%s",
		    forms[i][0], label, label, label, forms[i][1]);
		ok(author_each(field, strlen(field), see_below, &seen) && seen,
		    "a long domain that is not ASCII: %s...%s", forms[i][0],
		    forms[i][1]);
	}
}

/* A domain in a field that is too long may end wherever it is one then. */

struct cuts {
	const char *domain;
	bool sound; /* each is what domain_canonical says of its beginning */
	bool ends[DOMAIN_MAX + 1]; /* where it may end */
};

static void
see_cut(void *arg, const struct author *author)
{
	const struct mailbox *mailbox = &author->mailbox;
	struct cuts *cuts = arg;
	bool known = false;

	if (!author->guessed || mailbox->kind != MAILBOX_DOMAIN ||
	    strcmp(mailbox->local, "ceo") != 0)
		return;
	for (size_t n = 1; n <= strlen(cuts->domain); n++) {
		char name[DOMAIN_MAX + 1];

		if (domain_canonical(name, cuts->domain, n) == NULL &&
		    strcmp(name, mailbox->domain) == 0)
			known = cuts->ends[n] = true;
	}
	cuts->sound &= known;
}

static void
test_cuts(void)
{
	static const char *const domains[] = { "a", "Example.COM",
		"-example.com", "example-.com", "a.-b", "a-b--c.d", "a_b.com",
		"a/b", "ab--c.d", "x" L10 L10 L10 L10 L10 L10 "ab",
		"x" L10 L10 L10 L10 L10 L10 "abcd.com",
		"b\xc3\xbc"
		"cher.example",
		"a.b\xc3\xbc-", "xn--bcher-kva.example", "a.XN--bcher-kva",
		"xn-", "a.xn--",
		"a\xc2\xad"
		"b.com",
		"a/\xc3\xbc" };

	for (size_t i = 0; i < nitems(domains); i++) {
		const char *domain = domains[i];
		struct cuts cuts = { .domain = domain, .sound = true };
		char field[600];
		size_t missed = 0;

		memset(field, ' ', 250);
		memcpy(field, "\"Jane", 5);
		memset(field + 5, 'e', 243);
		field[248] = '"';
		snprintf(field + 250, sizeof(field) - 250, "<ceo@%s>", domain);
		ok(author_each(field, strlen(field), see_cut, &cuts),
		    "%s: all is told", domain);
		for (size_t n = 1; n <= strlen(domain); n++) {
			char name[DOMAIN_MAX + 1];
			const bool ends =
			    domain_canonical(name, domain, n) == NULL;

			missed += ends && domain[n - 1] != '.' && !cuts.ends[n];
		}
		ok(cuts.sound && missed == 0,
		    "%s: it ends where it may, and nowhere else", domain);
	}
}

/* clang-format off */
static const struct {
	size_t len;
	const char *behind;
	const char *found;
} name_lengths[] = {
	{ 2000, "", "" },
	{ 2000, "\xff", "" },
	{ 1020, "\xff.example", "" },
	{ 1025, ", " CEO, CEO },
};
/* clang-format on */

static void
test_fields(void)
{
	struct seen seen;

	for (size_t i = 0; i < nitems(field_cases); i++) {
		const struct field_case *c = &field_cases[i];

		look(&seen, c->field, strlen(c->field));
		is_str(seen.buf, c->found, c->what);
		if (!seen.held)
			ok(0, "and every author is sound");
	}
	for (size_t i = 0; i < nitems(name_lengths); i++) {
		static char field[2100] = "ceo@";

		memset(field + 4, 'x', name_lengths[i].len);
		strcpy(field + 4 + name_lengths[i].len, name_lengths[i].behind);
		look(&seen, field, strlen(field));
		is_str(seen.buf, name_lengths[i].found,
		    "a domain beyond all limits");
	}
	look(&seen, "ceo@example.community", 15);
	is_str(seen.buf, CEO, "only len bytes are read");
	look(&seen, "<ceo@exam\0ple.com>", 18);
	is_str(seen.buf, "ceo@exam ceo@example.com", "a NUL in the domain");
	look(&seen, "<ceo@example.com\0>, x@evil.example", 33);
	is_str(seen.buf, CEO " x@evil.exampl", "a NUL behind it");
	look(&seen, "<\"alice\0x\"@example.com>", 23);
	is_str(seen.buf, "alicex@example.com! alicex@example.com x@example.com",
	    "a NUL in a local part");
}

struct spans {
	struct text text;
	char buf[SHOWN_MAX];
	const char *field;
	size_t begin, end;
	bool first;
};

/* Malformed text is read in several ways, all of one span. */
static void
see_span(void *arg, const struct author *author)
{
	struct spans *spans = arg;

	if (author->guessed)
		return;
	bool whole = author->begin == spans->begin &&
	    author->end == spans->end && strstr(spans->field, "\"A") != NULL;

	if (!(whole && !spans->first))
		text_printf(&spans->text, "{%.*s}",
		    (int)(author->end - author->begin),
		    spans->field + author->begin);
	spans->first = false;
	spans->begin = author->begin;
	spans->end = author->end;
}

static void
test_spans(void)
{
	for (size_t i = 0; i < nitems(span_cases); i++) {
		const struct span_case *c = &span_cases[i];
		struct spans spans = { .field = c->field, .first = true };

		text_init(&spans.text, spans.buf, sizeof(spans.buf));
		(void)!author_each(
		    c->field, strlen(c->field), see_span, &spans);
		is_str(spans.buf, c->spans, c->what);
	}
}

/* Time. */

static void
count(void *arg, const struct author *author)
{
	size_t *n = arg;

	*n += author->mailbox.kind != MAILBOX_INVALID;
}

static double
seconds(const char *field, size_t len)
{
	struct timespec start, end;
	size_t n = 0;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	(void)!author_each(field, len, count, &n);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return (double)(end.tv_sec - start.tv_sec) +
	    (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

#define LONG 65536

/* One thing again and again; or two by turns, and one before all of it. */
struct filling {
	const char *before, *piece, *other;
};

static void
fill(char *field, const struct filling *f)
{
	const size_t before = strlen(f->before);
	const size_t piece = strlen(f->piece);
	const size_t both = piece + strlen(f->other);

	for (size_t at = 0; at < LONG; at++) {
		const size_t in = at < before ? 0 : (at - before) % both;

		if (at < before)
			field[at] = f->before[at];
		else
			field[at] =
			    in < piece ? f->piece[in] : f->other[in - piece];
	}
}

#define WIDE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const fillings[] = { "(", ")", "<", ">", "\"", "@", "\\",
	",", ";", ":", ".", "[", "]", " ", "a", "=", "?", "=?", "@[", "\\(",
	"\\\"", "(\\", "()", "((a)", "a@", "a@b", "a@b,", "a@b.", "a@b .",
	"<a@b>", "a,", "@a,", "a:", "=?a?q?a?=", "=?a?q?", "=?a?b?a", "\"a\"",
	"\"a\" ", "a.", "\xff", "a@\xff", "x@[1.2.3.4]", "a@\xc3\xbc,",
	"a@xn--bcher-kva,", "a@b(", "(a@b", "\"a@b", "\x01",
	"a@=?a?q?b?=", "a%", "a!", "a%b ", "a b!", "a b!,", "a%\xff,", "<@",
	"a<@>", "\\<", "a\\,b!", "a::", "a.uucp!", "a@\xe2\x80\x8e",
	"a@\xc2\xa0 ", "\xc2\xa0 ", "\"a\"b!", "(a)b!", "!\xff", "%[1]!",
	"@[zz]", "@xn--", "a%\x9f,", "\x80", "%a.\xc3\xbc ", "b\xfc.c@",
	"@e\xcc\x81\xe2\x80\x8e.", "@" WIDE "." WIDE " ", "ceo%example.com",
	"@\"a\"", "=?utf-8?q?a=40b=C3=BC.c?= ", "a@b\xc3\xbc\143her.example," };

static void
time_filling(const struct filling *f, char *field, double *worst, char *what)
{
	double took;

	fill(field, f);
	took = seconds(field, LONG);
	if (took <= *worst)
		return;
	*worst = took;
	snprintf(what, 100, "%s%s%s", f->before, f->piece, f->other);
}

static void
test_time(void)
{
	char *field = malloc(LONG);
	double worst = 0;
	char what[100] = "";

	if (field == NULL)
		return;
	for (size_t i = 0; i < nitems(fillings); i++) {
		const struct filling alone = { "", fillings[i], "" };

		time_filling(&alone, field, &worst, what);
		for (size_t k = 1; k < nitems(fillings); k += 25) {
			const size_t n = (i + k) % nitems(fillings);
			const struct filling mixed = {
				fillings[(n * 7) % nitems(fillings)],
				fillings[i], fillings[n]
			};

			time_filling(&mixed, field, &worst, what);
		}
	}
	printf("# the worst is %s: %.1f ms\n", what, worst * 1e3);
	/* Some 25 ms, and ten times that under a sanitizer. */
	ok(worst < 1, "64 KB of any one or two things take less than a second");
	free(field);
}

/* What honest mail may cost, and what nobody pays. */

/* clang-format off */
static const struct {
	const char *what;
	const char *before, *member, *between, *behind; /* #: its number */
	unsigned count;
	int found; /* and not only guessed; -1: nobody knows */
} lists[] = {
	{ "a group of 500", "All staff: ",
	    "\"Member #, Staff\" <m#@mail#.department.example.com>", ",\r\n ", ";",
	    500, 500 },
	{ "a list in 20 KB", "", "Mem # <first.last#@subsidiary#.example.com>",
	    ", ", "", 400, 400 },
	{ "bare ones", "", "f.last#@a-rather-long-name#.subsidiary.example.com",
	    ",", "", 256, 256 },
	{ "with comments", "", "Mem# (a (nested #) one) <m#@example.com>", ", ",
	    "", 500, 500 },
	{ "a long name", "", "=?utf-8?q?J=C3=B6rg_#=2C_#_und_#?=", "\r\n ",
	    " <joerg@example.com>", 200, 1 },
	{ "a house with an umlaut", "",
	    "J\xc3\xb6rg # <joerg#@b\xc3\xbc" "cher-und-mehr.example>", ", ", "",
	    250, 250 },
	{ "the same in ASCII", "", "J. # <joerg#@xn--bcher-kva.example>", ", ",
	    "", 500, 500 },
	{ "60 such houses", "",
	    "J\xc3\xb6rg # <joerg#@b\xc3\xbc" "cher#.example>", ", ", "", 60, 60 },
	{ "500 such houses", "",
	    "J\xc3\xb6rg # <joerg#@b\xc3\xbc" "cher#.example>", ", ", "", 500, -1 },
	{ "too many addresses", "", "#@a", ",", "", 12000, -1 },
	{ "too many in one", "", "a#@b#", "@c#", "", 3000, -1 },
	{ "too many names that are none", "", "#%\x9f#\xff#", " ", "", 3000, -1 },
	{ "too many bare words", "", "#", ",", "", 60000, -1 },
	{ "a long local part again and again", "\"" L512 "\"", "@b#", "", "", 3000,
	    -1 },
};
/* clang-format on */

static void
put_member(struct text *text, const char *member, unsigned number)
{
	for (; *member != '\0'; member++)
		if (*member == '#')
			text_put_number(text, number);
		else
			text_printf(text, "%c", *member);
}

/* Without memory nobody knows who else there is; or it was not needed. */
static void
test_memory(void)
{
	static const char umlaut[] = "Boss <boss@\xc3\xbc.test>";
	char wide[600];
	const char *const fields[] = { umlaut, wide };

	memset(wide, ' ', sizeof(wide));
	memset(wide, 'J', 300);
	strcpy(wide + 320, "<ceo@example.com>");
	for (size_t i = 0; i < nitems(fields); i++) {
		unsigned long failed = 1, wrong = 0, k = 0;
		size_t whole = 0;

		(void)!author_each(fields[i], strlen(fields[i]), count, &whole);
		while (failed > 0) {
			size_t n = 0;
			bool all;

			scarcity_begin(++k, false);
			all = author_each(
			    fields[i], strlen(fields[i]), count, &n);
			failed = scarcity_end();
			wrong += all ? n != whole : failed == 0;
		}
		ok(wrong == 0 && k > 1, "each of %lu lacks of memory is told",
		    k - 1);
	}
}

static void
count_sure(void *arg, const struct author *author)
{
	*(int *)arg += !author->guessed;
}

static void
test_lists(void)
{
	const size_t size = 1000000;
	char *field = malloc(size);

	if (field == NULL)
		return;
	for (size_t i = 0; i < nitems(lists); i++) {
		struct text text;
		int found = 0;

		text_init(&text, field, size);
		text_put(&text, lists[i].before);
		for (unsigned n = 0; n < lists[i].count; n++) {
			text_put(&text, n > 0 ? lists[i].between : "");
			put_member(&text, lists[i].member, n);
		}
		text_put(&text, lists[i].behind);
		if (!author_each(field, text.len, count_sure, &found))
			found = -1;
		is_int(found, lists[i].found, lists[i].what);
	}
	free(field);
}

/* Random bytes: nothing breaks, and what is found is sound. */

static void
test_bytes(void)
{
	static const char *const pieces[] = { "<", ">", "(", ")", "\"", "\\",
		"@", ".", ",", ";", ":", "[", "]", " ", "\t", "\r\n ", "=?",
		"?=", "=?utf-8?q?", "=?utf-8?b?", "=40", "a", "b", "example",
		"com", "example.com", "ceo@example.com", "192.0.2.1",
		"IPv6:", "\xc3\xbc", "\xff", "\x01", "\x7f", "xn--", "%", "!",
		"'", "=?utf-8?q?=40?=", "", "" };
	uint64_t seed = 20260616;
	bool held = true;
	struct seen seen;

	for (int n = 0; n < 200000 && held; n++) {
		char field[400];
		size_t len = 0;

		for (size_t k = 1 + random_below(&seed, 24); k > 0; k--) {
			const char *piece =
			    pieces[random_below(&seed, nitems(pieces))];
			size_t size = strlen(piece);

			memcpy(field + len, piece, size);
			len += size;
			if (size == 0)
				field[len++] = (char)random_below(&seed, 256);
		}
		/* Exactly so long, so that a byte too far is seen. */
		char *exact = malloc(len);

		if (exact == NULL)
			return;
		memcpy(exact, field, len);
		look(&seen, exact, len);
		free(exact);
		held = seen.held;
		if (!held) {
			char shown[1700];
			struct text text;

			text_init(&text, shown, sizeof(shown));
			text_put_safe(&text, field, len, TEXT_PROSE);
			printf("# %s\n", shown);
		}
	}
	ok(held, "200000 random fields (seed 20260616) give sound authors");
}

/* Well-formed mailboxes: exactly those come back. */

struct maker {
	uint64_t seed;
	struct text text;
	char buf[SHOWN_MAX];
};

static const char *
pick(struct maker *m, const char *const *of, size_t n)
{
	return of[random_below(&m->seed, n)];
}

#define PICK(m, of) pick(m, of, nitems(of))

/* Blanks, comments, folding: at least a blank when one is needed. */
static void
make_space(struct maker *m, bool needed)
{
	static const char *const spaces[] = { " ", "  ", "\t", "\r\n ",
		"\r\n\t", "\n ", " (a comment) ", " (a (nested\\)) one) ",
		"(ceo@example.com)\r\n ", " (\"a quote\" <x@y.example>) " };

	if (needed || random_below(&m->seed, 3) == 0)
		text_put(&m->text, PICK(m, spaces));
}

static void
make_phrase(struct maker *m)
{
	static const char *const words[] = { "Boss", "The", "\"Doe, John\"",
		"\"a@b.example\"", "\"<x@y.example>\"", "\"\\\"\"", "\"\\\\\"",
		"\"(\"", "=?utf-8?q?ceo=40example.com?=", "B\xc3\xb6ss",
		"=?utf-8?B?Y2VvQGV4YW1wbGUuY29t?=", "O'Neill", "J.", "\"\"" };

	for (size_t n = random_below(&m->seed, 4); n > 0; n--) {
		text_put(&m->text, PICK(m, words));
		make_space(m, true);
	}
}

static void
make_address(struct maker *m, struct text *wanted)
{
	static const struct {
		const char *written, *read;
	} locals[] = { { "ceo", "ceo" }, { "a.b", "a.b" }, { "\"ceo\"", "ceo" },
		{ "\"a b\"", "a\\x20b" }, { "\"x\\\"y\"", "x\\x22y" },
		{ "a+b=c", "a+b=c" }, { "J\xc3\xbcrg", "J\\xc3\\xbcrg" },
		{ "\"a\".b", "a.b" }, { "\"<,;:(\"", "\\x3c,;:(" } };
	static const struct {
		const char *written, *read;
	} domains[] = { { "example.com", "example.com" },
		{ "EXAMPLE.com.", "example.com" },
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "[192.0.2.1]", "[192.0.2.1]" },
		{ "[IPv6:2001:db8::1]", "[ipv6:2001:db8::1]" },
		{ "localhost", "localhost" } };
	const size_t local = random_below(&m->seed, nitems(locals));
	const size_t domain = random_below(&m->seed, nitems(domains));
	const bool routed = strchr(locals[local].read, ':') != NULL;

	text_put(&m->text, locals[local].written);
	make_space(m, false);
	text_put(&m->text, "@");
	make_space(m, false);
	text_put(&m->text, domains[domain].written);
	text_printf(wanted, "%s%s@%s%s", wanted->len > 0 ? " " : "",
	    locals[local].read, domains[domain].read, routed ? "!" : "");
}

static void
make_mailbox(struct maker *m, struct text *wanted)
{
	bool brackets = random_below(&m->seed, 3) > 0;

	make_space(m, false);
	if (brackets) {
		make_phrase(m);
		text_put(&m->text, "<");
		make_space(m, false);
	}
	make_address(m, wanted);
	make_space(m, false);
	if (brackets)
		text_put(&m->text, ">");
	make_space(m, false);
}

static void
see_all(void *arg, const struct author *author)
{
	struct text *text = arg;

	if (author->guessed)
		return;
	if (text->len > 0)
		text_put(text, " ");
	text_put_safe(text, author->mailbox.local,
	    strlen(author->mailbox.local), TEXT_WORD);
	text_printf(text, "@%s%s", author->mailbox.domain,
	    author->mailbox.routed ? "!" : "");
}

static void
test_well_formed(void)
{
	static struct maker m = { .seed = 20260617 };
	bool held = true;

	for (int n = 0; n < 50000 && held; n++) {
		char want[SHOWN_MAX], got[SHOWN_MAX];
		struct text wanted, gotten;
		size_t count_of = 1 + random_below(&m.seed, 4);
		bool group = random_below(&m.seed, 5) == 0;

		text_init(&m.text, m.buf, sizeof(m.buf));
		text_init(&wanted, want, sizeof(want));
		text_init(&gotten, got, sizeof(got));
		if (group) {
			make_phrase(&m);
			text_put(&m.text, "All:");
		}
		for (size_t i = 0; i < count_of; i++) {
			text_put(&m.text, i > 0 ? "," : "");
			make_mailbox(&m, &wanted);
		}
		text_put(&m.text, group ? ";" : "");
		held = author_each(m.buf, m.text.len, see_all, &gotten) &&
		    strcmp(want, got) == 0;
		if (!held)
			printf(
			    "# %s\n#  got: %s\n# want: %s\n", m.buf, got, want);
	}
	ok(held,
	    "50000 well-formed fields (seed 20260617) give exactly their "
	    "mailboxes");
}

int
main(void)
{
	test_fields();
	test_guesses();
	test_long();
	test_international();
	test_cuts();
	test_spans();
	test_well_formed();
	test_bytes();
	test_lists();
	test_memory();
	test_time();
	return done();
}
