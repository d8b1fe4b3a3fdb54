/*
 * session_rcpt.c - RCPT: who the recipient is, by every reading of its address.
 */
#include "session_parts.h"

#include <stdio.h>
#include <string.h>

static enum answer
is_internal_only(const struct judged *judged, const struct mailbox *mailbox)
{
	struct listing listing;
	const enum answer answer = session_look_up(judged, mailbox, &listing);

	if (answer != ANSWER_YES)
		return answer;
	return listing.internal_only ? ANSWER_YES : ANSWER_NO;
}

/*
 * A local part without a domain is delivered in one of our own, and which one
 * is the MTA's secret: it could be any.
 */
static enum answer
is_internal_only_anywhere(
    const struct judged *judged, const struct mailbox *domainless)
{
	const struct policy *policy = judged->policy;
	const char *fallback = judged->connector->default_domain;
	const enum answer answer =
	    directory_is_internal_only_anywhere(policy->directory, domainless,
		policy->organization.recipient_delimiter);
	struct mailbox mailbox = *domainless;

	if (fallback[0] == '\0' || answer == ANSWER_YES)
		return answer;
	mailbox.kind = MAILBOX_DOMAIN;
	snprintf(mailbox.domain, sizeof(mailbox.domain), "%s", fallback);
	return answer_either(answer, is_internal_only(judged, &mailbox));
}

/*
 * The MTA delivers at home what is addressed to its literals, whether the
 * connector takes them for ours or relays to them.
 */
static bool
is_own_literal(const struct judged *judged, const struct mailbox *mailbox)
{
	return organization_is_own_literal(
	    &judged->policy->organization, mailbox);
}

/*
 * What the MTA resolved it to. It decides where a routed address ends; with any
 * other it may only fold letters of the same one, and a bare name or anything
 * else says no more than what was typed.
 */
static enum answer
is_resolved_internal_only(const struct judged *judged,
    const struct mailbox *typed, const char *rcpt_addr)
{
	const enum answer unread = typed->routed ? ANSWER_UNKNOWN : ANSWER_NO;
	struct mailbox resolved;

	if (rcpt_addr == NULL)
		return unread;
	if (session_parse_path(&resolved, rcpt_addr) != 0)
		return ANSWER_UNKNOWN;
	if (resolved.kind == MAILBOX_INVALID || resolved.kind == MAILBOX_NULL)
		return unread;
	if (resolved.kind == MAILBOX_DOMAIN)
		return is_internal_only(judged, &resolved);
	return typed->routed &&
		(resolved.kind == MAILBOX_BARE ||
		    is_own_literal(judged, &resolved))
	    ? is_internal_only_anywhere(judged, &resolved)
	    : ANSWER_NO;
}

/*
 * Does the MTA deliver it here, whatever its domain says? Its own names and
 * literals need not be among our domains.
 */
static bool
ends_here(const struct judged *judged, const struct mailbox *typed,
    const struct rcpt_info *info)
{
	if (typed->kind == MAILBOX_BARE || is_own_literal(judged, typed))
		return true;
	return info->rcpt_mailer != NULL &&
	    strcmp(info->rcpt_mailer, "local") == 0 &&
	    !organization_has_mailbox(
		&judged->policy->organization, judged->connector, typed);
}

/* The MTA may have folded the letters of the local part, too. */
static enum answer
is_folded_internal_only_anywhere(const struct judged *judged,
    const struct mailbox *typed, const char *rcpt_addr)
{
	struct mailbox resolved;

	if (rcpt_addr == NULL)
		return ANSWER_NO;
	if (session_parse_path(&resolved, rcpt_addr) != 0)
		return ANSWER_UNKNOWN;
	return resolved.local[0] != '\0' &&
		strcmp(resolved.local, typed->local) != 0
	    ? is_internal_only_anywhere(judged, &resolved)
	    : ANSWER_NO;
}

/* typed is as typed, recipient completed. */
static enum answer
ask_internal_only(const struct judged *judged, const struct mailbox *typed,
    const struct mailbox *recipient, const struct rcpt_info *info)
{
	enum answer answer = answer_either(is_internal_only(judged, recipient),
	    is_resolved_internal_only(judged, typed, info->rcpt_addr));

	if (!ends_here(judged, typed, info))
		return answer;
	answer =
	    answer_either(answer, is_internal_only_anywhere(judged, typed));
	return answer_either(answer,
	    is_folded_internal_only_anywhere(judged, typed, info->rcpt_addr));
}

/*
 * Does what is still unknown decide? Not where a rule before refuses, nor for
 * an internal sender.
 */
static bool
internal_only_matters(const struct judged *judged)
{
	struct decision decision;

	policy_decide(&decision, STAGE_RCPT, judged);
	return decision.rule != NULL &&
	    strcmp(decision.rule->name, "internal_only") == 0;
}

/* 0, or -1 without memory. */
static int
set_recipient(struct session *session, const struct rcpt_info *info,
    struct mailbox *recipient)
{
	const struct transaction *transaction = session->transaction;
	const struct judged *judged = &transaction->judged;
	struct facts *facts = &session->facts;
	struct mailbox typed;
	struct listing listing;

	if (session_parse_path(&typed, info->path) != 0)
		return -1;
	*recipient = typed;
	/* RFC 5321 4.5.1: postmaster is taken without a domain. */
	if (text_casecmp(typed.local, "postmaster") != 0)
		session_complete(recipient, judged);
	facts->recipient = recipient;
	facts->rcpt_parameters_valid =
	    session_parameters_are_valid(info->parameters);
	facts->recipient_resolved =
	    info->rcpt_addr != NULL && info->rcpt_addr[0] != '\0';
	facts->recipient_listed = session_look_up(judged, recipient, &listing);
	facts->recipients_accepted = transaction->permitted;
	facts->recipient_internal_only =
	    directory_has_internal_only(judged->policy->directory)
	    ? ANSWER_UNKNOWN
	    : ANSWER_NO;
	if (facts->recipient_internal_only == ANSWER_UNKNOWN &&
	    internal_only_matters(judged))
		facts->recipient_internal_only =
		    ask_internal_only(judged, &typed, recipient, info);
	return 0;
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

	if (set_recipient(session, info, &recipient) != 0)
		return session_refuse_internal(
		    session, STAGE_RCPT, &command, reply);
	session_decide(session, STAGE_RCPT, judged, &decision, &command);
	session->facts.recipient = NULL;
	if (decision.verdict != VERDICT_ACCEPT)
		return session_refuse(
		    session, judged, &decision, &command, reply);
	session->transaction->permitted++;
	return true;
}

static bool
answer_rcpt(
    struct session *session, const struct rcpt_info *info, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	const struct command command = { info->queue_id, info->path };

	if (!session_wake(session))
		return session_refuse_internal(
		    session, STAGE_RCPT, &command, reply);
	session_protocol_received(
	    session, "RCPT TO:", info->path, info->parameters);
	/* Shown for the log alone: whatever is answered, it stays refused. */
	if (facts_refused_by_mta(info->rcpt_mailer, info->rcpt_addr)) {
		session_log_mta(session, info);
		return true;
	}
	if (!transaction->unjudged && !judge_recipient(session, info, reply))
		return false;
	if (transaction->recipients++ == 0)
		transaction->to = session_keep_shown(info->path);
	return true;
}

bool
session_rcpt(
    struct session *session, const struct rcpt_info *info, struct reply *reply)
{
	bool go_on;

	if (session->local_submission)
		return true;
	session_begin_command(session);
	go_on = answer_rcpt(session, info, reply);
	session_rest(session);
	session_end_command(session);
	return go_on;
}
