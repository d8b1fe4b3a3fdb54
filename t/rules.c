/*
 * rules.c - the table of rules: its order, its names, and what it points to.
 */
#include "rules.h"

#include "schema.h"
#include "tap.h"

/* Stages of a rule. */
#define CONNECT (1u << STAGE_CONNECT)
#define HELO (1u << STAGE_HELO)
#define MAIL (1u << STAGE_MAIL)
#define RCPT (1u << STAGE_RCPT)
#define EOM (1u << STAGE_EOM)

/* clang-format off */
/*
 * The whole design, in the order in which rules are judged, with the code of
 * the reply.
 */
static const struct {
	const char *name;
	unsigned stages;
	const char *code;
} design[] = {
	{ "admission", CONNECT, "451" },
	{ "client_address", CONNECT, "451" },
	{ "listener", CONNECT, "451" },
	{ "no_connector", CONNECT, "421" },
	{ "max_inbound_connection", CONNECT, "421" },
	{ "max_inbound_connection_per_source", CONNECT, "421" },
	{ "connection_timeout", HELO | MAIL | RCPT, "421" },
	{ "max_protocol_errors", HELO | MAIL | RCPT, "421" },
	{ "require_ehlo_domain", HELO, "501" },
	{ "helo_syntax", HELO, "501" },
	{ "require_tls", MAIL, "530" },
	{ "auth_mechanism", MAIL, "530" },
	{ "submit", MAIL, "530" },
	{ "sender_syntax", MAIL, "501" },
	{ "back_pressure", MAIL, "452" },
	{ "message_rate_limit", MAIL, "421" },
	{ "authoritative_domain_sender", MAIL | EOM, "550" },
	{ "any_sender", MAIL | EOM, "550" },
	{ "max_message_size", MAIL | EOM, "552" },
	{ "recipient_syntax", RCPT, "501" },
	{ "reserved_domain", RCPT, "550" },
	{ "single_label_domain", RCPT, "550" },
	{ "relay", RCPT, "550" },
	{ "recipient_lookup", RCPT, "550" },
	{ "internal_only", RCPT, "550" },
	{ "max_recipients_per_message", RCPT, "452" },
	{ "max_header_size", EOM, "552" },
	{ "max_hop_count", EOM, "554" },
	{ "max_local_hop_count", EOM, "554" },
};
/* clang-format on */

/* The table holds what the design says, stage by stage, and nothing else. */
static void
check_order(void)
{
	size_t at = 0;

	for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
		for (size_t i = 0; i < nitems(design); i++) {
			if (!(design[i].stages >> stage & 1))
				continue;
			if (at >= rule_count) {
				ok(0, "%s is missing", design[i].name);
				continue;
			}
			is_str(rules[at].name, design[i].name,
			    "the order of rules");
			is_str(stage_name(rules[at].stage), stage_name(stage),
			    design[i].name);
			is_str(reply_code(rules[at].reply), design[i].code,
			    design[i].name);
			at++;
		}
	is_int((long long)rule_count, (long long)at, "so many rules");
}

/* A rule of two stages is one rule: the same reply in both. */
static void
check_names(void)
{
	for (size_t i = 0; i < rule_count; i++) {
		for (size_t k = i + 1; k < rule_count; k++) {
			if (strcmp(rules[i].name, rules[k].name) != 0)
				continue;
			ok(rules[i].stage != rules[k].stage &&
				rules[i].reply == rules[k].reply &&
				rules[i].other_reply == rules[k].other_reply,
			    "%s: the same in another stage", rules[i].name);
		}
		ok(i == 0 || rules[i - 1].stage <= rules[i].stage,
		    "%s comes at its stage", rules[i].name);
	}
}

/* Only what is judged of the header may be noted. */
static void
check_noted(void)
{
	for (size_t i = 0; i < rule_count; i++)
		ok((rules[i].noted != NULL) ==
			(rules[i].stage == STAGE_EOM &&
			    rules[i].reply == REPLY_SENDER_PERMISSION),
		    "%s, %s: noted or not", rules[i].name,
		    stage_name(rules[i].stage));
}

/* The MTA's, but what it calls itself tells us which hops were its own. */
static bool
is_ours(const struct setting *setting)
{
	return setting->enforcement != ENFORCED_BY_MTA ||
	    strcmp(setting->name, "fqdn") == 0;
}

static void
check_settings(const struct rule *rule)
{
	bool end = false;

	for (size_t i = 0; i < RULE_SETTINGS_MAX; i++) {
		const char *name = rule->settings[i];
		const struct setting *setting;

		if (name == NULL) {
			end = true;
			continue;
		}
		ok(!end, "%s: no gap before %s", rule->name, name);
		setting = schema_find(SECTION_CONNECTOR, name);
		is_str(setting != NULL ? setting->name : NULL, name,
		    "a setting that the schema has, spelled as there");
		ok(setting != NULL && is_ours(setting),
		    "%s: %s is ours to enforce", rule->name, name);
	}
}

static void
check_row(const struct rule *rule)
{
	const size_t len = strlen(rule->help);

	ok(len > 0 && rule->help[len - 1] != '.' &&
		(rule->help[0] < 'A' || rule->help[0] > 'Z'),
	    "%s: the help goes on after \"refuses when\"", rule->name);
	ok(rule->holds != NULL, "%s: asks something", rule->name);
	ok(rule->reply != REPLY_NONE && rule->reply < REPLY_COUNT &&
		rule->other_reply < REPLY_COUNT &&
		rule->other_reply != rule->reply,
	    "%s: has a reply", rule->name);
	check_settings(rule);
}

/* Each right is a setting of that name. */
static void
check_rights(void)
{
	for (unsigned i = 0; i < RIGHT_COUNT; i++) {
		const struct setting *setting =
		    schema_find(SECTION_CONNECTOR, right_name(i));

		ok(setting != NULL && setting->type == SETTING_PRINCIPALS,
		    "%s is a list of principals", right_name(i));
	}
}

int
main(void)
{
	ok(rule_count <= RULES_MAX, "a decision has room for every rule");
	check_order();
	check_names();
	check_noted();
	for (size_t i = 0; i < rule_count; i++)
		check_row(&rules[i]);
	check_rights();
	return done();
}
