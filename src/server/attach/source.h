/*
 * source.h - where a field of the payload comes from, while a table is being attached.
 */
#ifndef BEV_SERVER_ATTACH_SOURCE_H
#define BEV_SERVER_ATTACH_SOURCE_H

#include "postgres.h"

#include "utils/rel.h"

#include "server/attach/attachment.h"
#include "server/attach/expression.h"

/* The user's column of that name, or InvalidAttrNumber. */
extern AttrNumber bev_source_find_column(Relation rel, const char *name);

/* The field comes from this column, which is there; throws if it is a virtual one. */
extern void bev_source_set_column(Relation rel, BevSource *source, const char *field,
                                  const char *column);

/* The field comes from this expression; throws if it can't be analyzed. */
extern void bev_source_set_expression(BevSource *source, BevExpressions *expressions,
                                      const char *field, const char *expression);

/* The column of that name, or else the expression. */
extern void bev_source_set(Relation rel, BevSource *source, BevExpressions *expressions,
                           const char *field, const char *text);

/* Are events named or routed by the field, so that clients ask for them by it? */
extern bool bev_source_is_routing(const BevEntity *entity, const char *field);

/* Throws if it can't be for admins only: it would show anyway. */
extern void bev_source_check_admin(const BevEntity *entity, const char *field);

#endif /* BEV_SERVER_ATTACH_SOURCE_H */
