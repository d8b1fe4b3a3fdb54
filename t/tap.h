/*
 * tap.h - the Test Anything Protocol for C tests: a test is a program.
 *
 * One line per check; a failing check prints what it got and what it wanted.
 * done() prints the plan and gives the exit status.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((unused, format(printf, 2, 3))) static int
ok(int passed, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!passed)
		tap_failed++;
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static int
is_str(const char *got, const char *want, const char *what)
{
	int same = got == want ||
	    (got != NULL && want != NULL && strcmp(got, want) == 0);

	ok(same, "%s", what);
	if (!same)
		printf("#  got: %s\n# want: %s\n", got != NULL ? got : "(null)",
		    want != NULL ? want : "(null)");
	return same;
}

__attribute__((unused)) static int
is_int(long long got, long long want, const char *what)
{
	ok(got == want, "%s", what);
	if (got != want)
		printf("#  got: %lld\n# want: %lld\n", got, want);
	return got == want;
}

__attribute__((unused)) static int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
