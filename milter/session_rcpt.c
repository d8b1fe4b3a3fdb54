/*
 * session_rcpt.c - RCPT: who the recipient is, by every reading of its address.
 */
#include "session_parts.h"

#include <stdio.h>
#include <string.h>

/* One yes is a yes; else one that is not known leaves all unknown. */
static enum answer
either(enum answer a, enum answer b)
{
	if (a == ANSWER_YES || b == ANSWER_YES)
		return ANSWER_YES;
	return a == ANSWER_UNKNOWN ? a : b;
}

static enum answer
is_internal_only(const struct judged *judged, const struct mailbox *mailbox)
{
	struct listing listing;
	const enum answer answer = session_look_up(judged, mailbox, &listing);

	if (answer != ANSWER_YES)
		return answer;
	return listing.internal_only ? ANSWER_YES : ANSWER_NO;
}

static enum answer
is_internal_only_at(
    const struct judged *judged, struct mailbox *mailbox, const char *domain)
{
	snprintf(mailbox->domain, sizeof(mailbox->domain), "%s", domain);
	return is_internal_only(judged, mailbox);
}

/*
 * A local part without a domain is delivered in one of our own, and which one
 * is the MTA's secret: it could be any.
 */
static enum answer
is_internal_only_anywhere(
    const struct judged *judged, const struct mailbox *domainless)
{
	const struct domain_set *own =
	    &judged->policy->organization.accepted_domains;
	const char *fallback = judged->connector->default_domain;
	struct mailbox mailbox = *domainless;
	enum answer answer = ANSWER_NO;

	mailbox.kind = MAILBOX_DOMAIN;
	if (fallback[0] != '\0')
		answer = is_internal_only_at(judged, &mailbox, fallback);
	for (size_t i = 0; i < own->count && answer != ANSWER_YES; i++)
		if (!own->patterns[i].below)
			answer = either(answer,
			    is_internal_only_at(
				judged, &mailbox, own->patterns[i].name));
	return answer;
}

/* Is it a literal that stands for one of our own domains? */
static bool
is_own_literal(const struct judged *judged, const struct mailbox *mailbox)
{
	return mailbox->kind == MAILBOX_LITERAL &&
	    organization_has_mailbox(
		&judged->policy->organization, judged->connector, mailbox);
}

/* Where a routed address ends is what the MTA resolved it to. */
static enum answer
is_resolved_internal_only(const struct judged *judged, const char *rcpt_addr)
{
	struct mailbox resolved;

	if (rcpt_addr == NULL)
		return ANSWER_UNKNOWN;
	session_parse_path(&resolved, rcpt_addr);
	if (resolved.kind == MAILBOX_INVALID || resolved.kind == MAILBOX_NULL)
		return ANSWER_UNKNOWN;
	if (resolved.kind == MAILBOX_BARE || is_own_literal(judged, &resolved))
		return is_internal_only_anywhere(judged, &resolved);
	return is_internal_only(judged, &resolved);
}

/* typed is as typed, recipient completed. */
static enum answer
ask_internal_only(const struct judged *judged, const struct mailbox *typed,
    const struct mailbox *recipient, const char *rcpt_addr)
{
	enum answer answer;

	if (!directory_has_internal_only(judged->policy->directory))
		return ANSWER_NO;
	answer = is_internal_only(judged, recipient);
	if (typed->routed)
		answer = either(
		    answer, is_resolved_internal_only(judged, rcpt_addr));
	if (typed->kind == MAILBOX_BARE || is_own_literal(judged, typed))
		answer =
		    either(answer, is_internal_only_anywhere(judged, typed));
	return answer;
}

static void
set_recipient(struct session *session, const struct rcpt_info *info,
    struct mailbox *recipient)
{
	const struct transaction *transaction = session->transaction;
	const struct judged *judged = &transaction->judged;
	struct facts *facts = &session->facts;
	struct mailbox typed;
	struct listing listing;

	session_parse_path(&typed, info->path);
	*recipient = typed;
	session_complete(recipient, judged);
	facts->recipient = recipient;
	facts->rcpt_parameters_valid =
	    session_parameters_are_valid(info->parameters);
	facts->recipient_resolved =
	    info->rcpt_addr != NULL && info->rcpt_addr[0] != '\0';
	facts->recipient_listed = session_look_up(judged, recipient, &listing);
	facts->recipient_internal_only = judged->policy->directory != NULL
	    ? ask_internal_only(judged, &typed, recipient, info->rcpt_addr)
	    : ANSWER_NO;
	facts->recipients_accepted = transaction->permitted;
}

/* Judges a recipient of a transaction that is judged: true to go on. */
static bool
judge_recipient(
    struct session *session, const struct rcpt_info *info, struct reply *reply)
{
	const struct command command = { info->queue_id, info->path };
	const struct judged *judged = &session->transaction->judged;
	struct mailbox recipient;
	struct decision decision;

	set_recipient(session, info, &recipient);
	session_decide(session, STAGE_RCPT, judged, &decision, &command);
	session->facts.recipient = NULL;
	if (decision.verdict != VERDICT_ACCEPT)
		return session_refuse(
		    session, judged, &decision, &command, reply);
	session->transaction->permitted++;
	return true;
}

bool
session_rcpt(
    struct session *session, const struct rcpt_info *info, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	const struct command command = { info->queue_id, info->path };

	if (session->local_submission)
		return true;
	if (transaction == NULL)
		return session_refuse_internal(
		    session, STAGE_RCPT, &command, reply);
	/* Shown for the log alone: whatever is answered, it stays refused. */
	if (facts_refused_by_mta(info->rcpt_mailer, info->rcpt_addr)) {
		session_log_mta(session, info);
		return true;
	}
	if (!transaction->unjudged && !judge_recipient(session, info, reply))
		return false;
	if (transaction->recipients++ == 0)
		session_shown(transaction->to, info->path);
	return true;
}
