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
configure(const BevMessage *message)
{
	char error[256];
	BevConfig *config = bev_config_read(message->body, message->size, error, sizeof(error));

	bev_config_free(config);
	return config != NULL;
}

static bool
take(BevGateway *gateway, const BevMessage *message)
{
	switch (message->kind)
	{
		case BEV_MSG_CONFIG:
			return configure(message);
		case BEV_MSG_STREAM:
			return bev_stream_begin(gateway, message);
		case BEV_MSG_EVENTS:
			return bev_stream_events(gateway, message);
		case BEV_MSG_PROGRESS:
			return bev_stream_progress(gateway, message);
		case BEV_MSG_FETCHED:
			return bev_stream_fetched(gateway, message);
		case BEV_MSG_ADMIT:
			bev_fanout_batch(gateway);
			return bev_registration_answer(gateway, message);
		case BEV_MSG_ANSWER:
			bev_fanout_batch(gateway);
			return bev_question_answered(gateway, message);
		case BEV_MSG_DISCONNECT:
			return bev_registration_disconnect(gateway, message);
		default:
			return true;
	}
}

static void
add_clients(void)
{
	BevClient *admin = stage_client("2", true, false);
	BevClient *conflating = stage_client("3", false, false);
	BevClient *waiting = stage_client("4", false, false);

	stage_client("1", false, false);
	admin->subscription = bev_subscription_create();
	bev_subscription_add(admin->subscription, BEV_BY_TYPE, "bug_report");
	bev_subscription_seal(admin->subscription);
	bev_fanout_conflate(conflating, true);
	waiting->state = BEV_CLIENT_WAITING;
	bev_registration_ask(waiting);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BevGateway *gateway;
	BevChannel channel;
	BevMessage message;

	if (size == 0)
		return 0;
	gateway = stage_open(true);
	add_clients();
	bev_channel_open(&channel, -1, BEV_MESSAGE_MAX_DOWN);
	channel.in.size = channel.in.end = size - 1;
	channel.in.data = malloc(size);
	memcpy(channel.in.data, input + 1, size - 1);
	for (int n = 0; bev_channel_next(&channel, &message) == 1; n++)
	{
		stage_choke(input[0] >> (n % 8) & 1);
		if (!take(gateway, &message))
			break;
		bev_fanout_batch(gateway);
		bev_upgrade_look_at_held(gateway);
		bev_window_trim(&gateway->window);
		stage_turn();
	}
	stage_choke(false);
	bev_channel_close(&channel);
	stage_close();
	return 0;
}
