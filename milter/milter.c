/*
 * milter.c - libmilter's callbacks, each a few lines above session.c.
 */
#include "milter.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "milter_parts.h"
#include "process.h"
#include "socket_name.h"

/*
 * Seconds after which libmilter frees a session of which it hears nothing.
 * Sendmail waits for a client's next command for an hour, and both MTAs say
 * nothing while a long message comes in over a slow line. Who is gone is
 * noticed sooner (process_tune), and who does not finish what it began to
 * say, too (milter_poll.c).
 */
#define SILENCE_MAX 3900

/* libmilter's callbacks have no argument of ours before smfi_setpriv. */
static struct {
	struct server *server;
	bool over_unix;
} glue;

/*
 * What we ask for at each stage; names an MTA does not know are skipped. There
 * is always a j: a stage without any macro would leave the last one's standing.
 * libmilter takes plain pointers, and copies.
 */
/* clang-format off */
static struct {
	int stage;
	char names[128];
} requests[] = {
	{ SMFIM_CONNECT, "j {daemon_addr} {daemon_port} {if_addr} "
	    "{client_resolve}" },
	{ SMFIM_ENVFROM, "j i {tls_version} {auth_type} {auth_authen} "
	    "{verify} {cn_subject} {cert_subject}" },
	{ SMFIM_ENVRCPT, "j i {rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	{ SMFIM_EOM, "j i" },
};
/* clang-format on */

/* What MTAs and their clients may bring about as often as they like. */
static struct log_seldom no_reply, no_macros, no_edit;

/* By what the MTA does offer, and apart for old ones: without macro lists. */
static struct log_seldom no_rights[2][SMFIF_ADDHDRS | SMFIF_CHGHDRS];

/*
 * The one function that speaks to the MTA. The action follows from the first
 * digit; a text that cannot be set never changes it. reply is not read where we
 * go on.
 */
static sfsistat
answer(SMFICTX *ctx, bool go_on, const struct reply *reply)
{
	char text[REPLY_DOUBLED_MAX];
	struct reply copy;

	if (go_on)
		return SMFIS_CONTINUE;
	copy = *reply;
	reply_double_percents(text, reply);
	if (smfi_setreply(ctx, copy.code, copy.dsn, text) != MI_SUCCESS)
		log_seldom(&no_reply, LOG_ERR,
		    "libmilter refused the reply text: %s %s", copy.code,
		    copy.dsn);
	return reply->code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static const char *
macro(SMFICTX *ctx, const char *name)
{
	/* libmilter wants a plain pointer, and only reads. */
	return smfi_getsymval(ctx, (char *)(uintptr_t)name);
}

/*
 * One that says nothing without another: looking for what is not there makes
 * libmilter search all that it has.
 */
static const char *
macro_beside(SMFICTX *ctx, const char *other, const char *name)
{
	return other != NULL ? macro(ctx, name) : NULL;
}

/* What libmilter keeps for us of each connection of the MTA. */
struct connection {
	struct session *session;
	bool silent; /* no answer from DATA to the body, as negotiated */
	/* Where words lay at the last MAIL and RCPT; 0: nowhere. */
	uintptr_t login, recipient;
};

/*
 * libmilter keeps the macros of a command until others come for the next one of
 * its kind, or until one of an earlier kind. What comes gets a place before it
 * gives that of the old one up: so what lies where it lay before has not been
 * said again, and may be true no more.
 */
static bool
is_stale(const char *value, uintptr_t before)
{
	return value != NULL && (uintptr_t)value == before;
}

static void
connection_free(struct connection *connection)
{
	if (connection != NULL)
		session_free(connection->session);
	free(connection);
}

/* Made at the first callback; NULL without memory. */
static struct connection *
connection_of(SMFICTX *ctx)
{
	struct connection *connection = smfi_getpriv(ctx);

	if (connection != NULL)
		return connection;
	connection = calloc(1, sizeof(*connection));
	if (connection != NULL)
		connection->session = session_new(glue.server);
	if (connection == NULL || connection->session == NULL ||
	    smfi_setpriv(ctx, connection) != MI_SUCCESS) {
		connection_free(connection);
		milter_note_no_memory();
		return NULL;
	}
	return connection;
}

static struct session *
session_of(SMFICTX *ctx)
{
	struct connection *connection = connection_of(ctx);

	return connection != NULL ? connection->session : NULL;
}

static bool
ask_for_macros(SMFICTX *ctx)
{
	for (size_t i = 0; i < nitems(requests); i++)
		if (smfi_setsymlist(ctx, requests[i].stage,
			requests[i].names) != MI_SUCCESS) {
			log_seldom(&no_macros, LOG_ERR,
			    "libmilter refused the macros %s",
			    requests[i].names);
			return false;
		}
	return true;
}

/* What can only be counted needs no answer. */
static const unsigned long silent_steps =
    SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;

/*
 * Asks to be shown the recipients that the MTA itself refuses, for the log.
 * Every step of a message stays, for libmilter finds no way around one: from an
 * unknown command to a header it leads by DATA alone, and from DATA to the end
 * of a message without header by the end of the header; else it answers nothing
 * any more, or hangs up. Over TCP all are answered, too: else the MTA's next
 * packet waits for the delayed ACK, 42 ms a message. Blanks before a value are
 * left to the MTA (no SMFIP_HDR_LEADSPC): both take one off and put one in
 * again, so values need none of their own, and the fields that are not edited
 * stay as they are.
 */
static unsigned long
steps_of(unsigned long offered)
{
	unsigned long steps = SMFIP_RCPT_REJ;

	if (glue.over_unix && (offered & silent_steps) == silent_steps)
		steps |= silent_steps;
	return steps & offered;
}

/*
 * Who could not take forged fields out is no use as a gate. Neither is who does
 * not tell of a login: we might take its client for another.
 */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2 UNUSED, unsigned long f3 UNUSED,
    unsigned long *actions_out, unsigned long *steps_out, unsigned long *f2_out,
    unsigned long *f3_out)
{
	const unsigned long needed = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
	struct connection *connection = connection_of(ctx);

	if (connection == NULL)
		return SMFIS_REJECT;
	if ((actions & needed) != needed) {
		log_seldom(&no_rights[(actions & SMFIF_SETSYMLIST) != 0]
				     [actions & needed],
		    LOG_ERR,
		    "the MTA does not let us change headers: no session");
		return SMFIS_REJECT;
	}
	*actions_out = actions & (needed | SMFIF_SETSYMLIST);
	*steps_out = steps_of(steps);
	*f2_out = 0;
	*f3_out = 0;
	connection->silent = (*steps_out & silent_steps) != 0;
	if ((actions & SMFIF_SETSYMLIST) && !ask_for_macros(ctx))
		return SMFIS_REJECT;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
	struct session *session = session_of(ctx);
	const char *daemon_port = macro(ctx, "{daemon_port}");
	struct connect_info info = {
		.host = host,
		.client = addr_from_sockaddr(sa),
		.client_port = addr_port_from_sockaddr(sa),
		.client_resolve = macro(ctx, "{client_resolve}"),
	};
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	info.listener = facts_listener(macro(ctx, "{if_addr}"),
	    macro(ctx, "{daemon_addr}"), daemon_port, &info.client);
	info.local_submission =
	    facts_local_submission(host, info.client_port, daemon_port);
	/* No text may be set here; such refusals are of the 4xx kind. */
	return session_connect(session, &info, &reply) ? SMFIS_CONTINUE
						       : SMFIS_TEMPFAIL;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct connection *connection = connection_of(ctx);
	struct reply reply;

	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	connection->login = 0;
	return answer(ctx,
	    session_helo(connection->session, name != NULL ? name : "", &reply),
	    &reply);
}

/* Parameters behind the path, as session.c wants them. */
static const char *const *
parameters(char **argv)
{
	return argv[0] != NULL ? (const char *const *)&argv[1] : NULL;
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *connection = connection_of(ctx);
	const char *tls = macro(ctx, "{tls_version}");
	const char *auth = macro(ctx, "{auth_type}");
	struct mail_info info = {
		.path = argv[0] != NULL ? argv[0] : "",
		.parameters = parameters(argv),
		.tls_version = tls,
		.auth_type = auth,
		.auth_authen = macro_beside(ctx, auth, "{auth_authen}"),
		.verify = macro_beside(ctx, tls, "{verify}"),
		.cn_subject = macro_beside(ctx, tls, "{cn_subject}"),
		.cert_subject = macro_beside(ctx, tls, "{cert_subject}"),
		.server_name = macro(ctx, "j"),
		.queue_id = macro(ctx, "i"),
	};
	struct reply reply;

	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	info.stale = is_stale(info.auth_authen, connection->login);
	connection->login = (uintptr_t)info.auth_authen;
	connection->recipient = 0;
	return answer(
	    ctx, session_mail(connection->session, &info, &reply), &reply);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *connection = connection_of(ctx);
	const char *told = macro(ctx, "{rcpt_addr}");
	/* Of a recipient of which nothing was told, the path is judged. */
	const bool stale =
	    connection != NULL && is_stale(told, connection->recipient);
	const char *address = stale ? NULL : told;
	const char *mailer = stale ? NULL : macro(ctx, "{rcpt_mailer}");
	const bool refused = facts_refused_by_mta(mailer, address);
	const struct rcpt_info info = {
		.path = argv[0] != NULL ? argv[0] : "",
		.parameters = parameters(argv),
		.rcpt_addr = address,
		.rcpt_host = refused ? macro(ctx, "{rcpt_host}") : NULL,
		.rcpt_mailer = mailer,
		.queue_id = macro(ctx, "i"),
	};
	struct reply reply;

	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	connection->recipient = (uintptr_t)told;
	return answer(
	    ctx, session_rcpt(connection->session, &info, &reply), &reply);
}

/* Without memory: the end of the message finds no session either. */
static sfsistat
go_on(const struct connection *connection)
{
	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	return connection->silent ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* DATA, and the end of the header. */
static sfsistat
on_step(SMFICTX *ctx)
{
	return go_on(connection_of(ctx));
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	const struct connection *connection = connection_of(ctx);

	if (connection != NULL)
		session_header(connection->session, name != NULL ? name : "",
		    value != NULL ? value : "");
	return go_on(connection);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *bytes UNUSED, size_t len)
{
	const struct connection *connection = connection_of(ctx);

	if (connection != NULL)
		session_body(connection->session, len);
	return go_on(connection);
}

/* The MTA refuses it in its own words. */
static sfsistat
on_unknown(SMFICTX *ctx, const char *command)
{
	struct session *session = session_of(ctx);

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	session_unknown(session, command != NULL ? command : "");
	return SMFIS_CONTINUE;
}

/* libmilter's arguments are not const. */
static bool
apply_copied(SMFICTX *ctx, const struct edit *edit, char *name, char *value)
{
	if (edit->kind == EDIT_INSERT)
		return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS;
	return smfi_chgheader(ctx, name, (int)edit->index, value) == MI_SUCCESS;
}

static bool
apply(SMFICTX *ctx, const struct edit *edit)
{
	char *name = strdup(edit->name);
	char *value = edit->value != NULL ? strdup(edit->value) : NULL;
	const bool applied = name != NULL &&
	    (value != NULL || edit->value == NULL) &&
	    apply_copied(ctx, edit, name, value);

	free(name);
	free(value);
	return applied;
}

static bool
apply_all(SMFICTX *ctx, const struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->items[i];

		if (apply(ctx, edit))
			continue;
		log_seldom(&no_edit, LOG_ERR,
		    "libmilter refused to change the header");
		return false;
	}
	return true;
}

static sfsistat
answer_eom(SMFICTX *ctx)
{
	struct session *session = session_of(ctx);
	const struct eom_info info = {
		.queue_id = macro(ctx, "i"),
		.server_name = macro(ctx, "j"),
		.now = time(NULL),
	};
	struct edits edits;
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	return answer(ctx,
	    session_eom(session, &info, &edits, &reply) &&
		session_done(session, apply_all(ctx, &edits), &reply),
	    &reply);
}

/* The edits are written by now, and nothing but the answer is left. */
static sfsistat
on_eom(SMFICTX *ctx)
{
	const sfsistat answer =
	    milter_answer_begin() ? answer_eom(ctx) : SMFIS_TEMPFAIL;

	milter_answer_end();
	return answer;
}

/* Both may come out of order, or without a session. */
static sfsistat
on_abort(SMFICTX *ctx)
{
	const struct connection *connection = smfi_getpriv(ctx);

	if (connection != NULL)
		session_abort(connection->session);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	connection_free(smfi_getpriv(ctx));
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static int
register_callbacks(void)
{
	static char name[] = "connector-milter";
	struct smfiDesc desc = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_step,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_step,
		.xxfi_negotiate = on_negotiate,
	};

	return smfi_register(desc) == MI_SUCCESS ? 0 : -1;
}

int
milter_open(const char *socket, struct server *server)
{
	const int listener = process_next_descriptor();
	char spec[256];

	glue.server = server;
	glue.over_unix = socket_name_path(socket) != NULL;
	snprintf(spec, sizeof(spec), "%s", socket);
	if (milter_stop_init() != 0 || register_callbacks() != 0 ||
	    smfi_setconn(spec) != MI_SUCCESS ||
	    smfi_settimeout(SILENCE_MAX) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS) {
		log_line(LOG_ERR, "cannot listen on %s: %s", socket,
		    errno != 0 ? strerror(errno) : "libmilter refused it");
		return -1;
	}
	if (!glue.over_unix)
		process_tune(listener);
	return 0;
}

int
milter_run(void)
{
	return smfi_main() == MI_SUCCESS ? 0 : -1;
}

void
milter_version(unsigned version[3])
{
	(void)smfi_version(&version[0], &version[1], &version[2]);
}
