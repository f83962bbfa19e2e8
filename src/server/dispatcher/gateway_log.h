/*
 * gateway_log.h - what gateways say to the server's log.
 *
 * Each message becomes a line, unless the gateway has had its share of them.  False: the
 * message is none of its kind.
 */
#ifndef BE_SERVER_DISPATCHER_GATEWAY_LOG_H
#define BE_SERVER_DISPATCHER_GATEWAY_LOG_H

#include "postgres.h"

#include "server/dispatcher/feed.h"

/* The gateway begins, with a full share. */
extern void be_gateway_log_begin(BeFeed *feed);

extern bool be_gateway_log_listening(BeFeed *feed, const BeMessage *message);
extern bool be_gateway_log_line(BeFeed *feed, const BeMessage *message);
extern bool be_gateway_log_status(BeFeed *feed, const BeMessage *message);
extern bool be_gateway_log_slow(BeFeed *feed, const BeMessage *message);

#endif							/* BE_SERVER_DISPATCHER_GATEWAY_LOG_H */
