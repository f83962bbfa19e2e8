/*
 * window.h - the most recent events, framed, within a bound of memory.
 *
 *      floor                                              tip
 *        | chunk | chunk | chunk | ... | chunk being filled |
 *
 * Every event in (floor, tip] is in the window.  What is older is in the
 * journal; replay.h brings it.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_WINDOW_H
#define BEV_GATEWAY_STREAM_WINDOW_H

#include "gateway/stream/chunk.h"

typedef struct BevWindow
{
	BevChunk **chunk; /* ring of size entries, oldest at head */
	uint32_t size;    /* a power of two */
	uint32_t head;
	uint32_t count;
	size_t bytes; /* of all chunks but the last */
	size_t limit;
	uint64_t floor;
	uint64_t tip;
	bool indexed;
	BevLatest latest; /* of what is in the window, while indexed */
} BevWindow;

/* Empty it: the stream begins after tip. */
extern void bev_window_reset(BevWindow *window, uint64_t tip);

/* Change the bound; the oldest chunks go at once. */
extern void bev_window_limit(BevWindow *window, size_t limit);

/* Append an event, whose seq is above the tip, which moves up to it. */
extern void bev_window_add(BevWindow *window, const BevEventsMessage *message, uint32_t n,
                           const BevEvent *event);

/* Nothing more will come up to this seq. */
extern void bev_window_advance(BevWindow *window, uint64_t tip);

/* Keep latest from now on, or keep it no more. */
extern void bev_window_index(BevWindow *window, bool indexed);

/*
 * Drop the oldest chunks until the bound is kept.  Apart from bev_window_add,
 * so that a batch stays whole until it was sent.
 */
extern void bev_window_trim(BevWindow *window);

/*
 * The chunk that holds the first event above seq, and its index there.  NULL:
 * there is none.  seq must not be below the floor.
 */
extern const BevChunk *bev_window_find(const BevWindow *window, uint64_t seq, uint32_t *index);

extern void bev_window_free(BevWindow *window);

#endif /* BEV_GATEWAY_STREAM_WINDOW_H */
