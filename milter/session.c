/*
 * session.c - plays one SMTP session against the policy.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "log.h"
#include "session_parts.h"

/* Memory or order failed us: no rule was asked, nothing is permitted. */
static const struct rule cannot_judge = { .name = "internal" };

struct session *
session_new(struct server *server)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->server = server;
	session->facts.live = server->live;
	return session;
}

void
session_abort(struct session *session)
{
	struct transaction *transaction = session->transaction;

	if (transaction == NULL)
		return;
	snapshots_unpin(session->server->snapshots, transaction->snapshot);
	free(transaction->login);
	free(transaction->tls);
	free(transaction);
	session->transaction = NULL;
	session->facts.sender = NULL;
	session->facts.login = NULL;
	session->facts.login_address = NULL;
	session->facts.mechanism = MECHANISM_NONE;
	session->facts.tls = TLS_OFF;
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	session_abort(session);
	if (session->counted)
		atomic_fetch_sub(&session->server->sessions, 1);
	free(session->host);
	free(session->helo);
	free(session);
}

/* The reply of a refusal, to the client and the log; false: not to go on. */
static bool
refuse(const struct session *session, const struct judged *judged,
    const struct decision *decision, struct reply *reply, const char *queue_id,
    const char *to)
{
	policy_reply(reply, decision, judged);
	session_log_refusal(session, judged, decision, reply, queue_id, to);
	return false;
}

/* A refusal that no rule gave, in the words of one that cannot decide. */
static bool
refuse_internal(struct session *session, enum stage stage, const char *queue_id,
    const char *to, struct reply *reply)
{
	struct snapshot *snapshot = snapshots_pin(session->server->snapshots);
	const struct judged judged = {
		.policy = config_policy(snapshot_config(snapshot)),
		.facts = &session->facts,
	};
	const struct decision decision = {
		.stage = stage,
		.verdict = VERDICT_TEMPFAIL,
		.rule = &cannot_judge,
		.reply = REPLY_UNDECIDED,
	};

	(void)refuse(session, &judged, &decision, reply, queue_id, to);
	snapshots_unpin(session->server->snapshots, snapshot);
	return false;
}

static void
decide(struct session *session, enum stage stage, const struct judged *judged,
    struct decision *decision, const char *recipient)
{
	const struct observer *observer = &session->server->observer;

	policy_decide(decision, stage, judged);
	if (observer->decided != NULL)
		observer->decided(observer->arg, judged, decision, recipient);
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

/* Selection and the rules of the connect stage, by the pinned snapshot. */
static void
judge_connection(struct session *session, const struct snapshot *snapshot,
    struct judged *judged, struct decision *decision)
{
	*judged = (struct judged){
		.policy = config_policy(snapshot_config(snapshot)),
		.facts = &session->facts,
	};
	select_connector(session, judged);
	decide(session, STAGE_CONNECT, judged, decision, NULL);
}

/* Does the refusal have to be given in the connect callback itself? */
static bool
is_refused_at_connect(const struct decision *decision)
{
	return decision->reply == REPLY_AT_CONNECT;
}

static void
admit(struct session *session, const struct config *config)
{
	struct server *server = session->server;
	long open;

	if (session->counted)
		return;
	session->counted = true;
	open = atomic_fetch_add(&server->sessions, 1) + 1;
	session->facts.admitted = open <= config_milter(config)->max_sessions;
}

/*
 * A client's name may be one that is no mail domain (with an underscore, say)
 * and must still match what a host: principal denies.
 */
static const char *
client_name(char out[DOMAIN_MAX + 1], const char *host)
{
	size_t len;

	if (host == NULL)
		return NULL;
	len = strlen(host);
	if (domain_canonical(out, host, len) == NULL)
		return out;
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > DOMAIN_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		out[i] = text_lower(host[i]);
	out[len] = '\0';
	return out;
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
	facts->client_name = client_name(session->client_name, info->host);
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

	judge_connection(session, snapshot, &judged, &decision);
	if (is_refused_at_connect(&decision))
		return refuse(session, &judged, &decision, reply, NULL, NULL);
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

	admit(session, snapshot_config(snapshot));
	set_client(session, info);
	if (!session->local_submission)
		go_on = answer_connect(session, snapshot, reply);
	else if (session->server->live)
		log_line(LOG_INFO, "local submission: not judged");
	snapshots_unpin(snapshots, snapshot);
	return go_on;
}

static void
set_helo(struct session *session, const char *name)
{
	char shown[SHOWN_MAX];

	session_shown(shown, name);
	free(session->helo);
	session->helo = strdup(shown);
}

/* Only what closes the connection; all else waits for MAIL. */
static bool
answer_helo(struct session *session, const struct snapshot *snapshot,
    struct reply *reply)
{
	struct decision decision;
	struct judged judged;

