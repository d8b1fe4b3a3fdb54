/*
 * monotony.c - whoever has less is never allowed more.
 *
 * A random policy and session, judged at every stage; then one thing is taken
 * away, or counted on, and all is judged again. What was refused or deferred
 * must not become acceptance, no right may appear, no header field may be kept
 * that had to go.
 *
 * Strict, without exception, is this for
 *  - a group, a grant taken from the connector, or a denial added,
 *  - an answer of the directory that becomes unknown,
 *  - what the MTA no longer tells of the client's name, of the version of TLS,
 *    of client, listener and of what the recipient resolved to,
 *  - resources that cannot be read, and more of all that is counted.
 *
 * TLS as a whole, the certificate and the login are otherwise: they say who the
 * session is, and without them it is somebody else, with the rights of that
 * other identity, which are no part of its own. That is no hole: nobody can be
 * kept from coming without a login or a certificate, so what a stranger may do
 * is what the administrator gave to everybody. What has to hold is that hiding
 * gives nothing but this. A refusal may vanish only for a reason listed in
 * excuses[], each tied to one rule, and what passes must then be what the new
 * identity may claim.
 *
 * The number of pairs is the first argument, else SELECTION_CASES, else a
 * million; MONOTONY_SEED varies them.
 */
#include "firewall.h"
#include "policy.h"

#include "tap.h"
#include "truth_rows.h"

/* All that is decided of one session. */
struct judgement {
	enum identity identity;
	bool login;
	uint16_t held;
	unsigned sender_claim;
	uint64_t author_claims;
	unsigned kept; /* bit n: fields[n] */
	enum verdict verdicts[STAGE_COUNT];
	const struct rule *rules[STAGE_COUNT];
};

static const char *const fields[] = { "Received", "Resent-From", "Subject",
	"X-MS-Exchange-Organization-SCL", "X-MS-Exchange-Forest-Language",
	"X-MS-Exchange-CrossPremises-AuthAs", "X-Connector-AuthAs" };

static uint16_t
rights_held(struct rights rights)
{
	uint16_t held = 0;

	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		if (rights_have(rights, (enum right)i) == ANSWER_YES)
			held = (uint16_t)(held | RIGHT_BIT(i));
	return held;
}

static void
judge(struct judgement *judgement, struct built *built)
{
	struct decision decision;

	row_settle(built);
	*judgement = (struct judgement){
		.identity = built->judged.identity,
		.login = built->facts.login != NULL,
		.held = rights_held(built->judged.rights),
		.sender_claim = built->facts.sender_claim,
		.author_claims = built->facts.author_claims,
	};
	for (unsigned i = 0; i < nitems(fields); i++)
		if (!firewall_strips(&built->judged, fields[i]))
			judgement->kept |= 1u << i;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		policy_decide(&decision, (enum stage)i, &built->judged);
		judgement->verdicts[i] = decision.verdict;
		judgement->rules[i] = decision.rule;
	}
}

/* ---- what is taken away -------------------------------------------------- */

/*
 * Each returns false when there is nothing to take. items is room for the list
 * of principals that is changed.
 */
typedef bool take(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX]);

/*
 * Without exchange_servers nobody is externally secured any more; but then
 * such a connector does not load (exchange-semantics 3.5, C4).
 */
static bool
take_group(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	struct connector *connector = &built->connector;
	const unsigned group = 1u << random_below(seed, 5);

	(void)items;
	if ((connector->permission_groups & group) == 0 ||
	    (group == GROUP_EXCHANGE_SERVERS &&
		(connector->auth_mechanism & AUTH_EXTERNAL_AUTHORITATIVE) != 0))
		return false;
	connector->permission_groups &= ~group;
	return true;
}

static bool
take_grant(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	struct principals *right =
	    &built->connector.rights[random_below(seed, RIGHT_COUNT)];
	size_t at;

	if (right->count == 0)
		return false;
	at = random_below(seed, right->count);
	if (right->items[at].deny)
		return false;
	memcpy(items, right->items, right->count * sizeof(*items));
	items[at] = items[right->count - 1];
	*right = (struct principals){ items, right->count - 1 };
	return true;
}

