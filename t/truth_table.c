/*
 * truth_table.c - the decision for very many cases, for t/truth.t to compare
 * with a model of its own; and one law, for every setting there is.
 *
 *   truth_table rows [SEED [CASES [PART PARTS]]]
 *
 * prints the usual word of each input, then a line for each row: its unusual
 * words and what came of it. First full products of what acts together in one
 * stage, then CASES drawn from all inputs. Bytes that would end a word are %XX.
 * Rows are dealt out to PARTS, of which PART is printed.
 *
 * As a test it enumerates all settings of a connector that could matter: who
 * is anonymous or a partner never reaches a recipient for our own people.
 * SELECTION_CASES, where it is small, makes that a sample (for sanitizers).
 */
#include "policy.h"

#include "tap.h"
#include "truth_rows.h"

#define SEED 20261122
#define CASES 150000

/* ---- printing ------------------------------------------------------------ */

static const char *words[INPUT_COUNT][VALUES_MAX];

static const char *
encoded(const char *name, const char *value)
{
	char *out = keep(parsed.arena, strlen(name) + 3 * strlen(value) + 3, 1);
	char *end = out + sprintf(out, "%s=", name);

	for (; *value != '\0'; value++)
		end += *value <= ' ' || *value == '%' || *value == '='
		    ? sprintf(end, "%%%02X", (unsigned char)*value)
		    : sprintf(end, "%c", *value);
	return out;
}

static void
encode_words(void)
{
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		for (unsigned k = 0; k < input_values(i); k++)
			words[i][k] =
			    encoded(input_name(i), inputs[i].values[k]);
}

static void
print_rights(const struct judged *judged, enum answer answer)
{
	bool any = false;

	for (unsigned i = 0; i < RIGHT_COUNT; i++) {
		if (rights_have(judged->rights, (enum right)i) != answer)
			continue;
		printf("%s%s", any ? "," : "", right_name((enum right)i));
		any = true;
	}
}

/* At connect the MTA has words of its own. */
static void
print_reply(
    const struct judged *judged, const struct rule *rule, enum reply_id id)
{
	char line[REPLY_LINE_MAX];
	struct reply reply;

	if (rule == NULL) {
		fputs("|-|-", stdout);
		return;
	}
	if (id == REPLY_AT_CONNECT) {
		printf("|%s|at connect", rule->name);
		return;
	}
	policy_reply(&reply, rule, id, judged);
	printf("|%s|%s", rule->name, reply_line(line, &reply));
}

static void
print_stage(const struct judged *judged, enum stage stage)
{
	struct decision decision;

	policy_decide(&decision, stage, judged);
	printf(" %s=%s", stage_name(stage), verdict_name(decision.verdict));
	print_reply(judged, decision.rule, decision.reply);
	print_reply(judged, decision.noted, decision.noted_reply);
	for (size_t i = 0; i < decision.step_count; i++)
		printf("%c%s:%s", i == 0 ? '|' : ',',
		    decision.steps[i].rule->name,
		    outcome_name(decision.steps[i].outcome));
}

/* All words, or those that are not usual. */
static void
print_words(const struct row *row, bool unusual)
{
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		if (!unusual || row->pick[i] != inputs[i].usual)
			printf("%s ", words[i][row->pick[i]]);
}

static void
print_row(const struct row *row)
{
	struct built built;

	print_words(row, true);
	fputs("=>", stdout);
	row_build(&built, row);
	print_stage(&built.judged, STAGE_CONNECT);
	if (built.judged.connector != NULL) {
		row_settle(&built);
		printf(
		    " identity=%s held=", identity_name(built.judged.identity));
		print_rights(&built.judged, ANSWER_YES);
		fputs(" unknown=", stdout);
		print_rights(&built.judged, ANSWER_UNKNOWN);
		for (unsigned i = STAGE_HELO; i < STAGE_COUNT; i++)
			print_stage(&built.judged, (enum stage)i);
	}
	putchar('\n');
}

/* ---- products ------------------------------------------------------------ */

#define EVERYBODY "anonymous users servers partners externally_secured"
#define TEMPORARY "client_resolve=OK~TEMP"

