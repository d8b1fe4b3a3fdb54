/*
 * builder.h - a policy of one connector built by hand, for the tests of rules.
 *
 * Everything is written as text; the connector is named c and serves
 * 203.0.113.0/24 and 2001:db8::/32 on port 25.
 */
#ifndef BUILDER_H
#define BUILDER_H

#include "connectors.h"
#include "policy.h"

/* What a case says of connector, session and command; NULL: not there. */
struct sketch_case {
	const char *what;
	enum stage stage;
	/* connector */
	const char *allow; /* "submit=anonymous accept_any_sender=-users" */
	unsigned auth;
	unsigned groups;
	bool require_tls;
	enum tls_version tls_min;
	const char *relay_to;
	const char *relay_from;
	/* organization */
	enum own_domains own;
	/* session */
	const char *client;   /* "-": the MTA gave none; NULL: 203.0.113.9 */
	const char *listener; /* the same; NULL: 192.0.2.25:25 */
	const char *host;
	enum answer verified;
	bool full; /* max_sessions are open */
	bool offline;
	enum tls_version tls;
	enum mechanism mechanism;
	const char *login;
	/* commands */
	const char *from;
	const char *to;
	bool bad_parameter;
	bool unresolved;
	/* what comes out; line NULL: accepted */
	const char *rule;
	const char *line;
};

struct built {
	struct arena *arena;
	struct policy policy;
	struct connector connector;
	struct facts facts;
	struct mailbox login_address;
	struct mailbox sender;
	struct mailbox recipient;
	struct judged judged;
};

static const char *const principal_names[] = {
	[PRINCIPAL_ANONYMOUS] = "anonymous",
	[PRINCIPAL_USERS] = "users",
	[PRINCIPAL_SERVERS] = "servers",
	[PRINCIPAL_LEGACY_SERVERS] = "legacy_servers",
	[PRINCIPAL_PARTNERS] = "partners",
	[PRINCIPAL_EXTERNALLY_SECURED] = "externally_secured",
	[PRINCIPAL_LOGIN] = "user:",
	[PRINCIPAL_GROUP] = "group:",
	[PRINCIPAL_HOST_BELOW] = "host:.",
	[PRINCIPAL_HOST] = "host:",
};

static struct principal
build_principal(struct arena *arena, const char *text)
{
	struct principal principal = { .deny = text[0] == '-' };
	size_t best = 0;

	text += principal.deny;
	for (unsigned i = 0; i < nitems(principal_names); i++) {
		const size_t len = strlen(principal_names[i]);

		if (len > best && strncmp(text, principal_names[i], len) == 0) {
			best = len;
			principal.kind = i;
		}
	}
	if (best == 0)
		give_up(text, "no principal");
	principal.name = arena_strdup(arena, text + best);
	return principal;
}

/* "right=principal right=principal ...", at most 8. */
static void
build_rights(struct built *built, const char *list)
{
	char *copy = arena_strdup(built->arena, list);

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		struct principals *right = NULL;
		struct principal *items;
		char *name = strchr(word, '=');

		*name++ = '\0';
		for (unsigned i = 0; i < RIGHT_COUNT; i++)
			if (strcmp(right_name(i), word) == 0)
				right = &built->connector.rights[i];
		if (right == NULL)
			give_up(word, "no right");
		items = arena_alloc(built->arena, 8, sizeof(*items));
		if (right->count > 0)
			memcpy(
			    items, right->items, right->count * sizeof(*items));
		items[right->count++] = build_principal(built->arena, name);
		right->items = items;
	}
}

static struct domain_set
build_domains(struct arena *arena, const char *list)
{
	struct domain_set set = {
		arena_alloc(arena, 8, sizeof(*set.patterns)),
		0,
	};
	char *copy = arena_strdup(arena, list);

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		char *name = arena_alloc(arena, DOMAIN_MAX + 1, 1);
		const char *wrong = domain_pattern_parse(
		    name, &set.patterns[set.count].below, word, strlen(word));

		if (wrong != NULL)
			give_up(word, wrong);
		set.patterns[set.count++].name = name;
	}
	domain_set_sort(&set);
	return set;
}

