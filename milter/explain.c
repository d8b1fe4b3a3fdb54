/*
 * explain.c - plays one session and keeps what was decided.
 */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "explain_parts.h"
#include "text.h"

/* Room for "SIZE=" and a number. */
#define SIZE_PARAMETER_MAX 32

const struct policy *
explained_policy(const struct explanation *explanation)
{
	return config_policy(explanation->config);
}

const char *
explained_range(const struct explanation *explanation)
{
	if (explanation->connector == NULL)
		return NULL;
	return explanation->connector->remote_ip_ranges
	    .ranges[explanation->owner.range]
	    .text;
}

enum candidacy
explained_candidacy(const struct explanation *explanation, size_t index,
    const struct range **range)
{
	const struct question *question = explanation->question;

	return space_candidacy(explained_policy(explanation), index,
	    &question->listener, &question->client, range);
}

static void
note_decision(struct explained *explained, const struct judged *judged,
    const struct decision *decision)
{
	struct reply reply;

	explained->verdict = decision->verdict;
	explained->stage = decision->stage;
	explained->rule = decision->rule;
	explained->reply[0] = '\0';
	if (decision->verdict == VERDICT_ACCEPT)
		return;
	policy_reply(&reply, decision->rule, decision->reply, judged);
	reply_line(explained->reply, &reply);
}

static void
note_identity(struct explanation *explanation, const struct judged *judged)
{
	const char *certificate = judged->facts->certificate;
	struct text text;

	explanation->identified = true;
	explanation->identity = judged->identity;
	explanation->rights = judged->rights;
	explanation->proven = judged->proven;
	text_init(
	    &text, explanation->certificate, sizeof(explanation->certificate));
	text_put(&text, certificate != NULL ? certificate : "");
}

static void
note_steps(struct explanation *explanation, const struct decision *decision,
    int recipient)
{
	for (size_t i = 0; i < decision->step_count; i++) {
		const struct step *step = &decision->steps[i];

		explanation->steps[explanation->step_count++] =
		    (struct explained_step){
			    .stage = decision->stage,
			    .rule = step->rule,
			    .outcome = step->outcome,
			    .noted = (step->outcome == OUTCOME_REFUSED ||
					 step->outcome == OUTCOME_UNDECIDED) &&
				step->rule != decision->rule,
			    .recipient = recipient,
		    };
	}
}

static bool
is_explained(const struct explanation *explanation, enum stage stage)
{
	for (size_t i = 0; i < explanation->step_count; i++)
		if (explanation->steps[i].stage == stage)
			return true;
	return false;
}

static void
decided(void *arg, const struct judged *judged, const struct decision *decision,
    const char *recipient)
{
	struct explanation *explanation = arg;
	int index = -1;

	if (recipient != NULL) {
		index = (int)explanation->recipient_count++;
		note_decision(
		    &explanation->recipients[index], judged, decision);
	} else if (is_explained(explanation, decision->stage)) {
		/* Connect and helo rules are judged again at MAIL. */
		return;
	} else {
		note_decision(&explanation->message, judged, decision);
	}
	if (decision->stage == STAGE_MAIL)
		note_identity(explanation, judged);
	note_steps(explanation, decision, index);
}

static void
selected(void *arg, const struct judged *judged, const struct owner *owner)
{
	struct explanation *explanation = arg;

	explanation->connector = judged->connector;
	explanation->owner = *owner;
	explanation->monitor = policy_monitors(judged);
}

static bool
play_connect(struct session *session, const struct question *question)
{
	char name[DOMAIN_MAX + 1];
	const char *typed = question->client_name;
	/* A person may write U-labels, which DNS has not. */
	const bool is_domain = typed != NULL &&
	    domain_canonical(name, typed, strlen(typed)) == NULL;
	const struct connect_info info = {
		.host = is_domain ? name : typed,
		.client = question->client,
		.client_port = question->client_port,
		.client_resolve = question->client_name != NULL ? "OK" : "FAIL",
		.listener = question->listener,
	};
	struct reply reply;

	return session_connect(session, &info, &reply);
}

static bool
play_mail(struct session *session, const struct question *question)
{
	char size[SIZE_PARAMETER_MAX];
	const char *const parameters[] = { size, NULL };
	/* In the words of Postfix: a subject alone is a verified name. */
	const struct mail_info info = {
		.path = question->from,
		.parameters = question->size >= 0 ? parameters : NULL,
		.tls_version = question->tls,
		.auth_type = question->auth_mechanism,
		.auth_authen = question->auth,
		.cert_subject = question->cert_subject,
	};
	struct reply reply;

	snprintf(size, sizeof(size), "SIZE=%lld", question->size);
	return session_mail(session, &info, &reply);
}

