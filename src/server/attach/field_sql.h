/*
 * field_sql.h - the fields of an attached table as SQL, for queries that read it.
 */
#ifndef BEV_SERVER_ATTACH_FIELD_SQL_H
#define BEV_SERVER_ATTACH_FIELD_SQL_H

#include "postgres.h"

#include "server/attach/attachment.h"

/* Where the entity's field of that name comes from; NULL: the table has no such field. */
extern const BevSource *bev_field_source(const BevAttachment *attachment, const char *field);

/*
 * The field as SQL over "row", palloc'd; NULL when there is no such field.  A column that is
 * gone is an error.
 */
extern char *bev_field_sql(const BevAttachment *attachment, Oid relid, const char *field);

/* The type of its column, domains looked through; InvalidOid if it is no column. */
extern Oid bev_field_type(const BevAttachment *attachment, Oid relid, const char *field);

/* "ONLY schema.table AS row": what a query over it reads from. */
extern char *bev_field_from(Oid relid);

#endif /* BEV_SERVER_ATTACH_FIELD_SQL_H */
