/*
 * carrier_message.c - the carrier: messages of the courier in, deliveries out.
 *
 * Model: this thread reads and gives work to the lanes; their workers send and report.
 *
 *	courier --- config, send ---> here ---> lane of the channel ---> worker ---> the network
 *	        <-- result ------------------------------------------------'
 *
 * Memory: what waits is bounded by the lanes, an answer of the network by BE_ANSWER_MAX, and
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
#define BAD_MESSAGE		65

static BeLane lanes[BE_MEDIA];

static void
tell_hello(void)
{
	be_courier_tell(json_pack("{s:s, s:i, s:s}", "type", "hello", "version", BE_CARRIER_VERSION,
							  "program", BUGEVENTS_VERSION));
}

/* Its status, or NULL. */
static json_t *
configure(BeMedium medium, const json_t *config)
{
	const json_t *member = json_object_get(config, be_medium_names[medium]);
	char		error[BE_CARRIER_MAX_ERROR];
	BeRoute    *route;

	if (member == NULL || json_is_null(member))
	{
		be_lane_configure(&lanes[medium], NULL);
		return json_null();
	}
	route = be_route_read(medium, member, error, sizeof(error));
	if (route == NULL)
		return json_string(error);
	be_lane_configure(&lanes[medium], route);
	return json_string("");
}

static void
take_config(json_t *config)
{
	json_t	   *status = json_pack("{s:s}", "type", "status");

	for (int i = 0; i < BE_MEDIA; i++)
		json_object_set_new(status, be_medium_names[i], configure((BeMedium) i, config));
	json_decref(config);
	be_courier_tell(status);
}

static bool
take_send(json_t *message, size_t size)
{
	char		error[BE_CARRIER_MAX_ERROR];
	BeDelivery *delivery = be_delivery_read(message, size, error, sizeof(error));
	BeOutcome	refused;

	if (delivery == NULL)
		return false;
	if (error[0] == '\0')
	{
		be_lane_push(&lanes[delivery->medium], delivery);
		return true;
	}
	be_outcome_set(&refused, BE_REFUSED, error);
	be_courier_report(delivery, &refused);
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
	json_t	   *message;
	size_t		size;
	BeHeard		heard;

	while ((heard = be_courier_hear(&message, &size)) == BE_HEARD_MESSAGE)
		if (!take(message, size))
			return false;
	return heard == BE_HEARD_END;
}

/* Let workers end what they are sending; false: it takes too long. */
static bool
linger(void)
{
	struct timespec then;
	bool		ended = true;

	for (int i = 0; i < BE_MEDIA; i++)
		be_lane_close(&lanes[i]);
	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += BE_CARRIER_LINGER / 1000;
	for (int i = 0; i < BE_MEDIA; i++)
		ended = be_lane_wait(&lanes[i], &then) && ended;
	return ended;
}

int
be_carrier_run(int fd)
{
	be_courier_open(fd);
	for (int i = 0; i < BE_MEDIA; i++)
		be_lane_open(&lanes[i]);
	tell_hello();
	if (!listen_to_courier())
	{
		fputs("bugevents carrier: the courier sent what can't be understood\n", stderr);
		_exit(BAD_MESSAGE);
	}
	/* Workers that are still at it can't be stopped, only left. */
	if (!linger())
		_exit(0);
	for (int i = 0; i < BE_MEDIA; i++)
		be_lane_configure(&lanes[i], NULL);
	be_courier_close();
	return 0;
}
