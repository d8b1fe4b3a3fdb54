/*
 * firewall.c - which header fields each right keeps.
 */
#include "firewall.h"

#include "judging.h"

#define ORGANIZATION RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION)
#define FOREST RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST)
#define ROUTING RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING)
#define ALL_RIGHTS ((1u << RIGHT_COUNT) - 1)
/* What no right keeps, and what nothing takes. */
#define NEVER 0
#define ALWAYS (ALL_RIGHTS + 1)

/* clang-format off */
/*
 * The right that keeps a field; the stamp's prefix is X-Connector-, protected
 * are X-Ours- and x-ms-exchange-forest-own.
 */
static const struct {
	const char *name;
	unsigned kept;
	const char *what;
} fields[] = {
	{ "X-MS-Exchange-Organization-AuthAs", ORGANIZATION,
	    "a field of the organization" },
	{ "x-ms-exchange-ORGANIZATION-scl", ORGANIZATION, "in any case" },
	{ "X-MS-Exchange-Organization-AuthAs \t", ORGANIZATION,
	    "with blanks behind" },
	{ "X-MS-Exchange-Organization-", ORGANIZATION, "the prefix alone" },
	{ "X-MS-Exchange-Organization", ALWAYS, "less than the prefix" },
	{ "X-MS-Exchange-Organization ", ALWAYS, "a blank is no dash" },
	{ "X-MS-Exchange-OrganizationAuthAs", ALWAYS, "without the dash" },
	{ "XX-MS-Exchange-Organization-AuthAs", ALWAYS,
	    "the prefix in the middle" },
	{ "X-MS-Exchange-Forest-Language", FOREST, "a field of the forest" },
	{ "X-MS-Exchange-Forest-RulesExecuted", FOREST, "another one" },
	{ "X-MS-Exchange-CrossPremises-AuthAs", ORGANIZATION,
	    "a field that crosses premises" },
	{ "X-MS-Exchange-MessageSentRepresentingType", ALWAYS,
	    "another field of Exchange" },
	{ "Received", ROUTING, "Received" },
	{ "rEcEiVeD", ROUTING, "Received in any case" },
	{ "Received ", ROUTING, "Received with a blank behind" },
	{ "Received\t \t", ROUTING, "Received with many" },
	{ "Received-SPF", ALWAYS, "Received is a whole name" },
	{ "X-Received", ALWAYS, "with nothing before" },
	{ "Receive", ALWAYS, "and nothing missing" },
	{ "Resent-From", ROUTING, "Resent-From" },
	{ "Resent-Date", ROUTING, "Resent-Date" },
	{ "RESENT-Message-ID", ROUTING, "Resent-Message-ID" },
	{ "Resent", ALWAYS, "Resent alone" },
	{ "X-Connector-Name", NEVER, "the stamp" },
	{ "x-connector-authas", NEVER, "the stamp in any case" },
	{ "X-Connector-Anything ", NEVER, "what looks like the stamp" },
	{ "X-Connector-", NEVER, "the stamp's prefix alone" },
	{ "X-Connector", ALWAYS, "less than the stamp's prefix" },
	{ "X-Ours-Score", ORGANIZATION, "a protected field" },
	{ "x-ours-", ORGANIZATION, "a protected prefix alone" },
	{ "X-Our", ALWAYS, "less than that" },
	{ "X-MS-Exchange-Forest-Own", FOREST | ORGANIZATION,
	    "a field of two rows needs both rights" },
	{ "From", ALWAYS, "From" },
	{ "Subject", ALWAYS, "Subject" },
	{ "DKIM-Signature", ALWAYS, "DKIM-Signature" },
	{ "", ALWAYS, "an empty name" },
	{ " ", ALWAYS, "a blank name" },
};

