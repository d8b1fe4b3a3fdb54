/*
 * queue.h - how many messages wait in the MTA's queue.
 *
 * Of Postfix the files below incoming, active and deferred, which a folder with
 * one of these is taken for; else the qf and Qf files in and below the folder,
 * which is Sendmail. Symbolic links in a queue are neither counted nor
 * followed. Reads folders, keeps nothing. Any thread that may wait for a disk.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <limits.h>
#include <stdbool.h>

#include "compiler.h"

/*
 * The messages in the queue folder, not more than most; -1 and errno when it
 * cannot be read, EFBIG when it is too large or too deep to be a queue.
 */
long long queue_length(const char *directory, long long most) NODISCARD;

/*
 * With most messages wanted, no more entries of folders are looked at than
 * this; Sendmail has up to four files for a message.
 */
static inline long long
queue_entries_max(long long most)
{
	return most < LLONG_MAX / 8 ? 100000 + 4 * most : LLONG_MAX / 2;
}

/*
 * Looks, for QUEUE_LOOK_SECONDS at the most, whether directory is a folder (if
 * not, errno is 0 or why it cannot be told), and, with most above 0, whether
 * queue_length can count it (if not, errno says why). A volume that does not
 * answer keeps a thread of ours until it does, but not the caller; some threads
 * later, or where there are none, it is not asked any more.
 */
#define QUEUE_LOOK_SECONDS 5
enum queue_state {
	QUEUE_READABLE,
	QUEUE_NO_FOLDER,
	QUEUE_UNREADABLE,
	QUEUE_MUTE, /* it does not answer */
};
enum queue_state queue_look(const char *directory, long long most) NODISCARD;

/* Folders in folders of a queue. */
#define QUEUE_DEPTH_MAX 16

#endif
