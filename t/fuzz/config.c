/*
 * config.c - bytes as the files of a configuration, all of them in memory.
 *
 * The bytes up to the first line that begins with "%% " are the main file; such
 * a line names the file that follows, such as "%% connectors.d/a.ini", a list
 * for "@list", a directory or a key. There are no other files. Holds: a
 * configuration is loaded, or there is a problem, and each problem is a line of
 * text; loaded twice, or for another day, it is the same, hash and all; each
 * connector can be explained, as text and as JSON; the guard is made of nothing
 * but lines that its MTA knows, and allows what they say.
 */
#include "arena.h"
#include "explain.h"
#include "fuzz.h"
#include "guard.h"
#include "json_form.h"
#include "sources_parts.h"

#define FILES_MAX 8
#define FOLDER "connectors.d"
#define TODAY 20260615
#define LATER 20270101
#define EXPLAINED_MAX 4

struct file {
	char *path;
	struct fuzz_input text;
};

struct files {
	struct file items[FILES_MAX];
	size_t count;
};

/* Whoever fails here has no memory. */
static FILE *
open_text(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (out == NULL)
		exit(1);
	return out;
}

/* ---- files --------------------------------------------------------------- */

static void
split(struct files *files, struct fuzz_input input)
{
	struct file *file = &files->items[0];
	struct fuzz_input line;

	file->path = strdup("main.ini");
	file->text = (struct fuzz_input){ input.data, 0 };
	files->count = 1;
	while (fuzz_take_line(&input, &line)) {
		if (line.size > 3 && memcmp(line.data, "%% ", 3) == 0 &&
		    files->count < FILES_MAX) {
			file = &files->items[files->count++];
			file->path = fuzz_text(line.data + 3, line.size - 3);
			file->text = (struct fuzz_input){ input.data, 0 };
		} else {
			file->text.size =
			    (size_t)(input.data - file->text.data);
		}
	}
}

static bool
is_in_folder(const char *path)
{
	return strncmp(path, FOLDER "/", strlen(FOLDER "/")) == 0 &&
	    strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".ini") == 0;
}

/* The folder, as if it had been read. */
static void
add_folder(struct sources *sources, const struct files *files)
{
	struct item *folder = sources_put(sources, &sources->folders, FOLDER);
	const char **names =
	    arena_alloc(sources->arena, FILES_MAX, sizeof(*names));

	if (folder == NULL || names == NULL)
		exit(1);
	folder->names = names;
	folder->failed = false;
	for (size_t i = 1; i < files->count; i++)
		if (is_in_folder(files->items[i].path))
			names[folder->count++] =
			    arena_strdup(sources->arena, files->items[i].path);
}

static struct sources *
sources_of(const struct files *files)
{
	struct sources *sources = sources_new();

	if (sources == NULL)
		exit(1);
	/* A path may be there already: then the first file counts. */
	for (size_t i = 0; i < files->count; i++)
		(void)!sources_add(sources, files->items[i].path,
		    files->items[i].text.data, files->items[i].text.size);
	add_folder(sources, files);
	sources_seal(sources);
	return sources;
}

static bool
is_line(const char *from, const char *end)
{
	const char *colon = NULL;

	for (const char *p = from; p < end; p++) {
		if (*p < ' ' || *p > '~')
			return false;
		if (colon == NULL && strncmp(p, ": error: ", 9) == 0)
			colon = p;
		if (colon == NULL && strncmp(p, ": warning: ", 11) == 0)
			colon = p;
	}
	return colon != NULL && colon > from && text_is_digit(colon[-1]);
}

static void
check_problems(const char *problems)
{
	while (*problems != '\0') {
		const char *end = strchr(problems, '\n');

		must(end != NULL && is_line(problems, end),
		    "a problem is a line FILE:LINE: error: or warning:");
		problems = end + 1;
	}
}

/* The configuration, and its problems, which the caller frees. */
static struct config *
load(const struct files *files, char **problems)
{
	struct diags *diags = diags_new();
	struct config *config;
	size_t size;
	FILE *out = open_text(problems, &size);

	if (diags == NULL)
		exit(1);
	config = config_build(sources_of(files), "main.ini", TODAY, diags);
	must((config == NULL) == (diags_count(diags, SEVERITY_ERROR) > 0),
	    "a configuration is loaded, or there is an error");
	diags_print(diags, out);
	fclose(out);
	diags_free(diags);
	check_problems(*problems);
	return config;
}

/* ---- what is asked of one ------------------------------------------------ */

static void
check_explanation(const struct explanation *explanation)
{
	char *text, *json;
	size_t size;
	FILE *out = open_text(&text, &size);

	explanation_text(explanation, out);
	fclose(out);
	must(text_is_utf8(text, size) && memchr(text, '\0', size) == NULL,
	    "an explanation is text");
	free(text);
	out = open_text(&json, &size);
	explanation_json(explanation, out);
	fclose(out);
	must(is_json(json), "and JSON");
	free(json);
}

