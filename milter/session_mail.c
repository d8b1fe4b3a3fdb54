/*
 * session_mail.c - MAIL: who the client is and whom it claims to be.
 */
#include "session_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"

bool
session_parameters_are_valid(const char *const *parameters)
{
	for (; parameters != NULL && *parameters != NULL; parameters++)
		if (!mailbox_is_parameter(*parameters))
			return false;
	return true;
}

/* RFC 4954 5: who passes a message on does not vouch for its sender. */
static bool
have_auth_null(const char *const *parameters)
{
	for (; parameters != NULL && *parameters != NULL; parameters++)
		if (text_casecmp(*parameters, "AUTH=<>") == 0)
			return true;
	return false;
}

/*
 * RFC 1870 6.1: SIZE= and up to 20 digits; what is too long for us is too large
 * as well. Of several the largest counts, and what is no number is not judged:
 * the end of the message counts bytes.
 */
static long long
declared_size(const char *const *parameters)
{
	static const char key[] = "SIZE=";
	long long largest = -1;

	for (; parameters != NULL && *parameters != NULL; parameters++) {
		const char *digits = *parameters + strlen(key);
		long long size;

		if (text_ncasecmp(*parameters, key, strlen(key)) != 0 ||
		    *digits == '\0' ||
		    digits[strspn(digits, "0123456789")] != '\0')
			continue;
		size = strtoll(digits, NULL, 10);
		largest = size > largest ? size : largest;
	}
	return largest;
}

int
session_parse_path(struct mailbox *mailbox, const char *path)
{
	const char *wrong = mailbox_parse(mailbox, path, strlen(path));

	if (wrong != NULL)
		mailbox->kind = MAILBOX_INVALID;
	return wrong != domain_no_memory ? 0 : -1;
}

void
session_complete(struct mailbox *mailbox, const struct judged *judged)
{
	const char *domain = judged->connector->default_domain;
	const size_t len = strlen(domain);

	if (mailbox->kind != MAILBOX_BARE || len == 0 ||
	    strlen(mailbox->local) + 1 + len > MAILBOX_MAX)
		return;
	mailbox->kind = MAILBOX_DOMAIN;
	memcpy(mailbox->domain, domain, len + 1);
}

enum answer
session_look_up(const struct judged *judged, const struct mailbox *mailbox,
    struct listing *listing)
{
	const struct policy *policy = judged->policy;

	return directory_find_mailbox(policy->directory, mailbox,
	    policy->organization.recipient_delimiter, listing);
}

unsigned
session_claim(const struct judged *judged, const struct mailbox *mailbox)
{
	const char *login = judged->facts->login;
	struct claim_listing claim = { .owned = false };
	struct listing listing;

	claim.listed = session_look_up(judged, mailbox, &listing);
	if (claim.listed == ANSWER_YES && login != NULL)
		claim.owned = listing_has_login(&listing, login);
	return claim_of(judged, mailbox, &claim);
}

/* 0, or -1 without memory; NULL is no text and no failure. */
static int
keep(char **copy, const char *text)
{
	*copy = text != NULL ? strdup(text) : NULL;
	return text == NULL || *copy != NULL ? 0 : -1;
}

/* 0, or -1 without memory. */
static int
set_tls(struct facts *facts, struct transaction *transaction,
    const struct mail_info *info)
{
	char name[DOMAIN_MAX + 1];

	facts->tls = facts_tls(info->tls_version);
	if (facts->tls == TLS_OFF)
		return 0;
	if (keep(&transaction->certificate,
		facts_certificate(name, info->verify, info->cn_subject,
		    info->cert_subject)) != 0)
		return -1;
	facts->certificate = transaction->certificate;
	return keep(&transaction->tls, info->tls_version);
}

/* An address of its own, to be freed; *mailbox is NULL without memory. */
static int
parse_path(struct mailbox **mailbox, const char *path)
{
	*mailbox = malloc(sizeof(**mailbox));
	return *mailbox != NULL ? session_parse_path(*mailbox, path) : -1;
}

/* 0, or -1 without memory. */
static int
set_login(struct facts *facts, struct transaction *transaction,
    const struct mail_info *info)
{
	facts->mechanism = facts_mechanism(info->auth_type, info->auth_authen);
	if (facts->mechanism == MECHANISM_NONE)
		return 0;
	if (keep(&transaction->login, info->auth_authen) != 0 ||
	    parse_path(&transaction->login_address, info->auth_authen) != 0)
		return -1;
	facts->login = transaction->login;
	if (transaction->login_address->kind == MAILBOX_DOMAIN)
		facts->login_address = transaction->login_address;
	return 0;
}

