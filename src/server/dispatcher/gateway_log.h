/*
 * gateway_log.h - what gateways say to the server's log.
 *
 * Each message becomes a line, unless the gateway has had its share of them.  False: the
 * message is none of its kind.
 */
#ifndef BEV_SERVER_DISPATCHER_GATEWAY_LOG_H
#define BEV_SERVER_DISPATCHER_GATEWAY_LOG_H

#include "postgres.h"

#include "common/pipe/bucket.h"
#include "common/pipe/channel.h"

typedef struct BevGatewayLog
{
	int number;      /* of the gateway */
	BevBucket lines; /* that it may still write */
	uint64 dropped;  /* lines beyond, since one was written */
	char *status;    /* what it said last of its configuration; NULL: nothing */
} BevGatewayLog;

/* A gateway of this number begins, with a full share; what one before it said last is kept. */
extern void bev_gateway_log_begin(BevGatewayLog *log, int number);

/* Gateways are of our version of the pipe, or of another one, which is told once. */
extern void bev_gateway_log_fits(void);
extern void bev_gateway_log_misfit(uint32 version);

extern bool bev_gateway_log_listening(BevGatewayLog *log, const BevMessage *message);
extern bool bev_gateway_log_line(BevGatewayLog *log, const BevMessage *message);
extern bool bev_gateway_log_status(BevGatewayLog *log, const BevMessage *message);
extern bool bev_gateway_log_slow(BevGatewayLog *log, const BevMessage *message);

#endif /* BEV_SERVER_DISPATCHER_GATEWAY_LOG_H */
