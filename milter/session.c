/*
 * session.c - plays one SMTP session against the policy: how it begins, and
 * what all its commands need.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "arena.h"
#include "log.h"
#include "session_parts.h"

/* Memory or order failed us: no rule was asked, nothing is permitted. */
static const struct rule cannot_judge = { .name = "internal" };

/* Before MAIL there is neither queue id nor recipient. */
static const struct command no_command;

struct session *
session_new(struct server *server)
{
	struct session *session = malloc(sizeof(*session));

	if (session == NULL)
		return NULL;
	/* malloc keeps freed sessions at hand, and calloc never asks there. */
	*session = (struct session){ .server = server };
	session->facts.live = server->live != NULL;
	return session;
}

/* No fact of one message may be left for the next. */
static void
forget_message(struct facts *facts)
{
	facts->stopping = false;
	facts->tls = TLS_OFF;
	facts->certificate = NULL;
	facts->mechanism = MECHANISM_NONE;
	facts->login = NULL;
	facts->login_address = NULL;
	facts->sender = NULL;
	facts->sender_claim = 0;
	facts->mail_parameters_valid = false;
	facts->auth_null = false;
	facts->declared_size = -1;
	facts->pressure = PRESSURE_LOW;
	facts->rate_exceeded = false;
	facts->recipients_accepted = 0;
	facts->authors_told = false;
	facts->author_claims = 0;
	facts->header_overfull = false;
	facts->message_told = false;
	facts->message_bytes = 0;
	facts->header_bytes = 0;
	facts->hops = 0;
	facts->local_hops = 0;
}

static void
transaction_free(struct transaction *transaction)
{
	arena_free(transaction->header.arena);
	free(transaction->sender);
	free(transaction->login_address);
	free(transaction->login);
	free(transaction->certificate);
	free(transaction->tls);
	free(transaction->server_name);
	free(transaction->queue_id);
	free(transaction->from);
	free(transaction->to);
	free(transaction->author);
	free(transaction);
}

bool
session_wake(struct session *session)
{
	struct transaction *transaction = session->transaction;

	if (transaction != NULL && transaction->resting)
		transaction->resting = !snapshot_wake(transaction->snapshot);
	return transaction != NULL && !transaction->resting;
}

void
session_rest(struct session *session)
{
	struct transaction *transaction = session->transaction;

	if (transaction == NULL || transaction->resting)
		return;
	transaction->resting = true;
	snapshot_rest(transaction->snapshot);
}

void
session_abort(struct session *session)
{
	struct transaction *transaction = session->transaction;

	session_end_transaction(session);
	if (transaction == NULL)
		return;
	/* Awake or lost, it is let go. */
	(void)!session_wake(session);
	snapshots_unpin(session->server->snapshots, transaction->snapshot);
	transaction_free(transaction);
	session->transaction = NULL;
	forget_message(&session->facts);
	/* The client was busy with it, and no callback needs to have told. */
	session_end_command(session);
}

/* What a client has begun and holds. */
static void
forget_client(struct session *session)
{
	session_abort(session);
	session_protocol_end(session);
	session_leave(session);
	session->passed = 0;
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	forget_client(session);
	free(session->host);
	free(session->helo);
	free(session->client_name);
	free(session);
}

bool
session_monitors(const struct session *session, const struct judged *judged)
{
	return session->server->live != NULL && policy_monitors(judged);
}

/* Does the refusal have to be given in the connect callback itself? */
static bool
is_refused_at_connect(const struct decision *decision)
{
	return decision->reply == REPLY_AT_CONNECT;
}

/* What is refused for the milter's own sake is no matter of the mode. */
static bool
is_enforced(const struct session *session, const struct judged *judged,
    const struct decision *decision)
{
	return !session_monitors(session, judged) ||
	    is_refused_at_connect(decision) ||
	    decision->reply == REPLY_STOPPING ||
	    decision->rule == &cannot_judge;
}

bool
session_refuse(struct session *session, const struct judged *judged,
    const struct decision *decision, const struct command *command,
    struct reply *reply)
{
	const struct refusal refusal = { decision->stage, decision->rule,
		decision->reply, is_enforced(session, judged, decision) };