/* 0, or -1 without memory. */
static int
set_texts(struct transaction *transaction, const struct mail_info *info)
{
	transaction->from = session_keep_shown(info->path);
	return transaction->from != NULL
	    ? keep(&transaction->server_name, info->server_name)
	    : -1;
}

static struct transaction *
transaction_new(struct snapshots *snapshots)
{
	struct transaction *transaction = malloc(sizeof(*transaction));

	if (transaction == NULL)
		return NULL;
	*transaction =
	    (struct transaction){ .snapshot = snapshots_pin(snapshots) };
	return transaction;
}

/* Begins the transaction. 0, or -1 without memory. */
static int
begin(struct session *session, const struct mail_info *info)
{
	struct transaction *transaction =
	    transaction_new(session->server->snapshots);
	struct facts *facts = &session->facts;

	if (transaction == NULL)
		return -1;
	session->transaction = transaction;
	session_begin_transaction(session);
	if (set_tls(facts, transaction, info) != 0 ||
	    set_login(facts, transaction, info) != 0 ||
	    set_texts(transaction, info) != 0 ||
	    parse_path(&transaction->sender, info->path) != 0) {
		session_abort(session);
		return -1;
	}
	facts->sender = transaction->sender;
	facts->mail_parameters_valid =
	    session_parameters_are_valid(info->parameters);
	facts->auth_null = have_auth_null(info->parameters);
	facts->declared_size = declared_size(info->parameters);
	return 0;
}

/* The rules of MAIL itself. Only a message that they let in is counted. */
static void
judge_sender(struct session *session, struct decision *decision,
    const struct command *command)
{
	struct transaction *transaction = session->transaction;
	struct judged *judged = &transaction->judged;
	struct limits_message message;

	session_complete(transaction->sender, judged);
	session->facts.sender_claim =
	    session_claim(judged, transaction->sender);
	session_count_message(session, judged, &message);
	session_decide(session, STAGE_MAIL, judged, decision, command);
	if (decision->verdict != VERDICT_ACCEPT)
		session_take_back(session, &message);
}

/* Connect, helo and mail rules, in this order, until one refuses. */
static void
judge_mail(struct session *session, const struct mail_info *info,
    struct decision *decision, const struct command *command)
{
	struct transaction *transaction = session->transaction;
	struct judged *judged = &transaction->judged;

	session_judge_connection(
	    session, transaction->snapshot, judged, decision, command);
	/* Also for the log, whatever was decided. */
	if (judged->connector != NULL) {
		policy_identify(judged);
		session_protocol_identify(session, judged);
	}
	session_protocol_received(
	    session, "MAIL FROM:", info->path, info->parameters);
	if (decision->verdict != VERDICT_ACCEPT)
		return;
	session_judge_helo(session, judged, decision, command);
	if (decision->verdict != VERDICT_ACCEPT)
		return;
	/* Else rule no_connector has refused. */
	assert(judged->connector != NULL);
	judge_sender(session, decision, command);
}

static bool
answer_mail(
    struct session *session, const struct mail_info *info, struct reply *reply)
{
	const struct command command = { .queue_id = info->queue_id };
	struct decision decision;

	/* As a stranger it might be permitted what its login is denied. */
	if (info->stale || begin(session, info) != 0)
		return session_refuse_internal(
		    session, STAGE_MAIL, &command, reply);
	judge_mail(session, info, &decision, &command);
	if (decision.verdict == VERDICT_ACCEPT)
		return true;
	session->transaction->unjudged = session_refuse(
	    session, &session->transaction->judged, &decision, &command, reply);
	if (session->transaction->unjudged)
		return true;
	session_abort(session);
	return false;
}

/* It is not judged, but a stop waits for its end all the same. */
static bool
answer_local(
    struct session *session, const struct mail_info *info, struct reply *reply)
{
	const struct command command = { .queue_id = info->queue_id };

	session_abort(session);
	session_begin_transaction(session);
	if (!session->facts.stopping)
		return true;
	session_end_transaction(session);
	return session_refuse_stopping(session, &command, reply);
}

bool
session_mail(
    struct session *session, const struct mail_info *info, struct reply *reply)
{
	bool go_on;

	if (session->local_submission)
		return answer_local(session, info, reply);
	session_begin_command(session);
	session_abort(session);
	go_on = answer_mail(session, info, reply);
	session_rest(session);
	session_end_command(session);
	return go_on;
}
