/*
 * pipe_down_fuzz.c - what the dispatcher says, and what a gateway makes of it.
 *
 * Four clients look on: one that takes everything, an admin with a subscription, one
 * that conflates, one that waits to be admitted.  The first byte of the input says at
 * which of the messages the sockets are choked.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/session/registration.h"
#include "gateway/client/upgrade.h"
#include "gateway/session/fanout.h"
#include "gateway/session/question.h"
#include "gateway/main/stream.h"
#include "common/pipe/body.h"
#include "stage.h"

static bool
configure(const BeMessage *message)
{
	char		error[256];
	BeConfig   *config = be_config_read(message->body, message->size, error, sizeof(error));

	be_config_free(config);
	return config != NULL;
}

static bool
take(BeGateway *gateway, const BeMessage *message)
{
	switch (message->kind)
	{
		case BE_MSG_CONFIG:
			return configure(message);
		case BE_MSG_STREAM:
			return be_stream_begin(gateway, message);
		case BE_MSG_EVENTS:
			return be_stream_events(gateway, message);
		case BE_MSG_PROGRESS:
			return be_stream_progress(gateway, message);
		case BE_MSG_FETCHED:
			return be_stream_fetched(gateway, message);
		case BE_MSG_ADMIT:
			be_fanout_batch(gateway);
			return be_admission_answer(gateway, message);
		case BE_MSG_ANSWER:
			be_fanout_batch(gateway);
			return be_question_answered(gateway, message);
		case BE_MSG_DISCONNECT:
			return be_admission_disconnect(gateway, message);
		default:
			return true;
	}
}

static void
add_clients(void)
{
	BeClient   *admin = stage_client("2", true, false);
	BeClient   *conflating = stage_client("3", false, false);
	BeClient   *waiting = stage_client("4", false, false);

	stage_client("1", false, false);
	admin->subscription = be_subscription_create();
	be_subscription_add(admin->subscription, BE_BY_TYPE, "bug_report");
	be_subscription_seal(admin->subscription);
	be_fanout_conflate(conflating, true);
	waiting->state = BE_CLIENT_WAITING;
	be_admission_ask(waiting);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BeGateway  *gateway;
	BeChannel	channel;
	BeMessage	message;

	if (size == 0)
		return 0;
	gateway = stage_open(true);
	add_clients();
	be_channel_open(&channel, -1, BE_MESSAGE_MAX_DOWN);
	channel.in.size = channel.in.end = size - 1;
	channel.in.data = malloc(size);
	memcpy(channel.in.data, input + 1, size - 1);
	for (int n = 0; be_channel_next(&channel, &message) == 1; n++)
	{
		stage_choke(input[0] >> (n % 8) & 1);
		if (!take(gateway, &message))
			break;
		be_fanout_batch(gateway);
		be_door_look_at_held(gateway);
		be_window_trim(&gateway->window);
		stage_turn();
	}
	stage_choke(false);
	be_channel_close(&channel);
	stage_close();
	return 0;
}
