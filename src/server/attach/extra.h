/*
 * extra.h - attach()'s argument "extra": what the payload has beside the fields of the entity.
 *
 *	column				a column, under its name
 *	name=expression		an expression over the row
 *	*					all columns that there are, and that aren't in the payload already
 */
#ifndef BEV_SERVER_ATTACH_EXTRA_H
#define BEV_SERVER_ATTACH_EXTRA_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "server/attach/attachment.h"
#include "server/attach/expression.h"

/* Does it add a field of that name, or may it (by *)?  extra: a list of char *. */
extern bool bev_extra_has(List *extra, const char *field);

/* An extra field says itself where it comes from: throws if "columns" says so, too. */
extern void bev_extra_check(Jsonb *columns, const char *field);

/* Append the sources of all of them; each must exist, be new to the payload, and come once. */
extern void bev_extra_resolve(Relation rel, BevExpressions *expressions, Jsonb *columns,
                              List *extra, BevAttachment *attachment);

#endif /* BEV_SERVER_ATTACH_EXTRA_H */
