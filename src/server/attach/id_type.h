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

/* That text of a value, in the server's encoding, palloc'd. */
extern char *bev_id_type_text(Datum value, Oid type);

#endif /* BEV_SERVER_ATTACH_ID_TYPE_H */
