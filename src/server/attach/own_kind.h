/*
 * own_kind.h - the payload of a kind of its own: what attach() was told, and the row's id.
 */
#ifndef BEV_SERVER_ATTACH_OWN_KIND_H
#define BEV_SERVER_ATTACH_OWN_KIND_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "server/attach/attachment.h"
#include "server/attach/expression.h"

/*
 * Find the sources of the fields that "columns" names, the id first, which may be the primary key;
 * extra ones are left to others.  Throws, naming what is wrong.
 */
extern void bev_own_kind_resolve(Relation rel, BevExpressions *expressions, Jsonb *columns,
                                 List *extra, BevAttachment *attachment);

#endif /* BEV_SERVER_ATTACH_OWN_KIND_H */
