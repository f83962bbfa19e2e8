/*
 * gateway_message.h - takes in what gateways say.
 */
#ifndef BEV_SERVER_DISPATCHER_GATEWAY_MESSAGE_H
#define BEV_SERVER_DISPATCHER_GATEWAY_MESSAGE_H

#include "postgres.h"

#include "server/dispatcher/feed.h"

/*
 * Read this gateway's pipe; settled is what is drained.  One that is gone, or that broke the
 * protocol of the pipe, is ended.
 */
extern void bev_gateway_message_receive(BevFeed *feed, uint64 settled);

#endif /* BEV_SERVER_DISPATCHER_GATEWAY_MESSAGE_H */
