/*
 * chunk.c - a run of events, framed for the wire, with what routes them.
 *
 * Memory: bytes are allocated for the whole chunk at once (a chunk is full or
 * the last of its window), labels and index grow as they fill.  What is made of them when somebody
 * asks, latest and facts, comes on top of bev_chunk_size.
 */
#include "gateway/stream/chunk.h"
#include "common/event/audience.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

BevChunk *
bev_chunk_create(uint64_t after)
{
	BevChunk *chunk = bev_alloc(sizeof(*chunk));

	chunk->after = after;
	chunk->covered = after;
	chunk->facts = bev_alloc(sizeof(*chunk->facts));
	return chunk;
}

void
bev_chunk_free(BevChunk *chunk)
{
	if (chunk == NULL)
		return;
	bev_text_free(&chunk->bytes);
	bev_text_free(&chunk->labels);
	if (chunk->latest)
		bev_latest_free(chunk->latest);
	free(chunk->latest);
	bev_fact_table_free(chunk->facts);
	free(chunk->facts);
	free(chunk->frame);
	free(chunk);
}

size_t
bev_chunk_size(const BevChunk *chunk)
{
	return sizeof(*chunk) + chunk->bytes.size + chunk->labels.size + chunk->room * sizeof(BevFrame);
}

bool
bev_chunk_fits(const BevChunk *chunk, size_t length)
{
	return chunk->count == 0 || chunk->bytes.len + length <= BEV_CHUNK_SIZE;
}

static void
add_label(BevChunk *chunk, BevSpan label)
{
	bev_text_add(&chunk->labels, label.data, label.len);
	bev_text_add(&chunk->labels, "", 1);
}

static BevFrame *
add_frame(BevChunk *chunk)
{
	if (chunk->count == chunk->room)
	{
		chunk->room = chunk->room ? chunk->room * 2 : 16;
		chunk->frame = bev_realloc(chunk->frame, chunk->room * sizeof(BevFrame));
	}
	return &chunk->frame[chunk->count++];
}

void
bev_chunk_add(BevChunk *chunk, const BevEventsMessage *message, uint32_t n, const BevEvent *event)
{
	BevFrame *frame = add_frame(chunk);
	size_t start = chunk->bytes.len;

	if (chunk->bytes.data == NULL)
		bev_text_reserve(&chunk->bytes, BEV_CHUNK_SIZE);
	*frame = (BevFrame){
		.seq = message->first_seq + n,
		.offset = (uint32_t) start,
		.labels = (uint32_t) chunk->labels.len,
		.audience_len = event->field[BEV_EVENT_AUDIENCE].len,
		.flags = bev_audience_flags(event->field[BEV_EVENT_AUDIENCE]),
	};
	bev_envelope_add(&chunk->bytes, message, n, event, true);
	frame->length = (uint32_t) (chunk->bytes.len - start);
	if (event->field[BEV_EVENT_OPEN_PAYLOAD].len > 0)
	{
		bev_envelope_add(&chunk->bytes, message, n, event, false);
		frame->open_length = (uint32_t) (chunk->bytes.len - start - frame->length);
	}
	add_label(chunk, event->field[BEV_EVENT_TYPE]);
	add_label(chunk, event->field[BEV_EVENT_KEY]);
	add_label(chunk, event->field[BEV_EVENT_ACTION]);
	add_label(chunk, event->field[BEV_EVENT_PROJECT]);
	add_label(chunk, event->field[BEV_EVENT_BUG]);
	add_label(chunk, event->field[BEV_EVENT_AUDIENCE]);
	chunk->covered = frame->seq;
}

/* A terminated label; *place moves behind it. */
static BevSpan
take_label(const char **place)
{
	BevSpan label = {*place, (uint32_t) strlen(*place)};

	*place += label.len + 1;
	return label;
}

void
bev_chunk_labels(const BevChunk *chunk, const BevFrame *frame, BevLabels *labels)
{
	const char *place = chunk->labels.data + frame->labels;

	labels->subject.type = take_label(&place);
	labels->subject.key = take_label(&place);
	labels->subject.action = take_label(&place);
	labels->subject.project = take_label(&place);
	labels->subject.bug = take_label(&place);
	labels->subject.facts = (BevSpan){NULL, 0};
	labels->audience = (BevSpan){place, frame->audience_len};
}

BevSpan
bev_chunk_facts(const BevChunk *chunk, const BevFrame *frame, const BevAskedFields *asked,
                bool for_admin)
{
	uint32_t i = (uint32_t) (frame - chunk->frame);

	bev_fact_table_refresh(chunk->facts, asked);
	while (chunk->facts->count <= i)
	{
		const BevFrame *next = &chunk->frame[chunk->facts->count];
		BevSpan open = bev_chunk_bytes(chunk, next, false);

		bev_fact_table_add(chunk->facts, asked, bev_chunk_bytes(chunk, next, true),
		                   next->open_length > 0 ? open : (BevSpan){NULL, 0});
	}
	return bev_fact_table_get(chunk->facts, i, for_admin);
}

BevSpan
bev_chunk_row(const BevChunk *chunk, const BevFrame *frame)
{
	const char *type = chunk->labels.data + frame->labels;
	const char *key = type + strlen(type) + 1;
	size_t key_len = strlen(key);

	return (BevSpan){type, key_len ? (uint32_t) (key - type + key_len) : 0};
}

void
bev_chunk_index(BevChunk *chunk)
{
	chunk->latest = bev_alloc(sizeof(BevLatest));
	for (uint32_t i = 0; i < chunk->count; i++)
	{
		BevSpan row = bev_chunk_row(chunk, &chunk->frame[i]);

		if (row.len > 0)
			bev_latest_note(chunk->latest, row, chunk->frame[i].seq);
	}
}

uint32_t
bev_chunk_find(const BevChunk *chunk, uint64_t seq)
{
	uint32_t low = 0;
	uint32_t high = chunk->count;

	while (low < high)
	{
		uint32_t middle = (low + high) / 2;

		if (chunk->frame[middle].seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
