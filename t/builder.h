/*
 * builder.h - a policy of one connector built by hand, for the tests of rules.
 *
 * Everything is written as text, lists separated by blanks, at most 8 items;
 * the connector is named c and serves 203.0.113.0/24 and 2001:db8::/32 on port
 * 25. The organization has the own hosts 192.0.2.25 and 2001:db8::25, and the
 * secure domains partner.test and eu.partner.test.
 */
#ifndef BUILDER_H
#define BUILDER_H

#include "claim.h"
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
	bool domain_secure;
	const char *servers; /* "login:srv cert:mail.example" */
	const char *allowed; /* allowed_senders */
	enum header_check check_from;
	const char *exempt; /* "d *.d host:d host:.d" */
	bool literals;
	bool filter;
	enum internal_only_reply internal_reply;
	bool reserved_top;
	bool reserved_second;
	bool single_label;
	long long max_recipients; /* 0: 200 */
	bool require_ehlo;
	enum helo_syntax helo_syntax;
	const char *limits; /* "max_hop_count=3 ..."; else as built in */
	/* organization */
	enum own_domains own;
	const char *recipient_domains;
	/* "a@d b@d! c@d=login": known, internal only, owned; "-": it fails */
	const char *directory;
	/* session */
	const char *client;   /* "-": the MTA gave none; NULL: 203.0.113.9 */
	const char *listener; /* the same; NULL: 192.0.2.25:25 */
	const char *host;
	enum answer verified;
	bool full; /* max_sessions are open */
	bool offline;
	enum slot slot;
	/* "age=1000 hops=3 ...": what has been counted; else nothing */
	const char *counted;
	enum helo_form helo;
	enum tls_version tls;
	const char *certificate;
	enum mechanism mechanism;
	const char *login;
	/* commands */
	const char *from;
	bool auth_null;
	enum pressure pressure;
	bool rate_exceeded;
	const char *to;
	bool bad_parameter;
	bool unresolved;
	long long accepted;  /* recipients so far */
	const char *authors; /* NULL: not told; "": none */
	bool overfull;
	/* what comes out; line NULL: accepted */
	const char *rule;
	const char *line;
	const char *line_2010; /* NULL: the same */
	/* of what was only noted */
	const char *noted;
	const char *noted_line;
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
	char *copy = arena_strdup(arena, list != NULL ? list : "");

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

static struct server_identities
build_servers(struct arena *arena, const char *list)
{
	struct server_identity *items = arena_alloc(arena, 8, sizeof(*items));
	char *copy = arena_strdup(arena, list != NULL ? list : "");
	size_t count = 0;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		items[count].certificate = word[0] == 'c';
		items[count++].name = strchr(word, ':') + 1;
	}
	return (struct server_identities){ items, count };
}

static struct exemptions
build_exemptions(struct arena *arena, const char *list)
{
	struct exemption *items = arena_alloc(arena, 8, sizeof(*items));
	char *copy = arena_strdup(arena, list != NULL ? list : "");
	size_t count = 0;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		struct exemption *item = &items[count++];

		item->host = strncmp(word, "host:", 5) == 0;
		word += item->host ? 5 : 0;
		item->itself = word[0] != '.' && word[0] != '*';
		item->below = item->host || word[0] == '*';
		item->name = word + strspn(word, "*.");
	}
	return (struct exemptions){ items, count };
}

/* A number of a connector or of facts. */
struct sketch_number {
	const char *name;
	size_t offset;
};

/* Sets those that the list names: "name=number ...". */
static void
build_numbers(struct arena *arena, void *object,
    const struct sketch_number *numbers, size_t count, const char *list)
{
	char *copy = arena_strdup(arena, list != NULL ? list : "");

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		char *number = strchr(word, '=');
		size_t i = 0;

		*number++ = '\0';
		while (i < count && strcmp(numbers[i].name, word) != 0)
			i++;
		if (i == count)
			give_up(word, "no number");
		*(long long *)((char *)object + numbers[i].offset) =
		    atoll(number);
	}
}

/* clang-format off */
#define LIMIT(limit) { #limit, offsetof(struct connector, limit) }
static const struct sketch_number limit_numbers[] = {
	LIMIT(max_message_size),
	LIMIT(max_header_size),
	LIMIT(max_hop_count),
	LIMIT(max_local_hop_count),
	LIMIT(max_protocol_errors),
	LIMIT(connection_timeout),
	LIMIT(connection_inactivity_timeout),
};

/* Times are in ms. */
#define COUNT(count) { #count, offsetof(struct facts, count) }
static const struct sketch_number counted_numbers[] = {
	COUNT(age),
	COUNT(silence),
	COUNT(protocol_errors),
	COUNT(declared_size),
	COUNT(message_bytes),
	COUNT(header_bytes),
	COUNT(hops),
	COUNT(local_hops),
};
/* clang-format on */

/* What connectors limit where nobody wrote anything, and the rest of list. */
static void
build_limits(struct built *built, const char *list)
{
	struct connector *connector = &built->connector;

	connector->max_message_size = 37748736;
	connector->max_header_size = 262144;
	connector->max_hop_count = 60;
	connector->max_local_hop_count = 5;
	connector->max_protocol_errors = 5;
	connector->connection_timeout = 600;
	connector->connection_inactivity_timeout = 300;
	build_numbers(built->arena, connector, limit_numbers,
	    nitems(limit_numbers), list);
}

