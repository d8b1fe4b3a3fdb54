/*
 * session_limits.c - limits in played sessions, by a clock that obeys.
 */
#include "session.h"

#include <time.h>

#include "played.h"
#include "tap.h"

#define SECOND 1000000000LL

#define WORLD "[organization]\naccepted_domains = example.com\n"
#define NET(more) \
	"[connector net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 203.0.113.0/24\n" \
	"permission_groups = anonymous_users, exchange_users\n" \
	"auth_mechanism = tls, integrated\n" \
	"accept_any_sender = users\n" \
	"tarpit_interval = 0s\n" more
#define ONE(more) WORLD NET(more)

#define BY(rule) " [connector net, rule " rule "]"
#define TIMED_OUT "421 4.4.1 Connection timed out" BY("connection_timeout")
#define ERRORS \
	"421 4.7.0 Too many errors on this connection, closing transmission " \
	"channel" BY("max_protocol_errors")
#define FULL \
	"421 4.3.2 The maximum number of concurrent server connections has " \
	"exceeded a limit, closing transmission channel" BY("max_inbound_" \
							    "connection")
#define SOURCE_FULL \
	"421 4.3.2 The maximum number of concurrent server connections has " \
	"exceeded a per-source limit, closing transmission channel" BY( \
	    "max_inbound_connection_per_source")
#define RATE \
	"421 4.4.2 Message submission rate for this client has exceeded the " \
	"configured limit" BY("message_rate_limit")
#define PRESSURE "452 4.3.1 Insufficient system resources" BY("back_pressure")
#define SIZE \
	"552 5.3.4 Message size exceeds fixed maximum message size" BY( \
	    "max_message_size")
#define HEADER \
	"552 5.3.4 Header size exceeds fixed maximum size" BY("max_header_" \
							      "size")
#define HOPS(rule) "554 5.4.6 Hop count exceeded - possible mail loop" BY(rule)
#define STOPPING(connector) \
	"421 4.3.2 Service not available [connector " connector \
	", rule admission]"
#define SENDER "501 5.1.7 Invalid address" BY("sender_syntax")
#define RECIPIENT "501 5.1.3 Invalid address" BY("recipient_syntax")
#define RELAY \
	"550 5.7.54 SMTP; Unable to relay recipient in non-accepted " \
	"domain" BY("relay")

static struct server server;

static void
begin(const char *text)
{
	server = server_of(text);
}

static void
end(const char *what)
{
	struct limits_usage usage;

	limits_usage(server.live->limits, &usage, played_ns + 120 * SECOND);
	ok(usage.sources == 0 && usage.rates == 0 &&
		atomic_load(&server.live->sessions) == 0,
	    "%s: nothing is held in the end", what);
	server_free(&server);
}

static char answer[REPLY_LINE_MAX];

static const char *
say(bool go_on, const struct reply *reply)
{
	if (go_on)
		return NULL;
	return reply_line(answer, reply);
}

static struct addr
address(const char *text)
{
	struct addr addr = { .family = ADDR_NONE };

	if (addr_parse(&addr, text) != NULL)
		printf("Bail out! %s is no address\n", text);
	return addr;
}

/* A session from client, connected. */
static struct session *
from(const char *client)
{
	struct session *session = session_new(&server);
	struct connect_info info = {
		.host = "mail.client.test",
		.client = address(client),
		.client_port = 41022,
		.client_resolve = "OK",
	};
	struct reply reply;

	info.listener = (struct endpoint){ address("192.0.2.25"), 25 };
	if (session == NULL || !session_connect(session, &info, &reply))
		printf("# refused at connect\n");
	return session;
}

static const char *
helo(struct session *session)
{
	struct reply reply;

	return say(session_helo(session, "x.test", &reply), &reply);
}

static const char *
mail(struct session *session, const char *path, const char *parameter,
    const char *login)
{
	const char *const parameters[] = { parameter, NULL };
	const struct mail_info info = {
		.path = path,
		.parameters = parameters,
		.auth_type = login != NULL ? "GSSAPI" : NULL,
		.auth_authen = login,
		.server_name = "MX1.example.com",
	};
	struct reply reply;

	return say(session_mail(session, &info, &reply), &reply);
}

