/*
 * chunk.c - a run of events, framed for the wire, with what routes them.
 *
 * Memory: bytes are allocated for the whole chunk at once (a chunk is full or
 * the last of its window), labels and index grow as they fill.
 */
#include "gateway/stream/chunk.h"
#include "common/event/audience.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

BeChunk *
be_chunk_create(uint64_t after)
{
	BeChunk    *chunk = be_alloc(sizeof(*chunk));

	chunk->after = after;
	chunk->covered = after;
	return chunk;
}

void
be_chunk_free(BeChunk *chunk)
{
	if (chunk == NULL)
		return;
	be_text_free(&chunk->bytes);
	be_text_free(&chunk->labels);
	if (chunk->latest)
		be_latest_free(chunk->latest);
	free(chunk->latest);
	free(chunk->frame);
	free(chunk);
}

size_t
be_chunk_size(const BeChunk *chunk)
{
	return sizeof(*chunk) + chunk->bytes.size + chunk->labels.size +
		chunk->room * sizeof(BeFrame);
}

bool
be_chunk_fits(const BeChunk *chunk, size_t length)
{
	return chunk->count == 0 || chunk->bytes.len + length <= BE_CHUNK_SIZE;
}

static void
add_label(BeChunk *chunk, BeSpan label)
{
	be_text_add(&chunk->labels, label.data, label.len);
	be_text_add(&chunk->labels, "", 1);
}

static BeFrame *
add_frame(BeChunk *chunk)
{
	if (chunk->count == chunk->room)
	{
		chunk->room = chunk->room ? chunk->room * 2 : 16;
		chunk->frame = be_realloc(chunk->frame, chunk->room * sizeof(BeFrame));
	}
	return &chunk->frame[chunk->count++];
}

void
be_chunk_add(BeChunk *chunk, const BeEventsMessage *message, uint32_t n,
			 const BeEvent *event)
{
	BeFrame    *frame = add_frame(chunk);
	size_t		start = chunk->bytes.len;

	if (chunk->bytes.data == NULL)
		be_text_reserve(&chunk->bytes, BE_CHUNK_SIZE);
	*frame = (BeFrame) {
		.seq = message->first_seq + n,
		.offset = (uint32_t) start,
		.labels = (uint32_t) chunk->labels.len,
		.audience_len = event->field[BE_EVENT_AUDIENCE].len,
		.flags = be_audience_flags(event->field[BE_EVENT_AUDIENCE]),
	};
	be_envelope_add(&chunk->bytes, message, n, event, true);
	frame->length = (uint32_t) (chunk->bytes.len - start);
	if (event->field[BE_EVENT_OPEN_PAYLOAD].len > 0)
	{
		be_envelope_add(&chunk->bytes, message, n, event, false);
		frame->open_length = (uint32_t) (chunk->bytes.len - start - frame->length);
	}
	add_label(chunk, event->field[BE_EVENT_TYPE]);
	add_label(chunk, event->field[BE_EVENT_KEY]);
	add_label(chunk, event->field[BE_EVENT_ACTION]);
	add_label(chunk, event->field[BE_EVENT_PROJECT]);
	add_label(chunk, event->field[BE_EVENT_BUG]);
	add_label(chunk, event->field[BE_EVENT_AUDIENCE]);
	chunk->covered = frame->seq;
}

void
be_chunk_labels(const BeChunk *chunk, const BeFrame *frame, BeLabels *labels)
{
	labels->type = chunk->labels.data + frame->labels;
	labels->key = labels->type + strlen(labels->type) + 1;
	labels->action = labels->key + strlen(labels->key) + 1;
	labels->project = labels->action + strlen(labels->action) + 1;
	labels->bug = labels->project + strlen(labels->project) + 1;
	labels->audience.data = labels->bug + strlen(labels->bug) + 1;
	labels->audience.len = frame->audience_len;
}

BeSpan
be_chunk_row(const BeChunk *chunk, const BeFrame *frame)
{
	const char *type = chunk->labels.data + frame->labels;
	const char *key = type + strlen(type) + 1;
	size_t		key_len = strlen(key);

	return (BeSpan) {type, key_len ? (uint32_t) (key - type + key_len) : 0};
}

void
be_chunk_index(BeChunk *chunk)
{
	chunk->latest = be_alloc(sizeof(BeLatest));
	for (uint32_t i = 0; i < chunk->count; i++)
	{
		BeSpan		row = be_chunk_row(chunk, &chunk->frame[i]);

		if (row.len > 0)
			be_latest_note(chunk->latest, row, chunk->frame[i].seq);
	}
}

uint32_t
be_chunk_find(const BeChunk *chunk, uint64_t seq)
{
	uint32_t	low = 0;
	uint32_t	high = chunk->count;

	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (chunk->frame[middle].seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
