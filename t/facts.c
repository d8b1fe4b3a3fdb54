/*
 * facts.c - what both MTAs say of listener, TLS, login, certificate and client.
 */
#include "facts.h"

#include "tap.h"

/* clang-format off */
static const struct {
	const char *if_addr;
	const char *daemon_addr;
	const char *daemon_port;
	const char *client; /* NULL: the MTA gave none */
	const char *listener;
	const char *what;
} listeners[] = {
	/* Postfix: {daemon_addr} is the real address, there is no {if_addr} */
	{ NULL, "192.0.2.25", "25", "203.0.113.9", "192.0.2.25:25",
	    "Postfix, IPv4" },
	{ NULL, "2001:db8::25", "25", "2001:db8::9", "[2001:db8::25]:25",
	    "Postfix, IPv6 without a prefix" },
	{ NULL, "127.0.0.1", "10025", "127.0.0.1", "127.0.0.1:10025",
	    "Postfix, loopback" },
	{ NULL, "127.0.0.2", "587", "127.0.0.1", "127.0.0.2:587",
	    "Postfix, another loopback address" },
	{ NULL, "::ffff:192.0.2.25", "25", "203.0.113.9", "192.0.2.25:25",
	    "a mapped listener is IPv4" },
	{ "", "192.0.2.25", "25", "203.0.113.9", "192.0.2.25:25",
	    "an empty {if_addr} counts as none" },
	/* Sendmail: {if_addr} is real, {daemon_addr} what was configured */
	{ "192.0.2.25", "0.0.0.0", "25", "203.0.113.9", "192.0.2.25:25",
	    "Sendmail, IPv4" },
	{ "192.0.2.25", "198.51.100.1", "25", "203.0.113.9",
	    "192.0.2.25:25",
	    "{if_addr} is believed before {daemon_addr}" },
	{ "IPv6:2001:db8:0:0:0:0:0:25", "IPv6:0:0:0:0:0:0:0:0", "25",
	    "2001:db8::9", "[2001:db8::25]:25",
	    "Sendmail, IPv6, not compressed" },
	{ "IPv6:0:0:0:0:0:FFFF:C000:219", "IPv6:0:0:0:0:0:0:0:0", "25",
	    "203.0.113.9", "192.0.2.25:25",
	    "Sendmail, mapped, not compressed" },
	{ "ipv6:2001:db8::25", NULL, "25", "2001:db8::9",
	    "[2001:db8::25]:25", "the prefix in any case" },
	{ NULL, "0.0.0.0", "25", "127.0.0.1", "127.0.0.1:25",
	    "Sendmail on loopback tells an any-address: loopback" },
	{ NULL, "0.0.0.0", "25", "127.0.0.5", "127.0.0.1:25",
	    "any client of 127/8 is on loopback" },
	{ NULL, "IPv6:0:0:0:0:0:0:0:0", "25", "::1", "[::1]:25",
	    "Sendmail on IPv6 loopback" },
	{ NULL, "IPv6:0:0:0:0:0:0:0:0", "25", "127.0.0.1", "127.0.0.1:25",
	    "the family of a loopback listener is the client's" },
	{ NULL, NULL, "25", "127.0.0.1", "127.0.0.1:25",
	    "loopback without any address" },
	{ NULL, "192.0.2.25", "25", "127.0.0.1", "192.0.2.25:25",
	    "a configured address is believed on loopback too" },
	{ "0.0.0.0", "192.0.2.25", "25", "203.0.113.9", "192.0.2.25:25",
	    "{if_addr} as an any-address tells nothing" },
	{ "garbage", "192.0.2.25", "25", "203.0.113.9", "192.0.2.25:25",
	    "{if_addr} that is no address tells nothing" },
	{ NULL, "192.0.2.25", "25", NULL, "192.0.2.25:25",
	    "a client without address changes nothing" },
	{ NULL, "192.0.2.25", "65535", "203.0.113.9", "192.0.2.25:65535",
	    "the highest port" },
	/* unknown */
	{ NULL, "0.0.0.0", "25", "203.0.113.9", NULL,
	    "an any-address and no loopback client" },
	{ NULL, "IPv6:::", "25", "2001:db8::9", NULL,
	    "the IPv6 any-address likewise" },
	{ NULL, NULL, "25", "203.0.113.9", NULL, "no address at all" },
	{ NULL, "0.0.0.0", "25", NULL, NULL,
	    "an any-address and no client address" },
	{ NULL, "host.example", "25", "203.0.113.9", NULL,
	    "a name is no address" },
	{ NULL, "192.0.2.25 ", "25", "203.0.113.9", NULL,
	    "an address with a blank is none" },
	{ NULL, "192.0.2.025", "25", "203.0.113.9", NULL,
	    "octal-looking octets are no address" },
	{ NULL, "IPv6:192.0.2.25", "25", "203.0.113.9", NULL,
	    "IPv4 behind an IPv6 prefix is no address" },
	{ NULL, "192.0.2.25", NULL, "203.0.113.9", NULL, "no port" },
	{ NULL, "192.0.2.25", "", "203.0.113.9", NULL, "an empty port" },
	{ NULL, "192.0.2.25", "0", "203.0.113.9", NULL, "port 0" },
	{ NULL, "192.0.2.25", "65536", "203.0.113.9", NULL,
	    "a port out of range" },
	{ NULL, "192.0.2.25", "18446744073709551641", "203.0.113.9", NULL,
	    "a port that overflows to 25" },
	{ NULL, "192.0.2.25", "25x", "203.0.113.9", NULL,
	    "a port with junk behind" },
	{ NULL, "192.0.2.25", " 25", "203.0.113.9", NULL,
	    "a port with a blank before" },
	{ NULL, "192.0.2.25", "+25", "203.0.113.9", NULL,
	    "a port with a sign" },
	{ NULL, "192.0.2.25", "-25", "203.0.113.9", NULL,
	    "a negative port" },
	{ NULL, "192.0.2.25", "smtp", "203.0.113.9", NULL,
	    "a service name is no port" },
	{ NULL, NULL, NULL, "127.0.0.1", NULL,
	    "a loopback client without a port" },
};

