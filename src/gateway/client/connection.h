/*
 * connection.h - a client: its session, and the bytes that are on their way to it.
 */
#ifndef BEV_GATEWAY_CLIENT_CONNECTION_H
#define BEV_GATEWAY_CLIENT_CONNECTION_H

#include "common/pipe/bucket.h"
#include "gateway/net/startup.h"
#include "gateway/session/session.h"
#include "gateway/wire/frame_reader.h"

typedef struct BevClient
{
	BevSession session; /* first: whoever has a session has its client */

	BevStartup startup; /* until it showed a good token */
	BevText head;       /* of the request, while it comes; then what came too early */
	size_t head_len;    /* when it is complete: what comes behind it, came too early */
	BevFrameReader reader;

	/* While it waits */
	char *since; /* what was asked for */
	char *since_stream;
	bool asks_time;          /* for the position of since_time, which is looked up */
	int64_t since_time;      /* microseconds since 1970 */
	BevSubscription *wanted; /* by the query; NULL: everything */
	bool conflates;
	char fault_field[33]; /* of the query; empty: none */
	const char *fault;
	uint64_t held_until; /* it may be ahead of us; loop time, 0: no */

	/* What it does; loop time, ms */
	uint64_t heard_at;
	uint64_t pinged_at;
	bool ping_unanswered;
	BevBucket bucket;  /* of messages */
	BevBucket trifles; /* of frames that carry none */
	uint32_t refusals; /* for its rate, beyond those that passed since */
} BevClient;

static inline BevClient *
bev_client_of(BevSession *session)
{
	return (BevClient *) session;
}

static inline BevClient *
bev_client_of_startup(BevStartup *startup)
{
	return (BevClient *) ((char *) startup - offsetof(BevClient, startup));
}

#endif /* BEV_GATEWAY_CLIENT_CONNECTION_H */
