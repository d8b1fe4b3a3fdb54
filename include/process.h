/*
 * process.h - what the daemon is to the system: its socket, limits and rights.
 *
 * Called by main in this order, before there are threads;
 * process_remove_socket, process_call and process_knock from any thread. A
 * socket is spelled as in socket_name.h, and checked by the settings. What
 * returns int gives 0, or a sysexits code after logging why.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <sys/stat.h>

#include "config.h"
#include "text.h"

/* Is there such a user, "name" or "name:group"? If not, why says what lacks. */
bool process_knows_user(const char *user, struct text *why) NODISCARD;

/*
 * Raises the limit on descriptors as far as it goes, takes less of the address
 * space where that is limited, and lets nobody but the owner use what files and
 * sockets are made from here on.
 */
void process_prepare(void);

/* Sessions beyond max_sessions that are told so, rather than hung up on. */
#define PROCESS_SPARE 64

/*
 * Do the limits on descriptors and memory that the system sets us suffice for
 * max_sessions? Where they do not, logs what it needs, what there is, and what
 * would be right. Where there may be too few threads for max_tarpits, that is
 * logged only: refusals are then not held back.
 */
int process_check_limits(const struct milter_settings *settings) NODISCARD;

/* The first of the two alone: false with the reason in why. Any thread. */
bool process_limits_suffice(long long max_sessions, struct text *why) NODISCARD;

/*
 * Is the socket free? A socket file that nobody listens on is fine (libmilter
 * replaces it); one that answers, or for which that cannot be told, is another
 * milter's and is never taken over.
 * Of several that ask at once only one goes on: from the question to the end of
 * the process the daemon holds a lock (flock(2)) on PATH.lock. A program that
 * died holds none, whatever is left of the file. Nobody but root and the
 * daemon's user can open it, and so keep us out.
 */
int process_check_socket(const char *socket) NODISCARD;

/*
 * The parts of that: locks PATH.lock, 0, or -1 and errno, EWOULDBLOCK where
 * another process has it; gives all locks to a user; removes the files and
 * gives the locks back, when the sockets are gone.
 */
int process_lock(const char *path) NODISCARD;
void process_give_locks(uid_t uid, gid_t gid);
void process_unlock(void);

/*
 * Who can write to the folder of a socket can put another in its place, to
 * which the MTA would talk: only root, the daemon's user and the groups that
 * the settings name may. A folder above it, up to the root, in which everybody
 * can rename what lies there, is worth a warning.
 */
int process_check_folders(const struct milter_settings *settings) NODISCARD;

/*
 * Does the main file belong to root, to us or to the daemon's user? It says
 * what everybody may. Adds a problem when it does not, and a warning when
 * everybody may write in its folder. Any thread.
 */
bool process_check_owner(const char *path,
    const struct milter_settings *settings, struct diags *diags) NODISCARD;

/* The descriptor that whatever is opened next will get, or -1. */
int process_next_descriptor(void);

/*
 * Over TCP the edits of a message are several small packets in a row, and the
 * second would wait for the MTA's delayed ACK, 42 ms a message: they are sent
 * at once. And an MTA whose machine is gone is noticed after 4 minutes: else
 * nothing would ever come of its sessions. libmilter shows no descriptor, but
 * its listener got the next one, and what is accepted from it inherits both.
 */
void process_tune(int listener);

/* As many as the limit on descriptors allows; no more than a million. */
size_t process_descriptors(void);

/*
 * Gives the open UNIX socket its mode and group, and makes sure of them. Over
 * TCP it finds out where to knock.
 */
int process_open_socket_to(
    const char *socket, const struct milter_settings *settings) NODISCARD;

/*
 * The daemon removes its sockets when it stops: the one at path becomes user's,
 * as in process_become. Without the right to give, it stays.
 */
int process_give_socket(const char *path, const char *user) NODISCARD;

/*
 * What stands at path is the socket that this process listens on: *st, which is
 * remembered. 0, or a sysexits code after logging why not.
 */
int process_identify(const char *path, struct stat *st) NODISCARD;

/* It still is, and has that mode and, unless it is "", that group. */
int process_verify(const char *path, const struct stat *opened, mode_t mode,
    const char *group) NODISCARD;

/*
 * Becomes user ("name" or "name:group") for good; "" stays as it is. Without
 * the right to change, being that user already is fine.
 */
int process_become(const char *user) NODISCARD;

/*
 * Removes the UNIX socket file, if it can. What process_identify has found to
 * be ours is removed as long as it is what stands there: unlink(2) is our own
 * in the whole daemon, for libmilter removes whatever stands there, too.
 */
void process_remove_socket(const char *socket);

/*
 * A connection to our own socket, on which to connect, to send and to receive
 * wait no longer than so; or -1 and errno. Once it was opened.
 */
int process_call(const char *socket, long long milliseconds) NODISCARD;

/* Connects to the socket once, so that the listener wakes up; soon back. */
void process_knock(const char *socket);

/* Is the error that the system has no more descriptors, or memory? */
bool process_is_want(int error);

#endif
