/*
 * session_monitor.c - connectors that only watch, played: what they would have
 * done stands in the log, and nobody else notices.
 */
#include "session.h"

#include "logbook.h"
#include "plays.h"

#define WORLD "[organization]\naccepted_domains = example.com\n"
#define NET(more) \
	"[connector net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 203.0.113.0/24\n" \
	"permission_groups = anonymous_users\n" \
	"accept_authoritative_domain_sender = -anonymous\n" more
#define MONITORS "mode = monitor\n"
#define WATCHES "check_header_from = monitor\nstamp = no\n"

#define LINE(stage, verdict, rule, reply, from, to, helo) \
	WHO("net", "mail.client.test[203.0.113.9]") \
	"192.0.2.25:25" WHY(stage, verdict, rule, reply) WHAT(from, to, helo) \
	    HOW("anonymous", "", "")
#define BY(rule) " [connector net, rule " rule "]"
#define NO_RELAY \
	"550 5.7.54 SMTP; Unable to relay recipient in non-accepted " \
	"domain" BY("relay")
#define NOT_AS_THIS \
	"550 5.7.60 SMTP; Client does not have permissions to send as this " \
	"sender" BY("authoritative_domain_sender")
#define NO_TLS "530 5.7.0 Must issue a STARTTLS command first" BY("require_tls")
#define BAD_NAME "501 5.5.4 Invalid domain name" BY("helo_syntax")
#define CANNOT "451 4.3.0 Cannot decide now, please try again later"
#define CLOSED_DOOR \
	"421 4.3.2 Service not available [connector -, rule no_connector]"
#define TOO_LARGE \
	"552 5.3.4 Header size exceeds fixed maximum size" BY("max_header_" \
							      "size")

#define HERE \
	{ \
		.verb = CONNECT, "203.0.113.9" \
	}
#define MESSAGE \
	{ .verb = MAIL, "<a@client.test>" }, \
	{ \
		.verb = RCPT, "<b@example.com>" \
	}
#define ACCEPTED(from, to, helo, more) \
	"4Tq1: " LINE("eom", "accept", "", "", from, to, helo) more

