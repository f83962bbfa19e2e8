/*
 * access_change.h - what a change of a row says of who somebody is and may.
 */
#ifndef BEV_SERVER_CAPTURE_ACCESS_CHANGE_H
#define BEV_SERVER_CAPTURE_ACCESS_CHANGE_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"
#include "common/event/access.h"

/* The statement that makes all others void; a constant. */
extern BevSpan bev_access_change_void(void);

/*
 * What it means that a row which was old (NULL: not there) is new now; empty unless
 * the mapping gives access.  Palloc'd.
 */
extern BevSpan bev_access_change_append(BevMapping *mapping, BevRow *old, BevRow *new);

/* Append what of that takes a right away, if anything does. */
extern void bev_access_change_append_loss(BevMapping *mapping, BevRow *old, BevRow *new,
                                          StringInfo out);

#endif /* BEV_SERVER_CAPTURE_ACCESS_CHANGE_H */
