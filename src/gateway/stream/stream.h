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

	/* Behind it the window has what is for admins; BEV_NOT_WHOLE: not even what is to come */
	uint64_t whole_from;
} BevStream;

#define BEV_NOT_WHOLE UINT64_MAX

/* Behind this seq the window has all that a client may see: an admin, or another one. */
static inline uint64_t
bev_stream_floor(const BevStream *stream, bool for_admin)
{
	return for_admin && stream->whole_from > stream->window.floor ? stream->whole_from :
	                                                                stream->window.floor;
}

/* Is what comes now all that there is for it? */
static inline bool
bev_stream_serves(const BevStream *stream, bool for_admin)
{
	return !for_admin || stream->whole_from != BEV_NOT_WHOLE;
}

/* Ask for the history that is waited for. */
extern void bev_stream_fetch(BevStream *stream);

/*
 * Is a position of this history: a seq that was given out in this era, at most tip if it is the
 * last one?
 */
extern bool bev_stream_knows(const BevStream *stream, const char *era, uint64_t seq, uint64_t tip);

/* May it become one, as this is behind the server which gave it out? */
extern bool bev_stream_may_come_to(const BevStream *stream, const char *era, uint64_t seq,
                                   uint64_t tip);

#endif /* BEV_GATEWAY_STREAM_STREAM_H */
