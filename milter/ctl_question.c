/*
 * ctl_question.c - the flags that describe one session, as a question.
 */
#include "ctl_question.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum flag {
	FLAG_CONFIG,
	FLAG_CLIENT,
	FLAG_LISTENER,
	FLAG_CLIENT_NAME,
	FLAG_HELO,
	FLAG_TLS,
	FLAG_CERT_SUBJECT,
	FLAG_AUTH,
	FLAG_AUTH_MECHANISM,
	FLAG_FROM,
	FLAG_HEADER_FROM,
	FLAG_SIZE,
	FLAG_RCPT,
	FLAG_JSON,
	FLAG_COUNT,
};

/* clang-format off */
static const struct option options[] = {
	{ "config", required_argument, NULL, FLAG_CONFIG },
	{ "client", required_argument, NULL, FLAG_CLIENT },
	{ "listener", required_argument, NULL, FLAG_LISTENER },
	{ "client-name", required_argument, NULL, FLAG_CLIENT_NAME },
	{ "helo", required_argument, NULL, FLAG_HELO },
	{ "tls", required_argument, NULL, FLAG_TLS },
	{ "cert-subject", required_argument, NULL, FLAG_CERT_SUBJECT },
	{ "auth", required_argument, NULL, FLAG_AUTH },
	{ "auth-mechanism", required_argument, NULL, FLAG_AUTH_MECHANISM },
	{ "from", required_argument, NULL, FLAG_FROM },
	{ "header-from", required_argument, NULL, FLAG_HEADER_FROM },
	{ "size", required_argument, NULL, FLAG_SIZE },
	{ "rcpt", required_argument, NULL, FLAG_RCPT },
	{ "json", no_argument, NULL, FLAG_JSON },
	{ NULL, 0, NULL, 0 },
};

/* Where the text of each flag goes. */
#define AT(field) offsetof(struct request, field)
static const size_t fields[FLAG_COUNT] = {
	[FLAG_CONFIG] = AT(config_path),
	[FLAG_CLIENT] = AT(client),
	[FLAG_LISTENER] = AT(listener),
	[FLAG_CLIENT_NAME] = AT(question.client_name),
	[FLAG_HELO] = AT(question.helo),
	[FLAG_TLS] = AT(question.tls),
	[FLAG_CERT_SUBJECT] = AT(question.cert_subject),
	[FLAG_AUTH] = AT(question.auth),
	[FLAG_AUTH_MECHANISM] = AT(mechanism),
	[FLAG_FROM] = AT(question.from),
	[FLAG_HEADER_FROM] = AT(question.header_from),
	[FLAG_SIZE] = AT(size),
};
/* clang-format on */

/* "--FLAG value: what is wrong with it" */
static int
bad_value(
    struct text *fault, const char *flag, const char *value, const char *what)
{
	text_printf(fault, "--%s ", flag);
	text_put_safe(fault, value, strlen(value), TEXT_PROSE);
	text_printf(fault, ": %s", what);
	return CTL_USAGE;
}

static int
take_flags(struct request *request, int argc, char **argv, struct text *fault)
{
	int flag;

	opterr = 0;
	optind = 0; /* begin anew, whatever was read before */
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == '?') {
			const char *said = argv[optind - 1];

			text_put_safe(fault, said, strlen(said), TEXT_PROSE);
			text_put(fault,
			    ": not a flag of explain, or its value is missing");
			return CTL_USAGE;
		}
		if (flag == FLAG_JSON)
			request->json = true;
		else if (flag == FLAG_RCPT)
			request
			    ->recipients[request->question.recipient_count++] =
			    optarg;
		else
			*(const char **)((char *)request + fields[flag]) =
			    optarg;
	}
	if (optind >= argc)
		return CTL_OK;
	text_put_safe(fault, argv[optind], strlen(argv[optind]), TEXT_PROSE);
	text_put(fault, ": flags begin with --");
	return CTL_USAGE;
}

/* Is it meant as "ADDR:PORT" or "[ADDR]:PORT"? */
static bool
has_port(const char *client)
{
	const char *colon = strchr(client, ':');

	return client[0] == '[' ||
	    (colon != NULL && strchr(colon + 1, ':') == NULL);
}

/*
 * "[::ffff:192.0.2.1]:25" is a client as "::ffff:192.0.2.1" is; no listener is
 * written so.
 */
static const char *
parse_client(struct endpoint *client, const char *text)
{
	char host[ADDR_TEXT_MAX], plain[ENDPOINT_TEXT_MAX];
	const char *end = strchr(text, ']');
	struct addr addr;

	if (text[0] != '[' || end == NULL || end - text > ADDR_TEXT_MAX)
		return endpoint_parse(client, text);
	snprintf(host, sizeof(host), "%.*s", (int)(end - text - 1), text + 1);
	if (addr_parse(&addr, host) != NULL || !addr_is_mapped(&addr) ||
	    end[1] != ':')
		return endpoint_parse(client, text);
	addr = addr_unmap(addr);
	snprintf(
	    plain, sizeof(plain), "%s%s", addr_format(host, &addr), end + 1);
	return endpoint_parse(client, plain);
}

