/*
 * session.c - whole sessions, played without libmilter: replies and log lines.
 */
#include "session.h"

#include "plays.h"

#define ORGANIZATION \
	"[organization]\naccepted_domains = example.com\n" \
	"[defaults]\nstamp = no\n"
#define INTERNET \
	"[connector internet]\n" \
	"bindings = 0.0.0.0:25, [::]:25\n" \
	"remote_ip_ranges = 0.0.0.0-203.0.113.255, ::/0\n" \
	"permission_groups = anonymous_users\n" \
	"accept_authoritative_domain_sender = -anonymous\n"
#define SCANNERS(more) \
	"[connector Scan and Fax]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 10.20.0.0/24\n" \
	"permission_groups = anonymous_users\n" more
#define SUBMISSION \
	"[connector submission]\n" \
	"bindings = 0.0.0.0:587\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = exchange_users\n" \
	"auth_mechanism = tls, basic_auth, basic_auth_require_tls\n" \
	"require_tls = yes\n" \
	"tls_min_version = TLSv1.2\n"
#define RELAYS "accept_any_recipient = anonymous\n"

#define ALL ORGANIZATION INTERNET SCANNERS(RELAYS) SUBMISSION
#define WITHOUT_RELAY ORGANIZATION INTERNET SCANNERS("") SUBMISSION
#define WITHOUT_SCANNERS ORGANIZATION INTERNET SUBMISSION
#define ONLY_SCANNERS ORGANIZATION SCANNERS(RELAYS)

#define NO_RELAY(name) \
	"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain " \
	"[connector " name ", rule relay]"
#define CLOSED_DOOR \
	"421 4.3.2 Service not available [connector -, rule no_connector]"
#define AT_CONNECT "451 4.7.1 Service unavailable - try again later"
#define NO_LISTENER \
	"451 4.3.5 Server configuration problem [connector -, rule listener]"
#define CANNOT \
	"451 4.3.0 Cannot decide now, please try again later " \
	"[connector -, rule internal]"

#define SCAN_LINE \
	WHO("\"Scan and Fax\"", "mail.client.test[10.20.0.7]") "192.0.2.25:25"
#define NET_LINE \
	WHO("internet", "mail.client.test[203.0.113.9]") "192.0.2.25:25"

/* clang-format off */
#define LOST_LINE \
	"NOQUEUE: " WHO("-", "mail.client.test[10.20.0.11]") \
	"192.0.2.25:25" WHY("rcpt", "tempfail", "internal", CANNOT) \
	WHAT("a@client.test", "b@foreign.test", "") HOW("", "", "")
#define STALE_LINE \
	"NOQUEUE: " WHO("-", "mail.client.test[10.20.0.7]") \
	"192.0.2.25:25" WHY("mail", "tempfail", "internal", CANNOT) \
	WHAT("", "", "") HOW("", "", "")
#define SENT_LINE \
	"NOQUEUE: " SCAN_LINE WHY("eom", "accept", "", "") \
	WHAT("a@client.test", "b@foreign.test", "") HOW("anonymous", "", "")