/* Sessions: INPUT=VALUE;... */
/* clang-format off */
static const char *const just_usual[] = { "", NULL };
static const char *const sessions[] = {
	"auth=-|-",
	"auth=-|-;certificate=-|-|sub.partner.test",
	"auth=PLAIN|joe@example.com",
	"auth=XOAUTH2|eve",
	"auth=GSSAPI|HUB",
	"certificate=-|-|hub.example.net",
	"certificate=-|-|hub.example.net;auth=NTLM|JOE@example.COM",
	"auth_mechanism=tls external_authoritative;domain_secure_enabled=no",
	"auth_mechanism=external_authoritative;domain_secure_enabled=no;"
	"auth=PLAIN|joe@example.com",
	NULL,
};
static const char *const strangers[] = {
	"auth=-|-", "certificate=-|-|partner.test", "auth=LOGIN|joe", NULL,
};
static const char *const servers[] = {
	"auth=PLAIN|hub;auth_null=yes", "auth=PLAIN|hub",
	"certificate=-|-|hub.example.net;auth_null=yes",
	"auth=PLAIN|joe@example.com;auth_null=yes",
	"auth_mechanism=external_authoritative;domain_secure_enabled=no;"
	"auth_null=yes", NULL,
};

/*
 * All values of the inputs varied, or those named: INPUT=VALUE~VALUE;..., for
 * each session; the rest is usual.
 */
static const struct product {
	const char *name;
	const char *const *sessions;
	const char *varied;
} products[] = {
	{ "connect", just_usual, "connector;live;admitted;client;listener;"
	    "slot;reply_style;identify_connector" },
	{ "helo", just_usual, "helo;helo_syntax;require_ehlo_domain;live;"
	    "identify_connector" },
	{ "time and errors", just_usual, "connection_timeout;"
	    "connection_inactivity_timeout;age;silence;protocol_errors;"
	    "max_protocol_errors;live" },
	{ "login", just_usual, "auth_mechanism;permission_groups;auth;"
	    "tls=~TLSv1.3~TLSv9;domain_secure_enabled=no" },
	{ "certificate", just_usual, "auth_mechanism;certificate;"
	    "domain_secure_enabled;tls_receive_domain_secure_list;"
	    "server_identities;tls=~TLSv1.1~TLSv9" },
	{ "encryption", just_usual, "require_tls;tls_min_version;tls;auth;"
	    "auth_mechanism=tls basic_auth~"
	    "tls basic_auth integrated basic_auth_require_tls~"
	    "tls exchange_server basic_auth basic_auth_require_tls~tls" },
	{ "submit", sessions, "submit;permission_groups;" TEMPORARY },
	{ "rights of hosts", sessions, "accept_any_recipient;client_name;"
	    "client_resolve" },
	{ "sender syntax", sessions, "sender;mail_parameters_valid;"
	    "reply_style;identify_connector" },
	{ "sender", sessions, "sender;sender_says;accept_any_sender=~"
	    EVERYBODY "~-host:.partner.test;"
	    "accept_authoritative_domain_sender=~" EVERYBODY
	    "~-host:.partner.test;client_resolve=TEMP" },
	{ "own sender", strangers, "sender;sender_says=no~unknown;"
	    "allowed_senders;address_literals;own_domains;"
	    "accept_any_sender=" EVERYBODY "~-anonymous" },
	{ "pressure", sessions, "pressure;rate_exceeded;live;"
	    "mail_parameters_valid;reply_style;permission_groups" },
	{ "size", sessions, "max_message_size;declared_size;"
	    "message_bytes=65536~65537~37748737;message_told;bypass_message_size_limit=~" EVERYBODY
	    "~host:.partner.test~-host:.partner.test;" TEMPORARY },
	{ "recipient", sessions, "recipient;recipient_listed;"
	    "recipient_internal_only;accept_any_recipient=~" EVERYBODY
	    "~-host:.partner.test;client_resolve=TEMP" },
	{ "lookup", just_usual, "recipient;recipient_listed;recipient_filter;"
	    "recipient_domains;directory;bypass_anti_spam=~" EVERYBODY
	    "~host:.partner.test;" TEMPORARY },
	{ "internal", servers, "recipient=<joe@example.com>~<joe@foreign."
	    "internal>~<postmaster>;recipient_listed;recipient_internal_only;"
	    "internal_only_reply;recipient_filter;reply_style;"
	    "accept_authentication_flag=~" EVERYBODY },
	{ "relay", just_usual, "recipient;sender=<joe@foreign.test>~<>~"
	    "<joe@example.com>~<@foreign.test:joe@example.com>;"
	    "relay_to;relay_from;accept_any_recipient=~"
	    "anonymous~host:.partner.test;client_resolve=TEMP;"
	    "recipient_resolved" },
	{ "wide relay", sessions, "recipient;relay_to=~foreign.test;"
	    "relay_from=~example.com;accept_any_recipient=~" EVERYBODY
	    ";recipient_resolved" },
	{ "domains", just_usual, "recipient;reject_reserved_top_level;"
	    "reject_reserved_second_level;reject_single_label;"
	    "accept_any_recipient=~" EVERYBODY ";rcpt_parameters_valid;"
	    "address_literals;recipient_resolved" },
	{ "count", sessions, "recipients_accepted;max_recipients_per_message;"
	    "live;reply_style" },
	{ "author", sessions, "authors;check_header_from;accept_any_sender=~"
	    EVERYBODY "~-host:.partner.test;"
	    "accept_authoritative_domain_sender=~" EVERYBODY
	    "~-host:.partner.test;client_resolve=TEMP" },
	{ "exemption", just_usual, "authors;header_from_exempt;"
	    "sender=<joe@foreign.test>~<x@list.test>~<x@a.list.test>~<>~"
	    "<a@mail.partner.test>;client_resolve=OK~TEMP~FAIL;"
	    "client_name=mx.partner.test~partner.test~;"
	    "accept_authoritative_domain_sender=-anonymous" },
	{ "noted", strangers, "authors;check_header_from;allowed_senders;"
	    "header_overfull;accept_any_sender=" EVERYBODY "~-anonymous;"
	    "accept_authoritative_domain_sender=" EVERYBODY "~-anonymous;"
	    "address_literals" },
	{ "message", just_usual, "message_told;message_bytes=1000~65537;"
	    "max_message_size=37748736~65536;max_header_size;header_bytes;"
	    "header_overfull;max_hop_count;hops;max_local_hop_count;"
	    "local_hops" },
};
/* clang-format on */

