/*
 * fanout.c - brings the stream to the sessions.
 *
 * Model
 *	1. Everything that arrived together is a batch: what is in the window above sent_tip.
 *	2. A batch with an event for everyone walks all sessions; one without looks its
 *	   sessions up in the directory, so that a notification touches one of ten thousand.
 *	   Sessions that ask for certain values are found by the values of each event instead
 *	   (subscribers.c), and look at what was found for them only.
 *	3. What a session may see and wants is written at once, as runs of frames: adjacent
 *	   frames go out from the window itself, others are gathered first, so that each run is
 *	   one write.
 *	4. A session that the kernel has no more room for lags: its position is kept, and
 *	   bev_fanout_go_on continues when there is room.  Below the window's floor it takes
 *	   chunks of history, and is parked until replay.c has the next one.
 *	5. While no admin is connected, what is for admins isn't sent to us.  An admin is held
 *	   where he stands until it is, and takes what came before from history, not from the
 *	   window.
 *	6. One that conflates skips, while it lags, what a later event of the same row
 *	   overtakes: anywhere in the window, or in the chunk of history at hand.  The last
 *	   state itself is skipped by nobody, and so arrives whatever comes in between.
 *
 *	Why at once and not when the library says writable: under libuv each round trip through
 *	its poll costs three epoll_ctl calls, 2.6 times the price of a delivery.
 *
 * Concurrency
 *	One thread.  The window does not change within a batch, so a run for everyone is put
 *	together once and shared; between batches sent_tip is the window's tip.  A session that
 *	ended in this turn is still in the list, the directory and the replay: its state keeps
 *	events from it (test/gateway/ending.py, tables.py).
 *
 * Memory
 *	A session has a position, not a queue.  The library keeps a copy of what the kernel did
 *	not take, at most one run for each: BEV_CHUNK_SIZE bytes, or one larger frame
 *	(test/gateway/slow.py).  One buffer gathers the runs of all.
 *
 * Failure
 *	A connection that turns out to be broken is dropped at the end of the turn; the batch
 *	goes on with the others.  A position whose history is gone is answered by
 *	resync_required, and the session goes on from the tip (test/gateway/replay.py).
 *
 * Cost
 *	Of a batch for everyone: a look at each session, and for each that is live one write per
 *	chunk.  Of a directed one: a lookup for each principal of each event, and its members.
 *	A subscription costs a binary search for each of its lists and event; of a session that is
 *	found by values, for the events that have one of them.  Who catches up gets
 *	TURN_BYTES or TURN_FRAMES in a turn, so that others are not kept waiting.
 *
 * What an operator asks
 *	Who doesn't keep up?	bugevents_lagging_clients; the lag of each in bugevents.connections.
 *	How long does it take?	bugevents_delivery_seconds; bugevents.log_slow_delivery tells of each.
 */
#include "gateway/session/fanout.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <stdlib.h>
#include <stddef.h>

/*
 * What one client gets in one turn before others are looked after: bytes written
 * and frames passed over.
 */
#define TURN_BYTES  (1024 * 1024)
#define TURN_FRAMES 20000

static bool
is_for(const BevFanout *fanout, const BevSession *session, const BevChunk *chunk,
       const BevFrame *frame)
{
	BevLabels labels;

	if (session->subscription == NULL && bev_seen_by_everyone(frame->flags))
		return true;
	bev_subscribers_judge(&fanout->subscribers, session, chunk, frame, &labels);
	return bev_audience_matches(labels.audience, frame->flags, &session->principals) &&
	       bev_subscription_passes(session->subscription, &labels.subject);
}

/* ---- What sessions want ---- */

void
bev_fanout_subscribe(BevFanout *fanout, BevSession *session, BevSubscription *subscription)
{
	bev_subscribers_set(&fanout->subscribers, session, subscription);
}

/* ---- Conflation ---- */

void
bev_fanout_conflate(BevFanout *fanout, BevSession *session, bool conflate)
{
	if (session->conflates == conflate)
		return;
	session->conflates = conflate;
	fanout->conflating += conflate ? 1 : -1;
	bev_window_index(&fanout->stream.window, fanout->conflating > 0);
}

/* Does the window hold a later state of this row, and is that for the client? */
static bool
is_later_in_window(const BevFanout *fanout, const BevSession *session, BevSpan row, uint64_t seq)
{
	const BevWindow *window = &fanout->stream.window;
	uint64_t last = bev_latest_find(&window->latest, row);
	const BevChunk *chunk;
	uint32_t i;

	if (last <= seq || (chunk = bev_window_find(window, last - 1, &i)) == NULL)
		return false;
	return is_for(fanout, session, chunk, &chunk->frame[i]);
}

