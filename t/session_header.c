/*
 * session_header.c - headers and the edits they need, played: the firewall, the
 * stamp, names for unverified senders, and headers without end.
 */
#include "session.h"

#define PLAYED_RECIPIENTS \
	"alice@example.com login=alice name=\"Alice Doe\" " \
	"aliases=a.doe@example.com\n" \
	"bob@example.com login=bob\n" \
	"juergen@example.com name=\"J\xc3\xbcrgen\"\n" \
	"\"o'neil, jr\"@example.com name=\"O'Neil \\\"Jr\\\"\"\n" \
	"guest@foreign.test name=\"A Guest\"\n"
#include "plays.h"

#include <sys/resource.h>

#include "stamp.h"

#define WORLD \
	"[organization]\n" \
	"accepted_domains = example.com\n" \
	"[directory]\nrecipients = recipients.txt\nrecipient_delimiter = +\n"
#define NET(more) \
	"[connector My Net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = anonymous_users\n" more
#define USERS(more) \
	"[connector users]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = exchange_users\n" \
	"auth_mechanism = tls, basic_auth\n" more
#define PARTNER \
	"[connector partner]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = partners\n" \
	"domain_secure_enabled = yes\n"
#define PLAIN "stamp = no\n"
/* The limits end far above what a test of memory needs. */
#define ANY_SIZE "max_header_size = 2147483647\nmax_message_size = 2147483647\n"
#define CHECKS \
	"check_header_from = yes\nstamp = no\n" \
	"accept_authoritative_domain_sender = -anonymous\n"
#define ANNOTATES "resolve_anonymous_senders = annotate\nstamp = no\n"
#define RESOLVES "resolve_anonymous_senders = yes\nstamp = no\n"

#define BY(name, rule) " [connector " name ", rule " rule "]"
#define NOT_AS_THIS(name, rule) \
	"550 5.7.60 SMTP; Client does not have permissions to send as this " \
	"sender" BY(name, rule)
#define TOO_LARGE \
	"552 5.3.4 Header size exceeds fixed maximum size" BY( \
	    "My Net", "max_header_size")
#define CANNOT \
	"451 4.3.0 Cannot decide now, please try again later" BY( \
	    "-", "internal")
#define STAMPED(name, as) \
	"+ X-Connector-AuthSource: mx.example.com\n" \
	"+ X-Connector-AuthAs: " as "\n" \
	"+ X-Connector-Name: " name

#define HERE \
	{ \
		.verb = CONNECT, "203.0.113.9" \
	}
#define MESSAGE \
	{ .verb = MAIL, "<a@client.test>" }, \
	{ \
		.verb = RCPT, "<b@example.com>" \
	}
#define WITH(name, body) \
	{ \
		.verb = HEADER, name, .value = body \
	}
#define MANY(name, body, n) \
	{ \
		.verb = HEADER, name, .value = body, .times = n \
	}
#define END_WITH(what) \
	{ \
		.verb = EOM, .log = "*", .edits = what \
	}
/* 64 addresses. */
#define EIGHT \
	"a@b.test,a@b.test,a@b.test,a@b.test," \
	"a@b.test,a@b.test,a@b.test,a@b.test,"
#define EIGHTS EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
#define REFUSED(words) \
	{ \
		.verb = EOM, .reply = words, .log = "*" \
	}

#define X10(x) x x x x x x x x x x
#define LONG_512 X10(X10("aaaaa")) "aaaaaaaaaaaa"
#define LONG_LOCAL LONG_512 "aa"
#define NET_REFUSES(rule) \
	"NOQUEUE: " WHO("\"My Net\"", \
	    "mail.client.test[203.0.113.9]") "192.0.2.25:25" WHY("eom", \
	    "reject", rule, NOT_AS_THIS("My Net", rule)) WHAT("a@client.test", \
	    "b@example.com", "") HOW("anonymous", "", "")
