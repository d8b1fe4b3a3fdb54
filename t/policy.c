/*
 * policy.c - connect and mail: settings and facts in, verdict, rule, reply out.
 */
#include "policy.h"

#include "judging.h"

#define AT_CONNECT "451 4.7.1 Service unavailable - try again later"
#define NEEDS_TLS \
	"530 5.7.0 Must issue a STARTTLS command first" BY("require_tls")
#define NOT_OFFERED \
	"530 5.7.0 Authentication mechanism not offered here" BY( \
	    "auth_mechanism")
#define NOT_IN_CLEAR \
	"538 5.7.11 Encryption required for requested authentication " \
	"mechanism" BY("auth_mechanism")
#define NO_SUBMIT \
	"530 5.7.57 SMTP; Client was not authenticated to send anonymous " \
	"mail during MAIL FROM" BY("submit")
#define BAD_SENDER "501 5.1.7 Invalid address" BY("sender_syntax")
#define NOT_AS_THIS \
	"550 5.7.60 SMTP; Client does not have permissions to send as this " \
	"sender" BY("authoritative_domain_sender")
#define MAIL .stage = STAGE_MAIL, .from = "<a@foreign.test>"
#define MAIL_FROM(path) .stage = STAGE_MAIL, .from = path
#define HARDENED \
	ANYBODY, .allow = "accept_authoritative_domain_sender=-anonymous"

