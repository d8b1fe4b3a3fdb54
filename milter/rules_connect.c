/*
 * rules_connect.c - the questions of the stages connect and helo.
 */
#include "rules_parts.h"

bool
rule_asks_live_state(const struct judged *judged)
{
	return judged->facts->live;
}

enum answer
rule_admission(const struct judged *judged, enum reply_id *reply)
{
	const struct facts *facts = judged->facts;

	if (facts->stopping)
		*reply = REPLY_STOPPING;
	return rule_answer(facts->admitted && !facts->stopping);
}

enum answer
rule_client_address(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->client.family != ADDR_NONE);
}

enum answer
rule_listener(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->listener.addr.family != ADDR_NONE);
}

enum answer
rule_connector(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->connector != NULL);
}

bool
rule_asks_ehlo_domain(const struct judged *judged)
{
	return judged->connector->require_ehlo_domain;
}

enum answer
rule_ehlo_domain(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(judged->facts->helo != HELO_NONE);
}

bool
rule_asks_helo_syntax(const struct judged *judged)
{
	return judged->connector->helo_syntax != HELO_SYNTAX_OFF &&
	    judged->facts->helo != HELO_NONE;
}

/* A name that is missing is require_ehlo_domain's to refuse. */
enum answer
rule_helo_syntax(const struct judged *judged, enum reply_id *reply UNUSED)
{
	switch (judged->facts->helo) {
	case HELO_NONE:
	case HELO_STRICT:
		return ANSWER_YES;
	case HELO_TOLERANT:
		return rule_answer(
		    judged->connector->helo_syntax != HELO_SYNTAX_STRICT);
	case HELO_MALFORMED:
		break;
	}
	return ANSWER_NO;
}
