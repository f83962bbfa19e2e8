/*
 * spent.h - what addresses had of their rates at one gateway, on its way to the others.
 */
#ifndef BEV_SERVER_DISPATCHER_SPENT_H
#define BEV_SERVER_DISPATCHER_SPENT_H

#include "postgres.h"

#include "common/pipe/message.h"

/* What a gateway told; it was checked. */
extern void bev_spent_add(int gateway, const BevSpentMessage *spent);

/* The next that is to be passed on to all but the gateway that told it; false: there is none. */
extern bool bev_spent_next(int *gateway, BevSpentMessage *spent);

#endif /* BEV_SERVER_DISPATCHER_SPENT_H */
