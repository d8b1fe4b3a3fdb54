/*
 * snapshot.h - the current configuration, pinned while it is read.
 *
 * A reload swaps in a whole new configuration; whoever has pinned the old one
 * keeps it until it lets go. Nobody waits: pinning and unpinning hold a lock
 * for a few instructions, and memory is given back by one thread only, the
 * housekeeping one (keeper.h), never inside a callback. Any thread.
 *
 * Who keeps one for as long as a stranger likes reads it now and then only, and
 * says so (snapshot_rest): beyond SNAPSHOTS_KEPT the oldest are taken back from
 * whoever rests, so that no stranger decides how many are in memory
 * (reliability.md 1.1 F5). What is left is a few bytes until it is let go.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "config.h"

/*
 * So many are in memory beside the newest, and beyond that those that are being
 * read just now.
 */
#define SNAPSHOTS_KEPT 8

struct snapshot;
struct snapshots;
struct tally;

/*
 * The store, with its first configuration, which it takes unless it fails. NULL
 * without memory. Freed by snapshots_free.
 */
struct snapshots *snapshots_new(struct config *config) NODISCARD;

/* Frees everything; nothing may be pinned any more. */
void snapshots_free(struct snapshots *snapshots);

/* The newest configuration, to be let go with snapshots_unpin. Never NULL. */
struct snapshot *snapshots_pin(struct snapshots *snapshots);
void snapshots_unpin(struct snapshots *snapshots, struct snapshot *snapshot);

/*
 * Whoever has pinned it reads nothing of it, until snapshot_wake. That is false
 * when it was taken back: then, nothing of it may be read any more, and all
 * that is left is to let it go, which ends a rest only after snapshot_wake.
 */
void snapshot_rest(struct snapshot *snapshot);
bool snapshot_wake(struct snapshot *snapshot) NODISCARD;

const struct config *snapshot_config(const struct snapshot *snapshot);

/* Its number; no two of a store have the same, and none has 0. */
unsigned long snapshot_number(const struct snapshot *snapshot);

/* What is counted of a connector of the configuration. */
struct tally *snapshot_tally(
    const struct snapshot *snapshot, const struct connector *connector);

/* Makes config the newest and takes it. 0, or -1 without memory: not taken. */
int snapshots_replace(
    struct snapshots *snapshots, struct config *config) NODISCARD;

/*
 * Frees what is old and not pinned, and takes back what is too old. For the
 * housekeeping thread alone.
 */
void snapshots_collect(struct snapshots *snapshots);

/* How many configurations are in memory, the newest included. */
size_t snapshots_count(struct snapshots *snapshots);

#endif
