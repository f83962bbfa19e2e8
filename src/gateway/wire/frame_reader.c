/*
 * frame_reader.c - reads what a WebSocket client sends.
 *
 * Model: a frame's header is collected byte by byte (2 to 14 bytes), then its
 * payload is unmasked as it comes: data into the message, control frames into a
 * small buffer of their own, since they may stand between the fragments of a
 * message.  The library's own WebSocket role is not used, see socket.c.
 *
 * Failure: everything that RFC 6455 forbids ends the reading with the close code
 * that it prescribes; what follows can't be read any more and is not.
 */
#include "gateway/wire/frame_reader.h"
#include "gateway/wire/frame.h"
#include "common/text/utf8.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define OPCODE(reader)     ((reader)->header[0] & 0x0f)
#define IS_FINAL(reader)   ((reader)->header[0] & 0x80)
#define IS_CONTROL(reader) ((reader)->header[0] & 0x08)

static BevRead
fail(BevFrameReader *reader, int code)
{
	bev_frame_reader_free(reader);
	reader->failed = true;
	reader->code = (uint16_t) code;
	return BEV_READ_FAILED;
}

/* Length of the header as far as its first two bytes tell. */
static size_t
header_size(const BevFrameReader *reader)
{
	uint8_t len = reader->header[1] & 0x7f;

	if (reader->have < 2)
		return 2;
	return 2 + (len == 127 ? 8 : len == 126 ? 2 : 0) + 4;
}

static uint64_t
header_payload(const BevFrameReader *reader)
{
	uint8_t len = reader->header[1] & 0x7f;
	int bytes = len == 127 ? 8 : len == 126 ? 2 : 0;
	uint64_t value = 0;

	if (bytes == 0)
		return len;
	for (int i = 0; i < bytes; i++)
		value = value << 8 | reader->header[2 + i];
	return value;
}

/* Is the length written in the shortest form, as it must be? */
static bool
length_is_minimal(const BevFrameReader *reader, uint64_t payload)
{
	uint8_t len = reader->header[1] & 0x7f;

	if (len == 127)
		return payload > UINT16_MAX && !(payload >> 63);
	return len != 126 || payload >= 126;
}

/* What is wrong with this header?  0: nothing. */
static int
check_header(const BevFrameReader *reader, uint64_t payload, size_t max)
{
	int opcode = OPCODE(reader);

	if (reader->header[0] & 0x70)
		return BEV_CLOSE_PROTOCOL; /* no extension was agreed on */
	if (!(reader->header[1] & 0x80))
		return BEV_CLOSE_PROTOCOL; /* a client must mask */
	if (!length_is_minimal(reader, payload))
		return BEV_CLOSE_PROTOCOL;
	if (IS_CONTROL(reader))
		return opcode > BEV_OP_PONG || !IS_FINAL(reader) || payload > BEV_CONTROL_MAX ?
		           BEV_CLOSE_PROTOCOL :
		           0;
	if (opcode > BEV_OP_BINARY || (opcode == BEV_OP_CONTINUATION) != reader->in_message)
		return BEV_CLOSE_PROTOCOL;
	if (opcode == BEV_OP_BINARY)
		return BEV_CLOSE_UNSUPPORTED;
	if (payload > max || payload > max - reader->message.len)
		return BEV_CLOSE_TOO_BIG;
	return 0;
}

/* Collect the header; 1: complete, 0: more bytes are needed, else the error. */
static int
read_header(BevFrameReader *reader, const char **data, size_t *len, size_t max)
{
	uint64_t payload;
	int wrong;

	while (reader->have < header_size(reader))
	{
		if (*len == 0)
			return 0;
		reader->header[reader->have++] = (uint8_t) * (*data)++;
		(*len)--;
		/* An unmasked frame has four bytes less: wait for none of them. */
		if (reader->have == 2 && !(reader->header[1] & 0x80))
			return BEV_CLOSE_PROTOCOL;
	}
	payload = header_payload(reader);
	wrong = check_header(reader, payload, max);
	if (wrong)
		return wrong;

	reader->left = payload;
	reader->mask_at = 0;
	reader->in_payload = true;
	if (IS_CONTROL(reader))
		reader->control_len = 0;
	else
		reader->in_message = true;
	return 1;
}