#define USERS_REFUSE(rule) \
	"NOQUEUE: " WHO("users", \
	    "mail.client.test[203.0.113.9]") "192.0.2.25:25" WHY("eom", \
	    "reject", rule, NOT_AS_THIS("users", rule)) \
	    WHAT("alice@example.com", "b@example.com", "") \
		HOW("user", "alice", "TLSv1.3")
#define ALICE \
	{ .verb = MAIL, \
		"<alice@example.com>", \
		.tls = "TLSv1.3", \
		.auth_type = "PLAIN", \
		.auth_authen = "alice" }, \
	{ \
		.verb = RCPT, "<b@example.com>" \
	}
#define LONG_NAME_256 "X-Connector-" X10(X10("aa")) X10("aaaa") "aaaa"

/* clang-format off */
static const struct play plays[] = {
	/* the firewall */
	{ "an honest header", WORLD NET(PLAIN), {
	    HERE, MESSAGE,
	    WITH("Subject", "x"), WITH("From", "<a@client.test>"),
	    WITH("Received", "from x"), WITH("X-Connectors", ""),
	    WITH("X-MS-Exchange-Organizer", "x"), WITH("", ""),
	    END_WITH(NULL) } },
	{ "no header at all", WORLD NET(PLAIN), {
	    HERE, MESSAGE, END_WITH(NULL) } },
	{ "one forged field", WORLD NET(PLAIN), {
	    HERE, MESSAGE, WITH("X-Connector-AuthAs", "Internal"),
	    END_WITH("- X-Connector-AuthAs 1") } },
	{ "each spelling counts, the highest goes first", WORLD NET(PLAIN), {
	    HERE, MESSAGE,
	    WITH("x-CONNECTOR-name", "1"), WITH("Subject", "x"),
	    WITH("X-Connector-Name", "2"), WITH("X-Connector-Stamp", "x"),
	    WITH("X-CONNECTOR-NAME \t", "3"), WITH("X-Connector-", "x"),
	    WITH("X-Connector-Names", "x"),
	    END_WITH("- x-CONNECTOR-name 3\n- x-CONNECTOR-name 2\n"
		"- x-CONNECTOR-name 1\n- X-Connector-Stamp 1\n"
		"- X-Connector- 1\n- X-Connector-Names 1") } },
	{ "fields of the organization", WORLD NET(PLAIN
		"protected_headers = X-Ours-\n"), {
	    HERE, MESSAGE,
	    WITH("X-MS-Exchange-Organization-AuthAs", "Internal"),
	    WITH("x-ms-exchange-forest-x", "x"),
	    WITH("X-MS-Exchange-CrossPremises-x", "x"),
	    WITH("X-OURS-x", "x"), WITH("Received", "x"),
	    WITH("Resent-From", "x@example.com"),
	    END_WITH("- X-MS-Exchange-Organization-AuthAs 1\n"
		"- x-ms-exchange-forest-x 1\n"
		"- X-MS-Exchange-CrossPremises-x 1\n- X-OURS-x 1") } },
	{ "without the right to say how it came",
	    WORLD NET(PLAIN "accept_headers_routing = -anonymous\n"), {
	    HERE, MESSAGE,
	    WITH("Received", "x"), WITH("Resent-From", "x"),
	    WITH("RECEIVED", "x"),
	    END_WITH("- Received 2\n- Received 1\n- Resent-From 1") } },
	{ "another prefix",
	    "[milter]\nstamp_prefix = X-Gate-\n" WORLD NET(""), {
	    HERE, MESSAGE,
	    WITH("X-Connector-Name", "x"), WITH("X-GATE-Name", "x"),
	    END_WITH("- X-GATE-Name 1\n+ X-Gate-AuthSource: mx.example.com\n"
		"+ X-Gate-AuthAs: Anonymous\n+ X-Gate-Name: My Net") } },
	{ "nothing is left of another message", WORLD NET(PLAIN), {
	    HERE, MESSAGE,
	    WITH("X-Connector-Name", "x"), { .verb = ABORT },
	    WITH("X-Connector-Name", "x"),
	    MESSAGE, END_WITH(NULL),
	    WITH("X-Connector-Name", "x"),
	    MESSAGE, END_WITH(NULL) } },
	{ "as many as can be deleted", WORLD NET(PLAIN), {
	    HERE, MESSAGE, MANY("X-Connector-Name", "x", 1000),
	    { .verb = EOM, .log = "*", .edits = "*" } } },
	{ "one more", WORLD NET(PLAIN), {
	    HERE, MESSAGE, MANY("X-Connector-Name", "x", 1001),
	    REFUSED(TOO_LARGE), MESSAGE, END_WITH(NULL) } },
	{ "a long name", WORLD NET(PLAIN), {
	    HERE, MESSAGE, WITH(LONG_NAME_256, "x"),
	    END_WITH("- " LONG_NAME_256 " 1") } },
	{ "a longer name", WORLD NET(PLAIN), {
	    HERE, MESSAGE, WITH(LONG_NAME_256 "a", "x"),
	    REFUSED(TOO_LARGE) } },
	{ "honest fields without end", WORLD NET(PLAIN ANY_SIZE), {
	    HERE, MESSAGE, MANY("X-Honest", "x", 1000000),
	    END_WITH(NULL) } },
	/* the stamp */
	{ "a stranger", WORLD NET(""), {
	    HERE, MESSAGE, END_WITH(STAMPED("My Net", "Anonymous")) } },
	{ "a user", WORLD USERS(""), {
	    HERE, { .verb = MAIL, "<alice@example.com>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "alice" },
	    { .verb = RCPT, "<b@example.com>" },
	    END_WITH(STAMPED("users", "Internal")) } },
	{ "a partner", "[organization]\naccepted_domains = example.com\n"
	    "tls_receive_domain_secure_list = partner.test\n" PARTNER, {
	    HERE, { .verb = MAIL, "<a@partner.test>", .tls = "TLSv1.3",
		.cert_subject = "mx.partner.test" },
	    { .verb = RCPT, "<b@example.com>" },
	    END_WITH(STAMPED("partner", "Partner")) } },
	{ "a server of another name", WORLD NET(""), {
	    HERE, MESSAGE, { .verb = EOM, .log = "*", .server = "MX.Example.COM.",
		.edits = STAMPED("My Net", "Anonymous") } } },
	{ "a server without one", WORLD NET(""), {
	    HERE, MESSAGE, { .verb = EOM, .log = "*", .server = "mx\r\nX: y",
		.edits = "+ X-Connector-AuthAs: Anonymous\n"
		"+ X-Connector-Name: My Net" } } },
	/* the MTA does not take an edit */
	{ "an edit that fails defers", WORLD NET(""), {
	    HERE, MESSAGE, WITH("X-Connector-Name", "x"),
	    { .verb = EOM, .queue = "4Tq1", .edits = "*", .edit_fails = true,
		.reply = CANNOT, .log = "4Tq1: "
		WHO("-", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("eom", "tempfail", "internal", CANNOT)
		WHAT("a@client.test", "b@example.com", "") HOW("", "", "") },
	    { .verb = RCPT, "<b@example.com>", CANNOT, "*" },
	    MESSAGE, END_WITH(STAMPED("My Net", "Anonymous")) } },
	/* authors */
	{ "an own author", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", "Boss <boss@example.com>"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("FROM \t", "boss@EXAMPLE.com"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, END_WITH(NULL) } },
	{ "one among others", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", "a@client.test,\n\tboss@example.com"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "a@client.test"),
	    WITH("from", "\"x\" <boss@example.com>"),
	    WITH("From", "c@client.test"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "a@client.test"),
	    WITH("Resent-From", "boss@example.com"),
	    WITH("Sender", "boss@example.com"),
	    WITH("Fromm", "boss@example.com"), END_WITH(NULL) } },
	{ "as many From fields as are read", WORLD NET(CHECKS), {
	    HERE, MESSAGE, MANY("From", "a@client.test", 16), END_WITH(NULL),
	    MESSAGE, MANY("From", "a@client.test", 17), REFUSED(TOO_LARGE) } },
	{ "as many addresses as are read", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", EIGHTS EIGHTS EIGHTS EIGHTS),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", EIGHTS EIGHTS EIGHTS EIGHTS ",a@b.test"),
	    REFUSED(TOO_LARGE),
	    MESSAGE, WITH("From", EIGHTS EIGHTS EIGHTS EIGHTS),
	    WITH("From", "a%b!c"), REFUSED(TOO_LARGE) } },
	{ "what Sendmail would make an own address", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", "Boss <boss%example.com>"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "Boss <example.com!boss>"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "Boss <boss%client.test>"), END_WITH(NULL),
	    MESSAGE, WITH("From", "100% example.com! <a@client.test>"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "<boss>"), END_WITH(NULL) } },
	{ "a bare name where it is completed",
	    WORLD NET(CHECKS "default_domain = example.com\n"), {
	    HERE, MESSAGE, WITH("From", "The Boss <boss>"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "The Boss"),
	    REFUSED(NOT_AS_THIS("My Net", "authoritative_domain_sender")),
	    MESSAGE, WITH("From", "Us: a@client.test;"), END_WITH(NULL),
	    MESSAGE, WITH("From", "The Boss <a@client.test>"),
	    END_WITH(NULL) } },
	{ "an author the login owns", WORLD USERS(
		"check_header_from = yes\n" PLAIN), {
	    HERE, { .verb = MAIL, "<alice@example.com>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "alice" },
	    { .verb = RCPT, "<b@example.com>" },
	    WITH("From", "A <a.doe@example.com>, alice+x@example.com"),
	    END_WITH(NULL),
	    { .verb = MAIL, "<alice@example.com>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "alice" },
	    { .verb = RCPT, "<b@example.com>" },
	    WITH("From", "bob@example.com"), REFUSED(
		NOT_AS_THIS("users", "authoritative_domain_sender")) } },
	/* authors in the log */
	{ "the first author that is ours", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", "x@client.test, \"The > Boss\" "
		"<\"big boss\"@EXAMPLE.com>, cfo@example.com"),
	    WITH("From", "cto@example.com"),
	    { .verb = EOM, .reply = NOT_AS_THIS("My Net",
		"authoritative_domain_sender"), .log =
		NET_REFUSES("authoritative_domain_sender")
		" author=<big\\x20boss@example.com>" },
	    MESSAGE, WITH("From", "cfo@example.com"),
	    { .verb = EOM, .reply = NOT_AS_THIS("My Net",
		"authoritative_domain_sender"), .log =
		NET_REFUSES("authoritative_domain_sender")
		" author=<cfo@example.com>" } } },
	{ "an author that the directory lists", WORLD NET(
		"check_header_from = yes\nstamp = no\n"
		"accept_any_sender = -anonymous\n"), {
	    HERE, MESSAGE, WITH("From", "x@client.test, guest@foreign.test"),
	    { .verb = EOM, .reply = NOT_AS_THIS("My Net", "any_sender"),
		.log = NET_REFUSES("any_sender")
		" author=<guest@foreign.test>" } } },
	{ "else the first that the login does not own", WORLD USERS(
		"check_header_from = yes\n" PLAIN), {
	    HERE, ALICE, WITH("From", "alice@example.com, x@foreign.test, "
		"y@foreign.test"),
	    { .verb = EOM, .reply = NOT_AS_THIS("users", "any_sender"),
		.log = USERS_REFUSE("any_sender") " author=<x@foreign.test>" },
	    ALICE, WITH("From", "x@foreign.test"),
	    WITH("From", "alice@example.com, bob@example.com"),
	    { .verb = EOM, .reply =
		NOT_AS_THIS("users", "authoritative_domain_sender"),
		.log = USERS_REFUSE("authoritative_domain_sender")
		" author=<bob@example.com>" } } },
	{ "a long author is cut", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", LONG_LOCAL "@example.com"),
	    { .verb = EOM, .reply = NOT_AS_THIS("My Net",
		"authoritative_domain_sender"), .log =
		NET_REFUSES("authoritative_domain_sender")
		" author=<" LONG_512 "...>" } } },
	{ "no author of a rule that asks for none", WORLD NET(CHECKS), {
	    HERE, MESSAGE, WITH("From", "x@client.test"),
	    MANY("X-Connector-x", "", 1001),
	    { .verb = EOM, .reply = TOO_LARGE, .log = "NOQUEUE: "
		WHO("\"My Net\"", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("eom", "reject", "max_header_size",
		    TOO_LARGE)
		WHAT("a@client.test", "b@example.com", "")
		HOW("anonymous", "", "") } } },
	/* names for unverified senders */
	{ "annotate", WORLD NET(ANNOTATES), {
	    HERE, MESSAGE, WITH("From", "The Boss <Alice@Example.com>"),
	    END_WITH("+ X-Connector-Sender: "
		"\"Alice Doe\" <alice@example.com> (unverified)"),
	    MESSAGE, WITH("From", "x@client.test, bob@example.com"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "alice@example.com, juergen@example.com, "
		"alice@EXAMPLE.com"),
	    WITH("From", "guest@foreign.test"),
	    END_WITH("+ X-Connector-Sender: "
		"\"A Guest\" <guest@foreign.test> (unverified)\n"
		"+ X-Connector-Sender: "
		"=?UTF-8?Q?J=C3=BCrgen?= <juergen@example.com> (unverified)\n"
		"+ X-Connector-Sender: "
		"\"Alice Doe\" <alice@example.com> (unverified)") } },
	{ "at most eight", WORLD NET(ANNOTATES), {
	    HERE, MESSAGE, WITH("From", "alice+1@example.com, "
		"alice+2@example.com, alice+3@example.com, "
		"alice+4@example.com, alice+5@example.com, "
		"alice+6@example.com, alice+7@example.com, "
		"alice+8@example.com, alice+9@example.com"),
#define NOTE(n) "+ X-Connector-Sender: \"Alice Doe\" <alice+" n \
	"@example.com> (unverified)"
	    END_WITH(NOTE("8") "\n" NOTE("7") "\n" NOTE("6") "\n" NOTE("5") "\n"
		NOTE("4") "\n" NOTE("3") "\n" NOTE("2") "\n" NOTE("1")) } },
	{ "annotate and stamp", WORLD NET(
		"resolve_anonymous_senders = annotate\n"), {
	    HERE, MESSAGE, WITH("X-Connector-Sender", "forged"),
	    WITH("From", "alice@example.com"),
	    END_WITH("- X-Connector-Sender 1\n"
		"+ X-Connector-Sender: "
		"\"Alice Doe\" <alice@example.com> (unverified)\n"
		STAMPED("My Net", "Anonymous")) } },
	{ "resolve", WORLD NET(RESOLVES), {
	    HERE, MESSAGE, WITH("From", "\"The Boss\" <Alice@Example.com>"),
	    END_WITH("= From 1 \"Alice Doe\" <alice@example.com>"),
	    MESSAGE, WITH("From", "x <x@client.test>"),
	    WITH("FROM", "\n\tx <x@client.test>,\n alice@example.com ,\n"
		"\tBob <bob@example.com>"),
	    END_WITH("= From 2 x <x@client.test>,\n "
		"\"Alice Doe\" <alice@example.com> ,\n"
		"\tBob <bob@example.com>"),
	    MESSAGE, WITH("From", "Us: alice@example.com, juergen@example.com;"),
	    END_WITH("= From 1 Us: \"Alice Doe\" <alice@example.com>, "
		"=?UTF-8?Q?J=C3=BCrgen?= <juergen@example.com>;") } },
	{ "resolve leaves alone what is none of its business",
	    WORLD NET(RESOLVES), {
	    HERE, MESSAGE, WITH("From", "Bob <bob@example.com>"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "alice@example.com <x@client.test>"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "\"alice@example.com\" <x@client.test>"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "x <alice@example.com> <x@client.test>"),
	    END_WITH(NULL) } },
	{ "nor what is malformed, however it is read",
	    WORLD NET(RESOLVES), {
	    HERE, MESSAGE, WITH("From", "alice@example.com;x"), END_WITH(NULL),
	    MESSAGE, WITH("From", "alice@example.com>"), END_WITH(NULL),
	    MESSAGE, WITH("From", "x.Boss<alice@example.com"), END_WITH(NULL),
	    MESSAGE, WITH("From", "client.test<alice@example.com<"),
	    END_WITH(NULL),
	    MESSAGE, WITH("From", "x alice@example.com>"), END_WITH(NULL) } },
	{ "names and locals that need quotes", WORLD NET(RESOLVES), {
	    HERE, MESSAGE, WITH("From", "<\"o'neil, jr\"@example.com>"),
	    END_WITH("= From 1 \"O'Neil \\\"Jr\\\"\" "
		"<\"o'neil, jr\"@example.com>") } },
	{ "users keep their names", WORLD USERS(RESOLVES), {
	    HERE, { .verb = MAIL, "<alice@example.com>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "alice" },
	    { .verb = RCPT, "<b@example.com>" },
	    WITH("From", "My Own <alice@example.com>"), END_WITH(NULL) } },
	{ "no directory, no names", "[organization]\n"
	    "accepted_domains = example.com\n" NET(PLAIN), {
	    HERE, MESSAGE, WITH("From", "alice@example.com"),
	    END_WITH(NULL) } },
};
/* clang-format on */

static const struct move connect_move = HERE;
static const struct move begin_moves[] = { MESSAGE };

/* A session at the end of its header. */
static struct session *
session_at_data(struct server *server)
{
	struct session *session = session_new(server);
	struct reply reply;

	(void)!play_connect(session, &connect_move, &reply);
	for (size_t i = 0; i < nitems(begin_moves); i++)
		(void)!play_move(
		    server, session, &begin_moves[i], &reply, "begin");
	return session;
}

/* The value of the insertion called name, or NULL. */
static const char *
inserted(const struct edits *edits, const char *name)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_INSERT &&
		    strcmp(edits->items[i].name, name) == 0)
			return edits->items[i].value;
	return NULL;
}

