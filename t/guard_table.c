/*
 * guard_table.c - a long relay guard is nested, so that Postfix looks at few
 * of its lines; that changes no answer, neither by the manual of cidr tables
 * nor for Postfix.
 */
#include "guard.h"

#include <unistd.h>

#include "connectors.h"
#include "tap.h"

/* The printed table; freed by the caller. */
static char *
table_of(const struct guard *guard)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL || guard_print_postfix(guard, "0123abc", out) != 0)
		give_up("guard_print", "failed");
	fclose(out);
	return text;
}

/* Many single addresses and small ranges, in heaps and far apart. */
#define MANY 6000

static const struct principal anonymous = { .kind = PRINCIPAL_ANONYMOUS };

static struct guard *
large_guard(struct arena *arena, struct range *ranges)
{
	struct endpoint *binding = arena_alloc(arena, 1, sizeof(*binding));
	struct connector *connector = arena_alloc(arena, 1, sizeof(*connector));
	struct policy policy = { .connectors = connector,
		.connector_count = 1 };
	uint64_t seed = 815;

	*binding = endpoint_of("0.0.0.0:25");
	*connector = (struct connector){
		.name = "many",
		.enabled = true,
		.bindings = { binding, 1 },
		.remote_ip_ranges = { ranges, MANY },
	};
	connector->permission_groups = GROUP_ANONYMOUS_USERS;
	connector->rights[RIGHT_ACCEPT_ANY_RECIPIENT] =
	    (struct principals){ &anonymous, 1 };
	for (size_t i = 0; i < MANY; i++) {
		const bool six = i % 3 == 0;
		addr_value at = six ? (addr_value)0x20010db8 << 96 : 10u << 24;

		at += random_below(&seed, i % 2 ? 1 << 14 : 1 << 24);
		if (i % 7 == 0)
			at = random_next(&seed) >> 32;
		ranges[i] = (struct range){
			six ? ADDR_IPV6 : ADDR_IPV4,
			at,
			at + random_below(&seed, 3),
			"",
		};
		if (!six && ranges[i].hi > 0xffffffff)
			ranges[i].hi = 0xffffffff;
	}
	policy.space = space_build(arena, connector, 1, NULL, NULL);
	if (policy.space == NULL)
		give_up("space_build", "no memory");
	struct guard *guard = guard_build(&policy);

	if (guard == NULL)
		give_up("guard_build", "no memory");
	return guard;
}

/* One line of a table, as Postfix reads it. */
struct line {
	struct range range; /* of "if" and of a match */
	enum { MATCH, IF, ENDIF } kind;
};

static size_t
read_table(char *text, struct line *lines)
{
	size_t count = 0;

	for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
		struct line *line = &lines[count];
		bool host_bits = false;
		const char *wrong = NULL;

		if (*at == '#')
			continue;
		count++;
		line->kind = MATCH;
		if (strcmp(at, "endif") == 0) {
			line->kind = ENDIF;
			continue;
		}
		if (strncmp(at, "if ", 3) == 0) {
			line->kind = IF;
			at += 3;
		} else if (strcmp(strchr(at, ' '), " OK") == 0) {
			*strchr(at, ' ') = '\0';
		}
		wrong = range_parse(&line->range, &host_bits, at);
		if (wrong != NULL || host_bits)
			give_up(at, wrong != NULL ? wrong : "host bits");
	}
	return count;
}

/* Reads the table as Postfix does; *looked counts the lines it looks at. */
static bool
postfix_says_ok(const struct line *lines, size_t count,
    const struct addr *client, size_t *looked)
{
	*looked = 0;
	for (size_t i = 0; i < count; i++) {
		bool fits = lines[i].kind != ENDIF &&
		    range_contains(&lines[i].range, client);

		++*looked;
		if (fits && lines[i].kind == MATCH)
			return true;
		if (!fits && lines[i].kind == IF)
			while (lines[i].kind != ENDIF)
				i++;
	}
	return false;
}

static struct addr
large_client(uint64_t *seed, const struct range *ranges)
{
	const struct range *near = &ranges[random_below(seed, MANY)];
	addr_value at = near->lo + random_below(seed, 5) - 1;

	return (struct addr){ near->family,
		near->family == ADDR_IPV4 ? (uint32_t)at : at };
}

