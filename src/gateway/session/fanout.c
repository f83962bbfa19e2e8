/*
 * fanout.c - brings the stream to the clients.
 *
 * Model: 1. Everything that arrived together is a batch.  2. A batch with an event
 * for everyone walks all clients; one without looks its clients up in the
 * directory, so that a notification touches one client of ten thousand.  3. What
 * a client may see and wants is written at once, as runs of frames: adjacent
 * frames go out from the window itself, others are gathered first, so that each
 * run is one system call.  4. A client that the kernel has no more room for lags:
 * its position is kept, and be_fanout_go_on continues when there is room.
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
#define TURN_BYTES		(1024 * 1024)
#define TURN_FRAMES		20000

static bool
is_for(const BeClient *client, const BeChunk *chunk, const BeFrame *frame)
{
	BeLabels	labels;

	if (client->subscription == NULL && be_seen_by_everyone(frame->flags))
		return true;
	be_chunk_labels(chunk, frame, &labels);
	return be_audience_allows(labels.audience, frame->flags, &client->principals) &&
		be_subscription_passes(client->subscription, &labels);
}

/* ---- Conflation ---- */

void
be_fanout_conflate(BeClient *client, bool conflate)
{
	BeGateway  *gateway = client->gateway;

	if (client->conflates == conflate)
		return;
	client->conflates = conflate;
	gateway->conflating += conflate ? 1 : -1;
	be_window_index(&gateway->window, gateway->conflating > 0);
}

/* Does the window hold a later state of this row, and is that for the client? */
static bool
is_later_in_window(const BeClient *client, BeSpan row, uint64_t seq)
{
	const BeWindow *window = &client->gateway->window;
	uint64_t	last = be_latest_find(&window->latest, row);
	const BeChunk *chunk;
	uint32_t	i;

	if (last <= seq || (chunk = be_window_find(window, last - 1, &i)) == NULL)
		return false;
	return is_for(client, chunk, &chunk->frame[i]);
}

static bool
is_later_in_chunk(const BeClient *client, const BeChunk *chunk, BeSpan row, uint64_t seq)
{
	uint64_t	last = chunk->latest ? be_latest_find(chunk->latest, row) : 0;

	return last > seq &&
		is_for(client, chunk, &chunk->frame[be_chunk_find(chunk, last - 1)]);
}

/* Will the client see a later state of the row instead? */
static bool
is_overtaken(const BeClient *client, const BeChunk *chunk, const BeFrame *frame)
{
	BeSpan		row = be_chunk_row(chunk, frame);

	return row.len > 0 &&
		(is_later_in_window(client, row, frame->seq) ||
		 is_later_in_chunk(client, chunk, row, frame->seq));
}

/* ---- Runs ---- */

/*
 * Collect from frame i on what is for the client, up to BE_CHUNK_SIZE bytes, one
 * frame at least.
 */
