/*
 * window.c - the most recent events, framed, within a bound of memory.
 *
 * Model
 *	A ring of chunks.  Events are appended to the last one until it is full; the oldest are
 *	dropped whole, which moves the floor up.  Chunks follow each other without a gap, so a
 *	seq is found by two binary searches.  While a session conflates there is an index from
 *	each row to the seq of its last event.
 *
 * Concurrency
 *	One thread.  A chunk that was found stays until the window is trimmed, limited or reset,
 *	which its owner does between batches; appending may move its bytes and entries.
 *
 * Memory
 *	The limit counts what the chunks take, entries and labels included; a chunk takes
 *	BEV_CHUNK_SIZE from its first event on.  At least one chunk stays, whatever its size.
 *	The index comes on top: an entry for each row in the window, with a copy of its name.
 *
 * Failure
 *	Appending beyond the limit succeeds, and bev_window_trim brings it back, so a batch is
 *	sent whole.  Who asks for what is below the floor has to look into history first.
 *
 * Cost
 *	An event is framed once, for all clients, and its labels are copied.  An event that
 *	leaves costs nothing but its share of the chunk; with the index, a lookup.
 *
 * What an operator asks
 *	How large should it be?	bugevents.window_size: what comes while a slow client pauses.  Below
 *							it the journal is read, which costs the server, not the client.
 */
#include "gateway/stream/window.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>

static BevChunk *
chunk_at(const BevWindow *window, uint32_t i)
{
	return window->chunk[(window->head + i) & (window->size - 1)];
}

static void
note_frame(BevWindow *window, const BevChunk *chunk, const BevFrame *frame)
{
	BevSpan row = bev_chunk_row(chunk, frame);

	if (row.len > 0)
		bev_latest_note(&window->latest, row, frame->seq);
}

static void
forget_chunk(BevWindow *window, const BevChunk *chunk)
{
	for (uint32_t i = 0; i < chunk->count; i++)
		bev_latest_forget(&window->latest, bev_chunk_row(chunk, &chunk->frame[i]),
		                  chunk->frame[i].seq);
}

static void
drop_oldest(BevWindow *window)
{
	BevChunk *chunk = chunk_at(window, 0);

	if (window->indexed)
		forget_chunk(window, chunk);
	window->floor = chunk->covered;
	if (window->count > 1)
		window->bytes -= bev_chunk_size(chunk);
	window->head = (window->head + 1) & (window->size - 1);
	window->count--;
	bev_chunk_free(chunk);
}

void
bev_window_reset(BevWindow *window, uint64_t tip)
{
	while (window->count > 0)
		drop_oldest(window);
	window->bytes = 0;
	window->floor = window->tip = tip;
}

void
bev_window_limit(BevWindow *window, size_t limit)
{
	window->limit = limit;
	bev_window_trim(window);
}

void
bev_window_trim(BevWindow *window)
{
	while (window->count > 1 &&
	       window->bytes + bev_chunk_size(chunk_at(window, window->count - 1)) > window->limit)
		drop_oldest(window);
}

static void
grow(BevWindow *window)
{
	uint32_t size = window->size ? window->size * 2 : 16;
	BevChunk **chunk = bev_alloc(sizeof(BevChunk *) * size);

	for (uint32_t i = 0; i < window->count; i++)
		chunk[i] = chunk_at(window, i);
	free(window->chunk);
	window->chunk = chunk;
	window->size = size;
	window->head = 0;
}

static BevChunk *
add_chunk(BevWindow *window)
{
	BevChunk *chunk = bev_chunk_create(window->tip);

	if (window->count > 0)
	{
		BevChunk *last = chunk_at(window, window->count - 1);

		last->covered = window->tip;
		window->bytes += bev_chunk_size(last);
	}
	if (window->count == window->size)
		grow(window);
	window->chunk[(window->head + window->count++) & (window->size - 1)] = chunk;
	return chunk;
}

void
bev_window_add(BevWindow *window, const BevEventsMessage *message, uint32_t n,
               const BevEvent *event)
{
	BevChunk *last = window->count ? chunk_at(window, window->count - 1) : NULL;

	if (last == NULL || !bev_chunk_fits(last, bev_envelope_estimate(event)))
		last = add_chunk(window);
	bev_chunk_add(last, message, n, event);
	if (window->indexed)
		note_frame(window, last, &last->frame[last->count - 1]);
	window->tip = last->covered;
}

void
bev_window_advance(BevWindow *window, uint64_t tip)
{
	if (tip <= window->tip)
		return;
	window->tip = tip;
	if (window->count > 0)
		chunk_at(window, window->count - 1)->covered = tip;
	else
		window->floor = tip;
}

void
bev_window_index(BevWindow *window, bool indexed)
{
	if (window->indexed == indexed)
		return;
	window->indexed = indexed;
	bev_latest_free(&window->latest);
	for (uint32_t c = 0; indexed && c < window->count; c++)
	{
		const BevChunk *chunk = chunk_at(window, c);

		for (uint32_t i = 0; i < chunk->count; i++)
			note_frame(window, chunk, &chunk->frame[i]);
	}
}

const BevChunk *
bev_window_find(const BevWindow *window, uint64_t seq, uint32_t *index)
{
	uint32_t low = 0;
	uint32_t high = window->count;

	/* The first chunk that reaches above seq. */
	while (low < high)
	{
		uint32_t middle = (low + high) / 2;

		if (chunk_at(window, middle)->covered <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	/* It may hold none above seq, only the seqs of nobody at its end. */
	for (; low < window->count; low++)
	{
		const BevChunk *chunk = chunk_at(window, low);

		*index = bev_chunk_find(chunk, seq);
		if (*index < chunk->count)
			return chunk;
	}
	return NULL;
}

void
bev_window_free(BevWindow *window)
{
	bev_window_reset(window, 0);
	bev_latest_free(&window->latest);
	free(window->chunk);
	*window = (BevWindow){0};
}
