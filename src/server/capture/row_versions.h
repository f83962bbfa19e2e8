/*
 * row_versions.h - the versions of rows that the transaction logged, at hand to be read.
 *
 * A row has an old version and a new one: what it was before, and what it is.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_VERSIONS_H
#define BEV_SERVER_CAPTURE_ROW_VERSIONS_H

#include "postgres.h"

#include "utils/rel.h"
#include "utils/snapshot.h"

#include "server/attach/mapping.h"
#include "server/changes/change_log.h"

typedef enum BevSide
{
	BEV_OLD,
	BEV_NEW
} BevSide;

/* A relation whose rows are looked at. */
typedef struct BevVersionTable
{
	bool is_known;
	bool is_lost; /* the versions can't be found any more */
	Relation rel; /* NULL: not opened yet; or it is gone */
	const BevLoggedTable *logged;
	const char *type;            /* of a table of bugevents' own */
	BevMapping *mapping;         /* of an attached one */
	TupleTableSlot *slots[2];    /* for versions that are fetched */
	TupleTableSlot *versions[2]; /* by side: the slot that has it */
} BevVersionTable;

typedef struct BevVersions
{
	const BevLogged *entries;
	uint32 n;
	BevVersionTable *tables; /* by number in the log */
	uint32 count;
	Snapshot snapshots[2]; /* by side; NULL: not needed yet */
	bool commits;          /* the transaction ends with this */
	MemoryContext context;
} BevVersions;

/*
 * Those of all that is in the log.  commits: what is looked into is locked when the snapshots are
 * taken, as the transaction ends with this.  What is allocated is in the context, the current one.
 */
extern void bev_versions_begin(BevVersions *versions, MemoryContext context, bool commits);

/* Let go of relations and slots; and of the snapshots, unless an error takes them with it. */
extern void bev_versions_end(const BevVersions *versions, bool formed);

/* The table of an entry. */
extern BevVersionTable *bev_versions_table(BevVersions *versions, uint32 entry);

/*
 * An entry's version, in the table's slot for the side.  False: it, or the table, is lost; whoever
 * shows its rows is told to read them again.
 */
extern bool bev_versions_get(BevVersions *versions, uint32 entry, BevSide side);

/* Take the snapshots, if they aren't. */
extern void bev_versions_need_snapshots(BevVersions *versions);

#endif /* BEV_SERVER_CAPTURE_ROW_VERSIONS_H */
