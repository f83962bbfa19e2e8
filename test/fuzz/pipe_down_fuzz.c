/*
 * pipe_down_fuzz.c - what the dispatcher says, and what a gateway makes of it.
 *
 * Seven clients look on: one that takes everything, an admin and another one that filter, one
 * that conflates, one that waits to be admitted, and one each that reads Server-Sent Events and waits
 * for an answer in JSON.  The first byte of the input says at
 * which of the messages the sockets are choked.  Two messages come in each turn, so that
 * the second meets those who ended by the first.
 */
#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "gateway/main/stream_message.h"
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
begin_stream(Stage *stage, const BevMessage *message)
{
	if (!bev_stream_message_begin(&stage->updates, message))
		return false;
	bev_clients_stream_began(&stage->clients);
	return true;
}

static bool
take(Stage *stage, const BevMessage *message)
{
	switch (message->kind)
	{
		case BEV_MSG_CONFIG:
			return configure(message);
		case BEV_MSG_STREAM:
			return begin_stream(stage, message);
		case BEV_MSG_EVENTS:
			return bev_stream_message_events(&stage->updates, message);
		case BEV_MSG_PROGRESS:
			return bev_stream_message_progress(&stage->fanout, message);
		case BEV_MSG_SCOPE:
			return bev_stream_message_scope(&stage->fanout, message);
		case BEV_MSG_FETCHED:
			return bev_stream_message_fetched(&stage->fanout, message);
		case BEV_MSG_KNOWN:
			return bev_clients_known(&stage->clients, message);
		case BEV_MSG_ADMIT:
			bev_fanout_batch(&stage->fanout);
			return bev_clients_admit(&stage->clients, message);
		case BEV_MSG_ANSWER:
			bev_fanout_batch(&stage->fanout);
			return bev_question_answered(&stage->questions, message);
		case BEV_MSG_SPENT_ELSEWHERE:
			return bev_arrival_spent_elsewhere(&stage->arrivals, message);
		case BEV_MSG_CONDITION:
			return bev_http_note_condition(&stage->http, message);
		case BEV_MSG_DISCONNECT:
			return bev_registration_disconnect(&stage->sessions, message);
		default:
			return true;
	}
}

static void
end_turn(Stage *stage)
{
	bev_fanout_batch(&stage->fanout);
	bev_clients_look_at_held(&stage->clients);
	bev_window_trim(&stage->fanout.stream.window);
	stage_turn();
}

/* Of bug reports, or of whatever has this value in that field. */
static BevSubscription *
subscription_of(const char *field, const char *form)
{
	BevSubscription *subscription = bev_subscription_create();

	bev_subscription_or(subscription);
	bev_subscription_add(subscription, BEV_BY_TYPE, "bug_report");
	bev_subscription_add(subscription, BEV_BY_PROJECT, "7");
	bev_subscription_or(subscription);
	bev_subscription_where(subscription, field);
	bev_subscription_value(subscription, (BevSpan){form, (uint32_t) strlen(form)});
	bev_subscription_seal(subscription);
	return subscription;
}

static void
add_reader(const char *user, BevForm form)
{
	BevSession *session = &stage_client(user, false, false)->session;

	session->http = bev_http_stream_create(form, (BevSpan){"https://a.example", 17});
	session->http->began = form == BEV_FORM_SSE;
	session->http->wait_until = UINT64_MAX;
	session->heard_all = true;
}

static void
add_clients(Stage *stage)
{
	BevSession *admin = &stage_client("2", true, false)->session;
	BevSession *conflating = &stage_client("3", false, false)->session;
	BevSession *waiting = &stage_client("4", false, false)->session;

	stage_client("1", false, false);
	bev_fanout_subscribe(&stage->fanout, &stage_client("5", false, false)->session,
	                     subscription_of("title", "0"));
	bev_fanout_subscribe(&stage->fanout, admin, subscription_of("status", "=open"));
	bev_fanout_conflate(&stage->fanout, conflating, true);
	waiting->state = BEV_SESSION_WAITING;
	add_reader("6", BEV_FORM_SSE);
	add_reader("7", BEV_FORM_JSON);
	bev_registration_ask(&stage->registrations, waiting, "token");
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	Stage *stage;
	BevChannel channel;
	BevMessage message;

	if (size == 0)
		return 0;
	stage = stage_open(true);
	add_clients(stage);
	bev_channel_open(&channel, -1, BEV_MESSAGE_MAX_DOWN);
	channel.in.size = channel.in.end = size - 1;
	channel.in.data = malloc(size);
	memcpy(channel.in.data, input + 1, size - 1);
	for (int n = 0; bev_channel_next(&channel, &message) == 1; n++)
	{
		stage_choke(input[0] >> (n % 8) & 1);
		if (!take(stage, &message))
			break;
		if (n % 2)
			end_turn(stage);
	}
	stage_choke(false);
	bev_channel_close(&channel);
	stage_close();
	return 0;
}
