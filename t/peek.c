/*
 * peek.c - the control socket of a configuration, whatever else is wrong
 * with it.
 */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define FIFTY "01234567890123456789012345678901234567890123456789"

static char path[] = "/tmp/peek-XXXXXX";

/* clang-format off */
static const struct {
	const char *what;
	const char *text;
	const char *want;
} cases[] = {
	{ "no control socket", "[milter]\nmax_sessions = 5\n", "" },
	{ "no [milter]", "[connector a]\ncontrol_socket = /run/c\n", "" },
	{ "one", "[milter]\ncontrol_socket = /run/c\n", "/run/c" },
	{ "in quotes, with a comment",
	    "[milter]\ncontrol_socket = \"/run/c d\" ; ours\n", "/run/c d" },
	{ "as Exchange would spell it", "[Milter]\nControlSocket = /run/c\n",
	    "/run/c" },
	{ "an empty one", "[milter]\ncontrol_socket =\n", "" },
	{ "one that is not absolute", "[milter]\ncontrol_socket = c\n", "" },
	{ "one in libmilter's spelling",
	    "[milter]\ncontrol_socket = unix:/run/c\n", "" },
	{ "a folder", "[milter]\ncontrol_socket = /run/\n", "" },
	{ "the longest", "[milter]\ncontrol_socket = /" FIFTY FIFTY "123456\n",
	    "/" FIFTY FIFTY "123456" },
	{ "one that is too long",
	    "[milter]\ncontrol_socket = /" FIFTY FIFTY "1234567\n", "" },
	{ "beside settings nobody knows",
	    "[milter]\nsocket = nonsense\ncolour = red\n"
	    "control_socket = /run/c\n[nosuch]\n", "/run/c" },
	{ "beside lines that are none",
	    "half a line\n[connector\n[milter]\nalso\n"
	    "control_socket = /run/c\n= 5\n", "/run/c" },
	{ "of two, the first",
	    "[milter]\ncontrol_socket = /run/c\ncontrol-socket = /run/d\n",
	    "/run/c" },
	{ "in the first of two sections",
	    "[milter]\ncontrol_socket = /run/c\n[milter]\n"
	    "control_socket = /run/d\n", "/run/c" },
	{ "in a section with a name", "[milter a]\ncontrol_socket = /run/c\n",
	    "" },
	{ "in a torn last line", "[milter]\ncontrol_socket = /run/c",
	    "/run/c" },
	{ "an empty file", "", "" },
};
/* clang-format on */

static void
bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
write_file(const char *text)
{
	FILE *out = fopen(path, "w");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		bail(path);
}

static void
finds(const char *file, size_t size, const char *want, const char *what)
{
	char found[128] = "what was there before";

	config_find_control_socket(file, found, size);
	is_str(found, want, what);
}

int
main(void)
{
	const int fd = mkstemp(path);

	if (fd == -1 || close(fd) != 0)
		bail(path);
	for (size_t i = 0; i < nitems(cases); i++) {
		write_file(cases[i].text);
		finds(path, 128, cases[i].want, cases[i].what);
	}
	write_file("[milter]\ncontrol_socket = /run/c\n");
	finds(path, 7, "/run/c", "room for it");
	finds(path, 6, "", "no room for it");
	finds(path, 1, "", "no room for anything");
	finds("/nonexistent/file", 128, "", "no file");
	finds("/", 128, "", "a folder");
	if (chmod(path, 0666) != 0)
		bail(path);
	finds(path, 128, "", "a file that anybody may have written");
	unlink(path);
	return done();
}