static const struct {
	const char *version;
	enum tls_version tls;
	const char *what;
} versions[] = {
	{ NULL, TLS_OFF, "no {tls_version}" },
	{ "", TLS_OFF, "an empty one" },
	{ "TLSv1", TLS_1_0, "TLSv1" },
	{ "TLSv1.0", TLS_1_0, "TLSv1.0 is TLSv1" },
	{ "TLSv1.1", TLS_1_1, "TLSv1.1" },
	{ "TLSv1.2", TLS_1_2, "TLSv1.2" },
	{ "TLSv1.3", TLS_1_3, "TLSv1.3" },
	{ "tlsv1.3", TLS_1_3, "in any case" },
	{ "TLSv1.4", TLS_OTHER, "a version to come" },
	{ "TLSv1.30", TLS_OTHER, "a version that begins like one" },
	{ "SSLv3", TLS_OTHER, "an old version without a name here" },
	{ " ", TLS_OTHER, "a blank is some encryption, not none" },
};

static const struct {
	const char *type;
	const char *authen;
	enum mechanism mechanism;
	const char *what;
} logins[] = {
	{ "PLAIN", "joe", MECHANISM_BASIC, "PLAIN" },
	{ "LOGIN", "joe", MECHANISM_BASIC, "LOGIN" },
	{ "XOAUTH2", "joe", MECHANISM_BASIC, "XOAUTH2" },
	{ "OAUTHBEARER", "joe", MECHANISM_BASIC, "OAUTHBEARER" },
	{ "NTLM", "joe", MECHANISM_INTEGRATED, "NTLM" },
	{ "GSSAPI", "joe", MECHANISM_INTEGRATED, "GSSAPI" },
	{ "GSS-SPNEGO", "joe", MECHANISM_INTEGRATED, "GSS-SPNEGO" },
	{ "CRAM-MD5", "joe", MECHANISM_INTEGRATED, "CRAM-MD5" },
	{ "DIGEST-MD5", "joe", MECHANISM_INTEGRATED, "DIGEST-MD5" },
	{ "SCRAM-SHA-1", "joe", MECHANISM_INTEGRATED, "SCRAM-SHA-1" },
	{ "SCRAM-SHA-256-PLUS", "joe", MECHANISM_INTEGRATED,
	    "SCRAM-SHA-256-PLUS" },
	{ "scram-sha-512", "joe", MECHANISM_INTEGRATED, "scram in any case" },
	{ "XCLIENT", "joe", MECHANISM_XCLIENT, "XCLIENT" },
	{ "plain", "joe", MECHANISM_BASIC, "plain in any case" },
	{ "Gss-Spnego", "joe", MECHANISM_INTEGRATED, "Gss-Spnego" },
	{ "ANONYMOUS", "joe", MECHANISM_NONE, "ANONYMOUS is no login" },
	{ "anonymous", "joe", MECHANISM_NONE, "anonymous neither" },
	{ "EXTERNAL", "joe", MECHANISM_OTHER, "EXTERNAL is another" },
	{ "PLAINER", "joe", MECHANISM_OTHER, "begins like PLAIN" },
	{ "PLAI", "joe", MECHANISM_OTHER, "PLAIN begins like it" },
	{ "SCRAM", "joe", MECHANISM_OTHER, "SCRAM alone is no mechanism" },
	{ "SCRAM-*", "joe", MECHANISM_INTEGRATED, "a star is a character" },
	{ "PLAIN ", "joe", MECHANISM_OTHER, "a blank makes it another" },
	{ "*", "joe", MECHANISM_OTHER, "a star alone" },
	{ NULL, "joe", MECHANISM_NONE, "a login without a mechanism" },
	{ "", "joe", MECHANISM_NONE, "a login with an empty mechanism" },
	{ "PLAIN", NULL, MECHANISM_NONE, "a mechanism without a login" },
	{ "PLAIN", "", MECHANISM_NONE, "a mechanism with an empty login" },
	{ "EXTERNAL", "", MECHANISM_NONE, "another with an empty login" },
	{ NULL, NULL, MECHANISM_NONE, "nothing at all" },
	{ "PLAIN", "0", MECHANISM_BASIC, "a login named 0" },
	{ "PLAIN", " ", MECHANISM_BASIC, "a login of one blank" },
};

