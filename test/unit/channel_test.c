/*
 * channel_test.c - the pipe: messages over a socketpair, in every cut.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/pipe/channel.h"
#include "common/pipe/message.h"
#include "tap.h"

static void
open_pair(BevChannel *a, BevChannel *b, uint32_t max_body)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
		abort();
	bev_channel_open(a, fd[0], max_body);
	bev_channel_open(b, fd[1], max_body);
}

static bool
send_text(BevChannel *channel, uint32_t kind, const char *text, size_t len)
{
	struct iovec part[2] = {
		{.iov_base = (void *) text, .iov_len = len / 2},
		{.iov_base = (void *) (text + len / 2), .iov_len = len - len / 2},
	};

	return bev_channel_send(channel, kind, part, 2);
}

static void
test_byte_by_byte(void)
{
	BevChannel a, b;
	BevMessage message;
	char wire[8 + 11 + 8 + 4];
	bool good = true;

	open_pair(&a, &b, 1000);
	send_text(&a, 3, "hello world", 11);
	send_text(&a, 4, "more", 4);
	tap_ok(bev_channel_pending(&a) == sizeof(wire), "what is sent waits");
	memcpy(wire, a.out.data + a.out.start, sizeof(wire));
	for (size_t i = 0; i < sizeof(wire); i++)
	{
		if (write(a.fd, wire + i, 1) != 1)
			abort();
		bev_channel_receive(&b, 1 << 20);
		if (i == 18)
			good &= bev_channel_next(&b, &message) == 1 && message.kind == 3 &&
			        message.size == 11 && memcmp(message.body, "hello world", 11) == 0;
		if (i == sizeof(wire) - 1)
			good &= bev_channel_next(&b, &message) == 1 && message.kind == 4 && message.size == 4 &&
			        memcmp(message.body, "more", 4) == 0;
		good &= bev_channel_next(&b, &message) == 0;
	}
	tap_ok(good, "messages that come byte by byte are taken when complete");
	bev_channel_close(&a);
	tap_ok(bev_channel_receive(&b, 100) == -1, "the end of the peer is told");
	bev_channel_close(&b);
	bev_channel_close(&b);
	tap_ok(true, "closing twice is harmless");
}

static void
test_large(void)
{
	const size_t size = 3 * 1024 * 1024;
	char *text = malloc(size);
	BevChannel a, b;
	BevMessage message;
	int taken = 0;
	bool good = true;

	for (size_t i = 0; i < size; i++)
		text[i] = (char) (i * 7);
	open_pair(&a, &b, (uint32_t) size);
	for (int i = 0; i < 5; i++)
		send_text(&a, (uint32_t) i, text, size - (size_t) i);
	while (taken < 5)
	{
		good &= bev_channel_flush(&a) >= 0;
		good &= bev_channel_receive(&b, 100000) >= 0;
		while (bev_channel_next(&b, &message) == 1)
		{
			good &= message.kind == (uint32_t) taken && message.size == size - (size_t) taken &&
			        memcmp(message.body, text, message.size) == 0;
			taken++;
		}
	}
	tap_ok(good, "messages larger than the socket's buffer arrive whole");
	tap_ok(bev_channel_pending(&a) == 0 && a.out.data == NULL, "and the buffer is given back");
	tap_ok(bev_channel_receive(&b, 100) == 0, "nothing more");
	bev_channel_close(&a);
	bev_channel_close(&b);
	free(text);
}

static void
test_too_large(void)
{
	BevChannel a, b;
	BevMessage message;

	open_pair(&a, &b, 10);
	send_text(&a, 1, "0123456789", 10);
	send_text(&a, 1, "0123456789x", 11);
	bev_channel_flush(&a);
	bev_channel_receive(&b, 1000);
	tap_ok(bev_channel_next(&b, &message) == 1, "a body of the largest size");
	tap_ok(bev_channel_next(&b, &message) == -1, "a larger one is refused");
	bev_channel_close(&b);
	send_text(&a, 1, "x", 1);
	tap_ok(bev_channel_flush(&a) == -1, "writing to a peer that is gone fails");
	bev_channel_close(&a);
}

static void
test_empty(void)
{
	BevChannel a, b;
	BevMessage message;

	open_pair(&a, &b, 10);
	bev_channel_send(&a, 6, NULL, 0);
	tap_ok(bev_channel_flush(&a) == 1, "an empty message is written");
	bev_channel_receive(&b, 1000);
	tap_ok(bev_channel_next(&b, &message) == 1 && message.size == 0 && message.kind == 6,
	       "and read");
	bev_channel_close(&a);
	bev_channel_close(&b);
}

int
main(void)
{
	test_byte_by_byte();
	test_large();
	test_too_large();
	test_empty();
	return tap_done();
}
