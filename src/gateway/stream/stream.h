/*
 * stream.h - the stream as far as this gateway holds it: the window, history on demand, and rows.
 *
 *		   dropped                floor                  tip
 *		------|--------- replay -----|------ window ------|
 *		 gone |                      |                    |
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_STREAM_H
#define BEV_GATEWAY_STREAM_STREAM_H

#include "gateway/stream/replay.h"
#include "gateway/stream/row_cache.h"
#include "gateway/stream/window.h"

typedef struct BevStream
{
	char id[BEV_STREAM_ID_LEN + 1]; /* empty until STREAM came */
	uint64_t dropped;               /* history up to here is gone */
	BevWindow window;
	BevReplay *replay;
	bool mid_transaction; /* more of the last one is to come */
	BevRowCache rows;     /* at the tip */
} BevStream;

#endif /* BEV_GATEWAY_STREAM_STREAM_H */