static bool
is_later_in_chunk(const BevFanout *fanout, const BevSession *session, const BevChunk *chunk,
                  BevSpan row, uint64_t seq)
{
	uint64_t last = chunk->latest ? bev_latest_find(chunk->latest, row) : 0;

	return last > seq &&
	       is_for(fanout, session, chunk, &chunk->frame[bev_chunk_find(chunk, last - 1)]);
}

/* Will the client see a later state of the row instead? */
static bool
is_overtaken(const BevFanout *fanout, const BevSession *session, const BevChunk *chunk,
             const BevFrame *frame)
{
	BevSpan row = bev_chunk_row(chunk, frame);

	return row.len > 0 && (is_later_in_window(fanout, session, row, frame->seq) ||
	                       is_later_in_chunk(fanout, session, chunk, row, frame->seq));
}

/* ---- Runs ---- */

/* The first frame from i on that may be for the session; the chunk's count: there is none. */
static uint32_t
next_frame(const BevFanout *fanout, BevSession *session, const BevChunk *chunk, uint32_t i)
{
	if (!fanout->in_batch || session->finding == BEV_WALKED)
		return i;
	return bev_subscribers_next(&fanout->subscribers, session, chunk, i);
}

/* By HTTP an event is written anew; in each form once for all who narrow nothing. */
static void
write_event(BevFanout *fanout, const BevSession *session, const BevChunk *chunk,
            const BevFrame *frame)
{
	BevSpan json = bev_frame_body(bev_chunk_bytes(chunk, frame, session->principals.is_admin));
	BevLabels labels;

	bev_chunk_labels(chunk, frame, &labels);
	bev_http_event_add(&fanout->scratch, session->http->form, fanout->stream.id, frame->seq,
	                   labels.subject.type, labels.subject.action, json);
}

/*
 * Collect from frame i on what is for the session, up to BEV_CHUNK_SIZE bytes, one
 * frame at least.
 */
static BevRun
gather(BevFanout *fanout, BevSession *session, const BevChunk *chunk, uint32_t i,
       bool *for_everyone)
{
	BevText *scratch = &fanout->scratch;
	uint32_t from = i;
	bool gathered = false;
	bool conflates = session->conflates && session->standing != BEV_LIVE;
	BevRun run = {0};

	scratch->len = 0;
	for (i = next_frame(fanout, session, chunk, i); i < chunk->count;
	     i = next_frame(fanout, session, chunk, i + 1))
	{
		const BevFrame *frame = &chunk->frame[i];
		BevSpan bytes = bev_chunk_bytes(chunk, frame, session->principals.is_admin);

		*for_everyone &= bev_seen_by_everyone(frame->flags) && frame->open_length == 0;
		if (!is_for(fanout, session, chunk, frame) ||
		    (conflates && is_overtaken(fanout, session, chunk, frame)))
			continue;
		if (run.len > 0 && run.len + bytes.len > BEV_CHUNK_SIZE)
			break;
		run.frames++;
		if (session->http)
		{
			write_event(fanout, session, chunk, frame);
			run.len = scratch->len;
			continue;
		}
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
	}
	run.looked_at = i - from;
	run.reached = i < chunk->count ? chunk->frame[i].seq - 1 : chunk->covered;
	if (gathered || session->http)
		run.data = scratch->data;
	return run;
}

/*
 * The same; within a batch a run that everyone may see is put together once for
 * all who narrow nothing.
 */
static BevRun
collect(BevFanout *fanout, BevSession *session, const BevChunk *chunk, uint32_t i)
{
	BevShared *shared = &fanout->shared[bev_session_form(session)];
	bool shareable = fanout->in_batch && session->subscription == NULL;
	BevRun run;

	if (shareable && shared->chunk == chunk && shared->from == i)
		return shared->run;
	run = gather(fanout, session, chunk, i, &shareable);
	if (!shareable)
		return run;
	shared->chunk = chunk;
	shared->from = i;
	shared->run = run;
	if (session->http)
	{
		BevText other = shared->text;

		shared->text = fanout->scratch; /* run.data is there */
		fanout->scratch = other;
	}
	return run;
}