/* tls_domain_capabilities = cloud.test */
static const struct {
	enum tls_version tls;
	const char *certificate;
	bool cloud;
	const char *what;
} certificates[] = {
	{ TLS_1_2, "cloud.test", true, "a trusted certificate" },
	{ TLS_OTHER, "mail.eu.cloud.test", true, "one below the domain" },
	{ TLS_OFF, "cloud.test", false, "a certificate without TLS" },
	{ TLS_1_2, "notcloud.test", false, "a name that ends alike" },
	{ TLS_1_2, "test", false, "a name above" },
	{ TLS_1_2, NULL, false, "no certificate" },
};
/* clang-format on */

static const char *const ours[] = { "X-Ours-", "x-ms-exchange-forest-own", "" };
static const struct capability cloud[] = { { "elsewhere.test" },
	{ "cloud.test" } };

static void
build_firewall(struct built *built)
{
	const struct sketch_case sketch = { .stage = STAGE_MAIL, .from = "<>" };

	build(built, &sketch);
	built->policy.stamp_prefix = "X-Connector-";
	built->connector.protected_headers =
	    (struct field_prefixes){ ours, nitems(ours) };
	built->connector.tls_domain_capabilities =
	    (struct capabilities){ cloud, nitems(cloud) };
}

/* With every set of the three rights, held for certain or not known. */
static void
check_fields(struct built *built)
{
	const unsigned rights[] = { ORGANIZATION, FOREST, ROUTING };

	for (size_t i = 0; i < nitems(fields); i++)
		for (unsigned set = 0; set < 27; set++) {
			unsigned held = 0, unknown = 0, rest = set;
			bool keep = fields[i].kept == ALWAYS;

			for (size_t k = 0; k < nitems(rights); k++, rest /= 3) {
				held |= rest % 3 == 1 ? rights[k] : 0;
				unknown |= rest % 3 == 2 ? rights[k] : 0;
			}
			if (fields[i].kept != NEVER &&
			    (fields[i].kept & held) == fields[i].kept)
				keep = true;
			built->judged.rights = (struct rights){
				(uint16_t)held,
				(uint16_t)unknown,
			};
			is_int(firewall_strips(&built->judged, fields[i].name),
			    !keep, fields[i].what);
		}
}

static void
check_certificates(struct built *built)
{
	built->judged.rights = (struct rights){ 0, 0 };
	for (size_t i = 0; i < nitems(certificates); i++) {
		const char *what = certificates[i].what;

		built->facts.tls = certificates[i].tls;
		built->facts.certificate = certificates[i].certificate;
		is_int(firewall_strips(&built->judged,
			   "X-MS-Exchange-CrossPremises-AuthAs"),
		    !certificates[i].cloud, what);
		ok(firewall_strips(
		       &built->judged, "X-MS-Exchange-Organization-AuthAs") &&
			firewall_strips(
			    &built->judged, "X-MS-Exchange-Forest-Language") &&
			firewall_strips(&built->judged, "X-Ours-Score") &&
			firewall_strips(&built->judged, "X-Connector-Name") &&
			firewall_strips(&built->judged, "Received") &&
			firewall_strips(&built->judged, "Resent-From"),
		    "%s: keeps nothing else", what);
	}
}

/* A policy built by hand may have no prefix; an empty one is none. */
static void
check_prefix(struct built *built)
{
	built->judged.rights = (struct rights){ ALL_RIGHTS, 0 };
	built->policy.stamp_prefix = NULL;
	ok(!firewall_strips(&built->judged, "X-Connector-Name"), "no prefix");
	built->policy.stamp_prefix = "";
	ok(!firewall_strips(&built->judged, "From"), "an empty prefix");
	built->policy.stamp_prefix = "X-MS-Exchange-Organization-";
	ok(firewall_strips(&built->judged, "X-MS-Exchange-Organization-AuthAs"),
	    "our own prefix goes, whatever the right");
}

int
main(void)
{
	struct built built;

	build_firewall(&built);
	check_fields(&built);
	check_certificates(&built);
	check_prefix(&built);
	build_free(&built);
	return done();
}