static bool
add_denial(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	static const struct principal denials[] = {
		{ PRINCIPAL_ANONYMOUS, true, NULL, NULL },
		{ PRINCIPAL_USERS, true, NULL, NULL },
		{ PRINCIPAL_SERVERS, true, NULL, NULL },
		{ PRINCIPAL_LEGACY_SERVERS, true, NULL, NULL },
		{ PRINCIPAL_PARTNERS, true, NULL, NULL },
		{ PRINCIPAL_EXTERNALLY_SECURED, true, NULL, NULL },
		{ PRINCIPAL_LOGIN, true, "joe@example.com", NULL },
		{ PRINCIPAL_GROUP, true, "staff", &groups[0] },
		{ PRINCIPAL_HOST, true, "partner.test", NULL },
		{ PRINCIPAL_HOST_BELOW, true, "partner.test", NULL },
	};
	struct principals *right =
	    &built->connector.rights[random_below(seed, RIGHT_COUNT)];

	if (right->count == ITEMS_MAX)
		return false;
	if (right->count > 0)
		memcpy(items, right->items, right->count * sizeof(*items));
	items[right->count] = denials[random_below(seed, nitems(denials))];
	*right = (struct principals){ items, right->count + 1 };
	return true;
}

#define HIDE(name, there, hidden) \
	static bool name(struct built *built, uint64_t *seed, \
	    struct principal items[ITEMS_MAX]) \
	{ \
		struct facts *facts = &built->facts; \
\
		(void)seed; \
		(void)items; \
		if (!(there)) \
			return false; \
		hidden; \
		return true; \
	}

HIDE(hide_listener, facts->listener.addr.family != ADDR_NONE,
    facts->listener.addr.family = ADDR_NONE)
HIDE(hide_client, facts->client.family != ADDR_NONE,
    facts->client.family = ADDR_NONE)
HIDE(hide_name, facts->client_name != NULL, facts->client_name = NULL)
HIDE(hide_check_of_name, facts->client_name_verified != ANSWER_UNKNOWN,
    facts->client_name_verified = ANSWER_UNKNOWN)
HIDE(hide_tls_version, facts->tls != TLS_OFF, facts->tls = TLS_OTHER)
HIDE(hide_resolution, facts->recipient_resolved,
    facts->recipient_resolved = false)
HIDE(hide_listed, facts->recipient_listed != ANSWER_UNKNOWN,
    facts->recipient_listed = ANSWER_UNKNOWN)
HIDE(hide_internal_only, facts->recipient_internal_only != ANSWER_UNKNOWN,
    facts->recipient_internal_only = ANSWER_UNKNOWN)
HIDE(hide_pressure, facts->pressure != PRESSURE_UNKNOWN,
    facts->pressure = PRESSURE_UNKNOWN)
HIDE(hide_tls, facts->tls != TLS_OFF, facts->tls = TLS_OFF)
HIDE(hide_certificate, facts->certificate != NULL, facts->certificate = NULL)

static bool
hide_login(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	(void)seed;
	(void)items;
	if (built->facts.login == NULL)
		return false;
	built->facts.mechanism = MECHANISM_NONE;
	built->facts.login = NULL;
	built->facts.login_address = NULL;
	return true;
}

static bool
hide_sender_listing(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	(void)seed;
	(void)items;
	if (built->policy.directory == NULL ||
	    built->sender.says == SAYS_UNKNOWN)
		return false;
	built->sender.says = SAYS_UNKNOWN;
	return true;
}

static bool
hide_author_listing(
    struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	struct claimed *author;

	(void)items;
	if (built->policy.directory == NULL || built->author_count == 0)
		return false;
	author = &built->authors[random_below(seed, built->author_count)];
	if (author->says == SAYS_UNKNOWN)
		return false;
	author->says = SAYS_UNKNOWN;
	return true;
}

/* Later, more errors, a larger message, more hops; never a count too high. */
static bool
count_on(struct built *built, uint64_t *seed, struct principal items[ITEMS_MAX])
{
	struct facts *facts = &built->facts;
	long long *const counts[] = { &facts->age, &facts->silence,
		&facts->protocol_errors, &facts->declared_size,
		&facts->message_bytes, &facts->header_bytes, &facts->hops,
		&facts->local_hops };
	long long *const count = counts[random_below(seed, nitems(counts))];

	(void)items;
	if (*count > UNLIMITED / 2)
		return false;
	*count += 1 + (long long)random_below(seed, 1000000);
	return true;
}

