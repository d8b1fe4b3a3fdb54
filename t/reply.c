/*
 * reply.c - every reply is the one that the design promises.
 */
#include "reply.h"

#include "tap.h"

#define LONGEST_NAME \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* clang-format off */
static const struct {
	enum reply_id id;
	bool closes;
	const char *line;
	const char *line_2010;
	const char *what;
} cases[] = {
	{ REPLY_UNDECIDED, false,
	    "451 4.3.0 Cannot decide now, please try again later", NULL,
	    "what cannot be known is deferred" },
	{ REPLY_AT_CONNECT, false,
	    "451 4.7.1 Service unavailable - try again later", NULL,
	    "at connect the MTA's own words stand for ours" },
	{ REPLY_STOPPING, true,
	    "421 4.3.2 Service not available", NULL,
	    "who stops begins nothing new" },
	{ REPLY_LISTENER, false,
	    "451 4.3.5 Server configuration problem", NULL,
	    "an unknown listener is the server's fault" },
	{ REPLY_NO_CONNECTOR, true,
	    "421 4.3.2 Service not available", NULL,
	    "no connector closes the connection" },
	{ REPLY_CONNECTOR_FULL, true,
	    "421 4.3.2 The maximum number of concurrent server connections "
	    "has exceeded a limit, closing transmission channel", NULL,
	    "a connector that is full" },
	{ REPLY_SOURCE_FULL, true,
	    "421 4.3.2 The maximum number of concurrent server connections "
	    "has exceeded a per-source limit, closing transmission channel",
	    NULL,
	    "a client that has too many connections" },
	{ REPLY_TIMED_OUT, true,
	    "421 4.4.1 Connection timed out", NULL,
	    "a session that is too old" },
	{ REPLY_TOO_MANY_ERRORS, true,
	    "421 4.7.0 Too many errors on this connection, closing "
	    "transmission channel", NULL,
	    "a client that says too much nonsense" },
	{ REPLY_EHLO_DOMAIN, false,
	    "501 5.0.0 HELO / EHLO requires domain address", NULL,
	    "no HELO name" },
	{ REPLY_HELO_SYNTAX, false,
	    "501 5.5.4 Invalid domain name", NULL,
	    "a HELO name that is malformed" },
	{ REPLY_REQUIRE_TLS, false,
	    "530 5.7.0 Must issue a STARTTLS command first", NULL,
	    "require_tls asks for STARTTLS" },
	{ REPLY_MECHANISM, false,
	    "530 5.7.0 Authentication mechanism not offered here", NULL,
	    "a mechanism that is not offered" },
	{ REPLY_MECHANISM_NEEDS_TLS, false,
	    "538 5.7.11 Encryption required for requested authentication "
	    "mechanism", NULL,
	    "basic authentication without TLS" },
	{ REPLY_SUBMIT, false,
	    "530 5.7.57 SMTP; Client was not authenticated to send anonymous "
	    "mail during MAIL FROM",
	    "530 5.7.1 Client was not authenticated",
	    "no right to submit" },
	{ REPLY_SENDER_SYNTAX, false,
	    "501 5.1.7 Invalid address", NULL,
	    "a sender that is no address" },
	{ REPLY_PRESSURE, false,
	    "452 4.3.1 Insufficient system resources", NULL,
	    "a machine that is low on resources" },
	{ REPLY_RATE, true,
	    "421 4.4.2 Message submission rate for this client has exceeded "
	    "the configured limit", NULL,
	    "too many messages a minute" },
	{ REPLY_SENDER_PERMISSION, false,
	    "550 5.7.60 SMTP; Client does not have permissions to send as "
	    "this sender",
	    "550 5.7.1 Client does not have permissions to send as this "
	    "sender",
	    "a sender that is not the client's to use" },
	{ REPLY_MESSAGE_SIZE, false,
	    "552 5.3.4 Message size exceeds fixed maximum message size", NULL,
	    "a message that is too large" },
	{ REPLY_RECIPIENT_SYNTAX, false,
	    "501 5.1.3 Invalid address", NULL,
	    "a recipient that is no address" },
	{ REPLY_RESERVED_TOP_LEVEL, false,
	    "550 5.1.4 Recipient address reserved by RFC 2606", NULL,
	    "a recipient in a reserved top level domain" },
	{ REPLY_RESERVED_SECOND_LEVEL, false,
	    "550 5.1.5 Recipient address reserved by RFC 2606", NULL,
	    "a recipient in a reserved second level domain" },
	{ REPLY_SINGLE_LABEL, false,
	    "550 5.1.6 Recipient addresses in single label domains not "
	    "accepted", NULL,
	    "a recipient in a domain without a dot" },
	{ REPLY_RELAY, false,
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
	    "domain",
	    "550 5.7.1 Unable to relay",
	    "relay refused" },
	{ REPLY_USER_UNKNOWN, false,
	    "550 5.1.1 User unknown", NULL,
	    "a recipient that the directory does not know" },
	{ REPLY_INTERNAL_ONLY, false,
	    "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
	    NULL,
	    "a recipient that takes internal senders only" },
	{ REPLY_TOO_MANY_RECIPIENTS, false,
	    "452 4.5.3 Too many recipients", NULL,
	    "one recipient too many" },
	{ REPLY_HEADER_SIZE, false,
	    "552 5.3.4 Header size exceeds fixed maximum size", NULL,
	    "a header that is too large" },
	{ REPLY_HOPS, false,
	    "554 5.4.6 Hop count exceeded - possible mail loop", NULL,
	    "a message that came around too often" },
};

