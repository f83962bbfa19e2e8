/*
 * pipe_up_fuzz.c - what a gateway says, as the dispatcher decodes it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "stage.h"

static void
check_text(const char *text, size_t size)
{
	if (memchr(text, '\0', size) == NULL)
		stage_fail("a text has an end");
}

static void
decode(const BevMessage *message)
{
	BevHelloMessage hello;
	BevLogMessage log;
	BevFetchMessage fetch;
	BevOpenMessage open;
	BevClosedMessage closed;
	BevClientsMessage report;
	BevAskMessage ask;
	BevAbuseMessage abuse;
	BevSubscriptionMessage who;
	BevSlowMessage slow;
	BevPackedSubscription subscription;
	uint64_t counter[BEV_COUNTER_KINDS];
	BevSpan text;

	bev_body_hello(message, &hello);
	bev_body_closed(message, &closed);
	if (bev_body_log(message, &log, &text) && text.data + text.len != message->body + message->size)
		stage_fail("a line ends where its message ends");
	if (bev_body_fetch(message, &fetch) && (fetch.request == 0 || fetch.after > fetch.upto))
		stage_fail("a request is one that can be answered");
	if (bev_body_ask(message, &ask, &text) && (ask.verb >= BEV_VERBS || text.len > BEV_ASK_MAX))
		stage_fail("a question is one that can be passed on");
	bev_body_counters(message, counter);
	bev_body_slow(message, &slow);
	if (bev_body_abuse(message, &abuse))
	{
		check_text(abuse.address, sizeof(abuse.address));
		if (abuse.kind >= BEV_ABUSE_KINDS)
			stage_fail("an abuse is one of those that are known");
	}
	if (bev_body_open(message, &open))
	{
		check_text(open.id, sizeof(open.id));
		check_text(open.user, sizeof(open.user));
		check_text(open.role, sizeof(open.role));
		check_text(open.address, sizeof(open.address));
	}
	if (bev_body_subscription(message, &who, &text))
	{
		if (text.len > BEV_PACKED_SUBSCRIPTION_MAX)
			stage_fail("what a client wants is not longer than it may be");
		while (bev_packed_subscription_next(&text, &subscription))
			;
		if (text.len > 0)
			stage_fail("what a client wants can be read to its end");
	}
	for (int i = 0; i < bev_body_reports(message); i++)
		bev_body_report(message, i, &report);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BevChannel channel;
	BevMessage message;

	bev_channel_open(&channel, -1, BEV_MESSAGE_MAX_UP);
	channel.in.data = malloc(size ? size : 1);
	memcpy(channel.in.data, input, size);
	channel.in.end = channel.in.size = size;
	while (bev_channel_next(&channel, &message) == 1)
	{
		if (message.size > BEV_MESSAGE_MAX_UP)
			stage_fail("a body is not larger than it may be");
		decode(&message);
	}
	bev_channel_close(&channel);
	return 0;
}
