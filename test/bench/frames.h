/*
 * frames.h - takes a server's bytes apart: the answer to the upgrade, then frames.
 *
 * Messages are not collected: a load client counts them, and looks at the first
 * bytes of each to know what it is.  Bytes may come in any pieces.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much of a message as is kept to look at: a "ready" fits. */
#define FRAMES_HEAD_MAX		640

typedef enum FrameKind
{
	FRAME_UPGRADED,				/* the handshake is over */
	FRAME_REFUSED,				/* an HTTP answer other than 101 */
	FRAME_TEXT,
	FRAME_PING,
	FRAME_PONG,
	FRAME_CLOSE,
	FRAME_BROKEN				/* not what a server may send */
} FrameKind;

typedef struct Frames
{
	bool		upgraded;
	uint8_t		tail_matched;	/* of the empty line that ends the HTTP head */
	uint8_t		header_len;		/* bytes of the frame header in header[] */
	uint8_t		header[10];
	uint64_t	left;			/* payload bytes still to come */
	uint16_t	head_len;
	char		head[FRAMES_HEAD_MAX];
} Frames;

/* What is told for each frame; head is terminated. */
typedef void (*FrameCallback) (void *arg, FrameKind kind, const char *head, size_t head_len);

extern void frames_init(Frames *frames);
extern void frames_feed(Frames *frames, const char *data, size_t len,
						FrameCallback callback, void *arg);

/*
 * A client's frame (masked, as a client must), of at most 125 bytes of payload.
 * dst has room for len + 6 bytes; returns the length.
 */
extern size_t frames_client(char *dst, int opcode, const char *payload, size_t len);

#endif							/* BENCH_FRAMES_H */
