/*
 * schema_change.h - events that tell what became of the fields that a table publishes.
 */
#ifndef BEV_SERVER_CAPTURE_SCHEMA_CHANGE_H
#define BEV_SERVER_CAPTURE_SCHEMA_CHANGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "server/attach/attachment.h"

/* What a table publishes at some moment; palloc'd. */
typedef struct BevSchema BevSchema;

/* Of a table that is attached like that now. */
extern BevSchema *bev_schema_read(Oid relid, const BevAttachment *attachment);

/* Of all attached tables, as a list. */
extern List *bev_schema_read_all(void);

/* Log an event if they differ: of one table, that was attached as the same entity. */
extern void bev_schema_compare(const BevSchema *old, const BevSchema *new);

/* The same of what those tables are now, as far as they are still attached. */
extern void bev_schema_compare_all(List *schemas);

#endif /* BEV_SERVER_CAPTURE_SCHEMA_CHANGE_H */
