/*
 * policy_limits.c - the rules about how many, how much and how fast, at every
 * stage: limits and counts in, verdict, rule and reply out.
 */
#include "policy.h"

#include "judging.h"

#define FULL \
	"421 4.3.2 The maximum number of concurrent server connections has " \
	"exceeded a limit, closing transmission channel" BY( \
	    "max_inbound_connection")
#define FULL_OF_ONE \
	"421 4.3.2 The maximum number of concurrent server connections has " \
	"exceeded a per-source limit, closing transmission channel" BY( \
	    "max_inbound_connection_per_source")
#define TOO_OLD \
	.rule = "connection_timeout", \
	.line = "421 4.4.1 Connection timed out" BY("connection_timeout")
#define TOO_MANY_ERRORS \
	.rule = "max_protocol_errors", \
	.line = "421 4.7.0 Too many errors on this connection, closing " \
		"transmission channel" BY("max_protocol_errors")
#define TOO_LOW \
	.rule = "back_pressure", \
	.line = "452 4.3.1 Insufficient system resources" BY("back_pressure")
#define LOW_UNKNOWN .rule = "back_pressure", .line = UNDECIDED("back_pressure")
#define TOO_FAST \
	.rule = "message_rate_limit", \
	.line = "421 4.4.2 Message submission rate for this client has " \
		"exceeded the configured limit" BY("message_rate_limit")
#define TOO_LARGE \
	.rule = "max_message_size", \
	.line = \
	    "552 5.3.4 Message size exceeds fixed maximum message size" BY( \
		"max_message_size")
#define SIZE_UNKNOWN \
	.rule = "max_message_size", .line = UNDECIDED("max_message_size")
#define HEADER_TOO_LARGE \
	.rule = "max_header_size", \
	.line = "552 5.3.4 Header size exceeds fixed maximum size" BY( \
	    "max_header_size")
#define LOOP(by) \
	.rule = by, \
	.line = "554 5.4.6 Hop count exceeded - possible mail loop" BY(by)
#define NOT_AS_THIS(by) \
	.rule = by, \
	.line = "550 5.7.60 SMTP; Client does not have permissions to send " \
		"as this sender" BY(by), \
	.line_2010 = "550 5.7.1 Client does not have permissions to send as " \
		     "this sender" BY(by)

#define CONNECT .stage = STAGE_CONNECT, ANYBODY
#define HELO .stage = STAGE_HELO, ANYBODY, .helo = HELO_STRICT
#define MAIL .stage = STAGE_MAIL, .from = "<a@foreign.test>"
#define RCPT \
	.stage = STAGE_RCPT, ANYBODY, .from = "<a@foreign.test>", \
	.to = "<b@example.com>"
#define EOM .stage = STAGE_EOM, .from = "<a@foreign.test>"
/* Who may send messages of any size; and who may, but nobody can tell. */
#define ANY_SIZE ANYBODY, .allow = "bypass_message_size_limit=anonymous"
#define MAYBE_ANY_SIZE \
	ANYBODY, .allow = "bypass_message_size_limit=host:relay.example", \
		 HOST_UNKNOWN
#define SMALL .limits = "max_message_size=65536"

