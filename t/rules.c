/*
 * rules.c - the table of rules: its order, its names, and what it points to.
 */
#include "rules.h"

#include "schema.h"
#include "tap.h"

/* clang-format off */
/* In the order in which they are judged, with the stage and first line. */
static const struct {
	const char *name;
	enum stage stage;
	const char *code;
} order[] = {
	{ "admission", STAGE_CONNECT, "451" },
	{ "client_address", STAGE_CONNECT, "451" },
	{ "listener", STAGE_CONNECT, "451" },
	{ "no_connector", STAGE_CONNECT, "421" },
	{ "require_tls", STAGE_MAIL, "530" },
	{ "auth_mechanism", STAGE_MAIL, "530" },
	{ "submit", STAGE_MAIL, "530" },
	{ "sender_syntax", STAGE_MAIL, "501" },
	{ "authoritative_domain_sender", STAGE_MAIL, "550" },
	{ "recipient_syntax", STAGE_RCPT, "501" },
	{ "relay", STAGE_RCPT, "550" },
};
/* clang-format on */

static void
check_order(void)
{
	is_int((long long)rule_count, nitems(order), "so many rules");
	for (size_t i = 0; i < nitems(order) && i < rule_count; i++) {
		is_str(rules[i].name, order[i].name, "the order of rules");
		is_str(stage_name(rules[i].stage), stage_name(order[i].stage),
		    order[i].name);
		is_str(
		    reply_code(rules[i].reply), order[i].code, order[i].name);
	}
}

static void
check_names(void)
{
	for (size_t i = 0; i < rule_count; i++) {
		for (size_t k = i + 1; k < rule_count; k++)
			ok(strcmp(rules[i].name, rules[k].name) != 0,
			    "%s is not %s", rules[i].name, rules[k].name);
		ok(i == 0 || rules[i - 1].stage <= rules[i].stage,
		    "%s comes at its stage", rules[i].name);
	}
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
		ok(setting != NULL && setting->enforcement != ENFORCED_BY_MTA,
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
	for (size_t i = 0; i < rule_count; i++)
		check_row(&rules[i]);
	check_rights();
	return done();
}