static void
test_nesting(const struct guard *guard, const struct range *ranges)
{
	char *text = table_of(guard);
	struct line *lines = calloc(4 * MANY, sizeof(*lines));
	size_t count = read_table(text, lines), most = 0, sum = 0;
	unsigned different = 0, allowed = 0;
	uint64_t seed = 42;

	ok(guard_prefixes(guard) > GUARD_FLAT_MAX, "a table of %zu lines",
	    guard_prefixes(guard));
	for (unsigned i = 0; i < 20000; i++) {
		struct addr client = large_client(&seed, ranges);
		bool want = guard_allows(guard, &client);
		size_t looked;

		allowed += want;
		different +=
		    postfix_says_ok(lines, count, &client, &looked) != want;
		most = looked > most ? looked : most;
		sum += looked;
	}
	is_int(different, 0, "if and endif change nothing");
	ok(allowed > 5000 && allowed < 15000, "%u of 20000 are in it", allowed);
	/* Two families, blocks and the lines of one: the root is about 70. */
	ok(most < 600, "at most %zu lines are looked at, %zu on average", most,
	    sum / 20000);
	free(lines);
	free(text);
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		give_up(path, "not written");
}

/* Asks Postfix about the clients in DIR/keys; the answer is in DIR/answers. */
static bool
ask_postmap(const char *dir)
{
	char command[512];

	snprintf(command, sizeof(command),
	    "PATH=$PATH:/usr/sbin postmap -c %s -q - cidr:%s/guard "
	    "<%s/keys >%s/answers 2>%s/errors && ! test -s %s/errors",
	    dir, dir, dir, dir, dir, dir);
	return system(command) == 0;
}

#define ASKED 2000

static void
write_keys(const char *path, const struct addr *clients)
{
	FILE *out = fopen(path, "w");
	char buf[ADDR_TEXT_MAX];

	if (out == NULL)
		give_up(path, "not written");
	for (size_t i = 0; i < ASKED; i++)
		fprintf(out, "%s\n", addr_format(buf, &clients[i]));
	fclose(out);
}

/* Answers are "KEY<tab>OK", in the order of the keys, those without left out.
 */
static unsigned
wrong_answers(
    const char *path, const struct guard *guard, const struct addr *clients)
{
	FILE *in = fopen(path, "r");
	char line[128], want[ADDR_TEXT_MAX + 8], buf[ADDR_TEXT_MAX];
	unsigned wrong = 0;

	if (in == NULL)
		give_up(path, "not read");
	for (size_t i = 0; i < ASKED; i++) {
		if (!guard_allows(guard, &clients[i]))
			continue;
		snprintf(want, sizeof(want), "%s\tOK\n",
		    addr_format(buf, &clients[i]));
		if (fgets(line, sizeof(line), in) == NULL ||
		    strcmp(line, want) != 0)
			wrong++;
	}
	wrong += fgets(line, sizeof(line), in) != NULL;
	fclose(in);
	return wrong;
}

static void
test_postmap(const struct guard *guard, const struct range *ranges)
{
	static const char *const files[] = { "main.cf", "guard", "keys",
		"answers", "errors" };
	char dir[] = "/tmp/guard.XXXXXX", paths[nitems(files)][64];
	struct addr *clients;
	uint64_t seed = 43;
	char *text;

	if (system("PATH=$PATH:/usr/sbin; command -v postmap >/dev/null") !=
	    0) {
		ok(1, "Postfix reads it # SKIP there is no postmap");
		return;
	}
	if (mkdtemp(dir) == NULL)
		give_up(dir, "not made");
	for (size_t i = 0; i < nitems(files); i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, files[i]);
	clients = calloc(ASKED, sizeof(*clients));
	for (size_t i = 0; i < ASKED; i++)
		clients[i] = large_client(&seed, ranges);
	text = table_of(guard);
	write_file(paths[0], "compatibility_level = 3.6\n");
	write_file(paths[1], text);
	write_keys(paths[2], clients);
	ok(ask_postmap(dir), "Postfix reads the table without a complaint");
	is_int(wrong_answers(paths[3], guard, clients), 0,
	    "and finds the same clients in it");
	for (size_t i = 0; i < nitems(files); i++)
		(void)unlink(paths[i]);
	(void)rmdir(dir);
	free(clients);
	free(text);
}

int
main(void)
{
	struct arena *arena = arena_new();
	struct range *ranges = arena_alloc(arena, MANY, sizeof(*ranges));
	struct guard *guard = large_guard(arena, ranges);

	test_nesting(guard, ranges);
	test_postmap(guard, ranges);
	guard_free(guard);
	arena_free(arena);
	return done();
}