/* clang-format off */
static const struct sketch_case cases[] = {
	/* max_inbound_connection and its like for one source */
	{ .what = "a slot of the connector is held", CONNECT },
	{ .what = "the connector is full", CONNECT,
	    .slot = SLOT_CONNECTOR_FULL, .rule = "max_inbound_connection",
	    .line = FULL },
	{ .what = "the source has as many as it may have", CONNECT,
	    .slot = SLOT_SOURCE_FULL,
	    .rule = "max_inbound_connection_per_source",
	    .line = FULL_OF_ONE },
	{ .what = "an IPv6 client of a full connector", CONNECT,
	    .client = "2001:db8::9", .listener = "[2001:db8::25]:25",
	    .slot = SLOT_CONNECTOR_FULL, .rule = "max_inbound_connection",
	    .line = FULL },
	{ .what = "without live state no slot is held", CONNECT,
	    .slot = SLOT_CONNECTOR_FULL, .offline = true },
	{ .what = "nor are those of a source counted", CONNECT,
	    .slot = SLOT_SOURCE_FULL, .offline = true },
	{ .what = "too many sessions in all come first", CONNECT,
	    .slot = SLOT_CONNECTOR_FULL, .full = true, .rule = "admission",
	    .line = "451 4.7.1 Service unavailable - try again later" },
	{ .what = "no connector comes before a full one", CONNECT,
	    .slot = SLOT_CONNECTOR_FULL, .client = "203.0.114.0",
	    .rule = "no_connector",
	    .line = "421 4.3.2 Service not available "
		"[connector -, rule no_connector]" },

	/* connection_timeout, at HELO */
	{ .what = "HELO: a moment before the session is too old", HELO,
	    .counted = "age=599999" },
	{ .what = "HELO: the session is too old", HELO,
	    .counted = "age=600000", TOO_OLD },
	{ .what = "HELO: a shorter time, not yet over", HELO,
	    .limits = "connection_timeout=1",
	    .counted = "age=999 silence=999" },
	{ .what = "HELO: a shorter time, over", HELO,
	    .limits = "connection_timeout=1",
	    .counted = "age=1000", TOO_OLD },
	{ .what = "HELO: the longest time of all", HELO,
	    .limits = "connection_timeout=86400 "
		"connection_inactivity_timeout=86400",
	    .counted = "age=86399999 silence=86399999" },
	{ .what = "HELO: a moment before the client was silent for too long",
	    HELO, .counted = "age=400000 silence=299999" },
	{ .what = "HELO: the client was silent for too long", HELO,
	    .counted = "age=400000 silence=300000", TOO_OLD },
	{ .what = "HELO: without live state no session gets old", HELO,
	    .counted = "age=600000 silence=600000 protocol_errors=6",
	    .offline = true },
	{ .what = "HELO: an old session comes before its errors", HELO,
	    .counted = "age=600000 protocol_errors=6", TOO_OLD },
	/* max_protocol_errors, at HELO */
	{ .what = "HELO: as many errors as there may be", HELO,
	    .counted = "protocol_errors=5" },
	{ .what = "HELO: one error more", HELO,
	    .counted = "protocol_errors=6", TOO_MANY_ERRORS },
	{ .what = "HELO: not a single error, and there is none", HELO,
	    .limits = "max_protocol_errors=0" },
	{ .what = "HELO: not a single error, and there is one", HELO,
	    .limits = "max_protocol_errors=0",
	    .counted = "protocol_errors=1", TOO_MANY_ERRORS },
	{ .what = "HELO: any number of errors", HELO,
	    .limits = "max_protocol_errors=9223372036854775807",
	    .counted = "protocol_errors=9223372036854775807" },
	{ .what = "HELO: the errors come before the name",
	    .stage = STAGE_HELO, ANYBODY, .helo = HELO_MALFORMED,
	    .counted = "protocol_errors=6", TOO_MANY_ERRORS },

	/* both at MAIL */
	{ .what = "MAIL: a moment before the session is too old", MAIL,
	    ANYBODY, .counted = "age=599999" },
	{ .what = "MAIL: the session is too old", MAIL, ANYBODY,
	    .counted = "age=600000", TOO_OLD },
	{ .what = "MAIL: a moment before the client was silent for too long",
	    MAIL, ANYBODY, .counted = "age=400000 silence=299999" },
	{ .what = "MAIL: the client was silent for too long", MAIL, ANYBODY,
	    .counted = "age=400000 silence=300000", TOO_OLD },
	{ .what = "MAIL: as many errors as there may be", MAIL, ANYBODY,
	    .counted = "protocol_errors=5" },
	{ .what = "MAIL: one error more", MAIL, ANYBODY,
	    .counted = "protocol_errors=6", TOO_MANY_ERRORS },
	{ .what = "MAIL: an old session comes before its errors", MAIL,
	    ANYBODY, .counted = "age=600000 protocol_errors=6", TOO_OLD },
	{ .what = "MAIL: the errors come before require_tls", MAIL, ANYBODY,
	    .require_tls = true, .counted = "protocol_errors=6",
	    TOO_MANY_ERRORS },
	{ .what = "MAIL: no right is above them", MAIL, SECURED,
	    .counted = "protocol_errors=6", TOO_MANY_ERRORS },
	{ .what = "MAIL: without live state neither is asked", MAIL, ANYBODY,
	    .counted = "age=600000 silence=600000 protocol_errors=6",
	    .offline = true },

	/* back_pressure */
	{ .what = "enough of everything", MAIL, ANYBODY },
	{ .what = "medium: anonymous", MAIL, ANYBODY,
	    .pressure = PRESSURE_MEDIUM, TOO_LOW },
	{ .what = "medium: a user", .stage = STAGE_MAIL,
	    .from = "<joe@example.com>", USERS, JOE(BASIC),
	    .pressure = PRESSURE_MEDIUM, TOO_LOW },
	{ .what = "medium: a partner", .stage = STAGE_MAIL,
	    .from = "<a@partner.test>", PARTNERS, CERT("partner.test"),
	    .pressure = PRESSURE_MEDIUM, TOO_LOW },
	{ .what = "medium: a server by login", MAIL, SERVERS, SRV(BASIC),
	    .pressure = PRESSURE_MEDIUM },
	{ .what = "medium: a server by certificate", MAIL, SERVERS,
	    CERT("mail.example"), .pressure = PRESSURE_MEDIUM },
	{ .what = "medium: externally secured", MAIL, SECURED,
	    .pressure = PRESSURE_MEDIUM },
	{ .what = "medium: who has every right is no server for it", MAIL,
	    ANYBODY, .allow = "accept_any_recipient=anonymous "
		"bypass_anti_spam=anonymous "
		"bypass_message_size_limit=anonymous",
	    .pressure = PRESSURE_MEDIUM, TOO_LOW },
	{ .what = "high: anonymous", MAIL, ANYBODY,
	    .pressure = PRESSURE_HIGH, TOO_LOW },
	{ .what = "high: a server", MAIL, SERVERS, SRV(BASIC),
	    .pressure = PRESSURE_HIGH, TOO_LOW },
	{ .what = "high: externally secured", MAIL, SECURED,
	    .pressure = PRESSURE_HIGH, TOO_LOW },
	{ .what = "nobody knows: anonymous", MAIL, ANYBODY,
	    .pressure = PRESSURE_UNKNOWN, LOW_UNKNOWN },
	{ .what = "nobody knows: a server", MAIL, SERVERS, SRV(BASIC),
	    .pressure = PRESSURE_UNKNOWN, LOW_UNKNOWN },
	{ .what = "without live state nothing is low", MAIL, ANYBODY,
	    .pressure = PRESSURE_HIGH, .offline = true },
	{ .what = "nor is anything unknown", MAIL, ANYBODY,
	    .pressure = PRESSURE_UNKNOWN, .offline = true },
	{ .what = "a sender that is none comes first", .stage = STAGE_MAIL,
	    ANYBODY, .from = "<a..b@foreign.test>",
	    .pressure = PRESSURE_HIGH, .rule = "sender_syntax",
	    .line = "501 5.1.7 Invalid address" BY("sender_syntax") },
	{ .what = "low resources come before the rate", MAIL, ANYBODY,
	    .pressure = PRESSURE_HIGH, .rate_exceeded = true, TOO_LOW },

	/* message_rate_limit */
	{ .what = "too many messages a minute", MAIL, ANYBODY,
	    .rate_exceeded = true, TOO_FAST },
	{ .what = "also of a server", MAIL, SERVERS, SRV(BASIC),
	    .rate_exceeded = true, TOO_FAST },
	{ .what = "without live state nothing is too fast", MAIL, ANYBODY,
	    .rate_exceeded = true, .offline = true },
	{ .what = "the rate comes before whose address it is",
	    .stage = STAGE_MAIL, USERS, JOE(BASIC),
	    .from = "<jim@example.com>", .rate_exceeded = true, TOO_FAST },

	/* max_message_size, as declared */
	{ .what = "declared: nothing", MAIL, ANYBODY, SMALL },
	{ .what = "declared: nothing at all", MAIL, ANYBODY, SMALL,
	    .counted = "declared_size=0" },
	{ .what = "declared: as large as may be", MAIL, ANYBODY, SMALL,
	    .counted = "declared_size=65536" },
	{ .what = "declared: one byte too large", MAIL, ANYBODY, SMALL,
	    .counted = "declared_size=65537", TOO_LARGE },
	{ .what = "declared: the largest by default", MAIL, ANYBODY,
	    .counted = "declared_size=37748736" },
	{ .what = "declared: one byte more", MAIL, ANYBODY,
	    .counted = "declared_size=37748737", TOO_LARGE },
	{ .what = "declared: more than there are bytes", MAIL, ANYBODY,
	    .counted = "declared_size=9223372036854775807", TOO_LARGE },
	{ .what = "declared: too large, also without live state", MAIL,
	    ANYBODY, SMALL, .counted = "declared_size=65537",
	    .offline = true, TOO_LARGE },
	{ .what = "declared: too large, with the right", MAIL, ANY_SIZE,
	    SMALL, .counted = "declared_size=9223372036854775807" },
	{ .what = "declared: too large, externally secured", MAIL, SECURED,
	    SMALL, .counted = "declared_size=65537" },
	{ .what = "declared: too large, a server without the right", MAIL,
	    SERVERS, SRV(BASIC), SMALL,
	    .allow = "bypass_message_size_limit=-servers",
	    .counted = "declared_size=65537", TOO_LARGE },
	{ .what = "declared: too large, right not known now", MAIL,
	    MAYBE_ANY_SIZE, SMALL, .counted = "declared_size=65537",
	    SIZE_UNKNOWN },
	{ .what = "declared: small enough, right not known now", MAIL,
	    MAYBE_ANY_SIZE, SMALL, .counted = "declared_size=65536" },
	{ .what = "declared: whose address it is comes first",
	    .stage = STAGE_MAIL, USERS, JOE(BASIC),
	    .from = "<jim@foreign.test>", SMALL,
	    .counted = "declared_size=65537", NOT_AS_THIS("any_sender") },

	/* connection_timeout and max_protocol_errors, at RCPT */
	{ .what = "RCPT: nothing to say", RCPT },
	{ .what = "RCPT: a moment before the session is too old", RCPT,
	    .counted = "age=599999" },
	{ .what = "RCPT: the session is too old", RCPT,
	    .counted = "age=600000", TOO_OLD },
	{ .what = "RCPT: a moment before the client was silent for too long",
	    RCPT, .counted = "age=400000 silence=299999" },
	{ .what = "RCPT: the client was silent for too long", RCPT,
	    .counted = "age=400000 silence=300000", TOO_OLD },
	{ .what = "RCPT: as many errors as there may be", RCPT,
	    .counted = "protocol_errors=5" },
	{ .what = "RCPT: one error more", RCPT,
	    .counted = "protocol_errors=6", TOO_MANY_ERRORS },
	{ .what = "RCPT: an old session comes before its errors", RCPT,
	    .counted = "age=600000 protocol_errors=6", TOO_OLD },
	{ .what = "RCPT: the errors come before a bad address",
	    .stage = STAGE_RCPT, ANYBODY, .from = "<a@foreign.test>",
	    .to = "<a..b@example.com>", .counted = "protocol_errors=6",
	    TOO_MANY_ERRORS },
	{ .what = "RCPT: without live state neither is asked", RCPT,
	    .counted = "age=600000 silence=600000 protocol_errors=6",
	    .offline = true },

	/* max_message_size, as it came */
	{ .what = "a message as large as may be", EOM, ANYBODY, SMALL,
	    .counted = "message_bytes=65536" },
	{ .what = "a message one byte too large", EOM, ANYBODY, SMALL,
	    .counted = "message_bytes=65537", TOO_LARGE },
	{ .what = "the largest message by default", EOM, ANYBODY,
	    .counted = "message_bytes=37748736" },
	{ .what = "one byte more", EOM, ANYBODY,
	    .counted = "message_bytes=37748737", TOO_LARGE },
	{ .what = "too large, whatever was declared", EOM, ANYBODY, SMALL,
	    .counted = "declared_size=1000 message_bytes=65537", TOO_LARGE },
	{ .what = "too large, with the right", EOM, ANY_SIZE, SMALL,
	    .counted = "message_bytes=65537" },
	{ .what = "too large, externally secured", EOM, SECURED, SMALL,
	    .counted = "message_bytes=65537" },
	{ .what = "too large, right not known now", EOM, MAYBE_ANY_SIZE,
	    SMALL, .counted = "message_bytes=65537", SIZE_UNKNOWN },
	{ .what = "small enough, right not known now", EOM, MAYBE_ANY_SIZE,
	    SMALL, .counted = "message_bytes=65536" },
	{ .what = "nothing was sent: not asked", EOM, ANYBODY, SMALL,
	    .counted = "message_bytes=65537 hops=61 local_hops=6",
	    .offline = true },
	{ .what = "the authors come before the size", EOM, USERS, JOE(BASIC),
	    .authors = "jim@foreign.test", .check_from = HEADER_CHECK_YES,
	    SMALL, .counted = "message_bytes=65537",
	    NOT_AS_THIS("any_sender") },
	{ .what = "the message comes before its header", EOM, ANYBODY, SMALL,
	    .counted = "message_bytes=65537 header_bytes=262145",
	    TOO_LARGE },

	/* max_header_size */
	{ .what = "a header as large as may be", EOM, ANYBODY,
	    .counted = "header_bytes=262144" },
	{ .what = "a header one byte too large", EOM, ANYBODY,
	    .counted = "header_bytes=262145", HEADER_TOO_LARGE },
	{ .what = "a header of one byte, and there is none", EOM, ANYBODY,
	    .limits = "max_header_size=1" },
	{ .what = "a header of one byte, and there are two", EOM, ANYBODY,
	    .limits = "max_header_size=1", .counted = "header_bytes=2",
	    HEADER_TOO_LARGE },
	{ .what = "no right makes a header any larger", EOM, SECURED,
	    .counted = "header_bytes=262145", HEADER_TOO_LARGE },
	{ .what = "what cannot be kept is too large", EOM, ANYBODY,
	    .overfull = true, HEADER_TOO_LARGE },
	{ .what = "also where nothing but the header was told", EOM, ANYBODY,
	    .overfull = true, .offline = true, HEADER_TOO_LARGE },
	{ .what = "the header comes before its hops", EOM, ANYBODY,
	    .counted = "header_bytes=262145 hops=61", HEADER_TOO_LARGE },

	/* max_hop_count */
	{ .what = "as many hops as there may be", EOM, ANYBODY,
	    .counted = "hops=60" },
	{ .what = "one hop too many", EOM, ANYBODY, .counted = "hops=61",
	    LOOP("max_hop_count") },
	{ .what = "one hop, where one may be", EOM, ANYBODY,
	    .limits = "max_hop_count=1", .counted = "hops=1" },
	{ .what = "two hops, where one may be", EOM, ANYBODY,
	    .limits = "max_hop_count=1", .counted = "hops=2",
	    LOOP("max_hop_count") },
	{ .what = "no right is above loops", EOM, SECURED,
	    .counted = "hops=61", LOOP("max_hop_count") },
	{ .what = "all hops come before our own", EOM, ANYBODY,
	    .counted = "hops=61 local_hops=6", LOOP("max_hop_count") },

	/* max_local_hop_count */
	{ .what = "as many hops of ours as there may be", EOM, ANYBODY,
	    .counted = "hops=5 local_hops=5" },
	{ .what = "one hop of ours too many", EOM, ANYBODY,
	    .counted = "hops=6 local_hops=6", LOOP("max_local_hop_count") },
	{ .what = "0 is any number of hops of ours", EOM, ANYBODY,
	    .limits = "max_local_hop_count=0",
	    .counted = "hops=60 local_hops=60" },
	{ .what = "one hop of ours, where one may be", EOM, ANYBODY,
	    .limits = "max_local_hop_count=1",
	    .counted = "hops=1 local_hops=1" },
	{ .what = "two hops of ours, where one may be", EOM, ANYBODY,
	    .limits = "max_local_hop_count=1",
	    .counted = "hops=2 local_hops=2",
	    LOOP("max_local_hop_count") },
};
/* clang-format on */

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		check_case(&cases[i]);
		check_case_2010(&cases[i]);
	}
	for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
		check_coverage((enum stage)stage, true);
	return done();
}
