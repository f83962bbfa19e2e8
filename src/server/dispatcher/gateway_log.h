/*
 * gateway_log.h - what gateways say to the server's log.
 *
 * Each message becomes a line, unless the gateway has had its share of them.  False: the
 * message is none of its kind.
 */
#ifndef BEV_SERVER_DISPATCHER_GATEWAY_LOG_H
#define BEV_SERVER_DISPATCHER_GATEWAY_LOG_H

#include "postgres.h"

#include "server/dispatcher/feed.h"

/* The gateway begins, with a full share. */
extern void bev_gateway_log_begin(BevFeed *feed);

extern bool bev_gateway_log_listening(BevFeed *feed, const BevMessage *message);
extern bool bev_gateway_log_line(BevFeed *feed, const BevMessage *message);
extern bool bev_gateway_log_status(BevFeed *feed, const BevMessage *message);
extern bool bev_gateway_log_slow(BevFeed *feed, const BevMessage *message);

#endif /* BEV_SERVER_DISPATCHER_GATEWAY_LOG_H */
