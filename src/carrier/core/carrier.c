/*
 * carrier.c - the carrier: messages of the courier in, deliveries out.
 *
 * Model: this thread reads and gives work to the channels' queues; their workers send and report.
 *
 *	courier --- config, send ---> here ---> queue of the channel ---> worker ---> the network
 *	        <-- result ------------------------------------------------'
 *
 * Memory: what waits is bounded by the queues, an answer of the network by BEV_ANSWER_MAX, and
 * a courier that doesn't read results isn't read from.
 *
 * Failure: an allocation that fails ends the process; deliveries without a result are the
 * courier's to judge.
 */
#include "carrier/core/carrier.h"
#include "carrier/core/courier_pipe.h"
#include "carrier/core/channel_queue.h"
#include "common/pipe/carrier_message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As sysexits.h has it, EX_DATAERR. */
#define BAD_MESSAGE 65

static BevChannelQueue queues[BEV_MEDIA];

static void
tell_hello(void)
{
	bev_courier_pipe_tell(json_pack("{s:s, s:i, s:s}", "type", "hello", "version",
	                                BEV_CARRIER_VERSION, "program", BUGEVENTS_VERSION));
}

/* Its status, or NULL. */
static json_t *
configure(BevMedium medium, const json_t *config)
{
	const json_t *member = json_object_get(config, bev_medium_names[medium]);
	char error[BEV_CARRIER_MAX_ERROR];
	BevRoute *route;

	if (member == NULL || json_is_null(member))
	{
		bev_channel_queue_configure(&queues[medium], NULL);
		return json_null();
	}
	route = bev_route_read(medium, member, error, sizeof(error));
	if (route == NULL)
		return json_string(error);
	bev_channel_queue_configure(&queues[medium], route);
	return json_string("");
}

static void
take_config(json_t *config)
{
	json_t *status = json_pack("{s:s}", "type", "status");

	for (int i = 0; i < BEV_MEDIA; i++)
		json_object_set_new(status, bev_medium_names[i], configure((BevMedium) i, config));
	json_decref(config);
	bev_courier_pipe_tell(status);
}

static bool
take_send(json_t *message, size_t size)
{
	char error[BEV_CARRIER_MAX_ERROR];
	BevDelivery *delivery = bev_delivery_read(message, size, error, sizeof(error));
	BevOutcome refused;

	if (delivery == NULL)
		return false;
	if (error[0] == '\0')
	{
		bev_channel_queue_push(&queues[delivery->medium], delivery);
		return true;
	}
	bev_outcome_set(&refused, BEV_REFUSED, error);
	bev_courier_pipe_report(delivery, &refused);
	return true;
}

static bool
take(json_t *message, size_t size)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	if (type && strcmp(type, "send") == 0)
		return take_send(message, size);
	if (type && strcmp(type, "config") == 0)
	{
		take_config(message);
		return true;
	}
	json_decref(message);
	return false;
}

/* Everything that the courier has to say; false: it made no sense. */
static bool
listen_to_courier(void)
{
	json_t *message;
	size_t size;
	BevHeard heard;

	while ((heard = bev_courier_pipe_hear(&message, &size)) == BEV_HEARD_MESSAGE)
		if (!take(message, size))
			return false;
	return heard == BEV_HEARD_END;
}

/* Let workers end what they are sending; false: it takes too long. */
static bool
linger(void)
{
	struct timespec then;
	bool ended = true;

	for (int i = 0; i < BEV_MEDIA; i++)
		bev_channel_queue_close(&queues[i]);
	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += BEV_CARRIER_LINGER / 1000;
	for (int i = 0; i < BEV_MEDIA; i++)
		ended = bev_channel_queue_wait(&queues[i], &then) && ended;
	return ended;
}

int
bev_carrier_run(int fd)
{
	bev_courier_pipe_open(fd);
	for (int i = 0; i < BEV_MEDIA; i++)
		bev_channel_queue_open(&queues[i]);
	tell_hello();
	if (!listen_to_courier())
	{
		fputs("bugevents carrier: the courier sent what can't be understood\n", stderr);
		_exit(BAD_MESSAGE);
	}
	/* Workers that are still at it can't be stopped, only left. */
	if (!linger())
		_exit(0);
	for (int i = 0; i < BEV_MEDIA; i++)
		bev_channel_queue_configure(&queues[i], NULL);
	bev_courier_pipe_close();
	return 0;
}