/* False: the connection broke. */
static bool
write_run(BevFanout *fanout, BevSession *session, const BevRun *run)
{
	if (run->len == 0)
		return true;
	if (bev_session_form(session) == BEV_FORM_JSON)
	{
		bev_text_add(&session->http->events, run->data, run->len);
		return true;
	}
	bev_count(fanout->counts, BEV_COUNT_BYTES_SENT, run->len);
	return bev_socket_write(fanout->sessions->sockets, &session->socket, run->data, run->len);
}

/*
 * Send from frame i of a chunk.  Returns the position reached; 0 when the
 * connection broke.
 */
static uint64_t
send_run(BevFanout *fanout, BevSession *session, const BevChunk *chunk, uint32_t i,
         uint32_t *looked_at, size_t *sent)
{
	BevRun run = collect(fanout, session, chunk, i);

	if (fanout->in_batch && *sent == 0 && run.len > 0)
		fanout->batch_clients++;
	*looked_at += run.looked_at;
	*sent += run.len;
	session->sent += run.frames;
	bev_count(fanout->counts, BEV_COUNT_DELIVERED, run.frames);
	return write_run(fanout, session, &run) ? run.reached : 0;
}

static bool
is_choked(const BevSession *session)
{
	return session->out.len > 0 || bev_socket_is_choked(&session->socket);
}

static void
go_live(BevSession *session)
{
	session->standing = BEV_LIVE;
	session->caught_up = true;
}

static void
lag(BevSession *session, uint64_t cursor)
{
	session->standing = BEV_LAGGING;
	session->cursor = cursor;
}

/* ---- Answers in JSON ---- */

/* Has it got so much that it is to be answered at once? */
static bool
is_full(const BevSession *session)
{
	return bev_session_form(session) == BEV_FORM_JSON &&
	       session->http->events.len >= BEV_CHUNK_SIZE;
}

static void
answer(BevFanout *fanout, BevSession *session, uint64_t reached)
{
	lag(session, reached);
	bev_http_stream_answer(session->http, &session->out, fanout->stream.id, reached);
	bev_session_end(session, BEV_CLOSE_NORMAL, "");
}

void
bev_fanout_answer(BevFanout *fanout, BevSession *session)
{
	answer(fanout, session, bev_session_position(session));
}

/* It has everything up to here: an answer, if it waits for one, unless it may still wait. */
static void
answer_if_due(BevFanout *fanout, BevSession *session, uint64_t reached)
{
	if (bev_session_form(session) == BEV_FORM_JSON &&
	    (session->http->events.len > 0 || bev_session_now(session) >= session->http->wait_until))
		answer(fanout, session, reached);
}

/* ---- Catching up ---- */

bool
bev_fanout_serves(const BevFanout *fanout, const BevSession *session)
{
	return bev_stream_serves(&fanout->stream, session->principals.is_admin);
}

/* What the window has for it begins behind this seq. */
static uint64_t
floor_for(const BevFanout *fanout, const BevSession *session)
{
	return bev_stream_floor(&fanout->stream, session->principals.is_admin);
}

/* It waits for SCOPE, and for nothing in history. */
static void
hold(BevSession *session, uint64_t cursor)
{
	session->standing = BEV_PARKED;
	session->cursor = cursor;
}

static bool
is_held(const BevSession *session)
{
	return session->state == BEV_SESSION_OPEN && session->standing == BEV_PARKED &&
	       !session->waiter.waiting;
}

void
bev_fanout_release_one(BevFanout *fanout, BevSession *session)
{
	if (!is_held(session) || !bev_fanout_serves(fanout, session))
		return;
	session->standing = BEV_LAGGING;
	bev_fanout_go_on(fanout, session);
}

void
bev_fanout_release(BevFanout *fanout)
{
	BevSession *session;

	LIST_FOREACH (session, &fanout->sessions->open, entry)
	{
		/* What it asked for can't be had any more. */
		if (session->waiter.whole && !bev_stream_serves(&fanout->stream, true))
			bev_replay_leave(&session->waiter);
		bev_fanout_release_one(fanout, session);
	}
}

/* The next chunk for a lagging session; NULL when it must wait or has it all. */
static const BevChunk *
next_chunk(BevFanout *fanout, BevSession *session, uint32_t *i)
{
	BevChunk *chunk;

	if (session->cursor >= floor_for(fanout, session))
		return bev_window_find(&fanout->stream.window, session->cursor, i);
	chunk = bev_replay_find(fanout->stream.replay, session->cursor, session->principals.is_admin);
	if (chunk == NULL)
		return NULL;
	if (session->conflates && chunk->latest == NULL)
		bev_chunk_index(chunk);
	*i = bev_chunk_find(chunk, session->cursor);
	return chunk;
}