static struct stamp_keys *
keys(void)
{
	struct diags *diags = diags_new();
	struct stamp_keys *keys = stamp_keys_parse(
	    "stamp.key", PLAYED_KEYS, strlen(PLAYED_KEYS), diags);

	diags_free(diags);
	return keys;
}

/* What is signed is what will be in the message. */
static void
check_stamp(const char *what, const char *from, const char *signed_from,
    const char *server_name)
{
	struct server server = impatient_server_of(
	    "[milter]\nstamp_key_file = stamp.key\n" WORLD NET(
		"") "resolve_anonymous_senders = yes\n");
	struct session *session = session_at_data(&server);
	const struct eom_info info = { "4Tq1", server_name, PLAYED_NOW };
	struct stamp stamp = {
		.connector = "My Net",
		.auth_as = "Anonymous",
		.auth_source = server_name != NULL ? server_name : "",
		.from = &signed_from,
		.from_count = 1,
	};
	struct stamp_keys *trusted = keys();
	char queue_id[STAMP_VALUE_MAX] = "";
	struct edits edits;
	struct reply reply;
	const char *value;

	session_header(session, "From", from);
	ok(session_eom(session, &info, &edits, &reply), "%s: signed", what);
	value = inserted(&edits, "X-Connector-Stamp");
	is_str(
	    stamp_verify(value != NULL ? value : "", trusted, &stamp, queue_id),
	    NULL, what);
	is_str(queue_id, "4Tq1", what);
	is_int(stamp.time, PLAYED_NOW, what);
	ok(edits.count >= 3 &&
		strcmp(edits.items[edits.count - 1].name, "X-Connector-Name") ==
		    0 &&
		inserted(&edits, "X-Connector-AuthAs") != NULL,
	    "%s: with the rest of the stamp", what);
	ok(session_done(session, true, &reply), "%s: done", what);
	check_log("*", what);
	session_free(session);
	stamp_keys_free(trusted);
	server_free(&server);
}

