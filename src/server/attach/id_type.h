/*
 * id_type.h - which types ids can have: those whose values have one text.
 */
#ifndef BEV_SERVER_ATTACH_ID_TYPE_H
#define BEV_SERVER_ATTACH_ID_TYPE_H

#include "postgres.h"

/*
 * Does each value of the type have one text, whatever the settings, that a payload, a lookup of
 * users and bugevents.principal() give alike?  Domains are looked through.
 */
extern bool bev_id_type_is_exact(Oid type);

/* How rows with some ids are found by a column of the type, so that an index can be used. */
typedef enum BevIdSearch
{
	BEV_ID_OTHER, /* none: the column's text is compared */
	BEV_ID_INTEGER,
	BEV_ID_UUID,
	BEV_ID_STRING /* more may be found than is meant: the collation's equality is another one */
} BevIdSearch;

/* InvalidOid: no column. */
extern BevIdSearch bev_id_type_search(Oid type);

/* Is it what a uuid looks like when it is written? */
extern bool bev_id_type_is_uuid(const char *text);

/* That text of a value, in the server's encoding, palloc'd. */
extern char *bev_id_type_text(Datum value, Oid type);

#endif /* BEV_SERVER_ATTACH_ID_TYPE_H */
