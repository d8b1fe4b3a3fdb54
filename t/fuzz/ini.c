/*
 * ini.c - bytes as an INI file: our scan against iniparser.
 *
 * Holds: of a file without problems iniparser reads the same sections, keys and
 * values, and no others; a file with problems says so in lines of text; read
 * twice, it is the same. A key with a ':' in it is one name for us and for
 * iniparser; so names are compared as it stores them.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <iniparser/iniparser.h>

#include "fuzz.h"
#include "ini.h"
#include "text.h"

static int
say_nothing(const char *fmt UNUSED, ...)
{
	return 0;
}

/* What iniparser makes of the bytes by itself; NULL: nothing. */
static dictionary *
theirs(const char *bytes, size_t len)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);
	char path[32];
	dictionary *dict;

	if (fd == -1 || write(fd, bytes, len) != (ssize_t)len)
		exit(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	iniparser_set_error_callback(say_nothing);
	dict = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	close(fd);
	return dict;
}

static void
put_lower(char **out, const char *text)
{
	while (*text != '\0')
		*(*out)++ = text_lower(*text++);
	**out = '\0';
}

/* Where a section's blanks are folded, iniparser's are not: by its place. */
static void
compare_keys(
    const dictionary *dict, size_t *at, const struct ini_section *section)
{
	const char *prefix = dict->key[(*at)++];

	for (size_t i = 0; i < section->key_count; i++, (*at)++) {
		const struct ini_key *key = &section->keys[i];
		char *name = fuzz_alloc(strlen(prefix) + strlen(key->name) + 2);
		char *end = name;

		must(*at < (size_t)dict->n, "iniparser has every key");
		put_lower(&end, prefix);
		*end++ = ':';
		put_lower(&end, key->name);
		must(strcmp(dict->key[*at], name) == 0,
		    "iniparser has the same key there");
		must(dict->val[*at] != NULL &&
			strcmp(dict->val[*at], key->value) == 0,
		    "with the same value");
		free(name);
	}
}

static void
compare(const struct ini *ini, const char *bytes, size_t len)
{
	dictionary *dict = theirs(bytes, len);
	size_t at = 0;

	must(dict != NULL, "iniparser reads what we read");
	for (size_t i = 0; i < ini->section_count; i++) {
		must(at < (size_t)dict->n && dict->val[at] == NULL,
		    "iniparser has the section there");
		compare_keys(dict, &at, &ini->sections[i]);
	}
	must(at == (size_t)dict->n, "iniparser has no more than we");
	iniparser_freedict(dict);
}

/* Reads the bytes; the problems as text, which the caller frees. */
static const struct ini *
ours(struct arena *arena, const char *bytes, size_t len, char **problems)
{
	const struct source source = { "f.ini", bytes, len };
	struct diags *diags = diags_new();
	const struct ini *ini;
	size_t size;
	FILE *out = open_memstream(problems, &size);

	if (diags == NULL || out == NULL)
		exit(1);
	ini = ini_parse(arena, &source, diags);
	must((ini == NULL) == (diags_count(diags, SEVERITY_ERROR) > 0),
	    "a file is read, or there is a problem");
	diags_print(diags, out);
	fclose(out);
	diags_free(diags);
	return ini;
}

static void
check_problems(const char *problems, const char *bytes, size_t len)
{
	static const char differently[] = "read differently by iniparser";

	/* That would be refused too, but the scan should know by itself. */
	must(strstr(problems, differently) == NULL ||
		memmem(bytes, len, differently, strlen(differently)) != NULL,
	    "the scan knows what iniparser does");
	fuzz_check_problems(problems, "f.ini:");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(), *other = arena_new();
	char *bytes = fuzz_bytes(data, size);
	char *problems, *again;
	const struct ini *ini;

	if (arena == NULL || other == NULL)
		exit(1);
	ini = ours(arena, bytes, size, &problems);
	must((ours(other, bytes, size, &again) == NULL) == (ini == NULL) &&
		strcmp(problems, again) == 0,
	    "read twice it is the same");
	check_problems(problems, bytes, size);
	if (ini != NULL)
		compare(ini, bytes, size);
	free(problems);
	free(again);
	free(bytes);
	arena_free(arena);
	arena_free(other);
	return 0;
}
