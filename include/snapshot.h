/*
 * snapshot.h - the current configuration, pinned while it is read.
 *
 * A reload swaps in a whole new configuration; whoever has pinned the old one
 * keeps it until it lets go. Nobody waits: pinning and unpinning hold a lock
 * for a few instructions, and memory is given back by one thread only, the
 * housekeeping one (keeper.h), never inside a callback. Any thread.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "config.h"

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

const struct config *snapshot_config(const struct snapshot *snapshot);

/* Its number; no two of a store have the same, and none has 0. */
unsigned long snapshot_number(const struct snapshot *snapshot);

/* What is counted of a connector of the configuration. */
struct tally *snapshot_tally(
    const struct snapshot *snapshot, const struct connector *connector);

/* Makes config the newest and takes it. 0, or -1 without memory: not taken. */
int snapshots_replace(
    struct snapshots *snapshots, struct config *config) NODISCARD;

/* Frees what is old and not pinned. For the housekeeping thread alone. */
void snapshots_collect(struct snapshots *snapshots);

/* How many configurations are in memory, the newest included. */
size_t snapshots_count(struct snapshots *snapshots);

#endif