static const char *
send_as(struct session *session, const char *path)
{
	return mail(session, path, NULL, NULL);
}

static const char *
rcpt(struct session *session, const char *path)
{
	const struct rcpt_info info = { .path = path, .rcpt_addr = path };
	struct reply reply;

	return say(session_rcpt(session, &info, &reply), &reply);
}

static const char *
eom(struct session *session)
{
	const struct eom_info info = { .queue_id = "4Tq1" };
	struct edits edits;
	struct reply reply;

	return say(session_eom(session, &info, &edits, &reply) &&
		session_done(session, true, &reply),
	    &reply);
}

/* ---- the clock ----------------------------------------------------------- */

static void
test_age(void)
{
	struct session *session;

	begin(ONE("connection_timeout = 10s\n"
		  "connection_inactivity_timeout = 5s\n"));
	session = from("203.0.113.9");
	played_ns += 5 * SECOND - 1;
	is_str(helo(session), NULL, "HELO just before the silence is too long");
	played_ns += 5 * SECOND - 1;
	is_str(send_as(session, "<a@b.test>"), NULL,
	    "MAIL just before the session is too old");
	played_ns += 1;
	is_str(rcpt(session, "<b@example.com>"), NULL, "RCPT as well");
	played_ns += 1;
	is_str(rcpt(session, "<b@example.com>"), TIMED_OUT,
	    "RCPT in a session that is too old");
	is_str(send_as(session, "<a@b.test>"), TIMED_OUT, "MAIL too");
	is_str(helo(session), TIMED_OUT, "HELO too");
	session_free(session);
	end("age");
}

static void
test_silence(void)
{
	struct session *session;

	begin(ONE("connection_inactivity_timeout = 5s\n"));
	session = from("203.0.113.9");
	played_ns += 5 * SECOND;
	is_str(helo(session), TIMED_OUT, "a client that was silent at HELO");
	is_str(helo(session), NULL, "its next command is not late");
	is_str(send_as(session, "<a@b.test>"), NULL, "MAIL neither");
	is_str(rcpt(session, "<b@example.com>"), NULL, "RCPT neither");
	/* The message itself may take its time. */
	played_ns += 60 * SECOND;
	session_header(session, "From", "a@b.test");
	session_body(session, 100);
	is_str(eom(session), NULL, "a message that took a minute");
	played_ns += 4 * SECOND;
	session_unknown(session, "NOPE");
	played_ns += 4 * SECOND;
	is_str(send_as(session, "<a@b.test>"), NULL,
	    "unknown commands are no silence");
	is_str(rcpt(session, "<b@example.com>"), NULL, "its RCPT");
	played_ns += 60 * SECOND;
	session_abort(session);
	played_ns += 5 * SECOND - 1;
	is_str(send_as(session, "<a@b.test>"), NULL,
	    "a message that was given up after a minute");
	played_ns += 5 * SECOND;
	is_str(rcpt(session, "<b@example.com>"), TIMED_OUT, "RCPT too late");
	session_free(session);
	end("silence");
}

/* ---- errors -------------------------------------------------------------- */

static void
test_errors(void)
{
	struct session *session;

	begin(ONE("max_protocol_errors = 3\n"));
	session = from("203.0.113.9");
	session_unknown(session, "NOPE");
	is_str(send_as(session, "<a@b@c>"), SENDER, "an error in MAIL");
	is_str(send_as(session, "<a@b.test>"), NULL, "two are no matter");
	is_str(rcpt(session, "junk"), RECIPIENT, "an error in RCPT");
	is_str(rcpt(session, "<x@foreign.test>"), RELAY,
	    "a refusal of another kind is none");
	is_str(rcpt(session, "<b@example.com>"), NULL, "three are the limit");
	session_unknown(session, "NOPE");
	is_str(rcpt(session, "<b@example.com>"), ERRORS, "RCPT after four");
	is_str(send_as(session, "<a@b.test>"), ERRORS, "MAIL after four");
	is_str(helo(session), ERRORS, "HELO after four");
	session_free(session);
	end("errors");

	begin(ONE("max_protocol_errors = 0\n"));
	session = from("203.0.113.9");
	is_str(send_as(session, "<a@b.test>"), NULL, "no error where none may");
	session_unknown(session, "NOPE");
	is_str(send_as(session, "<a@b.test>"), ERRORS, "one where none may be");
	session_free(session);
	end("no errors");
}

