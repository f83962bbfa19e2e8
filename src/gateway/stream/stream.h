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
	BevPastEra *past;               /* eras that ended, which positions may be of */
	size_t past_count;
	bool follows;     /* a standby's: others may know of an era sooner */
	uint64_t dropped; /* history up to here is gone */
	BevWindow window;
	BevReplay *replay;
	bool mid_transaction; /* more of the last one is to come */
	BevRowCache rows;     /* at the tip */
} BevStream;

/*
 * Is a position of this history: a seq that was given out in this era, at most tip if it is the
 * last one?
 */
extern bool bev_stream_knows(const BevStream *stream, const char *era, uint64_t seq, uint64_t tip);

/* May it become one, as this is behind the server which gave it out? */
extern bool bev_stream_may_come_to(const BevStream *stream, const char *era, uint64_t seq,
                                   uint64_t tip);

#endif /* BEV_GATEWAY_STREAM_STREAM_H */
