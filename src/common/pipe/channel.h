/*
 * channel.h - one end of the pipe: messages over a non-blocking socket.
 *
 * Send appends to an outgoing buffer; flush writes what the socket takes.
 * Receive reads what has come; next takes complete messages out of it.  Nothing
 * here blocks.  The owner watches the descriptor and calls flush and receive.
 *
 * Memory: the two buffers grow as needed and are given back when they empty;
 * the owner bounds the outgoing one by looking at bev_channel_pending before it
 * sends more.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_CHANNEL_H
#define BEV_COMMON_PIPE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct BevBuffer
{
	char *data;
	size_t start; /* first byte in use */
	size_t end;   /* behind the last byte in use */
	size_t size;  /* allocated */
} BevBuffer;

typedef struct BevChannel
{
	int fd;            /* -1: closed */
	uint32_t max_body; /* of a message that we accept */
	BevBuffer in;
	BevBuffer out;
} BevChannel;

typedef struct BevMessage
{
	uint32_t kind;    /* BevMessageKind */
	uint32_t size;    /* of the body */
	const char *body; /* not aligned; valid until the next receive */
} BevMessage;

/* fd must be non-blocking; the channel owns it from now on. */
extern void bev_channel_open(BevChannel *channel, int fd, uint32_t max_body);

/* Close the descriptor and free the buffers.  Safe to call twice. */
extern void bev_channel_close(BevChannel *channel);

/*
 * Append a message whose body is the n parts, one after the other.  False when
 * memory is exhausted: nothing was appended.
 */
extern bool bev_channel_send(BevChannel *channel, uint32_t kind, const struct iovec *part, int n);

/* Bytes that wait to be written. */
extern size_t bev_channel_pending(const BevChannel *channel);

/*
 * Write what the socket takes.  1: all is written; 0: some is left (wait for
 * writable); -1: the peer is gone.
 */
extern int bev_channel_flush(BevChannel *channel);

/*
 * Read up to about max bytes.  > 0: so many came; 0: nothing there now; -1: the
 * peer is gone, or memory is.
 */
extern long bev_channel_receive(BevChannel *channel, size_t max);

/*
 * Take the next complete message.  1: *message is set; 0: none yet; -1: the
 * peer announces a body above max_body.
 */
extern int bev_channel_next(BevChannel *channel, BevMessage *message);

#endif /* BEV_COMMON_PIPE_CHANNEL_H */
