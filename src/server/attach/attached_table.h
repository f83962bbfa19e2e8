/*
 * attached_table.h - attached tables that are read, by queries of our own.
 */
#ifndef BEV_SERVER_ATTACH_ATTACHED_TABLE_H
#define BEV_SERVER_ATTACH_ATTACHED_TABLE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "server/attach/attachment.h"
#include "server/attach/owner.h"

typedef struct BevAttachedTable
{
	Oid relid;
	BevAttachment *attachment;
} BevAttachedTable;

/*
 * Those (BevAttachedTable *) of one entity; NULL: those that say who somebody is.  Of tables that
 * decide only (attachment.h).  In the order of their oids; palloc'd, and read anew each time.
 */
extern List *bev_attached_table_list(const BevEntity *entity);

/*
 * Become the table's owner, until bev_owner_leave(scope).  False: it was dropped a moment ago.
 */
extern bool bev_attached_table_enter(const BevAttachedTable *table, BevOwnerScope *scope);

#endif /* BEV_SERVER_ATTACH_ATTACHED_TABLE_H */