/* HELO rules are judged at MAIL too, but nobody stays because of one. */
static void
test_bad_helo(void)
{
	static const char bad_name[] =
	    "501 5.5.4 Invalid domain name" BY("helo_syntax");
	struct session *session;
	struct reply reply;

	begin(ONE("max_protocol_errors = 2\nconnection_timeout = 10s\n"
		  "connection_inactivity_timeout = 5s\n"));
	session = from("203.0.113.9");
	ok(session_helo(session, "a..b", &reply), "a bad name at HELO");
	for (unsigned i = 0; i < 3; i++)
		is_str(send_as(session, "<a@b.test>"), bad_name,
		    "each MAIL says so");
	is_str(send_as(session, "<a@b.test>"), ERRORS, "until they are many");
	session_free(session);
	session = from("203.0.113.9");
	ok(session_helo(session, "a..b", &reply), "a bad name at HELO");
	played_ns += 6 * SECOND;
	is_str(send_as(session, "<a@b.test>"), TIMED_OUT, "or it is too late");
	session_free(session);
	end("a bad name");
}

/* ---- slots --------------------------------------------------------------- */

static void
test_slots(void)
{
	struct session *a, *b, *c;

	begin(ONE("max_inbound_connection = 2\n"
		  "max_inbound_connection_percentage_per_source = 100\n"));
	a = from("203.0.113.1");
	b = from("203.0.113.2");
	c = from("203.0.113.3");
	is_str(helo(b), NULL, "the second of two");
	is_str(helo(c), FULL, "the third of two");
	is_str(send_as(c, "<a@b.test>"), FULL, "at MAIL as well");
	session_free(a);
	is_str(helo(c), NULL, "a slot that is free is taken");
	a = from("203.0.113.1");
	is_str(helo(a), FULL, "and is taken then");
	session_free(a);
	session_free(b);
	session_free(c);
	end("slots");
}

static void
test_sources(void)
{
	struct session *a, *b, *c;

	begin(ONE("max_inbound_connection_per_source = 1\n"));
	a = from("203.0.113.1");
	b = from("203.0.113.1");
	c = from("203.0.113.2");
	is_str(helo(a), NULL, "the first of a source");
	is_str(helo(b), SOURCE_FULL, "the second");
	is_str(helo(c), NULL, "another source");
	session_free(a);
	is_str(send_as(b, "<a@b.test>"), NULL, "once the first is gone");
	session_free(b);
	session_free(c);
	end("sources");
}

/* Connectors change under a session: it goes where it belongs at MAIL. */
static void
test_moves(void)
{
	static const char other[] =
	    ONE("max_inbound_connection = 1\n"
		"max_inbound_connection_percentage_per_"
		"source = 100\n") "[connector one]\nbindings = 0.0.0.0:25\n"
				  "remote_ip_ranges = 203.0.113.1\n"
				  "permission_groups = anonymous_users\n"
				  "max_inbound_connection = 1\n"
				  "max_inbound_connection_percentage_per_"
				  "source = 100\n";
	struct session *a, *b;

	begin(ONE("max_inbound_connection = 1\n"
		  "max_inbound_connection_percentage_per_source = 100\n"));
	a = from("203.0.113.1");
	reload(&server, other);
	b = from("203.0.113.2");
	is_str(helo(b), FULL, "the slot is kept over a reload, by name");
	is_str(send_as(a, "<a@b.test>"), NULL, "a session that moves");
	is_str(helo(b), NULL, "gives its slot to others");
	reload(&server,
	    ONE("max_inbound_connection = 1\n"
		"max_inbound_connection_percentage_per_source = 100\n"));
	is_str(
	    send_as(a, "<a@b.test>"), FULL, "and finds none on its way back");
	session_free(b);
	is_str(send_as(a, "<a@b.test>"), NULL, "until one is free");
	session_free(a);
	end("moves");
}

