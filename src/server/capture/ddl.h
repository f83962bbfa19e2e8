/*
 * ddl.h - commands that take many rows away at once, or bring them.
 */
#ifndef BEV_SERVER_CAPTURE_DDL_H
#define BEV_SERVER_CAPTURE_DDL_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/* What there was before a command; palloc'd. */
typedef struct BevDdl
{
	List *dropped; /* tables that may be */
	List *schemas; /* of tables that may be altered (schema_change.h) */
} BevDdl;

/*
 * Before and after a command is run: log what becomes of the rows of attached tables.  The first
 * one takes the locks that the command is about to take.
 */
extern void bev_ddl_before(Node *command, BevDdl *ddl);
extern void bev_ddl_after(Node *command, BevDdl *ddl);

#endif /* BEV_SERVER_CAPTURE_DDL_H */
