/*
 * sources.c - which files and folders are fit to be read, with exact texts;
 * what is remembered and what is given back; a hash that only knows names and
 * bytes, and no key.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sources.h"

/* Everything happens in here; problems are compared without it. */
static char room[] = "/tmp/sources.XXXXXX";

static const char *
in_room(char buf[256], const char *name)
{
	snprintf(buf, 256, "%s/%s", room, name);
	return buf;
}

/* Writes a file of the room; the mode does not depend on the umask. */
static void
make_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *out = fopen(in_room(path, name), "w");

	fputs(text, out);
	fclose(out);
	chmod(path, mode);
}

static void
make_folder(const char *name, mode_t mode)
{
	char path[256];

	mkdir(in_room(path, name), 0700);
	chmod(path, mode);
}

static void
make_sized(const char *name, off_t size)
{
	char path[256];

	make_file(name, "", 0644);
	if (truncate(in_room(path, name), size) != 0)
		perror("truncate");
}

static void
make_socket(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", room, name);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		perror("bind");
	close(fd);
}

static void
make_link(const char *target, const char *name)
{
	char path[256];

	if (symlink(target, in_room(path, name)) != 0)
		perror("symlink");
}

static void
make_room(void)
{
	char path[256];

	if (mkdtemp(room) == NULL)
		perror("mkdtemp");
	make_file("plain", "[a]\n", 0644);
	make_file("group", "[a]\n", 0664);
	make_file("world", "[a]\n", 04646);
	make_file("nobody", "[a]\n", 0);
	make_sized("empty", 0);
	make_sized("largest", SOURCE_SIZE_MAX);
	make_sized("large", (off_t)SOURCE_SIZE_MAX + 1);
	make_sized("huge", (off_t)SOURCE_LARGE_MAX + 1);
	make_file("key", "k1 00\n", 0640);
	make_file("key-writable", "k1 00\n", 0660);
	make_file("key-readable", "k1 00\n", 0644);
	make_file("key-runnable", "k1 00\n", 0601);
	make_folder("folder", 0755);
	mkfifo(in_room(path, "fifo"), 0644);
	make_socket("socket");
	make_link("plain", "link");
	make_link("nowhere", "broken");
	make_link("loop/x", "loop");
	make_file("folder/b.ini", "b\n", 0644);
	make_file("folder/B.ini", "B\n", 0644);
	make_file("folder/a c.ini", "a\n", 0644);
	make_file("folder/.hidden.ini", "h\n", 0644);
	make_file("folder/a.ini~", "h\n", 0644);
	make_file("folder/a.INI", "h\n", 0644);
	make_file("folder/.ini", "h\n", 0644);
	make_file("folder/ini", "h\n", 0644);
	make_folder("folder/x.ini", 0755);
	make_folder("folder/sub", 0755);
	make_file("folder/sub/s.ini", "s\n", 0644);
	make_folder("bare", 0755);
	make_folder("open", 01777);
	make_folder("shared", 0775);
	make_link("folder", "folder-link");
	make_link(".", "here");
}

/* The printed problems with the room as DIR; free it. */
static char *
printed(const struct diags *diags)
{
	char *text, *at;
	size_t size, len = strlen(room);
	FILE *out = open_memstream(&text, &size);

	diags_print(diags, out);
	fclose(out);
	while ((at = strstr(text, room)) != NULL) {
		memcpy(at, "DIR", 3);
		memmove(at + 3, at + len, strlen(at + len) + 1);
	}
	return text;
}

static const struct place setting = {
	.file = "main.ini",
	.line = 7,
	.section = "directory",
	.key = "recipients",
};

struct unfit {
	const char *what;
	const char *name; /* absolute, or in the room */
	const char *problem;
	const char *at_setting;
};