/* What is counted of a connector may go, once nobody holds its snapshot. */
static void
test_helo_inside(void)
{
	static const char other[] =
	    ONE("enabled = no\n") "[connector other]\n"
				  "bindings = 0.0.0.0:25\n"
				  "remote_ip_ranges = 203.0.113.0/24\n"
				  "permission_groups = anonymous_users\n"
				  "max_inbound_connection_per_source = 1\n";
	struct session *a, *b;

	begin(ONE(""));
	a = from("203.0.113.1");
	is_str(send_as(a, "<a@b.test>"), NULL, "a transaction");
	reload(&server, other);
	b = from("203.0.113.1");
	(void)helo(a);
	session_free(b);
	reload(&server, ONE(""));
	snapshots_collect(server.snapshots);
	is_str(rcpt(a, "<x@foreign.test>"),
	    "451 4.3.0 Cannot decide now, please try again later [connector -, "
	    "rule internal]",
	    "HELO has ended it");
	is_str(send_as(a, "<a@b.test>"), NULL, "another one");
	session_free(a);
	end("HELO inside of a transaction");
}

/* An MTA that tells of another client starts all over again. */
static void
test_another_client(void)
{
	struct connect_info info = { .host = "x.test", .client_port = 41022 };
	struct session *a, *b;
	struct reply reply;

	begin(ONE("max_inbound_connection_per_source = 1\n"));
	a = from("203.0.113.1");
	info.client = address("203.0.113.2");
	info.listener = (struct endpoint){ address("192.0.2.25"), 25 };
	ok(session_connect(a, &info, &reply), "another client of a session");
	b = from("203.0.113.1");
	is_str(helo(b), NULL, "leaves the slot of the first one");
	info.client = address("198.51.100.1");
	ok(session_connect(a, &info, &reply), "and one that nobody serves");
	is_str(send_as(a, "<a@b.test>"),
	    "421 4.3.2 Service not available [connector -, rule no_connector]",
	    "is not taken for the first one");
	session_free(a);
	session_free(b);
	end("another client");
}

static void
test_admission(void)
{
	struct session *a, *b;

	begin("[milter]\nmax_sessions = 1\n" ONE(""));
	a = from("203.0.113.1");
	b = from("203.0.113.2");
	is_int(atomic_load(&server.live->sessions), 1,
	    "a session that is not admitted is not counted");
	session_free(a);
	session_free(b);
	b = from("203.0.113.2");
	is_str(helo(b), NULL, "one is admitted again");
	atomic_store(&server.live->draining, true);
	a = from("203.0.113.1");
	is_int(atomic_load(&server.live->sessions), 1, "none when draining");
	is_str(send_as(b, "<a@b.test>"), NULL, "but who is inside goes on");
	session_free(a);
	session_free(b);
	end("admission");
}

/* The system has no more of something: for a second nobody is let in. */
static void
test_scarce(void)
{
	struct session *a, *b;

	begin(ONE(""));
	a = from("203.0.113.1");
	live_set_scarce(server.live);
	b = from("203.0.113.2");
	is_int(atomic_load(&server.live->sessions), 1, "none when scarce");
	is_str(send_as(a, "<a@b.test>"), NULL, "but who is inside goes on");
	session_free(b);
	played_ns += SECOND;
	b = from("203.0.113.2");
	is_int(atomic_load(&server.live->sessions), 2, "a second later it is");
	session_free(a);
	session_free(b);
	end("scarce");
}

