/*
 * link.h - our end of the pipe to the dispatcher.
 *
 * Reads what has come, up to BE_LINK_BATCH bytes a turn, hands each message to
 * the owner and then says that the batch is over, so that everything that
 * arrived together leaves together.
 */
#ifndef BE_GATEWAY_NET_LINK_H
#define BE_GATEWAY_NET_LINK_H

#include <uv.h>

#include "common/pipe/channel.h"
#include "common/pipe/message.h"

#define BE_LINK_BATCH	(1024 * 1024)

typedef struct BeLinkEvents
{
	/* False: the message is malformed, the link ends. */
	bool		(*message) (void *owner, const BeMessage *message);
	void		(*batch_end) (void *owner);
	/* The dispatcher is gone, or what it says can't be understood. */
	void		(*lost) (void *owner, const char *why);
} BeLinkEvents;

typedef struct BeLink
{
	BeChannel	channel;
	uv_poll_t	poll;
	const BeLinkEvents *events;
	void	   *owner;
	int			watched;		/* UV_READABLE, UV_WRITABLE; -1: closed */
	bool		broken;			/* nothing can be sent any more */
	bool		lost;
} BeLink;

/* fd becomes the link's. */
extern void be_link_open(BeLink *link, uv_loop_t *loop, int fd,
						 const BeLinkEvents *events, void *owner);

/* The handle is given back by the loop, which must run once more. */
extern void be_link_close(BeLink *link);

/* Send a message: a struct, then text or other bytes behind it. */
extern void be_link_send(BeLink *link, uint32_t kind, const void *head,
						 size_t head_len, const void *rest, size_t rest_len);

/* A line for the server's log; level is a BeLogLevel. */
extern void be_link_log(BeLink *link, uint32_t level, const char *format,...)
			__attribute__((format(printf, 3, 4)));

#endif							/* BE_GATEWAY_NET_LINK_H */
