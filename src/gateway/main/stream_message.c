/*
 * stream_message.c - takes in what the dispatcher says of the stream.
 *
 * Model: EVENTS and PROGRESS only fill the window; the batch is sent when all that
 * arrived together is taken in.  Whatever else moves sessions (STREAM, FETCHED)
 * sends the batch so far first: between batches, live means "has everything up to
 * sent_tip".
 */
#include "gateway/main/stream_message.h"
#include "common/pipe/body.h"
#include "gateway/session/reply.h"

#include <stdlib.h>
#include <string.h>

static void
set_dropped(BevStream *stream, uint64_t dropped)
{
	if (dropped > stream->dropped)
		stream->dropped = dropped;
}

/* ---- STREAM ---- */

static void
restart_window(BevFanout *fanout, uint64_t tip)
{
	bev_window_reset(&fanout->stream.window, tip);
	bev_row_cache_forget(&fanout->stream.rows);
	fanout->stream.mid_transaction = false;
	fanout->sessions->sent_tip = tip;
}

/* The same stream, further on: what lies between must be fetched. */
static void
skip_ahead(BevFanout *fanout, uint64_t tip)
{
	BevSession *session;
	uint64_t had = fanout->sessions->sent_tip;

	restart_window(fanout, tip);
	LIST_FOREACH (session, &fanout->sessions->open, entry)
		if (session->state == BEV_SESSION_OPEN && session->standing == BEV_LIVE && !session->muted)
			bev_fanout_place(fanout, session, had);
}

static void
take_past_eras(BevStream *stream, BevSpan eras)
{
	BevPastEra *past = realloc(stream->past, eras.len + 1);
	size_t count = 0;

	stream->past_count = 0;
	if (past == NULL)
		return; /* positions in them are refused */
	while (bev_body_next_era(&eras, &past[count]))
		count++;
	stream->past = past;
	stream->past_count = count;
}

/* Another stream: nobody's position means anything any more. */
static void
replace(BevFanout *fanout, const BevStreamMessage *begun)
{
	BevSession *session;
	BevStream *stream = &fanout->stream;

	stream->dropped = begun->dropped;
	restart_window(fanout, begun->tip);
	LIST_FOREACH (session, &fanout->sessions->open, entry)
		if (session->state == BEV_SESSION_OPEN)
			bev_fanout_resync(fanout, session);
	bev_replay_reset(stream->replay);
}

/* The same one under another name: all stand where they stood, and are told. */
static void
rename_stream(BevFanout *fanout, const BevStreamMessage *begun)
{
	BevSession *session;

	set_dropped(&fanout->stream, begun->dropped);
	LIST_FOREACH (session, &fanout->sessions->open, entry)
		if (session->state == BEV_SESSION_OPEN)
		{
			bev_reply_stream(session, begun->id, bev_session_position(session));
			bev_session_flush(session);
		}
}

bool
bev_stream_message_begin(BevAccessUpdates *updates, const BevMessage *message)
{
	BevFanout *fanout = updates->fanout;
	BevStream *stream = &fanout->stream;
	BevStreamMessage begun;
	BevSpan eras;
	bool same;
	bool skips;
	char before[BEV_STREAM_ID_LEN + 1];

	if (!bev_body_read(message, &begun, sizeof(begun), &eras))
		return false;
	bev_fanout_batch(fanout);
	memcpy(before, stream->id, sizeof(before));
	memcpy(stream->id, begun.id, BEV_STREAM_ID_LEN);
	stream->follows = begun.follows != 0;
	stream->whole_from = BEV_NOT_WHOLE;
	take_past_eras(stream, eras);
	same = strcmp(before, begun.id) == 0;
	skips = begun.tip > fanout->sessions->sent_tip;
	if (!same && begun.tip == fanout->sessions->sent_tip && begun.tip >= begun.dropped &&
	    bev_stream_knows(stream, before, begun.tip, begun.tip))
	{
		rename_stream(fanout, &begun);
		return true;
	}
	if (before[0] && (!same || skips))
		bev_access_update_missed(updates);
	if (!same)
		replace(fanout, &begun);
	else
	{
		set_dropped(stream, begun.dropped);
		if (skips)
			skip_ahead(fanout, begun.tip);
	}
	return true;
}

/* ---- EVENTS, PROGRESS ---- */

static bool
take_event(BevAccessUpdates *updates, const BevEventsMessage *events, uint32_t n,
           const BevEvent *event)
{
	BevFanout *fanout = updates->fanout;
	uint64_t seq = events->first_seq + n;

	if (events->request != 0)
		return bev_replay_add(fanout->stream.replay, events, n, event);
	if (seq <= fanout->stream.window.tip)
		return false; /* twice, or out of order */
	if (!bev_access_update_event(updates, seq, event->field[BEV_EVENT_ACCESS]))
		return false;
	bev_window_add(&fanout->stream.window, events, n, event);
	bev_row_cache_apply(&fanout->stream.rows, event);
	fanout->stream.mid_transaction = events->tx_n + n < events->tx_of;
	bev_count_committed(fanout->counts, seq, events->at);
	return true;
}

bool
bev_stream_message_events(BevAccessUpdates *updates, const BevMessage *message)
{
	BevEventsMessage events;
	BevSpan records;

	if (!bev_body_read(message, &events, sizeof(events), &records) ||
	    !updates->fanout->stream.id[0])
		return false;
	for (uint32_t n = 0; n < events.count; n++)
	{
		BevEvent event;

		if (!bev_body_next_record(&records, &event) || !take_event(updates, &events, n, &event))
			return false;
	}
	return records.len == 0;
}

bool
bev_stream_message_progress(BevFanout *fanout, const BevMessage *message)
{
	BevProgressMessage progress;

	if (!bev_body_read(message, &progress, sizeof(progress), NULL) || !fanout->stream.id[0])
		return false;
	set_dropped(&fanout->stream, progress.dropped);
	bev_window_advance(&fanout->stream.window, progress.tip);
	return true;
}

/* ---- SCOPE ---- */

/*
 * What came so far is sent as what it is.  Rows that were read have the one or the other, and are
 * read again.
 */
bool
bev_stream_message_scope(BevFanout *fanout, const BevMessage *message)
{
	BevStream *stream = &fanout->stream;
	BevScopeMessage scope;

	if (!bev_body_read(message, &scope, sizeof(scope), NULL) || !stream->id[0])
		return false;
	bev_window_advance(&stream->window, scope.after);
	bev_fanout_batch(fanout);
	stream->whole_from = scope.whole ? stream->window.tip : BEV_NOT_WHOLE;
	bev_row_cache_forget(&stream->rows);
	bev_fanout_release(fanout);
	return true;
}

/* ---- FETCHED ---- */

bool
bev_stream_message_fetched(BevFanout *fanout, const BevMessage *message)
{
	BevFetchedMessage fetched;

	if (!bev_body_read(message, &fetched, sizeof(fetched), NULL))
		return false;
	set_dropped(&fanout->stream, fetched.dropped);
	bev_fanout_batch(fanout);
	return bev_replay_end(fanout->stream.replay, &fetched,
	                      bev_stream_serves(&fanout->stream, true));
}