static void
is_open(long transactions, const char *what)
{
	is_int(atomic_load(&server.live->transactions), transactions, what);
}

/* Begins nothing, and lets go on what has begun. */
static void
test_stopping(void)
{
	struct session *a, *b, *watched;

	begin(ONE("") "[connector watched]\nbindings = 0.0.0.0:25\n"
		      "remote_ip_ranges = 198.51.100.0/24\n"
		      "mode = monitor\n");
	a = from("203.0.113.1");
	b = from("203.0.113.2");
	watched = from("198.51.100.1");
	is_open(0, "nothing has begun");
	is_str(send_as(a, "<a@b.test>"), NULL, "one begins");
	is_open(1, "and counts");
	is_str(send_as(a, "<a@b.test>"), NULL, "anew, without RSET");
	is_open(1, "it counts once");
	is_str(send_as(a, "<a@b@c>"), SENDER, "what is refused");
	is_open(0, "does not count");
	session_abort(a);
	is_open(0, "nor does its RSET");
	is_str(send_as(a, "<a@b.test>"), NULL, "one begins");
	is_str(send_as(watched, "<a@b@c>"), NULL, "one that is only watched");
	is_open(2, "counts, too");
	session_abort(watched);
	atomic_store(&server.live->stopping, true);
	is_str(send_as(b, "<a@b.test>"), STOPPING("net"), "no other begins");
	is_open(1, "nor counts");
	is_str(send_as(watched, "<a@b.test>"), STOPPING("watched"),
	    "not even where all is only watched");
	is_str(helo(b), NULL, "HELO is answered");
	is_str(send_as(b, "<a@b.test>"), STOPPING("net"), "and MAIL is not");
	is_open(1, "one is still open");
	is_str(send_as(a, "<a@b.test>"), STOPPING("net"),
	    "with another MAIL that ends, too");
	is_open(0, "none is left");
	atomic_store(&server.live->stopping, false);
	is_str(send_as(b, "<a@b.test>"), NULL, "it was no other reason");
	session_free(b);
	is_open(0, "who hangs up has ended it");
	session_free(a);
	session_free(watched);
	is_open(0, "nobody is counted twice");
	end("stopping");
}

/* ---- rates --------------------------------------------------------------- */

static void
test_rate(void)
{
	struct session *a, *b;

	begin(ONE("message_rate_limit = 2\n"));
	a = from("203.0.113.1");
	b = from("203.0.113.2");
	is_str(send_as(a, "<a@b.test>"), NULL, "the first of a burst");
	is_str(send_as(a, "<a@b@c>"), SENDER, "what is refused");
	is_str(send_as(a, "<a@b.test>"), NULL, "does not count");
	session_abort(a);
	is_str(send_as(a, "<c@b.test>"), RATE, "RSET gives nothing back");
	is_str(send_as(b, "<a@b.test>"), NULL, "another address");
	session_free(a);
	a = from("203.0.113.1");
	is_str(send_as(a, "<a@b.test>"), RATE, "nor does a new session");
	played_ns += 30 * SECOND - 1;
	is_str(send_as(a, "<a@b.test>"), RATE, "just before half a minute");
	played_ns += 1;
	is_str(send_as(a, "<a@b.test>"), NULL, "one more after it");
	is_str(send_as(a, "<a@b.test>"), RATE, "and only one");
	reload(&server, ONE("message_rate_limit = 2\n# again\n"));
	is_str(send_as(a, "<a@b.test>"), RATE, "a reload gives nothing back");
	session_free(a);
	session_free(b);
	end("rate");
}

