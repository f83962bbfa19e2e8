/*
 * access_statement.h - statements about who somebody is and may, as the module writes them.
 */
#ifndef BEV_SERVER_ATTACH_ACCESS_STATEMENT_H
#define BEV_SERVER_ATTACH_ACCESS_STATEMENT_H

#include "postgres.h"

#include "common/event/access.h"
#include "lib/stringinfo.h"

/* A user with this status may connect. */
#define BEV_STATUS_ACTIVE "active"

/* Append a statement to others. */
extern void bev_access_statement_append(StringInfo out, BevAccessKind kind, const char *source,
                                        const char *user, const char *value);

/*
 * What a row of a membership with this value (UTF-8) says of its user, while it is there: LEFT
 * where the value is empty, or no principal that users can belong to.
 */
extern BevAccessKind bev_access_statement_kind(const char *value, bool is_principal);

/* The source of a membership: its table, and which of its rows; palloc'd. */
extern char *bev_access_statement_membership(Oid table, const char *id, const char *user,
                                             const char *value);

#endif /* BEV_SERVER_ATTACH_ACCESS_STATEMENT_H */
