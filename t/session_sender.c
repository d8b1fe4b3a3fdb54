/*
 * session_sender.c - what sessions learn at HELO and MAIL, played: names,
 * certificates, completed senders, who owns which address.
 */
#include "session.h"

#define PLAYED_RECIPIENTS \
	"alice@example.com login=alice,scanhub aliases=a.doe@example.com\n" \
	"bob@example.com login=bob\n" \
	"hidden@example.com\n"
#include "plays.h"

#define WORLD \
	"[organization]\n" \
	"accepted_domains = example.com\n" \
	"internal_relay_domains = legacy.example\n" \
	"tls_receive_domain_secure_list = partner.test\n" \
	"[directory]\nrecipients = recipients.txt\nrecipient_delimiter = +\n" \
	"[defaults]\nstamp = no\n"
#define AT(name, port, more) \
	"[connector " name "]\n" \
	"bindings = 0.0.0.0:" port "\n" \
	"remote_ip_ranges = 203.0.113.0/24\n" more
#define NET \
	AT("net", "25", \
	    "permission_groups = anonymous_users\n" \
	    "accept_authoritative_domain_sender = -anonymous\n")
#define NAMED(more) \
	AT("net", "25", "permission_groups = anonymous_users\n" more)
#define USERS(more) \
	AT("users", "25", \
	    "permission_groups = exchange_users\n" \
	    "auth_mechanism = tls, basic_auth\n" more)
#define PARTNER \
	AT("partner", "25", \
	    "permission_groups = partners\n" \
	    "domain_secure_enabled = yes\nrequire_tls = yes\n")
#define SERVER \
	AT("server", "25", \
	    "permission_groups = exchange_servers\n" \
	    "auth_mechanism = tls, exchange_server\n" \
	    "server_identities = cert:hub.example.com\n")

#define NOT_AS_THIS(name, rule) \
	"550 5.7.60 SMTP; Client does not have permissions to send as this " \
	"sender [connector " name ", rule " rule "]"
#define NO_NAME \
	"501 5.0.0 HELO / EHLO requires domain address " \
	"[connector net, rule require_ehlo_domain]"
#define BAD_NAME \
	"501 5.5.4 Invalid domain name [connector net, rule helo_syntax]"
#define BAD_SENDER(name) \
	"501 5.1.7 Invalid address [connector " name ", rule sender_syntax]"
#define NOT_LOGGED_IN(name) \
	"530 5.7.57 SMTP; Client was not authenticated to send anonymous " \
	"mail during MAIL FROM [connector " name ", rule submit]"

#define HERE \
	{ \
		.verb = CONNECT, "203.0.113.9" \
	}
#define NAME_LOST(name) \
	"NOQUEUE: " WHO("net", \
	    "mail.client.test[203.0.113.9]") "192.0.2.25:25" WHY("helo", \
	    "reject", "require_ehlo_domain", NO_NAME) \
	    WHAT("a@client.test", "", name) HOW("anonymous", "", "")
#define LOGIN(name) .tls = "TLSv1.3", .auth_type = "PLAIN", .auth_authen = name
#define LOCAL_64 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LOCAL_512 \
	LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64

