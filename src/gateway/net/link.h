/*
 * link.h - our end of the pipe to the dispatcher.
 *
 * Reads what has come, up to BEV_LINK_BATCH bytes a turn, hands each message to
 * the owner and then says that the batch is over, so that everything that
 * arrived together leaves together.
 */
#ifndef BEV_GATEWAY_NET_LINK_H
#define BEV_GATEWAY_NET_LINK_H

#include <uv.h>

#include "common/pipe/channel.h"
#include "common/pipe/message.h"

#define BEV_LINK_BATCH (1024 * 1024)

typedef struct BevLinkEvents
{
	/* False: the message is malformed, the link ends. */
	bool (*message)(void *owner, const BevMessage *message);
	void (*batch_end)(void *owner);
	/* The dispatcher is gone, or what it says can't be understood. */
	void (*lost)(void *owner, const char *why);
} BevLinkEvents;

typedef struct BevLink
{
	BevChannel channel;
	uv_poll_t poll;
	const BevLinkEvents *events;
	void *owner;
	int watched; /* UV_READABLE, UV_WRITABLE; -1: closed */
	bool broken; /* nothing can be sent any more */
	bool lost;
} BevLink;

/* fd becomes the link's. */
extern void bev_link_open(BevLink *link, uv_loop_t *loop, int fd, const BevLinkEvents *events,
                          void *owner);

/* The handle is given back by the loop, which must run once more. */
extern void bev_link_close(BevLink *link);

/* Send a message: the struct of its kind (body.h), then text or other bytes behind it. */
extern void bev_link_send(BevLink *link, BevMessageKind kind, const void *head, const void *rest,
                          size_t rest_len);

/* A line for the server's log; level is a BevLogLevel. */
extern void bev_link_log(BevLink *link, uint32_t level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* BEV_GATEWAY_NET_LINK_H */
