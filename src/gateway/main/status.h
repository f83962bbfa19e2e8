/*
 * status.h - what of the configuration can't be used, as the dispatcher is told.
 */
#ifndef BEV_GATEWAY_MAIN_STATUS_H
#define BEV_GATEWAY_MAIN_STATUS_H

#include "gateway/net/link.h"

typedef struct BevStatus
{
	char *sent; /* the last STATUS; NULL: none yet */
} BevStatus;

/* Tell the dispatcher why, unless it knows; empty: all is well. */
extern void bev_status_tell(BevStatus *status, BevLink *link, const char *why);

extern void bev_status_free(BevStatus *status);

#endif /* BEV_GATEWAY_MAIN_STATUS_H */
