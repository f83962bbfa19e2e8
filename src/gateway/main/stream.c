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
set_dropped(BevGateway *gateway, uint64_t dropped)
{
	if (dropped > gateway->dropped)
		gateway->dropped = dropped;
}

/* ---- STREAM ---- */

static void
restart_window(BevGateway *gateway, uint64_t tip)
{
	bev_window_reset(&gateway->window, tip);
	gateway->sent_tip = tip;
}

/* The same stream, further on: what lies between must be fetched. */
static void
skip_ahead(BevGateway *gateway, uint64_t tip)
{
	uint64_t had = gateway->sent_tip;

	restart_window(gateway, tip);
	for (BevClient *client = gateway->first; client; client = client->next)
		if (client->state == BEV_CLIENT_OPEN && client->standing == BEV_LIVE && !client->muted)
			bev_fanout_place(client, had);
}

/* Another stream: nobody's position means anything any more. */
static void
replace(BevGateway *gateway, const BevStreamMessage *stream)
{
	memcpy(gateway->stream, stream->id, BEV_STREAM_ID_LEN);
	gateway->dropped = stream->dropped;
	restart_window(gateway, stream->tip);
	for (BevClient *client = gateway->first; client; client = client->next)
		if (client->state == BEV_CLIENT_OPEN)
			bev_fanout_resync(client);
	bev_replay_reset(gateway->replay);
}

bool
bev_stream_begin(BevGateway *gateway, const BevMessage *message)
{
	BevStreamMessage stream;

	if (!bev_body_stream(message, &stream) || gateway->config == NULL)
		return false;
	bev_fanout_batch(gateway);
	if (gateway->stream[0] &&
	    (strcmp(gateway->stream, stream.id) != 0 || stream.tip > gateway->sent_tip))
		bev_access_update_missed(gateway);
	if (strcmp(gateway->stream, stream.id) != 0)
		replace(gateway, &stream);
	else
	{
		set_dropped(gateway, stream.dropped);
		if (stream.tip > gateway->sent_tip)
			skip_ahead(gateway, stream.tip);
	}
	bev_upgrade_welcome_waiting(gateway);
	return true;
}

/* ---- EVENTS, PROGRESS ---- */

static bool
take_event(BevGateway *gateway, const BevEventsMessage *events, uint32_t n, const BevEvent *event)
{
	if (events->request != 0)
		return bev_replay_add(gateway->replay, events, n, event);
	if (events->first_seq + n <= gateway->window.tip)
		return false; /* twice, or out of order */
	if (!bev_access_update_event(gateway, events->first_seq + n, event->field[BEV_EVENT_ACCESS]))
		return false;
	bev_window_add(&gateway->window, events, n, event);
	bev_count_committed(gateway, events->first_seq + n, events->at);
	return true;
}

bool
bev_stream_events(BevGateway *gateway, const BevMessage *message)
{
	BevEventsMessage events;
	BevSpan records;

	if (!bev_body_events(message, &events, &records) || !gateway->stream[0])
		return false;
	for (uint32_t n = 0; n < events.count; n++)
	{
		BevEvent event;

		if (!bev_body_next_record(&records, &event) || !take_event(gateway, &events, n, &event))
			return false;
	}
	return records.len == 0;
}

bool
bev_stream_progress(BevGateway *gateway, const BevMessage *message)
{
	BevProgressMessage progress;

	if (!bev_body_progress(message, &progress) || !gateway->stream[0])
		return false;
	set_dropped(gateway, progress.dropped);
	bev_window_advance(&gateway->window, progress.tip);
	return true;
}

/* ---- FETCHED ---- */

bool
bev_stream_fetched(BevGateway *gateway, const BevMessage *message)
{
	BevFetchedMessage fetched;

	if (!bev_body_fetched(message, &fetched))
		return false;
	set_dropped(gateway, fetched.dropped);
	bev_fanout_batch(gateway);
	return bev_replay_end(gateway->replay, &fetched);
}

static BevClient *
client_of(BevWaiter *waiter)
{
	return (BevClient *) ((char *) waiter - offsetof(BevClient, waiter));
}

static void
on_fetch(void *owner, const BevFetchMessage *message)
{
	BevGateway *gateway = owner;

	bev_link_send(&gateway->link, BEV_MSG_FETCH, message, sizeof(*message), NULL, 0);
}

static void
on_ready(void *owner __attribute__((unused)), BevWaiter *waiter)
{
	BevClient *client = client_of(waiter);

	client->standing = BEV_LAGGING;
	bev_fanout_go_on(client);
}

static void
on_gone(void *owner __attribute__((unused)), BevWaiter *waiter)
{
	bev_fanout_resync(client_of(waiter));
}

const BevReplayEvents bev_stream_replay_events = {
	.fetch = on_fetch,
	.ready = on_ready,
	.gone = on_gone,
};