static void
test_rate_users(void)
{
	struct session *a;

	begin(ONE("message_rate_limit = 1\nmessage_rate_source = user\n"));
	a = from("203.0.113.1");
	is_str(mail(a, "<x@b.test>", NULL, "alice"), NULL, "a user");
	is_str(mail(a, "<y@b.test>", NULL, "Alice"), RATE,
	    "the same, as another sender");
	is_str(mail(a, "<x@b.test>", NULL, "bob"), NULL, "another user");
	is_str(send_as(a, "<x@b.test>"), NULL, "without login the sender");
	is_str(send_as(a, "<X@B.test>"), RATE, "the same sender");
	is_str(send_as(a, "<>"), NULL, "the null sender is its client");
	is_str(send_as(a, "<>"), RATE, "which sent already");
	session_free(a);
	end("users");

	begin(ONE("message_rate_limit = 1\nmessage_rate_source = all\n"));
	a = from("203.0.113.1");
	is_str(send_as(a, "<x@b.test>"), NULL, "the first of address and user");
	is_str(send_as(a, "<y@b.test>"), RATE, "the address has sent");
	session_free(a);
	a = from("203.0.113.2");
	is_str(send_as(a, "<x@b.test>"), RATE, "the user has sent");
	is_str(send_as(a, "<y@b.test>"), NULL, "neither has");
	session_free(a);
	end("all");

	begin(ONE("message_rate_limit = 1\nmessage_rate_source = none\n"));
	a = from("203.0.113.1");
	is_str(send_as(a, "<x@b.test>"), NULL, "counted by nobody");
	is_str(send_as(a, "<x@b.test>"), NULL, "no limit");
	session_free(a);
	end("none");
}

/* ---- pressure ------------------------------------------------------------ */

static void
press(const char *thresholds)
{
	char text[1024];
	struct snapshot *snapshot;

	snprintf(text, sizeof(text),
	    "[back_pressure]\nmemory = %s\n%s"
	    "[connector own]\nbindings = 0.0.0.0:25\n"
	    "remote_ip_ranges = 203.0.113.1\n"
	    "permission_groups = exchange_servers\n"
	    "auth_mechanism = external_authoritative\n",
	    thresholds, ONE(""));
	reload(&server, text);
	played_ns += 10 * SECOND;
	snapshot = snapshots_pin(server.snapshots);
	(void)!gauge_poll(server.live->gauge,
	    config_pressure(snapshot_config(snapshot)), played_ns);
	snapshots_unpin(server.snapshots, snapshot);
}

static void
test_pressure(void)
{
	struct session *stranger, *own;

	begin(ONE(""));
	press("99.8 99.9 99.7 99.6");
	stranger = from("203.0.113.9");
	own = from("203.0.113.1");
	is_str(send_as(stranger, "<a@b.test>"), NULL, "low: strangers");
	is_str(send_as(own, "<a@b.test>"), NULL, "low: our servers");
	press("0.1 99.9 0.2 0");
	is_str(send_as(stranger, "<a@b.test>"), PRESSURE, "medium: strangers");
	is_str(mail(stranger, "<a@b.test>", NULL, "alice"), PRESSURE,
	    "medium: users");
	is_str(send_as(own, "<a@b.test>"), NULL, "medium: our servers");
	press("0.1 0.2 0.1 0");
	is_str(send_as(stranger, "<a@b.test>"), PRESSURE, "high: strangers");
	is_str(send_as(own, "<a@b.test>"),
	    "452 4.3.1 Insufficient system resources [connector own, rule "
	    "back_pressure]",
	    "high: our servers");
	press("99.8 99.9 99.7 99.6");
	is_str(send_as(stranger, "<a@b.test>"), NULL, "low again");
	session_free(stranger);
	session_free(own);
	end("pressure");
}

/* ---- sizes --------------------------------------------------------------- */

/* What a message of one field and a body of so many bytes gets. */
static const char *
deliver(struct session *session, const char *name, const char *value,
    unsigned times, size_t body)
{
	const char *refused = send_as(session, "<a@b.test>");

	if (refused == NULL)
		refused = rcpt(session, "<b@example.com>");
	if (refused != NULL)
		return refused;
	for (unsigned i = 0; i < times; i++)
		session_header(session, name, value);
	session_body(session, body / 2);
	session_body(session, body - body / 2);
	return eom(session);
}

