/*
 * chunk.h - a run of events, framed for the wire, with what routes them.
 *
 *   after < seqs <= covered
 *
 *     bytes   | frame | frame | frame |            back to back, ready to send
 *     frame[]   seq, offset, length, labels        one entry each
 *     labels  | type\0key\0action\0project\0bug\0audience\0 | ...
 *
 * An event that has fields for admins only is framed twice: for them, and right behind
 * it for others.
 *
 * A chunk covers a range of the stream: every event in (after, covered] is in
 * it.  Seqs in between that have no frame belong to no event.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_CHUNK_H
#define BEV_GATEWAY_STREAM_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event/event.h"
#include "gateway/stream/fact_table.h"
#include "gateway/stream/latest.h"
#include "common/pipe/message.h"
#include "common/program/text.h"

/*
 * Bytes of frames that a chunk takes; a larger frame gets a chunk of its own.
 * Also the most that is written to a client in one call.
 */
#define BEV_CHUNK_SIZE (256 * 1024)

typedef struct BevFrame
{
	uint64_t seq;
	uint32_t offset; /* into bytes */
	uint32_t length;
	uint32_t open_length; /* of what others than admins get, if that differs */
	uint32_t labels;      /* into labels */
	uint32_t audience_len;
	uint8_t flags; /* BEV_SEEN_BY_... */
} BevFrame;

typedef struct BevChunk
{
	uint64_t after;
	uint64_t covered;
	bool whole; /* of history: with what is for admins */
	BevFrame *frame;
	uint32_t count;
	uint32_t room; /* allocated entries */
	BevText bytes;
	BevText labels;
	BevLatest *latest;   /* of a whole chunk; NULL: nobody asked */
	BevFactTable *facts; /* of its first frames: as far as somebody asked */
} BevChunk;

/* A stretch of a chunk, on the way to a client. */
typedef struct BevRun
{
	const char *data; /* in the chunk, or gathered */
	size_t len;
	uint64_t reached;   /* everything up to here is dealt with */
	uint32_t looked_at; /* frames */
	uint32_t frames;    /* of them, those in the run */
} BevRun;

/* What routes an event; spans within the chunk. */
typedef struct BevLabels
{
	BevSubject subject; /* but for its facts */
	BevSpan audience;
} BevLabels;

extern BevChunk *bev_chunk_create(uint64_t after);
extern void bev_chunk_free(BevChunk *chunk);

/* Memory that the chunk takes. */
extern size_t bev_chunk_size(const BevChunk *chunk);

/* Is there room for one more frame of about this many bytes? */
extern bool bev_chunk_fits(const BevChunk *chunk, size_t length);

/*
 * Frame an event and append it: number n of the message, whose seq is above
 * chunk->covered, which moves up to it.
 */
extern void bev_chunk_add(BevChunk *chunk, const BevEventsMessage *message, uint32_t n,
                          const BevEvent *event);

/* The frame's bytes, as they are for an admin or for others. */
static inline BevSpan
bev_chunk_bytes(const BevChunk *chunk, const BevFrame *frame, bool for_admin)
{
	const char *data = chunk->bytes.data + frame->offset;

	if (for_admin || frame->open_length == 0)
		return (BevSpan){data, frame->length};
	return (BevSpan){data + frame->length, frame->open_length};
}

extern void bev_chunk_labels(const BevChunk *chunk, const BevFrame *frame, BevLabels *labels);

/* The frame's facts as they are for an admin or for others; until more are asked for. */
extern BevSpan bev_chunk_facts(const BevChunk *chunk, const BevFrame *frame,
                               const BevAskedFields *asked, bool for_admin);

/*
 * Which row the event is of: its type and key, as bytes within the labels.  Empty
 * for an event without a key.
 */
extern BevSpan bev_chunk_row(const BevChunk *chunk, const BevFrame *frame);

/* Make latest, of a chunk to which nothing is added any more. */
extern void bev_chunk_index(BevChunk *chunk);

/* Index of the first frame above seq; count when there is none. */
extern uint32_t bev_chunk_find(const BevChunk *chunk, uint64_t seq);

#endif /* BEV_GATEWAY_STREAM_CHUNK_H */
