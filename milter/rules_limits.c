/*
 * rules_limits.c - the questions about how many, how much and how fast, of all
 * stages.
 */
#include "rules_parts.h"

enum answer
rule_connector_slot(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->slot != SLOT_CONNECTOR_FULL);
}

enum answer
rule_source_slot(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->slot == SLOT_HELD);
}

enum answer
rule_age(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const struct connector *connector = judged->connector;
	const struct facts *facts = judged->facts;

	return rule_answer(facts->age / 1000 < connector->connection_timeout &&
	    facts->silence / 1000 < connector->connection_inactivity_timeout);
}

enum answer
rule_protocol_errors(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->protocol_errors <=
	    judged->connector->max_protocol_errors);
}

/* Exchange refuses outsiders first, and its own servers last. */
static bool
is_trusted_server(enum identity identity)
{
	return identity == IDENTITY_SERVER ||
	    identity == IDENTITY_EXTERNALLY_SECURED;
}

enum answer
rule_pressure(const struct judged *judged, enum reply_id *reply UNUSED)
{
	switch (judged->facts->pressure) {
	case PRESSURE_LOW:
		return ANSWER_YES;
	case PRESSURE_MEDIUM:
		return rule_answer(is_trusted_server(judged->identity));
	case PRESSURE_HIGH:
		return ANSWER_NO;
	case PRESSURE_UNKNOWN:
		break;
	}
	return ANSWER_UNKNOWN;
}

enum answer
rule_rate(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(!judged->facts->rate_exceeded);
}

static bool
size_matters(const struct judged *judged)
{
	return rights_have(judged->rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT) !=
	    ANSWER_YES;
}

/* Too large, where the right to be so is unknown, is unknown as well. */
static enum answer
size_fits(const struct judged *judged, long long size)
{
	if (size <= judged->connector->max_message_size)
		return ANSWER_YES;
	return rights_have(judged->rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT);
}

bool
rule_asks_declared_size(const struct judged *judged)
{
	return judged->facts->declared_size >= 0 && size_matters(judged);
}

enum answer
rule_declared_size(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return size_fits(judged, judged->facts->declared_size);
}

/* Explaining, no message was sent. */
bool
rule_asks_message(const struct judged *judged)
{
	return judged->facts->message_told;
}

bool
rule_asks_message_size(const struct judged *judged)
{
	return rule_asks_message(judged) && size_matters(judged);
}

enum answer
rule_message_size(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return size_fits(judged, judged->facts->message_bytes);
}

enum answer
rule_header_size(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const struct facts *facts = judged->facts;

	return rule_answer(!facts->header_overfull &&
	    facts->header_bytes <= judged->connector->max_header_size);
}

enum answer
rule_hops(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(
	    judged->facts->hops <= judged->connector->max_hop_count);
}

enum answer
rule_local_hops(const struct judged *judged, enum reply_id *reply UNUSED)
{
	const long long limit = judged->connector->max_local_hop_count;

	return rule_answer(limit == 0 || judged->facts->local_hops <= limit);
}