static void
build_counted(struct built *built, const char *list)
{
	built->facts.declared_size = -1;
	build_numbers(built->arena, &built->facts, counted_numbers,
	    nitems(counted_numbers), list);
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
		.domain_secure_enabled = sketch->domain_secure,
		.server_identities = build_servers(arena, sketch->servers),
		.allowed_senders = build_patterns(arena, sketch->allowed),
		.check_header_from = sketch->check_from,
		.header_from_exempt = build_exemptions(arena, sketch->exempt),
		.address_literals = sketch->literals,
		.recipient_filter = sketch->filter,
		.internal_only_reply = sketch->internal_reply,
		.reject_reserved_top_level = sketch->reserved_top,
		.reject_reserved_second_level = sketch->reserved_second,
		.reject_single_label = sketch->single_label,
		.max_recipients_per_message =
		    sketch->max_recipients != 0 ? sketch->max_recipients : 200,
		.require_ehlo_domain = sketch->require_ehlo,
		.helo_syntax = sketch->helo_syntax,
	};
	build_limits(built, sketch->limits);
	if (sketch->allow != NULL)
		build_rights(built, sketch->allow);
}

static void
build_policy(struct built *built, const struct sketch_case *sketch)
{
	struct arena *arena = built->arena;

	built->policy = (struct policy){
		.organization = {
			.accepted_domains =
			    build_domains(arena, "example.com *.example.net"),
			.internal_relay_domains =
			    build_domains(arena, "internal.example"),
			.external_relay_domains = build_domains(
			    arena, "external.example *.ext.example"),
			.own_domains = sketch->own,
			.own_hosts = ranges_of(arena, "192.0.2.25 2001:db8::25"),
			.tls_receive_domain_secure_list =
			    build_domains(arena, "partner.test eu.partner.test"),
			.recipient_domains =
			    build_domains(arena, sketch->recipient_domains),
			.recipient_delimiter = "",
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
	built->facts = (struct facts){
		.live = !sketch->offline,
		.admitted = !sketch->full,
		.slot = sketch->slot,
		.client = client_of(told(sketch->client, "203.0.113.9")),
		.listener =
		    endpoint_of(told(sketch->listener, "192.0.2.25:25")),
		.client_name = sketch->host,
		.client_name_verified = sketch->verified,
		.helo = sketch->helo,
		.tls = sketch->tls,
		.certificate = sketch->certificate,
		.mechanism = sketch->mechanism,
		.login = sketch->login,
		.mail_parameters_valid =
		    !sketch->bad_parameter || sketch->stage != STAGE_MAIL,
		.auth_null = sketch->auth_null,
		.pressure = sketch->pressure,
		.rate_exceeded = sketch->rate_exceeded,
		.rcpt_parameters_valid = !sketch->bad_parameter,
		.recipient_resolved = !sketch->unresolved,
		.recipients_accepted = sketch->accepted,
		.authors_told = sketch->authors != NULL,
		.header_overfull = sketch->overfull,
		.message_told = !sketch->offline,
	};
	build_counted(built, sketch->counted);
	if (sketch->login != NULL &&
	    build_mailbox(&built->login_address, sketch->login)->kind ==
		MAILBOX_DOMAIN)
		built->facts.login_address = &built->login_address;
	if (sketch->stage >= STAGE_MAIL)
		built->facts.sender =
		    build_mailbox(&built->sender, sketch->from);
	if (sketch->stage == STAGE_RCPT)
		built->facts.recipient =
		    build_mailbox(&built->recipient, sketch->to);
}

/* What the sketched directory says; *internal_only may be NULL. */
static struct claim_listing
build_listing(const struct built *built, const char *directory,
    const struct mailbox *mailbox, enum answer *internal_only)
{
	struct claim_listing listing = { ANSWER_NO, false };
	char *copy = arena_strdup(built->arena, directory ? directory : "");

	if (strcmp(copy, "-") == 0 && mailbox->kind == MAILBOX_DOMAIN) {
		listing.listed = *internal_only = ANSWER_UNKNOWN;
		return listing;
	}
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		const size_t len = strcspn(word, "=!");
		const char mark = word[len];
		struct mailbox item;

		word[len] = '\0';
		build_mailbox(&item, word);
		item.routed = mailbox->routed;
		if (!mailbox_equals(&item, mailbox))
			continue;
		listing.listed = ANSWER_YES;
		listing.owned = mark == '=' && built->facts.login != NULL &&
		    strcmp(word + len + 1, built->facts.login) == 0;
		*internal_only = mark == '!' ? ANSWER_YES : ANSWER_NO;
	}
	return listing;
}

/* What the session takes from the directory. */
static void
build_claims(struct built *built, const struct sketch_case *sketch)
{
	struct facts *facts = &built->facts;
	const char *authors = sketch->authors != NULL ? sketch->authors : "";
	char *copy = arena_strdup(built->arena, authors), *next;
	enum answer ignored = ANSWER_NO;
	struct claim_listing listing =
	    build_listing(built, sketch->directory, facts->sender, &ignored);

	facts->sender_claim = claim_of(&built->judged, facts->sender, &listing);
	if (facts->recipient != NULL)
		facts->recipient_listed =
		    build_listing(built, sketch->directory, facts->recipient,
			&facts->recipient_internal_only)
			.listed;
	for (char *word = strtok_r(copy, " ", &next); word;
	     word = strtok_r(NULL, " ", &next)) {
		struct mailbox author;

		build_mailbox(&author, word);
		listing =
		    build_listing(built, sketch->directory, &author, &ignored);
		facts->author_claims |= UINT64_C(1)
		    << claim_of(&built->judged, &author, &listing);
	}
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
	if (built->judged.connector != NULL && sketch->stage >= STAGE_MAIL) {
		policy_identify(&built->judged);
		build_claims(built, sketch);
	}
}

__attribute__((unused)) static void
build_free(struct built *built)
{
	arena_free(built->arena);
}

#endif