static struct mailbox_patterns
build_patterns(struct arena *arena, const char *list)
{
	struct mailbox_pattern *items = arena_alloc(arena, 8, sizeof(*items));
	char *copy = arena_strdup(arena, list != NULL ? list : "");
	size_t count = 0;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		const char *wrong =
		    mailbox_pattern_parse(arena, &items[count++], word);

		if (wrong != NULL)
			give_up(word, wrong);
	}
	return (struct mailbox_patterns){ items, count };
}

static void
build_connector(struct built *built, const struct sketch_case *sketch)
{
	struct arena *arena = built->arena;

	built->connector = (struct connector){
		.name = "c",
		.enabled = true,
		.bindings = bindings_of(arena, "0.0.0.0:25 [::]:25"),
		.remote_ip_ranges =
		    ranges_of(arena, "203.0.113.0/24 2001:db8::/32"),
		.auth_mechanism = sketch->auth,
		.permission_groups = sketch->groups,
		.require_tls = sketch->require_tls,
		.tls_min_version = sketch->tls_min,
		.relay_to = build_patterns(arena, sketch->relay_to),
		.relay_from = build_patterns(arena, sketch->relay_from),
	};
	if (sketch->allow != NULL)
		build_rights(built, sketch->allow);
}

static void
build_policy(struct built *built, const struct sketch_case *sketch)
{
	struct arena *arena = built->arena;

	built->policy = (struct policy){
		.organization = {
			build_domains(arena, "example.com *.example.net"),
			build_domains(arena, "internal.example"),
			build_domains(arena, "external.example *.ext.example"),
			sketch->own,
		},
		.identify_connector = true,
		.connectors = &built->connector,
		.connector_count = 1,
	};
	built->policy.space =
	    space_build(arena, &built->connector, 1, NULL, NULL);
	if (built->policy.space == NULL)
		give_up("space_build", "no memory");
}

/* As session.c does it: what does not parse is a fact like any other. */
static const struct mailbox *
build_mailbox(struct mailbox *mailbox, const char *path)
{
	if (mailbox_parse(mailbox, path, strlen(path)) != NULL)
		mailbox->kind = MAILBOX_INVALID;
	return mailbox;
}

static const char *
told(const char *value, const char *usual)
{
	return value == NULL ? usual : *value == '-' ? "unknown" : value;
}

static void
build_facts(struct built *built, const struct sketch_case *sketch)
{
	const bool mail = sketch->stage >= STAGE_MAIL;
	const bool rcpt = sketch->stage >= STAGE_RCPT;

	built->facts = (struct facts){
		.live = !sketch->offline,
		.admitted = !sketch->full,
		.client = client_of(told(sketch->client, "203.0.113.9")),
		.listener =
		    endpoint_of(told(sketch->listener, "192.0.2.25:25")),
		.client_name = sketch->host,
		.client_name_verified = sketch->verified,
		.tls = sketch->tls,
		.mechanism = sketch->mechanism,
		.login = sketch->login,
		.mail_parameters_valid = !sketch->bad_parameter || rcpt,
		.rcpt_parameters_valid = !sketch->bad_parameter,
		.recipient_resolved = !sketch->unresolved,
	};
	if (sketch->login != NULL &&
	    build_mailbox(&built->login_address, sketch->login)->kind ==
		MAILBOX_DOMAIN)
		built->facts.login_address = &built->login_address;
	if (mail)
		built->facts.sender =
		    build_mailbox(&built->sender, sketch->from);
	if (rcpt)
		built->facts.recipient =
		    build_mailbox(&built->recipient, sketch->to);
}

/* To be given back with build_free. */
__attribute__((unused)) static void
build(struct built *built, const struct sketch_case *sketch)
{
	struct owner owner;

	memset(built, 0, sizeof(*built));
	built->arena = arena_new();
	if (built->arena == NULL)
		give_up("arena_new", "no memory");
	build_connector(built, sketch);
	build_policy(built, sketch);
	build_facts(built, sketch);
	built->judged.policy = &built->policy;
	built->judged.facts = &built->facts;
	policy_select(&built->judged, &owner);
	if (built->judged.connector != NULL && sketch->stage >= STAGE_MAIL)
		policy_identify(&built->judged);
}

__attribute__((unused)) static void
build_free(struct built *built)
{
	arena_free(built->arena);
}

#endif