static const struct {
	enum reply_id id;
	bool identify;
	const char *connector;
	const char *rule;
	const char *line;
	const char *what;
} suffixes[] = {
	{ REPLY_RELAY, true, "internet", "relay",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
	    "domain [connector internet, rule relay]",
	    "the suffix names connector and rule" },
	{ REPLY_RELAY, true, "Default Frontend 2.a_b-c", "relay",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
	    "domain [connector Default Frontend 2.a_b-c, rule relay]",
	    "a name with blanks stands as written" },
	{ REPLY_NO_CONNECTOR, true, NULL, "no_connector",
	    "421 4.3.2 Service not available "
	    "[connector -, rule no_connector]",
	    "without a connector a dash stands for it" },
	{ REPLY_NO_CONNECTOR, false, NULL, "no_connector",
	    "421 4.3.2 Service not available",
	    "without identify_connector nothing is added" },
	{ REPLY_AT_CONNECT, true, "internet", "admission",
	    "451 4.7.1 Service unavailable - try again later",
	    "the MTA's own words get no suffix" },
	{ REPLY_USER_UNKNOWN, true, "internet", "recipient_lookup",
	    "550 5.1.1 User unknown "
	    "[connector internet, rule recipient_lookup]",
	    "an unknown recipient" },
	{ REPLY_USER_UNKNOWN, true, "internet", "internal_only",
	    "550 5.1.1 User unknown "
	    "[connector internet, rule recipient_lookup]",
	    "whoever says so: nothing betrays a recipient that is hidden" },
	{ REPLY_USER_UNKNOWN, false, "internet", "internal_only",
	    "550 5.1.1 User unknown",
	    "nor does it without identify_connector" },
	{ REPLY_INTERNAL_ONLY, true, "internet", "internal_only",
	    "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required "
	    "[connector internet, rule internal_only]",
	    "one that need not be hidden" },
	{ REPLY_SENDER_PERMISSION, true, LONGEST_NAME,
	    "authoritative_domain_sender",
	    "550 5.7.60 SMTP; Client does not have permissions to send as "
	    "this sender [connector " LONGEST_NAME
	    ", rule authoritative_domain_sender]",
	    "a long name and a long rule" },
	{ REPLY_SOURCE_FULL, true, LONGEST_NAME,
	    "max_inbound_connection_per_source",
	    "421 4.3.2 The maximum number of concurrent server connections "
	    "has exceeded a per-source limit, closing transmission channel "
	    "[connector " LONGEST_NAME
	    ", rule max_inbound_connection_per_source]",
	    "the longest name, rule and text fit" },
};
/* clang-format on */

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e || *text == '%')
			return false;
	return true;
}

