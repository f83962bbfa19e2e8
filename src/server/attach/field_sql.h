/*
 * field_sql.h - the fields of an attached table as SQL, for queries that read it.
 */
#ifndef BE_SERVER_ATTACH_FIELD_SQL_H
#define BE_SERVER_ATTACH_FIELD_SQL_H

#include "postgres.h"

#include "server/attach/attachment.h"

/* Where the entity's field of that name comes from; NULL: the table has no such field. */
extern const BeSource *be_field_source(const BeAttachment *attachment, const char *field);

/*
 * The field as SQL over "row", palloc'd; NULL when there is no such field.  A column that is
 * gone is an error.
 */
extern char *be_field_sql(const BeAttachment *attachment, Oid relid, const char *field);

/* The type of its column, domains looked through; InvalidOid if it is no column. */
extern Oid	be_field_type(const BeAttachment *attachment, Oid relid, const char *field);

/* "ONLY schema.table AS row": what a query over it reads from. */
extern char *be_field_from(Oid relid);

#endif							/* BE_SERVER_ATTACH_FIELD_SQL_H */
