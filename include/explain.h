/*
 * explain.h - what would happen to one session, and why.
 *
 * Plays the session through session.c, the very code the daemon runs, without
 * live state, and keeps what the observers are shown. Rules about live state
 * are skipped. A connector with mode = monitor is explained as if it enforced.
 *
 * Questions share a store of configurations; it must not change while one is
 * answered. One thread; every question has its own answer.
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
	const char *cert_subject; /* a verified name */
	const char *auth;
	const char *auth_mechanism;
	const char *from;        /* NULL: stop after selection */
	const char *header_from; /* body of the field; NULL: not judged */
	long long size;          /* of the message, as MAIL declares; -1: not */
	const char *const *recipients;
	size_t recipient_count;
};

/* A rule that was judged. */
struct explained_step {
	enum stage stage;
	const struct rule *rule;
	enum outcome outcome;
	bool noted;    /* refused, and went on: check_header_from = monitor */
	int recipient; /* its index, or -1 */
};

/* What one command, or the message, would get. */
struct explained {
	enum verdict verdict;
	enum stage stage;
	const struct rule *rule; /* NULL when accepted */
	char reply[REPLY_LINE_MAX];
};

/* What the header would get; the value is NULL where it is not known yet. */
struct explained_edit {
	enum edit_kind kind;
	char *name;
	char *value;
};

struct explanation {
	const struct question *question; /* the caller's */
	struct server server;
	struct snapshot *snapshot; /* pinned */
	const struct config *config;
	const struct connector *connector; /* NULL: none */
	struct owner owner;
	bool monitor;    /* the connector only logs what it decides */
	bool identified; /* MAIL came far enough to ask who this is */
	enum identity identity;
	struct rights rights;
	char certificate[DOMAIN_MAX + 1]; /* its canonical name; "": none */
	const char *proven;               /* by a partner's certificate */
	struct explained_step *steps;
	size_t step_count;
	struct explained *recipients; /* those that were judged */
	size_t recipient_count;
	struct explained message;
	struct explained_edit *edits; /* of an accepted message's header */
	size_t edit_count;
};

/*
 * Answers question by the newest of snapshots; both must outlive the answer.
 * NULL without memory. Freed by explanation_free.
 */
struct explanation *explain(
    struct snapshots *snapshots, const struct question *question) NODISCARD;
void explanation_free(struct explanation *explanation);

/* For a person, with file and line of each setting that decides. */
void explanation_text(const struct explanation *explanation, FILE *out);

/* One JSON object; absent is null. */
void explanation_json(const struct explanation *explanation, FILE *out);

#endif
