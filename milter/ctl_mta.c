/*
 * ctl_mta.c - connectorctl mta: what the MTA must be told, in its own words.
 */
#include "ctl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "text.h"

/* Where Postfix starts relative paths, and where a chrooted smtpd lives. */
#define QUEUE_FOLDER "/var/spool/postfix/"

/* The longest a callback takes is far below; a dead milter is soon known. */
#define TIMES \
	"\n    connect_timeout=5s, command_timeout=15s, " \
	"default_action=tempfail }"

static const char *
after(const char *text, const char *start)
{
	const size_t len = strlen(start);

	return strncmp(text, start, len) == 0 ? text + len : NULL;
}

/* libmilter's path in Postfix spelling. */
static void
print_path(const char *path, FILE *out)
{
	const char *relative = after(path, QUEUE_FOLDER);

	if (relative == NULL)
		fputs("# The socket lies outside " QUEUE_FOLDER
		      ": smtpd must not be chrooted (master.cf).\n",
		    out);
	fprintf(out, "smtpd_milters = { unix:%s," TIMES "\n",
	    relative != NULL ? relative : path);
}

/* The host to connect to where libmilter listens at PORT@HOST. */
static void
put_host(struct text *text, const char *rest)
{
	const char *host = strchr(rest, '@');
	char buf[ADDR_TEXT_MAX];
	struct addr addr;

	/* Without a host libmilter listens everywhere. */
	host = host != NULL ? host + 1 : "0.0.0.0";
	host += host[0] == '[';
	text_printf(text, "%.*s", (int)strcspn(host, "]"), host);
	if (addr_parse(&addr, text->buf) != NULL)
		return;
	if (addr_is_any(&addr))
		addr = addr_loopback(addr.family);
	text_init(text, text->buf, text->size);
	text_printf(text, addr.family == ADDR_IPV6 ? "[%s]" : "%s",
	    addr_format(buf, &addr));
}

static void
print_inet(const char *rest, FILE *out)
{
	char host[DOMAIN_MAX + 3];
	struct text text;

	text_init(&text, host, sizeof(host));
	put_host(&text, rest);
	fprintf(out, "smtpd_milters = { inet:%s:%.*s," TIMES "\n", host,
	    (int)strcspn(rest, "@"), rest);
}

/* clang-format off */
static const struct {
	const char *start;
	void (*print)(const char *rest, FILE *out);
} sockets[] = {
	{ "unix:", print_path },
	{ "local:", print_path },
	{ "inet:", print_inet },
	{ "inet6:", print_inet },
};
/* clang-format on */

static void
print_socket(const char *socket, FILE *out)
{
	for (size_t i = 0; i < nitems(sockets); i++) {
		const char *rest = after(socket, sockets[i].start);

		if (rest != NULL)
			sockets[i].print(rest, out);
	}
}

static int
print_main_cf(const struct config *config, FILE *out)
{
	fprintf(out,
	    "# connector-milter: lines for main.cf of Postfix.\n"
	    "# Configuration: %s\n"
	    "\n"
	    "# Ask the milter; while it does not answer, mail waits.\n",
	    config_hash(config));
	print_socket(config_milter(config)->socket, out);
	fputs("milter_default_action = tempfail\n"
	      "\n"
	      "# What this machine itself submits has no connector.\n"
	      "non_smtpd_milters =\n"
	      "\n"
	      "# Relay for logins, and for the clients of \"connectorctl mta "
	      "postfix guard\".\n"
	      "smtpd_relay_restrictions = permit_sasl_authenticated,\n"
	      "    check_client_access "
	      "cidr:$config_directory/relay-guard.cidr,\n"
	      "    reject_unauth_destination\n"
	      "\n"
	      "# A refusal of the whole session is given at HELO.\n"
	      "smtpd_helo_required = yes\n",
	    out);
	return fflush(out) != 0 || ferror(out) ? -1 : 0;
}

static int
print_guard(const struct config *config, FILE *out)
{
	struct guard *guard = guard_build(config_policy(config));
	int failed = -1;

	if (guard != NULL)
		failed = guard_print(guard, config_hash(config), out);
	guard_free(guard);
	return failed;
}

struct part {
	const char *mta;
	const char *name; /* "": all that is not a part by itself */
	int (*print)(const struct config *config, FILE *out);
};

/* clang-format off */
static const struct part parts[] = {
	{ "postfix", "", print_main_cf },
	{ "postfix", "guard", print_guard },
};
/* clang-format on */

static const struct part *
find_part(const char *mta, const char *name)
{
	for (size_t i = 0; i < nitems(parts); i++)
		if (strcmp(parts[i].mta, mta) == 0 &&
		    strcmp(parts[i].name, name) == 0)
			return &parts[i];
	return NULL;
}

static int
print_part(const struct part *part, const char *path)
{
	struct config *config = ctl_load(path);
	int failed;

	if (config == NULL)
		return CTL_CONFIG;
	failed = part->print(config, stdout);
	config_free(config);
	if (failed == 0)
		return CTL_OK;
	/* Half a guard must not be taken for a whole one. */
	fputs("connectorctl mta: no memory, or the output could not be "
	      "written\n",
	    stderr);
	return CTL_FAILED;
}

static int
take_flags(const char **path, int argc, char **argv)
{
	/* clang-format off */
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	/* clang-format on */
	int flag;

	opterr = 0;
	optind = 1;
	while ((flag = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (flag != 'c')
			return ctl_bad_flag(argv);
		*path = optarg;
	}
	return CTL_OK;
}

int
ctl_mta(int argc, char **argv)
{
	const char *path = CONFIG_DEFAULT_PATH;
	const struct part *part;
	int status = take_flags(&path, argc, argv);

	if (status != CTL_OK)
		return status;
	argc -= optind;
	if (argc < 1)
		return ctl_usage("mta", "which MTA?");
	if (argc > 2)
		return ctl_usage(
		    "mta", "%s: one argument too many", argv[optind + 2]);
	if (strcmp(argv[optind], "sendmail") == 0)
		return ctl_usage("mta",
		    "sendmail is not available yet; INSTALL has the lines for "
		    "sendmail.mc");
	part = find_part(argv[optind], argc > 1 ? argv[optind + 1] : "");
	if (part == NULL)
		return ctl_usage("mta", "there is nothing called %s%s%s",
		    argv[optind], argc > 1 ? " " : "",
		    argc > 1 ? argv[optind + 1] : "");
	return print_part(part, path);
}
