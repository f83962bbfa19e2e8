/*
 * stream.c - which positions are of the stream.
 *
 * Model: the dispatcher says which eras there were, and how far they are of this history
 * (server/journal/era.c).
 */
#include "gateway/stream/stream.h"

#include <string.h>

/* NULL: it isn't there. */
static const BevPastEra *
find_past(const BevStream *stream, const char *era)
{
	for (size_t i = 0; i < stream->past_count; i++)
		if (strcmp(era, stream->past[i].id) == 0)
			return &stream->past[i];
	return NULL;
}

bool
bev_stream_knows(const BevStream *stream, const char *era, uint64_t seq, uint64_t tip)
{
	const BevPastEra *past;

	if (strcmp(era, stream->id) == 0)
		return seq <= tip;
	past = find_past(stream, era);
	return past && seq <= past->upto;
}

bool
bev_stream_may_come_to(const BevStream *stream, const char *era, uint64_t seq, uint64_t tip)
{
	if (strcmp(era, stream->id) == 0)
		return seq > tip;
	return stream->follows && find_past(stream, era) == NULL;
}

void
bev_stream_fetch(BevStream *stream)
{
	uint64_t floor = bev_stream_floor(stream, false);

	bev_replay_ask(stream->replay, floor,
	               stream->whole_from == BEV_NOT_WHOLE ? floor : bev_stream_floor(stream, true));
}