/* Without live state the values that only an MTA knows are not there. */
static void
check_explained(void)
{
	struct server server = impatient_server_of(
	    "[milter]\nstamp_key_file = stamp.key\n" WORLD NET(""));
	struct session *session;
	const struct eom_info info = { NULL, NULL, 0 };
	struct edits edits;
	struct reply reply;
	char *text;

	explain_only(&server);
	session = session_at_data(&server);
	ok(session_eom(session, &info, &edits, &reply), "explained");
	text = edits_text(&edits);
	is_str(text,
	    "+ X-Connector-Stamp: ?\n+ X-Connector-AuthSource: ?\n"
	    "+ X-Connector-AuthAs: Anonymous\n+ X-Connector-Name: My Net",
	    "explained: what is not known has no value");
	free(text);
	ok(session_done(session, true, &reply), "explained: done");
	is_str(logged(), NULL, "explained: nothing is logged");
	session_free(session);
	server_free(&server);
}

static long
resident_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* Headers and fields of any size need a fixed amount of memory. */
static void
check_flood(const char *what, const char *name, size_t len, unsigned times)
{
	struct server server =
	    impatient_server_of(WORLD NET(RESOLVES ANY_SIZE));
	struct session *session = session_at_data(&server);
	const struct eom_info info = { "4Tq1", "mx.example.com", PLAYED_NOW };
	char *value = malloc(len + 1);
	struct edits edits;
	struct reply reply;
	long before;

	for (size_t i = 0; value != NULL && i < len; i++)
		value[i] = "a@example.com,"[i % 14];
	if (value == NULL)
		return;
	value[len] = '\0';
	before = resident_kb();
	for (unsigned i = 0; i < times; i++)
		session_header(session, name, value);
	ok(resident_kb() - before < 4096, "%s: %ld kB more", what,
	    resident_kb() - before);
	if (session_eom(session, &info, &edits, &reply))
		(void)!session_done(session, true, &reply);
	ok(resident_kb() - before < 8192, "%s: %ld kB at the end", what,
	    resident_kb() - before);
	check_log("*", what);
	free(value);
	session_free(session);
	server_free(&server);
}

int
main(void)
{
	play_all(plays, nitems(plays));
	check_stamp("a From as it was", "x <x@client.test>",
	    "x <x@client.test>", "mx.example.com");
	check_stamp("a From that was replaced", "Boss <alice@example.com>",
	    "\"Alice Doe\" <alice@example.com>", "mx.example.com");
	check_stamp(
	    "a server without a name", "x@client.test", "x@client.test", NULL);
	check_explained();
	check_flood("honest fields", "X-Honest", 100, 1000000);
	check_flood("large honest fields", "X-Honest", 65000, 10000);
	check_flood("forged fields", "X-Connector-x", 100, 1000000);
	check_flood("From fields", "From", 100, 1000000);
	check_flood("a large From field", "From", 65000, 2);
	return done();
}