static unsigned
find_input(const char *name)
{
	for (unsigned i = 0; i < INPUT_COUNT; i++)
		if (strcmp(input_name(i), name) == 0)
			return i;
	give_up(name, "no such input");
	return 0;
}

static unsigned char
find_value(unsigned input, const char *value)
{
	for (unsigned i = 0; i < input_values(input); i++)
		if (strcmp(inputs[input].values[i], value) == 0)
			return (unsigned char)i;
	give_up(value, "no such value");
	return 0;
}

static void
set_session(struct row *row, const char *session)
{
	char *copy = arena_strdup(parsed.arena, session);

	for (char *name = strtok(copy, ";"); name; name = strtok(NULL, ";")) {
		char *value = strchr(name, '=');
		unsigned input;

		*value++ = '\0';
		input = find_input(name);
		row->pick[input] = find_value(input, value);
	}
}

/* One input of a product. */
struct axis {
	unsigned input;
	unsigned char picks[VALUES_MAX];
	unsigned count;
	unsigned at;
};

static void
set_axis(struct axis *axis, char *text)
{
	char *values = strchr(text, '=');
	char *value;

	if (values != NULL)
		*values++ = '\0';
	axis->input = find_input(text);
	if (values == NULL) {
		axis->count = input_values(axis->input);
		for (unsigned i = 0; i < axis->count; i++)
			axis->picks[i] = (unsigned char)i;
		return;
	}
	while ((value = strsep(&values, "~")) != NULL)
		axis->picks[axis->count++] = find_value(axis->input, value);
}

/* To the next combination; false after the last. */
static bool
advance(struct axis *axes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (++axes[i].at < axes[i].count)
			return true;
		axes[i].at = 0;
	}
	return false;
}

/* Rows seen so far, of which every parts-th is printed. */
struct deal {
	unsigned long seen;
	unsigned long part;
	unsigned long parts;
};

static void
deal_row(struct deal *deal, const struct row *row)
{
	if (deal->seen++ % deal->parts == deal->part)
		print_row(row);
}

static void
print_product(
    struct deal *deal, const struct product *product, const char *session)
{
	struct axis axes[16] = { 0 };
	char *copy = arena_strdup(parsed.arena, product->varied);
	size_t count = 0;
	char *text;

