/*
 * ctl_mta_sendmail.c - connectorctl mta sendmail: lines for sendmail.mc, and
 * the guard.
 */
#include "ctl_mta.h"

#include "guard.h"
#include "text.h"

/* Without F= Sendmail goes on as if there were no milter. */
#define FLAGS ", F=T, T=C:10s;S:10s;R:15s;E:1m')dnl\n"

/* The names that SASL has for what a connector offers. */
/* clang-format off */
static const struct {
	unsigned mechanisms; /* enum auth_mechanism */
	const char *names;
} logins[] = {
	{ AUTH_BASIC | AUTH_EXCHANGE_SERVER, "PLAIN LOGIN" },
	{ AUTH_INTEGRATED | AUTH_EXCHANGE_SERVER,
	    "GSSAPI SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 NTLM" },
};
/* clang-format on */

static void
print_socket(const struct config *config, FILE *out)
{
	struct mta_socket socket;

	mta_socket(&socket, config);
	fputs("dnl Ask the milter; while it does not answer, mail waits (F=T). "
	      "A later\n"
	      "dnl confINPUT_MAIL_FILTERS must name it too.\n"
	      "INPUT_MAIL_FILTER(`connector-milter', `S=",
	    out);
	if (socket.path != NULL)
		fprintf(out, "local:%s", socket.path);
	else
		fprintf(out, "inet%s:%s@%s",
		    socket.family == ADDR_IPV6 ? "6" : "", socket.port,
		    socket.host);
	fputs(FLAGS, out);
}

/* What the live connectors offer, all together. */
static unsigned
offered(const struct policy *policy)
{
	unsigned mechanisms = 0;

	for (size_t i = 0; i < policy->connector_count; i++)
		if (connector_is_live(&policy->connectors[i]))
			mechanisms |= policy->connectors[i].auth_mechanism;
	return mechanisms;
}

/* Does every live connector that takes plain passwords want TLS for them? */
static bool
passwords_need_tls(const struct policy *policy)
{
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *connector = &policy->connectors[i];

		if (connector_is_live(connector) &&
		    (connector->auth_mechanism & AUTH_BASIC) != 0 &&
		    (connector->auth_mechanism & AUTH_BASIC_REQUIRE_TLS) == 0)
			return false;
	}
	return true;
}

static void
print_logins(const struct policy *policy, FILE *out)
{
	const unsigned mechanisms = offered(policy);
	char buf[128];
	struct text names;

	text_init(&names, buf, sizeof(buf));
	for (size_t i = 0; i < nitems(logins); i++)
		if ((mechanisms & logins[i].mechanisms) != 0)
			text_printf(&names, "%s%s", names.len > 0 ? " " : "",
			    logins[i].names);
	if (names.len == 0)
		return;
	fprintf(out,
	    "\n"
	    "dnl Relay for logins, by the mechanisms that some connector "
	    "takes.\n"
	    "TRUST_AUTH_MECH(`%s')dnl\n"
	    "define(`confAUTH_MECHANISMS', `%s')dnl\n"
	    "define(`confAUTH_OPTIONS', `A %sy')dnl\n",
	    buf, buf, passwords_need_tls(policy) ? "p " : "");
}

static void
print_certificates(FILE *out)
{
	fputs("\n"
	      "dnl Some connector knows clients by their certificate. Those "
	      "are trusted that\n"
	      "dnl confCACERT or confCACERT_PATH vouches for. Sendmail asks "
	      "for them unless\n"
	      "dnl there is a V in confTLS_SRV_OPTIONS.\n"
	      "define(`confTLS_SRV_OPTIONS', `')dnl\n",
	    out);
}

int
mta_sendmail(const struct config *config, FILE *out)
{
	const struct policy *policy = config_policy(config);

	fprintf(out,
	    "dnl connector-milter: lines for sendmail.mc.\n"
	    "dnl Configuration: %s\n"
	    "\n",
	    config_hash(config));
	print_socket(config, out);
	fputs("\n"
	      "dnl Relay for the clients of \"connectorctl mta sendmail "
	      "guard\".\n"
	      "dnl 127.0.0.1 and ::1 relay without it; the milter judges them "
	      "all the same.\n"
	      "dnl sendmail(8) submits from there: it needs a connector, too.\n"
	      "FEATURE(`access_db')dnl\n",
	    out);
	print_logins(policy, out);
	if (mta_certificates(policy))
		print_certificates(out);
	fputs("\n"
	      "dnl A refusal of the whole session is given at HELO.\n"
	      "define(`confPRIVACY_FLAGS', `needmailhelo,noexpn,novrfy')dnl\n",
	    out);
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}

int
mta_sendmail_guard(const struct config *config, FILE *out)
{
	struct guard *guard = guard_build(config_policy(config));
	int failed = -1;

	if (guard != NULL)
		failed = guard_print_sendmail(guard, config_hash(config), out);
	guard_free(guard);
	return failed;
}