/* clang-format off */
static const struct unfit unfit_files[] = {
	{ "a file that is not there", "missing",
	    "DIR/missing:0: error: the file cannot be opened: No such file or "
	    "directory; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/missing' cannot "
	    "be opened: No such file or directory; correct the path or its "
	    "permissions\n" },
	{ "a file below a file", "plain/x",
	    "DIR/plain/x:0: error: the file cannot be opened: Not a "
	    "directory; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/plain/x' cannot "
	    "be opened: Not a directory; correct the path or its "
	    "permissions\n" },
	{ "a file nobody may read", "nobody",
	    "DIR/nobody:0: error: the file cannot be opened: Permission "
	    "denied; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/nobody' cannot "
	    "be opened: Permission denied; correct the path or its "
	    "permissions\n" },
	{ "a directory", "folder",
	    "DIR/folder:0: error: the file is a directory; it must be a "
	    "regular file\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/folder' is a "
	    "directory; it must be a regular file\n" },
	{ "a FIFO, without waiting", "fifo",
	    "DIR/fifo:0: error: the file is a FIFO; it must be a regular "
	    "file\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/fifo' is a FIFO; "
	    "it must be a regular file\n" },
	{ "a socket", "socket",
	    "DIR/socket:0: error: the file is a socket; it must be a regular "
	    "file\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/socket' is a "
	    "socket; it must be a regular file\n" },
	{ "a device", "/dev/null",
	    "/dev/null:0: error: the file is a device; it must be a regular "
	    "file\n",
	    "main.ini:7: error: [directory] recipients: '/dev/null' is a "
	    "device; it must be a regular file\n" },
	{ "a symbolic link to a fit file", "link",
	    "DIR/link:0: error: the file is a symbolic link; it must be a "
	    "regular file\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/link' is a "
	    "symbolic link; it must be a regular file\n" },
	{ "a symbolic link to nothing", "broken",
	    "DIR/broken:0: error: the file is a symbolic link; it must be a "
	    "regular file\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/broken' is a "
	    "symbolic link; it must be a regular file\n" },
	{ "a path that never ends", "loop/x",
	    "DIR/loop/x:0: error: the file cannot be opened: Too many levels "
	    "of symbolic links; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/loop/x' cannot "
	    "be opened: Too many levels of symbolic links; correct the path "
	    "or its permissions\n" },
	{ "a file its group can write", "group",
	    "DIR/group:0: error: the file can be written by group or others "
	    "(mode 0664); run chmod go-w\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/group' can be "
	    "written by group or others (mode 0664); run chmod go-w\n" },
	{ "a file all can write", "world",
	    "DIR/world:0: error: the file can be written by group or others "
	    "(mode 4646); run chmod go-w\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/world' can be "
	    "written by group or others (mode 4646); run chmod go-w\n" },
	{ "an empty file", "empty",
	    "DIR/empty:0: error: the file is empty; write at least one line, "
	    "or do not name it\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/empty' is empty; "
	    "write at least one line, or do not name it\n" },
	{ "a file that is too large", "large",
	    "DIR/large:0: error: the file has 67108865 bytes; at most 67108864 "
	    "are read\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/large' has "
	    "67108865 bytes; at most 67108864 are read\n" },
	{ "a path with hostile bytes", "a\n\x1b'\"",
	    "DIR/a\\x0a\\x1b'\\x22:0: error: the file cannot be opened: No "
	    "such file or directory; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/a\\x0a\\x1b'\\x22' "
	    "cannot be opened: No such file or directory; correct the path or "
	    "its permissions\n" },
};

static const struct unfit unfit_folders[] = {
	{ "a folder that is not there", "missing",
	    "DIR/missing:0: error: the folder cannot be opened: No such file "
	    "or directory; correct the path or its permissions\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/missing' cannot "
	    "be opened: No such file or directory; correct the path or its "
	    "permissions\n" },
	{ "a file for a folder", "plain",
	    "DIR/plain:0: error: the folder is a file; it must be a "
	    "directory\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/plain' is a "
	    "file; it must be a directory\n" },
	{ "a FIFO for a folder", "fifo",
	    "DIR/fifo:0: error: the folder is a FIFO; it must be a "
	    "directory\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/fifo' is a FIFO; "
	    "it must be a directory\n" },
	{ "a folder its group can write", "shared",
	    "DIR/shared:0: error: the folder can be written by group or "
	    "others (mode 0775); run chmod go-w\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/shared' can be "
	    "written by group or others (mode 0775); run chmod go-w\n" },
	{ "a folder all can write", "open",
	    "DIR/open:0: error: the folder can be written by group or others "
	    "(mode 1777); run chmod go-w\n",
	    "main.ini:7: error: [directory] recipients: 'DIR/open' can be "
	    "written by group or others (mode 1777); run chmod go-w\n" },
};
/* clang-format on */

/* Whether the path can be read; a file or a folder. */
static int
can_read(struct sources *sources, const char *path, int is_folder,
    struct diags *diags, const struct place *place)
{
	size_t count;

	if (is_folder)
		return sources_folder(sources, path, &count, diags, place) !=
		    NULL;
	return sources_read(sources, path, diags, place) != NULL;
}