	while ((text = strsep(&copy, ";")) != NULL)
		set_axis(&axes[count++], text);
	do {
		struct row row;

		row_usual(&row);
		set_session(&row, session);
		for (size_t i = 0; i < count; i++)
			row.pick[axes[i].input] = axes[i].picks[axes[i].at];
		if (row_loads(&row))
			deal_row(deal, &row);
	} while (advance(axes, count));
}

static void
print_rows(uint64_t seed, unsigned long cases, struct deal *deal)
{
	struct row row;

	encode_words();
	row_usual(&row);
	fputs("# usual: ", stdout);
	print_words(&row, false);
	putchar('\n');
	for (size_t i = 0; i < nitems(products); i++) {
		const unsigned long before = deal->seen;

		for (size_t k = 0; products[i].sessions[k] != NULL; k++)
			print_product(
			    deal, &products[i], products[i].sessions[k]);
		printf("# %s: %lu\n", products[i].name, deal->seen - before);
	}
	for (unsigned long i = 0; i < cases; i++) {
		row_random(&row, &seed);
		deal_row(deal, &row);
	}
	printf("# random: %lu\n", cases);
}

/* ---- recipients for our own people only ---------------------------------- */

static unsigned long long asked, opened, unexpected;

/* What is left of the settings, once identity and rights are known. */
static void
try_recipient(struct built *built)
{
	struct connector *connector = &built->connector;
	struct decision decision;

	for (unsigned i = 0; i < 2 * 2 * 2 * 3; i++) {
		connector->recipient_filter = i & 1;
		connector->internal_only_reply = i >> 1 & 1;
		built->facts.recipient_internal_only =
		    (i >> 2 & 1) != 0 ? ANSWER_YES : ANSWER_UNKNOWN;
		connector->resolve_anonymous_senders = i >> 3;
		policy_decide(&decision, STAGE_RCPT, &built->judged);
		asked++;
		opened += decision.verdict == VERDICT_ACCEPT;
	}
}

/*
 * Bits of all: 6 of auth_mechanism, 5 of permission_groups, and for each right
 * whether everybody has it.
 */
static void
try_settings(struct built *built, uint32_t all, struct principals everybody)
{
	struct connector *connector = &built->connector;

	connector->auth_mechanism = all & 63;
	connector->permission_groups = all >> 6 & 31;
	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		connector->rights[i] = (all >> (11 + i) & 1) != 0
		    ? everybody
		    : (struct principals){ 0 };
	row_settle(built);
	/* Externally secured ones are no strangers. */
	if (built->judged.identity <= IDENTITY_PARTNER)
		try_recipient(built);
	else
		unexpected +=
		    built->judged.identity != IDENTITY_EXTERNALLY_SECURED;
}

static void
check_internal_only(const char *session, uint32_t stride)
{
	union cell everybody = { 0 };
	char list[] = EVERYBODY " legacy_servers host:partner.test";
	struct built built;
	struct row row;

	parse_principals(parsed.arena, &everybody, list);
	row_usual(&row);
	set_session(&row, session);
	row_build(&built, &row);
	asked = opened = unexpected = 0;
	for (uint32_t all = 0; all < 1u << 21; all += stride)
		try_settings(&built, all, everybody.principals);
	ok(asked > 0 && opened == 0 && unexpected == 0,
	    "%s: never opened by %llu settings (%llu opened, %llu others)",
	    session, asked, opened, unexpected);
}

static void
check_all_internal_only(void)
{
	static const char *const who[] = {
		"auth=-|-",
		"auth=-|-;certificate=-|-|partner.test",
	};
	const char *cases = getenv("SELECTION_CASES");
	const uint32_t stride =
	    cases != NULL && atoll(cases) < 1000000 ? 61 : 1;

	for (size_t i = 0; i < nitems(who); i++)
		check_internal_only(who[i], stride);
}

static unsigned long
argument(int argc, char **argv, int index, unsigned long otherwise)
{
	return argc > index ? strtoul(argv[index], NULL, 0) : otherwise;
}

int
main(int argc, char **argv)
{
	rows_begin();
	if (argc > 1 && strcmp(argv[1], "rows") == 0) {
		struct deal deal = { 0, argument(argc, argv, 4, 0),
			argument(argc, argv, 5, 1) };

		print_rows(argument(argc, argv, 2, SEED),
		    argument(argc, argv, 3, CASES), &deal);
		rows_end();
		return 0;
	}
	check_all_internal_only();
	rows_end();
	return done();
}