static const struct play plays[] = {
	{ "a message to us", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@example.com>", .queue = "4Tq1" },
	    { .verb = EOM, .queue = "4Tq1", .log = "4Tq1: " NET_LINE
		WHY("eom", "accept", "", "")
		WHAT("a@client.test", "b@example.com", "client.test")
		HOW("anonymous", "", "") } } },
	{ "a message to several, one refused", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("internet"),
		"NOQUEUE: " NET_LINE
		WHY("rcpt", "reject", "relay", NO_RELAY("internet"))
		WHAT("", "b@foreign.test", "client.test")
		HOW("anonymous", "", "") },
	    { .verb = RCPT, "<c@example.com>" },
	    { .verb = RCPT, "<d@example.com>" },
	    { .verb = EOM, .queue = "4Tq2", .log = "4Tq2: " NET_LINE
		WHY("eom", "accept", "", "")
		WHAT("", "c@example.com", "client.test")
		HOW("anonymous", "", "") " nrcpt=2" } } },
	{ "end of message without a recipient", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = EOM, .reply = CANNOT, .queue = "4Tq1",
		.log = "4Tq1: " WHO("-", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("eom", "tempfail", "internal", CANNOT)
		WHAT("a@client.test", "", "client.test") HOW("", "", "") } } },
	{ "end of message after every recipient was refused", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("internet"), "*" },
	    { .verb = EOM, .reply = CANNOT, .log = "*" } } },
	{ "end of message without MAIL", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = EOM, .reply = CANNOT, .log = "*" } } },
	{ "end of message twice", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@example.com>" },
	    { .verb = EOM, .log = "*" },
	    { .verb = EOM, .reply = CANNOT, .log = "*" } } },
	{ "RCPT without MAIL", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = RCPT, "<b@example.com>", CANNOT,
		"NOQUEUE: " WHO("-", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("rcpt", "tempfail", "internal", CANNOT)
		WHAT("", "b@example.com", "client.test") HOW("", "", "") } } },
	{ "RCPT after a refused MAIL", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = MAIL, "<a@example.com>",
		"550 5.7.60 SMTP; Client does not have permissions to send as "
		"this sender [connector internet, rule "
		"authoritative_domain_sender]", "*" },
	    { .verb = RCPT, "<b@example.com>", CANNOT, "*" } } },
	{ "RCPT after ABORT", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = ABORT },
	    { .verb = RCPT, "<b@foreign.test>", CANNOT, "*" },
	    { .verb = EOM, .reply = CANNOT, .log = "*" } } },
	{ "RCPT after the end of the message", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = EOM, .log = "*" },
	    { .verb = RCPT, "<b@foreign.test>", CANNOT, "*" } } },
	{ "MAIL before CONNECT", ALL, {
	    { .verb = MAIL, "<a@client.test>", AT_CONNECT,
		"NOQUEUE: connector=- client=[unknown]:0 listener=unknown:0"
		WHY("connect", "tempfail", "admission", AT_CONNECT)
		WHAT("a@client.test", "", "") HOW("", "", "") },
	    { .verb = RCPT, "<b@example.com>", CANNOT, "*" } } },
	{ "a second MAIL replaces the first", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = HELO, "scan.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = MAIL, "<c@client.test>" },
	    { .verb = EOM, .reply = CANNOT, .log = "*" },
	    { .verb = MAIL, "<d@client.test>" },
	    { .verb = RCPT, "<e@foreign.test>" },
	    { .verb = EOM, .log = "NOQUEUE: " SCAN_LINE
		WHY("eom", "accept", "", "")
		WHAT("d@client.test", "e@foreign.test", "scan.test")
		HOW("anonymous", "", "") } } },
	{ "HELO ends a transaction", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = HELO, "other.test" },
	    { .verb = RCPT, "<b@foreign.test>", CANNOT, "*" } } },
	/* held refusals */
	{ "421 is answered at HELO, each time", ONLY_SCANNERS, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test", CLOSED_DOOR, "NOQUEUE: "
		WHO("-", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("connect", "tempfail", "no_connector", CLOSED_DOOR)
		WHAT("", "", "client.test") HOW("", "", "") },
	    { .verb = HELO, "<again>", CLOSED_DOOR, "*" },
	    { .verb = MAIL, "<a@client.test>", CLOSED_DOOR, "NOQUEUE: "
		WHO("-", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("connect", "tempfail", "no_connector", CLOSED_DOOR)
		WHAT("a@client.test", "", "again") HOW("", "", "") },
	    { .verb = RCPT, "<b@example.com>", CANNOT, "*" } } },
	{ "421 is answered at MAIL if there was no HELO", ONLY_SCANNERS, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = MAIL, "<a@client.test>", CLOSED_DOOR, "*" },
	    { .verb = MAIL, "<a@client.test>", CLOSED_DOOR, "*" } } },
	{ "an unknown listener is answered at each MAIL", ALL, {
	    { .verb = CONNECT, "203.0.113.9", .listener = "unknown" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>", NO_LISTENER, "NOQUEUE: "
		WHO("-", "mail.client.test[203.0.113.9]") "unknown:0"
		WHY("connect", "tempfail", "listener", NO_LISTENER)
		WHAT("a@client.test", "", "client.test") HOW("", "", "") },
	    { .verb = MAIL, "<a@client.test>", NO_LISTENER, "*" } } },
	{ "a client without address is refused at connect", ALL, {
	    { .verb = CONNECT, "unknown", AT_CONNECT,
		"NOQUEUE: connector=- client=mail.client.test[unknown]:41022 "
		"listener=192.0.2.25:25"
		WHY("connect", "tempfail", "client_address", AT_CONNECT)
		WHAT("", "", "") HOW("", "", "") },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>", AT_CONNECT, "*" } } },
	{ "a client without a name", ALL, {
	    { .verb = CONNECT, "203.0.113.9", .host = "[203.0.113.9]",
		.resolve = "FAIL" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("internet"), "NOQUEUE: "
		WHO("internet", "unknown[203.0.113.9]") "192.0.2.25:25"
		WHY("rcpt", "reject", "relay", NO_RELAY("internet"))
		WHAT("a@client.test", "b@foreign.test", "client.test")
		HOW("anonymous", "", "") } } },
	{ "IPv6", ALL, {
	    { .verb = CONNECT, "2001:db8::9", .listener = "[2001:db8::25]:25" },
	    { .verb = HELO, "[IPv6:2001:db8::9]" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("internet"), "NOQUEUE: "
		WHO("internet", "mail.client.test[2001:db8::9]")
		"[2001:db8::25]:25"
		WHY("rcpt", "reject", "relay", NO_RELAY("internet"))
		WHAT("a@client.test", "b@foreign.test", "[IPv6:2001:db8::9]")
		HOW("anonymous", "", "") } } },
	{ "a mapped client is an IPv4 client", ALL, {
	    { .verb = CONNECT, "::ffff:10.20.0.7" },
	    { .verb = HELO, "x" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = EOM, .log = "NOQUEUE: " SCAN_LINE
		WHY("eom", "accept", "", "")
		WHAT("a@client.test", "b@foreign.test", "x")
		HOW("anonymous", "", "") } } },
	/* reload */
	{ "the next MAIL selects anew", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = RELOAD, WITHOUT_SCANNERS },
	    { .verb = RCPT, "<c@foreign.test>" },
	    { .verb = EOM, .log = "*" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("internet"), "*" } } },
	{ "a right taken away is gone with the next MAIL", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = RELOAD, WITHOUT_RELAY },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("Scan and Fax"), "*" },
	    { .verb = RELOAD, ALL },
	    { .verb = RCPT, "<b@foreign.test>", NO_RELAY("Scan and Fax"), "*" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>" } } },
	{ "nobody is served any more", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RELOAD, ONLY_SCANNERS },
	    { .verb = RCPT, "<b@example.com>" },
	    { .verb = EOM, .log = "*" },
	    { .verb = MAIL, "<a@client.test>", CLOSED_DOOR, "*" } } },
	{ "somebody is served from now on", ONLY_SCANNERS, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = HELO, "client.test", CLOSED_DOOR, "*" },
	    { .verb = RELOAD, ALL },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@example.com>" } } },
	/* TLS and login */
	{ "a submission client", ALL, {
	    { .verb = CONNECT, "203.0.113.9", .listener = "192.0.2.25:587" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<joe@example.com>",
		"530 5.7.0 Must issue a STARTTLS command first "
		"[connector submission, rule require_tls]", "*" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.1", .reply =
		"530 5.7.0 Must issue a STARTTLS command first "
		"[connector submission, rule require_tls]", .log = "*" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.3", .reply =
		"530 5.7.57 SMTP; Client was not authenticated to send "
		"anonymous mail during MAIL FROM "
		"[connector submission, rule submit]", .log = "*" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.3",
		.auth_type = "EXTERNAL", .auth_authen = "joe@example.com",
		.reply = "530 5.7.0 Authentication mechanism not offered here "
		"[connector submission, rule auth_mechanism]", .log = "*" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.3",
		.auth_type = "LOGIN", .auth_authen = "joe@example.com" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = EOM, .queue = "4Tq9", .log = "4Tq9: " WHO("submission",
		"mail.client.test[203.0.113.9]") "192.0.2.25:587"
		WHY("eom", "accept", "", "")
		WHAT("joe@example.com", "b@foreign.test", "client.test")
		HOW("user", "joe@example.com", "TLSv1.3") } } },
	{ "a login lasts as long as the MTA says so", ALL, {
	    { .verb = CONNECT, "203.0.113.9", .listener = "192.0.2.25:587" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "joe@example.com" },
	    { .verb = RCPT, "<b@foreign.test>" },
	    { .verb = EOM, .log = "*" },
	    { .verb = MAIL, "<joe@example.com>", .tls = "TLSv1.3", .reply =
		"530 5.7.57 SMTP; Client was not authenticated to send "
		"anonymous mail during MAIL FROM "
		"[connector submission, rule submit]", .log = "*" } } },
	/* parameters */
	{ "a NUL cut the sender", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = MAIL, "<a@client.test", .parameter = "@example.com>", .reply =
		"501 5.1.7 Invalid address "
		"[connector internet, rule sender_syntax]", .log = "*" },
	    { .verb = MAIL, "<a@client.test>", .parameter = "SIZE=100" } } },
	{ "a NUL cut the recipient", ALL, {
	    { .verb = CONNECT, "203.0.113.9" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "b@example.com", .parameter = "@foreign.test", .reply =
		"501 5.1.3 Invalid address "
		"[connector internet, rule recipient_syntax]", .log = "*" },
	    { .verb = RCPT, "<b@example.com>", .parameter = "NOTIFY=NEVER" } } },
	{ "a routed form that the MTA did not resolve", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b%foreign.test@example.com>", .unresolved = true,
		.reply = "451 4.3.0 Cannot decide now, please try again later "
		"[connector Scan and Fax, rule relay]", .log = "*" },
	    { .verb = RCPT, "<b%foreign.test@example.com>" } } },
	/* the MTA's own refusals */
	{ "what the MTA refused is logged, and never counted", ALL, {
	    { .verb = CONNECT, "10.20.0.7" },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = RCPT, "<b@foreign.test>", .queue = "4Tq1",
		.mta = "Relay access denied", .log = "4Tq1: " SCAN_LINE
		WHY("rcpt", "reject", "mta", "5.7.1 Relay access denied")
		WHAT("a@client.test", "b@foreign.test", "")
		HOW("anonymous", "", "") },
	    { .verb = RCPT, "<c\"@foreign.test>", .mta = "c\"\n: no",
		.log = "NOQUEUE: " SCAN_LINE
		WHY("rcpt", "reject", "mta", "5.7.1 c\\x22\\x0a: no")
		WHAT("a@client.test", "c\\x22@foreign.test", "")
		HOW("anonymous", "", "") },
	    { .verb = EOM, .reply = CANNOT, .log = "*" } } },
	/* local submission */
	{ "local submission is none of our business", ONLY_SCANNERS, {
	    { .verb = CONNECT, "127.0.0.1", .local = true, .host = "localhost",
		.listener = "unknown", .log =
		"local submission: not judged" },
	    { .verb = HELO, "localhost" },
	    { .verb = MAIL, "\x01 junk" },
	    { .verb = RCPT, "a%b@foreign.test" },
	    { .verb = EOM },
	    { .verb = RCPT, "b@foreign.test" },
	    { .verb = EOM } } },
};
/* clang-format on */