static void
check_unfit(const struct unfit *unfit, int is_folder, const struct place *place,
    const char *want)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const char *path = unfit->name;
	char buf[256], *text;

	if (path[0] != '/')
		path = in_room(buf, path);
	ok(!can_read(sources, path, is_folder, diags, place), "%s: refused",
	    unfit->what);
	text = printed(diags);
	is_str(text, want, unfit->what);
	free(text);
	ok(!can_read(sources, path, is_folder, diags, NULL) &&
		diags_count(diags, SEVERITY_ERROR) == 1,
	    "%s: refused again, reported once", unfit->what);
	diags_free(diags);
	sources_free(sources);
}

static void
test_unfit(const struct unfit *table, size_t count, int is_folder)
{
	for (size_t i = 0; i < count; i++) {
		check_unfit(&table[i], is_folder, NULL, table[i].problem);
		check_unfit(
		    &table[i], is_folder, &setting, table[i].at_setting);
	}
}

static void
test_fit(void)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const struct source *plain, *largest;
	char path[256], *text;

	plain = sources_read(sources, in_room(path, "plain"), diags, NULL);
	ok(plain != NULL && plain->len == 4 &&
		memcmp(plain->bytes, "[a]\n", 4) == 0,
	    "a fit file is read whole");
	is_str(plain->path, path, "and knows its path");
	make_file("plain", "[b]\nk = v\n", 0644);
	ok(sources_read(sources, path, diags, &setting) == plain &&
		plain->len == 4,
	    "what was read is not read again");
	largest = sources_read(sources, in_room(path, "largest"), diags, NULL);
	ok(largest != NULL && largest->len == SOURCE_SIZE_MAX,
	    "a file of the largest size is read");
	sources_seal(sources);
	ok(sources_read(sources, in_room(path, "plain"), diags, NULL) == plain,
	    "a sealed set gives what it has");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 0,
	    "all without a problem");
	ok(sources_read(sources, in_room(path, "group"), diags, NULL) == NULL,
	    "a sealed set reads nothing new");
	text = printed(diags);
	is_str(text,
	    "DIR/group:0: error: the file was not read with the "
	    "configuration; load it again\n",
	    "and says so");
	free(text);
	diags_free(diags);
	sources_free(sources);
}

/* A child that makes the file longer all the time. */
static pid_t
start_writer(const char *path)
{
	pid_t child = fork();

	if (child == 0) {
		int fd = open(path, O_WRONLY | O_APPEND);

		while (write(fd, "x", 1) == 1)
			continue;
		_exit(1);
	}
	return child;
}

static void
test_changing(void)
{
	int seen = 0;
	char path[256];
	pid_t writer;

	make_sized("growing", 16 << 20);
	writer = start_writer(in_room(path, "growing"));
	for (int i = 0; i < 200 && !seen; i++) {
		struct sources *sources = sources_new();
		struct diags *diags = diags_new();
		char *text;

		if (sources_read(sources, path, diags, NULL) == NULL) {
			text = printed(diags);
			seen = is_str(text,
			    "DIR/growing:0: error: the file changed while it "
			    "was read; try again when it is complete\n",
			    "a file that grows while it is read");
			free(text);
		}
		diags_free(diags);
		sources_free(sources);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	ok(seen, "a change is seen");
}

static void
test_folder(void)
{
	static const char *const want[] = { "B.ini", "a c.ini", "b.ini",
		"x.ini" };
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	char path[256], file[256], name[64];
	const char *const *names, *const *again;
	size_t count;

	names = sources_folder(
	    sources, in_room(path, "folder"), &count, diags, NULL);
	is_int((long long)count, nitems(want), "only *.ini of a folder");
	for (size_t i = 0; i < nitems(want) && i < count; i++) {
		snprintf(name, sizeof(name), "folder/%s", want[i]);
		is_str(names[i], in_room(file, name), "sorted by bytes");
	}
	make_file("folder/new.ini", "n\n", 0644);
	sources_seal(sources);
	again = sources_folder(
	    sources, in_room(path, "folder"), &count, diags, &setting);
	ok(again == names && count == nitems(want), "a folder is read once");
	ok(sources_folder(
	       sources, in_room(path, "bare"), &count, diags, NULL) == NULL,
	    "a sealed set reads no new folder");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 1,
	    "and that is a problem");
	sources_free(sources);

	sources = sources_new();
	names =
	    sources_folder(sources, in_room(path, "bare"), &count, diags, NULL);
	ok(names != NULL && count == 0, "a folder may be bare");
	names = sources_folder(
	    sources, in_room(path, "folder-link/"), &count, diags, NULL);
	ok(names != NULL && count == 5, "a folder may be a symbolic link");
	is_str(names[0], in_room(file, "folder-link/B.ini"),
	    "a slash at the end of its path is not doubled");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 1,
	    "both without a problem");
	diags_free(diags);
	sources_free(sources);
}

