/*
 * rules.h - every rule, one row each, in the order in which they are judged.
 *
 * A rule asks one question of connector and facts. asks() says whether this
 * connector poses it at all; holds() answers YES (go on), NO (refuse with the
 * row's reply) or UNKNOWN (defer: never permission). Both are pure: no I/O, no
 * clock, no lock, no memory. A rule of two stages has a row in each. The table
 * is the documentation: help and manuals are printed from it.
 */
#ifndef RULES_H
#define RULES_H

#include "connector.h"

/* What a rule may look at. Owns nothing. */
struct judged {
	const struct policy *policy;
	const struct connector *connector; /* NULL: none serves this client */
	const struct facts *facts;
	/* from STAGE_MAIL on */
	enum identity identity;
	struct rights rights;
	const char *proven; /* domain of a partner's certificate, or NULL */
};

#define RULE_SETTINGS_MAX 5

struct rule {
	const char *name;
	enum stage stage;
	enum reply_id reply;
	/* NULL: always asked. Behind no_connector there is a connector. */
	bool (*asks)(const struct judged *judged);
	/* May set *reply to other_reply. */
	enum answer (*holds)(const struct judged *judged, enum reply_id *reply);
	/* The further reply holds() may choose, or REPLY_NONE. */
	enum reply_id other_reply;
	/* Only noted, not acted on? NULL: never. For check_header_from. */
	bool (*noted)(const struct judged *judged);
	/* The connector settings that decide, for people. */
	const char *settings[RULE_SETTINGS_MAX];
	/* "refuses when ...": one sentence for the help. */
	const char *help;
};

extern const struct rule rules[];
extern const size_t rule_count;

/* The first rule of a stage; those of a stage stand together, in its order. */
const struct rule *rules_of_stage(enum stage stage);

/* At least rule_count. */
#define RULES_MAX 48

#endif
