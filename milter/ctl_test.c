/*
 * ctl_test.c - connectorctl test: policy tests, as TAP.
 */
#include "ctl_suite.h"

#include <getopt.h>
#include <string.h>

/* A line as part of a line of TAP, where \ and # are special. */
static void
put_line(const char *line)
{
	size_t len;

	for (; *line != '\0'; line += len) {
		const unsigned char c = (unsigned char)*line;

		len = text_utf8_length(line, strlen(line));
		if (len == 0)
			len = 1;
		if (c == '\\' || c == '#')
			putchar('\\');
		/* 0xc2 0x80 to 0xc2 0x9f control terminals, too. */
		if ((c < 0x20 && c != '\t') || c == 0x7f ||
		    (len == 1 && c >= 0x80) ||
		    (c == 0xc2 && (unsigned char)line[1] < 0xa0))
			for (size_t i = 0; i < len; i++)
				printf("\\\\x%02x", (unsigned char)line[i]);
		else
			printf("%.*s", (int)len, line);
	}
}

static void
put_difference(const struct test *test, const struct explained *got)
{
	printf("# want %s", verdict_name(test->verdict));
	if (test->rule != NULL)
		printf(" %s", test->rule);
	printf(", got %s", verdict_name(got->verdict));
	if (got->rule != NULL)
		printf(" %s\n# %s", got->rule->name, got->reply);
	printf("\n# at %s:%u\n", test->place.file, test->place.line);
}

static bool
is_as_wanted(const struct test *test, const struct explained *got)
{
	if (got->verdict != test->verdict)
		return false;
	return test->rule == NULL || strcmp(test->rule, got->rule->name) == 0;
}

static int
run_test(const struct test *test, size_t number)
{
	struct explanation *explanation =
	    explain(test->snapshots, &test->request.question);
	bool passed;

	if (explanation == NULL) {
		puts("Bail out! no memory");
		return ctl_no_memory();
	}
	passed = is_as_wanted(test, &explanation->message);
	printf("%s %zu - ", passed ? "ok" : "not ok", number);
	put_line(test->line);
	putchar('\n');
	if (!passed)
		put_difference(test, &explanation->message);
	explanation_free(explanation);
	return passed ? CTL_OK : CTL_REFUSED;
}

static int
run_all(const struct suite *suite)
{
	int worst = CTL_OK;

	printf("1..%zu\n", suite->count);
	for (size_t i = 0; i < suite->count; i++) {
		const int status = run_test(&suite->tests[i], i + 1);

		if (status == CTL_FAILED)
			return status;
		if (status != CTL_OK)
			worst = status;
	}
	return ctl_finish(worst);
}

/* One bad line, and nothing is run: a test that is missing passes. */
static int
read_and_run(struct suite *suite, int count, char **paths)
{
	int status = CTL_OK;

	for (int i = 0; i < count && status == CTL_OK; i++)
		status = suite_read(suite, paths[i]);
	diags_print(suite->diags, stderr);
	if (status == CTL_OK && diags_count(suite->diags, SEVERITY_ERROR) > 0)
		status = CTL_USAGE;
	if (status == CTL_OK)
		status = suite_load(suite);
	return status == CTL_OK ? run_all(suite) : status;
}

static int
take_flags(struct suite *suite, int argc, char **argv)
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
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag != 'c')
			return ctl_bad_flag(argv);
		suite->config_path = optarg;
	}
	if (optind == argc)
		return ctl_usage(argv[0], "which file? - is standard input");
	return CTL_OK;
}

int
ctl_test(int argc, char **argv)
{
	struct suite suite = { .config_path = CONFIG_DEFAULT_PATH };
	int status = take_flags(&suite, argc, argv);
	/* Reading the tests will use it again. */
	const int first = optind;

	if (status != CTL_OK)
		return status;
	suite.diags = diags_new();
	if (suite.diags == NULL)
		return ctl_no_memory();
	status = read_and_run(&suite, argc - first, argv + first);
	suite_free(&suite);
	diags_free(suite.diags);
	return status;
}
