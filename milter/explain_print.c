/*
 * explain_print.c - an explanation as text, for people.
 */
#include "explain_parts.h"

#include <string.h>

#include "schema.h"
#include "text.h"

/* Every byte may take four characters, and "..." follows. */
#define TYPED_MAX (4 * TEXT_FIELD_MAX + 4)

/* Under the name of a rule, and under what the session is. */
enum margin { MARGIN_RULE = 31, MARGIN_HEAD = 13 };

#define PROOF_SETTINGS_MAX 2

/* clang-format off */
/* What makes a session this; the settings of the connector. */
static const char *const proofs[IDENTITY_COUNT][PROOF_SETTINGS_MAX] = {
	[IDENTITY_PARTNER] = { "domain_secure_enabled" },
	[IDENTITY_SERVER] = { "auth_mechanism", "server_identities" },
	[IDENTITY_EXTERNALLY_SECURED] =
	    { "auth_mechanism", "permission_groups" },
};

/* What rules ask that is the same for all connectors. */
static const struct {
	const char *rule;
	enum section_kind section;
	const char *setting;
} globals[] = {
	{ "authoritative_domain_sender", SECTION_ORGANIZATION,
	    "accepted_domains" },
	{ "authoritative_domain_sender", SECTION_ORGANIZATION, "own_domains" },
	{ "any_sender", SECTION_ORGANIZATION, "accepted_domains" },
	{ "any_sender", SECTION_ORGANIZATION, "own_domains" },
	{ "any_sender", SECTION_DIRECTORY, "recipients" },
	{ "relay", SECTION_ORGANIZATION, "accepted_domains" },
	{ "relay", SECTION_ORGANIZATION, "internal_relay_domains" },
	{ "relay", SECTION_ORGANIZATION, "external_relay_domains" },
	{ "recipient_lookup", SECTION_DIRECTORY, "recipients" },
	{ "recipient_lookup", SECTION_DIRECTORY, "recipient_domains" },
	{ "recipient_lookup", SECTION_DIRECTORY, "recipient_delimiter" },
	{ "internal_only", SECTION_DIRECTORY, "recipients" },
};

static const char *const edit_words[] = {
	[EDIT_DELETE] = "delete",
	[EDIT_REPLACE] = "replace",
	[EDIT_INSERT] = "insert",
};
/* clang-format on */

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

/* " (FILE:LINE)"; nothing for what nobody wrote. */
static void
put_place(FILE *out, const struct origin *origin)
{
	if (origin->kind == ORIGIN_BUILT_IN)
		return;
	fprintf(out, " (%s%s:%u)",
	    origin->kind == ORIGIN_PRESET ? "by usage, " : "", origin->file,
	    origin->line);
}

/* One setting with its value, when somebody wrote it. */
static void
put_setting(FILE *out, enum margin margin, const char *section,
    const char *setting, const struct origin *origin)
{
	if (origin->kind == ORIGIN_BUILT_IN)
		return;
	fprintf(out, "%*s", (int)margin, "");
	if (section != NULL)
		fprintf(out, "[%s] ", section);
	fprintf(out, "%s = ", setting);
	put_typed(out, origin->value);
	put_place(out, origin);
	putc('\n', out);
}

/* Settings of the connector, as many of count as there are. */
static void
put_settings(FILE *out, const struct explanation *explanation,
    enum margin margin, const char *const *settings, size_t count)
{
	if (explanation->connector == NULL)
		return;
	for (size_t i = 0; i < count && settings[i] != NULL; i++) {
		const struct origin origin = config_origin(explanation->config,
		    explanation->owner.connector, settings[i]);

		put_setting(out, margin, NULL, settings[i], &origin);
	}
}

static void
put_globals(
    FILE *out, const struct explanation *explanation, const struct rule *rule)
{
	for (size_t i = 0; i < nitems(globals); i++) {
		struct origin origin;

		if (strcmp(globals[i].rule, rule->name) != 0)
			continue;
		origin = config_global_origin(explanation->config,
		    globals[i].section, globals[i].setting);
		put_setting(out, MARGIN_RULE, section_word(globals[i].section),
		    globals[i].setting, &origin);
	}
}

