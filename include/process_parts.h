/*
 * process_parts.h - what the files of the process room share.
 *
 * process.c has the socket as a file, user and rights; process_knock.c connects
 * to it; process_verify.c looks whose it is; process_lock.c keeps a second
 * daemon away; process_limits.c asks the system what it has. No other room
 * includes this.
 */
#ifndef PROCESS_PARTS_H
#define PROCESS_PARTS_H

#include "process.h"

/*
 * Looks up where a socket over TCP is to be reached: later nothing is looked
 * up, for names take modules of the C library. Once, before there are threads.
 * 0, or a sysexits code after logging why.
 */
int process_find_socket(const char *socket) NODISCARD;

/* Connects fd, of AF_UNIX, to path. 0, or -1 and errno. */
int process_connect_to(int fd, const char *path) NODISCARD;

#endif