/* How many may be connected at a time, and that leaving makes room. */
static void
check_admission(void)
{
	static const struct move connect = { .verb = CONNECT, "203.0.113.9" };
	struct server server = impatient_server_of(
	    "[milter]\nmax_sessions = 2\n" ORGANIZATION INTERNET);
	struct session *sessions[3];
	struct reply reply;
	char line[REPLY_LINE_MAX];

	for (size_t i = 0; i < 3; i++)
		sessions[i] = session_new(&server);
	ok(play_connect(sessions[0], &connect, &reply), "the first session");
	ok(play_connect(sessions[1], &connect, &reply), "the second session");
	is_str(logged(), NULL, "nothing is logged of them");
	ok(!play_connect(sessions[2], &connect, &reply), "one too many");
	is_str(reply_line(line, &reply), AT_CONNECT, "one too many: reply");
	is_str(logged(),
	    "NOQUEUE: connector=internet client=mail.client.test[203.0.113.9]"
	    ":41022 listener=192.0.2.25:25" WHY("connect", "tempfail",
		"admission", AT_CONNECT) WHAT("", "", "") HOW("", "", ""),
	    "one too many: log");
	ok(!session_mail(
	       sessions[2], &(struct mail_info){ .path = "<>" }, &reply),
	    "one too many stays so at MAIL");
	check_log("*", "one too many at MAIL");
	session_free(sessions[2]);
	session_free(sessions[0]);
	sessions[0] = session_new(&server);
	ok(play_connect(sessions[0], &connect, &reply),
	    "after one left there is room for one");
	session_free(sessions[0]);
	session_free(sessions[1]);
	is_int(atomic_load(&server.live->sessions), 0, "all are gone");
	session_free(NULL);
	server_free(&server);
}

