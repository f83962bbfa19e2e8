/*
 * attached.h - the capture triggers, as pg_trigger knows them.
 */
#ifndef BEV_SERVER_ATTACH_ATTACHED_H
#define BEV_SERVER_ATTACH_ATTACHED_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

/* The names that attach() gives.  They sort before those of other triggers. */
#define BEV_ROW_TRIGGER      "00_bugevents"
#define BEV_TRUNCATE_TRIGGER "00_bugevents_truncate"

/* Those of tables that attached ones follow. */
#define BEV_LOOKUP_TRIGGER          "00_bugevents_lookup"
#define BEV_LOOKUP_TRUNCATE_TRIGGER "00_bugevents_lookup_truncate"

/*
 * Names (palloc'd) of the capture triggers of a relation, both kinds, whatever
 * they are called by now; copies that a partition has from its parent are left
 * out.
 */
extern List *bev_attached_triggers(Oid relid);

/* The argument of the relation's own row trigger, or NULL. */
extern const char *bev_attached_argument(Relation rel);

/* The same by the catalog, without a lock; palloc'd. */
extern char *bev_attached_argument_of(Oid relid);

/*
 * The row trigger of a relation, its own or, in a partition, the copy of its parent's;
 * NULL if it has none.  Valid as long as the relation is open.
 */
extern Trigger *bev_attached_trigger(Relation rel);

/* The same of the trigger that it has where other tables follow it. */
extern Trigger *bev_attached_lookup_trigger(Relation rel);

/* Who owns the table; InvalidOid when it is gone. */
extern Oid bev_attached_owner(Oid relid);

/* Who owns this database. */
extern Oid bev_attached_database_owner(void);

/* Throws unless the relation is there and the current user owns it. */
extern void bev_attached_check_owner(Oid relid);

/* Every attached table; relid and argument are palloc'd with it. */
typedef struct BevAttached
{
	Oid relid;
	char *argument;
} BevAttached;

extern List *bev_attached_tables(void);

/*
 * The same for reading their rows.  A worker gets what it knew last while somebody has locked the
 * catalog (VACUUM FULL, say), and doesn't wait (test/t/112_locks.pl): what is published of a row is
 * up to its trigger anyway.  So it doesn't tell who decides.
 */
extern List *bev_attached_tables_known(void);

/*
 * Give the triggers of a relation, and of those below it, another argument, where they have this
 * one.  Who calls it holds the lock that keeps triggers as they are.
 */
extern void bev_attached_rewrite(Oid relid, const char *old, const char *argument);

/* The relation of the trigger that this one is a copy of, or its own. */
extern Oid bev_attached_root(Oid trigger);

#endif /* BEV_SERVER_ATTACH_ATTACHED_H */
