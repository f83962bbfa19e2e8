/*
 * attached.h - the capture triggers, as pg_trigger knows them.
 */
#ifndef BE_SERVER_ATTACH_ATTACHED_H
#define BE_SERVER_ATTACH_ATTACHED_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

/* The names that attach() gives.  They sort before those of other triggers. */
#define BE_ROW_TRIGGER			"00_bugevents"
#define BE_TRUNCATE_TRIGGER		"00_bugevents_truncate"

/*
 * Names (palloc'd) of the capture triggers of a relation, both kinds, whatever
 * they are called by now; copies that a partition has from its parent are left
 * out.
 */
extern List *be_attached_triggers(Oid relid);

/* The argument of the relation's own row trigger, or NULL. */
extern const char *be_attached_argument(Relation rel);

/*
 * The row trigger of a relation, its own or, in a partition, the copy of its parent's;
 * NULL if it has none.  Valid as long as the relation is open.
 */
extern Trigger *be_attached_trigger(Relation rel);

/* Who owns the table; InvalidOid when it is gone. */
extern Oid	be_attached_owner(Oid relid);

/* Every attached table; relid and argument are palloc'd with it. */
typedef struct BeAttached
{
	Oid			relid;
	char	   *argument;
} BeAttached;

extern List *be_attached_tables(void);

/* The relation of the trigger that this one is a copy of, or its own. */
extern Oid	be_attached_root(Oid trigger);

#endif							/* BE_SERVER_ATTACH_ATTACHED_H */