static void
unmask(BevFrameReader *reader, char *dst, const char *src, size_t len)
{
	const uint8_t *mask = reader->header + reader->have - 4;

	for (size_t i = 0; i < len; i++)
		dst[i] = (char) ((uint8_t) src[i] ^ mask[(reader->mask_at + i) & 3]);
	reader->mask_at = (uint8_t) ((reader->mask_at + len) & 3);
}

/* Take what there is of the payload; false: it is not UTF-8. */
static bool
read_payload(BevFrameReader *reader, const char **data, size_t *len)
{
	size_t n = *len < reader->left ? *len : (size_t) reader->left;
	char *dst;

	if (n == 0)
		return true;
	if (IS_CONTROL(reader))
	{
		if (reader->control == NULL)
			reader->control = bev_alloc(BEV_CONTROL_MAX);
		unmask(reader, reader->control + reader->control_len, *data, n);
		reader->control_len = (uint8_t) (reader->control_len + n);
	}
	else
	{
		dst = bev_text_reserve(&reader->message, n);
		unmask(reader, dst, *data, n);
		reader->message.len += n;
		reader->utf8 = bev_utf8_check(reader->utf8, dst, n);
	}
	*data += n;
	*len -= n;
	reader->left -= n;
	return reader->utf8 != BEV_UTF8_BAD;
}

static bool
close_code_is_valid(int code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

static BevRead
end_close(BevFrameReader *reader)
{
	const uint8_t *p = (const uint8_t *) reader->control;

	reader->code = BEV_CLOSE_NO_STATUS;
	if (reader->control_len == 1)
		return fail(reader, BEV_CLOSE_PROTOCOL);
	if (reader->control_len >= 2)
	{
		reader->code = (uint16_t) (p[0] << 8 | p[1]);
		if (!close_code_is_valid(reader->code))
			return fail(reader, BEV_CLOSE_PROTOCOL);
		if (bev_utf8_check(0, reader->control + 2, reader->control_len - 2u) != 0)
			return fail(reader, BEV_CLOSE_BAD_DATA);
	}
	return BEV_READ_CLOSE;
}

/* The frame is complete: what is it? */
static BevRead
end_frame(BevFrameReader *reader, BevText *payload)
{
	reader->in_payload = false;
	reader->have = 0;
	if (IS_CONTROL(reader))
	{
		*payload = (BevText){.data = reader->control, .len = reader->control_len};
		if (OPCODE(reader) == BEV_OP_CLOSE)
			return end_close(reader);
		return OPCODE(reader) == BEV_OP_PING ? BEV_READ_PING : BEV_READ_PONG;
	}
	if (!IS_FINAL(reader))
		return header_payload(reader) == 0 ? BEV_READ_EMPTY : BEV_READ_MORE;
	if (reader->utf8 != 0)
		return fail(reader, BEV_CLOSE_BAD_DATA); /* ends within a character */
	reader->in_message = false;
	reader->taken = true;
	*payload = reader->message;
	return BEV_READ_MESSAGE;
}

BevRead
bev_frame_reader_next(BevFrameReader *reader, const char **data, size_t *len, size_t max,
                      BevText *payload)
{
	if (reader->taken)
	{
		bev_text_free(&reader->message);
		reader->taken = false;
	}
	while (!reader->failed)
	{
		if (!reader->in_payload)
		{
			int found = read_header(reader, data, len, max);

			if (found == 0)
				return BEV_READ_MORE;
			if (found != 1)
				return fail(reader, found);
		}
		if (!read_payload(reader, data, len))
			return fail(reader, BEV_CLOSE_BAD_DATA);
		if (reader->left > 0)
			return BEV_READ_MORE;

		BevRead found = end_frame(reader, payload);

		if (found != BEV_READ_MORE)
			return found;
	}
	*data += *len;
	*len = 0;
	return BEV_READ_MORE; /* after a failure: everything is swallowed */
}

void
bev_frame_reader_free(BevFrameReader *reader)
{
	free(reader->control);
	bev_text_free(&reader->message);
	*reader = (BevFrameReader){.failed = reader->failed, .code = reader->code};
}
