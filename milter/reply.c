/*
 * reply.c - the catalogue of replies, and the line a client gets.
 */
#include "reply.h"

#include <assert.h>
#include <string.h>

#include "text.h"

struct row {
	const char *code;
	const char *dsn;
	const char *text;
	/* Exchange 2010, where it differs. */
	const char *dsn_2010;
	const char *text_2010;
	/* The MTA says it in its own words; nothing can be added. */
	bool bare;
	/* The rule that the suffix names whichever refused, or NULL. */
	const char *rule;
};

/* clang-format off */
static const struct row rows[REPLY_COUNT] = {
	[REPLY_NONE] = { .code = "", .dsn = "", .text = "" },
	[REPLY_UNDECIDED] = { .code = "451", .dsn = "4.3.0",
	    .text = "Cannot decide now, please try again later" },
	[REPLY_AT_CONNECT] = { .code = "451", .dsn = "4.7.1",
	    .text = "Service unavailable - try again later", .bare = true },
	[REPLY_STOPPING] = { .code = "421", .dsn = "4.3.2",
	    .text = "Service not available" },
	[REPLY_LISTENER] = { .code = "451", .dsn = "4.3.5",
	    .text = "Server configuration problem" },
	[REPLY_NO_CONNECTOR] = { .code = "421", .dsn = "4.3.2",
	    .text = "Service not available" },
	[REPLY_CONNECTOR_FULL] = { .code = "421", .dsn = "4.3.2",
	    .text = "The maximum number of concurrent server connections has "
		"exceeded a limit, closing transmission channel" },
	[REPLY_SOURCE_FULL] = { .code = "421", .dsn = "4.3.2",
	    .text = "The maximum number of concurrent server connections has "
		"exceeded a per-source limit, closing transmission channel" },
	[REPLY_TIMED_OUT] = { .code = "421", .dsn = "4.4.1",
	    .text = "Connection timed out" },
	[REPLY_TOO_MANY_ERRORS] = { .code = "421", .dsn = "4.7.0",
	    .text = "Too many errors on this connection, closing transmission "
		"channel" },
	[REPLY_EHLO_DOMAIN] = { .code = "501", .dsn = "5.0.0",
	    .text = "HELO / EHLO requires domain address" },
	[REPLY_HELO_SYNTAX] = { .code = "501", .dsn = "5.5.4",
	    .text = "Invalid domain name" },
	[REPLY_REQUIRE_TLS] = { .code = "530", .dsn = "5.7.0",
	    .text = "Must issue a STARTTLS command first" },
	[REPLY_MECHANISM] = { .code = "530", .dsn = "5.7.0",
	    .text = "Authentication mechanism not offered here" },
	[REPLY_MECHANISM_NEEDS_TLS] = { .code = "538", .dsn = "5.7.11",
	    .text = "Encryption required for requested authentication "
		"mechanism" },
	[REPLY_SUBMIT] = { .code = "530", .dsn = "5.7.57",
	    .text = "SMTP; Client was not authenticated to send anonymous mail "
		"during MAIL FROM",
	    .dsn_2010 = "5.7.1",
	    .text_2010 = "Client was not authenticated" },
	[REPLY_SENDER_SYNTAX] = { .code = "501", .dsn = "5.1.7",
	    .text = "Invalid address" },
	[REPLY_PRESSURE] = { .code = "452", .dsn = "4.3.1",
	    .text = "Insufficient system resources" },
	[REPLY_RATE] = { .code = "421", .dsn = "4.4.2",
	    .text = "Message submission rate for this client has exceeded the "
		"configured limit" },
	[REPLY_SENDER_PERMISSION] = { .code = "550", .dsn = "5.7.60",
	    .text = "SMTP; Client does not have permissions to send as this "
		"sender",
	    .dsn_2010 = "5.7.1",
	    .text_2010 = "Client does not have permissions to send as this "
		"sender" },
	[REPLY_MESSAGE_SIZE] = { .code = "552", .dsn = "5.3.4",
	    .text = "Message size exceeds fixed maximum message size" },
	[REPLY_RECIPIENT_SYNTAX] = { .code = "501", .dsn = "5.1.3",
	    .text = "Invalid address" },
	[REPLY_RESERVED_TOP_LEVEL] = { .code = "550", .dsn = "5.1.4",
	    .text = "Recipient address reserved by RFC 2606" },
	[REPLY_RESERVED_SECOND_LEVEL] = { .code = "550", .dsn = "5.1.5",
	    .text = "Recipient address reserved by RFC 2606" },
	[REPLY_SINGLE_LABEL] = { .code = "550", .dsn = "5.1.6",
	    .text = "Recipient addresses in single label domains not "
		"accepted" },
	[REPLY_RELAY] = { .code = "550", .dsn = "5.7.54",
	    .text = "SMTP; Unable to relay recipient in non-accepted domain",
	    .dsn_2010 = "5.7.1",
	    .text_2010 = "Unable to relay" },
	[REPLY_USER_UNKNOWN] = { .code = "550", .dsn = "5.1.1",
	    .text = "User unknown", .rule = "recipient_lookup" },
	[REPLY_INTERNAL_ONLY] = { .code = "550", .dsn = "5.7.1",
	    .text = "RESOLVER.RST.AuthRequired; authentication required" },
	[REPLY_TOO_MANY_RECIPIENTS] = { .code = "452", .dsn = "4.5.3",
	    .text = "Too many recipients" },
	[REPLY_HEADER_SIZE] = { .code = "552", .dsn = "5.3.4",
	    .text = "Header size exceeds fixed maximum size" },
	[REPLY_HOPS] = { .code = "554", .dsn = "5.4.6",
	    .text = "Hop count exceeded - possible mail loop" },
};
/* clang-format on */

