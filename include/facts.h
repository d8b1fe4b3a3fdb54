/*
 * facts.h - what is known of a client, a session and a command.
 *
 * Facts are plain values without a pointer to any library's object. Who fills
 * them (the session) owns what they point to; rules only read. Each group is
 * valid from its stage on. The functions turn the words of both MTAs (Postfix
 * and Sendmail macros) into facts; they are pure, for any thread.
 */
#ifndef FACTS_H
#define FACTS_H

#include "addr.h"
#include "mailbox.h"

/* When a rule is judged; session.h says when connect rules are again. */
enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_EOM };
#define STAGE_COUNT (STAGE_EOM + 1)

/* "connect", "helo", "mail", "rcpt", "eom". */
const char *stage_name(enum stage stage);

/* UNKNOWN means: asked, and could not find out. It is never a yes. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* TLS_OTHER: encrypted, by a version whose name we do not know. */
enum tls_version { TLS_OFF, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, TLS_OTHER };

/*
 * How a client logged in, in the terms of Exchange's AuthMechanism; see
 * facts_mechanism.
 */
enum mechanism {
	MECHANISM_NONE, /* not logged in */
	MECHANISM_BASIC,
	MECHANISM_INTEGRATED,
	MECHANISM_XCLIENT,
	MECHANISM_OTHER,
};

struct facts {
	/* connect */
	bool live;          /* there is live state: false when explaining */
	bool admitted;      /* the session count was below max_sessions */
	struct addr client; /* ADDR_NONE: the MTA gave no IP address */
	struct endpoint listener; /* ADDR_NONE: the MTA did not tell */
	const char *client_name;  /* lower case; NULL: none we can hold */
	enum answer client_name_verified; /* UNKNOWN: DNS failed, or not told */
	/* mail */
	enum tls_version tls;
	enum mechanism mechanism;
	const char *login;                   /* NULL: not logged in */
	const struct mailbox *login_address; /* NULL: the login is none */
	const struct mailbox *sender;
	bool mail_parameters_valid;
	/* rcpt */
	const struct mailbox *recipient;
	bool rcpt_parameters_valid;
	bool recipient_resolved; /* the MTA told what it resolved to */
};

/*
 * The listener a client reached, from the macros {if_addr}, {daemon_addr} and
 * {daemon_port}; each may be NULL. Postfix tells the real local address in
 * {daemon_addr}; Sendmail in {if_addr}, which is missing on loopback, where
 * {daemon_addr} is the configured one and often an any-address. Family
 * ADDR_NONE when it cannot be known.
 */
struct endpoint facts_listener(const char *if_addr, const char *daemon_addr,
    const char *daemon_port, const struct addr *client);

/* {tls_version}; NULL or empty is TLS_OFF. */
enum tls_version facts_tls(const char *version);

/*
 * The mechanism of a login, from {auth_type} and {auth_authen}.
 * MECHANISM_NONE unless both are there and the mechanism is not ANONYMOUS.
 * {auth_author} never counts: any client sets it with MAIL AUTH=.
 */
enum mechanism facts_mechanism(const char *auth_type, const char *auth_authen);

/* {client_resolve}: OK is YES, TEMP and nothing at all UNKNOWN, others NO. */
enum answer facts_client_resolved(const char *client_resolve);

/*
 * A recipient that the MTA itself refused, and shows all the same: Postfix says
 * {rcpt_mailer} error, the status code in {rcpt_host} and its words, which hold
 * no address, in {rcpt_addr}.
 */
bool facts_refused_by_mta(const char *rcpt_mailer, const char *rcpt_addr);

/*
 * Mail that never came over SMTP: Postfix hands its local submissions
 * (pickup, sendmail -bs) over as host localhost, client port 0 and
 * {daemon_port} 0.
 */
bool facts_local_submission(
    const char *host, uint16_t client_port, const char *daemon_port);

#endif