struct pair {
	const char *path;
	const char *bytes;
};

/* The hash of up to three files, the first of them the main file. */
static const char *
hash_of(char hex[65], const struct pair pairs[3])
{
	struct sources *sources = sources_new();

	for (size_t i = 0; i < 3 && pairs[i].path != NULL; i++)
		if (sources_add(sources, pairs[i].path, pairs[i].bytes,
			strlen(pairs[i].bytes)) != 0)
			return NULL;
	if (sources_hash(sources, hex) != 0)
		return NULL;
	sources_free(sources);
	return hex;
}

static void
test_hash(void)
{
	static const struct pair base[3] = { { "/etc/m/m.ini", "one" },
		{ "/etc/m/d/a.ini", "two" }, { "/var/list", "three" } };
	static const struct {
		const char *what;
		int same;
		struct pair pairs[3];
	} cases[] = {
		/* clang-format off */
		{ "the same files", 1, { { "/etc/m/m.ini", "one" },
		    { "/etc/m/d/a.ini", "two" }, { "/var/list", "three" } } },
		{ "another order of reading", 1, { { "/etc/m/m.ini", "one" },
		    { "/var/list", "three" }, { "/etc/m/d/a.ini", "two" } } },
		{ "another folder", 1, { { "/zzz/m.ini", "one" },
		    { "/var/list", "three" }, { "/zzz/d/a.ini", "two" } } },
		{ "the working directory", 1, { { "m.ini", "one" },
		    { "d/a.ini", "two" }, { "/var/list", "three" } } },
		{ "another byte", 0, { { "/etc/m/m.ini", "onE" },
		    { "/etc/m/d/a.ini", "two" }, { "/var/list", "three" } } },
		{ "another name", 0, { { "/etc/m/m.ini", "one" },
		    { "/etc/m/d/b.ini", "two" }, { "/var/list", "three" } } },
		{ "another list outside", 0, { { "/etc/m/m.ini", "one" },
		    { "/etc/m/d/a.ini", "two" }, { "/opt/list", "three" } } },
		{ "bytes moved to another file", 0, { { "/etc/m/m.ini", "one" },
		    { "/etc/m/d/a.ini", "twot" }, { "/var/list", "hree" } } },
		{ "bytes swapped", 0, { { "/etc/m/m.ini", "two" },
		    { "/etc/m/d/a.ini", "one" }, { "/var/list", "three" } } },
		{ "a byte moved from the name to the bytes", 0,
		    { { "/etc/m/m.ini", "one" }, { "/etc/m/d/a.in", "itwo" },
		    { "/var/list", "three" } } },
		{ "a file less", 0, { { "/etc/m/m.ini", "one" },
		    { "/etc/m/d/a.ini", "two" }, { NULL, NULL } } },
		/* clang-format on */
	};
	char first[65], second[65] = "";

	hash_of(first, base);
	/* sha256 of "9 5\n/var/listthree7 3\nd/a.initwo5 3\nm.inione" */
	is_str(first,
	    "920796616aaec75c47b98259286d1292b1745f7a09e60673596b57fdee3cb4b7",
	    "lengths, name and bytes of each, in order of name");
	for (size_t i = 0; i < nitems(cases); i++) {
		hash_of(second, cases[i].pairs);
		ok((strcmp(first, second) == 0) == cases[i].same, "%s: %s hash",
		    cases[i].what, cases[i].same ? "the same" : "another");
	}
}

static void
test_add(void)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const struct source *source;

	is_int(sources_add(sources, "m.ini", "a\0b", 3), 0, "bytes are added");
	source = sources_read(sources, "m.ini", diags, NULL);
	ok(source != NULL && source->len == 3 &&
		memcmp(source->bytes, "a\0b", 3) == 0,
	    "and read as if they were a file");
	is_int(sources_add(sources, "m.ini", "c", 1), -1,
	    "no path has two contents");
	is_int(sources_add(sources, "e.ini", "", 0), 0, "no bytes are fine");
	sources_seal(sources);
	is_int(sources_add(sources, "n.ini", "c", 1), -1,
	    "nothing is added to a sealed set");
	diags_free(diags);
	sources_free(sources);
	sources_free(NULL);
}

