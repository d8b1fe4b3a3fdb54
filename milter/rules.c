/*
 * rules.c - the rules: one question each, in one table, in order.
 */
#include "rules.h"

#include <assert.h>

#include "text.h"

static enum answer
answer(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

/* Without live state, as in explain, there is nothing to ask. */
static bool
asks_live_state(const struct judged *judged)
{
	return judged->facts->live;
}

static enum answer
admission(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return answer(judged->facts->admitted);
}

static enum answer
client_address(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return answer(judged->facts->client.family != ADDR_NONE);
}

static enum answer
listener(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return answer(judged->facts->listener.addr.family != ADDR_NONE);
}

static enum answer
some_connector(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return answer(judged->connector != NULL);
}

static bool
asks_tls(const struct judged *judged)
{
	return judged->connector->require_tls;
}

static enum answer
encrypted(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum tls_version tls = judged->facts->tls;
	const enum tls_version least = judged->connector->tls_min_version;

	if (tls == TLS_OFF || least == TLS_OFF)
		return answer(tls != TLS_OFF);
	if (tls == TLS_OTHER)
		return ANSWER_UNKNOWN;
	return answer(tls >= least);
}

/* Basic authentication sends the password; some connectors want it hidden. */
static enum answer
basic_offered(const struct judged *judged, enum reply_id *reply)
{
	const unsigned offered = judged->connector->auth_mechanism;

	if (!(offered & AUTH_BASIC))
		return ANSWER_NO;
	if ((offered & AUTH_BASIC_REQUIRE_TLS) &&
	    judged->facts->tls == TLS_OFF) {
		*reply = REPLY_MECHANISM_NEEDS_TLS;
		return ANSWER_NO;
	}
	return ANSWER_YES;
}

static enum answer
mechanism_offered(const struct judged *judged, enum reply_id *reply)
{
	const bool integrated =
	    (judged->connector->auth_mechanism & AUTH_INTEGRATED) != 0;

	switch (judged->facts->mechanism) {
	case MECHANISM_NONE:
		return ANSWER_YES;
	case MECHANISM_BASIC:
		return basic_offered(judged, reply);
	case MECHANISM_INTEGRATED:
		return answer(integrated);
	case MECHANISM_XCLIENT:
		return integrated ? ANSWER_YES : basic_offered(judged, reply);
	case MECHANISM_OTHER:
		break;
	}
	return ANSWER_NO;
}

static enum answer
may_submit(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rights_have(judged->rights, RIGHT_SUBMIT);
}

static enum answer
sender_syntax(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum mailbox_kind kind = judged->facts->sender->kind;

	return answer(judged->facts->mail_parameters_valid &&
	    kind != MAILBOX_INVALID && kind != MAILBOX_BARE);
}

static bool
is_own_sender(const struct judged *judged)
{
	const struct mailbox *sender = judged->facts->sender;

	return sender->kind == MAILBOX_DOMAIN &&
	    organization_owns(&judged->policy->organization, sender->domain);
}

/* A login that is an address may always send as that address. */
static bool
owns_sender(const struct facts *facts)
{
	return facts->login_address != NULL && !facts->sender->routed &&
	    mailbox_equals(facts->sender, facts->login_address);
}

static enum answer
own_sender(const struct judged *judged, enum reply_id *reply UNUSED)
{
	if (!is_own_sender(judged) || owns_sender(judged->facts))
		return ANSWER_YES;
	return rights_have(
	    judged->rights, RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
}

/* RFC 5321 4.5.1: postmaster needs no domain. */
static bool
is_bare_postmaster(const struct mailbox *mailbox)
{
	return mailbox->kind == MAILBOX_BARE &&
	    text_casecmp(mailbox->local, "postmaster") == 0;
}

static enum answer
recipient_syntax(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const struct mailbox *recipient = judged->facts->recipient;

	if (!judged->facts->rcpt_parameters_valid)
		return ANSWER_NO;
	return answer(recipient->kind == MAILBOX_DOMAIN ||
	    recipient->kind == MAILBOX_LITERAL ||
	    is_bare_postmaster(recipient));
}

/* Is the recipient ours by what was typed, with nothing to route it on? */
static bool
recipient_is_accepted(const struct judged *judged)
{
	const struct mailbox *recipient = judged->facts->recipient;

	if (recipient->routed)
		return false;
	if (recipient->kind == MAILBOX_DOMAIN)
		return organization_accepts(
		    &judged->policy->organization, recipient->domain);
	return is_bare_postmaster(recipient);
}

/* relay_to and relay_from narrow what the right gives anonymous sessions. */
static bool
relay_is_narrowed_away(const struct judged *judged)
{
	const struct connector *connector = judged->connector;
	const struct facts *facts = judged->facts;

	if (judged->identity != IDENTITY_ANONYMOUS)
		return false;
	if (connector->relay_to.count > 0 &&
	    !mailbox_patterns_match(&connector->relay_to, facts->recipient))
		return true;
	return connector->relay_from.count > 0 &&
	    !mailbox_patterns_match(&connector->relay_from, facts->sender);
}

static enum answer
relay(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const enum answer right =
	    rights_have(judged->rights, RIGHT_ACCEPT_ANY_RECIPIENT);

	if (recipient_is_accepted(judged))
		return ANSWER_YES;
	if (right == ANSWER_NO || relay_is_narrowed_away(judged))
		return ANSWER_NO;
	if (judged->facts->recipient->routed &&
	    !judged->facts->recipient_resolved)
		return ANSWER_UNKNOWN;
	return right;
}

/* clang-format off */
const struct rule rules[] = {
	{ .name = "admission", .stage = STAGE_CONNECT,
	    .reply = REPLY_AT_CONNECT,
	    .asks = asks_live_state, .holds = admission,
	    .help = "more than max_sessions sessions are open" },
	{ .name = "client_address", .stage = STAGE_CONNECT,
	    .reply = REPLY_AT_CONNECT,
	    .holds = client_address,
	    .help = "the MTA gave no IP address of the client" },
	{ .name = "listener", .stage = STAGE_CONNECT,
	    .reply = REPLY_LISTENER,
	    .holds = listener,
	    .help = "the MTA did not tell where the client connected" },
	{ .name = "no_connector", .stage = STAGE_CONNECT,
	    .reply = REPLY_NO_CONNECTOR,
	    .holds = some_connector,
	    .help = "no connector serves this client here" },

	{ .name = "require_tls", .stage = STAGE_MAIL,
	    .reply = REPLY_REQUIRE_TLS,
	    .asks = asks_tls, .holds = encrypted,
	    .settings = { "require_tls", "tls_min_version" },
	    .help = "the session is not encrypted, or by a version older than "
	    "tls_min_version" },
	{ .name = "auth_mechanism", .stage = STAGE_MAIL,
	    .reply = REPLY_MECHANISM,
	    .other_reply = REPLY_MECHANISM_NEEDS_TLS,
	    .holds = mechanism_offered,
	    .settings = { "auth_mechanism" },
	    .help = "the client logged in by a mechanism that is not offered "
	    "here, or by basic authentication without TLS where "
	    "basic_auth_require_tls is set" },
	{ .name = "submit", .stage = STAGE_MAIL,
	    .reply = REPLY_SUBMIT,
	    .holds = may_submit,
	    .settings = { "permission_groups", "submit" },
	    .help = "the identity of the session lacks the right submit" },
	{ .name = "sender_syntax", .stage = STAGE_MAIL,
	    .reply = REPLY_SENDER_SYNTAX,
	    .holds = sender_syntax,
	    .help = "the sender is no address, or a parameter is malformed" },
	{ .name = "authoritative_domain_sender", .stage = STAGE_MAIL,
	    .reply = REPLY_SENDER_PERMISSION,
	    .holds = own_sender,
	    .settings = { "accept_authoritative_domain_sender",
		"permission_groups" },
	    .help = "the sender is in one of our own domains and the session "
	    "lacks the right accept_authoritative_domain_sender; an address "
	    "that the login owns needs none" },

	{ .name = "recipient_syntax", .stage = STAGE_RCPT,
	    .reply = REPLY_RECIPIENT_SYNTAX,
	    .holds = recipient_syntax,
	    .help = "the recipient is no address, or a parameter is "
	    "malformed" },
	{ .name = "relay", .stage = STAGE_RCPT,
	    .reply = REPLY_RELAY,
	    .holds = relay,
	    .settings = { "accept_any_recipient", "permission_groups",
		"relay_to", "relay_from" },
	    .help = "the recipient's domain is not accepted, or its address is "
	    "a routed form, and the session lacks the right "
	    "accept_any_recipient" },
};
/* clang-format on */

const size_t rule_count = nitems(rules);
static_assert(nitems(rules) <= RULES_MAX, "a decision has room for every rule");
