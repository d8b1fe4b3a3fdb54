/*
 * rules_parts.h - what the files of the rules room share: the questions.
 *
 * rules.c has the table; each other file answers for one or two stages. No
 * other room includes this. Pure; any thread.
 */
#ifndef RULES_PARTS_H
#define RULES_PARTS_H

#include "rules.h"

static inline enum answer
rule_answer(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

/* Without live state, as in explain, there is nothing to ask. */
bool rule_asks_live_state(const struct judged *judged);

/* connect */
enum answer rule_admission(const struct judged *judged, enum reply_id *reply);
enum answer rule_client_address(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_listener(const struct judged *judged, enum reply_id *reply);
enum answer rule_connector(const struct judged *judged, enum reply_id *reply);

/* limits, of all stages */
enum answer rule_connector_slot(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_source_slot(const struct judged *judged, enum reply_id *reply);
enum answer rule_age(const struct judged *judged, enum reply_id *reply);
enum answer rule_protocol_errors(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_pressure(const struct judged *judged, enum reply_id *reply);
enum answer rule_rate(const struct judged *judged, enum reply_id *reply);
bool rule_asks_declared_size(const struct judged *judged);
enum answer rule_declared_size(
    const struct judged *judged, enum reply_id *reply);
bool rule_asks_message_size(const struct judged *judged);
enum answer rule_message_size(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_header_size(const struct judged *judged, enum reply_id *reply);
bool rule_asks_message(const struct judged *judged);
enum answer rule_hops(const struct judged *judged, enum reply_id *reply);
enum answer rule_local_hops(const struct judged *judged, enum reply_id *reply);

/* helo */
bool rule_asks_ehlo_domain(const struct judged *judged);
enum answer rule_ehlo_domain(const struct judged *judged, enum reply_id *reply);
bool rule_asks_helo_syntax(const struct judged *judged);
enum answer rule_helo_syntax(const struct judged *judged, enum reply_id *reply);

/* mail */
bool rule_asks_tls(const struct judged *judged);
enum answer rule_tls(const struct judged *judged, enum reply_id *reply);
enum answer rule_mechanism(const struct judged *judged, enum reply_id *reply);
enum answer rule_submit(const struct judged *judged, enum reply_id *reply);
enum answer rule_sender_syntax(
    const struct judged *judged, enum reply_id *reply);

/* senders: of the envelope at mail, of the header at eom */
enum answer rule_own_sender(const struct judged *judged, enum reply_id *reply);
enum answer rule_any_sender(const struct judged *judged, enum reply_id *reply);
bool rule_asks_authors(const struct judged *judged);
bool rule_notes_authors(const struct judged *judged);
enum answer rule_own_authors(const struct judged *judged, enum reply_id *reply);
enum answer rule_any_authors(const struct judged *judged, enum reply_id *reply);

/* rcpt */
enum answer rule_recipient_syntax(
    const struct judged *judged, enum reply_id *reply);
bool rule_asks_reserved(const struct judged *judged);
enum answer rule_reserved(const struct judged *judged, enum reply_id *reply);
bool rule_asks_single_label(const struct judged *judged);
enum answer rule_single_label(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_relay(const struct judged *judged, enum reply_id *reply);
bool rule_asks_lookup(const struct judged *judged);
enum answer rule_lookup(const struct judged *judged, enum reply_id *reply);
enum answer rule_internal_only(
    const struct judged *judged, enum reply_id *reply);
enum answer rule_recipient_count(
    const struct judged *judged, enum reply_id *reply);

#endif