/* A session that ends in the middle of a transaction lets everything go. */
static void
check_sudden_end(void)
{
	static const struct move connect = { .verb = CONNECT, "10.20.0.7" };
	static const struct move mail = { .verb = MAIL,
		"<a@client.test>",
		.tls = "TLSv1.3",
		.auth_type = "PLAIN",
		.auth_authen = "a@client.test" };
	struct server server = impatient_server_of(
	    ORGANIZATION SCANNERS("auth_mechanism = tls, basic_auth\n"
				  "submit = users\n"));
	struct session *session = session_new(&server);
	struct reply reply;

	ok(play_connect(session, &connect, &reply), "it connects");
	ok(play_mail(session, &mail, &reply), "a transaction is open");
	reload(&server, ALL);
	snapshots_collect(server.snapshots);
	is_int((long long)snapshots_count(server.snapshots), 2,
	    "it keeps its configuration");
	session_free(session);
	snapshots_collect(server.snapshots);
	is_int((long long)snapshots_count(server.snapshots), 1,
	    "and lets it go at its end");
	server_free(&server);
}

/* ---- what a stranger holds open does not hold configurations ------------- */

#define HELD 50

static const struct move held_mail = { .verb = MAIL, "<a@client.test>" };
static const struct move held_rcpt = { .verb = RCPT, "<b@foreign.test>" };
static const struct move held_end = { .verb = EOM, .edits = "*" };

