/*
 * session_parts.h - what the files of the session room share: its inside.
 *
 * session.c plays the session, session_mail.c and session_rcpt.c learn the
 * facts of their commands, session_message.c reads the header and ends the
 * message, session_edits.c says what the header needs, session_live.c what is
 * counted and timed, session_log.c what the operator log hears of it all, and
 * session_protocol.c the protocol log. No other room includes this. A session
 * owns what it points to, but for the server. As for threads see session.h.
 */
#ifndef SESSION_PARTS_H
#define SESSION_PARTS_H

#include "directory.h"
#include "firewall.h"
#include "session.h"
#include "text.h"

struct arena;

/* One byte more than the log shows, so that it tells that there was more. */
#define SHOWN_MAX (TEXT_FIELD_MAX + 2)

/* The longest name of a field that we delete; longer ones refuse the mail. */
#define FIELD_NAME_MAX 256

/* Longer queue ids are cut; the log and the stamp are all that show them. */
#define QUEUE_ID_MAX 64

/* A name of which every field has to go, and how many there are. */
struct doomed {
	struct doomed *next;
	const char *name;
	unsigned count;
};

/*
 * What is kept of a header, whatever its length: FIREWALL_FIELDS_MAX names and
 * the From fields up to their own limits.
 */
struct header {
	struct arena *arena; /* of all this and the edits; NULL: nothing yet */
	struct doomed *doomed; /* as they came */
	unsigned doomed_fields;
	const char *from[FIREWALL_FROM_FIELDS_MAX];
	size_t from_count;
	size_t from_bytes;
	size_t from_signs; /* @, % and ! in them */
	bool failed;       /* without memory */
};

/* From MAIL to the end of the message; texts may be NULL. */
struct transaction {
	struct snapshot *snapshot; /* pinned */
	bool resting;              /* what follows may be gone: session_wake */
	struct judged judged;
	bool unjudged; /* refused at MAIL by a connector that only monitors */
	bool ended;    /* session_eom let it pass */
	bool author_is_ours;
	unsigned recipients; /* that the MTA takes */
	unsigned permitted;  /* by every rule; fewer where only monitored */
	struct mailbox *sender;
	struct mailbox *login_address; /* NULL: the login is none */
	char *login;
	char *certificate;
	char *tls;
	char *server_name; /* what the MTA calls itself */
	char *queue_id;    /* once ended */
	/* As the log shows them, see session_shown: */
	char *from;
	char *to;     /* the first accepted recipient */
	char *author; /* see session_note_author */
	struct header header;
	long long body_bytes;
};

struct protocol;

struct session {
	struct server *server;
	struct facts facts;
	uint16_t client_port;
	bool counted; /* in live->sessions */
	bool begun;   /* in live->transactions */
	bool local_submission;
	char *host;        /* as the log calls the client */
	char *helo;        /* as the log shows it; NULL: none yet */
	char *client_name; /* of facts */
	struct transaction *transaction; /* NULL outside of one */
	/* of live state */
	long long connected; /* ns, monotonic */
	long long answered;
	struct client_source source;
	struct limits_slot slot;
	/* Of the connector that was selected last, while that is pinned. */
	struct tally *tally;
	/*
	 * The snapshot by which the connection, and its HELO, passed, and the
	 * connector there: by the same one they need not be judged again. 0:
	 * none.
	 */
	unsigned long passed;
	unsigned long helo_passed;
	const struct connector *connector;
	struct protocol *protocol; /* NULL: not in the protocol log */
};

/* Which command is being answered, for the log; each may be NULL. */
struct command {
	const char *queue_id;
	const char *to; /* of RCPT */
};

/* A rule that refuses, and whether anybody but the log is told. */
struct refusal {
	enum stage stage;
	const struct rule *rule;
	enum reply_id reply;
	bool enforced;
};

/* session.c */

/* Judges a stage, shows it to the observer and logs what was only noted. */
void session_decide(struct session *session, enum stage stage,
    const struct judged *judged, struct decision *decision,
    const struct command *command);

/*
 * Selection and the rules of the connect stage, by the pinned snapshot; what
 * passed by it before is not judged again.
 */
void session_judge_connection(struct session *session,
    const struct snapshot *snapshot, struct judged *judged,
    struct decision *decision, const struct command *command);

/*
 * A decision that is not VERDICT_ACCEPT: its reply, and its line in the log;
 * holds it back where it should be. Returns whether to go on all the same: the
 * connector only monitors.
 */
bool session_refuse(struct session *session, const struct judged *judged,
    const struct decision *decision, const struct command *command,
    struct reply *reply);

/* A refusal by no rule, in the words of one that cannot decide: false. */
bool session_refuse_internal(struct session *session, enum stage stage,
    const struct command *command, struct reply *reply);

/* Likewise by rule admission, for mail that is not judged: the milter stops. */
bool session_refuse_stopping(struct session *session,
    const struct command *command, struct reply *reply);

