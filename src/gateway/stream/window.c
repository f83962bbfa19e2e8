/*
 * window.c - the most recent events, framed, within a bound of memory.
 *
 * Memory: the bound counts what the chunks take, index and labels included.  At
 * least one chunk stays, whatever its size.  The index of rows comes on top, and
 * only while a client conflates.
 */
#include "gateway/stream/window.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>

static BeChunk *
chunk_at(const BeWindow *window, uint32_t i)
{
	return window->chunk[(window->head + i) & (window->size - 1)];
}

static void
note_frame(BeWindow *window, const BeChunk *chunk, const BeFrame *frame)
{
	BeSpan		row = be_chunk_row(chunk, frame);

	if (row.len > 0)
		be_latest_note(&window->latest, row, frame->seq);
}

static void
forget_chunk(BeWindow *window, const BeChunk *chunk)
{
	for (uint32_t i = 0; i < chunk->count; i++)
		be_latest_forget(&window->latest, be_chunk_row(chunk, &chunk->frame[i]),
						 chunk->frame[i].seq);
}

static void
drop_oldest(BeWindow *window)
{
	BeChunk    *chunk = chunk_at(window, 0);

	if (window->indexed)
		forget_chunk(window, chunk);
	window->floor = chunk->covered;
	if (window->count > 1)
		window->bytes -= be_chunk_size(chunk);
	window->head = (window->head + 1) & (window->size - 1);
	window->count--;
	be_chunk_free(chunk);
}

void
be_window_reset(BeWindow *window, uint64_t tip)
{
	while (window->count > 0)
		drop_oldest(window);
	window->bytes = 0;
	window->floor = window->tip = tip;
}

void
be_window_limit(BeWindow *window, size_t limit)
{
	window->limit = limit;
	be_window_trim(window);
}

void
be_window_trim(BeWindow *window)
{
	while (window->count > 1 &&
		   window->bytes + be_chunk_size(chunk_at(window, window->count - 1)) >
		   window->limit)
		drop_oldest(window);
}

static void
grow(BeWindow *window)
{
	uint32_t	size = window->size ? window->size * 2 : 16;
	BeChunk   **chunk = be_alloc(sizeof(BeChunk *) * size);

	for (uint32_t i = 0; i < window->count; i++)
		chunk[i] = chunk_at(window, i);
	free(window->chunk);
	window->chunk = chunk;
	window->size = size;
	window->head = 0;
}

static BeChunk *
add_chunk(BeWindow *window)
{
	BeChunk    *chunk = be_chunk_create(window->tip);

	if (window->count > 0)
	{
		BeChunk    *last = chunk_at(window, window->count - 1);

		last->covered = window->tip;
		window->bytes += be_chunk_size(last);
	}
	if (window->count == window->size)
		grow(window);
	window->chunk[(window->head + window->count++) & (window->size - 1)] = chunk;
	return chunk;
}

void
be_window_add(BeWindow *window, const BeEventsMessage *message, uint32_t n,
			  const BeEvent *event)
{
	BeChunk    *last = window->count ? chunk_at(window, window->count - 1) : NULL;

	if (last == NULL || !be_chunk_fits(last, be_envelope_estimate(event)))
		last = add_chunk(window);
	be_chunk_add(last, message, n, event);
	if (window->indexed)
		note_frame(window, last, &last->frame[last->count - 1]);
	window->tip = last->covered;
}

void
be_window_advance(BeWindow *window, uint64_t tip)
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
be_window_index(BeWindow *window, bool indexed)
{
	if (window->indexed == indexed)
		return;
	window->indexed = indexed;
	be_latest_free(&window->latest);
	for (uint32_t c = 0; indexed && c < window->count; c++)
	{
		const BeChunk *chunk = chunk_at(window, c);

		for (uint32_t i = 0; i < chunk->count; i++)
			note_frame(window, chunk, &chunk->frame[i]);
	}
}

const BeChunk *
be_window_find(const BeWindow *window, uint64_t seq, uint32_t *index)
{
	uint32_t	low = 0;
	uint32_t	high = window->count;

	/* The first chunk that reaches above seq. */
	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (chunk_at(window, middle)->covered <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	/* It may hold none above seq, only the seqs of nobody at its end. */
	for (; low < window->count; low++)
	{
		const BeChunk *chunk = chunk_at(window, low);

		*index = be_chunk_find(chunk, seq);
		if (*index < chunk->count)
			return chunk;
	}
	return NULL;
}

void
be_window_free(BeWindow *window)
{
	be_window_reset(window, 0);
	be_latest_free(&window->latest);
	free(window->chunk);
	*window = (BeWindow) {0};
}
