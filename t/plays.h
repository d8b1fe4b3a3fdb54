/*
 * plays.h - whole sessions as tables: what is said, the exact reply, the exact
 * edits of the header and the exact line of the log.
 */
#ifndef PLAYS_H
#define PLAYS_H

#include "played.h"
#include "tap.h"

/* The parts of a log line, in order. */
#define WHO(name, client) "connector=" name " client=" client ":41022 listener="
#define WHY(stage, verdict, rule, reply) \
	" stage=" stage " verdict=" verdict " rule=" rule " reply=\"" reply "\""
#define WHAT(from, to, helo) " from=<" from "> to=<" to "> helo=<" helo ">"
#define HOW(identity, auth, tls) " identity=" identity " auth=" auth " tls=" tls

enum verb { END, CONNECT, HELO, MAIL, RCPT, HEADER, EOM, ABORT, RELOAD };

struct move {
	enum verb verb;
	/* Client, name, path, field or configuration. */
	const char *text;
	const char *reply; /* NULL: go on */
	/* NULL: nothing. "*": one line, whatever it says. Lines end in \n but
	 * for the last. */
	const char *log;
	/* of CONNECT */
	const char *listener; /* NULL: 192.0.2.25:25 */
	const char *host;     /* NULL: mail.client.test */
	const char *resolve;  /* NULL: OK */
	bool local;
	/* of MAIL and RCPT */
	const char *parameter;
	const char *tls;
	const char *auth_type;
	const char *auth_authen;
	const char *verify;
	const char *cn_subject;
	const char *cert_subject;
	bool unresolved;
	const char *resolved; /* NULL: resolved@example.com */
	const char *mta;      /* the words in which the MTA refused it */
	const char *mailer;   /* where it would take it; NULL: smtp */
	/* of MAIL, RCPT, EOM */
	const char *queue;
	/* of HEADER */
	const char *value;
	unsigned times; /* 0: once */
	/*
	 * Of EOM. "*": whatever. Else lines "- NAME INDEX", "= NAME INDEX
	 * VALUE" and "+ NAME: VALUE", parted by \n; NULL: none.
	 */
	const char *edits;
	bool edit_fails;
	const char *server; /* {j}; NULL: mx.example.com */
};

#define MOVES_MAX 24
#define PLAYED_NOW 1781524800

struct play {
	const char *what;
	const char *config;
	struct move moves[MOVES_MAX];
};

__attribute__((unused)) static bool
play_connect(
    struct session *session, const struct move *move, struct reply *reply)
{
	struct connect_info info = {
		.host = move->host != NULL ? move->host : "mail.client.test",
		.client_port = 41022,
		.client_resolve = move->resolve != NULL ? move->resolve : "OK",
		.local_submission = move->local,
	};
	const char *listener =
	    move->listener != NULL ? move->listener : "192.0.2.25:25";

	/* What is no address stays ADDR_NONE. */
	(void)!addr_parse(&info.client, move->text);
	(void)!endpoint_parse(&info.listener, listener);
	return session_connect(session, &info, reply);
}

__attribute__((unused)) static bool
play_mail(struct session *session, const struct move *move, struct reply *reply)
{
	const char *const parameters[] = { move->parameter, NULL };
	const struct mail_info info = {
		.path = move->text,
		.parameters = parameters,
		.tls_version = move->tls,
		.auth_type = move->auth_type,
		.auth_authen = move->auth_authen,
		.verify = move->verify,
		.cn_subject = move->cn_subject,
		.cert_subject = move->cert_subject,
		.queue_id = move->queue,
	};

	return session_mail(session, &info, reply);
}

__attribute__((unused)) static bool
play_rcpt(struct session *session, const struct move *move, struct reply *reply)
{
	const char *const parameters[] = { move->parameter, NULL };
	const struct rcpt_info info = {
		.path = move->text,
		.parameters = parameters,
		.rcpt_addr = move->unresolved ? NULL
		    : move->mta != NULL       ? move->mta
		    : move->resolved != NULL  ? move->resolved
					      : "resolved@example.com",
		.rcpt_host = "5.7.1",
		.rcpt_mailer = move->mta != NULL ? "error"
		    : move->mailer != NULL       ? move->mailer
						 : "smtp",
		.queue_id = move->queue,
	};

	return session_rcpt(session, &info, reply);
}