static void
explain_one(struct snapshots *snapshots, const struct connector *connector)
{
	static const char *const recipients[] = { "bob@elsewhere.example",
		"alice@example.com" };
	struct question question = {
		.client_port = 41022,
		.client_name = "mail.client.test",
		.helo = "mail.client.test",
		.tls = "TLSv1.3",
		.auth = "alice",
		.auth_mechanism = "PLAIN",
		.from = "scan@example.com",
		.header_from = "Scan <scan@example.com>",
		.size = 1000,
		.recipients = recipients,
		.recipient_count = nitems(recipients),
	};
	struct explanation *explanation;

	if (connector->remote_ip_ranges.count == 0 ||
	    connector->bindings.count == 0)
		return;
	question.client.family = connector->remote_ip_ranges.ranges[0].family;
	question.client.value = connector->remote_ip_ranges.ranges[0].lo;
	question.listener = connector->bindings.endpoints[0];
	explanation = explain(snapshots, &question);
	if (explanation == NULL)
		exit(1);
	check_explanation(explanation);
	explanation_free(explanation);
}

/* Each prefix of a guard for Postfix is one that it allows. */
static void
check_postfix_line(const struct guard *guard, char *line)
{
	char *end = strstr(line, " OK");
	struct range range;
	bool host_bits;

	if (line[0] == '\0' || line[0] == '#' || strcmp(line, "endif") == 0 ||
	    strncmp(line, "if ", 3) == 0)
		return;
	line += strspn(line, " \t");
	must(end != NULL && end[3] == '\0', "a line of the guard ends in OK");
	*end = '\0';
	must(range_parse(&range, &host_bits, line) == NULL && !host_bits,
	    "and begins with a prefix");
	const struct addr lo = { range.family, range.lo };
	const struct addr hi = { range.family, range.hi };
	must(guard_allows(guard, &lo) && guard_allows(guard, &hi),
	    "that the guard allows");
}

static void
check_guard(const struct config *config)
{
	struct guard *guard = guard_build(config_policy(config));
	char *text, *next;
	size_t size, lines = 0;
	FILE *out = open_text(&text, &size);

	if (guard == NULL)
		exit(1);
	must(guard_print_postfix(guard, config_hash(config), out) == 0,
	    "a guard is printed");
	fclose(out);
	next = text;
	while (next != NULL) {
		char *line = strsep(&next, "\n");

		lines += strstr(line, " OK") != NULL && line[0] != '#';
		check_postfix_line(guard, line);
	}
	must(lines == guard_prefixes(guard), "a line for every prefix");
	free(text);
	out = open_text(&text, &size);
	must(guard_print_sendmail(guard, config_hash(config), out) == 0,
	    "for Sendmail, too");
	fclose(out);
	next = text;
	while (next != NULL) {
		const char *line = strsep(&next, "\n");

		must(line[0] == '\0' || line[0] == '#' ||
			(strncmp(line, "Connect:", 8) == 0 &&
			    strstr(line, "\tRELAY") != NULL),
		    "in lines that its access map knows");
	}
	free(text);
	guard_free(guard);
}

static void
check_other_day(const struct config *config)
{
	struct config *other = config_on_day(config, LATER);

	if (other == NULL)
		exit(1);
	must(strcmp(config_hash(other), config_hash(config)) == 0 &&
		config_policy(other)->connector_count ==
		    config_policy(config)->connector_count,
	    "on another day it is the same");
	config_free(other);
}

/* Takes config. */
static void
ask(struct config *config)
{
	const struct policy *policy = config_policy(config);
	struct snapshots *snapshots;

	must(policy->connector_count > 0, "there is a connector");
	must(strlen(config_hash(config)) == 64, "and a hash");
	check_other_day(config);
	check_guard(config);
	snapshots = snapshots_new(config);
	if (snapshots == NULL)
		exit(1);
	for (size_t i = 0; i < policy->connector_count && i < EXPLAINED_MAX;
	     i++)
		explain_one(snapshots, &policy->connectors[i]);
	snapshots_free(snapshots);
}

static void
compare(const struct config *a, const struct config *b)
{
	const struct policy *x = config_policy(a), *y = config_policy(b);

	must(strcmp(config_hash(a), config_hash(b)) == 0,
	    "loaded twice it has the same hash");
	must(x->connector_count == y->connector_count &&
		x->group_count == y->group_count &&
		space_intervals(x->space) == space_intervals(y->space),
	    "and is the same");
	for (size_t i = 0; i < x->connector_count; i++)
		must(strcmp(x->connectors[i].name, y->connectors[i].name) == 0,
		    "connector by connector");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files files = { .count = 0 };
	char *problems, *again;
	struct config *config, *other;

	split(&files, fuzz_input(data, size));
	config = load(&files, &problems);
	other = load(&files, &again);
	must(
	    (config == NULL) == (other == NULL) && strcmp(problems, again) == 0,
	    "loaded twice it has the same problems");
	if (config != NULL) {
		compare(config, other);
		ask(config);
	}
	config_free(other);
	free(problems);
	free(again);
	while (files.count > 0)
		free(files.items[--files.count].path);
	return 0;
}
