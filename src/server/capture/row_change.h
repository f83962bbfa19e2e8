/*
 * row_change.h - the events of a row that is another one after a transaction than before.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_CHANGE_H
#define BEV_SERVER_CAPTURE_ROW_CHANGE_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"

/*
 * Publish that the row old (NULL: there was none) is new now (NULL: there is none), by this actor.
 * Either may be unwanted.  Uses the buffers of the session (payload.h), and the current memory
 * context.
 */
extern void bev_row_change_publish(BevMapping *mapping, BevRow *old, BevRow *new,
                                   const char *actor);

#endif /* BEV_SERVER_CAPTURE_ROW_CHANGE_H */
