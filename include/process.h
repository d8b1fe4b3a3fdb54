/*
 * process.h - what the daemon is to the system: its socket, limits and rights.
 *
 * Called by main in this order, before there are threads; process_remove_socket
 * and process_knock from any thread. A socket is spelled as in
 * socket_name.h, and checked by the settings. What returns int gives 0, or a
 * sysexits code after logging why.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "config.h"

/*
 * Raises the limit on descriptors as far as it goes, and lets nobody but the
 * owner use what files and sockets are made from here on.
 */
void process_prepare(void);

/*
 * Is the socket free? A socket file that nobody listens on is fine (libmilter
 * replaces it); one that answers is another milter's and is never taken over.
 */
int process_check_socket(const char *socket) NODISCARD;

/* The descriptor that whatever is opened next will get, or -1. */
int process_next_descriptor(void);

/*
 * The edits of a message are several small packets in a row, and over TCP the
 * second would wait for the MTA's delayed ACK, 42 ms a message. libmilter shows
 * no descriptor, but its listener got the next one, and what is accepted from
 * it inherits the option.
 */
void process_send_at_once(int listener);

/* Gives the open UNIX socket its mode and group; nothing over TCP. */
int process_open_socket_to(
    const char *socket, const struct milter_settings *settings) NODISCARD;

/*
 * The daemon removes its sockets when it stops: the one at path becomes user's,
 * as in process_become. Without the right to give, it stays.
 */
int process_give_socket(const char *path, const char *user) NODISCARD;

/*
 * Becomes user ("name" or "name:group") for good; "" stays as it is. Without
 * the right to change, being that user already is fine.
 */
int process_become(const char *user) NODISCARD;

/* Removes the UNIX socket file, if it can. */
void process_remove_socket(const char *socket);

/* Connects to the socket once, so that the listener wakes up; soon back. */
void process_knock(const char *socket);

#endif