/* A transaction for each of as many configurations; most at a time. */
static size_t
hold_many(struct server *server, struct session *sessions[HELD])
{
	struct reply reply;
	size_t most = 0;

	for (size_t i = 0; i < HELD; i++) {
		char client[] = "10.20.0.??";
		const struct move connect = { .verb = CONNECT, client };

		snprintf(strchr(client, '?'), 3, "%zu", 10 + i);
		sessions[i] = session_new(server);
		ok(play_connect(sessions[i], &connect, &reply) &&
			play_mail(sessions[i], &held_mail, &reply) &&
			(i % 4 != 0 ||
			    play_rcpt(sessions[i], &held_rcpt, &reply)),
		    "transaction %zu begins", i + 1);
		reload(server, i % 2 ? ALL : WITHOUT_SCANNERS);
		reload(server, ALL);
		snapshots_collect(server->snapshots);
		if (snapshots_count(server->snapshots) > most)
			most = snapshots_count(server->snapshots);
	}
	return most;
}

/* Each goes on, at the end of its message or with a recipient. */
static void
go_on_with_many(struct session *sessions[HELD])
{
	size_t kept = 0, lost = 0, wrong = 0;
	char line[REPLY_LINE_MAX];
	struct reply reply;

	for (size_t i = 0; i < HELD; i++) {
		const bool go_on = i % 4 == 0
		    ? play_eom(sessions[i], &held_end, &reply, "held")
		    : play_rcpt(sessions[i], &held_rcpt, &reply);

		kept += go_on;
		lost += !go_on && strcmp(reply_line(line, &reply), CANNOT) == 0;
		/* The youngest go on as they began. */
		wrong += go_on != (i >= HELD - SNAPSHOTS_KEPT);
		if (i == 1)
			check_log(LOST_LINE, "one that lost it");
		(void)logged();
	}
	is_int((long long)kept, SNAPSHOTS_KEPT, "so many may go on");
	is_int((long long)lost, HELD - SNAPSHOTS_KEPT, "others may not");
	is_int((long long)wrong, 0, "it is the oldest who may not");
}