static void
park(BevFanout *fanout, BevSession *session)
{
	if (session->cursor < fanout->stream.dropped)
	{
		bev_fanout_resync(fanout, session);
		return;
	}
	hold(session, session->cursor);
	if (bev_fanout_serves(fanout, session))
		bev_replay_wait(fanout->stream.replay, &session->waiter, session->cursor,
		                session->principals.is_admin);
}

void
bev_fanout_go_on(BevFanout *fanout, BevSession *session)
{
	uint32_t looked_at = 0;
	size_t sent = 0;

	while (!is_choked(session))
	{
		uint32_t i;
		const BevChunk *chunk;

		if (looked_at > TURN_FRAMES || sent > TURN_BYTES)
		{
			bev_socket_want_write(&session->socket); /* go on in a later turn */
			return;
		}
		chunk = next_chunk(fanout, session, &i);
		if (chunk == NULL && session->cursor < floor_for(fanout, session))
		{
			park(fanout, session);
			return;
		}
		if (chunk == NULL)
		{
			go_live(session);
			answer_if_due(fanout, session, fanout->sessions->sent_tip);
			return;
		}
		session->cursor = send_run(fanout, session, chunk, i, &looked_at, &sent);
		if (is_full(session))
		{
			answer(fanout, session, session->cursor);
			return;
		}
	}
}

void
bev_fanout_place(BevFanout *fanout, BevSession *session, uint64_t seq)
{
	bev_replay_leave(&session->waiter);
	if (seq >= fanout->sessions->sent_tip)
	{
		go_live(session);
		answer_if_due(fanout, session, fanout->sessions->sent_tip);
		return;
	}
	lag(session, seq);
	bev_fanout_go_on(fanout, session);
}

void
bev_fanout_resync(BevFanout *fanout, BevSession *session)
{
	bev_reply_resync(session, fanout->stream.id, fanout->stream.dropped, fanout->stream.window.tip);
	bev_count(fanout->counts, BEV_COUNT_RESYNC_REQUIRED, 1);
	if (session->state != BEV_SESSION_OPEN)
		return; /* that was its answer */
	bev_fanout_place(fanout, session, fanout->sessions->sent_tip);
	bev_session_flush(session);
}

/* ---- History ---- */

static BevSession *
session_of(BevWaiter *waiter)
{
	return (BevSession *) ((char *) waiter - offsetof(BevSession, waiter));
}

static void
on_fetch(void *owner, const BevFetchMessage *message)
{
	BevFanout *fanout = owner;

	bev_link_send(fanout->link, BEV_MSG_FETCH, message, NULL, 0);
}

/* A session that ended in this turn may still wait. */
static void
on_ready(void *owner, BevWaiter *waiter)
{
	BevSession *session = session_of(waiter);

	if (session->state != BEV_SESSION_OPEN)
		return;
	session->standing = BEV_LAGGING;
	bev_fanout_go_on(owner, session);
}

static void
on_gone(void *owner, BevWaiter *waiter)
{
	BevSession *session = session_of(waiter);

	if (session->state == BEV_SESSION_OPEN)
		bev_fanout_resync(owner, session);
}

static const BevReplayEvents replay_events = {
	.fetch = on_fetch,
	.ready = on_ready,
	.gone = on_gone,
};

/* ---- A batch ---- */

static void
deliver(BevFanout *fanout, BevSession *session)
{
	uint64_t reached = fanout->sessions->sent_tip;
	uint32_t looked_at = 0;
	size_t sent = 0;
	const BevChunk *chunk;
	uint32_t i;

	if (session->batch == fanout->batch)
		return; /* belongs to two groups that are concerned */
	session->batch = fanout->batch;
	if (session->state != BEV_SESSION_OPEN || session->standing != BEV_LIVE || session->muted)
		return;
	if (!bev_fanout_serves(fanout, session))
	{
		hold(session, reached);
		return;
	}
	while (reached < fanout->stream.window.tip &&
	       (chunk = bev_window_find(&fanout->stream.window, reached, &i)) != NULL)
	{
		if (is_choked(session))
		{
			lag(session, reached);
			return;
		}
		reached = send_run(fanout, session, chunk, i, &looked_at, &sent);
		if (reached == 0)
			return; /* broken; it is on its way out */
		if (is_full(session))
			break;
	}
	answer_if_due(fanout, session, reached);
}