static BeRun
gather(BeClient *client, const BeChunk *chunk, uint32_t i, bool *for_everyone)
{
	BeText	   *scratch = &client->gateway->scratch;
	uint32_t	from = i;
	bool		gathered = false;
	bool		conflates = client->conflates && client->standing != BE_LIVE;
	BeRun		run = {0};

	scratch->len = 0;
	for (; i < chunk->count; i++)
	{
		const BeFrame *frame = &chunk->frame[i];
		BeSpan		bytes = be_chunk_bytes(chunk, frame, client->principals.is_admin);

		*for_everyone &= be_seen_by_everyone(frame->flags) && frame->open_length == 0;
		if (!is_for(client, chunk, frame) ||
			(conflates && is_overtaken(client, chunk, frame)))
			continue;
		if (run.len > 0 && run.len + bytes.len > BE_CHUNK_SIZE)
			break;
		if (run.len == 0)
			run.data = bytes.data;
		else if (!gathered && run.data + run.len != bytes.data)
		{
			gathered = true;	/* a gap */
			be_text_add(scratch, run.data, run.len);
		}
		if (gathered)
			be_text_add(scratch, bytes.data, bytes.len);
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
static BeRun
collect(BeClient *client, const BeChunk *chunk, uint32_t i)
{
	BeGateway  *gateway = client->gateway;
	bool		shareable = gateway->in_batch && client->subscription == NULL;
	BeRun		run;

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
send_run(BeClient *client, const BeChunk *chunk, uint32_t i, uint32_t *looked_at,
		 size_t *sent)
{
	BeRun		run = collect(client, chunk, i);

	if (client->gateway->in_batch && *sent == 0 && run.len > 0)
		client->gateway->batch_clients++;
	*looked_at += run.looked_at;
	*sent += run.len;
	client->sent += run.frames;
	be_count(client->gateway, BE_COUNT_DELIVERED, run.frames);
	be_count(client->gateway, BE_COUNT_BYTES_SENT, run.len);
	if (run.len > 0 && !be_socket_write(client->gateway->sockets, &client->socket,
										run.data, run.len))
		return 0;
	return run.reached;
}

static bool
is_choked(const BeClient *client)
{
	return client->out.len > 0 || be_socket_is_choked(&client->socket);
}

static void
go_live(BeClient *client)
{
	client->standing = BE_LIVE;
	client->caught_up = true;
}

static void
lag(BeClient *client, uint64_t cursor)
{
	client->standing = BE_LAGGING;
	client->cursor = cursor;
}

/* The next chunk for a lagging client; NULL when it must wait or has it all. */
static const BeChunk *
next_chunk(BeClient *client, uint32_t *i)
{
	BeGateway  *gateway = client->gateway;
	BeChunk    *chunk;

	if (client->cursor >= gateway->window.floor)
		return be_window_find(&gateway->window, client->cursor, i);
	chunk = be_replay_find(gateway->replay, client->cursor);
	if (chunk == NULL)
		return NULL;
	if (client->conflates && chunk->latest == NULL)
		be_chunk_index(chunk);
	*i = be_chunk_find(chunk, client->cursor);
	return chunk;
}

static void
park(BeClient *client)
{
	BeGateway  *gateway = client->gateway;

	if (client->cursor < gateway->dropped)
	{
		be_fanout_resync(client);
		return;
	}
	client->standing = BE_PARKED;
	be_replay_wait(gateway->replay, &client->waiter, client->cursor);
}

void
be_fanout_go_on(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	uint32_t	looked_at = 0;
	size_t		sent = 0;

	while (!is_choked(client))
	{
		uint32_t	i;
		const BeChunk *chunk;

		if (looked_at > TURN_FRAMES || sent > TURN_BYTES)
		{
			be_socket_want_write(&client->socket);	/* go on in a later turn */
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
be_fanout_place(BeClient *client, uint64_t seq)
{
	be_replay_leave(client->gateway->replay, &client->waiter);
	if (seq >= client->gateway->sent_tip)
	{
		go_live(client);
		return;
	}
	lag(client, seq);
	be_fanout_go_on(client);
}

void
be_fanout_resync(BeClient *client)
{
	be_reply_resync(client);
	be_count(client->gateway, BE_COUNT_RESYNC_REQUIRED, 1);
	be_fanout_place(client, client->gateway->sent_tip);
	be_client_flush(client);
}

/* ---- A batch ---- */

static void
deliver(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	uint64_t	reached = gateway->sent_tip;
	uint32_t	looked_at = 0;
	size_t		sent = 0;
	const BeChunk *chunk;
	uint32_t	i;

	if (client->batch == gateway->batch)
		return;					/* belongs to two groups that are concerned */
	client->batch = gateway->batch;
	if (client->state != BE_CLIENT_OPEN || client->standing != BE_LIVE ||
		client->muted)
		return;
	while (reached < gateway->window.tip &&
		   (chunk = be_window_find(&gateway->window, reached, &i)) != NULL)
	{
		if (is_choked(client))
		{
			lag(client, reached);
			return;
		}
		reached = send_run(client, chunk, i, &looked_at, &sent);
		if (reached == 0)
			return;				/* broken; it is on its way out */
	}
}

static void
deliver_to_group(BeGateway *gateway, BeSpan name)
{
	const BeGroup *group = be_directory_find(&gateway->directory, name);

	if (group == NULL)
		return;
	/* Delivering ends nobody within this turn: the list does not change. */
	for (BeMembership *one = group->first; one; one = one->next)
		deliver(one->member);
}

static void
deliver_directed(BeGateway *gateway, const BeChunk *chunk, const BeFrame *frame)
{
	BeLabels	labels;
	BeSpan		principal;

	be_chunk_labels(chunk, frame, &labels);
	while (be_audience_next(&labels.audience, &principal))
		if (principal.len > 0)
			deliver_to_group(gateway, principal);
}

/* Walk the frames of the batch; true: there is one that everyone may see. */
static bool
batch_is_for_all(const BeGateway *gateway)
{
	uint64_t	seq = gateway->sent_tip;
	const BeChunk *chunk;
	uint32_t	i;

	for (; (chunk = be_window_find(&gateway->window, seq, &i)) != NULL;
		 seq = chunk->covered)
		for (; i < chunk->count; i++)
			if (chunk->frame[i].flags & BE_SEEN_BY_ALL)
				return true;
	return false;
}

void
be_fanout_batch(BeGateway *gateway)
{
	uint64_t	seq = gateway->sent_tip;
	const BeChunk *chunk;
	uint32_t	i;

	if (gateway->window.tip == gateway->sent_tip)
		return;
	gateway->batch++;
	gateway->batch_clients = 0;
	gateway->in_batch = true;
	if (batch_is_for_all(gateway))
	{
		for (BeClient *client = gateway->first; client; client = client->next)
			deliver(client);
	}
	else
	{
		for (; (chunk = be_window_find(&gateway->window, seq, &i)) != NULL;
			 seq = chunk->covered)
			for (; i < chunk->count; i++)
				deliver_directed(gateway, chunk, &chunk->frame[i]);
	}
	gateway->in_batch = false;
	gateway->shared_chunk = NULL;
	gateway->sent_tip = gateway->window.tip;
	be_count_written(gateway);
}