static const struct {
	const char *resolve;
	enum answer answer;
	const char *what;
} resolves[] = {
	{ "OK", ANSWER_YES, "OK: forward and reverse agree" },
	{ "ok", ANSWER_YES, "ok in any case" },
	{ "FAIL", ANSWER_NO, "FAIL" },
	{ "FORGED", ANSWER_NO, "FORGED" },
	{ "TEMP", ANSWER_UNKNOWN, "TEMP: DNS could not say" },
	{ "temp", ANSWER_UNKNOWN, "temp in any case" },
	{ NULL, ANSWER_UNKNOWN, "not told" },
	{ "", ANSWER_UNKNOWN, "an empty word tells nothing" },
	{ "OKAY", ANSWER_NO, "OKAY is no OK" },
	{ "OK ", ANSWER_NO, "nor is OK with a blank" },
};

static const struct {
	const char *host;
	uint16_t client_port;
	const char *daemon_port;
	bool local;
	const char *what;
} submissions[] = {
	{ "localhost", 0, "0", true, "pickup and sendmail -bs" },
	{ "localhost", 41022, "0", false, "a client port is a network" },
	{ "localhost", 0, "25", false, "a daemon port is a network" },
	{ "localhost", 0, NULL, false, "no {daemon_port}" },
	{ "localhost", 0, "", false, "an empty {daemon_port}" },
	{ "localhost", 0, "00", false, "not the 0 of Postfix" },
	{ "localhost.example", 0, "0", false, "another host" },
	{ "[127.0.0.1]", 0, "0", false, "a host without a name" },
	{ "", 0, "0", false, "an empty host" },
	{ NULL, 0, "0", false, "no host" },
};

static const struct {
	const char *mailer;
	const char *addr;
	bool refused;
	const char *what;
} refusals[] = {
	{ "error", "Relay access denied", true, "Postfix refused it itself" },
	{ "error", "user@example.com", false,
	    "an address is one that was resolved, whatever the mailer" },
	{ "error", "", false, "no words are no refusal" },
	{ "error", NULL, false, "nothing is no refusal" },
	{ "smtp", "Relay access denied", false, "another mailer" },
	{ "errors", "Relay access denied", false, "not the mailer error" },
	{ "local", "user", false, "a local user of Sendmail" },
	{ NULL, "user", false, "no mailer" },
	{ "", "user", false, "an empty mailer" },
};

