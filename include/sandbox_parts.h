/*
 * sandbox_parts.h - what the files of the sandbox room share.
 *
 * sandbox.c gives up what prctl(2) and setrlimit(2) take, sandbox_filter.c the
 * system calls; it alone knows libseccomp. No other room includes this.
 */
#ifndef SANDBOX_PARTS_H
#define SANDBOX_PARTS_H

#include "sandbox.h"

/*
 * From here on all threads have only the calls of the table. 0, or a sysexits
 * code after logging why not. Does nothing in a program without libseccomp.
 */
int sandbox_filter(void) NODISCARD;

#endif
