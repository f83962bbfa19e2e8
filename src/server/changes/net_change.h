/*
 * net_change.h - what became of each row, of all the changes that a transaction made to it.
 */
#ifndef BEV_SERVER_CHANGES_NET_CHANGE_H
#define BEV_SERVER_CHANGES_NET_CHANGE_H

#include "postgres.h"

#include "server/changes/change_log.h"

#define BEV_NO_ENTRY PG_UINT32_MAX

/*
 * A row's first and last version, as entries of the log: it was what the one has as old, and is
 * what the other one has as new.  BEV_NO_ENTRY: it wasn't there, or is not any more; if it came and
 * went, it is both, and last is an entry that has a version of it as new.  A record is
 * a change by itself, with its entry as both.
 */
typedef struct BevNetChange
{
	uint32 old;
	uint32 new;
	uint32 last : 31;   /* of the row's entries: who did that is the actor */
	uint32 rekeyed : 1; /* the key may be another one now */
} BevNetChange;

/* An array, in the order of each row's first entry. */
typedef struct BevNetChanges
{
	BevNetChange *list;
	uint32 n;
} BevNetChanges;

/*
 * Link n entries, without those that are formed, and of the marked tables only (NULL: of all
 * tables, and records).  Allocates in the current context.
 */
extern BevNetChanges bev_net_changes_link(const BevLogged *entries, uint32 n, const bool *tables);

/* What the key of a row is. */
typedef struct BevRowKeys
{
	/* By number of a table: another number, the same for tables that share their keys. */
	const uint32 *groups;

	/*
	 * The key of an entry's old or new version as a number; those of two keys almost always
	 * differ.  False: the row has none.
	 */
	bool (*identify)(void *arg, uint32 entry, bool new, uint64 *id);

	/* Is that version's key also the one of another entry's new version? */
	bool (*is_same)(void *arg, uint32 entry, bool new, uint32 other);
	void *arg;
} BevRowKeys;

/* Is there nothing to publish of it, since the row came and went? */
extern bool bev_net_change_is_nothing(const BevNetChange *change);

/*
 * Join rows that were deleted with those that were inserted under the same key, which nothing
 * links: a row that was inserted again, or moved to another partition.  Where a key was changed,
 * one side may be joined with another row's.  One that came, went and came again has the place of
 * the first time.
 */
extern void bev_net_changes_join(const BevLogged *entries, BevNetChanges *changes,
                                 const BevRowKeys *keys);

#endif /* BEV_SERVER_CHANGES_NET_CHANGE_H */