/* Of 64, and the longest name of all: 253 octets. */
#define LABEL63 \
	"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc."
#define LONGEST \
	LABEL63 LABEL63 LABEL63 \
	"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija"

static const struct {
	const char *verify;
	const char *cn;
	const char *subject;
	const char *name;
	const char *what;
} certificates[] = {
	/* Postfix */
	{ NULL, NULL, NULL, NULL, "no certificate" },
	{ NULL, NULL, "", NULL, "an empty subject" },
	{ NULL, NULL, "client.partner.test", "client.partner.test",
	    "Postfix: the subject is the CN" },
	{ NULL, NULL, "Client.Partner.TEST", "client.partner.test",
	    "Postfix: in lower case" },
	{ NULL, NULL, "client.partner.test.", "client.partner.test",
	    "Postfix: without a trailing dot" },
	{ NULL, NULL, "mail", "mail", "Postfix: one label is a host name" },
	{ NULL, NULL, "/CN=client.partner.test", NULL,
	    "Postfix: no subject is taken apart" },
	{ NULL, NULL, "O=x/CN=client.partner.test", NULL,
	    "Postfix: nor one that begins otherwise" },
	{ NULL, NULL, "client+2Epartner.test", NULL,
	    "Postfix: no hex is undone" },
	{ NULL, NULL, "Joe Doe", NULL, "Postfix: a person is no host" },
	{ NULL, NULL, "joe@partner.test", NULL,
	    "Postfix: an address is no host" },
	{ NULL, NULL, "*.partner.test", NULL, "Postfix: a wildcard is none" },
	{ NULL, NULL, "mail_1.partner.test", NULL,
	    "Postfix: an underscore is none" },
	{ NULL, NULL, "partner..test", NULL, "Postfix: an empty label" },
	{ NULL, NULL, "[192.0.2.1]", NULL, "Postfix: a literal is none" },
	{ NULL, NULL, " partner.test", NULL, "Postfix: a blank before" },
	{ NULL, NULL, "\xef\xbd\x90" "artner.test", NULL,
	    "Postfix: what IDNA would map to partner.test is not that" },
	{ NULL, NULL, "b\xc3\xbc" "cher.test", NULL,
	    "Postfix: a name not in A-labels" },
	{ NULL, NULL, "xn--bcher-kva.test", "xn--bcher-kva.test",
	    "Postfix: a name in A-labels" },
	{ NULL, NULL, LONGEST, LONGEST, "Postfix: the longest name" },
	{ NULL, NULL, LONGEST "b", NULL, "Postfix: one longer" },
	{ NULL, "other.test", "client.partner.test", "client.partner.test",
	    "without {verify} the subject counts" },
	{ NULL, "other.test", NULL, NULL,
	    "without {verify} {cn_subject} does not" },
	/* Sendmail: {verify} */
	{ "OK", "client.partner.test", NULL, "client.partner.test",
	    "Sendmail: {cn_subject}" },
	{ "FAIL", "client.partner.test", NULL, NULL, "Sendmail: FAIL" },
	{ "NO", "client.partner.test", NULL, NULL, "Sendmail: NO" },
	{ "NOT", "client.partner.test", NULL, NULL, "Sendmail: NOT" },
	{ "", "client.partner.test", "client.partner.test", NULL,
	    "Sendmail: an empty {verify} is not Postfix" },
	{ "ok", "client.partner.test", NULL, NULL,
	    "Sendmail: ok is not OK" },
	{ "OK ", "client.partner.test", NULL, NULL,
	    "Sendmail: nor is OK with a blank" },
	{ "FAIL", NULL, "/CN=client.partner.test", NULL,
	    "Sendmail: FAIL with a subject" },
	/* Sendmail: {cn_subject} */
	{ "OK", "Client.Partner.Test", "/CN=other.test",
	    "client.partner.test", "Sendmail: {cn_subject} comes first" },
	{ "OK", "Joe+20Doe", "/CN=other.test", NULL,
	    "Sendmail: a CN that is no host is not replaced" },
	{ "OK", "", "/O=x/CN=other.test", NULL,
	    "Sendmail: nor is one that is empty" },
	{ "OK", "client+2Epartner.test", NULL, NULL,
	    "Sendmail: no hex is undone in {cn_subject}" },
	{ "OK", NULL, NULL, NULL, "Sendmail: no name at all" },
	/* Sendmail: {cert_subject} */
	{ "OK", NULL, "/C=DE/O=Org+20client/CN=client.partner.test",
	    "client.partner.test", "Sendmail: the CN of the subject" },
	{ "OK", NULL, "/CN=client.partner.test/emailAddress=a@b.test",
	    "client.partner.test", "Sendmail: with more behind it" },
	{ "OK", NULL, "/CN=first.test/CN=client.partner.test",
	    "client.partner.test", "Sendmail: the last of two" },
	{ "OK", NULL, "CN=client.partner.test", "client.partner.test",
	    "Sendmail: without a slash before" },
	{ "OK", NULL, "/CN=client+2Epartner+2etest", "client.partner.test",
	    "Sendmail: +hex is undone, in any case" },
	{ "OK", NULL, "/CN=mx+31+30.partner.test", "mx10.partner.test",
	    "Sendmail: whatever the byte" },
	{ "OK", NULL, "/O=x+2FCN=other.test/CN=client.partner.test/OU=y+2FCN"
	    "=evil.test", "client.partner.test",
	    "Sendmail: a slash in hex separates nothing" },
	{ "OK", NULL, "/CN=client.partner.test+2Fx", NULL,
	    "Sendmail: and is no part of a host name" },
	{ "OK", NULL, "/xCN=client.partner.test", NULL,
	    "Sendmail: CN= begins a part" },
	{ "OK", NULL, "/cn=client.partner.test", NULL,
	    "Sendmail: cn= is not CN=" },
	{ "OK", NULL, "/O=Org/OU=client.partner.test", NULL,
	    "Sendmail: a subject without CN" },
	{ "OK", NULL, "/CN=", NULL, "Sendmail: an empty CN" },
	{ "OK", NULL, "/CN=client.partner.test/CN=", NULL,
	    "Sendmail: an empty CN is the last one too" },
	{ "OK", NULL, "/CN=partner.test+00.evil.test", NULL,
	    "Sendmail: a NUL is no end" },
	{ "OK", NULL, "/CN=partner.test+", NULL, "Sendmail: a + alone" },
	{ "OK", NULL, "/CN=partner.test+2", NULL, "Sendmail: half a byte" },
	{ "OK", NULL, "/CN=partner.test+2/O=x", NULL,
	    "Sendmail: half a byte before a slash" },
	{ "OK", NULL, "/CN=partner.test+2G", NULL, "Sendmail: no hex" },
	{ "OK", NULL, "/CN=b+C3+BCcher.test", NULL,
	    "Sendmail: a name not in A-labels" },
	{ "OK", NULL, "/CN=" LONGEST "/O=x", LONGEST,
	    "Sendmail: the longest name" },
	{ "OK", NULL, "/CN=" LONGEST ".", LONGEST,
	    "Sendmail: the longest name with a trailing dot" },
	{ "OK", NULL, "/CN=" LONGEST "bc", NULL, "Sendmail: two longer" },
	{ "OK", NULL, "", NULL, "Sendmail: no certificate" },
};