	policy_reply(reply, refusal.rule, refusal.reply, judged);
	session_log_refusal(session, judged, &refusal, reply, command);
	if (refusal.enforced)
		session_punish(session, judged, reply);
	return !refusal.enforced;
}

/* A decision without a connector, as it is given: false. */
static bool
refuse_unjudged(struct session *session, const struct decision *decision,
    const struct command *command, struct reply *reply)
{
	struct snapshot *snapshot = snapshots_pin(session->server->snapshots);
	const struct judged judged = {
		.policy = config_policy(snapshot_config(snapshot)),
		.facts = &session->facts,
	};

	(void)session_refuse(session, &judged, decision, command, reply);
	snapshots_unpin(session->server->snapshots, snapshot);
	return false;
}

bool
session_refuse_internal(struct session *session, enum stage stage,
    const struct command *command, struct reply *reply)
{
	const struct decision decision = {
		.stage = stage,
		.verdict = VERDICT_TEMPFAIL,
		.rule = &cannot_judge,
		.reply = REPLY_UNDECIDED,
	};

	return refuse_unjudged(session, &decision, command, reply);
}

bool
session_refuse_stopping(
    struct session *session, const struct command *command, struct reply *reply)
{
	const struct decision decision = {
		.stage = STAGE_CONNECT,
		.verdict = VERDICT_TEMPFAIL,
		.rule = rules_of_stage(STAGE_CONNECT), /* admission */
		.reply = REPLY_STOPPING,
	};

	return refuse_unjudged(session, &decision, command, reply);
}

/* What would have refused, had its setting said more than to watch it. */
static void
log_noted(const struct session *session, const struct judged *judged,
    const struct decision *decision, const struct command *command)
{
	const struct refusal refusal = { decision->stage, decision->noted,
		decision->noted_reply, false };
	struct reply reply;

	policy_reply(&reply, refusal.rule, refusal.reply, judged);
	session_log_refusal(session, judged, &refusal, &reply, command);
}

void
session_decide(struct session *session, enum stage stage,
    const struct judged *judged, struct decision *decision,
    const struct command *command)
{
	const struct observer *observer = &session->server->observer;

	policy_decide(decision, stage, judged);
	if (observer->decided != NULL)
		observer->decided(observer->arg, judged, decision, command->to);
	if (decision->noted != NULL)
		log_noted(session, judged, decision, command);
}

static void
select_connector(struct session *session, struct judged *judged)
{
	const struct observer *observer = &session->server->observer;
	struct owner owner;

	policy_select(judged, &owner);
	if (observer->selected != NULL)
		observer->selected(observer->arg, judged, &owner);
}

static void
judge_anew(struct session *session, const struct snapshot *snapshot,
    struct judged *judged, struct decision *decision,
    const struct command *command)
{
	session->passed = session->helo_passed = 0;
	select_connector(session, judged);
	session_take_slot(session, snapshot, judged);
	session_decide(session, STAGE_CONNECT, judged, decision, command);
	if (decision->verdict != VERDICT_ACCEPT)
		return;
	session->passed = snapshot_number(snapshot);
	session->connector = judged->connector;
}

void
session_judge_connection(struct session *session,
    const struct snapshot *snapshot, struct judged *judged,
    struct decision *decision, const struct command *command)
{
	*judged = (struct judged){
		.policy = config_policy(snapshot_config(snapshot)),
		.facts = &session->facts,
	};
	if (session->passed == snapshot_number(snapshot)) {
		judged->connector = session->connector;
		policy_pass(decision, STAGE_CONNECT);
	} else {
		judge_anew(session, snapshot, judged, decision, command);
	}
	session_protocol_select(session, judged);
}

void
session_judge_helo(struct session *session, const struct judged *judged,
    struct decision *decision, const struct command *command)
{
	if (session->passed != 0 && session->helo_passed == session->passed) {
		policy_pass(decision, STAGE_HELO);
		return;
	}
	session_decide(session, STAGE_HELO, judged, decision, command);
	if (decision->verdict == VERDICT_ACCEPT)
		session->helo_passed = session->passed;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text & 0x80)
			return false;
	return true;
}

