/*
 * ctl_verify_stamp.c - connectorctl verify-stamp: is the stamp of this message
 * one that our keys have signed?
 */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_stamped.h"
#include "schema.h"
#include "setting_check.h"
#include "sources.h"
#include "stamp.h"

#define VERB "verify-stamp"

/* How far a clock may be behind the signer's. */
#define SKEW_MAX 300

struct request {
	const char *config_path; /* NULL: the usual one, if one is needed */
	const char *key_file;
	const char *prefix;
	const char *max_age;
	const char *file; /* NULL: standard input */
	long long seconds;
};

/* What is verified with: from the configuration, from the flags, or both. */
struct means {
	struct config *config;
	struct stamp_keys *own; /* of --key-file */
	const struct stamp_keys *keys;
	const char *prefix;
};

/* --- the command line --- */

/* clang-format off */
static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "key-file", required_argument, NULL, 'k' },
	{ "prefix", required_argument, NULL, 'p' },
	{ "max-age", required_argument, NULL, 'a' },
	{ NULL, 0, NULL, 0 },
};

static const struct unit {
	char letter;
	long long seconds;
} units[] = {
	{ 's', 1 },
	{ 'm', 60 },
	{ 'h', 3600 },
	{ 'd', 86400 },
};
/* clang-format on */

static bool
parse_age(long long *seconds, const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	/* More days than anybody lives, without overflow. */
	if (digits == 0 || digits > 9 || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < nitems(units); i++)
		if (units[i].letter == text[digits]) {
			*seconds = strtoll(text, NULL, 10) * units[i].seconds;
			return true;
		}
	return false;
}

static int
take_flags(struct request *request, int argc, char **argv)
{
	int flag;

	opterr = 0;
	optind = 1;
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == 'c')
			request->config_path = optarg;
		else if (flag == 'k')
			request->key_file = optarg;
		else if (flag == 'p')
			request->prefix = optarg;
		else if (flag == 'a')
			request->max_age = optarg;
		else
			return ctl_bad_flag(argv);
	}
	if (optind + 1 < argc)
		return ctl_usage(
		    VERB, "%s: one message at a time", argv[optind + 1]);
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		request->file = argv[optind];
	return CTL_OK;
}

static int
check_request(struct request *request)
{
	char buf[TEXT_FIELD_MAX];
	struct text why;

	text_init(&why, buf, sizeof(buf));
	if (request->max_age != NULL &&
	    !parse_age(&request->seconds, request->max_age))
		return ctl_usage(VERB,
		    "--max-age %s: not a time; write one such as 10m, with s, "
		    "m, h or d",
		    request->max_age);
	if (request->prefix != NULL &&
	    !check_stamp_prefix(request->prefix, &why))
		return ctl_usage(VERB, "--prefix %s: %s", request->prefix, buf);
	return CTL_OK;
}

/* --- keys and prefix --- */

static struct stamp_keys *
read_keys(const char *path, struct diags *diags)
{
	struct sources *sources = sources_new();
	const struct source *source;
	struct stamp_keys *keys = NULL;

	if (sources == NULL) {
		(void)ctl_no_memory();
		return NULL;
	}
	source = sources_read_secret(sources, path, diags, NULL);
	if (source != NULL) {
		keys =
		    stamp_keys_parse(path, source->bytes, source->len, diags);
		sources_release(sources, source);
	}
	sources_free(sources);
	return keys;
}

static int
take_key_file(struct means *means, const char *path)
{
	struct diags *diags = diags_new();
	size_t errors;

	if (diags == NULL)
		return ctl_no_memory();
	means->own = read_keys(path, diags);
	means->keys = means->own;
	diags_print(diags, stderr);
	errors = diags_count(diags, SEVERITY_ERROR);
	diags_free(diags);
	if (means->own != NULL)
		return CTL_OK;
	return errors > 0 ? CTL_CONFIG : CTL_FAILED;
}

static int
take_config(struct means *means, const char *path)
{
	const struct policy *policy;

	means->config = ctl_load(path != NULL ? path : CONFIG_DEFAULT_PATH);
	if (means->config == NULL)
		return CTL_CONFIG;
	policy = config_policy(means->config);
	means->prefix = policy->stamp_prefix;
	means->keys = policy->stamp_keys;
	return CTL_OK;
}

static int
take_means(struct means *means, const struct request *request)
{
	int status = CTL_OK;

	means->prefix = schema_find(SECTION_MILTER, "stamp_prefix")->initial;
	/* With a key file there need be no configuration on this machine. */
	if (request->key_file == NULL || request->config_path != NULL)
		status = take_config(means, request->config_path);
	if (status == CTL_OK && request->key_file != NULL)
		status = take_key_file(means, request->key_file);
	if (status == CTL_OK && means->keys == NULL)
		status = ctl_usage(VERB,
		    "the configuration has no stamp_key_file; give --key-file");
	if (request->prefix != NULL)
		means->prefix = request->prefix;
	return status;
}

