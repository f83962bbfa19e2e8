/*
 * frames.c - takes a server's bytes apart: the answer to the upgrade, then frames.
 *
 * Not here: fragmented messages and extensions; no server measured here sends
 * them unless asked.
 */
#include "frames.h"

#include <string.h>

#define OP_TEXT		0x1
#define OP_CLOSE	0x8
#define OP_PING		0x9
#define OP_PONG		0xA

void
frames_init(Frames *frames)
{
	memset(frames, 0, offsetof(Frames, head));
}

static void
keep_head(Frames *frames, const char *data, size_t len)
{
	size_t		room = FRAMES_HEAD_MAX - 1 - frames->head_len;

	if (len > room)
		len = room;
	memcpy(frames->head + frames->head_len, data, len);
	frames->head_len += (uint16_t) len;
}

/* Eat the HTTP head up to its empty line; returns the bytes eaten. */
static size_t
eat_upgrade(Frames *frames, const char *data, size_t len, FrameCallback callback, void *arg)
{
	static const char end[] = "\r\n\r\n";
	size_t		eaten = 0;

	while (eaten < len && frames->tail_matched < 4)
	{
		char		c = data[eaten++];

		keep_head(frames, &c, 1);
		if (c == end[frames->tail_matched])
			frames->tail_matched++;
		else
			frames->tail_matched = c == '\r';
	}
	if (frames->tail_matched == 4)
	{
		frames->upgraded = true;
		frames->head[frames->head_len] = '\0';
		callback(arg, strncmp(frames->head, "HTTP/1.1 101", 12) == 0 ?
				 FRAME_UPGRADED : FRAME_REFUSED, frames->head, frames->head_len);
		frames->head_len = 0;
	}
	return eaten;
}

/* Bytes of header that this frame has, as far as its first two say. */
static size_t
header_need(const Frames *frames)
{
	uint8_t		len;

	if (frames->header_len < 2)
		return 2;
	len = frames->header[1] & 0x7F;
	return len == 127 ? 10 : len == 126 ? 4 : 2;
}

static uint64_t
payload_len(const Frames *frames)
{
	uint64_t	len = 0;
	size_t		need = header_need(frames);

	if (need == 2)
		return frames->header[1] & 0x7F;
	for (size_t i = 2; i < need; i++)
		len = len << 8 | frames->header[i];
	return len;
}

static void
tell(Frames *frames, FrameCallback callback, void *arg)
{
	FrameKind	kind;

	switch (frames->header[0])
	{
		case 0x80 | OP_TEXT:
			kind = FRAME_TEXT;
			break;
		case 0x80 | OP_PING:
			kind = FRAME_PING;
			break;
		case 0x80 | OP_PONG:
			kind = FRAME_PONG;
			break;
		case 0x80 | OP_CLOSE:
			kind = FRAME_CLOSE;
			break;
		default:
			kind = FRAME_BROKEN;
	}
	frames->head[frames->head_len] = '\0';
	callback(arg, kind, frames->head, frames->head_len);
	frames->header_len = 0;
	frames->head_len = 0;
}

/* Eat bytes of one frame; returns how many. */
static size_t
eat_frame(Frames *frames, const char *data, size_t len, FrameCallback callback, void *arg)
{
	size_t		eaten = 0;
	size_t		chunk;

	if (frames->header_len < header_need(frames))
	{
		while (eaten < len && frames->header_len < header_need(frames))
			frames->header[frames->header_len++] = (uint8_t) data[eaten++];
		if (frames->header_len < header_need(frames))
			return eaten;
		frames->left = payload_len(frames);
	}
	chunk = len - eaten < frames->left ? len - eaten : (size_t) frames->left;
	keep_head(frames, data + eaten, chunk);
	frames->left -= chunk;
	eaten += chunk;
	if (frames->left == 0)
		tell(frames, callback, arg);
	return eaten;
}

void
frames_feed(Frames *frames, const char *data, size_t len, FrameCallback callback, void *arg)
{
	while (len > 0)
	{
		size_t		eaten = frames->upgraded ?
			eat_frame(frames, data, len, callback, arg) :
			eat_upgrade(frames, data, len, callback, arg);

		data += eaten;
		len -= eaten;
	}
}

size_t
frames_client(char *dst, int opcode, const char *payload, size_t len)
{
	static const char mask[4] = {0x12, 0x34, 0x56, 0x78};

	if (len > 125)
		len = 125;
	dst[0] = (char) (0x80 | opcode);
	dst[1] = (char) (0x80 | len);
	memcpy(dst + 2, mask, 4);
	for (size_t i = 0; i < len; i++)
		dst[6 + i] = (char) (payload[i] ^ mask[i & 3]);
	return len + 6;
}
