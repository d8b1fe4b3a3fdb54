/*
 * session_rcpt.c - what sessions learn at RCPT, played: known recipients, and
 * those for internal senders only by every reading of their address.
 */
#include "session.h"

#include "digests.h"

#define PLAYED_RECIPIENTS \
	"alice@example.com\n" \
	"all@example.com internal_only aliases=everybody@example.com\n" \
	"team@example.net internal_only\n" \
	"list@sub.example.org internal_only\n"
#include "plays.h"

#define WORLD \
	"[organization]\n" \
	"accepted_domains = example.com, example.net, *.example.org\n" \
	"own_hosts = 192.0.2.25\n" \
	"[defaults]\nstamp = no\n"
#define DIRECTORY \
	"[directory]\nrecipients = recipients.txt\nrecipient_delimiter = +\n"
#define NET(more) \
	"[connector net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = anonymous_users\n" more
#define RELAYS "accept_any_recipient = anonymous\naccept_open_relay = yes\n"
#define SECURED \
	"[connector net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 203.0.113.0/24\n" \
	"permission_groups = exchange_servers\n" \
	"auth_mechanism = external_authoritative\n"
#define SERVER \
	"[connector net]\n" \
	"bindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\n" \
	"permission_groups = exchange_servers\n" \
	"auth_mechanism = tls, exchange_server\n" \
	"server_identities = login:hub\n"

#define UNKNOWN "550 5.1.1 User unknown [connector net, rule recipient_lookup]"
#define INTERNAL \
	"550 5.7.1 RESOLVER.RST.AuthRequired; authentication required " \
	"[connector net, rule internal_only]"
#define CANNOT(rule) \
	"451 4.3.0 Cannot decide now, please try again later " \
	"[connector net, rule " rule "]"
#define BAD_RECIPIENT \
	"501 5.1.3 Invalid address [connector net, rule recipient_syntax]"
#define TOO_MANY \
	"452 4.5.3 Too many recipients " \
	"[connector net, rule max_recipients_per_message]"

#define HERE \
	{ \
		.verb = CONNECT, "203.0.113.9" \
	}
#define FROM \
	{ \
		.verb = MAIL, "<a@client.test>" \
	}
#define TO(path) \
	{ \
		.verb = RCPT, path \
	}
#define NO(path, reply) \
	{ \
		.verb = RCPT, path, reply, "*" \
	}
#define BY_WAY_OF(path, end) \
	{ \
		.verb = RCPT, path, .resolved = end \
	}
#define NOT_BY_WAY_OF(path, end, words) \
	{ \
		.verb = RCPT, path, words, "*", .resolved = end \
	}

