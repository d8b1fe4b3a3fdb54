/*
 * ctl_mta.c - connectorctl mta: what the MTA must be told, in its own words.
 */
#include "ctl_mta.h"

#include <getopt.h>
#include <string.h>

#include "socket_name.h"
#include "text.h"

struct part {
	const char *mta;
	const char *name; /* "": all that is not a part by itself */
	int (*print)(const struct config *config, FILE *out);
};

/* clang-format off */
static const struct part parts[] = {
	{ "postfix", "", mta_postfix },
	{ "postfix", "guard", mta_postfix_guard },
	{ "sendmail", "", mta_sendmail },
	{ "sendmail", "guard", mta_sendmail_guard },
};
/* clang-format on */

/* The host to connect to where libmilter listens at PORT@HOST. */
static void
read_host(struct mta_socket *socket, const char *host)
{
	struct addr addr;
	struct text text;

	host += host[0] == '[';
	text_init(&text, socket->host, sizeof(socket->host));
	text_printf(&text, "%.*s", (int)strcspn(host, "]"), host);
	if (addr_parse(&addr, socket->host) != NULL)
		return;
	if (addr_is_any(&addr))
		addr = addr_loopback(addr.family);
	addr_format(socket->host, &addr);
}

void
mta_socket(struct mta_socket *out, const struct config *config)
{
	const char *socket = config_milter(config)->socket;
	struct socket_name name;
	struct text port;
	size_t len;

	*out = (struct mta_socket){ .path = socket };
	if (!socket_name_parse(&name, socket))
		return;
	out->family = name.family;
	out->path = NULL;
	if (name.family == ADDR_NONE) {
		out->path = name.rest;
		return;
	}
	len = strcspn(name.rest, "@");
	text_init(&port, out->port, sizeof(out->port));
	text_printf(&port, "%.*s", (int)len, name.rest);
	read_host(out, name.rest + len + (name.rest[len] == '@'));
}

bool
mta_certificates(const struct policy *policy)
{
	for (size_t i = 0; i < policy->connector_count; i++) {
		const struct connector *connector = &policy->connectors[i];

		if (connector_is_live(connector) &&
		    (identity_by_certificate(connector) ||
			connector->tls_domain_capabilities.count > 0))
			return true;
	}
	return false;
}

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
	part = find_part(argv[optind], argc > 1 ? argv[optind + 1] : "");
	if (part == NULL)
		return ctl_usage("mta", "there is nothing called %s%s%s",
		    argv[optind], argc > 1 ? " " : "",
		    argc > 1 ? argv[optind + 1] : "");
	return print_part(part, path);
}