static void
test_many(void)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	char path[64];
	int wrong = 0;

	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "f%d", i * 7919 % 2000);
		wrong += sources_add(sources, path, path, strlen(path)) != 0;
	}
	for (int i = 0; i < 2000; i++) {
		const struct source *source;

		snprintf(path, sizeof(path), "f%d", i);
		source = sources_read(sources, path, diags, NULL);
		wrong += source == NULL || strcmp(source->path, path) != 0 ||
		    memcmp(source->bytes, path, source->len) != 0;
	}
	is_int(wrong, 0, "2000 files are found again");
	diags_free(diags);
	sources_free(sources);
}

typedef const struct source *file_reader(struct sources *sources,
    const char *path, struct diags *diags, const struct place *place);

struct reading {
	file_reader *read;
	const char *name;
};

/* clang-format off */
static const struct {
	const char *what;
	struct reading readings[2]; /* the last one is looked at */
	const char *problem;        /* "": it is read */
} uses[] = {
	{ "a file larger than others may be",
	    { { sources_read_large, "large" } }, "" },
	{ "a file that is too large for all",
	    { { sources_read_large, "huge" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/huge' has "
	    "1073741825 bytes; at most 1073741824 are read\n" },
	{ "a large file its group can write",
	    { { sources_read_large, "group" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/group' can be "
	    "written by group or others (mode 0664); run chmod go-w\n" },
	{ "an empty large file",
	    { { sources_read_large, "empty" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/empty' is empty; "
	    "write at least one line, or do not name it\n" },
	{ "a key its group can read",
	    { { sources_read_secret, "key" } }, "" },
	{ "a key its group can write",
	    { { sources_read_secret, "key-writable" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key-writable' "
	    "holds a key, but others can use it or its group can write it "
	    "(mode 0660); run chmod g-w,o=\n" },
	{ "a key others can read",
	    { { sources_read_secret, "key-readable" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key-readable' "
	    "holds a key, but others can use it or its group can write it "
	    "(mode 0644); run chmod g-w,o=\n" },
	{ "a key others can run",
	    { { sources_read_secret, "key-runnable" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key-runnable' "
	    "holds a key, but others can use it or its group can write it "
	    "(mode 0601); run chmod g-w,o=\n" },
	{ "a key that is too large",
	    { { sources_read_secret, "large" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/large' holds a "
	    "key, but others can use it or its group can write it (mode "
	    "0644); run chmod g-w,o=\n" },
	{ "a key behind a symbolic link",
	    { { sources_read_secret, "link" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/link' is a "
	    "symbolic link; it must be a regular file\n" },
	{ "a list, then a directory",
	    { { sources_read, "plain" }, { sources_read_large, "plain" } },
	    "" },
	{ "a directory, then a list",
	    { { sources_read_large, "plain" }, { sources_read, "plain" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/plain' is named "
	    "for two purposes; give each a file of its own\n" },
	{ "a list, then a key",
	    { { sources_read, "key" }, { sources_read_secret, "key" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key' is named "
	    "for two purposes; give each a file of its own\n" },
	{ "a key, then a list",
	    { { sources_read_secret, "key" }, { sources_read, "key" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key' is named "
	    "for two purposes; give each a file of its own\n" },
	{ "a key, then a directory",
	    { { sources_read_secret, "key" }, { sources_read_large, "key" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key' is named "
	    "for two purposes; give each a file of its own\n" },
	{ "a key, then a list by another path",
	    { { sources_read_secret, "key" }, { sources_read, "here/key" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/here/key' is "
	    "named for two purposes; give each a file of its own\n" },
	{ "a list, then a key by another path",
	    { { sources_read, "./key" }, { sources_read_secret, "key" } },
	    "main.ini:7: error: [directory] recipients: 'DIR/key' is named "
	    "for two purposes; give each a file of its own\n" },
	{ "a key twice",
	    { { sources_read_secret, "key" },
	    { sources_read_secret, "here/key" } }, "" },
};
/* clang-format on */

static void
test_uses(void)
{
	for (size_t i = 0; i < nitems(uses); i++) {
		struct sources *sources = sources_new();
		struct diags *diags = diags_new();
		const struct source *source = NULL;
		char path[256], *text;

		for (size_t k = 0; k < nitems(uses[i].readings) &&
		     uses[i].readings[k].read != NULL;
		     k++)
			source = uses[i].readings[k].read(sources,
			    in_room(path, uses[i].readings[k].name), diags,
			    &setting);
		text = printed(diags);
		is_str(text, uses[i].problem, uses[i].what);
		ok((source != NULL) == (uses[i].problem[0] == '\0'),
		    "bytes or a problem");
		free(text);
		diags_free(diags);
		sources_free(sources);
	}
}

/* The main file, and one that is read in some way and perhaps given back. */
static const char *
hash_with(char hex[65], file_reader *read, const char *name, int released)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const struct source *source;
	char path[256];

	hex[0] = '\0';
	if (sources_read(sources, in_room(path, "plain"), diags, NULL) == NULL)
		exit(2);
	source = read(sources, in_room(path, name), diags, NULL);
	if (source != NULL && released)
		sources_release(sources, source);
	if (source == NULL || sources_hash(sources, hex) != 0)
		hex[0] = '\0';
	diags_free(diags);
	sources_free(sources);
	return hex;
}

static void
test_released_hash(void)
{
	char first[65], second[65];

	make_file("list", "one\n", 0644);
	hash_with(first, sources_read_large, "list", 0);
	is_int((long long)strlen(first), 64, "a large file is in the hash");
	is_str(hash_with(second, sources_read_large, "list", 1), first,
	    "given back or not");
	ok(strcmp(hash_with(second, sources_read, "list", 0), first) != 0,
	    "its digest is told from bytes");
	make_file("list", "two\n", 0644);
	ok(strcmp(hash_with(second, sources_read_large, "list", 1), first) != 0,
	    "another byte, another hash");

	make_file("key", "k1 00\n", 0640);
	hash_with(first, sources_read_secret, "key", 0);
	is_str(hash_with(second, sources_read, "plain", 0), first,
	    "a key is in no hash");
	make_file("key", "k1 01\n", 0640);
	is_str(hash_with(second, sources_read_secret, "key", 1), first,
	    "and can be changed without one");
}

static void
test_release(void)
{
	struct sources *sources = sources_new();
	struct diags *diags = diags_new();
	const struct source *large, *list, *key;
	char path[256], *text;

	large =
	    sources_read_large(sources, in_room(path, "plain"), diags, NULL);
	ok(large != NULL && large->len == 4 &&
		memcmp(large->bytes, "[b]\n", 4) == 0,
	    "a large file is read whole");
	ok(sources_read_large(sources, path, diags, NULL) == large, "and once");
	sources_release(sources, large);
	ok(large->bytes == NULL, "its bytes are given back");
	sources_release(sources, large);
	ok(sources_read_large(sources, path, diags, NULL) == NULL,
	    "and not read again");
	text = printed(diags);
	is_str(text,
	    "DIR/plain:0: error: the file is not in memory any more; load it "
	    "again\n",
	    "which is said");
	free(text);

	list = sources_read(sources, in_room(path, "list"), diags, NULL);
	ok(sources_read_large(sources, path, diags, NULL) == list,
	    "a list that is a directory as well is read once");
	sources_release(sources, list);
	ok(list != NULL && list->bytes != NULL &&
		sources_read(sources, path, diags, NULL) == list,
	    "and stays as a list");

	is_int(sources_add(sources, "secret", "k1 00", 5), 0, "a key at hand");
	key = sources_read_secret(sources, "secret", diags, NULL);
	ok(key != NULL && key->len == 5 && memcmp(key->bytes, "k1 00", 5) == 0,
	    "is read as if it were a file");
	sources_release(sources, key);
	ok(key != NULL && key->bytes == NULL, "and given back");
	is_int((long long)diags_count(diags, SEVERITY_ERROR), 1,
	    "without a problem");
	diags_free(diags);
	sources_free(sources);
}

/* Root may read all: a child without rights sees what others see. */
static void
give_up_root(void)
{
	if (geteuid() == 0 &&
	    (chown(room, 65534, 65534) != 0 || seteuid(65534) != 0))
		perror("seteuid");
}

int
main(void)
{
	char command[64];

	make_room();
	give_up_root();
	test_unfit(unfit_files, nitems(unfit_files), 0);
	test_unfit(unfit_folders, nitems(unfit_folders), 1);
	if (geteuid() != getuid() && seteuid(getuid()) != 0)
		perror("seteuid");
	test_fit();
	make_file("plain", "[b]\n", 0644);
	test_uses();
	test_released_hash();
	test_release();
	test_changing();
	test_folder();
	test_hash();
	test_add();
	test_many();
	snprintf(command, sizeof(command), "rm -rf %s", room);
	if (system(command) != 0)
		perror(command);
	return done();
}