/*
 * A client's name may be one that is no mail domain (with an underscore, say)
 * and must still match what a host: principal denies. What IDNA would map to
 * another name is not that one, nor surely none: nobody can say.
 */
static char *
client_name(const char *host)
{
	char name[DOMAIN_MAX + 1];
	size_t len;

	if (host == NULL || !is_ascii(host))
		return NULL;
	len = strlen(host);
	if (domain_canonical(name, host, len) == NULL)
		return strdup(name);
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > DOMAIN_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = text_lower(host[i]);
	name[len] = '\0';
	return strdup(name);
}

static void
set_client(struct session *session, const struct connect_info *info)
{
	struct facts *facts = &session->facts;

	facts->client = addr_unmap(info->client);
	facts->listener = info->listener;
	facts->listener.addr = addr_unmap(info->listener.addr);
	facts->client_name_verified =
	    facts_client_resolved(info->client_resolve);
	free(session->client_name);
	session->client_name = client_name(info->host);
	facts->client_name = session->client_name;
	session->client_port = info->client_port;
	session->local_submission = info->local_submission;
	free(session->host);
	/* Both MTAs give an address in brackets to a client without a name. */
	session->host =
	    strdup(info->host == NULL || info->host[0] == '[' ? "unknown"
							      : info->host);
}

static bool
answer_connect(struct session *session, const struct snapshot *snapshot,
    struct reply *reply)
{
	struct decision decision;
	struct judged judged;

	session_judge_connection(
	    session, snapshot, &judged, &decision, &no_command);
	if (is_refused_at_connect(&decision))
		return session_refuse(
		    session, &judged, &decision, &no_command, reply);
	if (session->server->verbose && decision.verdict == VERDICT_ACCEPT)
		session_log_selection(session, &judged);
	return true;
}

bool
session_connect(struct session *session, const struct connect_info *info,
    struct reply *reply)
{
	struct snapshots *snapshots = session->server->snapshots;
	struct snapshot *snapshot = snapshots_pin(snapshots);
	bool go_on = true;

	forget_client(session);
	session_admit(session, snapshot_config(snapshot));
	set_client(session, info);
	session_start_clock(session);
	if (!session->local_submission)
		go_on = answer_connect(session, snapshot, reply);
	else if (session->server->live != NULL)
		log_line(LOG_INFO, "local submission: not judged");
	snapshots_unpin(snapshots, snapshot);
	session_end_command(session);
	return go_on;
}

static void
set_helo(struct session *session, const char *name)
{
	char shown[SHOWN_MAX];

	session->helo_passed = 0;
	session->facts.helo = helo_form(name);
	session_shown(shown, name);
	free(session->helo);
	session->helo = strdup(shown);
}

/* Only what closes the connection; all else waits for MAIL. */
static bool
answer_helo(struct session *session, const struct snapshot *snapshot,
    const char *name, struct reply *reply)
{
	struct decision decision;
	struct judged judged;

	session_judge_connection(
	    session, snapshot, &judged, &decision, &no_command);
	session_protocol_received(session, "EHLO ", name, NULL);
	if (decision.verdict == VERDICT_ACCEPT)
		session_judge_helo(session, &judged, &decision, &no_command);
	if (decision.verdict == VERDICT_ACCEPT || !reply_closes(decision.reply))
		return true;
	return session_refuse(session, &judged, &decision, &no_command, reply);
}

bool
session_helo(struct session *session, const char *name, struct reply *reply)
{
	struct snapshots *snapshots = session->server->snapshots;
	struct snapshot *snapshot;
	bool go_on;

	set_helo(session, name);
	if (session->local_submission) {
		session_abort(session);
		return true;
	}
	session_begin_command(session);
	/* Behind an unknown command libmilter does not tell of an abort. */
	session_abort(session);
	snapshot = snapshots_pin(snapshots);
	go_on = answer_helo(session, snapshot, name, reply);
	snapshots_unpin(snapshots, snapshot);
	session_end_command(session);
	return go_on;
}
