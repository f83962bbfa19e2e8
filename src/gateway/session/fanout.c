/*
 * fanout.c - brings the stream to the clients.
 *
 * Model: 1. Everything that arrived together is a batch.  2. A batch with an event
 * for everyone walks all clients; one without looks its clients up in the
 * directory, so that a notification touches one client of ten thousand.  3. What
 * a client may see and wants is written at once, as runs of frames: adjacent
 * frames go out from the window itself, others are gathered first, so that each
 * run is one system call.  4. A client that the kernel has no more room for lags:
 * its position is kept, and bev_fanout_go_on continues when there is room.
 * 5. One that conflates skips, while it lags, what a later event of the same row
 * overtakes: anywhere in the window, or in the chunk of history at hand.  The last
 * state itself is skipped by nobody, and so arrives whatever comes in between.
 *
 * Why at once and not when the library says writable: under libuv each round trip
 * through its poll costs three epoll_ctl calls, 2.6 times the price of a delivery.
 *
 * Memory: the library keeps a copy of what the kernel did not take, at most one
 * run for each client.
 */
#include "gateway/session/fanout.h"
#include "gateway/session/count.h"
#include "gateway/session/reply.h"

#include <string.h>

/*
 * What one client gets in one turn before others are looked after: bytes written
 * and frames passed over.
 */
#define TURN_BYTES  (1024 * 1024)
#define TURN_FRAMES 20000

static bool
is_for(const BevClient *client, const BevChunk *chunk, const BevFrame *frame)
{
	BevLabels labels;

	if (client->subscription == NULL && bev_seen_by_everyone(frame->flags))
		return true;
	bev_chunk_labels(chunk, frame, &labels);
	return bev_audience_matches(labels.audience, frame->flags, &client->principals) &&
	       bev_subscription_passes(client->subscription, &labels);
}

/* ---- Conflation ---- */

void
bev_fanout_conflate(BevClient *client, bool conflate)
{
	BevGateway *gateway = client->gateway;

	if (client->conflates == conflate)
		return;
	client->conflates = conflate;
	gateway->conflating += conflate ? 1 : -1;
	bev_window_index(&gateway->window, gateway->conflating > 0);
}

/* Does the window hold a later state of this row, and is that for the client? */
static bool
is_later_in_window(const BevClient *client, BevSpan row, uint64_t seq)
{
	const BevWindow *window = &client->gateway->window;
	uint64_t last = bev_latest_find(&window->latest, row);
	const BevChunk *chunk;
	uint32_t i;

	if (last <= seq || (chunk = bev_window_find(window, last - 1, &i)) == NULL)
		return false;
	return is_for(client, chunk, &chunk->frame[i]);
}

static bool
is_later_in_chunk(const BevClient *client, const BevChunk *chunk, BevSpan row, uint64_t seq)
{
	uint64_t last = chunk->latest ? bev_latest_find(chunk->latest, row) : 0;

	return last > seq && is_for(client, chunk, &chunk->frame[bev_chunk_find(chunk, last - 1)]);
}

/* Will the client see a later state of the row instead? */
static bool
is_overtaken(const BevClient *client, const BevChunk *chunk, const BevFrame *frame)
{
	BevSpan row = bev_chunk_row(chunk, frame);

	return row.len > 0 && (is_later_in_window(client, row, frame->seq) ||
	                       is_later_in_chunk(client, chunk, row, frame->seq));
}

/* ---- Runs ---- */

/*
 * Collect from frame i on what is for the client, up to BEV_CHUNK_SIZE bytes, one
 * frame at least.
 */
