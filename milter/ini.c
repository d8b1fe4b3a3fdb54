/*
 * ini.c - iniparser reads what the scan found sound, and both must agree.
 */
#include "ini_parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<iniparser/iniparser.h>)
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

/* iniparser's callback is told nothing of ours. */
static struct ini_scan *loading;

PRINTF_LIKE(1, 2)
static int
hear(const char *fmt, ...)
{
	const bool scarce = errno == ENOMEM;
	char words[512], quoted[DIAG_QUOTE_MAX];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	words[strcspn(words, "\n")] = '\0';
	if (scarce)
		ini_no_memory(loading);
	else
		ini_problem(loading, "iniparser says %s; the file was not read",
		    diag_quote(quoted, words));
	return len;
}

/* A private copy of the bytes, as a file without a name; -1 with errno. */
static int
memory_file(struct span bytes)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);

	while (fd != -1 && bytes.len > 0) {
		ssize_t n = write(fd, bytes.s, bytes.len);

		if (n > 0) {
			bytes.s += n;
			bytes.len -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			int saved = n == 0 ? ENOSPC : errno;

			close(fd);
			errno = saved;
			return -1;
		}
	}
	return fd;
}

/*
 * Stands in for iniparser's own: that gives a dictionary without tables when
 * there is no memory for them, and iniparser_load then crashes.
 */
dictionary *
dictionary_new(size_t size)
{
	dictionary *(*theirs)(size_t);
	dictionary *dict;

	*(void **)&theirs = dlsym(RTLD_NEXT, "dictionary_new");
	dict = theirs != NULL ? theirs(size) : NULL;
	if (dict == NULL ||
	    (dict->key != NULL && dict->val != NULL && dict->hash != NULL))
		return dict;
	free(dict->key);
	free(dict->val);
	free(dict->hash);
	free(dict);
	errno = ENOMEM;
	return NULL;
}

/*
 * Without memory iniparser also loses lines in silence; scan->scarce is how
 * that is told from lines that it reads differently.
 */
static dictionary *
load(struct ini_scan *scan, struct span bytes)
{
	char path[32];
	dictionary *dict;
	int fd = memory_file(bytes);

	if (fd == -1) {
		ini_problem(scan,
		    "no memory file for iniparser: %s; the file was not read",
		    strerror(errno));
		return NULL;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	loading = scan;
	iniparser_set_error_callback(hear);
	errno = 0;
	dict = iniparser_load(path);
	scan->scarce = errno == ENOMEM;
	iniparser_set_error_callback(NULL);
	loading = NULL;
	close(fd);
	if (dict == NULL && scan->problems == 0)
		ini_no_memory(scan);
	return dict;
}

/*
 * What iniparser holds under a stored name, or missing. Its dictionary has the
 * order of the file, so the place is a good guess; its own search is linear.
 */
static const char *
look_up(const dictionary *dict, size_t place, const char *stored,
    const char *missing)
{
	if (place < (size_t)dict->n && dict->key[place] != NULL &&
	    strcmp(dict->key[place], stored) == 0)
		return dict->val[place];
	return iniparser_getstring(dict, stored, missing);
}

static const char *
show(char buf[DIAG_QUOTE_MAX], const char *value)
{
	return value != NULL ? diag_quote(buf, value) : "a section";
}

static void
compare_entry(
    struct ini_scan *scan, const struct ini_entry *entry, const char *found)
{
	const char *value = entry->key != NULL ? entry->key->value : NULL;
	char theirs[DIAG_QUOTE_MAX], ours[DIAG_QUOTE_MAX];

	if (value == NULL && found == NULL)
		return;
	if (value != NULL && found != NULL && strcmp(value, found) == 0)
		return;
	if (scan->scarce) {
		scan->place = (struct place){ .file = scan->place.file };
		ini_no_memory(scan);
		return;
	}
	ini_set_place(scan, entry);
	ini_problem(scan,
	    "read differently by iniparser, as %s and not %s; write it plainer",
	    show(theirs, found), show(ours, value));
}

/* Whatever iniparser does that we do not know of ends here. */
static void
compare(struct ini_scan *scan, const dictionary *dict)
{
	static const char missing[] = "(nothing)";

	for (size_t i = 0; i < scan->entry_count && !scan->stop; i++) {
		const struct ini_entry *entry = &scan->entries[i];

		compare_entry(
		    scan, entry, look_up(dict, i, entry->stored, missing));
	}
	if (scan->problems == 0 && (size_t)dict->n != scan->entry_count)
		ini_problem(scan,
		    "read differently by iniparser, as %d names and not %zu; "
		    "write it plainer",
		    dict->n, scan->entry_count);
}

static void
verify(struct ini_scan *scan, struct span bytes)
{
	dictionary *dict;

	scan->place = (struct place){ .file = scan->place.file };
	dict = load(scan, bytes);
	if (dict == NULL)
		return;
	if (scan->problems == 0)
		compare(scan, dict);
	iniparser_freedict(dict);
}

struct ini *
ini_parse_partly(struct arena *arena, const struct source *source,
    struct diags *diags, bool *whole)
{
	struct span bytes = { source->bytes, source->len };
	struct ini_scan scan = {
		.arena = arena,
		.scratch = arena_new(),
		.diags = diags,
		.place = { .file = source->path },
	};

	if (scan.scratch == NULL || ini_prepare(&scan, bytes) != 0) {
		ini_no_memory(&scan);
	} else {
		ini_scan_bytes(&scan, bytes);
		ini_find_duplicates(&scan);
		if (scan.problems == 0) {
			verify(&scan, bytes);
			scan.lost_line = scan.problems > 0;
		}
	}
	arena_free(scan.scratch);
	*whole = !scan.lost_line && !scan.stop;
	return scan.ini;
}

struct ini *
ini_parse(struct arena *arena, const struct source *source, struct diags *diags)
{
	const size_t before = diags_count(diags, SEVERITY_ERROR);
	bool whole;
	struct ini *ini = ini_parse_partly(arena, source, diags, &whole);

	return diags_count(diags, SEVERITY_ERROR) == before ? ini : NULL;
}
