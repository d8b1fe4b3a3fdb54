/*
 * session_protocol.c - what the protocol log says of a session.
 */
#include "session_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Enough for what the encoder shows of it, and to tell that there was more. */
#define DATA_MAX (2 * TEXT_FIELD_MAX)

/* Names of connectors have at most 64 bytes. */
#define CONNECTOR_MAX 65

/* No command of SMTP is longer. */
#define VERB_MAX 12

/* Of a session whose connector writes a protocol. */
struct protocol {
	uint64_t id;
	unsigned sequence;
	char connector[CONNECTOR_MAX];
	bool closing;    /* a 421 went out: it is we who hang up */
	bool identified; /* rights and login below were written */
	struct rights rights;
	char login[SHOWN_MAX]; /* "": none */
};

/* As Exchange's Set Session Permissions names the rights. */
/* clang-format off */
static const char *const permissions[RIGHT_COUNT] = {
	[RIGHT_SUBMIT] = "SMTPSubmit",
	[RIGHT_ACCEPT_ANY_RECIPIENT] = "SMTPAcceptAnyRecipient",
	[RIGHT_ACCEPT_ANY_SENDER] = "SMTPAcceptAnySender",
	[RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER] =
	    "SMTPAcceptAuthoritativeDomainSender",
	[RIGHT_ACCEPT_AUTHENTICATION_FLAG] = "SMTPAcceptAuthenticationFlag",
	[RIGHT_BYPASS_ANTI_SPAM] = "BypassAntiSpam",
	[RIGHT_BYPASS_MESSAGE_SIZE_LIMIT] = "BypassMessageSizeLimit",
	[RIGHT_ACCEPT_HEADERS_ROUTING] = "AcceptRoutingHeaders",
	[RIGHT_ACCEPT_HEADERS_ORGANIZATION] = "AcceptOrganizationHeaders",
	[RIGHT_ACCEPT_HEADERS_FOREST] = "AcceptForestHeaders",
};
/* clang-format on */

static void
put(struct session *session, enum protocol_event event, const char *data,
    const char *context)
{
	struct protocol *protocol = session->protocol;
	struct protocol_record record = {
		.connector = protocol->connector,
		.session = protocol->id,
		.sequence = protocol->sequence++,
		.local = session->facts.listener,
		.remote = { session->facts.client, session->client_port },
		.event = event,
		.data = data,
		.context = context,
	};

	clock_gettime(CLOCK_REALTIME, &record.time);
	protolog_put(session->server->live->protolog, &record);
}

void
session_protocol_end(struct session *session)
{
	if (session->protocol == NULL)
		return;
	put(session, PROTOCOL_DISCONNECT, NULL,
	    session->protocol->closing ? "Local" : "Remote");
	free(session->protocol);
	session->protocol = NULL;
}

/* Without memory there is no protocol; whether it is required is not asked. */
static void
begin(struct session *session)
{
	session->protocol = calloc(1, sizeof(*session->protocol));
	if (session->protocol != NULL)
		session->protocol->id =
		    protolog_session_id(session->server->live->protolog);
}

void
session_protocol_select(struct session *session, const struct judged *judged)
{
	const struct live *live = session->server->live;
	const struct connector *connector = judged->connector;
	bool is_new;

	if (live == NULL)
		return;
	if (connector == NULL ||
	    connector->protocol_logging_level == LOGGING_NONE ||
	    !protolog_is_on(live->protolog)) {
		session_protocol_end(session);
		return;
	}
	is_new = session->protocol == NULL;
	if (is_new)
		begin(session);
	if (session->protocol == NULL)
		return;
	snprintf(session->protocol->connector,
	    sizeof(session->protocol->connector), "%s", connector->name);
	if (is_new)
		put(session, PROTOCOL_CONNECT, NULL, NULL);
}

static void
put_login(struct session *session)
{
	struct protocol *protocol = session->protocol;
	const char *login = session->facts.login;
	char shown[SHOWN_MAX];

	session_shown(shown, login != NULL ? login : "");
	if (strcmp(protocol->login, shown) == 0)
		return;
	memcpy(protocol->login, shown, sizeof(shown));
	if (login != NULL)
		put(session, PROTOCOL_INFORMATION, shown, "authenticated");
}

void
session_protocol_identify(struct session *session, const struct judged *judged)
{
	struct protocol *protocol = session->protocol;
	char data[DATA_MAX];
	struct text text;

	if (protocol == NULL)
		return;
	put_login(session);
	if (protocol->identified &&
	    protocol->rights.held == judged->rights.held)
		return;
	protocol->identified = true;
	protocol->rights = judged->rights;
	text_init(&text, data, sizeof(data));
	for (enum right right = 0; right < RIGHT_COUNT; right++)
		if (rights_have(judged->rights, right) == ANSWER_YES)
			text_printf(&text, "%s%s", text.len > 0 ? " " : "",
			    permissions[right]);
	put(session, PROTOCOL_INFORMATION, data, "Set Session Permissions");
}

void
session_protocol_received(struct session *session, const char *verb,
    const char *text, const char *const *parameters)
{
	char data[DATA_MAX];
	struct text out;

	if (session->protocol == NULL)
		return;
	text_init(&out, data, sizeof(data));
	text_printf(&out, "%s%.*s", verb, SHOWN_MAX, text);
	for (; parameters != NULL && *parameters != NULL; parameters++)
		text_printf(&out, " %.*s", SHOWN_MAX, *parameters);
	put(session, PROTOCOL_RECEIVED, data, NULL);
}

/* Letters, all of one case: what nobody would choose as a password. */
static size_t
verb_length(const char *command)
{
	const size_t upper = strspn(command, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const size_t lower = strspn(command, "abcdefghijklmnopqrstuvwxyz");
	const size_t len = upper > lower ? upper : lower;

	return len <= VERB_MAX &&
		(command[len] == '\0' || text_is_white(command[len]))
	    ? len
	    : 0;
}

/* It may be the rest of a login that the MTA had refused to begin. */
void
session_protocol_unknown(struct session *session, const char *command)
{
	const size_t len = verb_length(command);
	char verb[VERB_MAX + 1] = "***";

	if (len > 0)
		snprintf(verb, sizeof(verb), "%.*s", (int)len, command);
	session_protocol_received(session, verb, "", NULL);
}

void
session_protocol_tarpit(
    struct session *session, long long seconds, const struct reply *reply)
{
	char line[REPLY_LINE_MAX];
	char data[DATA_MAX];
	struct text text;

	if (session->protocol == NULL)
		return;
	text_init(&text, data, sizeof(data));
	text_printf(&text, "Tarpit for '0.00:00:%02lld'", seconds);
	put(session, PROTOCOL_INFORMATION, data, reply_line(line, reply));
}

void
session_protocol_sent(struct session *session, const struct reply *reply)
{
	char line[REPLY_LINE_MAX];

	if (session->protocol == NULL)
		return;
	if (strcmp(reply->code, "421") == 0)
		session->protocol->closing = true;
	put(session, PROTOCOL_SENT, reply_line(line, reply), NULL);
}

void
session_protocol_message(struct session *session)
{
	const struct transaction *transaction = session->transaction;
	char data[DATA_MAX];
	struct text text;

	if (session->protocol == NULL)
		return;
	text_init(&text, data, sizeof(data));
	text_printf(&text, "%s;%lld;%u", transaction->queue_id,
	    session->facts.message_bytes, transaction->recipients);
	put(session, PROTOCOL_INFORMATION, data, "receiving message");
}