static BevRun
gather(BevClient *client, const BevChunk *chunk, uint32_t i, bool *for_everyone)
{
	BevText *scratch = &client->gateway->scratch;
	uint32_t from = i;
	bool gathered = false;
	bool conflates = client->conflates && client->standing != BEV_LIVE;
	BevRun run = {0};

	scratch->len = 0;
	for (; i < chunk->count; i++)
	{
		const BevFrame *frame = &chunk->frame[i];
		BevSpan bytes = bev_chunk_bytes(chunk, frame, client->principals.is_admin);

		*for_everyone &= bev_seen_by_everyone(frame->flags) && frame->open_length == 0;
		if (!is_for(client, chunk, frame) || (conflates && is_overtaken(client, chunk, frame)))
			continue;
		if (run.len > 0 && run.len + bytes.len > BEV_CHUNK_SIZE)
			break;
		if (run.len == 0)
			run.data = bytes.data;
		else if (!gathered && run.data + run.len != bytes.data)
		{
			gathered = true; /* a gap */
			bev_text_add(scratch, run.data, run.len);
		}
		if (gathered)
			bev_text_add(scratch, bytes.data, bytes.len);
		run.len += bytes.len;
		run.frames++;
	}
	run.looked_at = i - from;
	run.reached = i < chunk->count ? chunk->frame[i].seq - 1 : chunk->covered;
	if (gathered)
		run.data = scratch->data;
	return run;
}

/*
 * The same; within a batch a run that everyone may see is put together once for
 * all who narrow nothing.
 */
static BevRun
collect(BevClient *client, const BevChunk *chunk, uint32_t i)
{
	BevGateway *gateway = client->gateway;
	bool shareable = gateway->in_batch && client->subscription == NULL;
	BevRun run;

	if (shareable && gateway->shared_chunk == chunk && gateway->shared_from == i)
		return gateway->shared;
	run = gather(client, chunk, i, &shareable);
	if (shareable)
	{
		gateway->shared_chunk = chunk;
		gateway->shared_from = i;
		gateway->shared = run;
	}
	return run;
}

/*
 * Send from frame i of a chunk.  Returns the position reached; 0 when the
 * connection broke.
 */
static uint64_t
send_run(BevClient *client, const BevChunk *chunk, uint32_t i, uint32_t *looked_at, size_t *sent)
{
	BevRun run = collect(client, chunk, i);

	if (client->gateway->in_batch && *sent == 0 && run.len > 0)
		client->gateway->batch_clients++;
	*looked_at += run.looked_at;
	*sent += run.len;
	client->sent += run.frames;
	bev_count(client->gateway, BEV_COUNT_DELIVERED, run.frames);
	bev_count(client->gateway, BEV_COUNT_BYTES_SENT, run.len);
	if (run.len > 0 &&
	    !bev_socket_write(client->gateway->sockets, &client->socket, run.data, run.len))
		return 0;
	return run.reached;
}

static bool
is_choked(const BevClient *client)
{
	return client->out.len > 0 || bev_socket_is_choked(&client->socket);
}

static void
go_live(BevClient *client)
{
	client->standing = BEV_LIVE;
	client->caught_up = true;
}

static void
lag(BevClient *client, uint64_t cursor)
{
	client->standing = BEV_LAGGING;
	client->cursor = cursor;
}

/* The next chunk for a lagging client; NULL when it must wait or has it all. */
static const BevChunk *
next_chunk(BevClient *client, uint32_t *i)
{
	BevGateway *gateway = client->gateway;
	BevChunk *chunk;

	if (client->cursor >= gateway->window.floor)
		return bev_window_find(&gateway->window, client->cursor, i);
	chunk = bev_replay_find(gateway->replay, client->cursor);
	if (chunk == NULL)
		return NULL;
	if (client->conflates && chunk->latest == NULL)
		bev_chunk_index(chunk);
	*i = bev_chunk_find(chunk, client->cursor);
	return chunk;
}

static void
park(BevClient *client)
{
	BevGateway *gateway = client->gateway;

	if (client->cursor < gateway->dropped)
	{
		bev_fanout_resync(client);
		return;
	}
	client->standing = BEV_PARKED;
	bev_replay_wait(gateway->replay, &client->waiter, client->cursor);
}