/* A session's client name against relay.example. */
static const struct {
	const char *name;
	enum answer verified;
	enum answer itself;
	enum answer below;
	const char *what;
} clients[] = {
	{ "relay.example", ANSWER_YES, ANSWER_YES, ANSWER_NO, "the name" },
	{ "mx.relay.example", ANSWER_YES, ANSWER_NO, ANSWER_YES,
	    "a name below it" },
	{ "notrelay.example", ANSWER_YES, ANSWER_NO, ANSWER_NO,
	    "a name that ends alike" },
	{ "relay.example", ANSWER_NO, ANSWER_NO, ANSWER_NO,
	    "not verified" },
	{ "relay.example", ANSWER_UNKNOWN, ANSWER_UNKNOWN, ANSWER_UNKNOWN,
	    "DNS failed" },
	{ NULL, ANSWER_YES, ANSWER_UNKNOWN, ANSWER_UNKNOWN,
	    "verified, but no name" },
	{ NULL, ANSWER_NO, ANSWER_NO, ANSWER_NO, "no name" },
};

static const char *const stages[STAGE_COUNT] = {
	"connect", "helo", "mail", "rcpt", "eom",
};
/* clang-format on */

static void
check_listeners(void)
{
	for (size_t i = 0; i < nitems(listeners); i++) {
		struct addr client = { .family = ADDR_NONE };
		char text[ENDPOINT_TEXT_MAX];
		struct endpoint got;

		if (listeners[i].client != NULL &&
		    addr_parse(&client, listeners[i].client) != NULL)
			ok(0, "the client of this case is an address");
		got = facts_listener(listeners[i].if_addr,
		    listeners[i].daemon_addr, listeners[i].daemon_port,
		    &client);
		is_str(got.addr.family == ADDR_NONE
			? NULL
			: endpoint_format(text, &got),
		    listeners[i].listener, listeners[i].what);
	}
}

