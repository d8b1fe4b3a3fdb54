/*
 * leaks.c - looks for lost memory where the daemon leaves, which is by _exit;
 * linked into it with -Wl,--wrap=_exit when it is built with SAN=address.
 *
 * LeakSanitizer reads the process from outside, which one that has changed its
 * user does not allow by itself. Exit status 23 tells of a leak.
 */
#include <sys/prctl.h>

extern int __lsan_do_recoverable_leak_check(void);
extern _Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

void
__wrap__exit(int status)
{
	(void)prctl(PR_SET_DUMPABLE, 1);
	__real__exit(__lsan_do_recoverable_leak_check() != 0 ? 23 : status);
}
