/*
 * scarce.c - libraries without memory: what is not known of a domain or of a
 * letter is never taken for a no.
 */
#include "session.h"

#define PLAYED_RECIPIENTS "list@\xc3\xbc.test internal_only\n"
#include "played.h"
#include "tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <idn2.h>
#include <locale.h>

#include "author.h"
#include "directory.h"

#define CONFIG \
	"[organization]\naccepted_domains = \xc3\xbc.test\n" \
	"[directory]\nrecipients = recipients.txt\n" \
	"[connector gate]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\npermission_groups = anonymous_users\n" \
	"check_header_from = yes\nstamp = no\n" \
	"accept_authoritative_domain_sender = -anonymous\n"

#define ONE_OF_US "Boss <boss@\xc3\xbc.test>"

/* The call that finds no memory, counted down; 0: none. */
static unsigned fails;

static bool
is_scarce(void)
{
	return fails > 0 && --fails == 0;
}

/* libidn2's, and none of it where memory is scarce. */
int
idn2_to_ascii_8z(const char *input, char **output, int flags)
{
	int (*real)(const char *, char **, int);

	*(void **)&real = dlsym(RTLD_NEXT, "idn2_to_ascii_8z");
	*output = NULL;
	if (real == NULL || is_scarce())
		return IDN2_MALLOC;
	return (*real)(input, output, flags);
}

/* What glibc does without memory: no locale, or one that is not filled. */
locale_t
newlocale(int mask, const char *name, locale_t base)
{
	locale_t (*real)(int, const char *, locale_t);

	*(void **)&real = dlsym(RTLD_NEXT, "newlocale");
	if (real == NULL || is_scarce()) {
		errno = ENOENT;
		return (locale_t)0;
	}
	return (*real)(mask, is_scarce() ? "C" : name, base);
}

/* One message; its steps, and the first reply in *reply. */
static bool
pass(struct server *server, const char *from, const char *to,
    const char *author, struct reply *reply)
{
	static const struct eom_info end = { "4Tq1", "mx.example.com", 1 };
	struct connect_info connect = { .host = "mail.client.test",
		.client_port = 41022,
		.client_resolve = "OK" };
	const struct mail_info mail = { .path = from };
	const struct rcpt_info rcpt = { .path = to, .rcpt_addr = to };
	struct session *session = session_new(server);
	struct edits edits;
	bool passed;

	if (session == NULL || addr_parse(&connect.client, "203.0.113.9") ||
	    endpoint_parse(&connect.listener, "192.0.2.25:25"))
		exit(2);
	passed = session_connect(session, &connect, reply) &&
	    session_mail(session, &mail, reply) &&
	    session_rcpt(session, &rcpt, reply);
	if (passed) {
		session_header(session, "From", author);
		passed = session_eom(session, &end, &edits, reply) &&
		    session_done(session, true, reply);
	}
	session_free(session);
	return passed;
}

static const struct scarcity {
	const char *what;
	const char *from;
	const char *to;
	const char *author;
	const char *code; /* with memory */
} cases[] = {
	{ "one of us in the header", "<x@client.test>", "<info@\xc3\xbc.test>",
	    ONE_OF_US, "550" },
	{ "one of us in malformed text", "<x@client.test>",
	    "<info@\xc3\xbc.test>", "\"" ONE_OF_US, "550" },
	{ "one of us in the envelope", "<boss@\xc3\xbc.test>",
	    "<info@\xc3\xbc.test>", "x@client.test", "550" },
	{ "a list for our own people", "<x@client.test>",
	    "<list@\xc3\xbc.test>", "x@client.test", "550" },
	{ "a foreign recipient", "<x@client.test>",
	    "<info@xn--bcher-kva.example>", "x@client.test", "550" },
};

static void
test_messages(void)
{
	struct server server = impatient_server_of(CONFIG);

	catch_log();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scarcity *c = &cases[i];
		unsigned deferred = 0, n = 0;
		struct reply reply;
		bool passed, over, sound = true;

		do {
			fails = ++n;
			passed =
			    pass(&server, c->from, c->to, c->author, &reply);
			over = fails > 0;
			if (!over && strcmp(reply.code, "451") == 0)
				deferred++;
			/* Another reading may say no for certain. */
			else if (!over)
				sound &= strcmp(reply.code, c->code) == 0;
		} while (!over && !passed);
		fails = 0;
		ok(!passed && strcmp(reply.code, c->code) == 0,
		    "%s: refused wherever memory fails", c->what);
		ok(deferred > 0 && sound, "%s: or deferred, %u times of %u",
		    c->what, deferred, n - 1);
	}
	server_free(&server);
}

static void
nobody(void *arg, const struct author *author)
{
	*(unsigned *)arg += !author->guessed;
}

static void
test_author(void)
{
	unsigned count = 0;

	ok(author_each(ONE_OF_US, strlen(ONE_OF_US), nobody, &count) &&
		count == 1,
	    "an author is found");
	fails = 1;
	ok(!author_each(ONE_OF_US, strlen(ONE_OF_US), nobody, &count),
	    "and without memory it is said that one may be missing");
	fails = 0;
}

static void
test_letters(void)
{
	static const char file[] = "\xc3\x84nne@example.com\n";

	for (unsigned n = 1; n <= 2; n++) {
		struct diags *diags = diags_new();
		FILE *out = tmpfile();
		char line[200] = "";

		if (diags == NULL || out == NULL)
			exit(2);
		fails = n;
		ok(directory_load("people", file, strlen(file), diags) == NULL,
		    "without its letters there is no directory");
		fails = 0;
		diags_print(diags, out);
		rewind(out);
		is_str(fgets(line, sizeof(line), out),
		    "people:0: error: out of memory, or no locale C.UTF-8 on "
		    "this system\n",
		    "which is a problem");
		fclose(out);
		diags_free(diags);
	}
}

int
main(void)
{
	/* The linker must not think that nobody needs libidn2. */
	if (idn2_check_version(NULL) == NULL)
		return 2;
	/* Once they are found they stay. */
	test_letters();
	test_author();
	test_messages();
	return done();
}
