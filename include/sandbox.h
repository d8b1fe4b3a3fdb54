/*
 * sandbox.h - what the daemon gives up for good before it talks to anybody.
 *
 * No new privileges, no memory image for others to read, and, where it was
 * built with libseccomp, no system calls but those it needs: above all it can
 * start no other program, map no code and open no other listener. Everything
 * that is inherited by threads is. What it needs of the C library's modules
 * (names of hosts, users and groups) it has to ask for before.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "text.h"

/*
 * Called once, when the sockets are open and the daemon is who it will be, and
 * before there are threads. 0, or a sysexits code after logging why not.
 */
int sandbox_enter(void) NODISCARD;

/* What this program was built without, for its version: ", ..." or "". */
const char *sandbox_lacks(void);

#endif
