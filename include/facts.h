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
#include "helo.h"
#include "mailbox.h"

/* When a rule is judged; session.h says when connect rules are again. */
enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_EOM };
#define STAGE_COUNT (STAGE_EOM + 1)

/* "connect", "helo", "mail", "rcpt", "eom". */
const char *stage_name(enum stage stage);

/* UNKNOWN means: asked, and could not find out. It is never a yes. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* Of two, either of which is enough: NO only when both are. */
static inline enum answer
answer_either(enum answer a, enum answer b)
{
	if (a == ANSWER_YES || b == ANSWER_YES)
		return ANSWER_YES;
	return a == ANSWER_UNKNOWN ? a : b;
}

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

/*
 * What an address that mail claims to come from, in the envelope or in the
 * header, is to us; a set, made by claim.h.
 */
enum sender_claim {
	CLAIM_OWN = 1,      /* in one of our own domains */
	CLAIM_LISTED = 2,   /* in the directory */
	CLAIM_OWNED = 4,    /* the session's login owns it */
	CLAIM_PROVEN = 8,   /* in the domain that the certificate proves */
	CLAIM_ALLOWED = 16, /* in allowed_senders */
	CLAIM_UNKNOWN = 32, /* the directory could not be asked */
};
#define CLAIM_SETS 64

/* Has the connector taken the session in? If not, what stood against it. */
enum slot { SLOT_HELD, SLOT_CONNECTOR_FULL, SLOT_SOURCE_FULL };

/* How low the machine is on what mail needs; see gauge.h. */
enum pressure {
	PRESSURE_LOW,
	PRESSURE_MEDIUM,
	PRESSURE_HIGH,
	PRESSURE_UNKNOWN, /* a resource could not be read */
};

struct facts {
	/* connect */
	bool live;     /* there is live state: false when explaining */
	bool admitted; /* the session count was below max_sessions */
	bool stopping; /* at MAIL: the milter begins no new transaction */
	enum slot slot;
	struct addr client;       /* ADDR_NONE: the MTA gave no IP address */
	struct endpoint listener; /* ADDR_NONE: the MTA did not tell */
	const char *client_name;  /* lower case; NULL: none we can hold */
	enum answer client_name_verified; /* UNKNOWN: DNS failed, or not told */
	/* from here on, of live state */
	long long age;             /* ms since the client connected */
	long long silence;         /* ms since the last command was answered */
	long long protocol_errors; /* unknown commands and 501 so far */
	/* helo: of the newest HELO or EHLO */
	enum helo_form helo;
	/* mail */
	enum tls_version tls;
	const char *certificate; /* canonical verified name; NULL: none */
	enum mechanism mechanism;
	const char *login;                   /* NULL: not logged in */
	const struct mailbox *login_address; /* NULL: the login is none */
	const struct mailbox *sender;        /* completed by default_domain */
	unsigned sender_claim;               /* enum sender_claim */
	bool mail_parameters_valid;
	bool auth_null; /* MAIL said AUTH=<>: passed on for a stranger */
	long long declared_size; /* SIZE= of MAIL, RFC 1870; -1: none */
	enum pressure pressure;
	bool rate_exceeded; /* more messages than message_rate_limit */
	/* rcpt */
	const struct mailbox *recipient; /* completed by default_domain */
	bool rcpt_parameters_valid;
	bool recipient_resolved;      /* the MTA told what it resolved to */
	enum answer recipient_listed; /* is it in the directory? */
	enum answer recipient_internal_only; /* by any of its readings */
	long long recipients_accepted;       /* of this message, so far */
	/* eom */
	bool authors_told; /* false: explaining without a header From */
	uint64_t
	    author_claims; /* bit n: an author's enum sender_claim set is n */
	bool header_overfull;    /* more fields than we can keep or delete */
	bool message_told;       /* false: explaining, nothing was sent */
	long long message_bytes; /* header and body, as RFC 1870 counts */
	long long header_bytes;
	long long hops;       /* Received fields, before any is taken out */
	long long local_hops; /* those of this server */
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
 * Half a login is none: no MTA sends it of its own accord, and a default for
 * one of the two (Postfix's milter_macro_defaults) is there for strangers, too.
 * {auth_author} never counts: any client sets it with MAIL AUTH=.
 */
enum mechanism facts_mechanism(const char *auth_type, const char *auth_authen);

/*
 * The verified name of the client's certificate, from {verify}, {cn_subject}
 * and {cert_subject}; each may be NULL. Sendmail sends {verify}, which has to
 * be OK, and the CN in {cn_subject}; where it does not send that, the CN is the
 * last CN= of the subject, with +hex undone. Postfix sends {cert_subject} for
 * verified certificates alone, and it is the CN. Writes the canonical name to
 * out and returns it, or NULL when there is none, or it is no host name.
 */
const char *facts_certificate(char out[DOMAIN_MAX + 1], const char *verify,
    const char *cn_subject, const char *cert_subject);

/* The name of the certificate, NULL without one and without TLS. */
const char *facts_certified(const struct facts *facts);

/*
 * Is the client's verified name name itself, or below it, as asked? UNKNOWN
 * where DNS failed or the name is none that can be compared.
 */
enum answer facts_client_is(
    const struct facts *facts, const char *name, bool itself, bool below);

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