static void
test_size(void)
{
	static const struct {
		const char *what;
		const char *size;
		const char *reply;
	} cases[] = {
		{ "no size", NULL, NULL },
		{ "as much as may be", "SIZE=65536", NULL },
		{ "one byte more", "SIZE=65537", SIZE },
		{ "in lower case", "size=65537", SIZE },
		{ "with zeros", "SIZE=00000000000000065536", NULL },
		{ "20 digits", "SIZE=99999999999999999999", SIZE },
		{ "no number is not judged", "SIZE=65537x", NULL },
		{ "nor is a negative one", "SIZE=-1", NULL },
		{ "nothing is no parameter", "SIZE=", SENDER },
		{ "another parameter", "SIZES=65537", NULL },
	};
	struct session *session;

	begin(ONE("max_message_size = 64K\n"));
	session = from("203.0.113.9");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(mail(session, "<a@b.test>", cases[i].size, NULL),
		    cases[i].reply, cases[i].what);
	/* "X: y" CR LF, CR LF, the body */
	is_str(
	    deliver(session, "X", "y", 1, 65536 - 8), NULL, "a message of 64K");
	is_str(deliver(session, "X", "y", 1, 65536 - 7), SIZE,
	    "one of a byte more");
	is_str(deliver(session, "X", "y\n\tz", 1, 65536 - 12), NULL,
	    "a folded line counts as it was sent");
	is_str(deliver(session, "X", "y\n\tz", 1, 65536 - 11), SIZE,
	    "to the byte");
	is_str(deliver(session, "X", "y", 1, 1), NULL, "the next is small");
	session_free(session);
	end("size");

	begin(ONE("max_message_size = 64K\n"
		  "bypass_message_size_limit = host:client.test\n"));
	session = from("203.0.113.9");
	is_str(mail(session, "<a@b.test>", "SIZE=99999999", NULL), NULL,
	    "declared, with the right to be large");
	is_str(deliver(session, "X", "y", 1, 1000000), NULL,
	    "sent, with the right to be large");
	session_free(session);
	end("bypass");
}

static void
test_header(void)
{
	struct session *session;

	begin(ONE("max_header_size = 600\nmax_hop_count = 10\n"
		  "max_local_hop_count = 2\nfqdn = mail.example.com\n"));
	session = from("203.0.113.9");
	is_str(deliver(session, "X", "y", 100, 1), NULL, "a header of 600");
	is_str(deliver(session, "X", "y", 101, 1), HEADER, "one of 606");
	is_str(deliver(session, "Received", "from x by y.test;", 11, 1),
	    HOPS("max_hop_count"), "eleven hops of ten");
	is_str(deliver(session, "Received", "by y.test;", 10, 1), NULL,
	    "ten of ten");
	is_str(deliver(session, "received ", "by mx1.EXAMPLE.com;", 3, 1),
	    HOPS("max_local_hop_count"), "three of two by the MTA's name");
	is_str(deliver(session, "Received", "by mail.example.com.;", 3, 1),
	    HOPS("max_local_hop_count"), "three of two by fqdn");
	is_str(deliver(session, "Received", "by mx1.example.com;", 2, 1), NULL,
	    "two of two");
	is_str(deliver(session, "Received", "by mx2.example.com;", 3, 1), NULL,
	    "another server");
	session_free(session);
	end("header");

	begin("[organization]\naccepted_domains = example.com\n"
	      "own_hosts = 192.0.2.25\n" NET("max_local_hop_count = 1\n"
					     "accept_headers_routing = "
					     "-anonymous\n"));
	session = from("203.0.113.9");
	is_str(deliver(session, "Received", "by [192.0.2.25];", 2, 1),
	    HOPS("max_local_hop_count"),
	    "two of one by our address, though the fields are taken out");
	is_str(deliver(session, "Received", "by [192.0.2.26];", 2, 1), NULL,
	    "not ours");
	session_free(session);
	end("literals");

	begin(ONE("max_local_hop_count = 0\n"));
	session = from("203.0.113.9");
	is_str(deliver(session, "Received", "by mx1.example.com;", 60, 1), NULL,
	    "local hops without a limit");
	is_str(deliver(session, "Received", "by mx1.example.com;", 61, 1),
	    HOPS("max_hop_count"), "still there is the built-in limit on all");
	session_free(session);
	end("no local limit");
}