/* 0, or -1 when a recipient got no decision: memory failed. */
static int
play_recipients(struct session *session, const struct explanation *explanation)
{
	const struct question *question = explanation->question;

	for (size_t i = 0; i < question->recipient_count; i++) {
		const struct rcpt_info info = {
			.path = question->recipients[i],
			/* The MTA is taken to resolve what was typed. */
			.rcpt_addr = question->recipients[i],
		};
		struct reply reply;

		(void)!session_rcpt(session, &info, &reply);
		if (explanation->recipient_count != i + 1)
			return -1;
	}
	return 0;
}

/* Was any accepted? If not, the message gets what its recipients got. */
static bool
sum_up_recipients(struct explanation *explanation)
{
	const struct explained *refusal = NULL;

	for (size_t i = 0; i < explanation->recipient_count; i++) {
		const struct explained *recipient = &explanation->recipients[i];

		if (recipient->verdict == VERDICT_ACCEPT)
			return true;
		if (refusal == NULL ||
		    (refusal->verdict == VERDICT_REJECT &&
			recipient->verdict == VERDICT_TEMPFAIL))
			refusal = recipient;
	}
	if (refusal != NULL)
		explanation->message = *refusal;
	return false;
}

/* 0, or -1 without memory. */
static int
keep_edits(struct explanation *explanation, const struct edits *edits)
{
	explanation->edits =
	    calloc(edits->count + 1, sizeof(*explanation->edits));
	if (explanation->edits == NULL)
		return -1;
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->items[i];
		struct explained_edit *kept = &explanation->edits[i];

		explanation->edit_count = i + 1;
		kept->kind = edit->kind;
		kept->name = strdup(edit->name);
		if (edit->value != NULL)
			kept->value = strdup(edit->value);
		if (kept->name == NULL ||
		    (edit->value != NULL && kept->value == NULL))
			return -1;
	}
	return 0;
}

/* 0, or -1 when no rule was asked: memory failed. */
static int
play_message(struct session *session, struct explanation *explanation)
{
	/* Name, queue id and clock are the MTA's; nothing judges them. */
	static const struct eom_info info = { .server_name = NULL };
	struct edits edits = { NULL, 0 };
	struct reply reply;
	int result = 0;

	if (explanation->question->header_from != NULL)
		session_header(
		    session, "From", explanation->question->header_from);
	if (!session_eom(session, &info, &edits, &reply))
		return explanation->message.verdict != VERDICT_ACCEPT ? 0 : -1;
	/* The daemon edits nothing where it only watches. */
	if (!explanation->monitor)
		result = keep_edits(explanation, &edits);
	(void)!session_done(session, true, &reply);
	return result;
}

/* MAIL and what follows. 0, or -1 when a refusal came from no rule. */
static int
play_transaction(struct session *session, struct explanation *explanation)
{
	if (!play_mail(session, explanation->question))
		return explanation->message.verdict != VERDICT_ACCEPT ? 0 : -1;
	if (play_recipients(session, explanation) != 0)
		return -1;
	if (!sum_up_recipients(explanation))
		return 0;
	return play_message(session, explanation);
}

static int
play(struct explanation *explanation)
{
	const struct question *question = explanation->question;
	struct session *session = session_new(&explanation->server);
	struct reply reply;
	int result = 0;
	bool go_on;

	if (session == NULL)
		return -1;
	go_on = play_connect(session, question) &&
	    explanation->message.verdict == VERDICT_ACCEPT &&
	    question->from != NULL;
	if (go_on && question->helo != NULL)
		go_on = session_helo(session, question->helo, &reply);
	if (go_on)
		result = play_transaction(session, explanation);
	session_free(session);
	return result;
}

static int
prepare(struct explanation *explanation)
{
	const size_t recipients = explanation->question->recipient_count;

	explanation->owner.connector = SPACE_NOBODY;
	explanation->server.observer =
	    (struct observer){ decided, selected, explanation };
	explanation->snapshot = snapshots_pin(explanation->server.snapshots);
	explanation->config = snapshot_config(explanation->snapshot);
	/* A rule belongs to one stage; all but RCPT come once. */
	explanation->steps =
	    calloc((1 + recipients) * rule_count, sizeof(*explanation->steps));
	explanation->recipients =
	    calloc(recipients + 1, sizeof(*explanation->recipients));
	return explanation->steps == NULL || explanation->recipients == NULL
	    ? -1
	    : 0;
}

struct explanation *
explain(struct snapshots *snapshots, const struct question *question)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));

	if (explanation == NULL)
		return NULL;
	explanation->question = question;
	explanation->server.snapshots = snapshots;
	if (prepare(explanation) != 0 || play(explanation) != 0) {
		explanation_free(explanation);
		return NULL;
	}
	return explanation;
}

void
explanation_free(struct explanation *explanation)
{
	if (explanation == NULL)
		return;
	if (explanation->snapshot != NULL)
		snapshots_unpin(
		    explanation->server.snapshots, explanation->snapshot);
	for (size_t i = 0; i < explanation->edit_count; i++) {
		free(explanation->edits[i].name);
		free(explanation->edits[i].value);
	}
	free(explanation->edits);
	free(explanation->steps);
	free(explanation->recipients);
	free(explanation);
}
