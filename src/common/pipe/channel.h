/*
 * channel.h - one end of the pipe: messages over a non-blocking socket.
 *
 * Send appends to an outgoing buffer; flush writes what the socket takes.
 * Receive reads what has come; next takes complete messages out of it.  Nothing
 * here blocks.  The owner watches the descriptor and calls flush and receive.
 *
 * Memory: the two buffers grow as needed and are given back when they empty;
 * the owner bounds the outgoing one by looking at be_channel_pending before it
 * sends more.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BE_COMMON_PIPE_CHANNEL_H
#define BE_COMMON_PIPE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct BeBuffer
{
	char	   *data;
	size_t		start;			/* first byte in use */
	size_t		end;			/* behind the last byte in use */
	size_t		size;			/* allocated */
} BeBuffer;

typedef struct BeChannel
{
	int			fd;				/* -1: closed */
	uint32_t	max_body;		/* of a message that we accept */
	BeBuffer	in;
	BeBuffer	out;
} BeChannel;

typedef struct BeMessage
{
	uint32_t	kind;			/* BeMessageKind */
	uint32_t	size;			/* of the body */
	const char *body;			/* not aligned; valid until the next receive */
} BeMessage;

/* fd must be non-blocking; the channel owns it from now on. */
extern void be_channel_open(BeChannel *channel, int fd, uint32_t max_body);

/* Close the descriptor and free the buffers.  Safe to call twice. */
extern void be_channel_close(BeChannel *channel);

/*
 * Append a message whose body is the n parts, one after the other.  False when
 * memory is exhausted: nothing was appended.
 */
extern bool be_channel_send(BeChannel *channel, uint32_t kind,
							const struct iovec *part, int n);

/* Bytes that wait to be written. */
extern size_t be_channel_pending(const BeChannel *channel);

/*
 * Write what the socket takes.  1: all is written; 0: some is left (wait for
 * writable); -1: the peer is gone.
 */
extern int	be_channel_flush(BeChannel *channel);

/*
 * Read up to about max bytes.  > 0: so many came; 0: nothing there now; -1: the
 * peer is gone, or memory is.
 */
extern long be_channel_receive(BeChannel *channel, size_t max);

/*
 * Take the next complete message.  1: *message is set; 0: none yet; -1: the
 * peer announces a body above max_body.
 */
extern int	be_channel_next(BeChannel *channel, BeMessage *message);

#endif							/* BE_COMMON_PIPE_CHANNEL_H */