/* clang-format off */
static const struct sketch_case cases[] = {
	/* connect */
	{ .what = "a served client", .stage = STAGE_CONNECT, ANYBODY },
	{ .what = "an IPv6 client", .stage = STAGE_CONNECT, ANYBODY,
	    .client = "2001:db8::9", .listener = "[2001:db8::25]:25" },
	{ .what = "a mapped client is an IPv4 client",
	    .stage = STAGE_CONNECT, ANYBODY,
	    .client = "::ffff:203.0.113.9" },
	{ .what = "too many sessions", .stage = STAGE_CONNECT, ANYBODY,
	    .full = true, .rule = "admission", .line = AT_CONNECT },
	{ .what = "without live state nobody counts sessions",
	    .stage = STAGE_CONNECT, ANYBODY, .full = true, .offline = true },
	{ .what = "no client address", .stage = STAGE_CONNECT, ANYBODY,
	    .client = "-", .rule = "client_address", .line = AT_CONNECT },
	{ .what = "too many sessions come before a missing address",
	    .stage = STAGE_CONNECT, ANYBODY, .full = true, .client = "-",
	    .rule = "admission", .line = AT_CONNECT },
	{ .what = "no listener", .stage = STAGE_CONNECT, ANYBODY,
	    .listener = "-", .rule = "listener",
	    .line = "451 4.3.5 Server configuration problem "
		"[connector -, rule listener]" },
	{ .what = "a missing address comes before a missing listener",
	    .stage = STAGE_CONNECT, ANYBODY, .client = "-", .listener = "-",
	    .rule = "client_address", .line = AT_CONNECT },
	{ .what = "a client out of range", .stage = STAGE_CONNECT, ANYBODY,
	    .client = "203.0.114.0", .rule = "no_connector",
	    .line = "421 4.3.2 Service not available "
		"[connector -, rule no_connector]" },
	{ .what = "another port", .stage = STAGE_CONNECT, ANYBODY,
	    .listener = "192.0.2.25:587", .rule = "no_connector",
	    .line = "421 4.3.2 Service not available "
		"[connector -, rule no_connector]" },
	/* require_tls */
	{ .what = "TLS not asked for", MAIL, ANYBODY },
	{ .what = "TLS missing", MAIL, ANYBODY, .require_tls = true,
	    .rule = "require_tls", .line = NEEDS_TLS },
	{ .what = "TLS there", MAIL, ANYBODY, .require_tls = true,
	    .tls = TLS_1_0 },
	{ .what = "any TLS does without tls_min_version", MAIL, ANYBODY,
	    .require_tls = true, .tls = TLS_OTHER },
	{ .what = "TLS too old", MAIL, ANYBODY, .require_tls = true,
	    .tls_min = TLS_1_2, .tls = TLS_1_1, .rule = "require_tls",
	    .line = NEEDS_TLS },
	{ .what = "TLS as old as allowed", MAIL, ANYBODY,
	    .require_tls = true, .tls_min = TLS_1_2, .tls = TLS_1_2 },
	{ .what = "TLS newer", MAIL, ANYBODY, .require_tls = true,
	    .tls_min = TLS_1_2, .tls = TLS_1_3 },
	{ .what = "no TLS where a version is asked for", MAIL, ANYBODY,
	    .require_tls = true, .tls_min = TLS_1_2, .rule = "require_tls",
	    .line = NEEDS_TLS },
	{ .what = "TLS of an unknown version", MAIL, ANYBODY,
	    .require_tls = true, .tls_min = TLS_1_0, .tls = TLS_OTHER,
	    .rule = "require_tls", .line = UNDECIDED("require_tls") },
	{ .what = "tls_min_version is judged with require_tls only", MAIL,
	    ANYBODY, .tls_min = TLS_1_3, .tls = TLS_1_0 },
	{ .what = "TLS comes before the login", MAIL, USERS,
	    .require_tls = true, JOE(INTEGRATED), .rule = "require_tls",
	    .line = NEEDS_TLS },
	/* auth_mechanism */
	{ .what = "PLAIN where basic is offered", MAIL, USERS, JOE(BASIC) },
	{ .what = "PLAIN where it is not offered", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .auth = AUTH_TLS | AUTH_INTEGRATED,
	    JOE(BASIC), .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "a login where nothing is offered", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, JOE(INTEGRATED),
	    .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "PLAIN in clear where TLS is wanted for it", MAIL,
	    .groups = GROUP_EXCHANGE_USERS,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS,
	    JOE(BASIC), .rule = "auth_mechanism", .line = NOT_IN_CLEAR },
	{ .what = "PLAIN in TLS where TLS is wanted for it", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .tls = TLS_1_2,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS,
	    JOE(BASIC) },
	{ .what = "PLAIN in TLS of some version", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .tls = TLS_OTHER,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS,
	    JOE(BASIC) },
	{ .what = "basic_auth_require_tls alone offers nothing", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .tls = TLS_1_2,
	    .auth = AUTH_TLS | AUTH_BASIC_REQUIRE_TLS, JOE(BASIC),
	    .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "NTLM where integrated is offered", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .auth = AUTH_INTEGRATED,
	    JOE(INTEGRATED) },
	{ .what = "NTLM needs no TLS of basic_auth_require_tls", MAIL,
	    .groups = GROUP_EXCHANGE_USERS,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS |
		AUTH_INTEGRATED,
	    JOE(INTEGRATED) },
	{ .what = "NTLM where only basic is offered", MAIL, USERS,
	    JOE(INTEGRATED), .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "XCLIENT counts as integrated", MAIL,
	    .groups = GROUP_EXCHANGE_USERS,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS |
		AUTH_INTEGRATED,
	    JOE(XCLIENT) },
	{ .what = "XCLIENT else counts as basic", MAIL, USERS,
	    JOE(XCLIENT) },
	{ .what = "XCLIENT as basic needs TLS like basic", MAIL,
	    .groups = GROUP_EXCHANGE_USERS,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS,
	    JOE(XCLIENT), .rule = "auth_mechanism", .line = NOT_IN_CLEAR },
	{ .what = "XCLIENT where nothing is offered", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .auth = AUTH_TLS, JOE(XCLIENT),
	    .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "another mechanism is never offered", MAIL,
	    .groups = GROUP_EXCHANGE_USERS, .tls = TLS_1_3,
	    .auth = AUTH_TLS | AUTH_BASIC | AUTH_INTEGRATED, JOE(OTHER),
	    .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "the mechanism comes before submit", MAIL, ANYBODY,
	    JOE(BASIC), .rule = "auth_mechanism", .line = NOT_OFFERED },
	{ .what = "externally secured offers no login", MAIL, SECURED,
	    JOE(BASIC), .rule = "auth_mechanism", .line = NOT_OFFERED },
	/* submit */
	{ .what = "anonymous where only users may", MAIL, USERS,
	    .rule = "submit", .line = NO_SUBMIT },
	{ .what = "nobody may", MAIL, .rule = "submit", .line = NO_SUBMIT },
	{ .what = "the null sender needs the right as well",
	    MAIL_FROM("<>"), .rule = "submit", .line = NO_SUBMIT },
	{ .what = "a login where only anonymous may", MAIL, ANYBODY,
	    .auth = AUTH_BASIC, JOE(BASIC), .rule = "submit",
	    .line = NO_SUBMIT },
	{ .what = "a host that is granted it", MAIL,
	    .allow = "submit=host:relay.example", .host = "relay.example",
	    .verified = ANSWER_YES },
	{ .what = "another host", MAIL,
	    .allow = "submit=host:.relay.example", .host = "relay.example",
	    .verified = ANSWER_YES, .rule = "submit", .line = NO_SUBMIT },
	{ .what = "a host nobody can verify now", MAIL,
	    .allow = "submit=host:relay.example",
	    .verified = ANSWER_UNKNOWN, .rule = "submit",
	    .line = UNDECIDED("submit") },
	{ .what = "a denied login", MAIL, USERS, JOE(BASIC),
	    .allow = "submit=-user:JOE@example.com", .rule = "submit",
	    .line = NO_SUBMIT },
	{ .what = "submit comes before the syntax",
	    MAIL_FROM("<a@@b>"), .rule = "submit", .line = NO_SUBMIT },
	/* sender_syntax */
	{ .what = "the null sender", MAIL_FROM("<>"), ANYBODY },
	{ .what = "a sender without brackets", MAIL_FROM("a@foreign.test"),
	    ANYBODY },
	{ .what = "a sender at an address literal",
	    MAIL_FROM("<a@[192.0.2.1]>"), ANYBODY },
	{ .what = "a sender that is no address", MAIL_FROM("<a@b..test>"),
	    ANYBODY, .rule = "sender_syntax", .line = BAD_SENDER },
	{ .what = "a sender with one bracket", MAIL_FROM("<a@b.test"),
	    ANYBODY, .rule = "sender_syntax", .line = BAD_SENDER },
	{ .what = "a sender with a control byte",
	    MAIL_FROM("<a\r\n@b.test>"), ANYBODY, .rule = "sender_syntax",
	    .line = BAD_SENDER },
	{ .what = "a bare sender", MAIL_FROM("<joe>"), ANYBODY,
	    .rule = "sender_syntax", .line = BAD_SENDER },
	{ .what = "postmaster as a bare sender", MAIL_FROM("<postmaster>"),
	    ANYBODY, .rule = "sender_syntax", .line = BAD_SENDER },
	{ .what = "an empty path", MAIL_FROM(""), ANYBODY },
	{ .what = "a malformed parameter at MAIL", MAIL, ANYBODY,
	    .bad_parameter = true, .rule = "sender_syntax",
	    .line = BAD_SENDER },
	{ .what = "the syntax comes before the own domains", HARDENED,
	    MAIL_FROM("<a@example.com>"), .bad_parameter = true,
	    .rule = "sender_syntax", .line = BAD_SENDER },
	/* authoritative_domain_sender */
	{ .what = "own sender, anonymous, by default",
	    MAIL_FROM("<a@example.com>"), ANYBODY },
	{ .what = "own sender, right taken away",
	    MAIL_FROM("<a@example.com>"), HARDENED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "own sender in capitals", MAIL_FROM("<A@EXAMPLE.COM>"),
	    HARDENED, .rule = "authoritative_domain_sender",
	    .line = NOT_AS_THIS },
	{ .what = "own sender with a trailing dot",
	    MAIL_FROM("<a@example.com.>"), HARDENED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "own sender behind a source route",
	    MAIL_FROM("<@x.test:a@example.com>"), HARDENED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "foreign sender, right taken away", MAIL, HARDENED },
	{ .what = "null sender, right taken away", MAIL_FROM("<>"),
	    HARDENED },
	{ .what = "example.com is not its subdomains",
	    MAIL_FROM("<a@sub.example.com>"), HARDENED },
	{ .what = "nor names that end alike",
	    MAIL_FROM("<a@notexample.com>"), HARDENED },
	{ .what = "*.example.net holds what is below",
	    MAIL_FROM("<a@x.y.example.net>"), HARDENED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "*.example.net is not example.net",
	    MAIL_FROM("<a@example.net>"), HARDENED },
	{ .what = "relay domains are not own by default",
	    MAIL_FROM("<a@internal.example>"), HARDENED },
	{ .what = "own_domains = accepted: internal relay",
	    MAIL_FROM("<a@internal.example>"), HARDENED,
	    .own = OWN_ACCEPTED, .rule = "authoritative_domain_sender",
	    .line = NOT_AS_THIS },
	{ .what = "own_domains = accepted: external relay, subdomain",
	    MAIL_FROM("<a@x.ext.example>"), HARDENED, .own = OWN_ACCEPTED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "own_domains = accepted: authoritative too",
	    MAIL_FROM("<a@example.com>"), HARDENED, .own = OWN_ACCEPTED,
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "a literal is a foreign domain",
	    MAIL_FROM("<a@[192.0.2.25]>"), HARDENED },
	{ .what = "a user as its own address", USERS, JOE(BASIC),
	    MAIL_FROM("<Joe@Example.COM>") },
	{ .what = "a user as its own address, quoted", USERS, JOE(BASIC),
	    MAIL_FROM("<\"joe\"@example.com>") },
	{ .what = "a user as another", USERS, JOE(BASIC),
	    MAIL_FROM("<jim@example.com>"),
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "a user as its address behind a route", USERS, JOE(BASIC),
	    MAIL_FROM("<@x.test:joe@example.com>"),
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "a login that is a routed form owns none", USERS,
	    .mechanism = MECHANISM_BASIC, .login = "joe%x.test@example.com",
	    MAIL_FROM("<joe%x.test@example.com>"),
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "a login that is no address owns none", USERS,
	    .mechanism = MECHANISM_BASIC, .login = "joe",
	    MAIL_FROM("<joe@example.com>"),
	    .rule = "authoritative_domain_sender", .line = NOT_AS_THIS },
	{ .what = "a granted user as another", USERS, JOE(BASIC),
	    .allow = "accept_authoritative_domain_sender=user:"
		"joe@example.com",
	    MAIL_FROM("<jim@example.com>") },
	{ .what = "an own address that the login owns in spite of a denial",
	    USERS, JOE(BASIC),
	    .allow = "accept_authoritative_domain_sender=-users",
	    MAIL_FROM("<joe@example.com>") },
	{ .what = "externally secured as anybody", SECURED,
	    MAIL_FROM("<jim@example.com>") },
	{ .what = "own sender, right not known now",
	    MAIL_FROM("<a@example.com>"),
	    .allow = "submit=anonymous "
		"accept_authoritative_domain_sender=host:relay.example",
	    .verified = ANSWER_UNKNOWN,
	    .rule = "authoritative_domain_sender",
	    .line = UNDECIDED("authoritative_domain_sender") },
	{ .what = "foreign sender, right not known now", MAIL,
	    .allow = "submit=anonymous "
		"accept_authoritative_domain_sender=host:relay.example",
	    .verified = ANSWER_UNKNOWN },
};
/* clang-format on */

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++)
		check_case(&cases[i]);
	check_coverage(STAGE_CONNECT);
	check_coverage(STAGE_MAIL);
	return done();
}
