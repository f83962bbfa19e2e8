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
decode(const BeMessage *message)
{
	BeHelloMessage hello;
	BeLogMessage log;
	BeFetchMessage fetch;
	BeOpenMessage open;
	BeClosedMessage closed;
	BeClientsMessage report;
	BeAskMessage ask;
	BeSuspectMessage suspect;
	BeInterestMessage who;
	BeSlowMessage slow;
	BeInterest	interest;
	uint64_t	counter[BE_COUNTER_KINDS];
	BeSpan		text;

	be_body_hello(message, &hello);
	be_body_closed(message, &closed);
	if (be_body_log(message, &log, &text) && text.data + text.len != message->body + message->size)
		stage_fail("a line ends where its message ends");
	if (be_body_fetch(message, &fetch) && (fetch.request == 0 || fetch.after > fetch.upto))
		stage_fail("a request is one that can be answered");
	if (be_body_ask(message, &ask, &text) && (ask.verb >= BE_VERBS || text.len > BE_ASK_MAX))
		stage_fail("a question is one that can be passed on");
	be_body_counters(message, counter);
	be_body_slow(message, &slow);
	if (be_body_suspect(message, &suspect))
	{
		check_text(suspect.address, sizeof(suspect.address));
		if (suspect.kind >= BE_SUSPICIONS)
			stage_fail("a suspicion is one of those that are known");
	}
	if (be_body_open(message, &open))
	{
		check_text(open.id, sizeof(open.id));
		check_text(open.user, sizeof(open.user));
		check_text(open.role, sizeof(open.role));
		check_text(open.address, sizeof(open.address));
	}
	if (be_body_interest(message, &who, &text))
	{
		if (text.len > BE_INTEREST_MAX)
			stage_fail("what a client wants is not longer than it may be");
		while (be_interest_next(&text, &interest))
			;
		if (text.len > 0)
			stage_fail("what a client wants can be read to its end");
	}
	for (int i = 0; i < be_body_reports(message); i++)
		be_body_report(message, i, &report);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BeChannel	channel;
	BeMessage	message;

	be_channel_open(&channel, -1, BE_MESSAGE_MAX_UP);
	channel.in.data = malloc(size ? size : 1);
	memcpy(channel.in.data, input, size);
	channel.in.end = channel.in.size = size;
	while (be_channel_next(&channel, &message) == 1)
	{
		if (message.size > BE_MESSAGE_MAX_UP)
			stage_fail("a body is not larger than it may be");
		decode(&message);
	}
	be_channel_close(&channel);
	return 0;
}
