/*
 * session.h - one SMTP session, from the first word of the MTA to the last.
 *
 * Turns what the MTA says into facts, asks the policy, and shows every decision
 * to the observers; they return nothing, so they cannot change it. Knows no
 * libmilter: tests and explain play sessions as function calls.
 *
 * Connect rules are judged at connect, again at HELO and at MAIL, always with
 * the newest configuration, so nothing is remembered of an old one. A 421 of
 * the connect or helo stage is answered at HELO, every other refusal of those
 * stages at each MAIL: on Postfix a refusal at HELO would stick for the whole
 * connection. The configuration is pinned from MAIL to the end of the message;
 * who dawdles over it may lose it to newer ones (snapshot.h), and is refused
 * like one who was never judged: nothing newer judges half a transaction.
 *
 * A connector with mode = monitor decides and logs, but what it refuses goes on
 * and its header edits are empty. What was refused at MAIL is not judged any
 * further then. Questions without live state (explain) are always enforced.
 *
 * Every header field is needed for the firewall, whatever the configuration, so
 * no session can lack a callback that a newer one needs.
 *
 * Limits are kept in live.h: a session holds a slot of its connector from
 * connect to session_free, and moves it when it changes connector. A refusal of
 * the 5xx kind to an anonymous client may be held back by tarpit_interval
 * before its function returns; nothing else here waits.
 *
 * Without memory, asked in an impossible order, or told of a login that is
 * stale, a session refuses in the words of a rule that cannot decide
 * (REPLY_UNDECIDED), by rule "internal".
 *
 * Calls of one session come one after the other, from any thread; sessions are
 * independent of each other.
 */
#ifndef SESSION_H
#define SESSION_H

#include "live.h"
#include "policy.h"
#include "snapshot.h"

struct session;

/* Who watches; each may be NULL. */
struct observer {
	/* Every judged stage, with its steps; recipient of STAGE_RCPT. */
	void (*decided)(void *arg, const struct judged *judged,
	    const struct decision *decision, const char *recipient);
	/* The range that selection found, at each selection. */
	void (*selected)(
	    void *arg, const struct judged *judged, const struct owner *owner);
	void *arg;
};

/* What all sessions share; once they run, only what is counted changes. */
struct server {
	struct snapshots *snapshots;
	struct observer observer;
	struct live *live; /* NULL: explain; nothing is logged or counted */
	bool verbose;      /* log the connector that each session gets */
};

/* What the MTA tells at each stage. Pointers are read during the call only. */
struct connect_info {
	const char *host; /* as the MTA calls the client */
	struct addr client;
	uint16_t client_port;
	const char *client_resolve; /* {client_resolve} */
	struct endpoint listener;
	bool local_submission; /* never came over SMTP: see facts.h */
};

struct mail_info {
	const char *path;
	const char *const *parameters; /* ended by NULL */
	const char *tls_version;
	const char *auth_type;
	const char *auth_authen;
	const char *verify; /* {verify}: of Sendmail alone */
	const char *cn_subject;
	const char *cert_subject;
	const char *server_name; /* {j}: what the MTA calls itself */
	const char *queue_id;
	bool stale; /* the login was told of an earlier command, not of this */
};

struct rcpt_info {
	const char *path;
	const char *const *parameters;
	const char *rcpt_addr; /* {rcpt_addr}: what it was resolved to */
	const char *rcpt_mailer;
	const char *rcpt_host;
	const char *queue_id;
};

struct eom_info {
	const char *queue_id;
	const char *server_name; /* {j} */
	long long now;           /* seconds since 1970, for the stamp */
};

/*
 * One change to the header. Names and values are the session's. What only an
 * MTA can tell (our signature, its own name) is NULL without live state.
 */
struct edit {
	enum edit_kind { EDIT_DELETE, EDIT_REPLACE, EDIT_INSERT } kind;
	const char *name;
	unsigned index; /* from 1, among fields of this name; not of INSERT */
	const char *value; /* not of DELETE */
};

struct edits {
	const struct edit *items;
	size_t count;
};

/* NULL without memory. Freed by session_free, which may be given NULL. */
struct session *session_new(struct server *server) NODISCARD;
void session_free(struct session *session);

/*
 * Each returns true to go on, or false with the reply to give. At connect the
 * MTA takes no words: only the kind of refusal counts. HELO and MAIL end a
 * transaction that has begun.
 */
bool session_connect(struct session *session, const struct connect_info *info,
    struct reply *reply) NODISCARD;
bool session_helo(
    struct session *session, const char *name, struct reply *reply) NODISCARD;
bool session_mail(struct session *session, const struct mail_info *info,
    struct reply *reply) NODISCARD;
bool session_rcpt(struct session *session, const struct rcpt_info *info,
    struct reply *reply) NODISCARD;

/*
 * A field of the header, as the MTA shows it. Nothing can be answered; what
 * cannot be kept is remembered and decided at the end of the message.
 */
void session_header(
    struct session *session, const char *name, const char *value);

/*
 * The end of the message. On true, edits are what the header needs, to be made
 * in this order: deletions (highest index of a name first), replacements,
 * insertions, each above all that is there. They are valid until session_done,
 * which must follow.
 */
bool session_eom(struct session *session, const struct eom_info *info,
    struct edits *edits, struct reply *reply) NODISCARD;

/*
 * Whether the MTA took all edits. Logs the message as accepted and returns
 * true, or false with the reply that defers it: forged fields might be left.
 * Ends the transaction.
 */
bool session_done(
    struct session *session, bool edited, struct reply *reply) NODISCARD;

/* So many bytes of the body, with its CR LF. Nothing can be answered. */
void session_body(struct session *session, size_t len);

/* A command that the MTA does not know; it is the MTA's to refuse. */
void session_unknown(struct session *session, const char *command);

/* The transaction ends without a message. */
void session_abort(struct session *session);

#endif