/* "ADDR", "ADDR:PORT" or "[ADDR]:PORT". */
static int
take_client(struct request *request, struct text *fault)
{
	struct question *question = &request->question;
	struct endpoint endpoint;
	const char *wrong;

	if (request->client == NULL) {
		text_put(fault, "--client is missing");
		return CTL_USAGE;
	}
	if (has_port(request->client)) {
		wrong = parse_client(&endpoint, request->client);
		question->client = endpoint.addr;
		question->client_port = endpoint.port;
	} else {
		wrong = addr_parse(&question->client, request->client);
	}
	if (wrong != NULL)
		return bad_value(fault, "client", request->client, wrong);
	question->client = addr_unmap(question->client);
	return CTL_OK;
}

static int
take_listener(struct request *request, struct text *fault)
{
	struct question *question = &request->question;
	const char *wrong;

	question->listener.addr = addr_any(question->client.family);
	question->listener.port = 25;
	if (request->listener == NULL)
		return CTL_OK;
	wrong = endpoint_parse(&question->listener, request->listener);
	if (wrong != NULL)
		return bad_value(fault, "listener", request->listener, wrong);
	return CTL_OK;
}

static int
take_tls(struct request *request, struct text *fault)
{
	const struct question *question = &request->question;

	if (question->tls != NULL && facts_tls(question->tls) == TLS_OTHER)
		return bad_value(fault, "tls", question->tls,
		    "not a version; write TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3");
	if (question->cert_subject == NULL || question->tls != NULL)
		return CTL_OK;
	text_put(fault,
	    "--cert-subject needs --tls: a certificate is only seen in TLS");
	return CTL_USAGE;
}

/* Nothing stands for none: then the flag is left out. */
static int
take_words(struct request *request, struct text *fault)
{
	const struct question *question = &request->question;
	const struct {
		const char *flag;
		const char *value;
		const char *what;
	} words[] = {
		{ "client-name", question->client_name, "a name" },
		{ "tls", question->tls, "a version" },
		{ "cert-subject", question->cert_subject, "a subject" },
		{ "auth", question->auth, "a login" },
		{ "auth-mechanism", request->mechanism, "a mechanism" },
	};

	for (size_t i = 0; i < nitems(words); i++) {
		if (words[i].value == NULL || words[i].value[0] != '\0')
			continue;
		text_printf(fault, "--%s: %s is not empty", words[i].flag,
		    words[i].what);
		return CTL_USAGE;
	}
	return CTL_OK;
}

static int
take_login(struct request *request, struct text *fault)
{
	struct question *question = &request->question;

	if (request->mechanism != NULL && question->auth == NULL) {
		text_put(fault, "--auth-mechanism needs --auth LOGIN");
		return CTL_USAGE;
	}
	question->auth_mechanism = request->mechanism;
	if (question->auth != NULL && request->mechanism == NULL)
		question->auth_mechanism = "PLAIN";
	return CTL_OK;
}

static int
take_size(struct request *request, struct text *fault)
{
	char *end;

	if (request->size == NULL)
		return CTL_OK;
	errno = 0;
	request->question.size = strtoll(request->size, &end, 10);
	if (text_is_digit(request->size[0]) && *end == '\0' && errno == 0)
		return CTL_OK;
	return bad_value(fault, "size", request->size, "not a number of bytes");
}

int
request_take(struct request *request, int argc, char **argv,
    char fault[REQUEST_FAULT_MAX])
{
	static int (*const takes[])(struct request *, struct text *) = {
		take_client,
		take_listener,
		take_words,
		take_tls,
		take_login,
		take_size,
	};
	struct text text;
	int status;

	*request = (struct request){ .question.size = -1 };
	/* There cannot be more recipients than arguments. */
	request->recipients =
	    calloc((size_t)argc + 1, sizeof(*request->recipients));
	if (request->recipients == NULL)
		return ctl_no_memory();
	request->question.recipients = request->recipients;
	text_init(&text, fault, REQUEST_FAULT_MAX);
	status = take_flags(request, argc, argv, &text);
	for (size_t i = 0; status == CTL_OK && i < nitems(takes); i++)
		status = takes[i](request, &text);
	return status;
}

void
request_free(struct request *request)
{
	free(request->recipients);
	request->recipients = NULL;
}

int
request_load(const char *path, struct snapshots **snapshots)
{
	struct config *config = ctl_load(path);

	if (config == NULL)
		return CTL_CONFIG;
	*snapshots = snapshots_new(config);
	if (*snapshots != NULL)
		return CTL_OK;
	config_free(config);
	return ctl_no_memory();
}
