/*
 * claim.c - what an address is to us, for each bit of the set.
 */
#include "claim.h"

#include "judging.h"

#define SENDER(path) .stage = STAGE_MAIL, .from = path
#define LISTED .directory = "a@example.com b@foreign.test=joe@example.com"

/* clang-format off */
static const struct {
	struct sketch_case sketch;
	unsigned claim;
} cases[] = {
	/* no address */
	{ { .what = "the null sender", ANYBODY, SENDER("<>"), LISTED }, 0 },
	{ { .what = "what does not parse", ANYBODY, SENDER("<a@@b>"),
	    .directory = "-" }, 0 },
	{ { .what = "a bare name", ANYBODY, SENDER("<a>") }, 0 },
	{ { .what = "a foreign address", ANYBODY, SENDER("<a@foreign.test>"),
	    LISTED }, 0 },
	/* CLAIM_OWN */
	{ { .what = "own: an accepted domain", ANYBODY,
	    SENDER("<x@example.com>") }, CLAIM_OWN },
	{ { .what = "own: below one", ANYBODY, SENDER("<x@a.example.net>") },
	    CLAIM_OWN },
	{ { .what = "own: a routed form", ANYBODY,
	    SENDER("<x%y.test@example.com>") }, CLAIM_OWN },
	{ { .what = "own: no relay domain", ANYBODY,
	    SENDER("<x@internal.example>") }, 0 },
	{ { .what = "own: a relay domain where it counts", ANYBODY,
	    .own = OWN_ACCEPTED, SENDER("<x@internal.example>") },
	    CLAIM_OWN },
	{ { .what = "own: what UUCP reaches", ANYBODY,
	    SENDER("<x@foreign.test.UUCP>") }, CLAIM_OWN },
	{ { .what = "own: no domain that ends alike", ANYBODY,
	    SENDER("<x@foreign.testuucp>") }, 0 },
	{ { .what = "own: no literal", ANYBODY, SENDER("<x@[192.0.2.25]>") },
	    0 },
	{ { .what = "own: a literal with address_literals", ANYBODY,
	    .literals = true, SENDER("<x@[192.0.2.25]>") }, CLAIM_OWN },
	{ { .what = "own: an IPv6 literal", ANYBODY, .literals = true,
	    SENDER("<x@[IPv6:2001:db8:0:0::25]>") }, CLAIM_OWN },
	{ { .what = "own: no literal of others", ANYBODY, .literals = true,
	    SENDER("<x@[192.0.2.2]>") }, 0 },
	{ { .what = "own: no literal of others that begins alike", ANYBODY,
	    .literals = true, SENDER("<x@[192.0.2.250]>") }, 0 },
	/* CLAIM_LISTED, CLAIM_UNKNOWN */
	{ { .what = "listed", ANYBODY, LISTED, SENDER("<A@example.com>") },
	    CLAIM_OWN | CLAIM_LISTED },
	{ { .what = "listed elsewhere", ANYBODY, LISTED,
	    SENDER("<b@foreign.test>") }, CLAIM_LISTED },
	{ { .what = "listed in a routed form", ANYBODY, LISTED,
	    SENDER("<@x.test:b@foreign.test>") }, CLAIM_LISTED },
	{ { .what = "the directory fails", ANYBODY, .directory = "-",
	    SENDER("<x@example.com>") }, CLAIM_OWN | CLAIM_UNKNOWN },
	/* CLAIM_OWNED */
	{ { .what = "owned: by the directory", USERS, JOE(BASIC), LISTED,
	    SENDER("<b@foreign.test>") }, CLAIM_LISTED | CLAIM_OWNED },
	{ { .what = "owned: behind a route", USERS, JOE(BASIC),
	    LISTED, SENDER("<@x.test:b@foreign.test>") },
	    CLAIM_LISTED | CLAIM_OWNED },
	{ { .what = "owned: not by another", USERS, JOE(BASIC), LISTED,
	    SENDER("<a@example.com>") }, CLAIM_OWN | CLAIM_LISTED },
	{ { .what = "owned: not by nobody", ANYBODY, LISTED,
	    SENDER("<b@foreign.test>") }, CLAIM_LISTED },
	{ { .what = "owned: the login itself", USERS, JOE(BASIC),
	    SENDER("<JOE@example.com>") }, CLAIM_OWN | CLAIM_OWNED },
	{ { .what = "owned: the login itself, the directory fails", USERS,
	    JOE(BASIC), .directory = "-", SENDER("<joe@example.com>") },
	    CLAIM_OWN | CLAIM_OWNED | CLAIM_UNKNOWN },
	{ { .what = "owned: the login behind a route", USERS,
	    JOE(BASIC), SENDER("<@x.test:joe@example.com>") },
	    CLAIM_OWN | CLAIM_OWNED },
	{ { .what = "owned: a login with a percent sign", USERS,
	    .mechanism = MECHANISM_BASIC, .login = "joe%x.test@example.com",
	    SENDER("<joe%x.test@example.com>") }, CLAIM_OWN | CLAIM_OWNED },
	/* CLAIM_PROVEN */
	{ { .what = "proven: the domain", PARTNERS, CERT("partner.test"),
	    SENDER("<x@partner.test>") }, CLAIM_PROVEN },
	{ { .what = "proven: below it", PARTNERS, CERT("mx.partner.test"),
	    SENDER("<x@a.partner.test>") }, CLAIM_PROVEN },
	{ { .what = "proven: not above it", PARTNERS,
	    CERT("mx.eu.partner.test"), SENDER("<x@partner.test>") }, 0 },
	{ { .what = "proven: not what ends alike", PARTNERS,
	    CERT("partner.test"), SENDER("<x@notpartner.test>") }, 0 },
	{ { .what = "proven: not by others", ANYBODY, CERT("partner.test"),
	    SENDER("<x@partner.test>") }, 0 },
	/* CLAIM_ALLOWED */
	{ { .what = "allowed: an address", ANYBODY,
	    .allowed = "x@foreign.test", SENDER("<X@foreign.test>") },
	    CLAIM_ALLOWED },
	{ { .what = "allowed: another", ANYBODY,
	    .allowed = "x@foreign.test", SENDER("<y@foreign.test>") }, 0 },
	{ { .what = "allowed: by its domain, also behind a route",
	    ANYBODY, .allowed = "foreign.test",
	    SENDER("<@a.test:x@foreign.test>") }, CLAIM_ALLOWED },
	{ { .what = "allowed: not by the domain of the route", ANYBODY,
	    .allowed = "a.test", SENDER("<@a.test:x@foreign.test>") }, 0 },
	/* together */
	{ { .what = "all that can be at once", PARTNERS,
	    CERT("partner.test"), .allowed = "partner.test",
	    .directory = "x@partner.test", SENDER("<x@partner.test>") },
	    CLAIM_LISTED | CLAIM_PROVEN | CLAIM_ALLOWED },
};
/* clang-format on */

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		struct built built;

		build(&built, &cases[i].sketch);
		is_int(built.facts.sender_claim, cases[i].claim,
		    cases[i].sketch.what);
		ok(built.facts.sender_claim < CLAIM_SETS, "within its bounds");
		build_free(&built);
	}
	return done();
}
