/*
 * ctl_mta_postfix.c - connectorctl mta postfix: lines for main.cf, and the
 * guard.
 */
#include "ctl_mta.h"

#include <string.h>

#include "guard.h"

/* Where Postfix starts relative paths, and where a chrooted smtpd lives. */
#define QUEUE_FOLDER "/var/spool/postfix/"

/* The longest a callback takes is far below; a dead milter is soon known. */
#define TIMES \
	"\n    connect_timeout=5s, command_timeout=15s, " \
	"default_action=tempfail }\n"

static void
print_path(const char *path, FILE *out)
{
	const size_t len = strlen(QUEUE_FOLDER);

	if (strncmp(path, QUEUE_FOLDER, len) == 0)
		path += len;
	else
		fputs("# The socket lies outside " QUEUE_FOLDER
		      ": smtpd must not be chrooted (master.cf).\n",
		    out);
	fprintf(out, "smtpd_milters = { unix:%s," TIMES, path);
}

static void
print_socket(const struct config *config, FILE *out)
{
	struct mta_socket socket;

	mta_socket(&socket, config);
	fputs("# Ask the milter; while it does not answer, mail waits.\n", out);
	if (socket.path != NULL)
		print_path(socket.path, out);
	else
		fprintf(out,
		    strchr(socket.host, ':') != NULL
			? "smtpd_milters = { inet:[%s]:%s," TIMES
			: "smtpd_milters = { inet:%s:%s," TIMES,
		    socket.host, socket.port);
	fputs("milter_default_action = tempfail\n"
	      "\n"
	      "# What this machine itself submits has no connector.\n"
	      "non_smtpd_milters =\n",
	    out);
}

/* What only some configurations need. */
static void
print_wishes(const struct policy *policy, FILE *out)
{
	const char *delimiter = policy->organization.recipient_delimiter;

	if (mta_certificates(policy))
		fputs(
		    "\n"
		    "# Some connector knows clients by their certificate: ask "
		    "for it. Those are\n"
		    "# trusted that smtpd_tls_CAfile or smtpd_tls_CApath "
		    "vouches for.\n"
		    "smtpd_tls_ask_ccert = yes\n",
		    out);
	if (delimiter != NULL && delimiter[0] != '\0')
		fprintf(out,
		    "\n"
		    "# As in [directory]: user%stag is user.\n"
		    "recipient_delimiter = %s\n",
		    delimiter, delimiter);
}

int
mta_postfix(const struct config *config, FILE *out)
{
	fprintf(out,
	    "# connector-milter: lines for main.cf of Postfix.\n"
	    "# Configuration: %s\n"
	    "\n",
	    config_hash(config));
	print_socket(config, out);
	fputs("\n"
	      "# Relay for logins, and for the clients of \"connectorctl mta "
	      "postfix guard\".\n"
	      "smtpd_relay_restrictions = permit_sasl_authenticated,\n"
	      "    check_client_access "
	      "cidr:$config_directory/relay-guard.cidr,\n"
	      "    reject_unauth_destination\n"
	      "\n"
	      "# A refusal of the whole session is given at HELO.\n"
	      "smtpd_helo_required = yes\n"
	      "\n"
	      "# A NUL would hide the rest of its header field from any "
	      "milter.\n"
	      "message_reject_characters = \\0\n",
	    out);
	print_wishes(config_policy(config), out);
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}

int
mta_postfix_guard(const struct config *config, FILE *out)
{
	struct guard *guard = guard_build(config_policy(config));
	int failed = -1;

	if (guard != NULL)
		failed = guard_print_postfix(guard, config_hash(config), out);
	guard_free(guard);
	return failed;
}
