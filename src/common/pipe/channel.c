/*
 * channel.c - one end of the pipe: messages over a non-blocking socket.
 *
 * Concurrency: none; a channel belongs to one thread.
 * Failure: every failure of the peer is reported once as -1 and is final; the
 * owner closes the channel.
 */
#include "common/pipe/channel.h"
#include "common/pipe/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A buffer larger than this is given back when it runs empty. */
#define BUFFER_KEEP (256 * 1024)

/* So much is written at a time, however quickly the peer reads: others have their turn. */
#define FLUSH_MAX (1024 * 1024)

static size_t
buffer_used(const BevBuffer *buffer)
{
	return buffer->end - buffer->start;
}

/* Make room for more bytes behind the end. */
static bool
buffer_reserve(BevBuffer *buffer, size_t more)
{
	size_t used = buffer_used(buffer);
	size_t size = buffer->size ? buffer->size : 8192;
	char *data;

	if (buffer->size - buffer->end >= more)
		return true;

	/* Moving is cheap only while little is in use: not for each small take. */
	if (used <= buffer->size / 2 && buffer->size - used >= more)
	{
		memmove(buffer->data, buffer->data + buffer->start, used);
		buffer->start = 0;
		buffer->end = used;
		return true;
	}

	while (size - used < more)
	{
		if (size > SIZE_MAX / 2)
			return false;
		size *= 2;
	}
	data = malloc(size);
	if (data == NULL)
		return false;
	if (used > 0)
		memcpy(data, buffer->data + buffer->start, used);
	free(buffer->data);
	*buffer = (BevBuffer){.data = data, .end = used, .size = size};
	return true;
}

static void
buffer_append(BevBuffer *buffer, const void *data, size_t len)
{
	if (len > 0)
		memcpy(buffer->data + buffer->end, data, len);
	buffer->end += len;
}

static void
buffer_take(BevBuffer *buffer, size_t len)
{
	buffer->start += len;
	if (buffer->start < buffer->end)
		return;
	buffer->start = buffer->end = 0;
	if (buffer->size > BUFFER_KEEP)
	{
		free(buffer->data);
		*buffer = (BevBuffer){0};
	}
}

void
bev_channel_open(BevChannel *channel, int fd, uint32_t max_body)
{
	*channel = (BevChannel){.fd = fd, .max_body = max_body};
}

void
bev_channel_close(BevChannel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	free(channel->in.data);
	free(channel->out.data);
	*channel = (BevChannel){.fd = -1};
}

bool
bev_channel_send(BevChannel *channel, uint32_t kind, const struct iovec *part, int n)
{
	BevMessageHeader header = {.kind = kind};
	size_t size = 0;

	for (int i = 0; i < n; i++)
		size += part[i].iov_len;
	if (size > UINT32_MAX || !buffer_reserve(&channel->out, sizeof(header) + size))
		return false;

	header.size = (uint32_t) size;
	buffer_append(&channel->out, &header, sizeof(header));
	for (int i = 0; i < n; i++)
		buffer_append(&channel->out, part[i].iov_base, part[i].iov_len);
	return true;
}

size_t
bev_channel_pending(const BevChannel *channel)
{
	return buffer_used(&channel->out);
}

int
bev_channel_flush(BevChannel *channel)
{
	BevBuffer *out = &channel->out;
	size_t left = FLUSH_MAX;

	while (buffer_used(out) > 0 && left > 0)
	{
		size_t wanted = buffer_used(out) < left ? buffer_used(out) : left;
		ssize_t n = send(channel->fd, out->data + out->start, wanted, MSG_NOSIGNAL);

		if (n > 0)
		{
			left -= (size_t) n;
			buffer_take(out, (size_t) n);
		}
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		else
			return -1;
	}
	return buffer_used(out) == 0;
}

long
bev_channel_receive(BevChannel *channel, size_t max)
{
	const size_t step = 64 * 1024;
	BevBuffer *in = &channel->in;
	size_t total = 0;

	/* All messages were taken: the moment to give a large buffer back. */
	if (buffer_used(in) == 0)
		buffer_take(in, 0);

	while (total < max)
	{
		ssize_t n;

		if (!buffer_reserve(in, step))
			return -1;
		n = recv(channel->fd, in->data + in->end, in->size - in->end, 0);
		if (n > 0)
		{
			bool drained = (size_t) n < in->size - in->end;

			in->end += (size_t) n;
			total += (size_t) n;
			if (drained)
				break;
		}
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		else if (total > 0)
			break; /* the end is met again, after these bytes */
		else
			return -1;
	}
	return (long) total;
}

int
bev_channel_next(BevChannel *channel, BevMessage *message)
{
	BevBuffer *in = &channel->in;
	BevMessageHeader header;

	if (buffer_used(in) < sizeof(header))
		return 0;
	memcpy(&header, in->data + in->start, sizeof(header));
	if (header.size > channel->max_body)
		return -1;
	if (buffer_used(in) < sizeof(header) + header.size)
		return 0;

	message->kind = header.kind;
	message->size = header.size;
	message->body = in->data + in->start + sizeof(header);
	in->start += sizeof(header) + header.size;
	return 1;
}
