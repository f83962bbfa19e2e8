/*
 * rowkey.h - which row of a table an explanation is about.
 */
#ifndef BEV_SERVER_EXPLAIN_ROWKEY_H
#define BEV_SERVER_EXPLAIN_ROWKEY_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "server/attach/attachment.h"

/* Values for the columns that identify a row. */
typedef struct BevRowKey
{
	int n;
	AttrNumber attnum[INDEX_MAX_KEYS];
	Oid type[INDEX_MAX_KEYS]; /* domains looked through */
	char *text[INDEX_MAX_KEYS];
	Datum value[INDEX_MAX_KEYS]; /* once the row was looked for */
} BevRowKey;

/*
 * Read a key: an object with the columns of the primary key, or the value of its only
 * column.  A table without one is known by the column that is mapped to the event's id.
 * Throws where the key doesn't fit; false when the table has neither.
 */
extern bool bev_rowkey_read(Relation rel, const BevAttachment *attachment, Jsonb *json,
                            BevRowKey *key);

/*
 * Find the row, as the table's owner; false: there is none.  relid is the partition that
 * it is in.
 */
extern bool bev_rowkey_find(Relation rel, const BevAttachment *attachment, BevRowKey *key,
                            Oid *relid, ItemPointer tid);

/* Columns and values, for messages; palloc'd. */
extern char *bev_rowkey_show(Relation rel, const BevRowKey *key);

#endif /* BEV_SERVER_EXPLAIN_ROWKEY_H */