static void
put_connector(FILE *out, const struct explanation *explanation)
{
	const char *range = explained_range(explanation);
	struct origin origin;

	if (range == NULL) {
		fputs("connector  none\n", out);
		return;
	}
	fprintf(out, "connector  %s\n", explanation->connector->name);
	origin = config_origin(explanation->config,
	    explanation->owner.connector, "remote_ip_ranges");
	fprintf(out, "range      %s", range);
	put_place(out, &origin);
	putc('\n', out);
	if (!explanation->monitor)
		return;
	origin = config_origin(
	    explanation->config, explanation->owner.connector, "mode");
	fputs("monitor    nothing is refused, only logged", out);
	put_place(out, &origin);
	putc('\n', out);
}

static void
put_partner(FILE *out, const struct explanation *explanation)
{
	const struct origin origin = config_global_origin(explanation->config,
	    SECTION_ORGANIZATION, "tls_receive_domain_secure_list");

	fprintf(out, "proven     %s", explanation->proven);
	put_place(out, &origin);
	putc('\n', out);
}

static void
put_identity(FILE *out, const struct explanation *explanation)
{
	if (!explanation->identified)
		return;
	fprintf(out, "identity   %s\n", identity_name(explanation->identity));
	put_settings(out, explanation, MARGIN_HEAD,
	    proofs[explanation->identity], PROOF_SETTINGS_MAX);
	if (explanation->certificate[0] != '\0')
		fprintf(out, "cert name  %s\n", explanation->certificate);
	if (explanation->proven != NULL)
		put_partner(out, explanation);
	fputs("rights    ", out);
	for (unsigned right = 0; right < RIGHT_COUNT; right++)
		if (rights_have(explanation->rights, right) == ANSWER_YES)
			fprintf(out, " %s", right_name(right));
	fputs(explanation->rights.held == 0 ? " none\n" : "\n", out);
}

static void
put_candidates(FILE *out, const struct explanation *explanation)
{
	const struct policy *policy = explained_policy(explanation);

	fputs("\ncandidates\n", out);
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct range *range;
		const enum candidacy outcome =
		    explained_candidacy(explanation, i, &range);

		fprintf(out, "  %-12s %s", candidacy_name(outcome),
		    policy->connectors[i].name);
		if (range != NULL)
			fprintf(out, " (%s)", range->text);
		putc('\n', out);
	}
}

static void
put_step(FILE *out, const struct explanation *explanation,
    const struct explained_step *step)
{
	const struct question *question = explanation->question;
	const struct rule *rule = step->rule;

	fprintf(out, "  %-8s %-10s %s", stage_name(step->stage),
	    outcome_name(step->outcome), rule->name);
	if (step->recipient >= 0) {
		fputs(" for ", out);
		put_typed(out, question->recipients[step->recipient]);
	}
	fputs(step->noted ? ", only logged\n" : "\n", out);
	if (step->outcome == OUTCOME_SKIPPED)
		return;
	put_settings(
	    out, explanation, MARGIN_RULE, rule->settings, RULE_SETTINGS_MAX);
	put_globals(out, explanation, rule);
}

static void
put_verdict(FILE *out, const struct explained *explained)
{
	fputs(verdict_name(explained->verdict), out);
	if (explained->rule != NULL)
		fprintf(out, " at %s by %s: %s", stage_name(explained->stage),
		    explained->rule->name, explained->reply);
	putc('\n', out);
}

static void
put_recipients(FILE *out, const struct explanation *explanation)
{
	if (explanation->recipient_count > 0)
		fputs("\nrecipients\n", out);
	for (size_t i = 0; i < explanation->recipient_count; i++) {
		fputs("  ", out);
		put_typed(out, explanation->question->recipients[i]);
		fputs(": ", out);
		put_verdict(out, &explanation->recipients[i]);
	}
}

/* As it will stand: what is inserted last comes first. */
static void
put_edits(FILE *out, const struct explanation *explanation)
{
	if (explanation->edit_count > 0)
		fputs("\nheader\n", out);
	for (size_t i = explanation->edit_count; i > 0; i--) {
		const struct explained_edit *edit = &explanation->edits[i - 1];

		fprintf(out, "  %-8s %s: ", edit_words[edit->kind], edit->name);
		put_typed(out, edit->value != NULL ? edit->value : "...");
		putc('\n', out);
	}
}

void
explanation_text(const struct explanation *explanation, FILE *out)
{
	put_connector(out, explanation);
	put_identity(out, explanation);
	put_candidates(out, explanation);
	fputs("\nrules\n", out);
	for (size_t i = 0; i < explanation->step_count; i++)
		put_step(out, explanation, &explanation->steps[i]);
	put_recipients(out, explanation);
	put_edits(out, explanation);
	fputs("\nverdict    ", out);
	put_verdict(out, &explanation->message);
}
