/*
 * session_parts.h - what the files of the session room share: its inside.
 *
 * session.c plays the session, session_log.c says what the operator log hears
 * of it. No other room includes this. A session owns what it points to, but for
 * the server. As for threads see session.h.
 */
#ifndef SESSION_PARTS_H
#define SESSION_PARTS_H

#include "session.h"
#include "text.h"

/* One byte more than the log shows, so that it tells that there was more. */
#define SHOWN_MAX (TEXT_FIELD_MAX + 2)

/* From MAIL to the end of the message. */
struct transaction {
	struct snapshot *snapshot; /* pinned */
	struct judged judged;
	struct mailbox sender;
	char from[SHOWN_MAX];
	char to[SHOWN_MAX];  /* the first accepted recipient */
	unsigned recipients; /* accepted ones */
	char *login;
	struct mailbox login_address;
	char *tls;
};

struct session {
	struct server *server;
	struct facts facts;
	uint16_t client_port;
	bool counted; /* in server->sessions */
	bool local_submission;
	char *host; /* as the log calls the client */
	char *helo; /* as the log shows it; NULL: none yet */
	char client_name[DOMAIN_MAX + 1]; /* of facts */
	struct transaction *transaction;  /* NULL outside of one */
};

/* Copies a path without its brackets, cut where the log would cut it. */
void session_shown(char out[SHOWN_MAX], const char *text);

/*
 * Each of these writes one line of the operator log, and none without live
 * state. A refused command; to is NULL but for RCPT:
 */
void session_log_refusal(const struct session *session,
    const struct judged *judged, const struct decision *decision,
    const struct reply *reply, const char *queue_id, const char *to);

/* A recipient that the MTA refused by itself, in its words: */
void session_log_mta(
    const struct session *session, const struct rcpt_info *info);

/* A session and its connector: */
void session_log_selection(
    const struct session *session, const struct judged *judged);

/* An accepted message: */
void session_log_acceptance(
    const struct session *session, const char *queue_id);

#endif