static const struct change {
	const char *what;
	take *take;
	bool strict;
} changes[] = {
	{ "a permission group less", take_group, true },
	{ "a grant less", take_grant, true },
	{ "a denial more", add_denial, true },
	{ "no listener", hide_listener, true },
	{ "no client address", hide_client, true },
	{ "no client name", hide_name, true },
	{ "client name not checked", hide_check_of_name, true },
	{ "version of TLS not told", hide_tls_version, true },
	{ "recipient not resolved", hide_resolution, true },
	{ "directory silent about the recipient", hide_listed, true },
	{ "directory silent about internal only", hide_internal_only, true },
	{ "directory silent about the sender", hide_sender_listing, true },
	{ "directory silent about an author", hide_author_listing, true },
	{ "resources not known", hide_pressure, true },
	{ "more of what is counted", count_on, true },
	{ "no TLS", hide_tls, false },
	{ "no certificate", hide_certificate, false },
	{ "no login", hide_login, false },
};

/* ---- why a refusal may vanish with TLS, certificate or login ------------- */

static bool
identity_changed(const struct judgement *before, const struct judgement *after)
{
	return before->identity != after->identity;
}

/* Group and user: principals go with the login alone, denials of them too. */
static bool
is_somebody_else(const struct judgement *before, const struct judgement *after)
{
	return identity_changed(before, after) ||
	    (before->login && !after->login);
}

static bool
lost_login(const struct judgement *before, const struct judgement *after)
{
	return before->login && !after->login;
}

/*
 * A user and a partner have to keep to addresses of their own, and so has a
 * server that logged in; strangers may bear any name that is not ours.
 */
static bool
is_freer_sender(const struct judgement *before, const struct judgement *after)
{
	return identity_changed(before, after) ||
	    (after->identity == IDENTITY_SERVER && lost_login(before, after));
}

/*
 * A server that passes on for a stranger says AUTH=<>; a user's mail is our own
 * people's whatever it says. Who hides the certificate of a server and keeps a
 * login is a user.
 */
static bool
server_became_user(
    const struct judgement *before, const struct judgement *after)
{
	return before->identity == IDENTITY_SERVER &&
	    after->identity == IDENTITY_USER;
}

#define NO_RIGHT RIGHT_COUNT

static const struct excuse {
	const char *rule;
	/* Held afterwards and not before; NO_RIGHT: none is needed. */
	unsigned gained;
	bool (*applies)(
	    const struct judgement *before, const struct judgement *after);
	const char *what;
} excuses[] = {
	{ "submit", RIGHT_SUBMIT, is_somebody_else,
	    "the other identity may submit" },
	{ "authoritative_domain_sender",
	    RIGHT_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER, is_somebody_else,
	    "the other identity may use our domains" },
	{ "any_sender", RIGHT_ACCEPT_ANY_SENDER, is_somebody_else,
	    "the other identity may be anybody" },
	{ "relay", RIGHT_ACCEPT_ANY_RECIPIENT, is_somebody_else,
	    "the other identity may relay" },
	{ "recipient_lookup", RIGHT_BYPASS_ANTI_SPAM, is_somebody_else,
	    "the other identity is not filtered" },
	{ "max_message_size", RIGHT_BYPASS_MESSAGE_SIZE_LIMIT, is_somebody_else,
	    "the other identity may send any size" },
	{ "auth_mechanism", NO_RIGHT, lost_login,
	    "who does not log in does so in no wrong way" },
	{ "any_sender", NO_RIGHT, is_freer_sender,
	    "the other identity need not own its sender" },
	{ "internal_only", NO_RIGHT, server_became_user,
	    "a user's mail is internal, a server's need not be" },
};

static unsigned long long excused[nitems(excuses)];

static bool
is_excused(const struct judgement *before, const struct judgement *after,
    enum stage stage)
{
	const uint16_t gained = (uint16_t)(after->held & ~before->held);

	for (size_t i = 0; i < nitems(excuses); i++) {
		const struct excuse *excuse = &excuses[i];

		if (strcmp(excuse->rule, before->rules[stage]->name) == 0 &&
		    (excuse->gained == NO_RIGHT ||
			(gained & RIGHT_BIT(excuse->gained)) != 0) &&
		    excuse->applies(before, after)) {
			excused[i]++;
			return true;
		}
	}
	return false;
}

/*
 * What a session without the right accept_any_sender may claim; the rule
 * any_sender again, in its own words.
 */
static bool
claim_fits(const struct judgement *after, unsigned claim)
{
	if (after->identity == IDENTITY_PARTNER)
		return (claim & CLAIM_PROVEN) != 0;
	if (after->identity == IDENTITY_USER ||
	    (after->identity == IDENTITY_SERVER && after->login))
		return (claim & CLAIM_OWNED) != 0;
	return (claim & (CLAIM_OWN | CLAIM_LISTED | CLAIM_UNKNOWN)) == 0;
}

