/*
 * rules.c - the rules: one question each, in one table, in order.
 */
#include "rules_parts.h"

#include <assert.h>

/* clang-format off */
/* What every command is asked about its session. */
#define SESSION_ROWS(at) \
	{ .name = "connection_timeout", .stage = STAGE_##at, \
	    .reply = REPLY_TIMED_OUT, \
	    .asks = rule_asks_live_state, .holds = rule_age, \
	    .settings = { "connection_timeout", \
		"connection_inactivity_timeout" }, \
	    .help = "the session is older than connection_timeout, or the " \
	    "client was silent for longer than connection_inactivity_timeout " \
	    "since its last command" }, \
	{ .name = "max_protocol_errors", .stage = STAGE_##at, \
	    .reply = REPLY_TOO_MANY_ERRORS, \
	    .asks = rule_asks_live_state, .holds = rule_protocol_errors, \
	    .settings = { "max_protocol_errors" }, \
	    .help = "the session had more unknown commands and refusals with " \
	    "501 than it may have" }

const struct rule rules[] = {
	{ .name = "admission", .stage = STAGE_CONNECT,
	    .reply = REPLY_AT_CONNECT, .other_reply = REPLY_STOPPING,
	    .asks = rule_asks_live_state, .holds = rule_admission,
	    .help = "more than max_sessions sessions are open, the system has "
	    "no more threads, descriptors or memory, or the milter is "
	    "draining; at MAIL, where it is stopping" },
	{ .name = "client_address", .stage = STAGE_CONNECT,
	    .reply = REPLY_AT_CONNECT,
	    .holds = rule_client_address,
	    .help = "the MTA gave no IP address of the client" },
	{ .name = "listener", .stage = STAGE_CONNECT,
	    .reply = REPLY_LISTENER,
	    .holds = rule_listener,
	    .help = "the MTA did not tell where the client connected" },
	{ .name = "no_connector", .stage = STAGE_CONNECT,
	    .reply = REPLY_NO_CONNECTOR,
	    .holds = rule_connector,
	    .help = "no connector serves this client here" },
	{ .name = "max_inbound_connection", .stage = STAGE_CONNECT,
	    .reply = REPLY_CONNECTOR_FULL,
	    .asks = rule_asks_live_state, .holds = rule_connector_slot,
	    .settings = { "max_inbound_connection" },
	    .help = "the connector has as many sessions as it may have" },
	{ .name = "max_inbound_connection_per_source", .stage = STAGE_CONNECT,
	    .reply = REPLY_SOURCE_FULL,
	    .asks = rule_asks_live_state, .holds = rule_source_slot,
	    .settings = { "max_inbound_connection_per_source",
		"max_inbound_connection_percentage_per_source" },
	    .help = "the client's address has as many sessions on the "
	    "connector as one source may have, or its per cent of those that "
	    "are left" },

	SESSION_ROWS(HELO),
	{ .name = "require_ehlo_domain", .stage = STAGE_HELO,
	    .reply = REPLY_EHLO_DOMAIN,
	    .asks = rule_asks_ehlo_domain, .holds = rule_ehlo_domain,
	    .settings = { "require_ehlo_domain" },
	    .help = "the client gave no name at HELO or EHLO" },
	{ .name = "helo_syntax", .stage = STAGE_HELO,
	    .reply = REPLY_HELO_SYNTAX,
	    .asks = rule_asks_helo_syntax, .holds = rule_helo_syntax,
	    .settings = { "helo_syntax" },
	    .help = "the name given at HELO or EHLO is malformed" },

	SESSION_ROWS(MAIL),
	{ .name = "require_tls", .stage = STAGE_MAIL,
	    .reply = REPLY_REQUIRE_TLS,
	    .asks = rule_asks_tls, .holds = rule_tls,
	    .settings = { "require_tls", "tls_min_version" },
	    .help = "the session is not encrypted, or by a version older than "
	    "tls_min_version" },
	{ .name = "auth_mechanism", .stage = STAGE_MAIL,
	    .reply = REPLY_MECHANISM,
	    .other_reply = REPLY_MECHANISM_NEEDS_TLS,
	    .holds = rule_mechanism,
	    .settings = { "auth_mechanism", "server_identities" },
	    .help = "the client logged in by a mechanism that is not offered "
	    "here, or by basic authentication without TLS where "
	    "basic_auth_require_tls is set; exchange_server offers every "
	    "mechanism to the logins in server_identities" },
	{ .name = "submit", .stage = STAGE_MAIL,
	    .reply = REPLY_SUBMIT,
	    .holds = rule_submit,
	    .settings = { "permission_groups", "submit" },
	    .help = "the identity of the session lacks the right submit" },
	{ .name = "sender_syntax", .stage = STAGE_MAIL,
	    .reply = REPLY_SENDER_SYNTAX,
	    .holds = rule_sender_syntax,
	    .help = "the sender is no address, or a parameter is malformed" },
	{ .name = "back_pressure", .stage = STAGE_MAIL,
	    .reply = REPLY_PRESSURE,
	    .asks = rule_asks_live_state, .holds = rule_pressure,
	    .help = "the machine is low on disk, memory or the like: at the "
	    "level medium for all but our own servers, at high for all; a "
	    "protocol log that is required and cannot be written counts as "
	    "high" },
	{ .name = "message_rate_limit", .stage = STAGE_MAIL,
	    .reply = REPLY_RATE,
	    .asks = rule_asks_live_state, .holds = rule_rate,
	    .settings = { "message_rate_limit", "message_rate_source" },
	    .help = "the source sends more messages a minute than it may" },
	{ .name = "authoritative_domain_sender", .stage = STAGE_MAIL,
	    .reply = REPLY_SENDER_PERMISSION,
	    .holds = rule_own_sender,
	    .settings = { "accept_authoritative_domain_sender",
		"permission_groups", "address_literals" },
	    .help = "the sender is in one of our own domains and the session "
	    "lacks the right accept_authoritative_domain_sender; an address "
	    "that the login owns needs none" },
	{ .name = "any_sender", .stage = STAGE_MAIL,
	    .reply = REPLY_SENDER_PERMISSION,
	    .holds = rule_any_sender,
	    .settings = { "accept_any_sender", "permission_groups",
		"allowed_senders" },
	    .help = "the session lacks the right accept_any_sender and the "
	    "sender is, for a user or a server logged in, not an address that "
	    "the login owns; for a partner, not in its certificate's domain; "
	    "for everybody else, an own or a directory address; or the "
	    "session is anonymous and the sender not one of allowed_senders, "
	    "whatever its rights; the null sender passes" },
	{ .name = "max_message_size", .stage = STAGE_MAIL,
	    .reply = REPLY_MESSAGE_SIZE,
	    .asks = rule_asks_declared_size, .holds = rule_declared_size,
	    .settings = { "max_message_size", "bypass_message_size_limit",
		"permission_groups" },
	    .help = "the client declares a message that is too large; skipped "
	    "with the right bypass_message_size_limit" },

	SESSION_ROWS(RCPT),
	{ .name = "recipient_syntax", .stage = STAGE_RCPT,
	    .reply = REPLY_RECIPIENT_SYNTAX,
	    .holds = rule_recipient_syntax,
	    .help = "the recipient is no address, or a parameter is "
	    "malformed" },
	{ .name = "reserved_domain", .stage = STAGE_RCPT,
	    .reply = REPLY_RESERVED_TOP_LEVEL,
	    .other_reply = REPLY_RESERVED_SECOND_LEVEL,
	    .asks = rule_asks_reserved, .holds = rule_reserved,
	    .settings = { "reject_reserved_top_level_recipient_domains",
		"reject_reserved_second_level_recipient_domains" },
	    .help = "the recipient's domain is one that RFC 2606 reserves, or "
	    "lies below it" },
	{ .name = "single_label_domain", .stage = STAGE_RCPT,
	    .reply = REPLY_SINGLE_LABEL,
	    .asks = rule_asks_single_label, .holds = rule_single_label,
	    .settings = { "reject_single_label_recipient_domains" },
	    .help = "the recipient's domain has no dot" },
	{ .name = "relay", .stage = STAGE_RCPT,
	    .reply = REPLY_RELAY,
	    .holds = rule_relay,
	    .settings = { "accept_any_recipient", "permission_groups",
		"relay_to", "relay_from", "address_literals" },
	    .help = "the recipient's domain is not accepted, or its address is "
	    "a routed form, and the session lacks the right "
	    "accept_any_recipient" },
	{ .name = "recipient_lookup", .stage = STAGE_RCPT,
	    .reply = REPLY_USER_UNKNOWN,
	    .asks = rule_asks_lookup, .holds = rule_lookup,
	    .settings = { "recipient_filter", "bypass_anti_spam",
		"permission_groups" },
	    .help = "the recipient's domain is looked up and the directory "
	    "does not know the recipient; skipped with the right "
	    "bypass_anti_spam; postmaster is always known" },
	{ .name = "internal_only", .stage = STAGE_RCPT,
	    .reply = REPLY_INTERNAL_ONLY, .other_reply = REPLY_USER_UNKNOWN,
	    .holds = rule_internal_only,
	    .settings = { "internal_only_reply" },
	    .help = "the recipient takes mail from internal senders only and "
	    "the session is none: no user, not externally secured and no "
	    "server, or one that said AUTH=<>" },
	{ .name = "max_recipients_per_message", .stage = STAGE_RCPT,
	    .reply = REPLY_TOO_MANY_RECIPIENTS,
	    .holds = rule_recipient_count,
	    .settings = { "max_recipients_per_message" },
	    .help = "the message has as many accepted recipients as it may "
	    "have" },

	{ .name = "authoritative_domain_sender", .stage = STAGE_EOM,
	    .reply = REPLY_SENDER_PERMISSION,
	    .asks = rule_asks_authors, .holds = rule_own_authors,
	    .noted = rule_notes_authors,
	    .settings = { "check_header_from", "header_from_exempt",
		"accept_authoritative_domain_sender", "permission_groups",
		"address_literals" },
	    .help = "an address in the header From is in one of our own "
	    "domains, by the same reading as the sender's; only noted under "
	    "check_header_from = monitor" },
	{ .name = "any_sender", .stage = STAGE_EOM,
	    .reply = REPLY_SENDER_PERMISSION,
	    .asks = rule_asks_authors, .holds = rule_any_authors,
	    .noted = rule_notes_authors,
	    .settings = { "check_header_from", "header_from_exempt",
		"accept_any_sender", "permission_groups", "allowed_senders" },
	    .help = "an address in the header From is not the session's to "
	    "use, by the same reading as the sender's; only noted under "
	    "check_header_from = monitor" },
	{ .name = "max_message_size", .stage = STAGE_EOM,
	    .reply = REPLY_MESSAGE_SIZE,
	    .asks = rule_asks_message_size, .holds = rule_message_size,
	    .settings = { "max_message_size", "bypass_message_size_limit",
		"permission_groups" },
	    .help = "the message is too large, header and body counted as "
	    "they came; skipped with the right bypass_message_size_limit" },
	{ .name = "max_header_size", .stage = STAGE_EOM,
	    .reply = REPLY_HEADER_SIZE,
	    .holds = rule_header_size,
	    .settings = { "max_header_size" },
	    .help = "the header is too large, or it has more forbidden fields "
	    "than 1,000, or in its From fields more than 16 KB or 256 signs of "
	    "addresses, or there are more than 16 of them" },
	{ .name = "max_hop_count", .stage = STAGE_EOM,
	    .reply = REPLY_HOPS,
	    .asks = rule_asks_message, .holds = rule_hops,
	    .settings = { "max_hop_count" },
	    .help = "the header has more Received fields than it may have" },
	{ .name = "max_local_hop_count", .stage = STAGE_EOM,
	    .reply = REPLY_HOPS,
	    .asks = rule_asks_message, .holds = rule_local_hops,
	    .settings = { "max_local_hop_count", "fqdn" },
	    .help = "more of the Received fields than may be were made by "
	    "this server: by the name the MTA calls itself, fqdn, or an "
	    "address of own_hosts" },
};
/* clang-format on */

const size_t rule_count = nitems(rules);
static_assert(nitems(rules) <= RULES_MAX, "a decision has room for every rule");

const struct rule *
rules_of_stage(enum stage stage)
{
	size_t low = 0, high = rule_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (rules[middle].stage < stage)
			low = middle + 1;
		else
			high = middle;
	}
	return &rules[low];
}