/*
 * Between commands a transaction rests, and may lose its configuration then
 * (snapshot.h). Is there one that can be judged? Both any number of times.
 */
bool session_wake(struct session *session) NODISCARD;
void session_rest(struct session *session);

/* Is all that the connector decides only logged? Not when explaining. */
bool session_monitors(
    const struct session *session, const struct judged *judged);

/* The rules of the helo stage for MAIL: likewise. */
void session_judge_helo(struct session *session, const struct judged *judged,
    struct decision *decision, const struct command *command);

/* session_mail.c */

/*
 * Unparsable is a fact like any other (MAILBOX_INVALID); a rule says so. 0, or
 * -1 without memory.
 */
int session_parse_path(struct mailbox *mailbox, const char *path) NODISCARD;

bool session_parameters_are_valid(const char *const *parameters);

/* Gives a bare name the connector's default_domain, if it has one. */
void session_complete(struct mailbox *mailbox, const struct judged *judged);

/* What the directory knows of mailbox. */
enum answer session_look_up(const struct judged *judged,
    const struct mailbox *mailbox, struct listing *listing);

/* What it is to us, for one who claims to be it: enum sender_claim. */
unsigned session_claim(
    const struct judged *judged, const struct mailbox *mailbox);

/* session_live.c: all of these do nothing without live state */

/* The client connects: from here on its time is counted. */
void session_start_clock(struct session *session);

/* A command comes: when, and how long after the last one was answered. */
void session_begin_command(struct session *session);
void session_end_command(struct session *session);

/* Counts the session among all, unless there are too many. */
void session_admit(struct session *session, const struct config *config);

/* Takes a slot of the connector that was selected, and leaves any other. */
void session_take_slot(struct session *session, const struct snapshot *snapshot,
    const struct judged *judged);

/* Gives up what the session holds, at its end. */
void session_leave(struct session *session);

/*
 * MAIL: counts a transaction, and learns whether it may begin at all; and its
 * end, whatever it is, any number of times.
 */
void session_begin_transaction(struct session *session);
void session_end_transaction(struct session *session);

/*
 * What MAIL is judged by: resources, and the message counted by its sources;
 * session_take_back if MAIL is refused.
 */
void session_count_message(struct session *session, const struct judged *judged,
    struct limits_message *message);
void session_take_back(struct session *session, struct limits_message *message);

/* A refusal that is given: counts it as an error, holds it back. */
void session_punish(struct session *session, const struct judged *judged,
    const struct reply *reply);

/* session_protocol.c: nothing unless the connector writes a protocol */

/* The session's connector is known, or another one. */
void session_protocol_select(
    struct session *session, const struct judged *judged);

/* Who the session is and what it may, where that is news. */
void session_protocol_identify(
    struct session *session, const struct judged *judged);

/* A command: its verb ("MAIL FROM:"), what follows, and its parameters. */
void session_protocol_received(struct session *session, const char *verb,
    const char *text, const char *const *parameters);

/* A command that the MTA does not know: its verb, if it looks like one. */
void session_protocol_unknown(struct session *session, const char *command);

/* A refusal was held back so many seconds; a refusal goes out. */
void session_protocol_tarpit(
    struct session *session, long long seconds, const struct reply *reply);
void session_protocol_sent(struct session *session, const struct reply *reply);

/* The message of the transaction is accepted. */
void session_protocol_message(struct session *session);

/* The session ends; protocol is freed. */
void session_protocol_end(struct session *session);

/* session_edits.c */

/*
 * The edits that the header of the transaction needs, in its arena. 0, or -1
 * without memory or when the stamp cannot be signed.
 */
int session_make_edits(const struct session *session,
    const struct eom_info *info, struct edits *edits) NODISCARD;

/* session_log.c */

/*
 * Keeps for the log whom a sender rule may refuse: the first author that is
 * ours and not the login's, else the first that is not the login's. claim is
 * of enum sender_claim.
 */
void session_note_author(struct transaction *transaction,
    const struct mailbox *mailbox, unsigned claim);

/* Copies a path without its brackets, cut where the log would cut it. */
void session_shown(char out[SHOWN_MAX], const char *text);

/* The same, to be freed. NULL without memory. */
char *session_keep_shown(const char *text) NODISCARD;

/*
 * Each of these writes one line of the operator log, and none without live
 * state. A refused command, or one that would have been:
 */
void session_log_refusal(const struct session *session,
    const struct judged *judged, const struct refusal *refusal,
    const struct reply *reply, const struct command *command);

/* A recipient that the MTA refused by itself, in its words: */
void session_log_mta(
    const struct session *session, const struct rcpt_info *info);

/* A session and its connector: */
void session_log_selection(
    const struct session *session, const struct judged *judged);

/* An accepted message: */
void session_log_acceptance(const struct session *session);

#endif