static void
means_done(struct means *means)
{
	stamp_keys_free(means->own);
	config_free(means->config);
}

/* --- the answer --- */

static void
put_value(const char *value)
{
	char buf[4 * TEXT_FIELD_MAX + 4];
	struct text text;

	text_init(&text, buf, sizeof(buf));
	text_put_safe(&text, value, strlen(value), TEXT_PROSE);
	fputs(buf, stdout);
}

static void
put_time(long long seconds)
{
	const time_t t = (time_t)seconds;
	struct tm tm;
	char buf[64];

	if (gmtime_r(&t, &tm) != NULL &&
	    strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		fputs(buf, stdout);
	else
		printf("@%lld", seconds);
}

/* No answer is better than a wrong one. */
static int
not_valid(const char *why)
{
	if (why == stamped_no_memory || why == stamp_unchecked) {
		fprintf(stderr, "connectorctl " VERB ": %s\n", why);
		return CTL_FAILED;
	}
	printf("not valid: %s\n", why);
	return CTL_REFUSED;
}

static int
answer(const struct stamp *stamp)
{
	fputs("valid: connector ", stdout);
	put_value(stamp->connector);
	fputs(", auth_as ", stdout);
	put_value(stamp->auth_as);
	fputs(", auth_source ", stdout);
	put_value(stamp->auth_source);
	fputs(", queue id ", stdout);
	put_value(stamp->queue_id);
	fputs(", signed ", stdout);
	put_time(stamp->time);
	fputs(" by key ", stdout);
	put_value(stamp->key_id);
	putchar('\n');
	return CTL_OK;
}

/* Each field of the stamp must be there, and once. */
static bool
is_complete(const struct stamped *header, const char *prefix)
{
	for (size_t i = 0; i < STAMP_FIELD_COUNT; i++) {
		if (header->counts[i] == 1)
			continue;
		printf("not valid: the header has %s field %s%s\n",
		    header->counts[i] == 0 ? "no" : "more than one", prefix,
		    stamp_field_names[i]);
		return false;
	}
	return true;
}

/* What is signed is true, but when? */
static int
judge_age(const struct request *request, const struct stamp *stamp)
{
	const long long age = (long long)time(NULL) - stamp->time;
	const char *why = NULL;

	if (age < -SKEW_MAX)
		why = "it comes from the future: signed ";
	else if (request->max_age != NULL && age > request->seconds)
		why = "it is too old: signed ";
	if (why == NULL)
		return answer(stamp);
	printf("not valid: %s", why);
	put_time(stamp->time);
	putchar('\n');
	return CTL_REFUSED;
}

static int
verify(const struct request *request, const struct means *means,
    struct stamped *header)
{
	char queue_id[STAMP_VALUE_MAX];
	struct stamp stamp = { 0 };
	const char *why = stamped_parse(header, means->prefix);

	if (why != NULL)
		return not_valid(why);
	if (!is_complete(header, means->prefix))
		return CTL_REFUSED;
	stamp.connector = header->values[STAMP_FIELD_NAME];
	stamp.auth_as = header->values[STAMP_FIELD_AUTH_AS];
	stamp.auth_source = header->values[STAMP_FIELD_AUTH_SOURCE];
	stamp.from = header->from;
	stamp.from_count = header->from_count;
	why = stamp_verify(
	    header->values[STAMP_FIELD_STAMP], means->keys, &stamp, queue_id);
	return why != NULL ? not_valid(why) : judge_age(request, &stamp);
}

static int
verify_stream(
    const struct request *request, const struct means *means, FILE *in)
{
	struct stamped header;
	const char *why = stamped_read(&header, in);
	int status;

	if (ferror(in)) {
		fprintf(stderr, "connectorctl " VERB ": cannot read: %s\n",
		    strerror(errno));
		status = CTL_FAILED;
	} else {
		status = why != NULL ? not_valid(why)
				     : verify(request, means, &header);
	}
	stamped_done(&header);
	return status;
}

static int
verify_file(const struct request *request, const struct means *means)
{
	FILE *in;
	int status;

	if (request->file == NULL)
		return verify_stream(request, means, stdin);
	in = fopen(request->file, "re");
	if (in == NULL)
		return ctl_usage(
		    VERB, "%s: %s", request->file, strerror(errno));
	status = verify_stream(request, means, in);
	fclose(in);
	return status;
}

int
ctl_verify_stamp(int argc, char **argv)
{
	struct request request = { 0 };
	struct means means = { 0 };
	int status = take_flags(&request, argc, argv);

	if (status == CTL_OK)
		status = check_request(&request);
	if (status == CTL_OK)
		status = take_means(&means, &request);
	if (status == CTL_OK)
		status = verify_file(&request, &means);
	means_done(&means);
	return ctl_finish(status);
}
