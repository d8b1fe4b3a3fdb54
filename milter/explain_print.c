/*
 * explain_print.c - an explanation as text for people and as JSON for scripts.
 */
#include "explain.h"

#include <string.h>

#include "json.h"
#include "text.h"

/* Every byte may take four characters, and "..." follows. */
#define TYPED_MAX (4 * TEXT_FIELD_MAX + 4)

static const struct policy *
policy_of(const struct explanation *explanation)
{
	return config_policy(explanation->config);
}

static const char *
range_of(const struct explanation *explanation)
{
	if (explanation->connector == NULL)
		return NULL;
	return explanation->connector->remote_ip_ranges
	    .ranges[explanation->owner.range]
	    .text;
}

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

static enum candidacy
candidacy_of(const struct explanation *explanation, size_t index,
    const struct range **range)
{
	return space_candidacy(policy_of(explanation), index,
	    &explanation->question->listener, &explanation->question->client,
	    range);
}

static void
json_candidates(struct json *json, const struct explanation *explanation)
{
	const struct policy *policy = policy_of(explanation);

	json_open(json, "candidates", '[');
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct range *range;
		const enum candidacy outcome =
		    candidacy_of(explanation, i, &range);

		json_open(json, NULL, '{');
		json_string(json, "connector", policy->connectors[i].name);
		json_string(json, "range", range != NULL ? range->text : NULL);
		json_string(json, "outcome", candidacy_name(outcome));
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void
json_rights(struct json *json, const struct explanation *explanation)
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
json_steps(struct json *json, const struct explanation *explanation)
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
json_recipients(struct json *json, const struct explanation *explanation)
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
	json_string(&json, "range", range_of(explanation));
	json_candidates(&json, explanation);
	json_string(&json, "identity",
	    explanation->identified ? identity_name(explanation->identity)
				    : NULL);
	json_rights(&json, explanation);
	json_steps(&json, explanation);
	json_recipients(&json, explanation);
	json_string(&json, "verdict", verdict_name(message->verdict));
	json_string(&json, "stage", stage_of(message));
	json_string(&json, "rule", rule_of(message));
	json_string(&json, "reply", reply_of(message));
	json_bool(&json, "monitor", false);
	json_close(&json, '}');
}

/* What somebody typed, fit for a terminal. */
static void
put_typed(FILE *out, const char *typed)
{
	char buf[TYPED_MAX];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, typed, strlen(typed), TEXT_PROSE);
	fputs(buf, out);
}

static void
text_head(const struct explanation *explanation, FILE *out)
{
	const char *range = range_of(explanation);
	const char *name = "none";
	struct origin origin = { .file = NULL };

	if (explanation->connector != NULL) {
		name = explanation->connector->name;
		origin = config_origin(explanation->config,
		    explanation->owner.connector, "remote_ip_ranges");
	}
	fprintf(out, "connector  %s\n", name);
	if (range != NULL)
		fprintf(out, "range      %s", range);
	if (range != NULL && origin.file != NULL)
		fprintf(out, " (%s:%u)", origin.file, origin.line);
	if (range != NULL)
		putc('\n', out);
	if (!explanation->identified)
		return;
	fprintf(out, "identity   %s\n", identity_name(explanation->identity));
	fputs("rights    ", out);
	for (unsigned right = 0; right < RIGHT_COUNT; right++)
		if (rights_have(explanation->rights, right) == ANSWER_YES)
			fprintf(out, " %s", right_name(right));
	fputs(explanation->rights.held == 0 ? " none\n" : "\n", out);
}

static void
text_candidates(const struct explanation *explanation, FILE *out)
{
	const struct policy *policy = policy_of(explanation);

	fputs("\ncandidates\n", out);
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct range *range;
		const enum candidacy outcome =
		    candidacy_of(explanation, i, &range);

		fprintf(out, "  %-12s %s", candidacy_name(outcome),
		    policy->connectors[i].name);
		if (range != NULL)
			fprintf(out, " (%s)", range->text);
		putc('\n', out);
	}
}

/* The settings behind a step, and where each was written. */
static void
text_settings(
    const struct explanation *explanation, const struct rule *rule, FILE *out)
{
	for (size_t i = 0; i < RULE_SETTINGS_MAX; i++) {
		const char *setting = rule->settings[i];
		struct origin origin;

		if (setting == NULL || explanation->connector == NULL)
			return;
		origin = config_origin(
		    explanation->config, explanation->owner.connector, setting);
		if (origin.kind == ORIGIN_BUILT_IN)
			continue;
		fprintf(out, "%31s%s = ", "", setting);
		put_typed(out, origin.value);
		fprintf(out, " (%s%s:%u)\n",
		    origin.kind == ORIGIN_PRESET ? "by usage, " : "",
		    origin.file, origin.line);
	}
}

static void
text_steps(const struct explanation *explanation, FILE *out)
{
	fputs("\nrules\n", out);
	for (size_t i = 0; i < explanation->step_count; i++) {
		const struct explained_step *step = &explanation->steps[i];

		fprintf(out, "  %-8s %-10s %s", stage_name(step->stage),
		    outcome_name(step->outcome), step->rule->name);
		if (step->recipient >= 0) {
			fputs(" for ", out);
			put_typed(out,
			    explanation->question->recipients[step->recipient]);
		}
		putc('\n', out);
		if (step->outcome != OUTCOME_SKIPPED)
			text_settings(explanation, step->rule, out);
	}
}

static void
text_verdict(const struct explained *explained, FILE *out)
{
	fputs(verdict_name(explained->verdict), out);
	if (explained->rule != NULL)
		fprintf(out, " at %s by %s: %s", stage_name(explained->stage),
		    explained->rule->name, explained->reply);
	putc('\n', out);
}

void
explanation_text(const struct explanation *explanation, FILE *out)
{
	text_head(explanation, out);
	text_candidates(explanation, out);
	text_steps(explanation, out);
	if (explanation->recipient_count > 0)
		fputs("\nrecipients\n", out);
	for (size_t i = 0; i < explanation->recipient_count; i++) {
		fputs("  ", out);
		put_typed(out, explanation->question->recipients[i]);
		fputs(": ", out);
		text_verdict(&explanation->recipients[i], out);
	}
	fputs("\nverdict    ", out);
	text_verdict(&explanation->message, out);
}
