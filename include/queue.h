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

/* Folders in folders of a queue. */
#define QUEUE_DEPTH_MAX 16

#endif
