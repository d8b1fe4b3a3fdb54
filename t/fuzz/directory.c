/*
 * directory.c - bytes as a directory file, and who is in it.
 *
 * Holds: who is found is written in the file, and who is written there is
 * found, by the simplest reading of its lines; a file with problems says so in
 * lines of text; the hashed file knows the same as the plain one. The reading
 * here is ASCII only: files with hashes or other letters are only loaded, and
 * asked for what is in them.
 */
#include "directory.h"
#include "fuzz.h"
#include "text.h"

#define NAIVE_MAX 64

/* An address that the file gives somebody. */
struct naive {
	struct mailbox mailbox;
	bool internal_only;
};

struct file {
	const char *bytes;
	size_t len;
	struct directory *directory;
	bool plain; /* ASCII, and no hashes */
	struct naive *naive;
	size_t count;
	bool cut; /* there are more */
};

static struct directory *
load(const char *bytes, size_t len, char **problems)
{
	struct diags *diags = diags_new();
	struct directory *directory;
	size_t size;
	FILE *out = open_memstream(problems, &size);

	if (diags == NULL || out == NULL)
		exit(1);
	directory = directory_load("r.txt", bytes, len, diags);
	must((directory == NULL) == (diags_count(diags, SEVERITY_ERROR) > 0),
	    "a directory is loaded, or there is a problem");
	diags_print(diags, out);
	fclose(out);
	diags_free(diags);
	return directory;
}

/* The end of a piece that a byte of stops ends, outside of quotes. */
static size_t
piece(const char *text, const char *stops)
{
	bool quoted = false;
	size_t i = 0;

	for (; text[i] != '\0'; i++) {
		if (text[i] == '\\' && quoted && text[i + 1] != '\0')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr(stops, text[i]) != NULL)
			break;
	}
	return i;
}

static void
note(struct file *file, const char *text, size_t len, bool internal_only)
{
	struct naive *naive = &file->naive[file->count];

	if (file->count == NAIVE_MAX) {
		file->cut = true;
		return;
	}
	must(mailbox_parse(&naive->mailbox, text, len) == NULL &&
		naive->mailbox.kind == MAILBOX_DOMAIN,
	    "who is in the directory has an address");
	naive->internal_only = internal_only;
	file->count++;
}

static void
note_aliases(struct file *file, char *list, bool internal_only)
{
	while (*list != '\0') {
		const size_t len = piece(list, ",");

		note(file, list, len, internal_only);
		list += len + (list[len] == ',');
	}
}

static void
note_line(struct file *file, char *line)
{
	char *word[64];
	size_t count = 0;
	bool internal_only = false;

	line += strspn(line, " \t\r");
	if (*line == '\0' || *line == '#')
		return;
	while (*line != '\0' && count < nitems(word)) {
		const size_t len = piece(line, " \t\r");

		word[count++] = line;
		line += len;
		if (*line != '\0')
			*line++ = '\0';
		line += strspn(line, " \t\r");
	}
	for (size_t i = 1; i < count; i++)
		internal_only |= text_same_name(word[i], "internal_only");
	note(file, word[0], strlen(word[0]), internal_only);
	for (size_t i = 1; i < count; i++) {
		char *value = strchr(word[i], '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		if (text_same_name(word[i], "aliases"))
			note_aliases(file, value, internal_only);
	}
}

static bool
is_plain(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80 || bytes[i] == '\0' ||
		    (len - i >= 7 &&
			text_ncasecmp(bytes + i, "sha256:", 7) == 0))
			return false;
	return true;
}

static const struct naive *
naive_find(const struct file *file, const struct mailbox *mailbox)
{
	for (size_t i = 0; i < file->count; i++)
		if (mailbox_equals(&file->naive[i].mailbox, mailbox))
			return &file->naive[i];
	return NULL;
}

static void
ask(const struct file *file, const struct mailbox *mailbox)
{
	const struct naive *want = naive_find(file, mailbox);
	struct listing listing;
	const enum answer answer = directory_find(
	    file->directory, mailbox->local, mailbox->domain, &listing);

	must(answer == (want != NULL ? ANSWER_YES : ANSWER_NO) ||
		(want == NULL && file->cut),
	    "who is found is written in the file");
	if (want != NULL)
		must(listing.internal_only == want->internal_only,
		    "with what is written of him");
}

/* Everybody, and those that are like somebody. */
static void
ask_all(const struct file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct mailbox mailbox = file->naive[i].mailbox;
		const size_t len = strlen(mailbox.local);

		ask(file, &mailbox);
		for (char *p = mailbox.local; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		ask(file, &mailbox);
		if (len > 0)
			mailbox.local[len - 1] ^= 1;
		/* A byte that no address can have is in no file. */
		if (len > 0 && mailbox.local[len - 1] >= ' ' &&
		    mailbox.local[len - 1] <= '~')
			ask(file, &mailbox);
		mailbox = file->naive[i].mailbox;
		mailbox.domain[0] = mailbox.domain[0] == 'a' ? 'b' : 'a';
		ask(file, &mailbox);
	}
}

static void
check_hashed(const struct file *file)
{
	struct diags *diags = diags_new();
	char *hashed, *problems;
	struct directory *other;
	size_t size;
	FILE *out = open_memstream(&hashed, &size);

	if (diags == NULL || out == NULL)
		exit(1);
	must(directory_hash("r.txt", file->bytes, file->len, diags, out) == 0,
	    "what loads can be hashed");
	fclose(out);
	must(memchr(hashed, '@', size) == NULL ||
		memmem(hashed, size, "login=", 6) != NULL ||
		memmem(hashed, size, "name=", 5) != NULL,
	    "no address is left in a hashed file");
	other = load(hashed, size, &problems);
	/* An empty directory is none. */
	must(other != NULL, "a hashed file loads");
	must(directory_count(other) == directory_count(file->directory) &&
		directory_has_internal_only(other) ==
		    directory_has_internal_only(file->directory),
	    "and has as many recipients");
	for (size_t i = 0; i < file->count; i++) {
		const struct mailbox *mailbox = &file->naive[i].mailbox;
		struct listing listing;

		must(directory_find(other, mailbox->local, mailbox->domain,
			 &listing) == ANSWER_YES,
		    "and the same ones");
	}
	directory_free(other);
	diags_free(diags);
	free(problems);
	free(hashed);
}

static void
check_file(struct file *file)
{
	char *copy = fuzz_text(file->bytes, file->len), *next = copy;

	file->plain = is_plain(file->bytes, file->len);
	file->naive = fuzz_alloc(NAIVE_MAX * sizeof(*file->naive));
	if (file->plain) {
		while (next != NULL)
			note_line(file, strsep(&next, "\n"));
		ask_all(file);
	}
	check_hashed(file);
	free(file->naive);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = fuzz_bytes(data, size);
	struct file file = { .bytes = bytes, .len = size };
	char *problems;

	file.directory = load(bytes, size, &problems);
	fuzz_check_problems(problems, "r.txt:");
	if (file.directory != NULL)
		check_file(&file);
	directory_free(file.directory);
	free(problems);
	free(bytes);
	return 0;
}
