/*
 * stream.c - takes in what the dispatcher says of the stream.
 *
 * Model: EVENTS and PROGRESS only fill the window; the batch is sent when all that
 * arrived together is taken in.  Whatever else moves clients (STREAM, FETCHED)
 * sends the batch so far first: between batches, live means "has everything up to
 * sent_tip".
 */
#include "gateway/main/stream.h"
#include "gateway/session/access_update.h"
#include "gateway/client/client.h"
#include "gateway/session/count.h"
#include "gateway/client/upgrade.h"
#include "gateway/session/fanout.h"
#include "common/pipe/body.h"

#include <stddef.h>
#include <string.h>

static void
set_dropped(BeGateway *gateway, uint64_t dropped)
{
	if (dropped > gateway->dropped)
		gateway->dropped = dropped;
}

/* ---- STREAM ---- */

static void
restart_window(BeGateway *gateway, uint64_t tip)
{
	be_window_reset(&gateway->window, tip);
	gateway->sent_tip = tip;
}

/* The same stream, further on: what lies between must be fetched. */
static void
skip_ahead(BeGateway *gateway, uint64_t tip)
{
	uint64_t	had = gateway->sent_tip;

	restart_window(gateway, tip);
	for (BeClient *client = gateway->first; client; client = client->next)
		if (client->state == BE_CLIENT_OPEN && client->standing == BE_LIVE &&
			!client->muted)
			be_fanout_place(client, had);
}

/* Another stream: nobody's position means anything any more. */
static void
replace(BeGateway *gateway, const BeStreamMessage *stream)
{
	memcpy(gateway->stream, stream->id, BE_STREAM_ID_LEN);
	gateway->dropped = stream->dropped;
	restart_window(gateway, stream->tip);
	for (BeClient *client = gateway->first; client; client = client->next)
		if (client->state == BE_CLIENT_OPEN)
			be_fanout_resync(client);
	be_replay_reset(gateway->replay);
}

bool
be_stream_begin(BeGateway *gateway, const BeMessage *message)
{
	BeStreamMessage stream;

	if (!be_body_stream(message, &stream) || gateway->config == NULL)
		return false;
	be_fanout_batch(gateway);
	if (gateway->stream[0] && (strcmp(gateway->stream, stream.id) != 0 ||
							   stream.tip > gateway->sent_tip))
		be_access_missed(gateway);
	if (strcmp(gateway->stream, stream.id) != 0)
		replace(gateway, &stream);
	else
	{
		set_dropped(gateway, stream.dropped);
		if (stream.tip > gateway->sent_tip)
			skip_ahead(gateway, stream.tip);
	}
	be_door_welcome_waiting(gateway);
	return true;
}

/* ---- EVENTS, PROGRESS ---- */

static bool
take_event(BeGateway *gateway, const BeEventsMessage *events, uint32_t n,
		   const BeEvent *event)
{
	if (events->request != 0)
		return be_replay_add(gateway->replay, events, n, event);
	if (events->first_seq + n <= gateway->window.tip)
		return false;			/* twice, or out of order */
	if (!be_access_event(gateway, events->first_seq + n, event->field[BE_EVENT_ACCESS]))
		return false;
	be_window_add(&gateway->window, events, n, event);
	be_count_committed(gateway, events->first_seq + n, events->at);
	return true;
}

bool
be_stream_events(BeGateway *gateway, const BeMessage *message)
{
	BeEventsMessage events;
	BeSpan		records;

	if (!be_body_events(message, &events, &records) || !gateway->stream[0])
		return false;
	for (uint32_t n = 0; n < events.count; n++)
	{
		BeEvent		event;

		if (!be_body_next_record(&records, &event) ||
			!take_event(gateway, &events, n, &event))
			return false;
	}
	return records.len == 0;
}

bool
be_stream_progress(BeGateway *gateway, const BeMessage *message)
{
	BeProgressMessage progress;

	if (!be_body_progress(message, &progress) || !gateway->stream[0])
		return false;
	set_dropped(gateway, progress.dropped);
	be_window_advance(&gateway->window, progress.tip);
	return true;
}

/* ---- FETCHED ---- */

bool
be_stream_fetched(BeGateway *gateway, const BeMessage *message)
{
	BeFetchedMessage fetched;

	if (!be_body_fetched(message, &fetched))
		return false;
	set_dropped(gateway, fetched.dropped);
	be_fanout_batch(gateway);
	return be_replay_end(gateway->replay, &fetched);
}

static BeClient *
client_of(BeWaiter *waiter)
{
	return (BeClient *) ((char *) waiter - offsetof(BeClient, waiter));
}

static void
on_fetch(void *owner, const BeFetchMessage *message)
{
	BeGateway  *gateway = owner;

	be_link_send(&gateway->link, BE_MSG_FETCH, message, sizeof(*message), NULL, 0);
}

static void
on_ready(void *owner __attribute__((unused)), BeWaiter *waiter)
{
	BeClient   *client = client_of(waiter);

	client->standing = BE_LAGGING;
	be_fanout_go_on(client);
}

static void
on_gone(void *owner __attribute__((unused)), BeWaiter *waiter)
{
	be_fanout_resync(client_of(waiter));
}

const BeReplayEvents be_stream_replay_events = {
	.fetch = on_fetch,
	.ready = on_ready,
	.gone = on_gone,
};
