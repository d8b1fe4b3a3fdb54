/*
 * session_log.c - what the operator log says of a session.
 */
#include "session_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

void
session_shown(char out[SHOWN_MAX], const char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len > SHOWN_MAX - 1)
		len = SHOWN_MAX - 1;
	memcpy(out, text, len);
	out[len] = '\0';
}

char *
session_keep_shown(const char *text)
{
	char shown[SHOWN_MAX];

	session_shown(shown, text);
	return strdup(shown);
}

void
session_note_author(struct transaction *transaction,
    const struct mailbox *mailbox, unsigned claim)
{
	const bool ours = (claim & (CLAIM_OWN | CLAIM_LISTED)) != 0;
	char author[SHOWN_MAX];
	struct text text;

	if (claim & CLAIM_OWNED || transaction->author_is_ours ||
	    (!ours && transaction->author != NULL))
		return;
	transaction->author_is_ours = ours;
	text_init(&text, author, sizeof(author));
	text_printf(&text, "%s%s%s", mailbox->local,
	    mailbox->domain[0] != '\0' ? "@" : "", mailbox->domain);
	/* Without memory the line says less. */
	free(transaction->author);
	transaction->author = strdup(author);
}

/* What the log says of any command of this session. */
static struct log_record
record_of(const struct session *session, const struct judged *judged,
    const char *queue_id)
{
	const struct transaction *transaction = session->transaction;
	struct log_record record = {
		.queue_id = queue_id,
		.client_name = session->host,
		.client = session->facts.client,
		.client_port = session->client_port,
		.listener = session->facts.listener,
		.helo = session->helo,
	};

	if (judged->connector != NULL)
		record.connector = judged->connector->name;
	if (transaction != NULL) {
		record.from = transaction->from;
		record.auth = transaction->login;
		record.tls = transaction->tls;
		record.certificate = facts_certified(&session->facts);
		if (judged->connector != NULL)
			record.identity = identity_name(judged->identity);
	}
	return record;
}

/* explain plays sessions too, and nothing happened in them. */
static void
log_live(
    const struct session *session, struct log_record *record, enum metric word)
{
	if (session->server->live == NULL)
		return;
	record->verdict = metric_name(word);
	log_record(record);
}

/* Each line is counted, by rule and by connector. */
static void
log_counted(const struct session *session, const struct judged *judged,
    struct log_record *record, size_t row, enum metric word)
{
	struct live *live = session->server->live;

	log_live(session, record, word);
	if (live == NULL)
		return;
	metrics_count(&live->metrics, row, word);
	/* Pinned as long as there is a connector. */
	if (judged->connector == NULL || row == METRIC_ROW_MTA)
		return;
	if (word == METRIC_ACCEPT)
		atomic_fetch_add(&session->tally->accepted, 1);
	else if (word == METRIC_TEMPFAIL)
		atomic_fetch_add(&session->tally->tempfailed, 1);
	else if (word == METRIC_REJECT)
		atomic_fetch_add(&session->tally->rejected, 1);
}

static enum metric
word_of(const struct refusal *refusal)
{
	if (policy_verdict(refusal->reply) == VERDICT_REJECT)
		return refusal->enforced ? METRIC_REJECT : METRIC_WOULD_REJECT;
	return refusal->enforced ? METRIC_TEMPFAIL : METRIC_WOULD_TEMPFAIL;
}

/* At its end a message has recipients, and authors that rules ask for. */
static void
add_message(struct log_record *record, const struct transaction *transaction,
    const struct rule *rule)
{
	record->to = transaction->to;
	record->recipients = transaction->recipients;
	/* Nothing but what check_header_from asks is ever only noted. */
	if (rule != NULL && rule->noted != NULL)
		record->author = transaction->author;
}

void
session_log_refusal(const struct session *session, const struct judged *judged,
    const struct refusal *refusal, const struct reply *reply,
    const struct command *command)
{
	struct log_record record =
	    record_of(session, judged, command->queue_id);
	char line[REPLY_LINE_MAX];
	char shown[SHOWN_MAX];

	if (command->to != NULL) {
		session_shown(shown, command->to);
		record.to = shown;
	} else if (refusal->stage == STAGE_EOM &&
	    session->transaction != NULL) {
		add_message(&record, session->transaction, refusal->rule);
	}
	record.stage = stage_name(refusal->stage);
	record.rule = refusal->rule->name;
	record.reply = reply_line(line, reply);
	log_counted(session, judged, &record, metrics_row(refusal->rule),
	    word_of(refusal));
}

void
session_log_mta(const struct session *session, const struct rcpt_info *info)
{
	struct log_record record =
	    record_of(session, &session->transaction->judged, info->queue_id);
	char reply[SHOWN_MAX], shown[SHOWN_MAX];

	snprintf(reply, sizeof(reply), "%s %s",
	    info->rcpt_host != NULL ? info->rcpt_host : "", info->rcpt_addr);
	session_shown(shown, info->path);
	record.to = shown;
	record.stage = stage_name(STAGE_RCPT);
	record.rule = "mta";
	record.reply = reply;
	log_counted(session, &session->transaction->judged, &record,
	    METRIC_ROW_MTA, METRIC_REJECT);
}

void
session_log_selection(
    const struct session *session, const struct judged *judged)
{
	struct log_record record = record_of(session, judged, NULL);

	record.stage = stage_name(STAGE_CONNECT);
	log_live(session, &record, METRIC_ACCEPT);
}

void
session_log_acceptance(const struct session *session)
{
	const struct transaction *transaction = session->transaction;
	struct log_record record =
	    record_of(session, &transaction->judged, transaction->queue_id);

	record.stage = stage_name(STAGE_EOM);
	add_message(&record, transaction, NULL);
	log_counted(session, &transaction->judged, &record, METRIC_ROW_MESSAGE,
	    METRIC_ACCEPT);
}