/* clang-format off */
static const struct play plays[] = {
	/* HELO */
	{ "no name is refused at each MAIL, not at HELO",
	    WORLD NAMED("require_ehlo_domain = yes\n"), {
	    HERE,
	    { .verb = MAIL, "<a@client.test>", NO_NAME, NAME_LOST("") },
	    { .verb = HELO, "  " },
	    { .verb = MAIL, "<a@client.test>", NO_NAME, "*" },
	    { .verb = HELO, "client.test" },
	    { .verb = MAIL, "<a@client.test>" } } },
	{ "a malformed name is refused at each MAIL; a new one replaces it",
	    WORLD NAMED(""), {
	    HERE,
	    { .verb = HELO, "-bad-.test" },
	    { .verb = MAIL, "<a@client.test>", BAD_NAME, "*" },
	    { .verb = MAIL, "<a@client.test>", BAD_NAME, "*" },
	    { .verb = HELO, "tolerated_.test." },
	    { .verb = MAIL, "<a@client.test>" },
	    { .verb = HELO, "a..b" },
	    { .verb = MAIL, "<a@client.test>", BAD_NAME, "*" } } },
	{ "strict", WORLD NAMED("helo_syntax = strict\n"), {
	    HERE,
	    { .verb = HELO, "tolerated_.test" },
	    { .verb = MAIL, "<a@client.test>", BAD_NAME, "*" },
	    { .verb = HELO, "[192.0.2.1]" },
	    { .verb = MAIL, "<a@client.test>" } } },
	{ "off", WORLD NAMED("helo_syntax = off\n"), {
	    HERE,
	    { .verb = HELO, "-bad-..\x01" },
	    { .verb = MAIL, "<a@client.test>" } } },
	{ "the whole name is read, whatever the log shows",
	    WORLD NAMED(""), {
	    HERE,
	    /* Cut after 513 octets it would be a name of letters alone. */
	    { .verb = HELO, LOCAL_512 "aaaaaaaa!" },
	    { .verb = MAIL, "<a@client.test>", BAD_NAME, "*" } } },
	/* completion */
	{ "a bare sender without default_domain", WORLD NET, {
	    HERE,
	    { .verb = MAIL, "<joe>", BAD_SENDER("net"), "*" } } },
	{ "a bare sender is one of ours with default_domain",
	    WORLD AT("net", "25", "permission_groups = anonymous_users\n"
		"accept_authoritative_domain_sender = -anonymous\n"
		"default_domain = example.com\n"), {
	    HERE,
	    { .verb = MAIL, "<joe>",
		NOT_AS_THIS("net", "authoritative_domain_sender"),
		"NOQUEUE: " WHO("net", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("mail", "reject",
		    "authoritative_domain_sender",
		    NOT_AS_THIS("net", "authoritative_domain_sender"))
		WHAT("joe", "", "") HOW("anonymous", "", "") },
	    { .verb = MAIL, "<>" },
	    { .verb = MAIL, "<joe@client.test>" },
	    { .verb = MAIL, "<" LOCAL_512 LOCAL_64 ">", BAD_SENDER("net"),
		"*" } } },
	{ "a login owns a completed address",
	    WORLD USERS("default_domain = example.com\n"), {
	    HERE,
	    { .verb = MAIL, "<alice>", LOGIN("alice") },
	    { .verb = MAIL, "<bob>", LOGIN("alice"),
		.reply = NOT_AS_THIS("users", "authoritative_domain_sender"),
		.log = "*" } } },
	/* ownership */
	{ "a login owns what the directory says", WORLD USERS(""), {
	    HERE,
	    { .verb = MAIL, "<alice@example.com>", LOGIN("alice") },
	    { .verb = MAIL, "<Alice@EXAMPLE.com>", LOGIN("ALICE") },
	    { .verb = MAIL, "<A.Doe@example.com>", LOGIN("scanhub") },
	    { .verb = MAIL, "<alice+tag@example.com>", LOGIN("alice") },
	    { .verb = MAIL, "<bob@example.com>", LOGIN("alice"),
		.reply = NOT_AS_THIS("users", "authoritative_domain_sender"),
		.log = "*" },
	    { .verb = MAIL, "<bob+alice@example.com>", LOGIN("alice"),
		.reply = NOT_AS_THIS("users", "authoritative_domain_sender"),
		.log = "*" },
	    { .verb = MAIL, "<x@foreign.test>", LOGIN("alice"),
		.reply = NOT_AS_THIS("users", "any_sender"), .log = "*" },
	    { .verb = MAIL, "<x@foreign.test>", LOGIN("x@Foreign.test") },
	    { .verb = MAIL, "<>", LOGIN("alice") } } },
	{ "an ownership ends with the login", WORLD USERS("submit = anonymous\n"
		"accept_authoritative_domain_sender = -anonymous\n"), {
	    HERE,
	    { .verb = MAIL, "<alice@example.com>", LOGIN("alice") },
	    { .verb = MAIL, "<alice@example.com>", .reply =
		NOT_AS_THIS("users", "authoritative_domain_sender"),
		.log = "*" } } },
	{ "an address of the directory is nobody else's",
	    WORLD AT("net", "25", "permission_groups = anonymous_users\n"
		"accept_any_sender = -anonymous\n"), {
	    HERE,
	    { .verb = MAIL, "<hidden@example.com>",
		NOT_AS_THIS("net", "any_sender"), "*" },
	    { .verb = MAIL, "<x@foreign.test>" } } },
	/* certificates: Postfix says the CN, Sendmail more */
	{ "the domain of a certificate", WORLD PARTNER, {
	    HERE,
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.cert_subject = "mx.partner.test" },
	    { .verb = MAIL, "<x@a.partner.test>", .tls = "TLSv1.3",
		.verify = "OK", .cn_subject = "mx.partner.test" },
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.verify = "OK", .cert_subject = "/O=x/CN=mx.partner.test" },
	    { .verb = MAIL, "<x@foreign.test>", .tls = "TLSv1.3",
		.cert_subject = "mx.partner.test",
		.reply = NOT_AS_THIS("partner", "any_sender"), .log = "*" },
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.verify = "FAIL", .cn_subject = "mx.partner.test",
		.reply = NOT_LOGGED_IN("partner"), .log = "*" },
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.cert_subject = "mx.partner.test.evil.test",
		.reply = NOT_LOGGED_IN("partner"), .log = "*" },
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.reply = NOT_LOGGED_IN("partner"), .log = "*" } } },
	{ "the log names the certificate of a refused sender", WORLD PARTNER, {
	    HERE,
	    { .verb = MAIL, "<x@foreign.test>", .tls = "TLSv1.3",
		.cert_subject = "MX.Partner.test",
		.reply = NOT_AS_THIS("partner", "any_sender"), .log =
		"NOQUEUE: " WHO("partner", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("mail", "reject", "any_sender",
		    NOT_AS_THIS("partner", "any_sender"))
		WHAT("x@foreign.test", "", "")
		HOW("partner", "", "TLSv1.3") " cert=mx.partner.test" },
	    { .verb = MAIL, "<x@partner.test>", .tls = "TLSv1.3",
		.verify = "FAIL", .cn_subject = "mx.partner.test",
		.reply = NOT_LOGGED_IN("partner"), .log = "NOQUEUE: "
		WHO("partner", "mail.client.test[203.0.113.9]")
		"192.0.2.25:25" WHY("mail", "reject", "submit",
		    NOT_LOGGED_IN("partner")) WHAT("x@partner.test", "", "")
		HOW("anonymous", "", "TLSv1.3") } } },
	{ "no certificate without TLS", WORLD SERVER, {
	    HERE,
	    { .verb = MAIL, "<x@example.com>",
		.cert_subject = "hub.example.com",
		.reply = NOT_LOGGED_IN("server"), .log = "*" },
	    { .verb = MAIL, "<x@example.com>", .tls = "TLSv1.3",
		.cert_subject = "hub.example.com" },
	    { .verb = RCPT, "<b@example.com>" },
	    { .verb = EOM, .log = "NOQUEUE: "
		WHO("server", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("eom", "accept", "", "")
		WHAT("x@example.com", "b@example.com", "")
		HOW("server", "", "TLSv1.3") " cert=hub.example.com" } } },
	/* who is refused before MAIL rules is named all the same */
	{ "the log knows who was refused for its name",
	    WORLD USERS("require_ehlo_domain = yes\n"), {
	    HERE,
	    { .verb = MAIL, "<alice@example.com>", LOGIN("alice"), .reply =
		"501 5.0.0 HELO / EHLO requires domain address "
		"[connector users, rule require_ehlo_domain]",
		.log = "NOQUEUE: "
		WHO("users", "mail.client.test[203.0.113.9]") "192.0.2.25:25"
		WHY("helo", "reject", "require_ehlo_domain",
		    "501 5.0.0 HELO / EHLO requires domain address "
		    "[connector users, rule require_ehlo_domain]")
		WHAT("alice@example.com", "", "")
		HOW("user", "alice", "TLSv1.3") } } },
};
/* clang-format on */

int
main(void)
{
	play_all(plays, nitems(plays));
	return done();
}
