/*
 * ctl_explain.c - connectorctl explain: one session, given by flags.
 */
#include "ctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "text.h"

struct request {
	const char *config_path;
	const char *client;
	const char *listener;
	const char *size;        /* checked; no rule looks at it yet */
	const char *header_from; /* no rule looks at it yet */
	const char *mechanism;
	bool json;
	const char **recipients;
	struct question question;
};

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
	[FLAG_HEADER_FROM] = AT(header_from),
	[FLAG_SIZE] = AT(size),
};
/* clang-format on */

static int
take_flags(struct request *request, int argc, char **argv)
{
	int flag;

	opterr = 0;
	optind = 1;
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == '?')
			return ctl_bad_flag(argv);
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
	if (optind < argc)
		return ctl_usage(
		    argv[0], "%s: flags begin with --", argv[optind]);
	return CTL_OK;
}

/* Is it meant as "ADDR:PORT" or "[ADDR]:PORT"? */
static bool
has_port(const char *client)
{
	const char *colon = strchr(client, ':');

	return client[0] == '[' ||
	    (colon != NULL && strchr(colon + 1, ':') == NULL);
}

/* "ADDR", "ADDR:PORT" or "[ADDR]:PORT". */
static int
take_client(struct request *request)
{
	struct question *question = &request->question;
	struct endpoint endpoint;
	const char *fault;

	if (request->client == NULL)
		return ctl_usage("explain", "--client is missing");
	if (has_port(request->client)) {
		fault = endpoint_parse(&endpoint, request->client);
		question->client = endpoint.addr;
		question->client_port = endpoint.port;
	} else {
		fault = addr_parse(&question->client, request->client);
	}
	if (fault != NULL)
		return ctl_usage(
		    "explain", "--client %s: %s", request->client, fault);
	question->client = addr_unmap(question->client);
	return CTL_OK;
}

static int
take_listener(struct request *request)
{
	struct question *question = &request->question;
	const char *fault;

	question->listener.addr = addr_any(question->client.family);
	question->listener.port = 25;
	if (request->listener == NULL)
		return CTL_OK;
	fault = endpoint_parse(&question->listener, request->listener);
	if (fault == NULL)
		return CTL_OK;
	return ctl_usage(
	    "explain", "--listener %s: %s", request->listener, fault);
}

static int
take_tls(const struct request *request)
{
	const struct question *question = &request->question;

	if (question->tls != NULL && facts_tls(question->tls) == TLS_OTHER)
		return ctl_usage("explain",
		    "--tls %s: not a version; write TLSv1, TLSv1.1, TLSv1.2 "
		    "or TLSv1.3",
		    question->tls);
	if (question->cert_subject != NULL && question->tls == NULL)
		return ctl_usage("explain",
		    "--cert-subject needs --tls: a certificate is "
		    "only seen in TLS");
	return CTL_OK;
}

static int
take_login(struct request *request)
{
	struct question *question = &request->question;

	if (request->mechanism != NULL && question->auth == NULL)
		return ctl_usage(
		    "explain", "--auth-mechanism needs --auth LOGIN");
	if (question->auth != NULL && question->auth[0] == '\0')
		return ctl_usage("explain", "--auth: a login is not empty");
	question->auth_mechanism = request->mechanism;
	if (question->auth != NULL && request->mechanism == NULL)
		question->auth_mechanism = "PLAIN";
	return CTL_OK;
}

static int
take_size(const struct request *request)
{
	char *end;

	if (request->size == NULL)
		return CTL_OK;
	strtoull(request->size, &end, 10);
	if (!text_is_digit(request->size[0]) || *end != '\0')
		return ctl_usage("explain", "--size %s: not a number of bytes",
		    request->size);
	return CTL_OK;
}

static int
take_request(struct request *request, int argc, char **argv)
{
	int status = take_flags(request, argc, argv);

	if (status == CTL_OK)
		status = take_client(request);
	if (status == CTL_OK)
		status = take_listener(request);
	if (status == CTL_OK)
		status = take_tls(request);
	if (status == CTL_OK)
		status = take_login(request);
	if (status == CTL_OK)
		status = take_size(request);
	return status;
}

static int
answer(const struct request *request)
{
	/* clang-format off */
	static const int statuses[] = {
		[VERDICT_ACCEPT] = CTL_OK,
		[VERDICT_TEMPFAIL] = CTL_DEFERRED,
		[VERDICT_REJECT] = CTL_REFUSED,
	};
	/* clang-format on */
	struct config *config = ctl_load(request->config_path);
	struct explanation *explanation;
	int status;

	if (config == NULL)
		return CTL_CONFIG;
	explanation = explain(config, &request->question);
	if (explanation == NULL) {
		fputs("connectorctl: no memory\n", stderr);
		return CTL_FAILED;
	}
	if (request->json)
		explanation_json(explanation, stdout);
	else
		explanation_text(explanation, stdout);
	status = statuses[explanation->message.verdict];
	explanation_free(explanation);
	return status;
}

int
ctl_explain(int argc, char **argv)
{
	struct request request = { .config_path = CONFIG_DEFAULT_PATH };
	int status;

	/* There cannot be more recipients than arguments. */
	request.recipients = calloc((size_t)argc, sizeof(*request.recipients));
	if (request.recipients == NULL) {
		fputs("connectorctl: no memory\n", stderr);
		return CTL_FAILED;
	}
	request.question.recipients = request.recipients;
	status = take_request(&request, argc, argv);
	if (status == CTL_OK)
		status = answer(&request);
	free(request.recipients);
	return status;
}
