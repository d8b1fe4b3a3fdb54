/*
 * received.c - whom Received fields name, in the words of many servers.
 */
#include "received.h"

#include <string.h>

#include "tap.h"

/* clang-format off */
static const struct {
	const char *what;
	const char *value;
	const char *name; /* or the address, in brackets; "": nobody */
} cases[] = {
	{ "Postfix",
	    "from out.example.net (out.example.net [192.0.2.1])\n"
	    "\tby mx1.example.com (Postfix) with ESMTPS id 4XyZ\n"
	    "\tfor <a@example.com>; Sun, 22 Nov 2026 07:00:00 +0000 (UTC)",
	    "mx1.example.com" },
	{ "Sendmail",
	    "from x (x [127.0.0.1])\r\n\tby MX1.Example.COM (8.17.1/8.17.1) "
	    "with ESMTP id 5AM; Sun, 22 Nov 2026",
	    "mx1.example.com" },
	{ "Exchange",
	    "from A.corp (10.0.0.1) by B.corp (10.0.0.2) with Microsoft SMTP "
	    "Server id 15.2.1; Sun",
	    "b.corp" },
	{ "submission without from", "by host.example; date", "host.example" },
	{ "BY in capitals", "from x BY host.example with SMTP",
	    "host.example" },
	{ "a trailing dot", "by host.example. with SMTP", "host.example" },
	{ "a comment right behind", "by host.example(Postfix)",
	    "host.example" },
	{ "a date right behind", "by host.example;date", "host.example" },
	{ "nested comments before it",
	    "(by a.example (by (b.example) by c.example)) by d.example",
	    "d.example" },
	{ "a quoted bracket in a comment", "(\\) by a.example) by b.example",
	    "b.example" },
	{ "a backslash at the end of a comment", "by a.example (\\",
	    "a.example" },
	{ "a comment that ends in a backslash", "from x (\\", "" },
	{ "another word of two letters", "from x id by host.example",
	    "host.example" },
	{ "a client called by", "from by by host.example", "by" },
	{ "by in the date does not count", "from x; by host.example", "" },
	{ "a word that only begins with by", "from x bya.example", "" },
	{ "nothing", "", "" },
	{ "by and nothing", "from x by", "" },
	{ "by and a date", "by ; date", "" },
	{ "a comment without end", "from x (by host.example", "" },
	{ "an IPv4 literal", "by [192.0.2.25] with SMTP", "[192.0.2.25]" },
	{ "an IPv6 literal", "by [IPv6:2001:db8::25];", "[2001:db8::25]" },
	{ "a mapped literal", "by [IPv6:::ffff:192.0.2.25]", "[192.0.2.25]" },
	{ "a bracket alone", "by [", "" },
	{ "brackets around nothing", "by []", "" },
	{ "a literal beyond all addresses",
	    "by [IPv6:2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
	    "" },
	{ "a broken literal", "by [192.0.2.256]", "" },
	{ "a literal without end", "by [192.0.2.25", "" },
	{ "no host name", "by ex_ample..com with SMTP", "" },
};
/* clang-format on */

static void
show(char out[512], const struct received_by *by)
{
	char addr[ADDR_TEXT_MAX];

	if (by->addr.family != ADDR_NONE)
		snprintf(out, 512, "[%s]", addr_format(addr, &by->addr));
	else
		snprintf(out, 512, "%s", by->name);
}

/* Whatever is in it, there is an end. */
static void
test_long(void)
{
	static char value[65536];
	struct received_by by;

	memset(value, '(', sizeof(value) - 1);
	received_by(&by, value);
	is_str(by.name, "", "64 KB of brackets");
	for (size_t i = 0; i < sizeof(value) - 1; i++)
		value[i] = i % 3 == 2 ? ' ' : "by"[i % 3];
	received_by(&by, value);
	is_str(by.name, "by", "64 KB of by");
	memset(value, 'a', sizeof(value) - 1);
	memcpy(value, "by ", 3);
	received_by(&by, value);
	is_str(by.name, "", "a name of 64 KB");
}

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		struct received_by by;
		char got[512];

		received_by(&by, cases[i].value);
		show(got, &by);
		is_str(got, cases[i].name, cases[i].what);
	}
	test_long();
	done();
}