/* clang-format off */
static const struct play plays[] = {
	{ "known recipients", WORLD DIRECTORY NET("recipient_filter = yes\n"), {
	    HERE, FROM,
	    TO("<alice@example.com>"), TO("<ALICE@Example.Com.>"),
	    TO("<alice+tag@example.com>"), TO("<\"alice\"@example.com>"),
	    NO("<alicia@example.com>", UNKNOWN),
	    NO("<alice@example.net>", UNKNOWN),
	    TO("<postmaster@example.com>"), TO("<Postmaster>"),
	    NO("<everybody@example.com>", INTERNAL) } },
	{ "internal senders only", WORLD DIRECTORY NET(""), {
	    HERE, FROM,
	    NO("<all@example.com>", INTERNAL),
	    NO("<ALL+x@example.com>", INTERNAL),
	    NO("<everybody@example.com>", INTERNAL),
	    NO("<list@sub.example.org>", INTERNAL),
	    TO("<all@example.net>"), TO("<unheard@example.com>"),
	    { .verb = MAIL, "<>" },
	    NO("<all@example.com>", INTERNAL) } },
	{ "the refusal hides itself",
	    WORLD DIRECTORY NET("internal_only_reply = unknown\n"), {
	    HERE, FROM,
	    { .verb = RCPT, "<all@example.com>", UNKNOWN, "NOQUEUE: "
		WHO("net", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("rcpt", "reject", "internal_only", UNKNOWN)
		WHAT("a@client.test", "all@example.com", "")
		HOW("anonymous", "", "") } } },
	{ "externally secured senders are internal", WORLD DIRECTORY SECURED, {
	    HERE, FROM, TO("<all@example.com>"), TO("<everybody@example.com>") } },
	{ "a server is, but not for a stranger", WORLD DIRECTORY SERVER, {
	    HERE,
	    { .verb = MAIL, "<a@client.test>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "hub" },
	    TO("<all@example.com>"),
	    { .verb = MAIL, "<a@client.test>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "hub",
		.parameter = "auth=<>" },
	    NO("<all@example.com>", INTERNAL),
	    { .verb = MAIL, "<a@client.test>", .tls = "TLSv1.3",
		.auth_type = "PLAIN", .auth_authen = "hub",
		.parameter = "AUTH=a@client.test" },
	    TO("<all@example.com>") } },
	/* a routed form ends where the MTA says */
	{ "routed forms", WORLD DIRECTORY NET(RELAYS), {
	    HERE, FROM,
	    NOT_BY_WAY_OF("<all%example.com@foreign.test>", "all@example.com",
		INTERNAL),
	    BY_WAY_OF("<bob%example.com@foreign.test>", "bob@example.com"),
	    BY_WAY_OF("<all%foreign.test@example.com>", "all@foreign.test"),
	    NOT_BY_WAY_OF("<foreign.test!all@example.com>", "all", INTERNAL),
	    NOT_BY_WAY_OF("<@example.com:x@foreign.test>", "team", INTERNAL),
	    NOT_BY_WAY_OF("<@example.com:x@foreign.test>", "\"x y@", CANNOT(
		"internal_only")),
	    { .verb = RCPT, "<x%y@example.com>", CANNOT("relay"), "*",
		.unresolved = true },
	    NOT_BY_WAY_OF("<x%y@example.com>", "<>", CANNOT("internal_only")),
	    BY_WAY_OF("<x%y@example.com>", "all@[192.0.2.26]") } },
	{ "to a literal of ours, which is relay",
	    WORLD DIRECTORY NET(RELAYS), {
	    HERE, FROM,
	    NO("<all@[192.0.2.25]>", INTERNAL),
	    TO("<bob@[192.0.2.25]>"), TO("<all@[192.0.2.26]>") } },
	{ "folded by the MTA", WORLD DIRECTORY NET(""), {
	    HERE, FROM,
	    NOT_BY_WAY_OF("<aL\xc5\xbf@example.com>", "all@example.com",
		INTERNAL),
	    BY_WAY_OF("<bob@example.com>", "all"),
	    BY_WAY_OF("<bob@example.com>", "\"x y@") } },
	{ "to names of the MTA that are none of ours",
	    WORLD DIRECTORY NET(RELAYS), {
	    HERE, FROM,
	    { .verb = RCPT, "<all@localhost>", INTERNAL, "*",
		.mailer = "local" },
	    { .verb = RCPT, "<all@[127.0.0.1]>", INTERNAL, "*",
		.mailer = "local" },
	    { .verb = RCPT, "<bob@localhost>", .mailer = "local" },
	    { .verb = RCPT, "<all@foreign.test>", .mailer = "smtp" },
	    { .verb = RCPT, "<bob@example.com>", .mailer = "local" } } },
	{ "routed to a literal of ours", WORLD DIRECTORY NET(RELAYS), {
	    HERE, FROM,
	    NOT_BY_WAY_OF("<x%y@example.com>", "all@[192.0.2.25]", INTERNAL),
	    BY_WAY_OF("<x%y@example.com>", "bob@[192.0.2.25]"),
	    BY_WAY_OF("<x%y@example.com>", "all@[192.0.2.26]") } },
	/* without a domain it could be any of ours */
	{ "literals", WORLD DIRECTORY NET("address_literals = yes\n"
		"recipient_filter = yes\n"), {
	    HERE, FROM,
	    NO("<all@[192.0.2.25]>", INTERNAL),
	    NO("<team@[192.0.2.25]>", INTERNAL),
	    NO("<Team+x@[192.0.2.25]>", INTERNAL),
	    TO("<list@[192.0.2.25]>"), TO("<bob@[192.0.2.25]>") } },
	{ "bare names", WORLD DIRECTORY NET("default_domain = sub.example.org\n"), {
	    HERE, FROM,
	    NO("<list>", INTERNAL), NO("<all>", INTERNAL),
	    NO("<team+x>", INTERNAL),
	    { .verb = RCPT, "<bob>" },
	    TO("<Postmaster>"),
	    { .verb = EOM, .queue = "4Tq1", .log = "4Tq1: "
		WHO("net", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("eom", "accept", "", "")
		WHAT("a@client.test", "bob", "")
		HOW("anonymous", "", "") " nrcpt=2" } } },
	{ "bare names are looked up where they go",
	    WORLD DIRECTORY NET("default_domain = example.com\n"
		"recipient_filter = yes\n"), {
	    HERE, FROM,
	    TO("<alice>"), TO("<alice+x>"), NO("<alicia>", UNKNOWN),
	    TO("<postmaster>") } },
	{ "bare names without a default domain", WORLD DIRECTORY NET(""), {
	    HERE, FROM,
	    NO("<bob>", BAD_RECIPIENT), TO("<postmaster>") } },
	{ "without a directory nobody is internal only",
	    WORLD NET(RELAYS "default_domain = example.com\n"), {
	    HERE, FROM,
	    TO("<all@example.com>"), TO("<all>"),
	    BY_WAY_OF("<x%y@example.com>", "all@example.com"),
	    BY_WAY_OF("<x%y@example.com>", "\"") } },
	/* counting */
	{ "accepted ones count, and start again",
	    WORLD NET("max_recipients_per_message = 2\n"), {
	    HERE, FROM,
	    TO("<a@example.com>"), NO("<a@foreign.test>",
		"550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
		"domain [connector net, rule relay]"),
	    TO("<b@example.com>"), NO("<c@example.com>", TOO_MANY),
	    NO("<d@example.com>", TOO_MANY),
	    FROM, TO("<a@example.com>"), TO("<b@example.com>"),
	    NO("<c@example.com>", TOO_MANY) } },
};
/* clang-format on */

/* clang-format off */
static const struct {
	const char *what;
	struct move move;
	size_t most; /* look-ups */
} costs[] = {
	{ "refused as no address", NO("<x>", BAD_RECIPIENT), 0 },
	{ "refused as a literal", NO("<all@[192.0.2.25]>",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain "
	    "[connector net, rule relay]"), 0 },
	{ "refused as relay", NO("<all@foreign.test>",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain "
	    "[connector net, rule relay]"), 2 },
	{ "a bare name", BY_WAY_OF("<postmaster>", "postmaster"), 8 },
	{ "one of ours", TO("<bob@example.com>"), 4 },
	{ "one of ours with a tag", TO("<bob+x@d7.example>"), 8 },
};
/* clang-format on */

/* Whatever is asked, it is a few look-ups however many domains are ours. */
static void
test_costs(void)
{
	char config[4096];
	size_t len = (size_t)snprintf(config, sizeof(config),
	    DIRECTORY NET("") "[defaults]\nstamp = no\n[organization]\n"
			      "own_hosts = 192.0.2.25\n"
			      "accepted_domains = example.com");
	const struct move connect = HERE, mail = FROM;
	struct server server;
	struct session *session;
	struct reply reply;

	for (size_t i = 0; i < 60; i++)
		len += (size_t)snprintf(
		    config + len, sizeof(config) - len, ", d%zu.example", i);
	snprintf(config + len, sizeof(config) - len, "\n");
	server = impatient_server_of(config);
	session = session_new(&server);
	(void)play_move(&server, session, &connect, &reply, "connect");
	(void)play_move(&server, session, &mail, &reply, "mail");
	for (size_t i = 0; i < nitems(costs); i++) {
		char line[REPLY_LINE_MAX];
		bool go_on;

		digest_calls = 0;
		go_on = play_move(
		    &server, session, &costs[i].move, &reply, costs[i].what);
		is_str(go_on ? NULL : reply_line(line, &reply),
		    costs[i].move.reply, costs[i].what);
		ok(digest_calls <= costs[i].most, "by a few look-ups: %zu",
		    digest_calls);
		(void)logged();
	}
	session_free(session);
	server_free(&server);
}

int
main(void)
{
	play_all(plays, nitems(plays));
	test_costs();
	return done();
}