/* Digits of code and status agree; nothing in the text can break a line. */
static bool
is_sound(enum reply_id id, enum reply_style style)
{
	const char *code = reply_code(id);
	const char *dsn = reply_dsn(id, style);
	unsigned class, subject, detail;
	char end;

	return strlen(code) == 3 && (code[0] == '4' || code[0] == '5') &&
	    strspn(code, "0123456789") == 3 && dsn[0] == code[0] &&
	    sscanf(dsn, "%1u.%3u.%3u%c", &class, &subject, &detail, &end) ==
	    3 &&
	    reply_text(id, style)[0] != '\0' && is_plain(reply_text(id, style));
}

/* Without the suffix and with it. */
static void
check_line(enum reply_id id, enum reply_style style, const char *want,
    const char *what)
{
	const char *rule =
	    id == REPLY_USER_UNKNOWN ? "recipient_lookup" : "some_rule";
	char line[REPLY_LINE_MAX], longer[REPLY_LINE_MAX];
	struct reply reply;

	memset(&reply, 'x', sizeof(reply));
	reply_fill(&reply, id, style, false, "internet", "some_rule");
	is_str(reply_line(line, &reply), want, what);
	snprintf(longer, sizeof(longer), "%s [connector internet, rule %s]",
	    want, rule);
	reply_fill(&reply, id, style, true, "internet", "some_rule");
	is_str(reply_line(line, &reply), id == REPLY_AT_CONNECT ? want : longer,
	    what);
}

static void
check_catalogue(void)
{
	bool seen[REPLY_COUNT] = { [REPLY_NONE] = true };

	for (size_t i = 0; i < nitems(cases); i++) {
		const enum reply_id id = cases[i].id;
		const char *line_2010 = cases[i].line_2010 != NULL
		    ? cases[i].line_2010
		    : cases[i].line;

		seen[id] = true;
		check_line(id, REPLY_STYLE_2016, cases[i].line, cases[i].what);
		check_line(id, REPLY_STYLE_2010, line_2010, cases[i].what);
		ok(is_sound(id, REPLY_STYLE_2016) &&
			is_sound(id, REPLY_STYLE_2010),
		    "%s: a sound row", cases[i].what);
		is_int(reply_closes(id), cases[i].closes, "closes or not");
		is_int(reply_is_temporary(id), cases[i].line[0] == '4',
		    "temporary or not");
	}
	for (unsigned id = 0; id < REPLY_COUNT; id++)
		ok(seen[id], "row %u of the catalogue has a case here", id);
}

static void
check_suffixes(void)
{
	for (size_t i = 0; i < nitems(suffixes); i++) {
		char line[REPLY_LINE_MAX];
		struct reply reply;

		reply_fill(&reply, suffixes[i].id, REPLY_STYLE_2016,
		    suffixes[i].identify, suffixes[i].connector,
		    suffixes[i].rule);
		is_str(reply_line(line, &reply), suffixes[i].line,
		    suffixes[i].what);
	}
}

/* Every character may be one, and nothing is cut. */
static void
test_percents(void)
{
	char doubled[REPLY_DOUBLED_MAX], want[REPLY_DOUBLED_MAX];
	struct reply reply = { .text = "50% off %s %" };

	reply_double_percents(doubled, &reply);
	is_str(doubled, "50%% off %%s %%", "every percent sign is doubled");
	memset(reply.text, '%', sizeof(reply.text) - 1);
	reply.text[sizeof(reply.text) - 1] = '\0';
	memset(want, '%', 2 * (sizeof(reply.text) - 1));
	want[2 * (sizeof(reply.text) - 1)] = '\0';
	reply_double_percents(doubled, &reply);
	is_str(doubled, want, "also in the longest text");
}

int
main(void)
{
	test_percents();
	check_catalogue();
	check_suffixes();
	is_str(reply_code(REPLY_NONE), "", "no reply has no code");
	is_str(reply_text(REPLY_NONE, REPLY_STYLE_2016), "",
	    "no reply has no text");
	ok(!reply_is_temporary(REPLY_NONE) && !reply_closes(REPLY_NONE),
	    "no reply neither defers nor closes");
	return done();
}