void
bev_fanout_go_on(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	uint32_t looked_at = 0;
	size_t sent = 0;

	while (!is_choked(client))
	{
		uint32_t i;
		const BevChunk *chunk;

		if (looked_at > TURN_FRAMES || sent > TURN_BYTES)
		{
			bev_socket_want_write(&client->socket); /* go on in a later turn */
			return;
		}
		chunk = next_chunk(client, &i);
		if (chunk == NULL && client->cursor < gateway->window.floor)
		{
			park(client);
			return;
		}
		if (chunk == NULL)
		{
			go_live(client);
			return;
		}
		client->cursor = send_run(client, chunk, i, &looked_at, &sent);
	}
}

void
bev_fanout_place(BevClient *client, uint64_t seq)
{
	bev_replay_leave(client->gateway->replay, &client->waiter);
	if (seq >= client->gateway->sent_tip)
	{
		go_live(client);
		return;
	}
	lag(client, seq);
	bev_fanout_go_on(client);
}

void
bev_fanout_resync(BevClient *client)
{
	bev_reply_resync(client);
	bev_count(client->gateway, BEV_COUNT_RESYNC_REQUIRED, 1);
	bev_fanout_place(client, client->gateway->sent_tip);
	bev_client_flush(client);
}

/* ---- A batch ---- */

static void
deliver(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	uint64_t reached = gateway->sent_tip;
	uint32_t looked_at = 0;
	size_t sent = 0;
	const BevChunk *chunk;
	uint32_t i;

	if (client->batch == gateway->batch)
		return; /* belongs to two groups that are concerned */
	client->batch = gateway->batch;
	if (client->state != BEV_CLIENT_OPEN || client->standing != BEV_LIVE || client->muted)
		return;
	while (reached < gateway->window.tip &&
	       (chunk = bev_window_find(&gateway->window, reached, &i)) != NULL)
	{
		if (is_choked(client))
		{
			lag(client, reached);
			return;
		}
		reached = send_run(client, chunk, i, &looked_at, &sent);
		if (reached == 0)
			return; /* broken; it is on its way out */
	}
}

static void
deliver_to_group(BevGateway *gateway, BevSpan name)
{
	const BevGroup *group = bev_directory_find(&gateway->directory, name);

	if (group == NULL)
		return;
	/* Delivering ends nobody within this turn: the list does not change. */
	for (BevMembership *one = group->first; one; one = one->next)
		deliver(one->member);
}

static void
deliver_directed(BevGateway *gateway, const BevChunk *chunk, const BevFrame *frame)
{
	BevLabels labels;
	BevSpan principal;

	bev_chunk_labels(chunk, frame, &labels);
	while (bev_audience_next(&labels.audience, &principal))
		if (principal.len > 0)
			deliver_to_group(gateway, principal);
}

/* Walk the frames of the batch; true: there is one that everyone may see. */
static bool
batch_is_for_all(const BevGateway *gateway)
{
	uint64_t seq = gateway->sent_tip;
	const BevChunk *chunk;
	uint32_t i;

	for (; (chunk = bev_window_find(&gateway->window, seq, &i)) != NULL; seq = chunk->covered)
		for (; i < chunk->count; i++)
			if (chunk->frame[i].flags & BEV_SEEN_BY_ALL)
				return true;
	return false;
}

void
bev_fanout_batch(BevGateway *gateway)
{
	uint64_t seq = gateway->sent_tip;
	const BevChunk *chunk;
	uint32_t i;

	if (gateway->window.tip == gateway->sent_tip)
		return;
	gateway->batch++;
	gateway->batch_clients = 0;
	gateway->in_batch = true;
	if (batch_is_for_all(gateway))
	{
		for (BevClient *client = gateway->first; client; client = client->next)
			deliver(client);
	}
	else
	{
		for (; (chunk = bev_window_find(&gateway->window, seq, &i)) != NULL; seq = chunk->covered)
			for (; i < chunk->count; i++)
				deliver_directed(gateway, chunk, &chunk->frame[i]);
	}
	gateway->in_batch = false;
	gateway->shared_chunk = NULL;
	gateway->sent_tip = gateway->window.tip;
	bev_count_written(gateway);
}
