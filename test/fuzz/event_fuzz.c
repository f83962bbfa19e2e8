/*
 * event_fuzz.c - event records: read, framed, and matched with an audience.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/stream/chunk.h"
#include "common/pipe/body.h"
#include "stage.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *data = malloc(size ? size : 1);
	BevSpan records = {data, (uint32_t) size};
	BevEventsMessage message = {.count = 1000, .first_seq = 1, .tx_n = 1, .tx_of = 1000, .xid = 7};
	BevChunk *chunk = bev_chunk_create(0);
	BevEvent event;
	uint32_t n = 0;

	memcpy(data, input, size);
	while (records.len > 0 && bev_body_next_record(&records, &event))
	{
		BevSpan rest = event.field[BEV_EVENT_AUDIENCE];
		BevSpan principal;
		BevLabels labels;

		if (event.size > size || event.size < BEV_EVENT_HEADER_SIZE)
			stage_fail("a record lies within its message");
		for (int i = 0; i < BEV_EVENT_FIELDS; i++)
			if (event.field[i].data < data ||
			    event.field[i].data + event.field[i].len > data + size)
				stage_fail("a field lies within its message");
		while (bev_audience_next(&rest, &principal))
			if (memchr(principal.data, '\n', principal.len))
				stage_fail("a principal is one line");
		bev_chunk_add(chunk, &message, n++, &event);
		bev_chunk_labels(chunk, &chunk->frame[chunk->count - 1], &labels);
	}
	bev_chunk_index(chunk);
	bev_chunk_free(chunk);
	free(data);
	return 0;
}