/* Does what passed claim no more than the new identity may? */
static bool
claims_fit(
    const struct judgement *after, const struct built *built, enum stage stage)
{
	const bool null = built->facts.sender->kind == MAILBOX_NULL;

	if ((after->held & RIGHT_BIT(RIGHT_ACCEPT_ANY_SENDER)) != 0)
		return true;
	if (stage == STAGE_MAIL)
		return null || claim_fits(after, after->sender_claim);
	if (stage != STAGE_EOM ||
	    built->connector.check_header_from != HEADER_CHECK_YES ||
	    !built->facts.authors_told ||
	    built->connector.header_from_exempt.count > 0)
		return true;
	for (unsigned i = 0; i < CLAIM_SETS; i++)
		if ((after->author_claims >> i & 1) != 0 &&
		    !claim_fits(after, i))
			return false;
	return true;
}

/* ---- pairs --------------------------------------------------------------- */

struct score {
	unsigned long long pairs;
	unsigned long long refused;   /* stages refused or deferred before */
	unsigned long long tightened; /* stages accepted before alone */
	unsigned long long excused;
	unsigned long long wrong;
};

static void
print_wrong(
    const struct row *row, const struct judgement *before, const char *what)
{
	printf("# %s:", what);
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		if (row->pick[i] != inputs[i].usual)
			printf(" %s=\"%s\"", input_name(i),
			    inputs[i].values[row->pick[i]]);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		if (before->rules[i] != NULL)
			printf(" [%s]", before->rules[i]->name);
	putchar('\n');
}

/* How many faults the pair shows. */
static unsigned
compare(struct score *score, const struct change *change,
    const struct built *built, const struct judgement *before,
    const struct judgement *after)
{
	unsigned wrong = 0;

	if (change->strict)
		wrong += (after->held & ~before->held) != 0 ||
		    (after->kept & ~before->kept) != 0;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (before->verdicts[i] == VERDICT_ACCEPT) {
			score->tightened +=
			    after->verdicts[i] != VERDICT_ACCEPT;
			continue;
		}
		score->refused++;
		if (after->verdicts[i] != VERDICT_ACCEPT)
			continue;
		if (!change->strict && is_excused(before, after, i) &&
		    claims_fit(after, built, i))
			score->excused++;
		else
			wrong++;
	}
	return wrong;
}

static void
try_pair(struct score *score, const struct change *change, uint64_t *seed)
{
	struct principal items[ITEMS_MAX];
	struct judgement before, after;
	struct built built;
	struct row row;
	unsigned wrong;

	do {
		row_random(&row, seed);
		row.pick[IN_CONNECTOR] = 1;
		row_build(&built, &row);
		judge(&before, &built);
	} while (!change->take(&built, seed, items));
	judge(&after, &built);
	score->pairs++;
	wrong = compare(score, change, &built, &before, &after);
	if (wrong > 0 && score->wrong < 3)
		print_wrong(&row, &before, change->what);
	score->wrong += wrong;
}

static unsigned long long
number(const char *text, unsigned long long otherwise)
{
	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

int
main(int argc, char **argv)
{
	const unsigned long long cases =
	    number(argc > 1 ? argv[1] : getenv("SELECTION_CASES"), 1000000);
	uint64_t seed = number(getenv("MONOTONY_SEED"), 0x5eed1e55);

	printf("# %llu pairs, MONOTONY_SEED=%llu\n", cases,
	    (unsigned long long)seed);
	rows_begin();
	for (size_t i = 0; i < nitems(changes); i++) {
		struct score score = { 0 };

		for (unsigned long long k = i; k < cases; k += nitems(changes))
			try_pair(&score, &changes[i], &seed);
		ok(score.wrong == 0 && score.refused > 0,
		    "%s: %llu pairs, %llu refusals, %llu more, %llu excused, "
		    "%llu wrong",
		    changes[i].what, score.pairs, score.refused,
		    score.tightened, score.excused, score.wrong);
	}
	for (size_t i = 0; i < nitems(excuses); i++)
		ok(excused[i] > 0 || cases < 100000, "%s: %s: %llu times",
		    excuses[i].rule, excuses[i].what, excused[i]);
	rows_end();
	return done();
}
