/*
 * where_condition.h - "where" of a list, as far as SQL can say it.
 *
 * Whether a row passes is judged by the gateway, by what the client sees of it.  What is said here
 * lets through every row that may pass, and spares the others being read where a column says so.
 */
#ifndef BEV_SERVER_RESPONDER_WHERE_CONDITION_H
#define BEV_SERVER_RESPONDER_WHERE_CONDITION_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "server/attach/attached_table.h"
#include "server/responder/request.h"

/* The conditions of a request, perhaps none, as a list; false: the answer says what is wrong. */
extern bool bev_where_read(Jsonb *json, List *tables, List **conditions, BevAnswer *answer);

/* Append " AND ..." about the rows of a table, as far as it can be said. */
extern void bev_where_append(StringInfo sql, const BevAttachedTable *table, List *conditions);

#endif /* BEV_SERVER_RESPONDER_WHERE_CONDITION_H */
