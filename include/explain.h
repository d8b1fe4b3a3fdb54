/*
 * explain.h - what would happen to one session, and why.
 *
 * Plays the session through session.c, the very code the daemon runs, without
 * live state, and keeps what the observers are shown. Rules about live state
 * are skipped. One thread; every question has its own answer.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include "config.h"
#include "session.h"

/* One session, as flags of connectorctl explain. NULL: not given. */
struct question {
	struct addr client;
	uint16_t client_port;
	struct endpoint listener;
	const char *client_name; /* taken as verified */
	const char *helo;
	const char *tls;
	const char *cert_subject; /* nothing asks for it yet */
	const char *auth;
	const char *auth_mechanism;
	const char *from; /* NULL: stop after selection */
	const char *const *recipients;
	size_t recipient_count;
};

/* A rule that was judged; recipient is an index, or -1. */
struct explained_step {
	enum stage stage;
	const struct rule *rule;
	enum outcome outcome;
	int recipient;
};

/* What one command, or the message, would get. */
struct explained {
	enum verdict verdict;
	enum stage stage;
	const struct rule *rule; /* NULL when accepted */
	char reply[REPLY_LINE_MAX];
};

struct explanation {
	const struct question *question; /* the caller's */
	struct server server;
	struct snapshot *snapshot; /* pinned */
	const struct config *config;
	const struct connector *connector; /* NULL: none */
	struct owner owner;
	bool identified; /* MAIL came far enough to ask who this is */
	enum identity identity;
	struct rights rights;
	struct explained_step *steps;
	size_t step_count;
	struct explained *recipients; /* those that were judged */
	size_t recipient_count;
	struct explained message;
};

/*
 * Answers question, which must outlive the answer; takes config in any case.
 * NULL without memory. Freed by explanation_free.
 */
struct explanation *explain(
    struct config *config, const struct question *question) NODISCARD;
void explanation_free(struct explanation *explanation);

/* For a person, with file and line of each setting that decides. */
void explanation_text(const struct explanation *explanation, FILE *out);

/* One JSON object; absent is null. */
void explanation_json(const struct explanation *explanation, FILE *out);

#endif