static void
check_certificates(void)
{
	struct facts facts = { .certificate = "partner.test" };

	for (size_t i = 0; i < nitems(certificates); i++) {
		char out[DOMAIN_MAX + 1];

		is_str(facts_certificate(out, certificates[i].verify,
			   certificates[i].cn, certificates[i].subject),
		    certificates[i].name, certificates[i].what);
	}
	is_str(
	    facts_certified(&facts), NULL, "a certificate without TLS is none");
	facts.tls = TLS_OTHER;
	is_str(facts_certified(&facts), "partner.test",
	    "a certificate in TLS of some version");
	facts.certificate = NULL;
	is_str(facts_certified(&facts), NULL, "TLS without a certificate");
}

static void
check_clients(void)
{
	for (size_t i = 0; i < nitems(clients); i++) {
		const struct facts facts = {
			.client_name = clients[i].name,
			.client_name_verified = clients[i].verified,
		};
		const enum answer itself =
		    facts_client_is(&facts, "relay.example", true, false);
		const enum answer below =
		    facts_client_is(&facts, "relay.example", false, true);
		const enum answer both =
		    facts_client_is(&facts, "relay.example", true, true);

		is_int(itself, clients[i].itself, clients[i].what);
		is_int(below, clients[i].below, clients[i].what);
		is_int(both, itself == ANSWER_NO ? below : itself,
		    clients[i].what);
	}
}

/* Rows and columns: no, yes, unknown. */
static void
check_either(void)
{
	static const enum answer want[3][3] = {
		{ ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN },
		{ ANSWER_YES, ANSWER_YES, ANSWER_YES },
		{ ANSWER_UNKNOWN, ANSWER_YES, ANSWER_UNKNOWN },
	};

	for (unsigned a = 0; a < 3; a++)
		for (unsigned b = 0; b < 3; b++)
			is_int(answer_either(a, b), want[a][b],
			    "of two answers either is enough");
}

int
main(void)
{
	check_either();
	check_certificates();
	check_clients();
	check_listeners();
	for (size_t i = 0; i < nitems(versions); i++)
		is_int(facts_tls(versions[i].version), versions[i].tls,
		    versions[i].what);
	for (size_t i = 0; i < nitems(logins); i++)
		is_int(facts_mechanism(logins[i].type, logins[i].authen),
		    logins[i].mechanism, logins[i].what);
	for (size_t i = 0; i < nitems(resolves); i++)
		is_int(facts_client_resolved(resolves[i].resolve),
		    resolves[i].answer, resolves[i].what);
	for (size_t i = 0; i < nitems(submissions); i++)
		is_int(
		    facts_local_submission(submissions[i].host,
			submissions[i].client_port, submissions[i].daemon_port),
		    submissions[i].local, submissions[i].what);
	for (size_t i = 0; i < nitems(refusals); i++)
		is_int(
		    facts_refused_by_mta(refusals[i].mailer, refusals[i].addr),
		    refusals[i].refused, refusals[i].what);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		is_str(stage_name(i), stages[i], "the name of a stage");
	return done();
}