static void
check_many_held(void)
{
	struct server server = impatient_server_of(ALL);
	struct session *sessions[HELD];
	struct reply reply;

	is_int((long long)hold_many(&server, sessions), SNAPSHOTS_KEPT + 1,
	    "most in memory at a time");
	(void)logged();
	is_int(atomic_load(&server.live->transactions), HELD, "all are open");
	go_on_with_many(sessions);
	/* With or without a word in between, the next transaction is judged. */
	session_header(sessions[2], "Subject", "x");
	ok(!play_eom(sessions[2], &held_end, &reply, "lost"), "nor is it sent");
	session_header(sessions[3], "Subject", "x");
	session_body(sessions[3], 10);
	session_abort(sessions[3]);
	for (size_t i = 0; i < HELD; i++) {
		ok(i % 3 == 0 ||
			(play_mail(sessions[i], &held_mail, &reply) &&
			    play_rcpt(sessions[i], &held_rcpt, &reply)),
		    "the next one of session %zu", i + 1);
		session_free(sessions[i]);
	}
	(void)logged();
	is_int(atomic_load(&server.live->transactions), 0, "none is left");
	snapshots_collect(server.snapshots);
	is_int((long long)snapshots_count(server.snapshots), 1,
	    "nor an old configuration");
	server_free(&server);
}

/* What the MTA told of an earlier command is nothing to judge this one by. */
static void
check_stale(void)
{
	static const struct move connect = { .verb = CONNECT, "10.20.0.7" };
	static const struct move rcpt = { .verb = RCPT, "<b@foreign.test>" };
	static const struct move end = { .verb = EOM, .edits = "*" };
	struct mail_info mail = { .path = "<a@client.test>" };
	struct server server = impatient_server_of(
	    ORGANIZATION SCANNERS(RELAYS "mode = monitor\n"));
	struct session *session = session_new(&server);
	struct reply reply;
	char line[REPLY_LINE_MAX];

	ok(play_connect(session, &connect, &reply), "it connects");
	ok(session_mail(session, &mail, &reply), "MAIL");
	mail.stale = true;
	ok(!session_mail(session, &mail, &reply), "a stale one");
	is_str(reply_line(line, &reply), CANNOT, "a stale one: reply");
	check_log(STALE_LINE, "a stale one");
	is_int(atomic_load(&server.live->transactions), 0, "nothing is open");
	mail.stale = false;
	ok(session_mail(session, &mail, &reply), "MAIL once more");
	ok(play_rcpt(session, &rcpt, &reply), "a recipient");
	ok(play_eom(session, &end, &reply, "end"), "the end");
	check_log(SENT_LINE, "the message");
	session_free(session);
	server_free(&server);
}

/* Nothing is logged when explaining, and the live state is not asked. */
static void
check_not_live(void)
{
	static const struct move moves[] = {
		{ .verb = CONNECT, "203.0.113.9" },
		{ .verb = HELO, "client.test" },
		{ .verb = MAIL, "<a@example.com>" },
		{ .verb = RCPT, "<a@example.com>" },
	};
	struct server server = impatient_server_of(ALL);
	struct session *session;
	struct reply reply;

	explain_only(&server);
	session = session_new(&server);
	for (size_t i = 0; i < nitems(moves); i++)
		(void)!play_move(&server, session, &moves[i], &reply, "");
	is_str(logged(), NULL, "explaining logs nothing");
	session_free(session);
	server_free(&server);
}

int
main(void)
{
	play_all(plays, nitems(plays));
	check_admission();
	check_sudden_end();
	check_many_held();
	check_stale();
	check_not_live();
	return done();
}