const char *
reply_code(enum reply_id id)
{
	return rows[id].code;
}

const char *
reply_dsn(enum reply_id id, enum reply_style style)
{
	if (style == REPLY_STYLE_2010 && rows[id].dsn_2010 != NULL)
		return rows[id].dsn_2010;
	return rows[id].dsn;
}

const char *
reply_text(enum reply_id id, enum reply_style style)
{
	if (style == REPLY_STYLE_2010 && rows[id].text_2010 != NULL)
		return rows[id].text_2010;
	return rows[id].text;
}

bool
reply_is_temporary(enum reply_id id)
{
	return rows[id].code[0] == '4';
}

bool
reply_closes(enum reply_id id)
{
	return strcmp(rows[id].code, "421") == 0;
}

static void
put_origin(struct text *text, const char *connector, const char *rule)
{
	text_put(text, " [connector ");
	text_put(text, connector != NULL ? connector : "-");
	text_put(text, ", rule ");
	text_put(text, rule);
	text_put(text, "]");
}

void
reply_fill(struct reply *reply, enum reply_id id, enum reply_style style,
    bool identify, const char *connector, const char *rule)
{
	const char *text = reply_text(id, style);
	struct text out;

	if (rows[id].rule != NULL)
		rule = rows[id].rule;
	text_init(&out, reply->code, sizeof(reply->code));
	text_put(&out, rows[id].code);
	text_init(&out, reply->dsn, sizeof(reply->dsn));
	text_put(&out, reply_dsn(id, style));
	text_init(&out, reply->text, sizeof(reply->text));
	text_put(&out, text);
	if (identify && !rows[id].bare)
		put_origin(&out, connector, rule);
	/* Names of connectors and rules are bounded when they are made. */
	assert(!out.overflow); /* GCOV_NEVER */
}

const char *
reply_line(char buf[REPLY_LINE_MAX], const struct reply *reply)
{
	struct text text;

	text_init(&text, buf, REPLY_LINE_MAX);
	text_put(&text, reply->code);
	text_put(&text, " ");
	text_put(&text, reply->dsn);
	text_put(&text, " ");
	text_put(&text, reply->text);
	return buf;
}

void
reply_double_percents(char out[REPLY_DOUBLED_MAX], const struct reply *reply)
{
	for (const char *text = reply->text; *text != '\0'; text++) {
		if (*text == '%')
			*out++ = '%';
		*out++ = *text;
	}
	*out = '\0';
}
