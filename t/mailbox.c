/*
 * mailbox.c - envelope addresses, parameters behind them, and patterns.
 */
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "mailbox.h"
#include "random.h"
#include "schema.h"
#include "setting.h"
#include "tap.h"
#include "text.h"

#define L10 "abcdefghij"
#define L100 L10 L10 L10 L10 L10 L10 L10 L10 L10 L10
#define L559 L100 L100 L100 L100 L100 L10 L10 L10 L10 L10 "abcdefghi"

#define PLAIN false
#define ROUTED true

static const char local[] = "the local part is not valid";
static const char domain[] = "the domain of the address is not valid";
static const char bracket[] = "one of the angle brackets is missing";
static const char ending[] = "the address does not end where it should";
static const char no_quote[] = "the quoted local part has no closing quote";
static const char bad_quoted[] =
    "the quoted local part holds a byte that is not allowed";
static const char route[] = "the source route is not valid";
static const char route_domain[] = "a domain of the source route is not valid";
static const char route_end[] =
    "the source route has no colon and address behind it";
static const char route_bare[] =
    "the address behind the source route has no domain";
static const char literal[] = "the address literal is not valid";
static const char literal_end[] = "the address literal has no closing bracket";
static const char not_utf8[] = "the address is not UTF-8";

/* clang-format off */
static const struct good_case {
	const char *path;
	enum mailbox_kind kind;
	bool routed;
	const char *local, *domain;
} good_cases[] = {
	{ "", MAILBOX_NULL, PLAIN, "", "" },
	{ "<>", MAILBOX_NULL, PLAIN, "", "" },
	{ "<user@example.com>", MAILBOX_DOMAIN, PLAIN, "user", "example.com" },
	{ "user@example.com", MAILBOX_DOMAIN, PLAIN, "user", "example.com" },
	{ "<User.Name+tag@EXAMPLE.com.>", MAILBOX_DOMAIN, PLAIN,
	    "User.Name+tag", "example.com" },
	{ "<a!#$&'*+-/=?^_`{|}~b@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "a!#$&'*+-/=?^_`{|}~b", "example.com" },
	{ "<a#$&'*+-/=?^_`{|}~b@example.com>", MAILBOX_DOMAIN, PLAIN,
	    "a#$&'*+-/=?^_`{|}~b", "example.com" },
	{ "<-f@example.com>", MAILBOX_DOMAIN, PLAIN, "-f", "example.com" },
	{ "<|sh@example.com>", MAILBOX_DOMAIN, PLAIN, "|sh", "example.com" },
	{ "<postmaster>", MAILBOX_BARE, PLAIN, "postmaster", "" },
	{ "user", MAILBOX_BARE, PLAIN, "user", "" },
	{ "<\"a b\"@example.com>", MAILBOX_DOMAIN, PLAIN, "a b",
	    "example.com" },
	{ "<\"a.\\\"b\\\\>c\"@example.com>", MAILBOX_DOMAIN, PLAIN,
	    "a.\"b\\>c", "example.com" },
	{ "<\"\"@example.com>", MAILBOX_DOMAIN, PLAIN, "", "example.com" },
	{ "<\xc3\xbcser@b\xc3\xbc" "cher.example>", MAILBOX_DOMAIN, PLAIN,
	    "\xc3\xbcser", "xn--bcher-kva.example" },
	{ "<\"\xc3\xbc ser\"@example.com>", MAILBOX_DOMAIN, PLAIN,
	    "\xc3\xbc ser", "example.com" },
	{ "<user@example\xe3\x80\x82" "com>", MAILBOX_DOMAIN, PLAIN, "user",
	    "example.com" },
	{ "<user@localhost>", MAILBOX_DOMAIN, PLAIN, "user", "localhost" },
	{ "<user@[192.0.2.1]>", MAILBOX_LITERAL, PLAIN, "user",
	    "[192.0.2.1]" },
	{ "user@[IPv6:2001:DB8:0::1]", MAILBOX_LITERAL, PLAIN, "user",
	    "[ipv6:2001:db8::1]" },
	{ "<user@[ipv6:::1]>", MAILBOX_LITERAL, PLAIN, "user", "[ipv6:::1]" },
	{ "<user@[IPv6:::ffff:192.0.2.1]>", MAILBOX_LITERAL, PLAIN, "user",
	    "[ipv6:::ffff:192.0.2.1]" },
	{ "<user%other.example@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "user%other.example", "example.com" },
	{ "<user%other.example@[192.0.2.1]>", MAILBOX_LITERAL, ROUTED,
	    "user%other.example", "[192.0.2.1]" },
	{ "<user%other.example>", MAILBOX_BARE, ROUTED, "user%other.example",
	    "" },
	{ "<other.example!user@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "other.example!user", "example.com" },
	{ "<other.example!user>", MAILBOX_BARE, ROUTED, "other.example!user",
	    "" },
	{ "<\"user@other.example\">", MAILBOX_BARE, ROUTED,
	    "user@other.example", "" },
	{ "<\"user%other.example\">", MAILBOX_BARE, ROUTED,
	    "user%other.example", "" },
	{ "<\"user@other.example\"@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "user@other.example", "example.com" },
	{ "<\"user\\@other.example\"@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "user@other.example", "example.com" },
	{ "<\"user@other.example\"@[192.0.2.1]>", MAILBOX_LITERAL, ROUTED,
	    "user@other.example", "[192.0.2.1]" },
	{ "<\"user@other.example@example.com\">", MAILBOX_BARE, ROUTED,
	    "user@other.example@example.com", "" },
	{ "<\"user:x\"@example.com>", MAILBOX_DOMAIN, ROUTED, "user:x",
	    "example.com" },
	{ "<@example.com:user@other.example>", MAILBOX_DOMAIN, ROUTED, "user",
	    "other.example" },
	{ "<@a.example,@b.example:user@example.com>", MAILBOX_DOMAIN, ROUTED,
	    "user", "example.com" },
	{ "@a.example:user@[192.0.2.1]", MAILBOX_LITERAL, ROUTED, "user",
	    "[192.0.2.1]" },
	{ "<IMCEASMTP-user+40other.example@example.com>", MAILBOX_DOMAIN,
	    ROUTED, "IMCEASMTP-user+40other.example", "example.com" },
	{ "<\"imcEAex-x\"@example.com>", MAILBOX_DOMAIN, ROUTED, "imcEAex-x",
	    "example.com" },
	{ "<imcea>", MAILBOX_BARE, ROUTED, "imcea", "" },
	{ "<imce@example.com>", MAILBOX_DOMAIN, PLAIN, "imce", "example.com" },
	{ "<ximcea@example.com>", MAILBOX_DOMAIN, PLAIN, "ximcea",
	    "example.com" },
	{ "<user\xef\xbc\x85x@example.com>", MAILBOX_DOMAIN, PLAIN,
	    "user\xef\xbc\x85x", "example.com" },
	{ "<" L559 "@example.com>", MAILBOX_DOMAIN, PLAIN, L559,
	    "example.com" },
};

static const struct bad_case {
	const char *path;
	const char *wrong;
} bad_cases[] = {
	{ "< >", local },
	{ "<", bracket },
	{ ">", bracket },
	{ "<<>>", local },
	{ "<user@example.com", bracket },
	{ "user@example.com>", bracket },
	{ "<<user@example.com>>", local },
	{ "<user@example.com> ", bracket },
	{ "<user@example.com>x", bracket },
	{ "<user@example.com>,<x@example.com>", domain },
	{ "<user@example.com><x@example.com>", domain },
	{ "Joe <user@example.com>", bracket },
	{ "<@>", route_domain },
	{ "<@example.com>", route_end },
	{ "<user@>", domain },
	{ "<user@.>", domain },
	{ "<user@..>", domain },
	{ "<user@example.com..>", domain },
	{ "<user@example..com>", domain },
	{ "<user@.example.com>", domain },
	{ "<user@-bad.example>", domain },
	{ "<user@exa_mple.com>", domain },
	{ "<user@xn--a.example>", domain },
	{ "<user@example.com:25>", domain },
	{ "<.user@example.com>", local },
	{ "<user.@example.com>", local },
	{ "<us..er@example.com>", local },
	{ "<.>", local },
	{ "< user@example.com>", local },
	{ "<user@example.com >", domain },
	{ "<user @example.com>", ending },
	{ "<user@ example.com>", domain },
	{ "<us er@example.com>", ending },
	{ "<us\ter@example.com>", ending },
	{ "<us\r\ner@example.com>", ending },
	{ "<us\x7f" "er@example.com>", ending },
	{ "<\x01@example.com>", local },
	{ "<(comment)user@example.com>", local },
	{ "<user(comment)@example.com>", ending },
	{ "<user@example.com(comment)>", domain },
	{ "<group:user@example.com;>", ending },
	{ "<user:x@example.com>", ending },
	{ "<us\\er@example.com>", ending },
	{ "<us,er@example.com>", ending },
	{ "<us[er@example.com>", ending },
	{ "<user@other.example@example.com>", domain },
	{ "<user@other.example@[192.0.2.1]>", domain },
	{ "<user@other.example@>", domain },
	{ "<user@[other.example]@>", literal_end },
	{ "<user%[other.example]@>", ending },
	{ "<user\xef\xbc\xa0" "example.com@>", domain },
	{ "<user@example.com\xef\xbc\xa0" "evil.example>", domain },
	{ "<\"user@other.example\"[192.0.2.1]>", ending },
	{ "<\"user\"x@example.com>", ending },
	{ "<x\"user\"@example.com>", ending },
	{ "<\"us\"\"er\"@example.com>", ending },
	{ "<\"user@example.com>", no_quote },
	{ "<\"user\\\"@example.com>", no_quote },
	{ "<\"user\\>", no_quote },
	{ "<\">", no_quote },
	{ "<\"us\rer\"@example.com>", bad_quoted },
	{ "<\"us\\\ner\"@example.com>", bad_quoted },
	{ "<\"us\ter\"@example.com>", bad_quoted },
	{ "<\"\\\xc3\xbc\"@example.com>", bad_quoted },
	{ "<\xfcser@example.com>", not_utf8 },
	{ "<\"\xc3\"@example.com>", not_utf8 },
	{ "<user@b\xfc" "cher.example>", not_utf8 },
	{ "<@a.example:>", local },
	{ "<@a.example:user>", route_bare },
	{ "<@a.example,user@example.com>", route },
	{ "<@a.example,:user@example.com>", route },
	{ "<@a.example @b.example:user@example.com>", route_domain },
	{ "<@:user@example.com>", route_domain },
	{ "<@-a.example:user@example.com>", route_domain },
	{ "<@[192.0.2.1]:user@example.com>", route_domain },
	{ "<@a.example:@b.example:user@example.com>", local },
	{ "<:user@example.com>", local },
	{ "<user@[192.0.2.1>", literal_end },
	{ "<user@[>", literal_end },
	{ "<user@[]>", literal },
	{ "<user@[192.0.2.1].>", literal_end },
	{ "<user@[192.0.2.1]x>", literal_end },
	{ "<user@[192.0.2.1]]>", literal },
	{ "<user@[192.0.2.01]>", literal },
	{ "<user@[192.0.2]>", literal },
	{ "<user@[3221225985]>", literal },
	{ "<user@[0xc0000201]>", literal },
	{ "<user@[2001:db8::1]>", literal },
	{ "<user@[IPv6:192.0.2.1]>", literal },
	{ "<user@[IPv6:]>", literal },
	{ "<user@[IPv6:fe80::1%eth0]>", literal },
	{ "<user@[IPv6: ::1]>", literal },
	{ "<user@[x400:abc]>", literal },
	{ "<user@[ 192.0.2.1 ]>", literal },
	{ "<user@#3221225985>", domain },
	{ "<" L559 "a@example.com>", "the address is longer than 571 octets" },
};

static const struct parameter_case {
	const char *text;
	bool is;
} parameter_cases[] = {
	{ "SIZE=1000", true },
	{ "BODY=8BITMIME", true },
	{ "SMTPUTF8", true },
	{ "AUTH=<>", true },
	{ "RET=HDRS", true },
	{ "NOTIFY=SUCCESS,FAILURE", true },
	{ "ORCPT=rfc822;User+40x@test.example", true },
	{ "ORCPT=utf-8;\xc3\xbcser@test.example", true },
	{ "X-A-1=\"b\"", true },
	{ "8bit", true },
	{ "", false },
	{ "=x", false },
	{ "-x=1", false },
	{ "SIZE=", false },
	{ "ORCPT=rfc822;srs0=ab=x@test.example", true },
	{ "SIZE=1 2", false },
	{ "SIZE =1", false },
	{ "SIZE=1\t", false },
	{ "SIZE=\x7f", false },
	{ "ORCPT=\xfc", false },
	{ "S\xc3\xbc=1", false },
	{ "evil@example.com", false },
	{ "<evil@example.com>", false },
	{ "@example.com>", false },
	{ ".example>", false },
	{ ">", false },
};

static const struct item_case {
	const char *text;
	const char *wrong;
	const char *local, *name;
	bool below;
} item_cases[] = {
	{ "Example.com", NULL, NULL, "example.com", false },
	{ "*.example.com", NULL, NULL, "example.com", true },
	{ "User@Example.com", NULL, "User", "example.com", false },
	{ "\"a b\"@example.com", NULL, "a b", "example.com", false },
	{ "", "the item is empty; write user@example.com, example.com or "
	    "*.example.com", NULL, NULL, false },
	{ "*", "a * alone would be every domain; write domains such as "
	    "example.com or *.example.com", NULL, NULL, false },
	{ "user@", "not an address; write user@example.com, example.com or "
	    "*.example.com", NULL, NULL, false },
	{ "user@*.example.com", "not an address; write user@example.com, "
	    "example.com or *.example.com", NULL, NULL, false },
	{ "\"user@example.com\"", "not an address; write user@example.com, "
	    "example.com or *.example.com", NULL, NULL, false },
	{ "@example.com", "a local part is missing; write example.com for "
	    "every address of that domain", NULL, NULL, false },
	{ "*@example.com", "a local part is missing; write example.com for "
	    "every address of that domain", NULL, NULL, false },
	{ "<user@example.com>", "an address stands here without angle "
	    "brackets; write one such as user@example.com", NULL, NULL,
	    false },
	{ "user@[192.0.2.1]", "an address literal never matches; write an "
	    "address such as user@example.com", NULL, NULL, false },
	{ "user%x@example.com", "an address with %, !, : or @ in its local "
	    "part or with a route never matches; write one such as "
	    "user@example.com", NULL, NULL, false },
	{ "IMCEA-x@example.com", "an address with %, !, : or @ in its local "
	    "part or with a route never matches; write one such as "
	    "user@example.com", NULL, NULL, false },
	{ "exa_mple.com", "a domain has letters, digits, hyphens and dots "
	    "only; write one such as example.com", NULL, NULL, false },
};

static const char *const list[] = { "example.com", "*.example.net",
	"Boss@b\303\274cher.example", "*.example.com" };

static const struct match_case {
	const char *path;
	bool matches;
} match_cases[] = {
	{ "<any@example.com>", true },
	{ "<any@EXAMPLE.COM.>", true },
	{ "<any@a.example.com>", true },
	{ "<any@a.b.example.net>", true },
	{ "<any@example.net>", false },
	{ "<any@evilexample.com>", false },
	{ "<any@example.com.evil>", false },
	{ "<bOSS@xn--bcher-kva.example>", true },
	{ "<\"boss\"@b\xc3\xbc" "cher.example>", true },
	{ "<bos@b\xc3\xbc" "cher.example>", false },
	{ "<any%other.example@example.com>", true },
	{ "<any%example.com@other.example>", false },
	{ "<\"any@other.example\"@example.com>", true },
	{ "<@other.example:any@example.com>", true },
	{ "<@example.com:any@other.example>", false },
	{ "<IMCEASMTP-any@example.com>", true },
	{ "<any@[192.0.2.1]>", false },
	{ "<any>", false },
	{ "<>", false },
	{ "<any@@example.com>", false },
};

static const struct equals_case {
	const char *path, *text;
	bool equal;
} equals_cases[] = {
	{ "<User@Example.com>", "user@example.com", true },
	{ "<\"user\"@example.com>", "user@example.com.", true },
	{ "<user@b\xc3\xbc" "cher.example>", "user@xn--bcher-kva.example",
	    true },
	{ "<user@example.com>", "user@example.org", false },
	{ "<user@example.com>", "use@example.com", false },
	{ "<user@example.com>", "user", false },
	{ "<user>", "user", false },
	{ "<>", "", false },
	{ "<user@[192.0.2.1]>", "user@[192.0.2.1]", false },
	{ "<@a.example:user@example.com>", "user@example.com", true },
	{ "<user%example.com@a.example>", "user@example.com", false },
	{ "<user@example.com>", "user@example.com x", false },
	{ "<@>", "@", false },
};
/* clang-format on */

/* text as it may stand in the name of a test. */
static const char *
shown(char buf[900], const char *text)
{
	struct text safe;

	text_init(&safe, buf, 900);
	text_put_safe(&safe, text, strlen(text), TEXT_PROSE);
	return buf;
}

static void
test_good(void)
{
	struct mailbox mailbox;
	char what[900];

	for (size_t i = 0; i < nitems(good_cases); i++) {
		const struct good_case *c = &good_cases[i];

		shown(what, c->path);
		is_str(mailbox_parse(&mailbox, c->path, strlen(c->path)), NULL,
		    what);
		is_int(mailbox.kind, c->kind, "its kind");
		is_int(mailbox.routed, c->routed, "routed or not");
		is_str(mailbox.local, c->local, "its local part");
		is_str(mailbox.domain, c->domain, "its domain");
	}
}

static bool
is_blank(const struct mailbox *mailbox)
{
	return mailbox->kind == MAILBOX_INVALID && !mailbox->routed &&
	    mailbox->local[0] == '\0' && mailbox->domain[0] == '\0';
}

static void
test_bad(void)
{
	struct mailbox mailbox;
	char what[900];

	for (size_t i = 0; i < nitems(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];

		is_str(mailbox_parse(&mailbox, c->path, strlen(c->path)),
		    c->wrong, shown(what, c->path));
		ok(is_blank(&mailbox), "and nothing is left of it");
	}
	is_str(mailbox_parse(&mailbox, "<us\0er@example.com>", 19), ending,
	    "a NUL in the local part");
	is_str(mailbox_parse(&mailbox, "<\"us\0er\"@example.com>", 21),
	    bad_quoted, "a NUL in a quoted local part");
	is_str(mailbox_parse(&mailbox, "<user@example.com\0x>", 20), domain,
	    "a NUL in the domain");
	is_str(mailbox_parse(&mailbox, "<user@[192.0.2.1\0]>", 19), literal,
	    "a NUL in the literal");
	is_str(mailbox_parse(&mailbox, "user@example.community", 16), NULL,
	    "only len bytes are read");
	is_str(mailbox.domain, "example.com", "and no more");
}

static void
test_parameters(void)
{
	for (size_t i = 0; i < nitems(parameter_cases); i++) {
		const struct parameter_case *c = &parameter_cases[i];
		char buf[900];

		ok(mailbox_is_parameter(c->text) == c->is,
		    "'%s' is%s a parameter", shown(buf, c->text),
		    c->is ? "" : " not");
	}
}

static void
test_items(struct arena *arena)
{
	struct mailbox_pattern pattern;

	for (size_t i = 0; i < nitems(item_cases); i++) {
		const struct item_case *c = &item_cases[i];
		char what[900];

		is_str(mailbox_pattern_parse(arena, &pattern, c->text),
		    c->wrong, shown(what, c->text));
		is_str(pattern.local, c->local, "its local part");
		is_str(pattern.domain.name, c->name, "its domain");
		is_int(pattern.domain.below, c->below, "below or at it");
	}
}

static void
test_matches(struct arena *arena)
{
	struct mailbox_pattern items[nitems(list)];
	struct mailbox_patterns patterns = { items, nitems(list) };
	struct mailbox_patterns none = { NULL, 0 };
	struct mailbox mailbox, other;
	char buf[900];

	for (size_t i = 0; i < nitems(list); i++)
		is_str(mailbox_pattern_parse(arena, &items[i], list[i]), NULL,
		    "an item of the list");
	for (size_t i = 0; i < nitems(match_cases); i++) {
		const struct match_case *c = &match_cases[i];
		const char *wrong =
		    mailbox_parse(&mailbox, c->path, strlen(c->path));

		ok((wrong == NULL || !c->matches) &&
			mailbox_patterns_match(&patterns, &mailbox) ==
			    c->matches,
		    "%s %s", shown(buf, c->path),
		    c->matches ? "matches" : "does not match");
		ok(!mailbox_patterns_match(&none, &mailbox),
		    "and never an empty list");
	}
	for (size_t i = 0; i < nitems(equals_cases); i++) {
		const struct equals_case *c = &equals_cases[i];
		const char *wrong =
		    mailbox_parse(&mailbox, c->path, strlen(c->path));

		if (mailbox_parse(&other, c->text, strlen(c->text)) != NULL)
			other.kind = MAILBOX_INVALID;
		ok((wrong == NULL || !c->equal) &&
			mailbox_equals(&mailbox, &other) == c->equal,
		    "%s %s %s", shown(buf, c->path),
		    c->equal ? "equals" : "is not", c->text);
	}
}

static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned
draw(unsigned below)
{
	return (unsigned)random_below(&seed, below);
}

static const char *
draw_name(char out[16])
{
	static const char *const parts[] = { "a", "b", "aa", "ab" };

	out[0] = '\0';
	for (unsigned labels = 1 + draw(4); labels > 0; labels--) {
		strcat(out, parts[draw(nitems(parts))]);
		strcat(out, labels > 1 ? "." : "");
	}
	return out;
}

static const char *const locals[] = { "a", "A", "b", "aB", "ab", "a-b" };

/* By the definition, item for item in any order. */
static bool
walk(const struct mailbox_pattern *items, size_t count,
    const struct mailbox *mailbox)
{
	bool found = false;

	for (size_t i = 0; i < count && mailbox->kind == MAILBOX_DOMAIN; i++)
		found |=
		    (items[i].local == NULL ||
			text_casecmp(items[i].local, mailbox->local) == 0) &&
		    domain_pattern_matches(&items[i].domain, mailbox->domain);
	return found;
}

static void
draw_item(struct mailbox_pattern *item, char name[16])
{
	const bool named = draw(2) == 0;

	*item = (struct mailbox_pattern){
		.local = named ? locals[draw(nitems(locals))] : NULL,
		.domain = { draw_name(name), !named && draw(2) == 0 },
	};
}

static void
draw_mailbox(struct mailbox *mailbox)
{
	static const struct {
		const char *front, *middle, *back;
		const char *domain; /* NULL: a drawn one */
	} forms[] = {
		{ "", "@", "", NULL },
		{ "<", "@", ".>", NULL },
		{ "<@r.example:", "@", ">", NULL },
		{ "<\"", "\"@", ">", NULL },
		{ "<", "%x@", ">", NULL },
		{ "<", "", ">", "" },
		{ "<", "@", ">", "[192.0.2.1]" },
	};
	const size_t n = draw(nitems(forms));
	char path[64], name[16];

	draw_name(name);
	snprintf(path, sizeof(path), "%s%s%s%s%s", forms[n].front,
	    locals[draw(nitems(locals))], forms[n].middle,
	    forms[n].domain != NULL ? forms[n].domain : name, forms[n].back);
	if (draw(20) == 0)
		strcpy(path, "<>");
	if (mailbox_parse(mailbox, path, strlen(path)) != NULL)
		ok(false, "%s is an address", path);
}

static void
test_lists(void)
{
	static char names[40][16];
	struct mailbox_pattern items[40], sorted[40];
	unsigned found = 0, routed = 0;
	int same = 1;

	for (unsigned n = 0; n < 4000; n++) {
		const size_t count = draw(nitems(items) + 1);
		const struct mailbox_patterns patterns = { sorted, count };

		for (size_t i = 0; i < count; i++) {
			draw_item(&items[i], names[i]);
			sorted[i] = items[i];
		}
		mailbox_patterns_sort(sorted, count);
		for (unsigned k = 0; k < 40; k++) {
			struct mailbox mailbox;
			bool want;

			draw_mailbox(&mailbox);
			want = walk(items, count, &mailbox);
			found += want;
			routed += want && mailbox.routed;
			same &=
			    want == mailbox_patterns_match(&patterns, &mailbox);
		}
	}
	ok(same, "a list matches what one of its items matches");
	ok(found > 20000 && found < 120000, "%u of 160,000 match", found);
	ok(routed > 5000, "%u of them are routed", routed);
}

#define MANY 200000

/* Walked item for item this would not end. */
static void
test_big_list(void)
{
	static struct mailbox_pattern items[MANY];
	static char words[MANY][24];
	const struct mailbox_patterns patterns = { items, MANY };
	struct mailbox mailbox = { .kind = MAILBOX_DOMAIN };
	int found = 1, missed = 1;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(words[i], sizeof(words[i]), "u%06zu", (i * 7) % MANY);
		items[i].local = words[i];
		items[i].domain.name = "example.com";
	}
	mailbox_patterns_sort(items, MANY);
	strcpy(mailbox.domain, "example.com");
	for (size_t i = 0; i < MANY; i++) {
		snprintf(mailbox.local, sizeof(mailbox.local), "U%06zu", i);
		found &= mailbox_patterns_match(&patterns, &mailbox);
		mailbox.local[0] = 'v';
		missed &= !mailbox_patterns_match(&patterns, &mailbox);
	}
	ok(found, "each of 200,000 addresses is in the list");
	ok(missed, "and no other");
}

/* What a file says in any order. */
static void
test_settings(struct arena *arena)
{
	static const char *const keys[] = { "relay_to", "relay_from",
		"allowed_senders" };
	static const char text[] =
	    "z.example, y@y.example, *.x.example, w.example, v.example, "
	    "u.example, t.example, s.example, r.example, *.q.example";
	static const char *const paths[] = { "a@z.example", "Y@y.example",
		"a@a.x.example", "a@w.example", "a@v.example", "a@u.example",
		"a@t.example", "a@s.example", "a@r.example", "a@a.q.example" };
	const struct setting_context context = { .arena = arena,
		.diags = diags_new() };

	for (size_t i = 0; i < nitems(keys) * nitems(paths); i++) {
		const char *path = paths[i % nitems(paths)];
		const char *key = keys[i / nitems(paths)];
		union setting_value value;
		struct mailbox_patterns patterns;
		struct mailbox mailbox;

		ok(setting_parse(&context, schema_find(SECTION_CONNECTOR, key),
		       &value, text) == 0 &&
			mailbox_parse(&mailbox, path, strlen(path)) == NULL,
		    "%s is a list", key);
		memcpy(&patterns, &value.list, sizeof(patterns));
		ok(mailbox_patterns_match(&patterns, &mailbox), "%s is in it",
		    path);
	}
	diags_free(context.diags);
}

static size_t
draw_path(char *out)
{
	static const char *const pieces[] = { "<", ">", "@", "\"", "\\", ".",
		",", ":", "%", "!", "[", "]", "192.0.2.1", "IPv6:", "::1", "a",
		"example.com", "user", " ", "\xc3\xbc", "\xff", "\n", "IMCEA",
		"user@example.com", "@a.example", "\"@b.example" };
	size_t len = 0;

	for (unsigned n = 1 + draw(8); n > 0; n--) {
		const char *piece = pieces[draw(nitems(pieces))];

		memcpy(out + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

/* What every address that parses must be, whatever it came from. */
static bool
keeps_promises(const struct mailbox *mailbox, const char *path, size_t len)
{
	char again[DOMAIN_MAX + 1];

	for (const char *c = mailbox->local; *c != '\0'; c++)
		if ((*c >= 0 && *c < ' ') || *c == 0x7f)
			return false;
	/* A second @ can only come from quotes or a route: it is routed. */
	if (!mailbox->routed &&
	    memchr(path, '@', len) != memrchr(path, '@', len))
		return false;
	if (!mailbox->routed && strpbrk(mailbox->local, "%!:@") != NULL)
		return false;
	if (mailbox->kind != MAILBOX_DOMAIN)
		return true;
	return domain_canonical(
		   again, mailbox->domain, strlen(mailbox->domain)) == NULL &&
	    strcmp(again, mailbox->domain) == 0;
}

static void
test_noise(void)
{
	unsigned valid = 0;
	int good = 1, cleared = 1;

	for (unsigned n = 0; n < 400000; n++) {
		struct mailbox mailbox;
		char path[160];
		size_t len = draw_path(path);

		if (mailbox_parse(&mailbox, path, len) == NULL) {
			valid++;
			good &= mailbox.kind != MAILBOX_INVALID &&
			    keeps_promises(&mailbox, path, len);
		} else {
			cleared &= is_blank(&mailbox);
		}
	}
	ok(valid > 10000, "%u of 400,000 noises are addresses", valid);
	ok(good, "each plain one has one @ and a canonical domain");
	ok(cleared, "the others left nothing behind");
}

int
main(void)
{
	struct arena *arena = arena_new();

	test_good();
	test_bad();
	test_parameters();
	test_items(arena);
	test_matches(arena);
	test_lists();
	test_big_list();
	test_settings(arena);
	test_noise();
	arena_free(arena);
	return done();
}
