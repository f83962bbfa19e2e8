/*
 * dependents.h - rows whose expressions look into a row of another table that changed.
 */
#ifndef BEV_SERVER_CAPTURE_DEPENDENTS_H
#define BEV_SERVER_CAPTURE_DEPENDENTS_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* The dependents of one transaction, or a piece of it.  Begin with zeroes. */
typedef struct BevDependents
{
	const Snapshot *snapshots; /* before, and now */
	HTAB *judged;              /* rows that have events of their own, or had them */
	List *lookups;             /* relations whose followers are known */
	List *followers;           /* of all of them */
	MemoryContext context;     /* for all of that */
} BevDependents;

/* A row of an attached table, where it is now, will be judged by itself. */
extern void bev_dependents_pass_by(BevDependents *dependents, Oid relid, ItemPointer tid);

/*
 * Publish what is different, by this actor, in rows of tables that follow the table root, of which
 * a row in rel was old (NULL: there was none) and is new (NULL: there is none).
 */
extern void bev_dependents_judge(BevDependents *dependents, Relation rel, Oid root,
                                 TupleTableSlot *old, TupleTableSlot *new, const char *actor);

/* Tell whoever shows rows of tables that follow root to read them again: all of it may differ. */
extern void bev_dependents_reload(Oid root);

/*
 * Wait until nobody commits who has changed what rows of the table look into (changed: who has
 * looked into it), so that what is seen from here on holds when this transaction has committed.
 */
extern void bev_dependents_lock(List *looked_into, List *changed);

#endif /* BEV_SERVER_CAPTURE_DEPENDENTS_H */
