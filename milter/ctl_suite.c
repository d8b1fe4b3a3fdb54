/*
 * ctl_suite.c - reads policy tests and loads what they ask.
 */
#include "ctl_suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

static void
refuse_near(struct suite *suite, const struct place *place, const char *word,
    const char *const *names, size_t count, const char *what,
    const char *remedy)
{
	const char *near = text_nearest(word, names, count);
	char quoted[DIAG_QUOTE_MAX];

	diag_quote(quoted, word);
	if (near != NULL)
		diag_add(suite->diags, SEVERITY_ERROR, place,
		    "%s is no %s; did you mean %s?", quoted, what, near);
	else
		diag_add(suite->diags, SEVERITY_ERROR, place, "%s is no %s; %s",
		    quoted, what, remedy);
}

static bool
take_verdict(struct suite *suite, struct test *test, const char *word)
{
	const char *names[VERDICT_REJECT + 1];

	for (size_t i = 0; i < nitems(names); i++) {
		names[i] = verdict_name((enum verdict)i);
		if (strcmp(names[i], word) != 0)
			continue;
		test->verdict = (enum verdict)i;
		return true;
	}
	refuse_near(suite, &test->place, word, names, nitems(names), "verdict",
	    "write accept, tempfail or reject");
	return false;
}

static void
take_rule(struct suite *suite, struct test *test, const char *word)
{
	const char *names[RULES_MAX];

	if (test->verdict == VERDICT_ACCEPT) {
		diag_add(suite->diags, SEVERITY_ERROR, &test->place,
		    "a rule behind accept; only tempfail and reject have one");
		return;
	}
	for (size_t i = 0; i < rule_count; i++) {
		names[i] = rules[i].name;
		if (strcmp(names[i], word) != 0)
			continue;
		test->rule = names[i];
		return;
	}
	refuse_near(suite, &test->place, word, names, rule_count, "rule",
	    "connectorctl help rules names all");
}

/* What stands behind "=>". */
static void
take_expectation(struct suite *suite, struct test *test)
{
	const struct words *words = &test->words;
	char *const *after = words->items + words->arrow + 1;
	char quoted[DIAG_QUOTE_MAX];

	if (words->arrow == words->count || words->arrow + 1 == words->count) {
		diag_add(suite->diags, SEVERITY_ERROR, &test->place,
		    "no verdict is wanted; end the line in => and accept, "
		    "tempfail or reject");
		return;
	}
	if (!take_verdict(suite, test, after[0]) || after[1] == NULL)
		return;
	take_rule(suite, test, after[1]);
	if (after[2] != NULL)
		diag_add(suite->diags, SEVERITY_ERROR, &test->place,
		    "%s is a word too many; a verdict and a rule end the line",
		    diag_quote(quoted, after[2]));
}

/* What stands before "=>". CTL_OK, also after a problem, or CTL_FAILED. */
static int
take_question(struct suite *suite, struct test *test)
{
	const struct question *question = &test->request.question;
	char fault[REQUEST_FAULT_MAX];
	const int status = request_take(
	    &test->request, (int)test->words.arrow, test->words.items, fault);

	if (status == CTL_USAGE) {
		diag_add(
		    suite->diags, SEVERITY_ERROR, &test->place, "%s", fault);
		return CTL_OK;
	}
	/* It would pass without having tested anything. */
	if (status == CTL_OK && question->from == NULL &&
	    (question->recipient_count > 0 || question->header_from != NULL))
		diag_add(suite->diags, SEVERITY_ERROR, &test->place,
		    "%s needs --from: nothing behind MAIL is judged without",
		    question->recipient_count > 0 ? "--rcpt" : "--header-from");
	return status;
}

static struct test *
add_test(struct suite *suite)
{
	struct test *tests = array_grow(
	    suite->tests, suite->count, 1, &suite->room, sizeof(*tests));

	if (tests == NULL)
		return NULL;
	suite->tests = tests;
	tests[suite->count] = (struct test){ .line = NULL };
	return &tests[suite->count++];
}

static void
drop_test(struct suite *suite)
{
	struct test *test = &suite->tests[--suite->count];

	request_free(&test->request);
	words_free(&test->words);
	free(test->line);
}

