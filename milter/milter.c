/*
 * milter.c - libmilter's callbacks, each a few lines above session.c.
 */
#include "milter.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "log.h"
#include "text.h"

/* libmilter's callbacks have no argument of ours before smfi_setpriv. */
static struct {
	struct server *server;
	bool over_unix;
	sem_t stop;
} glue;

/*
 * What we ask for at each stage; names an MTA does not know are skipped. There
 * is always a j: a stage without any macro would leave the last one's standing.
 */
/* clang-format off */
static const struct {
	int stage;
	const char *names;
} macros[] = {
	{ SMFIM_CONNECT, "j _ {daemon_name} {daemon_addr} {daemon_port} "
	    "{if_addr} {client_resolve}" },
	{ SMFIM_ENVFROM, "j i {tls_version} {auth_type} {auth_authen}" },
	{ SMFIM_ENVRCPT, "j i {rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	{ SMFIM_EOM, "j i" },
};
/* clang-format on */

/*
 * libmilter's own thread waits here for SIGHUP, SIGTERM and SIGINT, and stops
 * the milter for each of them. This definition stands in for the C library's:
 * signals are the housekeeper's, and libmilter is told to stop by milter_stop.
 */
int
sigwait(const sigset_t *restrict set, int *restrict sig)
{
	(void)set;
	while (sem_wait(&glue.stop) != 0 && errno == EINTR)
		continue;
	*sig = SIGTERM;
	return 0;
}

/* libmilter takes a printf-like text: every % is doubled. */
static void
double_percents(char *out, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text != '\0' && len + 2 < size; text++) {
		if (*text == '%')
			out[len++] = '%';
		out[len++] = *text;
	}
	out[len] = '\0';
}

/*
 * The one function that speaks to the MTA. The action follows from the first
 * digit; a text that cannot be set never changes it.
 */
static sfsistat
say(SMFICTX *ctx, const struct reply *reply)
{
	char text[2 * REPLY_TEXT_MAX];
	struct reply copy = *reply;

	double_percents(text, sizeof(text), reply->text);
	if (smfi_setreply(ctx, copy.code, copy.dsn, text) != MI_SUCCESS)
		log_line(LOG_ERR, "libmilter refused the reply text: %s %s",
		    copy.code, copy.dsn);
	return reply->code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static const char *
macro(SMFICTX *ctx, const char *name)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%s", name);
	return smfi_getsymval(ctx, copy);
}

/* The session, made at the first callback; NULL without memory. */
static struct session *
session_of(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		return session;
	session = session_new(glue.server);
	if (session != NULL && smfi_setpriv(ctx, session) != MI_SUCCESS) {
		session_free(session);
		return NULL;
	}
	return session;
}

static bool
ask_for_macros(SMFICTX *ctx)
{
	for (size_t i = 0; i < nitems(macros); i++) {
		char names[128];

		snprintf(names, sizeof(names), "%s", macros[i].names);
		if (smfi_setsymlist(ctx, macros[i].stage, names) == MI_SUCCESS)
			continue;
		log_line(LOG_ERR, "libmilter refused the macros %s", names);
		return false;
	}
	return true;
}

/*
 * Leaves out what no rule needs, and asks to be shown the recipients that the
 * MTA itself refuses, for the log. Over TCP the DATA callback stays: without it
 * Postfix's next packet waits for the delayed ACK, 42 ms a message.
 */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2 UNUSED, unsigned long f3 UNUSED,
    unsigned long *actions_out, unsigned long *steps_out, unsigned long *f2_out,
    unsigned long *f3_out)
{
	unsigned long unneeded =
	    SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN;

	if (glue.over_unix)
		unneeded |= SMFIP_NODATA;
	*actions_out = actions & SMFIF_SETSYMLIST;
	*steps_out = steps & (unneeded | SMFIP_RCPT_REJ);
	*f2_out = 0;
	*f3_out = 0;
	/* Not told of a login, we might take its client for another. */
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
	struct session *session = session_of(ctx);
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	return session_helo(session, name != NULL ? name : "", &reply)
	    ? SMFIS_CONTINUE
	    : say(ctx, &reply);
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
	struct session *session = session_of(ctx);
	const struct mail_info info = {
		.path = argv[0] != NULL ? argv[0] : "",
		.parameters = parameters(argv),
		.tls_version = macro(ctx, "{tls_version}"),
		.auth_type = macro(ctx, "{auth_type}"),
		.auth_authen = macro(ctx, "{auth_authen}"),
		.queue_id = macro(ctx, "i"),
	};
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	return session_mail(session, &info, &reply) ? SMFIS_CONTINUE
						    : say(ctx, &reply);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *session = session_of(ctx);
	const struct rcpt_info info = {
		.path = argv[0] != NULL ? argv[0] : "",
		.parameters = parameters(argv),
		.rcpt_addr = macro(ctx, "{rcpt_addr}"),
		.rcpt_host = macro(ctx, "{rcpt_host}"),
		.rcpt_mailer = macro(ctx, "{rcpt_mailer}"),
		.queue_id = macro(ctx, "i"),
	};
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	return session_rcpt(session, &info, &reply) ? SMFIS_CONTINUE
						    : say(ctx, &reply);
}

static sfsistat
on_data(SMFICTX *ctx UNUSED)
{
	return SMFIS_CONTINUE;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct session *session = session_of(ctx);
	struct reply reply;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	return session_eom(session, macro(ctx, "i"), &reply) ? SMFIS_CONTINUE
							     : say(ctx, &reply);
}

/* Both may come out of order, or without a session. */
static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_abort(session);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	session_free(smfi_getpriv(ctx));
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
		.xxfi_flags = SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	return smfi_register(desc) == MI_SUCCESS ? 0 : -1;
}

int
milter_open(const char *socket, struct server *server)
{
	char spec[256];

	glue.server = server;
	glue.over_unix = strncmp(socket, "inet", 4) != 0;
	snprintf(spec, sizeof(spec), "%s", socket);
	if (sem_init(&glue.stop, 0, 0) != 0 || register_callbacks() != 0 ||
	    smfi_setconn(spec) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS) {
		log_line(LOG_ERR, "cannot listen on %s: %s", socket,
		    errno != 0 ? strerror(errno) : "libmilter refused it");
		return -1;
	}
	return 0;
}

int
milter_run(void)
{
	return smfi_main() == MI_SUCCESS ? 0 : -1;
}

void
milter_stop(void)
{
	sem_post(&glue.stop);
}

void
milter_version(unsigned version[3])
{
	(void)smfi_version(&version[0], &version[1], &version[2]);
}
