/*
 * ctl_explain.c - connectorctl explain: one session, given by flags.
 */
#include "ctl_question.h"

/* clang-format off */
static const int statuses[] = {
	[VERDICT_ACCEPT] = CTL_OK,
	[VERDICT_TEMPFAIL] = CTL_DEFERRED,
	[VERDICT_REJECT] = CTL_REFUSED,
};
/* clang-format on */

static int
answer(struct snapshots *snapshots, const struct request *request)
{
	struct explanation *explanation =
	    explain(snapshots, &request->question);
	int status;

	if (explanation == NULL)
		return ctl_no_memory();
	if (request->json)
		explanation_json(explanation, stdout);
	else
		explanation_text(explanation, stdout);
	status = statuses[explanation->message.verdict];
	explanation_free(explanation);
	return ctl_finish(status);
}

static int
load_and_answer(const struct request *request)
{
	const char *path = request->config_path != NULL ? request->config_path
							: CONFIG_DEFAULT_PATH;
	struct snapshots *snapshots;
	int status = request_load(path, &snapshots);

	if (status != CTL_OK)
		return status;
	status = answer(snapshots, request);
	snapshots_free(snapshots);
	return status;
}

int
ctl_explain(int argc, char **argv)
{
	char fault[REQUEST_FAULT_MAX];
	struct request request;
	int status = request_take(&request, argc, argv, fault);

	if (status == CTL_OK)
		status = load_and_answer(&request);
	else if (status == CTL_USAGE)
		status = ctl_usage(argv[0], "%s", fault);
	request_free(&request);
	return status;
}
