/*
 * explain.c - plays one session and keeps what was decided.
 */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

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
	policy_reply(&reply, decision, judged);
	reply_line(explained->reply, &reply);
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
		index = (int)explanation->recipient_count;
		note_decision(
		    &explanation->recipients[index], judged, decision);
		explanation->recipient_count++;
	} else if (is_explained(explanation, decision->stage)) {
		/* Connect and helo rules are judged again at MAIL. */
		return;
	} else {
		note_decision(&explanation->message, judged, decision);
	}
	if (decision->stage == STAGE_MAIL) {
		explanation->identified = true;
		explanation->identity = judged->identity;
		explanation->rights = judged->rights;
	}
	for (size_t i = 0; i < decision->step_count; i++)
		explanation->steps[explanation->step_count++] =
		    (struct explained_step){ decision->stage,
			    decision->steps[i].rule, decision->steps[i].outcome,
			    index };
}

static void
selected(void *arg, const struct judged *judged, const struct owner *owner)
{
	struct explanation *explanation = arg;

	explanation->connector = judged->connector;
	explanation->owner = *owner;
}

static bool
play_connect(struct session *session, const struct question *question)
{
	const struct connect_info info = {
		.host = question->client_name,
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
	const struct mail_info info = {
		.path = question->from,
		.tls_version = question->tls,
		.auth_type = question->auth_mechanism,
		.auth_authen = question->auth,
	};
	struct reply reply;

	return session_mail(session, &info, &reply);
}

static void
play_recipients(struct session *session, const struct question *question)
{
	for (size_t i = 0; i < question->recipient_count; i++) {
		const struct rcpt_info info = {
			.path = question->recipients[i],
			/* The MTA is taken to resolve what was typed. */
			.rcpt_addr = question->recipients[i],
		};
		struct reply reply;

		(void)!session_rcpt(session, &info, &reply);
	}
}

/* A message without a recipient gets what its recipients got. */
static void
sum_up_recipients(struct explanation *explanation)
{
	const struct explained *refusal = NULL;

	for (size_t i = 0; i < explanation->recipient_count; i++) {
		const struct explained *recipient = &explanation->recipients[i];

		if (recipient->verdict == VERDICT_ACCEPT)
			return;
		if (refusal == NULL ||
		    (refusal->verdict == VERDICT_REJECT &&
			recipient->verdict == VERDICT_TEMPFAIL))
			refusal = recipient;
	}
	if (refusal != NULL)
		explanation->message = *refusal;
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
	    explanation->message.verdict == VERDICT_ACCEPT;
	if (go_on && question->helo != NULL)
		go_on = session_helo(session, question->helo, &reply);
	go_on = go_on && question->from != NULL;
	if (go_on && play_mail(session, question)) {
		play_recipients(session, question);
		sum_up_recipients(explanation);
	} else if (go_on && explanation->message.verdict == VERDICT_ACCEPT) {
		/* Refused, and by no rule: memory failed. */
		result = -1;
	}
	session_free(session);
	return result;
}

/* Takes config. */
static int
prepare(struct explanation *explanation, struct config *config,
    const struct question *question)
{
	const size_t rounds = 2 + question->recipient_count;

	explanation->question = question;
	explanation->owner.connector = SPACE_NOBODY;
	explanation->server.observer =
	    (struct observer){ decided, selected, explanation };
	explanation->server.snapshots = snapshots_new(config);
	if (explanation->server.snapshots == NULL) {
		config_free(config);
		return -1;
	}
	explanation->snapshot = snapshots_pin(explanation->server.snapshots);
	explanation->config = snapshot_config(explanation->snapshot);
	explanation->steps =
	    calloc(rounds * rule_count, sizeof(*explanation->steps));
	explanation->recipients = calloc(
	    question->recipient_count + 1, sizeof(*explanation->recipients));
	return explanation->steps == NULL || explanation->recipients == NULL
	    ? -1
	    : 0;
}

struct explanation *
explain(struct config *config, const struct question *question)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));

	if (explanation == NULL) {
		config_free(config);
		return NULL;
	}
	if (prepare(explanation, config, question) != 0 ||
	    play(explanation) != 0) {
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
	snapshots_free(explanation->server.snapshots);
	free(explanation->steps);
	free(explanation->recipients);
	free(explanation);
}
