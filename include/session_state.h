/*
 * session_state.h - the inside of a session; for the rooms session*.c alone.
 */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include "session.h"

/* Enough for the log to show that there was more. */
#define SHOWN_MAX (513 + 1)

/* From MAIL to the end of the message. */
struct transaction {
	struct snapshot *snapshot; /* pinned */
	struct judged judged;
	struct mailbox sender;
	char from[SHOWN_MAX];
	char to[SHOWN_MAX]; /* the first accepted recipient */
	unsigned recipients;
	char *login;
	struct mailbox login_address;
	char *tls;
};

struct session {
	struct server *server;
	struct facts facts;
	uint16_t client_port;
	bool counted;
	bool local_submission;
	char *host;
	char *helo;
	char client_name[DOMAIN_MAX + 1];
	struct transaction *transaction; /* NULL outside of one */
};

/* Copies a path without its brackets, cut where the log would cut it. */
void session_shown(char out[SHOWN_MAX], const char *text);

/* One line of the operator log for a refused command. */
void session_log_refusal(const struct session *session,
    const struct judged *judged, const struct decision *decision,
    const struct reply *reply, const char *queue_id, const char *to);

/* One line for a recipient that the MTA refused by itself, in its words. */
void session_log_mta(
    const struct session *session, const struct rcpt_info *info);

/* One line, when asked to be verbose, for a session and its connector. */
void session_log_selection(
    const struct session *session, const struct judged *judged);

/* One line of the operator log for an accepted message. */
void session_log_acceptance(
    const struct session *session, const char *queue_id);

#endif