/* ---- the tarpit ---------------------------------------------------------- */

static unsigned long
delays(void)
{
	struct tarpit_usage usage;

	tarpit_usage(server.live->tarpit, &usage);
	return usage.delayed;
}

/* How long the refusal of a relay took, in ms. */
static long long
time_of_refusal(struct session *session, const char *login)
{
	long long before;

	is_str(mail(session, "<a@b.test>", NULL, login), NULL, "# MAIL");
	before = live_clock();
	is_str(rcpt(session, "<x@foreign.test>"), RELAY, "# RCPT");
	return (live_clock() - before) / 1000000;
}

static void
test_tarpit(void)
{
	struct tarpit_usage usage;
	struct session *session;
	long long waited;

	begin(ONE(""));
	reload(&server,
	    WORLD "[connector net]\nbindings = 0.0.0.0:25\n"
		  "remote_ip_ranges = 203.0.113.0/24\n"
		  "permission_groups = anonymous_users, exchange_users\n"
		  "auth_mechanism = tls, integrated\n"
		  "accept_any_recipient = -users\n"
		  "accept_any_sender = users\n"
		  "tarpit_interval = 1s\n");
	session = from("203.0.113.9");
	waited = time_of_refusal(session, NULL);
	ok(waited >= 1000, "a stranger waits a second (%lld)", waited);
	is_int((long long)delays(), 1, "which is counted");
	(void)time_of_refusal(session, "alice");
	is_int((long long)delays(), 1, "a user does not");
	live_set_scarce(server.live);
	(void)time_of_refusal(session, NULL);
	is_int((long long)delays(), 1, "nobody does when all is scarce");
	played_ns += 60 * SECOND;
	(void)time_of_refusal(session, NULL);
	is_int((long long)delays(), 1, "nor for a minute after it");
	played_ns += SECOND;
	ok(live_may_wait(server.live), "but then");
	tarpit_usage(server.live->tarpit, &usage);
	ok(usage.held == 0 && usage.delayed == 1 && usage.skipped == 0,
	    "one delay was counted");
	tarpit_stop(server.live->tarpit);
	(void)time_of_refusal(session, NULL);
	is_int((long long)delays(), 1, "nobody does once the daemon stops");
	session_free(session);
	end("tarpit");
}

/* ---- who only watches ---------------------------------------------------- */

static void
test_monitor(void)
{
	struct session *a, *b;

	begin(ONE("mode = monitor\nmax_inbound_connection_per_source = 1\n"
		  "message_rate_limit = 1\nmax_message_size = 64K\n"
		  "connection_timeout = 10s\n"
		  "connection_inactivity_timeout = 5s\n"
		  "max_protocol_errors = 0\n"));
	a = from("203.0.113.1");
	b = from("203.0.113.1");
	is_str(helo(b), NULL, "the second of one, watched");
	is_str(deliver(b, "X", "y", 1, 100000), NULL, "a message");
	is_str(deliver(a, "X", "y", 1, 100000), NULL, "too large, watched");
	is_str(deliver(a, "X", "y", 1, 1), NULL, "too many, watched");
	session_unknown(a, "NOPE");
	played_ns += 100 * SECOND;
	is_str(deliver(a, "X", "y", 1, 1), NULL, "too old, watched");
	session_free(a);
	session_free(b);
	end("monitor");
}

int
main(void)
{
	catch_log();
	test_age();
	test_silence();
	test_errors();
	test_bad_helo();
	test_slots();
	test_sources();
	test_moves();
	test_helo_inside();
	test_another_client();
	test_admission();
	test_scarce();
	test_stopping();
	test_rate();
	test_rate_users();
	test_pressure();
	test_size();
	test_header();
	test_tarpit();
	test_monitor();
	return done();
}