static void
deliver_to_group(BevFanout *fanout, BevSpan name)
{
	const BevGroup *group = bev_directory_find(&fanout->sessions->directory, name);
	BevMembership *one;

	if (group == NULL)
		return;
	/* Whoever ends leaves at the end of the turn: the list does not change. */
	LIST_FOREACH (one, &group->members[BEV_WALKED], entry)
		deliver(fanout, one->member);
}

static void
deliver_directed(BevFanout *fanout, const BevChunk *chunk, const BevFrame *frame)
{
	BevLabels labels;
	BevSpan principal;

	bev_chunk_labels(chunk, frame, &labels);
	while (bev_audience_next(&labels.audience, &principal))
		if (principal.len > 0)
			deliver_to_group(fanout, principal);
}

/* Where a walk over the frames of the batch is; all zero: in front of the first. */
typedef struct Walk
{
	const BevChunk *chunk;
	uint32_t i;
} Walk;

static const BevFrame *
next_of_batch(const BevFanout *fanout, Walk *walk)
{
	uint64_t seq = walk->chunk ? walk->chunk->covered : fanout->sessions->sent_tip;

	if (walk->chunk == NULL || ++walk->i == walk->chunk->count)
		walk->chunk = bev_window_find(&fanout->stream.window, seq, &walk->i);
	return walk->chunk ? &walk->chunk->frame[walk->i] : NULL;
}

/* Is there an event that everyone may see? */
static bool
batch_is_for_all(const BevFanout *fanout)
{
	Walk walk = {0};
	const BevFrame *frame;

	while ((frame = next_of_batch(fanout, &walk)) != NULL)
		if (frame->flags & BEV_SEEN_BY_ALL)
			return true;
	return false;
}

static void
deliver_to_walked(BevFanout *fanout)
{
	Walk walk = {0};
	const BevFrame *frame;
	BevSession *session;

	if (batch_is_for_all(fanout))
		LIST_FOREACH (session, &fanout->sessions->finding[BEV_WALKED], same_finding)
			deliver(fanout, session);
	else
		while ((frame = next_of_batch(fanout, &walk)) != NULL)
			deliver_directed(fanout, walk.chunk, frame);
}

static void
deliver_to_sought(BevFanout *fanout)
{
	BevSubscribers *subscribers = &fanout->subscribers;
	Walk walk = {0};
	const BevFrame *frame;

	if (LIST_EMPTY(&fanout->sessions->finding[BEV_SOUGHT]))
		return;
	bev_subscribers_begin(subscribers, fanout->batch);
	while ((frame = next_of_batch(fanout, &walk)) != NULL)
		bev_subscribers_find(subscribers, fanout->sessions, walk.chunk, frame);
	for (uint32_t i = 0; i < subscribers->count; i++)
		deliver(fanout, subscribers->found[i].session);
}

void
bev_fanout_batch(BevFanout *fanout)
{
	if (fanout->stream.window.tip == fanout->sessions->sent_tip)
		return;
	fanout->batch++;
	fanout->batch_clients = 0;
	fanout->in_batch = true;
	deliver_to_walked(fanout);
	deliver_to_sought(fanout);
	fanout->in_batch = false;
	for (int form = 0; form < BEV_FORMS; form++)
		fanout->shared[form].chunk = NULL;
	fanout->sessions->sent_tip = fanout->stream.window.tip;
	bev_count_written(fanout->counts, fanout->batch_clients, fanout->config->log_slow_delivery);
}

/* ---- Its life ---- */

void
bev_fanout_begin(BevFanout *fanout)
{
	fanout->stream.replay = bev_replay_create(&replay_events, fanout);
}

void
bev_fanout_free(BevFanout *fanout)
{
	bev_window_free(&fanout->stream.window);
	bev_replay_free(fanout->stream.replay);
	bev_subscribers_free(&fanout->subscribers);
	bev_position_wait_free(&fanout->waits);
	bev_row_cache_free(&fanout->stream.rows);
	free(fanout->stream.past);
	bev_text_free(&fanout->scratch);
	for (int form = 0; form < BEV_FORMS; form++)
		bev_text_free(&fanout->shared[form].text);
}

void
bev_fanout_leave(BevFanout *fanout, BevSession *session)
{
	bev_replay_leave(&session->waiter);
	bev_fanout_conflate(fanout, session, false);
	bev_subscribers_leave(&fanout->subscribers, session);
	bev_position_wait_leave(&fanout->waits, session);
}
