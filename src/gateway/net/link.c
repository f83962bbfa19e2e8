/*
 * link.c - our end of the pipe to the dispatcher.
 *
 * Failure: what waits for a dispatcher that does not read is bounded: beyond
 * OUT_MAX log lines are dropped.  Everything else that is sent is bounded by its
 * sender (a few FETCHes under way, one STATUS each second).
 */
#include "gateway/net/link.h"
#include "common/pipe/body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OUT_MAX (256 * 1024)
#define LOG_MAX 1024

static void watch(BevLink *link);

static void
lose(BevLink *link, const char *why)
{
	if (link->lost)
		return;
	link->lost = true;
	uv_poll_stop(&link->poll);
	link->watched = 0;
	link->events->lost(link->owner, why);
}

static void
receive(BevLink *link)
{
	BevMessage message;
	long received = bev_channel_receive(&link->channel, BEV_LINK_BATCH);
	int found;

	if (received < 0)
	{
		lose(link, "the dispatcher is gone");
		return;
	}
	while ((found = bev_channel_next(&link->channel, &message)) == 1)
	{
		if (!link->events->message(link->owner, &message))
			found = -1;
		if (found < 0 || link->lost)
			break;
	}
	link->events->batch_end(link->owner);
	if (found < 0)
		lose(link, "the dispatcher sent what can't be understood");
}

/*
 * A failure is not reported from here, in the middle of whatever was sending: the
 * read side meets the end as well, in a callback of its own.
 */
static void
flush(BevLink *link)
{
	if (link->lost || link->broken || link->channel.fd < 0)
		return;
	if (bev_channel_flush(&link->channel) < 0)
		link->broken = true;
	watch(link);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	BevLink *link = poll->data;

	if (events & UV_WRITABLE)
		flush(link);
	/* An error shows itself in the read. */
	if ((status < 0 || events & (UV_READABLE | UV_DISCONNECT)) && !link->lost)
		receive(link);
}

static void
watch(BevLink *link)
{
	bool pending = bev_channel_pending(&link->channel) > 0 && !link->broken;
	int wanted = UV_READABLE | (pending ? UV_WRITABLE : 0);

	if (wanted == link->watched)
		return;
	link->watched = wanted;
	uv_poll_start(&link->poll, wanted, on_poll);
}

void
bev_link_open(BevLink *link, uv_loop_t *loop, int fd, const BevLinkEvents *events, void *owner)
{
	*link = (BevLink){.events = events, .owner = owner};
	uv_poll_init(loop, &link->poll, fd); /* makes it non-blocking, too */
	link->poll.data = link;
	bev_channel_open(&link->channel, fd, BEV_MESSAGE_MAX_DOWN);
	watch(link);
}

void
bev_link_close(BevLink *link)
{
	if (!uv_is_closing((uv_handle_t *) &link->poll))
	{
		uv_poll_stop(&link->poll);
		uv_close((uv_handle_t *) &link->poll, NULL);
	}
	bev_channel_close(&link->channel);
}

void
bev_link_send(BevLink *link, BevMessageKind kind, const void *head, const void *rest,
              size_t rest_len)
{
	struct iovec part[2] = {
		{.iov_base = (void *) head, .iov_len = bev_body_size(kind)},
		{.iov_base = (void *) rest, .iov_len = rest_len},
	};

	if (link->lost || link->broken || link->channel.fd < 0)
		return;
	if (!bev_channel_send(&link->channel, kind, part, 2))
		link->broken = true;
	flush(link);
}

void
bev_link_log(BevLink *link, uint32_t level, const char *format, ...)
{
	BevLogMessage message = {.level = level};
	char line[LOG_MAX];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t) len >= sizeof(line))
		len = sizeof(line) - 1;
	for (int i = 0; i < len; i++)
		if ((unsigned char) line[i] < 0x20)
			line[i] = ' '; /* one line, whatever it quotes */

	if (link->lost || link->channel.fd < 0)
		fprintf(stderr, "bugevents gateway: %.*s\n", len, line);
	else if (bev_channel_pending(&link->channel) < OUT_MAX)
		bev_link_send(link, BEV_MSG_LOG, &message, line, (size_t) len);
}