	judge_connection(session, snapshot, &judged, &decision);
	if (decision.verdict == VERDICT_ACCEPT)
		decide(session, STAGE_HELO, &judged, &decision, NULL);
	if (decision.verdict == VERDICT_ACCEPT || !reply_closes(decision.reply))
		return true;
	return refuse(session, &judged, &decision, reply, NULL, NULL);
}

bool
session_helo(struct session *session, const char *name, struct reply *reply)
{
	struct snapshots *snapshots = session->server->snapshots;
	struct snapshot *snapshot;
	bool go_on;

	set_helo(session, name);
	if (session->local_submission)
		return true;
	snapshot = snapshots_pin(snapshots);
	go_on = answer_helo(session, snapshot, reply);
	snapshots_unpin(snapshots, snapshot);
	return go_on;
}

static bool
parameters_are_valid(const char *const *parameters)
{
	for (; parameters != NULL && *parameters != NULL; parameters++)
		if (!mailbox_is_parameter(*parameters))
			return false;
	return true;
}

/* Unparsable is a fact like any other; a rule will say so. */
static void
parse_path(struct mailbox *mailbox, const char *path)
{
	if (mailbox_parse(mailbox, path, strlen(path)) != NULL)
		mailbox->kind = MAILBOX_INVALID;
}

static int
set_login(struct session *session, struct transaction *transaction,
    const struct mail_info *info)
{
	struct facts *facts = &session->facts;

	facts->tls = facts_tls(info->tls_version);
	if (facts->tls != TLS_OFF) {
		transaction->tls = strdup(info->tls_version);
		if (transaction->tls == NULL)
			return -1;
	}
	facts->mechanism = facts_mechanism(info->auth_type, info->auth_authen);
	if (facts->mechanism != MECHANISM_NONE) {
		transaction->login = strdup(info->auth_authen);
		if (transaction->login == NULL)
			return -1;
	}
	facts->login = transaction->login;
	facts->login_address = NULL;
	if (facts->login != NULL) {
		parse_path(&transaction->login_address, facts->login);
		if (transaction->login_address.kind == MAILBOX_DOMAIN)
			facts->login_address = &transaction->login_address;
	}
	return 0;
}

/* Begins the transaction. 0, or -1 without memory. */
static int
begin(struct session *session, const struct mail_info *info)
{
	struct transaction *transaction = calloc(1, sizeof(*transaction));

	if (transaction == NULL)
		return -1;
	transaction->snapshot = snapshots_pin(session->server->snapshots);
	session->transaction = transaction;
	if (set_login(session, transaction, info) != 0) {
		session_abort(session);
		return -1;
	}
	session_shown(transaction->from, info->path);
	parse_path(&transaction->sender, info->path);
	session->facts.sender = &transaction->sender;
	session->facts.mail_parameters_valid =
	    parameters_are_valid(info->parameters);
	return 0;
}

/* Connect, helo and mail rules, in this order, until one refuses. */
static void
judge_mail(struct session *session, struct decision *decision)
{
	struct transaction *transaction = session->transaction;
	struct judged *judged = &transaction->judged;

	judge_connection(session, transaction->snapshot, judged, decision);
	if (decision->verdict != VERDICT_ACCEPT)
		return;
	decide(session, STAGE_HELO, judged, decision, NULL);
	if (decision->verdict != VERDICT_ACCEPT)
		return;
	policy_identify(judged);
	decide(session, STAGE_MAIL, judged, decision, NULL);
}

bool
session_mail(
    struct session *session, const struct mail_info *info, struct reply *reply)
{
	struct decision decision;

	session_abort(session);
	if (session->local_submission)
		return true;
	if (begin(session, info) != 0)
		return refuse_internal(
		    session, STAGE_MAIL, info->queue_id, NULL, reply);
	judge_mail(session, &decision);
	if (decision.verdict == VERDICT_ACCEPT)
		return true;
	(void)refuse(session, &session->transaction->judged, &decision, reply,
	    info->queue_id, NULL);
	session_abort(session);
	return false;
}

bool
session_rcpt(
    struct session *session, const struct rcpt_info *info, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	struct facts *facts = &session->facts;
	struct decision decision;
	struct mailbox recipient;

	if (session->local_submission)
		return true;
	if (transaction == NULL)
		return refuse_internal(
		    session, STAGE_RCPT, info->queue_id, info->path, reply);
	/* Shown for the log alone: whatever is answered, it stays refused. */
	if (facts_refused_by_mta(info->rcpt_mailer, info->rcpt_addr)) {
		session_log_mta(session, info);
		return true;
	}
	parse_path(&recipient, info->path);
	facts->recipient = &recipient;
	facts->rcpt_parameters_valid = parameters_are_valid(info->parameters);
	facts->recipient_resolved =
	    info->rcpt_addr != NULL && info->rcpt_addr[0] != '\0';
	decide(
	    session, STAGE_RCPT, &transaction->judged, &decision, info->path);
	facts->recipient = NULL;
	if (decision.verdict == VERDICT_ACCEPT) {
		if (transaction->recipients++ == 0)
			session_shown(transaction->to, info->path);
		return true;
	}
	return refuse(session, &transaction->judged, &decision, reply,
	    info->queue_id, info->path);
}

bool
session_eom(struct session *session, const char *queue_id, struct reply *reply)
{
	if (session->local_submission)
		return true;
	/* A message without an accepted recipient was never judged. */
	if (session->transaction == NULL ||
	    session->transaction->recipients == 0)
		return refuse_internal(
		    session, STAGE_EOM, queue_id, NULL, reply);
	session_log_acceptance(session, queue_id);
	session_abort(session);
	return true;
}