/* clang-format off */
static const struct play plays[] = {
	{ "a sender that would be refused: nothing more is judged",
	    WORLD NET(MONITORS), {
	    HERE,
	    { .verb = MAIL, "<boss@example.com>", .log = "NOQUEUE: "
		LINE("mail", "would-reject", "authoritative_domain_sender",
		    NOT_AS_THIS, "boss@example.com", "", "") },
	    { .verb = RCPT, "<x@foreign.test>" },
	    { .verb = RCPT, "junk" },
	    { .verb = HEADER, "X-Connector-AuthAs", .value = "Internal",
		.times = 2000 },
	    { .verb = EOM, .queue = "4Tq1", .log = ACCEPTED(
		"boss@example.com", "x@foreign.test", "", " nrcpt=2") },
	    { .verb = EOM, .reply = CANNOT " [connector -, rule internal]",
		.log = "*" } } },
	{ "the next message is judged anew", WORLD NET(MONITORS), {
	    HERE,
	    { .verb = MAIL, "<boss@example.com>", .log = "*" },
	    MESSAGE,
	    { .verb = RCPT, "<x@foreign.test>", .log = "NOQUEUE: "
		LINE("rcpt", "would-reject", "relay", NO_RELAY,
		    "a@client.test", "x@foreign.test", "") },
	    { .verb = EOM, .queue = "4Tq1", .log = ACCEPTED(
		"a@client.test", "b@example.com", "", " nrcpt=2") } } },
	{ "only recipients that would be refused", WORLD NET(MONITORS), {
	    HERE,
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<x@foreign.test>", .log = "*" },
	    { .verb = EOM, .queue = "4Tq1", .log = ACCEPTED(
		"a@client.test", "x@foreign.test", "", "") } } },
	{ "a recipient that would be refused is not counted",
	    WORLD NET(MONITORS "max_recipients_per_message = 1\n"), {
	    HERE,
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<x@foreign.test>", .log = "*" },
	    { .verb = RCPT, "<b@example.com>" },
	    { .verb = RCPT, "<c@example.com>", .log = "NOQUEUE: "
		LINE("rcpt", "would-tempfail", "max_recipients_per_message",
		    "452 4.5.3 Too many recipients"
		    BY("max_recipients_per_message"), "a@client.test",
		    "c@example.com", "") } } },
	{ "a HELO rule", WORLD NET(MONITORS), {
	    HERE,
	    { .verb = HELO, "-x" },
	    { .verb = MAIL, "<a@client.test>", .log = "NOQUEUE: "
		LINE("helo", "would-reject", "helo_syntax", BAD_NAME,
		    "a@client.test", "", "-x") } } },
	{ "what cannot be decided", WORLD NET(MONITORS
		"accept_any_recipient = host:.trusted.test\n"), {
	    { .verb = CONNECT, "203.0.113.9", .resolve = "TEMP" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<x@foreign.test>", .log = "NOQUEUE: "
		LINE("rcpt", "would-tempfail", "relay", CANNOT BY("relay"),
		    "a@client.test", "x@foreign.test", "") } } },
	{ "no edits: neither stamp nor firewall", WORLD NET(MONITORS), {
	    HERE, MESSAGE,
	    { .verb = HEADER, "X-Connector-AuthAs", .value = "Internal" },
	    { .verb = EOM, .queue = "4Tq1", .log = ACCEPTED(
		"a@client.test", "b@example.com", "", "") } } },
	{ "a header too large", WORLD NET(MONITORS), {
	    HERE, MESSAGE,
	    { .verb = HEADER, "X-Connector-AuthAs", .value = "Internal",
		.times = 1001 },
	    { .verb = EOM, .queue = "4Tq1", .log = "4Tq1: "
		LINE("eom", "would-reject", "max_header_size", TOO_LARGE,
		    "a@client.test", "b@example.com", "")
		"\n" ACCEPTED("a@client.test", "b@example.com", "", "") } } },
	/* what always enforces */
	{ "the MTA's own refusals are not ours to pass", WORLD NET(MONITORS), {
	    HERE,
	    { .verb = MAIL, "<boss@example.com>", .log = "*" },
	    { .verb = RCPT, "<x@foreign.test>", .mta = "Relay access denied",
		.log = "NOQUEUE: " LINE("rcpt", "reject", "mta",
		    "5.7.1 Relay access denied", "boss@example.com",
		    "x@foreign.test", "") },
	    { .verb = EOM, .reply = CANNOT " [connector -, rule internal]",
		.log = "*" } } },
	{ "no connector, no mode", WORLD NET(MONITORS), {
	    { .verb = CONNECT, "198.51.100.1" },
	    { .verb = HELO, "x.test", CLOSED_DOOR, "*" },
	    { .verb = MAIL, "<a@client.test>", CLOSED_DOOR, "*" } } },
	{ "no listener", WORLD NET(MONITORS), {
	    { .verb = CONNECT, "203.0.113.9", .listener = "unknown" },
	    { .verb = MAIL, "<a@client.test>", "451 4.3.5 Server configuration "
		"problem [connector -, rule listener]", "*" } } },
	{ "no address", WORLD NET(MONITORS), {
	    { .verb = CONNECT, "unknown",
		"451 4.7.1 Service unavailable - try again later", "*" } } },
	{ "out of order", WORLD NET(MONITORS), {
	    HERE,
	    { .verb = RCPT, "<b@example.com>",
		CANNOT " [connector -, rule internal]", "*" } } },
	{ "the mode is that of the newest configuration",
	    WORLD NET("require_tls = yes\nauth_mechanism = tls\n" MONITORS), {
	    HERE,
	    { .verb = MAIL, "<a@client.test>", .log = "NOQUEUE: "
		LINE("mail", "would-reject", "require_tls", NO_TLS,
		    "a@client.test", "", "") },
	    { .verb = RELOAD,
		WORLD NET("require_tls = yes\nauth_mechanism = tls\n") },
	    { .verb = RCPT, "<x@foreign.test>" },
	    { .verb = EOM, .queue = "4Tq1", .log = "*" },
	    { .verb = MAIL, "<a@client.test>", NO_TLS, "*" } } },
	/* check_header_from = monitor: that rule alone */
	{ "an author that would be refused", WORLD NET(WATCHES), {
	    HERE, MESSAGE,
	    { .verb = HEADER, "From", .value = "<boss@example.com>" },
	    { .verb = EOM, .queue = "4Tq1", .log = "4Tq1: "
		LINE("eom", "would-reject", "authoritative_domain_sender",
		    NOT_AS_THIS, "a@client.test", "b@example.com", "")
		" author=<boss@example.com>"
		"\n" ACCEPTED("a@client.test", "b@example.com", "", "") },
	    MESSAGE,
	    { .verb = HEADER, "From", .value = "a@client.test" },
	    { .verb = EOM, .queue = "4Tq1", .log = ACCEPTED(
		"a@client.test", "b@example.com", "", "") } } },
	{ "an author noted for many recipients", WORLD NET(WATCHES), {
	    HERE, MESSAGE,
	    { .verb = RCPT, "<c@example.com>" },
	    { .verb = HEADER, "From", .value = "<boss@example.com>" },
	    { .verb = EOM, .queue = "4Tq1", .log = "4Tq1: "
		LINE("eom", "would-reject", "authoritative_domain_sender",
		    NOT_AS_THIS, "a@client.test", "b@example.com", "")
		" nrcpt=2 author=<boss@example.com>"
		"\n" ACCEPTED("a@client.test", "b@example.com", "",
		    " nrcpt=2") } } },
	{ "noted, and refused by another rule", WORLD NET(WATCHES), {
	    HERE, MESSAGE,
	    { .verb = HEADER, "From", .value = "<boss@example.com>" },
	    { .verb = HEADER, "X-Connector-x", .times = 1001 },
	    { .verb = EOM, .queue = "4Tq1", .reply = TOO_LARGE, .log = "4Tq1: "
		LINE("eom", "would-reject", "authoritative_domain_sender",
		    NOT_AS_THIS, "a@client.test", "b@example.com", "")
		" author=<boss@example.com>"
		"\n4Tq1: " LINE("eom", "reject", "max_header_size", TOO_LARGE,
		    "a@client.test", "b@example.com", "") },
	    { .verb = RCPT, "<b@example.com>",
		CANNOT " [connector -, rule internal]", "*" } } },
};
/* clang-format on */