/* As struct move has them; NULL: none. Freed by the caller. */
__attribute__((unused)) static char *
edits_text(const struct edits *edits)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (edits->count == 0)
		return NULL;
	out = open_memstream(&text, &size);
	for (size_t i = 0; out != NULL && i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const char *value = e->value != NULL ? e->value : "?";

		fputs(i > 0 ? "\n" : "", out);
		if (e->kind == EDIT_DELETE)
			fprintf(out, "- %s %u", e->name, e->index);
		else if (e->kind == EDIT_REPLACE)
			fprintf(out, "= %s %u %s", e->name, e->index, value);
		else
			fprintf(out, "+ %s: %s", e->name, value);
	}
	if (out != NULL)
		fclose(out);
	return text;
}

/* The end of the message, its edits and what the MTA says to them. */
__attribute__((unused)) static bool
play_eom(struct session *session, const struct move *move, struct reply *reply,
    const char *what)
{
	const struct eom_info info = {
		.queue_id = move->queue,
		.server_name =
		    move->server != NULL ? move->server : "mx.example.com",
		.now = PLAYED_NOW,
	};
	struct edits edits;
	char *text;

	if (!session_eom(session, &info, &edits, reply))
		return false;
	if (move->edits == NULL || strcmp(move->edits, "*") != 0) {
		text = edits_text(&edits);
		is_str(text, move->edits, what);
		free(text);
	}
	return session_done(session, !move->edit_fails, reply);
}

__attribute__((unused)) static bool
play_move(struct server *server, struct session *session,
    const struct move *move, struct reply *reply, const char *what)
{
	switch (move->verb) {
	case CONNECT:
		return play_connect(session, move, reply);
	case HELO:
		return session_helo(session, move->text, reply);
	case MAIL:
		return play_mail(session, move, reply);
	case RCPT:
		return play_rcpt(session, move, reply);
	case HEADER:
		for (unsigned i = 0; i == 0 || i < move->times; i++)
			session_header(session, move->text,
			    move->value != NULL ? move->value : "");
		return true;
	case EOM:
		return play_eom(session, move, reply, what);
	case ABORT:
		session_abort(session);
		return true;
	case RELOAD:
		reload(server, move->text);
		return true;
	case END:
		break;
	}
	return false;
}

__attribute__((unused)) static void
check_log(const char *want, const char *what)
{
	const char *got = logged();

	if (want != NULL && strcmp(want, "*") == 0)
		ok(got != NULL && strchr(got, '\n') == NULL,
		    "%s: one line is logged", what);
	else
		is_str(got, want, what);
}

__attribute__((unused)) static void
play(const struct play *play)
{
	struct server server = impatient_server_of(play->config);
	struct session *session = session_new(&server);
	const struct move *moves = play->moves;

	for (size_t i = 0; i < MOVES_MAX && moves[i].verb != END; i++) {
		char line[REPLY_LINE_MAX];
		char name[128];
		struct reply reply;
		bool go_on;

		snprintf(name, sizeof(name), "%s: move %zu", play->what, i + 1);
		go_on = play_move(&server, session, &moves[i], &reply, name);
		is_str(go_on ? NULL : reply_line(line, &reply), moves[i].reply,
		    name);
		check_log(moves[i].log, name);
	}
	session_free(session);
	is_int(atomic_load(&server.live->sessions), 0, "no session is left");
	snapshots_collect(server.snapshots);
	is_int((long long)snapshots_count(server.snapshots), 1,
	    "no old configuration is left");
	server_free(&server);
}

__attribute__((unused)) static void
play_all(const struct play *plays, size_t count)
{
	catch_log();
	for (size_t i = 0; i < count; i++)
		play(&plays[i]);
}

#endif
