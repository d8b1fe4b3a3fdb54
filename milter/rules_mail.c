/*
 * rules_mail.c - the questions of the stage mail, but for who the sender is.
 */
#include "rules_parts.h"

bool
rule_asks_tls(const struct judged *judged)
{
	return judged->connector->require_tls;
}

enum answer
rule_tls(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum tls_version tls = judged->facts->tls;
	const enum tls_version least = judged->connector->tls_min_version;

	if (tls == TLS_OFF || least == TLS_OFF)
		return rule_answer(tls != TLS_OFF);
	if (tls == TLS_OTHER)
		return ANSWER_UNKNOWN;
	return rule_answer(tls >= least);
}

/* Servers of ours may log in by every mechanism. */
static bool
is_offered_all(const struct judged *judged)
{
	const struct connector *connector = judged->connector;

	return (connector->auth_mechanism & AUTH_EXCHANGE_SERVER) &&
	    identity_login_is_server(connector, judged->facts);
}

/* Basic authentication sends the password; some connectors want it hidden. */
static enum answer
basic_offered(const struct judged *judged, enum reply_id *reply)
{
	const unsigned offered = judged->connector->auth_mechanism;

	if (!(offered & AUTH_BASIC) && !is_offered_all(judged))
		return ANSWER_NO;
	if ((offered & AUTH_BASIC_REQUIRE_TLS) &&
	    judged->facts->tls == TLS_OFF) {
		*reply = REPLY_MECHANISM_NEEDS_TLS;
		return ANSWER_NO;
	}
	return ANSWER_YES;
}

enum answer
rule_mechanism(const struct judged *judged, enum reply_id *reply)
{
	const bool integrated =
	    (judged->connector->auth_mechanism & AUTH_INTEGRATED) != 0;

	switch (judged->facts->mechanism) {
	case MECHANISM_NONE:
		return ANSWER_YES;
	case MECHANISM_BASIC:
		return basic_offered(judged, reply);
	case MECHANISM_INTEGRATED:
		return rule_answer(integrated || is_offered_all(judged));
	case MECHANISM_XCLIENT:
		return integrated ? ANSWER_YES : basic_offered(judged, reply);
	case MECHANISM_OTHER:
		break;
	}
	return rule_answer(is_offered_all(judged));
}

enum answer
rule_submit(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rights_have(judged->rights, RIGHT_SUBMIT);
}

enum answer
rule_sender_syntax(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum mailbox_kind kind = judged->facts->sender->kind;

	return rule_answer(judged->facts->mail_parameters_valid &&
	    kind != MAILBOX_INVALID && kind != MAILBOX_BARE);
}