/* Explaining, a connector that monitors says what it would enforce. */
static void
check_explained(void)
{
	static const struct move moves[] = {
		HERE,
		MESSAGE,
		{ .verb = RCPT, "<x@foreign.test>", NO_RELAY },
		{ .verb = HEADER, "X-Connector-Name" },
		{ .verb = EOM,
		    .edits = "- X-Connector-Name 1\n"
			     "+ X-Connector-AuthSource: mx.example.com\n"
			     "+ X-Connector-AuthAs: Anonymous\n"
			     "+ X-Connector-Name: net" },
		{ .verb = MAIL, "<boss@example.com>", NOT_AS_THIS },
	};
	struct server server = impatient_server_of(WORLD NET(MONITORS));
	struct session *session;

	explain_only(&server);
	session = session_new(&server);
	for (size_t i = 0; i < nitems(moves); i++) {
		char line[REPLY_LINE_MAX];
		struct reply reply;
		const bool go_on =
		    play_move(&server, session, &moves[i], &reply, "explained");

		is_str(go_on ? NULL : reply_line(line, &reply), moves[i].reply,
		    "explained: the reply");
	}
	is_str(logged(), NULL, "explained: nothing is logged");
	session_free(session);
	server_free(&server);
}

/* Also a message of which nothing was judged has a size. */
static void
check_protocol(void)
{
	/* "Subject: x" CR LF and CR LF */
	static const char size[] = "4Tq1;14;1,receiving message";
	static const struct move moves[] = {
		HERE,
		{ .verb = MAIL, "<boss@example.com>", .log = "*" },
		{ .verb = RCPT, "<b@example.com>" },
		{ .verb = HEADER, "Subject", .value = "x" },
		{ .verb = EOM, .queue = "4Tq1", .log = "*" },
	};
	struct server server = impatient_server_of(
	    WORLD NET(MONITORS "protocol_logging_level = verbose\n"));
	const struct protocol_log_settings settings = logbook_settings();
	struct session *session = session_new(&server);
	char names[64];
	char *text;

	logbook_begin();
	protolog_configure(server.live->protolog, &settings);
	for (size_t i = 0; i < nitems(moves); i++) {
		struct reply reply;

		ok(play_move(&server, session, &moves[i], &reply, "protocol"),
		    "protocol: goes on");
	}
	text = logbook_read(logbook_list(names, sizeof(names)));
	ok(text != NULL && strstr(text, size) != NULL,
	    "protocol: the size of a message");
	free(text);
	session_free(session);
	server_free(&server);
	logbook_end();
}

int
main(void)
{
	play_all(plays, nitems(plays));
	check_explained();
	check_protocol();
	return done();
}