/* The line as it will be shown: no comment, no blanks around. */
static char *
copy_line(const char *line, size_t len)
{
	while (text_is_blank(*line)) {
		line++;
		len--;
	}
	while (len > 0 && text_is_blank(line[len - 1]))
		len--;
	return strndup(line, len);
}

static int
take_line(struct suite *suite, const struct place *place, const char *line)
{
	struct test *test = add_test(suite);
	const char *fault;
	int status = CTL_FAILED;

	if (test == NULL)
		return ctl_no_memory();
	test->place = *place;
	if (words_split(&test->words, line, &fault) != 0) {
		if (fault == NULL)
			return ctl_no_memory();
		diag_add(suite->diags, SEVERITY_ERROR, place, "%s", fault);
		return CTL_OK;
	}
	if (test->words.count == 1) {
		drop_test(suite);
		return CTL_OK;
	}
	test->line = copy_line(line, test->words.comment);
	if (test->line == NULL)
		return ctl_no_memory();
	status = take_question(suite, test);
	take_expectation(suite, test);
	return status;
}

static int
take_lines(struct suite *suite, struct place *place, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	int status = CTL_OK;
	ssize_t len;

	while (status == CTL_OK && (len = getline(&line, &room, in)) != -1) {
		place->line++;
		if (strlen(line) != (size_t)len) {
			diag_add(suite->diags, SEVERITY_ERROR, place,
			    "a NUL byte; write text");
			continue;
		}
		while (len > 0 && strchr("\r\n", line[len - 1]) != NULL)
			line[--len] = '\0';
		status = take_line(suite, place, line);
	}
	free(line);
	/* Half of the tests would pass. */
	if (status == CTL_OK && !feof(in) && !ferror(in))
		return ctl_no_memory();
	return status;
}

static void
refuse_file(struct suite *suite, const char *path)
{
	const struct place place = { .file = path };

	diag_add(suite->diags, SEVERITY_ERROR, &place, "cannot be read: %s",
	    strerror(errno));
}

int
suite_read(struct suite *suite, const char *path)
{
	const size_t before = suite->count;
	const size_t problems = diags_count(suite->diags, SEVERITY_ERROR);
	const bool is_stdin = strcmp(path, "-") == 0;
	struct place place = { .file = is_stdin ? "standard input" : path };
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	int status;

	if (in == NULL) {
		refuse_file(suite, path);
		return CTL_OK;
	}
	errno = 0;
	status = take_lines(suite, &place, in);
	if (ferror(in)) {
		refuse_file(suite, place.file);
	} else if (status == CTL_OK && suite->count == before &&
	    diags_count(suite->diags, SEVERITY_ERROR) == problems) {
		place.line = 0;
		diag_add(suite->diags, SEVERITY_WARNING, &place,
		    "there is no test in it");
	}
	if (!is_stdin)
		fclose(in);
	return status;
}

/* Loads the configuration of a test, unless another test has. */
static int
load(struct suite *suite, struct test *test)
{
	const char *path = test->request.config_path != NULL
	    ? test->request.config_path
	    : suite->config_path;
	struct loaded *loaded = suite->loaded;
	struct loaded *end = loaded + suite->loaded_count;
	int status;

	while (loaded < end && strcmp(loaded->path, path) != 0)
		loaded++;
	if (loaded == end) {
		*loaded = (struct loaded){ .path = path };
		suite->loaded_count++;
		status = request_load(path, &loaded->snapshots);
		if (status != CTL_OK)
			return status;
	}
	test->snapshots = loaded->snapshots;
	return test->snapshots != NULL ? CTL_OK : CTL_CONFIG;
}

int
suite_load(struct suite *suite)
{
	int worst = CTL_OK;

	suite->loaded_count = 0;
	suite->loaded = calloc(suite->count + 1, sizeof(*suite->loaded));
	if (suite->loaded == NULL)
		return ctl_no_memory();
	for (size_t i = 0; i < suite->count; i++) {
		const int status = load(suite, &suite->tests[i]);

		if (status == CTL_FAILED)
			return status;
		if (status != CTL_OK)
			worst = status;
	}
	return worst;
}

void
suite_free(struct suite *suite)
{
	while (suite->count > 0)
		drop_test(suite);
	for (size_t i = 0; i < suite->loaded_count; i++)
		snapshots_free(suite->loaded[i].snapshots);
	free(suite->tests);
	free(suite->loaded);
}
