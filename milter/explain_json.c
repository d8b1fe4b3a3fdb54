/*
 * explain_json.c - an explanation as JSON, for scripts.
 */
#include "explain_parts.h"

#include "json.h"

static const char *
rule_of(const struct explained *explained)
{
	return explained->rule != NULL ? explained->rule->name : NULL;
}

static const char *
reply_of(const struct explained *explained)
{
	return explained->rule != NULL ? explained->reply : NULL;
}

static const char *
stage_of(const struct explained *explained)
{
	return explained->rule != NULL ? stage_name(explained->stage) : NULL;
}

static void
put_candidates(struct json *json, const struct explanation *explanation)
{
	const struct policy *policy = explained_policy(explanation);

	json_open(json, "candidates", '[');
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct range *range;
		const enum candidacy outcome =
		    explained_candidacy(explanation, i, &range);

		json_open(json, NULL, '{');
		json_string(json, "connector", policy->connectors[i].name);
		json_string(json, "range", range != NULL ? range->text : NULL);
		json_string(json, "outcome", candidacy_name(outcome));
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void
put_rights(struct json *json, const struct explanation *explanation)
{
	if (!explanation->identified) {
		json_string(json, "rights", NULL);
		return;
	}
	json_open(json, "rights", '[');
	for (unsigned right = 0; right < RIGHT_COUNT; right++)
		if (rights_have(explanation->rights, right) == ANSWER_YES)
			json_string(json, NULL, right_name(right));
	json_close(json, ']');
}

static void
put_steps(struct json *json, const struct explanation *explanation)
{
	json_open(json, "steps", '[');
	for (size_t i = 0; i < explanation->step_count; i++) {
		const struct explained_step *step = &explanation->steps[i];

		json_open(json, NULL, '{');
		json_string(json, "stage", stage_name(step->stage));
		json_string(json, "rule", step->rule->name);
		json_string(json, "outcome", outcome_name(step->outcome));
		json_string(json, "recipient",
		    step->recipient >= 0
			? explanation->question->recipients[step->recipient]
			: NULL);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void
put_recipients(struct json *json, const struct explanation *explanation)
{
	json_open(json, "recipients", '[');
	for (size_t i = 0; i < explanation->recipient_count; i++) {
		const struct explained *recipient = &explanation->recipients[i];

		json_open(json, NULL, '{');
		json_string(
		    json, "recipient", explanation->question->recipients[i]);
		json_string(json, "verdict", verdict_name(recipient->verdict));
		json_string(json, "rule", rule_of(recipient));
		json_string(json, "reply", reply_of(recipient));
		json_close(json, '}');
	}
	json_close(json, ']');
}

void
explanation_json(const struct explanation *explanation, FILE *out)
{
	const struct explained *message = &explanation->message;
	const struct connector *connector = explanation->connector;
	struct json json;

	json_init(&json, out);
	json_open(&json, NULL, '{');
	json_string(
	    &json, "connector", connector != NULL ? connector->name : NULL);
	json_string(&json, "range", explained_range(explanation));
	put_candidates(&json, explanation);
	json_string(&json, "identity",
	    explanation->identified ? identity_name(explanation->identity)
				    : NULL);
	put_rights(&json, explanation);
	put_steps(&json, explanation);
	put_recipients(&json, explanation);
	json_string(&json, "verdict", verdict_name(message->verdict));
	json_string(&json, "stage", stage_of(message));
	json_string(&json, "rule", rule_of(message));
	json_string(&json, "reply", reply_of(message));
	json_bool(&json, "monitor", explanation->monitor);
	json_close(&json, '}');
}
