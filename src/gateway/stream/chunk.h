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
#ifndef BE_GATEWAY_STREAM_CHUNK_H
#define BE_GATEWAY_STREAM_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event/event.h"
#include "gateway/stream/latest.h"
#include "common/pipe/message.h"
#include "common/program/text.h"

/*
 * Bytes of frames that a chunk takes; a larger frame gets a chunk of its own.
 * Also the most that is written to a client in one call.
 */
#define BE_CHUNK_SIZE		(256 * 1024)

typedef struct BeFrame
{
	uint64_t	seq;
	uint32_t	offset;			/* into bytes */
	uint32_t	length;
	uint32_t	open_length;	/* of what others than admins get, if that differs */
	uint32_t	labels;			/* into labels */
	uint32_t	audience_len;
	uint8_t		flags;			/* BE_SEEN_BY_... */
} BeFrame;

typedef struct BeChunk
{
	uint64_t	after;
	uint64_t	covered;
	BeFrame    *frame;
	uint32_t	count;
	uint32_t	room;			/* allocated entries */
	BeText		bytes;
	BeText		labels;
	BeLatest   *latest;			/* of a whole chunk; NULL: nobody asked */
} BeChunk;

/* A stretch of a chunk, on the way to a client. */
typedef struct BeRun
{
	const char *data;			/* in the chunk, or gathered */
	size_t		len;
	uint64_t	reached;		/* everything up to here is dealt with */
	uint32_t	looked_at;		/* frames */
	uint32_t	frames;			/* of them, those in the run */
} BeRun;

/* What a subscription looks at; terminated strings within the chunk. */
typedef struct BeLabels
{
	const char *type;
	const char *action;
	const char *project;
	const char *bug;
	const char *key;
	BeSpan		audience;
} BeLabels;

extern BeChunk *be_chunk_create(uint64_t after);
extern void be_chunk_free(BeChunk *chunk);

/* Memory that the chunk takes. */
extern size_t be_chunk_size(const BeChunk *chunk);

/* Is there room for one more frame of about this many bytes? */
extern bool be_chunk_fits(const BeChunk *chunk, size_t length);

/*
 * Frame an event and append it: number n of the message, whose seq is above
 * chunk->covered, which moves up to it.
 */
extern void be_chunk_add(BeChunk *chunk, const BeEventsMessage *message,
						 uint32_t n, const BeEvent *event);

/* The frame's bytes, as they are for an admin or for others. */
static inline BeSpan
be_chunk_bytes(const BeChunk *chunk, const BeFrame *frame, bool for_admin)
{
	const char *data = chunk->bytes.data + frame->offset;

	if (for_admin || frame->open_length == 0)
		return (BeSpan) {data, frame->length};
	return (BeSpan) {data + frame->length, frame->open_length};
}

extern void be_chunk_labels(const BeChunk *chunk, const BeFrame *frame,
							BeLabels *labels);

/*
 * Which row the event is of: its type and key, as bytes within the labels.  Empty
 * for an event without a key.
 */
extern BeSpan be_chunk_row(const BeChunk *chunk, const BeFrame *frame);

/* Make latest, of a chunk to which nothing is added any more. */
extern void be_chunk_index(BeChunk *chunk);

/* Index of the first frame above seq; count when there is none. */
extern uint32_t be_chunk_find(const BeChunk *chunk, uint64_t seq);

#endif							/* BE_GATEWAY_STREAM_CHUNK_H */
